//! Uploads by HTTP PUT (RFC 9110 §9.3.4), one request for each file on one
//! connection, as `curl -T` and dput's http methods do: with Content-Length, with
//! basic authentication or a bearer token from the first request on, and without
//! following redirects, which would carry the secret to somewhere else.
//! Proxies come from the environment, certificates from the system.

use std::error::Error as _;
use std::fs::File;
use std::io::{Read, Take};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use reqwest::{StatusCode, Url, header};

use crate::listener::Listener;
use crate::upload::source::{self, Source};
use crate::upload::trouble::quoted;
use crate::upload::{Destination, Method, Options, Stage, TransferError};

/// Bytes per second on average below which an upload counts as stalled. The
/// client knows only a time for the whole request.
const SLOWEST: u64 = 16 << 10;

/// Between two words to the listener.
const TICK: Duration = Duration::from_millis(100);

/// Sends all files; see [`crate::upload::transfer`].
pub(crate) fn send(
    destination: &Destination,
    sources: &[Source<'_>],
    options: &Options,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    let folder = url_of(destination)?;
    let client = client(options)?;
    for (index, source) in sources.iter().enumerate() {
        let is_last = index + 1 == sources.len();
        if is_last {
            source::assert_all_unchanged(sources)?;
        }
        let mut url = folder.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&source.item.name);
        }
        listener.started(&source.item.name, Some(source.item.size));
        let request = authorized(client.put(url), destination, options);
        let sent = put(request, source, is_last, destination, options, listener);
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
        .timeout(None) // each request has its own
        .http1_only() // each file is confirmed before the next: nothing to multiplex
        .redirect(reqwest::redirect::Policy::none());
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(options.timeouts.idle);
    }
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

fn put(
    request: RequestBuilder,
    source: &Source<'_>,
    is_last: bool,
    destination: &Destination,
    options: &Options,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    let file = source.file.try_clone().map_err(|e| source.unreadable(&e))?;
    let size = source.item.size;
    let sent = Arc::new(AtomicU64::new(0));
    let body = Body::sized(Counted { file: file.take(size), sent: Arc::clone(&sent) }, size);
    let patience = options.timeouts.idle + Duration::from_secs(size / SLOWEST);
    let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(body).timeout(patience);
    let answer = while_telling(&sent, source, listener, || request.send());
    source.assert_unchanged()?;
    let stage = Stage::Send(source.item.name.clone());
    match answer {
        Ok(response) => judge(response, stage, &destination.host),
        Err(e) if e.is_connect() => {
            Err(TransferError::retry(Stage::Connect, format!("cannot connect to {}: {}", destination.host, chain(&e))))
        }
        Err(e) => {
            // all of it may have arrived, and only the answer been lost
            let stage = if is_last && sent.load(Ordering::Relaxed) == size { Stage::Finish } else { stage };
            Err(TransferError::retry(stage, format!("{}: {}", destination.host, chain(&e))))
        }
    }
}

/// The reader of a body lives in another world than the listener: this thread's
/// neighbour looks at its counter now and then.
fn while_telling<T>(sent: &AtomicU64, source: &Source<'_>, listener: &dyn Listener, work: impl FnOnce() -> T) -> T {
    let name = &source.item.name;
    std::thread::scope(|scope| {
        let (done, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                listener.progress(name, sent.load(Ordering::Relaxed));
            }
        });
        let result = work();
        drop(done);
        listener.progress(name, sent.load(Ordering::Relaxed));
        result
    })
}

struct Counted {
    file: Take<File>,
    sent: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sent.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn judge(response: Response, stage: Stage, host: &str) -> Result<(), TransferError> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_string);
    let mut reason = format!("{host} answered {status}");
    if let Some(location) = location.filter(|_| status.is_redirection()) {
        reason.push_str(&format!(", which leads to {}: name that one", quoted(&location)));
    } else {
        let mut text = Vec::new();
        let _ = response.take(2048).read_to_end(&mut text);
        let text = quoted(&String::from_utf8_lossy(&text));
        // a page for a browser explains nothing in a line
        if !text.is_empty() && !text.starts_with('<') {
            reason.push_str(&format!(": {text}"));
        }
    }
    let may_pass = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(TransferError::retry(stage, reason).refused())
        }
        _ if may_pass => Err(TransferError::retry(stage, reason).refused()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(TransferError::other_way(Stage::Login, reason).refused())
        }
        _ => Err(TransferError::other_way(stage, reason).refused()),
    }
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
