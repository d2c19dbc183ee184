//! `pkgr test`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::build::{self, OrigPolicy};
use crate::cli::config::date_of_new_entry;
use crate::cli::select::{Recipes, recipe_files};
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::sandbox::engine::Backend;
use crate::sandbox::mirror::Mirrors;
use crate::sandbox::scenario::Verdict;
use crate::sandbox::source::SourcePackage;
use crate::sandbox::{self, Report};
use crate::series::{Series, catalog};
use crate::{fetch, parallel};

/// Build the binaries in a clean root of the series, install them, run the tests
///
/// Takes recipes, whose source packages it builds first, and .dsc files. The
/// roots are made by mmdebstrap on first use, cached, and renewed when a week
/// old. What a package runs there, in its build, installation and tests, has no
/// network. Tests are those of debian/tests, by autopkgtest's rules; before them,
/// modules of nginx are tried with each flavor: nginx loads them, starts, answers,
/// stops, and starts again when they are purged.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, a folder that holds one, or a .dsc
    #[arg(value_name = "RECIPE|DSC", default_value = "recipe.toml")]
    files: Vec<PathBuf>,
    /// Only targets that match, e.g. `jammy`, `focal..`; for a .dsc its series
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
    /// What builds
    #[arg(long, value_name = "ENGINE", default_value = "unshare", env = "PKGR_TEST_BACKEND")]
    backend: Backend,
    /// Architecture to build for and to test [default: this machine's]
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Open a shell in the root where a build or test failed
    #[arg(long)]
    shell_on_failure: bool,
    /// Leave the roots, the source tree and the packages, and say where
    #[arg(long)]
    keep: bool,
    /// Mirror of Debian [default: that of this machine's apt]
    #[arg(long, value_name = "URL", env = "PKGR_DEBIAN_MIRROR")]
    debian_mirror: Option<String>,
    /// Mirror of Debian's security archive [default: that of this machine's apt]
    #[arg(long, value_name = "URL", env = "PKGR_DEBIAN_SECURITY_MIRROR")]
    debian_security_mirror: Option<String>,
    /// Mirror of Ubuntu [default: archive.ubuntu.com, or ports.ubuntu.com]
    #[arg(long, value_name = "URL", env = "PKGR_UBUNTU_MIRROR")]
    ubuntu_mirror: Option<String>,
}

/// Tests every target; prints one line for each.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let options = sandbox::Options {
        backend: args.backend,
        architecture: args.arch.clone(),
        shell_on_failure: args.shell_on_failure,
        keep: args.keep,
        cache: context.cache.clone(),
        mirrors: Mirrors {
            debian: args.debian_mirror.clone(),
            debian_security: args.debian_security_mirror.clone(),
            ubuntu: args.ubuntu_mirror.clone(),
        },
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    let built = tempfile::tempdir().map_err(|e| Failure::io("write into", &std::env::temp_dir(), &e))?;
    let mut output = Output::default();
    let mut targets = Vec::new();
    for (package, series) in packages(args, context, built.path())? {
        match sandbox::test(&package, &series, &options, &context.printer) {
            Ok(report) => {
                say(&report, &series, context);
                output.text.push_str(&line(&report, &series));
                targets.push(document(&report, &series, args.backend));
                output.failures.extend(report.failures);
            }
            Err(failure) => output.failures.push(failure),
        }
    }
    output.json.insert("targets".into(), Value::Array(targets));
    Ok(output)
}

/// The source packages to test; those of recipes are built into `folder`.
fn packages(args: &Args, context: &Context, folder: &Path) -> Result<Vec<(SourcePackage, Series)>, Failure> {
    let (files, recipes): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.files.iter().partition(|path| path.extension().is_some_and(|extension| extension == "dsc"));
    let mut packages = Vec::new();
    for path in files {
        let package = SourcePackage::open(path)?;
        let series = match &args.only {
            Some(name) => named_series(name)?,
            None => package.series()?,
        };
        packages.push((package, series));
    }
    let recipes = Recipes { recipes: recipes.into_iter().cloned().collect(), only: args.only.clone() };
    if recipes.recipes.is_empty() {
        return Ok(packages);
    }
    let only = recipes.only()?;
    let jobs = context.config.jobs.unwrap_or_else(parallel::available).max(1);
    for (number, recipe) in recipe_files(&recipes.recipes)?.iter().enumerate() {
        let output = folder.join(number.to_string());
        let options = build::Options {
            prepare: build::prepare::Options {
                only: only.as_ref(),
                author: context.config.author(),
                now: date_of_new_entry()?,
                fetch: fetch::Options { offline: false, locked: false, ..context.fetching() },
                jobs,
            },
            output: &output,
            orig: OrigPolicy::Always,
            archive: None,
            learn: None,
            keep_going: false,
            keep_tree: false,
            signer: None,
        };
        for target in build::build(recipe, &options, &context.printer)?.built {
            let dsc = target.changes.to_string_lossy().replace("_source.changes", ".dsc");
            packages.push((SourcePackage::open(Path::new(&dsc))?, named_series(&target.series)?));
        }
    }
    Ok(packages)
}

fn named_series(name: &str) -> Result<Series, Failure> {
    catalog().find(name).cloned().ok_or_else(|| {
        let message = format!("`{name}` is not a series");
        Failure::new(
            Kind::Usage,
            Diagnostic::error("unknown-series", message).hint("for a .dsc, --only names its series"),
        )
    })
}

fn say(report: &Report, series: &Series, context: &Context) {
    let verb = if report.failures.is_empty() { "Passed" } else { "Failed" };
    let ran = report.steps.iter().filter(|step| !matches!(step.verdict, Verdict::Skipped(_))).count();
    let about = format!("{} {} on {series} {}", report.source, report.version, report.architecture);
    context.printer.status(verb, &format!("{about}: {} packages, {ran} steps", report.packages.len()));
    context.printer.status("Log", &report.log.display().to_string());
    if let Some(kept) = &report.kept {
        context.printer.status("Kept", &kept.display().to_string());
    }
}

fn line(report: &Report, series: &Series) -> String {
    let word = if report.failures.is_empty() { "passed" } else { "failed" };
    format!("{word} {} {} {series} {}\n", report.source, report.version, report.architecture)
}

fn document(report: &Report, series: &Series, backend: Backend) -> Value {
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|step| {
            let (result, reason) = match &step.verdict {
                Verdict::Passed => ("passed", None),
                Verdict::Skipped(why) => ("skipped", Some(why)),
                Verdict::Tolerated(why) => ("tolerated", Some(why)),
                Verdict::Failed(why) => ("failed", Some(why)),
            };
            json!({"name": step.name, "result": result, "reason": reason})
        })
        .collect();
    json!({
        "source": report.source,
        "version": report.version,
        "series": series.name,
        "architecture": report.architecture,
        "backend": backend.name(),
        "result": if report.failures.is_empty() { "passed" } else { "failed" },
        "packages": report.packages,
        "steps": steps,
        "log": report.log.display().to_string(),
        "kept": report.kept.as_ref().map(|kept| kept.display().to_string()),
    })
}
