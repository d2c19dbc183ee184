//! dpkg-buildpackage in a root of mmdebstrap, as an unprivileged user without
//! network, as the distributions' builders do it.

use super::{BinaryPackage, Engine, Request, read_index};
use crate::diagnostic::Failure;
use crate::sandbox::download::{FUNCTION, NOT_SATISFIABLE};
use crate::sandbox::error::SandboxError;
use crate::sandbox::machine::Program;
use crate::sandbox::namespace::{Network, PROGRAMS, Script};

pub struct Unshare;

/// apt sees the network, and nothing that it downloads is run here.
const DOWNLOAD: &str = r#"
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update
download build-dep "/pkgr/source-package/DSC"
"#;

const INSTALL: &str = r#"apt-get --yes build-dep "/pkgr/source-package/DSC""#;

const UNPACK: &str = r#"
install --directory --owner=pkgr --group=pkgr /build
cd /build
runuser -u pkgr -- dpkg-source --extract "/pkgr/source-package/DSC" tree
cp --recursive --preserve=mode,timestamps,links tree /pkgr/source
"#;

const BUILD: &str = r#"
cd /build/tree
runuser -u pkgr -- env HOME=/nonexistent DEB_BUILD_OPTIONS=parallel=JOBS dpkg-buildpackage -b -us -uc
mkdir /pkgr/debs
cp ../*.deb ../*.changes ../*.buildinfo /pkgr/debs/
cd /pkgr/debs
dpkg-scanpackages --multiversion . > Packages
"#;

impl Engine for Unshare {
    fn programs(&self) -> &'static [Program] {
        PROGRAMS
    }

    fn build(&self, request: &mut Request) -> Result<Vec<BinaryPackage>, Failure> {
        let shared = request.workspace.shared();
        let root = request.workspace.root(request.namespace, request.root, request.log)?;
        let jobs = request.jobs.to_string();
        let mut run = |title: &str, network: Network, text: &str, shell_on_failure: bool| {
            let text = text.replace("DSC", request.dsc).replace("JOBS", &jobs);
            let script = Script { title, root: &root, shared: &shared, network, text: &text, shell_on_failure };
            request.namespace.run(&script, request.log)
        };
        let about = request.dsc.trim_end_matches(".dsc");
        let about = format!("{about} on {}", request.series);
        let package = |code, doing: &str, log: &_| SandboxError::package(code, format!("{doing} {about}"), log);
        let download = format!("{FUNCTION}{DOWNLOAD}");
        match run("download the build dependencies", Network::Connected, &download, false)? {
            Some(0) => {}
            Some(NOT_SATISFIABLE) => {
                let doing = "satisfying the build dependencies of";
                return Err(package("build-depends-not-satisfiable", doing, request.log).into());
            }
            _ => return Err(SandboxError::environment("downloading the build dependencies", request.log).into()),
        }
        if run("install the build dependencies", Network::Cut, INSTALL, false)? != Some(0) {
            return Err(
                package("build-depends-not-installable", "installing the build dependencies of", request.log).into()
            );
        }
        if run("unpack the source package", Network::Cut, UNPACK, false)? != Some(0) {
            return Err(package("unpack-failed", "unpacking", request.log).into());
        }
        if run("build", Network::Cut, BUILD, request.shell_on_failure)? != Some(0) {
            return Err(package("build-failed", "building", request.log).into());
        }
        read_index(&shared)
    }
}
