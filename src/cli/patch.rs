//! `pkgr patch`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::build::prepare;
use crate::cli::config::date_of_new_entry;
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure};
use crate::listener::Listener;
use crate::queue::{self, Added, Description, NewPatch, Origin, Queue, State};
use crate::recipe::selector::Selector;
use crate::{fetch, parallel};

/// The patch queue of a recipe: make, import, list, refresh and drop patches
///
/// Patches are files beside the recipe, applied in the order of its `[[patch]]`
/// entries with -p1 and without fuzz, as dpkg-source applies them. These commands
/// keep files and entries together; the rest of recipe.toml keeps every byte.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a patch of changes to the source
    ///
    /// Without --from, unpacks the source with the patches applied into a folder,
    /// prints its path, and leaves it to be edited. With --from, the differences
    /// between the source and that folder become patches/NAME.patch.
    New(New),
    /// Add a patch from a file, a URL or a git commit
    ///
    /// Its header is kept byte for byte; DEP-3's Origin and Last-Update are added. A
    /// page of a commit or pull request at GitHub or GitLab means its patch.
    Import(Import),
    /// Show the patches, what they change, and how they apply
    List(List),
    /// Remove fuzz and offsets, so that every hunk applies exactly
    ///
    /// Headers and hunks that need nothing keep every byte. A patch that no longer
    /// applies is left as it is, and told with its hunk and what the file has there.
    Refresh(Refresh),
    /// Remove a patch: its entry in recipe.toml, and its file
    Drop(Drop),
}

#[derive(clap::Args, Debug)]
struct New {
    /// Of the patch: NAME makes patches/NAME.patch
    name: String,
    #[command(flatten)]
    recipe: Recipe,
    /// The edited tree
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Where to unpack the source [default: NAME.edit]
    #[arg(short, long, value_name = "DIR", conflicts_with = "from")]
    output: Option<PathBuf>,
    /// What the patch does: a line, and more below it
    #[arg(short, long, value_name = "TEXT", requires = "from")]
    message: Option<String>,
    /// Only for targets that match; the patch is made for the first of them
    #[arg(long, value_name = "SELECTOR")]
    when: Option<String>,
}

#[derive(clap::Args, Debug)]
struct Import {
    /// FILE, URL, or REPOSITORY#COMMIT of a git repository on this machine
    origin: String,
    #[command(flatten)]
    recipe: Recipe,
    /// Name of the patch [default: that of the file, or the commit's subject]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only for targets that match; it has to apply to the first of them
    #[arg(long, value_name = "SELECTOR")]
    when: Option<String>,
    /// Lines of context that may be ignored; the patch is refreshed then
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=20))]
    fuzz: Option<u8>,
}

#[derive(clap::Args, Debug)]
struct List {
    #[command(flatten)]
    recipe: Recipe,
    /// Only targets that match, e.g. `jammy`, `focal..`, `ubuntu,!noble`
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
}

#[derive(clap::Args, Debug)]
struct Refresh {
    /// File, name or number of the one patch to refresh; or the recipe, to refresh all of its
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    recipe: Recipe,
    /// Lines of context that may be ignored
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u8).range(0..=20))]
    fuzz: u8,
    /// Only targets that match, e.g. `jammy`, `focal..`, `ubuntu,!noble`
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
}

#[derive(clap::Args, Debug)]
struct Drop {
    /// File, name or number of the patch
    name: String,
    #[command(flatten)]
    recipe: Recipe,
}

#[derive(clap::Args, Debug)]
struct Recipe {
    /// recipe.toml, or a folder that holds one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    recipe: PathBuf,
}

impl Recipe {
    fn file(&self) -> Result<PathBuf, Failure> {
        Ok(recipe_files(std::slice::from_ref(&self.recipe))?.remove(0))
    }
}

/// Does what is asked for; prints paths, or the table.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    match &args.command {
        Command::New(args) => new(args, context),
        Command::Import(args) => import(args, context),
        Command::List(args) => list(args, context),
        Command::Refresh(args) => refresh(args, context),
        Command::Drop(args) => drop(args, context),
    }
}

fn open<'c>(recipe: &Path, only: Option<&Selector>, context: &'c Context) -> Result<Queue<'c>, Failure> {
    let options = prepare::Options {
        only,
        author: context.config.author(),
        now: date_of_new_entry()?,
        fetch: fetch::Options { offline: false, locked: false, ..context.fetching() },
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
    };
    Queue::open(recipe, &options, &context.printer)
}

fn selector(text: &Option<String>) -> Result<Option<Selector>, Failure> {
    Ok(text.as_deref().map(Selector::parse).transpose()?)
}

/// `2026-11-24`, as DEP-3 has dates.
fn today() -> Result<String, Failure> {
    let date = date_of_new_entry()?;
    let day = jiff::fmt::rfc2822::parse(&date).map(|moment| moment.strftime("%Y-%m-%d").to_string());
    day.map_err(|error| Failure::environment(Diagnostic::error("bad-date", error.to_string())))
}

fn new(args: &New, context: &Context) -> Result<Output, Failure> {
    let when = selector(&args.when)?;
    let description = Description { text: args.message.clone(), author: context.config.author(), date: today()? };
    let patch = NewPatch { name: &args.name, when: when.as_ref(), description: &description };
    let recipe = args.recipe.file()?;
    let queue = open(&recipe, None, context)?;
    if let Some(from) = &args.from {
        return Ok(added(&queue.add_new(&patch, from)?, context));
    }
    let base = args.name.rsplit('/').next().unwrap_or(&args.name);
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{base}.edit")));
    let lineup = queue.unpack(&patch, &folder)?;
    context.printer.status("Unpacked", &format!("{} for {}", lineup.source, lineup.series.join(", ")));
    let command = format!("pkgr patch new {} --from {}", args.name, folder.display());
    context.printer.status("Next", &format!("edit it, then: {command}"));
    let mut output = Output::text(format!("{}\n", folder.display()));
    output.json.insert("folder".into(), json!(folder.display().to_string()));
    output.json.insert("series".into(), json!(lineup.series));
    Ok(output)
}

fn import(args: &Import, context: &Context) -> Result<Output, Failure> {
    let when = selector(&args.when)?;
    let recipe = args.recipe.file()?;
    let queue = open(&recipe, None, context)?;
    let origin = Origin::parse(&args.origin);
    let fuzz = args.fuzz.map(i64::from);
    let result = queue.import(&origin, args.name.as_deref(), when.as_ref(), fuzz, &today()?);
    let not_applied = |failure: &Failure| failure.diagnostics.iter().any(|found| found.code == "patch-does-not-apply");
    let patch = result.map_err(|failure| match args.fuzz {
        None if not_applied(&failure) => failure.hint("--fuzz 2 allows fuzz, and refreshes the patch"),
        _ => failure,
    })?;
    Ok(added(&patch, context))
}

fn added(patch: &Added, context: &Context) -> Output {
    context.printer.status("Added", &format!("{}: {}", patch.file, patch.touched.join(", ")));
    let mut output = Output::text(format!("{}\n", patch.path.display()));
    output.json.insert("file".into(), json!(patch.file));
    output.json.insert("touched".into(), json!(patch.touched));
    output
}

fn list(args: &List, context: &Context) -> Result<Output, Failure> {
    let only = selector(&args.only)?;
    let entries = open(&args.recipe.file()?, only.as_ref(), context)?.list()?;
    let rows: Vec<[String; 5]> = entries
        .iter()
        .map(|entry| {
            let when = if entry.when.is_empty() { "all".to_string() } else { entry.when.join(" | ") };
            [entry.number.to_string(), entry.file.clone(), when, states(&entry.states), entry.touched.join(", ")]
        })
        .collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
    let mut output = Output::default();
    for row in &rows {
        let cell = |(column, text): (usize, &String)| format!("{text:<0$}  ", width(column).unwrap_or(0));
        let line: String = row.iter().enumerate().map(cell).collect();
        output.text.push_str(line.trim_end());
        output.text.push('\n');
    }
    let document = |entry: &queue::Entry| {
        let states: Vec<Value> = entry.states.iter().map(|(series, state)| state_document(series, state)).collect();
        json!({
            "number": entry.number, "file": entry.file, "when": entry.when, "summary": entry.summary,
            "touched": entry.touched, "targets": states,
        })
    };
    output.json.insert("patches".into(), entries.iter().map(document).collect());
    Ok(output)
}

/// The states of a patch, those that are alike together.
fn states(states: &[(Vec<String>, State)]) -> String {
    let mut alike: Vec<(String, Vec<&str>)> = Vec::new();
    for (series, state) in states {
        let word = word(state);
        let series = series.iter().map(String::as_str);
        match alike.iter_mut().find(|(other, _)| *other == word) {
            Some((_, names)) => names.extend(series),
            None => alike.push((word, series.collect())),
        }
    }
    match alike.as_slice() {
        [] => "for no target".to_string(),
        [(word, _)] => word.clone(),
        several => {
            several.iter().map(|(word, names)| format!("{word} ({})", names.join(", "))).collect::<Vec<_>>().join("; ")
        }
    }
}

fn word(state: &State) -> String {
    match state {
        State::Applies => "applies".to_string(),
        State::Offset(1) => "applies, 1 hunk moved".to_string(),
        State::Offset(hunks) => format!("applies, {hunks} hunks moved"),
        State::Fuzz(fuzz) => format!("needs fuzz {fuzz}"),
        State::Refused(error) => format!("fails: {}", error.obstacle),
        State::NotTried => "not tried".to_string(),
    }
}

fn state_document(series: &[String], state: &State) -> Value {
    let (word, hunks, fuzz, error) = match state {
        State::Applies => ("applies", 0, 0, None),
        State::Offset(hunks) => ("offset", *hunks, 0, None),
        State::Fuzz(fuzz) => ("fuzz", 0, *fuzz, None),
        State::Refused(error) => ("fails", 0, 0, Some(error)),
        State::NotTried => ("not-tried", 0, 0, None),
    };
    let mut document = json!({"series": series, "state": word, "fits": state.is_fit()});
    if let Some(document) = document.as_object_mut() {
        match state {
            State::Offset(_) => drop_in(document, "hunks", json!(hunks)),
            State::Fuzz(_) => drop_in(document, "fuzz", json!(fuzz)),
            _ => {}
        }
        if let Some(error) = error {
            drop_in(document, "code", json!(error.obstacle.code()));
            drop_in(document, "message", json!(error.obstacle.to_string()));
            drop_in(document, "line", json!(error.line));
        }
    }
    document
}

fn drop_in(document: &mut serde_json::Map<String, Value>, key: &str, value: Value) {
    document.insert(key.to_string(), value);
}

fn refresh(args: &Refresh, context: &Context) -> Result<Output, Failure> {
    let only = selector(&args.only)?;
    // `pkgr patch refresh FOLDER`: as everywhere, the recipe
    let is_recipe = |name: &str| Path::new(name).join("recipe.toml").is_file() || name.ends_with(".toml");
    let (name, recipe) = match &args.name {
        Some(path) if is_recipe(path) => (None, Recipe { recipe: PathBuf::from(path) }.file()?),
        name => (name.as_deref(), args.recipe.file()?),
    };
    let queue = open(&recipe, only.as_ref(), context)?;
    let (refreshed, failures) = queue.refresh(name, i64::from(args.fuzz))?;
    let mut output = Output { failures, ..Output::default() };
    let mut all = Vec::new();
    for patch in &refreshed {
        if patch.written {
            let fuzz = if patch.fuzz > 0 { format!(", fuzz {}", patch.fuzz) } else { String::new() };
            let hunks = if patch.moved == 1 { "hunk" } else { "hunks" };
            context.printer.status("Refreshed", &format!("{}: {} {hunks} moved{fuzz}", patch.file, patch.moved));
            output.text.push_str(&format!("{}\n", patch.file));
        } else {
            context.printer.detail(&format!("{} is as it should be", patch.file));
        }
        all.push(json!({
            "file": patch.file, "written": patch.written, "moved": patch.moved, "fuzz": patch.fuzz,
        }));
    }
    let unchanged = refreshed.iter().filter(|patch| !patch.written).count();
    if unchanged > 0 {
        let patches = if unchanged == 1 { "patch is" } else { "patches are" };
        context.printer.status("Unchanged", &format!("{unchanged} {patches} as they should be"));
    }
    output.json.insert("patches".into(), Value::Array(all));
    Ok(output)
}

fn drop(args: &Drop, context: &Context) -> Result<Output, Failure> {
    let recipe = args.recipe.file()?;
    let dropped = queue::drop_patch(&recipe, &args.name)?;
    context.printer.status("Removed", &format!("{} from {}", dropped.file, recipe.display()));
    match &dropped.removed {
        Some(path) => context.printer.status("Removed", &path.display().to_string()),
        None => context.printer.tell(Diagnostic::note("no-file", format!("{} was not there", dropped.file))),
    }
    let mut output = Output::text(format!("{}\n", dropped.file));
    output.json.insert("file".into(), json!(dropped.file));
    output.json.insert("entries".into(), json!(dropped.entries));
    output.json.insert("removed".into(), json!(dropped.removed.is_some()));
    Ok(output)
}
