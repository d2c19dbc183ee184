//! What the PPA would say, before the first byte of an upload: a rejection by
//! mail comes minutes later, and only to whose address is in the .changes.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::Args;
use crate::check::reachable::{self, Reached};
use crate::check::{self, Archive, Keys, Level};
use crate::cli::{Context, Output, destination};
use crate::diagnostic::{self, Diagnostic, Failure, Kind};
use crate::launchpad::{Client, Ppa};
use crate::listener::Listener;
use crate::parallel;
use crate::upload::prepare::Prepared;
use crate::upload::target::Target;
use crate::upload::{self, Standing};

/// Takes out what the PPA would refuse; `--force` only warns of it. What was sent
/// before is not judged: the PPA has it, or may.
pub fn judge(
    ready: Vec<Prepared>,
    target: &Target,
    args: &Args,
    context: &Context,
    output: &mut Output,
) -> Result<(Vec<Prepared>, Vec<Value>), Failure> {
    let Some(ppa) = &target.rules.ppa else { return Ok((ready, Vec::new())) };
    let is_new = |package: &Prepared| match upload::standing(package, target) {
        // what may have been is looked for when it is its turn: its version may be taken by itself
        Ok(Standing::Sent(_) | Standing::SentByDput | Standing::Unsettled(_)) => args.force,
        Ok(Standing::New | Standing::Interrupted(_)) | Err(_) => true,
    };
    if !ready.iter().any(is_new) {
        return Ok((ready, Vec::new()));
    }
    let client = context.launchpad()?;
    let reached = reach(&client, &ppa.to_string().parse()?, args, context)?;
    let keys = destination::keys(destination::certificates(&args.key, context));
    let judge = Judge { path: ppa.folder(), reached, keys, args, context };
    let (mut good, mut documents) = (Vec::new(), Vec::new());
    for package in ready {
        match if is_new(&package) { judge.verdict(&package) } else { Ok(()) } {
            Ok(()) => good.push(package),
            Err(failure) => documents.push(refused(&package, failure, output)),
        }
    }
    Ok((good, documents))
}

/// A PPA that does not exist takes nothing; `--force` believes that it does.
fn reach<'c>(
    client: &'c Client<'c>,
    ppa: &Ppa,
    args: &Args,
    context: &'c Context,
) -> Result<Option<Reached<'c>>, Failure> {
    match reachable::reach(client, ppa, &context.printer) {
        Err(failure) if args.force => {
            failure.diagnostics.into_iter().map(weakened).for_each(|said| context.printer.tell(said));
            Ok(None)
        }
        reached => reached.map(Some),
    }
}

fn weakened(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { level: diagnostic::Level::Warning, ..diagnostic }
}

struct Judge<'j> {
    path: String,
    reached: Option<Reached<'j>>,
    keys: Keys,
    args: &'j Args,
    context: &'j Context,
}

impl Judge<'_> {
    fn verdict(&self, package: &Prepared) -> Result<(), Failure> {
        let Some(reached) = &self.reached else { return Ok(()) };
        let options = check::Options {
            archive: Some(Archive::Launchpad),
            path: Some(self.path.clone()),
            ppa: &reached.ppa,
            primary: &reached.primary,
            keys: &self.keys,
            require_signature: false,
            now: SystemTime::now(),
            jobs: self.context.config.jobs.unwrap_or_else(parallel::available).max(1),
        };
        let report = check::package(&package.changes, &options)?;
        let mut refused = Vec::new();
        for finding in &report.findings {
            let said = finding.to_diagnostic();
            match finding.rule.level {
                Level::Rejected if !self.args.force => refused.push(said),
                Level::Rejected => self.context.printer.tell(weakened(said)),
                // a rehearsal signs nothing, and what is sent is signed by now
                Level::Warning if finding.rule.code != "unsigned" => self.context.printer.tell(said),
                Level::Warning | Level::Note => {}
            }
        }
        match refused.is_empty() {
            true => Ok(()),
            false => Err(Failure { kind: Kind::Recipe, diagnostics: refused }),
        }
    }
}

fn refused(package: &Prepared, failure: Failure, output: &mut Output) -> Value {
    let (path, reason) = (package.changes.display().to_string(), failure.to_string());
    let about = format!("not sent: {path}; --force sends what is refused here");
    output.text.push_str(&format!("refused {path}\n"));
    output.failures.push(failure.because(about));
    json!({
        "changes": path,
        "source": package.source,
        "version": package.version,
        "series": package.distribution,
        "state": "refused",
        "reason": reason,
    })
}
