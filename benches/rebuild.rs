//! A day in the life of `pkgr rebuild`: twenty recipes of nginx modules for six
//! series of Ubuntu, against a simulated archive, the stand-in of Launchpad's web
//! service and its own upload daemon, all on loopback.
//!
//!     cargo bench --bench rebuild
//!
//! Prints a Markdown table, and fails where a promise is not kept: nothing moved,
//! with what the run before left in the cache, under 3 s; nginx moved in every
//! series, 120 signed source packages, under 60 s. The second is measured with
//! the uploads, which the promise leaves out.

// what is shared with the tests is used in part
#![allow(dead_code)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/launchpad_support/mod.rs"]
mod launchpad_support;
#[path = "../tests/rebuild/looped.rs"]
mod looped;
#[path = "../tests/rebuild/pump.rs"]
mod pump;
#[path = "../tests/update_support/mod.rs"]
mod update_support;
#[path = "../tests/upload_support/mod.rs"]
mod upload_support;

use std::fs;
use std::time::{Duration, Instant};

use common::run;
use looped::Loop;
use update_support::flagship::SERIES;
use update_support::nginx::Nginx;

const RECIPES: usize = 20;
const PACKAGES: usize = RECIPES * SERIES.len();
const RUNS: usize = 5;

/// Of a module's tarball, compressed: as large as nginx's own.
const SIZE: usize = 1_200_000;

fn main() {
    let looped = Loop::of(&SERIES);
    let names: Vec<String> = (1..=RECIPES).map(|number| format!("ngx-module-{number:02}")).collect();
    names.iter().enumerate().for_each(|(number, name)| recipe(&looped, name, number));

    let rebuild = |more: &[&str], uploads: usize| {
        let before = looped.pump.received().len();
        let mut command = looped.pkgr(&["--quiet", "rebuild"]);
        command.args(&names).args(more);
        let start = Instant::now();
        run(&mut command).ok();
        let took = start.elapsed();
        // what was sent last may be under way to the web service
        let deadline = Instant::now() + Duration::from_secs(60);
        while looped.pump.received().len() < before + uploads && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(looped.accepted_since(before).len(), uploads);
        took
    };
    println!("| {RECIPES} recipes, {} series | wall | promised |\n|---|---|---|", SERIES.len());
    let first = rebuild(&["--no-wait"], PACKAGES);
    println!("| first run, empty cache: {PACKAGES} packages built, signed, checked, uploaded | {} | |", seconds(first));
    let mut quiet: Vec<Duration> = (0..RUNS).map(|_| rebuild(&[], 0)).collect();
    quiet.sort();
    let quiet = quiet[RUNS / 2];
    println!("| nothing moved, median of {RUNS} | {} | 3 s |", seconds(quiet));
    for nginx in SERIES {
        let version: &'static str = Box::leak(format!("{}.90", nginx.version).into_boxed_str());
        looped.security(&Nginx { version, ..nginx });
    }
    let moved = rebuild(&["--no-wait"], PACKAGES);
    println!(
        "| nginx moved in every series: {PACKAGES} packages built, signed, checked, uploaded | {} | 60 s |",
        seconds(moved)
    );
    let is_kept = quiet < Duration::from_secs(3) && moved < Duration::from_secs(60);
    drop(looped);
    std::process::exit(if is_kept { 0 } else { 1 });
}

/// A recipe of a module and its tarball.
fn recipe(looped: &Loop, name: &str, number: usize) {
    let environment = &looped.world.environment;
    let (folder, tree) = (looped.folder(name), environment.path(format!("{name}-1.0")));
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&tree).unwrap();
    fs::write(tree.join("config"), "ngx_addon_name=ngx_http_some_module\n").unwrap();
    fs::write(tree.join("noise"), upload_support::noise(SIZE, number as u64)).unwrap();
    let mut tar = environment.command("tar");
    tar.arg("-czf").arg(folder.join(format!("{name}-1.0.tar.gz")));
    run(tar.arg("-C").arg(environment.path("")).arg(format!("{name}-1.0"))).ok();
    let series: Vec<&str> = SERIES.iter().map(|nginx| nginx.series).collect();
    let text = format!(
        "name = \"{name}\"\nversion = \"1.0\"\nsummary = \"some module of nginx\"\nlicense = \"BSD-2-Clause\"\n\
         maintainer = \"Du9L <du9l@example.org>\"\narchitectures = [\"amd64\"]\nseries = {series:?}\n\
         [nginx]\nmodules = [\"ngx_http_some_module.so\"]\n[[source]]\nurl = \"{name}-1.0.tar.gz\"\n\
         [upload]\nto = \"ppa:{}/{}\"\n",
        looped::OWNER,
        looped::PPA
    );
    fs::write(folder.join("recipe.toml"), text).unwrap();
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
