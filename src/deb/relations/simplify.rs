//! What dpkg-source makes of Build-Depends and Build-Conflicts in the .dsc:
//! clauses that others imply are dropped, conflicts merged and sorted.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use super::{Clause, Operator, Relation, Relations};
use crate::deb::version::Version;

/// Drops every clause that another one implies. Where the stronger clause comes
/// later, it moves to the place of the weaker one.
pub fn simplify(relations: Relations) -> Relations {
    let mut rest = VecDeque::from(relations.clauses);
    let mut kept: Vec<Clause> = Vec::new();
    while let Some(clause) = rest.pop_front() {
        if kept.iter().any(|other| implies(other, &clause)) {
            continue;
        }
        match rest.iter().position(|other| implies(other, &clause)).and_then(|i| rest.remove(i)) {
            Some(stronger) => rest.push_front(stronger),
            None => kept.push(clause),
        }
    }
    Relations { clauses: kept }
}

/// For Build-Conflicts: merges what covers one package to the widest range, then
/// sorts by package, operator and version.
pub fn simplify_union(relations: Relations) -> Relations {
    let mut kept: Vec<Relation> = Vec::new();
    for relation in relations.clauses.into_iter().flatten() {
        if !kept.iter_mut().any(|other| merge(other, &relation)) {
            kept.push(relation);
        }
    }
    kept.sort_by(compare);
    Relations { clauses: kept.into_iter().map(|relation| vec![relation]).collect() }
}

/// Widens `a` by `b` if one range covers both; says whether it does.
fn merge(a: &mut Relation, b: &Relation) -> bool {
    if a.package != b.package || !a.architectures.is_empty() || !b.architectures.is_empty() {
        return false;
    }
    if b.version.is_none() && a.version.is_some() {
        a.version = None;
        true
    } else if relation_implies(a, b) {
        a.version.clone_from(&b.version);
        true
    } else {
        relation_implies(b, a)
    }
}

fn compare(a: &Relation, b: &Relation) -> Ordering {
    let rank = |relation: &Relation| match relation.version.as_ref().map(|(operator, _)| operator) {
        None => 0,
        Some(Operator::LaterOrEqual) => 1,
        Some(Operator::Later) => 2,
        Some(Operator::Equal) => 3,
        Some(Operator::Earlier) => 4,
        Some(Operator::EarlierOrEqual) => 5,
    };
    let version = |relation: &Relation| relation.version.as_ref().map(|(_, version)| version.clone());
    a.package.cmp(&b.package).then_with(|| rank(a).cmp(&rank(b))).then_with(|| version(a).cmp(&version(b)))
}

/// Whether `b` holds wherever `a` holds. A single relation implies alternatives
/// if it implies one; alternatives imply alternatives if each implies one.
fn implies(a: &[Relation], b: &[Relation]) -> bool {
    match (a, b) {
        ([a], b) => b.iter().any(|b| relation_implies(a, b)),
        (_, [_]) => false,
        (a, b) => a.iter().all(|a| b.iter().any(|b| relation_implies(a, b))),
    }
}

fn relation_implies(a: &Relation, b: &Relation) -> bool {
    a.package == b.package
        && a.qualifier == b.qualifier
        && covers_architectures(&a.architectures, &b.architectures)
        && covers_profiles(&a.profiles, &b.profiles)
        && version_implies(a.version.as_ref(), b.version.as_ref())
}

/// Whether list `a` is surely about every architecture that `b` is about.
///
/// dpkg takes every list for a negated one (an operator precedence in its
/// `_arch_is_superset`) and so drops `foo [amd64 i386]` beside `foo [amd64]`, which
/// loses a dependency. Only what both its rule and the meaning allow is dropped here.
fn covers_architectures(a: &[String], b: &[String]) -> bool {
    let negated = |list: &[String]| list.first().is_some_and(|first| first.starts_with('!'));
    let within = |a: &[String], b: &[String]| a.iter().all(|name| b.contains(name));
    match (negated(a), negated(b)) {
        _ if a.is_empty() => true,
        _ if b.is_empty() => false,
        (true, true) => within(a, b),
        (false, false) => within(a, b) && within(b, a),
        _ => false,
    }
}

fn covers_profiles(a: &[Vec<String>], b: &[Vec<String>]) -> bool {
    let sets = |lists: &[Vec<String>]| -> BTreeSet<Vec<String>> {
        lists
            .iter()
            .map(|list| {
                let mut list = list.clone();
                list.sort();
                list
            })
            .collect()
    };
    a.is_empty() || (!b.is_empty() && sets(b).is_subset(&sets(a)))
}

fn version_implies(a: Option<&(Operator, String)>, b: Option<&(Operator, String)>) -> bool {
    use Operator::{Earlier, EarlierOrEqual, Equal, Later, LaterOrEqual};
    let (Some((operator_a, a)), Some((operator_b, b))) = (a, b) else {
        return b.is_none();
    };
    let (Ok(a), Ok(b)) = (Version::parse(a), Version::parse(b)) else {
        return false;
    };
    match (operator_b, operator_a) {
        (Equal, Equal) => a == b,
        (EarlierOrEqual, Earlier | EarlierOrEqual | Equal) => a <= b,
        (Earlier, Earlier) => a <= b,
        (Earlier, EarlierOrEqual | Equal) => a < b,
        (LaterOrEqual, Later | LaterOrEqual | Equal) => a >= b,
        (Later, Later) => a >= b,
        (Later, LaterOrEqual | Equal) => a > b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, parse};
    use super::*;

    #[test]
    fn implied_clauses_vanish() {
        for (text, expected) in [
            ("debhelper (>= 9), x, debhelper (>= 10)", "debhelper (>= 10), x"),
            ("a|b, b", "b"),
            ("a | b, c, a", "a, c"),
            ("foo, foo [amd64], foo <!x>", "foo"),
            ("foo [amd64], foo", "foo"),
            ("foo [amd64], foo [amd64 i386]", "foo [amd64], foo [amd64 i386]"),
            ("foo [amd64 i386], foo (>= 1) [i386 amd64]", "foo (>= 1) [i386 amd64]"),
            ("foo [!amd64 !i386], foo [!amd64]", "foo [!amd64]"),
            ("foo [!amd64], foo [i386]", "foo [!amd64], foo [i386]"),
            ("foo [!amd64], foo [amd64]", "foo [!amd64], foo [amd64]"),
            ("foo (= 1), foo (>= 1), foo (<< 2)", "foo (= 1)"),
            ("foo (>= 1), foo (<< 2)", "foo (>= 1), foo (<< 2)"),
            ("foo:any, foo", "foo:any, foo"),
            ("a | b | c, b | a", "b | a"),
            ("foo <x y>, foo <y x>", "foo <y x>"),
            ("foo (>> 1), foo (>= 1)", "foo (>> 1)"),
            ("foo (>= 1), foo (>> 1)", "foo (>> 1)"),
            ("foo (<< 3), foo (<= 2)", "foo (<= 2)"),
            ("foo, foo", "foo"),
        ] {
            assert_eq!(simplify(parse(text, Kind::Build).unwrap()).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn conflicts_are_merged_and_sorted() {
        for (text, expected) in [
            ("zoo, bar (<< 2), bar (<< 3)", "bar (<< 3), zoo"),
            ("bar (<< 2), bar", "bar"),
            ("bar, bar (<< 2)", "bar"),
            ("bar [amd64], bar", "bar [amd64], bar"),
            ("b (<< 1), b (>= 2), a (= 1)", "a (= 1), b (>= 2), b (<< 1)"),
        ] {
            assert_eq!(simplify_union(parse(text, Kind::BuildConflicts).unwrap()).to_string(), expected, "{text}");
        }
    }
}
