//! Collects what is wrong with a recipe, so that one run tells it all.

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// Errors found so far, each once: the same fault seen from ten series is one.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    found: Vec<Diagnostic>,
}

impl Problems {
    /// Adds one, unless the same is there; notes and hints do not make it another.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let same = |d: &Diagnostic| {
            d.code == diagnostic.code && d.message == diagnostic.message && d.place == diagnostic.place
        };
        if !self.found.iter().any(same) {
            self.found.push(diagnostic);
        }
    }

    /// Adds those of another part.
    pub fn extend(&mut self, others: &Problems) {
        for diagnostic in &others.found {
            self.push(diagnostic.clone());
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// A failure of all, in the order of their places; those without one last.
    pub fn into_result(mut self) -> Result<(), Failure> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|d| d.place.as_ref().map_or((usize::MAX, 0), |p| (p.line, p.column)));
        Err(Failure { kind: Kind::Recipe, diagnostics: self.found })
    }
}
