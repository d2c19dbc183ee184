//! Launchpad's patterns for names, versions, addresses and numbers: its regular
//! expressions, which are not always the rules that their authors meant. `.match`
//! in Python holds at the start of a text and leaves its end open.

use std::sync::LazyLock;

use regex::Regex;

type Pattern = LazyLock<Option<Regex>>;

static SOURCE_FILE: Pattern = LazyLock::new(|| {
    let extension = r"orig(?:-.+)?\.tar\.(?:gz|bz2|xz)(?:\.asc)?|diff.gz|(?:debian\.)?tar\.(?:gz|bz2|xz)|dsc";
    Regex::new(&format!(r"^([^_]+)_(.+?)\.({extension})")).ok()
});
static BINARY_FILE: Pattern = LazyLock::new(|| Regex::new(r"^(.+?)_(.+?)_(.+)\.(u?d?deb)$").ok());
static BUILDINFO: Pattern = LazyLock::new(|| Regex::new(r"^(.+?)_(.+?)_(.+)\.buildinfo$").ok());
static CHANGES: Pattern = LazyLock::new(|| Regex::new(r"^([^_]+)_([^_]+)_([^\.]+).changes").ok());
static MAINTAINER: Pattern = LazyLock::new(|| Regex::new(r"^\s*(\S.*\S)\s*<([^>]+)>").ok());
static VERSION: Pattern = LazyLock::new(|| Regex::new(r"^([0-9]+:)?[0-9A-Za-z\.\-\+~:]+$").ok());
static ADDRESS: Pattern = LazyLock::new(|| Regex::new(r"^[_\.0-9a-zA-Z\-+=]+@(([0-9a-zA-Z-]+\.)*)[a-zA-Z]{2,}$").ok());

fn captures<'t, const N: usize>(pattern: &Pattern, text: &'t str) -> Option<[&'t str; N]> {
    let found = pattern.as_ref()?.captures(text)?;
    let mut groups = [""; N];
    for (i, group) in groups.iter_mut().enumerate() {
        *group = found.get(i + 1).map_or("", |group| group.as_str());
    }
    Some(groups)
}

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// What a file of a source package is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum SourceKind {
    Dsc,
    Diff,
    Orig,
    OrigSignature,
    /// With the name of the component.
    ComponentOrig(String),
    ComponentOrigSignature(String),
    Debian,
    Native,
}

impl SourceKind {
    /// Whether it counts as upstream's: its name holds no revision, and the
    /// primary archive is asked for it too.
    pub fn is_orig(&self) -> bool {
        use SourceKind::{ComponentOrig, ComponentOrigSignature, Orig, OrigSignature};
        matches!(self, Orig | OrigSignature | ComponentOrig(_) | ComponentOrigSignature(_))
    }
}

/// A file name of a source package in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Before the first underscore.
    pub package: String,
    /// Between that and the extension.
    pub version: String,
    /// `None`: an extension that looks right and is none.
    pub kind: Option<SourceKind>,
}

/// A file name of a binary package in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct BinaryFile {
    pub package: String,
    pub version: String,
    pub architecture: String,
    /// Whether it is a .ddeb.
    pub is_debug: bool,
}

/// What a file listed in a .changes is, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileClass {
    /// A part of the source package.
    Source(SourceFile),
    /// A .deb, .udeb or .ddeb.
    Binary(BinaryFile),
    /// Version and architecture of a .buildinfo.
    Buildinfo(String, String),
}

/// Tells by the name what a file is; `None` for everything else.
pub fn file_class(name: &str) -> Option<FileClass> {
    if let Some(source) = source_file(name) {
        return Some(FileClass::Source(source));
    }
    if let Some([package, version, architecture, extension]) = captures(&BINARY_FILE, name) {
        let [package, version, architecture] = [package, version, architecture].map(str::to_string);
        return Some(FileClass::Binary(BinaryFile { package, version, architecture, is_debug: extension == "ddeb" }));
    }
    let [_, version, architecture] = captures(&BUILDINFO, name)?;
    Some(FileClass::Buildinfo(version.to_string(), architecture.to_string()))
}

/// The parts of a source file's name.
pub fn source_file(name: &str) -> Option<SourceFile> {
    let [package, version, extension] = captures(&SOURCE_FILE, name)?;
    Some(SourceFile { package: package.to_string(), version: version.to_string(), kind: source_kind(extension) })
}

fn source_kind(extension: &str) -> Option<SourceKind> {
    let compressed = |text: &str| ["gz", "bz2", "xz"].contains(&text);
    match extension {
        "dsc" => return Some(SourceKind::Dsc),
        "diff.gz" => return Some(SourceKind::Diff),
        _ => {}
    }
    let (plain, signed) = match extension.strip_suffix(".asc") {
        Some(plain) => (plain, true),
        None => (extension, false),
    };
    let (front, compression) = plain.rsplit_once('.')?;
    let front = front.strip_suffix("tar").filter(|_| compressed(compression))?;
    match (front.strip_suffix('.').unwrap_or(front), signed) {
        ("", false) => Some(SourceKind::Native),
        ("debian", false) => Some(SourceKind::Debian),
        ("orig", false) => Some(SourceKind::Orig),
        ("orig", true) => Some(SourceKind::OrigSignature),
        (other, signed) => {
            let component = other.strip_prefix("orig-")?.to_string();
            Some(match signed {
                false => SourceKind::ComponentOrig(component),
                true => SourceKind::ComponentOrigSignature(component),
            })
        }
    }
}

/// Whether a .changes may be called so: `<pkg>_<version>_<arch>.changes`.
pub fn is_changes_name(name: &str) -> bool {
    matches(&CHANGES, name)
}

/// Whether a file name has harmless characters only.
pub fn is_taint_free(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-+~/._".contains(c))
}

/// Whether the .dsc's `Source` may be so.
pub fn is_source_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphabetic() || c.is_numeric();
    let mut characters = name.chars();
    characters.next().is_some_and(plain)
        && !characters.as_str().is_empty()
        && characters.all(|c| plain(c) || "+-.".contains(c))
}

/// Whether the database stores a source package of this name.
pub fn is_stored_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(plain) && name.chars().all(|c| plain(c) || "+.-".contains(c))
}

/// Whether the .dsc's `Version` may be so.
pub fn is_version(version: &str) -> bool {
    matches(&VERSION, version)
}

/// A version without its epoch.
pub fn without_epoch(version: &str) -> &str {
    match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.chars().all(char::is_numeric) => rest,
        _ => version,
    }
}

/// A version without what follows its last hyphen.
pub fn without_revision(version: &str) -> &str {
    match version.rsplit_once('-') {
        Some((upstream, revision)) if !revision.is_empty() => upstream,
        _ => version,
    }
}

/// Why an address is refused, in Launchpad's words, which call every field so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum AddressError {
    #[error("{0}: doesn't parse as a valid Maintainer field.")]
    Form(String),
    #[error("{0}: no @ found in email address part.")]
    NoAt(String),
    #[error("Unable to identify '{0}':<{1}> in launchpad")]
    Invalid(String, String),
}

/// Judges a person: `Name <a@b>`, `<a@b>` or a bare address.
pub fn check_person(text: &str) -> Result<(), AddressError> {
    let text = text.trim();
    let (name, email) = if !text.contains('<') {
        ("", text)
    } else if let Some(email) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        ("", email)
    } else {
        let [name, email] = captures(&MAINTAINER, text).ok_or_else(|| AddressError::Form(text.to_string()))?;
        (name, email.trim_start_matches('<'))
    };
    if !text.is_empty() && !email.contains('@') && !email.starts_with("buildd_") {
        return Err(AddressError::NoAt(text.to_string()));
    }
    match is_address(email) {
        true => Ok(()),
        false => Err(AddressError::Invalid(name.to_string(), email.to_string())),
    }
}

fn is_address(email: &str) -> bool {
    let Some([host]) = captures(&ADDRESS, email) else { return false };
    !host.split('.').any(|part| part.starts_with('-') || part.ends_with('-'))
}

/// A size as Python's `int` reads it.
pub fn integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let grouped = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    if grouped { plain.parse().ok() } else { None }
}

/// A number as C's `%g` writes it, for the few that a Format field may hold.
pub fn general(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string().to_lowercase();
    }
    let exponent = if number == 0.0 { 0.0 } else { number.abs().log10().floor() };
    if !(-5.0..6.0).contains(&exponent) {
        let text = format!("{number:.5e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        let value: i32 = exponent.parse().unwrap_or(0);
        let sign = if value < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", value.abs());
    }
    // -5 to 5, so this is 0 to 10 places
    let places = (5.0 - exponent) as usize;
    let text = format!("{number:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// A text as Python's `repr` quotes it.
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            c if c == quote => shown.extend(['\\', c]),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile() {
        let patterns = [&SOURCE_FILE, &BINARY_FILE, &BUILDINFO, &CHANGES, &MAINTAINER, &VERSION, &ADDRESS];
        assert!(patterns.iter().all(|pattern| pattern.is_some()));
    }

    #[test]
    fn files_are_known_by_their_names() {
        let kind = |name: &str| source_file(name).and_then(|file| file.kind);
        assert_eq!(kind("hello_1.0.orig.tar.gz"), Some(SourceKind::Orig));
        assert_eq!(kind("hello_1.0.orig.tar.xz.asc"), Some(SourceKind::OrigSignature));
        assert_eq!(kind("hello_1.0.orig-a.b.tar.bz2"), Some(SourceKind::ComponentOrig("a.b".into())));
        assert_eq!(kind("hello_1.0.orig-a.tar.gz.asc"), Some(SourceKind::ComponentOrigSignature("a".into())));
        assert_eq!(kind("hello_1.0-1.debian.tar.xz"), Some(SourceKind::Debian));
        assert_eq!(kind("hello_1.0-1.diff.gz"), Some(SourceKind::Diff));
        assert_eq!(kind("hello_1.0.tar.gz"), Some(SourceKind::Native));
        assert_eq!(kind("hello_1.0-1.dsc"), Some(SourceKind::Dsc));
        for name in ["README", "hello_1.0.orig.tar.zst", "hello_1.0.orig.tar.lzma", "hello-1.0.tar.gz"] {
            assert_eq!(file_class(name), None, "{name}");
        }
        assert_eq!(source_file("hello_9.tar.gz").unwrap().version, "9");
        assert!(matches!(file_class("a_1_all.deb"), Some(FileClass::Binary(file)) if file.architecture == "all"));
        assert_eq!(file_class("a_1_source.buildinfo"), Some(FileClass::Buildinfo("1".into(), "source".into())));
        assert!(is_changes_name("a_1_source.changes") && !is_changes_name("a_1.changes"));
    }

    #[test]
    fn people() {
        for good in ["Jo <a@b.de>", "<a@b.de>", "a@b.de", "Doe, Jane <a@b.de>", "Łukasz <a@b.de>", "Jo <a@b.de> x"] {
            assert_eq!(check_person(good), Ok(()), "{good}");
        }
        assert!(matches!(check_person("X <x@e.de>"), Err(AddressError::Form(_))));
        assert!(matches!(check_person("Jo <nowhere>"), Err(AddressError::NoAt(_))));
        assert_eq!(check_person("").unwrap_err().to_string(), "Unable to identify '':<> in launchpad");
        assert!(matches!(check_person("Jo <a b@c.de>"), Err(AddressError::Invalid(..))));
    }

    #[test]
    fn versions() {
        assert!(is_version("1:1.0-1~a+b") && !is_version("1_0") && !is_version(""));
        assert_eq!((without_epoch("2:1:0"), without_revision("1-2-3")), ("1:0", "1-2"));
    }

    #[test]
    fn numbers_as_python_writes_them() {
        assert_eq!([3.0, 1.4, 0.5, 1e10].map(general), ["3", "1.4", "0.5", "1e+10"]);
        assert_eq!((integer("1_0"), integer("x"), integer("-3")), (Some(10), None, Some(-3)));
        assert_eq!((quoted("unknown"), quoted("it's")), ("'unknown'".into(), "\"it's\"".into()));
    }
}
