//! Whether `dpkg-source -sn -x` would unpack a package (Dpkg::Source::Package of
//! dpkg 1.21), and what Launchpad then finds in debian/. Nothing is unpacked:
//! tarballs are read as streams, patches applied in memory.
//!
//! Where `fetch::archive` is stricter than tar, the package is not called broken,
//! only doubtful.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::fetch::Compression;
use crate::fetch::archive::{self, ArchiveError, Inspection, Limits, Rules};
use crate::patch::{self, PatchFile};

mod control;
mod links;
mod patches;
mod tree;

use tree::Parts;

/// A source format that Launchpad takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `1.0`
    One,
    /// `3.0 (native)`
    Native,
    /// `3.0 (quilt)`
    Quilt,
}

/// Where a file of the package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    File(PathBuf),
    /// In an archive that did not hand it out.
    Elsewhere,
}

/// What is to be unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// As the .dsc says.
    pub format: Format,
    /// Its name.
    pub source: &'a str,
    /// With epoch and revision.
    pub version: &'a str,
    /// All files that the .dsc lists.
    pub files: &'a [(String, Place)],
}

/// What dpkg-source would do.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Unpack it.
    Unpacks(Unpacked),
    /// Fail, for this reason.
    Fails(String),
    /// Maybe unpack it: there is something that programs treat differently.
    Doubtful(String),
    /// It is not known, for this reason.
    Unjudged(String),
}

/// The unpacked package, as far as Launchpad looks at it.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// debian/changelog.
    pub changelog: Entry,
    /// debian/copyright.
    pub copyright: Entry,
    /// Links that dpkg-source refuses if they lead to something.
    pub doubts: Vec<String>,
}

/// A file that Launchpad looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Not there, or a link to nothing.
    Missing,
    /// A symbolic link to something.
    Link,
    /// A folder.
    Folder,
    /// More than 10 MiB.
    Large,
    /// There.
    File,
}

/// Why there is no tree.
enum Trouble {
    Fails(String),
    Doubtful(String),
    Unjudged(String),
    Failure(Failure),
}

impl From<patch::PatchError> for Trouble {
    fn from(error: patch::PatchError) -> Trouble {
        Trouble::Fails(error.to_string())
    }
}

/// The tarballs of a package by their part in it.
#[derive(Default)]
struct Sorted<'a> {
    main: Option<(&'a str, &'a Place)>,
    components: Vec<(String, &'a str, &'a Place)>,
    debian: Option<(&'a str, &'a Place)>,
    diff: Option<(&'a str, &'a Place)>,
}

/// Patches, changelogs and the files that patches touch; far more than any has.
const MOST_CONTENT: u64 = 256 << 20;

/// Judges a package; `dsc` is the whole .dsc, which dpkg-source reads more
/// strictly than Launchpad.
pub fn judge(package: &Package<'_>, dsc: &[u8]) -> Result<Outcome, Failure> {
    let judged = control::check(dsc).map_err(Trouble::Fails).and_then(|()| match package.format {
        Format::One => one(package),
        Format::Native => native(package),
        Format::Quilt => quilt(package),
    });
    match judged {
        Ok(unpacked) => Ok(Outcome::Unpacks(unpacked)),
        Err(Trouble::Fails(why)) => Ok(Outcome::Fails(why)),
        Err(Trouble::Doubtful(why)) => Ok(Outcome::Doubtful(why)),
        Err(Trouble::Unjudged(why)) => Ok(Outcome::Unjudged(why)),
        Err(Trouble::Failure(failure)) => Err(failure),
    }
}

/// `NAME_VERSION`, the version without its epoch, with and without its revision.
fn base_names(package: &Package<'_>) -> Result<(String, String), Trouble> {
    let version = Version::parse(package.version).map_err(|error| Trouble::Fails(error.to_string()))?;
    let source = package.source;
    Ok((format!("{source}_{}", version.upstream), format!("{source}_{}", version.without_epoch())))
}

fn unrecognized(name: &str) -> Trouble {
    Trouble::Fails(format!("dpkg-source does not expect a file of this name: {name}"))
}

/// The end of a tarball's name behind `.tar.`, which dpkg-source goes by.
fn compression(name: &str) -> Option<Compression> {
    match name.rsplit('.').next()? {
        "gz" => Some(Compression::Gzip),
        "bz2" => Some(Compression::Bzip2),
        "xz" => Some(Compression::Xz),
        _ => None,
    }
}

/// `tar.gz` and its like, behind a prefix.
fn is_tarball<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let rest = name.strip_prefix(prefix)?.strip_prefix(".tar.")?;
    ["gz", "bz2", "xz"].contains(&rest).then_some(rest)
}

fn sort_quilt<'a>(package: &Package<'a>) -> Result<Sorted<'a>, Trouble> {
    let (base, with_revision) = base_names(package)?;
    let orig = format!("{base}.orig");
    let mut sorted = Sorted::default();
    let mut signed: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, place) in package.files {
        let name = name.as_str();
        let plain = name.strip_suffix(".asc").unwrap_or(name);
        let without_compression = plain.rsplit_once('.').map_or(plain, |(front, _)| front);
        if !seen.insert((without_compression, plain != name)) {
            return Err(Trouble::Fails(format!("two files differ in their compression only: {name}")));
        }
        let component = plain.strip_prefix(&format!("{orig}-")).and_then(|rest| rest.split_once(".tar."));
        let component = component.filter(|(component, end)| {
            let plain = !component.is_empty() && component.chars().all(|c| c.is_alphanumeric() || c == '-');
            plain && ["gz", "bz2", "xz"].contains(end)
        });
        let is_orig = is_tarball(plain, &orig).is_some();
        if plain != name && (is_orig || component.is_some()) {
            signed.push(plain);
        } else if is_orig {
            sorted.main = Some((name, place));
        } else if let Some((component, _)) = component {
            sorted.components.push((component.to_string(), name, place));
        } else if is_tarball(name, &format!("{with_revision}.debian")).is_some() {
            sorted.debian = Some((name, place));
        } else {
            return Err(unrecognized(name));
        }
    }
    if sorted.main.is_none() || sorted.debian.is_none() {
        return Err(Trouble::Fails("there is no orig tarball or no debian tarball".to_string()));
    }
    let names: BTreeSet<&str> = package.files.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(alone) = signed.iter().find(|plain| !names.contains(**plain)) {
        return Err(Trouble::Fails(format!("{alone}.asc signs no tarball of the package")));
    }
    sorted.components.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(sorted)
}

fn quilt(package: &Package<'_>) -> Result<Unpacked, Trouble> {
    let sorted = sort_quilt(package)?;
    let (Some(main), Some(debian)) = (sorted.main, sorted.debian) else { return Err(unrecognized("")) };
    let in_debian = |path: &[u8]| path.starts_with(b"debian/patches/") || path == CHANGELOG || path == COPYRIGHT;
    let mut inspection = inspect(debian, true, &in_debian)?;
    let beyond = patches::beyond(&inspection);
    if !beyond.is_empty() {
        let is_beyond = |path: &[u8]| {
            let mut ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
            ends.any(|end| path.get(..end).is_some_and(|front| beyond.contains(front)))
        };
        inspection = inspect(debian, true, &|path| in_debian(path) || is_beyond(path))?;
    }
    let debian = inspection;
    let series = patches::series(&debian)?;
    let touched = patch::touched(&series);
    let main = inspect(main, false, &|path| touched.contains(path))?;
    let mut parts = Parts { main, debian: Some(debian), components: Vec::new() };
    for (component, name, place) in &sorted.components {
        let inside = |path: &[u8]| touched.contains([component.as_bytes(), b"/", path].concat().as_slice());
        parts.components.push((component.clone(), inspect((name, place), false, &inside)?));
    }
    look(Format::Quilt, &parts, &series)
}

fn native(package: &Package<'_>) -> Result<Unpacked, Trouble> {
    let (_, base) = base_names(package)?;
    let mut tarballs = package.files.iter().map(|(name, place)| (name.as_str(), place));
    let tarball = match (tarballs.next(), tarballs.next()) {
        (Some(tarball), None) => tarball,
        _ => return Err(Trouble::Fails("a native package has exactly one tarball".to_string())),
    };
    if is_tarball(tarball.0, &base).is_none() {
        return Err(unrecognized(tarball.0));
    }
    let main = inspect(tarball, false, &|path| path == CHANGELOG || path == COPYRIGHT)?;
    look(package.format, &Parts { main, debian: None, components: Vec::new() }, &[])
}

fn one(package: &Package<'_>) -> Result<Unpacked, Trouble> {
    let (base, with_revision) = base_names(package)?;
    let mut sorted = Sorted::default();
    for (name, place) in package.files {
        if *name == format!("{base}.orig.tar.gz") || *name == format!("{with_revision}.tar.gz") {
            if sorted.main.replace((name.as_str(), place)).is_some() {
                return Err(Trouble::Fails("there are two tarballs".to_string()));
            }
        } else if *name == format!("{with_revision}.diff.gz") {
            sorted.diff = Some((name, place));
        } else if *name != format!("{base}.orig.tar.gz.asc") {
            return Err(unrecognized(name));
        }
    }
    let main = sorted.main.ok_or_else(|| Trouble::Fails("there is no tarball".to_string()))?;
    let diff = sorted.diff.map(|(name, place)| patches::diff(name, place)).transpose()?;
    let series: Vec<PatchFile> = diff.into_iter().collect();
    let touched = patch::touched(&series);
    let wanted = |path: &[u8]| touched.contains(path) || path == CHANGELOG || path == COPYRIGHT;
    let main = inspect(main, false, &wanted)?;
    look(Format::One, &Parts { main, debian: None, components: Vec::new() }, &series)
}

const CHANGELOG: &[u8] = b"debian/changelog";
const COPYRIGHT: &[u8] = b"debian/copyright";

/// Applies the patches and looks at debian/.
fn look(format: Format, parts: &Parts, series: &[PatchFile]) -> Result<Unpacked, Trouble> {
    let mut tree = patch::Tree::new(parts);
    patch::unpack_series(series, &mut tree)?;
    // dpkg-source writes debian/source/format where it is not there, and needs debian/
    if format != Format::One && tree.kind(b"debian").is_none() {
        return Err(Trouble::Fails("there is no folder debian/".to_string()));
    }
    let is_file = tree.kind(b"debian/source") == Some(patch::EntryKind::File);
    if format != Format::One && is_file {
        return Err(Trouble::Fails("debian/source is no folder".to_string()));
    }
    let doubts = links::check(parts)?;
    let entry = |path| tree::entry(parts, &tree, path);
    Ok(Unpacked { changelog: entry(CHANGELOG), copyright: entry(COPYRIGHT), doubts })
}

/// Reads a tarball as tar would unpack it. What `fetch::archive` refuses and tar
/// takes makes the package doubtful, and ends its judgement.
fn inspect(
    (name, place): (&str, &Place),
    keep_root: bool,
    wanted: &dyn Fn(&[u8]) -> bool,
) -> Result<Inspection, Trouble> {
    let Place::File(path) = place else {
        return Err(Trouble::Unjudged(format!("{name} is in the archive only")));
    };
    let Some(compression) = compression(name) else { return Err(unrecognized(name)) };
    let limits = Limits { content: MOST_CONTENT, ..Limits::default() };
    let rules = Rules { limits, allow_outward_links: true, keep_root };
    let fails = |error: ArchiveError| Trouble::Fails(format!("{name}: {error}"));
    match archive::inspect_with(path, compression, wanted, &rules) {
        Ok(inspection) => match too_long(&inspection) {
            Some(path) => Err(Trouble::Fails(format!("{name}: {path}… has a part that no file system takes"))),
            None => Ok(inspection),
        },
        Err(ArchiveError::Io(error)) => Err(Trouble::Failure(Failure::io("read", path, &error))),
        // tar makes nothing of an empty archive, and is content
        Err(ArchiveError::Empty) => Ok(Inspection::default()),
        Err(error @ (ArchiveError::TooLarge { .. } | ArchiveError::Bomb { .. } | ArchiveError::TooMany { .. })) => {
            Err(Trouble::Unjudged(format!("{name}: {error}")))
        }
        Err(
            error @ (ArchiveError::Absolute(_)
            | ArchiveError::LinkOutside { .. }
            | ArchiveError::HardLinkOutside { .. }
            | ArchiveError::PartialHeader
            | ArchiveError::ThroughLink { .. }
            | ArchiveError::TwoTypes { .. }
            | ArchiveError::Fifo(_)
            | ArchiveError::UnknownType { .. }
            | ArchiveError::Ambiguous { .. }
            | ArchiveError::Sparse(_)),
        ) => Err(Trouble::Doubtful(format!("{name}: {error}"))),
        Err(error) => Err(fails(error)),
    }
}

/// The start of a path with a part of more bytes than a name may have on Linux.
fn too_long(inspection: &Inspection) -> Option<String> {
    let long = |path: &[u8]| path.len() > 255 && path.split(|b| *b == b'/').any(|part| part.len() > 255);
    let entry = inspection.listing.iter().find(|entry| long(entry.path))?;
    Some(String::from_utf8_lossy(entry.path.get(..100)?).into_owned())
}
