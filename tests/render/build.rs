//! What comes out of it: packages built by the machine's own debhelper, whose
//! compat levels 9 to 13 stand for those of the series.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pkgr::plan::*;

use crate::case::*;

/// A source tree unpacked and built by the machine's own debhelper.
struct Built {
    folder: tempfile::TempDir,
}

impl Built {
    /// Builds all packages; build dependencies are not checked, as those of
    /// other series are not here.
    fn of(case: &Case) -> Built {
        Built::with(case, "-b")
    }

    fn with(case: &Case, kind: &str) -> Built {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        for (path, (text, executable)) in &case.upstream.0 {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            if *executable {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        case.render().write_to(&tree).unwrap();
        let output = Command::new("dpkg-buildpackage")
            .args([kind, "-us", "-uc", "-d"])
            .current_dir(&tree)
            .env("HOME", folder.path())
            .env("PATH", format!("/usr/sbin:/usr/bin:/sbin:/bin:{}", std::env::var("PATH").unwrap()))
            .env_remove("DEB_BUILD_OPTIONS")
            .env_remove("MAKEFLAGS")
            .output()
            .expect("dpkg-buildpackage runs");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{text}", case.text("debian/rules"));
        Built { folder }
    }

    fn one(&self, start: &str, end: &str) -> PathBuf {
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(start) && name.ends_with(end)
        };
        let mut paths = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        paths.find(named).unwrap_or_else(|| panic!("no {start}…{end}"))
    }

    /// `dpkg-deb` on one package.
    fn dpkg_deb(&self, option: &str, package: &str) -> String {
        let deb = self.one(&format!("{package}_"), ".deb");
        let output = Command::new("dpkg-deb").arg(option).arg(deb).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Mode and path of every file, folders left out.
    fn contents(&self, package: &str) -> Vec<String> {
        let text = self.dpkg_deb("-c", package);
        let files = text.lines().filter(|line| !line.starts_with('d'));
        files
            .map(|line| {
                let words: Vec<&str> = line.splitn(6, char::is_whitespace).collect();
                let path = line.split_once(" ./").unwrap().1;
                format!("{} {path}", words[0])
            })
            .collect()
    }

    /// A maintainer script.
    fn script(&self, package: &str, name: &str) -> String {
        let deb = self.one(&format!("{package}_"), ".deb");
        let output = Command::new("dpkg-deb").arg("-I").arg(deb).arg(name).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// lintian's errors and warnings, tags only, without those that any version
    /// and distribution of an Ubuntu target raises under Debian's profile.
    fn lintian(&self) -> Vec<String> {
        let changes = self.one("", ".changes");
        let output = Command::new("lintian")
            .args(["--profile", "debian", "--allow-root", "--fail-on", "none", "--display-level", ">=warning"])
            .arg(changes)
            .env("HOME", self.folder.path())
            .output()
            .expect("lintian runs");
        const OF_EVERY_PPA: &[&str] = &["bad-distribution-in-changes-file"];
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter(|line| !OF_EVERY_PPA.iter().any(|tag| line.contains(tag))).map(String::from).collect()
    }
}

#[test]
fn a_program_builds_on_every_compat_level() {
    for series in ["xenial", "bionic", "focal", "jammy", "bookworm"] {
        let built = Built::of(&program(series));
        let contents = built.contents("hello");
        for file in ["-rwxr-xr-x usr/bin/hello", "-rw-r--r-- usr/share/man/man1/hello.1.gz"] {
            assert!(contents.iter().any(|line| line == file), "{series}: {contents:#?}");
        }
        // the binaries of the levels between are the same to lintian, which is slow
        if ["xenial", "jammy"].contains(&series) {
            assert_eq!(built.lintian(), [""; 0], "{series}");
        }
    }
}

#[test]
fn a_unit_is_enabled_and_started_on_every_compat_level() {
    for series in ["xenial", "bionic", "focal", "jammy", "bookworm"] {
        let built = Built::of(&unit(series));
        assert!(
            built.contents("xiaodu-unit").contains(&"-rw-r--r-- lib/systemd/system/xiaodu-unit.service".to_string())
        );
        let postinst = built.script("xiaodu-unit", "postinst");
        assert!(
            postinst.contains("deb-systemd-helper enable 'xiaodu-unit.service'")
                || postinst.contains("deb-systemd-helper enable xiaodu-unit.service"),
            "{series}: {postinst}"
        );
        assert!(postinst.contains("deb-systemd-invoke"), "{series}: {postinst}");
        // the binaries of the levels between are the same to lintian, which is slow
        if ["xenial", "jammy"].contains(&series) {
            assert_eq!(built.lintian(), [""; 0], "{series}");
        }
    }
}

#[test]
fn packages_share_the_files_on_every_compat_level() {
    for series in ["xenial", "bionic", "focal", "jammy"] {
        let case = library(series);
        let built = Built::of(&case);
        assert!(built.contents("libthings1").contains(&"-rw-r--r-- usr/lib/libthings.so.1".to_string()));
        assert!(built.contents("libthings-dev").iter().any(|line| line.contains("usr/include/things.h")));
        assert!(built.contents("things-data").contains(&"-rw-r----- usr/share/things/names".to_string()));
        for kind in ["-B", "-A"] {
            Built::with(&case, kind);
        }
    }
}

#[test]
#[should_panic(expected = "usr/include/things.h")]
fn a_file_of_no_package_fails_the_build() {
    let mut case = library("focal");
    case.target.packages[1].files.remove(0);
    Built::of(&case);
}

#[test]
fn build_scripts_run_on_every_compat_level() {
    for series in ["xenial", "bionic", "focal", "jammy"] {
        let built = Built::of(&scripts(series));
        assert!(built.contents("hello").contains(&"-rw-r--r-- usr/share/hello/version".to_string()));
        assert!(built.folder.path().join("tree/checked").exists());
        assert!(built.folder.path().join("tree/world.c").is_symlink());
    }
}

#[test]
fn every_key_arrives_on_every_compat_level() {
    for series in ["xenial", "bionic", "focal", "jammy", "bookworm"] {
        let built = Built::of(&everything(series));
        let contents = built.contents("everything");
        for file in [
            "-rw-r--r-- etc/everything/every.conf",
            "-rw-r----- etc/everything/secret.conf",
            "-rw-r--r-- usr/share/everything/with blank.txt",
            "-rw------- usr/share/everything/it's $new",
            "-rwxr-xr-x usr/bin/everything",
            "-rw-r--r-- usr/share/everything/logo.bin",
            "-rw-r--r-- lib/systemd/system/everything@.service",
            "-rw-r--r-- usr/share/man/man1/everything.1.gz",
            "-rw-r--r-- usr/share/bash-completion/completions/everything",
            "-rw-r--r-- usr/share/zsh/vendor-completions/_everything",
            "-rw-r--r-- usr/share/fish/vendor_completions.d/everything.fish",
            "-rw-r--r-- usr/share/doc/everything/NOTES",
            "-rw-r--r-- usr/share/doc/everything/examples/example.conf",
            "-rw-r--r-- usr/lib/sysusers.d/everything.conf",
            "-rw-r--r-- usr/lib/tmpfiles.d/every-tmp.conf",
            "lrwxrwxrwx usr/bin/every -> everything",
        ] {
            assert!(contents.iter().any(|line| line == file), "{series} lacks {file}: {contents:#?}");
        }
        assert!(built.dpkg_deb("-c", "everything").contains("./var/lib/everything/"));
        let conffiles = built.script("everything", "conffiles");
        assert!(
            conffiles.contains("/usr/share/everything/data.conf") && conffiles.contains("/etc/everything/every.conf")
        );
        let postinst = built.script("everything", "postinst");
        for words in [": done", "systemd-sysusers", "systemd-tmpfiles", "every-tmp.conf"] {
            assert!(postinst.contains(words), "{series} lacks {words}: {postinst}");
        }
        let users = postinst.find("systemd-sysusers").unwrap();
        let start = postinst.find("deb-systemd-invoke").unwrap();
        assert!(users < start, "{postinst}");
        let enabled = |name: &str| {
            postinst.contains(&format!("deb-systemd-helper enable {name}"))
                || postinst.contains(&format!("deb-systemd-helper enable '{name}"))
        };
        assert!(enabled("everything.service"), "{series}: {postinst}");
        let started: String = postinst.lines().filter(|line| line.contains("deb-systemd-invoke")).collect();
        assert!(started.contains("everything.service") && started.contains("rare.timer"), "{series}: {postinst}");
    }
}

#[test]
fn a_python_project_builds() {
    let built = Built::of(&python("jammy"));
    let contents = built.contents("greeter");
    assert!(
        contents.contains(&"-rw-r--r-- usr/lib/python3/dist-packages/greeter/__init__.py".to_string()),
        "{contents:#?}"
    );
    assert!(built.dpkg_deb("-f", "greeter").contains("python3:any"));
}

#[test]
fn cmake_and_meson_and_make_projects_build() {
    for (file, text, system) in [
        (
            "CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.5)\nproject(hello C)\nadd_executable(hello hello.c)\ninstall(TARGETS hello DESTINATION bin)\n",
            BuildSystem::Cmake,
        ),
        ("meson.build", "project('hello', 'c')\nexecutable('hello', 'hello.c', install: true)\n", BuildSystem::Meson),
    ] {
        let mut case = program("jammy");
        case.upstream.0.remove("configure");
        case.upstream.0.remove("Makefile");
        case.upstream(file, text);
        let needed = if system == BuildSystem::Cmake { " cmake,\n" } else { " meson,\n" };
        for explicit in [false, true] {
            case.target.build.system = if explicit { system } else { BuildSystem::Auto };
            assert!(case.text("debian/control").contains(needed), "{file}");
            let built = Built::of(&case);
            assert!(built.contents("hello").contains(&"-rwxr-xr-x usr/bin/hello".to_string()), "{file}");
        }
    }
}

#[test]
fn former_names_are_empty_packages() {
    for series in ["xenial", "noble"] {
        let mut case = Case::new("hello", series, Format::Quilt);
        case.upstream("Makefile", "all:\n\ttrue\n");
        case.package().formerly = vec!["hi".into(), "moin".into()];
        golden("transitional", &case);
        assert!(case.text("debian/rules").contains("dh_auto_install --destdir=debian/hello"));
    }
}

#[test]
fn a_go_project_builds_offline() {
    let mut case = Case::new("hello", "jammy", Format::Quilt);
    case.upstream("go.mod", "module example.org/hello\n\ngo 1.18\n");
    case.upstream("main.go", "package main\n\nfunc main() { println(\"hello\") }\n");
    golden("go", &case);
    let built = Built::of(&case);
    assert!(built.contents("hello").contains(&"-rwxr-xr-x usr/bin/hello".to_string()));
}

#[test]
fn a_cargo_project_builds_offline_with_vendored_crates() {
    let mut case = Case::new("hello", "jammy", Format::Quilt);
    case.upstream(
        "Cargo.toml",
        "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nedition = \"2018\"\n\n[dependencies]\nwords = \"1\"\n",
    );
    case.upstream("Cargo.lock", concat!(
        "version = 3\n\n[[package]]\nname = \"hello\"\nversion = \"1.0.0\"\ndependencies = [\n \"words\",\n]\n\n",
        "[[package]]\nname = \"words\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
        "checksum = \"0000000000000000000000000000000000000000000000000000000000000000\"\n",
    ));
    case.upstream("src/main.rs", "fn main() { println!(\"{}\", words::HELLO); }\n");
    case.upstream("vendor/words/Cargo.toml", "[package]\nname = \"words\"\nversion = \"1.0.0\"\nedition = \"2018\"\n");
    case.upstream("vendor/words/src/lib.rs", "pub const HELLO: &str = \"hello\";\n");
    case.upstream(
        "vendor/words/.cargo-checksum.json",
        "{\"files\":{},\"package\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
    );
    golden("cargo", &case);
    let built = Built::of(&case);
    assert_eq!(
        built.contents("hello").iter().filter(|line| !line.contains("usr/share/doc")).collect::<Vec<_>>(),
        ["-rwxr-xr-x usr/bin/hello"]
    );
}

#[test]
fn a_pyproject_builds() {
    let mut case = python("bookworm");
    case.upstream.0.remove("setup.py");
    case.upstream("pyproject.toml", "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[project]\nname = \"greeter\"\nversion = \"1.0\"\n\n[tool.setuptools]\npackages = [\"greeter\"]\n");
    case.target.build_depends = vec!["python3-setuptools".into()];
    let built = Built::of(&case);
    assert!(
        built.contents("greeter").contains(&"-rw-r--r-- usr/lib/python3/dist-packages/greeter/__init__.py".to_string())
    );
}

#[test]
fn files_of_the_upstream_tree_are_taken() {
    for series in ["xenial", "jammy"] {
        let mut case = program(series);
        for file in ["doc/a.md", "doc/b.md", "doc/with blank.md", "conf/hello.conf", "systemd/hello.service"] {
            case.upstream(file, UNIT);
        }
        let upstream = |pattern: &str| PayloadFile::Upstream(pattern.into(), place());
        let package = case.package();
        package.docs = vec![upstream("doc/*.md")];
        package.install = vec![
            Install { file: upstream("conf/hello.conf"), to: "/etc/hello/main.conf".into(), mode: Some(0o600) },
            Install { file: upstream("doc/?.md"), to: "/usr/share/hello/doc/".into(), mode: None },
            Install { file: upstream("conf"), to: "/usr/share/hello/".into(), mode: None },
        ];
        package.units = vec![Unit { file: upstream("systemd/*.service"), enable: true, start: false }];
        golden("from-upstream", &case);
        let built = Built::of(&case);
        let contents = built.contents("hello");
        for file in [
            "-rw------- etc/hello/main.conf",
            "-rw-r--r-- usr/share/hello/doc/a.md",
            "-rw-r--r-- usr/share/hello/conf/hello.conf",
            "-rw-r--r-- usr/share/doc/hello/b.md",
            "-rw-r--r-- usr/share/doc/hello/with blank.md",
            "-rw-r--r-- lib/systemd/system/hello.service",
        ] {
            assert!(contents.iter().any(|line| line == file), "{series} lacks {file}: {contents:#?}");
        }
        let postinst = built.script("hello", "postinst");
        assert!(postinst.contains("deb-systemd-helper enable"), "{series}: {postinst}");
        assert!(!postinst.contains("deb-systemd-invoke start"), "{series}: {postinst}");
    }
}

/// dh_clean deletes backups and rejects wherever they are, before anything is built.
#[test]
fn files_that_look_left_over_are_taken_too() {
    for series in ["xenial", "focal", "jammy"] {
        let mut case = program(series);
        let payload = ["notes.orig", "old+new.bak", "with blank~", "#marked#"];
        for file in payload {
            std::fs::write(case.folder.path().join(file), "left\n").unwrap();
            let install =
                Install { file: PayloadFile::Recipe(file.into()), to: "/usr/share/hello/".into(), mode: None };
            case.target.packages[0].install.push(install);
        }
        case.upstream.0.insert("src/patched.rej".into(), ("rejected\n".into(), false));
        let file = PayloadFile::Upstream("src/*.rej".into(), place());
        case.target.packages[0].install.push(Install { file, to: "/usr/share/hello/".into(), mode: None });
        let contents = Built::of(&case).contents("hello");
        for file in payload.iter().chain(&["patched.rej"]) {
            let line = format!("-rw-r--r-- usr/share/hello/{file}");
            assert!(contents.contains(&line), "{series} lacks {file}: {contents:#?}");
        }
    }
}

#[test]
fn units_of_packages_of_both_kinds() {
    for series in ["xenial", "jammy"] {
        let mut case = program(series);
        let file = case.recipe_file("hello.service", UNIT);
        case.package().units = vec![Unit { file, enable: false, start: true }];
        let mut data = package("hello-data", "all");
        let file = case.recipe_file("data.service", UNIT);
        data.units = vec![Unit { file, enable: true, start: false }];
        let mut special = package("hello-special", "s390x");
        let file = case.recipe_file("special.service", UNIT);
        special.units = vec![Unit { file, enable: false, start: false }];
        special.install = vec![Install {
            file: case.recipe_file("special.conf", "s\n"),
            to: "/etc/hello/special".into(),
            mode: Some(0o600),
        }];
        case.target.packages[0].files = vec!["usr/bin/hello".into()];
        case.target.packages.extend([data, special]);
        golden("mixed-units", &case);
        for kind in ["-b", "-B", "-A"] {
            let built = Built::with(&case, kind);
            if kind != "-A" {
                assert!(built.script("hello", "postinst").contains("deb-systemd-helper debian-installed"));
            }
            if kind != "-B" {
                assert!(!built.script("hello-data", "postinst").contains("debian-installed"));
            }
        }
    }
}
