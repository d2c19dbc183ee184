//! What this machine lacks for what recipes and commands want: programs, folders,
//! the key, the recipe's series, and who can be reached.
//!
//! ```text
//! check    one thing that was looked at: how it stands, what was found, the cure
//! needs    what a recipe wants
//! install  how a program is installed on this system
//! tools    git, OpenSSH, lintian, what `pkgr test` takes
//! machine  configuration, cache, mirror, clock
//! keys     the key that would sign
//! service  Launchpad
//! places   upload hosts, archives
//! tasks    all of it at once, in a limited time
//! ```
//!
//! Looks only: it changes nothing, logs in nowhere, unlocks no key and asks nobody for
//! a passphrase. What cannot be found out in time is told as just that.

mod check;
mod install;
mod keys;
mod machine;
mod needs;
mod places;
mod service;
mod tasks;
mod tools;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use check::{Check, Group, Status};
pub use needs::{Needs, Reading};

use crate::diagnostic::Failure;
use crate::fetch::{self, Patience};
use crate::launchpad;
use crate::sandbox::engine::Backend;
use crate::series::{Distro, Series};
use crate::sign::Inspection;
use crate::upload::target::Target;
use crate::upload::{self, Method, Timeouts};
use tasks::Task;

/// The longest that anything is waited for.
const LIMIT: Duration = Duration::from_secs(20);
/// For one connection, and for one answer.
const SHORT: Duration = Duration::from_secs(6);

/// Finds the key that would sign.
pub type FindKey = Box<dyn FnOnce() -> Result<Option<Inspection>, Failure> + Send>;

/// What is looked at.
pub struct Subject {
    /// What the recipes want; none: only the machine, keys and services are looked at.
    pub needs: Vec<Needs>,
    /// Where uploads go to.
    pub targets: Vec<Aim>,
    /// The key.
    pub key: FindKey,
    /// The name of an account for uploads, where one is configured.
    pub login: bool,
    /// The configuration file that was read.
    pub configuration: Option<PathBuf>,
    /// Where Launchpad is.
    pub launchpad: launchpad::Settings,
    /// Cache and archives; whether the network may be used.
    pub fetching: fetch::Options,
    /// What `pkgr test` would build with.
    pub backend: Backend,
}

/// A target.
pub struct Aim {
    /// Resolved.
    pub target: Target,
    /// Whether anybody named it; else it stands for any PPA, and only its hosts count.
    pub is_named: bool,
}

impl Aim {
    /// How much it weighs where it cannot be reached.
    fn weight(&self) -> Status {
        if self.is_named { Status::Problem } else { Status::Warning }
    }

    fn is_ppa(&self) -> bool {
        self.target.rules.ppa.is_some()
    }
}

/// By how many seconds this machine's clock goes before those of the servers that answered.
#[derive(Clone, Default)]
struct Clocks(Arc<Mutex<Vec<i64>>>);

impl Clocks {
    fn add(&self, ahead: Option<i64>) {
        if let (Some(seconds), Ok(mut all)) = (ahead, self.0.lock()) {
            all.push(seconds);
        }
    }

    /// The least of them: an answer may be an old one of some cache.
    fn ahead(&self) -> Option<i64> {
        self.0.lock().ok()?.iter().copied().min_by_key(|seconds| seconds.unsigned_abs())
    }
}

impl Subject {
    fn series(&self) -> Vec<Series> {
        let mut all: Vec<Series> = Vec::new();
        for series in self.needs.iter().flat_map(|needs| &needs.series) {
            if !all.contains(series) {
                all.push(series.clone());
            }
        }
        all
    }

    fn follows(&self) -> bool {
        self.needs.iter().any(|needs| needs.follows)
    }

    fn uses(&self, method: Method) -> bool {
        self.targets.iter().any(|aim| aim.target.ways.iter().any(|way| way.method == method))
    }
}

/// Looks at everything at once; the checks by group, those of a group in a fixed order.
pub fn examine(subject: Subject) -> Vec<Check> {
    let clocks = Clocks::default();
    let mut checks: Vec<Check> = subject.needs.iter().flat_map(|needs| needs.checks.clone()).collect();
    checks.extend(needs::of_targets(&subject));
    checks.push(machine::configuration(subject.configuration.as_deref()));
    checks.extend(machine::cache(&subject.fetching));
    checks.extend(machine::mirror(&subject));
    checks.extend(keys::of_sftp(&subject));
    let mut all = tools::tasks(&subject);
    match subject.fetching.offline {
        true => checks.push(Check::note(Group::Reachability, "offline", "nobody was asked: --offline")),
        false => all.extend(network(&subject, &clocks)),
    }
    all.push(keys::task(subject));
    checks.extend(tasks::run(all, LIMIT));
    checks.extend(machine::clock(clocks.ahead()));
    checks.sort_by_key(|check| check.group);
    checks
}

/// Whoever has to be reached.
fn network(subject: &Subject, clocks: &Clocks) -> Vec<Task> {
    let mut all = Vec::new();
    let series = subject.series();
    let ubuntu: Vec<Series> = series.iter().filter(|series| series.distro == Distro::Ubuntu).cloned().collect();
    for aim in &subject.targets {
        if aim.is_ppa() {
            all.push(service::task(subject, aim, &ubuntu, clocks));
        }
        all.push(places::uploads(&aim.target, aim.weight(), upload_options()));
    }
    if !series.is_empty() {
        let weight = if subject.follows() { Status::Problem } else { Status::Warning };
        all.push(places::archives(&subject.fetching.archives, series, weight, clocks));
    }
    all
}

fn patience() -> Patience {
    Patience { connect: SHORT, stall: SHORT, tries: 1, ..Patience::default() }
}

fn upload_options() -> upload::Options {
    upload::Options { timeouts: Timeouts { connect: SHORT, idle: SHORT }, ..upload::Options::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_as_right_as_the_best_witness_says() {
        let clocks = Clocks::default();
        assert_eq!(clocks.ahead(), None);
        for seconds in [Some(90_000), None, Some(-3), Some(400)] {
            clocks.add(seconds);
        }
        assert_eq!(clocks.ahead(), Some(-3));
    }
}
