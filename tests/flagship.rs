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
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::judge::{self, Package};
use common::{assert_golden_folder, changes_in, run, snapshot};
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

const NEXT: Nginx = Nginx { version: "1.18.0-6ubuntu14.4", ..JAMMY };

/// nginx's security update, from the look at the archive to the second upload.
#[test]
fn a_security_update_of_nginx() {
    let world = World::with(&[JAMMY]);
    let recipe = flagship(&world);
    let lock = recipe.join("recipe.lock");
    let locked = || fs::read_to_string(&lock).unwrap();
    let pkgr = |arguments: &[&str]| run(pkgr(&world, arguments).args(["--only", "jammy", RECIPE]));
    pkgr(&["update"]).ok();
    pkgr(&["build", "--no-sign"]).ok();
    let dist = world.environment.work().join("dist");
    let (first, untouched) = (snapshot(&dist), stamps(&dist));
    world.publish("jammy-security", &[&NEXT]);

    // what is to be done, and why
    let before = locked();
    let check = pkgr(&["update", "--check"]).exits(5);
    let line = "jammy nginx 1.18.0-6ubuntu14.3 -> 1.18.0-6ubuntu14.4 (jammy-security): only a patch level: modules built before still load\n";
    assert_eq!(check.stdout, line);
    assert!(check.stderr.contains("update-available") || check.stderr.contains("not up to date"), "{}", check.stderr);
    let json: serde_json::Value =
        serde_json::from_str(&pkgr(&["update", "--check", "--json"]).exits(5).stdout).unwrap();
    assert_eq!(
        (json["changes"][0]["kind"].as_str(), json["changes"][0]["applied"].as_bool()),
        (Some("patch-level"), Some(true))
    );
    assert_eq!(locked(), before, "a look changes nothing");

    // the lock moves by the version and the digests of what is new, and no more
    pkgr(&["update"]).ok();
    let (gone, come) = difference(&before, &locked());
    let expected = |version: &str, suite: &str| {
        let dsc = format!("file = \"nginx_{version}.dsc\"");
        let debian = format!("file = \"nginx_{version}.debian.tar.xz\"");
        let [version, suite] = [format!("version = \"{version}\""), format!("suite = \"{suite}\"")];
        vec![version, suite, dsc, "sha256".to_string(), debian, "sha256".to_string()]
    };
    assert_eq!(gone, expected("1.18.0-6ubuntu14.3", "jammy"));
    assert_eq!(come, expected("1.18.0-6ubuntu14.4", "jammy-security"));

    // built anew: four new files, and the tarballs of upstream are as they were
    pkgr(&["build", "--no-sign"]).ok();
    let version = |nginx: &Nginx| format!("1.13.35.2+nginx{}~ubuntu22.04.1", nginx.version);
    let stem = format!("ngx-pagespeed_{}", version(&NEXT));
    let new: Vec<PathBuf> = snapshot(&dist).into_keys().filter(|name| !first.contains_key(name)).collect();
    let endings = [".debian.tar.xz", ".dsc", "_source.buildinfo", "_source.changes"];
    assert_eq!(new, endings.map(|end| PathBuf::from(format!("{stem}{end}"))));
    let now = stamps(&dist);
    for (name, stamp) in untouched.iter().filter(|(name, _)| name.contains(".orig")) {
        assert_eq!(now.get(name), Some(stamp), "{name} was written again");
        assert_eq!(first[Path::new(name)], fs::read(dist.join(name)).unwrap(), "{name}");
    }
    let (old, new) = (version(&JAMMY), version(&NEXT));
    run(world.environment.command("dpkg").args(["--compare-versions", &old, "lt", &new])).ok();
    assert_eq!(of_packaging(&world, &dist, [&old, &new]), ["changelog", "control", "rules"]);

    // uploaded whole until the archive is known to have them
    let origs = ["", "-nginx", "-psol-x64"]
        .map(|component| format!("ngx-pagespeed_1.13.35.2+nginx1.18.0.orig{component}.tar.gz"));
    let changes = || fs::read_to_string(dist.join(format!("{stem}_source.changes"))).unwrap();
    assert!(origs.iter().all(|name| changes().contains(name)), "{}", changes());
    let of = |name: &str| pkgr::deb::checksums::Checksums::of(&first[Path::new(name)]).sha256;
    let record = |name: &String| {
        format!(
            "\n[[published]]\nfile = \"{name}\"\nsha256 = \"{}\"\narchive = \"ppa:du9l/ubuntu/ngx-pagespeed\"\n",
            of(name)
        )
    };
    fs::write(&lock, locked() + &origs.iter().map(record).collect::<String>()).unwrap();
    pkgr(&["build", "--no-sign"]).ok();
    assert!(!changes().contains(".orig") && changes().contains(&format!("{stem}.debian.tar.xz")), "{}", changes());
    let dsc = fs::read_to_string(dist.join(format!("{stem}.dsc"))).unwrap();
    assert!(origs.iter().all(|name| dsc.contains(name)), "the .dsc names them for ever: {dsc}");
    pkgr(&["update", "--check"]).ok();
}

/// Inode and time of every file.
fn stamps(folder: &Path) -> BTreeMap<String, (u64, i64, i64)> {
    let stamp = |name: &String| {
        let metadata = fs::metadata(folder.join(name)).unwrap();
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    };
    names(folder).into_iter().map(|name| (name.clone(), stamp(&name))).collect()
}

/// The lines that only one of two texts has, in their order; of a digest, that
/// it is another. A size may be the same by chance, and is left out.
fn difference(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let only = |these: &str, others: &str| {
        let others: BTreeSet<&str> = others.lines().collect();
        let lines = these.lines().filter(|line| !others.contains(line) && !line.starts_with("size = "));
        lines.map(|line| if line.starts_with("sha256 = ") { "sha256" } else { line }.to_string()).collect()
    };
    (only(before, after), only(after, before))
}

/// The files of debian/ in which two source packages differ.
fn of_packaging(world: &World, dist: &Path, versions: [&String; 2]) -> Vec<String> {
    let trees = versions.map(|version| {
        let tree = world.environment.path(format!("packaging-{version}"));
        fs::create_dir(&tree).unwrap();
        let tarball = dist.join(format!("ngx-pagespeed_{version}.debian.tar.xz"));
        run(world.environment.command("tar").arg("-xf").arg(tarball).arg("-C").arg(&tree)).ok();
        snapshot(&tree.join("debian"))
    });
    let [old, new] = &trees;
    let all: BTreeSet<&PathBuf> = old.keys().chain(new.keys()).collect();
    let different = all.into_iter().filter(|path| old.get(*path) != new.get(*path));
    different.map(|path| path.display().to_string()).collect()
}
