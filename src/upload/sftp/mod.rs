//! Uploads over SFTP version 3 (draft-ietf-secsh-filexfer-02), spoken by ourselves
//! through the user's own OpenSSH client: its configuration, agent, known_hosts,
//! jump hosts and hardware keys come with it.
//!
//! Not through sftp(1): it asks for attributes, which Launchpad's file system does
//! not have, and its batch mode tells no progress. Of the protocol only what that
//! file system does right is used: each file is opened once under its whole path,
//! written once from start to end, and closed. No stat, no folder, no renaming, no
//! resumption.
//!
//! The writes of a file are all on their way before the first is confirmed, up to
//! a window; the next file is begun when all are, and the .changes so after
//! everything else. An error kills ssh, and thereby the connection.

mod host_key;
mod packet;
mod refusal;
mod ssh;

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::Duration;

use crate::listener::Listener;
use crate::upload::source::Source;
use crate::upload::trouble::{of_socket, quoted};
use crate::upload::{Destination, Options, Stage, TransferError};

use packet::{Answer, Request};
use ssh::Ssh;

/// What every server takes in one write (§3: packets of 34,000 bytes).
const PIECE: u64 = 32 << 10;

/// What OpenSSH's server says that it takes; larger pieces gain nothing.
const LARGEST_PIECE: u64 = 255 << 10;

/// Bytes under way: as many as a fast line with 100 ms holds.
const WINDOW: u64 = 8 << 20;

/// Requests under way: their answers have to fit into the buffers on the way back.
const REQUESTS: usize = 256;

/// The extension by which a server says its limits.
const LIMITS: &[u8] = b"limits@openssh.com";

const WRITE_CREATE_TRUNCATE: u32 = 0x02 | 0x08 | 0x10;

/// Sends all files; see [`crate::upload::transfer`].
pub(crate) fn send(
    destination: &Destination,
    sources: &[Source<'_>],
    options: &Options,
    before_changes: &dyn Fn() -> Result<(), TransferError>,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    if destination.host.starts_with('-') || destination.host.chars().any(|c| c.is_control() || c == ' ') {
        let reason = format!("{:?} is not the name of a host", destination.host);
        return Err(TransferError::hopeless(Stage::Connect, reason));
    }
    let mut session = Session::open(destination, options)?;
    for (index, source) in sources.iter().enumerate() {
        let is_last = index + 1 == sources.len();
        if is_last {
            before_changes()?;
        }
        listener.started(&source.item.name, Some(source.item.size));
        let sent = session.store(source, is_last, listener);
        listener.finished(&source.item.name);
        sent?;
    }
    session.ssh.end();
    Ok(())
}

struct Session<'a> {
    ssh: Ssh,
    destination: &'a Destination,
    idle: Duration,
    request: Request,
    next: u32,
    piece: u64,
}

impl Session<'_> {
    fn open<'a>(destination: &'a Destination, options: &Options) -> Result<Session<'a>, TransferError> {
        let ssh = Ssh::start(destination, options)?;
        let idle = options.timeouts.idle;
        let mut session = Session { ssh, destination, idle, request: Request::new(), next: 1, piece: PIECE };
        session.greet(options.timeouts.connect)?;
        Ok(session)
    }

    fn greet(&mut self, patience: Duration) -> Result<(), TransferError> {
        let stream = &mut self.ssh.stream;
        let _ = stream.set_read_timeout(Some(patience));
        let _ = stream.set_write_timeout(Some(self.idle));
        let answer = self.request.start(packet::INIT, 3).send(stream).and_then(|()| Answer::receive(stream)).and_then(
            |mut a| {
                let version = a.number()?;
                Ok((a, version))
            },
        );
        let (mut answer, version) = match answer {
            Ok((answer, version)) if answer.kind == packet::VERSION => (answer, version),
            Err(e) if e.kind() != ErrorKind::InvalidData => return Err(self.no_session(&e)),
            _ => return Err(self.garbled(Stage::Login)),
        };
        if version != 3 {
            let reason = format!("{} speaks version {version} of SFTP instead of 3", self.destination.host);
            return Err(TransferError::other_way(Stage::Login, reason));
        }
        let _ = self.ssh.stream.set_read_timeout(Some(self.idle));
        self.ssh.forget_key();
        let mut has_limits = false;
        while let Ok(name) = answer.string() {
            has_limits |= name == LIMITS;
            if answer.string().is_err() {
                break;
            }
        }
        if has_limits { self.ask_limits() } else { Ok(()) }
    }

    fn ask_limits(&mut self) -> Result<(), TransferError> {
        let stage = Stage::Login;
        self.request.start(packet::EXTENDED, self.next).string(LIMITS);
        self.transmit(&stage)?;
        let mut answer = self.answer(&stage)?;
        if answer.kind == packet::EXTENDED_REPLY {
            let mut read = || {
                answer.number()?; // of the request
                let (packet, _read, write) = (answer.offset()?, answer.offset()?, answer.offset()?);
                Ok::<_, std::io::Error>((packet, write))
            };
            if let Ok((packet, write)) = read() {
                // 1 KiB for what surrounds the content; 0: no limit
                let room = if packet == 0 { LARGEST_PIECE } else { packet.saturating_sub(1024) };
                let most = if write == 0 { LARGEST_PIECE } else { write };
                self.piece = room.min(most).clamp(PIECE.min(room.max(1024)), LARGEST_PIECE);
            }
        }
        Ok(())
    }

    fn store(&mut self, source: &Source<'_>, is_last: bool, listener: &dyn Listener) -> Result<(), TransferError> {
        let stage = Stage::Send(source.item.name.clone());
        let handle = self.open_file(&source.item.name, &stage)?;
        let mut under_way: VecDeque<u64> = VecDeque::new();
        let (mut sent, mut confirmed) = (0, 0);
        // once at least: Launchpad's daemon makes no file when it is opened, only when it is written to
        loop {
            while under_way.len() >= REQUESTS || sent - confirmed > WINDOW {
                confirmed += self.confirmation(&mut under_way, &stage, &stage)?;
                listener.progress(&source.item.name, confirmed);
            }
            let piece = self.piece.min(source.item.size - sent);
            self.request.start(packet::WRITE, self.next).string(&handle).offset(sent);
            let read = self.request.string_of(&mut &source.file, piece as usize);
            if read.map_err(|e| source.unreadable(&e))? as u64 != piece {
                return Err(source.changed());
            }
            self.transmit(&stage)?;
            sent += piece;
            under_way.push_back(piece);
            if sent >= source.item.size {
                break;
            }
        }
        // the whole .changes may be there from now on, whatever is heard of it
        let lost = if is_last { Stage::Finish } else { stage.clone() };
        self.request.start(packet::CLOSE, self.next).string(&handle);
        self.transmit(&lost)?;
        under_way.push_back(0);
        while !under_way.is_empty() {
            confirmed += self.confirmation(&mut under_way, &stage, &lost)?;
            listener.progress(&source.item.name, confirmed);
        }
        source.assert_unchanged()
    }

    fn open_file(&mut self, name: &str, stage: &Stage) -> Result<Vec<u8>, TransferError> {
        let folder = self.destination.folder.trim_end_matches('/');
        let path = match (folder, self.destination.folder.as_str()) {
            ("", "") => name.to_string(),
            (folder, _) => format!("{folder}/{name}"),
        };
        // no attributes: the mode is the server's umask to decide
        self.request.start(packet::OPEN, self.next).string(path.as_bytes()).number(WRITE_CREATE_TRUNCATE).number(0);
        self.transmit(stage)?;
        let mut answer = self.answer(stage)?;
        let handle = match answer.kind {
            packet::HANDLE => answer.number().and_then(|_| answer.string().map(<[u8]>::to_vec)),
            packet::STATUS => return Err(self.refusal(&mut answer, stage, &path)),
            _ => return Err(self.garbled(stage.clone())),
        };
        handle.map_err(|_| self.garbled(stage.clone()))
    }

    /// Waits for the next answer, whichever request it is to; returns the bytes of one.
    /// Answers come in the order of requests from every known server, and since all have
    /// to be good it would not matter if they did not. `lost` is where the upload stands if
    /// nothing comes.
    fn confirmation(
        &mut self,
        under_way: &mut VecDeque<u64>,
        stage: &Stage,
        lost: &Stage,
    ) -> Result<u64, TransferError> {
        let mut answer = self.answer(lost)?;
        if answer.kind != packet::STATUS {
            return Err(self.garbled(lost.clone()));
        }
        match status(&mut answer) {
            Some((0, _)) => Ok(under_way.pop_front().unwrap_or_default()),
            Some((code, text)) => Err(refusal::of_status(code, &text, stage.clone(), &self.destination.host)),
            None => Err(self.garbled(lost.clone())),
        }
    }

    fn refusal(&self, answer: &mut Answer, stage: &Stage, path: &str) -> TransferError {
        let Some((code, text)) = status(answer) else { return self.garbled(stage.clone()) };
        let mut error = refusal::of_status(code, &text, stage.clone(), &self.destination.host);
        error.reason = format!("{} to the opening of {path}", error.reason);
        error
    }

    fn transmit(&mut self, stage: &Stage) -> Result<(), TransferError> {
        self.next = self.next.wrapping_add(1);
        let sent = self.request.send(&mut self.ssh.stream);
        sent.map_err(|e| self.broken(&e, stage))
    }

    fn answer(&mut self, stage: &Stage) -> Result<Answer, TransferError> {
        match Answer::receive(&mut self.ssh.stream) {
            Ok(answer) => Ok(answer),
            Err(e) if e.kind() == ErrorKind::InvalidData => Err(self.garbled(stage.clone())),
            Err(e) => Err(self.broken(&e, stage)),
        }
    }

    fn broken(&mut self, error: &std::io::Error, stage: &Stage) -> TransferError {
        let what = of_socket(error, &self.destination.host, self.idle);
        TransferError::retry(stage.clone(), what)
    }

    /// The session did not come to be: ssh says why, or says nothing.
    fn no_session(&mut self, error: &std::io::Error) -> TransferError {
        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
            let said = match quoted(&self.ssh.heard()) {
                nothing if nothing.is_empty() => nothing,
                said => format!(": {said}"),
            };
            let reason = format!("no SFTP session with {} in time{said}", self.destination.host);
            return TransferError::retry(Stage::Connect, reason);
        }
        refusal::of_login(&self.ssh.words(), self.destination)
    }

    fn garbled(&self, stage: Stage) -> TransferError {
        let reason =
            format!("{} does not speak SFTP (does a login script of it print something?)", self.destination.host);
        TransferError::other_way(stage, reason)
    }
}

/// Code and text of a status; the text is left out by some servers.
fn status(answer: &mut Answer) -> Option<(u32, String)> {
    let _request = answer.number().ok()?;
    let code = answer.number().ok()?;
    let text = answer.string().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
    Some((code, text))
}
