//! Debian versions: parts, syntax and order (deb-version(7), Policy 5.6.12).
//!
//! The comparison is dpkg's own algorithm, written anew, rather than a crate's:
//! the ones there are disagree with dpkg on `9a` and `9a0`.

use std::cmp::Ordering;
use std::fmt;

/// A version in its three parts. Equality and order are dpkg's: `1.0` equals
/// `1.0-0`, for a missing revision compares as `0`.
#[derive(Debug, Clone)]
pub struct Version {
    /// The epoch; `None` when none is written, which compares as 0.
    pub epoch: Option<u32>,
    /// The upstream part; may hold hyphens when there is a revision.
    pub upstream: String,
    /// The part after the last hyphen; `None` in a native version.
    pub revision: Option<String>,
}

/// Why a string is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Nothing there.
    #[error("version is empty")]
    Empty,
    /// The part before the colon is not a number that fits 31 bits.
    #[error("epoch `{0}` is not a number")]
    Epoch(String),
    /// The upstream part is empty or does not begin with a digit.
    #[error("version `{0}` does not begin with a digit")]
    NoDigit(String),
    /// The part after the last hyphen is empty.
    #[error("revision of `{0}` is empty")]
    EmptyRevision(String),
    /// A character that no version may hold.
    #[error("character `{1}` is not allowed in version `{0}`")]
    Character(String, char),
}

impl Version {
    /// Parses what dpkg accepts without a warning: the upstream part begins with
    /// a digit and consists of alphanumerics and `.+-~:`, the revision of
    /// alphanumerics and `+.~`.
    pub fn parse(text: &str) -> Result<Version, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => {
                let number = epoch.parse::<u32>().ok().filter(|n| *n <= i32::MAX as u32);
                let plain = epoch.bytes().all(|b| b.is_ascii_digit());
                (Some(number.filter(|_| plain).ok_or_else(|| VersionError::Epoch(epoch.to_string()))?), rest)
            }
            None => (None, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((upstream, revision)) => (upstream, Some(revision)),
            None => (rest, None),
        };
        if !upstream.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(VersionError::NoDigit(text.to_string()));
        }
        if let Some(bad) = upstream.chars().find(|c| !(c.is_ascii_alphanumeric() || ".+-~:".contains(*c))) {
            return Err(VersionError::Character(text.to_string(), bad));
        }
        if let Some(revision) = revision {
            if revision.is_empty() {
                return Err(VersionError::EmptyRevision(text.to_string()));
            }
            if let Some(bad) = revision.chars().find(|c| !(c.is_ascii_alphanumeric() || "+.~".contains(*c))) {
                return Err(VersionError::Character(text.to_string(), bad));
            }
        }
        Ok(Version { epoch, upstream: upstream.to_string(), revision: revision.map(str::to_string) })
    }

    /// Whether it has no revision, as native packages have.
    pub fn is_native(&self) -> bool {
        self.revision.is_none()
    }

    /// The version as file names carry it: without its epoch.
    pub fn without_epoch(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{}-{revision}", self.upstream),
            None => self.upstream.clone(),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        f.write_str(&self.without_epoch())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let revision = |v: &Version| v.revision.clone().unwrap_or_default();
        self.epoch
            .unwrap_or(0)
            .cmp(&other.epoch.unwrap_or(0))
            .then_with(|| compare_part(&self.upstream, &other.upstream))
            .then_with(|| compare_part(&revision(self), &revision(other)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// Compares two upstream parts or two revisions: alternately the longest
/// non-digit prefix (letters before other characters, `~` before the end) and
/// the longest digit prefix (as numbers of any length).
fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let weight = |part: &[u8]| match part.first() {
        None => 0,
        Some(c) if c.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    };
    let at_text = |part: &[u8]| part.first().is_some_and(|c| !c.is_ascii_digit());
    while !a.is_empty() || !b.is_empty() {
        while at_text(a) || at_text(b) {
            match weight(a).cmp(&weight(b)) {
                Ordering::Equal => (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default()),
                unequal => return unequal,
            }
        }
        let digits = |part: &[u8]| part.iter().take_while(|c| c.is_ascii_digit()).count();
        let ((number_a, rest_a), (number_b, rest_b)) = (a.split_at(digits(a)), b.split_at(digits(b)));
        let significant = |number: &[u8]| {
            let zeros = number.iter().take_while(|c| **c == b'0').count();
            number[zeros..].to_vec()
        };
        let (number_a, number_b) = (significant(number_a), significant(number_b));
        let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(&number_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn order() {
        for (low, high) in [
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0a"),
            ("1.9", "1.10"),
            ("2.0", "1:1.0"),
            ("1.0-1~ubuntu20.04.1", "1.0-1~ubuntu22.04.1"),
            ("1.0-1~ubuntu22.04.9", "1.0-1~ubuntu22.04.10"),
            ("1.0-1~deb12u1", "1.0-1"),
            ("1.0-1", "1.0.1-1"),
            ("1.0-1~", "1.0-1"),
            ("1.13.35.2+nginx1.18.0-6ubuntu14.4~ubuntu22.04.1", "1.13.35.2+nginx1.18.0-6ubuntu14.10~ubuntu22.04.1"),
        ] {
            assert!(version(low) < version(high), "{low} < {high}");
            assert!(version(high) > version(low), "{high} > {low}");
        }
        for (a, b) in [("9a", "9a0"), ("1", "1-0"), ("0:1", "1"), ("1.00", "1.0")] {
            assert_eq!(version(a), version(b), "{a} = {b}");
        }
    }

    #[test]
    fn parts() {
        let v = version("1:2.0-rc-3~deb12u1");
        assert_eq!((v.epoch, v.upstream.as_str(), v.revision.as_deref()), (Some(1), "2.0-rc", Some("3~deb12u1")));
        assert_eq!(v.without_epoch(), "2.0-rc-3~deb12u1");
        assert_eq!(v.to_string(), "1:2.0-rc-3~deb12u1");
        assert!(version("1.0").is_native());
    }

    #[test]
    fn refusals() {
        for bad in ["", "a1", "1_0", "1.0-", ":1", "x:1", "-1:1", "1.0 ", "99999999999:1", "1-a_b", "ü", "+1:2"] {
            assert!(Version::parse(bad).is_err(), "{bad:?}");
        }
    }
}
