//! Proves a source package: its binaries are built in a clean root of its
//! series, installed into another clean root, and tested there.
//!
//! The engines are existing ones: sbuild, or mmdebstrap with unshare(1)
//! ([`engine`]). `roots` caches the roots, one with build-essential and one
//! without, for a package must not find in its test what only its build needs.
//! [`autopkgtest`] turns debian/tests/control into [`scenario::Scenario`]s,
//! lists of steps after an installation; `nginx` has those that every package of
//! nginx modules goes through.
//!
//! Nothing that a package brings ever has a network but its own loopback: what
//! it depends on is downloaded before (`download`), and even installed without
//! (`namespace`). The archive is asked once for all scenarios, each of which starts
//! from a copy of that root.
//! A `workspace` vanishes with this process, however that ends.
//!
//! Does not make source packages, and knows nothing of recipes.

pub mod autopkgtest;
mod download;
pub mod engine;
mod error;
mod log;
pub mod machine;
pub mod mirror;
mod namespace;
mod nginx;
mod roots;
pub mod scenario;
pub mod source;
mod workspace;

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::cache::Cache;
use crate::files;
use crate::listener::Listener;
use crate::series::Series;
use engine::{Backend, Engine, Request};
pub use error::{SandboxError, Told};
use log::Log;
use mirror::Mirrors;
use namespace::Namespace;
use roots::{Purpose, Roots};
use scenario::{Outcome, Verdict};
use source::SourcePackage;
use workspace::Workspace;

/// How to test.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which engine builds.
    pub backend: Backend,
    /// Debian's name of the architecture; the machine's where `None`.
    pub architecture: Option<String>,
    /// Open a shell where a step failed, on this process's terminal.
    pub shell_on_failure: bool,
    /// Leave the roots, the tree and the packages.
    pub keep: bool,
    /// pkgr's cache folder instead of XDG's.
    pub cache: Option<PathBuf>,
    /// Where packages of the series come from.
    pub mirrors: Mirrors,
    /// `parallel=` of DEB_BUILD_OPTIONS.
    pub jobs: usize,
}

/// What became of one source package.
#[derive(Debug, Clone)]
pub struct Report {
    /// Source package name.
    pub source: String,
    /// Full version.
    pub version: String,
    /// The architecture it was built for.
    pub architecture: String,
    /// File names of the binary packages, sorted.
    pub packages: Vec<String>,
    /// What was run after the build, in its order.
    pub steps: Vec<Outcome>,
    /// Everything that was said, from the root to the last test.
    pub log: PathBuf,
    /// The folder that was kept.
    pub kept: Option<PathBuf>,
    /// Why it failed; several steps may have.
    pub failures: Vec<Failure>,
}

/// Whether this machine can test at all: architecture, programs, namespaces.
/// Makes nothing but a namespace that ends at once.
pub fn ready(backend: Backend, architecture: Option<&str>) -> Result<(), Failure> {
    let architecture = machine::architecture(architecture)?;
    machine::require(backend.engine().programs())?;
    Namespace::new(&architecture)?;
    Ok(())
}

/// Builds, installs and tests one source package for a series.
///
/// An error means that nothing could be tried (no engine, no mirror, not a
/// source package); a package that is wrong is a [`Report`] with failures.
pub fn test(
    package: &SourcePackage,
    series: &Series,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Report, Failure> {
    let architecture = machine::architecture(options.architecture.as_deref())?;
    package.check_architecture(&architecture)?;
    let engine = options.backend.engine();
    machine::require(engine.programs())?;
    let cache = Cache::new(options.cache.clone())?;
    let roots = Roots::new(cache.root(), &options.mirrors, listener);
    let namespace = Namespace::new(&architecture)?;

    let log_name = format!("{}_{}_{architecture}.log", package.name, package.version.without_epoch());
    let mut log = Log::create(&cache.root().join("logs").join(log_name))?;
    let build_root = roots.get(series, &architecture, Purpose::Build, &mut log)?;
    let test_root = roots.get(series, &architecture, Purpose::Test, &mut log)?;
    let workspace = Workspace::new(cache.root(), &namespace)?;
    package.copy_to(&workspace.shared().join("source-package"))?;

    let mut job = Job { package, series, options, namespace, workspace, log, listener };
    let mut report = Report {
        source: package.name.clone(),
        version: package.version.to_string(),
        architecture,
        packages: Vec::new(),
        steps: Vec::new(),
        log: job.log.path().to_path_buf(),
        kept: None,
        failures: Vec::new(),
    };
    if let Err(failure) = job.run(engine.as_ref(), &build_root, &test_root, &mut report) {
        report.failures.push(failure);
    }
    download::tell(&job.workspace, series, listener);
    if options.keep {
        report.kept = Some(job.workspace.keep());
    }
    Ok(report)
}

/// One package under test.
struct Job<'a> {
    package: &'a SourcePackage,
    series: &'a Series,
    options: &'a Options,
    namespace: Namespace,
    workspace: Workspace,
    log: Log,
    listener: &'a dyn Listener,
}

impl Job<'_> {
    fn run(
        &mut self,
        engine: &dyn Engine,
        build_root: &std::path::Path,
        test_root: &std::path::Path,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let what = format!("building {} {} for {}", report.source, report.version, self.series);
        let built = self.told(&what, |job| {
            engine.build(&mut Request {
                series: job.series,
                architecture: &report.architecture,
                dsc: &job.package.file_name,
                root: build_root,
                namespace: &job.namespace,
                workspace: &job.workspace,
                log: &mut job.log,
                jobs: job.options.jobs,
                shell_on_failure: job.options.shell_on_failure,
            })
        })?;
        report.packages = built.iter().map(|deb| deb.file_name.clone()).collect();
        let control = self.workspace.shared().join("source/debian/tests/control");
        let control = if control.is_file() { Some(files::read(&control)?) } else { None };
        let mut scenarios = nginx::scenarios(&self.workspace.shared().join("debs"), &built)?;
        scenarios.extend(autopkgtest::scenarios(control.as_deref(), &built, &scenarios, &report.architecture)?);
        let test_root = scenario::prepare(test_root, &self.namespace, &self.workspace, &mut self.log)?;
        for scenario in &scenarios {
            let what = format!("testing {} {} for {}: {}", report.source, report.version, self.series, scenario.name);
            let outcomes = self.told(&what, |job| {
                let mut place = scenario::Place {
                    root: &test_root,
                    namespace: &job.namespace,
                    workspace: &job.workspace,
                    log: &mut job.log,
                    shell_on_failure: job.options.shell_on_failure,
                };
                scenario::run(scenario, &mut place)
            })?;
            for outcome in outcomes {
                self.judge(&outcome, report);
                report.steps.push(outcome);
            }
        }
        Ok(())
    }

    /// Does something with its name on the progress bar.
    fn told<T>(&mut self, what: &str, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.listener.started(what, None);
        self.listener.detail(what);
        let result = work(self);
        self.listener.finished(what);
        result
    }

    fn judge(&self, outcome: &Outcome, report: &mut Report) {
        let about = format!("{} {} on {}", report.source, report.version, self.series);
        match &outcome.verdict {
            Verdict::Passed => self.listener.detail(&format!("{about}: {} passed", outcome.name)),
            Verdict::Skipped(why) => {
                let message = format!("{about}: {} was skipped: {why}", outcome.name);
                self.listener.tell(Diagnostic::note("test-skipped", message));
            }
            Verdict::Tolerated(why) => {
                let message = format!("{about}: {} failed, and is declared flaky: {why}", outcome.name);
                self.listener.tell(Diagnostic::warning("flaky-test-failed", message));
            }
            Verdict::Failed(why) => report.failures.push(
                SandboxError::Step {
                    about,
                    step: outcome.name.clone(),
                    why: why.clone(),
                    told: Box::new(Told { output: outcome.output.clone(), log: self.log.path().to_path_buf() }),
                }
                .into(),
            ),
        }
    }
}
