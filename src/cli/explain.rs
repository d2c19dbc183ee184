//! `pkgr explain`.

use serde_json::{Value, json};

use crate::check::Level;
use crate::check::recipe::rules::{self as recipe_rules, LintRule};
use crate::check::rules::{self, Known, Rule};
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// Tell what a finding of `pkgr check` means, and how to cure it
///
/// Without a code: all codes, with what each means for an upload.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The word in brackets behind error, warning or note
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// Prints one rule, or the list of all.
pub fn run(args: &Args, _context: &Context) -> Result<Output, Failure> {
    let Some(code) = &args.code else { return Ok(list()) };
    let (text, document) = match (rules::find(code), recipe_rules::find(code)) {
        (Some(rule), _) => (text(rule), document(rule)),
        (None, Some(rule)) => (text_of_recipe(rule), document_of_recipe(rule)),
        (None, None) => return Err(unknown(code)),
    };
    let mut output = Output::text(text);
    output.json.insert("rule".into(), document);
    Ok(output)
}

/// Of recipes first, as `pkgr check` goes.
fn list() -> Output {
    let of_recipes = recipe_rules::RULES.iter().map(|rule| (rule.code, rule.level, rule.meaning));
    let all: Vec<_> = of_recipes.chain(rules::all().map(|rule| (rule.code, rule.level, rule.meaning))).collect();
    let width = all.iter().map(|(code, ..)| code.len()).max().unwrap_or_default();
    let line = |(code, level, meaning): &(&str, Level, &str)| {
        format!("{code:width$}  {:8}  {}\n", level.name(), first_sentence(meaning))
    };
    let mut output = Output::text(all.iter().map(line).collect::<String>());
    let documents = recipe_rules::RULES.iter().map(|rule| document_of_recipe(rule));
    output.json.insert("rules".into(), documents.chain(rules::all().map(document)).collect());
    output
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

fn text(rule: &Rule) -> String {
    let mut text = format!("{} ({}, rule {})\n\n{}\n", rule.code, rule.level.name(), rule.number, rule.meaning);
    if !rule.message.is_empty() {
        text.push_str(&format!("\nLaunchpad says: {}\n", rule.message));
    }
    if rule.known == Known::Nobody {
        text.push_str("\nOnly Launchpad knows this: `pkgr check` cannot tell before the upload.\n");
    }
    if !rule.cure.is_empty() {
        text.push_str(&format!("\nWhat to do: {}\n", rule.cure));
    }
    text
}

fn document(rule: &Rule) -> Value {
    json!({
        "code": rule.code,
        "level": rule.level.name(),
        "number": rule.number,
        "known_before_upload": rule.known != Known::Nobody,
        "message": rule.message,
        "meaning": rule.meaning,
        "cure": rule.cure,
    })
}

fn text_of_recipe(rule: &LintRule) -> String {
    let mut text = format!("{} ({}, of recipes)\n\n{}\n", rule.code, rule.level.name(), rule.meaning);
    if !rule.cure.is_empty() {
        text.push_str(&format!("\nWhat to do: {}\n", rule.cure));
    }
    text
}

fn document_of_recipe(rule: &LintRule) -> Value {
    json!({ "code": rule.code, "level": rule.level.name(), "meaning": rule.meaning, "cure": rule.cure })
}

fn unknown(code: &str) -> Failure {
    let failure =
        Failure::new(Kind::Usage, Diagnostic::error("unknown-code", format!("no finding has the code `{code}`")));
    let near = nearest(code);
    match near.is_empty() {
        true => failure.hint("`pkgr explain` alone lists all codes"),
        false => failure.hint(format!("did you mean {}?", near.join(" or "))),
    }
}

/// Codes that differ by a slip of the keyboard, and those that hold the word.
fn nearest(code: &str) -> Vec<String> {
    let given = code.to_lowercase().replace(['_', ' '], "-");
    let codes = rules::all().map(|rule| rule.code).chain(recipe_rules::RULES.iter().map(|rule| rule.code));
    let mut near: Vec<(usize, &str)> = codes
        .map(|code| (strsim::damerau_levenshtein(&given, code), code))
        .filter(|(distance, code)| {
            *distance <= (given.len() / 3).clamp(1, 4) || (given.len() > 3 && code.contains(&given))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(4).map(|(_, code)| format!("`{code}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_code() {
        assert_eq!(nearest("orig_difers"), ["`orig-differs`"]);
        assert!(nearest("pocket").contains(&"`ppa-pocket`".to_string()));
        assert!(nearest("xyzzy-nothing").is_empty());
    }
}
