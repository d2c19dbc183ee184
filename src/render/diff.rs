//! What changed between two renderings of a target, as a unified diff that
//! patch(1) and a person's eyes read.

use std::collections::BTreeSet;

use similar::TextDiff;

use super::{File, Tree};

/// The diff of two trees under the folder names `a/` and `b/`; empty where they
/// are equal. Files that are not UTF-8 are named, not shown.
pub fn diff(old: &Tree, new: &Tree) -> String {
    let paths: BTreeSet<&String> = old.files.keys().chain(new.files.keys()).collect();
    paths.into_iter().map(|path| diff_of_file(path, old.files.get(path), new.files.get(path))).collect()
}

fn diff_of_file(path: &str, old: Option<&File>, new: Option<&File>) -> String {
    let content = |file: Option<&File>| file.map(|file| (file.bytes.clone(), file.executable));
    if content(old) == content(new) {
        return String::new();
    }
    let name = |side: &str, file: Option<&File>| match file {
        Some(_) => format!("{side}/{path}"),
        None => "/dev/null".to_string(),
    };
    let (old_name, new_name) = (name("a", old), name("b", new));
    let bytes = |file: Option<&File>| file.map(|file| file.bytes.clone()).unwrap_or_default();
    let (old_bytes, new_bytes) = (bytes(old), bytes(new));
    let mut text = String::new();
    if let (Some(old), Some(new)) = (old, new) {
        if old.executable != new.executable {
            let mode = |file: &File| if file.executable { "0755" } else { "0644" };
            text.push_str(&format!("mode of {path}: {} is now {}\n", mode(old), mode(new)));
        }
    }
    match (std::str::from_utf8(&old_bytes), std::str::from_utf8(&new_bytes)) {
        (Ok(before), Ok(after)) => {
            let lines = TextDiff::from_lines(before, after);
            text.push_str(&lines.unified_diff().context_radius(3).header(&old_name, &new_name).to_string());
        }
        _ => text.push_str(&format!("Binary files {old_name} and {new_name} differ\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &[u8])]) -> Tree {
        let mut tree = Tree::default();
        files.iter().for_each(|(path, bytes)| tree.add(*path, *bytes));
        tree
    }

    #[test]
    fn equal_trees_have_no_diff() {
        let one = tree(&[("debian/control", b"a\n")]);
        assert_eq!(diff(&one, &one.clone()), "");
    }

    #[test]
    fn changed_added_removed_and_binary_files() {
        let old = tree(&[("debian/a", b"1\n2\n"), ("debian/gone", b"x\n"), ("debian/z.png", b"\xff\x00")]);
        let new = tree(&[("debian/a", b"1\n3\n"), ("debian/new", b"y\n"), ("debian/z.png", b"\xff\x01")]);
        let expected = "--- a/debian/a\n+++ b/debian/a\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n\
            --- a/debian/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
            --- /dev/null\n+++ b/debian/new\n@@ -0,0 +1 @@\n+y\n\
            Binary files a/debian/z.png and b/debian/z.png differ\n";
        assert_eq!(diff(&old, &new), expected);
    }
}
