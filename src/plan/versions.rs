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
    /// Under `[nginx]`: version and revision are the module's and nginx's.
    pub module: Option<Module>,
    /// Versions of what is followed besides, by name.
    pub followed: BTreeMap<String, String>,
}

/// A module's version and its nginx's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// `[epoch:]upstream` of the module.
    pub version: String,
    /// nginx's full version, without its epoch.
    pub nginx: String,
}

impl Module {
    /// Version and revision of the package: dpkg splits at the last hyphen, so
    /// its upstream part is that of module and nginx, which the orig files are
    /// named by, and what is left of nginx's version is its revision.
    pub fn version_and_revision(&self) -> (String, Option<String>) {
        let (upstream, revision) = match self.nginx.rsplit_once('-') {
            Some((upstream, revision)) => (upstream, Some(revision.to_string())),
            None => (self.nginx.as_str(), None),
        };
        (format!("{}+nginx{upstream}", self.version), revision)
    }
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
        let (entry, newest) = self.newest(lock)?;
        let counted = is_counted(newest, &self.prefix()) && self.followed_then(entry) == self.followed;
        counted.then(|| newest.clone())
    }

    /// The newest entry for the series and the version that it gave it.
    fn newest<'l>(&self, lock: &'l Lock) -> Option<(&'l LockedEntry, &'l String)> {
        lock.entries.iter().rev().find_map(|entry| Some((entry, entry.versions.get(&self.series.name)?)))
    }

    fn followed_then(&self, entry: &LockedEntry) -> BTreeMap<String, String> {
        entry.followed.get(&self.series.name).cloned().unwrap_or_default()
    }

    /// The reason for a new entry that only this series' history gives: the
    /// distribution moved, or it is a module. None where the version says it.
    fn own_reason(&self, lock: &Lock) -> Option<String> {
        let newest = self.newest(lock);
        let Some((entry, version)) = newest else {
            return self.module.as_ref().map(|_| match lock.entries.is_empty() {
                true => "Initial release".to_string(),
                false => format!("Build for {}", self.series),
            });
        };
        let mut moved = Vec::new();
        if let Some(module) = &self.module {
            let base = version.rsplit_once(&self.series.version_suffix()).map_or(version.as_str(), |(base, _)| base);
            match base.strip_prefix(&format!("{}+nginx", module.version)) {
                None => {
                    let upstream = module.version.split_once(':').map_or(module.version.as_str(), |(_, rest)| rest);
                    return Some(format!("New upstream version {upstream}"));
                }
                Some(nginx) if nginx != module.nginx => moved.push(format!("nginx {}", module.nginx)),
                Some(_) => {}
            }
        } else if !is_counted(version, &self.prefix()) {
            return None;
        }
        let then = self.followed_then(entry);
        let others = self.followed.iter().filter(|(name, version)| then.get(*name) != Some(version));
        moved.extend(others.map(|(name, version)| format!("{} {version}", name.trim_start_matches("apt:"))));
        Some(match moved.is_empty() {
            true => "Rebuild".to_string(),
            false => format!("Rebuild for {}", moved.join(", ")),
        })
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
    let lacking = wanted.iter().filter(|w| w.current(lock).is_none());
    let mut lacking: Vec<(&Wanted, Group)> = lacking.map(|w| (w, Group::of(w, lock))).collect();
    while let Some((first, kind)) = lacking.first().map(|(first, kind)| (*first, kind.clone())) {
        let (group, rest): (Vec<_>, Vec<_>) = lacking.into_iter().partition(|(_, other)| *other == kind);
        lacking = rest;
        let versions: BTreeMap<String, String> =
            group.iter().map(|(w, _)| (w.series.name.clone(), w.next(lock))).collect();
        let followed: BTreeMap<String, BTreeMap<String, String>> = group
            .iter()
            .filter(|(w, _)| !w.followed.is_empty())
            .map(|(w, _)| (w.series.name.clone(), w.followed.clone()))
            .collect();
        let reason = kind.own_reason.clone().unwrap_or_else(|| reason(lock.entries.last(), first));
        let joins = |last: &LockedEntry| match &kind.own_reason {
            Some(own) => last.changes == [own.as_str()],
            None => first.is_of(last),
        };
        match lock.entries.last_mut() {
            Some(last) if joins(last) && !versions.keys().any(|s| last.versions.contains_key(s)) => {
                last.versions.extend(versions);
                last.followed.extend(followed);
            }
            _ => lock.entries.push(LockedEntry {
                date: date.to_string(),
                author: author.to_string(),
                changes: vec![reason],
                versions,
                followed,
            }),
        }
    }
}

/// Gives the next version to every series of `versions`, which holds the current
/// one of each, in a new entry with the given changes: a rebuild of what is there.
pub fn record_again(
    lock: &mut Lock,
    versions: &BTreeMap<String, String>,
    changes: &[String],
    author: &str,
    date: &str,
) {
    let (mut next, mut followed) = (BTreeMap::new(), BTreeMap::new());
    for (name, version) in versions {
        let Some(suffix) = catalog().find(name).map(Series::version_suffix) else { continue };
        let Some((base, _)) = version.rsplit_once(&suffix) else { continue };
        let prefix = format!("{base}{suffix}");
        next.insert(name.clone(), format!("{prefix}{}", lock.highest_counter(&prefix) + 1));
        let then = lock.entries.iter().rev().find(|entry| entry.versions.contains_key(name));
        let then = then.and_then(|entry| entry.followed.get(name));
        followed.extend(then.map(|then| (name.clone(), then.clone())));
    }
    let (author, date) = (author.to_string(), date.to_string());
    lock.entries.push(LockedEntry { date, author, changes: changes.to_vec(), versions: next, followed });
}

/// What series that share an entry have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    /// The version, where it is not that of a module: there each series has its own.
    base: Option<String>,
    own_reason: Option<String>,
}

impl Group {
    fn of(wanted: &Wanted, lock: &Lock) -> Group {
        let base = if wanted.module.is_none() { Some(wanted.base()) } else { None };
        Group { base, own_reason: wanted.own_reason(lock) }
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
        Wanted {
            series,
            version: version.into(),
            revision: (!revision.is_empty()).then(|| revision.into()),
            module: None,
            followed: BTreeMap::new(),
        }
    }

    fn module(series: &str, version: &str, nginx: &str) -> Wanted {
        let module = Module { version: version.into(), nginx: nginx.into() };
        let (version, revision) = module.version_and_revision();
        Wanted { revision, module: Some(module), ..wanted(series, &version, "") }
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
    fn a_rebuild_counts_on_and_keeps_what_was_followed() {
        let mut lock = Lock::default();
        let php = BTreeMap::from([("php".to_string(), "8.1".to_string())]);
        let wanted = Wanted { followed: php, ..wanted("jammy", "1:1.0", "1") };
        record_all(&mut lock, std::slice::from_ref(&wanted));
        let versions = BTreeMap::from([("jammy".to_string(), wanted.current(&lock).unwrap())]);
        record_again(&mut lock, &versions, &["Rebuild".to_string()], "A B <a@example.org>", DATE);
        assert_eq!(lock.entries[1].versions["jammy"], "1:1.0-1~ubuntu22.04.2");
        assert_eq!(wanted.current(&lock).as_deref(), Some("1:1.0-1~ubuntu22.04.2"), "nothing is left to record");
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
    fn a_module_follows_its_nginx() {
        let mut lock = Lock::default();
        record_all(
            &mut lock,
            &[module("xenial", "1.13", "1.10.3-0ubuntu0.16.04.5"), module("jammy", "1.13", "1.18.0-6")],
        );
        assert_eq!(lock.entries.len(), 1, "one entry, whatever nginx each series has");
        assert_eq!(lock.entries[0].changes, ["Initial release"]);
        assert_eq!(lock.entries[0].versions["xenial"], "1.13+nginx1.10.3-0ubuntu0.16.04.5~ubuntu16.04.1");
        record_all(
            &mut lock,
            &[module("xenial", "1.13", "1.10.3-0ubuntu0.16.04.5"), module("jammy", "1.13", "1.18.0-6.1")],
        );
        assert_eq!(lock.entries[1].changes, ["Rebuild for nginx 1.18.0-6.1"]);
        assert_eq!(lock.entries[1].versions.len(), 1, "xenial stays as it is");
        record_all(&mut lock, &[module("noble", "1.13", "1.24.0-2")]);
        assert_eq!(lock.entries[2].changes, ["Build for noble"]);
        record_all(&mut lock, &[module("jammy", "1.14", "1.18.0-6.1"), module("noble", "1.14", "1.24.0-2")]);
        assert_eq!(
            (lock.entries[3].changes[0].as_str(), lock.entries[3].versions.len()),
            ("New upstream version 1.14", 2)
        );
        record_all(&mut lock, &[module("jammy", "1.13", "1.18.0-6.1")]);
        assert_eq!(lock.entries[4].versions["jammy"], "1.13+nginx1.18.0-6.1~ubuntu22.04.2");
    }

    #[test]
    fn what_is_followed_makes_entries() {
        let mut lock = Lock::default();
        let with = |series: &str, php: &str| Wanted {
            followed: BTreeMap::from([("php".to_string(), php.to_string())]),
            ..wanted(series, "1.0", "1")
        };
        record_all(&mut lock, &[with("jammy", "8.1"), with("noble", "8.3")]);
        assert_eq!(lock.entries.len(), 1);
        let before = lock.clone();
        record_all(&mut lock, &[with("jammy", "8.1"), with("noble", "8.3")]);
        assert_eq!(lock, before);
        record_all(&mut lock, &[with("jammy", "8.1.2"), with("noble", "8.3")]);
        assert_eq!(lock.entries[1].changes, ["Rebuild for php 8.1.2"]);
        assert_eq!(lock.entries[1].versions["jammy"], "1.0-1~ubuntu22.04.2");
    }

    #[test]
    fn long_changes_are_wrapped_at_78_columns() {
        let lines = change_lines(&"word ".repeat(40));
        assert!(lines[0].starts_with("* word") && lines[1].starts_with("  word"));
        assert!(lines.iter().all(|l| l.chars().count() + 2 <= WIDTH), "{lines:?}");
        assert_eq!(change_lines("  continued"), ["  continued"]);
    }
}
