//! Binary packages (deb(5)): read with limits, whatever the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::deb::archive::{self, Limits};

fuzz_target!(|bytes: &[u8]| {
    let _ = archive::read(bytes, &|_| true, &Limits::default());
});
