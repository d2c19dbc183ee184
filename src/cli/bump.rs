//! `pkgr bump`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::build::prepare;
use crate::bump::{self, Bump, Request};
use crate::cli::config::date_of_new_entry;
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::parallel;
use crate::watch::Release;

/// Move a recipe to a new upstream version, or to a new revision
///
/// Without a VERSION, upstream is looked at where the recipe's `[watch]` says. The
/// new sources are fetched, verified and pinned, the patches are tried on them;
/// then recipe.toml is edited in place, with its comments and order kept, and
/// recipe.lock gets the changelog entry. What does not fit is told, and nothing
/// is written.
///
/// With -m and no VERSION it is a new revision of the same version, or the next
/// rebuild where a package has no revision.
///
/// GITHUB_TOKEN and GITLAB_TOKEN are used where they are set. Services elsewhere
/// are named by github-url, github-api, gitlab-url and pypi-url in config.toml, or
/// by variables such as PKGR_GITHUB_API.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, or a folder that holds one [default: recipe.toml]; may be left out before a VERSION
    #[arg(value_name = "RECIPE")]
    recipe: Option<String>,
    /// The new version, as upstream or as Debian writes it, perhaps with an epoch
    #[arg(value_name = "VERSION")]
    to: Option<String>,
    /// Words for the changelog; several make several lines
    #[arg(short, long = "message", value_name = "TEXT")]
    message: Vec<String>,
    /// The same version and revision once more, counted on
    #[arg(long)]
    rebuild: bool,
    /// Only look; write nothing, and exit with 5 if there is something newer
    #[arg(long, conflicts_with_all = ["message", "rebuild", "keep_going"])]
    check: bool,
    /// Write recipe and lock although patches do not apply or files are missing
    #[arg(long)]
    keep_going: bool,
}

/// Bumps, or only looks; prints the old and the new version.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let (recipe, version) = recipe_and_version(args.recipe.as_deref(), args.to.as_deref());
    let recipe = recipe_files(std::slice::from_ref(&recipe))?.remove(0);
    let options = prepare::Options {
        only: None,
        author: context.config.author(),
        now: date_of_new_entry()?,
        fetch: context.fetching(),
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    let services = context.config.services();
    if args.check {
        if version.is_some() {
            let message = "`--check` looks upstream, so it takes no version";
            return Err(Failure::new(Kind::Usage, Diagnostic::error("usage", message)));
        }
        let found = bump::look(&recipe, &services, &options, &context.printer)?;
        return Ok(checked(&recipe, found, context));
    }
    let request = Request { version, words: args.message.clone(), rebuild: args.rebuild, keep_going: args.keep_going };
    match bump::bump(&recipe, &request, &services, &options, &context.printer)? {
        Some(mut bump) => {
            bump.save()?;
            Ok(bumped(bump, context))
        }
        None => Ok(checked(&recipe, None, context)),
    }
}

/// A single word is the recipe, unless nothing is there under that name and it
/// begins as a version does.
fn recipe_and_version(first: Option<&str>, second: Option<&str>) -> (PathBuf, Option<String>) {
    let here = PathBuf::from("recipe.toml");
    match (first, second) {
        (Some(word), None) if word.starts_with(|c: char| c.is_ascii_digit()) && !Path::new(word).exists() => {
            (here, Some(word.to_string()))
        }
        (recipe, version) => (recipe.map_or(here, PathBuf::from), version.map(str::to_string)),
    }
}

/// Upstream was looked at, and nothing else done.
fn checked(recipe: &Path, found: Option<Release>, context: &Context) -> Output {
    let mut output = Output::default();
    let name = recipe.display().to_string();
    output.json.insert("recipe".into(), name.clone().into());
    output.json.insert("newer".into(), Value::Null);
    match found {
        None => context.printer.status("Unchanged", &format!("{name}: upstream has nothing newer")),
        Some(release) => {
            output.text = format!("{} ({})\n", release.version, release.name);
            output.json.insert(
                "newer".into(),
                json!({
                    "version": release.version.to_string(),
                    "upstream": release.upstream,
                    "from": release.name,
                    "prerelease": release.is_prerelease,
                }),
            );
            let message = format!("upstream has {} for {name}", release.upstream);
            let found = Diagnostic::error("version-available", message).hint("run `pkgr bump`, and build");
            output.failures.push(Failure::new(Kind::Todo, found));
        }
    }
    output
}

fn bumped(bump: Bump, context: &Context) -> Output {
    let text = match bump.old == bump.new {
        false => format!("{} {} -> {}\n", bump.name, bump.old, bump.new),
        // only the counters at the end of each series' version move
        true => {
            let versions: std::collections::BTreeSet<&str> = bump.versions.values().map(String::as_str).collect();
            format!("{} {} again: {}\n", bump.name, bump.old, Vec::from_iter(versions).join(", "))
        }
    };
    context.printer.status("Bumped", &format!("{}: {}", bump.recipe.display(), bump.changes.join("; ")));
    let sources: Vec<Value> =
        bump.sources.iter().map(|(from, sha256)| json!({"from": from, "sha256": sha256})).collect();
    let document = json!({
        "recipe": bump.recipe.display().to_string(),
        "name": bump.name,
        "old": bump.old,
        "new": bump.new,
        "changes": bump.changes,
        "versions": bump.versions,
        "sources": sources,
    });
    let json = match document {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Output { text, json, failures: bump.failures }
}
