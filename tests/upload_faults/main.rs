//! Uploads over a network that breaks, to Launchpad's own daemon: at every stage,
//! by every kind of failure that a connection has. Whatever happens, a .changes is
//! never delivered without all its files; an upload that can arrive does, by a
//! fresh connection or another way; a PPA gets it once; one that cannot says why; and
//! the files and the journal here say what is so.
//!
//! A sample of the matrix runs each time. All of it:
//!
//! ```text
//! PKGR_UPLOAD_FAULTS=full cargo test --test upload_faults -- --nocapture
//! ```
//!
//! which also writes docs/results/upload-faults.md.

#[path = "../launchpad_support/mod.rs"]
mod launchpad_support;
#[path = "../upload_support/mod.rs"]
mod upload_support;

mod cases;
mod ppa;
mod proxy;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cases::{Case, Expected, Way, matrix, sample};
use pkgr::arrival::Published;
use pkgr::diagnostic::Kind;
use pkgr::listener::Recorder;
use pkgr::upload::journal::{Journal, State};
use pkgr::upload::retry::{Clock, Policy};
use pkgr::upload::target::{Rules, Target};
use pkgr::upload::{Asking, Destination, Item, Method, Options, Outcome, Prepared, Sending, SftpKey, Timeouts, upload};
use ppa::Launchpad;
use proxy::Proxy;
use upload_support::{Daemon, SshHome, item, noise};

/// Time passes, but nobody waits for long.
struct Impatient(Instant);

impl Clock for Impatient {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause.min(Duration::from_millis(25)));
    }
    fn jitter(&self) -> f64 {
        0.5
    }
}

/// What became of a case here.
struct Done {
    name: String,
    folder: String,
    outcome: Outcome,
    tries: usize,
    is_ppa: bool,
    /// Whether a PPA said that it has what nobody had confirmed.
    is_found: bool,
    items: BTreeMap<String, Vec<u8>>,
    wrong: Vec<String>,
}

/// The sizes: around a block, an empty one, and one that no socket swallows whole.
const FILES: &[(&str, usize)] = &[
    ("hello_1.0.orig.tar.gz", 400_000),
    ("hello_1.0.orig.tar.gz.asc", 0),
    ("hello_1.0-1.debian.tar.xz", 16_384),
    ("hello_1.0-1.dsc", 1_533),
    ("hello_1.0-1_source.changes", 2_067),
];

fn package(folder: &Path) -> Prepared {
    let items: Vec<Item> = FILES
        .iter()
        .enumerate()
        .map(|(seed, (name, size))| item(folder, name, &noise(*size, seed as u64)[..*size]))
        .collect();
    let sha256 = items.iter().map(|item| (item.name.clone(), format!("{:064x}", item.size))).collect();
    Prepared {
        changes: items.last().unwrap().path.clone(),
        source: "hello".to_string(),
        version: "1.0-1".to_string(),
        distribution: "noble".to_string(),
        items,
        sha256,
        signed_by: None,
    }
}

fn way(method: Method, port: u16, folder: &str, daemon: &Daemon) -> Destination {
    let is_sftp = method == Method::Sftp;
    Destination {
        method,
        host: "127.0.0.1".to_string(),
        port: Some(port),
        login: is_sftp.then(|| Daemon::LOGIN.to_string()),
        folder: folder.to_string(),
        host_keys: if is_sftp { vec![daemon.host_key.clone()] } else { Vec::new() },
    }
}

/// The ways of a case, the broken one first.
fn ways(case: &Case, folder: &str, daemon: &Daemon) -> Vec<Destination> {
    let port = if case.method == Method::Sftp { daemon.sftp } else { daemon.ftp };
    let first = match &case.way {
        Way::Through(fault) => {
            let proxy = Proxy::start(port, case.method == Method::Ftp, Some(*fault));
            way(case.method, proxy.port, folder, daemon)
        }
        Way::Refused => way(case.method, upload_support::free_port(), folder, daemon),
        Way::Host(name) => Destination { host: name.to_string(), port: None, ..way(case.method, port, folder, daemon) },
        Way::HostKey => {
            let host_keys = vec!["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_string()];
            Destination { host_keys, ..way(case.method, port, folder, daemon) }
        }
        Way::Login(name) => Destination { login: Some(name.to_string()), ..way(case.method, port, folder, daemon) },
        Way::Local(path) => {
            Destination { method: Method::Local, folder: path.to_string(), ..way(Method::Ftp, 0, "", daemon) }
        }
        Way::WrongKey | Way::FileChanged | Way::FileVanished => way(case.method, port, folder, daemon),
    };
    let second = case.second.map(|method| {
        let port = if method == Method::Sftp { daemon.sftp } else { daemon.ftp };
        way(method, port, folder, daemon)
    });
    std::iter::once(first).chain(second).collect()
}

fn run(number: usize, case: &Case, daemon: &Daemon, stranger: &SshHome, launchpad: &Launchpad) -> Done {
    let local = tempfile::tempdir().unwrap();
    let package = package(local.path());
    let folder = format!("~owner/ubuntu/case{number}");
    let items = upload_support::contents(&package.items);
    match case.way {
        Way::FileChanged => fs::write(&package.items[0].path, b"shorter").unwrap(),
        Way::FileVanished => fs::remove_file(&package.items[2].path).unwrap(),
        _ => {}
    }
    let before = upload_support::files_in(local.path());
    let name = format!("case{number}");
    let target = Target {
        name: format!("ppa:owner/{name}"),
        identity: folder.clone(),
        ways: ways(case, &folder, daemon),
        rules: if case.is_ppa { launchpad.add(&name) } else { Rules::default() },
        dput: None,
    };
    let key = if case.way == Way::WrongKey { &stranger.key } else { &daemon.ssh.key };
    // what stalls is waited for as shortly as a busy machine allows
    let idle = if case.is_stall() { Duration::from_millis(1500) } else { Duration::from_secs(10) };
    let clock = Impatient(Instant::now());
    let (listener, cache) = (Recorder::default(), tempfile::tempdir().unwrap());
    let client = launchpad.client(cache.path(), &listener);
    let published = Published::new(&client);
    let interval = Duration::from_millis(25);
    let sending = Sending {
        transfer: Options {
            timeouts: Timeouts { connect: if case.is_stall() { Duration::from_secs(4) } else { idle }, idle },
            sftp_key: Some(SftpKey::Path(key.clone())),
            ssh: daemon.ssh.program.clone().into(),
            ..Options::default()
        },
        policy: Policy { retries: 2, ..Policy::default() },
        clock: &clock,
        force: false,
        asking: Some(Asking { arrival: &published, acceptance: ppa::ACCEPTANCE, interval }),
    };
    let mut report = upload(std::slice::from_ref(&package), &target, &sending, &listener);
    let outcome = report.uploads.remove(0).outcome;
    let mut wrong = Vec::new();
    let mut after = upload_support::files_in(local.path());
    after.remove("hello_1.0-1_source.upload.json");
    if after != before {
        wrong.push("files of the package have changed".to_string());
    }
    let journal = Journal::of(&package.changes).unwrap();
    let state = journal.last(&folder, package.changes_sha256()).map(|entry| entry.state);
    let is_sent = matches!(outcome, Outcome::Sent { .. });
    if state.is_none() || is_sent != (state == Some(State::Sent)) {
        wrong.push(format!("the journal says {state:?}"));
    }
    let told = |code: &str| listener.told().iter().filter(|told| told.code == code).count();
    let is_found = told("upload-arrived") > 0;
    // 426 leaves open what the daemon has
    let is_refusal = |fault: &proxy::Fault| matches!(fault.kind, proxy::Kind::Reply(said) if !said.starts_with("426"));
    if matches!(&case.way, Way::Through(fault) if is_refusal(fault)) && told("upload-unsettled") > 0 {
        wrong.push("a refusal was taken for silence".to_string());
    }
    let tries = match &outcome {
        Outcome::Sent { tries, .. } => *tries,
        _ => told("upload-try-failed") + 1,
    };
    Done { name: case.name.clone(), folder, outcome, tries, is_ppa: case.is_ppa, is_found, items, wrong }
}

/// What a finished session must not be, and how many times the case was delivered whole.
fn judge(done: &mut Done, sessions: &[upload_support::Session], expected: Expected) -> usize {
    let mut delivered = 0;
    for session in sessions.iter().filter(|session| session.path == done.folder && session.is_submitted()) {
        let mut is_whole = true;
        for (name, content) in &done.items {
            let received = session.files.get(name);
            let is_same = received == Some(content);
            is_whole &= is_same;
            if !is_same && !name.ends_with(".changes") {
                let size = received.map(Vec::len);
                done.wrong.push(format!(
                    "a .changes was delivered with {name} of {size:?} bytes instead of {}",
                    content.len()
                ));
            }
        }
        delivered += usize::from(is_whole);
    }
    if done.is_ppa && delivered > 1 {
        done.wrong.push(format!("it was delivered {delivered} times"));
    }
    match (&done.outcome, expected) {
        (Outcome::Sent { .. }, Expected::Arrives) => {
            if delivered == 0 {
                done.wrong.push("it was called sent, and did not arrive".to_string());
            }
        }
        (Outcome::Failed(failure), Expected::Fails(kind)) if failure.kind != kind => {
            done.wrong.push(format!("it failed as {:?}: {failure}", failure.kind));
        }
        (Outcome::Failed(failure), Expected::Fails(_)) => {
            let notes = &failure.diagnostics[0].notes;
            if notes.len() != done.tries || notes.iter().any(|note| note.ends_with(": ")) {
                done.wrong.push(format!("{} tries, told as {notes:?}", done.tries));
            }
        }
        (outcome, expected) => done.wrong.push(format!("{outcome:?}, expected {expected:?}")),
    }
    delivered
}

/// Measures what goes by in an upload that nothing disturbs.
fn measure(method: Method, daemon: &Daemon) -> cases::Lengths {
    let port = if method == Method::Sftp { daemon.sftp } else { daemon.ftp };
    let proxy = Proxy::start(port, method == Method::Ftp, None);
    let local = tempfile::tempdir().unwrap();
    let package = package(local.path());
    let options = Options {
        sftp_key: Some(SftpKey::Path(daemon.ssh.key.clone())),
        ssh: daemon.ssh.program.clone().into(),
        ..Options::default()
    };
    let destination = way(method, proxy.port, "~owner/ubuntu/measured", daemon);
    pkgr::upload::transfer(&destination, &package.items, &options, &pkgr::listener::Silent).unwrap();
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::SeqCst);
    let lengths = cases::Lengths { up: load(&proxy.traffic.up), down: load(&proxy.traffic.down) };
    assert!(lengths.up > 100 && lengths.down > 100, "{lengths:?}");
    if method == Method::Ftp {
        let mut data = proxy.traffic.data.lock().unwrap().clone();
        let mut sizes: Vec<u64> = FILES.iter().map(|(_, size)| *size as u64).collect();
        data.sort_unstable();
        sizes.sort_unstable();
        assert_eq!(data, sizes, "the proxy lost a data connection");
    }
    lengths
}

#[test]
fn no_changes_is_delivered_without_its_files() {
    let daemon = Daemon::start();
    let stranger = SshHome::new();
    let all = matrix(measure(Method::Ftp, &daemon), measure(Method::Sftp, &daemon));
    assert!(all.len() >= 200, "the matrix has {} points", all.len());
    let is_full = std::env::var("PKGR_UPLOAD_FAULTS").is_ok_and(|value| value == "full");
    let cases: Vec<&Case> = if is_full { all.iter().collect() } else { sample(&all) };
    let begin = Instant::now();
    // stalls wait, and waiting costs nothing
    let finished = Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (launchpad, sample_folder) = (Launchpad::start(), tempfile::tempdir().unwrap());
    let whole = upload_support::contents(&package(sample_folder.path()).items);
    std::thread::scope(|scope| {
        scope.spawn(|| launchpad.process(&daemon, &whole));
        let workers = (0..8).map(|_| {
            scope.spawn(|| {
                while let Some((number, case)) = {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    cases.get(number).map(|case| (number, case))
                } {
                    let done = run(number, case, &daemon, &stranger, &launchpad);
                    finished.lock().unwrap().push((number, done));
                }
            })
        });
        let workers: Vec<_> = workers.collect();
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        launchpad.end();
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    let sessions = daemon.received();
    let mut finished = finished.into_inner().unwrap();
    finished.sort_by_key(|(number, _)| *number);
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for (number, mut done) in finished {
        let case = cases[number];
        let delivered = judge(&mut done, &sessions, case.expected);
        wrong.extend(done.wrong.iter().map(|why| format!("{}: {why}", done.name)));
        rows.push((case.group, done, delivered));
    }
    let summary = summary(&rows, &sessions, begin.elapsed());
    println!("{summary}");
    if is_full && wrong.is_empty() {
        fs::write(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/results/upload-faults.md"), &summary).unwrap();
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// A small disk (tmpfs) under a running daemon, taken away before the daemon ends.
struct Disk(PathBuf);

impl Disk {
    fn under(daemon: &Daemon, size: &str) -> Disk {
        let folder = daemon.folder().to_path_buf();
        let held = upload_support::files_in(&folder);
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0755"), "none"]).arg(&folder);
        assert!(mount.status().unwrap().success(), "a small disk can be mounted by root only");
        let disk = Disk(folder);
        for (name, content) in held.iter().filter(|(name, _)| name.contains("key")) {
            fs::write(disk.0.join(name), content).unwrap();
        }
        for name in ["sessions", "incoming"] {
            fs::create_dir(disk.0.join(name)).unwrap();
        }
        disk
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Somebody makes room while pkgr waits.
struct Cleaner(Impatient, PathBuf);

impl Clock for Cleaner {
    fn now(&self) -> Duration {
        self.0.now()
    }
    fn sleep(&self, _: Duration) {
        let _ = fs::remove_file(&self.1);
    }
    fn jitter(&self) -> f64 {
        0.5
    }
}

#[test]
fn a_full_disk_at_the_daemon() {
    for (number, (method, is_cleaned)) in
        [(Method::Ftp, false), (Method::Ftp, true), (Method::Sftp, false), (Method::Sftp, true)].into_iter().enumerate()
    {
        let daemon = Daemon::start();
        let disk = Disk::under(&daemon, "700k");
        let filler = disk.0.join("filler");
        fs::write(&filler, vec![1; 500_000]).unwrap();
        let local = tempfile::tempdir().unwrap();
        let package = package(local.path());
        let folder = format!("~owner/ubuntu/full{number}");
        let port = if method == Method::Sftp { daemon.sftp } else { daemon.ftp };
        let target = Target {
            name: "ppa:owner/name".to_string(),
            identity: folder.clone(),
            ways: vec![way(method, port, &folder, &daemon)],
            rules: Rules::default(),
            dput: None,
        };
        let nowhere = local.path().join("none");
        let clock = Cleaner(Impatient(Instant::now()), if is_cleaned { filler } else { nowhere });
        let sending = Sending {
            transfer: Options {
                timeouts: Timeouts { connect: Duration::from_secs(5), idle: Duration::from_secs(3) },
                sftp_key: Some(SftpKey::Path(daemon.ssh.key.clone())),
                ssh: daemon.ssh.program.clone().into(),
                ..Options::default()
            },
            policy: Policy { retries: 2, ..Policy::default() },
            clock: &clock,
            force: false,
            asking: None,
        };
        let listener = Recorder::default();
        let outcome = upload(std::slice::from_ref(&package), &target, &sending, &listener).uploads.remove(0).outcome;
        let submitted = daemon.submitted();
        let told = format!("{method}, cleaned: {is_cleaned}: {outcome:?}\n{:?}", listener.told());
        match is_cleaned {
            true => {
                assert!(matches!(outcome, Outcome::Sent { tries: 2.., .. }) && submitted.len() == 1, "{told}");
                upload_support::assert_same(&submitted[0].files, &upload_support::contents(&package.items));
            }
            false => assert!(matches!(outcome, Outcome::Failed(_)) && submitted.is_empty(), "{told}"),
        }
    }
}

fn summary(rows: &[(&'static str, Done, usize)], sessions: &[upload_support::Session], took: Duration) -> String {
    let submitted = sessions.iter().filter(|session| session.is_submitted()).count();
    let mut text = format!(
        "# Uploads over a network that breaks\n\n\
         `PKGR_UPLOAD_FAULTS=full cargo test --test upload_faults -- --nocapture` runs the matrix of \
         `tests/upload_faults/cases.rs` against txpkgupload, Launchpad's own daemon, and writes this file: \
         five files of 420 kB in each upload, three tries, pauses left out.\n\n\
         {}: {} faults, {} sessions at the daemon, of which {submitted} were submitted, {} s. No .changes was delivered \
         without all its files; every upload that was called sent had arrived; nothing changed here but the journal.\n\n\
         | faults | number | arrived | by a later try | gave up: machine or network (3) | gave up: refused (4) |\n\
         |---|---|---|---|---|---|\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        rows.len(),
        sessions.len(),
        took.as_secs()
    );
    let groups: BTreeSet<&str> = rows.iter().map(|(group, ..)| *group).collect();
    for group in groups {
        let of_group: Vec<&Done> = rows.iter().filter(|(g, ..)| *g == group).map(|(_, done, _)| done).collect();
        let count = |test: &dyn Fn(&Done) -> bool| of_group.iter().filter(|done| test(done)).count();
        let failed = |kind: Kind| count(&|done| matches!(&done.outcome, Outcome::Failed(f) if f.kind == kind));
        let sent = count(&|done| matches!(done.outcome, Outcome::Sent { .. }));
        let later = count(&|done| matches!(done.outcome, Outcome::Sent { tries, .. } if tries > 1));
        text.push_str(&format!(
            "| {group} | {} | {sent} | {later} | {} | {} |\n",
            of_group.len(),
            failed(Kind::Environment),
            failed(Kind::Remote)
        ));
    }
    let count = |test: &dyn Fn(&Done, usize) -> bool| rows.iter().filter(|(_, done, n)| test(done, *n)).count();
    let is_twice = |is_ppa: bool| move |done: &Done, delivered: usize| done.is_ppa == is_ppa && delivered > 1;
    text.push_str(&format!(
        "\nDelivered whole more than once to a PPA: {} of {}. Where the last answer was lost, the web service (a \
         stand-in, over HTTP) was asked before anything else was tried, for up to {} s: {} times it showed the upload, and \
         that was the end of it.\n\n\
         Delivered whole more than once to another queue: {} of {}, where the daemon's last answer was lost. Nobody can \
         ask such a queue, so it is sent again; one that keeps its files gets the same bytes under the same names.\n\n\
         What no client can know: a connection of which the daemon does not learn that it broke stays open there until \
         the daemon gives it up, after an hour. What it holds comes to Launchpad then, and is refused by mail where the \
         upload was sent again meanwhile.\n",
        count(&is_twice(true)),
        count(&|done, _| done.is_ppa),
        ppa::ACCEPTANCE.as_secs(),
        count(&|done, _| done.is_found),
        count(&is_twice(false)),
        count(&|done, _| !done.is_ppa),
    ));
    text
}
