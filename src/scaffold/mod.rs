//! A new recipe folder that builds as it stands: a small example of one of four
//! kinds, or a recipe for a source that is there already.
//!
//! ```text
//! example   the four kinds, from templates/new
//! origin    a URL, tarball or folder → its bytes, name, version
//! facts     what its files say: licence, summary, nginx modules
//! recipe    all that as a recipe.toml
//! ```
//!
//! What is written here is checked as any recipe is before it reaches the disk.

mod example;
mod facts;
mod origin;
mod recipe;

use std::collections::BTreeMap;
use std::path::Path;

use crate::deb::names;
use crate::diagnostic::{Diagnostic, Failure, Kind as Weight};
use crate::fetch::Fetcher;
use crate::files;
use crate::listener::Listener;
use crate::series::{Distro, catalog};
use crate::watch::Services;
use recipe::Draft;

/// What a scaffold is an example of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A program with its manual page
    Program,
    /// Configuration or data, nothing that runs
    Files,
    /// A systemd unit
    Unit,
    /// A dynamic module of the distribution's nginx
    NginxModule,
}

/// What is asked for.
pub struct Request<'a> {
    /// Name of the source package.
    pub name: &'a str,
    /// Of what kind; with `from` it is read from the source.
    pub kind: Option<Kind>,
    /// URL, tarball or folder.
    pub from: Option<&'a str>,
    /// `Name <address>`, if known.
    pub maintainer: Option<String>,
    /// ISO date.
    pub today: &'a str,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Mode 0755 instead of 0644.
    pub executable: bool,
}

impl File {
    fn text(text: impl Into<Vec<u8>>) -> File {
        File { bytes: text.into(), executable: false }
    }
}

/// What reading a source needs.
pub struct Reading<'a> {
    /// Brings what is elsewhere.
    pub fetcher: &'a Fetcher<'a>,
    /// Where forges are.
    pub services: &'a Services,
    /// Hears what was left out.
    pub listener: &'a dyn Listener,
}

/// The files of the new folder, by name.
pub fn scaffold(request: &Request, reading: &Reading) -> Result<BTreeMap<String, File>, Failure> {
    names::check_source(request.name).map_err(|error| {
        let message = format!("`{}` cannot be the name of a package: {error}", request.name);
        Failure::new(Weight::Usage, Diagnostic::error("bad-name", message))
    })?;
    let draft = Draft::new(request.name, request.maintainer.clone(), series(request.today));
    let files = match request.from {
        None => example::files(draft, request.kind.unwrap_or(Kind::Program))?,
        Some(from) => origin::files(draft, request.kind, from, reading)?,
    };
    check(&files)?;
    Ok(files)
}

/// Writes the files into a folder that is not there yet, or empty; the recipe last.
pub fn write(files: &BTreeMap<String, File>, folder: &Path) -> Result<(), Failure> {
    let taken = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file();
    if taken {
        let message = format!("{} is there already, and not empty", folder.display());
        return Err(Failure::new(Weight::Usage, Diagnostic::error("exists", message).hint("name another one")));
    }
    let last = |name: &str| name == RECIPE;
    for (name, file) in files.iter().filter(|(name, _)| !last(name)).chain(files.iter().filter(|(name, _)| last(name)))
    {
        files::write_atomically(&folder.join(name), &file.bytes, file.executable)?;
    }
    Ok(())
}

const RECIPE: &str = "recipe.toml";

/// Ubuntu's LTS releases in general support.
fn series(today: &str) -> Vec<String> {
    let released = |release: &str| !release.is_empty() && release <= today;
    let supported = catalog().all().iter().filter(|series| {
        series.distro == Distro::Ubuntu && series.lts && released(&series.release) && !series.is_eol(today)
    });
    supported.map(|series| series.name.clone()).collect()
}

/// The recipe is read as it will be read.
fn check(files: &BTreeMap<String, File>) -> Result<(), Failure> {
    let text = files.get(RECIPE).map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).unwrap_or_default();
    crate::recipe::parse(Path::new(RECIPE), text)?.problems().clone().into_result()
}
