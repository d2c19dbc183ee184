//! How the members of a tarball fit into one tree, once all are known.

use std::collections::BTreeSet;

use crate::fetch::archive::{ArchiveError, EntryKind, Listing, Rules};

/// Entries in byte order of path, before parent folders are added.
#[derive(Default)]
pub struct Tree<'a> {
    /// Path, kind, and where a symbolic link leads.
    pub entries: Vec<(&'a [u8], EntryKind, &'a [u8])>,
}

impl<'a> Tree<'a> {
    fn find(&self, path: &[u8]) -> Option<EntryKind> {
        let place = self.entries.partition_point(|(p, _, _)| *p < path);
        self.entries.get(place).filter(|(p, _, _)| *p == path).map(|(_, kind, _)| *kind)
    }

    /// Adds parent folders, and refuses what lies below a file or a link, and
    /// links that lead out.
    pub fn finish(mut self, rules: &Rules) -> Result<Listing, ArchiveError> {
        let mut implied: BTreeSet<&'a [u8]> = BTreeSet::new();
        let mut last_parent: &[u8] = b"";
        for (path, _, _) in &self.entries {
            let mut below = *path;
            while let Some(slash) = memchr::memrchr(b'/', below) {
                let parent = below.get(..slash).unwrap_or_default();
                if parent == last_parent || implied.contains(parent) {
                    break;
                }
                match self.find(parent) {
                    Some(EntryKind::Directory) => {}
                    Some(EntryKind::Symlink) => {
                        return Err(ArchiveError::ThroughLink { path: path.to_vec(), link: parent.to_vec() });
                    }
                    Some(EntryKind::File { .. }) => {
                        return Err(ArchiveError::BelowAFile { path: path.to_vec(), parent: parent.to_vec() });
                    }
                    None => {
                        implied.insert(parent);
                    }
                }
                below = parent;
            }
            if let Some(slash) = memchr::memrchr(b'/', path) {
                last_parent = path.get(..slash).unwrap_or_default();
            }
        }
        if !implied.is_empty() {
            self.entries.extend(implied.into_iter().map(|path| (path, EntryKind::Directory, &b""[..])));
            self.entries.sort_by(|a, b| a.0.cmp(b.0));
        }
        let mut listing = Listing::default();
        for (path, kind, target) in self.entries {
            listing.push(path, kind, target).ok_or(ArchiveError::TooMany { limit: rules.limits.members })?;
        }
        if !rules.allow_outward_links {
            let mut links = listing.iter().filter(|entry| entry.kind == EntryKind::Symlink);
            if let Some(link) = links.find(|entry| listing.leads_outside(entry.path, entry.target)) {
                return Err(ArchiveError::LinkOutside { path: link.path.to_vec(), target: link.target.to_vec() });
            }
        }
        Ok(listing)
    }
}
