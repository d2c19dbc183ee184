//! A suite's Release file: asked for, verified, judged, and remembered, so that an
//! unchanged one costs a conditional request and an older one is not believed.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::AptError;
use super::machine::Mirror;
use super::release::{Distrust, Release};
use super::suite::Suite;
use super::verify::{self, Signer};
use super::{Archives, Verified, sites};
use crate::diagnostic::Diagnostic;
use crate::fetch::cache::Found;
use crate::fetch::digest;
use crate::fetch::error::FetchError;
use crate::fetch::http::{Answer, Known};
use crate::series::Distro;

/// Release files have some hundred kilobytes.
const LARGEST_RELEASE: u64 = 32 << 20;

/// The last Release file of an address that was verified.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Last {
    /// SHA-256 of InRelease, or of Release where `signature` is there.
    file: String,
    /// SHA-256 of Release.gpg.
    signature: Option<String>,
    known: Known,
}

/// What verifying gave, kept under the SHA-256 of everything it depends on.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answered {
    signer: Signer,
    /// SHA-256 of the text that is signed.
    text: String,
}

/// What a server has of a small file.
enum Asked {
    Same(Last),
    New(Vec<u8>, Known),
    Missing(FetchError),
}

impl Archives<'_> {
    /// The verified Release file of a suite; `None` where the archive may lack
    /// the suite and does.
    pub(super) fn verified(
        &self,
        suite: &Suite,
        architecture: Option<&str>,
    ) -> Result<Option<Arc<Verified>>, AptError> {
        let mut looked = Vec::new();
        for site in sites::sites(&self.settings, self.machine(), suite, architecture)? {
            let folder = format!("{}/dists/{suite}", site.url);
            let seen = self.releases.lock().unwrap_or_else(|e| e.into_inner()).get(&folder).cloned();
            let seen = match seen {
                Some(seen) => seen,
                None => {
                    let seen = match self.bring_release(suite, &site, &folder) {
                        Ok(verified) => Some(Arc::new(verified)),
                        Err(error) if error.is_missing() => None,
                        Err(error) => return Err(error),
                    };
                    self.releases.lock().unwrap_or_else(|e| e.into_inner()).insert(folder.clone(), seen.clone());
                    seen
                }
            };
            match seen {
                Some(verified) => return Ok(Some(verified)),
                None => looked.push(folder),
            }
        }
        if suite.may_be_missing(&self.settings.today()) {
            self.fetcher.listener.detail(&format!("no archive has {suite}"));
            return Ok(None);
        }
        Err(AptError::NoSuite { suite: suite.to_string(), looked })
    }

    /// Forgets what was seen of a suite, so that it is asked for again.
    pub(super) fn forget(&self, verified: &Verified) {
        let folder = format!("{}/dists/{}", verified.site.url, verified.suite);
        self.releases.lock().unwrap_or_else(|e| e.into_inner()).remove(&folder);
    }

    fn bring_release(&self, suite: &Suite, site: &Mirror, folder: &str) -> Result<Verified, AptError> {
        let cache = &self.fetcher.cache;
        let question = digest::sha256(format!("apt release 1 {folder}").as_bytes());
        let last: Option<Last> = cache.memo(&question).and_then(|text| serde_json::from_slice(&text).ok());
        let last = last.filter(|last| std::iter::once(&last.file).chain(&last.signature).all(|sum| self.is_there(sum)));
        let newest = match (&last, self.fetcher.options.offline) {
            (Some(last), true) => last.clone(),
            (None, true) => return Err(AptError::Offline { suite: suite.to_string() }),
            (last, false) => self.ask_for_release(folder, last.as_ref())?,
        };
        let mut release = self.open_release(suite, site, folder, &newest)?;
        match last {
            Some(last) if last.file == newest.file && last.known == newest.known => {}
            Some(last) if last.file != newest.file && self.is_older(&release, &last, suite, site, folder) => {
                let message = format!("{folder} went back in time: its newer Release file of before is used");
                self.fetcher.listener.tell(Diagnostic::warning("apt-went-back", message));
                release = self.open_release(suite, site, folder, &last)?;
            }
            _ => {
                if let Ok(text) = serde_json::to_vec(&newest) {
                    cache.set_memo(&question, &text);
                }
            }
        }
        Ok(Verified { release, site: site.clone(), suite: suite.clone() })
    }

    fn is_there(&self, sha256: &str) -> bool {
        matches!(self.fetcher.cache.find(sha256), Ok(Found::Whole(_)))
    }

    fn is_older(&self, release: &Release, last: &Last, suite: &Suite, site: &Mirror, folder: &str) -> bool {
        self.open_release(suite, site, folder, last).is_ok_and(|before| release.date < before.date)
    }

    /// InRelease if it is there and changed; else Release and Release.gpg.
    fn ask_for_release(&self, folder: &str, last: Option<&Last>) -> Result<Last, AptError> {
        let url = format!("{folder}/InRelease");
        match self.ask(&url, last.filter(|last| last.signature.is_none()))? {
            Asked::Same(last) => return Ok(last),
            Asked::New(bytes, known) if verify::is_signed_text(&bytes) => {
                return Ok(Last { file: self.fetcher.cache.insert_bytes(&bytes)?, signature: None, known });
            }
            Asked::New(..) => return Err(AptError::Unsigned { url }),
            Asked::Missing(_) => {}
        }
        let url = format!("{folder}/Release");
        let (bytes, known) = match self.ask(&url, last.filter(|last| last.signature.is_some()))? {
            Asked::Same(last) => return Ok(last),
            Asked::New(bytes, known) => (bytes, known),
            Asked::Missing(error) => return Err(error.into()),
        };
        match self.ask(&format!("{url}.gpg"), None)? {
            Asked::New(signature, _) => {
                let signature = Some(self.fetcher.cache.insert_bytes(&signature)?);
                Ok(Last { file: self.fetcher.cache.insert_bytes(&bytes)?, signature, known })
            }
            _ => Err(AptError::Unsigned { url }),
        }
    }

    /// Asks for a small file, conditionally if there is a copy.
    fn ask(&self, url: &str, last: Option<&Last>) -> Result<Asked, AptError> {
        let known = last.map(|last| last.known.clone()).unwrap_or_default();
        match (self.fetcher.download(None)?.ask(url, &known, LARGEST_RELEASE), last) {
            (Ok(Answer::Body(bytes, known)), _) => Ok(Asked::New(bytes, known)),
            (Ok(Answer::Unchanged), Some(last)) => Ok(Asked::Same(last.clone())),
            (Ok(Answer::Unchanged), None) => {
                Err(AptError::BadRelease { url: url.to_string(), why: "the server sent nothing".to_string() })
            }
            (Err(error), _) if error.is_missing() => Ok(Asked::Missing(error)),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Verifies, parses and judges a Release file of the cache.
    fn open_release(&self, suite: &Suite, site: &Mirror, folder: &str, file: &Last) -> Result<Release, AptError> {
        let now = self.settings.now();
        let name = if file.signature.is_some() { "Release" } else { "InRelease" };
        let url = || format!("{folder}/{name}");
        let (text, signer) = self.signed_text(suite.series.distro, file, now, &url())?;
        if signer.is_expired(now) && !suite.series.is_eol(&self.settings.today()) {
            let seconds = signer.expires.and_then(|expires| i64::try_from(expires).ok()).unwrap_or(0);
            let expired = Timestamp::from_second(seconds).unwrap_or(now);
            return Err(AptError::KeyExpired { url: url(), signer: signer.fingerprint, expired });
        }
        let release = Release::parse(&text).map_err(|why| AptError::BadRelease { url: url(), why })?;
        match release.judge(suite, now) {
            Ok(()) => Ok(release),
            Err(Distrust::Other(found)) => Err(AptError::WrongSuite { url: url(), suite: suite.to_string(), found }),
            Err(Distrust::Future(date)) => Err(AptError::Future { url: url(), date }),
            Err(Distrust::Expired(until)) if site.stale => {
                let message = format!("{} was valid until {until} only", url());
                let note = Diagnostic::warning("apt-release-stale", message)
                    .because("apt's configuration on this machine says not to check it");
                self.fetcher.listener.tell(note);
                Ok(release)
            }
            Err(Distrust::Expired(until)) => Err(AptError::Expired { url: url(), until }),
        }
    }

    /// The text that is signed; a good answer is remembered for these very bytes
    /// and this very keyring.
    fn signed_text(
        &self,
        distro: Distro,
        file: &Last,
        now: Timestamp,
        url: &str,
    ) -> Result<(Vec<u8>, Signer), AptError> {
        let cache = &self.fetcher.cache;
        let read = |sha256: &str| -> Result<Vec<u8>, AptError> {
            let path = cache.path(sha256);
            std::fs::read(&path).map_err(|e| FetchError::io("read", &path, e).into())
        };
        let keys = self.keys(distro)?;
        let parts = [&file.file, file.signature.as_ref().unwrap_or(&file.file), &keys.keyring.sha256];
        let parts = parts.map(String::as_str).join(" ");
        let question = digest::sha256(format!("apt signature 1 {} {parts}", env!("CARGO_PKG_VERSION")).as_bytes());
        let known = cache.memo(&question).and_then(|text| serde_json::from_slice::<Answered>(&text).ok());
        if let Some(known) = known.filter(|known| self.is_there(&known.text)) {
            return Ok((read(&known.text)?, known.signer));
        }
        let certs = match keys.certs.get() {
            Some(certs) => certs,
            None => {
                let certs = keys.keyring.certs()?;
                keys.certs.get_or_init(|| certs)
            }
        };
        let bytes = read(&file.file)?;
        let verified = match &file.signature {
            Some(signature) => verify::detached(&bytes, &read(signature)?, certs, now).map(|signer| (bytes, signer)),
            None => verify::cleartext(&bytes, certs, now),
        };
        let (text, signer) = verified.map_err(|problem| AptError::Signature {
            url: url.to_string(),
            keyring: keys.keyring.name.clone(),
            code: problem.code,
            why: problem.why,
            facts: problem.facts,
        })?;
        let answered = Answered { signer: signer.clone(), text: cache.insert_bytes(&text)? };
        if let Ok(answer) = serde_json::to_vec(&answered) {
            cache.set_memo(&question, &answer);
        }
        self.fetcher.listener.detail(&format!("{url} is signed by {}", signer.fingerprint));
        Ok((text, signer))
    }
}
