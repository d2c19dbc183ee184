//! What a recipe follows in the distributions' archives, looked up anew and
//! written into the lock: the packages of `[follow.NAME]`, of `apt = "…"`, and
//! nginx with all that modules have to be built with.
//!
//! ```text
//! resolve   one package in one series: its newest version, its files by digest
//! harvest   what nginx's own packages say: mode, flavors, arguments, signatures
//! shipped   modules that the distribution has as well, and the recipe does not know of
//! compare   what is new, and whether modules built before may go on loading
//! ```
//!
//! The archive's word is believed as far as [`crate::fetch::apt`] verifies it.
//! Where anything is refused, nothing is written. Nothing here builds.

mod compare;
mod error;
mod harvest;
mod resolve;
mod shipped;

use std::path::{Path, PathBuf};

pub use compare::{Change, Weight};
pub use error::FollowError;

use crate::diagnostic::{self, Diagnostic, Failure};
use crate::fetch::apt::Archives;
use crate::fetch::{self, Fetcher};
use crate::listener::Listener;
use crate::lock::{Followed, Lock};
use crate::parallel;
use crate::plan::follow::{Following, Rebuild, following};
use crate::recipe::{self, selector::Selector};

/// How to look.
pub struct Options<'a> {
    /// Only for these series; what the lock has for others stays.
    pub only: Option<&'a Selector>,
    /// Cache and archives.
    pub fetch: fetch::Options,
    /// Threads.
    pub jobs: usize,
}

/// A recipe's lock, brought up to date in memory.
pub struct Update {
    /// What is different, in the order of the recipe.
    pub changes: Vec<Change>,
    /// How many packages were looked up.
    pub looked_up: usize,
    path: PathBuf,
    loaded: Lock,
    lock: Lock,
}

impl Update {
    /// Whether the lock would be written.
    pub fn is_needed(&self) -> bool {
        self.lock != self.loaded
    }

    /// Writes the lock, unless somebody else has meanwhile; returns whether it changed.
    pub fn save(&self) -> Result<bool, Failure> {
        if !self.is_needed() {
            return Ok(false);
        }
        if Lock::load(&self.path)? != self.loaded {
            let message = format!("{} was written by another pkgr meanwhile", self.path.display());
            return Err(Failure::recipe(Diagnostic::error("lock-outdated", message).hint("run `pkgr update` again")));
        }
        self.lock.save(&self.path)
    }
}

/// Looks up everything that a recipe follows. The cache fills; nothing else is
/// written before [`Update::save`].
pub fn update(recipe: &Path, options: &Options, listener: &dyn Listener) -> Result<Update, Failure> {
    let (path, recipe) = (Lock::path_for(recipe), recipe::load(recipe)?);
    let loaded = Lock::load(&path)?;
    let all = following(&recipe)?;
    let chosen = |following: &&Following| options.only.is_none_or(|only| only.matches(&following.series));
    let asked: Vec<&Following> = all.iter().filter(chosen).collect();
    let fetcher = Fetcher::new(options.fetch.clone(), listener)?;
    let archives = Archives::new(&fetcher, options.fetch.archives.clone());
    let look = |following: &&Following| {
        let old = loaded.follow(&following.name, &following.series.name);
        one(&Task { archives: &archives, fetcher: &fetcher, listener, following, old })
            .map_err(|failure| failure_at(failure, following))
    };
    let found = diagnostic::all(parallel::map(&asked, options.jobs, look))?;
    let mut lock = loaded.clone();
    let mut changes = Vec::new();
    for (followed, change) in found {
        lock.set_follow(followed);
        changes.extend(change);
    }
    if options.only.is_none() {
        let wanted = |old: &Followed| all.iter().any(|f| f.name == old.name && f.series.name == old.series);
        changes.extend(lock.follows.iter().filter(|old| !wanted(old)).map(Change::gone));
        lock.follows.retain(wanted);
    }
    Ok(Update { changes, looked_up: asked.len(), path, loaded, lock })
}

/// One package to be looked up, and what the lock had of it.
struct Task<'a> {
    archives: &'a Archives<'a>,
    fetcher: &'a Fetcher<'a>,
    listener: &'a dyn Listener,
    following: &'a Following,
    old: Option<&'a Followed>,
}

fn one(task: &Task) -> Result<(Followed, Option<Change>), Failure> {
    let new = resolve::resolve(task)?;
    // another package under the same name is not compared with
    let old = task.old.filter(|old| old.package == new.package && old.nginx.is_some() >= new.nginx.is_some());
    let Some(old) = old else {
        let change = Change::first(&new);
        return Ok((new, Some(change)));
    };
    resolve::check_not_rewritten(old, &new)?;
    if older(&new, old) {
        let message = format!(
            "{} of {} has {} {} only, and the lock {}: the lock stays",
            new.suite, new.series, new.package, new.version, old.version
        );
        let hint = "a mirror may be late, or the version was withdrawn; to go back, take the entry out of recipe.lock";
        task.listener.tell(Diagnostic::warning("apt-older", message).hint(hint));
        return Ok((old.clone(), None));
    }
    let Some(change) = compare::compare(old, &new, || resolve::changed_headers(task.fetcher, old, &new)) else {
        return Ok((old.clone(), None));
    };
    let only_abi = task.following.nginx.as_ref().is_some_and(|harvest| harvest.rebuild == Rebuild::Abi);
    // with reasons there is more to know: a flavor or an architecture
    if !(only_abi && change.weight == Weight::PatchLevel && change.reasons.is_empty()) {
        return Ok((new, Some(change)));
    }
    if resolve::is_still_there(task, old)? {
        return Ok((old.clone(), Some(Change { weight: Weight::Held, ..change })));
    }
    let reasons = vec![format!("the archive no longer has the files of {}, which the lock held", old.version)];
    Ok((new, Some(Change { reasons, ..change })))
}

fn older(new: &Followed, old: &Followed) -> bool {
    matches!((new.parsed_version(), old.parsed_version()), (Some(new), Some(old)) if new < old)
}

/// Names the place in the recipe that asks for it.
fn failure_at(mut failure: Failure, following: &Following) -> Failure {
    for diagnostic in &mut failure.diagnostics {
        diagnostic.place.get_or_insert_with(|| following.place.clone());
        diagnostic.notes.push(format!("while looking up {} for {}", following.package, following.series));
    }
    failure
}
