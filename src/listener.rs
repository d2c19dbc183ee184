//! How the parts below `cli` tell what happens: one small trait handed down,
//! instead of logging or printing. Tests replace it with a recorder.

use crate::diagnostic::Diagnostic;

/// Receives what happens. Methods may be called from several threads at once.
pub trait Listener: Sync {
    /// A note or warning worth a line.
    fn tell(&self, diagnostic: Diagnostic);
    /// A detail that only `-v` shows.
    fn detail(&self, _message: &str) {}
    /// Something that was asked for is done: `Packed`, say, and what.
    fn done(&self, _verb: &'static str, _what: &str) {}
    /// A transfer or other long work starts; `total` in bytes if known.
    fn started(&self, _what: &str, _total: Option<u64>) {}
    /// `done` bytes of `what` are there.
    fn progress(&self, _what: &str, _done: u64) {}
    /// The work named `what` has ended, well or not.
    fn finished(&self, _what: &str) {}
}

/// Hears nothing.
pub struct Silent;

impl Listener for Silent {
    fn tell(&self, _: Diagnostic) {}
}

/// Keeps everything told, for tests.
#[derive(Default)]
pub struct Recorder {
    told: std::sync::Mutex<Vec<Diagnostic>>,
}

impl Recorder {
    /// All diagnostics so far, in the order of their telling.
    pub fn told(&self) -> Vec<Diagnostic> {
        self.told.lock().map(|t| t.clone()).unwrap_or_default()
    }
}

impl Listener for Recorder {
    fn tell(&self, diagnostic: Diagnostic) {
        if let Ok(mut told) = self.told.lock() {
            told.push(diagnostic);
        }
    }
}
