//! Whether a suite's Release file is signed by its archive: InRelease, a
//! cleartext signature (RFC 9580, 7), or Release with Release.gpg beside it.
//!
//! One good signature is enough. It is judged at the time when it was made, as archived suites need
//! it; whether a key that has expired since still counts is the caller's to say.

use std::io::Read;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::policy::{HashAlgoSecurity, StandardPolicy};
use sequoia_openpgp::types::HashAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle};
use serde::{Deserialize, Serialize};

use crate::fetch::signature::{Problem, closest, problem};

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The certificate's fingerprint, upper-case hexadecimal.
    pub fingerprint: String,
    /// Seconds since 1970 at which its key expires, if it does.
    pub expires: Option<u64>,
}

impl Signer {
    /// Whether its key has expired by `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| i64::try_from(expires).is_ok_and(|expires| expires <= now.as_second()))
    }
}

/// The standard policy, and SHA-1 where a key of the keyring binds its own names:
/// Ubuntu's key of 2012, which alone signed xenial and bionic, does. To forge that
/// takes a second preimage, which nobody can make, and no signature over a Release
/// file becomes acceptable by it.
pub fn policy() -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::new();
    policy.accept_hash_property(HashAlgorithm::SHA1, HashAlgoSecurity::SecondPreImageResistance);
    policy
}

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// Whether a file claims to be signed text.
pub fn is_signed_text(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(BEGIN)
}

/// Verifies InRelease and returns the text that is signed, and nothing else of it.
pub fn cleartext(bytes: &[u8], certs: &[Cert], now: Timestamp) -> Result<(Vec<u8>, Signer), Problem> {
    let policy = policy();
    let helper = Helper::new(certs, &policy, now);
    let mut verifier = VerifierBuilder::from_bytes(bytes)
        .and_then(|builder| builder.with_policy(&policy, Some(time(now)), helper))
        .map_err(|e| malformed(&e))?;
    let mut text = Vec::new();
    let result = verifier.read_to_end(&mut text);
    let signer = verifier.into_helper().answer()?;
    result.map_err(|e| malformed(&e))?;
    Ok((text, signer))
}

/// Verifies Release against Release.gpg.
pub fn detached(bytes: &[u8], signature: &[u8], certs: &[Cert], now: Timestamp) -> Result<Signer, Problem> {
    let policy = policy();
    let helper = Helper::new(certs, &policy, now);
    let mut verifier = DetachedVerifierBuilder::from_bytes(signature)
        .and_then(|builder| builder.with_policy(&policy, Some(time(now)), helper))
        .map_err(|e| malformed(&e))?;
    let result = verifier.verify_bytes(bytes);
    let signer = verifier.into_helper().answer()?;
    result.map_err(|e| malformed(&e))?;
    Ok(signer)
}

fn malformed(error: &dyn std::fmt::Display) -> Problem {
    Problem::new("signature-malformed", error.to_string())
}

fn time(moment: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or(0))
}

struct Helper<'h> {
    certs: &'h [Cert],
    policy: &'h StandardPolicy<'h>,
    now: Timestamp,
    signers: Vec<Signer>,
    problems: Vec<Problem>,
}

impl<'h> Helper<'h> {
    fn new(certs: &'h [Cert], policy: &'h StandardPolicy<'h>, now: Timestamp) -> Helper<'h> {
        Helper { certs, policy, now, signers: vec![], problems: vec![] }
    }

    /// One good signature is enough, for archives sign with the keys of several
    /// releases; of several good ones, the key that lives longest.
    fn answer(self) -> Result<Signer, Problem> {
        match self.signers.into_iter().max_by_key(|signer| signer.expires.unwrap_or(u64::MAX)) {
            Some(signer) => Ok(signer),
            None => Err(closest(self.problems)
                .unwrap_or_else(|| Problem::new("signature-malformed", "there is no signature in it"))),
        }
    }

    /// As the certificate tells it now: its expiry may have been extended since.
    fn signer(&self, good: &GoodChecksum) -> Signer {
        let cert = good.ka.cert();
        let key = good.ka.key().fingerprint();
        let valid = cert.with_policy(self.policy, Some(time(self.now))).ok();
        let ends = valid.iter().flat_map(|valid| {
            let subkey = valid.keys().find(|candidate| candidate.key().fingerprint() == key);
            [valid.primary_key().key_expiration_time(), subkey.and_then(|subkey| subkey.key_expiration_time())]
        });
        let first = ends.flatten().min();
        let seconds = |end: SystemTime| end.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Signer { fingerprint: cert.fingerprint().to_hex(), expires: first.map(seconds) }
    }
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, _: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.certs.to_vec())
    }

    fn check(&mut self, structure: MessageStructure) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else { continue };
            for result in results {
                match result {
                    Ok(good) => {
                        let signer = self.signer(&good);
                        self.signers.push(signer);
                    }
                    Err(error) => self.problems.push(problem(&error)),
                }
            }
        }
        Ok(())
    }
}
