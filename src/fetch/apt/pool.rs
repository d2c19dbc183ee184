//! Versions of packages and their files in the pool. A pool may lack what a
//! signed index lists, as seen on real mirrors; then the newest version whose
//! files are all there is taken, and the listener hears of it. Offline, the cache
//! stands for the pool.

use std::path::PathBuf;

use super::entry::{self, BinaryEntry, PoolFile, SourceEntry};
use super::error::AptError;
use super::index::Kind;
use super::search::Wanted;
use super::{Archives, Scope};
use crate::deb::control;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::cache::Found;
use crate::fetch::digest;
use crate::fetch::error::FetchError;

/// The files of a source package, in the cache and verified.
#[derive(Debug, Clone)]
pub struct SourceFiles {
    /// The .dsc.
    pub dsc: PathBuf,
    /// Every other file with its place, in the entry's order.
    pub files: Vec<(PoolFile, PathBuf)>,
}

impl Archives<'_> {
    /// All versions of a source package in a scope, highest first; of equal
    /// versions, the release's before those of its pockets. Index only: the pool
    /// is not looked at.
    pub fn sources(&self, package: &str, scope: &Scope) -> Result<Vec<SourceEntry>, Failure> {
        Ok(self.listed_sources(package, scope)?)
    }

    pub(super) fn listed_sources(&self, package: &str, scope: &Scope) -> Result<Vec<SourceEntry>, AptError> {
        let mut entries = Vec::new();
        for stanza in self.stanzas(scope, Kind::Sources, Wanted::Packages(&[package]))? {
            entries.extend(entry::source(&stanza)?);
        }
        if entries.is_empty() {
            return Err(AptError::NotFound { what: format!("source package {package}"), suites: scope.names() });
        }
        entries.sort_by(|a, b| b.version.cmp(&a.version).then(a.suite.pocket.cmp(&b.suite.pocket)));
        Ok(entries)
    }

    /// The highest version of a source package whose files are all there, with
    /// those files in the cache.
    pub fn newest_source(&self, package: &str, scope: &Scope) -> Result<SourceEntry, Failure> {
        Ok(self.newest_whole(package, scope)?)
    }

    pub(super) fn newest_whole(&self, package: &str, scope: &Scope) -> Result<SourceEntry, AptError> {
        let entries = self.listed_sources(package, scope)?;
        let whole = self.first_whole(
            package,
            &entries,
            |entry| &entry.version,
            |entry| self.bring_source(entry).map(|_| format!("{} of {}", entry.version, entry.suite)),
        )?;
        Ok(whole.clone())
    }

    /// The first of `entries` that `bring` can bring; `bring` tells what it is.
    fn first_whole<'e, E>(
        &self,
        package: &str,
        entries: &'e [E],
        version: impl Fn(&E) -> &Version,
        bring: impl Fn(&E) -> Result<String, AptError>,
    ) -> Result<&'e E, AptError> {
        let mut missing = Vec::new();
        let mut offline = None;
        for entry in entries {
            match bring(entry) {
                Ok(_) if missing.is_empty() => return Ok(entry),
                Ok(what) => {
                    // what another pocket has of the same version is no step back
                    if entries.first().is_some_and(|first| version(first) != version(entry)) {
                        let place = if self.fetcher.options.offline { "cache" } else { "pool" };
                        let message = format!("the {place} lacks files of {package}'s newest version: using {what}");
                        let warning = Diagnostic::warning("apt-pool-incomplete", message);
                        let warning = missing.into_iter().fold(warning, |w, file: String| w.because(file));
                        self.fetcher.listener.tell(warning);
                    }
                    return Ok(entry);
                }
                Err(error) if error.is_missing() || error.is_offline() => {
                    missing.push(format!("version {}: {error}", version(entry)));
                    offline = offline.or(Some(error).filter(AptError::is_offline));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = offline {
            return Err(error);
        }
        Err(AptError::PoolEmpty { package: package.to_string(), missing })
    }

    /// The files of a source package: the .dsc, which must say what the index
    /// says, and all that it lists.
    pub fn source_files(&self, entry: &SourceEntry) -> Result<SourceFiles, Failure> {
        Ok(self.bring_source(entry)?)
    }

    fn bring_source(&self, entry: &SourceEntry) -> Result<SourceFiles, AptError> {
        let dsc = self.bring_pool_file(&entry.site, &entry.directory, &entry.dsc)?;
        let bytes = std::fs::read(&dsc).map_err(|e| FetchError::io("read", &dsc, e))?;
        check_dsc(&bytes, entry).map_err(|why| AptError::BadDsc { dsc: entry.dsc.name.clone(), why })?;
        let mut files = Vec::new();
        for file in &entry.files {
            files.push((file.clone(), self.bring_pool_file(&entry.site, &entry.directory, file)?));
        }
        Ok(SourceFiles { dsc, files })
    }

    /// One file of the pool, from the cache if it is there.
    pub fn pool_file(&self, site: &str, directory: &str, file: &PoolFile) -> Result<PathBuf, Failure> {
        Ok(self.bring_pool_file(site, directory, file)?)
    }

    pub(super) fn bring_pool_file(&self, site: &str, directory: &str, file: &PoolFile) -> Result<PathBuf, AptError> {
        let path = self.fetcher.cache.path(&file.sha256);
        if let Found::Whole(_) = self.fetcher.cache.find(&file.sha256)? {
            return Ok(path);
        }
        if self.fetcher.options.offline {
            return Err(FetchError::Offline { key: file.name.clone() }.into());
        }
        let url = format!("{site}/{}", quoted(&format!("{directory}/{}", file.name)));
        let missed = digest::sha256(format!("apt missed 1 {url}").as_bytes());
        match self.bring_exactly(&url, &file.sha256, file.size) {
            // a mirror of several machines may have it on one of them already;
            // what was not there before is asked for once
            Err(error) if error.is_missing() && self.fetcher.cache.memo(&missed).is_none() => {
                std::thread::sleep(self.fetcher.patience.first_wait);
                let again = self.bring_exactly(&url, &file.sha256, file.size);
                if again.as_ref().is_err_and(AptError::is_missing) {
                    self.fetcher.cache.set_memo(&missed, b"");
                }
                again?;
            }
            done => done?,
        }
        Ok(path)
    }

    /// All versions of binary packages of an architecture (and of `all`) in a
    /// scope, by the order of `packages`, highest first. Index only.
    pub fn binaries(&self, packages: &[&str], architecture: &str, scope: &Scope) -> Result<Vec<BinaryEntry>, Failure> {
        let entries = self.listed_binaries(Wanted::Packages(packages), architecture, scope)?;
        let place = |entry: &BinaryEntry| packages.iter().position(|name| *name == entry.package);
        let mut entries: Vec<(Option<usize>, BinaryEntry)> =
            entries.into_iter().map(|entry| (place(&entry), entry)).collect();
        entries.sort_by_key(|(place, _)| *place);
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    fn listed_binaries(&self, wanted: Wanted, architecture: &str, scope: &Scope) -> Result<Vec<BinaryEntry>, AptError> {
        let mut entries = Vec::new();
        for stanza in self.stanzas(scope, Kind::Packages(architecture), wanted)? {
            entries.push(entry::binary(&stanza)?);
        }
        entries.sort_by(|a, b| b.version.cmp(&a.version).then(a.suite.pocket.cmp(&b.suite.pocket)));
        Ok(entries)
    }

    /// The highest version of a binary package whose .deb is there, or exactly
    /// the `version` given; its .deb is in the cache.
    pub fn binary(
        &self,
        package: &str,
        architecture: &str,
        version: Option<&Version>,
        scope: &Scope,
    ) -> Result<(BinaryEntry, PathBuf), Failure> {
        let mut entries = self.listed_binaries(Wanted::Packages(&[package]), architecture, scope)?;
        entries.retain(|entry| version.is_none_or(|wanted| *wanted == entry.version));
        if entries.is_empty() {
            let version = version.map(|version| format!(" {version}")).unwrap_or_default();
            let what = format!("package {package}{version} ({architecture})");
            return Err(AptError::NotFound { what, suites: scope.names() }.into());
        }
        let whole = self.first_whole(
            package,
            &entries,
            |entry| &entry.version,
            |entry| {
                let brought = self.bring_pool_file(&entry.site, &entry.directory, &entry.file);
                brought.map(|_| format!("{} of {}", entry.version, entry.suite))
            },
        )?;
        Ok((whole.clone(), self.fetcher.cache.path(&whole.file.sha256)))
    }

    /// All versions of the binary packages of an architecture (and of `all`) that
    /// were built from a source package, highest first. Index only.
    pub fn binaries_of_source(
        &self,
        source: &str,
        architecture: &str,
        scope: &Scope,
    ) -> Result<Vec<BinaryEntry>, Failure> {
        let mut entries = self.listed_binaries(Wanted::Mentioning(source), architecture, scope)?;
        entries.retain(|entry| entry.source == source);
        Ok(entries)
    }

    /// The packages of an architecture that provide a name, or bear it, highest
    /// versions first; empty where none does.
    pub fn providers(&self, name: &str, architecture: &str, scope: &Scope) -> Result<Vec<BinaryEntry>, Failure> {
        let mut entries = self.listed_binaries(Wanted::Mentioning(name), architecture, scope)?;
        entries.retain(|entry| entry.is_provider_of(name));
        Ok(entries)
    }
}

/// The .dsc's own words, its signature cut off: the index vouches for its bytes.
fn check_dsc(bytes: &[u8], entry: &SourceEntry) -> Result<(), String> {
    let text = control::strip_signature(bytes).map_err(|e| e.to_string())?;
    let paragraphs = control::parse_bytes(&text).map_err(|e| e.to_string())?;
    let [dsc] = paragraphs.as_slice() else { return Err("it is not one paragraph".to_string()) };
    let version = dsc.get("Version").and_then(|text| Version::parse(text.trim()).ok());
    if dsc.get("Source").map(str::trim) != Some(entry.package.as_str()) || version.as_ref() != Some(&entry.version) {
        return Err("it names another source package or version".to_string());
    }
    let list = dsc.get("Checksums-Sha256").ok_or("it has no Checksums-Sha256")?;
    let mut listed: Vec<(&str, &str, &str)> = Vec::new();
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        match line.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
            [sha256, size, name] => listed.push((name, sha256, size)),
            _ => return Err(format!("`{}` is no line of Checksums-Sha256", line.trim())),
        }
    }
    for file in &entry.files {
        let size = file.size.to_string();
        let place = listed.iter().position(|line| *line == (file.name.as_str(), file.sha256.as_str(), size.as_str()));
        listed.remove(place.ok_or_else(|| format!("it does not list {} as the index does", file.name))?);
    }
    match listed.first() {
        Some((name, ..)) => Err(format!("it lists {name}, and the index does not")),
        None => Ok(()),
    }
}

/// A path in a URL: `+` and `%` are quoted, for some servers take them for
/// something else.
fn quoted(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' | '/' => text.push(c),
            _ => text.extend(c.to_string().bytes().map(|b| format!("%{b:02X}"))),
        }
    }
    text
}
