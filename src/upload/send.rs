//! Sending what was prepared, one upload after the other ([`super::one`]): one that
//! fails does not stop the others. And whether something was sent before.

use std::path::PathBuf;

use jiff::Timestamp;

use super::arrival::Asking;
use super::journal::{Entry, Journal, State};
use super::one::One;
use super::prepare::Prepared;
use super::retry::{Clock, Policy};
use super::target::Target;
use super::{dput_log, transfer};
use crate::diagnostic::Failure;
use crate::listener::Listener;

/// How uploads are sent.
pub struct Sending<'a> {
    /// What one try needs.
    pub transfer: transfer::Options,
    /// When to try again.
    pub policy: Policy,
    /// The time that passes between tries.
    pub clock: &'a dyn Clock,
    /// Send also what was sent before, or may have been.
    pub force: bool,
    /// Asks PPAs for uploads that may have arrived; `None`: nobody is asked, and they
    /// are sent again, as they are to all other targets.
    pub asking: Option<Asking<'a>>,
}

impl<'a> Sending<'a> {
    /// How this target is asked, if it can be.
    pub(super) fn asking(&self, target: &Target) -> Option<Asking<'a>> {
        self.asking.filter(|_| target.rules.ppa.is_some())
    }
}

/// Whether an upload was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not to this target.
    New,
    /// It was begun, at this time, and nothing of it has arrived.
    Interrupted(String),
    /// Its .changes was begun, at this time, and only the target knows whether it arrived.
    Unsettled(Timestamp),
    /// The journal has it: when.
    Sent(String),
    /// dput's log has it.
    SentByDput,
}

/// What became of one upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was sent.
    Sent {
        /// By which way, as a URL.
        way: String,
        /// How many tries it took.
        tries: usize,
    },
    /// Nothing was done: it was sent before.
    Already(Standing),
    /// It was not sent; [`Kind::Remote`](crate::diagnostic::Kind::Remote) where the target refused it.
    Failed(Failure),
}

/// One upload of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The .changes.
    pub changes: PathBuf,
    /// The source package.
    pub source: String,
    /// Its version.
    pub version: String,
    /// Its series.
    pub distribution: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of all uploads, in the order of sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Each of them.
    pub uploads: Vec<Upload>,
}

/// Sends `packages` to the target, in series order and one after the other.
pub fn upload(packages: &[Prepared], target: &Target, options: &Sending, listener: &dyn Listener) -> Report {
    let mut packages = packages.to_vec();
    Prepared::sort(&mut packages);
    let uploads = packages.into_iter().map(|package| {
        let outcome = One::new(&package, target, options, listener).send().unwrap_or_else(Outcome::Failed);
        let Prepared { changes, source, version, distribution, .. } = package;
        Upload { changes, source, version, distribution, outcome }
    });
    Report { uploads: uploads.collect() }
}

/// Whether the package was sent to the target before, by pkgr or by dput.
pub fn standing(package: &Prepared, target: &Target) -> Result<Standing, Failure> {
    let journal = Journal::of(&package.changes)?;
    Ok(match journal.last(&target.identity, package.changes_sha256()) {
        Some(Entry { state: State::Sent, at, .. }) => Standing::Sent(at.clone()),
        Some(Entry { state: State::Started, at, .. }) => Standing::Interrupted(at.clone()),
        Some(entry) => Standing::Unsettled(entry.time()),
        // the log has no digest: of a package that pkgr sent in another build, it is pkgr's own
        None if journal.other_build(&target.identity, package.changes_sha256()).is_some() => Standing::New,
        None if dput_log::has_sent(&package.changes, target) => Standing::SentByDput,
        None => Standing::New,
    })
}

impl Prepared {
    /// Name of the .changes.
    pub fn changes_name(&self) -> &str {
        self.items.last().map(|item| item.name.as_str()).unwrap_or_default()
    }

    /// SHA-256 of the .changes.
    pub fn changes_sha256(&self) -> &str {
        self.sha256.get(self.changes_name()).map(String::as_str).unwrap_or_default()
    }

    /// Of all files, in bytes.
    pub fn size(&self) -> u64 {
        self.items.iter().map(|item| item.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::super::retry::SystemClock;
    use super::super::target::{Ppa, Rules};
    use super::super::{Arrival, Destination, Item, Method, NoAnswer};
    use super::*;
    use crate::diagnostic::{Diagnostic, Kind};
    use crate::listener::Recorder;

    /// The same answer each time; `None` is none.
    struct Says(Option<bool>, Cell<usize>);

    impl Arrival for Says {
        fn has_arrived(&self, _: &Prepared, _: &Target) -> Result<bool, NoAnswer> {
            self.1.set(self.1.get() + 1);
            let failure = Failure::environment(Diagnostic::error("x", "nobody is there"));
            self.0.ok_or(NoAnswer { failure, is_passing: true })
        }
    }

    /// A package, a folder in the place of a PPA's queue, and what is in it.
    struct Place(tempfile::TempDir, Prepared, Target);

    impl Place {
        /// Its journal says that the .changes was begun at this time.
        fn begun(at: &str, is_ppa: bool) -> Place {
            let folder = tempfile::tempdir().unwrap();
            let (changes, queue) = (folder.path().join("a_1_source.changes"), folder.path().join("queue"));
            std::fs::write(&changes, "Source: a\n").unwrap();
            std::fs::create_dir(&queue).unwrap();
            let item = Item { path: changes.clone(), name: "a_1_source.changes".into(), size: 10 };
            let package = Prepared {
                changes: changes.clone(),
                source: "a".into(),
                version: "1".into(),
                distribution: "noble".into(),
                sha256: [(item.name.clone(), "00".to_string())].into(),
                items: vec![item],
                signed_by: None,
            };
            let way = Destination {
                method: Method::Local,
                host: String::new(),
                port: None,
                login: None,
                folder: queue.display().to_string(),
                host_keys: vec![],
            };
            let ppa = is_ppa.then(|| Ppa::parse("owner/name").unwrap());
            let target = Target {
                name: "ppa:o/n".into(),
                identity: "ppa:o/ubuntu/n".into(),
                ways: vec![way],
                rules: Rules { ppa, ..Rules::default() },
                dput: None,
            };
            let entry = Entry {
                target: target.identity.clone(),
                state: State::Submitting,
                at: at.into(),
                way: "ftp://h/x".into(),
                tries: 0,
                changes_sha256: "00".into(),
                sha256: package.sha256.clone(),
            };
            Journal::of(&changes).unwrap().record(entry).unwrap();
            Place(folder, package, target)
        }

        /// What became of it, how often it was asked, the journal's state, and whether it was sent.
        fn send(&self, says: Option<bool>, force: bool) -> (Outcome, usize, State, bool) {
            let (says, clock) = (Says(says, Cell::new(0)), SystemClock::default());
            let ms = Duration::from_millis;
            let sending = Sending {
                transfer: transfer::Options::default(),
                policy: Policy::default(),
                clock: &clock,
                force,
                asking: Some(Asking { arrival: &says, acceptance: ms(50), interval: ms(5) }),
            };
            let Place(folder, package, target) = self;
            let mut report = upload(std::slice::from_ref(package), target, &sending, &Recorder::default());
            let journal = Journal::of(&package.changes).unwrap();
            let state = journal.last(&target.identity, "00").unwrap().state;
            let is_there = folder.path().join("queue/a_1_source.changes").exists();
            (report.uploads.remove(0).outcome, says.1.get(), state, is_there)
        }
    }

    const LONG_AGO: &str = "2026-01-01T00:00:00Z";

    #[test]
    fn what_has_arrived_is_not_sent_again() {
        let place = Place::begun(LONG_AGO, true);
        let (outcome, asked, state, is_there) = place.send(Some(true), false);
        assert_eq!(outcome, Outcome::Already(Standing::Sent(LONG_AGO.into())));
        assert_eq!((asked, state, is_there), (1, State::Sent, false));
        // from now on the journal knows
        let (outcome, asked, ..) = place.send(None, false);
        assert_eq!((outcome, asked), (Outcome::Already(Standing::Sent(LONG_AGO.into())), 0));
    }

    #[test]
    fn what_has_not_is_sent_when_the_time_is_over() {
        let (outcome, asked, state, is_there) = Place::begun(LONG_AGO, true).send(Some(false), false);
        assert!(matches!(outcome, Outcome::Sent { tries: 1, .. }), "{outcome:?}");
        assert_eq!((asked, state, is_there), (1, State::Sent, true));
        // begun just now, or by a clock that was ahead
        let (_, asked, _, is_there) = Place::begun("2999-01-01T00:00:00Z", true).send(Some(false), false);
        assert!(asked > 1 && is_there, "asked {asked} times");
    }

    #[test]
    fn where_nobody_answers_nothing_is_sent_but_by_force() {
        let place = Place::begun(LONG_AGO, true);
        let (outcome, _, state, is_there) = place.send(None, false);
        let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
        assert_eq!((failure.kind, failure.diagnostics[0].code), (Kind::Environment, "upload-unconfirmed"));
        assert_eq!((state, is_there), (State::Submitting, false));
        let (outcome, asked, state, is_there) = place.send(None, true);
        assert!(matches!(outcome, Outcome::Sent { .. }));
        assert_eq!((asked, state, is_there), (0, State::Sent, true));
    }

    #[test]
    fn a_queue_that_is_no_ppa_is_not_asked_about() {
        let (outcome, asked, _, is_there) = Place::begun(LONG_AGO, false).send(Some(true), false);
        assert!(matches!(outcome, Outcome::Sent { .. }));
        assert_eq!((asked, is_there), (0, true));
    }
}
