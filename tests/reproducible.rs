//! Unsigned bytes depend on the recipe's folder, the lock and the options, and
//! on nothing else: not on folder, time, umask, locale, zone, threads, user
//! settings, or the presence of dpkg-dev.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{PKGR, TestEnvironment, assert_same_files, copy_tree, repository, root, run, snapshot};

/// One recipe of each kind: a program with a patch, several packages, a native
/// package with a unit, and one with files only.
const RECIPES: &[&str] = &[
    "examples/hello",
    "examples/multi-package",
    "recipes/xiaodu-flannel-tx-off",
    "recipes/wordpress-xiaodu-syntaxhighlighter-fix",
];

/// A folder with all the recipes and, beside them, what building them gave.
fn build(environment: &TestEnvironment, folder: &Path, shell: &str, options: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    for recipe in RECIPES {
        let name = Path::new(recipe).file_name().unwrap();
        copy_tree(&repository().join(recipe), &folder.join(name));
    }
    let script = format!("{shell}; exec \"$0\" build --no-sign --offline {options} */recipe.toml");
    run(environment.command("sh").args(["-ec", &script, PKGR]).current_dir(folder)).ok();
    let built = snapshot(&folder.join("dist"));
    assert!(built.len() > 60, "only {} files: {:?}", built.len(), built.keys());
    built
}

#[test]
fn where_when_and_by_whom_make_no_difference() {
    let first = TestEnvironment::new();
    let plain = build(&first, &first.work(), "umask 022", "-j 1");

    let second = TestEnvironment::new();
    let deep = second.path("work/a folder/ünusual, and deeper");
    std::fs::create_dir_all(&deep).unwrap();
    // files newer by more than the resolution of any time stamp
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let settings = "umask 077; unset HOME USER; \
        export LC_ALL=C LANG=de_DE.UTF-8 TZ=Asia/Shanghai SOURCE_DATE_EPOCH=1 DEB_BUILD_OPTIONS=nocheck DEB_VENDOR=Ubuntu \
        DEBFULLNAME=Somebody DEBEMAIL=else@example.com XZ_OPT=-0 XZ_DEFAULTS=-0 GZIP=-1 TAR_OPTIONS=--mode=0777";
    let other = build(&second, &deep, settings, "-j 7");
    assert_same_files(&plain, &other, "the second build differs");
}

#[test]
fn a_machine_without_dpkg_dev_makes_the_same_bytes() {
    let environment = TestEnvironment::new();
    let here = build(&environment, &environment.work(), ":", "");
    let shared = environment.path("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::copy(PKGR, shared.join("pkgr")).unwrap();
    for recipe in RECIPES {
        let name = Path::new(recipe).file_name().unwrap();
        copy_tree(&repository().join(recipe), &shared.join(name));
    }
    let script = "! command -v dpkg-source; ! command -v xz; cd /mnt; ./pkgr build --no-sign --offline */recipe.toml";
    run(&mut root::command(&environment, &shared, script)).ok();
    assert_same_files(&here, &snapshot(&shared.join("dist")), "the build in the bare root differs");
}

/// The times of the files in the recipe's folder are no input either, and of
/// their modes only the executable bit is.
#[test]
fn times_and_modes_of_the_recipe_make_no_difference() {
    let environment = TestEnvironment::new();
    let plain = build(&environment, &environment.work(), ":", "");
    let other = TestEnvironment::new();
    let touched = build(
        &other,
        &other.work(),
        "find . -type f -exec touch --date=2001-01-01 '{}' + ; find . -type f -exec chmod g+w,o-r '{}' +",
        "",
    );
    assert_same_files(&plain, &touched, "times or modes of the recipe's files show");
}
