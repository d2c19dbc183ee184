//! Versions, pockets, indexes and pool files of an archive that can be trusted,
//! and of one that can be trusted no further than its signature.

mod archive_support;
mod fetch_support;

use archive_support::{NOW, Suite, TODAY, World, scope, tree};
use pkgr::deb::checksums::Checksums;
use pkgr::deb::version::Version;
use pkgr::fetch::apt::{AptSource, Pocket, Settings};
use pkgr::lock::Lock;
use pkgr::series::catalog;

/// Noble in three pockets: 1.24.0-2, -2ubuntu7.1 in updates, -2ubuntu7.2 in security.
fn noble() -> World {
    let world = World::new();
    for (name, version) in
        [("noble", "1.24.0-2"), ("noble-updates", "1.24.0-2ubuntu7.1"), ("noble-security", "1.24.0-2ubuntu7.2")]
    {
        let source = world.source("ubuntu", "nginx", version, version);
        let other = world.source("ubuntu", "nginx-mod", "9-9", name);
        world.publish(&Suite::ubuntu(name, &[other, source]));
    }
    world
}

fn newest(world: &World) -> String {
    let entry = world.newest("nginx", "noble").unwrap();
    format!("{} in {}", entry.version, entry.suite)
}

#[test]
fn the_highest_version_of_all_pockets_wins() {
    let world = noble();
    assert_eq!(newest(&world), "1.24.0-2ubuntu7.2 in noble-security");
    let all = world.with(|archives| archives.sources("nginx", &scope("noble"))).unwrap();
    let versions: Vec<String> = all.iter().map(|entry| entry.version.to_string()).collect();
    assert_eq!(versions, ["1.24.0-2ubuntu7.2", "1.24.0-2ubuntu7.1", "1.24.0-2"]);
    let only = scope("noble").with_pockets(&[Pocket::Release]);
    let entry = world.with(|archives| archives.newest_source("nginx", &only)).unwrap();
    assert_eq!(entry.version.to_string(), "1.24.0-2");
    let failure = world.newest("apache2", "noble").unwrap_err();
    assert_eq!(failure.diagnostics[0].code, "apt-not-found");
    assert_eq!(failure.to_string(), "source package apache2 is not in noble, noble-security, noble-updates");
}

#[test]
fn debians_security_suite_is_on_its_own_host() {
    let world = World::new();
    for (root, name, version) in [
        ("debian", "bookworm", "1.22.1-9"),
        ("debian", "bookworm-updates", "1.22.1-9+deb12u1"),
        ("debian-security", "bookworm-security", "1.22.1-9+deb12u3"),
    ] {
        let source = world.source(root, "nginx", version, version);
        world.publish(&Suite::debian(root, name, &[source]));
    }
    let entry = world.newest("nginx", "bookworm").unwrap();
    assert_eq!(entry.version.to_string(), "1.22.1-9+deb12u3");
    assert!(entry.site.ends_with("/debian-security"));
}

#[test]
fn a_warm_cache_needs_the_inrelease_files_only() {
    let world = noble();
    newest(&world);
    let cold = world.requested();
    assert!(
        cold.iter().any(|path| path.contains("/by-hash/SHA256/")) && cold.iter().any(|path| path.ends_with(".dsc"))
    );
    newest(&world);
    let mut warm = world.requested();
    warm.sort_by_key(|path| path.len());
    let expected = ["noble", "noble-updates", "noble-security"].map(|name| format!("/ubuntu/dists/{name}/InRelease"));
    assert_eq!(warm, expected);
    *world.tags.lock().unwrap() = false;
    newest(&world);
    assert_eq!(world.requested().len(), 3, "a server without ETag sends them again, and nothing else");
}

#[test]
fn offline_answers_come_from_the_cache() {
    let mut world = noble();
    world.options.offline = true;
    assert_eq!(world.refused("noble").0, "source-offline");
    world.options.offline = false;
    newest(&world);
    world.requested();
    world.options.offline = true;
    assert_eq!(newest(&world), "1.24.0-2ubuntu7.2 in noble-security");
    assert!(world.requested().is_empty());
}

#[test]
fn a_busy_server_is_asked_again() {
    let world = noble();
    *world.busy.lock().unwrap() = 1;
    assert_eq!(newest(&world), "1.24.0-2ubuntu7.2 in noble-security");
    *world.busy.lock().unwrap() = 100;
    let (code, message) = world.refused("noble");
    assert_eq!(code, "source-unreachable");
    assert!(message.ends_with("the server says 503 Service Unavailable"), "{message}");
}

#[test]
fn an_index_that_is_not_there_by_hash_is_taken_by_name() {
    let world = noble();
    world.paths("/by-hash/").iter().for_each(|path| drop(world.take(path)));
    assert_eq!(newest(&world), "1.24.0-2ubuntu7.2 in noble-security");
}

#[test]
fn every_form_of_an_index_is_read() {
    for forms in [&[".xz"], &[".gz"], &[""]] as [&'static [&'static str]; 3] {
        let world = World::new();
        let source = world.source("ubuntu", "nginx", "1.24.0-2", "a");
        for name in ["noble", "noble-security", "noble-updates"] {
            world.publish(&Suite::ubuntu(name, std::slice::from_ref(&source)).forms(forms));
        }
        assert_eq!(newest(&world), "1.24.0-2 in noble", "{forms:?}");
    }
}

#[test]
fn an_index_that_changes_between_is_asked_for_again() {
    let world = noble();
    // the Release file is of yesterday, the indexes of today, and by-hash is not offered
    let name = "/ubuntu/dists/noble/InRelease";
    let plain = |suite: Suite| suite.with("Acquire-By-Hash: yes\n", "");
    let sources = [world.source("ubuntu", "nginx", "1.24.0-9", "new")];
    world.publish(&plain(Suite::ubuntu("noble", &[])));
    let old = world.get(name);
    world.publish(&plain(Suite::ubuntu("noble", &sources)));
    let new = world.get(name);
    world.put(name, old);
    let refused = world.refused("noble");
    assert_eq!(refused.0, "apt-wrong-hash", "{}", refused.1);
    world.put(name, new);
    assert_eq!(newest(&world), "1.24.0-9 in noble");
}

#[test]
fn a_pool_that_lacks_a_file_falls_back_and_says_so() {
    let mut world = noble();
    world.take("/ubuntu/pool/main/n/nginx/nginx_1.24.0-2ubuntu7.2.dsc");
    assert_eq!(newest(&world), "1.24.0-2ubuntu7.1 in noble-updates");
    let told = world.recorder.told();
    assert_eq!(told.len(), 1);
    let message = "the pool lacks files of nginx's newest version: using 1.24.0-2ubuntu7.1 of noble-updates";
    assert_eq!((told[0].code, told[0].message.as_str()), ("apt-pool-incomplete", message));
    assert!(told[0].notes[0].starts_with("version 1.24.0-2ubuntu7.2: cannot fetch http"), "{:?}", told[0].notes);
    let asked = world.requested().iter().filter(|path| path.ends_with("7.2.dsc")).count();
    assert_eq!(asked, 2, "it is tried again first");
    newest(&world);
    assert_eq!(world.requested().iter().filter(|path| path.ends_with("7.2.dsc")).count(), 1, "and later once");
    world.options.offline = true;
    assert_eq!(newest(&world), "1.24.0-2ubuntu7.1 in noble-updates");
    let told = world.recorder.told();
    assert!(told.last().is_some_and(|told| told.message.starts_with("the cache lacks files of nginx's newest")));
    world.options.offline = false;
    world.options.cache = Some(world.path("empty"));
    world.paths("debian.tar.xz").iter().for_each(|path| drop(world.take(path)));
    assert_eq!(world.refused("noble").0, "apt-pool-incomplete");
    world.put("/ubuntu/pool/main/n/nginx/nginx_1.24.0-2.dsc", "x");
    world.options.cache = Some(world.path("empty too"));
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-wrong-hash", "a wrong file is an attack or damage, not a want: {message}");
}

#[test]
fn a_dsc_that_contradicts_its_index_is_refused() {
    let world = World::new();
    let dsc = "Source: nginx\nVersion: 1.24.0-3\nChecksums-Sha256:\n";
    let sums = Checksums::of(dsc.as_bytes());
    world.put("/ubuntu/pool/n/nginx_1.24.0-2.dsc", dsc);
    let stanza = format!(
        "Package: nginx\nVersion: 1.24.0-2\nDirectory: pool/n\nChecksums-Sha256:\n {} {} nginx_1.24.0-2.dsc\n",
        sums.sha256, sums.size
    );
    for name in ["noble", "noble-security", "noble-updates"] {
        world.publish(&Suite::ubuntu(name, std::slice::from_ref(&stanza)));
    }
    assert_eq!(world.refused("noble").0, "apt-bad-dsc");
}

#[test]
fn hostile_indexes_are_refused() {
    for (from, to) in [
        ("Directory: pool/main", "Directory: ../../etc"),
        (" nginx_1.24.0-2.dsc", " ../../nginx_1.24.0-2.dsc"),
        ("Version: 1.24.0-2\n", "Version: 1.24.0-2\nVersion: 2\n"),
        (" nginx_1.24.0.orig", " x 99999999999999999999 nginx_1.24.0.orig"),
    ] {
        let world = World::new();
        let source = world.source("ubuntu", "nginx", "1.24.0-2", "a");
        assert!(source.contains(from), "{from}");
        let source = source.replacen(from, to, 1);
        for name in ["noble", "noble-security", "noble-updates"] {
            world.publish(&Suite::ubuntu(name, std::slice::from_ref(&source)));
        }
        world.requested();
        assert_eq!(world.refused("noble").0, "apt-bad-entry", "{to}");
        assert!(world.requested().iter().all(|path| path.starts_with("/ubuntu/dists/")), "{to}");
    }
    let world = World::new();
    let mut suite = Suite::ubuntu("noble", &[]);
    suite.indexes[0].1 = b"Package: nginx\nVersion: 1\xff\n".to_vec();
    world.publish(&suite);
    for name in ["noble-security", "noble-updates"] {
        world.publish(&Suite::ubuntu(name, &[]));
    }
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-bad-entry");
    assert!(message.ends_with("it is not UTF-8"), "{message}");
}

#[test]
fn an_index_that_unpacks_to_more_than_it_says_is_refused() {
    let world = World::new();
    for name in ["noble", "noble-security", "noble-updates"] {
        let suite = Suite::ubuntu(name, &["X: ".to_string() + &"y".repeat(100_000) + "\n"]);
        let text = world.place_indexes(&suite);
        let lie = text.replace("   100004 main/source/Sources\n", "     5000 main/source/Sources\n");
        assert_ne!(lie, text);
        let signed = world.clearsign("archive", "20261124T100000", lie.as_bytes());
        world.put(&format!("/ubuntu/dists/{name}/InRelease"), signed);
    }
    let (code, message) = world.refused("noble");
    assert_eq!(code, "apt-bad-index");
    assert!(message.ends_with("it unpacks to more than 5000 bytes"), "{message}");
}

/// Noble with the flavors of nginx for two architectures.
fn flavors() -> World {
    let world = World::new();
    for (root, architecture) in [("ubuntu", "amd64"), ("ports", "arm64")] {
        for (name, version) in [("noble", "1.24.0-2"), ("noble-security", "1.24.0-3"), ("noble-updates", "1.24.0-1")] {
            let core = world.deb(root, "nginx-core", version, architecture, "Provides: httpd, nginx-abi-1 (= 2)\n");
            let full = world.deb(root, "nginx-full", version, "all", "Depends: nginx-core\n");
            let path = format!("universe/binary-{architecture}/Packages");
            let mut suite = Suite::ubuntu(name, &[]).index(&path, &[core, full]);
            suite.root = root;
            world.publish(&suite);
        }
    }
    world
}

#[test]
fn binary_packages_of_any_architecture() {
    let world = flavors();
    let (entry, path) = world.with(|a| a.binary("nginx-core", "arm64", None, &scope("noble"))).unwrap();
    assert_eq!((entry.version.to_string().as_str(), entry.source.as_str()), ("1.24.0-3", "nginx"));
    assert!(entry.site.ends_with("/ports"));
    assert_eq!(std::fs::read(path).unwrap(), b"deb nginx-core 1.24.0-3 arm64");
    let version = Version::parse("1.24.0-2").unwrap();
    let (entry, _) = world.with(|a| a.binary("nginx-full", "amd64", Some(&version), &scope("noble"))).unwrap();
    assert_eq!((entry.depends.as_str(), entry.architecture.as_str()), ("nginx-core", "all"));
    let both = world.with(|a| a.binaries(&["nginx-full", "nginx-core"], "amd64", &scope("noble"))).unwrap();
    let names: Vec<String> = both.iter().map(|entry| format!("{} {}", entry.package, entry.version)).collect();
    assert_eq!(
        names[..4],
        ["nginx-full 1.24.0-3", "nginx-full 1.24.0-2", "nginx-full 1.24.0-1", "nginx-core 1.24.0-3"]
    );
    let providers = world.with(|a| a.providers("nginx-abi-1", "amd64", &scope("noble"))).unwrap();
    assert_eq!(providers.len(), 3);
    assert!(world.with(|a| a.providers("nginx-core-x", "amd64", &scope("noble"))).unwrap().is_empty());
    let missing = world.with(|a| a.binary("nginx-light", "amd64", None, &scope("noble"))).unwrap_err();
    assert!(missing.to_string().starts_with("package nginx-light (amd64) is not in noble"), "{missing}");
}

#[test]
fn a_deb_with_another_hash_is_refused_and_a_missing_one_passed_over() {
    let world = flavors();
    let path = "/ubuntu/pool/main/n/nginx/nginx-core_1.24.0-3_amd64.deb";
    let ask = || world.with(|a| a.binary("nginx-core", "amd64", None, &scope("noble")));
    let good = world.get(path);
    world.put(path, b"deb nginx-core 1.24.0-3 amd65".to_vec());
    let failure = ask().unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind.exit_code()), ("apt-wrong-hash", 3));
    assert!(failure.diagnostics[0].notes[0].contains(&Checksums::of(&good).sha256));
    world.take(path);
    assert_eq!(ask().unwrap().0.version.to_string(), "1.24.0-2");
    assert_eq!(world.recorder.told()[0].code, "apt-pool-incomplete");
    world.put(path, good);
    assert_eq!(ask().unwrap().0.version.to_string(), "1.24.0-3");
}

#[test]
fn origs_are_pinned_and_come_back_by_their_pins() {
    let mut world = noble();
    let nginx = AptSource { package: "nginx".to_string(), series: catalog().find("noble").unwrap().clone() };
    let origs = world.with(|a| a.origs(&nginx, &Lock::default())).unwrap();
    assert_eq!(origs.len(), 1);
    assert_eq!((origs[0].name.as_str(), origs[0].component.as_deref()), ("nginx_1.24.0.orig.tar.gz", None));
    let pin = &origs[0].fetched.pins[0];
    assert_eq!(pin.from, "apt:ubuntu/noble/nginx/nginx_1.24.0.orig.tar.gz");
    let mut lock = Lock::default();
    lock.set_pin(pin.clone());
    // a newer upstream comes: the pin holds, without the network and then from an empty cache
    let newer = world.source("ubuntu", "nginx", "1.26.0-1", "n");
    let older = world.source("ubuntu", "nginx", "1.24.0-2", "1.24.0-2");
    world.publish(&Suite::ubuntu("noble-security", &[newer.clone(), older]));
    world.requested();
    (world.options.offline, world.options.locked) = (true, true);
    assert_eq!(world.with(|a| a.origs(&nginx, &lock)).unwrap()[0].fetched.pins, std::slice::from_ref(pin));
    let unpinned = world.with(|a| a.origs(&nginx, &Lock::default())).unwrap_err();
    assert_eq!(unpinned.diagnostics[0].code, "source-not-locked");
    assert!(world.requested().is_empty());
    world.options.offline = false;
    world.options.cache = Some(world.path("empty"));
    assert_eq!(world.with(|a| a.origs(&nginx, &lock)).unwrap()[0].name, "nginx_1.24.0.orig.tar.gz");
    // and where the archive has it no more, that is said
    for name in ["noble", "noble-security", "noble-updates"] {
        world.publish(&Suite::ubuntu(name, std::slice::from_ref(&newer)).with(TODAY, "Tue, 24 Nov 2026 11:00:00 UTC"));
    }
    world.options.cache = Some(world.path("empty too"));
    assert_eq!(world.with(|a| a.origs(&nginx, &lock)).unwrap_err().diagnostics[0].code, "apt-pin-gone");
}

#[test]
fn dead_series_are_found_among_the_old_releases() {
    let world = World::new();
    for name in ["artful", "artful-security", "artful-updates"] {
        let source = world.source("old", "nginx", "1.12.1-0", "a");
        let mut suite = Suite::ubuntu(name, &[source]);
        suite.root = "old";
        world.publish(&suite);
    }
    let entry = world.newest("nginx", "artful").unwrap();
    assert!(entry.site.ends_with("/old"));
}

/// The archive as apt-ftparchive makes it, from a .dsc and a .deb of dpkg's tools.
#[test]
fn an_archive_made_by_apt_ftparchive() {
    let world = World::new();
    let root = world.path("ftp");
    let script = r#"
        mkdir -p "$0/pool/main/h/hello" "$0/build/hello-1.0/debian/source" "$0/bin/DEBIAN"
        cd "$0/build"
        echo 3.0 \(quilt\) > hello-1.0/debian/source/format
        printf 'hello (1.0-1) noble; urgency=low\n\n  * x\n\n -- A B <a@b.org>  Tue, 24 Nov 2026 00:00:00 +0000\n' > hello-1.0/debian/changelog
        printf 'Source: hello\nMaintainer: A B <a@b.org>\nStandards-Version: 4.6.2\n\nPackage: hello\nArchitecture: all\nDescription: x\n' > hello-1.0/debian/control
        mkdir hello-1.0.orig; echo hi > hello-1.0.orig/hi; tar czf hello_1.0.orig.tar.gz hello-1.0.orig; cp hello-1.0.orig/hi hello-1.0
        dpkg-source -b hello-1.0 >/dev/null
        cp hello_1.0* ../pool/main/h/hello
        printf 'Package: hello\nVersion: 1:1.0-1\nArchitecture: all\nMaintainer: A B <a@b.org>\nDescription: x\n' > ../bin/DEBIAN/control
        dpkg-deb --root-owner-group -b ../bin ../pool/main/h/hello/hello_1%3a1.0-1_all.deb >/dev/null
        cd "$0"
        for suite in noble noble-security noble-updates; do
            mkdir -p dists/$suite/main/source dists/$suite/main/binary-amd64
            apt-ftparchive -qq sources pool > dists/$suite/main/source/Sources
            apt-ftparchive -qq packages pool > dists/$suite/main/binary-amd64/Packages
            xz -k dists/$suite/main/source/Sources
            gzip -k dists/$suite/main/binary-amd64/Packages
            apt-ftparchive -qq -o APT::FTPArchive::Release::Suite=$suite -o APT::FTPArchive::Release::Codename=noble \
                -o APT::FTPArchive::Release::Origin=Ubuntu -o APT::FTPArchive::Release::Architectures=amd64 \
                release dists/$suite > dists/$suite.release
            mv dists/$suite.release dists/$suite/Release
        done
    "#;
    let output = std::process::Command::new("sh").args(["-euc", script]).arg(&root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (path, bytes) in tree(&root) {
        world.put(&format!("/ubuntu{path}"), bytes);
    }
    let mut world = world;
    let now = jiff::Timestamp::now();
    world.settings.now = Some(now);
    let time = now.strftime("%Y%m%dT%H%M%S").to_string();
    world.add_key("today", "20250101T000000", "0");
    std::fs::write(world.path("archive.gpg"), world.gpg(&time, &["--export", "today@example.org"], b"")).unwrap();
    for name in ["noble", "noble-security", "noble-updates"] {
        let release = world.get(&format!("/ubuntu/dists/{name}/Release"));
        world.put(&format!("/ubuntu/dists/{name}/InRelease"), world.clearsign("today", &time, &release));
    }
    let entry = world.newest("hello", "noble").unwrap();
    assert_eq!((entry.version.to_string().as_str(), entry.files.len()), ("1.0-1", 2));
    let (entry, path) = world.with(|a| a.binary("hello", "amd64", None, &scope("noble"))).unwrap();
    assert_eq!((entry.version.to_string().as_str(), entry.file.name.as_str()), ("1:1.0-1", "hello_1%3a1.0-1_all.deb"));
    assert!(std::fs::read(path).unwrap().starts_with(b"!<arch>\ndebian-binary"));
    let hello = AptSource { package: "hello".to_string(), series: catalog().find("noble").unwrap().clone() };
    let origs = world.with(|a| a.origs(&hello, &Lock::default())).unwrap();
    assert_eq!(
        std::fs::read(&origs[0].fetched.path).unwrap(),
        world.get("/ubuntu/pool/main/h/hello/hello_1.0.orig.tar.gz")
    );
    assert!(NOW < "2027");
}

/// Debian itself, through the machine's own apt configuration and with its real
/// keys: from the signature to the last file of the newest nginx.
#[test]
fn the_real_debian() {
    let mut world = World::new();
    world.settings = Settings::default();
    let entry = world.newest("nginx", "bookworm").unwrap();
    assert!(entry.version >= Version::parse("1.22.1-9").unwrap(), "{}", entry.version);
    assert_eq!(entry.origs()[0].name, "nginx_1.22.1.orig.tar.gz");
    let files = world.with(|a| a.source_files(&entry)).unwrap();
    let folder = world.path("source");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(&files.dsc, folder.join(&entry.dsc.name)).unwrap();
    for (file, path) in &files.files {
        std::fs::copy(path, folder.join(&file.name)).unwrap();
    }
    let mut extract = std::process::Command::new("dpkg-source");
    extract.current_dir(&folder).args(["--no-check", "-x", &entry.dsc.name, "tree"]);
    assert!(extract.output().unwrap().status.success());
    let changelog = std::fs::read_to_string(folder.join("tree/debian/changelog")).unwrap();
    assert!(changelog.starts_with(&format!("nginx ({})", entry.version)), "{}", changelog.lines().next().unwrap());
    let providers = world.with(|a| a.providers("dh-sequence-nginx", "amd64", &scope("bookworm"))).unwrap();
    assert_eq!(providers[0].package, "nginx-dev");
}
