//! Checks of single strings: names, versions, relations, paths, digests. Said
//! of the value alone; whether a file is there is for the evaluation to find.

mod follow;
mod words;

use std::ops::Range;

use crate::deb::names;
use crate::series::catalog;

pub use words::mode;
use words::*;

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
    /// A flavor of nginx.
    Flavor,
    /// File name of a module of nginx.
    Module,
    /// Name of a `[follow.NAME]`, a variable of templates.
    FollowName,
    /// A pocket of an archive.
    Pocket,
    /// `OWNER/NAME`.
    Repository,
    /// `GROUP/NAME`, or a URL.
    Forge,
    /// A project of PyPI.
    Project,
    /// A regular expression with a group `version`.
    VersionPattern,
    /// Where uploads go.
    UploadTarget,
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
                | Check::Flavor
                | Check::Module
                | Check::FollowName
                | Check::Pocket
                | Check::Repository
                | Check::Forge
                | Check::Project
                | Check::VersionPattern
                | Check::UploadTarget
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
            Check::RecipePath | Check::Pattern => self.check_path(text),
            Check::StagedPattern => paths::staged(text),
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
            Check::Flavor => follow::flavor(text),
            Check::Module => follow::module(text),
            Check::FollowName => follow::name(text),
            Check::Pocket => choice(text, keys::POCKETS, "bad-pocket", "is no pocket of an archive"),
            Check::Repository => follow::repository(text),
            Check::Forge => follow::forge(text),
            Check::Project => follow::project(text),
            Check::VersionPattern => follow::version_pattern(text),
            Check::UploadTarget => follow::upload_target(text),
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
