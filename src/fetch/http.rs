//! Downloads over http and https (RFC 9110): resumed with Range and If-Range,
//! tried again after what may pass (resets, time-outs, short bodies, 408, 425,
//! 429, 5xx), patient as the server asks (Retry-After). Proxies come from the
//! environment (http_proxy, https_proxy, no_proxy), certificates from the system.
//!
//! A download under way is `partial/KEY` in the cache and survives the process;
//! it gets a final name only when it is whole.

mod call;
mod conditional;
mod web;

pub use call::{Answer as ServiceAnswer, Question};
pub use conditional::{Answer, Known};
pub use web::{Reply, Web};

use std::error::Error as _;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{self, HeaderMap};
use serde::{Deserialize, Serialize};

use crate::deb::checksums::Checksums;
use crate::fetch::cache::{Cache, Found};
use crate::fetch::digest;
use crate::fetch::error::FetchError;
use crate::files;
use crate::listener::Listener;

/// How long to wait for whom.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the next byte.
    pub stall: Duration,
    /// Tries in a row that bring nothing new.
    pub tries: u32,
    /// Before the second try; doubled each time, and varied by up to a half.
    pub first_wait: Duration,
    /// The longest wait, also where the server asks for more.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(20),
            stall: Duration::from_secs(60),
            tries: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(120),
        }
    }
}

impl Patience {
    /// The wait after the `in_vain`th try (counted from 1) that brought nothing,
    /// varied at random.
    pub fn wait(&self, in_vain: u32) -> Duration {
        back_off(self, in_vain, random())
    }
}

/// However much each try brings: a server that cuts every few bytes is broken.
const TRIES_ALTOGETHER: u32 = 100;

/// Knows proxies and certificates.
pub struct Client(reqwest::blocking::Client);

impl Client {
    /// Reads the environment and the system's certificates: a few milliseconds,
    /// so only when something is really downloaded.
    pub fn new(patience: &Patience) -> Result<Client, FetchError> {
        build(patience, reqwest::redirect::Policy::custom(follow)).map(Client)
    }
}

fn build(patience: &Patience, redirects: reqwest::redirect::Policy) -> Result<reqwest::blocking::Client, FetchError> {
    // fails only where one is installed already
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::builder()
        .user_agent(concat!("pkgr/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(patience.connect)
        .timeout(patience.stall) // of the blocking client: for the head, then for each read
        .redirect(redirects)
        .build()
        .map_err(|e| FetchError::Http {
            url: "anything".to_string(),
            why: format!("{}; are the system's certificates there (ca-certificates)", chain(&e)),
            tries: 1,
        })
}

#[derive(Debug, thiserror::Error)]
#[error("a redirect from {from} to {to}")]
struct Downgraded {
    from: String,
    to: String,
}

fn follow(attempt: reqwest::redirect::Attempt) -> reqwest::redirect::Action {
    let from = attempt.previous().last().cloned();
    match from {
        _ if attempt.previous().len() > 10 => attempt.error("more than 10 redirects"),
        Some(from) if is_downgrade(from.scheme(), attempt.url().scheme()) => {
            let to = attempt.url().to_string();
            attempt.error(Downgraded { from: from.to_string(), to })
        }
        _ => attempt.follow(),
    }
}

fn is_downgrade(from: &str, to: &str) -> bool {
    from == "https" && to != "https"
}

/// What must be unchanged for a download to go on where it stopped.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Validators {
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
    total: Option<u64>,
}

impl Validators {
    fn of(url: &str, headers: &HeaderMap, total: Option<u64>) -> Validators {
        let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_string);
        Validators {
            url: url.to_string(),
            // a weak tag promises the meaning, not the bytes
            etag: text(header::ETAG).filter(|tag| !tag.starts_with("W/")),
            last_modified: text(header::LAST_MODIFIED),
            total,
        }
    }

    fn if_range(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }
}

/// Why one try ended early.
enum Trouble {
    Final(FetchError),
    /// May pass; how long the server asks to wait.
    Passing(String, Option<Duration>),
}

/// One download.
pub struct Download<'d> {
    pub client: &'d Client,
    pub cache: &'d Cache,
    pub listener: &'d dyn Listener,
    pub patience: &'d Patience,
    /// More bytes than these are refused, where the size is known beforehand.
    pub limit: Option<u64>,
}

impl Download<'_> {
    /// Brings a URL into the cache. Whether it has the digest that it should
    /// have is the caller's to judge.
    pub fn fetch(&self, url: &str, sha256: Option<&str>) -> Result<Checksums, FetchError> {
        let guard = self.cache.lock(url)?;
        let part = self.cache.folder("partial")?.join(digest::sha256(url.as_bytes()));
        let part = Part { validators: part.with_extension("json"), done: part.with_extension("done"), bytes: part };
        if guard.waited {
            // another pkgr has just fetched it
            let done = std::fs::read_to_string(&part.done).ok();
            if let Some(digest) = sha256.or(done.as_deref()) {
                if let Found::Whole(checksums) = self.cache.find(digest)? {
                    return Ok(checksums);
                }
            }
        }
        let _ = std::fs::remove_file(&part.done);
        let what = url.rsplit('/').find(|part| !part.is_empty()).unwrap_or(url);
        let mut resumed = self.transfer(url, what, &part, sha256.is_some())?;
        let mut checksums = part.checksums()?;
        if resumed && sha256.is_some_and(|expected| expected != checksums.sha256) {
            self.listener.detail(&format!("{what} was resumed and is wrong: once more from its beginning"));
            part.discard();
            resumed = self.transfer(url, what, &part, false)?;
            self.listener.detail(if resumed { "resumed again" } else { "fetched in one piece" });
            checksums = part.checksums()?;
        }
        self.cache.insert_path(&part.bytes, &checksums)?;
        let _ = std::fs::remove_file(&part.validators);
        let _ = files::write_atomically(&part.done, checksums.sha256.as_bytes(), false);
        Ok(checksums)
    }

    /// Tries until the file is whole; says whether it was put together of pieces.
    fn transfer(&self, url: &str, what: &str, part: &Part, digest_known: bool) -> Result<bool, FetchError> {
        let mut resumed = false;
        self.patiently(url, what, &|| part.size(), || {
            let result = self.attempt(url, what, part, digest_known, &mut resumed);
            self.listener.finished(what);
            result
        })?;
        Ok(resumed)
    }

    /// Tries until it is done or in vain too often; `size` tells what is there,
    /// and that a try brought something.
    fn patiently<T>(
        &self,
        url: &str,
        what: &str,
        size: &dyn Fn() -> u64,
        mut attempt: impl FnMut() -> Result<T, Trouble>,
    ) -> Result<T, FetchError> {
        let mut in_vain = 0;
        let mut tries = 0;
        loop {
            tries += 1;
            let before = size();
            let (why, asked) = match attempt() {
                Ok(done) => return Ok(done),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(why, asked)) => (why, asked),
            };
            in_vain = if size() > before { 1 } else { in_vain + 1 };
            let patience = self.patience;
            if in_vain >= patience.tries || tries >= TRIES_ALTOGETHER {
                return Err(FetchError::Http { url: url.to_string(), why, tries });
            }
            if let Some(asked) = asked.filter(|asked| *asked > patience.longest_wait) {
                let why = format!("{why}, and to come back in {} seconds", asked.as_secs());
                return Err(FetchError::Http { url: url.to_string(), why, tries });
            }
            let wait = asked.unwrap_or_else(|| back_off(patience, in_vain, random()));
            self.listener.detail(&format!("{what}: {why}; again in {:.1} s", wait.as_secs_f32()));
            std::thread::sleep(wait);
        }
    }

    fn attempt(
        &self,
        url: &str,
        what: &str,
        part: &Part,
        digest_known: bool,
        resumed: &mut bool,
    ) -> Result<(), Trouble> {
        let known = part.validators(url);
        let resumable = known.if_range().is_some() || digest_known;
        let have = if resumable { part.size() } else { 0 };
        if have > 0 && known.total == Some(have) {
            return Ok(()); // the process ended between the last byte and the final name
        }
        let mut request = self.client.0.get(url).header(header::ACCEPT_ENCODING, "identity");
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            if let Some(validator) = known.if_range() {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.send().map_err(|e| of_sending(url, &e))?;
        let (start, total) = self.judge(url, &response, have, &known, part)?;
        *resumed |= start > 0;
        part.save_validators(&Validators::of(url, response.headers(), total));
        self.listener.started(what, total);
        self.receive(url, what, response, start, total, part)
    }

    /// Where the body begins in the file, and the size of the file.
    fn judge(
        &self,
        url: &str,
        response: &Response,
        have: u64,
        known: &Validators,
        part: &Part,
    ) -> Result<(u64, Option<u64>), Trouble> {
        let status = response.status();
        match status {
            StatusCode::OK => Ok((0, response.content_length())),
            StatusCode::PARTIAL_CONTENT if have > 0 => {
                let range = response.headers().get(header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
                match range.and_then(content_range) {
                    Some((start, total)) if start == have && (known.total.is_none() || known.total == total) => {
                        Ok((start, total))
                    }
                    _ => {
                        part.discard();
                        Err(Trouble::Passing("the server sent another range than asked for".to_string(), None))
                    }
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                part.discard();
                Err(Trouble::Passing("the file on the server is shorter than before".to_string(), None))
            }
            _ => Err(refusal(url, response)),
        }
    }

    fn receive(
        &self,
        url: &str,
        what: &str,
        mut response: Response,
        start: u64,
        total: Option<u64>,
        part: &Part,
    ) -> Result<(), Trouble> {
        let io = |e| Trouble::Final(FetchError::io("write", &part.bytes, e));
        let mut file = part.open_at(start).map_err(io)?;
        let mut done = start;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            if let Some(limit) = self.limit.filter(|limit| done.max(total.unwrap_or(0)) > *limit) {
                part.discard();
                return Err(Trouble::Final(FetchError::TooLarge { url: url.to_string(), limit }));
            }
            let read = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Trouble::Passing(of_reading(&e, done, total), None)),
            };
            file.write_all(chunk.get(..read).unwrap_or_default()).map_err(io)?;
            done += read as u64;
            self.listener.progress(what, done);
        }
        match total {
            Some(total) if done != total => Err(Trouble::Passing(short(done, Some(total)), None)),
            _ => Ok(()),
        }
    }
}

/// The files of a download under way.
struct Part {
    bytes: PathBuf,
    validators: PathBuf,
    done: PathBuf,
}

impl Part {
    fn size(&self) -> u64 {
        std::fs::metadata(&self.bytes).map_or(0, |m| m.len())
    }

    fn validators(&self, url: &str) -> Validators {
        let text = std::fs::read(&self.validators).unwrap_or_default();
        serde_json::from_slice(&text).ok().filter(|v: &Validators| v.url == url).unwrap_or_default()
    }

    fn save_validators(&self, validators: &Validators) {
        if let Ok(text) = serde_json::to_vec(validators) {
            let _ = files::write_atomically(&self.validators, &text, false);
        }
    }

    fn discard(&self) {
        let _ = std::fs::remove_file(&self.bytes);
        let _ = std::fs::remove_file(&self.validators);
    }

    fn open_at(&self, start: u64) -> std::io::Result<File> {
        let mut file = File::options().create(true).truncate(false).write(true).open(&self.bytes)?;
        file.set_len(start)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    }

    fn checksums(&self) -> Result<Checksums, FetchError> {
        digest::of_file(&self.bytes).map_err(|e| FetchError::io("read", &self.bytes, e))
    }
}

/// What a status that brings no bytes means.
fn refusal(url: &str, response: &Response) -> Trouble {
    let status = response.status();
    if is_passing(status) {
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
        let why = format!("the server says {status}");
        return Trouble::Passing(why, asked.and_then(|text| retry_after(text, SystemTime::now())));
    }
    Trouble::Final(FetchError::Status { url: url.to_string(), status: status.to_string() })
}

fn of_sending(url: &str, error: &reqwest::Error) -> Trouble {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(down) = inner.downcast_ref::<Downgraded>() {
            return Trouble::Final(FetchError::Downgrade { from: down.from.clone(), to: down.to.clone() });
        }
        source = inner.source();
    }
    if error.is_timeout() {
        return Trouble::Passing("no answer in time".to_string(), None);
    }
    if error.is_redirect() || error.is_builder() {
        return Trouble::Final(FetchError::Http { url: url.to_string(), why: chain(error), tries: 1 });
    }
    Trouble::Passing(chain(error), None)
}

fn of_reading(error: &std::io::Error, done: u64, total: Option<u64>) -> String {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<reqwest::Error>());
    if error.kind() == std::io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout) {
        return format!("nothing came any more after {done} bytes");
    }
    short(done, total)
}

fn short(done: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("the connection ended after {done} of {total} bytes"),
        None => format!("the connection ended after {done} bytes"),
    }
}

/// All causes in one line; the URL is named by the message around it.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !words.last().is_some_and(|last: &String| last.contains(&text)) {
            words.push(text);
        }
        source = inner.source();
    }
    if words.is_empty() { error.to_string() } else { words.join(": ") }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

/// `bytes 5-9/10`: where it begins and the whole size.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((start.parse().ok()?, total))
}

/// Retry-After: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(SystemTime::from(date.timestamp()).duration_since(now).unwrap_or_default())
}

/// Twice as long each time, shortened by up to a half so that many clients of
/// one server do not come back at once. `random` is any number.
fn back_off(patience: &Patience, in_vain: u32, random: u64) -> Duration {
    let doubled = patience.first_wait.saturating_mul(1 << in_vain.saturating_sub(1).min(16));
    let longest = doubled.min(patience.longest_wait);
    longest.mul_f64(0.5 + (random % 1000) as f64 / 2000.0)
}

/// The standard library's hasher seeds itself from the system's randomness.
fn random() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_vary() {
        let patience = Patience::default();
        assert_eq!(back_off(&patience, 1, 0), Duration::from_millis(250));
        assert_eq!(back_off(&patience, 3, 1000), Duration::from_secs(1));
        assert!(back_off(&patience, 3, 999) < Duration::from_secs(2));
        assert!(back_off(&patience, 60, 999) <= patience.longest_wait);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_400);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(80)));
        assert_eq!(retry_after("Wed, 21 Oct 2014 07:28:00 GMT", now), None, "a wrong weekday is no date");
        assert_eq!(retry_after("Tue, 21 Oct 2014 07:28:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("bytes */10"), None);
    }

    #[test]
    fn https_goes_nowhere_else() {
        assert!(is_downgrade("https", "http") && is_downgrade("https", "ftp"));
        assert!(!is_downgrade("http", "https") && !is_downgrade("http", "http"));
    }

    #[test]
    fn weak_tags_do_not_promise_bytes() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, "W/\"x\"".parse().unwrap());
        assert_eq!(Validators::of("u", &headers, None).if_range(), None);
    }
}
