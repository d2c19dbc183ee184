//! Relations (Policy 7.1): parsed, simplified, written; the written text is
//! parsed to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::deb::relations::{self, Kind};

const KINDS: [Kind; 6] =
    [Kind::Build, Kind::BuildConflicts, Kind::Depends, Kind::Conflicts, Kind::Provides, Kind::Test];

fuzz_target!(|input: (u8, &str)| {
    let (number, text) = input;
    let kind = KINDS[usize::from(number) % KINDS.len()];
    let _ = relations::check_clause(text, kind);
    if let Ok(parsed) = relations::parse(text, kind) {
        let written = parsed.to_string();
        assert_eq!(relations::parse(&written, kind).as_ref(), Ok(&parsed), "{text:?} became {written:?}");
        let _ = relations::simplify(parsed).to_string();
    }
});
