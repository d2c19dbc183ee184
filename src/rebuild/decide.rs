//! One recipe: what it plans, and what its target has of that.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::report::{Outcome, Package, RecipeReport, Step};
use super::standing::{self, Standing};
use super::{Options, Services, is_done};
use crate::check::service::Service;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure};
use crate::follow::{Update, life};
use crate::launchpad::{
    BuildSetStatus, BuildSummaries, End, Ended, Expected, PackageState, Ppa, PublishingStatus, SourcePublication,
};
use crate::listener::Listener;
use crate::memory;
use crate::plan::{self, EvaluateOptions};
use crate::recipe;
use crate::series::Distro;
use crate::upload::journal::since;
use crate::upload::target::Target;

/// A recipe under way.
pub struct Work<'a> {
    /// The recipe.toml.
    pub recipe: PathBuf,
    /// What it plans; one for each package of the report, in the same order.
    pub targets: Vec<plan::Target>,
    /// Where it goes; `None` where that failed.
    pub to: Option<To<'a>>,
    /// What is known so far.
    pub report: RecipeReport,
}

/// Where the packages go.
pub struct To<'a> {
    /// The target of the upload.
    pub target: Target,
    /// The PPA that it is.
    pub ppa: Option<(Ppa, Rc<Service<'a>>)>,
    /// The archive that a PPA builds upon; asked only where there is something to do.
    pub primary: Option<Rc<Service<'a>>>,
}

impl<'a> Work<'a> {
    /// Plans, and asks the target. What fails is in the report.
    pub fn new(
        recipe: &std::path::Path,
        update: Result<Update, Failure>,
        options: &Options<'a>,
        services: &Services<'a>,
        listener: &dyn Listener,
    ) -> Work<'a> {
        let report = RecipeReport { recipe: recipe.to_path_buf(), ..RecipeReport::default() };
        let mut work = Work { recipe: recipe.to_path_buf(), targets: Vec::new(), to: None, report };
        if let Err(failure) = update.and_then(|update| work.plan(update, options, services, listener)) {
            work.targets.clear();
            work.report.packages.clear();
            work.report.failures.push(failure);
        }
        work
    }

    fn plan(
        &mut self,
        mut update: Update,
        options: &Options<'a>,
        services: &Services<'a>,
        listener: &dyn Listener,
    ) -> Result<(), Failure> {
        self.report.changes = update.changes.clone();
        let recipe = recipe::load(&self.recipe)?;
        life::life(&recipe, options.series, options.today).into_iter().for_each(|said| listener.tell(said));
        let evaluation = EvaluateOptions { only: None, author: options.author.clone(), now: options.now.clone() };
        let mut plan = plan::evaluate(&recipe, update.lock(), &evaluation)?;
        let target = (options.target)(&recipe)?;
        self.report.target = target.name.clone();
        let ppa = match &target.rules.ppa {
            Some(ppa) => {
                let ppa: Ppa = ppa.to_string().parse()?;
                Some((ppa.clone(), services.ppa(options.client, &ppa)?))
            }
            None => None,
        };
        if let Some((_, service)) = &ppa {
            let mut sources: Vec<String> = plan.targets.iter().map(|target| target.name.clone()).collect();
            sources.sort();
            sources.dedup();
            if memory::adopt(update.lock_mut(), &target.identity, &sources, service)? {
                plan = plan::evaluate(&recipe, update.lock(), &evaluation)?;
            }
            let planned = planned(&plan.targets);
            memory::remember_origs(update.lock_mut(), &target.identity, &planned, service)?;
        }
        self.targets = plan.targets;
        let mut to = To { target, ppa, primary: None };
        self.report.packages = packages(&self.targets, &to, options)?;
        if let (Some(_), true) = (&to.ppa, self.is_anything_to_do()) {
            let primary = services.primary(options.client)?;
            memory::remember_origs(update.lock_mut(), crate::lock::PRIMARY, &planned(&self.targets), &primary)?;
            to.primary = Some(primary);
        }
        self.to = Some(to);
        if !options.dry_run && update.save()? {
            let lock = crate::lock::Lock::path_for(&self.recipe);
            listener.done("Updated", &lock.display().to_string());
        }
        Ok(())
    }

    fn is_anything_to_do(&self) -> bool {
        self.report.packages.iter().any(|package| matches!(package.outcome, Outcome::Pending(_)))
    }

    /// Leaves what would have to be done.
    pub fn postpone(&mut self, why: &str) {
        for package in &mut self.report.packages {
            if let Outcome::Pending(reason) = &mut package.outcome {
                *reason = why.to_string();
            }
        }
    }

    /// Whether what others build-depend on can be installed by them.
    pub fn is_published(&self) -> bool {
        let goes_nowhere_else = self.to.as_ref().is_some_and(|to| to.ppa.is_none());
        let done = |package: &Package| {
            is_done(&package.outcome) || (goes_nowhere_else && matches!(package.outcome, Outcome::Uploaded))
        };
        self.report.failures.is_empty() && self.report.packages.iter().all(done)
    }

    /// What there is to say.
    pub fn into_report(self) -> RecipeReport {
        self.report
    }
}

fn planned(targets: &[plan::Target]) -> Vec<(String, Version)> {
    targets.iter().map(|target| (target.name.clone(), target.version.clone())).collect()
}

/// The .changes of a target in the folder of packages.
pub fn changes_path(target: &plan::Target, options: &Options) -> PathBuf {
    options.output.join(format!("{}_{}_source.changes", target.name, target.version.without_epoch()))
}

fn packages(targets: &[plan::Target], to: &To, options: &Options) -> Result<Vec<Package>, Failure> {
    let shown: Vec<Option<SourcePublication>> =
        targets.iter().map(|target| shown(target, to)).collect::<Result<_, _>>()?;
    let summaries = match &to.ppa {
        Some((_, service)) => service.build_summaries(&shown.iter().flatten().collect::<Vec<_>>())?,
        None => BuildSummaries::default(),
    };
    let one = |(target, shown): (&plan::Target, &Option<SourcePublication>)| {
        let outcome = match shown {
            Some(publication) => of_publication(publication, &summaries, target, to),
            None => outcome(target, to, options)?,
        };
        Ok(Package {
            source: target.name.clone(),
            series: target.series.name.clone(),
            version: target.version.to_string(),
            reason: target.changelog.first().map(reason).unwrap_or_default(),
            outcome,
        })
    };
    targets.iter().zip(&shown).map(one).collect()
}

/// The first change of an entry, without its bullet.
fn reason(entry: &crate::deb::changelog::Entry) -> String {
    entry.changes.first().map(|line| line.trim_start_matches("* ").to_string()).unwrap_or_default()
}

/// The version's publication in the PPA: in its own series, else in any other,
/// for no series can have it again.
fn shown(target: &plan::Target, to: &To) -> Result<Option<SourcePublication>, Failure> {
    let Some((_, service)) = &to.ppa else { return Ok(None) };
    let version = target.version.to_string();
    let mut found = service.publications(&target.name)?;
    found.retain(|publication| publication.source_package_version == version);
    let here = found.iter().position(|publication| publication.series() == target.series.name);
    Ok(match here {
        Some(at) => Some(found.swap_remove(at)),
        None => found.into_iter().next(),
    })
}

/// What the PPA shows of a version that it has.
fn of_publication(
    publication: &SourcePublication,
    summaries: &BuildSummaries,
    target: &plan::Target,
    to: &To,
) -> Outcome {
    let summary = publication.id().and_then(|id| summaries.get(&id)).map(|summary| &summary.status);
    match (&publication.status, summary) {
        (PublishingStatus::Pending | PublishingStatus::Published, Some(BuildSetStatus::Failed)) => {
            let name = format!("{} {}", target.name, target.version);
            let diagnostic = Diagnostic::error("build-failed", format!("{name} was accepted, and failed to build"))
                .hint(format!("pkgr status {} shows the end of the log", to.target.name))
                .hint("where the builder was at fault, retry the build on Launchpad; else raise the version");
            Outcome::Failed(Step::Wait, Failure::new(crate::diagnostic::Kind::Remote, diagnostic))
        }
        (PublishingStatus::Pending, _) => Outcome::Awaited("accepted, and not published yet".into()),
        (PublishingStatus::Published, Some(BuildSetStatus::NeedsBuild | BuildSetStatus::Building)) => {
            Outcome::Awaited("accepted, and not built yet".into())
        }
        (PublishingStatus::Published, Some(BuildSetStatus::BuiltPending)) => {
            Outcome::Awaited("built, and not published yet".into())
        }
        _ => Outcome::Current,
    }
}

/// What becomes of a version that the target does not show.
fn outcome(target: &plan::Target, to: &To, options: &Options) -> Result<Outcome, Failure> {
    if let Some(why) = not_for(target, to, options.today)? {
        return Ok(Outcome::Skipped(why));
    }
    let standing = standing::of_journal(&changes_path(target, options), &to.target.identity)?;
    Ok(match (standing, &to.ppa) {
        (Standing::New, _) | (Standing::Unsettled(_), None) => Outcome::Pending("to be built and uploaded".into()),
        (Standing::Sent(_), None) => Outcome::Current,
        (Standing::Unsettled(at), Some(_)) if since(at) < options.acceptance => Outcome::Unsettled(at),
        (Standing::Unsettled(_), Some(_)) => Outcome::Pending("to be built and uploaded".into()),
        (Standing::Sent(at), Some(_)) if since(at) < options.acceptance => {
            Outcome::Awaited(format!("uploaded at {at}, and not accepted yet"))
        }
        (Standing::Sent(at), Some((ppa, _))) => not_accepted(target, ppa, since(at)),
    })
}

fn not_accepted(target: &plan::Target, ppa: &Ppa, passed: Duration) -> Outcome {
    let expected = expected(target);
    let state = PackageState {
        source: expected.source.clone(),
        version: expected.version.clone(),
        series: target.series.name.clone(),
        status: None,
        accepted: None,
        replaces: None,
        architectures: vec![],
    };
    let ended = Ended { expected, state, end: End::NotAccepted(passed) };
    match (crate::launchpad::Outcome { ended: vec![ended] }).failures(ppa).pop() {
        Some(failure) => Outcome::Failed(Step::Wait, failure),
        None => Outcome::Current,
    }
}

/// Looks again at the packages whose upload may have arrived.
pub fn settled(work: &mut Work, options: &Options) -> Result<(), Failure> {
    let Some(to) = &work.to else { return Ok(()) };
    if let Some((_, service)) = &to.ppa {
        service.forget();
    }
    for (target, package) in work.targets.iter().zip(&mut work.report.packages) {
        if matches!(package.outcome, Outcome::Unsettled(_)) {
            package.outcome = match shown(target, to)? {
                Some(_) => Outcome::Awaited("accepted".into()),
                None => outcome(target, to, options)?,
            };
        }
    }
    Ok(())
}

/// What is waited for.
pub fn expected(target: &plan::Target) -> Expected {
    Expected {
        source: target.name.clone(),
        version: target.version.to_string(),
        series: Some(target.series.name.clone()),
    }
}

/// Why a target does not go there, if it does not.
fn not_for(target: &plan::Target, to: &To, today: &str) -> Result<Option<String>, Failure> {
    let Some((ppa, service)) = &to.ppa else { return Ok(None) };
    if target.series.distro != Distro::Ubuntu {
        return Ok(Some("a PPA takes series of Ubuntu".into()));
    }
    if ppa.series.as_ref().is_some_and(|only| *only != target.series.name) {
        return Ok(Some(format!("{ppa} is of another series")));
    }
    if target.series.is_dead(today) && !service.takes_obsolete_series() {
        return Ok(Some(format!("{} takes no uploads any more: take it out of `series`", target.series)));
    }
    Ok(None)
}
