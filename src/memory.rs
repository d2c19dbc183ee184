//! What a recipe's lock knows of the archive that its packages go to: versions
//! that are taken there, and orig files that it has published.
//!
//! A version that the archive ever had, in whatever series and whatever became of
//! it, is never accepted again; and an orig file that it or Ubuntu's primary
//! archive has is neither sent again nor replaced by other bytes.

use std::collections::BTreeSet;

use crate::check::service::Service;
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::launchpad::SourcePublication;
use crate::lock::{Lock, Published, Taken};

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

/// Whether a file of a source package is upstream's: `NAME_VERSION.orig.tar.xz`,
/// a component of it, or its signature.
fn is_orig(name: &str) -> bool {
    name.contains(".orig.tar.") || name.contains(".orig-")
}
