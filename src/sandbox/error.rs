//! What can go wrong, and what it means for the exit code.

use std::path::PathBuf;

use super::log::Log;
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// What was said before it went wrong.
#[derive(Debug)]
pub struct Told {
    /// The last lines.
    pub output: String,
    /// Where the whole is.
    pub log: PathBuf,
}

impl Told {
    fn add_to(self, mut found: Diagnostic) -> Diagnostic {
        if !self.output.trim().is_empty() {
            found = found.because(self.output.trim_end().to_string());
        }
        found.because(format!("the whole log is {}", self.log.display()))
    }
}

/// Why a package could not be tested, or what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum SandboxError {
    #[error("not installed: {}", missing.join(", "))]
    Programs { missing: Vec<&'static str>, packages: Vec<&'static str> },
    #[error("this machine ({machine}) cannot run programs of {wanted}")]
    Architecture { machine: String, wanted: String },
    #[error("{source_name} builds nothing on {architecture}")]
    NothingToBuild { source_name: String, architecture: String, declared: String },
    #[error("this user has no range of user ids to make a root with")]
    NoSubordinateIds,
    #[error("namespaces cannot be made here: {reason}")]
    NoNamespaces { reason: String },
    #[error("cannot start {program}: {error}")]
    Start { program: String, error: std::io::Error },
    #[error("cannot make a root of {series} for {architecture} from {mirror}")]
    Root { series: String, architecture: String, mirror: String, variable: &'static str, told: Box<Told> },
    #[error("this machine's apt names no mirror of {what}")]
    NoMirror { what: &'static str, variable: &'static str },
    #[error("there is no keyring of {distro} at {}", path.display())]
    NoKeyring { distro: &'static str, path: PathBuf, package: &'static str },
    #[error("{}: {message}", path.display())]
    NotASourcePackage { path: PathBuf, message: String },
    #[error("{}: {message}", path.display())]
    NotAPackage { path: PathBuf, message: String },
    #[error("the series of {} is not known", path.display())]
    NoSeries { path: PathBuf },
    #[error("{doing} failed")]
    Environment { doing: String, told: Box<Told> },
    #[error("{doing} failed")]
    Package { code: &'static str, doing: String, told: Box<Told> },
    #[error("{about}: {step} failed: {why}")]
    Step { about: String, step: String, why: String, told: Box<Told> },
    #[error("debian/tests/control: {message}")]
    Tests { message: String },
}

impl SandboxError {
    /// The package is wrong; the tail of what was said since the last mark shows how.
    pub(super) fn package(code: &'static str, doing: impl Into<String>, log: &Log) -> SandboxError {
        SandboxError::Package { code, doing: doing.into(), told: log.told() }
    }

    /// This machine or the network is to blame.
    pub(super) fn environment(doing: impl Into<String>, log: &Log) -> SandboxError {
        SandboxError::Environment { doing: doing.into(), told: log.told() }
    }

    fn code(&self) -> &'static str {
        match self {
            SandboxError::Programs { .. } => "program-missing",
            SandboxError::Architecture { .. } => "foreign-architecture",
            SandboxError::NothingToBuild { .. } => "nothing-to-build",
            SandboxError::NoSubordinateIds => "no-subordinate-ids",
            SandboxError::NoNamespaces { .. } => "no-namespaces",
            SandboxError::Start { .. } => "program-not-started",
            SandboxError::Root { .. } => "root-not-made",
            SandboxError::NoMirror { .. } => "no-mirror",
            SandboxError::NoKeyring { .. } => "no-archive-keyring",
            SandboxError::NotASourcePackage { .. } => "not-a-source-package",
            SandboxError::NotAPackage { .. } => "not-a-package",
            SandboxError::NoSeries { .. } => "series-not-known",
            SandboxError::Environment { .. } => "sandbox-failed",
            SandboxError::Package { code, .. } => code,
            SandboxError::Step { .. } => "test-failed",
            SandboxError::Tests { .. } => "bad-tests-control",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            SandboxError::NotASourcePackage { .. }
            | SandboxError::NotAPackage { .. }
            | SandboxError::NothingToBuild { .. }
            | SandboxError::Package { .. }
            | SandboxError::Step { .. }
            | SandboxError::Tests { .. } => Kind::Recipe,
            SandboxError::NoSeries { .. } => Kind::Usage,
            _ => Kind::Environment,
        }
    }
}

const SUBORDINATE_IDS: &str =
    "as root: apt install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER";

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Failure {
        let found = Diagnostic::error(error.code(), error.to_string());
        let kind = error.kind();
        Failure::new(
            kind,
            match error {
                SandboxError::Programs { packages, .. } => {
                    found.hint(format!("on Debian and Ubuntu: apt install {}", packages.join(" ")))
                }
                SandboxError::Architecture { .. } => {
                    found.hint("run pkgr on such a machine; i386 also runs on amd64, armhf and armel on arm64")
                }
                SandboxError::NothingToBuild { declared, .. } => {
                    found.because(format!("its packages are for {declared}")).hint("choose one with --arch")
                }
                SandboxError::NoSubordinateIds => found.hint(SUBORDINATE_IDS),
                SandboxError::NoNamespaces { .. } => {
                    found.hint("in a container, run it privileged; on a hardened kernel, allow user namespaces")
                }
                SandboxError::Root { variable, told, .. } => {
                    told.add_to(found).hint(format!("where this machine reaches another mirror, name it in {variable}"))
                }
                SandboxError::NoMirror { variable, .. } => found.hint(format!("name one in {variable}")),
                SandboxError::NoKeyring { package, .. } => found.hint(format!("apt install {package}")),
                SandboxError::NoSeries { .. } => found.hint("name it: --only SERIES"),
                SandboxError::Environment { told, .. } | SandboxError::Package { told, .. } => told.add_to(found),
                SandboxError::Step { told, .. } => {
                    told.add_to(found).hint("look around where it happened with --shell-on-failure")
                }
                _ => found,
            },
        )
    }
}
