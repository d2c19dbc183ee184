//! `pkgr build`: what it says, and what it leaves behind when a target fails.

mod common;

use std::fs;
use std::path::Path;

use common::{TestEnvironment, run};

/// The example with one more patch, for `series` alone where one is named.
fn patched(environment: &TestEnvironment, patch: &str, when: &str) -> std::path::PathBuf {
    let recipe = environment.copy("examples/hello");
    fs::create_dir_all(recipe.join("patches")).unwrap();
    fs::write(recipe.join("patches/added.patch"), patch).unwrap();
    append(&recipe, &format!("\n[[patch]]\nfile = \"patches/added.patch\"\n{when}\n"));
    recipe
}

fn append(recipe: &Path, text: &str) {
    let path = recipe.join("recipe.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + text).unwrap();
}

const NEW_FILE: &str = "--- /dev/null\n+++ b/notes/added.txt\n@@ -0,0 +1 @@\n+added\n";
const NOWHERE: &str = "--- a/nowhere\n+++ b/nowhere\n@@ -1 +1 @@\n-a\n+b\n";

/// dpkg-source applies the patches when it unpacks, so their files are upstream's.
#[test]
fn files_of_patches_can_be_installed() {
    let environment = TestEnvironment::new();
    let recipe = patched(&environment, NEW_FILE, "");
    append(&recipe, "\n[install]\n\"notes/*.txt\" = \"/usr/share/hello/\"\n");
    // the second time the verdict on the patches comes from the cache
    for _ in 0..2 {
        run(environment.pkgr(&["build", "--no-sign", "--keep-tree"]).arg(&recipe)).ok();
    }
    let tree = fs::read_dir(environment.work().join("dist")).unwrap().map(|entry| entry.unwrap().path());
    let tree = tree.into_iter().find(|path| path.extension().is_some_and(|e| e == "tree")).unwrap();
    assert_eq!(fs::read_to_string(tree.join("debian/hello.install")).unwrap(), "notes/added.txt usr/share/hello\n");
}

#[test]
fn a_failed_build_leaves_nothing_and_claims_nothing() {
    let environment = TestEnvironment::new();
    let recipe = patched(&environment, NOWHERE, "when = \"jammy\"");
    fs::remove_file(recipe.join("recipe.lock")).unwrap();
    let failed = run(environment.pkgr(&["build", "--no-sign", "--keep-tree"]).arg(&recipe)).exits(1);
    assert!(!failed.stderr.contains("pinned"), "the lock was not written: {}", failed.stderr);
    assert_eq!(fs::read_dir(environment.work().join("dist")).map_or(0, Iterator::count), 0);
    assert!(!recipe.join("recipe.lock").exists());
    let rest = run(environment.pkgr(&["build", "--no-sign", "--keep-going"]).arg(&recipe)).exits(1);
    assert!(rest.stderr.contains("pinned") && !rest.stdout.contains("22.04"), "{rest:?}");
}

#[test]
fn overrides_are_reported() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    fs::create_dir_all(recipe.join("debian")).unwrap();
    fs::write(recipe.join("debian/copyright"), "mine\n").unwrap();
    let built = run(environment.pkgr(&["build", "--no-sign"]).arg(&recipe)).ok();
    assert_eq!(built.stderr.matches("note[overridden]").count(), 1, "{}", built.stderr);
    assert!(built.stderr.contains("debian/copyright"));
}

/// The archive would refuse the upload for ever.
#[test]
fn an_orig_that_was_published_with_other_bytes_is_told() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let lock = recipe.join("recipe.lock");
    let orig = "hello_2.12.orig.tar.gz";
    let zeros = "0".repeat(64);
    let published = format!("\n[[published]]\nfile = \"{orig}\"\nsha256 = \"{zeros}\"\narchive = \"ppa:a/b\"\n");
    fs::write(&lock, fs::read_to_string(&lock).unwrap() + &published).unwrap();
    let built = run(environment.pkgr(&["build", "--no-sign"]).arg(&recipe)).ok();
    assert!(
        built.stderr.contains("warning[published-differs]") && built.stderr.contains("ppa:a/b"),
        "{}",
        built.stderr
    );
}
