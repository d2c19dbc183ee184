//! What builds binary packages: an existing engine behind one trait.

mod sbuild;
mod unshare;

use std::path::Path;

use super::error::SandboxError;
use super::log::Log;
use super::machine::Program;
use super::namespace::Namespace;
use super::workspace::Workspace;
use crate::deb::control;
use crate::deb::relations::{self, Kind};
use crate::diagnostic::Failure;
use crate::files;
use crate::series::Series;

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// sbuild in its unshare mode, with the user's own configuration of it
    Sbuild,
    /// dpkg-buildpackage in a root of mmdebstrap, entered by unshare
    Unshare,
}

impl Backend {
    pub(super) fn engine(self) -> Box<dyn Engine> {
        match self {
            Backend::Sbuild => Box::new(sbuild::Sbuild),
            Backend::Unshare => Box::new(unshare::Unshare),
        }
    }

    /// As the command line names it.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Sbuild => "sbuild",
            Backend::Unshare => "unshare",
        }
    }
}

/// Builds.
pub(super) trait Engine {
    /// The programs that it needs.
    fn programs(&self) -> &'static [Program];

    /// Builds the package in the workspace's `shared/source-package`. Leaves its
    /// patched tree, as it was before the build, in `shared/source`, and
    /// the packages with their index in `shared/debs`.
    fn build(&self, request: &mut Request) -> Result<Vec<BinaryPackage>, Failure>;
}

/// What is to be built, where.
pub(super) struct Request<'a> {
    pub series: &'a Series,
    pub architecture: &'a str,
    /// Name of the .dsc in `shared/source-package`.
    pub dsc: &'a str,
    /// Tarball of the build root.
    pub root: &'a Path,
    pub namespace: &'a Namespace,
    pub workspace: &'a Workspace,
    pub log: &'a mut Log,
    pub jobs: usize,
    pub shell_on_failure: bool,
}

/// A package that came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryPackage {
    /// Its name.
    pub name: String,
    /// Full version.
    pub version: String,
    /// Of the .deb, in `shared/debs`.
    pub file_name: String,
    /// Whether it has only debug symbols.
    pub is_debug: bool,
    /// The packages of its Depends, of alternatives the first.
    pub depends: Vec<String>,
}

/// Reads `shared/debs/Packages`, which dpkg-scanpackages wrote; sorted by file name.
fn read_index(shared: &Path) -> Result<Vec<BinaryPackage>, Failure> {
    let path = shared.join("debs/Packages");
    let wrong = |message: String| SandboxError::NotASourcePackage { path: path.clone(), message };
    let mut packages = Vec::new();
    for paragraph in control::parse_bytes(&files::read(&path)?).map_err(|e| wrong(e.to_string()))? {
        let field = |name: &str| paragraph.get_filled(name).unwrap_or_default().trim().to_string();
        let depends = relations::parse(&field("Depends"), Kind::Depends).map_err(|e| wrong(e.to_string()))?;
        packages.push(BinaryPackage {
            name: field("Package"),
            version: field("Version"),
            file_name: field("Filename").trim_start_matches("./").to_string(),
            is_debug: field("Auto-Built-Package") == "debug-symbols",
            depends: depends
                .clauses
                .into_iter()
                .filter_map(|clause| Some(clause.into_iter().next()?.package))
                .collect(),
        });
    }
    packages.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    Ok(packages)
}
