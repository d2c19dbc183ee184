//! What a recipe's lock knows of the archive that its packages go to: versions
//! that are taken there, and orig files that it has published.
//!
//! A version that the archive ever had, in whatever series and whatever became of
//! it, is never accepted again; and an orig file that it or Ubuntu's primary
//! archive has is neither sent again nor replaced by other bytes.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::check::holdings::Holdings;
use crate::check::service::Service;
use crate::deb::version::Version;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch;
use crate::fetch::archive::{self, Limits, Rules};
use crate::fetch::compression::{self, Compression, Detected};
use crate::launchpad::{Client, PublishedFile, SourcePublication};
use crate::listener::Listener;
use crate::lock::{Lock, PRIMARY, Pin, Published, Taken};
use crate::plan::{Location, Source, Target};

/// Records every version that the archive has and that no entry of the lock gave.
/// Returns whether there was any.
pub fn adopt(lock: &mut Lock, archive: &str, sources: &[String], ppa: &Service) -> Result<bool, Failure> {
    let mut news = false;
    for source in sources {
        for publication in ppa.publications(source)? {
            news |= lock.set_taken(Taken {
                archive: archive.to_string(),
                series: publication.series().to_string(),
                version: publication.source_package_version.clone(),
            });
        }
    }
    Ok(news)
}

/// What takes part in an upload to a PPA.
#[derive(Clone, Copy)]
pub struct Archives<'a, 'c> {
    /// The PPA, as the lock names it: `ppa:owner/ubuntu/name`.
    pub identity: &'a str,
    /// The PPA.
    pub ppa: &'a Service<'c>,
    /// The primary archive that it builds upon.
    pub primary: &'a Service<'c>,
    /// Fetches what they have published.
    pub client: &'a Client<'c>,
}

impl Archives<'_, '_> {
    /// Brings the lock up to date with the orig files that both archives have
    /// published of the targets. Where one has other bytes than the lock pins, and
    /// they unpack to the same tree, the lock pins those from now on; of others a
    /// warning tells.
    pub fn learn_origs(&self, lock: &mut Lock, targets: &[Target], listener: &dyn Listener) -> Result<(), Failure> {
        let wanted: Vec<(String, Version)> =
            targets.iter().map(|target| (target.name.clone(), target.version.clone())).collect();
        for (archive, identity) in [(self.ppa, self.identity), (self.primary, PRIMARY)] {
            remember_origs(lock, identity, &wanted, archive)?;
            for file in differing(lock, targets, archive, self.client)? {
                let is_taken = take(lock, &file);
                listener.tell(file.said(&archive.display_name(), is_taken));
            }
        }
        Ok(())
    }
}

/// Whether the lock knows of every orig file of the targets that the PPA or the
/// primary archive has published it, so that nobody needs to be asked.
pub fn knows_origs(lock: &Lock, identity: &str, targets: &[Target]) -> bool {
    targets.iter().all(|target| {
        target.sources.iter().all(|source| {
            let component = source.component.as_ref().map(|name| format!("-{name}")).unwrap_or_default();
            let begin = format!("{}_{}.orig{component}.tar.", target.name, target.orig_version());
            let sha256 = match &source.location {
                Location::Pool(file) => Some(&file.sha256),
                location => lock.pin(&location.key()).map(|pin| &pin.sha256),
            };
            let is_it = |known: &Published| {
                [identity, PRIMARY].contains(&known.archive.as_str())
                    && known.file.starts_with(&begin)
                    && Some(&known.sha256) == sha256
            };
            lock.published.iter().any(is_it)
        })
    })
}

/// Records the orig files of the given versions that the archive has published,
/// where the lock knows none of that upstream version there. Returns whether any
/// was news.
pub fn remember_origs(
    lock: &mut Lock,
    archive: &str,
    wanted: &[(String, Version)],
    ppa: &Service,
) -> Result<bool, Failure> {
    let mut news = false;
    let mut asked = BTreeSet::new();
    for (source, version) in wanted {
        let begin = format!("{source}_{}.orig", version.upstream);
        if lock.published.iter().any(|known| known.archive == archive && known.file.starts_with(&begin)) {
            continue;
        }
        let publications = ppa.publications(source)?;
        let same = |publication: &&SourcePublication| {
            Version::parse(&publication.source_package_version).is_ok_and(|v| v.upstream == version.upstream)
        };
        if version.is_native() || !asked.insert((source, &version.upstream)) {
            continue;
        }
        let Some(publication) = publications.iter().find(same) else { continue };
        for file in ppa.files(publication)? {
            let Some(sha256) = &file.sha256 else { continue };
            if is_orig(&file.name()) {
                let (file, sha256) = (file.name(), sha256.clone());
                news |= lock.set_published(Published { file, sha256, archive: archive.to_string() });
            }
        }
    }
    Ok(news)
}

/// An orig file that an archive has published, where the recipe has other bytes for
/// its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Differing {
    /// `NAME_VERSION.orig[-COMPONENT].tar.EXT`.
    file: String,
    /// Where the published bytes are.
    url: String,
    /// Of the published bytes.
    sha256: String,
    /// What the recipe takes them from, as the lock names it.
    source: String,
    /// What is known of the two.
    kinship: Kinship,
}

/// How published bytes and those of the recipe are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinship {
    /// Both unpack to the same tree, and the published ones, this many bytes, can
    /// take the place of the others.
    Interchangeable(u64),
    /// Both unpack to the same tree, but the recipe wants its own bytes, for this
    /// reason.
    Bound(&'static str),
    /// They do not unpack to the same tree.
    Stranger,
    /// They cannot be compared.
    Unknown,
}

impl Differing {
    fn said(&self, archive: &str, is_taken: bool) -> Diagnostic {
        let Differing { file, url, source, .. } = self;
        if is_taken {
            let message = format!("{file} is used as {archive} has published it");
            return Diagnostic::note("published-used", message)
                .because(format!("{source} unpacks to the same tree; only how it is packed differs"));
        }
        let message = format!("{archive} has published {file} with other bytes than {source} has");
        let warning = Diagnostic::warning("published-differs", message);
        let other = "to publish others, give them another version, e.g. `version = \"1.0+repack1\"`";
        match self.kinship {
            Kinship::Stranger => warning.because("they do not unpack to the same tree").hint(other),
            Kinship::Unknown => warning.because("the two could not be compared").hint(other),
            Kinship::Interchangeable(_) | Kinship::Bound(_) => {
                let warning = warning.because("both unpack to the same tree: only how they are packed differs");
                let warning = match self.kinship {
                    Kinship::Bound(why) => warning.because(why),
                    _ => warning,
                };
                let hint = format!("to take the published bytes: `url = \"{url}\"` in that [[source]]");
                warning.hint(hint).hint(other)
            }
        }
    }
}

/// The orig files of the targets that the archive has with other bytes than the lock
/// pins. An archive refuses those, whatever is in them.
fn differing(lock: &Lock, targets: &[Target], ppa: &Service, client: &Client) -> Result<Vec<Differing>, Failure> {
    let mut found: Vec<Differing> = Vec::new();
    for target in targets {
        let publications = ppa.publications(&target.name)?;
        let same = |publication: &&SourcePublication| {
            Version::parse(&publication.source_package_version).is_ok_and(|v| v.upstream == target.orig_version())
        };
        let Some(publication) = publications.iter().find(same) else { continue };
        let files = ppa.files(publication)?;
        for source in &target.sources {
            let Some(pin) = lock.pin(&source.location.key()) else { continue };
            let ours = match &source.location {
                Location::Path(path) => Some(target.folder.join(path)),
                Location::Url(url) => fetch::path_of_url(url).or_else(|| client.cached(&pin.sha256)),
                _ => client.cached(&pin.sha256),
            };
            let component = source.component.as_ref().map(|name| format!("-{name}")).unwrap_or_default();
            let name = format!(
                "{}_{}.orig{component}.{}",
                target.name,
                target.orig_version(),
                ending(source, ours.as_deref())
            );
            let is_other = |file: &&PublishedFile| {
                file.name() == name && file.sha256.as_ref().is_some_and(|sha256| *sha256 != pin.sha256)
            };
            let Some((file, sha256)) = files.iter().find(is_other).and_then(|file| Some((file, file.sha256.clone()?)))
            else {
                continue;
            };
            if !found.iter().any(|known| known.file == name) {
                let kinship = match (ours, client.file(file)) {
                    (Some(ours), Ok(theirs)) => kinship(&ours, &theirs, obstacle(source, pin)),
                    _ => Kinship::Unknown,
                };
                found.push(Differing { file: name, url: file.url.clone(), sha256, source: pin.from.clone(), kinship });
            }
        }
    }
    Ok(found)
}

/// Makes the lock pin the published bytes in the place of the recipe's, where they
/// unpack to the same tree; returns whether it does now.
fn take(lock: &mut Lock, file: &Differing) -> bool {
    let Kinship::Interchangeable(size) = file.kinship else { return false };
    let Some(pin) = lock.pin(&file.source).cloned() else { return false };
    // one source may be the orig of several packages, which can differ
    if pin.published.is_some() || pin.sha256 == file.sha256 {
        return pin.sha256 == file.sha256;
    }
    lock.set_pin(Pin { sha256: file.sha256.clone(), size, published: Some(file.url.clone()), ..pin });
    true
}

/// The end of the orig file's name that a source has: as its bytes say, else as it
/// is called.
fn ending(source: &Source, bytes: Option<&Path>) -> &'static str {
    let called = || {
        let kinds = [Compression::Gzip, Compression::Bzip2, Compression::Xz];
        let name = match &source.location {
            Location::Url(name) | Location::Path(name) => name.as_str(),
            // made here, by the one compression that pkgr packs with
            _ => "",
        };
        let kind = kinds.into_iter().find(|kind| name.ends_with(kind.extension().trim_start_matches("tar")));
        kind.unwrap_or(Compression::Xz)
    };
    match bytes.and_then(detect) {
        Some(Detected::Usable(kind)) => kind.extension(),
        Some(Detected::Repackable(_)) => Compression::Xz.extension(),
        _ => called().extension(),
    }
}

/// Why a source's own bytes must be used, if they must.
fn obstacle(source: &Source, pin: &Pin) -> Option<&'static str> {
    match &source.location {
        Location::Url(_) | Location::GitTag(..) | Location::GitCommit(..) => {}
        Location::Path(_) => return Some("the source is a file of the recipe's folder"),
        Location::Pool(_) => return Some("the source is that of a distribution's archive"),
    }
    let because = [
        (source.sha256.is_some(), "the recipe's `sha256` wants its own bytes"),
        (source.keyring.is_some(), "upstream's signature is over its own bytes"),
        (pin.published.is_some(), "those of another package or archive are used already"),
    ];
    because.into_iter().find_map(|(holds, why)| holds.then_some(why))
}

fn kinship(ours: &Path, theirs: &Path, obstacle: Option<&'static str>) -> Kinship {
    match (is_same_tree(ours, theirs), obstacle, std::fs::metadata(theirs)) {
        (Some(true), Some(why), _) => Kinship::Bound(why),
        (Some(true), None, Ok(metadata)) => Kinship::Interchangeable(metadata.len()),
        (Some(false), ..) => Kinship::Stranger,
        _ => Kinship::Unknown,
    }
}

fn detect(path: &Path) -> Option<Detected> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(compression::HEAD as u64).read_to_end(&mut head).ok()?;
    Some(compression::detect(&head))
}

/// Whether two tarballs unpack to the same tree; `None` where they cannot be read,
/// or have more in them than is compared in memory.
fn is_same_tree(one: &Path, other: &Path) -> Option<bool> {
    let limits = Limits { content: 256 << 20, ..Limits::default() };
    let rules = Rules { limits, allow_outward_links: true, ..Rules::default() };
    let tree = |path: &Path| {
        let Detected::Usable(kind) = detect(path)? else { return None };
        archive::inspect_with(path, kind, &|_| true, &rules).ok()
    };
    let (one, other) = (tree(one)?, tree(other)?);
    Some(one.files == other.files && one.listing == other.listing)
}

/// Whether a file of a source package is upstream's: `NAME_VERSION.orig.tar.xz`,
/// a component of it, or its signature.
fn is_orig(name: &str) -> bool {
    name.contains(".orig.tar.") || name.contains(".orig-")
}
