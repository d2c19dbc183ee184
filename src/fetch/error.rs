//! What can go wrong between a source's name in the recipe and its bytes in the
//! cache, and the one place where that becomes a [`Failure`].

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::fetch::archive::ArchiveError;

/// Why a source is not there, or not what it should be.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum FetchError {
    #[error("cannot find a folder for the cache: the home folder is unknown")]
    NoCacheFolder,
    #[error("cannot {doing} {}: {error}", path.display())]
    Io { doing: &'static str, path: PathBuf, error: std::io::Error },
    #[error("source {name} does not exist")]
    Missing { name: String, path: PathBuf },
    #[error("source {name} is not a regular file")]
    NotAFile { name: String },
    #[error("source {url} cannot be used: {why}")]
    BadUrl { url: String, why: String },
    #[error("{key} is not in the cache, and --offline forbids fetching it")]
    Offline { key: String },
    #[error("{key} is not in the cache")]
    NotCached { key: String },
    #[error("{key} is not pinned in recipe.lock, and --locked forbids a new pin")]
    NotLocked { key: String },
    #[error("{key} is not what {authority} says")]
    Contradiction { key: String, authority: &'static str, expected: String, found: String },
    #[error("recipe and lock contradict each other about {key}")]
    RecipeAgainstLock { key: String, recipe: String, lock: String },
    #[error("tag {tag} of {url} has moved")]
    TagMoved { url: String, tag: String, pinned: String, found: String },
    #[error("cannot fetch {url}: {why}")]
    Http { url: String, why: String, tries: u32 },
    #[error("cannot fetch {url}: the server says {status}")]
    Status { url: String, status: String },
    /// The bytes that the lock pins in the place of a source's own.
    #[error("{key}, as it was published, is gone: the server of {url} says {status}")]
    PublishedGone { key: String, url: String, status: String },
    #[error("{url} is longer than {limit} bytes")]
    TooLarge { url: String, limit: u64 },
    #[error("{from} redirects to {to}: pkgr does not go from https to an unprotected protocol")]
    Downgrade { from: String, to: String },
    #[error("cannot start git: {error}")]
    NoGit { error: std::io::Error },
    #[error("cannot fetch {reference} of {url}: git {command} failed")]
    Git { url: String, reference: String, command: String, said: String },
    #[error("{name} is {what}, which no source package can carry")]
    Unusable { name: String, what: &'static str },
    #[error("{name} is not a tarball")]
    NotAnArchive { name: String, begins: String },
    #[error("{name} is not signed as the recipe asks: {why}")]
    Signature { name: String, code: &'static str, why: String, facts: Vec<String>, hint: Option<String> },
    #[error("keyring {} cannot be used: {why}", path.display())]
    Keyring { path: PathBuf, why: String },
    #[error("{name}: {error}")]
    Archive { name: String, error: ArchiveError },
}

impl FetchError {
    /// An error of the file system.
    pub fn io(doing: &'static str, path: &Path, error: std::io::Error) -> FetchError {
        FetchError::Io { doing, path: path.to_path_buf(), error }
    }

    /// Whether the server says that there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, FetchError::Status { status, .. } if FetchError::says_missing(status))
    }

    /// Whether a status line says so.
    pub fn says_missing(status: &str) -> bool {
        status.starts_with("404") || status.starts_with("410")
    }

    fn code(&self) -> &'static str {
        match self {
            FetchError::NoCacheFolder => "no-cache-folder",
            FetchError::Io { .. } => "io",
            FetchError::Missing { .. } => "source-missing",
            FetchError::NotAFile { .. } => "source-not-a-file",
            FetchError::BadUrl { .. } => "source-bad-url",
            FetchError::Offline { .. } => "source-offline",
            FetchError::NotCached { .. } => "source-not-cached",
            FetchError::NotLocked { .. } => "source-not-locked",
            FetchError::Contradiction { .. } | FetchError::RecipeAgainstLock { .. } => "source-digest",
            FetchError::TagMoved { .. } => "source-tag-moved",
            FetchError::Http { .. } => "source-unreachable",
            FetchError::Status { .. } => "source-http-status",
            FetchError::PublishedGone { .. } => "source-published-gone",
            FetchError::TooLarge { .. } => "source-too-large",
            FetchError::Downgrade { .. } => "source-downgrade",
            FetchError::NoGit { .. } => "no-git",
            FetchError::Git { .. } => "source-git",
            FetchError::Unusable { .. } => "source-compression",
            FetchError::NotAnArchive { .. } => "not-a-tarball",
            FetchError::Signature { code, .. } => code,
            FetchError::Keyring { .. } => "bad-keyring",
            FetchError::Archive { error, .. } => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            FetchError::NoCacheFolder
            | FetchError::Io { .. }
            | FetchError::Offline { .. }
            | FetchError::NotCached { .. }
            | FetchError::Http { .. }
            | FetchError::Status { .. }
            | FetchError::PublishedGone { .. }
            | FetchError::TooLarge { .. }
            | FetchError::Downgrade { .. }
            | FetchError::NoGit { .. }
            | FetchError::Git { .. }
            | FetchError::Signature { .. } => Kind::Environment,
            FetchError::Archive { error, .. } => error.kind(),
            _ => Kind::Recipe,
        }
    }
}

const REPIN: &str =
    "if the new bytes are meant, remove this [[source]] from recipe.lock, run `pkgr fetch`, and read the difference";

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Failure {
        let mut diagnostic = Diagnostic::error(error.code(), error.to_string());
        let kind = error.kind();
        diagnostic = match error {
            FetchError::NoCacheFolder => diagnostic.hint("set XDG_CACHE_HOME, or name a folder with --cache DIR"),
            FetchError::Missing { path, .. } => diagnostic.because(format!("looked for {}", path.display())),
            FetchError::Offline { .. } => diagnostic.hint("fill the cache with `pkgr fetch`, then work offline"),
            FetchError::NotCached { .. } => diagnostic.hint("fill the cache once with `pkgr fetch`, without --offline"),
            FetchError::NotLocked { .. } => diagnostic.hint("pin it with `pkgr fetch` and commit recipe.lock"),
            FetchError::Contradiction { authority, expected, found, .. } => {
                let hint = match authority {
                    "the lock" => REPIN,
                    _ => "if the new bytes are meant, correct sha256 in the recipe",
                };
                diagnostic
                    .because(format!("{authority} says {expected}"))
                    .because(format!("the bytes are {found}"))
                    .hint(hint)
            }
            FetchError::RecipeAgainstLock { recipe, lock, .. } => diagnostic
                .because(format!("the recipe says {recipe}"))
                .because(format!("the lock says {lock}"))
                .hint(REPIN),
            FetchError::TagMoved { pinned, found, .. } => diagnostic
                .because(format!("the lock pinned commit {pinned}"))
                .because(format!("the tag now names commit {found}"))
                .hint(REPIN),
            FetchError::Http { tries, .. } if tries > 1 => diagnostic.because(format!("tried {tries} times")),
            FetchError::PublishedGone { .. } => diagnostic
                .because("recipe.lock takes the bytes that an archive has published instead of the source's own")
                .hint(REPIN),
            FetchError::NoGit { .. } => diagnostic.hint("install git: a `git` source needs it"),
            FetchError::Git { said, .. } if !said.is_empty() => diagnostic.because(said),
            FetchError::Unusable { .. } => diagnostic
                .hint("name a .tar.gz, .tar.bz2 or .tar.xz; a plain .tar or a .tar.lzma is repacked to .tar.xz"),
            FetchError::NotAnArchive { begins, .. } => diagnostic.because(format!("it begins with {begins}")),
            FetchError::Signature { facts, hint, .. } => {
                diagnostic.notes.extend(facts);
                diagnostic.hints.extend(hint);
                diagnostic
            }
            _ => diagnostic,
        };
        Failure::new(kind, diagnostic)
    }
}
