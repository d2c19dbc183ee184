//! Programs that are run: only those that the recipe, the target or a command want.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use super::check::{Check, Group, Status};
use super::install::{self, GIT, SSH};
use super::tasks::Task;
use super::{Aim, Subject};
use crate::sandbox::engine::Backend;
use crate::sandbox::{self, machine, mirror};
use crate::series::Distro;
use crate::upload::Method;

/// `git rev-parse --end-of-options` is of this version.
const GIT_NEEDED: (u32, u32) = (2, 30);
/// KnownHostsCommand, by which Launchpad's host key is known, is of this version.
const SSH_NEEDED: (u32, u32) = (8, 5);

/// All of them.
pub fn tasks(subject: &Subject) -> Vec<Task> {
    let mut all = Vec::new();
    let task = |code, what: &str, work: Box<dyn FnOnce() -> Vec<Check> + Send>| Task {
        group: Group::Tools,
        code,
        what: what.to_string(),
        weight: Status::Warning,
        work,
    };
    if subject.needs.is_empty() || subject.needs.iter().any(|needs| needs.git) {
        let weight = if subject.needs.is_empty() { Status::Note } else { Status::Problem };
        all.push(task("git", "`git --version`", Box::new(move || vec![git(weight)])));
    }
    if let Some(weight) = weight_of_ssh(subject) {
        let is_ppa = subject.targets.iter().any(Aim::is_ppa);
        all.push(task("ssh", "`ssh -V`", Box::new(move || vec![ssh(weight, is_ppa)])));
    }
    all.push(task("lintian", "lintian", Box::new(|| vec![lintian()])));
    let weight = if subject.needs.iter().any(|needs| needs.tests) { Status::Warning } else { Status::Note };
    let distros: Vec<Distro> = [Distro::Debian, Distro::Ubuntu]
        .into_iter()
        .filter(|distro| subject.series().iter().any(|series| series.distro == *distro))
        .collect();
    let backend = subject.backend;
    all.push(task("sandbox", "what `pkgr test` takes", Box::new(move || test(backend, &distros, weight))));
    all
}

/// What programs say, and how they fail to.
enum Answer {
    Said(String),
    Missing,
    Broken(String),
}

/// Runs a program that only tells its version, on whichever stream.
fn ask(program: &str, argument: &str) -> Answer {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output();
    match output {
        Err(error) if error.kind() == ErrorKind::NotFound => Answer::Missing,
        Err(error) => Answer::Broken(error.to_string()),
        Ok(output) => {
            let bytes = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&bytes).trim().to_string();
            if output.status.success() { Answer::Said(text) } else { Answer::Broken(text) }
        }
    }
}

/// The version in `git version 2.39.5`, `OpenSSH_9.2p1 Debian-2`: as it is written, and
/// its first two numbers.
fn version(text: &str) -> Option<(&str, (u32, u32))> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let written = text.get(start..)?.split([' ', ',']).next()?;
    let mut numbers = written.split(|c: char| !c.is_ascii_digit());
    Some((written, (numbers.next()?.parse().ok()?, numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0))))
}

fn git(weight: Status) -> Check {
    let why = "sources that are git repositories, and new tags, are fetched with it";
    match ask("git", "--version") {
        Answer::Missing => Check::new(Group::Tools, "git-missing", weight, "git is not installed")
            .because(why)
            .cure(install::command(&GIT)),
        // macOS has a git that only says how to get one
        Answer::Broken(said) => Check::new(Group::Tools, "git-broken", weight, "git does not run")
            .because(said)
            .cure(install::command(&GIT)),
        Answer::Said(text) => match version(&text) {
            Some((written, number)) if number < GIT_NEEDED => {
                let found = format!("git {written} is older than {}.{}", GIT_NEEDED.0, GIT_NEEDED.1);
                Check::new(Group::Tools, "git-old", weight, found)
                    .because(why)
                    .cure("take git from a newer release of this system, or its backports")
            }
            Some((written, _)) => Check::ok(Group::Tools, "git", format!("git {written}")),
            None => Check::ok(Group::Tools, "git", text),
        },
    }
}

/// `None` where nobody wants it.
fn weight_of_ssh(subject: &Subject) -> Option<Status> {
    let only_by_sftp = |aim: &Aim| aim.is_named && aim.target.ways.iter().all(|way| way.method == Method::Sftp);
    if subject.needs.iter().any(|needs| needs.ssh) || subject.targets.iter().any(only_by_sftp) {
        return Some(Status::Problem);
    }
    let is_ppa = subject.targets.iter().any(Aim::is_ppa);
    // without it, an account that is named counts for nothing
    if subject.uses(Method::Sftp) || (is_ppa && subject.login) {
        return Some(Status::Warning);
    }
    is_ppa.then_some(Status::Note)
}

fn ssh(weight: Status, is_ppa: bool) -> Check {
    let why = "uploads over SFTP go through it";
    match ask("ssh", "-V") {
        Answer::Missing => Check::new(Group::Tools, "ssh-missing", weight, "OpenSSH's client is not installed")
            .because(why)
            .cure(install::command(&SSH)),
        Answer::Broken(said) => Check::new(Group::Tools, "ssh-broken", weight, "ssh does not run")
            .because(said)
            .cure(install::command(&SSH)),
        Answer::Said(text) => match version(&text) {
            Some((written, number)) if number < SSH_NEEDED && is_ppa => {
                let found = format!("OpenSSH {written} knows Launchpad's host key only from known_hosts");
                Check::note(Group::Tools, "ssh-old", found).cure("log in once with `ssh ppa.launchpad.net`")
            }
            Some((written, _)) => Check::ok(Group::Tools, "ssh", format!("OpenSSH {written}")),
            None => Check::ok(Group::Tools, "ssh", text),
        },
    }
}

fn lintian() -> Check {
    match machine::find("lintian") {
        Some(path) => Check::ok(Group::Tools, "lintian", format!("lintian, {}", path.display())),
        None => {
            Check::note(Group::Tools, "lintian-missing", "lintian is not installed: `pkgr check --lintian` runs it")
                .cure("on Debian and Ubuntu: `apt install lintian`")
        }
    }
}

fn test(backend: Backend, distros: &[Distro], weight: Status) -> Vec<Check> {
    if !cfg!(target_os = "linux") {
        return vec![Check::note(Group::Tools, "no-linux", "`pkgr test` makes roots of Linux: it does not run here")];
    }
    let keyrings = distros.iter().map(|distro| mirror::keyring(*distro).map(drop).map_err(Into::into));
    match crate::diagnostic::all(std::iter::once(sandbox::ready(backend, None)).chain(keyrings)) {
        Ok(_) => {
            let found = format!("what `pkgr test` takes is here ({})", backend.name());
            vec![Check::ok(Group::Tools, "sandbox", found)]
        }
        Err(failure) => {
            let told = |check: Check| Check { found: format!("`pkgr test` cannot run: {}", check.found), ..check };
            Check::failed(Group::Tools, weight, failure).into_iter().map(told).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_programs_write_them() {
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some(("2.39.5", (2, 39))));
        assert_eq!(version("OpenSSH_8.2p1 Ubuntu-4, OpenSSL 1.1.1f"), Some(("8.2p1", (8, 2))));
        assert_eq!(version("git version 3"), Some(("3", (3, 0))));
        assert_eq!(version("none"), None);
        assert!((2, 4) < GIT_NEEDED && (10, 0) > SSH_NEEDED);
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        assert!(matches!(ask("no-such-program", "-V"), Answer::Missing));
        assert!(matches!(ask("false", "-V"), Answer::Broken(_)));
    }
}
