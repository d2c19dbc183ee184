//! `pkgr update` and what is built from its lock, against a simulated archive of
//! Ubuntu: the ways in which nginx moves, and archives that must not be believed.

mod common;
mod update_support;

use std::fs;
use std::path::PathBuf;

use common::{changes_in, files_ending, run, snapshot};
use update_support::World;
use update_support::nginx::{JAMMY as OF_JAMMY, NOBLE as OF_NOBLE, Nginx};

/// Both with packages of i386, which the recipe wants.
const JAMMY: Nginx = Nginx { architectures: &["amd64", "i386"], ..OF_JAMMY };
const NOBLE: Nginx = Nginx { architectures: &["amd64", "i386"], ..OF_NOBLE };

const RECIPE: &str = r#"
name          = "ngx-hello"
version       = "1.0"
summary       = "says hello from nginx"
license       = "BSD-2-Clause"
maintainer    = "Du9L <du9l@example.org>"
architectures = ["amd64", "i386"]
series        = ["jammy", "noble"]

[nginx]
modules = ["ngx_http_hello_module.so"]

[[source]]
url = "hello-1.0.tar.gz"
"#;

/// A recipe beside its module's tarball, and its lock's path.
fn recipe(world: &World, text: &str) -> PathBuf {
    let folder = world.environment.work().join("ngx-hello");
    let tree = world.environment.path("hello-1.0");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&tree).unwrap();
    fs::write(tree.join("config"), "ngx_addon_name=ngx_http_hello_module\n").unwrap();
    fs::write(folder.join("recipe.toml"), text).unwrap();
    let tarball = folder.join("hello-1.0.tar.gz");
    run(world
        .environment
        .command("tar")
        .arg("-czf")
        .arg(&tarball)
        .arg("-C")
        .arg(world.environment.path(""))
        .arg("hello-1.0"))
    .ok();
    folder
}

fn lock(folder: &std::path::Path) -> String {
    fs::read_to_string(folder.join("recipe.lock")).unwrap_or_default()
}

const NEXT: Nginx = Nginx { version: "1.18.0-6ubuntu14.4", ..JAMMY };

#[test]
fn what_the_archive_has_is_in_the_lock() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, RECIPE);
    let update = world.run(&["update", "ngx-hello"]).ok();
    assert!(update.stdout.contains("jammy nginx 1.18.0-6ubuntu14.3 (jammy): new in the lock"), "{}", update.stdout);
    let lock = lock(&folder);
    let jammy = lock.split("[[follow]]").find(|part| part.contains("series = \"jammy\"")).unwrap();
    for line in [
        "mode = \"flavors\"",
        "file = \"nginx_1.18.0.orig.tar.gz\"",
        "file = \"nginx_1.18.0-6ubuntu14.3.debian.tar.xz\"",
        "over = \"core\"",
        "amd64 = \"8,4,8,0000111111010111001111111111111111\"",
        "i386 = \"4,4,4,0000111111010111001111111111111111\"",
        "\"--with-compat\"",
        "\"-DNGX_TEST=1\"",
    ] {
        assert!(jammy.contains(line), "{line}\n{jammy}");
    }
    for word in ["--with-cc-opt", "--add-dynamic-module", "=dynamic"] {
        assert!(!jammy.contains(word), "{word}\n{jammy}");
    }
    let noble = lock.split("[[follow]]").find(|part| part.contains("series = \"noble\"")).unwrap();
    for line in ["mode = \"dev\"", "abi = \"nginx-abi-1.24.0-1\"", "amd64 = \"8,4,8,"] {
        assert!(noble.contains(line), "{line}\n{noble}");
    }
    // nothing new: nothing to do, and not one byte written
    world.run(&["update", "--check", "ngx-hello"]).ok();
    world.run(&["update", "ngx-hello"]).ok();
    assert_eq!(self::lock(&folder), lock);
}

#[test]
fn a_security_update_changes_only_the_packaging() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, RECIPE);
    let refused = world.run(&["build", "--no-sign", "ngx-hello"]).exits(1);
    assert!(refused.stderr.contains("pkgr update"), "{}", refused.stderr);
    world.run(&["update", "ngx-hello"]).ok();
    world.run(&["build", "--no-sign", "-o", "first", "ngx-hello"]).ok();
    let first = snapshot(&world.environment.work().join("first"));
    let nginx_orig = "ngx-hello_1.0+nginx1.18.0.orig-nginx.tar.gz";
    let pool = world.root().join("pool/main/n/nginx/nginx_1.18.0.orig.tar.gz");
    assert_eq!(first.get(&PathBuf::from(nginx_orig)), Some(&fs::read(pool).unwrap()), "{:?}", first.keys());

    world.publish("jammy-security", &[&NEXT]);
    let before = lock(&folder);
    let check = world.run(&["update", "--check", "ngx-hello"]).exits(5);
    let line = "jammy nginx 1.18.0-6ubuntu14.3 -> 1.18.0-6ubuntu14.4 (jammy-security): only a patch level";
    assert!(check.stdout.contains(line), "{}", check.stdout);
    assert_eq!(lock(&folder), before);
    world.run(&["update", "ngx-hello"]).ok();
    let after = lock(&folder);
    assert!(after.contains("version = \"1.18.0-6ubuntu14.4\"") && after.contains("jammy-security"), "{after}");

    // the archive that it was uploaded to has published the origs
    let published: String = files_ending(&world.environment.work().join("first"), ".tar.gz")
        .iter()
        .map(|path| {
            let sums = pkgr::deb::checksums::Checksums::of(&fs::read(path).unwrap());
            let file = path.file_name().unwrap().to_string_lossy();
            format!("\n[[published]]\nfile = \"{file}\"\nsha256 = \"{}\"\narchive = \"ppa:du9l/test\"\n", sums.sha256)
        })
        .collect();
    fs::write(folder.join("recipe.lock"), after + &published).unwrap();
    world.run(&["build", "--no-sign", "--only", "jammy", "-o", "second", "ngx-hello"]).ok();
    let second = snapshot(&world.environment.work().join("second"));
    for (name, bytes) in second.iter().filter(|(name, _)| name.to_string_lossy().contains(".orig")) {
        assert_eq!(first.get(name), Some(bytes), "{name:?}");
    }
    let changes = fs::read_to_string(&changes_in(&world.environment.work().join("second"))[0]).unwrap();
    assert!(!changes.contains(".orig") && changes.contains(".debian.tar.xz"), "{changes}");
    let versions = |folder: &str| {
        let dsc = files_ending(&world.environment.work().join(folder), ".dsc");
        let dsc = dsc.iter().find(|path| path.to_string_lossy().contains("ubuntu22.04")).unwrap();
        let text = fs::read_to_string(dsc).unwrap();
        text.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap().to_string()
    };
    let (old, new) = (versions("first"), versions("second"));
    run(world.environment.command("dpkg").args(["--compare-versions", &old, "lt", &new])).ok();
    assert!(new.contains("1.18.0-6ubuntu14.4"), "{new}");

    // what was built once is built again from the cache alone
    fs::rename(world.root(), world.environment.path("unplugged")).unwrap();
    world.run(&["build", "--no-sign", "--locked", "--offline", "--only", "jammy", "-o", "third", "ngx-hello"]).ok();
    assert_eq!(snapshot(&world.environment.work().join("third")), second);
}

#[test]
fn pinned_files_come_from_the_pool_into_an_empty_cache() {
    let world = World::with(&[JAMMY, NOBLE]);
    recipe(&world, RECIPE);
    world.run(&["update", "ngx-hello"]).ok();
    world.run(&["fetch", "ngx-hello"]).ok();
    let build = ["build", "--no-sign", "--locked", "--offline", "ngx-hello"];
    fs::remove_dir_all(world.environment.path("home/.cache")).unwrap();
    world.run(&["build", "--no-sign", "-o", "first", "ngx-hello"]).ok();
    world.run(&build).ok();
    // other bytes under the pinned name are not taken
    fs::remove_dir_all(world.environment.path("home/.cache")).unwrap();
    let orig = world.root().join("pool/main/n/nginx/nginx_1.18.0.orig.tar.gz");
    let mut bytes = fs::read(&orig).unwrap();
    bytes[20] ^= 1;
    fs::write(&orig, bytes).unwrap();
    let refused = world.run(&["build", "--no-sign", "-o", "second", "ngx-hello"]).exits(3);
    assert!(refused.stderr.contains("apt-wrong-hash"), "{}", refused.stderr);
    fs::remove_file(&orig).unwrap();
    let refused = world.run(&["build", "--no-sign", "-o", "second", "ngx-hello"]).exits(3);
    assert!(refused.stderr.contains("apt-pin-gone"), "{}", refused.stderr);
    world.run(&build).exits(3);
}

#[test]
fn a_header_that_moved_under_an_equal_signature_is_a_change_of_the_abi() {
    let world = World::with(&[JAMMY, NOBLE]);
    recipe(&world, RECIPE);
    world.run(&["update", "ngx-hello"]).ok();
    let moved = "unsigned tcp_nodelay:3;";
    world.publish("jammy-security", &[&Nginx { field: moved, ..NEXT }]);
    world.publish("noble-security", &[&Nginx { version: "1.24.0-2ubuntu7.10", field: moved, ..NOBLE }]);
    let check = world.run(&["update", "--check", "ngx-hello"]).exits(5).stdout;
    for version in ["1.18.0-6ubuntu14.4 (jammy-security)", "1.24.0-2ubuntu7.10 (noble-security)"] {
        let entry = format!(
            "{version}: the ABI changed: modules built before do not load, or may crash\n    headers of the patched source differ: src/core/ngx_connection.h changed\n"
        );
        assert!(check.contains(&entry), "{check}");
    }
    let json = world.run(&["update", "--check", "--json", "ngx-hello"]).exits(5).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (change, new) in [(0, NEXT.version), (1, "1.24.0-2ubuntu7.10")] {
        assert_eq!(json["changes"][change]["kind"], "abi", "{json:#}");
        assert_eq!(json["changes"][change]["new"], new);
    }
}

#[test]
fn a_recipe_may_follow_the_abi_only() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, &RECIPE.replace("[nginx]\n", "[nginx]\nrebuild = \"abi\"\n"));
    world.run(&["update", "ngx-hello"]).ok();
    let before = lock(&folder);
    world.publish("jammy-updates", &[&NEXT]);
    let held = world.run(&["update", "--check", "ngx-hello"]).ok();
    assert!(held.stdout.contains("not followed"), "{}", held.stdout);
    world.run(&["update", "ngx-hello"]).ok();
    assert_eq!(lock(&folder), before);
    // a lock that holds what the archive has dropped can be built by nobody else
    fs::remove_dir_all(world.environment.path("home/.cache")).unwrap();
    let packaging = world.root().join("pool/main/n/nginx/nginx_1.18.0-6ubuntu14.3.debian.tar.xz");
    let kept = fs::read(&packaging).unwrap();
    fs::remove_file(&packaging).unwrap();
    let check = world.run(&["update", "--check", "ngx-hello"]).exits(5);
    assert!(check.stdout.contains("no longer has the files"), "{}", check.stdout);
    fs::write(&packaging, kept).unwrap();
    let other = Nginx { version: "1.18.0-6ubuntu14.5", bits: "0000111111010111001111111111111101", ..JAMMY };
    world.publish("jammy-security", &[&other]);
    let check = world.run(&["update", "--check", "ngx-hello"]).exits(5);
    assert!(check.stdout.contains("signature of nginx-core (amd64)"), "{}", check.stdout);
}

/// Each is refused with exit 3, and the lock stays.
#[test]
fn archives_that_must_not_be_believed() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, RECIPE);
    world.run(&["update", "ngx-hello"]).ok();
    let before = lock(&folder);
    let refused = |code: &str| {
        let update = world.run(&["update", "ngx-hello"]);
        assert_eq!(update.code, Some(3), "{code}: {}{}", update.stdout, update.stderr);
        assert!(update.stderr.contains(code), "{code}: {}", update.stderr);
        assert_eq!(lock(&folder), before, "{code}");
        world.run(&["update", "--check", "ngx-hello"]).exits(3);
    };
    world.publish("jammy-security", &[&NEXT]);
    let key = world.environment.key().fingerprint.clone();
    let good = world.release("jammy-security");

    // stale
    let stale = good.replacen("Date: ", "Valid-Until: Mon, 02 Jan 2023 00:00:00 UTC\nDate: ", 1);
    world.sign("jammy-security", &stale, &key);
    refused("apt-release-expired");
    // another pocket's
    world.sign("jammy-security", &world.release("jammy-updates"), &key);
    refused("apt-wrong-suite");
    // a foreign key
    let user = "foreign <foreign@example.org>";
    let new_key = ["--quick-generate-key", user, "ed25519", "sign", "never"];
    run(world.environment.command("gpg").args(["--batch", "--quiet", "--passphrase", ""]).args(new_key)).ok();
    world.sign("jammy-security", &good, "foreign@example.org");
    refused("apt-foreign-signature");
    // the archive's own key, whose signature was good for a second
    world.sign_with("jammy-security", &good, &key, &["--default-sig-expire", "seconds=1"]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    refused("apt-signature-expired");
    // a key of the archive's, out of date
    let old = [
        "--faked-system-time",
        "20200101T000000",
        "--quick-generate-key",
        "old <old@example.org>",
        "ed25519",
        "sign",
        "1y",
    ];
    run(world.environment.command("gpg").args(["--batch", "--quiet", "--passphrase", ""]).args(old)).ok();
    let exported = world.environment.path("old.gpg");
    let mut export = world.environment.command("gpg");
    run(export.args(["--batch", "--output"]).arg(&exported).args(["--export", "old@example.org"])).ok();
    let keyring = &world.environment.key().keyring;
    let trusted = fs::read(keyring).unwrap();
    fs::write(keyring, [trusted.as_slice(), &fs::read(&exported).unwrap()].concat()).unwrap();
    world.sign_with("jammy-security", &good, "old@example.org", &["--faked-system-time", "20200601T000000"]);
    refused("apt-key-expired");
    fs::write(keyring, trusted).unwrap();
    // changed after signing
    world.sign("jammy-security", &good, &key);
    let signed = world.root().join("dists/jammy-security/InRelease");
    let text = fs::read_to_string(&signed).unwrap();
    fs::write(&signed, text.replacen("Label: Ubuntu", "Label: Ubvntu", 1)).unwrap();
    refused("apt-tampered");
    world.sign("jammy-security", &good, &key);
    // an index, a .dsc and a .deb with other bytes than their digests say; what was
    // once verified is in the cache, so the order is that of asking
    for path in [
        "dists/jammy-security/main/source/Sources.xz",
        "pool/main/n/nginx/nginx_1.18.0-6ubuntu14.4.dsc",
        "pool/main/n/nginx/nginx-core_1.18.0-6ubuntu14.4_amd64.deb",
    ] {
        let path = world.root().join(path);
        let bytes = fs::read(&path).unwrap();
        let mut bad = bytes.clone();
        *bad.last_mut().unwrap() ^= 1;
        fs::write(&path, bad).unwrap();
        // the uncompressed index is another way to the same
        let plain = world.root().join("dists/jammy-security/main/source/Sources");
        let kept = fs::read(&plain).unwrap();
        fs::write(&plain, b"").unwrap();
        refused("apt-wrong-hash");
        fs::write(&plain, kept).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    world.run(&["update", "ngx-hello"]).ok();
    assert_ne!(lock(&folder), before);
}

#[test]
fn a_name_keeps_its_bytes_and_a_version_does_not_fall() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, RECIPE);
    world.publish("jammy-security", &[&NEXT]);
    world.run(&["update", "ngx-hello"]).ok();
    let before = lock(&folder);
    // the archive has lost the security update, or hides it
    world.publish("jammy-security", &[]);
    let update = world.run(&["update", "ngx-hello"]).ok();
    assert!(update.stderr.contains("apt-older"), "{}", update.stderr);
    assert_eq!(lock(&folder), before);
    // the same version once more, with another patch
    world.publish("jammy-security", &[&Nginx { field: "unsigned evil:1;", ..NEXT }]);
    let update = world.run(&["update", "ngx-hello"]).exits(3);
    assert!(update.stderr.contains("apt-rewritten"), "{}", update.stderr);
    assert_eq!(lock(&folder), before);
}

/// As a mirror was seen to do: its index lists a .dsc that its pool answers 404 for.
#[test]
fn a_pool_without_the_newest_source() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, RECIPE);
    world.publish("jammy-security", &[&NEXT]);
    let pool = world.root().join("pool/main/n/nginx");
    fs::remove_file(pool.join("nginx_1.18.0-6ubuntu14.4.dsc")).unwrap();
    fs::remove_file(pool.join("nginx_1.24.0-2ubuntu7.1.dsc")).unwrap();
    let update = world.run(&["update", "ngx-hello"]).ok();
    assert!(update.stderr.contains("using 1.18.0-6ubuntu14.3 of jammy"), "{}", update.stderr);
    assert!(update.stderr.contains("headers are not compared"), "{}", update.stderr);
    let locked = lock(&folder);
    assert!(locked.contains("1.18.0-6ubuntu14.3") && locked.contains("1.24.0-2ubuntu7.1"), "{locked}");
    assert_eq!(locked.matches("headers = ").count(), 1, "{locked}");
    world.run(&["build", "--no-sign", "ngx-hello"]).ok();
    // modules of separate flavors cannot be built without the source
    fs::remove_file(pool.join("nginx_1.18.0-6ubuntu14.3.dsc")).unwrap();
    fs::remove_dir_all(world.environment.path("home/.cache")).unwrap();
    let refused = world.run(&["update", "ngx-hello"]).exits(3);
    assert!(refused.stderr.contains("apt-pool-incomplete"), "{}", refused.stderr);
    assert_eq!(lock(&folder).matches("[[follow]]").count(), 2);
}

#[test]
fn a_late_architecture_is_waited_for_and_one_without_nginx_left_out() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = recipe(&world, RECIPE);
    world.run(&["update", "ngx-hello"]).ok();
    let before = lock(&folder);
    world.publish_without("jammy-security", &[&NEXT], "_i386.deb");
    let late = world.run(&["update", "ngx-hello"]).exits(3);
    assert!(late.stderr.contains("is not built for i386 yet"), "{}", late.stderr);
    assert_eq!(lock(&folder), before);
    // a wildcard takes what there is
    let folder = recipe(&world, &RECIPE.replace("[\"amd64\", \"i386\"]", "[\"any\"]"));
    let update = world.run(&["update", "ngx-hello"]).ok();
    assert!(update.stderr.contains("follow-no-architecture"), "{}", update.stderr);
    assert!(update.stdout.contains("no longer there for i386"), "{}", update.stdout);
    assert_ne!(lock(&folder), before);
}

#[test]
fn apt_sources_and_followed_packages_are_locked_too() {
    let world = World::with(&[JAMMY, NOBLE]);
    let text = RECIPE
        .replace("[nginx]\nmodules = [\"ngx_http_hello_module.so\"]\n", "[follow.web]\npackage = \"nginx\"\n")
        .replace("url = \"hello-1.0.tar.gz\"", "apt = \"nginx\"")
        .replace("ngx-hello", "web-copy")
        .replace("\"1.0\"", "\"1.18.0\"");
    let folder = recipe(&world, &text);
    world.run(&["update", "ngx-hello"]).ok();
    let locked = lock(&folder);
    assert!(locked.contains("name = \"apt:nginx\"") && locked.contains("name = \"web\""), "{locked}");
    // the two have one name for different bytes
    world.run(&["build", "--no-sign", "ngx-hello"]).exits(1);
    world.run(&["build", "--no-sign", "--only", "jammy", "ngx-hello"]).ok();
    let orig = world.environment.work().join("dist/web-copy_1.18.0.orig.tar.gz");
    assert_eq!(
        fs::read(orig).unwrap(),
        fs::read(world.root().join("pool/main/n/nginx/nginx_1.18.0.orig.tar.gz")).unwrap()
    );
    // what is no longer followed leaves the lock, but not by a look at one series
    let text = text.replace("\"jammy\", \"noble\"", "\"noble\"");
    fs::write(folder.join("recipe.toml"), text).unwrap();
    world.run(&["update", "--only", "noble", "ngx-hello"]).ok();
    assert_eq!(lock(&folder).matches("series = \"jammy\"").count(), 2);
    let update = world.run(&["update", "ngx-hello"]).ok();
    assert!(update.stdout.contains("no longer followed"), "{}", update.stdout);
    assert_eq!(lock(&folder).matches("series = \"jammy\"").count(), 0);
}

/// What the scheduled run does for many recipes, most often to find that nothing
/// has moved.
#[test]
fn several_recipes_ask_each_suite_once() {
    let world = World::with(&[JAMMY, NOBLE]);
    world.retire("jammy");
    recipe(&world, RECIPE);
    let names = ["ngx-one", "ngx-two", "ngx-three"];
    for name in names {
        let folder = world.environment.work().join(name);
        common::copy_tree(&world.environment.work().join("ngx-hello"), &folder);
        fs::write(folder.join("recipe.toml"), RECIPE.replace("ngx-hello", name)).unwrap();
    }
    world.run(&[&["update"][..], &names].concat()).ok();
    let cold = world.requests();
    let once: std::collections::BTreeSet<&String> = cold.iter().collect();
    assert_eq!(once.len(), cold.len(), "asked for twice: {cold:#?}");
    // one that is wrong keeps no other from being looked up
    fs::write(world.environment.work().join("ngx-hello/recipe.toml"), "name = 1").unwrap();
    let all = [&["update", "--check", "ngx-hello"][..], &names].concat();
    let check = world.run(&all).exits(1);
    assert_eq!(check.stderr.matches("2 followed packages are as locked").count(), 3, "{}", check.stderr);
    let suites = |folder: &str, series: &str| {
        ["", "-security", "-updates"].map(|pocket| format!("{folder}/dists/{series}{pocket}/InRelease"))
    };
    // of jammy, the archive's word that it has moved, and then its new place
    let moved = suites("ubuntu", "jammy").map(|path| path.replace("InRelease", "Release"));
    let old = suites("old-releases/ubuntu", "jammy");
    let mut expected = [suites("ubuntu", "jammy"), moved, old, suites("ubuntu", "noble")].concat();
    expected.sort();
    assert_eq!(world.requests(), expected);
}

/// Two packages cannot have one file: who installs both sees dpkg fail.
#[test]
fn a_module_that_the_distribution_has_too_is_told() {
    let world = World::with(&[JAMMY, NOBLE]);
    let text = RECIPE.replace("ngx_http_hello_module", "ngx_http_echo_module");
    recipe(&world, &text);
    let said = world.run(&["update", "ngx-hello"]).ok().stderr;
    for words in [
        "warning[module-of-distribution]: jammy has ngx_http_echo_module.so in a package of its own, libnginx-mod-http-echo\n",
        "it comes with nginx-extras,",
        "conflicts = [\"libnginx-mod-http-echo\"]",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains("noble has"), "{said}");
    // the recipe knows it
    recipe(&world, &text.replace("series  ", "replaces = [\"libnginx-mod-http-echo (<< 2)\"]\nseries  "));
    let said = world.run(&["update", "ngx-hello"]).ok().stderr;
    assert!(!said.contains("module-of-distribution"), "{said}");
}
