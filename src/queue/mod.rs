//! The patch queue of a recipe, without quilt: its `[[patch]]` entries and files
//! are listed, refreshed, added and dropped here. Diffs themselves are the matter
//! of [`crate::patch`].
//!
//! Targets with the same tarballs and patches are looked at once, as a [`Lineup`].

mod changes;
mod drop;
mod entry;
mod error;
mod import;
mod list;
mod new;
mod refresh;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::build::contents::{Contents, Part, Wanted, parts_of};
use crate::build::prepare::{Options, Prepared};
use crate::diagnostic::Failure;
use crate::files;
use crate::listener::Listener;
use crate::patch::{self, PatchFile};
use crate::plan::Target;
use crate::recipe::{self, Recipe};

pub use drop::{Dropped, drop_patch};
pub use entry::Added;
pub use error::QueueError;
pub use import::Origin;
pub use list::{Entry, State};
pub use new::{Description, NewPatch};
pub use refresh::Refreshed;

/// A recipe with its sources at hand.
pub struct Queue<'a> {
    recipe: Recipe,
    prepared: Prepared<'a>,
    lineups: Vec<Lineup>,
    jobs: usize,
    listener: &'a dyn Listener,
}

/// Targets that have the same tarballs and patches.
#[derive(Debug, Clone)]
pub struct Lineup {
    /// Their series, in the recipe's order.
    pub series: Vec<String>,
    /// What the patches are for, `hello 2.12`.
    pub source: String,
    /// The patch files in the order of application, relative to the recipe's folder.
    pub files: Vec<String>,
    parts: Vec<Part>,
    /// One of the targets, by its place in the plan.
    target: usize,
}

impl<'a> Queue<'a> {
    /// Reads a recipe, fetches its sources, and sorts its targets.
    pub fn open(path: &Path, options: &Options, listener: &'a dyn Listener) -> Result<Queue<'a>, Failure> {
        let recipe = recipe::load(path)?;
        let prepared = Prepared::open(path, options, listener)?;
        let mut lineups: Vec<Lineup> = Vec::new();
        for (index, target) in prepared.targets.iter().enumerate().filter(|(_, target)| !target.sources.is_empty()) {
            let parts = parts_of(&prepared, target)?;
            let files: Vec<String> = target.patches.iter().map(|patch| patch.file.clone()).collect();
            let name = target.series.name.clone();
            match lineups.iter_mut().find(|lineup| lineup.parts == parts && lineup.files == files) {
                Some(lineup) if lineup.series.contains(&name) => {}
                Some(lineup) => lineup.series.push(name),
                None => {
                    let source = format!("{} {}", target.name, target.recipe_version);
                    lineups.push(Lineup { series: vec![name], source, files, parts, target: index });
                }
            }
        }
        if lineups.is_empty() {
            return Err(QueueError::Native(path.to_path_buf()).into());
        }
        Ok(Queue { recipe, prepared, lineups, jobs: options.jobs, listener })
    }

    /// The distinct trees that the recipe's targets make.
    pub fn lineups(&self) -> &[Lineup] {
        &self.lineups
    }

    /// Where a file of the queue is.
    fn path(&self, file: &str) -> PathBuf {
        match self.prepared.folder == Path::new(".") {
            true => PathBuf::from(file),
            false => self.prepared.folder.join(file),
        }
    }

    /// How messages name it.
    fn shown(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    /// The patch files of all targets, each once, in the recipe's order.
    fn files(&self) -> Vec<String> {
        let mut places: BTreeMap<(usize, usize), &str> = BTreeMap::new();
        for patch in self.prepared.targets.iter().flat_map(|target| &target.patches) {
            places.insert((patch.place.line, patch.place.column), &patch.file);
        }
        let mut files: Vec<String> = Vec::new();
        for file in places.into_values() {
            if !files.iter().any(|other| other == file) {
                files.push(file.to_string());
            }
        }
        files
    }

    /// One of its targets.
    pub fn target(&self, lineup: &Lineup) -> Result<&Target, Failure> {
        self.prepared.targets.get(lineup.target).ok_or_else(|| QueueError::Native(self.recipe.path().into()).into())
    }

    fn read_patches(&self) -> Result<BTreeMap<String, Read>, Failure> {
        let read = |file: &String| {
            let bytes = files::read(&self.path(file))?;
            let parsed = patch::parse(&self.shown(file), &bytes);
            Ok((file.clone(), Read { bytes, parsed }))
        };
        crate::diagnostic::all(self.files().iter().map(read)).map(|read| read.into_iter().collect())
    }

    /// What patches may touch, for every tree.
    fn contents(&self, patches: &BTreeMap<String, Read>, more: &[&PatchFile]) -> Result<Contents, Failure> {
        let more: BTreeSet<Vec<u8>> = more.iter().flat_map(|patch| patch.touched()).collect();
        let wanted_of = |lineup: &Lineup| -> Wanted {
            let parsed = lineup.files.iter().filter_map(|file| patches.get(file)?.parsed.as_ref().ok());
            let touched = parsed.flat_map(PatchFile::touched).chain(more.iter().cloned());
            (lineup.parts.clone(), touched.collect())
        };
        let wanted: Vec<Wanted> = self.lineups.iter().map(wanted_of).collect();
        Contents::read(&self.prepared, &wanted, self.jobs, self.listener)
    }
}

/// A patch file.
struct Read {
    bytes: Vec<u8>,
    parsed: Result<PatchFile, patch::PatchError>,
}
