//! pkgr against the tools that its users use today, on the same trees in one
//! run: `debuild -S` signed with an Ed25519 key on the one side, `pkgr build`
//! with the same key on the other, the orig already there for both.
//!
//!     cargo bench --bench classic [-- [--large] [--runs N] [--only TEXT] [--lenient]]
//!
//! CPU seconds (user + sys of the whole process tree) are the figures to
//! compare; wall time depends on what else the machine does. Prints a Markdown
//! table and fails where a ratio is below the promised one (not with
//! `--lenient`). `--large` adds the kernel: some minutes, and 3 GB of disk.

#[path = "../../tests/common/apt.rs"]
mod apt;
mod classic;
mod measure;
mod recipe;

use std::path::{Path, PathBuf};

use measure::{Shell, Times, World, median};

/// One row of the table.
struct Case {
    what: &'static str,
    /// Source package of Debian's that is built.
    package: &'static str,
    /// How many targets one run makes.
    targets: usize,
    /// pkgr's cache of proofs is emptied before each run.
    first_time: bool,
    /// The least ratio of CPU seconds that the project promises.
    promised: f64,
}

const SMALL: &str = "libnginx-mod-http-headers-more-filter";
const MEDIUM: &str = "nginx";
const LARGE: &str = "linux";

const CASES: &[Case] = &[
    Case { what: "small", package: SMALL, targets: 1, first_time: false, promised: 40.0 },
    Case { what: "small, 16 targets", package: SMALL, targets: 16, first_time: false, promised: 60.0 },
    Case { what: "medium", package: MEDIUM, targets: 1, first_time: false, promised: 9.0 },
    Case { what: "medium, 16 targets", package: MEDIUM, targets: 16, first_time: false, promised: 10.0 },
    Case { what: "large, first time", package: LARGE, targets: 1, first_time: true, promised: 2.0 },
    Case { what: "large", package: LARGE, targets: 1, first_time: false, promised: 6.0 },
];

/// What the command line asks for.
struct Options {
    large: bool,
    lenient: bool,
    runs: usize,
    only: Option<String>,
}

impl Options {
    fn read() -> Options {
        let mut options = Options { large: false, lenient: false, runs: 3, only: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--large" => options.large = true,
                "--lenient" => options.lenient = true,
                "--runs" => options.runs = arguments.next().and_then(|n| n.parse().ok()).expect("--runs N"),
                "--only" => options.only = Some(arguments.next().expect("--only TEXT")),
                // cargo itself passes it
                "--bench" => {}
                other => panic!("unknown argument {other}"),
            }
        }
        options
    }

    fn wants(&self, case: &Case) -> bool {
        (self.large || case.package != LARGE) && self.only.as_ref().is_none_or(|text| case.what.contains(text))
    }
}

/// The figures of one row.
struct Row {
    case: &'static Case,
    classic: Times,
    pkgr: Times,
    /// Megabytes of the largest process: theirs, ours.
    peak: (f64, f64),
    /// Bytes of debian.tar.xz: theirs, ours.
    debian_tar: (u64, u64),
}

fn main() {
    let options = Options::read();
    let bench = tempfile::Builder::new().prefix("pkgr-bench-").tempdir().expect("a temporary folder");
    let world = World::new(bench.path());
    let (mut rows, mut baselines) = (Vec::new(), Vec::new());
    for case in CASES.iter().filter(|case| options.wants(case)) {
        eprintln!("{}: {} …", case.what, case.package);
        let known =
            baselines.iter().position(|b: &Baseline| b.package.name == case.package && b.targets == case.targets);
        let index = known.unwrap_or_else(|| {
            baselines.push(Baseline::measure(case, &world, &options));
            baselines.len() - 1
        });
        rows.push(run(case, &baselines[index], &world, &options));
    }
    print_table(&rows, &world);
    let broken = broken_promises(&rows, &world);
    for promise in &broken {
        eprintln!("{promise}");
    }
    if !broken.is_empty() && !options.lenient {
        std::process::exit(1);
    }
}

/// The classic side of one or more rows, prepared and measured once.
struct Baseline {
    package: recipe::Package,
    targets: usize,
    /// Where pkgr builds.
    recipe: PathBuf,
    times: Times,
    /// Megabytes of the largest process.
    peak: f64,
}

impl Baseline {
    fn measure(case: &Case, world: &World, options: &Options) -> Baseline {
        let dsc = apt::dsc(&apt::source(case.package)).expect("a .dsc");
        let folder = world.folder.join(format!("{}-{}", case.package, case.targets));
        let series = &recipe::SERIES[..case.targets];
        let package = recipe::Package::unpack(world, &dsc, &folder);
        let recipe = recipe::write(&package, &folder.join("recipe"), series);
        // a loop of sixteen, or the kernel, is long enough to be measured once
        let once = case.targets > 1 || case.package == LARGE;
        let debuild = classic::debuild_command(world, &package, series);
        let times = median((0..if once { 1 } else { options.runs }).map(|_| world.measure(&debuild)));
        // the loop's peak is that of any of its turns
        let peak = world.peak(&classic::debuild_command(world, &package, &series[..1]));
        Baseline { package, targets: case.targets, recipe, times, peak }
    }
}

fn run(case: &'static Case, baseline: &Baseline, world: &World, options: &Options) -> Row {
    let build = classic::pkgr_command(world, &baseline.recipe);
    world.run(&build); // fills the cache
    let ours = (0..options.runs).map(|_| {
        if case.first_time {
            world.empty_cache();
        }
        world.measure(&build)
    });
    let pkgr = median(ours);
    let peak = (baseline.peak, world.peak(&build));
    let dist = build.folder.join("dist");
    compare(world, &baseline.package.folder, &dist);
    let debian_tar = (size_of_debian_tar(&baseline.package.folder), size_of_debian_tar(&dist));
    Row { case, classic: baseline.times, pkgr, peak, debian_tar }
}

/// Both sides packed the same files of the same sizes, but for the three that
/// pkgr writes itself: or their times could not be compared.
fn compare(world: &World, theirs: &Path, ours: &Path) {
    let list = "tar --list --verbose --file \"$tar\" | sed 's/  */ /g' | cut -d' ' -f3,6- | grep -v -E ' debian/(changelog|patches/series|source/format)$'";
    let first = |folder: &Path| format!("tar=$(ls '{}'/*.debian.tar.xz | head -1); {list}", folder.display());
    let shown = |folder: &Path| world.run(&Shell { script: first(folder), folder: world.folder.clone() });
    let (theirs, ours) = (shown(theirs), shown(ours));
    assert!(theirs == ours, "not the same content\n--- theirs\n{theirs}\n--- ours\n{ours}");
}

/// The size of the first debian.tar.xz in a folder.
fn size_of_debian_tar(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    found.retain(|path| path.to_string_lossy().ends_with(".debian.tar.xz"));
    found.sort();
    found.first().and_then(|path| path.metadata().ok()).expect("a debian.tar.xz").len()
}

fn print_table(rows: &[Row], world: &World) {
    println!("{}\n", world.machine());
    println!(
        "| build, signed | CPU s: classic | pkgr | ratio (promised) | wall s: classic | pkgr | peak MB: classic | pkgr | debian.tar.xz: classic | pkgr |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        println!(
            "| {} | {:.2} | {:.3} | {:.0}× ({}×) | {:.2} | {:.3} | {:.0} | {:.0} | {} | {} |",
            row.case.what,
            row.classic.cpu,
            row.pkgr.cpu,
            row.classic.cpu / row.pkgr.cpu,
            row.case.promised,
            row.classic.wall,
            row.pkgr.wall,
            row.peak.0,
            row.peak.1,
            row.debian_tar.0,
            row.debian_tar.1,
        );
    }
    let help = world.help();
    println!(
        "\n`pkgr --help`: {:.1} ms wall (promised: 10); the binary: {:.1} MB (20)",
        help.wall * 1000.0,
        world.binary_megabytes()
    );
}

fn broken_promises(rows: &[Row], world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    for row in rows {
        let ratio = row.classic.cpu / row.pkgr.cpu;
        if ratio < row.case.promised {
            broken.push(format!("{}: {ratio:.1} times less CPU, promised {}", row.case.what, row.case.promised));
        }
        let (theirs, ours) = row.debian_tar;
        if ours as f64 > theirs as f64 * 1.03 {
            broken.push(format!("{}: debian.tar.xz has {ours} bytes, xz -6 makes {theirs}", row.case.what));
        }
    }
    if world.help().wall > 0.010 {
        broken.push("pkgr --help takes longer than 10 ms".to_string());
    }
    if world.binary_megabytes() > 20.0 {
        broken.push("the binary is larger than 20 MB".to_string());
    }
    broken
}
