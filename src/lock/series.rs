//! What the lock keeps of a series that a pkgr may not know yet.

use serde::{Deserialize, Serialize};

use crate::series::{Distro, Series};

/// A row of the series data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSeries {
    /// `debian` or `ubuntu`.
    pub distro: String,
    /// Code name.
    pub name: String,
    /// `28.04`, `15`.
    pub number: String,
    /// ISO date from which it is in development.
    pub created: String,
}

impl LockedSeries {
    /// What there is to keep of a series.
    pub fn of(series: &Series) -> LockedSeries {
        LockedSeries {
            distro: series.distro.name().to_string(),
            name: series.name.clone(),
            number: series.number.clone(),
            created: series.created.clone(),
        }
    }

    /// The series, to be learnt.
    pub fn series(&self) -> Option<Series> {
        let distro = [Distro::Debian, Distro::Ubuntu].into_iter().find(|distro| distro.name() == self.distro)?;
        Some(Series::new(distro, &self.name, &self.number, &self.created))
    }

    /// What is wrong with it: its number is a part of versions, its name one of
    /// file names.
    pub(super) fn fault(&self) -> Option<String> {
        let plain = |text: &str, more: &str, good: fn(&char) -> bool| {
            !text.is_empty() && text.chars().all(|c| good(&c) || more.contains(c))
        };
        let good = plain(&self.name, "", char::is_ascii_lowercase)
            && plain(&self.number, ".", char::is_ascii_digit)
            && plain(&self.created, "-", char::is_ascii_digit)
            && self.series().is_some();
        (!good).then(|| format!("`{}` is no series of Ubuntu or Debian", self.name.escape_debug()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_would_spoil_versions_are_refused() {
        let good = LockedSeries {
            distro: "ubuntu".into(),
            name: "lockedzebra".into(),
            number: "31.04".into(),
            created: "2030-10-18".into(),
        };
        assert_eq!(good.fault(), None);
        assert_eq!(LockedSeries::of(&good.series().unwrap()), good);
        for (field, value) in
            [("distro", "mint"), ("name", "../x"), ("number", "1-2"), ("created", "soon"), ("number", "")]
        {
            let mut bad = good.clone();
            match field {
                "distro" => bad.distro = value.into(),
                "name" => bad.name = value.into(),
                "number" => bad.number = value.into(),
                _ => bad.created = value.into(),
            }
            assert!(bad.fault().is_some(), "{field} {value}");
        }
    }
}
