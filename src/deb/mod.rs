//! Debian's formats as pure functions on bytes: deb822 paragraphs, versions,
//! relations, changelog, .dsc, .changes, .buildinfo, .deb. Knows nothing of recipes,
//! reads and writes no file, depends on no other part of pkgr.

pub mod architecture;
pub mod archive;
pub mod buildinfo;
pub mod changelog;
pub mod changes;
pub mod checksums;
pub mod control;
pub mod dsc;
pub mod ignored;
pub mod names;
pub mod relations;
pub mod source;
pub mod version;
