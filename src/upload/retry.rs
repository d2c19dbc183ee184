//! Trying again: with pauses that grow and are not the same for two clients, by
//! a fresh connection each time, and by the next way where one goes on failing.
//!
//! Knows nothing of uploads: it is given the ways and one try.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::{Cure, Destination, TransferError};
use crate::diagnostic::Diagnostic;
use crate::listener::Listener;

/// How long and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Tries after the first one; a way that is given up at once does not count.
    pub retries: u32,
    /// No try begins later than this after the first, [`Missed::asked`] left out.
    pub deadline: Duration,
    /// Before the second try; it doubles from try to try.
    pub first_pause: Duration,
    /// What pauses grow to.
    pub longest_pause: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            retries: 6,
            deadline: Duration::from_secs(30 * 60),
            first_pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(120),
        }
    }
}

/// After so many failures in a row the next way has its turn.
const IN_A_ROW: u32 = 2;

/// Time; tests have their own.
pub trait Clock: Sync {
    /// Since some moment that stays the same.
    fn now(&self) -> Duration;
    /// Lets it pass.
    fn sleep(&self, pause: Duration);
    /// A number from 0 to 1, another one each time.
    fn jitter(&self) -> f64;
}

/// The machine's.
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
    fn jitter(&self) -> f64 {
        // the keys of a hash map are the standard library's random numbers
        let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
        (random >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its way, as a URL.
    pub way: String,
    /// What happened.
    pub error: TransferError,
}

/// A try in vain, as it is told to [`run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// What happened.
    pub error: TransferError,
    /// For how long it was asked afterwards what came of it: no time for tries is lost by that.
    pub asked: Duration,
}

impl From<TransferError> for Missed {
    fn from(error: TransferError) -> Missed {
        Missed { error, asked: Duration::ZERO }
    }
}

/// Something arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// By which way.
    pub way: Destination,
    /// The tries before.
    pub failed: Vec<Failed>,
}

/// Nothing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp {
    /// At least one.
    pub failed: Vec<Failed>,
}

impl GaveUp {
    /// Whether it is the other side that does not want: on every way that was
    /// tried, the last word was a refusal.
    pub fn is_refused(&self) -> bool {
        let last_of = |way: &str| self.failed.iter().rev().find(|failed| failed.way == way);
        self.failed.iter().all(|failed| last_of(&failed.way).is_some_and(|last| last.error.refused))
    }
}

/// Tries `ways` (at least one, the best first) until `attempt` succeeds, nothing
/// can help, or tries or time are used up. `what` names it to the listener.
pub fn run(
    what: &str,
    ways: &[Destination],
    policy: &Policy,
    clock: &dyn Clock,
    listener: &dyn Listener,
    mut attempt: impl FnMut(&Destination) -> Result<(), Missed>,
) -> Result<Arrived, GaveUp> {
    let mut begin = clock.now();
    let mut left: Vec<&Destination> = ways.iter().collect();
    let mut failed: Vec<Failed> = Vec::new();
    let (mut turn, mut in_a_row, mut retries) = (0, 0, 0);
    while let Some(way) = left.get(turn).copied() {
        let Err(Missed { error, asked }) = attempt(way) else { return Ok(Arrived { way: way.clone(), failed }) };
        begin += asked;
        let cure = error.cure;
        failed.push(Failed { way: way.to_string(), error });
        match cure {
            Cure::None => break,
            Cure::OtherWay => {
                left.remove(turn);
                turn = if turn < left.len() { turn } else { 0 };
                in_a_row = 0;
                if let Some(next) = left.get(turn) {
                    tell(what, &failed, &format!("trying {next}"), listener);
                }
                continue;
            }
            Cure::Retry if retries >= policy.retries => break,
            Cure::Retry => {}
        }
        retries += 1;
        in_a_row += 1;
        if in_a_row >= IN_A_ROW && left.len() > 1 {
            turn = (turn + 1) % left.len();
            in_a_row = 0;
        }
        let pause = pause(policy, retries, clock.jitter());
        if clock.now() + pause > begin + policy.deadline {
            break;
        }
        let next = left.get(turn).map(ToString::to_string).unwrap_or_default();
        tell(what, &failed, &format!("trying {next} in {:.1} s", pause.as_secs_f64()), listener);
        clock.sleep(pause);
    }
    Err(GaveUp { failed })
}

/// Between half and all of what it has grown to.
fn pause(policy: &Policy, number: u32, jitter: f64) -> Duration {
    let grown = policy.first_pause.saturating_mul(1 << (number - 1).min(16)).min(policy.longest_pause);
    grown.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

fn tell(what: &str, failed: &[Failed], next: &str, listener: &dyn Listener) {
    let Some(last) = failed.last() else { return };
    let message = format!("{what}: try {} failed at {}: {}", failed.len(), last.way, last.error);
    listener.tell(Diagnostic::warning("upload-try-failed", message).because(next));
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::{Method, Stage};
    use super::*;
    use crate::listener::Recorder;

    #[derive(Default)]
    struct Stopped(Mutex<Vec<Duration>>);

    impl Clock for Stopped {
        fn now(&self) -> Duration {
            self.0.lock().unwrap().iter().sum()
        }
        fn sleep(&self, pause: Duration) {
            self.0.lock().unwrap().push(pause);
        }
        fn jitter(&self) -> f64 {
            1.0
        }
    }

    fn ways(hosts: &[&str]) -> Vec<Destination> {
        let way = |host: &&str| Destination {
            method: Method::Ftp,
            host: host.to_string(),
            port: None,
            login: None,
            folder: "x".to_string(),
            host_keys: Vec::new(),
        };
        hosts.iter().map(way).collect()
    }

    fn error(cure: Cure, refused: bool) -> TransferError {
        TransferError { stage: Stage::Connect, cure, reason: "no".to_string(), refused }
    }

    /// The hosts that were tried, what came out, the pauses.
    fn tried(
        hosts: &[&str],
        policy: Policy,
        answer: impl Fn(usize, &str) -> Result<(), TransferError>,
    ) -> (Vec<String>, Result<Arrived, GaveUp>, Vec<u64>) {
        let (clock, listener) = (Stopped::default(), Recorder::default());
        let mut tried = Vec::new();
        let result = run("a", &ways(hosts), &policy, &clock, &listener, |way| {
            tried.push(way.host.clone());
            answer(tried.len(), &way.host).map_err(Missed::from)
        });
        let pauses = clock.0.into_inner().unwrap().iter().map(Duration::as_secs).collect();
        let failed = result.as_ref().map_or_else(|gave_up| gave_up.failed.len(), |arrived| arrived.failed.len());
        // every failure but the one that ends it is told when it happens
        assert!(listener.told().len() + 1 >= failed);
        (tried, result, pauses)
    }

    #[test]
    fn pauses_grow_and_ways_take_turns() {
        let (tried, result, pauses) = tried(&["a", "b"], Policy::default(), |_, _| Err(error(Cure::Retry, false)));
        assert_eq!(tried, ["a", "a", "b", "b", "a", "a", "b"]);
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64]);
        assert!(!result.unwrap_err().is_refused());
    }

    #[test]
    fn the_first_success_ends_it() {
        let (tried, result, _) =
            tried(&["a", "b"], Policy::default(), |n, _| if n < 3 { Err(error(Cure::Retry, true)) } else { Ok(()) });
        assert_eq!(tried, ["a", "a", "b"]);
        let arrived = result.unwrap();
        assert_eq!((arrived.way.host.as_str(), arrived.failed.len()), ("b", 2));
    }

    #[test]
    fn a_way_that_cannot_do_is_left_at_once() {
        let cure = |host: &str| if host == "a" { Cure::OtherWay } else { Cure::Retry };
        let policy = Policy { retries: 1, ..Policy::default() };
        let (tried, result, pauses) = tried(&["a", "b"], policy, |_, host| Err(error(cure(host), host == "a")));
        assert_eq!((tried, pauses), (vec!["a".to_string(), "b".into(), "b".into()], vec![2]));
        assert!(!result.unwrap_err().is_refused());
    }

    #[test]
    fn refused_by_all_is_refused() {
        let (tried, result, pauses) = tried(&["a", "b"], Policy::default(), |_, _| Err(error(Cure::OtherWay, true)));
        assert_eq!((tried.len(), pauses.len()), (2, 0));
        assert!(result.unwrap_err().is_refused());
    }

    #[test]
    fn what_nothing_cures_is_not_tried_again() {
        let (tried, _, _) = tried(&["a", "b"], Policy::default(), |_, _| Err(error(Cure::None, false)));
        assert_eq!(tried, ["a"]);
    }

    #[test]
    fn no_try_begins_after_the_deadline() {
        let policy = Policy { retries: 99, deadline: Duration::from_secs(20), ..Policy::default() };
        let (tried, _, pauses) = tried(&["a"], policy, |_, _| Err(error(Cure::Retry, false)));
        assert_eq!((tried.len(), pauses), (4, vec![2, 4, 8]));
    }

    #[test]
    fn what_was_spent_on_asking_is_no_time_for_tries() {
        let policy = Policy { retries: 3, deadline: Duration::from_secs(20), ..Policy::default() };
        let (clock, asked) = (Stopped::default(), Duration::from_secs(600));
        let result = run("a", &ways(&["a"]), &policy, &clock, &Recorder::default(), |_| {
            clock.sleep(asked);
            Err(Missed { asked, ..error(Cure::Retry, false).into() })
        });
        assert_eq!((result.unwrap_err().failed.len(), clock.now().as_secs()), (4, 4 * 600 + 2 + 4 + 8));
    }

    #[test]
    fn pauses_differ_and_have_a_limit() {
        let policy = Policy::default();
        assert_eq!(pause(&policy, 1, 0.0), Duration::from_secs(1));
        assert_eq!(pause(&policy, 30, 1.0), policy.longest_pause);
        let clock = SystemClock::default();
        let random: Vec<f64> = (0..20).map(|_| clock.jitter()).collect();
        assert!(random.iter().all(|x| (0.0..1.0).contains(x)) && random.iter().any(|x| *x != random[0]));
    }
}
