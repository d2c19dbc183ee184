//! What the tests of `fetch` share: tarballs made byte by byte.
#![allow(dead_code)]

use std::io::Write;

/// One header block in GNU's format.
pub fn header(name: &[u8], kind: u8, size: u64, link: &[u8], mode: u32) -> [u8; 512] {
    let mut block = [0u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar  \0");
    seal(&mut block);
    block
}

/// Writes the right checksum.
pub fn seal(block: &mut [u8; 512]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A tar under construction.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn raw(mut self, bytes: &[u8]) -> Tar {
        self.0.extend_from_slice(bytes);
        self
    }
    /// A member of any type, with data.
    pub fn member(self, name: &[u8], kind: u8, link: &[u8], data: &[u8]) -> Tar {
        self.raw(&header(name, kind, data.len() as u64, link, 0o644)).data(data)
    }
    pub fn data(mut self, data: &[u8]) -> Tar {
        self.0.extend_from_slice(data);
        let padded = self.0.len().div_ceil(512) * 512;
        self.0.resize(padded, 0);
        self
    }
    pub fn file(self, name: &str, data: &[u8]) -> Tar {
        self.member(name.as_bytes(), b'0', b"", data)
    }
    pub fn executable(self, name: &str, data: &[u8]) -> Tar {
        self.raw(&header(name.as_bytes(), b'0', data.len() as u64, b"", 0o6755)).data(data)
    }
    pub fn dir(self, name: &str) -> Tar {
        self.raw(&header(name.as_bytes(), b'5', 0, b"", 0o755))
    }
    pub fn symlink(self, name: &str, target: &str) -> Tar {
        self.member(name.as_bytes(), b'2', target.as_bytes(), b"")
    }
    pub fn hardlink(self, name: &str, target: &str) -> Tar {
        self.member(name.as_bytes(), b'1', target.as_bytes(), b"")
    }
    /// GNU long name (`L`) or long link (`K`) for the next member.
    pub fn long(self, kind: u8, name: &[u8]) -> Tar {
        let data = [name, b"\0"].concat();
        self.member(b"././@LongLink", kind, b"", &data)
    }
    /// A pax header (`x` or `g`) of these records.
    pub fn pax(self, kind: u8, records: &[(&str, &[u8])]) -> Tar {
        let data: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
        self.member(b"PaxHeaders/x", kind, b"", &data)
    }
    /// With the two zero blocks at its end.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &rest].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A small honest tarball.
pub fn hello() -> Vec<u8> {
    gzip(&Tar::default().dir("hello-1.0/").file("hello-1.0/hello.c", b"int main() {}\n").end())
}

/// Pseudo-random bytes, which no compressor shrinks.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// A place for messages about sources of no recipe.
pub fn place() -> pkgr::diagnostic::Place {
    pkgr::diagnostic::Place { file: "recipe.toml".into(), line: 1, column: 1, text: "[[source]]".into(), width: 1 }
}

/// A source with nothing but its location.
pub fn source(location: pkgr::plan::Location) -> pkgr::plan::Source {
    pkgr::plan::Source { location, component: None, sha256: None, signature: None, keyring: None, place: place() }
}
