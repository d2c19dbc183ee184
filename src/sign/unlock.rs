//! Taking the passphrase off a secret key (RFC 4880 §5.5.3).
//!
//! Not left to `Key::decrypt_secret` of `sequoia_openpgp`: GnuPG 2.4 writes the
//! secret numbers of elliptic curves at their full width, with leading zeros
//! that count as bits, which that parser takes for a malformed number. About
//! half of the keys that GnuPG 2.4 exports are like this.

use std::io::Read;

use sequoia_openpgp::crypto::mem::Protected;
use sequoia_openpgp::crypto::mpi::{self, SecretKeyChecksum};
use sequoia_openpgp::crypto::symmetric::{BlockCipherMode, Decryptor, UnpaddingMode};
use sequoia_openpgp::crypto::{Password, S2K};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{
    Encrypted, PrimaryRole, SecretKeyMaterial, SecretParts, SubordinateRole, UnspecifiedRole,
};
use sequoia_openpgp::parse::buffered_reader::Memory;
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};

use super::SignError;

/// How often a person may mistype.
const ATTEMPTS: u32 = 3;

/// Asks a person with a prompt; `None` if there is nobody to ask.
pub(super) type Ask<'a> = &'a dyn Fn(&str) -> Result<Option<Password>, SignError>;

/// Where passphrases come from: one that was given, or a person.
pub(super) struct Passphrases<'a> {
    given: Option<Password>,
    ask: Ask<'a>,
}

impl<'a> Passphrases<'a> {
    /// With a passphrase given, nobody is asked.
    pub(super) fn new(given: Option<Password>, ask: Ask<'a>) -> Passphrases<'a> {
        Passphrases { given, ask }
    }

    /// Opens `secret` with `open`, asking again if a person mistyped.
    pub(super) fn unlock<T>(
        &self,
        origin: &str,
        key: &str,
        open: impl Fn(&Password) -> Option<T>,
    ) -> Result<T, SignError> {
        let wrong = || SignError::WrongPassphrase { origin: origin.to_string(), key: key.to_string() };
        if let Some(password) = &self.given {
            return open(password).ok_or_else(wrong);
        }
        let mut asked = false;
        for _ in 0..ATTEMPTS {
            let again = if asked { "wrong passphrase, once more: " } else { "" };
            match (self.ask)(&format!("{again}passphrase of the key {key}: "))? {
                None => break,
                Some(password) => match open(&password) {
                    Some(opened) => return Ok(opened),
                    None => asked = true,
                },
            }
        }
        match asked {
            true => Err(wrong()),
            false => Err(SignError::NoPassphrase { origin: origin.to_string(), key: key.to_string() }),
        }
    }
}

/// Whether there is something to open: not a stub of an offline primary key
/// (gnu-dummy) or of a smartcard.
pub(super) fn has_secret(secret: &SecretKeyMaterial) -> bool {
    match secret {
        SecretKeyMaterial::Unencrypted(_) => true,
        SecretKeyMaterial::Encrypted(encrypted) => {
            encrypted.ciphertext().is_ok() && !matches!(encrypted.s2k(), S2K::Private { .. } | S2K::Unknown { .. })
        }
    }
}

/// The key without its passphrase; `None` for a wrong passphrase or a way of
/// protection that is not supported. What exactly went wrong is not told: it
/// cannot be known, and might quote the secret.
pub(super) fn decrypt(
    key: &Key<SecretParts, UnspecifiedRole>,
    primary: bool,
    password: &Password,
) -> Option<Key<SecretParts, UnspecifiedRole>> {
    let SecretKeyMaterial::Encrypted(encrypted) = key.secret() else {
        return Some(key.clone());
    };
    if encrypted.aead_algo().is_some() {
        // the key's tag is part of what is authenticated
        return if primary {
            let key = key.clone().role_into_primary();
            Some(Key::<SecretParts, PrimaryRole>::decrypt_secret(key, password).ok()?.role_into_unspecified())
        } else {
            let key = key.clone().role_into_subordinate();
            Some(Key::<SecretParts, SubordinateRole>::decrypt_secret(key, password).ok()?.role_into_unspecified())
        };
    }
    let plain = decrypt_cfb(encrypted, password)?;
    let secret = numbers(key.pk_algo(), checked(&plain, encrypted.checksum())?)?;
    let (public, _) = key.clone().take_secret();
    Some(public.add_secret(secret.into()).0)
}

/// Secret numbers and checksum, in CFB mode behind one block of IV.
fn decrypt_cfb(encrypted: &Encrypted, password: &Password) -> Option<Protected> {
    let algorithm = encrypted.algo();
    let derived = encrypted.s2k().derive_key(password, algorithm.key_size().ok()?).ok()?;
    let ciphertext = encrypted.ciphertext().ok()?;
    let iv = algorithm.block_size().ok()?;
    let source = Memory::with_cookie(ciphertext, Default::default());
    let mut decryptor =
        Decryptor::new(algorithm, BlockCipherMode::CFB, UnpaddingMode::None, &derived, None, source).ok()?;
    decryptor.read_exact(&mut Protected::new(iv)).ok()?;
    let mut plain = Protected::new(ciphertext.len().checked_sub(iv)?);
    decryptor.read_exact(&mut plain).ok()?;
    Some(plain)
}

/// The numbers, if the checksum behind them is right.
fn checked(plain: &[u8], checksum: Option<SecretKeyChecksum>) -> Option<&[u8]> {
    match checksum.unwrap_or_default() {
        SecretKeyChecksum::SHA1 => {
            let (numbers, expected) = plain.split_at_checked(plain.len().checked_sub(20)?)?;
            let mut hash = HashAlgorithm::SHA1.context().ok()?.for_digest();
            hash.update(numbers);
            (hash.into_digest().ok()? == expected).then_some(numbers)
        }
        SecretKeyChecksum::Sum16 => {
            let (numbers, expected) = plain.split_at_checked(plain.len().checked_sub(2)?)?;
            let sum = numbers.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
            (sum.to_be_bytes() == expected).then_some(numbers)
        }
    }
}

/// The secret numbers of `algorithm`, however many zeros lead them.
fn numbers(algorithm: PublicKeyAlgorithm, mut bytes: &[u8]) -> Option<mpi::SecretKeyMaterial> {
    let mut next = || {
        let (bits, rest) = bytes.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*bits)).div_ceil(8);
        let (number, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        Some(mpi::ProtectedMPI::from(Protected::from(number.get(zeros..)?)))
    };
    #[allow(deprecated)] // RSASign: old keys have it
    let secret = match algorithm {
        PublicKeyAlgorithm::RSAEncryptSign | PublicKeyAlgorithm::RSASign => {
            mpi::SecretKeyMaterial::RSA { d: next()?, p: next()?, q: next()?, u: next()? }
        }
        PublicKeyAlgorithm::EdDSA => mpi::SecretKeyMaterial::EdDSA { scalar: next()? },
        PublicKeyAlgorithm::ECDSA => mpi::SecretKeyMaterial::ECDSA { scalar: next()? },
        _ => return None,
    };
    bytes.is_empty().then_some(secret)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use sequoia_openpgp::crypto::Signer;
    use sequoia_openpgp::crypto::symmetric::{Encryptor, PaddingMode};
    use sequoia_openpgp::packet::key::Key4;
    use sequoia_openpgp::types::{Curve, SymmetricAlgorithm};

    use super::*;

    type Secret = Key<SecretParts, UnspecifiedRole>;

    /// The key as GnuPG 2.4 exports it: numbers at full width, leading zeros
    /// counted as bits.
    fn as_gnupg_writes(key: &Secret, width: usize, checksum: SecretKeyChecksum) -> Secret {
        let SecretKeyMaterial::Unencrypted(secret) = key.secret() else { panic!("not plain") };
        let number = secret.map(|secret| match secret {
            mpi::SecretKeyMaterial::EdDSA { scalar } | mpi::SecretKeyMaterial::ECDSA { scalar } => {
                scalar.value_padded(width)
            }
            _ => panic!("not on a curve"),
        });
        let mut plain = u16::try_from(width * 8).unwrap().to_be_bytes().to_vec();
        plain.extend_from_slice(&number);
        match checksum {
            SecretKeyChecksum::SHA1 => {
                let mut hash = HashAlgorithm::SHA1.context().unwrap().for_digest();
                hash.update(&plain);
                plain.extend(hash.into_digest().unwrap());
            }
            SecretKeyChecksum::Sum16 => {
                let sum = plain.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
                plain.extend(sum.to_be_bytes());
            }
        }
        let s2k = S2K::new_iterated(HashAlgorithm::SHA1, 1024).unwrap();
        let algorithm = SymmetricAlgorithm::AES128;
        let derived = s2k.derive_key(&"secret".into(), algorithm.key_size().unwrap()).unwrap();
        let mut ciphertext = Vec::new();
        let mut encryptor =
            Encryptor::new(algorithm, BlockCipherMode::CFB, PaddingMode::None, &derived, None, &mut ciphertext)
                .unwrap();
        encryptor.write_all(&[7; 16]).unwrap();
        encryptor.write_all(&plain).unwrap();
        encryptor.finalize().unwrap();
        let encrypted = Encrypted::new(s2k, algorithm, Some(checksum), ciphertext.into());
        key.clone().take_secret().0.add_secret(encrypted.into()).0
    }

    fn opens(key: &Secret, protected: &Secret) {
        let opened = decrypt(protected, true, &"secret".into()).expect("it opens");
        let digest = [3; 64];
        let signature = opened.into_keypair().unwrap().sign(HashAlgorithm::SHA512, &digest).unwrap();
        key.verify(&signature, HashAlgorithm::SHA512, &digest).unwrap();
        assert!(decrypt(protected, true, &"other".into()).is_none());
    }

    #[test]
    fn ed25519_keys_of_gnupg_2_4_open_whatever_their_leading_bits() {
        for first in [0, 1, 3, 0x0f, 0x10, 0x7f, 0x80, 0xff] {
            for second in [0, 1, 0x80] {
                let mut seed = [0x55; 32];
                (seed[0], seed[1]) = (first, second);
                let key = Key4::<SecretParts, UnspecifiedRole>::import_secret_ed25519(&seed, None).unwrap();
                let key = Secret::from(key);
                assert_eq!(key.pk_algo(), PublicKeyAlgorithm::EdDSA);
                opens(&key, &as_gnupg_writes(&key, 32, SecretKeyChecksum::SHA1));
                opens(&key, &as_gnupg_writes(&key, 32, SecretKeyChecksum::Sum16));
            }
        }
    }

    #[test]
    fn nist_keys_of_gnupg_2_4_open() {
        for (curve, width) in [(Curve::NistP256, 32), (Curve::NistP384, 48), (Curve::NistP521, 66)] {
            for _ in 0..8 {
                let key = Key4::<SecretParts, UnspecifiedRole>::generate_ecc(true, curve.clone()).unwrap();
                let key = Secret::from(key);
                opens(&key, &as_gnupg_writes(&key, width, SecretKeyChecksum::SHA1));
            }
        }
    }

    #[test]
    fn a_person_may_mistype_twice() {
        let asked = std::cell::RefCell::new(Vec::new());
        let open = |password: &Password| (password == &"right".into()).then_some(());
        let unlock = |answers: &[&'static str]| {
            let left = std::cell::RefCell::new(answers.to_vec());
            let ask = |prompt: &str| {
                asked.borrow_mut().push(prompt.to_string());
                let mut left = left.borrow_mut();
                Ok((!left.is_empty()).then(|| Password::from(left.remove(0))))
            };
            Passphrases::new(None, &ask).unlock("key.asc", "ABCD", open)
        };
        unlock(&["wrong", "wrong", "right"]).unwrap();
        assert_eq!(asked.borrow()[0], "passphrase of the key ABCD: ");
        assert!(asked.borrow()[1].starts_with("wrong passphrase, once more: "));
        assert!(matches!(unlock(&["wrong", "wrong", "wrong", "right"]), Err(SignError::WrongPassphrase { .. })));
        assert!(matches!(unlock(&[]), Err(SignError::NoPassphrase { .. })));
        let interrupted = |_: &str| Err(SignError::Cancelled);
        assert!(matches!(Passphrases::new(None, &interrupted).unlock("f", "A", open), Err(SignError::Cancelled)));
    }

    #[test]
    fn damage_does_not_open() {
        let key = Secret::from(Key4::<SecretParts, UnspecifiedRole>::generate_ecc(true, Curve::Ed25519).unwrap());
        let good = as_gnupg_writes(&key, 32, SecretKeyChecksum::SHA1);
        let SecretKeyMaterial::Encrypted(encrypted) = good.secret() else { panic!("not encrypted") };
        let whole = encrypted.ciphertext().unwrap();
        for length in [0, 10, 16, 17, 36, whole.len() - 1] {
            let cut = Encrypted::new(
                encrypted.s2k().clone(),
                encrypted.algo(),
                encrypted.checksum(),
                whole[..length].to_vec().into(),
            );
            let key = key.clone().take_secret().0.add_secret(cut.into()).0;
            assert!(decrypt(&key, true, &"secret".into()).is_none(), "{length}");
        }
    }
}
