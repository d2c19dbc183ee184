//! `pkgr vendor`.

use std::path::PathBuf;

use serde_json::json;

use crate::build::prepare;
use crate::cli::config::date_of_new_entry;
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure};
use crate::listener::Listener;
use crate::recipe::selector::Selector;
use crate::vendor::{self, Tool};
use crate::{fetch, parallel};

/// Pack the dependencies that a build would download, for builders have no network
///
/// Unpacks the source with its patches, has cargo, go, npm or pip fetch what the
/// lock file in its root pins, and packs that beside the recipe as the component
/// `vendor`, whose bytes depend on the fetched files alone. The recipe gets the
/// entry. Rust and Go packages then build as they are. Run it again for a new version.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, or a folder that holds one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    recipe: PathBuf,
    /// Who fetches [default: found by the lock file]
    #[arg(long, value_name = "TOOL")]
    tool: Option<Tool>,
    /// Only targets that match; the source of the first is taken
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
}

/// Vendors; prints the tarball's path.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let only = args.only.as_deref().map(Selector::parse).transpose()?;
    let options = prepare::Options {
        only: only.as_ref(),
        author: context.config.author(),
        now: date_of_new_entry()?,
        fetch: fetch::Options { offline: false, locked: false, ..context.fetching() },
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    let recipe = recipe_files(std::slice::from_ref(&args.recipe))?.remove(0);
    let vendored = vendor::vendor(&recipe, args.tool, &options, &context.printer)?;
    let path = vendored.path.display().to_string();
    let verb = if vendored.written { "Packed" } else { "Unchanged" };
    context.printer.status(verb, &format!("{path}: {} files by {}", vendored.files, vendored.tool));
    if vendored.entered {
        context.printer.status("Added", &format!("the component {} to {}", vendor::COMPONENT, recipe.display()));
    }
    if let Some(command) = vendored.tool.preparation() {
        let note =
            Diagnostic::note("vendor-prepare", format!("{} does not look into vendor/ by itself", vendored.tool));
        context.printer.tell(note.hint(format!("in `[build] prepare`: {command}")));
    }
    let mut output = Output::text(format!("{path}\n"));
    output.json.insert("file".into(), json!(path));
    output.json.insert("tool".into(), json!(vendored.tool.to_string()));
    output.json.insert("files".into(), json!(vendored.files));
    output.json.insert("size".into(), json!(vendored.size));
    output.json.insert("written".into(), json!(vendored.written));
    Ok(output)
}
