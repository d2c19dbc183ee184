//! What was sent where, beside each .changes: `X_source.upload.json`. It travels
//! with the packages, so that a later run on another machine knows it too.
//!
//! An entry is written before the first byte (`started`), before the .changes
//! (`submitting`) and after it (`sent`). One that is still `started` is an upload
//! that was interrupted: it is sent anew from its beginning, for a queue forgets
//! what has no .changes. Of one that is `submitting` only the target knows whether
//! it arrived.
//! Entries are of one target ([`super::target::Target::identity`]) and one
//! .changes, byte for byte: a package built anew has not been sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Failure};
use crate::files;
use crate::listener::Listener;

const SCHEMA: &str = "pkgr.journal/1";

/// How far an upload came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was begun, and its .changes was not: nothing has arrived.
    Started,
    /// Its .changes was begun; whether that arrived is not known.
    Submitting,
    /// The target confirmed the .changes.
    Sent,
}

/// One upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// The target's identity.
    pub target: String,
    /// How far it came.
    pub state: State,
    /// When that was written, in UTC.
    pub at: String,
    /// The way, as a URL: the first one while it is not `sent`.
    pub way: String,
    /// How many tries it took.
    #[serde(default)]
    pub tries: u32,
    /// SHA-256 of the .changes.
    pub changes_sha256: String,
    /// SHA-256 of every file, by name.
    pub sha256: BTreeMap<String, String>,
}

impl Entry {
    /// When that was written; a time that cannot be read is the most careful one, now.
    pub fn time(&self) -> Timestamp {
        self.at.parse().unwrap_or_else(|_| Timestamp::now())
    }
}

/// The journal of one .changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    schema: String,
    /// Oldest first.
    pub uploads: Vec<Entry>,
    #[serde(skip)]
    path: PathBuf,
}

impl Journal {
    /// One without entries; recording replaces whatever is there.
    pub fn new(changes: &Path) -> Journal {
        Journal { schema: SCHEMA.to_string(), uploads: Vec::new(), path: path(changes) }
    }

    /// The journal of a .changes; empty where there is none. One that cannot be
    /// read is an error: it may hold what must not be sent again.
    pub fn of(changes: &Path) -> Result<Journal, Failure> {
        let path = path(changes);
        let bytes = match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Journal::new(changes)),
            read => read.map_err(|e| Failure::io("read", &path, &e))?,
        };
        let wrong = |why: String| {
            let message = format!("{} is no journal of uploads that this pkgr reads", path.display());
            let hint = "if nothing was uploaded, remove it; else look at the archive, and use --force where it lacks the package";
            Failure::environment(Diagnostic::error("bad-journal", message).because(why).hint(hint))
        };
        let journal: Journal = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        match journal.schema == SCHEMA {
            true => Ok(Journal { path, ..journal }),
            false => Err(wrong(format!("its schema is `{}`", journal.schema))),
        }
    }

    /// The last entry of a target for these bytes of the .changes.
    pub fn last(&self, target: &str, changes_sha256: &str) -> Option<&Entry> {
        self.uploads.iter().rev().find(|entry| entry.target == target && entry.changes_sha256 == changes_sha256)
    }

    /// An upload to the target of another build of this .changes.
    pub fn other_build(&self, target: &str, changes_sha256: &str) -> Option<&Entry> {
        let sent = self.uploads.iter().rev().filter(|entry| entry.state == State::Sent && entry.target == target);
        sent.clone().next().filter(|entry| entry.changes_sha256 != changes_sha256)
    }

    /// Writes an entry; it takes the place of one that was not sent.
    pub fn record(&mut self, entry: Entry) -> Result<(), Failure> {
        let is_replaced = |old: &Entry| {
            old.state != State::Sent && old.target == entry.target && old.changes_sha256 == entry.changes_sha256
        };
        self.uploads.retain(|old| !is_replaced(old));
        self.uploads.push(entry);
        let wrong = |e: serde_json::Error| {
            Failure::environment(Diagnostic::error("bad-journal", format!("the journal cannot be written: {e}")))
        };
        let mut bytes = serde_json::to_vec_pretty(self).map_err(wrong)?;
        bytes.push(b'\n');
        files::write_atomically(&self.path, &bytes, false).map(|_| ())
    }
}

/// Where the journal of a .changes is.
pub fn path(changes: &Path) -> PathBuf {
    changes.with_extension("upload.json")
}

/// Whether any upload from the folder of `changes` brought the target this file
/// with this SHA-256.
pub fn was_sent(changes: &Path, target: &str, name: &str, sha256: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(files::parent(changes)) else { return false };
    let journals = entries.flatten().map(|entry| entry.path());
    journals.filter(|path| path.to_string_lossy().ends_with(".upload.json")).any(|path| {
        let journal = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Journal>(&bytes).ok());
        journal.is_some_and(|journal| {
            let sent = journal.uploads.iter().filter(|entry| entry.state == State::Sent && entry.target == target);
            sent.into_iter().any(|entry| entry.sha256.get(name).is_some_and(|known| known == sha256))
        })
    })
}

/// Now, as entries write it.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long ago that was; nothing, where the clock went back.
pub fn since(time: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(time)).unwrap_or_default()
}

/// Holds the folder of packages for one upload: another pkgr that wants to send
/// from it waits, and then reads what this one wrote. Released when dropped, also
/// when the process is killed (flock(2)).
pub struct Held {
    _folder: File,
}

/// Waits for the folder of a .changes.
pub fn hold(changes: &Path, listener: &dyn Listener) -> Result<Held, Failure> {
    let folder = files::parent(changes);
    let file = File::open(&folder).map_err(|e| Failure::io("open", &folder, &e))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let message = format!("another pkgr uploads from {}: waiting for it", folder.display());
        listener.tell(Diagnostic::note("upload-waits", message));
        flock(&file, FlockOperation::LockExclusive).map_err(|e| Failure::io("lock", &folder, &e.into()))?;
    }
    Ok(Held { _folder: file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Recorder;

    fn entry(state: State, target: &str, sha256: &str) -> Entry {
        Entry {
            target: target.to_string(),
            state,
            at: now(),
            way: "ftp://h/x".to_string(),
            tries: 1,
            changes_sha256: sha256.to_string(),
            sha256: BTreeMap::from([("a.dsc".to_string(), "00".to_string())]),
        }
    }

    #[test]
    fn what_was_started_is_replaced_by_what_was_sent() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("a_1_source.changes");
        let mut journal = Journal::of(&changes).unwrap();
        for (state, target, sha256) in [
            (State::Started, "ppa:o/ubuntu/n", "aa"),
            (State::Submitting, "ppa:o/ubuntu/n", "aa"),
            (State::Sent, "ppa:o/ubuntu/n", "aa"),
            (State::Started, "ppa:o/ubuntu/m", "aa"),
        ] {
            journal.record(entry(state, target, sha256)).unwrap();
        }
        let again = Journal::of(&changes).unwrap();
        assert_eq!(again, journal);
        assert_eq!(again.uploads.len(), 2);
        assert_eq!(again.last("ppa:o/ubuntu/n", "aa").unwrap().state, State::Sent);
        assert_eq!(again.last("ppa:o/ubuntu/m", "aa").unwrap().state, State::Started);
        // another build of the same version has not been sent, and that another was is known
        assert!(again.last("ppa:o/ubuntu/n", "bb").is_none());
        assert!(again.other_build("ppa:o/ubuntu/n", "bb").is_some());
        assert!(again.other_build("ppa:o/ubuntu/m", "bb").is_none());
        assert!(folder.path().join("a_1_source.upload.json").exists());
        let beside = folder.path().join("b_1_source.changes");
        assert!(
            was_sent(&beside, "ppa:o/ubuntu/n", "a.dsc", "00") && !was_sent(&beside, "ppa:o/ubuntu/n", "a.dsc", "01")
        );
        // begun is not sent
        assert!(!was_sent(&beside, "ppa:o/ubuntu/m", "a.dsc", "00"));
    }

    #[test]
    fn a_damaged_journal_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("a_1_source.changes");
        for text in ["", "{", "[]", r#"{"schema":"pkgr.journal/9","uploads":[]}"#] {
            std::fs::write(path(&changes), text).unwrap();
            assert_eq!(Journal::of(&changes).unwrap_err().diagnostics[0].code, "bad-journal");
        }
    }

    #[test]
    fn one_sends_while_the_other_waits() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("a.changes");
        let listener = Recorder::default();
        let sending = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _held = hold(&changes, &listener).unwrap();
                    let others = sending.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    assert_eq!(others, 0);
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    sending.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                });
            }
        });
        assert!(listener.told().iter().any(|told| told.code == "upload-waits"));
    }
}
