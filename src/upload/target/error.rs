//! Why a target's name leads nowhere.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// No secret is ever part of an error: where a URL holds one, the URL is not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages tell it
pub enum TargetError {
    #[error("`{target}` is no PPA: {reason}")]
    Ppa { target: String, reason: String, written: Option<String> },
    #[error("there is no target `{name}`")]
    Unknown { name: String, known: Vec<String>, searched: Vec<PathBuf> },
    #[error("{}: {message}", file.display())]
    File { file: PathBuf, message: String },
    #[error("`{name}` in {}: {reason}", file.display())]
    Section { name: String, file: PathBuf, reason: String, hint: Option<String> },
    #[error("a password inside a URL would be seen in process lists and logs")]
    PasswordInUrl,
    #[error("`{url}` is no URL to upload to: {reason}")]
    Url { url: String, reason: String },
    #[error("`{text}` is no HOST or HOST:PORT: {reason}")]
    Host { text: String, reason: &'static str },
    #[error("profile `{name}` of the configuration: {reason}")]
    Profile { name: String, reason: String },
    #[error("SFTP needs the name of an account, and none is known for {host}")]
    NoLogin { host: String },
    #[error("`{option}` means nothing for {target}: {reason}")]
    Option { option: &'static str, target: String, reason: &'static str },
}

impl TargetError {
    fn code(&self) -> &'static str {
        use TargetError::*;
        match self {
            Ppa { .. } => "bad-ppa",
            Unknown { .. } => "unknown-target",
            File { .. } => "bad-dput-cf",
            Section { .. } => "bad-dput-section",
            PasswordInUrl => "password-in-url",
            Url { .. } => "bad-url",
            Host { .. } => "bad-host",
            Profile { .. } => "bad-profile",
            NoLogin { .. } => "no-login",
            Option { .. } => "option-without-use",
        }
    }

    fn hints(&self) -> Vec<String> {
        use TargetError::*;
        match self {
            Ppa { written: Some(lower), .. } => vec![format!("write `ppa:{lower}`")],
            Ppa { target, .. } if !target.contains('/') => {
                vec![format!("`{target}/NAME`; the first PPA of a person is usually called `ppa`")]
            }
            Ppa { .. } => vec!["`ppa:OWNER/NAME`, or `ppa:OWNER/NAME/SERIES`".to_string()],
            Unknown { known, .. } => {
                let mut hints =
                    vec!["name `ppa:OWNER/NAME`, a URL, a path that begins with `/` or `./`, or one of:".to_string()];
                match known.is_empty() {
                    true => hints = vec!["name `ppa:OWNER/NAME`, a URL, or a path that begins with `/` or `./`".into()],
                    false => hints.push(known.join(", ")),
                }
                hints
            }
            Section { hint, .. } => hint.iter().cloned().collect(),
            PasswordInUrl => vec!["leave it out, and set PKGR_UPLOAD_PASSWORD in the environment".to_string()],
            Host { .. } => vec!["e.g. `upload.example.org:2121`, or `sftp://[2001:db8::1]:22`".to_string()],
            NoLogin { host } => {
                vec![format!("give --login NAME, `login` in the configuration, or `User` for {host} in ~/.ssh/config")]
            }
            _ => Vec::new(),
        }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Failure {
        let mut diagnostic = Diagnostic::error(error.code(), error.to_string());
        diagnostic.hints = error.hints();
        if let TargetError::Unknown { searched, .. } = &error {
            diagnostic.notes = searched.iter().map(|path| format!("looked into {}", path.display())).collect();
        }
        let kind = match error {
            TargetError::File { .. } | TargetError::Section { .. } | TargetError::Profile { .. } => Kind::Environment,
            _ => Kind::Usage,
        };
        Failure::new(kind, diagnostic)
    }
}
