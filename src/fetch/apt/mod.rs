//! Apt archives (the repository format of apt-secure(8)): which version of a
//! package a series has, and its files, with an unbroken chain from the archive's
//! OpenPGP key: InRelease → index → .dsc and pool files, every link a SHA-256.
//!
//! ```text
//! sites     where a suite is served: Ubuntu's hosts, Debian's as machine finds them in apt's configuration
//! suite     series and pocket → the folder below dists/, and the names a Release file must give itself
//! keyring   compiled in, the machine's newer one, or the user's
//! verify    OpenPGP                 release   the signed text and how long it is believed
//! index     the smallest index, by hash, and the stanzas that search finds in it
//! entry     a stanza as a source or binary package, with hostile content refused
//! pool      the files; versions that the pool has whole
//! origs     `apt = "…"` sources
//! ```
//!
//! Everything fetched is in the cache by its SHA-256; with a warm one, a question
//! costs a conditional request for each InRelease and nothing else. Nothing here
//! decides what is followed, and nothing writes the lock.

mod entry;
mod error;
mod index;
mod keyring;
mod machine;
mod origs;
mod pool;
mod release;
mod search;
mod sites;
mod suite;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use sequoia_openpgp::Cert;
use serde::{Deserialize, Serialize};

pub use entry::{BinaryEntry, PoolFile, SourceEntry};
pub use error::AptError;
pub use origs::{AptOrig, AptSource};
pub use pool::SourceFiles;
pub use search::{Wanted, search};
pub use sites::Settings;
pub use suite::{Pocket, Suite};

use crate::diagnostic::Diagnostic;
use crate::fetch::cache::Found;
use crate::fetch::error::FetchError;
use crate::fetch::http::{Answer, Known};
use crate::fetch::{Fetcher, digest};
use crate::series::{Distro, Series};
use keyring::Keyring;
use machine::{Machine, Mirror};
use release::{Distrust, Release};
use verify::Signer;

/// Release files have some hundred kilobytes.
const LARGEST_RELEASE: u64 = 32 << 20;

/// Where to look for a package.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The series.
    pub series: Series,
    /// Its pockets.
    pub pockets: Vec<Pocket>,
    /// Their components.
    pub components: Vec<String>,
}

impl Scope {
    /// All pockets of a series, and the components that are free and complete:
    /// `main`, and Ubuntu's `universe`.
    pub fn of(series: &Series) -> Scope {
        let components: &[&str] = match series.distro {
            Distro::Debian => &["main"],
            Distro::Ubuntu => &["main", "universe"],
        };
        let components = components.iter().map(|name| (*name).to_string()).collect();
        Scope { series: series.clone(), pockets: Pocket::ALL.to_vec(), components }
    }

    /// With other pockets.
    pub fn with_pockets(mut self, pockets: &[Pocket]) -> Scope {
        self.pockets = pockets.to_vec();
        self
    }

    /// Its suites' names, for messages.
    fn names(&self) -> Vec<String> {
        self.suites().iter().map(Suite::to_string).collect()
    }

    fn suites(&self) -> Vec<Suite> {
        self.pockets.iter().filter_map(|pocket| Suite::new(&self.series, *pocket)).collect()
    }
}

/// The archives of Debian and Ubuntu, seen through a fetcher. One value sees each
/// suite once: later questions are answered from the same Release file.
pub struct Archives<'f> {
    fetcher: &'f Fetcher<'f>,
    settings: Settings,
    machine: OnceLock<Machine>,
    keyrings: Mutex<BTreeMap<Distro, Arc<Keys>>>,
    /// By the address of the suite's folder.
    releases: Mutex<BTreeMap<String, Arc<Verified>>>,
}

/// A keyring, parsed when a signature is verified for the first time.
struct Keys {
    keyring: Keyring,
    certs: OnceLock<Vec<Cert>>,
}

/// A Release file that may be believed, and where its suite is.
#[derive(Debug)]
struct Verified {
    release: Release,
    site: Mirror,
    suite: Suite,
}

/// The last Release file of an address that was verified.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Last {
    /// SHA-256 of InRelease, or of Release where `signature` is there.
    file: String,
    /// SHA-256 of Release.gpg.
    signature: Option<String>,
    known: Known,
}

/// What verifying gave, kept under the SHA-256 of everything it depends on.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answered {
    signer: Signer,
    /// SHA-256 of the text that is signed.
    text: String,
}

impl<'f> Archives<'f> {
    /// Touches neither disk nor network yet.
    pub fn new(fetcher: &'f Fetcher<'f>, settings: Settings) -> Archives<'f> {
        Archives { fetcher, settings, machine: OnceLock::new(), keyrings: Mutex::default(), releases: Mutex::default() }
    }

    fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| Machine::read(&self.settings.root))
    }

    fn keys(&self, distro: Distro) -> Result<Arc<Keys>, AptError> {
        let mut keyrings = self.keyrings.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(keys) = keyrings.get(&distro) {
            return Ok(Arc::clone(keys));
        }
        let keyring = match &self.settings.keyring {
            Some(path) => Keyring::named(path)?,
            None => Keyring::newest(distro, &self.settings.root, &self.fetcher.cache),
        };
        self.fetcher.listener.detail(&format!("keyring of {}: {}", distro.vendor(), keyring.name));
        let keys = Arc::new(Keys { keyring, certs: OnceLock::new() });
        keyrings.insert(distro, Arc::clone(&keys));
        Ok(keys)
    }

    /// The verified Release file of a suite; `None` where the archive may lack
    /// the suite and does.
    fn verified(&self, suite: &Suite, architecture: Option<&str>) -> Result<Option<Arc<Verified>>, AptError> {
        let mut looked = Vec::new();
        for site in sites::sites(&self.settings, self.machine(), suite, architecture)? {
            let folder = format!("{}/dists/{suite}", site.url);
            if let Some(verified) = self.releases.lock().unwrap_or_else(|e| e.into_inner()).get(&folder) {
                return Ok(Some(Arc::clone(verified)));
            }
            match self.bring_release(suite, &site, &folder) {
                Ok(verified) => {
                    let verified = Arc::new(verified);
                    let mut releases = self.releases.lock().unwrap_or_else(|e| e.into_inner());
                    releases.insert(folder, Arc::clone(&verified));
                    return Ok(Some(verified));
                }
                Err(error) if error.is_missing() => looked.push(folder),
                Err(error) => return Err(error),
            }
        }
        if suite.may_be_missing(&self.settings.today()) {
            self.fetcher.listener.detail(&format!("no archive has {suite}"));
            return Ok(None);
        }
        Err(AptError::NoSuite { suite: suite.to_string(), looked })
    }

    /// Forgets what was seen of a suite, so that it is asked for again.
    fn forget(&self, verified: &Verified) {
        let folder = format!("{}/dists/{}", verified.site.url, verified.suite);
        self.releases.lock().unwrap_or_else(|e| e.into_inner()).remove(&folder);
    }

    fn bring_release(&self, suite: &Suite, site: &Mirror, folder: &str) -> Result<Verified, AptError> {
        let cache = &self.fetcher.cache;
        let question = digest::sha256(format!("apt release 1 {folder}").as_bytes());
        let last: Option<Last> = cache.memo(&question).and_then(|text| serde_json::from_slice(&text).ok());
        let last = last.filter(|last| std::iter::once(&last.file).chain(&last.signature).all(|sum| self.is_there(sum)));
        let newest = match (&last, self.fetcher.options.offline) {
            (Some(last), true) => last.clone(),
            (None, true) => return Err(AptError::Offline { suite: suite.to_string() }),
            (last, false) => self.ask_for_release(folder, last.as_ref())?,
        };
        let mut release = self.open_release(suite, site, folder, &newest)?;
        match last {
            Some(last) if last.file == newest.file && last.known == newest.known => {}
            Some(last) if last.file != newest.file && self.is_older(&release, &last, suite, site, folder) => {
                let message = format!("{folder} went back in time: its newer Release file of before is used");
                self.fetcher.listener.tell(Diagnostic::warning("apt-went-back", message));
                release = self.open_release(suite, site, folder, &last)?;
            }
            _ => {
                if let Ok(text) = serde_json::to_vec(&newest) {
                    cache.set_memo(&question, &text);
                }
            }
        }
        Ok(Verified { release, site: site.clone(), suite: suite.clone() })
    }

    fn is_there(&self, sha256: &str) -> bool {
        matches!(self.fetcher.cache.find(sha256), Ok(Found::Whole(_)))
    }

    fn is_older(&self, release: &Release, last: &Last, suite: &Suite, site: &Mirror, folder: &str) -> bool {
        self.open_release(suite, site, folder, last).is_ok_and(|before| release.date < before.date)
    }

    /// InRelease if it is there and changed; else Release and Release.gpg.
    fn ask_for_release(&self, folder: &str, last: Option<&Last>) -> Result<Last, AptError> {
        let download = self.fetcher.download(None)?;
        let ask = |name: &str, known: &Known| download.ask(&format!("{folder}/{name}"), known, LARGEST_RELEASE);
        let known = |detached: bool| last.filter(|last| last.signature.is_some() == detached);
        let validators = |detached| known(detached).map(|last| last.known.clone()).unwrap_or_default();
        match (ask("InRelease", &validators(false)), known(false)) {
            (Ok(Answer::Unchanged), Some(last)) => return Ok(last.clone()),
            (Ok(Answer::Unchanged), None) => {
                return Err(AptError::BadRelease {
                    url: format!("{folder}/InRelease"),
                    why: "the server says `unchanged` to whom it never sent it".to_string(),
                });
            }
            (Ok(Answer::Body(bytes, known)), _) if verify::is_signed_text(&bytes) => {
                return Ok(Last { file: self.fetcher.cache.insert_bytes(&bytes)?, signature: None, known });
            }
            (Ok(Answer::Body(..)), _) => return Err(AptError::Unsigned { url: format!("{folder}/InRelease") }),
            (Err(error), _) if !error.is_missing() => return Err(error.into()),
            (Err(_), _) => {}
        }
        let (bytes, validators) = match (ask("Release", &validators(true))?, known(true)) {
            (Answer::Unchanged, Some(last)) => return Ok(last.clone()),
            (Answer::Unchanged, None) => (Vec::new(), Known::default()),
            (Answer::Body(bytes, known), _) => (bytes, known),
        };
        let signature = match ask("Release.gpg", &Known::default()) {
            Ok(Answer::Body(signature, _)) => signature,
            Ok(Answer::Unchanged) => Vec::new(),
            Err(error) if error.is_missing() => {
                return Err(AptError::Unsigned { url: format!("{folder}/Release") });
            }
            Err(error) => return Err(error.into()),
        };
        let signature = Some(self.fetcher.cache.insert_bytes(&signature)?);
        Ok(Last { file: self.fetcher.cache.insert_bytes(&bytes)?, signature, known: validators })
    }

    /// Verifies, parses and judges a Release file of the cache.
    fn open_release(&self, suite: &Suite, site: &Mirror, folder: &str, file: &Last) -> Result<Release, AptError> {
        let now = self.settings.now();
        let name = if file.signature.is_some() { "Release" } else { "InRelease" };
        let url = || format!("{folder}/{name}");
        let (text, signer) = self.signed_text(suite.series.distro, file, now, &url())?;
        if signer.is_expired(now) && !suite.series.is_eol(&self.settings.today()) {
            let seconds = signer.expires.and_then(|expires| i64::try_from(expires).ok()).unwrap_or(0);
            let expired = Timestamp::from_second(seconds).unwrap_or(now);
            return Err(AptError::KeyExpired { url: url(), signer: signer.fingerprint, expired });
        }
        let release = Release::parse(&text).map_err(|why| AptError::BadRelease { url: url(), why })?;
        match release.judge(suite, now) {
            Ok(()) => Ok(release),
            Err(Distrust::Other(found)) => Err(AptError::WrongSuite { url: url(), suite: suite.to_string(), found }),
            Err(Distrust::Future(date)) => Err(AptError::Future { url: url(), date }),
            Err(Distrust::Expired(until)) if site.stale => {
                let message = format!("{} was valid until {until} only", url());
                let note = Diagnostic::warning("apt-release-stale", message)
                    .because("apt's configuration on this machine says not to check it");
                self.fetcher.listener.tell(note);
                Ok(release)
            }
            Err(Distrust::Expired(until)) => Err(AptError::Expired { url: url(), until }),
        }
    }

    /// The text that is signed; a good answer is remembered for these very bytes
    /// and this very keyring.
    fn signed_text(
        &self,
        distro: Distro,
        file: &Last,
        now: Timestamp,
        url: &str,
    ) -> Result<(Vec<u8>, Signer), AptError> {
        let cache = &self.fetcher.cache;
        let read = |sha256: &str| -> Result<Vec<u8>, AptError> {
            let path = cache.path(sha256);
            std::fs::read(&path).map_err(|e| FetchError::io("read", &path, e).into())
        };
        let keys = self.keys(distro)?;
        let parts = [&file.file, file.signature.as_ref().unwrap_or(&file.file), &keys.keyring.sha256];
        let parts = parts.map(String::as_str).join(" ");
        let question = digest::sha256(format!("apt signature 1 {} {parts}", env!("CARGO_PKG_VERSION")).as_bytes());
        let known = cache.memo(&question).and_then(|text| serde_json::from_slice::<Answered>(&text).ok());
        if let Some(known) = known.filter(|known| self.is_there(&known.text)) {
            return Ok((read(&known.text)?, known.signer));
        }
        let certs = match keys.certs.get() {
            Some(certs) => certs,
            None => {
                let certs = keys.keyring.certs()?;
                keys.certs.get_or_init(|| certs)
            }
        };
        let bytes = read(&file.file)?;
        let verified = match &file.signature {
            Some(signature) => verify::detached(&bytes, &read(signature)?, certs, now).map(|signer| (bytes, signer)),
            None => verify::cleartext(&bytes, certs, now),
        };
        let (text, signer) = verified.map_err(|problem| AptError::Signature {
            url: url.to_string(),
            keyring: keys.keyring.name.clone(),
            code: problem.code,
            why: problem.why,
            facts: problem.facts,
        })?;
        let answered = Answered { signer: signer.clone(), text: cache.insert_bytes(&text)? };
        if let Ok(answer) = serde_json::to_vec(&answered) {
            cache.set_memo(&question, &answer);
        }
        self.fetcher.listener.detail(&format!("{url} is signed by {}", signer.fingerprint));
        Ok((text, signer))
    }
}
