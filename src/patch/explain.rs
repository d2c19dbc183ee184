//! What stands beside a refused hunk: the hunk itself, what the file has where
//! it should apply, and whether something small is wrong.

use super::error::Reporter;
use super::hunk::{Action, Hunk, HunkLine, Target};
use super::lines;
use super::names::{self, shown};
use super::reading::FilePatch;

/// Lines of the hunk and of the file that are shown at most.
const SHOWN: usize = 12;

/// The facts about a hunk that does not apply.
pub(super) fn hunk(patch: &[u8], path: &[u8], hunk: &Hunk, target: &Target<'_>, applied: Option<i64>) -> Vec<String> {
    let mut notes = vec![format!("the hunk:\n{}", hunk_text(patch, hunk))];
    let old: Vec<&HunkLine> = hunk.old_lines().collect();
    if let Some(line) = applied {
        notes.push(format!("`{}` has the hunk's new lines already, at line {line}", shown(path)));
    } else if let Some((fuzz, line)) = fuzz(hunk, target) {
        notes.push(format!("it would apply with fuzz {fuzz} at line {line}; dpkg-source allows none"));
    }
    let nearest = nearest(patch, &old, hunk, target);
    match nearest {
        Some(place) => {
            notes.push(format!("`{}` has at line {place}:\n{}", shown(path), file_text(patch, &old, place, target)));
            notes.extend(anchor(patch, &old, place, hunk, target).or_else(|| white_space(patch, &old, place, target)));
        }
        None if target.len() == 0 => notes.push(format!("`{}` is empty", shown(path))),
        None => notes.push(format!("none of the hunk's old lines is in `{}`", shown(path))),
    }
    notes
}

/// The facts and hints about a file that is not there.
pub(super) fn missing(
    report: &Reporter<'_>,
    file: &FilePatch,
    exists: &dyn Fn(&[u8]) -> bool,
) -> (Vec<String>, Vec<String>) {
    for marker in [&b"+++ "[..], b"--- "] {
        let start = file.line.saturating_sub(1);
        let line = report.bytes.split(|b| *b == b'\n').skip(start).take(12).find_map(|l| l.strip_prefix(marker));
        let Some(written) = line.map(names::of_header) else { continue };
        let name = names::normal(written);
        if exists(&name) {
            let note = format!("`{}` exists: the patch was made for -p0, dpkg-source applies with -p1", shown(&name));
            return (vec![note], vec![format!("name the files `a/{0}` and `b/{0}`", shown(&name))]);
        }
        let mut rest = names::strip(&name);
        for level in 2.. {
            rest = rest.and_then(names::strip);
            let Some(path) = rest else { break };
            if exists(path) {
                let note =
                    format!("`{}` exists: the patch fits with -p{level}, dpkg-source applies with -p1", shown(path));
                return (vec![note], vec![format!("name the files `a/{0}` and `b/{0}`", shown(path))]);
            }
        }
    }
    (vec![], vec![])
}

fn hunk_text(patch: &[u8], hunk: &Hunk) -> String {
    let mut text = String::new();
    for line in hunk.lines.iter().take(SHOWN) {
        text.push(match line.action {
            Action::Keep => ' ',
            Action::Remove => '-',
            Action::Add => '+',
        });
        text.push_str(&visible(lines::at(patch, &line.text)));
        text.push('\n');
    }
    if hunk.lines.len() > SHOWN {
        text.push_str(&format!("… {} lines more\n", hunk.lines.len() - SHOWN));
    }
    text.trim_end_matches('\n').to_string()
}

/// The lines of the file at a place, with their numbers; those that differ from
/// the hunk's are marked.
fn file_text(patch: &[u8], old: &[&HunkLine], place: i64, target: &Target<'_>) -> String {
    let mut text = String::new();
    for (number, wanted) in (place..).zip(old.iter().take(SHOWN)) {
        let Some((line, newline)) = target.line(number) else { break };
        let same = lines::at(patch, &wanted.text) == line && wanted.newline == newline;
        let end = if newline { "" } else { " (no newline at the end)" };
        text.push_str(&format!("{} {number:>5}  {}{end}\n", if same { ' ' } else { '!' }, visible(line)));
    }
    text.trim_end_matches('\n').to_string()
}

/// Text for a terminal: no control characters, and not whole minified files.
fn visible(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown: String =
        text.chars().take(160).map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    if text.ends_with('\r') && text.chars().count() <= 160 {
        shown.pop();
        shown.push('␍');
    }
    if text.chars().count() > 160 {
        shown.push('…');
    }
    shown
}

/// The least fuzz with which the hunk applies, and where.
fn fuzz(hunk: &Hunk, target: &Target<'_>) -> Option<(i64, i64)> {
    (1..=hunk.leading.max(hunk.trailing)).find_map(|fuzz| Some((fuzz, target.locate(hunk, fuzz)?)))
}

/// The place where most of the old lines match, the nearest to the expected one
/// of several; `None` if none matches anywhere.
fn nearest(patch: &[u8], old: &[&HunkLine], hunk: &Hunk, target: &Target<'_>) -> Option<i64> {
    let wanted: Vec<&[u8]> = old.iter().map(|line| lines::at(patch, &line.text).trim_ascii()).collect();
    let guess = target.guess(hunk);
    let score = |place: i64| -> usize {
        let same = |(number, wanted): (i64, &&[u8])| -> usize {
            let equal = target.line(number).is_some_and(|(line, _)| line.trim_ascii() == *wanted);
            // empty lines and braces are everywhere
            if !equal {
                0
            } else if wanted.len() > 2 {
                4
            } else {
                1
            }
        };
        (place..).zip(&wanted).map(same).sum()
    };
    let best = (1..=target.len()).map(|place| (score(place), std::cmp::Reverse((place - guess).abs()), place)).max()?;
    (best.0 > 0).then_some(best.2)
}

/// Whether all lines are there, but the hunk's context ties it to the start or
/// the end of the file.
fn anchor(patch: &[u8], old: &[&HunkLine], place: i64, hunk: &Hunk, target: &Target<'_>) -> Option<String> {
    let same = (place..)
        .zip(old)
        .all(|(number, wanted)| target.line(number) == Some((lines::at(patch, &wanted.text), wanted.newline)));
    let (more, less, end) = match hunk.leading.cmp(&hunk.trailing) {
        std::cmp::Ordering::Greater => ("before", "after", "end"),
        std::cmp::Ordering::Less => ("after", "before", "start"),
        std::cmp::Ordering::Equal => return None,
    };
    same.then(|| {
        format!("with more context {more} its changes than {less}, a hunk may only match at the {end} of a file")
    })
}

/// Whether only white space differs.
fn white_space(patch: &[u8], old: &[&HunkLine], place: i64, target: &Target<'_>) -> Option<String> {
    let squeezed = |text: &[u8]| -> Vec<u8> { text.iter().copied().filter(|b| !names::is_space(*b)).collect() };
    let mut endings = true;
    for (number, wanted) in (place..).zip(old) {
        let (line, _) = target.line(number)?;
        let wanted = lines::at(patch, &wanted.text);
        if squeezed(line) != squeezed(wanted) {
            return None;
        }
        endings &= lines::without_cr(line) == lines::without_cr(wanted);
    }
    let what =
        if endings { "the ends of lines differ (line feed or carriage return)" } else { "only white space differs" };
    Some(format!("{what}; dpkg-source wants every byte"))
}
