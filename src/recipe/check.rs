//! Checks of single strings: names, versions, relations, paths, digests. Said
//! of the value alone; whether a file is there is for the evaluation to find.

use std::ops::Range;

use crate::deb::names::{self, Maintainer};
use crate::deb::relations;
use crate::deb::version::Version;
use crate::series::catalog;

use super::{keys, paths, suggest};

/// The fields whose relations differ in syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Depends and its like: alternatives.
    Depends,
    /// Conflicts, Breaks, Replaces, Enhances: no alternatives.
    Conflicts,
    /// Only `(= version)`.
    Provides,
    /// Alternatives, architectures, profiles.
    BuildDepends,
    /// Architectures, profiles.
    BuildConflicts,
    /// debian/tests/control: `@` and the like.
    Test,
}

/// What a string has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Check {
    /// One line of any text.
    Line,
    /// Text of several lines.
    Prose,
    /// A script for `sh -e`; never a template.
    Script,
    /// An argument or value: any text without a line break or NUL, empty too.
    Argument,
    Summary,
    SourceName,
    PackageName,
    TestName,
    Version,
    UpstreamVersion,
    Revision,
    Series,
    Person,
    Uploader,
    /// An http or https URL for people.
    Url,
    VcsGit,
    License,
    Section,
    Relation(Relation),
    Architecture,
    /// A URL to fetch, or a path of a file beside the recipe.
    Location,
    /// A git URL, or a path.
    Git,
    Tag,
    Commit,
    Sha256,
    Component,
    /// A file beside the recipe.
    RecipePath,
    /// A file or glob beside the recipe or in the upstream tree.
    Pattern,
    /// A pattern relative to debian/tmp.
    StagedPattern,
    /// An absolute path on the installed system.
    Absolute,
    /// An absolute path, a folder when it ends in `/`.
    Destination,
    Unit,
    Manpage,
    Completion,
    Sysusers,
    Tmpfiles,
    ScriptName,
    EnvName,
    Restriction,
    Mode,
    /// The code of a finding.
    Code,
    /// Why a finding is allowed; never a template.
    Reason,
}

/// Why a string is not what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The bytes that are, where it is not the whole.
    pub part: Option<Range<usize>>,
    /// Ways out.
    pub hints: Vec<String>,
}

impl Wrong {
    /// A fault of the whole string.
    pub fn new(code: &'static str, message: impl Into<String>) -> Wrong {
        Wrong { code, message: message.into(), part: None, hints: vec![] }
    }
    /// Adds a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Wrong {
        self.hints.push(hint.into());
        self
    }
    /// Narrows the fault to a part of the string.
    pub fn at(mut self, part: Range<usize>) -> Wrong {
        self.part = Some(part);
        self
    }
}

const UNIT_SUFFIXES: &[&str] =
    &["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];

const RESTRICTIONS: &[&str] = &[
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

impl Check {
    /// Whether `{{ }}` is expanded in such strings: not in scripts, hashes,
    /// names that everything else depends on, and words of a fixed list.
    pub fn is_templated(self) -> bool {
        !matches!(
            self,
            Check::Script
                | Check::Reason
                | Check::Commit
                | Check::Sha256
                | Check::SourceName
                | Check::Version
                | Check::Revision
                | Check::Series
                | Check::Person
                | Check::Restriction
                | Check::Mode
                | Check::Architecture
        )
    }

    /// Checks a string after expansion.
    pub fn check(self, text: &str) -> Result<(), Wrong> {
        self.check_shape(text)?;
        match self {
            Check::Line | Check::Prose | Check::Script | Check::Argument | Check::Reason => Ok(()),
            Check::Summary => summary(text),
            Check::SourceName => named(names::check_source(text)),
            Check::PackageName => named(names::check_package(text)),
            Check::Version => version(text),
            Check::Revision => revision(text),
            Check::UpstreamVersion | Check::Tag => word(text),
            Check::Git => word(text).and_then(|()| paths::git(text)),
            Check::Series => match catalog().find(text) {
                Some(_) => Ok(()),
                None => {
                    let wrong = Wrong::new("unknown-series", format!("`{text}` is no series of Ubuntu or Debian"));
                    Err(with_hint(wrong, suggest::series(text)))
                }
            },
            Check::Person => person(text),
            Check::Uploader => person(text).and_then(|()| match text.contains(',') {
                true => Err(Wrong::new("bad-person", "commas separate the uploaders, so a name cannot hold one")),
                false => Ok(()),
            }),
            Check::Url => url(text),
            Check::VcsGit => vcs_git(text),
            Check::License => license(text),
            Check::Section => named(names::check_section(text)),
            Check::Relation(field) => relation(text, field),
            Check::Architecture if text == "all" => Ok(()),
            Check::Architecture => names::check_architecture(text)
                .map_err(|e| with_hint(Wrong::new("bad-architecture", e.to_string()), architecture_hint(text))),
            Check::Location => paths::location(text),
            Check::Commit => hexadecimal(text, 40, "a commit is 40 hexadecimal digits; a tag goes into `tag`"),
            Check::Sha256 => hexadecimal(text, 64, "`sha256sum FILE` prints it"),
            Check::Component => component(text),
            Check::RecipePath | Check::Pattern | Check::StagedPattern => self.check_path(text),
            Check::Absolute => paths::absolute(text, false),
            Check::Destination => paths::absolute(text, true),
            Check::Unit => self.check_path(text).and_then(|()| unit(text)),
            Check::Manpage => self.check_path(text).and_then(|()| manpage(text)),
            Check::Completion => self.check_path(text).and_then(|()| completion(text)),
            Check::Sysusers | Check::Tmpfiles => self.check_path(text).and_then(|()| configuration(text)),
            Check::ScriptName => choice(text, keys::SCRIPTS, "bad-script", "is no maintainer script"),
            Check::EnvName => environment_name(text),
            Check::TestName => test_name(text),
            Check::Restriction => {
                choice(text, RESTRICTIONS, "bad-restriction", "is no restriction that autopkgtest knows")
            }
            Check::Mode => mode(text).map(|_| ()),
            Check::Code => code(text),
        }
    }

    /// Emptiness, line breaks and characters that no text file of a package can carry.
    fn check_shape(self, text: &str) -> Result<(), Wrong> {
        let lines = matches!(self, Check::Prose | Check::Script);
        if text.trim().is_empty() && self != Check::Argument {
            return Err(Wrong::new("empty-string", "the string is empty"));
        }
        let bad = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\t'));
        match text.char_indices().find(|(_, c)| bad(*c)) {
            Some((at, '\n')) => Err(Wrong::new("line-break", "a line break cannot stand here")
                .at(at..at + 1)
                .hint("write it on one line")),
            Some((at, c)) => {
                let message = format!("the control character U+{:04X} cannot stand here", u32::from(c));
                Err(Wrong::new("control-character", message).at(at..at + c.len_utf8()))
            }
            None => Ok(()),
        }
    }

    fn check_path(self, text: &str) -> Result<(), Wrong> {
        let globs = !matches!(self, Check::RecipePath);
        paths::relative(text, globs)
    }
}

fn with_hint(wrong: Wrong, hint: Option<String>) -> Wrong {
    match hint {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    }
}

fn named(result: Result<(), names::NameError>) -> Result<(), Wrong> {
    result.map_err(|error| {
        let part = match &error {
            names::NameError::Character(_, name, bad) => name.find(*bad).map(|at| at..at + bad.len_utf8()),
            _ => None,
        };
        Wrong { part, ..Wrong::new("bad-name", error.to_string()) }
    })
}

fn person(text: &str) -> Result<(), Wrong> {
    match Maintainer::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Wrong::new("bad-person", error.to_string()).hint("`Jane Doe <jane@example.org>`")),
    }
}

fn summary(text: &str) -> Result<(), Wrong> {
    match text.trim() == text {
        true => Ok(()),
        false => Err(Wrong::new("bad-summary", "the summary begins or ends with a blank")),
    }
}

fn word(text: &str) -> Result<(), Wrong> {
    match text.char_indices().find(|(_, c)| c.is_whitespace()) {
        Some((at, _)) => Err(Wrong::new("blank", "a blank cannot stand here").at(at..at + 1)),
        None if text.starts_with('-') => Err(Wrong::new("leading-hyphen", "it cannot begin with a hyphen").at(0..1)),
        None => Ok(()),
    }
}

/// `version`: no hyphen, for the revision is pkgr's to add.
fn version(text: &str) -> Result<(), Wrong> {
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

fn revision(text: &str) -> Result<(), Wrong> {
    let good = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+.~".contains(c));
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-revision", format!("`{text}` is no revision")).hint("a number such as `2`")),
    }
}

fn url(text: &str) -> Result<(), Wrong> {
    word(text)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    match host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && text.is_ascii() {
        true => Ok(()),
        false => Err(Wrong::new("bad-url", format!("`{text}` is no web address")).hint("`https://example.org/`")),
    }
}

/// Vcs-Git: a URL that git can clone, perhaps ` -b BRANCH` and ` [PATH]` (deb-src-control(5)).
fn vcs_git(text: &str) -> Result<(), Wrong> {
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
fn license(text: &str) -> Result<(), Wrong> {
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

fn relation(text: &str, field: Relation) -> Result<(), Wrong> {
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

fn architecture_hint(text: &str) -> Option<String> {
    match text {
        "x86_64" | "x64" => Some("Debian calls it `amd64`".into()),
        "aarch64" => Some("Debian calls it `arm64`".into()),
        "i686" | "i586" | "x86" => Some("Debian calls it `i386`".into()),
        "noarch" => Some("Debian calls it `all`".into()),
        _ => suggest::hint(text, ["amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x", "all", "any"]),
    }
}

fn hexadecimal(text: &str, digits: usize, hint: &str) -> Result<(), Wrong> {
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
fn component(text: &str) -> Result<(), Wrong> {
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

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn unit(text: &str) -> Result<(), Wrong> {
    let suffix = base_name(text).rsplit_once('.').map(|(_, suffix)| suffix);
    match suffix {
        Some(suffix) if UNIT_SUFFIXES.contains(&suffix) => Ok(()),
        _ => Err(Wrong::new("bad-unit", format!("`{}` does not end as a systemd unit does", base_name(text)))
            .hint("`.service`, `.timer`, `.socket`, `.path`, `.mount`, `.target` and the like")),
    }
}

fn manpage(text: &str) -> Result<(), Wrong> {
    let section = base_name(text).rsplit_once('.').map_or("", |(_, section)| section);
    match section.starts_with(|c: char| ('1'..='9').contains(&c) || c == '*' || c == '[' || c == '?') {
        true => Ok(()),
        false => Err(Wrong::new("bad-manpage", format!("`{}` is not of the form NAME.SECTION", base_name(text)))
            .hint("`hello.1`")),
    }
}

fn completion(text: &str) -> Result<(), Wrong> {
    let name = base_name(text);
    match name.ends_with(".bash") || name.ends_with(".fish") || name.starts_with('_') {
        true => Ok(()),
        false => Err(Wrong::new("bad-completion", format!("the shell cannot be told from `{name}`"))
            .hint("`NAME.bash`, `_NAME` for zsh, `NAME.fish`")),
    }
}

fn configuration(text: &str) -> Result<(), Wrong> {
    match base_name(text).ends_with(".conf") {
        true => Ok(()),
        false => {
            Err(Wrong::new("bad-file-name", format!("systemd reads only files that end in `.conf`, not `{text}`")))
        }
    }
}

fn choice(text: &str, known: &[&'static str], code: &'static str, message: &str) -> Result<(), Wrong> {
    if known.contains(&text) {
        return Ok(());
    }
    let wrong = Wrong::new(code, format!("`{text}` {message}"));
    Err(with_hint(wrong, suggest::hint(text, known.iter().copied())))
}

fn environment_name(text: &str) -> Result<(), Wrong> {
    let good =
        !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match good {
        true if text.starts_with("PKGR_") => Err(Wrong::new("bad-environment", "names in PKGR_ are pkgr's own")),
        true => Ok(()),
        false => Err(Wrong::new("bad-environment", format!("`{text}` is no name of an environment variable"))),
    }
}

fn test_name(text: &str) -> Result<(), Wrong> {
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

fn code(text: &str) -> Result<(), Wrong> {
    let good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-code", format!("`{text}` is no code of a finding")).hint("`pkgr explain CODE`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(check: Check, text: &str) -> &'static str {
        check.check(text).map_or_else(|w| w.code, |()| "good")
    }

    #[test]
    fn versions() {
        for good in ["1.0", "1:2.0~rc1", "2024.01+dfsg", "0"] {
            assert_eq!(wrong(Check::Version, good), "good", "{good}");
        }
        assert_eq!(wrong(Check::Version, "1.0.0-rc.1"), "version-prerelease");
        assert_eq!(wrong(Check::Version, "1.0-1"), "version-hyphen");
        assert_eq!(wrong(Check::Version, "v1.0"), "bad-version");
        let hint = Check::Version.check("1:1.0.0-rc.1").unwrap_err().hints.remove(0);
        assert_eq!(hint, "write `version = \"1:1.0.0~rc.1\"` and `upstream-version = \"1.0.0-rc.1\"`");
    }

    #[test]
    fn licences_are_spdx_expressions() {
        for good in ["MIT", "MIT OR Apache-2.0", "(GPL-2.0-only WITH Classpath-exception-2.0) AND MIT"] {
            assert_eq!(wrong(Check::License, good), "good", "{good}");
        }
        for bad in ["MIT, BSD", "MIT BSD", "(MIT", "MIT)", "AND", "MIT OR", "MIT/X11"] {
            assert_eq!(wrong(Check::License, bad), "bad-license", "{bad}");
        }
    }

    #[test]
    fn small_words() {
        assert_eq!(mode("0640").unwrap(), 0o640);
        for bad in ["", "64", "0o640", "rw-r--r--", "77777", "8888"] {
            assert!(mode(bad).is_err(), "{bad}");
        }
        assert_eq!(wrong(Check::VcsGit, "https://example.org/x.git -b debian [sub]"), "good");
        assert_eq!(wrong(Check::VcsGit, "https://example.org/x.git debian"), "bad-url");
        assert_eq!(wrong(Check::Unit, "units/x@.service"), "good");
        assert_eq!(wrong(Check::Unit, "x.conf"), "bad-unit");
        assert_eq!(wrong(Check::Component, "psol-x64"), "good");
        assert_eq!(wrong(Check::Component, "psol_x64"), "bad-component");
        assert_eq!(wrong(Check::Line, " "), "empty-string");
        assert_eq!(wrong(Check::Line, "a\nb"), "line-break");
        assert_eq!(wrong(Check::Prose, "a\nb\u{7}"), "control-character");
    }
}
