//! The source tree that patches work on: changes in memory over the members of
//! a tarball that nobody unpacked.

use std::collections::{BTreeMap, BTreeSet};

use super::names;

/// What a path of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A symbolic link; its content is what it points to.
    Symlink,
    /// A folder.
    Folder,
    /// A device, a pipe.
    Other,
}

/// The tree before any patch. Paths are below its root, without `./`.
pub trait Base {
    /// What is at a path; `None` if nothing is. Folders that only follow from
    /// their members count as folders.
    fn kind(&self, path: &[u8]) -> Option<EntryKind>;
    /// The bytes of a file, or the target of a symbolic link. It has to be known
    /// for the paths of [`super::touched`].
    fn content(&self, path: &[u8]) -> Option<&[u8]>;
}

/// A tree held in memory as a whole.
#[derive(Debug, Clone, Default)]
pub struct MemoryBase {
    entries: BTreeMap<Vec<u8>, (EntryKind, Vec<u8>)>,
}

impl MemoryBase {
    /// Puts a file, and the folders above it.
    pub fn file(&mut self, path: impl AsRef<[u8]>, content: impl Into<Vec<u8>>) {
        self.insert(path.as_ref(), EntryKind::File, content.into());
    }

    /// Puts an entry of any kind, and the folders above it.
    pub fn insert(&mut self, path: &[u8], kind: EntryKind, content: Vec<u8>) {
        let path = names::normal(path);
        for folder in names::ancestors(&path) {
            self.entries.entry(folder.to_vec()).or_insert((EntryKind::Folder, Vec::new()));
        }
        self.entries.insert(path, (kind, content));
    }
}

impl Base for MemoryBase {
    fn kind(&self, path: &[u8]) -> Option<EntryKind> {
        self.entries.get(path).map(|(kind, _)| *kind)
    }
    fn content(&self, path: &[u8]) -> Option<&[u8]> {
        self.entries.get(path).map(|(_, content)| content.as_slice())
    }
}

/// What a patch makes of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub kind: EntryKind,
    pub bytes: Vec<u8>,
}

/// A tree while patches are applied to it.
#[derive(Clone)]
pub struct Tree<'a> {
    base: &'a dyn Base,
    changes: BTreeMap<Vec<u8>, Option<Written>>,
    folders: BTreeSet<Vec<u8>>,
}

impl<'a> Tree<'a> {
    /// The unchanged tree.
    pub fn new(base: &'a dyn Base) -> Tree<'a> {
        Tree { base, changes: BTreeMap::new(), folders: BTreeSet::new() }
    }

    /// What is at a path now.
    pub fn kind(&self, path: &[u8]) -> Option<EntryKind> {
        let path = names::normal(path);
        if path.is_empty() || self.folders.contains(&path) {
            return Some(EntryKind::Folder);
        }
        match self.changes.get(&path) {
            Some(change) => change.as_ref().map(|written| written.kind),
            None => self.base.kind(&path),
        }
    }

    /// The bytes at a path now; `None` for what is not there, and for a file
    /// whose content the base does not know.
    pub fn content(&self, path: &[u8]) -> Option<&[u8]> {
        let path = names::normal(path);
        match self.changes.get(&path) {
            Some(change) => change.as_ref().map(|written| written.bytes.as_slice()),
            None => self.base.content(&path),
        }
    }

    /// The paths that patches changed, in byte order: the new bytes, or `None`
    /// for what was removed.
    pub fn changes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(path, change)| (path.as_slice(), change.as_ref().map(|w| w.bytes.as_slice())))
    }

    /// Makes a folder and those above it. Fails with the path that is no folder.
    pub(super) fn make_folders(&mut self, path: &[u8]) -> Result<(), Vec<u8>> {
        let path = names::normal(path);
        let all = std::iter::once(path.as_slice()).chain(names::ancestors(&path)).filter(|p| !p.is_empty());
        let mut missing = Vec::new();
        for folder in all {
            match self.kind(folder) {
                Some(EntryKind::Folder) => break,
                Some(_) => return Err(folder.to_vec()),
                None => missing.push(folder.to_vec()),
            }
        }
        self.folders.extend(missing);
        Ok(())
    }

    /// Puts an entry; its folder is made before.
    pub(super) fn write(&mut self, path: &[u8], written: Written) -> Result<(), Vec<u8>> {
        let path = names::normal(path);
        if let Some(parent) = names::ancestors(&path).next() {
            self.make_folders(parent)?;
        }
        self.changes.insert(path, Some(written));
        Ok(())
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, path: &[u8]) {
        let path = names::normal(path);
        if self.base.kind(&path).is_some() {
            self.changes.insert(path, None);
        } else {
            self.changes.remove(&path);
        }
    }
}
