//! Where the packages of a series come from, as lines of sources.list(5).
//!
//! Debian's mirror is the one that the machine's own apt uses, where it is a
//! Debian; Ubuntu's archive hosts are known. Both can be named otherwise.

use std::path::{Path, PathBuf};

use super::error::SandboxError;
use crate::fetch::apt::{Machine, Mirror, UBUNTU, UBUNTU_PORTS};
use crate::series::{Distro, Series};

/// The mirrors that the user named, where not the usual ones; base URLs.
#[derive(Debug, Clone, Default)]
pub struct Mirrors {
    /// Of Debian; its security archive stays the machine's or the usual one.
    pub debian: Option<String>,
    /// Of Debian's security archive.
    pub debian_security: Option<String>,
    /// Of Ubuntu, ports included.
    pub ubuntu: Option<String>,
}

/// What mmdebstrap gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Lines of sources.list.
    pub lines: Vec<String>,
    /// The main mirror, for messages.
    pub mirror: String,
    /// What to set for another one.
    pub variable: &'static str,
}

impl Mirrors {
    /// The archive of a series for an architecture; an error where nobody names
    /// a mirror of Debian.
    pub fn archive(&self, series: &Series, architecture: &str) -> Result<Archive, SandboxError> {
        self.archive_on(series, architecture, &Machine::read(Path::new("/")))
    }

    fn archive_on(&self, series: &Series, architecture: &str, machine: &Machine) -> Result<Archive, SandboxError> {
        let name = &series.name;
        if series.distro == Distro::Ubuntu {
            let usual = if matches!(architecture, "amd64" | "i386") { UBUNTU } else { UBUNTU_PORTS };
            let mirror = self.ubuntu.clone().unwrap_or_else(|| usual.to_string());
            // a PPA is built with all components
            let line = |pocket: &str| format!("deb {mirror} {name}{pocket} main restricted universe multiverse");
            let lines = ["", "-updates", "-security"].map(line).to_vec();
            return Ok(Archive { lines, mirror, variable: "PKGR_UBUNTU_MIRROR" });
        }
        let of_machine = |mirrors: &[Mirror]| mirrors.first().map(|mirror| mirror.url.clone());
        let missing = |what, variable| SandboxError::NoMirror { what, variable };
        let mirror = self.debian.clone().or_else(|| of_machine(&machine.mirrors));
        let mirror = mirror.ok_or_else(|| missing("Debian", "PKGR_DEBIAN_MIRROR"))?;
        let mut lines = vec![format!("deb {mirror} {name} main")];
        if !series.number.is_empty() {
            let suite =
                if series.is_since("bullseye") { format!("{name}-security") } else { format!("{name}/updates") };
            let security = self.debian_security.clone().or_else(|| of_machine(&machine.security));
            let security =
                security.ok_or_else(|| missing("Debian's security archive", "PKGR_DEBIAN_SECURITY_MIRROR"))?;
            lines.push(format!("deb {mirror} {name}-updates main"));
            lines.push(format!("deb {security} {suite} main"));
        }
        Ok(Archive { lines, mirror, variable: "PKGR_DEBIAN_MIRROR" })
    }
}

/// The keyring that the archive of a distribution is verified with.
pub fn keyring(distro: Distro) -> Result<PathBuf, SandboxError> {
    let (file, package) = match distro {
        Distro::Debian => ("debian-archive-keyring.gpg", "debian-archive-keyring"),
        Distro::Ubuntu => ("ubuntu-archive-keyring.gpg", "ubuntu-keyring"),
    };
    let path = Path::new("/usr/share/keyrings").join(file);
    if path.is_file() { Ok(path) } else { Err(SandboxError::NoKeyring { distro: distro.vendor(), path, package }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::catalog;

    fn series(name: &str) -> Series {
        catalog().find(name).unwrap().clone()
    }

    fn machine(mirrors: &[&str], security: &[&str]) -> Machine {
        let of = |urls: &[&str]| urls.iter().map(|url| Mirror { url: url.to_string(), stale: false }).collect();
        Machine { mirrors: of(mirrors), security: of(security) }
    }

    #[test]
    fn the_machines_first_mirrors_are_taken() {
        let machine = machine(&["http://one/debian", "http://other/debian"], &["http://two/sec"]);
        let archive = Mirrors::default().archive_on(&series("trixie"), "amd64", &machine).unwrap();
        assert_eq!(
            archive.lines,
            [
                "deb http://one/debian trixie main",
                "deb http://one/debian trixie-updates main",
                "deb http://two/sec trixie-security main"
            ]
        );
    }

    #[test]
    fn what_the_user_names_goes_first_and_sid_has_no_pockets() {
        let machine = machine(&["http://one/debian"], &[]);
        let mirrors =
            Mirrors { debian: Some("http://mine".into()), ubuntu: Some("http://u".into()), ..Default::default() };
        assert_eq!(mirrors.archive_on(&series("sid"), "amd64", &machine).unwrap().lines, ["deb http://mine sid main"]);
        let secured = Mirrors { debian_security: Some("http://s".into()), ..Default::default() };
        let buster = secured.archive_on(&series("buster"), "i386", &machine).unwrap();
        assert_eq!(buster.lines[2], "deb http://s buster/updates main");
        assert_eq!(mirrors.archive_on(&series("jammy"), "arm64", &machine).unwrap().mirror, "http://u");
        assert_eq!(
            Mirrors::default().archive_on(&series("jammy"), "arm64", &Machine::default()).unwrap().mirror,
            UBUNTU_PORTS
        );
    }

    #[test]
    fn a_machine_that_names_no_mirror_is_told_how_to_name_one() {
        let machine = machine(&["http://one/debian"], &[]);
        let none = Mirrors::default().archive_on(&series("trixie"), "amd64", &Machine::default()).unwrap_err();
        assert!(none.to_string().contains("no mirror of Debian"));
        let security = Mirrors::default().archive_on(&series("trixie"), "amd64", &machine).unwrap_err();
        assert!(security.to_string().contains("security"));
    }
}
