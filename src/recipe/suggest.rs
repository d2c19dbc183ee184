//! "did you mean": the nearest of a few known names, if it is near at all.

use crate::series::catalog;

/// The nearest of `known` to `given`, if it differs by a slip of the keyboard.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let given = plain(given);
    let allowed = (given.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &plain(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "did you mean `x`?", if something is near.
pub fn hint<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(given, known).map(|name| format!("did you mean `{name}`?"))
}

/// The same for the code names of series.
pub fn series(given: &str) -> Option<String> {
    let by_number = catalog().all().iter().find(|s| !s.number.is_empty() && s.number == given);
    match by_number {
        Some(series) => Some(format!("series are named by code name: `{}`", series.name)),
        None => hint(given, catalog().all().iter().map(|s| s.name.as_str())),
    }
}

/// What PKGBUILD or debian/control call a key of the recipe.
pub fn alias(given: &str) -> Option<&'static str> {
    const ALIASES: &[(&str, &str)] = &[
        ("pkgname", "name"),
        ("pkgver", "version"),
        ("pkgrel", "revision"),
        ("pkgdesc", "summary"),
        ("synopsis", "summary"),
        ("url", "homepage"),
        ("makedepends", "build-depends"),
        ("optdepends", "suggests"),
        ("checkdepends", "build-depends"),
        ("arch", "architectures"),
        ("architecture", "architectures"),
        ("backup", "conffiles"),
        ("licence", "license"),
        ("distributions", "series"),
        ("distribution", "series"),
        ("author", "maintainer"),
        ("sources", "[[source]]"),
        ("patches", "[[patch]]"),
        ("packages", "[[package]]"),
        ("tests", "[[test]]"),
        ("services", "units"),
    ];
    let given = given.to_ascii_lowercase();
    ALIASES.iter().find(|(alias, _)| *alias == given).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        assert_eq!(nearest("build_depends", ["build-depends", "depends"]), Some("build-depends"));
        assert_eq!(nearest("sumary", ["summary", "source"]), Some("summary"));
        assert_eq!(nearest("colour", ["series", "source"]), None);
        assert_eq!(series("22.04").as_deref(), Some("series are named by code name: `jammy`"));
    }
}
