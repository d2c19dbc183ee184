//! The one table of rules: what a finding's code means, in whose words it is
//! told, and how to cure it. `pkgr explain` and docs/archive-rules.md are made
//! from it, and the checks take their rules from it, so that no code is unknown.

mod archive;
mod changes;
mod debian;
mod dsc;
mod page;
mod signature;

pub use archive::*;
pub use changes::*;
pub use debian::*;
pub use dsc::*;
pub use page::page;
pub use signature::*;

use crate::check::Level;

/// A rule of an archive.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// What breaking it means.
    pub level: Level,
    /// Its number in docs/archive-rules.md; several findings may belong to one.
    pub number: &'static str,
    /// What has to be known to judge it.
    pub known: Known,
    /// The archive's message, upper-case words standing for what varies; empty:
    /// the words are pkgr's own.
    pub message: &'static str,
    /// What it means, in sentences.
    pub meaning: &'static str,
    /// What to do about it, as hints are written.
    pub cure: &'static str,
}

/// What a rule is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The files of the upload.
    Files,
    /// The signer's key.
    Key,
    /// What the archives hold.
    Archive,
    /// What only the archive itself knows: pkgr cannot tell before the upload.
    Nobody,
}

/// All rules, in the order of their numbers.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [signature::RULES, changes::RULES, dsc::RULES, archive::RULES, debian::RULES].into_iter().flatten().copied()
}

/// The rule of a code.
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// Declares rules and the list of them.
macro_rules! rules {
    ($($name:ident = $code:literal $level:ident $number:literal $known:ident
       $message:literal $meaning:literal $cure:literal;)*) => {
        $(
            #[doc = $meaning]
            pub static $name: Rule = Rule {
                code: $code,
                level: Level::$level,
                number: $number,
                known: Known::$known,
                message: $message,
                meaning: $meaning,
                cure: $cure,
            };
        )*
        pub(super) static RULES: &[&Rule] = &[$(&$name),*];
    };
}
use rules;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_every_rule_is_explained() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in all() {
            assert!(seen.insert(rule.code), "{} is there twice", rule.code);
            assert!(rule.code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.code);
            assert!(!rule.meaning.is_empty() && rule.meaning.ends_with('.'), "{}", rule.code);
            assert!(!rule.cure.ends_with('.'), "{}: a cure is a hint, without a full stop", rule.code);
            assert!(!rule.cure.is_empty() || rule.level != Level::Rejected, "{} has no cure", rule.code);
        }
        assert!(find("orig-differs").is_some() && find("nonsense").is_none());
    }

    #[test]
    fn every_number_has_a_rule() {
        let numbers: Vec<&str> = all().map(|rule| rule.number).collect();
        for number in 1..=36 {
            let number = number.to_string();
            let has_none = ["4", "36", "17"].contains(&number.as_str());
            assert!(has_none || numbers.contains(&number.as_str()), "no rule {number}");
        }
    }
}
