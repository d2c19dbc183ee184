//! A home for ssh: a key, a known_hosts and a configuration of its own, for ssh
//! takes the real user's home whatever HOME says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// See the module.
pub struct SshHome {
    /// A private key that is not encrypted; `.pub` is beside it.
    pub key: PathBuf,
    /// Empty at first.
    pub known_hosts: PathBuf,
    /// An `ssh` that reads [`SshHome::configuration`] and nothing else; its folder
    /// can be put into PATH.
    pub program: PathBuf,
    folder: tempfile::TempDir,
}

impl SshHome {
    /// With an Ed25519 key that the configuration does not name.
    pub fn new() -> SshHome {
        let folder = tempfile::Builder::new().prefix("pkgr-ssh-home-").tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        make_key(&at("key"), &["-t", "ed25519"]);
        fs::create_dir(at("bin")).unwrap();
        fs::write(at("known_hosts"), "").unwrap();
        let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", at("config").display());
        fs::write(at("bin/ssh"), script).unwrap();
        fs::set_permissions(at("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        let home = SshHome { key: at("key"), known_hosts: at("known_hosts"), program: at("bin/ssh"), folder };
        home.configure("");
        home
    }

    /// Adds lines to the configuration; without any, ssh offers no key at all.
    pub fn configure(&self, lines: &str) {
        let text = format!(
            "{lines}\nUserKnownHostsFile {}\nGlobalKnownHostsFile none\nIdentityAgent none\n\
             IdentityFile {}/none\nIdentitiesOnly yes\n",
            self.known_hosts.display(),
            self.folder.path().display(),
        );
        fs::write(self.configuration(), text).unwrap();
    }

    /// The ssh_config.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Makes a host known by a public key file.
    pub fn trust(&self, host: &str, port: u16, public: &Path) {
        let key = fs::read_to_string(public).unwrap();
        let fields: Vec<&str> = key.split_whitespace().take(2).collect();
        fs::write(&self.known_hosts, format!("[{host}]:{port} {}\n", fields.join(" "))).unwrap();
    }

    /// The private key as a text.
    pub fn key_text(&self) -> String {
        fs::read_to_string(&self.key).unwrap()
    }
}

/// Makes a key without a passphrase.
#[track_caller]
pub fn make_key(path: &Path, kind: &[&str]) {
    let output =
        Command::new("ssh-keygen").args(["-q", "-N", "", "-C", "test"]).args(kind).arg("-f").arg(path).output();
    let output = output.expect("ssh-keygen");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `SHA256:…` of a public key file.
#[track_caller]
pub fn fingerprint(public: &Path) -> String {
    let output = Command::new("ssh-keygen").arg("-lf").arg(public).output().expect("ssh-keygen");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_string()
}
