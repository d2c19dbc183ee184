//! Uploads for the corpus: a few bases made once by dpkg's own tools, then broken
//! by edits of their bytes, their lists renewed and their texts signed again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use pkgr::check::holdings::{HeldFile, Holdings, Publication, Settings};
use pkgr::check::{self, Folders, Keys, Level, Report};
use pkgr::deb::checksums::{self, Checksums};
use pkgr::diagnostic::Failure;
use pkgr::sign::Signer;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::{CertBuilder, CertRevocationBuilder, CipherSuite};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{Message, Signer as Stream};
use sequoia_openpgp::types::{HashAlgorithm, KeyFlags, ReasonForRevocation};

use crate::common::{TestEnvironment, run};

pub type Files = BTreeMap<String, Vec<u8>>;

/// 2026-11-24, noon: what is obsolete by then stays so in every run.
pub const NOW: u64 = 1_795_521_600;

/// Which package a case begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// `hello 1.0-1`, 3.0 (quilt) with one patch.
    Quilt,
    /// The same with a component `data` and a signature of the orig.
    Components,
    /// `hello 1.0`, 3.0 (native).
    Native,
    /// `hello 1.0-1`, 1.0 with a .diff.gz.
    One,
    /// `hello 1.0`, 1.0 with a tarball only.
    OneNative,
    /// `hello 1:1.0-1`, 3.0 (quilt).
    Epoch,
}

/// What is expected of an upload.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// Accepted, with these warnings and notes, of which those that every unsigned
    /// or unasked case has are left out.
    Accepted(&'static [&'static str]),
    /// Rejected: the code and message of the first finding. `…` at the end: more
    /// may follow.
    Rejected(&'static str, &'static str),
}

pub struct Case {
    /// The number of the rule in docs/archive-rules.md.
    pub rule: &'static str,
    pub name: &'static str,
    pub base: Base,
    pub make: Edit,
    pub expect: Expect,
}

/// What makes a case of a base.
pub type Edit = fn(&mut Upload);

/// Rule, name, base, edit, expectation.
pub type Row = (&'static str, &'static str, Base, Edit, Expect);

/// Rows as cases.
pub fn cases(rows: &[Row]) -> Vec<Case> {
    rows.iter()
        .map(|(rule, name, base, make, expect)| Case { rule, name, base: *base, make: *make, expect: *expect })
        .collect()
}

/// A control file before it is signed.
#[derive(Debug, Clone)]
pub struct Document {
    pub name: String,
    pub text: String,
    /// `None`: it stays unsigned.
    pub key: Option<Who>,
}

impl Document {
    /// Replaces a text that must be there.
    #[track_caller]
    pub fn replace(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "no {from:?} in\n{}", self.text);
        self.text = self.text.replace(from, to);
    }

    /// Takes a field out, with its continuation lines.
    pub fn drop(&mut self, field: &str) {
        let mut inside = false;
        let mut kept = String::new();
        for line in self.text.split_inclusive('\n') {
            if !line.starts_with(' ') {
                inside = line.starts_with(&format!("{field}:"));
            }
            if !inside {
                kept.push_str(line);
            }
        }
        assert!(kept != self.text, "no {field} in\n{}", self.text);
        self.text = kept;
    }

    /// Replaces a field's value, or adds the field.
    pub fn set(&mut self, field: &str, value: &str) {
        if self.text.contains(&format!("{field}:")) {
            self.drop(field);
        }
        self.text.insert_str(0, &format!("{field}: {value}\n"));
    }

    /// Takes the lines of a file out of all lists.
    pub fn unlist(&mut self, file: &str) {
        self.text =
            self.text.split_inclusive('\n').filter(|line| !line.trim_end().ends_with(&format!(" {file}"))).collect();
    }

    /// Rewrites the words of a file's line in one list, or (`""`) in all.
    pub fn edit_lines(&mut self, field: &str, file: &str, edit: fn(&mut Vec<String>)) {
        let mut inside = String::new();
        let mut text = String::new();
        let before = self.text.clone();
        for line in before.split_inclusive('\n') {
            if !line.starts_with(' ') {
                inside = line.split(':').next().unwrap().to_string();
            } else if (field.is_empty() || inside == field) && line.trim_end().ends_with(&format!(" {file}")) {
                let mut words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
                edit(&mut words);
                text.push_str(&format!(" {}\n", words.join(" ")));
                continue;
            }
            text.push_str(line);
        }
        assert!(text != before, "no line of {file} was changed in\n{before}");
        self.text = text;
    }

    /// Adds a file to all lists; its digests are made right later.
    pub fn list(&mut self, file: &str, place: &str) {
        for (field, digits) in [("Files", 32), ("Checksums-Sha1", 40), ("Checksums-Sha256", 64)] {
            let place = if field == "Files" { place } else { "" };
            let line = format!("{field}:\n {} 0 {place}{file}\n", "0".repeat(digits));
            self.replace(&format!("{field}:\n"), &line);
        }
    }
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A key at hand.
    Known,
    /// Another one at hand.
    Second,
    /// At hand, signs with a subkey.
    Subkey,
    /// At hand until 2056.
    Expiring,
    /// At hand, and revoked.
    Revoked,
    /// Not at hand.
    Stranger,
}

pub struct Upload {
    pub dsc: Document,
    pub changes: Document,
    pub buildinfo: Document,
    pub files: Files,
    /// Files whose digests are not renewed.
    pub stale: BTreeSet<String>,
    /// What happens to the signed .dsc before the .changes lists it.
    pub wrap: Option<fn(&str) -> String>,
    /// What happens to the signed files.
    pub after: Vec<fn(&mut Files)>,
    pub path: Option<&'static str>,
    pub published: Vec<(Option<&'static str>, Files)>,
    pub primary: Vec<Files>,
    pub settings: Option<Settings>,
    pub require_signature: bool,
    /// Days after [`NOW`].
    pub days: u64,
    /// Replaced by links to somewhere.
    pub links: Vec<(&'static str, &'static str)>,
}

impl Upload {
    pub fn new(base: Base) -> Upload {
        let mut files = bases()[&base].clone();
        let mut take = |end: &str| {
            let name = files.keys().find(|name| name.ends_with(end)).unwrap().clone();
            let text = String::from_utf8(files.remove(&name).unwrap()).unwrap();
            Document { name, text, key: Some(Who::Known) }
        };
        let (dsc, changes, mut buildinfo) = (take(".dsc"), take(".changes"), take(".buildinfo"));
        buildinfo.key = None;
        Upload {
            dsc,
            changes,
            buildinfo,
            files,
            stale: BTreeSet::new(),
            wrap: None,
            after: Vec::new(),
            path: None,
            published: Vec::new(),
            primary: Vec::new(),
            settings: None,
            require_signature: false,
            days: 0,
            links: Vec::new(),
        }
    }

    /// Replaces a text in all three control files.
    pub fn replace_everywhere(&mut self, from: &str, to: &str) {
        for document in [&mut self.dsc, &mut self.changes, &mut self.buildinfo] {
            document.text = document.text.replace(from, to);
        }
    }

    /// Renames a file, in the lists too.
    pub fn rename(&mut self, from: &str, to: &str) {
        self.replace_everywhere(&format!(" {from}\n"), &format!(" {to}\n"));
        if let Some(bytes) = self.files.remove(from) {
            self.files.insert(to.to_string(), bytes);
        }
        for document in [&mut self.dsc, &mut self.changes, &mut self.buildinfo] {
            if document.name == from {
                document.name = to.to_string();
            }
        }
    }

    /// Gives the package another version; the upstream part stays.
    pub fn reversion(&mut self, from: &str, to: &str) {
        self.replace_everywhere(&format!("Version: {from}\n"), &format!("Version: {to}\n"));
        let bare = |version: &str| version.rsplit(':').next().unwrap().to_string();
        let names: Vec<String> = [&self.dsc.name, &self.buildinfo.name, &self.changes.name]
            .into_iter()
            .chain(self.files.keys())
            .filter(|name| name.contains(&format!("_{}", bare(from))) && !name.contains(".orig"))
            .cloned()
            .collect();
        for name in names {
            let new = name.replace(&format!("_{}", bare(from)), &format!("_{}", bare(to)));
            if name != new {
                self.rename(&name, &new);
            }
        }
    }

    /// Adds a file to the upload and to the lists of .changes and, if `in_dsc`, .dsc.
    pub fn add(&mut self, name: &str, bytes: &[u8], in_dsc: bool) {
        self.files.insert(name.to_string(), bytes.to_vec());
        self.changes.list(name, "misc optional ");
        if in_dsc {
            self.dsc.list(name, "");
        }
    }

    /// Takes a file out of the upload; the .dsc still lists it.
    pub fn leave_out(&mut self, name: &str) -> Vec<u8> {
        self.changes.unlist(name);
        self.files.remove(name).unwrap()
    }

    /// The files as they are sent: lists renewed, texts signed.
    pub fn seal(&mut self) -> Files {
        let mut files = self.files.clone();
        for (name, bytes) in &files {
            if !self.stale.contains(name) {
                self.dsc.text = checksums::replace(&self.dsc.text, name, &Checksums::of(bytes));
            }
        }
        let dsc = String::from_utf8(sign(&self.dsc)).unwrap();
        let dsc = self.wrap.map(|wrap| wrap(&dsc)).unwrap_or(dsc);
        files.insert(self.dsc.name.clone(), dsc.into_bytes());
        files.insert(self.buildinfo.name.clone(), sign(&self.buildinfo));
        for (name, bytes) in &files {
            if !self.stale.contains(name) {
                self.changes.text = checksums::replace(&self.changes.text, name, &Checksums::of(bytes));
            }
        }
        files.insert(self.changes.name.clone(), sign(&self.changes));
        for edit in &self.after {
            edit(&mut files);
        }
        files
    }
}

/// A published package: its files.
pub fn published(base: Base, edit: fn(&mut Upload)) -> Files {
    let mut upload = Upload::new(base);
    edit(&mut upload);
    upload.seal()
}

fn sign(document: &Document) -> Vec<u8> {
    match document.key {
        None => document.text.clone().into_bytes(),
        Some(who) => signer(who).clearsign(document.text.as_bytes()).unwrap(),
    }
}

/// A signature with another digest than pkgr makes.
pub fn sign_with(text: &[u8], who: Who, hash: HashAlgorithm) -> Vec<u8> {
    let policy = &StandardPolicy::new();
    let key = cert(who).keys().with_policy(policy, None).for_signing().secret().next().unwrap();
    let pair = key.key().clone().into_keypair().unwrap();
    let mut out = Vec::new();
    let mut stream =
        Stream::new(Message::new(&mut out), pair).unwrap().cleartext().hash_algo(hash).unwrap().build().unwrap();
    std::io::Write::write_all(&mut stream, text).unwrap();
    stream.finalize().unwrap();
    out
}

const EVERYBODY: [Who; 6] = [Who::Known, Who::Second, Who::Subkey, Who::Expiring, Who::Revoked, Who::Stranger];

fn certs() -> &'static Vec<Cert> {
    static CERTS: OnceLock<Vec<Cert>> = OnceLock::new();
    CERTS.get_or_init(|| {
        let day = Duration::from_secs(24 * 3600);
        // signed by the clock of the machine, judged by NOW: the keys have to hold for both
        let created = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) - 100 * day;
        EVERYBODY
            .iter()
            .map(|who| {
                let builder = CertBuilder::new()
                    .set_creation_time(created)
                    .set_cipher_suite(CipherSuite::Cv25519)
                    .add_userid(format!("{who:?} <a@example.org>"));
                let builder = match who {
                    Who::Subkey => {
                        builder.set_primary_key_flags(KeyFlags::empty().set_certification()).add_signing_subkey()
                    }
                    Who::Expiring => builder
                        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
                        .set_validity_period(30 * 365 * day),
                    _ => builder.set_primary_key_flags(KeyFlags::empty().set_certification().set_signing()),
                };
                builder.generate().unwrap().0
            })
            .collect()
    })
}

pub fn cert(who: Who) -> &'static Cert {
    let place = EVERYBODY.iter().position(|other| *other == who).unwrap();
    &certs()[place]
}

fn signer(who: Who) -> &'static Signer {
    static SIGNERS: OnceLock<Vec<Signer>> = OnceLock::new();
    let signers = SIGNERS.get_or_init(|| {
        let armored = certs().iter().map(|cert| String::from_utf8(cert.as_tsk().armored().to_vec().unwrap()).unwrap());
        armored.map(|key| Signer::resolve(Some(&key), &|_| None, None).unwrap().unwrap()).collect()
    });
    let place = EVERYBODY.iter().position(|other| *other == who).unwrap();
    &signers[place]
}

/// All but the stranger's.
fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(read_keys)
}

fn read_keys() -> Keys {
    let mut keys = Keys::default();
    for who in EVERYBODY.into_iter().filter(|who| *who != Who::Stranger) {
        let mut cert = cert(who).clone();
        if who == Who::Revoked {
            let mut pair = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
            let revocation = CertRevocationBuilder::new()
                .set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"lost")
                .unwrap()
                .build(&mut pair, &cert, None)
                .unwrap();
            cert = cert.insert_packets(vec![revocation]).unwrap().0;
        }
        let armored = cert.armored().to_vec().unwrap();
        keys.add_text(std::str::from_utf8(&armored).unwrap());
    }
    keys
}

/// Folders whose archive is set up otherwise than a new PPA.
struct SetUp {
    folders: Folders,
    settings: Settings,
}

impl Holdings for SetUp {
    fn display_name(&self) -> String {
        self.folders.display_name()
    }
    fn is_known(&self) -> bool {
        true
    }
    fn sources(&self, name: &str) -> Result<Vec<Publication>, Failure> {
        self.folders.sources(name)
    }
    fn file(&self, name: &str) -> Result<Option<HeldFile>, Failure> {
        self.folders.file(name)
    }
    fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.settings.clone())
    }
}

fn write(folder: &Path, files: &Files) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        if !name.contains('/') && !name.contains('\0') {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

/// Writes an upload and everything published, and checks it.
pub fn check(mut upload: Upload, root: &Path) -> Report {
    let files = upload.seal();
    check_sealed(&upload, &files, root)
}

/// The same with these files in its place.
pub fn check_sealed(upload: &Upload, files: &Files, root: &Path) -> Report {
    let folder = root.join("upload");
    write(&folder, files);
    for (name, target) in &upload.links {
        let _ = fs::remove_file(folder.join(name));
        std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
    }
    let mut ppa = Vec::new();
    for (i, (series, files)) in upload.published.iter().enumerate() {
        write(&root.join(format!("ppa{i}")), files);
        ppa.push((series.map(str::to_string), root.join(format!("ppa{i}"))));
    }
    let mut primary = Vec::new();
    for (i, files) in upload.primary.iter().enumerate() {
        write(&root.join(format!("primary{i}")), files);
        primary.push((None, root.join(format!("primary{i}"))));
    }
    let settings = upload.settings.clone().unwrap_or_default();
    let ppa = SetUp { folders: Folders::read("the PPA", &ppa).unwrap(), settings };
    let primary = Folders::read("Primary Archive for Ubuntu", &primary).unwrap();
    let options = check::Options {
        archive: Some(check::Archive::Launchpad),
        path: upload.path.map(str::to_string),
        ppa: &ppa,
        primary: &primary,
        keys: keys(),
        require_signature: upload.require_signature,
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + upload.days * 24 * 3600),
        jobs: 1,
    };
    check::package(&folder.join(&upload.changes.name), &options).unwrap()
}

/// What is wrong with a report, if it is not the expected one.
pub fn difference(report: &Report, expect: Expect) -> Option<String> {
    let rejections: Vec<(&str, &str)> = report
        .findings
        .iter()
        .filter(|finding| finding.rule.level == Level::Rejected)
        .map(|finding| (finding.rule.code, finding.message.as_str()))
        .collect();
    let others: Vec<&str> =
        report.findings.iter().filter(|f| f.rule.level != Level::Rejected).map(|f| f.rule.code).collect();
    match expect {
        Expect::Accepted(wanted) if rejections.is_empty() && others == wanted => None,
        Expect::Accepted(wanted) => {
            Some(format!("expected acceptance with {wanted:?}\n  got {rejections:?} {others:?}"))
        }
        Expect::Rejected(code, message) => {
            let fits = |text: &str| match message.strip_suffix('…') {
                Some(start) => text.starts_with(start),
                None => text == message,
            };
            match rejections.first() {
                Some((got, text)) if *got == code && fits(text) => None,
                _ => Some(format!(
                    "expected {code}: {message}\n  got {:?}",
                    report.findings.iter().map(|f| (f.rule.code, &f.message, &f.facts)).collect::<Vec<_>>()
                )),
            }
        }
    }
}

/// The packages, made by dpkg-buildpackage once per run.
pub fn bases() -> &'static BTreeMap<Base, Files> {
    static BASES: OnceLock<BTreeMap<Base, Files>> = OnceLock::new();
    BASES.get_or_init(|| {
        let environment = TestEnvironment::new();
        let all = [Base::Quilt, Base::Components, Base::Native, Base::One, Base::OneNative, Base::Epoch];
        all.into_iter().map(|base| (base, build(&environment, base))).collect()
    })
}

fn build(environment: &TestEnvironment, base: Base) -> Files {
    let folder = environment.path(format!("work/{base:?}"));
    let tree = folder.join("hello-1.0");
    let put = |path: &str, text: &str| {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("hello.c", "int main(void)\n{\n    return 0;\n}\n");
    put("README", "hello\n");
    let native = matches!(base, Base::Native | Base::OneNative);
    let pack = |name: &str, from: &Path, what: &str| {
        run(Command::new("tar").arg("-czf").arg(folder.join(name)).arg("-C").arg(from).arg(what)).ok();
    };
    if !native {
        pack("hello_1.0.orig.tar.gz", &folder, "hello-1.0");
    }
    if base == Base::Components {
        fs::create_dir(tree.join("data")).unwrap();
        put("data/table", "1 2 3\n");
        pack("hello_1.0.orig-data.tar.gz", &tree, "data");
        fs::write(
            folder.join("hello_1.0.orig.tar.gz.asc"),
            "-----BEGIN PGP SIGNATURE-----\n\n=\n-----END PGP SIGNATURE-----\n",
        )
        .unwrap();
    }
    let version = match base {
        _ if native => "1.0",
        Base::Epoch => "1:1.0-1",
        _ => "1.0-1",
    };
    let format = match base {
        Base::One | Base::OneNative => "1.0",
        Base::Native => "3.0 (native)",
        _ => "3.0 (quilt)",
    };
    put("debian/source/format", &format!("{format}\n"));
    put(
        "debian/changelog",
        &format!(
            "hello ({version}) noble; urgency=medium\n\n  * New.\n\n -- Jane Doe <jane@example.org>  Tue, 24 Nov 2026 12:00:00 +0000\n"
        ),
    );
    put("debian/copyright", "None.\n");
    put("debian/rules", "#!/usr/bin/make -f\n%:\n\ttrue\n");
    put(
        "debian/control",
        "Source: hello\nSection: misc\nPriority: optional\nMaintainer: Jane Doe <jane@example.org>\nStandards-Version: 4.6.2\nBuild-Depends: debhelper-compat (= 13)\n\nPackage: hello\nArchitecture: any\nDescription: greets\n Says hello.\n",
    );
    if format == "3.0 (quilt)" {
        put("debian/patches/series", "fix.patch\n");
        put(
            "debian/patches/fix.patch",
            "--- a/hello.c\n+++ b/hello.c\n@@ -1,4 +1,4 @@\n int main(void)\n {\n-    return 0;\n+    return 1;\n }\n",
        );
    }
    run(Command::new("chmod").arg("+x").arg(tree.join("debian/rules"))).ok();
    // -sa: the orig is sent whatever the revision
    let arguments = ["-S", "-sa", "-us", "-uc", "-d", "-nc", "--no-pre-clean"];
    run(environment.command("dpkg-buildpackage").args(arguments).current_dir(&tree)).ok();
    let mut files = Files::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.insert(path.file_name().unwrap().to_str().unwrap().to_string(), fs::read(&path).unwrap());
        }
    }
    files
}

/// A tarball of files; a name that ends in a slash is a folder.
pub fn tarball(members: &[(&str, &str)]) -> Vec<u8> {
    gzip(&tar_of(|builder| {
        for (name, content) in members {
            let mut header = tar::Header::new_gnu();
            let is_folder = name.ends_with('/');
            header.set_entry_type(if is_folder { tar::EntryType::Directory } else { tar::EntryType::Regular });
            header.set_mode(if is_folder { 0o755 } else { 0o644 });
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
    }))
}

/// A tar, written by a function.
pub fn tar_of(write: impl Fn(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    write(&mut builder);
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
