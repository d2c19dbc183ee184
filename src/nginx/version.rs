//! nginx's version as one number, which is how a module carries it.

use std::fmt;
use std::str::FromStr;

/// `nginx_version` of src/core/nginx.h: 1018000 is 1.18.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0 / 1_000_000, self.0 / 1000 % 1000, self.0 % 1000)
    }
}

/// Text that is no version of nginx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version of nginx")]
pub struct NoVersion(String);

impl FromStr for Version {
    type Err = NoVersion;

    /// Reads `1.18.0`.
    fn from_str(text: &str) -> Result<Version, NoVersion> {
        let parse = || {
            let mut parts = text.split('.');
            let mut part = || {
                let part = parts.next()?;
                let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
                part.parse::<u64>().ok().filter(|_| digits)
            };
            let number = part()? * 1_000_000 + part()? * 1000 + part()?;
            parts.next().is_none().then_some(Version(number))
        };
        parse().ok_or_else(|| NoVersion(text.chars().take(100).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number() {
        for (text, number) in [("1.18.0", 1_018_000), ("1.9.11", 1_009_011), ("1.26.3", 1_026_003)] {
            assert_eq!(text.parse(), Ok(Version(number)));
            assert_eq!(Version(number).to_string(), text);
        }
        for wrong in ["", "1.18", "1.18.0.1", "1.+8.0", "1.1800.0", "1..0"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}
