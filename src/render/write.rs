//! A tree on disk, for those who want to look at it or build in it.

use std::path::Path;

use crate::diagnostic::Failure;
use crate::files;

use super::{File, Tree};

impl Tree {
    /// Writes the tree into `folder`, creating it. `folder/debian` is replaced as
    /// a whole by one rename, so that no stale file survives and no half-written
    /// one appears; files outside of it are written one by one, each atomically.
    pub fn write_to(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, &error))?;
        let staging = tempfile::Builder::new()
            .prefix(files::TEMPORARY_PREFIX)
            .tempdir_in(folder)
            .map_err(|error| Failure::io("write to", folder, &error))?;
        let new = staging.path().join("debian");
        std::fs::create_dir(&new).map_err(|error| Failure::io("create", &new, &error))?;
        for (path, file) in &self.files {
            let base = if path.starts_with("debian/") { staging.path() } else { folder };
            write_file(&base.join(path), file)?;
        }
        replace(&new, &folder.join("debian"), &staging.path().join("old"))
    }
}

fn write_file(path: &Path, file: &File) -> Result<(), Failure> {
    // an equal file is left alone, but its mode may be another
    if file.executable != is_executable(path) {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::io("replace", path, &error));
            }
            _ => {}
        }
    }
    files::write_atomically(path, &file.bytes, file.executable).map(drop)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

/// Puts `new` in the place of `place`. Where the system can exchange two names
/// (renameat2(2)) there is no moment without either.
fn replace(new: &Path, place: &Path, old: &Path) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::io("replace", place, &error);
    if !place.exists() {
        return std::fs::rename(new, place).map_err(fail);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    std::fs::rename(place, old).map_err(fail)?;
    std::fs::rename(new, place).map_err(fail)
}
