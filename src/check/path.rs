//! Upload paths: which archive and suite the folder means that files are sent to
//! (Launchpad's `parse_upload_path`). Whether the owner and the PPA exist is
//! known to Launchpad alone.

use crate::check::suite::{self, Suite};
use crate::series::Distro;

/// Where an upload goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPath {
    /// As written.
    pub path: String,
    /// Which archive.
    pub archive: TargetArchive,
    /// The series and pocket that the path names, if it does.
    pub suite: Option<Suite>,
    /// Whether Launchpad calls this form deprecated.
    pub is_deprecated: bool,
}

/// An archive of Launchpad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetArchive {
    /// A distribution's own.
    Primary(Distro),
    /// A PPA of Ubuntu's.
    Ppa {
        /// A person's or team's name.
        owner: String,
        /// The PPA's.
        name: String,
    },
}

/// Why a path names no archive, in Launchpad's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum PathError {
    #[error("Could not find distribution '{0}'.")]
    Distribution(String),
    #[error("Could not find suite '{0}'.")]
    Suite(String),
    #[error("Could not find a PPA owned by '{owner}' for '{distribution}' named '{name}'.")]
    Ppa { owner: String, distribution: String, name: String },
    #[error("Path format mismatch.")]
    Form,
    /// For builders; its own message.
    #[error("Invalid upload path ({0}) for this policy (insecure)")]
    Builders(String),
}

impl PathError {
    /// The rejection, all of it.
    pub fn message(&self, path: &str) -> String {
        let advice = match self {
            PathError::Builders(_) => return self.to_string(),
            _ if path.starts_with('~') => {
                "Please check the documentation at https://help.launchpad.net/Packaging/PPA/Uploading \
                 and update your configuration."
            }
            _ => "Please update your dput/dupload configuration and then re-upload.",
        };
        format!(
            "Launchpad failed to process the upload path '{path}':\n\n{self}\n\n\
             It is likely that you have a configuration problem with dput/dupload.\n{advice}\n"
        )
    }
}

/// Reads a path, without a slash at its ends. `today` (ISO date) says which
/// series `devel` is.
pub fn parse(path: &str, today: &str) -> Result<UploadPath, PathError> {
    let path = path.trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let first = parts.first().copied().unwrap_or_default();
    let done = |archive, suite, is_deprecated| UploadPath { path: path.to_string(), archive, suite, is_deprecated };
    match (first.strip_prefix('~'), parts.as_slice()) {
        (None, _) if !first.is_empty() && first.chars().all(char::is_numeric) => {
            Err(PathError::Builders(path.to_string()))
        }
        (None, [distribution]) => Ok(done(TargetArchive::Primary(distro(distribution)?), None, false)),
        (None, [distribution, name]) => {
            let distro = distro(distribution)?;
            Ok(done(TargetArchive::Primary(distro), Some(named(name, distro, today)?), false))
        }
        (Some(owner), [_, "ubuntu"]) => Ok(done(ppa(owner, "ppa"), None, true)),
        (Some(owner), [_, name]) => Ok(done(ppa(owner, name), None, true)),
        (Some(owner), [_, front, back, rest @ ..]) if rest.len() <= 1 => {
            let (distribution, name, is_deprecated) = match *back {
                "ubuntu" => ("ubuntu", *front, true),
                _ => (*front, *back, false),
            };
            let distro = distro(distribution)?;
            let suite = rest.first().map(|name| named(name, distro, today)).transpose()?;
            if distro != Distro::Ubuntu {
                let (owner, distribution, name) = (owner.into(), distribution.into(), name.into());
                return Err(PathError::Ppa { owner, distribution, name });
            }
            Ok(done(ppa(owner, name), suite, is_deprecated))
        }
        _ => Err(PathError::Form),
    }
}

fn ppa(owner: &str, name: &str) -> TargetArchive {
    TargetArchive::Ppa { owner: owner.to_string(), name: name.to_string() }
}

/// Launchpad knows more distributions, but none that uploads could go to.
fn distro(name: &str) -> Result<Distro, PathError> {
    match name {
        "" | "ubuntu" => Ok(Distro::Ubuntu),
        "debian" => Ok(Distro::Debian),
        _ => Err(PathError::Distribution(name.to_string())),
    }
}

fn named(name: &str, distro: Distro, today: &str) -> Result<Suite, PathError> {
    suite::find(name, distro, today).ok_or_else(|| PathError::Suite(name.to_string()))
}

/// The upload path of a target as people write it: `ppa:OWNER/NAME`,
/// `ppa:OWNER/DISTRIBUTION/NAME`, `ppa:OWNER/NAME/SUITE`. `None` for anything else.
pub fn of_target(target: &str) -> Option<String> {
    let parts: Vec<&str> = target.strip_prefix("ppa:")?.trim_start_matches('~').split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    match parts.as_slice() {
        [owner, name] => Some(format!("~{owner}/ubuntu/{name}")),
        [owner, "ubuntu", name] => Some(format!("~{owner}/ubuntu/{name}")),
        [owner, "debian", name] => Some(format!("~{owner}/debian/{name}")),
        [owner, name, suite] | [owner, "ubuntu", name, suite] => Some(format!("~{owner}/ubuntu/{name}/{suite}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-11-24";

    #[test]
    fn forms() {
        let ppa_of =
            |path: &str| parse(path, TODAY).map(|found| (found.archive, found.suite.is_some(), found.is_deprecated));
        assert_eq!(ppa_of("~o/ubuntu/n"), Ok((ppa("o", "n"), false, false)));
        assert_eq!(ppa_of("~o/ubuntu/n/noble"), Ok((ppa("o", "n"), true, false)));
        assert_eq!(ppa_of("~o/n/ubuntu/noble-proposed"), Ok((ppa("o", "n"), true, true)));
        assert_eq!(ppa_of("~o/n"), Ok((ppa("o", "n"), false, true)));
        assert_eq!(ppa_of("~o/ubuntu"), Ok((ppa("o", "ppa"), false, true)));
        assert_eq!(ppa_of(""), Ok((TargetArchive::Primary(Distro::Ubuntu), false, false)));
        assert_eq!(ppa_of("ubuntu/noble"), Ok((TargetArchive::Primary(Distro::Ubuntu), true, false)));
    }

    #[test]
    fn errors_in_launchpads_words() {
        let error = |path: &str| parse(path, TODAY).unwrap_err().to_string();
        assert_eq!(error("~o/n/noble"), "Could not find distribution 'n'.");
        assert_eq!(error("~o/n/noble/ubuntu"), "Could not find distribution 'n'.");
        assert_eq!(error("~o/ubuntu/n/stable"), "Could not find suite 'stable'.");
        assert_eq!(error("~o/debian/n"), "Could not find a PPA owned by 'o' for 'debian' named 'n'.");
        assert_eq!(error("~o"), "Path format mismatch.");
        assert_eq!(error("a/b/c"), "Path format mismatch.");
        assert_eq!(error("~o/ubuntu/n/noble/x"), "Path format mismatch.");
        assert_eq!(error("123/ubuntu"), "Invalid upload path (123/ubuntu) for this policy (insecure)");
        assert!(parse("~o/n/noble", TODAY).unwrap_err().message("~o/n/noble").starts_with(
            "Launchpad failed to process the upload path '~o/n/noble':\n\nCould not find distribution 'n'."
        ));
    }

    #[test]
    fn targets() {
        assert_eq!(of_target("ppa:o/n").as_deref(), Some("~o/ubuntu/n"));
        assert_eq!(of_target("ppa:o/n/noble").as_deref(), Some("~o/ubuntu/n/noble"));
        assert_eq!(of_target("ppa:o/ubuntu/n").as_deref(), Some("~o/ubuntu/n"));
        assert_eq!(of_target("ppa:o/ubuntu/n/noble").as_deref(), Some("~o/ubuntu/n/noble"));
        assert_eq!(of_target("ppa:o"), None);
        assert_eq!(of_target("ftp://x"), None);
    }
}
