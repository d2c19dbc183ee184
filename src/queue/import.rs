//! Patches from elsewhere: a file, a URL, a commit. What stands above the diff is
//! kept byte for byte; what DEP-3 asks for besides (where it is from, since when it
//! is here) is added.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::entry::{Added, apply_all, file_of};
use super::{Queue, QueueError};
use crate::diagnostic::Failure;
use crate::files;
use crate::patch::{self, Tree, dep3, header, refresh};
use crate::recipe::selector::Selector;

/// Where a patch is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Where it is downloaded, and the page that people know it by.
    Url(String, String),
    /// A commit of a repository on this machine.
    Commit(PathBuf, String),
}

impl Origin {
    /// What is meant by `FILE`, `URL` or `REPOSITORY#COMMIT`. The page of a commit
    /// or pull request at GitHub or GitLab means its patch.
    pub fn parse(text: &str) -> Origin {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Origin::Url(patch_of_page(text), text.to_string());
        }
        match text.rsplit_once('#') {
            Some((folder, commit)) if !Path::new(text).is_file() && Path::new(folder).is_dir() => {
                Origin::Commit(PathBuf::from(folder), commit.to_string())
            }
            _ => Origin::File(PathBuf::from(text)),
        }
    }

    /// A name for the patch, where nobody gives one: that of the file, else the
    /// subject's words.
    fn name(&self, bytes: &[u8]) -> String {
        let base = match self {
            Origin::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
            Origin::Url(url, page) if url == page => url.rsplit('/').next().map(String::from),
            _ => dep3::read(bytes).summary.map(|summary| words(&summary)).filter(|words| !words.is_empty()),
        };
        base.unwrap_or_else(|| "imported".to_string())
    }
}

/// `fix-the-build` of a subject, as `git format-patch` makes file names.
fn words(subject: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { ' ' };
    let spaced: String = subject.chars().map(plain).collect();
    let name = spaced.split_whitespace().collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let cut: String = name.chars().take(52).collect();
    cut.trim_matches(['.', '-']).to_string()
}

fn patch_of_page(url: &str) -> String {
    let page = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    let parts: Vec<&str> = page.split('/').collect();
    let known = parts.len() >= 7 || page.contains("/-/");
    let is_page = known
        && parts.iter().rev().nth(1).is_some_and(|kind| matches!(*kind, "commit" | "pull" | "merge_requests"))
        && !page.ends_with(".patch")
        && !page.ends_with(".diff");
    if is_page { format!("{page}.patch") } else { url.to_string() }
}

impl Queue<'_> {
    /// Adds a patch from elsewhere behind those that are there. With `fuzz` it is
    /// refreshed to fit; without, it has to apply as it is.
    pub fn import(
        &self,
        origin: &Origin,
        name: Option<&str>,
        when: Option<&Selector>,
        fuzz: Option<i64>,
        date: &str,
    ) -> Result<Added, Failure> {
        let bytes = match origin {
            Origin::File(path) => files::read(path)?,
            Origin::Url(url, _) => self.prepared.fetcher.document(url)?,
            Origin::Commit(folder, commit) => of_commit(folder, commit)?,
        };
        let file = match name {
            Some(name) => file_of(name)?,
            None => file_of(&origin.name(&bytes))?,
        };
        self.check_new(&file)?;
        let from = match origin {
            Origin::File(_) => None,
            Origin::Url(_, page) => Some(page.clone()),
            Origin::Commit(_, commit) => Some(format!("commit:{}", full_name(&bytes).unwrap_or(commit))),
        };
        let fields: Vec<(&str, &str)> =
            from.iter().map(|from| ("Origin", from.as_str())).chain([("Last-Update", date)]).collect();
        let bytes = header::with_fields(&bytes, &file, &fields);
        let bytes = match fuzz {
            Some(fuzz) => self.refreshed(&file, bytes, when, fuzz)?,
            None => bytes,
        };
        self.add(&file, &bytes, when)
    }

    fn refreshed(&self, file: &str, bytes: Vec<u8>, when: Option<&Selector>, fuzz: i64) -> Result<Vec<u8>, Failure> {
        let patch = patch::parse(&self.shown(file), &bytes)?;
        let lineup = self.first_lineup(when)?;
        let patches = self.read_patches()?;
        let contents = self.contents(&patches, &[&patch])?;
        let base = contents.tree(&lineup.parts);
        let mut tree = Tree::new(&base);
        let refreshed = apply_all(lineup, &patches, &mut tree).and_then(|()| refresh::refresh(&patch, &mut tree, fuzz));
        refreshed.map(|refreshed| refreshed.bytes).map_err(|error| error.into_failure(&lineup.source))
    }
}

/// The commit in git's `From COMMIT Mon Sep 17 00:00:00 2001`.
fn full_name(mail: &[u8]) -> Option<&str> {
    let line = mail.split(|byte| *byte == b'\n').next()?;
    let name = std::str::from_utf8(line).ok()?.strip_prefix("From ")?.split(' ').next()?;
    (name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

/// A commit as a mail, in a form that depends on the commit alone.
fn of_commit(folder: &Path, commit: &str) -> Result<Vec<u8>, Failure> {
    let named = format!("{} in {}", commit, folder.display());
    if commit.is_empty() || commit.starts_with('-') {
        return Err(QueueError::Git(named, "that is no commit".into()).into());
    }
    let mut git = Command::new("git");
    git.args(["-c", "core.quotePath=off", "-c", "core.attributesFile=/dev/null", "-C"]).arg(folder);
    git.args(["format-patch", "-1", "--stdout", "--no-signature", "--no-renames", "--no-stat", "--no-color"]);
    git.args(["--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--full-index"]);
    git.args([commit, "--"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    let output = git.output().map_err(|error| QueueError::Git(named.clone(), error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
        return Err(QueueError::Git(named, said).into());
    }
    if output.stdout.is_empty() {
        return Err(QueueError::NoChanges(named).into());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_commits_mean_their_patches() {
        let page = |text: &str| match Origin::parse(text) {
            Origin::Url(url, _) => url,
            other => panic!("{other:?}"),
        };
        let commit = "https://github.com/o/r/commit/0123abc";
        assert_eq!(page(commit), format!("{commit}.patch"));
        assert_eq!(page(&format!("{commit}.patch")), format!("{commit}.patch"));
        assert_eq!(page("https://github.com/o/r/pull/7"), "https://github.com/o/r/pull/7.patch");
        let lab = "https://gitlab.com/g/s/r/-/commit/0123";
        assert_eq!(page(lab), format!("{lab}.patch"));
        assert_eq!(page("https://example.org/commit/x"), "https://example.org/commit/x");
        assert!(matches!(Origin::parse("fix.patch"), Origin::File(_)));
        assert_eq!(Origin::parse(".#HEAD~1"), Origin::Commit(".".into(), "HEAD~1".into()));
    }

    #[test]
    fn subjects_become_names() {
        assert_eq!(words("Fix: the build (again) on glibc 2.34!"), "fix-the-build-again-on-glibc-2.34");
        assert_eq!(words("---"), "");
    }
}
