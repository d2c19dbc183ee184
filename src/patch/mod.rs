//! Unified diffs, applied as `dpkg-source` applies the patches of a
//! `3.0 (quilt)` package: what it would refuse is refused here, at the recipe
//! and with the hunk shown; what it accepts is accepted.
//!
//! `dpkg-source` judges a patch twice, and so does this module, because the two
//! judges read different things into the same bytes: `analysis` holds dpkg's
//! own checks (`Dpkg::Source::Patch`), `reading` and `apply` what
//! `patch -t -F 0 -N -p1 -u -V never -E` then does (GNU patch 2.7; POSIX
//! `patch` says which file is meant). Offsets are fine, fuzz is not.
//!
//! Nothing is unpacked: patches work on a [`Tree`], changes in memory over the
//! members of the upstream tarball. [`dep3`] reads and [`header`] writes what stands above
//! a diff, [`diff`] makes diffs, [`refresh`] takes offsets and fuzz out of a patch.
//! Which patches a recipe has is not known here.

mod analysis;
mod apply;
pub mod dep3;
pub mod diff;
mod error;
mod explain;
pub mod header;
mod hunk;
mod lines;
mod names;
mod reading;
pub mod refresh;
mod tree;

use std::collections::BTreeSet;

pub use apply::{Applied, Placed, apply, apply_series, unpack_series};
pub use error::{Obstacle, PatchError};
pub use tree::{Base, EntryKind, MemoryBase, Tree};

use crate::diagnostic::Diagnostic;

/// One patch, read once and applied to any number of trees.
#[derive(Debug, Clone)]
pub struct PatchFile {
    /// How messages name it: the path that the recipe gives.
    pub name: String,
    /// The file, byte for byte.
    pub bytes: Vec<u8>,
    headers: Vec<analysis::Header>,
    files: Vec<reading::FilePatch>,
    warnings: Vec<Diagnostic>,
}

impl PatchFile {
    /// The paths below the root of the tree that the patch may read or write,
    /// in byte order. Each is a file of the tree, a file to come, or (old and new
    /// names that differ) the name that is not meant.
    pub fn touched(&self) -> BTreeSet<Vec<u8>> {
        let meant = self.files.iter().flat_map(|f| f.names.iter().flatten());
        let named = self.headers.iter().flat_map(|h| [&h.old.path, &h.new.path].into_iter().flatten());
        meant.chain(named).map(|name| names::normal(name)).filter(|path| !path.is_empty()).collect()
    }

    /// What is odd about it, but accepted by dpkg-source.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// How many hunks it has.
    pub fn hunks(&self) -> usize {
        self.files.iter().map(|f| f.hunks.len()).sum()
    }
}

/// Reads a patch and makes all checks that need no tree. `name` is how messages
/// call it.
pub fn parse(name: &str, bytes: &[u8]) -> Result<PatchFile, PatchError> {
    let lines = lines::split(bytes);
    let analysis = analysis::analyze(name, bytes, &lines)?;
    let files = reading::read(name, bytes, &lines)?;
    Ok(PatchFile {
        name: name.to_string(),
        bytes: bytes.to_vec(),
        headers: analysis.headers,
        files,
        warnings: analysis.warnings,
    })
}

/// The paths that a whole series may read or write: what has to be in memory
/// before [`apply_series`], as far as the tree has it.
pub fn touched(patches: &[PatchFile]) -> BTreeSet<Vec<u8>> {
    patches.iter().flat_map(PatchFile::touched).collect()
}

#[cfg(test)]
mod tests;
