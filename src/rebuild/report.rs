//! What a rebuild found and did: one line for each source package of each
//! series, in the order of the recipes and their targets.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::diagnostic::Failure;
use crate::follow::Change;

/// The whole run.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were worked on.
    pub recipes: Vec<RecipeReport>,
}

impl Report {
    /// Everything that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.recipes.iter().flat_map(RecipeReport::failures)
    }

    /// Whether there was nothing to do, and nothing failed.
    pub fn is_quiet(&self) -> bool {
        let current = |package: &Package| matches!(package.outcome, Outcome::Current | Outcome::Skipped(_));
        self.failures().next().is_none()
            && self.recipes.iter().all(|recipe| recipe.changes.is_empty() && recipe.packages.iter().all(current))
    }
}

/// One recipe.
#[derive(Debug, Default)]
pub struct RecipeReport {
    /// The recipe.toml, as it was named.
    pub recipe: PathBuf,
    /// Where its packages go.
    pub target: String,
    /// What the archives had that the lock had not.
    pub changes: Vec<Change>,
    /// One for each source package of each series.
    pub packages: Vec<Package>,
    /// What failed for the recipe as a whole.
    pub failures: Vec<Failure>,
}

impl RecipeReport {
    fn failures(&self) -> impl Iterator<Item = &Failure> {
        let of_packages = self.packages.iter().filter_map(|package| match &package.outcome {
            Outcome::Failed(_, failure) => Some(failure),
            _ => None,
        });
        self.failures.iter().chain(of_packages)
    }
}

/// One source package for one series.
#[derive(Debug)]
pub struct Package {
    /// Source package name.
    pub source: String,
    /// Code name.
    pub series: String,
    /// Full version.
    pub version: String,
    /// The changelog's newest entry: why there is this version.
    pub reason: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// How far a package came.
#[derive(Debug)]
pub enum Outcome {
    /// The target has it: nothing to do.
    Current,
    /// Not for this target.
    Skipped(String),
    /// To be done; what a dry run, or a recipe that must wait for another, leaves.
    Pending(String),
    /// Uploaded before; the target has not said anything yet.
    Awaited(String),
    /// An upload was begun, at this time, and whether it arrived is not known yet.
    Unsettled(Timestamp),
    /// Uploaded now.
    Uploaded,
    /// The target has accepted it, built it, and publishes every binary.
    Published,
    /// Stopped in this step.
    Failed(Step, Failure),
}

impl Outcome {
    /// In the JSON document.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Current => "current",
            Outcome::Skipped(_) => "skipped",
            Outcome::Pending(_) => "pending",
            Outcome::Awaited(_) => "awaited",
            Outcome::Unsettled(_) => "unsettled",
            Outcome::Uploaded => "uploaded",
            Outcome::Published => "published",
            Outcome::Failed(..) => "failed",
        }
    }

    /// For people.
    pub fn describe(&self) -> String {
        match self {
            Outcome::Current => "up to date".into(),
            Outcome::Skipped(why) | Outcome::Pending(why) | Outcome::Awaited(why) => why.clone(),
            Outcome::Unsettled(at) => format!("the upload begun at {at} may have arrived"),
            Outcome::Uploaded => "uploaded".into(),
            Outcome::Published => "published".into(),
            Outcome::Failed(step, failure) => format!("{} failed: {}", step.name(), first_message(failure)),
        }
    }
}

/// Where a package stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rendering, packing, signing.
    Build,
    /// The archive's rules.
    Check,
    /// Binaries in a clean root.
    Test,
    /// The transfer.
    Upload,
    /// Acceptance, the builders, publication.
    Wait,
}

impl Step {
    /// In reports and the JSON document.
    pub fn name(self) -> &'static str {
        match self {
            Step::Build => "build",
            Step::Check => "check",
            Step::Test => "test",
            Step::Upload => "upload",
            Step::Wait => "wait",
        }
    }
}

/// The first thing that a failure says.
pub fn first_message(failure: &Failure) -> &str {
    failure.diagnostics.first().map_or("for no reason given", |diagnostic| &diagnostic.message)
}
