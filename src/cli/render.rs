//! `pkgr render`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::build::{self, prepare};
use crate::cli::config::date_of_new_entry;
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::listener::{Listener, Silent};
use crate::recipe::selector::Selector;
use crate::render::{self, Tree};
use crate::{fetch, files, parallel};

/// Write the debian/ folder of a recipe, without packing anything
///
/// One target goes to DIR/debian, several to DIR/SERIES/debian.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, or a folder that holds one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    recipe: PathBuf,
    /// Only targets that match, e.g. `jammy`, `focal..`, `ubuntu,!noble`
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
    /// Where the folders go
    #[arg(short, long, value_name = "DIR", default_value = "rendered")]
    output: PathBuf,
    /// Show what has changed since a git revision, and write nothing
    #[arg(long, value_name = "REVISION", num_args = 0..=1, require_equals = true, default_missing_value = "HEAD", conflicts_with_all = ["output", "stdout"])]
    diff: Option<String>,
    /// Print one file, e.g. `control` or `debian/control`, and write nothing
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    stdout: Option<String>,
}

/// Renders; prints the folders written, the one file, or the differences.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let only = args.only.as_deref().map(Selector::parse).transpose()?;
    let options = prepare::Options {
        only: only.as_ref(),
        author: context.config.author(),
        now: date_of_new_entry()?,
        fetch: fetch::Options { offline: false, locked: false, cache: context.cache.clone() },
        jobs: parallel::available(),
    };
    let mut output = Output::default();
    for recipe in recipe_files(std::slice::from_ref(&args.recipe))? {
        let trees = build::render(&recipe, &options, &context.printer)?;
        output = match (&args.stdout, &args.diff) {
            (Some(file), _) => one_file(&trees, file)?,
            (None, Some(revision)) => changes(&trees, &before(&recipe, revision, &options, context)?),
            (None, None) => folders(&trees, &files::parent(&recipe), args)?,
        };
    }
    Ok(output)
}

/// What the recipe rendered to at a git revision; what is told of it then does
/// not matter now.
fn before(
    recipe: &Path,
    revision: &str,
    options: &prepare::Options,
    context: &Context,
) -> Result<BTreeMap<String, Tree>, Failure> {
    let folder = build::revision::folder_at(&files::parent(recipe), revision)?;
    let old = folder.path().join(recipe.file_name().unwrap_or_default());
    context.printer.detail(&format!("rendering {} as of {revision}", recipe.display()));
    build::render(&old, options, &Silent)
}

/// The diffs of all targets; targets with one and the same diff share it.
fn changes(new: &BTreeMap<String, Tree>, old: &BTreeMap<String, Tree>) -> Output {
    let mut by_diff: Vec<(String, Vec<&str>)> = Vec::new();
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let nothing = Tree::default();
    for series in all {
        let diff = render::diff(old.get(series).unwrap_or(&nothing), new.get(series).unwrap_or(&nothing));
        match by_diff.iter_mut().find(|(text, _)| *text == diff) {
            Some((_, names)) => names.push(series),
            None => by_diff.push((diff, vec![series])),
        }
    }
    let mut output = Output::default();
    for (diff, series) in by_diff.iter().filter(|(diff, _)| !diff.is_empty()) {
        output.text.push_str(&format!("# {}\n{diff}", series.join(", ")));
    }
    let targets: Vec<_> = by_diff.iter().map(|(diff, series)| json!({"series": series, "diff": diff})).collect();
    output.json.insert("changes".into(), json!(targets));
    output
}

fn folders(trees: &BTreeMap<String, Tree>, recipe: &Path, args: &Args) -> Result<Output, Failure> {
    let mut output = Output::default();
    let mut written = Vec::new();
    for (series, tree) in trees {
        let folder = if trees.len() == 1 { args.output.clone() } else { args.output.join(series) };
        spare_overrides(&folder, recipe)?;
        tree.write_to(&folder)?;
        let debian = folder.join("debian");
        output.text.push_str(&format!("{}\n", debian.display()));
        written.push(json!({"series": series, "folder": debian.display().to_string()}));
    }
    output.json.insert("targets".into(), json!(written));
    Ok(output)
}

/// In the recipe's own folder debian/ holds what its author wrote, and everything
/// written there would be an override from then on.
fn spare_overrides(folder: &Path, recipe: &Path) -> Result<(), Failure> {
    match (folder.canonicalize(), recipe.canonicalize()) {
        (Ok(folder), Ok(recipe)) if folder == recipe => {}
        _ => return Ok(()),
    }
    let message = format!("debian/ in {} is for the recipe's own overrides", folder.display());
    let found = Diagnostic::error("output-is-recipe", message)
        .because("a file there replaces the generated one of its name in every later build")
        .hint("write to another folder with -o, and copy from there what you want to keep as an override");
    Err(Failure::new(Kind::Usage, found))
}

/// The file as all targets have it; that they differ is told, not hidden.
fn one_file(trees: &BTreeMap<String, Tree>, file: &str) -> Result<Output, Failure> {
    let usage = |found: Diagnostic| Failure::new(Kind::Usage, found);
    let path = if file.starts_with("debian/") { file.to_string() } else { format!("debian/{file}") };
    let mut versions: Vec<(&str, &[u8])> = Vec::new();
    for (series, tree) in trees {
        if let Some(file) = tree.files.get(&path) {
            if !versions.iter().any(|(_, bytes)| *bytes == file.bytes) {
                versions.push((series, &file.bytes));
            }
        }
    }
    match versions.as_slice() {
        [(_, bytes)] => {
            let text = String::from_utf8_lossy(bytes);
            let mut output = Output::text(text.clone());
            output.json.insert("file".into(), json!(path));
            output.json.insert("content".into(), json!(text));
            Ok(output)
        }
        [] => {
            let names: Vec<&String> = trees.values().flat_map(|tree| tree.files.keys()).collect();
            let mut found = Diagnostic::error("no-such-file", format!("no target has a file {path}"));
            for name in names.iter().take(40) {
                if !found.notes.contains(name) {
                    found.notes.push((*name).clone());
                }
            }
            Err(usage(found))
        }
        [(first, _), (second, _), ..] => {
            let message = format!("{path} is not the same for every target");
            let found = Diagnostic::error("several-versions", message)
                .because(format!("{first} and {second} differ"))
                .hint(format!("choose one: --only {first}"));
            Err(usage(found))
        }
    }
}
