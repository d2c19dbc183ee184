//! Folders of source packages, taken as what an archive has published.
//!
//! A folder's .dsc files say which sources, versions and files there are; the
//! files themselves need not be there. Nothing is read but the .dsc files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::check::holdings::{HeldFile, Holdings, Publication, Status};
use crate::check::tagfile;
use crate::deb::checksums::Checksums;
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// A .dsc that is larger is none.
const LARGEST: u64 = 8 << 20;

/// One archive's folders.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    name: String,
    publications: BTreeMap<String, Vec<Publication>>,
    files: BTreeMap<String, HeldFile>,
}

impl Folders {
    /// Reads folders, each with the series whose packages it holds (`None`: of
    /// every series). `name` is how messages call the archive.
    pub fn read(name: &str, folders: &[(Option<String>, PathBuf)]) -> Result<Folders, Failure> {
        let mut found = Folders { name: name.to_string(), ..Folders::default() };
        for (series, folder) in folders {
            let io = |error: std::io::Error| Failure::io("read", folder, &error);
            let mut names: Vec<PathBuf> = Vec::new();
            for entry in std::fs::read_dir(folder).map_err(io)? {
                names.push(entry.map_err(io)?.path());
            }
            names.sort();
            for path in names.iter().filter(|path| path.extension().is_some_and(|e| e == "dsc")) {
                found.add(path, folder, series.as_deref())?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, path: &Path, folder: &Path, series: Option<&str>) -> Result<(), Failure> {
        let bytes = crate::check::documents::read_limited(path, LARGEST)
            .map_err(|error| Failure::io("read", path, &error))?
            .ok_or_else(|| unusable(path, "it is too large"))?;
        let text = crate::check::signature::payload(&bytes);
        let [stanza] = tagfile::parse(&text).try_into().map_err(|_| unusable(path, "it is not one stanza"))?;
        let field = |name| stanza.get(name).ok_or_else(|| unusable(path, &format!("it has no field {name}")));
        let publication = Publication {
            version: field("Version")?.to_string(),
            series: series.map(str::to_string),
            status: Status::Published,
        };
        self.publications.entry(field("Source")?.to_string()).or_default().push(publication);
        let files = tagfile::files(&stanza, 3).map_err(|error| unusable(path, &error.to_string()))?;
        for file in files {
            let held = HeldFile {
                size: file.size.parse().ok(),
                md5: file.digest("MD5"),
                sha1: file.digest("SHA1"),
                sha256: file.digest("SHA256"),
                path: Some(folder.join(&file.name)).filter(|path| path.is_file() && !file.name.contains('/')),
            };
            self.files.insert(file.name, held);
        }
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            let sums = Checksums::of(&bytes);
            let held = HeldFile {
                size: Some(sums.size),
                md5: Some(sums.md5),
                sha1: Some(sums.sha1),
                sha256: Some(sums.sha256),
                path: Some(path.to_path_buf()),
            };
            self.files.insert(name.to_string(), held);
        }
        Ok(())
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    let message = format!("cannot take {} as published: {why}", path.display());
    Failure::new(Kind::Environment, Diagnostic::error("bad-published-source", message))
        .hint("--published and --primary name folders of source packages that an archive has taken")
}

impl Holdings for Folders {
    fn display_name(&self) -> String {
        self.name.clone()
    }

    fn is_known(&self) -> bool {
        true
    }

    fn sources(&self, name: &str) -> Result<Vec<Publication>, Failure> {
        Ok(self.publications.get(name).cloned().unwrap_or_default())
    }

    fn file(&self, name: &str) -> Result<Option<HeldFile>, Failure> {
        Ok(self.files.get(name).cloned())
    }
}
