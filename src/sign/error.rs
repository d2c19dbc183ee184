//! Why a key cannot sign, or a file cannot be signed.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Failure};

/// Names of keys are fingerprints, places are paths or variables; no secret
/// and no passphrase is ever part of an error.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages tell it
pub enum SignError {
    #[error("no signing key is named")]
    NoKeyNamed,
    #[error("PKGR_SIGNING_KEY holds no armored secret key")]
    NoKeyInVariable,
    #[error("`{0}` is no file with a secret key")]
    NoSuchFile(String),
    #[error("the gpg backend takes the name of a key, not the key itself")]
    BlockForGpg,
    #[error("{origin} holds no OpenPGP key")]
    NotAKey { origin: String },
    #[error("{origin} holds {} secret keys", keys.len())]
    SeveralKeys { origin: String, keys: Vec<String> },
    #[error("the key {key} in {origin} is version {version}")]
    KeyVersion { origin: String, key: String, version: u8 },
    #[error("the key {key} in {origin} is {algorithm}")]
    Algorithm { origin: String, key: String, algorithm: String },
    #[error("the key {key} in {origin} is {algorithm}, which is too weak")]
    Weak { origin: String, key: String, algorithm: String },
    #[error("the key {key} in {origin} expired on {date}")]
    Expired { origin: String, key: String, date: String },
    #[error("the key {key} in {origin} is revoked{reason}")]
    Revoked { origin: String, key: String, reason: String },
    #[error("the key {key} in {origin} is not valid: {reason}")]
    Invalid { origin: String, key: String, reason: String },
    #[error("the key {key} in {origin} is not for signing")]
    NotForSigning { origin: String, key: String },
    #[error("the secret part of the key {key} is not in {origin}")]
    NoSecret { origin: String, key: String },
    #[error("the key {key} in {origin} is protected by a passphrase")]
    NoPassphrase { origin: String, key: String },
    #[error("the key {key} in {origin} does not open: wrong passphrase or unsupported key")]
    WrongPassphrase { origin: String, key: String },
    #[error("asking for the passphrase was interrupted")]
    Cancelled,
    #[error("signing with the key {key} failed: {reason}")]
    Failed { key: String, reason: String },
    #[error("gpg is not installed")]
    GpgMissing,
    #[error("gpg has no secret key `{key}`")]
    GpgNoKey { key: String },
    #[error("gpg has {} keys that `{key}` may mean", found.len())]
    GpgSeveral { key: String, found: Vec<String> },
    #[error("`{key}` is a short key id, which anybody can forge")]
    ShortKeyId { key: String },
    #[error("gpg's agent or the user refused to sign with {key}")]
    GpgRefused { key: String, details: Vec<String> },
    #[error("gpg cannot sign with {key}")]
    GpgFailed { key: String, details: Vec<String> },
    #[error("gpg would sign with the weak digest {digest}")]
    GpgDigest { digest: String },
    #[error("{name} is not a .dsc, .buildinfo or .changes file")]
    NotSignable { name: String },
    #[error("the signature of {name} is malformed at line {line}: {reason}")]
    Malformed { name: String, line: usize, reason: String },
    #[error("{name} is not UTF-8, as Policy 5.1 wants control files to be")]
    NotUtf8 { name: String },
    #[error("{name} does not list {missing}")]
    NotListed { name: String, missing: String },
    #[error("{name} does not match {path}", path = path.display())]
    Mismatch { name: String, path: PathBuf, details: Vec<String> },
    #[error("{name} lists `{file}`, which is not the name of a file beside it")]
    BadName { name: String, file: String },
    #[error("{name} lists {path}, which is not there", path = path.display())]
    MissingFile { name: String, path: PathBuf },
    #[error("{name} is for the distribution UNRELEASED")]
    Unreleased { name: String },
    #[error("{0}")]
    Io(Failure),
}

impl From<Failure> for SignError {
    fn from(failure: Failure) -> SignError {
        SignError::Io(failure)
    }
}

impl SignError {
    /// The stable identifier.
    fn code(&self) -> &'static str {
        use SignError::*;
        match self {
            NoKeyNamed => "no-signing-key",
            NoKeyInVariable => "no-key-in-variable",
            NoSuchFile(_) => "key-not-found",
            BlockForGpg => "key-block-for-gpg",
            NotAKey { .. } => "not-a-key",
            SeveralKeys { .. } => "several-keys",
            KeyVersion { .. } => "key-version",
            Algorithm { .. } => "key-algorithm",
            Weak { .. } => "key-weak",
            Expired { .. } => "key-expired",
            Revoked { .. } => "key-revoked",
            Invalid { .. } => "key-invalid",
            NotForSigning { .. } => "key-not-for-signing",
            NoSecret { .. } => "key-without-secret",
            NoPassphrase { .. } => "no-passphrase",
            WrongPassphrase { .. } => "wrong-passphrase",
            Cancelled => "passphrase-cancelled",
            Failed { .. } => "signing-failed",
            GpgMissing => "gpg-missing",
            GpgNoKey { .. } => "gpg-no-key",
            GpgSeveral { .. } => "gpg-several-keys",
            ShortKeyId { .. } => "short-key-id",
            GpgRefused { .. } => "gpg-refused",
            GpgFailed { .. } => "gpg-failed",
            GpgDigest { .. } => "gpg-weak-digest",
            NotSignable { .. } => "not-signable",
            Malformed { .. } => "malformed-signature",
            NotUtf8 { .. } => "not-utf-8",
            NotListed { .. } => "not-listed",
            Mismatch { .. } => "checksum-mismatch",
            BadName { .. } => "bad-file-name",
            MissingFile { .. } => "listed-file-missing",
            Unreleased { .. } => "unreleased",
            Io(_) => "io",
        }
    }

    /// What explains the error.
    fn notes(&self) -> Vec<String> {
        use SignError::*;
        match self {
            SeveralKeys { keys, .. } | GpgSeveral { found: keys, .. } => keys.clone(),
            GpgRefused { details, .. } | GpgFailed { details, .. } | Mismatch { details, .. } => details.clone(),
            KeyVersion { .. } => vec!["GnuPG, dpkg and Launchpad know version 4 keys only".to_string()],
            Algorithm { .. } => {
                vec![
                    "pkgr signs with RSA, Ed25519 (EdDSA) and the NIST curves, which Launchpad and GnuPG 2.2 know"
                        .into(),
                ]
            }
            _ => Vec::new(),
        }
    }

    /// What to do.
    fn hint(&self) -> Option<String> {
        use SignError::*;
        let text = match self {
            NoKeyNamed => "give --key, or the armored secret key in PKGR_SIGNING_KEY".to_string(),
            NoKeyInVariable => {
                "it wants the output of `gpg --armor --export-secret-keys FINGERPRINT`, with its first line and not encoded"
                    .into()
            }
            NoSuchFile(_) => {
                "give the path of an armored secret key, or a key that `gpg --list-secret-keys` shows".into()
            }
            BlockForGpg => "leave out `--backend gpg`, or import the key and give its fingerprint".into(),
            NotAKey { .. } => "export one with `gpg --armor --export-secret-keys FINGERPRINT`".into(),
            SeveralKeys { origin, .. } if origin == super::KEY_VARIABLE => "choose one with --key FINGERPRINT".into(),
            SeveralKeys { .. } => "export only the one with `gpg --armor --export-secret-keys FINGERPRINT`".into(),
            KeyVersion { .. } | Algorithm { .. } | Weak { .. } => {
                "make a key with `gpg --quick-gen-key 'NAME <EMAIL>' rsa4096 sign`".into()
            }
            Expired { key, .. } => {
                format!("extend it with `gpg --quick-set-expire {key} 2y`, export it anew and send it to the keyserver")
            }
            Revoked { .. } => "sign with another key".into(),
            NotForSigning { key, .. } => format!("add a signing subkey with `gpg --quick-add-key {key} rsa4096 sign`"),
            NoSecret { key, .. } => format!(
                "export it with `gpg --armor --export-secret-keys {key}`, or let gpg sign: `--key {key} --backend gpg`"
            ),
            NoPassphrase { .. } => "set PKGR_SIGNING_KEY_PASSPHRASE, or run pkgr on a terminal".into(),
            WrongPassphrase { .. } => "check the passphrase with `gpg --import` in an empty GNUPGHOME".into(),
            GpgMissing => "install gnupg, or give the path of an armored secret key".into(),
            GpgNoKey { .. } => "`gpg --list-secret-keys` shows what is there".into(),
            GpgSeveral { .. } => "give the fingerprint of one".into(),
            ShortKeyId { .. } => "give the whole fingerprint".into(),
            GpgDigest { .. } => "remove the digest preferences from gpg.conf".into(),
            Malformed { .. } => "build the package anew".into(),
            Mismatch { .. } => "build the package anew; a signature would vouch for files that differ".into(),
            Unreleased { .. } => "name the series in debian/changelog and build anew".into(),
            _ => return None,
        };
        Some(text)
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Failure {
        use SignError::*;
        if let Io(failure) = error {
            return failure;
        }
        let mut diagnostic = Diagnostic::error(error.code(), error.to_string());
        diagnostic.notes = error.notes();
        diagnostic.hints.extend(error.hint());
        match error {
            NoKeyNamed | BlockForGpg | NotSignable { .. } => Failure::new(crate::diagnostic::Kind::Usage, diagnostic),
            Cancelled => Failure::new(crate::diagnostic::Kind::Interrupted, diagnostic),
            Malformed { .. }
            | NotUtf8 { .. }
            | NotListed { .. }
            | Mismatch { .. }
            | BadName { .. }
            | MissingFile { .. }
            | Unreleased { .. } => Failure::recipe(diagnostic),
            _ => Failure::environment(diagnostic),
        }
    }
}
