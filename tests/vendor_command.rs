//! `pkgr vendor`: what cargo, go, npm and pip fetch becomes a component with the
//! same bytes each time, and the unpacked source package builds with it offline.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, TestEnvironment, run};

/// A recipe of `demo` 1.0 around a source tree.
struct Demo {
    environment: TestEnvironment,
    folder: PathBuf,
}

impl Demo {
    /// `lock` makes the lock file in the source, as upstream did.
    fn new(files: &[(&str, &str)], lock: &[&str], more: &str) -> Demo {
        let environment = TestEnvironment::new();
        let folder = environment.work().join("recipe");
        let top = environment.path("tmp/demo-1.0");
        fs::create_dir_all(&folder).unwrap();
        for (path, text) in files {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let demo = Demo { environment, folder };
        if let Some((program, arguments)) = lock.split_first() {
            run(demo.client(program).args(arguments).current_dir(&top)).ok();
        }
        let mut tar = demo.environment.command("tar");
        tar.arg("-C").arg(demo.environment.path("tmp")).arg("-czf").arg(demo.folder.join("demo-1.0.tar.gz"));
        run(tar.arg("demo-1.0")).ok();
        let recipe = format!(
            "name = \"demo\"\nversion = \"1.0\"\nsummary = \"a thing with dependencies\"\nlicense = \"MIT\"\n\
             maintainer = \"A B <a@example.org>\"\nseries = [\"trixie\"] # one\n{more}\n\
             [[source]]\nurl = \"demo-{{{{ version }}}}.tar.gz\"\n"
        );
        fs::write(demo.folder.join("recipe.toml"), recipe).unwrap();
        demo
    }

    /// A program with the registries that this machine's configuration names: the
    /// one thing besides PATH that it may know of the user.
    fn client(&self, program: &str) -> std::process::Command {
        let mut command = self.environment.command(program);
        let home = std::env::var_os("HOME").unwrap_or_default();
        let home = Path::new(&home);
        let or = |name: &str, default: PathBuf| std::env::var_os(name).unwrap_or(default.into());
        command.env("CARGO_HOME", or("CARGO_HOME", home.join(".cargo")));
        command.env("RUSTUP_HOME", or("RUSTUP_HOME", home.join(".rustup")));
        command.env("NPM_CONFIG_USERCONFIG", or("NPM_CONFIG_USERCONFIG", home.join(".npmrc")));
        command.env("PIP_CONFIG_FILE", or("PIP_CONFIG_FILE", pip_configuration(home)));
        command.env("PIP_CACHE_DIR", common::kept("pip-cache"));
        for (name, value) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let starts =
                ["PIP_", "npm_config_", "NPM_CONFIG_", "CARGO_REGISTRIES_", "http_proxy", "https_proxy", "SSL_"];
            if starts.iter().any(|start| text.starts_with(start)) {
                command.env(&name, value);
            }
        }
        command
    }

    fn vendor(&self, more: &[&str]) -> Run {
        run(self.client(common::PKGR).arg("vendor").args(more).current_dir(&self.folder))
    }

    fn tarball(&self) -> Vec<u8> {
        fs::read(self.folder.join("demo-1.0-vendor.tar.xz")).unwrap()
    }

    /// Vendors twice from nothing, and unpacks the source package with dpkg-source.
    fn unpacked(&self) -> PathBuf {
        let recipe = fs::read_to_string(self.folder.join("recipe.toml")).unwrap();
        assert_eq!(self.vendor(&[]).ok().stdout, "demo-1.0-vendor.tar.xz\n");
        let entry = "\n[[source]]\ncomponent = \"vendor\"\nurl = \"{{ name }}-{{ version }}-vendor.tar.xz\"\n";
        assert_eq!(fs::read_to_string(self.folder.join("recipe.toml")).unwrap(), format!("{recipe}{entry}"));
        let first = self.tarball();
        run(self.environment.pkgr(&["build", "--no-sign"]).current_dir(&self.folder)).ok();
        fs::remove_file(self.folder.join("demo-1.0-vendor.tar.xz")).unwrap();
        self.vendor(&[]).ok();
        assert!(self.tarball() == first, "the bytes differ");
        assert_eq!(fs::read_to_string(self.folder.join("recipe.toml")).unwrap(), format!("{recipe}{entry}"));
        let left = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".pkgr")));
        let tree = self.environment.path("tmp/unpacked");
        let mut dpkg = self.environment.command("dpkg-source");
        let dsc = self.folder.join("dist/demo_1.0-1~deb13u1.dsc");
        run(dpkg.args(["--no-check", "-x"]).arg(dsc).arg(&tree)).ok();
        tree
    }

    /// A program in the unpacked tree that has no network: a namespace of its own.
    fn offline(&self, tree: &Path, script: &str) -> Run {
        let mut command = self.client("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-euc", script]).current_dir(tree);
        run(command.env("CARGO_HOME", self.environment.path("tmp/cargo-home")).env("CARGO_NET_OFFLINE", "true"))
    }
}

fn pip_configuration(home: &Path) -> PathBuf {
    let places = [home.join(".config/pip/pip.conf"), home.join(".pip/pip.conf"), PathBuf::from("/etc/pip.conf")];
    places.into_iter().find(|path| path.exists()).unwrap_or("/dev/null".into())
}

#[test]
fn crates() {
    let manifest =
        "[package]\nname = \"demo\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[dependencies]\nitoa = \"=1.0.11\"\n";
    let main = "fn main() { println!(\"{}\", itoa::Buffer::new().format(42)) }\n";
    let lock = ["cargo", "generate-lockfile", "--quiet"];
    let demo = Demo::new(&[("Cargo.toml", manifest), ("src/main.rs", main)], &lock, "\n[build]\nsystem = \"cargo\"\n");
    let tree = demo.unpacked();
    // what debian/rules writes before it builds
    let script = "mkdir -p \"$CARGO_HOME\"; printf '[source.crates-io]\\nreplace-with = \"v\"\\n[source.v]\\ndirectory = \
        \"%s/vendor\"\\n' \"$PWD\" >\"$CARGO_HOME/config.toml\"; cargo build --quiet --locked --offline; target/debug/demo";
    assert_eq!(demo.offline(&tree, script).ok().stdout, "42\n");
    let rules = fs::read_to_string(tree.join("debian/rules")).unwrap();
    assert!(rules.contains("vendored-sources"), "{rules}");
}

#[test]
fn go_modules() {
    // a module beside the main one: nothing is fetched, and vendored all the same
    let files = [
        (
            "go.mod",
            "module example.org/demo\n\ngo 1.18\n\nrequire example.org/answer v0.0.0\n\nreplace example.org/answer => ./answer\n",
        ),
        ("go.sum", ""),
        ("main.go", "package main\n\nimport \"example.org/answer\"\n\nfunc main() { println(answer.Is()) }\n"),
        ("answer/go.mod", "module example.org/answer\n\ngo 1.18\n"),
        ("answer/answer.go", "package answer\n\nfunc Is() int { return 42 }\n"),
    ];
    let demo = Demo::new(&files, &[], "\n[build]\nsystem = \"go\"\n");
    let tree = demo.unpacked();
    assert!(tree.join("vendor/modules.txt").exists());
    assert!(demo.vendor(&[]).ok().stderr.contains("Unchanged"));
    let said = demo.offline(&tree, "GOFLAGS=-mod=vendor GOPROXY=off go run .").ok();
    assert_eq!(said.stderr.trim(), "42");
}

#[test]
fn python_packages() {
    let demo = Demo::new(&[("requirements.txt", "toml==0.10.2\n"), ("x.py", "")], &[], "");
    let tree = demo.unpacked();
    assert_eq!(fs::read_dir(tree.join("vendor")).unwrap().count(), 1);
    let sdist = tree.join("vendor/toml-0.10.2.tar.gz");
    let listed = run(demo.environment.command("tar").arg("-tzf").arg(sdist)).ok().stdout;
    assert!(listed.contains("toml-0.10.2/setup.py"), "{listed}");
}

#[test]
fn node_modules() {
    let package = "{\"name\": \"demo\", \"version\": \"1.0.0\", \"dependencies\": {\"semver\": \"7.6.3\"}}\n";
    let lock = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    let files = [("package.json", package), ("x.js", "console.log(require('semver').major('4.2.0'))\n")];
    let demo = Demo::new(&files, &lock, "");
    let tree = demo.unpacked();
    let script = "ln -sfn vendor/node_modules node_modules && npm rebuild --offline --ignore-scripts --silent >/dev/null\n\
        node x.js; node_modules/.bin/semver 1.2.3";
    assert_eq!(demo.offline(&tree, script).ok().stdout, "4\n1.2.3\n");
}

#[test]
fn what_cannot_be_vendored_is_told() {
    let code = |demo: &Demo, more: &[&str], exit: i32| -> String {
        let run = demo.vendor(&[more, &["--json"]].concat()).exits(exit);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        document["errors"][0]["code"].as_str().unwrap().to_string()
    };
    let demo = Demo::new(&[("a", "1\n")], &[], "");
    assert_eq!(code(&demo, &[], 1), "no-lock-file");
    assert_eq!(code(&demo, &["--tool", "cargo"], 3), "vendoring-failed");
    let demo = Demo::new(&[("go.sum", ""), ("Cargo.lock", "")], &[], "");
    assert_eq!(code(&demo, &[], 2), "several-lock-files");
    let demo = Demo::new(&[("go.sum", ""), ("vendor/modules.txt", "")], &[], "");
    assert_eq!(code(&demo, &[], 1), "vendored-already");
    assert!(!demo.folder.join("demo-1.0-vendor.tar.xz").exists());
}
