//! What the PPA's own apt index lists, which is what users can install. Verified
//! by the PPA's key as every archive is. Where nobody has that key, or it is too
//! weak to prove anything (PPAs of before 2014 have RSA of 1024 bits), the digests
//! of the packages are compared with those that the service tells over TLS.

use std::path::PathBuf;

use reqwest::Url;

use super::Ppa;
use super::client::Client;
use super::error::LaunchpadError;
use super::key::Keyring;
use super::transport::Hosts;
use super::types::{Archive, BinaryPublication, SourcePublication};
use crate::deb::control;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::apt::{Archives, Pocket, Scope, Settings, Wanted, search};
use crate::fetch::compression::{Compression, decoder};
use crate::series::Catalog;

/// An index of a PPA is smaller by far.
const LARGEST_INDEX: u64 = 512 << 20;

/// The indexes of a PPA at one moment: each Release file is read once.
pub(super) struct Index<'c> {
    client: &'c Client<'c>,
    base: String,
    trust: Trust<'c>,
}

enum Trust<'c> {
    /// There is no key yet, so there is no index.
    Nothing,
    Verified(Box<Archives<'c>>),
    /// The key cannot be had, and why.
    Compared(String),
}

/// A binary package as an unverified index lists it.
struct Listed {
    package: String,
    version: String,
    sha256: String,
}

impl<'c> Index<'c> {
    /// Gets the key; reads no index yet.
    pub fn open(client: &'c Client<'c>, ppa: &Ppa, archive: &Archive) -> Result<Index<'c>, Failure> {
        let base = client.settings.archive.trim_end_matches('/');
        let base = format!("{base}/{}/{}/{}", ppa.owner, ppa.name, ppa.distribution);
        let trust = match client.keyring(archive)? {
            Keyring::NotYet => Trust::Nothing,
            Keyring::File(keyring) => {
                Trust::Verified(Box::new(Archives::new(&client.fetcher, settings(&base, keyring))))
            }
            Keyring::Unknown(why) => Trust::Compared(why),
        };
        Ok(Index { client, base, trust })
    }

    /// The names of those packages that apt would not find.
    pub fn missing(
        &self,
        source: &SourcePublication,
        architecture: &str,
        wanted: &[&BinaryPublication],
    ) -> Result<Vec<String>, Failure> {
        match &self.trust {
            Trust::Nothing => Ok(names(wanted)),
            Trust::Verified(archives) => match verified(archives, source, architecture, wanted) {
                Err(failure) if has_code(&failure, "apt-no-suite") => Ok(names(wanted)),
                Err(failure) if has_code(&failure, "apt-bad-signature") => {
                    self.compared(source, architecture, wanted, &failure.to_string())
                }
                done => done,
            },
            Trust::Compared(why) => self.compared(source, architecture, wanted, why),
        }
    }

    /// The names of those packages that an unverified index does not list. What
    /// it lists must have the digest that the service tells.
    fn compared(
        &self,
        source: &SourcePublication,
        architecture: &str,
        wanted: &[&BinaryPublication],
        why: &str,
    ) -> Result<Vec<String>, Failure> {
        self.client.not_verified.call_once(|| {
            let message = "the PPA's index cannot be verified by its key: digests are compared with Launchpad's own";
            self.client.listener.tell(Diagnostic::warning("ppa-not-verified", message).because(why));
        });
        let listed = self.listed(source.series(), architecture, wanted)?;
        let mut missing = Vec::new();
        for binary in wanted {
            let is_it = |listed: &&Listed| {
                listed.package == binary.binary_package_name && listed.version == binary.binary_package_version
            };
            match listed.iter().find(is_it) {
                None => missing.push(binary.binary_package_name.clone()),
                Some(listed) => {
                    let files = self.client.binary_files(binary)?;
                    let same = |file: &&str| file.eq_ignore_ascii_case(&listed.sha256);
                    if files.iter().filter_map(|file| file.sha256.as_deref()).find(same).is_none() {
                        return Err(contradiction(architecture, listed));
                    }
                }
            }
        }
        Ok(missing)
    }

    /// What an unverified index has under the names of these packages.
    fn listed(
        &self,
        series: &str,
        architecture: &str,
        wanted: &[&BinaryPublication],
    ) -> Result<Vec<Listed>, LaunchpadError> {
        let url = format!("{}/dists/{series}/main/binary-{architecture}/Packages.gz", self.base);
        let url = Url::parse(&url).map_err(|e| LaunchpadError::BadAddress { url, why: e.to_string() })?;
        let names: Vec<&str> = wanted.iter().map(|binary| binary.binary_package_name.as_str()).collect();
        let found = self.client.transport(&url)?.stream(&url, Hosts::Service(&url), |body| {
            let mut found = Vec::new();
            search(decoder(Compression::Gzip, body)?, LARGEST_INDEX, Wanted::Packages(&names), |stanza| {
                found.extend(read(stanza));
            })?;
            Ok(found)
        });
        match found {
            Err(error) if error.is_missing() => Ok(vec![]),
            done => done,
        }
    }
}

fn settings(base: &str, keyring: PathBuf) -> Settings {
    Settings {
        ubuntu: Some(base.to_string()),
        ubuntu_security: Some(base.to_string()),
        ubuntu_old: Some(base.to_string()),
        ubuntu_ports: Some(base.to_string()),
        keyring: Some(keyring),
        ..Settings::default()
    }
}

fn verified(
    archives: &Archives,
    source: &SourcePublication,
    architecture: &str,
    wanted: &[&BinaryPublication],
) -> Result<Vec<String>, Failure> {
    let catalog = Catalog::newest(std::path::Path::new("/"));
    let series = catalog.find(source.series()).ok_or_else(|| unknown(source.series()))?;
    let components = vec!["main".to_string()]; // a PPA has no other
    let scope = Scope { series: series.clone(), pockets: vec![Pocket::Release], components };
    let listed = archives.binaries_of_source(&source.source_package_name, architecture, &scope)?;
    let is_listed = |binary: &&&BinaryPublication| {
        let version = Version::parse(&binary.binary_package_version).ok();
        listed.iter().any(|l| l.package == binary.binary_package_name && Some(&l.version) == version.as_ref())
    };
    let missing: Vec<&BinaryPublication> = wanted.iter().filter(|binary| !is_listed(binary)).copied().collect();
    Ok(names(&missing))
}

fn names(binaries: &[&BinaryPublication]) -> Vec<String> {
    binaries.iter().map(|binary| binary.binary_package_name.clone()).collect()
}

fn read(stanza: &[u8]) -> Option<Listed> {
    let paragraphs = control::parse_bytes(stanza).ok()?;
    let paragraph = paragraphs.first()?;
    let field = |name: &str| paragraph.get(name).map(|value| value.trim().to_string());
    Some(Listed { package: field("Package")?, version: field("Version")?, sha256: field("SHA256")? })
}

fn has_code(failure: &Failure, code: &str) -> bool {
    failure.diagnostics.iter().any(|diagnostic| diagnostic.code == code)
}

fn unknown(series: &str) -> Failure {
    let message = format!("series {series} is newer than this pkgr, so the PPA's index of it cannot be read");
    Failure::environment(Diagnostic::error("unknown-series", message).hint("install a newer distro-info-data"))
}

fn contradiction(architecture: &str, listed: &Listed) -> Failure {
    let Listed { package, version, sha256 } = listed;
    let message = format!("the PPA's index lists another {package} {version} ({architecture}) than Launchpad built");
    let diagnostic = Diagnostic::error("ppa-index-contradicts", message);
    Failure::environment(diagnostic.because(format!("the index says sha256 {sha256}")))
}
