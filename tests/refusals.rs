//! Bad input through the program itself: bad recipes, patches, tarballs and keys
//! each end with the right exit code and a message of their own, print nothing
//! on stdout, and leave `dist/` and the recipe's folder as they were.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{TestEnvironment, assert_same_files, copy_tree, repository, run, snapshot};

/// A `dist/` that must stay, and the work folder of an environment to run in.
fn with_dist(environment: &TestEnvironment) -> PathBuf {
    let dist = environment.work().join("dist");
    fs::create_dir_all(&dist).unwrap();
    fs::write(dist.join("demo_1.0-1_source.changes"), "an older build\n").unwrap();
    dist
}

/// Builds `recipe`; returns the codes of what it was refused for.
fn refused(environment: &TestEnvironment, recipe: &Path, more: &[&str], exit: i32) -> Vec<String> {
    let dist = with_dist(environment);
    let (dist_before, recipe_before) = (snapshot(&dist), snapshot(recipe));
    let human = run(environment.pkgr(&["build"]).args(more).arg(recipe)).exits(exit);
    assert_eq!(human.stdout, "", "{human:?}");
    let machine = run(environment.pkgr(&["build", "--json"]).args(more).arg(recipe)).exits(exit);
    let document: serde_json::Value = serde_json::from_str(&machine.stdout).unwrap();
    let errors = document["errors"].as_array().unwrap();
    assert!(!errors.is_empty() && document["ok"] == false, "{}", machine.stdout);
    for error in errors {
        let message = error["message"].as_str().unwrap();
        assert!(human.stderr.contains(message.lines().next().unwrap()), "{message} is not in\n{}", human.stderr);
    }
    assert_same_files(&dist_before, &snapshot(&dist), "dist/ stays as it was");
    assert_same_files(&recipe_before, &snapshot(recipe), "the recipe's folder stays as it was");
    errors.iter().map(|error| error["code"].as_str().unwrap().to_string()).collect()
}

#[test]
fn bad_recipes() {
    let environment = TestEnvironment::new();
    let mut codes = BTreeSet::new();
    let cases = fs::read_dir(repository().join("tests/bad-recipes")).unwrap();
    let mut names: Vec<PathBuf> = cases.map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for case in &names {
        let recipe = environment.work().join("case");
        let _ = fs::remove_dir_all(&recipe);
        copy_tree(case, &recipe);
        fs::remove_file(recipe.join("expected.txt")).unwrap();
        // a folder without a recipe is a matter of the command line
        let exit = if recipe.join("recipe.toml").is_file() { 1 } else { 2 };
        codes.extend(refused(&environment, &recipe, &[], exit));
    }
    assert!(names.len() >= 45 && codes.len() >= 30, "{} recipes, {codes:?}", names.len());
}

/// A recipe around a tarball and patches.
fn recipe_with(folder: &Path, tarball: &[u8], patches: &[&Path]) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("patches")).unwrap();
    fs::write(folder.join("demo-1.0.tar.gz"), tarball).unwrap();
    let mut text = String::from(
        "name = \"demo\"\nversion = \"1.0\"\nsummary = \"a thing to refuse\"\nlicense = \"MIT\"\n\
         maintainer = \"A B <a@example.org>\"\nseries = [\"jammy\", \"trixie\"]\n\n\
         [[source]]\nurl = \"demo-1.0.tar.gz\"\n",
    );
    for (number, patch) in patches.iter().enumerate() {
        fs::copy(patch, folder.join(format!("patches/{number}.patch"))).unwrap();
        text.push_str(&format!("\n[[patch]]\nfile = \"patches/{number}.patch\"\n"));
    }
    fs::write(folder.join("recipe.toml"), text).unwrap();
}

fn gzipped(tar: Vec<u8>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&tar).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bad_patches() {
    let environment = TestEnvironment::new();
    let folder = repository().join("tests/patch_cases");
    let mut tar = tar::Builder::new(Vec::new());
    tar.follow_symlinks(false);
    tar.append_dir_all("demo-1.0", folder.join("tree")).unwrap();
    let tarball = gzipped(tar.into_inner().unwrap());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".patch").map(String::from))
        .filter(|name| name.starts_with("refuse-") && !name.contains('.'))
        .collect();
    names.sort();
    let mut codes = BTreeSet::new();
    for name in &names {
        let first = folder.join(format!("{name}.patch"));
        let second = folder.join(format!("{name}.2.patch"));
        let patches: Vec<&Path> = [first.as_path(), second.as_path()].into_iter().filter(|p| p.exists()).collect();
        let recipe = environment.work().join("case");
        recipe_with(&recipe, &tarball, &patches);
        codes.extend(refused(&environment, &recipe, &[], 1));
    }
    assert!(names.len() >= 12 && codes.len() >= 8, "{} patches, {codes:?}", names.len());
}

/// One member of a hostile tarball, its name written as it is.
fn member(name: &str, kind: tar::EntryType, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tarball(members: &[Vec<u8>]) -> Vec<u8> {
    gzipped([members.concat(), vec![0; 1024]].concat())
}

#[test]
fn bad_tarballs() {
    use tar::EntryType;
    let file = |name: &str| member(name, EntryType::Regular, "", b"x\n");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("archive-dot-dot", tarball(&[file("demo-1.0/../../evil")])),
        ("archive-absolute-path", tarball(&[file("/etc/evil")])),
        ("archive-link-outside", tarball(&[member("demo-1.0/l", EntryType::Symlink, "../../etc", b"")])),
        (
            "archive-hard-link-outside",
            tarball(&[file("demo-1.0/a"), member("demo-1.0/h", EntryType::Link, "/etc/passwd", b"")]),
        ),
        ("archive-device", tarball(&[member("demo-1.0/d", EntryType::Char, "", b"")])),
        ("archive-fifo", tarball(&[member("demo-1.0/p", EntryType::Fifo, "", b"")])),
        (
            "archive-bomb",
            gzipped([member("demo-1.0/zeros", EntryType::Regular, "", &vec![0; 96 << 20]), vec![0; 1024]].concat()),
        ),
        ("archive-empty", tarball(&[])),
        ("not-a-tarball", gzipped(b"no tar at all\n".repeat(100))),
    ];
    let environment = TestEnvironment::new();
    for (code, bytes) in cases {
        let recipe = environment.work().join("case");
        recipe_with(&recipe, &bytes, &[]);
        assert_eq!(refused(&environment, &recipe, &[], 1), [code]);
    }
    let whole = tarball(&[file("demo-1.0/a")]);
    let recipe = environment.work().join("case");
    recipe_with(&recipe, &whole[..whole.len() / 2], &[]);
    assert_eq!(refused(&environment, &recipe, &[], 1).len(), 1);
}

#[test]
fn bad_keys() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let work = environment.work();
    fs::write(work.join("no.asc"), "no key at all\n").unwrap();
    let public = run(environment.command("gpg").args(["--armor", "--export", &environment.key().fingerprint])).ok();
    fs::write(work.join("public.asc"), public.stdout).unwrap();
    let mut codes = BTreeSet::new();
    for key in ["no.asc", "public.asc", "0123456789ABCDEF0123456789ABCDEF01234567", "./missing.asc"] {
        codes.extend(refused(&environment, &recipe, &["--key", key], 3));
    }
    assert_eq!(codes.len(), 4, "{codes:?}");
}
