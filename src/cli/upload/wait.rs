//! `pkgr upload --wait`: until users can install what was sent; and what the locks
//! of the recipes learn from that.

use std::path::{Path, PathBuf};

use super::Args;
use crate::check::service::Service;
use crate::cli::Context;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::launchpad::{self, Client, Expected, Outcome, Ppa, SystemClock};
use crate::lock::Lock;
use crate::memory;
use crate::recipe;
use crate::upload::prepare::Prepared;
use crate::upload::target::Target;

/// Refuses to wait for what no service tells of, before anything is sent.
pub fn is_possible(target: &Target) -> Result<(), Failure> {
    if target.rules.ppa.is_some() {
        return Ok(());
    }
    let message = format!("{} is no PPA, and only those tell when something is published", target.name);
    Err(Failure::new(Kind::Usage, Diagnostic::error("cannot-wait", message)).hint("leave --wait out"))
}

/// Waits for these packages, and records in the recipes' locks which orig files
/// the archive has published.
pub fn wait(
    sent: &[Prepared],
    target: &Target,
    recipes: &[PathBuf],
    args: &Args,
    context: &Context,
) -> Result<Outcome, Failure> {
    let Some(ppa) = target.rules.ppa.as_ref().filter(|_| !sent.is_empty()) else {
        return Ok(Outcome { ended: Vec::new() });
    };
    let expected: Vec<Expected> = sent
        .iter()
        .map(|package| Expected {
            source: package.source.clone(),
            version: package.version.clone(),
            // a series in the target goes before that of the .changes
            series: Some(ppa.series.clone().unwrap_or_else(|| package.distribution.clone())),
        })
        .collect();
    let ppa: Ppa = ppa.to_string().parse()?;
    let client = Client::new(context.config.launchpad(), context.fetching(), &context.printer)?;
    let clock = SystemClock::start();
    let outcome = launchpad::wait(&client, &ppa, &expected, &args.waiting.options(&clock), &context.printer)?;
    for recipe in recipes.iter().filter(|recipe| recipe.exists()) {
        remember(recipe, sent, target, &Service::ppa(&client, &ppa)?, context)?;
    }
    Ok(outcome)
}

/// The lock learns of the packages whose versions it gave.
fn remember(
    path: &Path,
    sent: &[Prepared],
    target: &Target,
    service: &Service,
    context: &Context,
) -> Result<(), Failure> {
    let file = if path.is_dir() { path.join("recipe.toml") } else { path.to_path_buf() };
    let path = Lock::path_for(&file);
    let mut lock = Lock::load(&path)?;
    let recipe = recipe::load(&file)?;
    let name = recipe.root().text("name").map(|name| name.value.clone()).unwrap_or_default();
    let is_its = |package: &&Prepared| package.source.starts_with(&name) && lock.has_given(&package.version);
    let version = |package: &Prepared| Some((package.source.clone(), Version::parse(&package.version).ok()?));
    let wanted: Vec<(String, Version)> = sent.iter().filter(is_its).filter_map(version).collect();
    if memory::remember_origs(&mut lock, &target.identity, &wanted, service)? && lock.save(&path)? {
        context.printer.status("Updated", &path.display().to_string());
    }
    Ok(())
}
