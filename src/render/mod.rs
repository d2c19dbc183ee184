//! A target's `debian/` folder, and the payload of its tree, as files in memory.
//!
//! [`render`] asks each part for its files and puts them together:
//! `payload` brings the recipe's own files, `staging` says which debhelper
//! file or command puts them in place, `systems` knows the build systems,
//! `rules` writes debian/rules from both, `nginx` knows nginx's modules, `control`, `copyright`,
//! `maintainer`, `autopkgtest` and `watch` write the files of their names. Nothing
//! here reads the clock, the environment or the upstream tarball: what is known
//! of that comes through [`Upstream`].

mod autopkgtest;
mod control;
mod copyright;
mod diff;
mod error;
mod licence;
mod maintainer;
mod nginx;
mod payload;
mod rules;
mod rules_mk;
pub(crate) mod sh;
mod source;
mod staging;
mod systems;
mod template;
mod units;
mod watch;
mod write;

use std::collections::BTreeMap;

use crate::diagnostic::Failure;
use crate::plan::Target;

pub use copyright::licences_without_text;
pub use diff::diff;
pub use error::RenderError;

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

impl Tree {
    /// Adds or replaces a generated file of mode 0644.
    fn add(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), File { bytes: text.into(), executable: false, origin: Origin::Generated });
    }

    /// Adds or replaces a generated file of mode 0755.
    fn add_executable(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), File { bytes: text.into(), executable: true, origin: Origin::Generated });
    }
}

/// The paths of the unpacked upstream tree, components included, relative to
/// its root and without a leading `./`.
pub trait Upstream {
    /// The paths, folders among them, that a shell pattern names (`*`, `?`,
    /// `[…]`, and `**` for any depth), in byte order. None for a pattern that is
    /// none.
    fn glob(&self, pattern: &str) -> Vec<String>;
    /// Whether this file or folder is there.
    fn contains(&self, path: &str) -> bool;
}

/// What [`render`] needs beside the target.
#[derive(Default)]
pub struct Inputs<'a> {
    /// The upstream tree; `None` in a native package, or where it is not to be
    /// fetched: then patterns are not checked and build systems not detected.
    pub listing: Option<&'a dyn Upstream>,
    /// The armored keys that upstream signs with, for debian/upstream.
    pub signing_key: Option<Vec<u8>>,
}

/// Renders everything that pkgr adds to the upstream tree.
///
/// Fails with all that is wrong at once: patterns that match nothing upstream,
/// a licence without a text, a build system that the series does not have.
pub fn render(target: &Target, inputs: &Inputs<'_>) -> Result<Tree, Failure> {
    let mut errors = Vec::new();
    let mut tree = Tree::default();
    let system = match target.nginx {
        Some(_) => nginx::system(),
        None => systems::System::of(target, inputs.listing),
    };
    if let Some(error) = system.missing_in(target) {
        errors.push(error);
    }
    payload::add(target, &mut tree)?;
    let staging = staging::Staging::of(target, inputs.listing, &tree, &mut errors);
    staging.add(&mut tree);
    if let Some(nginx) = &target.nginx {
        nginx::add(target, nginx, &mut tree);
    }
    source::add(target, inputs, &mut tree)?;
    if let Some(watch) = &target.watch {
        tree.add("debian/watch", watch::render(target, watch, inputs.signing_key.is_some()));
    }
    tree.add("debian/control", control::render(target, system));
    match copyright::render(target, inputs.listing) {
        Ok(text) => tree.add("debian/copyright", text),
        Err(error) if target.overrides.iter().any(|path| path == "copyright") => drop(error),
        Err(error) => errors.push(error),
    }
    match rules::render(target, system, &staging, inputs.listing) {
        Ok(text) => tree.add_executable("debian/rules", text),
        Err(error) => errors.push(error),
    }
    rules::add_scripts(&target.build, &mut tree);
    maintainer::add(target, &mut tree)?;
    autopkgtest::add(target, &mut tree);
    payload::add_overrides(target, &mut tree, &mut errors)?;
    rules_mk::check(target, &tree, &mut errors);
    source::add_options(&mut tree);
    source::add_include_binaries(target, &mut tree);
    RenderError::all(errors)?;
    Ok(tree)
}
