//! Uploads against the tools that do them today, on loopback, to the same servers,
//! in one run.
//!
//!     cargo bench --bench upload [-- [--runs N] [--lenient]]
//!
//! Prints Markdown tables and fails where a promise is not kept (not with
//! `--lenient`). The transports are called as `pkgr upload` calls them, in a process
//! of their own, for curl and sftp check nothing either; dput is compared with the
//! whole command.

mod delay;
#[allow(dead_code)] // the peaks and the start of pkgr are the other benchmark's
#[path = "../classic/measure.rs"]
mod measure;
mod package;
#[path = "../../tests/upload_support/mod.rs"]
mod upload_support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pkgr::listener::Silent;
use pkgr::upload::{Destination, Item, Method, Options, SftpKey, transfer};

use measure::{Shell, Times, World};
use package::Package;
use upload_support::{Daemon, Sshd, Vsftpd};

const PKGR: &str = env!("CARGO_BIN_EXE_pkgr");

/// Bytes of the large orig: the kernel's.
const LARGE: usize = 140_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "send") {
        return send(&arguments[1..]);
    }
    let is_lenient = arguments.iter().any(|argument| argument == "--lenient");
    let runs = arguments.iter().position(|argument| argument == "--runs").and_then(|at| arguments.get(at + 1));
    let runs: usize = runs.map_or(5, |number| number.parse().expect("--runs N"));
    let folder = upload_support::open_folder();
    let bench = Bench { world: World::new(folder.path()), runs };
    println!("{}\n", bench.world.machine());
    let mut broken = Vec::new();
    bench.ftp(&mut broken);
    bench.sftp(&mut broken);
    bench.small(&mut broken);
    bench.round_trips(&mut broken);
    broken.iter().for_each(|promise| eprintln!("not kept: {promise}"));
    if !broken.is_empty() && !is_lenient {
        std::process::exit(1);
    }
}

/// The other side of this program: `send ftp|sftp PORT FOLDER SSH KEY HOST_KEY FILE…`.
fn send(arguments: &[String]) {
    let [method, port, folder, ssh, key, host_key, files @ ..] = arguments else { panic!("{arguments:?}") };
    let destination = Destination {
        method: if method == "sftp" { Method::Sftp } else { Method::Ftp },
        host: "127.0.0.1".to_string(),
        port: Some(port.parse().expect("a port")),
        login: None,
        folder: folder.clone(),
        host_keys: vec![host_key.clone()],
    };
    let items: Vec<Item> = files.iter().map(|file| package::item(Path::new(file))).collect();
    let options = Options { ssh: ssh.into(), sftp_key: Some(SftpKey::Path(key.into())), ..Options::default() };
    transfer(&destination, &items, &options, &Silent).expect("an upload");
}

/// How this program sends files by itself.
fn ourselves(method: &str, port: u16, folder: &str, server: Option<&Sshd>, files: &[PathBuf]) -> String {
    let this = std::env::current_exe().expect("this program");
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let (ssh, key, host_key) = match server {
        Some(server) => {
            (server.ssh.program.display().to_string(), server.ssh.key.display().to_string(), server.host_key.clone())
        }
        None => ("-".to_string(), "-".to_string(), "-".to_string()),
    };
    format!("{} send {method} {port} {folder} {ssh} {key} {host_key} {}", this.display(), files.join(" "))
}

struct Bench {
    world: World,
    runs: usize,
}

impl Bench {
    /// The fastest of several runs of each, in turn, so that all meet the same machine.
    fn compare(&self, scripts: &[&str]) -> Vec<Times> {
        let folder = self.world.folder.clone();
        let mut best: Vec<Option<Times>> = vec![None; scripts.len()];
        for _ in 0..self.runs {
            for (script, best) in scripts.iter().zip(&mut best) {
                let times = self.world.measure(&Shell { script: (*script).to_string(), folder: folder.clone() });
                let (cpu, wall) =
                    best.map_or((times.cpu, times.wall), |b| (b.cpu.min(times.cpu), b.wall.min(times.wall)));
                *best = Some(Times { cpu, wall });
            }
        }
        best.into_iter().flatten().collect()
    }

    fn ftp(&self, broken: &mut Vec<String>) {
        let server = Vsftpd::start("127.0.0.1", "anon_other_write_enable=YES");
        let package = Package::make(&self.world, "large", LARGE);
        let orig = &package.files[0];
        let port = server.port;
        let scripts = [
            ourselves("ftp", port, "incoming", None, std::slice::from_ref(orig)),
            format!("curl -sS -T {} ftp://127.0.0.1:{port}/incoming/", orig.display()),
            package.pkgr(port),
            package.dput(port),
        ];
        let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
        let times = self.compare(&scripts);
        println!("| orig of 140 MB by FTP to vsftpd | MB/s | CPU s |\n|---|--:|--:|");
        let rows = ["transport of pkgr", "curl", "`pkgr upload` (5 files, checks included)", "dput (the same)"];
        rows.iter()
            .zip(&times)
            .for_each(|(what, times)| println!("| {what} | {:.0} | {:.3} |", rate(times), times.cpu));
        println!();
        promise(broken, rate(&times[0]) >= rate(&times[1]), "FTP at least as fast as curl");
        promise(broken, times[2].cpu < times[3].cpu, "FTP with less CPU than dput");
    }

    fn sftp(&self, broken: &mut Vec<String>) {
        let server = Sshd::start();
        server.ssh.trust("127.0.0.1", server.port, &server.public_host_key());
        let orig = self.world.folder.join("large/large_1.0.orig.tar.gz");
        let incoming = server.incoming();
        let batch = self.world.folder.join("batch");
        std::fs::write(&batch, format!("put {} {}/\n", orig.display(), incoming.display())).expect("a batch file");
        // sftp takes the program that it starts from -S, as ours is told
        let theirs = format!(
            "sftp -q -S {} -P {} -i {} -b {} 127.0.0.1",
            server.ssh.program.display(),
            server.port,
            server.ssh.key.display(),
            batch.display()
        );
        let folder = incoming.to_str().expect("a path");
        let ours = ourselves("sftp", server.port, folder, Some(&server), std::slice::from_ref(&orig));
        let times = self.compare(&[&ours, &theirs]);
        println!("| orig of 140 MB by SFTP to sshd | MB/s | CPU s |\n|---|--:|--:|");
        for (what, times) in ["transport of pkgr", "sftp"].iter().zip(&times) {
            println!("| {what} | {:.0} | {:.3} |", rate(times), times.cpu);
        }
        println!();
        promise(broken, rate(&times[0]) >= rate(&times[1]), "SFTP at least as fast as sftp");
    }

    fn small(&self, broken: &mut Vec<String>) {
        let server = Vsftpd::start("127.0.0.1", "anon_other_write_enable=YES");
        let package = Package::make(&self.world, "small", 30_000);
        let times = self.compare(&[&package.pkgr(server.port), &package.dput(server.port)]);
        println!("| small package, whole command, FTP to vsftpd | CPU s | wall s |\n|---|--:|--:|");
        for (what, times) in ["`pkgr upload`", "dput"].iter().zip(&times) {
            println!("| {what} | {:.3} | {:.3} |", times.cpu, times.wall);
        }
        println!();
        promise(broken, times[0].cpu * 10.0 <= times[1].cpu, "a small package with a tenth of dput's CPU");
    }

    /// Time over a delayed line, in round trips of it. A proxy delays what is said, but not the
    /// making of a connection, which costs one more.
    fn round_trips(&self, broken: &mut Vec<String>) {
        // long, so that a busy machine adds little to it
        const ROUND_TRIP: Duration = Duration::from_millis(400);
        const TRIPS: usize = 2;
        let daemon = Daemon::start();
        let package = Package::make(&self.world, "trips", 30_000);
        println!(
            "| five files by FTP to txpkgupload, 400 ms away | round trips | of these, connections |\n|---|--:|--:|"
        );
        let mut counts = Vec::new();
        for what in ["transport of pkgr", "dput"] {
            let line = delay::Line::start(daemon.ftp, ROUND_TRIP / 2);
            let scripts = |port: u16| match what {
                "dput" => package.dput(port),
                _ => ourselves("ftp", port, "incoming", None, &package.files),
            };
            let run = |port: u16| {
                let times = (0..TRIPS).map(|_| {
                    let start = Instant::now();
                    self.world.run(&Shell { script: scripts(port), folder: self.world.folder.clone() });
                    start.elapsed()
                });
                times.min().unwrap_or_default()
            };
            // without the line, to take off what is not waiting
            let (near, far) = (run(daemon.ftp), run(line.port));
            let waited = far.saturating_sub(near).as_secs_f64() / ROUND_TRIP.as_secs_f64();
            let connections = line.data_connections() / TRIPS;
            println!("| {what} | {:.1} | {connections} |", waited + connections as f64);
            counts.push(waited + connections as f64);
        }
        println!();
        promise(broken, counts[0] <= 17.0, "at most 17 round trips for five files");
    }
}

/// Megabytes per second of the large orig.
fn rate(times: &Times) -> f64 {
    LARGE as f64 / 1e6 / times.wall
}

fn promise(broken: &mut Vec<String>, is_kept: bool, what: &str) {
    if !is_kept {
        broken.push(what.to_string());
    }
}
