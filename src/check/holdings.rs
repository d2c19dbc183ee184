//! What an archive holds, as far as a check has to know it. Answered by folders
//! ([`super::folder::Folders`]), by Launchpad's web service, or by nobody.
//!
//! One implementor stands for one archive: the PPA, or the primary archive.

use std::path::PathBuf;

use crate::deb::checksums::Checksums;
use crate::diagnostic::Failure;

/// An archive to ask. Every answer may cost a request, so implementors remember.
pub trait Holdings: Sync {
    /// How Launchpad's messages call it, such as `Primary Archive for Ubuntu`.
    fn display_name(&self) -> String;

    /// Whether anybody was asked: an archive that nobody knows counts as empty,
    /// and the report says so.
    fn is_known(&self) -> bool;

    /// The publications of the source package `name`, exactly, in all series and
    /// whatever became of them.
    fn sources(&self, name: &str) -> Result<Vec<Publication>, Failure>;

    /// The file of this name that belongs or once belonged to a source package
    /// there. Deleted publications count.
    fn file(&self, name: &str) -> Result<Option<HeldFile>, Failure>;

    /// What the owner has set; the defaults of a new PPA where it is not known.
    fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::default())
    }
}

/// One source package in one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// With its epoch, as it was uploaded.
    pub version: String,
    /// Code name; `None`: in the series of whatever upload is asked about.
    pub series: Option<String>,
    /// What became of it.
    pub status: Status,
}

impl Publication {
    /// Whether a newer upload to `series` is compared with it.
    pub fn is_active_in(&self, series: &str) -> bool {
        let here = self.series.as_deref().is_none_or(|own| own == series);
        here && matches!(self.status, Status::Pending | Status::Published)
    }
}

/// The states of a publication, as Launchpad names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Status {
    Pending,
    Published,
    Superseded,
    Deleted,
    Obsolete,
}

/// A file of a source package, as far as its archive tells. Digests are in
/// lower-case hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct HeldFile {
    pub size: Option<u64>,
    pub md5: Option<String>,
    pub sha1: Option<String>,
    pub sha256: Option<String>,
    /// Where its bytes are on this machine, if they are.
    pub path: Option<PathBuf>,
}

impl HeldFile {
    /// Whether these are the same bytes, by whatever both tell; `None` where the
    /// archive tells nothing of its file.
    pub fn is_same(&self, other: &Checksums) -> Option<bool> {
        let digests = [(&self.sha256, &other.sha256), (&self.sha1, &other.sha1), (&self.md5, &other.md5)];
        let known = digests.into_iter().find_map(|(held, digest)| Some(held.as_ref()? == digest));
        match (known, self.size) {
            (_, Some(size)) if size != other.size => Some(false),
            (known, _) => known,
        }
    }
}

/// How an archive is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Architectures that it builds for.
    pub architectures: Vec<String>,
    /// Whether it takes uploads to obsolete series.
    pub obsolete_series: bool,
    /// Whether it takes uploads at all.
    pub enabled: bool,
    /// How much of its space is used, where that is known.
    pub quota: Option<Quota>,
}

impl Default for Settings {
    /// A new PPA builds for amd64 alone.
    fn default() -> Self {
        Settings { architectures: vec!["amd64".into()], obsolete_series: false, enabled: true, quota: None }
    }
}

/// Space of an archive, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What is in it.
    pub used: u64,
    /// What it may hold.
    pub limit: u64,
}

/// An archive that nobody was asked about: it counts as empty.
#[derive(Debug, Clone)]
pub struct Unknown {
    name: String,
}

impl Unknown {
    /// `name` is what messages call it.
    pub fn new(name: impl Into<String>) -> Unknown {
        Unknown { name: name.into() }
    }
}

impl Holdings for Unknown {
    fn display_name(&self) -> String {
        self.name.clone()
    }

    fn is_known(&self) -> bool {
        false
    }

    fn sources(&self, _: &str) -> Result<Vec<Publication>, Failure> {
        Ok(Vec::new())
    }

    fn file(&self, _: &str) -> Result<Option<HeldFile>, Failure> {
        Ok(None)
    }
}
