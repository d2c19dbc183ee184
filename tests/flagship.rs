//! The flagship, recipes/ngx-pagespeed, for all of its series: locked and built
//! from a simulated archive of Ubuntu that has every series as it is, from
//! xenial, which has moved to old-releases, to the one binary of noble and later;
//! and followed through a security update of nginx.
//!
//! Its upstream's tarballs cannot be had here: stand-ins of their layout take
//! their place, and nothing else of the recipe is touched.

mod common;
mod update_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::judge::{self, Package};
use common::{assert_golden_folder, changes_in, files_ending, run, snapshot};
use update_support::World;
use update_support::flagship::{SERIES, flagship};
use update_support::nginx::{JAMMY, Nginx};

const RECIPE: &str = "ngx-pagespeed";

/// pkgr at one moment, so that every run writes the same entries.
fn pkgr(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.pkgr(arguments);
    command.env("SOURCE_DATE_EPOCH", "1790000000");
    command
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_series_is_built() {
    let world = World::with(&SERIES);
    world.retire("xenial");
    let recipe = flagship(&world);
    let key = world.environment.key().secret.to_str().unwrap().to_string();
    run(&mut pkgr(&world, &["update", RECIPE])).ok();
    run(&mut pkgr(&world, &["build", "--key", &key, RECIPE])).ok();
    of_the_lock(&fs::read_to_string(recipe.join("recipe.lock")).unwrap());

    let dist = world.environment.work().join("dist");
    let packages: Vec<Package> = changes_in(&dist).iter().map(|changes| Package::of(changes)).collect();
    let mut trees = BTreeMap::new();
    for package in &packages {
        trees.insert(package.series.as_str(), judge::accept(&world.environment, package));
    }
    let wrong = judge::lintian(&world.environment, &packages);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(trees.keys().copied().collect::<BTreeSet<_>>(), SERIES.map(|nginx| nginx.series).into());
    for series in ["xenial", "jammy", "noble"] {
        assert_golden_folder(&format!("flagship/{series}/debian"), &trees[series].join("debian"));
    }
    of_the_origs(&world, &dist);
    of_the_trees(&trees);
}

/// What each series' nginx says of itself, and nothing of another's.
fn of_the_lock(lock: &str) {
    let of = |series: &str| {
        let mut entries = lock.split("[[follow]]");
        entries.find(|entry| entry.contains(&format!("series = \"{series}\""))).unwrap().to_string()
    };
    let amd64 = |nginx: &Nginx| format!("amd64 = \"8,4,8,{}\"", nginx.bits);
    for nginx in &SERIES {
        let entry = of(nginx.series);
        assert!(entry.contains(&format!("version = \"{}\"", nginx.version)), "{entry}");
        assert!(entry.contains(&amd64(nginx)), "{entry}");
        assert!(!entry.contains("--with-cc-opt") && !entry.contains("=dynamic"), "{entry}");
        let has = |word: &str| entry.contains(word);
        let series = nginx.series;
        assert_eq!(has("i386 = \"4,4,4,"), ["xenial", "bionic"].contains(&series), "{entry}");
        assert_eq!(has("--with-compat"), !["xenial", "bionic"].contains(&series), "{entry}");
        assert_eq!(has("--modules-path"), series != "xenial", "{entry}");
        assert_eq!(has("over = \"core\""), series == "jammy", "{entry}");
        assert_eq!(has("mode = \"dev\""), ["noble", "resolute"].contains(&series), "{entry}");
    }
    assert!(of("noble").contains("abi = \"nginx-abi-1.24.0-1\""));
}

/// nginx's tarball is the distribution's byte for byte, and each file is there
/// once for all the series that share it.
fn of_the_origs(world: &World, dist: &Path) {
    let orig = |name: &str| {
        let end = format!(".orig{name}.tar.gz");
        names(dist).into_iter().filter(|file| file.ends_with(&end)).collect::<Vec<_>>()
    };
    let upstreams = ["1.10.3", "1.14.0", "1.18.0"];
    let of_nginx = upstreams.map(|version| format!("ngx-pagespeed_1.13.35.2+nginx{version}.orig-nginx.tar.gz"));
    assert_eq!(orig("-nginx"), of_nginx);
    for (name, version) in of_nginx.iter().zip(upstreams) {
        let theirs = world.root().join(format!("pool/main/n/nginx/nginx_{version}.orig.tar.gz"));
        assert_eq!(fs::read(dist.join(name)).unwrap(), fs::read(theirs).unwrap(), "{name}");
    }
    assert_eq!(orig("").len(), 5, "{:?}", names(dist));
    assert_eq!(orig("-psol-x64").len(), 5);
    assert_eq!(orig("-psol-ia32").len(), 2, "where there is i386");
}

/// The unpacked sources have what the rules build from.
fn of_the_trees(trees: &BTreeMap<&str, PathBuf>) {
    for (series, tree) in trees {
        let is_old = ["xenial", "bionic"].contains(series);
        for (psol, wanted) in [("x64", true), ("ia32", is_old)] {
            let library = tree.join(format!("psol-{psol}/lib/Release/linux/{psol}/pagespeed_automatic.a"));
            assert_eq!(library.exists(), wanted, "{}", library.display());
        }
        let dev = ["noble", "resolute"].contains(series);
        assert_eq!(tree.join("nginx/src/core/ngx_connection.h").exists(), !dev, "{series}");
        assert_eq!(tree.join("debian/nginx/patches/bit-field.patch").exists(), !dev, "{series}");
        assert_eq!(tree.join("src/psol_glibc.c").exists(), !is_old && *series != "focal", "{series}");
    }
}
