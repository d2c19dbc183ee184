//! The states as a table of text: a line for each source package, series and
//! architecture.

use crate::launchpad::{ArchitectureState, PackageState, Stage};

const HEAD: [&str; 6] = ["SOURCE", "SERIES", "VERSION", "ARCH", "STATE", "ACCEPTED"];

/// The table, and the logs of failed builds below it if wanted; nothing for nothing.
pub fn table(states: &[PackageState], logs: bool) -> String {
    let mut lines: Vec<[String; 6]> = Vec::new();
    for state in states {
        let accepted = state.accepted.as_deref().map(minute).unwrap_or_else(|| "-".to_string());
        let line = |architecture: &str, word: String| {
            let first = [state.source.clone(), name(&state.series), state.version.clone()];
            let [source, series, version] = first;
            [source, series, version, architecture.to_string(), word, accepted.clone()]
        };
        if state.architectures.is_empty() {
            lines.push(line("-", with_older(state, package_word(state))));
        }
        let builds = state.architectures.iter();
        lines.extend(builds.map(|build| line(&build.architecture, with_older(state, whole_word(build)))));
    }
    if lines.is_empty() {
        return String::new();
    }
    lines.insert(0, HEAD.map(str::to_string));
    let mut text = aligned(&lines);
    for state in states.iter().filter(|_| logs) {
        for build in state.failed() {
            text.push_str(&failure(state, build));
        }
    }
    text
}

fn aligned(lines: &[[String; 6]]) -> String {
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn failure(state: &PackageState, build: &ArchitectureState) -> String {
    let mut text = format!("\n{} {} {} {}:\n", state.source, state.series, state.version, build.architecture);
    for line in build.log.iter().flat_map(|log| &log.lines) {
        text.push_str(&format!("    {line}\n"));
    }
    if let Some(url) = build.log_url.as_ref().or(build.page.as_ref()) {
        text.push_str(&format!("    whole: {url}\n"));
    }
    text
}

fn name(series: &str) -> String {
    if series.is_empty() { "-".to_string() } else { series.to_string() }
}

/// `2026-11-24 12:00` of ISO 8601.
fn minute(date: &str) -> String {
    date.get(..16).unwrap_or(date).replace('T', " ")
}

/// Where there are no builds yet.
pub fn package_word(state: &PackageState) -> String {
    match &state.status {
        None => "not accepted".to_string(),
        Some(status) if status.is_active() => "accepted".to_string(),
        Some(status) => status.name().to_lowercase(),
    }
}

/// How far an architecture is, in few words.
pub fn word(build: &ArchitectureState) -> String {
    match build.stage {
        Stage::Failed => match build.build_state.name().to_lowercase() {
            state if state.starts_with("failed") => state,
            state => format!("failed: {state}"),
        },
        Stage::Built if !build.missing.is_empty() => "built, not in the index yet".to_string(),
        stage => stage.name().to_string(),
    }
}

/// The same, and what it wants.
fn whole_word(build: &ArchitectureState) -> String {
    match (build.stage, &build.dependencies, build.missing.as_slice()) {
        (Stage::Failed, Some(wanted), _) => format!("{}, {wanted}", word(build)),
        (Stage::Built, _, [_, ..]) => format!("{}: {}", word(build), build.missing.join(" ")),
        _ => word(build),
    }
}

fn with_older(state: &PackageState, word: String) -> String {
    match &state.replaces {
        Some(older) if !state.is_published() => format!("{word} (users have {older})"),
        _ => word,
    }
}
