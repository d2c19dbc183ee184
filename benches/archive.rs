//! How fast the archive client answers: searching an index of the real shape and
//! size, and the newest nginx of Debian, through the machine's own apt
//! configuration, cold, warm and offline.
//!
//!     cargo bench --bench archive
//!
//! Prints a Markdown table, and fails where a promise is not kept: 300 MB/s, and
//! a second from a warm cache.

use std::io::Write;
use std::time::{Duration, Instant};

use pkgr::fetch::apt::{Archives, Scope, Settings, Wanted, search};
use pkgr::fetch::{Fetcher, Options};
use pkgr::listener::Silent;
use pkgr::series::catalog;

/// Stanzas in bookworm's main/source/Sources.
const STANZAS: usize = 34_335;
const SERIES: &str = "bookworm";
const RUNS: usize = 15;

fn main() {
    println!("| what | | promised |\n|---|---|---|");
    let mut kept = searching();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { cache: Some(folder.path().join("cache")), ..Options::default() };
    let cold = once(&options);
    println!("| newest nginx of {SERIES}, three pockets, empty cache | {} | |", milliseconds(cold));
    for (what, offline) in [("warm cache", false), ("warm cache, offline", true)] {
        let options = Options { offline, ..options.clone() };
        let warm = median((0..RUNS).map(|_| once(&options)).collect());
        println!("| the same, {what} | {} | 1000 ms |", milliseconds(warm));
        kept &= warm < Duration::from_secs(1);
    }
    let _ = std::io::stdout().flush();
    std::process::exit(if kept { 0 } else { 1 });
}

/// One question as a new process asks it.
fn once(options: &Options) -> Duration {
    let start = Instant::now();
    let fetcher = Fetcher::new(options.clone(), &Silent).unwrap();
    let archives = Archives::new(&fetcher, Settings::default());
    let entry = archives.newest_source("nginx", &Scope::of(catalog().find(SERIES).unwrap())).unwrap();
    assert_eq!(entry.package, "nginx");
    start.elapsed()
}

fn searching() -> bool {
    let index = index();
    let size = index.len() as f64 / 1e6;
    let mut kept = true;
    let several: Vec<String> = ["core", "light", "full", "extras"].map(|name| format!("nginx-{name}")).to_vec();
    let several: Vec<&str> = several.iter().map(String::as_str).collect();
    for (what, wanted, hits) in [
        ("one package", Wanted::Packages(&["p20000"]), 1),
        ("four packages at once", Wanted::Packages(&several), 0),
        ("a name that is provided", Wanted::Mentioning("dh-sequence-p20000"), 1),
    ] {
        let run = || {
            let start = Instant::now();
            let mut found = 0;
            search(index.as_slice(), u64::MAX, wanted, |_| found += 1).unwrap();
            assert_eq!(found, hits, "{what}");
            start.elapsed()
        };
        let rate = size / median((0..RUNS).map(|_| run()).collect()).as_secs_f64();
        println!("| search of {size:.0} MB for {what} | {rate:.0} MB/s | 300 MB/s |");
        kept &= rate >= 300.0;
    }
    kept
}

/// As Sources looks, 1.5 kB a stanza.
fn index() -> Vec<u8> {
    let mut text = String::new();
    for i in 0..STANZAS {
        text.push_str(&format!("Package: p{i}\nBinary: p{i}, p{i}-doc, libp{i}-dev\nVersion: 1.{i}-1\n"));
        text.push_str("Maintainer: Some Body <body@example.org>\nBuild-Depends: ");
        (0..60).for_each(|n| text.push_str(&format!("libdependency{n}-dev, ")));
        text.push_str(&format!("debhelper-compat (= 13), dh-sequence-p{i}\nChecksums-Sha256:\n"));
        (0..3).for_each(|n| text.push_str(&format!(" {:064x} {i} p{i}_{n}.tar.xz\n", i * 7919)));
        text.push_str(&format!("Directory: pool/main/p/p{i}\n\n"));
    }
    text.into_bytes()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
