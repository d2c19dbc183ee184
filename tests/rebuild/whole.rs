//! The loop from nginx's move to the user's archive, step by step, and what
//! becomes of failures in it.

use std::fs;

use crate::common::{assert_same_files, run, snapshot};
use crate::looped::{Loop, Outcomes, RECIPES, outcomes};
use crate::update_support::flagship;
use crate::update_support::nginx::{JAMMY, NOBLE, Nginx, RESOLUTE, Shape};

/// Those that are in a state, as `source/series`.
fn in_state(outcomes: &Outcomes, wanted: &str) -> Vec<String> {
    let those = outcomes.iter().filter(|(_, (state, _))| state == wanted);
    those.map(|((source, series), _)| format!("{source}/{series}")).collect()
}

/// Nothing is to be done: nothing is sent, little is asked.
#[track_caller]
fn assert_quiet(looped: &Loop) {
    looped.world.requests();
    looped.launchpad.requests();
    let before = looped.pump.received().len();
    let files = snapshot(&looped.world.environment.work());
    let (ran, outcomes) = looped.exits(0, &[]);
    assert!(outcomes.values().all(|(state, _)| state == "current" || state == "skipped"), "{}", ran.stdout);
    assert!(looped.accepted_since(before).is_empty());
    assert_same_files(&files, &snapshot(&looped.world.environment.work()), "a run without anything to do");
    assert!(looped.summary().contains("everything is up to date"), "{}", looped.summary());
    let (archive, launchpad) = (looped.world.requests(), looped.launchpad.requests());
    assert!(archive.iter().all(|path| path.ends_with("InRelease")), "{archive:?}");
    assert!(launchpad.len() <= 5, "{launchpad:?}");
}

const NEXT: Nginx = Nginx { version: "1.18.0-6ubuntu14.4", ..JAMMY };
const OTHER_ABI: Nginx = Nginx { version: "1.24.0-2ubuntu7.10", field: "unsigned tcp_nodelay:3;", ..NOBLE };
const PAST: Nginx =
    Nginx { series: "questing", version: "1.28.0-6ubuntu1", shape: Shape::OneBinary("nginx-abi-1.28.0-1"), ..NOBLE };

#[test]
fn the_ppa_follows_and_nobody_watches() {
    let looped = Loop::new();
    everything_is_uploaded_first(&looped);
    assert_quiet(&looped);
    a_security_update_rebuilds_its_series(&looped);
    assert_quiet(&looped);
    another_abi_does(&looped);
    an_upstream_release_goes_to_every_series(&looped);
    two_at_once_send_once(&looped);
    a_series_comes_and_one_is_at_its_end(&looped);
    assert_quiet(&looped);
}

fn everything_is_uploaded_first(looped: &Loop) {
    let before = snapshot(&looped.world.environment.work());
    let (_, outcomes) = looped.exits(0, &["--dry-run"]);
    assert_eq!(in_state(&outcomes, "pending").len(), 6, "{outcomes:?}");
    assert_same_files(&before, &snapshot(&looped.world.environment.work()), "a dry run");
    assert!(looped.accepted_since(0).is_empty());

    let (ran, outcomes) = looped.exits(0, &[]);
    assert_eq!(in_state(&outcomes, "published").len(), 6, "{}\n{}", ran.stdout, ran.stderr);
    let uploads = looped.accepted_since(0);
    assert_eq!(uploads.len(), 6, "{uploads:?}");
    // the first of each upstream version brings the orig, and all of them may
    let first = uploads.iter().find(|upload| upload.source == "ngx-pagespeed").unwrap();
    assert!(first.files.iter().any(|name| name.contains(".orig-psol-x64.tar")), "{first:?}");
}

fn a_security_update_rebuilds_its_series(looped: &Loop) {
    let before = looped.pump.received().len();
    looped.security(&NEXT);
    let files = snapshot(&looped.world.environment.work());
    let (_, outcomes) = looped.exits(0, &["--dry-run"]);
    assert_eq!(in_state(&outcomes, "pending"), ["ngx-hello/jammy", "ngx-pagespeed/jammy"]);
    assert_same_files(&files, &snapshot(&looped.world.environment.work()), "a dry run");

    let (ran, outcomes) = looped.exits(0, &[]);
    assert_eq!(in_state(&outcomes, "published"), ["ngx-hello/jammy", "ngx-pagespeed/jammy"], "{}", ran.stdout);
    assert_eq!(in_state(&outcomes, "current").len(), 4, "{}", ran.stdout);
    for words in ["\"reason\": \"Rebuild for nginx 1.18.0-6ubuntu14.4", "2 published"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let page = looped.summary();
    for words in ["## pkgr rebuild: 2 published", "1.18.0-6ubuntu14.4", "| jammy | ngx-hello | "] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let uploads = looped.accepted_since(before);
    assert_eq!(uploads.len(), 2, "{uploads:?}");
    for upload in uploads {
        assert_eq!(upload.series, "jammy");
        assert!(upload.version.ends_with("+nginx1.18.0-6ubuntu14.4~ubuntu22.04.1"), "{upload:?}");
        assert!(!upload.files.iter().any(|name| name.contains(".orig")), "the PPA has it: {upload:?}");
    }
}

fn another_abi_does(looped: &Loop) {
    let before = looped.pump.received().len();
    looped.security(&OTHER_ABI);
    let (ran, outcomes) = looped.exits(0, &[]);
    assert_eq!(in_state(&outcomes, "published"), ["ngx-hello/noble", "ngx-pagespeed/noble"], "{}", ran.stdout);
    assert_eq!(looped.accepted_since(before).len(), 2);
    assert!(looped.summary().contains("the ABI changed"), "{}", looped.summary());
}

fn an_upstream_release_goes_to_every_series(looped: &Loop) {
    let before = looped.pump.received().len();
    flagship::stand_ins(&looped.world, "1.13.35.3");
    run(&mut looped.pkgr(&["bump", "ngx-pagespeed", "1.13.35.3"])).ok();
    let (ran, outcomes) = looped.exits(0, &[]);
    let published = in_state(&outcomes, "published");
    assert_eq!(published, ["bionic", "jammy", "noble"].map(|series| format!("ngx-pagespeed/{series}")));
    let uploads = looped.accepted_since(before);
    assert_eq!(uploads.len(), 3, "{}", ran.stdout);
    assert!(uploads.iter().all(|upload| upload.version.starts_with("1.13.35.3+nginx")), "{uploads:?}");
    assert!(uploads[0].files.iter().any(|name| name.contains(".orig.tar")), "{uploads:?}");
}

fn two_at_once_send_once(looped: &Loop) {
    let before = looped.pump.received().len();
    looped.security(&Nginx { version: "1.18.0-6ubuntu14.5", ..JAMMY });
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(|| looped.exits(0, &[]));
        [looped.exits(0, &[]), other.join().unwrap()]
    });
    let published = both.each_ref().map(|(_, outcomes)| in_state(outcomes, "published").len());
    assert!(published == [0, 2] || published == [2, 0], "{published:?}");
    assert_eq!(looped.accepted_since(before).len(), 2);
}

fn a_series_comes_and_one_is_at_its_end(looped: &Loop) {
    let before = looped.pump.received().len();
    looped.release(&RESOLUTE);
    looped.release(&PAST);
    looped.world.retire("questing");
    for recipe in RECIPES {
        looped.edit(recipe, r#""noble"]"#, r#""noble", "questing", "resolute"]"#);
    }
    let (ran, outcomes) = looped.exits(0, &[]);
    assert_eq!(in_state(&outcomes, "published"), ["ngx-hello/resolute", "ngx-pagespeed/resolute"], "{}", ran.stdout);
    assert_eq!(in_state(&outcomes, "skipped"), ["ngx-hello/questing", "ngx-pagespeed/questing"]);
    assert!(ran.stdout.contains("takes no uploads any more"), "{}", ran.stdout);
    assert!(ran.stdout.contains("series-eol"), "{}", ran.stdout);
    assert_eq!(looped.accepted_since(before).len(), 2);
}

#[test]
fn what_fails_stops_nothing_else_and_no_version_is_used_twice() {
    let looped = Loop::new();
    let lock = |recipe: &str| looped.folder(recipe).join("recipe.lock");
    a_recipe_that_fails_stops_no_other(&looped);
    let old = RECIPES.map(|recipe| fs::read(lock(recipe)).unwrap());
    a_build_that_fails_is_told_with_its_log(&looped);

    // a checkout of older locks, on a machine without the folder of packages
    let before = looped.pump.received().len();
    for (recipe, bytes) in RECIPES.into_iter().zip(old) {
        fs::write(lock(recipe), bytes).unwrap();
    }
    fs::remove_dir_all(looped.dist()).unwrap();
    let (ran, outcomes) = looped.exits(0, &[]);
    assert_eq!(in_state(&outcomes, "published"), ["ngx-hello/jammy", "ngx-pagespeed/jammy"], "{}", ran.stdout);
    let uploads = looped.accepted_since(before);
    assert_eq!(uploads.len(), 2);
    assert!(uploads.iter().all(|upload| upload.version.ends_with("6ubuntu14.4~ubuntu22.04.2")), "{uploads:?}");
    assert_quiet(&looped);
}

fn a_recipe_that_fails_stops_no_other(looped: &Loop) {
    let text = fs::read_to_string(looped.folder("ngx-hello").join("recipe.toml")).unwrap();
    let broken = looped.folder("ngx-broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("recipe.toml"), text.replace("ngx-hello", "ngx-broken")).unwrap();
    let mut command = looped.rebuild(&[]);
    let ran = run(command.arg("ngx-broken")).exits(1);
    let document = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(in_state(&outcomes(&document), "published").len(), 6, "{}", ran.stdout);
    assert!(ran.stdout.contains("hello-1.0.tar.gz"), "{}", ran.stdout);
    assert_eq!(looped.accepted_since(0).len(), 6);
}

fn a_build_that_fails_is_told_with_its_log(looped: &Loop) {
    let before = looped.pump.received().len();
    looped.pump.fail_next("ngx-hello", "jammy", "checking for OS\nngx_hello.c:7: error: unknown type\n");
    looped.security(&NEXT);
    let (ran, outcomes) = looped.exits(4, &[]);
    assert_eq!(in_state(&outcomes, "failed"), ["ngx-hello/jammy"]);
    assert_eq!(in_state(&outcomes, "published"), ["ngx-pagespeed/jammy"]);
    assert!(ran.stdout.contains("ngx_hello.c:7: error: unknown type"), "{}", ran.stdout);
    assert!(looped.summary().contains("ngx_hello.c:7: error: unknown type"), "{}", looped.summary());
    assert_eq!(looped.accepted_since(before).len(), 2);
    // until something moves it stays failed, and is not sent again
    let (ran, outcomes) = looped.exits(4, &[]);
    assert_eq!(in_state(&outcomes, "failed"), ["ngx-hello/jammy"]);
    assert!(ran.stdout.contains("failed to build"), "{}", ran.stdout);
    assert_eq!(looped.accepted_since(before).len(), 2);
}
