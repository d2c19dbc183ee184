//! Which .changes a command means: those named, those that `pkgr build` makes of
//! a recipe, or what lies in the folder of packages.

use std::path::{Path, PathBuf};

use crate::cli::Context;
use crate::cli::config::date_of_new_entry;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::lock::Lock;
use crate::plan::{self, EvaluateOptions};
use crate::recipe::{self, Recipe, Selector};
use crate::series::catalog;

/// Whether an argument is a recipe or a .changes rather than the name of a target.
pub fn is_package(argument: &str) -> bool {
    let path = Path::new(argument);
    let has = |extension: &str| path.extension().is_some_and(|e| e == extension);
    has("changes") || (has("toml") && path.is_file()) || path.join("recipe.toml").is_file()
}

/// The recipe's `[upload] to`; a path in it is relative to the recipe.
pub fn target_of(recipe: &Recipe) -> Option<String> {
    let to = &recipe.root().table("upload")?.text("to")?.value;
    match to.starts_with("./") || to.starts_with("../") {
        true => std::path::absolute(recipe.folder().join(to)).ok().map(|path| path.display().to_string()),
        false => Some(to.clone()),
    }
}

/// The .changes in `folder` that `pkgr build` makes of the recipe now, in its
/// order of series. One that is not there is an error: it was not built.
pub fn of_recipe(
    recipe: &Recipe,
    only: Option<&Selector>,
    folder: &Path,
    context: &Context,
) -> Result<Vec<PathBuf>, Failure> {
    let lock = Lock::load(&Lock::path_for(recipe.path()))?;
    let options = EvaluateOptions { only: only.cloned(), author: context.config.author(), now: date_of_new_entry()? };
    let targets = plan::evaluate(recipe, &lock, &options)?.targets;
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for target in &targets {
        let version = Version { epoch: None, ..target.version.clone() };
        let path = folder.join(format!("{}_{version}_source.changes", target.name));
        match path.is_file() {
            true => found.push(path),
            false => missing.push(format!("{} for {}", path.display(), target.series)),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let message = format!("{} is not built as it stands", recipe.path().display());
    let diagnostic = missing.into_iter().fold(Diagnostic::error("not-built", message), |diagnostic, path| {
        diagnostic.because(format!("there is no {path}"))
    });
    Err(Failure::recipe(diagnostic.hint(format!("run `pkgr build -o {}` first", folder.display()))))
}

/// The recipe of a path, which may be its folder.
pub fn load(path: &Path) -> Result<Recipe, Failure> {
    let recipe = recipe::load(path)?;
    recipe.problems().clone().into_result()?;
    Ok(recipe)
}

/// What lies in a folder: of each source package and distribution the newest
/// version, and the older ones, which would be refused behind it.
pub struct Lying {
    /// To be considered.
    pub newest: Vec<PathBuf>,
    /// Passed over.
    pub superseded: Vec<PathBuf>,
}

/// The `*_source.changes` of a folder, filtered by `--only`.
pub fn lying_in(folder: &Path, only: Option<&Selector>) -> Result<Lying, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(nothing_in(folder)),
        entries => entries.map_err(|e| Failure::io("read", folder, &e))?,
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.to_string_lossy().ends_with("_source.changes"));
    paths.sort();
    if paths.is_empty() {
        return Err(nothing_in(folder));
    }
    let mut kept: Vec<(String, String, Option<Version>, PathBuf)> = Vec::new();
    let mut superseded = Vec::new();
    for path in paths {
        // what cannot be read is for the command itself to refuse
        let (source, distribution, version) =
            fields(&path).unwrap_or_else(|| (path.display().to_string(), String::new(), None));
        if !is_chosen(&distribution, only) {
            continue;
        }
        match kept.iter_mut().find(|(s, d, ..)| *s == source && *d == distribution) {
            Some((_, _, other, old)) if version > *other => {
                superseded.push(std::mem::replace(old, path));
                *other = version;
            }
            Some(_) => superseded.push(path),
            None => kept.push((source, distribution, version, path)),
        }
    }
    Ok(Lying { newest: kept.into_iter().map(|(.., path)| path).collect(), superseded })
}

/// Whether `--only` chooses a .changes; one that cannot be read is left to the command.
pub fn is_meant(path: &Path, only: Option<&Selector>) -> bool {
    fields(path).is_none_or(|(_, distribution, _)| is_chosen(&distribution, only))
}

fn is_chosen(distribution: &str, only: Option<&Selector>) -> bool {
    only.is_none_or(|only| catalog().find(distribution).is_some_and(|series| only.matches(series)))
}

fn fields(path: &Path) -> Option<(String, String, Option<Version>)> {
    let bytes = std::fs::read(path).ok()?;
    let text = crate::deb::control::strip_signature(&bytes).ok()?;
    let paragraphs = crate::deb::control::parse_bytes(&text).ok()?;
    let get = |name| paragraphs.first()?.get_filled(name).map(|value| value.trim().to_string());
    Some((get("Source")?, get("Distribution")?, Version::parse(&get("Version")?).ok()))
}

fn nothing_in(folder: &Path) -> Failure {
    let message = format!("there is no *_source.changes in {}", folder.display());
    let hint = "run `pkgr build`, or name the folder with -o, or the .changes themselves";
    Failure::new(Kind::Usage, Diagnostic::error("nothing-to-upload", message).hint(hint))
}
