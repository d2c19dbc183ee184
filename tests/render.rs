//! What `render` writes, against golden files, and through debhelper and
//! lintian themselves.
//!
//! `UPDATE_GOLDEN=1 cargo test --test render` writes the golden files anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pkgr::deb::changelog::Entry;
use pkgr::deb::version::Version;
use pkgr::diagnostic::Place;
use pkgr::plan::toolchain::Toolchain;
use pkgr::plan::*;
use pkgr::render::{Inputs, Tree, Upstream, render};
use pkgr::series::catalog;

/// A target under construction, its recipe folder and its upstream tree on disk.
struct Case {
    target: Target,
    folder: tempfile::TempDir,
    upstream: Listing,
    signing_key: Option<Vec<u8>>,
}

/// An upstream tree in memory.
#[derive(Default)]
struct Listing(BTreeMap<String, (String, bool)>);

impl Upstream for Listing {
    fn glob(&self, pattern: &str) -> Vec<String> {
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        let pattern = glob::Pattern::new(pattern).unwrap();
        self.0.keys().filter(|path| pattern.matches_with(path, options)).cloned().collect()
    }
    fn contains(&self, path: &str) -> bool {
        self.0.keys().any(|file| file == path || file.starts_with(&format!("{path}/")))
    }
}

fn place() -> Place {
    Place::of_line(Path::new("recipe.toml"), 1, "")
}

fn package(name: &str, architecture: &str) -> Package {
    Package {
        name: name.into(),
        summary: format!("short words about {name}"),
        description: format!("{name} does what its summary says, and this sentence is here to be filled to the width."),
        section: None,
        priority: None,
        architectures: vec![architecture.into()],
        multi_arch: None,
        relations: Relations::default(),
        install: vec![],
        files: vec![],
        units: vec![],
        conffiles: vec![],
        links: vec![],
        dirs: vec![],
        manpages: vec![],
        completions: vec![],
        docs: vec![],
        examples: vec![],
        sysusers: vec![],
        tmpfiles: vec![],
        scripts: vec![],
    }
}

impl Case {
    fn new(name: &str, series: &str, format: Format) -> Case {
        let series = catalog().find(series).unwrap().clone();
        let revision = if format == Format::Quilt { "-1" } else { "" };
        let version = format!("1.0{revision}{}1", series.version_suffix());
        let folder = tempfile::tempdir().unwrap();
        let sources = match format {
            Format::Native => vec![],
            Format::Quilt => vec![Source {
                location: Location::Url(format!("https://example.org/{name}-1.0.tar.gz")),
                component: None,
                sha256: None,
                signature: None,
                keyring: None,
                place: place(),
            }],
        };
        let arch = if format == Format::Quilt { "any" } else { "all" };
        let target = Target {
            toolchain: Toolchain::of(&series),
            folder: folder.path().into(),
            name: name.into(),
            version: Version::parse(&version).unwrap(),
            recipe_version: "1.0".into(),
            upstream_version: "1.0".into(),
            format,
            maintainer: "Du9L <du9l@example.org>".into(),
            uploaders: vec![],
            homepage: None,
            vcs_git: None,
            license: "MIT".into(),
            copyright: vec![],
            section: "misc".into(),
            priority: "optional".into(),
            urgency: "medium".into(),
            build_depends: vec![],
            build_depends_indep: vec![],
            build_conflicts: vec![],
            sources,
            patches: vec![],
            build: Build {
                system: BuildSystem::Auto,
                configure: vec![],
                env: vec![],
                prepare: None,
                build: None,
                check: None,
                install: None,
            },
            packages: vec![package(name, arch)],
            tests: vec![],
            changelog: vec![Entry {
                source: name.into(),
                version,
                distribution: series.name.clone(),
                urgency: "medium".into(),
                changes: vec!["* Initial release".into()],
                author: "Du9L <du9l@example.org>".into(),
                date: "Tue, 03 Mar 2026 10:00:00 +0000".into(),
            }],
            overrides: vec![],
            series,
        };
        Case { target, folder, upstream: Listing::default(), signing_key: None }
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Case {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn recipe_file(&self, path: &str, text: impl AsRef<[u8]>) -> PayloadFile {
        self.write(path, text);
        PayloadFile::Recipe(path.into())
    }

    fn upstream(&mut self, path: &str, text: &str) -> &mut Case {
        self.upstream.0.insert(path.into(), (text.into(), path.ends_with("configure")));
        self
    }

    fn package(&mut self) -> &mut Package {
        &mut self.target.packages[0]
    }

    fn inputs(&self) -> Inputs<'_> {
        let listing = (self.target.format == Format::Quilt).then_some(&self.upstream as &dyn Upstream);
        Inputs { listing, signing_key: self.signing_key.clone() }
    }

    fn render(&self) -> Tree {
        render(&self.target, &self.inputs()).unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn codes(&self) -> Vec<&'static str> {
        let failure = render(&self.target, &self.inputs()).unwrap_err();
        failure.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    }

    fn text(&self, path: &str) -> String {
        let tree = self.render();
        let file = tree.files.get(path).unwrap_or_else(|| panic!("no {path} in {:?}", tree.files.keys()));
        String::from_utf8(file.bytes.clone()).unwrap()
    }
}

/// Compares the tree with tests/golden/render/CASE/SERIES.
fn golden(name: &str, case: &Case) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render").join(name);
    let folder = folder.join(&case.target.series.name);
    let tree = case.render();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(&folder);
        tree.write_to(&folder).unwrap();
        return;
    }
    let mut stored = BTreeMap::new();
    collect(&folder, &folder, &mut stored);
    let rendered: Vec<&String> = tree.files.keys().collect();
    assert_eq!(rendered, stored.keys().collect::<Vec<_>>(), "files of {}", folder.display());
    for (path, file) in &tree.files {
        let (bytes, executable) = &stored[path];
        let place = folder.join(path);
        assert_eq!(String::from_utf8_lossy(&file.bytes), String::from_utf8_lossy(bytes), "{}", place.display());
        assert_eq!(file.executable, *executable, "mode of {}", place.display());
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, (Vec<u8>, bool)>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0;
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_string();
            files.insert(name, (fs::read(&path).unwrap(), executable));
        }
    }
}

const UNIT: &str = "[Unit]\nDescription=one\n\n[Service]\nType=oneshot\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n";

/// A small program with a configure script, written here.
fn program(series: &str) -> Case {
    let mut case = Case::new("hello", series, Format::Quilt);
    case.target.license = "GPL-3.0-or-later".into();
    case.target.homepage = Some("https://www.gnu.org/software/hello/".into());
    case.target.vcs_git = Some("https://github.com/du9l/hello.git -b main".into());
    case.upstream("configure", "#!/bin/sh\necho \"$@\" > configured\n");
    case.upstream(
        "Makefile",
        concat!(
            "CC = cc\nall: hello\nhello: hello.c\n\t$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<\n",
            "check: hello\n\t./hello\ninstall: hello\n\tinstall -D hello $(DESTDIR)/usr/bin/hello\n",
            "clean distclean:\n\trm -f hello configured\n",
        ),
    );
    case.upstream(
        "hello.c",
        "#include <stdio.h>\nint main(int c, char **v) { printf(\"hello %s\\n\", c > 1 ? v[1] : \"\"); return 0; }\n",
    );
    case.upstream("hello.1", ".TH HELLO 1\n.SH NAME\nhello \\- greet\n");
    case.package().manpages = vec![PayloadFile::Upstream("hello.1".into(), place())];
    case.target.tests = vec![Test {
        name: "greets".into(),
        run: "hello there | grep -qx 'hello there'\n".into(),
        depends: vec!["@".into()],
        restrictions: vec![],
        architectures: vec![],
    }];
    case
}

fn unit(series: &str) -> Case {
    let mut case = Case::new("xiaodu-unit", series, Format::Native);
    let file = case.recipe_file("xiaodu-unit.service", UNIT);
    case.package().units = vec![Unit { file, enable: true, start: true }];
    case.package().relations.depends = vec!["ethtool".into()];
    case
}

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

/// A library whose install step fills debian/tmp for three packages.
fn library(series: &str) -> Case {
    let mut case = Case::new("things", series, Format::Quilt);
    case.target.license = "LGPL-2.1-or-later".into();
    case.target.build.system = BuildSystem::Make;
    case.upstream("Makefile", concat!(
        "all:\n\t$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fPIC -shared -Wl,-soname,libthings.so.1 -o libthings.so.1 things.c\n",
        "install:\n\tinstall -D libthings.so.1 $(DESTDIR)/usr/lib/libthings.so.1\n",
        "\tln -s libthings.so.1 $(DESTDIR)/usr/lib/libthings.so\n",
        "\tinstall -D -m644 things.h $(DESTDIR)/usr/include/things.h\n",
    ));
    case.upstream("things.c", "#include <stdio.h>\nvoid things(void) { puts(\"things\"); }\n");
    case.upstream("things.h", "void things(void);\n");
    let mut data = package("things-data", "all");
    let file = case.recipe_file("list.txt", "a list\n");
    data.install = vec![Install { file, to: "/usr/share/things/names".into(), mode: Some(0o640) }];
    let mut shared = package("libthings1", "any");
    shared.files = vec!["usr/lib/lib*.so.*".into()];
    shared.section = Some("libs".into());
    let mut dev = package("libthings-dev", "any");
    dev.files = vec!["/usr/include/*.h".into(), "usr/lib/*.so".into()];
    dev.section = Some("libdevel".into());
    dev.relations.depends = vec!["libthings1 (= ${binary:Version})".into()];
    case.target.packages = vec![shared, dev, data];
    case
}

#[test]
fn several_packages() {
    for series in ["xenial", "bionic", "focal", "jammy"] {
        golden("library", &library(series));
    }
}

fn python(series: &str) -> Case {
    let mut case = Case::new("greeter", series, Format::Quilt);
    case.target.packages[0].architectures = vec!["all".into()];
    case.target.license = "Apache-2.0 OR MIT".into();
    case.target.copyright = vec!["2020-2025 Ann Author <ann@example.org>".into(), "2026 Bob".into()];
    case.upstream("setup.py", "from setuptools import setup\nsetup(name='greeter', version='1.0', packages=['greeter'], entry_points={'console_scripts': ['greeter = greeter:main']})\n");
    case.upstream("greeter/__init__.py", "def main():\n    print('hello')\n");
    case
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

/// Every script of `[build]`, configure arguments and an environment full of traps.
fn scripts(series: &str) -> Case {
    let mut case = program(series);
    case.target.build = Build {
        system: BuildSystem::Auto,
        configure: vec!["--enable-x".into(), "--with-words=it's $5".into()],
        env: vec![("WORDS".into(), "a #b $HOME \\".into()), ("PLAIN".into(), "1".into())],
        prepare: Some("test \"$PKGR_NAME\" = hello\ntest -n \"$DEB_HOST_ARCH\"\nln -sfn hello.c world.c".into()),
        build: Some("test \"$WORDS\" = 'a #b $HOME \\'\ngrep -F \"it's \\$5\" configured\nmake CFLAGS=\"$CFLAGS\" hello\n".into()),
        check: Some("./hello | grep hello\ntouch checked\n".into()),
        install: Some("install -D hello \"$DESTDIR/usr/bin/hello\"\necho \"$PKGR_VERSION\" > version\ninstall -m644 -D version \"$DESTDIR/usr/share/hello/version\"\n".into()),
    };
    case
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

/// A native package with every key of a binary package.
fn everything(series: &str) -> Case {
    let mut case = Case::new("everything", series, Format::Native);
    case.target.uploaders = vec!["Zoe <zoe@example.org>".into(), "Ann <ann@example.org>".into()];
    case.target.license = "BSD-3-Clause".into();
    case.target.build_depends_indep = vec!["dpkg-dev".into()];
    case.target.build_conflicts = vec!["everything-old".into()];
    let install = |file, to: &str, mode| Install { file, to: to.into(), mode };
    let mut package = package("everything", "all");
    package.multi_arch = Some("foreign".into());
    package.relations = Relations {
        depends: vec!["adduser".into()],
        pre_depends: vec!["dpkg".into()],
        recommends: vec!["curl | wget".into()],
        suggests: vec!["everything-doc".into()],
        enhances: vec!["bash".into()],
        breaks: vec!["everything-old (<< 1)".into()],
        conflicts: vec!["nothing".into()],
        replaces: vec!["everything-old (<< 1)".into()],
        provides: vec!["anything".into()],
    };
    package.install = vec![
        install(case.recipe_file("etc/every.conf", "x = 1\n"), "/etc/everything/", None),
        install(case.recipe_file("etc/secret.conf", "y = 1\n"), "/etc/everything/secret.conf", Some(0o640)),
        install(case.recipe_file("with blank.txt", "blank\n"), "/usr/share/everything/", None),
        install(case.recipe_file("data.txt", "data\n"), "/usr/share/everything/it's $new", Some(0o600)),
        install(case.recipe_file("tool.sh", "#!/bin/sh\nexit 0\n"), "/usr/bin/everything", None),
        install(case.recipe_file("logo.bin", b"\x00\x01"), "/usr/share/everything/", None),
        install(case.recipe_file("Makefile", "all:\n\tfalse\n"), "/usr/share/everything/", None),
    ];
    let unit = |file, enable, start| pkgr::plan::Unit { file, enable, start };
    package.units = vec![
        unit(case.recipe_file("everything.service", UNIT), true, true),
        unit(case.recipe_file("everything@.service", &UNIT.replace("true", "echo %i")), true, true),
        unit(
            case.recipe_file(
                "rare.timer",
                "[Unit]\nDescription=t\n[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
            ),
            false,
            true,
        ),
        unit(case.recipe_file("rare.service", &UNIT.replace("one\n", "rare\n")), false, false),
    ];
    package.conffiles = vec!["/usr/share/everything/data.conf".into()];
    package.install.push(install(case.recipe_file("data.conf", "z\n"), "/usr/share/everything/", None));
    package.links = vec![("/usr/bin/everything".into(), "/usr/bin/every".into())];
    package.dirs = vec!["/var/lib/everything".into()];
    package.manpages = vec![case.recipe_file("everything.1", ".TH E 1\n.SH NAME\neverything \\- all\n")];
    package.completions = vec![
        case.recipe_file("everything.bash", "complete -W all everything\n"),
        case.recipe_file("_everything", "#compdef everything\n"),
        case.recipe_file("everything.fish", "complete -c everything\n"),
    ];
    package.docs = vec![case.recipe_file("NOTES", "notes\n")];
    package.examples = vec![case.recipe_file("example.conf", "x = 2\n")];
    package.sysusers = vec![case.recipe_file("everything.conf", "u everything - \"All\"\n")];
    package.tmpfiles = vec![case.recipe_file("every-tmp.conf", "d /run/everything 0755 root root -\n")];
    package.scripts = vec![("postinst".into(), case.recipe_file("after", "#!/bin/sh\nset -e\n: done\nexit 0\n"))];
    case.target.packages = vec![package];
    case
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

#[test]
fn binary_payload_is_listed() {
    let mut case = program("jammy");
    let file = case.recipe_file("logo.bin", b"a\x00b");
    case.package().install = vec![Install { file, to: "/usr/share/hello/".into(), mode: None }];
    assert_eq!(case.text("debian/source/include-binaries"), "debian/payload/logo.bin\n");
    assert_eq!(case.text("debian/hello.install"), "debian/payload/logo.bin usr/share/hello\n");
}

#[test]
fn licences() {
    let mut case = program("jammy");
    case.target.license = "AGPL-3.0-only".into();
    assert_eq!(case.codes(), ["unknown-licence-text"]);
    case.upstream("COPYING", "words\n");
    let text = case.text("debian/copyright");
    assert!(text.ends_with("License: AGPL-3\n The text of AGPL-3 is in the upstream source:\n  COPYING\n"), "{text}");
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
        assert_eq!(built.lintian(), [""; 0], "{series}");
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
        assert_eq!(built.lintian(), [""; 0], "{series}");
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
                assert!(!built.script("hello", "postinst").contains("deb-systemd-helper enable"));
            }
            if kind != "-B" {
                assert!(built.script("hello-data", "postinst").contains("deb-systemd-helper enable"));
            }
        }
    }
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
