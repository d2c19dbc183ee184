//! Before the first byte: what can be known to fail there is refused here.
//!
//! A .changes goes up when it and its .dsc are signed well (or a key is at hand
//! that signs them now), every file that it lists is there with the size and
//! digests listed, and its distribution is one that the target takes. A PPA takes
//! source packages for the series of Ubuntu that live; what is for others is
//! skipped, not refused. The archive's own rules are `check`'s matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sequoia_openpgp::Cert;

use super::Item;
use super::keys;
use super::manifest::{Manifest, ManifestError};
use super::target::{Rules, Target};
use crate::deb::checksums::{Checksums, Hasher};
use crate::diagnostic::{Diagnostic, Failure};
use crate::listener::Listener;
use crate::series::{Distro, Series, catalog};
use crate::sign::verify::{VerifyError, verify};
use crate::sign::{self, SignError, Signer};
use crate::{files, parallel};

/// One upload that may go up: signed, whole, and for a series that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The .changes.
    pub changes: PathBuf,
    /// The source package.
    pub source: String,
    /// Its version.
    pub version: String,
    /// The distribution that the .changes names.
    pub distribution: String,
    /// The files in the order of sending, the .changes last.
    pub items: Vec<Item>,
    /// SHA-256 of each file, by its name.
    pub sha256: BTreeMap<String, String>,
    /// Fingerprint of who signed the .changes; `None`: unsigned, or the key is not at hand.
    pub signed_by: Option<String>,
}

impl Prepared {
    /// In series order, then by source and version: Debian's before Ubuntu's,
    /// each oldest first, unknown ones last.
    pub fn sort(packages: &mut [Prepared]) {
        packages.sort_by(|a, b| {
            let place = |p: &Prepared| catalog().find(&p.distribution).map_or((1, None), |series| (0, Some(series)));
            let version = |p: &Prepared| crate::deb::version::Version::parse(&p.version).ok();
            place(a).cmp(&place(b)).then_with(|| a.source.cmp(&b.source)).then_with(|| version(a).cmp(&version(b)))
        });
    }
}

/// What became of one .changes.
#[derive(Debug)]
pub enum Verdict {
    /// It may go up.
    Ready(Prepared),
    /// It is not meant for this target: why.
    Skipped(String),
    /// It must not go up.
    Refused(Failure),
}

/// What preparing may use.
pub struct Options<'a> {
    /// Signs what is unsigned.
    pub signer: Option<&'a Signer>,
    /// Certificates at hand besides GnuPG's.
    pub certs: &'a [Cert],
    /// Threads for hashing.
    pub jobs: usize,
    /// ISO date by which series live.
    pub today: &'a str,
    /// Take also what is for an obsolete series: some PPAs do.
    pub force: bool,
    /// Sign nothing.
    pub dry_run: bool,
    /// Whether the user named the files: what is for another series than the
    /// target's is not passed over then.
    pub named: bool,
}

/// No .changes is larger; reading stops there.
const LARGEST: u64 = 16 << 20;

/// Why a package must not go up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages tell it
pub enum PrepareError {
    #[error("{}: {why}", changes.display())]
    Malformed { changes: PathBuf, why: ManifestError },
    #[error("{} is larger than 16 MiB, and no .changes", changes.display())]
    TooLarge { changes: PathBuf },
    #[error("{} is for the distribution UNRELEASED", changes.display())]
    Unreleased { changes: PathBuf },
    #[error("{} holds binary packages ({architectures})", changes.display())]
    Binary { changes: PathBuf, architectures: String },
    #[error("{} is for `{distribution}`, which is no series of Ubuntu or Debian", changes.display())]
    UnknownSeries { changes: PathBuf, distribution: String },
    #[error("{} is for {series}, which is obsolete since {since}", changes.display())]
    Obsolete { changes: PathBuf, series: String, since: String },
    #[error("{} is for `{distribution}`, and a PPA has no pockets", changes.display())]
    Pocket { changes: PathBuf, distribution: String },
    #[error("{} is for `{distribution}`, which {target} does not take", changes.display())]
    NotAllowed { changes: PathBuf, distribution: String, target: String, pattern: String },
    #[error("{} is not signed", file.display())]
    Unsigned { file: PathBuf },
    #[error("{}: {why}", file.display())]
    Signature { file: PathBuf, why: VerifyError },
    #[error("{} lists {name}, which is not there", changes.display())]
    Missing { changes: PathBuf, name: String },
    #[error("{name} is not what {} says", changes.display())]
    Mismatch { changes: PathBuf, name: String, details: Vec<String> },
    #[error("{0}")]
    Sign(SignError),
    #[error("{0}")]
    Io(Failure),
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Failure {
        use PrepareError::*;
        let (code, hint) = match &error {
            Malformed { .. } | TooLarge { .. } => ("bad-changes", None),
            Unreleased { .. } => ("unreleased", Some("name the series in debian/changelog and build anew".to_string())),
            Binary { .. } => ("binary-upload", Some("build with `dpkg-buildpackage -S`, or with pkgr".to_string())),
            UnknownSeries { .. } => ("unknown-series", Some("name a series: `noble`, not `24.04`".to_string())),
            Obsolete { .. } => {
                ("obsolete-series", Some("if this PPA permits obsolete series, upload with --force".to_string()))
            }
            Pocket { .. } => ("pocket-in-ppa", Some("name the series alone".to_string())),
            NotAllowed { pattern, .. } => ("distribution-not-allowed", Some(format!("it takes `{pattern}`"))),
            Unsigned { .. } => ("not-signed", Some("give --key, or sign it with `pkgr sign`".to_string())),
            Signature { .. } => ("bad-signature", Some("sign it again with `pkgr sign`".to_string())),
            Missing { .. } => ("listed-file-missing", Some("build the package anew".to_string())),
            Mismatch { .. } => ("checksum-mismatch", Some("build the package anew, and sign it".to_string())),
            Sign(_) | Io(_) => ("", None),
        };
        let mut diagnostic = Diagnostic::error(code, error.to_string());
        diagnostic.hints.extend(hint);
        match error {
            Sign(error) => error.into(),
            Io(failure) => failure,
            Mismatch { details, .. } => {
                diagnostic.notes = details;
                Failure::recipe(diagnostic)
            }
            _ => Failure::recipe(diagnostic),
        }
    }
}

/// A .changes that was read, and the signed files beside it.
struct Read {
    changes: PathBuf,
    manifest: Manifest,
    /// The .changes, .dsc and .buildinfo: name and bytes.
    documents: Vec<(PathBuf, Vec<u8>)>,
}

/// Checks every .changes, signs where that is wanted, and hashes every file once.
/// The verdicts are in the order of `paths`.
pub fn prepare(
    paths: &[PathBuf],
    target: &Target,
    options: &Options,
    listener: &dyn Listener,
) -> Vec<(PathBuf, Verdict)> {
    let read = paths.iter().map(|path| read(path, target, options, listener));
    let read: Vec<Result<Result<Read, String>, PrepareError>> = read.collect();
    let good: Vec<&Read> = read.iter().flatten().flatten().collect();
    let documents: Vec<&[u8]> = good.iter().flat_map(|r| r.documents.iter().map(|(_, bytes)| &bytes[..])).collect();
    let certs = keys::with_those_of_gpg(options.certs.to_vec(), &documents);
    let sums = hash_all(&good, options.jobs, listener);
    let verdicts = read.into_iter().map(|read| match read {
        Err(error) => Verdict::Refused(error.into()),
        Ok(Err(reason)) => Verdict::Skipped(reason),
        Ok(Ok(read)) => match finish(&read, &target.rules, &certs, &sums, options, listener) {
            Ok(prepared) => Verdict::Ready(prepared),
            Err(error) => Verdict::Refused(error.into()),
        },
    });
    paths.iter().cloned().zip(verdicts).collect()
}

/// Reads one .changes; the inner error is why it is skipped.
fn read(
    changes: &Path,
    target: &Target,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Result<Read, String>, PrepareError> {
    let mut bytes = bounded(changes)?;
    let malformed = |why| PrepareError::Malformed { changes: changes.to_path_buf(), why };
    let mut manifest = Manifest::parse(&bytes).map_err(malformed)?;
    if let Some(reason) = judge(changes, &manifest, target, options)? {
        return Ok(Err(reason));
    }
    if let Some(signer) = options.signer.filter(|_| !options.dry_run && !sign::is_signed(&bytes)) {
        sign::sign_files(signer, &[changes.to_path_buf()]).map_err(PrepareError::Sign)?;
        listener.detail(&format!("signed {} with {}", changes.display(), signer.describe()));
        bytes = bounded(changes)?;
        manifest = Manifest::parse(&bytes).map_err(malformed)?;
    }
    let mut documents = vec![(changes.to_path_buf(), bytes)];
    for file in &manifest.files {
        if file.name.ends_with(".dsc") || file.name.ends_with(".buildinfo") {
            let path = changes.with_file_name(&file.name);
            if path.is_file() {
                documents.push((path.clone(), bounded(&path)?));
            }
        }
    }
    Ok(Ok(Read { changes: changes.to_path_buf(), manifest, documents }))
}

fn bounded(path: &Path) -> Result<Vec<u8>, PrepareError> {
    let io = |e: std::io::Error| PrepareError::Io(Failure::io("read", path, &e));
    if std::fs::metadata(path).map_err(io)?.len() > LARGEST {
        return Err(PrepareError::TooLarge { changes: path.to_path_buf() });
    }
    std::fs::read(path).map_err(io)
}

/// Whether the target takes it: `Some` why it is skipped.
fn judge(
    changes: &Path,
    manifest: &Manifest,
    target: &Target,
    options: &Options,
) -> Result<Option<String>, PrepareError> {
    let changes = changes.to_path_buf();
    let distribution = manifest.distribution.clone();
    if distribution.split_whitespace().any(|word| word == "UNRELEASED") {
        return Err(PrepareError::Unreleased { changes });
    }
    if let Some(allowed) = target.rules.allowed.as_ref().filter(|allowed| !allowed.allows(&distribution)) {
        let pattern = allowed.pattern.clone();
        return Err(PrepareError::NotAllowed { changes, distribution, target: target.name.clone(), pattern });
    }
    let Some(ppa) = &target.rules.ppa else { return Ok(None) };
    if manifest.architectures != ["source"] {
        return Err(PrepareError::Binary { changes, architectures: manifest.architectures.join(" ") });
    }
    let find = |name: &str| catalog().find(name);
    if let Some(series) = &ppa.series {
        if distribution == *series || options.named {
            return obsolete(changes, series, find(series), options).map(|()| None);
        }
        return Ok(Some(format!("it is for {distribution}, and {} takes {series}", target.name)));
    }
    let pocket = distribution.split_once('-').is_some_and(|(name, _)| find(name).is_some());
    match find(&distribution) {
        Some(series) if series.distro != Distro::Ubuntu => {
            Ok(Some(format!("it is for {}'s {distribution}, and a PPA takes Ubuntu's series", series.distro.vendor())))
        }
        None if pocket => Err(PrepareError::Pocket { changes, distribution }),
        None if ["unstable", "testing", "stable", "experimental"].contains(&distribution.as_str()) => {
            Ok(Some(format!("it is for Debian's {distribution}, and a PPA takes Ubuntu's series")))
        }
        // the alias of what Ubuntu develops
        None if distribution == "devel" => Ok(None),
        None => Err(PrepareError::UnknownSeries { changes, distribution }),
        series => obsolete(changes, &distribution, series, options).map(|()| None),
    }
}

fn obsolete(changes: PathBuf, name: &str, series: Option<&Series>, options: &Options) -> Result<(), PrepareError> {
    match series.filter(|series| series.is_dead(options.today) && !options.force) {
        Some(series) => {
            let since = series.eol.clone().max(series.eol_extended.clone());
            Err(PrepareError::Obsolete { changes, series: name.to_string(), since })
        }
        None => Ok(()),
    }
}

type Sums = BTreeMap<PathBuf, Result<Checksums, Failure>>;

/// Every file of all packages once, in parallel: several list the same orig.
fn hash_all(packages: &[&Read], jobs: usize, listener: &dyn Listener) -> Sums {
    let mut paths: Vec<PathBuf> = Vec::new();
    for package in packages {
        paths.extend(package.manifest.files.iter().map(|file| package.changes.with_file_name(&file.name)));
    }
    paths.sort();
    paths.dedup();
    paths.retain(|path| path.is_file());
    let sums = parallel::map(&paths, jobs, |path| {
        let what = format!("checking {}", path.file_name().unwrap_or_default().to_string_lossy());
        listener.started(&what, std::fs::metadata(path).ok().map(|m| m.len()));
        let (mut hasher, mut done) = (Hasher::default(), 0);
        let read = files::read_in_blocks(path, |block| {
            hasher.update(block);
            done += block.len() as u64;
            listener.progress(&what, done);
            Ok(())
        });
        listener.finished(&what);
        read.map(|()| hasher.finish())
    });
    paths.into_iter().zip(sums).collect()
}

/// Signatures and digests of one package, and what it sends.
fn finish(
    read: &Read,
    rules: &Rules,
    certs: &[Cert],
    sums: &Sums,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Prepared, PrepareError> {
    let changes = &read.changes;
    let mut sha256 = BTreeMap::new();
    let mut items = Vec::new();
    for file in &read.manifest.files {
        let path = changes.with_file_name(&file.name);
        let missing = || PrepareError::Missing { changes: changes.clone(), name: file.name.clone() };
        let sums = sums.get(&path).ok_or_else(missing)?.as_ref().map_err(|f| PrepareError::Io(f.clone()))?;
        let details = file.differences(sums);
        if !details.is_empty() {
            return Err(PrepareError::Mismatch { changes: changes.clone(), name: file.name.clone(), details });
        }
        sha256.insert(file.name.clone(), sums.sha256.clone());
        items.push(Item { path, name: file.name.clone(), size: sums.size });
    }
    let signed_by = signatures(read, rules, certs, options, listener)?;
    let (path, bytes) = read.documents.first().map(|(path, bytes)| (path.clone(), &bytes[..])).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    sha256.insert(name.clone(), Checksums::of(bytes).sha256);
    items.push(Item { path, name, size: bytes.len() as u64 });
    let Manifest { source, version, distribution, .. } = read.manifest.clone();
    Ok(Prepared { changes: changes.clone(), source, version, distribution, items, sha256, signed_by })
}

/// Who signed the .changes; every signature that can be verified is.
fn signatures(
    read: &Read,
    rules: &Rules,
    certs: &[Cert],
    options: &Options,
    listener: &dyn Listener,
) -> Result<Option<String>, PrepareError> {
    let mut signer = None;
    for (path, bytes) in &read.documents {
        let file = path.clone();
        match verify(bytes, certs) {
            Ok(good) if path == &read.changes => signer = Some(good.fingerprint),
            Ok(_) => {}
            Err(VerifyError::NotSigned) => {
                let may_be = rules.allow_unsigned || path.extension().is_some_and(|e| e == "buildinfo");
                match (may_be, options.signer.filter(|_| options.dry_run)) {
                    (true, _) => {}
                    (false, Some(signer)) => listener.tell(to_be_signed(path, signer)),
                    (false, None) => return Err(PrepareError::Unsigned { file }),
                }
            }
            // a key that came through a pipe, or lies on a card, has no certificate here
            Err(VerifyError::UnknownSigner) if options.signer.is_some_and(|signer| signer.has_signed(bytes)) => {
                signer = options.signer.map(Signer::fingerprint);
            }
            Err(VerifyError::UnknownSigner) => {
                // the same words for every file: they are heard once
                let message = "signatures are not verified: the signer's key is neither named nor in GnuPG's keyring";
                let note = Diagnostic::note("signature-not-verified", message);
                listener.tell(note.hint("name it with --key, or import its public part"));
            }
            Err(why) => return Err(PrepareError::Signature { file, why }),
        }
    }
    Ok(signer)
}

fn to_be_signed(path: &Path, signer: &Signer) -> Diagnostic {
    Diagnostic::note("to-be-signed", format!("{} would be signed with {}", path.display(), signer.describe()))
}
