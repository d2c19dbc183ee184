//! Whether every series has what the packages need to be built and installed: each
//! clause is looked up in the indexes of the series, as apt would for a PPA, which
//! sees all pockets but backports, and all components.

use std::collections::{BTreeMap, BTreeSet};

use super::rules;
use super::words::holds_on;
use super::{Lint, Options, Subject};
use crate::check::holdings::Holdings;
use crate::deb::relations::{self, Clause, Kind, Operator, Relation};
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::fetch::apt::{Archives, BinaryEntry, Pocket, Scope};
use crate::parallel;
use crate::plan::Target;
use crate::series::{Distro, Series};

/// What a package needs, and where that is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    field: &'static str,
    package: String,
    text: String,
    is_weak: bool,
}

/// What one series lacks: the need, and how it is lacking.
type Lacking = Vec<(Need, String)>;

/// Looks into the indexes of every series. One that cannot be read is a finding.
pub fn lint(subject: &Subject, archives: &Archives, options: &Options) -> Vec<Lint> {
    let mut series: Vec<&Series> = subject.targets.iter().map(|target| &target.series).collect();
    series.dedup();
    let looked = parallel::map(&series, options.jobs, |series| {
        let targets: Vec<&Target> = subject.targets.iter().filter(|target| target.series == **series).collect();
        let look = Look { archives, ppa: options.ppa, series, targets: &targets };
        look.all()
    });
    let mut found = Vec::new();
    let mut lacking: BTreeMap<Need, Vec<(String, String)>> = BTreeMap::new();
    for (series, result) in series.iter().zip(looked) {
        match result {
            Ok((absent, lacks)) => {
                found.extend(absent.iter().map(|name| without(subject, series, name)));
                for (need, how) in lacks {
                    lacking.entry(need).or_default().push((series.name.clone(), how));
                }
            }
            Err(failure) => found.push(unknown(series, &failure)),
        }
    }
    found.extend(lacking.into_iter().map(|(need, where_from)| lacks(subject, &need, &where_from)));
    found
}

fn without(subject: &Subject, series: &Series, name: &str) -> Lint {
    let message = format!("{} {series} has no architecture {name}", series.distro.vendor());
    Lint::new(&rules::ARCHITECTURE_ABSENT, message).at(subject.key("architectures"))
}

fn unknown(series: &Series, failure: &Failure) -> Lint {
    let message = format!("it is not known whether {series} has what is needed");
    let mut lint = Lint::new(&rules::DEPENDENCIES_UNKNOWN, message);
    lint.facts.extend(failure.diagnostics.iter().map(|diagnostic| diagnostic.message.clone()));
    lint
}

fn lacks(subject: &Subject, need: &Need, where_from: &[(String, String)]) -> Lint {
    let rule = if need.is_weak { &rules::NO_RECOMMENDED } else { &rules::NO_PACKAGE };
    let series: Vec<&str> = where_from.iter().map(|(series, _)| series.as_str()).collect();
    let message = format!("`{}` of {} cannot be had in {}", need.text, need.field, series.join(", "));
    let mut lint = Lint::new(rule, message).at(subject.text(&need.text));
    lint.facts.push(format!("{} needs it", need.package));
    lint.facts.extend(where_from.iter().map(|(series, how)| format!("{series}: {how}")));
    lint
}

/// One series.
struct Look<'l> {
    archives: &'l Archives<'l>,
    ppa: Option<&'l dyn Holdings>,
    series: &'l Series,
    targets: &'l [&'l Target],
}

impl Look<'_> {
    /// Architectures that the series does not have, and what it lacks on the others.
    fn all(&self) -> Result<(Vec<String>, Lacking), Failure> {
        let needs = self.needs();
        let (there, absent) = self.architectures()?;
        if needs.is_empty() {
            return Ok((absent, Vec::new()));
        }
        let mut lacking: BTreeMap<Need, String> = BTreeMap::new();
        for architecture in there {
            let names: BTreeSet<&str> =
                needs.iter().flat_map(|(_, clause)| clause).map(|relation| relation.package.as_str()).collect();
            let stock = self.stock(&names.into_iter().collect::<Vec<_>>(), &architecture)?;
            for (need, clause) in &needs {
                if let Some(how) = self.lack(clause, &architecture, &stock)? {
                    lacking.entry(need.clone()).or_insert(how);
                }
            }
        }
        Ok((absent, lacking.into_iter().collect()))
    }

    /// Those that packages name, as far as the series has them, and those it has
    /// not; amd64 stands for `any` and `all`.
    fn architectures(&self) -> Result<(Vec<String>, Vec<String>), Failure> {
        let named: BTreeSet<String> =
            self.targets.iter().flat_map(|t| &t.packages).flat_map(|p| p.architectures.iter().cloned()).collect();
        let is_open = |name: &String| ["any", "all"].contains(&name.as_str()) || name.contains("any");
        let (open, named): (Vec<String>, Vec<String>) = named.into_iter().partition(is_open);
        if named.is_empty() {
            return Ok((vec!["amd64".to_string()], Vec::new()));
        }
        let known = self.archives.architectures(self.series)?;
        let (mut there, absent): (Vec<String>, Vec<String>) = named.into_iter().partition(|name| known.contains(name));
        if !open.is_empty() && !there.iter().any(|name| name == "amd64") {
            there.push("amd64".to_string());
        }
        Ok((there, absent))
    }

    /// Every clause that is asked of the archives.
    fn needs(&self) -> Vec<(Need, Clause)> {
        let mut needs = Vec::new();
        for target in self.targets {
            let mut take = |field, package: &str, texts: &[String], kind, is_weak| {
                for text in texts {
                    let clauses = relations::parse(text, kind).map(|parsed| parsed.clauses).unwrap_or_default();
                    let need = Need { field, package: package.to_string(), text: text.clone(), is_weak };
                    let is_asked = |clause: &Clause| !clause.iter().any(|relation| self.is_own(relation));
                    needs.extend(clauses.into_iter().filter(is_asked).map(|clause| (need.clone(), clause)));
                }
            };
            take("Build-Depends", &target.name, &target.build_depends, Kind::Build, false);
            take("Build-Depends-Indep", &target.name, &target.build_depends_indep, Kind::Build, false);
            for package in &target.packages {
                let relations = &package.relations;
                take("Depends", &package.name, &relations.depends, Kind::Depends, false);
                take("Pre-Depends", &package.name, &relations.pre_depends, Kind::Depends, false);
                take("Recommends", &package.name, &relations.recommends, Kind::Depends, true);
            }
        }
        needs
    }

    /// What the recipe makes itself, and substvars.
    fn is_own(&self, relation: &Relation) -> bool {
        let packages = || self.targets.iter().flat_map(|target| &target.packages);
        let provides = |text: &String| text.split([' ', '(']).next() == Some(relation.package.as_str());
        relation.package.contains("${")
            || packages().any(|package| {
                package.name == relation.package
                    || package.formerly.contains(&relation.package)
                    || package.relations.provides.iter().any(provides)
            })
    }

    /// What the archive has of these names: packages of that name, else providers.
    fn stock(&self, names: &[&str], architecture: &str) -> Result<Vec<BinaryEntry>, Failure> {
        let mut scope = Scope::of(self.series).with_pockets(&[Pocket::Release, Pocket::Security, Pocket::Updates]);
        if self.series.distro == Distro::Ubuntu {
            scope.components = ["main", "restricted", "universe", "multiverse"].map(String::from).to_vec();
        }
        let mut stock = self.archives.binaries(names, architecture, &scope)?;
        for name in names {
            if !stock.iter().any(|entry| entry.package == *name) {
                stock.extend(self.archives.providers(name, architecture, &scope)?);
            }
        }
        Ok(stock)
    }

    /// How a clause fails on an architecture, if it does: told of its first
    /// alternative.
    fn lack(&self, clause: &Clause, architecture: &str, stock: &[BinaryEntry]) -> Result<Option<String>, Failure> {
        let asked: Vec<&Relation> =
            clause.iter().filter(|relation| holds_on(relation, architecture) && is_usual(relation)).collect();
        if asked.is_empty() || asked.iter().any(|relation| is_satisfied(relation, stock)) {
            return Ok(None);
        }
        if let Some(ppa) = self.ppa {
            for relation in &asked {
                let there = ppa.sources(&relation.package)?;
                if there.iter().any(|publication| publication.is_active_in(&self.series.name)) {
                    return Ok(None);
                }
            }
        }
        let has: BTreeSet<String> = stock
            .iter()
            .filter(|entry| asked.iter().any(|relation| relation.package == entry.package))
            .map(|entry| format!("{} {}", entry.package, entry.version))
            .collect();
        Ok(Some(match has.is_empty() {
            true => format!("not there for {architecture}"),
            false => format!("it has {}", has.into_iter().collect::<Vec<_>>().join(", ")),
        }))
    }
}

/// Whether a relation counts in a usual build: of its profiles, all are negated in
/// some list, or there are none.
fn is_usual(relation: &Relation) -> bool {
    relation.profiles.is_empty()
        || relation.profiles.iter().any(|list| list.iter().all(|profile| profile.starts_with('!')))
}

fn is_satisfied(relation: &Relation, stock: &[BinaryEntry]) -> bool {
    stock.iter().any(|entry| match (&relation.version, entry.package == relation.package) {
        (Some((operator, version)), true) => {
            Version::parse(version).is_ok_and(|v| is_in(&entry.version, *operator, &v))
        }
        (None, true) => true,
        (_, false) => entry.is_provider_of(&relation.package),
    })
}

fn is_in(version: &Version, operator: Operator, wanted: &Version) -> bool {
    match operator {
        Operator::Earlier => version < wanted,
        Operator::EarlierOrEqual => version <= wanted,
        Operator::Equal => version == wanted,
        Operator::LaterOrEqual => version >= wanted,
        Operator::Later => version > wanted,
    }
}
