//! `pkgr check` and `pkgr explain` as a user calls them, on what debuild's tools
//! made and on what pkgr made; and docs/archive-rules.md.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{TestEnvironment, repository, run};
use serde_json::Value;

/// A source package for noble, made and signed by dpkg-buildpackage and gpg.
fn package(environment: &TestEnvironment, sign: bool) -> PathBuf {
    let tree = environment.work().join("hello-1.0");
    for (path, text) in [
        ("debian/source/format", "3.0 (native)\n"),
        (
            "debian/changelog",
            "hello (1.0) noble; urgency=medium\n\n  * New.\n\n -- Jane Doe <jane@example.org>  Tue, 24 Nov 2026 12:00:00 +0000\n",
        ),
        ("debian/copyright", "None.\n"),
        ("debian/rules", "#!/usr/bin/make -f\n%:\n\ttrue\n"),
        (
            "debian/control",
            "Source: hello\nSection: misc\nPriority: optional\nMaintainer: Jane Doe <jane@example.org>\nStandards-Version: 4.6.2\n\nPackage: hello\nArchitecture: all\nDescription: greets\n Says hello.\n",
        ),
    ] {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut build = environment.command("dpkg-buildpackage");
    build.args(["-S", "-d", "-nc", "--no-pre-clean"]).current_dir(&tree);
    match sign {
        true => build.arg(format!("-k{}", environment.key().fingerprint)),
        false => build.args(["-us", "-uc"]),
    };
    run(&mut build).ok();
    environment.work().join("hello_1.0_source.changes")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn codes(document: &Value) -> Vec<&str> {
    document["packages"][0]["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

#[test]
fn a_signed_package_is_accepted() {
    let environment = TestEnvironment::new();
    let changes = package(&environment, true);
    // the key is found in the user's GnuPG, whose files are read as they are
    let said = run(environment.pkgr(&["check", "--offline", "--require-signature"]).arg(&changes)).ok();
    assert_eq!(said.stdout, format!("{}: accepted\n", changes.display()));
    assert!(
        said.stderr.contains("note[archive-not-asked]") && said.stderr.contains("--published DIR"),
        "{}",
        said.stderr
    );
    let dsc = environment.work().join("hello_1.0.dsc");
    run(environment.pkgr(&["check"]).arg(&dsc)).ok();
    // another home has no key: a note, or a rejection where it is wanted
    let stranger = environment.path("stranger");
    fs::create_dir(&stranger).unwrap();
    let elsewhere = |arguments: &[&str]| {
        let mut command = environment.pkgr(arguments);
        command.env("GNUPGHOME", &stranger).arg(&changes);
        run(&mut command)
    };
    let said = elsewhere(&["check", "--json"]).ok();
    assert_eq!(codes(&json(&said.stdout)), ["signature-not-verified", "signature-not-verified", "archive-not-asked"]);
    let said = elsewhere(&["check", "--require-signature"]).exits(1);
    assert!(
        said.stderr.contains("error[signer-unknown]: GPG verification of hello_1.0_source.changes failed"),
        "{}",
        said.stderr
    );
    let keyring = environment.key().keyring.display().to_string();
    elsewhere(&["check", "--require-signature", "--keyring", &keyring]).ok();
    // tampered: the text is no longer the signed one
    let text = fs::read_to_string(&changes).unwrap();
    fs::write(&changes, text.replace("Urgency: medium", "Urgency: low")).unwrap();
    let said = elsewhere(&["check", "--keyring", &keyring]).exits(1);
    assert!(said.stderr.contains("error[signature-bad]") && said.stderr.contains("Bad signature"), "{}", said.stderr);
    assert_eq!(said.stdout, format!("{}: rejected\n", changes.display()));
}

#[test]
fn levels_and_exit_codes() {
    let environment = TestEnvironment::new();
    let changes = package(&environment, false);
    let check = |arguments: &[&str]| run(environment.pkgr(&[&["check"], arguments].concat()).arg(&changes));
    assert!(check(&[]).ok().stderr.contains("warning[unsigned]"));
    let denied = check(&["--deny", "warnings"]).exits(1);
    assert!(denied.stderr.contains("error[unsigned]") && denied.stdout.ends_with(": accepted\n"), "{denied:?}");
    let required = json(&check(&["--require-signature", "--json"]).exits(1).stdout);
    assert_eq!(required["schema"], "pkgr.check/1");
    assert_eq!(required["packages"][0]["accepted"], false);
    assert_eq!(
        required["packages"][0]["findings"][0]["message"],
        "GPG verification of hello_1.0_source.changes failed: (7, 58, 'No data')"
    );
    assert_eq!(required["errors"][0]["code"], "signature-missing");
    // the target, in both ways
    let said = check(&["--to", "ppa:jane/tools/unstable"]).exits(1);
    assert!(
        said.stderr.contains("error[upload-path]") && said.stderr.contains("= note: Could not find suite 'unstable'."),
        "{}",
        said.stderr
    );
    let said = json(&check(&["--to", "ppa:jane/tools/jammy", "--json"]).ok().stdout);
    assert_eq!(said["packages"][0]["suite"], "jammy");
    check(&["--path", "~jane/tools/noble"]).exits(1);
    check(&["--to", "jane/tools"]).exits(2);
    // folders of what is published
    let published = environment.path("published");
    fs::create_dir(&published).unwrap();
    for file in ["hello_1.0.dsc", "hello_1.0.tar.xz"] {
        fs::copy(environment.work().join(file), published.join(file)).unwrap();
    }
    let folder = published.display().to_string();
    let said = check(&["--published", &folder, "--primary", &folder]).exits(1);
    assert!(
        said.stderr.contains("error[version-taken]: The source hello - 1.0 is already accepted in ubuntu/noble"),
        "{}",
        said.stderr
    );
    let said = check(&["--published", &format!("jammy={folder}")]).exits(1);
    assert!(said.stderr.contains("already accepted in ubuntu/jammy"), "{}", said.stderr);
    assert!(check(&["--primary", &folder]).ok().stderr.contains("nobody was asked what the PPA"), "{}", said.stderr);
    check(&["--published", "/nonexistent/folder"]).exits(3);
}

#[test]
fn other_archives_have_other_rules() {
    let environment = TestEnvironment::new();
    let changes = package(&environment, false);
    let check = |arguments: &[&str]| run(environment.pkgr(&[&["check"], arguments].concat()).arg(&changes));
    let said = check(&["--as", "debian"]).exits(1);
    assert!(said.stderr.contains("error[debian-suite]: `noble` is no suite of Debian's"), "{}", said.stderr);
    check(&["--as", "none"]).ok();
    // an upload to Debian is judged by Debian's rules without being asked
    let text = fs::read_to_string(&changes).unwrap();
    fs::write(&changes, text.replace("Distribution: noble", "Distribution: unstable")).unwrap();
    let said = check(&[]).ok();
    assert!(said.stdout.ends_with(": accepted by Debian's rules\n"), "{}", said.stdout);
    check(&["--as", "launchpad"]).exits(1);
    fs::remove_file(environment.work().join("hello_1.0.tar.xz")).unwrap();
    let said = check(&["--as", "none"]).exits(1);
    assert!(said.stderr.contains("hello_1.0.tar.xz, listed in the .changes, is not there"), "{}", said.stderr);
}

/// What pkgr makes itself, for Ubuntu and for Debian.
#[test]
fn pkgr_accepts_what_it_builds() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let key = environment.key().secret.display().to_string();
    for series in ["noble", "trixie"] {
        run(environment.pkgr(&["build", "--key", &key, "--only", series]).arg(&recipe)).ok();
    }
    let mut check = environment.pkgr(&["check", "--require-signature", "--deny", "warnings", "--json"]);
    check.args(common::changes_in(&environment.work().join("dist")));
    let document = json(&run(&mut check).ok().stdout);
    let packages = document["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 2);
    for package in packages {
        assert_eq!(package["accepted"], true, "{package}");
    }
}

/// Under 50 ms, with the start of the program and (of these few bytes) the hashing;
/// the best of some runs, for other tests take the processors too.
#[test]
fn a_check_is_quick() {
    let environment = TestEnvironment::new();
    let changes = package(&environment, true);
    let once = || {
        let start = std::time::Instant::now();
        run(environment.pkgr(&["check", "--require-signature"]).arg(&changes)).ok();
        start.elapsed()
    };
    let best = (0..20).map(|_| once()).min().unwrap();
    assert!(best.as_millis() < 50, "{best:?}");
}

#[test]
fn only_recipes_and_packages_are_checked() {
    let environment = TestEnvironment::new();
    fs::write(environment.work().join("hello.deb"), "!<arch>").unwrap();
    let said = run(&mut environment.pkgr(&["check", "hello.deb"])).exits(2);
    assert!(said.stderr.contains("neither a recipe, nor a .changes or .dsc"), "{}", said.stderr);
    let said = run(&mut environment.pkgr(&["check"])).exits(2);
    assert!(said.stderr.contains("error[no-recipe]"), "{}", said.stderr);
    let said = run(&mut environment.pkgr(&["check", "gone.changes"])).exits(3);
    assert!(said.stderr.contains("cannot read"), "{}", said.stderr);
}

#[test]
fn codes_are_explained() {
    let environment = TestEnvironment::new();
    let said = run(&mut environment.pkgr(&["explain", "orig-differs"])).ok();
    assert!(said.stdout.starts_with("orig-differs (rejected, rule 28)\n"), "{}", said.stdout);
    assert!(said.stdout.contains("Launchpad says: File F already exists in ARCHIVE"), "{}", said.stdout);
    let said = run(&mut environment.pkgr(&["explain", "orig_difers"])).exits(2);
    assert!(said.stderr.contains("did you mean `orig-differs`?"), "{}", said.stderr);
    let all = run(&mut environment.pkgr(&["explain"])).ok().stdout;
    let listed: Vec<&str> = all.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(listed.len() > 80 && listed.contains(&"unsigned"), "{all}");
    // every code that is listed can be asked for, and has what the JSON says
    let document = json(&run(&mut environment.pkgr(&["explain", "--json"])).ok().stdout);
    assert_eq!(document["rules"].as_array().unwrap().len(), listed.len());
    let nobody = run(&mut environment.pkgr(&["explain", "no-upload-rights"])).ok().stdout;
    assert!(nobody.contains("Only Launchpad knows this"), "{nobody}");
}

/// docs/archive-rules.md is made from the table; UPDATE_GOLDEN=1 writes it anew.
#[test]
fn the_page_of_rules_is_current() {
    let path: &Path = &repository().join("docs/archive-rules.md");
    let page = pkgr::check::rules::page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, &page).unwrap();
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == page, "docs/archive-rules.md is old: UPDATE_GOLDEN=1 cargo test --test check_command");
}
