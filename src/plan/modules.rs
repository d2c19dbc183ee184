//! `[nginx]` evaluated: the facts of the lock become [`Nginx`], and its flavors
//! become packages with the relations that keep a module beside the nginx that
//! it was built for.
//!
//! The range `nginx-F (>= full version), nginx-F (<< next patch level~)` lets
//! apt install a security update of nginx before the module's rebuild; an exact
//! dependency would hold the update back, or remove the module.

use std::collections::BTreeMap;

use crate::deb::architecture;
use crate::lock::{LockedFlavor, LockedMode, NginxFacts};
use crate::recipe::keys::Scope;
use crate::recipe::template;
use crate::recipe::value::Section;

use super::evaluator::Evaluator;
use super::follow::{flavors, pool_file};
use super::nginx::{Flavor, Mode, Nginx};
use super::{Build, Package, Relations};

/// The longest summary that a flavor is added to (Policy 3.4.1).
const SUMMARY: usize = 80;

impl Evaluator<'_> {
    /// `[nginx]` with what the lock knows of it.
    pub fn nginx(&mut self, root: &Section) -> Option<Nginx> {
        let section = root.table("nginx")?;
        let followed = self.nginx?;
        let facts = followed.nginx.as_ref()?;
        let mode = match facts.mode {
            LockedMode::Flavors => Mode::Flavors,
            LockedMode::Dev => Mode::Dev,
        };
        let flavors = self.flavors(section, facts, mode);
        let word = |name: &str| section.text(name).map(|text| text.value.clone());
        let nginx = Nginx {
            mode,
            version: followed.parsed_version()?,
            real_package: self.real_package(section),
            modules: self.texts(section, "modules"),
            enable: section.flag("enable").unwrap_or(true),
            env: self.pairs(section, "env"),
            prepare: word("prepare"),
            needs: self.texts(section, "needs"),
            exact: word("depends").as_deref() == Some("exact"),
            split: None,
            architectures: harvested(&flavors),
            patches: Vec::new(),
            packaging: followed
                .debian
                .as_ref()
                .filter(|_| mode == Mode::Flavors)
                .map(|debian| pool_file(followed, debian)),
            abi: facts.abi.clone().filter(|_| mode == Mode::Dev),
            flavors,
        };
        Some(nginx)
    }

    fn flavors(&mut self, section: &Section, facts: &NginxFacts, mode: Mode) -> Vec<Flavor> {
        let split = section.flag("split").unwrap_or(false);
        let listed = flavors(section);
        let span = section.field("flavors").map_or(&section.span, |field| &field.span);
        let mut made: Vec<Flavor> = Vec::new();
        for name in &listed {
            let Some(locked) = facts.flavor(name) else {
                let names: Vec<&str> = facts.flavors.iter().map(|flavor| flavor.name.as_str()).collect();
                let message = format!("nginx has no flavor `{name}`");
                let hint =
                    format!("it has {}; `[when.\"…\".nginx]` gives a series flavors of its own", names.join(", "));
                self.wrong_for_series("no-flavor", message, span, &hint);
                continue;
            };
            let Some(package) = self.flavor_package(section, name) else { continue };
            if made.iter().any(|other| other.package == package) {
                let hint = "`package` names all flavors alike: put `{{ flavor }}` into it";
                let message = format!("two flavors have the package `{package}`");
                let span = section.field("package").map_or(span, |field| &field.span);
                self.wrong_with_hint("duplicate-package", message, span, hint);
                continue;
            }
            let base = facts.base_of(locked);
            let shares = base.name != locked.name && listed.contains(&base.name) && !split;
            made.push(flavor(locked, base, package, mode == Mode::Flavors && !shares));
        }
        made
    }

    /// The package of one flavor, by the pattern `package`.
    fn flavor_package(&mut self, section: &Section, flavor: &str) -> Option<String> {
        self.variables.flavor = Some(flavor.to_string());
        let name = match section.has("package") {
            true => self.text(section, "package"),
            false => Some(format!("{}-nginx-{flavor}", self.variables.name)),
        };
        self.variables.flavor = None;
        name
    }

    /// The pattern without its flavor: `NAME-nginx`.
    fn real_package(&mut self, section: &Section) -> String {
        let pattern = section.text("package").map(|text| text.value.clone());
        let default = format!("{}-nginx", self.variables.name);
        let Some(pattern) = pattern else { return default };
        let variables = template::Variables { flavor: Some(String::new()), ..self.variables.clone() };
        let expanded = template::expand(&pattern, &variables).unwrap_or_default();
        let words: Vec<&str> = expanded.split('-').filter(|word| !word.is_empty()).collect();
        match words.is_empty() {
            true => default,
            false => words.join("-"),
        }
    }

    /// The packages of the flavors, and in [`Mode::Dev`] the one that they share.
    pub fn module_packages(&mut self, nginx: &Nginx, root: &Section, build: &Build) -> Vec<Package> {
        let mut packages = Vec::new();
        if nginx.mode == Mode::Dev {
            let mut real = self.flavored(String::new(), nginx.real_package.clone(), root, build);
            real.relations = with(real.relations, self.relations_of_real(nginx));
            packages.push(real);
        }
        for flavor in &nginx.flavors {
            if flavor.package == nginx.real_package && nginx.mode == Mode::Dev {
                continue;
            }
            let mut package = match flavor.compiled {
                true => self.compiled_package(nginx, flavor, root, build),
                false => self.metapackage(nginx, flavor, root, build),
            };
            package.summary = flavored_summary(root, package.summary, flavor);
            packages.push(package);
        }
        packages
    }

    fn flavored(&mut self, flavor: String, name: String, root: &Section, build: &Build) -> Package {
        self.variables.flavor = Some(flavor);
        let package = self.package(name, root, root, build);
        self.variables.flavor = None;
        package
    }

    fn compiled_package(&mut self, nginx: &Nginx, flavor: &Flavor, root: &Section, build: &Build) -> Package {
        let mut package = self.flavored(flavor.name.clone(), flavor.package.clone(), root, build);
        package.relations = with(package.relations, self.relations_of_compiled(nginx, flavor));
        package.architectures = self.built_for(package.architectures, nginx, root);
        package
    }

    /// A flavor's name for the package that has the modules: no files, and for
    /// every architecture, so bounded by source versions (a rebuild of the one
    /// package alone does not part them).
    fn metapackage(&mut self, nginx: &Nginx, flavor: &Flavor, root: &Section, build: &Build) -> Package {
        let shared = root.fields.iter().filter(|field| field.key.scope == Scope::Both).cloned().collect();
        let shared = Section { fields: shared, ..root.clone() };
        let base = match (nginx.mode, self.base_of(flavor)) {
            (Mode::Flavors, Some(base)) => nginx.flavors.iter().find(|other| other.name == base.name),
            _ => None,
        };
        let base = base.map_or(&nginx.real_package, |base| &base.package);
        let of_nginx = match nginx.exact {
            true => format!("{} (= {})", flavor.nginx_package, self.full_version()),
            false => flavor.nginx_package.clone(),
        };
        let depends =
            vec![format!("{base} (>= ${{source:Version}})"), format!("{base} (<< ${{source:Version}}.1~)"), of_nginx];
        Package {
            relations: Relations { depends, ..Relations::default() },
            architectures: vec!["all".to_string()],
            multi_arch: None,
            ..self.flavored(flavor.name.clone(), flavor.package.clone(), &shared, build)
        }
    }

    /// The flavor whose binary a flavor brings.
    fn base_of(&self, flavor: &Flavor) -> Option<&LockedFlavor> {
        let facts = self.nginx?.nginx.as_ref()?;
        Some(facts.base_of(facts.flavor(&flavor.name)?))
    }

    fn full_version(&self) -> &str {
        self.nginx.map_or("0", |followed| &followed.version)
    }

    fn relations_of_real(&self, nginx: &Nginx) -> Relations {
        let operator = if nginx.exact { "=" } else { ">=" };
        let mut depends = vec![format!("nginx ({operator} {})", self.full_version())];
        depends.extend(nginx.needs.iter().map(|need| needed(need)));
        // up to a series whose flavors were compiled separately, they had its files
        let older: Vec<String> = nginx
            .flavors
            .iter()
            .filter(|flavor| flavor.package != nginx.real_package)
            .map(|flavor| format!("{} (<< ${{source:Version}})", flavor.package))
            .collect();
        Relations { depends, breaks: older.clone(), replaces: older, ..Relations::default() }
    }

    fn relations_of_compiled(&self, nginx: &Nginx, flavor: &Flavor) -> Relations {
        let binary = self.base_of(flavor).map_or(&flavor.nginx_package, |base| &base.package);
        let mut depends = match nginx.exact {
            true => vec![format!("{binary} (= {})", self.full_version())],
            false => vec![
                format!("{binary} (>= {})", self.full_version()),
                format!("{binary} (<< {}~)", next_patch_level(&nginx.version.upstream)),
            ],
        };
        if *binary != flavor.nginx_package {
            depends.push(flavor.nginx_package.clone());
        }
        // what is compiled into nginx is in no package
        let inside = |need: &str| flavor.configure.iter().any(|argument| *argument == format!("--with-{need}"));
        depends.extend(nginx.needs.iter().filter(|need| !inside(need)).map(|need| needed(need)));
        let alike = match flavor.package == nginx.real_package {
            true => Vec::new(),
            false => vec![nginx.real_package.clone()],
        };
        Relations {
            depends,
            provides: alike.clone(),
            conflicts: alike.clone(),
            replaces: alike,
            ..Relations::default()
        }
    }

    /// Only architectures whose signatures the lock has, for the others cannot
    /// be checked.
    fn built_for(&mut self, wanted: Vec<String>, nginx: &Nginx, root: &Section) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        // `all` has an error of its own
        for architecture in wanted.into_iter().filter(|name| name != "all") {
            let covered = nginx.architectures.iter().filter(|name| architecture::covers(&architecture, name));
            let mut covered: Vec<String> = covered.filter(|name| !names.contains(name)).cloned().collect();
            if covered.is_empty() && !names.iter().any(|name| architecture::covers(&architecture, name)) {
                let nginx_field = root.field("nginx").map(|field| field.key_span.clone());
                let span = root.field("architectures").map(|field| field.span.clone()).or(nginx_field);
                let message = format!("the lock does not know nginx of {} for {architecture}", self.series);
                let hint = "run `pkgr update`; `[when.\"…\"]` gives a series architectures of its own";
                self.wrong_with_hint("not-resolved", message, &span.unwrap_or_default(), hint);
            }
            names.append(&mut covered);
        }
        names
    }
}

fn flavor(locked: &LockedFlavor, base: &LockedFlavor, package: String, compiled: bool) -> Flavor {
    Flavor {
        name: locked.name.clone(),
        package,
        nginx_package: locked.package.clone(),
        compiled,
        configure: if compiled { base.configure.clone() } else { Vec::new() },
        signatures: if compiled { base.signatures.clone() } else { BTreeMap::new() },
    }
}

/// Architectures that every compiled flavor has a signature for.
fn harvested(flavors: &[Flavor]) -> Vec<String> {
    let mut compiled = flavors.iter().filter(|flavor| flavor.compiled);
    let Some(first) = compiled.next() else { return Vec::new() };
    let others: Vec<&Flavor> = compiled.collect();
    let by_all = |name: &&String| others.iter().all(|flavor| flavor.signatures.contains_key(*name));
    first.signatures.keys().filter(by_all).cloned().collect()
}

/// `1.18.1` for `1.18.0`: the first version that no security update of a series
/// has. Trailing words such as `+dfsg` do not count.
fn next_patch_level(upstream: &str) -> String {
    let end = upstream.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(upstream.len());
    let numbers = upstream.get(..end).unwrap_or(upstream).trim_end_matches('.');
    let (head, last) = numbers.rsplit_once('.').map_or(("", numbers), |(head, last)| (head, last));
    let next = last.parse::<u64>().unwrap_or(0).saturating_add(1);
    match head {
        "" => next.to_string(),
        _ => format!("{head}.{next}"),
    }
}

/// The package that a word of `needs` stands for.
fn needed(need: &str) -> String {
    match need {
        "stream" | "mail" => format!("libnginx-mod-{need}"),
        package => package.to_string(),
    }
}

fn with(mut own: Relations, more: Relations) -> Relations {
    let lists = [
        (&mut own.depends, more.depends),
        (&mut own.breaks, more.breaks),
        (&mut own.conflicts, more.conflicts),
        (&mut own.replaces, more.replaces),
        (&mut own.provides, more.provides),
    ];
    for (list, added) in lists {
        for clause in added.into_iter().rev() {
            if !list.contains(&clause) {
                list.insert(0, clause);
            }
        }
    }
    own
}

/// The summary with the flavor, unless the recipe's own has it or it grows too long.
fn flavored_summary(root: &Section, summary: String, flavor: &Flavor) -> String {
    let own =
        root.text("summary").is_some_and(|text| template::is_template(&text.value) && text.value.contains("flavor"));
    let kind = if flavor.compiled { "" } else { " metapackage" };
    let longer = format!("{summary} ({}{kind})", flavor.nginx_package);
    match own || longer.chars().count() > SUMMARY {
        true => summary,
        false => longer,
    }
}

/// One target per compiled flavor, for `split`; a source package is named after
/// its one package.
pub(super) fn split(nginx: &Nginx) -> Vec<Nginx> {
    let one =
        |flavor: &Flavor| Nginx { flavors: vec![flavor.clone()], split: Some(flavor.name.clone()), ..nginx.clone() };
    nginx.flavors.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_levels() {
        for (version, next) in
            [("1.18.0", "1.18.1"), ("1.10.3", "1.10.4"), ("1.9.9", "1.9.10"), ("1.18.0+dfsg1", "1.18.1"), ("2", "3")]
        {
            assert_eq!(next_patch_level(version), next);
        }
    }
}
