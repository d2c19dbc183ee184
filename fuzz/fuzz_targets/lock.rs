//! recipe.lock: what loads is written and loads again as it was.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pkgr::lock::Lock;

fuzz_target!(|text: &str| {
    let path = Path::new("recipe.lock");
    if let Ok(lock) = Lock::parse(path, text) {
        let written = lock.to_text().expect("a lock can be written");
        let again = Lock::parse(path, &written).expect("a written lock loads");
        assert_eq!(again.to_text().expect("again"), written);
    }
});
