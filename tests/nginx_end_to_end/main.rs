//! The recipes of nginx modules from end to end, on real Debian: `pkgr update`
//! looks nginx up in the machine's own mirror, `pkgr build` makes the source
//! packages, and `pkgr test` builds them in clean roots, installs them with every
//! flavor, and has nginx load, answer, stop, and start again without them.
//!
//! The recipes are those of the repository with their sources redirected, by the
//! edits that stand here. bullseye has its flavors compiled separately, bookworm
//! and trixie have nginx-dev. nginx is followed in the releases themselves, which
//! do not move; the roots have the security updates, so that what was built for
//! the one is loaded into the other.
//!
//! Needs mmdebstrap and root or user namespaces; on first use some minutes for
//! the roots, which `sandbox.rs` shares.

#[path = "../common/mod.rs"]
mod common;
mod recipe;
mod stand_in;

use std::path::Path;

use common::{TestEnvironment, changes_in, files_ending, kept, run};
use recipe::{SERIES, edited};
use serde_json::Value;

/// Looks up, builds and tests a recipe for one series; returns the one target of `pkgr test --json`.
fn prove(environment: &TestEnvironment, recipe: &Path, series: &str) -> Value {
    run(environment.pkgr(&["update", "--only", series]).arg(recipe)).ok();
    run(environment.pkgr(&["build", "--no-sign", "--only", series]).arg(recipe)).ok();
    let dist = environment.work().join("dist");
    assert_eq!(changes_in(&dist).len(), 1);
    let dsc = files_ending(&dist, ".dsc").remove(0);
    let mut test = environment.pkgr(&["test", "--json"]);
    let ran = run(test.arg(dsc).arg("--cache").arg(kept("sandbox")));
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    document["targets"][0].clone()
}

/// What is done with each nginx, and how it went: all of it, in this order, well.
fn assert_passed(target: &Value, packages: &[(&str, &str)], tests: &[String]) {
    let mut expected = Vec::new();
    for (nginx, package) in packages {
        expected.push(format!("installation for {nginx} with {package}"));
        let steps = ["nginx -t", "start", "one request", "stop", "purge", "start without the module"];
        expected.extend(steps.map(|step| format!("{nginx}: {step}")));
    }
    for test in tests {
        expected.extend([format!("installation for {test}"), test.clone()]);
    }
    let steps = target["steps"].as_array().unwrap();
    let passed: Vec<&str> =
        steps.iter().filter(|step| step["result"] == "passed").map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(passed, expected, "{target:#}");
    assert_eq!(steps.len(), expected.len(), "{target:#}");
}

/// `{name}-nginx-core` and so on, each with its nginx, in byte order; with
/// nginx-dev the package that they share is tested with nginx as such too.
fn packages(name: &str, has_dev: bool) -> Vec<(String, String)> {
    let flavors = ["core", "extras", "full", "light"];
    let mut packages: Vec<(String, String)> =
        flavors.iter().map(|flavor| (format!("nginx-{flavor}"), format!("{name}-nginx-{flavor}"))).collect();
    if has_dev {
        packages.push(("nginx".to_string(), format!("{name}-nginx")));
    }
    packages
}

fn check(environment: &TestEnvironment, recipe: &Path, series: &str, test: &str) {
    let target = prove(environment, recipe, series);
    let packages = packages(target["source"].as_str().unwrap(), series != "bullseye");
    let packages: Vec<(&str, &str)> = packages.iter().map(|(nginx, own)| (nginx.as_str(), own.as_str())).collect();
    let tests = ["core", "light", "full", "extras"].map(|flavor| format!("{test}-{flavor}"));
    assert_passed(&target, &packages, &tests);
}

/// brotli's own source is Debian's orig of it. bullseye's archive has no source
/// package of a module but nginx itself, and its nginx no brotli.
fn brotli(series: &str) {
    let environment = TestEnvironment::new();
    let recipe = edited(&environment, "ngx-brotli", BROTLI, COMPRESSES);
    std::fs::copy(common::apt::orig("libnginx-mod-http-brotli"), recipe.join("brotli.tar.gz")).unwrap();
    check(&environment, &recipe, series, "compresses");
}

const BROTLI: &[(&str, &str)] = &[
    (r#"["jammy", "noble", "resolute", "bullseye", "bookworm", "trixie"]"#, SERIES),
    (r#"git    = "https://github.com/google/ngx_brotli.git""#, r#"url = "brotli.tar.gz""#),
    ("commit = \"a71f9312c2deb28875acc7bacfdd5695a111aa53\"\n", ""),
    (r#"section       = "httpd""#, "section = \"httpd\"\narchitectures = [\"amd64\"]"),
];

const COMPRESSES: &str = r#"
[[test]]
name    = "compresses"
depends = ["@", "curl"]
run     = '''
printf 'brotli on;\nbrotli_types *;\nbrotli_min_length 1;\n' > /etc/nginx/conf.d/brotli.conf
service nginx restart
curl -sf -H 'Accept-Encoding: br' -o /dev/null -D - http://localhost/ | grep -i '^content-encoding: br'
'''
"#;

#[test]
fn brotli_for_the_flavors_of_bullseye() {
    brotli("bullseye");
}

#[test]
fn brotli_for_bookworm() {
    brotli("bookworm");
}

#[test]
fn brotli_for_trixie() {
    brotli("trixie");
}

/// The flagship, with stand-ins for PageSpeed and PSOL: its own names, prepare,
/// patches, packages and test.
fn flagship(series: &str) {
    let environment = TestEnvironment::new();
    let recipe = stand_in::flagship(&environment);
    check(&environment, &recipe, series, "rewrites");
}

#[test]
fn the_flagship_for_the_flavors_of_bullseye() {
    flagship("bullseye");
}

#[test]
fn the_flagship_for_bookworm() {
    flagship("bookworm");
}

#[test]
fn the_flagship_for_trixie() {
    flagship("trixie");
}
