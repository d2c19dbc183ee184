//! OpenPGP signatures on source packages: with an armored secret key in this
//! process, or by the user's GnuPG (agent, smartcard), in debsign's order:
//! .dsc, then .buildinfo, then .changes, each with the digests of those before.
//!
//! Cleartext signatures of RFC 4880 §7 (version 4, text mode, SHA-512), in the
//! form that gpg(1), debsign(1), dpkg-source(1), dscverify(1) and Launchpad's
//! gpgme read. Does not make keys, keep keys, or judge foreign signatures
//! beyond [`verify`]; packages are not checked here but for what signing them
//! needs.
//!
//! Secrets live in `sequoia_openpgp`'s protected memory, never in arguments of
//! programs, messages or logs; errors of decryption are not passed on, since
//! they may quote what was decrypted.

mod cleartext;
mod digests;
mod disk;
mod error;
mod gpg;
pub mod inspect;
mod key;
mod package;
mod terminal;
mod unlock;
pub mod verify;

use std::path::Path;

pub use cleartext::{is_signed, unsigned};
pub use disk::{Written, sign_files};
pub use error::SignError;
pub use gpg::GpgKey;
pub use inspect::Inspection;
pub use key::NativeKey;
pub use package::{Document, Signed, sign_package, sign_source_package};
pub use sequoia_openpgp::crypto::Password;

use crate::diagnostic::Failure;

/// Holds an armored secret key, or else the path or name of one.
pub const KEY_VARIABLE: &str = "PKGR_SIGNING_KEY";
/// Holds the passphrase of the key.
pub const PASSPHRASE_VARIABLE: &str = "PKGR_SIGNING_KEY_PASSPHRASE";

/// Who computes the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// Pkgr itself, with an armored secret key
    Native,
    /// The user's GnuPG: agent, smartcard
    Gpg,
}

/// A key that is ready to sign, any number of times and from several threads.
#[derive(Debug)]
pub enum Signer {
    /// An unlocked secret key in this process.
    Native(Box<NativeKey>),
    /// A key of the user's GnuPG.
    Gpg(GpgKey),
}

impl Signer {
    /// Finds the key that `key` (the command line's KEY) or else
    /// [`KEY_VARIABLE`] names, and unlocks it.
    ///
    /// A PGP block or an existing file is a native key; anything else is left
    /// to GnuPG, except that a fingerprint or key id picks its key from the
    /// block in [`KEY_VARIABLE`] if it is there. `backend` overrides that.
    /// `variable` looks into the environment. A protected native key takes its
    /// passphrase from [`PASSPHRASE_VARIABLE`], or asks on the terminal if
    /// there is one. `None`: no key was named.
    pub fn resolve(
        key: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
        backend: Option<Backend>,
    ) -> Result<Option<Signer>, Failure> {
        let passphrase = set(variable, PASSPHRASE_VARIABLE).map(Password::from);
        let signer = match Located::find(key, variable, backend)? {
            None => return Ok(None),
            Some(Located::Gpg(name)) => Signer::Gpg(GpgKey::find(&name, passphrase)?),
            Some(Located::Native { bytes, origin, choice }) => {
                let source = unlock::Passphrases::new(passphrase, &terminal::ask_passphrase);
                Signer::Native(Box::new(NativeKey::open(bytes, &origin, choice.as_deref(), &source)?))
            }
        };
        Ok(Some(signer))
    }

    /// Signs `text` as a cleartext signed document, as debsign does: trailing
    /// blanks of lines vanish, a blank line precedes the signature.
    pub fn clearsign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Signer::Native(key) => key.clearsign(text),
            Signer::Gpg(key) => key.clearsign(text),
        }
    }

    /// What signs, in words, such as `Ed25519 key 0123…ABCD (Jane Doe <jane@example.org>)`.
    pub fn describe(&self) -> String {
        match self {
            Signer::Native(key) => key.describe(),
            Signer::Gpg(key) => key.describe(),
        }
    }

    /// Fingerprint of the certificate's primary key, in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        match self {
            Signer::Native(key) => key.fingerprint().to_string(),
            Signer::Gpg(key) => key.fingerprint().to_string(),
        }
    }

    /// Whether `document` carries a good signature by this very key.
    pub fn has_signed(&self, document: &[u8]) -> bool {
        match self {
            Signer::Native(key) => key.has_signed(document),
            Signer::Gpg(key) => key.has_signed(document),
        }
    }
}

/// Where the key is that signs, before anything of it is opened.
enum Located {
    /// A secret key as bytes, from the place that `origin` tells; `choice` is the
    /// name of the one that is meant.
    Native { bytes: Vec<u8>, origin: String, choice: Option<String> },
    /// A name, which is GnuPG's to look up.
    Gpg(String),
}

impl Located {
    /// See [`Signer::resolve`].
    fn find(
        key: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
        backend: Option<Backend>,
    ) -> Result<Option<Located>, Failure> {
        let held = set(variable, KEY_VARIABLE);
        let key = match (key.map(str::to_string).filter(|key| !key.trim().is_empty()), &held) {
            (Some(key), _) => key,
            (None, Some(held)) if is_block(held) || is_file(held) || is_name(held) => held.clone(),
            // a damaged or encoded key would end in a message, and that in the log of a build server
            (None, Some(_)) => return Err(SignError::NoKeyInVariable.into()),
            (None, None) => return Ok(None),
        };
        let native = |bytes: Vec<u8>, origin: &str, choice: Option<&str>| {
            Ok(Located::Native { bytes, origin: origin.to_string(), choice: choice.map(str::to_string) })
        };
        let located = match backend {
            Some(Backend::Gpg) if is_block(&key) => Err(SignError::BlockForGpg),
            Some(Backend::Gpg) => Ok(Located::Gpg(key)),
            _ if is_block(&key) => native(key.into_bytes(), KEY_VARIABLE, None),
            _ if is_file(&key) => native(read_key(&key)?, &key, None),
            _ => match held.filter(|held| is_block(held) && key::holds(held.as_bytes(), &key)) {
                Some(block) => native(block.into_bytes(), KEY_VARIABLE, Some(&key)),
                None if backend == Some(Backend::Native) => Err(SignError::NoSuchFile(key)),
                // a mistyped path should not end as gpg's "no such key"
                None if key.contains('/') && !key.contains('@') => Err(SignError::NoSuchFile(key)),
                None => Ok(Located::Gpg(key)),
            },
        };
        Ok(Some(located?))
    }
}

/// A variable that is set and not empty.
fn set(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.trim().is_empty())
}

/// Whether KEY is the key itself rather than its name.
fn is_block(key: &str) -> bool {
    key.contains("-----BEGIN PGP ")
}

/// Whether the text may be told to people as the name of a key: a key id, a
/// fingerprint, a user id with an address.
fn is_name(key: &str) -> bool {
    let digits = key.trim_start_matches("0x");
    let is_id = digits.len() <= 64 && digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b' ');
    let is_address = key.len() <= 254 && key.contains('@') && !key.contains(['\n', '\r']);
    is_id || is_address
}

/// Whether KEY names something that can be read: also a pipe, as `<(…)` gives.
fn is_file(key: &str) -> bool {
    std::fs::metadata(key).is_ok_and(|m| !m.is_dir())
}

/// Reads a key file; keys are small, so a mistaken path to a large file is not
/// swallowed whole.
fn read_key(path: &str) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    const LIMIT: u64 = 16 << 20;
    let fail = |e: std::io::Error| Failure::io("read the key", Path::new(path), &e);
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(fail)?.take(LIMIT).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}
