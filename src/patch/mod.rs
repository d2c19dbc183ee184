//! Unified diffs, applied as dpkg-source applies them.
