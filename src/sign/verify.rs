//! Checking a cleartext signature against known certificates.

use std::io::Read;

use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    GoodChecksum, MessageLayer, MessageStructure, VerificationError, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::policy::{Policy, StandardPolicy};
use sequoia_openpgp::{KeyHandle, anyhow};

/// A good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Of the signer's primary key, in upper-case hexadecimal.
    pub fingerprint: String,
    /// Of the key that made the signature: that one, or a subkey.
    pub signing_key: String,
    /// What is signed, and nothing else: escapes undone.
    pub text: Vec<u8>,
}

/// No good signature by one of the certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not a cleartext signed document.
    #[error("it is not signed")]
    NotSigned,
    /// None of the certificates made the signature.
    #[error("the signer's key is not at hand")]
    UnknownSigner,
    /// Something is wrong with text, signature or certificate.
    #[error("the signature is not good: {0}")]
    Bad(String),
}

/// Verifies the cleartext signed `document`: SHA-1 and weak keys are refused,
/// the certificate is judged at the time of the signature.
pub fn verify(document: &[u8], certs: &[Cert]) -> Result<Verified, VerifyError> {
    with_policy(document, certs, &StandardPolicy::new())
}

/// The same under another policy.
pub(super) fn with_policy(document: &[u8], certs: &[Cert], policy: &dyn Policy) -> Result<Verified, VerifyError> {
    if !super::is_signed(document) {
        return Err(VerifyError::NotSigned);
    }
    let bad = |error: anyhow::Error| match error.downcast::<VerifyError>() {
        Ok(told) => told,
        Err(other) => VerifyError::Bad(other.root_cause().to_string()),
    };
    let helper = Known { certs, signer: None };
    let mut verifier =
        VerifierBuilder::from_bytes(document).and_then(|b| b.with_policy(policy, None, helper)).map_err(bad)?;
    let mut text = Vec::new();
    // VerifyError travels inside the io::Error, if check() refused at the end
    verifier.read_to_end(&mut text).map_err(|e| match e.into_inner().map(|e| e.downcast::<VerifyError>()) {
        Some(Ok(told)) => *told,
        Some(Err(other)) => VerifyError::Bad(other.to_string()),
        None => VerifyError::Bad("it cannot be read".to_string()),
    })?;
    let signer = verifier.into_helper().signer.ok_or(VerifyError::UnknownSigner)?;
    Ok(Verified { fingerprint: signer.0, signing_key: signer.1, text })
}

/// The certificates at hand, and which of them has signed.
struct Known<'a> {
    certs: &'a [Cert],
    signer: Option<(String, String)>,
}

impl VerificationHelper for Known<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> anyhow::Result<Vec<Cert>> {
        let wanted = |cert: &&Cert| cert.keys().any(|key| ids.iter().any(|id| key.key().key_handle().aliases(id)));
        Ok(self.certs.iter().filter(wanted).cloned().collect())
    }

    fn check(&mut self, structure: MessageStructure) -> anyhow::Result<()> {
        let mut reason = VerifyError::NotSigned;
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else { continue };
            for result in results {
                match result {
                    Ok(GoodChecksum { ka, .. }) => {
                        self.signer = Some((ka.cert().fingerprint().to_hex(), ka.key().fingerprint().to_hex()));
                        return Ok(());
                    }
                    Err(VerificationError::MissingKey { .. }) => reason = VerifyError::UnknownSigner,
                    Err(error) => reason = VerifyError::Bad(error.to_string()),
                }
            }
        }
        Err(reason.into())
    }
}
