//! The scheduled run: whatever moved in the archives, in a recipe or in its lock
//! is built, signed, judged, sent and seen through to publication; where nothing
//! moved, that is known after a second.
//!
//! ```text
//! look up what is followed → plan → what does the target have? → build → check → (test) → upload → wait
//! ```
//!
//! Nothing decides by what this run changed, but by what the target lacks: of
//! every planned version the target itself is asked, and the journal beside the
//! packages. So a run that was killed anywhere is finished by the next one, and
//! one that was not repeats nothing. Versions are counted in the lock, which is
//! written before a package that has one exists, and which learns from the target
//! what was taken there ([`crate::memory`]).
//!
//! A recipe that fails, or a package of it, stops no other. Recipes that
//! build-depend on one another go in levels: a level begins when the target has
//! published those before it.

mod decide;
mod guard;
mod packages;
pub mod report;
mod standing;
pub mod summary;
mod wait;

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::check::service::Service;
use crate::check::{Archive, Keys};
use crate::diagnostic::Failure;
use crate::fetch;
use crate::follow;
use crate::launchpad::{Client, Ppa, WaitOptions};
use crate::listener::Listener;
use crate::plan::order;
use crate::recipe::Recipe;
use crate::sandbox;
use crate::series::Catalog;
use crate::sign::Signer;
use crate::upload::Sending;
use crate::upload::target::Target;
use decide::Work;
use report::{Outcome, Report};

/// How to rebuild.
pub struct Options<'a> {
    /// Where the packages of a recipe go; an error where nothing says so.
    pub target: &'a (dyn Fn(&Recipe) -> Result<Target, Failure> + Sync),
    /// Folder of the packages and their journals.
    pub output: &'a Path,
    /// Cache and archives.
    pub fetch: fetch::Options,
    /// `Name <address>` of who writes changelog entries, where a recipe names no
    /// maintainer.
    pub author: Option<String>,
    /// RFC 2822 date of new entries.
    pub now: String,
    /// Threads.
    pub jobs: usize,
    /// Signs; without one nothing can be uploaded.
    pub signer: Option<&'a Signer>,
    /// What signatures are verified with.
    pub keys: &'a Keys,
    /// Whose rules packages are checked by; `None`: those of their distribution.
    pub archive: Option<Archive>,
    /// Builds and tests binary packages before the upload.
    pub test: Option<&'a sandbox::Options>,
    /// Every series that there is.
    pub series: &'a Catalog,
    /// ISO date, for series that come and end.
    pub today: &'a str,
    /// How uploads are sent.
    pub sending: &'a Sending<'a>,
    /// Launchpad, for targets that are PPAs.
    pub client: &'a Client<'a>,
    /// Waits until everything is published; `None`: only uploads.
    pub wait: Option<&'a WaitOptions<'a>>,
    /// For an upload to appear whose end is not known, or that was sent before.
    pub acceptance: Duration,
    /// Look and plan, and change nothing.
    pub dry_run: bool,
}

/// Rebuilds what has to be rebuilt. The error is that nothing could be tried;
/// everything else is in the report.
pub fn rebuild(recipes: &[PathBuf], options: &Options, listener: &dyn Listener) -> Result<Report, Failure> {
    let _guards = match options.dry_run {
        true => Vec::new(),
        false => guards(recipes, listener)?,
    };
    let looking = follow::Options { only: None, fetch: options.fetch.clone(), jobs: options.jobs };
    let updates = follow::update_all(recipes, &looking, listener)?;
    let archives = Services::default();
    let works: Vec<Work> = recipes
        .iter()
        .zip(updates)
        .map(|(recipe, update)| Work::new(recipe, update, options, &archives, listener))
        .collect();
    let works = in_levels(works, options, listener)?;
    Ok(Report { recipes: works.into_iter().map(Work::into_report).collect() })
}

/// Every recipe once, in one order, so that two runs that have several in common
/// do not wait for each other for ever.
fn guards(recipes: &[PathBuf], listener: &dyn Listener) -> Result<Vec<guard::Guard>, Failure> {
    let mut paths: Vec<PathBuf> =
        recipes.iter().map(|recipe| recipe.canonicalize().unwrap_or_else(|_| recipe.clone())).collect();
    paths.sort();
    paths.dedup();
    // one that cannot be opened is told of where it is read
    Ok(paths.iter().filter_map(|path| guard::Guard::hold(path, listener).ok()).collect())
}

/// Level by level: what waits for others begins when they are published.
fn in_levels<'a>(
    mut works: Vec<Work<'a>>,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Vec<Work<'a>>, Failure> {
    let targets: Vec<_> = works.iter().map(|work| work.targets.as_slice()).collect();
    let levels = order::order(&targets)?;
    let waits = order::waits(&targets);
    for level in levels {
        for number in &level {
            let needed = waits.get(number).into_iter().flatten();
            let unfinished = needed.filter_map(|other| works.get(*other)).find(|other| !other.is_published());
            let why = unfinished.map(|other| format!("waits until {} is published", other.recipe.display()));
            let Some(work) = works.get_mut(*number) else { continue };
            match why {
                Some(why) => work.postpone(&why),
                None => packages::advance(work, options, listener),
            }
        }
        let mut waiting: Vec<&mut Work> =
            works.iter_mut().enumerate().filter(|(number, _)| level.contains(number)).map(|(_, work)| work).collect();
        wait::wait(&mut waiting, options, listener);
    }
    Ok(works)
}

/// What the PPAs of a run hold, each asked about once.
#[derive(Default)]
struct Services<'c> {
    ppas: RefCell<Vec<(Ppa, Rc<Service<'c>>)>>,
    primary: OnceCell<Rc<Service<'c>>>,
}

impl<'c> Services<'c> {
    fn ppa(&self, client: &'c Client<'c>, ppa: &Ppa) -> Result<Rc<Service<'c>>, Failure> {
        if let Some((_, known)) = self.ppas.borrow().iter().find(|(other, _)| other == ppa) {
            return Ok(known.clone());
        }
        let service = Rc::new(Service::ppa(client, ppa)?);
        self.ppas.borrow_mut().push((ppa.clone(), service.clone()));
        Ok(service)
    }

    /// Ubuntu's own archive, from which a PPA takes orig files too.
    fn primary(&self, client: &'c Client<'c>) -> Result<Rc<Service<'c>>, Failure> {
        if let Some(known) = self.primary.get() {
            return Ok(known.clone());
        }
        let service = Rc::new(Service::primary(client, "ubuntu")?);
        Ok(self.primary.get_or_init(|| service).clone())
    }
}

/// Whether a package needs nothing more.
fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Current | Outcome::Published | Outcome::Skipped(_))
}
