//! Which version a recipe is to have: named by a person or found upstream, in
//! Debian's spelling, with the recipe's epoch, and never a lower one
//! (deb-version(7)).

use super::error::BumpError;
use crate::deb::version::Version;
use crate::recipe::Recipe;
use crate::recipe::document::Span;
use crate::watch::{Release, version};

/// What is to change in a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Another version.
    Version {
        /// `[epoch:]upstream`.
        version: String,
        /// As upstream writes it, where that is known.
        upstream: Option<String>,
    },
    /// Another revision.
    Revision(String),
    /// Nothing: the next version of the same text.
    Rebuild,
}

/// A version without its epoch.
pub fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, upstream)| upstream)
}

fn epoch_of(version: &str) -> Option<&str> {
    version.split_once(':').map(|(epoch, _)| epoch)
}

fn text<'r>(recipe: &'r Recipe, key: &str) -> Option<(&'r str, &'r Span)> {
    recipe.root().text(key).map(|text| (text.value.as_str(), &text.span))
}

impl Wanted {
    /// What `[watch]` found.
    pub fn found(recipe: &Recipe, release: &Release) -> Result<Wanted, BumpError> {
        let version = with_epoch(recipe, &release.version.to_string());
        checked(recipe, version, Some(release.upstream.clone()))
    }

    /// What a person named: upstream's spelling, or Debian's.
    pub fn named(recipe: &Recipe, given: &str) -> Result<Wanted, BumpError> {
        let upstream = without_epoch(given);
        let epoch = epoch_of(given);
        let known = |text: &str| text.contains('-');
        let hyphens =
            ["version", "upstream-version"].iter().any(|key| text(recipe, key).is_some_and(|(t, _)| known(t)));
        let revision = upstream.rsplit_once('-').map(|(_, revision)| revision);
        if revision.is_some_and(|r| r.len() < 3 && r.bytes().all(|b| b.is_ascii_digit())) && !hyphens {
            return Err(BumpError::HasRevision(given.to_string()));
        }
        // a tilde is Debian's own spelling already
        let debian = || Version::parse(upstream).ok().filter(|v| v.is_native() && v.epoch.is_none());
        let (spelled, upstream) = match upstream.contains('~') {
            true => (debian().map(|version| version.to_string()), None),
            false => {
                (version::of_upstream(upstream).map(|(version, _)| version.to_string()), Some(upstream.to_string()))
            }
        };
        let spelled = spelled.ok_or_else(|| BumpError::NoVersion(given.to_string()))?;
        let full = match epoch {
            Some(epoch) => format!("{epoch}:{spelled}"),
            None => with_epoch(recipe, &spelled),
        };
        Version::parse(&full).map_err(|_| BumpError::NoVersion(given.to_string()))?;
        checked(recipe, full, upstream)
    }

    /// The same version once more: another revision where the package has one and
    /// it is not only to be rebuilt.
    pub fn again(recipe: &Recipe, rebuild: bool) -> Result<Wanted, BumpError> {
        let has_revision = recipe.root().has("source") && !recipe.root().has("nginx");
        if rebuild || !has_revision {
            return Ok(Wanted::Rebuild);
        }
        let Some((old, span)) = text(recipe, "revision") else { return Ok(Wanted::Revision("2".to_string())) };
        let digits = old.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (stem, number) = old.split_at(old.len() - digits);
        match number.parse::<u64>() {
            Ok(number) => Ok(Wanted::Revision(format!("{stem}{}", number.saturating_add(1)))),
            Err(_) => Err(BumpError::Revision(old.to_string(), Box::new(recipe.document().place(span)))),
        }
    }
}

fn with_epoch(recipe: &Recipe, version: &str) -> String {
    match text(recipe, "version").and_then(|(old, _)| epoch_of(old)) {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version.to_string(),
    }
}

/// Refuses what is not above the recipe's version.
fn checked(recipe: &Recipe, version: String, upstream: Option<String>) -> Result<Wanted, BumpError> {
    let Some((old, span)) = text(recipe, "version") else { return Err(BumpError::NoVersion(version)) };
    let place = || Box::new(recipe.document().place(span));
    match (Version::parse(old), Version::parse(&version)) {
        (Ok(before), Ok(after)) if after < before => {
            let epoch = u64::from(before.epoch.unwrap_or(0));
            Err(BumpError::Downgrade { old: old.to_string(), new: version, epoch, place: place() })
        }
        (Ok(before), Ok(after)) if after == before => Err(BumpError::Same(old.to_string(), place())),
        (Ok(_), Ok(_)) => Ok(Wanted::Version { version, upstream }),
        _ => Err(BumpError::NoVersion(version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Failure;

    fn recipe(version: &str, more: &str) -> Recipe {
        let text = format!(
            "name = \"hello\"\nversion = \"{version}\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\nseries = [\"jammy\"]\n{more}\n"
        );
        let recipe = crate::recipe::parse(std::path::Path::new("recipe.toml"), text).unwrap();
        recipe.problems().clone().into_result().unwrap();
        recipe
    }

    fn named(old: &str, given: &str) -> String {
        match Wanted::named(&recipe(old, ""), given) {
            Ok(Wanted::Version { version, upstream }) => format!("{version} {}", upstream.unwrap_or_default()),
            Ok(other) => format!("{other:?}"),
            Err(error) => Failure::from(error).diagnostics[0].code.to_string(),
        }
    }

    #[test]
    fn versions_are_kept_above() {
        assert_eq!(named("2.12", "2.13"), "2.13 2.13");
        assert_eq!(named("1:2.12", "2.13-rc1"), "1:2.13~rc1 2.13-rc1");
        assert_eq!(named("1:2.12", "1:2.13~rc1"), "1:2.13~rc1 ");
        assert_eq!(named("2.12", "2.9"), "version-lower");
        assert_eq!(named("2.12", "1:2.9"), "1:2.9 2.9");
        assert_eq!(named("2:2.12", "1:3"), "version-lower");
        assert_eq!(named("2.12", "2.12~rc1"), "version-lower");
        assert_eq!(named("2.12", "2.12"), "version-same");
        assert_eq!(named("2.12", "2.12-2"), "version-hyphen");
        assert_eq!(named("2.12", "next"), "bad-version");
        assert_eq!(named("2.12", "x:3"), "bad-version");
    }

    #[test]
    fn revisions_are_counted_on() {
        let source = "[[source]]\nurl = \"https://example.org/x.tar.gz\"";
        let again = |more: &str, rebuild| Wanted::again(&recipe("1.0", more), rebuild).unwrap();
        assert_eq!(again(source, false), Wanted::Revision("2".into()));
        assert_eq!(again(&format!("revision = \"0ppa9\"\n{source}"), false), Wanted::Revision("0ppa10".into()));
        assert_eq!(again(source, true), Wanted::Rebuild);
        assert_eq!(again("", false), Wanted::Rebuild, "a native package has no revision");
        assert!(Wanted::again(&recipe("1.0", &format!("revision = \"1a\"\n{source}")), false).is_err());
    }
}
