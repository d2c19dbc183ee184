//! `pkgr update --to`: what a PPA, and Ubuntu's own archive, hold of a recipe's
//! packages, written into its lock.

use std::path::Path;

use crate::check::holdings::Holdings;
use crate::check::service::Service;
use crate::cli::Context;
use crate::cli::config::date_of_new_entry;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure};
use crate::follow::Update;
use crate::launchpad::{Client, Ppa};
use crate::listener::Listener;
use crate::lock::{Lock, PRIMARY};
use crate::memory::{self, Differing};
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
        let wanted: Vec<(String, Version)> =
            targets.iter().map(|target| (target.name.clone(), target.version.clone())).collect();
        memory::remember_origs(update.lock_mut(), &self.identity, &wanted, &self.ppa)?;
        memory::remember_origs(update.lock_mut(), PRIMARY, &wanted, &self.primary)?;
        for archive in [&self.ppa, &self.primary] {
            let differing = memory::differing(update.lock(), &targets, archive, self.client)?;
            differing.iter().for_each(|file| context.printer.tell(said(file, &archive.display_name())));
        }
        Ok(news(&before, update.lock()))
    }
}

/// Published bytes that are not the recipe's, and how to take them.
fn said(file: &Differing, archive: &str) -> Diagnostic {
    let message = format!("{archive} has published {} with other bytes than {} has", file.file, file.source);
    let warning = Diagnostic::warning("published-differs", message);
    let warning = match file.is_same_tree {
        Some(true) => warning.because("both unpack to the same tree: only how they are packed differs"),
        Some(false) => warning.because("they do not unpack to the same tree"),
        None => warning,
    };
    warning
        .hint(format!("to take the published bytes: `url = \"{}\"` in that [[source]]", file.url))
        .hint("to publish others, give them another version, e.g. `version = \"1.0+repack1\"`")
}

/// One line for each thing that the lock knows now and did not know.
fn news(before: &Lock, after: &Lock) -> Vec<String> {
    let taken = after.taken.iter().filter(|taken| !before.taken.contains(taken));
    let published = after.published.iter().filter(|file| !before.published.contains(file));
    let taken = taken.map(|taken| format!("{} {} {}: taken", taken.series, taken.archive, taken.version));
    let published = published.map(|file| format!("{} {}: published, sha256 {}", file.archive, file.file, file.sha256));
    taken.chain(published).collect()
}
