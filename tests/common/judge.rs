//! Whether Debian's own tools accept a signed source package: gpg, gpgme,
//! dscverify, dpkg-source, dput, lintian, and a look into the tarball. What
//! dpkg-dev would have made of the same tree is [`super::reference`]'s matter.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::control::Paragraph;
use super::{TestEnvironment, gpgv_only, repository, run};

/// A source package on disk, by its .changes.
pub struct Package {
    pub changes: PathBuf,
    pub dsc: PathBuf,
    pub buildinfo: PathBuf,
    /// Code name of the series.
    pub series: String,
    /// `ubuntu` or `debian`.
    pub vendor: &'static str,
}

impl Package {
    /// Reads a .changes; the names that it lists say the rest.
    pub fn of(changes: &Path) -> Package {
        let paragraph = Paragraph::read(changes);
        let folder = changes.parent().unwrap();
        let listed = paragraph.files("Files");
        let ending = |end: &str| {
            let names: Vec<_> = listed.iter().filter(|file| file.name.ends_with(end)).collect();
            assert_eq!(names.len(), 1, "{} lists {} files *{end}", changes.display(), names.len());
            folder.join(&names[0].name)
        };
        Package {
            changes: changes.to_path_buf(),
            dsc: ending(".dsc"),
            buildinfo: ending(".buildinfo"),
            series: paragraph.need("Distribution").to_string(),
            vendor: if paragraph.need("Version").contains("~ubuntu") { "ubuntu" } else { "debian" },
        }
    }

    fn signed_files(&self) -> [&Path; 3] {
        [&self.dsc, &self.buildinfo, &self.changes]
    }
}

/// Signatures, digests, and the dry run of an upload; then unpacks the package
/// with dpkg-source, which has to find a valid signature, and returns the tree.
#[track_caller]
pub fn accept(environment: &TestEnvironment, package: &Package) -> PathBuf {
    signatures(environment, package);
    dscverify(environment, package);
    dput(environment, package);
    tarballs(package);
    unpack(environment, package)
}

/// Each of the three files is signed by the environment's key: says gpg, and
/// says gpgme, which Launchpad asks.
#[track_caller]
fn signatures(environment: &TestEnvironment, package: &Package) {
    for file in package.signed_files() {
        let verified = run(environment.command("gpg").args(["--batch", "--status-fd", "1", "--verify"]).arg(file)).ok();
        let valid = format!("VALIDSIG {}", environment.key().fingerprint);
        assert!(verified.stdout.contains(&valid), "{}: {}", file.display(), verified.stdout);
        let text = fs::read_to_string(file).unwrap();
        assert!(text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA"), "{}: {text}", file.display());
        assert!(text.ends_with("-----END PGP SIGNATURE-----\n"), "{}: text after the signature", file.display());
    }
    let gpgme = "import sys, gpg\n\
        for name in sys.argv[2:]:\n    \
            text, result = gpg.Context().verify(open(name, 'rb').read())\n    \
            signers = [s.fpr for s in result.signatures]\n    \
            assert signers == [sys.argv[1]], (name, signers)\n";
    // python3-gpg is Debian's, so it is Debian's python that knows it
    let mut python = environment.command("/usr/bin/python3");
    run(python.args(["-c", gpgme, &environment.key().fingerprint]).args(package.signed_files())).ok();
}

#[track_caller]
fn dscverify(environment: &TestEnvironment, package: &Package) {
    let mut command = environment.command("dscverify");
    command.args(["--no-conf", "--no-default-keyrings", "--keyring"]).arg(&environment.key().keyring);
    let verified = run(command.arg(&package.changes)).ok();
    assert!(verified.stdout.contains("All files validated"), "{}{}", verified.stdout, verified.stderr);
}

/// dput's checks of a target that takes signed packages only, without sending.
#[track_caller]
fn dput(environment: &TestEnvironment, package: &Package) {
    let incoming = environment.path("incoming");
    fs::create_dir_all(&incoming).unwrap();
    let configuration = environment.path("dput.cf");
    let text = format!(
        "[local]\nfqdn = localhost\nmethod = local\nincoming = {}\nallow_unsigned_uploads = 0\n\
         hash = md5\nrun_lintian = 0\nrun_dinstall = 0\ncheck_version = 0\n",
        incoming.display()
    );
    fs::write(&configuration, text).unwrap();
    let mut command = environment.command("dput");
    command.arg("-c").arg(&configuration).args(["--simulate", "--force", "local"]).arg(&package.changes);
    run(command.current_dir(package.changes.parent().unwrap())).ok();
}

/// What we pack ourselves holds nothing but plain files, folders and links of
/// root's, once each, writable by nobody else.
#[track_caller]
fn tarballs(package: &Package) {
    for listed in Paragraph::read(&package.dsc).files("Files") {
        if listed.name.contains(".orig") {
            continue;
        }
        let mut seen = BTreeSet::new();
        for member in members(&package.dsc.with_file_name(&listed.name)) {
            let what = format!("{}: {member:?}", listed.name);
            assert_eq!((member.uid, member.gid, member.owner.as_str()), (0, 0, "/"), "{what}");
            assert!(matches!(member.kind, b'0' | b'2' | b'5'), "{what}");
            assert!(member.kind == b'2' || member.mode == 0o644 || member.mode == 0o755, "{what}");
            assert!(!member.name.starts_with('/') && !member.name.split('/').any(|part| part == ".."), "{what}");
            assert!(seen.insert(member.name), "{what}: twice");
        }
        assert!(seen.iter().any(|name| name.ends_with("debian/changelog")), "{}: no debian/changelog", listed.name);
    }
}

/// One member of a tar file, all that unpacking can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub kind: u8,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// `user/group` by name.
    pub owner: String,
    pub mtime: u64,
    pub link: String,
    pub content: Vec<u8>,
}

/// The members of a .tar.xz or .tar.gz, in its order.
pub fn members(path: &Path) -> Vec<Member> {
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let reader: Box<dyn Read> = match path.extension().and_then(|e| e.to_str()) {
        Some("xz") => Box::new(liblzma::read::XzDecoder::new_multi_decoder(file)),
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        _ => panic!("{}: neither .gz nor .xz", path.display()),
    };
    let mut archive = tar::Archive::new(reader);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            let names = [header.username(), header.groupname()].map(|n| n.unwrap().unwrap_or_default().to_string());
            Member {
                name: String::from_utf8(entry.path_bytes().trim_ascii_end().to_vec())
                    .unwrap()
                    .trim_end_matches('/')
                    .into(),
                kind: header.entry_type().as_byte(),
                mode: header.mode().unwrap(),
                uid: header.uid().unwrap(),
                gid: header.gid().unwrap(),
                owner: names.join("/"),
                mtime: header.mtime().unwrap(),
                link: entry.link_name().unwrap().map(|l| l.to_string_lossy().into_owned()).unwrap_or_default(),
                content,
            }
        })
        .collect()
}

#[track_caller]
fn unpack(environment: &TestEnvironment, package: &Package) -> PathBuf {
    let name = package.dsc.file_stem().unwrap();
    let folder = environment.path("unpacked");
    fs::create_dir_all(&folder).unwrap();
    let tree = folder.join(name);
    let mut command = environment.command("dpkg-source");
    command.env("PATH", gpgv_only::path(&environment.path("gpgv-only")));
    let unpacked = run(command.args(["--require-valid-signature", "-x"]).arg(&package.dsc).arg(&tree)).ok();
    assert!(!unpacked.stderr.contains("warning"), "{}", unpacked.stderr);
    tree
}

/// What lintian says of packages of one vendor, E and W, minus the closed list
/// in `tests/lintian-allowed.txt`; empty is good. One run for all of them, for
/// half its time is starting up.
pub fn lintian(environment: &TestEnvironment, packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for vendor in ["debian", "ubuntu"] {
        for package in packages.iter().filter(|package| package.vendor == vendor) {
            let mut command = environment.command("lintian");
            command.args(["--no-cfg", "--allow-root", "--profile", vendor, "--color", "never"]);
            let said = run(command.arg(&package.changes));
            assert!(matches!(said.code, Some(0 | 2)), "{}{}", said.stdout, said.stderr);
            for line in said.stdout.lines().filter(|line| line.starts_with("E: ") || line.starts_with("W: ")) {
                let tag = line.splitn(3, ": ").nth(2).unwrap_or_default();
                if !allowed().iter().any(|a| a.covers(tag, package)) {
                    found.push(format!("{}: {line}", package.series));
                }
            }
        }
    }
    found
}

/// One line of `tests/lintian-allowed.txt`.
struct Allowed {
    tag: String,
    /// `ubuntu`, `debian`, a series, or `*`.
    on: String,
}

impl Allowed {
    fn covers(&self, tag: &str, package: &Package) -> bool {
        // an entry with a context stands for what begins with it
        let named = match self.tag.contains(' ') {
            true => tag.starts_with(&self.tag),
            false => tag.split(' ').next() == Some(&self.tag),
        };
        named && (self.on == "*" || self.on == package.vendor || self.on == package.series)
    }
}

/// The closed list; each line has to give a reason.
fn allowed() -> &'static [Allowed] {
    static LIST: std::sync::OnceLock<Vec<Allowed>> = std::sync::OnceLock::new();
    LIST.get_or_init(|| {
        let text = fs::read_to_string(repository().join("tests/lintian-allowed.txt")).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                let cells: Vec<&str> = line.splitn(3, " | ").map(str::trim).collect();
                assert!(cells.len() == 3 && !cells[2].is_empty(), "no reason: {line}");
                Allowed { on: cells[0].to_string(), tag: cells[1].to_string() }
            })
            .collect()
    })
}
