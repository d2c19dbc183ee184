//! Templates in string values: `{{ expression }}` in the language of minijinja,
//! strict about undefined variables, without statements and comments. The
//! variables are known beforehand, so that a misspelt one is found without
//! evaluating anything.

use std::collections::BTreeMap;

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, filters};

use super::check::Wrong;
use super::suggest;

/// Steps that one expression may take.
const FUEL: u64 = 10_000;
/// Bytes that one string may expand to.
const LONGEST: usize = 64 * 1024;

/// Every variable.
pub const VARIABLES: &[&str] =
    &["name", "version", "upstream_version", "debian_version", "series.name", "series.number", "series.distro"];
/// Those that are known before `upstream-version` is.
pub const EARLY_VARIABLES: &[&str] = &["name", "version", "series.name", "series.number", "series.distro"];

/// What the variables stand for, for one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// `name`.
    pub name: String,
    /// `version`: the recipe's, without its epoch.
    pub version: String,
    /// `upstream_version`.
    pub upstream_version: String,
    /// `debian_version`, with its epoch.
    pub debian_version: String,
    /// `series.name`.
    pub series_name: String,
    /// `series.number`.
    pub series_number: String,
    /// `series.distro`.
    pub series_distro: String,
    /// `flavor`, for a package or test of one; else the variable does not exist.
    pub flavor: Option<String>,
    /// What is followed, by the name of its variable.
    pub follows: BTreeMap<String, Follow>,
}

/// What `NAME.version` and `NAME.upstream` stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Follow {
    /// The full version, with its epoch.
    pub version: String,
    /// Without epoch and revision.
    pub upstream: String,
}

/// The variables of a `[follow.NAME]`.
pub fn parts_of(name: &str) -> [String; 2] {
    [format!("{name}.version"), format!("{name}.upstream")]
}

impl Variables {
    fn context(&self) -> Value {
        let own = minijinja::context! {
            name => self.name,
            version => self.version,
            upstream_version => self.upstream_version,
            debian_version => self.debian_version,
            series => minijinja::context! {
                name => self.series_name,
                number => self.series_number,
                distro => self.series_distro,
            },
        };
        let flavor = self.flavor.iter().map(|flavor| ("flavor", Value::from(flavor.as_str())));
        let follows = self.follows.iter().map(|(name, follow)| (name.as_str(), Value::from_serialize(follow)));
        let others: Value = follows.chain(flavor).collect();
        minijinja::context! { ..own, ..others }
    }
}

/// A piece of a template.
enum Piece<'t> {
    Plain(&'t str),
    /// The expression and where it begins.
    Expression(&'t str, usize),
}

/// Whether a string has anything to expand, or to refuse.
pub fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// Checks a template without expanding it: syntax, and that it uses none but
/// the `known` variables.
pub fn check<S: AsRef<str>>(text: &str, known: &[S]) -> Result<(), Wrong> {
    let environment = environment();
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    for piece in pieces(text)? {
        let Piece::Expression(expression, start) = piece else { continue };
        let compiled = environment.compile_expression(expression).map_err(|e| syntax(&e, expression, start))?;
        let mut used: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
        used.sort_unstable();
        for variable in used {
            check_variable(&variable, expression, start, &known)?;
        }
    }
    Ok(())
}

/// Expands a template.
pub fn expand(text: &str, variables: &Variables) -> Result<String, Wrong> {
    let environment = environment();
    let context = variables.context();
    let mut result = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Plain(plain) => result.push_str(plain),
            Piece::Expression(expression, start) => {
                let compiled = environment.compile_expression(expression).map_err(|e| syntax(&e, expression, start))?;
                let value = compiled.eval(&context).map_err(|e| syntax(&e, expression, start))?;
                result.push_str(&as_text(&value, expression, start)?);
            }
        }
        if result.len() > LONGEST {
            return Err(Wrong::new("template-too-long", format!("the template expands to more than {LONGEST} bytes")));
        }
    }
    Ok(result)
}

/// No function, no global, and few filters: nothing that could look outside.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("lower", filters::lower);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("split", filters::split);
    environment.add_filter("join", filters::join);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment
}

fn as_text(value: &Value, expression: &str, start: usize) -> Result<String, Wrong> {
    let part = start..start + expression.len();
    let message = match value.kind() {
        minijinja::value::ValueKind::String | minijinja::value::ValueKind::Number => return Ok(value.to_string()),
        minijinja::value::ValueKind::Undefined => format!("`{}` is undefined", expression.trim()),
        kind => format!("`{}` is a {kind}, not a string", expression.trim()),
    };
    Err(Wrong::new("template-value", message).at(part))
}

fn check_variable(variable: &str, expression: &str, start: usize, known: &[&str]) -> Result<(), Wrong> {
    if known.contains(&variable) {
        return Ok(());
    }
    let at = find_word(expression, variable)
        .map_or(start..start + expression.len(), |at| start + at..start + at + variable.len());
    if variable == "series" {
        let wrong = Wrong::new("undefined-variable", "`series` has three parts");
        return Err(wrong.at(at).hint("`series.name`, `series.number` or `series.distro`"));
    }
    if known.contains(&format!("{variable}.version").as_str()) {
        let wrong = Wrong::new("undefined-variable", format!("`{variable}` has two parts"));
        return Err(wrong.at(at).hint(format!("`{variable}.version` or `{variable}.upstream`")));
    }
    let wrong = Wrong::new("undefined-variable", format!("undefined variable `{variable}`")).at(at);
    if VARIABLES.contains(&variable) {
        return Err(wrong.hint("it is not known yet where this value is needed"));
    }
    Err(match variable {
        "flavor" => wrong.hint("there are flavors only where a package is expanded by `[nginx]`"),
        _ if variable.contains('.') && suggest::nearest(variable, known.iter().copied()).is_none() => {
            wrong.hint("a `[follow.NAME]` makes the variables `NAME.version` and `NAME.upstream`")
        }
        _ => match suggest::hint(variable, known.iter().copied()) {
            Some(hint) => wrong.hint(hint),
            None => wrong.hint(format!("there are {}", known.join(", "))),
        },
    })
}

/// The first place where `word` stands between characters that are not of names.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(of_name) && !text[at + word.len()..].starts_with(of_name))
}

fn syntax(error: &minijinja::Error, expression: &str, start: usize) -> Wrong {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_string);
    let range = error.range().filter(|r| r.start < r.end && r.end <= expression.len());
    let part = range.map_or(start..start + expression.len(), |r| start + r.start..start + r.end);
    Wrong::new("bad-template", format!("the template cannot be read: {detail}")).at(part)
}

/// Splits a string at its `{{ }}`; quotes in an expression hide a `}}`.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Wrong> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|i| at + i) {
        match text.as_bytes().get(open + 1) {
            Some(b'{') => {
                let end = expression_end(text, open + 2)
                    .ok_or_else(|| Wrong::new("bad-template", "`{{` without its `}}`").at(open..open + 2))?;
                pieces.push(Piece::Plain(&text[at..open]));
                pieces.push(Piece::Expression(&text[open + 2..end], open + 2));
                at = end + 2;
            }
            Some(b'%' | b'#') => {
                let message =
                    format!("`{}`: recipes have no statements and no comments in templates", &text[open..open + 2]);
                let hint = "only `{{ expression }}`; a literal one is written `{{ \"{%\" }}`";
                return Err(Wrong::new("template-statement", message).at(open..open + 2).hint(hint));
            }
            _ => {
                pieces.push(Piece::Plain(&text[at..=open]));
                at = open + 1;
            }
        }
    }
    pieces.push(Piece::Plain(&text[at..]));
    Ok(pieces)
}

/// Where the `}}` is that ends the expression beginning at `start`.
fn expression_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), close) if open == close => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            name: "hello".into(),
            version: "1.0~rc1".into(),
            upstream_version: "1.0-rc1".into(),
            debian_version: "1.0~rc1-1~ubuntu22.04.1".into(),
            series_name: "jammy".into(),
            series_number: "22.04".into(),
            series_distro: "ubuntu".into(),
            flavor: None,
            follows: BTreeMap::from([(
                "php".into(),
                Follow { version: "2:8.1+92ubuntu1".into(), upstream: "8.1+92ubuntu1".into() },
            )]),
        }
    }

    #[test]
    fn expansion() {
        for (template, expected) in [
            ("plain {x} }}", "plain {x} }}"),
            ("{{ name }}-{{version}}.tar", "hello-1.0~rc1.tar"),
            ("{{ version | replace('~', '-') }}", "1.0-rc1"),
            ("{{ series.name }}/{{ series.number }}", "jammy/22.04"),
            ("{{ '}}' }}", "}}"),
            ("{{ \"{%\" }}", "{%"),
            ("{{ version.split('~')[0] if false else name }}", "hello"),
            ("{{ (version | split('~') | first) }}", "1.0"),
            ("ends in a line\n", "ends in a line\n"),
            ("{{ php.version }} {{ php.upstream }}", "2:8.1+92ubuntu1 8.1+92ubuntu1"),
        ] {
            assert_eq!(expand(template, &variables()).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn undefined_variables_are_found_where_they_stand() {
        let wrong = check("v{{ verson }}", VARIABLES).unwrap_err();
        assert_eq!((wrong.part, wrong.hints[0].as_str()), (Some(4..10), "did you mean `version`?"));
        assert_eq!(check("{{ series }}", VARIABLES).unwrap_err().code, "undefined-variable");
        assert_eq!(check("{{ series.nam }}", VARIABLES).unwrap_err().code, "undefined-variable");
        assert_eq!(check("{{ upstream_version }}", EARLY_VARIABLES).unwrap_err().code, "undefined-variable");
    }

    #[test]
    fn statements_and_excess_are_refused() {
        for (template, code) in [
            ("{% if true %}x{% endif %}", "template-statement"),
            ("{# note #}", "template-statement"),
            ("{{ name", "bad-template"),
            ("{{ name + }}", "bad-template"),
            ("{{ name | nonsense }}", "bad-template"),
            ("{{ '0123456789' * 100000 }}", "bad-template"),
            ("{{ range(10) }}", "undefined-variable"),
        ] {
            let result = check(template, VARIABLES).and_then(|()| expand(template, &variables()).map(|_| ()));
            assert!(
                result.as_ref().is_err_and(|w| w.code == code || w.code == "template-too-long"),
                "{template}: {result:?}"
            );
        }
        assert!(expand("{{ [name] }}", &variables()).is_err());
        assert!(expand("{{ flavor }}", &variables()).is_err());
    }
}
