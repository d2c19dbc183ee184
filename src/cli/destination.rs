//! Where packages are sent to, and how, for the commands that send them.

use std::path::PathBuf;
use std::time::Duration;

use crate::check::Keys;
use crate::cli::select::Key;
use crate::cli::{Context, built};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::recipe::Recipe;
use crate::sign;
use crate::upload::retry::Policy;
use crate::upload::target::{Host, Target, Wanted};
use crate::upload::{self, Method, Timeouts, environment};

/// Which way there.
#[derive(clap::Args, Debug)]
pub struct Ways {
    /// How: SFTP where a key and a login are at hand, else FTP [default: auto]
    #[arg(long, value_name = "METHOD")]
    method: Option<Way>,
    /// Name of the account there
    #[arg(long, value_name = "NAME", env = "PKGR_LOGIN")]
    login: Option<String>,
    /// Another host than the target's; several are tried in turn
    #[arg(long = "host", value_name = "[METHOD://]HOST[:PORT]", env = "PKGR_UPLOAD_HOST", value_delimiter = ',')]
    hosts: Vec<String>,
}

/// The way there, and how patiently.
#[derive(clap::Args, Debug)]
pub struct Route {
    /// Which one.
    #[command(flatten)]
    pub ways: Ways,
    /// How often to try again
    #[arg(long, value_name = "N", default_value_t = Policy::default().retries)]
    retries: u32,
    /// Give up a connection on which nothing moves for so long
    #[arg(long, value_name = "SECONDS", default_value_t = Timeouts::default().idle.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    idle_timeout: u64,
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

impl Ways {
    /// Whether an account is named, here or in the configuration.
    pub fn has_login(&self, context: &Context) -> bool {
        self.login.is_some() || context.config.login.is_some()
    }
}

impl Route {
    /// What one try needs: time limits, and the secrets of the environment.
    pub fn transfer(&self) -> upload::Options {
        upload::Options {
            timeouts: Timeouts { idle: Duration::from_secs(self.idle_timeout), ..Timeouts::default() },
            ..environment::options()
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
pub fn resolve(name: &str, ways: &Ways, context: &Context) -> Result<(Target, Vec<Diagnostic>), Failure> {
    let config = &context.config;
    let hosts = if ways.hosts.is_empty() { &config.upload_hosts } else { &ways.hosts };
    let method = match ways.method {
        None | Some(Way::Auto) => None,
        Some(Way::Ftp) => Some(Method::Ftp),
        Some(Way::Sftp) => Some(Method::Sftp),
    };
    let wanted = Wanted {
        method,
        login: ways.login.clone(),
        hosts: hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?,
        host_keys: Vec::new(),
    };
    // a profile's login goes before the one for all
    let wanted = match config.profile.get(name).is_some_and(|profile| profile.login.is_some()) {
        true => wanted,
        false => Wanted { login: wanted.login.clone().or_else(|| config.login.clone()), ..wanted },
    };
    environment::resolve(name, &wanted, &config.profile)
}

/// The certificates of the keys that the options, environment and configuration
/// name; those of GnuPG are looked up by who signed.
pub fn certificates(key: &Key, context: &Context) -> Vec<sequoia_openpgp::Cert> {
    environment::certificates(&[key.key.clone(), std::env::var("PKGR_KEY").ok(), context.config.key.clone()])
}

/// What signatures are verified with: these certificates, those of the user's
/// GnuPG, and that of the key that signs in CI.
pub fn keys(certs: Vec<sequoia_openpgp::Cert>) -> Keys {
    let mut keys = Keys::of(certs);
    let folder = std::env::var_os("GNUPGHOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".gnupg"));
    if let Some(folder) = folder.or(home) {
        keys.add_gnupg(&folder);
    }
    if let Ok(text) = std::env::var(sign::KEY_VARIABLE) {
        keys.add_text(&text);
    }
    keys
}

/// Where a recipe goes by its `[upload] to`; `None` where nothing says so, or what it
/// says means nothing here.
pub fn target_of(recipe: &Recipe, context: &Context) -> Option<Target> {
    let name = built::target_of(recipe)?;
    environment::identify(&name, &context.config.profile).ok()
}
