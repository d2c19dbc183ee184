//! The tree that the tarballs of a package make together.

use super::Entry;
use crate::fetch::archive::{EntryKind, Inspection};
use crate::patch;

/// From here on Launchpad refuses a changelog.
const LARGE: usize = 10 << 20;

/// The tarballs: debian.tar over everything, components over the main one.
pub struct Parts {
    pub main: Inspection,
    pub debian: Option<Inspection>,
    pub components: Vec<(String, Inspection)>,
}

impl Parts {
    /// The tarball that a path of the tree comes from, and its path there.
    fn find<'p>(&self, path: &'p [u8]) -> Option<(&Inspection, &'p [u8])> {
        if let Some(debian) = &self.debian {
            if debian.listing.contains(path) {
                return Some((debian, path));
            }
            if path == b"debian" || path.starts_with(b"debian/") {
                return None;
            }
        }
        for (component, inspection) in &self.components {
            let Some(rest) = path.strip_prefix(component.as_bytes()) else { continue };
            match rest.strip_prefix(b"/") {
                Some(rest) => return inspection.listing.contains(rest).then_some((inspection, rest)),
                None if rest.is_empty() => return Some((inspection, rest)),
                None => {}
            }
        }
        self.main.listing.contains(path).then_some((&self.main, path))
    }
}

impl patch::Base for Parts {
    fn kind(&self, path: &[u8]) -> Option<patch::EntryKind> {
        let (inspection, inside) = self.find(path)?;
        if inside.is_empty() {
            return Some(patch::EntryKind::Folder);
        }
        Some(match inspection.listing.kind(inside)? {
            EntryKind::Directory => patch::EntryKind::Folder,
            EntryKind::File { .. } => patch::EntryKind::File,
            EntryKind::Symlink => patch::EntryKind::Symlink,
        })
    }

    fn content(&self, path: &[u8]) -> Option<&[u8]> {
        let (inspection, inside) = self.find(path)?;
        match inspection.listing.get(inside)?.kind {
            EntryKind::Symlink => inspection.listing.get(inside).map(|entry| entry.target),
            _ => inspection.files.get(inside).map(Vec::as_slice),
        }
    }
}

/// What Launchpad finds at a path below debian/.
pub fn entry(parts: &Parts, tree: &patch::Tree<'_>, path: &[u8]) -> Entry {
    match tree.kind(path) {
        None => through_link(parts, tree, path),
        Some(patch::EntryKind::Symlink) if exists(tree, path) => Entry::Link,
        Some(patch::EntryKind::Symlink) => Entry::Missing,
        Some(patch::EntryKind::Folder) => Entry::Folder,
        Some(_) if tree.content(path).is_some_and(|content| content.len() > LARGE) => Entry::Large,
        Some(_) => Entry::File,
    }
}

/// debian/ itself may be a link, which Launchpad follows.
fn through_link(parts: &Parts, tree: &patch::Tree<'_>, path: &[u8]) -> Entry {
    let folder = b"debian";
    if tree.kind(folder) != Some(patch::EntryKind::Symlink) {
        return Entry::Missing;
    }
    let name = path.strip_prefix(b"debian/").unwrap_or_default();
    let real = tree.content(folder).and_then(|link| target(folder, link));
    match real.filter(|real| real != folder && !real.is_empty()) {
        Some(real) => entry(parts, tree, &[real.as_slice(), b"/", name].concat()),
        None => Entry::Missing,
    }
}

/// Whether a link leads to something in the tree. A license of the system counts:
/// dpkg-source has refused it before.
fn exists(tree: &patch::Tree<'_>, path: &[u8]) -> bool {
    let mut path = path.to_vec();
    for _ in 0..40 {
        match tree.kind(&path) {
            Some(patch::EntryKind::Symlink) => {
                let Some(next) = tree.content(&path).and_then(|link| target(&path, link)) else { return false };
                if next.is_empty() {
                    return true;
                }
                path = next;
            }
            kind => return kind.is_some(),
        }
    }
    false
}

/// Where a link leads, from the root of the tree; `None` outside of it.
pub fn target(path: &[u8], link: &[u8]) -> Option<Vec<u8>> {
    if link.starts_with(b"/") {
        return None;
    }
    let mut place: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    place.pop();
    for part in link.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(place.pop()?),
            _ => place.push(part),
        }
    }
    Some(place.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        assert_eq!(target(b"debian/copyright", b"../COPYING").as_deref(), Some(&b"COPYING"[..]));
        assert_eq!(target(b"debian/a/b", b"./c//d").as_deref(), Some(&b"debian/a/c/d"[..]));
        assert_eq!(target(b"debian/a", b"../../x"), None);
        assert_eq!(target(b"debian/a", b"/x"), None);
    }
}
