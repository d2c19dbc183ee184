//! A PATH on which dpkg-source verifies with gpgv. From dpkg 1.22 on it prefers
//! Sequoia's and SOP's programs where they are installed, as on every trixie,
//! for apt needs one; and with those it trusts the distribution's keyrings only,
//! never a `trustedkeys.gpg`, so that no test could sign with a key of its own.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The backends of Dpkg::OpenPGP other than GnuPG.
const OTHERS: [&str; 8] = ["sq", "sqv", "sqop", "sqopv", "sopv", "rsop", "rsopv", "gosop"];

/// The value of PATH; `folder` is made where it is needed, and keeps links to
/// all other programs.
pub fn path(folder: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    if !folders.iter().any(|f| OTHERS.iter().any(|name| f.join(name).exists())) {
        return path;
    }
    if !folder.exists() {
        std::fs::create_dir_all(folder).unwrap();
        for entry in folders.iter().filter_map(|f| std::fs::read_dir(f).ok()).flatten().flatten() {
            let name = entry.file_name();
            if !OTHERS.iter().any(|other| name == *other) {
                // the first on PATH wins, as it does for the shell
                let _ = symlink(entry.path(), folder.join(name));
            }
        }
    }
    folder.into()
}
