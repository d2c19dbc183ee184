//! How an end that is not the good one is told: what happened, what it means on
//! Launchpad, what to do.

use std::time::Duration;

use super::Ppa;
use super::survey::ArchitectureState;
use super::types::BuildState;
use super::wait::{End, Ended};
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// `None` for what is published.
pub(super) fn failure(ended: &Ended, ppa: &Ppa) -> Option<Failure> {
    let diagnostics = match ended.end {
        End::Published => return None,
        End::NotAccepted(passed) => vec![not_accepted(ended, ppa, passed)],
        End::Superseded => vec![superseded(ended)],
        End::TimedOut(passed) => vec![timed_out(ended, passed)],
        End::Failed => ended.state.failed().map(|state| build_failed(ended, state)).collect(),
    };
    Some(Failure { kind: Kind::Remote, diagnostics })
}

fn not_accepted(ended: &Ended, ppa: &Ppa, passed: Duration) -> Diagnostic {
    let message = format!("{} was not accepted into {ppa} within {}", ended.expected, words(passed));
    Diagnostic::error("upload-not-accepted", message)
        .because("rejected: then Launchpad has sent mail with the reasons to the signer and to Changed-By")
        .because(
            "or its signature was of no use: a key that is not registered with Launchpad, or broken; then no mail is sent",
        )
        .because("or the upload never arrived, or Launchpad's queue is longer than usual")
        .hint("look into the mail; `pkgr check --to` tells beforehand what Launchpad would say")
        .hint("register the signing key at https://launchpad.net/~/+editpgpkeys, and upload a version that was never accepted")
}

fn superseded(ended: &Ended) -> Diagnostic {
    let status = ended.state.status.as_ref().map(|status| status.name().to_lowercase()).unwrap_or_default();
    let message = format!("{} is {status}: it will not be published", ended.expected);
    Diagnostic::error("upload-superseded", message)
        .because("a newer version was uploaded, or somebody removed this one from the PPA")
        .hint("a version that was once accepted cannot be uploaded again: raise it")
}

fn timed_out(ended: &Ended, passed: Duration) -> Diagnostic {
    let message = format!("{} was accepted, and is not published after {}", ended.expected, words(passed));
    let diagnostic = Diagnostic::error("publication-timeout", message);
    let diagnostic = match ended.state.architectures.as_slice() {
        [] => diagnostic.because("Launchpad shows no builds of it yet"),
        states => states.iter().fold(diagnostic, |diagnostic, state| {
            let missing = match state.missing.as_slice() {
                [] => String::new(),
                names => format!("; not in the PPA's index: {}", names.join(", ")),
            };
            let word =
                if state.build_state == BuildState::Built { state.stage.name() } else { state.build_state.name() };
            diagnostic.because(format!("{}: {word}{missing}", state.architecture))
        }),
    };
    diagnostic.hint("nothing is lost: `pkgr status --wait` goes on waiting")
}

fn build_failed(ended: &Ended, state: &ArchitectureState) -> Diagnostic {
    let name = &state.architecture;
    let message = format!("{} on {name}: {}", ended.expected, state.build_state.name().to_lowercase());
    let diagnostic = Diagnostic::error("build-failed", message);
    let diagnostic = match &state.dependencies {
        Some(missing) => diagnostic.because(format!("it waits for {missing}")),
        None => diagnostic,
    };
    let diagnostic = match &state.log {
        Some(log) if !log.lines.is_empty() => {
            diagnostic.because(format!("its log ends with\n{}", log.lines.join("\n")))
        }
        _ => diagnostic,
    };
    let diagnostic = match (&state.log_url, &state.page) {
        (Some(url), _) => diagnostic.because(format!("the whole log: {url}")),
        (None, Some(page)) => diagnostic.because(format!("its page: {page}")),
        (None, None) => diagnostic,
    };
    match state.build_state {
        BuildState::FailedToBuild => diagnostic.hint("`pkgr test` builds it here in a clean root of that series"),
        BuildState::DependencyWait => diagnostic.hint(
            "Launchpad tries again when the dependency appears in the PPA or in Ubuntu; else correct Build-Depends",
        ),
        BuildState::ChrootProblem => {
            diagnostic.hint("the fault is Launchpad's or the PPA's dependencies': retry the build on its page")
        }
        BuildState::FailedToUpload => {
            diagnostic.hint("it was built, and its packages were refused: often a version that the PPA already has")
        }
        BuildState::Cancelled => diagnostic.hint("retry the build on its page, or upload a higher version"),
        _ => diagnostic,
    }
}

/// `45 seconds`, `10 minutes`, `3 hours`
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        _ => (seconds / 3600, "hour"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
