//! Series as they come and go: what `pkgr update` says of them, and that a recipe
//! may name one that this pkgr was not built with, on any machine, once the lock
//! has its number.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::{TestEnvironment, changes_in, repository, run};

const TODAY: &str = "1795500000"; // 2026-11-24

struct World {
    environment: TestEnvironment,
    tables: PathBuf,
}

impl World {
    fn new(series: &str) -> World {
        let environment = TestEnvironment::new();
        let tables = environment.path("distro-info");
        fs::create_dir(&tables).unwrap();
        let world = World { environment, tables };
        world.recipe(series);
        world
    }

    fn recipe(&self, series: &str) {
        let text = format!(
            "name = \"hello\"\nversion = \"1.0\"\nsummary = \"a greeting\"\nlicense = \"MIT\"\n\
             maintainer = \"Du9L <du9l@example.org>\"\nseries = [{series}] # ours\n"
        );
        fs::write(self.environment.work().join("recipe.toml"), text).unwrap();
    }

    /// The machine's tables: those of the repository, and this line more.
    fn knows(&self, line: &str) {
        let shipped = fs::read_to_string(repository().join("src/series/ubuntu.csv")).unwrap();
        fs::write(self.tables.join("ubuntu.csv"), format!("{shipped}{line}\n")).unwrap();
    }

    fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(arguments);
        command.env("PKGR_DISTRO_INFO", &self.tables).env("SOURCE_DATE_EPOCH", TODAY);
        command
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.environment.work().join("recipe.lock")).unwrap_or_default()
    }
}

#[test]
fn what_is_new_and_what_ends() {
    let world = World::new("\"questing\", \"jammy\"");
    let said = run(&mut world.pkgr(&["update"])).ok().stderr;
    for words in [
        "warning[series-eol]: questing is at its end of life since 2026-07-09",
        "to drop it: `series = [\"jammy\"]`",
        "note[series-new]: Ubuntu 26.04 resolute was released on 2026-04-23",
        "to build for it: `series = [\"questing\", \"jammy\", \"resolute\"]`",
        "recipe.toml:6:11",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    world.recipe("\"jammy\", \"noble\", \"resolute\"");
    let said = run(&mut world.pkgr(&["update"])).ok().stderr;
    assert!(!said.contains("series-"), "who takes only LTS is told of those alone: {said}");
    assert!(!world.lock().contains("[[series]]"));
}

#[test]
fn a_series_from_newer_data_is_in_the_lock() {
    let world = World::new("\"resolute\", \"unheard\"");
    let refused = run(&mut world.pkgr(&["build", "--no-sign"])).exits(1).stderr;
    assert!(refused.contains("unknown-series"), "{refused}");
    run(&mut world.pkgr(&["update"])).exits(1);

    world.knows("27.10,Unheard Of,unheard,2026-11-01,2027-10-14,2028-07-13");
    run(&mut world.pkgr(&["update", "--check"])).exits(5);
    let said = run(&mut world.pkgr(&["update"])).ok();
    assert!(said.stdout.contains("series 27.10 unheard: its data is new in the lock"), "{}", said.stdout);
    let lock = world.lock();
    assert!(lock.contains("[[series]]\ndistro = \"ubuntu\"\nname = \"unheard\"\nnumber = \"27.10\""), "{lock}");

    // from here on the lock alone decides, on any machine
    fs::remove_file(world.tables.join("ubuntu.csv")).unwrap();
    run(&mut world.pkgr(&["build", "--no-sign", "--only", "resolute.."])).ok();
    let names = changes_in(&world.environment.path("work/dist"));
    assert!(names.iter().any(|name| name.ends_with("hello_1.0~ubuntu27.10.1_source.changes")), "{names:?}");
    let said = run(&mut world.pkgr(&["update"])).ok();
    assert!(said.stdout.is_empty() && world.lock().contains("unheard"), "{}", said.stdout);

    world.recipe("\"resolute\"");
    run(&mut world.pkgr(&["update"])).ok();
    assert!(!world.lock().contains("[[series]]"), "{}", world.lock());
}

#[test]
fn data_is_refreshed_from_debians_archive() {
    let world = World::new("\"trixie\"");
    // the machine's own mirror, verified with Debian's keys, as apt is configured
    let said = run(&mut world.pkgr(&["update", "--series-data"])).ok().stderr;
    assert!(said.contains("Fetched distro-info-data "), "{said}");
    let kept = run(world
        .environment
        .command("grep")
        .args(["-rlE", "^version,codename,series,created,"])
        .arg(world.environment.path("home/.cache")));
    assert_eq!(kept.ok().stdout.lines().count(), 2, "both tables are kept");
}
