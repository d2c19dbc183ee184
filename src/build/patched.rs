//! The upstream tree as builds see it: the paths of the tarballs, with what the
//! patches add and remove. dpkg-source applies them when it unpacks, so a file
//! that a patch brings can be installed like any other.

use std::collections::BTreeSet;

use crate::build::upstream::Tarballs;
use crate::patch;
use crate::render::Upstream;

/// The paths that a series of patches adds to a tree and removes from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patched {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Patched {
    /// What has become of `base` in `tree`, to which the patches were applied.
    /// Names that are not UTF-8 are left out: no recipe can name them.
    pub fn of(base: &dyn patch::Base, tree: &patch::Tree<'_>) -> Patched {
        let mut patched = Patched::default();
        for (path, content) in tree.changes() {
            let Ok(name) = String::from_utf8(path.to_vec()) else { continue };
            match content {
                Some(_) if base.kind(path).is_none() => drop(patched.added.insert(name)),
                Some(_) => {}
                None => drop(patched.removed.insert(name)),
            }
        }
        patched
    }

    /// A form to keep: `+` or `-`, the path, NUL.
    pub fn to_bytes(&self) -> Vec<u8> {
        let added = self.added.iter().map(|path| format!("+{path}\0"));
        added.chain(self.removed.iter().map(|path| format!("-{path}\0"))).collect::<String>().into_bytes()
    }

    /// Reads what [`Patched::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Patched> {
        let mut patched = Patched::default();
        for entry in std::str::from_utf8(bytes).ok()?.split_terminator('\0') {
            match (entry.strip_prefix('+'), entry.strip_prefix('-')) {
                (Some(path), _) => drop(patched.added.insert(path.to_string())),
                (_, Some(path)) => drop(patched.removed.insert(path.to_string())),
                _ => return None,
            }
        }
        Some(patched)
    }
}

/// The tree of a target's tarballs with its patches applied.
#[derive(Debug)]
pub struct PatchedTree<'a> {
    /// Before the patches.
    pub tarballs: Tarballs<'a>,
    /// What they change, where there are any.
    pub patched: Option<&'a Patched>,
}

impl Upstream for PatchedTree<'_> {
    fn glob(&self, pattern: &str) -> Vec<String> {
        let mut found = self.tarballs.glob(pattern);
        let (Some(patched), Ok(compiled)) = (self.patched, glob::Pattern::new(pattern)) else { return found };
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        found.retain(|path| !patched.removed.contains(path));
        found.extend(patched.added.iter().filter(|path| compiled.matches_with(path, options)).cloned());
        found.sort();
        found
    }

    fn contains(&self, path: &str) -> bool {
        let Some(patched) = self.patched else { return self.tarballs.contains(path) };
        let inside =
            |file: &String| file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        patched.added.iter().any(inside) || (!patched.removed.contains(path) && self.tarballs.contains(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched() -> Patched {
        let mut base = patch::MemoryBase::default();
        base.file("old.txt", "old\n");
        base.file("kept.txt", "one\n");
        let bytes =
            b"--- a/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n--- /dev/null\n+++ b/man/new.1\n@@ -0,0 +1 @@\n+new\n\
            --- a/kept.txt\n+++ b/kept.txt\n@@ -1 +1 @@\n-one\n+two\n";
        let patch = patch::parse("x.patch", bytes).unwrap();
        let mut tree = patch::Tree::new(&base);
        patch::apply_series(&[patch], &mut tree).unwrap();
        Patched::of(&base, &tree)
    }

    #[test]
    fn what_patches_add_is_there_and_what_they_remove_is_not() {
        let patched = patched();
        let tree = PatchedTree { tarballs: Tarballs::default(), patched: Some(&patched) };
        assert!(tree.contains("man/new.1") && tree.contains("man") && !tree.contains("old.txt") && !tree.contains("m"));
        assert_eq!(tree.glob("man/*.1"), ["man/new.1"]);
        assert!(tree.glob("*.txt").is_empty(), "no patch adds these");
    }

    #[test]
    fn it_is_remembered() {
        let patched = patched();
        assert_eq!(Patched::from_bytes(&patched.to_bytes()), Some(patched));
        assert_eq!(Patched::from_bytes(b""), Some(Patched::default()));
        assert_eq!(Patched::from_bytes(b"yes"), None);
    }
}
