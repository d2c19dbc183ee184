//! `pkgr check` of recipes, through the program: every finding once, and the same
//! recipe without it; what series have is asked of a simulated archive of Ubuntu,
//! what a PPA has of a stand-in for Launchpad; lintian is the real one.

mod common;
mod launchpad_support;
mod update_support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, TestEnvironment, repository, run};
use launchpad_support::{Service, Upload};
use serde_json::Value;
use update_support::World;
use update_support::nginx::{JAMMY, NOBLE};

const GOOD: &str = r#"
name       = "hello"
version    = "2.0"
summary    = "greeting of the world"
license    = "MIT"
copyright  = ["2026 Jane Doe"]
maintainer = "Jane Doe <jane@example.org>"
series     = ["jammy", "noble"]
"#;

/// 2026-11-24, by which series live.
const NOW: &str = "1795521600";

fn write(environment: &TestEnvironment, recipe: &str) -> PathBuf {
    let path = environment.work().join("recipe.toml");
    fs::write(&path, recipe).unwrap();
    path
}

/// `pkgr check --offline --json` of a recipe in the work folder.
fn check(environment: &TestEnvironment, recipe: &str, arguments: &[&str]) -> Run {
    write(environment, recipe);
    let mut command = environment.pkgr(&["check", "--offline", "--json"]);
    run(command.args(arguments).env("SOURCE_DATE_EPOCH", NOW))
}

fn document(said: &Run) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Codes of the findings, but that nobody was asked.
fn codes(said: &Run) -> Vec<String> {
    let document = document(said);
    let Some(findings) = document["recipes"][0]["findings"].as_array() else { panic!("{document:#}") };
    let codes = findings.iter().map(|finding| finding["code"].as_str().unwrap().to_string());
    codes.filter(|code| code != "dependencies-not-checked").collect()
}

#[test]
fn every_finding_of_the_recipe_alone() {
    let environment = TestEnvironment::new();
    assert!(codes(&check(&environment, GOOD, &["--deny", "warnings"]).ok()).is_empty());
    let upstream = "\n[[source]]\nurl = \"hello.tar.gz\"\n";
    fs::write(environment.work().join("hello.tar.gz"), "not looked into").unwrap();
    for (from, to, found, status) in [
        ("greeting of", "a greeting of", "summary-article", 0),
        ("greeting of the world", "greeting of the world.", "summary-full-stop", 0),
        ("greeting", "hello, greeting", "summary-name", 0),
        ("the world", "the whole wide world ".repeat(5).trim_end(), "summary-long", 0),
        ("\"jammy\", ", "\"bionic\", \"jammy\", ", "series-extended", 0),
        ("\"jammy\", ", "\"groovy\", \"jammy\", ", "series-eol", 1),
        ("\"MIT\"", "\"Beerware\"", "licence-text-missing", 1),
        ("name       = \"hello\"", "name = \"hello-noble\"", "name-of-axis", 0),
        ("series ", "architectures = [\"amd64\"]\ndepends = [\"libc6 [armhf]\"]\nseries ", "architecture-never", 0),
        (
            "copyright  = [\"2026 Jane Doe\"]\nmaintainer = \"Jane Doe <jane@example.org>\"\nseries     = [\"jammy\", \"noble\"]\n",
            &format!("maintainer = \"Jane Doe <jane@example.org>\"\nseries = [\"jammy\", \"noble\"]\n{upstream}"),
            "no-copyright-holder",
            0,
        ),
        (
            "series     = [\"jammy\", \"noble\"]\n",
            "series = [\"jammy\", \"noble\"]\n[when.\"noble\"]\nversion = \"1.9\"\n",
            "version-order",
            1,
        ),
    ] {
        let recipe = GOOD.replace(from, to);
        assert_ne!(recipe, GOOD, "{found}");
        let said = check(&environment, &recipe, &[]).exits(status);
        assert_eq!(codes(&said), [found], "{recipe}\n{said:?}");
        let accepted = &document(&said)["recipes"][0]["accepted"];
        assert_eq!(accepted, &(status == 0), "{found}");
        // allowed, it is told no more, and fails nothing
        let allowed = format!("[lint]\nallow = {{ \"{found}\" = \"meant so\" }}\n");
        let recipe = match recipe.find("\n[") {
            Some(at) => format!("{}\n{allowed}{}", &recipe[..at], &recipe[at..]),
            None => format!("{recipe}\n{allowed}"),
        };
        let said = check(&environment, &recipe, &["--deny", "warnings"]).ok();
        assert!(codes(&said).is_empty(), "{found}: {said:?}");
        assert_eq!(document(&said)["recipes"][0]["allowed"][0]["reason"], "meant so", "{found}");
    }
}

#[test]
fn levels_places_and_what_is_allowed_in_vain() {
    let environment = TestEnvironment::new();
    write(&environment, &GOOD.replace("greeting of", "a greeting of"));
    let check = |arguments: &[&str]| {
        let mut command = environment.pkgr(&["check", "--offline"]);
        run(command.args(arguments).env("SOURCE_DATE_EPOCH", NOW))
    };
    let said = check(&[]).ok();
    assert_eq!(said.stdout, "recipe.toml: accepted\n");
    assert!(said.stderr.contains("warning[summary-article]: the summary of hello begins with an article"));
    assert!(said.stderr.contains("recipe.toml:4:") && said.stderr.contains("note[dependencies-not-checked]"));
    let said = check(&["--deny", "warnings", "."]).exits(1);
    assert!(said.stderr.contains("error[summary-article]"), "{}", said.stderr);
    // an exception for what is not there, but not for what was not looked for
    let allow = "[lint]\nallow = { \"series-eol\" = \"x\", \"no-such-package\" = \"x\", \"ppa-quota\" = \"x\", \"some-tag\" = \"x\" }\n";
    write(&environment, &format!("{GOOD}\n{allow}"));
    let said = check(&[]).ok();
    assert_eq!(said.stderr.matches("note[allow-unused]").count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains("`series-eol` is allowed, and was not found"), "{}", said.stderr);
    // what is wrong with the language is told as everywhere
    write(&environment, &format!("{GOOD}nonsense = 1\n"));
    assert!(check(&[]).exits(1).stderr.contains("error[unknown-key]"));
}

#[test]
fn versions_rise_over_what_was_given() {
    let environment = TestEnvironment::new();
    let folder = write(&environment, GOOD);
    run(environment.pkgr(&["build", "--no-sign"]).arg(folder)).ok();
    assert!(codes(&check(&environment, GOOD, &[]).ok()).is_empty());
    let said = check(&environment, &GOOD.replace("2.0", "1.9"), &[]).exits(1);
    assert_eq!(codes(&said), ["version-falls", "version-falls"], "{said:?}");
    let message = document(&said)["recipes"][0]["findings"][1]["message"].to_string();
    assert!(message.contains("hello 1.9~ubuntu24.04.1 for noble is lower than 2.0~ubuntu24.04.1"), "{message}");
    for higher in ["1:1.9", "2.0+really1.9", "2.1"] {
        assert!(codes(&check(&environment, &GOOD.replace("2.0", higher), &[]).ok()).is_empty(), "{higher}");
    }
}

#[test]
fn what_is_special_about_a_ppa() {
    let environment = TestEnvironment::new();
    let service = Service::start();
    service.add_ppa("jane", "tools");
    let to_ppa = GOOD.replace("series ", "architectures = [\"amd64\", \"i386\"]\nseries ")
        + "\n[[source]]\nurl = \"blob.tar.gz\"\n\n[upload]\nto = \"ppa:jane/tools\"\n";
    let path = write(&environment, &to_ppa);
    fs::write(path.with_file_name("blob.tar.gz"), "not looked into").unwrap();
    let lock = "lock = 1\n\n[[source]]\nfrom = \"blob.tar.gz\"\nsha256 = \"SHA\"\nsize = 3000000000\n";
    fs::write(path.with_file_name("recipe.lock"), lock.replace("SHA", &"ab".repeat(32))).unwrap();
    // what the PPA's owner has set is not asked, and what it holds is
    let said = check(&environment, &to_ppa, &[]).ok();
    assert_eq!(codes(&said), ["ppa-architectures", "ppa-quota"]);
    let quota = document(&said)["recipes"][0]["findings"].to_string();
    assert!(quota.contains("of 2 series take 5723 of 8192 MiB"), "{quota}");
    let world = World::with(&[]);
    let online = |recipe: &str| {
        write(&environment, recipe);
        let mut command = environment.pkgr(&["check", "--json"]);
        command.envs(service.environment()).env("PKGR_UBUNTU_MIRROR", format!("{}/ubuntu", world.address));
        run(command.env("SOURCE_DATE_EPOCH", NOW))
    };
    let versions = |said: &Run| codes(said).into_iter().filter(|code| code.starts_with("version")).collect::<Vec<_>>();
    assert!(versions(&online(&to_ppa)).is_empty());
    let accept = |version: &str, series: &str| {
        service.publish(service.accept(&Upload::new("jane", "tools", "hello", version, series)));
    };
    accept("2.0-1~ubuntu22.04.1", "jammy");
    assert_eq!(versions(&online(&to_ppa).exits(1)), ["version-used"]);
    accept("3.0-1", "noble");
    let said = online(&to_ppa).exits(1);
    assert_eq!(versions(&said), ["version-used", "version-falls"]);
    assert!(said.stdout.contains("is lower than 3.0-1, which the PPA has"), "{}", said.stdout);
    // the mirror has no such suites: not known is said, and fails nothing by itself
    assert!(codes(&said).contains(&"dependencies-unknown".to_string()), "{said:?}");
    assert!(versions(&check(&environment, &to_ppa, &[]).ok()).is_empty(), "nobody is asked offline");
}

#[test]
fn every_series_has_what_is_needed() {
    let world = World::with(&[JAMMY, NOBLE]);
    let check = |lines: &str| {
        let recipe = GOOD.replace("series ", &format!("{lines}\nseries "));
        write(&world.environment, &recipe);
        world.run(&["check", "--json"])
    };
    let good = "architectures = [\"amd64\"]
build-depends = [\"nginx-core (>= 1.18) | nonsense\", \"dh-sequence-nginx | nginx-light\", \"nonsense [armhf] | nginx-core\"]
depends = [\"nginx-core (<< 99)\", \"${nginx:Depends}\", \"hello (= 1)\"]
recommends = [\"nginx-extras\"]";
    let said = check(good).ok();
    assert_eq!(codes(&said), ["architecture-never"], "{said:?}");
    // of one series, of both, too old, and of a pocket that is not there
    let said = check(
        "build-depends = [\"nginx-dev\", \"libnope-dev | libnope2-dev\"]\ndepends = [\"nginx-core (>= 1.20)\"]\nrecommends = [\"nope\"]",
    )
    .exits(1);
    assert_eq!(codes(&said), ["no-such-package", "no-such-package", "no-such-package", "no-such-recommended"]);
    let document = document(&said);
    let findings = document["recipes"][0]["findings"].as_array().unwrap();
    let told = |part: &str| findings.iter().find(|finding| finding["message"].to_string().contains(part)).unwrap();
    assert_eq!(told("nginx-dev")["message"], "`nginx-dev` of Build-Depends cannot be had in jammy");
    assert!(
        told("nginx-dev")["line"].is_number() && told("libnope-dev")["message"].to_string().contains("jammy, noble")
    );
    assert_eq!(told("nginx-core")["facts"][1], "jammy: it has nginx-core 1.18.0-6ubuntu14.3");
    assert_eq!(told("nope` of Rec")["level"], "warning");
    // an architecture that Ubuntu's release does not have
    let said = check("architectures = [\"amd64\", \"riscv64\"]\ndepends = [\"nginx-core\"]").ok();
    assert_eq!(codes(&said), ["architecture-absent", "architecture-absent"], "{said:?}");
}

/// What `[nginx]` adds of its own accord is there, too.
#[test]
fn a_module_has_what_it_needs() {
    let world = World::with(&[JAMMY, NOBLE]);
    let recipe = GOOD.replace("series ", "architectures = [\"amd64\"]\nseries ")
        + "\n[nginx]\nmodules = [\"ngx_http_hello_module.so\"]\n\n[[source]]\nurl = \"hello.tar.gz\"\n";
    write(&world.environment, &recipe);
    let tree = world.environment.path("hello-2.0");
    fs::create_dir_all(&tree).unwrap();
    fs::write(tree.join("config"), "ngx_addon_name=ngx_http_hello_module\n").unwrap();
    let mut tar = world.environment.command("tar");
    tar.arg("-czf").arg(world.environment.work().join("hello.tar.gz")).arg("-C").arg(world.environment.path(""));
    run(tar.arg("hello-2.0")).ok();
    let said = world.run(&["check", "--json"]).exits(1);
    assert_eq!(document(&said)["errors"][0]["code"], "not-resolved", "{said:?}");
    world.run(&["update"]).ok();
    let said = world.run(&["check", "--json"]).ok();
    assert!(codes(&said).is_empty(), "{said:?}");
}

#[test]
fn lintian_is_merged() {
    let environment = TestEnvironment::new();
    let recipe = GOOD.replace("\"jammy\", ", "");
    let path = write(&environment, &recipe);
    run(environment.pkgr(&["build", "--no-sign"]).arg(&path)).ok();
    let changes = environment.work().join("dist/hello_2.0~ubuntu24.04.1_source.changes");
    let said = run(environment.pkgr(&["check", "--lintian", "--offline", "-v"]).arg(&changes));
    assert!(!said.stderr.contains("lintian-failed"), "{}", said.stderr);
    // something that lintian is sure of: a .changes of its own making
    let text = fs::read_to_string(&changes).unwrap();
    fs::write(&changes, text.replace("Urgency: medium", "Urgency: medium\nUrgencies: many\nClosed: 1")).unwrap();
    let debian = path.with_file_name("debian");
    fs::create_dir(&debian).unwrap();
    fs::write(debian.join("hello.lintian-overrides"), "hello: nonsense-tag-of-ours\n").unwrap();
    fs::write(debian.join("rules"), "#!/bin/sh\nexit 0\n").unwrap();
    fs::remove_dir_all(environment.work().join("dist")).unwrap();
    run(environment.pkgr(&["build", "--no-sign"]).arg(&path)).ok();
    let said = check(&environment, &recipe, &["--lintian"]).exits(1);
    let found = document(&said);
    let tags: Vec<&Value> =
        found["recipes"][0]["findings"].as_array().unwrap().iter().filter(|f| f["code"] == "lintian-error").collect();
    assert!(tags.iter().any(|finding| finding["tag"] == "debian-rules-not-a-makefile"), "{found:#}");
    let names: BTreeSet<String> = tags.iter().map(|finding| format!("{} = \"a test\"", finding["tag"])).collect();
    let names: Vec<String> = names.into_iter().collect();
    let allowed = format!("{recipe}\n[lint]\nallow = {{ {} }}\n", names.join(", "));
    let said = check(&environment, &allowed, &["--lintian"]).ok();
    assert_eq!(document(&said)["recipes"][0]["allowed"].as_array().unwrap().len(), tags.len());
    // the .changes by itself has nobody's exceptions
    let changes = changes.display().to_string();
    assert!(run(&mut environment.pkgr(&["check", "--lintian", &changes])).exits(1).stderr.contains("lintian-error"));
    // no lintian: said before anything is checked
    let empty = environment.path("empty");
    fs::create_dir(&empty).unwrap();
    let mut command = environment.pkgr(&["check", "--lintian", "--offline"]);
    let said = run(command.env("PATH", &empty)).exits(3);
    assert!(
        said.stderr.contains("error[no-lintian]") && said.stderr.contains("apt install lintian"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.is_empty());
}

#[test]
fn findings_of_recipes_are_explained() {
    let environment = TestEnvironment::new();
    let said = run(&mut environment.pkgr(&["explain", "version-falls"])).ok();
    assert!(said.stdout.starts_with("version-falls (rejected, of recipes)\n"), "{}", said.stdout);
    assert!(run(&mut environment.pkgr(&["explain"])).ok().stdout.contains("summary-article"));
    assert!(run(&mut environment.pkgr(&["explain", "version-fals"])).exits(2).stderr.contains("`version-falls`"));
}

/// docs/recipe-findings.md is made from the table; UPDATE_GOLDEN=1 writes it anew.
#[test]
fn the_page_of_findings_is_current() {
    let path: &Path = &repository().join("docs/recipe-findings.md");
    let page = pkgr::check::recipe::rules::page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, &page).unwrap();
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == page, "docs/recipe-findings.md is old: UPDATE_GOLDEN=1 cargo test --test check_recipe");
}
