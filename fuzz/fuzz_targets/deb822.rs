//! Control data (deb822(5)): what is read and written again reads the same, but for
//! the blank that continues a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::deb::control;

fn fields(paragraphs: &[control::Paragraph]) -> Vec<Vec<(String, Vec<String>)>> {
    let line = |line: &str| line.strip_prefix([' ', '\t', '\r', '\x0b', '\x0c']).unwrap_or(line).to_string();
    let field = |(name, value): (&str, &str)| (name.to_string(), value.split('\n').map(line).collect());
    let of = |p: &control::Paragraph| p.iter().map(field).collect();
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
