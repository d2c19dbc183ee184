//! The distribution's own patches of nginx, out of the debian.tar that the lock
//! pins: with them the tree that a module is built in is the one that nginx was
//! built from. (A module built without them may load, and then read fields of
//! nginx's structures where they are not.)

use std::collections::BTreeMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::Fetcher;
use crate::lock::Lock;
use crate::nginx::packaging::{Patches, patches};
use crate::plan::{Location, PoolFile, Source, Target};

/// Gives every target whose modules are built in nginx's own source the
/// distribution's patches; each debian.tar is read once.
pub fn add_patches(targets: &mut [Target], fetcher: &Fetcher, folder: &Path, lock: &Lock) -> Result<(), Failure> {
    let mut read: BTreeMap<String, Patches> = BTreeMap::new();
    for target in targets {
        let place = target.sources.iter().find(|source| source.component.as_deref() == Some("nginx"));
        let place = place.map(|source| source.place.clone());
        let (Some(nginx), Some(place)) = (&mut target.nginx, place) else { continue };
        let Some(file) = &nginx.packaging else { continue };
        if !read.contains_key(&file.sha256) {
            let source = source_of(file, place.clone());
            let fetched = fetcher.fetch(&source, folder, lock)?;
            let patches = patches(&fetched.path, target.series.distro).map_err(|error| {
                let message = format!("the packaging of nginx cannot be read: {}: {error}", file.file_name());
                Failure::environment(Diagnostic::error("nginx-packaging", message).at(place))
            })?;
            read.insert(file.sha256.clone(), patches);
        }
        nginx.patches = read.get(&file.sha256).cloned().unwrap_or_default();
    }
    Ok(())
}

fn source_of(file: &PoolFile, place: crate::diagnostic::Place) -> Source {
    Source {
        location: Location::Pool(file.clone()),
        component: None,
        sha256: Some(file.sha256.clone()),
        signature: None,
        keyring: None,
        place,
    }
}
