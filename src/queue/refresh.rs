//! Refreshing the queue: every patch is brought to apply exactly, in the order of
//! application. One file may serve trees that differ; it is then rewritten only
//! into a form that all of them take.

use super::{Lineup, Queue, QueueError, Read, drop};
use crate::build::contents::OrigTree;
use crate::diagnostic::Failure;
use crate::files;
use crate::patch::{self, PatchError, PatchFile, Tree, refresh};

/// What became of one patch.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// Relative to the recipe's folder.
    pub file: String,
    /// Hunks that had moved, over the tree where most had.
    pub moved: usize,
    /// The most fuzz that one of them needed.
    pub fuzz: i64,
    /// Whether its file was written anew.
    pub written: bool,
}

/// A tree, and how far its patches have come.
struct Progress<'t, 'q> {
    lineup: &'q Lineup,
    tree: Tree<'t>,
}

/// One tree's own refresh of a patch.
struct Candidate<'t> {
    label: String,
    before: Tree<'t>,
    after: Tree<'t>,
    bytes: Vec<u8>,
    moved: (usize, i64),
}

impl Queue<'_> {
    /// Refreshes one patch, or all of them; tells what was done, and fails with all
    /// that no longer apply. Patches before them have to apply, with as much fuzz.
    pub fn refresh(&self, name: Option<&str>, fuzz: i64) -> Result<(Vec<Refreshed>, Vec<Failure>), Failure> {
        let patches = self.read_patches()?;
        let contents = self.contents(&patches, &[])?;
        let files = self.files();
        let only = name.map(|name| drop::find(&files, name)).transpose()?;
        let bases: Vec<(&Lineup, OrigTree<'_>)> =
            self.lineups.iter().map(|lineup| (lineup, contents.tree(&lineup.parts))).collect();
        let mut trees: Vec<Progress<'_, '_>> =
            bases.iter().map(|(lineup, base)| Progress { lineup, tree: Tree::new(base) }).collect();
        let (mut done, mut failures) = (Vec::new(), Vec::new());
        for file in &files {
            let Some(read) = patches.get(file) else { continue };
            let mut candidates = Vec::new();
            let mut refused = false;
            trees = advance(trees, file, read, fuzz, &mut candidates, |lineup, error| {
                failures.push(refusal(lineup, error));
                refused = true;
            });
            let is_meant = only.is_none_or(|only| only == file);
            if is_meant && !refused && !candidates.is_empty() {
                match self.settle(file, read, &candidates) {
                    Ok(refreshed) => done.push(refreshed),
                    Err(failure) => failures.push(failure),
                }
            }
            if only == Some(file.as_str()) {
                break;
            }
        }
        Ok((done, failures))
    }

    /// Writes the form of a patch that all trees take.
    fn settle(&self, file: &str, read: &Read, candidates: &[Candidate<'_>]) -> Result<Refreshed, Failure> {
        let moved = candidates.iter().map(|candidate| candidate.moved);
        let (hunks, fuzz) = moved.fold((0, 0), |(a, b), (c, d)| (a.max(c), b.max(d)));
        // one that is exact somewhere and fits everywhere stays: a refresh for another
        // target would take that away again
        let exact = candidates.iter().any(|candidate| candidate.bytes == read.bytes);
        let own = exact.then_some(&read.bytes);
        let forms = own.into_iter().chain(candidates.iter().map(|candidate| &candidate.bytes));
        let shown = self.shown(file);
        for form in forms {
            let Ok(patch) = patch::parse(&shown, form) else { continue };
            if candidates.iter().all(|candidate| candidate.takes(&patch)) {
                let written = files::write_atomically(&self.path(file), form, false)?;
                return Ok(Refreshed { file: file.to_string(), moved: hunks, fuzz, written });
            }
        }
        let label = |index: usize| candidates.get(index).map(|c| c.label.clone()).unwrap_or_default();
        Err(QueueError::Split(file.to_string(), label(0), label(candidates.len() - 1)).into())
    }
}

impl Candidate<'_> {
    /// Whether dpkg-source would take a form of the patch here, to the same end.
    fn takes(&self, patch: &PatchFile) -> bool {
        let mut tree = self.before.clone();
        patch::apply(patch, &mut tree, 0).is_ok() && tree.changes().eq(self.after.changes())
    }
}

/// Takes every tree past a patch; those that refuse it are left out from then on.
fn advance<'t, 'q>(
    trees: Vec<Progress<'t, 'q>>,
    file: &str,
    read: &Read,
    fuzz: i64,
    candidates: &mut Vec<Candidate<'t>>,
    mut refused: impl FnMut(&Lineup, PatchError),
) -> Vec<Progress<'t, 'q>> {
    let mut left = Vec::new();
    for mut progress in trees {
        if !progress.lineup.files.iter().any(|other| other == file) {
            left.push(progress);
            continue;
        }
        let before = progress.tree.clone();
        let result = read.parsed.clone().and_then(|patch| refresh::refresh(&patch, &mut progress.tree, fuzz));
        match result {
            Ok(refreshed) => {
                candidates.push(Candidate {
                    label: progress.lineup.label(),
                    before,
                    after: progress.tree.clone(),
                    moved: refreshed.moved(),
                    bytes: refreshed.bytes,
                });
                left.push(progress);
            }
            Err(error) => refused(progress.lineup, error),
        }
    }
    left
}

/// A patch that cannot be refreshed: where it was tried, and what is left to do.
fn refusal(lineup: &Lineup, error: PatchError) -> Failure {
    use patch::Obstacle;
    let by_hand =
        matches!(error.obstacle, Obstacle::DoesNotApply { .. } | Obstacle::NotEmptied(_) | Obstacle::Overlap { .. });
    let name = error.patch.to_string();
    let mut failure = error.into_failure(&lineup.source);
    if let Some(found) = failure.diagnostics.first_mut() {
        found.notes.insert(0, format!("tried on {} for {}", lineup.source, lineup.label()));
        if by_hand {
            found.hints.clear();
            found.hints.push(format!("change the hunk in {name} to what the file has there, or allow more --fuzz"));
            found.hints.push("if upstream has made the change, drop the patch: `pkgr patch drop`".to_string());
        }
    }
    failure
}
