//! The matrix: which connection breaks where, how, and what has to come of it.

use pkgr::diagnostic::Kind as Meaning;
use pkgr::upload::Method;

use crate::proxy::{Fault, Kind, Point};

/// How many bytes an undisturbed upload has on its (control) connection.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    pub up: u64,
    pub down: u64,
}

/// The first way of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Through a proxy that breaks.
    Through(Fault),
    /// Nobody listens.
    Refused,
    /// A name instead of the address.
    Host(&'static str),
    /// Another host key than the daemon's is expected.
    HostKey,
    /// An account that the daemon does not know.
    Login(&'static str),
    /// A folder of this machine that cannot be written to.
    Local(&'static str),
    /// A key that the account does not have.
    WrongKey,
    /// A file is not as it was when it was checked.
    FileChanged,
    /// A file is not there any more.
    FileVanished,
}

/// What has to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Arrives,
    Fails(Meaning),
}

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub group: &'static str,
    pub method: Method,
    pub way: Way,
    /// Whether the target is a PPA, which can be asked; else a queue of somebody's own.
    pub is_ppa: bool,
    /// A second way, which works.
    pub second: Option<Method>,
    pub expected: Expected,
}

impl Case {
    pub fn is_stall(&self) -> bool {
        matches!(&self.way, Way::Through(Fault { kind: Kind::Stall | Kind::HalfOpen, .. }))
    }
}

fn through(group: &'static str, method: Method, fault: Fault, expected: Expected) -> Case {
    let name = format!("{method} {fault:?}");
    Case { name, group, method, way: Way::Through(fault), is_ppa: true, second: None, expected }
}

fn once(point: Point, kind: Kind) -> Fault {
    Fault { point, kind, always: false }
}

/// `count` numbers from 0 to `length`, both included.
fn spread(length: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| length * number / (count - 1))
}

/// Everything.
pub fn matrix(ftp: Lengths, sftp: Lengths) -> Vec<Case> {
    let mut cases = Vec::new();
    control(&mut cases, ftp);
    data(&mut cases);
    answers(&mut cases);
    ssh(&mut cases, sftp);
    last_answers(&mut cases, ftp, sftp);
    for_ever(&mut cases, ftp);
    others(&mut cases);
    cases
}

/// The control connection of FTP, at every few bytes of both directions.
fn control(cases: &mut Vec<Case>, ftp: Lengths) {
    for (kind, group, count) in [
        (Kind::Reset, "FTP, control connection reset", 40),
        (Kind::Close, "FTP, control connection closed", 30),
        (Kind::Stall, "FTP, control connection stalled", 14),
        (Kind::HalfOpen, "FTP, control connection half open", 10),
    ] {
        for bytes in spread(ftp.up - 1, count) {
            cases.push(through(group, Method::Ftp, once(Point::Up(bytes), kind), Expected::Arrives));
        }
        for bytes in spread(ftp.down - 1, count) {
            cases.push(through(group, Method::Ftp, once(Point::Down(bytes), kind), Expected::Arrives));
        }
    }
}

/// Each data connection of FTP: none of its bytes, the first, half, all but one, all.
fn data(cases: &mut Vec<Case>) {
    for (kind, group) in [
        (Kind::Reset, "FTP, data connection reset"),
        (Kind::HalfOpen, "FTP, data connection half open"),
        (Kind::Stall, "FTP, data connection stalled"),
    ] {
        for (number, (_, size)) in crate::FILES.iter().enumerate() {
            let size = *size as u64;
            let mut points = vec![0, 1, size / 2, size.saturating_sub(1), size];
            points.retain(|point| *point <= size);
            points.dedup();
            for bytes in points {
                cases.push(through(group, Method::Ftp, once(Point::Data(number, bytes), kind), Expected::Arrives));
            }
        }
    }
}

/// What a daemon says when it does not want, or is busy.
fn answers(cases: &mut Vec<Case>) {
    let group = "FTP, the daemon answers an error";
    let mut add = |point, text, always, expected| {
        let fault = Fault { point, kind: Kind::Reply(text), always };
        cases.push(through(group, Method::Ftp, fault, expected));
    };
    const BUSY: &str = "550 Requested action not taken: internal server error";
    for number in 0..crate::FILES.len() {
        add(Point::Command("STOR", number), BUSY, false, Expected::Arrives);
        add(Point::Command("STOR", number), BUSY, true, Expected::Fails(Meaning::Remote));
        add(Point::Command("STOR", number), "452 No space left on device", false, Expected::Arrives);
        add(Point::Command("STOR", number), "426 Connection closed", false, Expected::Arrives);
    }
    add(Point::Greeting, "421 Too many connections", false, Expected::Arrives);
    add(Point::Greeting, "421 Too many connections", true, Expected::Fails(Meaning::Environment));
    add(Point::Greeting, "this is no FTP", true, Expected::Fails(Meaning::Environment));
    add(Point::Command("USER", 0), "421 Service not available", false, Expected::Arrives);
    add(Point::Command("PASS", 0), "530 Login incorrect", true, Expected::Fails(Meaning::Remote));
    add(Point::Command("TYPE", 0), "421 Idle", false, Expected::Arrives);
}

/// SFTP: the encrypted bytes, at every stage from the greeting to the last file.
fn ssh(cases: &mut Vec<Case>, sftp: Lengths) {
    for (kind, group, count) in [
        (Kind::Reset, "SFTP, connection reset", 16),
        (Kind::Close, "SFTP, connection closed", 12),
        (Kind::Stall, "SFTP, connection stalled", 5),
        (Kind::HalfOpen, "SFTP, connection half open", 3),
    ] {
        // the last bytes are those of a good-bye that nobody waits for
        for bytes in spread(sftp.up * 9 / 10, count) {
            cases.push(through(group, Method::Sftp, once(Point::Up(bytes), kind), Expected::Arrives));
        }
        for bytes in spread(sftp.down * 9 / 10, count) {
            cases.push(through(group, Method::Sftp, once(Point::Down(bytes), kind), Expected::Arrives));
        }
    }
}

/// The last bytes from the daemon, in which it says that it has the .changes: to a PPA,
/// and to a queue that nobody can ask.
fn last_answers(cases: &mut Vec<Case>, ftp: Lengths, sftp: Lengths) {
    for (is_ppa, group) in [(true, "the last answers lost, a PPA"), (false, "the last answers lost, another queue")] {
        for kind in [Kind::Reset, Kind::Close, Kind::Stall, Kind::HalfOpen] {
            let fault = once(Point::Answer("226", crate::FILES.len() - 1), kind);
            cases.push(Case { is_ppa, ..through(group, Method::Ftp, fault, Expected::Arrives) });
        }
        for (method, down, step) in [(Method::Ftp, ftp.down, 12), (Method::Sftp, sftp.down, 40)] {
            for number in 0..12 {
                for kind in [Kind::Reset, Kind::Close, Kind::Stall] {
                    if kind == Kind::Stall && number % 4 != 2 {
                        continue;
                    }
                    let fault = once(Point::Down(down - 1 - step * number), kind);
                    cases.push(Case { is_ppa, ..through(group, method, fault, Expected::Arrives) });
                }
            }
        }
    }
}

/// Faults that do not go away: alone they fail, with another way they arrive.
fn for_ever(cases: &mut Vec<Case>, ftp: Lengths) {
    let always = |point, kind| Fault { point, kind, always: true };
    for bytes in [0, ftp.up / 3, ftp.up * 2 / 3] {
        for kind in [Kind::Reset, Kind::Close, Kind::Stall] {
            let fault = always(Point::Up(bytes), kind);
            let group = "FTP broken for good";
            cases.push(through(group, Method::Ftp, fault, Expected::Fails(Meaning::Environment)));
            let group = "FTP broken for good, SFTP behind it";
            let case = through(group, Method::Ftp, fault, Expected::Arrives);
            cases.push(Case { second: Some(Method::Sftp), ..case });
        }
    }
    for (point, kind) in [
        (Point::Greeting, Kind::Reset),
        (Point::Greeting, Kind::Stall),
        (Point::Up(100), Kind::Close),
        (Point::Down(2_000), Kind::Reset),
    ] {
        let fault = always(point, kind);
        let group = "SFTP broken for good";
        cases.push(through(group, Method::Sftp, fault, Expected::Fails(Meaning::Environment)));
        let group = "SFTP broken for good, FTP behind it";
        let case = through(group, Method::Sftp, fault, Expected::Arrives);
        cases.push(Case { second: Some(Method::Ftp), ..case });
    }
}

/// What is no matter of bytes.
fn others(cases: &mut Vec<Case>) {
    let (network, remote) = (Meaning::Environment, Meaning::Remote);
    let mut add = |group, method, way: Way, meaning: Meaning, curable: bool| {
        let name = format!("{method} {way:?}");
        let is_ppa = method != Method::Local;
        let case = Case { name, group, method, way, is_ppa, second: None, expected: Expected::Fails(meaning) };
        if curable {
            let second = if method == Method::Ftp { Method::Sftp } else { Method::Ftp };
            let name = format!("{}, then {second}", case.name);
            cases.push(Case { name, second: Some(second), expected: Expected::Arrives, ..case.clone() });
        }
        cases.push(case);
    };
    for method in [Method::Ftp, Method::Sftp] {
        add("nobody listens", method, Way::Refused, network, true);
        add("no such host", method, Way::Host("no-such-host.invalid"), network, true);
        add("files that changed since they were checked", method, Way::FileChanged, network, false);
        add("files that changed since they were checked", method, Way::FileVanished, network, false);
    }
    add("wrong host key", Method::Sftp, Way::HostKey, network, true);
    add("wrong account or key", Method::Sftp, Way::Login("nobody"), remote, true);
    add("wrong account or key", Method::Sftp, Way::WrongKey, remote, true);
    add("a folder that is none", Method::Local, Way::Local("/proc/none"), network, false);
}

/// Some sixty of all, from each group at least one, the same each time.
pub fn sample(all: &[Case]) -> Vec<&Case> {
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    let mut chosen = Vec::new();
    for case in all {
        let number = seen.entry(case.group).or_default();
        let of_group = all.iter().filter(|other| other.group == case.group).count();
        // of large groups every tenth or so, of stalls, which cost seconds, two
        let step = if case.is_stall() { of_group.div_ceil(2) } else { of_group.div_ceil(5) };
        if *number % step == step / 2 {
            chosen.push(case);
        }
        *number += 1;
    }
    chosen
}
