//! sbuild in its unshare mode, in pkgr's root of the series. It cuts the network
//! itself, and reads the user's sbuild.conf(5).

use std::process::Command;

use super::{BinaryPackage, Engine, Request, read_index};
use crate::diagnostic::Failure;
use crate::sandbox::error::SandboxError;
use crate::sandbox::machine::Program;

pub struct Sbuild;

/// Its own, and those of [`crate::sandbox::namespace`], for the tests.
const PROGRAMS: &[Program] = &[
    ("sbuild", "sbuild"),
    ("dpkg-source", "dpkg-dev"),
    ("dpkg-scanpackages", "dpkg-dev"),
    ("newuidmap", "uidmap"),
    ("mmdebstrap", "mmdebstrap"),
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("hostname", "hostname"),
];

const SCAN: &str = "dpkg-scanpackages --multiversion . > Packages";

impl Engine for Sbuild {
    fn programs(&self) -> &'static [Program] {
        PROGRAMS
    }

    fn build(&self, request: &mut Request) -> Result<Vec<BinaryPackage>, Failure> {
        has_subordinate_ids(request.log)?;
        let shared = request.workspace.shared();
        let package = shared.join("source-package").join(request.dsc);
        let debs = shared.join("debs");
        std::fs::create_dir_all(&debs).map_err(|e| Failure::io("create", &debs, &e))?;
        let root = request.root.canonicalize().map_err(|e| Failure::io("read", request.root, &e))?;

        let mut unpack = Command::new("dpkg-source");
        unpack.arg("--extract").arg(&package).arg(shared.join("source"));
        let about = format!("{} on {}", request.dsc.trim_end_matches(".dsc"), request.series);
        if request.log.run("unpack the source package", &mut unpack)? != Some(0) {
            return Err(SandboxError::package("unpack-failed", format!("unpacking {about}"), request.log).into());
        }
        let mut build = Command::new("sbuild");
        build.args(["--chroot-mode=unshare", "--nolog", "--no-source", "--arch-all", "--no-run-lintian"]);
        build.args(["--no-run-piuparts", "--no-run-autopkgtest", "--purge-build=always"]);
        build.arg("--chroot").arg(root).arg(format!("--dist={}", request.series));
        build.arg(format!("--arch={}", request.architecture)).arg(format!("--jobs={}", request.jobs));
        build.arg("--build-dir").arg(&debs).arg(&package);
        build.current_dir(&debs);
        if request.shell_on_failure {
            build.arg("--build-failed-commands=%SBUILD_SHELL");
        }
        match request.log.run("sbuild", &mut build)? {
            Some(0) => {}
            // sbuild(1): 1 where sbuild itself failed, 2 attempted, 3 given back
            Some(1) => return Err(SandboxError::environment("running sbuild", request.log).into()),
            _ => return Err(SandboxError::package("build-failed", format!("building {about}"), request.log).into()),
        }
        let mut scan = Command::new("sh");
        if request.log.run("index", scan.args(["-ec", SCAN]).current_dir(&debs))? != Some(0) {
            return Err(SandboxError::environment("indexing the packages", request.log).into());
        }
        read_index(&shared)
    }
}

/// sbuild maps them for root too, and says nothing useful where there are none.
fn has_subordinate_ids(log: &mut super::Log) -> Result<(), Failure> {
    const RANGES: &str = r#"for file in /etc/subuid /etc/subgid; do
        grep -E "^($(id -un)|$(id -u)):" $file || exit 1
    done"#;
    match log.run("subordinate ids", Command::new("sh").args(["-c", RANGES]))? {
        Some(0) => Ok(()),
        _ => Err(SandboxError::NoSubordinateIds.into()),
    }
}
