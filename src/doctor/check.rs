//! One thing that was looked at.

use crate::diagnostic::{Diagnostic, Failure, Level};

/// What it belongs to, in the order of telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Programs.
    Tools,
    /// Configuration, folders, clock.
    Machine,
    /// The key that signs.
    Keys,
    /// What the recipe says.
    Recipe,
    /// Who can be reached.
    Reachability,
}

impl Group {
    /// All of them.
    pub const ALL: [Group; 5] = [Group::Tools, Group::Machine, Group::Keys, Group::Recipe, Group::Reachability];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Group::Tools => "tools",
            Group::Machine => "machine",
            Group::Keys => "keys",
            Group::Recipe => "recipe",
            Group::Reachability => "reachability",
        }
    }
}

/// How it stands, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is wrong.
    Note,
    /// Something will not work, or will soon not.
    Warning,
    /// What the recipe wants will not work.
    Problem,
}

impl Status {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Note => "note",
            Status::Warning => "warning",
            Status::Problem => "problem",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it belongs to.
    pub group: Group,
    /// Stable kebab-case identifier: what was looked at, or the code of what was wrong.
    pub code: &'static str,
    /// How it stands.
    pub status: Status,
    /// One line, lower-case, no full stop.
    pub found: String,
    /// What explains it.
    pub facts: Vec<String>,
    /// What to do, the likeliest first; commands in backquotes.
    pub cures: Vec<String>,
}

impl Check {
    /// With nothing but its line.
    pub fn new(group: Group, code: &'static str, status: Status, found: impl Into<String>) -> Check {
        Check { group, code, status, found: found.into(), facts: Vec::new(), cures: Vec::new() }
    }

    /// As it should be.
    pub fn ok(group: Group, code: &'static str, found: impl Into<String>) -> Check {
        Check::new(group, code, Status::Ok, found)
    }

    /// Worth knowing.
    pub fn note(group: Group, code: &'static str, found: impl Into<String>) -> Check {
        Check::new(group, code, Status::Note, found)
    }

    /// Something is, or will be, amiss.
    pub fn warning(group: Group, code: &'static str, found: impl Into<String>) -> Check {
        Check::new(group, code, Status::Warning, found)
    }

    /// Adds a fact.
    pub fn because(mut self, fact: impl Into<String>) -> Check {
        self.facts.push(fact.into());
        self
    }

    /// Adds a cure.
    pub fn cure(mut self, cure: impl Into<String>) -> Check {
        self.cures.push(cure.into());
        self
    }

    /// A diagnostic as it weighs itself.
    pub fn of(group: Group, diagnostic: Diagnostic) -> Check {
        let status = match diagnostic.level {
            Level::Note => Status::Note,
            Level::Warning => Status::Warning,
            Level::Error => Status::Problem,
        };
        let Diagnostic { code, message, place, notes, hints, .. } = diagnostic;
        let found = match place {
            Some(place) => format!("{}:{}: {message}", place.file.display(), place.line),
            None => message,
        };
        Check { group, code, status, found, facts: notes, cures: hints }
    }

    /// The diagnostics of a failure, which weigh as `status`.
    pub fn failed(group: Group, status: Status, failure: Failure) -> Vec<Check> {
        let weighed = |diagnostic| Check { status, ..Check::of(group, diagnostic) };
        failure.diagnostics.into_iter().map(weighed).collect()
    }
}
