//! Which compression a tarball has, told by its first bytes and never by its
//! name; reading through it; and repacking what Debian's source formats cannot
//! carry. Formats: RFC 1952 (gzip), the .xz and .lzma file formats, ustar.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use liblzma::stream::{CONCATENATED, Check, MtStreamBuilder, Stream};

/// A compression that an orig tarball may have (dpkg-source(1); Launchpad takes
/// no other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// `.tar.gz`
    Gzip,
    /// `.tar.bz2`
    Bzip2,
    /// `.tar.xz`
    Xz,
}

impl Compression {
    /// The end of an orig file's name, without a dot before it: `tar.gz`.
    pub fn extension(self) -> &'static str {
        match self {
            Compression::Gzip => "tar.gz",
            Compression::Bzip2 => "tar.bz2",
            Compression::Xz => "tar.xz",
        }
    }
}

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detected {
    /// Used byte for byte.
    Usable(Compression),
    /// Repacked.
    Repackable(Repackable),
    /// Known, and of no use; the words say what it is.
    Refused(&'static str),
    /// Nothing that pkgr knows.
    Unknown,
}

/// What is repacked to `.tar.xz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repackable {
    /// A tar without compression.
    Tar,
    /// `.tar.lzma`
    Lzma,
}

impl Repackable {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Repackable::Tar => "an uncompressed tar",
            Repackable::Lzma => "a .tar.lzma",
        }
    }
}

/// How many bytes [`detect`] wants to see.
pub const HEAD: usize = 512;

/// Tells what a file is by its first [`HEAD`] bytes.
pub fn detect(head: &[u8]) -> Detected {
    match head {
        [0x1f, 0x8b, ..] => Detected::Usable(Compression::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Detected::Usable(Compression::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Detected::Usable(Compression::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Detected::Refused("compressed with zstd"),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Detected::Refused("a zip archive"),
        [b'L', b'Z', b'I', b'P', ..] => Detected::Refused("compressed with lzip"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Detected::Refused("a 7z archive"),
        [0x1f, 0x9d, ..] => Detected::Refused("compressed with compress"),
        _ if is_tar(head) => Detected::Repackable(Repackable::Tar),
        // properties 5d, a dictionary of a power of two, size unknown or below 1 TiB
        [0x5d, 0, 0, _, _, size @ ..] if size.get(5..8).is_some_and(|s| s == [0; 3] || s == [0xff; 3]) => {
            Detected::Repackable(Repackable::Lzma)
        }
        _ => Detected::Unknown,
    }
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
        || head.get(..512).is_some_and(|block| {
            let block = tar::Header::from_byte_slice(block);
            crate::fetch::archive::checksum_holds(block)
        })
}

/// Memory that a decoder may take: the largest preset needs 65 MiB, hand-tuned
/// dictionaries some hundreds.
const DECODER_MEMORY: u64 = 1 << 30;
const BUFFER: usize = 128 * 1024;

/// Reads what is inside; several streams one after the other are one, as gzip,
/// bzip2 and xz read them.
pub enum Decoder<R> {
    /// RFC 1952.
    Gzip(flate2::bufread::MultiGzDecoder<BufReader<R>>),
    /// bzip2.
    Bzip2(bzip2::bufread::MultiBzDecoder<BufReader<R>>),
    /// The .xz file format.
    Xz(liblzma::bufread::XzDecoder<BufReader<R>>),
}

/// Opens what is inside a compressed file.
pub fn decoder<R: Read>(compression: Compression, file: R) -> std::io::Result<Decoder<R>> {
    let file = BufReader::with_capacity(BUFFER, file);
    Ok(match compression {
        Compression::Gzip => Decoder::Gzip(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Bzip2 => Decoder::Bzip2(bzip2::bufread::MultiBzDecoder::new(file)),
        Compression::Xz => {
            let stream = Stream::new_stream_decoder(DECODER_MEMORY, CONCATENATED)?;
            Decoder::Xz(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
    })
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Bzip2(decoder) => decoder.read(buffer),
            Decoder::Xz(decoder) => decoder.read(buffer),
        }
    }
}

/// Writes the tar inside of `path` to `output` as .tar.xz. The bytes depend on
/// the tar's bytes only: the same preset, check and block size always, for any
/// number of threads.
pub fn repack(path: &Path, what: Repackable, output: impl Write, limit: u64) -> std::io::Result<()> {
    let file = BufReader::with_capacity(BUFFER, File::open(path)?);
    let input: Box<dyn Read> = match what {
        Repackable::Tar => Box::new(file),
        Repackable::Lzma => {
            let stream = Stream::new_lzma_decoder(DECODER_MEMORY)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
    };
    let threads = u32::try_from(crate::parallel::available()).unwrap_or(1);
    let stream = MtStreamBuilder::new().threads(threads).preset(6).check(Check::Crc64).encoder()?;
    let mut encoder = liblzma::write::XzEncoder::new_stream(output, stream);
    let written = std::io::copy(&mut input.take(limit + 1), &mut encoder)?;
    if written > limit {
        return Err(std::io::Error::other(format!("it unpacks to more than {limit} bytes")));
    }
    encoder.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(detect(&[0x1f, 0x8b, 8]), Detected::Usable(Compression::Gzip));
        assert_eq!(detect(b"BZh91AY&SY"), Detected::Usable(Compression::Bzip2));
        assert_eq!(detect(b"\xfd7zXZ\0\0\x04"), Detected::Usable(Compression::Xz));
        assert_eq!(detect(b"PK\x03\x04"), Detected::Refused("a zip archive"));
        assert_eq!(detect(b"\x28\xb5\x2f\xfd"), Detected::Refused("compressed with zstd"));
        assert_eq!(detect(b"<!DOCTYPE html>"), Detected::Unknown);
        assert_eq!(detect(b""), Detected::Unknown);
        let lzma = [0x5d, 0, 0, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
        assert_eq!(detect(&lzma), Detected::Repackable(Repackable::Lzma));
        let mut header = tar::Header::new_old();
        header.set_size(0);
        header.set_cksum();
        assert_eq!(detect(header.as_bytes()), Detected::Repackable(Repackable::Tar));
        assert_eq!(detect(&[0; 512]), Detected::Unknown);
    }
}
