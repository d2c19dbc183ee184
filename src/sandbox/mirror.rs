//! Where the packages of a series come from, as lines of sources.list(5).
//!
//! Debian's mirror is the one that the machine's own apt uses, where it is a
//! Debian; Ubuntu's archive hosts are known. Both can be named otherwise.

use std::path::{Path, PathBuf};

use super::error::SandboxError;
use crate::deb::control;
use crate::series::{Distro, Series, catalog};

const UBUNTU: &str = "http://archive.ubuntu.com/ubuntu";
const UBUNTU_PORTS: &str = "http://ports.ubuntu.com/ubuntu-ports";

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
        self.archive_on(series, architecture, &machine_sources(Path::new("/etc/apt")))
    }

    fn archive_on(
        &self,
        series: &Series,
        architecture: &str,
        machine: &[(String, String)],
    ) -> Result<Archive, SandboxError> {
        let name = &series.name;
        if series.distro == Distro::Ubuntu {
            let usual = if matches!(architecture, "amd64" | "i386") { UBUNTU } else { UBUNTU_PORTS };
            let mirror = self.ubuntu.clone().unwrap_or_else(|| usual.to_string());
            // a PPA is built with all components
            let line = |pocket: &str| format!("deb {mirror} {name}{pocket} main restricted universe multiverse");
            let lines = ["", "-updates", "-security"].map(line).to_vec();
            return Ok(Archive { lines, mirror, variable: "PKGR_UBUNTU_MIRROR" });
        }
        let of_machine = |is_ours: fn(&str) -> bool| {
            machine.iter().find(|(_, suite)| is_ours(suite)).map(|(uri, _)| uri.trim_end_matches('/').to_string())
        };
        let missing = |what, variable| SandboxError::NoMirror { what, variable };
        let mirror = self.debian.clone().or_else(|| of_machine(is_main));
        let mirror = mirror.ok_or_else(|| missing("Debian", "PKGR_DEBIAN_MIRROR"))?;
        let mut lines = vec![format!("deb {mirror} {name} main")];
        if !series.number.is_empty() {
            let suite =
                if series.is_since("bullseye") { format!("{name}-security") } else { format!("{name}/updates") };
            let security = self.debian_security.clone().or_else(|| of_machine(is_security));
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

fn is_debian(name: &str) -> bool {
    matches!(name, "stable" | "oldstable" | "testing" | "unstable")
        || catalog().find(name).is_some_and(|series| series.distro == Distro::Debian)
}

fn is_main(suite: &str) -> bool {
    is_debian(suite)
}

fn is_security(suite: &str) -> bool {
    suite.strip_suffix("-security").or(suite.strip_suffix("/updates")).is_some_and(is_debian)
}

/// (URI, suite) of every binary archive in a machine's apt configuration; files
/// that are not in a format of sources.list(5) are apt's matter, not ours.
fn machine_sources(folder: &Path) -> Vec<(String, String)> {
    let mut files = vec![folder.join("sources.list")];
    if let Ok(entries) = std::fs::read_dir(folder.join("sources.list.d")) {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => found.extend(text.lines().filter_map(one_line)),
            Some("sources") => found.extend(paragraphs(&text)),
            _ => {}
        }
    }
    found
}

/// `deb [options] URI SUITE COMPONENT…`
fn one_line(line: &str) -> Option<(String, String)> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace();
    Some((words.next()?.to_string(), words.next()?.to_string()))
}

fn paragraphs(text: &str) -> Vec<(String, String)> {
    // apt takes comment lines everywhere
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut found = Vec::new();
    for paragraph in control::parse(&text.join("\n")).unwrap_or_default() {
        let words = |field: &str| {
            let value = paragraph.get(field).unwrap_or_default();
            value.split_whitespace().map(str::to_string).collect::<Vec<_>>()
        };
        let off = words("Enabled").iter().any(|word| matches!(word.as_str(), "no" | "false" | "0"));
        if off || !words("Types").iter().any(|word| word == "deb") {
            continue;
        }
        let suites = words("Suites");
        found.extend(words("URIs").iter().flat_map(|uri| suites.iter().map(|suite| (uri.clone(), suite.clone()))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str) -> Series {
        catalog().find(name).unwrap().clone()
    }

    #[test]
    fn the_machines_mirror_is_read_from_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "sources.list",
            "# deb http://no/debian bookworm main\ndeb [arch=amd64] http://one/debian/ bookworm main\n",
        );
        write(
            "sources.list.d/a.sources",
            "# note\nTypes: deb deb-src\n# note\nURIs: http://two/sec\nSuites: bookworm-security\nComponents: main\n\nTypes: deb-src\nURIs: http://no/\nSuites: bookworm\n",
        );
        write("sources.list.d/b.list.save", "deb http://no/debian bookworm main\n");
        let found = machine_sources(folder.path());
        let archive = Mirrors::default().archive_on(&series("trixie"), "amd64", &found).unwrap();
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
        let machine = [("http://one/debian".to_string(), "bookworm".to_string())];
        let mirrors =
            Mirrors { debian: Some("http://mine".into()), ubuntu: Some("http://u".into()), ..Default::default() };
        assert_eq!(mirrors.archive_on(&series("sid"), "amd64", &machine).unwrap().lines, ["deb http://mine sid main"]);
        let secured = Mirrors { debian_security: Some("http://s".into()), ..Default::default() };
        let buster = secured.archive_on(&series("buster"), "i386", &machine).unwrap();
        assert_eq!(buster.lines[2], "deb http://s buster/updates main");
        assert_eq!(mirrors.archive_on(&series("jammy"), "arm64", &machine).unwrap().mirror, "http://u");
        assert_eq!(Mirrors::default().archive_on(&series("jammy"), "arm64", &[]).unwrap().mirror, UBUNTU_PORTS);
    }

    #[test]
    fn a_machine_that_names_no_mirror_is_told_how_to_name_one() {
        let machine = [("http://one/debian".to_string(), "bookworm".to_string())];
        let none = Mirrors::default().archive_on(&series("trixie"), "amd64", &[]).unwrap_err();
        assert!(none.to_string().contains("no mirror of Debian"));
        let security = Mirrors::default().archive_on(&series("trixie"), "amd64", &machine).unwrap_err();
        assert!(security.to_string().contains("security"));
    }
}
