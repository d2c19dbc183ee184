//! Patches: read, and applied to a small tree, whatever they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::patch::{self, MemoryBase, Tree, apply_series, dep3};

fuzz_target!(|bytes: &[u8]| {
    let _ = dep3::read(bytes);
    let _ = dep3::with_header(bytes, "fuzz");
    let Ok(patch) = patch::parse("fuzz.patch", bytes) else { return };
    let mut base = MemoryBase::default();
    for path in patch.touched().into_iter().take(4) {
        base.file(path, "one\ntwo\nthree\n");
    }
    let mut tree = Tree::new(&base);
    let _ = apply_series(&[patch], &mut tree);
});
