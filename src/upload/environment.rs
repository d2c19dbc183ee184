//! What this machine contributes to an upload: the user's folders, what OpenSSH
//! knows, and the secrets, which come from variables and from nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use sequoia_openpgp::Cert;

use super::target::{self, Profile, Ssh, Surroundings, Target, Wanted};
use super::{Options, Secret, SftpKey, keys};
use crate::diagnostic::{Diagnostic, Failure};
use crate::{files, sign};

/// The private key for SFTP: its text, or a path.
pub const SFTP_KEY: &str = "PKGR_SFTP_KEY";
/// The password of a login over FTP and HTTP.
pub const PASSWORD: &str = "PKGR_UPLOAD_PASSWORD";
/// A bearer token for HTTP.
pub const TOKEN: &str = "PKGR_UPLOAD_TOKEN";

/// [`target::resolve`] on this machine.
pub fn resolve(
    name: &str,
    wanted: &Wanted,
    profiles: &BTreeMap<String, Profile>,
) -> Result<(Target, Vec<Diagnostic>), Failure> {
    resolve_with(name, wanted, profiles, &|host, home| target::ask_ssh(host, home))
}

/// What a target is, and not the ways there: OpenSSH is not asked.
pub fn identify(name: &str, profiles: &BTreeMap<String, Profile>) -> Result<Target, Failure> {
    let anybody = |_: &str, _: Option<&Path>| Ssh { login: Some(String::new()), has_key: true };
    resolve_with(name, &Wanted::default(), profiles, &anybody).map(|(target, _)| target)
}

fn resolve_with(
    name: &str,
    wanted: &Wanted,
    profiles: &BTreeMap<String, Profile>,
    ssh: &dyn Fn(&str, Option<&Path>) -> Ssh,
) -> Result<(Target, Vec<Diagnostic>), Failure> {
    let folders = etcetera::choose_base_strategy().ok();
    let home = folders.as_ref().map(|folders| folders.home_dir().to_path_buf());
    let ssh = |host: &str| ssh(host, home.as_deref());
    let around = Surroundings {
        variable: &variable,
        ssh: &ssh,
        home: home.clone(),
        etc: PathBuf::from("/etc"),
        config: folders.map(|folders| folders.config_dir()),
    };
    target::resolve(name, wanted, profiles, &around)
}

/// What one try needs, with the secrets of the environment.
pub fn options() -> Options {
    let key = variable(SFTP_KEY).map(|key| match key.contains("PRIVATE KEY") {
        true => SftpKey::Text(Secret::new(key)),
        false => SftpKey::Path(PathBuf::from(key)),
    });
    Options {
        password: variable(PASSWORD).map(Secret::new),
        token: variable(TOKEN).map(Secret::new),
        sftp_key: key,
        ..Options::default()
    }
}

/// The certificates of the signing keys that are given: `named` are paths, names
/// or blocks, as `--key` and the configuration have them; that of the environment
/// is added. Names are GnuPG's, which is asked by who signed.
pub fn certificates(named: &[Option<String>]) -> Vec<Cert> {
    let held = variable(sign::KEY_VARIABLE);
    let mut certs = Vec::new();
    for key in named.iter().flatten().chain(&held) {
        let path = Path::new(key);
        // a pipe was read by whoever signed with it
        let bytes = match key.contains("-----BEGIN PGP ") {
            true => Some(key.clone().into_bytes()),
            false => Some(path).filter(|path| path.is_file()).and_then(|path| files::read(path).ok()),
        };
        certs.extend(bytes.iter().flat_map(|bytes| keys::of_bytes(bytes)));
    }
    certs
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
