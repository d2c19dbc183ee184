//! Questions to web services: a small answer as a whole, with the status and the
//! headers that services speak through (paging, rate limits). What a status
//! means is the caller's to say, but for what may pass: 5xx is asked again.

use std::io::Read;

use reqwest::header;

use super::{Download, Trouble, of_reading, of_sending, refusal};
use crate::fetch::error::FetchError;

/// What to ask.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// http or https.
    pub url: String,
    /// Media type that is wanted; empty: any.
    pub accept: String,
    /// Sent as `Authorization: Bearer`; never shown, and kept from other hosts
    /// when the answer is a redirect.
    pub token: Option<String>,
}

/// What came.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// As the server writes the status, with its words.
    pub status_text: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Download<'_> {
    /// Asks; at most `limit` bytes are taken.
    pub fn call(&self, question: &Question, limit: u64) -> Result<Answer, FetchError> {
        let url = question.url.as_str();
        self.patiently(url, url, &|| 0, || self.call_once(question, limit))
    }

    fn call_once(&self, question: &Question, limit: u64) -> Result<Answer, Trouble> {
        let url = question.url.as_str();
        let mut request = self.client.0.get(url).header(header::ACCEPT_ENCODING, "identity");
        if !question.accept.is_empty() {
            request = request.header(header::ACCEPT, &question.accept);
        }
        if let Some(token) = &question.token {
            request = request.bearer_auth(token);
        }
        let mut response = request.send().map_err(|e| of_sending(url, &e))?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 408 {
            return Err(refusal(url, &response));
        }
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_string(), text(value))).collect();
        let total = response.content_length();
        let mut body = Vec::new();
        let read = (&mut response).take(limit + 1).read_to_end(&mut body);
        read.map_err(|e| Trouble::Passing(of_reading(&e, body.len() as u64, total), None))?;
        if body.len() as u64 > limit {
            return Err(Trouble::Final(FetchError::TooLarge { url: url.to_string(), limit }));
        }
        Ok(Answer { status: status.as_u16(), status_text: status.to_string(), headers, body })
    }
}
