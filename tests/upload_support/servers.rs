//! vsftpd and OpenSSH's sshd, with private configurations.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ssh::{SshHome, fingerprint, make_key};
use super::{Running, free_port, open_folder, wait_for_port};

/// vsftpd for anonymous uploads into the folder `incoming`.
pub struct Vsftpd {
    /// On the address that it was started for.
    pub port: u16,
    folder: tempfile::TempDir,
    _process: Running,
}

impl Vsftpd {
    /// Starts one on 127.0.0.1 or ::1; `more` are lines of its configuration.
    #[track_caller]
    pub fn start(address: &str, more: &str) -> Vsftpd {
        let folder = open_folder();
        let (root, incoming) = (folder.path().join("root"), folder.path().join("root/incoming"));
        let empty = folder.path().join("empty");
        for path in [&root, &incoming, &empty] {
            fs::create_dir(path).unwrap();
        }
        // not the root: vsftpd refuses one that can be written to
        fs::set_permissions(&incoming, fs::Permissions::from_mode(0o777)).unwrap();
        let is_root = incoming.metadata().unwrap().uid() == 0;
        let port = free_port();
        let listen = if address.contains(':') {
            "listen=NO\nlisten_ipv6=YES\nlisten_address6"
        } else {
            "listen=YES\nlisten_address"
        };
        let text = format!(
            "{listen}={address}\nlisten_port={port}\nbackground=NO\nrun_as_launching_user={}\n\
             anonymous_enable=YES\nlocal_enable=NO\nno_anon_password=NO\nanon_root={}\nanon_umask=022\n\
             write_enable=YES\nanon_upload_enable=YES\nsecure_chroot_dir={}\nnopriv_user=nobody\n\
             seccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\nxferlog_enable=NO\n{more}\n",
            if is_root { "NO" } else { "YES" },
            root.display(),
            empty.display(),
        );
        let configuration = folder.path().join("vsftpd.conf");
        fs::write(&configuration, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("/usr/sbin/vsftpd");
        command.arg(&configuration).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = Running(command.spawn().expect("vsftpd is not installed"));
        wait_for_port(&if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") });
        Vsftpd { port, folder, _process: process }
    }

    /// Where uploads to the folder `incoming` end.
    pub fn incoming(&self) -> PathBuf {
        self.folder.path().join("root/incoming")
    }
}

/// sshd with OpenSSH's own SFTP server, for the account that runs the tests.
pub struct Sshd {
    /// On 127.0.0.1.
    pub port: u16,
    /// Fingerprint of the host key, `SHA256:…`.
    pub host_key: String,
    /// The account's key.
    pub ssh: SshHome,
    folder: tempfile::TempDir,
    _process: Running,
}

impl Sshd {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Sshd {
        let folder = open_folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("incoming")).unwrap();
        make_key(&at("host_key"), &["-t", "ed25519"]);
        let ssh = SshHome::new();
        fs::copy(ssh.key.with_extension("pub"), at("authorized_keys")).unwrap();
        // where it confines the part that has no rights; made by its service file otherwise
        let _ = fs::create_dir_all("/run/sshd");
        let port = free_port();
        let text = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             PidFile none\nPrintMotd no\nSubsystem sftp internal-sftp\n",
            at("host_key").display(),
            at("authorized_keys").display(),
        );
        fs::write(at("sshd_config"), text).unwrap();
        let log = fs::File::create(at("log")).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(at("sshd_config")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = Running(command.spawn().expect("openssh-server is not installed"));
        wait_for_port(&format!("127.0.0.1:{port}"));
        let host_key = fingerprint(&at("host_key.pub"));
        Sshd { port, host_key, ssh, folder, _process: process }
    }

    /// A folder to upload into.
    pub fn incoming(&self) -> PathBuf {
        self.folder.path().join("incoming")
    }

    /// The public host key.
    pub fn public_host_key(&self) -> PathBuf {
        self.folder.path().join("host_key.pub")
    }

    /// What it has to say, for a failed test.
    pub fn log(&self) -> String {
        fs::read_to_string(Path::new(self.folder.path()).join("log")).unwrap_or_default()
    }
}
