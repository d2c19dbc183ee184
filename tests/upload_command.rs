//! `pkgr upload` through the program, to Launchpad's own daemon, vsftpd, OpenSSH,
//! a server for PUT and a folder: what was built arrives byte for byte, once, in
//! one session for each upload; and what cannot go up is refused before a byte is.

mod common;
mod upload_support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::control::Paragraph;
use common::{TestEnvironment, changes_in, run};
use upload_support::{Daemon, PutServer, Session, SshHome, Sshd, Vsftpd, assert_same, files_in};

/// The series of Ubuntu that examples/hello names, oldest first.
const SERIES: [&str; 5] = ["xenial", "focal", "jammy", "noble", "resolute"];

/// Builds a recipe of the repository, signed, into the work folder's dist/.
fn built(folder: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    let recipe = environment.copy(folder);
    build(&environment, &recipe);
    environment
}

fn build(environment: &TestEnvironment, recipe: &Path) {
    let key = environment.key().secret.clone();
    run(environment.pkgr(&["build"]).arg(recipe).arg("--key").arg(key)).ok();
}

fn dist(environment: &TestEnvironment) -> PathBuf {
    environment.work().join("dist")
}

/// The .changes for a series.
fn changes_for(environment: &TestEnvironment, series: &str) -> PathBuf {
    let all = changes_in(&dist(environment));
    all.into_iter().find(|path| Paragraph::read(path).need("Distribution") == series).unwrap()
}

/// The files of an upload by their names: what the .changes lists, and itself.
fn listed(changes: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = Paragraph::read(changes).files("Files").into_iter().map(|file| file.name);
    let own = changes.file_name().unwrap().to_str().unwrap().to_string();
    names.chain([own]).map(|name| (name.clone(), fs::read(changes.with_file_name(&name)).unwrap())).collect()
}

/// `pkgr` with an ssh that is not the machine's user's.
fn with_ssh(environment: &TestEnvironment, ssh: &SshHome, arguments: &[&str]) -> Command {
    let mut command = environment.pkgr(arguments);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", ssh.program.parent().unwrap().display()));
    command.env("PKGR_SFTP_KEY", ssh.key_text());
    command
}

fn config(environment: &TestEnvironment, text: &str) {
    let path = environment.path("home/.config/pkgr/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Each session is one upload, whole, to this path; in this order of series.
#[track_caller]
fn assert_arrived(environment: &TestEnvironment, sessions: &[Session], path: &str, series: &[&str]) {
    assert_eq!(sessions.len(), series.len(), "{:?}", sessions.iter().map(|s| &s.name).collect::<Vec<_>>());
    for (session, series) in sessions.iter().zip(series) {
        assert_eq!(session.path, path);
        assert_same(&session.files, &listed(&changes_for(environment, series)));
    }
}

fn json(run: common::Run) -> serde_json::Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stdout))
}

#[test]
fn a_ppa_by_ftp_once() {
    let environment = built("examples/hello");
    let daemon = Daemon::start();
    let host = format!("ftp://127.0.0.1:{}", daemon.ftp);
    let upload = ["upload", "ppa:du9l/x1", "--host", &host];
    let first = run(&mut environment.pkgr(&upload)).ok();
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/x1", &SERIES);
    assert_eq!(first.stderr.matches("a PPA takes Ubuntu's series").count(), 2, "{}", first.stderr);
    assert_eq!(first.stdout.matches("sent hello").count(), 5, "{}", first.stdout);
    let again = run(&mut environment.pkgr(&upload)).ok();
    assert!(again.stdout.matches("already hello").count() == 5 && again.stderr.contains("--force"), "{again:?}");
    assert_eq!(daemon.received().len(), 5);
    // the series in the target overrides where it goes, and others are not taken along
    let over = ["upload", "ppa:du9l/x2/noble", "--host", &host];
    run(&mut environment.pkgr(&over)).ok();
    assert_arrived(&environment, &daemon.received()[5..], "~du9l/ubuntu/x2/noble", &["noble"]);
    let forced = ["upload", "ppa:du9l/x1", "--host", &host, "--force", "--only", "jammy..noble"];
    run(&mut environment.pkgr(&forced)).ok();
    assert_arrived(&environment, &daemon.received()[6..], "~du9l/ubuntu/x1", &["jammy", "noble"]);
}

/// A package as the flagship's are: a component, patches, an orig that all series share.
#[test]
fn a_recipe_by_sftp_because_a_key_and_a_login_are_there() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let source = recipe.join("psol-1");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("blob"), upload_support::noise(5_000_000, 7)).unwrap();
    let mut tar = environment.command("tar");
    run(tar.current_dir(&recipe).args(["-czf", "psol-1.tar.gz", "psol-1"])).ok();
    let text = fs::read_to_string(recipe.join("recipe.toml")).unwrap();
    let more = "\n[[source]]\nurl = \"psol-1.tar.gz\"\ncomponent = \"psol\"\n\n[upload]\nto = \"launchpad\"\n";
    fs::write(recipe.join("recipe.toml"), text + more).unwrap();
    let daemon = Daemon::start();
    config(
        &environment,
        &format!(
            "[profile.launchpad]\nto = 'ppa:du9l/ngx-pagespeed'\nlogin = '{}'\nhost-keys = ['{}']\n\
             hosts = ['ftp://127.0.0.1:{}', 'sftp://127.0.0.1:{}']\n",
            Daemon::LOGIN,
            daemon.host_key,
            daemon.ftp,
            daemon.sftp
        ),
    );
    build(&environment, &recipe);
    let plan = json(run(&mut with_ssh(&environment, &daemon.ssh, &["--json", "upload", "hello", "-n"])).ok());
    assert_eq!(plan["schema"], "pkgr.upload/1");
    assert!(plan["targets"][0]["ways"][0].as_str().unwrap().starts_with("sftp://someone@127.0.0.1:"), "{plan}");
    assert_eq!(plan["targets"][0]["uploads"][2]["state"], "would-send");
    assert!(daemon.received().is_empty());
    let sent = json(run(&mut with_ssh(&environment, &daemon.ssh, &["--json", "upload", "hello"])).ok());
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/ngx-pagespeed", &SERIES);
    assert!(daemon.received()[0].files.contains_key("hello_2.12.orig-psol.tar.gz"));
    assert!(daemon.received().iter().all(|session| session.name.starts_with("upload-sftp-")));
    let uploads = sent["targets"][0]["uploads"].as_array().unwrap();
    let states: Vec<&str> = uploads.iter().map(|upload| upload["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["skipped", "skipped", "sent", "sent", "sent", "sent", "sent"]);
    assert_eq!(uploads[2]["signed_by"], environment.key().fingerprint.as_str());
}

#[test]
fn queues_that_are_no_launchpad() {
    let environment = built("examples/multi-package");
    let all: BTreeMap<String, Vec<u8>> =
        changes_in(&dist(&environment)).iter().flat_map(|changes| listed(changes)).collect();
    let vsftpd = Vsftpd::start("127.0.0.1", "");
    let section = format!(
        "[DEFAULT]\nmethod = ftp\nlogin = anonymous\nqueue = incoming\n[queue]\nfqdn = 127.0.0.1:{}\nincoming = /%(queue)s/\n\
         run_lintian = 1\n",
        vsftpd.port
    );
    fs::write(environment.path("home/.dput.cf"), section).unwrap();
    let said = run(&mut environment.pkgr(&["upload", "queue"])).ok();
    assert!(said.stderr.contains("`run_lintian` is not acted on"), "{}", said.stderr);
    assert_same(&files_in(&vsftpd.incoming()), &all);

    let sshd = Sshd::start();
    sshd.ssh.trust("127.0.0.1", sshd.port, &sshd.public_host_key());
    let url = format!("sftp://127.0.0.1:{}{}", sshd.port, sshd.incoming().display());
    run(&mut with_ssh(&environment, &sshd.ssh, &["upload", &url])).ok();
    assert_same(&files_in(&sshd.incoming()), &all);

    let local = environment.path("incoming");
    fs::create_dir(&local).unwrap();
    run(&mut environment.pkgr(&["upload", &format!("file://{}", local.display())])).ok();
    assert_same(&files_in(&local), &all);

    let server = PutServer::start(|put| match put.authorization.as_deref() {
        Some("Bearer s3cret") => "201 Created".to_string(),
        _ => "401 Unauthorized".to_string(),
    });
    let url = format!("http://127.0.0.1:{}/incoming/", server.port);
    let refused = run(&mut environment.pkgr(&["upload", &url])).exits(4);
    assert!(refused.stderr.contains("401"), "{}", refused.stderr);
    let before = server.puts().len();
    let said = run(environment.pkgr(&["-v", "upload", &url]).env("PKGR_UPLOAD_TOKEN", "s3cret")).ok();
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("s3cret"));
    let puts = server.puts().split_off(before);
    let received = puts.into_iter().map(|put| (put.path.strip_prefix("/incoming/").unwrap().to_string(), put.body));
    assert_same(&received.collect(), &all);
    // what is beside the packages now holds no secret either
    assert!(files_in(&dist(&environment)).values().all(|bytes| !String::from_utf8_lossy(bytes).contains("s3cret")));
}

#[test]
fn dput_and_dput_ng_upload_what_pkgr_built_and_all_know_of_each_other() {
    let environment = built("examples/hello");
    let daemon = Daemon::start();
    let host = format!("127.0.0.1:{}", daemon.ftp);
    let section = |name: &str| {
        format!("[{name}]\nfqdn = {host}\nincoming = ~du9l/ubuntu/{name}\nmethod = ftp\nlogin = anonymous\n")
    };
    fs::write(environment.path("home/.dput.cf"), section("queue") + &section("other")).unwrap();
    let noble = changes_for(&environment, "noble");
    let noble_path = noble.to_str().unwrap();
    let uploads = || daemon.received().len();

    let dput = |target: &str| run(environment.command("/usr/bin/dput").args([target, noble_path])).ok();
    dput("queue");
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/queue", &["noble"]);
    let seen = run(&mut environment.pkgr(&["upload", "queue", noble_path])).ok();
    assert!(seen.stderr.contains("by dput") && uploads() == 1, "{}", seen.stderr);
    run(&mut environment.pkgr(&["upload", "other", noble_path])).ok();
    assert_eq!(uploads(), 2);
    let refused = dput("other");
    assert!(refused.stdout.contains("already been uploaded") && uploads() == 2, "{refused:?}");

    let ng = DputNg::new(&environment);
    ng.profile("ng", &daemon);
    run(&mut ng.dput(&["ng", noble_path])).ok();
    assert_arrived(&environment, &daemon.received()[2..], "~du9l/ubuntu/ng", &["noble"]);
    let seen = run(&mut environment.pkgr(&["upload", "ng", noble_path])).ok();
    assert!(seen.stderr.contains("by dput") && uploads() == 3, "{}", seen.stderr);
    ng.profile("ng2", &daemon);
    run(&mut environment.pkgr(&["upload", "ng2", noble_path])).ok();
    assert_eq!(uploads(), 4);
    let refused = run(&mut ng.dput(&["ng2", noble_path])).exits(3);
    assert!(format!("{}{}", refused.stdout, refused.stderr).contains("already uploaded"), "{refused:?}");
    assert_eq!(uploads(), 4);
}

/// dput-ng, unpacked beside dput, which it cannot be installed with.
struct DputNg<'e> {
    environment: &'e TestEnvironment,
    root: PathBuf,
}

impl<'e> DputNg<'e> {
    fn new(environment: &'e TestEnvironment) -> DputNg<'e> {
        let kept = common::kept("dput-ng");
        let lock = fs::File::create(kept.join("lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        let root = kept.join("root");
        if !root.exists() {
            let new = kept.join("new");
            let _ = fs::remove_dir_all(&new);
            fs::create_dir(&new).unwrap();
            run(Command::new("apt-get").current_dir(&kept).args(["-q", "download", "dput-ng", "python3-dput"])).ok();
            for deb in common::files_ending(&kept, ".deb") {
                run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&new)).ok();
            }
            fs::rename(new, &root).unwrap();
        }
        // its own configuration is looked for below the working folder, too
        let skeleton = environment.work().join("skel");
        for part in ["usr/share/dput-ng", "etc/dput.d"] {
            // of the one some folders are links into the other
            let script = r#"mkdir -p "$2" && cp -r "$1/." "$2" && find "$2" -type l -delete"#;
            run(Command::new("sh").args(["-c", script, "sh"]).arg(root.join(part)).arg(&skeleton)).ok();
        }
        DputNg { environment, root }
    }

    fn profile(&self, name: &str, daemon: &Daemon) {
        let profile = serde_json::json!({
            "fqdn": format!("127.0.0.1:{}", daemon.ftp), "method": "ftp", "login": "anonymous",
            "incoming": format!("~du9l/ubuntu/{name}"), "hooks": ["checksum", "gpg"],
        });
        let path = self.environment.path(format!("home/.dput.d/profiles/{name}.json"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, profile.to_string()).unwrap();
    }

    fn dput(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.command("/usr/bin/python3");
        command.env("PYTHONPATH", self.root.join("usr/lib/python3/dist-packages"));
        command.arg(self.root.join("usr/bin/dput")).args(arguments);
        command
    }
}

#[test]
fn two_at_once_send_once() {
    let environment = built("examples/hello");
    let daemon = Daemon::start();
    let host = format!("ftp://127.0.0.1:{}", daemon.ftp);
    let spawn = || environment.pkgr(&["upload", "ppa:du9l/x1", "--host", &host]).spawn().unwrap();
    let mut running = [spawn(), spawn(), spawn()];
    assert!(running.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/x1", &SERIES);
}

#[test]
fn an_upload_that_was_killed_is_taken_up() {
    let environment = built("examples/hello");
    // takes connections and says nothing
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("ftp://{}", silent.local_addr().unwrap());
    let only = ["--only", "noble"];
    let mut child = environment.pkgr(&["upload", "ppa:du9l/x1", "--host", &host]).args(only).spawn().unwrap();
    let (mut connection, _) = silent.accept().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = connection.read(&mut [0; 1]);
    let journal = changes_for(&environment, "noble").with_extension("upload.json");
    assert!(fs::read_to_string(&journal).unwrap().contains("\"started\""));
    let daemon = Daemon::start();
    let host = format!("ftp://127.0.0.1:{}", daemon.ftp);
    let said = run(environment.pkgr(&["upload", "ppa:du9l/x1", "--host", &host]).args(only)).ok();
    assert!(said.stderr.contains("note[upload-taken-up]"), "{}", said.stderr);
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/x1", &["noble"]);
    let journal: serde_json::Value = serde_json::from_slice(&fs::read(journal).unwrap()).unwrap();
    let uploads = journal["uploads"].as_array().unwrap();
    assert_eq!((uploads.len(), uploads[0]["state"].as_str()), (1, Some("sent")));
    let sums = uploads[0]["sha256"].as_object().unwrap();
    for (name, content) in listed(&changes_for(&environment, "noble")) {
        let known = pkgr::deb::checksums::Checksums::of(&content).sha256;
        assert_eq!(sums[&name].as_str(), Some(known.as_str()));
    }
}

#[test]
fn what_fails_does_not_stop_the_others() {
    let environment = built("examples/hello");
    let daemon = Daemon::start();
    let host = format!("ftp://127.0.0.1:{}", daemon.ftp);
    let broken = changes_for(&environment, "jammy");
    let text = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, text.replace("Urgency: medium", "Urgency: low")).unwrap();
    let orphan = changes_for(&environment, "focal");
    fs::remove_file(orphan.to_str().unwrap().replace("_source.changes", ".debian.tar.xz")).unwrap();
    let said = run(&mut environment.pkgr(&["upload", "ppa:du9l/x1", "--host", &host])).exits(1);
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/x1", &["xenial", "noble", "resolute"]);
    assert!(said.stderr.contains("error[bad-signature]"), "{}", said.stderr);
    assert!(said.stderr.contains("error[listed-file-missing]"), "{}", said.stderr);
    assert_eq!(said.stdout.matches("refused ").count(), 2, "{}", said.stdout);
}

/// Every refusal comes before the first byte: nobody listens, and nobody is asked.
#[test]
fn refusals_before_the_first_byte() {
    let environment = built("examples/hello");
    let noble = changes_for(&environment, "noble");
    let unsigned = environment.path("unsigned");
    run(environment.pkgr(&["build", "hello", "--no-sign", "-o"]).arg(&unsigned)).ok();
    let refused = |target: &str, changes: &Path, code: i32| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("ftp://{}", listener.local_addr().unwrap());
        let mut command = environment.pkgr(&["--json", "upload", target, changes.to_str().unwrap()]);
        if target.starts_with("ppa:") {
            command.args(["--host", &host]);
        }
        let said = json(run(&mut command).exits(code));
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{target}: somebody was asked");
        said["errors"][0]["code"].as_str().unwrap().to_string()
    };
    let ppa = "ppa:du9l/x1";
    let unsigned = unsigned.join(noble.file_name().unwrap());
    assert_eq!(refused(ppa, &unsigned, 1), "not-signed");
    assert_eq!(refused("ppa:Du9l/x1", &noble, 2), "bad-ppa");
    assert_eq!(refused("nowhere", &noble, 2), "unknown-target");
    assert_eq!(refused("ftp://jane:s3cret@127.0.0.1/x", &noble, 2), "password-in-url");
    let edited = |name: &str, from: &str, to: &str| {
        // another key would do; the check of the series comes before that of the signature
        let path = dist(&environment).join(name);
        fs::write(&path, fs::read_to_string(&noble).unwrap().replace(from, to)).unwrap();
        path
    };
    let at = |series: &str| format!("Distribution: {series}\n");
    assert_eq!(refused(ppa, &edited("a.changes", &at("noble"), &at("UNRELEASED")), 1), "unreleased");
    assert_eq!(refused(ppa, &edited("b.changes", &at("noble"), &at("groovy")), 1), "obsolete-series");
    assert_eq!(refused(ppa, &edited("c.changes", &at("noble"), &at("noble-proposed")), 1), "pocket-in-ppa");
    assert_eq!(refused(ppa, &edited("d.changes", &at("noble"), &at("24.04")), 1), "unknown-series");
    let binary = edited("e.changes", "Architecture: source", "Architecture: source amd64");
    assert_eq!(refused(ppa, &binary, 1), "binary-upload");
    assert_eq!(refused(ppa, &edited("f.changes", "Version:", "Verzion:"), 1), "bad-changes");
    assert_eq!(refused(ppa, &dist(&environment).join("none.changes"), 3), "io");
    let orig = dist(&environment).join("hello_2.12.orig.tar.gz");
    fs::write(&orig, [&fs::read(&orig).unwrap()[..], b"\0"].concat()).unwrap();
    assert_eq!(refused(ppa, &noble, 1), "checksum-mismatch");
}

#[test]
fn what_is_unsigned_is_signed_with_a_key_but_not_in_a_dry_run() {
    let environment = TestEnvironment::new();
    environment.copy("examples/hello");
    run(&mut environment.pkgr(&["build", "hello", "--no-sign"])).ok();
    let daemon = Daemon::start();
    let host = format!("ftp://127.0.0.1:{}", daemon.ftp);
    let key = environment.key().secret.clone();
    let before = files_in(&dist(&environment));
    let upload = |more: &[&str]| {
        let mut command = environment.pkgr(&["upload", "ppa:du9l/x1", "--only", "noble", "--host", &host]);
        run(command.arg("--key").arg(&key).args(more)).ok()
    };
    let said = upload(&["-n"]);
    assert!(said.stderr.contains("would be signed with"), "{}", said.stderr);
    assert!(
        said.stdout.contains("~du9l/ubuntu/x1") && said.stdout.contains("hello_2.12.orig.tar.gz"),
        "{}",
        said.stdout
    );
    assert_eq!(files_in(&dist(&environment)), before);
    upload(&[]);
    assert_arrived(&environment, &daemon.received(), "~du9l/ubuntu/x1", &["noble"]);
    let noble = common::judge::Package::of(&changes_for(&environment, "noble"));
    common::judge::accept(&environment, &noble);
}

/// 4 for a refusal, 3 for the network, with the reason and every try.
#[test]
fn how_it_ends_says_whose_fault_it_is() {
    let environment = built("examples/hello");
    let daemon = Daemon::start();
    let host = format!("sftp://127.0.0.1:{}", daemon.sftp);
    let noble = ["--only", "noble"];
    config(
        &environment,
        &format!("[profile.p]\nto = 'ppa:du9l/x1'\nhosts = ['{host}']\nhost-keys = ['{}']\n", daemon.host_key),
    );
    let mut refused = with_ssh(&environment, &daemon.ssh, &["upload", "p", "--login", "nobody"]);
    let refused = run(refused.args(noble)).exits(4);
    assert!(
        refused.stderr.contains("error[upload-refused]") && refused.stderr.contains("No such Launchpad account"),
        "{}",
        refused.stderr
    );
    let nobody = format!("ftp://127.0.0.1:{}", upload_support::free_port());
    let failed =
        run(environment.pkgr(&["upload", "ppa:du9l/x1", "--host", &nobody, "--retries", "1"]).args(noble)).exits(3);
    assert!(
        failed.stderr.contains("error[upload-failed]") && failed.stderr.contains("after 2 tries"),
        "{}",
        failed.stderr
    );
    assert!(failed.stderr.contains("warning[upload-try-failed]"), "{}", failed.stderr);
    assert!(daemon.submitted().is_empty());
}

/// An older version that was built before would be refused behind the newer one.
#[test]
fn of_what_lies_there_the_newest_goes_up() {
    let environment = built("examples/hello");
    let noble = changes_for(&environment, "noble");
    let text = fs::read_to_string(&noble).unwrap();
    fs::write(noble.with_file_name("hello_2.11-9_source.changes"), text.replace("Version: 2.12-1", "Version: 2.11-9"))
        .unwrap();
    let plan = ["-v", "upload", "ppa:du9l/x1", "--method", "ftp", "-n", "--only", "noble"];
    let said = run(&mut environment.pkgr(&plan)).ok();
    assert!(said.stderr.contains("passed over dist/hello_2.11-9_source.changes"), "{}", said.stderr);
    assert_eq!(said.stdout.matches("would-send").count(), 1, "{}", said.stdout);
    assert!(said.stdout.starts_with("to ftp://ppa.launchpad.net/~du9l/ubuntu/x1\nor ftp://upload.ppa.launchpad.net/"));
}

#[test]
fn nothing_to_upload_and_nowhere_to() {
    let environment = TestEnvironment::new();
    let said = run(&mut environment.pkgr(&["upload", "ppa:du9l/x1"])).exits(2);
    assert!(said.stderr.contains("error[nothing-to-upload]"), "{}", said.stderr);
    let recipe = environment.copy("examples/hello");
    let said = run(environment.pkgr(&["upload"]).arg(&recipe)).exits(2);
    assert!(said.stderr.contains("error[no-target]"), "{}", said.stderr);
    let said = run(environment.pkgr(&["upload", "ppa:du9l/x1"]).arg(&recipe)).exits(1);
    assert!(said.stderr.contains("error[not-built]") && said.stderr.contains("pkgr build"), "{}", said.stderr);
}
