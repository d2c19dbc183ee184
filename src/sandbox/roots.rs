//! The cached roots: one tarball for each series, architecture and purpose,
//! made by mmdebstrap.
//!
//! ```text
//! roots/bookworm-amd64-build.tar    essential packages, apt, build-essential, fakeroot
//! roots/bookworm-amd64-test.tar     essential packages and apt
//! roots/bookworm-amd64-build.lock   held (flock(2)) by the pkgr that makes it
//! ```
//!
//! A tarball appears under its name by rename(2). One that is a week old is made
//! anew; where that fails the old one serves, and a warning says so.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::error::SandboxError;
use super::log::Log;
use super::machine;
use super::mirror::{self, Mirrors};
use crate::diagnostic::{Diagnostic, Failure};
use crate::files::TEMPORARY_PREFIX;
use crate::listener::Listener;
use crate::series::Series;

/// Security updates come in when a root is made; meanwhile apt fetches them
/// each time anew.
const FRESH: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a root is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To build in: with build-essential.
    Build,
    /// To install into: as little as can be.
    Test,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Build => "build",
            Purpose::Test => "test",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Purpose::Build => &["--variant=buildd", "--include=fakeroot"],
            Purpose::Test => &["--variant=minbase"],
        }
    }
}

/// Gives roots.
pub struct Roots<'a> {
    folder: PathBuf,
    mirrors: &'a Mirrors,
    listener: &'a dyn Listener,
}

impl<'a> Roots<'a> {
    /// Those in the cache folder.
    pub fn new(cache: &Path, mirrors: &'a Mirrors, listener: &'a dyn Listener) -> Roots<'a> {
        Roots { folder: cache.join("roots"), mirrors, listener }
    }

    /// The tarball of a root, made where it is missing or old.
    pub fn get(
        &self,
        series: &Series,
        architecture: &str,
        purpose: Purpose,
        log: &mut Log,
    ) -> Result<PathBuf, Failure> {
        let name = format!("{series}-{architecture}-{}", purpose.name());
        let tarball = self.folder.join(format!("{name}.tar"));
        if is_fresh(&tarball) {
            return Ok(tarball);
        }
        std::fs::create_dir_all(&self.folder).map_err(|e| Failure::io("create", &self.folder, &e))?;
        let lock_path = self.folder.join(format!("{name}.lock"));
        let lock = File::create(&lock_path).map_err(|e| Failure::io("write", &lock_path, &e))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| Failure::io("lock", &lock_path, &e.into()))?;
        if is_fresh(&tarball) {
            return Ok(tarball); // another pkgr made it while this one waited
        }
        let what = format!("making a root of {series} for {architecture} to {} in", purpose.name());
        self.listener.started(&what, None);
        self.listener.detail(&what);
        let made = self.make(series, architecture, purpose, &tarball, log);
        self.listener.finished(&what);
        match made {
            Ok(()) => Ok(tarball),
            Err(failure) if tarball.exists() => {
                let message = format!("the root of {series} is more than a week old and could not be renewed");
                let why = failure.to_string();
                self.listener.tell(Diagnostic::warning("root-is-old", message).because(why));
                Ok(tarball)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Called with the lock held, so that the temporary name is nobody else's.
    fn make(
        &self,
        series: &Series,
        architecture: &str,
        purpose: Purpose,
        tarball: &Path,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let archive = self.mirrors.archive(series, architecture)?;
        let keyring = mirror::keyring(series.distro)?;
        let name = tarball.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = self.folder.join(format!("{TEMPORARY_PREFIX}{name}"));
        let mut command = Command::new("setpriv");
        // asked to end, mmdebstrap removes what it has unpacked
        command.args(["--pdeathsig", "TERM"]);
        let personality = machine::personality(architecture);
        if let Some(personality) = personality {
            command.args(["setarch", personality]);
        }
        command.arg("mmdebstrap").args(purpose.arguments()).args(OPTIONS);
        if personality.is_some() {
            // the processor runs it as it is, and arch-test need not say so
            command.arg("--skip=check/qemu");
        }
        command.arg(format!("--architectures={architecture}")).arg("--keyring").arg(keyring);
        command.arg(&series.name).arg(&unfinished).args(&archive.lines).env("LC_ALL", "C.UTF-8");
        let title = format!("mmdebstrap of {series} for {architecture}");
        if log.run(&title, &mut command)? == Some(0) {
            return std::fs::rename(&unfinished, tarball).map_err(|e| Failure::io("write", tarball, &e));
        }
        let _ = std::fs::remove_file(&unfinished);
        Err(SandboxError::Root {
            series: series.name.clone(),
            architecture: architecture.to_string(),
            mirror: archive.mirror,
            variable: archive.variable,
            told: log.told(),
        }
        .into())
    }
}

/// apt and dpkg keep these settings in the root. The lists stay, so that
/// `apt-get update` transfers only what changed since.
const OPTIONS: &[&str] = &[
    "--format=tar",
    "--skip=cleanup/apt/lists",
    "--aptopt=APT::Install-Recommends \"false\"",
    "--aptopt=APT::Keep-Downloaded-Packages \"true\"",
    "--aptopt=Acquire::Languages \"none\"",
    "--aptopt=Acquire::Retries \"3\"",
    "--aptopt=Dpkg::Use-Pty \"0\"",
    "--dpkgopt=force-unsafe-io",
    "--customize-hook=chroot \"$1\" useradd --create-home --uid 1000 --shell /bin/sh pkgr",
];

fn is_fresh(tarball: &Path) -> bool {
    let age = std::fs::metadata(tarball).and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
    match age {
        Ok(Ok(age)) => age < FRESH,
        Ok(Err(_)) => true, // from the future: the clock was set back
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_old_root_is_not_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        assert!(!is_fresh(&path));
        let file = File::create(&path).unwrap();
        assert!(is_fresh(&path));
        file.set_modified(std::time::SystemTime::now() - FRESH - Duration::from_secs(5)).unwrap();
        assert!(!is_fresh(&path));
    }
}
