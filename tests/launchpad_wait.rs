//! The way of an upload from its acceptance to the index that users install from,
//! and every end that the way can have. The service is the stand-in's, over real
//! HTTP; the time is the test's.

mod launchpad_support;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use launchpad_support::place::{Place, ppa, upload};
use launchpad_support::{Fault, Service};
use pkgr::diagnostic::{Diagnostic, Failure, Kind};
use pkgr::launchpad::*;
use pkgr::listener::Listener;

type Step = (u64, Box<dyn FnOnce(&Service) + Send>);

/// A clock that goes as fast as it is asked to, and lets things happen at
/// their time, in seconds.
struct Script<'s> {
    service: &'s Service,
    now: Mutex<Duration>,
    steps: Mutex<VecDeque<Step>>,
    slept: Mutex<Vec<Duration>>,
}

impl<'s> Script<'s> {
    fn new(service: &'s Service) -> Script<'s> {
        Script { service, now: Mutex::default(), steps: Mutex::default(), slept: Mutex::default() }
    }

    fn at(self, seconds: u64, step: impl FnOnce(&Service) + Send + 'static) -> Script<'s> {
        self.steps.lock().unwrap().push_back((seconds, Box::new(step)));
        self
    }

    fn seconds(&self) -> u64 {
        self.now.lock().unwrap().as_secs()
    }
}

impl Clock for Script<'_> {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        self.slept.lock().unwrap().push(time);
        let now = {
            let mut now = self.now.lock().unwrap();
            *now += time;
            *now
        };
        let mut steps = self.steps.lock().unwrap();
        while steps.front().is_some_and(|(at, _)| Duration::from_secs(*at) <= now) {
            let (_, step) = steps.pop_front().unwrap();
            step(self.service);
        }
    }
}

/// What a person reads meanwhile.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Listener for Lines {
    fn tell(&self, _: Diagnostic) {}
    fn done(&self, verb: &'static str, what: &str) {
        self.0.lock().unwrap().push(format!("{verb} {what}"));
    }
}

fn expected(version: &str, series: &str) -> Expected {
    Expected { source: "hello".to_string(), version: version.to_string(), series: Some(series.to_string()) }
}

fn wait_with(place: &Place, script: &Script, expected: &[Expected]) -> Result<Outcome, Failure> {
    wait(&place.client(), &ppa(), expected, &WaitOptions::new(script), &place.recorder)
}

/// The end of the one thing waited for, and how it is told: exit code 4.
fn only_end(outcome: &Outcome) -> (End, Option<Failure>) {
    let mut failures = outcome.failures(&ppa());
    assert_eq!(outcome.ended.len(), 1);
    assert!(failures.iter().all(|failure| failure.kind == Kind::Remote));
    (outcome.ended[0].end, failures.pop())
}

fn notes(failure: &Failure) -> String {
    failure.diagnostics.iter().flat_map(|d| d.notes.iter().chain(&d.hints)).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn from_the_upload_to_the_index() {
    let place = Place::new();
    let script = Script::new(&place.service)
        .at(45, |service| {
            service.accept(&upload("hello", "1.10", "noble"));
        })
        .at(150, |service| {
            let id = service.state().publications[0].id;
            service.set_build_state(id, "amd64", "Currently building");
        })
        .at(300, |service| {
            let id = service.state().publications[0].id;
            service.set_build_state(id, "amd64", "Successfully built");
            service.set_build_state(id, "arm64", "Uploading build");
        })
        .at(400, |service| {
            let id = service.state().publications[0].id;
            service.build(id);
        })
        // the service's word goes before the index
        .at(500, |service| {
            let id = service.state().publications[0].id;
            service.mark_published(id);
        })
        .at(700, |service| {
            let id = service.state().publications[0].id;
            service.write_index(id);
        });
    let (lines, all) = (Lines::default(), [expected("1.10", "noble")]);
    let outcome = wait(&place.client(), &ppa(), &all, &WaitOptions::new(&script), &lines).unwrap();
    assert!(outcome.is_published() && outcome.failures(&ppa()).is_empty(), "{outcome:?}");
    assert!((700..=760).contains(&script.seconds()), "{}", script.seconds());
    let slept = script.slept.lock().unwrap();
    assert!(slept.iter().all(|time| (30..=60).contains(&time.as_secs())), "{slept:?}");
    let way = [
        "Accepted hello 1.10 (noble)",
        "Building hello 1.10 (noble) on amd64",
        "Built hello 1.10 (noble) on amd64",
        "Building hello 1.10 (noble) on arm64",
        "Built hello 1.10 (noble) on arm64",
        "Published hello 1.10 (noble) on amd64",
        "Published hello 1.10 (noble) on arm64",
    ];
    assert_eq!(*lines.0.lock().unwrap(), way);
    let state = &outcome.ended[0].state;
    assert_eq!((state.status.clone(), state.architectures.len()), (Some(PublishingStatus::Published), 2));
    assert!(place.told("ppa-not-verified").is_empty(), "the index was verified by the PPA's key");
}

#[test]
fn the_service_alone_is_not_believed() {
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.build(id);
    place.service.mark_published(id);
    let script = Script::new(&place.service);
    let outcome = wait_with(&place, &script, &[expected("1", "noble")]).unwrap();
    let (end, failure) = only_end(&outcome);
    let failure = failure.unwrap();
    assert!(matches!(end, End::TimedOut(_)), "{end:?}");
    assert_eq!(failure.diagnostics[0].code, "publication-timeout");
    assert!(notes(&failure).contains("amd64: built; not in the PPA's index: hello"), "{}", notes(&failure));
    assert!((3 * 3600..3 * 3600 + 60).contains(&script.seconds()), "{}", script.seconds());
}

#[test]
fn every_way_in_which_a_build_fails() {
    for (state, words, hint) in [
        ("Failed to build", "failed to build", "pkgr test"),
        ("Dependency wait", "dependency wait", "Build-Depends"),
        ("Chroot problem", "chroot problem", "retry"),
        ("Failed to upload", "failed to upload", "already has"),
        ("Cancelled build", "cancelled build", "retry"),
        ("Build for superseded Source", "build for superseded source", ""),
    ] {
        let place = Place::new();
        let id = place.service.accept(&upload("hello", "1", "noble"));
        place.service.set_dependencies(id, "arm64", "libfoo-dev (>= 2)");
        let script = Script::new(&place.service).at(100, move |service| {
            service.fail_build(
                id,
                "arm64",
                state,
                "cc -c a.c\na.c:1: error: no\n-----\nBuild finished at 1\nCleanup\n",
            );
        });
        let outcome = wait_with(&place, &script, &[expected("1", "noble")]).unwrap();
        let (end, failure) = only_end(&outcome);
        let failure = failure.unwrap();
        assert_eq!(end, End::Failed, "{state}");
        assert!(script.seconds() < 200, "{state}: it does not wait for amd64");
        let diagnostic = &failure.diagnostics[0];
        assert_eq!((diagnostic.code, failure.diagnostics.len()), ("build-failed", 1));
        assert_eq!(diagnostic.message, format!("hello 1 (noble) on arm64: {words}"));
        let notes = notes(&failure);
        assert!(notes.contains("its log ends with\ncc -c a.c\na.c:1: error: no\n"), "{notes}");
        assert!(notes.contains("the whole log: http") && notes.contains("libfoo-dev (>= 2)"), "{notes}");
        assert!(!notes.contains("Cleanup") && notes.contains(hint), "{notes}");
    }
}

#[test]
fn a_rejected_upload_is_known_by_its_absence() {
    let place = Place::new();
    // the same version elsewhere, and a name and number that are only similar
    for (source, version, series) in
        [("hello", "1.10", "jammy"), ("hello", "1.1", "noble"), ("hello-doc", "1.10", "noble")]
    {
        place.service.accept(&upload(source, version, series));
    }
    let script = Script::new(&place.service);
    let outcome = wait_with(&place, &script, &[expected("1.10", "noble")]).unwrap();
    let (end, failure) = only_end(&outcome);
    let failure = failure.unwrap();
    assert!(matches!(end, End::NotAccepted(_)), "{end:?}");
    assert!((600..660).contains(&script.seconds()), "{}", script.seconds());
    assert_eq!(failure.diagnostics[0].code, "upload-not-accepted");
    assert!(failure.diagnostics[0].message.contains("not accepted into ppa:du9l/nginx within 1"), "{failure}");
    let notes = notes(&failure);
    assert!(notes.contains("sent mail") && notes.contains("no mail is sent"), "{notes}");
}

#[test]
fn what_is_superseded_or_deleted_is_waited_for_no_longer() {
    for (status, word) in [("Superseded", "superseded"), ("Deleted", "deleted"), ("Obsolete", "obsolete")] {
        let place = Place::new();
        let id = place.service.accept(&upload("hello", "1", "noble"));
        let script = Script::new(&place.service).at(100, move |service| service.withdraw(id, status));
        let outcome = wait_with(&place, &script, &[expected("1", "noble")]).unwrap();
        let (end, failure) = only_end(&outcome);
        let failure = failure.unwrap();
        assert_eq!((end, failure.diagnostics[0].code), (End::Superseded, "upload-superseded"));
        assert!(failure.to_string().contains(word), "{failure}");
        assert!(script.seconds() < 200);
    }
}

#[test]
fn a_deadline_while_it_builds() {
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.set_build_state(id, "amd64", "Currently building");
    let script = Script::new(&place.service);
    let options = WaitOptions { timeout: Duration::from_secs(1000), ..WaitOptions::new(&script) };
    let outcome = wait(&place.client(), &ppa(), &[expected("1", "noble")], &options, &place.recorder).unwrap();
    let (end, failure) = only_end(&outcome);
    let failure = failure.unwrap();
    assert_eq!((end, script.seconds()), (End::TimedOut(Duration::from_secs(1000)), 1000));
    assert!(failure.to_string().contains("is not published after 16 minutes"), "{failure}");
    assert!(notes(&failure).contains("amd64: Currently building\narm64: Needs building"), "{}", notes(&failure));
}

#[test]
fn a_service_that_is_away_is_waited_for_but_not_for_ever() {
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    let script = Script::new(&place.service)
        .at(100, |service| service.state().down = true)
        .at(500, |service| service.state().down = false)
        .at(600, move |service| service.publish(id));
    let outcome = wait_with(&place, &script, &[expected("1", "noble")]).unwrap();
    assert!(outcome.is_published());

    let script = Script::new(&place.service).at(100, |service| service.state().down = true);
    place.service.accept(&upload("hello", "2", "noble"));
    let failure = wait_with(&place, &script, &[expected("2", "noble")]).unwrap_err();
    assert_eq!((failure.kind, failure.diagnostics[0].code), (Kind::Environment, "launchpad-unreachable"));
    assert!((700..800).contains(&script.seconds()), "{}", script.seconds());

    let script = Script::new(&place.service);
    let failure = wait_with(&place, &script, &[expected("2", "noble")]).unwrap_err();
    assert_eq!((failure.kind, script.seconds()), (Kind::Environment, 0), "away from the start");

    place.service.state().down = false;
    let missing = wait(
        &place.client(),
        &"ppa:du9l/none".parse().unwrap(),
        &[expected("2", "noble")],
        &WaitOptions::new(&script),
        &place.recorder,
    );
    assert_eq!(missing.unwrap_err().diagnostics[0].code, "launchpad-not-found");
}

#[test]
fn a_ppa_that_does_not_publish_is_not_waited_for() {
    let place = Place::new();
    place.service.accept(&upload("hello", "1", "noble"));
    place.service.state().ppas[0].publish = false;
    let script = Script::new(&place.service);
    let failure = wait_with(&place, &script, &[expected("1", "noble")]).unwrap_err();
    assert_eq!((failure.kind, failure.diagnostics[0].code, script.seconds()), (Kind::Remote, "ppa-not-publishing", 0));
}

#[test]
fn each_of_several_has_its_own_end() {
    let place = Place::new();
    let noble = place.service.accept(&upload("hello", "1~ubuntu24.04.1", "noble"));
    let jammy = place.service.accept(&upload("hello", "1~ubuntu22.04.1", "jammy"));
    let script = Script::new(&place.service)
        .at(60, move |service| service.fail_build(jammy, "amd64", "Failed to build", "no\n"))
        .at(800, move |service| service.publish(noble));
    let all = [
        expected("1~ubuntu26.04.1", "resolute"),
        expected("1~ubuntu24.04.1", "noble"),
        expected("1~ubuntu22.04.1", "jammy"),
    ];
    let outcome = wait_with(&place, &script, &all).unwrap();
    let ends: Vec<End> = outcome.ended.iter().map(|ended| ended.end).collect();
    assert!(matches!(ends.as_slice(), [End::NotAccepted(_), End::Published, End::Failed]), "{ends:?}");
    assert_eq!(outcome.failures(&ppa()).len(), 2);
    assert!(script.seconds() >= 800);
}

#[test]
fn a_new_ppa_has_no_key_before_its_first_publication() {
    let place = Place::new();
    place.service.state().ppas[0].has_key = false;
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.build(id);
    let script = Script::new(&place.service)
        .at(100, move |service| service.mark_published(id))
        .at(300, move |service| service.write_index(id));
    let outcome = wait_with(&place, &script, &[expected("1", "noble")]).unwrap();
    assert!(outcome.is_published());
    assert!(script.seconds() >= 300, "{}", script.seconds());
}

#[test]
fn the_key_comes_from_the_keyserver_where_the_service_has_none_at_hand() {
    let place = Place::new();
    place.service.state().hands_out_keys = (false, true);
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.publish(id);
    let script = Script::new(&place.service);
    assert!(wait_with(&place, &script, &[expected("1", "noble")]).unwrap().is_published());
    assert!(place.told("ppa-not-verified").is_empty());
}

#[test]
fn without_the_key_digests_are_compared() {
    let place = Place::new();
    place.service.state().hands_out_keys = (false, false);
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.build(id);
    place.service.mark_published(id);
    let script = Script::new(&place.service).at(200, move |service| service.write_index(id));
    assert!(wait_with(&place, &script, &[expected("1", "noble")]).unwrap().is_published());
    assert!(script.seconds() >= 200);
    assert_eq!(place.told("ppa-not-verified").len(), 1, "it is said once");

    let path = "/ppa/du9l/nginx/ubuntu/dists/noble/main/binary-amd64/Packages.gz".to_string();
    let text = "Package: hello\nVersion: 1\nSHA256: 00\n\n";
    place.service.state().files.insert(path, launchpad_support::archive::gzip(text.as_bytes()));
    let failure = wait_with(&place, &script, &[expected("1", "noble")]).unwrap_err();
    assert_eq!((failure.kind, failure.diagnostics[0].code), (Kind::Environment, "ppa-index-contradicts"));
}

#[test]
fn a_key_too_weak_to_prove_anything_is_as_good_as_none() {
    let home = tempfile::Builder::new().prefix("pkgr-").tempdir().unwrap();
    let gpg = |arguments: &[&str]| {
        let mut command = std::process::Command::new("gpg");
        command.env("GNUPGHOME", home.path()).args(["--batch", "--quiet", "--no-tty", "--passphrase", ""]);
        let output = command.args(arguments).output().expect("gpg must be there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // as Launchpad made them before 2014
    gpg(&["--quick-generate-key", "Launchpad old <old@example.org>", "rsa1024", "sign", "never"]);
    let key = launchpad_support::archive::SigningKey::public(&gpg(&["--export"]));
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.publish(id);
    let mut state = place.service.state();
    let path = "/ppa/du9l/nginx/ubuntu/dists/noble/InRelease";
    let release = pkgr::deb::control::strip_signature(&state.files[path]).unwrap().into_owned();
    std::fs::write(home.path().join("Release"), release).unwrap();
    let signed = gpg(&["--clearsign", "--output", "-", home.path().join("Release").to_str().unwrap()]);
    state.files.insert(path.to_string(), signed);
    state.ppas[0].key = key;
    drop(state);
    let script = Script::new(&place.service);
    assert!(wait_with(&place, &script, &[expected("1", "noble")]).unwrap().is_published());
    assert_eq!(place.told("ppa-not-verified").len(), 1);
}

#[test]
fn an_index_that_another_key_signed_is_not_believed() {
    let place = Place::new();
    place.service.add_ppa("somebody", "else");
    let id = place.service.accept(&upload("hello", "1", "noble"));
    place.service.publish(id);
    let foreign = launchpad_support::Upload::new("somebody", "else", "hello", "1", "noble");
    let foreign = place.service.accept(&foreign);
    place.service.publish(foreign);
    let mut state = place.service.state();
    let path = "/ppa/du9l/nginx/ubuntu/dists/noble/InRelease".to_string();
    let theirs = state.files["/ppa/somebody/else/ubuntu/dists/noble/InRelease"].clone();
    state.files.insert(path, theirs);
    drop(state);
    let script = Script::new(&place.service);
    let failure = wait_with(&place, &script, &[expected("1", "noble")]).unwrap_err();
    assert_eq!((failure.kind, failure.diagnostics[0].code), (Kind::Environment, "apt-foreign-signature"));
}

#[test]
fn one_bad_answer_on_the_way_changes_nothing() {
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    let script = Script::new(&place.service)
        .at(50, |service| {
            for part in ["getBuildSummaries", "getBuilds", "+sourcepub"] {
                service.fault(part, Fault::Half);
            }
        })
        .at(100, move |service| service.publish(id))
        .at(100, |service| service.fault("InRelease", Fault::Busy(0)));
    assert!(wait_with(&place, &script, &[expected("1", "noble")]).unwrap().is_published());
}
