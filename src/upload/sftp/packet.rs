//! Packets of the SSH file transfer protocol, version 3
//! (draft-ietf-secsh-filexfer-02), as much of it as an upload needs, on a pair of
//! streams.

use std::io::{Error, ErrorKind, Read, Write};

pub(super) const INIT: u8 = 1;
pub(super) const VERSION: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const WRITE: u8 = 6;
pub(super) const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const EXTENDED: u8 = 200;
pub(super) const EXTENDED_REPLY: u8 = 201;

/// Answers to an upload are short; a longer length is text of a login script.
const LONGEST_ANSWER: usize = 256 << 10;

/// One request under construction. Its memory is used again for the next.
pub(super) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// Without content.
    pub fn new() -> Request {
        Request { bytes: Vec::new() }
    }

    /// Starts anew.
    pub fn start(&mut self, kind: u8, number: u32) -> &mut Request {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[0, 0, 0, 0, kind]);
        self.number(number)
    }

    /// Appends 32 bits.
    pub fn number(&mut self, number: u32) -> &mut Request {
        self.bytes.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Appends 64 bits.
    pub fn offset(&mut self, offset: u64) -> &mut Request {
        self.bytes.extend_from_slice(&offset.to_be_bytes());
        self
    }

    /// Appends bytes with their length.
    pub fn string(&mut self, bytes: &[u8]) -> &mut Request {
        self.number(bytes.len() as u32);
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends up to `length` bytes of a file with their length; returns how many
    /// there were.
    pub fn string_of(&mut self, file: &mut impl Read, length: usize) -> std::io::Result<usize> {
        let start = self.bytes.len();
        self.number(0);
        let read = file.take(length as u64).read_to_end(&mut self.bytes)?;
        if let Some(place) = self.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&(read as u32).to_be_bytes());
        }
        Ok(read)
    }

    /// Sends it in one piece.
    pub fn send(&mut self, stream: &mut impl Write) -> std::io::Result<()> {
        let length = (self.bytes.len().saturating_sub(4)) as u32;
        if let Some(place) = self.bytes.get_mut(..4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        stream.write_all(&self.bytes)
    }
}

/// One answer: its kind, and what is left to be read of it.
pub(super) struct Answer {
    pub kind: u8,
    content: Vec<u8>,
    read: usize,
}

impl Answer {
    /// Reads the next one. [`ErrorKind::InvalidData`]: this is no SFTP.
    pub fn receive(stream: &mut impl Read) -> std::io::Result<Answer> {
        let mut head = [0; 4];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head) as usize;
        if length == 0 || length > LONGEST_ANSWER {
            return Err(Error::new(ErrorKind::InvalidData, "not an SFTP packet"));
        }
        let mut content = vec![0; length];
        stream.read_exact(&mut content)?;
        let kind = content.first().copied().unwrap_or_default();
        Ok(Answer { kind, content, read: 1 })
    }

    /// The next 32 bits.
    pub fn number(&mut self) -> std::io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes(bytes.try_into().map_err(|_| truncated())?))
    }

    /// The next 64 bits.
    pub fn offset(&mut self) -> std::io::Result<u64> {
        let bytes = self.take(8)?;
        Ok(u64::from_be_bytes(bytes.try_into().map_err(|_| truncated())?))
    }

    /// The next bytes with a length.
    pub fn string(&mut self) -> std::io::Result<&[u8]> {
        let length = self.number()? as usize;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> std::io::Result<&[u8]> {
        let end = self.read.checked_add(length).ok_or_else(truncated)?;
        let taken = self.content.get(self.read..end).ok_or_else(truncated)?;
        self.read = end;
        Ok(taken)
    }
}

fn truncated() -> Error {
    Error::new(ErrorKind::InvalidData, "an SFTP packet that ends early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_back() {
        let mut wire = Vec::new();
        let mut request = Request::new();
        request.start(WRITE, 7).string(b"handle").offset(1 << 40);
        assert_eq!(request.string_of(&mut &b"content"[..], 100).unwrap(), 7);
        request.send(&mut wire).unwrap();
        let mut read = Answer::receive(&mut wire.as_slice()).unwrap();
        assert_eq!((read.kind, read.number().unwrap()), (WRITE, 7));
        assert_eq!(read.string().unwrap(), b"handle");
        assert_eq!(read.offset().unwrap(), 1 << 40);
        assert_eq!(read.string().unwrap(), b"content");
        assert!(read.number().is_err());
    }

    #[test]
    fn what_is_not_sftp_is_refused_without_much_memory() {
        for wire in [&b"Welcome to this machine"[..], &[0, 0, 0, 0], &[0, 0, 0, 9, 1]] {
            assert!(Answer::receive(&mut &*wire).is_err());
        }
        let mut lies = Answer::receive(&mut &[0, 0, 0, 5, HANDLE, 255, 255, 255, 255][..]).unwrap();
        assert!(lies.string().is_err());
    }
}
