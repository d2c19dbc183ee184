//! Questions over HTTP: asked again where the trouble may pass (no answer, half
//! an answer, 5xx), within a time limit over all tries; the server's Retry-After
//! is a hint, for it says 900 seconds whatever the trouble. Answers are believed
//! only from the service itself, redirects and links included.

use std::io::Read;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use reqwest::Url;

use super::error::LaunchpadError;
use crate::fetch::{Patience, Reply, Web};
use crate::listener::Listener;

/// The largest answer that is read into memory.
const LARGEST_ANSWER: u64 = 32 << 20;
const REDIRECTS: usize = 5;

/// Asks one service.
pub(super) struct Transport<'t> {
    pub web: &'t Web,
    pub patience: &'t Patience,
    /// For one question with all its tries.
    pub limit: Duration,
    pub listener: &'t dyn Listener,
    /// By how many seconds this machine's clock goes before the service's, from
    /// the first answer.
    pub clock_ahead: &'t OnceLock<i64>,
}

/// Which hosts may answer.
#[derive(Clone, Copy)]
pub(super) enum Hosts<'h> {
    /// That of the service, and no other.
    Service(&'h Url),
    /// Also those on which the service keeps files: launchpad.net's pages
    /// redirect to its librarian.
    Files(&'h Url),
}

impl Hosts<'_> {
    /// The URL, if it may be asked.
    pub fn check(self, link: &str) -> Result<Url, LaunchpadError> {
        let foreign = |host: &str| LaunchpadError::Foreign { link: link.to_string(), host: host.to_string() };
        let url = Url::parse(link).map_err(|_| foreign("nowhere"))?;
        let host = url.host_str().unwrap_or_default();
        let allowed = match self {
            Hosts::Service(base) => url.origin() == base.origin(),
            Hosts::Files(base) => {
                let real = base.host_str().is_some_and(|host| is_below(host, "launchpad.net"));
                let ours = is_below(host, "launchpad.net") || is_below(host, "launchpadlibrarian.net");
                url.origin() == base.origin() || (real && ours && url.scheme() == "https" && url.port().is_none())
            }
        };
        match allowed && url.username().is_empty() && url.password().is_none() {
            true => Ok(url),
            false => Err(foreign(host)),
        }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A document, and the name of its state.
pub(super) struct Answer {
    pub bytes: Vec<u8>,
    pub etag: Option<String>,
}

enum Trouble {
    Final(LaunchpadError),
    Passing { why: String, asked: Option<Duration>, oops: Option<String> },
}

impl Trouble {
    fn passing(why: impl Into<String>) -> Trouble {
        Trouble::Passing { why: why.into(), asked: None, oops: None }
    }
}

impl Transport<'_> {
    /// A text, whatever it is.
    pub fn ask(&self, url: &Url, hosts: Hosts) -> Result<Vec<u8>, LaunchpadError> {
        self.patiently(url, |deadline| read(self.open(url, hosts, None)?, url, deadline))
    }

    /// A JSON document; `None` where the server says that it is still what `etag`
    /// names.
    pub fn ask_anew(&self, url: &Url, hosts: Hosts, etag: Option<&str>) -> Result<Option<Answer>, LaunchpadError> {
        self.patiently(url, |deadline| {
            let reply = self.open(url, hosts, etag)?;
            if reply.status() == 304 {
                return Ok(None);
            }
            let etag = reply.header("etag").map(str::to_string);
            let bytes = read(reply, url, deadline)?;
            parse::<serde::de::IgnoredAny>(&bytes, url)?;
            Ok(Some(Answer { bytes, etag }))
        })
    }

    /// A JSON document as a value.
    pub fn ask_json<T: serde::de::DeserializeOwned>(&self, url: &Url, hosts: Hosts) -> Result<T, LaunchpadError> {
        self.patiently(url, |deadline| parse(&read(self.open(url, hosts, None)?, url, deadline)?, url))
    }

    /// The body of a file as a stream that ends with the time limit.
    pub fn stream<T>(
        &self,
        url: &Url,
        hosts: Hosts,
        read: impl Fn(&mut dyn Read) -> std::io::Result<T>,
    ) -> Result<T, LaunchpadError> {
        self.patiently(url, |deadline| {
            let mut body = Timed { reply: self.open(url, hosts, None)?, deadline };
            read(&mut body).map_err(|error| Trouble::passing(cut(&error)))
        })
    }

    /// Tries until it is done, in vain too often, or out of time.
    fn patiently<T>(&self, url: &Url, attempt: impl Fn(Instant) -> Result<T, Trouble>) -> Result<T, LaunchpadError> {
        let deadline = Instant::now() + self.limit;
        let mut tries = 0;
        loop {
            tries += 1;
            let (why, asked, oops) = match attempt(deadline) {
                Ok(done) => return Ok(done),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing { why, asked, oops }) => (why, asked, oops),
            };
            if tries >= self.patience.tries {
                return Err(LaunchpadError::Unreachable { url: url.to_string(), why, tries, oops });
            }
            let hinted = asked.map(|asked| asked.min(self.patience.longest_wait));
            let wait = hinted.unwrap_or_default().max(self.patience.wait(tries));
            if Instant::now() + wait >= deadline {
                return Err(LaunchpadError::Slow { url: url.to_string(), why, limit: self.limit });
            }
            self.listener.detail(&format!("Launchpad: {why}; again in {:.1} s", wait.as_secs_f32()));
            std::thread::sleep(wait);
        }
    }

    /// One request with its redirects, whose answer has something to read.
    fn open(&self, url: &Url, hosts: Hosts, etag: Option<&str>) -> Result<Reply, Trouble> {
        let mut url = hosts.check(url.as_str()).map_err(Trouble::Final)?;
        for _ in 0..=REDIRECTS {
            let mut headers = vec![("Accept", "application/json, */*;q=0.5"), ("Cache-Control", "max-age=0")];
            headers.extend(etag.map(|etag| ("If-None-Match", etag)));
            let reply = self.web.get(url.as_str(), &headers).map_err(Trouble::passing)?;
            if let Some(seconds) = reply.clock_ahead() {
                self.clock_ahead.get_or_init(|| seconds);
            }
            match (reply.status(), reply.header("location")) {
                (200, _) => return Ok(reply),
                (304, _) if etag.is_some() => return Ok(reply),
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    let next = url.join(location).map_err(|e| Trouble::passing(format!("a redirect nowhere: {e}")))?;
                    url = hosts.check(next.as_str()).map_err(Trouble::Final)?;
                }
                _ => return Err(refusal(reply, &url)),
            }
        }
        Err(Trouble::Final(LaunchpadError::Shape { url: url.to_string(), why: "too many redirects".to_string() }))
    }
}

/// What an answer means that brings nothing. Its text is for people: names are
/// not taken out of it.
fn refusal(mut reply: Reply, url: &Url) -> Trouble {
    let status = reply.status();
    let line = reply.status_line();
    if status >= 500 || matches!(status, 408 | 425 | 429) {
        let oops = reply.header("x-lazr-oopsid").map(printable);
        return Trouble::Passing { why: format!("it says {line}"), asked: reply.retry_after(), oops };
    }
    let mut text = Vec::new();
    let _ = (&mut reply).take(4096).read_to_end(&mut text); // a hint only: half of it will do
    let said = printable(&String::from_utf8_lossy(&text));
    let what = url.path().rsplit("/devel/").next().unwrap_or_default().trim_start_matches('/').to_string();
    let url = url.to_string();
    Trouble::Final(match status {
        401 => LaunchpadError::Private { what, url, said },
        404 | 410 => LaunchpadError::NotFound { what, url, said },
        _ => LaunchpadError::Refused { url, status: line, said },
    })
}

/// One line of a text from outside, not too long. Pages of HTML say nothing.
fn printable(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('<') {
        return String::new();
    }
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ").chars().take(300).collect()
}

fn read(reply: Reply, url: &Url, deadline: Instant) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let mut body = Timed { reply, deadline }.take(LARGEST_ANSWER + 1);
    body.read_to_end(&mut bytes).map_err(|error| Trouble::passing(cut(&error)))?;
    match bytes.len() as u64 > LARGEST_ANSWER {
        true => Err(Trouble::Final(LaunchpadError::TooLarge { url: url.to_string(), limit: LARGEST_ANSWER })),
        false => Ok(bytes),
    }
}

fn cut(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::TimedOut => "the answer did not end in time".to_string(),
        _ => "the answer ended in its middle".to_string(),
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], url: &Url) -> Result<T, Trouble> {
    serde_json::from_slice(bytes).map_err(|error| match error.is_eof() {
        true => Trouble::passing("the answer ended in its middle"),
        false => Trouble::Final(LaunchpadError::Shape { url: url.to_string(), why: error.to_string() }),
    })
}

/// A body that may dribble, but not for ever.
struct Timed {
    reply: Reply,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match Instant::now() > self.deadline {
            true => Err(std::io::ErrorKind::TimedOut.into()),
            false => self.reply.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_with_the_service() {
        let real = Url::parse("https://api.launchpad.net/devel").unwrap();
        let (service, files) = (Hosts::Service(&real), Hosts::Files(&real));
        assert!(service.check("https://api.launchpad.net/devel/ubuntu?ws.start=75").is_ok());
        for link in [
            "http://api.launchpad.net/devel/x",
            "https://api.launchpad.net:8443/x",
            "https://launchpad.net/x",
            "https://api.launchpad.net.evil.example/x",
            "https://user@api.launchpad.net/x",
            "file:///etc/passwd",
            "/devel/x",
        ] {
            assert!(matches!(service.check(link), Err(LaunchpadError::Foreign { .. })), "{link}");
        }
        assert!(files.check("https://launchpad.net/~o/+build/1/+files/log.txt.gz").is_ok());
        assert!(files.check("https://launchpadlibrarian.net/1/log.txt.gz").is_ok());
        for link in ["http://launchpad.net/x", "https://evillaunchpad.net/x", "https://launchpad.net.example/x"] {
            assert!(matches!(files.check(link), Err(LaunchpadError::Foreign { .. })), "{link}");
        }
        let other = Url::parse("http://127.0.0.1:1/devel").unwrap();
        assert!(Hosts::Files(&other).check("https://launchpad.net/x").is_err(), "only the real service has them there");
    }

    #[test]
    fn texts_for_people_are_short_and_of_one_line() {
        assert_eq!(printable("version: no\nsource: yes\n"), "version: no; source: yes");
        assert_eq!(printable("<html>portal</html>"), "");
        assert_eq!(printable(&"x".repeat(9999)).len(), 300);
    }
}
