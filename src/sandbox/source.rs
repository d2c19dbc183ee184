//! The source package under test: a .dsc and the files that it lists.

use std::path::{Path, PathBuf};

use super::error::SandboxError;
use crate::deb::architecture::covers;
use crate::deb::control::{self, Paragraph};
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::files;
use crate::series::{Series, catalog};

/// A .dsc, read. Its files are checked by dpkg-source when it is unpacked.
#[derive(Debug, Clone)]
pub struct SourcePackage {
    /// Source package name.
    pub name: String,
    /// Full version.
    pub version: Version,
    /// The name of the .dsc.
    pub file_name: String,
    path: PathBuf,
    /// The files of the package without the .dsc.
    listed: Vec<String>,
    /// The words of `Architecture`.
    architectures: Vec<String>,
}

impl SourcePackage {
    /// Reads a .dsc, signed or not.
    pub fn open(path: &Path) -> Result<SourcePackage, Failure> {
        let bytes = files::read(path)?;
        let wrong = |message: String| SandboxError::NotASourcePackage { path: path.to_path_buf(), message };
        let dsc = first_paragraph(&bytes).map_err(wrong)?;
        let field = |name: &str| dsc.get_filled(name).ok_or_else(|| wrong(format!("it has no `{name}`")));
        let version = Version::parse(field("Version")?.trim()).map_err(|e| wrong(e.to_string()))?;
        let lines = field("Checksums-Sha256")?.lines().filter_map(|line| line.split_whitespace().nth(2));
        let listed: Vec<String> = lines.map(str::to_string).collect();
        if let Some(bad) = listed.iter().find(|name| name.contains('/') || name.starts_with('.')) {
            return Err(wrong(format!("it lists `{bad}`, which is no plain file name")).into());
        }
        let name = field("Source")?.trim().to_string();
        crate::deb::names::check_source(&name).map_err(|e| wrong(e.to_string()))?;
        Ok(SourcePackage {
            name,
            version,
            file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.to_path_buf(),
            listed,
            architectures: field("Architecture")?.split_whitespace().map(str::to_string).collect(),
        })
    }

    /// The series that it is for: what the .changes beside it says, else the
    /// mark in its version (`~deb12u1`, `~ubuntu22.04.1`).
    pub fn series(&self) -> Result<Series, SandboxError> {
        let changes = self.path.with_file_name(self.file_name.replace(".dsc", "_source.changes"));
        let distribution = std::fs::read(changes).ok().and_then(|bytes| {
            first_paragraph(&bytes).ok().and_then(|changes| changes.get("Distribution").map(|d| d.trim().to_string()))
        });
        let version = self.version.to_string();
        let marked = || catalog().all().iter().rev().find(|series| version.contains(&series.version_suffix()));
        let named = distribution.and_then(|name| catalog().find(&name));
        named.or_else(marked).cloned().ok_or_else(|| SandboxError::NoSeries { path: self.path.clone() })
    }

    /// Refuses an architecture for which no package would come out.
    pub fn check_architecture(&self, architecture: &str) -> Result<(), SandboxError> {
        let builds = |word: &String| word == "all" || word == architecture || covers(word, architecture);
        if self.architectures.iter().any(builds) {
            return Ok(());
        }
        Err(SandboxError::NothingToBuild {
            source_name: self.name.clone(),
            architecture: architecture.to_string(),
            declared: self.architectures.join(", "),
        })
    }

    /// Copies the whole package into a folder, which is created.
    pub fn copy_to(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder).map_err(|e| Failure::io("create", folder, &e))?;
        for name in self.listed.iter().chain([&self.file_name]) {
            let from = self.path.with_file_name(name);
            std::fs::copy(&from, folder.join(name)).map_err(|e| Failure::io("copy", &from, &e))?;
        }
        Ok(())
    }
}

fn first_paragraph(bytes: &[u8]) -> Result<Paragraph, String> {
    let text = control::strip_signature(bytes).map_err(|e| e.to_string())?;
    let paragraphs = control::parse_bytes(&text).map_err(|e| e.to_string())?;
    paragraphs.into_iter().next().ok_or_else(|| "it is empty".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DSC: &str = "Format: 3.0 (quilt)\nSource: hello\nArchitecture: any all\nVersion: 2.12-1~deb12u1\nChecksums-Sha256:\n aa 1 hello_2.12.orig.tar.gz\n bb 2 hello_2.12-1~deb12u1.debian.tar.xz\n";

    fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello_2.12-1~deb12u1.dsc");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn the_series_is_that_of_the_changes_or_of_the_version() {
        let (folder, path) = write(DSC);
        let package = SourcePackage::open(&path).unwrap();
        assert_eq!(package.series().unwrap().name, "bookworm");
        std::fs::write(folder.path().join("hello_2.12-1~deb12u1_source.changes"), "Distribution: sid\n").unwrap();
        assert_eq!(package.series().unwrap().name, "sid");
        let (_folder, path) = write(&DSC.replace("~deb12u1\nCh", "\nCh"));
        assert!(SourcePackage::open(&path).unwrap().series().is_err());
    }

    #[test]
    fn architectures_are_covered_by_wildcards() {
        let (_folder, path) = write(&DSC.replace("any all", "linux-any"));
        let package = SourcePackage::open(&path).unwrap();
        assert!(package.check_architecture("amd64").is_ok());
        let (_folder, path) = write(&DSC.replace("any all", "i386"));
        let error = SourcePackage::open(&path).unwrap().check_architecture("amd64").unwrap_err();
        assert_eq!(error.to_string(), "hello builds nothing on amd64");
    }

    #[test]
    fn a_dsc_that_leaves_its_folder_is_refused() {
        let (_folder, path) = write(&DSC.replace("aa 1 hello", "aa 1 ../hello"));
        assert!(SourcePackage::open(&path).is_err());
    }
}
