//! `pkgr build`.

mod learn;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::build::{self, Built, OrigPolicy};
use crate::cli::config::date_of_new_entry;
use crate::cli::select::{Key, Recipes, recipe_files};
use crate::cli::{Context, Output, built, destination};
use crate::diagnostic::{Failure, Kind};
use crate::lock::Lock;
use crate::upload::target::Target;
use crate::{fetch, parallel, plan};

/// Build signed source packages for every series of a recipe
///
/// Fetches the sources, renders debian/, proves that the patches apply, packs
/// and signs, for all targets in parallel. Without a key the packages are left
/// unsigned, and `pkgr sign` can sign them later.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    recipes: Recipes,
    /// Where the packages go
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
    #[command(flatten)]
    key: Key,
    /// Leave the packages unsigned, whatever the configuration and PKGR_KEY say
    #[arg(long, conflicts_with = "key")]
    no_sign: bool,
    /// Use no network: sources come from the cache
    #[arg(long)]
    offline: bool,
    /// Refuse to change recipe.lock
    #[arg(long)]
    locked: bool,
    /// Whether orig files are part of the upload
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    orig: OrigPolicy,
    /// Threads [default: one per processor]
    #[arg(short, long, value_name = "N", env = "PKGR_JOBS")]
    jobs: Option<usize>,
    /// Build the other targets when one fails
    #[arg(long)]
    keep_going: bool,
    /// Also leave each target's debian/ as a folder beside its package
    #[arg(long)]
    keep_tree: bool,
}

/// Builds every recipe named; prints the paths of the .changes.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let signer = if args.no_sign { None } else { args.key.signer(context)? };
    let only = args.recipes.only()?;
    let recipes: Vec<(PathBuf, Option<Target>)> =
        recipe_files(&args.recipes.recipes)?.into_iter().map(|path| (path.clone(), target(&path, context))).collect();
    build::staging::check_output(&args.output)?;
    let (author, now) = (context.config.author(), date_of_new_entry()?);
    let mut output = Output::default();
    let mut all = Vec::new();
    for (recipe, target) in &recipes {
        let ppa = target.as_ref().filter(|target| target.rules.ppa.is_some() && !args.offline && !args.locked);
        let learn = |lock: &mut Lock, targets: &[plan::Target]| match ppa {
            Some(ppa) => learn::learn(lock, targets, ppa, context),
            None => Ok(()),
        };
        let options = build::Options {
            prepare: build::prepare::Options {
                only: only.as_ref(),
                author: author.clone(),
                now: now.clone(),
                fetch: fetch::Options { offline: args.offline, locked: args.locked, ..context.fetching() },
                jobs: args.jobs.or(context.config.jobs).unwrap_or_else(parallel::available).max(1),
            },
            output: &args.output,
            orig: args.orig,
            archive: target.as_ref().map(|target| target.identity.as_str()),
            learn: Some(&learn),
            keep_going: args.keep_going,
            keep_tree: args.keep_tree,
            signer: signer.as_ref(),
        };
        match build::build(recipe, &options, &context.printer) {
            Ok(outcome) => {
                output.failures.extend(outcome.failures);
                all.extend(outcome.built);
            }
            Err(failure) => output.failures.push(failure),
        }
        if !output.failures.is_empty() && !args.keep_going {
            break;
        }
    }
    for built in &all {
        output.text.push_str(&format!("{}\n", built.changes.display()));
    }
    output.json = document(&all);
    if output.failures.iter().any(|failure| failure.kind == Kind::Interrupted) || all.is_empty() {
        return Ok(output);
    }
    context.printer.status("Next", &next_step(&all, args));
    Ok(output)
}

/// Where the packages go: only what is published there, or in Ubuntu, need not be
/// sent again. A recipe that is wrong is told of when it is built.
fn target(recipe: &Path, context: &Context) -> Option<Target> {
    // a lock is read before its recipe: it may know the series
    Lock::load(&Lock::path_for(recipe)).ok()?;
    destination::target_of(&built::load(recipe).ok()?, context)
}

fn next_step(all: &[Built], args: &Args) -> String {
    // to be typed: a folder that a shell would take apart is quoted
    let folder = crate::render::sh::shell_word(&args.output.display().to_string());
    if all.iter().all(|built| built.signed_by.is_some()) {
        format!("pkgr upload TARGET {folder}/*_source.changes")
    } else {
        format!("pkgr sign --key KEY {folder}/*_source.changes")
    }
}

fn document(all: &[Built]) -> Map<String, Value> {
    let targets: Vec<Value> = all
        .iter()
        .map(|built| {
            json!({
                "source": built.name,
                "version": built.version,
                "series": built.series,
                "distribution": built.distro,
                "changes": built.changes.display().to_string(),
                "files": built.files,
                "orig_included": built.orig_included,
                "signed_by": built.signed_by,
                "overridden": built.overridden,
            })
        })
        .collect();
    Map::from_iter([("targets".to_string(), Value::Array(targets))])
}
