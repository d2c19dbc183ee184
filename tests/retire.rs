//! A package retired with `transitional`: the real debhelper builds it, dpkg
//! upgrades from the old name to the new one, and lintian has nothing to say.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, TestEnvironment, build_binaries, files_ending, run};

/// Builds a recipe of one file for this release; returns its .deb files.
fn build(environment: &TestEnvironment, name: &str, more: &str) -> Vec<PathBuf> {
    let folder = environment.work().join(name);
    fs::create_dir_all(&folder).unwrap();
    let series = common::root::codename();
    let text = format!(
        "name = \"{name}\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\nmaintainer = \"Du9L <du9l@example.org>\"\n\
         section = \"misc\"\nseries = [\"{series}\"]\n{more}\n[install]\n\"greeting\" = \"/usr/share/greeting/\"\n"
    );
    fs::write(folder.join("recipe.toml"), text).unwrap();
    fs::write(folder.join("greeting"), format!("of {name}\n")).unwrap();
    let dist = folder.join("dist");
    let mut build = environment.pkgr(&["-q", "build", name, "--key"]);
    run(build.arg(&environment.key().secret).arg("-o").arg(&dist)).ok();
    let dsc = files_ending(&dist, ".dsc").remove(0);
    let packages = build_binaries(environment, &dsc);
    let kept = folder.join("debs");
    fs::create_dir(&kept).unwrap();
    for path in packages {
        fs::copy(&path, kept.join(path.file_name().unwrap())).unwrap();
    }
    files_ending(&kept, ".deb")
}

fn dpkg(environment: &TestEnvironment, root: &Path, arguments: &[&str], packages: &[&PathBuf]) -> Run {
    let mut dpkg = environment.command("dpkg");
    dpkg.arg(format!("--root={}", root.display())).args(["--force-not-root", "--force-script-chrootless"]);
    run(dpkg.args(arguments).args(packages))
}

#[test]
fn an_upgrade_goes_to_the_new_name() {
    let environment = TestEnvironment::new();
    let old = build(&environment, "hello-old", "version = \"1.0\"");
    let new = build(&environment, "hello-new", "version = \"2.0\"\ntransitional = [\"hello-old\"]");
    let named = |name: &str| new.iter().find(|path| path.to_string_lossy().contains(&format!("/{name}_"))).unwrap();
    assert_eq!((old.len(), new.len()), (1, 2), "{new:?}");
    let field = |name: &str, field: &str| {
        run(environment.command("dpkg-deb").arg("-f").arg(named(name)).arg(field)).ok().stdout.trim().to_string()
    };
    let version = field("hello-new", "Version");
    assert_eq!(field("hello-new", "Breaks"), format!("hello-old (<< {version})"));
    assert_eq!(
        (field("hello-old", "Section").as_str(), field("hello-old", "Depends").as_str()),
        ("oldlibs", "hello-new")
    );

    let root = environment.path("root");
    for folder in ["var/lib/dpkg/updates", "var/lib/dpkg/info"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    dpkg(&environment, &root, &["-i"], &[&old[0]]).ok();
    // without the transitional package the old one is in the way, and says so
    let refused = dpkg(&environment, &root, &["-i"], &[named("hello-new")]);
    assert!(refused.code != Some(0) && refused.stderr.contains("breaks hello-old"), "{}", refused.stderr);
    dpkg(&environment, &root, &["-i"], &[named("hello-old"), named("hello-new")]).ok();
    assert_eq!(fs::read_to_string(root.join("usr/share/greeting/greeting")).unwrap(), "of hello-new\n");
    let owner = dpkg(&environment, &root, &["-S", "/usr/share/greeting/greeting"], &[]).ok();
    assert_eq!(owner.stdout, "hello-new: /usr/share/greeting/greeting\n");
    dpkg(&environment, &root, &["-P", "hello-old"], &[]).ok();
    assert!(root.join("usr/share/greeting/greeting").exists(), "the old name goes, the files stay");

    let mut lintian = environment.command("lintian");
    let said = run(lintian.args(["--fail-on", "none", "--tag-display-limit", "0"]).args(&new)).ok().stdout;
    let said: Vec<&str> = said.lines().filter(|line| !line.contains("initial-upload")).collect();
    assert!(
        !said.iter().any(|line| line.contains("hello-old") && (line.starts_with("E") || line.starts_with("W"))),
        "{said:?}"
    );
}

/// With one package and its former name, what upstream installs is still the
/// package's, not left in debian/tmp.
#[test]
fn what_upstream_installs_stays_in_the_package() {
    let environment = TestEnvironment::new();
    let folder = environment.work().join("hello");
    let tree = environment.path("hello-1.0");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&tree).unwrap();
    let makefile = "all:\n\ninstall:\n\tinstall -D -m 755 hello.sh $(DESTDIR)/usr/bin/hello\n";
    fs::write(tree.join("Makefile"), makefile).unwrap();
    fs::write(tree.join("hello.sh"), "#!/bin/sh\necho hello\n").unwrap();
    let mut tar = environment.command("tar");
    run(tar.arg("-czf").arg(folder.join("hello-1.0.tar.gz")).arg("-C").arg(environment.path("")).arg("hello-1.0")).ok();
    let text = format!(
        "name = \"hello\"\nversion = \"1.0\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\n\
         maintainer = \"Du9L <du9l@example.org>\"\nseries = [\"{}\"]\narchitectures = [\"all\"]\n\
         transitional = [\"hi\", \"moin\"]\n[[source]]\nurl = \"hello-1.0.tar.gz\"\n",
        common::root::codename()
    );
    fs::write(folder.join("recipe.toml"), text).unwrap();
    run(&mut environment.pkgr(&["-q", "build", "hello", "--no-sign"])).ok();
    let packages = build_binaries(&environment, &files_ending(&environment.path("work/dist"), ".dsc")[0]);
    assert_eq!(packages.len(), 3, "{packages:?}");
    let contents = run(environment.command("dpkg-deb").arg("-c").arg(&packages[0])).ok().stdout;
    assert!(packages[0].to_string_lossy().contains("/hello_") && contents.contains("./usr/bin/hello"), "{contents}");
}
