//! Where the machine's own apt takes Debian from (sources.list(5)): deb822
//! `.sources` and one-line `.list` files, and apt.conf's word on Valid-Until.
//! Keys are not taken from there, and no repository of third parties.

use std::path::Path;

use crate::deb::control;
use crate::series::{Distro, catalog};

/// What apt is configured to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Mirrors of Debian's main archive, in apt's order, without a slash at the end.
    pub mirrors: Vec<Mirror>,
    /// Mirrors of Debian's security archive.
    pub security: Vec<Mirror>,
}

/// One mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Its URL.
    pub url: String,
    /// Whether apt is told to take Release files there that are past their
    /// Valid-Until, as one does with a mirror that lags behind.
    pub stale: bool,
}

/// An entry of sources.list(5), whatever its form.
struct Entry {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: String,
    stale: Option<bool>,
}

impl Machine {
    /// Reads `etc/apt` below `root`; what cannot be read is not there.
    pub fn read(root: &Path) -> Machine {
        let apt = root.join("etc/apt");
        let stale = unchecked_everywhere(&apt);
        let mut machine = Machine::default();
        for entry in entries(&apt) {
            for uri in &entry.uris {
                let (main, security) = serves(&entry, uri);
                let stale = entry.stale.unwrap_or(stale);
                let mirror = Mirror { url: uri.trim_end_matches('/').to_string(), stale };
                for mirrors in [main.then_some(&mut machine.mirrors), security.then_some(&mut machine.security)] {
                    if let Some(mirrors) = mirrors.filter(|them| !them.iter().any(|other| other.url == mirror.url)) {
                        mirrors.push(mirror.clone());
                    }
                }
            }
        }
        machine
    }
}

/// Whether an address serves Debian's main archive, and whether its security
/// archive. Repositories of others name Debian's suites too, so either the key or
/// the address must say Debian; in the end the signature proves it.
fn serves(entry: &Entry, uri: &str) -> (bool, bool) {
    let usable = uri.starts_with("http://") || uri.starts_with("https://");
    let folder = uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let by_key = entry.signed_by.contains("debian-archive-");
    let by_folder = entry.signed_by.is_empty() && matches!(folder, "debian" | "debian-security");
    if !usable || !(by_key || by_folder) || !entry.components.iter().any(|name| name == "main") {
        return (false, false);
    }
    let is_debian = |suite: &&String| {
        let base = suite.split(['-', '/']).next().unwrap_or_default();
        let moving = ["stable", "oldstable", "oldoldstable", "testing", "unstable"].contains(&base);
        moving || catalog().find(base).is_some_and(|series| series.distro == Distro::Debian)
    };
    let is_security = |suite: &&String| suite.ends_with("-security") || suite.ends_with("/updates");
    let (security, main): (Vec<&String>, Vec<&String>) = entry.suites.iter().filter(is_debian).partition(is_security);
    (!main.is_empty(), !security.is_empty())
}

fn entries(apt: &Path) -> Vec<Entry> {
    let mut files = vec![apt.join("sources.list")];
    let parts = std::fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut parts: Vec<_> = parts.map(|entry| entry.path()).collect();
    parts.sort();
    files.extend(parts);
    let mut entries = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        match file.extension().and_then(|end| end.to_str()) {
            Some("list") => entries.extend(text.lines().filter_map(one_line)),
            Some("sources") => entries.extend(stanzas(&text)),
            _ => {}
        }
    }
    entries
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_string).collect()
}

fn is_no(text: &str) -> bool {
    ["no", "false", "off", "0", "without", "disable"].contains(&text.trim().to_ascii_lowercase().as_str())
}

fn stanzas(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for stanza in control::parse(text).unwrap_or_default() {
        let field = |name: &str| stanza.get(name).unwrap_or_default();
        if stanza.get("Enabled").is_some_and(is_no) {
            continue;
        }
        entries.push(Entry {
            uris: words(field("URIs")),
            suites: words(field("Suites")),
            components: words(field("Components")),
            signed_by: field("Signed-By").to_string(),
            stale: stanza.get("Check-Valid-Until").map(is_no),
        });
    }
    entries
}

/// `deb [ option=value … ] uri suite component…`
fn one_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb-src").or_else(|| line.strip_prefix("deb"))?;
    let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let option = |name: &str| options.split_whitespace().find_map(|o| o.strip_prefix(name)?.strip_prefix('='));
    let mut rest = rest.split_whitespace().map(str::to_string);
    Some(Entry {
        uris: vec![rest.next()?],
        suites: vec![rest.next()?],
        components: rest.collect(),
        signed_by: option("signed-by").unwrap_or_default().to_string(),
        stale: option("check-valid-until").map(is_no),
    })
}

/// `Acquire::Check-Valid-Until "false";` in apt.conf(5); the last one counts.
fn unchecked_everywhere(apt: &Path) -> bool {
    let parts = std::fs::read_dir(apt.join("apt.conf.d")).into_iter().flatten().flatten();
    let mut files: Vec<_> = parts.map(|entry| entry.path()).collect();
    files.sort();
    files.push(apt.join("apt.conf"));
    let mut unchecked = false;
    for file in files {
        for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
            let line = line.trim();
            let name = "acquire::check-valid-until";
            if line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                let value = line.get(name.len()..).unwrap_or_default();
                unchecked = is_no(value.trim_matches([' ', '\t', '"', ';']));
            }
        }
    }
    unchecked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Machine {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join("etc/apt").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Machine::read(root.path())
    }

    fn urls(mirrors: &[Mirror]) -> Vec<&str> {
        mirrors.iter().map(|mirror| mirror.url.as_str()).collect()
    }

    #[test]
    fn deb822() {
        let text = "Types: deb\n# a comment\nURIs: http://m.example/debian/\n https://n.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\nTypes: deb deb-src\nURIs: http://m.example/debian-security\nSuites: bookworm-security\nComponents: main\nCheck-Valid-Until: no\n";
        let machine = machine(&[("sources.list.d/debian.sources", text)]);
        assert_eq!(urls(&machine.mirrors), ["http://m.example/debian", "https://n.example/debian"]);
        assert_eq!(urls(&machine.security), ["http://m.example/debian-security"]);
        assert!(!machine.mirrors[0].stale && machine.security[0].stale);
    }

    #[test]
    fn one_line_form() {
        let text = "# deb http://old.example/debian bookworm main\ndeb [ arch=amd64 check-valid-until=no ] http://m.example/debian stable main contrib # x\ndeb http://s.example/debian-security buster/updates main\ndeb cdrom:[Debian]/ bookworm main\ndebug\ndeb\n";
        let machine = machine(&[("sources.list", text)]);
        assert_eq!(machine.mirrors, [Mirror { url: "http://m.example/debian".to_string(), stale: true }]);
        assert_eq!(urls(&machine.security), ["http://s.example/debian-security"]);
    }

    #[test]
    fn others_repositories_are_not_debian() {
        let text = "deb https://p.example/php bookworm main\ndeb [signed-by=/k.gpg] http://x.example/debian bookworm main\ndeb http://u.example/ubuntu jammy main\ndeb https://d.example/debian bookworm stable\ndeb http://a.example/debian jammy main\n";
        let disabled = "Types: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nEnabled: no\n";
        let machine = machine(&[("sources.list.d/a.list", text), ("sources.list.d/b.sources", disabled)]);
        assert_eq!(machine, Machine::default());
        assert_eq!(Machine::read(Path::new("/nonexistent")), Machine::default());
    }

    #[test]
    fn apt_conf_turns_the_check_off_for_all() {
        let list = ("sources.list", "deb http://m.example/debian sid main\n");
        let off = ("apt.conf.d/99x", "// x\nAcquire::Check-Valid-Until \"false\";\n");
        assert!(machine(&[list, off]).mirrors[0].stale);
        assert!(!machine(&[list, off, ("apt.conf", "Acquire::Check-Valid-Until \"true\";")]).mirrors[0].stale);
    }
}
