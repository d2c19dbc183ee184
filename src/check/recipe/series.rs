//! Series that are over.

use super::rules;
use super::{Lint, Subject};

/// Those at their end of life, and those in extended support.
pub fn lint(subject: &Subject, today: &str) -> Vec<Lint> {
    let mut found = Vec::new();
    for series in subject.recipe.series() {
        let last = series.eol.as_str().max(series.eol_extended.as_str());
        let (rule, message) = if series.is_dead(today) {
            (&rules::SERIES_EOL, format!("{series} is at its end of life since {last}"))
        } else if series.is_eol(today) {
            let message = format!("{series} is out of general support since {}, and lives until {last}", series.eol);
            (&rules::SERIES_EXTENDED, message)
        } else {
            continue;
        };
        found.push(Lint::new(rule, message).at(subject.text(&series.name)));
    }
    found
}
