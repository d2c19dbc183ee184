//! By which ways an upload reaches a PPA, the best first: SFTP where a key and
//! the name of an account are at hand, else FTP; Launchpad's second host behind
//! the first.
//!
//! FTP to the first host has been answering 550 to the second upload of a
//! client since 2026; SFTP does not.

use std::path::Path;
use std::process::{Command, Stdio};

use super::address::Host;
use super::ppa::{HOST, HOST_KEY, Ppa, SECOND_HOST};
use super::{Surroundings, TargetError};
use crate::upload::{Destination, Method};

/// What the user wants of the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this method; `None`: what is best.
    pub method: Option<Method>,
    /// The account.
    pub login: Option<String>,
    /// Instead of Launchpad's hosts, or the host of a section or URL.
    pub hosts: Vec<Host>,
    /// `SHA256:…` of host keys that are accepted.
    pub host_keys: Vec<String>,
}

/// What OpenSSH knows of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ssh {
    /// `User` of its configuration.
    pub login: Option<String>,
    /// Whether an agent or a file has a key.
    pub has_key: bool,
}

/// The ways to a PPA.
pub fn to_ppa(ppa: &Ppa, wanted: &Wanted, around: &Surroundings) -> Result<Vec<Destination>, TargetError> {
    let mut hosts = wanted.hosts.clone();
    if hosts.is_empty() {
        hosts = [HOST, SECOND_HOST].map(|name| Host { method: None, name: name.to_string(), port: None }).into();
    }
    let mut ways = Vec::new();
    for method in [Method::Sftp, Method::Ftp] {
        for host in hosts.iter().filter(|host| host.method.is_none_or(|only| only == method)) {
            let is_wanted = wanted.method.is_none_or(|only| only == method);
            // a port is one method's: a bare one is FTP's unless SFTP is asked for
            let fits = host.port.is_none() || host.method.is_some() || wanted.method.is_some() || method == Method::Ftp;
            // the second host is known to speak FTP only
            let speaks = method == Method::Ftp || host.name != SECOND_HOST;
            if is_wanted && fits && speaks {
                ways.extend(way(ppa, host, method, wanted, around)?);
            }
        }
    }
    if ways.is_empty() {
        let (option, reason) = ("--host", "no host is left for this method");
        return Err(TargetError::Option { option, target: ppa.to_string(), reason });
    }
    Ok(ways)
}

/// `None` where SFTP would be possible, but there is no key or account for it.
fn way(
    ppa: &Ppa,
    host: &Host,
    method: Method,
    wanted: &Wanted,
    around: &Surroundings,
) -> Result<Option<Destination>, TargetError> {
    let mut login = None;
    let mut host_keys = Vec::new();
    if method == Method::Sftp {
        let key_is_given = around.variable("PKGR_SFTP_KEY").is_some();
        // asking takes longer than a small upload: only where the answer can matter
        let ssh = match (&wanted.login, key_is_given) {
            (Some(_), true) => Ssh::default(),
            (None, _) if !names_a_user(around) => Ssh::default(),
            _ => (around.ssh)(&host.name),
        };
        let has_key = ssh.has_key || key_is_given;
        login = wanted.login.clone().or(ssh.login);
        let is_forced = wanted.method == Some(Method::Sftp) || host.method == Some(Method::Sftp);
        match (&login, is_forced) {
            // who asks for SFTP by name is told by ssh itself what it lacks
            (Some(_), true) => {}
            (None, true) => return Err(TargetError::NoLogin { host: host.name.clone() }),
            (Some(_), false) if has_key => {}
            _ => return Ok(None),
        }
        host_keys = wanted.host_keys.clone();
        if host.name == HOST {
            host_keys.push(HOST_KEY.to_string());
        }
    }
    Ok(Some(Destination { method, host: host.name.clone(), port: host.port, login, folder: ppa.folder(), host_keys }))
}

/// Whether a configuration of OpenSSH may name accounts (ssh_config(5)).
fn names_a_user(around: &Surroundings) -> bool {
    let own = around.home.as_ref().map(|home| home.join(".ssh/config"));
    let folder = around.etc.join("ssh/ssh_config.d");
    let parts = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let of_machine = parts.chain([around.etc.join("ssh/ssh_config")]);
    let says = |path: &Path, words: &[&str]| {
        let text = std::fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().any(|line| {
            let line = line.trim_start().to_ascii_lowercase();
            words.iter().any(|word| line.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t', '='])))
        })
    };
    own.is_some_and(|own| says(&own, &["user", "include"])) || of_machine.into_iter().any(|path| says(&path, &["user"]))
}

/// Asks OpenSSH what it would do with a host; knows nothing where it is missing.
pub fn ask_ssh(host: &str, home: Option<&Path>) -> Ssh {
    let Some(configured) = ssh_configuration(host, None) else { return Ssh::default() };
    let values = |text: &str, name: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value.trim().to_string()).collect()
    };
    // the user that ssh takes without a configuration is this machine's, not an account there
    let bare = ssh_configuration(host, Some("none")).unwrap_or_default();
    let user = values(&configured, "user").into_iter().next().filter(|user| !values(&bare, "user").contains(user));
    let is_file = |path: &String| {
        let path = match (path.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => path.into(),
        };
        path.is_file()
    };
    let has_file = values(&configured, "identityfile").iter().any(is_file);
    Ssh { login: user, has_key: has_file || agent_has_keys() }
}

/// Where OpenSSH would connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// `HostName` of its configuration, the host itself where that has none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The other host or the program that it would go by.
    pub through: Option<String>,
}

/// Asks OpenSSH where it would connect to; `None` where it is missing.
pub fn way_of_ssh(host: &str, port: Option<u16>) -> Option<Way> {
    let mut command = Command::new("ssh");
    command.arg("-G").args(port.map(|port| format!("-p{port}"))).arg("--").arg(host);
    let text = answer(&mut command)?;
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.into_iter().find(|(key, value)| *key == name && *value != "none").map(|(_, value)| value.to_string())
    };
    let through = value("proxyjump").or_else(|| value("proxycommand"));
    Some(Way { host: value("hostname")?, port: value("port")?.parse().ok()?, through })
}

fn ssh_configuration(host: &str, file: Option<&str>) -> Option<String> {
    let mut command = Command::new("ssh");
    command.arg("-G").args(file.map(|file| ["-F", file]).iter().flatten()).arg("--").arg(host);
    answer(&mut command)
}

fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn agent_has_keys() -> bool {
    let mut command = Command::new("ssh-add");
    command.arg("-l").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    std::env::var_os("SSH_AUTH_SOCK").is_some() && command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(wanted: Wanted, ssh: Ssh, key: Option<&str>) -> Result<Vec<String>, TargetError> {
        let variable = |name: &str| key.filter(|_| name == "PKGR_SFTP_KEY").map(str::to_string);
        let home = tempfile::tempdir().unwrap();
        if ssh.login.is_some() {
            std::fs::create_dir(home.path().join(".ssh")).unwrap();
            std::fs::write(home.path().join(".ssh/config"), "Host *.launchpad.net\n  User jane\n").unwrap();
        }
        let ask = move |_: &str| ssh.clone();
        let around = Surroundings {
            variable: &variable,
            ssh: &ask,
            home: Some(home.path().to_path_buf()),
            etc: "/none".into(),
            config: None,
        };
        let ppa = Ppa::parse("ppa:du9l/x1").unwrap();
        Ok(to_ppa(&ppa, &wanted, &around)?.iter().map(Destination::to_string).collect())
    }

    const FTP: [&str; 2] =
        ["ftp://ppa.launchpad.net/~du9l/ubuntu/x1", "ftp://upload.ppa.launchpad.net/~du9l/ubuntu/x1"];

    #[test]
    fn sftp_needs_a_key_and_a_login() {
        let jane = Some("jane".to_string());
        let login = Wanted { login: jane.clone(), ..Wanted::default() };
        let sftp = "sftp://jane@ppa.launchpad.net/~du9l/ubuntu/x1";
        let with_key = Ssh { login: None, has_key: true };
        assert_eq!(ways(Wanted::default(), Ssh::default(), None).unwrap(), FTP);
        assert_eq!(ways(login.clone(), Ssh::default(), None).unwrap(), FTP);
        assert_eq!(ways(Wanted::default(), with_key.clone(), None).unwrap(), FTP);
        assert_eq!(ways(login.clone(), with_key, None).unwrap(), [sftp, FTP[0], FTP[1]]);
        assert_eq!(ways(login, Ssh::default(), Some("KEY")).unwrap(), [sftp, FTP[0], FTP[1]]);
        let configured = Ssh { login: jane, has_key: true };
        assert_eq!(ways(Wanted::default(), configured, None).unwrap()[0], sftp);
    }

    #[test]
    fn what_is_asked_for_is_done() {
        let wanted = |method, login: Option<&str>, hosts: &[&str]| Wanted {
            method,
            login: login.map(str::to_string),
            hosts: hosts.iter().map(|host| Host::parse(host).unwrap()).collect(),
            ..Wanted::default()
        };
        let ways = |wanted| ways(wanted, Ssh::default(), Some("KEY"));
        let sftp = ways(wanted(Some(Method::Sftp), Some("jane"), &[])).unwrap();
        assert_eq!(sftp, ["sftp://jane@ppa.launchpad.net/~du9l/ubuntu/x1"]);
        assert!(matches!(ways(wanted(Some(Method::Sftp), None, &[])), Err(TargetError::NoLogin { .. })));
        assert_eq!(ways(wanted(Some(Method::Ftp), Some("jane"), &[])).unwrap(), FTP);
        let port = ways(wanted(None, Some("jane"), &["h:2121"])).unwrap();
        assert_eq!(port, ["ftp://h:2121/~du9l/ubuntu/x1"]);
        let both = ways(wanted(None, Some("jane"), &["ftp://h:21", "sftp://[::1]:22"])).unwrap();
        assert_eq!(both, ["sftp://jane@[::1]:22/~du9l/ubuntu/x1", "ftp://h:21/~du9l/ubuntu/x1"]);
        assert!(ways(wanted(Some(Method::Ftp), None, &["sftp://h"])).is_err());
    }
}
