//! Where a suite is served: Ubuntu's hosts are known, Debian's mirror is what the
//! machine's apt uses. Every one can be overridden.

use std::path::PathBuf;

use jiff::Timestamp;

use super::error::AptError;
use super::machine::{Machine, Mirror};
use super::suite::{Pocket, Suite};
use crate::series::Distro;

/// Ubuntu's archive of amd64 and i386.
pub const UBUNTU: &str = "http://archive.ubuntu.com/ubuntu";
const UBUNTU_SECURITY: &str = "http://security.ubuntu.com/ubuntu";
const UBUNTU_OLD: &str = "http://old-releases.ubuntu.com/ubuntu";
/// Ubuntu's archive of all other architectures.
pub const UBUNTU_PORTS: &str = "http://ports.ubuntu.com/ubuntu-ports";

/// What the user may set about archives; the default reads this machine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The root below which apt's configuration and keyrings are.
    pub root: PathBuf,
    /// Debian's archive instead of the mirror in apt's configuration.
    pub debian: Option<String>,
    /// Debian's security archive.
    pub debian_security: Option<String>,
    /// Ubuntu's archive.
    pub ubuntu: Option<String>,
    /// Ubuntu's security archive; the overridden archive where only that is set.
    pub ubuntu_security: Option<String>,
    /// Where Ubuntu's dead series are.
    pub ubuntu_old: Option<String>,
    /// Where the packages of all architectures but amd64 and i386 are.
    pub ubuntu_ports: Option<String>,
    /// A keyring instead of the archives' own keys.
    pub keyring: Option<PathBuf>,
    /// The time by which Valid-Until is judged; now if `None`.
    pub now: Option<Timestamp>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            root: PathBuf::from("/"),
            debian: None,
            debian_security: None,
            ubuntu: None,
            ubuntu_security: None,
            ubuntu_old: None,
            ubuntu_ports: None,
            keyring: None,
            now: None,
        }
    }
}

impl Settings {
    /// With what `PKGR_DEBIAN_MIRROR`, `PKGR_DEBIAN_SECURITY_MIRROR`,
    /// `PKGR_UBUNTU_MIRROR`, `…_SECURITY_MIRROR`, `…_OLD_MIRROR`, `…_PORTS_MIRROR`
    /// and `PKGR_ARCHIVE_KEYRING` say, as `variable` looks them up.
    pub fn with_variables(mut self, variable: impl Fn(&str) -> Option<String>) -> Settings {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        for (name, place) in [
            ("PKGR_DEBIAN_MIRROR", &mut self.debian),
            ("PKGR_DEBIAN_SECURITY_MIRROR", &mut self.debian_security),
            ("PKGR_UBUNTU_MIRROR", &mut self.ubuntu),
            ("PKGR_UBUNTU_SECURITY_MIRROR", &mut self.ubuntu_security),
            ("PKGR_UBUNTU_OLD_MIRROR", &mut self.ubuntu_old),
            ("PKGR_UBUNTU_PORTS_MIRROR", &mut self.ubuntu_ports),
        ] {
            if let Some(value) = variable(name) {
                *place = Some(value);
            }
        }
        if let Some(keyring) = variable("PKGR_ARCHIVE_KEYRING") {
            self.keyring = Some(PathBuf::from(keyring));
        }
        self
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// ISO date.
    pub(super) fn today(&self) -> String {
        self.now().strftime("%Y-%m-%d").to_string()
    }
}

/// The addresses at which a suite is looked for, likeliest first: the next one
/// counts only where one does not have it. `architecture` is that of the packages
/// wanted; `None` for sources.
pub fn sites(
    settings: &Settings,
    machine: &Machine,
    suite: &Suite,
    architecture: Option<&str>,
) -> Result<Vec<Mirror>, AptError> {
    let sites = match suite.series.distro {
        Distro::Ubuntu => ubuntu(settings, suite, architecture),
        Distro::Debian => debian(settings, machine, suite)?,
    };
    let bad = |site: &&Mirror| !site.url.starts_with("http://") && !site.url.starts_with("https://");
    match sites.iter().find(bad) {
        Some(site) => Err(AptError::BadMirror { url: site.url.clone() }),
        None => Ok(sites),
    }
}

fn mirror(url: &str) -> Mirror {
    Mirror { url: url.trim_end_matches('/').to_string(), stale: false }
}

fn ubuntu(settings: &Settings, suite: &Suite, architecture: Option<&str>) -> Vec<Mirror> {
    let archive = settings.ubuntu.as_deref().unwrap_or(UBUNTU);
    let security = settings.ubuntu_security.as_deref().or(settings.ubuntu.as_deref()).unwrap_or(UBUNTU_SECURITY);
    let old = settings.ubuntu_old.as_deref().unwrap_or(UBUNTU_OLD);
    let ports = settings.ubuntu_ports.as_deref().unwrap_or(UBUNTU_PORTS);
    let alive = match (architecture, suite.pocket) {
        (Some(name), _) if !matches!(name, "amd64" | "i386" | "all") => vec![ports],
        (_, Pocket::Security) => vec![security, archive],
        _ => vec![archive],
    };
    let mut urls = alive;
    match suite.series.is_dead(&settings.today()) {
        true => urls.insert(0, old),
        false => urls.push(old), // some time after its support ended, a series moves there
    }
    let mut sites: Vec<Mirror> = Vec::new();
    for site in urls.into_iter().map(mirror) {
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    sites
}

fn debian(settings: &Settings, machine: &Machine, suite: &Suite) -> Result<Vec<Mirror>, AptError> {
    let (own, found, variable) = match suite.pocket {
        Pocket::Security => (&settings.debian_security, &machine.security, "PKGR_DEBIAN_SECURITY_MIRROR"),
        _ => (&settings.debian, &machine.mirrors, "PKGR_DEBIAN_MIRROR"),
    };
    match own {
        Some(url) => Ok(vec![mirror(url)]),
        None if found.is_empty() => Err(AptError::NoMirror { suite: suite.to_string(), variable }),
        None => Ok(found.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::catalog;

    fn at(series: &str, pocket: Pocket, architecture: Option<&str>, settings: Settings) -> Vec<String> {
        let suite = Suite::new(catalog().find(series).unwrap(), pocket).unwrap();
        let sites = sites(&settings, &Machine::default(), &suite, architecture).unwrap();
        sites.into_iter().map(|site| site.url).collect()
    }

    fn settings() -> Settings {
        Settings { now: Some("2026-11-24T00:00:00Z".parse().unwrap()), ..Settings::default() }
    }

    #[test]
    fn ubuntus_hosts() {
        assert_eq!(at("noble", Pocket::Release, None, settings()), [UBUNTU, UBUNTU_OLD]);
        assert_eq!(at("noble", Pocket::Security, Some("i386"), settings()), [UBUNTU_SECURITY, UBUNTU, UBUNTU_OLD]);
        assert_eq!(at("noble", Pocket::Security, Some("arm64"), settings()), [UBUNTU_PORTS, UBUNTU_OLD]);
        assert_eq!(at("artful", Pocket::Updates, None, settings()), [UBUNTU_OLD, UBUNTU]);
        assert_eq!(at("xenial", Pocket::Updates, None, settings()), [UBUNTU, UBUNTU_OLD], "ESM keeps it");
    }

    #[test]
    fn overriding() {
        let variables = |name: &str| match name {
            "PKGR_UBUNTU_MIRROR" => Some("http://u.example/ubuntu/".to_string()),
            "PKGR_UBUNTU_OLD_MIRROR" => Some(String::new()),
            "PKGR_DEBIAN_MIRROR" => Some("ftp://d.example".to_string()),
            _ => None,
        };
        let settings = settings().with_variables(variables);
        assert_eq!(at("noble", Pocket::Security, None, settings.clone()), ["http://u.example/ubuntu", UBUNTU_OLD]);
        let suite = Suite::new(catalog().find("sid").unwrap(), Pocket::Release).unwrap();
        let error = sites(&settings, &Machine::default(), &suite, None).unwrap_err();
        assert!(matches!(error, AptError::BadMirror { .. }));
    }

    #[test]
    fn debian_without_apt_says_what_to_set() {
        let suite = Suite::new(catalog().find("trixie").unwrap(), Pocket::Security).unwrap();
        let error = sites(&settings(), &Machine::default(), &suite, None).unwrap_err();
        let failure = crate::diagnostic::Failure::from(error);
        assert!(failure.diagnostics[0].hints[0].contains("PKGR_DEBIAN_SECURITY_MIRROR"), "{failure:?}");
        assert_eq!(failure.kind.exit_code(), 3);
    }
}
