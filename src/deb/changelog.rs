//! debian/changelog (deb-changelog(5), Policy 4.4): writing and reading entries,
//! and which bugs they close.
//!
//! Strict on the newest entry, which names the package that is made; tolerant of
//! older ones, for decades of hand-written history are never worth an error.

use jiff::fmt::rfc2822::DateTimeParser;

use super::control::ParseError;
use super::version::Version;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Source package name.
    pub source: String,
    /// Full Debian version.
    pub version: String,
    /// Target distributions, separated by blanks (one series for us).
    pub distribution: String,
    /// `low`, `medium`, `high`, `emergency` or `critical`.
    pub urgency: String,
    /// The text between header and trailer: lines without the two-blank indent,
    /// e.g. `* New upstream version 1.2`.
    pub changes: Vec<String>,
    /// `Name <address>`.
    pub author: String,
    /// RFC 2822 date, verbatim.
    pub date: String,
}

impl Entry {
    /// The first line.
    pub fn header(&self) -> String {
        format!("{} ({}) {}; urgency={}", self.source, self.version, self.distribution, self.urgency)
    }

    /// The last line.
    pub fn trailer(&self) -> String {
        format!(" -- {}  {}", self.author, self.date)
    }

    /// The date in seconds since 1970, if it is one.
    pub fn timestamp(&self) -> Option<i64> {
        timestamp(&self.date).ok()
    }

    /// Numbers of the Debian bugs that the entry closes (`Closes: #1, #2`).
    pub fn closes(&self) -> Vec<String> {
        closes(&self.changes.join("\n"))
    }

    /// Numbers of the Launchpad bugs that the entry closes (`LP: #1, #2`).
    pub fn launchpad_bugs(&self) -> Vec<String> {
        launchpad_bugs(&self.changes.join("\n"))
    }
}

/// The file's text, newest entry first.
pub fn write(entries: &[Entry]) -> String {
    let mut texts = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut text = format!("{}\n\n", entry.header());
        for line in &entry.changes {
            match line.trim_end() {
                "" => {}
                line => text.extend(["  ", line]),
            }
            text.push('\n');
        }
        text.push_str(&format!("\n{}\n", entry.trailer()));
        texts.push(text);
    }
    texts.join("\n")
}

/// An entry as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub entry: Entry,
    /// Header and changes verbatim, as the `Changes` field of a .changes quotes
    /// them: the header, an empty line, the changes with their indent.
    pub text: Vec<String>,
    /// Line of the header, counted from 1.
    pub line: usize,
}

/// Reads all entries, newest first; an error is about the newest, or about there
/// being none.
pub fn parse(text: &str) -> Result<Vec<Parsed>, ParseError> {
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r')).enumerate().map(|(i, line)| (i + 1, line));
    let top = newest(&mut lines)?;
    let mut entries = vec![top];
    let mut open: Option<Parsed> = None;
    for (number, line) in lines {
        if let Some(header) = Header::parse(line) {
            entries.extend(open.take());
            open = Some(Parsed::begin(header, line, number));
        } else if line.starts_with(|c: char| !c.is_whitespace()) {
            // The oldest formats, an editor's variables, comments: no entry of ours.
            if !is_comment(line) {
                break;
            }
        } else if let Some(entry) = &mut open {
            match split_trailer(line) {
                Some((author, date, _)) => {
                    entry.finish(author, date);
                    entries.extend(open.take());
                }
                None => entry.add(line),
            }
        }
    }
    entries.extend(open);
    Ok(entries)
}

fn newest<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Parsed, ParseError> {
    let error = |line: usize, message: &str| ParseError::new(line, message);
    let (line, text) = lines
        .by_ref()
        .find(|(_, line)| !line.trim().is_empty() && !is_comment(line))
        .ok_or_else(|| error(1, "the changelog has no entry"))?;
    let header = Header::parse(text)
        .ok_or_else(|| error(line, "not a changelog header, `package (version) distribution; urgency=medium`"))?;
    header.check().map_err(|message| ParseError::new(line, message))?;
    let mut entry = Parsed::begin(header, text, line);
    for (number, text) in lines {
        if let Some((author, date, blanks)) = split_trailer(text) {
            if blanks != 2 {
                return Err(error(number, "two blanks must separate the address from the date"));
            }
            timestamp(date).map_err(|e| ParseError::new(number, format!("`{date}` is not a date: {e}")))?;
            entry.finish(author, date);
            return match entry.entry.changes.is_empty() {
                true => Err(error(line, "the entry has no changes")),
                false => Ok(entry),
            };
        } else if text.starts_with(" --") {
            return Err(error(number, "not a changelog trailer, ` -- Name <address>  date`"));
        } else if text.trim().is_empty() || text.starts_with("  ") {
            entry.add(text);
        } else {
            return Err(error(number, "expected a change, indented by two blanks, or the trailer"));
        }
    }
    Err(error(line, "the entry has no trailer, ` -- Name <address>  date`"))
}

impl Parsed {
    fn begin(header: Header, text: &str, line: usize) -> Parsed {
        let entry = Entry {
            source: header.source.to_string(),
            version: header.version.to_string(),
            distribution: header.distribution,
            urgency: header.urgency.unwrap_or_else(|| "unknown".to_string()),
            changes: Vec::new(),
            author: String::new(),
            date: String::new(),
        };
        Parsed { entry, text: vec![text.trim_end().to_string(), String::new()], line }
    }

    /// Takes a line between header and trailer; blank ones before the first do not count.
    fn add(&mut self, line: &str) {
        let line = line.trim_end();
        if !line.is_empty() || !self.entry.changes.is_empty() {
            self.entry.changes.push(line.strip_prefix("  ").unwrap_or(line).to_string());
            self.text.push(line.to_string());
        }
    }

    fn finish(&mut self, author: &str, date: &str) {
        while self.entry.changes.last().is_some_and(String::is_empty) {
            self.entry.changes.pop();
            self.text.pop();
        }
        self.entry.author = author.to_string();
        self.entry.date = date.to_string();
    }
}

struct Header<'a> {
    source: &'a str,
    version: &'a str,
    distribution: String,
    urgency: Option<String>,
    options: &'a str,
}

impl<'a> Header<'a> {
    fn parse(line: &'a str) -> Option<Header<'a>> {
        let (front, options) = line.split_once(';')?;
        let (source, rest) = front.split_once(" (")?;
        let (version, distributions) = rest.split_once(')')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-+.".contains(c);
        let name = source.strip_prefix(|c: char| c.is_alphanumeric() || c == '_')?;
        let words: Vec<&str> = distributions.split_whitespace().collect();
        let good = name.chars().all(plain)
            && !version.is_empty()
            && !version.contains(['(', ' ', '\t'])
            && distributions.starts_with(char::is_whitespace)
            && !words.is_empty()
            && words.iter().all(|word| word.chars().all(plain));
        let urgency = key_values(options)
            .find(|(key, _)| key.eq_ignore_ascii_case("urgency"))
            .and_then(|(_, value)| Some(value?.split_whitespace().next()?.to_ascii_lowercase()));
        good.then(|| Header { source, version, distribution: words.join(" "), urgency, options })
    }

    fn check(&self) -> Result<(), String> {
        Version::parse(self.version).map_err(|e| e.to_string())?;
        let mut urgencies = 0;
        for (key, value) in key_values(self.options) {
            match value {
                Some(value) if key.eq_ignore_ascii_case("urgency") => {
                    let word = value.split_whitespace().next().unwrap_or_default();
                    if !["low", "medium", "high", "emergency", "critical"].contains(&word.to_ascii_lowercase().as_str())
                    {
                        return Err(format!("`{word}` is not an urgency: low, medium, high, emergency, critical"));
                    }
                    urgencies += 1;
                }
                _ if key.eq_ignore_ascii_case("binary-only") => {
                    return Err("`binary-only` has no place in a source upload".to_string());
                }
                _ => return Err(format!("`{key}` behind the semicolon is not `urgency=WORD`")),
            }
        }
        match urgencies {
            1 => Ok(()),
            0 => Err("the header names no urgency".to_string()),
            _ => Err("the header names the urgency twice".to_string()),
        }
    }
}

fn key_values(options: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    options.trim().split(',').map(str::trim).filter(|option| !option.is_empty()).map(|option| {
        match option.split_once('=') {
            Some((key, value)) => (key, Some(value.trim())),
            None => (option, None),
        }
    })
}

/// Author, date, and how many blanks are between them.
fn split_trailer(line: &str) -> Option<(&str, &str, usize)> {
    let rest = line.strip_prefix(" -- ")?;
    let end = rest.rfind('>')?;
    let (author, date) = rest.split_at(end + 1);
    let trimmed = date.trim_start_matches(' ');
    let looks_right = author.contains(" <") && trimmed.contains(':') && date.len() > trimmed.len();
    looks_right.then(|| (author, trimmed.trim_end(), date.len() - trimmed.len()))
}

fn is_comment(line: &str) -> bool {
    line.starts_with("# ") || line.starts_with("/*") || (line.starts_with('$') && line.ends_with('$'))
}

fn timestamp(date: &str) -> Result<i64, jiff::Error> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(date).map(|timestamp| timestamp.as_second())
}

/// Numbers of the Debian bugs closed by a text: `closes:`, then a list of numbers,
/// each with an optional `bug` and `#` before it; any case. In the order of the
/// numbers, each once.
pub fn closes(text: &str) -> Vec<String> {
    bugs(text, "closes:", |text| {
        let text = skip_blanks(text);
        let text = strip_word(text, "bug").unwrap_or(text);
        let text = text.strip_prefix('#').unwrap_or(text);
        Some(text.strip_prefix(|c: char| c.is_ascii_whitespace()).unwrap_or(text))
    })
}

/// Numbers of the Launchpad bugs closed by a text: `lp:`, a blank, then a list of
/// numbers with `#` before each; any case. In the order of the numbers, each once.
pub fn launchpad_bugs(text: &str) -> Vec<String> {
    bugs(text, "lp: ", |text| skip_blanks(text).strip_prefix('#'))
}

/// Numbers of the lists behind `word`, whose last blank stands for any one;
/// `before` skips what may precede a number.
fn bugs(text: &str, word: &str, before: impl Fn(&str) -> Option<&str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(behind) = find_word(rest, word) {
        rest = behind;
        let mut item = before(behind);
        while let Some(digits) = item {
            let length = digits.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = digits.split_at(length);
            if number.is_empty() {
                break;
            }
            found.push(number.to_string());
            rest = after;
            item = after.strip_prefix(',').and_then(&before);
        }
    }
    let significant = |number: &str| number.trim_start_matches('0').to_string();
    found.sort_by_cached_key(|number| (significant(number).len(), significant(number), number.clone()));
    found.dedup();
    found
}

fn find_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.char_indices().find_map(|(i, _)| strip_word(text.get(i..)?, word))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut bytes = text.bytes();
    let same = |wanted: u8, found: u8| match wanted {
        b' ' => found.is_ascii_whitespace(),
        _ => wanted.eq_ignore_ascii_case(&found),
    };
    let matches = word.bytes().all(|wanted| bytes.next().is_some_and(|found| same(wanted, found)));
    matches.then(|| text.get(word.len()..)).flatten()
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> Entry {
        Entry {
            source: "hello".to_string(),
            version: "1:2.12-1~deb12u1".to_string(),
            distribution: "bookworm".to_string(),
            urgency: "medium".to_string(),
            changes: vec!["* New.".to_string(), String::new(), "  more".to_string()],
            author: "A <a@b.c>".to_string(),
            date: "Tue, 05 Mar 2024 10:00:00 +0100".to_string(),
        }
    }

    const TEXT: &str = "hello (1:2.12-1~deb12u1) bookworm; urgency=medium\n\n  * New.\n\n    more\n\n -- A <a@b.c>  Tue, 05 Mar 2024 10:00:00 +0100\n";

    #[test]
    fn what_is_written_is_read() {
        let older = Entry { version: "1.0".to_string(), ..entry() };
        let entries = [entry(), older];
        assert_eq!(write(&entries[..1]), TEXT);
        let parsed = parse(&write(&entries)).unwrap();
        assert_eq!(parsed.iter().map(|parsed| parsed.entry.clone()).collect::<Vec<_>>(), entries);
        assert_eq!(parsed[1].line, 9);
        assert_eq!(
            parsed[0].text,
            ["hello (1:2.12-1~deb12u1) bookworm; urgency=medium", "", "  * New.", "", "    more"]
        );
        assert_eq!(entry().timestamp(), Some(1_709_629_200));
    }

    #[test]
    fn the_newest_entry_is_strict() {
        for (from, to, line) in [
            ("hello (", "hello(", 1),
            ("1:2.12", "x", 1),
            (" bookworm", "", 1),
            ("urgency=medium", "urgency=soon", 1),
            ("urgency=medium", "", 1),
            ("urgency=medium", "urgency=low, binary-only=yes", 1),
            ("  * New", " * New", 3),
            (" -- A", " --A", 7),
            (">  Tue", "> Tue", 7),
            ("05 Mar", "35 Mar", 7),
            ("Tue", "Wed", 7),
            (" -- A <a@b.c>  Tue, 05 Mar 2024 10:00:00 +0100\n", "", 1),
            ("  * New.\n\n    more\n", "", 1),
        ] {
            assert_eq!(parse(&TEXT.replace(from, to)).unwrap_err().line, line, "{from} -> {to}");
        }
        assert!(parse("").is_err());
    }

    #[test]
    fn older_entries_are_tolerated() {
        let old = "hello (1.0) unstable; urgency=HIGH closes=1\n* x\n -- B <b@c> Tue, 5 Mar 1996 10:00:00 +0100\n\nhello (0.9) unstable; urgency=low\n\n  * y\n\nOld Changelog:\nhello (0.8) x; urgency=low\n";
        let parsed = parse(&format!("{TEXT}\n{old}")).unwrap();
        let versions: Vec<&str> = parsed.iter().map(|parsed| parsed.entry.version.as_str()).collect();
        assert_eq!(versions, ["1:2.12-1~deb12u1", "1.0"]);
        let parsed = parse(&format!("{TEXT}\n{}", old.replace("* x", "  * x"))).unwrap();
        assert_eq!(parsed.len(), 3);
        assert_eq!((parsed[1].entry.urgency.as_str(), parsed[1].entry.author.as_str()), ("high", "B <b@c>"));
    }

    #[test]
    fn closed_bugs() {
        for (text, expected) in [
            ("Closes: #12, #3", vec!["3", "12"]),
            ("closes:bug#5,\n  bug6, 7 closes: 7", vec!["5", "6", "7"]),
            ("Closes: # 8, x #9", vec!["8"]),
            ("Closes: bug #1", vec![]),
            ("closes #1", vec![]),
            ("Closes: #100, #20, #3", vec!["3", "20", "100"]),
            ("ücloses: #1", vec!["1"]),
        ] {
            assert_eq!(closes(text), expected, "{text}");
        }
        for (text, expected) in [
            ("(LP: #12, #3)", vec!["3", "12"]),
            ("lp:\n #5,#6 LP: 7", vec!["5", "6"]),
            ("LP:#1", vec![]),
            ("LP: #1 #2", vec!["1"]),
        ] {
            assert_eq!(launchpad_bugs(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -<>#:;,()=a-zCLé\n]{0,80}") {
            let _ = (parse(&text), closes(&text), launchpad_bugs(&text));
        }
    }
}
