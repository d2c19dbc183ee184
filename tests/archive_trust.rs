//! What an archive must prove before its word is taken: signatures, dates, and
//! the digest of everything below them.

mod archive_support;
mod fetch_support;

use archive_support::{NOW, Suite, TODAY, World};

/// A world whose noble has nginx 1.24.0-2, in all three pockets' shape.
fn noble(change: impl Fn(Suite) -> Suite) -> World {
    let world = World::new();
    publish(&world, change);
    world
}

fn publish(world: &World, change: impl Fn(Suite) -> Suite) {
    let source = world.source("ubuntu", "nginx", "1.24.0-2", "a");
    world.publish(&change(Suite::ubuntu("noble", &[source])));
    for name in ["noble-security", "noble-updates"] {
        world.publish(&Suite::ubuntu(name, &[]));
    }
}

#[test]
fn a_signed_archive_is_believed() {
    let world = noble(|suite| suite);
    let entry = world.newest("nginx", "noble").unwrap();
    assert_eq!(entry.version.to_string(), "1.24.0-2");
    assert_eq!(entry.binaries, ["nginx", "nginx-doc"]);
    assert!(world.recorder.told().is_empty(), "{:?}", world.recorder.told());
}

#[test]
fn release_and_release_gpg_serve_as_well_as_inrelease() {
    let mut world = World::new();
    let source = world.source("ubuntu", "nginx", "1.24.0-2", "a");
    for (name, sources) in [("noble", vec![source]), ("noble-security", vec![]), ("noble-updates", vec![])] {
        world.publish_detached(&Suite::ubuntu(name, &sources));
    }
    assert_eq!(world.newest("nginx", "noble").unwrap().version.to_string(), "1.24.0-2");
    world.requested();
    assert!(world.newest("nginx", "noble").is_ok());
    let again = world.requested();
    assert!(again.iter().all(|path| path.ends_with("/InRelease") || path.ends_with("/Release")), "{again:?}");
    let release = String::from_utf8(world.get("/ubuntu/dists/noble/Release")).unwrap();
    world.put("/ubuntu/dists/noble/Release", release.replace("Label: Ubuntu", "Label: Ubuntu "));
    assert_eq!(world.refused("noble").0, "apt-tampered");
    world.put("/ubuntu/dists/noble/Release", release);
    assert!(world.newest("nginx", "noble").is_ok());
    world.take("/ubuntu/dists/noble/Release.gpg");
    assert!(
        world.newest("nginx", "noble").is_ok(),
        "what was verified before and is unchanged needs no signature again"
    );
    world.options.cache = Some(world.path("empty"));
    assert_eq!(world.refused("noble").0, "apt-unsigned");
}

#[test]
fn a_foreign_signature_is_refused() {
    let mut world = World::new();
    world.add_key("foreign", "20250101T000000", "0");
    publish(&world, |suite| suite.signed_by("foreign", "20261124T100000"));
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-foreign-signature");
    assert!(message.contains("/dists/noble/InRelease is not signed by its archive"), "{message}");
}

#[test]
fn the_real_keys_do_not_know_a_private_archive() {
    let mut world = noble(|suite| suite);
    world.settings.keyring = None;
    assert_eq!(world.refused("noble").0, "apt-foreign-signature");
}

#[test]
fn changed_text_and_foreign_text_around_it_are_refused() {
    let world = noble(|suite| suite);
    let path = "/ubuntu/dists/noble/InRelease";
    let signed = String::from_utf8(world.get(path)).unwrap();
    world.put(path, signed.replace("Label: Ubuntu", "Label: Ubuntv"));
    assert_eq!(world.refused("noble").0, "apt-tampered");
    world.put(path, format!("Label: x\n\n{signed}"));
    assert_eq!(world.refused("noble").0, "apt-unsigned");
    let text = signed.split("\n\n").nth(1).unwrap().split("-----BEGIN").next().unwrap();
    world.put(path, text);
    assert_eq!(world.refused("noble").0, "apt-unsigned");
    world.put(path, "<html>log in</html>");
    assert_eq!(world.refused("noble").0, "apt-unsigned");
    world.put(path, &signed.as_bytes()[..signed.len() / 2]);
    assert_eq!(world.refused("noble").0, "apt-bad-signature");
}

#[test]
fn text_after_a_good_signature_is_not_read() {
    let world = noble(|suite| suite);
    let path = "/ubuntu/dists/noble/InRelease";
    let mut signed = world.get(path);
    signed.extend_from_slice(b"\nSuite: evil\nSHA256:\n");
    world.put(path, signed);
    assert_eq!(world.newest("nginx", "noble").unwrap().version.to_string(), "1.24.0-2");
}

#[test]
fn a_stale_release_file_is_refused() {
    let world = noble(|suite| suite.with("Acquire", "Valid-Until: Tue, 24 Nov 2026 11:59:00 UTC\nAcquire"));
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-release-expired");
    assert!(message.ends_with("was valid until 2026-11-24T11:59:00Z only"), "{message}");
    let mut world = noble(|suite| suite.with("Acquire", "Valid-Until: Tue, 24 Nov 2026 12:01:00 UTC\nAcquire"));
    world.newest("nginx", "noble").unwrap();
    world.settings.now = Some("2026-11-24T12:02:00Z".parse().unwrap());
    assert_eq!(world.refused("noble").0, "apt-release-expired", "also out of the cache");
    world.options.offline = true;
    assert_eq!(world.refused("noble").0, "apt-release-expired", "also offline");
}

#[test]
fn a_release_file_from_the_future_is_refused() {
    let world = noble(|suite| suite.with(TODAY, "Tue, 24 Nov 2026 12:01:00 UTC"));
    assert_eq!(world.refused("noble").0, "apt-release-from-future");
}

#[test]
fn no_pocket_passes_for_another() {
    let world = noble(|suite| suite);
    let security = world.get("/ubuntu/dists/noble-security/InRelease");
    world.put("/ubuntu/dists/noble/InRelease", security);
    assert_eq!(world.refused("noble").0, "apt-wrong-suite");
}

#[test]
fn a_pocket_that_vanishes_is_not_taken_for_empty() {
    let world = noble(|suite| suite);
    world.take("/ubuntu/dists/noble-security/InRelease");
    let (code, message) = world.refused("noble");
    assert_eq!((code, message.as_str()), ("apt-no-suite", "suite noble-security is not there"));
}

#[test]
fn keys_are_judged_at_the_time_of_signing_for_series_out_of_support_only() {
    let mut world = World::new();
    world.add_key("old", "20180101T000000", "20200101T000000");
    let both = world.gpg("20261124T100000", &["--export"], b"");
    std::fs::write(world.path("archive.gpg"), both).unwrap();
    // artful ended in 2018, when the key was alive
    let source = world.source("old", "nginx", "1.12.1-0", "a");
    let mut suite = Suite::ubuntu("artful", &[source]).with(TODAY, "Mon, 01 Oct 2018 00:00:00 UTC");
    suite.root = "old";
    world.publish(&suite.clone().signed_by("old", "20181001T000000"));
    assert_eq!(world.newest("nginx", "artful").unwrap().version.to_string(), "1.12.1-0");
    // a supported series must not be signed by it
    publish(&world, |suite| suite.signed_by("old", "20181001T000000").with(TODAY, "Mon, 01 Oct 2018 00:00:00 UTC"));
    assert_eq!(world.refused("noble").0, "apt-key-expired");
}

#[test]
fn a_signature_by_a_key_that_was_dead_already_is_refused() {
    let mut world = World::new();
    world.add_key("old", "20180101T000000", "0");
    let source = world.source("old", "nginx", "1.12.1-0", "a");
    let mut suite = Suite::ubuntu("artful", &[source]).with(TODAY, "Fri, 01 Jan 2021 00:00:00 UTC");
    suite.root = "old";
    world.publish(&suite.signed_by("old", "20210101T000000"));
    let keys = world.gpg("20180102T000000", &["--with-colons", "--list-keys", "old@example.org"], b"");
    let keys = String::from_utf8(keys).unwrap();
    let fingerprint = keys.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':');
    let public = |world: &World| world.gpg("20261124T100000", &["--export", "old@example.org"], b"");
    std::fs::write(world.path("archive.gpg"), public(&world)).unwrap();
    assert!(world.newest("nginx", "artful").is_ok(), "while it lives for ever");
    world.gpg("20180103T000000", &["--quick-set-expire", fingerprint, "20200101T000000"], b"");
    std::fs::write(world.path("archive.gpg"), public(&world)).unwrap();
    assert_eq!(world.refused("artful").0, "apt-key-expired");
}

#[test]
fn an_index_with_another_hash_is_refused() {
    let world = noble(|suite| suite);
    for path in world.paths("noble/main/source/") {
        let mut bytes = world.get(&path);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        world.put(&path, bytes);
    }
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-wrong-hash");
    assert!(message.contains("by-hash/SHA256/"), "{message}");
    for path in world.paths("noble/main/source/") {
        let longer = [world.get(&path), vec![0; 5000]].concat();
        world.put(&path, longer);
    }
    assert_eq!(world.refused("noble").0, "apt-wrong-hash", "longer than it should be");
}

#[test]
fn digests_other_than_sha256_are_no_digests() {
    let world = World::new();
    let suite = Suite::ubuntu("noble", &[]);
    let text = world.place_indexes(&suite).replace("SHA256:", "MD5Sum:");
    world.put("/ubuntu/dists/noble/InRelease", world.clearsign("archive", "20261124T100000", text.as_bytes()));
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-bad-release");
    assert!(message.ends_with("it has no SHA256 digests"), "{message}");
}

#[test]
fn an_archive_that_goes_back_in_time_is_not_followed() {
    let world = noble(|suite| suite);
    let before = world.get("/ubuntu/dists/noble/InRelease");
    let sources = ["1.24.0-2", "1.24.0-3"].map(|version| world.source("ubuntu", "nginx", version, "b"));
    world.publish(&Suite::ubuntu("noble", &sources).with(TODAY, "Tue, 24 Nov 2026 11:00:00 UTC"));
    assert_eq!(world.newest("nginx", "noble").unwrap().version.to_string(), "1.24.0-3");
    world.put("/ubuntu/dists/noble/InRelease", before);
    assert_eq!(world.newest("nginx", "noble").unwrap().version.to_string(), "1.24.0-3");
    assert!(world.recorder.told().iter().any(|told| told.code == "apt-went-back"));
}

#[test]
fn apt_told_not_to_check_is_followed_and_heard_of() {
    let mut world = World::new();
    let apt = world.path("root/etc/apt");
    std::fs::create_dir_all(&apt).unwrap();
    let lines = ["debian", "debian-security"].map(|folder| {
        let suite = if folder == "debian" { "bookworm" } else { "bookworm-security" };
        format!("deb [check-valid-until=no] {}/{folder} {suite} main\n", world.address)
    });
    std::fs::write(apt.join("sources.list"), lines.concat()).unwrap();
    (world.settings.debian, world.settings.debian_security) = (None, None);
    let source = world.source("debian", "nginx", "1.22.1-9", "a");
    let stale = |suite: Suite| suite.with("Acquire", "Valid-Until: Mon, 23 Nov 2026 00:00:00 UTC\nAcquire");
    world.publish(&stale(Suite::debian("debian", "bookworm", &[source])));
    world.publish(&stale(Suite::debian("debian", "bookworm-updates", &[])));
    world.publish(&stale(Suite::debian("debian-security", "bookworm-security", &[])));
    assert_eq!(world.newest("nginx", "bookworm").unwrap().version.to_string(), "1.22.1-9");
    let told = world.recorder.told();
    assert_eq!(told.iter().filter(|told| told.code == "apt-release-stale").count(), 3, "{told:?}");
    assert!(NOW > "2026-11-23");
    std::fs::write(apt.join("sources.list"), lines.concat().replace("[check-valid-until=no]", "")).unwrap();
    assert_eq!(world.refused("bookworm").0, "apt-release-expired");
}
