//! Release files (apt-secure(8), the repository format): what a suite is, how
//! long it may be believed, and the SHA-256 of every index below it. MD5 and
//! SHA-1 are not read: a suite that has nothing else is refused.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::suite::Suite;
use crate::deb::control::{self, Paragraph};

/// apt takes a Release file up to ten seconds from the future, for clocks differ.
const SKEW: i64 = 10;

/// A parsed Release file; says nothing about its signature.
#[derive(Debug, Clone)]
pub struct Release {
    /// `jammy-security`, `oldstable`.
    pub suite: String,
    /// `jammy`, `bookworm-security`.
    pub codename: String,
    /// `Ubuntu`, `Debian-Security`.
    pub label: String,
    /// When it was made.
    pub date: Timestamp,
    /// When it stops being believed, if it does.
    pub valid_until: Option<Timestamp>,
    /// Whether indexes are also found below `by-hash/`.
    pub by_hash: bool,
    /// Names of its architectures; `all` may be among them.
    pub architectures: Vec<String>,
    /// Whether `binary-all` holds what the indexes of the architectures lack.
    pub separate_all: bool,
    /// Indexes by path below the suite's folder.
    indexes: BTreeMap<String, Listed>,
}

/// An index as the Release file lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// Why a signed Release file is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    /// Another suite's.
    Other(String),
    /// Too old.
    Expired(Timestamp),
    /// Made later than now.
    Future(Timestamp),
}

impl Release {
    /// Parses the text that was signed.
    pub fn parse(text: &[u8]) -> Result<Release, String> {
        let paragraphs = control::parse_bytes(text).map_err(|e| e.to_string())?;
        let [paragraph] = paragraphs.as_slice() else {
            return Err(format!("it has {} paragraphs instead of one", paragraphs.len()));
        };
        let field = |name: &str| paragraph.get(name).unwrap_or_default().trim().to_string();
        let architectures = field("Architectures");
        let all = architectures.split_whitespace().any(|name| name == "all");
        Ok(Release {
            suite: field("Suite"),
            codename: field("Codename"),
            label: field("Label"),
            date: time(paragraph, "Date")?.ok_or("it has no Date")?,
            valid_until: time(paragraph, "Valid-Until")?,
            architectures: architectures.split_whitespace().map(str::to_string).collect(),
            by_hash: field("Acquire-By-Hash") == "yes",
            separate_all: all && field("No-Support-for-Architecture-all") != "Packages",
            indexes: indexes(paragraph.get("SHA256").ok_or("it has no SHA256 digests")?)?,
        })
    }

    /// What is listed under a path such as `main/source/Sources.xz`.
    pub fn index(&self, path: &str) -> Option<&Listed> {
        self.indexes.get(path)
    }

    /// Whether it is the suite's, and neither from the future nor too old.
    pub fn judge(&self, suite: &Suite, now: Timestamp) -> Result<(), Distrust> {
        if !suite.is_named(&self.suite, &self.codename, &self.label) {
            return Err(Distrust::Other(format!("Suite {}, Codename {}", self.suite, self.codename)));
        }
        if self.date.as_second() > now.as_second() + SKEW {
            return Err(Distrust::Future(self.date));
        }
        match self.valid_until {
            Some(until) if until < now => Err(Distrust::Expired(until)),
            _ => Ok(()),
        }
    }
}

/// `Sat, 11 Jul 2026 10:16:37 UTC`
fn time(paragraph: &Paragraph, name: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = paragraph.get(name) else { return Ok(None) };
    let text = text.trim();
    // some archives write an hour below ten with one digit
    let pad = |word: &str| if word.get(1..2) == Some(":") { format!("0{word}") } else { word.to_string() };
    let zone = |word: String| if word == "UTC" { "+0000".to_string() } else { word };
    let rfc = text.split_whitespace().map(|word| zone(pad(word))).collect::<Vec<_>>().join(" ");
    let moment = jiff::fmt::rfc2822::parse(&rfc).map_err(|e| format!("{name} `{text}` is no date: {e}"))?;
    Ok(Some(moment.timestamp()))
}

fn indexes(list: &str) -> Result<BTreeMap<String, Listed>, String> {
    let mut indexes = BTreeMap::new();
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let bad = || format!("`{}` is no line of its SHA256 digests", line.trim());
        let [sha256, size, path] = words.as_slice() else { return Err(bad()) };
        if !is_sha256(sha256) {
            return Err(bad());
        }
        let listed = Listed { sha256: sha256.to_ascii_lowercase(), size: size.parse().map_err(|_| bad())? };
        let other = indexes.insert((*path).to_string(), listed.clone());
        if other.is_some_and(|other| other != listed) {
            return Err(format!("it has two digests of {path}"));
        }
    }
    Ok(indexes)
}

/// Whether a text is a SHA-256 in hexadecimal.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::suite::Pocket;
    use super::*;
    use crate::series::catalog;

    const TEXT: &str = "Origin: Ubuntu\nLabel: Ubuntu\nSuite: jammy-security\nCodename: jammy\nDate: Tue, 24 Nov 2026 08:00:00 UTC\nValid-Until: Wed, 25 Nov 2026 8:00:00 +0000\nAcquire-By-Hash: yes\nArchitectures: all amd64\nSHA256:\n 0000000000000000000000000000000000000000000000000000000000000000  0 main/source/Sources\n";

    fn parse(from: &str, to: &str) -> Result<Release, String> {
        assert!(TEXT.contains(from));
        Release::parse(TEXT.replace(from, to).as_bytes())
    }

    #[test]
    fn what_it_says() {
        let release = Release::parse(TEXT.as_bytes()).unwrap();
        assert!(release.by_hash && release.separate_all);
        assert_eq!(release.index("main/source/Sources").unwrap().size, 0);
        assert_eq!(release.valid_until.unwrap().as_second() - release.date.as_second(), 86400);
        assert!(!parse("amd64\n", "amd64\nNo-Support-for-Architecture-all: Packages\n").unwrap().separate_all);
    }

    #[test]
    fn what_is_no_release_file() {
        assert_eq!(parse("Date:", "X-Date:").unwrap_err(), "it has no Date");
        assert_eq!(parse("SHA256:", "SHA1:").unwrap_err(), "it has no SHA256 digests");
        assert!(parse("24 Nov", "44 Nov").unwrap_err().contains("is no date"));
        assert!(parse("  0 main", "  -1 main").is_err());
        assert!(parse(" 0000", " 000").is_err());
        let line = " 1111111111111111111111111111111111111111111111111111111111111111 0 main/source/Sources\n";
        assert!(Release::parse(format!("{TEXT}{line}").as_bytes()).unwrap_err().contains("two digests"));
        assert!(Release::parse(b"").is_err());
    }

    #[test]
    fn what_is_not_believed() {
        let release = Release::parse(TEXT.as_bytes()).unwrap();
        let suite = |pocket| Suite::new(catalog().find("jammy").unwrap(), pocket).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let ours = suite(Pocket::Security);
        assert_eq!(release.judge(&ours, at("2026-11-24T09:00:00Z")), Ok(()));
        assert_eq!(release.judge(&ours, at("2026-11-24T07:59:55Z")), Ok(()));
        assert!(matches!(release.judge(&ours, at("2026-11-24T07:59:00Z")), Err(Distrust::Future(_))));
        assert!(matches!(release.judge(&ours, at("2026-11-25T08:00:01Z")), Err(Distrust::Expired(_))));
        let other = release.judge(&suite(Pocket::Release), at("2026-11-24T09:00:00Z"));
        assert!(matches!(other, Err(Distrust::Other(_))));
    }
}
