//! From the upload to publication, for all recipes of a level at once, and what
//! the locks learn from it.

use super::Options;
use super::decide::{Work, expected};
use super::report::{Outcome, Step};
use crate::diagnostic::Failure;
use crate::launchpad::{self, End, Expected, Ppa, WaitOptions};
use crate::listener::Listener;
use crate::lock::Lock;
use crate::memory;

/// Waits for what was uploaded and what is awaited. What is not for a PPA is
/// done with the upload.
pub fn wait(works: &mut [&mut Work], options: &Options, listener: &dyn Listener) {
    let (Some(waiting), false) = (options.wait, options.dry_run) else { return };
    let mut ppas: Vec<Ppa> = Vec::new();
    for (ppa, _) in works.iter().filter_map(|work| work.to.as_ref()?.ppa.as_ref()) {
        if !ppas.contains(ppa) {
            ppas.push(ppa.clone());
        }
    }
    for ppa in ppas {
        let mut here: Vec<&mut Work> = works
            .iter_mut()
            .filter(|work| work.to.as_ref().and_then(|to| to.ppa.as_ref()).is_some_and(|(other, _)| *other == ppa))
            .map(|work| &mut **work)
            .collect();
        wait_for(&ppa, &mut here, waiting, options, listener);
    }
}

fn wait_for(ppa: &Ppa, works: &mut [&mut Work], waiting: &WaitOptions, options: &Options, listener: &dyn Listener) {
    let awaited: Vec<Expected> = works.iter().flat_map(|work| awaited(work)).collect();
    if awaited.is_empty() {
        return;
    }
    match launchpad::wait(options.client, ppa, &awaited, waiting, listener) {
        Ok(outcome) => works.iter_mut().for_each(|work| conclude(work, &outcome, ppa, listener)),
        Err(failure) => {
            for work in works.iter_mut() {
                fail(work, &failure);
            }
        }
    }
    for work in works.iter_mut() {
        if let Err(failure) = remember(work) {
            work.report.failures.push(failure);
        }
    }
}

fn is_awaited(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Uploaded | Outcome::Awaited(_))
}

fn awaited(work: &Work) -> Vec<Expected> {
    let both = work.targets.iter().zip(&work.report.packages);
    both.filter(|(_, package)| is_awaited(&package.outcome)).map(|(target, _)| expected(target)).collect()
}

fn conclude(work: &mut Work, outcome: &launchpad::Outcome, ppa: &Ppa, listener: &dyn Listener) {
    for (target, package) in work.targets.iter().zip(&mut work.report.packages) {
        let expected = expected(target);
        let Some(ended) = outcome.ended.iter().find(|ended| ended.expected == expected) else { continue };
        let one = launchpad::Outcome { ended: vec![ended.clone()] };
        package.outcome = match (ended.end, one.failures(ppa).pop()) {
            (End::Published, _) | (_, None) => {
                listener.done("Published", &format!("{expected} in {ppa}"));
                Outcome::Published
            }
            (_, Some(failure)) => Outcome::Failed(Step::Wait, failure),
        };
    }
}

fn fail(work: &mut Work, failure: &Failure) {
    for package in work.report.packages.iter_mut().filter(|package| is_awaited(&package.outcome)) {
        package.outcome = Outcome::Failed(Step::Wait, failure.clone());
    }
}

/// The lock learns which orig files the archive has now.
fn remember(work: &Work) -> Result<(), Failure> {
    let Some(to) = &work.to else { return Ok(()) };
    let Some((_, service)) = &to.ppa else { return Ok(()) };
    service.forget();
    let path = Lock::path_for(&work.recipe);
    let mut lock = Lock::load(&path)?;
    let there = |target: &crate::plan::Target| (target.name.clone(), target.version.clone());
    let wanted: Vec<_> = work.targets.iter().map(there).collect();
    if memory::remember_origs(&mut lock, &to.target.identity, &wanted, service)? {
        lock.save(&path)?;
    }
    Ok(())
}
