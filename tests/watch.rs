//! `[watch]`: what `pkgr bump --check` finds at each kind of place, against a
//! stand-in that answers as the services do; and debian/watch, judged by uscan
//! looking at the same stand-in.

mod common;
mod watch_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Run, TestEnvironment, run};
use watch_support::{Answer, Service, tarball};

struct World {
    environment: TestEnvironment,
    service: Service,
}

impl World {
    fn new() -> World {
        let environment = TestEnvironment::new();
        let files = environment.path("served");
        fs::create_dir(&files).unwrap();
        World { service: Service::start(files), environment }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(arguments);
        for variable in ["PKGR_GITHUB_URL", "PKGR_GITHUB_API", "PKGR_GITLAB_URL", "PKGR_PYPI_URL"] {
            command.env(variable, &self.service.url);
        }
        command
    }

    fn recipe(&self, watch: &str) -> PathBuf {
        self.recipe_at("1.2", watch)
    }

    fn recipe_at(&self, version: &str, watch: &str) -> PathBuf {
        let text = format!(
            "name = \"hello\"\nversion = \"{version}\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\n\
             maintainer = \"Du9L <du9l@example.org>\"\nseries = [\"jammy\"]\n\n[[source]]\nurl = \"hello-1.2.tar.gz\"\n\n\
             [watch]\n{watch}\n"
        );
        let folder = self.environment.work();
        fs::write(folder.join("recipe.toml"), text).unwrap();
        folder
    }

    /// `pkgr bump --check`, which must find this.
    #[track_caller]
    fn finds(&self, watch: &str, expected: &str) -> Run {
        self.recipe(watch);
        let check = run(&mut self.command(&["bump", "--check"])).exits(5);
        assert_eq!(check.stdout.trim(), expected, "{watch}");
        check
    }

    #[track_caller]
    fn finds_nothing(&self, watch: &str) {
        self.recipe(watch);
        let check = run(&mut self.command(&["bump", "--check"])).ok();
        assert!(check.stdout.is_empty() && check.stderr.contains("nothing newer"), "{}", check.stderr);
    }

    fn asked(&self, part: &str) -> usize {
        self.service.asked().iter().filter(|asked| asked.target.contains(part)).count()
    }
}

#[test]
fn github_tags_page_by_page_and_marked_releases() {
    let world = World::new();
    let service = &world.service;
    service.github("a/hello", &["v1.2", "v1.1"], &[]);
    world.finds_nothing("github = \"a/hello\"");
    assert_eq!((world.asked("/tags"), world.asked("/releases")), (1, 0), "releases are asked for when it matters");

    service.github(
        "a/hello",
        &["v2.0-rc1", "v1.10", "v1.9", "nightly", "v1.2"],
        &[("v1.10", false, true), ("v1.9", false, false)],
    );
    world.finds("github = \"a/hello\"", "1.9 (v1.9)");
    world.finds("github = \"a/hello\"\nprereleases = true", "2.0~rc1 (v2.0-rc1)");
    world.finds("github = \"a/hello\"\ntag = 'v(?<version>1\\.1\\d)'\nprereleases = true", "1.10 (v1.10)");

    // tags come in no order, so every page is read
    let first = Answer::json(r#"[{"name": "v1.2"}]"#);
    let next = format!(
        "Link: <{0}/repositories/7/tags?per_page=100&page=2>; rel=\"next\", <{0}/x>; rel=\"last\"",
        service.url
    );
    service.on("/repos/a/hello/tags?per_page=100", first.header(next));
    service.on("/repositories/7/tags?per_page=100&page=2", Answer::json(r#"[{"name": "v1.4"}]"#));
    world.finds("github = \"a/hello\"", "1.4 (v1.4)");

    let elsewhere = Answer::json("[]").header("Link: <http://127.0.0.1:9/tags>; rel=\"next\"");
    service.on("/repos/a/hello/tags?per_page=100", elsewhere);
    let told = run(&mut world.command(&["bump", "--check"])).exits(3);
    assert!(told.stderr.contains("watch-answer"), "{}", told.stderr);
}

#[test]
fn limits_outages_and_tokens() {
    let world = World::new();
    let service = &world.service;
    world.service.repository(&world.environment, "a/hello.git", &["v1.2", "v1.3"]);
    let tags = "/repos/a/hello/tags?per_page=100";
    let limit =
        Answer::status("403 Forbidden").header("X-RateLimit-Remaining: 0").header("X-RateLimit-Reset: 1795600000");
    service.on(tags, limit.clone());
    let check = world.finds("github = \"a/hello\"", "1.3 (v1.3)");
    let detour = "GitHub allows no more requests until 2026-11-25 09:46 UTC; the tags were read from";
    assert!(check.stderr.contains(detour), "{}", check.stderr);

    service.on(tags, Answer::status("502 Bad Gateway"));
    world.finds("github = \"a/hello\"", "1.3 (v1.3)");

    // where git does not answer either, the first reason is told
    fs::remove_dir_all(service.files.join("a")).unwrap();
    service.on(tags, limit);
    let told = run(&mut world.command(&["bump", "--check"])).exits(3);
    assert!(told.stderr.contains("watch-rate-limit") && told.stderr.contains("GITHUB_TOKEN"), "{}", told.stderr);

    service.on(tags, Answer::status("404 Not Found"));
    let told = run(&mut world.command(&["bump", "--check"])).exits(3);
    assert!(told.stderr.contains("GitHub does not know a/hello"), "{}", told.stderr);

    service.on(tags, Answer::json(r#"[{"name": "v1.3"}]"#));
    service.on("/repos/a/hello/releases?per_page=100", Answer::json("[]"));
    let told = run(world.command(&["bump", "--check", "-v"]).env("GITHUB_TOKEN", "secret-of-github")).exits(5);
    assert!(!told.stderr.contains("secret-of-github"));
    let last = service.asked().pop().unwrap();
    assert_eq!(last.authorization.as_deref(), Some("Bearer secret-of-github"));

    service.on(tags, Answer::status("401 Unauthorized"));
    let told = run(world.command(&["bump", "--check"]).env("GITHUB_TOKEN", "secret-of-github")).exits(3);
    assert!(told.stderr.contains("refuses the token in GITHUB_TOKEN"), "{}", told.stderr);

    service.on(tags, Answer::json("{\"odd\": 1}"));
    let told = run(&mut world.command(&["--json", "bump", "--check"])).exits(3);
    let document: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["errors"][0]["code"], "watch-answer", "{}", told.stdout);
    assert_eq!(document["schema"], "pkgr.bump/1");
}

#[test]
fn gitlab_pypi_pages_and_git() {
    let world = World::new();
    let service = &world.service;
    service.on(
        "/api/v4/projects/group%2Fsub%2Fhello/repository/tags?per_page=100",
        Answer::json(r#"[{"name": "hello-1.5", "message": "", "target": "b1", "commit": {"id": "b1"}, "release": null, "protected": false},
                         {"name": "1.4", "message": "", "target": "b2", "commit": {"id": "b2"}, "release": {"tag_name": "1.4", "description": "x"}, "protected": true}]"#),
    );
    let releases = r#"[{"tag_name": "hello-1.5", "name": "soon", "released_at": "2030-01-01T00:00:00Z", "upcoming_release": true}]"#;
    service.on("/api/v4/projects/group%2Fsub%2Fhello/releases?per_page=100", Answer::json(releases));
    world.finds("gitlab = \"group/sub/hello\"", "1.4 (1.4)");
    run(world.command(&["bump", "--check"]).env("GITLAB_TOKEN", "secret")).exits(5);
    assert_eq!(service.asked().pop().unwrap().authorization.as_deref(), Some("Bearer secret"));

    let file = |yanked: bool| {
        format!(r#"[{{"filename": "x", "packagetype": "sdist", "yanked": {yanked}, "yanked_reason": null}}]"#)
    };
    let project = format!(
        r#"{{"info": {{"name": "hello", "version": "1.4"}}, "last_serial": 1, "releases": {{"1.3": {0}, "1.3.post1": {0}, "1.4": {1}, "1.4.dev1": {0}, "1.5": [], "2.0b1": {0}}}, "urls": []}}"#,
        file(false),
        file(true)
    );
    service.on("/pypi/hello/json", Answer::json(project));
    world.finds("pypi = \"hello\"", "1.3+post1 (1.3.post1)");
    world.finds("pypi = \"hello\"\nprereleases = true", "2.0~b1 (2.0b1)");
    world.recipe("pypi = \"goodbye\"");
    assert!(run(&mut world.command(&["bump", "--check"])).exits(3).stderr.contains("PyPI does not know goodbye"));

    let page = r#"<html><a href="../">up</a> <a href="hello-1.2.tar.gz">old</a><a href="/dl/hello-1.3.tar.xz?x=1">new</a>
        <a href="hello-1.4-rc2.tar.gz">candidate</a> <a href="hello-9.tar.gz.asc">no</a> <a href="hello-extra-9.tar.gz">no</a></html>"#;
    service.on("/dl/", Answer { status: "200 OK", headers: vec!["Content-Type: text/html".into()], body: page.into() });
    let url = format!("url = \"{}/dl/\"", service.url);
    world.finds(&url, "1.3 (hello-1.3.tar.xz)");
    world.recipe(&format!("{url}\ntag = 'goodbye-(?<version>.*)'"));
    let told = run(&mut world.command(&["bump", "--check"])).exits(1);
    assert!(
        told.stderr.contains("watch-nothing-matches") && told.stderr.contains("hello-1.3.tar.xz"),
        "{}",
        told.stderr
    );

    service.repository(&world.environment, "x/hello.git", &["release-1.3", "release-1.4_beta", "v1.2"]);
    let path = |name: &str| format!("git = \"file://{}/{name}/hello.git\"", service.files.display());
    world.finds(&path("x"), "1.3 (release-1.3)");
    world.finds(&format!("git = \"{}/x/hello.git\"\nprereleases = true", service.url), "1.4~beta (release-1.4_beta)");

    // who is on a candidate wants the next one
    world.recipe_at("1.4~beta", &path("x"));
    run(&mut world.command(&["bump", "--check"])).ok();
    service.repository(&world.environment, "y/hello.git", &["v1.3", "v1.4-beta", "v1.4-rc1", "v1.5-rc1"]);
    world.recipe_at("1:1.4~beta", &path("y"));
    assert_eq!(run(&mut world.command(&["bump", "--check"])).exits(5).stdout.trim(), "1.4~rc1 (v1.4-rc1)");
}

/// What uscan, looking at the stand-in, says of a rendered debian/watch.
fn uscan(world: &World, text: &str, version: &str) -> (String, String) {
    let file = world.environment.path("watch");
    fs::write(&file, text).unwrap();
    let mut uscan = world.environment.command("uscan");
    uscan.args(["--report", "--dehs", "--package", "hello", "--upstream-version", version, "--watchfile"]);
    let said = run(uscan.arg(&file));
    let value = |name: &str| {
        let found = said.stdout.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
        found.unwrap_or_else(|| panic!("no {name}: {text}\n{}\n{}", said.stdout, said.stderr)).to_string()
    };
    (value("upstream-version"), value("upstream-url"))
}

fn rendered(world: &World, watch: &str) -> String {
    let folder = world.recipe(watch);
    tarball(&world.environment, &folder, "hello", "1.2", &[("README", "x\n")]);
    run(&mut world.command(&["-q", "render", "--stdout", "watch"])).ok().stdout
}

#[test]
fn uscan_finds_the_same() {
    let world = World::new();
    let service = &world.service;
    service.github("a/hello", &["v2.0-rc1", "v1.10", "v1.9", "v1.2", "nightly"], &[]);
    let text = rendered(&world, "github = \"a/hello\"");
    assert!(text.contains("https://api.github.com/repos/a/hello/tags"), "{text}");
    let local = text.replace("\nhttps://api.github.com", &format!("\n{}", service.url));
    let (version, url) = uscan(&world, &local, "1.2");
    assert_eq!(
        (version.as_str(), url.as_str()),
        ("1.10", "https://api.github.com/repos/a/hello/tarball/refs/tags/v1.10")
    );

    let with = rendered(&world, "github = \"a/hello\"\nprereleases = true");
    let with = with.replace("\nhttps://api.github.com", &format!("\n{}", service.url));
    assert_eq!(uscan(&world, &with, "1.2").0, "2.0~rc1");

    let own = rendered(&world, "github = \"a/hello\"\ntag = 'v(?<version>1\\.9\\d?)'");
    let own = own.replace("\nhttps://api.github.com", &format!("\n{}", service.url));
    assert_eq!(uscan(&world, &own, "1.2+nginx1.18.0").0, "1.9");

    let page =
        "<a href=\"hello-1.2.tar.gz\">1</a> <a href=\"hello-1.3.tar.gz\">2</a> <a href=\"hello-1.4-rc2.tar.gz\">3</a>";
    service.on("/dl/", Answer { status: "200 OK", headers: vec!["Content-Type: text/html".into()], body: page.into() });
    let text = rendered(&world, &format!("url = \"{}/dl/\"", service.url));
    assert_eq!(uscan(&world, &text, "1.2"), ("1.3".to_string(), format!("{}/dl/hello-1.3.tar.gz", service.url)));
    let text = rendered(&world, &format!("url = \"{}/dl/\"\nprereleases = true", service.url));
    assert_eq!(uscan(&world, &text, "1.2").0, "1.4~rc2");

    let simple = "<a href=\"https://files.pythonhosted.org/packages/aa/hello-1.4.tar.gz#sha256=00\">hello-1.4.tar.gz</a><br/>\
        <a href=\"https://files.pythonhosted.org/packages/ab/Hello-1.5rc1.tar.gz#sha256=00\">Hello-1.5rc1.tar.gz</a>\
        <a href=\"https://files.pythonhosted.org/packages/ac/hello-9-py3-none-any.whl#sha256=00\">wheel</a>";
    service.on(
        "/simple/hello/",
        Answer { status: "200 OK", headers: vec!["Content-Type: text/html".into()], body: simple.into() },
    );
    let text = rendered(&world, "pypi = \"hello\"").replace("\nhttps://pypi.org", &format!("\n{}", service.url));
    assert_eq!(uscan(&world, &text, "1.2").0, "1.4");

    let repository =
        service.repository(&world.environment, "g/hello.git", &["v1.2", "v1.3", "hello-1.4", "v1.5_beta2"]);
    let text = rendered(&world, "gitlab = \"g/hello\"");
    let local = text.replace("https://gitlab.com/g/hello.git", &format!("file://{}", repository.display()));
    assert_ne!(text, local);
    assert_eq!(uscan(&world, &local, "1.2").0, "1.4");
}

/// A package with debian/watch, with and without upstream's keys, is as clean as
/// one without.
#[test]
fn lintian_has_nothing_to_say_of_it() {
    let world = World::new();
    let environment = &world.environment;
    let mut packages = Vec::new();
    for watch in [
        "github = \"a/hello\"",
        "pypi = \"hello\"",
        "git = \"https://example.org/hello.git\"",
        "url = \"https://example.org/dl/\"",
    ] {
        let folder = world.recipe(watch);
        tarball(environment, &folder, "hello", "1.2", &[("README", "x\n")]);
        let dist = environment.path(format!("dist-{}", packages.len()));
        run(&mut signed(&world, &dist)).ok();
        packages.extend(common::changes_in(&dist).iter().map(|changes| common::judge::Package::of(changes)));
    }
    assert_eq!(packages.len(), 4);
    let said = common::judge::lintian(environment, &packages);
    assert!(said.is_empty(), "{said:?}");
}

fn signed(world: &World, dist: &Path) -> Command {
    let mut command = world.command(&["-q", "build", "-o"]);
    command.arg(dist).arg("--key").arg(&world.environment.key().secret);
    command
}
