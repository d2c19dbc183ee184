//! What uploads are tried against, all on loopback and all real: Launchpad's own
//! daemon, vsftpd and OpenSSH's sshd, and a small server for PUT. Each is started
//! with a configuration of its own on a free port, and ends when it is dropped.
//!
//! ```ignore
//! let daemon = Daemon::start();
//! // … upload to 127.0.0.1:daemon.ftp, or daemon.sftp as Daemon::LOGIN …
//! for session in daemon.received() { session.path; session.files; }
//! ```

// every test binary compiles this module and uses a part of it
#![allow(dead_code, unused_imports)]

pub mod daemon;
pub mod put;
pub mod servers;
pub mod ssh;

pub use daemon::{Daemon, Session};
pub use put::PutServer;
pub use servers::{Sshd, Vsftpd};
pub use ssh::SshHome;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use pkgr::upload::Item;

/// A child that ends with the test, killed by its own number.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that every account of the machine can look into, as a server under another
/// account has to.
pub fn open_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("pkgr-upload-").permissions(mode).tempdir().unwrap()
}

/// A port that was free a moment ago, on both loopback addresses.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something is so.
#[track_caller]
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a server that listens.
#[track_caller]
pub fn wait_for_port(address: &str) {
    wait_for(address, || std::net::TcpStream::connect(address).is_ok());
}

/// Bytes that no compression or text conversion leaves alone: every value, line
/// ends of all kinds, the same for the same seed.
pub fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    bytes.extend_from_slice(b"\r\n\n\r\xff\xff\xf4\x00");
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Five files such as a source package has, with sizes around the buffers in use,
/// an empty one and the .changes last. The content is noise.
pub fn package(folder: &Path) -> Vec<Item> {
    let sizes = [
        ("hello_1.0.orig.tar.gz", 3_000_001),
        ("hello_1.0.orig.tar.gz.asc", 0),
        ("hello_1.0-1~ubuntu24.04.1.debian.tar.xz", 262_144),
        ("hello_1.0-1~ubuntu24.04.1.dsc", 1_533),
        ("hello_1.0-1~ubuntu24.04.1_source.changes", 2_067),
    ];
    sizes.iter().enumerate().map(|(seed, (name, size))| item(folder, name, &noise(*size, seed as u64))).collect()
}

/// Writes one file and names it.
pub fn item(folder: &Path, name: &str, content: &[u8]) -> Item {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    Item { path, name: name.to_string(), size: content.len() as u64 }
}

/// The content of all files by their names.
pub fn contents(items: &[Item]) -> BTreeMap<String, Vec<u8>> {
    items.iter().map(|item| (item.name.clone(), fs::read(&item.path).unwrap())).collect()
}

/// The files directly in a folder, by their names.
pub fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files
        .iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_string(), fs::read(path).unwrap()))
        .collect()
}

/// Whether two sets of files are the same, without printing megabytes.
#[track_caller]
pub fn assert_same(received: &BTreeMap<String, Vec<u8>>, sent: &BTreeMap<String, Vec<u8>>) {
    let sizes = |files: &BTreeMap<String, Vec<u8>>| -> Vec<(String, usize)> {
        files.iter().map(|(name, content)| (name.clone(), content.len())).collect()
    };
    assert_eq!(sizes(received), sizes(sent));
    for (name, content) in sent {
        assert!(received[name] == *content, "{name} differs");
    }
}
