//! The upstream side of a target: `[[source]]`, `[[patch]]`, `[build]`.

use std::collections::HashMap;

use crate::lock::LockedMode;
use crate::recipe::document::Span;
use crate::recipe::value::Section;

use super::evaluator::{Evaluator, Word};
use super::follow::{apt_name, pool_file};
use super::{Build, BuildSystem, Location, Patch, Source};

impl Evaluator<'_> {
    /// The sections of an array of tables that this series has.
    pub fn entries<'s>(&self, root: &'s Section, name: &str) -> Vec<&'s Section> {
        let holds = |section: &&Section| section.when().is_none_or(|selector| selector.matches(self.series));
        root.tables(name).iter().filter(|s| !s.broken.contains(&"when")).filter(holds).collect()
    }

    /// The sources: the main one first.
    pub fn sources(&mut self, root: &Section) -> Vec<Source> {
        let mut sources: Vec<(Source, Span)> = Vec::new();
        let entries = self.entries(root, "source");
        let unresolved = !self.follows.missing().is_empty();
        let broken = unresolved || root.tables("source").iter().any(|s| !s.broken.is_empty());
        if let (true, false, Some(field)) = (entries.is_empty(), broken, root.field("source")) {
            let hint = "every target has a main source, or none has: give one a wider `when`";
            self.wrong_for_series("no-main-source", "no source is left", &field.span, hint);
        }
        for section in &entries {
            let source = self.source(section);
            // one with an error that was told is left out of the comparison
            if let (Some(source), true) = (source, section.broken.is_empty()) {
                sources.push((source, section.span.clone()));
            }
        }
        self.check_components(&sources);
        let main = sources.iter().filter(|(s, _)| s.component.is_none()).count();
        if let (0, Some((_, span)), false) = (main, sources.first(), broken) {
            let message = "every source has a `component`: which is the main one";
            let hint = "the one without `component` is the tree that is built";
            self.wrong_for_series("no-main-source", message, &span.clone(), hint);
        }
        sources.sort_by_key(|(s, _)| s.component.is_some());
        let mut sources: Vec<Source> = sources.into_iter().map(|(source, _)| source).collect();
        sources.extend(self.nginx_source(root));
        sources
    }

    /// nginx itself, in whose source the modules of separate flavors are built.
    fn nginx_source(&mut self, root: &Section) -> Option<Source> {
        let (field, followed) = (root.field("nginx")?, self.nginx?);
        let facts = followed.nginx.as_ref()?;
        (facts.mode == LockedMode::Flavors).then_some(())?;
        let file = pool_file(followed, followed.main_orig()?);
        Some(Source {
            sha256: Some(file.sha256.clone()),
            location: Location::Pool(file),
            component: Some("nginx".to_string()),
            signature: None,
            keyring: None,
            place: self.place(&field.key_span),
        })
    }

    fn check_components(&mut self, sources: &[(Source, Span)]) {
        let mut seen: HashMap<Option<String>, usize> = HashMap::new();
        for (source, span) in sources {
            let name = source.component.as_ref().map(|c| c.to_ascii_lowercase());
            let line = self.recipe.document().line(span.start);
            let Some(first) = seen.insert(name, line) else { continue };
            match &source.component {
                Some(name) => {
                    let message = format!("two sources are the component `{name}`; the first is at line {first}");
                    self.wrong_for_series("duplicate-component", message, span, "");
                }
                None => {
                    let message = format!("two sources are the main one; the first is at line {first}");
                    let hint = "give the others a `component`, or each a `when`";
                    self.wrong_for_series("two-main-sources", message, span, hint);
                }
            }
        }
    }

    fn source(&mut self, section: &Section) -> Option<Source> {
        let location = self.location(section)?;
        let component = self.text(section, "component");
        let signature = self.word(section, "signature").and_then(|w| self.url_or_path(&w));
        let keyring = self.word(section, "keyring").and_then(|w| self.recipe_file(&w.value, &w.span));
        let sha256 = self.text(section, "sha256");
        let named = ["url", "git", "apt", "follow"].iter().find_map(|kind| section.field(kind));
        let named = named.map_or(&section.span, |field| &field.span);
        if let (Location::Pool(file), Some(sha256)) = (&location, &sha256) {
            if file.sha256 != *sha256 {
                let message = format!("{} is not what the recipe says", file.file_name());
                let span = section.field("sha256").map_or(named, |field| &field.span);
                let hint = format!("the lock says {}", file.sha256);
                self.wrong_for_series("source-digest", message, span, &hint);
            }
        }
        Some(Source { location, component, sha256, signature, keyring, place: self.place(named) })
    }

    fn location(&mut self, section: &Section) -> Option<Location> {
        if let Some(url) = self.word(section, "url") {
            return self.url_or_path(&url);
        }
        let followed = match (section.text("apt"), section.text("follow")) {
            (Some(package), _) => Some(apt_name(&package.value)),
            (None, follow) => follow.map(|name| name.value.clone()),
        };
        if let Some(name) = followed {
            let followed = self.follows.get(&name)?;
            return Some(Location::Pool(pool_file(followed, followed.main_orig()?)));
        }
        let git = self.text(section, "git")?;
        match (self.text(section, "tag"), self.text(section, "commit")) {
            (Some(tag), _) => Some(Location::GitTag(git, tag)),
            (None, Some(commit)) => Some(Location::GitCommit(git, commit)),
            (None, None) => None,
        }
    }

    fn url_or_path(&mut self, word: &Word) -> Option<Location> {
        if word.value.contains("://") {
            return Some(Location::Url(word.value.clone()));
        }
        self.recipe_file(&word.value, &word.span).map(Location::Path)
    }

    /// The patches, in the recipe's order.
    pub fn patches(&mut self, root: &Section) -> Vec<Patch> {
        let mut patches: Vec<Patch> = Vec::new();
        for section in self.entries(root, "patch") {
            if !self.has_sources {
                let hint = "a native package has no upstream to patch: change the files, or add a `[[source]]`";
                self.wrong_with_hint("patch-of-native", "a patch without a `[[source]]`", &section.span, hint);
                continue;
            }
            let Some(word) = self.word(section, "file") else { continue };
            let Some(file) = self.recipe_file(&word.value, &word.span) else { continue };
            if patches.iter().any(|p| p.file == file) {
                self.wrong("duplicate-patch", format!("`{file}` is applied twice"), &word.span);
                continue;
            }
            patches.push(Patch { file, place: self.place(&word.span) });
        }
        patches
    }

    /// `[build]`, with what is inferred where it says nothing.
    pub fn build(&mut self, root: &Section) -> Build {
        let empty = Section::default();
        let section = root.table("build").unwrap_or(&empty);
        let script = |name: &str| section.text(name).map(|t| t.value.clone());
        let build = Build {
            system: BuildSystem::Auto,
            configure: self.texts(section, "configure"),
            env: self.pairs(section, "env"),
            prepare: script("prepare"),
            build: script("build"),
            check: script("check"),
            install: script("install"),
        };
        let builds = self.has_sources || has_scripts(&build);
        let system = match section.text("system") {
            Some(text) => system(&text.value),
            None if builds => BuildSystem::Auto,
            None => BuildSystem::None,
        };
        Build { system, ..build }
    }

    /// A map's names and expanded strings.
    pub fn pairs(&mut self, section: &Section, name: &str) -> Vec<(String, String)> {
        let Some(field) = section.field(name) else { return Vec::new() };
        let check = super::evaluator::check_of(field.key);
        let mut pairs = Vec::new();
        for (name, items) in section.map(name) {
            for item in items {
                if let crate::recipe::value::Item::Text(text) = item {
                    if let Some(word) = self.expand(text, check) {
                        pairs.push((name.value.clone(), word.value));
                    }
                }
            }
        }
        pairs
    }
}

/// Whether anything is run to build it.
pub fn has_scripts(build: &Build) -> bool {
    [&build.prepare, &build.build, &build.check, &build.install].iter().any(|script| script.is_some())
}

fn system(name: &str) -> BuildSystem {
    match name {
        "autotools" => BuildSystem::Autotools,
        "cmake" => BuildSystem::Cmake,
        "meson" => BuildSystem::Meson,
        "make" => BuildSystem::Make,
        "cargo" => BuildSystem::Cargo,
        "go" => BuildSystem::Go,
        "python" => BuildSystem::Python,
        "none" => BuildSystem::None,
        _ => BuildSystem::Auto,
    }
}
