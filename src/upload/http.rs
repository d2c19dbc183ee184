//! Uploads by HTTP PUT (RFC 9110 §9.3.4), one request for each file on one
//! connection, as `curl -T` and dput's http methods do: with Content-Length, with
//! basic authentication or a bearer token from the first request on, and without
//! following redirects, which would carry the secret to somewhere else.
//! Proxies come from the environment, certificates from the system.
//!
//! reqwest's blocking client would not do: it knows one time-out for a whole request,
//! and where a server answers before it has read everything it loses the answer.

use std::error::Error as _;
use std::fs::File;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::{Body, Client, RequestBuilder, Response, StatusCode, Url, header};
use tokio::runtime::Runtime;

use crate::listener::Listener;
use crate::upload::source::Source;
use crate::upload::trouble::quoted;
use crate::upload::{Destination, Method, Options, Stage, TransferError};

/// Bytes in one write.
const PIECE: u64 = 128 << 10;

/// More of a refusal's text is not read.
const MOST_SAID: usize = 2048;

/// Between two words to the listener.
const TICK: Duration = Duration::from_millis(100);

/// Sends all files; see [`crate::upload::transfer`].
pub(crate) fn send(
    destination: &Destination,
    sources: &[Source<'_>],
    options: &Options,
    before_changes: &dyn Fn() -> Result<(), TransferError>,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    let folder = url_of(destination)?;
    let client = client(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| TransferError::hopeless(Stage::Connect, format!("no event loop: {e}")))?;
    for (index, source) in sources.iter().enumerate() {
        let is_last = index + 1 == sources.len();
        if is_last {
            before_changes()?;
        }
        let mut url = folder.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&source.item.name);
        }
        listener.started(&source.item.name, Some(source.item.size));
        let request = authorized(client.put(url), destination, options);
        let sent = Put { source, is_last, host: &destination.host, options, listener }.run(&runtime, request);
        listener.finished(&source.item.name);
        sent?;
    }
    Ok(())
}

fn url_of(destination: &Destination) -> Result<Url, TransferError> {
    let scheme = if destination.method == Method::Https { "https" } else { "http" };
    let host = &destination.host;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let port = destination.port.map(|port| format!(":{port}")).unwrap_or_default();
    let text = format!("{scheme}://{host}{port}/{}/", destination.folder.trim_matches('/'));
    let url = Url::parse(&text).ok().filter(|url| url.username().is_empty() && url.query().is_none());
    url.ok_or_else(|| TransferError::hopeless(Stage::Connect, format!("{text} is not a URL to upload to")))
}

fn client(options: &Options) -> Result<Client, TransferError> {
    // fails only where one is installed already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("pkgr/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.timeouts.connect)
        .http1_only() // each file is confirmed before the next: nothing to multiplex
        .redirect(reqwest::redirect::Policy::none());
    builder = match options.family {
        Some(crate::upload::Family::V4) => builder.local_address(std::net::IpAddr::from([0, 0, 0, 0])),
        Some(crate::upload::Family::V6) => builder.local_address(std::net::IpAddr::from([0u16; 8])),
        None => builder,
    };
    builder.build().map_err(|e| {
        let reason = format!("{}; are the system's certificates there (ca-certificates)", chain(&e));
        TransferError::other_way(Stage::Connect, reason)
    })
}

fn authorized(request: RequestBuilder, destination: &Destination, options: &Options) -> RequestBuilder {
    match (&options.token, &destination.login) {
        (Some(token), _) => request.bearer_auth(token.reveal()),
        (None, Some(login)) => request.basic_auth(login, options.password.as_ref().map(|p| p.reveal())),
        (None, None) => request,
    }
}

/// One request.
struct Put<'a> {
    source: &'a Source<'a>,
    is_last: bool,
    host: &'a str,
    options: &'a Options,
    listener: &'a dyn Listener,
}

impl Put<'_> {
    fn run(&self, runtime: &Runtime, request: RequestBuilder) -> Result<(), TransferError> {
        let file = self.source.file.try_clone().map_err(|e| self.source.unreadable(&e))?;
        let size = self.source.item.size;
        let sent = Arc::new(AtomicU64::new(0));
        let body = Body::wrap(Content { file, left: size, sent: Arc::clone(&sent) });
        // said of an empty file too, which the client would leave out
        let request = request.header(header::CONTENT_LENGTH, size);
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(body);
        let answer = runtime.block_on(self.watched(judged(request, self.host), &sent));
        self.source.assert_unchanged()?;
        let stage = Stage::Send(self.source.item.name.clone());
        // all of it may have arrived, and only the answer been lost
        let unknown = self.is_last && sent.load(Ordering::Relaxed) == size;
        let lost = if unknown { Stage::Finish } else { stage.clone() };
        match answer {
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(refusal))) => Err(refusal.at(stage)),
            Some(Err(e)) if e.is_connect() => {
                Err(TransferError::retry(Stage::Connect, format!("cannot connect to {}: {}", self.host, chain(&e))))
            }
            Some(Err(e)) => Err(TransferError::retry(lost, format!("{}: {}", self.host, chain(&e)))),
            None => {
                let idle = self.options.timeouts.idle.as_secs_f32().ceil();
                Err(TransferError::retry(lost, format!("{} has not stirred for {idle} s", self.host)))
            }
        }
    }

    /// Waits for the end of a request, telling how much of it was sent; `None` if that does not
    /// change any more. What is given up so is closed.
    async fn watched<T>(&self, work: impl Future<Output = T>, sent: &AtomicU64) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let ended = tokio::time::timeout(TICK, work.as_mut()).await;
            let now = sent.load(Ordering::Relaxed);
            self.listener.progress(&self.source.item.name, now);
            if let Ok(result) = ended {
                return Some(result);
            }
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > self.options.timeouts.idle {
                return None;
            }
        }
    }
}

/// The file as a body, which is read as fast as it leaves. Reading it may block, as
/// nothing else waits here.
struct Content {
    file: File,
    left: u64,
    sent: Arc<AtomicU64>,
}

impl http_body::Body for Content {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut piece = Vec::new();
        let length = PIECE.min(self.left);
        match (&self.file).take(length).read_to_end(&mut piece) {
            // it has become shorter: no request of a wrong length
            Ok(read) if (read as u64) < length => Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into()))),
            Ok(_) => {
                self.left -= length;
                self.sent.fetch_add(length, Ordering::Relaxed);
                Poll::Ready(Some(Ok(Frame::data(piece.into()))))
            }
            Err(e) => Poll::Ready(Some(Err(e))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What a server answered that is not 2xx.
struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    fn at(self, stage: Stage) -> TransferError {
        let status = self.status;
        let may_pass = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
        let error = match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                TransferError::retry(stage, self.reason)
            }
            _ if may_pass => TransferError::retry(stage, self.reason),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => TransferError::other_way(Stage::Login, self.reason),
            _ => TransferError::other_way(stage, self.reason),
        };
        error.refused()
    }
}

/// Sends a request; `None`: the server took it.
async fn judged(request: RequestBuilder, host: &str) -> Result<Option<Refusal>, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(quoted);
    let mut reason = format!("{host} answered {status}");
    if let Some(location) = location.filter(|_| status.is_redirection()) {
        reason.push_str(&format!(", which leads to {location}: name that one"));
    } else {
        let said = words(response).await;
        // a page for a browser explains nothing in a line
        if !said.is_empty() && !said.starts_with('<') {
            reason.push_str(&format!(": {said}"));
        }
    }
    Ok(Some(Refusal { status, reason }))
}

async fn words(mut response: Response) -> String {
    let mut text = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        text.extend_from_slice(&piece);
        if text.len() > MOST_SAID {
            break;
        }
    }
    quoted(&String::from_utf8_lossy(&text))
}

/// The whole story: reqwest's own message says only "error sending request".
/// Without the URL, which the reason names by its host.
fn chain(error: &reqwest::Error) -> String {
    let mut parts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        parts.push(cause.to_string());
        source = cause.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(host: &str, port: Option<u16>, folder: &str) -> Destination {
        Destination {
            method: Method::Http,
            host: host.to_string(),
            port,
            login: None,
            folder: folder.to_string(),
            host_keys: Vec::new(),
        }
    }

    #[test]
    fn a_destination_is_a_url() {
        let url = |host, port, folder| url_of(&destination(host, port, folder)).map(String::from);
        assert_eq!(url("h", None, "").unwrap(), "http://h//");
        assert_eq!(url("::1", Some(8080), "/a/b/").unwrap(), "http://[::1]:8080/a/b/");
        assert!(url("user@h", None, "").is_err());
        assert!(url("h", None, "a?b").is_err());
    }
}
