//! What stands above the diff in a patch file: DEP-3 fields, the mail header of
//! `git format-patch`, or free words. Nothing here fails: a header is read as far
//! as it can be.
//!
//! Specification: <https://dep-team.pages.debian.net/deps/dep3/>.

use super::lines;

/// The header of a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// What it does, in one line: `Description` or `Subject` without `[PATCH 1/2]`,
    /// else the first line of free words.
    pub summary: Option<String>,
    /// The lines below the summary, without leading and trailing empty ones.
    pub details: String,
    /// Fields in the order of the file, folded lines joined by line feeds; the
    /// names as written.
    pub fields: Vec<(String, String)>,
}

impl Header {
    /// A field by name, case-blind; `From` counts as `Author` and `Subject` as
    /// `Description`, as DEP-3 has it.
    pub fn field(&self, name: &str) -> Option<&str> {
        let alias = match name.to_ascii_lowercase().as_str() {
            "author" => "from",
            "from" => "author",
            "description" => "subject",
            "subject" => "description",
            _ => "",
        };
        let find = |name: &str| self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        find(name).or_else(|| find(alias)).map(|(_, value)| value.as_str())
    }

    /// Whether there is nothing: no field, no word.
    pub fn is_empty(&self) -> bool {
        self.summary.is_none() && self.fields.is_empty()
    }
}

/// Names that start a DEP-3 header or a mail; another first word with a colon is
/// free text.
const FIELDS: [&str; 17] = [
    "Description",
    "Subject",
    "Origin",
    "Bug",
    "Forwarded",
    "Author",
    "From",
    "Reviewed-by",
    "Acked-by",
    "Last-Update",
    "Applied-Upstream",
    "Date",
    "Signed-off-by",
    "Message-Id",
    "Message-ID",
    "Content-Type",
    "MIME-Version",
];

/// The part of a patch above its diff.
pub fn header_bytes(patch: &[u8]) -> &[u8] {
    let lines = lines::split(patch);
    let diff = lines.iter().enumerate().position(|(i, line)| {
        let text = lines::at(patch, &line.text);
        let next = lines.get(i + 1).map(|l| lines::at(patch, &l.text)).unwrap_or_default();
        text.starts_with(b"diff ")
            || text.starts_with(b"Index: ")
            || text.starts_with(b"@@ -")
            || (text.starts_with(b"--- ") && next.starts_with(b"+++ "))
            || (text.starts_with(b"*** ") && next.starts_with(b"--- "))
    });
    let end = match diff.and_then(|i| lines.get(i)) {
        Some(line) => line.text.start,
        None => patch.len(),
    };
    patch.get(..end).unwrap_or_default()
}

/// Reads the header of a patch.
pub fn read(patch: &[u8]) -> Header {
    let text = String::from_utf8_lossy(header_bytes(patch)).replace("\r\n", "\n");
    let mut header = Header::default();
    let mut words: Vec<&str> = Vec::new();
    let mut in_field = false;
    for line in text.lines() {
        if line.starts_with("#") || line.starts_with("From ") && header.is_empty() && words.is_empty() {
            continue; // the comment of a script, the separator of a mailbox
        }
        if line.trim_end() == "---" {
            break; // what follows is git's statistics, or not part of the description
        }
        if in_field && line.starts_with([' ', '\t']) {
            if let Some((_, value)) = header.fields.last_mut() {
                value.push('\n');
                value.push_str(unescaped(line));
            }
            continue;
        }
        match field(line) {
            Some((name, value)) => {
                header.fields.push((name.to_string(), value.trim().to_string()));
                in_field = true;
            }
            None => {
                in_field = false;
                words.push(line.trim_end());
            }
        }
    }
    describe(&mut header, &words);
    header
}

/// Finds summary and details.
fn describe(header: &mut Header, words: &[&str]) {
    let free = words.join("\n");
    let mail = header.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("Subject"));
    let description = header.field("Description").map(String::from);
    match description {
        Some(text) if mail => {
            header.summary = non_empty(without_tag(&text.replace('\n', " ")));
            header.details = free.trim_matches('\n').to_string();
        }
        Some(text) => {
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            header.summary = non_empty(first.trim());
            header.details = [rest, free.trim_matches('\n')].join("\n").trim_matches('\n').to_string();
        }
        None => {
            let (first, rest) = free.trim_matches('\n').split_once('\n').unwrap_or((free.trim_matches('\n'), ""));
            header.summary = non_empty(first.trim());
            header.details = rest.trim_matches('\n').to_string();
        }
    }
}

fn non_empty(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim().to_string())
}

/// A folded line: one blank goes, a lone dot is an empty line.
fn unescaped(line: &str) -> &str {
    let line = line.get(1..).unwrap_or_default().trim_end();
    if line == "." { "" } else { line }
}

/// Without `[PATCH 1/2]` and its like.
fn without_tag(subject: &str) -> &str {
    let subject = subject.trim();
    match subject.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((tag, rest)) if tag.to_ascii_uppercase().contains("PATCH") => rest.trim(),
        _ => subject,
    }
}

/// Whether a line starts a field of DEP-3 or of a mail.
pub(super) fn is_field(line: &str) -> bool {
    field(line).is_some()
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let known = FIELDS.iter().any(|f| f.eq_ignore_ascii_case(name))
        || name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("Bug-"))
        || name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"));
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (known && plain).then_some((name, value))
}

/// The patch with a header: byte for byte what it is if anything stands above
/// its diff, else with a `Description` made of the file's name.
pub fn with_header(patch: &[u8], name: &str) -> Vec<u8> {
    if !header_bytes(patch).trim_ascii().is_empty() {
        return patch.to_vec();
    }
    let mut out = format!("Description: {}\n", words_of(name)).into_bytes();
    if !patch.starts_with(b"\n") {
        out.push(b'\n');
    }
    out.extend_from_slice(patch);
    out
}

/// Words made of a patch's file name.
pub fn words_of(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    let mut words = base;
    for suffix in [".patch", ".diff", ".dpatch"] {
        words = words.strip_suffix(suffix).unwrap_or(words);
    }
    let numbered = words.trim_start_matches(|c: char| c.is_ascii_digit());
    let words = numbered.strip_prefix(['-', '_']).filter(|w| !w.is_empty()).unwrap_or(words);
    let words: String = words.chars().map(|c| if matches!(c, '-' | '_') || c.is_control() { ' ' } else { c }).collect();
    words.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn dep3_fields_are_read() {
        let text = format!(
            "Description: fix the build\n It failed.\n .\n Twice.\nAuthor: A <a@example.org>\nBug-Debian: https://bugs.debian.org/1\n\nmore words\n---\nLast-Update: no\n{DIFF}"
        );
        let header = read(text.as_bytes());
        assert_eq!(header.summary.as_deref(), Some("fix the build"));
        assert_eq!(header.details, "It failed.\n\nTwice.\nmore words");
        assert_eq!(header.field("from"), Some("A <a@example.org>"));
        assert_eq!(header.field("bug-debian"), Some("https://bugs.debian.org/1"));
        assert_eq!(header.field("Last-Update"), None);
    }

    #[test]
    fn mails_of_git_are_read() {
        let text = format!(
            "From 0123 Mon Sep 17 00:00:00 2001\nFrom: B <b@example.org>\nDate: today\nSubject: [PATCH 1/2] a long\n subject\n\nBody: with a colon.\n\nSigned-off-by: B <b@example.org>\n---\n f | 2 +-\n\ndiff --git a/f b/f\n{DIFF}"
        );
        let header = read(text.as_bytes());
        assert_eq!(header.summary.as_deref(), Some("a long subject"));
        assert_eq!(header.details, "Body: with a colon.");
        assert_eq!(header.field("Author"), Some("B <b@example.org>"));
    }

    #[test]
    fn free_words_are_a_description() {
        let header = read(format!("Make it work: again\n\nBecause.\n{DIFF}").as_bytes());
        assert_eq!(header.summary.as_deref(), Some("Make it work: again"));
        assert_eq!(header.details, "Because.");
        assert!(read(DIFF.as_bytes()).is_empty());
    }

    #[test]
    fn only_a_bare_diff_gets_a_header() {
        let bare = with_header(DIFF.as_bytes(), "patches/0001-fix_the-build.patch");
        assert_eq!(bare, format!("Description: fix the build\n\n{DIFF}").into_bytes());
        for described in [format!("words\n{DIFF}"), format!("Subject: x\n\n{DIFF}"), format!("# x\r\n{DIFF}")] {
            assert_eq!(with_header(described.as_bytes(), "n"), described.as_bytes());
        }
        assert_eq!(with_header(DIFF.as_bytes(), "0001.patch"), format!("Description: 0001\n\n{DIFF}").into_bytes());
    }
}
