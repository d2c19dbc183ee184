//! What Launchpad does between its upload daemon and its web service: sessions
//! are taken in the order of their end, their signatures are verified, they are
//! judged by the stand-in's rules, built and published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::common::control::Paragraph;
use crate::launchpad_support::Service;
use crate::looped::{OWNER, PPA};

/// One session with a .changes.
#[derive(Clone, Debug)]
pub struct Received {
    pub source: String,
    pub version: String,
    pub series: String,
    /// Names of what the .changes lists.
    pub files: BTreeSet<String>,
    /// What the archive said.
    pub verdict: Result<u64, String>,
}

#[derive(Default)]
struct Seen {
    sessions: BTreeSet<PathBuf>,
    received: Vec<Received>,
    /// .changes without a good signature, which Launchpad drops without a word.
    torn: usize,
    /// Source package and series → the log of a build that fails.
    failing: BTreeMap<(String, String), String>,
}

/// Runs until it is dropped.
pub struct Pump {
    seen: Arc<Mutex<Seen>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pump {
    /// For the sessions that a daemon leaves in `incoming`.
    pub fn start(incoming: PathBuf, keyring: PathBuf, launchpad: Service) -> Pump {
        let (seen, ends) = (Arc::<Mutex<Seen>>::default(), Arc::new(AtomicBool::new(false)));
        let (of_thread, until) = (Arc::clone(&seen), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                take(&incoming, &keyring, &launchpad, &of_thread);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Pump { seen, ends, thread: Some(thread) }
    }

    /// Every whole upload so far.
    pub fn received(&self) -> Vec<Received> {
        self.seen.lock().unwrap().received.clone()
    }

    /// How many .changes came torn.
    pub fn torn(&self) -> usize {
        self.seen.lock().unwrap().torn
    }

    /// The next upload of a source package for a series fails to build.
    pub fn fail_next(&self, source: &str, series: &str, log: &str) {
        self.seen.lock().unwrap().failing.insert((source.to_string(), series.to_string()), log.to_string());
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// Takes the sessions that are new.
fn take(incoming: &Path, keyring: &Path, launchpad: &Service, seen: &Mutex<Seen>) {
    let mut sessions: Vec<PathBuf> = std::fs::read_dir(incoming).unwrap().map(|entry| entry.unwrap().path()).collect();
    // the number at the end counts over both methods
    sessions.sort_by_key(|path| path.to_string_lossy().rsplit('-').next().map(str::to_string));
    for session in sessions {
        if !seen.lock().unwrap().sessions.insert(session.clone()) {
            continue;
        }
        let folder = session.join(format!("~{OWNER}/ubuntu/{PPA}"));
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut paths = entries.map(|entry| entry.unwrap().path());
        let Some(changes) = paths.find(|path| path.extension().is_some_and(|end| end == "changes")) else { continue };
        if is_signed(&changes, keyring) {
            judge(&changes, keyring, launchpad, seen);
        } else {
            seen.lock().unwrap().torn += 1;
        }
    }
}

fn is_signed(path: &Path, keyring: &Path) -> bool {
    let mut gpgv = Command::new("gpgv");
    gpgv.arg("--keyring").arg(keyring).arg(path).stdout(Stdio::null()).stderr(Stdio::null());
    gpgv.status().expect("gpgv is not installed").success()
}

fn judge(changes: &Path, keyring: &Path, launchpad: &Service, seen: &Mutex<Seen>) {
    let text = Paragraph::read(changes);
    let [source, version, series] = ["Source", "Version", "Distribution"].map(|name| text.need(name).to_string());
    let files: BTreeSet<String> = text.files("Files").into_iter().map(|file| file.name).collect();
    let dsc = files.iter().find(|name| name.ends_with(".dsc")).map(|name| changes.with_file_name(name));
    let verdict = match dsc.is_some_and(|dsc| is_signed(&dsc, keyring)) {
        true => launchpad.receive(OWNER, PPA, changes, &["amd64", "i386"]),
        false => Err("GPG verification of the .dsc failed".to_string()),
    };
    let mut seen = seen.lock().unwrap();
    if let Ok(id) = verdict {
        match seen.failing.remove(&(source.clone(), series.clone())) {
            Some(log) => {
                launchpad.fail_build(id, "amd64", "Failed to build", &log);
                launchpad.mark_published(id);
            }
            None => launchpad.publish(id),
        }
    }
    seen.received.push(Received { source, version, series, files, verdict });
}
