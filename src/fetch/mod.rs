//! Bytes from elsewhere into the content-addressed cache.
