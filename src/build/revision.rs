//! A recipe's folder as it was at a git revision, for comparing what it renders
//! to with what it renders to now.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// The files of `folder` at `revision`, in a temporary folder of their own.
pub fn folder_at(folder: &Path, revision: &str) -> Result<TempDir, Failure> {
    let prefix = git(folder, &["rev-parse", "--show-prefix"]).map_err(|said| {
        let message = format!("{} is in no git work tree: there is nothing to compare with", folder.display());
        usage("no-revision", message).because(said).hint("put the recipe under git, and commit it")
    })?;
    let prefix = String::from_utf8_lossy(&prefix).trim_end().trim_end_matches('/').to_string();
    let tree = format!("{revision}:{prefix}");
    let archive = git(folder, &["archive", "--format=tar", &tree]).map_err(|said| {
        usage("no-revision", format!("the recipe's folder cannot be read at revision {revision}")).because(said)
    })?;
    let there = tempfile::Builder::new()
        .prefix(crate::files::TEMPORARY_PREFIX)
        .tempdir()
        .map_err(|e| Failure::io("write into", &std::env::temp_dir(), &e))?;
    tar::Archive::new(&archive[..]).unpack(there.path()).map_err(|e| Failure::io("write into", there.path(), &e))?;
    Ok(there)
}

fn usage(code: &'static str, message: String) -> Failure {
    Failure::new(Kind::Usage, Diagnostic::error(code, message))
}

/// What git prints; else what it complains about.
fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("git cannot be run: {e}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_string())
    }
}
