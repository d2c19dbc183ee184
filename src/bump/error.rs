//! Why a recipe cannot be moved to a version.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Failure, Kind, Place};

/// What stands in the way.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum BumpError {
    #[error("`{0}` is no version")]
    NoVersion(String),
    #[error("`{0}` has a revision")]
    HasRevision(String),
    #[error("{new} is lower than {old}: no archive takes it")]
    Downgrade { old: String, new: String, epoch: u64, place: Box<Place> },
    #[error("the recipe is at {0} already")]
    Same(String, Box<Place>),
    #[error("`revision = \"{0}\"` cannot be counted on")]
    Revision(String, Box<Place>),
    #[error("the sources of {new} are those of {old}")]
    SameSources { old: String, new: String, from: String, is_commit: bool, place: Box<Place> },
    #[error("{} was written by another pkgr meanwhile", .0.display())]
    LockChanged(PathBuf),
}

impl From<BumpError> for Failure {
    fn from(error: BumpError) -> Failure {
        let message = error.to_string();
        let found = |code| Diagnostic::error(code, message.clone());
        match error {
            BumpError::NoVersion(_) => Failure::new(
                Kind::Usage,
                found("bad-version").hint("a version begins with a digit: `2.13`, `1:2.13~rc1`"),
            ),
            BumpError::HasRevision(text) => {
                let upstream = text.rsplit_once('-').map_or(text.as_str(), |(upstream, _)| upstream);
                let hint = format!("name the version alone, `{upstream}`; `-m TEXT` makes a new revision");
                Failure::new(Kind::Usage, found("version-hyphen").hint(hint))
            }
            BumpError::Downgrade { new, epoch, place, .. } => {
                let plain = new.split_once(':').map_or(new.as_str(), |(_, upstream)| upstream);
                let hint = format!(
                    "an epoch puts it above all: `pkgr bump {}:{plain}`; it can never be taken back",
                    epoch + 1
                );
                Failure::recipe(found("version-lower").at(*place).hint(hint))
            }
            BumpError::Same(_, place) => {
                let hint = "`-m TEXT` makes a new revision, `--rebuild` counts the same one on";
                Failure::recipe(found("version-same").at(*place).hint(hint))
            }
            BumpError::Revision(_, place) => Failure::recipe(
                found("bad-revision").at(*place).hint("give it a number at its end, or change it by hand"),
            ),
            BumpError::SameSources { from, is_commit, place, .. } => {
                let hint = match is_commit {
                    true => {
                        "write `tag = \"v{{ upstream_version }}\"` instead of the `commit`, or change the commit first"
                    }
                    false => "write the version as `{{ version }}`, or `{{ upstream_version }}`, in it",
                };
                Failure::recipe(found("same-sources").at(*place).because(format!("it stays {from}")).hint(hint))
            }
            BumpError::LockChanged(_) => Failure::recipe(found("lock-outdated").hint("run `pkgr bump` again")),
        }
    }
}
