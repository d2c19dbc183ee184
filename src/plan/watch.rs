//! `[watch]`, evaluated: where new upstream versions appear, and how a tag or a
//! link is read. Looking is [`crate::watch`]'s, `debian/watch` is written by
//! [`crate::render`].

use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::recipe::template::{self, Variables};
use crate::recipe::value::Section;
use crate::recipe::{Recipe, keys, tell};

use super::evaluator::Evaluator;

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// `OWNER/NAME` on GitHub.
    GitHub(String),
    /// `GROUP/NAME` on gitlab.com, or the URL of a project elsewhere.
    GitLab(String),
    /// A page with links.
    Page(String),
    /// A project of PyPI.
    PyPi(String),
    /// A git repository.
    Git(String),
}

/// `[watch]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Where to look.
    pub site: Site,
    /// Regular expression (of the regex crate) that a whole tag, or the whole
    /// name of a linked file, matches; its group `version` is the version.
    pub pattern: String,
    /// Whether pre-releases count.
    pub prereleases: bool,
    /// Where the recipe says so.
    pub place: Place,
}

/// A version as upstreams write it: numbers, a letter, the words of a pre-release
/// or a patch level. Not what names a build: `1.0-amd64` is no version.
const VERSION: &str = r"(?<version>\d+(?:[._-]\d+)*[a-z]?(?:[-._~+]?(?i:alpha|beta|rc|pre|preview|dev|snapshot|a|b|c|p|pl|post|patch|final|stable|release|ga)[-._]?\d*)?)";
/// The ends of tarballs' names.
const ARCHIVE: &str = r"\.(?:tar\.(?:gz|bz2|xz|lzma|zst)|tgz|tbz2?|txz|zip)";

impl Site {
    /// What a key of `[watch]` names.
    fn of(key: &str, value: String) -> Option<Site> {
        match key {
            "github" => Some(Site::GitHub(value)),
            "gitlab" => Some(Site::GitLab(value)),
            "url" => Some(Site::Page(value)),
            "pypi" => Some(Site::PyPi(value)),
            "git" => Some(Site::Git(value)),
            _ => None,
        }
    }

    /// The pattern where a recipe of that name gives none.
    pub fn pattern(&self, name: &str) -> String {
        let own = match self {
            Site::GitHub(path) | Site::GitLab(path) | Site::Git(path) => {
                path.trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or(name)
            }
            Site::Page(_) | Site::PyPi(_) => name,
        };
        let mut names = vec![regex::escape(name)];
        names.extend((own != name).then(|| regex::escape(own)));
        let names = names.join("|");
        match self {
            Site::Page(_) => format!("(?i:{names})[-_]v?{VERSION}{ARCHIVE}"),
            Site::PyPi(_) => VERSION.to_string(),
            _ => format!("(?:(?i:{names})[-_./]?)?(?:(?i:v|version|release|rel|r)[-_./]?)?{VERSION}"),
        }
    }
}

/// What a recipe watches, for the series that `variables` are of; none where it
/// has no `[watch]`, or a wrong one.
pub fn watched(recipe: &Recipe, variables: &Variables) -> Result<Option<Watch>, Failure> {
    let mut expand = |section: &Section, key: &str| match section.text(key) {
        None => Ok(None),
        Some(text) => match template::expand(&text.value, variables) {
            Ok(value) => Ok(Some(value)),
            Err(wrong) => Err(Failure::recipe(tell(recipe.document(), text, wrong))),
        },
    };
    evaluate(recipe, &variables.name, &mut expand)
}

impl Evaluator<'_> {
    /// The target's `[watch]`.
    pub fn watch(&mut self) -> Option<Watch> {
        let (recipe, name) = (self.recipe, self.variables.name.clone());
        let mut expand = |section: &Section, key: &str| Ok::<_, std::convert::Infallible>(self.text(section, key));
        let Ok(watch) = evaluate(recipe, &name, &mut expand);
        watch
    }
}

/// Expands a key's template.
type Expand<'e, E> = &'e mut dyn FnMut(&Section, &str) -> Result<Option<String>, E>;

fn evaluate<E>(recipe: &Recipe, name: &str, expand: Expand<'_, E>) -> Result<Option<Watch>, E> {
    let Some(field) = recipe.root().field("watch") else { return Ok(None) };
    let Some(section) = recipe.root().table("watch") else { return Ok(None) };
    for key in keys::WATCHED {
        let Some(value) = expand(section, key)? else { continue };
        let Some(site) = Site::of(key, value) else { continue };
        let pattern = section.text("tag").map_or_else(|| site.pattern(name), |text| text.value.clone());
        let prereleases = section.flag("prereleases").unwrap_or(false);
        let place = recipe.document().place(&field.key_span);
        return Ok(Some(Watch { site, pattern, prereleases, place }));
    }
    Ok(None)
}

/// That a recipe says nowhere where its upstream is.
pub fn not_watched(recipe: &Recipe) -> Failure {
    let message = format!("{} has no `[watch]` that says where new versions appear", recipe.path().display());
    let hint = "add one, `[watch] github = \"OWNER/NAME\"` say, or name the version: `pkgr bump RECIPE VERSION`";
    Failure::recipe(Diagnostic::error("not-watched", message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(site: Site, text: &str) -> Option<String> {
        let pattern = regex::Regex::new(&format!("^(?:{})$", site.pattern("hello"))).unwrap();
        pattern.captures(text).map(|found| found["version"].to_string())
    }

    #[test]
    fn tags_and_links_without_a_pattern() {
        let tag = |text| reads(Site::GitHub("gnu/GNUhello".into()), text);
        for (text, version) in [
            ("v1.2", "1.2"),
            ("1.2.3", "1.2.3"),
            ("release-1.27.3", "1.27.3"),
            ("hello-2.0-rc1", "2.0-rc1"),
            ("gnuhello_v2.0b3", "2.0b3"),
            ("hello/v3", "3"),
            ("1.1.1k", "1.1.1k"),
            ("7.1.1-15", "7.1.1-15"),
            ("v1.13.35.2-stable", "1.13.35.2-stable"),
        ] {
            assert_eq!(tag(text).as_deref(), Some(version), "{text}");
        }
        for text in ["nightly", "other-1.0", "v1.0-amd64", "debian/1.0-1ubuntu2", "v"] {
            assert_eq!(tag(text), None, "{text}");
        }
        let link = |text| reads(Site::Page("https://example.org/".into()), text);
        assert_eq!(link("hello-2.12.1.tar.gz").as_deref(), Some("2.12.1"));
        assert_eq!(link("Hello_2.12-rc1.txz").as_deref(), Some("2.12-rc1"));
        assert_eq!(link("hello-2.12.tar.gz.sig"), None);
        assert_eq!(link("hello-extra-2.12.tar.gz"), None);
    }
}
