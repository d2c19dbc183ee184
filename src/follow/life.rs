//! The life of a recipe's series: new ones that it does not name, those at the end
//! of their support, and what the lock has to keep of those that a pkgr may not
//! know. Nothing is changed in the recipe; each finding has the one line to write.

use crate::diagnostic::Diagnostic;
use crate::lock::{Lock, LockedSeries};
use crate::recipe::Recipe;
use crate::recipe::value::Item;
use crate::series::{Catalog, Distro, Series, shipped};

/// What is to be said of a recipe's series on `today` (ISO date), by the newest
/// data at hand.
pub fn life(recipe: &Recipe, newest: &Catalog, today: &str) -> Vec<Diagnostic> {
    let named: Vec<&Series> = recipe.series().iter().map(|one| newest.find(&one.name).unwrap_or(one)).collect();
    let mut said = Vec::new();
    for distro in [Distro::Debian, Distro::Ubuntu] {
        let own: Vec<&Series> = named.iter().copied().filter(|series| series.distro == distro).collect();
        said.extend(proposals(&own, newest, today).into_iter().map(|new| proposal(recipe, new, today)));
    }
    said.extend(named.iter().filter(|series| series.is_dead(today)).map(|series| dead(recipe, series)));
    let extended: Vec<&Series> =
        named.iter().copied().filter(|series| series.is_eol(today) && !series.is_dead(today)).collect();
    if let Some(first) = extended.first() {
        let until = |series: &&Series| format!("{} until {}", series.name, series.eol_extended);
        let until: Vec<String> = extended.iter().map(until).collect();
        let message = format!("general support has ended, and extended support goes on: {}", until.join(", "));
        said.push(at(recipe, &first.name, Diagnostic::note("series-extended", message)));
    }
    said
}

/// Series after the newest one that is named, which exist by now and live on. Who
/// names only Ubuntu's LTS is not asked to take the others.
fn proposals<'c>(named: &[&Series], newest: &'c Catalog, today: &str) -> Vec<&'c Series> {
    let Some(last) = named.iter().map(|series| series.created.as_str()).max() else { return Vec::new() };
    let only_lts = named.iter().all(|series| series.lts);
    let distro = named.first().map(|series| series.distro);
    let wanted = |series: &&Series| {
        Some(series.distro) == distro
            && !series.number.is_empty()
            && series.created.as_str() > last
            && series.created.as_str() <= today
            && !series.is_eol(today)
            && (series.lts || !only_lts)
    };
    newest.all().iter().filter(wanted).collect()
}

fn proposal(recipe: &Recipe, new: &Series, today: &str) -> Diagnostic {
    let state = match new.release.as_str() {
        "" => "is in development".to_string(),
        release if release > today => format!("is in development, to be released on {release}"),
        release => format!("was released on {release}"),
    };
    let vendor = new.distro.vendor();
    let message = format!("{vendor} {} {} {state}, and the recipe does not name it", new.number, new.name);
    let mut names = names(recipe);
    names.push(new.name.clone());
    let note = Diagnostic::note("series-new", message).hint(format!("to build for it: {}", line(&names)));
    match recipe.root().field("series") {
        Some(field) => note.at(recipe.document().place(&field.span)),
        None => note,
    }
}

fn dead(recipe: &Recipe, series: &Series) -> Diagnostic {
    let last = series.eol.as_str().max(series.eol_extended.as_str());
    let message = format!("{} is at its end of life since {last}: no archive builds for it for long", series.name);
    let mut names = names(recipe);
    names.retain(|name| *name != series.name);
    let warning = Diagnostic::warning("series-eol", message);
    at(recipe, &series.name, warning.hint(format!("to drop it: {}", line(&names))))
}

fn names(recipe: &Recipe) -> Vec<String> {
    recipe.root().list("series").iter().map(|item| item.identity().to_string()).collect()
}

fn line(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("`series = [{}]`", quoted.join(", "))
}

fn at(recipe: &Recipe, name: &str, diagnostic: Diagnostic) -> Diagnostic {
    let item = recipe.root().list("series").iter().find(|item| item.identity() == name);
    match item.map(Item::span) {
        Some(span) => diagnostic.at(recipe.document().place(span)),
        None => diagnostic,
    }
}

/// Keeps in the lock what is not compiled in, of the series that the recipe names;
/// returns the names of those that are new there.
pub fn keep(recipe: &Recipe, lock: &mut Lock) -> Vec<String> {
    let unknown = recipe.series().iter().filter(|series| shipped().find(&series.name).is_none());
    let kept: Vec<LockedSeries> = unknown
        .map(|series| {
            let locked = lock.series.iter().find(|row| row.name == series.name);
            locked.cloned().unwrap_or_else(|| LockedSeries::of(series))
        })
        .collect();
    let new = kept
        .iter()
        .filter(|row| !lock.series.contains(row))
        .map(|row| format!("{} {}", row.number, row.name))
        .collect();
    // what a newer pkgr has compiled in is still needed by an older one
    let named = |row: &LockedSeries| recipe.series().iter().any(|series| series.name == row.name);
    lock.series.retain(|row| named(row) && !kept.iter().any(|other| other.name == row.name));
    lock.series.extend(kept);
    lock.series.sort_by(|a, b| (&a.distro, &a.created, &a.name).cmp(&(&b.distro, &b.created, &b.name)));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(series: &str, today: &str) -> Vec<String> {
        let text = format!(
            "name = \"hello\"\nversion = \"1\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\nseries = [{series}]\n"
        );
        let recipe = crate::recipe::parse(std::path::Path::new("recipe.toml"), text).unwrap();
        let show = |d: Diagnostic| format!("{} {} {}", d.code, d.message, d.hints.join(" "));
        life(&recipe, shipped(), today).into_iter().map(show).collect()
    }

    #[test]
    fn new_series_are_proposed_to_whom_they_concern() {
        let lts = said("\"jammy\"", "2026-11-24");
        assert_eq!(lts.len(), 2, "{lts:?}");
        assert!(lts[0].contains("noble was released on 2024-04-25") && lts[1].contains("resolute"), "{lts:?}");
        assert!(lts[1].ends_with("`series = [\"jammy\", \"resolute\"]`"), "{lts:?}");
        let all = said("\"resolute\", \"questing\", \"trixie\"", "2026-11-24");
        assert!(all.iter().any(|line| line.contains("stonking was released")), "{all:?}");
        assert!(all.iter().any(|line| line.contains("tenacious is in development, to be released on 2027")), "{all:?}");
        assert!(all.iter().any(|line| line.contains("Debian 14 forky is in development, and")), "{all:?}");
        assert!(!all.iter().any(|line| line.contains("duke")), "not before it exists: {all:?}");
    }

    #[test]
    fn the_end_of_a_series_is_told_with_what_to_write() {
        let all = said("\"focal\", \"questing\", \"resolute\"", "2026-11-24");
        assert!(
            all.iter().any(|line| line.starts_with("series-eol questing")
                && line.ends_with("`series = [\"focal\", \"resolute\"]`")),
            "{all:?}"
        );
        assert!(
            all.iter().any(|line| line.starts_with("series-extended") && line.contains("focal until 20")),
            "{all:?}"
        );
        assert_eq!(said("\"trixie\", \"forky\"", "2026-11-24"), Vec::<String>::new());
    }
}
