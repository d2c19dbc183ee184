//! Launchpad: whether it answers, has the PPA, publishes it, and takes uploads for the
//! series. Asked anonymously.

use super::check::{Check, Group, Status};
use super::tasks::Task;
use super::{Aim, Clocks, SHORT, Subject, patience};
use crate::diagnostic::Failure;
use crate::fetch;
use crate::launchpad::{self, Archive, Client, LaunchpadError, Ppa, SeriesStatus};
use crate::listener::Silent;
use crate::series::Series;

/// What is asked.
struct Question {
    ppa: Option<Ppa>,
    series: Vec<Series>,
    weight: Status,
    settings: launchpad::Settings,
    fetching: fetch::Options,
}

/// Asks for what `aim` is.
pub fn task(subject: &Subject, aim: &Aim, series: &[Series], clocks: &Clocks) -> Task {
    let named = aim.target.rules.ppa.as_ref().filter(|_| aim.is_named);
    let question = Question {
        ppa: named.and_then(|ppa| ppa.to_string().parse().ok()),
        series: match named.and_then(|ppa| ppa.series.as_ref()) {
            Some(only) => series.iter().filter(|series| series.name == *only).cloned().collect(),
            None => series.to_vec(),
        },
        weight: aim.weight(),
        settings: launchpad::Settings { limit: SHORT * 2, ..subject.launchpad.clone() },
        fetching: subject.fetching.clone(),
    };
    let clocks = clocks.clone();
    Task {
        group: Group::Reachability,
        code: "launchpad",
        what: format!("Launchpad, {}", question.settings.service),
        weight: question.weight,
        work: Box::new(move || question.ask(&clocks)),
    }
}

impl Question {
    fn ask(self, clocks: &Clocks) -> Vec<Check> {
        let failed = |failure: Failure| Check::failed(Group::Reachability, self.weight, failure);
        let client = match Client::new(self.settings.clone(), self.fetching.clone(), &Silent) {
            Ok(client) => client.with_patience(patience()),
            Err(failure) => return failed(failure),
        };
        let found = match &self.ppa {
            None => match client.distribution("ubuntu") {
                Ok(_) => vec![Check::ok(
                    Group::Reachability,
                    "launchpad",
                    format!("Launchpad answers, {}", self.settings.service),
                )],
                Err(error) => failed(error.into()),
            },
            Some(ppa) => match client.archive(ppa) {
                Ok(archive) => {
                    let mut found = published(ppa, &archive);
                    found.extend(self.open_series(&client, &archive));
                    found
                }
                Err(error) => self.no_ppa(ppa, error),
            },
        };
        clocks.add(client.clock_ahead());
        found
    }

    fn no_ppa(&self, ppa: &Ppa, error: LaunchpadError) -> Vec<Check> {
        let is_missing = error.is_missing();
        // uploads to a private one are taken all the same
        let is_private = matches!(error, LaunchpadError::Private { .. });
        let weight = if is_private { Status::Warning } else { self.weight };
        let mut found = Check::failed(Group::Reachability, weight, error.into());
        if let (true, Some(first)) = (is_missing, found.first_mut()) {
            first.found = format!("Launchpad has no {ppa}");
            first.cures.push(format!("or make it at https://launchpad.net/~{}/+activate-ppa", ppa.owner));
        }
        found
    }

    /// Whether the series take uploads.
    fn open_series(&self, client: &Client, archive: &Archive) -> Vec<Check> {
        if self.series.is_empty() {
            return Vec::new();
        }
        let known = match client.series("ubuntu") {
            Ok(known) => known,
            Err(error) => return Check::failed(Group::Reachability, Status::Warning, error.into()),
        };
        let mut open = Vec::new();
        let mut found = Vec::new();
        for series in &self.series {
            match known.iter().find(|one| one.name == series.name).map(|one| &one.status) {
                None => {
                    let message = format!("Launchpad does not know {series}: it takes no uploads for it");
                    found.push(Check::warning(Group::Reachability, "series-unknown", message));
                }
                Some(SeriesStatus::Obsolete) if !archive.permit_obsolete_series_uploads => {
                    let message = format!("{series} is obsolete and will not accept new uploads");
                    let check = Check::warning(Group::Reachability, "series-obsolete", message);
                    found.push(check.cure(format!("drop `\"{series}\"` from `series`")));
                }
                Some(_) => open.push(series.name.as_str()),
            }
        }
        if !open.is_empty() {
            let message = format!("Launchpad takes uploads for {}", open.join(", "));
            found.insert(0, Check::ok(Group::Reachability, "series", message));
        }
        found
    }
}

fn published(ppa: &Ppa, archive: &Archive) -> Vec<Check> {
    let name = &archive.displayname;
    match archive.publish {
        true => vec![Check::ok(Group::Reachability, "ppa", format!("Launchpad has {ppa}, {name}"))],
        false => {
            let found = format!("{ppa} is not published: what is uploaded there is built, and nobody can install it");
            let page = format!("https://launchpad.net/~{}/+archive/{}/{}/+edit", ppa.owner, ppa.distribution, ppa.name);
            vec![
                Check::warning(Group::Reachability, "ppa-not-published", found).cure(format!("switch it on at {page}")),
            ]
        }
    }
}
