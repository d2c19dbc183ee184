//! Versions (deb-version(7)): an order, and a text that is kept, but for leading
//! zeros of the epoch, which is a number.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use pkgr::deb::version::Version;

fuzz_target!(|input: (&str, &str, &str)| {
    let (Ok(a), Ok(b), Ok(c)) = (Version::parse(input.0), Version::parse(input.1), Version::parse(input.2)) else {
        return;
    };
    assert_eq!(Version::parse(&a.to_string()).as_ref(), Ok(&a));
    assert!(input.0.trim_start_matches('0').ends_with(a.to_string().trim_start_matches('0')));
    assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    if a.cmp(&b) != Ordering::Greater && b.cmp(&c) != Ordering::Greater {
        assert_ne!(a.cmp(&c), Ordering::Greater, "{a} {b} {c}");
    }
});
