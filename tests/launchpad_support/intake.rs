//! What becomes of a source upload that has arrived: accepted, or refused because
//! of what the archive has. Only these rules are here; those on the files
//! themselves are for `pkgr check` and its tests.

use std::collections::BTreeMap;
use std::path::Path;

use pkgr::deb::control::{self, Paragraph};
use pkgr::deb::version::Version;

use super::{PRIMARY, Service, Upload};

impl Service {
    /// Takes a source upload for a PPA, as its .changes says; a refusal is in
    /// Launchpad's words, and leaves no trace in the service.
    pub fn receive(&self, owner: &str, ppa: &str, changes: &Path, architectures: &[&str]) -> Result<u64, String> {
        let folder = changes.parent().unwrap_or(Path::new("."));
        let text = paragraph(changes)?;
        let mut files = BTreeMap::new();
        for name in listed(&text) {
            let bytes = std::fs::read(folder.join(&name));
            let missing = |_| format!("File {name} mentioned in the changes file was not found.");
            files.insert(name.clone(), bytes.map_err(missing)?);
        }
        let dsc = files.keys().find(|name| name.ends_with(".dsc")).ok_or("Sourceful upload without a .dsc")?;
        let dsc = paragraph(&folder.join(dsc))?;
        let words = |field: &str, separator: char| -> Vec<String> {
            let words = dsc.get(field).unwrap_or_default().split(separator).map(|word| word.trim().to_string());
            words.filter(|word| !word.is_empty()).collect()
        };
        let field = |name: &str| text.get(name).unwrap_or_default().trim().to_string();
        let upload = Upload {
            binaries: words("Binary", ','),
            architectures: built_for(&words("Architecture", ' '), architectures),
            files,
            ..Upload::new(owner, ppa, &field("Source"), &field("Version"), &field("Distribution"))
        };
        self.judge(&upload, &listed(&dsc))?;
        Ok(self.accept(&upload))
    }

    /// The rules on versions and on files that were published before.
    fn judge(&self, upload: &Upload, needed: &[String]) -> Result<(), String> {
        let state = self.state();
        let of_ppa = || state.publications.iter().filter(|other| other.upload.is_beside(upload));
        let (source, version) = (&upload.source, &upload.version);
        if let Some(other) = of_ppa().find(|p| p.upload.source == *source && p.upload.version == *version) {
            return Err(format!(
                "The source {source} - {version} is already accepted in ubuntu/{} and you cannot upload the same \
                 version within the same distribution. You have to modify the source version and re-upload.",
                other.upload.series
            ));
        }
        let parse = |text: &str| Version::parse(text).map_err(|e| e.to_string());
        for other in of_ppa().filter(|p| p.upload.source == *source && p.upload.series == upload.series) {
            let is_active = matches!(other.status, "Pending" | "Published");
            if is_active && parse(version)? < parse(&other.upload.version)? {
                let dsc = format!("{source}_{version}.dsc");
                return Err(format!(
                    "{dsc}: Version older than that in the archive. {version} <= {}",
                    other.upload.version
                ));
            }
        }
        for name in needed {
            let is_orig = name.contains(".orig");
            let places = |p: &&super::Publication| {
                p.upload.is_beside(upload) || (is_orig && (p.upload.owner.as_str(), p.upload.ppa.as_str()) == PRIMARY)
            };
            let published = state.publications.iter().filter(places).find_map(|p| p.upload.files.get(name));
            match (upload.files.get(name), published) {
                (None, None) => return Err(format!("Unable to find {name} in upload or distribution.")),
                (Some(ours), Some(theirs)) if ours != theirs => {
                    return Err(format!(
                        "File {name} already exists in {}, but uploaded version has different contents.",
                        upload.ppa
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn paragraph(path: &Path) -> Result<Paragraph, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let text = control::strip_signature(&bytes).map_err(|e| e.to_string())?;
    control::parse_bytes(&text).map_err(|e| e.to_string())?.pop().ok_or_else(|| "it is empty".to_string())
}

/// The names in `Files`.
fn listed(paragraph: &Paragraph) -> Vec<String> {
    let lines = paragraph.get("Files").unwrap_or_default().lines();
    lines.filter_map(|line| line.split_whitespace().last()).map(str::to_string).collect()
}

/// Architectures of the PPA for which a .dsc is built: `all` alone is built once.
fn built_for(wanted: &[String], offered: &[&str]) -> Vec<String> {
    let any = wanted.iter().any(|name| name == "any" || name == "linux-any");
    let named = |name: &&&str| any || wanted.iter().any(|wanted| wanted == **name || wanted == &format!("any-{name}"));
    let found: Vec<String> = offered.iter().filter(named).map(|name| (*name).to_string()).collect();
    match found.is_empty() && wanted.iter().any(|name| name == "all") {
        true => vec!["amd64".to_string()],
        false => found,
    }
}
