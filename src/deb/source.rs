//! What .dsc, .changes and .buildinfo are made from: debian/control,
//! debian/changelog and debian/tests/control, checked as a whole, and the rules
//! by which dpkg carries fields from one file into another (deb-src-control(5)).

use super::changelog::{self, Parsed};
use super::checksums::Checksums;
use super::control::{self, Paragraph};
use super::names;
use super::version::Version;

/// debian/control, as errors name it.
pub const CONTROL: &str = "debian/control";
/// debian/changelog.
pub const CHANGELOG: &str = "debian/changelog";
/// debian/tests/control.
pub const TESTS: &str = "debian/tests/control";

/// Why a source package cannot be described, or what is odd about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// One of [`CONTROL`], [`CHANGELOG`], [`TESTS`].
    pub file: &'static str,
    /// Counted from 1, where it is about a line.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl SourceError {
    pub(super) fn new(file: &'static str, line: Option<usize>, message: impl Into<String>) -> SourceError {
        SourceError { file, line, message: message.into() }
    }

    pub(super) fn about(file: &'static str, paragraph: &Paragraph, field: &str, message: impl Into<String>) -> Self {
        SourceError::new(file, paragraph.line_of(field).or(paragraph.first_line()), message)
    }
}

/// A file of the package, as the lists name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Without folder.
    pub name: String,
    /// Of its bytes.
    pub checksums: Checksums,
}

/// The three texts, parsed; the source name and the version are valid and the
/// same everywhere.
#[derive(Debug, Clone)]
pub struct Source {
    /// The first paragraph of debian/control.
    pub control: Paragraph,
    /// The others, at least one.
    pub packages: Vec<Paragraph>,
    /// The newest entry of debian/changelog.
    pub top: Parsed,
    /// The entry before it.
    pub previous: Option<Parsed>,
    /// Paragraphs of debian/tests/control, if it is there.
    pub tests: Option<Vec<Paragraph>>,
}

impl Source {
    /// Parses and checks the texts.
    pub fn read(control: &[u8], changelog: &[u8], tests: Option<&[u8]>) -> Result<Source, SourceError> {
        let at = |file| move |e: control::ParseError| SourceError::new(file, Some(e.line), e.message);
        let mut paragraphs = control::parse_bytes(control).map_err(at(CONTROL))?.into_iter();
        let Some(source) = paragraphs.next() else {
            return Err(SourceError::new(CONTROL, None, "the file is empty"));
        };
        let packages: Vec<Paragraph> = paragraphs.collect();
        let mut entries = control::utf8(changelog).and_then(changelog::parse).map_err(at(CHANGELOG))?.into_iter();
        let Some(top) = entries.next() else {
            return Err(SourceError::new(CHANGELOG, None, "the file is empty"));
        };
        let tests = tests.map(control::parse_bytes).transpose().map_err(at(TESTS))?;
        let source = Source { control: source, packages, top, previous: entries.next(), tests };
        source.check()?;
        Ok(source)
    }

    fn check(&self) -> Result<(), SourceError> {
        let in_control = |field: &str, message: String| SourceError::about(CONTROL, &self.control, field, message);
        let name = self.control.get("Source").unwrap_or_default();
        names::check_source(name).map_err(|e| in_control("Source", e.to_string()))?;
        if self.name() != name {
            let message = format!("the changelog is for `{}`, debian/control for `{name}`", self.name());
            return Err(SourceError::new(CHANGELOG, Some(self.top.line), message));
        }
        if self.control.get_filled("Maintainer").is_none() {
            return Err(in_control("Maintainer", "the source has no `Maintainer`".to_string()));
        }
        if self.packages.is_empty() {
            return Err(SourceError::new(CONTROL, None, "no binary package is described"));
        }
        for (i, package) in self.packages.iter().enumerate() {
            let about = |field: &str, message: String| SourceError::about(CONTROL, package, field, message);
            let name = package.get("Package").unwrap_or_default();
            names::check_package(name).map_err(|e| about("Package", e.to_string()))?;
            if package.get_filled("Architecture").is_none() {
                return Err(about("Package", format!("package `{name}` has no `Architecture`")));
            }
            if self.packages.iter().take(i).any(|other| other.get("Package") == Some(name)) {
                return Err(about("Package", format!("package `{name}` is described twice")));
            }
        }
        for test in self.tests.iter().flatten() {
            if test.get("Tests").is_none() && test.get("Test-Command").is_none() {
                let message = "a test needs `Tests` or `Test-Command`";
                return Err(SourceError::new(TESTS, test.first_line(), message));
            }
        }
        Ok(())
    }

    /// The source package's name.
    pub fn name(&self) -> &str {
        &self.top.entry.source
    }

    /// The full version.
    pub fn version(&self) -> &str {
        &self.top.entry.version
    }

    /// The version as file names carry it.
    pub fn version_without_epoch(&self) -> &str {
        self.version().split_once(':').map_or(self.version(), |(_, rest)| rest)
    }

    /// Whether the upstream files are new: there is no entry before the newest, or
    /// it is for another upstream version or another source package. Epochs do
    /// not count, for file names do not carry them.
    pub fn is_new_upstream(&self) -> bool {
        let upstream = |version: &str| Version::parse(version).map(|version| version.upstream).ok();
        match &self.previous {
            None => true,
            Some(before) => {
                before.entry.source != self.name() || upstream(&before.entry.version) != upstream(self.version())
            }
        }
    }

    /// What is odd but no error: fields that dpkg drops, missing ones that
    /// archives expect.
    pub fn warnings(&self) -> Vec<SourceError> {
        let mut warnings = Vec::new();
        for field in ["Section", "Priority", "Standards-Version"] {
            if self.control.get_filled(field).is_none() {
                let message = format!("the source has no `{field}`");
                warnings.push(SourceError::new(CONTROL, self.control.first_line(), message));
            }
        }
        let known = std::iter::once((&self.control, SOURCE_FIELDS))
            .chain(self.packages.iter().map(|package| (package, PACKAGE_FIELDS)));
        for (paragraph, fields) in known {
            for (name, _) in paragraph.iter() {
                let is_known = fields.iter().any(|field| field.eq_ignore_ascii_case(name));
                if !is_known && split_user_defined(name).is_none() {
                    let message = format!("field `{name}` is unknown: it appears nowhere in the packages");
                    warnings.push(SourceError::about(CONTROL, paragraph, name, message));
                }
            }
        }
        warnings
    }
}

const SOURCE_FIELDS: &[&str] = &[
    "Source",
    "Section",
    "Priority",
    "Maintainer",
    "Uploaders",
    "Origin",
    "Bugs",
    "Vcs-Browser",
    "Vcs-Arch",
    "Vcs-Bzr",
    "Vcs-Cvs",
    "Vcs-Darcs",
    "Vcs-Git",
    "Vcs-Hg",
    "Vcs-Mtn",
    "Vcs-Svn",
    "Homepage",
    "Standards-Version",
    "Rules-Requires-Root",
    "Build-Driver",
    "Build-Depends",
    "Build-Depends-Arch",
    "Build-Depends-Indep",
    "Build-Conflicts",
    "Build-Conflicts-Arch",
    "Build-Conflicts-Indep",
    "Testsuite",
    "Testsuite-Triggers",
    "Description",
];

const PACKAGE_FIELDS: &[&str] = &[
    "Package",
    "Package-Type",
    "Section",
    "Priority",
    "Architecture",
    "Subarchitecture",
    "Multi-Arch",
    "Essential",
    "Protected",
    "Build-Essential",
    "Build-Profiles",
    "Built-For-Profiles",
    "Kernel-Version",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Enhances",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Provides",
    "Built-Using",
    "Static-Built-Using",
    "Homepage",
    "Installer-Menu-Item",
    "Task",
    "Tag",
    "Description",
];

/// Where a user-defined field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    Dsc,
    Changes,
}

/// User-defined fields (`XS-`, `XC-`, `XSBC-`) of a paragraph that go to a
/// destination: name without the prefix, in dpkg's capitals, and value.
pub(super) fn user_defined(paragraph: &Paragraph, to: Destination) -> Vec<(String, String)> {
    let letter = match to {
        Destination::Dsc => 'S',
        Destination::Changes => 'C',
    };
    let fields = paragraph.iter().filter_map(|(name, value)| {
        let (letters, name) = split_user_defined(name)?;
        let goes = letters.to_ascii_uppercase().contains(letter) && !value.trim().is_empty();
        goes.then(|| (capitalize(name), value.to_string()))
    });
    fields.collect()
}

fn split_user_defined(name: &str) -> Option<(&str, &str)> {
    let (letters, rest) = name.strip_prefix(['X', 'x'])?.split_once('-')?;
    let plain = letters.chars().all(|c| "SBCsbc".contains(c));
    (plain && !rest.is_empty()).then_some((letters, rest))
}

fn capitalize(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut word = word.to_ascii_lowercase();
        if let Some(first) = word.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        word
    });
    words.collect::<Vec<_>>().join("-")
}

/// Adds user-defined fields: over one of the same name that is there, the others
/// at the end by name.
pub(super) fn add_user_defined(paragraph: &mut Paragraph, mut fields: Vec<(String, String)>) {
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, value) in fields {
        paragraph.set(&name, value);
    }
}

/// The value of a list field: one line per file.
pub(super) fn list(files: &[ListedFile], line: impl Fn(&ListedFile) -> String) -> String {
    let mut value = String::new();
    for file in files {
        value.push_str("\n ");
        value.push_str(&line(file));
    }
    value
}

/// Adds Checksums-Sha1 and Checksums-Sha256.
pub(super) fn push_checksums(paragraph: &mut Paragraph, files: &[ListedFile]) {
    let line = |digest: &str, file: &ListedFile| format!("{digest} {} {}", file.checksums.size, file.name);
    paragraph.push("Checksums-Sha1", list(files, |file| line(&file.checksums.sha1, file)));
    paragraph.push("Checksums-Sha256", list(files, |file| line(&file.checksums.sha256, file)));
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::deb) const CONTROL_TEXT: &str = "Source: hello\nSection: devel\nPriority: optional\nMaintainer: A B <a@b.org>\nStandards-Version: 4.6.2\n\nPackage: hello\nArchitecture: any\nDescription: x\n";
    pub(in crate::deb) const CHANGELOG_TEXT: &str = "hello (1:2.12-2) noble; urgency=medium\n\n  * New. (LP: #7, Closes: #9)\n\n -- A B <a@b.org>  Tue, 05 Mar 2024 10:00:00 +0100\n\nhello (2.12-1) noble; urgency=low\n\n  * Old.\n\n -- A B <a@b.org>  Mon, 04 Mar 2024 10:00:00 +0100\n";

    pub(in crate::deb) fn source(control: &str, tests: Option<&str>) -> Result<Source, SourceError> {
        Source::read(control.as_bytes(), CHANGELOG_TEXT.as_bytes(), tests.map(str::as_bytes))
    }

    #[test]
    fn contradictions_are_refused_with_their_line() {
        for (from, to, file, line) in [
            ("Source: hello", "Source: other", CHANGELOG, Some(1)),
            ("Source: hello", "Source: Hello", CONTROL, Some(1)),
            ("Source: hello\n", "", CONTROL, Some(1)),
            ("Maintainer: A B <a@b.org>\n", "", CONTROL, Some(1)),
            ("Architecture: any\n", "", CONTROL, Some(7)),
            ("Package: hello", "Package: He", CONTROL, Some(7)),
            ("Architecture", "Package", CONTROL, Some(8)),
            ("\nPackage: hello\nArchitecture: any\nDescription: x\n", "", CONTROL, None),
            ("Description: x\n", "Description: x\n\nPackage: hello\nArchitecture: all\n", CONTROL, Some(11)),
        ] {
            let error = source(&CONTROL_TEXT.replacen(from, to, 1), None).unwrap_err();
            assert_eq!((error.file, error.line), (file, line), "{error}");
        }
        assert_eq!(source(CONTROL_TEXT, Some("Depends: @\n")).unwrap_err().file, TESTS);
    }

    #[test]
    fn an_epoch_makes_no_new_upstream() {
        let mut source = source(CONTROL_TEXT, None).unwrap();
        assert!(!source.is_new_upstream());
        assert_eq!(source.version_without_epoch(), "2.12-2");
        source.previous.as_mut().unwrap().entry.version = "2.11-1".to_string();
        assert!(source.is_new_upstream());
        source.previous = None;
        assert!(source.is_new_upstream());
    }

    #[test]
    fn unknown_fields_are_told() {
        let text = CONTROL_TEXT.replace("Section: devel", "XS-Foo: x\nBuild-Depend: y");
        let warnings = source(&text, None).unwrap().warnings();
        let told: Vec<_> = warnings.iter().map(|w| (w.line, w.message.as_str())).collect();
        assert_eq!(told[0], (Some(1), "the source has no `Section`"));
        assert_eq!(told[1].0, Some(3));
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn capitals() {
        assert_eq!(capitalize("original-MAINTAINER"), "Original-Maintainer");
        assert_eq!(split_user_defined("XSBC-Original-Maintainer"), Some(("SBC", "Original-Maintainer")));
        assert_eq!(split_user_defined("X-Foo"), Some(("", "Foo")));
        assert_eq!(split_user_defined("XY-Foo"), None);
    }
}
