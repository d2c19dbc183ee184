//! Control data (deb822(5)): what is read and written again reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::deb::control;

fn fields(paragraphs: &[control::Paragraph]) -> Vec<Vec<(String, String)>> {
    let of = |p: &control::Paragraph| p.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    paragraphs.iter().map(of).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let _ = control::strip_signature(bytes);
    if let Ok(paragraphs) = control::parse_bytes(bytes) {
        let text = control::write(&paragraphs);
        let again = control::parse(&text).expect("what was written is read");
        assert_eq!(fields(&again), fields(&paragraphs), "{text:?}");
    }
});
