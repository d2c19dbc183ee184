//! One hunk: reading it, finding its place, and writing the changed lines. The
//! order in which places are tried, and when a hunk may only match the start or
//! the end of a file, are GNU patch's with `-F 0`.

use std::ops::Range;

use super::lines::{self, Line};

/// What a line of a hunk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Must be there and stays.
    Keep,
    /// Must be there and goes.
    Remove,
    /// Comes.
    Add,
}

/// A line of a hunk.
#[derive(Debug, Clone)]
pub(super) struct HunkLine {
    pub action: Action,
    /// Where its text is in the patch, without marker and line end.
    pub text: Range<usize>,
    /// Whether the line ends in a line feed in the file.
    pub newline: bool,
}

/// A hunk as GNU patch reads it.
#[derive(Debug, Clone)]
pub(super) struct Hunk {
    /// Its line in the patch, counted from 1.
    pub line: usize,
    /// Its last line in the patch, a `\ No newline` included.
    pub last: usize,
    /// Its first old line, counted from 1; for a hunk without old lines the one
    /// before which it inserts.
    pub first: i64,
    /// The same for the new lines.
    pub new_first: i64,
    pub lines: Vec<HunkLine>,
    /// Context lines before the first change and after the last.
    pub leading: i64,
    pub trailing: i64,
}

impl Hunk {
    /// The lines that must be in the file.
    pub fn old_lines(&self) -> impl Iterator<Item = &HunkLine> {
        self.lines.iter().filter(|l| l.action != Action::Add)
    }

    /// The lines that are in the file afterwards.
    pub fn new_lines(&self) -> impl Iterator<Item = &HunkLine> {
        self.lines.iter().filter(|l| l.action != Action::Remove)
    }

    /// The hunk that undoes this one.
    pub fn reversed(&self) -> Hunk {
        let lines = self.lines.iter().map(|line| HunkLine {
            action: match line.action {
                Action::Keep => Action::Keep,
                Action::Remove => Action::Add,
                Action::Add => Action::Remove,
            },
            ..line.clone()
        });
        Hunk { first: self.new_first, new_first: self.first, lines: lines.collect(), ..*self }
    }
}

/// A file being patched: its lines, and how far hunks have come.
pub(super) struct Target<'a> {
    bytes: &'a [u8],
    lines: Vec<Line>,
    patch: &'a [u8],
    /// Lines already written; later hunks cannot touch them.
    frozen: i64,
    /// How far the last hunk was from where it said.
    offset: i64,
    output: Vec<u8>,
}

impl<'a> Target<'a> {
    /// `bytes` is the file, `patch` the patch that hunks point into.
    pub fn new(bytes: &'a [u8], patch: &'a [u8]) -> Target<'a> {
        let output = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        Target { bytes, lines: lines::split(bytes), patch, frozen: 0, offset: 0, output }
    }

    /// How many lines the file has.
    pub fn len(&self) -> i64 {
        i64::try_from(self.lines.len()).unwrap_or(i64::MAX)
    }

    /// The text and line feed of a line, counted from 1.
    pub fn line(&self, number: i64) -> Option<(&'a [u8], bool)> {
        let line = self.lines.get(usize::try_from(number - 1).ok()?)?;
        Some((lines::at(self.bytes, &line.text), line.newline))
    }

    /// Where a hunk is expected after those before it.
    pub fn guess(&self, hunk: &Hunk) -> i64 {
        hunk.first + self.offset
    }

    /// The line at which a hunk matches with so many context lines ignored, or `None`.
    pub fn locate(&self, hunk: &Hunk, fuzz: i64) -> Option<i64> {
        let pattern: Vec<(&[u8], bool)> =
            hunk.old_lines().map(|line| (lines::at(self.patch, &line.text), line.newline)).collect();
        let guess = self.guess(hunk);
        if pattern.is_empty() {
            return (guess > 0).then_some(guess);
        }
        let count = i64::try_from(pattern.len()).ok()?;
        let context = hunk.leading.max(hunk.trailing);
        let mut skip_first = fuzz + hunk.leading - context;
        let skip_last = fuzz + hunk.trailing - context;
        let max_forward = self.len() - (count - skip_last) + 1 - guess;
        let max_backward = (guess - (self.frozen + 1)).min(guess - 1);

        if skip_first < 0 && hunk.first <= 1 {
            // fewer context lines before than after, at line 1: the start of the file
            let whole = skip_last < 0 && (count != self.len() || hunk.leading < self.frozen);
            let fits = !whole && self.frozen <= hunk.leading && 1 - guess <= max_forward;
            return (fits && self.matches(&pattern, 1, 0, skip_last)).then_some(1);
        }
        skip_first = skip_first.max(0);
        if skip_last < 0 {
            // fewer context lines after than before: the end of the file
            let place = self.len() - count + 1;
            let fits = guess - place <= max_backward;
            return (fits && self.matches(&pattern, place, skip_first, 0)).then_some(place);
        }
        self.search(&pattern, guess, max_forward, max_backward, (skip_first, skip_last))
    }

    /// Tries places at growing distance, forward before backward.
    fn search(
        &self,
        pattern: &[(&[u8], bool)],
        guess: i64,
        max_forward: i64,
        max_backward: i64,
        (skip_first, skip_last): (i64, i64),
    ) -> Option<i64> {
        let start = if max_forward < 0 {
            -max_forward
        } else if max_backward < 0 {
            guess - (self.frozen + 1)
        } else {
            0
        };
        for offset in start..=max_forward.max(max_backward) {
            if offset <= max_forward && self.matches(pattern, guess + offset, skip_first, skip_last) {
                return Some(guess + offset);
            }
            if offset <= max_backward && self.matches(pattern, guess - offset, skip_first, skip_last) {
                return Some(guess - offset);
            }
        }
        None
    }

    fn matches(&self, pattern: &[(&[u8], bool)], place: i64, skip_first: i64, skip_last: i64) -> bool {
        let Ok(skip) = usize::try_from(skip_first) else { return false };
        let Ok(keep) = usize::try_from(i64::try_from(pattern.len()).unwrap_or(0) - skip_last) else { return false };
        let Ok(start) = usize::try_from(place - 1) else { return false };
        let wanted = pattern.get(skip..keep.min(pattern.len())).unwrap_or_default();
        let Some(here) = self.lines.get(start + skip..start + skip + wanted.len()) else { return false };
        wanted.iter().zip(here).all(|((text, newline), line)| {
            text.len() == line.text.len() && *newline == line.newline && *text == lines::at(self.bytes, &line.text)
        })
    }

    /// Applies a hunk at a place that [`Target::locate`] found. `false` if lines
    /// before it were written already.
    pub fn apply(&mut self, hunk: &Hunk, place: i64) -> bool {
        self.offset += place - self.guess(hunk);
        let mut next = place;
        for line in &hunk.lines {
            match line.action {
                Action::Keep => next += 1,
                Action::Remove => {
                    if !self.copy_until(next - 1) {
                        return false;
                    }
                    self.frozen += 1;
                    next += 1;
                }
                Action::Add => {
                    if !self.copy_until(next - 1) {
                        return false;
                    }
                    let text = lines::at(self.patch, &line.text);
                    self.put(text, line.newline);
                }
            }
        }
        true
    }

    /// The file after all hunks.
    pub fn finish(mut self) -> Vec<u8> {
        self.copy_until(self.len());
        self.output
    }

    fn copy_until(&mut self, last: i64) -> bool {
        if self.frozen > last {
            return false;
        }
        let first = usize::try_from(self.frozen).unwrap_or(usize::MAX);
        let end = usize::try_from(last).unwrap_or(0).min(self.lines.len());
        if let (Some(from), Some(to)) = (self.lines.get(first), self.lines.get(end.wrapping_sub(1))) {
            if first < end {
                let range = from.text.start..to.text.end + usize::from(to.newline);
                let bytes = self.bytes;
                self.start_line();
                self.output.extend_from_slice(lines::at(bytes, &range));
            }
        }
        self.frozen = last;
        true
    }

    fn put(&mut self, text: &[u8], newline: bool) {
        self.start_line();
        self.output.extend_from_slice(text);
        if newline {
            self.output.push(b'\n');
        }
    }

    fn at_line_start(&self) -> bool {
        self.output.last().is_none_or(|b| *b == b'\n')
    }

    /// A line that lacked its line feed gets it once another follows.
    fn start_line(&mut self) {
        if !self.at_line_start() {
            self.output.push(b'\n');
        }
    }
}
