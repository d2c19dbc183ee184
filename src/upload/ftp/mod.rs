//! Uploads over FTP (RFC 959, RFC 2428): passive, binary, one connection.
//!
//! This is a client of our own: suppaftp, the crate that there is, needs Rust 1.88
//! and sends in pieces of 8 KiB; an upload needs nine commands. It uses no command
//! that Launchpad's daemon lacks, and none twice that it bears once: no CWD, since
//! every STOR names the whole path, which that daemon and ordinary servers take
//! alike. No TLS: the daemon has none, and what it takes is signed.
//!
//! Latency is what a small upload costs, so STOR goes out before its data
//! connection is there (the server has to wait for that anyway), a small file follows
//! before the server says that it may, and where the greeting names a daemon that is
//! known to read ahead, the login is one segment: three round trips for a file.
//! EPSV waits for the reply before it: firewalls that follow FTP look for the 229
//! at the start of a segment.
//!
//! Dropping the connection is what every error does: Launchpad's daemon discards
//! a session without .changes.

mod control;
mod reply;

use std::io::{BufWriter, ErrorKind, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::listener::Listener;
use crate::upload::connect::connect_to;
use crate::upload::source::Source;
use crate::upload::trouble::of_socket;
use crate::upload::{Destination, Options, Stage, TransferError};

use control::Control;
use reply::Reply;

/// What FTP clients have always sent as anonymous's password: someone to write to.
const ANONYMOUS_PASSWORD: &str = "pkgr@";

/// Servers that are known to take the lines of a login at once.
const READ_AHEAD: &[&str] = &["Launchpad upload server", "vsFTPd"];

/// A file of so many bytes is sent without waiting for the leave to send: the buffers of
/// the connection take it, and a refusal is read as well after it.
const EARLY: u64 = 64 << 10;

/// Bytes between two words to the listener.
const PIECE: u64 = 256 << 10;

/// How long the end of a data connection may come behind its confirmation.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Sends all files; see [`crate::upload::transfer`].
pub(crate) fn send(
    destination: &Destination,
    sources: &[Source<'_>],
    options: &Options,
    before_changes: &dyn Fn() -> Result<(), TransferError>,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    assert_single_lines(destination, options)?;
    let mut session = Session { control: Control::open(destination, options)?, destination, options, extended: true };
    session.log_in()?;
    for (index, source) in sources.iter().enumerate() {
        let changes = if index + 1 == sources.len() { Some(before_changes) } else { None };
        listener.started(&source.item.name, Some(source.item.size));
        let sent = session.store(source, changes, listener);
        listener.finished(&source.item.name);
        sent?;
    }
    // the .changes is confirmed: whether the server still says good-bye does not matter
    let _ = session.control.command(&["QUIT"], &Stage::Finish);
    Ok(())
}

/// What the server says when somebody comes; nothing is said to it.
pub(crate) fn greeting(destination: &Destination, options: &Options) -> Result<String, TransferError> {
    let reply = Control::open(destination, options)?.reply(&Stage::Connect)?;
    match reply.is_done() {
        true => Ok(crate::upload::trouble::quoted(&reply.text)),
        false => Err(reply.refusal(Stage::Connect, &destination.host)),
    }
}

fn assert_single_lines(destination: &Destination, options: &Options) -> Result<(), TransferError> {
    let password = options.password.as_ref().map(|p| p.reveal()).unwrap_or_default();
    let login = destination.login.as_deref().unwrap_or_default();
    for (what, text) in [("folder", destination.folder.as_str()), ("login", login), ("password", password)] {
        if text.chars().any(char::is_control) {
            let reason = format!("the {what} has a control character, which FTP cannot carry");
            return Err(TransferError::hopeless(Stage::Connect, reason));
        }
    }
    Ok(())
}

struct Session<'a> {
    control: Control,
    destination: &'a Destination,
    options: &'a Options,
    /// Whether the server has EPSV.
    extended: bool,
}

impl Session<'_> {
    fn log_in(&mut self) -> Result<(), TransferError> {
        let greeting = self.control.reply(&Stage::Connect)?;
        if !greeting.is_done() {
            return Err(self.refusal(&greeting, Stage::Connect));
        }
        let (user, password) = self.credentials();
        let (user, password) = (format!("USER {user}"), format!("PASS {password}"));
        let stage = Stage::Login;
        let reads_ahead = READ_AHEAD.iter().any(|name| greeting.text.contains(name));
        if reads_ahead {
            self.control.command(&[&user, &password, "TYPE I"], &stage)?;
        } else {
            self.control.command(&[&user], &stage)?;
        }
        let answer = self.control.reply(&stage)?;
        if answer.wants_more() {
            if !reads_ahead {
                self.control.command(&[&password], &stage)?;
            }
            self.expect_done(&stage)?;
        } else if answer.is_done() {
            // this user needs no password, and what is said to ours does not matter
            if reads_ahead {
                self.control.reply(&stage)?;
            }
        } else {
            return Err(self.refusal(&answer, stage));
        }
        if !reads_ahead {
            self.control.command(&["TYPE I"], &stage)?;
        }
        self.expect_done(&stage)
    }

    fn credentials(&self) -> (&str, &str) {
        let password = self.options.password.as_ref().map(|p| p.reveal());
        match self.destination.login.as_deref() {
            Some(login) if login != "anonymous" => (login, password.unwrap_or_default()),
            _ => ("anonymous", password.unwrap_or(ANONYMOUS_PASSWORD)),
        }
    }

    fn expect_done(&mut self, stage: &Stage) -> Result<(), TransferError> {
        let reply = self.control.reply(stage)?;
        if reply.is_done() { Ok(()) } else { Err(self.refusal(&reply, stage.clone())) }
    }

    /// Sends one file; `before_changes` is given with the last one, and called when its
    /// STOR is all that is left to say.
    fn store(
        &mut self,
        source: &Source<'_>,
        before_changes: Option<&dyn Fn() -> Result<(), TransferError>>,
        listener: &dyn Listener,
    ) -> Result<(), TransferError> {
        let stage = Stage::Send(source.item.name.clone());
        let address = self.passive_address(&stage)?;
        let folder = self.destination.folder.trim_end_matches('/');
        let path = match (folder, self.destination.folder.as_str()) {
            ("", "") => source.item.name.clone(),
            (folder, _) => format!("{folder}/{}", source.item.name),
        };
        if let Some(before_changes) = before_changes {
            before_changes()?;
        }
        self.control.command(&[&format!("STOR {path}")], &stage)?;
        let data = connect_to(&address, self.options.timeouts.connect, self.options);
        let data = data.map_err(|e| self.data_trouble(&e, &stage))?;
        let is_small = source.item.size <= EARLY;
        if !is_small {
            self.expect_begun(&stage, &stage)?;
        }
        let start = Instant::now();
        let data = self.send_content(source, data, &stage, listener)?;
        // the kernel may still hold megabytes that leave no faster than those before
        let wait = self.options.timeouts.idle.max(start.elapsed());
        let unknown = if before_changes.is_some() { Stage::Finish } else { stage.clone() };
        if is_small {
            self.expect_begun(&stage, &unknown)?;
        }
        let done = self.control.reply_within(wait, &unknown)?;
        if !done.is_done() {
            return Err(self.refusal(&done, stage));
        }
        self.expect_end(data, &stage)?;
        source.assert_unchanged()
    }

    /// 150 or 125; `lost` is where the upload stands if nothing comes.
    fn expect_begun(&mut self, stage: &Stage, lost: &Stage) -> Result<(), TransferError> {
        let begun = self.control.reply(lost)?;
        if begun.is_preliminary() { Ok(()) } else { Err(self.refusal(&begun, stage.clone())) }
    }

    /// EPSV, and PASV if the server does not know that. Either way the address is
    /// the one that the control connection goes to.
    fn passive_address(&mut self, stage: &Stage) -> Result<SocketAddr, TransferError> {
        let unreadable = |session: &Self, reply: &Reply| {
            let mut error = session.refusal(reply, stage.clone());
            error.reason.push_str(", which names no port");
            error
        };
        let mut address = self.control.peer().map_err(|e| self.data_trouble(&e, stage))?;
        if self.extended {
            self.control.command(&["EPSV"], stage)?;
            let reply = self.control.reply(stage)?;
            if reply.is_done() {
                address.set_port(reply.extended_port().ok_or_else(|| unreadable(self, &reply))?);
                return Ok(address);
            }
            // unknown, or forbidden: either has been seen as half a dozen codes
            if reply.code < 500 || address.is_ipv6() {
                return Err(self.refusal(&reply, stage.clone()));
            }
            self.extended = false;
        }
        self.control.command(&["PASV"], stage)?;
        let reply = self.control.reply(stage)?;
        if !reply.is_done() {
            return Err(self.refusal(&reply, stage.clone()));
        }
        address.set_port(reply.passive_port().ok_or_else(|| unreadable(self, &reply))?);
        Ok(address)
    }

    /// `std::io::copy` into a socket is sendfile(2) on Linux, where the buffer is
    /// not used; elsewhere it reads and writes by that buffer.
    fn send_content(
        &mut self,
        source: &Source<'_>,
        data: TcpStream,
        stage: &Stage,
        listener: &dyn Listener,
    ) -> Result<TcpStream, TransferError> {
        let mut data = BufWriter::with_capacity(PIECE as usize, data);
        let mut sent = 0;
        while sent < source.item.size {
            let piece = PIECE.min(source.item.size - sent);
            let copied = std::io::copy(&mut (&source.file).take(piece), &mut data);
            let copied = copied.map_err(|e| self.data_trouble(&e, stage))?;
            if copied < piece {
                return Err(source.changed());
            }
            sent += copied;
            listener.progress(&source.item.name, sent);
        }
        let data = data.into_inner().map_err(|e| self.data_trouble(e.error(), stage))?;
        // before the end of the data says that this is all
        source.assert_unchanged()?;
        data.shutdown(Shutdown::Write).map_err(|e| self.data_trouble(&e, stage))?;
        Ok(data)
    }

    /// Whether a confirmed file was confirmed whole. To a daemon a data connection
    /// that was reset looks like one that has ended: it says 226 of what it has
    /// got until then. The reset is seen here too, if the socket is still looked at.
    fn expect_end(&self, mut data: TcpStream, stage: &Stage) -> Result<(), TransferError> {
        let _ = data.set_read_timeout(Some(LAST_LOOK));
        match data.read(&mut [0; 1]) {
            Err(e) if !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                let host = format!("{} (data)", self.destination.host);
                let reason = of_socket(&e, &host, self.options.timeouts.idle);
                Err(TransferError::retry(stage.clone(), reason))
            }
            // it has closed, as it should, or lets that wait
            _ => Ok(()),
        }
    }

    /// A data connection that could not be made or broke; the server mostly says
    /// why on the other one.
    fn data_trouble(&mut self, error: &std::io::Error, stage: &Stage) -> TransferError {
        let what = of_socket(error, &format!("{} (data)", self.destination.host), self.options.timeouts.idle);
        let mut words = self.control.last_words(stage);
        while words.as_ref().is_some_and(Reply::is_preliminary) {
            words = self.control.last_words(stage);
        }
        match words {
            Some(reply) if reply.code >= 400 => self.refusal(&reply, stage.clone()),
            _ => TransferError::retry(stage.clone(), what),
        }
    }

    fn refusal(&self, reply: &Reply, stage: Stage) -> TransferError {
        reply.refusal(stage, &self.destination.host)
    }
}
