//! `pkgr sign`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::select::Key;
use crate::cli::{Context, Output};
use crate::diagnostic::Failure;
use crate::sign::{SignError, sign_files};

/// Sign source packages, as debsign does
///
/// A .changes signs the .dsc and the .buildinfo that it lists, a .buildinfo its
/// .dsc; the digests in the later files are renewed. An older signature is
/// replaced. A file that differs from what the .changes says is refused.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// .changes, .buildinfo and .dsc files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    key: Key,
}

/// Signs; prints the paths of the signed files.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let signer = args.key.signer(context)?.ok_or(SignError::NoKeyNamed)?;
    let mut output = Output::default();
    let mut files = Vec::new();
    for written in sign_files(&signer, &args.files)? {
        output.text.push_str(&format!("{}\n", written.path.display()));
        files.push(json!({"path": written.path, "signed_before": written.again}));
    }
    context.printer.status("Signed", &format!("with {}", signer.describe()));
    output.json.insert("signed_by".into(), Value::String(signer.fingerprint()));
    output.json.insert("files".into(), Value::Array(files));
    Ok(output)
}
