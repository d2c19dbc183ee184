//! The connection breaks when Launchpad's daemon confirms the .changes: whether the
//! upload arrived is asked, by the same run and by the next one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::Run;
use crate::common::control::Paragraph;
use crate::proxy::{Fault, Kind, Point, Proxy};
use crate::upload_support::{self, Daemon};
use crate::{OF_NOBLE, World};

/// Launchpad's daemon, and a network that loses its confirmation of the .changes once.
struct Lossy {
    daemon: Daemon,
    proxy: Proxy,
}

impl Lossy {
    fn before(changes: &Path) -> Lossy {
        let daemon = Daemon::start();
        let files = Paragraph::read(changes).files("Files").len();
        let fault = Fault { point: Point::Answer("226", files), kind: Kind::Close, always: false };
        let proxy = Proxy::start(daemon.ftp, true, Some(fault));
        Lossy { daemon, proxy }
    }

    fn upload(&self, world: &World, acceptance: &str, more: &[&str]) -> Run {
        let host = format!("ftp://127.0.0.1:{}", self.proxy.port);
        let args = ["upload", "--only", "noble", "--host", &host, "--acceptance", acceptance, "--interval", "0.1s"];
        world.run(&[&args, more].concat())
    }
}

impl World {
    /// Two packages, of which the tests send that for noble.
    fn noble(&self) -> PathBuf {
        self.build().into_iter().find(|path| path.to_string_lossy().contains(OF_NOBLE)).unwrap()
    }

    fn receive(&self, changes: &Path) {
        self.service.receive("du9l", "nginx", changes, &["amd64"]).unwrap();
    }
}

fn state_of(changes: &Path) -> String {
    let journal = fs::read(changes.with_extension("upload.json")).unwrap();
    let journal: Value = serde_json::from_slice(&journal).unwrap();
    journal["uploads"][0]["state"].as_str().unwrap().to_string()
}

#[test]
fn a_lost_confirmation_is_asked_for() {
    let world = World::new();
    let noble = world.noble();
    let lossy = Lossy::before(&noble);
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            upload_support::wait_for("the upload", || !lossy.daemon.ended().is_empty());
            world.receive(&noble);
        });
        lossy.upload(&world, "60s", &[]).ok()
    });
    assert!(
        said.stderr.contains("warning[upload-unsettled]") && said.stderr.contains("note[upload-arrived]"),
        "{said:?}"
    );
    assert!(said.stdout.contains("sent hello"), "{}", said.stdout);
    assert_eq!((lossy.daemon.submitted().len(), state_of(&noble).as_str()), (1, "sent"));
    let said = lossy.upload(&world, "60s", &[]).ok();
    assert!(said.stdout.contains("already hello") && lossy.daemon.submitted().len() == 1, "{said:?}");
}

#[test]
fn what_is_not_accepted_in_time_is_sent_again() {
    let world = World::new();
    let noble = world.noble();
    let lossy = Lossy::before(&noble);
    let said = lossy.upload(&world, "1s", &[]).ok();
    assert!(said.stderr.contains("note[upload-not-arrived]") && said.stdout.contains("sent hello"), "{said:?}");
    assert_eq!((lossy.daemon.submitted().len(), state_of(&noble).as_str()), (2, "sent"));
}

#[test]
fn what_may_have_arrived_is_not_sent_while_nobody_can_be_asked() {
    let world = World::new();
    let noble = world.noble();
    let lossy = Lossy::before(&noble);
    world.service.state().down = true;
    let said = lossy.upload(&world, "1s", &[]).exits(3);
    assert!(said.stderr.contains("error[upload-unconfirmed]") && said.stderr.contains("--force"), "{}", said.stderr);
    assert_eq!((lossy.daemon.submitted().len(), state_of(&noble).as_str()), (1, "submitting"));
    // nor by the next run, nor is it said that it would be without more ado
    let rehearsed = lossy.upload(&world, "1s", &["-n"]).ok();
    assert!(rehearsed.stderr.contains("note[upload-unsettled]"), "{}", rehearsed.stderr);
    lossy.upload(&world, "1s", &[]).exits(3);
    assert_eq!((lossy.daemon.submitted().len(), state_of(&noble).as_str()), (1, "submitting"));
    // the service is back, and the upload was accepted: its version is not refused as taken
    world.service.state().down = false;
    world.receive(&noble);
    let rehearsed = lossy.upload(&world, "1s", &["-n"]).ok();
    assert!(rehearsed.stdout.contains("already hello") && state_of(&noble) == "submitting", "{rehearsed:?}");
    let said = lossy.upload(&world, "60s", &[]).ok();
    assert!(said.stdout.contains("already hello") && !said.stderr.contains("version-taken"), "{said:?}");
    assert_eq!((lossy.daemon.submitted().len(), state_of(&noble).as_str()), (1, "sent"));
    let said = lossy.upload(&world, "60s", &["--force"]).ok();
    assert!(said.stderr.contains("warning[version-taken]"), "{}", said.stderr);
    assert_eq!(lossy.daemon.submitted().len(), 2);
}

#[test]
fn a_rebuild_that_does_not_wait_asks_for_lost_confirmations_too() {
    let world = World::new();
    let changes = world.build();
    let lossy = Lossy::before(&changes[0]);
    let host = format!("ftp://127.0.0.1:{}", lossy.proxy.port);
    let key = world.environment.key().secret.display().to_string();
    let args = ["rebuild", "--no-wait", "--key", &key, "--host", &host, "--interval", "0.1s", "--acceptance"];
    // killed, as it were, while nobody could be asked
    std::thread::scope(|scope| {
        scope.spawn(|| {
            upload_support::wait_for("the upload", || !lossy.daemon.ended().is_empty());
            world.service.state().down = true;
        });
        world.run(&[&args[..], &["1s"]].concat()).exits(3);
    });
    let sent = lossy.daemon.submitted().len();
    assert!(changes.iter().any(|path| state_of(path) == "submitting"), "{sent} were sent");
    world.service.state().down = false;
    let submitted = |path: &&PathBuf| path.with_extension("upload.json").exists();
    changes.iter().filter(submitted).for_each(|path| world.receive(path));
    world.run(&[&args[..], &["60s"]].concat()).ok();
    assert_eq!(lossy.daemon.submitted().len(), 2, "one for each series");
}
