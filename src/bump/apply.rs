//! The recipe with its new version, what it is evaluated to, and whether that
//! still fits: sources fetched and verified, patches applied, files found.

use std::collections::{BTreeMap, BTreeSet};

use super::error::BumpError;
use super::wanted::{Wanted, without_epoch};
use super::{Bump, Request};
use crate::build::prepare::{self, Prepared};
use crate::build::study::Studied;
use crate::diagnostic::{self, Failure};
use crate::fetch::Fetcher;
use crate::listener::Listener;
use crate::lock::Lock;
use crate::parallel;
use crate::plan::{self, EvaluateOptions, Location, Plan, Source, Target};
use crate::recipe::edit::Edit;
use crate::recipe::template::{self, Variables};
use crate::recipe::{self, Recipe};
use crate::render;

/// The reason for a rebuild, where nobody gives one.
const REBUILD: &str = "Rebuild";

/// One bump under way.
pub struct Applying<'a> {
    pub recipe: &'a Recipe,
    pub request: &'a Request,
    pub wanted: &'a Wanted,
    pub options: &'a prepare::Options<'a>,
    pub listener: &'a dyn Listener,
}

impl Applying<'_> {
    /// Edits, evaluates, fetches, proves.
    pub fn bump(&self, loaded: Lock) -> Result<Bump, Failure> {
        let before = self.evaluate(self.recipe, &loaded)?;
        let mut edit = Edit::parse(self.recipe.path(), self.recipe.document().text().to_string())?;
        let old = identity(&edit);
        match self.wanted {
            Wanted::Version { version, upstream } => self.set_version(&mut edit, version, upstream.as_deref()),
            Wanted::Revision(revision) => edit.set_text("revision", "version", revision),
            Wanted::Rebuild => {}
        }
        if matches!(self.wanted, Wanted::Version { .. }) {
            self.pin_in_recipe(&mut edit, &before, &loaded)?;
        }
        let edited = recipe::parse(self.recipe.path(), edit.text())?;
        let mut prepared = Prepared::of(&edited, self.with_entry(&loaded, &before), self.options, self.listener)?;
        let failures = self.prove(&prepared)?;
        self.say_why(&mut prepared.lock, &loaded);
        let used = keys(&prepared.targets);
        let gone: BTreeSet<String> = keys(&before.targets).difference(&used).cloned().collect();
        prepared.lock.sources.retain(|pin| !gone.contains(&pin.from));
        let pins = prepared.lock.sources.iter().filter(|pin| loaded.pin(&pin.from) != Some(pin));
        let versions = prepared.targets.iter().map(|target| (target.series.name.clone(), target.version.to_string()));
        Ok(Bump {
            recipe: self.recipe.path().to_path_buf(),
            name: edit.text_of("name").unwrap_or_default(),
            old,
            new: identity(&edit),
            changes: new_entries(&prepared.lock, &loaded).flat_map(|entry| entry.changes.clone()).collect(),
            versions: versions.collect(),
            sources: pins.map(|pin| (pin.from.clone(), pin.sha256.clone())).collect(),
            failures,
            edit,
            lock: prepared.lock,
            loaded,
        })
    }

    fn evaluate(&self, recipe: &Recipe, lock: &Lock) -> Result<Plan, Failure> {
        let options =
            EvaluateOptions { only: None, author: self.options.author.clone(), now: self.options.now.clone() };
        plan::evaluate(recipe, lock, &options)
    }

    /// `version`, `upstream-version` as far as it differs, `revision` from 1.
    fn set_version(&self, edit: &mut Edit, version: &str, upstream: Option<&str>) {
        edit.set_text("version", "name", version);
        if let Some(revision) = edit.text_of("revision") {
            let stem = revision.trim_end_matches(|c: char| c.is_ascii_digit());
            edit.set_text("revision", "version", &format!("{stem}1"));
        }
        let plain = without_epoch(version);
        let upstream = upstream.unwrap_or(plain);
        match edit.text_of("upstream-version") {
            None if upstream == plain => {}
            Some(text) if template::is_template(&text) && self.expands_to(&text, plain, upstream) => {}
            Some(_) if upstream == plain && edit.remove_text("upstream-version") => {}
            _ => edit.set_text("upstream-version", "version", upstream),
        }
    }

    fn expands_to(&self, text: &str, version: &str, upstream: &str) -> bool {
        let name = self.recipe.root().text("name").map(|name| name.value.clone()).unwrap_or_default();
        self.recipe.series().iter().all(|series| {
            let variables = Variables {
                name: name.clone(),
                version: version.to_string(),
                series_name: series.name.clone(),
                series_number: series.number.clone(),
                series_distro: series.distro.name().to_string(),
                ..Variables::default()
            };
            template::expand(text, &variables).is_ok_and(|expanded| expanded == upstream)
        })
    }

    /// Where the recipe itself gives a digest of a file that is now another one,
    /// the file is fetched and its digest written. Refuses where no file changed.
    fn pin_in_recipe(&self, edit: &mut Edit, before: &Plan, lock: &Lock) -> Result<(), Failure> {
        let edited = recipe::parse(self.recipe.path(), edit.text())?;
        let after = self.evaluate(&edited, lock)?;
        check_sources(before, &after)?;
        let fetcher = Fetcher::new(self.options.fetch.clone(), self.listener)?;
        let old = keys(&before.targets);
        for (index, section) in edited.root().tables("source").iter().enumerate() {
            let line = |span: &recipe::document::Span| edited.document().line(span.start);
            let Some(kind) = ["url", "git"].iter().find_map(|kind| section.field(kind)) else { continue };
            let here = |source: &&Source| source.place.line == line(&kind.span) && source.sha256.is_some();
            let source = after.targets.iter().flat_map(|target| &target.sources).find(here);
            let Some(source) = source.filter(|source| !old.contains(&source.location.key())) else { continue };
            let unpinned = Source { sha256: None, ..source.clone() };
            let fetched = fetcher.fetch(&unpinned, self.recipe.folder(), lock)?;
            if let Some(pin) = fetched.pins.first() {
                edit.set_source_digest(index, &pin.sha256);
            }
        }
        Ok(())
    }

    /// The lock with the entry of a rebuild, which no evaluation would make.
    fn with_entry(&self, loaded: &Lock, before: &Plan) -> Lock {
        let mut lock = loaded.clone();
        if *self.wanted == Wanted::Rebuild {
            // the entry that evaluation made is first: what is rebuilt is there then
            lock = before.lock.clone();
            if lock.entries == loaded.entries {
                let versions = before.targets.iter().map(|t| (t.series.name.clone(), t.version.to_string())).collect();
                let author = before.targets.first().map_or("", |target| target.maintainer.as_str());
                plan::record_again(&mut lock, &versions, &[REBUILD.to_string()], author, &self.options.now);
            }
        }
        lock
    }

    /// Adds the words to the new entries; in the place of what says nothing more
    /// than the version itself.
    fn say_why(&self, lock: &mut Lock, loaded: &Lock) {
        let words: Vec<String> = self.request.words.iter().flat_map(|text| text.lines()).map(str::to_string).collect();
        if words.is_empty() {
            return;
        }
        let empty = match self.wanted {
            Wanted::Revision(revision) => format!("Packaging revision {revision}"),
            _ => REBUILD.to_string(),
        };
        for entry in lock.entries.iter_mut().skip(loaded.entries.len()) {
            entry.changes.retain(|change| *change != empty);
            entry.changes.extend(words.iter().filter(|line| !line.trim().is_empty()).cloned());
        }
    }

    /// Whether patches apply and files are found, for every target; what does not
    /// fit is an error, or with `keep_going` the result.
    fn prove(&self, prepared: &Prepared) -> Result<Vec<Failure>, Failure> {
        let studied = Studied::of(prepared, self.options.jobs, self.listener)?;
        let results = parallel::map(&prepared.targets, self.options.jobs, |target| {
            studied.verdict(target)?;
            render::render(target, &studied.upstream_of(prepared, target)?.inputs()).map(drop)
        });
        match diagnostic::all(results) {
            Ok(_) => Ok(Vec::new()),
            Err(failure) if self.request.keep_going => Ok(vec![failure]),
            Err(failure) => {
                Err(failure.hint("nothing was written; `--keep-going` bumps all the same, to be cured afterwards"))
            }
        }
    }
}

/// `1.0`, or `1.0-2` with a revision.
fn identity(edit: &Edit) -> String {
    let version = edit.text_of("version").unwrap_or_default();
    match edit.text_of("revision") {
        Some(revision) => format!("{version}-{revision}"),
        None => version,
    }
}

/// Everything that the targets fetch and the lock pins.
fn keys(targets: &[Target]) -> BTreeSet<String> {
    let sources = targets.iter().flat_map(|target| &target.sources);
    sources
        .flat_map(|source| [Some(&source.location), source.signature.as_ref()])
        .flatten()
        .map(Location::key)
        .collect()
}

/// A new version with the old files would be a lie.
fn check_sources(before: &Plan, after: &Plan) -> Result<(), BumpError> {
    let main = |plan: &Plan| -> BTreeMap<String, Source> {
        let of = |target: &Target| Some((target.series.name.clone(), target.sources.first()?.clone()));
        plan.targets.iter().filter_map(of).collect()
    };
    let version = |plan: &Plan| plan.targets.first().map(|target| target.recipe_version.clone()).unwrap_or_default();
    let old = main(before);
    let mut same = None;
    for (series, source) in main(after) {
        // a distribution's own package moves with the lock
        let moved = !old.get(&series).is_some_and(|before| before.location == source.location);
        if moved || matches!(source.location, Location::Pool(_)) {
            return Ok(());
        }
        same = Some(source);
    }
    let Some(source) = same else { return Ok(()) };
    Err(BumpError::SameSources {
        old: version(before),
        new: version(after),
        from: source.location.key(),
        is_commit: matches!(source.location, Location::GitCommit(..)),
        place: Box::new(source.place),
    })
}

fn new_entries<'l>(lock: &'l Lock, loaded: &Lock) -> impl Iterator<Item = &'l crate::lock::LockedEntry> {
    lock.entries.iter().skip(loaded.entries.len())
}
