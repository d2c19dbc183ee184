//! What can go wrong between an archive's name and its verified bytes.

use jiff::Timestamp;

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::fetch::error::FetchError;

/// Why an archive's word cannot be had, or not be taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum AptError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("no mirror of Debian is known for {suite}")]
    NoMirror { suite: String, variable: &'static str },
    #[error("archive address {url} is neither http nor https")]
    BadMirror { url: String },
    #[error("suite {suite} is not there")]
    NoSuite { suite: String, looked: Vec<String> },
    #[error("suite {suite} is not in the cache, and --offline forbids fetching it")]
    Offline { suite: String },
    #[error("{url} is not signed")]
    Unsigned { url: String },
    #[error("{url} is not signed by its archive: {why}")]
    Signature { url: String, keyring: String, code: &'static str, why: String, facts: Vec<String> },
    #[error("{url} is signed by a key that expired on {expired}, and the series is still supported")]
    KeyExpired { url: String, signer: String, expired: Timestamp },
    #[error("{url} cannot be used: {why}")]
    BadRelease { url: String, why: String },
    #[error("{url} is not of suite {suite}")]
    WrongSuite { url: String, suite: String, found: String },
    #[error("{url} was valid until {until} only")]
    Expired { url: String, until: Timestamp },
    #[error("{url} is from the future: it was made at {date}")]
    Future { url: String, date: Timestamp },
    #[error("{url} is not what its signed index says")]
    Hash { url: String, expected: String, found: String },
    #[error("index {url} cannot be read: {why}")]
    BadIndex { url: String, why: String },
    #[error("the entry of {package} in {index} is refused: {why}")]
    BadEntry { package: String, index: String, why: String },
    #[error("{what} is not in {}", suites.join(", "))]
    NotFound { what: String, suites: Vec<String> },
    #[error("the pool has all files of no version of {package}")]
    PoolEmpty { package: String, missing: Vec<String> },
    #[error("the archive no longer has {file}, which the lock pins")]
    PinGone { file: String, sha256: String },
    #[error("{dsc} contradicts the index: {why}")]
    BadDsc { dsc: String, why: String },
}

impl AptError {
    /// A server's word that there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, AptError::Fetch(error) if error.is_missing())
    }

    /// Whether only `--offline` forbade it.
    pub fn is_offline(&self) -> bool {
        matches!(self, AptError::Offline { .. } | AptError::Fetch(FetchError::Offline { .. }))
    }

    /// Bytes with another digest than a signed index says.
    pub fn contradiction(url: &str, expected: (&str, u64), found: (&str, u64)) -> AptError {
        let says = |(sha256, size): (&str, u64)| format!("sha256 {sha256}, {size} bytes");
        AptError::Hash { url: url.to_string(), expected: says(expected), found: says(found) }
    }

    fn code(&self) -> &'static str {
        match self {
            AptError::Fetch(_) => "source-unreachable", // told by its own Failure
            AptError::NoMirror { .. } => "apt-no-mirror",
            AptError::BadMirror { .. } => "apt-bad-mirror",
            AptError::NoSuite { .. } => "apt-no-suite",
            AptError::Offline { .. } => "source-offline",
            AptError::Unsigned { .. } => "apt-unsigned",
            AptError::Signature { code, .. } => match *code {
                "signature-no-key" => "apt-foreign-signature",
                "signature-key-expired" => "apt-key-expired",
                "signature-bad" => "apt-tampered",
                "signature-expired" => "apt-signature-expired",
                _ => "apt-bad-signature",
            },
            AptError::KeyExpired { .. } => "apt-key-expired",
            AptError::BadRelease { .. } => "apt-bad-release",
            AptError::WrongSuite { .. } => "apt-wrong-suite",
            AptError::Expired { .. } => "apt-release-expired",
            AptError::Future { .. } => "apt-release-from-future",
            AptError::Hash { .. } => "apt-wrong-hash",
            AptError::BadIndex { .. } => "apt-bad-index",
            AptError::BadEntry { .. } => "apt-bad-entry",
            AptError::NotFound { .. } => "apt-not-found",
            AptError::PoolEmpty { .. } => "apt-pool-incomplete",
            AptError::PinGone { .. } => "apt-pin-gone",
            AptError::BadDsc { .. } => "apt-bad-dsc",
        }
    }
}

const MIRROR: &str = "try again later or with another mirror: this one may be in the middle of an update";

impl From<AptError> for Failure {
    fn from(error: AptError) -> Failure {
        let mut diagnostic = Diagnostic::error(error.code(), error.to_string());
        diagnostic = match error {
            AptError::Fetch(error) => return Failure::from(error),
            AptError::NoMirror { variable, .. } => {
                let key = variable.trim_start_matches("PKGR_").to_ascii_lowercase().replace('_', "-");
                diagnostic
                    .because("apt on this machine has no source of Debian that serves it")
                    .hint(format!("set {variable}, or {key} in config.toml, to the address of a mirror"))
            }
            AptError::BadMirror { .. } => diagnostic.hint("name a mirror that begins with http:// or https://"),
            AptError::NoSuite { looked, .. } => {
                looked.into_iter().fold(diagnostic, |diagnostic, url| diagnostic.because(format!("looked at {url}")))
            }
            AptError::Offline { .. } => diagnostic.hint("fill the cache once without --offline"),
            AptError::Unsigned { .. } => diagnostic
                .because("neither a signed InRelease nor a Release.gpg is there")
                .hint("a portal or proxy may have answered instead of the archive; look at that address"),
            AptError::Signature { keyring, code, facts, .. } => {
                diagnostic.notes.extend(facts);
                let hint = match code {
                    "signature-no-key" => "use the archive's own mirror, or name the keyring of a private archive",
                    "signature-bad" => "it was changed after signing: use another mirror",
                    "signature-expired" => "use a mirror that is up to date, and look at this machine's clock",
                    _ => "update the machine's archive keyring package, or name a keyring",
                };
                diagnostic.because(format!("keyring: {keyring}")).hint(hint)
            }
            AptError::KeyExpired { signer, .. } => diagnostic
                .because(format!("the key is {signer}"))
                .hint("update the machine's archive keyring package: the key's life may have been extended"),
            AptError::WrongSuite { found, .. } => diagnostic.because(format!("it says {found}")),
            AptError::Expired { .. } => diagnostic
                .because("an attacker who replays it can hide security updates")
                .hint("use a mirror that is up to date, and look at this machine's clock"),
            AptError::Future { .. } => diagnostic.hint("set this machine's clock"),
            AptError::Hash { expected, found, .. } => diagnostic
                .because(format!("the index says {expected}"))
                .because(format!("the bytes are {found}"))
                .hint(MIRROR),
            AptError::PoolEmpty { missing, .. } => {
                missing.into_iter().fold(diagnostic, |diagnostic, file| diagnostic.because(file)).hint(MIRROR)
            }
            AptError::PinGone { sha256, .. } => diagnostic
                .because(format!("no pocket or mirror has a file of that name with sha256 {sha256}"))
                .hint("follow the archive with `pkgr update`"),
            _ => diagnostic,
        };
        Failure::new(Kind::Environment, diagnostic)
    }
}
