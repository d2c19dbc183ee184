//! The states as one static page: a matrix of source packages and series, the
//! logs of failed builds below it. It loads nothing and runs nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use minijinja::{Environment, context};
use serde::Serialize;

use super::table::{package_word, word};
use crate::launchpad::{ArchitectureState, PackageState, Ppa, Stage};
use crate::series::{Series, catalog};

const TEMPLATE: &str = include_str!("../../../templates/status.html");

#[derive(Serialize)]
struct Column {
    name: String,
    number: String,
}

#[derive(Serialize)]
struct Row {
    source: String,
    cells: Vec<Option<Cell>>,
}

#[derive(Serialize)]
struct Cell {
    version: String,
    notes: Vec<String>,
    builds: Vec<Build>,
}

#[derive(Serialize)]
struct Build {
    architecture: String,
    stage: &'static str,
    mark: &'static str,
    word: String,
    page: Option<String>,
    /// Of the log on this page.
    anchor: Option<String>,
}

#[derive(Serialize)]
struct Count {
    stage: &'static str,
    mark: &'static str,
    number: usize,
}

#[derive(Serialize)]
struct FailedBuild {
    anchor: String,
    title: String,
    dependencies: Option<String>,
    log: String,
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    url: String,
    text: &'static str,
}

/// The page. A fault in the template is a fault of the program that every test of
/// the page shows.
pub fn page(ppa: &Ppa, states: &[PackageState], now: Timestamp) -> String {
    let columns = columns(states);
    let failed = || states.iter().flat_map(|state| state.failed().map(move |build| (state, build)));
    let values = context! {
        ppa => ppa.to_string(),
        headline => headline(states),
        instant => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        moment => now.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        counts => counts(states),
        rows => rows(states, &columns),
        failures => failed().map(|(state, build)| failed_build(state, build)).collect::<Vec<_>>(),
        columns => columns,
    };
    let mut environment = Environment::new();
    // the name's ending makes every value escaped
    match environment
        .add_template("status.html", TEMPLATE)
        .and_then(|()| environment.get_template("status.html")?.render(values))
    {
        Ok(page) => page,
        Err(error) => format!("template error: {error}\n"),
    }
}

fn headline(states: &[PackageState]) -> String {
    let published = states.iter().filter(|state| state.is_published()).count();
    let failed = states.iter().filter(|state| state.failed().next().is_some()).count();
    match (states.len(), published, failed) {
        (0, ..) => "nothing is here".to_string(),
        (all, published, 0) if all == published => "everything is published".to_string(),
        (all, published, 0) => format!("{published} of {all} published"),
        (all, published, failed) => format!("{published} of {all} published, {failed} failed"),
    }
}

/// The series that occur, oldest first.
fn columns(states: &[PackageState]) -> Vec<Column> {
    let names: BTreeSet<(Option<&Series>, &str)> =
        states.iter().map(|state| (catalog().find(&state.series), state.series.as_str())).collect();
    let number = |series: Option<&Series>| series.map(|series| series.number.clone()).unwrap_or_default();
    names.into_iter().map(|(series, name)| Column { name: name.to_string(), number: number(series) }).collect()
}

fn counts(states: &[PackageState]) -> Vec<Count> {
    let stages = [Stage::Failed, Stage::Waiting, Stage::Building, Stage::Built, Stage::Published];
    let number = |stage| states.iter().flat_map(|state| &state.architectures).filter(|b| b.stage == stage).count();
    let count = |stage: Stage| Count { stage: stage.name(), mark: mark(stage), number: number(stage) };
    stages.into_iter().map(count).filter(|count| count.number > 0).collect()
}

fn rows(states: &[PackageState], columns: &[Column]) -> Vec<Row> {
    let sources: BTreeSet<&str> = states.iter().map(|state| state.source.as_str()).collect();
    let of = |source: &str, column: &Column| {
        states.iter().find(|state| state.source == source && state.series == column.name).map(cell)
    };
    let row = |source: &str| Row {
        source: source.to_string(),
        cells: columns.iter().map(|column| of(source, column)).collect(),
    };
    sources.into_iter().map(row).collect()
}

fn cell(state: &PackageState) -> Cell {
    let mut notes = Vec::new();
    if state.architectures.is_empty() {
        notes.push(package_word(state));
    }
    if let Some(older) = state.replaces.as_ref().filter(|_| !state.is_published()) {
        notes.push(format!("users have {older}"));
    }
    let build = |build: &ArchitectureState| Build {
        architecture: build.architecture.clone(),
        stage: build.stage.name(),
        mark: mark(build.stage),
        word: word(build),
        page: build.page.as_deref().and_then(web),
        anchor: (build.stage == Stage::Failed).then(|| anchor(state, build)),
    };
    Cell { version: state.version.clone(), notes, builds: state.architectures.iter().map(build).collect() }
}

fn failed_build(state: &PackageState, build: &ArchitectureState) -> FailedBuild {
    let link = |url: &Option<String>, text| url.as_deref().and_then(web).map(|url| Link { url, text });
    FailedBuild {
        anchor: anchor(state, build),
        title: format!(
            "{} {} on {} {}: {}",
            state.source, state.version, state.series, build.architecture, build.build_state
        ),
        dependencies: build.dependencies.clone(),
        log: build.log.as_ref().map(|log| log.lines.join("\n")).unwrap_or_default(),
        links: [link(&build.log_url, "whole log"), link(&build.page, "build page")].into_iter().flatten().collect(),
    }
}

fn anchor(state: &PackageState, build: &ArchitectureState) -> String {
    format!("{}-{}-{}", state.source, state.series, build.architecture)
}

/// A state is told by its word, its mark and its colour, for not everybody sees
/// all of them.
fn mark(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "○",
        Stage::Building => "◐",
        Stage::Built => "◕",
        Stage::Published => "●",
        Stage::Failed => "✗",
    }
}

/// A link of the service's, unless it would run something.
fn web(link: &str) -> Option<String> {
    (link.starts_with("https://") || link.starts_with("http://")).then(|| link.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launchpad::{BuildState, LogTail, PublishingStatus};

    #[test]
    fn nothing_from_outside_becomes_markup_or_a_script() {
        let build = ArchitectureState {
            architecture: "amd64".to_string(),
            stage: Stage::Failed,
            build_state: BuildState::FailedToBuild,
            page: Some("javascript:alert(1)".to_string()),
            log_url: Some("https://launchpad.net/\"onload=x".to_string()),
            log: Some(LogTail { lines: vec!["<script>alert(1)</script> & more".to_string()], whole: false }),
            dependencies: Some("<b>".to_string()),
            missing: vec![],
        };
        let state = PackageState {
            source: "hello".to_string(),
            version: "1.0".to_string(),
            series: "noble".to_string(),
            status: Some(PublishingStatus::Published),
            accepted: None,
            replaces: Some("0.9".to_string()),
            architectures: vec![build],
        };
        let page = page(&"ppa:o/p".parse().unwrap(), &[state], Timestamp::UNIX_EPOCH);
        for part in ["<script", "javascript:", "\"onload", "<b>"] {
            assert!(!page.contains(part), "{part}");
        }
        for part in [
            "&lt;script&gt;",
            "users have 0.9",
            "id=\"hello-noble-amd64\"",
            "href=\"#hello-noble-amd64\"",
            "1970-01-01 00:00 UTC",
            "24.04",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn nothing_is_a_page_too() {
        let page = page(&"ppa:o/p".parse().unwrap(), &[], Timestamp::UNIX_EPOCH);
        assert!(page.contains("nothing is here") && !page.contains("<table>") && page.ends_with("</html>"), "{page}");
    }
}
