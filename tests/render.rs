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
    case.upstream("Makefile", concat!(
        "CC = cc\nall: hello\nhello: hello.c\n\t$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<\n",
        "check: hello\n\t./hello\ninstall: hello\n\tinstall -D hello $(DESTDIR)/usr/bin/hello\n",
        "clean distclean:\n\trm -f hello configured\n",
    ));
    case.upstream("hello.c", "#include <stdio.h>\nint main(int c, char **v) { printf(\"hello %s\\n\", c > 1 ? v[1] : \"\"); return 0; }\n");
    case.upstream("hello.1", ".TH HELLO 1\n.SH NAME\nhello \\- greet\n");
    case.package().manpages = vec![PayloadFile::Upstream("hello.1".into(), place())];
    case.target.tests = vec![Test {
        name: "greets".into(),
        run: "hello there | grep -qx 'hello there'\n".into(),
        depends: vec!["@".into()],
        restrictions: vec![],
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
