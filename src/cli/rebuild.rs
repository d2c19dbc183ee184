//! `pkgr rebuild`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::arrival::Published;
use crate::build::staging;
use crate::cli::config::{date_of_new_entry, today};
use crate::cli::destination::{self, Route};
use crate::cli::select::{Key, recipe_files};
use crate::cli::status::Waiting;
use crate::cli::{Context, Output, built, update};
use crate::diagnostic::{Diagnostic, Failure};
use crate::follow::tables;
use crate::launchpad::{Client, SystemClock};
use crate::listener::Listener;
use crate::rebuild::report::{Outcome, Package, RecipeReport, Report};
use crate::rebuild::{self, summary};
use crate::recipe::Recipe;
use crate::sandbox::engine::Backend;
use crate::sandbox::mirror::Mirrors;
use crate::upload::retry;
use crate::upload::{Sending, target::Target};
use crate::{files, parallel, sandbox, series};

/// Rebuild and upload whatever the archives, a recipe or its lock have moved on to
///
/// For cron and CI: looks up what the recipes follow, and for every series whose
/// newest version the target does not have yet it builds, signs, checks, uploads,
/// and waits until users can install it. Where nothing moved it ends at once.
///
/// A run that was interrupted, anywhere, is finished by the next one; one that was
/// not is not repeated. Commit recipe.lock afterwards, also after a failure: it
/// holds the versions that were given. Keep the folder of packages from run to run
/// where you can: the journal of uploads is in it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, or a folder that holds one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    recipes: Vec<PathBuf>,
    /// Where to [default: what each recipe says under [upload]]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Where the packages and their journals are
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
    /// Build and test the binary packages in clean roots before the upload
    #[arg(long)]
    test: bool,
    /// End after the upload
    #[arg(long)]
    no_wait: bool,
    /// Say what would be done, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Write a summary in Markdown, for a CI job's page
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    key: Key,
}

/// Rebuilds; prints one line for each source package of each series.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let recipes = recipe_files(&args.recipes)?;
    if !args.dry_run {
        staging::check_output(&args.output)?;
    }
    let clock = SystemClock::start();
    let waiting = args.waiting.options(&clock);
    let report = rebuild(args, &recipes, &waiting, context)?;
    let mut output = Output::default();
    for recipe in &report.recipes {
        recipe.packages.iter().for_each(|package| output.text.push_str(&line(package)));
    }
    output.json.insert("dry_run".into(), Value::Bool(args.dry_run));
    output.json.insert("summary".into(), json!(summary::headline(&report)));
    output.json.insert("recipes".into(), report.recipes.iter().map(document).collect());
    output.failures = report.failures().cloned().collect();
    if let Some(file) = &args.summary {
        files::write_atomically(file, summary::markdown(&report).as_bytes(), false)?;
    }
    context.printer.status("Rebuilt", &summary::headline(&report));
    Ok(output)
}

fn rebuild(
    args: &Args,
    recipes: &[PathBuf],
    waiting: &crate::launchpad::WaitOptions,
    context: &Context,
) -> Result<Report, Failure> {
    let signer = if args.dry_run { None } else { args.key.signer(context)? };
    let keys = destination::keys(destination::certificates(&args.key, context));
    let client = Client::new(context.config.launchpad(), context.fetching(), &context.printer)?;
    let clock = retry::SystemClock::default();
    let published = Published::new(&client);
    let sending = Sending {
        transfer: args.route.transfer(),
        policy: args.route.policy(),
        clock: &clock,
        force: false,
        asking: Some(args.waiting.asking(&published)),
    };
    let jobs = context.config.jobs.unwrap_or_else(parallel::available).max(1);
    let testing = sandbox::Options {
        backend: Backend::Unshare,
        architecture: None,
        shell_on_failure: false,
        keep: false,
        cache: context.cache.clone(),
        mirrors: Mirrors::default(),
        jobs,
    };
    let newest = tables::at_hand(&context.config.distro_info(), &context.fetching(), &context.printer)?;
    series::learn(newest.all());
    let today = today()?;
    let target = |recipe: &Recipe| target(args, recipe, context);
    let options = rebuild::Options {
        target: &target,
        output: &args.output,
        fetch: context.fetching(),
        author: context.config.author(),
        now: date_of_new_entry()?,
        jobs,
        signer: signer.as_ref(),
        keys: &keys,
        archive: None,
        test: args.test.then_some(&testing),
        series: &newest,
        today: &today,
        sending: &sending,
        client: &client,
        wait: (!args.no_wait).then_some(waiting),
        acceptance: args.waiting.acceptance,
        dry_run: args.dry_run,
    };
    rebuild::rebuild(recipes, &options, &context.printer)
}

fn target(args: &Args, recipe: &Recipe, context: &Context) -> Result<Target, Failure> {
    let name = args.to.clone().or_else(|| built::target_of(recipe)).ok_or_else(destination::no_target)?;
    let (target, notes) = destination::resolve(&name, &args.route.ways, context)?;
    notes.into_iter().for_each(|note: Diagnostic| context.printer.tell(note));
    Ok(target)
}

fn line(package: &Package) -> String {
    let Package { source, series, version, outcome, .. } = package;
    format!("{} {source} {version} {series}: {}\n", outcome.name(), outcome.describe())
}

fn document(recipe: &RecipeReport) -> Value {
    let changes: Vec<Value> = recipe.changes.iter().map(|change| update::document(change, &recipe.recipe)).collect();
    let packages: Vec<Value> = recipe
        .packages
        .iter()
        .map(|package| {
            let step = match &package.outcome {
                Outcome::Failed(step, _) => Some(step.name()),
                _ => None,
            };
            json!({
                "source": package.source,
                "series": package.series,
                "version": package.version,
                "reason": package.reason,
                "state": package.outcome.name(),
                "step": step,
                "detail": package.outcome.describe(),
            })
        })
        .collect();
    json!({
        "recipe": recipe.recipe.display().to_string(),
        "target": recipe.target,
        "changes": changes,
        "packages": packages,
    })
}
