//! What is written: golden files and single texts.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use pkgr::plan::*;
use pkgr::series::catalog;

use crate::case::*;

#[test]
fn autotools_program() {
    for series in ["xenial", "bionic", "focal", "jammy", "noble", "bookworm", "trixie"] {
        golden("program", &program(series));
    }
}

#[test]
fn unit_only() {
    for series in ["xenial", "bionic", "focal", "jammy", "noble", "trixie"] {
        golden("unit", &unit(series));
    }
}

#[test]
fn files_only() {
    let mut case = Case::new("plugin", "jammy", Format::Native);
    case.target.license = "GPL-2.0-or-later".into();
    case.target.section = "web".into();
    let file = case.recipe_file("fix.php", "<?php\n");
    case.package().install = vec![Install { file, to: "/usr/share/wordpress/wp-content/plugins/".into(), mode: None }];
    golden("files-only", &case);
}

#[test]
fn several_packages() {
    for series in ["xenial", "bionic", "focal", "jammy"] {
        golden("library", &library(series));
    }
}

#[test]
fn python_project() {
    for series in ["focal", "jammy"] {
        golden("python", &python(series));
    }
    let mut case = python("jammy");
    case.upstream.0.remove("setup.py");
    case.upstream("pyproject.toml", "[build-system]\n");
    golden("pyproject", &case);
    case.target.series = catalog().find("focal").unwrap().clone();
    assert_eq!(case.codes(), ["build-system-missing"]);
}

#[test]
fn build_scripts() {
    for series in ["xenial", "focal", "jammy"] {
        golden("scripts", &scripts(series));
    }
}

#[test]
fn build_systems() {
    use BuildSystem::*;
    for (name, system) in [
        ("autotools", Autotools),
        ("cmake", Cmake),
        ("meson", Meson),
        ("make", Make),
        ("cargo", Cargo),
        ("go", Go),
        ("none", None),
    ] {
        let mut case = program("jammy");
        case.target.build.system = system;
        golden(&format!("system-{name}"), &case);
    }
}

#[test]
fn every_key_of_a_package() {
    for series in ["xenial", "bionic", "focal", "jammy", "bookworm"] {
        golden("everything", &everything(series));
    }
}

#[test]
fn overrides_replace_and_join() {
    let mut case = program("jammy");
    case.write("debian/control", "Source: mine\n")
        .write("debian/watch", "version=4\n")
        .write("debian/rules.mk", "X = 1\n");
    case.target.overrides = vec!["control".into(), "rules.mk".into(), "watch".into()];
    let tree = case.render();
    assert_eq!(tree.files["debian/control"].bytes, b"Source: mine\n");
    assert_eq!(tree.files["debian/control"].origin, pkgr::render::Origin::Override);
    assert_eq!(tree.files["debian/watch"].bytes, b"version=4\n");
    assert!(case.text("debian/rules").ends_with("\ninclude debian/rules.mk\n"));
    case.write("debian/changelog", "x").write("debian/source/format", "3.0 (native)\n");
    case.target.overrides = vec!["changelog".into(), "source/format".into()];
    assert_eq!(case.codes(), ["fixed-file", "fixed-file"]);
}

/// make and dh would leave out the generated commands without a word.
#[test]
fn hooks_of_rules_mk_do_not_hide_generated_ones() {
    for (series, name, taken) in [
        ("jammy", "execute_after_dh_fixperms", true),
        ("jammy", "execute_after_dh_fixperms-indep", true),
        ("jammy", "execute_before_dh_fixperms", false),
        ("jammy", "override_dh_builddeb", false),
        ("focal", "override_dh_fixperms", true),
    ] {
        let mut case = everything(series);
        case.write("debian/rules.mk", format!("{name}:\n\ttrue\n"));
        case.target.overrides = vec!["rules.mk".into()];
        let result = pkgr::render::render(&case.target, &case.inputs());
        match (taken, result) {
            (false, Ok(_)) => {}
            (true, Err(failure)) => {
                assert_eq!(failure.diagnostics[0].code, "target-taken");
                assert_eq!(failure.diagnostics[0].place.as_ref().unwrap().line, 1);
                assert!(failure.diagnostics[0].notes[0].contains("chmod 0640"), "{:?}", failure.diagnostics[0]);
            }
            (_, result) => panic!("{series} {name}: {result:?}"),
        }
    }
}

#[test]
fn binary_payload_is_listed() {
    let mut case = program("jammy");
    let file = case.recipe_file("logo.bin", b"a\x00b");
    case.package().install = vec![Install { file, to: "/usr/share/hello/".into(), mode: None }];
    assert_eq!(case.text("debian/source/include-binaries"), "debian/payload/logo.bin\n");
    assert_eq!(case.text("debian/hello.install"), "debian/payload/logo.bin usr/share/hello\n");
}

#[test]
fn payload_that_dpkg_source_ignores_survives_a_second_packing() {
    let mut case = Case::new("plugin", "jammy", Format::Native);
    assert!(!case.render().files.contains_key("debian/source/options"));
    let file = case.recipe_file("lib/x.so", "not really");
    case.package().install = vec![Install { file, to: "/usr/share/plugin/".into(), mode: None }];
    assert!(case.text("debian/source/options").contains("tar-ignore"));
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("plugin-1.0");
    case.render().write_to(&tree).unwrap();
    let status = Command::new("dpkg-source").arg("-b").arg(&tree).current_dir(folder.path()).status().unwrap();
    assert!(status.success());
    let tarball = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let tarball = tarball.into_iter().find(|path| path.extension().is_some_and(|end| end == "xz")).unwrap();
    let list = Command::new("tar").arg("-tf").arg(tarball).output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("lib/x.so"));
}

#[test]
fn licences() {
    let mut case = program("jammy");
    case.target.license = "AGPL-3.0-only".into();
    assert_eq!(case.codes(), ["unknown-licence-text"]);
    case.upstream("COPYING", "words\n");
    let text = case.text("debian/copyright");
    assert!(text.ends_with("License: AGPL-3\n The text of AGPL-3 is in the upstream source:\n  COPYING\n"), "{text}");
    let mut native = Case::new("plugin", "jammy", Format::Native);
    native.target.license = "LicenseRef-own".into();
    assert_eq!(native.codes(), ["unknown-licence-text"]);
    native.write("LICENSE", "Do as you like.\n\nReally.\n");
    assert!(native.text("debian/copyright").ends_with("License: LicenseRef-own\n Do as you like.\n .\n Really.\n"));
    case.target.license = "GPL-2.0-or-later WITH".into();
    assert_eq!(case.codes(), ["bad-licence"]);
}

#[test]
fn what_matches_nothing_upstream_is_told_together() {
    let mut case = program("jammy");
    case.package().docs = vec![PayloadFile::Upstream("docs/*.md".into(), place())];
    let file = PayloadFile::Upstream("hello.*".into(), place());
    case.package().install = vec![Install { file, to: "/usr/share/hello/one".into(), mode: None }];
    case.target.license = "LicenseRef-own".into();
    assert_eq!(case.codes(), ["many-matches", "no-match", "unknown-licence-text"]);
}

#[test]
fn tests_of_autopkgtest() {
    let mut case = program("jammy");
    case.target.tests.push(Test {
        name: "more".into(),
        run: "#!/usr/bin/python3\nprint(1)".into(),
        depends: vec!["@".into(), "curl | wget".into()],
        restrictions: vec!["needs-root".into(), "allow-stderr".into()],
        architectures: vec!["amd64".into(), "!i386".into()],
    });
    assert_eq!(
        case.text("debian/tests/control"),
        concat!(
            "Tests: greets\nDepends: @\n\n",
            "Tests: more\nDepends: @, curl | wget\nRestrictions: needs-root, allow-stderr\nArchitecture: amd64 !i386\n",
        )
    );
    assert_eq!(case.text("debian/tests/greets"), "#!/bin/sh\nset -e\n\nhello there | grep -qx 'hello there'\n");
    assert_eq!(case.text("debian/tests/more"), "#!/usr/bin/python3\nprint(1)\n");
    assert!(case.render().files["debian/tests/more"].executable);
}

#[test]
fn patches_get_a_series_and_a_header() {
    let mut case = program("jammy");
    let diff = "--- a/hello.c\n+++ b/hello.c\n@@ -1 +1 @@\n-a\n+b\n";
    case.write("patches/fix-it.patch", diff).write("more/second.patch", format!("Description: words\n\n{diff}"));
    for file in ["patches/fix-it.patch", "more/second.patch"] {
        case.target.patches.push(Patch { file: file.into(), place: place() });
    }
    assert_eq!(case.text("debian/patches/series"), "fix-it.patch\nmore/second.patch\n");
    let first = case.text("debian/patches/fix-it.patch");
    assert!(first.starts_with("Description: ") && first.ends_with(diff), "{first}");
    assert_eq!(case.text("debian/patches/more/second.patch"), format!("Description: words\n\n{diff}"));
}

#[test]
fn a_signing_key_travels() {
    let mut case = program("jammy");
    case.signing_key = Some(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n".to_vec());
    assert!(case.text("debian/upstream/signing-key.asc").starts_with("-----BEGIN"));
}

#[test]
fn control_is_as_wrap_and_sort_leaves_it() {
    let case = everything("jammy");
    let folder = tempfile::tempdir().unwrap();
    case.render().write_to(folder.path()).unwrap();
    let before = case.text("debian/control");
    let status = Command::new("wrap-and-sort").arg("-ast").current_dir(folder.path()).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read_to_string(folder.path().join("debian/control")).unwrap(), before);
}

#[test]
fn a_second_writing_leaves_nothing_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    program("xenial").render().write_to(folder.path()).unwrap();
    fs::write(folder.path().join("debian/stale"), "x").unwrap();
    let tree = program("jammy").render();
    tree.write_to(folder.path()).unwrap();
    let mut files = BTreeMap::new();
    collect(folder.path(), folder.path(), &mut files);
    assert_eq!(files.keys().collect::<Vec<_>>(), tree.files.keys().collect::<Vec<_>>());
}
