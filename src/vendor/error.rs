//! Why dependencies were not vendored.

use thiserror::Error;

use super::Tool;
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// Why dependencies were not vendored.
#[derive(Debug, Error)]
pub enum VendorError {
    /// No lock file of a known language.
    #[error("{0} has no Cargo.lock, go.sum, package-lock.json or requirements.txt in its root")]
    NoLockFile(String),
    /// Several lock files.
    #[error("{0} has lock files of several languages")]
    Several(String, Vec<Tool>),
    /// The upstream tree has the folder.
    #[error("{0} has a folder vendor/ of its own")]
    Vendored(String),
    /// No target is selected.
    #[error("no target is selected")]
    NoTarget,
    /// There was nothing to fetch.
    #[error("{0} fetched nothing: there are no dependencies")]
    Nothing(Tool),
    /// The client is not on this machine.
    #[error("{0} is not on this machine")]
    Missing(Tool),
    /// The client failed: how it was called, what it said last.
    #[error("`{0}` failed")]
    Failed(String, String),
    /// A crate that is not from the registry.
    #[error("Cargo.lock names crates from elsewhere than the registry")]
    Foreign(String),
    /// A link, or a name that is not UTF-8.
    #[error("`{0}` cannot be packed")]
    Unpackable(String),
    /// xz had no memory.
    #[error("the memory is not enough to compress the tarball")]
    Memory,
}

impl VendorError {
    fn code(&self) -> &'static str {
        match self {
            VendorError::NoLockFile(_) => "no-lock-file",
            VendorError::Several(..) => "several-lock-files",
            VendorError::Vendored(_) => "vendored-already",
            VendorError::NoTarget => "no-target",
            VendorError::Nothing(_) => "nothing-to-vendor",
            VendorError::Missing(_) => "tool-missing",
            VendorError::Failed(..) => "vendoring-failed",
            VendorError::Foreign(_) => "foreign-crates",
            VendorError::Unpackable(_) => "cannot-be-packed",
            VendorError::Memory => "memory",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            VendorError::Several(..) | VendorError::NoTarget => Kind::Usage,
            VendorError::Missing(_) | VendorError::Failed(..) | VendorError::Memory => Kind::Environment,
            _ => Kind::Recipe,
        }
    }

    fn explain(&self, found: Diagnostic) -> Diagnostic {
        match self {
            VendorError::NoLockFile(_) => {
                found.hint("add the lock file to the source by a patch: `pkgr patch new`; it pins what is fetched")
            }
            VendorError::Several(_, tools) => {
                let names: Vec<String> = tools.iter().map(Tool::to_string).collect();
                found.hint(format!("choose one with --tool: {}", names.join(", ")))
            }
            VendorError::Vendored(_) => found.hint("the package builds without network as it is: nothing is to do"),
            VendorError::NoTarget => found.hint("give --only a selector that matches"),
            VendorError::Nothing(_) => found.hint("the package builds without network as it is: nothing is to do"),
            VendorError::Missing(tool) => found.hint(format!("install {}", tool.package())),
            VendorError::Failed(_, said) if said.is_empty() => found,
            VendorError::Failed(_, said) => found.because(said.clone()),
            VendorError::Foreign(source) => {
                found.because(source.clone()).hint("the build knows crates of crates.io only; patch Cargo.toml")
            }
            VendorError::Unpackable(_) => found.because("it is a link, no file, or its name is not UTF-8"),
            VendorError::Memory => found,
        }
    }
}

impl From<VendorError> for Failure {
    fn from(error: VendorError) -> Failure {
        let found = error.explain(Diagnostic::error(error.code(), error.to_string()));
        Failure::new(error.kind(), found)
    }
}
