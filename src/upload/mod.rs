//! Uploads to a PPA or another incoming queue, dput-style.
//!
//! [`Destination`] is where an upload goes once a target's name has been looked
//! up; [`Item`] is one file of it, in the order of sending: the .changes last,
//! since a queue takes what came before it as complete. Sending one upload is
//! one try of one method; retrying, and what was sent before, are decided above.

mod arrival;
mod connect;
mod dput_log;
pub mod environment;
mod ftp;
mod gave_up;
mod http;
pub mod journal;
mod keys;
mod local;
mod manifest;
mod one;
pub mod prepare;
mod probe;
pub mod retry;
mod send;
mod sftp;
mod source;
pub mod target;
mod transfer;
mod trouble;

pub use arrival::{Arrival, Asking, NoAnswer};
pub use prepare::Prepared;
pub use probe::probe;
pub use send::{Outcome, Report, Sending, Standing, Upload, standing, upload};
pub use transfer::{Family, Options, Secret, SftpKey, Timeouts, transfer};

use std::path::PathBuf;

/// How files travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// FTP, passive (RFC 959, RFC 2428), without TLS: the daemon has none.
    Ftp,
    /// SFTP version 3 over OpenSSH.
    Sftp,
    /// HTTP PUT.
    Http,
    /// HTTP PUT over TLS.
    Https,
    /// A folder of this machine.
    Local,
}

/// Where one upload goes: concrete, no name left to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// How.
    pub method: Method,
    /// Host name or address, without brackets; empty for [`Method::Local`].
    pub host: String,
    /// Port, if it is not the method's own.
    pub port: Option<u16>,
    /// Account; `None`: anonymous (FTP), the ssh configuration's (SFTP), none (HTTP).
    pub login: Option<String>,
    /// The incoming folder: `~owner/ubuntu/name/series` for a PPA, an absolute
    /// path for [`Method::Local`], the path of the URL for HTTP.
    pub folder: String,
    /// `SHA256:…` fingerprints of the host keys that are accepted although
    /// known_hosts does not have the host (Launchpad's); empty: known_hosts decides.
    pub host_keys: Vec<String>,
}

/// One file of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is on this machine.
    pub path: PathBuf,
    /// Its name at the destination, without folder.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
}

/// The step of an upload in which it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Name resolution, connection, greeting, host key.
    Connect,
    /// Login.
    Login,
    /// Sending of the named file.
    Send(String),
    /// After the last file: its confirmation or the end of the session.
    Finish,
}

/// Whether another try may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// A fresh connection may do: timeouts, resets, 4xx, and the 550 of a busy daemon.
    Retry,
    /// Another method or host may do; the same one will not: no such login, wrong host key.
    OtherWay,
    /// Nothing that can be tried: a file of ours changed or vanished, a full disk here.
    None,
}

/// One try of one method that failed. Before the .changes nothing was delivered. In
/// its sending, whatever but a refusal leaves open whether it was: a server keeps a
/// file of which the connection broke, and it may have been whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TransferError {
    /// Where it stopped.
    pub stage: Stage,
    /// What may help.
    pub cure: Cure,
    /// What happened, with the remote's own words: `host answered 550 …`.
    pub reason: String,
    /// Whether the remote refused (exit 4), in contrast to network and machine (exit 3).
    pub refused: bool,
}
