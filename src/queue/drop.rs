//! Dropping a patch: its entries in the recipe, then its file. Needs no sources.

use std::path::{Path, PathBuf};

use super::QueueError;
use crate::diagnostic::Failure;
use crate::recipe;
use crate::recipe::edit::Edit;

/// What is gone.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// The patch file, relative to the recipe's folder.
    pub file: String,
    /// How many `[[patch]]` entries named it.
    pub entries: usize,
    /// The file that was removed; `None` if it was not there.
    pub removed: Option<PathBuf>,
}

/// Removes a patch from recipe and disk, by its file, base name or number.
pub fn drop_patch(recipe: &Path, name: &str) -> Result<Dropped, Failure> {
    let recipe = recipe::load(recipe)?;
    let mut files: Vec<String> = Vec::new();
    for section in recipe.root().tables("patch") {
        if let Some(file) = section.text("file").map(|file| file.value.clone()) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    let file = find(&files, name)?.to_string();
    let mut edit = Edit::open(recipe.path())?;
    let entries =
        edit.remove_entries("patch", |table| table.get("file").and_then(|named| named.as_str()) == Some(file.as_str()));
    edit.save()?;
    let path = recipe.folder().join(&file);
    let removed = match std::fs::remove_file(&path) {
        Ok(()) => Some(path.clone()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::io("remove", &path, &error)),
    };
    if let Some(folder) = path.parent().filter(|folder| *folder != recipe.folder()) {
        let _ = std::fs::remove_dir(folder); // only if it is empty
    }
    Ok(Dropped { file, entries, removed })
}

/// The patch that a person means: its number, path, file name, or that without suffix.
pub(super) fn find<'f>(files: &'f [String], name: &str) -> Result<&'f str, QueueError> {
    let by_number = name.parse::<usize>().ok().and_then(|number| files.get(number.checked_sub(1)?));
    let exact = files.iter().find(|file| *file == name.trim_start_matches("./"));
    if let Some(file) = exact.or(by_number) {
        return Ok(file);
    }
    let base = |file: &str| file.rsplit('/').next().unwrap_or(file).to_string();
    let stem = |base: &str| base.strip_suffix(".patch").or(base.strip_suffix(".diff")).unwrap_or(base).to_string();
    let found: Vec<&String> = files.iter().filter(|file| base(file) == name || stem(&base(file)) == name).collect();
    match found.as_slice() {
        [file] => Ok(file),
        [] => Err(QueueError::Unknown(name.to_string(), files.to_vec())),
        several => Err(QueueError::Ambiguous(name.to_string(), several.iter().map(|file| file.to_string()).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_found_as_people_name_them() {
        let files = ["patches/a.patch", "patches/sub/b.diff", "patches/x/a.patch"].map(String::from);
        assert_eq!(find(&files, "2").unwrap(), "patches/sub/b.diff");
        assert_eq!(find(&files, "b").unwrap(), "patches/sub/b.diff");
        assert_eq!(find(&files, "b.diff").unwrap(), "patches/sub/b.diff");
        assert_eq!(find(&files, "./patches/a.patch").unwrap(), "patches/a.patch");
        assert!(matches!(find(&files, "a"), Err(QueueError::Ambiguous(..))));
        assert!(matches!(find(&files, "0"), Err(QueueError::Unknown(..))));
    }
}
