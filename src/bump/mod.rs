//! A recipe moved to another version: a new one of upstream's, found by
//! `[watch]` or named, or the same one again with words about why.
//!
//! ```text
//! wanted    what a person asked for → the new version, never a lower one
//! apply     the edited recipe, its sources pinned anew, its patches proved
//! ```
//!
//! Everything is found out in memory; recipe and lock are written at the end, or
//! not at all. Nothing is built here.

mod apply;
mod error;
mod wanted;

use std::path::{Path, PathBuf};

pub use error::BumpError;
pub use wanted::Wanted;

use crate::build::prepare;
use crate::diagnostic::Failure;
use crate::fetch::Fetcher;
use crate::listener::Listener;
use crate::lock::Lock;
use crate::plan::watch::{not_watched, watched};
use crate::recipe::template::Variables;
use crate::recipe::{self, Recipe};
use crate::watch::{Looking, Release, Services};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// A version, as upstream or as Debian writes it, perhaps with an epoch.
    pub version: Option<String>,
    /// Words for the changelog, one change each.
    pub words: Vec<String>,
    /// The same version once more, without a new revision.
    pub rebuild: bool,
    /// Write recipe and lock although patches do not apply, or files are missing.
    pub keep_going: bool,
}

impl Request {
    /// Whether upstream has to be asked.
    pub fn looks(&self) -> bool {
        self.version.is_none() && self.words.is_empty() && !self.rebuild
    }
}

/// What a bump makes of a recipe, before anything is written.
pub struct Bump {
    /// The recipe's file.
    pub recipe: PathBuf,
    /// Source package.
    pub name: String,
    /// `[epoch:]upstream` and the revision before.
    pub old: String,
    /// And after.
    pub new: String,
    /// Lines of the new changelog entries.
    pub changes: Vec<String>,
    /// The new version of each series.
    pub versions: std::collections::BTreeMap<String, String>,
    /// Sources that are other files than before: where from, and sha256.
    pub sources: Vec<(String, String)>,
    /// What does not fit the new upstream (only with `keep_going`).
    pub failures: Vec<Failure>,
    edit: recipe::edit::Edit,
    lock: Lock,
    loaded: Lock,
}

impl Bump {
    /// Writes the recipe, then the lock: a run that is killed between leaves a
    /// recipe whose next build makes the entry itself.
    pub fn save(&mut self) -> Result<(), Failure> {
        let path = Lock::path_for(&self.recipe);
        if Lock::load(&path)? != self.loaded {
            return Err(BumpError::LockChanged(path).into());
        }
        self.edit.save()?;
        self.lock.save(&path)?;
        Ok(())
    }
}

/// The newest version of upstream above the recipe's, if there is one.
pub fn look(
    path: &Path,
    services: &Services,
    options: &prepare::Options,
    listener: &dyn Listener,
) -> Result<Option<Release>, Failure> {
    Lock::load(&Lock::path_for(path))?;
    let recipe = recipe::load(path)?;
    recipe.problems().clone().into_result()?;
    newest(&recipe, services, options, listener)
}

fn newest(
    recipe: &Recipe,
    services: &Services,
    options: &prepare::Options,
    listener: &dyn Listener,
) -> Result<Option<Release>, Failure> {
    let text = |key| recipe.root().text(key).map(|text| text.value.clone()).unwrap_or_default();
    let version = text("version");
    let plain = wanted::without_epoch(&version).to_string();
    let variables =
        Variables { name: text("name"), version: plain.clone(), upstream_version: plain, ..Variables::default() };
    let Some(watch) = watched(recipe, &variables)? else { return Err(not_watched(recipe)) };
    let fetcher = Fetcher::new(options.fetch.clone(), listener)?;
    let looking = Looking { services, fetcher: &fetcher, folder: recipe.folder(), listener };
    looking.newest(&watch, &version)
}

/// Finds out what the request makes of a recipe; none where upstream has nothing
/// newer. Fails, without anything written, where a source cannot be fetched, a
/// signature is wrong, or patches do not apply (unless it is to keep going).
pub fn bump(
    path: &Path,
    request: &Request,
    services: &Services,
    options: &prepare::Options,
    listener: &dyn Listener,
) -> Result<Option<Bump>, Failure> {
    let loaded = Lock::load(&Lock::path_for(path))?;
    let recipe = recipe::load(path)?;
    recipe.problems().clone().into_result()?;
    let wanted = match &request.version {
        Some(version) => Wanted::named(&recipe, version)?,
        None if request.looks() => match newest(&recipe, services, options, listener)? {
            Some(release) => Wanted::found(&recipe, &release)?,
            None => return Ok(None),
        },
        None => Wanted::again(&recipe, request.rebuild)?,
    };
    apply::Applying { recipe: &recipe, request, wanted: &wanted, options, listener }.bump(loaded).map(Some)
}
