//! What is special about PPAs: what they build for, and how much they hold.

use std::collections::BTreeSet;

use super::rules;
use super::{Lint, Subject};
use crate::check::holdings::{Holdings, Settings};
use crate::diagnostic::Failure;
use crate::plan::{Location, Source, Target};
use crate::series::Distro;

/// The space of a PPA for which nobody asked for more.
const SPACE: u64 = 8 << 30;

/// Architectures that are off, and the space that source packages take.
pub fn lint(subject: &Subject, ppa: &dyn Holdings) -> Result<Vec<Lint>, Failure> {
    let settings = ppa.settings()?;
    Ok(architectures(subject, &settings).into_iter().chain(space(subject, &settings)).collect())
}

fn of_ubuntu<'s>(subject: &'s Subject) -> impl Iterator<Item = &'s Target> {
    subject.targets.iter().filter(|target| target.series.distro == Distro::Ubuntu)
}

fn architectures(subject: &Subject, settings: &Settings) -> Option<Lint> {
    let named = of_ubuntu(subject).flat_map(|target| &target.packages).flat_map(|package| &package.architectures);
    let is_off = |name: &&String| !["all", "any"].contains(&name.as_str()) && !settings.architectures.contains(name);
    let off: BTreeSet<&str> = named.filter(is_off).map(String::as_str).collect();
    let names = off.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!("packages are for {names}, which a PPA does not build for unless told to");
    (!names.is_empty()).then(|| Lint::new(&rules::PPA_ARCHITECTURES, message).at(subject.key("architectures")))
}

/// Orig files, once for each series: Launchpad counts what is uploaded, and every
/// series' upload has them until the first is published.
fn space(subject: &Subject, settings: &Settings) -> Option<Lint> {
    let size = |source: &Source| match &source.location {
        Location::Pool(file) => file.size,
        other => subject.lock.pin(&other.key()).map_or(0, |pin| pin.size),
    };
    let mut series = BTreeSet::new();
    let mut total = 0u64;
    for target in of_ubuntu(subject) {
        series.insert(&target.series.name);
        total = target.sources.iter().map(size).fold(total, u64::saturating_add);
    }
    let limit = settings.quota.map_or(SPACE, |quota| quota.limit);
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let message =
        format!("the orig files of {} series take {} of {} MiB of the PPA", series.len(), mib(total), mib(limit));
    (total > limit / 2).then(|| Lint::new(&rules::PPA_QUOTA, message).at(subject.key("series")))
}
