//! The keys at hand: keyrings that are named, and the user's GnuPG, whose files
//! are read as they are. Running gpg would take longer than the whole check, and
//! start daemons. A GnuPG that keeps its keys in keyboxd's database has none here.
//!
//! Formats: RFC 9580 certificates, armored or not, one after the other; GnuPG's
//! keybox (`doc/KEYS` of its kbx/keybox-blob.c), of which only the place of the
//! certificate in a blob is looked at.

use std::path::Path;

use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;

use crate::check::documents::read_limited;
use crate::diagnostic::{Diagnostic, Failure};

/// Debian's keyring with all developers has 60 MiB.
const LARGEST: u64 = 256 << 20;

/// Certificates that signatures are verified with.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    certs: Vec<Cert>,
}

impl Keys {
    /// These, to begin with.
    pub fn of(certs: Vec<Cert>) -> Keys {
        Keys { certs }
    }

    /// All of them.
    pub fn certs(&self) -> &[Cert] {
        &self.certs
    }

    /// Adds the certificates of a keyring that the user names.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let bytes = read_limited(path, LARGEST).map_err(|error| Failure::io("read the keyring", path, &error))?;
        let found = parse(&bytes.unwrap_or_default());
        if found.is_empty() {
            let message = format!("{} holds no OpenPGP certificate", path.display());
            return Err(Failure::environment(Diagnostic::error("keyring", message))
                .hint("export the key: gpg --export --armor KEY > FILE"));
        }
        self.certs.extend(found);
        Ok(())
    }

    /// Adds the certificates of a GnuPG folder, as far as its files have any.
    pub fn add_gnupg(&mut self, folder: &Path) {
        for name in ["pubring.kbx", "pubring.gpg"] {
            if let Ok(Some(bytes)) = read_limited(&folder.join(name), LARGEST) {
                self.certs.extend(parse(&bytes));
            }
        }
    }

    /// Adds the public part of a key that is held as a text.
    pub fn add_text(&mut self, text: &str) {
        self.certs.extend(parse(text.as_bytes()));
    }
}

/// The certificates of a keyring in any form; what cannot be read is left out.
fn parse(bytes: &[u8]) -> Vec<Cert> {
    let blocks = match bytes.get(8..12) {
        Some(b"KBXf") => keybox(bytes),
        _ if bytes.trim_ascii_start().starts_with(b"-----") => armored(bytes),
        _ => vec![bytes],
    };
    let certs = blocks.into_iter().filter_map(|block| CertParser::from_bytes(block).ok()).flatten();
    certs.filter_map(|cert| cert.ok().map(Cert::strip_secret_key_material)).collect()
}

/// Several armored blocks may stand in one file; a reader stops after the first.
fn armored(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = memchr::memmem::find_iter(bytes, b"-----BEGIN PGP ").collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| bytes.get(*start..end)).collect()
}

/// The certificates in the blobs of a keybox.
fn keybox(bytes: &[u8]) -> Vec<&[u8]> {
    const OPENPGP: u8 = 2;
    let number = |bytes: &[u8], at: usize| -> Option<usize> {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(word)).ok()
    };
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(length) = number(rest, 0).filter(|length| *length >= 32) {
        let Some(blob) = rest.get(..length) else { break };
        if blob.get(4) == Some(&OPENPGP) {
            let place = number(blob, 8).zip(number(blob, 12));
            found.extend(place.and_then(|(start, size)| blob.get(start..start.checked_add(size)?)));
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_has_no_keys() {
        for bytes in [&b""[..], b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", b"\0\0\0\x20\x01\x01\0\0KBXf", &[0xff; 64]] {
            assert!(parse(bytes).is_empty());
        }
        let mut endless = b"\0\0\0\x20\x01\x01\0\0KBXf".to_vec();
        endless.resize(32, 0);
        endless.extend([0xff; 16]);
        assert!(keybox(&endless).is_empty());
    }
}
