//! nginx binaries and modules (elf(5)): read without running, whatever the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::nginx::{binary::Binary, configure::Arguments, loading::obstacles};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(binary) = Binary::read(bytes) {
        let _ = obstacles(&binary, &binary, &[]);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Arguments::parse(text).for_modules(&[]);
    }
});
