//! Upstream's versions in Debian's spelling, so that deb-version(7) orders them
//! as upstream means them: a pre-release goes behind a tilde (`1.0-rc1` →
//! `1.0~rc1`), development releases before all others (`1.0.dev2` →
//! `1.0~~dev2`), a word that follows behind a plus sign (`1.0.post1` →
//! `1.0+post1`), hyphens and underscores between numbers become full stops, for
//! a recipe's version has none. For versions of semver.org and of Python (PEP
//! 440) that is their own order; the tests hold it against the crate semver.

use std::sync::OnceLock;

use regex::Regex;

use crate::deb::version::Version;

/// Words behind a number that announce the version instead of following it. A
/// single letter does so only before a digit: OpenSSL's 1.1.1b is a patch level.
const PRERELEASE: &str = r"^(?<before>.*?\d)(?:[-._+~]?(?<word>(?i:alpha|beta|preview|pre|rc|snapshot|nightly|canary|milestone))|(?<letter>[abc](?:\d))|[-._](?<milestone>[mM]\d))(?<rest>[-._+~0-9A-Za-z]*)$";
const DEVELOPMENT: &str = r"^(?<before>.*?)[-._+~]?(?<word>(?i:dev)[-._]?\d*)$";
/// Words that say nothing but that it is a release.
const FINAL: &str = r"[-._+](?i:stable|final|release|ga)$";
/// What a packager adds to a version whose tarball was changed.
const REPACKED: &str = r"[+~.](?:dfsg|ds|repack|debian)[.\d]*$";

fn compiled(cell: &'static OnceLock<Option<Regex>>, pattern: &str) -> Option<&'static Regex> {
    cell.get_or_init(|| Regex::new(pattern).ok()).as_ref()
}

/// The version as a recipe has it, and whether it is a pre-release; none where
/// the text is no version that Debian could order.
pub fn of_upstream(text: &str) -> Option<(Version, bool)> {
    static FINAL_: OnceLock<Option<Regex>> = OnceLock::new();
    static DEVELOPMENT_: OnceLock<Option<Regex>> = OnceLock::new();
    let text = compiled(&FINAL_, FINAL)?.replace(text, "");
    let (rest, development) = match compiled(&DEVELOPMENT_, DEVELOPMENT)?.captures(&text) {
        Some(found) => (found["before"].to_string(), Some(found["word"].to_string())),
        None => (text.into_owned(), None),
    };
    let (number, prerelease) = match split_prerelease(&rest) {
        Some((number, word)) => (number, Some(word)),
        None => (rest, None),
    };
    let mut spelled = number_of(&number)?;
    match (&prerelease, &development) {
        (Some(word), None) => spelled.push_str(&format!("~{}", plain(word))),
        (Some(word), Some(development)) => spelled.push_str(&format!("~{}~{}", plain(word), plain(development))),
        (None, Some(development)) => spelled.push_str(&format!("~~{}", plain(development))),
        (None, None) => {}
    }
    let version = Version::parse(&spelled).ok().filter(|version| version.epoch.is_none() && version.is_native())?;
    Some((version, prerelease.is_some() || development.is_some()))
}

/// The number, and the word of a pre-release with what follows it.
fn split_prerelease(text: &str) -> Option<(String, String)> {
    static PRERELEASE_: OnceLock<Option<Regex>> = OnceLock::new();
    // semver has no list of words: whatever has a letter behind the hyphen is one
    if let Ok(semver) = semver::Version::parse(text) {
        let word = semver.pre.as_str();
        let follows = ["p", "pl", "patch", "post", "hotfix", "sp"].iter().any(|after| {
            word.strip_prefix(after).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
        });
        if word.contains(|c: char| c.is_ascii_alphabetic()) && !follows {
            return Some((format!("{}.{}.{}", semver.major, semver.minor, semver.patch), word.to_string()));
        }
    }
    let found = compiled(&PRERELEASE_, PRERELEASE)?.captures(text)?;
    let word = ["word", "letter", "milestone"].iter().find_map(|name| found.name(name))?;
    Some((found["before"].to_string(), format!("{}{}", word.as_str(), &found["rest"])))
}

/// A word behind a number follows it, and comes before the next number: `+post1`
/// sorts behind `1.0` and before `1.0.1`, which `.post1` would not.
fn number_of(text: &str) -> Option<String> {
    static WORD: OnceLock<Option<Regex>> = OnceLock::new();
    Some(plain(&compiled(&WORD, r"[-._]([A-Za-z])")?.replace_all(text, "+$1")))
}

fn plain(text: &str) -> String {
    text.replace(['-', '_'], ".")
}

/// A recipe's version as it is compared with upstream's: without its epoch, and
/// without what says that the tarball was changed.
pub fn comparable(version: &str) -> Option<Version> {
    static REPACKED_: OnceLock<Option<Regex>> = OnceLock::new();
    let upstream = version.split_once(':').map_or(version, |(_, upstream)| upstream);
    Version::parse(&compiled(&REPACKED_, REPACKED)?.replace(upstream, "")).ok()
}

/// Whether `current` is a pre-release, and `newer` one of the same number: who
/// is on 1.0~rc1 wants 1.0~rc2.
pub fn is_prerelease_of(current: &Version, newer: &Version) -> bool {
    let number = |version: &Version| version.upstream.split_once('~').map(|(number, _)| number.to_string());
    number(current).is_some_and(|current| number(newer) == Some(current))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        of_upstream(text).map_or("none".into(), |(version, pre)| format!("{version}{}", if pre { " pre" } else { "" }))
    }

    #[test]
    fn what_upstreams_write() {
        for (text, expected) in [
            ("1.27.3", "1.27.3"),
            ("1.0-rc1", "1.0~rc1 pre"),
            ("1.0.0-rc.1", "1.0.0~rc.1 pre"),
            ("2.0b3", "2.0~b3 pre"),
            ("2.0.beta2", "2.0~beta2 pre"),
            ("1.0.0-canary.5", "1.0.0~canary.5 pre"),
            ("1.0.0-0a1.2", "1.0.0~0a1.2 pre"),
            ("1.0.dev4", "1.0~~dev4 pre"),
            ("1.0a1.dev2", "1.0~a1~dev2 pre"),
            ("1.1.1b", "1.1.1b"),
            ("1.0p1", "1.0p1"),
            ("1.0.0-patch2", "1.0.0+patch2"),
            ("1.0.post1", "1.0+post1"),
            ("7.1.1-15", "7.1.1.15"),
            ("1_2_3", "1.2.3"),
            ("2024-01-02", "2024.01.02"),
            ("1.13.35.2-stable", "1.13.35.2"),
            ("1.0.0+build5", "1.0.0+build5"),
            ("1!2.0", "none"),
            ("x1", "none"),
            ("", "none"),
        ] {
            assert_eq!(spelled(text), expected, "{text}");
        }
    }

    #[test]
    fn the_order_is_semvers() {
        let mut texts = [
            "1.0.0",
            "1.0.0-rc.1",
            "1.0.0-beta.11",
            "1.0.0-beta.2",
            "1.0.0-beta",
            "1.0.0-alpha.beta",
            "1.0.0-alpha.1",
            "1.0.0-alpha",
            "0.9.9",
            "1.0.1-rc.1",
            "1.10.0",
            "1.9.0",
        ];
        texts.sort_by_key(|text| semver::Version::parse(text).unwrap());
        let mut ours = texts;
        ours.reverse();
        ours.sort_by_key(|text| of_upstream(text).unwrap().0);
        assert_eq!(ours, texts);
    }

    #[test]
    fn the_order_is_pythons() {
        let ordered = ["1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.0.1"];
        let versions: Vec<Version> = ordered.iter().map(|text| of_upstream(text).unwrap().0).collect();
        assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "{versions:?}");
    }

    #[test]
    fn a_recipes_version_is_compared_without_what_the_packager_adds() {
        assert_eq!(comparable("1:2.12+dfsg1").unwrap().to_string(), "2.12");
        assert_eq!(comparable("2.12+ds").unwrap().to_string(), "2.12");
        let version = |text| Version::parse(text).unwrap();
        assert!(is_prerelease_of(&version("1.0~rc1"), &version("1.0~rc2")));
        assert!(!is_prerelease_of(&version("1.0~rc1"), &version("1.1~rc1")));
        assert!(!is_prerelease_of(&version("1.0"), &version("1.0~rc2")));
    }
}
