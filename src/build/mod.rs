//! One recipe, every target: the story of `lib.rs` from end to end.
//!
//! Each source is read once for all targets ([`study`]); the targets are then
//! rendered, packed and signed in parallel, in memory; what came out goes into
//! the output folder in one step at the end ([`staging`]), so that a failure
//! leaves it as it was.

pub mod contents;
pub mod origs;
mod packaging;
pub mod patched;
pub mod prepare;
pub mod revision;
pub mod staging;
pub mod study;
pub mod upstream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{self, Diagnostic, Failure};
use crate::listener::Listener;
use crate::lock::Lock;
use crate::pack::source::{self, SourcePackage};
use crate::parallel;
use crate::plan::Target;
use crate::render::{self, Origin, Tree};
use crate::sign::{Signer, sign_source_package};
use origs::OrigFile;
use prepare::Prepared;
use staging::Staging;
use study::Studied;

/// Whether the .changes lists the orig files, so that they are uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OrigPolicy {
    /// Unless the lock records that the archive has published them
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Brings a lock up to date with what archives have published of the targets' orig
/// files; a source whose pin it changes is fetched again.
pub type Learn<'a> = dyn Fn(&mut Lock, &[Target]) -> Result<(), Failure> + Sync + 'a;

/// How to build.
pub struct Options<'a> {
    /// Network, cache, lock, selection, threads.
    pub prepare: prepare::Options<'a>,
    /// Folder for the packages.
    pub output: &'a Path,
    /// Whether orig files are uploaded.
    pub orig: OrigPolicy,
    /// The archive that the packages are for, as the lock names it
    /// (`ppa:owner/ubuntu/name`); without one, what any archive has published counts.
    pub archive: Option<&'a str>,
    /// Tells the lock what that archive has published, where somebody can be asked.
    pub learn: Option<&'a Learn<'a>>,
    /// Build the other targets when one fails.
    pub keep_going: bool,
    /// Leave each target's debian/ as a folder too.
    pub keep_tree: bool,
    /// Signs, where there is a key.
    pub signer: Option<&'a Signer>,
}

/// One source package that was built.
#[derive(Debug, Clone)]
pub struct Built {
    /// Source package name.
    pub name: String,
    /// Full Debian version.
    pub version: String,
    /// Series it is for.
    pub series: String,
    /// Distribution of that series.
    pub distro: &'static str,
    /// The .changes in the output folder.
    pub changes: PathBuf,
    /// Names of all files of the package in the output folder, the .changes last.
    pub files: Vec<String>,
    /// Whether the .changes lists the orig files.
    pub orig_included: bool,
    /// Fingerprint of the key that signed it.
    pub signed_by: Option<String>,
    /// Files that the recipe's debian/ replaced.
    pub overridden: Vec<String>,
}

/// What became of a recipe.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The packages built, in the recipe's order.
    pub built: Vec<Built>,
    /// What failed besides (only with `keep_going`).
    pub failures: Vec<Failure>,
}

/// Builds every target of a recipe into the output folder.
///
/// On an error nothing is written there, nor is the lock; with `keep_going` the
/// targets that succeeded are, and the failures are in the outcome.
pub fn build(recipe: &Path, options: &Options, listener: &dyn Listener) -> Result<Outcome, Failure> {
    let mut prepared = Prepared::open(recipe, &options.prepare, listener)?;
    if let (Some(learn), OrigPolicy::Auto) = (options.learn, options.orig) {
        prepared.learn(learn, options.prepare.jobs)?;
    }
    let prepared = prepared;
    origs::check_names(&prepared)?;
    let studied = Studied::of(&prepared, options.prepare.jobs, listener)?;
    let staging = Staging::new(options.output)?;
    let job = Job { prepared: &prepared, studied: &studied, staging: &staging, options };
    let results = parallel::map(&prepared.targets, options.prepare.jobs, |target| job.target(target, listener));

    let (mut outcome, mut packages) = (Outcome::default(), Vec::new());
    if options.keep_going {
        for result in results {
            match result {
                Ok(package) => packages.push(package),
                Err(failure) => outcome.failures.push(failure),
            }
        }
    } else {
        packages = diagnostic::all(results)?;
    }
    if packages.is_empty() {
        return Ok(outcome);
    }
    let targets: Vec<&Target> = packages.iter().map(|package| package.target).collect();
    let origs_first = origs::stage(&prepared, &targets, &staging, options.output)?;
    // The lock first: a package must never exist whose version it does not know.
    prepared.save_lock()?;
    staging.publish(origs_first.iter().map(String::as_str))?;
    for package in &packages {
        staging.publish(package.own_files.iter().map(String::as_str))?;
        if let Some(tree) = &package.kept_tree {
            let folder = format!("{}_{}.tree", package.target.name, package.target.version.without_epoch());
            tree.write_to(&options.output.join(folder))?;
        }
    }
    outcome.built = packages.into_iter().map(|package| package.built).collect();
    Ok(outcome)
}

/// A target's package, staged.
struct Staged<'a> {
    target: &'a Target,
    built: Built,
    /// Files that are this target's alone, the .changes last.
    own_files: Vec<String>,
    /// To be left beside the package.
    kept_tree: Option<Tree>,
}

/// What all targets of a run share.
struct Job<'a> {
    prepared: &'a Prepared<'a>,
    studied: &'a Studied,
    staging: &'a Staging,
    options: &'a Options<'a>,
}

impl<'a> Job<'a> {
    fn target(&self, target: &'a Target, listener: &dyn Listener) -> Result<Staged<'a>, Failure> {
        self.studied.verdict(target)?;
        let tree = self.render(target)?;
        let overridden = overridden(&tree);
        if !overridden.is_empty() {
            let message = format!("the recipe's own files are used: {}", overridden.join(", "));
            listener.tell(Diagnostic::note("overridden", message));
        }
        listener.detail(&format!("{} for {}: rendered {} files", target.name, target.series, tree.files.len()));
        let origs = origs::of_target(self.prepared, target)?;
        let include = self.includes_origs(&origs);
        for (orig, published) in origs.iter().flat_map(|orig| origs::published_otherwise(orig, &self.prepared.lock)) {
            let asked = self.options.archive.filter(|_| self.options.orig == OrigPolicy::Auto);
            let diagnostic = origs::refused_there(orig, published, asked);
            match diagnostic.level {
                diagnostic::Level::Error => return Err(Failure::recipe(diagnostic)),
                _ => listener.tell(diagnostic),
            }
        }
        let package = source::assemble(source::Input {
            tree: &tree,
            format: target.format,
            vendor: target.series.distro.vendor(),
            origs: &origs.iter().map(OrigFile::as_orig).collect::<Vec<_>>(),
            include_origs: include,
        })?;
        package.warnings.iter().for_each(|warning| listener.tell(warning.clone()));
        let staged = self.stage(target, tree, package, include && !origs.is_empty(), overridden)?;
        let signed = if staged.built.signed_by.is_some() { "" } else { ", unsigned" };
        listener.done("Packed", &format!("{} {} for {}{signed}", target.name, target.version, target.series));
        Ok(staged)
    }

    fn render(&self, target: &Target) -> Result<Tree, Failure> {
        let upstream = self.studied.upstream_of(self.prepared, target)?;
        render::render(target, &upstream.inputs())
    }

    fn includes_origs(&self, origs: &[OrigFile]) -> bool {
        match self.options.orig {
            OrigPolicy::Always => true,
            OrigPolicy::Never => false,
            OrigPolicy::Auto => {
                let (lock, archive) = (&self.prepared.lock, self.options.archive);
                !origs.iter().all(|orig| lock.is_published(&orig.file_name, &orig.checksums.sha256, archive))
            }
        }
    }

    fn stage(
        &self,
        target: &'a Target,
        tree: Tree,
        package: SourcePackage,
        orig_included: bool,
        overridden: Vec<String>,
    ) -> Result<Staged<'a>, Failure> {
        let (package, signed_by) = match self.options.signer {
            Some(signer) => (sign_source_package(signer, package)?, Some(signer.fingerprint())),
            None => (package, None),
        };
        let mut own_files = Vec::new();
        for file in [&package.tarball, &package.dsc, &package.buildinfo, &package.changes] {
            self.staging.write(&file.name, &file.bytes)?;
            own_files.push(file.name.clone());
        }
        let changes = self.options.output.join(&package.changes.name);
        let built = Built {
            name: target.name.clone(),
            version: target.version.to_string(),
            series: target.series.name.clone(),
            distro: target.series.distro.name(),
            changes,
            files: package.origs_included.iter().chain(&own_files).cloned().collect(),
            orig_included,
            signed_by,
            overridden,
        };
        let kept_tree = self.options.keep_tree.then_some(tree);
        Ok(Staged { target, built, own_files, kept_tree })
    }
}

fn overridden(tree: &Tree) -> Vec<String> {
    let replaced = |(path, file): (&String, &render::File)| (file.origin == Origin::Override).then(|| path.clone());
    tree.files.iter().filter_map(replaced).collect()
}

/// Renders every target without packing anything: `debian/` by series, or by
/// `SERIES-FLAVOR` where `split` makes several targets for one.
pub fn render(
    recipe: &Path,
    options: &prepare::Options,
    listener: &dyn Listener,
) -> Result<BTreeMap<String, Tree>, Failure> {
    let prepared = Prepared::open(recipe, options, listener)?;
    let studied = Studied::of(&prepared, options.jobs, listener)?;
    let trees = parallel::map(&prepared.targets, options.jobs, |target| {
        let upstream = studied.upstream_of(&prepared, target)?;
        let flavor = target.nginx.as_ref().and_then(|nginx| nginx.split.as_ref());
        let label = flavor.map_or_else(|| target.series.name.clone(), |flavor| format!("{}-{flavor}", target.series));
        Ok((label, render::render(target, &upstream.inputs())?))
    });
    Ok(diagnostic::all(trees)?.into_iter().collect())
}
