//! Whether a package has to be made: what its target shows, and what the
//! journal beside its .changes says was sent there.

use std::path::Path;

use jiff::Timestamp;

use crate::diagnostic::Failure;
use crate::upload::journal::{Entry, Journal, State};

/// What is known of one package at its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: it has to be built and sent.
    New,
    /// Its .changes was begun to be sent, and whether it arrived is not known yet.
    Unsettled(Timestamp),
    /// It was sent and confirmed, and the target does not show it yet.
    Sent(Timestamp),
}

/// What the journal says of any build of this .changes: an archive asks for the
/// version, not for the bytes.
pub fn of_journal(changes: &Path, identity: &str) -> Result<Standing, Failure> {
    let journal = Journal::of(changes)?;
    let here = || journal.uploads.iter().filter(|entry| entry.target == identity);
    let newest = |state: State| here().filter(|entry| entry.state == state).map(Entry::time).max();
    Ok(match (newest(State::Sent), newest(State::Submitting)) {
        (Some(sent), Some(begun)) if begun > sent => Standing::Unsettled(begun),
        (Some(sent), _) => Standing::Sent(sent),
        (None, Some(begun)) => Standing::Unsettled(begun),
        // what was only started has not arrived
        (None, None) => Standing::New,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn entry(state: State, at: &str) -> Entry {
        Entry {
            target: "ppa:o/ubuntu/n".into(),
            state,
            at: at.into(),
            way: "ftp://h/x".into(),
            tries: 1,
            changes_sha256: format!("of {at}"),
            sha256: BTreeMap::new(),
        }
    }

    #[test]
    fn a_build_that_was_sent_counts_for_every_other_build_of_the_version() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("a_1_source.changes");
        assert_eq!(of_journal(&changes, "ppa:o/ubuntu/n").unwrap(), Standing::New);
        let mut journal = Journal::of(&changes).unwrap();
        journal.record(entry(State::Started, "2026-11-24T09:59:00Z")).unwrap();
        assert_eq!(of_journal(&changes, "ppa:o/ubuntu/n").unwrap(), Standing::New);
        journal.record(entry(State::Submitting, "2026-11-24T10:00:00Z")).unwrap();
        let begun = "2026-11-24T10:00:00Z".parse().unwrap();
        assert_eq!(of_journal(&changes, "ppa:o/ubuntu/n").unwrap(), Standing::Unsettled(begun));
        journal.record(entry(State::Sent, "2026-11-24T10:05:00Z")).unwrap();
        let sent = "2026-11-24T10:05:00Z".parse().unwrap();
        assert_eq!(of_journal(&changes, "ppa:o/ubuntu/n").unwrap(), Standing::Sent(sent));
        assert_eq!(of_journal(&changes, "ppa:o/ubuntu/other").unwrap(), Standing::New);
    }
}
