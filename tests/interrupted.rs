//! kill -9 at any moment of `pkgr build`: no half-written file under a final
//! name, a lock that can be read, and a later run that finishes with the bytes
//! of an undisturbed one.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{TestEnvironment, assert_same_files, run, snapshot};

/// How often it is killed; the moments are spread over the time that a whole
/// build takes, so that each phase is hit whatever the machine's speed.
const KILLS: u32 = 60;

/// The example without its lock, so that the lock is written too; a fixed date
/// and author make that lock the same each time.
fn prepare(environment: &TestEnvironment) -> PathBuf {
    let _ = fs::remove_dir_all(environment.path("work"));
    fs::create_dir(environment.path("work")).unwrap();
    let recipe = environment.copy("examples/hello");
    fs::remove_file(recipe.join("recipe.lock")).unwrap();
    recipe
}

fn build(environment: &TestEnvironment, recipe: &Path) -> std::process::Command {
    let mut command = environment.pkgr(&["build", "--no-sign", "--offline"]);
    command.arg(recipe).env("SOURCE_DATE_EPOCH", "1790000000");
    command
}

#[test]
fn a_killed_build_leaves_nothing_half_written() {
    let environment = TestEnvironment::new();
    let recipe = prepare(&environment);
    let started = Instant::now();
    run(&mut build(&environment, &recipe)).ok();
    let duration = started.elapsed();
    let whole = snapshot(&environment.work());

    let (mut killed, mut partly) = (0, 0);
    for moment in 0..KILLS {
        let recipe = prepare(&environment);
        // a cache half filled is one of the states that have to be survived
        if moment % 2 == 0 {
            let _ = fs::remove_dir_all(environment.path("home/.cache"));
        }
        let mut child = build(&environment, &recipe).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(duration * moment / KILLS + Duration::from_micros(u64::from(moment) * 37));
        let _ = child.kill();
        killed += u32::from(!child.wait().unwrap().success());
        let left = visible(snapshot(&environment.work()));
        for (name, bytes) in &left {
            let same =
                whole.get(name).unwrap_or_else(|| panic!("kill {moment} left a foreign file {}", name.display()));
            assert!(same == bytes, "kill {moment} left {} with other bytes than a whole build's", name.display());
        }
        partly += u32::from(left.len() < whole.len());
        if moment % 10 == 9 {
            run(&mut build(&environment, &recipe)).ok();
            assert_same_files(&whole, &visible(snapshot(&environment.work())), "the later run differs");
            let hidden = leftovers(&environment.work());
            assert!(hidden.is_empty(), "the later run left {hidden:?}");
        }
    }
    assert!(
        killed > KILLS / 2 && partly > KILLS / 2,
        "only {killed} of {KILLS} kills came in time, {partly} left a part"
    );
}

/// Temporary names begin with a dot; what matters is what has its final name.
fn visible(files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    files.into_iter().filter(|(path, _)| !is_hidden(path)).collect()
}

fn is_hidden(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
}

fn leftovers(folder: &Path) -> Vec<PathBuf> {
    snapshot(folder).into_keys().filter(|path| is_hidden(path)).collect()
}
