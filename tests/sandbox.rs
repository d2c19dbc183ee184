//! `pkgr test`: binaries really built in a clean root of this machine's
//! release, installed into another and tested there; what is wrong with a
//! package is said; nothing has a network, and nothing is left behind.
//!
//! The roots are made once, by pkgr, and kept in its cache under target/.

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use common::{Run, TestEnvironment, files_ending, kept, root::codename, run};
use serde_json::Value;

/// The cache with the roots, which all tests share.
fn cache() -> PathBuf {
    kept("sandbox")
}

fn test_command(environment: &TestEnvironment, arguments: &[&str]) -> Command {
    let mut command = environment.pkgr(&["test"]);
    command.args(arguments).arg("--cache").arg(cache());
    command
}

/// `pkgr test --json` of a recipe for this machine's release: the run, and the
/// one target of its document where there is one.
fn test_recipe(environment: &TestEnvironment, recipe: &Path, arguments: &[&str]) -> (Run, Value, Value) {
    let mut command = test_command(environment, arguments);
    let ran = run(command.args(["--json", "--only", &codename()]).arg(recipe));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stdout));
    assert_eq!(document["schema"], "pkgr.test/1");
    let target = document["targets"][0].clone();
    (ran, document, target)
}

/// A native package whose binary is built by nothing, with more in its recipe.
fn small_recipe(environment: &TestEnvironment, name: &str, more: &str) -> PathBuf {
    let folder = environment.work().join(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("data.txt"), "data\n").unwrap();
    let text = format!(
        "name = \"{name}\"\nversion = \"1.0\"\nsummary = \"package under test\"\nlicense = \"MIT\"\n\
         maintainer = \"Du9L <du9l@example.org>\"\nseries = [\"{}\"]\n{more}\n",
        codename()
    );
    fs::write(folder.join("recipe.toml"), text).unwrap();
    folder
}

const INSTALL: &str = "[install]\n\"data.txt\" = \"/usr/share/under-test/\"\n";

/// The sandboxes whose janitor lives; those of other tests come and go.
fn sandboxes() -> Vec<PathBuf> {
    let folder = cache().join("sandboxes");
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn steps(target: &Value) -> Vec<(&str, &str)> {
    let steps = target["steps"].as_array().unwrap();
    steps.iter().map(|step| (step["name"].as_str().unwrap(), step["result"].as_str().unwrap())).collect()
}

#[test]
fn hello_is_built_installed_and_tested() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let (ran, _, target) = test_recipe(&environment, &recipe, &["--keep"]);
    ran.ok();
    assert_eq!(target["result"], "passed");
    assert_eq!(
        steps(&target),
        [
            ("installation for greets, reports-a-full-disk", "passed"),
            ("greets", "passed"),
            ("reports-a-full-disk", "passed"),
        ]
    );
    let kept = PathBuf::from(target["kept"].as_str().unwrap());
    let debs = files_ending(&kept.join("shared/debs"), ".deb");
    assert!(debs.iter().any(|deb| deb.to_string_lossy().contains("/hello_2.12-1~deb")), "{debs:?}");
    // the compiler is in the root of the build alone; the third is a copy of the second
    assert!(kept.join("root1/usr/bin/gcc").exists() && !kept.join("root2/usr/bin/gcc").exists());
    assert!(kept.join("root3/usr/bin/hello").exists());
    run(environment.command("rm").arg("-rf").arg(kept)).ok();

    // the .dsc alone says which series it is for
    run(environment.pkgr(&["build", "--no-sign", "--only", &codename()]).arg(&recipe)).ok();
    let dsc = files_ending(&environment.work().join("dist"), ".dsc").remove(0);
    let ran = run(test_command(&environment, &[]).arg(dsc)).ok();
    assert!(ran.stdout.starts_with("passed hello 2.12-1~deb"), "{}", ran.stdout);
    assert!(ran.stderr.contains("Passed hello"), "{}", ran.stderr);
}

/// The listener is one that every process of this machine could reach: were the
/// network not cut, build and test would find it.
#[test]
fn nothing_has_a_network_but_its_own_loopback() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reach = format!(
        "perl -MIO::Socket::INET -e '\
         exit 1 if IO::Socket::INET->new(PeerAddr => \"127.0.0.1:{port}\"); \
         exit 2 if IO::Socket::INET->new(PeerAddr => \"192.0.2.1:80\", Timeout => 5); \
         exit 3 unless $!{{ENETUNREACH}}; \
         my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => \"127.0.0.1\") or exit 4; \
         IO::Socket::INET->new(PeerAddr => \"127.0.0.1\", PeerPort => $l->sockport) or exit 5'"
    );
    let environment = TestEnvironment::new();
    let more = format!(
        "[build]\nsystem = \"none\"\nbuild = \"\"\"\n{0}\n\"\"\"\n[[test]]\nname = \"offline\"\nrun = \"\"\"\n{0}\n\"\"\"\n{INSTALL}",
        reach.replace('\\', "\\\\")
    );
    let more = more.replace("[[test]]", "[[test]]\ndepends = [\"@\", \"perl\"]");
    let recipe = small_recipe(&environment, "offline", &more);
    let (ran, document, target) = test_recipe(&environment, &recipe, &[]);
    assert_eq!(ran.code, Some(0), "{document:#}");
    assert_eq!(steps(&target)[1], ("offline", "passed"));
    // the script does find a listener where there is one
    let here = run(environment.command("sh").args(["-c", &reach]));
    assert_eq!(here.code, Some(1), "the test finds no listener even where it can be reached");
}

#[test]
fn a_build_that_fails_is_shown() {
    let environment = TestEnvironment::new();
    let more = format!("[build]\nbuild = \"echo the compiler says no; false\"\n{INSTALL}");
    let recipe = small_recipe(&environment, "unbuildable", &more);
    let (ran, document, target) = test_recipe(&environment, &recipe, &[]);
    ran.exits(1);
    let error = &document["errors"][0];
    assert_eq!(error["code"], "build-failed");
    let version = target["version"].as_str().unwrap();
    assert_eq!(error["message"], format!("building unbuildable_{version} on {} failed", codename()));
    let notes = error["notes"].to_string();
    assert!(notes.contains("the compiler says no"), "{notes}");
    // the whole log is where it is said to be, with the build in it
    let log = fs::read_to_string(target["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("==> build\n") && log.contains("the compiler says no"));
}

#[test]
fn a_package_that_cannot_be_installed_is_shown() {
    let environment = TestEnvironment::new();
    let more = format!("depends = [\"no-such-package-anywhere\"]\n{INSTALL}");
    let recipe = small_recipe(&environment, "uninstallable", &more);
    let (ran, document, _) = test_recipe(&environment, &recipe, &[]);
    ran.exits(1);
    let error = document["errors"][0].to_string();
    assert!(error.contains("the dependencies cannot be satisfied"), "{error}");
    assert!(error.contains("no-such-package-anywhere"), "{error}");

    let more = format!("scripts = {{ postinst = \"postinst\" }}\n{INSTALL}");
    let recipe = small_recipe(&environment, "bad-postinst", &more);
    fs::write(recipe.join("postinst"), "#!/bin/sh\nset -e\n#DEBHELPER#\necho no room here >&2\nexit 1\n").unwrap();
    let (ran, document, target) = test_recipe(&environment, &recipe, &[]);
    ran.exits(1);
    let error = document["errors"][0].to_string();
    assert!(error.contains("the packages do not install") && error.contains("no room here"), "{error}");
    assert_eq!(steps(&target), [("installation for all packages", "failed")]);
}

/// What is tested of nginx modules whatever the recipe says; that good ones pass
/// is shown by nginx_end_to_end.
#[test]
fn a_module_that_nginx_does_not_load_is_shown() {
    let environment = TestEnvironment::new();
    let more = "depends = [\"nginx-light\"]\n[install]\n\"data.txt\" = \"/usr/lib/nginx/modules/ngx_bad_module.so\"\n";
    let recipe = small_recipe(&environment, "bad-module", more);
    let (ran, document, target) = test_recipe(&environment, &recipe, &[]);
    ran.exits(1);
    assert_eq!(
        steps(&target),
        [
            ("installation for nginx-light with bad-module", "passed"),
            ("nginx-light: nginx -t", "failed"),
            ("nginx-light: start", "skipped"),
            ("nginx-light: one request", "skipped"),
            ("nginx-light: stop", "skipped"),
            ("nginx-light: purge", "skipped"),
            ("nginx-light: start without the module", "skipped"),
        ]
    );
    let errors = document["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{document:#}");
    assert!(errors[0]["notes"].to_string().contains("ngx_bad_module.so"), "{document:#}");
}

#[test]
fn each_test_has_its_verdict() {
    let tests = [
        ("fails", "echo almost; exit 3", ""),
        ("complains", "echo odd >&2", ""),
        ("may-complain", "echo odd >&2", "allow-stderr"),
        ("is-flaky", "exit 1", "flaky"),
        ("does-not-apply", "echo no such thing here; exit 77", "skippable"),
        ("wants-the-world", "exit 1", "needs-internet"),
        ("is-user", "test $(id -un) = pkgr", ""),
        ("is-root", "test $(id -u) = 0 && touch /usr/share/under-test/new", "needs-root"),
        ("has-scratch", "echo 1 > $AUTOPKGTEST_TMP/a && test -f debian/control", ""),
        ("sees-the-root", "test -f /usr/share/under-test/new", ""),
    ];
    let mut more = String::new();
    for (name, script, restriction) in tests {
        more.push_str(&format!("[[test]]\nname = \"{name}\"\nrun = '{script}'\n"));
        if !restriction.is_empty() {
            more.push_str(&format!("restrictions = [\"{restriction}\"]\n"));
        }
    }
    let environment = TestEnvironment::new();
    let recipe = small_recipe(&environment, "verdicts", &format!("{INSTALL}{more}"));
    let (ran, document, target) = test_recipe(&environment, &recipe, &[]);
    assert_eq!(ran.code, Some(1), "{document:#}");
    let verdict = |name: &str| steps(&target).into_iter().find(|step| step.0 == name).map(|step| step.1.to_string());
    for (name, expected) in [
        ("fails", "failed"),
        ("complains", "failed"),
        ("may-complain", "passed"),
        ("is-flaky", "tolerated"),
        ("does-not-apply", "skipped"),
        ("wants-the-world", "skipped"),
        ("is-user", "passed"),
        ("is-root", "passed"),
        ("has-scratch", "passed"),
    ] {
        assert_eq!(verdict(name).as_deref(), Some(expected), "{name}: {target:#}");
    }
    // it is behind a skipped test, so in the same root as `is-root`
    assert_eq!(verdict("sees-the-root").as_deref(), Some("passed"), "{target:#}");
    let errors: Vec<&str> =
        document["errors"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert!(errors.len() == 2 && errors[0].ends_with("fails failed: exit code 3"), "{errors:?}");
    assert!(document["errors"][0]["notes"][0].as_str().unwrap().contains("almost"), "{document:#}");
}

#[test]
fn a_shell_opens_where_a_test_failed() {
    let environment = TestEnvironment::new();
    let more = format!(
        "{INSTALL}[[test]]\nname = \"fails\"\nrun = '''\nsleep 300 &\nexit 1'''\n[[test]]\nname = \"later\"\nrun = \"true\"\n"
    );
    let recipe = small_recipe(&environment, "inspected", &more);
    let script = format!(
        "echo 'cat /usr/share/under-test/data.txt; ls /proc/*/comm | xargs cat | grep sleep; echo in $PWD' | \
         {} test --shell-on-failure --cache {} {}",
        common::PKGR,
        cache().display(),
        recipe.display()
    );
    let ran = run(environment.command("sh").args(["-c", &script])).exits(1);
    for expected in ["a shell in the root", "data\n", "sleep\n", "in /pkgr/source"] {
        assert!(ran.stderr.contains(expected), "no `{expected}` in\n{}", ran.stderr);
    }
    assert!(ran.stderr.contains("later was skipped: a step before it failed"), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("failed inspected") && ran.stdout.lines().count() == 1, "{}", ran.stdout);
}

/// kill -9 in the middle of a build: its processes and its folder are gone
/// moments later.
#[test]
fn nothing_is_left_of_a_killed_run() {
    let environment = TestEnvironment::new();
    // unique among the processes of this machine
    let seconds = format!("{}", 70_000 + std::process::id() % 20_000);
    let recipe = small_recipe(&environment, "hangs", &format!("[build]\nbuild = \"sleep {seconds}\"\n{INSTALL}"));
    for signal in ["-KILL", "-INT"] {
        let before = sandboxes();
        let mut command = test_command(&environment, &[]);
        let mut child = command.arg(&recipe).spawn().unwrap();
        wait_until("the build has not begun", || is_running(&seconds) || has_ended(&mut child));
        assert!(is_running(&seconds), "the build does not hang");
        let made: Vec<PathBuf> = sandboxes().into_iter().filter(|folder| !before.contains(folder)).collect();
        let ours = made.into_iter().find(|f| f.join("shared/source/debian/control").exists() && names(f, "hangs"));
        let ours = ours.expect("the sandbox was not found");
        run(Command::new("kill").args([signal, &child.id().to_string()])).ok();
        child.wait().unwrap();
        wait_until("the build runs on", || !is_running(&seconds));
        wait_until("the sandbox is still there", || !ours.exists());
    }
}

fn names(sandbox: &Path, source: &str) -> bool {
    fs::read_to_string(sandbox.join("shared/source/debian/control"))
        .is_ok_and(|text| text.starts_with(&format!("Source: {source}\n")))
}

fn has_ended(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_some()
}

#[track_caller]
fn wait_until(otherwise: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(400), "{otherwise}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether a process `sleep SECONDS` runs anywhere.
fn is_running(seconds: &str) -> bool {
    let wanted = format!("sleep\0{seconds}\0");
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| fs::read(entry.path().join("cmdline")).is_ok_and(|bytes| bytes == wanted.as_bytes()))
}

/// What this machine lacks is its fault, not the package's: exit 3.
#[test]
fn what_the_machine_lacks_is_said() {
    let environment = TestEnvironment::new();
    let recipe = small_recipe(&environment, "anything", INSTALL);
    let only = codename();
    let bare = environment.path("bin");
    fs::create_dir(&bare).unwrap();
    // mmdebstrap is looked for in PATH alone and the system's own folders
    let ran = run(test_command(&environment, &["--only", &only]).arg(&recipe).env("PATH", &bare)).exits(3);
    assert!(ran.stderr.contains("mmdebstrap") && ran.stderr.contains("apt install mmdebstrap"), "{}", ran.stderr);
    let ran = run(test_command(&environment, &["--only", &only, "--arch", "s390x"]).arg(&recipe)).exits(3);
    assert!(ran.stderr.contains("cannot run programs of s390x"), "{}", ran.stderr);
}

/// A mirror that is not there: exit 3, with the variable that names another,
/// and no half of a root in the cache.
#[test]
fn a_mirror_that_cannot_be_reached_is_the_machines_fault() {
    let environment = TestEnvironment::new();
    let recipe = small_recipe(&environment, "anything", INSTALL);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(); // closed again
    let mut command = environment.pkgr(&["test", "--only", &codename(), "--json"]);
    command.arg("--debian-mirror").arg(format!("http://127.0.0.1:{port}/debian")).arg(&recipe);
    let ran = run(&mut command).exits(3);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["errors"][0]["code"], "root-not-made");
    assert!(document["errors"][0]["hints"].to_string().contains("PKGR_DEBIAN_MIRROR"), "{document:#}");
    let left = fs::read_dir(environment.path("home/.cache/pkgr/roots")).unwrap();
    let left: Vec<_> = left
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| !name.to_string_lossy().ends_with(".lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
