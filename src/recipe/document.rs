//! The text of a recipe and the places in it: byte ranges become lines and
//! columns, and an offset in a string's *value* becomes one in the text that
//! spells it (TOML 1.0, "String": escapes, multi-line strings).

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::diagnostic::Place;

/// A byte range of the text.
pub type Span = Range<usize>;

/// A recipe's text under the name that the user knows it by.
#[derive(Debug, Clone)]
pub struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    /// A text and the path to show for it.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Document {
        Document { path: path.into(), text: text.into() }
    }

    /// The path to show.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where `span` is.
    pub fn place(&self, span: &Span) -> Place {
        Place::of_span(&self.path, &self.text, span.clone())
    }

    /// The line of a byte offset, counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
    }

    /// The part of the string literal at `span` that spells the bytes `part` of
    /// its value. What is no string literal (a bare key) is taken as it stands.
    pub fn within(&self, span: &Span, part: &Range<usize>) -> Span {
        let literal = self.text.get(span.clone()).unwrap_or_default();
        let offsets = literal_offsets(literal);
        let at = |offset: usize| offsets.get(offset).copied().unwrap_or(literal.len());
        let start = at(part.start);
        let end = if part.end > part.start { at(part.end).max(start) } else { start };
        span.start + start..span.start + end
    }
}

/// For each byte of a TOML string's value, and for its end, the offset in the
/// literal at which it is spelled. Line ends count as one byte, as the walk
/// makes them.
fn literal_offsets(literal: &str) -> Vec<usize> {
    let (open, escapes) = match literal {
        l if l.starts_with("\"\"\"") => (3, true),
        l if l.starts_with("'''") => (3, false),
        l if l.starts_with('"') => (1, true),
        l if l.starts_with('\'') => (1, false),
        _ => (0, false),
    };
    let mut at = open;
    if open == 3 {
        at += ["\r\n", "\n"].iter().find(|n| literal[at..].starts_with(**n)).map_or(0, |n| n.len());
    }
    let end = literal.len().saturating_sub(open).max(at);
    let mut offsets = Vec::with_capacity(literal.len());
    while at < end {
        let rest = literal.get(at..end).unwrap_or_default();
        let (spelled, bytes) = match rest.strip_prefix('\\') {
            Some(escape) if escapes => escape_lengths(escape),
            _ if rest.starts_with("\r\n") => (2, 1),
            _ => rest.chars().next().map_or((1, 1), |c| (c.len_utf8(), c.len_utf8())),
        };
        // a character written plainly keeps the places of its bytes
        offsets.extend((0..bytes).map(|i| if spelled == bytes { at + i } else { at }));
        at += spelled;
    }
    offsets.push(end);
    offsets
}

/// How long the escape is in the text (with its backslash), and how many bytes
/// it stands for; `escape` is what follows the backslash.
fn escape_lengths(escape: &str) -> (usize, usize) {
    let hexadecimal = |digits: usize| {
        let value = escape.get(1..1 + digits).and_then(|text| u32::from_str_radix(text, 16).ok());
        (2 + digits, value.and_then(char::from_u32).map_or(1, char::len_utf8))
    };
    match escape.chars().next() {
        Some('u') => hexadecimal(4),
        Some('U') => hexadecimal(8),
        Some('x') => hexadecimal(2),
        // a backslash at the end of a line swallows the blanks that follow
        Some(c) if c.is_whitespace() => (1 + escape.len() - escape.trim_start().len(), 0),
        Some('e') | Some(_) => (2, 1),
        None => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled<'t>(literal: &'t str, value: &str, part: &str) -> &'t str {
        let document = Document::new("recipe.toml", literal);
        let start = value.find(part).unwrap();
        let span = document.within(&(0..literal.len()), &(start..start + part.len()));
        &literal[span]
    }

    #[test]
    fn offsets_of_values_in_literals() {
        assert_eq!(spelled(r#""a\tbc""#, "a\tbc", "bc"), "bc");
        assert_eq!(spelled("'a bc'", "a bc", "bc"), "bc");
        assert_eq!(spelled("\"\"\"\nab \\\n   cd\"\"\"", "ab cd", "cd"), "cd");
        assert_eq!(spelled(r#""\u00e9x""#, "éx", "x"), "x");
        assert_eq!(spelled("'''\r\nline\nbc'''", "line\nbc", "bc"), "bc");
        assert_eq!(spelled("'''\r\na\r\nbc'''", "a\nbc", "bc"), "bc");
        assert_eq!(spelled("bare", "bare", "re"), "re");
        assert_eq!(spelled("\"éx\"", "éx", "x"), "x");
    }

    #[test]
    fn the_end_of_a_value_is_its_closing_quote() {
        let document = Document::new("recipe.toml", "\"ab\"");
        assert_eq!(document.within(&(0..4), &(2..2)), 3..3);
    }
}
