//! Suites as Launchpad looks them up: a series by code name, or its alias
//! `devel`, with an optional pocket behind it; the case counts.

use std::path::Path;
use std::sync::LazyLock;

use crate::series::{Catalog, Distro, Series};

/// The machine's own distro-info may know series that are newer than pkgr.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::newest(Path::new("/")));

/// Behind a series: what an upload is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Pocket {
    Release,
    Security,
    Updates,
    Proposed,
    Backports,
}

/// A series and a pocket of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// An alias is resolved.
    pub series: Series,
    /// Which of its archives.
    pub pocket: Pocket,
}

/// Looks a suite up. `today` (ISO date) says which series `devel` is.
pub fn find(name: &str, distro: Distro, today: &str) -> Option<Suite> {
    let pockets = [
        ("-backports", Pocket::Backports),
        ("-proposed", Pocket::Proposed),
        ("-security", Pocket::Security),
        ("-updates", Pocket::Updates),
        ("", Pocket::Release),
    ];
    pockets.into_iter().find_map(|(suffix, pocket)| {
        let series = series(name.strip_suffix(suffix)?, distro, today)?;
        Some(Suite { series: series.clone(), pocket })
    })
}

fn series(name: &str, distro: Distro, today: &str) -> Option<&'static Series> {
    let mut own = CATALOG.all().iter().filter(|series| series.distro == distro);
    if name == "devel" && distro == Distro::Ubuntu {
        let all: Vec<&Series> = own.collect();
        let next = all.iter().find(|series| series.release.is_empty() || series.release.as_str() > today);
        return next.or(all.last()).copied();
    }
    own.find(|series| series.name == name)
}

/// What may have been meant by a name that is no suite.
pub fn advice(name: &str, distro: Distro) -> Option<String> {
    let number = CATALOG.all().iter().find(|series| !series.number.is_empty() && series.number == name);
    let lower = CATALOG.find(&name.to_lowercase()).filter(|series| series.distro == distro);
    let elsewhere = CATALOG.find(name).filter(|series| series.distro != distro);
    if let Some(series) = number.or(lower) {
        return Some(format!("series are named by code name: {}", series.name));
    }
    elsewhere.map(|series| format!("{name} is a series of {}", series.distro.vendor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites() {
        let found = |name: &str| find(name, Distro::Ubuntu, "2026-11-24").map(|s| (s.series.name, s.pocket));
        assert_eq!(found("noble"), Some(("noble".into(), Pocket::Release)));
        assert_eq!(found("noble-security"), Some(("noble".into(), Pocket::Security)));
        for bad in ["Noble", "24.04", "unstable", "UNRELEASED", "noble-foo", "noble noble", "", "-updates", "trixie"] {
            assert_eq!(found(bad), None, "{bad}");
        }
        assert_eq!(advice("24.04", Distro::Ubuntu).as_deref(), Some("series are named by code name: noble"));
        assert_eq!(advice("trixie", Distro::Ubuntu).as_deref(), Some("trixie is a series of Debian"));
        assert!(found("devel").is_some() && found("devel-proposed").is_some());
        let of_2024 = find("devel", Distro::Ubuntu, "2024-01-01").unwrap();
        assert_eq!(of_2024.series.name, "noble");
    }
}
