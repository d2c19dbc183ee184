//! The certificates at hand that signatures of an upload are verified with: of
//! the user's signing key, and what the user's GnuPG has of the signers.

use std::process::{Command, Stdio};

use sequoia_openpgp::cert::{Cert, CertParser};
use sequoia_openpgp::packet::Packet;
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};

const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";

/// The certificates of a keyring or key file, armored or not; none where it
/// holds none. Secret parts are left out.
pub fn of_bytes(bytes: &[u8]) -> Vec<Cert> {
    let parser = CertParser::from_bytes(bytes);
    parser.into_iter().flatten().filter_map(Result::ok).map(|cert| cert.strip_secret_key_material()).collect()
}

/// `known`, and from GnuPG those of the signers of `documents` that are missing
/// among them. One call of gpg at most.
pub fn with_those_of_gpg(mut known: Vec<Cert>, documents: &[&[u8]]) -> Vec<Cert> {
    let mut missing: Vec<String> = Vec::new();
    for issuer in documents.iter().flat_map(|document| issuers(document)) {
        let is_known = known.iter().any(|cert| cert.keys().any(|key| key.key().key_handle().aliases(&issuer)));
        let issuer = issuer.to_hex();
        if !is_known && !missing.contains(&issuer) {
            missing.push(issuer);
        }
    }
    if !missing.is_empty() {
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--no-tty", "--quiet", "--export", "--"]).args(missing);
        // without gpg, or without the key, the signature stays unverified, and that is told
        if let Ok(output) = gpg.stdin(Stdio::null()).stderr(Stdio::null()).output() {
            known.extend(of_bytes(&output.stdout));
        }
    }
    known
}

/// Who claims to have made the signatures of a cleartext signed document.
fn issuers(document: &[u8]) -> Vec<sequoia_openpgp::KeyHandle> {
    let Some(start) = memchr::memmem::find(document, SIGNATURE) else { return Vec::new() };
    let mut found = Vec::new();
    let mut parsed = PacketParser::from_bytes(document.get(start..).unwrap_or_default());
    while let Ok(PacketParserResult::Some(parser)) = parsed {
        if let Packet::Signature(signature) = &parser.packet {
            found.extend(signature.get_issuers());
        }
        parsed = parser.next().map(|(_, rest)| rest);
    }
    found
}
