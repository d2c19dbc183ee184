//! Looking at the key that would sign: its place, age and strength. Opens nothing,
//! asks for no passphrase, and tells nothing that is secret.

use std::time::SystemTime;

use super::{Backend, Located, PASSPHRASE_VARIABLE, gpg, key, set};
use crate::diagnostic::Failure;

/// A key that can sign now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Where it is: a path, the name of a variable, or `gpg's keyring`.
    pub origin: String,
    /// Of the primary key, in upper-case hexadecimal.
    pub fingerprint: String,
    /// Of the part that signs: `RSA-4096`, `Ed25519`.
    pub algorithm: String,
    /// User ids, as they are written, the first of the certificate first.
    pub users: Vec<String>,
    /// When the part that signs, or the whole key, ends to be valid; `None`: never.
    pub expires: Option<SystemTime>,
    /// Whether it wants a passphrase that nobody has given; unknown of GnuPG's keys,
    /// for which the answer is no.
    pub is_protected: bool,
    /// Whether it is shorter than what pkgr itself signs with.
    pub is_weak: bool,
}

/// Finds the key as [`super::Signer::resolve`] does, with the same refusals but for
/// those of a passphrase. `None`: no key was named.
pub fn inspect(
    key: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
    backend: Option<Backend>,
) -> Result<Option<Inspection>, Failure> {
    let mut found = match Located::find(key, variable, backend)? {
        None => return Ok(None),
        Some(Located::Gpg(name)) => gpg::inspect(&name)?,
        Some(Located::Native { bytes, origin, choice }) => key::inspect(bytes, &origin, choice.as_deref())?,
    };
    found.is_protected &= set(variable, PASSPHRASE_VARIABLE).is_none();
    Ok(Some(found))
}

/// The keys of the user's GnuPG that can sign, for whoever has named none.
pub fn of_gnupg() -> Result<Vec<Inspection>, Failure> {
    Ok(gpg::usable()?)
}

/// Whether somebody sits at a terminal and can be asked for a passphrase.
pub fn can_ask() -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok()
}
