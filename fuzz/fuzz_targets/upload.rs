//! .changes and .dsc as `pkgr check` meets them, signed or not: any bytes get a
//! verdict, with what lies beside them left alone. The input is the .changes and,
//! behind a line `%%`, the .dsc.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use pkgr::check::holdings::Unknown;
use pkgr::check::{self, Archive, Keys};

/// One folder for the whole run: a file system is slow beside a parser.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        std::fs::write(folder.join("hello_1.0.tar.gz"), b"\x1f\x8b\x08").expect("a file");
        folder
    })
}

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.windows(4).position(|window| window == b"\n%%\n");
    let (changes, dsc) = at.map_or((bytes, &b""[..]), |at| (&bytes[..=at], &bytes[at + 4..]));
    let (path, other) = (folder().join("hello_1.0_source.changes"), folder().join("hello_1.0.dsc"));
    std::fs::write(&path, changes).expect("a file");
    std::fs::write(&other, dsc).expect("a file");
    let (nobody, keys) = (Unknown::new("nobody"), Keys::default());
    for archive in [Archive::Launchpad, Archive::Debian, Archive::None] {
        let options = check::Options {
            archive: Some(archive),
            path: None,
            ppa: &nobody,
            primary: &nobody,
            keys: &keys,
            require_signature: false,
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_000),
            jobs: 1,
        };
        let _ = check::package(&path, &options);
        let _ = check::package(&other, &options);
    }
});
