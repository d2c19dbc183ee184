//! The differences of two trees on disk as one diff, as far as dpkg-source could
//! apply it. What editors, quilt and version control leave in an edited tree is no
//! change of the source.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::QueueError;
use crate::deb::ignored::Ignored;
use crate::diagnostic::{Diagnostic, Failure};
use crate::files;
use crate::listener::Listener;
use crate::patch::diff::{self, Change};

/// What a path of a tree is; folders follow from their members.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    File { executable: bool },
    Link(std::path::PathBuf),
    Other,
}

type Paths = BTreeMap<String, Kind>;

/// The diff from `old` to `new`, files in byte order. Refuses what no patch holds:
/// binary files, links, empty files.
pub(super) fn between(old: &Path, new: &Path, listener: &dyn Listener) -> Result<Vec<u8>, Failure> {
    if !new.is_dir() {
        return Err(QueueError::NotACopy(new.to_path_buf()).into());
    }
    let (before, after) = (paths(old)?, paths(new)?);
    let kept = before.keys().filter(|path| after.contains_key(*path)).count();
    if kept * 2 < before.len() {
        return Err(QueueError::NotACopy(new.to_path_buf()).into());
    }
    let is_left_over = |path: &str| !before.contains_key(path) && is_left_over(path);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).filter(|path| !is_left_over(path)).collect();
    names.sort();
    names.dedup();
    let ignored = Ignored::new(None);
    let mut out = Vec::new();
    for name in names {
        let (was, is) = (before.get(name), after.get(name));
        // what dpkg-source never packs is not missed where a copy came without it
        if was == is && was.is_none() || (is.is_none() && ignored.pattern_for(name).is_some()) {
            continue;
        }
        out.extend(of_path(name, was, is, old, new, listener)?);
    }
    if out.is_empty() {
        return Err(QueueError::Unchanged(new.to_path_buf()).into());
    }
    Ok(out)
}

/// All paths below a folder but those of quilt, version control and debian/.
fn paths(root: &Path) -> Result<Paths, Failure> {
    let mut found = Paths::new();
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        let here = root.join(&folder);
        let entries = std::fs::read_dir(&here).map_err(|e| Failure::io("read", &here, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| Failure::io("read", &here, &e))?;
            let base = entry.file_name();
            let Some(base) = base.to_str() else {
                let hint = "take the file out of the edited tree";
                let name = entry.path().display().to_string();
                return Err(QueueError::NotADiff(name, "has a name that is not UTF-8", hint).into());
            };
            let name = if folder.is_empty() { base.to_string() } else { format!("{folder}/{base}") };
            if matches!(base, ".git" | ".hg" | ".svn" | ".bzr") || matches!(name.as_str(), ".pc" | "debian") {
                continue;
            }
            let path = entry.path();
            let data = std::fs::symlink_metadata(&path).map_err(|e| Failure::io("read", &path, &e))?;
            if data.is_dir() {
                waiting.push(name);
            } else if data.is_symlink() {
                let to = std::fs::read_link(&path).map_err(|e| Failure::io("read", &path, &e))?;
                found.insert(name, Kind::Link(to));
            } else if data.is_file() {
                found.insert(name, Kind::File { executable: data.permissions().mode() & 0o100 != 0 });
            } else {
                found.insert(name, Kind::Other);
            }
        }
    }
    Ok(found)
}

/// What edits and attempts leave behind, and what dpkg-source would not take.
fn is_left_over(path: &str) -> bool {
    let endings = [".orig", ".rej", "~", ".swp"];
    endings.iter().any(|ending| path.ends_with(ending)) || Ignored::new(None).pattern_for(path).is_some()
}

fn of_path(
    name: &str,
    was: Option<&Kind>,
    is: Option<&Kind>,
    old: &Path,
    new: &Path,
    listener: &dyn Listener,
) -> Result<Vec<u8>, Failure> {
    let refused = |what, way| Err(Failure::from(QueueError::NotADiff(name.to_string(), what, way)));
    let content = |root: &Path, kind: Option<&Kind>| match kind {
        Some(_) => files::read(&root.join(name)).map(Some),
        None => Ok(None),
    };
    let (was_executable, is_executable) = match (was, is) {
        (Some(Kind::Link(a)), Some(Kind::Link(b))) if a == b => return Ok(Vec::new()),
        (None | Some(Kind::File { .. }), None | Some(Kind::File { .. })) => {
            let executable = |kind: Option<&Kind>| matches!(kind, Some(Kind::File { executable: true }));
            (executable(was), executable(is))
        }
        _ => return refused("is or was a symbolic link or no file", "make the link in `[build] prepare`"),
    };
    let (before, after) = (content(old, was)?, content(new, is)?);
    let change = match (&before, &after) {
        (None, None) => return Ok(Vec::new()),
        (None, Some(new)) if new.is_empty() => return refused("is added empty", "put a line into it"),
        (Some(old), Some(new)) if new.is_empty() && !old.is_empty() => {
            return refused("is emptied", "remove it, or leave a line in it");
        }
        (Some(old), None) if old.is_empty() => return refused("was empty and is removed", "leave it"),
        (None, Some(new)) => Change::Added(new),
        (Some(old), None) => Change::Removed(old),
        (Some(old), Some(new)) => Change::Changed(old, new),
    };
    if before != after && [&before, &after].into_iter().flatten().any(|bytes| bytes.contains(&0)) {
        let way = "ship a binary file as `[install]` payload; take what a build left out of the edited tree";
        return refused("is binary", way);
    }
    if name.contains('\n') || name.starts_with('"') {
        return refused("has a name with a line break or quote", "rename it");
    }
    let mut out = diff::file(name.as_bytes(), change);
    if was_executable != is_executable && is.is_some() {
        mode(name, was.is_some(), is_executable, &mut out, listener);
    }
    Ok(out)
}

/// git's lines for a changed mode, which GNU patch honours; not for names with
/// blanks, which git would quote.
fn mode(name: &str, existed: bool, executable: bool, out: &mut Vec<u8>, listener: &dyn Listener) {
    if name.contains(char::is_whitespace) || out.is_empty() {
        let message = format!("the changed mode of `{name}` is left out of the patch");
        let hint = "change it with chmod in `[build] prepare`";
        listener.tell(Diagnostic::warning("patch-mode", message).hint(hint));
        return;
    }
    let (old, new) = if executable { ("100644", "100755") } else { ("100755", "100644") };
    let mut lines = format!("diff --git a/{name} b/{name}\n");
    lines.push_str(&match existed {
        true => format!("old mode {old}\nnew mode {new}\n"),
        false => format!("new file mode {new}\n"),
    });
    out.splice(0..0, lines.into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Silent;

    fn trees(old: &[(&str, &str)], new: &[(&str, &str)]) -> Result<String, Failure> {
        let root = tempfile::tempdir().unwrap();
        for (side, entries) in [("old", old), ("new", new)] {
            for (path, text) in entries {
                let path = root.path().join(side).join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        let diff = between(&root.path().join("old"), &root.path().join("new"), &Silent)?;
        Ok(String::from_utf8(diff).unwrap())
    }

    #[test]
    fn edits_become_a_diff_and_left_overs_do_not() {
        let old = [("a", "1\n"), ("b/c", "2\n"), ("gone", "3\n"), (".gitignore", "x\n")];
        let new = [
            ("a", "1\n"),
            ("a.orig", "x"),
            ("a~", "x"),
            ("b/c", "two\n"),
            ("b/new", "4\n"),
            (".pc/x", "x"),
            ("debian/x", "x"),
            ("x.o", "\0"),
        ];
        assert_eq!(
            trees(&old, &new).unwrap(),
            "--- a/b/c\n+++ b/b/c\n@@ -1 +1 @@\n-2\n+two\n--- /dev/null\n+++ b/b/new\n@@ -0,0 +1 @@\n+4\n\
             --- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-3\n"
        );
    }

    #[test]
    fn what_no_patch_holds_is_refused() {
        let code = |old: &[(&str, &str)], new: &[(&str, &str)]| trees(old, new).unwrap_err().diagnostics[0].code;
        let base = [("a", "1\n"), ("b", "2\n")];
        assert_eq!(code(&base, &base), "nothing-changed");
        assert_eq!(code(&base, &[("a", "1\n"), ("b", "")]), "not-a-diff");
        assert_eq!(code(&base, &[("a", "1\n"), ("b", "x\0")]), "not-a-diff");
        assert_eq!(code(&base, &[("a", "1\n"), ("b", "2\n"), ("c", "")]), "not-a-diff");
        assert_eq!(code(&base, &[("c", "1\n")]), "not-a-copy");
    }
}
