//! `pkgr new`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::config::today;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind as Weight};
use crate::fetch::Fetcher;
use crate::scaffold::{self, Kind, Reading, Request};

/// Make a recipe folder that builds as it stands
///
/// Without --from it is a small example of its kind, to be replaced by the real
/// thing. With --from the source is read: name and version from its address, the
/// licence and a summary from its files, the modules from an nginx module's
/// `config`. All of that is a guess to be looked at.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder to make; its last part is the name of the source package
    #[arg(value_name = "NAME")]
    name: PathBuf,
    /// What it is [default: program, or what the source says]
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Source to package: the URL or path of a tarball, a repository on GitHub, or a folder
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
}

/// Makes the folder; prints the recipe's path.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let name = args.name.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        let message = format!("`{}` is no name of a folder", args.name.display());
        Failure::new(Weight::Usage, Diagnostic::error("bad-name", message))
    })?;
    let fetcher = Fetcher::new(context.fetching(), &context.printer)?;
    let services = context.config.services();
    let today = today()?;
    let request = Request {
        name,
        kind: args.kind,
        from: args.from.as_deref(),
        maintainer: context.config.author(),
        today: &today,
    };
    let reading = Reading { fetcher: &fetcher, services: &services, listener: &context.printer };
    let files = scaffold::scaffold(&request, &reading)?;
    scaffold::write(&files, &args.name)?;
    let recipe = args.name.join("recipe.toml");
    let word = |path: &Path| crate::render::sh::shell_word(&path.display().to_string());
    let follows = files.get("recipe.toml").is_some_and(|file| file.bytes.windows(7).any(|words| words == b"[nginx]"));
    let next = match follows {
        true => format!("pkgr update {0} && pkgr build {0}", word(&args.name)),
        false => format!("pkgr build {}", word(&args.name)),
    };
    context.printer.status("Created", &files.keys().cloned().collect::<Vec<_>>().join(", "));
    context.printer.status("Next", &next);
    let mut output = Output::text(format!("{}\n", recipe.display()));
    output.json.insert("recipe".into(), json!(recipe.display().to_string()));
    output.json.insert("files".into(), json!(files.keys().collect::<Vec<_>>()));
    Ok(output)
}
