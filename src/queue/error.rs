//! What can go wrong with a queue besides its patches.

use std::path::PathBuf;

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// Why a patch was not listed, added, refreshed or dropped. Files of the queue are
/// relative to the recipe's folder, those of a tree to its root.
#[derive(Debug, Error)]
pub enum QueueError {
    /// A native package, or no target was selected.
    #[error("{} has no upstream source to patch", .0.display())]
    Native(PathBuf),
    /// No patch of that name; the names that there are.
    #[error("the recipe has no patch `{0}`")]
    Unknown(String, Vec<String>),
    /// Several patches of that name.
    #[error("`{0}` may mean several patches")]
    Ambiguous(String, Vec<String>),
    /// The name cannot be a file's.
    #[error("`{0}` cannot be the name of a patch")]
    BadName(String),
    /// The recipe or the folder has it already.
    #[error("there is a patch {0} already")]
    Exists(String),
    /// A folder to unpack into that is not empty.
    #[error("{} exists already", .0.display())]
    FolderExists(PathBuf),
    /// Not a folder, or not the tree of this source: it shares hardly a file.
    #[error("{} is not an edited copy of the source", .0.display())]
    NotACopy(PathBuf),
    /// Nothing was edited.
    #[error("{} is the source as it is: nothing was changed", .0.display())]
    Unchanged(PathBuf),
    /// A change that no unified diff holds, and why.
    #[error("`{0}` {1}, which a patch cannot do")]
    NotADiff(String, &'static str, &'static str),
    /// Nobody signs a new patch.
    #[error("nobody is named as the author of the patch")]
    NoAuthor,
    /// The program git failed: on what, and what it said.
    #[error("git cannot read {0}")]
    Git(String, String),
    /// A commit without a diff, a merge.
    #[error("{0} has no changes of its own")]
    NoChanges(String),
    /// The patch as it was refreshed for one target fails for another.
    #[error("no one form of {0} applies to both {1} and {2}")]
    Split(String, String, String),
}

impl QueueError {
    fn code(&self) -> &'static str {
        match self {
            QueueError::Native(_) => "no-upstream-source",
            QueueError::Unknown(..) => "no-such-patch",
            QueueError::Ambiguous(..) => "several-patches",
            QueueError::BadName(_) => "bad-patch-name",
            QueueError::Exists(_) => "patch-exists",
            QueueError::FolderExists(_) => "folder-exists",
            QueueError::NotACopy(_) => "not-a-copy",
            QueueError::Unchanged(_) => "nothing-changed",
            QueueError::NotADiff(..) => "not-a-diff",
            QueueError::NoAuthor => "no-author",
            QueueError::Git(..) => "git-failed",
            QueueError::NoChanges(_) => "nothing-changed",
            QueueError::Split(..) => "patch-needs-splitting",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            QueueError::Native(_) | QueueError::NotADiff(..) | QueueError::Split(..) => Kind::Recipe,
            QueueError::Git(..) => Kind::Environment,
            _ => Kind::Usage,
        }
    }

    fn explain(&self, found: Diagnostic) -> Diagnostic {
        match self {
            QueueError::Native(_) => found.hint("change the files of a native package, or add a `[[source]]`"),
            QueueError::Unknown(_, names) if names.is_empty() => found.because("it has no patches at all"),
            QueueError::Unknown(_, names) | QueueError::Ambiguous(_, names) => {
                let found = found.because(format!("its patches: {}", names.join(", ")));
                found.hint("name one by its file or by its number in `pkgr patch list`")
            }
            QueueError::BadName(_) => found.hint("a name such as fix-the-build makes patches/fix-the-build.patch"),
            QueueError::Exists(_) => found.hint("choose another name, or remove it first with `pkgr patch drop`"),
            QueueError::FolderExists(_) => found.hint("name another folder with -o, or remove this one"),
            QueueError::NotACopy(_) => {
                found.hint("`pkgr patch new NAME` unpacks the source to be edited; name its root with --from")
            }
            QueueError::Unchanged(_) => found.hint("edit files there, and run the command again"),
            QueueError::NotADiff(_, _, way) => found.hint(*way),
            QueueError::NoAuthor => {
                found.hint("set DEBFULLNAME and DEBEMAIL, or `maintainer` in pkgr's configuration or the recipe")
            }
            QueueError::Git(_, said) if said.is_empty() => found,
            QueueError::Git(_, said) => found.because(said.clone()),
            QueueError::NoChanges(_) => found.hint("name a commit that changes files; a merge has parents that do"),
            QueueError::Split(file, first, second) => {
                let found = found.because("a refresh for the one breaks it for the other");
                let hint =
                    format!("copy {file}, give each copy a `when`, and refresh with --only {first}, --only {second}");
                found.hint(hint)
            }
        }
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Failure {
        let found = error.explain(Diagnostic::error(error.code(), error.to_string()));
        Failure::new(error.kind(), found)
    }
}
