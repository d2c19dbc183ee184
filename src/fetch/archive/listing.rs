//! The members of a tarball in one buffer: small enough to keep beside the
//! cached file, quick enough to search without unpacking anything.
//!
//! Names are bytes: a tar promises no encoding, and patches may touch what is
//! not UTF-8. Paths are relative to the root of the unpacked tree, without a
//! slash at either end; every parent folder is listed, named by the tarball or
//! not.

use std::borrow::Cow;
use std::collections::VecDeque;

/// What a path is in the unpacked tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Directory,
    /// A regular file (or a hard link to one).
    File {
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link.
    Symlink,
}

impl EntryKind {
    const ALL: [EntryKind; 4] = [
        EntryKind::Directory,
        EntryKind::File { executable: false },
        EntryKind::File { executable: true },
        EntryKind::Symlink,
    ];

    fn to_byte(self) -> u8 {
        match self {
            EntryKind::Directory => 0,
            EntryKind::File { executable: false } => 1,
            EntryKind::File { executable: true } => 2,
            EntryKind::Symlink => 3,
        }
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Directory => "a folder",
            EntryKind::File { .. } => "a file",
            EntryKind::Symlink => "a symbolic link",
        }
    }
}

/// All members, in byte order of path. One record is: kind, length of path and
/// of target (two bytes each, little end first), path, target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    records: Vec<u8>,
    index: Vec<u32>,
}

const MAGIC: &[u8] = b"pkgr listing 1\n";
const RECORD_HEAD: usize = 5;

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Relative to the root of the tree.
    pub path: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// Where a symbolic link leads, as written; else empty.
    pub target: &'a [u8],
}

impl Listing {
    /// Adds an entry, which must come after all others in byte order. `None`
    /// where it does not, or where the listing would grow beyond 4 GiB.
    pub(crate) fn push(&mut self, path: &[u8], kind: EntryKind, target: &[u8]) -> Option<()> {
        if self.last().is_some_and(|last| last.path >= path) {
            return None;
        }
        let start = u32::try_from(self.records.len()).ok()?;
        let path_length = u16::try_from(path.len()).ok()?.to_le_bytes();
        let target_length = u16::try_from(target.len()).ok()?.to_le_bytes();
        self.index.push(start);
        self.records.push(kind.to_byte());
        for part in [&path_length[..], &target_length[..], path, target] {
            self.records.extend_from_slice(part);
        }
        Some(())
    }

    /// For keeping on disk.
    pub fn to_bytes(&self) -> Vec<u8> {
        [MAGIC, &self.records].concat()
    }

    /// What [`Listing::to_bytes`] made; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Listing> {
        let records = bytes.strip_prefix(MAGIC)?.to_vec();
        let mut index = Vec::new();
        let mut last: Option<&[u8]> = None;
        let mut start = 0;
        while start < records.len() {
            let (entry, end) = decode(&records, start)?;
            if last.is_some_and(|last| last >= entry.path) {
                return None;
            }
            last = Some(entry.path);
            index.push(u32::try_from(start).ok()?);
            start = end;
        }
        Some(Listing { records, index })
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// All entries in byte order of path.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.index.iter().filter_map(|start| self.at(*start))
    }

    fn at(&self, start: u32) -> Option<Entry<'_>> {
        decode(&self.records, start as usize).map(|(entry, _)| entry)
    }

    fn last(&self) -> Option<Entry<'_>> {
        self.at(*self.index.last()?)
    }

    /// The entry of a path.
    pub fn get(&self, path: impl AsRef<[u8]>) -> Option<Entry<'_>> {
        let path = path.as_ref();
        let place = self.index.partition_point(|start| self.at(*start).is_some_and(|entry| entry.path < path));
        self.at(*self.index.get(place)?).filter(|entry| entry.path == path)
    }

    /// Whether the tree has this path.
    pub fn contains(&self, path: impl AsRef<[u8]>) -> bool {
        self.get(path).is_some()
    }

    /// What this path is.
    pub fn kind(&self, path: impl AsRef<[u8]>) -> Option<EntryKind> {
        self.get(path).map(|entry| entry.kind)
    }

    /// The paths that a shell pattern matches, in byte order: `*` and `?` stop at
    /// slashes and at a leading dot, `**/` crosses folders. Names that are not
    /// UTF-8 match with U+FFFD in place of what is not.
    pub fn glob(&self, pattern: &str) -> Result<Vec<&[u8]>, glob::PatternError> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let compiled = glob::Pattern::new(pattern)?;
        let literal = pattern.split(['*', '?', '[']).next().unwrap_or_default().as_bytes();
        let first = self.index.partition_point(|start| self.at(*start).is_some_and(|entry| entry.path < literal));
        Ok(self
            .index
            .get(first..)
            .unwrap_or_default()
            .iter()
            .filter_map(|start| self.at(*start))
            .map(|entry| entry.path)
            .take_while(|path| path.starts_with(literal))
            .filter(|path| compiled.matches_with(&String::from_utf8_lossy(path), options))
            .collect())
    }

    /// Whether a symbolic link at `path` to `target` leads out of the tree, other
    /// links on the way followed. /dev/null is nobody's tree and harmless:
    /// upstreams mask units with it, and dpkg-source lets it pass in debian/.
    pub fn leads_outside(&self, path: &[u8], target: &[u8]) -> bool {
        if target == b"/dev/null" {
            return false;
        }
        if target.first() == Some(&b'/') {
            return true;
        }
        let mut place: Vec<Cow<'_, [u8]>> = path.split(|b| *b == b'/').map(Cow::Borrowed).collect();
        place.pop();
        let mut todo: VecDeque<&[u8]> = target.split(|b| *b == b'/').collect();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            match part {
                b"" | b"." => continue,
                b".." if place.pop().is_none() => return true,
                b".." => continue,
                _ => place.push(Cow::Borrowed(part)),
            }
            let Some(entry) = self.get(place.join(&b'/')).filter(|entry| entry.kind == EntryKind::Symlink) else {
                continue;
            };
            links += 1;
            if links > 40 || entry.target == b"/dev/null" {
                return false; // a loop: the kernel gives up as well
            }
            if entry.target.first() == Some(&b'/') {
                return true;
            }
            place.pop();
            for part in entry.target.split(|b| *b == b'/').rev() {
                todo.push_front(part);
            }
        }
        false
    }
}

fn decode(records: &[u8], start: usize) -> Option<(Entry<'_>, usize)> {
    let head = records.get(start..start + RECORD_HEAD)?;
    let &[kind, p0, p1, t0, t1] = head else { return None };
    let path_start = start + RECORD_HEAD;
    let path_end = path_start + usize::from(u16::from_le_bytes([p0, p1]));
    let end = path_end + usize::from(u16::from_le_bytes([t0, t1]));
    let entry = Entry {
        path: records.get(path_start..path_end)?,
        kind: *EntryKind::ALL.get(usize::from(kind))?,
        target: records.get(path_end..end)?,
    };
    Some((entry, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let mut listing = Listing::default();
        let file = EntryKind::File { executable: false };
        for (path, kind, target) in [
            (&b"a"[..], EntryKind::Directory, &b""[..]),
            (b"a/.hidden.c", file, b""),
            (b"a/one.c", file, b""),
            (b"a/up", EntryKind::Symlink, b".."),
            (b"a/x\xff.c", file, b""),
            (b"b", EntryKind::Directory, b""),
            (b"b/two.c", EntryKind::File { executable: true }, b""),
        ] {
            listing.push(path, kind, target).unwrap();
        }
        listing
    }

    #[test]
    fn lookups() {
        let listing = listing();
        assert!(listing.contains("a/one.c") && !listing.contains("a/one") && !listing.contains(""));
        assert_eq!(listing.kind("b/two.c"), Some(EntryKind::File { executable: true }));
        assert_eq!(listing.get("a/up").unwrap().target, b"..");
        assert!(listing.contains(b"a/x\xff.c"));
    }

    #[test]
    fn globs_stop_at_slashes_and_dots() {
        let listing = listing();
        assert_eq!(listing.glob("a/*.c").unwrap(), [&b"a/one.c"[..], b"a/x\xff.c"]);
        assert_eq!(listing.glob("*.c").unwrap(), Vec::<&[u8]>::new());
        assert_eq!(listing.glob("**/two.c").unwrap(), [b"b/two.c"]);
        assert_eq!(listing.glob("?").unwrap(), [b"a", b"b"]);
        assert!(listing.glob("a/***").is_err());
    }

    #[test]
    fn bytes_and_back() {
        let bytes = listing().to_bytes();
        assert_eq!(Listing::from_bytes(&bytes).unwrap(), listing());
        assert_eq!(Listing::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Listing::from_bytes(b"pkgr listing 1\n"), Some(Listing::default()));
        assert_eq!(Listing::from_bytes(b""), None);
        let mut unsorted = listing();
        assert_eq!(unsorted.push(b"a", EntryKind::Directory, b""), None);
    }

    #[test]
    fn links_out_of_the_tree_are_seen_through_other_links() {
        let listing = listing();
        assert!(!listing.leads_outside(b"a/l", b"../b/two.c"));
        assert!(listing.leads_outside(b"a/l", b"../../etc"));
        assert!(!listing.leads_outside(b"a/l", b"up/a"));
        // a/up is the root, so one more step leaves it, though the words say a/
        assert!(listing.leads_outside(b"l", b"a/up/.."));
        assert!(listing.leads_outside(b"l", b"/etc"));
        assert!(!listing.leads_outside(b"l", b"/dev/null"));
    }
}
