//! `pkgr man`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{self, Context, Output};
use crate::diagnostic::Failure;
use crate::files;

/// Print the manual page, or write those of all commands
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The command whose page is wanted (pkgr itself by default)
    command: Option<String>,
    /// Write pkgr.1 and one page per command into this folder
    #[arg(short, long, value_name = "DIR", conflicts_with = "command")]
    output: Option<PathBuf>,
}

/// Prints one page, or writes them all and prints their paths.
pub fn run(args: &Args, _: &Context) -> Result<Output, Failure> {
    let mut root = cli::command().disable_help_subcommand(true);
    root.build(); // hands the global options down, and names the pages
    let Some(folder) = &args.output else {
        let page = match &args.command {
            None => root,
            Some(name) => named(&root, name)?,
        };
        let text = String::from_utf8_lossy(&page_of(page)?).into_owned();
        let mut output = Output::text(text.clone());
        output.json.insert("page".into(), json!(text));
        return Ok(output);
    };
    let mut output = Output::default();
    let mut paths = Vec::new();
    let pages = root.get_subcommands().map(|command| (command.clone(), format!("pkgr-{}.1", command.get_name())));
    for (page, name) in pages.chain([(root.clone(), "pkgr.1".to_string())]) {
        let path = folder.join(name);
        files::write_atomically(&path, &page_of(page)?, false)?;
        output.text.push_str(&format!("{}\n", path.display()));
        paths.push(path.display().to_string());
    }
    output.json.insert("files".into(), json!(paths));
    Ok(output)
}

fn named(root: &clap::Command, name: &str) -> Result<clap::Command, Failure> {
    root.find_subcommand(name).cloned().ok_or_else(|| {
        let message = format!("there is no command `{name}`");
        let found = crate::diagnostic::Diagnostic::error("unknown-command", message).hint("`pkgr --help` lists them");
        Failure::new(crate::diagnostic::Kind::Usage, found)
    })
}

/// The page in roff. Its date is left out, so that it is the same on every day.
fn page_of(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let source = format!("pkgr {}", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).date("").source(source).manual("pkgr manual").render(&mut page).map_err(|e| {
        let message = format!("cannot write the manual page: {e}");
        Failure::environment(crate::diagnostic::Diagnostic::error("io", message))
    })?;
    Ok(page)
}
