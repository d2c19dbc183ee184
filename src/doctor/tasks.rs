//! Everything at once, each on a thread of its own, in a limited time altogether. A
//! resolver of names that is deaf, or a program that hangs, holds up nobody: it is
//! left behind, and ends with the process.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::check::{Check, Group, Status};

/// Something that may take long.
pub struct Task {
    /// What it belongs to.
    pub group: Group,
    /// What it is known by where it does not end.
    pub code: &'static str,
    /// The same for people.
    pub what: String,
    /// How much that weighs.
    pub weight: Status,
    /// Does it.
    pub work: Box<dyn FnOnce() -> Vec<Check> + Send>,
}

/// Does all; the checks in the order of the tasks.
pub fn run(tasks: Vec<Task>, limit: Duration) -> Vec<Check> {
    let deadline = Instant::now() + limit;
    let (sender, receiver) = channel();
    let mut found: Vec<Vec<Check>> = Vec::new();
    for (index, task) in tasks.into_iter().enumerate() {
        let Task { group, code, what, weight, work } = task;
        let late = format!("{what}: nothing came of it in {} seconds", limit.as_secs_f32());
        found.push(vec![Check::new(group, code, weight, late)]);
        let sender = sender.clone();
        std::thread::spawn(move || {
            // nobody listens any more where it was too late
            let _ = sender.send((index, work()));
        });
    }
    drop(sender);
    // an error is the end of time, or of the last task
    while let Ok((index, checks)) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some(place) = found.get_mut(index) {
            *place = checks;
        }
    }
    found.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_hangs_is_left_behind() {
        let task = |name: &'static str, time: u64| Task {
            group: Group::Tools,
            code: name,
            what: name.to_string(),
            weight: Status::Warning,
            work: Box::new(move || {
                std::thread::sleep(Duration::from_millis(time));
                vec![Check::ok(Group::Tools, name, "done")]
            }),
        };
        let start = Instant::now();
        let found = run(vec![task("slow", 60_000), task("later", 50), task("soon", 0)], Duration::from_millis(400));
        assert!(start.elapsed() < Duration::from_secs(10));
        let told: Vec<(&str, Status)> = found.iter().map(|check| (check.code, check.status)).collect();
        assert_eq!(told, [("slow", Status::Warning), ("later", Status::Ok), ("soon", Status::Ok)]);
        assert_eq!(found[0].found, "slow: nothing came of it in 0.4 seconds");
    }
}
