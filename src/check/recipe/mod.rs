//! What makes trouble later in a recipe that is right by the language's rules:
//! read together with its lock, for all its series at once, and as far as they can
//! be asked against the archives that its packages are built in and go to.
//!
//! ```text
//! series    those that are over         versions  rise with the series and over time
//! words     summaries, names, copyright depends   every series has what is needed
//! ppa       what is special about PPAs  rules     the table of all that is looked for
//! ```
//!
//! Nothing is built or written; errors of the language are [`crate::plan`]'s.

mod depends;
mod ppa;
pub mod rules;
mod series;
mod versions;
mod words;

use std::path::Path;

use crate::check::Level;
use crate::check::holdings::Holdings;
use crate::diagnostic::{self, Diagnostic, Failure, Place};
use crate::fetch::apt::Archives;
use crate::lock::Lock;
use crate::plan::{self, EvaluateOptions, Target};
use crate::recipe::{self, Recipe};
use rules::LintRule;

/// How to look.
pub struct Options<'a> {
    /// Author and date of an entry that the lock lacks.
    pub evaluate: EvaluateOptions,
    /// ISO date by which series live.
    pub today: String,
    /// What the PPA holds that the packages go to; `None`: they go to none.
    pub ppa: Option<&'a dyn Holdings>,
    /// The archives of the series; `None`: they are not asked.
    pub archives: Option<&'a Archives<'a>>,
    /// Threads.
    pub jobs: usize,
}

/// One thing found.
#[derive(Debug, Clone)]
pub struct Lint {
    /// What kind of thing.
    pub rule: &'static LintRule,
    /// What was found.
    pub message: String,
    /// Where in the recipe.
    pub place: Option<Place>,
    /// What else is known.
    pub facts: Vec<String>,
}

impl Lint {
    fn new(rule: &'static LintRule, message: impl Into<String>) -> Lint {
        Lint { rule, message: message.into(), place: None, facts: Vec::new() }
    }

    fn at(self, place: Option<Place>) -> Lint {
        Lint { place, ..self }
    }

    /// For people and `--json`: the rule's cure is the hint.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let level = match self.rule.level {
            Level::Rejected => diagnostic::Level::Error,
            Level::Warning => diagnostic::Level::Warning,
            Level::Note => diagnostic::Level::Note,
        };
        Diagnostic {
            code: self.rule.code,
            level,
            message: self.message.clone(),
            place: self.place.clone(),
            notes: self.facts.clone(),
            hints: Some(self.rule.cure.to_string()).filter(|cure| !cure.is_empty()).into_iter().collect(),
        }
    }
}

/// What was found in a recipe.
#[derive(Debug, Clone, Default)]
pub struct RecipeReport {
    /// What is to be told.
    pub findings: Vec<Lint>,
    /// What `[lint] allow` lets be, with its reason.
    pub allowed: Vec<(Lint, String)>,
}

/// A recipe as all lints see it.
struct Subject<'s> {
    recipe: &'s Recipe,
    /// As it was written; `plan` may have added an entry to its own.
    lock: &'s Lock,
    targets: &'s [Target],
}

impl Subject<'_> {
    /// Where a key of the top level stands.
    fn key(&self, name: &str) -> Option<Place> {
        self.recipe.root().field(name).map(|field| self.recipe.document().place(&field.span))
    }

    /// Where a string stands, if it is written out somewhere.
    fn text(&self, text: &str) -> Option<Place> {
        let written = ["\"", "'"].iter().find_map(|quote| {
            let quoted = format!("{quote}{text}{quote}");
            let at = self.recipe.document().text().find(&quoted)?;
            Some(at..at + quoted.len())
        });
        written.map(|span| self.recipe.document().place(&span))
    }
}

/// Looks at a recipe. The error is that it is wrong by the language's rules, or
/// that something cannot be read.
pub fn lint(path: &Path, options: &Options<'_>) -> Result<RecipeReport, Failure> {
    // the lock first: it may know series that the recipe names
    let lock = Lock::load(&Lock::path_for(path))?;
    let recipe = recipe::load(path)?;
    let plan = plan::evaluate(&recipe, &lock, &options.evaluate)?;
    let subject = Subject { recipe: &recipe, lock: &lock, targets: &plan.targets };
    let mut findings = series::lint(&subject, &options.today);
    findings.extend(versions::lint(&subject, options.ppa)?);
    findings.extend(words::lint(&subject)?);
    findings.extend(match options.archives {
        Some(archives) => depends::lint(&subject, archives, options),
        None => {
            vec![Lint::new(&rules::DEPENDENCIES_NOT_CHECKED, "nobody looked whether the series have what is needed")]
        }
    });
    if let Some(ppa) = options.ppa {
        findings.extend(ppa::lint(&subject, ppa)?);
    }
    Ok(allow(findings, &subject, options))
}

/// Sorts out what the recipe lets be, and tells what it lets be in vain: of what
/// was looked for.
fn allow(findings: Vec<Lint>, subject: &Subject, options: &Options) -> RecipeReport {
    let allowed = subject.recipe.allowed_findings();
    let mut report = RecipeReport::default();
    for finding in findings {
        match allowed.iter().find(|(code, _)| code == finding.rule.code) {
            Some((_, why)) => report.allowed.push((finding, why.clone())),
            None => report.findings.push(finding),
        }
    }
    let was_looked_for = |code: &str| match rules::find(code) {
        Some(rule) if code.starts_with("ppa-") || rule.code == rules::VERSION_USED.code => options.ppa.is_some(),
        Some(rule) => {
            let of_archives =
                [&rules::NO_PACKAGE, &rules::NO_RECOMMENDED, &rules::ARCHITECTURE_ABSENT, &rules::DEPENDENCIES_UNKNOWN];
            let is_of_network = rule.code == rules::DEPENDENCIES_NOT_CHECKED.code;
            !is_of_network && (options.archives.is_some() || !of_archives.iter().any(|other| other.code == rule.code))
        }
        // an archive's rule, or a tag of lintian's
        None => false,
    };
    for (code, _) in &allowed {
        if was_looked_for(code) && !report.allowed.iter().any(|(lint, _)| lint.rule.code == code) {
            let message = format!("`{code}` is allowed, and was not found");
            report.findings.push(Lint::new(&rules::ALLOW_UNUSED, message).at(subject.text(code)));
        }
    }
    report
}
