//! `pkgr fetch`.

use serde_json::{Value, json};

use crate::build::prepare::{self, Prepared};
use crate::cli::config::date_of_new_entry;
use crate::cli::select::{Recipes, recipe_files};
use crate::cli::{Context, Output};
use crate::diagnostic::Failure;
use crate::{fetch, parallel};

/// Fill the cache with the sources of a recipe, verify them, pin them
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    recipes: Recipes,
    /// Refuse to change recipe.lock
    #[arg(long)]
    locked: bool,
    /// Use no network: only verify what the cache has
    #[arg(long)]
    offline: bool,
}

/// Fetches; prints the digest, size and name of each source.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let only = args.recipes.only()?;
    let options = prepare::Options {
        only: only.as_ref(),
        author: context.config.author(),
        now: date_of_new_entry()?,
        fetch: fetch::Options { offline: args.offline, locked: args.locked, ..context.fetching() },
        jobs: parallel::available(),
    };
    let mut output = Output::default();
    let mut sources = Vec::new();
    for recipe in recipe_files(&args.recipes.recipes)? {
        let prepared = Prepared::open(&recipe, &options, &context.printer)?;
        for upstream in &prepared.upstreams {
            let sums = &upstream.fetched.checksums;
            output.text.push_str(&format!("{} {:>10} {}\n", sums.sha256, sums.size, upstream.source.location.key()));
            sources.push(json!({"from": upstream.source.location.key(), "sha256": sums.sha256, "size": sums.size}));
        }
        prepared.save_pins()?;
    }
    output.json.insert("sources".into(), Value::Array(sources));
    Ok(output)
}
