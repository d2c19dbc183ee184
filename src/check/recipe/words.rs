//! How packages are named and described, and under which terms they come.

use std::collections::BTreeSet;

use super::rules::{self, LintRule};
use super::{Lint, Subject};
use crate::deb::architecture;
use crate::deb::relations::{self, Kind, Relation};
use crate::diagnostic::Failure;
use crate::plan::{Package, Target};
use crate::render;

/// Names, summaries, relations that never hold, copyright.
pub fn lint(subject: &Subject) -> Result<Vec<Lint>, Failure> {
    let mut found = Vec::new();
    // the same package stands in the targets of several series
    let mut seen = BTreeSet::new();
    for target in subject.targets {
        for package in &target.packages {
            found.extend(summary(subject, package).into_iter().filter(|lint| seen.insert(key(lint))));
            found.extend(name(subject, &package.name, target).filter(|lint| seen.insert(key(lint))));
            let clauses = all_clauses(package);
            let own = never(subject, &clauses, &package.architectures, &package.name);
            found.extend(own.into_iter().filter(|lint| seen.insert(key(lint))));
        }
        let built_for: Vec<String> = target.packages.iter().flat_map(|p| p.architectures.clone()).collect();
        let of_build = never(subject, &target.build_depends, &built_for, &target.name);
        found.extend(of_build.into_iter().filter(|lint| seen.insert(key(lint))));
        found.extend(copyright(subject, target)?.into_iter().filter(|lint| seen.insert(key(lint))));
    }
    Ok(found)
}

fn key(lint: &Lint) -> (&'static str, String) {
    (lint.rule.code, lint.message.clone())
}

/// Policy 3.4.1.
fn summary(subject: &Subject, package: &Package) -> Vec<Lint> {
    let text = package.summary.as_str();
    let lower = text.to_lowercase();
    let is_article = ["a ", "an ", "the "].iter().any(|article| lower.starts_with(article));
    let is_stopped = text.ends_with('.') && !["etc.", "...", "Inc.", "Ltd."].iter().any(|end| text.ends_with(end));
    let behind_name = lower.strip_prefix(&package.name);
    let is_named = behind_name.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'));
    let length = text.chars().count();
    let told: [(bool, &'static LintRule, String); 4] = [
        (is_article, &rules::SUMMARY_ARTICLE, format!("the summary of {} begins with an article", package.name)),
        (is_stopped, &rules::SUMMARY_FULL_STOP, format!("the summary of {} ends with a full stop", package.name)),
        (length > 80, &rules::SUMMARY_LONG, format!("the summary of {} has {length} characters", package.name)),
        (is_named, &rules::SUMMARY_NAME, format!("the summary of {} begins with its name", package.name)),
    ];
    let place = subject.text(text).or_else(|| subject.key("summary"));
    told.into_iter()
        .filter(|(is_so, ..)| *is_so)
        .map(|(_, rule, message)| Lint::new(rule, message).at(place.clone()))
        .collect()
}

/// Series and architectures are axes of a recipe, not parts of names.
fn name(subject: &Subject, name: &str, target: &Target) -> Option<Lint> {
    let series = subject.recipe.series().iter().map(|series| series.name.as_str());
    let architectures = target.packages.iter().flat_map(|package| &package.architectures).map(String::as_str);
    let axes: Vec<&str> = series.chain(architectures).filter(|axis| !["all", "any"].contains(axis)).collect();
    let axis = name.split('-').skip(1).find(|part| axes.contains(part))?;
    let message = format!("the name of {name} names {axis}");
    Some(Lint::new(&rules::NAME_OF_AXIS, message).at(subject.text(name).or_else(|| subject.key("name"))))
}

fn all_clauses(package: &Package) -> Vec<String> {
    let r = &package.relations;
    let lists = [&r.depends, &r.pre_depends, &r.recommends, &r.suggests, &r.enhances];
    lists.into_iter().flatten().cloned().collect()
}

/// Relations that are restricted to what the package is not built for.
fn never(subject: &Subject, clauses: &[String], built_for: &[String], package: &str) -> Vec<Lint> {
    if built_for.iter().any(|name| name == "any" || name == "all" || architecture::is_wildcard(name)) {
        return Vec::new();
    }
    let dead = |relation: &Relation| {
        !relation.architectures.is_empty() && !built_for.iter().any(|name| holds_on(relation, name))
    };
    let mut found = Vec::new();
    for clause in clauses {
        // substvars are legal in one kind of them, and harmless here
        let Ok(parsed) = relations::parse(clause, Kind::Depends) else { continue };
        for relation in parsed.clauses.iter().flatten().filter(|relation| dead(relation)) {
            let message = format!("`{relation}` never holds: {package} is built for {} only", built_for.join(", "));
            found.push(Lint::new(&rules::ARCHITECTURE_NEVER, message).at(subject.text(clause)));
        }
    }
    found
}

/// Whether a relation is one on an architecture (`[amd64 !i386]`).
pub fn holds_on(relation: &Relation, name: &str) -> bool {
    let covers = |wildcard: &str| wildcard == name || architecture::covers(wildcard, name);
    let (not, only): (Vec<&String>, Vec<&String>) =
        relation.architectures.iter().partition(|restriction| restriction.starts_with('!'));
    !not.iter().any(|restriction| covers(restriction.trim_start_matches('!')))
        && (only.is_empty() || only.iter().any(|restriction| covers(restriction)))
}

fn copyright(subject: &Subject, target: &Target) -> Result<Vec<Lint>, Failure> {
    if target.overrides.iter().any(|file| file == "copyright") {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    if target.copyright.is_empty() && !target.sources.is_empty() {
        let message = format!("debian/copyright says that \"The {} authors\" hold the copyright", target.name);
        found.push(Lint::new(&rules::NO_COPYRIGHT_HOLDER, message).at(subject.key("license")));
    }
    // where there is an upstream tree, the build looks for the text there
    if target.sources.is_empty() {
        for id in render::licences_without_text(target)? {
            let message = format!("there is no text of the licence {id}");
            found.push(Lint::new(&rules::LICENCE_TEXT, message).at(subject.key("license")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restrictions_hold_where_they_say() {
        let holds = |text: &str, name: &str| {
            let parsed = relations::parse(text, Kind::Depends).unwrap();
            holds_on(&parsed.clauses[0][0], name)
        };
        assert!(holds("a", "amd64") && holds("a [amd64 i386]", "i386") && holds("a [linux-any]", "arm64"));
        assert!(holds("a [!i386]", "amd64") && !holds("a [!i386]", "i386"));
        assert!(!holds("a [armhf]", "amd64") && !holds("a [!linux-any]", "amd64"));
    }
}
