//! The order between recipes: which have to be published before others can be
//! built, because they make a package that those build-depend on (Policy 7.7).
//!
//! Only what is certain counts: a package that the other recipe makes, or
//! provides, for the same series. Which of several alternatives a builder takes
//! is not known, so each counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::deb::relations::{self, Kind};
use crate::diagnostic::{Diagnostic, Failure};

use super::Target;

/// Recipes that wait for one another: no order builds them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("recipes build-depend on one another in a circle: {}", names.join(" -> "))]
pub struct Cycle {
    /// Names of the source packages along the circle; the first is the last too.
    pub names: Vec<String>,
}

impl From<Cycle> for Failure {
    fn from(cycle: Cycle) -> Failure {
        let hint = "build one of them without the other once (a build profile, or an earlier version), then in turn";
        Failure::recipe(Diagnostic::error("recipe-cycle", cycle.to_string()).hint(hint))
    }
}

/// The recipes, each given by its targets, in levels: those of a level wait for
/// nothing but recipes of the levels before it. Numbers are positions in
/// `recipes`, and each level keeps their order.
pub fn order(recipes: &[&[Target]]) -> Result<Vec<Vec<usize>>, Cycle> {
    let waits = waits(recipes);
    let mut levels: Vec<Vec<usize>> = Vec::new();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    while done.len() < recipes.len() {
        let ready = |index: &usize| !done.contains(index) && waits.get(index).is_none_or(|on| on.is_subset(&done));
        let level: Vec<usize> = (0..recipes.len()).filter(ready).collect();
        if level.is_empty() {
            let names =
                circle(&waits, &done).into_iter().filter_map(|index| Some(recipes.get(index)?.first()?.name.clone()));
            return Err(Cycle { names: names.collect() });
        }
        done.extend(&level);
        levels.push(level);
    }
    Ok(levels)
}

/// Which recipes each one waits for.
pub fn waits(recipes: &[&[Target]]) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut makers: BTreeMap<(&str, String), BTreeSet<usize>> = BTreeMap::new();
    for (index, target) in targets(recipes) {
        for name in made(target) {
            makers.entry((target.series.name.as_str(), name)).or_default().insert(index);
        }
    }
    let mut waits: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (index, target) in targets(recipes) {
        for name in needed(target) {
            let found = makers.get(&(target.series.name.as_str(), name)).into_iter().flatten();
            waits.entry(index).or_default().extend(found.filter(|maker| **maker != index));
        }
    }
    waits
}

fn targets<'t>(recipes: &'t [&'t [Target]]) -> impl Iterator<Item = (usize, &'t Target)> {
    recipes.iter().enumerate().flat_map(|(index, targets)| targets.iter().map(move |target| (index, target)))
}

/// The binary packages of a target, and what they provide.
fn made(target: &Target) -> Vec<String> {
    let provided = |package: &super::Package| names(&package.relations.provides, Kind::Provides);
    let all =
        |package: &super::Package| [vec![package.name.clone()], provided(package), package.formerly.clone()].concat();
    target.packages.iter().flat_map(all).collect()
}

fn needed(target: &Target) -> Vec<String> {
    let all = [&target.build_depends, &target.build_depends_indep];
    all.iter().flat_map(|clauses| names(clauses, Kind::Build)).collect()
}

/// The packages of relations that evaluation has checked.
fn names(clauses: &[String], kind: Kind) -> Vec<String> {
    let parsed = clauses.iter().filter_map(|clause| relations::parse(clause, kind).ok());
    parsed.flat_map(|relations| relations.clauses.into_iter().flatten()).map(|relation| relation.package).collect()
}

/// A way around: from any recipe that is left, on to one that it waits for,
/// until one comes again.
fn circle(waits: &BTreeMap<usize, BTreeSet<usize>>, done: &BTreeSet<usize>) -> Vec<usize> {
    let next = |index: &usize| waits.get(index)?.iter().find(|on| !done.contains(on)).copied();
    let mut path: Vec<usize> = waits.keys().find(|index| !done.contains(index)).copied().into_iter().collect();
    while let Some(index) = path.last().and_then(next) {
        if let Some(start) = path.iter().position(|seen| *seen == index) {
            path.push(index);
            return path.split_off(start);
        }
        path.push(index);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Lock;
    use crate::plan::{EvaluateOptions, evaluate};

    fn targets_of(name: &str, series: &str, more: &str) -> Vec<Target> {
        let text = format!(
            "name = \"{name}\"\nversion = \"1\"\nsummary = \"one of several\"\nlicense = \"MIT\"\n\
             maintainer = \"A B <a@example.org>\"\nseries = [{series}]\n{more}\n"
        );
        let recipe = crate::recipe::parse(std::path::Path::new("recipe.toml"), text).unwrap();
        let now = "Tue, 24 Nov 2026 08:00:00 +0000".to_string();
        evaluate(&recipe, &Lock::default(), &EvaluateOptions { now, ..EvaluateOptions::default() }).unwrap().targets
    }

    fn levels(recipes: &[Vec<Target>]) -> Result<Vec<Vec<usize>>, Cycle> {
        order(&recipes.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_needed_comes_first() {
        let program = targets_of("aprog", "\"jammy\"", "build-depends = [\"libx-dev (>= 1) [amd64]\", \"debhelper\"]");
        let library =
            targets_of("libx", "\"jammy\"", "build-depends = [\"old-tool | atool\"]\nprovides = [\"libx-dev\"]");
        let tool = targets_of("atool", "\"jammy\", \"noble\"", "");
        let alone = targets_of("alone", "\"noble\"", "build-depends = [\"libx-dev\"]");
        let found = levels(&[program, library, tool, alone]);
        assert_eq!(found.unwrap(), [vec![2, 3], vec![1], vec![0]], "another series' package does not help");
    }

    #[test]
    fn a_recipe_does_not_wait_for_itself() {
        assert_eq!(levels(&[targets_of("selfish", "\"jammy\"", "build-depends = [\"selfish\"]")]).unwrap(), [vec![0]]);
        assert!(levels(&[]).unwrap().is_empty());
    }

    #[test]
    fn circles_are_named() {
        let one = targets_of("one", "\"jammy\"", "build-depends = [\"two\"]");
        let two = targets_of("two", "\"jammy\"", "build-depends = [\"three\"]");
        let three = targets_of("three", "\"jammy\"", "build-depends = [\"two\"]");
        let failure = Failure::from(levels(&[one, two, three]).unwrap_err());
        assert!(failure.diagnostics[0].message.ends_with("two -> three -> two"), "{failure}");
    }
}
