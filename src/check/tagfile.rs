//! Control files as Launchpad reads them: python-debian's lenient reader, not
//! dpkg's. A line that is neither field nor continuation is skipped, the last of
//! two equal fields counts, and names are looked up with their case.
//!
//! `deb::control` is strict where this has to be lenient: what Launchpad takes
//! must not be refused here.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// One stanza.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stanza {
    /// By the name in lower case: the name as written, and the value.
    fields: BTreeMap<String, (String, String)>,
}

impl Stanza {
    /// The value without the blanks around it; continuation lines follow a line
    /// feed each, with their indent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (written, value) = self.fields.get(&name.to_ascii_lowercase())?;
        (written == name).then_some(value.trim())
    }

    /// A repeated field keeps the name that came first and takes the last value.
    fn set(&mut self, (name, value): (String, String)) {
        self.fields.entry(name.to_ascii_lowercase()).or_insert_with(|| (name, String::new())).1 = value;
    }
}

/// Reads the stanzas up to the first one without a field. Lines that are not
/// UTF-8 are taken for Latin-1, as old packages wrote.
pub fn parse(bytes: &[u8]) -> Vec<Stanza> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.split_inclusive(|b| *b == b'\n').map(decoded).collect::<String>()),
    };
    let lines = text.split('\n').filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = lines.map(|line| line.trim_matches('\r')).collect();
    let paragraphs = lines.split(|line| line.trim().is_empty()).filter(|lines| !lines.is_empty());
    paragraphs.map(stanza).take_while(|stanza| !stanza.fields.is_empty()).collect()
}

fn decoded(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(line) => Cow::Borrowed(line),
        Err(_) => line.iter().copied().map(char::from).collect(),
    }
}

fn stanza(lines: &[&str]) -> Stanza {
    let mut stanza = Stanza::default();
    let mut open: Option<(String, String)> = None;
    for line in lines {
        if let Some((name, value)) = field(line) {
            if let Some(before) = open.replace((name.to_string(), value.to_string())) {
                stanza.set(before);
            }
        } else if line.starts_with(char::is_whitespace) {
            if let Some((_, value)) = &mut open {
                value.push('\n');
                value.push_str(line);
            }
        }
    }
    if let Some(last) = open {
        stanza.set(last);
    }
    stanza
}

/// `Name: value`; blanks may stand before the colon.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let plain = !name.is_empty() && !name.contains([' ', '\t', '\r', '\x0b', '\x0c']);
    plain.then(|| (name, value.trim()))
}

/// One line of `Files`, with what the `Checksums-*` fields say of that file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedFile {
    /// As written; may hold slashes and worse.
    pub name: String,
    /// As written, for it may be no number.
    pub size: String,
    /// `section` or `component/section`; in a .changes only.
    pub section: String,
    digests: BTreeMap<&'static str, String>,
}

impl ListedFile {
    /// Algorithm (`MD5`, `SHA1`, `SHA256`) and digest, in this order, as far as
    /// they are listed; compared letter by letter, so upper case never fits.
    pub fn digests(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.digests.iter().map(|(algorithm, digest)| (*algorithm, digest.as_str()))
    }

    /// One of them.
    pub fn digest(&self, algorithm: &str) -> Option<String> {
        self.digests.get(algorithm).cloned()
    }
}

/// Why the lists of files cannot be read, in Launchpad's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ListError {
    #[error("Wrong number of fields in {0} field line.")]
    Fields(&'static str),
    #[error("Duplicate filenames in Files field.")]
    Duplicate,
    #[error("Mismatch between {0} and Files fields.")]
    Mismatch(&'static str),
}

const CHECKSUMS: [(&str, &str); 2] = [("Checksums-Sha1", "SHA1"), ("Checksums-Sha256", "SHA256")];

/// The files of a stanza. `columns` of `Files`: 5 in a .changes, 3 in a .dsc.
pub fn files(stanza: &Stanza, columns: usize) -> Result<Vec<ListedFile>, ListError> {
    let mut files = Vec::new();
    for words in rows(stanza, "Files", columns)?.unwrap_or_default() {
        let section = if columns == 5 { words.get(2).copied().unwrap_or_default() } else { "" };
        let [digest, size] = [0, 1].map(|i| words.get(i).copied().unwrap_or_default());
        let name = words.last().copied().unwrap_or_default();
        files.push(ListedFile {
            name: name.to_string(),
            size: size.to_string(),
            section: section.to_string(),
            digests: BTreeMap::from([("MD5", digest.to_string())]),
        });
    }
    let mut lists = Vec::new();
    for (field, algorithm) in CHECKSUMS {
        if let Some(rows) = rows(stanza, field, 3)? {
            lists.push((field, algorithm, rows));
        }
    }
    let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(ListError::Duplicate);
    }
    for (field, algorithm, rows) in lists {
        let mut listed: Vec<(&str, &str)> = rows.iter().filter_map(|row| Some((*row.get(2)?, *row.get(1)?))).collect();
        let mut wanted: Vec<(&str, &str)> = files.iter().map(|f| (f.name.as_str(), f.size.as_str())).collect();
        listed.sort_unstable();
        wanted.sort_unstable();
        if listed != wanted {
            return Err(ListError::Mismatch(field));
        }
        let digests: BTreeMap<&str, &str> = rows.iter().filter_map(|row| Some((*row.get(2)?, *row.first()?))).collect();
        for file in &mut files {
            if let Some(digest) = digests.get(file.name.as_str()) {
                file.digests.insert(algorithm, digest.to_string());
            }
        }
    }
    Ok(files)
}

/// The lines of a list in words; `None` where the field is missing.
fn rows<'a>(stanza: &'a Stanza, field: &'static str, columns: usize) -> Result<Option<Vec<Vec<&'a str>>>, ListError> {
    let Some(value) = stanza.get(field) else { return Ok(None) };
    let rows = value.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows: Vec<Vec<&str>> = rows.collect();
    match rows.iter().all(|row| row.len() == columns) {
        true => Ok(Some(rows)),
        false => Err(ListError::Fields(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_as_python_debian() {
        let text =
            b"# comment\n\nSource: a\nnonsense\nVersion : 1 \nversion: 2\nFiles:\n a b\n c d\n\nnothing here\n\nX: y\n";
        let stanzas = parse(text);
        assert_eq!(stanzas.len(), 1, "a stanza without fields ends the file");
        let stanza = &stanzas[0];
        assert_eq!(stanza.get("Source"), Some("a"));
        assert_eq!(stanza.get("Version"), Some("2"));
        assert_eq!(stanza.get("source"), None, "names are looked up with their case");
        assert_eq!(stanza.get("Files"), Some("a b\n c d"));
        assert!(parse(b"\n\n").is_empty());
        assert_eq!(parse(b"A: b\n \t\nC: d\n").len(), 2, "blanks separate too");
    }

    #[test]
    fn lists_must_agree() {
        let read = |files: &str, sums: &str| {
            let text = format!("Files:{files}\nChecksums-Sha1:{sums}\n");
            super::files(&parse(text.as_bytes())[0], 3)
        };
        assert_eq!(read("\n 1 2 a", "\n 9 2 a").unwrap()[0].digest("SHA1").as_deref(), Some("9"));
        assert_eq!(read("", ""), Err(ListError::Fields("Files")));
        assert_eq!(read("\n 1 2 a", "\n 9 3 a"), Err(ListError::Mismatch("Checksums-Sha1")));
        assert_eq!(read("\n 1 2 a\n 1 2 a", "\n 9 2 a"), Err(ListError::Duplicate));
        assert_eq!(read("\n 1 2 a b", "\n 9 2 a"), Err(ListError::Fields("Files")));
    }
}
