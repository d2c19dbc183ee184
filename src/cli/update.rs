//! `pkgr update`.

mod adopt;

use adopt::Adopted;
use serde_json::{Value, json};

use crate::cli::config::today;
use crate::cli::select::{Recipes, recipe_files};
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::follow::{self, Change, life, tables};
use crate::launchpad::{Client, Ppa};
use crate::listener::Listener;
use crate::{parallel, recipe, series};

/// Look up what a recipe follows in the archives, and write it into recipe.lock
///
/// For every series: the newest version of each followed package in the release
/// and its pockets, verified from the archive's key to every file's digest; of
/// nginx also what modules have to be built with. Says what changed and whether
/// modules built before still load. Where an archive is refused, the lock stays.
///
/// New series that a recipe does not name are told, and those at their end of
/// life, with the line to write. What a recipe's series are is read from this
/// machine's distro-info-data where that is newer than what pkgr was built with
/// (distro-info in config.toml names another folder), and kept in the lock.
///
/// Debian's mirror is that of this machine's apt, Ubuntu's hosts are known. Others
/// are named by ubuntu-mirror, ubuntu-security-mirror, ubuntu-old-mirror,
/// ubuntu-ports-mirror, debian-mirror, debian-security-mirror and archive-keyring
/// in config.toml, or by variables such as PKGR_UBUNTU_MIRROR.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    recipes: Recipes,
    /// Also ask this PPA, ppa:OWNER/NAME, which versions and orig files it has
    ///
    /// What it and Ubuntu have published is written into recipe.lock: no version of it
    /// is given again, and no orig file of it sent again. A PPA that others filled
    /// before is taken over so.
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Write nothing; exit with 5 if something would change
    #[arg(long)]
    check: bool,
    /// First fetch the newest data on series, Debian's distro-info-data, from its archive
    #[arg(long)]
    series_data: bool,
}

/// Updates every recipe named; prints one line for each change, its reasons below.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let only = args.recipes.only()?;
    let today = today()?;
    if args.series_data {
        let version = tables::refresh(&context.fetching(), &today, &context.printer)?;
        context.printer.status("Fetched", &version);
    }
    let newest = tables::at_hand(&context.config.distro_info(), &context.fetching(), &context.printer)?;
    series::learn(newest.all());
    let options = follow::Options {
        only: only.as_ref(),
        fetch: context.fetching(),
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    let target = args.to.as_deref().map(str::parse::<Ppa>).transpose()?;
    let client = Client::new(context.config.launchpad(), context.fetching(), &context.printer)?;
    let adopted = target.map(|ppa| Adopted::new(&client, &ppa)).transpose()?;
    let mut output = Output::default();
    let (mut changes, mut series_data, mut news) = (Vec::new(), Vec::new(), Vec::new());
    let recipes = recipe_files(&args.recipes.recipes)?;
    let updates = follow::update_all(&recipes, &options, &context.printer)?;
    for (recipe, update) in recipes.iter().zip(updates) {
        let adopt = |mut update: follow::Update| {
            adopted
                .as_ref()
                .map_or(Ok(Vec::new()), |adopted| adopted.adopt(&mut update, recipe, context))
                .map(|said| (update, said))
        };
        let (update, said) = match update.and_then(adopt) {
            Ok(update) => update,
            Err(failure) => {
                output.failures.push(failure);
                continue;
            }
        };
        for change in &update.changes {
            output.text.push_str(&text(change));
            changes.push(document(change, recipe));
        }
        for line in &said {
            output.text.push_str(&format!("{line}\n"));
        }
        news.extend(said);
        for one in &update.series {
            output.text.push_str(&format!("series {one}: its data is new in the lock\n"));
            series_data.push(json!({"recipe": recipe.display().to_string(), "series": one}));
        }
        let said = life::life(&recipe::load(recipe)?, &newest, &today);
        said.into_iter().for_each(|said| context.printer.tell(said));
        let name = recipe.with_extension("lock");
        if args.check && update.is_needed() {
            output.failures.push(to_do(&name.display().to_string()));
        } else if !args.check && update.save()? {
            context.printer.status("Updated", &name.display().to_string());
        } else {
            let what = format!("{}: {} followed packages are as locked", name.display(), update.looked_up);
            context.printer.status("Unchanged", &what);
        }
    }
    output.json.insert("changes".into(), Value::Array(changes));
    output.json.insert("series".into(), Value::Array(series_data));
    output.json.insert("archive".into(), json!(news));
    Ok(output)
}

fn to_do(lock: &str) -> Failure {
    let diagnostic = Diagnostic::error("update-available", format!("{lock} is not up to date with the archives"));
    Failure::new(Kind::Todo, diagnostic.hint("run `pkgr update`, commit the lock, and build"))
}

fn text(change: &Change) -> String {
    let versions = match (&change.old, &change.new) {
        (Some(old), Some(new)) if old != new => format!("{old} -> {new}"),
        (_, Some(version)) | (Some(version), None) => version.clone(),
        (None, None) => String::new(),
    };
    let suite = change.suite.as_ref().map(|suite| format!(" ({suite})")).unwrap_or_default();
    let head = format!("{} {} {versions}{suite}: {}\n", change.series, change.package, change.weight.meaning());
    change.reasons.iter().fold(head, |text, reason| format!("{text}    {reason}\n"))
}

/// A change as documents write it.
pub fn document(change: &Change, recipe: &std::path::Path) -> Value {
    json!({
        "recipe": recipe.display().to_string(),
        "name": change.name,
        "series": change.series,
        "package": change.package,
        "old": change.old,
        "new": change.new,
        "suite": change.suite,
        "kind": change.weight.name(),
        "meaning": change.weight.meaning(),
        "reasons": change.reasons,
        "applied": change.is_applied(),
    })
}
