//! Running a script inside a root: namespaces of its own (unshare(1)) for
//! mounts, processes, IPC, host name and, where nothing may be reached, network.
//!
//! Everything in it dies with this process: the kernel kills unshare when pkgr
//! ends (`setpriv --pdeathsig`), and the namespace's first process with unshare.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::SandboxError;
use super::log::Log;
use super::machine::{self, Program};
use crate::diagnostic::Failure;

/// What entering needs.
pub(super) const PROGRAMS: &[Program] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("setarch", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("hostname", "hostname"),
    ("chroot", "coreutils"),
    ("tar", "tar"),
];

const ENTER: &str = include_str!("enter.sh");

/// How processes enter a root.
#[derive(Debug, Clone)]
pub struct Namespace {
    personality: Option<&'static str>,
    is_root: bool,
}

/// Whether a script has the machine's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Only apt, to download.
    Connected,
    /// Nothing but a loopback of its own.
    Cut,
}

/// One script in a root.
pub struct Script<'a> {
    /// For the log.
    pub title: &'a str,
    /// The unpacked root.
    pub root: &'a Path,
    /// Its /pkgr.
    pub shared: &'a Path,
    /// What it can reach.
    pub network: Network,
    /// Run by `sh -eu`.
    pub text: &'a str,
    /// Whether a shell is opened where it fails.
    pub shell_on_failure: bool,
}

impl Namespace {
    /// Finds out whether namespaces can be had here.
    pub fn new(architecture: &str) -> Result<Namespace, SandboxError> {
        let namespace = Namespace { personality: machine::personality(architecture), is_root: machine::is_root() };
        let mut probe = namespace.unshare();
        probe.args(["--net", "true"]);
        let start = |error| SandboxError::Start { program: "unshare".to_string(), error };
        let output = probe.stdin(Stdio::null()).output().map_err(start)?;
        if output.status.success() {
            return Ok(namespace);
        }
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_string();
        match namespace.is_root || reason.contains("Operation not permitted") {
            true => Err(SandboxError::NoNamespaces { reason }),
            false => Err(SandboxError::NoSubordinateIds),
        }
    }

    /// A program as root of this user's own ids: what may own and remove the
    /// files of a root.
    pub fn as_root(&self, program: &str) -> Command {
        if self.is_root {
            return command(program);
        }
        let mut command = command("unshare");
        command.args(["--map-root-user", "--map-auto", program]);
        command
    }

    fn unshare(&self) -> Command {
        let mut command = command("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some(personality) = self.personality {
            command.args(["setarch", personality]);
        }
        command.args(["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]);
        if !self.is_root {
            command.args(["--map-root-user", "--map-auto"]);
        }
        command
    }

    /// Unpacks a root's tarball into a folder that is there. Device files are
    /// left out: /dev is made when the root is entered.
    pub fn unpack(&self, tarball: &Path, folder: &Path, log: &mut Log) -> Result<(), Failure> {
        let mut command = self.as_root("tar");
        command.args(["--extract", "--numeric-owner", "--same-permissions", "--exclude=./dev/*"]);
        command.arg("--file").arg(tarball).arg("--directory").arg(folder);
        match log.run("unpack the root", &mut command)? {
            Some(0) => Ok(()),
            _ => Err(SandboxError::environment("unpacking the root", log).into()),
        }
    }

    /// Runs a script; its exit code, `None` where a signal ended it.
    pub fn run(&self, script: &Script, log: &mut Log) -> Result<Option<i32>, Failure> {
        let mut command = self.unshare();
        let network = match script.network {
            Network::Connected => "network",
            Network::Cut => {
                command.arg("--net");
                "cut"
            }
        };
        let failing = if script.shell_on_failure { "shell" } else { "stop" };
        command.args(["sh", "-c", ENTER, "enter"]).arg(script.root).arg(script.shared);
        command.args([network, failing, script.text]);
        if script.shell_on_failure {
            interactive(script, &mut command, log)
        } else {
            log.run(script.title, &mut command)
        }
    }
}

/// The script's output comes through a file, for the terminal is the shell's:
/// it speaks on stderr, since stdout carries data.
fn interactive(script: &Script, command: &mut Command, log: &mut Log) -> Result<Option<i32>, Failure> {
    let fail = |error| SandboxError::Start { program: "unshare".to_string(), error };
    let terminal = || std::io::stderr().as_fd().try_clone_to_owned().map(Stdio::from).map_err(fail);
    log.begin(script.title);
    let status = command.stdin(Stdio::inherit()).stdout(terminal()?).stderr(terminal()?).status().map_err(fail)?;
    let output = script.shared.join("output");
    log.add(&String::from_utf8_lossy(&std::fs::read(&output).unwrap_or_default()));
    let _ = std::fs::remove_file(output);
    Ok(status.code())
}

/// A program that sees the terminal's kind and the proxies of the environment.
fn command(program: &str) -> Command {
    const KEPT: &[&str] = &["HOME", "TMPDIR", "TERM", "http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(machine::find(program).unwrap_or_else(|| program.into()));
    command.env_clear().env("PATH", format!("{path}:/usr/sbin:/sbin")).env("LC_ALL", "C.UTF-8");
    command.envs(KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command
}
