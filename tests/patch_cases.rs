//! The quirks of patches, one file each in `tests/patch_cases`: `accept-*` and
//! `refuse-*`. A real `dpkg-source` builds each as a package and has to agree;
//! what pkgr says about the refused ones is in the `.txt` beside them
//! (`PKGR_BLESS=1` writes those).

#[path = "common/dpkg_patch.rs"]
mod dpkg_patch;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dpkg_patch::{Case, Entries, ours, read_tree, write_tree};
use pkgr::diagnostic::{Failure, Kind};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patch_cases")
}

/// Names and cases; a second patch of a series is `NAME.2.patch`.
fn cases() -> Vec<(String, Case)> {
    let tree = read_tree(&folder().join("tree"));
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".patch").map(String::from))
        .filter(|name| !name.contains('.'))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let mut patches = vec![std::fs::read(folder().join(format!("{name}.patch"))).unwrap()];
            patches.extend(std::fs::read(folder().join(format!("{name}.2.patch"))));
            (name, Case { tree: tree.clone(), patches })
        })
        .collect()
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env("HOME", folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{program} must be there: {e}"))
}

/// Builds the case as a source package and unpacks it: the tree, or what dpkg-source said.
fn dpkg_source(case: &Case) -> Result<Entries, String> {
    let root = tempfile::tempdir().unwrap();
    let tree = root.path().join("demo-1.0");
    write_tree(&tree, &case.tree);
    let tar = run("tar", &["-czf", "demo_1.0.orig.tar.gz", "demo-1.0"], root.path());
    assert!(tar.status.success());
    let debian = tree.join("debian");
    std::fs::create_dir_all(debian.join("source")).unwrap();
    std::fs::create_dir_all(debian.join("patches")).unwrap();
    std::fs::write(debian.join("source/format"), "3.0 (quilt)\n").unwrap();
    let control = "Source: demo\nSection: misc\nPriority: optional\nMaintainer: A B <a@example.org>\n\
                   Standards-Version: 4.6.2\n\nPackage: demo\nArchitecture: all\nDescription: demo\n demo\n";
    std::fs::write(debian.join("control"), control).unwrap();
    let changelog =
        "demo (1.0-1) unstable; urgency=low\n\n  * x\n\n -- A B <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n";
    std::fs::write(debian.join("changelog"), changelog).unwrap();
    let mut series = String::new();
    for (i, patch) in case.patches.iter().enumerate() {
        std::fs::write(debian.join(format!("patches/p{i}")), patch).unwrap();
        series.push_str(&format!("p{i}\n"));
    }
    std::fs::write(debian.join("patches/series"), series).unwrap();
    let built = run("dpkg-source", &["-b", "demo-1.0"], root.path());
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let unpacked = run("dpkg-source", &["-x", "demo_1.0-1.dsc", "out"], root.path());
    if !unpacked.status.success() {
        return Err(String::from_utf8_lossy(&unpacked.stderr).into_owned());
    }
    let mut entries = read_tree(&root.path().join("out"));
    entries.retain(|path, _| !path.starts_with(b"debian/"));
    Ok(entries)
}

#[test]
fn dpkg_source_agrees_on_every_case() {
    let cases = cases();
    let theirs = pkgr::parallel::map(&cases, pkgr::parallel::available(), |(_, case)| dpkg_source(case));
    let mut wrong = Vec::new();
    for ((name, case), theirs) in cases.iter().zip(theirs) {
        let ours = ours(case);
        let agreed = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => name.starts_with("accept-") && ours == theirs,
            (Err(_), Err(_)) => name.starts_with("refuse-"),
            _ => false,
        };
        if !agreed {
            wrong.push(format!("{name}:\nours: {ours:?}\ntheirs: {theirs:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.iter().filter(|(name, _)| name.starts_with("refuse-")).count() >= 40);
    assert!(cases.iter().filter(|(name, _)| name.starts_with("accept-")).count() >= 35);
}

fn told(failure: &Failure) -> String {
    let mut text = String::new();
    for diagnostic in &failure.diagnostics {
        text.push_str(&format!("error[{}]: {}\n", diagnostic.code, diagnostic.message));
        if let Some(place) = &diagnostic.place {
            text.push_str(&format!(" at {}:{}: {}\n", place.file.display(), place.line, place.text));
        }
        for note in &diagnostic.notes {
            text.push_str(&format!(" note: {}\n", note.replace('\n', "\n   | ")));
        }
        for hint in &diagnostic.hints {
            text.push_str(&format!(" hint: {hint}\n"));
        }
    }
    text
}

#[test]
fn refusals_say_what_where_and_what_to_do() {
    let mut wrong = Vec::new();
    for (name, case) in cases().iter().filter(|(name, _)| name.starts_with("refuse-")) {
        let failure = ours(case).expect_err(name).into_failure("demo 1.0");
        assert_eq!(failure.kind, Kind::Recipe);
        let told = told(&failure);
        let path = folder().join(format!("{name}.txt"));
        if std::env::var_os("PKGR_BLESS").is_some() {
            std::fs::write(&path, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{name}: expected\n{expected}\ngot\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
