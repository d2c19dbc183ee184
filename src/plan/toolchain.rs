//! What the packaging tools of each series know: debhelper's compat level and
//! how it is declared, Standards-Version, Rules-Requires-Root.
//!
//! Thresholds, not a list of series, so that a series released tomorrow has
//! the properties of its predecessor.

use crate::series::{Distro, Series};

/// How debhelper's compat level is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompatForm {
    /// A file debian/compat, and `debhelper (>= N)` in Build-Depends.
    File,
    /// `debhelper-compat (= N)` in Build-Depends (debhelper 12 and later).
    BuildDepends,
}

/// The tools of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toolchain {
    /// debhelper compat level.
    pub compat: u8,
    /// How it is declared.
    pub form: CompatForm,
    /// The newest Standards-Version that the series knows, at most 4.6.2.
    pub standards_version: &'static str,
    /// Whether dpkg knows Rules-Requires-Root (1.19.0).
    pub rules_requires_root: bool,
    /// Whether units need the package dh-systemd and `--with systemd`.
    pub dh_systemd: bool,
}

/// (first series, compat, form, Standards-Version, Rules-Requires-Root)
type Row = (&'static str, u8, CompatForm, &'static str, bool);

const UBUNTU: &[Row] = &[
    ("trusty", 9, CompatForm::File, "3.9.5", false),
    ("xenial", 9, CompatForm::File, "3.9.7", false),
    ("yakkety", 9, CompatForm::File, "3.9.8", false),
    ("artful", 10, CompatForm::File, "4.1.1", false),
    ("bionic", 11, CompatForm::File, "4.1.4", true),
    ("cosmic", 11, CompatForm::File, "4.2.1", true),
    ("disco", 12, CompatForm::BuildDepends, "4.3.0", true),
    ("eoan", 12, CompatForm::BuildDepends, "4.4.1", true),
    ("focal", 12, CompatForm::BuildDepends, "4.5.0", true),
    ("groovy", 13, CompatForm::BuildDepends, "4.5.0", true),
    ("hirsute", 13, CompatForm::BuildDepends, "4.5.1", true),
    ("jammy", 13, CompatForm::BuildDepends, "4.6.0", true),
    ("kinetic", 13, CompatForm::BuildDepends, "4.6.1", true),
    ("lunar", 13, CompatForm::BuildDepends, "4.6.2", true),
];

const DEBIAN: &[Row] = &[
    ("jessie", 9, CompatForm::File, "3.9.6", false),
    ("stretch", 10, CompatForm::File, "3.9.8", false),
    ("buster", 12, CompatForm::BuildDepends, "4.3.0", true),
    ("bullseye", 13, CompatForm::BuildDepends, "4.5.1", true),
    ("bookworm", 13, CompatForm::BuildDepends, "4.6.2", true),
];

impl Toolchain {
    /// The tools of `series`; one older than the oldest known takes the oldest's.
    pub fn of(series: &Series) -> Toolchain {
        let table = match series.distro {
            Distro::Ubuntu => UBUNTU,
            Distro::Debian => DEBIAN,
        };
        let row = table.iter().rev().find(|row| series.is_since(row.0)).unwrap_or(&table[0]);
        Toolchain {
            compat: row.1,
            form: row.2,
            standards_version: row.3,
            rules_requires_root: row.4,
            dh_systemd: row.1 < 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::catalog;

    #[test]
    fn per_series() {
        let of = |name| Toolchain::of(catalog().find(name).unwrap());
        assert_eq!((of("xenial").compat, of("xenial").form), (9, CompatForm::File));
        assert!(of("xenial").dh_systemd && !of("bionic").dh_systemd);
        assert_eq!((of("bionic").compat, of("bionic").form), (11, CompatForm::File));
        assert_eq!((of("focal").compat, of("focal").form), (12, CompatForm::BuildDepends));
        assert_eq!((of("jammy").compat, of("jammy").standards_version), (13, "4.6.0"));
        assert_eq!((of("trixie").compat, of("trixie").standards_version), (13, "4.6.2"));
        assert_eq!(of("resolute").compat, 13);
        assert_eq!(of("sid").standards_version, "4.6.2");
    }
}
