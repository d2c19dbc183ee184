//! Launchpad's upload daemon: txpkgupload from PyPI, in a virtual environment under
//! target/ that is made on first use.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use super::ssh::{SshHome, fingerprint, make_key};
use super::{Running, wait_for};

/// What is installed; the name of the environment's folder changes with it.
const PACKAGES: &[&str] = &["txpkgupload==0.5", "Twisted==26.10.0", "lazr.sshserver==4.0.0", "PyYAML==6.0.4"];

/// A running daemon.
pub struct Daemon {
    /// Port on 127.0.0.1 and ::1.
    pub ftp: u16,
    /// Port on 127.0.0.1 and ::1.
    pub sftp: u16,
    /// Fingerprint of the host key, `SHA256:…`.
    pub host_key: String,
    /// The account's key, and an ssh that uses nothing of this machine's user.
    pub ssh: SshHome,
    folder: tempfile::TempDir,
    _process: Running,
}

/// One finished session, as process-upload would find it.
#[derive(Debug, Clone)]
pub struct Session {
    /// `upload-ftp-20261124-120000-000001`.
    pub name: String,
    /// The folder that the files are in: `~owner/ubuntu/name`; empty where there are none.
    pub path: String,
    /// By their names.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Session {
    /// Whether Launchpad would look at it: others it drops without a word.
    pub fn is_submitted(&self) -> bool {
        self.files.keys().any(|name| name.ends_with(".changes"))
    }
}

impl Daemon {
    /// The account that the key of [`Daemon::ssh`] belongs to.
    pub const LOGIN: &str = "someone";

    /// Starts one.
    #[track_caller]
    pub fn start() -> Daemon {
        Daemon::start_with(|_| {})
    }

    /// Starts one in a folder that `prepare` may change before: sessions are in it while they
    /// last (`sessions`) and after (`incoming`), on one file system.
    #[track_caller]
    pub fn start_with(prepare: impl FnOnce(&Path)) -> Daemon {
        let python = environment();
        let folder = super::open_folder();
        let at = |name: &str| folder.path().join(name);
        for name in ["incoming", "sessions"] {
            fs::create_dir(at(name)).unwrap();
        }
        prepare(folder.path());
        make_key(&at("host_key"), &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
        let ssh = SshHome::new();
        let public = fs::read_to_string(ssh.key.with_extension("pub")).unwrap();
        let blob = public.split(' ').nth(1).unwrap();
        let accounts = format!("{{\"{}\": [[\"ED25519\", \"{blob}\"]]}}", Self::LOGIN);
        fs::write(at("accounts.json"), accounts).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upload_support/daemon.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(fs::File::create(at("stderr")).unwrap());
        let mut process = Running(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("no daemon: {}", fs::read_to_string(at("stderr")).unwrap()));
        let port = |name: &str| u16::try_from(ports[name].as_u64().unwrap()).unwrap();
        let host_key = fingerprint(&at("host_key.pub"));
        Daemon { ftp: port("ftp"), sftp: port("sftp"), host_key, ssh, folder, _process: process }
    }

    /// All sessions that have ended, in the order of their end, once none is open any more.
    #[track_caller]
    pub fn received(&self) -> Vec<Session> {
        wait_for("the end of all sessions", || {
            fs::read_dir(self.folder.path().join("sessions")).unwrap().next().is_none()
        });
        self.ended()
    }

    /// [`Daemon::received`] without waiting for those that are open.
    pub fn ended(&self) -> Vec<Session> {
        let incoming = self.folder.path().join("incoming");
        let mut sessions: Vec<Session> =
            fs::read_dir(incoming).unwrap().map(|entry| session(&entry.unwrap().path())).collect();
        // the number at the end counts over both methods
        sessions.sort_by_key(|session| session.name.rsplit('-').next().map(str::to_string));
        sessions
    }

    /// Those of [`Daemon::ended`] that were not among them before; their names are kept.
    pub fn ended_since(&self, seen: &mut std::collections::BTreeSet<String>) -> Vec<Session> {
        let entries = fs::read_dir(self.folder.path().join("incoming")).unwrap().map(|entry| entry.unwrap().path());
        let is_new = |path: &PathBuf| seen.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        entries.filter(is_new).map(|path| session(&path)).collect()
    }

    /// Those of [`Daemon::received`] that Launchpad would look at.
    #[track_caller]
    pub fn submitted(&self) -> Vec<Session> {
        self.received().into_iter().filter(Session::is_submitted).collect()
    }

    /// The folder of [`Daemon::start_with`].
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the daemon wrote to its log, for a failed test.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("daemon.log")).unwrap_or_default()
    }
}

fn session(folder: &Path) -> Session {
    let mut files = BTreeMap::new();
    let mut paths = std::collections::BTreeSet::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let inside = next.strip_prefix(folder).unwrap();
                paths.insert(inside.to_str().unwrap().to_string());
                let name = path.file_name().unwrap().to_str().unwrap().to_string();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    assert!(paths.len() <= 1, "one session, several folders: {paths:?}");
    let name = folder.file_name().unwrap().to_str().unwrap().to_string();
    Session { name, path: paths.pop_first().unwrap_or_default(), files }
}

/// The Python of the environment, which is made if it is not there: some 20 seconds, once.
fn environment() -> PathBuf {
    let name = PACKAGES.join("-").replace("==", "-");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(kept).unwrap();
    let lock = fs::File::create(kept.join("txpkgupload.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let folder = kept.join(name);
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if !ready.exists() {
        let _ = fs::remove_dir_all(&folder);
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES));
        fs::write(ready, "").unwrap();
    }
    python
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
