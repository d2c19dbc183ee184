//! `pkgr doctor` as a command: machines without programs, keys at their end, a PPA that
//! is not there, hosts that are silent or speak otherwise, and a machine that lacks
//! nothing; against stand-ins on loopback and Launchpad's own upload daemon.

mod common;
mod launchpad_support;
mod upload_support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Run, TestEnvironment, run, snapshot};
use launchpad_support::Service;
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

[build]
system = "none"

[upload]
to = "ppa:du9l/nginx"
"#;

struct World {
    environment: TestEnvironment,
    service: Service,
    variables: Vec<(&'static str, String)>,
}

impl World {
    /// A recipe, a PPA, an upload host, and archives whose clocks agree.
    fn new() -> World {
        let (environment, service) = (TestEnvironment::new(), Service::start());
        service.add_ppa("du9l", "nginx");
        fs::write(environment.work().join("recipe.toml"), RECIPE).unwrap();
        let mut world = World { environment, service, variables: vec![] };
        world.set("PKGR_UPLOAD_HOST", &format!("ftp://127.0.0.1:{}", host(b"220 ready\r\n")));
        world.archive(0);
        world
    }

    /// Another value of a variable.
    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_string()));
    }

    /// Archives that say that it is so many seconds later.
    fn archive(&mut self, later: i64) {
        let mirror = format!("http://127.0.0.1:{}/archive", archive(later));
        for name in
            ["PKGR_UBUNTU_MIRROR", "PKGR_UBUNTU_OLD_MIRROR", "PKGR_DEBIAN_MIRROR", "PKGR_DEBIAN_SECURITY_MIRROR"]
        {
            self.set(name, &mirror);
        }
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.environment.work().join("recipe.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(&[&["doctor"], arguments].concat());
        command.envs(self.service.environment()).envs(self.variables.clone());
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.pkgr(arguments))
    }

    #[track_caller]
    fn json(&self, arguments: &[&str], code: i32) -> Found {
        let said = self.run(&[&["--json"], arguments].concat()).exits(code);
        assert!(said.stderr.is_empty(), "{}", said.stderr);
        Found(serde_json::from_str(&said.stdout).unwrap())
    }
}

struct Found(Value);

impl Found {
    /// The checks of a code.
    fn all(&self, code: &str) -> Vec<&Value> {
        self.0["checks"].as_array().unwrap().iter().filter(|check| check["code"] == code).collect()
    }

    /// The one of them, as `status found`.
    #[track_caller]
    fn one(&self, code: &str) -> String {
        match self.all(code).as_slice() {
            [check] => format!("{} {}", check["status"].as_str().unwrap(), check["found"].as_str().unwrap()),
            found => panic!("{} of {code}: {:#}", found.len(), self.0),
        }
    }

    #[track_caller]
    fn cures(&self, code: &str) -> String {
        self.all(code).iter().map(|check| check["cures"].to_string()).collect()
    }
}

/// A server that says this to everybody, and nothing more.
fn host(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(words);
            kept.push(stream);
        }
    });
    port
}

/// A port on which nobody listens.
fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An archive with every suite but groovy's, by a clock of its own.
fn archive(later: i64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
            let status = if head.contains("/dists/groovy/") { "404 Not Found" } else { "200 OK" };
            let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(later);
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
            let answer =
                format!("HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// An armored secret key that gpg made at a time, valid as gpg writes it.
fn key(environment: &TestEnvironment, name: &str, made: Option<&str>, valid: &str) -> (PathBuf, String) {
    key_with(environment, name, made, valid, "")
}

/// The same, protected by a passphrase.
fn key_with(
    environment: &TestEnvironment,
    name: &str,
    made: Option<&str>,
    valid: &str,
    passphrase: &str,
) -> (PathBuf, String) {
    let home = environment.path(format!("gnupg-{name}"));
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = || {
        let mut gpg = environment.command("gpg");
        gpg.env("GNUPGHOME", &home).args(["--batch", "--quiet", "--pinentry-mode", "loopback"]);
        gpg.args(["--passphrase", passphrase]);
        gpg
    };
    let user = format!("{name} <{name}@example.org>");
    let mut make = gpg();
    make.args(made.map(|time| format!("--faked-system-time={time}")));
    run(make.args(["--quick-generate-key", &user, "ed25519", "sign", valid])).ok();
    let listing = run(gpg().args(["--with-colons", "--list-keys"])).ok().stdout;
    let fingerprint = listing.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':');
    let file = environment.path(format!("{name}.asc"));
    run(gpg().args(["--armor", "--output"]).arg(&file).args(["--export-secret-keys", fingerprint])).ok();
    run(environment.command("gpgconf").env("GNUPGHOME", &home).args(["--kill", "all"])).ok();
    (file, fingerprint.to_string())
}

#[test]
fn a_machine_that_lacks_nothing() {
    let (mut world, daemon) = (World::new(), Daemon::start());
    let hosts = format!("sftp://127.0.0.1:{},ftp://127.0.0.1:{}", daemon.sftp, daemon.ftp);
    world.set("PKGR_UPLOAD_HOST", &hosts);
    world.set("PKGR_LOGIN", Daemon::LOGIN);
    world.set("PKGR_SFTP_KEY", daemon.ssh.key.to_str().unwrap());
    let secret = world.environment.key().secret.display().to_string();
    let before = snapshot(&world.environment.path("work"));

    let found = world.json(&["--key", &secret], 0);
    assert_eq!((&found.0["schema"], &found.0["ok"]), (&Value::from("pkgr.doctor/1"), &Value::from(true)));
    assert_eq!(found.0["targets"], serde_json::json!(["ppa:du9l/nginx"]));
    assert_eq!(found.0["recipes"], serde_json::json!(["recipe.toml"]));
    assert_eq!((found.0["problems"].as_u64(), found.0["errors"].as_array().map(Vec::len)), (Some(0), Some(0)));
    for check in found.0["checks"].as_array().unwrap() {
        assert!(["tools", "machine", "keys", "recipe", "reachability"].contains(&check["group"].as_str().unwrap()));
        assert!(["ok", "note", "warning"].contains(&check["status"].as_str().unwrap()), "{check:#}");
        assert!(check["facts"].is_array() && check["cures"].is_array(), "{check:#}");
    }
    let fingerprint = &world.environment.key().fingerprint;
    let own = format!("ok Ed25519 key {fingerprint} (Du9L <du9l@example.org>), from {secret}");
    assert_eq!(found.one("signing-key"), own);
    assert_eq!(found.one("key-expiry"), "ok the key does not expire");
    assert!(found.cures("key-registered").contains(&format!("--send-keys {fingerprint}")));
    assert!(found.all("key-owner").is_empty(), "it is the maintainer's");
    assert_eq!(found.one("recipe"), "ok recipe.toml: hello 1.0, for jammy, noble");
    assert!(found.one("ppa").starts_with("ok Launchpad has ppa:du9l/nginx"));
    assert_eq!(found.one("series"), "ok Launchpad takes uploads for jammy, noble");
    assert_eq!(found.one("clock"), "ok the clock agrees with those of servers");
    assert!(found.one("archive").ends_with("/archive has jammy, noble"), "{}", found.one("archive"));
    assert!(found.one("ssh").starts_with("ok OpenSSH "), "{}", found.one("ssh"));
    assert!(found.all("git").is_empty() && found.all("upload-by-ftp").is_empty(), "nobody wants it");
    let heard: Vec<&str> = found.all("upload-host").iter().map(|check| check["found"].as_str().unwrap()).collect();
    assert_eq!(heard[0].split(": SSH-2.0-").next(), Some(&*format!("sftp://127.0.0.1:{}", daemon.sftp)), "{heard:?}");
    assert!(heard[1].contains(": 220 Launchpad upload server"), "{heard:?}");

    assert!(world.run(&["--offline", "--color", "always"]).ok().stdout.contains("\u{1b}["));
    let said = world.run(&["--key", &secret]).ok();
    let first = said.stdout.lines().next();
    assert_eq!(first, Some("tools"), "{}", said.stdout);
    assert!(!said.stdout.contains('\u{1b}'), "{}", said.stdout);
    assert!(said.stdout.contains("\n  ok       the key does not expire\n"), "{}", said.stdout);
    assert!(said.stderr.contains("checks: 0 problems, "), "{}", said.stderr);
    assert!(daemon.received().iter().all(|session| session.files.is_empty()), "nothing was sent");
    assert_eq!(world.service.state().violations, Vec::<String>::new());
    assert!(before == snapshot(&world.environment.path("work")), "nothing was changed");
}

#[test]
fn a_machine_without_programs() {
    let mut world = World::new();
    let bare = world.environment.path("bare");
    fs::create_dir(&bare).unwrap();
    world.set("PATH", bare.to_str().unwrap());
    world.edit("[build]", "[[source]]\ngit = \"https://example.org/hello.git\"\ntag = \"v1\"\n\n[build]");
    let found = world.json(&["--key", "du9l@example.org", "--login", "someone"], 3);
    assert_eq!(found.one("git-missing"), "problem git is not installed");
    assert!(found.cures("git-missing").contains("apt install git"), "{}", found.cures("git-missing"));
    assert_eq!(found.one("ssh-missing"), "warning OpenSSH's client is not installed");
    assert!(found.cures("ssh-missing").contains("apt install openssh-client"));
    assert_eq!(found.one("gpg-missing"), "problem gpg is not installed");
    assert_eq!(found.one("lintian-missing").split(' ').next(), Some("note"));
    assert!(found.one("program-missing").starts_with("note `pkgr test` cannot run: not installed: mmdebstrap, "));
    assert_eq!(found.0["ok"], false);
    assert_eq!(found.0["errors"][0]["code"], "not-ready");

    let said = world.run(&["--key", "du9l@example.org"]).exits(3);
    assert!(said.stdout.contains("  problem  git is not installed\n"), "{}", said.stdout);
    assert!(said.stdout.contains("           > `apt install git`\n"), "{}", said.stdout);
    assert!(said.stderr.contains("error[not-ready]: 2 problems to cure: git-missing, gpg-missing"), "{}", said.stderr);

    world.set("PKGR_SFTP_KEY", "/no/such/key");
    assert!(world.json(&["--offline"], 3).one("sftp-key-missing").starts_with("warning /no/such/key is no file"));

    // what no recipe wants is no problem
    fs::remove_file(world.environment.work().join("recipe.toml")).unwrap();
    assert_eq!(world.json(&[], 0).one("git-missing").split(' ').next(), Some("note"));
}

#[test]
fn keys_at_their_end() {
    let world = World::new();
    let (old, fingerprint) = key(&world.environment, "jane", Some("20240101T000000"), "1y");
    let found = world.json(&["--offline", "--key", old.to_str().unwrap()], 3);
    let told = format!("problem the key {fingerprint} in {} expired on 2024-12-31", old.display());
    assert_eq!(found.one("key-expired"), told);
    assert!(found.cures("key-expired").contains(&format!("gpg --quick-set-expire {fingerprint} 2y")));

    let (late, fingerprint) = key(&world.environment, "joe", None, "seconds=1728010");
    let found = world.json(&["--offline", "--key", late.to_str().unwrap()], 0);
    assert!(found.one("key-expiry").starts_with("warning the key expires on 2"), "{}", found.one("key-expiry"));
    assert!(found.one("key-expiry").ends_with(", in 20 days") || found.one("key-expiry").ends_with(", in 19 days"));
    assert!(found.cures("key-expiry").contains(&fingerprint));
    assert_eq!(found.one("key-owner"), "note the key is not of the maintainer, Du9L <du9l@example.org>");
    assert_eq!(found.one("offline"), "note nobody was asked: --offline");

    // the same key, as CI has it
    let mut command = world.pkgr(&["--offline"]);
    command.env("PKGR_SIGNING_KEY", fs::read_to_string(&late).unwrap());
    let said = run(&mut command).ok();
    assert!(said.stdout.contains(", from PKGR_SIGNING_KEY\n"), "{}", said.stdout);
    assert!(!said.stdout.contains("PRIVATE KEY") && !said.stderr.contains("PRIVATE KEY"));
    assert_eq!(world.service.requests(), Vec::<String>::new());
}

#[test]
fn keys_with_a_passphrase() {
    let world = World::new();
    let (file, _) = key_with(&world.environment, "jane", None, "never", "a secret");
    let doctor = || {
        // away from the terminal of whoever runs the tests
        let mut command = world.environment.command("setsid");
        command.arg("--wait").arg(common::PKGR).args(["--json", "doctor", "--offline", "--key"]).arg(&file);
        command
    };
    let found = Found(serde_json::from_str(&run(&mut doctor()).exits(3).stdout).unwrap());
    assert_eq!(found.one("no-passphrase"), "problem the key has a passphrase, and nobody can be asked");
    assert!(found.one("signing-key").starts_with("ok Ed25519 key "), "it is not opened");
    let said = run(doctor().env("PKGR_SIGNING_KEY_PASSPHRASE", "a secret")).ok();
    assert!(!said.stdout.contains("a secret"), "{}", said.stdout);
    assert!(Found(serde_json::from_str(&said.stdout).unwrap()).all("no-passphrase").is_empty());
}

#[test]
fn keys_of_gnupg() {
    let world = World::new();
    let found = world.json(&["--offline"], 0);
    assert!(found.one("no-signing-key").starts_with("warning no signing key is named"));
    assert!(found.cures("no-signing-key").contains("--quick-gen-key"));
    let fingerprint = &world.environment.key().fingerprint;
    let found = world.json(&["--offline"], 0);
    assert!(found.cures("no-signing-key").contains(&format!("--key {fingerprint}")), "{:#}", found.0);
    let found = world.json(&["--offline", "--key", "du9l@example.org"], 0);
    let own = format!("ok Ed25519 key {fingerprint} (Du9L <du9l@example.org>), from gpg's keyring");
    assert_eq!(found.one("signing-key"), own);
    let found = world.json(&["--offline", "--key", "nobody@example.org"], 3);
    assert_eq!(found.one("gpg-no-key"), "problem gpg has no secret key `nobody@example.org`");
}

#[test]
fn ppas_that_are_not_as_they_should_be() {
    let world = World::new();
    let found = world.json(&["--to", "ppa:du9l/nginy"], 3);
    assert_eq!(found.one("launchpad-not-found"), "problem Launchpad has no ppa:du9l/nginy");
    assert!(found.cures("launchpad-not-found").contains("https://launchpad.net/~du9l/+activate-ppa"));

    world.service.state().ppas[0].publish = false;
    world.edit("\"jammy\", \"noble\"", "\"groovy\", \"noble\", \"trixie\"");
    let found = world.json(&[], 0);
    assert!(found.one("ppa-not-published").starts_with("warning ppa:du9l/nginx is not published"));
    assert_eq!(found.one("series-obsolete"), "warning groovy is obsolete and will not accept new uploads");
    assert_eq!(found.one("series"), "ok Launchpad takes uploads for noble");
    assert!(found.one("series-eol").starts_with("warning recipe.toml:8: groovy is at its end of life"));
    assert_eq!(found.one("series-not-for-ppa").split(' ').next(), Some("note"));
    assert!(found.one("upload-by-ftp").starts_with("note uploads to ppa:du9l/nginx go by FTP"));
    assert!(found.one("debian-mirror").ends_with("/archive, as configured"), "{}", found.one("debian-mirror"));
    let archives: Vec<String> = found.all("archive").iter().map(|check| check["status"].to_string()).collect();
    assert_eq!(archives, ["\"warning\"", "\"ok\""], "{:#}", found.0);

    world.service.state().ppas[0].private = true;
    assert!(world.json(&[], 0).one("launchpad-private").starts_with("warning "));
    world.service.state().down = true;
    assert!(world.json(&[], 3).one("launchpad-unreachable").starts_with("problem Launchpad cannot be reached: "));
}

#[test]
fn hosts_that_do_not_answer() {
    let mut world = World::new();
    let (open, shut, other) = (host(b"220 ready\r\n"), closed(), host(b"SSH-2.0-x\r\n"));
    world.set("PKGR_UPLOAD_HOST", &format!("ftp://127.0.0.1:{shut},ftp://127.0.0.1:{open},ftp://127.0.0.1:{other}"));
    let found = world.json(&[], 0);
    let told: Vec<String> =
        found.all("upload-host").iter().map(|check| format!("{} {}", check["status"], check["found"])).collect();
    assert!(told[0].contains("warning") && told[0].contains("refused"), "{told:?}");
    assert_eq!(told[1], format!("\"ok\" \"ftp://127.0.0.1:{open}: 220 ready\""));
    assert!(told[2].contains("warning") && told[2].contains("does not speak FTP: SSH-2.0-x"), "{told:?}");

    let mirror = format!("http://127.0.0.1:{shut}/ubuntu");
    world.set("PKGR_UBUNTU_MIRROR", &mirror);
    world.set("PKGR_UBUNTU_OLD_MIRROR", &mirror);
    world.set("PKGR_UPLOAD_HOST", &format!("ftp://127.0.0.1:{shut}"));
    let found = world.json(&[], 3);
    assert!(found.one("upload-host").starts_with(&format!("problem ftp://127.0.0.1:{shut}: cannot connect")));
    assert!(found.one("archive").starts_with(&format!("warning {mirror}, for jammy, noble: ")), "{:#}", found.0);
    assert!(found.cures("archive").contains("PKGR_UBUNTU_MIRROR"));
    assert!(found.all("clock").len() <= 1);
    let hosts = std::mem::take(&mut world.variables); // --host means nothing for a folder
    let there = world.environment.work().display().to_string();
    world.archive(0);
    assert_eq!(world.json(&["--to", &there], 0).one("upload-host"), format!("ok {there}: can be written to"));
    let found = world.json(&["--to", "/nowhere/at/all"], 3).one("upload-host");
    assert!(found.starts_with("problem /nowhere/at/all: No such file"), "{found}");
    world.variables = hosts;
    // where nobody has named a target, no upload is kept from going there
    fs::remove_file(world.environment.work().join("recipe.toml")).unwrap();
    let found = world.json(&[], 0);
    assert_eq!(found.one("upload-host").split(' ').next(), Some("warning"));
    assert!(found.one("launchpad").starts_with("ok Launchpad answers"), "{}", found.one("launchpad"));
}

#[test]
fn who_is_silent_is_not_waited_for_long() {
    let mut world = World::new();
    world.set("PKGR_UPLOAD_HOST", &format!("ftp://127.0.0.1:{}", host(b"")));
    let mirror = format!("http://127.0.0.1:{}", host(b""));
    world.set("PKGR_UBUNTU_MIRROR", &mirror);
    world.set("PKGR_UBUNTU_OLD_MIRROR", &mirror);
    world.set("PKGR_LAUNCHPAD", &format!("{mirror}/devel"));
    let start = Instant::now();
    let found = world.json(&[], 3);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(found.one("upload-host").contains("has not stirred for 6 s"), "{}", found.one("upload-host"));
    assert!(found.one("archive").contains("no answer in time"), "{}", found.one("archive"));
    assert!(found.one("launchpad-unreachable").starts_with("problem "));
}

#[test]
fn a_clock_that_is_wrong() {
    let mut world = World::new();
    world.archive(3 * 86_400);
    let found = world.json(&[], 3);
    assert_eq!(found.one("clock"), "problem the clock is 3 days behind those of servers");
    world.archive(-4000);
    assert_eq!(world.json(&[], 0).one("clock"), "warning the clock is 66 minutes ahead of those of servers");
}

#[test]
fn recipes_that_are_wrong_or_wait() {
    let world = World::new();
    world.run(&["nowhere"]).exits(2);
    fs::write(world.environment.path("config.toml"), "login = 1\n").unwrap();
    let config = world.environment.path("config.toml").display().to_string();
    let said = world.run(&["--offline", "--config", &config]).exits(3);
    assert!(said.stderr.contains("config.toml:1:9") && said.stdout.contains("\nkeys\n"), "{}", said.stderr);
    world.run(&["--to", "nowhere"]).exits(2);
    world.edit("version    = \"1.0\"", "version    = \"1.0\"\nno-such-key = 1");
    let said = world.run(&["--offline"]).exits(1);
    assert!(said.stderr.contains("unknown-key") && said.stderr.contains("recipe.toml:4:1"), "{}", said.stderr);
    assert!(said.stdout.contains("\nkeys\n"), "the rest is looked at: {}", said.stdout);
    world.edit("\nno-such-key = 1", "");
    world.edit("maintainer = \"Du9L <du9l@example.org>\"\n", "");
    assert!(world.json(&["--offline"], 3).one("no-maintainer").starts_with("problem "));
    let mut command = world.pkgr(&["--offline"]);
    run(command.env("DEBFULLNAME", "Du9L").env("DEBEMAIL", "du9l@example.org")).ok();
    world.edit("\"jammy\", \"noble\"", "\"trixie\"");
    world.edit("[upload]\nto = \"ppa:du9l/nginx\"\n", "");
    let mut command = world.pkgr(&["--offline", "--cache", "recipe.toml/cache"]);
    let said = run(command.env("DEBFULLNAME", "Du9L").env("DEBEMAIL", "du9l@example.org")).exits(3);
    assert!(said.stdout.contains("  note     nothing says where to upload to\n"), "{}", said.stdout);
    assert!(said.stdout.contains("cannot be used"), "{}", said.stdout);
}
