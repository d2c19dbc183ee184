//! Bad recipes as data: each folder of `tests/bad-recipes` holds a recipe and in
//! `expected.txt` everything that pkgr says of it, in one run. With
//! `UPDATE_GOLDEN=1` the expectations are written anew (read the difference).

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use pkgr::diagnostic::{Diagnostic, Failure};
use pkgr::lock::Lock;
use pkgr::plan::{self, EvaluateOptions};
use pkgr::recipe;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad-recipes");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// What some cases follow; `apt:jansson`, nginx and php of a few series.
fn lock() -> Lock {
    Lock::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/follow/recipe.lock")).unwrap()
}

fn failure(folder: &Path) -> Option<Failure> {
    let options = EvaluateOptions { now: "Tue, 24 Nov 2026 08:00:00 +0000".into(), ..EvaluateOptions::default() };
    match recipe::load(folder) {
        Ok(recipe) => plan::evaluate(&recipe, &lock(), &options).err(),
        Err(failure) => Some(failure),
    }
}

fn render(folder: &Path, diagnostic: &Diagnostic) -> String {
    let mut text = format!("error[{}]: {}\n", diagnostic.code, diagnostic.message);
    if let Some(place) = &diagnostic.place {
        let file = place.file.strip_prefix(folder).unwrap();
        writeln!(text, " --> {}:{}:{}", file.display(), place.line, place.column).unwrap();
        writeln!(text, "  | {}", place.text).unwrap();
        writeln!(text, "  | {}{}", " ".repeat(place.column - 1), "^".repeat(place.width)).unwrap();
    }
    for note in &diagnostic.notes {
        writeln!(text, "  = note: {note}").unwrap();
    }
    for hint in &diagnostic.hints {
        writeln!(text, "  = hint: {hint}").unwrap();
    }
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn bad_recipes_say_what_they_are_expected_to_say() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for folder in cases() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let failure = failure(&folder).unwrap_or_else(|| panic!("{name} is a good recipe"));
        assert_eq!(failure.kind.exit_code(), 1, "{name}");
        let texts: Vec<String> = failure.diagnostics.iter().map(|d| render(&folder, d)).collect();
        let text = texts.join("\n");
        let golden = folder.join("expected.txt");
        if update {
            std::fs::write(&golden, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if text != expected {
            wrong.push(format!("{name}\n--- expected\n{expected}--- said\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_an_error_of_its_own() {
    let mut said = BTreeSet::new();
    let cases = cases();
    for folder in &cases {
        let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
        let without_places: Vec<&str> = expected.lines().filter(|line| line.starts_with("error[")).collect();
        assert!(!without_places.is_empty());
        assert!(said.insert(without_places.join("\n")), "{} says what another case says", folder.display());
    }
    assert!(cases.len() >= 60, "{}", cases.len());
}

#[test]
fn errors_have_places_but_for_those_of_other_files() {
    for folder in cases() {
        for diagnostic in failure(&folder).unwrap().diagnostics {
            let elsewhere = ["changelog-override", "format-override", "bad-override", "no-recipe"];
            assert!(diagnostic.place.is_some() || elsewhere.contains(&diagnostic.code), "{diagnostic:?}");
        }
    }
}
