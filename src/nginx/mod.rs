//! nginx and its modules: what files say of themselves, and what a module has
//! to be built with to load.
//!
//! [`binary`] reads an executable or a module from its ELF bytes ([`elf`]);
//! [`signature`] compares what nginx compares, and [`loading`] gives the verdict
//! on a module and an nginx. [`configure`] makes a module's configuration out of
//! nginx's own. [`fingerprint`] tells when the patched headers moved though the
//! signature did not ([`header`]). [`packaging`] reads nginx's source package.
//!
//! Nothing here runs nginx, unpacks a package to disk or asks the network.

pub mod binary;
pub mod configure;
pub mod elf;
pub mod fingerprint;
pub mod header;
pub mod loading;
pub mod packaging;
pub mod signature;
pub mod version;
