//! Why looking for new versions failed.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::fetch::error::FetchError;
use crate::plan::watch::Watch;

/// Why it is not known whether there is something new.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)]
pub enum WatchError {
    #[error("{0}")]
    Fetch(Arc<FetchError>),
    #[error("{service} allows no more requests{}", until.as_deref().map(|at| format!(" until {at}")).unwrap_or_default())]
    RateLimit { service: String, until: Option<String>, variable: &'static str, has_token: bool },
    #[error("{service} does not know {what}")]
    NotThere { service: String, what: String, variable: Option<&'static str> },
    #[error("{service} refuses the token in {variable}")]
    Token { service: String, variable: &'static str },
    #[error("{url}: the server says {status}")]
    Status { url: String, status: String },
    #[error("{url} answers with something else than expected: {why}")]
    Answer { url: String, why: String },
    #[error("{url} has more pages than pkgr reads")]
    Endless { url: String },
    #[error("no tag or link of {site} matches")]
    NothingMatches { site: String, pattern: String, seen: Vec<String> },
    #[error("the regular expression cannot be used: {0}")]
    Pattern(String),
    #[error("`{0}` is no version to compare with")]
    Current(String),
}

impl From<FetchError> for WatchError {
    fn from(error: FetchError) -> WatchError {
        WatchError::Fetch(Arc::new(error))
    }
}

impl WatchError {
    /// Whether the service may answer another time, and its git repository now.
    pub fn is_passing(&self) -> bool {
        match self {
            WatchError::Fetch(error) => matches!(**error, FetchError::Http { .. } | FetchError::Status { .. }),
            WatchError::RateLimit { .. } | WatchError::Endless { .. } => true,
            WatchError::Status { .. } => true,
            _ => false,
        }
    }

    /// At the `[watch]` that asks.
    pub fn at(self, watch: &Watch) -> Failure {
        let mut failure = Failure::from(self);
        for diagnostic in &mut failure.diagnostics {
            diagnostic.place.get_or_insert_with(|| watch.place.clone());
        }
        failure
    }

    fn code(&self) -> &'static str {
        match self {
            WatchError::Fetch(_) => "watch-unreachable",
            WatchError::RateLimit { .. } => "watch-rate-limit",
            WatchError::NotThere { .. } => "watch-not-there",
            WatchError::Token { .. } => "watch-token",
            WatchError::Status { .. } => "watch-status",
            WatchError::Answer { .. } | WatchError::Endless { .. } => "watch-answer",
            WatchError::NothingMatches { .. } => "watch-nothing-matches",
            WatchError::Pattern(_) => "bad-pattern",
            WatchError::Current(_) => "bad-version",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            WatchError::NothingMatches { .. } | WatchError::Pattern(_) | WatchError::Current(_) => Kind::Recipe,
            _ => Kind::Environment,
        }
    }
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Failure {
        let diagnostic = Diagnostic::error(error.code(), error.to_string());
        let kind = error.kind();
        let diagnostic = match error {
            WatchError::RateLimit { variable, has_token: false, .. } => {
                diagnostic.hint(format!("a token in {variable} has a higher limit"))
            }
            WatchError::RateLimit { .. } => diagnostic.hint("look again later, or less often"),
            WatchError::NotThere { variable: Some(variable), .. } => diagnostic.hint(format!(
                "it may have moved, or be private: then {variable} has to hold a token that may read it"
            )),
            WatchError::Token { variable, .. } => diagnostic.hint(format!("renew it, or unset {variable}")),
            WatchError::NothingMatches { pattern, seen, .. } => nothing_matches(diagnostic, &pattern, &seen),
            _ => diagnostic,
        };
        Failure::new(kind, diagnostic)
    }
}

fn nothing_matches(diagnostic: Diagnostic, pattern: &str, seen: &[String]) -> Diagnostic {
    const SHOWN: usize = 8;
    let diagnostic = diagnostic.because(format!("the pattern is `{pattern}`, and has to match the whole"));
    if seen.is_empty() {
        return diagnostic.because("there are none at all");
    }
    let shown: Vec<&str> = seen.iter().rev().take(SHOWN).map(String::as_str).collect();
    let more = if seen.len() > SHOWN { format!(" and {} more", seen.len() - SHOWN) } else { String::new() };
    let diagnostic = diagnostic.because(format!("there are {}{more}", shown.join(", ")));
    diagnostic.hint("`tag` in `[watch]` says how they are read: `'release_(?<version>[\\d_]+)'`")
}
