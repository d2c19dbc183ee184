//! What an archive can have that is of no use for the lock.

use crate::diagnostic::{Diagnostic, Failure};

/// Why a followed package cannot be locked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum FollowError {
    #[error("{file} has other bytes now than the lock pins under that name")]
    Rewritten { file: String, lock: String, found: String },
    #[error("{package} {version} has no packaging of format 3.0 (quilt), which modules of nginx need")]
    NoDebianTar { package: String, version: String },
    #[error("{package} {version} has no upstream tarball")]
    NoOrig { package: String, version: String },
    #[error("none of the flavors {flavors} is in the archive as of nginx {version}")]
    NoFlavors { flavors: String, version: String },
    #[error("nginx {version} is not built for {architecture} yet")]
    NotBuilt { version: String, architecture: String, found: String },
    #[error("{deb} cannot be read: {why}")]
    BadDeb { deb: String, why: String },
    #[error("{deb} does not tell {what}")]
    Silent { deb: String, what: &'static str },
    #[error("{package} has no binary, and depends on no flavor that has one")]
    NoBase { package: String },
    #[error("{deb} is of another architecture: {found}")]
    WrongArchitecture { deb: String, found: String },
    #[error("{file} is not in the cache")]
    NotCached { file: String },
}

impl FollowError {
    fn code(&self) -> &'static str {
        match self {
            FollowError::Rewritten { .. } => "apt-rewritten",
            FollowError::NoDebianTar { .. } | FollowError::NoOrig { .. } => "follow-format",
            FollowError::NoFlavors { .. } | FollowError::NoBase { .. } => "follow-no-flavor",
            FollowError::NotBuilt { .. } => "follow-not-built",
            FollowError::BadDeb { .. } => "bad-deb",
            FollowError::NotCached { .. } => "source-offline",
            FollowError::Silent { .. } | FollowError::WrongArchitecture { .. } => "follow-bad-nginx",
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Failure {
        let diagnostic = Diagnostic::error(error.code(), error.to_string());
        Failure::environment(match error {
            FollowError::Rewritten { lock, found, .. } => diagnostic
                .because(format!("the lock says sha256 {lock}"))
                .because(format!("the archive's index says {found}"))
                .hint("an archive ties a name to its bytes for ever: look who changed them; to take the new ones, take the [[follow]] out of recipe.lock"),
            FollowError::NotBuilt { found, .. } => diagnostic
                .because(format!("the archive has {found} for it"))
                .hint("try again in an hour; `architectures` in the recipe says which are needed"),
            _ => diagnostic,
        })
    }
}
