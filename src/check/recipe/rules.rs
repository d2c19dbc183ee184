//! What is looked for in recipes: one table, from which `pkgr explain` and
//! docs/recipe-findings.md are made, and from which every finding is taken.

use crate::check::Level;

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct LintRule {
    /// Stable, kebab-case; `[lint] allow` names it.
    pub code: &'static str,
    /// What it means for the recipe; rejected: it is wrong.
    pub level: Level,
    /// What it means, in sentences.
    pub meaning: &'static str,
    /// What to do about it, as hints are written; empty: nothing.
    pub cure: &'static str,
}

/// Declares rules and the list of them.
macro_rules! rules {
    ($($name:ident = $code:literal $level:ident $meaning:literal $cure:literal;)*) => {
        $(
            #[doc = $meaning]
            pub static $name: LintRule =
                LintRule { code: $code, level: Level::$level, meaning: $meaning, cure: $cure };
        )*
        /// All of them, in the order in which they are looked for.
        pub static RULES: &[&LintRule] = &[$(&$name),*];
    };
}

rules! {
SERIES_EOL = "series-eol" Rejected
    "A series is at its end of life: its archive takes no packages any more, and a PPA rejects uploads for it unless its owner has allowed them."
    "take it out of `series`";
SERIES_EXTENDED = "series-extended" Warning
    "General support of a series has ended; it lives on for those who have extended support. PPAs still build for it."
    "take it out of `series`, or allow the finding where its users are meant";
VERSION_ORDER = "version-order" Rejected
    "The version for a later series is not higher than that for an earlier one: whoever upgrades the distribution keeps the package of the old series."
    "give the later series the higher version, or all of them the same one";
VERSION_FALLS = "version-falls" Rejected
    "The version is lower than one that was given or published before for the same series: archives refuse it, and apt would not install it."
    "raise the version; to go back to an older upstream version write it as `NEW+reallyOLD`, or add an epoch";
VERSION_USED = "version-used" Rejected
    "The PPA has had this version already, and recipe.lock does not know that: something else than this recipe as it stands was published under it, and it is never taken again."
    "`pkgr update --to` the PPA writes what it has into the lock; the next version is counted from there";
SUMMARY_ARTICLE = "summary-article" Warning
    "The summary begins with an article. It completes the sentence \"NAME is a …\", and lists of packages have no room for the article (Policy 3.4.1)."
    "leave the article out";
SUMMARY_FULL_STOP = "summary-full-stop" Warning
    "The summary ends with a full stop: it is a phrase, no sentence (Policy 3.4.1)."
    "leave the full stop out";
SUMMARY_LONG = "summary-long" Warning
    "The summary has more than 80 characters: lists of packages cut it off (Policy 3.4.1)."
    "say it shorter, and the rest in `description`";
SUMMARY_NAME = "summary-name" Warning
    "The summary begins with the package's name, which stands beside it everywhere (Policy 3.4.1)."
    "say what it is";
NO_COPYRIGHT_HOLDER = "no-copyright-holder" Note
    "Nobody is named as holder of the copyright, so debian/copyright says \"The NAME authors\"."
    "write `copyright = [\"YEARS HOLDER\"]`";
LICENCE_TEXT = "licence-text-missing" Rejected
    "The text of a licence is neither known to pkgr nor in a file beside the recipe: debian/copyright has to have it (Policy 12.5)."
    "put the text into a file LICENSE beside the recipe, or write debian/copyright there";
NAME_OF_AXIS = "name-of-axis" Warning
    "A package's name names a series or an architecture that it is built for. One recipe makes a package for each of them: in the name, it sets the packages of one apart from the others, and nobody is upgraded from one to the next."
    "leave it out of the name: the version tells the series, and apt knows the architecture";
ARCHITECTURE_NEVER = "architecture-never" Warning
    "A relation is restricted to architectures for which the package is never built."
    "name one of the package's architectures, or leave the relation out";
ARCHITECTURE_ABSENT = "architecture-absent" Warning
    "The package names an architecture that a series does not have: nothing is built for it there."
    "say in a block `[when.\"SELECTOR\"]` for which architectures that series is built";
NO_PACKAGE = "no-such-package" Rejected
    "A series has no package that satisfies the relation, in none of its pockets and components: the package cannot be built there, or not be installed."
    "name another package as alternative, `a | b`, or change the relation for these series in a block `[when.\"SELECTOR\"]`";
NO_RECOMMENDED = "no-such-recommended" Warning
    "A series has no package that satisfies a recommendation: it is installed without."
    "name another package as alternative, `a | b`, or change the relation for these series in a block `[when.\"SELECTOR\"]`";
DEPENDENCIES_UNKNOWN = "dependencies-unknown" Warning
    "The indexes of a series could not be read, so it is not known whether it has what the package needs."
    "run it again; mirrors are named in config.toml";
DEPENDENCIES_NOT_CHECKED = "dependencies-not-checked" Note
    "Without the network, nobody looked whether the series have what the package needs."
    "leave --offline out";
PPA_ARCHITECTURES = "ppa-architectures" Note
    "A new PPA builds for amd64 alone. Other architectures, i386 too, are built once the PPA's owner has turned them on, under \"Change details\" on its page."
    "turn them on before the first upload: packages are not built later for what was off then";
PPA_QUOTA = "ppa-quota" Warning
    "The source packages alone take more than half of the space of a PPA: 8 GiB, unless more was asked for. Each upload counts with its orig files, also where all series share them, and binary packages come on top."
    "upload one series first: once the PPA has published the orig files, the others go without them";
ALLOW_UNUSED = "allow-unused" Note
    "`[lint] allow` lets a finding be that is not there any more."
    "take it out";
LINTIAN_ERROR = "lintian-error" Rejected
    "lintian calls it an error: a violation of Debian's Policy, or what certainly is a mistake. `[lint] allow` takes lintian's tags as codes."
    "`lintian-explain-tags TAG` tells more";
LINTIAN_WARNING = "lintian-warning" Warning
    "lintian warns of it: most likely a mistake. `[lint] allow` takes lintian's tags as codes."
    "`lintian-explain-tags TAG` tells more";
LINTIAN_NOTE = "lintian-note" Note
    "lintian mentions it. `[lint] allow` takes lintian's tags as codes."
    "`lintian-explain-tags TAG` tells more";
}

/// The rule of a code.
pub fn find(code: &str) -> Option<&'static LintRule> {
    RULES.iter().find(|rule| rule.code == code).copied()
}

const HEAD: &str = "\
# What `pkgr check` finds in recipes

Made from the table that recipes are checked by (`UPDATE_GOLDEN=1 cargo test --test
check_recipe` writes this page anew); `pkgr explain CODE` tells one of them. What is
wrong with the language itself, an unknown key or a selector that is never true, is an
error of every command and not listed here; what archives say of packages is in
[archive-rules.md](archive-rules.md).

A *rejected* recipe makes `pkgr check` exit with 1, a *warning* does with
`--deny warnings`. A finding that is right to stay is let be in the recipe, with the
reason:

```toml
[lint]
allow = { \"no-copyright-holder\" = \"public domain\" }
```
";

/// docs/recipe-findings.md.
pub fn page() -> String {
    let mut page = HEAD.to_string();
    for rule in RULES {
        page.push_str(&format!("\n## `{}`\n\n*{}*. {}\n", rule.code, rule.level.name(), rule.meaning));
        if !rule.cure.is_empty() {
            page.push_str(&format!("\nWhat to do: {}.\n", rule.cure));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_explained() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.code), "{} is there twice", rule.code);
            assert!(crate::check::rules::find(rule.code).is_none(), "{} is an archive's rule too", rule.code);
            assert!(rule.meaning.ends_with('.') && !rule.cure.ends_with('.'), "{}", rule.code);
        }
    }
}
