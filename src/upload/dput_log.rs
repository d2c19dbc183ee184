//! dput's memory: `X_source.HOST.upload` beside the .changes, appended to as
//! dput(1) does, so that dput and dput-ng take what pkgr sent for uploaded, and
//! pkgr what they sent.
//!
//! dput looks for any line with the fqdn; dput-ng only whether the log is empty.
//! For `ppa` neither says which PPA in the name of the log: dput's lines do not
//! either, dput-ng's name the folder, and pkgr's the archive.

use std::path::{Path, PathBuf};

use super::target::{DputName, Ppa, Target};
use crate::diagnostic::Failure;
use crate::files;

/// Whether dput or dput-ng has sent the .changes to the target, as far as their log tells.
pub fn has_sent(changes: &Path, target: &Target) -> bool {
    let Some(dput) = &target.dput else { return false };
    // what cannot be read says nothing, to dput neither
    let Ok(bytes) = std::fs::read(path(changes, dput)) else { return false };
    String::from_utf8_lossy(&bytes).lines().any(|line| tells(line, dput, target))
}

fn tells(line: &str, dput: &DputName, target: &Target) -> bool {
    // dput writes the fqdn without its port
    let host = dput.fqdn.rsplit_once(':').map_or(dput.fqdn.as_str(), |(host, _)| host);
    if !line.contains(host) {
        return false;
    }
    match &target.rules.ppa {
        Some(ppa) if dput.host == "ppa" => match (line.split_once(" for ppa:"), line.split_once("directory: ")) {
            (Some((_, written)), _) => format!("ppa:{}", written.trim_end_matches('.')) == dput.written,
            (_, Some((_, folder))) => is_folder_of(folder.trim_end_matches(')'), ppa),
            _ => true,
        },
        _ => true,
    }
}

/// dput-ng sends `ppa:o/n` to the deprecated `~o/n`.
fn is_folder_of(folder: &str, ppa: &Ppa) -> bool {
    let identity = Ppa::of_folder(folder).map(|ppa| ppa.identity());
    identity == Some(ppa.identity()) || folder == format!("~{}/{}", ppa.owner, ppa.name)
}

/// Adds what was sent, as dput does.
pub fn append(changes: &Path, dput: &DputName, names: &[&str]) -> Result<(), Failure> {
    let path = path(changes, dput);
    let mut text = std::fs::read(&path).unwrap_or_default();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    for name in names {
        let line = format!("Successfully uploaded {name} to {} for {}.\n", dput.fqdn, dput.written);
        text.extend_from_slice(line.as_bytes());
    }
    files::write_atomically(&path, &text, false).map(|_| ())
}

fn path(changes: &Path, dput: &DputName) -> PathBuf {
    // the host is one part of a name, whatever a section is called
    changes.with_extension(format!("{}.upload", dput.host.replace('/', "_")))
}

#[cfg(test)]
mod tests {
    use super::super::target::Rules;
    use super::*;

    fn target(name: &str, fqdn: &str, written: &str, ppa: Option<&str>) -> Target {
        let ppa = ppa.map(|text| Ppa::parse(text).unwrap());
        Target {
            name: name.to_string(),
            identity: String::new(),
            ways: Vec::new(),
            rules: Rules { ppa, ..Rules::default() },
            dput: Some(DputName { host: name.to_string(), written: written.to_string(), fqdn: fqdn.to_string() }),
        }
    }

    #[test]
    fn logs_of_all_three() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("a_1.2_source.changes");
        let mentors = target("mentors", "localhost:2121", "mentors", None);
        assert!(!has_sent(&changes, &mentors));
        append(&changes, mentors.dput.as_ref().unwrap(), &["a.dsc", "a_1.2_source.changes"]).unwrap();
        let log = std::fs::read_to_string(folder.path().join("a_1.2_source.mentors.upload")).unwrap();
        assert_eq!(
            log,
            "Successfully uploaded a.dsc to localhost:2121 for mentors.\n\
             Successfully uploaded a_1.2_source.changes to localhost:2121 for mentors.\n"
        );
        assert!(has_sent(&changes, &mentors));
        let dput = "Successfully uploaded a.dsc to localhost for mentors.\n";
        std::fs::write(folder.path().join("a_1.2_source.mentors.upload"), dput).unwrap();
        assert!(
            has_sent(&changes, &mentors) && !has_sent(&changes, &target("mentors", "up.example.org", "mentors", None))
        );
    }

    #[test]
    fn one_ppa_is_not_another() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("a_1_source.changes");
        let ppa = |text: &str| target("ppa", "ppa.launchpad.net", text, Some(text));
        append(&changes, ppa("ppa:o1/n1").dput.as_ref().unwrap(), &["a.dsc"]).unwrap();
        assert!(has_sent(&changes, &ppa("ppa:o1/n1")) && !has_sent(&changes, &ppa("ppa:o1/n2")));
        let log = folder.path().join("a_1_source.ppa.upload");
        let ng = "Uploading a using ftp to ppa (host: ppa.launchpad.net; directory: ~o1/n2)\n";
        std::fs::write(&log, ng).unwrap();
        assert!(has_sent(&changes, &ppa("ppa:o1/n2")) && !has_sent(&changes, &ppa("ppa:o1/n1")));
        // Ubuntu's dput does not say which
        std::fs::write(&log, "Successfully uploaded a.dsc to ppa.launchpad.net for ppa.\n").unwrap();
        assert!(has_sent(&changes, &ppa("ppa:o1/n1")));
    }
}
