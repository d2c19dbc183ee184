//! Why a source package cannot be made of a tree.

use std::path::{Path, PathBuf};

use crate::deb::source::{CHANGELOG, CONTROL, SourceError, TESTS};
use crate::diagnostic::{Diagnostic, Failure, Kind, Place};
use crate::render::{Origin, Tree};

/// Why a source package cannot be made: dpkg-source would refuse it, or make
/// another one of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A file without which there is no package.
    #[error("the package has no {0}")]
    Missing(&'static str),
    /// Something in control, changelog or tests/control; the place is in the file
    /// that the user can change.
    #[error("{message}")]
    Control {
        /// `bad-control`, `bad-changelog` or `bad-tests-control`.
        code: &'static str,
        /// What is wrong.
        message: String,
        /// Where.
        place: Option<Place>,
        /// The recipe's own file replaced the generated one.
        overridden: bool,
    },
    /// debian/source/format is not the format that is written.
    #[error("debian/source/format says `{found}`, the package is `{expected}`")]
    Format {
        /// Its text.
        found: String,
        /// The recipe's format.
        expected: &'static str,
    },
    /// debian/source/options asks for another compression.
    #[error("debian/source/options sets `{0}`, but the tarball is compressed with xz")]
    Compression(String),
    /// A native version with a revision, or a quilt version without.
    #[error("version `{0}` {1}")]
    Version(String, &'static str),
    /// A path that no tarball may hold, or one outside debian/ in a quilt package.
    #[error("`{0}` {1}")]
    Path(String, &'static str),
    /// A binary file that debian/source/include-binaries does not name.
    #[error("`{0}` is a binary file that debian/source/include-binaries does not name")]
    Binary(String),
    /// A file that dpkg-source leaves out.
    #[error("dpkg-source leaves `{path}` out of a source package: it matches `{pattern}`")]
    Ignored {
        /// The file.
        path: String,
        /// The pattern of dpkg-source's list.
        pattern: String,
        /// debian/source/options can change it.
        optional: bool,
    },
    /// An orig file that the version or the format does not go with.
    #[error("`{0}` {1}")]
    Orig(String, &'static str),
    /// liblzma refused, for want of memory.
    #[error("cannot compress the tarball: out of memory")]
    Memory,
}

impl PackError {
    /// Adds the text's line to an error about one of the three texts.
    pub(super) fn of_source(tree: &Tree, error: &SourceError) -> PackError {
        PackError::Control {
            code: code_of(error),
            message: error.message.clone(),
            place: place_in(tree, error),
            overridden: tree.files.get(error.file).is_some_and(|file| file.origin != Origin::Generated),
        }
    }
}

pub(super) fn code_of(error: &SourceError) -> &'static str {
    match error.file {
        CHANGELOG => "bad-changelog",
        TESTS => "bad-tests-control",
        CONTROL => "bad-control",
        _ => "bad-source",
    }
}

pub(super) fn place_in(tree: &Tree, error: &SourceError) -> Option<Place> {
    let file = tree.files.get(error.file)?;
    let line = error.line?;
    let text = String::from_utf8_lossy(&file.bytes);
    let path = match &file.origin {
        Origin::Recipe(path) => PathBuf::from(path),
        Origin::Generated | Origin::Override => PathBuf::from(error.file),
    };
    Some(Place::of_line(Path::new(&path), line, text.lines().nth(line - 1).unwrap_or_default()))
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Failure {
        let message = error.to_string();
        let diagnostic = |code| Diagnostic::error(code, message.clone());
        let kind = if error == PackError::Memory { Kind::Environment } else { Kind::Recipe };
        Failure::new(
            kind,
            match &error {
                PackError::Missing(_) => diagnostic("missing-file"),
                PackError::Control { code, place, overridden, .. } => {
                    let mut diagnostic = diagnostic(code);
                    diagnostic.place.clone_from(place);
                    match overridden {
                        true => diagnostic.because("the recipe's own file replaced the generated one"),
                        false => diagnostic,
                    }
                }
                PackError::Format { expected, .. } => diagnostic("bad-source-format")
                    .because("a recipe without [[source]] makes a native package, any other a quilt one")
                    .hint(format!("write `{expected}` into it, or remove it from the recipe's debian/")),
                PackError::Compression(_) => diagnostic("bad-source-options").hint("remove that line"),
                PackError::Version(..) => diagnostic("bad-version"),
                PackError::Path(..) => diagnostic("bad-path"),
                PackError::Binary(path) => diagnostic("binary-file")
                    .because("a file with a NUL byte in its first 4096 bytes is binary")
                    .hint(format!("add a line `{path}` to debian/source/include-binaries")),
                PackError::Ignored { path, optional, .. } => {
                    let diagnostic = diagnostic("ignored-file");
                    match optional {
                        true => diagnostic.hint(format!(
                            "rename `{path}`, or replace dpkg-source's list by a line `tar-ignore = \"PATTERN\"` \
                         in debian/source/options"
                        )),
                        false => diagnostic.hint("remove it: it is a file that builds leave behind"),
                    }
                }
                PackError::Orig(..) => diagnostic("bad-orig"),
                PackError::Memory => diagnostic("out-of-memory"),
            },
        )
    }
}
