//! One upload: once, remembered before and after, tried again where that may help.
//!
//! Nothing is sent again while an earlier try may have arrived, where that can be
//! found out: not within a run, and not by the next one, which finds it in the journal.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;

use super::arrival::Asking;
use super::journal::{self, Entry, Journal, State};
use super::prepare::Prepared;
use super::retry::{self, Missed};
use super::send::{Outcome, Sending, Standing, standing};
use super::target::Target;
use super::{Cure, Destination, Stage, TransferError, dput_log, gave_up, transfer};
use crate::diagnostic::{Diagnostic, Failure};
use crate::listener::Listener;

/// What is sent, where to, and how.
pub(super) struct One<'a> {
    package: &'a Prepared,
    target: &'a Target,
    options: &'a Sending<'a>,
    listener: &'a dyn Listener,
    /// Name of the .changes.
    what: &'a str,
    /// How the target is asked, if it can be.
    asking: Option<Asking<'a>>,
}

impl<'a> One<'a> {
    /// Touches nothing yet.
    pub fn new(
        package: &'a Prepared,
        target: &'a Target,
        options: &'a Sending<'a>,
        listener: &'a dyn Listener,
    ) -> One<'a> {
        let (what, asking) = (package.changes_name(), options.asking(target));
        One { package, target, options, listener, what, asking }
    }

    /// Sends it, unless it was sent before.
    pub fn send(&self) -> Result<Outcome, Failure> {
        let _held = journal::hold(&self.package.changes, self.listener)?;
        if !self.options.force {
            match standing(self.package, self.target)? {
                Standing::New => {}
                Standing::Interrupted(begun) => self.tell_taken_up(&begun),
                Standing::Unsettled(begun) => {
                    if self.has_arrived_since(begun)? {
                        self.record_sent(Journal::of(&self.package.changes)?, None)?;
                        return Ok(Outcome::Already(Standing::Sent(begun.to_string())));
                    }
                    self.tell_taken_up(&begun.to_string());
                }
                sent @ (Standing::Sent(_) | Standing::SentByDput) => return Ok(Outcome::Already(sent)),
            }
        }
        let journal = RefCell::new(self.begin()?);
        let silence = RefCell::new(None);
        let sent =
            retry::run(self.what, &self.target.ways, &self.options.policy, self.options.clock, self.listener, |way| {
                self.one_try(way, &journal, &silence)
            });
        let arrived = sent.map_err(|failed| match silence.take() {
            Some(why) => gave_up::unconfirmed(self.what, self.target, Some(&failed), why),
            None => gave_up::not_sent(self.what, self.target, &failed, self.asking.is_some()),
        })?;
        let (way, tries) = (arrived.way.to_string(), arrived.failed.len() + 1);
        self.record_sent(journal.into_inner(), Some((way.clone(), tries)))?;
        Ok(Outcome::Sent { way, tries })
    }

    /// Whether an upload that the journal knows of has arrived.
    fn has_arrived_since(&self, begun: Timestamp) -> Result<bool, Failure> {
        let Some(asking) = &self.asking else { return Ok(false) };
        let rest = asking.acceptance.saturating_sub(journal::since(begun));
        let message = format!("{}: the upload begun on {begun} may have arrived", self.what);
        let why = format!("asking {}, for up to {} s", self.target.name, rest.as_secs());
        self.listener.tell(Diagnostic::note("upload-unsettled", message).because(why));
        let asked = asking.is_shown(self.package, self.target, rest, (self.options.clock, self.listener));
        asked.map_err(|why| gave_up::unconfirmed(self.what, self.target, None, why))
    }

    fn tell_taken_up(&self, begun: &str) {
        let message = format!("{}: the upload begun on {begun} was not finished; it is sent anew", self.what);
        self.listener.tell(Diagnostic::note("upload-taken-up", message));
    }

    /// Writes down that something is sent, before it is.
    fn begin(&self) -> Result<Journal, Failure> {
        let (package, identity) = (self.package, &self.target.identity);
        let mut journal = match Journal::of(&package.changes) {
            Err(_) if self.options.force => Journal::new(&package.changes),
            read => read?,
        };
        if let Some(other) = journal.other_build(identity, package.changes_sha256()) {
            let message = format!("{}: another build of this version was sent on {}", self.what, other.at);
            let why = "an archive that accepted that one refuses this one";
            self.listener.tell(Diagnostic::note("other-build-sent", message).because(why));
        }
        let last = journal.last(identity, package.changes_sha256()).map(|entry| entry.state);
        // what may have arrived may still have
        if last != Some(State::Submitting) {
            let first = self.target.ways.first().map(ToString::to_string).unwrap_or_default();
            journal.record(self.entry(State::Started, first, 0))?;
        }
        Ok(journal)
    }

    /// One try; and where it ends without a word on the .changes, what came of it.
    /// `silence` is why nobody says so: then nothing more may be tried.
    fn one_try(
        &self,
        way: &Destination,
        journal: &RefCell<Journal>,
        silence: &RefCell<Option<Failure>>,
    ) -> Result<(), Missed> {
        let is_begun = Cell::new(false);
        let submitting = || {
            let recorded = journal.borrow_mut().record(self.entry(State::Submitting, way.to_string(), 0));
            recorded.map_err(|e| TransferError::hopeless(Stage::Send(self.what.to_string()), e.to_string()))?;
            is_begun.set(true);
            Ok(())
        };
        let Err(error) = self.transfer(way, &submitting) else { return Ok(()) };
        let Some(asking) = self.asking.filter(|_| is_begun.get() && self.is_open(&error)) else {
            return Err(error.into());
        };
        let message = format!("{}: whether it has arrived at {way} is not known: {error}", self.what);
        let why = format!("asking {}, for up to {} s", self.target.name, asking.acceptance.as_secs());
        self.listener.tell(Diagnostic::warning("upload-unsettled", message).because(why));
        let clock = self.options.clock;
        let begin = clock.now();
        let shown = asking.is_shown(self.package, self.target, asking.acceptance, (clock, self.listener));
        let asked = clock.now().saturating_sub(begin);
        match shown {
            Ok(true) => Ok(()),
            Ok(false) => Err(Missed { error, asked }),
            Err(why) => {
                silence.replace(Some(why));
                Err(Missed { error: TransferError { cure: Cure::None, ..error }, asked })
            }
        }
    }

    /// Whether the .changes may have been taken although its sending failed: the server
    /// has not said no to it. Where a file of ours is not what it was, there is nothing
    /// that could be sent again.
    fn is_open(&self, error: &TransferError) -> bool {
        let is_refused = error.refused && error.stage == Stage::Send(self.what.to_string());
        !is_refused && error.cure != Cure::None
    }

    /// One connection. A queue that keeps what it has refuses a file that stands there: it
    /// is left where an earlier upload confirmed these very bytes (the orig that all
    /// series share), and only there, for what a torn upload left has the name too.
    fn transfer(
        &self,
        way: &Destination,
        submitting: &dyn Fn() -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        let package = self.package;
        let mut items = package.items.clone();
        loop {
            let error = match transfer::submit(way, &items, &self.options.transfer, submitting, self.listener) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let Stage::Send(name) = &error.stage else { return Err(error) };
            let sha256 = package.sha256.get(name).map(String::as_str).unwrap_or_default();
            let is_there = error.refused
                && error.reason.contains("answered 553")
                && journal::was_sent(&package.changes, &self.target.identity, name, sha256);
            if !is_there {
                return Err(error);
            }
            self.listener.detail(&format!("{name} stands at {way} since an earlier upload"));
            // such a queue also keeps those that were sent before this one
            let position = items.iter().position(|item| item.name == *name).map_or(0, |position| position + 1);
            items.drain(..position);
        }
    }

    fn entry(&self, state: State, way: String, tries: usize) -> Entry {
        Entry {
            target: self.target.identity.clone(),
            state,
            at: journal::now(),
            way,
            tries: u32::try_from(tries).unwrap_or(u32::MAX),
            changes_sha256: self.package.changes_sha256().to_string(),
            sha256: self.package.sha256.clone(),
        }
    }

    /// Writes down that it has arrived, for dput too: by a way and with so many tries, or
    /// as the journal has it of an earlier run.
    fn record_sent(&self, mut journal: Journal, by: Option<(String, usize)>) -> Result<(), Failure> {
        let before = journal.last(&self.target.identity, self.package.changes_sha256());
        let entry = match (by, before) {
            (None, Some(before)) => Entry { state: State::Sent, tries: before.tries.max(1), ..before.clone() },
            (by, _) => {
                let (way, tries) = by.unwrap_or_default();
                self.entry(State::Sent, way, tries)
            }
        };
        journal.record(entry)?;
        if let Some(dput) = &self.target.dput {
            let names: Vec<&str> = self.package.items.iter().map(|item| item.name.as_str()).collect();
            dput_log::append(&self.package.changes, dput, &names)?;
        }
        Ok(())
    }
}
