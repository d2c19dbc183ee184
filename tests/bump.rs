//! `pkgr bump` through the program: what becomes of recipe and lock, what is
//! refused, and that nothing is written then.

mod common;
mod watch_support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::{TestEnvironment, changes_in, run, snapshot};
use watch_support::{Service, tarball};

struct World {
    environment: TestEnvironment,
    service: Service,
    folder: PathBuf,
}

const MAKEFILE: &str = "all:\n\ttrue\n";

impl World {
    /// A recipe of hello 1.2 in `work/hello`, whose tarballs are served.
    fn new(recipe: &str) -> World {
        let environment = TestEnvironment::new();
        let service = Service::start(environment.path("served"));
        let folder = environment.work().join("hello");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("recipe.toml"), recipe.replace("@URL@", &service.url)).unwrap();
        let world = World { service, environment, folder };
        world.publish("1.2", &[("Makefile", MAKEFILE), ("greeting", "one\ntwo\nthree\n")]);
        world
    }

    fn publish(&self, version: &str, files: &[(&str, &str)]) -> PathBuf {
        tarball(&self.environment, &self.service.files.join("dl"), "hello", version, files)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(arguments);
        command.env("PKGR_GITHUB_API", &self.service.url).env("PKGR_GITHUB_URL", &self.service.url);
        command.env("SOURCE_DATE_EPOCH", "1795500000");
        command
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }

    fn sha256(&self, version: &str) -> String {
        let path = self.service.files.join(format!("dl/hello-{version}.tar.gz"));
        run(self.environment.command("sha256sum").arg(path)).ok().stdout[..64].to_string()
    }

    /// The newest changelog of a series, as the next build would have it.
    fn changelog(&self, series: &str) -> String {
        run(&mut self.command(&["-q", "render", "hello", "--only", series, "--stdout", "changelog"])).ok().stdout
    }
}

const RECIPE: &str = r#"# the greeting
name       = "hello"
version    = "1.2"   # of last year
summary    = "a greeting"
license    = "MIT"
maintainer = "Du9L <du9l@example.org>"
series     = ["jammy", "trixie"] # and no more

# upstream
[[source]]
url    = "@URL@/dl/hello-{{ upstream_version }}.tar.gz" # their own
sha256 = "@SHA256@" # checked by hand

[[patch]]
file = "patches/two.patch"

[watch] # their tags
github = "a/hello"
"#;

const PATCH: &str = "--- a/greeting\n+++ b/greeting\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n";

fn with_patch() -> World {
    let world = World::new(RECIPE);
    fs::create_dir(world.folder.join("patches")).unwrap();
    fs::write(world.folder.join("patches/two.patch"), PATCH).unwrap();
    let recipe = world.read("recipe.toml").replace("@SHA256@", &world.sha256("1.2"));
    fs::write(world.folder.join("recipe.toml"), recipe).unwrap();
    world
}

#[test]
fn a_new_version_is_found_pinned_and_built() {
    let world = with_patch();
    let build = |output: &str| run(&mut world.command(&["-q", "build", "hello", "--no-sign", "-o", output]));
    build("one").ok();
    let (recipe, lock) = (world.read("recipe.toml"), world.read("recipe.lock"));
    world.service.github("a/hello", &["v1.3-rc1", "v1.2"], &[]);
    let none = run(&mut world.command(&["bump", "hello"])).ok();
    assert!(none.stdout.is_empty() && none.stderr.contains("nothing newer"), "{}", none.stderr);

    world.publish("1.3", &[("Makefile", MAKEFILE), ("greeting", "one\ntwo\nthree\nfour\n")]);
    world.service.github("a/hello", &["v1.3", "v1.3-rc1", "v1.2"], &[]);
    let check = run(&mut world.command(&["bump", "--check", "hello"])).exits(5);
    assert_eq!(check.stdout, "1.3 (v1.3)\n");
    assert_eq!((world.read("recipe.toml"), world.read("recipe.lock")), (recipe.clone(), lock.clone()));

    let bump = run(&mut world.command(&["--json", "bump", "hello"])).ok();
    let document: serde_json::Value = serde_json::from_str(&bump.stdout).unwrap();
    assert_eq!((&document["old"], &document["new"]), (&"1.2".into(), &"1.3".into()), "{}", bump.stdout);
    assert_eq!(document["versions"]["trixie"], "1.3-1~deb13u1");
    let expected = recipe.replace("\"1.2\"", "\"1.3\"").replace(&world.sha256("1.2"), &world.sha256("1.3"));
    assert_eq!(world.read("recipe.toml"), expected, "only version and digest change");
    let lock = world.read("recipe.lock");
    assert!(lock.contains(&world.sha256("1.3")) && !lock.contains("hello-1.2.tar.gz"), "{lock}");
    assert!(world.changelog("jammy").starts_with("hello (1.3-1~ubuntu22.04.1) jammy"), "{}", world.changelog("jammy"));

    build("two").ok();
    assert_eq!(world.read("recipe.lock"), lock, "the bump left nothing for the build to record");
    assert_eq!(changes_in(&world.environment.path("work/two")).len(), 2);
    run(&mut world.command(&["bump", "--check", "hello"])).ok();
}

#[test]
fn patches_that_no_longer_apply_are_named() {
    let world = with_patch();
    run(&mut world.command(&["-q", "build", "hello", "--no-sign"])).ok();
    world.publish("1.3", &[("Makefile", MAKEFILE), ("greeting", "one\nzwo\nthree\n")]);
    let before = snapshot(&world.folder);
    let refused = run(&mut world.command(&["bump", "hello", "1.3"])).exits(1);
    for words in ["patches/two.patch", "@@ -1,3 +1,3 @@", "nothing was written", "hello 1.3"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    assert_eq!(snapshot(&world.folder), before);

    let kept =
        run(&mut world.command(&["bump", "hello", "1.3", "--keep-going", "-m", "For the new greeting"])).exits(1);
    assert!(kept.stderr.contains("patches/two.patch") && kept.stdout == "hello 1.2 -> 1.3\n", "{}", kept.stdout);
    assert!(world.read("recipe.toml").contains("version    = \"1.3\"   # of last year"));
    let lock = world.read("recipe.lock");
    let entry = lock.rsplit("[[entry]]").next().unwrap();
    assert!(entry.contains("New upstream version 1.3") && entry.contains("For the new greeting"), "{entry}");

    // what upstream does not have is this machine's or the network's fault, and nothing is written
    let before = snapshot(&world.folder);
    let gone = run(&mut world.command(&["bump", "hello", "1.4"])).exits(3);
    assert!(gone.stderr.contains("hello-1.4.tar.gz") && gone.stderr.contains("404"), "{}", gone.stderr);
    assert_eq!(snapshot(&world.folder), before);
}

#[test]
fn revisions_rebuilds_and_words() {
    let world = with_patch();
    let recipe = world.read("recipe.toml");
    run(&mut world.command(&["-q", "build", "hello", "--no-sign"])).ok();
    let bump = run(&mut world.command(&["bump", "hello", "-m", "Say it louder (LP: #12)", "-m", "Closes: #34"])).ok();
    assert_eq!(bump.stdout, "hello 1.2 -> 1.2-2\n");
    let line = "version    = \"1.2\"   # of last year\nrevision   = \"2\"\n";
    assert_eq!(world.read("recipe.toml"), recipe.replace("version    = \"1.2\"   # of last year\n", line));
    let changelog = world.changelog("trixie");
    assert!(changelog.starts_with("hello (1.2-2~deb13u1) trixie"), "{changelog}");
    let text = "  * Say it louder (LP: #12)\n  * Closes: #34\n\n";
    assert!(changelog.contains(text) && !changelog.contains("Packaging revision"), "{changelog}");

    let bump = run(&mut world.command(&["bump", "hello", "--rebuild"])).ok();
    assert_eq!(bump.stdout, "hello 1.2-2 again: 1.2-2~deb13u2, 1.2-2~ubuntu22.04.2\n");
    assert!(world.changelog("jammy").starts_with("hello (1.2-2~ubuntu22.04.2) jammy"), "{}", world.changelog("jammy"));
    run(&mut world.command(&["bump", "hello", "--rebuild", "-m", "Rebuild for the new libc"])).ok();
    let changelog = world.changelog("jammy");
    assert!(
        changelog.starts_with("hello (1.2-2~ubuntu22.04.3) jammy")
            && changelog.contains("  * Rebuild for the new libc\n")
    );

    // a new version counts revisions anew
    world.publish("1.3", &[("Makefile", MAKEFILE), ("greeting", "one\ntwo\nthree\n")]);
    run(&mut world.command(&["bump", "hello", "1.3"])).ok();
    assert!(world.read("recipe.toml").contains("revision   = \"1\"\n"));
}

#[test]
fn a_native_package_is_rebuilt_or_given_a_version() {
    let world = World::new(
        "name = \"hello\"\nversion = \"1:1.0\"\nsummary = \"x y\"\nlicense = \"MIT\"\nmaintainer = \"A B <a@example.org>\"\nseries = [\"jammy\"]\n",
    );
    run(&mut world.command(&["bump", "hello", "-m", "First"])).ok();
    assert!(world.changelog("jammy").contains("* Initial release\n  * First"), "{}", world.changelog("jammy"));
    run(&mut world.command(&["bump", "hello", "-m", "Again"])).ok();
    assert!(world.changelog("jammy").starts_with("hello (1:1.0~ubuntu22.04.2) jammy"));
    run(&mut world.command(&["bump", "hello", "1.1"])).ok();
    assert!(world.read("recipe.toml").contains("version = \"1:1.1\"\n"));
    assert!(world.changelog("jammy").contains("* New version 1.1"));
    let not = run(&mut world.command(&["bump", "hello"])).exits(1);
    assert!(not.stderr.contains("not-watched"), "{}", not.stderr);
}

#[test]
fn what_cannot_be_is_refused() {
    let world = with_patch();
    run(&mut world.command(&["-q", "build", "hello", "--no-sign"])).ok();
    let before = snapshot(&world.folder);
    for (version, code, exit) in [
        ("1.1", "version-lower", 1),
        ("1.2~rc1", "version-lower", 1),
        ("1.2", "version-same", 1),
        ("1.3-1", "version-hyphen", 2),
        ("next", "bad-version", 2),
    ] {
        let refused = run(&mut world.command(&["bump", "hello", version])).exits(exit);
        assert!(refused.stderr.contains(&format!("[{code}]")), "{version}: {}", refused.stderr);
    }
    let url = format!("{}/dl/hello-{{{{ upstream_version }}}}.tar.gz", world.service.url);
    let recipe = world.read("recipe.toml");
    fs::write(world.folder.join("recipe.toml"), recipe.replace("{{ upstream_version }}", "1.2")).unwrap();
    let refused = run(&mut world.command(&["bump", "hello", "1.3"])).exits(1);
    assert!(
        refused.stderr.contains("[same-sources]") && refused.stderr.contains("{{ version }}"),
        "{}",
        refused.stderr
    );
    assert_ne!(recipe, recipe.replace(&url, ""), "the recipe was changed as meant");
    fs::write(world.folder.join("recipe.toml"), recipe).unwrap();
    assert_eq!(snapshot(&world.folder), before);
}

#[test]
fn upstreams_spelling_is_kept_and_its_signature_verified() {
    let recipe = RECIPE
        .replace(
            "sha256 = \"@SHA256@\" # checked by hand",
            "signature = \"@URL@/dl/hello-{{ upstream_version }}.tar.gz.asc\"\nkeyring = \"upstream.gpg\"",
        )
        .replace("[[patch]]\nfile = \"patches/two.patch\"\n", "");
    let world = World::new(&recipe);
    let sign = |tarball: &PathBuf| {
        world.environment.key();
        run(world.environment.command("gpg").args(["--batch", "--yes", "--armor", "--detach-sign"]).arg(tarball)).ok();
    };
    sign(&world.service.files.join("dl/hello-1.2.tar.gz"));
    fs::copy(&world.environment.key().keyring, world.folder.join("upstream.gpg")).unwrap();
    run(&mut world.command(&["-q", "build", "hello", "--no-sign"])).ok();
    let watch = run(&mut world.command(&["-q", "render", "hello", "--only", "jammy", "--stdout", "watch"])).ok().stdout;
    assert!(watch.contains("pgpmode=auto"), "{watch}");

    let candidate = world.publish("1.3-rc1", &[("Makefile", MAKEFILE)]);
    fs::write(
        candidate.with_extension("gz.asc"),
        fs::read(world.service.files.join("dl/hello-1.2.tar.gz.asc")).unwrap(),
    )
    .unwrap();
    let before = snapshot(&world.folder);
    let refused = run(&mut world.command(&["bump", "hello", "1.3-rc1"])).exits(3);
    assert!(refused.stderr.contains("is not signed as the recipe asks"), "{}", refused.stderr);
    assert_eq!(snapshot(&world.folder), before);

    sign(&candidate);
    // the bad signature was not kept as what the file is signed by
    run(&mut world.command(&["bump", "hello", "1.3-rc1"])).ok();
    assert!(
        world
            .read("recipe.toml")
            .contains("version    = \"1.3~rc1\"   # of last year\nupstream-version = \"1.3-rc1\"\n")
    );
    let last = world.publish("1.3", &[("Makefile", MAKEFILE)]);
    sign(&last);
    run(&mut world.command(&["bump", "hello", "1.3"])).ok();
    assert!(!world.read("recipe.toml").contains("upstream-version"), "{}", world.read("recipe.toml"));
}
