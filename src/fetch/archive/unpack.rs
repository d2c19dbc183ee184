//! Unpacking a tarball's tree into a folder, for people to edit. The tarball is
//! judged as a whole before its first byte is written; after that no name leads
//! out of the folder or through a link.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::limits::{Counted, Limited};
use super::members::{MemberKind, Members};
use super::{ArchiveError, Rules, scan, tree_path};
use crate::fetch::compression::{self, Compression};

/// Unpacks into `into`, which is made where it is missing: files with mode 0644
/// or 0755, hard links as copies, so that editing one leaves the other alone.
pub fn unpack(path: &Path, compression: Compression, into: &Path, rules: &Rules) -> Result<(), ArchiveError> {
    let (strip, _) = scan(path, compression, &|_| false, rules)?;
    let consumed = Cell::new(0);
    let mut limits = rules.limits.clone();
    limits.unpacked = u64::MAX; // the judge has counted
    let file = Counted { inner: File::open(path).map_err(ArchiveError::Io)?, count: &consumed };
    let inner = compression::decoder(compression, file).map_err(ArchiveError::Io)?;
    let mut members = Members::new(Limited { inner, consumed: &consumed, unpacked: 0, limits: &limits }, &limits);
    fs::create_dir_all(into).map_err(ArchiveError::Io)?;
    while let Some(member) = members.next()? {
        let place = |name: &[u8]| -> Result<Option<std::path::PathBuf>, ArchiveError> {
            let parts = tree_path(name)?.unwrap_or_default();
            let inside = parts.get(usize::from(strip)..).unwrap_or_default();
            let path =
                || inside.iter().fold(into.to_path_buf(), |path, part| path.join(std::ffi::OsStr::from_bytes(part)));
            Ok((!inside.is_empty()).then(path))
        };
        let Some(to) = place(&member.path)? else { continue };
        if let (Some(folder), false) = (to.parent(), member.kind == MemberKind::Directory) {
            fs::create_dir_all(folder).map_err(ArchiveError::Io)?;
            let _ = fs::remove_file(&to); // an earlier member of the same name
        }
        match member.kind {
            MemberKind::Directory => fs::create_dir_all(&to).map_err(ArchiveError::Io)?,
            MemberKind::Symlink => symlink(std::ffi::OsStr::from_bytes(&member.link), &to).map_err(ArchiveError::Io)?,
            MemberKind::HardLink => {
                if let Some(from) = place(&member.link)? {
                    fs::copy(from, &to).map_err(ArchiveError::Io)?;
                }
            }
            MemberKind::File => {
                let mut content = Vec::new();
                members.read_content(&mut content)?;
                fs::write(&to, content).map_err(ArchiveError::Io)?;
                let mode = if member.executable { 0o755 } else { 0o644 };
                fs::set_permissions(&to, fs::Permissions::from_mode(mode)).map_err(ArchiveError::Io)?;
            }
        }
    }
    Ok(())
}
