//! What rendering can find wrong, each with its stable code.

use crate::diagnostic::{Diagnostic, Failure, Kind, Place};

/// A target that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A pattern that nothing upstream matches.
    #[error("`{pattern}` is neither in the recipe's folder nor in the upstream tree")]
    NoMatch {
        /// As the recipe writes it.
        pattern: String,
        /// Where the recipe writes it.
        place: Box<Place>,
    },
    /// Several files for one name.
    #[error("`{pattern}` matches {count} files, but `{to}` is one name")]
    ManyMatches {
        /// As the recipe writes it.
        pattern: String,
        /// How many files it matches.
        count: usize,
        /// The destination.
        to: String,
        /// Where the recipe writes it.
        place: Box<Place>,
    },
    /// `license` is no SPDX expression.
    #[error("`{expression}` is not an SPDX licence expression: {reason}")]
    BadLicence {
        /// The recipe's `license`.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A licence whose text is neither known nor in the tree.
    #[error("the text of the licence `{id}` is not known")]
    UnknownLicenceText {
        /// The SPDX identifier.
        id: String,
    },
    /// debhelper of the series has no such build system.
    #[error("{series} cannot build with `{system}`: {reason}")]
    SystemMissing {
        /// The build system.
        system: &'static str,
        /// The series.
        series: String,
        /// Which package is too old or missing.
        reason: &'static str,
    },
    /// A value that make cannot hold.
    #[error("the value of `{name}` in `build.env` spans lines")]
    EnvironmentLines {
        /// The variable.
        name: String,
    },
    /// A target of debian/rules.mk that would silently replace a generated one.
    #[error("`{name}` would take the place of `{generated}`, which the recipe needs")]
    TargetTaken {
        /// The target in rules.mk.
        name: String,
        /// The generated one.
        generated: String,
        /// Its commands, which would be lost.
        lost: Vec<String>,
        /// Where rules.mk has it.
        place: Box<Place>,
    },
    /// An override of a file that must say what the plan says.
    #[error("`debian/{file}` of the recipe cannot replace the generated one")]
    FixedFile {
        /// Relative to debian/.
        file: &'static str,
    },
}

impl RenderError {
    /// One failure of all errors, or nothing.
    pub fn all(errors: Vec<RenderError>) -> Result<(), Failure> {
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure { kind: Kind::Recipe, diagnostics: errors.into_iter().map(Diagnostic::from).collect() })
    }
}

impl From<RenderError> for Diagnostic {
    fn from(error: RenderError) -> Diagnostic {
        let message = error.to_string();
        match error {
            RenderError::NoMatch { place, .. } => Diagnostic::error("no-match", message)
                .at(*place)
                .hint("paths are relative to the folder of recipe.toml, or to the root of the unpacked upstream tree")
                .hint("what the build itself makes is put in place by `[build] install`, and shared out by `files`"),
            RenderError::ManyMatches { place, to, .. } => Diagnostic::error("many-matches", message)
                .at(*place)
                .hint(format!("write `{to}/` to put them into a folder")),
            RenderError::BadLicence { .. } => Diagnostic::error("bad-licence", message)
                .hint("see https://spdx.org/licenses/ for the identifiers; join them with AND, OR, WITH"),
            RenderError::UnknownLicenceText { .. } => Diagnostic::error("unknown-licence-text", message)
                .because("debian/copyright must hold the text, or name a file of /usr/share/common-licenses")
                .hint("write `debian/copyright` beside recipe.toml; it replaces the generated one"),
            RenderError::SystemMissing { .. } => Diagnostic::error("build-system-missing", message)
                .hint("give `build.build` and `build.install` as scripts, or leave the series out"),
            RenderError::EnvironmentLines { .. } => {
                Diagnostic::error("environment-lines", message).hint("set it in the build script instead")
            }
            RenderError::TargetTaken { generated, lost, place, .. } => {
                let mut found = Diagnostic::error("target-taken", message).at(*place);
                found =
                    found.because(format!("`{generated}` of the generated debian/rules does:\n{}", lost.join("\n")));
                found.hint("use another of dh's hooks, or replace debian/rules as a whole and keep these lines")
            }
            RenderError::FixedFile { .. } => Diagnostic::error("fixed-file", message)
                .because("version, history and format come from the recipe and its lock")
                .hint("remove it from the recipe's `debian/` folder"),
        }
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Failure {
        Failure::recipe(error.into())
    }
}
