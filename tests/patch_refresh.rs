//! Fuzz is allowed where GNU patch allows it and leads to the same bytes, and a
//! refreshed patch applies exactly: says dpkg, and GNU patch speaks of no offset
//! and no fuzz.

#[path = "common/dpkg_patch.rs"]
mod dpkg_patch;
#[path = "common/random_patches.rs"]
mod random_patches;

use dpkg_patch::{Case, Entries, judge, judge_with_fuzz, ours, refreshed, said_by_patch};
use random_patches::{random_case, show};

#[test]
fn random_patches_are_refreshed_as_gnu_patch_would_apply_them() {
    let count: u64 = std::env::var("PKGR_PATCH_CASES").map_or(500, |n| n.parse().unwrap());
    let first: u64 = std::env::var("PKGR_PATCH_SEED").map_or(1_000_000, |n| n.parse().unwrap());
    let seeds: Vec<u64> = (first..first + count).collect();
    let chunks: Vec<&[u64]> = seeds.chunks(125).collect();
    let results = pkgr::parallel::map(&chunks, pkgr::parallel::available(), |seeds| check(seeds));
    let (moved, wrong) = results.into_iter().fold((0, Vec::new()), |(moved, mut wrong), (more, found)| {
        wrong.extend(found);
        (moved + more, wrong)
    });
    println!("{moved} of {count} refreshed, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{} wrong, the first:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
    assert!(moved > count as usize / 12, "only {moved} patches had moved");
}

/// How many patches were really refreshed, and what is wrong.
fn check(seeds: &[u64]) -> (usize, Vec<String>) {
    let fuzz_of = |seed: u64| 1 + (seed % 3) as i64;
    let (mut moved, mut wrong) = (0, Vec::new());
    for fuzz in 1..=3 {
        let seeds: Vec<u64> = seeds.iter().copied().filter(|seed| fuzz_of(*seed) == fuzz).collect();
        let cases: Vec<Case> = seeds.iter().map(|seed| random_case(*seed)).collect();
        let theirs = judge_with_fuzz(&cases, fuzz);
        let mut fresh = Vec::new();
        for ((seed, case), theirs) in seeds.iter().zip(&cases).zip(&theirs) {
            match (refreshed(case, fuzz), theirs) {
                (Ok((ours, refreshed)), Ok(theirs)) if ours == *theirs => {
                    // what applied exactly before keeps every byte
                    let clean = ours_is_exact(case);
                    if clean != (refreshed.patches == case.patches) {
                        wrong.push(format!("seed {seed}: exact before: {clean}\n{}{}", show(case), show(&refreshed)));
                    }
                    if !clean {
                        moved += 1;
                        fresh.push((*seed, ours, refreshed));
                    }
                }
                (Err(_), Err(_)) => {}
                // its assertions fail on some patches with `\\ No newline` in their middle
                (Ok(_), Err(why)) if why.contains("killed by signal 6") => {}
                (Ok((ours, _)), Ok(theirs)) if differ_by_a_line_feed(&ours, theirs) => {}
                (ours, theirs) => {
                    let ours = ours.map(|(_, case)| show(&case));
                    let theirs = theirs.as_ref().map(|tree| show(&Case { tree: tree.clone(), patches: vec![] }));
                    wrong.push(format!("seed {seed}\n{}ours: {ours:#?}\ntheirs: {theirs:#?}\n", show(case)));
                }
            }
        }
        let again: Vec<Case> = fresh.iter().map(|(_, _, case)| case.clone()).collect();
        for ((seed, ours, case), judged) in fresh.iter().zip(judge(&again)) {
            let exact = ours_is_exact(case);
            if !exact || judged.as_ref() != Ok(ours) {
                wrong.push(format!("seed {seed}, refreshed\n{}dpkg: {judged:?}\nours: {ours:?}\n", show(case)));
            }
        }
    }
    (moved, wrong)
}

/// GNU patch joins a line that it adds, by fuzz behind the end of a file, to a last
/// line without line feed; pkgr does not.
fn differ_by_a_line_feed(ours: &Entries, theirs: &Entries) -> bool {
    let joined = |tree: &Entries| -> Vec<(Vec<u8>, Vec<u8>)> {
        let without = |content: &Vec<u8>| content.iter().copied().filter(|byte| *byte != b'\n').collect();
        tree.iter().map(|(path, (_, content))| (path.clone(), without(content))).collect()
    };
    let feeds = |tree: &Entries| tree.values().flat_map(|(_, c)| c).filter(|byte| **byte == b'\n').count();
    joined(ours) == joined(theirs) && feeds(ours) == feeds(theirs) + 1
}

fn ours_is_exact(case: &Case) -> bool {
    let said = said_by_patch(case);
    ours(case).is_ok() && !said.contains("offset") && !said.contains("fuzz")
}
