//! What .changes and .buildinfo say of other files (deb-changes(5),
//! deb-buildinfo(5)): fields Files, Checksums-Md5, Checksums-Sha1,
//! Checksums-Sha256. Reads also what is malformed elsewhere.

use crate::deb::checksums::Checksums;

/// One line of one of the fields.
struct Line<'a> {
    algorithm: Algorithm,
    words: Vec<&'a [u8]>,
}

impl<'a> Line<'a> {
    fn name(&self) -> &'a [u8] {
        self.words.last().copied().unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
}

impl Algorithm {
    fn of_field(name: &[u8]) -> Option<Algorithm> {
        [
            ("Files", Self::Md5),
            ("Checksums-Md5", Self::Md5),
            ("Checksums-Sha1", Self::Sha1),
            ("Checksums-Sha256", Self::Sha256),
        ]
        .into_iter()
        .find_map(|(field, algorithm)| name.eq_ignore_ascii_case(field.as_bytes()).then_some(algorithm))
    }

    fn of(self, sums: &Checksums) -> &str {
        match self {
            Algorithm::Md5 => &sums.md5,
            Algorithm::Sha1 => &sums.sha1,
            Algorithm::Sha256 => &sums.sha256,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha1 => "SHA-1",
            Algorithm::Sha256 => "SHA-256",
        }
    }
}

/// The lines of a text, each with what it says of a file, if it does.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], Option<Line<'_>>)> {
    let mut field = None;
    text.split_inclusive(|b| *b == b'\n').map(move |line| {
        let content = if line.starts_with(b" ") || line.starts_with(b"\t") {
            line
        } else {
            let (name, content) = line.split_at(line.iter().position(|b| *b == b':').unwrap_or(line.len()));
            field = Algorithm::of_field(name);
            content.get(1..).unwrap_or_default()
        };
        let words: Vec<&[u8]> =
            content.split(u8::is_ascii_whitespace).filter(|word: &&[u8]| !word.is_empty()).collect();
        let listed = field.filter(|_| words.len() >= 3).map(|algorithm| Line { algorithm, words });
        (line, listed)
    })
}

/// The names of all files that `text` lists, in their order.
pub(super) fn names(text: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for line in lines(text).filter_map(|(_, line)| line) {
        let name = String::from_utf8_lossy(line.name()).into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What `text` says of the file `name` that is not so; nothing if all is.
pub(super) fn differences(text: &[u8], name: &str, sums: &Checksums) -> Vec<String> {
    let mut told = Vec::new();
    for line in lines(text).filter_map(|(_, line)| line).filter(|line| line.name() == name.as_bytes()) {
        let digest = line.words.first().copied().unwrap_or_default();
        let size = line.words.get(1).copied().unwrap_or_default();
        if !digest.eq_ignore_ascii_case(line.algorithm.of(sums).as_bytes()) {
            let digest = String::from_utf8_lossy(digest);
            told.push(format!("{}: listed {digest}, is {}", line.algorithm.name(), line.algorithm.of(sums)));
        }
        if size != sums.size.to_string().as_bytes() {
            told.push(format!("size: listed {}, is {}", String::from_utf8_lossy(size), sums.size));
        }
    }
    told.dedup();
    told
}

/// The value of a one-line field.
pub(super) fn field(text: &[u8], name: &str) -> Option<String> {
    text.split(|b| *b == b'\n').find_map(|line| {
        let (key, value) = line.split_at(line.iter().position(|b| *b == b':')?);
        key.eq_ignore_ascii_case(name.as_bytes())
            .then(|| String::from_utf8_lossy(value.get(1..).unwrap_or_default()).trim().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: &[u8] = b"Format: 1.8\nDistribution: jammy\nChecksums-Sha1:\n aa 1 x.dsc\n bb 2 x.dsc.xz\n\
        Checksums-Sha256: \n cc 1 x.dsc\nFiles:\n dd 1 net optional x.dsc\n ee 2 net optional x.dsc.xz\nChanges:\n x 1 x.dsc\n";

    #[test]
    fn lists_are_read_and_compared() {
        assert_eq!(names(CHANGES), ["x.dsc", "x.dsc.xz"]);
        assert_eq!(field(CHANGES, "distribution").as_deref(), Some("jammy"));
        let sums = Checksums::of(b"abc");
        let text = crate::deb::checksums::replace(std::str::from_utf8(CHANGES).unwrap(), "x.dsc", &sums);
        assert!(differences(text.as_bytes(), "x.dsc", &sums).is_empty());
        assert_eq!(differences(CHANGES, "x.dsc", &sums)[1], "size: listed 1, is 3");
        assert!(differences(text.as_bytes(), "x.dsc.xz", &sums).iter().any(|d| d.starts_with("MD5: listed ee, is ")));
    }
}
