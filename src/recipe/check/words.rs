//! The checks of words, numbers and expressions, one function each.

use crate::deb::names::{self, Maintainer};
use crate::deb::relations;
use crate::deb::version::Version;

use super::{Relation, Wrong};
use crate::recipe::suggest;

const UNIT_SUFFIXES: &[&str] =
    &["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];

/// Restrictions of autopkgtest's README.package-tests.
pub(super) const RESTRICTIONS: &[&str] = &[
    "rw-build-tree",
    "breaks-testbed",
    "needs-root",
    "needs-sudo",
    "needs-reboot",
    "needs-internet",
    "needs-recommends",
    "build-needed",
    "allow-stderr",
    "isolation-container",
    "isolation-machine",
    "flaky",
    "superficial",
    "skippable",
    "skip-not-installable",
    "skip-foreign-architecture",
    "hint-testsuite-triggers",
];

pub(super) fn with_hint(wrong: Wrong, hint: Option<String>) -> Wrong {
    match hint {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    }
}

pub(super) fn named(result: Result<(), names::NameError>) -> Result<(), Wrong> {
    result.map_err(|error| {
        let part = match &error {
            names::NameError::Character(_, name, bad) => name.find(*bad).map(|at| at..at + bad.len_utf8()),
            _ => None,
        };
        Wrong { part, ..Wrong::new("bad-name", error.to_string()) }
    })
}

pub(super) fn person(text: &str) -> Result<(), Wrong> {
    match Maintainer::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Wrong::new("bad-person", error.to_string()).hint("`Jane Doe <jane@example.org>`")),
    }
}

pub(super) fn summary(text: &str) -> Result<(), Wrong> {
    match text.trim() == text {
        true => Ok(()),
        false => Err(Wrong::new("bad-summary", "the summary begins or ends with a blank")),
    }
}

pub(super) fn word(text: &str) -> Result<(), Wrong> {
    match text.char_indices().find(|(_, c)| c.is_whitespace()) {
        Some((at, _)) => Err(Wrong::new("blank", "a blank cannot stand here").at(at..at + 1)),
        None if text.starts_with('-') => Err(Wrong::new("leading-hyphen", "it cannot begin with a hyphen").at(0..1)),
        None => Ok(()),
    }
}

/// `version`: no hyphen, for the revision is pkgr's to add.
pub(super) fn version(text: &str) -> Result<(), Wrong> {
    if let Some(hyphen) = text.find('-') {
        let upstream = text.split_once(':').map_or(text, |(_, upstream)| upstream);
        if semver::Version::parse(upstream).is_ok_and(|v| !v.pre.is_empty()) {
            let debian = text.replacen('-', "~", 1);
            return Err(Wrong::new(
                "version-prerelease",
                format!("`{text}` would sort after the release that it precedes"),
            )
            .at(hyphen..hyphen + 1)
            .hint(format!("write `version = \"{debian}\"` and `upstream-version = \"{upstream}\"`")));
        }
        let wrong = Wrong::new("version-hyphen", "`version` cannot hold a hyphen: what follows one is the revision");
        return Err(wrong.at(hyphen..hyphen + 1).hint(
            "the revision has a key of its own: `revision = 2`; upstream's spelling goes into `upstream-version`",
        ));
    }
    match Version::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let wrong = Wrong::new("bad-version", error.to_string());
            let plain = text.trim_start_matches(['v', 'V']);
            Err(match plain.len() < text.len() && Version::parse(plain).is_ok() {
                true => wrong.hint(format!("write `version = \"{plain}\"`, and `v{{{{ version }}}}` in the URL")),
                false => wrong,
            })
        }
    }
}

pub(super) fn revision(text: &str) -> Result<(), Wrong> {
    let good = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+.~".contains(c));
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-revision", format!("`{text}` is no revision")).hint("a number such as `2`")),
    }
}

pub(super) fn url(text: &str) -> Result<(), Wrong> {
    word(text)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    match host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && text.is_ascii() {
        true => Ok(()),
        false => Err(Wrong::new("bad-url", format!("`{text}` is no web address")).hint("`https://example.org/`")),
    }
}

/// Vcs-Git: a URL that git can clone, perhaps ` -b BRANCH` and ` [PATH]` (deb-src-control(5)).
pub(super) fn vcs_git(text: &str) -> Result<(), Wrong> {
    let mut words = text.split(' ');
    let url = words.next().unwrap_or_default();
    let known = ["https://", "http://", "git://", "ssh://", "git@"].iter().any(|s| url.starts_with(s));
    let mut rest: Vec<&str> = words.collect();
    if let [.., path] = rest.as_slice() {
        if path.starts_with('[') && path.ends_with(']') {
            rest.pop();
        }
    }
    match rest.as_slice() {
        _ if !known => Err(Wrong::new("bad-url", format!("`{url}` is no address of a git repository"))),
        [] => Ok(()),
        ["-b", branch] if !branch.is_empty() => Ok(()),
        _ => Err(Wrong::new("bad-url", "only ` -b BRANCH` and ` [PATH]` may follow the address")),
    }
}

/// The characters of SPDX expressions, and their parentheses in pairs.
pub(super) fn license(text: &str) -> Result<(), Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-.+:() ".contains(c);
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        let message = format!("`{c}` cannot stand in an SPDX licence expression");
        return Err(Wrong::new("bad-license", message)
            .at(at..at + c.len_utf8())
            .hint("join licences with `AND` and `OR`: `MIT OR Apache-2.0`"));
    }
    let depth = text.chars().try_fold(0usize, |depth, c| match c {
        '(' => Some(depth + 1),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    let words: Vec<&str> = text.split([' ', '(', ')']).filter(|w| !w.is_empty()).collect();
    let operator = |w: &str| matches!(w, "AND" | "OR" | "WITH");
    let alternate = words.iter().enumerate().all(|(i, w)| operator(w) == (i % 2 == 1));
    match depth == Some(0) && alternate && words.len() % 2 == 1 {
        true => Ok(()),
        false => Err(Wrong::new("bad-license", format!("`{text}` is no SPDX licence expression"))
            .hint("`GPL-2.0-or-later`, `MIT OR Apache-2.0`")),
    }
}

pub(super) fn relation(text: &str, field: Relation) -> Result<(), Wrong> {
    let kind = match field {
        Relation::Depends => relations::Kind::Depends,
        Relation::Conflicts => relations::Kind::Conflicts,
        Relation::Provides => relations::Kind::Provides,
        Relation::BuildDepends => relations::Kind::Build,
        Relation::BuildConflicts => relations::Kind::BuildConflicts,
        Relation::Test => relations::Kind::Test,
    };
    relations::check_clause(text, kind).map_err(|error| {
        let end = text.get(error.offset..).map_or(error.offset, |rest| {
            error.offset + rest.find([' ', ',', '|', '(', ')']).unwrap_or(rest.len()).max(1)
        });
        Wrong::new("bad-relation", error.message).at(error.offset..end)
    })
}

pub(super) fn architecture_hint(text: &str) -> Option<String> {
    match text {
        "x86_64" | "x64" => Some("Debian calls it `amd64`".into()),
        "aarch64" => Some("Debian calls it `arm64`".into()),
        "i686" | "i586" | "x86" => Some("Debian calls it `i386`".into()),
        "noarch" => Some("Debian calls it `all`".into()),
        _ => suggest::hint(text, ["amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x", "all", "any"]),
    }
}

pub(super) fn hexadecimal(text: &str, digits: usize, hint: &str) -> Result<(), Wrong> {
    let lower = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match text.chars().count() == digits && text.chars().all(lower) {
        true => Ok(()),
        false => {
            let message = format!("`{text}` is not {digits} lower-case hexadecimal digits");
            Err(Wrong::new("bad-digest", message).hint(hint))
        }
    }
}

/// Component names as dpkg-source(1) takes them, and none that would land in debian/.
pub(super) fn component(text: &str) -> Result<(), Wrong> {
    let bad = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    if let Some((at, c)) = text.char_indices().find(|(_, c)| bad(*c)) {
        let wrong = Wrong::new("bad-component", format!("character `{c}` is not allowed in component name `{text}`"));
        return Err(wrong.at(at..at + c.len_utf8()).hint("letters, digits and hyphens"));
    }
    match text {
        _ if text.starts_with('-') => Err(Wrong::new("bad-component", "a component name cannot begin with a hyphen")),
        "debian" => Err(Wrong::new("bad-component", "a component `debian` would be unpacked over the packaging")),
        _ => Ok(()),
    }
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn unit(text: &str) -> Result<(), Wrong> {
    let suffix = base_name(text).rsplit_once('.').map(|(_, suffix)| suffix);
    match suffix {
        Some(suffix) if UNIT_SUFFIXES.contains(&suffix) => Ok(()),
        _ => Err(Wrong::new("bad-unit", format!("`{}` does not end as a systemd unit does", base_name(text)))
            .hint("`.service`, `.timer`, `.socket`, `.path`, `.mount`, `.target` and the like")),
    }
}

pub(super) fn manpage(text: &str) -> Result<(), Wrong> {
    let section = base_name(text).rsplit_once('.').map_or("", |(_, section)| section);
    match section.starts_with(|c: char| ('1'..='9').contains(&c) || c == '*' || c == '[' || c == '?') {
        true => Ok(()),
        false => Err(Wrong::new("bad-manpage", format!("`{}` is not of the form NAME.SECTION", base_name(text)))
            .hint("`hello.1`")),
    }
}

pub(super) fn completion(text: &str) -> Result<(), Wrong> {
    let name = base_name(text);
    match name.ends_with(".bash") || name.ends_with(".fish") || name.starts_with('_') {
        true => Ok(()),
        false => Err(Wrong::new("bad-completion", format!("the shell cannot be told from `{name}`"))
            .hint("`NAME.bash`, `_NAME` for zsh, `NAME.fish`")),
    }
}

pub(super) fn configuration(text: &str) -> Result<(), Wrong> {
    match base_name(text).ends_with(".conf") {
        true => Ok(()),
        false => {
            Err(Wrong::new("bad-file-name", format!("systemd reads only files that end in `.conf`, not `{text}`")))
        }
    }
}

pub(super) fn choice(text: &str, known: &[&'static str], code: &'static str, message: &str) -> Result<(), Wrong> {
    if known.contains(&text) {
        return Ok(());
    }
    let wrong = Wrong::new(code, format!("`{text}` {message}"));
    Err(with_hint(wrong, suggest::hint(text, known.iter().copied())))
}

pub(super) fn environment_name(text: &str) -> Result<(), Wrong> {
    let good =
        !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match good {
        true if text.starts_with("PKGR_") => Err(Wrong::new("bad-environment", "names in PKGR_ are pkgr's own")),
        true => Ok(()),
        false => Err(Wrong::new("bad-environment", format!("`{text}` is no name of an environment variable"))),
    }
}

pub(super) fn test_name(text: &str) -> Result<(), Wrong> {
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
    match good && text != "control" {
        true => Ok(()),
        false => Err(Wrong::new("bad-test-name", format!("`{text}` is no name for a test"))
            .hint("letters, digits, `+`, `-`, `.` and `_`; `control` is taken")),
    }
}

/// Permission bits: octal digits, 07777 at most.
pub fn mode(text: &str) -> Result<u32, Wrong> {
    let octal = (3..=5).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| octal && *mode <= 0o7777)
        .ok_or_else(|| Wrong::new("bad-mode", format!("`{text}` is no octal mode")).hint("`\"0640\"`"))
}

pub(super) fn code(text: &str) -> Result<(), Wrong> {
    let good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-code", format!("`{text}` is no code of a finding")).hint("`pkgr explain CODE`")),
    }
}
