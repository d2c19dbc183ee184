//! A rendered tree and its origs become a source package.
