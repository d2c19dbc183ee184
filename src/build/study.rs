//! What the targets need to know of their orig files, learnt by reading each of
//! them at most once per run, as a stream: that it is harmless, which files it
//! has, and whether the patches of each target apply to it.
//!
//! What was learnt is remembered in the cache by digest: a later run with the
//! same bytes reads nothing at all.

use std::collections::BTreeMap;

use crate::build::contents::{Contents, Part, Wanted, parts_of};
use crate::build::patched::{Patched, PatchedTree};
use crate::build::prepare::Prepared;
use crate::build::upstream::Tarballs;
use crate::diagnostic::Failure;
use crate::fetch::archive::Listing;
use crate::listener::Listener;
use crate::patch::{self, PatchFile};
use crate::plan::Target;
use crate::{files, parallel, render};

/// Changed whenever patches are judged differently, so that old verdicts are forgotten.
const VERDICT: &str = "patches apply, 2";

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
        let wanted: Vec<Wanted> =
            queues.iter().map(|queue| (queue.parts.clone(), patch::touched(&queue.patches))).collect();
        let contents = Contents::read(prepared, &wanted, jobs, listener)?;
        let verdicts = parallel::map(&queues, jobs, |queue| queue.judge(&contents, listener));
        for (queue, verdict) in queues.iter().zip(verdicts) {
            match verdict {
                Ok(changes) => {
                    prepared.fetcher.memo_put(&queue.key, &changes.to_bytes());
                    patched.insert(queue.key.clone(), changes);
                }
                Err(failure) => drop(refused.insert(queue.key.clone(), failure)),
            }
        }
        Ok(Studied { listings: contents.listings, keys, patched, refused })
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

    fn judge(&self, contents: &Contents, listener: &dyn Listener) -> Result<Patched, Failure> {
        let base = contents.tree(&self.parts);
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
