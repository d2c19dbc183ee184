//! The apt index of a PPA as Launchpad writes it: one component, all architectures
//! in one Release file, indexes also by hash, signed by the PPA's own key.

use std::collections::BTreeMap;
use std::io::Write;

use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{Message, Signer};

use pkgr::deb::checksums::Checksums;

use super::{Publication, State};

/// A throwaway key.
pub struct SigningKey(Cert);

impl SigningKey {
    pub fn new(user: &str) -> SigningKey {
        SigningKey(CertBuilder::new().add_userid(user).add_signing_subkey().generate().unwrap().0)
    }

    /// A public key that somebody else signs with.
    pub fn public(bytes: &[u8]) -> SigningKey {
        SigningKey(Cert::from_bytes(bytes).unwrap())
    }

    /// 40 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint().to_hex()
    }

    /// The public key, armored.
    pub fn armored(&self) -> String {
        String::from_utf8(self.0.armored().to_vec().unwrap()).unwrap()
    }

    fn clearsign(&self, text: &str) -> Vec<u8> {
        let policy = StandardPolicy::new();
        let key = self.0.keys().secret().with_policy(&policy, None).for_signing().next().unwrap().key().clone();
        let mut signed = Vec::new();
        let signer = Signer::new(Message::new(&mut signed), key.into_keypair().unwrap()).unwrap().cleartext();
        let mut message = signer.build().unwrap();
        message.write_all(text.as_bytes()).unwrap();
        message.finalize().unwrap();
        signed
    }
}

/// What a binary package is here: bytes that nobody unpacks.
pub fn package_bytes(name: &str, version: &str, architecture: &str) -> Vec<u8> {
    format!("{name} {version} {architecture}").into_bytes()
}

/// The files of one series below `/ppa/OWNER/NAME/ubuntu`.
pub fn index(state: &State, owner: &str, name: &str, series: &str) -> BTreeMap<String, Vec<u8>> {
    let ppa = state.ppa(owner, name).expect("no such PPA");
    let folder = format!("/ppa/{owner}/{name}/ubuntu/dists/{series}");
    let listed: Vec<&Publication> = state
        .publications
        .iter()
        .filter(|p| p.indexed && p.status == "Published")
        .filter(|p| [&p.upload.owner, &p.upload.ppa, &p.upload.series].map(String::as_str) == [owner, name, series])
        .collect();
    let mut files = BTreeMap::new();
    let mut digests = String::new();
    let architectures = ["amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x"];
    for architecture in architectures {
        let text = packages(&listed, architecture);
        for (ending, bytes) in [("", text.clone().into_bytes()), (".gz", gzip(text.as_bytes()))] {
            let path = format!("main/binary-{architecture}/Packages{ending}");
            let sums = Checksums::of(&bytes);
            digests.push_str(&format!(" {} {:>16} {path}\n", sums.sha256, bytes.len()));
            let by_hash = format!("{folder}/main/binary-{architecture}/by-hash/SHA256/{}", sums.sha256);
            files.insert(by_hash, bytes.clone());
            files.insert(format!("{folder}/{path}"), bytes);
        }
    }
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S UTC");
    let release = format!(
        "Origin: LP-PPA-{owner}-{name}\nLabel: {name}\nSuite: {series}\nCodename: {series}\nDate: {date}\n\
         Architectures: {}\nComponents: main\nDescription: Ubuntu {series}\nAcquire-By-Hash: yes\nSHA256:\n{digests}",
        architectures.join(" ")
    );
    files.insert(format!("{folder}/InRelease"), ppa.key.clearsign(&release));
    files
}

fn packages(listed: &[&Publication], architecture: &str) -> String {
    let mut text = String::new();
    for publication in listed {
        let upload = &publication.upload;
        if !upload.architectures.iter().any(|name| name == architecture) {
            continue;
        }
        for name in &upload.binaries {
            let (source, version) = (&upload.source, &upload.version);
            let named = if name == source { String::new() } else { format!("Source: {source}\n") };
            let bytes = package_bytes(name, version, architecture);
            let file = version.split_once(':').map_or(version.as_str(), |(_, rest)| rest);
            text.push_str(&format!(
                "Package: {name}\n{named}Version: {version}\nArchitecture: {architecture}\nMaintainer: A <a@example.org>\n\
                 Filename: pool/main/{}/{source}/{name}_{file}_{architecture}.deb\nSize: {}\nSHA256: {}\n\
                 Description: {name}\n\n",
                &source[..1],
                bytes.len(),
                Checksums::of(&bytes).sha256
            ));
        }
    }
    text
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
