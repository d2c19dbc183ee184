//! The files of an upload as they are on this machine, held open from before
//! the connection: what is renamed or removed meanwhile is sent all the same,
//! what changes is noticed and ends the upload.

use std::fs::{File, Metadata};
use std::time::SystemTime;

use crate::upload::{Item, Stage, TransferError};

/// One opened file.
pub(crate) struct Source<'a> {
    /// What it is.
    pub item: &'a Item,
    /// Positioned at its start.
    pub file: File,
    modified: Option<SystemTime>,
}

impl Source<'_> {
    /// Whether the file is as it was when it was opened. Its digests were
    /// checked before; a second reading would cost more than the sending.
    pub fn assert_unchanged(&self) -> Result<(), TransferError> {
        let now = self.file.metadata().map_err(|e| self.trouble(&format!("{}: {e}", self.item.path.display())))?;
        if now.len() != self.item.size || now.modified().ok() != self.modified {
            return Err(self.changed());
        }
        Ok(())
    }

    /// It is not what was to be sent.
    pub fn changed(&self) -> TransferError {
        self.trouble(&format!("{} changed while it was uploaded", self.item.path.display()))
    }

    /// It could not be read.
    pub fn unreadable(&self, error: &std::io::Error) -> TransferError {
        self.trouble(&format!("{}: {error}", self.item.path.display()))
    }

    fn trouble(&self, reason: &str) -> TransferError {
        TransferError::hopeless(Stage::Send(self.item.name.clone()), reason)
    }
}

/// For the moment before the .changes: it must not vouch for what is no longer so.
pub(crate) fn assert_all_unchanged(sources: &[Source<'_>]) -> Result<(), TransferError> {
    sources.iter().try_for_each(Source::assert_unchanged)
}

/// Opens all files; none may differ in size from what is to be sent, and no
/// name may leave the folder or carry a second line into a protocol.
pub(crate) fn open_all(items: &[Item]) -> Result<Vec<Source<'_>>, TransferError> {
    items.iter().map(open).collect()
}

fn open(item: &Item) -> Result<Source<'_>, TransferError> {
    let fail = |reason: String| TransferError::hopeless(Stage::Send(item.name.clone()), reason);
    let is_plain = !item.name.is_empty() && !item.name.chars().any(|c| c == '/' || c.is_control());
    if !is_plain || item.name.starts_with('.') {
        return Err(fail(format!("{:?} is not a name that can be uploaded", item.name)));
    }
    let at = item.path.display();
    let file = File::open(&item.path).map_err(|e| fail(format!("{at}: {e}")))?;
    let metadata: Metadata = file.metadata().map_err(|e| fail(format!("{at}: {e}")))?;
    if !metadata.is_file() {
        return Err(fail(format!("{at} is not a file")));
    }
    if metadata.len() != item.size {
        return Err(fail(format!("{at} has {} bytes instead of {}", metadata.len(), item.size)));
    }
    Ok(Source { item, file, modified: metadata.modified().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::Cure;

    fn item(path: std::path::PathBuf, name: &str, size: u64) -> Item {
        Item { path, name: name.to_string(), size }
    }

    #[test]
    fn a_file_that_is_not_what_was_promised_ends_the_upload() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"four").unwrap();
        for wrong in [
            item(path.clone(), "a", 5),
            item(folder.path().join("none"), "none", 1),
            item(folder.path().to_path_buf(), "folder", 0),
            item(path.clone(), "a\r\nDELE b", 4),
            item(path.clone(), "../a", 4),
        ] {
            assert_eq!(open_all(&[wrong]).err().unwrap().cure, Cure::None);
        }
        let items = [item(path.clone(), "a", 4)];
        let sources = open_all(&items).unwrap();
        sources[0].assert_unchanged().unwrap();
        std::fs::write(&path, b"fiver").unwrap();
        assert_eq!(sources[0].assert_unchanged().unwrap_err().cure, Cure::None);
    }
}
