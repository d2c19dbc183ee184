//! lintian, run where the user asks for it: its tags as findings. It reads what
//! pkgr has made or anybody else, and has hundreds of rules of Debian's that no
//! archive of Launchpad's enforces.

use std::path::Path;
use std::process::Command;

use super::Level;
use super::recipe::rules::{self, LintRule};
use crate::deb::control;
use crate::diagnostic::{self, Diagnostic, Failure};
use crate::series::{Distro, catalog};

/// One line of lintian's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Which of the table's kinds it is.
    pub rule: &'static LintRule,
    /// Its name, by which `[lint] allow` knows it.
    pub tag: String,
    /// The package, and behind the tag what it is about.
    pub message: String,
}

impl Tag {
    /// With its level, for whoever tells it.
    pub fn said(&self) -> (Level, Diagnostic) {
        let level = match self.rule.level {
            Level::Rejected => diagnostic::Level::Error,
            Level::Warning => diagnostic::Level::Warning,
            Level::Note => diagnostic::Level::Note,
        };
        let hint = self.rule.cure.replace("TAG", &self.tag);
        let diagnostic = Diagnostic { level, ..Diagnostic::error(self.rule.code, &*self.message) };
        (self.rule.level, diagnostic.hint(hint))
    }
}

/// Whether there is a lintian; the failure says how to get one.
pub fn find() -> Result<(), Failure> {
    match Command::new("lintian").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(broken(&String::from_utf8_lossy(&output.stderr))),
        Err(error) => {
            let diagnostic = Diagnostic::error("no-lintian", format!("lintian cannot be run: {error}"));
            Err(Failure::environment(diagnostic.hint("apt install lintian, or leave --lintian out")))
        }
    }
}

fn broken(said: &str) -> Failure {
    let diagnostic = Diagnostic::error("lintian-failed", "lintian failed");
    Failure::environment(diagnostic.because(said.trim().to_string()))
}

/// Runs lintian on a .changes, by the rules of the distribution that it is for.
pub fn run(changes: &Path) -> Result<Vec<Tag>, Failure> {
    let mut command = Command::new("lintian");
    command.args(["--no-cfg", "--color", "never", "--tag-display-limit", "0", "--fail-on", "none"]);
    if let Some(distro) = distribution(changes) {
        command.args(["--profile", distro.name()]);
    }
    let output = command.arg(changes).output().map_err(|e| Failure::io("run lintian on", changes, &e))?;
    if !output.status.success() {
        return Err(broken(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(tag).collect())
}

fn distribution(changes: &Path) -> Option<Distro> {
    let bytes = std::fs::read(changes).ok()?;
    let text = control::strip_signature(&bytes).ok()?;
    let series = control::parse_bytes(&text).ok()?.first()?.get("Distribution")?.trim().to_string();
    catalog().find(&series).map(|series| series.distro)
}

/// `W: hello source: tag what it is about`, and not what lintian tells of itself.
fn tag(line: &str) -> Option<Tag> {
    let (letter, rest) = line.split_once(": ")?;
    let rule = match letter {
        "E" => &rules::LINTIAN_ERROR,
        "W" => &rules::LINTIAN_WARNING,
        "I" | "P" | "X" | "C" => &rules::LINTIAN_NOTE,
        _ => return None,
    };
    let (package, about) = rest.split_once(": ")?;
    let tag = about.split_whitespace().next()?.to_string();
    Some(Tag { rule, tag, message: format!("{package}: {about}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let found = tag("W: hello source: no-nmu-in-changelog [debian/changelog:1]").unwrap();
        assert_eq!((found.rule.code, found.tag.as_str()), ("lintian-warning", "no-nmu-in-changelog"));
        assert_eq!(found.message, "hello source: no-nmu-in-changelog [debian/changelog:1]");
        assert!(found.said().1.hints[0].contains("lintian-explain-tags no-nmu-in-changelog"));
        for line in ["N: 1 tag overridden", "O: hello: a-tag", "", "E: x", "running with root privileges"] {
            assert_eq!(tag(line), None, "{line}");
        }
    }
}
