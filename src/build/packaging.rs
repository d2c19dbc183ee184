//! The distribution's own patches of nginx, out of the debian.tar that the lock
//! pins: with them the tree that a module is built in is the one that nginx was
//! built from. (A module built without them may load, and then read fields of
//! nginx's structures where they are not.)
//!
//! Which patches, and in what order: dpkg-source(1), "3.0 (quilt)".

use std::collections::BTreeMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::archive::{self, ArchiveError, Rules};
use crate::fetch::{Compression, Fetcher};
use crate::lock::Lock;
use crate::plan::{Location, PoolFile, Source, Target};
use crate::series::Distro;

/// Patches by path below debian/patches, in the order of application.
type Patches = Vec<(String, Vec<u8>)>;

/// Why a debian.tar has no patches to read.
#[derive(Debug, thiserror::Error)]
enum PackagingError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("its {0} is not UTF-8")]
    Series(String),
    #[error("its {0} names {1}, which is not there")]
    NoPatch(String, String),
}

/// Gives every target whose modules are built in nginx's own source the
/// distribution's patches; each debian.tar is read once.
pub fn add_patches(targets: &mut [Target], fetcher: &Fetcher, folder: &Path, lock: &Lock) -> Result<(), Failure> {
    let mut read: BTreeMap<String, Patches> = BTreeMap::new();
    for target in targets {
        let place = target.sources.iter().find(|source| source.component.as_deref() == Some("nginx"));
        let place = place.map(|source| source.place.clone());
        let (Some(nginx), Some(place)) = (&mut target.nginx, place) else { continue };
        let Some(file) = &nginx.packaging else { continue };
        if !read.contains_key(&file.sha256) {
            let source = source_of(file, place.clone());
            let fetched = fetcher.fetch(&source, folder, lock)?;
            let patches = patches(&fetched.path, fetched.compression, target.series.distro).map_err(|error| {
                let message = format!("the packaging of nginx cannot be read: {}: {error}", file.file_name());
                Failure::environment(Diagnostic::error("nginx-packaging", message).at(place))
            })?;
            read.insert(file.sha256.clone(), patches);
        }
        nginx.patches = read.get(&file.sha256).cloned().unwrap_or_default();
    }
    Ok(())
}

fn source_of(file: &PoolFile, place: crate::diagnostic::Place) -> Source {
    Source {
        location: Location::Pool(file.clone()),
        component: None,
        sha256: Some(file.sha256.clone()),
        signature: None,
        keyring: None,
        place,
    }
}

/// The patches of a debian.tar, as a system of that distribution applies them.
fn patches(path: &Path, compression: Compression, distro: Distro) -> Result<Patches, PackagingError> {
    let wanted = |path: &[u8]| path.starts_with(b"patches/") || path.starts_with(b"debian/patches/");
    // only regular files are read, so links may lead where they like
    let rules = Rules { allow_outward_links: true, ..Rules::default() };
    let packed = archive::inspect_with(path, compression, &wanted, &rules)?;
    // the one top folder, debian/, is taken off
    let find = |name: &str| packed.files.get(format!("patches/{name}").as_bytes());
    let names = [format!("{distro}.series"), "series".to_string()];
    let Some((name, series)) = names.iter().find_map(|name| Some((name, find(name)?))) else { return Ok(Vec::new()) };
    let series = std::str::from_utf8(series).map_err(|_| PackagingError::Series(name.clone()))?;
    let named = series.lines().filter_map(patch_name);
    named
        .map(|patch| match find(patch) {
            Some(content) => Ok((patch.to_string(), content.clone())),
            None => Err(PackagingError::NoPatch(name.clone(), patch.to_string())),
        })
        .collect()
}

/// The patch that a line of a series names: options behind it mean nothing to
/// dpkg-source, and `#` begins a comment.
fn patch_name(line: &str) -> Option<&str> {
    line.split_ascii_whitespace().next().filter(|word| !word.starts_with('#'))
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
        let read = patches(tar.path(), Compression::Gzip, distro).map_err(|error| error.to_string())?;
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
        assert_eq!(names(&files, Distro::Debian).unwrap_err(), "its series names gone.patch, which is not there");
    }
}
