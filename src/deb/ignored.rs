//! Which files of a tree dpkg-source leaves out of the tarball (dpkg-source(1),
//! `-I`): a package made with them could not be rebuilt from its own sources.

use std::collections::BTreeSet;

/// dpkg-source's own list, for formats 3.0.
const DEFAULT: &[&str] = &[
    "*.a",
    "*.la",
    "*.o",
    "*.so",
    ".*.sw?",
    "*/*~",
    ",,*",
    ".[#~]*",
    ".arch-ids",
    ".arch-inventory",
    ".be",
    ".bzr",
    ".bzr.backup",
    ".bzr.tags",
    ".bzrignore",
    ".cvsignore",
    ".deps",
    ".git",
    ".gitattributes",
    ".gitignore",
    ".gitmodules",
    ".gitreview",
    ".hg",
    ".hgignore",
    ".hgsigs",
    ".hgtags",
    ".mailmap",
    ".mtn-ignore",
    ".shelf",
    ".svn",
    "CVS",
    "DEADJOE",
    "RCS",
    "_MTN",
    "_darcs",
    "{arch}",
];

/// Left out whatever the options say.
const ALWAYS: &[&str] = &[
    "debian/source/local-options",
    "debian/source/local-patch-header",
    "debian/files",
    "debian/files.new",
    "debian/patches/.dpkg-source-applied",
];

/// The patterns that hold for one package.
#[derive(Debug, Clone)]
pub struct Ignored {
    patterns: Vec<String>,
}

impl Ignored {
    /// The default list, or what `tar-ignore` says in debian/source/options: a
    /// pattern there replaces the default list.
    pub fn new(options: Option<&str>) -> Ignored {
        let given: Vec<String> = options.into_iter().flat_map(option_lines).filter_map(tar_ignore).collect();
        let mut patterns = given;
        if patterns.is_empty() {
            patterns.extend(DEFAULT.iter().map(|pattern| pattern.to_string()));
        }
        patterns.extend(ALWAYS.iter().map(|pattern| pattern.to_string()));
        Ignored { patterns }
    }

    /// The pattern by which a path (or a folder above it) is left out. The path
    /// is relative to the root of the tree, whose folder tar sees above it.
    pub fn pattern_for(&self, path: &str) -> Option<&str> {
        let path = format!("./{path}");
        let bytes = path.as_bytes();
        let slashes: Vec<usize> = path.match_indices('/').map(|(i, _)| i).collect();
        let starts: Vec<usize> = std::iter::once(0).chain(slashes.iter().map(|i| i + 1)).collect();
        let ends: BTreeSet<usize> = slashes.iter().copied().chain([bytes.len()]).collect();
        let matches = |pattern: &String| {
            starts.iter().any(|start| {
                ends.iter().any(|end| bytes.get(*start..*end).is_some_and(|part| matches(pattern.as_bytes(), part)))
            })
        };
        self.patterns.iter().find(|pattern| matches(pattern)).map(String::as_str)
    }

    /// Whether it is so whatever debian/source/options say.
    pub fn is_always(pattern: &str) -> bool {
        ALWAYS.contains(&pattern)
    }
}

/// Lines of debian/source/options: long options without their hyphens.
pub fn option_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// `name = "value"` in its two parts.
pub fn option(line: &str) -> (&str, Option<&str>) {
    match line.split_once('=') {
        None => (line, None),
        Some((name, value)) => {
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (name.trim_end(), Some(quoted.unwrap_or(value)))
        }
    }
}

fn tar_ignore(line: &str) -> Option<String> {
    match option(line) {
        ("tar-ignore", Some(pattern)) => Some(pattern.to_string()),
        _ => None,
    }
}

/// fnmatch(3) as tar calls it: `*` and `?` match slashes too.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|i| text.get(i..).is_some_and(|text| matches(rest, text))),
        Some((b'[', rest)) if class_end(rest).is_some() => {
            let end = class_end(rest).unwrap_or(rest.len());
            let (class, rest) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
            text.split_first().is_some_and(|(c, text)| in_class(class, *c) && matches(rest, text))
        }
        Some((wanted, rest)) => {
            text.split_first().is_some_and(|(c, text)| (*wanted == b'?' || wanted == c) && matches(rest, text))
        }
    }
}

fn class_end(rest: &[u8]) -> Option<usize> {
    let skip = usize::from(matches!(rest.first(), Some(b'!' | b'^'))) + 1;
    rest.iter().skip(skip).position(|c| *c == b']').map(|i| i + skip)
}

fn in_class(class: &[u8], c: u8) -> bool {
    let (negated, class) = match class.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut rest = class;
    let mut found = false;
    while let Some((low, after)) = rest.split_first() {
        rest = after;
        let mut high = *low;
        if let [b'-', end, after @ ..] = rest {
            (high, rest) = (*end, after);
        }
        found |= (*low..=high).contains(&c);
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_list() {
        let ignored = Ignored::new(None);
        for (path, pattern) in [
            ("debian/payload/lib/x.so", "*.so"),
            ("debian/x.a/readme", "*.a"),
            ("debian/.git/config", ".git"),
            ("debian/.gitignore", ".gitignore"),
            ("debian/rules~", "*/*~"),
            ("debian/.rules.swp", ".*.sw?"),
            ("debian/.#rules", ".[#~]*"),
            ("debian/files", "debian/files"),
            ("hello-1.0/debian/source/local-options", "debian/source/local-options"),
            ("debian/{arch}/x", "{arch}"),
        ] {
            assert_eq!(ignored.pattern_for(path), Some(pattern), "{path}");
        }
        for path in ["debian/payload/x.so.1", "debian/files.txt", "debian/git", "debian/source/options", "debian/a"] {
            assert_eq!(ignored.pattern_for(path), None, "{path}");
        }
    }

    #[test]
    fn options_replace_the_default_list() {
        let ignored = Ignored::new(Some("# why\n tar-ignore = \"*.[b-dx]\"\ntar-ignore=!y\ntar-ignore\n"));
        assert_eq!(ignored.pattern_for("debian/x.so"), None);
        assert_eq!(ignored.pattern_for("debian/x.c"), Some("*.[b-dx]"));
        assert_eq!(ignored.pattern_for("debian/x.e"), None);
        assert_eq!(ignored.pattern_for("debian/files"), Some("debian/files"));
        assert!(Ignored::new(Some("tar-ignore\n")).pattern_for("debian/x.so").is_some());
        assert!(matches(b"a[!b]", b"ac") && !matches(b"a[!b]", b"ab") && matches(b"a[", b"a["));
    }
}
