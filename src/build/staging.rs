//! Output appears whole or not at all: files are written into a hidden folder
//! inside the output folder and renamed from there, the .changes last.
//!
//! The folder is held by a lock (flock(2)), so that what a killed run left
//! behind is known as such and removed by the next one.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{FlockOperation, flock};

use crate::diagnostic::{Diagnostic, Failure};
use crate::files::{self, TEMPORARY_PREFIX};

/// Folders to remove should the user interrupt the run.
static IN_USE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// From now on Ctrl-C and SIGTERM remove staging folders and end the process
/// with 130.
pub fn clean_up_when_interrupted() {
    // A second handler in one process (tests) is refused, which is as good.
    let _ = ctrlc::set_handler(|| {
        if let Ok(folders) = IN_USE.lock() {
            for folder in folders.iter() {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
        std::process::exit(130);
    });
}

/// A staging folder; removed when dropped.
pub struct Staging {
    output: PathBuf,
    folder: PathBuf,
    _lock: File,
}

impl Staging {
    /// Makes one inside `output`, which is created where it is missing, and
    /// removes what killed runs left there.
    pub fn new(output: &Path) -> Result<Staging, Failure> {
        let fail = |e: std::io::Error| Failure::io("write into", output, &e);
        std::fs::create_dir_all(output).map_err(fail)?;
        remove_abandoned(output);
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY_PREFIX).suffix(".staging");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o777)); // the umask decides
        }
        let folder = builder.tempdir_in(output).map_err(fail)?.keep();
        let lock = File::create(folder.join("lock")).map_err(fail)?;
        let _ = flock(&lock, FlockOperation::NonBlockingLockExclusive);
        if let Ok(mut folders) = IN_USE.lock() {
            folders.push(folder.clone());
        }
        Ok(Staging { output: output.to_path_buf(), folder, _lock: lock })
    }

    /// Writes a file that is to be called `name`.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(name);
        File::create(&path).and_then(|mut file| file.write_all(bytes)).map_err(|e| Failure::io("write", &path, &e))
    }

    /// Copies a file that is to be called `name`; `hear` gets every block, so
    /// that its digest can be taken without reading it again.
    pub fn copy(&self, from: &Path, name: &str, mut hear: impl FnMut(&[u8])) -> Result<(), Failure> {
        let to = self.folder.join(name);
        let mut target = File::create(&to).map_err(|e| Failure::io("write", &to, &e))?;
        files::read_in_blocks(from, |block| {
            hear(block);
            target.write_all(block).map_err(|e| Failure::io("write", &to, &e))
        })
    }

    /// Gives the staged files their final names, in the given order.
    pub fn publish<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
        for name in names {
            let to = self.output.join(name);
            std::fs::rename(self.folder.join(name), &to).map_err(|e| Failure::io("write", &to, &e))?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Ok(mut folders) = IN_USE.lock() {
            folders.retain(|folder| folder != &self.folder);
        }
    }
}

/// Removes staging folders that nobody holds. What cannot be removed stays: it
/// harms nothing.
fn remove_abandoned(output: &Path) {
    let Ok(entries) = std::fs::read_dir(output) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with(TEMPORARY_PREFIX) && name.ends_with(".staging")) {
            continue;
        }
        // A folder without a lock file is being made, or was killed in that moment.
        if let Ok(lock) = File::open(entry.path().join("lock")) {
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Refuses an output path that is a file.
pub fn check_output(output: &Path) -> Result<(), Failure> {
    if output.exists() && !output.is_dir() {
        let message = format!("output {} is not a folder", output.display());
        return Err(Failure::new(crate::diagnostic::Kind::Usage, Diagnostic::error("bad-output", message)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_appears_before_it_is_published() {
        let output = tempfile::tempdir().unwrap();
        let staging = Staging::new(output.path()).unwrap();
        staging.write("a", b"1").unwrap();
        assert!(!output.path().join("a").exists());
        staging.publish(["a"]).unwrap();
        drop(staging);
        assert_eq!(names(output.path()), ["a"]);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_another_holds_is_not() {
        let output = tempfile::tempdir().unwrap();
        let left = output.path().join(".pkgr-killed.staging");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("lock"), b"").unwrap();
        let first = Staging::new(output.path()).unwrap();
        let _second = Staging::new(output.path()).unwrap();
        assert!(!left.exists() && first.folder.exists());
        assert_eq!(names(output.path()).len(), 2);
    }
}
