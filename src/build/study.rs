//! What the targets need to know of their orig files, learnt by reading each of
//! them at most once per run, as a stream: that it is harmless, which files it
//! has, and whether the patches of each target apply to it.
//!
//! What was learnt is remembered in the cache by digest: a later run with the
//! same bytes reads nothing at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::patched::{Patched, PatchedTree};
use crate::build::prepare::{Prepared, Upstream};
use crate::build::upstream::Tarballs;
use crate::diagnostic::Failure;
use crate::fetch::Fetcher;
use crate::fetch::archive::{EntryKind, Inspection, Listing, Rules};
use crate::listener::Listener;
use crate::patch::{self, PatchFile};
use crate::plan::Target;
use crate::{files, parallel, render};

/// Changed whenever patches are judged differently, so that old verdicts are forgotten.
const VERDICT: &str = "patches apply, 2";

/// A component's name (none for the main tarball) and the sha256 of its bytes.
type Part = (Option<String>, String);

/// Everything learnt about the origs of a recipe.
pub struct Studied {
    /// By sha256 of the tarball.
    listings: BTreeMap<String, Listing>,
    /// [`PatchQueue::key`] by series, for targets with patches.
    keys: BTreeMap<String, String>,
    /// By key; what the patches that apply make of the tree.
    patched: BTreeMap<String, Patched>,
    /// By key; a queue that is not there applies.
    refused: BTreeMap<String, Failure>,
}

impl Studied {
    /// Reads what has not been read before.
    pub fn of(prepared: &Prepared, jobs: usize, listener: &dyn Listener) -> Result<Studied, Failure> {
        let Questions { queues, keys, mut patched, mut refused } = Questions::of(prepared)?;
        let distinct = distinct_files(prepared);
        let looks = parallel::map(&distinct, jobs, |upstream| {
            look(&prepared.fetcher, upstream, &wanted(&queues, &upstream.fetched.checksums.sha256), listener)
        });
        let mut listings = BTreeMap::new();
        let mut contents = BTreeMap::new();
        for (upstream, inspection) in distinct.iter().zip(crate::diagnostic::all(looks)?) {
            listings.insert(upstream.fetched.checksums.sha256.clone(), inspection.listing);
            contents.insert(upstream.fetched.checksums.sha256.clone(), inspection.files);
        }
        let verdicts = parallel::map(&queues, jobs, |queue| queue.judge(&listings, &contents, listener));
        for (queue, verdict) in queues.iter().zip(verdicts) {
            match verdict {
                Ok(changes) => {
                    prepared.fetcher.memo_put(&queue.key, &changes.to_bytes());
                    patched.insert(queue.key.clone(), changes);
                }
                Err(failure) => drop(refused.insert(queue.key.clone(), failure)),
            }
        }
        Ok(Studied { listings, keys, patched, refused })
    }

    /// Whether the target's patches apply.
    pub fn verdict(&self, target: &Target) -> Result<(), Failure> {
        let refusal = self.keys.get(&target.series.name).and_then(|key| self.refused.get(key));
        refusal.cloned().map_or(Ok(()), Err)
    }

    /// The unpacked tree that the target's origs make, by name only.
    pub fn upstream_of<'a>(&'a self, prepared: &Prepared, target: &'a Target) -> Result<TargetUpstream<'a>, Failure> {
        let mut parts = Vec::new();
        let mut signing_key = None;
        for source in &target.sources {
            let fetched = &prepared.upstream_of(source)?.fetched;
            if let Some(listing) = self.listings.get(&fetched.checksums.sha256) {
                parts.push((source.component.as_deref(), listing));
            }
            signing_key = signing_key.or_else(|| fetched.signing_key.clone());
        }
        let patched = self.keys.get(&target.series.name).and_then(|key| self.patched.get(key));
        let tree = (!parts.is_empty()).then(|| PatchedTree { tarballs: Tarballs::new(parts), patched });
        Ok(TargetUpstream { tree, signing_key })
    }
}

/// The patches of one or more targets over the same origs, not yet judged.
struct PatchQueue {
    key: String,
    /// The source that messages speak of, `hello 2.12`.
    source: String,
    parts: Vec<Part>,
    patches: Vec<PatchFile>,
}

impl PatchQueue {
    /// What the verdict depends on: the tarballs and the patches, in order.
    fn key(parts: &[Part], patches: &[(String, Vec<u8>)]) -> String {
        let mut text = format!("{VERDICT}\n");
        for (component, sha256) in parts {
            text.push_str(&format!("{} {sha256}\n", component.as_deref().unwrap_or("-")));
        }
        for (_, bytes) in patches {
            text.push_str(&format!("{}\n", crate::fetch::digest::sha256(bytes)));
        }
        crate::fetch::digest::sha256(text.as_bytes())
    }

    /// Which part of the tree a path belongs to, and its name there. A component
    /// replaces what the main tarball has under its name.
    fn split<'p>(&self, path: &'p [u8]) -> Option<(&str, &'p [u8])> {
        let in_component = self.parts.iter().find_map(|(component, sha256)| {
            let rest = path.strip_prefix(component.as_deref()?.as_bytes())?.strip_prefix(b"/")?;
            Some((sha256.as_str(), rest))
        });
        in_component.or_else(|| {
            let (_, sha256) = self.parts.iter().find(|(component, _)| component.is_none())?;
            Some((sha256.as_str(), path))
        })
    }

    fn judge(
        &self,
        listings: &BTreeMap<String, Listing>,
        contents: &BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
        listener: &dyn Listener,
    ) -> Result<Patched, Failure> {
        let base = Base { queue: self, listings, contents };
        self.patches.iter().flat_map(PatchFile::warnings).for_each(|warning| listener.tell(warning.clone()));
        let mut tree = patch::Tree::new(&base);
        let warnings =
            patch::apply_series(&self.patches, &mut tree).map_err(|error| error.into_failure(&self.source))?;
        for warning in warnings {
            listener.tell(warning);
        }
        Ok(Patched::of(&base, &tree))
    }
}

/// The origs as `patch` sees them.
struct Base<'a> {
    queue: &'a PatchQueue,
    listings: &'a BTreeMap<String, Listing>,
    contents: &'a BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl patch::Base for Base<'_> {
    fn kind(&self, path: &[u8]) -> Option<patch::EntryKind> {
        let is_component = |(component, _): &Part| component.as_ref().is_some_and(|name| name.as_bytes() == path);
        if self.queue.parts.iter().any(is_component) {
            return Some(patch::EntryKind::Folder);
        }
        let (sha256, path) = self.queue.split(path)?;
        match self.listings.get(sha256)?.kind(path)? {
            EntryKind::Directory => Some(patch::EntryKind::Folder),
            EntryKind::File { .. } => Some(patch::EntryKind::File),
            EntryKind::Symlink => Some(patch::EntryKind::Symlink),
        }
    }

    fn content(&self, path: &[u8]) -> Option<&[u8]> {
        let (sha256, path) = self.queue.split(path)?;
        let listing = self.listings.get(sha256)?;
        match listing.get(path)?.kind {
            EntryKind::Symlink => listing.get(path).map(|entry| entry.target),
            _ => self.contents.get(sha256)?.get(path).map(Vec::as_slice),
        }
    }
}

/// What rendering one target needs to know of its upstream.
pub struct TargetUpstream<'a> {
    /// `None` in a native package.
    tree: Option<PatchedTree<'a>>,
    signing_key: Option<Vec<u8>>,
}

impl TargetUpstream<'_> {
    /// What `render` needs beside the target.
    pub fn inputs(&self) -> render::Inputs<'_> {
        let listing = self.tree.as_ref().map(|tree| tree as &dyn render::Upstream);
        render::Inputs { listing, signing_key: self.signing_key.clone() }
    }
}

fn parts_of(prepared: &Prepared, target: &Target) -> Result<Vec<Part>, Failure> {
    let part = |source: &crate::plan::Source| {
        let upstream = prepared.upstream_of(source)?;
        Ok((source.component.clone(), upstream.fetched.checksums.sha256.clone()))
    };
    crate::diagnostic::all(target.sources.iter().map(part))
}

/// What has to be found out about patches.
#[derive(Default)]
struct Questions {
    /// The distinct queues without a remembered verdict.
    queues: Vec<PatchQueue>,
    /// The key of every target with patches, by series.
    keys: BTreeMap<String, String>,
    /// What is remembered of queues that apply.
    patched: BTreeMap<String, Patched>,
    /// Queues with a patch that cannot even be read.
    refused: BTreeMap<String, Failure>,
}

impl Questions {
    fn of(prepared: &Prepared) -> Result<Questions, Failure> {
        let mut questions = Questions::default();
        let mut read: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for target in prepared.targets.iter().filter(|target| !target.patches.is_empty()) {
            for patch in &target.patches {
                if !read.contains_key(patch.file.as_str()) {
                    read.insert(&patch.file, files::read(&prepared.folder.join(&patch.file))?);
                }
            }
            let named = |patch: &crate::plan::Patch| {
                let bytes = read.get(patch.file.as_str()).cloned().unwrap_or_default();
                (prepared.folder.join(&patch.file).display().to_string(), bytes)
            };
            questions.add(prepared, target, target.patches.iter().map(named).collect())?;
        }
        Ok(questions)
    }

    fn add(&mut self, prepared: &Prepared, target: &Target, patches: Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
        let parts = parts_of(prepared, target)?;
        let key = PatchQueue::key(&parts, &patches);
        self.keys.insert(target.series.name.clone(), key.clone());
        let known = |key| self.refused.contains_key(key) || self.patched.contains_key(key);
        if known(&key) || self.queues.iter().any(|queue| queue.key == key) {
            return Ok(());
        }
        if let Some(patched) = prepared.fetcher.memo_get(&key).and_then(|kept| Patched::from_bytes(&kept)) {
            self.patched.insert(key, patched);
            return Ok(());
        }
        let source = format!("{} {}", target.name, target.recipe_version);
        let parsed = patches.iter().map(|(name, bytes)| patch::parse(name, bytes).map_err(Failure::from));
        match crate::diagnostic::all(parsed) {
            Ok(patches) => self.queues.push(PatchQueue { key, source, parts, patches }),
            Err(failure) => drop(self.refused.insert(key, failure)),
        }
        Ok(())
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

/// What the queues want to see of one tarball, by path in it.
fn wanted(queues: &[PatchQueue], sha256: &str) -> BTreeSet<Vec<u8>> {
    let mut paths = BTreeSet::new();
    for queue in queues {
        for path in patch::touched(&queue.patches) {
            match queue.split(&path) {
                Some((part, inner)) if part == sha256 => drop(paths.insert(inner.to_vec())),
                _ => {}
            }
        }
    }
    paths
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
