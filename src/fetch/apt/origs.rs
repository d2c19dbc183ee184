//! `apt = "…"` sources: the orig tarballs of a source package of the target's own
//! archive, byte for byte.

use std::path::PathBuf;

use super::entry::PoolFile;
use super::error::AptError;
use super::sites::sites;
use super::{Archives, Pocket, Scope, Suite};
use crate::diagnostic::Failure;
use crate::fetch::cache::Found;
use crate::fetch::compression::Detected;
use crate::fetch::error::FetchError;
use crate::fetch::{Fetched, detect, not_an_archive};
use crate::lock::{Lock, Pin};
use crate::plan as pool;
use crate::series::{Series, catalog};

/// A source package in the archive of a series.
#[derive(Debug, Clone)]
pub struct AptSource {
    /// The source package.
    pub package: String,
    /// Whose archive.
    pub series: Series,
}

/// One orig tarball.
#[derive(Debug, Clone)]
pub struct AptOrig {
    /// As the archive names it, e.g. `nginx_1.22.1.orig.tar.gz`.
    pub name: String,
    /// `doc` for `orig-doc.tar.gz`.
    pub component: Option<String>,
    /// Its bytes and its pin; no upstream signature.
    pub fetched: Fetched,
}

impl AptSource {
    /// What the pins of its orig tarballs begin with; the file's name follows.
    pub fn key(&self) -> String {
        format!("apt:{}/{}/{}/", self.series.distro, self.series, self.package)
    }
}

impl Archives<'_> {
    /// The orig tarballs of a source package, the main one first: those that the
    /// lock pins, else those of the newest version whose files are all there.
    /// With a warm cache, pinned ones need neither index nor network.
    pub fn origs(&self, source: &AptSource, lock: &Lock) -> Result<Vec<AptOrig>, Failure> {
        Ok(self.bring_origs(source, lock)?)
    }

    fn bring_origs(&self, source: &AptSource, lock: &Lock) -> Result<Vec<AptOrig>, AptError> {
        let key = source.key();
        let pinned: Vec<&Pin> = lock.sources.iter().filter(|pin| pin.from.starts_with(&key)).collect();
        if pinned.is_empty() && self.fetcher.options.locked {
            return Err(FetchError::NotLocked { key: key.trim_end_matches('/').to_string() }.into());
        }
        let mut origs = Vec::new();
        if pinned.is_empty() {
            let entry = self.newest_whole(&source.package, &Scope::of(&source.series))?;
            for file in entry.origs() {
                let path = self.bring_pool_file(&entry.site, &entry.directory, file)?;
                origs.push(self.orig(&key, file, path)?);
            }
            if origs.is_empty() {
                let what = format!("an orig tarball of {} {}, a native package,", entry.package, entry.version);
                return Err(AptError::NotFound { what, suites: vec![entry.suite.to_string()] });
            }
        } else {
            for pin in pinned {
                let name = pin.from.get(key.len()..).unwrap_or_default().to_string();
                let file = PoolFile { name, sha256: pin.sha256.clone(), size: pin.size };
                let path = self.bring_pinned(source, &file)?;
                origs.push(self.orig(&key, &file, path)?);
            }
        }
        origs.sort_by(|a, b| a.component.cmp(&b.component));
        Ok(origs)
    }

    /// A pinned file: from the cache, else from wherever the archive still lists
    /// these very bytes.
    fn bring_pinned(&self, source: &AptSource, file: &PoolFile) -> Result<PathBuf, AptError> {
        if let Found::Whole(_) = self.fetcher.cache.find(&file.sha256)? {
            return Ok(self.fetcher.cache.path(&file.sha256));
        }
        if self.fetcher.options.offline {
            return Err(FetchError::Offline { key: format!("{}{}", source.key(), file.name) }.into());
        }
        let gone = || AptError::PinGone { file: file.name.clone(), sha256: file.sha256.clone() };
        let entries = self.listed_sources(&source.package, &Scope::of(&source.series))?;
        for entry in entries.iter().filter(|entry| entry.files.contains(file)) {
            match self.bring_pool_file(&entry.site, &entry.directory, file) {
                Err(error) if error.is_missing() => {}
                done => return done,
            }
        }
        Err(gone())
    }

    /// A file that the lock's `[[follow]]` pins: its digest is trusted, so no index
    /// is asked, only the pools where the series' suites may be.
    pub fn pinned(&self, file: &pool::PoolFile) -> Result<PathBuf, Failure> {
        Ok(self.bring_from_pools(file)?)
    }

    fn bring_from_pools(&self, pinned: &pool::PoolFile) -> Result<PathBuf, AptError> {
        let (directory, name) = pinned.path.rsplit_once('/').unwrap_or(("", &pinned.path));
        let file = PoolFile { name: name.to_string(), sha256: pinned.sha256.clone(), size: pinned.size };
        let gone = || AptError::PinGone { file: file.name.clone(), sha256: file.sha256.clone() };
        let series = catalog().find(&pinned.series).ok_or_else(gone)?;
        let mut urls: Vec<String> = Vec::new();
        for suite in Pocket::ALL.into_iter().filter_map(|pocket| Suite::new(series, pocket)) {
            for site in sites(&self.settings, self.machine(), &suite, None)? {
                if !urls.contains(&site.url) {
                    urls.push(site.url);
                }
            }
        }
        let mut refused = None;
        for url in urls {
            match self.bring_pool_file(&url, directory, &file) {
                Err(error) if error.is_missing() => {}
                // one mirror's bad bytes are no reason not to ask another
                Err(error @ AptError::Hash { .. }) => refused = refused.or(Some(error)),
                done => return done,
            }
        }
        Err(refused.unwrap_or_else(gone))
    }

    fn orig(&self, key: &str, file: &PoolFile, path: PathBuf) -> Result<AptOrig, AptError> {
        let compression = match detect(&path, &file.name)? {
            Detected::Usable(compression) => compression,
            _ => return Err(not_an_archive(file.name.clone(), &path).into()),
        };
        let Found::Whole(checksums) = self.fetcher.cache.find(&file.sha256)? else {
            return Err(FetchError::Offline { key: file.name.clone() }.into());
        };
        let pin = Pin {
            from: format!("{key}{}", file.name),
            commit: None,
            sha256: checksums.sha256.clone(),
            size: checksums.size,
            published: None,
        };
        let component = file.name.split_once(".orig-").and_then(|(_, rest)| rest.split_once(".tar"));
        let component = component.map(|(name, _)| name.to_string());
        let fetched = Fetched { path, checksums, compression, pins: vec![pin], signature: None, signing_key: None };
        Ok(AptOrig { name: file.name.clone(), component, fetched })
    }
}
