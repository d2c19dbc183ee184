//! Paragraphs of fields (deb822(5)): what debian/control, .dsc, .changes,
//! .buildinfo and the archive's indexes are written in.
//!
//! Reads as strictly as dpkg's own perl and a little more so: what it accepts by
//! accident (a field without a colon, a byte order mark as part of a name) is
//! refused here. Signatures are cut off, never verified: that is `sign`'s matter.

use std::borrow::Cow;
use std::fmt;

/// Fields in their order. A value is the text behind the colon and, after a line
/// feed each, the continuation lines with their leading blank: `\n .` is an empty
/// line of a Description, and a list such as `Files` begins with the line feed.
#[derive(Debug, Clone, Default)]
pub struct Paragraph {
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    value: String,
    /// Of the text it was read from; 0 for a field made here.
    line: usize,
}

/// A text that is not in the format, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl ParseError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> ParseError {
        ParseError { line, message: message.into() }
    }
}

impl Paragraph {
    /// One without fields.
    pub fn new() -> Paragraph {
        Paragraph::default()
    }

    /// The value of a field; its name is compared without regard to case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|i| self.fields[i].value.as_str())
    }

    /// The value, unless it is blank from end to end.
    pub fn get_filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// The line that a field was read from, counted from 1; `None` for a field
    /// that is missing or was not read.
    pub fn line_of(&self, name: &str) -> Option<usize> {
        self.find(name).map(|i| self.fields[i].line).filter(|line| *line > 0)
    }

    /// The line of the first field.
    pub fn first_line(&self) -> Option<usize> {
        self.fields.first().map(|field| field.line).filter(|line| *line > 0)
    }

    /// Replaces a field's value where it stands, or adds the field at the end.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.find(name) {
            Some(i) => self.fields[i].value = value.into(),
            None => self.push(name, value),
        }
    }

    /// Adds a field at the end, which must not be there yet.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        debug_assert!(self.find(name).is_none(), "{name} is there already");
        self.fields.push(Field { name: name.to_string(), value: value.into(), line: 0 });
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.find(name).map(|i| self.fields.remove(i).value)
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|field| (field.name.as_str(), field.value.as_str()))
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name.eq_ignore_ascii_case(name))
    }
}

/// Equal names (with their case) and values in equal order, wherever read.
impl PartialEq for Paragraph {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Paragraph {}

/// dpkg's form: no blank after the colon of a list, none at the end of a line,
/// and an empty continuation line written ` .`, for it would end the paragraph.
impl fmt::Display for Paragraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            let mut lines = value.split('\n');
            let first = trim_end(lines.next().unwrap_or_default());
            match first {
                "" => writeln!(f, "{name}:")?,
                _ => writeln!(f, "{name}: {first}")?,
            }
            for line in lines {
                // whichever blank continued it, dpkg drops one and writes a space
                let line = trim_end(line.strip_prefix(is_blank).unwrap_or(line));
                writeln!(f, " {}", if line.is_empty() { "." } else { line })?;
            }
        }
        Ok(())
    }
}

/// Writes paragraphs one after the other, an empty line between two.
pub fn write(paragraphs: &[Paragraph]) -> String {
    paragraphs.iter().map(Paragraph::to_string).collect::<Vec<_>>().join("\n")
}

/// A value on one line, as dpkg folds `Uploaders` and relations: every line break
/// with the blanks around it becomes one blank.
pub fn unfold(value: &str) -> String {
    let lines = value.split(['\n', '\r']).map(|line| line.trim_matches(is_blank));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Parses all paragraphs of a text. Comment lines vanish, blank lines (also those
/// of blanks only) separate, a carriage return before the line feed is a blank.
/// Signed text must go through [`strip_signature`] before.
pub fn parse(text: &str) -> Result<Vec<Paragraph>, ParseError> {
    let mut paragraphs = Vec::new();
    let mut current = Paragraph::new();
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        let line = trim_end(line);
        if line.is_empty() {
            if !current.is_empty() {
                paragraphs.push(std::mem::take(&mut current));
            }
        } else if line.starts_with('#') {
            continue;
        } else if line.starts_with(is_blank) {
            match current.fields.last_mut() {
                Some(field) => {
                    field.value.push('\n');
                    field.value.push_str(line);
                }
                None => return Err(ParseError::new(number, "continuation line before any field")),
            }
        } else {
            let (name, value) = split_field(line, number)?;
            if current.find(name).is_some() {
                return Err(ParseError::new(number, format!("duplicate field `{name}`")));
            }
            current.fields.push(Field { name: name.to_string(), value: value.to_string(), line: number });
        }
    }
    if !current.is_empty() {
        paragraphs.push(current);
    }
    Ok(paragraphs)
}

/// Like [`parse`], for bytes that may turn out not to be UTF-8.
pub fn parse_bytes(bytes: &[u8]) -> Result<Vec<Paragraph>, ParseError> {
    parse(utf8(bytes)?)
}

/// The bytes as text, or the line where they are not UTF-8 (Policy 5.1).
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        ParseError::new(memchr::memchr_iter(b'\n', before).count() + 1, "not UTF-8")
    })
}

fn split_field(line: &str, number: usize) -> Result<(&str, &str), ParseError> {
    let Some((name, value)) = line.split_once(':') else {
        return Err(ParseError::new(number, "neither a field (`Name: value`) nor a continuation of one"));
    };
    let name = trim_end(name);
    if name.starts_with('-') {
        return Err(ParseError::new(number, "a field name cannot begin with a hyphen"));
    }
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ParseError::new(number, format!("`{name}` is not a field name")));
    }
    Ok((name, value.trim_start_matches(is_blank)))
}

/// What perl's `\s` is on ASCII: dpkg's notion of a blank.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c')
}

fn trim_end(line: &str) -> &str {
    line.trim_end_matches(is_blank)
}

const MESSAGE: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"-----END PGP SIGNATURE-----";

/// The text inside a cleartext signature (RFC 9580 §7), dash escapes undone; text
/// without one comes back as it is. Says nothing about the signature's validity,
/// but an envelope that is not whole, or text before or behind it, is an error:
/// readers disagree about such text.
pub fn strip_signature(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ParseError> {
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').enumerate().map(|(i, line)| (i + 1, line));
    let blank = |line: &[u8]| line.iter().all(|b| is_blank(char::from(*b)));
    let Some((start, first)) = lines.by_ref().find(|(_, line)| !blank(line)) else {
        return Ok(Cow::Borrowed(bytes));
    };
    if !is_marker(first, MESSAGE) {
        let mut rest = bytes.split(|b| *b == b'\n').enumerate();
        return match rest.find(|(_, line)| is_marker(line, MESSAGE)) {
            Some((i, _)) => Err(ParseError::new(i + 1, "text before the signed message")),
            None => Ok(Cow::Borrowed(bytes)),
        };
    }
    if lines.by_ref().find(|(_, line)| blank(line)).is_none() {
        return Err(ParseError::new(start, "the signed message has no empty line after its headers"));
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut in_signature = false;
    let mut ended = false;
    for (number, line) in lines {
        if ended {
            if !blank(line) {
                return Err(ParseError::new(number, "text after the signature"));
            }
        } else if in_signature {
            ended = is_marker(line, END);
        } else if is_marker(line, SIGNATURE) {
            in_signature = true;
        } else if let Some(escaped) = line.strip_prefix(b"- ") {
            text.extend_from_slice(escaped);
        } else if line.starts_with(b"-") {
            return Err(ParseError::new(number, "a line of the signed message begins with an unescaped hyphen"));
        } else {
            text.extend_from_slice(line);
        }
    }
    if !ended {
        return Err(ParseError::new(start, "the signature is not finished"));
    }
    Ok(Cow::Owned(text))
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.iter().all(|b| is_blank(char::from(*b))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> (usize, String) {
        let error = parse(text).unwrap_err();
        (error.line, error.message)
    }

    #[test]
    fn values_keep_their_continuation_lines() {
        let text = "Source: a\nDescription: one\n two\n .\n   three\nFiles:\n x 1 y\n";
        let paragraphs = parse(text).unwrap();
        let paragraph = &paragraphs[0];
        assert_eq!(paragraph.get("source"), Some("a"));
        assert_eq!(paragraph.get("DESCRIPTION"), Some("one\n two\n .\n   three"));
        assert_eq!(paragraph.get("Files"), Some("\n x 1 y"));
        assert_eq!(paragraph.line_of("Files"), Some(6));
        assert_eq!(paragraph.to_string(), text);
    }

    #[test]
    fn any_blank_continues_a_line_and_is_written_as_a_space() {
        let paragraphs = parse("A: b\n\tc\n\x0bd\n").unwrap();
        assert_eq!(write(&paragraphs), "A: b\n c\n d\n");
    }

    #[test]
    fn comments_vanish_and_blank_lines_separate() {
        let text = "\n# top\nA: 1\n# inside\n more\n \t\n\n#\n\nB:2\r\n  c\r\n";
        let paragraphs = parse(text).unwrap();
        assert_eq!(paragraphs.len(), 2);
        assert_eq!(paragraphs[0].get("A"), Some("1\n more"));
        assert_eq!(paragraphs[1].get("B"), Some("2\n  c"));
        assert_eq!(write(&paragraphs), "A: 1\n more\n\nB: 2\n  c\n");
    }

    #[test]
    fn refusals_name_their_line() {
        assert_eq!(error("A: 1\na: 2\n"), (2, "duplicate field `a`".to_string()));
        assert_eq!(error("A: 1\n\n b\n").0, 3);
        assert_eq!(error("A: 1\nno colon\n").0, 2);
        assert_eq!(error("A: 1\nnocolon\n").0, 2);
        assert_eq!(error("-A: 1\n").0, 1);
        assert_eq!(error(": 1\n").0, 1);
        assert_eq!(error("a b: 1\n").0, 1);
        assert_eq!(error("\u{feff}A: 1\n").0, 1);
        assert_eq!(parse_bytes(b"A: 1\nB: \xff\n").unwrap_err().line, 2);
    }

    #[test]
    fn set_keeps_the_place_and_push_appends() {
        let mut paragraph = Paragraph::new();
        paragraph.push("A", "1");
        paragraph.push("B", "2");
        paragraph.set("a", "3");
        paragraph.set("C", "\nx\n\n y");
        assert_eq!(paragraph.to_string(), "A: 3\nB: 2\nC:\n x\n .\n y\n");
        assert_eq!(paragraph.remove("b"), Some("2".to_string()));
        assert_eq!(paragraph.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "C"]);
    }

    #[test]
    fn unfolding() {
        assert_eq!(unfold("a,\n b ,\r\n\t c"), "a, b , c");
        assert_eq!(unfold("\n a\n b"), "a b");
    }

    const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nA: 1\n- -B: 2\n\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn a_signature_is_cut_off() {
        assert_eq!(&*strip_signature(SIGNED.as_bytes()).unwrap(), b"A: 1\n-B: 2\n\n");
        assert_eq!(&*strip_signature(b"A: 1\n").unwrap(), b"A: 1\n");
        assert!(matches!(strip_signature(b"").unwrap(), Cow::Borrowed(b"")));
    }

    #[test]
    fn a_broken_envelope_is_refused() {
        for (text, line) in [
            (format!("X: 1\n{SIGNED}"), 2),
            (format!("{SIGNED}X: 1\n"), 11),
            (SIGNED.replace("-----END PGP SIGNATURE-----\n", ""), 1),
            (SIGNED.replace("- -B", "-B"), 5),
            ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n".to_string(), 1),
        ] {
            assert_eq!(strip_signature(text.as_bytes()).unwrap_err().line, line, "{text}");
        }
        assert!(parse(SIGNED).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = strip_signature(&bytes);
            let _ = parse_bytes(&bytes);
        }

        #[test]
        fn what_was_read_is_written_and_read_the_same(text in "([A-C]: ?[ -~]{0,9}\n([ \t][!-~ ]{1,9}\n){0,2}|\n|#x\n){0,9}") {
            if let Ok(paragraphs) = parse(&text) {
                let written = write(&paragraphs);
                let again = parse(&written).unwrap();
                prop_assert_eq!(write(&again), written);
                prop_assert_eq!(again.len(), paragraphs.len());
            }
        }
    }
}
