//! Apt archives (the repository format of apt-secure(8)): which version of a
//! package a series has, and its files, with an unbroken chain from the archive's
//! OpenPGP key: InRelease → index → .dsc and pool files, every link a SHA-256.
//!
//! ```text
//! sites     where a suite is served: Ubuntu's hosts, Debian's as machine finds them in apt's configuration
//! suite     series and pocket → the folder below dists/, and the names a Release file must give itself
//! keyring   compiled in, the machine's newer one, or the user's
//! trust     the Release file: asked for, verified (verify), parsed and judged (release)
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
mod trust;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use sequoia_openpgp::Cert;

pub use entry::{BinaryEntry, PoolFile, SourceEntry};
pub use error::AptError;
pub use machine::{Machine, Mirror};
pub use origs::{AptOrig, AptSource};
pub use pool::SourceFiles;
pub use search::{Wanted, search};
pub use sites::{Settings, UBUNTU, UBUNTU_PORTS};
pub use suite::{Pocket, Suite};

use crate::diagnostic::Failure;
use crate::fetch::Fetcher;
use crate::series::{Distro, Series};
use keyring::Keyring;
use release::Release;

/// Where the Release file of a series' pocket is looked for, the likeliest first;
/// none where there is no such pocket.
pub fn release_addresses(settings: &Settings, series: &Series, pocket: Pocket) -> Result<Vec<String>, AptError> {
    let Some(suite) = Suite::new(series, pocket) else { return Ok(Vec::new()) };
    let sites = sites::sites(settings, &Machine::read(&settings.root), &suite, None)?;
    Ok(sites.into_iter().map(|site| format!("{}/dists/{}/InRelease", site.url, suite.folder())).collect())
}

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
    /// By the address of the suite's folder; `None` where it is not there.
    releases: Mutex<BTreeMap<String, Option<Arc<Verified>>>>,
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

impl<'f> Archives<'f> {
    /// Touches neither disk nor network yet.
    pub fn new(fetcher: &'f Fetcher<'f>, settings: Settings) -> Archives<'f> {
        Archives { fetcher, settings, machine: OnceLock::new(), keyrings: Mutex::default(), releases: Mutex::default() }
    }

    /// The architectures that a series' release has.
    pub fn architectures(&self, series: &Series) -> Result<Vec<String>, Failure> {
        let release = Suite { series: series.clone(), pocket: Pocket::Release };
        let verified = self.verified(&release, None)?;
        let names = verified.map(|verified| verified.release.architectures.clone()).unwrap_or_default();
        Ok(names.into_iter().filter(|name| name != "all" && name != "source").collect())
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
}
