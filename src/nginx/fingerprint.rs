//! A fingerprint of the headers that modules are compiled with: all `*.h` below
//! src/ of a distribution's nginx, its patches applied, in normal form
//! ([`crate::nginx::header`]).
//!
//! A distribution can change a structure without a change of version or
//! signature: modules then load and crash. Equal fingerprints, with equal
//! configure arguments, mean that this has not happened. Different ones mean
//! that it may have: which headers is told, what the change does is for a person
//! to judge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::archive::{EntryKind, Inspection};
use crate::fetch::digest::sha256;
use crate::nginx::header;
use crate::nginx::packaging::{self, PackagingError, inspect};
use crate::patch::{self, PatchError, PatchFile};
use crate::series::Distro;

/// The headers of one nginx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint {
    /// sha256 of each header's normal form, by its path in the tree.
    headers: BTreeMap<String, String>,
}

/// How a header of two fingerprints differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only the newer one has it.
    Added,
    /// Only the older one has it.
    Removed,
    /// Both have it, with different content.
    Changed,
}

impl Change {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "changed",
        }
    }
}

/// Why there is no fingerprint.
#[derive(Debug, thiserror::Error)]
pub enum FingerprintError {
    /// A tarball of the source package, or a patch that is not there.
    #[error(transparent)]
    Packaging(#[from] PackagingError),
    /// A patch does not apply.
    #[error("{}: {}", .0.patch, .0.obstacle)]
    Patch(#[from] PatchError),
    /// There are no headers: this is not the source of nginx.
    #[error("{} has no src/core/nginx.h: it is not the source of nginx", .0.display())]
    NotNginx(PathBuf),
}

impl From<FingerprintError> for Failure {
    fn from(error: FingerprintError) -> Failure {
        let message = error.to_string();
        match error {
            FingerprintError::Patch(error) => error.into_failure("nginx's source"),
            FingerprintError::Packaging(error) => error.into(),
            FingerprintError::NotNginx(_) => Failure::environment(Diagnostic::error("nginx-source", message)),
        }
    }
}

impl Fingerprint {
    /// Of a source package in format 3.0 (quilt): its main tarball, and its
    /// `debian.tar`, whose patches are applied in memory as dpkg-source does on a
    /// system of that distribution.
    pub fn of_package(orig: &Path, debian: &Path, distro: Distro) -> Result<Fingerprint, FingerprintError> {
        let patches = parsed_patches(debian, distro)?;
        let touched = patch::touched(&patches);
        let wanted = |path: &[u8]| is_header(path) || touched.contains(path);
        let tree = inspect(orig, &wanted)?;
        if !tree.files.contains_key(b"src/core/nginx.h".as_slice()) {
            return Err(FingerprintError::NotNginx(orig.to_path_buf()));
        }
        let base = Base(&tree);
        let mut patched = patch::Tree::new(&base);
        patch::apply_series(&patches, &mut patched)?;
        let changed: BTreeMap<&[u8], Option<&[u8]>> = patched.changes().collect();
        let kept = tree.files.iter().filter(|(path, _)| !changed.contains_key(path.as_slice()));
        let kept = kept.map(|(path, content)| (path.as_slice(), content.as_slice()));
        let changes = changed.iter().filter_map(|(path, content)| Some((*path, (*content)?)));
        Ok(Fingerprint::of_headers(kept.chain(changes).filter(|(path, _)| is_header(path))))
    }

    /// Of headers in memory: path in the tree and bytes.
    pub fn of_headers<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Fingerprint {
        let digest = |(path, content): (&[u8], &[u8])| {
            (String::from_utf8_lossy(path).into_owned(), sha256(&header::normal(content)))
        };
        Fingerprint { headers: headers.map(digest).collect() }
    }

    /// One digest for all headers, 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        let lines = self.headers.iter().map(|(path, digest)| format!("{digest}  {path}\n"));
        sha256(lines.collect::<String>().as_bytes())
    }

    /// The digest of each header, by path.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// The headers that differ in a newer nginx, in byte order of their paths.
    pub fn changes_to<'a>(&'a self, newer: &'a Fingerprint) -> Vec<(&'a str, Change)> {
        let here = self.headers.iter().filter_map(|(path, digest)| match newer.headers.get(path) {
            None => Some((path.as_str(), Change::Removed)),
            Some(other) => (other != digest).then_some((path.as_str(), Change::Changed)),
        });
        let there = newer.headers.keys().filter(|path| !self.headers.contains_key(*path));
        let mut changes: Vec<_> = here.chain(there.map(|path| (path.as_str(), Change::Added))).collect();
        changes.sort_by_key(|(path, _)| *path);
        changes
    }
}

fn is_header(path: &[u8]) -> bool {
    path.starts_with(b"src/") && path.ends_with(b".h")
}

/// The patches of a `debian.tar`, read as `patch` wants them.
fn parsed_patches(debian: &Path, distro: Distro) -> Result<Vec<PatchFile>, FingerprintError> {
    let named = packaging::patches(debian, distro)?;
    let parse = |(name, content): &(String, Vec<u8>)| patch::parse(&format!("debian/patches/{name}"), content);
    Ok(named.iter().map(parse).collect::<Result<_, _>>()?)
}

/// The main tarball as `patch` sees it.
struct Base<'a>(&'a Inspection);

impl patch::Base for Base<'_> {
    fn kind(&self, path: &[u8]) -> Option<patch::EntryKind> {
        Some(match self.0.listing.kind(path)? {
            EntryKind::Directory => patch::EntryKind::Folder,
            EntryKind::File { .. } => patch::EntryKind::File,
            EntryKind::Symlink => patch::EntryKind::Symlink,
        })
    }

    fn content(&self, path: &[u8]) -> Option<&[u8]> {
        let entry = self.0.listing.get(path)?;
        match entry.kind {
            EntryKind::Symlink => Some(entry.target),
            _ => self.0.files.get(path).map(Vec::as_slice),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Fingerprint {
        Fingerprint::of_headers(headers.iter().map(|(path, text)| (path.as_bytes(), text.as_bytes())))
    }

    #[test]
    fn only_what_the_compiler_sees_counts() {
        let before = of(&[("src/a.h", "struct a { int x; };"), ("src/b.h", "/* b */ int b;")]);
        let same = of(&[("src/b.h", "int  b; // c"), ("src/a.h", "struct a {\n int x;\n};\n")]);
        assert_eq!(before.digest(), same.digest());
        assert_eq!(before.changes_to(&same), []);
        let after = of(&[("src/a.h", "struct a { unsigned y:1; int x; };"), ("src/c.h", "")]);
        assert_ne!(before.digest(), after.digest());
        let expected = [("src/a.h", Change::Changed), ("src/b.h", Change::Removed), ("src/c.h", Change::Added)];
        assert_eq!(before.changes_to(&after), expected);
    }

    #[test]
    fn a_renamed_header_is_another_tree() {
        assert_ne!(of(&[("src/a.h", "int a;")]).digest(), of(&[("src/b.h", "int a;")]).digest());
    }
}
