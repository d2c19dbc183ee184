//! The series of Ubuntu and Debian: code names, numbers, dates, end of life.
//!
//! The data is distro-info-data's (see `README` beside this file), compiled in.
//! Newer data adds series to it ([`learn`]): what `pkgr update` finds on the
//! machine or in Debian's archive goes into the lock of the recipes that name
//! them, and from there it is learnt by every later run, on any machine. Of a
//! series that is compiled in nothing changes: a package never depends on which
//! data was read, for names and numbers do not move.

use std::cmp::Ordering;
use std::fmt;
use std::path::Path;
use std::sync::{OnceLock, RwLock};

const UBUNTU: &str = include_str!("ubuntu.csv");
const DEBIAN: &str = include_str!("debian.csv");

/// The distribution that a series belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Distro {
    /// Debian.
    Debian,
    /// Ubuntu.
    Ubuntu,
}

impl Distro {
    /// `debian` or `ubuntu`, as selectors and templates write it.
    pub fn name(self) -> &'static str {
        match self {
            Distro::Debian => "debian",
            Distro::Ubuntu => "ubuntu",
        }
    }
    /// `Debian` or `Ubuntu`, as dpkg's origin files and Build-Origin write it.
    pub fn vendor(self) -> &'static str {
        match self {
            Distro::Debian => "Debian",
            Distro::Ubuntu => "Ubuntu",
        }
    }
}

impl fmt::Display for Distro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One series. Ordered within its distribution by release; Debian before Ubuntu.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Series {
    /// The distribution.
    pub distro: Distro,
    /// Code name as in `Distribution:`, e.g. `jammy`.
    pub name: String,
    /// `22.04` or `12`; empty for sid, which has none.
    pub number: String,
    /// Whether it has long-term support (Ubuntu's every second year; all of Debian's).
    pub lts: bool,
    /// ISO date from which it is in development.
    pub created: String,
    /// ISO date of release, empty if not planned.
    pub release: String,
    /// ISO date of the end of general support, empty if not known.
    pub eol: String,
    /// ISO date of the end of the longest support (LTS, ESM, ELTS), empty if none.
    pub eol_extended: String,
    /// Position among its distribution's series.
    index: usize,
}

impl Series {
    /// The part of a Debian version that names the series: `~ubuntu22.04.` or
    /// `~deb12u`; the counter follows. Numbers, because code names do not sort
    /// (xenial > bionic). sid, without a number, takes the one after all others.
    pub fn version_suffix(&self) -> String {
        match self.distro {
            Distro::Ubuntu => format!("~ubuntu{}.", self.number),
            Distro::Debian if self.number.is_empty() => "~sid".to_string(),
            Distro::Debian => format!("~deb{}u", self.number),
        }
    }
    /// A series of which only this is known; its place among the others is found
    /// when it is learnt.
    pub fn new(distro: Distro, name: &str, number: &str, created: &str) -> Series {
        Series {
            distro,
            name: name.to_string(),
            number: number.to_string(),
            lts: distro == Distro::Debian,
            created: created.to_string(),
            release: String::new(),
            eol: String::new(),
            eol_extended: String::new(),
            index: usize::MAX,
        }
    }
    /// Whether general support has ended on `today` (ISO date).
    pub fn is_eol(&self, today: &str) -> bool {
        !self.eol.is_empty() && self.eol.as_str() < today
    }
    /// Whether every support has ended on `today` (ISO date).
    pub fn is_dead(&self, today: &str) -> bool {
        let last = self.eol.as_str().max(self.eol_extended.as_str());
        !last.is_empty() && last < today
    }
    /// Whether this series is the named one or later, in the same distribution.
    /// A name of the other distribution, or unknown, is never reached.
    pub fn is_since(&self, name: &str) -> bool {
        catalog().find(name).is_some_and(|other| other.distro == self.distro && self.index >= other.index)
    }
}

impl PartialOrd for Series {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Series {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distro.cmp(&other.distro).then(self.index.cmp(&other.index))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// All known series.
#[derive(Debug, Clone)]
pub struct Catalog {
    series: Vec<Series>,
}

/// The compiled-in catalog.
pub fn shipped() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::parse(UBUNTU, DEBIAN))
}

/// What was learnt; none while that is nothing.
static LEARNT: RwLock<Option<&'static Catalog>> = RwLock::new(None);

/// The compiled-in catalog and the series learnt since.
pub fn catalog() -> &'static Catalog {
    LEARNT.read().ok().and_then(|learnt| *learnt).unwrap_or_else(shipped)
}

/// Adds series that are not known by name, for the rest of the process. Each comes
/// after those that were known, in the order of their creation.
pub fn learn<'s>(series: impl IntoIterator<Item = &'s Series>) {
    let Ok(mut learnt) = LEARNT.write() else { return };
    let known: &Catalog = learnt.unwrap_or_else(shipped);
    let mut new: Vec<Series> = Vec::new();
    for one in series {
        // without a number there is no version to give it
        if known.find(&one.name).is_none() && !one.number.is_empty() && !new.iter().any(|other| other.name == one.name)
        {
            new.push(one.clone());
        }
    }
    if new.is_empty() {
        return;
    }
    new.sort_by(|a, b| (a.distro, &a.created, &a.name).cmp(&(b.distro, &b.created, &b.name)));
    let mut all = known.clone();
    for mut one in new {
        let later = all.series.iter().filter(|other| other.distro == one.distro && other.index != usize::MAX);
        one.index = later.map(|other| other.index + 1).max().unwrap_or(0);
        all.series.push(one);
    }
    // a few series in the life of a process: the old catalogs stay where references are
    *learnt = Some(Box::leak(Box::new(all)));
}

impl Catalog {
    /// Reads two distro-info tables (their header line names the columns).
    /// Lines that do not parse are left out; rc-buggy is no series to target.
    pub fn parse(ubuntu: &str, debian: &str) -> Catalog {
        let mut series = Vec::new();
        for (distro, table) in [(Distro::Debian, debian), (Distro::Ubuntu, ubuntu)] {
            let mut lines = table.lines();
            let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
            for (index, line) in lines.enumerate() {
                let cells: Vec<&str> = line.split(',').collect();
                let cell = |name: &str| {
                    columns.iter().position(|c| *c == name).and_then(|i| cells.get(i)).map_or("", |v| v.trim())
                };
                let name = cell("series");
                if name.is_empty() || name == "rc-buggy" {
                    continue;
                }
                let number = cell("version");
                let extended =
                    columns.iter().filter(|c| c.starts_with("eol-")).map(|c| cell(c)).max().unwrap_or_default();
                series.push(Series {
                    distro,
                    name: name.to_string(),
                    lts: distro == Distro::Debian || number.ends_with(" LTS"),
                    created: cell("created").to_string(),
                    release: cell("release").to_string(),
                    eol: cell("eol").to_string(),
                    eol_extended: extended.to_string(),
                    // sid comes after all that are still to come
                    index: if number.is_empty() { usize::MAX } else { index },
                    number: number.trim_end_matches(" LTS").to_string(),
                });
            }
        }
        Catalog { series }
    }

    /// The compiled-in tables, each replaced by the given one where that knows more
    /// series; an empty one is none.
    pub fn newer(ubuntu: &str, debian: &str) -> Catalog {
        let pick = |own: &'_ str, shipped: &'static str| {
            if own.lines().count() > shipped.lines().count() { own.to_string() } else { shipped.to_string() }
        };
        Catalog::parse(&pick(ubuntu, UBUNTU), &pick(debian, DEBIAN))
    }

    /// [`Catalog::newer`] with the tables of the machine whose root this is.
    pub fn newest(root: &Path) -> Catalog {
        let table = |name| std::fs::read_to_string(root.join("usr/share/distro-info").join(name)).unwrap_or_default();
        Catalog::newer(&table("ubuntu.csv"), &table("debian.csv"))
    }

    /// A series by code name.
    pub fn find(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|s| s.name == name)
    }

    /// All series, Debian's then Ubuntu's, each oldest first.
    pub fn all(&self) -> &[Series] {
        &self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_dates() {
        let jammy = catalog().find("jammy").unwrap();
        assert_eq!((jammy.distro, jammy.number.as_str()), (Distro::Ubuntu, "22.04"));
        assert_eq!(jammy.release, "2022-04-21");
        assert!(jammy.is_eol("2027-06-02") && !jammy.is_eol("2026-11-24"));
        assert!(!jammy.is_dead("2030-01-01"));
        let trixie = catalog().find("trixie").unwrap();
        assert_eq!(trixie.version_suffix(), "~deb13u");
        assert!(catalog().find("rc-buggy").is_none());
    }

    #[test]
    fn what_is_learnt_comes_after_what_is_known() {
        let ubuntu = format!(
            "{UBUNTU}30.10,Zesty Yak,learntyak,2030-04-25,2030-10-17,2031-07-17\n\
            30.04 LTS,Yellow Xerus,learntxerus,2029-10-25,2030-04-25,2035-05-29\n"
        );
        let newer = Catalog::newer(&ubuntu, "short");
        assert_eq!(newer.find("trixie"), shipped().find("trixie"), "what is shorter is older");
        learn(newer.all());
        learn(newer.all());
        let find = |n| catalog().find(n).unwrap();
        assert!(find("learntxerus") < find("learntyak") && find("noble") < find("learntxerus"));
        assert!(find("learntxerus").lts && !find("learntyak").lts && find("jammy").lts);
        assert_eq!(find("learntyak").version_suffix(), "~ubuntu30.10.");
        assert!(shipped().find("learntyak").is_none());
        assert!(find("sid") > find("trixie") && find("learntyak").is_since("jammy"));
    }

    #[test]
    fn order_is_by_release_not_by_name() {
        let find = |n| catalog().find(n).unwrap();
        assert!(find("xenial") < find("bionic"));
        assert!(find("bullseye") < find("bookworm"));
        assert!(find("sid") > find("trixie"));
        assert!(find("noble").is_since("jammy") && !find("noble").is_since("bookworm"));
    }
}
