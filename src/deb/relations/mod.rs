//! Relations between packages (Policy 7.1, deb-src-control(5)): parsed, written,
//! and simplified as dpkg-source does it for the .dsc.
//!
//! A field is a list of clauses that all must hold; a clause is a list of
//! alternatives of which one must hold.

mod parser;
mod simplify;

use std::fmt;

pub use parser::{check_clause, parse};
pub use simplify::{simplify, simplify_union};

/// Which field a relation stands in: decides what its syntax allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Build-Depends and its kin: `:native` is legal, substitution variables are not.
    Build,
    /// Build-Conflicts and its kin: no alternatives.
    BuildConflicts,
    /// Depends, Pre-Depends, Recommends, Suggests: substitution variables are legal.
    Depends,
    /// Conflicts, Breaks, Replaces, Enhances: no alternatives.
    Conflicts,
    /// Provides: no alternatives, no operator but `=`.
    Provides,
    /// Depends of debian/tests/control: `@` and `@builddeps@` are legal.
    Test,
}

impl Kind {
    fn is_build(self) -> bool {
        matches!(self, Kind::Build | Kind::BuildConflicts)
    }

    fn has_substvars(self) -> bool {
        matches!(self, Kind::Depends | Kind::Conflicts | Kind::Provides)
    }

    fn has_alternatives(self) -> bool {
        matches!(self, Kind::Build | Kind::Depends | Kind::Test)
    }
}

/// How versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Earlier => "<<",
            Operator::EarlierOrEqual => "<=",
            Operator::Equal => "=",
            Operator::LaterOrEqual => ">=",
            Operator::Later => ">>",
        })
    }
}

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package, or a substitution variable in its place (`${misc:Depends}`).
    pub package: String,
    /// What follows a colon: `any`, `native`, an architecture.
    pub qualifier: Option<String>,
    /// `(>= 1.0)`; the version as written.
    pub version: Option<(Operator, String)>,
    /// `[amd64 i386]`, each with its `!`; empty where not written.
    pub architectures: Vec<String>,
    /// `<!nocheck> <cross>`: a list of lists of profiles, each with its `!`.
    pub profiles: Vec<Vec<String>>,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.package)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        if let Some((operator, version)) = &self.version {
            write!(f, " ({operator} {version})")?;
        }
        if !self.architectures.is_empty() {
            write!(f, " [{}]", self.architectures.join(" "))?;
        }
        for profiles in &self.profiles {
            write!(f, " <{}>", profiles.join(" "))?;
        }
        Ok(())
    }
}

/// Alternatives, at least one.
pub type Clause = Vec<Relation>;

/// A whole field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations {
    /// All must hold.
    pub clauses: Vec<Clause>,
}

impl fmt::Display for Relations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, clause) in self.clauses.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            for (j, relation) in clause.iter().enumerate() {
                write!(f, "{}{relation}", if j > 0 { " | " } else { "" })?;
            }
        }
        Ok(())
    }
}

/// Why a relation cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RelationError {
    /// Byte position in the text; its length where the end came too early.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}
