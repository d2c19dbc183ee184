//! A target's `debian/` folder, and the payload of its tree, as files in memory.

use std::collections::BTreeMap;

/// Where a file of the tree came from, for the report and for error messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Written by pkgr.
    Generated,
    /// The recipe's `debian/` replaced the generated file.
    Override,
    /// A file of the recipe's folder (path relative to it).
    Recipe(String),
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Content.
    pub bytes: Vec<u8>,
    /// Mode 0755 instead of 0644.
    pub executable: bool,
    /// Where it came from.
    pub origin: Origin,
}

/// The files that pkgr adds to the upstream tree (all of them, in a native
/// package), by path relative to the root of the tree: `debian/control`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// In byte order of path, which is the order in the tarball.
    pub files: BTreeMap<String, File>,
}
