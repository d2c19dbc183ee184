//! Progress bars for what takes longer than a second, on a terminal only:
//! bytes and rate for transfers. On a pipe a person gets plain lines.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

const APPEARS_AFTER: Duration = Duration::from_secs(1);

struct Work {
    began: Instant,
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

/// All bars of a run.
pub struct Progress {
    hidden: bool,
    bars: MultiProgress,
    works: Mutex<BTreeMap<String, Work>>,
}

impl Progress {
    /// No bars when `hidden` or when stderr is no terminal.
    pub fn new(hidden: bool) -> Progress {
        let hidden = hidden || !std::io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Progress { hidden, bars: MultiProgress::with_draw_target(target), works: Mutex::default() }
    }

    /// Work begins; its bar appears when a second has passed.
    pub fn start(&self, what: &str, total: Option<u64>) {
        if let (false, Ok(mut works)) = (self.hidden, self.works.lock()) {
            works.insert(what.to_string(), Work { began: Instant::now(), total, bar: None });
        }
    }

    /// `done` bytes are there.
    pub fn set(&self, what: &str, done: u64) {
        let Ok(mut works) = self.works.lock() else { return };
        let Some(work) = works.get_mut(what) else { return };
        if work.bar.is_none() && work.began.elapsed() >= APPEARS_AFTER {
            work.bar = Some(self.bars.add(bar(what, work.total)));
        }
        if let Some(bar) = &work.bar {
            bar.set_position(done);
        }
    }

    /// Work has ended; its bar vanishes.
    pub fn finish(&self, what: &str) {
        if let Ok(mut works) = self.works.lock() {
            if let Some(bar) = works.remove(what).and_then(|work| work.bar) {
                bar.finish_and_clear();
            }
        }
    }

    /// Runs `print` while no bar is drawn.
    pub fn suspend(&self, print: impl FnOnce()) {
        if self.hidden { print() } else { self.bars.suspend(print) }
    }
}

fn bar(what: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{msg} {bar:24} {bytes}/{total_bytes} {binary_bytes_per_sec}"),
        None => (ProgressBar::new_spinner(), "{msg} {bytes} {binary_bytes_per_sec}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_message(what.to_string())
}
