//! A rendered tree and its origs become a source package, in memory: the tarball,
//! .dsc, .buildinfo and .changes, unsigned, byte for byte the same for the same
//! input on any machine. Writes nothing to disk and runs no program.

pub mod compress;
pub mod source;
pub mod tar;

mod error;

pub use error::PackError;
pub use source::{Input, Orig, Packed, SourcePackage, assemble};
