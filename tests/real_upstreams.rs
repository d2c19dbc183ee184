//! Real input: an autotools program, a C library and a Python module, each with
//! the upstream tarball and the patches of the machine's own Debian release.
//! `tests/upstreams/*.toml` are the recipes; version, source and patches, which
//! depend on the release, are filled in from the downloaded source package.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::control::Paragraph;
use common::judge::{self, Package};
use common::{TestEnvironment, assert_same_files, build_binaries, changes_in, files_ending};
use common::{apt, reference, repository, root, run, snapshot};

#[test]
fn an_autotools_program() {
    let environment = TestEnvironment::new();
    prove(&environment, "patch");
}

#[test]
fn a_python_module() {
    let environment = TestEnvironment::new();
    prove(&environment, "jinja2");
}

/// The library is built to .deb files too, and a program is linked with them.
#[test]
fn a_c_library() {
    let environment = TestEnvironment::new();
    prove(&environment, "jansson");
    let dist = environment.path("work/dist");
    let number = format!("~deb{}u", number_of_release());
    let dsc = files_ending(&dist, ".dsc").into_iter().find(|dsc| dsc.to_string_lossy().contains(&number));
    let packages = build_binaries(&environment, &dsc.expect("the release's own .dsc"));
    let named = |name: &str| packages.iter().find(|path| path.to_string_lossy().contains(&format!("/{name}_")));
    let installed = environment.path("installed");
    for name in ["libjansson4", "libjansson-dev"] {
        let package = named(name).unwrap_or_else(|| panic!("no {name} among {packages:?}"));
        run(environment.command("dpkg-deb").arg("-x").arg(package).arg(&installed)).ok();
    }
    let field = |name: &str, field: &str| {
        run(environment.command("dpkg-deb").arg("-f").arg(named(name).unwrap()).arg(field)).ok()
    };
    assert!(field("libjansson4", "Depends").stdout.contains("libc6"), "no ${{shlibs:Depends}}");
    let version = field("libjansson4", "Version").stdout;
    assert_eq!(field("libjansson-dev", "Depends").stdout.trim(), format!("libjansson4 (= {})", version.trim()));
    let program = "#include <jansson.h>\n#include <stdio.h>\n\
        int main(void) { puts(json_dumps(json_pack(\"{s:i}\", \"answer\", 42), JSON_COMPACT)); return 0; }\n";
    fs::write(installed.join("main.c"), program).unwrap();
    let script = "lib=$(echo usr/lib/*-linux-gnu*); test -s $lib/pkgconfig/jansson.pc; test -s $lib/libjansson.a
        cc -o main main.c -Iusr/include -L$lib -ljansson
        test \"$(LD_LIBRARY_PATH=$lib ./main)\" = '{\"answer\":42}'";
    run(environment.command("sh").args(["-ec", script]).current_dir(&installed)).ok();
}

/// Builds the recipe with the release's orig and patches, signed; the tools
/// accept it, dpkg-dev makes the same of it, and the unpacked tree is the one
/// that Debian's own package unpacks to, debian/ aside.
#[track_caller]
fn prove(environment: &TestEnvironment, name: &str) {
    let theirs = apt::dsc(&apt::source(name)).unwrap();
    let unpacked = environment.path("theirs");
    run(environment.command("dpkg-source").args(["--no-check", "-x"]).arg(&theirs).arg(&unpacked)).ok();
    let recipe = write_recipe(environment, name, &theirs, &unpacked);
    let key = environment.key().secret.to_str().unwrap().to_string();
    run(environment.pkgr(&["build", "--offline", "--key", &key]).arg(&recipe)).ok();

    let packages: Vec<Package> = changes_in(&environment.path("work/dist")).iter().map(|c| Package::of(c)).collect();
    assert_eq!(packages.len(), 2, "one package for each series");
    for package in &packages {
        let tree = judge::accept(environment, package);
        let wrong = reference::differences(environment, package, &tree);
        assert!(wrong.is_empty(), "{name} for {}:\n{}", package.series, wrong.join("\n"));
        let upstream = |tree: &Path| {
            let mut files = snapshot(tree);
            files.retain(|path, _| !path.starts_with("debian") && !path.starts_with(".pc"));
            files
        };
        assert_same_files(&upstream(&tree), &upstream(&unpacked), "not the tree that Debian's package unpacks to");
        assert!(upstream(&tree).len() > 20, "hardly anything in {}", tree.display());
    }
}

/// Fills in what depends on the release: version, orig, patches.
fn write_recipe(environment: &TestEnvironment, name: &str, dsc: &Path, unpacked: &Path) -> PathBuf {
    let folder = environment.path("work").join(name);
    fs::create_dir(&folder).unwrap();
    let paragraph = Paragraph::read(dsc);
    let version = paragraph.need("Version");
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let template = fs::read_to_string(repository().join(format!("tests/upstreams/{name}.toml"))).unwrap();
    let mut text = template.replace("@VERSION@", upstream).replace("@CODENAME@", &root::codename());
    for listed in paragraph.files("Files") {
        if listed.name.contains(".orig.tar.") && !listed.name.ends_with(".asc") {
            fs::copy(dsc.with_file_name(&listed.name), folder.join(&listed.name)).unwrap();
            text += &format!("\n[[source]]\nurl = \"{}\"\n", listed.name);
        }
    }
    let patches = unpacked.join("debian/patches");
    let series = fs::read_to_string(patches.join("series")).unwrap();
    for line in series.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let patch = line.split_whitespace().next().unwrap();
        fs::create_dir_all(folder.join("patches")).unwrap();
        fs::copy(patches.join(patch), folder.join("patches").join(patch)).unwrap();
        text += &format!("\n[[patch]]\nfile = \"patches/{patch}\"\n");
    }
    assert!(text.contains("[[patch]]"), "{name} has no patches in this release: take another package");
    fs::write(folder.join("recipe.toml"), text).unwrap();
    folder
}

/// `12` for bookworm.
fn number_of_release() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap();
    text.lines().find_map(|line| line.strip_prefix("VERSION_ID=")).unwrap().trim_matches('"').to_string()
}
