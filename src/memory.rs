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

use crate::check::service::Service;
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::fetch::archive::{self, Limits, Rules};
use crate::fetch::compression::{self, Detected};
use crate::launchpad::{Client, PublishedFile, SourcePublication};
use crate::lock::{Lock, Published, Taken};
use crate::plan::{Location, Target};

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
pub struct Differing {
    /// `NAME_VERSION.orig[-COMPONENT].tar.EXT`.
    pub file: String,
    /// Where the published bytes are.
    pub url: String,
    /// What the recipe takes them from.
    pub source: String,
    /// Whether both unpack to the same tree, where both could be looked into.
    pub is_same_tree: Option<bool>,
}

/// The orig files of the targets that the archive has with other bytes than the lock
/// pins. An archive refuses those, whatever is in them.
pub fn differing(lock: &Lock, targets: &[Target], ppa: &Service, client: &Client) -> Result<Vec<Differing>, Failure> {
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
            let component = source.component.as_ref().map(|name| format!("-{name}")).unwrap_or_default();
            let begin = format!("{}_{}.orig{component}.tar.", target.name, target.orig_version());
            let is_other = |file: &&PublishedFile| {
                let name = file.name();
                let is_its = name.starts_with(&begin) && !name.ends_with(".asc");
                // otherwise compressed, it has another name and is no contradiction
                let ending = name.rsplit('.').next().unwrap_or_default();
                is_its && pin.from.ends_with(ending) && file.sha256.as_ref().is_some_and(|sha256| *sha256 != pin.sha256)
            };
            let Some(file) = files.iter().find(is_other) else { continue };
            if !found.iter().any(|known| known.file == file.name()) {
                let ours = match &source.location {
                    Location::Path(path) => Some(target.folder.join(path)),
                    _ => client.cached(&pin.sha256),
                };
                let is_same_tree = ours.and_then(|ours| is_same_tree(&ours, &client.file(file).ok()?));
                let (url, source) = (file.url.clone(), pin.from.clone());
                found.push(Differing { file: file.name(), url, source, is_same_tree });
            }
        }
    }
    Ok(found)
}

/// Whether two tarballs unpack to the same tree; `None` where they cannot be read,
/// or have more in them than is compared in memory.
fn is_same_tree(one: &Path, other: &Path) -> Option<bool> {
    let limits = Limits { content: 256 << 20, ..Limits::default() };
    let rules = Rules { limits, allow_outward_links: true, ..Rules::default() };
    let tree = |path: &Path| {
        let mut head = Vec::new();
        File::open(path).ok()?.take(compression::HEAD as u64).read_to_end(&mut head).ok()?;
        let Detected::Usable(kind) = compression::detect(&head) else { return None };
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
