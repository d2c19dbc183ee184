//! A simulated archive of Ubuntu on loopback: real source packages and .debs of
//! an nginx made small, indexed by apt-ftparchive, signed, in the real layout
//! with `-security` and `-updates`.
#![allow(dead_code)]

mod elf;
pub mod flagship;
mod http;
pub mod nginx;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::{Run, TestEnvironment, run};
use nginx::Nginx;

/// The folders of the archive itself, and of what has moved to old-releases.
const ARCHIVE: &str = "archive/ubuntu";
const OLD: &str = "archive/old-releases/ubuntu";

/// The archive, and the world of the user.
pub struct World {
    pub environment: TestEnvironment,
    pub address: String,
    requests: http::Requests,
}

impl World {
    pub fn new() -> World {
        let environment = TestEnvironment::new();
        environment.key();
        for folder in [ARCHIVE, OLD] {
            fs::create_dir_all(environment.path(folder)).unwrap();
        }
        let (address, requests) = http::serve(environment.path("archive"));
        World { environment, address, requests }
    }

    /// Each nginx in the release pocket of its series, and nothing in the others.
    pub fn with(all: &[Nginx]) -> World {
        let world = World::new();
        std::thread::scope(|scope| {
            for nginx in all {
                let world = &world;
                scope.spawn(move || {
                    world.publish(nginx.series, &[nginx]);
                    for pocket in ["security", "updates"] {
                        world.publish(&format!("{}-{pocket}", nginx.series), &[]);
                    }
                });
            }
        });
        world
    }

    /// The paths that were asked for since this was asked last, sorted.
    pub fn requests(&self) -> Vec<String> {
        let mut requests = std::mem::take(&mut *self.requests.lock().unwrap());
        requests.sort();
        requests
    }

    /// Moves a series to where those out of support are.
    pub fn retire(&self, series: &str) {
        let (from, to) = (self.root(), self.environment.path(OLD));
        fs::create_dir_all(to.join("dists")).unwrap();
        for pocket in ["", "-security", "-updates"] {
            let suite = format!("dists/{series}{pocket}");
            fs::rename(from.join(&suite), to.join(&suite)).unwrap();
        }
        super::common::copy_tree(&from.join("pool"), &to.join("pool"));
    }

    /// The archive's folder: dists/ and pool/.
    pub fn root(&self) -> PathBuf {
        self.environment.path(ARCHIVE)
    }

    /// pkgr with this archive as Ubuntu's.
    pub fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(arguments);
        for (name, folder) in [
            ("PKGR_UBUNTU_MIRROR", "ubuntu"),
            ("PKGR_UBUNTU_OLD_MIRROR", "old-releases/ubuntu"),
            ("PKGR_UBUNTU_PORTS_MIRROR", "ubuntu"),
        ] {
            command.env(name, format!("{}/{folder}", self.address));
        }
        command.env("PKGR_ARCHIVE_KEYRING", &self.environment.key().keyring);
        command
    }

    /// Runs it.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.pkgr(arguments))
    }

    /// Publishes a suite with these packages; what the pool has stays there.
    pub fn publish(&self, suite: &str, packages: &[&Nginx]) {
        self.publish_without(suite, packages, "/");
    }

    /// As [`World::publish`], without the files whose names end so.
    pub fn publish_without(&self, suite: &str, packages: &[&Nginx], end: &str) {
        let staging = self.environment.path(format!("staging-{suite}"));
        let _ = fs::remove_dir_all(&staging);
        let pool = staging.join("pool/main/n/nginx");
        fs::create_dir_all(&pool).unwrap();
        for nginx in packages {
            nginx.make_source(&self.environment, &pool);
            nginx.make_debs(&self.environment, &pool);
        }
        for entry in fs::read_dir(&pool).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(end) {
                fs::remove_file(path).unwrap();
            }
        }
        self.index(suite, &staging);
        super::common::copy_tree(&staging.join("pool"), &self.root().join("pool"));
    }

    /// dists/SUITE of what the staging folder has.
    fn index(&self, suite: &str, staging: &Path) {
        let dist = self.root().join("dists").join(suite);
        let _ = fs::remove_dir_all(&dist);
        let ftparchive = |arguments: &[&str]| {
            run(self.environment.command("apt-ftparchive").args(arguments).current_dir(staging)).ok().stdout
        };
        let architectures = ["amd64", "i386"];
        for component in ["main", "universe"] {
            let folder = |name: &str| {
                let folder = dist.join(component).join(name);
                fs::create_dir_all(&folder).unwrap();
                folder
            };
            let of_main = |text: String| if component == "main" { text } else { String::new() };
            self.index_file(&folder("source").join("Sources"), &of_main(ftparchive(&["sources", "pool"])));
            for name in architectures {
                let text = ftparchive(&["--arch", name, "packages", "pool"]);
                self.index_file(&folder(&format!("binary-{name}")).join("Packages"), &of_main(text));
            }
        }
        let codename = suite.split('-').next().unwrap();
        let option = |key: &str, value: &str| format!("APT::FTPArchive::Release::{key}={value}");
        let options = [
            option("Origin", "Ubuntu"),
            option("Label", "Ubuntu"),
            option("Suite", suite),
            option("Codename", codename),
            option("Architectures", &architectures.join(" ")),
            option("Components", "main universe"),
        ];
        let mut arguments: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
        let dist_text = dist.display().to_string();
        arguments.extend(["release", &dist_text]);
        let release = ftparchive(&arguments);
        self.sign(suite, &release, &self.environment.key().fingerprint);
    }

    fn index_file(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        run(self.environment.command("xz").args(["--keep", "--force"]).arg(path)).ok();
    }

    /// The text of Release that a suite has.
    pub fn release(&self, suite: &str) -> String {
        fs::read_to_string(self.environment.path(format!("Release-{suite}"))).unwrap()
    }

    /// Signs a text as the suite's InRelease.
    pub fn sign(&self, suite: &str, release: &str, key: &str) {
        self.sign_with(suite, release, key, &[]);
    }

    /// As [`World::sign`], with more options of gpg.
    pub fn sign_with(&self, suite: &str, release: &str, key: &str, options: &[&str]) {
        let plain = self.environment.path(format!("Release-{suite}"));
        fs::write(&plain, release).unwrap();
        let signed = self.root().join("dists").join(suite).join("InRelease");
        let _ = fs::remove_file(&signed);
        let mut gpg = self.environment.command("gpg");
        gpg.args(["--batch", "--quiet"]).args(options).args(["-u", key, "--output"]).arg(&signed);
        run(gpg.arg("--clearsign").arg(&plain)).ok();
    }
}
