//! Writing to disk so that a file under its final name is always whole: a
//! temporary file in the same folder, synced, then renamed (rename(2)).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

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
    let mut file = temporary_in(&folder, executable).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_data()).map_err(fail)?;
    file.persist(path).map_err(|e| fail(e.error))?;
    Ok(true)
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
