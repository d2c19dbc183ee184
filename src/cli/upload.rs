//! `pkgr upload`.

mod judge;
mod wait;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::arrival::Published;
use crate::cli::built::{self, is_package};
use crate::cli::destination::{self, Route};
use crate::cli::select::Key;
use crate::cli::status::Waiting;
use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::listener::Listener;
use crate::parallel;
use crate::recipe::Selector;
use crate::sign;
use crate::upload::prepare::{self, Prepared, Verdict};
use crate::upload::retry::SystemClock;
use crate::upload::target::Target;
use crate::upload::{self, Arrival, Outcome, Sending, Standing};

/// Send source packages to a PPA or another archive, as dput does
///
/// TARGET is ppa:OWNER/NAME, ppa:OWNER/NAME/SERIES, a profile of the configuration,
/// a section of dput.cf, an ftp, sftp, http, https or file URL, or a path that
/// begins with / or ./ . Without it, `[upload] to` of the recipe says where.
///
/// Everything is checked before the first byte: signatures, files, digests,
/// series. What fails on the way is tried again, by another way if there is one.
/// What was sent is remembered beside the .changes and not sent twice. Where the
/// last confirmation of a PPA was lost, Launchpad is asked for up to --acceptance
/// whether it arrived, before it is sent again.
///
/// What goes to a PPA is judged by Launchpad's rules, and Launchpad is asked what the
/// PPA and Ubuntu have published: what would be rejected by mail is refused here.
/// Where Launchpad does not answer, that is said, and the upload goes on.
///
/// Passwords come from PKGR_UPLOAD_PASSWORD, tokens for HTTP from
/// PKGR_UPLOAD_TOKEN, a private key for SFTP from PKGR_SFTP_KEY.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to [default: what the recipe says]
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// .changes files, or recipes whose packages are built [default: what is in dist/]
    #[arg(value_name = "FILE.changes|RECIPE")]
    files: Vec<PathBuf>,
    /// Only series that match, e.g. `jammy`, `focal..`
    #[arg(long, value_name = "SELECTOR")]
    only: Option<String>,
    /// Where the built packages are
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
    #[command(flatten)]
    route: Route,
    /// Say what would be sent, and send and sign nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Send also what was sent before, what is for an obsolete series, and what the PPA would refuse
    #[arg(long)]
    force: bool,
    /// Wait until users can install it, as `pkgr status --wait` does; its exit codes
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    key: Key,
}

/// What goes to one target.
struct Batch {
    target: String,
    changes: Vec<PathBuf>,
    /// Whose packages they are or may be.
    recipes: Vec<PathBuf>,
    named: bool,
}

/// Uploads; prints one line for each package.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let only = args.only.as_deref().map(Selector::parse).transpose()?;
    let mut output = Output::default();
    let mut targets = Vec::new();
    for batch in batches(args, only.as_ref(), context)? {
        let (target, notes) = destination::resolve(&batch.target, &args.route.ways, context)?;
        notes.into_iter().for_each(|note| context.printer.tell(note));
        if args.wait {
            wait::is_possible(&target)?;
        }
        let verdicts = verdicts(&batch, &target, args, context)?;
        let mut ready = Vec::new();
        let mut uploads = Vec::new();
        for (path, verdict) in verdicts {
            match verdict {
                Verdict::Ready(prepared) => ready.push(prepared),
                Verdict::Skipped(reason) => uploads.push(skipped(&path, &reason, context, &mut output)),
                Verdict::Refused(failure) => uploads.push(refused(&path, failure, &mut output)),
            }
        }
        Prepared::sort(&mut ready);
        let (ready, refused) = judge::judge(ready, &target, args, context, &mut output)?;
        uploads.extend(refused);
        let client = target.rules.ppa.as_ref().map(|_| context.launchpad()).transpose()?;
        let published = client.as_ref().map(Published::new);
        let mut sent = Vec::new();
        uploads.extend(match args.dry_run {
            true => rehearse(&target, &ready, published.as_ref(), (args, context), &mut output),
            false => send(&target, &ready, published.as_ref(), (args, context), (&mut output, &mut sent)),
        });
        let ways: Vec<String> = target.ways.iter().map(ToString::to_string).collect();
        let mut document =
            json!({"target": batch.target, "archive": target.identity, "ways": ways, "uploads": uploads});
        if args.wait && !args.dry_run {
            let published = wait_for(&sent, &target, &batch.recipes, args, context, &mut output);
            document["published"] = Value::Bool(published);
        }
        targets.push(document);
    }
    output.json.insert("dry_run".into(), Value::Bool(args.dry_run));
    output.json.insert("targets".into(), Value::Array(targets));
    Ok(output)
}

/// Whether all of it could be sent and can be installed.
fn wait_for(
    sent: &[Prepared],
    target: &Target,
    recipes: &[PathBuf],
    args: &Args,
    context: &Context,
    output: &mut Output,
) -> bool {
    match wait::wait(sent, target, recipes, args, context) {
        Ok(outcome) => {
            let ppa = target.rules.ppa.as_ref().and_then(|ppa| ppa.to_string().parse().ok());
            output.failures.extend(ppa.iter().flat_map(|ppa| outcome.failures(ppa)));
            outcome.is_published() && output.failures.is_empty()
        }
        Err(failure) => {
            output.failures.push(failure);
            false
        }
    }
}

/// What is meant, by target: several recipes may name several.
fn batches(args: &Args, only: Option<&Selector>, context: &Context) -> Result<Vec<Batch>, Failure> {
    // TARGET may be left out, and then the first argument is a package
    let (target, first) = match &args.target {
        Some(text) if is_package(text) => (None, Some(PathBuf::from(text))),
        other => (other.clone(), None),
    };
    let arguments: Vec<PathBuf> = first.into_iter().chain(args.files.iter().cloned()).collect();
    let (changes, mut recipes): (Vec<PathBuf>, Vec<PathBuf>) =
        arguments.into_iter().partition(|path| path.extension().is_some_and(|e| e == "changes"));
    let mut batches: Vec<Batch> = Vec::new();
    if recipes.is_empty() && changes.is_empty() {
        match &target {
            Some(target) => {
                let lying = built::lying_in(&args.output, only)?;
                for path in &lying.superseded {
                    context.printer.detail(&format!("passed over {}: a newer version is there", path.display()));
                }
                batches.push(Batch { target: target.clone(), changes: lying.newest, recipes: here(), named: false });
            }
            None => recipes.push(PathBuf::from("recipe.toml")),
        }
    }
    if !changes.is_empty() {
        let default = || built::load(Path::new("recipe.toml")).ok().as_ref().and_then(built::target_of);
        let target = target.clone().or_else(default).ok_or_else(destination::no_target)?;
        let changes = changes.into_iter().filter(|path| built::is_meant(path, only)).collect();
        batches.push(Batch { target, changes, recipes: here(), named: true });
    }
    for path in recipes {
        let recipe = built::load(&path)?;
        let target = target.clone().or_else(|| built::target_of(&recipe)).ok_or_else(destination::no_target)?;
        let changes = built::of_recipe(&recipe, only, &args.output, context)?;
        match batches.iter_mut().find(|batch| batch.target == target && !batch.named) {
            Some(batch) => {
                batch.changes.extend(changes);
                batch.recipes.push(path);
            }
            None => batches.push(Batch { target, changes, recipes: vec![path], named: false }),
        }
    }
    Ok(batches)
}

/// The recipe that packages without one may be of.
fn here() -> Vec<PathBuf> {
    vec![PathBuf::from("recipe.toml")]
}

fn verdicts(
    batch: &Batch,
    target: &Target,
    args: &Args,
    context: &Context,
) -> Result<Vec<(PathBuf, Verdict)>, Failure> {
    let is_unsigned = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| !sign::is_signed(&bytes));
    // a key is unlocked only where it is needed
    let signer = match batch.changes.iter().any(is_unsigned) {
        true => args.key.signer(context)?,
        false => None,
    };
    let options = prepare::Options {
        signer: signer.as_ref(),
        certs: &destination::certificates(&args.key, context),
        jobs: context.config.jobs.unwrap_or_else(parallel::available).max(1),
        today: &jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        force: args.force,
        dry_run: args.dry_run,
        named: batch.named,
    };
    Ok(prepare::prepare(&batch.changes, target, &options, &context.printer))
}

/// What is not meant for the target.
fn skipped(path: &Path, reason: &str, context: &Context, output: &mut Output) -> Value {
    context.printer.status("Skipped", &format!("{}: {reason}", path.display()));
    output.text.push_str(&format!("skipped {}\n", path.display()));
    json!({"changes": path.display().to_string(), "state": "skipped", "reason": reason})
}

/// What must not go up.
fn refused(path: &Path, failure: Failure, output: &mut Output) -> Value {
    output.text.push_str(&format!("refused {}\n", path.display()));
    let reason = failure.to_string();
    output.failures.push(failure);
    json!({"changes": path.display().to_string(), "state": "refused", "reason": reason})
}

/// Says what would be sent.
fn rehearse(
    target: &Target,
    ready: &[Prepared],
    published: Option<&Published>,
    (args, context): (&Args, &Context),
    output: &mut Output,
) -> Vec<Value> {
    if !ready.is_empty() {
        let ways: Vec<String> = target.ways.iter().map(ToString::to_string).collect();
        output.text.push_str(&format!("to {}\n", ways.join("\nor ")));
    }
    let mut uploads = Vec::new();
    for package in ready {
        let state = match upload::standing(package, target) {
            Ok(_) if args.force => "would-send",
            Ok(Standing::New | Standing::Interrupted(_)) => "would-send",
            Ok(Standing::Unsettled(begun)) => match has_arrived(package, target, begun, published, context) {
                true => "already",
                false => "would-send",
            },
            Ok(Standing::Sent(_) | Standing::SentByDput) => "already",
            Err(failure) => {
                uploads.push(refused(&package.changes, failure, output));
                continue;
            }
        };
        let (about, count, size) = (about(package), package.items.len(), package.size());
        output.text.push_str(&format!("{state} {about}: {count} files, {size} bytes\n"));
        if state == "would-send" {
            for item in &package.items {
                output.text.push_str(&format!("    {:>10} {}\n", item.size, item.name));
            }
        }
        uploads.push(document(package, state, Map::new()));
    }
    uploads
}

/// Whether a PPA shows at this moment what may have been sent to it.
fn has_arrived(
    package: &Prepared,
    target: &Target,
    begun: Timestamp,
    published: Option<&Published>,
    context: &Context,
) -> bool {
    let Some(published) = published else { return false };
    let why = match published.has_arrived(package, target) {
        Ok(true) => return true,
        Ok(false) => "it is asked again, for as long as it may take to accept it, before anything is sent".to_string(),
        Err(silence) => silence.failure.to_string(),
    };
    let message = format!("{}: the upload begun on {begun} may have arrived, and is not shown", package.changes_name());
    context.printer.tell(Diagnostic::note("upload-unsettled", message).because(why));
    false
}

/// Sends one after the other, and says of each what became of it; what the target
/// has then is in `sent`.
fn send(
    target: &Target,
    ready: &[Prepared],
    published: Option<&Published>,
    (args, context): (&Args, &Context),
    (output, sent): (&mut Output, &mut Vec<Prepared>),
) -> Vec<Value> {
    let clock = SystemClock::default();
    let sending = Sending {
        transfer: args.route.transfer(),
        policy: args.route.policy(),
        clock: &clock,
        force: args.force,
        asking: published.map(|published| args.waiting.asking(published)),
    };
    let mut documents = Vec::new();
    for package in ready {
        for done in upload::upload(std::slice::from_ref(package), target, &sending, &context.printer).uploads {
            if !matches!(done.outcome, Outcome::Failed(_)) {
                sent.push(package.clone());
            }
            let (state, more) = say(&about(package), done.outcome, target, context, output);
            output.text.push_str(&format!("{state} {}\n", about(package)));
            documents.push(document(package, state, more));
        }
    }
    documents
}

/// One word for it, and what the document has more.
fn say(
    about: &str,
    outcome: Outcome,
    target: &Target,
    context: &Context,
    output: &mut Output,
) -> (&'static str, Map<String, Value>) {
    match outcome {
        Outcome::Sent { way, tries } => {
            context.printer.status("Uploaded", &format!("{about} to {way}"));
            ("sent", Map::from_iter([("way".to_string(), json!(way)), ("tries".to_string(), json!(tries))]))
        }
        Outcome::Already(standing) => {
            let when = match standing {
                Standing::Sent(at) => format!("on {at}"),
                _ => "by dput, as its log says".to_string(),
            };
            let how = format!("{about} was sent to {} {when}; --force sends it again", target.name);
            context.printer.status("Unchanged", &how);
            ("already", Map::from_iter([("reason".to_string(), json!(when))]))
        }
        Outcome::Failed(failure) => {
            let state = if failure.kind == Kind::Remote { "refused" } else { "failed" };
            let reason = json!(failure.to_string());
            output.failures.push(failure);
            (state, Map::from_iter([("reason".to_string(), reason)]))
        }
    }
}

fn about(package: &Prepared) -> String {
    format!("{} {} {}", package.source, package.version, package.distribution)
}

fn document(package: &Prepared, state: &str, more: Map<String, Value>) -> Value {
    let files: Vec<Value> = package
        .items
        .iter()
        .map(|item| json!({"name": item.name, "size": item.size, "sha256": package.sha256.get(&item.name)}))
        .collect();
    let mut document = Map::new();
    for (key, value) in [
        ("changes", json!(package.changes.display().to_string())),
        ("source", json!(package.source)),
        ("version", json!(package.version)),
        ("series", json!(package.distribution)),
        ("signed_by", json!(package.signed_by)),
        ("state", json!(state)),
        ("files", json!(files)),
    ] {
        document.insert(key.to_string(), value);
    }
    document.extend(more);
    Value::Object(document)
}
