//! Measuring programs: CPU seconds, wall time and peak memory of a whole
//! process tree, in a private home with a throwaway key.
//!
//! bash's `time` reads getrusage(2) of its children to the millisecond, where
//! time(1) gives hundredths, too coarse for programs that take twelve
//! milliseconds; time(1) gives the peak memory, in a run of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PKGR: &str = env!("CARGO_BIN_EXE_pkgr");

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// User + system seconds of the process and all its descendants.
    pub cpu: f64,
    /// Seconds.
    pub wall: f64,
}

/// The middle run by CPU seconds.
pub fn median(runs: impl Iterator<Item = Times>) -> Times {
    let mut runs: Vec<Times> = runs.collect();
    runs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    runs[runs.len() / 2]
}

/// A shell command and the folder it runs in.
pub struct Shell {
    pub script: String,
    pub folder: PathBuf,
}

/// A private home, and the key in it.
pub struct World {
    pub folder: PathBuf,
    pub fingerprint: String,
    pub secret: PathBuf,
}

impl World {
    pub fn new(folder: &Path) -> World {
        let mut world =
            World { folder: folder.to_path_buf(), fingerprint: String::new(), secret: folder.join("secret.asc") };
        world.shell(
            "mkdir -m 700 gnupg && mkdir cache tmp &&
             gpg --batch --quiet --passphrase '' --quick-generate-key 'Bench <bench@example.org>' ed25519 sign never &&
             gpg --batch --armor --export-secret-keys > secret.asc",
        );
        let listing = world.shell("gpg --batch --with-colons --list-keys");
        let line = listing.lines().find_map(|line| line.strip_prefix("fpr:::::::::"));
        world.fingerprint = line.expect("a fingerprint").trim_end_matches(':').to_string();
        world
    }

    fn command(&self, script: &str, folder: &Path) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-ec", script])
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("GNUPGHOME", self.folder.join("gnupg"))
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("TMPDIR", self.folder.join("tmp"))
            .env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs a script in the world's folder and returns its output.
    pub fn shell(&self, script: &str) -> String {
        self.run(&Shell { script: script.to_string(), folder: self.folder.clone() })
    }

    /// Runs a command to its end; one that fails ends the benchmark.
    pub fn run(&self, shell: &Shell) -> String {
        let output = self.command(&shell.script, &shell.folder).output().expect("bash");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} failed: {said}", shell.script);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command and takes its times.
    pub fn measure(&self, shell: &Shell) -> Times {
        let file = self.folder.join("times");
        let script = format!(
            "TIMEFORMAT='%3U %3S %3R'; {{ time {{\n{}\n}} >/dev/null 2>&1; }} 2>'{}'",
            shell.script,
            file.display()
        );
        self.run(&Shell { script, folder: shell.folder.clone() });
        let text = fs::read_to_string(&file).expect("times");
        let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect();
        Times { cpu: figures[0] + figures[1], wall: figures[2] }
    }

    /// Runs a command for its peak memory: megabytes of the largest process.
    pub fn peak(&self, shell: &Shell) -> f64 {
        let file = self.folder.join("peak");
        let script = format!("/usr/bin/time -f %M -o '{}' bash -ec '{}' >/dev/null", file.display(), shell.script);
        self.run(&Shell { script, folder: shell.folder.clone() });
        let kilobytes: f64 = fs::read_to_string(&file).expect("peak").trim().parse().expect("kilobytes");
        kilobytes / 1024.0
    }

    /// Forgets what pkgr remembers of earlier runs.
    pub fn empty_cache(&self) {
        fs::remove_dir_all(self.folder.join("cache")).expect("the cache");
        fs::create_dir(self.folder.join("cache")).expect("the cache");
    }

    /// `pkgr --help`, the best of many: starting up is what is asked.
    pub fn help(&self) -> Times {
        let help = Shell { script: format!("{PKGR} --help"), folder: self.folder.clone() };
        let runs = (0..20).map(|_| self.measure(&help));
        runs.min_by(|a, b| a.wall.total_cmp(&b.wall)).expect("a run")
    }

    pub fn binary_megabytes(&self) -> f64 {
        fs::metadata(PKGR).expect("the binary").len() as f64 / 1e6
    }

    /// One line on machine and versions.
    pub fn machine(&self) -> String {
        let line = |script: &str| self.shell(script).trim().to_string();
        format!(
            "{}, {} cores, {}; {}; {}",
            line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1"),
            line("nproc"),
            line(". /etc/os-release; echo \"$PRETTY_NAME\""),
            line("dpkg-query -W -f 'dpkg-dev ${Version}' dpkg-dev"),
            line("dpkg-query -W -f 'devscripts ${Version}' devscripts"),
        )
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.command("gpgconf --kill all", &self.folder).status();
    }
}
