//! The three digests of a file in one reading. MD5 is the slowest of the three
//! and as slow as the other two together, so a large file is hashed on two
//! threads: MD5 on one, SHA-1 and SHA-256 on the other.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::deb::checksums::{Checksums, Hasher, hex};

const CHUNK: usize = 256 * 1024;
/// Below this size a second thread costs more than it saves.
const WORTH_A_THREAD: u64 = 4 * 1024 * 1024;

/// The checksums of a file.
pub fn of_file(path: &Path) -> std::io::Result<Checksums> {
    let mut file = File::open(path)?;
    match file.metadata()?.len() {
        size if size < WORTH_A_THREAD => on_one_thread(&mut file),
        _ => on_two_threads(&mut file),
    }
}

fn on_one_thread(input: &mut impl Read) -> std::io::Result<Checksums> {
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let filled = fill(input, &mut chunk)?;
        hasher.update(chunk.get(..filled).unwrap_or_default());
        if filled < chunk.len() {
            return Ok(hasher.finish());
        }
    }
}

fn on_two_threads(input: &mut impl Read) -> std::io::Result<Checksums> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Arc<Vec<u8>>>(8);
        let md5 = scope.spawn(move || {
            let mut md5 = Md5::new();
            for chunk in receiver {
                md5.update(chunk.as_slice());
            }
            hex(&md5.finalize())
        });
        let (mut sha1, mut sha256, mut size) = (Sha1::new(), Sha256::new(), 0);
        loop {
            let mut chunk = vec![0; CHUNK];
            let filled = fill(input, &mut chunk)?;
            chunk.truncate(filled);
            let chunk = Arc::new(chunk);
            // the other end hangs up only if its thread died, which join tells
            let _ = sender.send(Arc::clone(&chunk));
            sha1.update(chunk.as_slice());
            sha256.update(chunk.as_slice());
            size += filled as u64;
            if filled < CHUNK {
                break;
            }
        }
        drop(sender);
        let md5 = md5.join().map_err(|_| std::io::Error::other("the hashing thread ended early"))?;
        Ok(Checksums { md5, sha1: hex(&sha1.finalize()), sha256: hex(&sha256.finalize()), size })
    })
}

/// Reads until `chunk` is full or the input ends; returns how much was read.
pub fn fill(input: &mut impl Read, chunk: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// SHA-256 of a text in memory, lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree_with_hashing_in_memory() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
            let expected = Checksums::of(&bytes);
            assert_eq!(on_one_thread(&mut bytes.as_slice()).unwrap(), expected);
            assert_eq!(on_two_threads(&mut bytes.as_slice()).unwrap(), expected);
        }
    }
}
