//! The OpenSSH client as the carrier of SFTP: how it is started, and how it ends.
//!
//! It runs without terminal and without questions, forwards nothing, shares no
//! connection with another ssh (one connection is one upload), and checks the
//! host's key whatever the configuration says.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::upload::sftp::host_key;
use crate::upload::{Destination, Family, Options, SftpKey, Stage, TransferError};

/// What is said before the user's options and configuration, so that those
/// cannot say otherwise: the first value counts (ssh_config(5)).
const FIXED: &[&str] = &[
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "VerifyHostKeyDNS=no",
    "UpdateHostKeys=no",
    "ControlMaster=no",
    "ControlPath=none",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    "LogLevel=INFO", // below it there is no banner, which is where the daemon gives its reasons
];

/// More than any banner.
const MOST_SAID: usize = 16 << 10;

/// How long an ssh that has been told to end may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A running ssh with the sftp subsystem at its other end. Dropping it kills ssh,
/// and with it the connection.
pub(super) struct Ssh {
    /// Its standard input and output.
    pub stream: UnixStream,
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    folder: Option<TempDir>,
}

impl Ssh {
    /// Starts it. It connects while the caller waits for the first answer.
    pub fn start(destination: &Destination, options: &Options) -> Result<Ssh, TransferError> {
        let fail = |e: std::io::Error| TransferError::hopeless(Stage::Connect, format!("cannot start ssh: {e}"));
        let folder = private_folder().map_err(fail)?;
        let mut more = Vec::new();
        if let Some(key) = &options.sftp_key {
            more = key_options(key, folder.path()).map_err(fail)?;
        }
        let looked_up = arguments(destination, options, &more);
        more.extend(host_key::options(destination, options, &looked_up, folder.path()).map_err(fail)?);
        let (ours, theirs) = UnixStream::pair().map_err(fail)?;
        let mut command = Command::new(&options.ssh);
        command.arg("-s").args(arguments(destination, options, &more)).arg("sftp");
        command.stdin(OwnedFd::from(theirs.try_clone().map_err(fail)?));
        command.stdout(OwnedFd::from(theirs)).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| missing(&e, options))?;
        let said = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            let said = Arc::clone(&said);
            // ends with ssh; nobody waits for it, since a ProxyCommand may hold the pipe longer
            std::thread::spawn(move || listen(stderr, &said));
        }
        Ok(Ssh { stream: ours, child, said, folder: Some(folder) })
    }

    /// The login is done: a key that was given as text leaves the disk.
    pub fn forget_key(&mut self) {
        self.folder = None;
    }

    /// Ends the session in order, after everything was confirmed. Launchpad's daemon may
    /// wait for the client and ssh for the daemon, so the wait is short and its
    /// outcome does not matter.
    pub fn end(mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.wait(FAREWELL);
    }

    /// What ssh, and the other side through it, said so far; called when its
    /// output has ended or did not come.
    pub fn words(&mut self) -> String {
        // what explains the end may come a moment after it
        if self.wait(Duration::from_secs(1)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.heard()
    }

    /// The same, without waiting for more.
    pub fn heard(&self) -> String {
        let said = self.said.lock().map(|said| said.clone()).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    fn wait(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(mut stderr: impl Read, said: &Mutex<Vec<u8>>) {
    let mut block = [0; 2048];
    while let Ok(read) = stderr.read(&mut block) {
        let Some(part) = block.get(..read).filter(|part| !part.is_empty()) else { return };
        let Ok(mut said) = said.lock() else { return };
        if said.len() < MOST_SAID {
            said.extend_from_slice(part);
        }
    }
}

/// All arguments up to the host, without `-s` and the name of the subsystem.
fn arguments(destination: &Destination, options: &Options, more: &[String]) -> Vec<OsString> {
    let seconds = options.timeouts.connect.as_secs().max(1);
    let mut arguments: Vec<OsString> = vec!["-T".into(), "-a".into(), "-x".into()];
    match options.family {
        Some(Family::V4) => arguments.push("-4".into()),
        Some(Family::V6) => arguments.push("-6".into()),
        None => {}
    }
    if let Some(port) = destination.port {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    if let Some(login) = &destination.login {
        arguments.extend(["-l".into(), login.into()]);
    }
    let fixed = FIXED.iter().map(|option| (*option).to_string());
    let timeout = std::iter::once(format!("ConnectTimeout={seconds}"));
    for option in fixed.chain(more.iter().cloned()).chain(options.ssh_options.iter().cloned()).chain(timeout) {
        arguments.extend(["-o".into(), option.into()]);
    }
    arguments.extend(["--".into(), OsString::from(&destination.host)]);
    arguments
}

fn key_options(key: &SftpKey, folder: &Path) -> std::io::Result<Vec<String>> {
    let (path, agent) = match key {
        SftpKey::Path(path) => (path.clone(), None),
        SftpKey::Text(text) => (write_key(text.reveal(), folder)?, Some("IdentityAgent=none".to_string())),
    };
    let mut options = vec!["IdentitiesOnly=yes".to_string(), format!("IdentityFile={}", host_key::argument(&path))];
    options.extend(agent);
    Ok(options)
}

/// Variables of CI services lose the newline at the end, without which ssh does
/// not read a key.
fn write_key(text: &str, folder: &Path) -> std::io::Result<PathBuf> {
    let path = folder.join("key");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.trim().replace("\r\n", "\n").as_bytes())?;
    file.write_all(b"\n")?;
    Ok(path)
}

fn private_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("pkgr-ssh-").permissions(std::fs::Permissions::from_mode(0o700)).tempdir()
}

fn missing(error: &std::io::Error, options: &Options) -> TransferError {
    let program = options.ssh.to_string_lossy();
    TransferError::other_way(
        Stage::Connect,
        format!("SFTP needs OpenSSH's client, and {program} cannot be run: {error}; install openssh-client"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_variable_is_private_and_whole() {
        let folder = private_folder().unwrap();
        assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let path = write_key("-----BEGIN\r\nx\r\n-----END", folder.path()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"-----BEGIN\nx\n-----END\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
