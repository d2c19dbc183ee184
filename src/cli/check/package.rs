//! `pkgr check` of packages: whose rules, against what is published where.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::{Args, Denied, To, settle};
use crate::check::holdings::{Holdings, Unknown};
use crate::check::reachable::Reached;
use crate::check::{self, Archive, Folders, Keys, Report, Verdict};
use crate::cli::{Context, Output, destination};
use crate::diagnostic::Failure;
use crate::parallel;

/// Checks every package named.
pub fn run(
    files: &[PathBuf],
    to: &To,
    reached: Option<&Reached>,
    args: &Args,
    context: &Context,
    output: &mut Output,
) -> Result<(), Failure> {
    let published = folders("the PPA", &args.published)?;
    let primary = folders("Primary Archive for Ubuntu", &args.primary)?;
    let (no_ppa, no_primary) = (Unknown::new("the PPA"), Unknown::new("Primary Archive for Ubuntu"));
    let asked_ppa = reached.map_or(&no_ppa as &dyn Holdings, |reached| &reached.ppa);
    let asked_primary = reached.map_or(&no_primary as &dyn Holdings, |reached| &reached.primary);
    let keys = keys(args)?;
    let options = check::Options {
        archive: args.archive,
        path: to.path.clone(),
        ppa: published.as_ref().map_or(asked_ppa, |folders| folders),
        primary: primary.as_ref().map_or(asked_primary, |folders| folders),
        keys: &keys,
        require_signature: args.require_signature,
        now: SystemTime::now(),
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    let mut documents = Vec::new();
    for path in files {
        match check::package(path, &options) {
            Ok(report) => {
                let by = match report.archive {
                    Archive::Launchpad => "",
                    Archive::Debian => " by Debian's rules",
                    Archive::None => " by no archive's rules",
                };
                output.text.push_str(&format!("{}: {}{by}\n", path.display(), report.verdict.name()));
                output.failures.extend(tell(&report, args.deny, context));
                documents.push(document(path, &report));
            }
            Err(failure) => output.failures.push(failure),
        }
    }
    output.json.insert("packages".into(), Value::Array(documents));
    Ok(())
}

/// The folders that are named stand for an archive.
fn folders(name: &str, folders: &[String]) -> Result<Option<Folders>, Failure> {
    if folders.is_empty() {
        return Ok(None);
    }
    let folders: Vec<(Option<String>, PathBuf)> = folders
        .iter()
        .map(|text| match text.split_once('=') {
            Some((series, folder)) if !series.contains('/') => (Some(series.to_string()), PathBuf::from(folder)),
            _ => (None, PathBuf::from(text)),
        })
        .collect();
    Folders::read(name, &folders).map(Some)
}

/// The keys that are named, the user's GnuPG, and the key that signs in CI.
fn keys(args: &Args) -> Result<Keys, Failure> {
    let mut keys = destination::keys(Vec::new());
    for path in &args.keyring {
        keys.add_file(path)?;
    }
    Ok(keys)
}

fn tell(report: &Report, deny: Option<Denied>, context: &Context) -> Option<Failure> {
    settle(report.findings.iter().map(|finding| (finding.rule.level, finding.to_diagnostic())), deny, context)
}

fn document(path: &Path, report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "code": finding.rule.code,
                "level": finding.rule.level.name(),
                "rule": finding.rule.number,
                "message": finding.message,
                "facts": finding.facts,
                "cure": finding.rule.cure,
            })
        })
        .collect();
    let mut document = Map::new();
    document.insert("path".into(), json!(path.display().to_string()));
    let archive = match report.archive {
        Archive::Launchpad => "launchpad",
        Archive::Debian => "debian",
        Archive::None => "none",
    };
    document.insert("as".into(), json!(archive));
    document.insert("source".into(), json!(report.source));
    document.insert("version".into(), json!(report.version));
    document.insert("suite".into(), json!(report.suite));
    document.insert("accepted".into(), json!(report.verdict == Verdict::Accepted));
    document.insert("findings".into(), Value::Array(findings));
    Value::Object(document)
}
