//! What can go wrong between a question to Launchpad and its typed answer, and
//! the one place where that becomes a [`Failure`].

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::fetch::error::FetchError;

/// Why there is no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum LaunchpadError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("address {url} of Launchpad's web service cannot be used: {why}")]
    BadAddress { url: String, why: String },
    #[error("{url} is not asked: --offline forbids it")]
    Offline { url: String },
    #[error("Launchpad cannot be reached: {why}")]
    Unreachable { url: String, why: String, tries: u32, oops: Option<String> },
    #[error("Launchpad did not answer within {} seconds: {why}", limit.as_secs())]
    Slow { url: String, why: String, limit: Duration },
    #[error("Launchpad has no {what}")]
    NotFound { what: String, url: String, said: String },
    #[error("{what} is private")]
    Private { what: String, url: String, said: String },
    #[error("Launchpad refuses the question: {status}")]
    Refused { url: String, status: String, said: String },
    #[error("Launchpad's answer points to {host}, which is not the service")]
    Foreign { link: String, host: String },
    #[error("Launchpad's answer cannot be understood: {why}")]
    Shape { url: String, why: String },
    #[error("Launchpad's answer has more than {limit} bytes")]
    TooLarge { url: String, limit: u64 },
    #[error("Launchpad's list has {size} entries, more than {limit}")]
    TooMany { url: String, size: u64, limit: usize },
}

impl LaunchpadError {
    /// Whether the same question may be answered a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self, LaunchpadError::Unreachable { .. } | LaunchpadError::Slow { .. })
    }

    /// Whether the service says that there is no such thing.
    pub fn is_missing(&self) -> bool {
        matches!(self, LaunchpadError::NotFound { .. })
    }

    fn code(&self) -> &'static str {
        match self {
            LaunchpadError::Fetch(_) => "launchpad-unreachable", // told by its own Failure
            LaunchpadError::BadAddress { .. } => "launchpad-bad-address",
            LaunchpadError::Offline { .. } => "launchpad-offline",
            LaunchpadError::Unreachable { .. } => "launchpad-unreachable",
            LaunchpadError::Slow { .. } => "launchpad-slow",
            LaunchpadError::NotFound { .. } => "launchpad-not-found",
            LaunchpadError::Private { .. } => "launchpad-private",
            LaunchpadError::Refused { .. } => "launchpad-refused",
            LaunchpadError::Foreign { .. } => "launchpad-foreign-link",
            LaunchpadError::Shape { .. } => "launchpad-bad-answer",
            LaunchpadError::TooLarge { .. } | LaunchpadError::TooMany { .. } => "launchpad-too-much",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            LaunchpadError::NotFound { .. } | LaunchpadError::Private { .. } | LaunchpadError::Refused { .. } => {
                Kind::Remote
            }
            _ => Kind::Environment,
        }
    }
}

impl From<LaunchpadError> for Failure {
    fn from(error: LaunchpadError) -> Failure {
        let kind = error.kind();
        let diagnostic = Diagnostic::error(error.code(), error.to_string());
        let said = |diagnostic: Diagnostic, said: String| match said.is_empty() {
            true => diagnostic,
            false => diagnostic.because(format!("it says: {said}")),
        };
        let diagnostic = match error {
            LaunchpadError::Fetch(error) => return Failure::from(error),
            LaunchpadError::BadAddress { .. } => {
                diagnostic.hint("the real one is https://api.launchpad.net/devel; PKGR_LAUNCHPAD names another")
            }
            LaunchpadError::Offline { .. } => diagnostic.hint("ask again without --offline"),
            LaunchpadError::Unreachable { url, tries, oops, .. } => {
                let diagnostic = diagnostic.because(format!("asked {tries} times: {url}"));
                let diagnostic = match oops {
                    Some(oops) => diagnostic.because(format!("Launchpad's number for this error is {oops}")),
                    None => diagnostic,
                };
                diagnostic.hint("try again later; http_proxy and https_proxy are honoured")
            }
            LaunchpadError::Slow { url, .. } => diagnostic.because(format!("asked: {url}")).hint("try again later"),
            LaunchpadError::NotFound { url, said: words, .. } => {
                said(diagnostic.because(format!("asked: {url}")), words).hint("look at the spelling of owner and name")
            }
            LaunchpadError::Private { said: words, .. } => {
                said(diagnostic, words).hint("pkgr asks Launchpad anonymously: it can follow public archives only")
            }
            LaunchpadError::Refused { url, said: words, .. } => {
                said(diagnostic.because(format!("asked: {url}")), words)
            }
            LaunchpadError::Foreign { link, .. } => diagnostic.because(format!("the link is {link}")),
            LaunchpadError::Shape { url, .. } | LaunchpadError::TooLarge { url, .. } => {
                diagnostic.because(format!("asked: {url}")).hint("a portal or proxy may have answered in its place")
            }
            LaunchpadError::TooMany { url, .. } => {
                diagnostic.because(format!("asked: {url}")).hint("ask for less: name a source package or a series")
            }
        };
        Failure::new(kind, diagnostic)
    }
}
