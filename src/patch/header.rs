//! Writing what stands above a diff: a new DEP-3 header, and fields added to one
//! that is there, of which every byte stays.
//!
//! Specification: <https://dep-team.pages.debian.net/deps/dep3/>.

use super::dep3;

/// What the header of a new patch says.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// What it does: a line, and more below it.
    pub description: &'a str,
    /// `Name <address>`.
    pub author: &'a str,
    /// `2026-11-24`.
    pub date: &'a str,
}

impl New<'_> {
    /// The header, with the empty line below it.
    pub fn text(&self) -> String {
        let mut lines = self.description.trim().lines();
        let mut text = format!("Description: {}\n", lines.next().unwrap_or_default().trim());
        for line in lines {
            // DEP-3 folds as control files do: a lone dot is an empty line
            let line = line.trim_end();
            text.push_str(&if line.is_empty() { " .\n".to_string() } else { format!(" {line}\n") });
        }
        text.push_str(&format!("Author: {}\nForwarded: no\nLast-Update: {}\n\n", self.author, self.date));
        text
    }
}

/// The patch with these fields at the end of its header's first paragraph, or above
/// everything where it has free words only. A field that is there stays as it is. A
/// bare diff gets a `Description` made of `name` too.
pub fn with_fields(patch: &[u8], name: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let patch = dep3::with_header(patch, name);
    let header = dep3::header_bytes(&patch);
    let read = dep3::read(&patch);
    let missing = fields.iter().filter(|(name, _)| read.field(name).is_none());
    let added: String = missing.map(|(name, value)| format!("{name}: {value}\n")).collect();
    if added.is_empty() {
        return patch;
    }
    let (at, separator) = match end_of_fields(header) {
        Some(end) => (end, ""),
        None => (0, "\n"),
    };
    let (above, below) = patch.split_at(at);
    let added = if above.ends_with(b"\r\n") { added.replace('\n', "\r\n") } else { added };
    [above, added.as_bytes(), separator.as_bytes(), below].concat()
}

/// Where the first paragraph ends, if it consists of fields; the line that
/// separates mails in a mailbox stands above it.
fn end_of_fields(header: &[u8]) -> Option<usize> {
    let (mut end, mut any) = (0, false);
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if (text.starts_with("From ") || text.starts_with('#') || text.is_empty()) && !any {
            end += line.len();
            continue;
        }
        let continues = any && text.starts_with([' ', '\t']) && !text.trim().is_empty();
        if !continues && !dep3::is_field(text) {
            break;
        }
        any = true;
        end += line.len();
    }
    any.then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn a_new_header_is_read_back() {
        let new = New { description: "fix it\n\nIt failed.", author: "A <a@example.org>", date: "2026-11-24" };
        let text = new.text();
        assert_eq!(
            text,
            "Description: fix it\n .\n It failed.\nAuthor: A <a@example.org>\nForwarded: no\nLast-Update: 2026-11-24\n\n"
        );
        let header = dep3::read(format!("{text}{DIFF}").as_bytes());
        assert_eq!((header.summary.as_deref(), header.details.as_str()), (Some("fix it"), "It failed."));
    }

    fn added(patch: &str) -> String {
        let bytes = with_fields(patch.as_bytes(), "patches/x-y.patch", &[("Origin", "u"), ("Last-Update", "d")]);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn fields_join_the_first_paragraph() {
        let mail = "From 01 Mon Sep 17 00:00:00 2001\nFrom: B <b@example.org>\nSubject: [PATCH] a long\n subject\n";
        let body = format!("\nBody: x\n---\n f | 2 +-\n\ndiff --git a/f b/f\n{DIFF}");
        assert_eq!(added(&format!("{mail}{body}")), format!("{mail}Origin: u\nLast-Update: d\n{body}"));
        let fields = "Description: x\nOrigin: other\n";
        assert_eq!(added(&format!("{fields}{DIFF}")), format!("{fields}Last-Update: d\n{DIFF}"));
        assert_eq!(added(DIFF), format!("Description: x y\nOrigin: u\nLast-Update: d\n\n{DIFF}"));
        let words = format!("Make it work\n\n{DIFF}");
        assert_eq!(added(&words), format!("Origin: u\nLast-Update: d\n\n{words}"));
    }
}
