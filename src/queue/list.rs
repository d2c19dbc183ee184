//! What is in the queue, and how each patch applies to each tree.

use super::{Lineup, Queue};
use crate::diagnostic::Failure;
use crate::patch::{self, PatchError, Tree, dep3, refresh};

/// One patch of the recipe.
#[derive(Debug)]
pub struct Entry {
    /// Its number, counted from 1.
    pub number: usize,
    /// Relative to the recipe's folder.
    pub file: String,
    /// The selectors of its entries; empty: all targets.
    pub when: Vec<String>,
    /// What it does, as its header says.
    pub summary: Option<String>,
    /// Files that it may change.
    pub touched: Vec<String>,
    /// For each tree that has it: the series, and how it applies.
    pub states: Vec<(Vec<String>, State)>,
}

/// How a patch applies.
#[derive(Debug)]
pub enum State {
    /// Exactly.
    Applies,
    /// dpkg-source takes it, but so many hunks have moved.
    Offset(usize),
    /// Only with so many lines of context ignored: dpkg-source refuses it.
    Fuzz(i64),
    /// It does not.
    Refused(Box<PatchError>),
    /// A patch before it does not apply.
    NotTried,
}

impl State {
    /// Whether dpkg-source would take it.
    pub fn is_fit(&self) -> bool {
        matches!(self, State::Applies | State::Offset(_))
    }
}

/// As much fuzz as `patch` allows where nobody says how much.
const USUAL_FUZZ: i64 = 2;

impl Queue<'_> {
    /// All patches in the recipe's order.
    pub fn list(&self) -> Result<Vec<Entry>, Failure> {
        let patches = self.read_patches()?;
        let contents = self.contents(&patches, &[])?;
        let mut entries: Vec<Entry> = Vec::new();
        for (index, file) in self.files().into_iter().enumerate() {
            let read = patches.get(&file);
            let touched = read.and_then(|read| read.parsed.as_ref().ok()).map(|patch| patch.touched());
            let touched = touched.into_iter().flatten().map(|path| String::from_utf8_lossy(&path).into_owned());
            entries.push(Entry {
                number: index + 1,
                when: self.selectors(&file),
                summary: read.and_then(|read| dep3::read(&read.bytes).summary),
                touched: touched.collect(),
                states: Vec::new(),
                file,
            });
        }
        for lineup in &self.lineups {
            let base = contents.tree(&lineup.parts);
            let mut tree = Some(Tree::new(&base));
            for file in &lineup.files {
                let parsed = patches.get(file).map(|read| &read.parsed);
                let state = parsed.map_or(State::NotTried, |parsed| state(parsed, &mut tree));
                if let Some(entry) = entries.iter_mut().find(|entry| entry.file == *file) {
                    entry.states.push((lineup.series.clone(), state));
                }
            }
        }
        Ok(entries)
    }

    /// The selectors of a file's entries; none if one of them has none.
    fn selectors(&self, file: &str) -> Vec<String> {
        let patches = self.prepared.targets.iter().flat_map(|target| &target.patches);
        let lines: Vec<usize> = patches.filter(|patch| patch.file == file).map(|patch| patch.place.line).collect();
        let line = |span: &crate::recipe::document::Span| self.recipe.document().line(span.start);
        let sections = self.recipe.root().tables("patch").iter();
        let mine = sections.filter(|s| s.field("file").is_some_and(|file| lines.contains(&line(&file.span))));
        let all: Option<Vec<String>> = mine.map(|section| section.when().map(|when| when.text().to_string())).collect();
        all.unwrap_or_default()
    }
}

/// Applies one patch to what those before it made; `None` once one has failed.
fn state(parsed: &Result<patch::PatchFile, PatchError>, tree: &mut Option<Tree<'_>>) -> State {
    let Some(before) = tree.take() else { return State::NotTried };
    let patch = match parsed {
        Ok(patch) => patch,
        Err(error) => return State::Refused(Box::new(error.clone())),
    };
    let mut refused = None;
    for fuzz in [0, USUAL_FUZZ] {
        let mut after = before.clone();
        match patch::apply(patch, &mut after, fuzz) {
            Ok((applied, _)) => {
                *tree = Some(after);
                return match refresh::moved(&applied) {
                    (0, _) => State::Applies,
                    (hunks, 0) => State::Offset(hunks),
                    (_, fuzz) => State::Fuzz(fuzz),
                };
            }
            Err(error) => drop(refused.get_or_insert(error)),
        }
    }
    refused.map_or(State::NotTried, |error| State::Refused(Box::new(error)))
}

impl Lineup {
    /// The series, for messages.
    pub(super) fn label(&self) -> String {
        self.series.join(", ")
    }
}
