//! `pkgr ci`.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use crate::ci::{self, Cron, Service, Setup};
use crate::cli::select::recipe_files;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// Write the scheduled workflow that runs `pkgr rebuild`
///
/// It installs pkgr, keeps its caches and the journal of uploads, rebuilds what has
/// moved, commits recipe.lock and publishes a summary. Keys come from the secrets of
/// the service (PKGR_SIGNING_KEY, PKGR_SIGNING_KEY_PASSPHRASE, PKGR_SFTP_KEY). Two
/// runs never overlap. The files go into the repository that holds the recipes:
/// .github/workflows/pkgr.yml, .gitlab-ci.yml, or systemd/.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Who runs it
    service: ServiceName,
    /// recipe.toml files, or folders that hold one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    recipes: Vec<PathBuf>,
    /// Where to upload [default: `[upload] to` of each recipe]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// When to run, in UTC, as cron writes it
    #[arg(long, value_name = "CRON", default_value = "17 */6 * * *")]
    cron: String,
    /// Test packages before they are uploaded
    #[arg(long)]
    test: bool,
    /// Propose the changed locks for review instead of pushing them
    #[arg(long)]
    pull_request: bool,
    /// Shell command that installs pkgr [default: cargo install, of this version]
    #[arg(long, value_name = "COMMAND")]
    install: Option<String>,
    /// User that a systemd service runs as [default: USER]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Print the files, and write nothing
    #[arg(long)]
    stdout: bool,
    /// Overwrite files that were edited
    #[arg(long, conflicts_with = "stdout")]
    force: bool,
}

/// The services by their names.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ServiceName {
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// A timer of this machine
    Systemd,
}

impl From<ServiceName> for Service {
    fn from(name: ServiceName) -> Service {
        match name {
            ServiceName::Github => Service::Github,
            ServiceName::Gitlab => Service::Gitlab,
            ServiceName::Systemd => Service::Systemd,
        }
    }
}

/// Writes the files; prints their paths, or with `--stdout` their texts.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let setup = setup(args)?;
    let generated = ci::files(args.service.into(), &setup);
    let mut output = Output::default();
    if args.stdout {
        let several = generated.len() > 1;
        for file in &generated {
            let head = if several { format!("# {}\n", file.path) } else { String::new() };
            output.text.push_str(&format!("{head}{}", file.text));
        }
    } else {
        let written = ci::write(&setup.root, &generated, args.force)?;
        for file in &generated {
            let path = setup.root.join(file.path);
            let verb = if written.contains(&path) { "Wrote" } else { "Unchanged" };
            context.printer.status(verb, file.path);
            output.text.push_str(&format!("{}\n", path.display()));
        }
    }
    let documents = generated.iter().map(|file| json!({"path": file.path, "content": file.text}));
    output.json.insert("files".into(), Value::Array(documents.collect()));
    Ok(output)
}

fn setup(args: &Args) -> Result<Setup, Failure> {
    let cron = Cron::parse(&args.cron)?;
    let recipes = recipe_files(&args.recipes)?;
    let absolute = |path: &PathBuf| std::fs::canonicalize(path).map_err(|e| Failure::io("find", path, &e));
    let recipes = crate::diagnostic::all(recipes.iter().map(absolute))?;
    let root = recipes.first().map_or_else(|| PathBuf::from("."), |recipe| root_of(recipe));
    let relative = crate::diagnostic::all(recipes.iter().map(|recipe| relative(recipe, &root)))?;
    for line in [args.to.as_deref(), args.install.as_deref(), args.user.as_deref()].into_iter().flatten() {
        if line.contains(['\n', '\r']) {
            let found = Diagnostic::error("several-lines", format!("{line:?} is more than one line"));
            return Err(Failure::new(Kind::Usage, found));
        }
    }
    let variable = std::env::var("USER").ok().filter(|user| !user.is_empty());
    Ok(Setup {
        root,
        recipes: relative,
        to: args.to.clone(),
        test: args.test,
        cron,
        pull_request: args.pull_request,
        install: args.install.clone(),
        program: std::env::current_exe().map_err(|e| Failure::io("find", Path::new("pkgr"), &e))?,
        user: args.user.clone().or(variable).unwrap_or_else(|| "root".to_string()),
    })
}

/// The git repository that holds a recipe; without one, the recipe's folder.
fn root_of(recipe: &Path) -> PathBuf {
    let mut above = recipe.ancestors().skip(1);
    let found = above.find(|folder| folder.join(".git").exists());
    found.map_or_else(|| crate::files::parent(recipe), Path::to_path_buf)
}

/// A recipe as the run names it: its folder, or its file where it has another name.
fn relative(recipe: &Path, root: &Path) -> Result<String, Failure> {
    let outside = || {
        let message = format!("{} is not in the repository {}", recipe.display(), root.display());
        let found = Diagnostic::error("outside-repository", message);
        Failure::new(Kind::Usage, found.hint("name recipes of one repository"))
    };
    let inside = recipe.strip_prefix(root).map_err(|_| outside())?;
    let meant = if inside.ends_with("recipe.toml") { inside.parent().unwrap_or(inside) } else { inside };
    let parts: Vec<String> = meant
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    Ok(if parts.is_empty() { "recipe.toml".to_string() } else { parts.join("/") })
}
