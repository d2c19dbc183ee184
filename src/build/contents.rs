//! The origs of targets as `patch` sees them: one tree out of the main tarball and
//! its components, of which only the asked-for files are in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::prepare::{Prepared, Upstream};
use crate::diagnostic::Failure;
use crate::fetch::Fetcher;
use crate::fetch::archive::{EntryKind, Inspection, Listing, Rules};
use crate::listener::Listener;
use crate::plan::{Source, Target};
use crate::{parallel, patch};

/// A component's name (none for the main tarball) and the sha256 of its bytes.
pub type Part = (Option<String>, String);

/// A tree, and the paths in it whose content is asked for.
pub type Wanted = (Vec<Part>, BTreeSet<Vec<u8>>);

/// What was read of the tarballs, by their sha256.
#[derive(Debug, Default)]
pub struct Contents {
    /// All members of each.
    pub listings: BTreeMap<String, Listing>,
    files: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Contents {
    /// Reads each tarball of a recipe at most once.
    pub fn read(
        prepared: &Prepared,
        wanted: &[Wanted],
        jobs: usize,
        listener: &dyn Listener,
    ) -> Result<Contents, Failure> {
        let distinct = distinct_files(prepared);
        let looks = parallel::map(&distinct, jobs, |upstream| {
            look(&prepared.fetcher, upstream, &wanted_of(wanted, &upstream.fetched.checksums.sha256), listener)
        });
        let mut contents = Contents::default();
        for (upstream, inspection) in distinct.iter().zip(crate::diagnostic::all(looks)?) {
            let sha256 = &upstream.fetched.checksums.sha256;
            contents.listings.insert(sha256.clone(), inspection.listing);
            contents.files.insert(sha256.clone(), inspection.files);
        }
        Ok(contents)
    }

    /// The tree that some of the tarballs make.
    pub fn tree<'a>(&'a self, parts: &'a [Part]) -> OrigTree<'a> {
        OrigTree { parts, contents: self }
    }
}

/// The tarballs of a target, with the components' names.
pub fn parts_of(prepared: &Prepared, target: &Target) -> Result<Vec<Part>, Failure> {
    let part = |source: &Source| {
        let upstream = prepared.upstream_of(source)?;
        Ok((source.component.clone(), upstream.fetched.checksums.sha256.clone()))
    };
    crate::diagnostic::all(target.sources.iter().map(part))
}

/// Which part of a tree a path belongs to, and its name there. A component
/// replaces what the main tarball has under its name.
fn split<'p>(parts: &'p [Part], path: &'p [u8]) -> Option<(&'p str, &'p [u8])> {
    let in_component = parts.iter().find_map(|(component, sha256)| {
        let rest = path.strip_prefix(component.as_deref()?.as_bytes())?.strip_prefix(b"/")?;
        Some((sha256.as_str(), rest))
    });
    in_component.or_else(|| {
        let (_, sha256) = parts.iter().find(|(component, _)| component.is_none())?;
        Some((sha256.as_str(), path))
    })
}

/// A tree of tarballs that nobody unpacked.
#[derive(Debug, Clone, Copy)]
pub struct OrigTree<'a> {
    parts: &'a [Part],
    contents: &'a Contents,
}

impl patch::Base for OrigTree<'_> {
    fn kind(&self, path: &[u8]) -> Option<patch::EntryKind> {
        let is_component = |(component, _): &Part| component.as_ref().is_some_and(|name| name.as_bytes() == path);
        if self.parts.iter().any(is_component) {
            return Some(patch::EntryKind::Folder);
        }
        let (sha256, path) = split(self.parts, path)?;
        match self.contents.listings.get(sha256)?.kind(path)? {
            EntryKind::Directory => Some(patch::EntryKind::Folder),
            EntryKind::File { .. } => Some(patch::EntryKind::File),
            EntryKind::Symlink => Some(patch::EntryKind::Symlink),
        }
    }

    fn content(&self, path: &[u8]) -> Option<&[u8]> {
        let (sha256, path) = split(self.parts, path)?;
        let listing = self.contents.listings.get(sha256)?;
        match listing.get(path)?.kind {
            EntryKind::Symlink => listing.get(path).map(|entry| entry.target),
            _ => self.contents.files.get(sha256)?.get(path).map(Vec::as_slice),
        }
    }
}

/// Each tarball of the recipe once, by its bytes.
fn distinct_files<'a>(prepared: &'a Prepared) -> Vec<&'a Upstream> {
    let mut distinct: Vec<&Upstream> = Vec::new();
    for upstream in &prepared.upstreams {
        if !distinct.iter().any(|other| other.fetched.checksums.sha256 == upstream.fetched.checksums.sha256) {
            distinct.push(upstream);
        }
    }
    distinct
}

/// What is asked for of one tarball, by path in it.
fn wanted_of(wanted: &[Wanted], sha256: &str) -> BTreeSet<Vec<u8>> {
    let of_tree = |(parts, paths): &Wanted| -> Vec<Vec<u8>> {
        let inner = |path: &Vec<u8>| match split(parts, path) {
            Some((part, inner)) if part == sha256 => Some(inner.to_vec()),
            _ => None,
        };
        paths.iter().filter_map(inner).collect()
    };
    wanted.iter().flat_map(of_tree).collect()
}

/// Reads a tarball as far as nothing is remembered of it.
fn look(
    fetcher: &Fetcher,
    upstream: &Upstream,
    wanted: &BTreeSet<Vec<u8>>,
    listener: &dyn Listener,
) -> Result<Inspection, Failure> {
    let fetched = &upstream.fetched;
    if wanted.is_empty() {
        if let Some(listing) = fetcher.remembered_listing(fetched) {
            return Ok(Inspection { listing, ..Inspection::default() });
        }
    }
    listener.detail(&format!("reading {}", fetched.path.display()));
    fetcher.inspect(&upstream.source, fetched, &|path| wanted.contains(path), &Rules::default())
}
