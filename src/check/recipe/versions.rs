//! Versions rise: from series to series, over what the lock gave before, and over
//! what the PPA has.

use super::rules;
use super::{Lint, Subject};
use crate::check::holdings::{Holdings, Publication};
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::plan::Target;

/// All that is wrong with the versions of the targets.
pub fn lint(subject: &Subject, ppa: Option<&dyn Holdings>) -> Result<Vec<Lint>, Failure> {
    let mut found = over_series(subject);
    found.extend(subject.targets.iter().filter_map(|target| over_the_lock(subject, target)));
    if let Some(ppa) = ppa {
        for target in subject.targets {
            found.extend(over_the_ppa(subject, target, &ppa.sources(&target.name)?));
        }
    }
    Ok(found)
}

/// Each series of a distribution against the one before it.
fn over_series(subject: &Subject) -> Vec<Lint> {
    let mut targets: Vec<&Target> = subject.targets.iter().collect();
    targets.sort_by(|a, b| (&a.name, &a.series).cmp(&(&b.name, &b.series)));
    let pairs = targets.iter().zip(targets.iter().skip(1));
    let falls = pairs.filter(|(earlier, later)| {
        earlier.name == later.name
            && earlier.series.distro == later.series.distro
            && earlier.series != later.series
            && earlier.version >= later.version
    });
    falls
        .map(|(earlier, later)| {
            let message = format!(
                "{} {} for {} is not higher than {} for {}",
                later.name, later.version, later.series, earlier.version, earlier.series
            );
            Lint::new(&rules::VERSION_ORDER, message).at(subject.key("version"))
        })
        .collect()
}

/// The highest version that an entry gave the series, or that was taken for it.
fn over_the_lock(subject: &Subject, target: &Target) -> Option<Lint> {
    let series = &target.series.name;
    let given = subject.lock.entries.iter().filter_map(|entry| entry.versions.get(series));
    let taken = subject.lock.taken.iter().filter(|taken| taken.series == *series).map(|taken| &taken.version);
    let highest = given.chain(taken).filter_map(|version| Version::parse(version).ok()).max()?;
    let falls = highest > target.version;
    let message =
        || format!("{} {} for {series} is lower than {highest}, which was there before", target.name, target.version);
    falls.then(|| Lint::new(&rules::VERSION_FALLS, message()).at(subject.key("version")))
}

fn over_the_ppa(subject: &Subject, target: &Target, there: &[Publication]) -> Option<Lint> {
    let series = &target.series.name;
    let text = target.version.to_string();
    let place = || subject.key("version");
    if there.iter().any(|publication| publication.version == text) {
        let message = format!("the PPA has had {} {text} already, and the lock did not give it", target.name);
        return (!subject.lock.has_given(&text)).then(|| Lint::new(&rules::VERSION_USED, message).at(place()));
    }
    let active = there.iter().filter(|publication| publication.is_active_in(series));
    let highest = active.filter_map(|publication| Version::parse(&publication.version).ok()).max()?;
    let falls = highest > target.version;
    let message = || format!("{} {text} for {series} is lower than {highest}, which the PPA has", target.name);
    falls.then(|| Lint::new(&rules::VERSION_FALLS, message()).at(place()))
}
