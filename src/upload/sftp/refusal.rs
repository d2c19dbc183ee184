//! What ssh means when it ends early: its words are all there is, for its exit
//! code is 255 whatever happened.

use crate::upload::trouble::quoted;
use crate::upload::{Destination, Stage, TransferError};

/// The reason of a session that did not come to be, by what ssh said.
pub(super) fn of_login(said: &str, destination: &Destination) -> TransferError {
    let host = &destination.host;
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed", "REVOKED HOST KEY"]) {
        return TransferError::other_way(Stage::Connect, of_host_key(said, destination));
    }
    if has(&["Permission denied", "Too many authentication failures"]) {
        let advice =
            if said.contains("Too many") { "; name the right key (IdentitiesOnly in ~/.ssh/config)" } else { "" };
        let reason = format!("{host} refused the login: {}{advice}", quoted(&relevant(said)));
        return TransferError::other_way(Stage::Login, reason).refused();
    }
    if has(&["subsystem request failed", "Not allowed to execute"]) {
        return TransferError::other_way(Stage::Login, format!("{host} has no SFTP for this account")).refused();
    }
    let local = ["Bad configuration option", "Bad owner or permissions", "terminating", "bad configuration option"];
    if has(&local) || has(&["no matching", "Unable to negotiate", "command-line: line"]) {
        return TransferError::other_way(Stage::Connect, format!("ssh to {host}: {}", quoted(&relevant(said))));
    }
    let words = match quoted(&relevant(said)) {
        nothing if nothing.is_empty() => "ssh ended without a word".to_string(),
        words => words,
    };
    TransferError::retry(Stage::Connect, format!("no SFTP session with {host}: {words}"))
}

/// No way leads around a wrong key, and only the owner of known_hosts can say
/// that a new one is right.
fn of_host_key(said: &str, destination: &Destination) -> String {
    let host = &destination.host;
    let shown = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    let shown = shown.map(|print| format!(" ({})", print.trim_end_matches('.'))).unwrap_or_default();
    if said.contains("HAS CHANGED") {
        return format!(
            "the host key of {host}{shown} is not the one in known_hosts: somebody may be in between; \
             if the host really changed its key, remove the old one with ssh-keygen -R"
        );
    }
    if said.contains("REVOKED") {
        return format!("the host key of {host}{shown} is marked as revoked in known_hosts");
    }
    match destination.host_keys.as_slice() {
        [] => format!("the host key of {host} is not in known_hosts: log in once with ssh, or add it"),
        expected => format!(
            "the host key of {host} is neither in known_hosts nor {}: somebody may be in between \
             (an ssh older than 8.5 needs it in known_hosts)",
            expected.join(" or ")
        ),
    }
}

/// Without ssh's own decoration.
fn relevant(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| {
        !line.is_empty()
            && !line.starts_with("Warning: ")
            && !line.starts_with("Pseudo-terminal")
            && !line.starts_with("@@@")
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// The reason of an answer of the SFTP server that is not OK
/// (draft-ietf-secsh-filexfer-02 §7).
pub(super) fn of_status(code: u32, text: &str, stage: Stage, host: &str) -> TransferError {
    const FAILURE: u32 = 4;
    const NO_CONNECTION: u32 = 6;
    const CONNECTION_LOST: u32 = 7;
    let name = match code {
        1 => "end of file",
        2 => "no such file or folder",
        3 => "permission denied",
        FAILURE => "failure", // whatever the daemon's system calls say, a full disk too
        5 => "bad message",
        NO_CONNECTION => "no connection",
        CONNECTION_LOST => "connection lost",
        8 => "operation not supported",
        _ => "unknown status",
    };
    let words = quoted(text);
    let more = if words.is_empty() || words.eq_ignore_ascii_case(name) { String::new() } else { format!(" ({words})") };
    let reason = format!("{host} answered status {code}, {name}{more}");
    match code {
        FAILURE => TransferError::retry(stage, reason).refused(),
        NO_CONNECTION | CONNECTION_LOST => TransferError::retry(stage, reason),
        _ => TransferError::other_way(stage, reason).refused(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::{Cure, Method};

    fn destination() -> Destination {
        Destination {
            method: Method::Sftp,
            host: "h.example.org".to_string(),
            port: None,
            login: None,
            folder: String::new(),
            host_keys: Vec::new(),
        }
    }

    #[test]
    fn what_ssh_says_decides_what_may_cure_it() {
        for (said, stage, cure, refused) in [
            ("ssh: connect to host h port 22: Connection refused\r\n", Stage::Connect, Cure::Retry, false),
            ("ssh: Could not resolve hostname h: Name or service not known", Stage::Connect, Cure::Retry, false),
            ("", Stage::Connect, Cure::Retry, false),
            ("No RSA host key is known.\nHost key verification failed.", Stage::Connect, Cure::OtherWay, false),
            ("No such Launchpad account: x\nx@h: Permission denied (publickey).", Stage::Login, Cure::OtherWay, true),
            ("subsystem request failed on channel 0", Stage::Login, Cure::OtherWay, true),
        ] {
            let error = of_login(said, &destination());
            assert_eq!((&error.stage, error.cure, error.refused), (&stage, cure, refused), "{said}");
        }
        let banner = of_login("No such Launchpad account: x\nx@h: Permission denied (publickey).", &destination());
        assert!(banner.reason.contains("No such Launchpad account: x"), "{banner}");
    }
}
