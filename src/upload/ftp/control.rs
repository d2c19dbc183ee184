//! The control connection of FTP: command lines out, replies in (RFC 959 §4).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::upload::connect::connect;
use crate::upload::ftp::reply::Reply;
use crate::upload::trouble::of_socket;
use crate::upload::{Destination, Options, Stage, TransferError};

const PORT: u16 = 21;

/// More than any greeting; a server that sends more is none.
const LONGEST_REPLY: usize = 64 << 10;

/// Dropping it without QUIT is how an upload is given up.
pub(super) struct Control {
    stream: TcpStream,
    /// Bytes that came behind the reply read last.
    buffer: Vec<u8>,
    host: String,
    idle: Duration,
}

impl Control {
    /// Connects; the greeting is still to be read.
    pub fn open(destination: &Destination, options: &Options) -> Result<Control, TransferError> {
        let stream = connect(&destination.host, destination.port.unwrap_or(PORT), options)?;
        let idle = options.timeouts.idle;
        Ok(Control { stream, buffer: Vec::new(), host: destination.host.clone(), idle })
    }

    /// Where data connections go, whatever the server says.
    pub fn peer(&self) -> std::io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// Sends command lines in one segment.
    pub fn command(&mut self, lines: &[&str], stage: &Stage) -> Result<(), TransferError> {
        let text: String = lines.iter().flat_map(|line| [*line, "\r\n"]).collect();
        self.stream.write_all(text.as_bytes()).map_err(|e| self.broken(&e, stage))
    }

    /// Reads one reply.
    pub fn reply(&mut self, stage: &Stage) -> Result<Reply, TransferError> {
        let first = self.line(stage)?;
        let Some(code) = code_of(&first) else {
            let said = crate::upload::trouble::quoted(&first);
            return Err(TransferError::other_way(stage.clone(), format!("{} does not speak FTP: {said}", self.host)));
        };
        let mut text = first;
        if text.get(3..4) == Some("-") {
            let end = format!("{code} ");
            loop {
                let line = self.line(stage)?;
                text.push('\n');
                text.push_str(&line);
                if line.starts_with(&end) {
                    break;
                }
                if text.len() > LONGEST_REPLY {
                    return Err(self.endless(stage));
                }
            }
        }
        Ok(Reply { code, text })
    }

    /// Reads one reply that may take longer than others.
    pub fn reply_within(&mut self, wait: Duration, stage: &Stage) -> Result<Reply, TransferError> {
        // a socket without time-out waits for ever; it keeps the one it has
        let _ = self.stream.set_read_timeout(Some(wait));
        let reply = self.reply(stage);
        let _ = self.stream.set_read_timeout(Some(self.idle));
        reply
    }

    /// What the server has to say about a data connection that broke, if it says
    /// it soon.
    pub fn last_words(&mut self, stage: &Stage) -> Option<Reply> {
        self.reply_within(self.idle.min(Duration::from_secs(3)), stage).ok()
    }

    fn line(&mut self, stage: &Stage) -> Result<String, TransferError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_string());
            }
            if self.buffer.len() > LONGEST_REPLY {
                return Err(self.endless(stage));
            }
            let mut block = [0; 4096];
            let read = match self.stream.read(&mut block) {
                Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other,
            };
            let read = read.map_err(|e| self.broken(&e, stage))?;
            self.buffer.extend_from_slice(block.get(..read).unwrap_or_default());
        }
    }

    fn broken(&self, error: &std::io::Error, stage: &Stage) -> TransferError {
        TransferError::retry(stage.clone(), of_socket(error, &self.host, self.idle))
    }

    fn endless(&self, stage: &Stage) -> TransferError {
        TransferError::other_way(stage.clone(), format!("{} sends a reply without end", self.host))
    }
}

fn code_of(line: &str) -> Option<u16> {
    let digits = line.get(..3)?;
    let is_separated = matches!(line.get(3..4), None | Some(" " | "-"));
    (is_separated && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}
