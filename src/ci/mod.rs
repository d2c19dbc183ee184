//! The scheduled run of `pkgr rebuild`, written for the service that runs it:
//! GitHub Actions (workflow syntax), GitLab CI (.gitlab-ci.yml), systemd
//! (systemd.timer(5)). What they have in common is a few lines of shell, which the
//! templates in templates/ci share.
//!
//! Every file has the digest of its text at its top, so that one that a person has
//! edited is recognised, and not overwritten.

mod cron;
mod template;

use std::path::{Path, PathBuf};

pub use cron::{Cron, CronError};

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::files;
use sha2::{Digest, Sha256};
use template::fill;

/// Who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// A timer of this machine.
    Systemd,
}

/// What the run does.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The root of the repository, absolute.
    pub root: PathBuf,
    /// The recipes, relative to the root, with `/`.
    pub recipes: Vec<String>,
    /// Where to upload; none: what the recipes say.
    pub to: Option<String>,
    /// Whether packages are tested before they are uploaded.
    pub test: bool,
    /// When.
    pub cron: Cron,
    /// Propose the locks for review instead of pushing them.
    pub pull_request: bool,
    /// A shell command that installs pkgr; none: cargo, from the repository.
    pub install: Option<String>,
    /// The pkgr that a service of this machine runs, absolute.
    pub program: PathBuf,
    /// The user that it runs as.
    pub user: String,
}

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Relative to the root of the repository.
    pub path: &'static str,
    /// Its text, the line with the digest included.
    pub text: String,
    /// Whether it is run.
    pub executable: bool,
}

const UPDATE_BRANCH: &str = "pkgr/recipe-lock";
const SECRETS: &str = "/etc/pkgr/secrets";
const MARK: &str = "made by `pkgr ci`, sha256 of what follows: ";

const FIRST_LINES: [&str; 2] = ["#!", "# yamllint "];

macro_rules! templates {
    ($name:literal) => {
        include_str!(concat!("../../templates/ci/", $name))
    };
}

/// The files for a service, the one to look at first.
pub fn files(service: Service, setup: &Setup) -> Vec<Generated> {
    match service {
        Service::Github => vec![marked(".github/workflows/pkgr.yml", &github(setup), false)],
        Service::Gitlab => vec![marked(".gitlab-ci.yml", &gitlab(setup), false)],
        Service::Systemd => systemd(setup),
    }
}

fn github(setup: &Setup) -> String {
    let credentials = templates!("github-credentials.yml").trim_end();
    let fetch = fetch(setup);
    let take_up = fill(templates!("github-take-up.yml"), &[("CREDENTIALS", credentials), ("FETCH", &fetch)]);
    let mut permissions = "contents: write  # to push recipe.lock".to_string();
    if setup.pull_request {
        permissions.push_str("\npull-requests: write  # to open one");
    }
    let push = if setup.pull_request { templates!("github-request.sh") } else { templates!("push.sh") };
    fill(
        templates!("github.yml"),
        &[
            ("CRON", setup.cron.text()),
            ("PERMISSIONS", &permissions),
            ("VERSION", env!("CARGO_PKG_VERSION")),
            ("INSTALL", &install(setup)),
            ("TAKE_UP", if setup.pull_request { &take_up } else { "" }),
            ("REBUILD", &rebuild(setup, "pkgr")),
            ("CREDENTIALS", credentials),
            ("COMMIT", &commit(setup, push)),
        ],
    )
}

fn gitlab(setup: &Setup) -> String {
    let push = if setup.pull_request { templates!("gitlab-request.sh") } else { templates!("push.sh") };
    let take_up = fill(templates!("gitlab-take-up.yml"), &[("FETCH", &fetch(setup))]);
    fill(
        templates!("gitlab.yml"),
        &[
            ("CRON", setup.cron.text()),
            ("VERSION", env!("CARGO_PKG_VERSION")),
            ("INSTALL", &install(setup)),
            ("TAKE_UP", if setup.pull_request { &take_up } else { "" }),
            ("REBUILD", &rebuild(setup, "pkgr")),
            ("COMMIT", &commit(setup, push)),
        ],
    )
}

fn systemd(setup: &Setup) -> Vec<Generated> {
    let push = if setup.pull_request { templates!("branch.sh") } else { templates!("push.sh") };
    let root = setup.root.display().to_string();
    let script = setup.root.join("systemd/pkgr-rebuild.sh").display().to_string();
    let at_home = ["/home/", "/root/"].iter().any(|home| root.starts_with(home));
    let service = fill(
        templates!("pkgr-rebuild.service"),
        &[
            ("USER", &setup.user),
            ("ROOT", &escaped(&root)),
            ("SCRIPT", &escaped(&script)),
            ("SECRETS", SECRETS),
            // the recipes, and git's and ssh's configuration, are there
            ("PROTECT_HOME", if at_home { "no" } else { "read-only" }),
            // clean roots are namespaces
            ("NAMESPACES", if setup.test { "no" } else { "yes" }),
        ],
    );
    let calendar: String = setup.cron.calendar().iter().map(|when| format!("OnCalendar={when}\n")).collect();
    let timer = fill(templates!("pkgr-rebuild.timer"), &[("CALENDAR", calendar.trim_end())]);
    let program = quoted(&setup.program.display().to_string());
    let script = fill(
        templates!("pkgr-rebuild.sh"),
        &[
            ("FETCH", &if setup.pull_request { fetch(setup) } else { String::new() }),
            ("REBUILD", &rebuild(setup, &program)),
            ("COMMIT", &commit(setup, push)),
        ],
    );
    vec![
        marked("systemd/pkgr-rebuild.service", &service, false),
        marked("systemd/pkgr-rebuild.timer", &timer, false),
        marked("systemd/pkgr-rebuild.sh", &script, true),
    ]
}

/// A path in a unit file: `%` starts a specifier.
fn escaped(path: &str) -> String {
    path.replace('%', "%%")
}

fn install(setup: &Setup) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let own = format!("cargo install --locked --git {} --tag v{version} pkgr", env!("CARGO_PKG_REPOSITORY"));
    let command = setup.install.as_deref().unwrap_or(&own);
    fill(templates!("install.sh"), &[("VERSION", version), ("COMMAND", command)]).trim_end().to_string()
}

fn rebuild(setup: &Setup, program: &str) -> String {
    let mut words = vec![program.to_string(), "rebuild".to_string()];
    words.extend(setup.recipes.iter().map(|recipe| quoted(recipe)));
    if let Some(to) = &setup.to {
        words.extend(["--to".to_string(), quoted(to)]);
    }
    if setup.test {
        words.push("--test".to_string());
    }
    words.join(" ")
}

/// The locks of the recipes, as words of the shell.
fn locks(setup: &Setup) -> String {
    let lock = |recipe: &String| {
        let path = Path::new(recipe);
        let toml = if recipe.ends_with(".toml") { path.to_path_buf() } else { path.join("recipe.toml") };
        quoted(&toml.with_extension("lock").display().to_string())
    };
    setup.recipes.iter().map(lock).collect::<Vec<_>>().join(" ")
}

fn fetch(setup: &Setup) -> String {
    let values = [("UPDATE_BRANCH", UPDATE_BRANCH), ("LOCKS", &locks(setup))];
    fill(templates!("fetch.sh"), &values).trim_end().to_string()
}

fn commit(setup: &Setup, push: &str) -> String {
    let push = fill(push, &[("UPDATE_BRANCH", UPDATE_BRANCH)]);
    fill(templates!("commit.sh"), &[("LOCKS", &locks(setup)), ("PUSH", push.trim_end())]).trim_end().to_string()
}

/// One word of the shell: bare where nothing in it is special.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:~+@%=".contains(c);
    let is_bare = !text.is_empty() && !text.starts_with(['~', '-']) && text.chars().all(plain);
    if is_bare { text.to_string() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn marked(path: &'static str, text: &str, executable: bool) -> Generated {
    // what has to stay the first line: the shell's, the linter's
    let (first, rest) = match text.split_once('\n') {
        Some((first, rest)) if FIRST_LINES.iter().any(|start| first.starts_with(start)) => (format!("{first}\n"), rest),
        _ => (String::new(), text),
    };
    Generated { path, text: format!("{first}# {MARK}{}\n{rest}", digest(rest)), executable }
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is as it was written.
fn is_unedited(text: &str) -> bool {
    let Some((head, rest)) = text.split_once(MARK) else { return false };
    let has_first = FIRST_LINES.iter().any(|start| head.starts_with(start));
    let is_head = head == "# " || (has_first && head.ends_with("\n# ") && head.lines().count() == 2);
    is_head && rest.split_once('\n').is_some_and(|(written, rest)| written == digest(rest))
}

/// Writes the files below the root; one that was edited only if `force` says so.
/// Returns those that are new.
pub fn write(root: &Path, generated: &[Generated], force: bool) -> Result<Vec<PathBuf>, Failure> {
    for file in generated.iter().filter(|_| !force) {
        let path = root.join(file.path);
        let Ok(old) = std::fs::read(&path) else { continue };
        if old != file.text.as_bytes() && !is_unedited(&String::from_utf8_lossy(&old)) {
            let message = format!("{} was not written by pkgr, or was edited", path.display());
            let found = Diagnostic::error("file-edited", message);
            let hint = "--force overwrites it; --stdout shows what would be written";
            return Err(Failure::new(Kind::Usage, found.hint(hint)));
        }
    }
    let mut written = Vec::new();
    for file in generated {
        let path = root.join(file.path);
        if files::write_atomically(&path, file.text.as_bytes(), file.executable)? {
            written.push(path);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_file_is_recognised() {
        for text in ["name: x\n", "#!/bin/sh\n# what it is\ntrue\n"] {
            let file = marked("x", text, false);
            assert!(is_unedited(&file.text), "{}", file.text);
            assert!(!is_unedited(&format!("{}# more\n", file.text)));
            assert!(!is_unedited(text));
            assert!(!is_unedited(&format!("on: push\n{}", file.text)));
        }
    }

    #[test]
    fn words_of_the_shell() {
        assert_eq!(quoted("ppa:owner/name"), "ppa:owner/name");
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
        assert_eq!(quoted(""), "''");
    }
}
