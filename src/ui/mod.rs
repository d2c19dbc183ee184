//! What a person reads: messages with hints, progress, JSON. The only place
//! that prints. stdout carries data, stderr is for people.

pub mod json;
pub mod message;
pub mod progress;

use std::io::Write;
use std::sync::Mutex;

use crate::diagnostic::{Diagnostic, Failure, Level};
use crate::listener::Listener;
use progress::Progress;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Decides what reaches stdout and stderr, and in which form.
pub struct Printer {
    color: bool,
    color_data: bool,
    quiet: bool,
    verbose: bool,
    json: bool,
    progress: Progress,
    told: Mutex<Vec<Diagnostic>>,
}

impl Printer {
    /// A printer for this process.
    pub fn new(color: Color, quiet: bool, verbose: bool, json: bool) -> Printer {
        let is_colored = |choice| match color {
            Color::Auto => choice != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        Printer {
            color: is_colored(anstream::AutoStream::choice(&std::io::stderr())),
            color_data: is_colored(anstream::AutoStream::choice(&std::io::stdout())),
            quiet,
            verbose,
            json,
            progress: Progress::new(quiet || json),
            told: Mutex::default(),
        }
    }

    /// Whether one JSON document is wanted instead of text.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether data for people may have colours on stdout.
    pub fn colors_data(&self) -> bool {
        self.color_data
    }

    /// A line for the person: what has been done. Not with `--quiet` or `--json`.
    pub fn status(&self, verb: &str, rest: &str) {
        if !self.quiet && !self.json {
            self.line(&message::status(verb, rest, self.color));
        }
    }

    /// Data on stdout, as it is. A closed pipe is no error: the reader has enough.
    pub fn data(&self, text: &str) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// The diagnostics of a failure on stderr (with `--json` they are part of
    /// the document, and not printed here).
    pub fn failure(&self, failure: &Failure) {
        if !self.json {
            self.complain(failure);
        }
    }

    /// The diagnostics of a failure on stderr, even where a document was to hold them.
    pub fn complain(&self, failure: &Failure) {
        for diagnostic in &failure.diagnostics {
            self.line(&message::diagnostic(diagnostic, self.color));
        }
    }

    /// Warnings and notes told so far, for the JSON document.
    pub fn told(&self) -> Vec<Diagnostic> {
        self.told.lock().map(|told| told.clone()).unwrap_or_default()
    }

    fn line(&self, text: &str) {
        self.progress.suspend(|| {
            let mut err = std::io::stderr().lock();
            let _ = writeln!(err, "{text}");
        });
    }
}

impl Listener for Printer {
    fn tell(&self, diagnostic: Diagnostic) {
        let Ok(mut told) = self.told.lock() else { return };
        if told.contains(&diagnostic) {
            return; // several targets say the same of one recipe
        }
        let hidden = self.json || (self.quiet && diagnostic.level < Level::Warning);
        if !hidden {
            self.line(&message::diagnostic(&diagnostic, self.color));
        }
        told.push(diagnostic);
    }

    fn detail(&self, text: &str) {
        if self.verbose && !self.json {
            self.line(text);
        }
    }

    fn done(&self, verb: &'static str, what: &str) {
        self.status(verb, what);
    }

    fn started(&self, what: &str, total: Option<u64>) {
        self.progress.start(what, total);
    }

    fn progress(&self, what: &str, done: u64) {
        self.progress.set(what, done);
    }

    fn finished(&self, what: &str) {
        self.progress.finish(what);
    }
}
