//! From what is to be done to what was sent: build, check, test, upload. A
//! package that fails in one step is left out of the next ones.

use std::path::PathBuf;
use std::time::Duration;

use super::Options;
use super::decide::{To, Work, changes_path, settled};
use super::report::{Outcome, Package, Step};
use crate::build::{self, OrigPolicy};
use crate::check::holdings::{Holdings, Unknown};
use crate::check::{self, Level};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::listener::Listener;
use crate::lock::Lock;
use crate::memory::Archives;
use crate::plan;
use crate::recipe::Selector;
use crate::sandbox::{self, source::SourcePackage};
use crate::sign::Signer;
use crate::upload::journal::since;
use crate::upload::prepare::{self, Prepared, Verdict};
use crate::upload::{self, Outcome as Sent};

/// Takes a recipe's packages as far as the upload.
pub fn advance(work: &mut Work, options: &Options, listener: &dyn Listener) {
    if options.dry_run {
        return;
    }
    settle(work, options, listener);
    if !work.report.packages.iter().any(is_pending) {
        return;
    }
    let Some(signer) = options.signer else {
        let diagnostic =
            Diagnostic::error("no-key", "nothing can be uploaded without a signature, and no key is named");
        let hint = "set PKGR_SIGNING_KEY, or name one with --key or in config.toml";
        return work.report.failures.push(Failure::new(Kind::Usage, diagnostic.hint(hint)));
    };
    let Some(to) = work.to.take() else { return };
    if build(work, &to, signer, options, listener) {
        each_pending(work, Step::Check, |number, work| check(work, number, &to, options, listener));
        if let Some(testing) = options.test {
            each_pending(work, Step::Test, |number, work| test(work, number, testing, options, listener));
        }
        send(work, &to, options, listener);
    }
    work.to = Some(to);
}

fn is_pending(package: &Package) -> bool {
    matches!(package.outcome, Outcome::Pending(_))
}

fn pending(work: &Work) -> Vec<usize> {
    let packages = work.report.packages.iter().enumerate();
    packages.filter(|(_, package)| is_pending(package)).map(|(number, _)| number).collect()
}

fn set(work: &mut Work, number: usize, outcome: Outcome) {
    if let Some(package) = work.report.packages.get_mut(number) {
        package.outcome = outcome;
    }
}

/// Waits until it is known of every upload that a killed run began whether it
/// arrived: sent again too early, a version would be sent twice.
fn settle(work: &mut Work, options: &Options, listener: &dyn Listener) {
    let begun = |package: &Package| match package.outcome {
        Outcome::Unsettled(at) => Some(at),
        _ => None,
    };
    let interval = options.sending.asking.map_or(options.acceptance, |asking| asking.interval);
    let mut is_told = false;
    while let Some(at) = work.report.packages.iter().filter_map(begun).max() {
        if let Err(failure) = settled(work, options) {
            return work.report.failures.push(failure);
        }
        if !work.report.packages.iter().any(|package| begun(package).is_some()) {
            return;
        }
        let rest = options.acceptance.saturating_sub(since(at));
        if !is_told {
            let message = format!("{}: an upload begun on {at} may have arrived", work.recipe.display());
            let why = format!("asking {}, for up to {} s", work.report.target, rest.as_secs());
            listener.tell(Diagnostic::note("upload-unsettled", message).because(why));
            is_told = true;
        }
        options.sending.clock.sleep(rest.min(interval).max(Duration::from_millis(10)));
    }
}

/// Returns whether anything was built.
fn build(work: &mut Work, to: &To, signer: &Signer, options: &Options, listener: &dyn Listener) -> bool {
    let numbers = pending(work);
    let series = numbers.iter().filter_map(|number| work.targets.get(*number)).map(|target| target.series.clone());
    let only = Selector::of_series(series.collect());
    let archives = to.ppa.as_ref().zip(to.primary.as_ref()).map(|((_, ppa), primary)| Archives {
        identity: &to.target.identity,
        ppa,
        primary,
        client: options.client,
    });
    let learn = |lock: &mut Lock, targets: &[plan::Target]| match &archives {
        Some(archives) => archives.learn_origs(lock, targets, listener),
        None => Ok(()),
    };
    let building = build::Options {
        prepare: build::prepare::Options {
            only: Some(&only),
            author: options.author.clone(),
            now: options.now.clone(),
            fetch: options.fetch.clone(),
            jobs: options.jobs,
        },
        output: options.output,
        orig: OrigPolicy::Auto,
        archive: Some(&to.target.identity),
        learn: Some(&learn),
        keep_going: true,
        keep_tree: false,
        signer: Some(signer),
    };
    let outcome = match build::build(&work.recipe, &building, listener) {
        Ok(outcome) => outcome,
        Err(failure) => {
            // it holds for all targets, and is told once
            work.report.failures.push(failure);
            return false;
        }
    };
    let is_built = |target: &plan::Target| {
        let version = target.version.to_string();
        outcome
            .built
            .iter()
            .any(|built| built.name == target.name && built.version == version && built.series == target.series.name)
    };
    let mut failures = outcome.failures.iter().cloned();
    for number in numbers {
        let Some(target) = work.targets.get(number) else { continue };
        if !is_built(target) {
            let failure = failures.next().unwrap_or_else(|| not_built(target));
            set(work, number, Outcome::Failed(Step::Build, failure));
        }
    }
    true
}

fn not_built(target: &plan::Target) -> Failure {
    let message = format!("{} {} for {} was not built", target.name, target.version, target.series);
    Failure::recipe(Diagnostic::error("not-built", message))
}

/// Does a step for every package that is still to be sent.
fn each_pending(work: &mut Work, step: Step, mut one: impl FnMut(usize, &Work) -> Result<(), Failure>) {
    for number in pending(work) {
        if let Err(failure) = one(number, work) {
            set(work, number, Outcome::Failed(step, failure));
        }
    }
}

fn changes_of(work: &Work, number: usize, options: &Options) -> PathBuf {
    work.targets.get(number).map(|target| changes_path(target, options)).unwrap_or_default()
}

/// What the archive would say.
fn check(work: &Work, number: usize, to: &To, options: &Options, listener: &dyn Listener) -> Result<(), Failure> {
    let unknown = Unknown::new("the target");
    let (ppa, primary): (&dyn Holdings, &dyn Holdings) = match &to.ppa {
        Some((_, service)) => (service.as_ref(), to.primary.as_deref().map_or(&unknown as _, |primary| primary as _)),
        None => (&unknown, &unknown),
    };
    let checking = check::Options {
        archive: if to.ppa.is_some() { options.archive } else { options.archive.or(Some(check::Archive::None)) },
        path: to.target.rules.ppa.as_ref().map(|ppa| ppa.folder()),
        ppa,
        primary,
        keys: options.keys,
        require_signature: false,
        now: std::time::SystemTime::now(),
        jobs: options.jobs,
    };
    let report = check::package(&changes_of(work, number, options), &checking)?;
    let mut rejected = Vec::new();
    for finding in &report.findings {
        match finding.rule.level {
            Level::Rejected => rejected.push(finding.to_diagnostic()),
            Level::Warning => listener.tell(finding.to_diagnostic()),
            Level::Note => {}
        }
    }
    if rejected.is_empty() { Ok(()) } else { Err(Failure { kind: Kind::Recipe, diagnostics: rejected }) }
}

/// Binaries in a clean root of the series, installed and tried.
fn test(
    work: &Work,
    number: usize,
    testing: &sandbox::Options,
    options: &Options,
    listener: &dyn Listener,
) -> Result<(), Failure> {
    let Some(target) = work.targets.get(number) else { return Ok(()) };
    let dsc = options.output.join(format!("{}_{}.dsc", target.name, target.version.without_epoch()));
    let package = SourcePackage::open(&dsc)?;
    let report = sandbox::test(&package, &target.series, testing, listener)?;
    crate::diagnostic::all(report.failures.into_iter().map(Err::<(), Failure>)).map(|_| ())
}

fn send(work: &mut Work, to: &To, options: &Options, listener: &dyn Listener) {
    let numbers = pending(work);
    let paths: Vec<PathBuf> = numbers.iter().map(|number| changes_of(work, *number, options)).collect();
    let preparing = prepare::Options {
        signer: None,
        certs: options.keys.certs(),
        jobs: options.jobs,
        today: options.today,
        // decided above, by what the PPA itself says
        force: true,
        dry_run: false,
        named: true,
    };
    let mut ready: Vec<Prepared> = Vec::new();
    for (number, (_, verdict)) in numbers.iter().zip(prepare::prepare(&paths, &to.target, &preparing, listener)) {
        match verdict {
            Verdict::Ready(prepared) => ready.push(prepared),
            Verdict::Skipped(why) => set(work, *number, Outcome::Skipped(why)),
            Verdict::Refused(failure) => set(work, *number, Outcome::Failed(Step::Upload, failure)),
        }
    }
    for done in upload::upload(&ready, &to.target, options.sending, listener).uploads {
        let about = format!("{} {} for {}", done.source, done.version, done.distribution);
        let Some(number) = paths.iter().position(|path| *path == done.changes).and_then(|at| numbers.get(at)) else {
            continue;
        };
        let outcome = match done.outcome {
            Sent::Sent { way, .. } => {
                listener.done("Uploaded", &format!("{about} to {way}"));
                Outcome::Uploaded
            }
            Sent::Already(_) => Outcome::Awaited("uploaded before, and not accepted yet".into()),
            Sent::Failed(failure) => Outcome::Failed(Step::Upload, failure),
        };
        set(work, *number, outcome);
    }
}
