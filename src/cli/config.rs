//! The user's configuration: `$XDG_CONFIG_HOME/pkgr/config.toml`. Every key has
//! an option or a `PKGR_…` variable that goes before it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::fetch::apt::Settings;
use crate::upload::target::Profile;

/// What may stand in config.toml.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// `Name <address>` for recipes that name no maintainer (`DEBFULLNAME`, `DEBEMAIL`).
    pub maintainer: Option<String>,
    /// Signing key (`--key`, `PKGR_KEY`).
    pub key: Option<String>,
    /// Cache folder (`--cache`, `PKGR_CACHE`).
    pub cache: Option<PathBuf>,
    /// Threads (`-j`, `PKGR_JOBS`).
    pub jobs: Option<usize>,
    /// Debian's archive (`PKGR_DEBIAN_MIRROR`).
    pub debian_mirror: Option<String>,
    /// Debian's security archive (`PKGR_DEBIAN_SECURITY_MIRROR`).
    pub debian_security_mirror: Option<String>,
    /// Ubuntu's archive (`PKGR_UBUNTU_MIRROR`).
    pub ubuntu_mirror: Option<String>,
    /// Ubuntu's security archive (`PKGR_UBUNTU_SECURITY_MIRROR`).
    pub ubuntu_security_mirror: Option<String>,
    /// Where Ubuntu's dead series are (`PKGR_UBUNTU_OLD_MIRROR`).
    pub ubuntu_old_mirror: Option<String>,
    /// Ubuntu's archive of other architectures (`PKGR_UBUNTU_PORTS_MIRROR`).
    pub ubuntu_ports_mirror: Option<String>,
    /// Keyring that archives are verified with (`PKGR_ARCHIVE_KEYRING`).
    pub archive_keyring: Option<PathBuf>,
    /// Account for uploads, on Launchpad as a rule (`--login`, `PKGR_LOGIN`).
    pub login: Option<String>,
    /// Hosts instead of Launchpad's own (`--host`, `PKGR_UPLOAD_HOST`).
    #[serde(default)]
    pub upload_hosts: Vec<String>,
    /// Targets of uploads with names of one's own.
    #[serde(default)]
    pub profile: BTreeMap<String, Profile>,
}

impl Config {
    /// Reads the named file, or the user's if there is one.
    pub fn load(path: Option<&Path>) -> Result<Config, Failure> {
        let (path, required) = match path {
            Some(path) => (path.to_path_buf(), true),
            None => match etcetera::choose_base_strategy() {
                Ok(folders) => (folders.config_dir().join("pkgr/config.toml"), false),
                Err(_) => return Ok(Config::default()), // no home folder: nothing is configured
            },
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !required => return Ok(Config::default()),
            Err(e) => return Err(Failure::io("read", &path, &e)),
        };
        toml::from_str(&text).map_err(|e| {
            let mut found = Diagnostic::error("bad-config", format!("the configuration is wrong: {}", e.message()));
            if let Some(span) = e.span() {
                found = found.at(Place::of_span(&path, &text, span));
            }
            Failure::environment(found)
        })
    }

    /// Where the distributions' archives are, and their keys.
    pub fn archives(&self) -> Settings {
        let configured = Settings {
            debian: self.debian_mirror.clone(),
            debian_security: self.debian_security_mirror.clone(),
            ubuntu: self.ubuntu_mirror.clone(),
            ubuntu_security: self.ubuntu_security_mirror.clone(),
            ubuntu_old: self.ubuntu_old_mirror.clone(),
            ubuntu_ports: self.ubuntu_ports_mirror.clone(),
            keyring: self.archive_keyring.clone(),
            ..Settings::default()
        };
        configured.with_variables(|name| std::env::var(name).ok())
    }

    /// Who signs changelog entries where the recipe names no maintainer:
    /// `DEBFULLNAME` and `DEBEMAIL` as devscripts reads them, else `maintainer`.
    pub fn author(&self) -> Option<String> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        match (variable("DEBFULLNAME"), variable("DEBEMAIL")) {
            (_, Some(email)) if email.contains('<') => Some(email),
            (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
            _ => self.maintainer.clone(),
        }
    }
}

/// The date of a new changelog entry: `SOURCE_DATE_EPOCH` where it is set, else
/// now; RFC 2822 in UTC.
pub fn date_of_new_entry() -> Result<String, Failure> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse::<i64>().map_err(|_| {
            let message = format!("SOURCE_DATE_EPOCH is `{text}`, not a number of seconds");
            Failure::new(crate::diagnostic::Kind::Usage, Diagnostic::error("bad-epoch", message))
        })?,
        Err(_) => jiff::Timestamp::now().as_second(),
    };
    let moment = jiff::Timestamp::from_second(seconds).map_err(|e| {
        let message = format!("SOURCE_DATE_EPOCH is out of range: {e}");
        Failure::new(crate::diagnostic::Kind::Usage, Diagnostic::error("bad-epoch", message))
    })?;
    let zoned = moment.to_zoned(jiff::tz::TimeZone::UTC);
    Ok(zoned.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
}
