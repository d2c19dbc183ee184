//! Debian versions of the targets, and the lock's entries that count them: a
//! version is never used twice, for an archive refuses it for ever.

use std::collections::BTreeMap;

use crate::deb::changelog::Entry;
use crate::lock::{Lock, LockedEntry};
use crate::series::{Series, catalog};

/// Columns of a changelog.
const WIDTH: usize = 78;

/// What a recipe says of the version, for one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The series.
    pub series: Series,
    /// `[epoch:]upstream`.
    pub version: String,
    /// The revision; none for a native package.
    pub revision: Option<String>,
}

impl Wanted {
    /// The version without what names the series.
    fn base(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{}-{revision}", self.version),
            None => self.version.clone(),
        }
    }

    /// The text before n.
    pub fn prefix(&self) -> String {
        self.prefix_for(&self.series)
    }

    fn prefix_for(&self, series: &Series) -> String {
        format!("{}{}", self.base(), series.version_suffix())
    }

    /// Whether the entry gave this version and revision to some series.
    fn is_of(&self, entry: &LockedEntry) -> bool {
        entry.versions.iter().any(|(series, version)| {
            catalog().find(series).is_some_and(|series| is_counted(version, &self.prefix_for(series)))
        })
    }

    /// The version that the newest entry for the series gave it, if it is of
    /// this version and revision.
    pub fn current(&self, lock: &Lock) -> Option<String> {
        let newest = lock.entries.iter().rev().find_map(|entry| entry.versions.get(&self.series.name))?;
        is_counted(newest, &self.prefix()).then(|| newest.clone())
    }

    fn next(&self, lock: &Lock) -> String {
        let prefix = self.prefix();
        format!("{prefix}{}", lock.highest_counter(&prefix) + 1)
    }
}

fn is_counted(version: &str, prefix: &str) -> bool {
    version.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Gives a version to every series that has none yet for what its recipe wants:
/// in the newest entry where that is of the same version and revision, else in a
/// new one by `author` at `date`. A lock that knows all is left as it is.
pub fn record(lock: &mut Lock, wanted: &[Wanted], author: &str, date: &str) {
    let mut lacking: Vec<&Wanted> = wanted.iter().filter(|w| w.current(lock).is_none()).collect();
    while let Some(first) = lacking.first().copied() {
        let (group, rest): (Vec<&Wanted>, Vec<&Wanted>) = lacking.into_iter().partition(|w| w.base() == first.base());
        lacking = rest;
        let versions: BTreeMap<String, String> = group.iter().map(|w| (w.series.name.clone(), w.next(lock))).collect();
        let reason = reason(lock.entries.last(), first);
        match lock.entries.last_mut() {
            Some(last) if first.is_of(last) && !versions.keys().any(|s| last.versions.contains_key(s)) => {
                last.versions.extend(versions);
            }
            _ => lock.entries.push(LockedEntry {
                date: date.to_string(),
                author: author.to_string(),
                changes: vec![reason],
                versions,
            }),
        }
    }
}

fn reason(previous: Option<&LockedEntry>, wanted: &Wanted) -> String {
    let Some(previous) = previous else { return "Initial release".to_string() };
    let same_version = previous.versions.iter().any(|(series, version)| {
        let Some(series) = catalog().find(series) else { return false };
        let Some((base, _)) = version.rsplit_once(&series.version_suffix()) else { return false };
        base == wanted.version || base.rsplit_once('-').is_some_and(|(upstream, _)| upstream == wanted.version)
    });
    let version = wanted.version.split_once(':').map_or(wanted.version.as_str(), |(_, upstream)| upstream);
    match (&wanted.revision, same_version) {
        (Some(revision), true) => format!("Packaging revision {revision}"),
        (None, true) => "Rebuild".to_string(),
        (Some(_), false) => format!("New upstream version {version}"),
        (None, false) => format!("New version {version}"),
    }
}

/// The changelog of one series, newest entry first. Only the newest entry takes
/// the recipe's urgency; the lock does not keep the others'.
pub fn changelog(lock: &Lock, source: &str, series: &Series, urgency: &str) -> Vec<Entry> {
    let entries = lock.entries.iter().rev().filter_map(|entry| Some((entry, entry.versions.get(&series.name)?)));
    entries
        .enumerate()
        .map(|(index, (entry, version))| Entry {
            source: source.to_string(),
            version: version.clone(),
            distribution: series.name.clone(),
            urgency: if index == 0 { urgency.to_string() } else { "medium".to_string() },
            changes: entry.changes.iter().flat_map(|line| change_lines(line)).collect(),
            author: entry.author.clone(),
            date: entry.date.clone(),
        })
        .collect()
}

/// One change as lines that fit below a changelog's two blanks: `* text`, and
/// what continues it two blanks deeper. A word longer than a line stays whole.
fn change_lines(change: &str) -> Vec<String> {
    let first = if change.starts_with("  ") { "  " } else { "* " };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in change.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH - 4 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    let indented = |(index, line): (usize, String)| format!("{}{line}", if index == 0 { first } else { "  " });
    lines.into_iter().enumerate().map(indented).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Tue, 24 Nov 2026 08:00:00 +0000";

    fn wanted(series: &str, version: &str, revision: &str) -> Wanted {
        let series = catalog().find(series).unwrap().clone();
        Wanted { series, version: version.into(), revision: (!revision.is_empty()).then(|| revision.into()) }
    }

    fn record_all(lock: &mut Lock, wanted: &[Wanted]) {
        record(lock, wanted, "A B <a@example.org>", DATE);
    }

    #[test]
    fn versions_of_both_distributions() {
        assert_eq!(wanted("jammy", "1:2.0", "3").prefix(), "1:2.0-3~ubuntu22.04.");
        assert_eq!(wanted("bookworm", "1.0", "").prefix(), "1.0~deb12u");
    }

    #[test]
    fn the_life_of_a_lock() {
        let mut lock = Lock::default();
        record_all(&mut lock, &[wanted("jammy", "1.0", "1")]);
        record_all(&mut lock, &[wanted("jammy", "1.0", "1"), wanted("noble", "1.0", "1")]);
        assert_eq!(lock.entries.len(), 1, "a new series joins the entry");
        assert_eq!(lock.entries[0].changes, ["Initial release"]);
        assert_eq!(lock.entries[0].versions["noble"], "1.0-1~ubuntu24.04.1");

        let before = lock.clone();
        record_all(&mut lock, &[wanted("jammy", "1.0", "1"), wanted("noble", "1.0", "1")]);
        assert_eq!(lock, before, "a complete lock is left alone");

        record_all(&mut lock, &[wanted("jammy", "1.0", "2")]);
        assert_eq!(lock.entries[1].changes, ["Packaging revision 2"]);
        record_all(&mut lock, &[wanted("jammy", "1.1", "1")]);
        assert_eq!(lock.entries[2].changes, ["New upstream version 1.1"]);

        record_all(&mut lock, &[wanted("jammy", "1.0", "2")]);
        assert_eq!(lock.entries[3].versions["jammy"], "1.0-2~ubuntu22.04.2", "a version is never used twice");
        let versions: Vec<String> =
            changelog(&lock, "x", &wanted("jammy", "1.0", "2").series, "low").into_iter().map(|e| e.version).collect();
        assert_eq!(versions[0], "1.0-2~ubuntu22.04.2");
        assert_eq!(versions[3], "1.0-1~ubuntu22.04.1");
    }

    #[test]
    fn series_with_versions_of_their_own_get_entries_of_their_own() {
        let mut lock = Lock::default();
        record_all(
            &mut lock,
            &[wanted("xenial", "0.9", "1"), wanted("jammy", "1.0", "1"), wanted("noble", "1.0", "1")],
        );
        assert_eq!(lock.entries.len(), 2);
        assert_eq!(lock.entries[1].versions.len(), 2);
    }

    #[test]
    fn long_changes_are_wrapped_at_78_columns() {
        let lines = change_lines(&"word ".repeat(40));
        assert!(lines[0].starts_with("* word") && lines[1].starts_with("  word"));
        assert!(lines.iter().all(|l| l.chars().count() + 2 <= WIDTH), "{lines:?}");
        assert_eq!(change_lines("  continued"), ["  continued"]);
    }
}
