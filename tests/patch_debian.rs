//! The patches of real packages of the release: all apply, and the files they
//! touch are byte for byte those of the tree that `dpkg-source -x` makes.

#[path = "common/apt.rs"]
mod apt;
#[path = "common/dpkg_patch.rs"]
mod dpkg_patch;

use std::path::Path;
use std::process::{Command, Stdio};

use dpkg_patch::read_tree;
use pkgr::patch::{self, EntryKind, MemoryBase, Tree};

fn unpack(dsc: &Path, to: &Path, patches: bool) {
    let mut command = Command::new("dpkg-source");
    command.args(["--no-check", "-x"]);
    if !patches {
        command.arg("--skip-patches");
    }
    let output = command.arg(dsc).arg(to).env("LC_ALL", "C").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn series(tree: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(tree.join("debian/patches/series")).unwrap();
    let names = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    names
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| l.split_whitespace().next().unwrap().into())
        .collect()
}

fn package(name: &str, at_least: usize) {
    let source = apt::source(name);
    let dsc = apt::dsc(&source).unwrap();
    let root = tempfile::tempdir().unwrap();
    let (before, after) = (root.path().join("before"), root.path().join("after"));
    unpack(&dsc, &before, false);
    unpack(&dsc, &after, true);

    let names = series(&before);
    assert!(names.len() >= at_least, "{name} has {} patches only", names.len());
    let patches: Vec<_> = names
        .iter()
        .map(|name| patch::parse(name, &std::fs::read(before.join("debian/patches").join(name)).unwrap()))
        .collect::<Result<_, _>>()
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let entries = read_tree(&before);
    let mut base = MemoryBase::default();
    for (path, (kind, content)) in &entries {
        base.insert(path, *kind, content.clone());
    }
    let mut tree = Tree::new(&base);
    patch::apply_series(&patches, &mut tree).unwrap_or_else(|e| panic!("{name}: {e}\n{}", e.notes.join("\n")));

    let mut patched = entries.clone();
    for (path, bytes) in tree.changes() {
        match bytes {
            Some(bytes) => patched.insert(path.to_vec(), (EntryKind::File, bytes.to_vec())),
            None => patched.remove(path),
        };
    }
    let theirs = read_tree(&after);
    for (path, entry) in &theirs {
        assert!(patched.get(path) == Some(entry), "{name}: {} differs", String::from_utf8_lossy(path));
    }
    assert_eq!(patched.len(), theirs.len(), "{name}: other files");
    assert!(tree.changes().count() > 0);
}

#[test]
fn patches_of_bash() {
    package("bash", 10);
}

#[test]
fn patches_of_nginx() {
    package("nginx", 2);
}

#[test]
fn patches_of_openssh() {
    package("openssh", 20);
}

#[test]
fn patches_of_curl() {
    package("curl", 5);
}

#[test]
fn patches_of_grep() {
    package("grep", 1);
}
