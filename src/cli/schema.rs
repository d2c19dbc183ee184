//! `pkgr schema`.

use crate::cli::{Context, Output};
use crate::diagnostic::Failure;
use crate::recipe;

/// Print the JSON schema of recipe.toml, for editors
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Prints the schema.
pub fn run(_: &Args, context: &Context) -> Result<Output, Failure> {
    let schema = recipe::schema::json();
    let mut output = Output::text(format!("{schema:#}\n"));
    if context.printer.is_json() {
        output.json.insert("schema_document".into(), schema);
    }
    Ok(output)
}
