//! kill -9 at random moments of the loop, each time followed by a run that is left
//! alone: it ends where a loop ends that nothing disturbed.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::run;
use crate::looped::{Loop, RECIPES};
use crate::update_support::flagship;
use crate::update_support::nginx::{BIONIC, JAMMY, NOBLE, Nginx, RESOLUTE};

/// How often in all, if PKGR_KILLS does not say.
const KILLS: usize = 12;

/// How often at most on the way from one state to the next.
const IN_A_ROW: usize = 4;

/// Which of them is not at any moment, but while a .changes is sent: the one when
/// nobody but the PPA knows whether it arrived.
const SUBMITTING: usize = 1;

enum Moment {
    After(Duration),
    /// When there are more than so many already.
    Submitting(usize),
}

impl Moment {
    /// Whether it has come, so long after the start.
    fn is_reached(&self, looped: &Loop, passed: Duration) -> bool {
        match self {
            Moment::After(time) => passed >= *time,
            Moment::Submitting(already) => looped.submitting() > *already,
        }
    }
}

#[test]
fn after_kills_it_ends_as_if_there_had_been_none() {
    let wanted = std::env::var("PKGR_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let (undisturbed, killed) = std::thread::scope(|scope| {
        let other = scope.spawn(Loop::new);
        (Loop::new(), other.join().unwrap())
    });
    let mut chance = Chance(0x5eed_0000_0006 + u64::from(std::process::id()));
    let (mut kills, mut step, mut longest) = (0, 0, Duration::ZERO);
    while kills < wanted {
        move_on(&undisturbed, step);
        let start = Instant::now();
        undisturbed.exits(0, &[]);
        let takes = start.elapsed();

        move_on(&killed, step);
        for number in 0..IN_A_ROW.min(wanted - kills) {
            let moment = match number {
                SUBMITTING => Moment::Submitting(killed.submitting()),
                _ => Moment::After(takes.mul_f64(chance.next())),
            };
            kills += usize::from(is_killed_at(&killed, &moment));
            killed.assert_sound();
        }
        let start = Instant::now();
        killed.exits(0, &[]);
        longest = longest.max(start.elapsed());
        killed.accepted_since(0);
        assert_eq!(killed.end(), undisturbed.end(), "after {kills} kills, in step {step}");
        step += 1;
    }
    let count = killed.pump.received().len();
    assert_eq!(count, undisturbed.pump.received().len());
    println!(
        "{kills} kills over {step} moves: {count} uploads accepted, none twice; {} .changes torn on the way; \
         the longest run after a kill {:.1} s",
        killed.pump.torn(),
        longest.as_secs_f64()
    );
}

/// The world's next move.
fn move_on(looped: &Loop, step: usize) {
    let security = |nginx: Nginx, version: String| {
        looped.security(&Nginx { version: Box::leak(version.into_boxed_str()), ..nginx });
    };
    match step {
        0 => {}
        1 => security(JAMMY, "1.18.0-6ubuntu14.4".into()),
        2 => looped.security(&Nginx { version: "1.24.0-2ubuntu7.10", field: "unsigned tcp_nodelay:3;", ..NOBLE }),
        3 => {
            flagship::stand_ins(&looped.world, "1.13.35.3");
            run(&mut looped.pkgr(&["bump", "ngx-pagespeed", "1.13.35.3"])).ok();
        }
        4 => {
            looped.release(&RESOLUTE);
            RECIPES.iter().for_each(|recipe| looped.edit(recipe, r#""noble"]"#, r#""noble", "resolute"]"#));
        }
        more => match more % 4 {
            0 => security(RESOLUTE, format!("1.28.2-2ubuntu1.{more}")),
            1 => security(BIONIC, format!("1.14.0-0ubuntu1.{}", 11 + more)),
            2 => security(JAMMY, format!("1.18.0-6ubuntu14.{more}")),
            _ => security(NOBLE, format!("1.24.0-2ubuntu7.{}", 10 + more)),
        },
    }
}

/// Starts a rebuild, and kills it; false where it had ended before, well.
fn is_killed_at(looped: &Loop, moment: &Moment) -> bool {
    let said = looped.world.environment.path("said");
    let mut command = looped.rebuild(&[]);
    command.stdout(Stdio::null()).stderr(File::create(&said).unwrap());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    while !moment.is_reached(looped, start.elapsed()) {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}: {}", std::fs::read_to_string(said).unwrap());
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

/// Numbers from 0 to 1 (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
