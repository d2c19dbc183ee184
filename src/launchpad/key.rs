//! The key that signs a PPA's indexes. The service names it by its fingerprint,
//! which is a digest of the key: whoever hands out a key of that fingerprint,
//! service or keyserver, hands out the right one. Nothing else in what they send
//! is taken.

use std::path::PathBuf;

use reqwest::Url;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto;

use super::client::Client;
use super::error::LaunchpadError;
use super::transport::Hosts;
use super::types::Archive;
use crate::fetch::cache::Found;
use crate::fetch::digest;

/// How the indexes of a PPA can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keyring {
    /// There is no key yet, hence nothing that is published.
    NotYet,
    /// A file with the key and nothing else.
    File(PathBuf),
    /// Nobody has the key; why, in words.
    Unknown(String),
}

impl Client<'_> {
    /// The key of an archive, from the cache, the service or the keyserver.
    pub(super) fn keyring(&self, archive: &Archive) -> Result<Keyring, LaunchpadError> {
        let Some(fingerprint) = &archive.signing_key_fingerprint else { return Ok(Keyring::NotYet) };
        if !fingerprint.bytes().all(|b| b.is_ascii_hexdigit()) || !matches!(fingerprint.len(), 40 | 64) {
            return Ok(Keyring::Unknown(format!("`{}` is no fingerprint", fingerprint.escape_debug())));
        }
        let cache = self.fetcher.cache();
        let question = digest::sha256(format!("launchpad key 1 {}", fingerprint.to_ascii_uppercase()).as_bytes());
        let known = cache.memo(&question).and_then(|sha256| String::from_utf8(sha256).ok());
        if let Some(sha256) = known.filter(|sha256| matches!(cache.find(sha256), Ok(Found::Whole(_)))) {
            return Ok(Keyring::File(cache.path(&sha256)));
        }
        let found = match self.signing_key(archive) {
            Ok(text) => text.and_then(|text| exactly(text.as_bytes(), fingerprint)),
            Err(error @ LaunchpadError::Offline { .. }) => return Err(error),
            Err(_) => None, // the service itself asks a keyserver, which may be down
        };
        let found = match found {
            Some(key) => Ok(key),
            None => self.ask_keyserver(fingerprint),
        };
        match found {
            Ok(key) => {
                let sha256 = cache.insert_bytes(&key)?;
                cache.set_memo(&question, sha256.as_bytes());
                Ok(Keyring::File(cache.path(&sha256)))
            }
            Err(why) => Ok(Keyring::Unknown(why)),
        }
    }

    fn ask_keyserver(&self, fingerprint: &str) -> Result<Vec<u8>, String> {
        let server = self.settings.keyserver.trim_end_matches('/');
        let url = Url::parse(&format!("{server}/pks/lookup?op=get&options=mr&search=0x{fingerprint}"))
            .map_err(|e| format!("keyserver {server} cannot be used: {e}"))?;
        let asked = self.transport(&url).and_then(|transport| transport.ask(&url, Hosts::Service(&url)));
        let bytes = asked.map_err(|e| format!("keyserver {server}: {e}"))?;
        exactly(&bytes, fingerprint)
            .ok_or_else(|| format!("neither Launchpad nor keyserver {server} has key {fingerprint}"))
    }
}

/// The one certificate of this fingerprint among those of a text, serialized.
fn exactly(text: &[u8], fingerprint: &str) -> Option<Vec<u8>> {
    let certs = CertParser::from_bytes(text).ok()?;
    let cert: Cert = certs.flatten().find(|cert| cert.fingerprint().to_hex().eq_ignore_ascii_case(fingerprint))?;
    cert.strip_secret_key_material().to_vec().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequoia_openpgp::cert::CertBuilder;

    #[test]
    fn only_the_key_of_that_fingerprint_is_taken() {
        let make = || CertBuilder::new().add_signing_subkey().generate().unwrap().0;
        let (ours, foreign) = (make(), make());
        let wanted = ours.fingerprint().to_hex();
        let both = [foreign.to_vec().unwrap(), ours.to_vec().unwrap()].concat();
        let kept = exactly(&both, &wanted).unwrap();
        let certs: Vec<Cert> = CertParser::from_bytes(&kept).unwrap().flatten().collect();
        assert_eq!(
            certs.iter().map(|cert| cert.fingerprint().to_hex()).collect::<Vec<_>>(),
            std::slice::from_ref(&wanted)
        );
        assert_eq!(exactly(&foreign.armored().to_vec().unwrap(), &wanted), None);
        assert_eq!(exactly(b"not a key", &wanted), None);
        assert!(exactly(&ours.armored().to_vec().unwrap(), &wanted.to_lowercase()).is_some());
    }
}
