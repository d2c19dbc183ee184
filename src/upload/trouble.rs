//! How a [`TransferError`] is made: what the transports have in common.

use std::io::{Error, ErrorKind};

use crate::upload::{Cure, Stage, TransferError};

impl TransferError {
    /// A fresh connection may do.
    pub(crate) fn retry(stage: Stage, reason: impl Into<String>) -> TransferError {
        TransferError { stage, cure: Cure::Retry, reason: reason.into(), refused: false }
    }

    /// Another method or host may do.
    pub(crate) fn other_way(stage: Stage, reason: impl Into<String>) -> TransferError {
        TransferError { stage, cure: Cure::OtherWay, reason: reason.into(), refused: false }
    }

    /// Nothing that can be tried.
    pub(crate) fn hopeless(stage: Stage, reason: impl Into<String>) -> TransferError {
        TransferError { stage, cure: Cure::None, reason: reason.into(), refused: false }
    }

    /// It was the other side that said no.
    pub(crate) fn refused(mut self) -> TransferError {
        self.refused = true;
        self
    }
}

/// What an error of a socket means to a person: time-outs come as two kinds
/// (`EAGAIN` of a blocking socket, `ETIMEDOUT`), broken connections as four.
pub(crate) fn of_socket(error: &Error, peer: &str, idle: std::time::Duration) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("{peer} has not stirred for {} s", idle.as_secs_f32().ceil())
        }
        ErrorKind::UnexpectedEof => format!("{peer} closed the connection"),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            format!("{peer} broke the connection")
        }
        _ => format!("connection to {peer}: {error}"),
    }
}

/// The words of another machine, fit for a terminal: one line, no control
/// characters, not without end.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 400;
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    let mut line = words.join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_paint_the_terminal() {
        assert_eq!(quoted("550 \u{1b}[31mno\r\n  way"), "550 [31mno way");
        assert_eq!(quoted(&"é".repeat(500)).chars().count(), 401);
    }
}
