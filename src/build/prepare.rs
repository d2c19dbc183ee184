//! What `build`, `render` and `fetch` have in common: the recipe read, every
//! target evaluated, every distinct source fetched once, the lock brought up
//! to date in memory. Nothing is written here but the cache.

use std::path::{Path, PathBuf};

use crate::build::packaging;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::{self, Fetched, Fetcher};
use crate::listener::Listener;
use crate::lock::{Lock, Pin};
use crate::parallel;
use crate::plan::{self, Source, Target};
use crate::recipe::{self, selector::Selector};

/// What preparing depends on besides the recipe's folder.
pub struct Options<'a> {
    /// Only targets that match.
    pub only: Option<&'a Selector>,
    /// `Name <address>` of who writes changelog entries, where the recipe names
    /// no maintainer.
    pub author: Option<String>,
    /// RFC 2822 date of a new entry.
    pub now: String,
    /// Network, cache, lock.
    pub fetch: fetch::Options,
    /// Threads.
    pub jobs: usize,
}

/// A source that some targets share, fetched.
pub struct Upstream {
    /// The first `[[source]]` that asked for it.
    pub source: Source,
    /// Its bytes in the cache, with digests.
    pub fetched: Fetched,
}

/// Whether two sources are fetched and verified alike.
fn same(a: &Source, b: &Source) -> bool {
    a.location == b.location && a.sha256 == b.sha256 && a.signature == b.signature && a.keyring == b.keyring
}

/// A recipe ready to be rendered.
pub struct Prepared<'a> {
    /// The recipe's folder.
    pub folder: PathBuf,
    /// Its targets in the recipe's order.
    pub targets: Vec<Target>,
    /// Its distinct sources.
    pub upstreams: Vec<Upstream>,
    /// Gives access to the cache.
    pub fetcher: Fetcher<'a>,
    /// The lock as it is to be written.
    pub lock: Lock,
    loaded: Lock,
    lock_path: PathBuf,
    listener: &'a dyn Listener,
}

impl<'a> Prepared<'a> {
    /// Reads, evaluates, fetches.
    pub fn open(path: &Path, options: &Options, listener: &'a dyn Listener) -> Result<Prepared<'a>, Failure> {
        // the lock first: it may know series that the recipe names
        let loaded = Lock::load(&Lock::path_for(path))?;
        let recipe = recipe::load(path)?;
        Prepared::of(&recipe, loaded, options, listener)
    }

    /// The same for a recipe that is read already, perhaps from a text that is not
    /// written yet, and the lock beside it.
    pub fn of(
        recipe: &recipe::Recipe,
        loaded: Lock,
        options: &Options,
        listener: &'a dyn Listener,
    ) -> Result<Prepared<'a>, Failure> {
        let lock_path = Lock::path_for(recipe.path());
        let evaluate = plan::EvaluateOptions {
            only: options.only.cloned(),
            author: options.author.clone(),
            now: options.now.clone(),
        };
        let plan = plan::evaluate(recipe, &loaded, &evaluate)?;
        if options.fetch.locked && plan.lock != loaded {
            return Err(outdated(&lock_path, "the recipe has changed since the last entry"));
        }
        let fetcher = Fetcher::new(options.fetch.clone(), listener)?;
        let folder = recipe.folder().to_path_buf();
        let mut lock = plan.lock;
        let mut targets = plan.targets;
        let upstreams = fetch_all(&fetcher, &targets, &folder, &lock, options.jobs)?;
        packaging::add_patches(&mut targets, &fetcher, &folder, &lock)?;
        for upstream in &upstreams {
            upstream.fetched.pins.iter().for_each(|pin| lock.set_pin(pin.clone()));
        }
        Ok(Prepared { folder, targets, upstreams, fetcher, lock, loaded, lock_path, listener })
    }

    /// Lets the lock learn what archives have published, and fetches the sources
    /// that it pins otherwise since.
    pub fn learn(&mut self, learn: &super::Learn, jobs: usize) -> Result<(), Failure> {
        let before = self.lock.sources.clone();
        learn(&mut self.lock, &self.targets)?;
        if self.lock.sources != before {
            self.upstreams = fetch_all(&self.fetcher, &self.targets, &self.folder, &self.lock, jobs)?;
        }
        Ok(())
    }

    /// The fetched file of a target's source.
    pub fn upstream_of(&self, source: &Source) -> Result<&Upstream, Failure> {
        self.upstreams.iter().find(|upstream| same(&upstream.source, source)).ok_or_else(|| {
            let message = format!("source {} was not fetched", source.location.key());
            Failure::environment(Diagnostic::error("not-fetched", message))
        })
    }

    /// Writes the lock, if it changed; returns whether it did.
    pub fn save_lock(&self) -> Result<bool, Failure> {
        self.save(&self.lock)
    }

    /// Writes the pins of the sources into the lock, and nothing else.
    pub fn save_pins(&self) -> Result<bool, Failure> {
        let mut lock = self.loaded.clone();
        for upstream in &self.upstreams {
            upstream.fetched.pins.iter().for_each(|pin| lock.set_pin(pin.clone()));
        }
        self.save(&lock)
    }

    fn save(&self, lock: &Lock) -> Result<bool, Failure> {
        if *lock == self.loaded {
            return Ok(false);
        }
        if Lock::load(&self.lock_path)? != self.loaded {
            return Err(
                outdated(&self.lock_path, "another pkgr has written it meanwhile").hint("run the command again")
            );
        }
        let written = lock.save(&self.lock_path)?;
        let new = lock.sources.iter().filter(|pin| self.loaded.pin(&pin.from).is_none());
        new.for_each(|pin| self.listener.tell(pinned(pin)));
        Ok(written)
    }
}

/// An input is pinned when it is seen first and the lock has it.
fn pinned(pin: &Pin) -> Diagnostic {
    let note = Diagnostic::note("pinned", format!("pinned {}", pin.from))
        .because(format!("sha256 {}, {} bytes", pin.sha256, pin.size));
    match &pin.commit {
        Some(commit) => note.because(format!("commit {commit}")),
        None => note,
    }
}

fn outdated(path: &Path, why: &str) -> Failure {
    let message = format!("{} is not up to date", path.display());
    Failure::recipe(Diagnostic::error("lock-outdated", message).because(why.to_string()))
        .hint("without --locked, pkgr brings it up to date; commit it then")
}

/// Fetches every distinct source of the targets once.
fn fetch_all(
    fetcher: &Fetcher,
    targets: &[Target],
    folder: &Path,
    lock: &Lock,
    jobs: usize,
) -> Result<Vec<Upstream>, Failure> {
    let mut distinct: Vec<&Source> = Vec::new();
    for source in targets.iter().flat_map(|target| &target.sources) {
        if !distinct.iter().any(|other| same(other, source)) {
            distinct.push(source);
        }
    }
    let results = parallel::map(&distinct, jobs, |source| {
        fetcher.fetch(source, folder, lock).map(|fetched| Upstream { source: (*source).clone(), fetched })
    });
    crate::diagnostic::all(results)
}
