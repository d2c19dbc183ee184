//! The user's configuration: `$XDG_CONFIG_HOME/pkgr/config.toml`. Every key has
//! an option or a `PKGR_…` variable that goes before it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::fetch::apt::Settings;
use crate::launchpad;
use crate::upload::target::Profile;
use crate::watch::Services;

/// What may stand in config.toml.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The file that was read.
    #[serde(skip)]
    pub file: Option<PathBuf>,
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
    /// Root of Launchpad's web service (`PKGR_LAUNCHPAD`).
    pub launchpad: Option<String>,
    /// Where PPAs have their apt indexes (`PKGR_PPA_ARCHIVE`).
    pub ppa_archive: Option<String>,
    /// Keyserver for the keys of PPAs (`PKGR_KEYSERVER`).
    pub keyserver: Option<String>,
    /// Account for uploads, on Launchpad as a rule (`--login`, `PKGR_LOGIN`).
    pub login: Option<String>,
    /// Hosts instead of Launchpad's own (`--host`, `PKGR_UPLOAD_HOST`).
    #[serde(default)]
    pub upload_hosts: Vec<String>,
    /// Targets of uploads with names of one's own.
    #[serde(default)]
    pub profile: BTreeMap<String, Profile>,
    /// Folder of ubuntu.csv and debian.csv (`PKGR_DISTRO_INFO`).
    pub distro_info: Option<PathBuf>,
    /// GitHub's pages and repositories (`PKGR_GITHUB_URL`).
    pub github_url: Option<String>,
    /// GitHub's web service (`PKGR_GITHUB_API`).
    pub github_api: Option<String>,
    /// The GitLab that `[watch] gitlab = "GROUP/NAME"` means (`PKGR_GITLAB_URL`).
    pub gitlab_url: Option<String>,
    /// PyPI (`PKGR_PYPI_URL`).
    pub pypi_url: Option<String>,
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
        let config: Result<Config, toml::de::Error> = toml::from_str(&text);
        config.map(|config| Config { file: Some(path.clone()), ..config }).map_err(|e| {
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

    /// Where Launchpad is.
    pub fn launchpad(&self) -> launchpad::Settings {
        let known = launchpad::Settings::default();
        let configured = launchpad::Settings {
            service: self.launchpad.clone().unwrap_or(known.service),
            archive: self.ppa_archive.clone().unwrap_or(known.archive),
            keyserver: self.keyserver.clone().unwrap_or(known.keyserver),
            ..launchpad::Settings::default()
        };
        configured.with_variables(|name| std::env::var(name).ok())
    }

    /// Where the machine's data on series is.
    pub fn distro_info(&self) -> PathBuf {
        let variable = std::env::var_os("PKGR_DISTRO_INFO").map(PathBuf::from);
        variable.or_else(|| self.distro_info.clone()).unwrap_or_else(|| PathBuf::from("/usr/share/distro-info"))
    }

    /// Where upstream's versions are looked for. Tokens are taken from the
    /// environment alone, `GITHUB_TOKEN` and `GITLAB_TOKEN`: no file is to hold them.
    pub fn services(&self) -> Services {
        let usual = Services::default();
        let token = |name| std::env::var(name).ok().filter(|token: &String| !token.trim().is_empty());
        let place = |variable, configured: &Option<String>, usual: String| {
            std::env::var(variable).ok().or_else(|| configured.clone()).unwrap_or(usual)
        };
        Services {
            github: place("PKGR_GITHUB_URL", &self.github_url, usual.github),
            github_api: place("PKGR_GITHUB_API", &self.github_api, usual.github_api),
            gitlab: place("PKGR_GITLAB_URL", &self.gitlab_url, usual.gitlab),
            pypi: place("PKGR_PYPI_URL", &self.pypi_url, usual.pypi),
            github_token: token("GITHUB_TOKEN"),
            gitlab_token: token("GITLAB_TOKEN"),
        }
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
    now("%a, %d %b %Y %H:%M:%S +0000")
}

/// The same as an ISO date.
pub fn today() -> Result<String, Failure> {
    now("%Y-%m-%d")
}

fn now(format: &str) -> Result<String, Failure> {
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
    Ok(zoned.strftime(format).to_string())
}
