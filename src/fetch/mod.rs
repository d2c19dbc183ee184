//! Bytes from elsewhere, by what the recipe calls them: a file beside it, a
//! URL, a git tag or commit. Fetched bytes live in a content-addressed
//! [`cache`]; local files are used where they are. Every source is held against
//! the recipe's digest and the lock's pin, and verified against its upstream
//! signature, before anybody sees it.
//!
//! [`archive`] looks into the tarballs. Nothing here decides which sources a
//! target has, names orig files, or writes the lock.

pub mod apt;
pub mod archive;
pub mod cache;
pub mod compression;
pub mod digest;
pub mod error;
mod git;
mod http;
mod signature;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use compression::Compression;
pub use http::{Patience, Question, Reply, ServiceAnswer, Web};

use crate::deb::checksums::Checksums;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::archive::{Inspection, Listing, Rules};
use crate::listener::Listener;
use crate::lock::{Lock, Pin};
use crate::plan::{Location, PoolFile, Source};
use cache::{Cache, Found};
use compression::{Detected, Repackable};
use error::FetchError;

/// How the command line wants it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Take nothing from the network: local files and the cache only.
    pub offline: bool,
    /// Make no new pin.
    pub locked: bool,
    /// The cache's folder instead of XDG's.
    pub cache: Option<PathBuf>,
    /// Where the distributions' archives are.
    pub archives: apt::Settings,
}

/// The most that [`Fetcher::document`] takes.
const LARGEST_DOCUMENT: u64 = 16 << 20;

/// Fetches sources.
pub struct Fetcher<'a> {
    options: Options,
    cache: Cache,
    listener: &'a dyn Listener,
    patience: Patience,
    client: OnceLock<http::Client>,
}

/// One source, ready to be an orig file.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Where the bytes are: in the cache, or the recipe's own file.
    pub path: PathBuf,
    /// Of these bytes.
    pub checksums: Checksums,
    /// Of these bytes.
    pub compression: Compression,
    /// What the lock should hold: this source and its signature, whether pinned
    /// before or just now.
    pub pins: Vec<Pin>,
    /// The upstream signature, armored, if it is over exactly these bytes: ships
    /// as `.orig.tar.*.asc`.
    pub signature: Option<Vec<u8>>,
    /// The recipe's keyring, armored, for debian/upstream/signing-key.asc.
    pub signing_key: Option<Vec<u8>>,
}

/// Bytes under their own name, before they are looked into.
#[derive(Debug, Clone)]
struct Object {
    path: PathBuf,
    checksums: Checksums,
    /// The commit, for git.
    commit: Option<String>,
}

/// What is known of a source before its bytes are there.
struct Expected<'e> {
    key: String,
    /// The recipe's digest.
    recipe: Option<&'e str>,
    pin: Option<&'e Pin>,
}

impl Expected<'_> {
    /// The digest that the bytes must have.
    fn sha256(&self) -> Option<&str> {
        self.recipe.or(self.pin.map(|pin| pin.sha256.as_str()))
    }
}

impl<'a> Fetcher<'a> {
    /// A fetcher; touches neither disk nor network yet.
    pub fn new(options: Options, listener: &'a dyn Listener) -> Result<Self, Failure> {
        let cache = Cache::new(options.cache.clone())?;
        Ok(Fetcher { options, cache, listener, patience: Patience::default(), client: OnceLock::new() })
    }

    /// With other time-outs and retries.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The cache that it fills.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Brings one source, relative to the recipe's folder, and verifies it.
    /// A failure names the place of the source in the recipe.
    pub fn fetch(&self, source: &Source, folder: &Path, lock: &Lock) -> Result<Fetched, Failure> {
        if let Location::Pool(file) = &source.location {
            self.fill_from_pool(file).map_err(|failure| placed(failure, source))?;
        }
        self.fetch_source(source, folder, lock).map_err(|error| at_place(error, source))
    }

    /// Looks into a fetched source as [`archive::inspect_with`] does, keeps its
    /// listing for later runs, and names source and place in a failure.
    pub fn inspect(
        &self,
        source: &Source,
        fetched: &Fetched,
        wanted: &dyn Fn(&[u8]) -> bool,
        rules: &Rules,
    ) -> Result<Inspection, Failure> {
        let inspection = archive::inspect_with(&fetched.path, fetched.compression, wanted, rules)
            .map_err(|error| at_place(FetchError::Archive { name: source.location.key(), error }, source))?;
        if !rules.allow_outward_links {
            self.remember_listing(fetched, &inspection.listing);
        }
        Ok(inspection)
    }

    /// Unpacks a fetched source into a folder ([`archive::unpack`]); a failure names
    /// the place of the source in the recipe.
    pub fn unpack(&self, source: &Source, fetched: &Fetched, into: &Path) -> Result<(), Failure> {
        archive::unpack(&fetched.path, fetched.compression, into, &Rules::default())
            .map_err(|error| at_place(FetchError::Archive { name: source.location.key(), error }, source))
    }

    /// The bytes behind a URL that nothing pins, a few megabytes at most.
    pub fn document(&self, url: &str) -> Result<Vec<u8>, Failure> {
        if self.options.offline {
            return Err(FetchError::Offline { key: url.to_string() }.into());
        }
        let checksums = self.download(Some(LARGEST_DOCUMENT))?.fetch(url, None)?;
        crate::files::read(&self.cache.path(&checksums.sha256))
    }

    fn fetch_source(&self, source: &Source, folder: &Path, lock: &Lock) -> Result<Fetched, FetchError> {
        let (object, pin) = self.bring(&source.location, source.sha256.as_deref(), folder, lock)?;
        let name = source.location.key();
        let detected = detect(&object.path, &name)?;
        let mut pins = match source.location {
            Location::Pool(_) => Vec::new(),
            _ => vec![pin],
        };
        let verified = match &source.keyring {
            Some(keyring) => Some(self.verify(source, keyring, &object, folder, lock, &mut pins)?),
            None => None,
        };
        let (object, compression, repacked) = match detected {
            Detected::Usable(compression) => (object, compression, false),
            Detected::Repackable(what) => (self.repack(&object, what, &name)?, Compression::Xz, true),
            Detected::Refused(what) => return Err(FetchError::Unusable { name, what }),
            Detected::Unknown => return Err(not_an_archive(name, &object.path)),
        };
        let (signature, signing_key) = match verified {
            Some(verified) if !repacked => (verified.over_these_bytes, Some(verified.keyring)),
            _ => (None, None),
        };
        let signing_key = signing_key.filter(|_| signature.is_some());
        Ok(Fetched { path: object.path, checksums: object.checksums, compression, pins, signature, signing_key })
    }

    /// The bytes of one location, held against recipe and lock.
    fn bring(
        &self,
        location: &Location,
        recipe: Option<&str>,
        folder: &Path,
        lock: &Lock,
    ) -> Result<(Object, Pin), FetchError> {
        let key = location.key();
        let expected = match location {
            // pinned by the lock's [[follow]], not by a [[source]] of it
            Location::Pool(file) => Expected { recipe: Some(&file.sha256), pin: None, key },
            _ => Expected { recipe, pin: lock.pin(&key), key },
        };
        if !matches!(location, Location::Pool(_)) {
            self.check_before(&expected)?;
        }
        let published = expected.pin.and_then(|pin| Some((pin.published.as_deref()?, pin)));
        let object = match (location, published) {
            (Location::Path(path), _) => self.local(path, &folder.join(path))?,
            (Location::Pool(_), _) => {
                self.cached(&expected)?.ok_or_else(|| FetchError::NotCached { key: expected.key.clone() })?
            }
            (_, Some((published, pin))) => {
                let object = self.remote(published, &expected).map_err(|error| gone(error, &expected.key))?;
                Object { commit: pin.commit.clone(), ..object }
            }
            (Location::Url(url), None) => match file_url(url)? {
                Some(path) => self.local(url, &path)?,
                None => self.remote(url, &expected)?,
            },
            (Location::GitTag(url, tag), None) => self.git(url, git::Reference::Tag(tag), folder, &expected)?,
            (Location::GitCommit(url, commit), None) => {
                self.git(url, git::Reference::Commit(commit), folder, &expected)?
            }
        };
        check_after(&expected, &object)?;
        let pin = Pin {
            from: expected.key,
            commit: object.commit.clone(),
            sha256: object.checksums.sha256.clone(),
            size: object.checksums.size,
            published: published.map(|(published, _)| published.to_string()),
        };
        Ok((object, pin))
    }

    /// What needs no bytes to be wrong.
    fn check_before(&self, expected: &Expected) -> Result<(), FetchError> {
        let key = || expected.key.clone();
        match (expected.recipe, expected.pin) {
            (Some(recipe), Some(pin)) if recipe != pin.sha256 => {
                Err(FetchError::RecipeAgainstLock { key: key(), recipe: recipe.to_string(), lock: pin.sha256.clone() })
            }
            (_, None) if self.options.locked => Err(FetchError::NotLocked { key: key() }),
            _ => Ok(()),
        }
    }

    /// A file that the lock pins, from wherever its series' archive has these very
    /// bytes; offline it is for the cache to have it.
    fn fill_from_pool(&self, file: &PoolFile) -> Result<(), Failure> {
        if self.options.offline || matches!(self.cache.find(&file.sha256)?, Found::Whole(_)) {
            return Ok(());
        }
        apt::Archives::new(self, self.options.archives.clone()).pinned(file).map(drop)
    }

    fn local(&self, name: &str, path: &Path) -> Result<Object, FetchError> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Err(FetchError::NotAFile { name: name.to_string() }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(FetchError::Missing { name: name.to_string(), path: path.to_path_buf() });
            }
            Err(e) => return Err(FetchError::io("read", path, e)),
        };
        let checksums = self.cache.checksums_of(path, &metadata)?;
        Ok(Object { path: path.to_path_buf(), checksums, commit: None })
    }

    /// Looks in the cache for what must have a known digest.
    fn cached(&self, expected: &Expected) -> Result<Option<Object>, FetchError> {
        let Some(sha256) = expected.sha256() else { return Ok(None) };
        match self.cache.find(sha256)? {
            Found::Whole(checksums) => {
                let commit = expected.pin.and_then(|pin| pin.commit.clone());
                Ok(Some(Object { path: self.cache.path(sha256), checksums, commit }))
            }
            Found::Damaged => {
                let message = format!("{} was damaged in the cache and is fetched again", expected.key);
                self.listener.tell(Diagnostic::warning("cache-damaged", message));
                Ok(None)
            }
            Found::Absent => Ok(None),
        }
    }

    fn remote(&self, url: &str, expected: &Expected) -> Result<Object, FetchError> {
        if let Some(object) = self.cached(expected)? {
            return Ok(object);
        }
        if self.options.offline {
            return Err(FetchError::Offline { key: expected.key.clone() });
        }
        let checksums = self.download(None)?.fetch(url, expected.sha256())?;
        Ok(Object { path: self.cache.path(&checksums.sha256), checksums, commit: None })
    }

    /// Asks a web service; at most `limit` bytes are taken as its answer.
    pub fn call(&self, question: &Question, limit: u64) -> Result<ServiceAnswer, FetchError> {
        if self.options.offline {
            return Err(FetchError::Offline { key: question.url.clone() });
        }
        // who asks has often another way, and somebody who waits
        let patience = Patience { tries: self.patience.tries.min(3), ..self.patience.clone() };
        http::Download { patience: &patience, ..self.download(None)? }.call(question, limit)
    }

    /// The names of a git repository's tags; a relative path starts from `folder`.
    pub fn git_tags(&self, url: &str, folder: &Path) -> Result<Vec<String>, FetchError> {
        if self.options.offline {
            return Err(FetchError::Offline { key: format!("git+{url}") });
        }
        git::tags(url, folder, &self.cache, self.listener)
    }

    /// What downloads, made when first needed.
    fn download(&self, limit: Option<u64>) -> Result<http::Download<'_>, FetchError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = http::Client::new(&self.patience)?;
                self.client.get_or_init(|| client)
            }
        };
        Ok(http::Download { client, cache: &self.cache, listener: self.listener, patience: &self.patience, limit })
    }

    fn git(
        &self,
        url: &str,
        reference: git::Reference,
        folder: &Path,
        expected: &Expected,
    ) -> Result<Object, FetchError> {
        if let Some(mut object) = self.cached(expected)? {
            if let git::Reference::Commit(commit) = reference {
                object.commit = Some(commit.to_string());
            }
            if object.commit.is_some() {
                return Ok(object);
            }
        }
        let repository = git::Repository { url, reference, folder, cache: &self.cache, listener: self.listener };
        let pinned = expected.pin.and_then(|pin| pin.commit.as_deref());
        let (checksums, commit) = repository.archive(pinned, self.options.offline, &expected.key)?;
        Ok(Object { path: self.cache.path(&checksums.sha256), checksums, commit: Some(commit) })
    }

    fn verify(
        &self,
        source: &Source,
        keyring: &str,
        object: &Object,
        folder: &Path,
        lock: &Lock,
        pins: &mut Vec<Pin>,
    ) -> Result<signature::Verified, FetchError> {
        let name = source.location.key();
        let Some(location) = &source.signature else { return Err(signature::no_signature(name)) };
        let (signature, pin) = self.bring(location, None, folder, lock)?;
        pins.push(pin);
        let question = signature::Question { name: &name, tarball: &object.path, checksums: &object.checksums };
        let verified = question.verify(&signature.path, &folder.join(keyring), &self.cache)?;
        self.listener.detail(&format!("{name} is signed by {}", verified.signer));
        Ok(verified)
    }

    /// Repacks once; later runs remember which bytes came out.
    fn repack(&self, object: &Object, what: Repackable, name: &str) -> Result<Object, FetchError> {
        let question = digest::sha256(format!("repack as tar.xz 1 {}", object.checksums.sha256).as_bytes());
        let known = self.cache.memo(&question).and_then(|answer| String::from_utf8(answer).ok());
        if let Some(sha256) = known {
            if let Found::Whole(checksums) = self.cache.find(&sha256)? {
                return Ok(Object { path: self.cache.path(&sha256), checksums, commit: None });
            }
        }
        let limit = archive::Limits::default().unpacked;
        let mut file = self.cache.temporary()?;
        let buffered = std::io::BufWriter::new(file.as_file_mut());
        compression::repack(&object.path, what, buffered, limit)
            .map_err(|e| FetchError::io("repack", &object.path, e))?;
        let checksums = digest::of_file(file.path()).map_err(|e| FetchError::io("read", file.path(), e))?;
        let path = self.cache.insert(file, &checksums)?;
        self.cache.set_memo(&question, checksums.sha256.as_bytes());
        let message = format!("{name} is {} and was repacked as .tar.xz", what.name());
        self.listener.tell(Diagnostic::note("repacked", message).because("the source formats carry gz, bz2 and xz"));
        Ok(Object { path, checksums, commit: None })
    }

    /// The listing of a source, if an earlier run kept it.
    pub fn remembered_listing(&self, fetched: &Fetched) -> Option<Listing> {
        Listing::from_bytes(&self.cache.note(&fetched.checksums.sha256, "listing")?)
    }

    /// Keeps the listing of a source that [`archive::inspect`] accepted by its
    /// own strict rules: a remembered one is not judged again.
    pub fn remember_listing(&self, fetched: &Fetched, listing: &Listing) {
        self.cache.set_note(&fetched.checksums.sha256, "listing", &listing.to_bytes());
    }

    /// A small answer that an earlier run kept under the SHA-256 (64 hexadecimal
    /// digits) of everything it depends on.
    pub fn memo_get(&self, key: &str) -> Option<Vec<u8>> {
        self.cache.memo(key)
    }

    /// Keeps a small answer; that it cannot be kept is no error.
    pub fn memo_put(&self, key: &str, answer: &[u8]) {
        self.cache.set_memo(key, answer);
    }
}

/// The file that a `file:` URL names, if it is one.
pub fn path_of_url(url: &str) -> Option<PathBuf> {
    file_url(url).ok().flatten()
}

fn at_place(error: FetchError, source: &Source) -> Failure {
    placed(Failure::from(error), source)
}

fn placed(mut failure: Failure, source: &Source) -> Failure {
    for diagnostic in &mut failure.diagnostics {
        diagnostic.place.get_or_insert_with(|| source.place.clone());
    }
    failure
}

fn gone(error: FetchError, key: &str) -> FetchError {
    match error {
        FetchError::Status { url, status } if FetchError::says_missing(&status) => {
            FetchError::PublishedGone { key: key.to_string(), url, status }
        }
        other => other,
    }
}

fn check_after(expected: &Expected, object: &Object) -> Result<(), FetchError> {
    let found = &object.checksums;
    let says = |sha256: &str, size: Option<u64>| match size {
        Some(size) => format!("sha256 {sha256}, {size} bytes"),
        None => format!("sha256 {sha256}"),
    };
    let contradiction = |authority, wanted: &str, size| FetchError::Contradiction {
        key: expected.key.clone(),
        authority,
        expected: says(wanted, size),
        found: says(&found.sha256, Some(found.size)),
    };
    match (expected.recipe, expected.pin) {
        (Some(recipe), _) if recipe != found.sha256 => Err(contradiction("the recipe", recipe, None)),
        (_, Some(pin)) if pin.sha256 != found.sha256 || pin.size != found.size => {
            Err(contradiction("the lock", &pin.sha256, Some(pin.size)))
        }
        _ => Ok(()),
    }
}

/// The path of a file: URL; `None` for http and https, an error for others.
fn file_url(url: &str) -> Result<Option<PathBuf>, FetchError> {
    let bad = |why: String| FetchError::BadUrl { url: url.to_string(), why };
    let parsed = reqwest::Url::parse(url).map_err(|e| bad(e.to_string()))?;
    match parsed.scheme() {
        "http" | "https" => Ok(None),
        "file" => match parsed.to_file_path() {
            Ok(path) => Ok(Some(path)),
            Err(()) => Err(bad("a file URL names an absolute path of this machine".to_string())),
        },
        scheme => Err(bad(format!("pkgr knows http, https and file, not {scheme}"))),
    }
}

fn detect(path: &Path, name: &str) -> Result<Detected, FetchError> {
    let detected = compression::detect(&head(path)?);
    match detected {
        Detected::Refused(what) => Err(FetchError::Unusable { name: name.to_string(), what }),
        Detected::Unknown => Err(not_an_archive(name.to_string(), path)),
        _ => Ok(detected),
    }
}

fn head(path: &Path) -> Result<Vec<u8>, FetchError> {
    let mut head = vec![0; compression::HEAD];
    let filled = File::open(path).and_then(|mut file| digest::fill(&mut file, &mut head));
    head.truncate(filled.map_err(|e| FetchError::io("read", path, e))?);
    Ok(head)
}

fn not_an_archive(name: String, path: &Path) -> FetchError {
    let head = head(path).unwrap_or_default();
    let begins = match head.get(..head.len().min(24)).unwrap_or_default() {
        [] => "nothing: it is empty".to_string(),
        text => format!("“{}”", text.escape_ascii()),
    };
    FetchError::NotAnArchive { name, begins }
}
