//! How an upload that was given up is told: whose fault it is, every try, and what
//! may help.

use super::retry::GaveUp;
use super::target::Target;
use super::{Stage, TransferError};
use crate::diagnostic::{Diagnostic, Failure, Kind};

/// It was not sent, or nothing is known of that. `is_asked`: the target was, where it
/// might have arrived, and it does not show it.
pub(super) fn not_sent(what: &str, target: &Target, gave_up: &GaveUp, is_asked: bool) -> Failure {
    let (code, kind, verb) = match gave_up.is_refused() {
        true => ("upload-refused", Kind::Remote, "refused"),
        false => ("upload-failed", Kind::Environment, "not reached"),
    };
    let tries = match gave_up.failed.len() {
        1 => "1 try".to_string(),
        several => format!("{several} tries"),
    };
    let message = format!("{what} was not uploaded: {} {verb} after {tries}", target.name);
    let mut diagnostic = Diagnostic::error(code, message);
    diagnostic.notes = notes(gave_up);
    diagnostic.hints = hints(target, gave_up, is_asked);
    Failure::new(kind, diagnostic)
}

/// It may have arrived, and nobody says whether it has: sent again, it might be sent
/// twice. `gave_up` are the tries of this run, if there were any.
pub(super) fn unconfirmed(what: &str, target: &Target, gave_up: Option<&GaveUp>, why: Failure) -> Failure {
    let message = format!("{what} may have arrived at {}, and nobody says whether it has", target.name);
    let mut diagnostic = Diagnostic::error("upload-unconfirmed", message);
    diagnostic.notes = gave_up.map(notes).unwrap_or_default();
    for said in why.diagnostics {
        diagnostic.notes.push(said.message);
        diagnostic.notes.extend(said.notes);
    }
    Failure::environment(
        diagnostic
            .hint("run the same command again: it asks first, and sends only what is not there")
            .hint(format!("`pkgr upload {} --force` sends it whether it is there or not", target.name)),
    )
}

fn notes(gave_up: &GaveUp) -> Vec<String> {
    let tries = gave_up.failed.iter().enumerate();
    tries
        .map(|(number, failed)| format!("{}. {}: {}{}", number + 1, failed.way, stage(&failed.error), failed.error))
        .collect()
}

fn stage(error: &TransferError) -> String {
    match &error.stage {
        Stage::Connect => String::new(),
        Stage::Login => "login: ".to_string(),
        Stage::Send(name) => format!("{name}: "),
        Stage::Finish => "after the last file: ".to_string(),
    }
}

fn hints(target: &Target, gave_up: &GaveUp, is_asked: bool) -> Vec<String> {
    let mut hints = Vec::new();
    let is_ftp_only = gave_up.failed.iter().all(|failed| failed.way.starts_with("ftp:"));
    if target.rules.ppa.is_some() && is_ftp_only && gave_up.failed.iter().any(|f| f.error.reason.contains("550")) {
        hints.push("Launchpad answers 550 to FTP for a while after an upload: use SFTP (--login NAME, and a key that is registered there)".to_string());
    }
    // a PPA that was asked does not show it: it has not arrived, or comes very late
    if !is_asked && gave_up.failed.iter().any(|failed| failed.error.stage == Stage::Finish) {
        hints.push(
            "the .changes may have arrived, although that was not confirmed: look there before it is sent again"
                .to_string(),
        );
    }
    if gave_up.failed.iter().any(|failed| failed.error.reason.contains("answered 553")) {
        hints.push(
            "a file of that name stands there, perhaps what a torn upload left: have it removed (dcut)".to_string(),
        );
    }
    hints.push("nothing is lost here: run the same command again".to_string());
    hints
}
