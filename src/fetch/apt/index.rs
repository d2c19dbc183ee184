//! The indexes of a suite, Sources and Packages: fetched in their smallest form,
//! by hash where the archive offers that, and searched as a stream.

use std::fs::File;
use std::io::Read;

use super::error::AptError;
use super::release::{Listed, Release};
use super::search::{Wanted, search};
use super::{Archives, Scope, Suite, Verified};
use crate::fetch::cache::Found;
use crate::fetch::compression::{Compression, decoder};
use crate::fetch::digest;
use crate::fetch::error::FetchError;
use crate::parallel;

/// The largest index of Debian and Ubuntu together has a hundred megabytes.
const LARGEST_INDEX: u64 = 2 << 30;

/// Which index of each component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'k> {
    /// Source packages.
    Sources,
    /// Binary packages of an architecture.
    Packages(&'k str),
}

impl Kind<'_> {
    /// For [`super::sites::sites`].
    fn architecture(&self) -> Option<&str> {
        match self {
            Kind::Sources => None,
            Kind::Packages(name) => Some(name),
        }
    }

    /// Paths of the indexes of a component, without their compression.
    fn paths(&self, component: &str, release: &Release) -> Vec<String> {
        match self {
            Kind::Sources => vec![format!("{component}/source/Sources")],
            Kind::Packages(name) => {
                let mut paths = vec![format!("{component}/binary-{name}/Packages")];
                if release.separate_all && *name != "all" {
                    paths.push(format!("{component}/binary-all/Packages"));
                }
                paths
            }
        }
    }
}

/// One stanza and where it was found.
#[derive(Debug, Clone)]
pub struct Stanza {
    /// The stanza's bytes.
    pub text: Vec<u8>,
    /// The suite.
    pub suite: Suite,
    /// The archive's address.
    pub site: String,
    /// `main`.
    pub component: String,
    /// Path of the index, for messages.
    pub index: String,
}

/// An index to look into.
struct Index {
    path: String,
    component: String,
}

impl Archives<'_> {
    /// The wanted stanzas of all suites of a scope, in the order of the suites.
    pub(super) fn stanzas(&self, scope: &Scope, kind: Kind, wanted: Wanted) -> Result<Vec<Stanza>, AptError> {
        let suites = scope.suites();
        let results = parallel::map(&suites, suites.len(), |suite| self.of_suite(suite, scope, kind, wanted));
        let mut stanzas = Vec::new();
        for result in results {
            stanzas.extend(result?);
        }
        Ok(stanzas)
    }

    fn of_suite(&self, suite: &Suite, scope: &Scope, kind: Kind, wanted: Wanted) -> Result<Vec<Stanza>, AptError> {
        let Some(verified) = self.verified(suite, kind.architecture())? else { return Ok(vec![]) };
        match self.of_release(&verified, scope, kind, wanted) {
            // the archive may have been updated between its Release file and its index
            Err(AptError::Hash { .. }) => {}
            Err(error) if error.is_missing() => {}
            done => return done,
        }
        self.fetcher.listener.detail(&format!("an index of {suite} is not the one of its Release file: once more"));
        self.forget(&verified);
        match self.verified(suite, kind.architecture())? {
            Some(verified) => self.of_release(&verified, scope, kind, wanted),
            None => Ok(vec![]),
        }
    }

    fn of_release(
        &self,
        verified: &Verified,
        scope: &Scope,
        kind: Kind,
        wanted: Wanted,
    ) -> Result<Vec<Stanza>, AptError> {
        let mut stanzas = Vec::new();
        for component in &scope.components {
            for path in kind.paths(component, &verified.release) {
                let index = Index { path, component: component.clone() };
                stanzas.extend(self.of_index(verified, &index, wanted)?);
            }
        }
        Ok(stanzas)
    }

    fn of_index(&self, verified: &Verified, index: &Index, wanted: Wanted) -> Result<Vec<Stanza>, AptError> {
        // an archive lists no index of what it does not have
        let Some((ending, listed)) = smallest(&verified.release, &index.path) else { return Ok(vec![]) };
        let texts = match wanted {
            Wanted::Packages(names) => self.packages(verified, index, (ending, listed), names)?,
            Wanted::Mentioning(_) => {
                let question = question(listed, wanted);
                match self.fetcher.cache.memo(&question) {
                    Some(known) => split(&known),
                    None => {
                        let found = self.look(verified, index, (ending, listed), wanted)?;
                        self.fetcher.cache.set_memo(&question, &found.join(&b'\n'));
                        found
                    }
                }
            }
        };
        let stanza = |text| Stanza {
            text,
            suite: verified.suite.clone(),
            site: verified.site.url.clone(),
            component: index.component.clone(),
            index: format!("{}/{}", verified.suite, index.path),
        };
        Ok(texts.into_iter().map(stanza).collect())
    }

    /// Packages by name: those asked for before are known, and one pass finds all
    /// the others.
    fn packages(
        &self,
        verified: &Verified,
        index: &Index,
        (ending, listed): (&str, &Listed),
        names: &[&str],
    ) -> Result<Vec<Vec<u8>>, AptError> {
        let cache = &self.fetcher.cache;
        let key = |name: &str| question(listed, Wanted::Packages(&[name]));
        let mut texts = Vec::new();
        let mut unknown = Vec::new();
        for name in names {
            match cache.memo(&key(name)) {
                Some(known) => texts.extend(split(&known)),
                None => unknown.push(*name),
            }
        }
        if unknown.is_empty() {
            return Ok(texts);
        }
        let found = self.look(verified, index, (ending, listed), Wanted::Packages(&unknown))?;
        for name in unknown {
            let line = format!("Package: {name}");
            let is_its = |text: &&Vec<u8>| text.split(|b| *b == b'\n').any(|other| other == line.as_bytes());
            let its: Vec<&[u8]> = found.iter().filter(is_its).map(Vec::as_slice).collect();
            cache.set_memo(&key(name), &its.join(&b'\n'));
        }
        texts.extend(found);
        Ok(texts)
    }

    /// Brings the index and searches it.
    fn look(
        &self,
        verified: &Verified,
        index: &Index,
        (ending, listed): (&str, &Listed),
        wanted: Wanted,
    ) -> Result<Vec<Vec<u8>>, AptError> {
        let path = format!("{}{ending}", index.path);
        let url = format!("{}/dists/{}/{path}", verified.site.url, verified.suite);
        if listed.size > LARGEST_INDEX {
            return Err(AptError::BadIndex { url, why: format!("it is said to have {} bytes", listed.size) });
        }
        self.bring_index(verified, &path, &url, listed)?;
        let file = self.fetcher.cache.path(&listed.sha256);
        let opened = File::open(&file).map_err(|e| FetchError::io("read", &file, e))?;
        let reader = open(ending, opened).map_err(|e| FetchError::io("read", &file, e))?;
        let limit = verified.release.index(&index.path).map_or(LARGEST_INDEX, |plain| plain.size.min(LARGEST_INDEX));
        let mut found = Vec::new();
        search(reader, limit, wanted, |stanza| found.push(stanza.to_vec()))
            .map_err(|e| AptError::BadIndex { url, why: e.to_string() })?;
        Ok(found)
    }

    /// By hash first: that name never means other bytes, also while the archive
    /// is being updated.
    fn bring_index(&self, verified: &Verified, path: &str, url: &str, listed: &Listed) -> Result<(), AptError> {
        let sha256 = listed.sha256.as_str();
        if let Found::Whole(_) = self.fetcher.cache.find(sha256)? {
            return Ok(());
        }
        if self.fetcher.options.offline {
            return Err(AptError::Offline { suite: verified.suite.to_string() });
        }
        if verified.release.by_hash {
            let folder = url.rsplit_once('/').map_or(url, |(folder, _)| folder);
            match self.bring_exactly(&format!("{folder}/by-hash/SHA256/{sha256}"), sha256, listed.size) {
                Err(error) if error.is_missing() => {
                    self.fetcher.listener.detail(&format!("{path} of {} is not there by hash", verified.suite));
                }
                done => return done,
            }
        }
        self.bring_exactly(url, sha256, listed.size)
    }

    /// Fetches a file whose digest and size are known into the cache.
    pub(super) fn bring_exactly(&self, url: &str, sha256: &str, size: u64) -> Result<(), AptError> {
        let found = self.fetcher.download(Some(size))?.fetch(url, Some(sha256));
        let found = match found {
            Err(FetchError::TooLarge { .. }) => {
                let found = format!("more than {size} bytes");
                let expected = format!("sha256 {sha256}, {size} bytes");
                return Err(AptError::Hash { url: url.to_string(), expected, found });
            }
            found => found?,
        };
        match found.sha256 == sha256 && found.size == size {
            true => Ok(()),
            false => Err(AptError::contradiction(url, (sha256, size), (&found.sha256, found.size))),
        }
    }
}

/// The smallest form of an index that can be read: its ending and digest.
fn smallest<'r>(release: &'r Release, path: &str) -> Option<(&'static str, &'r Listed)> {
    let forms = [".xz", ".gz", ""].into_iter();
    forms.filter_map(|ending| Some((ending, release.index(&format!("{path}{ending}"))?))).min_by_key(|(_, l)| l.size)
}

fn open(ending: &str, file: File) -> std::io::Result<Box<dyn Read>> {
    Ok(match ending {
        ".xz" => Box::new(decoder(Compression::Xz, file)?),
        ".gz" => Box::new(decoder(Compression::Gzip, file)?),
        _ => Box::new(file),
    })
}

fn question(listed: &Listed, wanted: Wanted) -> String {
    digest::sha256(format!("apt stanzas 1 {} {wanted:?}", listed.sha256).as_bytes())
}

/// Stanzas as they are kept: one empty line between two.
fn split(known: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut rest = known;
    while let Some(end) = memchr::memmem::find(rest, b"\n\n") {
        let (text, after) = rest.split_at(end + 1);
        texts.push(text.to_vec());
        rest = after.get(1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        texts.push(rest.to_vec());
    }
    texts
}
