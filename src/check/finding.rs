//! What a check says: one rule that the upload breaks or meets, in the archive's
//! own words, and what follows from all of them.

use crate::check::Archive;
use crate::check::rules::Rule;
use crate::diagnostic::{self, Diagnostic};

/// What a finding means for the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// The archive takes it, but it is hardly meant so.
    Warning,
    /// The archive refuses the upload.
    Rejected,
}

impl Level {
    /// As documents and `--json` write it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Rejected => "rejected",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// Messages quote what the upload says, which may be anything.
const LONGEST_MESSAGE: usize = 4000;

/// One rule and what of the upload it is about.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule, with its code, level and cure.
    pub rule: &'static Rule,
    /// The archive's own message, literally, as far as it can be known here.
    pub message: String,
    /// What pkgr saw, where the message does not say it.
    pub facts: Vec<String>,
}

impl Finding {
    /// A finding without further facts.
    pub fn new(rule: &'static Rule, message: impl Into<String>) -> Finding {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Finding { rule, message, facts: Vec::new() }
    }

    /// Adds a fact.
    pub fn because(mut self, fact: impl Into<String>) -> Finding {
        self.facts.push(fact.into());
        self
    }

    /// For people and `--json`: the rule's cure is the hint.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let level = match self.rule.level {
            Level::Rejected => diagnostic::Level::Error,
            Level::Warning => diagnostic::Level::Warning,
            Level::Note => diagnostic::Level::Note,
        };
        // a message of several lines goes on in a note: a diagnostic's is one line
        let mut lines = self.message.lines().filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default().to_string();
        let rest = lines.collect::<Vec<_>>().join("\n");
        let notes = Some(rest).filter(|rest| !rest.is_empty()).into_iter().chain(self.facts.clone());
        Diagnostic {
            code: self.rule.code,
            level,
            message: first,
            place: None,
            notes: notes.collect(),
            hints: if self.rule.cure.is_empty() { Vec::new() } else { vec![self.rule.cure.to_string()] },
        }
    }
}

/// What the archive would do with the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Taken.
    Accepted,
    /// Refused.
    Rejected,
}

impl Verdict {
    /// As `--json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Rejected => "rejected",
        }
    }
}

/// Everything that was found out about one upload.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whose rules were applied.
    pub archive: Archive,
    /// Source package, where the control file names one.
    pub source: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The suite that the upload is for, after the upload path was heard.
    pub suite: Option<String>,
    /// What the archive would do.
    pub verdict: Verdict,
    /// In the archive's order; the first rejection is the one its mail begins with.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether there is a finding of this level.
    pub fn has(&self, level: Level) -> bool {
        self.findings.iter().any(|finding| finding.rule.level == level)
    }
}
