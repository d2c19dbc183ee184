//! URLs, paths and `HOST[:PORT]` as the places of an upload.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::TargetError;
use crate::upload::{Destination, Method};

/// Whether a target's name is a URL or a path rather than a name to look up.
pub fn is_address(text: &str) -> bool {
    text.contains("://") || text.starts_with(['/', '.', '~']) || text.starts_with("file:")
}

/// The destination that a URL (ftp, sftp, http, https, file) or a path names.
///
/// In an ftp URL the path is relative to the folder of the login (RFC 1738); in
/// an sftp URL it is absolute, but for `/~/…`, which is relative to the account's
/// home, and Launchpad's `/~owner/…`. `home` is what `~/` of a path means.
pub fn parse(text: &str, home: Option<&Path>) -> Result<Destination, TargetError> {
    if !text.contains("://") || text.starts_with("file:") {
        return local(text, home);
    }
    // before anything can quote the text
    if text.split_once("://").is_some_and(|(_, rest)| has_password(rest)) {
        return Err(TargetError::PasswordInUrl);
    }
    let wrong = |reason: &str| TargetError::Url { url: text.to_string(), reason: reason.to_string() };
    // the URL standard takes the host of ftp:///x from its path
    if text.split_once("://").is_some_and(|(_, rest)| rest.starts_with('/')) {
        return Err(wrong("it names no host"));
    }
    let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
    let method = match url.scheme() {
        "ftp" => Method::Ftp,
        "sftp" => Method::Sftp,
        "http" => Method::Http,
        "https" => Method::Https,
        _ => return Err(wrong("pkgr uploads to ftp, sftp, http, https and file URLs")),
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("a folder has no `?` and no `#`"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_string();
    if host.is_empty() {
        return Err(wrong("it names no host"));
    }
    let plain = |text: &str| decoded(text).ok_or_else(|| wrong("its %-escapes are no UTF-8"));
    let login = Some(plain(url.username())?).filter(|name| !name.is_empty());
    let folder = match method {
        Method::Http | Method::Https => url.path().to_string(),
        Method::Ftp => plain(url.path().strip_prefix('/').unwrap_or(url.path()))?,
        _ => {
            let path = plain(url.path())?;
            match path.strip_prefix("/~/") {
                Some(rest) => rest.to_string(),
                None if path == "/~" => String::new(),
                None if path.starts_with("/~") => path.trim_start_matches('/').to_string(),
                None => path,
            }
        }
    };
    if folder.chars().any(char::is_control) {
        return Err(wrong("it has control characters"));
    }
    Ok(Destination { method, host, port: url.port(), login, folder, host_keys: Vec::new() })
}

fn has_password(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// The folder of this machine that a path or file URL names, made absolute.
fn local(text: &str, home: Option<&Path>) -> Result<Destination, TargetError> {
    let wrong = |reason: &str| TargetError::Url { url: text.to_string(), reason: reason.to_string() };
    let path = match text.strip_prefix("file:") {
        Some(rest) => {
            let path = match rest.strip_prefix("//") {
                Some(rest) => match rest.strip_prefix("localhost").unwrap_or(rest) {
                    path if path.starts_with('/') => path,
                    _ => return Err(wrong("a file URL names no other host")),
                },
                None => rest,
            };
            decoded(path).ok_or_else(|| wrong("its %-escapes are no UTF-8"))?
        }
        None => text.to_string(),
    };
    let folder = expanded(&path, home).ok_or_else(|| wrong("it names no folder"))?;
    Ok(Destination::local(folder))
}

/// A path with `~/` and relative ones made absolute.
pub fn expanded(path: &str, home: Option<&Path>) -> Option<String> {
    let path = match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    let path = std::path::absolute(path).ok()?;
    Some(path.to_str()?.trim_end_matches('/').to_string()).map(|p| if p.is_empty() { "/".to_string() } else { p })
}

impl Destination {
    /// A folder of this machine.
    pub fn local(folder: String) -> Destination {
        Destination {
            method: Method::Local,
            host: String::new(),
            port: None,
            login: None,
            folder,
            host_keys: Vec::new(),
        }
    }
}

/// `%41` undone; `None` where that is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// `[METHOD://]HOST[:PORT]`: another host for a target that has one already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The method that it is meant for; `None`: any.
    pub method: Option<Method>,
    /// Without brackets.
    pub name: String,
    /// If it is not the method's own.
    pub port: Option<u16>,
}

impl Host {
    /// Parses it; an IPv6 address stands in brackets where a port follows.
    pub fn parse(text: &str) -> Result<Host, TargetError> {
        let wrong = |reason| TargetError::Host { text: text.to_string(), reason };
        let (method, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("ftp", rest)) => (Some(Method::Ftp), rest),
            Some(("sftp", rest)) => (Some(Method::Sftp), rest),
            Some(_) => return Err(wrong("the method is ftp or sftp")),
        };
        let rest = rest.trim_end_matches('/');
        let (name, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, "")) => (name, None),
            Some((name, port)) => (name, Some(port.strip_prefix(':').ok_or_else(|| wrong("no `:` behind `]`"))?)),
            None if rest.matches(':').count() > 1 => (rest, None),
            None => rest.split_once(':').map_or((rest, None), |(name, port)| (name, Some(port))),
        };
        let port = port.map(|port| port.parse::<u16>().map_err(|_| wrong("the port is no number below 65536")));
        let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_name) {
            return Err(wrong("the name of the host is empty or has other characters"));
        }
        Ok(Host { method, name: name.to_string(), port: port.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Destination {
        parse(text, Some(Path::new("/home/jane"))).unwrap()
    }

    #[test]
    fn urls_and_paths() {
        let ftp = at("ftp://jane@[::1]:2121/pub/a%20b/");
        assert_eq!((ftp.method, ftp.host.as_str(), ftp.port), (Method::Ftp, "::1", Some(2121)));
        assert_eq!((ftp.login.as_deref(), ftp.folder.as_str()), (Some("jane"), "pub/a b/"));
        assert_eq!(at("ftp://h//abs").folder, "/abs");
        assert_eq!(at("sftp://h/srv/in").folder, "/srv/in");
        assert_eq!(at("sftp://h/~/in").folder, "in");
        assert_eq!(at("sftp://h/~du9l/ubuntu/ppa").folder, "~du9l/ubuntu/ppa");
        assert_eq!(at("https://h/upload%20x/").folder, "/upload%20x/");
        assert_eq!(at("file:///srv/in/").folder, "/srv/in");
        assert_eq!(at("file://localhost/srv/in").folder, "/srv/in");
        assert_eq!(at("~/in").folder, "/home/jane/in");
        assert!(at("./in").folder.ends_with("/in") && at("file:in").folder.starts_with('/'));
    }

    #[test]
    fn a_password_is_refused_and_not_told() {
        for url in ["ftp://jane:s3cret@h/x", "sftp://j:s3cret@h", "gopher://j:s3cret@h/x", "ftp://j:@h/"] {
            let error = parse(url, None).unwrap_err();
            assert_eq!(error, TargetError::PasswordInUrl);
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
        for url in ["gopher://h/x", "ftp:///x", "ftp://h/x?y", "file://other/x", "ftp://h/%ff", "ftp://h/a%0d%0ab"] {
            assert!(parse(url, None).is_err(), "{url}");
        }
    }

    #[test]
    fn hosts() {
        let host = |text: &str| Host::parse(text).map(|h| (h.method, h.name, h.port)).ok();
        assert_eq!(host("h"), Some((None, "h".into(), None)));
        assert_eq!(host("h:21"), Some((None, "h".into(), Some(21))));
        assert_eq!(host("sftp://[::1]:22"), Some((Some(Method::Sftp), "::1".into(), Some(22))));
        assert_eq!(host("::1"), Some((None, "::1".into(), None)));
        for bad in ["", ":21", "h:x", "h:99999", "http://h", "[::1]21", "-oProxyCommand=x", "a b", "h/x"] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }
}
