//! Refreshing a patch: offsets and fuzz go, so that dpkg-source finds every hunk
//! where and as it says.
//!
//! As little as possible is written anew, for a refresh is reviewed: what stands
//! around the hunks keeps every byte (the header, names with their dates, git's
//! lines), a file whose hunks are all in their places is left alone, a hunk that
//! has only moved gets other numbers, and one that needed fuzz gets the context
//! that the file has. Only where the result would not apply exactly are the hunks
//! of a file made anew by a diff. (quilt makes all of them anew.)
//!
//! Nothing is believed: the result is read and applied again, and has to give the
//! same tree.

use super::apply::{self, Applied, Placed};
use super::diff;
use super::error::{Obstacle, PatchError, Reporter};
use super::hunk::{Action, Hunk, Target};
use super::reading::FilePatch;
use super::tree::{MemoryBase, Tree};
use super::{PatchFile, lines, parse};

/// A refreshed patch.
#[derive(Debug)]
pub struct Refreshed {
    /// The file as it is to be; the same bytes if nothing was to do.
    pub bytes: Vec<u8>,
    /// What was found, part by part.
    pub applied: Vec<Applied>,
}

impl Refreshed {
    /// The hunks that had moved, and the most fuzz that any of them needed.
    pub fn moved(&self) -> (usize, i64) {
        moved(&self.applied)
    }
}

/// The hunks that were not where or as they say, and the most fuzz that any needed.
pub fn moved(applied: &[Applied]) -> (usize, i64) {
    let hunks = || applied.iter().flat_map(|part| &part.hunks);
    let count = hunks().filter(|placed| !placed.is_exact()).count();
    (count, hunks().map(|placed| placed.fuzz).max().unwrap_or(0))
}

/// Refreshes a patch against a tree that has those before it; the tree has its
/// changes afterwards. Up to `fuzz` lines of context may be ignored.
pub fn refresh(patch: &PatchFile, tree: &mut Tree<'_>, fuzz: i64) -> Result<Refreshed, PatchError> {
    let before = tree.clone();
    let (applied, _) = apply::apply(patch, tree, fuzz)?;
    if moved(&applied).0 == 0 {
        return Ok(Refreshed { bytes: patch.bytes.clone(), applied });
    }
    match written(patch, &applied).filter(|bytes| is_exact(&patch.name, bytes, &before, tree)) {
        Some(bytes) => Ok(Refreshed { bytes, applied }),
        None => Err(Reporter { name: &patch.name, bytes: &patch.bytes }.error(1, Obstacle::NotRefreshed)),
    }
}

/// Whether a patch applies without offset and fuzz, and makes the same tree.
fn is_exact(name: &str, bytes: &[u8], before: &Tree<'_>, after: &Tree<'_>) -> bool {
    let mut tree = before.clone();
    let applied = parse(name, bytes).and_then(|patch| apply::apply(&patch, &mut tree, 0));
    applied.is_ok_and(|(applied, _)| moved(&applied).0 == 0) && tree.changes().eq(after.changes())
}

/// The patch with other hunks for all files that need them.
fn written(patch: &PatchFile, applied: &[Applied]) -> Option<Vec<u8>> {
    let mut lines = patch.bytes.split_inclusive(|byte| *byte == b'\n');
    let mut number = 0;
    let mut out = Vec::with_capacity(patch.bytes.len() + 256);
    for part in applied {
        if part.hunks.iter().all(Placed::is_exact) {
            continue;
        }
        let file = patch.files.get(part.part)?;
        let hunks = &file.hunks;
        let (first, last) = (hunks.first()?, hunks.last()?);
        while number + 1 < first.line {
            out.extend_from_slice(lines.next()?);
            number += 1;
        }
        let dress = Dress::of(patch, file, first)?;
        let kept = adjusted(patch, file, part).filter(|text| dress.is_exact(text, part));
        out.extend_from_slice(&kept.or_else(|| anew(file, part, &dress))?);
        while number < last.last {
            // blank lines that a mail lost are counted, but not there
            if lines.next().is_none() {
                break;
            }
            number += 1;
        }
    }
    lines.for_each(|line| out.extend_from_slice(line));
    Some(out)
}

/// The hunks of a file as a new diff makes them.
fn anew(file: &FilePatch, part: &Applied, dress: &Dress<'_>) -> Option<Vec<u8>> {
    let context = file.hunks.iter().map(|hunk| hunk.leading.max(hunk.trailing)).max()?;
    let context = usize::try_from(context).ok()?.max(diff::CONTEXT);
    let mut out = Vec::new();
    dress.put(&mut out, &diff::hunks(&part.before, &part.after, context));
    Some(out)
}

/// The hunks of a file in their new places. Those whose context now overlaps are
/// refused: other programs than GNU patch do not take them.
fn adjusted(patch: &PatchFile, file: &FilePatch, part: &Applied) -> Option<Vec<u8>> {
    let target = Target::new(&part.before, &patch.bytes);
    let mut out = Vec::new();
    let (mut shift, mut free) = (0, 1);
    for (hunk, placed) in file.hunks.iter().zip(&part.hunks) {
        let dress = Dress::of(patch, file, hunk)?;
        let body = match placed.fuzz {
            0 => Body::kept(patch, hunk),
            _ => Body::with_context_of(patch, hunk, placed.line, &target),
        };
        if placed.line < free {
            return None;
        }
        free = placed.line + i64::try_from(body.old).ok()?;
        let old = diff::header_span(placed.line, body.old);
        let new = diff::header_span(placed.line + shift, body.new);
        out.extend_from_slice(dress.indent);
        out.extend_from_slice(format!("@@ -{old} +{new} @@").as_bytes());
        out.extend_from_slice(dress.heading);
        out.push(b'\n');
        match placed.fuzz {
            0 => out.extend_from_slice(&body.text),
            _ => dress.put(&mut out, &body.text),
        }
        shift += i64::try_from(body.new).ok()? - i64::try_from(body.old).ok()?;
    }
    Some(out)
}

/// What a patch puts around the lines of its hunks.
struct Dress<'a> {
    /// Before each line.
    indent: &'a [u8],
    /// Behind the numbers of this hunk.
    heading: &'a [u8],
    /// Behind each line: a carriage return, or nothing.
    end: &'static [u8],
}

impl<'a> Dress<'a> {
    fn of(patch: &'a PatchFile, file: &FilePatch, hunk: &Hunk) -> Option<Dress<'a>> {
        let header = patch.bytes.split(|byte| *byte == b'\n').nth(hunk.line - 1)?;
        let start = header.windows(4).position(|window| window == b"@@ -")?;
        let (indent, rest) = header.split_at(start);
        let end = rest.windows(3).position(|window| window == b" @@")?;
        Some(Dress { indent, heading: rest.get(end + 3..)?, end: if file.strip_cr { b"\r" } else { b"" } })
    }

    /// Whether these hunks, alone, apply exactly to the file.
    fn is_exact(&self, hunks: &[u8], part: &Applied) -> bool {
        let mut patch = Vec::new();
        self.put(&mut patch, b"--- a/f\n+++ b/f\n");
        patch.extend_from_slice(hunks);
        let mut base = MemoryBase::default();
        if !part.before.is_empty() {
            base.file("f", part.before.as_slice());
        }
        let mut tree = Tree::new(&base);
        let applied = parse("hunks", &patch).and_then(|patch| apply::apply(&patch, &mut tree, 0));
        let exact = applied.is_ok_and(|(applied, _)| moved(&applied).0 == 0);
        exact && tree.content(b"f").unwrap_or_default() == part.after
    }

    fn put(&self, out: &mut Vec<u8>, lines: &[u8]) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            // GNU patch knows the mark of a missing line feed only where it is not indented
            let indent = if text.starts_with(b"\\") { b"" } else { self.indent };
            [indent, text, self.end, b"\n"].iter().for_each(|part| out.extend_from_slice(part));
        }
    }
}

/// The lines of a hunk below its header.
struct Body {
    text: Vec<u8>,
    old: usize,
    new: usize,
}

impl Body {
    /// As they are.
    fn kept(patch: &PatchFile, hunk: &Hunk) -> Body {
        let count = (hunk.last - hunk.line).max(hunk.lines.len());
        let lines = patch.bytes.split_inclusive(|byte| *byte == b'\n').skip(hunk.line).take(count);
        let mut text: Vec<u8> = lines.take(hunk.last - hunk.line).flatten().copied().collect();
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        // blank lines that a mail lost
        let there = text.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"\\")).count();
        (there..hunk.lines.len()).for_each(|_| text.extend_from_slice(b" \n"));
        Body { text, old: hunk.old_lines().count(), new: hunk.new_lines().count() }
    }

    /// With the context that the file has where the hunk was placed; what would
    /// be beyond its end goes.
    fn with_context_of(patch: &PatchFile, hunk: &Hunk, place: i64, target: &Target<'_>) -> Body {
        let mut body = Body { text: Vec::new(), old: 0, new: 0 };
        let mut next = place;
        for line in &hunk.lines {
            let (marker, old, new) = match line.action {
                Action::Keep => (b' ', 1, 1),
                Action::Remove => (b'-', 1, 0),
                Action::Add => (b'+', 0, 1),
            };
            let here = match line.action {
                Action::Add => Some((lines::at(&patch.bytes, &line.text), line.newline)),
                _ => target.line(next),
            };
            next += old;
            let Some((text, newline)) = here else { continue };
            diff::put_line(&mut body.text, marker, text, newline);
            body.old += usize::from(old == 1);
            body.new += usize::from(new == 1);
        }
        body
    }
}
