//! What a recipe follows in the distributions' archives, looked up anew and
//! written into the lock: the packages of `[follow.NAME]`, of `apt = "…"`, and
//! nginx with all that modules have to be built with.
//!
//! ```text
//! resolve   one package in one series: its newest version, its files by digest
//! harvest   what nginx's own packages say: mode, flavors, arguments, signatures
//! memo      what was read out of the same bytes before
//! life      new series, and those at their end; tables, the newest data on them
//! shipped   modules that the distribution has as well, and the recipe does not know of
//! compare   what is new, and whether modules built before may go on loading
//! ```
//!
//! The archive's word is believed as far as [`crate::fetch::apt`] verifies it.
//! Where anything is refused, nothing is written. Nothing here builds.

mod compare;
mod error;
mod harvest;
pub mod life;
mod memo;
mod resolve;
mod shipped;
pub mod tables;

use std::collections::BTreeMap;
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
    /// Series whose data is new in the lock, by number and name.
    pub series: Vec<String>,
    path: PathBuf,
    loaded: Lock,
    lock: Lock,
}

impl Update {
    /// Whether the lock would be written.
    pub fn is_needed(&self) -> bool {
        self.lock != self.loaded
    }

    /// The lock as it would be written.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The same, for what else there is to record.
    pub fn lock_mut(&mut self) -> &mut Lock {
        &mut self.lock
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
    let opened = Opened::new(recipe, options.only)?;
    let found = look_up(&[(0, &opened)], options, listener)?;
    Ok(opened.finish(diagnostic::all(found.into_iter().map(|(_, found)| found))?))
}

/// As [`update`], for several recipes in one look: each suite of an archive is
/// asked for once, and a package that several follow is looked into once. A
/// recipe that fails keeps no other from being looked up. The results are in the
/// order of the recipes.
pub fn update_all(
    recipes: &[impl AsRef<Path>],
    options: &Options,
    listener: &dyn Listener,
) -> Result<Vec<Result<Update, Failure>>, Failure> {
    let opened: Vec<_> = recipes.iter().map(|recipe| Opened::new(recipe.as_ref(), options.only)).collect();
    let good: Vec<(usize, &Opened)> =
        opened.iter().enumerate().filter_map(|(number, opened)| Some((number, opened.as_ref().ok()?))).collect();
    let mut found: BTreeMap<usize, Vec<Result<Found, Failure>>> = BTreeMap::new();
    for (number, result) in look_up(&good, options, listener)? {
        found.entry(number).or_default().push(result);
    }
    let finish = |(number, opened): (usize, Result<Opened, Failure>)| {
        let found = diagnostic::all(found.remove(&number).unwrap_or_default());
        opened.and_then(|opened| Ok(opened.finish(found?)))
    };
    Ok(opened.into_iter().enumerate().map(finish).collect())
}

/// One entry for the lock, and how it differs from what is there.
type Found = (Followed, Option<Change>);

/// What was found, each with the number of the recipe that asked for it.
type Numbered = Vec<(usize, Result<Found, Failure>)>;

/// Looks up all that recipes ask for; the results are in the recipes' order. What is of one series is looked up by one thread, so that
/// each finds in the cache what the one before it read out of the same indexes
/// and packages.
fn look_up(recipes: &[(usize, &Opened)], options: &Options, listener: &dyn Listener) -> Result<Numbered, Failure> {
    let fetcher = Fetcher::new(options.fetch.clone(), listener)?;
    let archives = Archives::new(&fetcher, options.fetch.archives.clone());
    let mut groups: BTreeMap<&str, Vec<(usize, Task)>> = BTreeMap::new();
    let mut numbers = Vec::new();
    for (number, opened) in recipes {
        for following in opened.asked() {
            let old = opened.lock.follow(&following.name, &following.series.name);
            let task = Task { archives: &archives, fetcher: &fetcher, listener, following, old };
            groups.entry(&following.series.name).or_default().push((numbers.len(), task));
            numbers.push(*number);
        }
    }
    let groups: Vec<Vec<(usize, Task)>> = groups.into_values().collect();
    let look =
        |(place, task): &(usize, Task)| (*place, one(task).map_err(|failure| failure_at(failure, task.following)));
    let found = parallel::map(&groups, options.jobs, |group| group.iter().map(look).collect::<Vec<_>>());
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    found.sort_by_key(|(place, _)| *place);
    Ok(numbers.into_iter().zip(found.into_iter().map(|(_, result)| result)).collect())
}

/// A recipe that is being looked up.
struct Opened {
    path: PathBuf,
    recipe: recipe::Recipe,
    lock: Lock,
    all: Vec<Following>,
    /// Of `all`, what is asked for.
    chosen: Vec<bool>,
    is_whole: bool,
}

impl Opened {
    fn new(recipe: &Path, only: Option<&Selector>) -> Result<Opened, Failure> {
        // what the lock knows of series is believed first
        let path = Lock::path_for(recipe);
        let lock = Lock::load(&path)?;
        let recipe = recipe::load(recipe)?;
        let all = following(&recipe)?;
        let chosen = all.iter().map(|following| only.is_none_or(|only| only.matches(&following.series))).collect();
        Ok(Opened { path, recipe, lock, all, chosen, is_whole: only.is_none() })
    }

    fn asked(&self) -> impl Iterator<Item = &Following> {
        self.all.iter().zip(&self.chosen).filter(|(_, chosen)| **chosen).map(|(following, _)| following)
    }

    /// With what was found.
    fn finish(self, found: Vec<Found>) -> Update {
        let looked_up = found.len();
        let mut lock = self.lock.clone();
        let mut changes = Vec::new();
        for (followed, change) in found {
            lock.set_follow(followed);
            changes.extend(change);
        }
        if self.is_whole {
            let wanted = |old: &Followed| self.all.iter().any(|f| f.name == old.name && f.series.name == old.series);
            changes.extend(lock.follows.iter().filter(|old| !wanted(old)).map(Change::gone));
            lock.follows.retain(wanted);
        }
        let series = life::keep(&self.recipe, &mut lock);
        Update { changes, looked_up, series, path: self.path, loaded: self.lock, lock }
    }
}

/// One package to be looked up, and what the lock had of it.
struct Task<'a> {
    archives: &'a Archives<'a>,
    fetcher: &'a Fetcher<'a>,
    listener: &'a dyn Listener,
    following: &'a Following,
    old: Option<&'a Followed>,
}

fn one(task: &Task) -> Result<Found, Failure> {
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
    let Some(change) = compare::compare(old, &new, || resolve::changed_headers(task, old, &new)) else {
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
