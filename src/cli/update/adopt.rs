//! `pkgr update --to`: what a PPA, and Ubuntu's own archive, hold of a recipe's
//! packages, written into its lock.

use std::path::Path;

use crate::check::service::Service;
use crate::cli::Context;
use crate::cli::config::date_of_new_entry;
use crate::diagnostic::Failure;
use crate::follow::Update;
use crate::launchpad::{Client, Ppa};
use crate::lock::Lock;
use crate::memory::{self, Archives};
use crate::plan::{self, EvaluateOptions};
use crate::recipe;

/// The archives that are asked.
pub struct Adopted<'c> {
    identity: String,
    ppa: Service<'c>,
    primary: Service<'c>,
    client: &'c Client<'c>,
}

impl<'c> Adopted<'c> {
    /// Fails where there is no such PPA, or Launchpad does not answer.
    pub fn new(client: &'c Client<'c>, ppa: &Ppa) -> Result<Adopted<'c>, Failure> {
        let identity = format!("ppa:{}/{}/{}", ppa.owner, ppa.distribution, ppa.name);
        let primary = Service::primary(client, &ppa.distribution)?;
        Ok(Adopted { identity, ppa: Service::ppa(client, ppa)?, primary, client })
    }

    /// Brings the lock of a recipe up to date with them, and says what is new.
    pub fn adopt(&self, update: &mut Update, recipe: &Path, context: &Context) -> Result<Vec<String>, Failure> {
        let recipe = recipe::load(recipe)?;
        let options = EvaluateOptions { only: None, author: context.config.author(), now: date_of_new_entry()? };
        let planned = |lock: &Lock| plan::evaluate(&recipe, lock, &options).map(|plan| plan.targets);
        let before = update.lock().clone();
        let mut sources: Vec<String> = planned(&before)?.into_iter().map(|target| target.name).collect();
        sources.sort();
        sources.dedup();
        memory::adopt(update.lock_mut(), &self.identity, &sources, &self.ppa)?;
        // versions that are taken move those that are planned
        let targets = planned(update.lock())?;
        let archives =
            Archives { identity: &self.identity, ppa: &self.ppa, primary: &self.primary, client: self.client };
        archives.learn_origs(update.lock_mut(), &targets, &context.printer)?;
        Ok(news(&before, update.lock()))
    }
}

/// One line for each thing that the lock knows now and did not know.
fn news(before: &Lock, after: &Lock) -> Vec<String> {
    let taken = after.taken.iter().filter(|taken| !before.taken.contains(taken));
    let published = after.published.iter().filter(|file| !before.published.contains(file));
    let taken = taken.map(|taken| format!("{} {} {}: taken", taken.series, taken.archive, taken.version));
    let published = published.map(|file| format!("{} {}: published, sha256 {}", file.archive, file.file, file.sha256));
    let pins = after.sources.iter().filter(|pin| pin.published.is_some() && !before.sources.contains(pin));
    let pins = pins.map(|pin| format!("{}: as published, sha256 {}", pin.from, pin.sha256));
    taken.chain(published).chain(pins).collect()
}
