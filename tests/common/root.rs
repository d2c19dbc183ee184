//! A bare root of the machine's own release, made once and kept under target/,
//! and running programs in a throwaway copy of it: Debian without dpkg-dev, a
//! place to install packages into, or a whole system booted by systemd.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{TestEnvironment, kept, repository};

/// What the root has beyond the essential packages and apt: what the payloads
/// under test run on.
const PACKAGES: &str = "ethtool,iproute2,php-cli,systemd,udev";

/// The root, made on first use; test binaries that come meanwhile wait for it.
pub fn bare() -> PathBuf {
    let codename = codename();
    let root = kept("roots").join(&codename);
    let lock = fs::File::create(kept("roots").join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    if !root.exists() {
        let unfinished = kept("roots").join(format!("{codename}.new"));
        let mut remove = Command::new("rm");
        super::run(remove.arg("-rf").arg(&unfinished)).ok();
        let mut make = Command::new("mmdebstrap");
        make.args(["--variant=minbase", "--quiet", "--include", PACKAGES, &codename]).arg(&unfinished);
        super::run(make.args(apt_sources())).ok();
        fs::rename(&unfinished, &root).unwrap();
    }
    assert!(!root.join("usr/bin/dpkg-source").exists(), "the bare root has dpkg-dev in it");
    root
}

/// The code name of the machine's release.
pub fn codename() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    line.expect("no VERSION_CODENAME in /etc/os-release").trim_matches('"').to_string()
}

/// The machine's own lists of Debian's archive; mmdebstrap reads both forms.
fn apt_sources() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(["debian.sources", "ubuntu.sources"].map(|name| Path::new("/etc/apt/sources.list.d").join(name)));
    files.retain(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("deb")));
    assert!(!files.is_empty(), "apt is configured for no mirror of Debian or Ubuntu");
    files
}

/// Runs `script` under `sh -eu` as root in a copy of the bare root that is gone
/// afterwards, with its own network and processes. `shared` is its /mnt.
pub fn command(environment: &TestEnvironment, shared: &Path, script: &str) -> Command {
    let mut command = enter(environment, shared);
    command.args(["run", script]);
    command
}

/// Boots the copy with systemd, which runs `script` once udev is up and powers
/// off when it ends. What the script prints is in `shared`/log.
pub fn boot(environment: &TestEnvironment, shared: &Path, script: &str) -> Command {
    let mut command = enter(environment, shared);
    command.args(["boot", script]);
    command
}

fn enter(environment: &TestEnvironment, shared: &Path) -> Command {
    // a boot that hangs must not hang the tests
    let mut command = environment.command("timeout");
    command.args(["--kill-after=5", "120", "unshare"]);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        command.args(["--map-root-user", "--map-auto"]);
    }
    // made private by the script, which can do it inside a chroot too
    command.args(["--propagation", "unchanged"]);
    command.args(["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "sh"]);
    command.arg(repository().join("tests/common/in-root.sh")).arg(bare()).arg(shared);
    command
}
