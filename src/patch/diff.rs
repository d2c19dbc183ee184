//! Making unified diffs: the hunks between two texts, and whole files with the
//! names that `-p1` takes (POSIX `diff -u`; `\ No newline at end of file` as GNU
//! diff writes it).

use std::ops::Range;

use similar::{Algorithm, DiffTag};

/// Lines of context around a change.
pub const CONTEXT: usize = 3;

/// What happened to a file.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// It came.
    Added(&'a [u8]),
    /// It went.
    Removed(&'a [u8]),
    /// Its bytes before and after.
    Changed(&'a [u8], &'a [u8]),
}

/// The diff of one file with `--- a/PATH` and `+++ b/PATH`; empty if nothing
/// changed. A file that comes or goes empty has no diff.
pub fn file(path: &[u8], change: Change<'_>) -> Vec<u8> {
    let (old, new) = match change {
        Change::Added(new) => (&b""[..], new),
        Change::Removed(old) => (old, &b""[..]),
        Change::Changed(old, new) => (old, new),
    };
    let hunks = hunks(old, new, CONTEXT);
    if hunks.is_empty() {
        return hunks;
    }
    let mut diff = Vec::with_capacity(hunks.len() + 2 * path.len() + 32);
    let null = &b"/dev/null"[..];
    let name = |side: &[u8]| {
        // behind a name with blanks GNU patch looks for a tab
        let end: &[u8] = if path.iter().any(|byte| super::names::is_space(*byte)) { b"\t" } else { b"" };
        [side, path, end].concat()
    };
    let old_name = if matches!(change, Change::Added(_)) { null.to_vec() } else { name(b"a/") };
    let new_name = if matches!(change, Change::Removed(_)) { null.to_vec() } else { name(b"b/") };
    for (marker, name) in [(&b"--- "[..], old_name), (b"+++ ", new_name)] {
        diff.extend_from_slice(marker);
        diff.extend_from_slice(&name);
        diff.push(b'\n');
    }
    diff.extend_from_slice(&hunks);
    diff
}

/// The hunks that turn `old` into `new`; empty if they are equal.
pub fn hunks(old: &[u8], new: &[u8], context: usize) -> Vec<u8> {
    let (old, new) = (lines(old), lines(new));
    let mut text = Vec::new();
    for group in groups(&edits(&old, &new), context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old_span = span(&(first.old.start..last.old.end));
        let new_span = span(&(first.new.start..last.new.end));
        text.extend_from_slice(format!("@@ -{old_span} +{new_span} @@\n").as_bytes());
        for edit in group {
            if edit.equal {
                put(&mut text, b' ', &old, edit.old);
            } else {
                put(&mut text, b'-', &old, edit.old);
                put(&mut text, b'+', &new, edit.new);
            }
        }
    }
    text
}

/// Lines that are equal, or replaced by others; counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    equal: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// What turns one text into the other, from the first line to the last. Only the
/// lengths of what `similar` finds are used: its places of insertions are not
/// always right (2.7, patience).
fn edits(old: &[&[u8]], new: &[&[u8]]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for operation in similar::capture_diff_slices(Algorithm::Patience, old, new) {
        let equal = operation.tag() == DiffTag::Equal;
        let end_old = at_old + operation.old_range().len();
        let end_new = at_new + operation.new_range().len();
        match edits.last_mut() {
            Some(last) if last.equal == equal => {
                last.old.end = end_old;
                last.new.end = end_new;
            }
            _ => edits.push(Edit { equal, old: at_old..end_old, new: at_new..end_new }),
        }
        (at_old, at_new) = (end_old, end_new);
    }
    edits
}

/// Changes that are near each other, with the context around them.
fn groups(edits: &[Edit], context: usize) -> Vec<Vec<Edit>> {
    let cut = |edit: &Edit, from: usize, count: usize| Edit {
        equal: true,
        old: edit.old.start + from..edit.old.start + from + count,
        new: edit.new.start + from..edit.new.start + from + count,
    };
    let mut groups = Vec::new();
    let mut group: Vec<Edit> = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let length = edit.old.len();
        let is_last = index + 1 == edits.len();
        if !edit.equal {
            group.push(edit.clone());
        } else if group.is_empty() {
            group.push(cut(edit, length.saturating_sub(context), length.min(context)));
        } else if is_last || length > 2 * context {
            group.push(cut(edit, 0, length.min(context)));
            groups.push(std::mem::take(&mut group));
            group.push(cut(edit, length.saturating_sub(context), length.min(context)));
        } else {
            group.push(edit.clone());
        }
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|edit| !edit.equal));
    groups
}

/// Lines with their ends.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// `FIRST,COUNT` of a hunk's header, from lines counted from 0.
fn span(range: &Range<usize>) -> String {
    let first = i64::try_from(range.start).unwrap_or(i64::MAX - 1) + 1;
    header_span(first, range.len())
}

/// The same from the first line counted from 1; for no lines, the one before
/// which they would be.
pub(super) fn header_span(first: i64, count: usize) -> String {
    match count {
        0 => format!("{},0", first - 1),
        1 => first.to_string(),
        _ => format!("{first},{count}"),
    }
}

fn put(text: &mut Vec<u8>, marker: u8, lines: &[&[u8]], range: Range<usize>) {
    for line in lines.get(range).unwrap_or_default() {
        put_line(text, marker, line.strip_suffix(b"\n").unwrap_or(line), line.ends_with(b"\n"));
    }
}

/// One line of a hunk.
pub(super) fn put_line(text: &mut Vec<u8>, marker: u8, line: &[u8], newline: bool) {
    text.push(marker);
    text.extend_from_slice(line);
    text.push(b'\n');
    if !newline {
        text.extend_from_slice(b"\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn hunks_are_those_of_diff_u() {
        let old: String = (1..=20).map(|i| format!("{i}\n")).collect();
        let new = old.replace("\n3\n", "\nthree\n").replace("\n17\n", "\n");
        assert_eq!(
            text(file(b"dir/f", Change::Changed(old.as_bytes(), new.as_bytes()))),
            "--- a/dir/f\n+++ b/dir/f\n@@ -1,6 +1,6 @@\n 1\n 2\n-3\n+three\n 4\n 5\n 6\n\
             @@ -14,7 +14,6 @@\n 14\n 15\n 16\n-17\n 18\n 19\n 20\n"
        );
        assert!(file(b"f", Change::Changed(b"a\n", b"a\n")).is_empty());
    }

    #[test]
    fn ends_without_a_line_feed_are_marked() {
        let mark = "\\ No newline at end of file\n";
        assert_eq!(text(hunks(b"a\nb", b"a\nb\n", 3)), format!("@@ -1,2 +1,2 @@\n a\n-b\n{mark}+b\n"));
        assert_eq!(text(hunks(b"a\nb", b"c\nb", 3)), format!("@@ -1,2 +1,2 @@\n-a\n+c\n b\n{mark}"));
    }

    #[test]
    fn files_come_and_go() {
        assert_eq!(text(file(b"x y", Change::Added(b"1\n"))), "--- /dev/null\n+++ b/x y\t\n@@ -0,0 +1 @@\n+1\n");
        assert_eq!(text(file(b"f", Change::Removed(b"1\n2\n"))), "--- a/f\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-1\n-2\n");
        assert!(file(b"f", Change::Added(b"")).is_empty());
    }
}
