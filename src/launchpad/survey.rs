//! One state for each source package and series of a PPA, and within it for each
//! architecture, put together from publications, builds and the apt index.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

use super::Ppa;
use super::client::Client;
use super::index::Index;
use super::log::LogTail;
use super::query::SourceQuery;
use super::types::{
    Archive, BinaryPublication, Build, BuildSetStatus, BuildState, BuildSummary, PublishingStatus, SourcePublication,
};
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::parallel;
use crate::series::catalog;

/// Questions at once: enough to hide the way to the service and back.
const AT_ONCE: usize = 4;
/// Lines of a failed build's log.
const LOG_LINES: usize = 25;

/// How far an architecture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Accepted; its build is in the queue.
    Waiting,
    /// Its build is under way.
    Building,
    /// Built; not yet all in the PPA's index.
    Built,
    /// Every binary package is in the PPA's index.
    Published,
    /// Its build has ended without packages.
    Failed,
}

impl Stage {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Building => "building",
            Stage::Built => "built",
            Stage::Published => "published",
            Stage::Failed => "failed",
        }
    }

    fn of(state: &BuildState) -> Stage {
        match state {
            BuildState::NeedsBuilding => Stage::Waiting,
            BuildState::Built => Stage::Built,
            BuildState::Building | BuildState::Uploading | BuildState::Gathering | BuildState::Cancelling => {
                Stage::Building
            }
            BuildState::FailedToBuild
            | BuildState::DependencyWait
            | BuildState::ChrootProblem
            | BuildState::FailedToUpload
            | BuildState::Superseded
            | BuildState::Cancelled => Stage::Failed,
            BuildState::Other(_) => Stage::Waiting,
        }
    }
}

/// A source package in one series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageState {
    /// The source package.
    pub source: String,
    /// Its newest version there.
    pub version: String,
    /// The series; empty where nothing is known of it.
    pub series: String,
    /// Where its publication stands; `None`: the PPA has not accepted it.
    pub status: Option<PublishingStatus>,
    /// When it was accepted, ISO 8601.
    pub accepted: Option<String>,
    /// An older version that is still published.
    pub replaces: Option<String>,
    /// By the name of the architecture; empty before there are builds.
    pub architectures: Vec<ArchitectureState>,
}

/// One architecture of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArchitectureState {
    /// `amd64`
    pub architecture: String,
    /// How far it is.
    pub stage: Stage,
    /// The service's own word.
    pub build_state: BuildState,
    /// The build's page for people.
    pub page: Option<String>,
    /// Its whole log.
    pub log_url: Option<String>,
    /// The end of a failed build's log.
    pub log: Option<LogTail>,
    /// What the build waits for, in [`BuildState::DependencyWait`].
    pub dependencies: Option<String>,
    /// Its binary packages which the PPA's index does not have yet.
    pub missing: Vec<String>,
}

impl PackageState {
    /// Whether users can install all of it.
    pub fn is_published(&self) -> bool {
        let all = !self.architectures.is_empty() && self.architectures.iter().all(|a| a.stage == Stage::Published);
        all && self.status == Some(PublishingStatus::Published)
    }

    /// The architectures whose builds failed.
    pub fn failed(&self) -> impl Iterator<Item = &ArchitectureState> {
        self.architectures.iter().filter(|state| state.stage == Stage::Failed)
    }
}

/// What of a PPA; the default is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly these source packages; empty: all.
    pub sources: Vec<String>,
    /// This series only; else that of the PPA's name, if it has one.
    pub series: Option<String>,
}

impl Client<'_> {
    /// The newest version of every source package in every series of a PPA.
    pub fn survey(&self, ppa: &Ppa, filter: &Filter) -> Result<Vec<PackageState>, Failure> {
        let archive = self.archive(ppa)?;
        let mut publications = Vec::new();
        let sources: Vec<Option<&String>> = match filter.sources.as_slice() {
            [] => vec![None],
            sources => sources.iter().map(Some).collect(),
        };
        for source in sources {
            let query = SourceQuery { source: source.cloned(), ..SourceQuery::default() };
            let query = query.series(filter.series.as_deref().or(ppa.series.as_deref()));
            for status in [PublishingStatus::Published, PublishingStatus::Pending] {
                publications.extend(self.published_sources(&archive, &query.clone().status(status))?);
            }
        }
        let (newest, replaced) = newest(publications);
        let mut states = Observer::new(self, ppa, &archive).observe(&newest)?;
        for (state, replaced) in states.iter_mut().zip(replaced) {
            state.replaces = replaced;
        }
        Ok(states)
    }
}

/// The newest version of each source package and series, and beside it the
/// highest one that is still published, where that is another.
fn newest(publications: Vec<SourcePublication>) -> (Vec<SourcePublication>, Vec<Option<String>>) {
    let mut groups: BTreeMap<_, Vec<SourcePublication>> = BTreeMap::new();
    for publication in publications {
        let series = publication.series().to_string();
        let key = (publication.source_package_name.clone(), catalog().find(&series), series);
        groups.entry(key).or_default().push(publication);
    }
    let mut pairs = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|publication| Version::parse(&publication.source_package_version).ok());
        let Some(newest) = group.pop() else { continue };
        let is_published = |other: &&SourcePublication| {
            other.status == PublishingStatus::Published && other.source_package_version != newest.source_package_version
        };
        let replaced = group.iter().rev().find(is_published).map(|other| other.source_package_version.clone());
        pairs.push((newest, replaced));
    }
    pairs.into_iter().unzip()
}

/// Looks at publications again and again, and reads each log once.
pub(super) struct Observer<'c> {
    client: &'c Client<'c>,
    ppa: &'c Ppa,
    archive: &'c Archive,
    logs: Mutex<BTreeMap<String, LogTail>>,
}

impl<'c> Observer<'c> {
    pub fn new(client: &'c Client<'c>, ppa: &'c Ppa, archive: &'c Archive) -> Observer<'c> {
        Observer { client, ppa, archive, logs: Mutex::default() }
    }

    /// The states of publications, in their order.
    pub fn observe(&self, publications: &[SourcePublication]) -> Result<Vec<PackageState>, Failure> {
        let active = publications.iter().filter(|publication| publication.status.is_active());
        let ids: Vec<u64> = active.filter_map(SourcePublication::id).collect();
        if ids.is_empty() {
            return publications.iter().map(|publication| Ok(state(publication, vec![]))).collect();
        }
        let summaries = self.client.build_summaries(self.archive, &ids)?;
        // a new PPA gets its key with its first publication
        let archive = match self.archive.signing_key_fingerprint {
            Some(_) => self.archive.clone(),
            None => self.client.archive(self.ppa)?,
        };
        let index = Index::open(self.client, self.ppa, &archive)?;
        let states = parallel::map(publications, AT_ONCE, |publication| {
            let summary = publication.id().and_then(|id| summaries.get(&id));
            self.observe_one(publication, summary, &index)
        });
        states.into_iter().collect()
    }

    fn observe_one(
        &self,
        publication: &SourcePublication,
        summary: Option<&BuildSummary>,
        index: &Index,
    ) -> Result<PackageState, Failure> {
        if !publication.status.is_active() {
            return Ok(state(publication, vec![]));
        }
        let mut architectures = match summary {
            Some(BuildSummary { status: BuildSetStatus::Built, builds }) if !builds.is_empty() => {
                builds.iter().map(|build| built(&build.arch_tag)).collect()
            }
            _ => self.client.builds(publication)?.iter().map(|build| self.build(build)).collect::<Vec<_>>(),
        };
        architectures.sort_by(|a, b| a.architecture.cmp(&b.architecture));
        if architectures.iter().any(|state| state.stage == Stage::Built) {
            let binaries = self.client.published_binaries(publication)?;
            for state in architectures.iter_mut().filter(|state| state.stage == Stage::Built) {
                look_up(state, publication, &binaries, index)?;
            }
        }
        Ok(state(publication, architectures))
    }

    fn build(&self, build: &Build) -> ArchitectureState {
        let stage = Stage::of(&build.buildstate);
        let log_url = match build.buildstate {
            BuildState::FailedToUpload => build.upload_log_url.clone().or(build.build_log_url.clone()),
            _ => build.build_log_url.clone(),
        };
        let log = log_url.as_deref().filter(|_| stage == Stage::Failed).and_then(|url| self.log(url));
        ArchitectureState {
            architecture: build.arch_tag.clone(),
            stage,
            build_state: build.buildstate.clone(),
            page: build.web_link.clone(),
            log_url,
            log,
            dependencies: build.dependencies.clone().filter(|text| !text.is_empty()),
            missing: vec![],
        }
    }

    /// A log that cannot be had hides no verdict.
    fn log(&self, url: &str) -> Option<LogTail> {
        if let Some(tail) = self.logs.lock().ok().and_then(|logs| logs.get(url).cloned()) {
            return Some(tail);
        }
        match self.client.log_tail(url, LOG_LINES) {
            Ok(tail) => {
                if let Ok(mut logs) = self.logs.lock() {
                    logs.insert(url.to_string(), tail.clone());
                }
                Some(tail)
            }
            Err(error) => {
                self.client.listener.detail(&format!("log {url}: {error}"));
                None
            }
        }
    }
}

/// Whether the index has all that was built for an architecture.
fn look_up(
    state: &mut ArchitectureState,
    publication: &SourcePublication,
    binaries: &[BinaryPublication],
    index: &Index,
) -> Result<(), Failure> {
    // debug symbols have indexes of their own, which few systems read
    let is_wanted = |binary: &&BinaryPublication| {
        !binary.is_debug && binary.status.is_active() && binary.architecture() == state.architecture
    };
    let wanted: Vec<&BinaryPublication> = binaries.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return Ok(()); // built, and its packages not yet taken in
    }
    state.missing = index.missing(publication, &state.architecture, &wanted)?;
    if state.missing.is_empty() {
        state.stage = Stage::Published;
    }
    Ok(())
}

fn built(architecture: &str) -> ArchitectureState {
    ArchitectureState {
        architecture: architecture.to_string(),
        stage: Stage::Built,
        build_state: BuildState::Built,
        page: None,
        log_url: None,
        log: None,
        dependencies: None,
        missing: vec![],
    }
}

fn state(publication: &SourcePublication, architectures: Vec<ArchitectureState>) -> PackageState {
    PackageState {
        source: publication.source_package_name.clone(),
        version: publication.source_package_version.clone(),
        series: publication.series().to_string(),
        status: Some(publication.status.clone()),
        accepted: publication.date_created.clone(),
        replaces: None,
        architectures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(source: &str, series: &str, version: &str, status: PublishingStatus) -> SourcePublication {
        SourcePublication {
            source_package_name: source.to_string(),
            source_package_version: version.to_string(),
            status,
            pocket: "Release".to_string(),
            distro_series_link: format!("https://h/devel/ubuntu/{series}"),
            self_link: "https://h/devel/1".to_string(),
            date_created: None,
            date_published: None,
            removal_comment: None,
        }
    }

    #[test]
    fn the_newest_of_each_series_and_what_it_replaces() {
        use PublishingStatus::{Pending, Published};
        let (newest, replaced) = newest(vec![
            publication("b", "noble", "1.9", Published),
            publication("b", "noble", "1.10", Pending),
            publication("b", "jammy", "1.10", Published),
            publication("a", "noble", "2", Published),
        ]);
        let shown: Vec<String> =
            newest.iter().map(|p| format!("{} {}", p.series(), p.source_package_version)).collect();
        assert_eq!(shown, ["noble 2", "jammy 1.10", "noble 1.10"]);
        assert_eq!(replaced, [None, None, Some("1.9".to_string())]);
    }

    #[test]
    fn nothing_is_published_before_all_of_it_is() {
        let mut state = state(&publication("a", "noble", "1", PublishingStatus::Published), vec![]);
        assert!(!state.is_published(), "without builds");
        let mut architecture = built("amd64");
        architecture.stage = Stage::Published;
        state.architectures = vec![architecture, built("arm64")];
        assert!(!state.is_published());
        state.architectures[1].stage = Stage::Published;
        assert!(state.is_published());
        state.status = Some(PublishingStatus::Pending);
        assert!(!state.is_published());
    }
}
