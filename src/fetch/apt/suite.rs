//! Suites: the folders below `dists/`, by series and pocket.

use std::fmt;

use crate::series::{Distro, Series};

/// What of a series: its release, or one of the pockets that are laid over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pocket {
    /// The release itself.
    Release,
    /// `-security`
    Security,
    /// `-updates`
    Updates,
    /// `-proposed`; Debian says `-proposed-updates`
    Proposed,
    /// `-backports`
    Backports,
}

impl Pocket {
    /// All that a system with default settings installs from.
    pub const ALL: [Pocket; 3] = [Pocket::Release, Pocket::Security, Pocket::Updates];

    /// What stands behind the series' name.
    pub fn suffix(self) -> &'static str {
        match self {
            Pocket::Release => "",
            Pocket::Security => "-security",
            Pocket::Updates => "-updates",
            Pocket::Proposed => "-proposed",
            Pocket::Backports => "-backports",
        }
    }

    /// By its name in recipes.
    pub fn named(name: &str) -> Option<Pocket> {
        Some(match name {
            "release" => Pocket::Release,
            "security" => Pocket::Security,
            "updates" => Pocket::Updates,
            "proposed" => Pocket::Proposed,
            "backports" => Pocket::Backports,
            _ => return None,
        })
    }
}

/// One pocket of one series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Suite {
    /// The series.
    pub series: Series,
    /// Its pocket.
    pub pocket: Pocket,
}

impl Suite {
    /// The suite of a pocket; sid has its release only.
    pub fn new(series: &Series, pocket: Pocket) -> Option<Suite> {
        let rolling = series.distro == Distro::Debian && series.number.is_empty();
        (pocket == Pocket::Release || !rolling).then(|| Suite { series: series.clone(), pocket })
    }

    /// The folder below `dists/`: `jammy-updates`, `bookworm-security`; Debian's
    /// security suites were called `buster/updates` before bullseye.
    pub fn folder(&self) -> String {
        match (self.old_security(), self.pocket) {
            (true, _) => format!("{}/updates", self.series.name),
            (false, Pocket::Proposed) if self.series.distro == Distro::Debian => {
                format!("{}-proposed-updates", self.series.name)
            }
            (false, pocket) => format!("{}{}", self.series.name, pocket.suffix()),
        }
    }

    fn old_security(&self) -> bool {
        self.pocket == Pocket::Security && self.series.distro == Distro::Debian && !self.series.is_since("bullseye")
    }

    /// Whether a Release file that names itself so is this suite's. Ubuntu tells
    /// the pocket in `Suite` only, Debian in `Codename` only, where the suite is
    /// stable today and oldstable tomorrow.
    pub fn is_named(&self, suite: &str, codename: &str, label: &str) -> bool {
        match self.series.distro {
            Distro::Ubuntu => suite == self.folder() && codename == self.series.name,
            Distro::Debian if self.old_security() => {
                label == "Debian-Security" && (codename == self.series.name || codename == self.folder())
            }
            Distro::Debian => codename == self.folder(),
        }
    }

    /// Whether an archive may lack it: a pocket of a series that is not out yet,
    /// or of one out of support, whose pockets some archives drop. Everywhere
    /// else the want of a pocket hides its security updates.
    pub fn may_be_missing(&self, today: &str) -> bool {
        let released = !self.series.release.is_empty() && self.series.release.as_str() <= today;
        self.pocket != Pocket::Release && (!released || self.series.is_eol(today))
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.folder())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::catalog;

    fn suite(series: &str, pocket: Pocket) -> Suite {
        Suite::new(catalog().find(series).unwrap(), pocket).unwrap()
    }

    #[test]
    fn folders() {
        assert_eq!(suite("jammy", Pocket::Release).folder(), "jammy");
        assert_eq!(suite("jammy", Pocket::Updates).folder(), "jammy-updates");
        assert_eq!(suite("bullseye", Pocket::Security).folder(), "bullseye-security");
        assert_eq!(suite("buster", Pocket::Security).folder(), "buster/updates");
        assert_eq!(Suite::new(catalog().find("sid").unwrap(), Pocket::Security), None);
    }

    #[test]
    fn no_pocket_passes_for_another() {
        let ours = suite("jammy", Pocket::Release);
        assert!(ours.is_named("jammy", "jammy", "Ubuntu"));
        assert!(!ours.is_named("jammy-security", "jammy", "Ubuntu"));
        let ours = suite("bookworm", Pocket::Security);
        assert!(ours.is_named("oldstable-security", "bookworm-security", "Debian-Security"));
        assert!(!ours.is_named("bookworm-security", "bookworm", "Debian"));
        assert!(suite("sid", Pocket::Release).is_named("unstable", "sid", "Debian"));
        let ours = suite("buster", Pocket::Security);
        assert!(ours.is_named("oldoldstable", "buster", "Debian-Security"));
        assert!(!ours.is_named("oldoldstable", "buster", "Debian"));
    }

    #[test]
    fn only_the_unborn_and_the_dead_may_lack_a_pocket() {
        assert!(!suite("bookworm", Pocket::Security).may_be_missing("2025-01-01"));
        assert!(suite("bookworm", Pocket::Security).may_be_missing("2035-01-01"));
        assert!(suite("noble", Pocket::Security).may_be_missing("2024-01-01"));
        assert!(!suite("buster", Pocket::Release).may_be_missing("2035-01-01"));
    }
}
