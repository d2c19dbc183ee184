//! Upstream signatures by throwaway keys that gpg makes in a home of their own.

mod fetch_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fetch_support::*;
use pkgr::diagnostic::{Failure, Kind};
use pkgr::fetch::{Fetched, Fetcher, Options};
use pkgr::listener::Recorder;
use pkgr::lock::Lock;
use pkgr::plan::Location;

/// A folder with hello.tar.gz, and gpg's home.
struct Place {
    folder: tempfile::TempDir,
    recorder: Recorder,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home()).args(["--kill", "gpg-agent"]).status();
    }
}

impl Place {
    fn new() -> Place {
        use std::os::unix::fs::PermissionsExt;
        let place = Place { folder: tempfile::tempdir().unwrap(), recorder: Recorder::default() };
        std::fs::create_dir(place.home()).unwrap();
        std::fs::set_permissions(place.home(), std::fs::Permissions::from_mode(0o700)).unwrap();
        place.write("hello.tar.gz", &hello());
        place
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("gnupg")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    /// gpg at noon of a day (`20260101`).
    fn gpg(&self, day: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .args(["--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", "--no-tty", "--quiet"])
            .args(["--faked-system-time", &format!("{day}T120000")])
            .args(arguments)
            .env("GNUPGHOME", self.home())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("gpg is installed");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn key(&self, day: &str, name: &str, expiry: &str) {
        self.gpg(day, &["--quick-gen-key", &format!("{name} <{name}@example.org>"), "ed25519", "sign", expiry]);
    }

    fn export(&self, name: &str, file: &str) {
        let armored = self.gpg("20260101", &["--armor", "--export", name]);
        self.write(file, &armored);
    }

    fn sign(&self, day: &str, name: &str, arguments: &[&str], file: &str) {
        self.gpg(day, &[&["--local-user", name, "--detach-sign"], arguments, &[file]].concat());
    }

    fn fetch(&self, signature: Option<&str>, keyring: &str) -> Result<Fetched, Failure> {
        self.fetch_file("hello.tar.gz", signature, keyring)
    }

    fn fetch_file(&self, file: &str, signature: Option<&str>, keyring: &str) -> Result<Fetched, Failure> {
        let options = Options { cache: Some(self.folder.path().join("cache")), ..Options::default() };
        let mut wanted = source(Location::Path(file.into()));
        wanted.signature = signature.map(|file| Location::Path(file.into()));
        wanted.keyring = Some(keyring.into());
        Fetcher::new(options, &self.recorder)?.fetch(&wanted, self.folder.path(), &Lock::default())
    }

    /// The usual case: key `alice`, keyring and signature.
    fn signed() -> Place {
        let place = Place::new();
        place.key("20260101", "alice", "never");
        place.export("alice", "keys.asc");
        place.sign("20260201", "alice", &["--armor"], "hello.tar.gz");
        place
    }
}

#[track_caller]
fn refused(result: Result<Fetched, Failure>, code: &str, words: &str) {
    let failure = result.map(|fetched| fetched.path).expect_err("this should have failed");
    let diagnostic = &failure.diagnostics[0];
    assert_eq!(diagnostic.code, code, "{diagnostic:?}");
    assert!(diagnostic.message.contains(words), "{diagnostic:?}");
    assert_eq!(diagnostic.place, Some(place()));
    let kind = if code.starts_with("signature") { Kind::Environment } else { Kind::Recipe };
    assert_eq!(failure.kind, kind);
}

#[test]
fn a_good_signature_ships_with_its_key_and_both_are_pinned() {
    let place = Place::signed();
    let fetched = place.fetch(Some("hello.tar.gz.asc"), "keys.asc").unwrap();
    assert_eq!(fetched.signature, Some(place.read("hello.tar.gz.asc")));
    assert_eq!(fetched.signing_key, Some(place.read("keys.asc")));
    let from: Vec<_> = fetched.pins.iter().map(|pin| pin.from.as_str()).collect();
    assert_eq!(from, ["hello.tar.gz", "hello.tar.gz.asc"]);
    // remembered: the same answer again
    let again = place.fetch(Some("hello.tar.gz.asc"), "keys.asc").unwrap();
    assert_eq!((again.signature, again.signing_key), (fetched.signature, fetched.signing_key));
}

#[test]
fn binary_signatures_and_keyrings_are_armored_for_shipping() {
    let place = Place::signed();
    place.sign("20260201", "alice", &["--output", "hello.sig"], "hello.tar.gz");
    let binary = place.gpg("20260101", &["--export", "alice"]);
    place.write("keys.gpg", &binary);
    let fetched = place.fetch(Some("hello.sig"), "keys.gpg").unwrap();
    place.write("shipped.asc", &fetched.signature.unwrap());
    place.write("shipped-key.asc", &fetched.signing_key.unwrap());
    // gpgv wants a binary keyring, as dpkg-source makes it of the armored one
    place.gpg("20260101", &["--output", "shipped-key.gpg", "--dearmor", "shipped-key.asc"]);
    let status = Command::new("gpgv")
        .args(["--keyring", "./shipped-key.gpg", "shipped.asc", "hello.tar.gz"])
        .current_dir(place.folder.path())
        .stderr(Stdio::null())
        .status()
        .expect("gpgv is installed");
    assert!(status.success());
}

#[test]
fn a_secret_key_in_the_keyring_does_not_ship() {
    let place = Place::signed();
    let secret = place.gpg("20260101", &["--armor", "--export-secret-keys", "alice"]);
    place.write("secret.asc", &secret);
    let fetched = place.fetch(Some("hello.tar.gz.asc"), "secret.asc").unwrap();
    let shipped = String::from_utf8(fetched.signing_key.unwrap()).unwrap();
    assert!(shipped.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"), "{shipped}");
    place.write("shipped.asc", shipped.as_bytes());
    let packets = place.gpg("20260101", &["--list-packets", "shipped.asc"]);
    assert!(!String::from_utf8_lossy(&packets).contains("secret"));
}

#[test]
fn a_signature_over_the_tar_inside_counts_but_does_not_ship() {
    let place = Place::signed();
    let tar = Tar::default().file("p/noise", &noise(100_000)).end();
    place.write("hello.tar", &tar);
    place.sign("20260201", "alice", &["--armor", "--output", "hello.tar.sign"], "hello.tar");
    for (name, bytes) in [("a.tar.gz", gzip(&tar)), ("a.tar.bz2", bzip2(&tar)), ("a.tar.xz", xz(&tar))] {
        place.write(name, &bytes);
        let fetched = place.fetch_file(name, Some("hello.tar.sign"), "keys.asc").unwrap();
        assert_eq!((fetched.signature, fetched.signing_key), (None, None), "dpkg-source would check it over the orig");
        assert!(place.fetch_file(name, Some("hello.tar.sign"), "keys.asc").unwrap().signature.is_none());
    }
    place.write("b.tar.gz", &gzip(&Tar::default().file("p/noise", &noise(100_001)).end()));
    refused(place.fetch_file("b.tar.gz", Some("hello.tar.sign"), "keys.asc"), "signature-bad", "does not match");
}

#[test]
fn changed_bytes_are_refused() {
    let place = Place::signed();
    place.write("hello.tar.gz", &gzip(&Tar::default().file("p/evil", b"x").end()));
    refused(place.fetch(Some("hello.tar.gz.asc"), "keys.asc"), "signature-bad", "does not match the bytes");
}

#[test]
fn a_key_that_the_keyring_lacks_is_named() {
    let place = Place::signed();
    place.key("20260101", "mallory", "never");
    place.sign("20260201", "mallory", &["--armor", "--output", "by-mallory.asc"], "hello.tar.gz");
    let listed = place.gpg("20260101", &["--with-colons", "--list-keys", "mallory"]);
    let listed = String::from_utf8(listed).unwrap();
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':');
    refused(place.fetch(Some("by-mallory.asc"), "keys.asc"), "signature-no-key", fingerprint);
    // one good signature among several is enough
    let binary = place.gpg("20260101", &["--dearmor", "--output", "-", "by-mallory.asc"]);
    let other = place.gpg("20260101", &["--dearmor", "--output", "-", "hello.tar.gz.asc"]);
    place.write("both.sig", &[binary, other].concat());
    assert!(place.fetch(Some("both.sig"), "keys.asc").is_ok());
    // and so is a keyring of several armored blocks
    place.export("mallory", "mallory.asc");
    place.write("two.asc", &[place.read("keys.asc"), place.read("mallory.asc")].concat());
    let fetched = place.fetch(Some("by-mallory.asc"), "two.asc").unwrap();
    let shipped = String::from_utf8(fetched.signing_key.unwrap()).unwrap();
    assert_eq!(shipped.matches("BEGIN PGP").count(), 1, "dpkg-source reads one block");
}

#[test]
fn expiry_is_judged_when_the_signature_was_made() {
    let place = Place::new();
    place.key("20200101", "alice", "1y");
    place.export("alice", "keys.asc");
    place.sign("20200601", "alice", &["--armor"], "hello.tar.gz");
    assert!(place.fetch(Some("hello.tar.gz.asc"), "keys.asc").is_ok(), "expired since, good then");

    let listed = String::from_utf8(place.gpg("20200101", &["--with-colons", "--list-keys"])).unwrap();
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':');
    place.gpg("20210601", &["--quick-set-expire", fingerprint, "never"]);
    place.sign("20220101", "alice", &["--armor", "--output", "late.asc"], "hello.tar.gz");
    refused(place.fetch(Some("late.asc"), "keys.asc"), "signature-key-expired", "had expired when it signed");
    place.export("alice", "extended.asc");
    assert!(place.fetch(Some("late.asc"), "extended.asc").is_ok());
}

#[test]
fn a_revoked_key_is_refused() {
    let place = Place::signed();
    let revocations = place.home().join("openpgp-revocs.d");
    let file = std::fs::read_dir(revocations).unwrap().next().unwrap().unwrap().path();
    // gpg guards it against accidents by a colon before the armor
    let text = std::fs::read_to_string(file).unwrap().replace(":-----BEGIN", "-----BEGIN");
    place.write("revocation.asc", text.as_bytes());
    place.gpg("20260101", &["--import", "revocation.asc"]);
    place.export("alice", "keys.asc");
    refused(place.fetch(Some("hello.tar.gz.asc"), "keys.asc"), "signature-bad-key", "was not fit to sign");
}

#[test]
fn sha_1_is_refused_by_name() {
    let place = Place::signed();
    let arguments = ["--armor", "--digest-algo", "SHA1", "--output", "sha1.asc"];
    place.sign("20260201", "alice", &arguments, "hello.tar.gz");
    refused(place.fetch(Some("sha1.asc"), "keys.asc"), "signature-sha1", "uses SHA-1");
}

#[test]
fn what_is_no_signature_or_no_keyring_says_so() {
    let place = Place::signed();
    place.write("page.asc", b"<!DOCTYPE html>");
    refused(place.fetch(Some("page.asc"), "keys.asc"), "signature-malformed", "holds no signature");
    refused(place.fetch(Some("keys.asc"), "keys.asc"), "signature-malformed", "holds no signature");
    refused(place.fetch(None, "keys.asc"), "signature-missing", "names a keyring and no signature");
    refused(place.fetch(Some("missing.asc"), "keys.asc"), "source-missing", "missing.asc");
    refused(place.fetch(Some("hello.tar.gz.asc"), "hello.tar.gz.asc"), "bad-keyring", "hello.tar.gz.asc");
    refused(place.fetch(Some("hello.tar.gz.asc"), "page.asc"), "bad-keyring", "page.asc");
    refused(place.fetch(Some("hello.tar.gz.asc"), "nowhere.asc"), "bad-keyring", "nowhere.asc");
}

#[test]
fn the_archive_of_dpkg_source_accepts_what_ships() {
    let place = Place::signed();
    let fetched = place.fetch(Some("hello.tar.gz.asc"), "keys.asc").unwrap();
    let tree = place.folder.path().join("hello-1.0");
    std::fs::create_dir_all(tree.join("debian/source")).unwrap();
    std::fs::create_dir_all(tree.join("debian/upstream")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(tree.join(name), bytes).unwrap();
    write("hello.c", b"int main() {}\n");
    write("debian/source/format", b"3.0 (quilt)\n");
    write("debian/upstream/signing-key.asc", &fetched.signing_key.unwrap());
    write(
        "debian/control",
        b"Source: hello\nMaintainer: A <a@example.org>\n\nPackage: hello\nArchitecture: all\nDescription: x\n",
    );
    write(
        "debian/changelog",
        b"hello (1.0-1) unstable; urgency=low\n\n  * x\n\n -- A <a@example.org>  Tue, 24 Nov 2026 08:00:00 +0000\n",
    );
    place.write("hello_1.0.orig.tar.gz", &place.read("hello.tar.gz"));
    place.write("hello_1.0.orig.tar.gz.asc", &fetched.signature.unwrap());
    let output = Command::new("dpkg-source")
        .args(["-b", "hello-1.0"])
        .current_dir(place.folder.path())
        .env("HOME", place.folder.path())
        .env("LC_ALL", "C")
        .output()
        .expect("dpkg-source is installed");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.contains("failed to verify"), "{said}");
    assert!(Path::new(&place.folder.path().join("hello_1.0-1.dsc")).exists());
}
