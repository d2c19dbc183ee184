//! What the integration tests share: a private world per test (home, caches,
//! keys, temporary files), running programs in it, and the judges of
//! [`judge`] and [`reference`]. Nothing here knows pkgr's inside; it is called
//! as a user calls it.
//!
//! A missing program fails the test that needs it: `tests/run` installs all.

// every test binary compiles this module and uses a part of it
#![allow(dead_code)]

pub mod apt;
pub mod control;
pub mod gpgv_only;
pub mod judge;
pub mod reference;
pub mod root;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The pkgr under test.
pub const PKGR: &str = env!("CARGO_BIN_EXE_pkgr");

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder under target/ that outlives the test run: downloads and roots.
pub fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A private world, removed at the end of the test.
pub struct TestEnvironment {
    root: tempfile::TempDir,
    key: OnceLock<Key>,
}

/// A throwaway signing key without a passphrase.
pub struct Key {
    /// 40 hexadecimal digits.
    pub fingerprint: String,
    /// The armored secret key.
    pub secret: PathBuf,
    /// The public key, unarmored, as gpgv and dscverify take it.
    pub keyring: PathBuf,
}

impl TestEnvironment {
    pub fn new() -> TestEnvironment {
        // a short path: a socket of gpg-agent has to fit into 108 bytes
        let root = tempfile::Builder::new().prefix("pkgr-").tempdir().unwrap();
        let environment = TestEnvironment { root, key: OnceLock::new() };
        for folder in ["home", "tmp", "work"] {
            fs::create_dir(environment.path(folder)).unwrap();
        }
        fs::create_dir(environment.gnupg()).unwrap();
        run(Command::new("chmod").arg("700").arg(environment.gnupg())).ok();
        environment
    }

    /// A path inside the private world.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    /// The folder in which programs start.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    fn gnupg(&self) -> PathBuf {
        self.path("home/.gnupg")
    }

    /// A program that sees nothing of the user's environment but PATH.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("GNUPGHOME", self.gnupg())
            .env("XDG_CONFIG_HOME", self.path("home/.config"))
            .env("XDG_CACHE_HOME", self.path("home/.cache"))
            .env("XDG_DATA_HOME", self.path("home/.local/share"))
            .env("XDG_STATE_HOME", self.path("home/.local/state"))
            .env("TMPDIR", self.path("tmp"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// `pkgr ARGUMENTS…` in the work folder.
    pub fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(PKGR);
        // nobody listens there: a test that wants a Launchpad names its own
        command.env("PKGR_LAUNCHPAD", "http://127.0.0.1:9/devel");
        command.args(arguments);
        command
    }

    /// The key of this world, made on first use; gpg, gpgv and dpkg trust it.
    pub fn key(&self) -> &Key {
        self.key.get_or_init(|| {
            let user = "Du9L <du9l@example.org>";
            run(self
                .command("gpg")
                .args(["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", user])
                .args(["ed25519", "sign", "never"]))
            .ok();
            let listing = run(self.command("gpg").args(["--batch", "--with-colons", "--list-keys"])).ok().stdout;
            let fingerprint = listing.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap();
            let key = Key {
                fingerprint: fingerprint.trim_end_matches(':').to_string(),
                secret: self.path("home/secret.asc"),
                // the name under which gpgv and dpkg-source look for it
                keyring: self.gnupg().join("trustedkeys.gpg"),
            };
            let export = |what: &str, armor: &[&str], to: &Path| {
                let mut gpg = self.command("gpg");
                gpg.args(["--batch", "--pinentry-mode", "loopback", "--passphrase", ""]).args(armor);
                let said = run(gpg.arg("--output").arg(to).arg(what)).ok();
                assert!(to.exists(), "gpg {what} gave nothing: {}", said.stderr);
            };
            export("--export", &[], &key.keyring);
            export("--export-secret-keys", &["--armor"], &key.secret);
            key
        })
    }

    /// Copies a folder of the repository into the work folder, under its own name.
    pub fn copy(&self, folder: &str) -> PathBuf {
        let from = repository().join(folder);
        let to = self.work().join(from.file_name().unwrap());
        copy_tree(&from, &to);
        to
    }
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        if self.key.get().is_some() {
            let _ = self.command("gpgconf").args(["--kill", "all"]).status();
        }
    }
}

/// What a program did.
#[derive(Debug)]
pub struct Run {
    pub command: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// It succeeded, or the test fails with all that it said.
    #[track_caller]
    pub fn ok(self) -> Run {
        self.exits(0)
    }

    /// It ended with this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Run {
        assert!(
            self.code == Some(code),
            "{}\nended with {:?}, not {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.command,
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Runs a program to its end; a program that is not there fails the test.
#[track_caller]
pub fn run(command: &mut Command) -> Run {
    let shown = format!("{command:?}");
    match command.output() {
        Ok(output) => Run {
            command: shown,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(error) => panic!("{shown}: {error} (tests/run installs what the tests need)"),
    }
}

/// Copies files, folders and symbolic links, with their permission bits.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_tree(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a folder and its bytes (of a link, what it points to), by
/// path relative to it.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(current) = waiting.pop() {
        for entry in fs::read_dir(&current).unwrap_or_else(|e| panic!("{}: {e}", current.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            } else {
                let read = match fs::read_link(&path) {
                    Ok(target) => Ok(target.into_os_string().into_encoded_bytes()),
                    Err(_) => fs::read(&path),
                };
                let bytes = read.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), bytes);
            }
        }
    }
    found
}

/// The same files with the same bytes; the message names those that differ.
#[track_caller]
pub fn assert_same_files(left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    let mut different = Vec::new();
    for name in left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))) {
        match (left.get(name), right.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let at = a.iter().zip(b).take_while(|(x, y)| x == y).count();
                different.push(format!("{} differs at byte {at} ({} and {} bytes)", name.display(), a.len(), b.len()));
            }
            (Some(_), None) => different.push(format!("{} is only left", name.display())),
            _ => different.push(format!("{} is only right", name.display())),
        }
    }
    assert!(different.is_empty(), "{what}:\n{}", different.join("\n"));
}

/// The .changes files of a folder, sorted.
pub fn changes_in(folder: &Path) -> Vec<PathBuf> {
    files_ending(folder, "_source.changes")
}

/// The files of a folder whose name ends so, sorted.
pub fn files_ending(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found: Vec<PathBuf> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.to_string_lossy().ends_with(end)).collect();
    found.sort();
    found
}

/// Compares a text with the file `tests/golden/NAME`; with UPDATE_GOLDEN set,
/// writes the file instead.
#[track_caller]
pub fn assert_golden(name: &str, actual: &str) {
    let path = repository().join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected =
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e} (UPDATE_GOLDEN=1 writes it)", path.display()));
    assert!(expected == actual, "{} differs (UPDATE_GOLDEN=1 rewrites it)\n--- now\n{actual}", path.display());
}

/// Compares a folder with `tests/golden/NAME`: the same files, the same bytes,
/// the same executable bits; with UPDATE_GOLDEN set, replaces it instead.
#[track_caller]
pub fn assert_golden_folder(name: &str, actual: &Path) {
    let stored = repository().join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(&stored);
        copy_tree(actual, &stored);
        return;
    }
    let with_modes = |folder: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = snapshot(folder);
        let is_executable = |path: &PathBuf| folder.join(path).metadata().unwrap().permissions().mode() & 0o111 != 0;
        let executable: String = files.keys().filter(|p| is_executable(p)).map(|p| format!("{p:?}\n")).collect();
        files.insert("the names of those that are executable".into(), executable.into());
        files
    };
    let (stored, actual) = (with_modes(&stored), with_modes(actual));
    assert_same_files(&stored, &actual, &format!("tests/golden/{name} and now (UPDATE_GOLDEN=1 rewrites it)"));
}

/// Builds the binary packages of a .dsc with the machine's debhelper, in a new
/// folder beside it, and returns the .deb files.
pub fn build_binaries(environment: &TestEnvironment, dsc: &Path) -> Vec<PathBuf> {
    let folder = environment.path("binary");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    run(environment.command("dpkg-source").args(["--no-check", "-x"]).arg(dsc).arg(folder.join("tree"))).ok();
    run(environment.command("dpkg-buildpackage").args(["-b", "-us", "-uc"]).current_dir(folder.join("tree"))).ok();
    files_ending(&folder, ".deb")
}
