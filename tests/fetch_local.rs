//! Sources on this machine: files beside the recipe, file URLs, git
//! repositories, and what is repacked or refused for its compression.

mod fetch_support;

use std::io::Write;
use std::path::Path;
use std::process::Command;

use fetch_support::*;
use pkgr::deb::checksums::Checksums;
use pkgr::diagnostic::{Failure, Kind};
use pkgr::fetch::archive::{Rules, inspect};
use pkgr::fetch::{Compression, Fetched, Fetcher, Options};
use pkgr::listener::Recorder;
use pkgr::lock::Lock;
use pkgr::plan::{Location, PoolFile};

struct Place {
    folder: tempfile::TempDir,
    recorder: Recorder,
    options: Options,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { cache: Some(folder.path().join("cache")), ..Options::default() };
        Place { folder, recorder: Recorder::default(), options }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn fetch(&self, location: Location, lock: &Lock) -> Result<Fetched, Failure> {
        Fetcher::new(self.options.clone(), &self.recorder)?.fetch(&source(location), self.folder.path(), lock)
    }

    fn fetch_path(&self, path: &str) -> Result<Fetched, Failure> {
        self.fetch(Location::Path(path.to_string()), &Lock::default())
    }

    fn told(&self, code: &str) -> bool {
        self.recorder.told().iter().any(|d| d.code == code)
    }

    fn git(&self, below: &str, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=A B", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"])
            .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(self.folder.path().join(below))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_COMMITTER_DATE", "2026-11-24T08:00:00Z")
            .env("GIT_AUTHOR_DATE", "2026-11-24T08:00:00Z")
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    /// A repository `hello` with an annotated tag v1.0; returns its commit.
    fn repository(&self) -> String {
        std::fs::create_dir(self.folder.path().join("hello")).unwrap();
        self.git("hello", &["init", "-q"]);
        self.write("hello/hello.c", b"int main() {}\n");
        self.write("hello/id", b"$Format:%h$\n");
        self.write("hello/secret", b"not for export\n");
        self.write("hello/.gitattributes", b"id export-subst\nsecret export-ignore\n");
        self.write("hello/run", b"#!/bin/sh\n");
        self.git("hello", &["add", "."]);
        self.git("hello", &["update-index", "--chmod=+x", "run"]);
        self.git("hello", &["commit", "-q", "-m", "one"]);
        self.git("hello", &["tag", "-a", "-m", "release", "v1.0"]);
        self.git("hello", &["rev-parse", "HEAD"])
    }
}

fn code(result: Result<Fetched, Failure>) -> (&'static str, Kind) {
    let failure = result.map(|fetched| fetched.path).expect_err("this should have failed");
    (failure.diagnostics[0].code, failure.kind)
}

fn lock_of(fetched: &Fetched) -> Lock {
    let mut lock = Lock::default();
    fetched.pins.iter().for_each(|pin| lock.set_pin(pin.clone()));
    lock
}

fn tag() -> Location {
    Location::GitTag("hello".into(), "v1.0".into())
}

#[test]
fn a_file_beside_the_recipe_is_used_where_it_is() {
    let mut place = Place::new();
    place.write("hello.tar.gz", &hello());
    let fetched = place.fetch_path("hello.tar.gz").unwrap();
    assert_eq!(fetched.path, place.folder.path().join("hello.tar.gz"));
    assert_eq!(fetched.checksums, Checksums::of(&hello()));
    assert_eq!(fetched.pins[0].from, "hello.tar.gz");
    assert!(!place.folder.path().join("cache/sha256").exists(), "nothing is copied");

    place.options.offline = true;
    place.options.locked = true;
    let lock = lock_of(&fetched);
    assert!(place.fetch(Location::Path("hello.tar.gz".into()), &lock).is_ok());
    place.write("hello.tar.gz", &gzip(&Tar::default().file("other/a", b"x").end()));
    assert_eq!(code(place.fetch(Location::Path("hello.tar.gz".into()), &lock)), ("source-digest", Kind::Recipe));
}

#[test]
fn a_file_url_is_a_path() {
    let place = Place::new();
    place.write("he llo.tar.gz", &hello());
    let url = format!("file://{}/he%20llo.tar.gz", place.folder.path().display());
    let fetched = place.fetch(Location::Url(url.clone()), &Lock::default()).unwrap();
    assert_eq!(fetched.path, place.folder.path().join("he llo.tar.gz"));
    assert_eq!(fetched.pins[0].from, url);
    for bad in ["file://elsewhere/x.tar.gz", "ftp://example.org/x.tar.gz", "nonsense"] {
        assert_eq!(code(place.fetch(Location::Url(bad.into()), &Lock::default())), ("source-bad-url", Kind::Recipe));
    }
}

#[test]
fn what_is_not_there_or_no_file_says_so() {
    let place = Place::new();
    std::fs::create_dir(place.folder.path().join("folder")).unwrap();
    assert_eq!(code(place.fetch_path("missing.tar.gz")), ("source-missing", Kind::Recipe));
    assert_eq!(code(place.fetch_path("folder")), ("source-not-a-file", Kind::Recipe));
}

#[test]
fn a_cache_that_cannot_be_written_does_not_hinder_local_files() {
    let mut place = Place::new();
    place.write("hello.tar.gz", &hello());
    place.options.cache = Some("/proc/pkgr".into());
    assert!(place.fetch_path("hello.tar.gz").is_ok());
}

#[test]
fn the_three_compressions_are_used_byte_for_byte_whatever_the_name_says() {
    let place = Place::new();
    let tar = Tar::default().file("p/a", b"x").end();
    for (pack, compression) in
        [(gzip as fn(&[u8]) -> _, Compression::Gzip), (bzip2, Compression::Bzip2), (xz, Compression::Xz)]
    {
        let bytes: Vec<u8> = pack(&tar);
        place.write("file", &bytes);
        let fetched = place.fetch_path("file").unwrap();
        assert_eq!((fetched.compression, fetched.checksums), (compression, Checksums::of(&bytes)));
    }
}

#[test]
fn others_are_repacked_once_and_the_note_says_so() {
    let tar = Tar::default().file("p/noise", &noise(300_000)).end();
    let mut lzma = liblzma::write::XzEncoder::new_stream(
        Vec::new(),
        liblzma::stream::Stream::new_lzma_encoder(&liblzma::stream::LzmaOptions::new_preset(6).unwrap()).unwrap(),
    );
    lzma.write_all(&tar).unwrap();
    let place = Place::new();
    place.write("a.tar", &tar);
    place.write("a.tar.lzma", &lzma.finish().unwrap());
    let plain = place.fetch_path("a.tar").unwrap();
    assert_eq!((plain.compression, plain.pins[0].size), (Compression::Xz, tar.len() as u64));
    assert_eq!(plain.pins[0].sha256, Checksums::of(&tar).sha256, "the pin is of the bytes that upstream publishes");
    assert!(inspect(&plain.path, plain.compression, &|_| false).unwrap().listing.contains("noise"));
    assert!(place.told("repacked"));
    let told = place.recorder.told().iter().filter(|d| d.code == "repacked").count();
    assert_eq!(place.fetch_path("a.tar").unwrap().checksums, plain.checksums);
    assert_eq!(place.recorder.told().iter().filter(|d| d.code == "repacked").count(), told, "only once");
    assert_eq!(place.fetch_path("a.tar.lzma").unwrap().checksums, plain.checksums);
    // the same bytes as the program makes, in its mode of several threads
    let tar = place.folder.path().join("a.tar");
    let output = Command::new("xz").args(["-6", "-T2", "-c"]).arg(tar).output().expect("xz is installed");
    assert_eq!(Checksums::of(&output.stdout), plain.checksums);
}

#[test]
fn useless_compressions_are_named() {
    let place = Place::new();
    for (bytes, word) in [
        (&b"PK\x03\x04rest of a zip"[..], "zip"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (b"LZIP\x01rest", "lzip"),
        (b"7z\xbc\xaf\x27\x1crest", "7z"),
    ] {
        place.write("x", bytes);
        let failure = place.fetch_path("x").unwrap_err();
        assert_eq!((failure.diagnostics[0].code, failure.kind), ("source-compression", Kind::Recipe));
        assert!(failure.diagnostics[0].message.contains(word));
        assert!(failure.diagnostics[0].hints[0].contains(".tar.xz"));
    }
    for bytes in [&b""[..], b"hello"] {
        place.write("x", bytes);
        assert_eq!(code(place.fetch_path("x")), ("not-a-tarball", Kind::Recipe));
    }
}

#[test]
fn listings_and_answers_are_remembered() {
    let place = Place::new();
    place.write("hello.tar.gz", &hello());
    let fetcher = Fetcher::new(place.options.clone(), &place.recorder).unwrap();
    let wanted = source(Location::Path("hello.tar.gz".into()));
    let fetched = fetcher.fetch(&wanted, place.folder.path(), &Lock::default()).unwrap();
    assert_eq!(fetcher.remembered_listing(&fetched), None);
    let listing = inspect(&fetched.path, fetched.compression, &|_| false).unwrap().listing;
    fetcher.remember_listing(&fetched, &listing);
    let key = "ab".repeat(32);
    assert_eq!(fetcher.memo_get(&key), None);
    fetcher.memo_put(&key, b"yes");
    let later = Fetcher::new(place.options.clone(), &place.recorder).unwrap();
    assert_eq!(later.remembered_listing(&fetched), Some(listing));
    assert_eq!(later.memo_get(&key).as_deref(), Some(&b"yes"[..]));
}

#[test]
fn a_file_of_a_pool_is_pinned_by_its_own_digest() {
    let mut place = Place::new();
    place.write("orig.tar.gz", &hello());
    let checksums = Checksums::of(&hello());
    let file = PoolFile {
        series: "jammy".into(),
        path: "pool/main/h/hello/hello_2.12.orig.tar.gz".into(),
        sha256: checksums.sha256.clone(),
        size: checksums.size,
    };
    (place.options.locked, place.options.offline) = (true, true);
    let absent = place.fetch(Location::Pool(file.clone()), &Lock::default());
    assert_eq!(code(absent), ("source-not-cached", Kind::Environment));
    let fetcher = Fetcher::new(place.options.clone(), &place.recorder).unwrap();
    fetcher.cache().insert_path(&place.folder.path().join("orig.tar.gz"), &checksums).unwrap();
    let fetched = place.fetch(Location::Pool(file), &Lock::default()).unwrap();
    assert_eq!(fetched.checksums, checksums);
    assert!(fetched.pins.is_empty(), "the lock has it under [[follow]]");
}

#[test]
fn a_hostile_source_is_refused_with_its_name_and_place() {
    let place = Place::new();
    place.write("evil.tar.gz", &gzip(&Tar::default().symlink("p/l", "/etc/passwd").file("p/a", b"x").end()));
    let fetcher = Fetcher::new(place.options.clone(), &place.recorder).unwrap();
    let wanted = source(Location::Path("evil.tar.gz".into()));
    let fetched = fetcher.fetch(&wanted, place.folder.path(), &Lock::default()).unwrap();
    let strict = Rules::default();
    let failure = fetcher.inspect(&wanted, &fetched, &|_| false, &strict).unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind), ("archive-link-outside", Kind::Recipe));
    assert!(failure.diagnostics[0].message.starts_with("evil.tar.gz: symbolic link l"));
    assert_eq!(failure.diagnostics[0].place, Some(fetch_support::place()));
    let lax = Rules { allow_outward_links: true, ..strict };
    assert!(fetcher.inspect(&wanted, &fetched, &|_| false, &lax).is_ok());
    assert_eq!(fetcher.remembered_listing(&fetched), None, "what only lax rules accept is judged anew");
}

#[test]
fn a_tag_becomes_the_same_archive_everywhere() {
    let (first, second) = (Place::new(), Place::new());
    let commit = first.repository();
    assert_eq!(second.repository(), commit);
    // what a user may have configured
    second.git("hello", &["config", "tar.umask", "0077"]);
    second.git("hello", &["config", "core.autocrlf", "true"]);
    second.git("hello", &["config", "core.abbrev", "40"]);
    let fetched = first.fetch(tag(), &Lock::default()).unwrap();
    let other = second.fetch(tag(), &Lock::default()).unwrap();
    assert_eq!(fetched.checksums, other.checksums);
    assert_eq!(fetched.compression, Compression::Xz);
    assert_eq!(fetched.pins[0].commit.as_deref(), Some(commit.as_str()));
    assert_eq!(fetched.pins[0].from, "git+hello#v1.0");
    let inspection = inspect(&fetched.path, fetched.compression, &|path| path == b"id").unwrap();
    let paths: Vec<_> = inspection.listing.iter().map(|e| String::from_utf8_lossy(e.path).into_owned()).collect();
    assert_eq!(paths, [".gitattributes", "hello.c", "id", "run"]);
    assert_eq!(inspection.files[&b"id"[..]], format!("{}\n", &commit[..12]).into_bytes());
    let by_commit = first.fetch(Location::GitCommit("hello".into(), commit.clone()), &Lock::default()).unwrap();
    let names = |f: &Fetched| Command::new("tar").arg("-tJf").arg(&f.path).output().unwrap().stdout;
    assert!(names(&fetched).starts_with(b"hello-1.0/"));
    assert!(names(&by_commit).starts_with(format!("hello-{}/", &commit[..12]).as_bytes()));
    assert_eq!(by_commit.pins[0].commit, Some(commit));
}

#[test]
fn a_locked_tag_needs_no_repository_any_more() {
    let mut place = Place::new();
    place.repository();
    let fetched = place.fetch(tag(), &Lock::default()).unwrap();
    std::fs::remove_dir_all(place.folder.path().join("hello")).unwrap();
    place.options.offline = true;
    place.options.locked = true;
    let again = place.fetch(tag(), &lock_of(&fetched)).unwrap();
    assert_eq!((again.checksums, again.pins), (fetched.checksums, fetched.pins));
}

#[test]
fn a_clone_that_a_killed_git_left_locked_is_made_anew() {
    let place = Place::new();
    let commit = place.repository();
    place.fetch(tag(), &Lock::default()).unwrap();
    let clone = std::fs::read_dir(place.folder.path().join("cache/git")).unwrap().next().unwrap().unwrap().path();
    for lock in ["shallow.lock", "refs/tags/v2.0.lock"] {
        std::fs::write(clone.join(lock), b"").unwrap();
        place.git("hello", &["tag", "-f", "v2.0"]);
        let fetched = place.fetch(Location::GitTag("hello".into(), "v2.0".into()), &Lock::default()).unwrap();
        assert_eq!(fetched.pins[0].commit.as_ref(), Some(&commit));
    }
}

#[test]
fn an_archive_lost_from_the_cache_is_made_again_from_the_clone() {
    let place = Place::new();
    place.repository();
    let fetched = place.fetch(tag(), &Lock::default()).unwrap();
    std::fs::remove_dir_all(place.folder.path().join("hello")).unwrap();
    std::fs::remove_dir_all(place.folder.path().join("cache/sha256")).unwrap();
    let mut later = Place { options: place.options.clone(), ..Place::new() };
    later.options.offline = true;
    // the path of the repository is part of what names the clone
    let location = Location::GitTag(place.folder.path().join("hello").display().to_string(), "v1.0".into());
    let mut lock = lock_of(&fetched);
    lock.sources[0].from = location.key();
    assert_eq!(later.fetch(location, &lock).unwrap().checksums, fetched.checksums);
}

#[test]
fn a_tag_that_moved_is_refused() {
    let place = Place::new();
    let commit = place.repository();
    let fetched = place.fetch(tag(), &Lock::default()).unwrap();
    place.write("hello/hello.c", b"int main() { return 1; }\n");
    place.git("hello", &["commit", "-q", "-a", "-m", "two"]);
    place.git("hello", &["tag", "-f", "-a", "-m", "again", "v1.0"]);
    let fresh = Place::new();
    let location = Location::GitTag(place.folder.path().join("hello").display().to_string(), "v1.0".into());
    let mut lock = lock_of(&fetched);
    lock.sources[0].from = location.key();
    let failure = fresh.fetch(location, &lock).unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind), ("source-tag-moved", Kind::Recipe));
    assert!(failure.diagnostics[0].notes[0].contains(&commit));
}

#[test]
fn a_commit_that_no_name_points_to_is_found_if_the_server_has_it() {
    let place = Place::new();
    let first = place.repository();
    place.write("hello/hello.c", b"changed\n");
    place.git("hello", &["commit", "-q", "-a", "-m", "two"]);
    place.git("hello", &["tag", "-d", "v1.0"]);
    let fetched = place.fetch(Location::GitCommit("hello".into(), first), &Lock::default()).unwrap();
    let inspection = inspect(&fetched.path, fetched.compression, &|path| path == b"hello.c").unwrap();
    assert_eq!(inspection.files[&b"hello.c"[..]], b"int main() {}\n");
    let nowhere = Location::GitCommit("hello".into(), "1".repeat(40));
    assert_eq!(code(place.fetch(nowhere, &Lock::default())), ("source-git", Kind::Environment));
}

#[test]
fn missing_tags_and_dangerous_words_are_refused() {
    let place = Place::new();
    place.repository();
    let fetch = |url: &str, tag: &str| place.fetch(Location::GitTag(url.into(), tag.into()), &Lock::default());
    assert_eq!(code(fetch("hello", "v9")), ("source-git", Kind::Environment));
    assert_eq!(code(fetch("nowhere", "v1.0")), ("source-git", Kind::Environment));
    assert_eq!(code(fetch("ext::sh -c touch% evil", "v1.0")), ("source-bad-url", Kind::Recipe));
    assert_eq!(code(fetch("--upload-pack=touch evil", "v1.0")), ("source-bad-url", Kind::Recipe));
    assert_eq!(code(fetch("hello", "--help")), ("source-bad-url", Kind::Recipe));
    assert!(!Path::new("evil").exists() && !place.folder.path().join("evil").exists());
}

#[test]
fn submodules_are_told() {
    let place = Place::new();
    place.repository();
    place.write("hello/.gitmodules", b"[submodule \"x\"]\n\tpath = x\n\turl = https://example.org/x\n");
    place.git("hello", &["add", "."]);
    place.git("hello", &["commit", "-q", "-m", "two"]);
    place.git("hello", &["tag", "v2.0"]);
    place.fetch(Location::GitTag("hello".into(), "v2.0".into()), &Lock::default()).unwrap();
    assert!(place.told("git-submodules"));
}

#[test]
fn git_of_a_user_with_hooks_and_odd_settings_makes_the_same_bytes() {
    let place = Place::new();
    place.repository();
    let expected = place.fetch(tag(), &Lock::default()).unwrap().checksums;
    let home = place.folder.path().join("home");
    std::fs::create_dir_all(home.join("hooks")).unwrap();
    let hook = home.join("hooks/reference-transaction");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}/ran\n", home.display())).unwrap();
    Command::new("chmod").arg("+x").arg(&hook).status().unwrap();
    let settings = format!(
        "[core]\n\thooksPath = {0}/hooks\n\tautocrlf = true\n\tabbrev = 40\n\tattributesFile = {0}/attributes\n[tar]\n\tumask = 0077\n",
        home.display()
    );
    std::fs::write(home.join(".gitconfig"), settings).unwrap();
    std::fs::write(home.join("attributes"), "*.c export-ignore\n").unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored"])
        .env("HOME", &home)
        .env("GIT_DIR", "/nonexistent")
        .env("TEST_FOLDER", place.folder.path())
        .env("TEST_EXPECTED", &expected.sha256)
        .status()
        .unwrap();
    assert!(status.success());
    assert!(!home.join("ran").exists(), "a hook ran");
}

/// Not a test of its own: the other end of the one above.
#[test]
#[ignore]
fn child() {
    let folder = std::path::PathBuf::from(std::env::var("TEST_FOLDER").unwrap());
    let recorder = Recorder::default();
    let options = Options { cache: Some(folder.join("cache-of-child")), ..Options::default() };
    let fetcher = Fetcher::new(options, &recorder).unwrap();
    let fetched = fetcher.fetch(&source(tag()), &folder, &Lock::default()).unwrap();
    assert_eq!(fetched.checksums.sha256, std::env::var("TEST_EXPECTED").unwrap());
}
