//! Cleartext signatures as Launchpad's gpgme judges them, whatever their digest:
//! one signature over one block, text around it ignored, the key judged by today.
//!
//! `sign::verify` is stricter and judges by the day of the signature, as one who
//! relies on a signature must. This one foretells what Launchpad says; what it
//! lets pass is not trusted for anything.

use std::borrow::Cow;
use std::io::Read;
use std::time::SystemTime;

use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    MessageLayer, MessageStructure, VerificationError, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::policy::{AsymmetricAlgorithm, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, RevocationStatus};
use sequoia_openpgp::{Cert, KeyHandle};

const MESSAGE: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"-----END PGP SIGNATURE-----";

/// What is to be said of the signature of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No signature.
    Unsigned,
    /// Not one block; gpgme says so in these words.
    Malformed,
    /// More than one signature.
    Several,
    /// The text is not the signed one.
    Bad,
    /// By a key that is not at hand: its id or fingerprint.
    Unknown(String),
    /// Good, by a key that has expired by now: the certificate's fingerprint.
    Expired(String),
    /// Good, by a key that is revoked: the certificate's fingerprint.
    Revoked(String),
    /// Good: the certificate's fingerprint.
    Good(String),
}

/// A file, taken out of its envelope.
#[derive(Debug, Clone)]
pub struct Opened<'a> {
    /// What is signed; of an unsigned file all of it.
    pub text: Cow<'a, [u8]>,
    /// Whether there is text outside the signed block.
    pub has_text_outside: bool,
    /// Of the signature.
    pub standing: Standing,
}

/// Opens a file and judges its signature with the keys at hand, as of `now`.
pub fn open<'a>(bytes: &'a [u8], certs: &[Cert], now: SystemTime) -> Opened<'a> {
    let messages = lines_starting(bytes, MESSAGE);
    let signatures = lines_starting(bytes, SIGNATURE);
    let text = payload(bytes);
    let (Some(start), Some(end)) = (messages.first().copied(), signatures.first().copied()) else {
        let standing = match (messages.is_empty(), signatures.is_empty()) {
            // gpg takes the signature for a detached one, and the text for no data
            (true, false) => Standing::Bad,
            (true, true) => Standing::Unsigned,
            _ => Standing::Malformed,
        };
        return Opened { text, has_text_outside: false, standing };
    };
    let close = memchr::memmem::find(bytes.get(end..).unwrap_or_default(), END);
    let close = close.map_or(bytes.len(), |at| end + at + END.len());
    let blank = |part: Option<&[u8]>| part.is_none_or(|part| part.trim_ascii().is_empty());
    let has_text_outside = !blank(bytes.get(..start)) || !blank(bytes.get(close..));
    let standing = match (messages.len(), signatures.len()) {
        _ if end < start => Standing::Bad,
        (1, 1) => judge(bytes.get(start..close).unwrap_or_default(), certs, now),
        (1, _) => Standing::Several,
        _ => Standing::Malformed,
    };
    Opened { text, has_text_outside, standing }
}

/// The text inside the first cleartext signed block, dash escapes undone, whether
/// its signature is good or not; the whole text where there is no block.
pub fn payload(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(start) = lines_starting(bytes, MESSAGE).first().copied() else { return Cow::Borrowed(bytes) };
    let mut lines = bytes.get(start..).unwrap_or_default().split_inclusive(|b| *b == b'\n');
    // the armor's headers end at the first blank line
    lines.by_ref().find(|line| line.trim_ascii().is_empty());
    let mut text = Vec::new();
    for line in lines.take_while(|line| !line.starts_with(SIGNATURE)) {
        text.extend_from_slice(line.strip_prefix(b"- ").unwrap_or(line));
    }
    Cow::Owned(text)
}

/// Where lines begin that start so.
fn lines_starting(bytes: &[u8], marker: &[u8]) -> Vec<usize> {
    let at_start = |at: &usize| *at == 0 || bytes.get(at - 1) == Some(&b'\n');
    memchr::memmem::find_iter(bytes, marker).filter(at_start).collect()
}

/// As lax as gpg in what it still computes with.
fn policy() -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::new();
    for hash in [HashAlgorithm::SHA1, HashAlgorithm::RipeMD] {
        policy.accept_hash(hash);
    }
    for key in [AsymmetricAlgorithm::RSA1024, AsymmetricAlgorithm::DSA1024, AsymmetricAlgorithm::DSA2048] {
        policy.accept_asymmetric_algo(key);
    }
    policy
}

fn judge(block: &[u8], certs: &[Cert], now: SystemTime) -> Standing {
    let policy = policy();
    // gpg does without the last line
    let whole =
        if block.ends_with(END) { Cow::Borrowed(block) } else { Cow::Owned([block, b"\n", END, b"\n"].concat()) };
    let helper = Helper { certs, policy: &policy, now, standings: Vec::new() };
    let built = VerifierBuilder::from_bytes(&whole).and_then(|builder| builder.with_policy(&policy, None, helper));
    let Ok(mut verifier) = built else { return Standing::Malformed };
    // what is read is not used: the text comes from payload(), also of a bad signature
    let read = std::io::copy(&mut verifier.by_ref().take(u64::MAX), &mut std::io::sink());
    let mut standings = verifier.into_helper().standings;
    match (standings.pop(), standings.is_empty()) {
        (Some(standing), true) => standing,
        (Some(_), false) => Standing::Several,
        (None, _) if read.is_err() => Standing::Malformed,
        (None, _) => Standing::Unsigned,
    }
}

/// Collects what each signature is worth.
struct Helper<'a> {
    certs: &'a [Cert],
    policy: &'a StandardPolicy<'static>,
    now: SystemTime,
    standings: Vec<Standing>,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        let wanted = |cert: &&Cert| cert.keys().any(|key| ids.iter().any(|id| key.key().key_handle().aliases(id)));
        Ok(self.certs.iter().filter(wanted).cloned().collect())
    }

    fn check(&mut self, structure: MessageStructure) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else { continue };
            for result in results {
                let standing = match result {
                    Ok(good) => self.of_today(good.ka.cert(), good.ka.key().key_handle(), good.sig),
                    Err(VerificationError::MissingKey { sig }) => Standing::Unknown(issuer(sig)),
                    Err(VerificationError::BadKey { ka, sig, .. }) => {
                        self.of_today(ka.cert(), ka.key().key_handle(), sig)
                    }
                    Err(VerificationError::UnboundKey { cert, sig, .. }) => self.of_today(cert, cert.key_handle(), sig),
                    Err(_) => Standing::Bad,
                };
                self.standings.push(standing);
            }
        }
        Ok(())
    }
}

impl Helper<'_> {
    /// A signature that is right in itself is worth what its key is worth today.
    fn of_today(&self, cert: &Cert, key: KeyHandle, signature: &Signature) -> Standing {
        let fingerprint = cert.fingerprint().to_hex();
        // a clock that is behind the signer's makes no key unborn
        let now = signature.signature_creation_time().map_or(self.now, |signed| signed.max(self.now));
        if matches!(cert.revocation_status(self.policy, now), RevocationStatus::Revoked(_)) {
            return Standing::Revoked(fingerprint);
        }
        let alive = cert.with_policy(self.policy, now).and_then(|cert| cert.alive());
        let mut keys = cert.keys().with_policy(self.policy, now);
        let key_alive = keys.find(|own| own.key().key_handle().aliases(&key)).is_some_and(|own| own.alive().is_ok());
        if alive.is_ok() && key_alive { Standing::Good(fingerprint) } else { Standing::Expired(fingerprint) }
    }
}

fn issuer(signature: &Signature) -> String {
    signature.get_issuers().first().map_or_else(|| "an unnamed key".to_string(), KeyHandle::to_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_taken_out_of_the_envelope() {
        let signed = b"before\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nA: b\n- -x\n-----BEGIN PGP SIGNATURE-----\n\n=\n-----END PGP SIGNATURE-----\nbehind\n";
        let opened = open(signed, &[], SystemTime::now());
        assert_eq!(&*opened.text, b"A: b\n-x\n");
        assert!(opened.has_text_outside);
        assert_ne!(opened.standing, Standing::Unsigned);
        assert_eq!(open(b"A: b\n", &[], SystemTime::now()).standing, Standing::Unsigned);
        assert_eq!(open(&[signed.as_slice(), signed].concat(), &[], SystemTime::now()).standing, Standing::Malformed);
        for cut in 0..signed.len() {
            open(&signed[..cut], &[], SystemTime::now());
        }
    }
}
