//! The name of a PPA as people write it.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// The distribution that PPAs are for: Launchpad has them for no other.
const UBUNTU: &str = "ubuntu";

/// `ppa:owner/name`, `ppa:owner/distribution/name` or `ppa:owner/name/series`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ppa {
    /// A person or team.
    pub owner: String,
    /// `ubuntu`
    pub distribution: String,
    /// The PPA's own name.
    pub name: String,
    /// The series, where the name is of one only.
    pub series: Option<String>,
}

/// Why a text names no PPA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no PPA: {why}")]
pub struct PpaError {
    text: String,
    why: &'static str,
}

impl Ppa {
    /// The path below the service's root: `~owner/+archive/ubuntu/name`.
    pub fn path(&self) -> String {
        format!("~{}/+archive/{}/{}", self.owner, self.distribution, self.name)
    }

    /// As Launchpad refers to it, and as uploads are addressed: `~owner/ubuntu/name`.
    pub fn reference(&self) -> String {
        format!("~{}/{}/{}", self.owner, self.distribution, self.name)
    }
}

impl FromStr for Ppa {
    type Err = PpaError;

    fn from_str(text: &str) -> Result<Ppa, PpaError> {
        let wrong = |why| PpaError { text: text.escape_debug().to_string(), why };
        let rest = text.strip_prefix("ppa:").ok_or_else(|| wrong("it does not begin with ppa:"))?;
        let parts: Vec<&str> = rest.strip_prefix('~').unwrap_or(rest).split('/').collect();
        if !parts.iter().all(|part| is_name(part)) {
            return Err(wrong("names are of lower-case letters, digits, `+`, `-` and `.`"));
        }
        let (owner, distribution, name, series) = match parts.as_slice() {
            [owner, name] => (owner, UBUNTU, name, None),
            [owner, UBUNTU, name] => (owner, UBUNTU, name, None),
            [owner, UBUNTU, name, series] => (owner, UBUNTU, name, Some(series)),
            [owner, name, series] => (owner, UBUNTU, name, Some(series)),
            _ => return Err(wrong("it is neither ppa:owner/name nor ppa:owner/ubuntu/name")),
        };
        Ok(Ppa {
            owner: (*owner).to_string(),
            distribution: distribution.to_string(),
            name: (*name).to_string(),
            series: series.map(|series| (*series).to_string()),
        })
    }
}

/// Launchpad's names, `^[a-z0-9][a-z0-9+.-]*$`: nothing in them can leave a path.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c))
}

impl fmt::Display for Ppa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ppa:{}/{}", self.owner, self.name)?;
        self.series.as_ref().map_or(Ok(()), |series| write!(f, "/{series}"))
    }
}

impl From<PpaError> for Failure {
    fn from(error: PpaError) -> Failure {
        let diagnostic = Diagnostic::error("bad-ppa", error.to_string());
        Failure::new(Kind::Usage, diagnostic.hint("write it as Launchpad shows it: ppa:owner/name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let ppa: Ppa = "ppa:du9l/nginx".parse().unwrap();
        assert_eq!((ppa.path().as_str(), ppa.series.as_deref()), ("~du9l/+archive/ubuntu/nginx", None));
        assert_eq!("ppa:du9l/ubuntu/nginx".parse::<Ppa>().unwrap(), ppa);
        assert_eq!("ppa:~du9l/nginx".parse::<Ppa>().unwrap(), ppa);
        let of_noble: Ppa = "ppa:du9l/nginx/noble".parse().unwrap();
        assert_eq!((of_noble.path(), of_noble.series.as_deref()), (ppa.path(), Some("noble")));
        assert_eq!("ppa:du9l/ubuntu/nginx/noble".parse::<Ppa>().unwrap(), of_noble);
        assert_eq!(of_noble.to_string(), "ppa:du9l/nginx/noble");
        assert_eq!(ppa.reference(), "~du9l/ubuntu/nginx");
    }

    #[test]
    fn what_is_none() {
        for text in
            ["nginx", "ppa:", "ppa:a", "ppa:a/", "ppa:a/../b", "ppa:A/b", "ppa:a/b/c/d", "ppa:a/b?x", "ppa:a/ b"]
        {
            let failure = Failure::from(text.parse::<Ppa>().unwrap_err());
            assert_eq!(failure.kind.exit_code(), 2, "{text}");
        }
    }
}
