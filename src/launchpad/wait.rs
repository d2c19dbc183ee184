//! From an upload to the day when users can install it:
//!
//! ```text
//! uploaded → accepted (a publication appears) → waiting → building → built → published (in the apt index)
//!     │              │                                        └→ failed
//!     │              └→ superseded, deleted
//!     └→ not accepted: rejections leave no trace, so only the time that passes tells
//! ```
//!
//! Looks every half minute to minute, slower while nothing moves. A service that
//! is away for a while is waited for: the builds go on without it.

use std::time::{Duration, Instant};

use super::Ppa;
use super::client::Client;
use super::query::SourceQuery;
use super::survey::{Observer, PackageState, Stage};
use super::types::{Archive, SourcePublication};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::listener::Listener;

/// What was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expected {
    /// The source package.
    pub source: String,
    /// Its version.
    pub version: String,
    /// The series that it was uploaded for; `None`: whichever has this version.
    pub series: Option<String>,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.source, self.version)?;
        self.series.as_ref().map_or(Ok(()), |series| write!(f, " ({series})"))
    }
}

/// Time, which tests replace.
pub trait Clock: Sync {
    /// Since any fixed moment; never goes back.
    fn now(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The machine's clock.
pub struct SystemClock(Instant);

impl SystemClock {
    /// Begins at zero.
    pub fn start() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How long to wait for what.
pub struct WaitOptions<'o> {
    /// For everything.
    pub timeout: Duration,
    /// For an upload to be accepted: one or two minutes when the service is well.
    pub acceptance: Duration,
    /// Between two looks while things move.
    pub first_interval: Duration,
    /// Between two looks while nothing moves.
    pub longest_interval: Duration,
    /// For a service that does not answer.
    pub outage: Duration,
    /// Tells the time.
    pub clock: &'o dyn Clock,
}

impl<'o> WaitOptions<'o> {
    /// Three hours in all, ten minutes for acceptance and outages, a look every
    /// 30 to 60 seconds.
    pub fn new(clock: &'o dyn Clock) -> WaitOptions<'o> {
        WaitOptions {
            timeout: Duration::from_secs(3 * 3600),
            acceptance: Duration::from_secs(600),
            first_interval: Duration::from_secs(30),
            longest_interval: Duration::from_secs(60),
            outage: Duration::from_secs(600),
            clock,
        }
    }
}

/// How the waiting for one package ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every binary package is in the PPA's index.
    Published,
    /// At least one build failed.
    Failed,
    /// Launchpad never showed the upload, in this time.
    NotAccepted(Duration),
    /// Another version took its place, or somebody removed it.
    Superseded,
    /// It was under way when this time was over.
    TimedOut(Duration),
}

/// One package, and how the waiting for it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What was waited for.
    pub expected: Expected,
    /// As it was seen last.
    pub state: PackageState,
    /// How it ended.
    pub end: End,
}

/// What came of all that was waited for, in the order of the expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Each of them.
    pub ended: Vec<Ended>,
}

impl Outcome {
    /// Whether all of it can be installed.
    pub fn is_published(&self) -> bool {
        self.ended.iter().all(|ended| ended.end == End::Published)
    }

    /// Every end but the good one, told with its reason; exit code 4.
    pub fn failures(&self, ppa: &Ppa) -> Vec<Failure> {
        self.ended.iter().filter_map(|ended| super::verdict::failure(ended, ppa)).collect()
    }
}

/// Something waited for.
struct Awaited<'e> {
    expected: &'e Expected,
    publication: Option<SourcePublication>,
    state: PackageState,
    end: Option<End>,
}

/// Waits until each of `expected` has ended in some way. The answer tells how;
/// the error is that nothing can be known: no such PPA, or no service.
pub fn wait(
    client: &Client,
    ppa: &Ppa,
    expected: &[Expected],
    options: &WaitOptions,
    listener: &dyn Listener,
) -> Result<Outcome, Failure> {
    let archive = client.archive(ppa)?;
    if !archive.publish {
        return Err(not_publishing(ppa));
    }
    let start = options.clock.now();
    let mut awaited: Vec<Awaited> = expected.iter().map(begin).collect();
    let watch = Watch { client, archive: &archive, observer: Observer::new(client, ppa, &archive), listener };
    let mut interval = options.first_interval;
    let mut trouble: Option<(Duration, Failure)> = None;
    loop {
        let moved = match watch.look(&mut awaited) {
            Ok(moved) => {
                trouble = None;
                moved
            }
            Err(failure) if !is_passing(&failure) => return Err(failure),
            Err(failure) => {
                let since = trouble.map_or(options.clock.now(), |(since, _)| since);
                listener.detail(&format!("{failure}; the builds go on meanwhile"));
                trouble = Some((since, failure));
                false
            }
        };
        let now = options.clock.now();
        let passed = now.saturating_sub(start);
        let is_over = passed >= options.timeout;
        match trouble.take() {
            Some((since, failure)) if is_over || now.saturating_sub(since) >= options.outage => return Err(failure),
            Some(still) => trouble = Some(still),
            None => judge(&mut awaited, passed, options),
        }
        if awaited.iter().all(|one| one.end.is_some()) {
            let ended = |one: Awaited| {
                let end = one.end.unwrap_or(End::TimedOut(passed));
                Ended { expected: one.expected.clone(), state: one.state, end }
            };
            return Ok(Outcome { ended: awaited.into_iter().map(ended).collect() });
        }
        interval = match moved {
            true => options.first_interval,
            false => interval.mul_f32(1.25).min(options.longest_interval),
        };
        options.clock.sleep(interval.min(options.timeout.saturating_sub(passed)));
    }
}

fn not_publishing(ppa: &Ppa) -> Failure {
    let message = format!("{ppa} publishes nothing: its owner has turned that off");
    let hint = "turn \"Publish\" on in the PPA's details on Launchpad";
    Failure::new(Kind::Remote, Diagnostic::error("ppa-not-publishing", message).hint(hint))
}

fn begin(expected: &Expected) -> Awaited<'_> {
    let state = PackageState {
        source: expected.source.clone(),
        version: expected.version.clone(),
        series: expected.series.clone().unwrap_or_default(),
        status: None,
        accepted: None,
        replaces: None,
        architectures: vec![],
    };
    Awaited { expected, publication: None, state, end: None }
}

/// What the time that has passed says, after a look that worked.
fn judge(awaited: &mut [Awaited], passed: Duration, options: &WaitOptions) {
    for one in awaited.iter_mut().filter(|one| one.end.is_none()) {
        one.end = match one.state.status {
            None if passed >= options.acceptance.min(options.timeout) => Some(End::NotAccepted(passed)),
            Some(_) if passed >= options.timeout => Some(End::TimedOut(passed)),
            _ => None,
        };
    }
}

/// Whether a later look may go better.
fn is_passing(failure: &Failure) -> bool {
    let passing = [
        "launchpad-unreachable",
        "launchpad-slow",
        "source-unreachable",
        // a PPA's index in the middle of its publication
        "source-http-status",
        "apt-wrong-hash",
        "apt-unsigned",
        "apt-tampered",
    ];
    failure.kind == Kind::Environment && failure.diagnostics.iter().all(|d| passing.contains(&d.code))
}

struct Watch<'w> {
    client: &'w Client<'w>,
    archive: &'w Archive,
    observer: Observer<'w>,
    listener: &'w dyn Listener,
}

impl Watch<'_> {
    /// Looks once at everything that has not ended; whether anything moved.
    fn look(&self, awaited: &mut [Awaited]) -> Result<bool, Failure> {
        for one in awaited.iter_mut().filter(|one| one.end.is_none()) {
            let refreshed = match &one.publication {
                Some(publication) => Some(self.client.source_publication(publication)?),
                None => None,
            };
            one.publication = match refreshed.filter(|publication| publication.status.is_active()) {
                Some(publication) => Some(publication),
                None => self.find(one.expected)?,
            };
        }
        let open = awaited.iter_mut().filter(|one| one.end.is_none());
        let (mut seen, publications): (Vec<&mut Awaited>, Vec<SourcePublication>) =
            open.filter_map(|one| one.publication.clone().map(|publication| (one, publication))).unzip();
        let states = self.observer.observe(&publications)?;
        let mut moved = false;
        for (one, state) in seen.iter_mut().zip(states) {
            moved |= self.tell(one.expected, &one.state, &state);
            one.end = match &state {
                state if state.is_published() => Some(End::Published),
                state if state.failed().next().is_some() => Some(End::Failed),
                state if state.status.as_ref().is_some_and(|status| !status.is_active()) => Some(End::Superseded),
                _ => None,
            };
            one.state = state;
        }
        Ok(moved)
    }

    /// The publication of an upload: of several, one that is still in the archive,
    /// then the last one.
    fn find(&self, expected: &Expected) -> Result<Option<SourcePublication>, Failure> {
        let query = SourceQuery::of(&expected.source).version(&expected.version).series(expected.series.as_deref());
        let mut found = self.client.published_sources(self.archive, &query)?;
        // what the service does not understand it may ignore: nothing is taken for another
        found.retain(|publication| {
            publication.source_package_name == expected.source
                && publication.source_package_version == expected.version
                && expected.series.as_deref().is_none_or(|series| publication.series() == series)
        });
        Ok(found.into_iter().max_by_key(|publication| (publication.status.is_active(), publication.id())))
    }

    /// One line for everything that moved.
    fn tell(&self, expected: &Expected, old: &PackageState, new: &PackageState) -> bool {
        let mut moved = old.status != new.status;
        if old.status.is_none() {
            self.listener.done("Accepted", &expected.to_string());
        }
        for state in &new.architectures {
            let before = old.architectures.iter().find(|other| other.architecture == state.architecture);
            if before.map_or(Stage::Waiting, |before| before.stage) != state.stage {
                self.listener.done(verb(state.stage), &format!("{expected} on {}", state.architecture));
                moved = true;
            }
        }
        moved
    }
}

fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "Waiting",
        Stage::Building => "Building",
        Stage::Built => "Built",
        Stage::Published => "Published",
        Stage::Failed => "Failed",
    }
}
