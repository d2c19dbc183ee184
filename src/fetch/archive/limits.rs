//! Stops a tarball that is an attack while it is being read.

use std::cell::Cell;
use std::io::Read;

use crate::fetch::archive::ArchiveError;

/// From where on a tarball is taken for an attack.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes unpacked; for a large tarball 16 times its size, if that is more.
    pub unpacked: u64,
    /// Bytes of all wanted files together, which are kept in memory.
    pub content: u64,
    /// Unpacked size over compressed size.
    pub ratio: u64,
    /// Bytes unpacked before the ratio counts.
    pub ratio_from: u64,
    /// Members.
    pub members: usize,
    /// Bytes of a name, or of a link's target (PATH_MAX of Linux).
    pub path: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            unpacked: 8 << 30,
            content: 4 << 30,
            ratio: 1000,
            ratio_from: 64 << 20,
            members: 2_000_000,
            path: 4096,
        }
    }
}

/// Counts what is taken from the compressed file.
pub struct Counted<'a, R> {
    pub inner: R,
    pub count: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Stops a bomb while it unpacks.
pub struct Limited<'a, R> {
    pub inner: R,
    pub consumed: &'a Cell<u64>,
    pub unpacked: u64,
    pub limits: &'a Limits,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let limits = self.limits;
        if self.unpacked > limits.unpacked {
            return Err(std::io::Error::other(ArchiveError::TooLarge { limit: limits.unpacked }));
        }
        if self.unpacked > limits.ratio_from && self.unpacked / limits.ratio > self.consumed.get() {
            return Err(std::io::Error::other(ArchiveError::Bomb { limit: limits.ratio }));
        }
        Ok(read)
    }
}
