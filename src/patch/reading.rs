//! GNU patch's reading of a patch: file headers anywhere in the text, git's
//! extended headers, indented patches, and the hunks after them.

use super::error::{Obstacle, PatchError, Reporter};
use super::hunk::{Action, Hunk, HunkLine};
use super::lines::{self, Line, number};
use super::names;

mod dates;

/// The changes of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct FilePatch {
    /// Its first line in the patch, counted from 1.
    pub line: usize,
    /// Old name, new name, and that of `Index:`, without their first folder.
    pub names: [Option<Vec<u8>>; 3],
    /// How surely the old and new file do not exist: 2 surely, 1 maybe (an empty one does as well), 0 it exists.
    pub absent: [u8; 2],
    /// Old and new mode, 0 if not told.
    pub modes: [u32; 2],
    pub renames: [bool; 2],
    pub copies: [bool; 2],
    /// Whether `diff --git` came before.
    pub git: bool,
    /// A git binary patch.
    pub binary: bool,
    /// The carriage returns at the ends of its lines belong to the patch, not to
    /// the file.
    pub strip_cr: bool,
    /// The word of `Prereq:`.
    pub prerequisite: Option<Vec<u8>>,
    pub hunks: Vec<Hunk>,
}

impl FilePatch {
    /// Whether it renames or copies: the result goes to the other name.
    pub fn moves(&self) -> bool {
        self.renames == [true; 2] || self.copies == [true; 2]
    }
}

const OLD: usize = 0;
const NEW: usize = 1;
const INDEX: usize = 2;

struct Reader<'a> {
    report: Reporter<'a>,
    lines: &'a [Line],
    next: usize,
    /// Blanks before each line of the patch.
    indent: usize,
    /// The headers ended in carriage returns: those of all lines go.
    strip_cr: bool,
    prerequisite: Option<Vec<u8>>,
    /// A last line without line feed, left out of the lines.
    cut: Option<&'a Line>,
}

/// All file patches in the order of the file. A file without any is refused,
/// but for an empty one.
pub(super) fn read(name: &str, bytes: &[u8], lines: &[Line]) -> Result<Vec<FilePatch>, PatchError> {
    let report = Reporter { name, bytes };
    // GNU patch does not read a last line that lacks its line feed
    let (lines, cut) = match lines.split_last() {
        Some((last, before)) if !last.newline => (before, Some(last)),
        _ => (lines, None),
    };
    let mut reader = Reader { report, lines, next: 0, indent: 0, strip_cr: false, prerequisite: None, cut };
    let mut files = Vec::new();
    while let Some(mut file) = reader.header() {
        if file.binary {
            return Err(reader.report.error(reader.next + 1, Obstacle::Binary));
        }
        while let Some(hunk) = reader.hunk()? {
            file.hunks.push(hunk);
        }
        files.push(file);
    }
    if files.is_empty() && !bytes.is_empty() {
        return Err(reader.report.error(1, Obstacle::NoPatch));
    }
    Ok(files)
}

/// What is known of a file before its first hunk.
#[derive(Default)]
struct Header {
    file: FilePatch,
    epoch: [bool; 2],
    needed: bool,
    extended: bool,
}

impl<'a> Reader<'a> {
    fn raw(&self, index: usize) -> Option<&'a [u8]> {
        self.lines.get(index).map(|line| lines::at(self.report.bytes, &line.text))
    }

    /// Finds the next file: leaves the reader at its first hunk, or where the
    /// next file starts if it has none.
    fn header(&mut self) -> Option<FilePatch> {
        let mut header = Header { needed: true, ..Header::default() };
        self.indent = 0;
        let start = self.next;
        while let Some(raw) = self.raw(self.next) {
            if raw.starts_with(b"#") {
                self.next += 1;
                continue;
            }
            let (indent, text) = indentation(raw);
            let cr = text.ends_with(b"\r");
            if let Some(rest) = text.strip_prefix(b"diff --git ") {
                if header.extended {
                    return Some(self.found(header, start));
                }
                header.start_git(rest);
                header.file.line = self.next + 1;
            } else if header.file.git && text.starts_with(b"GIT binary patch") {
                header.file.binary = true;
                return Some(self.found(header, start));
            } else if header.file.git && header.extended_line(text) {
                header.extended = true;
            } else if let Some(word) = text.strip_prefix(b"Prereq:") {
                let word = names::word(word.trim_ascii_start());
                self.prerequisite = (!word.is_empty()).then(|| word.to_vec());
            } else if header.name_line(text) {
                if text.starts_with(b"--- ") && !header.file.git {
                    header.file.line = self.next + 1;
                }
                if !text.starts_with(b"*** ") {
                    self.strip_cr = cr;
                }
            } else if !header.needed && text.starts_with(b"@@ -") {
                header.absences(text);
                self.indent = indent;
                return Some(self.found(header, start));
            }
            self.next += 1;
        }
        header.extended.then(|| self.found(header, start))
    }

    fn found(&mut self, header: Header, start: usize) -> FilePatch {
        let mut file = header.file;
        if file.names[OLD].is_some() || file.names[NEW].is_some() {
            file.names[INDEX] = None;
        }
        if file.line == 0 {
            file.line = start + 1;
        }
        file.strip_cr = self.strip_cr;
        file.prerequisite = self.prerequisite.take();
        file
    }

    /// The text of a line within a file: without indentation and stripped
    /// carriage return.
    fn text(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let line = self.lines.get(index)?;
        let raw = lines::at(self.report.bytes, &line.text);
        let mut width = 0;
        let skipped = raw
            .iter()
            .take_while(|byte| {
                let inside = width < self.indent && matches!(byte, b' ' | b'X' | b'\t');
                width = if **byte == b'\t' { (width + 8) & !7 } else { width + 1 };
                inside
            })
            .count();
        let cut = usize::from(self.strip_cr && raw.len() > skipped && raw.ends_with(b"\r"));
        Some(line.text.start + skipped..line.text.end - cut)
    }

    fn at(&self, range: &std::ops::Range<usize>) -> &'a [u8] {
        lines::at(self.report.bytes, range)
    }

    fn hunk(&mut self) -> Result<Option<Hunk>, PatchError> {
        let Some(header) = self.text(self.next).map(|range| self.at(&range)) else { return Ok(None) };
        let Some(rest) = header.strip_prefix(b"@@ -") else { return Ok(None) };
        let line = self.next + 1;
        let malformed = |why: &str| self.report.error(line, Obstacle::Malformed(why.into()));
        let spans = spans(rest).ok_or_else(|| malformed("a hunk starts with `@@ -LINE,COUNT +LINE,COUNT @@`"))?;
        let (mut first, old, mut new_first, new) = spans;
        self.next += 1;
        first += i64::from(old == 0);
        new_first += i64::from(new == 0);
        let had_cut = self.cut.is_some();
        let lines = self.body(line, old, new)?;
        let is_change = |l: &HunkLine| l.action != Action::Keep;
        let (Some(leading), Some(last)) = (lines.iter().position(is_change), lines.iter().rposition(is_change)) else {
            let why = "the hunk changes nothing";
            return Err(self.report.error(line, Obstacle::Malformed(why.into())));
        };
        let trailing = lines.len() - last - 1;
        let (leading, trailing) = (leading as i64, trailing as i64);
        // what was cut off is taken only as the mark of a missing line feed
        let last = self.next + usize::from(had_cut && self.cut.is_none());
        Ok(Some(Hunk { line, last, first, new_first, lines, leading, trailing }))
    }

    fn body(&mut self, start: usize, old: i64, new: i64) -> Result<Vec<HunkLine>, PatchError> {
        let (mut old, mut new) = (old, new);
        let mut body = Vec::new();
        while old > 0 || new > 0 {
            let Some(range) = self.text(self.next) else {
                if new > 3 || old < 1 || new < 1 {
                    return Err(self.unfinished(start));
                }
                // blank lines at the end of a patch get lost in mails
                body.push(HunkLine { action: Action::Keep, text: 0..0, newline: true });
                (old, new) = (old - 1, new - 1);
                continue;
            };
            let text = self.at(&range);
            self.next += 1;
            let (action, marker) = match text.first() {
                None | Some(b'\t') => (Action::Keep, 0),
                Some(b' ' | b'=') => (Action::Keep, 1),
                Some(b'-') => (Action::Remove, 1),
                Some(b'+') => (Action::Add, 1),
                Some(_) => return Err(self.malformed_line("a line of a hunk starts with a blank, `-` or `+`")),
            };
            let (in_old, in_new) = (action != Action::Add, action != Action::Remove);
            if (in_old && old < 1) || (in_new && new < 1) {
                return Err(self.malformed_line("the hunk has more lines than its header says"));
            }
            old -= i64::from(in_old);
            new -= i64::from(in_new);
            let mut newline = !(in_old && old == 0 && self.incomplete());
            if in_new && new == 0 && self.incomplete() {
                // a kept line is matched as an old one, where it may not be the last
                newline &= in_old;
            }
            body.push(HunkLine { action, text: range.start + marker..range.end, newline });
        }
        Ok(body)
    }

    fn unfinished(&self, start: usize) -> PatchError {
        if self.cut.is_some() {
            let why = "its last line has no line feed, and is not read";
            return self.report.error(self.lines.len() + 1, Obstacle::Malformed(why.into()));
        }
        self.report.error(start, Obstacle::Truncated)
    }

    fn malformed_line(&self, why: &str) -> PatchError {
        self.report.error(self.next, Obstacle::Malformed(why.into()))
    }

    /// Takes a `\ No newline at end of file`.
    fn incomplete(&mut self) -> bool {
        let starts = |line: &[u8]| line.starts_with(b"\\");
        if self.next == self.lines.len() {
            // the one line that is read without its line feed
            return self.cut.take().is_some_and(|line| starts(lines::at(self.report.bytes, &line.text)));
        }
        let is = self.raw(self.next).is_some_and(starts);
        self.next += usize::from(is);
        is
    }
}

impl Header {
    fn start_git(&mut self, rest: &[u8]) {
        let pair = git_name(rest).and_then(|(old, rest)| {
            let (new, rest) = rest.first().filter(|b| names::is_space(**b)).and_then(|_| git_name(rest))?;
            rest.trim_ascii().is_empty().then_some((old, new))
        });
        let (old, new) = pair.unzip();
        (self.file.names[OLD], self.file.names[NEW]) = (old, new);
        self.file.git = true;
        self.needed = false;
    }

    /// A line between `diff --git` and `---`.
    fn extended_line(&mut self, text: &[u8]) -> bool {
        let file = &mut self.file;
        if let Some(rest) = text.strip_prefix(b"index ") {
            return self.index_line(rest);
        } else if let Some(mode) = text.strip_prefix(b"old mode ") {
            file.modes[OLD] = octal(mode);
        } else if let Some(mode) = text.strip_prefix(b"new mode ") {
            file.modes[NEW] = octal(mode);
        } else if let Some(mode) = text.strip_prefix(b"deleted file mode ") {
            file.modes[OLD] = octal(mode);
            file.absent[NEW] = 2;
        } else if let Some(mode) = text.strip_prefix(b"new file mode ") {
            file.modes[NEW] = octal(mode);
            file.absent[OLD] = 2;
        } else if text.starts_with(b"rename from ") {
            file.renames[OLD] = true;
        } else if text.starts_with(b"rename to ") {
            file.renames[NEW] = true;
        } else if text.starts_with(b"copy from ") {
            file.copies[OLD] = true;
        } else if text.starts_with(b"copy to ") {
            file.copies[NEW] = true;
        } else {
            return false;
        }
        true
    }

    fn index_line(&mut self, text: &[u8]) -> bool {
        let hexadecimal = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let (old, rest) = text.split_at(hexadecimal(text));
        let Some(rest) = rest.strip_prefix(b"..") else { return false };
        let (new, rest) = rest.split_at(hexadecimal(rest));
        if old.is_empty() || new.is_empty() || rest.first().is_some_and(|b| !names::is_space(*b)) {
            return false;
        }
        self.file.absent = [absence(old), absence(new)];
        let mode = rest.trim_ascii();
        if !mode.is_empty() {
            self.file.modes = [octal(mode); 2];
        }
        true
    }

    /// `--- `, `+++ `, `*** ` and `Index:`.
    fn name_line(&mut self, text: &[u8]) -> bool {
        let (which, rest) = if let Some(rest) = text.strip_prefix(b"--- ") {
            (OLD, rest)
        } else if let Some(rest) = text.strip_prefix(b"+++ ").or_else(|| text.strip_prefix(b"*** ")) {
            (NEW, rest)
        } else if let Some(rest) = text.strip_prefix(b"Index:") {
            (INDEX, rest)
        } else {
            return false;
        };
        let name = names::of_header(rest);
        let null = name == b"/dev/null";
        self.file.names[which] = (!null).then(|| names::strip(name)).flatten().map(<[u8]>::to_vec);
        if which != INDEX {
            self.epoch[which] = null || dates::is_epoch(names::after_name(rest));
        }
        self.needed = false;
        true
    }

    /// What the first hunk says about files that do not exist.
    fn absences(&mut self, text: &[u8]) {
        let zero = |text: &[u8]| text.first() == Some(&b'0') && !text.get(1).is_some_and(u8::is_ascii_digit);
        let rest = text.get(4..).unwrap_or_default();
        if zero(rest) {
            self.file.absent[OLD] = 1 + u8::from(self.epoch[OLD]);
        }
        let rest = rest.get(rest.iter().position(|b| *b == b' ').unwrap_or(rest.len())..).unwrap_or_default();
        if rest.trim_ascii_start().strip_prefix(b"+").is_some_and(zero) {
            self.file.absent[NEW] = 1 + u8::from(self.epoch[NEW]);
        }
    }
}

/// Counts the blanks before a line (and `X`, as GNU patch does), tabs to columns of eight.
fn indentation(raw: &[u8]) -> (usize, &[u8]) {
    let count = raw.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'X')).count();
    let (blanks, text) = raw.split_at(count);
    let width = blanks.iter().fold(0, |w, b| if *b == b'\t' { (w + 8) & !7 } else { w + 1 });
    (width, text)
}

/// A name of `diff --git`, stripped, and what follows it.
fn git_name(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = text.trim_ascii_start();
    let (name, rest) = match text.first() {
        Some(b'"') => names::unquoted(text)?,
        _ => {
            let word = names::word(text);
            (word.to_vec(), text.get(word.len()..)?)
        }
    };
    Some((names::strip(&name)?.to_vec(), rest))
}

fn octal(text: &[u8]) -> u32 {
    let digits = text.iter().take_while(|b| (b'0'..=b'7').contains(b)).count();
    let rest = text.get(digits..).unwrap_or_default();
    if !rest.first().is_none_or(|b| names::is_space(*b)) {
        return 0;
    }
    std::str::from_utf8(text.get(..digits).unwrap_or_default())
        .ok()
        .and_then(|t| u32::from_str_radix(t, 8).ok())
        .unwrap_or(0)
}

/// What a blob's digest says: all zeros no file, git's empty blob maybe none.
fn absence(digest: &[u8]) -> u8 {
    if digest.iter().all(|b| *b == b'0') {
        2
    } else {
        u8::from(b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391".starts_with(digest))
    }
}

/// First line and count, old and new, after `@@ -`.
fn spans(text: &[u8]) -> Option<(i64, i64, i64, i64)> {
    let span = |text| {
        let (first, rest) = number(text)?;
        match rest.strip_prefix(b",") {
            Some(rest) => number(rest).map(|(count, rest)| (first, count, rest)),
            None => Some((first, 1, rest)),
        }
    };
    let (first, old, rest) = span(text)?;
    let (new_first, new, rest) = span(rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"+")?)?;
    rest.strip_prefix(b" ").unwrap_or(rest).starts_with(b"@").then_some((first, old, new_first, new))
}
