//! What an archive will say of a source upload, before it sees it.
//!
//! [`package`] judges a .changes (or a .dsc alone) and everything that belongs to
//! it: `launchpad` goes through the steps of Launchpad's upload processor in their
//! order and tells its literal messages, `debian` knows the outlines of Debian's.
//! [`recipe`] looks at a recipe before there is a package, `lintian` runs that.
//! The rules, with their codes and cures, are one table, [`rules`]; what an archive
//! holds is asked through [`holdings::Holdings`].
//!
//! Input is hostile: `documents` reads nothing outside the upload's folder,
//! `tagfile` reads any bytes, `unpack` judges tarballs as streams within limits.
//! Nothing is written, unpacked or run.

mod debian;
mod documents;
mod finding;
mod folder;
pub mod holdings;
mod keys;
mod launchpad;
pub mod lintian;
mod names;
pub mod path;
pub mod reachable;
pub mod recipe;
pub mod rules;
pub mod service;
mod signature;
mod suite;
mod tagfile;
mod unpack;

use std::path::Path;
use std::time::SystemTime;

pub use finding::{Finding, Level, Report, Verdict};
pub use folder::Folders;
pub use keys::Keys;

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::series::Distro;
use holdings::Holdings;

/// Whose rules are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Archive {
    /// A PPA, as Launchpad judges uploads
    Launchpad,
    /// Debian's own archive, as far as an upload tells by itself
    Debian,
    /// Nobody's: only that the files belong together
    None,
}

/// How to judge.
pub struct Options<'a> {
    /// Whose rules; `None`: Launchpad's, but Debian's for uploads to Debian's suites.
    pub archive: Option<Archive>,
    /// The upload path; `None`: the path of some PPA of Ubuntu that exists.
    pub path: Option<String>,
    /// What the PPA holds.
    pub ppa: &'a dyn Holdings,
    /// What Ubuntu's primary archive holds.
    pub primary: &'a dyn Holdings,
    /// What signatures are verified with.
    pub keys: &'a Keys,
    /// Rejects what is unsigned or signed by a key that is not at hand.
    pub require_signature: bool,
    /// Decides about expired keys and obsolete series.
    pub now: SystemTime,
    /// Threads.
    pub jobs: usize,
}

impl Options<'_> {
    /// The day, as an ISO date in UTC.
    fn today(&self) -> String {
        jiff::Timestamp::try_from(self.now).unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y-%m-%d").to_string()
    }
}

/// Judges a .changes with all its files, or a .dsc alone. Fails only where this
/// machine does: a file that cannot be read, an archive that does not answer.
pub fn package(control: &Path, options: &Options<'_>) -> Result<Report, Failure> {
    let is_changes = match control.extension().and_then(|extension| extension.to_str()) {
        Some("changes") => true,
        Some("dsc") => false,
        _ => {
            let message = format!("{} is neither a .changes nor a .dsc", control.display());
            return Err(Failure::new(Kind::Usage, Diagnostic::error("not-a-package", message)));
        }
    };
    match options.archive.unwrap_or_else(|| default_archive(control, options)) {
        Archive::Launchpad => launchpad::judge(control, is_changes, options),
        Archive::Debian => debian::judge(control, is_changes, options, true),
        Archive::None => debian::judge(control, is_changes, options, false),
    }
}

/// Debian's suites are Debian's business, unless the upload path names a PPA.
fn default_archive(control: &Path, options: &Options<'_>) -> Archive {
    let bytes = documents::read_limited(control, documents::LARGEST_DOCUMENT).ok().flatten().unwrap_or_default();
    let stanzas = tagfile::parse(&signature::payload(&bytes));
    let target = stanzas.first().and_then(|stanza| stanza.get("Distribution")).unwrap_or_default();
    // trixie-backports-sloppy and the like are Debian's as well
    let first = target.split('-').next().unwrap_or_default();
    let is_debian = ["unstable", "experimental", "stable", "testing"].contains(&first)
        || suite::find(first, Distro::Debian, &options.today()).is_some();
    if is_debian && options.path.is_none() { Archive::Debian } else { Archive::Launchpad }
}
