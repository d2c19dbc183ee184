//! From a recipe and its lock to one [`Target`] per series. Nothing of the
//! machine decides anything, but for the author and the date of an entry that is
//! made, which the options bring.

use crate::deb::names::Maintainer;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::lock::Lock;
use crate::recipe::problems::Problems;
use crate::recipe::template::Variables;
use crate::recipe::value::{Section, Value};
use crate::recipe::{Recipe, Selector};
use crate::series::Series;

use super::evaluator::Evaluator;
use super::layer::layered;
use super::payload;
use super::toolchain::Toolchain;
use super::versions::{Wanted, changelog, record};
use super::{Format, Target, Test};

/// What the evaluation needs beside recipe and lock.
#[derive(Debug, Clone, Default)]
pub struct EvaluateOptions {
    /// Only these targets (`--only`).
    pub only: Option<Selector>,
    /// `Name <address>` of whoever runs pkgr, for a recipe without `maintainer`.
    pub author: Option<String>,
    /// RFC 2822 date for an entry that has to be made.
    pub now: String,
}

/// The targets, and the lock that they are in.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In the order of the recipe's `series`.
    pub targets: Vec<Target>,
    /// The lock, with the entry and the maintainer that had to be added.
    pub lock: Lock,
}

/// Evaluates a recipe for its targets. Everything that is wrong with it is in
/// one failure, what [`crate::recipe::load`] found included.
pub fn evaluate(recipe: &Recipe, lock: &Lock, options: &EvaluateOptions) -> Result<Plan, Failure> {
    let mut problems = recipe.problems().clone();
    let mut lock = lock.clone();
    let maintainer = maintainer(recipe, &mut lock, options, &mut problems);
    let all = recipe.series().iter().map(|series| (series, layered(recipe, series, &mut problems)));
    let all: Vec<(&Series, Section)> = all.collect();
    for (_, root) in &all {
        check_version(recipe, root, &mut problems);
    }
    let chosen = |series: &Series| options.only.as_ref().is_none_or(|only| only.matches(series));
    let wanted: Vec<Wanted> =
        all.iter().filter(|(s, _)| chosen(s)).filter_map(|(series, root)| wanted(series, root)).collect();
    record(&mut lock, &wanted, &maintainer, &options.now);

    let mut targets = Vec::new();
    for (series, root) in &all {
        // all series are evaluated, so that errors do not hide behind --only
        let mut scratch = lock.clone();
        if let (false, Some(wanted)) = (chosen(series), self::wanted(series, root)) {
            record(&mut scratch, &[wanted], &maintainer, &options.now);
        }
        let target = target(recipe, series, root, &scratch, &maintainer, &mut problems);
        targets.extend(target.filter(|_| chosen(series)));
    }
    problems.into_result()?;
    if let (true, Some(only)) = (targets.is_empty(), &options.only) {
        let names: Vec<&str> = recipe.series().iter().map(|s| s.name.as_str()).collect();
        let message = format!("`--only {}` is true for no target of {}", only.text(), recipe.path().display());
        let diagnostic = Diagnostic::error("selector-matches-nothing", message);
        return Err(Failure::new(Kind::Usage, diagnostic.hint(format!("the targets are {}", names.join(", ")))));
    }
    Ok(Plan { targets, lock })
}

/// The recipe's maintainer, else the lock's, else the options' (kept in the lock).
fn maintainer(recipe: &Recipe, lock: &mut Lock, options: &EvaluateOptions, problems: &mut Problems) -> String {
    if let Some(text) = recipe.root().text("maintainer") {
        return text.value.trim().to_string();
    }
    if recipe.root().has("maintainer") {
        return String::new();
    }
    if let Some(locked) = &lock.maintainer {
        return locked.clone();
    }
    match options.author.as_deref().map(Maintainer::parse) {
        Some(Ok(person)) => {
            lock.maintainer = Some(person.to_string());
            person.to_string()
        }
        Some(Err(error)) => {
            let diagnostic =
                Diagnostic::error("bad-person", format!("the maintainer cannot be taken from here: {error}"));
            problems.push(diagnostic.hint("DEBFULLNAME and DEBEMAIL, or `maintainer` in the recipe"));
            String::new()
        }
        None => {
            let diagnostic = Diagnostic::error("no-maintainer", "nobody is named as maintainer");
            let hint = "write `maintainer = \"Name <address>\"`, or set DEBFULLNAME and DEBEMAIL";
            problems.push(diagnostic.at(recipe.document().place(&(0..0))).hint(hint));
            String::new()
        }
    }
}

/// Whether there are upstream files: on every series or on none, for a package
/// that is native here and not there is a slip, told where the sources are read.
fn has_sources(root: &Section) -> bool {
    root.has("source")
}

fn check_version(recipe: &Recipe, root: &Section, problems: &mut Problems) {
    if let (false, Some(field)) = (has_sources(root), root.field("revision")) {
        let message = "a `revision` without a `[[source]]`: a native package has none";
        let diagnostic = Diagnostic::error("revision-of-native", message).at(recipe.document().place(&field.span));
        problems.push(diagnostic.hint("raise `version` instead"));
    }
}

fn wanted(series: &Series, root: &Section) -> Option<Wanted> {
    let version = root.text("version")?.value.clone();
    let revision = root.text("revision").map_or("1".to_string(), |t| t.value.clone());
    let revision = has_sources(root).then_some(revision);
    Some(Wanted { series: series.clone(), version, revision })
}

fn target(
    recipe: &Recipe,
    series: &Series,
    root: &Section,
    lock: &Lock,
    maintainer: &str,
    problems: &mut Problems,
) -> Option<Target> {
    let wanted = wanted(series, root);
    let debian_version = wanted.as_ref().and_then(|w| w.current(lock));
    let mut evaluator = Evaluator {
        recipe,
        series,
        variables: variables(series, root, debian_version.as_deref()),
        has_sources: has_sources(root),
        placed: Vec::new(),
        problems,
    };
    if let Some(word) = evaluator.word(root, "upstream-version") {
        evaluator.variables.upstream_version = word.value;
    }
    let build = evaluator.build(root);
    let sources = evaluator.sources(root);
    let packages = evaluator.packages(root, &build);
    let urgency = root.text("urgency").map_or("medium", |t| &t.value);
    let name = evaluator.variables.name.clone();
    let homepage = evaluator.text(root, "homepage");
    let target = Target {
        series: series.clone(),
        toolchain: Toolchain::of(series),
        folder: recipe.folder().to_path_buf(),
        recipe_version: evaluator.variables.version.clone(),
        upstream_version: evaluator.variables.upstream_version.clone(),
        format: if evaluator.has_sources { Format::Quilt } else { Format::Native },
        maintainer: maintainer.to_string(),
        uploaders: evaluator.texts(root, "uploaders"),
        homepage,
        vcs_git: evaluator.text(root, "vcs-git"),
        license: evaluator.text(root, "license").unwrap_or_default(),
        copyright: evaluator.texts(root, "copyright"),
        section: evaluator.text(root, "section").unwrap_or_else(|| "misc".to_string()),
        priority: root.text("priority").map_or("optional", |t| &t.value).to_string(),
        urgency: urgency.to_string(),
        build_depends: evaluator.texts(root, "build-depends"),
        build_depends_indep: evaluator.texts(root, "build-depends-indep"),
        build_conflicts: evaluator.texts(root, "build-conflicts"),
        sources,
        patches: evaluator.patches(root),
        build,
        packages,
        tests: evaluator.tests(root),
        nginx: None,
        changelog: changelog(lock, &name, series, urgency),
        overrides: evaluator.overrides(),
        version: Version::parse(debian_version.as_deref()?).ok()?,
        name,
    };
    Some(target)
}

/// The variables. Where name or version are wrong the evaluation will fail; what
/// stands for them until then is harmless, so that it draws no other errors.
fn variables(series: &Series, root: &Section, debian_version: Option<&str>) -> Variables {
    let value = |name: &str, otherwise| root.text(name).map_or(otherwise, |t| t.value.as_str());
    let version = value("version", "0");
    let version = version.split_once(':').map_or(version, |(_, upstream)| upstream);
    Variables {
        name: value("name", "unnamed").to_string(),
        version: version.to_string(),
        upstream_version: version.to_string(),
        debian_version: debian_version.unwrap_or("0").to_string(),
        series_name: series.name.clone(),
        series_number: series.number.clone(),
        series_distro: series.distro.name().to_string(),
    }
}

impl Evaluator<'_> {
    fn tests(&mut self, root: &Section) -> Vec<Test> {
        let mut tests: Vec<Test> = Vec::new();
        let entries = self.entries(root, "test");
        // a name that is given is not given to a nameless one before it
        let mut taken: Vec<String> = entries.iter().filter_map(|s| Some(s.text("name")?.value.clone())).collect();
        for section in entries {
            let Some(run) = section.text("run") else { continue };
            let named = self.word(section, "name");
            let (name, span) = match named {
                Some(word) => (word.value, word.span),
                None => {
                    let name = free_name(&taken);
                    taken.push(name.clone());
                    (name, section.span.clone())
                }
            };
            if tests.iter().any(|t| t.name == name) {
                self.wrong("duplicate-test", format!("two tests are named `{name}`"), &span);
                continue;
            }
            let depends = match section.field("depends").map(|f| &f.value) {
                Some(Value::List(_)) => self.texts(section, "depends"),
                _ => vec!["@".to_string()],
            };
            let architectures = section.when().map_or_else(Vec::new, |selector| {
                selector.architectures().map(|(name, not)| format!("{}{name}", if not { "!" } else { "" })).collect()
            });
            let restrictions = self.texts(section, "restrictions");
            tests.push(Test { name, run: run.value.clone(), depends, restrictions, architectures, flavor: None });
        }
        tests
    }

    /// The recipe's own `debian/`, without what pkgr must write itself.
    fn overrides(&mut self) -> Vec<String> {
        let folder = self.recipe.folder();
        let (files, wrong) = payload::overrides(folder);
        for path in wrong {
            let message = format!("{} is no regular file of the recipe's folder", folder.join(&path).display());
            self.problems.push(Diagnostic::error("bad-override", message));
        }
        if files.iter().any(|f| f == "changelog") {
            let message = format!(
                "{} would replace the changelog that the lock keeps",
                folder.join("debian/changelog").display()
            );
            let diagnostic = Diagnostic::error("changelog-override", message);
            self.problems.push(diagnostic.hint("remove it; `pkgr bump -m TEXT` adds words to the changelog"));
        }
        let format = if self.has_sources { Format::Quilt } else { Format::Native };
        let own =
            std::fs::read_to_string(folder.join("debian/source/format")).unwrap_or_else(|_| format.name().to_string());
        if files.iter().any(|f| f == "source/format") && own.trim() != format.name() {
            let file = folder.join("debian/source/format");
            let message = format!("{} says `{}`, but the recipe makes `{}`", file.display(), own.trim(), format.name());
            let diagnostic = Diagnostic::error("format-override", message);
            self.problems
                .push(diagnostic.hint("remove it: a recipe with a `[[source]]` is quilt, one without is native"));
        }
        files
    }
}

/// `test`, then `test-2` and so on: the first name that is not taken.
fn free_name(taken: &[String]) -> String {
    let numbered = |number: usize| if number == 1 { "test".to_string() } else { format!("test-{number}") };
    let mut number = 1;
    while taken.contains(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}
