//! `pkgr check`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::check::holdings::{Holdings, Unknown};
use crate::check::{self, Archive, Folders, Keys, Level, Report, Verdict};
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::listener::Listener;
use crate::{parallel, sign};

/// Tell what an archive will say of a source package, before it sees it
///
/// Judges a .changes with all its files, or a .dsc alone, by the rules of
/// Launchpad's own upload processor: signatures, fields, names, digests, the set of
/// files, whether dpkg-source unpacks it, and what the PPA and Ubuntu have published
/// already. Findings have Launchpad's own messages, and codes that `pkgr explain`
/// explains; docs/archive-rules.md has them all. Any source package can be checked,
/// whatever made it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// .changes and .dsc files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Whose rules [default: launchpad, debian for uploads to Debian's suites]
    #[arg(long = "as", value_name = "ARCHIVE")]
    archive: Option<Archive>,
    /// The PPA that the upload is for, as ppa:OWNER/NAME or ppa:OWNER/NAME/SERIES
    #[arg(long, value_name = "TARGET", conflicts_with = "path")]
    to: Option<String>,
    /// The folder that the upload is sent to, e.g. ~OWNER/ubuntu/NAME [default: some PPA that exists]
    #[arg(long, value_name = "UPLOAD-PATH")]
    path: Option<String>,
    /// Take the source packages of a folder as published in the PPA
    #[arg(long, value_name = "[SERIES=]DIR")]
    published: Vec<String>,
    /// Take the source packages of a folder as published in Ubuntu
    #[arg(long, value_name = "[SERIES=]DIR")]
    primary: Vec<String>,
    /// Verify signatures with these keys, besides those of your GnuPG
    #[arg(long, value_name = "FILE")]
    keyring: Vec<PathBuf>,
    /// Reject what is not signed, or signed with a key that is not at hand
    #[arg(long)]
    require_signature: bool,
    /// Fail for warnings too
    #[arg(long, value_name = "WHAT")]
    deny: Option<Denied>,
    /// Use no network: what nobody is asked about counts as empty
    #[arg(long)]
    offline: bool,
}

/// What fails besides rejections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Denied {
    /// Warnings
    Warnings,
}

/// Checks every file named; prints one line for each, findings below.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    crate::diagnostic::all(args.files.iter().map(|path| is_package(path)))?;
    let ppa = holdings("the PPA", &args.published)?;
    let primary = holdings("Primary Archive for Ubuntu", &args.primary)?;
    let keys = keys(args)?;
    let options = check::Options {
        archive: args.archive,
        path: upload_path(args)?,
        ppa: ppa.as_ref(),
        primary: primary.as_ref(),
        keys: &keys,
        require_signature: args.require_signature,
        now: SystemTime::now(),
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    let mut output = Output::default();
    let mut documents = Vec::new();
    for path in &args.files {
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
    Ok(output)
}

/// Only packages so far: everything else is refused before anything is read.
fn is_package(path: &Path) -> Result<(), Failure> {
    if ["changes", "dsc"].iter().any(|end| path.extension().is_some_and(|e| e == *end)) {
        return Ok(());
    }
    let message = format!("{} is neither a .changes nor a .dsc, and only those are checked", path.display());
    Err(Failure::new(Kind::Usage, Diagnostic::error("not-a-package", message))
        .hint("build the package first: pkgr build, then check the .changes in dist/"))
}

fn upload_path(args: &Args) -> Result<Option<String>, Failure> {
    let Some(target) = &args.to else { return Ok(args.path.clone()) };
    check::path::of_target(target).map(Some).ok_or_else(|| {
        let message = format!("`{target}` is not a PPA");
        Failure::new(Kind::Usage, Diagnostic::error("bad-target", message))
            .hint("write ppa:OWNER/NAME or ppa:OWNER/NAME/SERIES; --path takes any upload path")
    })
}

/// The folders that are named, else an archive that nobody knows.
fn holdings(name: &str, folders: &[String]) -> Result<Box<dyn Holdings>, Failure> {
    if folders.is_empty() {
        return Ok(Box::new(Unknown::new(name)));
    }
    let folders: Vec<(Option<String>, PathBuf)> = folders
        .iter()
        .map(|text| match text.split_once('=') {
            Some((series, folder)) if !series.contains('/') => (Some(series.to_string()), PathBuf::from(folder)),
            _ => (None, PathBuf::from(text)),
        })
        .collect();
    Ok(Box::new(Folders::read(name, &folders)?))
}

/// The keys that are named, the user's GnuPG, and the key that signs in CI.
fn keys(args: &Args) -> Result<Keys, Failure> {
    let mut keys = Keys::default();
    for path in &args.keyring {
        keys.add_file(path)?;
    }
    let folder = std::env::var_os("GNUPGHOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".gnupg"));
    if let Some(folder) = folder.or(home) {
        keys.add_gnupg(&folder);
    }
    if let Ok(text) = std::env::var(sign::KEY_VARIABLE) {
        keys.add_text(&text);
    }
    Ok(keys)
}

/// Warnings and notes go to the listener, rejections become the failure.
fn tell(report: &Report, deny: Option<Denied>, context: &Context) -> Option<Failure> {
    let mut failed = Vec::new();
    for finding in &report.findings {
        let diagnostic = finding.to_diagnostic();
        match finding.rule.level {
            Level::Rejected => failed.push(diagnostic),
            Level::Warning if deny.is_some() => {
                failed.push(Diagnostic { level: crate::diagnostic::Level::Error, ..diagnostic });
            }
            _ => context.printer.tell(diagnostic),
        }
    }
    (!failed.is_empty()).then_some(Failure { kind: Kind::Recipe, diagnostics: failed })
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
