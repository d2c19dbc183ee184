//! One try of one upload over one connection: [`transfer`].
//!
//! It sends the files in their order, the .changes last and only after every
//! other one was confirmed; on any error the connection is dropped before that,
//! so that a queue never takes a torn upload for a whole one. It does not check
//! digests or signatures, does not try again, and remembers nothing.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::listener::Listener;
use crate::upload::{Destination, Item, Method, TransferError};
use crate::upload::{ftp, http, local, sftp, source};

/// A password or token that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the wire only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The key to log in with over SFTP, if not those that ssh finds itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SftpKey {
    /// A private key in OpenSSH's format, without passphrase: of `PKGR_SFTP_KEY`.
    Text(Secret),
    /// A private key, or a public one whose private half an agent holds.
    Path(PathBuf),
}

/// The only kind of address that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// How long to wait for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, over all addresses of a host; for ssh, with its login.
    pub connect: Duration,
    /// For the next byte, in whichever direction.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { connect: Duration::from_secs(20), idle: Duration::from_secs(60) }
    }
}

/// What one try needs besides its destination.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait.
    pub timeouts: Timeouts,
    /// For [`Destination::login`], over FTP and HTTP.
    pub password: Option<Secret>,
    /// A bearer token for HTTP, instead of login and password.
    pub token: Option<Secret>,
    /// For SFTP.
    pub sftp_key: Option<SftpKey>,
    /// The OpenSSH client.
    pub ssh: OsString,
    /// `Key=value` lines of ssh_config(5), before those of the user's files; they
    /// cannot weaken the check of host keys.
    pub ssh_options: Vec<String>,
    /// If not both.
    pub family: Option<Family>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeouts: Timeouts::default(),
            password: None,
            token: None,
            sftp_key: None,
            ssh: OsString::from("ssh"),
            ssh_options: Vec::new(),
            family: None,
        }
    }
}

/// Sends `items` in their order, the last being the .changes, over one fresh
/// connection. `listener` hears `started(name, size)`, `progress` and
/// `finished` of each.
///
/// All files are opened before the connection is made; one that is not of its
/// [`Item::size`] is [`Cure::None`](crate::upload::Cure::None).
pub fn transfer(
    destination: &Destination,
    items: &[Item],
    options: &Options,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    submit(destination, items, options, &|| Ok(()), listener)
}

/// [`transfer`], that calls `before_changes` when every other file is confirmed and
/// the .changes is about to be sent: until then a queue has taken nothing. Its
/// error ends the upload there.
pub(crate) fn submit(
    destination: &Destination,
    items: &[Item],
    options: &Options,
    before_changes: &dyn Fn() -> Result<(), TransferError>,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    let sources = source::open_all(items)?;
    let sources = sources.as_slice();
    let vouched = || {
        source::assert_all_unchanged(sources)?;
        before_changes()
    };
    match destination.method {
        Method::Ftp => ftp::send(destination, sources, options, &vouched, listener),
        Method::Sftp => sftp::send(destination, sources, options, &vouched, listener),
        Method::Http | Method::Https => http::send(destination, sources, options, &vouched, listener),
        Method::Local => local::send(destination, sources, options, &vouched, listener),
    }
}
