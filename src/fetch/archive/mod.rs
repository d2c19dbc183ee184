//! Looking into a tarball without unpacking it: one pass over the stream yields
//! the list of members and the content of the few that are wanted, and refuses
//! what would do harm or what programs read differently.
//!
//! The tree is the one that dpkg-source(1) makes (Dpkg::Source::Archive): a
//! single top folder is stripped, otherwise the tarball's root is the tree's;
//! `.pc` in either is left out. Stricter than dpkg-source: absolute names (GNU
//! tar strips the slash), links out of the tree, named pipes, devices, one name
//! with two types, and names below a symbolic link are errors here.
//!
//! Memory grows with the number of members and with what is wanted, never with
//! the size of the tarball.

mod error;
mod limits;
mod listing;
mod members;
mod tree;
mod unpack;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use error::ArchiveError;
pub use limits::Limits;
pub use listing::{Entry, EntryKind, Listing};
pub use members::checksum_holds;
pub use unpack::unpack;

use crate::fetch::compression::{self, Compression};
use limits::{Counted, Limited};
use members::{Member, MemberKind, Members};
use tree::Tree;

/// How strictly to look.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Where an attack begins.
    pub limits: Limits,
    /// Lets symbolic links lead out of the tree, as dpkg-source does. Some
    /// upstreams carry such links as test data.
    pub allow_outward_links: bool,
    /// Takes the tarball's root for the tree's, one top folder or not, as
    /// dpkg-source does with debian.tar.
    pub keep_root: bool,
}

/// What one pass found.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// All members.
    pub listing: Listing,
    /// The content of the wanted regular files, by path in the tree.
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Looks into a tarball; `wanted` is asked for every path, relative to the root
/// of the tree.
pub fn inspect(
    path: &Path,
    compression: Compression,
    wanted: &dyn Fn(&[u8]) -> bool,
) -> Result<Inspection, ArchiveError> {
    inspect_with(path, compression, wanted, &Rules::default())
}

/// Like [`inspect`], with other rules.
pub fn inspect_with(
    path: &Path,
    compression: Compression,
    wanted: &dyn Fn(&[u8]) -> bool,
    rules: &Rules,
) -> Result<Inspection, ArchiveError> {
    scan(path, compression, wanted, rules).map(|(_, inspection)| inspection)
}

/// The same, and whether one top folder was stripped.
fn scan(
    path: &Path,
    compression: Compression,
    wanted: &dyn Fn(&[u8]) -> bool,
    rules: &Rules,
) -> Result<(bool, Inspection), ArchiveError> {
    let size = std::fs::metadata(path).map_err(ArchiveError::Io)?.len();
    let mut rules = rules.clone();
    rules.limits.unpacked = rules.limits.unpacked.max(size.saturating_mul(16));
    let mut scan = Scan { strip: !rules.keep_root, ..Scan::default() };
    loop {
        let end = scan.run(path, compression, wanted, &rules)?;
        scan = match end {
            // Nearly every tarball has one top folder, so that is assumed and the
            // rare other one is read again.
            End::NotOneFolder => Scan::default(),
            // The content of a wanted hard link passed by under a name that
            // nobody wanted.
            End::Missed(names) => Scan { strip: scan.strip, extra: names, ..Scan::default() },
            End::Done(inspection) => return Ok((scan.strip, inspection)),
        };
    }
}

enum End {
    Done(Inspection),
    NotOneFolder,
    Missed(BTreeSet<Vec<u8>>),
}

/// One member kept for the listing; names lie in [`Scan::names`].
struct Kept {
    path: (usize, usize),
    link: (usize, usize),
    kind: MemberKind,
    executable: bool,
}

#[derive(Default)]
struct Scan {
    strip: bool,
    top: Option<Vec<u8>>,
    extra: BTreeSet<Vec<u8>>,
    names: Vec<u8>,
    kept: Vec<Kept>,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Wanted hard links and what they name.
    links: Vec<(Vec<u8>, Vec<u8>)>,
    any: bool,
    /// Bytes of all wanted files so far.
    content: u64,
}

impl Scan {
    fn run(
        &mut self,
        path: &Path,
        compression: Compression,
        wanted: &dyn Fn(&[u8]) -> bool,
        rules: &Rules,
    ) -> Result<End, ArchiveError> {
        let consumed = Cell::new(0);
        let file = Counted { inner: File::open(path).map_err(ArchiveError::Io)?, count: &consumed };
        let inner = compression::decoder(compression, file).map_err(ArchiveError::Io)?;
        let input = Limited { inner, consumed: &consumed, unpacked: 0, limits: &rules.limits };
        let mut members = Members::new(input, &rules.limits);
        let mut seen = 0;
        while let Some(member) = members.next()? {
            seen += 1;
            if seen > rules.limits.members {
                return Err(ArchiveError::TooMany { limit: rules.limits.members });
            }
            let name = member.path.clone();
            let Some(parts) = tree_path(&name)? else { continue };
            self.any = true;
            if !self.belongs_to_top(&parts, member.kind) {
                return Ok(End::NotOneFolder);
            }
            self.keep(member, parts, wanted, &mut members)?;
        }
        if !self.any {
            return Err(ArchiveError::Empty);
        }
        let listing = self.judge(rules)?;
        Ok(self.with_links(listing, wanted))
    }

    /// Whether the one top folder can still be the only thing in the root.
    fn belongs_to_top(&mut self, parts: &[&[u8]], kind: MemberKind) -> bool {
        let (true, Some(first)) = (self.strip, parts.first()) else { return true };
        let fits = self.top.get_or_insert_with(|| first.to_vec()) == first;
        fits && (parts.len() > 1 || kind == MemberKind::Directory)
    }

    /// The path in the tree, of the parts of a member's name.
    fn in_tree<'p, 'b>(&self, parts: &'p [&'b [u8]]) -> &'p [&'b [u8]] {
        parts.get(usize::from(self.strip)..).unwrap_or_default()
    }

    fn keep<R: Read>(
        &mut self,
        member: Member,
        parts: Vec<&[u8]>,
        wanted: &dyn Fn(&[u8]) -> bool,
        members: &mut Members<'_, R>,
    ) -> Result<(), ArchiveError> {
        let path = self.in_tree(&parts).join(&b'/');
        let link = match member.kind {
            MemberKind::HardLink => self.hard_link_target(&member)?,
            _ => member.link,
        };
        match member.kind {
            MemberKind::File if wanted(&path) || self.extra.contains(&path) => {
                if member.sparse {
                    return Err(ArchiveError::Sparse(path));
                }
                self.content += member.size;
                if self.content > members.limits().content {
                    return Err(ArchiveError::TooLarge { limit: members.limits().content });
                }
                let mut content = Vec::with_capacity(usize::try_from(member.size.min(1 << 24)).unwrap_or(0));
                members.read_content(&mut content)?;
                self.files.insert(path.clone(), content);
            }
            MemberKind::HardLink if wanted(&path) || self.extra.contains(&path) => {
                self.links.push((path.clone(), link.clone()))
            }
            _ => {}
        }
        if !path.is_empty() {
            let kept = Kept {
                path: self.name(&path),
                link: self.name(&link),
                kind: member.kind,
                executable: member.executable,
            };
            self.kept.push(kept);
        }
        Ok(())
    }

    fn name(&mut self, name: &[u8]) -> (usize, usize) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        (start, name.len())
    }

    fn hard_link_target(&self, member: &Member) -> Result<Vec<u8>, ArchiveError> {
        let outside = || ArchiveError::HardLinkOutside { path: member.path.clone(), target: member.link.clone() };
        let parts = match tree_path(&member.link) {
            Ok(Some(parts)) => parts,
            Ok(None) => {
                return Err(ArchiveError::HardLinkMissing { path: member.path.clone(), target: member.link.clone() });
            }
            Err(_) => return Err(outside()),
        };
        if self.strip && parts.first().copied() != self.top.as_deref() {
            return Err(ArchiveError::HardLinkMissing { path: member.path.clone(), target: member.link.clone() });
        }
        Ok(self.in_tree(&parts).join(&b'/'))
    }

    fn slice(&self, (start, length): (usize, usize)) -> &[u8] {
        self.names.get(start..start + length).unwrap_or_default()
    }

    /// Puts the members into one tree and judges how they fit together.
    fn judge(&mut self, rules: &Rules) -> Result<Listing, ArchiveError> {
        // stable: of two members with one name, the later one comes later
        let mut order: Vec<usize> = (0..self.kept.len()).collect();
        order.sort_by(|a, b| self.path(*a).cmp(self.path(*b)));
        let mut tree = Tree::default();
        for group in order.chunk_by(|a, b| self.path(*a) == self.path(*b)) {
            let mut kind: Option<EntryKind> = None;
            let mut target = &b""[..];
            for index in group {
                let (this, link) = self.entry(*index, &order)?;
                if let Some(first) = kind.filter(|first| first.name() != this.name()) {
                    let path = self.path(*index).to_vec();
                    return Err(ArchiveError::TwoTypes { path, first: first.name(), second: this.name() });
                }
                (kind, target) = (Some(this), link);
            }
            if let (Some(kind), Some(index)) = (kind, group.first()) {
                tree.entries.push((self.path(*index), kind, target));
            }
        }
        tree.finish(rules)
    }

    fn path(&self, index: usize) -> &[u8] {
        self.kept.get(index).map(|kept| self.slice(kept.path)).unwrap_or_default()
    }

    /// What a member is in the tree; a hard link is what it names.
    fn entry(&self, index: usize, order: &[usize]) -> Result<(EntryKind, &[u8]), ArchiveError> {
        let mut index = index;
        loop {
            let Some(kept) = self.kept.get(index) else { return Err(ArchiveError::Truncated) };
            match kept.kind {
                MemberKind::Directory => return Ok((EntryKind::Directory, b"")),
                MemberKind::File => return Ok((EntryKind::File { executable: kept.executable }, b"")),
                MemberKind::Symlink => return Ok((EntryKind::Symlink, self.slice(kept.link))),
                MemberKind::HardLink => {
                    // the last member of that name before the link; earlier each time, so this ends
                    let target = self.slice(kept.link);
                    let first = order.partition_point(|i| self.path(*i) < target);
                    let earlier = order.get(first..).unwrap_or_default().iter();
                    let found =
                        earlier.take_while(|i| self.path(**i) == target).filter(|i| **i < index).last().copied();
                    let is_folder = |i: &usize| self.kept.get(*i).is_some_and(|k| k.kind == MemberKind::Directory);
                    index = found.filter(|i| !is_folder(i)).ok_or_else(|| ArchiveError::HardLinkMissing {
                        path: self.slice(kept.path).to_vec(),
                        target: target.to_vec(),
                    })?;
                }
            }
        }
    }

    /// Gives wanted hard links the content of what they name.
    fn with_links(&mut self, listing: Listing, wanted: &dyn Fn(&[u8]) -> bool) -> End {
        let mut missed = BTreeSet::new();
        for (path, target) in std::mem::take(&mut self.links) {
            match self.files.get(&target).cloned() {
                Some(content) => {
                    self.files.insert(path, content);
                }
                None if matches!(listing.kind(&target), Some(EntryKind::File { .. }))
                    && !self.extra.contains(&target) =>
                {
                    missed.insert(target);
                }
                None => {}
            }
        }
        if !missed.is_empty() {
            missed.append(&mut self.extra);
            return End::Missed(missed);
        }
        let mut files = std::mem::take(&mut self.files);
        // what was read only because a link names it
        files.retain(|path, _| wanted(path));
        End::Done(Inspection { listing, files })
    }
}

/// The parts of a member's name. `None` for the root itself, and for quilt's
/// `.pc`, which dpkg-source leaves out of the tarball's root and of a top folder.
fn tree_path(path: &[u8]) -> Result<Option<Vec<&[u8]>>, ArchiveError> {
    if path.first() == Some(&b'/') {
        return Err(ArchiveError::Absolute(path.to_vec()));
    }
    let written: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    if written.contains(&&b".."[..]) {
        return Err(ArchiveError::DotDot(path.to_vec()));
    }
    if written.iter().take(2).any(|part| *part == b".pc") {
        return Ok(None);
    }
    let parts: Vec<&[u8]> = written.into_iter().filter(|part| !part.is_empty() && *part != b".").collect();
    Ok(if parts.is_empty() { None } else { Some(parts) })
}
