//! What a recipe wants of the machine it is built on, and what is to be said of the
//! recipe itself: of its lock, its series, its target.

use std::path::Path;

use super::check::{Check, Group, Status};
use super::{Aim, Subject};
use crate::diagnostic::Failure;
use crate::follow::life;
use crate::lock::Lock;
use crate::plan::follow::following;
use crate::plan::{self, EvaluateOptions, Location, Target};
use crate::recipe::{self, Recipe};
use crate::series::{Catalog, Distro, Series};
use crate::upload::Method;

/// What reading a recipe takes.
pub struct Reading<'a> {
    /// Who is maintainer where the recipe names none.
    pub author: Option<String>,
    /// RFC 2822.
    pub now: String,
    /// ISO date.
    pub today: &'a str,
    /// The newest data on series.
    pub newest: &'a Catalog,
}

/// What one recipe wants.
pub struct Needs {
    /// As it is written.
    pub recipe: Recipe,
    /// Those that it is for.
    pub series: Vec<Series>,
    /// Whether git fetches sources, or is asked for new tags.
    pub git: bool,
    /// Whether that goes by ssh.
    pub ssh: bool,
    /// Whether it follows packages of the archives.
    pub follows: bool,
    /// Whether it has tests.
    pub tests: bool,
    /// `Name <address>`, where it is known.
    pub maintainer: Option<String>,
    /// What was found.
    pub checks: Vec<Check>,
}

impl Needs {
    /// Reads a recipe and its lock. Fails where the recipe is wrong; what only its lock
    /// or this machine lack is among the checks.
    pub fn of(path: &Path, reading: &Reading) -> Result<Needs, Failure> {
        let recipe = recipe::load(path)?;
        recipe.problems().clone().into_result()?;
        let lock = Lock::load(&Lock::path_for(path))?;
        let options = EvaluateOptions { only: None, author: reading.author.clone(), now: reading.now.clone() };
        let mut checks = vec![loaded(&recipe)];
        let targets = match plan::evaluate(&recipe, &lock, &options) {
            Ok(plan) => plan.targets,
            Err(failure) if failure.diagnostics.iter().all(|found| weight(found.code).is_some()) => {
                let weighed = |diagnostic: crate::diagnostic::Diagnostic| {
                    let status = weight(diagnostic.code).unwrap_or(Status::Problem);
                    Check { status, ..Check::of(Group::Recipe, diagnostic) }
                };
                checks.extend(failure.diagnostics.into_iter().map(weighed));
                Vec::new()
            }
            Err(failure) => return Err(failure),
        };
        let life = life::life(&recipe, reading.newest, reading.today);
        checks.extend(life.into_iter().map(|said| Check::of(Group::Recipe, said)));
        let repositories = repositories(&recipe, &targets);
        Ok(Needs {
            series: recipe.series().to_vec(),
            git: !repositories.is_empty(),
            ssh: repositories.iter().any(|url| goes_by_ssh(url)),
            follows: !following(&recipe)?.is_empty(),
            tests: recipe.root().has("test") || recipe.root().has("nginx"),
            maintainer: targets.first().map(|target| target.maintainer.clone()),
            recipe,
            checks,
        })
    }
}

fn loaded(recipe: &Recipe) -> Check {
    let text = |key| recipe.root().text(key).map_or("", |text| text.value.as_str());
    let series: Vec<&str> = recipe.series().iter().map(|series| series.name.as_str()).collect();
    let found = format!("{}: {} {}, for {}", recipe.path().display(), text("name"), text("version"), series.join(", "));
    Check::ok(Group::Recipe, "recipe", found)
}

/// What is not the recipe's fault, and how much it weighs: a lock that is to be
/// brought up to date, and a maintainer whom the machine is to name.
fn weight(code: &str) -> Option<Status> {
    match code {
        "not-resolved" => Some(Status::Warning),
        "no-maintainer" | "bad-person" => Some(Status::Problem),
        _ => None,
    }
}

fn repositories(recipe: &Recipe, targets: &[Target]) -> Vec<String> {
    let root = recipe.root();
    let written = root.tables("source").iter().chain(root.table("watch")).filter_map(|section| section.text("git"));
    let sources = targets.iter().flat_map(|target| &target.sources);
    let evaluated = sources.filter_map(|source| match &source.location {
        Location::GitTag(url, _) | Location::GitCommit(url, _) => Some(url.clone()),
        _ => None,
    });
    written.map(|text| text.value.clone()).chain(evaluated).collect()
}

/// `ssh://`, and `user@host:path`.
fn goes_by_ssh(url: &str) -> bool {
    let is_short = || url.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    url.starts_with("ssh://") || url.starts_with("git+ssh://") || (!url.contains("://") && is_short())
}

/// What is to be said of where the recipes go.
pub(super) fn of_targets(subject: &Subject) -> Vec<Check> {
    let mut found = Vec::new();
    let named: Vec<&Aim> = subject.targets.iter().filter(|aim| aim.is_named).collect();
    if named.is_empty() && !subject.needs.is_empty() {
        let note = Check::note(Group::Recipe, "no-target", "nothing says where to upload to");
        found.push(note.cure("name a PPA as `to` under `[upload]` in the recipe, or with `--to ppa:OWNER/NAME`"));
    }
    let of_debian: Vec<String> =
        subject.series().iter().filter(|series| series.distro == Distro::Debian).map(Series::to_string).collect();
    for aim in named.iter().filter(|aim| aim.is_ppa()) {
        let name = &aim.target.name;
        if !of_debian.is_empty() {
            let note =
                format!("{} is built, and not sent to {name}: a PPA takes series of Ubuntu", of_debian.join(", "));
            found.push(Check::note(Group::Recipe, "series-not-for-ppa", note));
        }
        if !aim.target.ways.iter().any(|way| way.method == Method::Sftp) {
            let note = format!("uploads to {name} go by FTP: no account with a key for SFTP is at hand");
            let check = Check::note(Group::Reachability, "upload-by-ftp", note)
                .because("Launchpad answers 550 to FTP for a while after an upload; SFTP has no such pause");
            found.push(check.cure(
                "`login = \"NAME\"` in config.toml, and a key of https://launchpad.net/~/+editsshkeys in ssh or PKGR_SFTP_KEY",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Result<Needs, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        let head = "name = \"hello\"\nversion = \"1\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\n";
        std::fs::write(&path, format!("{head}{text}")).unwrap();
        let now = "Tue, 24 Nov 2026 10:00:00 +0000".to_string();
        let newest = crate::series::shipped();
        Needs::of(&path, &Reading { author: None, now, today: "2026-11-24", newest })
    }

    const WHO: &str = "maintainer = \"Jane Doe <jane@example.org>\"\n";

    #[test]
    fn what_a_recipe_wants() {
        let plain = needs(&format!("{WHO}series = [\"jammy\"]\n")).unwrap();
        assert!(!plain.git && !plain.ssh && !plain.follows);
        assert_eq!(plain.maintainer.as_deref(), Some("Jane Doe <jane@example.org>"));
        let git = format!("{WHO}series = [\"jammy\"]\n[[source]]\ngit = \"git@example.org:x/y.git\"\ntag = \"v1\"\n");
        let git = needs(&git).unwrap();
        assert!(git.git && git.ssh);
        assert!(!goes_by_ssh("https://example.org/x:y") && goes_by_ssh("ssh://example.org/x") && !goes_by_ssh("./a:b"));
    }

    #[test]
    fn what_the_machine_or_the_lock_lack_is_not_the_recipes_fault() {
        let codes = |needs: Needs| -> Vec<(&'static str, Status)> {
            needs.checks.iter().map(|check| (check.code, check.status)).collect()
        };
        let nobody = codes(needs("series = [\"noble\", \"resolute\"]\n").unwrap());
        assert_eq!(nobody, [("recipe", Status::Ok), ("no-maintainer", Status::Problem)]);
        let nginx = format!(
            "{WHO}series = [\"noble\", \"resolute\"]\n[[source]]\nurl = \"https://example.org/a.tar.gz\"\n[nginx]\nmodules = [\"a.so\"]\n"
        );
        let unlocked = codes(needs(&nginx).unwrap_or_else(|failure| panic!("{failure:?}")));
        assert!(unlocked.contains(&("not-resolved", Status::Warning)), "{unlocked:?}");
        assert!(needs(&format!("{WHO}series = [\"jammy\"]\nno-such-key = 1\n")).is_err());
    }

    #[test]
    fn the_end_of_a_series_is_a_warning() {
        let found = needs(&format!("{WHO}series = [\"questing\", \"resolute\"]\n")).unwrap();
        assert!(found.checks.iter().any(|check| check.code == "series-eol" && check.status == Status::Warning));
    }
}
