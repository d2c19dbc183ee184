//! Writing to disk so that a file under its final name is always whole: a
//! temporary file in the same folder, synced, then renamed (rename(2)).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::diagnostic::Failure;

/// What every temporary name of pkgr begins with.
pub const TEMPORARY_PREFIX: &str = ".pkgr-";

/// Writes `bytes` to `path` atomically, mode 0644 under the process's umask
/// (0755 with `executable`), creating parent folders. An equal file is left
/// alone, so that its time stamp says when it last changed; returns whether
/// anything was written.
pub fn write_atomically(path: &Path, bytes: &[u8], executable: bool) -> Result<bool, Failure> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = parent(path);
    std::fs::create_dir_all(&folder).map_err(|e| Failure::io("create", &folder, &e))?;
    let fail = |e: std::io::Error| Failure::io("write", path, &e);
    remove_abandoned(&folder);
    let mut file = temporary_in(&folder, executable).map_err(fail)?;
    // held until it has its name: who finds it without a holder may remove it
    let _ = flock(file.as_file(), FlockOperation::NonBlockingLockExclusive);
    file.write_all(bytes).and_then(|()| file.as_file().sync_data()).map_err(fail)?;
    file.persist(path).map_err(|e| fail(e.error))?;
    Ok(true)
}

/// Removes the temporary files that a killed process left in a folder. What
/// cannot be removed stays: it harms nothing.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX);
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if let Ok(file) = std::fs::File::open(entry.path()) {
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// A temporary file in `folder` that takes the mode of an ordinary new file;
/// `persist` it to its final name there.
pub fn temporary_in(folder: &Path, executable: bool) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(if executable { 0o777 } else { 0o666 }));
    }
    builder.tempfile_in(folder)
}

/// The folder that holds `path`; `.` for a bare name.
pub fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Reads a whole file, with its name in the error.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::io("read", path, &e))
}

/// Reads a file block by block, in constant memory.
pub fn read_in_blocks(path: &Path, mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::io("read", path, &e);
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mut block = vec![0; 256 << 10];
    loop {
        match file.read(&mut block).map_err(fail)? {
            0 => return Ok(()),
            n => take(block.get(..n).unwrap_or_default())?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_left_is_removed_and_what_another_holds_is_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".pkgr-killed"), b"half").unwrap();
        let held = temporary_in(folder.path(), false).unwrap();
        flock(held.as_file(), FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(write_atomically(&folder.path().join("x"), b"whole", false).unwrap());
        assert!(!folder.path().join(".pkgr-killed").exists() && held.path().exists());
        assert_eq!(std::fs::read(folder.path().join("x")).unwrap(), b"whole");
    }
}
