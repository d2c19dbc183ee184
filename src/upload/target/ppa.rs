//! `ppa:` names: which archive of Launchpad, and the folder that its upload
//! daemon takes for it.
//!
//! Only the modern form `~OWNER/ubuntu/NAME[/SERIES]` is ever written: the
//! deprecated ones mean something else as soon as a series is added.

use std::fmt;

use super::TargetError;
use crate::series::{Distro, catalog};

/// Launchpad's own upload host.
pub const HOST: &str = "ppa.launchpad.net";
/// The second one, which takes uploads where the first answers 550.
pub const SECOND_HOST: &str = "upload.ppa.launchpad.net";
/// Of ppa.launchpad.net's RSA host key, from Launchpad's manual.
pub const HOST_KEY: &str = "SHA256:MGq+4hxD7RduVTcfwlwwboZnsgJC6SL/NltM8ye+gNg";

/// A PPA of Ubuntu's; no other distribution has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ppa {
    /// Person or team, without `~`.
    pub owner: String,
    /// Of the archive.
    pub name: String,
    /// Where packages go whatever series their .changes names.
    pub series: Option<String>,
}

impl Ppa {
    /// Parses `ppa:owner/name`, `ppa:owner/distro/name`, `ppa:owner/name/series`
    /// and `ppa:owner/distro/name/series`. Of three parts the last one is a
    /// series unless the second is a distribution and the last is none.
    pub fn parse(text: &str) -> Result<Ppa, TargetError> {
        let rest = text.strip_prefix("ppa:").unwrap_or(text).trim_end_matches('/');
        let rest = rest.strip_prefix('~').unwrap_or(rest);
        let parts: Vec<&str> = rest.split('/').collect();
        let wrong = |reason: String| TargetError::Ppa { target: text.to_string(), reason, written: None };
        for part in &parts {
            check_name(part).map_err(|reason| TargetError::Ppa {
                target: text.to_string(),
                written: Some(rest.to_lowercase()).filter(|lower| lower != rest),
                reason,
            })?;
        }
        let is_distribution = |name: &str| name == "ubuntu" || name == "debian";
        let is_series = |name: &str| catalog().find(name).is_some_and(|s| s.distro == Distro::Ubuntu);
        let (owner, distribution, name, series) = match parts.as_slice() {
            [owner, name] => (owner, None, name, None),
            [owner, distribution, name] if is_distribution(distribution) && !is_series(name) => {
                (owner, Some(*distribution), name, None)
            }
            ["ubuntu", _, _] => return Err(wrong("the owner comes first".to_string())),
            [owner, "ubuntu", name] => (owner, Some("ubuntu"), name, None),
            [owner, name, series] => (owner, None, name, Some(*series)),
            [owner, distribution, name, series] => (owner, Some(*distribution), name, Some(*series)),
            [_] => return Err(wrong("it names an owner, but no archive of theirs".to_string())),
            _ => return Err(wrong("it has too many parts".to_string())),
        };
        if let Some(distribution) = distribution.filter(|name| *name != "ubuntu") {
            return Err(wrong(format!("only ubuntu has PPAs, `{distribution}` has none")));
        }
        if let Some(series) = series.filter(|name| !is_series(name)) {
            let pocket = series.split_once('-').is_some_and(|(name, _)| is_series(name));
            let reason = match pocket {
                true => "a PPA has no pockets".to_string(),
                false => format!("`{series}` is no series of Ubuntu"),
            };
            return Err(wrong(reason));
        }
        Ok(Ppa { owner: owner.to_string(), name: name.to_string(), series: series.map(str::to_string) })
    }

    /// The PPA that a folder of Launchpad's upload daemon is, in its modern form.
    pub fn of_folder(folder: &str) -> Option<Ppa> {
        let path = folder.trim_start_matches('/').trim_end_matches('/').strip_prefix('~')?;
        match path.split('/').collect::<Vec<_>>().as_slice() {
            [_, "ubuntu", _] | [_, "ubuntu", _, _] => Ppa::parse(path).ok(),
            _ => None,
        }
    }

    /// `~owner/ubuntu/name[/series]`.
    pub fn folder(&self) -> String {
        match &self.series {
            Some(series) => format!("~{}/ubuntu/{}/{series}", self.owner, self.name),
            None => format!("~{}/ubuntu/{}", self.owner, self.name),
        }
    }

    /// The archive's own name, without the series: a version is taken once per
    /// archive, in whatever series.
    pub fn identity(&self) -> String {
        format!("ppa:{}/ubuntu/{}", self.owner, self.name)
    }
}

impl fmt::Display for Ppa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ppa:{}/{}", self.owner, self.name)?;
        self.series.as_ref().map_or(Ok(()), |series| write!(f, "/{series}"))
    }
}

/// Launchpad's valid_name: lower case, at least two characters.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a part of it is empty".to_string());
    }
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("`{name}` has capitals, which no name on Launchpad has"));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c);
    if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!("`{bad}` in `{name}` is not allowed in a name on Launchpad"));
    }
    if name.starts_with(['+', '.', '-']) || name.len() < 2 {
        return Err(format!("`{name}` is no name on Launchpad"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_becomes_the_modern_folder() {
        for (text, folder) in [
            ("ppa:du9l/ngx-pagespeed", "~du9l/ubuntu/ngx-pagespeed"),
            ("ppa:~du9l/ppa/", "~du9l/ubuntu/ppa"),
            ("ppa:du9l/ubuntu/ppa", "~du9l/ubuntu/ppa"),
            ("ppa:du9l/ppa/noble", "~du9l/ubuntu/ppa/noble"),
            ("ppa:du9l/ubuntu/ppa/noble", "~du9l/ubuntu/ppa/noble"),
            ("ppa:du9l/debian/noble", "~du9l/ubuntu/debian/noble"),
            // a PPA may be called like a series; a distribution before it says so
            ("ppa:du9l/ubuntu/noble", "~du9l/ubuntu/noble"),
        ] {
            let ppa = Ppa::parse(text).unwrap();
            assert_eq!(ppa.folder(), folder, "{text}");
            assert_eq!(Ppa::of_folder(&format!("/{folder}/")).unwrap(), ppa);
        }
        assert_eq!(Ppa::of_folder("~du9l/ppa/ubuntu"), None);
        assert_eq!(Ppa::of_folder("/incoming"), None);
        assert_eq!(Ppa::parse("ppa:o1/n1/noble").unwrap().identity(), "ppa:o1/ubuntu/n1");
    }

    #[test]
    fn refusals_say_why() {
        let why = |text: &str| match Ppa::parse(text).unwrap_err() {
            TargetError::Ppa { reason, .. } => reason,
            other => other.to_string(),
        };
        assert_eq!(why("ppa:du9l"), "it names an owner, but no archive of theirs");
        assert_eq!(why("ppa:Du9l/x1"), "`Du9l` has capitals, which no name on Launchpad has");
        assert_eq!(why("ppa:du9l//x1"), "a part of it is empty");
        assert_eq!(why("ppa:du9l/x_1"), "`_` in `x_1` is not allowed in a name on Launchpad");
        assert_eq!(why("ppa:du9l/debian/x1"), "only ubuntu has PPAs, `debian` has none");
        assert_eq!(why("ppa:du9l/x1/unstable"), "`unstable` is no series of Ubuntu");
        assert_eq!(why("ppa:du9l/x1/bookworm"), "`bookworm` is no series of Ubuntu");
        assert_eq!(why("ppa:du9l/x1/noble-proposed"), "a PPA has no pockets");
        assert_eq!(why("ppa:du9l/a1/b1/c1/d1"), "it has too many parts");
        assert_eq!(why("ppa:ubuntu/du9l/x1"), "the owner comes first");
    }
}
