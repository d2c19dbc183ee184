//! Upstream's detached OpenPGP signatures (RFC 9580, 10.4), judged by Sequoia's
//! standard policy against the recipe's keyring. The signature is over the file,
//! or, as kernel.org signs, over the tar inside of it. A key that has expired
//! since it signed is good; one that had expired when it signed is not.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use sequoia_openpgp::armor;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
};
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::Serialize;
use sequoia_openpgp::types::HashAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle, Packet};

use crate::deb::checksums::Checksums;
use crate::fetch::cache::Cache;
use crate::fetch::compression::{self, Detected};
use crate::fetch::digest;
use crate::fetch::error::FetchError;

/// A good signature.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Fingerprint of the certificate that signed.
    pub signer: String,
    /// The signature, armored, if it is over the bytes of the file itself.
    pub over_these_bytes: Option<Vec<u8>>,
    /// The keyring, armored, public parts only.
    pub keyring: Vec<u8>,
}

/// A tarball whose signature is in question.
pub struct Question<'q> {
    /// For messages.
    pub name: &'q str,
    pub tarball: &'q Path,
    pub checksums: &'q Checksums,
}

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    File,
    Tar,
}

/// A signature file that is no signature is small as well; a tarball given by
/// mistake is not read whole.
const LARGEST_SIGNATURE: u64 = 1 << 20;

/// The recipe names a keyring and no signature.
pub fn no_signature(name: String) -> FetchError {
    refused(name, "signature-missing", "the recipe names a keyring and no signature".to_string())
        .with_hint("name the detached signature: signature = \"URL\"")
}

impl Question<'_> {
    /// Verifies; a good answer is remembered for these very files.
    pub fn verify(&self, signature: &Path, keyring: &Path, cache: &Cache) -> Result<Verified, FetchError> {
        let signature = read_small(signature)?;
        let bad_keyring = |why| FetchError::Keyring { path: keyring.to_path_buf(), why };
        let keys = std::fs::read(keyring).map_err(|e| bad_keyring(e.to_string()))?;
        let certs = parse_keyring(&keys).map_err(bad_keyring)?;
        let (signer, over) = match self.recall(&signature, &keys, cache) {
            Some(known) => known,
            None => {
                let answer = self.ask(&signature, &certs)?;
                self.remember(&signature, &keys, cache, &answer);
                answer
            }
        };
        Ok(Verified {
            signer,
            over_these_bytes: if over == Over::File { Some(self.armored_signature(&signature)?) } else { None },
            keyring: armored_keyring(&keys, &certs).map_err(bad_keyring)?,
        })
    }

    /// First over the file itself, then over the tar inside. The first answer is
    /// the one to tell if both are bad.
    fn ask(&self, signature: &[u8], certs: &[Cert]) -> Result<(String, Over), FetchError> {
        self.check_form(signature)?;
        let file = File::open(self.tarball).map_err(|e| FetchError::io("read", self.tarball, e))?;
        let problem = match verify(signature, certs, file) {
            Ok(signer) => return Ok((signer, Over::File)),
            Err(problem) => problem,
        };
        if problem.code == "signature-bad" {
            if let Some(tar) = self.open_tar() {
                if let Ok(signer) = verify(signature, certs, tar) {
                    return Ok((signer, Over::Tar));
                }
            }
        }
        Err(problem.into_error(self.name))
    }

    fn open_tar(&self) -> Option<impl Read + Send + Sync + use<>> {
        let mut file = File::open(self.tarball).ok()?;
        let mut head = [0; 6];
        digest::fill(&mut file, &mut head).ok()?;
        let Detected::Usable(compression) = compression::detect(&head) else { return None };
        let tar = compression::decoder(compression, File::open(self.tarball).ok()?).ok()?;
        // a bomb is refused by archive::inspect, which comes later
        Some(tar.take(crate::fetch::archive::Limits::default().unpacked))
    }

    fn check_form(&self, signature: &[u8]) -> Result<(), FetchError> {
        let (mut signatures, mut others) = (0, 0);
        let mut parsed = PacketParser::from_bytes(signature);
        while let Ok(PacketParserResult::Some(parser)) = parsed {
            match parser.packet {
                Packet::Signature(_) => signatures += 1,
                _ => others += 1, // a certificate has signatures too
            }
            parsed = parser.next().map(|(_, next)| next);
        }
        if signatures > 0 && others == 0 && parsed.is_ok() {
            return Ok(());
        }
        Err(refused(self.name.to_string(), "signature-malformed", "its signature file holds no signature".to_string())
            .with_hint("a detached signature is meant, .asc or .sig; a clear-signed list of digests is not one"))
    }

    fn key(&self, signature: &[u8], keys: &[u8]) -> String {
        let parts = [digest::sha256(signature), digest::sha256(keys), self.checksums.sha256.clone()];
        digest::sha256(format!("signature 1 pkgr {} {}", env!("CARGO_PKG_VERSION"), parts.join(" ")).as_bytes())
    }

    fn recall(&self, signature: &[u8], keys: &[u8], cache: &Cache) -> Option<(String, Over)> {
        let answer = String::from_utf8(cache.memo(&self.key(signature, keys))?).ok()?;
        let (over, signer) = answer.split_once(' ')?;
        let over = if over == "file" { Over::File } else { Over::Tar };
        Some((signer.to_string(), over))
    }

    fn remember(&self, signature: &[u8], keys: &[u8], cache: &Cache, (signer, over): &(String, Over)) {
        let over = if *over == Over::File { "file" } else { "tar" };
        cache.set_memo(&self.key(signature, keys), format!("{over} {signer}").as_bytes());
    }

    /// Left as it is where it is armored already.
    fn armored_signature(&self, signature: &[u8]) -> Result<Vec<u8>, FetchError> {
        if signature.starts_with(b"-----BEGIN PGP SIGNATURE-----") {
            return Ok(signature.to_vec());
        }
        armored(armor::Kind::Signature, |writer| Ok(writer.write_all(signature)?))
            .map_err(|why| refused(self.name.to_string(), "signature-malformed", why))
    }
}

fn read_small(path: &Path) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_SIGNATURE).read_to_end(&mut bytes))
        .map_err(|e| FetchError::io("read", path, e))?;
    Ok(bytes)
}

/// All certificates of a keyring, binary or armored, several armored blocks too.
pub(super) fn parse_keyring(keys: &[u8]) -> Result<Vec<Cert>, String> {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    let mut starts: Vec<usize> = memchr::memmem::find_iter(keys, BEGIN).collect();
    if starts.is_empty() {
        starts.push(0);
    }
    let mut certs = Vec::new();
    for (i, start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(keys.len());
        let block = keys.get(*start..end).unwrap_or_default();
        for cert in CertParser::from_bytes(block).map_err(|e| e.to_string())? {
            certs.push(cert.map_err(|e| e.to_string())?.strip_secret_key_material());
        }
    }
    if certs.is_empty() { Err("it holds no OpenPGP certificate".to_string()) } else { Ok(certs) }
}

/// A keyring that is one armored block of public keys stays as it is.
fn armored_keyring(keys: &[u8], certs: &[Cert]) -> Result<Vec<u8>, String> {
    let blocks = memchr::memmem::find_iter(keys, b"-----BEGIN PGP ").count();
    if blocks == 1 && keys.starts_with(b"-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        return Ok(keys.to_vec());
    }
    armored(armor::Kind::PublicKey, |writer| certs.iter().try_for_each(|cert| cert.serialize(writer)))
}

fn armored(
    kind: armor::Kind,
    write: impl FnOnce(&mut armor::Writer<Vec<u8>>) -> sequoia_openpgp::Result<()>,
) -> Result<Vec<u8>, String> {
    let mut writer = armor::Writer::new(Vec::new(), kind).map_err(|e| e.to_string())?;
    write(&mut writer).map_err(|e| e.to_string())?;
    writer.finalize().map_err(|e| e.to_string())
}

/// Why a signature does not count.
#[derive(Debug)]
pub(super) struct Problem {
    pub code: &'static str,
    pub why: String,
    pub facts: Vec<String>,
}

impl Problem {
    pub fn new(code: &'static str, why: impl Into<String>) -> Problem {
        Problem { code, why: why.into(), facts: vec![] }
    }

    fn into_error(self, name: &str) -> FetchError {
        let hint = match self.code {
            "signature-no-key" => "add the signer's key to the keyring, once you have verified that it is upstream's",
            "signature-sha1" => {
                "ask upstream to sign with SHA-256 or better; until then name sha256 instead of a keyring"
            }
            "signature-key-expired" => "get the current key from upstream: its expiry may have been extended",
            "signature-bad" => "the tarball or the signature was changed after signing, or they do not belong together",
            _ => "verify by hand what upstream signs with",
        };
        FetchError::Signature {
            name: name.to_string(),
            code: self.code,
            why: self.why,
            facts: self.facts,
            hint: Some(hint.to_string()),
        }
    }
}

fn refused(name: String, code: &'static str, why: String) -> FetchError {
    FetchError::Signature { name, code, why, facts: vec![], hint: None }
}

impl FetchError {
    fn with_hint(mut self, words: &str) -> FetchError {
        if let FetchError::Signature { hint, .. } = &mut self {
            *hint = Some(words.to_string());
        }
        self
    }
}

/// One good signature is enough: an upstream may sign with several keys, of
/// which the keyring need not have all. Returns the fingerprint of the signer.
fn verify(signature: &[u8], certs: &[Cert], data: impl Read + Send + Sync) -> Result<String, Problem> {
    let policy = StandardPolicy::new();
    let helper = Helper { certs, signer: None, problems: vec![] };
    let malformed = |e: &dyn std::fmt::Display| Problem::new("signature-malformed", e.to_string());
    let mut verifier = DetachedVerifierBuilder::from_bytes(signature)
        .and_then(|builder| builder.with_policy(&policy, None, helper))
        .map_err(|e| malformed(&e))?;
    let result = verifier.verify_reader(data);
    let helper = verifier.into_helper();
    if let Some(signer) = helper.signer {
        return result.map(|()| signer).map_err(|e| malformed(&e));
    }
    Err(closest(helper.problems).unwrap_or_else(|| match result {
        Err(e) => malformed(&e),
        Ok(()) => Problem::new("signature-malformed", "the signature file holds no signature"),
    }))
}

/// What comes closest to a good one says the most.
pub(super) fn closest(problems: Vec<Problem>) -> Option<Problem> {
    problems.into_iter().max_by_key(|problem| match problem.code {
        "signature-no-key" => 0,
        "signature-malformed" => 1,
        _ => 2,
    })
}

struct Helper<'h> {
    certs: &'h [Cert],
    signer: Option<String>,
    problems: Vec<Problem>,
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
                    Ok(good) => self.signer = Some(good.ka.cert().fingerprint().to_hex()),
                    Err(error) => self.problems.push(problem(&error)),
                }
            }
        }
        Ok(())
    }
}

/// Why one signature of a message does not count.
pub(super) fn problem(error: &VerificationError) -> Problem {
    let issuer = |sig: &Signature| match sig.get_issuers().first() {
        Some(handle) => handle.to_hex(),
        None => "an unnamed key".to_string(),
    };
    let weak = |sig: &Signature| match sig.hash_algo() {
        HashAlgorithm::SHA1 => Some("SHA-1"),
        HashAlgorithm::MD5 => Some("MD5"),
        HashAlgorithm::RipeMD => Some("RIPEMD-160"),
        _ => None,
    };
    let with_weak = |sig: &Signature, other: Problem| match weak(sig) {
        Some(hash) => {
            let why = format!("the signature by {} uses {hash}, which can be forged", issuer(sig));
            Problem { facts: vec![], ..Problem::new("signature-sha1", why) }
        }
        None => other,
    };
    match error {
        VerificationError::MissingKey { sig } => {
            Problem::new("signature-no-key", format!("the keyring lacks the key that signed it, {}", issuer(sig)))
        }
        VerificationError::UnboundKey { sig, cert, error } => {
            let why = format!("the key {} in certificate {} cannot be trusted", issuer(sig), cert.fingerprint());
            let problem = Problem { facts: causes(error.as_ref()), ..Problem::new("signature-bad-key", why) };
            with_weak(sig, problem)
        }
        VerificationError::BadKey { sig, ka, error } => {
            let time = sig.signature_creation_time().unwrap_or(std::time::SystemTime::UNIX_EPOCH);
            let dead = ka.valid_cert().alive().is_err() || ka.alive().is_err();
            let (code, state) = match dead {
                true => ("signature-key-expired", "had expired when it signed"),
                false => ("signature-bad-key", "was not fit to sign"),
            };
            let why = format!("the key {} {state}", issuer(sig));
            let mut facts = causes(error.as_ref());
            if let Ok(time) = jiff::Timestamp::try_from(time) {
                facts.insert(0, format!("the signature was made at {time}"));
            }
            with_weak(sig, Problem { code, why, facts })
        }
        VerificationError::BadSignature { sig, error, .. } => {
            let expired = matches!(error.downcast_ref(), Some(sequoia_openpgp::Error::Expired(_)));
            let (code, state) = match expired {
                true => ("signature-expired", "is no longer valid"),
                false => ("signature-bad", "does not match the bytes"),
            };
            let why = format!("the signature by {} {state}", issuer(sig));
            with_weak(sig, Problem { facts: causes(error.as_ref()), ..Problem::new(code, why) })
        }
        other => Problem::new("signature-malformed", other.to_string()),
    }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut facts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(inner) = source {
        facts.push(inner.to_string());
        source = inner.source();
    }
    facts
}
