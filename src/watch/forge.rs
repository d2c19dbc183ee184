//! The web services of GitHub (REST, "List repository tags", "List releases")
//! and GitLab (v4, "Tags", "Releases"): page by page as their Link header leads
//! (RFC 8288), with what they say about limits.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Services, WatchError};
use crate::fetch::{Fetcher, Question, ServiceAnswer};
use crate::plan::watch::Site;

/// A page of more bytes is none of theirs.
const LARGEST: u64 = 16 << 20;
/// Of a hundred tags each.
const MOST_PAGES: usize = 30;

/// One project on a forge.
pub struct Forge {
    service: &'static str,
    /// `OWNER/NAME`.
    project: String,
    tags: String,
    releases: String,
    repository: String,
    /// What the addresses of further pages have to begin with.
    origin: String,
    token: Option<String>,
    variable: &'static str,
    accept: &'static str,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

#[derive(Deserialize)]
struct Release {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    upcoming_release: bool,
}

impl Forge {
    /// The forge that a site is on: GitHub's for all that is not GitLab's.
    pub fn of(site: &Site, services: &Services) -> Forge {
        match site {
            Site::GitLab(project) => Forge::gitlab(project, services),
            Site::GitHub(text) | Site::Page(text) | Site::PyPi(text) | Site::Git(text) => Forge::github(text, services),
        }
    }

    fn github(project: &str, services: &Services) -> Forge {
        let (api, web) = (services.github_api.trim_end_matches('/'), services.github.trim_end_matches('/'));
        Forge {
            service: "GitHub",
            project: project.to_string(),
            tags: format!("{api}/repos/{project}/tags?per_page=100"),
            releases: format!("{api}/repos/{project}/releases?per_page=100"),
            repository: format!("{web}/{project}.git"),
            origin: format!("{api}/"),
            token: services.github_token.clone().filter(|_| is_safe(api)),
            variable: "GITHUB_TOKEN",
            accept: "application/vnd.github+json",
        }
    }

    fn gitlab(project: &str, services: &Services) -> Forge {
        let own = services.gitlab.trim_end_matches('/');
        // a URL names host and project; the token is for the configured host alone
        let (base, path) =
            match project.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('/')?))) {
                Some((scheme, (host, path))) => (format!("{scheme}://{host}"), path.trim_end_matches('/')),
                None => (own.to_string(), project),
            };
        let path = path.trim_end_matches(".git");
        let api = format!("{base}/api/v4/projects/{}", path.replace('/', "%2F").replace('+', "%2B"));
        Forge {
            service: "GitLab",
            project: path.to_string(),
            tags: format!("{api}/repository/tags?per_page=100"),
            releases: format!("{api}/releases?per_page=100"),
            repository: format!("{base}/{path}.git"),
            origin: format!("{base}/"),
            token: services.gitlab_token.clone().filter(|_| base == own && is_safe(own)),
            variable: "GITLAB_TOKEN",
            accept: "application/json",
        }
    }

    /// Its git repository.
    pub fn repository(&self) -> String {
        self.repository.clone()
    }

    /// The names of all tags.
    pub fn tags(&self, fetcher: &Fetcher) -> Result<Vec<String>, WatchError> {
        let tags: Vec<Tag> = self.all(fetcher, &self.tags)?;
        Ok(tags.into_iter().map(|tag| tag.name).collect())
    }

    /// The tags of releases that are marked as drafts, pre-releases or upcoming.
    pub fn marked(&self, fetcher: &Fetcher) -> Result<BTreeSet<String>, WatchError> {
        let releases: Vec<Release> = match self.all(fetcher, &self.releases) {
            // a project may have releases switched off
            Err(WatchError::NotThere { .. }) => return Ok(BTreeSet::new()),
            other => other?,
        };
        let marked = |release: &Release| release.draft || release.prerelease || release.upcoming_release;
        Ok(releases.into_iter().filter(marked).map(|release| release.tag_name).collect())
    }

    fn all<T: DeserializeOwned>(&self, fetcher: &Fetcher, first: &str) -> Result<Vec<T>, WatchError> {
        let mut found = Vec::new();
        let mut url = first.to_string();
        for _ in 0..MOST_PAGES {
            let question = Question { url: url.clone(), accept: self.accept.into(), token: self.token.clone() };
            let reply = fetcher.call(&question, LARGEST)?;
            self.judge(&url, &reply)?;
            let page: Vec<T> = serde_json::from_slice(&reply.body)
                .map_err(|e| WatchError::Answer { url: url.clone(), why: e.to_string() })?;
            found.extend(page);
            match reply.header("link").and_then(next_page) {
                // nobody is to lead the token, or the question, elsewhere
                Some(next) if next.starts_with(&self.origin) && next != url => url = next,
                Some(next) if next != url => {
                    return Err(WatchError::Answer { url, why: format!("the next page is at {next}") });
                }
                _ => return Ok(found),
            }
        }
        Err(WatchError::Endless { url: first.to_string() })
    }

    fn judge(&self, url: &str, reply: &ServiceAnswer) -> Result<(), WatchError> {
        let spent = ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| reply.header(name) == Some("0"));
        match reply.status {
            200 => Ok(()),
            401 if self.token.is_some() => {
                Err(WatchError::Token { service: self.service.into(), variable: self.variable })
            }
            403 | 429 if spent || reply.header("retry-after").is_some() || reply.status == 429 => {
                Err(WatchError::RateLimit {
                    service: self.service.into(),
                    until: reset(reply),
                    variable: self.variable,
                    has_token: self.token.is_some(),
                })
            }
            401 | 404 => Err(WatchError::NotThere {
                service: self.service.into(),
                what: self.project.clone(),
                variable: Some(self.variable),
            }),
            _ => Err(WatchError::Status { url: url.to_string(), status: reply.status_text.clone() }),
        }
    }
}

/// Whether a token may be sent there: encrypted, or to this machine.
fn is_safe(base: &str) -> bool {
    let local = |host: &str| base.strip_prefix("http://").is_some_and(|rest| rest.starts_with(host));
    base.starts_with("https://") || local("127.0.0.1:") || local("[::1]:")
}

/// The address that a Link header calls `next`.
fn next_page(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        next.then(|| address.to_string())
    })
}

/// When the limit is lifted: seconds since 1970, or from now.
fn reset(reply: &ServiceAnswer) -> Option<String> {
    let number = |name| reply.header(name).and_then(|text| text.trim().parse::<i64>().ok());
    let now = jiff::Timestamp::now().as_second();
    let at = number("retry-after").map(|seconds| now.saturating_add(seconds));
    let at = at.or_else(|| number("x-ratelimit-reset")).or_else(|| number("ratelimit-reset"))?;
    jiff::Timestamp::from_second(at).ok().map(|moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_pages() {
        let header = "<https://api.example/x?page=1>; rel=\"prev\", <https://api.example/x?page=3>; rel=\"next\"";
        assert_eq!(next_page(header).as_deref(), Some("https://api.example/x?page=3"));
        assert_eq!(next_page("<https://api.example/x?page=1>; rel=\"last\""), None);
    }

    #[test]
    fn tokens_go_to_their_own_service_only() {
        let token = Some("secret".to_string());
        let services = Services { gitlab_token: token.clone(), github_token: token.clone(), ..Services::default() };
        let forge = |site: Site| Forge::of(&site, &services);
        assert_eq!(forge(Site::GitLab("a/b".into())).token, token);
        let elsewhere = forge(Site::GitLab("https://evil.example/a/b/c".into()));
        assert_eq!(elsewhere.token, None);
        assert_eq!(elsewhere.tags, "https://evil.example/api/v4/projects/a%2Fb%2Fc/repository/tags?per_page=100");
        let plain = Services { github_api: "http://api.example".into(), ..services.clone() };
        assert_eq!(Forge::of(&Site::GitHub("a/b".into()), &plain).token, None);
        assert_eq!(forge(Site::GitHub("a/b".into())).repository(), "https://github.com/a/b.git");
    }
}
