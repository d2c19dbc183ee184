//! Reading a binary package, a `.deb`, as a stream: the `ar` archive, the
//! control paragraph, and chosen files of its data member (deb(5), format 2.0;
//! ar(5), the common format with dpkg's rules on it).
//!
//! The members may be gzip, xz, zstd or plain; what dpkg itself no longer makes
//! (bzip2, lzma) is named and refused. Nothing is unpacked to disk. Every size
//! that a package states is held against [`Limits`] before memory is taken.

use std::io::{BufRead, BufReader, Read};

use crate::deb::control::{self, Paragraph};

/// What a package may ask of the reader.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes that a member may unpack to.
    pub unpacked: u64,
    /// Bytes that the chosen files may have in all.
    pub kept: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { unpacked: 8 << 30, kept: 1 << 30 }
    }
}

/// What was read of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The fields of its `control`.
    pub control: Paragraph,
    /// The chosen regular files in the order of the package.
    pub files: Vec<File>,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the root of the system, without `./` or `/` before it.
    pub path: Vec<u8>,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Why a package cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// The bytes do not begin as an `ar` archive.
    #[error("not a .deb: it does not begin with `!<arch>`")]
    NotAnArchive,
    /// The first member is not `debian-binary`.
    #[error("not a .deb: its first member is `{0}` instead of `debian-binary`")]
    NotAPackage(String),
    /// A format that is not 2.x.
    #[error("the .deb has format `{0}`, and only 2.x is known")]
    Format(String),
    /// A member's header is no header.
    #[error("the .deb is damaged: {0}")]
    Damaged(&'static str),
    /// A member that must be there is not.
    #[error("the .deb has no member `{0}`")]
    Missing(&'static str),
    /// A member where another has to stand.
    #[error("the .deb has the member `{found}` where `{expected}` has to be")]
    Unexpected {
        /// Its name.
        found: String,
        /// What deb(5) wants there.
        expected: &'static str,
    },
    /// A member compressed in a way that is not known.
    #[error("`{0}` is compressed in a way that pkgr does not read")]
    Compression(String),
    /// The tar inside a member.
    #[error("the tar inside `{member}` is damaged: {what}")]
    Tar {
        /// The member.
        member: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The control file.
    #[error("its control file is wrong at {0}")]
    Control(#[from] control::ParseError),
    /// More than the limits allow.
    #[error("`{member}` {what} more than {limit} bytes")]
    TooLarge {
        /// The member or file.
        member: String,
        /// "unpacks to", "has".
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The bytes could not be read, or not be decompressed.
    #[error("cannot read {what}: {error}")]
    Io {
        /// What was being read.
        what: String,
        /// Why not.
        error: std::io::Error,
    },
}

/// Whether a file is a .deb, by its first 8 bytes.
pub fn is_archive(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Reads a package; `wanted` is asked for the path of every regular file.
/// Stops behind the data member: what follows is not part of the package.
pub fn read(input: impl Read, wanted: &dyn Fn(&[u8]) -> bool, limits: &Limits) -> Result<Package, DebError> {
    let mut archive = Ar::open(input)?;
    let first = archive.next()?.ok_or(DebError::Missing("debian-binary"))?;
    if first.name != "debian-binary" {
        return Err(DebError::NotAPackage(first.name));
    }
    let format = archive.read_small(&first, 64)?;
    let format = String::from_utf8_lossy(&format).lines().next().unwrap_or_default().to_string();
    if format.split_once('.').is_none_or(|(major, _)| major != "2") {
        return Err(DebError::Format(format));
    }
    let member = archive.next_of("control.tar")?;
    let mut controls = archive.tar(&member, limits, &|path| path == b"control")?;
    let text = controls.pop().ok_or(DebError::Missing("control"))?.content;
    let control = control::parse_bytes(&text)?.into_iter().next().ok_or(DebError::Missing("control"))?;
    let member = archive.next_of("data.tar")?;
    Ok(Package { control, files: archive.tar(&member, limits, wanted)? })
}

const MAGIC: &[u8] = b"!<arch>\n";

/// A member of the `ar` archive whose content is still to come.
struct Member {
    name: String,
    size: u64,
}

/// The `ar` archive, read from one end to the other.
struct Ar<R> {
    input: BufReader<R>,
    /// Bytes of the current member, with its padding, that nobody has read.
    left: u64,
}

impl<R: Read> Ar<R> {
    fn open(input: R) -> Result<Ar<R>, DebError> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let mut magic = [0; 8];
        let n = fill(&mut input, &mut magic).map_err(io("the .deb"))?;
        if n < magic.len() || magic != *MAGIC {
            return Err(DebError::NotAnArchive);
        }
        Ok(Ar { input, left: 0 })
    }

    /// The next member; `None` at the end. The rest of the last one is skipped.
    fn next(&mut self) -> Result<Option<Member>, DebError> {
        let skipped = std::io::copy(&mut (&mut self.input).take(self.left), &mut std::io::sink());
        if skipped.map_err(io("the .deb"))? < self.left.saturating_sub(1) {
            return Err(DebError::Damaged("it ends within a member"));
        }
        let mut header = [0; 60];
        match fill(&mut self.input, &mut header).map_err(io("the .deb"))? {
            0 => return Ok(None),
            60 if header.ends_with(b"`\n") => {}
            60 => return Err(DebError::Damaged("a member's header does not end as one")),
            _ => return Err(DebError::Damaged("it ends within a member's header")),
        }
        let text = |range: std::ops::Range<usize>| {
            let field = header.get(range).unwrap_or_default();
            std::str::from_utf8(field).map(|text| text.trim_end_matches(' ')).unwrap_or_default()
        };
        let size = text(48..58);
        if size.is_empty() || !size.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DebError::Damaged("a member's size is no number"));
        }
        let size = size.parse().map_err(|_| DebError::Damaged("a member's size is no number"))?;
        // a member of odd size is followed by one byte of padding
        self.left = size + size % 2;
        let name = text(0..16);
        Ok(Some(Member { name: name.strip_suffix('/').unwrap_or(name).to_string(), size }))
    }

    /// The next member, which has to be this one, compressed or not. Members
    /// whose names begin with an underscore may stand anywhere (deb(5)).
    fn next_of(&mut self, expected: &'static str) -> Result<Member, DebError> {
        loop {
            let member = self.next()?.ok_or(DebError::Missing(expected))?;
            if member.name.starts_with('_') {
                continue;
            }
            let rest = member.name.strip_prefix(expected);
            return match rest.filter(|rest| rest.is_empty() || rest.starts_with('.')) {
                Some(_) => Ok(member),
                None => Err(DebError::Unexpected { found: member.name, expected }),
            };
        }
    }

    fn read_small(&mut self, member: &Member, limit: u64) -> Result<Vec<u8>, DebError> {
        if member.size > limit {
            return Err(DebError::TooLarge { member: member.name.clone(), what: "has", limit });
        }
        let mut content = Vec::new();
        let mut input = (&mut self.input).take(member.size);
        self.left -= input.read_to_end(&mut content).map_err(io(&member.name))? as u64;
        Ok(content)
    }

    /// The wanted files of the tar inside a member.
    fn tar(&mut self, member: &Member, limits: &Limits, wanted: &dyn Fn(&[u8]) -> bool) -> Result<Vec<File>, DebError> {
        let mut input = (&mut self.input).take(member.size);
        let files = {
            let decoder = Decoder::open(member, &mut input)?;
            let inner = Limited { inner: decoder, left: limits.unpacked, exceeded: false };
            let mut tar = Tar { input: inner, member: &member.name, limits };
            let files = tar.files(wanted)?;
            tar.finish()?;
            files
        };
        // what a decoder leaves behind must be there all the same
        std::io::copy(&mut input, &mut std::io::sink()).map_err(io(&member.name))?;
        if input.limit() > 0 {
            return Err(DebError::Damaged("it ends within a member"));
        }
        self.left -= member.size;
        Ok(files)
    }
}

/// Reads what a member holds, by the end of its name.
enum Decoder<R: BufRead> {
    Plain(R),
    Gzip(flate2::bufread::MultiGzDecoder<R>),
    Xz(liblzma::bufread::XzDecoder<R>),
    Zstd(Box<Zstd<R>>),
}

/// What the decoder of xz may take: the highest preset needs 65 MiB.
const DECODER_MEMORY: u64 = 256 << 20;

impl<R: BufRead> Decoder<R> {
    fn open(member: &Member, input: R) -> Result<Decoder<R>, DebError> {
        Ok(match member.name.rsplit_once(".tar").map(|(_, rest)| rest) {
            Some("") => Decoder::Plain(input),
            Some(".gz") => Decoder::Gzip(flate2::bufread::MultiGzDecoder::new(input)),
            Some(".xz") => {
                let stream = liblzma::stream::Stream::new_stream_decoder(DECODER_MEMORY, liblzma::stream::CONCATENATED);
                let stream = stream.map_err(|error| io(&member.name)(error.into()))?;
                Decoder::Xz(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Some(".zst") => Decoder::Zstd(Box::new(Zstd { input: Some(input), frame: None })),
            _ => return Err(DebError::Compression(member.name.clone())),
        })
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Decoder::Plain(input) => input.read(buffer),
            Decoder::Gzip(input) => input.read(buffer),
            Decoder::Xz(input) => input.read(buffer),
            Decoder::Zstd(input) => input.read(buffer),
        }
    }
}

type Frame<R> = ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>;

/// zstd frames one after the other (RFC 8878 §3); the crate reads one.
struct Zstd<R: BufRead> {
    /// Between two frames.
    input: Option<R>,
    frame: Option<Frame<R>>,
}

impl<R: BufRead> Zstd<R> {
    /// Opens the next frame; `false` where the input ends.
    fn next_frame(&mut self) -> std::io::Result<bool> {
        let Some(mut input) = self.input.take() else { return Ok(false) };
        if input.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let frame = ruzstd::decoding::StreamingDecoder::new(input).map_err(std::io::Error::other)?;
        self.frame = Some(frame);
        Ok(true)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(mut frame) = self.frame.take() {
                let n = frame.read(buffer)?;
                if n > 0 || buffer.is_empty() {
                    self.frame = Some(frame);
                    return Ok(n);
                }
                self.input = Some(frame.into_inner());
            }
            if !self.next_frame()? {
                return Ok(0);
            }
        }
    }
}

/// Ends the reading where a member unpacks to more than it may.
struct Limited<R> {
    inner: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            self.exceeded = true;
            std::io::Error::other("too large")
        })?;
        Ok(n)
    }
}

/// A path or a link's target is never this long on a file system.
const LONGEST_NAME: u64 = 64 << 10;
const BLOCK: u64 = 512;

/// The tar inside a member: the old format, ustar, and GNU's long names, which
/// is what dpkg reads; it refuses pax headers, and so does this.
struct Tar<'a, R> {
    input: Limited<R>,
    member: &'a str,
    limits: &'a Limits,
}

impl<R: Read> Tar<'_, R> {
    fn files(&mut self, wanted: &dyn Fn(&[u8]) -> bool) -> Result<Vec<File>, DebError> {
        let mut files = Vec::new();
        let mut kept: u64 = 0;
        let mut long_name: Option<Vec<u8>> = None;
        while let Some(header) = self.header()? {
            let size = header.entry_size().map_err(|_| self.damaged("a size is no number"))?;
            match header.entry_type().as_byte() {
                b'L' => long_name = Some(self.name(size)?),
                b'K' => drop(self.name(size)?),
                kind => {
                    let path = long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
                    let path = normal(&path);
                    let is_file = matches!(kind, 0 | b'0' | b'7');
                    if is_file && wanted(&path) {
                        kept = kept.saturating_add(size);
                        if kept > self.limits.kept {
                            let member = String::from_utf8_lossy(&path).into_owned();
                            return Err(DebError::TooLarge { member, what: "has", limit: self.limits.kept });
                        }
                        files.push(File { path, content: self.content(size)? });
                    } else if is_file {
                        self.skip(size)?;
                    } else if matches!(kind, b'x' | b'g' | b'S') {
                        return Err(self.damaged("it has pax headers or sparse files, which dpkg refuses"));
                    }
                    // links, folders and devices have no content, whatever size they state
                }
            }
        }
        Ok(files)
    }

    /// The next header; `None` at the end of the tar.
    fn header(&mut self) -> Result<Option<tar::Header>, DebError> {
        let mut header = tar::Header::new_old();
        let block = header.as_mut_bytes();
        let n = fill(&mut self.input, block).map_err(|error| self.failed(error))?;
        if n == 0 || (n == block.len() && block.iter().all(|b| *b == 0)) {
            return Ok(None);
        }
        if n < block.len() {
            return Err(self.damaged("it ends within a header"));
        }
        // the sum of all bytes, those of the sum itself taken as blanks
        let sum: u32 = header.as_bytes().iter().map(|b| u32::from(*b)).sum();
        let field: u32 = header.as_old().cksum.iter().map(|b| u32::from(*b)).sum();
        if header.cksum().ok() != Some(sum - field + 8 * u32::from(b' ')) {
            return Err(self.damaged("the checksum of a header does not hold"));
        }
        Ok(Some(header))
    }

    /// Reads to the end, for checksums stand there.
    fn finish(&mut self) -> Result<(), DebError> {
        let rest = std::io::copy(&mut self.input, &mut std::io::sink());
        rest.map(drop).map_err(|error| self.failed(error))
    }

    fn name(&mut self, size: u64) -> Result<Vec<u8>, DebError> {
        if size > LONGEST_NAME {
            return Err(self.damaged("a name is too long"));
        }
        let mut name = self.content(size)?;
        name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
        Ok(name)
    }

    /// Takes memory as bytes come, not as a header promises them.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, DebError> {
        let mut content = Vec::new();
        let read = (&mut self.input).take(size).read_to_end(&mut content);
        let read = read.map_err(|error| self.failed(error))? as u64;
        self.padding(size, read)?;
        Ok(content)
    }

    fn skip(&mut self, size: u64) -> Result<(), DebError> {
        let skipped = std::io::copy(&mut (&mut self.input).take(size), &mut std::io::sink());
        let skipped = skipped.map_err(|error| self.failed(error))?;
        self.padding(size, skipped)
    }

    fn padding(&mut self, size: u64, read: u64) -> Result<(), DebError> {
        if read < size {
            return Err(self.damaged("it ends within a file"));
        }
        let padding = (BLOCK - size % BLOCK) % BLOCK;
        let skipped = std::io::copy(&mut (&mut self.input).take(padding), &mut std::io::sink());
        skipped.map(drop).map_err(|error| self.failed(error))
    }

    fn damaged(&self, what: &'static str) -> DebError {
        DebError::Tar { member: self.member.to_string(), what }
    }

    fn failed(&self, error: std::io::Error) -> DebError {
        match self.input.exceeded {
            true => {
                DebError::TooLarge { member: self.member.to_string(), what: "unpacks to", limit: self.limits.unpacked }
            }
            false => io(self.member)(error),
        }
    }
}

/// A path without `./`, doubled or leading slashes.
fn normal(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

fn io(what: &str) -> impl Fn(std::io::Error) -> DebError {
    let what = what.to_string();
    move |error| DebError::Io { what: what.clone(), error }
}

/// Reads until the buffer is full or the input ends; how many bytes came.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
