//! One package in one series: the newest version of its pockets whose files are
//! all there, each file by its digest.

use super::error::FollowError;
use super::{Task, harvest, memo};
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::apt::{Pocket, PoolFile, Scope, SourceEntry};
use crate::fetch::cache::Found;
use crate::lock::{Followed, LockedMode, PinnedFile};
use crate::nginx::fingerprint::Fingerprint;
use crate::plan::{self, follow::Following};

/// Where a package is looked for.
pub(super) fn scope(following: &Following) -> Scope {
    let pockets: Vec<Pocket> = following.pockets.iter().filter_map(|name| Pocket::named(name)).collect();
    Scope::of(&following.series).with_pockets(&pockets)
}

/// Looks a package up; its files are in the cache and verified then.
pub(super) fn resolve(task: &Task) -> Result<Followed, Failure> {
    let (following, scope) = (task.following, scope(task.following));
    let entry = match task.archives.newest_source(&following.package, &scope) {
        Err(failure) if following.nginx.is_some() && has_code(&failure, &["apt-pool-incomplete"]) => {
            return without_source(task, &scope, failure);
        }
        found => found?,
    };
    let mut followed = followed(following, &entry)?;
    if following.nginx.is_some() {
        let Some(debian) = followed.debian.clone().filter(|file| file.file.contains(".debian.tar.")) else {
            return Err(FollowError::NoDebianTar { package: entry.package, version: followed.version }.into());
        };
        let mut facts = harvest::facts(task, &entry, &scope)?;
        facts.headers = match followed.main_orig() {
            Some(orig) => Some(fingerprint(task, orig, &debian)?.digest()),
            None => None,
        };
        followed.nginx = Some(facts);
    }
    Ok(followed)
}

/// Where the pool has no version's source whole, but modules are built against
/// nginx-dev, the packages alone do: the newest version that has them. Its source
/// is pinned by the signed index, unseen, so there are no headers to compare.
fn without_source(task: &Task, scope: &Scope, failure: Failure) -> Result<Followed, Failure> {
    for entry in task.archives.sources(&task.following.package, scope)? {
        let facts = match harvest::facts(task, &entry, scope) {
            Ok(facts) if facts.mode == LockedMode::Dev => facts,
            Ok(_) => return Err(failure),
            Err(error) if has_code(&error, &["source-http-status", "follow-no-flavor"]) => continue,
            Err(error) => return Err(error),
        };
        let message = format!("the pool has no source of nginx for {}: headers are not compared", entry.suite);
        let mut warning = Diagnostic::warning("apt-pool-incomplete", message);
        warning.notes.extend(failure.diagnostics.into_iter().flat_map(|diagnostic| diagnostic.notes));
        task.listener.tell(warning.because(format!("its packages of {} are there", entry.version)));
        return Ok(Followed { nginx: Some(facts), ..followed(task.following, &entry)? });
    }
    Err(failure)
}

fn has_code(failure: &Failure, codes: &[&str]) -> bool {
    failure.diagnostics.iter().any(|diagnostic| codes.contains(&diagnostic.code))
}

fn followed(following: &Following, entry: &SourceEntry) -> Result<Followed, FollowError> {
    let is_debian = |file: &&PoolFile| file.name.contains(".debian.tar.") || file.name.ends_with(".diff.gz");
    let signature = |file: &PoolFile| file.name.ends_with(".asc") || file.name.ends_with(".sig");
    let debian = entry.files.iter().find(|file| is_debian(file) && !signature(file)).map(pinned);
    let mut origs: Vec<PinnedFile> = entry.origs().into_iter().map(pinned).collect();
    if debian.is_none() {
        origs = entry.files.iter().filter(|file| !signature(file)).map(pinned).collect();
    }
    origs.sort_by(|a, b| a.file.cmp(&b.file));
    let followed = Followed {
        name: following.name.clone(),
        series: following.series.name.clone(),
        package: entry.package.clone(),
        version: entry.version.to_string(),
        suite: entry.suite.to_string(),
        directory: entry.directory.clone(),
        dsc: pinned(&entry.dsc),
        debian,
        origs,
        nginx: None,
    };
    match followed.main_orig() {
        Some(_) => Ok(followed),
        None => Err(FollowError::NoOrig { package: followed.package, version: followed.version }),
    }
}

fn pinned(file: &PoolFile) -> PinnedFile {
    PinnedFile { file: file.name.clone(), sha256: file.sha256.to_ascii_lowercase(), size: file.size }
}

/// A name of the pool means the same bytes for ever. Where it does not, somebody
/// has put something else in their place.
pub(super) fn check_not_rewritten(old: &Followed, new: &Followed) -> Result<(), FollowError> {
    let files = |followed: &'_ Followed| -> Vec<PinnedFile> {
        std::iter::once(&followed.dsc).chain(&followed.debian).chain(&followed.origs).cloned().collect()
    };
    let before = files(old);
    for file in files(new) {
        if let Some(was) = before.iter().find(|was| was.file == file.file && was.sha256 != file.sha256) {
            return Err(FollowError::Rewritten { file: file.file, lock: was.sha256.clone(), found: file.sha256 });
        }
    }
    Ok(())
}

/// Whether modules can still be built for what the lock has: archives drop the
/// files of a version some time after the next one.
pub(super) fn is_still_there(task: &Task, old: &Followed) -> Result<bool, Failure> {
    if old.nginx.as_ref().is_none_or(|nginx| nginx.mode == LockedMode::Dev) {
        return Ok(true); // built against nginx-dev, with none of these files
    }
    for file in old.main_orig().into_iter().chain(&old.debian) {
        let pinned = plan::PoolFile {
            series: old.series.clone(),
            path: format!("{}/{}", old.directory, file.file),
            sha256: file.sha256.clone(),
            size: file.size,
        };
        match task.archives.pinned(&pinned) {
            Ok(_) => {}
            Err(failure) if has_code(&failure, &["apt-pin-gone"]) => return Ok(false),
            Err(failure) => return Err(failure),
        }
    }
    Ok(true)
}

fn fingerprint(task: &Task, orig: &PinnedFile, debian: &PinnedFile) -> Result<Fingerprint, Failure> {
    let (cache, distro) = (task.fetcher.cache(), task.following.series.distro);
    let question = format!("nginx headers 1 {} {} {distro}", orig.sha256, debian.sha256);
    memo::remembered(cache, &question, || {
        for file in [orig, debian] {
            if !matches!(cache.find(&file.sha256)?, Found::Whole(_)) {
                return Err(FollowError::NotCached { file: file.file.clone() }.into());
            }
        }
        Ok(Fingerprint::of_package(&cache.path(&orig.sha256), &cache.path(&debian.sha256), distro)?)
    })
}

/// Which headers differ, where the cache still has the older package to tell.
pub(super) fn changed_headers(task: &Task, old: &Followed, new: &Followed) -> Option<Vec<String>> {
    let of = |followed: &Followed| fingerprint(task, followed.main_orig()?, followed.debian.as_ref()?).ok();
    let (old, new) = (of(old)?, of(new)?);
    let changes = old.changes_to(&new);
    Some(changes.into_iter().map(|(path, change)| format!("{path} {}", change.name())).collect())
}
