//! Random patches on random trees: pkgr accepts what dpkg accepts, refuses what
//! it refuses, and leaves the same bytes.

#[path = "common/dpkg_patch.rs"]
mod dpkg_patch;
#[path = "common/random_patches.rs"]
mod random_patches;

use dpkg_patch::{Case, judge, ours};
use random_patches::{random_case, show};

#[test]
fn thousands_of_random_patches_get_the_verdict_and_the_bytes_of_dpkg() {
    let count: u64 = std::env::var("PKGR_PATCH_CASES").map_or(3000, |n| n.parse().unwrap());
    let first: u64 = std::env::var("PKGR_PATCH_SEED").map_or(0, |n| n.parse().unwrap());
    let seeds: Vec<u64> = (first..first + count).collect();
    let chunks: Vec<&[u64]> = seeds.chunks(250).collect();
    let judged = pkgr::parallel::map(&chunks, pkgr::parallel::available(), |seeds| {
        let cases: Vec<Case> = seeds.iter().map(|seed| random_case(*seed)).collect();
        let theirs = judge(&cases);
        (cases, theirs)
    });
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for (seeds, (cases, theirs)) in chunks.iter().zip(&judged) {
        for ((seed, case), theirs) in seeds.iter().zip(cases).zip(theirs) {
            match (ours(case), theirs) {
                (Ok(ours), Ok(theirs)) if ours == *theirs => accepted += 1,
                (Err(_), Err(_)) => refused += 1,
                (ours, theirs) => {
                    wrong.push(format!("seed {seed}\n{}ours: {ours:?}\ntheirs: {theirs:?}\n", show(case)))
                }
            }
        }
    }
    println!("{accepted} accepted, {refused} refused, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{} wrong, the first:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
    assert!(accepted > count / 5 && refused > count / 5, "the cases must be mixed");
}
