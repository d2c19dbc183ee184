//! Files that a recipe names: found in its folder (globs expanded, links not
//! followed out of it), or left to be found in the upstream tree.

use std::path::{Path, PathBuf};

use crate::recipe::document::Span;
use crate::recipe::paths::is_glob;

use super::PayloadFile;
use super::evaluator::{Evaluator, Word};

/// What a name or pattern led to in the recipe's folder.
enum Found {
    /// Files, relative to the folder, in byte order.
    Files(Vec<String>),
    Nothing,
    /// Something that cannot be taken: code, message, hint.
    Wrong(&'static str, String, &'static str),
}

/// Files of the recipe's own that no pattern takes.
const OWN: [&str; 2] = ["recipe.toml", "recipe.lock"];

impl Evaluator<'_> {
    /// The files of a payload key's word: those of the recipe's folder, else one
    /// to be looked for upstream, else an error.
    pub fn payload(&mut self, word: &Word) -> Vec<PayloadFile> {
        match find(self.recipe.folder(), &word.value) {
            Found::Files(files) => files.into_iter().map(PayloadFile::Recipe).collect(),
            Found::Nothing if self.has_sources => {
                vec![PayloadFile::Upstream(word.value.clone(), self.place(&word.span))]
            }
            Found::Nothing if is_glob(&word.value) => {
                self.wrong(
                    "matches-nothing",
                    format!("`{}` matches nothing in the recipe's folder", word.value),
                    &word.span,
                );
                Vec::new()
            }
            Found::Nothing => {
                self.wrong("no-such-file", format!("there is no `{}` in the recipe's folder", word.value), &word.span);
                Vec::new()
            }
            Found::Wrong(code, message, hint) => {
                self.wrong_with_hint(code, message, &word.span, hint);
                Vec::new()
            }
        }
    }

    /// A file that has to be in the recipe's folder.
    pub fn recipe_file(&mut self, path: &str, span: &Span) -> Option<String> {
        match find(self.recipe.folder(), path) {
            Found::Files(mut files) => files.pop(),
            Found::Nothing => {
                self.wrong("no-such-file", format!("there is no `{path}` in the recipe's folder"), span);
                None
            }
            Found::Wrong(code, message, hint) => {
                self.wrong_with_hint(code, message, span, hint);
                None
            }
        }
    }
}

fn find(folder: &Path, name: &str) -> Found {
    let literal = folder.join(name);
    if literal.symlink_metadata().is_ok() {
        return take(folder, name);
    }
    if !is_glob(name) {
        return Found::Nothing;
    }
    let mut files = Vec::new();
    for path in matches(folder, name) {
        match take(folder, &path) {
            Found::Files(one) => files.extend(one),
            Found::Wrong("not-a-file", ..) | Found::Nothing => {}
            wrong => return wrong,
        }
    }
    files.sort_unstable();
    if files.is_empty() { Found::Nothing } else { Found::Files(files) }
}

/// Paths relative to the folder that match: `*` stays within a folder and takes
/// no hidden file.
fn matches(folder: &Path, pattern: &str) -> Vec<String> {
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let Ok(folder) = std::path::absolute(folder) else { return Vec::new() };
    let escaped = PathBuf::from(glob::Pattern::escape(&folder.to_string_lossy()));
    let whole = escaped.join(pattern);
    let Ok(paths) = glob::glob_with(&whole.to_string_lossy(), options) else { return Vec::new() };
    paths
        .filter_map(|path| Some(path.ok()?.strip_prefix(&folder).ok()?.to_str()?.to_string()))
        .filter(|path| !OWN.contains(&path.as_str()))
        .collect()
}

/// One path of the folder that exists.
fn take(folder: &Path, name: &str) -> Found {
    let path = folder.join(name);
    let (Ok(real), Ok(root)) = (path.canonicalize(), folder.canonicalize()) else {
        return Found::Wrong("no-such-file", format!("`{name}` is a link that leads nowhere"), "mend the link");
    };
    if !real.starts_with(&root) {
        return Found::Wrong(
            "path-leaves",
            format!("`{name}` is a link that leads out of the recipe's folder"),
            "a recipe's folder holds everything that the package depends on; copy the file",
        );
    }
    if !real.is_file() {
        let hint = "name files, or a pattern of files: `folder/*`";
        return Found::Wrong("not-a-file", format!("`{name}` is a folder or no regular file"), hint);
    }
    Found::Files(vec![name.to_string()])
}

/// Files below the recipe's `debian/`, relative to it, in byte order. Links
/// count as what they lead to; those that cannot be taken are in the second list.
pub fn overrides(folder: &Path) -> (Vec<String>, Vec<String>) {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    let mut folders = vec!["debian".to_string()];
    while let Some(name) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder.join(&name)) else { continue };
        for entry in entries.flatten() {
            let path = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                folders.push(path);
                continue;
            }
            match take(folder, &path) {
                Found::Files(_) => files.push(path.trim_start_matches("debian/").to_string()),
                _ => wrong.push(path),
            }
        }
    }
    files.sort_unstable();
    wrong.sort_unstable();
    (files, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in
            ["recipe.toml", "a.txt", "b.txt", ".hidden.txt", "sub/c.txt", "debian/rules.mk", "debian/source/options"]
        {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        folder
    }

    fn files(folder: &Path, pattern: &str) -> Vec<String> {
        match find(folder, pattern) {
            Found::Files(files) => files,
            _ => Vec::new(),
        }
    }

    #[test]
    fn globs() {
        let folder = folder();
        assert_eq!(files(folder.path(), "*.txt"), ["a.txt", "b.txt"]);
        assert_eq!(files(folder.path(), "**/c.txt"), ["sub/c.txt"]);
        assert_eq!(files(folder.path(), "*"), ["a.txt", "b.txt"]);
        assert_eq!(files(folder.path(), "a.txt"), ["a.txt"]);
        assert!(matches!(find(folder.path(), "sub"), Found::Wrong("not-a-file", ..)));
        assert!(matches!(find(folder.path(), "none/*"), Found::Nothing));
    }

    #[test]
    fn links_stay_inside() {
        let folder = folder();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("a.txt", folder.path().join("in")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
        assert!(matches!(find(folder.path(), "out"), Found::Wrong("path-leaves", ..)));
        assert!(matches!(find(folder.path(), "dangling"), Found::Wrong("no-such-file", ..)));
        assert_eq!(files(folder.path(), "in"), ["in"]);
    }

    #[test]
    fn overrides_are_sorted_and_relative() {
        assert_eq!(overrides(folder().path()).0, ["rules.mk", "source/options"]);
    }
}
