//! Sending what was prepared: each upload once, remembered before and after,
//! tried again where that may help; one that fails does not stop the others.

use std::cell::RefCell;
use std::path::PathBuf;

use super::journal::{self, Entry, Journal, State};
use super::prepare::Prepared;
use super::retry::{self, Arrived, Clock, GaveUp, Policy};
use super::target::Target;
use super::{Destination, Stage, TransferError, dput_log, transfer};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::listener::Listener;

/// How uploads are sent.
pub struct Sending<'a> {
    /// What one try needs.
    pub transfer: transfer::Options,
    /// When to try again.
    pub policy: Policy,
    /// The time that passes between tries.
    pub clock: &'a dyn Clock,
    /// Send also what was sent before.
    pub force: bool,
}

/// Whether an upload was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not to this target.
    New,
    /// It was begun, at this time, and not finished.
    Interrupted(String),
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
    /// It was not sent; [`Kind::Remote`] where the target refused it.
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
        let outcome = send(&package, target, options, listener).unwrap_or_else(Outcome::Failed);
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
        Some(Entry { state: State::Started | State::Submitting, at, .. }) => Standing::Interrupted(at.clone()),
        // the log has no digest: of a package that pkgr sent in another build, it is pkgr's own
        None if journal.other_build(&target.identity, package.changes_sha256()).is_some() => Standing::New,
        None if dput_log::has_sent(&package.changes, target) => Standing::SentByDput,
        None => Standing::New,
    })
}

impl Prepared {
    /// SHA-256 of the .changes.
    pub fn changes_sha256(&self) -> &str {
        let name = self.items.last().map(|item| item.name.as_str()).unwrap_or_default();
        self.sha256.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Of all files, in bytes.
    pub fn size(&self) -> u64 {
        self.items.iter().map(|item| item.size).sum()
    }
}

fn send(package: &Prepared, target: &Target, options: &Sending, listener: &dyn Listener) -> Result<Outcome, Failure> {
    let _held = journal::hold(&package.changes, listener)?;
    let what = package.items.last().map(|item| item.name.clone()).unwrap_or_default();
    if !options.force {
        match standing(package, target)? {
            Standing::New => {}
            Standing::Interrupted(at) => {
                let message = format!("{what}: the upload begun on {at} was not finished; it is sent anew");
                listener.tell(Diagnostic::note("upload-taken-up", message));
            }
            sent => return Ok(Outcome::Already(sent)),
        }
    }
    let mut journal = match Journal::of(&package.changes) {
        Err(_) if options.force => Journal::new(&package.changes),
        read => read?,
    };
    if let Some(other) = journal.other_build(&target.identity, package.changes_sha256()) {
        let message = format!("{what}: another build of this version was sent on {}", other.at);
        listener.tell(
            Diagnostic::note("other-build-sent", message).because("an archive that accepted that one refuses this one"),
        );
    }
    let first = target.ways.first().map(ToString::to_string);
    let last = journal.last(&target.identity, package.changes_sha256()).map(|entry| entry.state);
    // what may have arrived may still have
    if last != Some(State::Submitting) {
        journal.record(entry(package, target, State::Started, first, 0))?;
    }
    let journal = RefCell::new(journal);
    let sent = retry::run(&what, &target.ways, &options.policy, options.clock, listener, |way| {
        let submitting = || {
            let begun = entry(package, target, State::Submitting, Some(way.to_string()), 0);
            let recorded = journal.borrow_mut().record(begun);
            recorded.map_err(|e| TransferError::hopeless(Stage::Send(what.clone()), e.to_string()))
        };
        attempt(way, package, target, options, &submitting, listener)
    });
    let mut journal = journal.into_inner();
    let Arrived { way, failed } = sent.map_err(|gave_up| not_sent(&what, target, &gave_up))?;
    let (way, tries) = (way.to_string(), failed.len() + 1);
    journal.record(entry(package, target, State::Sent, Some(way.clone()), tries))?;
    if let Some(dput) = &target.dput {
        let names: Vec<&str> = package.items.iter().map(|item| item.name.as_str()).collect();
        dput_log::append(&package.changes, dput, &names)?;
    }
    Ok(Outcome::Sent { way, tries })
}

/// One try. A queue that keeps what it has refuses a file that stands there: it
/// is left where an earlier upload confirmed these very bytes (the orig that all
/// series share), and only there, for what a torn upload left has the name too.
fn attempt(
    way: &Destination,
    package: &Prepared,
    target: &Target,
    options: &Sending,
    submitting: &dyn Fn() -> Result<(), TransferError>,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    let mut items = package.items.clone();
    loop {
        let error = match transfer::submit(way, &items, &options.transfer, submitting, listener) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let Stage::Send(name) = &error.stage else { return Err(error) };
        let sha256 = package.sha256.get(name).map(String::as_str).unwrap_or_default();
        let is_there = error.refused
            && error.reason.contains("answered 553")
            && journal::was_sent(&package.changes, &target.identity, name, sha256);
        if !is_there {
            return Err(error);
        }
        listener.detail(&format!("{name} stands at {way} since an earlier upload"));
        // such a queue also keeps those that were sent before this one
        let position = items.iter().position(|item| item.name == *name).map_or(0, |position| position + 1);
        items.drain(..position);
    }
}

fn entry(package: &Prepared, target: &Target, state: State, way: Option<String>, tries: usize) -> Entry {
    Entry {
        target: target.identity.clone(),
        state,
        at: journal::now(),
        way: way.unwrap_or_default(),
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        changes_sha256: package.changes_sha256().to_string(),
        sha256: package.sha256.clone(),
    }
}

fn not_sent(what: &str, target: &Target, gave_up: &GaveUp) -> Failure {
    let (code, kind, verb) = match gave_up.is_refused() {
        true => ("upload-refused", Kind::Remote, "refused"),
        false => ("upload-failed", Kind::Environment, "not reached"),
    };
    let tries = match gave_up.failed.len() {
        1 => "1 try".to_string(),
        several => format!("{several} tries"),
    };
    let message = format!("{what} was not uploaded: {} {verb} after {tries}", target.name);
    let mut diagnostic = Diagnostic::error(code, message);
    for (number, failed) in gave_up.failed.iter().enumerate() {
        diagnostic.notes.push(format!("{}. {}: {}{}", number + 1, failed.way, stage(&failed.error), failed.error));
    }
    diagnostic.hints = hints(target, gave_up);
    Failure::new(kind, diagnostic)
}

fn stage(error: &TransferError) -> String {
    match &error.stage {
        Stage::Connect => String::new(),
        Stage::Login => "login: ".to_string(),
        Stage::Send(name) => format!("{name}: "),
        Stage::Finish => "after the last file: ".to_string(),
    }
}

fn hints(target: &Target, gave_up: &GaveUp) -> Vec<String> {
    let mut hints = Vec::new();
    let is_ftp_only = gave_up.failed.iter().all(|failed| failed.way.starts_with("ftp:"));
    if target.rules.ppa.is_some() && is_ftp_only && gave_up.failed.iter().any(|f| f.error.reason.contains("550")) {
        hints.push("Launchpad answers 550 to FTP for a while after an upload: use SFTP (--login NAME, and a key that is registered there)".to_string());
    }
    if gave_up.failed.iter().any(|failed| failed.error.stage == Stage::Finish) {
        hints.push("the .changes may have arrived, although that was not confirmed: a second one is refused by mail and harms nothing".to_string());
    }
    if gave_up.failed.iter().any(|failed| failed.error.reason.contains("answered 553")) {
        hints.push(
            "a file of that name stands there, perhaps what a torn upload left: have it removed (dcut)".to_string(),
        );
    }
    hints.push("nothing is lost here: run the same command again".to_string());
    hints
}
