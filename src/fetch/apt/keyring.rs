//! The keys that an archive's indexes are signed with: compiled in, replaced by
//! the machine's own keyring package where that is newer, or by a keyring that
//! the user names.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sequoia_openpgp::Cert;

use crate::fetch::cache::Cache;
use crate::fetch::error::FetchError;
use crate::fetch::{digest, signature};
use crate::series::Distro;

const DEBIAN: &[u8] = include_bytes!("../../keyrings/debian-archive-keyring.gpg");
const UBUNTU: &[u8] = include_bytes!("../../keyrings/ubuntu-archive-keyring.gpg");

/// Certificates, not yet parsed.
#[derive(Debug, Clone)]
pub struct Keyring {
    bytes: Cow<'static, [u8]>,
    /// For messages: a path, or that it is pkgr's own.
    pub name: String,
    /// Of the bytes.
    pub sha256: String,
}

impl Keyring {
    fn new(bytes: impl Into<Cow<'static, [u8]>>, name: String) -> Keyring {
        let bytes = bytes.into();
        Keyring { sha256: digest::sha256(&bytes), bytes, name }
    }

    /// The keyring that the user names.
    pub fn named(path: &Path) -> Result<Keyring, FetchError> {
        let bytes =
            std::fs::read(path).map_err(|e| FetchError::Keyring { path: path.to_path_buf(), why: e.to_string() })?;
        Ok(Keyring::new(bytes, path.display().to_string()))
    }

    /// The one compiled in, or the machine's (below `root`) if its newest
    /// signature is newer: keys are added and their expiry moved by new ones.
    pub fn newest(distro: Distro, root: &Path, cache: &Cache) -> Keyring {
        let shipped = match distro {
            Distro::Debian => DEBIAN,
            Distro::Ubuntu => UBUNTU,
        };
        let shipped = Keyring::new(shipped, format!("pkgr's own {} keyring", distro.vendor()));
        let folder = root.join("usr/share/keyrings");
        let names = ["pgp", "gpg"].map(|end| folder.join(format!("{distro}-archive-keyring.{end}")));
        let own = names.iter().find_map(|path| Keyring::named(path).ok());
        match own {
            Some(own) if own.sha256 != shipped.sha256 && own.age(cache) > shipped.age(cache) => own,
            _ => shipped,
        }
    }

    /// The parsed certificates.
    pub fn certs(&self) -> Result<Vec<Cert>, FetchError> {
        signature::parse_keyring(&self.bytes)
            .map_err(|why| FetchError::Keyring { path: PathBuf::from(&self.name), why })
    }

    /// Seconds since 1970 of its newest signature; 0 if it cannot be read.
    fn age(&self, cache: &Cache) -> u64 {
        let question = digest::sha256(format!("newest signature 1 {}", self.sha256).as_bytes());
        let known = cache.memo(&question).and_then(|answer| String::from_utf8(answer).ok()?.parse().ok());
        known.unwrap_or_else(|| {
            let newest = self.certs().unwrap_or_default().iter().filter_map(newest_signature).max().unwrap_or(0);
            cache.set_memo(&question, newest.to_string().as_bytes());
            newest
        })
    }
}

fn newest_signature(cert: &Cert) -> Option<u64> {
    let components = cert.keys().flat_map(|key| key.signatures().cloned().collect::<Vec<_>>());
    let names = cert.userids().flat_map(|name| name.self_signatures().cloned().collect::<Vec<_>>());
    let times = components.chain(names).filter_map(|signature| signature.signature_creation_time());
    times.filter_map(|time| Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_key_can_sign() {
        let policy = super::super::verify::policy();
        for (distro, least) in [(Distro::Debian, 9), (Distro::Ubuntu, 3)] {
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache::new(Some(folder.path().join("cache"))).unwrap();
            let certs = Keyring::newest(distro, folder.path(), &cache).certs().unwrap();
            assert!(certs.len() >= least, "{distro}: {}", certs.len());
            for cert in &certs {
                let valid = cert.with_policy(&policy, None).unwrap_or_else(|e| panic!("{}: {e}", cert.fingerprint()));
                assert!(valid.keys().for_signing().count() > 0, "{}", cert.fingerprint());
            }
        }
    }

    #[test]
    fn the_machines_keyring_goes_first_only_if_it_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().join("cache"))).unwrap();
        let keyrings = folder.path().join("usr/share/keyrings");
        std::fs::create_dir_all(&keyrings).unwrap();
        let own = keyrings.join("ubuntu-archive-keyring.gpg");
        std::fs::write(&own, DEBIAN).unwrap(); // its newest signature is of 2025, Ubuntu's of 2018
        assert_eq!(Keyring::newest(Distro::Ubuntu, folder.path(), &cache).name, own.display().to_string());
        std::fs::rename(&own, keyrings.join("debian-archive-keyring.pgp")).unwrap();
        std::fs::write(keyrings.join("debian-archive-keyring.pgp"), UBUNTU).unwrap();
        assert!(Keyring::newest(Distro::Debian, folder.path(), &cache).name.starts_with("pkgr's own"));
        std::fs::write(keyrings.join("debian-archive-keyring.pgp"), "rubbish").unwrap();
        assert!(Keyring::newest(Distro::Debian, folder.path(), &cache).name.starts_with("pkgr's own"));
    }
}
