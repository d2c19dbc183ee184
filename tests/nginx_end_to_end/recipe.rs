//! A recipe of the repository with a few words changed, each of which must be there.

use std::fs;
use std::path::PathBuf;

use super::common::TestEnvironment;

/// The series of Debian that every recipe here is for instead of its own.
pub const SERIES: &str = r#"["bullseye", "bookworm", "trixie"]"#;

/// Copies recipes/NAME with its edits, `(in the recipe, instead)`, and nginx
/// followed in the release alone; `more` is added at the end.
pub fn edited(environment: &TestEnvironment, name: &str, edits: &[(&str, &str)], more: &str) -> PathBuf {
    let folder = environment.copy(&format!("recipes/{name}"));
    let path = folder.join("recipe.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    for (from, to) in edits {
        assert_eq!(text.matches(from).count(), 1, "recipes/{name} does not have once:\n{from}");
        text = text.replace(from, to);
    }
    fs::write(&path, format!("{text}\n[follow.nginx]\npockets = [\"release\"]\n{more}")).unwrap();
    folder
}
