//! The key that would sign: whether it can, how long still, and whose it is. It is looked
//! at, never opened.

use std::time::{Duration, SystemTime};

use super::check::{Check, Group, Status};
use super::install::{self, GNUPG};
use super::tasks::Task;
use super::{Aim, FindKey, Subject};
use crate::diagnostic::Failure;
use crate::sign::inspect::{can_ask, of_gnupg};
use crate::sign::{self, Inspection};
use crate::upload::{Method, SftpKey, environment};

/// From here on it is time to renew it.
const SOON: u64 = 30;
const DAY: u64 = 86_400;

/// Finds the key and looks at it.
pub fn task(subject: Subject) -> Task {
    let maintainers: Vec<String> = subject.needs.iter().filter_map(|needs| needs.maintainer.clone()).collect();
    let for_ppa = subject.targets.iter().any(Aim::is_ppa);
    let find = subject.key;
    Task {
        group: Group::Keys,
        code: "signing-key",
        what: "the signing key".to_string(),
        weight: Status::Warning,
        work: Box::new(move || look(find, &maintainers, for_ppa)),
    }
}

/// The key that `PKGR_SFTP_KEY` names; those that ssh finds itself are its matter.
pub fn of_sftp(subject: &Subject) -> Option<Check> {
    match environment::options().sftp_key? {
        SftpKey::Text(_) => {
            Some(Check::ok(Group::Keys, "sftp-key", format!("SFTP key, from {}", environment::SFTP_KEY)))
        }
        SftpKey::Path(path) if path.is_file() => {
            Some(Check::ok(Group::Keys, "sftp-key", format!("SFTP key {}", path.display())))
        }
        SftpKey::Path(path) => {
            let weight = if subject.uses(Method::Sftp) { Status::Problem } else { Status::Warning };
            let found = format!("{} is no file with a key for SFTP", path.display());
            let check = Check::new(Group::Keys, "sftp-key-missing", weight, found);
            Some(check.cure(format!("{} holds a private key, or its path", environment::SFTP_KEY)))
        }
    }
}

fn look(find: FindKey, maintainers: &[String], for_ppa: bool) -> Vec<Check> {
    match find() {
        Err(failure) => Check::failed(Group::Keys, Status::Problem, failure).into_iter().map(with_gnupg).collect(),
        Ok(None) => vec![none(of_gnupg(), maintainers)],
        Ok(Some(key)) => {
            let mut found = vec![able(&key), expiry(&key, SystemTime::now())];
            found.extend(passphrase(&key, can_ask()));
            found.extend(maintainers.iter().filter_map(|person| owner(&key, person)));
            found.extend(for_ppa.then(|| registered(&key)));
            found
        }
    }
}

fn with_gnupg(check: Check) -> Check {
    if check.code == "gpg-missing" { check.cure(install::command(&GNUPG)) } else { check }
}

/// Nothing names a key; GnuPG may have one.
fn none(of_gnupg: Result<Vec<Inspection>, Failure>, maintainers: &[String]) -> Check {
    let check = Check::warning(Group::Keys, "no-signing-key", "no signing key is named: packages stay unsigned")
        .because("archives take signed uploads only");
    let mut known = of_gnupg.unwrap_or_default();
    known.sort_by_key(|key| !maintainers.iter().any(|person| is_of(key, person)));
    let in_ci = format!("in CI, the armored secret key in {}", sign::KEY_VARIABLE);
    match known.first() {
        Some(key) => check
            .because(format!("GnuPG has {}", describe(key)))
            .cure(format!("`--key {0}`, or `key = \"{0}\"` in config.toml", key.fingerprint))
            .cure(in_ci),
        None => check.cure("make one with `gpg --quick-gen-key 'NAME <EMAIL>' rsa4096 sign 2y`").cure(in_ci),
    }
}

fn describe(key: &Inspection) -> String {
    let user = key.users.first().map(|user| format!(" ({user})")).unwrap_or_default();
    format!("{} key {}{user}", key.algorithm, key.fingerprint)
}

fn able(key: &Inspection) -> Check {
    let found = format!("{}, from {}", describe(key), key.origin);
    match key.is_weak {
        false => Check::ok(Group::Keys, "signing-key", found),
        true => Check::warning(Group::Keys, "key-weak", format!("{found}, is too weak"))
            .because("archives refuse such keys, today or soon")
            .cure("make another with `gpg --quick-gen-key 'NAME <EMAIL>' rsa4096 sign 2y`"),
    }
}

/// One that has expired was refused before; it may expire in between.
fn expiry(key: &Inspection, now: SystemTime) -> Check {
    let Some(end) = key.expires else {
        return Check::ok(Group::Keys, "key-expiry", "the key does not expire");
    };
    let left = end.duration_since(now).unwrap_or_default().as_secs() / DAY;
    let days = if left == 1 { "1 day".to_string() } else { format!("{left} days") };
    let found = format!("the key expires on {}, in {days}", date(end));
    match left < SOON {
        false => Check::ok(Group::Keys, "key-expiry", found),
        true => Check::warning(Group::Keys, "key-expiry", found)
            .cure(format!("`gpg --quick-set-expire {} 2y`", key.fingerprint))
            .cure(format!("then `gpg --keyserver keyserver.ubuntu.com --send-keys {}`", key.fingerprint)),
    }
}

/// `2026-11-24`, in UTC.
fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs);
    let moment = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "a day far off".to_string(), |moment| moment.strftime("%Y-%m-%d").to_string())
}

fn passphrase(key: &Inspection, can_ask: bool) -> Option<Check> {
    match (key.is_protected, can_ask) {
        (false, _) => None,
        (true, true) => Some(Check::note(
            Group::Keys,
            "key-protected",
            "the key has a passphrase, which is asked for on the terminal",
        )),
        (true, false) => Some(
            Check::new(
                Group::Keys,
                "no-passphrase",
                Status::Problem,
                "the key has a passphrase, and nobody can be asked",
            )
            .cure(format!("put it into {}", sign::PASSPHRASE_VARIABLE)),
        ),
    }
}

/// Whether a user id has the address of a person. User ids are written as people like.
fn is_of(key: &Inspection, person: &str) -> bool {
    let wanted = address(person);
    wanted.contains('@') && key.users.iter().any(|user| address(user) == wanted)
}

/// What stands in the last angle brackets, or the whole.
fn address(text: &str) -> String {
    let inside = text.rsplit_once('<').map_or(text, |(_, rest)| rest);
    inside.split('>').next().unwrap_or_default().trim().to_lowercase()
}

fn owner(key: &Inspection, maintainer: &str) -> Option<Check> {
    (!is_of(key, maintainer)).then(|| {
        let found = format!("the key is not of the maintainer, {maintainer}");
        Check::note(Group::Keys, "key-owner", found)
            .because("a PPA asks whether the key is of somebody who may upload to it")
    })
}

/// Launchpad tells nobody without an account whose keys it has.
fn registered(key: &Inspection) -> Check {
    let fingerprint = &key.fingerprint;
    Check::note(Group::Keys, "key-registered", "Launchpad takes what is signed by a key that is registered there")
        .cure(format!("once: `gpg --keyserver keyserver.ubuntu.com --send-keys {fingerprint}`"))
        .cure(format!("then enter {fingerprint} at https://launchpad.net/~/+editpgpkeys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Inspection {
        Inspection {
            origin: "key.asc".into(),
            fingerprint: "00AA".into(),
            algorithm: "RSA-4096".into(),
            users: vec!["Jane Doe (work) <jane@example.org>".into(), "<other@example.org>".into()],
            expires: None,
            is_protected: false,
            is_weak: false,
        }
    }

    #[test]
    fn the_last_thirty_days_are_a_warning() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_000);
        let after =
            |days: u64| expiry(&Inspection { expires: Some(now + Duration::from_secs(days * DAY + 60)), ..key() }, now);
        assert_eq!(expiry(&key(), now).status, Status::Ok);
        assert_eq!((after(30).status, after(29).status), (Status::Ok, Status::Warning));
        assert_eq!(after(1).found, "the key expires on 2026-11-25, in 1 day");
        assert!(after(1).cures[0].contains("--quick-set-expire 00AA"));
    }

    #[test]
    fn whose_key_it_is() {
        assert_eq!(owner(&key(), "J. Doe <Jane@Example.org>"), None);
        assert_eq!(owner(&key(), "Du9L <du9l@example.org>").unwrap().status, Status::Note);
        assert!(
            none(
                Ok(vec![Inspection { fingerprint: "BB".into(), users: vec![], ..key() }, key()]),
                &["J <jane@example.org>".into()]
            )
            .cures[0]
                .contains("00AA")
        );
        assert!(none(Ok(vec![]), &[]).cures[0].contains("--quick-gen-key"));
    }

    #[test]
    fn a_passphrase_wants_somebody_who_knows_it() {
        let protected = Inspection { is_protected: true, ..key() };
        assert_eq!(passphrase(&protected, true).unwrap().status, Status::Note);
        assert_eq!(passphrase(&protected, false).unwrap().status, Status::Problem);
        assert_eq!(passphrase(&key(), false), None);
        assert_eq!(able(&Inspection { is_weak: true, ..key() }).status, Status::Warning);
    }
}
