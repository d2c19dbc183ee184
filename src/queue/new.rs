//! A new patch out of an edited tree: the patched source is unpacked for editing,
//! and what was edited becomes a diff with a DEP-3 header.

use std::path::{Path, PathBuf};

use super::entry::{Added, apply_all, file_of};
use super::{Lineup, Queue, QueueError, changes};
use crate::diagnostic::Failure;
use crate::patch::{Tree, header};
use crate::recipe::selector::Selector;

/// What the header of a new patch says, where the defaults do not serve.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// What the patch does: a line, and more below; else words made of its name.
    pub text: Option<String>,
    /// `Name <address>`; else the recipe's maintainer.
    pub author: Option<String>,
    /// `2026-11-24`.
    pub date: String,
}

/// How to make a patch.
#[derive(Debug, Clone, Copy)]
pub struct NewPatch<'a> {
    /// `fix-the-build`: the file is `patches/fix-the-build.patch`.
    pub name: &'a str,
    /// Which targets get it, and for which tree it is made.
    pub when: Option<&'a Selector>,
    /// Its header.
    pub description: &'a Description,
}

impl Queue<'_> {
    /// Unpacks the source with the patches applied into a folder, which must not
    /// exist or be empty. Returns the tree that it is.
    pub fn unpack(&self, new: &NewPatch<'_>, into: &Path) -> Result<&Lineup, Failure> {
        self.check_new(&file_of(new.name)?)?;
        let is_free = std::fs::read_dir(into).map_or(!into.exists(), |mut entries| entries.next().is_none());
        if !is_free {
            return Err(QueueError::FolderExists(into.to_path_buf()).into());
        }
        let lineup = self.first_lineup(new.when)?;
        // whole under its name, or not there: a half of a source must not be edited
        let folder = crate::files::parent(into);
        std::fs::create_dir_all(&folder).map_err(|e| Failure::io("create", &folder, &e))?;
        let temporary = tempfile::Builder::new().prefix(crate::files::TEMPORARY_PREFIX).tempdir_in(&folder);
        let temporary = temporary.map_err(|e| Failure::io("create a folder in", &folder, &e))?;
        let root = temporary.path().join("tree");
        self.write_tree(lineup, &root)?;
        let _ = std::fs::remove_dir(into);
        std::fs::rename(&root, into).map_err(|e| Failure::io("create", into, &e))?;
        Ok(lineup)
    }

    /// Makes the patch of what was edited in `from`, a copy of the patched source.
    pub fn add_new(&self, new: &NewPatch<'_>, from: &Path) -> Result<Added, Failure> {
        let file = file_of(new.name)?;
        self.check_new(&file)?;
        let lineup = self.first_lineup(new.when)?;
        let temporary =
            tempfile::tempdir().map_err(|e| Failure::io("create a folder in", &std::env::temp_dir(), &e))?;
        let root = temporary.path().join("tree");
        self.write_tree(lineup, &root)?;
        let diff = changes::between(&root, from, self.listener)?;
        let target = self.target(lineup)?;
        let author = new.description.author.as_ref().unwrap_or(&target.maintainer);
        if author.trim().is_empty() {
            return Err(QueueError::NoAuthor.into());
        }
        let words = crate::patch::dep3::words_of(&file);
        let description = new.description.text.as_deref().filter(|text| !text.trim().is_empty());
        let text = header::New { description: description.unwrap_or(&words), author, date: &new.description.date };
        let bytes = [text.text().as_bytes(), &diff].concat();
        self.add(&file, &bytes, new.when)
    }

    /// Writes the patched tree of a lineup into a folder that does not exist.
    pub fn write_tree(&self, lineup: &Lineup, root: &Path) -> Result<(), Failure> {
        let target = self.target(lineup)?;
        for source in &target.sources {
            let into = match &source.component {
                None => root.to_path_buf(),
                Some(component) => root.join(component),
            };
            // a component takes the place of what the main tarball has there
            if source.component.is_some() && into.exists() {
                std::fs::remove_dir_all(&into).map_err(|e| Failure::io("remove", &into, &e))?;
            }
            self.prepared.fetcher.unpack(source, &self.prepared.upstream_of(source)?.fetched, &into)?;
        }
        let patches = self.read_patches()?;
        let contents = self.contents(&patches, &[])?;
        let base = contents.tree(&lineup.parts);
        let mut tree = Tree::new(&base);
        apply_all(lineup, &patches, &mut tree).map_err(|error| error.into_failure(&lineup.source))?;
        for (path, bytes) in tree.changes() {
            let Ok(name) = std::str::from_utf8(path) else { continue };
            write_change(&root.join(name), bytes)?;
        }
        Ok(())
    }
}

/// Puts a patched file, which keeps the mode that it has, or removes it.
fn write_change(path: &PathBuf, bytes: Option<&[u8]>) -> Result<(), Failure> {
    let written = match bytes {
        None => std::fs::remove_file(path),
        Some(bytes) => {
            let folder = crate::files::parent(path);
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, bytes))
        }
    };
    written.map_err(|e| Failure::io("write", path, &e))
}
