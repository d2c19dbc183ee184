//! A private home with GnuPG, throwaway keys and small packages; the tools of
//! Debian that judge signatures.

#[path = "../common/gpgv_only.rs"]
mod gpgv_only;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pkgr::diagnostic::Failure;
use pkgr::sign::Signer;

/// Everything a test makes lies in one temporary folder.
pub struct World {
    folder: tempfile::TempDir,
}

/// What a command said.
pub struct Said {
    pub success: bool,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn must(self) -> Said {
        assert!(self.success, "exit {}\n{}\n{}", self.code, self.out, self.err);
        self
    }
}

impl World {
    pub fn new() -> World {
        let world = World { folder: tempfile::tempdir().unwrap() };
        for folder in ["home", "gnupg"] {
            std::fs::create_dir(world.path(folder)).unwrap();
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(world.path("gnupg"), std::fs::Permissions::from_mode(0o700)).unwrap();
        world.write("gnupg/gpg-agent.conf", AGENT);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or("/usr/bin:/bin".into()));
        command.env("HOME", self.path("home")).env("GNUPGHOME", self.path("gnupg")).env("LC_ALL", "C.UTF-8");
        command.env("DEBEMAIL", "jane@example.org").env("DEBFULLNAME", "Jane Doe").stdin(std::process::Stdio::null());
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = S>) -> Said {
        said(self.command(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}")))
    }

    pub fn gpg(&self, args: &[&str]) -> Said {
        let quiet = ["--batch", "--no-tty", "--yes", "--pinentry-mode", "loopback"];
        self.run("gpg", quiet.iter().chain(args))
    }

    /// Makes a key as `gpg --quick-gen-key` does; returns its fingerprint.
    pub fn make_key(&self, user: &str, algorithm: &str, usage: &str, passphrase: &str) -> String {
        self.make_key_at(None, user, algorithm, usage, passphrase, "never")
    }

    pub fn make_key_at(
        &self,
        time: Option<&str>,
        user: &str,
        algorithm: &str,
        usage: &str,
        passphrase: &str,
        expiry: &str,
    ) -> String {
        let mut args = Vec::new();
        if let Some(time) = time {
            args.extend(["--faked-system-time", time]);
        }
        args.extend([
            "--passphrase",
            passphrase,
            "--status-fd",
            "1",
            "--quick-gen-key",
            user,
            algorithm,
            usage,
            expiry,
        ]);
        let said = self.gpg(&args).must();
        let created = said.out.lines().find(|line| line.contains("KEY_CREATED")).expect("a key");
        created.split(' ').nth(3).expect("its fingerprint").to_string()
    }

    /// Writes what `gpg --armor EXPORT KEY` says to a file.
    pub fn export(&self, export: &str, key: &str, passphrase: &str) -> PathBuf {
        let said = self.gpg(&["--passphrase", passphrase, "--armor", export, key]).must();
        assert!(said.out.starts_with("-----BEGIN PGP "), "{}", said.err);
        self.write(&format!("keys/{key}{export}.asc"), said.out)
    }

    /// A small unsigned native source package; returns its .changes.
    pub fn package(&self, folder: &str, distribution: &str) -> PathBuf {
        let tree = format!("{folder}/hello-1.0");
        let control = "Source: hello\nSection: misc\nPriority: optional\nMaintainer: Jane Doe <jane@example.org>\n\
            Standards-Version: 4.6.2\nBuild-Depends: debhelper-compat (= 13)\n\n\
            Package: hello\nArchitecture: all\nDescription: greets\n It does.\n";
        self.write(&format!("{tree}/debian/control"), control);
        self.write(&format!("{tree}/debian/source/format"), "3.0 (native)\n");
        self.write(&format!("{tree}/debian/rules"), "#!/usr/bin/make -f\n%:\n\tdh $@\n");
        let changelog = format!(
            "hello (1.0) {distribution}; urgency=medium\n\n  * Caf\u{e9} first.\n\n -- Jane Doe <jane@example.org>  \
             Mon, 02 Nov 2026 10:00:00 +0000\n"
        );
        self.write(&format!("{tree}/debian/changelog"), changelog);
        let mut build = self.command("dpkg-buildpackage");
        build.current_dir(self.path(&tree)).args(["-S", "-us", "-uc", "-d", "-nc"]);
        said(build.output().unwrap()).must();
        self.path(&format!("{folder}/hello_1.0_source.changes"))
    }

    /// Runs the program itself.
    pub fn pkgr(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.command(env!("CARGO_BIN_EXE_pkgr"));
        said(command.args(args).envs(variables.iter().copied()).output().unwrap())
    }

    /// A keyring of all public keys, for gpgv and dscverify.
    pub fn keyring(&self) -> PathBuf {
        let path = self.path("public.gpg");
        self.gpg(&["--output", path.to_str().unwrap(), "--export"]).must();
        path
    }

    /// Asserts that gpg, gpgv and gpgme find each file signed well.
    pub fn must_verify(&self, files: &[PathBuf]) {
        let keyring = self.keyring();
        for file in files {
            self.gpg(&["--verify", file.to_str().unwrap()]).must();
            self.run("gpgv", [OsStr::new("--keyring"), keyring.as_os_str(), file.as_os_str()]).must();
        }
        let script = ["-c", GPGME].map(OsStr::new);
        self.run("/usr/bin/python3", script.into_iter().chain(files.iter().map(|file| file.as_os_str()))).must();
    }

    /// Asserts that Debian's tools accept the package of a signed .changes.
    pub fn must_pass(&self, changes: &Path) {
        let folder = changes.parent().unwrap();
        let dsc = folder.join("hello_1.0.dsc");
        self.must_verify(&[dsc.clone(), folder.join("hello_1.0_source.buildinfo"), changes.to_path_buf()]);
        let keyring = self.path("public.gpg");
        let args = ["--no-conf", "--keyring", keyring.to_str().unwrap(), changes.to_str().unwrap()];
        let said = self.run("dscverify", args).must();
        assert!(said.out.contains("All files validated successfully"), "{}", said.out);
        // dpkg-source looks for its keys in the one (1.21) or the other (1.22)
        for place in ["home/.gnupg", "gnupg"] {
            std::fs::create_dir_all(self.path(place)).unwrap();
            std::fs::copy(&keyring, self.path(place).join("trustedkeys.gpg")).unwrap();
        }
        let unpacked = folder.join("unpacked");
        let args = [OsStr::new("--require-valid-signature"), OsStr::new("-x"), dsc.as_os_str(), unpacked.as_os_str()];
        let mut command = self.command("dpkg-source");
        command.env("PATH", gpgv_only::path(&self.path("gpgv-only"))).args(args);
        assert!(command.status().expect("dpkg-source").success(), "dpkg-source -x {}", dsc.display());
        std::fs::remove_dir_all(unpacked).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // agents of this home only
        let _ = self.command("gpgconf").args(["--kill", "all"]).output();
    }
}

/// Passphrases are hashed 65 million times over unless an agent is told otherwise.
pub const AGENT: &str = "s2k-count 65536\n";

/// Verifies as Launchpad does.
const GPGME: &str = "
import gpg, sys
for name in sys.argv[1:]:
    data, result = gpg.Context().verify(open(name, 'rb').read())
    [signature] = result.signatures
    assert signature.status == 0 and signature.hash_algo >= 8, signature
";

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said {
        success: output.status.success(),
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Resolves the key in a file, with a passphrase.
pub fn native(path: &Path, passphrase: &str) -> Result<Signer, Failure> {
    let passphrase = passphrase.to_string();
    let variable = move |name: &str| (name == pkgr::sign::PASSPHRASE_VARIABLE).then(|| passphrase.clone());
    Signer::resolve(path.to_str(), &variable, None).map(|signer| signer.expect("a key was named"))
}
