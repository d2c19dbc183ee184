//! The folder of an upload, read with care: names come from files that anybody
//! may have written. Nothing outside the folder is opened, nothing that is no
//! plain file, no control file beyond a limit; every file is hashed once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::deb::checksums::Checksums;
use crate::diagnostic::Failure;
use crate::fetch::digest;
use crate::{files, parallel};

/// No .changes, .dsc or .buildinfo of a source has more (the kernel's have less than
/// one); Launchpad has no limit. A list of as many files as fit takes some 100 MB.
pub const LARGEST_DOCUMENT: u64 = 4 << 20;

/// Reads a file of at most `limit` bytes; `None` if it has more.
pub fn read_limited(path: &Path, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    check_plain(path)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() as u64 > limit { None } else { Some(bytes) })
}

/// A file that the caller names must be there: its absence is no finding.
pub fn check_readable(path: &Path) -> Result<(), Failure> {
    check_plain(path).and_then(|()| File::open(path)).map(drop).map_err(|error| Failure::io("read", path, &error))
}

/// Opening a named pipe would wait for its other end.
fn check_plain(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path)?.is_file() {
        true => Ok(()),
        false => Err(std::io::Error::other("it is not a plain file")),
    }
}

/// Whether a text has more fields than any control file: readers that look for
/// each among all others would take for ever.
pub fn is_crowded(text: &[u8]) -> bool {
    let fields = text.split(|b| *b == b'\n').filter(|line| line.first().is_some_and(|b| !b.is_ascii_whitespace()));
    fields.count() > 5000
}

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A plain file in the folder.
    File(PathBuf),
    /// Nothing that is part of the upload; the words say why, where it is odd.
    Nothing(Option<&'static str>),
}

/// The folder that holds a .changes or .dsc.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    hashed: BTreeMap<String, Checksums>,
}

impl Folder {
    /// The folder of `path`.
    pub fn of(path: &Path) -> Result<Folder, Failure> {
        let root = files::parent(path);
        let root = std::fs::canonicalize(&root).map_err(|error| Failure::io("read", &root, &error))?;
        Ok(Folder { root, hashed: BTreeMap::new() })
    }

    /// Looks a name up; links are followed inside the folder only.
    pub fn find(&self, name: &str) -> Found {
        if name.contains(['/', '\0']) || matches!(name, "" | "." | "..") {
            return Found::Nothing(Some("a name with a folder in it is not followed"));
        }
        let Ok(path) = std::fs::canonicalize(self.root.join(name)) else { return Found::Nothing(None) };
        if path.parent() != Some(&self.root) {
            return Found::Nothing(Some("it is a symbolic link that leads out of the folder, and was not followed"));
        }
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Found::File(path),
            _ => Found::Nothing(Some("it is not a plain file")),
        }
    }

    /// The bytes of a control file; `Ok(Err)` says why there are none.
    pub fn document(&mut self, name: &str) -> Result<Result<Vec<u8>, Option<&'static str>>, Failure> {
        let path = match self.find(name) {
            Found::File(path) => path,
            Found::Nothing(why) => return Ok(Err(why)),
        };
        let bytes = read_limited(&path, LARGEST_DOCUMENT).map_err(|error| Failure::io("read", &path, &error))?;
        let Some(bytes) = bytes else { return Ok(Err(Some("it is too large for a control file"))) };
        self.hashed.insert(name.to_string(), Checksums::of(&bytes));
        Ok(Ok(bytes))
    }

    /// Hashes the files of these names that are there and not hashed yet.
    pub fn hash(&mut self, names: &[&str], jobs: usize) -> Result<(), Failure> {
        let names: BTreeSet<&str> = names.iter().copied().filter(|name| !self.hashed.contains_key(*name)).collect();
        let mut paths = Vec::new();
        for name in names {
            if let Found::File(path) = self.find(name) {
                paths.push((name.to_string(), path));
            }
        }
        let sums = parallel::map(&paths, jobs, |(_, path)| {
            digest::of_file(path).map_err(|error| Failure::io("read", path, &error))
        });
        for ((name, _), sums) in paths.into_iter().zip(crate::diagnostic::all(sums)?) {
            self.hashed.insert(name, sums);
        }
        Ok(())
    }

    /// The checksums of a file that was hashed.
    pub fn checksums(&self, name: &str) -> Option<&Checksums> {
        self.hashed.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_read() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let inside = outside.path().join("in");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        std::fs::write(inside.join("a"), "a").unwrap();
        std::os::unix::fs::symlink("a", inside.join("b")).unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("c")).unwrap();
        std::os::unix::fs::symlink("loop", inside.join("loop")).unwrap();
        let mut folder = Folder::of(&inside.join("x.changes")).unwrap();
        assert!(matches!(folder.find("a"), Found::File(_)) && matches!(folder.find("b"), Found::File(_)));
        for name in ["c", "../secret", "/etc/passwd", "sub", "..", "", "missing", "loop", "sub/../a", "a\0"] {
            assert!(matches!(folder.find(name), Found::Nothing(_)), "{name}");
        }
        folder.hash(&["a", "b", "c", "../secret"], 2).unwrap();
        assert_eq!(folder.checksums("b"), Some(&Checksums::of(b"a")));
        std::fs::write(inside.join("a"), "changed").unwrap();
        folder.hash(&["a", "b"], 2).unwrap();
        assert_eq!(folder.checksums("a"), Some(&Checksums::of(b"a")), "every file is hashed once");
        assert_eq!(folder.checksums("c"), None);
    }
}
