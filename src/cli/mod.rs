//! The command line: one file per command, with its clap struct, whose doc
//! comments are the help text, and its `run`. Thin: a command wires the parts
//! below and says what came out.

pub mod abi;
pub mod build;
pub mod built;
pub mod bump;
pub mod check;
pub mod ci;
pub mod completions;
pub mod config;
pub mod destination;
pub mod doctor;
pub mod explain;
pub mod fetch;
pub mod man;
pub mod new;
pub mod patch;
pub mod rebuild;
pub mod render;
pub mod schema;
pub mod select;
pub mod sign;
pub mod status;
pub mod test;
pub mod update;
pub mod upload;
pub mod vendor;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::fetch::{Options as Fetching, Patience};
use crate::launchpad::{self, Client};
use crate::ui::{Color, Printer, json};
use config::Config;

/// From one readable recipe to signed Debian source packages for every series.
///
/// A recipe.toml describes a package once. `pkgr build` writes its debian/
/// folder for every series of Ubuntu and Debian that the recipe names, makes
/// the source packages and signs them, on any machine, without Debian's tools.
#[derive(Parser, Debug)]
#[command(name = "pkgr", version, propagate_version = true, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 the recipe or package is wrong, 2 usage, 3 this machine or
the network failed, 4 the remote refused, 5 something to do, 130 interrupted";

/// Options of every command.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Print one JSON document on stdout, errors too
    #[arg(long, global = true)]
    json: bool,
    /// Say nothing but warnings and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to colour messages
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", env = "PKGR_COLOR")]
    color: Color,
    /// Configuration file [default: pkgr/config.toml in XDG_CONFIG_HOME]
    #[arg(long, value_name = "FILE", global = true, env = "PKGR_CONFIG")]
    config: Option<PathBuf>,
    /// Cache folder [default: pkgr in XDG_CACHE_HOME]
    #[arg(long, value_name = "DIR", global = true, env = "PKGR_CACHE")]
    cache: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum Command {
    New(new::Args),
    Build(build::Args),
    Render(render::Args),
    Fetch(fetch::Args),
    Update(update::Args),
    Check(check::Args),
    Explain(explain::Args),
    Bump(bump::Args),
    Patch(patch::Args),
    Ci(ci::Args),
    Doctor(doctor::Args),
    Vendor(vendor::Args),
    Sign(sign::Args),
    Status(status::Args),
    Upload(upload::Args),
    Rebuild(rebuild::Args),
    Abi(abi::Args),
    Test(test::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Command::New(_) => "new",
            Command::Build(_) => "build",
            Command::Render(_) => "render",
            Command::Fetch(_) => "fetch",
            Command::Update(_) => "update",
            Command::Check(_) => "check",
            Command::Explain(_) => "explain",
            Command::Bump(_) => "bump",
            Command::Patch(_) => "patch",
            Command::Ci(_) => "ci",
            Command::Doctor(_) => "doctor",
            Command::Vendor(_) => "vendor",
            Command::Sign(_) => "sign",
            Command::Status(_) => "status",
            Command::Upload(_) => "upload",
            Command::Rebuild(_) => "rebuild",
            Command::Abi(_) => "abi",
            Command::Test(_) => "test",
            Command::Schema(_) => "schema",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }

    fn run(&self, context: &Context) -> Result<Output, Failure> {
        match self {
            Command::New(args) => new::run(args, context),
            Command::Build(args) => build::run(args, context),
            Command::Render(args) => render::run(args, context),
            Command::Fetch(args) => fetch::run(args, context),
            Command::Update(args) => update::run(args, context),
            Command::Check(args) => check::run(args, context),
            Command::Explain(args) => explain::run(args, context),
            Command::Bump(args) => bump::run(args, context),
            Command::Patch(args) => patch::run(args, context),
            Command::Ci(args) => ci::run(args, context),
            Command::Doctor(args) => doctor::run(args, context),
            Command::Vendor(args) => vendor::run(args, context),
            Command::Sign(args) => sign::run(args, context),
            Command::Status(args) => status::run(args, context),
            Command::Upload(args) => upload::run(args, context),
            Command::Rebuild(args) => rebuild::run(args, context),
            Command::Abi(args) => abi::run(args, context),
            Command::Test(args) => test::run(args, context),
            Command::Schema(args) => schema::run(args, context),
            Command::Completions(args) => completions::run(args, context),
            Command::Man(args) => man::run(args, context),
        }
    }
}

/// What every command gets.
pub struct Context {
    /// Hears and prints.
    pub printer: Printer,
    /// The user's configuration.
    pub config: Config,
    /// The cache folder, where not XDG's.
    pub cache: Option<PathBuf>,
}

impl Context {
    /// The cache and the archives, as configured.
    fn fetching(&self) -> Fetching {
        Fetching { cache: self.cache.clone(), archives: self.config.archives(), ..Fetching::default() }
    }

    /// Launchpad, for what can go on without its answer: it is not waited for long.
    fn launchpad(&self) -> Result<Client<'_>, Failure> {
        let patience = Patience {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(20),
            tries: 3,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(5),
        };
        let settings = launchpad::Settings { limit: Duration::from_secs(60), ..self.config.launchpad() };
        Ok(Client::new(settings, self.fetching(), &self.printer)?.with_patience(patience))
    }
}

/// What a command has to say when it ends.
#[derive(Debug, Default)]
pub struct Output {
    /// Data for stdout.
    pub text: String,
    /// Its body of the JSON document.
    pub json: Map<String, Value>,
    /// What failed while the rest was done (`--keep-going`).
    pub failures: Vec<Failure>,
}

impl Output {
    /// Plain data.
    pub fn text(text: impl Into<String>) -> Output {
        Output { text: text.into(), ..Output::default() }
    }
}

/// The whole command tree, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs pkgr with the given arguments (the program's name first).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, arguments.iter().any(|a| a == "--json")),
    };
    crate::build::staging::clean_up_when_interrupted();
    let global = &cli.global;
    let printer = Printer::new(global.color, global.quiet, global.verbose, global.json);
    let command = cli.command.name();
    let (config, wrong) = match Config::load(global.config.as_deref()) {
        Ok(config) => (config, None),
        // who asks what is wrong is told of more than that
        Err(failure) if matches!(cli.command, Command::Doctor(_)) => (Config::default(), Some(failure)),
        Err(failure) => return conclude(command, Err(failure), &printer),
    };
    let cache = global.cache.clone().or_else(|| config.cache.clone());
    let context = Context { printer, config, cache };
    let mut output = cli.command.run(&context);
    if let (Ok(output), Some(failure)) = (&mut output, wrong) {
        output.failures.insert(0, failure);
    }
    conclude(command, output, &context.printer)
}

/// Prints what came out, and turns it into the exit code: the one place.
fn conclude(command: &str, output: Result<Output, Failure>, printer: &Printer) -> ExitCode {
    let output = output.unwrap_or_else(|failure| Output { failures: vec![failure], ..Output::default() });
    for failure in &output.failures {
        printer.failure(failure);
    }
    let written = if printer.is_json() {
        let document = json::document(command, output.json, &output.failures, &printer.told());
        printer.data(&format!("{document:#}\n"))
    } else {
        printer.data(&output.text)
    };
    // Several failures: the one that a retry cannot cure decides.
    let mut kind = output.failures.iter().map(|failure| failure.kind).min();
    if let Err(error) = written {
        let failure = Failure::io("write", Path::new("standard output"), &error);
        printer.complain(&failure);
        kind = kind.or(Some(failure.kind));
    }
    ExitCode::from(kind.map_or(0, Kind::exit_code))
}

fn usage(error: &clap::Error, as_json: bool) -> ExitCode {
    if error.use_stderr() && as_json {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
        let failure = Failure::new(Kind::Usage, Diagnostic::error("usage", message));
        let printer = Printer::new(Color::Never, false, false, true);
        // what cannot be said has the exit code left
        let _ = printer.data(&format!("{:#}\n", json::document("usage", Map::new(), &[failure], &[])));
    } else {
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { Kind::Usage.exit_code() } else { 0 })
}
