//! Signing by the user's GnuPG, spawned as debsign(1) does: its agent,
//! smartcards and gpg.conf, of 2.2 and 2.4 alike, come for free.
//!
//! What gpg says is read from its status lines (doc/DETAILS of GnuPG), never
//! from its messages, which are translated; those are only passed on.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use sequoia_openpgp::crypto::Password;

use super::{Inspection, SignError, cleartext};
use crate::diagnostic::Failure;

/// A key of the user's GnuPG.
#[derive(Debug)]
pub struct GpgKey {
    /// What `--local-user` gets.
    local_user: String,
    fingerprint: String,
    user: String,
    passphrase: Option<Password>,
    /// One question of the agent at a time.
    turn: Mutex<()>,
}

impl GpgKey {
    /// Asks gpg for the secret key that `name` means: fingerprint, key id or
    /// user id. With a `passphrase` no agent asks the user.
    pub(super) fn find(name: &str, passphrase: Option<Password>) -> Result<GpgKey, SignError> {
        let name = name.trim();
        let key = look_up(name)?;
        let local_user = if is_hexadecimal(name) { name.to_string() } else { key.fingerprint.clone() };
        let user = key.users.into_iter().next().unwrap_or_default();
        Ok(GpgKey { local_user, fingerprint: key.fingerprint, user, passphrase, turn: Mutex::new(()) })
    }

    /// See [`super::Signer::clearsign`].
    pub fn clearsign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        let _turn = self.turn.lock();
        let folder = tempfile::Builder::new().prefix("pkgr-sign").tempdir();
        let folder = folder.map_err(|e| Failure::io("create a folder in", &std::env::temp_dir(), &e))?;
        let (unsigned, signed) = (folder.path().join("text"), folder.path().join("text.asc"));
        // debsign's blank line before the signature
        let text = [&cleartext::canonical(text)[..], b"\n"].concat();
        std::fs::write(&unsigned, text).map_err(|e| Failure::io("write", &unsigned, &e))?;
        let output = run(&mut self.signing(&signed, &unsigned), self.passphrase.as_ref())?;
        let status = String::from_utf8_lossy(&output.stdout);
        self.judge(&status, &output)?;
        Ok(crate::files::read(&signed)?)
    }

    /// debsign's command line, and where the status goes.
    fn signing(&self, signed: &Path, unsigned: &Path) -> Command {
        let mut command = command();
        if self.passphrase.is_some() {
            command.args(["--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        }
        command.args(["--status-fd", "1", "--local-user"]).arg(&self.local_user);
        command.args(["--clearsign", "--list-options", "no-show-policy-urls", "--armor", "--textmode", "--output"]);
        command.arg(signed).arg(unsigned);
        command
    }

    /// Whether the status lines tell of a good signature.
    fn judge(&self, status: &str, output: &Output) -> Result<(), SignError> {
        let key = self.local_user.clone();
        let mut details: Vec<String> =
            String::from_utf8_lossy(&output.stderr).lines().filter(|l| !l.is_empty()).map(str::to_string).collect();
        let mut digest = None;
        for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["SIG_CREATED", _, _, hash, ..] => digest = Some(hash.to_string()),
                ["FAILURE", "sign", code] => match code.parse::<u32>().map(|code| code & 0xffff) {
                    // GPG_ERR_CANCELED, GPG_ERR_FULLY_CANCELED, no pinentry, no agent
                    Ok(99 | 198 | 77 | 78 | 85 | 86) => return Err(SignError::GpgRefused { key, details }),
                    Ok(11 | 87) => {
                        return Err(SignError::WrongPassphrase { origin: "gpg's keyring".to_string(), key });
                    }
                    _ => {}
                },
                ["INV_SGNR", reason, ..] => details.push(invalid_signer(reason).to_string()),
                _ => {}
            }
        }
        match digest.as_deref() {
            // RFC 4880 §9.4: SHA-256, -384, -512, -224
            Some("8" | "9" | "10" | "11") if output.status.success() => Ok(()),
            Some(hash) if output.status.success() => {
                let digest = match hash {
                    "1" => "MD5".to_string(),
                    "2" => "SHA-1".to_string(),
                    "3" => "RIPEMD-160".to_string(),
                    other => format!("number {other}"),
                };
                Err(SignError::GpgDigest { digest })
            }
            _ => Err(SignError::GpgFailed { key, details }),
        }
    }

    /// See [`super::Signer::has_signed`].
    pub fn has_signed(&self, document: &[u8]) -> bool {
        let verified = || -> Result<bool, SignError> {
            let folder =
                tempfile::tempdir().map_err(|e| Failure::io("create a folder in", &std::env::temp_dir(), &e))?;
            let path = folder.path().join("text.asc");
            std::fs::write(&path, document).map_err(|e| Failure::io("write", &path, &e))?;
            let output = run(command().args(["--batch", "--status-fd", "1", "--verify"]).arg(&path), None)?;
            let status = String::from_utf8_lossy(&output.stdout);
            let by_this = |line: &str| {
                line.starts_with("[GNUPG:] VALIDSIG ") && line.split(' ').any(|word| word == self.fingerprint)
            };
            Ok(output.status.success() && status.lines().any(by_this))
        };
        super::is_signed(document) && verified().unwrap_or(false)
    }

    /// Of the primary key, in upper-case hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Fingerprint and user id.
    pub fn describe(&self) -> String {
        format!("gpg's key {} ({})", self.fingerprint, self.user)
    }
}

/// gpg, with the terminal named for pinentry.
fn command() -> Command {
    let mut command = Command::new("gpg");
    if std::env::var_os("GPG_TTY").is_none_or(|tty| tty.is_empty()) {
        if let Some(tty) = terminal() {
            command.env("GPG_TTY", tty);
        }
    }
    command
}

/// The terminal's name, as tty(1) tells it.
fn terminal() -> Option<OsString> {
    use std::io::IsTerminal;
    let number = match (std::io::stdin().is_terminal(), std::io::stderr().is_terminal()) {
        (true, _) => 0,
        (_, true) => 2,
        _ => return None,
    };
    let name: PathBuf = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
    name.starts_with("/dev").then(|| name.into_os_string())
}

/// Runs gpg to its end, a passphrase on its stdin.
fn run(command: &mut Command, passphrase: Option<&Password>) -> Result<Output, SignError> {
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => SignError::GpgMissing,
        _ => SignError::Io(Failure::io("run", Path::new("gpg"), &e)),
    };
    command.stdin(if passphrase.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let (Some(passphrase), Some(mut stdin)) = (passphrase, child.stdin.take()) {
        // a gpg that ends early says itself why
        let _ = passphrase.map(|secret| stdin.write_all(secret)).and_then(|()| stdin.write_all(b"\n"));
    }
    child.wait_with_output().map_err(failed)
}

/// What gpg tells of a key; refused as [`GpgKey::find`] refuses it, and where the
/// part that signs is not here.
pub(super) fn inspect(name: &str) -> Result<Inspection, SignError> {
    look_up(name.trim())?.inspection()
}

/// The keys of the user's GnuPG that can sign.
pub(super) fn usable() -> Result<Vec<Inspection>, SignError> {
    let output = run(command().args(["--batch", "--with-colons", "--list-secret-keys"]), None)?;
    let found = listed(&String::from_utf8_lossy(&output.stdout));
    Ok(found.iter().filter(|key| key.refusal().is_none()).filter_map(|key| key.inspection().ok()).collect())
}

/// A key id or fingerprint, rather than a user id.
fn is_hexadecimal(name: &str) -> bool {
    digits(name).bytes().all(|b| b.is_ascii_hexdigit())
}

fn digits(name: &str) -> &str {
    name.strip_prefix("0x").unwrap_or(name).trim_end_matches('!')
}

/// The one key that a name means and that can sign.
fn look_up(name: &str) -> Result<Listed, SignError> {
    if is_hexadecimal(name) && digits(name).len() == 8 {
        return Err(SignError::ShortKeyId { key: name.to_string() });
    }
    let output = run(command().args(["--batch", "--with-colons", "--list-secret-keys", "--"]).arg(name), None)?;
    let (mut usable, refused): (Vec<Listed>, Vec<Listed>) =
        listed(&String::from_utf8_lossy(&output.stdout)).into_iter().partition(|key| key.refusal().is_none());
    match (usable.pop(), usable.as_slice()) {
        (Some(key), []) => Ok(key),
        (Some(last), others) => {
            let found = others.iter().chain([&last]).map(Listed::describe).collect();
            Err(SignError::GpgSeveral { key: name.to_string(), found })
        }
        (None, _) => {
            let none = || SignError::GpgNoKey { key: name.to_string() };
            Err(refused.iter().find_map(Listed::refusal).unwrap_or_else(none))
        }
    }
}

/// A secret key in `--with-colons` form.
#[derive(Debug, Default)]
struct Listed {
    fingerprint: String,
    users: Vec<String>,
    validity: String,
    expires: String,
    capabilities: String,
    /// The primary key and its subkeys.
    parts: Vec<Part>,
}

/// One key of a certificate.
#[derive(Debug, Default)]
struct Part {
    validity: String,
    /// In bits.
    length: String,
    /// RFC 4880's number.
    algorithm: String,
    created: String,
    expires: String,
    capabilities: String,
    curve: String,
    /// `#`: not here; the number of a smartcard; `+`: here.
    place: String,
}

impl Part {
    fn signs(&self) -> bool {
        self.capabilities.contains('s') && !matches!(self.validity.as_str(), "r" | "e" | "i" | "d" | "n")
    }

    fn algorithm(&self) -> String {
        match self.algorithm.as_str() {
            "1" | "3" => format!("RSA-{}", self.length),
            "17" => format!("DSA-{}", self.length),
            "22" if self.curve == "ed25519" => "Ed25519".to_string(),
            _ if !self.curve.is_empty() => self.curve.clone(),
            other => format!("algorithm {other}"),
        }
    }

    /// What [`super::key`] refuses, and gpg signs with.
    fn is_weak(&self) -> bool {
        match self.algorithm.as_str() {
            "1" | "3" => self.length.parse::<u32>().is_ok_and(|bits| bits < 2048),
            algorithm => algorithm == "17",
        }
    }
}

impl Listed {
    /// Why it cannot sign.
    fn refusal(&self) -> Option<SignError> {
        let (origin, key) = ("gpg's keyring".to_string(), self.fingerprint.clone());
        match self.validity.as_str() {
            "r" => Some(SignError::Revoked { origin, key, reason: String::new() }),
            "e" => Some(SignError::Expired { origin, key, date: self.expiry() }),
            "i" | "d" => Some(SignError::Invalid { origin, key, reason: "gpg says so".to_string() }),
            // upper-case letters: what the whole key can be used for now
            _ if !self.capabilities.contains('S') => Some(SignError::NotForSigning { origin, key }),
            _ => None,
        }
    }

    /// By the part that gpg takes: the newest subkey that signs, or else the primary key.
    fn inspection(&self) -> Result<Inspection, SignError> {
        let (origin, key) = ("gpg's keyring".to_string(), self.fingerprint.clone());
        let able = self.parts.iter().enumerate().filter(|(_, part)| part.signs() && part.place != "#");
        let newest = able.max_by_key(|(index, part)| (*index > 0, part.created.parse::<u64>().unwrap_or(0)));
        let (_, part) = newest.ok_or_else(|| SignError::NoSecret { origin: origin.clone(), key: key.clone() })?;
        let time = |text: &String| Some(UNIX_EPOCH + Duration::from_secs(text.parse().ok()?));
        Ok(Inspection {
            origin,
            fingerprint: key,
            algorithm: part.algorithm(),
            users: self.users.clone(),
            expires: [&self.expires, &part.expires].into_iter().filter_map(time).min(),
            is_protected: false, // the agent knows, and asks whom it likes
            is_weak: part.is_weak(),
        })
    }

    fn expiry(&self) -> String {
        let time = self.expires.parse::<i64>().ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
        time.map_or("an unknown day".to_string(), |time| time.strftime("%Y-%m-%d").to_string())
    }

    fn describe(&self) -> String {
        format!("{} {}", self.fingerprint, self.users.first().map_or("", String::as_str))
    }
}

/// The keys of a listing.
fn listed(colons: &str) -> Vec<Listed> {
    let mut keys: Vec<Listed> = Vec::new();
    for line in colons.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default().to_string();
        let part = || Part {
            validity: field(2),
            length: field(3),
            algorithm: field(4),
            created: field(6),
            expires: field(7),
            capabilities: field(12),
            place: field(15),
            curve: field(17),
        };
        match (field(1).as_str(), keys.last_mut()) {
            ("sec", _) => keys.push(Listed {
                validity: field(2),
                expires: field(7),
                capabilities: field(12),
                parts: vec![part()],
                ..Listed::default()
            }),
            ("ssb", Some(key)) => key.parts.push(part()),
            // the first one after `sec` is the primary key's
            ("fpr", Some(key)) if key.fingerprint.is_empty() => key.fingerprint = field(10),
            ("uid", Some(key)) => key.users.push(field(10)),
            _ => {}
        }
    }
    keys
}

/// The reason codes of INV_SGNR.
fn invalid_signer(code: &str) -> &'static str {
    match code {
        "1" => "no such key",
        "2" => "the name is ambiguous",
        "3" => "the key is not for signing",
        "4" => "the key is revoked",
        "5" => "the key has expired",
        "9" => "there is no secret key",
        "13" => "the key is disabled",
        "14" => "the name is malformed",
        _ => "gpg does not accept the key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_tells_what_may_sign() {
        let keys = listed(
            "sec:u:255:22:AA:1700000000:::u:::scESC:::+::ed25519:::0:\n\
             fpr:::::::::00AA:\ngrp:::::::::99:\nuid:u::::1::X::Jane <j@example.org>::::::::::0:\n\
             ssb:u:255:18:BB:1700000000::::::e:::+::cv25519::\nfpr:::::::::00BB:\n\
             sec:e:3072:1:CC:1500000000:1600000000::u:::scSC:::#::::::0:\nfpr:::::::::00CC:\n\
             sec:r:3072:1:DD:1500000000:::u:::sc:::+\nfpr:::::::::00DD:\n\
             sec:u:3072:1:EE:1500000000:::u:::ceEC:::+\nfpr:::::::::00EE:\n",
        );
        let told: Vec<String> =
            keys.iter().map(|key| key.refusal().map_or("good".to_string(), |e| e.to_string())).collect();
        assert_eq!(keys[0].describe(), "00AA Jane <j@example.org>");
        assert_eq!(told[0], "good");
        assert_eq!(told[1], "the key 00CC in gpg's keyring expired on 2020-09-13");
        assert_eq!(told[2], "the key 00DD in gpg's keyring is revoked");
        assert_eq!(told[3], "the key 00EE in gpg's keyring is not for signing");
    }

    #[test]
    fn the_part_that_signs_is_the_one_to_look_at() {
        let keys = listed(
            "sec:u:4096:1:AA:1500000000:2000000000::u:::scESC:::#::::::0:\nfpr:::::::::00AA:\n\
             uid:u::::1::X::Jane <j@example.org>::::::::::0:\nuid:u::::1::X::Jane <j@example.com>::::::::::0:\n\
             ssb:u:1024:1:BB:1600000000:1900000000:::::s:::+::\nssb:e:4096:1:CC:1700000000:1800000000:::::s:::+::\n\
             ssb:u:255:18:DD:1700000000::::::e:::+::cv25519::\n\
             sec:u:255:22:EE:1700000000:::u:::scESC:::#::ed25519:::0:\nfpr:::::::::00EE:\n",
        );
        let found = keys[0].inspection().unwrap();
        assert_eq!((found.algorithm.as_str(), found.users.len(), found.is_weak), ("RSA-1024", 2, true));
        assert_eq!(found.expires, Some(UNIX_EPOCH + Duration::from_secs(1_900_000_000)), "the subkey's comes first");
        assert!(matches!(keys[1].inspection(), Err(SignError::NoSecret { .. })), "its secret part is elsewhere");
    }
}
