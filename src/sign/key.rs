//! A secret key in this process: reading it, choosing the key that signs, and
//! refusing with words those that may not.
//!
//! The choice is GnuPG's: the newest usable signing subkey, or else the
//! primary key. What counts as usable is judged now, not at the time of
//! anything that is signed.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::cert::amalgamation::key::PrimaryKey;
use sequoia_openpgp::cert::{Cert, CertParser, ValidCert};
use sequoia_openpgp::crypto::mem::Protected;
use sequoia_openpgp::crypto::{self, KeyPair, mpi};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, SecretParts, UnspecifiedRole};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Message, Signer};
use sequoia_openpgp::types::{Curve, HashAlgorithm, PublicKeyAlgorithm, RevocationStatus, SignatureType};

use super::unlock::{self, Passphrases};
use super::{Inspection, SignError, cleartext};

/// An unlocked secret key.
pub struct NativeKey {
    pair: Checked,
    /// The certificate it belongs to, without its secrets.
    cert: Cert,
    fingerprint: String,
    description: String,
}

/// Verifies every signature before it leaves: a secret part that does not
/// belong to its public part, or a fault of the machine, must not go out (and
/// in RSA would betray the key).
#[derive(Clone)]
struct Checked(KeyPair);

impl crypto::Signer for Checked {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        self.0.public()
    }

    fn sign(&mut self, hash: HashAlgorithm, digest: &[u8]) -> sequoia_openpgp::Result<mpi::Signature> {
        let signature = crypto::Signer::sign(&mut self.0, hash, digest)?;
        self.0.public().verify(&signature, hash, digest)?;
        Ok(signature)
    }
}

impl std::fmt::Debug for NativeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NativeKey").field(&self.fingerprint).finish()
    }
}

impl NativeKey {
    /// Reads the one secret key in `bytes` (armored or binary), or that one of
    /// several which `choice` (a fingerprint or key id) names, and unlocks it.
    /// `origin` says where the bytes are from.
    pub(super) fn open(
        bytes: Vec<u8>,
        origin: &str,
        choice: Option<&str>,
        passphrases: &Passphrases<'_>,
    ) -> Result<NativeKey, SignError> {
        let bytes = Protected::from(bytes);
        let cert = read(&bytes, origin, choice)?;
        let Chosen { key, primary, .. } = choose(&cert, origin)?;
        let fingerprint = cert.fingerprint().to_hex();
        let opened = if key.has_unencrypted_secret() {
            key
        } else {
            passphrases.unlock(origin, &fingerprint, |password| unlock::decrypt(&key, primary, password))?
        };
        let user = cert.userids().next().map(|u| String::from_utf8_lossy(u.userid().value()).into_owned());
        let user = user.map(|u| format!(" ({u})")).unwrap_or_default();
        let description = format!("{} key {}{user}", algorithm_name(&opened), fingerprint);
        let wrong = |_| SignError::WrongPassphrase { origin: origin.to_string(), key: fingerprint.clone() };
        let pair = opened.into_keypair().map_err(wrong)?;
        Ok(NativeKey { pair: Checked(pair), cert: cert.strip_secret_key_material(), fingerprint, description })
    }

    /// See [`super::Signer::clearsign`].
    pub fn clearsign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        let sign = || -> sequoia_openpgp::Result<Vec<u8>> {
            let mut out = Vec::with_capacity(text.len() + 1024);
            let template = SignatureBuilder::new(SignatureType::Text);
            let mut signer = Signer::with_template(Message::new(&mut out), self.pair.clone(), template)?
                .hash_algo(HashAlgorithm::SHA512)?
                .cleartext()
                .build()?;
            signer.write_all(&cleartext::canonical(text))?;
            signer.finalize()?;
            Ok(out)
        };
        sign().map_err(|e| SignError::Failed { key: self.fingerprint.clone(), reason: e.to_string() })
    }

    /// See [`super::Signer::has_signed`].
    pub fn has_signed(&self, document: &[u8]) -> bool {
        super::verify::with_policy(document, std::slice::from_ref(&self.cert), &own_key_policy()).is_ok()
    }

    /// The certificate, without its secrets.
    pub fn cert(&self) -> &Cert {
        &self.cert
    }

    /// Of the primary key, in upper-case hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Algorithm, fingerprint and user id.
    pub fn describe(&self) -> String {
        self.description.clone()
    }
}

/// What can be told of a key without opening it; refused as [`NativeKey::open`]
/// refuses it.
pub(super) fn inspect(bytes: Vec<u8>, origin: &str, choice: Option<&str>) -> Result<Inspection, SignError> {
    let bytes = Protected::from(bytes);
    let cert = read(&bytes, origin, choice)?;
    let Chosen { key, expires, .. } = choose(&cert, origin)?;
    Ok(Inspection {
        origin: origin.to_string(),
        fingerprint: cert.fingerprint().to_hex(),
        algorithm: algorithm_name(&key),
        users: cert.userids().map(|user| String::from_utf8_lossy(user.userid().value()).into_owned()).collect(),
        expires,
        is_protected: !key.has_unencrypted_secret(),
        is_weak: false, // such a key was refused
    })
}

/// Whether a key block holds a key that `name`, a fingerprint or key id, means.
pub(super) fn holds(block: &[u8], name: &str) -> bool {
    CertParser::from_bytes(block).is_ok_and(|certs| certs.flatten().any(|cert| is_named(&cert, name)))
}

/// Whether a certificate, or one of its subkeys, has that fingerprint or key id.
fn is_named(cert: &Cert, name: &str) -> bool {
    let name = name.trim_end_matches('!').replace(' ', "");
    let name = name.strip_prefix("0x").unwrap_or(&name).to_ascii_uppercase();
    let names = |fingerprint: String| name.len() >= 16 && fingerprint.ends_with(&name);
    cert.keys().any(|key| names(key.key().fingerprint().to_hex()))
}

/// The one certificate with secrets.
fn read(bytes: &[u8], origin: &str, choice: Option<&str>) -> Result<Cert, SignError> {
    let nothing = || SignError::NotAKey { origin: origin.to_string() };
    let mut certs: Vec<Cert> = CertParser::from_bytes(bytes).map_err(|_| nothing())?.flatten().collect();
    if let Some(name) = choice {
        certs.retain(|cert| is_named(cert, name));
    }
    let first = certs.first().cloned().ok_or_else(nothing)?;
    let mut secret: Vec<Cert> = certs.into_iter().filter(Cert::is_tsk).collect();
    match secret.len() {
        0 => Err(SignError::NoSecret { origin: origin.to_string(), key: first.fingerprint().to_hex() }),
        1 => secret.pop().ok_or_else(nothing),
        _ => {
            let keys = secret.iter().map(|cert| cert.fingerprint().to_hex()).collect();
            Err(SignError::SeveralKeys { origin: origin.to_string(), keys })
        }
    }
}

/// The key that signs; whether it is the primary one; when it, or the whole
/// certificate, ends to be valid.
struct Chosen {
    key: Key<SecretParts, UnspecifiedRole>,
    primary: bool,
    expires: Option<SystemTime>,
}

/// Judges one's own key: SHA-1 in its self-signatures, as old keys have, does
/// not keep its owner from signing, as it does not with GnuPG.
pub(super) fn own_key_policy() -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::new();
    policy.accept_hash(HashAlgorithm::SHA1);
    policy
}

/// Picks the signing key of `cert`, or says why there is none.
fn choose(cert: &Cert, origin: &str) -> Result<Chosen, SignError> {
    let policy = own_key_policy();
    let (origin, fingerprint) = (origin.to_string(), cert.fingerprint().to_hex());
    let version = cert.primary_key().key().version();
    if version != 4 {
        return Err(SignError::KeyVersion { origin, key: fingerprint, version });
    }
    algorithm(&origin, cert.primary_key().key())?;
    if let RevocationStatus::Revoked(signatures) = cert.revocation_status(&policy, None) {
        return Err(revoked(&origin, &fingerprint, &signatures));
    }
    let valid = cert.with_policy(&policy, None).map_err(|e| SignError::Invalid {
        origin: origin.clone(),
        key: fingerprint.clone(),
        reason: root_cause(&e),
    })?;
    if valid.alive().is_err() {
        return Err(not_alive(&origin, &fingerprint, valid.primary_key().key_expiration_time()));
    }
    among_keys(&valid, &policy, &origin, &fingerprint)
}

/// The newest usable signing subkey, or else the primary key; the refusal of
/// the best candidate if none is usable.
fn among_keys(
    cert: &ValidCert<'_>,
    policy: &StandardPolicy<'_>,
    origin: &str,
    fingerprint: &str,
) -> Result<Chosen, SignError> {
    let mut candidates: Vec<_> = cert.keys().for_signing().collect();
    candidates.sort_by_key(|key| (!key.primary(), key.key().creation_time()));
    let mut refusals = Vec::new();
    for candidate in candidates.into_iter().rev() {
        let key = candidate.key();
        let name = key.fingerprint().to_hex();
        if let RevocationStatus::Revoked(signatures) = candidate.revocation_status() {
            refusals.push((1, revoked(origin, &name, &signatures)));
        } else if candidate.alive().is_err() {
            refusals.push((2, not_alive(origin, &name, candidate.key_expiration_time())));
        } else if let Err(refusal) = algorithm(origin, key) {
            refusals.push((3, refusal));
        } else if let Some(key) = key.clone().parts_into_secret().ok().filter(|key| unlock::has_secret(key.secret())) {
            let ends = [cert.primary_key().key_expiration_time(), candidate.key_expiration_time()];
            let expires = ends.into_iter().flatten().min();
            return Ok(Chosen { key: key.role_into_unspecified(), primary: candidate.primary(), expires });
        } else {
            refusals.push((4, SignError::NoSecret { origin: origin.to_string(), key: name }));
        }
    }
    // a key too weak for the policy is not among the valid ones
    for key in cert.cert().keys().subkeys() {
        let signs = key.binding_signature(policy, None).is_ok_and(|s| s.key_flags().is_some_and(|f| f.for_signing()));
        if let (true, Err(refusal)) = (signs, algorithm(origin, key.key())) {
            refusals.push((3, refusal));
        }
    }
    refusals.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    Err(refusals.into_iter().next().map_or_else(
        || SignError::NotForSigning { origin: origin.to_string(), key: fingerprint.to_string() },
        |(_, refusal)| refusal,
    ))
}

/// Refuses algorithms that GnuPG 2.2 or Launchpad do not know, or that are weak.
fn algorithm<P, R>(origin: &str, key: &Key<P, R>) -> Result<(), SignError>
where
    P: sequoia_openpgp::packet::key::KeyParts,
    R: sequoia_openpgp::packet::key::KeyRole,
{
    let (origin, name, algorithm) = (origin.to_string(), key.fingerprint().to_hex(), algorithm_name(key));
    #[allow(deprecated)] // old keys have them
    match key.pk_algo() {
        PublicKeyAlgorithm::RSAEncryptSign | PublicKeyAlgorithm::RSASign => match key.mpis().bits() {
            Some(bits) if bits >= 2048 => Ok(()),
            _ => Err(SignError::Weak { origin, key: name, algorithm }),
        },
        PublicKeyAlgorithm::DSA => Err(SignError::Weak { origin, key: name, algorithm }),
        PublicKeyAlgorithm::EdDSA | PublicKeyAlgorithm::ECDSA => match curve(key) {
            Some(Curve::Ed25519 | Curve::NistP256 | Curve::NistP384 | Curve::NistP521) => Ok(()),
            _ => Err(SignError::Algorithm { origin, key: name, algorithm }),
        },
        _ => Err(SignError::Algorithm { origin, key: name, algorithm }),
    }
}

/// The curve of a key on one.
fn curve<P, R>(key: &Key<P, R>) -> Option<Curve>
where
    P: sequoia_openpgp::packet::key::KeyParts,
    R: sequoia_openpgp::packet::key::KeyRole,
{
    use sequoia_openpgp::crypto::mpi::PublicKey;
    match key.mpis() {
        PublicKey::EdDSA { curve, .. } | PublicKey::ECDSA { curve, .. } | PublicKey::ECDH { curve, .. } => {
            Some(curve.clone())
        }
        _ => None,
    }
}

/// Such as `RSA-4096` or `Ed25519`.
fn algorithm_name<P, R>(key: &Key<P, R>) -> String
where
    P: sequoia_openpgp::packet::key::KeyParts,
    R: sequoia_openpgp::packet::key::KeyRole,
{
    #[allow(deprecated)]
    let family = match key.pk_algo() {
        PublicKeyAlgorithm::RSAEncryptSign | PublicKeyAlgorithm::RSASign => "RSA",
        PublicKeyAlgorithm::DSA => "DSA",
        PublicKeyAlgorithm::EdDSA | PublicKeyAlgorithm::ECDSA | PublicKeyAlgorithm::ECDH => {
            return curve(key).map_or("of an unknown curve".to_string(), |curve| curve.to_string());
        }
        other => return format!("{other}"),
    };
    key.mpis().bits().map_or(family.to_string(), |bits| format!("{family}-{bits}"))
}

fn revoked(origin: &str, key: &str, signatures: &[&sequoia_openpgp::packet::Signature]) -> SignError {
    let reason = signatures.iter().find_map(|s| s.reason_for_revocation()).map(|(code, text)| {
        let text = String::from_utf8_lossy(text);
        if text.trim().is_empty() { format!(": {code}") } else { format!(": {code} ({})", text.trim()) }
    });
    SignError::Revoked { origin: origin.to_string(), key: key.to_string(), reason: reason.unwrap_or_default() }
}

/// Expired, or made in the future.
fn not_alive(origin: &str, key: &str, expiry: Option<SystemTime>) -> SignError {
    let (origin, key) = (origin.to_string(), key.to_string());
    match expiry.filter(|time| *time <= SystemTime::now()) {
        Some(time) => SignError::Expired { origin, key, date: date(time) },
        None => SignError::Invalid { origin, key, reason: "it was made in the future; is the clock right?".into() },
    }
}

/// `2026-11-24`, in UTC.
fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX));
    jiff::Timestamp::from_second(seconds).map_or("an unknown day".into(), |t| t.strftime("%Y-%m-%d").to_string())
}

/// The innermost message: sequoia's outer ones name what the caller knows.
fn root_cause(error: &sequoia_openpgp::anyhow::Error) -> String {
    error.root_cause().to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
    use sequoia_openpgp::serialize::SerializeInto;
    use sequoia_openpgp::types::{KeyFlags, ReasonForRevocation};
    use sequoia_openpgp::{Packet, Profile};

    use super::*;

    fn builder() -> CertBuilder<'static> {
        CertBuilder::new()
            .set_profile(Profile::RFC4880)
            .unwrap()
            .add_userid("Jane Doe <jane@example.org>")
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(SystemTime::now() - Duration::from_secs(86400))
    }

    fn armored(cert: &Cert) -> Vec<u8> {
        cert.as_tsk().armored().to_vec().unwrap()
    }

    fn open(bytes: &[u8], passphrase: Option<&str>) -> Result<NativeKey, SignError> {
        NativeKey::open(bytes.to_vec(), "key.asc", None, &Passphrases::new(passphrase.map(Into::into), &|_| Ok(None)))
    }

    fn refusal(bytes: &[u8], passphrase: Option<&str>) -> String {
        open(bytes, passphrase).expect_err("refused").to_string()
    }

    #[test]
    fn signs_and_verifies() {
        let cert = builder().add_signing_subkey().generate().unwrap().0;
        let key = open(&armored(&cert), None).unwrap();
        let signed = key.clearsign(b"A: b \n- dash\nFrom x\nCaf\xe9\n").unwrap();
        let head = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nA: b\n- - dash\n";
        assert!(signed.starts_with(head), "{}", String::from_utf8_lossy(&signed));
        let verified = crate::sign::verify::verify(&signed, std::slice::from_ref(&cert)).unwrap();
        assert_eq!(verified.fingerprint, cert.fingerprint().to_hex());
        assert_ne!(verified.signing_key, verified.fingerprint);
        assert!(key.has_signed(&signed));
        assert_eq!(crate::sign::unsigned("f", &signed).unwrap(), b"A: b\n- dash\nFrom x\nCaf\xe9\n");
        let text = String::from_utf8_lossy(&signed).replace("A: b", "A: c");
        assert!(matches!(
            crate::sign::verify::verify(text.as_bytes(), &[cert]),
            Err(crate::sign::verify::VerifyError::Bad(_))
        ));
        let stranger = builder().add_signing_subkey().generate().unwrap().0;
        assert_eq!(
            crate::sign::verify::verify(&signed, &[stranger]),
            Err(crate::sign::verify::VerifyError::UnknownSigner)
        );
    }

    #[test]
    fn the_newest_usable_signing_subkey_signs() {
        let cert = builder().set_primary_key_flags(KeyFlags::empty().set_certification().set_signing());
        let only = cert.generate().unwrap().0;
        let key = open(&armored(&only), None).unwrap();
        assert_eq!(key.pair.0.public().fingerprint(), only.fingerprint());
        let cert = builder().set_primary_key_flags(KeyFlags::empty().set_certification().set_signing());
        let both = cert.add_signing_subkey().generate().unwrap().0;
        let key = open(&armored(&both), None).unwrap();
        assert_eq!(key.pair.0.public().fingerprint(), both.keys().subkeys().next().unwrap().key().fingerprint());
    }

    #[test]
    fn passphrases() {
        let cert = builder().add_signing_subkey().set_password(Some("secret".into())).generate().unwrap().0;
        let bytes = armored(&cert);
        open(&bytes, Some("secret")).unwrap();
        assert!(refusal(&bytes, Some("Secret")).contains("wrong passphrase or unsupported key"));
        assert!(refusal(&bytes, None).contains("is protected by a passphrase"));
    }

    #[test]
    fn unusable_keys_are_named() {
        let expired = builder().set_validity_period(Duration::from_secs(3600)).add_signing_subkey();
        assert!(refusal(&armored(&expired.generate().unwrap().0), None).contains("expired on 20"));
        let encryption = builder().add_storage_encryption_subkey().generate().unwrap().0;
        assert!(refusal(&armored(&encryption), None).contains("is not for signing"));
        let (cert, revocation) = builder().add_signing_subkey().generate().unwrap();
        let public = cert.armored().to_vec().unwrap();
        assert!(refusal(&public, None).starts_with("the secret part of the key"));
        let revoked = cert.clone().insert_packets(revocation).unwrap().0;
        assert!(refusal(&armored(&revoked), None).contains("is revoked"));
        let version_6 = CertBuilder::new().set_profile(Profile::RFC9580).unwrap().add_signing_subkey();
        assert!(refusal(&armored(&version_6.generate().unwrap().0), None).contains("is version 6"));
        let two = [armored(&cert), armored(&encryption)].concat();
        assert!(refusal(&two, None).contains("holds 2 secret keys"));
        for nothing in [&b""[..], b"hello", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n=abcd\n", &[0xff; 3000]] {
            assert!(refusal(nothing, None).contains("holds no OpenPGP key"), "{nothing:?}");
        }
    }

    #[test]
    fn one_of_several_is_chosen_by_its_name() {
        let one = builder().add_signing_subkey().generate().unwrap().0;
        let other = builder().add_signing_subkey().generate().unwrap().0;
        let block = [armored(&one), armored(&other)].concat();
        let name = other.keys().subkeys().next().unwrap().key().fingerprint().to_hex().to_lowercase();
        assert!(holds(&block, &name) && holds(&block, &other.keyid().to_hex()) && !holds(&block, "jane"));
        let key = NativeKey::open(block, "x", Some(&name), &Passphrases::new(None, &|_| Ok(None))).unwrap();
        assert_eq!(key.fingerprint(), other.fingerprint().to_hex());
    }

    #[test]
    fn a_revoked_subkey_leaves_the_primary_key() {
        let flags = KeyFlags::empty().set_certification().set_signing();
        let cert = builder().set_primary_key_flags(flags).add_signing_subkey().generate().unwrap().0;
        let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let subkey = cert.keys().subkeys().next().unwrap().key().clone();
        let revocation = sequoia_openpgp::cert::SubkeyRevocationBuilder::new()
            .set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"lost")
            .unwrap()
            .build(&mut signer, &cert, &subkey, None)
            .unwrap();
        let cert = cert.insert_packets(vec![Packet::from(revocation)]).unwrap().0;
        let key = open(&armored(&cert), None).unwrap();
        assert_eq!(key.pair.0.public().fingerprint(), cert.fingerprint());
    }

    #[test]
    fn a_secret_that_is_not_the_public_keys_does_not_sign() {
        let cert = builder().add_signing_subkey().generate().unwrap().0;
        let other = builder().add_signing_subkey().generate().unwrap().0;
        let mut key = open(&armored(&cert), None).unwrap();
        let stolen = open(&armored(&other), None).unwrap().pair.0.secret().clone();
        key.pair = Checked(KeyPair::new(key.pair.0.public().clone(), stolen).unwrap());
        assert!(matches!(key.clearsign(b"x\n"), Err(SignError::Failed { .. })));
    }
}
