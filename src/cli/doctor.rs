//! `pkgr doctor`.

use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cli::config::{date_of_new_entry, today};
use crate::cli::destination::{self, Ways};
use crate::cli::select::{Key, Named, recipe_files};
use crate::cli::{Context, Output, built};
use crate::diagnostic::{Diagnostic, Failure};
use crate::doctor::{self, Aim, Check, Group, Needs, Reading, Status, Subject};
use crate::follow::tables;
use crate::sandbox::engine::Backend;
use crate::sign::inspect;
use crate::ui::message::{paint, printable};
use crate::upload::environment::SFTP_KEY;
use crate::{fetch, series};

/// Tell what this machine lacks for what the recipe wants
///
/// Looks at the programs that the recipe and the commands run, the cache folder, the
/// clock, the key that would sign and how long it is valid, the recipe's series, and
/// whether Launchpad, the upload hosts and the archives answer. Without a recipe: at
/// the machine, the key and the services.
///
/// Each line is ok, a note, a warning or a problem, with the cure below it. It looks
/// only: it changes nothing, logs in nowhere, and asks for no passphrase.
///
/// The exit code is 0 where nothing is worse than a warning, 3 where there is a
/// problem, 1 where a recipe is wrong.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, or a folder that holds one [default: recipe.toml, where there is one]
    #[arg(value_name = "RECIPE")]
    recipes: Vec<PathBuf>,
    /// Where uploads are to go [default: what each recipe says under [upload]]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Ask nobody
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    ways: Ways,
    #[command(flatten)]
    key: Key,
}

/// Looks at everything; prints what was found by group.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let recipes = match args.recipes.as_slice() {
        [] if Path::new("recipe.toml").is_file() => vec![PathBuf::from("recipe.toml")],
        named => recipe_files(named)?,
    };
    let mut output = Output::default();
    let needs = needs(&recipes, context, &mut output)?;
    let (targets, mut checks) = targets(args, &needs, context)?;
    output.json.insert("recipes".into(), recipes.iter().map(|path| json!(path.display().to_string())).collect());
    let named = targets.iter().filter(|aim| aim.is_named);
    output.json.insert("targets".into(), named.map(|aim| json!(aim.target.name)).collect());
    let key = Named::of(&args.key, context);
    let subject = Subject {
        needs,
        targets,
        key: Box::new(move || key.first(inspect::inspect)),
        login: args.ways.has_login(context) || std::env::var_os(SFTP_KEY).is_some(),
        configuration: context.config.file.clone(),
        launchpad: context.config.launchpad(),
        fetching: fetch::Options { offline: args.offline, ..context.fetching() },
        backend: backend(),
    };
    checks.extend(doctor::examine(subject));
    checks.sort_by_key(|check| check.group);
    tell(&checks, context, &mut output)?;
    Ok(output)
}

/// What the recipes want; those that are wrong are failures, and the rest goes on.
fn needs(recipes: &[PathBuf], context: &Context, output: &mut Output) -> Result<Vec<Needs>, Failure> {
    // without a cache folder, which is a finding of its own, there is what is compiled in
    let newest = tables::at_hand(&context.config.distro_info(), &context.fetching(), &context.printer);
    let newest = newest.unwrap_or_else(|_| series::shipped().clone());
    series::learn(newest.all());
    let today = today()?;
    let reading =
        Reading { author: context.config.author(), now: date_of_new_entry()?, today: &today, newest: &newest };
    let mut found = Vec::new();
    for path in recipes {
        match Needs::of(path, &reading) {
            Ok(needs) => found.push(needs),
            Err(failure) => output.failures.push(failure),
        }
    }
    Ok(found)
}

/// Where it all goes, each target once; where nothing says so, to any PPA.
fn targets(args: &Args, needs: &[Needs], context: &Context) -> Result<(Vec<Aim>, Vec<Check>), Failure> {
    let (mut aims, mut checks): (Vec<Aim>, Vec<Check>) = (Vec::new(), Vec::new());
    let named: Vec<String> = match &args.to {
        Some(name) => vec![name.clone()],
        None => needs.iter().filter_map(|needs| built::target_of(&needs.recipe)).collect(),
    };
    for name in &named {
        match destination::resolve(name, &args.ways, context) {
            Ok((target, notes)) => {
                checks.extend(notes.into_iter().map(|note| Check::of(Group::Recipe, note)));
                if !aims.iter().any(|aim| aim.target.identity == target.identity) {
                    aims.push(Aim { target, is_named: true });
                }
            }
            Err(failure) if args.to.is_some() => return Err(failure),
            Err(failure) => checks.extend(Check::failed(Group::Recipe, Status::Problem, failure)),
        }
    }
    if named.is_empty() {
        let (target, _) = destination::resolve("ppa:owner/name", &args.ways, context)?;
        aims.push(Aim { target, is_named: false });
    }
    Ok((aims, checks))
}

/// As for `pkgr test`.
fn backend() -> Backend {
    let named = std::env::var("PKGR_TEST_BACKEND").ok();
    named.and_then(|name| Backend::from_str(&name, true).ok()).unwrap_or(Backend::Unshare)
}

/// The list on stdout, and below it what it comes to.
fn tell(checks: &[Check], context: &Context, output: &mut Output) -> Result<(), Failure> {
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let (problems, warnings) = (count(Status::Problem), count(Status::Warning));
    output.json.insert("checks".into(), checks.iter().map(document).collect());
    output.json.insert("problems".into(), json!(problems));
    output.json.insert("warnings".into(), json!(warnings));
    if !context.printer.is_json() {
        // before the errors, which are printed first otherwise
        let written = context.printer.data(&text(checks, context.printer.colors_data()));
        written.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    }
    let sum = format!(
        "{} checks: {problems} {}, {warnings} {}",
        checks.len(),
        plural(problems, "problem"),
        plural(warnings, "warning")
    );
    context.printer.status("Examined", &sum);
    if problems > 0 {
        let mut codes: Vec<&str> =
            checks.iter().filter(|check| check.status == Status::Problem).map(|check| check.code).collect();
        codes.dedup();
        let message = format!("{problems} {} to cure: {}", plural(problems, "problem"), codes.join(", "));
        output.failures.push(Failure::environment(Diagnostic::error("not-ready", message)));
    }
    Ok(())
}

fn plural(number: usize, word: &str) -> String {
    if number == 1 { word.to_string() } else { format!("{word}s") }
}

fn text(checks: &[Check], color: bool) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let own: Vec<&Check> = checks.iter().filter(|check| check.group == group).collect();
        if !own.is_empty() {
            text.push_str(&format!("{}\n", paint(group.name(), Style::new().bold(), color)));
            own.iter().for_each(|check| text.push_str(&lines(check, color)));
        }
    }
    text
}

fn lines(check: &Check, color: bool) -> String {
    let style = match check.status {
        Status::Ok => AnsiColor::Green.on_default(),
        Status::Note => Style::new().bold(),
        Status::Warning => AnsiColor::Yellow.on_default().bold(),
        Status::Problem => AnsiColor::Red.on_default().bold(),
    };
    let word = paint(&format!("{:8}", check.status.name()), style, color);
    let mut text = format!("  {word} {}\n", printable(&check.found));
    let mut add = |word: &str, lines: &[String]| {
        for line in lines.iter().flat_map(|line| line.lines()) {
            text.push_str(&format!("           {word} {}\n", printable(line)));
        }
    };
    if check.status != Status::Ok {
        add("=", &check.facts);
    }
    add(">", &check.cures);
    text
}

fn document(check: &Check) -> Value {
    json!({
        "group": check.group.name(),
        "code": check.code,
        "status": check.status.name(),
        "found": check.found,
        "facts": check.facts,
        "cures": check.cures,
    })
}
