//! Why a patch is refused.

use std::path::Path;

use thiserror::Error;

use super::names::shown;
use crate::diagnostic::{Diagnostic, Failure, Place};

/// A refused patch: which, where in it, and what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{patch}:{line}: {obstacle}")]
pub struct PatchError {
    /// The patch as the recipe names it.
    pub patch: Box<str>,
    /// Line of the patch, counted from 1.
    pub line: usize,
    /// That line, without its end.
    pub text: Box<str>,
    /// What stands in the way.
    pub obstacle: Obstacle,
    /// Facts that explain it: the hunk, what the tree has.
    pub notes: Box<[String]>,
    /// What to do, where more than a refresh is known.
    pub hints: Box<[String]>,
}

/// What stands in the way of a patch. Paths are below the root of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// The file holds text, but nothing that `patch` takes for a patch.
    #[error("this file holds no patch")]
    NoPatch,
    /// A file header without a hunk after it.
    #[error("no hunk follows the names of the files")]
    NoHunks,
    /// A context diff.
    #[error("this is a context diff, and dpkg-source takes unified diffs only")]
    ContextDiff,
    /// A git binary patch.
    #[error("git binary patches cannot be applied")]
    Binary,
    /// It ends within a hunk.
    #[error("the patch ends in the middle of a hunk")]
    Truncated,
    /// Not a line that may stand here; the text says what may.
    #[error("malformed patch: {0}")]
    Malformed(String),
    /// A name in C quotes.
    #[error("the file name is in quotes, which dpkg-source refuses")]
    QuotedName,
    /// Neither name has a folder to strip and a rest.
    #[error("neither file name can be used with -p1")]
    NoName,
    /// `..` in a name, or a name that dpkg-source keeps for itself.
    #[error("unsafe file name `{}`", shown(.0))]
    UnsafeName(Vec<u8>),
    /// Below debian/.
    #[error("the patch changes `{}`: patches may not touch debian/", shown(.0))]
    Debian(Vec<u8>),
    /// The path, and the symbolic link on it.
    #[error("`{}` is reached through the symbolic link `{}`", shown(.0), shown(.1))]
    Symlink(Vec<u8>, Vec<u8>),
    /// A folder, a device, or a file where a folder would have to be.
    #[error("`{}` is not a plain file", shown(.0))]
    NotAFile(Vec<u8>),
    /// A file where the patch needs a folder.
    #[error("`{}` is not a folder", shown(.0))]
    NotAFolder(Vec<u8>),
    /// The file to change is not in the tree.
    #[error("the file to patch, `{}`, is not in the source tree", shown(.0))]
    Missing(Vec<u8>),
    /// The file to create is there already.
    #[error("the patch creates `{}`, which already exists", shown(.0))]
    Exists(Vec<u8>),
    /// The file to delete is gone or empty already.
    #[error("the patch deletes `{}`, which is already gone", shown(.0))]
    AlreadyGone(Vec<u8>),
    /// More is left of a file than the patch deletes.
    #[error("the patch deletes `{}`, but the file holds more than the patch removes", shown(.0))]
    NotEmptied(Vec<u8>),
    /// `Prereq:` names a word that the file does not have.
    #[error("`{}` does not hold the word that `Prereq:` asks for", shown(.0))]
    Prerequisite(Vec<u8>),
    /// A hunk (counted from 1) matches nowhere.
    #[error("hunk {hunk} does not apply to `{}`", shown(.path))]
    DoesNotApply {
        /// The file.
        path: Vec<u8>,
        /// Which of its hunks.
        hunk: usize,
    },
    /// A hunk lies before the end of the one above it.
    #[error("hunk {hunk} of `{}` overlaps the one before it", shown(.path))]
    Overlap {
        /// The file.
        path: Vec<u8>,
        /// Which of its hunks.
        hunk: usize,
    },
    /// The change is in the tree already.
    #[error("the patch is already in the source: `{}` has this change", shown(.0))]
    AlreadyApplied(Vec<u8>),
    /// The patch applies, but no form of it was found that does so exactly.
    #[error("the patch applies, but cannot be rewritten to apply exactly")]
    NotRefreshed,
    /// The tree has the file but not its bytes: the caller did not ask for it.
    #[error("the content of `{}` was not read", shown(.0))]
    Unread(Vec<u8>),
}

impl Obstacle {
    /// The stable identifier.
    pub fn code(&self) -> &'static str {
        match self {
            Obstacle::NoPatch => "patch-empty",
            Obstacle::NoHunks => "patch-without-hunks",
            Obstacle::ContextDiff => "patch-context-diff",
            Obstacle::Binary => "patch-binary",
            Obstacle::Truncated => "patch-truncated",
            Obstacle::Malformed(_) => "patch-malformed",
            Obstacle::QuotedName => "patch-quoted-name",
            Obstacle::NoName => "patch-no-name",
            Obstacle::UnsafeName(_) => "patch-unsafe-name",
            Obstacle::Debian(_) => "patch-touches-debian",
            Obstacle::Symlink(..) => "patch-through-symlink",
            Obstacle::NotAFile(_) | Obstacle::NotAFolder(_) => "patch-not-a-file",
            Obstacle::Missing(_) => "patch-missing-file",
            Obstacle::Exists(_) => "patch-file-exists",
            Obstacle::AlreadyGone(_) => "patch-already-applied",
            Obstacle::NotEmptied(_) => "patch-does-not-apply",
            Obstacle::Prerequisite(_) => "patch-prerequisite",
            Obstacle::DoesNotApply { .. } | Obstacle::Overlap { .. } => "patch-does-not-apply",
            Obstacle::AlreadyApplied(_) => "patch-already-applied",
            Obstacle::NotRefreshed => "patch-not-refreshed",
            Obstacle::Unread(_) => "patch-unread-file",
        }
    }

    /// What to do about it; `source` names the upstream, such as `hello 2.10`.
    fn advice(&self, source: &str) -> String {
        match self {
            Obstacle::NoPatch | Obstacle::NoHunks | Obstacle::Truncated | Obstacle::Malformed(_) => {
                "make it anew with `diff -u`, `git diff` or `git format-patch`".into()
            }
            Obstacle::ContextDiff => "make it with `diff -u` instead of `diff -c`".into(),
            Obstacle::Binary => "ship the binary file under the recipe's debian/, or in a component tarball".into(),
            Obstacle::QuotedName => {
                "write the name as it is, with a tab after it: `git -c core.quotePath=off diff`".into()
            }
            Obstacle::NoName => "name the files `a/PATH` and `b/PATH`, PATH from the root of the source".into(),
            Obstacle::UnsafeName(_) => "name the files by their path from the root of the source".into(),
            Obstacle::Debian(_) => "put the file into the recipe's debian/ instead".into(),
            Obstacle::Symlink(..) => "patch the file that the link leads to".into(),
            Obstacle::NotAFile(_) | Obstacle::NotAFolder(_) => format!("compare the path with the files of {source}"),
            Obstacle::Missing(_) | Obstacle::Prerequisite(_) | Obstacle::NotEmptied(_) => {
                format!("refresh the patch against {source}, or drop it there with `when`")
            }
            Obstacle::Exists(_) | Obstacle::AlreadyGone(_) | Obstacle::AlreadyApplied(_) => {
                format!("drop the patch for {source}, or limit it with `when` to the versions that need it")
            }
            Obstacle::DoesNotApply { .. } | Obstacle::Overlap { .. } => {
                format!("refresh the patch against {source}: `pkgr patch refresh`")
            }
            Obstacle::NotRefreshed => {
                format!("unpack {source} with `pkgr patch new`, make the change there, and import the new patch")
            }
            Obstacle::Unread(_) => "this is a defect of pkgr: please report it".into(),
        }
    }
}

impl PatchError {
    /// The failure to report; `source` names what the patch was applied to, such
    /// as `hello 2.10`.
    pub fn into_failure(self, source: &str) -> Failure {
        let place = Place::of_line(Path::new(&*self.patch), self.line, &self.text);
        let mut diagnostic = Diagnostic::error(self.obstacle.code(), self.obstacle.to_string()).at(place);
        diagnostic.notes = self.notes.into();
        diagnostic.hints = self.hints.into();
        Failure::recipe(diagnostic.hint(self.obstacle.advice(source)))
    }
}

impl From<PatchError> for Failure {
    fn from(error: PatchError) -> Failure {
        error.into_failure("the upstream source")
    }
}

/// Makes errors and warnings of one patch, with the place in it.
pub(super) struct Reporter<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
}

impl Reporter<'_> {
    /// An error at a line of the patch, counted from 1.
    pub fn error(&self, line: usize, obstacle: Obstacle) -> PatchError {
        let text = self.text(line).into();
        PatchError { patch: self.name.into(), line, text, obstacle, notes: Box::default(), hints: Box::default() }
    }

    /// A warning at a line of the patch.
    pub fn warning(&self, line: usize, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::warning(code, message).at(Place::of_line(Path::new(self.name), line, &self.text(line)))
    }

    fn text(&self, line: usize) -> String {
        let text = self.bytes.split(|b| *b == b'\n').nth(line.saturating_sub(1)).unwrap_or_default();
        String::from_utf8_lossy(super::lines::without_cr(text)).into_owned()
    }
}
