//! Single requests to a web service, whose answers are the caller's to judge: no
//! retries and no redirects here, for both depend on what the service promises.
//! Proxies and certificates are those of downloads.

use std::error::Error as _;
use std::io::Read;
use std::time::{Duration, SystemTime};

use reqwest::blocking::Response;
use reqwest::header;

use super::{Patience, build, chain, retry_after};
use crate::fetch::error::FetchError;

/// Asks web services.
pub struct Web(reqwest::blocking::Client);

/// The head of an answer; its body is read from it. A body that ends before the
/// length that the head promised is an error of reading.
pub struct Reply(Response);

impl Web {
    /// Reads the environment and the system's certificates: a few milliseconds.
    pub fn new(patience: &Patience) -> Result<Web, FetchError> {
        build(patience, reqwest::redirect::Policy::none()).map(Web)
    }

    /// One GET. The error says in words why no answer came.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Reply, String> {
        let mut request = self.0.get(url).header(header::ACCEPT_ENCODING, "identity");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().map(Reply).map_err(|error| match error.is_timeout() {
            true => "no answer in time".to_string(),
            false if error.source().is_none() => error.without_url().to_string(),
            false => chain(&error),
        })
    }
}

impl Reply {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The status as people know it: `503 Service Unavailable`.
    pub fn status_line(&self) -> String {
        self.0.status().to_string()
    }

    /// A field of the head, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// By how many seconds this machine's clock goes before the server's, or the
    /// proxy's, that says how old its answer is; negative where it is behind.
    pub fn clock_ahead(&self) -> Option<i64> {
        let date = jiff::fmt::rfc2822::parse(self.header("date")?.trim()).ok()?;
        let age = self.header("age").and_then(|age| age.trim().parse::<i64>().ok()).unwrap_or(0);
        Some(jiff::Timestamp::now().as_second().saturating_sub(date.timestamp().as_second()).saturating_sub(age))
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after").and_then(|text| retry_after(text, SystemTime::now()))
    }
}

impl Read for Reply {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}
