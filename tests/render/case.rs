//! Targets to render: small builders, and the golden files beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pkgr::deb::changelog::Entry;
use pkgr::deb::version::Version;
use pkgr::diagnostic::Place;
use pkgr::plan::toolchain::Toolchain;
use pkgr::plan::*;
use pkgr::render::{Inputs, Tree, Upstream, render};
use pkgr::series::catalog;

/// A target under construction, its recipe folder and its upstream tree on disk.
pub struct Case {
    pub target: Target,
    pub folder: tempfile::TempDir,
    pub upstream: Listing,
    pub signing_key: Option<Vec<u8>>,
}

/// An upstream tree in memory.
#[derive(Default)]
pub struct Listing(pub BTreeMap<String, (String, bool)>);

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

pub fn place() -> Place {
    Place::of_line(Path::new("recipe.toml"), 1, "")
}

pub fn package(name: &str, architecture: &str) -> Package {
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
        formerly: vec![],
    }
}

impl Case {
    pub fn new(name: &str, series: &str, format: Format) -> Case {
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
            nginx: None,
            watch: None,
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

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Case {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn recipe_file(&self, path: &str, text: impl AsRef<[u8]>) -> PayloadFile {
        self.write(path, text);
        PayloadFile::Recipe(path.into())
    }

    pub fn upstream(&mut self, path: &str, text: &str) -> &mut Case {
        self.upstream.0.insert(path.into(), (text.into(), path.ends_with("configure")));
        self
    }

    pub fn package(&mut self) -> &mut Package {
        &mut self.target.packages[0]
    }

    pub fn inputs(&self) -> Inputs<'_> {
        let listing = (self.target.format == Format::Quilt).then_some(&self.upstream as &dyn Upstream);
        Inputs { listing, signing_key: self.signing_key.clone() }
    }

    pub fn render(&self) -> Tree {
        render(&self.target, &self.inputs()).unwrap_or_else(|failure| panic!("{failure}"))
    }

    pub fn codes(&self) -> Vec<&'static str> {
        let failure = render(&self.target, &self.inputs()).unwrap_err();
        failure.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    }

    pub fn text(&self, path: &str) -> String {
        let tree = self.render();
        let file = tree.files.get(path).unwrap_or_else(|| panic!("no {path} in {:?}", tree.files.keys()));
        String::from_utf8(file.bytes.clone()).unwrap()
    }
}

/// Compares the tree with tests/golden/render/CASE/SERIES.
pub fn golden(name: &str, case: &Case) {
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

pub fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, (Vec<u8>, bool)>) {
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

pub const UNIT: &str = "[Unit]\nDescription=one\n\n[Service]\nType=oneshot\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n";

/// A small program with a configure script, written here.
pub fn program(series: &str) -> Case {
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
        flavor: None,
    }];
    case
}

pub fn unit(series: &str) -> Case {
    let mut case = Case::new("xiaodu-unit", series, Format::Native);
    let file = case.recipe_file("xiaodu-unit.service", UNIT);
    case.package().units = vec![Unit { file, enable: true, start: true }];
    case.package().relations.depends = vec!["ethtool".into()];
    case
}

/// A library whose install step fills debian/tmp for three packages.
pub fn library(series: &str) -> Case {
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

pub fn python(series: &str) -> Case {
    let mut case = Case::new("greeter", series, Format::Quilt);
    case.target.packages[0].architectures = vec!["all".into()];
    case.target.license = "Apache-2.0 OR MIT".into();
    case.target.copyright = vec!["2020-2025 Ann Author <ann@example.org>".into(), "2026 Bob".into()];
    case.upstream("setup.py", "from setuptools import setup\nsetup(name='greeter', version='1.0', packages=['greeter'], entry_points={'console_scripts': ['greeter = greeter:main']})\n");
    case.upstream("greeter/__init__.py", "def main():\n    print('hello')\n");
    case
}

/// Every script of `[build]`, configure arguments and an environment full of traps.
pub fn scripts(series: &str) -> Case {
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

/// A native package with every key of a binary package.
pub fn everything(series: &str) -> Case {
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
        unit(case.recipe_file("everything@.service", UNIT.replace("true", "echo %i")), true, true),
        unit(
            case.recipe_file(
                "rare.timer",
                "[Unit]\nDescription=t\n[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
            ),
            false,
            true,
        ),
        unit(case.recipe_file("rare.service", UNIT.replace("one\n", "rare\n")), false, false),
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
