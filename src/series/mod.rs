//! The series of Ubuntu and Debian: code names, numbers, dates, end of life.
//!
//! The data is distro-info-data's (see `README` beside this file), compiled in;
//! [`Catalog::newest`] prefers a newer copy of the same files that the machine
//! has in `/usr/share/distro-info` only for *dates and new names*: nothing in a
//! package depends on which of both was read, for a series' number never moves.

use std::cmp::Ordering;
use std::fmt;
use std::path::Path;

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
pub fn catalog() -> &'static Catalog {
    static CATALOG: std::sync::OnceLock<Catalog> = std::sync::OnceLock::new();
    CATALOG.get_or_init(|| Catalog::parse(UBUNTU, DEBIAN))
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
                let extended =
                    columns.iter().filter(|c| c.starts_with("eol-")).map(|c| cell(c)).max().unwrap_or_default();
                series.push(Series {
                    distro,
                    name: name.to_string(),
                    number: cell("version").trim_end_matches(" LTS").to_string(),
                    release: cell("release").to_string(),
                    eol: cell("eol").to_string(),
                    eol_extended: extended.to_string(),
                    index,
                });
            }
        }
        Catalog { series }
    }

    /// The compiled-in tables, each replaced by the machine's own
    /// `/usr/share/distro-info/*.csv` under `root` where that knows more series.
    pub fn newest(root: &Path) -> Catalog {
        let pick = |name: &str, shipped: &'static str| {
            std::fs::read_to_string(root.join("usr/share/distro-info").join(name))
                .ok()
                .filter(|own| own.lines().count() > shipped.lines().count())
                .unwrap_or_else(|| shipped.to_string())
        };
        Catalog::parse(&pick("ubuntu.csv", UBUNTU), &pick("debian.csv", DEBIAN))
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
    fn order_is_by_release_not_by_name() {
        let find = |n| catalog().find(n).unwrap();
        assert!(find("xenial") < find("bionic"));
        assert!(find("bullseye") < find("bookworm"));
        assert!(find("sid") > find("trixie"));
        assert!(find("noble").is_since("jammy") && !find("noble").is_since("bookworm"));
    }
}
