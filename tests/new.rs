//! `pkgr new`: every folder that it makes builds as it stands, in debhelper's
//! hands too, and lintian has nothing to say of the source package.

mod common;
mod update_support;
mod watch_support;

use std::fs;
use std::path::{Path, PathBuf};

use common::judge::{self, Package};
use common::{TestEnvironment, changes_in, files_ending, run};
use update_support::World;
use update_support::nginx::{JAMMY, NOBLE};
use watch_support::{Answer, Service, tarball};

const DATE: (&str, &str) = ("SOURCE_DATE_EPOCH", "1795500000"); // 2026-11-24
const PERSON: (&str, &str) = ("DEBEMAIL", "Du9L <du9l@example.org>");

fn make(environment: &TestEnvironment, arguments: &[&str]) -> common::Run {
    run(environment.pkgr(&["new"]).args(arguments).env(DATE.0, DATE.1).env(PERSON.0, PERSON.1))
}

fn build(environment: &TestEnvironment, folder: &str) -> Vec<PathBuf> {
    let dist = environment.path(format!("dist-{folder}"));
    let mut build = environment.pkgr(&["-q", "build", folder, "--key"]);
    run(build.arg(&environment.key().secret).arg("-o").arg(&dist)).ok();
    changes_in(&dist)
}

fn recipe(environment: &TestEnvironment, folder: &str) -> String {
    fs::read_to_string(environment.work().join(folder).join("recipe.toml")).unwrap()
}

#[test]
fn examples_build() {
    let environment = TestEnvironment::new();
    let mut packages = Vec::new();
    for kind in ["program", "files", "unit"] {
        let name = format!("my-{kind}");
        let made = make(&environment, &[&name, "--kind", kind]).ok();
        assert_eq!(made.stdout, format!("{name}/recipe.toml\n"));
        let changes = build(&environment, &name);
        assert_eq!(changes.len(), 3, "three LTS releases are in support: {changes:?}");
        packages.push(Package::of(&changes[0]));
    }
    let said = judge::lintian(&environment, &packages);
    assert!(said.is_empty(), "{said:?}");

    // the program, as debhelper makes it
    let dsc = files_ending(&environment.path("dist-my-program"), "~ubuntu24.04.1.dsc").remove(0);
    let deb = common::build_binaries(&environment, &dsc).remove(0);
    run(environment.command("dpkg-deb").arg("-x").arg(&deb).arg(environment.path("installed"))).ok();
    let said = run(&mut environment.command(environment.path("installed/usr/bin/my-program"))).ok();
    assert_eq!(said.stdout, "hello from my-program\n");
    let lintian = run(environment.command("lintian").args(["--fail-on", "none"]).arg(&deb)).ok().stdout;
    assert!(!lintian.lines().any(|line| line.starts_with("E:")), "{lintian}");
}

#[test]
fn what_is_there_is_not_touched_and_names_are_checked() {
    let environment = TestEnvironment::new();
    make(&environment, &["mine"]).ok();
    let before = common::snapshot(&environment.work());
    assert!(make(&environment, &["mine"]).exits(2).stderr.contains("[exists]"));
    assert!(make(&environment, &["Mine"]).exits(2).stderr.contains("[bad-name]"));
    assert!(make(&environment, &["other", "--from", "nowhere.tar.gz"]).exits(1).stderr.contains("source-missing"));
    assert_eq!(common::snapshot(&environment.work()), before);
    let anonymous = run(&mut environment.pkgr(&["new", "anon"])).ok();
    assert!(anonymous.stdout == "anon/recipe.toml\n" && recipe(&environment, "anon").contains("# maintainer"));
}

const MIT: &str =
    "Copyright 2020 X\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of it";

#[test]
fn a_source_is_read() {
    let environment = TestEnvironment::new();
    let files = [
        ("Makefile", "all:\n\ttrue\ninstall:\n\tinstall -D -m 755 x.sh $(DESTDIR)/usr/bin/x\n"),
        ("x.sh", "#!/bin/sh\n"),
        ("LICENSE", MIT),
        ("README.md", "# x\n\nA small thing that does what it says. More.\n"),
    ];
    let local = tarball(&environment, &environment.work(), "x-thing", "1.4-rc1", &files);
    make(&environment, &["thing", "--from", local.to_str().unwrap()]).ok();
    let text = recipe(&environment, "thing");
    for line in [
        "version          = \"1.4~rc1\"",
        "upstream-version = \"1.4-rc1\"",
        "summary          = \"small thing that does what it says\"",
        "license          = \"MIT\"",
        "series           = [\"jammy\", \"noble\", \"resolute\"]",
        "url = \"x-thing-{{ upstream_version }}.tar.gz\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(build(&environment, "thing").len(), 3);

    // a folder: packed without what git keeps
    let tree = environment.path("trees/x-thing-1.4-rc1");
    fs::create_dir(tree.join(".git")).unwrap();
    fs::write(tree.join(".git/config"), "secret").unwrap();
    make(&environment, &["folder", "--from", tree.to_str().unwrap()]).ok();
    let listed = run(environment.command("tar").arg("-tJf").arg(environment.work().join("folder/folder-0.1.tar.xz")))
        .ok()
        .stdout;
    assert!(listed.contains("folder-0.1/x.sh") && !listed.contains(".git"), "{listed}");
    assert_eq!(build(&environment, "folder").len(), 3);

    // a repository on the forge, by its newest tag
    let service = Service::start(environment.path("served"));
    let archive = tarball(&environment, &environment.path("made"), "x", "2.0", &files);
    let at = service.files.join("a/x/archive/refs/tags");
    fs::create_dir_all(&at).unwrap();
    fs::copy(archive, at.join("v2.0.tar.gz")).unwrap();
    service.github("a/x", &["v1.0", "v2.0", "v3.0-rc1"], &[]);
    let mut new = environment.pkgr(&["new", "forged", "--from", "https://github.com/a/x"]);
    new.env("PKGR_GITHUB_API", &service.url).env("PKGR_GITHUB_URL", &service.url).env(PERSON.0, PERSON.1);
    run(new.env(DATE.0, DATE.1)).ok();
    let text = recipe(&environment, "forged");
    assert!(
        text.contains(&format!("url = \"{}/a/x/archive/refs/tags/v{{{{ version }}}}.tar.gz\"", service.url)),
        "{text}"
    );
    assert_eq!(build(&environment, "forged").len(), 3);
    service.on("/gone", Answer::status("404 Not Found"));
    let gone = format!("{}/gone", service.url);
    assert!(make(&environment, &["gone", "--from", &gone]).exits(3).stderr.contains("404"));
}

/// The module's example follows nginx of a simulated archive, and one that is
/// there is known by its `config`.
#[test]
fn modules_of_nginx() {
    let world = World::with(&[JAMMY, NOBLE]);
    let folder = |name: &str| world.environment.work().join(name);
    make(&world.environment, &["ngx-mine", "--kind", "nginx-module"]).ok();
    let only = |folder: &Path| {
        let path = folder.join("recipe.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("[nginx]"), "{text}");
        // the archive has two of the series
        fs::write(path, text.replace(", \"resolute\"", "")).unwrap();
    };
    only(&folder("ngx-mine"));
    world.run(&["update", "ngx-mine"]).ok();
    world.run(&["build", "ngx-mine", "--no-sign"]).ok();
    assert_eq!(changes_in(&world.environment.work().join("dist")).len(), 2);

    let config = "ngx_addon_name=ngx_http_theirs_module\nngx_module_name=$ngx_addon_name\n. auto/module\n";
    let source =
        tarball(&world.environment, &world.environment.work(), "theirs", "0.5", &[("config", config), ("x.c", "")]);
    make(&world.environment, &["ngx-theirs", "--from", source.to_str().unwrap()]).ok();
    assert!(recipe(&world.environment, "ngx-theirs").contains("[nginx]\nmodules = [\"ngx_http_theirs_module.so\"]"));
}
