//! Small files that are asked for again and again: a conditional request (RFC
//! 9110, 13) brings nothing where the server says that nothing changed.

use std::io::Read;

use reqwest::StatusCode;
use reqwest::header;
use serde::{Deserialize, Serialize};

use super::{Download, Trouble, of_reading, of_sending, refusal};
use crate::fetch::error::FetchError;

/// What the server said about the copy that one has.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// What a conditional request brought.
pub enum Answer {
    /// The copy is still the newest.
    Unchanged,
    /// New bytes, and what to ask with next time.
    Body(Vec<u8>, Known),
}

impl Download<'_> {
    /// A small file as a whole, in memory; at most `limit` bytes.
    pub fn ask(&self, url: &str, known: &Known, limit: u64) -> Result<Answer, FetchError> {
        let what = url.rsplit('/').find(|part| !part.is_empty()).unwrap_or(url);
        self.patiently(url, what, &|| 0, || self.ask_once(url, known, limit))
    }

    fn ask_once(&self, url: &str, known: &Known, limit: u64) -> Result<Answer, Trouble> {
        let mut request = self.client.0.get(url).header(header::ACCEPT_ENCODING, "identity");
        // a server prefers the tag where it has both
        for (name, value) in [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        // a proxy between may hold an older copy than the one at hand
        let mut response =
            request.header(header::CACHE_CONTROL, "max-age=0").send().map_err(|e| of_sending(url, &e))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if *known != Known::default() => return Ok(Answer::Unchanged),
            _ => return Err(refusal(url, &response)),
        }
        let total = response.content_length();
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_string);
        let validators = Known { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
        let mut bytes = Vec::new();
        let read = (&mut response).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|e| Trouble::Passing(of_reading(&e, bytes.len() as u64, total), None))?;
        if bytes.len() as u64 > limit {
            return Err(Trouble::Final(FetchError::TooLarge { url: url.to_string(), limit }));
        }
        Ok(Answer::Body(bytes, validators))
    }
}
