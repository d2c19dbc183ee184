//! `pkgr check`.

mod package;
mod recipe;

use std::path::{Path, PathBuf};

use crate::check::reachable::{self, Reached};
use crate::check::{self, Archive, Level, lintian};
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output, built};
use crate::diagnostic::{self, Diagnostic, Failure, Kind};
use crate::launchpad::{Client, Ppa};
use crate::listener::Listener;
use crate::upload::target::Ppa as UploadPpa;

/// Tell what is wrong with a recipe, and what an archive will say of a package
///
/// A recipe is read for what makes trouble later: versions that do not rise, series
/// that are over, packages that a series does not have, how it is described, and
/// what is special about PPAs. `[lint] allow` in it lets findings be, with a reason.
///
/// A .changes with all its files, or a .dsc alone, is judged by the rules of
/// Launchpad's own upload processor: signatures, fields, names, digests, the set of
/// files, whether dpkg-source unpacks it, and what the PPA and Ubuntu have published
/// already. That is asked of Launchpad where a PPA is named, by --to or in the recipe;
/// where it does not answer, both count as empty. Any source package can be checked,
/// whatever made it.
///
/// Findings have codes that `pkgr explain` explains, those of archives Launchpad's own
/// messages; docs/archive-rules.md and docs/recipe-findings.md have them all.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Recipes, .changes and .dsc files
    #[arg(value_name = "RECIPE|FILE", default_value = "recipe.toml")]
    files: Vec<PathBuf>,
    /// Whose rules [default: launchpad, debian for uploads to Debian's suites]
    #[arg(long = "as", value_name = "ARCHIVE")]
    archive: Option<Archive>,
    /// The PPA that the upload is for, as ppa:OWNER/NAME or ppa:OWNER/NAME/SERIES [default: what the recipe says]
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
    /// Run lintian too, on the .changes named and on what is built of the recipes
    #[arg(long)]
    lintian: bool,
    /// Where the packages of a recipe are, for --lintian
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
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

/// What all that is checked goes to.
struct To {
    /// The upload path.
    path: Option<String>,
    /// The PPA, where it is one.
    ppa: Option<Ppa>,
}

/// Checks everything named; prints one line for each, findings below.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let (packages, others): (Vec<PathBuf>, Vec<PathBuf>) =
        args.files.iter().cloned().partition(|path| is_package(path));
    diagnostic::all(others.iter().map(|path| may_be_recipe(path)))?;
    let recipes = recipe_files(&others)?;
    if args.lintian {
        lintian::find()?;
    }
    let to = destination(args, &recipes)?;
    let client = context.launchpad()?;
    let reached = reach(&to, &client, args, context)?;
    let mut output = Output::default();
    for path in &recipes {
        // recipes need not agree where they go
        let own = destination(args, std::slice::from_ref(path))?;
        if own.ppa == to.ppa {
            recipe::run(path, &own, reached.as_ref(), args, context, &mut output);
        } else {
            let reached = reach(&own, &client, args, context)?;
            recipe::run(path, &own, reached.as_ref(), args, context, &mut output);
        }
    }
    package::run(&packages, &to, reached.as_ref(), args, context, &mut output)?;
    if args.lintian {
        for path in packages.iter().filter(|path| path.extension().is_some_and(|e| e == "changes")) {
            match lintian::run(path) {
                Ok(tags) => output.failures.extend(settle(tags.iter().map(lintian::Tag::said), args.deny, context)),
                Err(failure) => output.failures.push(failure),
            }
        }
    }
    Ok(output)
}

fn is_package(path: &Path) -> bool {
    ["changes", "dsc"].iter().any(|end| path.extension().is_some_and(|e| e == *end))
}

fn may_be_recipe(path: &Path) -> Result<(), Failure> {
    if path.extension().is_some_and(|e| e == "toml") || !path.is_file() {
        return Ok(());
    }
    let message = format!("{} is neither a recipe, nor a .changes or .dsc", path.display());
    Err(Failure::new(Kind::Usage, Diagnostic::error("not-a-package", message))
        .hint("name recipe.toml or its folder, or what `pkgr build` made of it"))
}

/// Where it all goes: as the options say, else as the recipes do, where they agree.
fn destination(args: &Args, recipes: &[PathBuf]) -> Result<To, Failure> {
    let of_path = |path: &str| UploadPpa::of_folder(path).and_then(|ppa| ppa.to_string().parse().ok());
    if let Some(path) = &args.path {
        return Ok(To { path: Some(path.clone()), ppa: of_path(path) });
    }
    let Some(target) = &args.to else {
        let mut named: Vec<String> = recipes
            .iter()
            .filter_map(|path| built::load(path).ok().as_ref().and_then(built::target_of))
            .filter(|target| target.starts_with("ppa:"))
            .collect();
        named.dedup();
        return Ok(match named.as_slice() {
            [target] => To { path: check::path::of_target(target), ppa: target.parse().ok() },
            _ => To { path: None, ppa: None },
        });
    };
    let path = check::path::of_target(target).ok_or_else(|| {
        let message = format!("`{target}` is not a PPA");
        Failure::new(Kind::Usage, Diagnostic::error("bad-target", message))
            .hint("write ppa:OWNER/NAME or ppa:OWNER/NAME/SERIES; --path takes any upload path")
    })?;
    Ok(To { ppa: of_path(&path), path: Some(path) })
}

/// Launchpad is asked of a PPA that is named, unless folders stand for everything.
fn reach<'c>(
    to: &To,
    client: &'c Client<'c>,
    args: &Args,
    context: &'c Context,
) -> Result<Option<Reached<'c>>, Failure> {
    let stands_in = !args.published.is_empty() && !args.primary.is_empty();
    match &to.ppa {
        Some(ppa) if !args.offline && !stands_in => {
            reachable::reach(client, ppa, &context.printer).map(Some).map_err(|failure| no_such_ppa(failure, ppa))
        }
        _ => Ok(None),
    }
}

/// Launchpad refuses uploads to a PPA that it does not have, in these words.
fn no_such_ppa(failure: Failure, ppa: &Ppa) -> Failure {
    if !failure.diagnostics.iter().any(|d| d.code == "launchpad-not-found") {
        return failure;
    }
    let Ppa { owner, distribution, name, .. } = ppa;
    failure.because(format!("Could not find a PPA owned by '{owner}' for '{distribution}' named '{name}'."))
}

/// Warnings and notes go to the listener; what is refused, or denied, is the failure.
fn settle(
    findings: impl Iterator<Item = (Level, Diagnostic)>,
    deny: Option<Denied>,
    context: &Context,
) -> Option<Failure> {
    let mut failed = Vec::new();
    for (level, diagnostic) in findings {
        match level {
            Level::Rejected => failed.push(diagnostic),
            Level::Warning if deny.is_some() => {
                failed.push(Diagnostic { level: diagnostic::Level::Error, ..diagnostic });
            }
            _ => context.printer.tell(diagnostic),
        }
    }
    (!failed.is_empty()).then_some(Failure { kind: Kind::Recipe, diagnostics: failed })
}
