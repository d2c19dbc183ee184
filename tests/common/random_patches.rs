//! Random patches on random trees, good and spoiled, for tests that ask GNU patch
//! and dpkg about the same.
#![allow(dead_code)] // each test takes its part

use pkgr::patch::EntryKind;

use super::dpkg_patch::Case;

/// A generator of numbers that repeats (splitmix64), so that a failure names its case.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let i = self.below(from.len());
        &from[i]
    }
}

/// Few different lines, so that hunks match in several places.
const WORDS: [&str; 9] = ["", "}", "a", "b", "\tint x;", "a b", "crlf\r", "- dash", "# hash"];

fn lines(random: &mut Random, most: usize) -> Vec<String> {
    let count = random.below(most + 1);
    let mostly_unique = random.one_in(2);
    (0..count)
        .map(|i| if mostly_unique && !random.one_in(4) { format!("line {i}") } else { random.pick(&WORDS).to_string() })
        .collect()
}

fn text(lines: &[String], newline: bool) -> Vec<u8> {
    let mut text = lines.join("\n");
    if newline && !lines.is_empty() {
        text.push('\n');
    }
    text.into_bytes()
}

/// An edit script: marker and line.
fn edits(random: &mut Random, old: &[String]) -> Vec<(char, String)> {
    let mut script = Vec::new();
    let rate = 3 + random.below(12);
    for line in old {
        if random.one_in(rate) {
            script.push(('+', random.pick(&WORDS).to_string()));
        }
        script.push((if random.one_in(rate) { '-' } else { ' ' }, line.clone()));
    }
    if random.one_in(rate) || script.iter().all(|s| s.0 == ' ') {
        let at = if random.one_in(2) { script.len() } else { random.below(script.len() + 1) };
        script.insert(at, ('+', "new".to_string()));
    }
    script
}

/// The hunks of a script, with the numbers of `diff -U context`.
fn hunks(random: &mut Random, script: &[(char, String)], old_newline: bool, new_newline: bool) -> String {
    let context = random.below(4);
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for i in (0..script.len()).filter(|i| script[*i].0 != ' ') {
        let (start, end) = (i.saturating_sub(context), (i + context + 1).min(script.len()));
        match groups.last_mut() {
            Some(last) if start <= last.1 => last.1 = end,
            _ => groups.push((start, end)),
        }
    }
    let last_old = script.iter().rposition(|s| s.0 != '+');
    let last_new = script.iter().rposition(|s| s.0 != '-');
    let mut text = String::new();
    for (mut start, mut end) in groups {
        if random.one_in(12) && script[start].0 == ' ' {
            start += 1; // as some tools cut context
        }
        if random.one_in(12) && script[end - 1].0 == ' ' {
            end -= 1;
        }
        let count = |range: std::ops::Range<usize>, but: char| script[range].iter().filter(|s| s.0 != but).count();
        let (old, new) = (count(start..end, '+'), count(start..end, '-'));
        let shift = if random.one_in(6) { random.below(9) } else { 0 };
        let first = |before: usize, count: usize| before + usize::from(count > 0) + shift;
        let (old_first, new_first) = (first(count(0..start, '+'), old), first(count(0..start, '-'), new));
        let span =
            |first: usize, count: usize| if count == 1 { format!("{first}") } else { format!("{first},{count}") };
        text.push_str(&format!("@@ -{} +{} @@\n", span(old_first, old), span(new_first, new)));
        for (i, (marker, line)) in script.iter().enumerate().take(end).skip(start) {
            text.push_str(&format!("{marker}{line}\n"));
            let incomplete = (Some(i) == last_old && !old_newline && *marker != '+')
                || (Some(i) == last_new && !new_newline && *marker != '-');
            if incomplete {
                text.push_str("\\ No newline at end of file\n");
            }
        }
    }
    text
}

/// The lines above the hunks.
fn header(random: &mut Random, path: &str, creates: bool, deletes: bool) -> String {
    let old = format!("a/{path}");
    let new = format!("b/{path}");
    let epoch = "\t1970-01-01 01:00:00.000000000 +0100";
    let date = *random.pick(&["", "", "\t2020-02-02 10:00:00.000000000 +0000", "\t(revision 3)", " 2020-02-02"]);
    let null = "/dev/null";
    let (old_name, new_name) = match random.below(6) {
        0 => (format!("{old}.orig{date}"), format!("{new}{date}")),
        1 if creates => (format!("{old}{epoch}"), format!("{new}{date}")),
        2 if deletes => (format!("{old}{date}"), format!("{new}{epoch}")),
        3 | 4 if creates => (null.into(), format!("{new}{date}")),
        3 | 4 if deletes => (format!("{old}{date}"), null.into()),
        _ => (format!("{old}{date}"), format!("{new}{date}")),
    };
    let mut text = String::new();
    match random.below(8) {
        0 => text.push_str(&format!("Index: {path}\n=====\n")),
        1 | 2 => {
            text.push_str(&format!("diff --git {old} {new}\n"));
            match random.below(6) {
                0 if creates => text.push_str("new file mode 100644\nindex 0000000..e69de29\n"),
                1 if deletes => text.push_str("deleted file mode 100644\nindex 1234567..0000000\n"),
                2 => text.push_str("old mode 100644\nnew mode 100755\n"),
                3 => text.push_str("index 1234567..89abcde 100644\n"),
                4 => text.push_str("index 1234567..0000000 100644\n"),
                _ => {}
            }
        }
        3 => text.push_str("Some words: about it\n * and --- dashes\n\n"),
        _ => {}
    }
    text.push_str(&format!("--- {old_name}\n+++ {new_name}\n"));
    text
}

fn drifted(random: &mut Random, old: &[String]) -> Vec<String> {
    let mut drifted = old.to_vec();
    for _ in 0..[0, 0, 1, 2, 3][random.below(5)] {
        let at = random.below(drifted.len() + 1);
        match random.below(3) {
            0 => drifted.insert(at, random.pick(&WORDS).to_string()),
            1 if at < drifted.len() => drop(drifted.remove(at)),
            _ => {
                let ahead: Vec<String> = lines(random, 12);
                drifted.splice(0..0, ahead);
            }
        }
    }
    drifted
}

const PATHS: [&str; 8] = ["f", "dir/f", "dir/g", "dir/sub/deep/file.c", "dir/f.orig", "übung.txt", "x y", "dir"];

fn file_change(random: &mut Random, case: &mut Case, patch: &mut String) {
    let path = *random.pick(&PATHS);
    let (kind, known) = match case.tree.get(path.as_bytes()) {
        Some((kind, content)) => (Some(*kind), content.clone()),
        None => (None, Vec::new()),
    };
    let (mut old, mut old_newline) = (lines(random, 24), !random.one_in(5));
    if kind == Some(EntryKind::File) && random.one_in(2) {
        // patch it again, as if it were unpatched
        let text = String::from_utf8(known).unwrap();
        old_newline = text.ends_with('\n');
        old = text.strip_suffix('\n').unwrap_or(&text).split('\n').map(String::from).collect();
    }
    if random.one_in(8) {
        old.clear();
    }
    let mut script = edits(random, &old);
    if random.one_in(8) && !old.is_empty() {
        script = old.iter().map(|line| ('-', line.clone())).collect();
    }
    let new_newline = if script.last().is_some_and(|s| s.0 == ' ') { old_newline } else { !random.one_in(6) };
    let (creates, deletes) = (script.iter().all(|s| s.0 == '+'), script.iter().all(|s| s.0 == '-'));
    patch.push_str(&header(random, path, creates, deletes));
    patch.push_str(&hunks(random, &script, old_newline, new_newline));
    if kind.is_none() && (!creates || random.one_in(4)) && !random.one_in(15) {
        let there = drifted(random, &old);
        let newline = if random.one_in(10) { !old_newline } else { old_newline };
        let content = if random.one_in(15) {
            // the change is there already
            let new: Vec<String> = script.iter().filter(|s| s.0 != '-').map(|s| s.1.clone()).collect();
            text(&new, new_newline)
        } else {
            text(&there, newline)
        };
        let blocked = case.tree.keys().any(|other| {
            let (a, b) = (other.as_slice(), path.as_bytes());
            a.starts_with(&[b, b"/"].concat()) || b.starts_with(&[a, b"/"].concat())
        });
        if !blocked {
            case.tree.insert(path.as_bytes().to_vec(), (EntryKind::File, content));
        }
    }
}

/// Spoils a patch the way mail, editors and hands do.
fn spoiled(random: &mut Random, patch: &str) -> Vec<u8> {
    let mut lines: Vec<String> = patch.split_inclusive('\n').map(String::from).collect();
    for _ in 0..1 + random.below(2) {
        let at = random.below(lines.len().max(1)).min(lines.len().saturating_sub(1));
        if lines.is_empty() {
            break;
        }
        match random.below(12) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines.insert(
                at,
                random.pick(&["\n", "garbage\n", "# comment\n", "\\ No newline at end of file\n", "-- \n"]).to_string(),
            ),
            3 => lines[at] = lines[at].trim_end().to_string() + "\r\n",
            4 => lines.iter_mut().for_each(|l| *l = l.trim_end().to_string() + "\r\n"),
            5 => lines[at] = lines[at].trim_end().to_string() + "\n",
            6 => drop(lines.pop()),
            7 => lines.iter_mut().for_each(|l| *l = format!("  {l}")),
            8 => lines[at] = lines[at].replacen(' ', "\t", 1),
            9 => lines[at] = lines[at].replacen(['1', '2', '3'], "4", 1),
            10 => lines.truncate(at + 1),
            _ => {
                let last = lines.len() - 1;
                lines[last] = lines[last].trim_end_matches('\n').to_string();
            }
        }
    }
    lines.concat().into_bytes()
}

/// The case of a number.
pub fn random_case(seed: u64) -> Case {
    let random = &mut Random(seed);
    let mut case = Case::default();
    for _ in 0..[1, 1, 1, 2][random.below(4)] {
        let mut patch = String::new();
        for _ in 0..[1, 1, 1, 2, 3][random.below(5)] {
            file_change(random, &mut case, &mut patch);
        }
        let bytes = if random.one_in(4) { spoiled(random, &patch) } else { patch.into_bytes() };
        case.patches.push(bytes);
    }
    case
}

/// A case for people.
pub fn show(case: &Case) -> String {
    let mut text = String::new();
    for (path, (kind, content)) in &case.tree {
        text.push_str(&format!(
            "{kind:?} {:?}: {:?}\n",
            String::from_utf8_lossy(path),
            String::from_utf8_lossy(content)
        ));
    }
    for patch in &case.patches {
        text.push_str(&format!("---- patch\n{}\n", String::from_utf8_lossy(patch).replace('\r', "␍")));
    }
    text
}
