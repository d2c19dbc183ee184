//! Asking for a passphrase on the terminal, without echo.
//!
//! Talks to /dev/tty as gpg and ssh do, so that neither stdout nor a pipe on
//! stdin is touched. The terminal hands over every key as it is typed
//! (noncanonical mode), Ctrl-C among them: so the echo is back on before
//! anything else happens.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use sequoia_openpgp::crypto::Password;
use sequoia_openpgp::crypto::mem::Protected;

use super::SignError;

/// Asks with `prompt`; `None` if there is no terminal.
pub(super) fn ask_passphrase(prompt: &str) -> Result<Option<Password>, SignError> {
    let Ok(mut terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        return Ok(None);
    };
    let Some(quiet) = Quiet::start(&terminal) else { return Ok(None) };
    let _ = terminal.write_all(prompt.as_bytes());
    let line = read_line(&mut terminal);
    drop(quiet);
    let _ = terminal.write_all(b"\n");
    line.map(|line| Some(Password::from(line.as_slice())))
}

/// The terminal without echo, until this is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn start(terminal: &File) -> Option<Quiet> {
        let before = tcgetattr(terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        let terminal = terminal.try_clone().ok()?;
        // input typed ahead was not meant to be a passphrase
        tcsetattr(&terminal, OptionalActions::Flush, &quiet).ok()?;
        Some(Quiet { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// One line of at most 1024 bytes, with the keys that edit it.
fn read_line(source: &mut impl Read) -> Result<Line, SignError> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    const CTRL_BACKSLASH: u8 = 28;
    let mut line = Line { bytes: Protected::new(1024), length: 0 };
    let mut key = Protected::new(1);
    loop {
        if source.read(&mut key).map_err(|_| SignError::Cancelled)? == 0 {
            return Err(SignError::Cancelled);
        }
        match key.first().copied().unwrap_or(CTRL_D) {
            b'\n' | b'\r' => return Ok(line),
            CTRL_C | CTRL_BACKSLASH => return Err(SignError::Cancelled),
            CTRL_D if line.length == 0 => return Err(SignError::Cancelled),
            CTRL_D => return Ok(line),
            CTRL_U => line.length = 0,
            8 | 127 => line.pop(),
            byte => line.push(byte),
        }
    }
}

/// What has been typed, in memory that is wiped.
struct Line {
    bytes: Protected,
    length: usize,
}

impl Line {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// Removes one character, of however many bytes in UTF-8.
    fn pop(&mut self) {
        while let Some((last, rest)) = self.as_slice().split_last() {
            let continues = last & 0xc0 == 0x80;
            self.length = rest.len();
            if !continues {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Result<Vec<u8>, SignError> {
        read_line(&mut &*keys).map(|line| line.as_slice().to_vec())
    }

    #[test]
    fn keys_edit_the_line() {
        assert_eq!(typed(b"secret\nmore").unwrap(), b"secret");
        assert_eq!(typed("wrong\u{15}gr\u{fc}\u{7f}\u{fc}n\r".as_bytes()).unwrap(), "grün".as_bytes());
        assert_eq!(typed(b"\x7f\x7fa\x04").unwrap(), b"a");
        assert_eq!(typed(&[vec![b'x'; 2000], b"\n".to_vec()].concat()).unwrap().len(), 1024);
    }

    #[test]
    fn interrupts_and_ends_cancel() {
        for keys in [&b"abc\x03"[..], b"\x04", b"abc", b"\x1c"] {
            assert!(matches!(typed(keys), Err(SignError::Cancelled)), "{keys:?}");
        }
    }
}
