//! `pkgr completions`.

use crate::cli::{self, Context, Output};
use crate::diagnostic::Failure;

/// Print the completions of a shell
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: pkgr completions bash > /usr/share/bash-completion/completions/pkgr")]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints the completion script.
pub fn run(args: &Args, _: &Context) -> Result<Output, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "pkgr", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let mut output = Output::text(script.clone());
    output.json.insert("script".into(), serde_json::json!(script));
    Ok(output)
}
