//! The members of a tar stream one by one: ustar, GNU and pax (POSIX.1-2001)
//! headers, as GNU tar reads them; what GNU tar and others read differently is
//! refused. Judges each member by itself; how members fit together is judged by
//! the module above.

use std::io::Read;

use crate::fetch::archive::{ArchiveError, Limits};
use crate::fetch::digest::fill;

const BLOCK: usize = 512;
/// A pax header of real upstreams is some hundred bytes.
const LONGEST_PAX: u64 = 1 << 20;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link to [`Member::link`].
    Symlink,
    /// A hard link to the member [`Member::link`].
    HardLink,
}

/// One member.
#[derive(Debug, Clone)]
pub struct Member {
    /// As the tarball names it.
    pub path: Vec<u8>,
    /// As the tarball names it; empty for files and folders.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: MemberKind,
    /// Whether the owner may execute it.
    pub executable: bool,
    /// Whether its data is a map of pieces instead of its content.
    pub sparse: bool,
    /// Bytes of data that follow the header.
    pub size: u64,
}

/// What pax headers and GNU long names say of the next member.
#[derive(Default)]
struct Ahead {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    real_size: u64,
}

/// Reads members from an uncompressed tar.
pub struct Members<'a, R> {
    input: R,
    limits: &'a Limits,
    /// Data and padding of the current member that nobody read.
    unread: u64,
    padding: u64,
    scratch: Vec<u8>,
    started: bool,
    holes: u64,
}

impl<'a, R: Read> Members<'a, R> {
    pub fn new(input: R, limits: &'a Limits) -> Self {
        Members { input, limits, unread: 0, padding: 0, scratch: vec![0; 128 * 1024], started: false, holes: 0 }
    }

    /// Where an attack begins.
    pub fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// The next member; `None` at the end of the archive, whose stream has then
    /// been read to its end, so that its checksums were verified.
    pub fn next(&mut self) -> Result<Option<Member>, ArchiveError> {
        self.skip(self.unread + self.padding)?;
        let mut ahead = Ahead::default();
        loop {
            let mut block = [0; BLOCK];
            if !self.header_block(&mut block)? {
                self.drain()?;
                return Ok(None);
            }
            let header = tar::Header::from_byte_slice(&block);
            let damaged = |what: &str| ArchiveError::Corrupt(format!("{what} in the header of a member"));
            if header.as_old().linkflag[0] == b'V' {
                // the label of a volume, which may have no size
                return Err(ArchiveError::UnknownType { path: header.path_bytes().into_owned(), kind: 'V' });
            }
            let size = header.entry_size().map_err(|_| damaged("no valid size"))?;
            match header.as_old().linkflag[0] {
                b'L' => ahead.path = Some(self.long_name(size)?),
                b'K' => ahead.link = Some(self.long_name(size)?),
                b'x' | b'X' => self.pax(size, &mut ahead)?,
                b'g' => self.global_pax(size)?,
                _ => return self.member(header, size, ahead).map(Some),
            }
        }
    }

    /// Appends the content of the current member.
    pub fn read_content(&mut self, content: &mut Vec<u8>) -> Result<(), ArchiveError> {
        let wanted = self.unread;
        let read = (&mut self.input).take(wanted).read_to_end(content).map_err(of_reading)? as u64;
        self.unread -= read;
        if read < wanted { Err(ArchiveError::Truncated) } else { Ok(()) }
    }

    fn header_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, ArchiveError> {
        let filled = fill(&mut self.input, block).map_err(of_reading)?;
        let first = !std::mem::replace(&mut self.started, true);
        if filled == 0 || (filled == BLOCK && block.iter().all(|b| *b == 0)) {
            return if first && filled == 0 { Err(ArchiveError::NoBytes) } else { Ok(false) };
        }
        if filled == BLOCK && checksum_holds(tar::Header::from_byte_slice(block)) {
            Ok(true)
        } else if first {
            // nonsense may come from damage, which the compressor's check tells
            self.drain()?;
            Err(ArchiveError::NotATar)
        } else if filled < BLOCK {
            self.drain()?;
            Err(ArchiveError::PartialHeader)
        } else {
            Err(ArchiveError::Corrupt("the checksum of a member's header is wrong".to_string()))
        }
    }

    fn member(&mut self, header: &tar::Header, size: u64, ahead: Ahead) -> Result<Member, ArchiveError> {
        let path = ahead.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = ahead.link.or_else(|| header.link_name_bytes().map(|l| l.into_owned())).unwrap_or_default();
        let limit = self.limits.path;
        if let Some(name) = [&path, &link].into_iter().find(|name| name.len() > limit) {
            return Err(ArchiveError::LongName { name: name.clone(), limit });
        }
        let size = ahead.size.unwrap_or(size);
        let mut sparse = ahead.sparse;
        let mut real_size = ahead.real_size;
        let kind = match header.as_old().linkflag[0] {
            b'0' | 0 | b'7' if path.ends_with(b"/") => MemberKind::Directory,
            b'0' | 0 | b'7' => MemberKind::File,
            b'1' => MemberKind::HardLink,
            b'2' => MemberKind::Symlink,
            b'3' => return Err(ArchiveError::Device { path, what: "character" }),
            b'4' => return Err(ArchiveError::Device { path, what: "block" }),
            b'5' => MemberKind::Directory,
            b'6' => return Err(ArchiveError::Fifo(path)),
            b'S' => {
                sparse = true;
                real_size = self.old_sparse(header)?;
                MemberKind::File
            }
            other => return Err(ArchiveError::UnknownType { path, kind: char::from(other) }),
        };
        let what = match kind {
            MemberKind::File => "a file",
            MemberKind::Directory => "a folder",
            MemberKind::Symlink => "a symbolic link",
            MemberKind::HardLink => "a hard link",
        };
        if kind != MemberKind::File && size > 0 {
            return Err(ArchiveError::Ambiguous { path, what });
        }
        self.count_holes(real_size.saturating_sub(size))?;
        self.set_data(size);
        let mode = header.mode().map_err(|_| ArchiveError::Corrupt("no valid mode in a header".to_string()))?;
        Ok(Member {
            path,
            link: if matches!(kind, MemberKind::Symlink | MemberKind::HardLink) { link } else { Vec::new() },
            kind,
            executable: mode & 0o100 != 0,
            sparse,
            size,
        })
    }

    fn set_data(&mut self, size: u64) {
        self.unread = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    /// What sparse files unpack to does not pass through the stream, so it is
    /// counted here.
    fn count_holes(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.holes = self.holes.saturating_add(bytes);
        let limit = self.limits.unpacked;
        if self.holes > limit { Err(ArchiveError::TooLarge { limit }) } else { Ok(()) }
    }

    /// Skips the blocks that continue an old GNU sparse map; the size in full.
    fn old_sparse(&mut self, header: &tar::Header) -> Result<u64, ArchiveError> {
        let damaged = || ArchiveError::Corrupt("a sparse member has no valid map".to_string());
        let gnu = header.as_gnu().ok_or_else(damaged)?;
        let mut more = gnu.is_extended();
        while more {
            let mut block = [0; BLOCK];
            if fill(&mut self.input, &mut block).map_err(of_reading)? < BLOCK {
                return Err(ArchiveError::Truncated);
            }
            more = block.get(504) == Some(&1);
        }
        gnu.real_size().map_err(|_| damaged())
    }

    /// The data of a header that describes the next member.
    fn header_data(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        self.set_data(size);
        let mut data = Vec::new();
        self.read_content(&mut data)?;
        self.skip(self.padding)?;
        Ok(data)
    }

    fn long_name(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let limit = self.limits.path;
        if size > limit as u64 + 1 {
            self.set_data(100);
            let mut name = Vec::new();
            self.read_content(&mut name)?;
            return Err(ArchiveError::LongName { name, limit });
        }
        let mut name = self.header_data(size)?;
        name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
        Ok(name)
    }

    fn pax(&mut self, size: u64, ahead: &mut Ahead) -> Result<(), ArchiveError> {
        for (key, value) in self.pax_records(size)? {
            let number = || {
                let text = std::str::from_utf8(&value).ok();
                text.and_then(|t| t.parse().ok())
                    .ok_or_else(|| ArchiveError::Corrupt("a pax header has no valid number".to_string()))
            };
            match key.as_slice() {
                b"path" if ahead.sparse => {} // the name of the map, the real one is in GNU.sparse.name
                b"path" => ahead.path = Some(value),
                b"linkpath" => ahead.link = Some(value),
                b"size" => ahead.size = Some(number()?),
                b"GNU.sparse.name" => (ahead.path, ahead.sparse) = (Some(value), true),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => {
                    (ahead.real_size, ahead.sparse) = (number()?, true);
                }
                key if key.starts_with(b"GNU.sparse.") => ahead.sparse = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// A header for all members: `git archive` writes its commit there as a
    /// comment. Names for all members would be nonsense.
    fn global_pax(&mut self, size: u64) -> Result<(), ArchiveError> {
        for (key, _) in self.pax_records(size)? {
            if matches!(key.as_slice(), b"path" | b"linkpath" | b"size") || key.starts_with(b"GNU.sparse.") {
                let message = format!("a global header sets {}", String::from_utf8_lossy(&key));
                return Err(ArchiveError::Corrupt(message));
            }
        }
        Ok(())
    }

    /// Records are `LENGTH KEY=VALUE\n`; a value may hold line ends, but no NUL
    /// where it names a file.
    fn pax_records(&mut self, size: u64) -> Result<Vec<PaxRecord>, ArchiveError> {
        if size > LONGEST_PAX {
            return Err(ArchiveError::Corrupt(format!("a pax header has {size} bytes")));
        }
        let data = self.header_data(size)?;
        let mut rest = data.as_slice();
        let mut records = Vec::new();
        while !rest.is_empty() && rest.first() != Some(&0) {
            let (record, after) =
                pax_record(rest).ok_or_else(|| ArchiveError::Corrupt("a pax header is malformed".to_string()))?;
            records.push(record);
            rest = after;
        }
        Ok(records)
    }

    fn skip(&mut self, mut bytes: u64) -> Result<(), ArchiveError> {
        while bytes > 0 {
            let length = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.scratch.len());
            let chunk = self.scratch.get_mut(..length).unwrap_or_default();
            if fill(&mut self.input, chunk).map_err(of_reading)? < length {
                return Err(ArchiveError::Truncated);
            }
            bytes -= length as u64;
        }
        (self.unread, self.padding) = (0, 0);
        Ok(())
    }

    /// GNU tar ignores what follows the end of the archive, but the compressor's
    /// own check comes last.
    fn drain(&mut self) -> Result<(), ArchiveError> {
        while fill(&mut self.input, &mut self.scratch).map_err(of_reading)? > 0 {}
        Ok(())
    }
}

type PaxRecord = (Vec<u8>, Vec<u8>);

fn pax_record(data: &[u8]) -> Option<(PaxRecord, &[u8])> {
    let blank = memchr::memchr(b' ', data.get(..data.len().min(20))?)?;
    let length: usize = std::str::from_utf8(data.get(..blank)?).ok()?.parse().ok()?;
    let record = data.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', record)?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    if matches!(key, b"path" | b"linkpath" | b"GNU.sparse.name") && value.contains(&0) {
        return None;
    }
    Some(((key.to_vec(), value.to_vec()), data.get(length..)?))
}

/// A limit that the reader below reports keeps its own error; the rest is
/// sorted into truncated, damaged, and trouble with the disk.
fn of_reading(error: std::io::Error) -> ArchiveError {
    if error.get_ref().is_some_and(|inner| inner.is::<ArchiveError>()) {
        return match error.into_inner().map(|inner| inner.downcast::<ArchiveError>()) {
            Some(Ok(limit)) => *limit,
            _ => ArchiveError::Truncated,
        };
    }
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        _ if error.raw_os_error().is_some() => ArchiveError::Io(error),
        _ => ArchiveError::Corrupt(error.to_string()),
    }
}

/// Whether the checksum of a header is right; old programs summed signed bytes,
/// and GNU tar takes both.
pub fn checksum_holds(header: &tar::Header) -> bool {
    let Ok(expected) = header.cksum() else { return false };
    let bytes = header.as_bytes().iter().enumerate();
    let bytes = bytes.map(|(i, b)| if (148..156).contains(&i) { b' ' } else { *b });
    let unsigned: u32 = bytes.clone().map(u32::from).sum();
    let signed: i32 = bytes.map(|b| i32::from(i8::from_ne_bytes([b]))).sum();
    unsigned == expected || i64::from(signed) == i64::from(expected)
}
