//! New upstream versions, looked for where `[watch]` says: the tags and releases
//! of GitHub and GitLab, the tags of any git repository, the links of a page,
//! the releases of PyPI.
//!
//! ```text
//! forge     GitHub's and GitLab's web services, page by page
//! listing   links of a page; PyPI's JSON
//! version   what upstream writes → Debian's spelling and order, pre-releases
//! ```
//!
//! Where a forge's service cannot answer (its limit is reached, it is down), its
//! git repository is asked instead: that has all tags, but not which releases
//! are marked as pre-releases. Nothing is written here, and nothing fetched.

mod error;
mod forge;
mod listing;
pub mod version;

use std::path::Path;

use regex::Regex;

pub use error::WatchError;

use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::Fetcher;
use crate::listener::Listener;
use crate::plan::watch::{Site, Watch};

/// Where the services are; tokens come from the environment only.
#[derive(Debug, Clone)]
pub struct Services {
    /// GitHub's pages and repositories.
    pub github: String,
    /// GitHub's REST interface.
    pub github_api: String,
    /// The GitLab that `GROUP/NAME` means.
    pub gitlab: String,
    /// PyPI.
    pub pypi: String,
    /// `GITHUB_TOKEN`: sent to `github_api` alone.
    pub github_token: Option<String>,
    /// `GITLAB_TOKEN`: sent to `gitlab` alone.
    pub gitlab_token: Option<String>,
}

impl Default for Services {
    fn default() -> Self {
        Services {
            github: "https://github.com".into(),
            github_api: "https://api.github.com".into(),
            gitlab: "https://gitlab.com".into(),
            pypi: "https://pypi.org".into(),
            github_token: None,
            gitlab_token: None,
        }
    }
}

/// A version that upstream has published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// As upstream writes it: `1.0-rc1`.
    pub upstream: String,
    /// As a recipe has it: `1.0~rc1`, without an epoch.
    pub version: Version,
    /// The tag, link or file that says so.
    pub name: String,
    /// By its spelling, or because upstream marks it so.
    pub is_prerelease: bool,
}

/// What looking needs.
pub struct Looking<'a> {
    /// Where the services are.
    pub services: &'a Services,
    /// Asks them.
    pub fetcher: &'a Fetcher<'a>,
    /// What a relative path of a git repository starts from.
    pub folder: &'a Path,
    /// Hears of detours.
    pub listener: &'a dyn Listener,
}

/// A tag or link, before it is read.
struct Candidate {
    name: String,
    /// What the pattern is held against; any may match.
    spellings: Vec<String>,
}

impl Candidate {
    fn tag(name: String) -> Candidate {
        Candidate { spellings: vec![name.clone()], name }
    }
}

impl Looking<'_> {
    /// The newest version above `current` (a recipe's `version`), if upstream has
    /// one. Pre-releases count where the recipe says so, or where `current` is
    /// one of the same version.
    pub fn newest(&self, watch: &Watch, current: &str) -> Result<Option<Release>, Failure> {
        self.look(watch, current).map_err(|error| error.at(watch))
    }

    fn look(&self, watch: &Watch, current: &str) -> Result<Option<Release>, WatchError> {
        let current = version::comparable(current).ok_or_else(|| WatchError::Current(current.to_string()))?;
        let pattern =
            Regex::new(&format!("^(?:{})$", watch.pattern)).map_err(|e| WatchError::Pattern(e.to_string()))?;
        let (candidates, marks) = self.candidates(watch)?;
        let mut releases = read(&candidates, &pattern);
        if releases.is_empty() {
            let seen = candidates.iter().map(|candidate| candidate.name.clone()).collect();
            return Err(WatchError::NothingMatches {
                site: site_name(&watch.site),
                pattern: watch.pattern.clone(),
                seen,
            });
        }
        releases.retain(|release| release.version > current);
        releases.sort_by(|a, b| b.version.cmp(&a.version));
        let wanted = |release: &&Release| {
            watch.prereleases || !release.is_prerelease || version::is_prerelease_of(&current, &release.version)
        };
        if marks && !watch.prereleases && releases.iter().any(|release| wanted(&release)) {
            let marked = self.marked(&watch.site)?;
            releases.iter_mut().for_each(|release| release.is_prerelease |= marked.contains(&release.name));
        }
        Ok(releases.iter().find(wanted).cloned())
    }

    /// The candidates, and whether the site can tell which are pre-releases.
    fn candidates(&self, watch: &Watch) -> Result<(Vec<Candidate>, bool), WatchError> {
        let tags = |url: &str| {
            let tags = self.fetcher.git_tags(url, self.folder)?;
            Ok(tags.into_iter().map(Candidate::tag).collect::<Vec<_>>())
        };
        match &watch.site {
            Site::Git(url) => Ok((tags(url)?, false)),
            Site::Page(url) => Ok((listing::links(self.fetcher, url)?, false)),
            Site::PyPi(project) => Ok((listing::pypi(self.fetcher, &self.services.pypi, project)?, false)),
            Site::GitHub(_) | Site::GitLab(_) => {
                let forge = forge::Forge::of(&watch.site, self.services);
                match forge.tags(self.fetcher) {
                    Ok(names) => Ok((names.into_iter().map(Candidate::tag).collect(), true)),
                    Err(error) if error.is_passing() => {
                        let repository = forge.repository();
                        let found = tags(&repository).map_err(|_: WatchError| error.clone())?;
                        let message = format!("{error}; the tags were read from {repository} instead");
                        let note = Diagnostic::note("watch-detour", message);
                        let because = "which releases are marked as pre-releases is not known there";
                        self.listener.tell(note.because(because));
                        Ok((found, false))
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// The tags whose releases are marked as pre-releases. A service that was
    /// there a moment ago and now is not makes no failure: the spelling decides.
    fn marked(&self, site: &Site) -> Result<std::collections::BTreeSet<String>, WatchError> {
        match forge::Forge::of(site, self.services).marked(self.fetcher) {
            Err(error) if error.is_passing() => {
                let message = format!("which releases are pre-releases is not known: {error}");
                self.listener.tell(Diagnostic::note("watch-detour", message));
                Ok(Default::default())
            }
            other => other,
        }
    }
}

/// What the pattern makes of the candidates; what makes no version is left out.
fn read(candidates: &[Candidate], pattern: &Regex) -> Vec<Release> {
    let one = |candidate: &Candidate| {
        let upstream = candidate.spellings.iter().find_map(|text| {
            let found = pattern.captures(text)?;
            found.name("version").map(|version| version.as_str().to_string())
        })?;
        let (version, is_prerelease) = version::of_upstream(&upstream)?;
        Some(Release { upstream, version, name: candidate.name.clone(), is_prerelease })
    };
    candidates.iter().filter_map(one).collect()
}

/// How messages name a site.
fn site_name(site: &Site) -> String {
    match site {
        Site::GitHub(repository) => format!("{repository} on GitHub"),
        Site::GitLab(project) if project.contains("://") => project.clone(),
        Site::GitLab(project) => format!("{project} on GitLab"),
        Site::Page(url) | Site::Git(url) => url.clone(),
        Site::PyPi(project) => format!("{project} on PyPI"),
    }
}
