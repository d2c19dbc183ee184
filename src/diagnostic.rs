//! What went wrong, where, why, and what to do: the one shape in which every
//! part reports to `ui`, for people and as JSON.
//!
//! Each module has its own typed error (`thiserror`); its `From<…> for Failure`
//! is the one place where that error gets its code, exit status and hints.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a failure means for the caller: decides the exit code (CLI contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The recipe or package is wrong, or bytes contradict the recipe or lock: exit 1.
    Recipe,
    /// The command line is wrong: exit 2.
    Usage,
    /// This machine or the network failed, or remote data cannot be verified: exit 3.
    Environment,
    /// The remote refused: exit 4.
    Remote,
    /// There is something to do (`--check`): exit 5.
    Todo,
    /// Interrupted by the user: exit 130.
    Interrupted,
}

impl Kind {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Recipe => 1,
            Kind::Usage => 2,
            Kind::Environment => 3,
            Kind::Remote => 4,
            Kind::Todo => 5,
            Kind::Interrupted => 130,
        }
    }
}

/// A place in a text file, with the text needed to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it should be named to the user.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The whole line, without its end.
    pub text: String,
    /// How many characters the caret underlines, at least 1.
    pub width: usize,
}

impl Place {
    /// The place of byte range `span` in `text`; a span over several lines is
    /// cut at the end of its first one. Offsets beyond the text mean its end.
    pub fn of_span(file: &Path, text: &str, span: std::ops::Range<usize>) -> Place {
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let mut end = span.end.clamp(start, line_end);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Place {
            file: file.to_path_buf(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: text[line_start..line_end].trim_end_matches('\r').to_string(),
            width: text[start..end].chars().count().max(1),
        }
    }

    /// A whole line of a file (`line` counted from 1).
    pub fn of_line(file: &Path, line: usize, text: &str) -> Place {
        let text = text.trim_end_matches(['\n', '\r']);
        let indent = text.chars().take_while(|c| c.is_whitespace()).count();
        let width = text.trim().chars().count().max(1);
        Place { file: file.to_path_buf(), line, column: indent + 1, text: text.to_string(), width }
    }
}

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Probably not what was meant.
    Warning,
    /// The command cannot do what was asked.
    Error,
}

/// One thing to tell the user.
///
/// Messages are lower-case without a full stop, as cargo's: what happened. The
/// place tells where, notes tell why (facts), hints what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable kebab-case identifier such as `unknown-key`.
    pub code: &'static str,
    /// Its weight.
    pub level: Level,
    /// What happened, in one line.
    pub message: String,
    /// Where, if it is in a text file.
    pub place: Option<Place>,
    /// Facts that explain it; may span lines (a hunk of a patch, say).
    pub notes: Vec<String>,
    /// Ways out.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error with nothing but its code and message.
    pub fn error(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, level: Level::Error, message: message.into(), place: None, notes: vec![], hints: vec![] }
    }
    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Warning, ..Diagnostic::error(code, message) }
    }
    /// A note.
    pub fn note(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Note, ..Diagnostic::error(code, message) }
    }
    /// Adds the place.
    pub fn at(mut self, place: Place) -> Diagnostic {
        self.place = Some(place);
        self
    }
    /// Adds a fact.
    pub fn because(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }
    /// Adds a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hints.push(hint.into());
        self
    }
}

/// Why a command, or one target of it, could not be done: one or more errors
/// told together, and what they mean for the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The weightiest meaning of the diagnostics.
    pub kind: Kind,
    /// At least one.
    pub diagnostics: Vec<Diagnostic>,
}

impl Failure {
    /// A failure of one diagnostic.
    pub fn new(kind: Kind, diagnostic: Diagnostic) -> Failure {
        Failure { kind, diagnostics: vec![diagnostic] }
    }
    /// The recipe or package is wrong.
    pub fn recipe(diagnostic: Diagnostic) -> Failure {
        Failure::new(Kind::Recipe, diagnostic)
    }
    /// This machine or the network failed.
    pub fn environment(diagnostic: Diagnostic) -> Failure {
        Failure::new(Kind::Environment, diagnostic)
    }
    /// Reading or writing `path` failed.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
        Failure::environment(Diagnostic::error("io", format!("cannot {doing} {}: {error}", path.display())))
    }
    /// Adds a fact to the last diagnostic.
    pub fn because(mut self, note: impl Into<String>) -> Failure {
        if let Some(last) = self.diagnostics.last_mut() {
            last.notes.push(note.into());
        }
        self
    }
    /// Adds a way out to the last diagnostic.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        if let Some(last) = self.diagnostics.last_mut() {
            last.hints.push(hint.into());
        }
        self
    }
}

/// All results, or all their failures in one: several errors are told together.
/// The kind is that of the failure which a retry cures least.
pub fn all<T>(results: impl IntoIterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let mut values = Vec::new();
    let mut failed: Option<Failure> = None;
    for result in results {
        match (result, &mut failed) {
            (Ok(value), _) => values.push(value),
            (Err(failure), None) => failed = Some(failure),
            (Err(failure), Some(first)) => {
                first.kind = first.kind.min(failure.kind);
                for diagnostic in failure.diagnostics {
                    // several targets fail for one reason: it is told once
                    if !first.diagnostics.contains(&diagnostic) {
                        first.diagnostics.push(diagnostic);
                    }
                }
            }
        }
    }
    failed.map_or(Ok(values), Err)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            if let Some(p) = &diagnostic.place {
                write!(f, "{}:{}:{}: ", p.file.display(), p.line, p.column)?;
            }
            f.write_str(&diagnostic.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_counted_in_characters() {
        let text = "a = 1\nnäme = \"ü\"\n";
        let start = text.find("\"ü").unwrap();
        let place = Place::of_span(Path::new("recipe.toml"), text, start..start + 4);
        assert_eq!((place.line, place.column, place.width), (2, 8, 3));
        assert_eq!(place.text, "näme = \"ü\"");
    }

    #[test]
    fn a_span_past_the_end_is_the_end() {
        let place = Place::of_span(Path::new("f"), "abc", 10..20);
        assert_eq!((place.line, place.column, place.width), (1, 4, 1));
    }
}
