//! What a .changes says of the upload that it describes (deb-changes(5)), as far
//! as sending it needs: whose it is, where to, and which files with which digests.
//!
//! Reads any bytes; what an archive thinks of them is `check`'s matter.

use crate::deb::checksums::Checksums;
use crate::deb::control::{self, Paragraph, ParseError, strip_signature};

/// The fields of a .changes that decide about its upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `Source`, without a version in parentheses.
    pub source: String,
    /// `Version`.
    pub version: String,
    /// `Distribution`.
    pub distribution: String,
    /// `Architecture`, word by word.
    pub architectures: Vec<String>,
    /// What `Files` lists, in its order.
    pub files: Vec<ListedFile>,
}

/// A file and what all lists say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Without folder; never a path.
    pub name: String,
    /// In bytes.
    pub size: u64,
    md5: String,
    sha1: Option<String>,
    sha256: Option<String>,
}

/// Why a text is no .changes to upload by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages tell it
pub enum ManifestError {
    #[error("{0}")]
    Syntax(ParseError),
    #[error("it has {0} paragraphs instead of one")]
    Paragraphs(usize),
    #[error("it has no field `{0}`")]
    Missing(&'static str),
    #[error("line {line} of `{field}` is not of the form `{form}`")]
    Line { field: &'static str, line: usize, form: &'static str },
    #[error("it lists `{0}`, which is not the name of a file beside it")]
    Name(String),
    #[error("`{0}` is listed twice")]
    Twice(String),
    #[error("`{field}` and `Files` do not list the same files and sizes")]
    Lists { field: &'static str },
}

impl Manifest {
    /// Parses a .changes, signed or not.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let text = strip_signature(bytes).map_err(ManifestError::Syntax)?;
        let paragraphs = control::parse_bytes(&text).map_err(ManifestError::Syntax)?;
        let [paragraph] = paragraphs.as_slice() else {
            return Err(ManifestError::Paragraphs(paragraphs.len()));
        };
        let need = |name| paragraph.get_filled(name).map(str::trim).ok_or(ManifestError::Missing(name));
        let source = need("Source")?.split_whitespace().next().unwrap_or_default().to_string();
        Ok(Manifest {
            source,
            version: need("Version")?.to_string(),
            distribution: need("Distribution")?.to_string(),
            architectures: need("Architecture")?.split_whitespace().map(str::to_string).collect(),
            files: files(paragraph)?,
        })
    }
}

fn files(paragraph: &Paragraph) -> Result<Vec<ListedFile>, ManifestError> {
    let mut files: Vec<ListedFile> = Vec::new();
    for (line, words) in lines(paragraph, "Files") {
        let form = "MD5 SIZE SECTION PRIORITY NAME";
        let [md5, size, _, _, name] = words.as_slice() else {
            return Err(ManifestError::Line { field: "Files", line, form });
        };
        let size = size.parse().map_err(|_| ManifestError::Line { field: "Files", line, form })?;
        if name.contains('/') || name.starts_with('.') {
            return Err(ManifestError::Name(name.to_string()));
        }
        if files.iter().any(|file| file.name == *name) {
            return Err(ManifestError::Twice(name.to_string()));
        }
        files.push(ListedFile { name: name.to_string(), size, md5: md5.to_string(), sha1: None, sha256: None });
    }
    if files.is_empty() {
        return Err(ManifestError::Missing("Files"));
    }
    add(paragraph, "Checksums-Sha1", &mut files, |file| &mut file.sha1)?;
    add(paragraph, "Checksums-Sha256", &mut files, |file| &mut file.sha256)?;
    Ok(files)
}

/// Adds the digests of one list, which must name the same files.
fn add(
    paragraph: &Paragraph,
    field: &'static str,
    files: &mut [ListedFile],
    place: impl Fn(&mut ListedFile) -> &mut Option<String>,
) -> Result<(), ManifestError> {
    if paragraph.get(field).is_none() {
        return Ok(());
    }
    for (line, words) in lines(paragraph, field) {
        let [digest, size, name] = words.as_slice() else {
            return Err(ManifestError::Line { field, line, form: "DIGEST SIZE NAME" });
        };
        let listed = files.iter_mut().find(|file| file.name == *name && file.size.to_string() == *size);
        let listed = listed.ok_or(ManifestError::Lists { field })?;
        *place(listed) = Some(digest.to_string());
    }
    match files.iter_mut().any(|file| place(file).is_none()) {
        true => Err(ManifestError::Lists { field }),
        false => Ok(()),
    }
}

fn lines<'p>(paragraph: &'p Paragraph, field: &str) -> impl Iterator<Item = (usize, Vec<&'p str>)> {
    let lines = paragraph.get(field).unwrap_or_default().lines().enumerate();
    lines
        .map(|(number, line)| (number, line.split_whitespace().collect()))
        .filter(|(_, words): &(_, Vec<_>)| !words.is_empty())
}

impl ListedFile {
    /// What is listed otherwise than the bytes are; nothing if all is true.
    pub fn differences(&self, sums: &Checksums) -> Vec<String> {
        let mut told = Vec::new();
        if self.size != sums.size {
            told.push(format!("size: listed {}, is {}", self.size, sums.size));
        }
        let lists = [
            ("MD5", Some(&self.md5), &sums.md5),
            ("SHA-1", self.sha1.as_ref(), &sums.sha1),
            ("SHA-256", self.sha256.as_ref(), &sums.sha256),
        ];
        for (name, listed, is) in lists {
            if let Some(listed) = listed.filter(|listed| *listed != is) {
                told.push(format!("{name}: listed {listed}, is {is}"));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "Format: 1.8\nSource: a1 (1)\nVersion: 1:1-1\nArchitecture: source\nDistribution: noble\n\
        Checksums-Sha256:\n aa 3 a1_1-1.dsc\nFiles:\n bb 3 misc optional a1_1-1.dsc\n";

    #[test]
    fn fields_and_lists() {
        let manifest = Manifest::parse(GOOD.as_bytes()).unwrap();
        assert_eq!((manifest.source.as_str(), manifest.version.as_str()), ("a1", "1:1-1"));
        let mut sums = Checksums::of(b"abc");
        assert_eq!(manifest.files[0].differences(&sums).len(), 2);
        (sums.md5, sums.sha256) = ("bb".into(), "aa".into());
        assert!(manifest.files[0].differences(&sums).is_empty());
    }

    #[test]
    fn refusals() {
        let why = |from: &str, to: &str| Manifest::parse(GOOD.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert_eq!(why("Version: 1:1-1\n", ""), "it has no field `Version`");
        assert_eq!(why("optional ", ""), "line 1 of `Files` is not of the form `MD5 SIZE SECTION PRIORITY NAME`");
        assert_eq!(why("a1_1-1.dsc", "../x"), "it lists `../x`, which is not the name of a file beside it");
        assert_eq!(why(" aa 3", " aa 4"), "`Checksums-Sha256` and `Files` do not list the same files and sizes");
        assert_eq!(
            why(" aa 3 a1_1-1.dsc\n", ""),
            "`Checksums-Sha256` and `Files` do not list the same files and sizes"
        );
        assert_eq!(why("Format", "A: 1\n\nFormat"), "it has 2 paragraphs instead of one");
        assert_eq!(why(" bb 3", " bb 3 misc optional a1_1-1.dsc\n bb 3"), "`a1_1-1.dsc` is listed twice");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::parse(&bytes);
        }
    }
}
