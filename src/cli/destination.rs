//! Where packages are sent to, and how, for the commands that send them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;

use crate::cli::Context;
use crate::cli::select::Key;
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::upload::retry::Policy;
use crate::upload::target::{self, Host, Surroundings, Target, Wanted};
use crate::upload::{self, Method, Secret, SftpKey, Timeouts, keys};
use crate::{files, sign};

/// The way there.
#[derive(clap::Args, Debug)]
pub struct Route {
    /// How: SFTP where a key and a login are at hand, else FTP [default: auto]
    #[arg(long, value_name = "METHOD")]
    method: Option<Way>,
    /// Name of the account there
    #[arg(long, value_name = "NAME", env = "PKGR_LOGIN")]
    login: Option<String>,
    /// Another host than the target's; several are tried in turn
    #[arg(long = "host", value_name = "[METHOD://]HOST[:PORT]", env = "PKGR_UPLOAD_HOST", value_delimiter = ',')]
    hosts: Vec<String>,
    /// How often to try again
    #[arg(long, value_name = "N", default_value_t = Policy::default().retries)]
    retries: u32,
    /// Give up a connection on which nothing moves for so long
    #[arg(long, value_name = "SECONDS", default_value_t = Timeouts::default().idle.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// A method by choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Way {
    /// What is best
    Auto,
    /// FTP
    Ftp,
    /// SFTP
    Sftp,
}

impl Route {
    /// What one try needs: time limits, and the secrets of the environment.
    pub fn transfer(&self) -> upload::Options {
        upload::Options {
            timeouts: Timeouts { idle: Duration::from_secs(self.timeout), ..Timeouts::default() },
            ..secrets()
        }
    }

    /// When to try again.
    pub fn policy(&self) -> Policy {
        Policy { retries: self.retries, ..Policy::default() }
    }
}

/// Nothing names a target.
pub fn no_target() -> Failure {
    let diagnostic = Diagnostic::error("no-target", "nothing says where to upload to");
    let hint = "name `ppa:OWNER/NAME` on the command line, or as `to` under `[upload]` in the recipe";
    Failure::new(Kind::Usage, diagnostic.hint(hint))
}

/// What a target's name means here and now; the notes tell what of its
/// configuration pkgr does not act on.
pub fn resolve(name: &str, route: &Route, context: &Context) -> Result<(Target, Vec<Diagnostic>), Failure> {
    let config = &context.config;
    let hosts = if route.hosts.is_empty() { &config.upload_hosts } else { &route.hosts };
    let method = match route.method {
        None | Some(Way::Auto) => None,
        Some(Way::Ftp) => Some(Method::Ftp),
        Some(Way::Sftp) => Some(Method::Sftp),
    };
    let wanted = Wanted {
        method,
        login: route.login.clone(),
        hosts: hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?,
        host_keys: Vec::new(),
    };
    // a profile's login goes before the one for all
    let wanted = match config.profile.get(name).is_some_and(|profile| profile.login.is_some()) {
        true => wanted,
        false => Wanted { login: wanted.login.clone().or_else(|| config.login.clone()), ..wanted },
    };
    let folders = etcetera::choose_base_strategy().ok();
    let home = folders.as_ref().map(|folders| folders.home_dir().to_path_buf());
    let ssh = |host: &str| target::ask_ssh(host, home.as_deref());
    let around = Surroundings {
        variable: &variable,
        ssh: &ssh,
        home: home.clone(),
        etc: PathBuf::from("/etc"),
        config: folders.map(|folders| folders.config_dir()),
    };
    target::resolve(name, &wanted, &config.profile, &around)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The certificates of the keys that the options, environment and configuration
/// name; those of GnuPG are looked up by who signed.
pub fn certificates(named: &Key, context: &Context) -> Vec<sequoia_openpgp::Cert> {
    let named = [named.key.clone(), variable("PKGR_KEY"), variable(sign::KEY_VARIABLE), context.config.key.clone()];
    let mut certs = Vec::new();
    for key in named.into_iter().flatten() {
        let bytes = match key.contains("-----BEGIN PGP ") {
            true => Some(key.into_bytes()),
            // a fingerprint is no file; a pipe was read by the signer already
            false => Some(&key).filter(|key| Path::new(key).is_file()).and_then(|key| files::read(Path::new(key)).ok()),
        };
        certs.extend(bytes.iter().flat_map(|bytes| keys::of_bytes(bytes)));
    }
    certs
}

/// What the environment holds for logging in.
fn secrets() -> upload::Options {
    let secret = |name: &str| variable(name).filter(|value| !value.is_empty());
    let key = secret("PKGR_SFTP_KEY").map(|key| match key.contains("PRIVATE KEY") {
        true => SftpKey::Text(Secret::new(key)),
        false => SftpKey::Path(PathBuf::from(key)),
    });
    upload::Options {
        password: secret("PKGR_UPLOAD_PASSWORD").map(Secret::new),
        token: secret("PKGR_UPLOAD_TOKEN").map(Secret::new),
        sftp_key: key,
        ..upload::Options::default()
    }
}

