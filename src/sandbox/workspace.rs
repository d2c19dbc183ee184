//! The folder of one run: the roots unpacked for it, and what it exchanges with
//! them. It goes when the run ends, however it ends.
//!
//! A janitor sees to that: a shell in a process group of its own, which waits
//! for the end of a pipe that this process holds and then removes the folder.
//! No handler could do it after a `kill -9`, nor in the middle of a system call.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::error::SandboxError;
use super::log::Log;
use super::namespace::Namespace;
use crate::diagnostic::Failure;

/// The processes of the roots may take a moment to die: it tries for 20 seconds.
const JANITOR: &str = r#"trap '' HUP INT TERM
read word || :
[ "$word" = keep ] && exit 0
tries=0
until rm -rf --one-file-system -- "$1" 2>/dev/null || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.2
done"#;

/// A folder below the cache's `sandboxes`; removed when dropped.
pub struct Workspace {
    folder: PathBuf,
    janitor: Child,
    roots: std::cell::Cell<usize>,
}

impl Workspace {
    /// Makes one.
    pub fn new(cache: &Path, namespace: &Namespace) -> Result<Workspace, Failure> {
        let parent = cache.join("sandboxes");
        let fail = |e: std::io::Error| Failure::io("write into", &parent, &e);
        std::fs::create_dir_all(&parent).map_err(fail)?;
        let folder = tempfile::Builder::new().prefix("").tempdir_in(&parent).map_err(fail)?;
        let mut command = namespace.as_root("sh");
        command.args(["-c", JANITOR, "janitor"]).arg(folder.path());
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let janitor = command.spawn().map_err(|error| SandboxError::Start { program: "sh".to_string(), error })?;
        let workspace = Workspace { folder: folder.keep(), janitor, roots: std::cell::Cell::new(0) };
        let shared = workspace.shared();
        // every user inside a root reads it, whatever the umask outside
        std::fs::create_dir(&shared).map_err(fail)?;
        std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o755)).map_err(fail)?;
        Ok(workspace)
    }

    /// What every root of the run has as /pkgr.
    pub fn shared(&self) -> PathBuf {
        self.folder.join("shared")
    }

    /// Unpacks a new root.
    pub fn root(&self, namespace: &Namespace, tarball: &Path, log: &mut Log) -> Result<PathBuf, Failure> {
        self.roots.set(self.roots.get() + 1);
        let root = self.folder.join(format!("root{}", self.roots.get()));
        std::fs::create_dir(&root).map_err(|e| Failure::io("create", &root, &e))?;
        std::fs::set_permissions(&root, PermissionsExt::from_mode(0o755))
            .map_err(|e| Failure::io("create", &root, &e))?;
        namespace.unpack(tarball, &root, log)?;
        Ok(root)
    }

    /// A copy of one of its roots, which keeps what was done in that.
    pub fn copy(&self, namespace: &Namespace, of: &Path, log: &mut Log) -> Result<PathBuf, Failure> {
        self.roots.set(self.roots.get() + 1);
        let root = self.folder.join(format!("root{}", self.roots.get()));
        let mut command = namespace.as_root("cp");
        command.args(["--archive", "--reflink=auto"]).arg(of).arg(&root);
        match log.run("copy the root", &mut command)? {
            Some(0) => Ok(root),
            _ => Err(SandboxError::environment("copying the root", log).into()),
        }
    }

    /// Sends the janitor away: the folder stays. Returns its path.
    pub fn keep(&mut self) -> PathBuf {
        if let Some(pipe) = &mut self.janitor.stdin {
            let _ = pipe.write_all(b"keep\n");
        }
        self.folder.clone()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}
