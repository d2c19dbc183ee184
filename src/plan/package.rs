//! The binary packages of a target: the top level's one, or the `[[package]]`
//! entries with what they inherit.

use std::collections::HashMap;

use crate::recipe::check;
use crate::recipe::document::Span;
use crate::recipe::value::{Item, Section, Text};

use super::evaluator::{Evaluator, Placed, Word, check_of};
use super::nginx::{Flavor, Nginx};
use super::source::has_scripts;
use super::{Build, BuildSystem, Install, Package, PayloadFile, Relations, Unit};

/// Columns of a description's line, without its leading blank.
const DESCRIPTION_WIDTH: usize = 78;

impl Evaluator<'_> {
    /// The packages: those of nginx's flavors, then the recipe's in its order.
    pub fn packages(&mut self, root: &Section, build: &Build, nginx: Option<&Nginx>) -> Vec<Package> {
        let packages = self.unchecked_packages(root, build, nginx);
        self.check_placed(&packages);
        self.check_formerly(&packages, root);
        packages
    }

    /// A former name is no package's name, nor another one's former name.
    fn check_formerly(&mut self, packages: &[Package], root: &Section) {
        let mut taken: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        for name in packages.iter().flat_map(|package| &package.formerly) {
            if taken.contains(&name.as_str()) {
                let sections = std::iter::once(root).chain(root.tables("package"));
                let span =
                    sections.filter_map(|section| section.field("transitional")).map(|field| field.span.clone()).next();
                let message = format!("two packages are named `{name}`");
                self.wrong("duplicate-package", message, &span.unwrap_or_default());
            }
            taken.push(name);
        }
    }

    fn unchecked_packages(&mut self, root: &Section, build: &Build, nginx: Option<&Nginx>) -> Vec<Package> {
        let mut packages: Vec<Package> = match nginx {
            Some(nginx) => self.module_packages(nginx, root, build),
            None if !root.has("package") => {
                let name = self.variables.name.clone();
                return vec![self.package(name, root, root, build)];
            }
            None => Vec::new(),
        };
        for section in self.entries(root, "package") {
            self.check_split(section, nginx);
            for flavor in flavors_of(section, nginx) {
                self.variables.flavor = flavor;
                packages = self.entry(section, root, build, packages);
                self.variables.flavor = None;
            }
        }
        if let (true, Some(field)) = (packages.is_empty() && self.problems.is_empty(), root.field("package")) {
            self.wrong_for_series("no-package", "no package is left", &field.span, "every target has at least one");
        }
        packages
    }

    /// Each source of `split` would make a package that is of no flavor.
    fn check_split(&mut self, section: &Section, nginx: Option<&Nginx>) {
        let split = nginx.is_some_and(|nginx| nginx.split.is_some());
        if let (true, Some(name)) = (split, section.text("name").filter(|name| !name_has_flavor(&name.value))) {
            let message = format!("`{}` would be in every source package that `split` makes", name.value);
            self.wrong_with_hint("package-of-split", message, &name.span, "put `{{ flavor }}` into its name");
        }
    }

    /// Adds the package of one entry.
    fn entry(&mut self, section: &Section, root: &Section, build: &Build, mut packages: Vec<Package>) -> Vec<Package> {
        let Some(name) = self.word(section, "name") else { return packages };
        if packages.iter().any(|p| p.name == name.value) {
            let message = format!("two packages are named `{}`", name.value);
            self.wrong("duplicate-package", message, &name.span);
            return packages;
        }
        let mut package = self.package(name.value, section, root, build);
        self.restrict(&mut package, section);
        packages.push(package);
        packages
    }

    /// One package from the keys of a section, and what it inherits from the top level.
    pub(super) fn package(&mut self, name: String, section: &Section, root: &Section, build: &Build) -> Package {
        // what an entry does not say itself is inherited from the top level
        let from = |key: &str| if section.has(key) { section } else { root };
        let summary = self.text(from("summary"), "summary").unwrap_or_default();
        let description = self.text(from("description"), "description").unwrap_or_else(|| describe(&summary));
        let root_section = self.text(root, "section");
        let root_priority = root.text("priority").map(|t| t.value.clone());
        let own_priority = section.text("priority").map(|t| t.value.clone());
        let multi_arch = from("multi-arch").text("multi-arch").map(|t| t.value.clone()).filter(|value| value != "no");
        let architectures = self.architectures(from("architectures"), build);
        if let (true, Some("same"), Some(field)) =
            (architectures == ["all"], multi_arch.as_deref(), from("multi-arch").field("multi-arch"))
        {
            self.wrong("multi-arch-all", "a package of architecture `all` cannot be `Multi-Arch: same`", &field.span);
        }
        let formerly = self.texts(section, "transitional");
        Package {
            relations: replacing(self.relations(section), &formerly),
            formerly,
            section: self.text(section, "section").filter(|own| Some(own) != root_section.as_ref()),
            priority: own_priority.filter(|own| Some(own) != root_priority.as_ref()),
            architectures,
            multi_arch,
            install: self.install(section, &name),
            files: self.texts(section, "files"),
            units: self.units(section, &name),
            conffiles: self.texts(section, "conffiles"),
            links: self.links(section, &name),
            dirs: self.texts(section, "dirs"),
            manpages: self.placed_payloads(section, "manpages", "/usr/share/man/", &name),
            completions: self.payloads(section, "completions"),
            docs: self.payloads(section, "docs"),
            examples: self.payloads(section, "examples"),
            sysusers: self.placed_payloads(section, "sysusers", "/usr/lib/sysusers.d/", &name),
            tmpfiles: self.placed_payloads(section, "tmpfiles", "/usr/lib/tmpfiles.d/", &name),
            scripts: self.scripts(section),
            description: tidy(&description),
            summary,
            name,
        }
    }

    fn architectures(&mut self, section: &Section, build: &Build) -> Vec<String> {
        let words = self.words(section, "architectures");
        if let (true, Some(field)) = (words.is_empty() && self.problems.is_empty(), section.field("architectures")) {
            self.wrong_for_series(
                "no-architecture",
                "`architectures` names none",
                &field.span,
                "leave it out, or name one",
            );
        }
        if words.is_empty() {
            let compiled = (self.has_sources || has_scripts(build))
                && !matches!(build.system, BuildSystem::None | BuildSystem::Python);
            return vec![if compiled { "any" } else { "all" }.to_string()];
        }
        if let (true, Some(word)) = (words.len() > 1, words.iter().find(|w| w.value == "all" || w.value == "any")) {
            let message = format!("`{}` stands alone or not at all", word.value);
            let span = word.span.clone();
            self.wrong("mixed-architectures", message, &span);
        }
        words.into_iter().map(|w| w.value).collect()
    }

    /// `arch=` in an entry's `when`: the package is for those architectures only.
    fn restrict(&mut self, package: &mut Package, section: &Section) {
        let (Some(selector), Some(field)) = (section.when(), section.field("when")) else { return };
        let span = &field.span;
        for (architecture, negated) in selector.architectures() {
            let list = &mut package.architectures;
            let open = list.iter().any(|a| a == "any");
            match negated {
                true if open => {
                    let hint = "name the architectures that it has, in `architectures`";
                    let message = "Debian has no way to say \"any but one\" of a package";
                    return self.wrong_with_hint("not-arch", message, span, hint);
                }
                true => list.retain(|a| a != architecture),
                false if open || list.iter().any(|a| a == architecture) => *list = vec![architecture.to_string()],
                false => list.clear(),
            }
            if list.is_empty() {
                let message = format!("`{}` leaves the package no architecture", selector.text());
                return self.wrong("selector-matches-nothing", message, span);
            }
        }
    }

    fn relations(&mut self, section: &Section) -> Relations {
        Relations {
            depends: self.texts(section, "depends"),
            pre_depends: self.texts(section, "pre-depends"),
            recommends: self.texts(section, "recommends"),
            suggests: self.texts(section, "suggests"),
            enhances: self.texts(section, "enhances"),
            breaks: self.texts(section, "breaks"),
            conflicts: self.texts(section, "conflicts"),
            replaces: self.texts(section, "replaces"),
            provides: self.texts(section, "provides"),
        }
    }

    fn payloads(&mut self, section: &Section, name: &str) -> Vec<PayloadFile> {
        self.words(section, name).iter().flat_map(|word| self.payload(word)).collect()
    }

    /// Payload whose folder is the same whatever the package.
    fn placed_payloads(&mut self, section: &Section, name: &str, folder: &str, package: &str) -> Vec<PayloadFile> {
        let mut payloads = Vec::new();
        for word in self.words(section, name) {
            for file in self.payload(&word) {
                self.put(package, &file, folder, &word.span);
                payloads.push(file);
            }
        }
        payloads
    }

    fn links(&mut self, section: &Section, package: &str) -> Vec<(String, String)> {
        let mut links = Vec::new();
        for (target, items) in section.map("links") {
            for item in items {
                let Item::Text(text) = item else { continue };
                let Some(link) = self.expand(text, check::Check::Absolute) else { continue };
                self.placed.push(Placed { path: link.value.clone(), package: package.to_string(), span: link.span });
                links.push((target.value.clone(), link.value));
            }
        }
        links
    }

    fn install(&mut self, section: &Section, package: &str) -> Vec<Install> {
        let mut install = Vec::new();
        for (pattern, items) in section.map("install") {
            for item in items {
                for (line, span) in self.install_line(pattern, item) {
                    self.put(package, &line.file, &line.to, &span);
                    install.push(line);
                }
            }
        }
        install
    }

    fn install_line(&mut self, pattern: &Text, item: &Item) -> Vec<(Install, Span)> {
        let (to, mode) = match item {
            Item::Text(text) => (self.expand(text, check::Check::Destination), None),
            Item::Record(record) => {
                let mode = record.text("mode").and_then(|text| check::mode(&text.value).ok());
                (self.word(record, "to"), mode)
            }
        };
        let files = self.payload(&Word { value: pattern.value.clone(), span: pattern.span.clone() });
        let Some(to) = to else { return Vec::new() };
        if files.len() > 1 && !to.value.ends_with('/') {
            let message = format!("`{}` matches {} files, `{}` is one name", pattern.value, files.len(), to.value);
            self.wrong_with_hint("several-to-one", message, &to.span, "end the destination in `/` to make it a folder");
            return Vec::new();
        }
        files.into_iter().map(|file| (Install { file, to: to.value.clone(), mode }, to.span.clone())).collect()
    }

    fn units(&mut self, section: &Section, package: &str) -> Vec<Unit> {
        let mut units = Vec::new();
        let Some(field) = section.field("units") else { return units };
        let check = check_of(field.key);
        for item in section.list("units") {
            let (word, enable, start) = match item {
                Item::Text(text) => (self.expand(text, check), None, None),
                Item::Record(record) => (self.word(record, "file"), record.flag("enable"), record.flag("start")),
            };
            let Some(word) = word else { continue };
            let enable = enable.unwrap_or(true);
            let start = start.unwrap_or(enable);
            for file in self.payload(&word) {
                self.put(package, &file, "/usr/lib/systemd/system/", &word.span);
                units.push(Unit { file, enable, start });
            }
        }
        units
    }

    fn scripts(&mut self, section: &Section) -> Vec<(String, PayloadFile)> {
        let mut scripts = Vec::new();
        for (name, items) in section.map("scripts") {
            for item in items {
                let Item::Text(text) = item else { continue };
                let Some(word) = self.expand(text, check::Check::RecipePath) else { continue };
                if let Some(file) = self.recipe_file(&word.value, &word.span) {
                    scripts.push((name.value.clone(), PayloadFile::Recipe(file)));
                }
            }
        }
        scripts
    }

    /// Says that a package puts a file at a path, or into a folder under its own
    /// name; a pattern of the upstream tree has no name yet.
    fn put(&mut self, package: &str, file: &PayloadFile, to: &str, span: &Span) {
        let base = match file {
            PayloadFile::Upstream(path, _) if crate::recipe::paths::is_glob(path) => None,
            PayloadFile::Recipe(path) | PayloadFile::Upstream(path, _) => path.rsplit('/').next(),
        };
        let path = match (to.ends_with('/'), base) {
            (true, Some(name)) => format!("{to}{name}"),
            (true, None) => return,
            (false, _) => to.to_string(),
        };
        self.placed.push(Placed { path, package: package.to_string(), span: span.clone() });
    }

    /// Two lines, or two packages, that put something at the same path. Packages
    /// that conflict with each other may.
    fn check_placed(&mut self, packages: &[Package]) {
        let mut taken: HashMap<String, Placed> = HashMap::new();
        for placed in std::mem::take(&mut self.placed) {
            let Some(other) = taken.insert(placed.path.clone(), placed.clone()) else { continue };
            if other.package != placed.package && conflict(packages, &other.package, &placed.package) {
                continue;
            }
            let by = match other.package == placed.package {
                true => String::new(),
                false => format!(" by `{}`", other.package),
            };
            let line = self.recipe.document().line(other.span.start);
            let message = format!("{} is already taken{by}, at line {line}", placed.path);
            self.wrong("same-destination", message, &placed.span);
        }
    }
}

/// The flavors that an entry is expanded for: with `{{ flavor }}` in its name
/// each that its `when` holds for, else none in particular, if it holds for any.
fn flavors_of(section: &Section, nginx: Option<&Nginx>) -> Vec<Option<String>> {
    let Some(nginx) = nginx else { return vec![None] };
    let holds = |flavor: &&Flavor| section.when().is_none_or(|selector| selector.matches_flavor(&flavor.name));
    let mut flavors = nginx.flavors.iter().filter(holds).map(|flavor| flavor.name.clone());
    match section.text("name").is_some_and(|name| name_has_flavor(&name.value)) {
        true => flavors.map(Some).collect(),
        false => flavors.next().map(|_| None).into_iter().collect(),
    }
}

/// Whether a package's name is another one for each flavor.
fn name_has_flavor(name: &str) -> bool {
    crate::recipe::template::is_template(name) && name.contains("flavor")
}

/// Whether one of two packages conflicts with the other.
fn conflict(packages: &[Package], one: &str, other: &str) -> bool {
    let name = |clause: &str| clause.split([' ', '(', '[']).next().unwrap_or_default().to_string();
    let find = |name: &str| packages.iter().find(|p| p.name == name);
    let excludes = |a: &str, b: &str| {
        let mut clauses = find(a).into_iter().flat_map(|p| &p.relations.conflicts);
        let provided: Vec<String> = find(b).into_iter().flat_map(|p| &p.relations.provides).map(|c| name(c)).collect();
        clauses.any(|clause| name(clause) == b || provided.contains(&name(clause)))
    };
    excludes(one, other) || excludes(other, one)
}

/// The relations of a package that takes the place of others: it may have their
/// files. What the recipe says of one of them itself stands.
fn replacing(mut relations: Relations, formerly: &[String]) -> Relations {
    let name = |clause: &str| clause.split([' ', '(', '[']).next().unwrap_or_default().to_string();
    for former in formerly {
        for list in [&mut relations.breaks, &mut relations.replaces] {
            if !list.iter().any(|clause| name(clause) == *former) {
                list.push(format!("{former} (<< ${{source:Version}})"));
            }
        }
    }
    relations
}

/// A description for a package that has none: a sentence made from the summary,
/// neither equal to it nor beginning with the package's name.
fn describe(summary: &str) -> String {
    let sentence = format!("In short: {}.", summary.trim_end_matches(['.', ' ']));
    let mut lines: Vec<String> = vec![String::new()];
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= DESCRIPTION_WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}

/// Without blanks at the ends of lines, nor empty lines at its own.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_never_the_summary() {
        let text = describe("classic greeting, and a good example");
        assert_eq!(text, "In short: classic greeting, and a good example.");
        assert!(describe(&"word ".repeat(40)).lines().all(|l| l.len() <= DESCRIPTION_WIDTH));
        assert_eq!(tidy("\n a \nb\n\n"), " a\nb");
    }
}
