//! What the evaluation of one target's parts shares: the recipe, the series, the
//! templates' variables, and the errors found.

use crate::diagnostic::{Diagnostic, Place};
use crate::lock::Followed;
use crate::recipe::check::{Check, Wrong};
use crate::recipe::document::Span;
use crate::recipe::keys::{Key, Kind};
use crate::recipe::problems::Problems;
use crate::recipe::template::{self, Variables};
use crate::recipe::value::{Field, Item, Section, Text, Value};
use crate::recipe::{Recipe, tell};
use crate::series::Series;

use super::follow::Resolved;

/// Evaluates values of one recipe for one series.
pub struct Evaluator<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// For which series.
    pub series: &'a Series,
    /// What the templates' variables stand for.
    pub variables: Variables,
    /// What is followed, as the lock has it.
    pub follows: &'a Resolved<'a>,
    /// nginx, under `[nginx]`, where the lock has it.
    pub nginx: Option<&'a Followed>,
    /// Whether the target has upstream files.
    pub has_sources: bool,
    /// Paths that packages put something at, in the order of the recipe.
    pub placed: Vec<Placed>,
    /// What is wrong.
    pub problems: &'a mut Problems,
}

/// A path of the installed system and the package that puts something there.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Absolute.
    pub path: String,
    /// The package's name.
    pub package: String,
    /// Where the recipe says so.
    pub span: Span,
}

/// An evaluated string and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Expanded.
    pub value: String,
    /// Where the recipe has it.
    pub span: Span,
}

impl Evaluator<'_> {
    /// Where something is in the recipe.
    pub fn place(&self, span: &Span) -> Place {
        self.recipe.document().place(span)
    }

    /// Adds an error with its place.
    pub fn wrong(&mut self, code: &'static str, message: impl Into<String>, span: &Span) {
        let diagnostic = Diagnostic::error(code, message).at(self.place(span));
        self.problems.push(diagnostic);
    }

    /// Adds an error with its place and a way out.
    pub fn wrong_with_hint(&mut self, code: &'static str, message: impl Into<String>, span: &Span, hint: &str) {
        let diagnostic = Diagnostic::error(code, message).at(self.place(span)).hint(hint);
        self.problems.push(diagnostic);
    }

    /// Adds an error that only some series may have.
    pub fn wrong_for_series(&mut self, code: &'static str, message: impl Into<String>, span: &Span, hint: &str) {
        let note = format!("found for {}", self.series);
        let diagnostic = Diagnostic::error(code, message).at(self.place(span)).because(note);
        self.problems.push(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
    }

    /// A string with its template expanded and the result checked.
    pub fn expand(&mut self, text: &Text, check: Check) -> Option<Word> {
        if !check.is_templated() || !template::is_template(&text.value) {
            return Some(Word { value: text.value.clone(), span: text.span.clone() });
        }
        // places within the result are not places within the template
        let (wrong, note) = match template::expand(&text.value, &self.variables) {
            Ok(value) => match check.check(&value) {
                Ok(()) => return Some(Word { value, span: text.span.clone() }),
                Err(wrong) => (Wrong { part: None, ..wrong }, Some(format!("the template expands to `{value}`"))),
            },
            Err(wrong) => (wrong, None),
        };
        let mut diagnostic = tell(self.recipe.document(), text, wrong);
        diagnostic.notes.extend(note);
        self.problems.push(diagnostic);
        None
    }

    /// A string key's value.
    pub fn word(&mut self, section: &Section, name: &str) -> Option<Word> {
        let field = section.field(name)?;
        let Value::Text(text) = &field.value else { return None };
        self.expand(text, check_of(field.key))
    }

    /// A string key's value, without its place.
    pub fn text(&mut self, section: &Section, name: &str) -> Option<String> {
        self.word(section, name).map(|w| w.value)
    }

    /// A list of strings.
    pub fn words(&mut self, section: &Section, name: &str) -> Vec<Word> {
        let Some(Field { key, value: Value::List(items), .. }) = section.field(name) else { return Vec::new() };
        let check = check_of(key);
        items
            .iter()
            .filter_map(|item| match item {
                Item::Text(text) => self.expand(text, check),
                Item::Record(_) => None,
            })
            .collect()
    }

    /// A list of strings, without their places.
    pub fn texts(&mut self, section: &Section, name: &str) -> Vec<String> {
        self.words(section, name).into_iter().map(|w| w.value).collect()
    }
}

/// What the strings of a key have to be.
pub fn check_of(key: &Key) -> Check {
    match key.kind {
        Kind::Text(check)
        | Kind::TextOrNumber(check)
        | Kind::List(check)
        | Kind::Records(check, _)
        | Kind::Map(_, check)
        | Kind::Files(check, _)
        | Kind::Multimap(_, check) => check,
        // words of a fixed list and flags were checked as they were read
        _ => Check::Reason,
    }
}
