//! `pkgr check` of recipes.

use std::path::Path;

use serde_json::{Value, json};

use super::{Args, To, settle};
use crate::check::holdings::{Holdings, Unknown};
use crate::check::lintian::{self, Tag};
use crate::check::reachable::Reached;
use crate::check::recipe::{self, Lint, RecipeReport};
use crate::check::{Level, Verdict};
use crate::cli::config::{date_of_new_entry, today};
use crate::cli::{Context, Output, built};
use crate::diagnostic::Failure;
use crate::fetch::apt::Archives;
use crate::fetch::{self, Fetcher};
use crate::listener::Listener;
use crate::parallel;
use crate::plan::EvaluateOptions;

/// Checks one recipe: a line with the verdict, findings below.
pub fn run(path: &Path, to: &To, reached: Option<&Reached>, args: &Args, context: &Context, output: &mut Output) {
    let checked = lint(path, to, reached, args, context).and_then(|report| Ok((report, tags(path, args, context)?)));
    let (report, (tags, allowed_tags)) = match checked {
        Ok(checked) => checked,
        Err(failure) => return output.failures.push(failure),
    };
    let lints = report.findings.iter().map(|lint| (lint.rule.level, lint.to_diagnostic()));
    let failure = settle(lints.chain(tags.iter().map(Tag::said)), args.deny, context);
    for (lint, why) in &report.allowed {
        context.printer.detail(&format!("allowed, {why}: {}", lint.message));
    }
    let levels = report.findings.iter().map(|lint| lint.rule.level).chain(tags.iter().map(|tag| tag.rule.level));
    let verdict = match levels.max() {
        Some(Level::Rejected) => Verdict::Rejected,
        _ => Verdict::Accepted,
    };
    output.text.push_str(&format!("{}: {}\n", path.display(), verdict.name()));
    output.failures.extend(failure);
    let mut findings: Vec<Value> = report.findings.iter().map(document).collect();
    findings.extend(tags.iter().map(tag_document));
    let allowed: Vec<Value> = report
        .allowed
        .iter()
        .map(|(lint, why)| allowed(document(lint), why))
        .chain(allowed_tags.iter().map(|(tag, why)| allowed(tag_document(tag), why)))
        .collect();
    let whole = json!({
        "path": path.display().to_string(),
        "accepted": verdict == Verdict::Accepted,
        "findings": findings,
        "allowed": allowed,
    });
    match output.json.get_mut("recipes") {
        Some(Value::Array(recipes)) => recipes.push(whole),
        _ => drop(output.json.insert("recipes".into(), json!([whole]))),
    }
}

fn lint(
    path: &Path,
    to: &To,
    reached: Option<&Reached>,
    args: &Args,
    context: &Context,
) -> Result<RecipeReport, Failure> {
    let fetching = fetch::Options { offline: args.offline, ..context.fetching() };
    let fetcher = Fetcher::new(fetching.clone(), &context.printer)?;
    let archives = Archives::new(&fetcher, fetching.archives);
    let nobody = Unknown::new("the PPA");
    let asked = reached.map_or(&nobody as &dyn Holdings, |reached| &reached.ppa);
    let options = recipe::Options {
        evaluate: EvaluateOptions { only: None, author: context.config.author(), now: date_of_new_entry()? },
        today: today()?,
        ppa: to.ppa.as_ref().map(|_| asked),
        archives: (!args.offline).then_some(&archives),
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    recipe::lint(path, &options)
}

/// What lintian says of the recipe's packages, and what of it is allowed, why.
type Tags = (Vec<Tag>, Vec<(Tag, String)>);

fn tags(path: &Path, args: &Args, context: &Context) -> Result<Tags, Failure> {
    let (mut told, mut let_be) = (Vec::new(), Vec::new());
    if !args.lintian {
        return Ok((told, let_be));
    }
    let recipe = built::load(path)?;
    let allowed = recipe.allowed_findings();
    for changes in built::of_recipe(&recipe, None, &args.output, context)? {
        for tag in lintian::run(&changes)? {
            // the series of one recipe are told of alike
            if told.contains(&tag) {
                continue;
            }
            match allowed.iter().find(|(code, _)| *code == tag.tag || code == tag.rule.code) {
                Some((_, why)) => let_be.push((tag, why.clone())),
                None => told.push(tag),
            }
        }
    }
    Ok((told, let_be))
}

fn document(lint: &Lint) -> Value {
    json!({
        "code": lint.rule.code,
        "level": lint.rule.level.name(),
        "message": lint.message,
        "line": lint.place.as_ref().map(|place| place.line),
        "facts": lint.facts,
        "cure": lint.rule.cure,
    })
}

fn tag_document(tag: &Tag) -> Value {
    json!({ "code": tag.rule.code, "level": tag.rule.level.name(), "tag": tag.tag, "message": tag.message })
}

fn allowed(mut document: Value, why: &str) -> Value {
    if let Some(document) = document.as_object_mut() {
        document.insert("reason".into(), json!(why));
    }
    document
}
