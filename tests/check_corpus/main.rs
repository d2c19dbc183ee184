//! What `pkgr check --as launchpad` says of more than 150 source uploads that
//! dpkg's tools made and one edit each broke (or did not): the verdict and the
//! first message are those of Launchpad's upload processor, for all of them.
//!
//! The verdicts are measured: the processor was run on such packages. Whether a
//! package unpacks is asked of dpkg-source itself (`unpacking.rs`).

#[path = "../common/mod.rs"]
mod common;

mod archive;
mod changes;
mod dsc;
mod files;
mod good;
mod hostile;
mod signature;
mod support;
mod unpacking;

use std::collections::BTreeSet;

use support::{Case, Expect, Upload};

fn all() -> Vec<Case> {
    [signature::all(), changes::all(), files::all(), dsc::all(), unpacking::all(), archive::all(), good::all()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn verdict_and_first_message_are_launchpads() {
    let cases = all();
    support::bases();
    let differences = pkgr::parallel::map(&cases, pkgr::parallel::available(), |case| {
        let root = tempfile::tempdir().unwrap();
        let mut upload = Upload::new(case.base);
        (case.make)(&mut upload);
        let difference = support::difference(&support::check(upload, root.path()), case.expect);
        difference.map(|difference| format!("rule {}, {}: {difference}", case.rule, case.name))
    });
    let wrong: Vec<String> = differences.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_is_large_and_has_every_rule() {
    let cases = all();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let accepted = cases.iter().filter(|case| matches!(case.expect, Expect::Accepted(_))).count();
    assert!(accepted >= 40, "{accepted} that look strange and are good");
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let rules: BTreeSet<&str> = cases.iter().map(|case| case.rule).collect();
    for number in 1..=36 {
        assert!(rules.contains(number.to_string().as_str()), "rule {number} has no case");
    }
    let codes: BTreeSet<&str> = cases
        .iter()
        .filter_map(|case| match case.expect {
            Expect::Rejected(code, _) => Some(code),
            Expect::Accepted(_) => None,
        })
        .collect();
    for rule in pkgr::check::rules::all() {
        let is_launchpads = !rule.number.starts_with('D') && rule.known != pkgr::check::rules::Known::Nobody;
        let follows =
            ["processing-stopped", "unpacking-skipped", "dsc-not-found", "orig-published-differs", "security-pocket"];
        if rule.level == pkgr::check::Level::Rejected && is_launchpads && !follows.contains(&rule.code) {
            assert!(codes.contains(rule.code), "{} is nowhere the first message", rule.code);
        }
    }
}
