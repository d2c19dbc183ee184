//! Lines of patches and of the files they change.

use std::ops::Range;

/// One line: its text without the line feed, and whether it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Byte range of the text.
    pub text: Range<usize>,
    /// Whether a line feed follows; only a last line can lack it.
    pub newline: bool,
}

/// All lines of `bytes`; none if it is empty.
pub(super) fn split(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        lines.push(Line { text: start..end, newline: true });
        start = end + 1;
    }
    if start < bytes.len() {
        lines.push(Line { text: start..bytes.len(), newline: false });
    }
    lines
}

/// The bytes of a range that [`split`] made; empty if it made it of other bytes.
pub(super) fn at<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

/// Without one carriage return at the end.
pub(super) fn without_cr(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// The leading decimal digits as a number, and what follows them. `None` without
/// a digit, or for a number no file has lines for.
pub(super) fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let value = std::str::from_utf8(text.get(..digits)?).ok()?.parse::<i64>().ok()?;
    (value < i64::MAX / 4).then_some((value, text.get(digits..)?))
}
