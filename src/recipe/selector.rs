//! Selectors: `when`, `[when."…"]` and `--only`. Terms joined by commas, all of
//! which must hold: a series, a range of one distribution's series by release
//! (its ends included), a distribution, `flavor=` and `arch=` where a binary
//! package or a test is meant; `!` negates.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::series::{Distro, Series, catalog};

use super::suggest;

/// Where a selector stands: decides which terms have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Of a source, a patch, a `[when]` block, `--only`: series and distributions.
    Source,
    /// Of a package or a test: flavors and architectures as well.
    Binary,
}

/// What one term says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Series(Series),
    /// Both ends belong to it; an open end is the first or last series.
    Range(Distro, Option<Series>, Option<Series>),
    Distro(Distro),
    Flavor(String),
    Architecture(String),
    /// Any of these; no text means it.
    OneOf(Vec<Series>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    negated: bool,
    meaning: Meaning,
}

/// A selector, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    text: String,
    terms: Vec<Term>,
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// The bytes of the selector that are wrong.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// A way out.
    pub hint: Option<String>,
}

impl Selector {
    /// Parses a selector of series and distributions, as `--only` takes it.
    pub fn parse(text: &str) -> Result<Selector, SelectorError> {
        Selector::parse_in(text, Context::Source)
    }

    /// Parses a selector that stands in `context`.
    pub fn parse_in(text: &str, context: Context) -> Result<Selector, SelectorError> {
        let mut terms = Vec::new();
        let mut offset = 0;
        for piece in text.split(',') {
            let start = offset + piece.len() - piece.trim_start().len();
            terms.push(parse_term(piece.trim(), start, context)?);
            offset += piece.len() + 1;
        }
        Ok(Selector { text: text.to_string(), terms })
    }

    /// Holds for these series and no other.
    pub fn of_series(series: Vec<Series>) -> Selector {
        let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
        let text = names.join(" or ");
        Selector { text, terms: vec![Term { negated: false, meaning: Meaning::OneOf(series) }] }
    }

    /// Whether it holds for targets of `series`, for some flavor and architecture.
    pub fn matches(&self, series: &Series) -> bool {
        self.terms.iter().all(|term| {
            let holds = match &term.meaning {
                Meaning::Series(named) => named == series,
                Meaning::Range(distro, from, to) => {
                    *distro == series.distro
                        && from.as_ref().is_none_or(|from| series >= from)
                        && to.as_ref().is_none_or(|to| series <= to)
                }
                Meaning::Distro(distro) => *distro == series.distro,
                Meaning::OneOf(all) => all.contains(series),
                Meaning::Flavor(_) | Meaning::Architecture(_) => return true,
            };
            holds != term.negated
        })
    }

    /// The architectures it names: (name, negated).
    pub fn architectures(&self) -> impl Iterator<Item = (&str, bool)> {
        self.terms.iter().filter_map(|term| match &term.meaning {
            Meaning::Architecture(name) => Some((name.as_str(), term.negated)),
            _ => None,
        })
    }

    /// The flavors it names: (name, negated).
    pub fn flavors(&self) -> impl Iterator<Item = (&str, bool)> {
        self.terms.iter().filter_map(|term| match &term.meaning {
            Meaning::Flavor(name) => Some((name.as_str(), term.negated)),
            _ => None,
        })
    }

    /// Whether it holds for that flavor, as far as flavors go.
    pub fn matches_flavor(&self, flavor: &str) -> bool {
        self.flavors().all(|(name, negated)| (name == flavor) != negated)
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn parse_term(term: &str, start: usize, context: Context) -> Result<Term, SelectorError> {
    let (negated, name) = match term.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, term),
    };
    let start = start + term.len() - name.len();
    let wrong =
        |message: String, hint: Option<String>| SelectorError { span: start..start + name.len().max(1), message, hint };
    if name.is_empty() {
        return Err(wrong("a term of the selector is empty".into(), Some("terms are joined by single commas".into())));
    }
    let meaning = if let Some((key, value)) = name.split_once('=') {
        match (key.trim(), value.trim()) {
            (_, "") => return Err(wrong(format!("`{name}` names nothing"), None)),
            ("flavor" | "arch", _) if context == Context::Source => {
                let message = format!("`{}=` has a meaning only where a binary package or a test is", key.trim());
                let hint = "relations name architectures in brackets: `libfoo-dev [amd64]`";
                return Err(wrong(message, (key.trim() == "arch").then(|| hint.to_string())));
            }
            ("flavor", value) => Meaning::Flavor(value.to_string()),
            ("arch", value) => match crate::deb::names::check_architecture(value) {
                Ok(()) if value != "all" && value != "any" => Meaning::Architecture(value.to_string()),
                _ => return Err(wrong(format!("`{value}` is no architecture"), None)),
            },
            (key, _) => {
                return Err(wrong(
                    format!("a selector knows no `{key}=`"),
                    Some("there are `flavor=` and `arch=`".into()),
                ));
            }
        }
    } else if let Some((from, to)) = name.split_once("..") {
        range(name, from.trim(), to.trim(), start)?
    } else {
        match name {
            "ubuntu" => Meaning::Distro(Distro::Ubuntu),
            "debian" => Meaning::Distro(Distro::Debian),
            _ => Meaning::Series(series(name, start)?),
        }
    };
    Ok(Term { negated, meaning })
}

fn range(term: &str, from: &str, to: &str, start: usize) -> Result<Meaning, SelectorError> {
    let wrong = |message: String, hint: &str| SelectorError {
        span: start..start + term.len(),
        message,
        hint: Some(hint.to_string()),
    };
    let end = |name: &str, offset: usize| match name {
        "" => Ok(None),
        _ => series(name, start + offset).map(Some),
    };
    let first = end(from, term.find(from).unwrap_or(0))?;
    let last = end(to, term.len() - to.len())?;
    let distro = match (&first, &last) {
        (None, None) => {
            return Err(wrong("a range needs a series at one of its ends".into(), "`jammy..` or `..jammy`"));
        }
        (Some(a), Some(b)) if a.distro != b.distro => {
            let message = format!("`{from}` is a series of {}, `{to}` of {}", a.distro.vendor(), b.distro.vendor());
            return Err(wrong(message, "a range is of one distribution"));
        }
        (Some(a), Some(b)) if a > b => {
            return Err(wrong(format!("`{from}` is later than `{to}`"), "write the earlier series first"));
        }
        (Some(one), _) | (None, Some(one)) => one.distro,
    };
    Ok(Meaning::Range(distro, first, last))
}

fn series(name: &str, start: usize) -> Result<Series, SelectorError> {
    catalog().find(name).cloned().ok_or_else(|| SelectorError {
        span: start..start + name.len(),
        message: format!("`{name}` is no series of Ubuntu or Debian"),
        hint: suggest::series(name),
    })
}

impl From<SelectorError> for Failure {
    /// As a fault of the command line (`--only`); the recipe's walker gives the
    /// places of its own.
    fn from(error: SelectorError) -> Failure {
        let diagnostic = Diagnostic::error("bad-selector", format!("`--only`: {}", error.message));
        let failure = Failure::new(Kind::Usage, diagnostic);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(text: &str) -> Vec<&'static str> {
        let selector = Selector::parse(text).unwrap();
        let names = ["xenial", "bionic", "focal", "jammy", "noble", "bookworm", "trixie", "sid"];
        names.into_iter().filter(|n| selector.matches(catalog().find(n).unwrap())).collect()
    }

    #[test]
    fn what_selectors_mean() {
        assert_eq!(matching("jammy"), ["jammy"]);
        assert_eq!(matching("noble.."), ["noble"]);
        assert_eq!(matching("..bionic"), ["xenial", "bionic"]);
        assert_eq!(matching("focal..jammy"), ["focal", "jammy"]);
        assert_eq!(matching("eoan..mantic"), ["focal", "jammy"]);
        assert_eq!(matching("debian"), ["bookworm", "trixie", "sid"]);
        assert_eq!(matching("ubuntu, !focal"), ["xenial", "bionic", "jammy", "noble"]);
        assert_eq!(matching("!jammy.., ubuntu"), ["xenial", "bionic", "focal"]);
        assert_eq!(matching("trixie.."), ["trixie", "sid"]);
    }

    #[test]
    fn errors_point_at_the_term() {
        let error = Selector::parse("ubuntu, jamy..noble").unwrap_err();
        assert_eq!(error.span, 8..12);
        assert_eq!(error.hint.as_deref(), Some("did you mean `jammy`?"));
        assert_eq!(Selector::parse("focal..jamy").unwrap_err().span, 7..11);
        for wrong in ["", "jammy,", "..", "noble..jammy", "jammy..trixie", "arch=amd64", "flavor=core", "size=1"] {
            assert!(Selector::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn architectures_only_where_packages_are_meant() {
        let selector = Selector::parse_in("jammy, arch=amd64, !flavor=core", Context::Binary).unwrap();
        assert_eq!(selector.architectures().collect::<Vec<_>>(), [("amd64", false)]);
        assert_eq!(selector.flavors().collect::<Vec<_>>(), [("core", true)]);
    }
}
