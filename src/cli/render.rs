//! `pkgr render`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::build::{self, prepare};
use crate::cli::config::date_of_new_entry;
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::recipe::selector::Selector;
use crate::render::Tree;
use crate::{fetch, parallel};

/// Write the debian/ folder of a recipe, without packing anything
///
/// One target goes to DIR/debian, several to DIR/SERIES/debian.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// recipe.toml, or a folder that holds one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    recipe: PathBuf,
    /// Only targets that match, e.g. `jammy`, `focal..`, `ubuntu,!noble`
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
    /// Where the folders go
    #[arg(short, long, value_name = "DIR", default_value = "rendered")]
    output: PathBuf,
    /// Print one file, e.g. `control` or `debian/control`, and write nothing
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    stdout: Option<String>,
}

/// Renders; prints the folders written, or the one file.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let only = args.only.as_deref().map(Selector::parse).transpose()?;
    let options = prepare::Options {
        only: only.as_ref(),
        author: context.config.author(),
        now: date_of_new_entry()?,
        fetch: fetch::Options { offline: false, locked: false, cache: context.cache.clone() },
        jobs: parallel::available(),
    };
    let mut output = Output::default();
    for recipe in recipe_files(std::slice::from_ref(&args.recipe))? {
        let trees = build::render(&recipe, &options, &context.printer)?;
        output = match &args.stdout {
            Some(file) => one_file(&trees, file)?,
            None => folders(&trees, args)?,
        };
    }
    Ok(output)
}

fn folders(trees: &BTreeMap<String, Tree>, args: &Args) -> Result<Output, Failure> {
    let mut output = Output::default();
    let mut written = Vec::new();
    for (series, tree) in trees {
        let folder = if trees.len() == 1 { args.output.clone() } else { args.output.join(series) };
        tree.write_to(&folder)?;
        let debian = folder.join("debian");
        output.text.push_str(&format!("{}\n", debian.display()));
        written.push(json!({"series": series, "folder": debian.display().to_string()}));
    }
    output.json.insert("targets".into(), json!(written));
    Ok(output)
}

/// The file as all targets have it; that they differ is told, not hidden.
fn one_file(trees: &BTreeMap<String, Tree>, file: &str) -> Result<Output, Failure> {
    let usage = |found: Diagnostic| Failure::new(Kind::Usage, found);
    let path = if file.starts_with("debian/") { file.to_string() } else { format!("debian/{file}") };
    let mut versions: Vec<(&str, &[u8])> = Vec::new();
    for (series, tree) in trees {
        if let Some(file) = tree.files.get(&path) {
            if !versions.iter().any(|(_, bytes)| *bytes == file.bytes) {
                versions.push((series, &file.bytes));
            }
        }
    }
    match versions.as_slice() {
        [(_, bytes)] => {
            let text = String::from_utf8_lossy(bytes);
            let mut output = Output::text(text.clone());
            output.json.insert("file".into(), json!(path));
            output.json.insert("content".into(), json!(text));
            Ok(output)
        }
        [] => {
            let names: Vec<&String> = trees.values().flat_map(|tree| tree.files.keys()).collect();
            let mut found = Diagnostic::error("no-such-file", format!("no target has a file {path}"));
            for name in names.iter().take(40) {
                if !found.notes.contains(name) {
                    found.notes.push((*name).clone());
                }
            }
            Err(usage(found))
        }
        [(first, _), (second, _), ..] => {
            let message = format!("{path} is not the same for every target");
            let found = Diagnostic::error("several-versions", message)
                .because(format!("{first} and {second} differ"))
                .hint(format!("choose one: --only {first}"));
            Err(usage(found))
        }
    }
}
