//! Every recipe of this repository, built and signed, is accepted by gpg,
//! gpgme, dscverify, dpkg-source, dput and lintian, and differs from what
//! dpkg-dev makes of the same tree in nothing but the closed list of
//! `common/reference.rs`. Building changes no file of the recipe. The nginx
//! modules, which cannot be built without network, are `recipes_nginx.rs`'s.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::judge::{self, Package};
use common::{TestEnvironment, assert_same_files, build_binaries, changes_in, files_ending, reference};
use common::{repository, root, run, snapshot};

/// Each folder under examples/ and recipes/ is named here once;
/// `every_recipe_is_proved` fails where one is missing.
macro_rules! recipes {
    ($($test:ident = $folder:literal,)*) => {
        const PROVED: &[&str] = &[$($folder),*];
        $(#[test] fn $test() { prove($folder); })*
    };
}

recipes! {
    hello = "examples/hello",
    multi_package = "examples/multi-package",
    flannel_tx_off = "recipes/xiaodu-flannel-tx-off",
    syntaxhighlighter_fix = "recipes/wordpress-xiaodu-syntaxhighlighter-fix",
}

#[test]
fn every_recipe_is_proved() {
    let mut found = BTreeSet::new();
    for parent in ["examples", "recipes"] {
        for entry in fs::read_dir(repository().join(parent)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("recipe.toml").exists() && !follows_nginx(&entry.path()) {
                found.insert(format!("{parent}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    assert_eq!(found, PROVED.iter().map(|folder| folder.to_string()).collect());
}

/// Whether a recipe has `[nginx]` and no lock: its nginx and its sources are
/// looked up by `pkgr update`, in archives that no test reaches. These, and only
/// these, are `recipes_nginx.rs`'s, which fails where one gets a lock.
fn follows_nginx(recipe: &Path) -> bool {
    let text = fs::read_to_string(recipe.join("recipe.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table.contains_key("nginx") && !recipe.join("recipe.lock").exists()
}

#[track_caller]
fn prove(folder: &str) {
    let environment = TestEnvironment::new();
    let recipe = environment.copy(folder);
    let before = snapshot(&recipe);
    assert!(before.contains_key(Path::new("recipe.lock")), "{folder} has no recipe.lock");
    let key = environment.key().secret.to_str().unwrap().to_string();
    for _ in 0..2 {
        run(environment.pkgr(&["build", "--offline", "--locked", "--key", &key]).arg(&recipe)).ok();
        assert_same_files(&before, &snapshot(&recipe), "building changed the recipe's folder");
    }

    let packages: Vec<Package> = changes_in(&environment.path("work/dist")).iter().map(|c| Package::of(c)).collect();
    let built: BTreeSet<String> = packages.iter().map(|package| package.series.clone()).collect();
    assert_eq!(built, series_of(&recipe), "one package for each series");
    let mut wrong = Vec::new();
    for package in &packages {
        let tree = judge::accept(&environment, package);
        for difference in reference::differences(&environment, package, &tree) {
            wrong.push(format!("{}: {difference}", package.series));
        }
    }
    wrong.extend(judge::lintian(&environment, &packages));
    assert!(wrong.is_empty(), "{folder}:\n{}", wrong.join("\n"));
}

/// The recipe's `series`, read without pkgr.
fn series_of(recipe: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(recipe.join("recipe.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["series"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect()
}

/// The tarballs are what `examples/upstream` says they are made of.
#[test]
fn the_tarballs_are_the_sources_beside_them() {
    for (tarball, source) in [("hello/hello-2.12", "hello-2.12"), ("multi-package/tally-1.3", "tally-1.3")] {
        let members = judge::members(&repository().join(format!("examples/{tarball}.tar.gz")));
        let packed = members.into_iter().filter(|member| member.kind == b'0');
        let packed =
            packed.map(|m| (Path::new(&m.name).strip_prefix(source).unwrap().to_path_buf(), m.content)).collect();
        assert_same_files(&packed, &snapshot(&repository().join("examples/upstream").join(source)), tarball);
    }
}

/// The patched program of the example, built here and run: the patch is in it,
/// and so is the check of the upstream's own Makefile.
#[test]
fn hello_greets_and_reports_a_full_disk() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    run(environment.pkgr(&["build", "--no-sign", "--offline", "--only", &root::codename()]).arg(recipe)).ok();
    let dsc = files_ending(&environment.path("work/dist"), ".dsc").remove(0);
    let packages = build_binaries(&environment, &dsc);
    let hello = packages.iter().find(|path| path.to_string_lossy().contains("/hello_")).expect("no hello_*.deb");
    run(environment.command("dpkg-deb").arg("-x").arg(hello).arg(environment.path("installed"))).ok();
    let script = "test \"$(usr/bin/hello --greeting=pkgr)\" = pkgr && ! usr/bin/hello >/dev/full \
        && test -s usr/share/man/man1/hello.1.gz && test -s usr/share/doc/hello/copyright";
    run(environment.command("sh").args(["-c", script]).current_dir(environment.path("installed"))).ok();
}

/// Each file of the library's install step is in the package that asks for it.
#[test]
fn multi_package_hands_the_files_out() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/multi-package");
    run(environment.pkgr(&["build", "--no-sign", "--offline", "--only", "trixie"]).arg(recipe)).ok();
    let dsc = files_ending(&environment.path("work/dist"), ".dsc").remove(0);
    let packages = build_binaries(&environment, &dsc);
    let listing = |name: &str| {
        let package = packages.iter().find(|path| path.to_string_lossy().contains(&format!("/{name}_")));
        let listing = run(environment.command("dpkg-deb").arg("-c").arg(package.unwrap())).ok().stdout;
        let paths = listing.lines().filter_map(|line| line.split_whitespace().nth(5)).map(str::to_string);
        paths.filter(|path| !path.ends_with('/') && !path.contains("/share/doc/")).collect::<BTreeSet<_>>()
    };
    let expect = |name: &str, paths: &[&str]| {
        let multiarch = run(environment.command("dpkg-architecture").arg("-qDEB_HOST_MULTIARCH")).ok().stdout;
        let lib = format!("./usr/lib/{}", multiarch.trim());
        assert_eq!(listing(name), paths.iter().map(|path| path.replace("LIB", &lib)).collect(), "{name}");
    };
    expect("tally", &["./usr/bin/tally", "./usr/share/man/man1/tally.1.gz"]);
    expect("libtally1", &["LIB/libtally.so.1", "LIB/libtally.so.1.0.3"]);
    expect("libtally-dev", &["LIB/libtally.a", "LIB/libtally.so", "LIB/pkgconfig/tally.pc", "./usr/include/tally.h"]);
}
