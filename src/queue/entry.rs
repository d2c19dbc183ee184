//! Adding a patch to the recipe: its file, and the `[[patch]]` entry that names it.
//! It has to apply where it was made for; where else it does not is told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Lineup, Queue, QueueError, Read};
use crate::diagnostic::{Diagnostic, Failure};
use crate::files;
use crate::patch::{self, PatchFile, Tree};
use crate::recipe::edit::Edit;
use crate::recipe::selector::Selector;

/// What was added.
#[derive(Debug, Clone)]
pub struct Added {
    /// The patch file, relative to the recipe's folder.
    pub file: String,
    /// Where it is.
    pub path: PathBuf,
    /// The files that it changes.
    pub touched: Vec<String>,
}

/// `patches/NAME.patch` of a name as people type it.
pub(super) fn file_of(name: &str) -> Result<String, QueueError> {
    let name = name.strip_prefix("patches/").unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+~/".contains(c);
    let parts_fit = name.split('/').all(|part| !part.is_empty() && !part.starts_with(['.', '-']));
    if name.is_empty() || !name.chars().all(plain) || !parts_fit || name == "series" {
        return Err(QueueError::BadName(name.to_string()));
    }
    let has_suffix = [".patch", ".diff"].iter().any(|suffix| name.ends_with(suffix));
    Ok(if has_suffix { format!("patches/{name}") } else { format!("patches/{name}.patch") })
}

impl Queue<'_> {
    /// That neither recipe nor folder has the file.
    pub(super) fn check_new(&self, file: &str) -> Result<(), QueueError> {
        let taken = self.files().iter().any(|other| other == file) || self.path(file).exists();
        if taken { Err(QueueError::Exists(file.to_string())) } else { Ok(()) }
    }

    /// The tree that the patch is made for: the first that `when` selects.
    pub(super) fn first_lineup(&self, when: Option<&Selector>) -> Result<&Lineup, Failure> {
        let first = self.lineups.iter().find(|lineup| self.is_selected(lineup, when));
        first.ok_or_else(|| QueueError::Native(self.recipe.path().to_path_buf()).into())
    }

    fn is_selected(&self, lineup: &Lineup, when: Option<&Selector>) -> bool {
        let series = self.prepared.targets.iter().map(|target| &target.series);
        when.is_none_or(|when| series.filter(|s| lineup.series.contains(&s.name)).any(|s| when.matches(s)))
    }

    /// Writes the file and its entry in the recipe.
    pub(super) fn add(&self, file: &str, bytes: &[u8], when: Option<&Selector>) -> Result<Added, Failure> {
        let parsed = patch::parse(&self.shown(file), bytes)?;
        let mut edit = Edit::open(self.recipe.path())?;
        let mut keys = vec![("file", file)];
        keys.extend(when.map(|when| ("when", when.text())));
        edit.add_entry("patch", "source", &keys)?;
        self.try_on(&parsed, when)?;
        let path = self.path(file);
        // the file first: a recipe must not name what is not there
        files::write_atomically(&path, bytes, false)?;
        if let Err(failure) = edit.save() {
            let _ = std::fs::remove_file(&path);
            return Err(failure);
        }
        let touched = parsed.touched().iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        Ok(Added { file: file.to_string(), path, touched })
    }

    /// Applies a patch behind those of every selected tree: the first has to take it.
    fn try_on(&self, patch: &PatchFile, when: Option<&Selector>) -> Result<(), Failure> {
        let patches = self.read_patches()?;
        let contents = self.contents(&patches, &[patch])?;
        let selected = self.lineups.iter().filter(|lineup| self.is_selected(lineup, when));
        for (index, lineup) in selected.enumerate() {
            let base = contents.tree(&lineup.parts);
            let mut tree = Tree::new(&base);
            let before = apply_all(lineup, &patches, &mut tree);
            let verdict = before.and_then(|()| patch::apply_series(std::slice::from_ref(patch), &mut tree));
            match verdict {
                Ok(warnings) => warnings.into_iter().for_each(|warning| self.listener.tell(warning)),
                Err(error) if index == 0 => return Err(error.into_failure(&lineup.source)),
                Err(error) => {
                    let series = lineup.series.join(", ");
                    let warning = Diagnostic::warning(error.obstacle.code(), format!("for {series}: {error}"));
                    self.listener.tell(warning.hint("limit the patch with `when`, or make another for these targets"));
                }
            }
        }
        Ok(())
    }
}

/// Applies the patches that a tree has.
pub(super) fn apply_all(
    lineup: &Lineup,
    patches: &BTreeMap<String, Read>,
    tree: &mut Tree<'_>,
) -> Result<(), patch::PatchError> {
    for read in lineup.files.iter().filter_map(|file| patches.get(file)) {
        match &read.parsed {
            Ok(patch) => patch::apply(patch, tree, 0).map(drop)?,
            Err(error) => return Err(error.clone()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files() {
        assert_eq!(file_of("fix").unwrap(), "patches/fix.patch");
        assert_eq!(file_of("patches/a/fix.diff").unwrap(), "patches/a/fix.diff");
        for bad in ["", "../x", "/x", "a b", ".x", "a//b", "series", "-x"] {
            assert!(matches!(file_of(bad), Err(QueueError::BadName(_))), "{bad}");
        }
    }
}
