//! The questions that pkgr has, and their typed answers. Single objects are
//! remembered with their ETag and asked for conditionally; a collection has no
//! ETag that could be trusted, so every one is asked for anew.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::LaunchpadError;
use super::log::LogTail;
use super::query::{Operation, SourceQuery};
use super::transport::{Hosts, Transport};
use super::types::{
    Archive, BinaryPublication, Build, BuildState, BuildSummaries, Distribution, DistroSeries, Page, Processor,
    PublishedFile, SourcePublication,
};
use super::{Ppa, Settings};
use crate::diagnostic::Failure;
use crate::fetch::cache::Found;
use crate::fetch::error::FetchError;
use crate::fetch::{Fetcher, Options, Patience, Web, digest};
use crate::listener::Listener;

/// A longer collection is not what was meant to be asked for.
const MOST_ENTRIES: usize = 5000;
/// More bytes are no file of a source package.
const LARGEST_FILE: u64 = 64 << 30;
/// Launchpad asks for 900 seconds whatever the trouble.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The service takes no more numbers in one question, for URLs end somewhere.
const SUMMARIES_AT_ONCE: usize = 50;

/// Launchpad's web service.
pub struct Client<'a> {
    pub(super) settings: Settings,
    base: Url,
    offline: bool,
    pub(super) patience: Patience,
    pub(super) fetcher: Fetcher<'a>,
    pub(super) listener: &'a dyn Listener,
    web: OnceLock<Web>,
    clock_ahead: OnceLock<i64>,
    /// Whether it was said that an index cannot be verified.
    pub(super) not_verified: Once,
}

/// A single object as it was last seen.
#[derive(Serialize, Deserialize)]
struct Remembered {
    etag: String,
    text: String,
}

impl<'a> Client<'a> {
    /// Touches neither disk nor network yet. `fetching` says where the cache is
    /// and whether the network may be used.
    pub fn new(settings: Settings, fetching: Options, listener: &'a dyn Listener) -> Result<Client<'a>, Failure> {
        let bad = |why: &str| LaunchpadError::BadAddress { url: settings.service.clone(), why: why.to_string() };
        let base = Url::parse(settings.service.trim_end_matches('/')).map_err(|e| bad(&e.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(bad("it begins neither with http:// nor with https://").into());
        }
        let offline = fetching.offline;
        let patience = Patience { longest_wait: LONGEST_WAIT, ..Patience::default() };
        let fetcher = Fetcher::new(fetching, listener)?;
        Ok(Client {
            settings,
            base,
            offline,
            patience,
            fetcher,
            listener,
            web: OnceLock::new(),
            clock_ahead: OnceLock::new(),
            not_verified: Once::new(),
        })
    }

    /// With other time-outs and retries.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience.clone();
        self.fetcher = self.fetcher.with_patience(patience);
        self
    }

    /// By how many seconds this machine's clock goes before Launchpad's; `None` before
    /// its first answer, or where that tells no time.
    pub fn clock_ahead(&self) -> Option<i64> {
        self.clock_ahead.get().copied()
    }

    /// A distribution, `ubuntu` say.
    pub fn distribution(&self, name: &str) -> Result<Distribution, LaunchpadError> {
        self.entry(&self.below(&[name]))
    }

    /// All series of a distribution, in the service's order.
    pub fn series(&self, distribution: &str) -> Result<Vec<DistroSeries>, LaunchpadError> {
        self.collection(self.below(&[distribution, "series"]))
    }

    /// One series, by code name or number.
    pub fn series_named(&self, distribution: &str, name: &str) -> Result<DistroSeries, LaunchpadError> {
        let url = Operation::new(self.below(&[distribution]), "getSeries").text("name_or_version", name).url();
        self.answer(&url)
    }

    /// A PPA.
    pub fn archive(&self, ppa: &Ppa) -> Result<Archive, LaunchpadError> {
        let owner = format!("~{}", ppa.owner);
        let url = self.below(&[&owner, "+archive", &ppa.distribution, &ppa.name]);
        let archive: Archive = self.entry(&url)?;
        match archive.private {
            false => Ok(archive),
            true => Err(LaunchpadError::Private { what: ppa.to_string(), url: url.into(), said: String::new() }),
        }
    }

    /// A distribution's own archive.
    pub fn primary(&self, distribution: &str) -> Result<Archive, LaunchpadError> {
        self.entry(&self.below(&[distribution, "+archive", "primary"]))
    }

    /// The architectures that an archive builds for; `None` where it does not tell.
    pub fn architectures(&self, archive: &Archive) -> Result<Option<Vec<String>>, LaunchpadError> {
        let Some(link) = &archive.processors_collection_link else { return Ok(None) };
        let processors: Vec<Processor> = self.collection(self.link(link)?)?;
        Ok(Some(processors.into_iter().map(Processor::architecture).collect()))
    }

    /// Source publications of an archive, by name, then version from the highest.
    pub fn published_sources(
        &self,
        archive: &Archive,
        query: &SourceQuery,
    ) -> Result<Vec<SourcePublication>, LaunchpadError> {
        let url = query.url(self.link(&archive.self_link)?, &archive.distribution_link);
        self.collection(url)
    }

    /// The newest state of one publication.
    pub fn source_publication(&self, publication: &SourcePublication) -> Result<SourcePublication, LaunchpadError> {
        self.entry(&self.link(&publication.self_link)?)
    }

    /// The files of a source publication, with size and digests.
    pub fn source_files(&self, publication: &SourcePublication) -> Result<Vec<PublishedFile>, LaunchpadError> {
        let publication = self.link(&publication.self_link)?;
        self.answer(&Operation::new(publication, "sourceFileUrls").flag("include_meta", true).url())
    }

    /// The files of a binary publication, with size and digests.
    pub fn binary_files(&self, publication: &BinaryPublication) -> Result<Vec<PublishedFile>, LaunchpadError> {
        let publication = self.link(&publication.self_link)?;
        self.answer(&Operation::new(publication, "binaryFileUrls").flag("include_meta", true).url())
    }

    /// The builds of a source publication.
    pub fn builds(&self, publication: &SourcePublication) -> Result<Vec<Build>, LaunchpadError> {
        self.collection(Operation::new(self.link(&publication.self_link)?, "getBuilds").url())
    }

    /// The builds of an archive, of one source package and in one state if given.
    pub fn build_records(
        &self,
        archive: &Archive,
        source: Option<&str>,
        state: Option<&BuildState>,
    ) -> Result<Vec<Build>, LaunchpadError> {
        let operation = Operation::new(self.link(&archive.self_link)?, "getBuildRecords")
            .maybe("source_name", source)
            .maybe("build_state", state.map(BuildState::name));
        let mut builds: Vec<Build> = self.collection(operation.url())?;
        // the service takes the name for a part of one
        builds.retain(|build| source.is_none_or(|source| build.source_package_name.as_deref() == Some(source)));
        Ok(builds)
    }

    /// What the builds of many source publications come to, by their numbers.
    pub fn build_summaries(&self, archive: &Archive, ids: &[u64]) -> Result<BuildSummaries, LaunchpadError> {
        let archive = self.link(&archive.self_link)?;
        let mut summaries = BuildSummaries::new();
        for ids in ids.chunks(SUMMARIES_AT_ONCE) {
            let operation = Operation::new(archive.clone(), "getBuildSummariesForSourceIds");
            summaries.extend(self.answer::<BuildSummaries>(&operation.numbers("source_ids", ids).url())?);
        }
        Ok(summaries)
    }

    /// The binary packages that were built from a source publication, in every
    /// architecture for which they are published.
    pub fn published_binaries(
        &self,
        publication: &SourcePublication,
    ) -> Result<Vec<BinaryPublication>, LaunchpadError> {
        self.collection(Operation::new(self.link(&publication.self_link)?, "getPublishedBinaries").url())
    }

    /// The armored key that signs an archive's indexes; `None` before there is one.
    pub fn signing_key(&self, archive: &Archive) -> Result<Option<String>, LaunchpadError> {
        self.answer(&Operation::new(self.link(&archive.self_link)?, "getSigningKeyData").url())
    }

    /// The last `most` lines of a build's log.
    pub fn log_tail(&self, log: &str, most: usize) -> Result<LogTail, LaunchpadError> {
        let hosts = Hosts::Files(&self.base);
        let url = hosts.check(log)?;
        self.transport(&url)?.stream(&url, hosts, |body| LogTail::read(body, most))
    }

    /// A published file in the cache, by the digest that the service tells.
    pub fn file(&self, file: &PublishedFile) -> Result<PathBuf, LaunchpadError> {
        let shape = |why: &str| LaunchpadError::Shape { url: file.url.clone(), why: why.to_string() };
        let sha256 = file.sha256.as_deref().ok_or_else(|| shape("it tells no SHA-256"))?.to_ascii_lowercase();
        let cache = self.fetcher.cache();
        if let Found::Whole(_) = cache.find(&sha256)? {
            return Ok(cache.path(&sha256));
        }
        let hosts = Hosts::Files(&self.base);
        let url = hosts.check(&file.url)?;
        let limit = file.size.unwrap_or(LARGEST_FILE);
        let temporary = self.transport(&url)?.stream(&url, hosts, |body| {
            let mut temporary = cache.temporary().map_err(std::io::Error::other)?;
            std::io::copy(&mut body.take(limit.saturating_add(1)), temporary.as_file_mut())?;
            Ok(temporary)
        })?;
        let sums = digest::of_file(temporary.path()).map_err(|e| FetchError::io("read", temporary.path(), e))?;
        match sums.sha256 == sha256 && file.size.is_none_or(|size| size == sums.size) {
            true => Ok(cache.insert(temporary, &sums)?),
            false => Err(shape("the file is not the one whose digest it tells")),
        }
    }

    /// A file of the cache, by its digest, if it is there.
    pub fn cached(&self, sha256: &str) -> Option<PathBuf> {
        let cache = self.fetcher.cache();
        matches!(cache.find(sha256), Ok(Found::Whole(_))).then(|| cache.path(sha256))
    }

    /// A URL below the service's root; the parts come from checked names.
    fn below(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    /// A link that the service returned.
    fn link(&self, link: &str) -> Result<Url, LaunchpadError> {
        Hosts::Service(&self.base).check(link)
    }

    pub(super) fn transport(&self, url: &Url) -> Result<Transport<'_>, LaunchpadError> {
        if self.offline {
            return Err(LaunchpadError::Offline { url: url.to_string() });
        }
        let web = match self.web.get() {
            Some(web) => web,
            None => {
                let web = Web::new(&self.patience)?;
                self.web.get_or_init(|| web)
            }
        };
        Ok(Transport {
            web,
            patience: &self.patience,
            limit: self.settings.limit,
            listener: self.listener,
            clock_ahead: &self.clock_ahead,
        })
    }

    /// What is true at this moment: never remembered.
    fn answer<T: DeserializeOwned>(&self, url: &Url) -> Result<T, LaunchpadError> {
        self.transport(url)?.ask_json(url, Hosts::Service(&self.base))
    }

    /// A single object: the copy of before where the service says that it is
    /// still good, and only then.
    fn entry<T: DeserializeOwned>(&self, url: &Url) -> Result<T, LaunchpadError> {
        let cache = self.fetcher.cache();
        let question = digest::sha256(format!("launchpad entry 1 {url}").as_bytes());
        let known = cache.memo(&question).and_then(|text| serde_json::from_slice::<Remembered>(&text).ok());
        let etag = known.as_ref().map(|known| known.etag.as_str());
        let shape = |why: String| LaunchpadError::Shape { url: url.to_string(), why };
        let answer = self.transport(url)?.ask_anew(url, Hosts::Service(&self.base), etag)?;
        let (text, etag) = match (answer, known) {
            (Some(answer), _) => (String::from_utf8(answer.bytes).map_err(|e| shape(e.to_string()))?, answer.etag),
            (None, Some(known)) => (known.text, None),
            (None, None) => return Err(shape("it is empty".to_string())),
        };
        let value = serde_json::from_str(&text).map_err(|e| shape(e.to_string()))?;
        if let Some(etag) = etag {
            if let Ok(remembered) = serde_json::to_vec(&Remembered { etag, text }) {
                cache.set_memo(&question, &remembered);
            }
        }
        Ok(value)
    }

    /// All entries of a collection: its pages are linked, and the links are
    /// followed as they are. How many there are is asked before a second page.
    fn collection<T: DeserializeOwned>(&self, url: Url) -> Result<Vec<T>, LaunchpadError> {
        let mut entries: Vec<T> = Vec::new();
        let mut seen = BTreeSet::from([url.to_string()]);
        let mut next = url.clone();
        loop {
            let page: Page<T> = self.answer(&next)?;
            if let (1, Some(_)) = (seen.len(), &page.next_collection_link) {
                let size = self.total_size(&page)?.unwrap_or(0);
                if size > MOST_ENTRIES as u64 {
                    return Err(LaunchpadError::TooMany { url: url.into(), size, limit: MOST_ENTRIES });
                }
            }
            entries.extend(page.entries);
            let Some(link) = page.next_collection_link else { return Ok(entries) };
            if entries.len() > MOST_ENTRIES {
                return Err(LaunchpadError::TooMany {
                    url: url.into(),
                    size: entries.len() as u64,
                    limit: MOST_ENTRIES,
                });
            }
            next = self.link(&link)?;
            if !seen.insert(link) {
                return Err(LaunchpadError::Shape { url: url.into(), why: "its pages go round in a circle".into() });
            }
        }
    }

    /// `devel` tells the size by a link where there are several pages.
    fn total_size<T>(&self, page: &Page<T>) -> Result<Option<u64>, LaunchpadError> {
        match (&page.total_size, &page.total_size_link) {
            (None, Some(link)) => self.answer(&self.link(link)?).map(Some),
            (size, _) => Ok(*size),
        }
    }
}
