//! Whether an upload arrived of which the last confirmation was lost. To send it
//! once more is no harm to a folder or a queue of one's own; Launchpad refuses the
//! second by mail, and its users take that for the verdict on the first. So a PPA is
//! asked before, for as long as it may take it to show what it accepted: a refusal
//! leaves no trace there, so only the time that passes tells that nothing came.
//!
//! Knows when to ask, and what to make of the answer; who is asked, and how, is an
//! [`Arrival`] that commands bring along.

use std::time::Duration;

use super::prepare::Prepared;
use super::retry::Clock;
use super::target::Target;
use crate::diagnostic::{Diagnostic, Failure};
use crate::listener::Listener;

/// Somebody who knows what a target has.
pub trait Arrival {
    /// Whether the target has the version of this package, for whatever series: once
    /// taken, it cannot be sent again. Called only for targets that are PPAs.
    fn has_arrived(&self, package: &Prepared, target: &Target) -> Result<bool, NoAnswer>;
}

/// Nobody said whether a target has a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// Why.
    pub failure: Failure,
    /// Whether the same question may be answered a little later.
    pub is_passing: bool,
}

/// How a PPA is asked.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Who is asked.
    pub arrival: &'a dyn Arrival,
    /// How long it may take until an upload that has arrived is shown.
    pub acceptance: Duration,
    /// Between two questions.
    pub interval: Duration,
}

impl Asking<'_> {
    /// Whether the target shows the package within `rest`: it is asked at once, from
    /// time to time, and once more at the end, and only that last answer can be no.
    pub(super) fn is_shown(
        &self,
        package: &Prepared,
        target: &Target,
        rest: Duration,
        (clock, listener): (&dyn Clock, &dyn Listener),
    ) -> Result<bool, Failure> {
        let what = package.changes_name();
        let begin = clock.now();
        loop {
            let left = rest.saturating_sub(clock.now().saturating_sub(begin));
            match self.arrival.has_arrived(package, target) {
                Ok(true) => {
                    let message = format!("{what} has arrived: {} shows it", target.name);
                    listener.tell(Diagnostic::note("upload-arrived", message));
                    return Ok(true);
                }
                Ok(false) if left.is_zero() => {
                    let message = format!("{what} is not shown by {}", target.name);
                    let why = format!("an upload that arrives is shown within {} s", self.acceptance.as_secs());
                    listener.tell(Diagnostic::note("upload-not-arrived", message).because(why));
                    return Ok(false);
                }
                Err(NoAnswer { failure, is_passing }) if left.is_zero() || !is_passing => return Err(failure),
                Err(NoAnswer { failure, .. }) => listener.detail(&format!("{failure}; it is asked again")),
                Ok(false) => {}
            }
            clock.sleep(self.interval.min(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Mutex;

    use super::super::target::Rules;
    use super::*;
    use crate::listener::Recorder;

    /// Answers in turn; the last one stays.
    struct Answers(RefCell<Vec<Result<bool, NoAnswer>>>, RefCell<usize>);

    impl Arrival for Answers {
        fn has_arrived(&self, _: &Prepared, _: &Target) -> Result<bool, NoAnswer> {
            *self.1.borrow_mut() += 1;
            let mut answers = self.0.borrow_mut();
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        }
    }

    #[derive(Default)]
    struct Stopped(Mutex<Duration>);

    impl Clock for Stopped {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }
        fn sleep(&self, pause: Duration) {
            *self.0.lock().unwrap() += pause;
        }
        fn jitter(&self) -> f64 {
            1.0
        }
    }

    fn silence(is_passing: bool) -> Result<bool, NoAnswer> {
        Err(NoAnswer { failure: Failure::environment(Diagnostic::error("x", "nobody is there")), is_passing })
    }

    /// The answer, how often it was asked, and the seconds that it took.
    fn ask(answers: Vec<Result<bool, NoAnswer>>, rest: u64) -> (Result<bool, Failure>, usize, u64) {
        let arrival = Answers(RefCell::new(answers), RefCell::new(0));
        let seconds = Duration::from_secs;
        let asking = Asking { arrival: &arrival, acceptance: seconds(600), interval: seconds(30) };
        let package = Prepared {
            changes: "a_1_source.changes".into(),
            source: "a".into(),
            version: "1".into(),
            distribution: "noble".into(),
            items: vec![],
            sha256: Default::default(),
            signed_by: None,
        };
        let target = Target {
            name: "ppa:o/n".into(),
            identity: "ppa:o/ubuntu/n".into(),
            ways: vec![],
            rules: Rules::default(),
            dput: None,
        };
        let (clock, listener) = (Stopped::default(), Recorder::default());
        let answer = asking.is_shown(&package, &target, seconds(rest), (&clock, &listener));
        let codes: Vec<_> = listener.told().into_iter().map(|told| told.code).collect();
        match &answer {
            Ok(true) => assert_eq!(codes, ["upload-arrived"]),
            Ok(false) => assert_eq!(codes, ["upload-not-arrived"]),
            Err(_) => assert!(codes.is_empty()),
        }
        (answer, arrival.1.into_inner(), clock.now().as_secs())
    }

    #[test]
    fn the_first_yes_and_the_last_no_count() {
        assert_eq!(ask(vec![Ok(true)], 600), (Ok(true), 1, 0));
        assert_eq!(ask(vec![Ok(false), Ok(false), Ok(true)], 600), (Ok(true), 3, 60));
        // at 0, 30, … 600
        assert_eq!(ask(vec![Ok(false)], 600), (Ok(false), 21, 600));
        assert_eq!(ask(vec![Ok(false)], 40), (Ok(false), 3, 40));
        // the time is over, and yet nothing is sent without a question
        assert_eq!(ask(vec![Ok(false)], 0), (Ok(false), 1, 0));
        assert_eq!(ask(vec![Ok(true)], 0), (Ok(true), 1, 0));
    }

    #[test]
    fn silence_is_no_answer() {
        assert_eq!(ask(vec![silence(true), Ok(false), silence(true), Ok(true)], 600), (Ok(true), 4, 90));
        let (answer, asked, took) = ask(vec![Ok(false), Ok(false), silence(true)], 60);
        assert_eq!((answer.is_err(), asked, took), (true, 3, 60));
        let (answer, asked, took) = ask(vec![silence(false), Ok(true)], 600);
        assert_eq!((answer.is_err(), asked, took), (true, 1, 0));
    }
}
