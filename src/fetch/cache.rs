//! The cache: bytes by their SHA-256, and what is known about them.
//!
//! ```text
//! sha256/ab/abcdef…          the bytes, mode 0444
//! sha256/ab/abcdef….facts    their other digests, and the file's stamp when it was hashed
//! sha256/ab/abcdef….listing  the members of a tarball (archive::Listing)
//! files/ab/…                 digests of files outside the cache, by path
//! memo/ab/…                  small answers, by the SHA-256 of their question
//! partial/ git/ locks/ tmp/  downloads under way, bare clones, flock(2) files, temporary files
//! ```
//!
//! Several pkgr share it: a final name appears by rename(2) with all its bytes.
//! A file whose size, time or inode differs from the stamp is hashed anew before
//! it is trusted.

use std::fs::{File, Metadata, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::deb::checksums::Checksums;
use crate::fetch::digest;
use crate::fetch::error::FetchError;
use crate::files;

/// The cache's folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What the cache holds under a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The bytes are there.
    Whole(Checksums),
    /// A file was there and had other bytes; it is gone now.
    Damaged,
    /// Nothing.
    Absent,
}

/// What tells whether a file may have changed since it was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    mtime: i64,
    mtime_ns: i64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp { size: metadata.len(), mtime: metadata.mtime(), mtime_ns: metadata.mtime_nsec(), inode: metadata.ino() }
    }
}

#[derive(Serialize, Deserialize)]
struct Facts {
    md5: String,
    sha1: String,
    sha256: String,
    stamp: Stamp,
}

impl Facts {
    fn new(checksums: &Checksums, metadata: &Metadata) -> Facts {
        Facts {
            md5: checksums.md5.clone(),
            sha1: checksums.sha1.clone(),
            sha256: checksums.sha256.clone(),
            stamp: Stamp::of(metadata),
        }
    }

    fn checksums(self) -> Checksums {
        Checksums { md5: self.md5, sha1: self.sha1, sha256: self.sha256, size: self.stamp.size }
    }
}

impl Cache {
    /// The cache in `folder`, or in XDG's place. Nothing is created yet.
    pub fn new(folder: Option<PathBuf>) -> Result<Cache, FetchError> {
        use etcetera::BaseStrategy;
        let root = match folder {
            Some(folder) => folder,
            None => etcetera::choose_base_strategy().map_err(|_| FetchError::NoCacheFolder)?.cache_dir().join("pkgr"),
        };
        Ok(Cache { root })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where bytes of this digest are, if they are there.
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.sharded("sha256", sha256)
    }

    fn sharded(&self, kind: &str, name: &str) -> PathBuf {
        self.root.join(kind).join(name.get(..2).unwrap_or("xx")).join(name)
    }

    fn beside(&self, sha256: &str, what: &str) -> PathBuf {
        self.sharded("sha256", sha256).with_extension(what)
    }

    /// Looks for bytes of this digest; hashes them only if the file may have
    /// changed since that was done last.
    pub fn find(&self, sha256: &str) -> Result<Found, FetchError> {
        let path = self.path(sha256);
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Absent),
            Err(e) => return Err(FetchError::io("read", &path, e)),
        };
        let facts = read_facts(&self.beside(sha256, "facts")).filter(|facts| facts.sha256 == sha256);
        if let Some(facts) = facts.filter(|facts| facts.stamp == Stamp::of(&metadata)) {
            return Ok(Found::Whole(facts.checksums()));
        }
        let checksums = digest::of_file(&path).map_err(|e| FetchError::io("read", &path, e))?;
        if checksums.sha256 == sha256 {
            self.write_facts(&checksums, &path);
            return Ok(Found::Whole(checksums));
        }
        std::fs::remove_file(&path).map_err(|e| FetchError::io("remove the damaged", &path, e))?;
        let _ = std::fs::remove_file(self.beside(sha256, "listing"));
        Ok(Found::Damaged)
    }

    /// A temporary file that [`Cache::insert`] can take.
    pub fn temporary(&self) -> Result<NamedTempFile, FetchError> {
        let folder = self.folder("tmp")?;
        sweep(&folder, Duration::from_secs(24 * 3600));
        files::temporary_in(&folder, false).map_err(|e| FetchError::io("write in", &folder, e))
    }

    /// A folder of the cache, created if need be.
    pub fn folder(&self, name: &str) -> Result<PathBuf, FetchError> {
        let folder = self.root.join(name);
        std::fs::create_dir_all(&folder).map_err(|e| FetchError::io("create", &folder, e))?;
        Ok(folder)
    }

    /// Puts a finished file under its digest and returns where it is.
    pub fn insert(&self, file: NamedTempFile, checksums: &Checksums) -> Result<PathBuf, FetchError> {
        let path = self.path(&checksums.sha256);
        self.prepare(file.as_file(), &path)?;
        file.persist(&path).map_err(|e| FetchError::io("write", &path, e.error))?;
        self.write_facts(checksums, &path);
        Ok(path)
    }

    /// Puts bytes of memory under their digest, which it returns.
    pub fn insert_bytes(&self, bytes: &[u8]) -> Result<String, FetchError> {
        let checksums = Checksums::of(bytes);
        if self.find(&checksums.sha256)? != Found::Whole(checksums.clone()) {
            let mut file = self.temporary()?;
            file.write_all(bytes).map_err(|e| FetchError::io("write", file.path(), e))?;
            self.insert(file, &checksums)?;
        }
        Ok(checksums.sha256)
    }

    /// Like [`Cache::insert`], for a finished download (on the same file system).
    pub fn insert_path(&self, from: &Path, checksums: &Checksums) -> Result<PathBuf, FetchError> {
        let path = self.path(&checksums.sha256);
        let file = File::open(from).map_err(|e| FetchError::io("read", from, e))?;
        self.prepare(&file, &path)?;
        std::fs::rename(from, &path).map_err(|e| FetchError::io("write", &path, e))?;
        self.write_facts(checksums, &path);
        Ok(path)
    }

    fn prepare(&self, file: &File, path: &Path) -> Result<(), FetchError> {
        let folder = files::parent(path);
        std::fs::create_dir_all(&folder).map_err(|e| FetchError::io("create", &folder, e))?;
        file.set_permissions(Permissions::from_mode(0o444))
            .and_then(|()| file.sync_data())
            .map_err(|e| FetchError::io("write", path, e))
    }

    /// Facts only save time: a cache that cannot take them still works.
    fn write_facts(&self, checksums: &Checksums, path: &Path) {
        if let Ok(metadata) = std::fs::metadata(path) {
            write_quietly(&self.beside(&checksums.sha256, "facts"), &Facts::new(checksums, &metadata));
        }
    }

    /// Checksums of a file outside the cache. They are remembered by its path
    /// until its size, time or inode change; not for a file touched so recently
    /// that a later change might leave the same time.
    pub fn checksums_of(&self, path: &Path, metadata: &Metadata) -> Result<Checksums, FetchError> {
        let fail = |e| FetchError::io("read", path, e);
        let canonical = path.canonicalize().map_err(fail)?;
        let memory = self.sharded("files", &digest::sha256(canonical.as_os_str().as_encoded_bytes()));
        let stamp = Stamp::of(metadata);
        if let Some(facts) = read_facts(&memory).filter(|facts| facts.stamp == stamp) {
            return Ok(facts.checksums());
        }
        let checksums = digest::of_file(path).map_err(fail)?;
        let after = std::fs::metadata(path).map_err(fail)?;
        if Stamp::of(&after) == stamp && is_settled(&after) {
            write_quietly(&memory, &Facts::new(&checksums, &after));
        }
        Ok(checksums)
    }

    /// Bytes kept beside a cached file or a remembered one, e.g. its listing.
    pub fn note(&self, sha256: &str, what: &str) -> Option<Vec<u8>> {
        std::fs::read(self.beside(sha256, what)).ok()
    }

    /// Keeps such bytes; best effort.
    pub fn set_note(&self, sha256: &str, what: &str, bytes: &[u8]) {
        let _ = files::write_atomically(&self.beside(sha256, what), bytes, false);
    }

    /// A small answer kept by the SHA-256 of its question.
    pub fn memo(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.sharded("memo", key)).ok()
    }

    /// Keeps a small answer; best effort.
    pub fn set_memo(&self, key: &str, answer: &[u8]) {
        let _ = files::write_atomically(&self.sharded("memo", key), answer, false);
    }

    /// Waits until no other pkgr works on `name`, and keeps others out until the
    /// guard is dropped. Says whether it had to wait.
    pub fn lock(&self, name: &str) -> Result<Guard, FetchError> {
        use rustix::fs::{FlockOperation, flock};
        let path = self.folder("locks")?.join(digest::sha256(name.as_bytes()));
        let fail = |e| FetchError::io("lock", &path, e);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        let waited = flock(&file, FlockOperation::NonBlockingLockExclusive).is_err();
        if waited {
            while let Err(e) = flock(&file, FlockOperation::LockExclusive) {
                if e != rustix::io::Errno::INTR {
                    return Err(fail(e.into()));
                }
            }
        }
        Ok(Guard { _file: file, waited })
    }
}

/// Keeps other processes and threads out of a piece of work.
#[derive(Debug)]
pub struct Guard {
    _file: File,
    /// Whether another was at work when this one came.
    pub waited: bool,
}

fn read_facts(path: &Path) -> Option<Facts> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write_quietly(path: &Path, facts: &Facts) {
    if let Ok(mut text) = serde_json::to_vec(facts) {
        let _ = text.write_all(b"\n");
        let _ = files::write_atomically(path, &text, false);
    }
}

/// Old enough that the next change cannot fall into the same tick of the clock
/// that time stamps are taken from (two seconds on the coarsest file systems).
fn is_settled(metadata: &Metadata) -> bool {
    let recently = SystemTime::now() - Duration::from_secs(2);
    metadata.modified().is_ok_and(|time| time < recently)
}

/// Removes what a killed pkgr left behind.
fn sweep(folder: &Path, age: Duration) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let old = |m: Metadata| m.modified().ok().and_then(|t| t.elapsed().ok()).is_some_and(|passed| passed > age);
        if entry.metadata().is_ok_and(old) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().join("cache"))).unwrap();
        (folder, cache)
    }

    fn insert(cache: &Cache, bytes: &[u8]) -> (Checksums, PathBuf) {
        let checksums = Checksums::of(bytes);
        let mut file = cache.temporary().unwrap();
        file.write_all(bytes).unwrap();
        let path = cache.insert(file, &checksums).unwrap();
        (checksums, path)
    }

    #[test]
    fn what_is_put_in_is_found_read_only() {
        let (_folder, cache) = cache();
        let (checksums, path) = insert(&cache, b"abc");
        assert!(path.ends_with(format!("sha256/ba/{}", checksums.sha256)));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o444);
        assert_eq!(cache.find(&checksums.sha256).unwrap(), Found::Whole(checksums));
        assert_eq!(cache.find(&"0".repeat(64)).unwrap(), Found::Absent);
        assert_eq!(std::fs::read_dir(cache.root().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_entry_is_found_out_and_removed() {
        let (_folder, cache) = cache();
        let (checksums, path) = insert(&cache, b"abc");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"abd").unwrap();
        assert_eq!(cache.find(&checksums.sha256).unwrap(), Found::Damaged);
        assert_eq!(cache.find(&checksums.sha256).unwrap(), Found::Absent);
    }

    #[test]
    fn an_entry_without_facts_is_hashed_and_gets_them_again() {
        let (_folder, cache) = cache();
        let (checksums, _) = insert(&cache, b"abc");
        let facts = cache.beside(&checksums.sha256, "facts");
        std::fs::remove_file(&facts).unwrap();
        assert_eq!(cache.find(&checksums.sha256).unwrap(), Found::Whole(checksums));
        assert!(facts.exists());
    }

    #[test]
    fn digests_of_outside_files_are_remembered_only_once_settled() {
        let (folder, cache) = cache();
        let path = folder.path().join("f");
        std::fs::write(&path, b"abc").unwrap();
        let sums = |path: &Path| cache.checksums_of(path, &std::fs::metadata(path).unwrap()).unwrap();
        assert_eq!(sums(&path), Checksums::of(b"abc"));
        assert!(!cache.root().join("files").exists());
        let old = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert_eq!(sums(&path), Checksums::of(b"abc"));
        assert!(cache.root().join("files").exists());
        std::fs::write(&path, b"abd").unwrap();
        assert_eq!(sums(&path), Checksums::of(b"abd"));
    }

    #[test]
    fn a_second_one_waits_for_the_lock() {
        let (_folder, cache) = cache();
        let first = cache.lock("x").unwrap();
        assert!(!first.waited);
        assert!(!cache.lock("y").unwrap().waited);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| cache.lock("x").unwrap().waited);
            std::thread::sleep(Duration::from_millis(100));
            drop(first);
            assert!(second.join().unwrap());
        });
    }
}
