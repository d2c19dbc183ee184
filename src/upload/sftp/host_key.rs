//! Which host keys ssh is to accept. known_hosts decides, as ever; only a host
//! that it does not have may be vouched for by the fingerprints of a destination.
//!
//! ssh needs a key and we have a fingerprint, so ssh asks us: KnownHostsCommand
//! (OpenSSH 8.5) is a program that is told the key shown and its fingerprint, and
//! answers with a line of known_hosts, or none. That takes no second connection,
//! which could meet another host than the first. An older ssh ignores the option
//! and refuses the host: safe, and the message says how to make it known.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::upload::{Destination, Options};

/// The program for KnownHostsCommand; its arguments are those of [`option`].
const SCRIPT: &str = r#"case "$1" in
FINGERPRINTS) printf '%s %s %s\n' "$2" "$3" "$4" ;;
esac
"#;

/// The ssh options that let the destination's fingerprints vouch for it, if known_hosts
/// does not have the host. `arguments` are those that ssh itself will get.
pub(super) fn options(
    destination: &Destination,
    options: &Options,
    arguments: &[std::ffi::OsString],
    folder: &Path,
) -> std::io::Result<Vec<String>> {
    let accepted: Vec<&str> =
        destination.host_keys.iter().map(String::as_str).filter(|print| is_fingerprint(print)).collect();
    if accepted.is_empty() || !is_unknown(&options.ssh, arguments) {
        return Ok(Vec::new());
    }
    let quoted: Vec<String> = accepted.iter().map(|print| format!("'{print}'")).collect();
    let script = folder.join("host-key");
    std::fs::write(&script, SCRIPT.replace("FINGERPRINTS", &quoted.join("|")))?;
    Ok(vec![
        "IgnoreUnknown=KnownHostsCommand".to_string(),
        "FingerprintHash=sha256".to_string(), // what %f is
        format!("KnownHostsCommand=/bin/sh {} %f %H %t %K", argument(&script)),
    ])
}

/// As the argument parser of ssh_config(5) reads it back.
pub(super) fn argument(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{text}\"")
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("SHA256:").is_some_and(|digest| {
        digest.len() == 43 && digest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
    })
}

/// Whether no known_hosts file has the host, under the name by which ssh will look it up.
/// What cannot be found out counts as known: then ssh decides.
fn is_unknown(ssh: &OsStr, arguments: &[std::ffi::OsString]) -> bool {
    let mut command = Command::new(ssh);
    command.arg("-G").args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    let Ok(output) = command.output() else { return false };
    if !output.status.success() {
        return false;
    }
    let looked_up = Lookup::read(&String::from_utf8_lossy(&output.stdout));
    let existing = looked_up.files.iter().filter(|file| file.exists());
    for file in existing {
        let mut command = Command::new("ssh-keygen");
        command.arg("-F").arg(&looked_up.name).arg("-f").arg(file);
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status() {
            // 1: not there; 0: there, or marked as revoked
            Ok(status) if status.code() == Some(1) => {}
            _ => return false,
        }
    }
    true
}

/// Where ssh will look for what, as `ssh -G` says.
#[derive(Debug, PartialEq, Eq)]
struct Lookup {
    name: String,
    files: Vec<PathBuf>,
}

impl Lookup {
    fn read(configuration: &str) -> Lookup {
        let value = |key: &str| {
            let found = configuration.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
            found.filter(|value| *value != "none")
        };
        let host = value("hostname").unwrap_or_default();
        let name = match (value("hostkeyalias"), value("port")) {
            (Some(alias), _) => alias.to_string(),
            (None, None | Some("22")) => host.to_string(),
            (None, Some(port)) => format!("[{host}]:{port}"),
        };
        let lists = ["userknownhostsfile", "globalknownhostsfile"].into_iter().filter_map(value);
        let files = lists.flat_map(str::split_whitespace).map(expanded).collect();
        Lookup { name: name.to_ascii_lowercase(), files }
    }
}

/// Some versions of ssh print `~` as it was written.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_that_ssh_looks_up() {
        let read = |more: &str| Lookup::read(&format!("user me\nhostname Ppa.example.org\n{more}"));
        assert_eq!(read("port 22\n").name, "ppa.example.org");
        assert_eq!(read("port 2222\n").name, "[ppa.example.org]:2222");
        assert_eq!(read("port 2222\nhostkeyalias ppa\n").name, "ppa");
        let files = read("userknownhostsfile /a/1 /a/2\nglobalknownhostsfile none\n").files;
        assert_eq!(files, [Path::new("/a/1"), Path::new("/a/2")]);
    }

    #[test]
    fn a_fingerprint_is_nothing_else() {
        assert!(is_fingerprint("SHA256:MGq+4hxD7RduVTcfwlwwboZnsgJC6SL/NltM8ye+gNg"));
        for wrong in ["SHA256:", "MD5:6b:03", "SHA256:MGq+4hxD7RduVTcfwlwwboZnsgJC6SL/NltM8ye+gN'"] {
            assert!(!is_fingerprint(wrong), "{wrong}");
        }
    }
}
