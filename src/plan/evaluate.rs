//! From a recipe and its lock to one [`Target`] per series. Nothing of the
//! machine decides anything, but for the author and the date of an entry that is
//! made, which the options bring.

use crate::deb::names::Maintainer;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::lock::Lock;
use crate::recipe::problems::Problems;
use crate::recipe::template::Variables;
use crate::recipe::value::Section;
use crate::recipe::{Recipe, Selector};
use crate::series::Series;

use super::evaluator::Evaluator;
use super::follow::{Following, Resolved, of_series, tell_missing};
use super::layer::layered;
use super::modules;
use super::nginx::{Mode, Nginx};
use super::payload;
use super::toolchain::Toolchain;
use super::versions::{Module, Wanted, changelog, record};
use super::{Format, Target};

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
    let (known, mut lock) = (lock, lock.clone());
    let maintainer = maintainer(recipe, &mut lock, options, &mut problems);
    let all = recipe.series().iter().map(|series| (series, layered(recipe, series, &mut problems)));
    let chosen = |series: &Series| options.only.as_ref().is_none_or(|only| only.matches(series));
    let all: Vec<Seen> = all.map(|(series, root)| Seen::new(recipe, series, root, known)).collect();
    for seen in &all {
        check_version(recipe, &seen.root, &mut problems);
    }
    // what the lock lacks for a series matters where that series is asked for
    let asked = all.iter().filter(|seen| chosen(seen.series));
    tell_missing(asked.flat_map(|seen| seen.follows.missing()), &mut problems);
    let wanted: Vec<Wanted> = all.iter().filter(|seen| chosen(seen.series)).filter_map(Seen::wanted).collect();
    record(&mut lock, &wanted, &maintainer, &options.now);

    let mut targets = Vec::new();
    for seen in &all {
        // all series are evaluated, so that errors do not hide behind --only
        let mut scratch = lock.clone();
        if let (false, Some(wanted)) = (chosen(seen.series), seen.wanted()) {
            record(&mut scratch, &[wanted], &maintainer, &options.now);
        }
        let made = self::targets(recipe, seen, &scratch, &maintainer, &mut problems);
        targets.extend(made.into_iter().filter(|_| chosen(seen.series)));
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

/// A recipe as one series sees it.
struct Seen<'a> {
    series: &'a Series,
    root: Section,
    follows: Resolved<'a>,
}

impl<'a> Seen<'a> {
    fn new(recipe: &Recipe, series: &'a Series, root: Section, lock: &'a Lock) -> Seen<'a> {
        let followings: Vec<Following> = of_series(recipe, series, &root);
        Seen { series, follows: Resolved::of(&followings, lock), root }
    }

    /// The version that it wants; none while the lock lacks what it consists of.
    fn wanted(&self) -> Option<Wanted> {
        let version = self.root.text("version")?.value.clone();
        if !self.follows.missing().is_empty() {
            return None;
        }
        let series = self.series.clone();
        let followed = self.follows.versions(!self.root.has("nginx"));
        if self.root.has("nginx") {
            let nginx = self.follows.get("nginx")?.parsed_version()?.without_epoch();
            let module = Module { version, nginx };
            let (version, revision) = module.version_and_revision();
            return Some(Wanted { series, version, revision, module: Some(module), followed });
        }
        let revision = self.root.text("revision").map_or("1".to_string(), |t| t.value.clone());
        let revision = has_sources(&self.root).then_some(revision);
        Some(Wanted { series, version, revision, module: None, followed })
    }
}

/// The targets of one series: one, or with `split` one per flavor.
fn targets(recipe: &Recipe, seen: &Seen, lock: &Lock, maintainer: &str, problems: &mut Problems) -> Vec<Target> {
    let debian_version = seen.wanted().and_then(|wanted| wanted.current(lock));
    let mut variables = variables(seen.series, &seen.root, debian_version.as_deref());
    variables.follows = seen.follows.variables();
    let mut evaluator = Evaluator {
        recipe,
        series: seen.series,
        variables,
        follows: &seen.follows,
        nginx: seen.follows.get("nginx").filter(|_| seen.root.has("nginx")),
        has_sources: has_sources(&seen.root),
        placed: Vec::new(),
        problems,
    };
    let nginx = evaluator.nginx(&seen.root);
    let is_split = seen.root.table("nginx").and_then(|nginx| nginx.flag("split")).unwrap_or(false);
    let each: Vec<Option<Nginx>> = match nginx {
        Some(nginx) if is_split && nginx.mode == Mode::Flavors => {
            modules::split(&nginx).into_iter().map(Some).collect()
        }
        other => vec![other],
    };
    each.into_iter().filter_map(|nginx| target(&mut evaluator, seen, lock, maintainer, nginx)).collect()
}

fn target(
    evaluator: &mut Evaluator,
    seen: &Seen,
    lock: &Lock,
    maintainer: &str,
    nginx: Option<Nginx>,
) -> Option<Target> {
    let (root, series) = (&seen.root, seen.series);
    let debian_version = evaluator.variables.debian_version.clone();
    if let Some(word) = evaluator.word(root, "upstream-version") {
        evaluator.variables.upstream_version = word.value;
    }
    let build = evaluator.build(root);
    let sources = evaluator.sources(root);
    let packages = match (&nginx, root.has("nginx")) {
        // without its facts there are no flavors to have packages for
        (None, true) => Vec::new(),
        _ => evaluator.packages(root, &build, nginx.as_ref()),
    };
    let urgency = root.text("urgency").map_or("medium", |t| &t.value);
    let name = match nginx.as_ref().filter(|nginx| nginx.split.is_some()).and_then(|nginx| nginx.flavors.first()) {
        Some(flavor) => flavor.package.clone(),
        None => evaluator.variables.name.clone(),
    };
    let homepage = evaluator.text(root, "homepage");
    let target = Target {
        series: series.clone(),
        toolchain: Toolchain::of(series),
        folder: evaluator.recipe.folder().to_path_buf(),
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
        tests: evaluator.tests(root, nginx.as_ref(), &packages),
        packages,
        nginx,
        watch: if evaluator.has_sources { evaluator.watch() } else { None },
        changelog: changelog(lock, &name, series, urgency),
        overrides: evaluator.overrides(),
        // without the facts of the lock there is no version, and an error says so
        version: Version::parse(&debian_version).ok().filter(|_| seen.follows.missing().is_empty())?,
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
        ..Variables::default()
    }
}

impl Evaluator<'_> {
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
