//! What Launchpad has published, asked by `check` and `upload` before the first
//! byte is sent, asked again where the confirmation of an upload was lost, waited for by
//! `upload --wait`, and kept in the lock by `update --to` and `build`: against a stand-in
//! of its web service.

#[path = "../common/mod.rs"]
mod common;
#[path = "../launchpad_support/mod.rs"]
mod launchpad_support;
mod lost;
#[allow(dead_code)]
#[path = "../upload_faults/proxy.rs"]
mod proxy;
#[path = "../upload_support/mod.rs"]
mod upload_support;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use common::{Run, TestEnvironment, changes_in, run};
use launchpad_support::{Service, Upload};
use serde_json::Value;
use upload_support::Daemon;

const RECIPE: &str = r#"
name       = "hello"
version    = "1.0"
summary    = "greeting of the world"
license    = "MIT"
copyright  = ["2026 Jane Doe"]
maintainer = "Du9L <du9l@example.org>"
series     = ["jammy", "noble"]

[[source]]
url = "hello-1.0.tar.gz"

[build]
system = "none"

[upload]
to = "ppa:du9l/nginx"
"#;

const ORIG: &str = "hello_1.0.orig.tar.gz";
const OF_NOBLE: &str = "1.0-1~ubuntu24.04.1";
const OF_JAMMY: &str = "1.0-1~ubuntu22.04.1";

struct World {
    environment: TestEnvironment,
    service: Service,
}

impl World {
    /// A recipe with an upstream tarball in the work folder, and an empty PPA.
    fn new() -> World {
        let (environment, service) = (TestEnvironment::new(), Service::start());
        service.add_ppa("du9l", "nginx");
        let tree = environment.path("hello-1.0");
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("hello.txt"), "hello\n").unwrap();
        fs::write(environment.work().join("recipe.toml"), RECIPE).unwrap();
        let mut tar = environment.command("tar");
        tar.arg("-czf").arg(environment.work().join("hello-1.0.tar.gz")).arg("-C").arg(environment.path(""));
        run(tar.arg("hello-1.0")).ok();
        World { environment, service }
    }

    fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(arguments);
        command.envs(self.service.environment());
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.pkgr(arguments))
    }

    fn build(&self) -> Vec<PathBuf> {
        let key = self.environment.key().secret.display().to_string();
        self.run(&["build", "--key", &key]).ok();
        changes_in(&self.environment.work().join("dist"))
    }

    fn orig(&self) -> Vec<u8> {
        fs::read(self.environment.work().join("hello-1.0.tar.gz")).unwrap()
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.environment.work().join("recipe.lock")).unwrap_or_default()
    }

    /// What PPA or primary archive have.
    fn publish(&self, upload: &Upload) {
        self.service.publish(self.service.accept(upload));
    }
}

fn of_ppa(version: &str, series: &str) -> Upload {
    Upload::new("du9l", "nginx", "hello", version, series)
}

fn codes(said: &Run) -> Vec<String> {
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    let packages = document["packages"].as_array().unwrap();
    let findings = packages.iter().flat_map(|package| package["findings"].as_array().unwrap());
    findings.map(|finding| finding["code"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_check_asks_what_is_published() {
    let world = World::new();
    world.build();
    let noble = format!("dist/hello_{OF_NOBLE}_source.changes");
    let check = |arguments: &[&str]| world.run(&[&["check", "--json", &noble], arguments].concat());
    world.service.requests();
    // without a PPA's name nobody is asked
    assert_eq!(codes(&check(&[]).ok()), ["archive-not-asked"]);
    assert_eq!(codes(&check(&["--to", "ppa:du9l/nginx", "--offline"]).ok()), ["archive-not-asked"]);
    assert!(world.service.requests().is_empty());
    assert!(codes(&check(&["--to", "ppa:du9l/nginx"]).ok()).is_empty());
    let asked = world.service.requests().join("\n");
    assert!(asked.contains("/~du9l/+archive/ubuntu/nginx?") && asked.contains("/ubuntu/+archive/primary?"), "{asked}");
    // a version that is too low, with an orig of other bytes
    world.publish(&of_ppa("1.0-2", "noble").file(ORIG, b"other bytes"));
    let found = codes(&check(&["--to", "ppa:du9l/nginx"]).exits(1));
    assert_eq!(found[0], "orig-differs", "{found:?}");
    assert!(found.contains(&"version-older".to_string()), "{found:?}");
    // the same version, in whatever series
    world.service.state().publications.clear();
    world.publish(&of_ppa(OF_NOBLE, "jammy"));
    let said = world.run(&["check", &noble, "--path", "~du9l/ubuntu/nginx"]).exits(1);
    assert!(
        said.stderr.contains(&format!("hello - {OF_NOBLE} is already accepted in ubuntu/jammy")),
        "{}",
        said.stderr
    );
    // a folder stands for the PPA
    fs::create_dir(world.environment.work().join("empty")).unwrap();
    assert!(codes(&check(&["--to", "ppa:du9l/nginx", "--published", "empty"]).ok()).is_empty());
    let said = check(&["--to", "ppa:du9l/other"]).exits(4);
    assert!(
        said.stdout.contains("Could not find a PPA owned by 'du9l' for 'ubuntu' named 'other'."),
        "{}",
        said.stdout
    );
}

#[test]
fn a_service_that_is_away_counts_as_empty() {
    let world = World::new();
    world.build();
    world.publish(&of_ppa(OF_NOBLE, "noble"));
    world.service.state().down = true;
    let noble = format!("dist/hello_{OF_NOBLE}_source.changes");
    let said = world.run(&["check", &noble, "--to", "ppa:du9l/nginx"]).ok();
    assert_eq!(said.stderr.matches("warning[archive-not-reached]").count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains("both count as empty") && said.stderr.contains("note[archive-not-asked]"));
    // it goes away between two questions
    world.service.state().down = false;
    let broken = launchpad_support::Fault::Text("500 Internal Server Error", "KeyError");
    (0..3).for_each(|_| world.service.fault("getPublishedSources", broken.clone()));
    let said = world.run(&["check", &noble, "--to", "ppa:du9l/nginx"]).ok();
    assert_eq!(said.stderr.matches("warning[archive-not-reached]").count(), 1, "{}", said.stderr);
    // one that nobody may see
    world.service.state().ppas[0].private = true;
    let said = world.run(&["check", &noble, "--to", "ppa:du9l/nginx"]).ok();
    assert!(said.stderr.contains("ppa:du9l/nginx has published: it counts as empty"), "{}", said.stderr);
}

#[test]
fn what_would_be_rejected_is_not_sent() {
    let world = World::new();
    world.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let host = format!("ftp://{}", listener.local_addr().unwrap());
    let upload = |more: &[&str]| {
        world.run(&[&["upload", "--host", &host, "--retries", "0", "--idle-timeout", "1", "-o", "dist"], more].concat())
    };
    world.publish(&of_ppa("1.0-0", "bionic").file(ORIG, b"other bytes"));
    let said = upload(&["ppa:du9l/nginx"]).exits(1);
    assert_eq!(said.stdout.matches("refused dist/hello").count(), 2, "{}", said.stdout);
    let message = format!("error[orig-differs]: File {ORIG} already exists in ");
    assert!(said.stderr.contains(&message) && said.stderr.contains("different contents"), "{}", said.stderr);
    assert!(said.stderr.contains("use the published") && said.stderr.contains("--force sends"), "{}", said.stderr);
    let rehearsed = upload(&["ppa:du9l/nginx", "-n", "--json"]).exits(1);
    assert!(rehearsed.stdout.contains("\"state\": \"refused\"") || rehearsed.stdout.contains("\"state\":\"refused\""));
    assert!(listener.accept().is_err(), "no connection was made");
    // the one series whose version is there is refused, the other one goes
    let world_state = || world.service.state();
    world_state().publications.clear();
    world.publish(&of_ppa(OF_JAMMY, "jammy"));
    let said = upload(&["ppa:du9l/nginx", "-n"]).exits(1);
    assert!(said.stdout.contains(&format!("would-send hello {OF_NOBLE} noble")), "{}", said.stdout);
    assert!(said.stderr.contains("error[version-taken]"), "{}", said.stderr);
    // --force sends, and says what will come of it
    let said = upload(&["ppa:du9l/nginx", "--force", "--only", "jammy"]);
    assert!(said.stderr.contains("warning[version-taken]"), "{}", said.stderr);
    assert!(listener.accept().is_ok(), "a connection was made");
    // a target that is no PPA is nobody's business
    world.service.requests();
    let folder = format!("file:{}", world.environment.path("incoming").display());
    fs::create_dir(world.environment.path("incoming")).unwrap();
    world.run(&["upload", &folder, "--only", "jammy"]).ok();
    assert!(world.service.requests().is_empty());
    let said = world.run(&["upload", &folder, "--wait"]).exits(2);
    assert!(said.stderr.contains("error[cannot-wait]"), "{}", said.stderr);
}

#[test]
fn an_upload_is_waited_for_and_remembered() {
    let world = World::new();
    let changes = world.build();
    let daemon = Daemon::start();
    let host = format!("ftp://127.0.0.1:{}", daemon.ftp);
    let args = ["upload", "--host", &host, "--wait", "--interval", "0.1s", "--timeout", "30s", "--json", "recipe.toml"];
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            for path in &changes {
                upload_support::wait_for("both uploads", || daemon.received().len() >= 2);
                let id = world.service.receive("du9l", "nginx", path, &["amd64"]).unwrap();
                world.service.publish(id);
            }
        });
        world.run(&args).ok()
    });
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["targets"][0]["published"], true, "{document:#}");
    let lock = world.lock();
    assert!(lock.contains("[[published]]") && lock.contains(&format!("file = \"{ORIG}\"")), "{lock}");
    assert!(lock.contains("archive = \"ppa:du9l/ubuntu/nginx\""), "{lock}");
    // again: nothing is sent, and all is there; then a build that fails
    world.run(&args).ok();
    assert_eq!(daemon.received().len(), 2);
    let id = world.service.state().publications[0].id;
    world.service.state().publication(id).indexed = false;
    world.service.state().publication(id).binaries = false;
    world.service.fail_build(id, "amd64", "Failed to build", "make: *** [all] Error 2\n");
    let said = world.run(&args).exits(4);
    assert!(
        said.stdout.contains("\"published\": false") || said.stdout.contains("\"published\":false"),
        "{}",
        said.stdout
    );
}

/// The same tree as the recipe's, packed otherwise.
fn packed_otherwise(world: &World) -> Vec<u8> {
    let other = world.environment.path("other.tar.gz");
    let mut tar = world.environment.command("tar");
    tar.args(["--mtime=@0", "-czf"]).arg(&other).arg("-C").arg(world.environment.path(""));
    run(tar.arg("hello-1.0")).ok();
    fs::read(&other).unwrap()
}

#[test]
fn published_bytes_are_named_where_they_differ() {
    let world = World::new();
    world.build();
    world.publish(&of_ppa("1.0-0", "noble").file(ORIG, &packed_otherwise(&world)));
    // a file of the recipe's folder is not passed over
    let said = world.run(&["update", "--to", "ppa:du9l/nginx"]).ok();
    assert!(
        said.stderr.contains("warning[published-differs]") && said.stderr.contains("the same tree"),
        "{}",
        said.stderr
    );
    let url = said.stderr.split("`url = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_string();
    assert!(url.starts_with("http") && url.ends_with(ORIG), "{url}");
    // with them, the check is content
    let recipe = RECIPE.replace("hello-1.0.tar.gz", &url);
    fs::write(world.environment.work().join("recipe.toml"), recipe).unwrap();
    fs::remove_dir_all(world.environment.work().join("dist")).unwrap();
    world.run(&["bump", "--message", "Take the published source"]).ok();
    let changes = world.build();
    for path in &changes {
        world.run(&["check", "--to", "ppa:du9l/nginx", &path.display().to_string()]).ok();
    }
    // a tree of other content
    world.service.state().publications.clear();
    fs::write(world.environment.path("hello-1.0/hello.txt"), "hallo\n").unwrap();
    world.publish(&of_ppa("1.0-0", "noble").file(ORIG, &packed_otherwise(&world)));
    let said = world.run(&["update", "--to", "ppa:du9l/nginx"]).ok();
    assert!(said.stderr.contains("do not unpack to the same tree"), "{}", said.stderr);
}

/// A recipe whose source the lock pins, and nothing else binds.
fn set_source(world: &World, source: &str) {
    let recipe = RECIPE.replace("url = \"hello-1.0.tar.gz\"", source);
    fs::write(world.environment.work().join("recipe.toml"), recipe).unwrap();
}

fn file_url(world: &World) -> String {
    format!("file://{}", world.environment.work().join("hello-1.0.tar.gz").display())
}

#[test]
fn published_bytes_are_used_where_the_tree_is_the_same() {
    let world = World::new();
    set_source(&world, &format!("url = \"{}\"", file_url(&world)));
    let published = packed_otherwise(&world);
    assert_ne!(published, world.orig());
    world.publish(&of_ppa("1.0-0", "noble").file(ORIG, &published));
    let key = world.environment.key().secret.display().to_string();
    let said = world.run(&["build", "--key", &key]).ok();
    assert!(said.stderr.contains("note[published-used]: hello_1.0.orig.tar.gz"), "{}", said.stderr);
    let dist = world.environment.work().join("dist");
    assert_eq!(fs::read(dist.join(ORIG)).unwrap(), published);
    // the PPA has them: none of the uploads brings them, and all would be accepted
    let changes = changes_in(&dist);
    assert_eq!(changes.len(), 2);
    for path in &changes {
        assert!(!fs::read_to_string(path).unwrap().contains(ORIG), "{}", path.display());
        world.run(&["check", "--to", "ppa:du9l/nginx", &path.display().to_string()]).ok();
    }
    let lock = world.lock();
    assert!(lock.contains("published = \"http") && lock.contains("archive = \"ppa:du9l/ubuntu/nginx\""), "{lock}");
    // the lock is enough from now on, here without any network and elsewhere with the PPA's files
    let asked = world.service.state().requests.len();
    let again = |arguments: &[&str]| {
        fs::remove_dir_all(&dist).unwrap();
        world.run(&[&["build", "--key", &key], arguments].concat()).ok();
        assert_eq!(fs::read(dist.join(ORIG)).unwrap(), published);
        assert_eq!(changes_in(&dist).len(), 2);
    };
    again(&[]);
    again(&["--offline", "--locked"]);
    assert_eq!(world.service.state().requests.len(), asked);
    let elsewhere = world.environment.path("elsewhere").display().to_string();
    again(&["--locked", "--cache", &elsewhere]);
    assert!(world.service.state().requests.len() > asked);
    assert_eq!(world.lock(), lock);
    // files of a PPA do not stay for ever
    world.service.state().publications.clear();
    let gone = world.environment.path("gone").display().to_string();
    let said = world.run(&["build", "--locked", "--cache", &gone]).exits(3);
    assert!(said.stderr.contains("error[source-published-gone]"), "{}", said.stderr);
}

#[test]
fn a_tree_of_git_is_the_published_one() {
    let world = World::new();
    let repository = world.environment.path("hello.git");
    let git = |arguments: &[&str]| {
        let mut git = world.environment.command("git");
        git.arg("-C").arg(&repository).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
        run(git.args(arguments)).ok()
    };
    fs::create_dir_all(&repository).unwrap();
    fs::write(repository.join("hello.txt"), "hello\n").unwrap();
    git(&["init", "-q"]);
    git(&["add", "hello.txt"]);
    git(&["commit", "-q", "-m", "Hello"]);
    git(&["tag", "v1.0"]);
    set_source(&world, &format!("git = \"file://{}\"\ntag = \"v1.0\"", repository.display()));
    world.build();
    let orig = "hello_1.0.orig.tar.xz";
    let ours = world.environment.work().join("dist").join(orig);
    let mut repack = world.environment.command("sh");
    repack.arg("-c").arg(format!("xz -dc '{}' | xz -0 -T1", ours.display()));
    let published = repack.output().unwrap().stdout;
    assert_ne!(published, fs::read(&ours).unwrap());
    world.publish(&of_ppa("1.0-0", "noble").file(orig, &published));
    world.run(&["update", "--to", "ppa:du9l/nginx", "--check"]).exits(5);
    let said = world.run(&["update", "--to", "ppa:du9l/nginx"]).ok();
    assert!(said.stdout.contains("#v1.0: as published, sha256 "), "{}", said.stdout);
    fs::remove_dir_all(world.environment.work().join("dist")).unwrap();
    world.run(&["bump", "--message", "Take over"]).ok();
    world.build();
    assert_eq!(fs::read(&ours).unwrap(), published);
    assert!(world.lock().contains("commit = \""), "{}", world.lock());
}

#[test]
fn a_digest_of_the_recipe_goes_before_published_bytes() {
    let world = World::new();
    let sha256 = pkgr::deb::checksums::Checksums::of(&world.orig()).sha256;
    set_source(&world, &format!("url = \"{}\"\nsha256 = \"{sha256}\"", file_url(&world)));
    world.publish(&of_ppa("1.0-0", "noble").file(ORIG, &packed_otherwise(&world)));
    let key = world.environment.key().secret.display().to_string();
    let said = world.run(&["build", "--key", &key]).exits(1);
    assert!(said.stderr.contains("the recipe's `sha256` wants its own bytes"), "{}", said.stderr);
    assert!(said.stderr.contains("error[published-differs]: ppa:du9l/ubuntu/nginx has published"), "{}", said.stderr);
    let dist = world.environment.work().join("dist");
    assert!(!dist.join(ORIG).exists() && world.lock().is_empty(), "{}", world.lock());
    world.run(&["build", "--key", &key, "--orig", "always"]).ok();
    assert_eq!(fs::read(dist.join(ORIG)).unwrap(), world.orig());
    assert!(!world.lock().contains("published = \"http"), "{}", world.lock());
}

#[test]
fn a_build_asks_what_need_not_be_sent() {
    let world = World::new();
    world.publish(&of_ppa("1.0-0", "noble").file(ORIG, &world.orig()));
    for path in world.build() {
        assert!(!fs::read_to_string(&path).unwrap().contains(ORIG), "{}", path.display());
    }
    // where nobody answers, what the lock knows decides
    let other = World::new();
    let mut build = other.environment.pkgr(&["build", "--no-sign"]);
    let said = run(&mut build).ok();
    assert!(said.stderr.contains("note[archive-not-asked]: ppa:du9l/nginx does not tell"), "{}", said.stderr);
    for path in changes_in(&other.environment.work().join("dist")) {
        assert!(fs::read_to_string(&path).unwrap().contains(ORIG), "{}", path.display());
    }
    // nobody is asked where that is not wanted
    fs::remove_dir_all(other.environment.work().join("dist")).unwrap();
    let said = run(&mut other.environment.pkgr(&["build", "--no-sign", "--offline"])).ok();
    assert!(!said.stderr.contains("archive-not-asked"), "{}", said.stderr);
}

#[test]
fn a_ppa_has_its_own_architectures_and_space() {
    let world = World::new();
    let recipe = RECIPE.replace("[[source]]", "architectures = [\"arm64\"]\n\n[[source]]");
    fs::write(world.environment.work().join("recipe.toml"), recipe).unwrap();
    let changes = world.build();
    let check = || world.run(&["check", "--json", "--to", "ppa:du9l/nginx", &changes[0].display().to_string()]);
    let found = codes(&check().exits(1));
    assert_eq!(found[0], "no-architecture", "{found:?}");
    world.service.state().ppas[0].processors = ["amd64", "386", "arm64"].map(str::to_string).to_vec();
    check().ok();
    world.service.state().ppas[0].authorized_size = 0;
    let found = codes(&check().exits(1));
    assert_eq!(found[0], "quota-exceeded", "{found:?}");
}

#[test]
fn a_ppa_is_adopted() {
    let world = World::new();
    world.build();
    assert!(!world.lock().contains("[[published]]"));
    world.publish(&of_ppa("1.0-1~ubuntu24.04.7", "noble").file(ORIG, &world.orig()));
    world.publish(&of_ppa("1.0-1~ubuntu22.04.3", "jammy").file(ORIG, &world.orig()));
    world.run(&["update", "--to", "ppa:du9l/nginx", "--check"]).exits(5);
    let said = world.run(&["update", "--to", "ppa:du9l/nginx"]).ok();
    assert!(said.stdout.contains("noble ppa:du9l/ubuntu/nginx 1.0-1~ubuntu24.04.7: taken"), "{}", said.stdout);
    assert!(said.stdout.contains(&format!("ppa:du9l/ubuntu/nginx {ORIG}: published, sha256 ")), "{}", said.stdout);
    world.run(&["update", "--to", "ppa:du9l/nginx", "--check"]).ok();
    // the lock gave 24.04.1 before: the next entry counts from what is taken, and needs no orig
    world.run(&["bump", "--message", "Take over"]).ok();
    fs::remove_dir_all(world.environment.work().join("dist")).unwrap();
    let changes = world.build();
    let noble = changes.iter().find(|path| path.to_string_lossy().contains("24.04")).unwrap();
    assert!(!fs::read_to_string(noble).unwrap().contains(ORIG), "{}", noble.display());
    world.run(&["check", "--to", "ppa:du9l/nginx", &noble.display().to_string()]).ok();
    // another PPA has it not
    let recipe = RECIPE.replace("ppa:du9l/nginx", "ppa:du9l/other");
    fs::write(world.environment.work().join("recipe.toml"), recipe).unwrap();
    fs::remove_dir_all(world.environment.work().join("dist")).unwrap();
    let changes = world.build();
    let noble = changes.iter().find(|path| path.to_string_lossy().contains("24.04")).unwrap();
    assert!(fs::read_to_string(noble).unwrap().contains(ORIG), "{}", noble.display());
    // Ubuntu's own counts for every PPA
    let text = world.lock().replace("archive = \"ppa:du9l/ubuntu/nginx\"", "archive = \"ppa:du9l/ubuntu/gone\"");
    fs::write(world.environment.work().join("recipe.lock"), text).unwrap();
    world.service.add_ppa("du9l", "other");
    world.service.publish_in_ubuntu("hello", "1.0-1", "noble", &[(ORIG, &world.orig())]);
    let said = world.run(&["update", "--to", "ppa:du9l/other"]).ok();
    assert!(said.stdout.contains(&format!("ubuntu {ORIG}: published")), "{}", said.stdout);
    world.run(&["update", "--to", "ppa:du9l/missing"]).exits(4);
    world.run(&["update", "--to", "nowhere"]).exits(2);
}
