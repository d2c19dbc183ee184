//! Why a tarball is refused.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// One reason; members are named as the tarball names them.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ArchiveError {
    #[error("cannot read it: {0}")]
    Io(std::io::Error),
    #[error("the content is not a tar archive")]
    NotATar,
    #[error("the archive ends in the middle")]
    Truncated,
    #[error("the archive ends in the middle of a member's header, which tar ignores")]
    PartialHeader,
    #[error("the archive has no bytes at all")]
    NoBytes,
    #[error("the archive is damaged: {0}")]
    Corrupt(String),
    #[error("the archive is empty")]
    Empty,
    #[error("member {} leaves the tree by `..`", show(.0))]
    DotDot(Vec<u8>),
    #[error("member {} has an absolute path", show(.0))]
    Absolute(Vec<u8>),
    #[error("member {}… has a name longer than {limit} bytes", show(name))]
    LongName { name: Vec<u8>, limit: usize },
    #[error("symbolic link {} leads out of the tree, to {}", show(path), show(target))]
    LinkOutside { path: Vec<u8>, target: Vec<u8> },
    #[error("hard link {} leads out of the tree, to {}", show(path), show(target))]
    HardLinkOutside { path: Vec<u8>, target: Vec<u8> },
    #[error("hard link {} names {}, which no earlier member is", show(path), show(target))]
    HardLinkMissing { path: Vec<u8>, target: Vec<u8> },
    #[error("member {} would be written through the symbolic link {}", show(path), show(link))]
    ThroughLink { path: Vec<u8>, link: Vec<u8> },
    #[error("member {} is there twice, as {first} and as {second}", show(path))]
    TwoTypes { path: Vec<u8>, first: &'static str, second: &'static str },
    #[error("member {} lies below {}, which is a file", show(path), show(parent))]
    BelowAFile { path: Vec<u8>, parent: Vec<u8> },
    #[error("member {} is a {what} device", show(path))]
    Device { path: Vec<u8>, what: &'static str },
    #[error("member {} is a named pipe", show(.0))]
    Fifo(Vec<u8>),
    #[error("member {} has type {kind:?}, which only some programs understand", show(path))]
    UnknownType { path: Vec<u8>, kind: char },
    #[error("member {} is {what} and yet has data, which programs read differently", show(path))]
    Ambiguous { path: Vec<u8>, what: &'static str },
    #[error("member {} is a sparse file, whose content pkgr cannot read", show(.0))]
    Sparse(Vec<u8>),
    #[error("it unpacks to more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("it unpacks to more than {limit} times its size")]
    Bomb { limit: u64 },
    #[error("it has more than {limit} members")]
    TooMany { limit: usize },
}

fn show(path: &[u8]) -> Cow<'_, str> {
    let path = path.get(..200).unwrap_or(path);
    match std::str::from_utf8(path) {
        Ok(text) if !text.contains(char::is_control) => Cow::Borrowed(text),
        _ => Cow::Owned(path.escape_ascii().to_string()),
    }
}

impl ArchiveError {
    /// The stable identifier of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            ArchiveError::Io(_) => "io",
            ArchiveError::NotATar => "not-a-tarball",
            ArchiveError::Truncated | ArchiveError::PartialHeader => "archive-truncated",
            ArchiveError::Corrupt(_) => "archive-corrupt",
            ArchiveError::Empty | ArchiveError::NoBytes => "archive-empty",
            ArchiveError::DotDot(_) => "archive-dot-dot",
            ArchiveError::Absolute(_) => "archive-absolute-path",
            ArchiveError::LongName { .. } => "archive-long-name",
            ArchiveError::LinkOutside { .. } => "archive-link-outside",
            ArchiveError::HardLinkOutside { .. } => "archive-hard-link-outside",
            ArchiveError::HardLinkMissing { .. } => "archive-hard-link-missing",
            ArchiveError::ThroughLink { .. } => "archive-through-link",
            ArchiveError::TwoTypes { .. } => "archive-two-types",
            ArchiveError::BelowAFile { .. } => "archive-below-a-file",
            ArchiveError::Device { .. } => "archive-device",
            ArchiveError::Fifo(_) => "archive-fifo",
            ArchiveError::UnknownType { .. } => "archive-unknown-type",
            ArchiveError::Ambiguous { .. } => "archive-ambiguous",
            ArchiveError::Sparse(_) => "archive-sparse",
            ArchiveError::TooLarge { .. } => "archive-too-large",
            ArchiveError::Bomb { .. } => "archive-bomb",
            ArchiveError::TooMany { .. } => "archive-too-many-members",
        }
    }

    /// Whether the bytes are at fault or this machine.
    pub fn kind(&self) -> Kind {
        match self {
            ArchiveError::Io(_) => Kind::Environment,
            _ => Kind::Recipe,
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Failure {
        Failure::new(error.kind(), Diagnostic::error(error.code(), error.to_string()))
    }
}
