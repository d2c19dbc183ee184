//! Roots of Debian releases in which modules are built and installed: made once
//! by mmdebstrap from the machine's own mirror and kept under target/, with the
//! packages of every flavor fetched, so that nothing is fetched while a test
//! runs. Programs run in a throwaway copy in memory, without a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::{TestEnvironment, kept, repository, run};

/// Where the fetched packages are inside.
pub const PACKAGES: &str = "/srv/packages";

/// A release and what its root has.
pub struct Release {
    /// Its code name.
    pub codename: &'static str,
    /// Installed from the start, separated by commas.
    pub installed: &'static str,
    /// Sets of packages to fetch with all that each depends on; those of one
    /// set can be installed together.
    pub fetched: &'static [&'static str],
    /// Source packages to fetch.
    pub sources: &'static [&'static str],
}

/// The root, made on first use; whoever comes meanwhile waits for it.
pub fn root(release: &Release) -> PathBuf {
    let roots = kept("roots");
    let root = roots.join(format!("modules-{}", release.codename));
    let lock = fs::File::create(roots.join(format!("modules-{}.lock", release.codename))).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    if root.exists() {
        return root;
    }
    let unfinished = roots.join(format!("modules-{}.new", release.codename));
    run(Command::new("rm").arg("-rf").arg(&unfinished)).ok();
    let mut make = Command::new("mmdebstrap");
    make.args(["--variant=minbase", "--quiet", "--skip=cleanup/apt", "--include", release.installed]);
    make.arg("--keyring=/usr/share/keyrings/debian-archive-keyring.gpg");
    make.arg(format!("--customize-hook=mkdir -p \"$1\"{PACKAGES}/partial"));
    for set in release.fetched {
        make.arg(format!(
            "--customize-hook=chroot \"$1\" apt-get -qq -y -o Dir::Cache::Archives={PACKAGES} \
             -o APT::Sandbox::User=root --no-install-recommends --download-only install {set}"
        ));
    }
    for package in release.sources {
        let fetch = format!("apt-get -qq -o APT::Sandbox::User=root --download-only source {package}");
        make.arg(format!("--customize-hook=chroot \"$1\" sh -c 'cd {PACKAGES} && {fetch}'"));
    }
    make.arg(release.codename).arg(&unfinished);
    for kind in ["deb", "deb-src"] {
        make.arg(format!("{kind} {} {} main", mirror(), release.codename));
    }
    run(&mut make).ok();
    fs::rename(&unfinished, &root).unwrap();
    root
}

/// The mirror of Debian's archive that the machine's apt uses.
fn mirror() -> String {
    let etc = Path::new("/etc/apt");
    let mut files = vec![etc.join("sources.list")];
    if let Ok(entries) = fs::read_dir(etc.join("sources.list.d")) {
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    let texts: Vec<String> = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let words = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().starts_with('#'));
    let mut mirrors = words.flat_map(str::split_whitespace).filter(|word| {
        let word = word.trim_end_matches('/');
        word.starts_with("http") && word.ends_with("/debian")
    });
    mirrors.next().expect("apt is configured for no mirror of Debian").to_string()
}

/// Runs `script` under `sh -eu` as root in a copy of the root that is gone
/// afterwards; `shared` is its /mnt.
pub fn command(environment: &TestEnvironment, root: &Path, shared: &Path, script: &str) -> Command {
    let mut command = environment.command("timeout");
    command.args(["--kill-after=5", "600", "unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup"]);
    command.args(["--fork", "--kill-child", "sh"]);
    command.arg(repository().join("tests/common/in-root.sh")).arg(root).arg(shared).args(["run", script]);
    command
}

/// The one fetched file whose name begins and ends so.
pub fn fetched(root: &Path, start: &str, end: &str) -> PathBuf {
    let folder = root.join(PACKAGES.trim_start_matches('/'));
    let mut paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(start) && name.ends_with(end)
    };
    paths.find(named).unwrap_or_else(|| panic!("no {start}…{end} in {}", folder.display()))
}
