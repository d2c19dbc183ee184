//! The patches of a package: debian/patches by its series file, as
//! Dpkg::Source::Quilt reads it on Ubuntu, and the .diff.gz of format 1.0.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{MOST_CONTENT, Place, Trouble, compression, links};
use crate::diagnostic::Failure;
use crate::fetch::archive::{Entry, EntryKind, Inspection};
use crate::fetch::compression::{Compression, decoder};
use crate::patch::{self, PatchFile};

const FOLDER: &str = "debian/patches/";

/// The patches that are applied, in their order.
pub fn series(debian: &Inspection) -> Result<Vec<PatchFile>, Trouble> {
    // the vendor's own list goes before the common one, and Launchpad is Ubuntu's
    let mut list = None;
    for name in ["ubuntu.series", "series"] {
        if list.is_none() {
            list = content(debian, &format!("{FOLDER}{name}"))?;
        }
    }
    let text = String::from_utf8_lossy(list.unwrap_or_default()).into_owned();
    let mut patches = Vec::new();
    for name in text.lines().filter_map(name_of) {
        if name.split('/').any(|part| part == "..") {
            return Err(Trouble::Fails(format!("{FOLDER}series names {name}, which leads out of the folder")));
        }
        let bytes = content(debian, &format!("{FOLDER}{name}"))?
            .ok_or_else(|| Trouble::Fails(format!("{FOLDER}series names {name}, which is not there")))?;
        let bytes = match name.contains('.').then(|| compression(name)).flatten() {
            Some(compression) => unpacked(name, bytes, compression)?,
            None => bytes.to_vec(),
        };
        patches.push(patch::parse(&format!("{FOLDER}{name}"), &bytes)?);
    }
    Ok(patches)
}

/// The patch of a line of a series file: comments and options are cut off.
fn name_of(line: &str) -> Option<&str> {
    let line = line.trim();
    let comment = line.match_indices('#').map(|(i, _)| i);
    let starts =
        |i: &usize| line.get(..*i).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace));
    let end = comment.into_iter().find(starts).unwrap_or(line.len());
    line.get(..end)?.split_whitespace().next()
}

/// The bytes of a file of debian.tar, symbolic links followed.
fn content<'a>(debian: &'a Inspection, path: &str) -> Result<Option<&'a [u8]>, Trouble> {
    let link = |path: &[u8]| debian.listing.get(path).filter(is_link).map(|entry| entry.target);
    let real = links::resolve(&link, path.as_bytes());
    match real.as_ref().ok().and_then(|real| debian.listing.kind(real)) {
        Some(EntryKind::File { .. }) => Ok(real.ok().and_then(|real| debian.files.get(&real)).map(Vec::as_slice)),
        None if real.is_err() || debian.listing.kind(path) == Some(EntryKind::Symlink) => {
            Err(Trouble::Unjudged(format!("{path} leads out of the debian tarball")))
        }
        _ => Ok(None),
    }
}

fn is_link(entry: &Entry<'_>) -> bool {
    entry.kind == EntryKind::Symlink
}

/// Where links of debian/patches, or that itself, lead outside of debian/patches.
pub fn beyond(debian: &Inspection) -> BTreeSet<Vec<u8>> {
    let link = |path: &[u8]| debian.listing.get(path).filter(is_link).map(|entry| entry.target);
    let folder = FOLDER.as_bytes();
    let own = debian.listing.iter().filter(is_link);
    own.filter(|entry| entry.path.starts_with(folder) || Some(entry.path) == folder.strip_suffix(b"/"))
        .filter_map(|entry| links::resolve(&link, entry.path).ok())
        .filter(|real| !real.starts_with(folder) && debian.listing.contains(real))
        .collect()
}

fn unpacked(name: &str, bytes: &[u8], compression: Compression) -> Result<Vec<u8>, Trouble> {
    let mut text = Vec::new();
    decoder(compression, bytes)
        .and_then(|decoder| decoder.take(MOST_CONTENT).read_to_end(&mut text))
        .map_err(|error| Trouble::Fails(format!("{name}: {error}")))?;
    Ok(text)
}

/// The one patch of format 1.0.
pub fn diff(name: &str, place: &Place) -> Result<PatchFile, Trouble> {
    let Place::File(path) = place else {
        return Err(Trouble::Unjudged(format!("{name} is in the archive only")));
    };
    let text = read_gzip(path)?.map_err(|why| Trouble::Fails(format!("{name}: {why}")))?;
    if text.len() as u64 >= MOST_CONTENT {
        return Err(Trouble::Unjudged(format!("{name} has more than {MOST_CONTENT} bytes")));
    }
    Ok(patch::parse(name, &text)?)
}

fn read_gzip(path: &Path) -> Result<Result<Vec<u8>, String>, Trouble> {
    let file = File::open(path).map_err(|error| Trouble::Failure(Failure::io("read", path, &error)))?;
    let mut text = Vec::new();
    let read = decoder(Compression::Gzip, file).and_then(|decoder| decoder.take(MOST_CONTENT).read_to_end(&mut text));
    Ok(read.map(|_| text).map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_series() {
        assert_eq!(name_of(" a.patch -p1 # why"), Some("a.patch"));
        assert_eq!(name_of("a#b.patch"), Some("a#b.patch"));
        assert_eq!(name_of("# all"), None);
        assert_eq!(name_of(""), None);
    }
}
