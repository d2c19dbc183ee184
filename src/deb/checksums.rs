//! The three digests and the size by which .dsc, .changes and .buildinfo know a
//! file (Checksums-Md5/Files, Checksums-Sha1, Checksums-Sha256).

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Digests in lower-case hexadecimal, as the control files write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksums {
    /// 32 digits.
    pub md5: String,
    /// 40 digits.
    pub sha1: String,
    /// 64 digits.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

impl Checksums {
    /// The checksums of a text in memory.
    pub fn of(bytes: &[u8]) -> Checksums {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Computes all three digests in one pass over the bytes.
#[derive(Default)]
pub struct Hasher {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
    size: u64,
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The checksums of all bytes taken.
    pub fn finish(self) -> Checksums {
        Checksums {
            md5: hex(&self.md5.finalize()),
            sha1: hex(&self.sha1.finalize()),
            sha256: hex(&self.sha256.finalize()),
            size: self.size,
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Rewrites one file's digests and size in the lists of a .dsc, .changes or
/// .buildinfo text (`Files`, `Checksums-Md5`, `-Sha1`, `-Sha256`); every other byte
/// stays. Signing changes a listed file, and the lists must follow.
pub fn replace(text: &str, file_name: &str, checksums: &Checksums) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut digest: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        if !line.starts_with([' ', '\t']) {
            let field = line.split_once(':').map_or("", |(name, _)| name);
            digest = match field.to_ascii_lowercase().as_str() {
                "files" | "checksums-md5" => Some(&checksums.md5),
                "checksums-sha1" => Some(&checksums.sha1),
                "checksums-sha256" => Some(&checksums.sha256),
                _ => None,
            };
        }
        match digest.and_then(|digest| replace_line(line, file_name, digest, checksums.size)) {
            Some(line) => replaced.push_str(&line),
            None => replaced.push_str(line),
        }
    }
    replaced
}

/// ` DIGEST SIZE [SECTION PRIORITY] NAME` with the first two words replaced, if the
/// last one is the file's name.
fn replace_line(line: &str, file_name: &str, digest: &str, size: u64) -> Option<String> {
    let body = line.trim_start();
    let indent = line.get(..line.len() - body.len())?;
    let words: Vec<&str> = body.split_ascii_whitespace().collect();
    if indent.is_empty() || words.len() < 3 || words.last() != Some(&file_name) {
        return None;
    }
    let after = body.get(words[0].len()..)?;
    let gap = after.get(..after.len() - after.trim_start().len())?;
    let rest = after.get(gap.len() + words[1].len()..)?;
    Some(format!("{indent}{digest}{gap}{size}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_replaced_and_all_else_stays() {
        let text = "Changes:\n 1 1 a.dsc\nFiles:\n 1 1 x y a.dsc\n 1 1 x y b\nChecksums-Sha1: \n 111  2 a.dsc\r\nchecksums-sha256:\n 22 3 a.dsc";
        let sums = Checksums::of(b"abc");
        let expected = text
            .replace(" 1 1 x y a.dsc", &format!(" {} 3 x y a.dsc", sums.md5))
            .replace("111  2", &format!("{}  3", sums.sha1))
            .replace("22 3 a.dsc", &format!("{} 3 a.dsc", sums.sha256));
        assert_eq!(replace(text, "a.dsc", &sums), expected);
        assert_eq!(replace(text, "c", &sums), text);
    }

    #[test]
    fn known_digests() {
        let sums = Checksums::of(b"abc");
        assert_eq!(sums.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(sums.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sums.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sums.size, 3);
    }
}
