//! A scenario: packages installed into a new root, then steps one after the
//! other in it, while what the installation started goes on running.

use std::path::{Path, PathBuf};

use super::download::{FUNCTION, NOT_SATISFIABLE};
use super::error::SandboxError;
use super::log::{Log, last_lines};
use super::namespace::{Namespace, Network, Script};
use super::workspace::Workspace;
use crate::diagnostic::Failure;

/// What is installed, and what is done then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// For messages.
    pub name: String,
    /// Clauses of a Depends field; the built packages are at hand, and preferred
    /// to the distribution's.
    pub depends: Vec<String>,
    /// The steps in their order; with none it is the installation that is tested.
    pub steps: Vec<Step>,
    /// Why it is not run at all.
    pub skip: Option<String>,
    /// Whether each step rests on those before it, so that the first failure
    /// ends it.
    pub is_chain: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// For messages.
    pub name: String,
    /// Run by `sh` in the root of the unpacked source, with `$AUTOPKGTEST_TMP`.
    pub command: String,
    /// By root, or by an ordinary user.
    pub as_root: bool,
    /// Words on stderr are no failure.
    pub allow_stderr: bool,
    /// Exit code 77 means that it does not apply here.
    pub skippable: bool,
    /// A failure is told, and is none.
    pub flaky: bool,
}

/// What became of a step, or of the installation before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The step's name.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// The last lines of what it said.
    pub output: String,
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Passed,
    /// Not run, or it found nothing to do, and why.
    Skipped(String),
    /// It failed, as it may, and why.
    Tolerated(String),
    /// It failed, and why.
    Failed(String),
}

/// Where a scenario runs.
pub(super) struct Place<'a> {
    /// A root as [`prepare`] leaves it; it is copied.
    pub root: &'a Path,
    pub namespace: &'a Namespace,
    pub workspace: &'a Workspace,
    pub log: &'a mut Log,
    pub shell_on_failure: bool,
}

/// A package that is nothing but its dependencies is what every apt since 1.1 can
/// be given a list of clauses in.
const DOWNLOAD: &str = r#"
mkdir -p /tmp/depends/DEBIAN
cp /pkgr/scenario/control /tmp/depends/DEBIAN/control
dpkg-deb --build /tmp/depends /pkgr/scenario/depends.deb
download install /pkgr/scenario/depends.deb
"#;

/// The built packages are an archive of their own, which goes before all others
/// whatever the versions there.
const PREPARE: &str = r#"
echo 'deb [trusted=yes] file:/pkgr/debs ./' > /etc/apt/sources.list.d/pkgr.list
printf 'Package: *\nPin: origin ""\nPin-Priority: 1001\n' > /etc/apt/preferences.d/pkgr
apt-get update
"#;

const RUN: &str = include_str!("scenario.sh");

/// Unpacks the root that scenarios start from: apt knows what the archive has at
/// this moment, and the built packages.
pub(super) fn prepare(
    tarball: &Path,
    namespace: &Namespace,
    workspace: &Workspace,
    log: &mut Log,
) -> Result<PathBuf, Failure> {
    let (root, shared) = (workspace.root(namespace, tarball, log)?, workspace.shared());
    let (title, network) = ("ask the archive for what tests depend on", Network::Connected);
    let script = Script { title, root: &root, shared: &shared, network, text: PREPARE, shell_on_failure: false };
    match namespace.run(&script, log)? {
        Some(0) => Ok(root),
        _ => Err(SandboxError::environment("asking the archive for what tests depend on", log).into()),
    }
}

/// Runs it; the first outcome is the installation's.
pub(super) fn run(scenario: &Scenario, place: &mut Place) -> Result<Vec<Outcome>, Failure> {
    let outcome = |name: &str, verdict, output| Outcome { name: name.to_string(), verdict, output };
    if let Some(why) = &scenario.skip {
        return Ok(vec![outcome(&scenario.name, Verdict::Skipped(why.clone()), String::new())]);
    }
    let folder = place.workspace.shared().join("scenario");
    write(scenario, &folder).map_err(|e| Failure::io("write", &folder, &e))?;
    let root = place.workspace.copy(place.namespace, place.root, place.log)?;
    let installation = format!("installation for {}", scenario.name);
    let title = format!("{}: download what it depends on", scenario.name);
    match enter(place, &root, &title, Network::Connected, &format!("{FUNCTION}{DOWNLOAD}"))? {
        Some(0) => {}
        Some(NOT_SATISFIABLE) => {
            let why = "the dependencies cannot be satisfied".to_string();
            return Ok(vec![outcome(&installation, Verdict::Failed(why), place.log.tail())]);
        }
        _ => return Err(SandboxError::environment("downloading what the tests depend on", place.log).into()),
    }
    let title = format!("{}: install and run", scenario.name);
    let stop = if scenario.is_chain || place.shell_on_failure { "stop=yes\n" } else { "stop=no\n" };
    let code = enter(place, &root, &title, Network::Cut, &format!("{stop}{RUN}"))?;
    if !folder.join("installed").exists() {
        let why = "the packages do not install".to_string();
        return Ok(vec![outcome(&installation, Verdict::Failed(why), place.log.tail())]);
    }
    let mut outcomes = vec![outcome(&installation, Verdict::Passed, String::new())];
    for (number, step) in scenario.steps.iter().enumerate() {
        outcomes.push(read(step, &folder.join(format!("results/{number:03}")), code));
    }
    Ok(outcomes)
}

fn enter(place: &mut Place, root: &Path, title: &str, network: Network, text: &str) -> Result<Option<i32>, Failure> {
    // the shell is for what the package does, not for a download
    let shell_on_failure = place.shell_on_failure && network == Network::Cut;
    let shared = place.workspace.shared();
    let script = Script { title, root, shared: &shared, network, text, shell_on_failure };
    place.namespace.run(&script, place.log)
}

/// Writes what the scripts in the root read, in place of the last scenario's.
fn write(scenario: &Scenario, folder: &Path) -> std::io::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder.join("steps"))?;
    let mut control =
        "Package: pkgr-test-depends\nVersion: 1\nArchitecture: all\nMaintainer: pkgr <pkgr@localhost>\n".to_string();
    if !scenario.depends.is_empty() {
        control.push_str(&format!("Depends: {}\n", scenario.depends.join(", ")));
    }
    control.push_str("Description: what a test depends on\n");
    std::fs::write(folder.join("control"), control)?;
    for (number, step) in scenario.steps.iter().enumerate() {
        let folder = folder.join(format!("steps/{number:03}"));
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join("name"), &step.name)?;
        std::fs::write(folder.join("command"), &step.command)?;
        for (flag, is_set) in [("as-root", step.as_root), ("allow-stderr", step.allow_stderr)] {
            if is_set {
                std::fs::write(folder.join(flag), "")?;
            }
        }
    }
    Ok(())
}

/// `whole` is the exit code of the script that ran all steps.
fn read(step: &Step, folder: &Path, whole: Option<i32>) -> Outcome {
    let text = |name: &str| String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap_or_default()).into_owned();
    let (stdout, stderr) = (text("stdout"), text("stderr"));
    let code = text("code").trim().parse::<i32>().ok();
    let broken = match code {
        _ if !folder.exists() => return skipped(step, "a step before it failed"),
        None => Some(match whole {
            Some(code) => format!("it ended the shell that ran it (exit code {code})"),
            None => "it was killed".to_string(),
        }),
        Some(77) if step.skippable => {
            return skipped(step, last_lines(&stdout).lines().last().unwrap_or("exit code 77"));
        }
        Some(0) if step.allow_stderr || stderr.is_empty() => None,
        Some(0) => Some("it wrote to stderr, and has no `allow-stderr`".to_string()),
        Some(code) => Some(format!("exit code {code}")),
    };
    let verdict = match broken {
        None => Verdict::Passed,
        Some(why) if step.flaky => Verdict::Tolerated(why),
        Some(why) => Verdict::Failed(why),
    };
    Outcome { name: step.name.clone(), verdict, output: last_lines(&format!("{stdout}{stderr}")) }
}

fn skipped(step: &Step, why: &str) -> Outcome {
    Outcome { name: step.name.clone(), verdict: Verdict::Skipped(why.to_string()), output: String::new() }
}
