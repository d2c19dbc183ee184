//! dpkg's own reading of a patch (`Dpkg::Source::Patch`): stricter than GNU
//! patch in the form of headers and hunks, and careful about where paths lead.

use super::error::{Obstacle, PatchError, Reporter};
use super::lines::{self, Line};
use super::tree::{EntryKind, Tree};
use super::{PatchFile, names};
use crate::diagnostic::Diagnostic;

/// A name of a header.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// As written.
    written: Vec<u8>,
    /// Below the root; `None` for /dev/null and names without a slash.
    pub path: Option<Vec<u8>>,
    /// Its line in the patch, counted from 1.
    line: usize,
}

/// A pair of `--- ` and `+++ `.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub old: Name,
    pub new: Name,
}

/// What dpkg learns from the patch alone.
pub(super) struct Analysis {
    pub headers: Vec<Header>,
    pub warnings: Vec<Diagnostic>,
}

const DEV_NULL: &[u8] = b"/dev/null";

struct Analyzer<'a> {
    report: Reporter<'a>,
    lines: &'a [Line],
    next: usize,
    warnings: Vec<Diagnostic>,
}

/// Checks the form of a patch as dpkg does before it calls `patch`.
pub(super) fn analyze(name: &str, bytes: &[u8], lines: &[Line]) -> Result<Analysis, PatchError> {
    let report = Reporter { name, bytes };
    let mut analyzer = Analyzer { report, lines, next: 0, warnings: Vec::new() };
    let mut headers = Vec::new();
    while analyzer.skip_comments() {
        headers.push(analyzer.header()?);
        analyzer.hunks()?;
    }
    let mut warnings = analyzer.warnings;
    if headers.is_empty() {
        let message = "dpkg-source sees no changed file in this patch".to_string();
        warnings.push(Reporter { name, bytes }.warning(1, "patch-without-hunks", message));
    }
    Ok(Analysis { headers, warnings })
}

impl<'a> Analyzer<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.lines.get(self.next).map(|line| lines::without_cr(lines::at(self.report.bytes, &line.text)))
    }

    fn take(&mut self) -> Option<&'a [u8]> {
        let line = self.peek()?;
        self.next += 1;
        Some(line)
    }

    /// The number of the line taken last.
    fn line(&self) -> usize {
        self.next.max(1)
    }

    fn error<T>(&self, obstacle: Obstacle) -> Result<T, PatchError> {
        Err(self.report.error(self.line(), obstacle))
    }

    fn malformed<T>(&self, why: &str) -> Result<T, PatchError> {
        self.error(Obstacle::Malformed(why.into()))
    }

    fn skip_comments(&mut self) -> bool {
        while let Some(line) = self.peek() {
            if [&b"--- "[..], b"+++ ", b"@@ -"].iter().any(|marker| line.starts_with(marker)) {
                return true;
            }
            self.next += 1;
        }
        false
    }

    fn header(&mut self) -> Result<Header, PatchError> {
        let line = self.take().unwrap_or_default();
        let Some(old) = line.strip_prefix(b"--- ") else {
            let context = self.report.bytes.windows(4).any(|w| w == b"\n***") || self.report.bytes.starts_with(b"***");
            if context && line.starts_with(b"--- ") {
                return self.error(Obstacle::ContextDiff);
            }
            return self.malformed("`--- OLD` and `+++ NEW` must come before this line");
        };
        let old = self.name(old)?;
        if old.written.ends_with(b".dpkg-orig") {
            return self.error(Obstacle::UnsafeName(old.written));
        }
        let previous = self.lines.get(self.next.saturating_sub(2)).map(|l| lines::at(self.report.bytes, &l.text));
        let Some(line) = self.take() else {
            return self.malformed("`+++ NEW` must follow `--- OLD`");
        };
        let Some(new) = line.strip_prefix(b"+++ ") else {
            if previous.is_some_and(|p| p.starts_with(b"*** ")) || line.starts_with(b"*****") {
                return self.error(Obstacle::ContextDiff);
            }
            return self.malformed("`+++ NEW` must follow `--- OLD`");
        };
        let header = Header { old, new: self.name(new)? };
        self.judge(&header)?;
        Ok(header)
    }

    fn name(&self, at: &[u8]) -> Result<Name, PatchError> {
        let at = at.trim_ascii_start();
        if at.starts_with(b"\"") {
            return self.error(Obstacle::QuotedName);
        }
        // unlike GNU patch, dpkg keeps blanks before the tab
        let written = match memchr::memchr(b'\t', at) {
            Some(tab) => at.get(..tab).unwrap_or_default(),
            None => names::word(at),
        };
        let path = (written != DEV_NULL).then(|| below_root(written)).flatten();
        Ok(Name { written: written.to_vec(), path, line: self.line() })
    }

    fn judge(&self, header: &Header) -> Result<(), PatchError> {
        if header.old.path.is_none() && header.new.path.is_none() {
            return self.error(Obstacle::NoName);
        }
        for name in [&header.old, &header.new] {
            if name.path.is_some() && name.written.windows(4).any(|w| w == b"/../") {
                return Err(self.report.error(name.line, Obstacle::UnsafeName(name.written.clone())));
            }
        }
        if header.new.written == DEV_NULL && header.old.path.is_none() {
            return self.error(Obstacle::NoName);
        }
        Ok(())
    }

    fn hunks(&mut self) -> Result<(), PatchError> {
        let mut hunks = 0;
        while let Some(line) = self.peek() {
            if line.starts_with(b"\\ ") {
                self.next += 1;
                continue;
            }
            let Some((old, new)) = counts(line) else { break };
            self.next += 1;
            self.hunk(old, new)?;
            hunks += 1;
        }
        if hunks > 0 {
            return Ok(());
        }
        match self.take() {
            Some(line) if line.starts_with(b"@@") => {
                self.malformed("a hunk starts with `@@ -LINE,COUNT +LINE,COUNT @@`")
            }
            _ => self.error(Obstacle::NoHunks),
        }
    }

    fn hunk(&mut self, mut old: i64, mut new: i64) -> Result<(), PatchError> {
        let start = self.line();
        while old != 0 || new != 0 {
            let Some(line) = self.take() else {
                if old == new && old < 3 {
                    let message = "the patch ends in the middle of a hunk".to_string();
                    self.warnings.push(self.report.warning(start, "patch-truncated", message));
                    return Ok(());
                }
                return Err(self.report.error(start, Obstacle::Truncated));
            };
            match line.first() {
                Some(b'\\') if line.starts_with(b"\\ ") => {}
                None | Some(b' ') => (old, new) = (old - 1, new - 1),
                Some(b'-') => old -= 1,
                Some(b'+') => new -= 1,
                Some(_) => return self.malformed("a line of a hunk starts with a blank, `-`, `+` or `\\`"),
            }
        }
        Ok(())
    }
}

/// `-p1` as dpkg does it: the rest may be empty.
fn below_root(name: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'/', name).map(|_| names::strip(name).unwrap_or_default().to_vec())
}

/// The counts of old and new lines in `@@ -1,2 +1,3 @@ anything`.
fn counts(line: &[u8]) -> Option<(i64, i64)> {
    let (old, rest) = span(line.strip_prefix(b"@@ -")?)?;
    let (new, rest) = span(rest.strip_prefix(b" +")?)?;
    let rest = rest.strip_prefix(b" @@")?;
    (rest.is_empty() || rest.starts_with(b" ")).then_some((old, new))
}

fn span(text: &[u8]) -> Option<(i64, &[u8])> {
    let (_, rest) = lines::number(text)?;
    match rest.strip_prefix(b",") {
        Some(rest) => lines::number(rest),
        None => Some((1, rest)),
    }
}

/// Checks where the paths of a patch lead in the tree, and makes the folders that
/// it needs, as dpkg does before it calls `patch`.
pub(super) fn check(patch: &PatchFile, tree: &mut Tree<'_>) -> Result<Vec<Diagnostic>, PatchError> {
    let report = Reporter { name: &patch.name, bytes: &patch.bytes };
    let mut warnings = Vec::new();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut folders = Vec::new();
    for header in &patch.headers {
        for name in [&header.old, &header.new] {
            refuse_symlinks(&report, name, tree)?;
        }
        let (path, line) = meant(header, tree);
        if tree.kind(&path).is_some_and(|kind| kind != EntryKind::File) {
            return Err(report.error(line, Obstacle::NotAFile(path)));
        }
        if seen.iter().filter(|other| **other == path).count() == 1 {
            let message = format!("the patch changes `{}` more than once", names::shown(&path));
            let warning = report.warning(line, "patch-file-twice", message);
            // its check before the first patch of a series is stricter than the rest
            let fact = "dpkg-source unpacks it, but cannot build from an unpatched tree if it is the first patch";
            warnings.push(warning.because(fact).hint("merge the changes of one file, or split the patch"));
        }
        if let Some(parent) = names::ancestors(&names::normal(&path)).next() {
            folders.push((parent.to_vec(), line));
        }
        seen.push(path);
    }
    for (folder, line) in folders {
        tree.make_folders(&folder).map_err(|path| report.error(line, Obstacle::NotAFolder(path)))?;
    }
    Ok(warnings)
}

fn refuse_symlinks(report: &Reporter<'_>, name: &Name, tree: &Tree<'_>) -> Result<(), PatchError> {
    let Some(path) = &name.path else { return Ok(()) };
    let path = names::normal(path);
    for part in std::iter::once(path.as_slice()).chain(names::ancestors(&path)) {
        if tree.kind(part) == Some(EntryKind::Symlink) {
            return Err(report.error(name.line, Obstacle::Symlink(path.clone(), part.to_vec())));
        }
    }
    Ok(())
}

/// The name that dpkg thinks `patch` will take.
fn meant(header: &Header, tree: &Tree<'_>) -> (Vec<u8>, usize) {
    let (old, new) = match (&header.old.path, &header.new.path) {
        (Some(old), Some(new)) => (old, new),
        (Some(old), None) => return (old.clone(), header.old.line),
        (None, new) => return (new.clone().unwrap_or_default(), header.new.line),
    };
    let take_new = match (tree.kind(old).is_some(), tree.kind(new).is_some()) {
        (false, true) => true,
        (true, false) => false,
        _ => names::rank(new) < names::rank(old),
    };
    if take_new { (new.clone(), header.new.line) } else { (old.clone(), header.old.line) }
}
