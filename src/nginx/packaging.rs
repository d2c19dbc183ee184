//! What is in the tarballs of nginx's source package: members of any of them,
//! and the distribution's patches in its `debian.tar`, as a system of that
//! distribution applies them (dpkg-source(1), "3.0 (quilt)").

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::archive::{self, ArchiveError, Inspection, Rules};
use crate::fetch::compression::{self, Compression, Detected};
use crate::series::Distro;

/// Patches by path below debian/patches, in the order of application.
pub type Patches = Vec<(String, Vec<u8>)>;

/// Why a tarball does not have what was looked for.
#[derive(Debug, thiserror::Error)]
pub enum PackagingError {
    /// It cannot be read.
    #[error("cannot look into {}: {error}", path.display())]
    Tarball {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: ArchiveError,
    },
    /// It is not compressed as a tarball of a source package is.
    #[error("{} is no .tar.gz, .tar.bz2 or .tar.xz", .0.display())]
    Compression(PathBuf),
    /// The list of patches is not UTF-8.
    #[error("debian/patches/{0} is not UTF-8")]
    Series(String),
    /// The list names a file that is not there.
    #[error("debian/patches/{0} names {1}, which is not there")]
    NoPatch(String, String),
}

impl From<PackagingError> for Failure {
    fn from(error: PackagingError) -> Failure {
        let message = error.to_string();
        match error {
            PackagingError::Tarball { error, .. } => {
                Failure::new(error.kind(), Diagnostic::error(error.code(), message))
            }
            _ => Failure::environment(Diagnostic::error("nginx-source", message)),
        }
    }
}

/// The patches that a `debian.tar` names; none where it names none.
pub fn patches(debian: &Path, distro: Distro) -> Result<Patches, PackagingError> {
    // the one top folder, debian/, is taken off
    let packed = inspect(debian, &|path| path.starts_with(b"patches/"))?;
    let find = |name: &str| packed.files.get(format!("patches/{name}").as_bytes());
    let names = [format!("{distro}.series"), "series".to_string()];
    let Some((name, series)) = names.iter().find_map(|name| Some((name, find(name)?))) else { return Ok(Vec::new()) };
    let series = std::str::from_utf8(series).map_err(|_| PackagingError::Series(name.clone()))?;
    let read = |patch: &str| match find(patch) {
        Some(content) => Ok((patch.to_string(), content.clone())),
        None => Err(PackagingError::NoPatch(name.clone(), patch.to_string())),
    };
    series.lines().filter_map(patch_name).map(read).collect()
}

/// The patch that a line of a series names; options behind it mean nothing to
/// dpkg-source, and a comment begins with `#` at the start or behind a blank.
fn patch_name(line: &str) -> Option<&str> {
    line.split_ascii_whitespace().next().filter(|word| !word.starts_with('#'))
}

/// The members of a tarball, and the content of those that are wanted, by their
/// paths below its one top folder.
pub(super) fn inspect(path: &Path, wanted: &dyn Fn(&[u8]) -> bool) -> Result<Inspection, PackagingError> {
    let failed = |error| PackagingError::Tarball { path: path.to_path_buf(), error };
    let compression = compression_of(path).map_err(|error| failed(ArchiveError::Io(error)))?;
    let compression = compression.ok_or_else(|| PackagingError::Compression(path.to_path_buf()))?;
    // only regular files are read, so links may lead where they like
    let rules = Rules { allow_outward_links: true, ..Rules::default() };
    archive::inspect_with(path, compression, wanted, &rules).map_err(failed)
}

fn compression_of(path: &Path) -> std::io::Result<Option<Compression>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(compression::HEAD as u64).read_to_end(&mut head)?;
    Ok(match compression::detect(&head) {
        Detected::Usable(compression) => Some(compression),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian_tar(files: &[(&str, &str)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file.reopen().unwrap(), Default::default()));
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        file
    }

    fn names(files: &[(&str, &str)], distro: Distro) -> Result<Vec<String>, String> {
        let tar = debian_tar(files);
        let read = patches(tar.path(), distro).map_err(|error| error.to_string())?;
        Ok(read.into_iter().map(|(name, _)| name).collect())
    }

    const CONTROL: (&str, &str) = ("debian/control", "Source: nginx\n");

    #[test]
    fn the_series_decides() {
        let files = [
            CONTROL,
            ("debian/patches/series", "# first\nb.patch -p1\n\nCVE/a.patch # why\n"),
            ("debian/patches/ubuntu.series", "CVE/a.patch\n"),
            ("debian/patches/CVE/a.patch", "a"),
            ("debian/patches/b.patch", "b"),
            ("debian/patches/unused.patch", "c"),
        ];
        assert_eq!(names(&files, Distro::Debian).unwrap(), ["b.patch", "CVE/a.patch"]);
        assert_eq!(names(&files, Distro::Ubuntu).unwrap(), ["CVE/a.patch"]);
        assert!(names(&[CONTROL], Distro::Debian).unwrap().is_empty());
    }

    #[test]
    fn what_is_named_has_to_be_there() {
        let files = [CONTROL, ("debian/patches/series", "gone.patch\n")];
        assert_eq!(
            names(&files, Distro::Debian).unwrap_err(),
            "debian/patches/series names gone.patch, which is not there"
        );
    }

    #[test]
    fn lines_of_a_series() {
        assert_eq!(patch_name("0001-a.patch -p1 # why"), Some("0001-a.patch"));
        assert_eq!(patch_name("  # none"), None);
        assert_eq!(patch_name(""), None);
    }
}
