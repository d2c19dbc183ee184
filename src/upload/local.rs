//! Uploads into a folder of this machine, as reprepro and mini-dinstall watch one:
//! each file appears whole under its name, the .changes last. Files get mode 0644,
//! as dput gives them, so that the queue's account can read them; one of the same
//! name is replaced.

use std::fs::Permissions;
use std::io::{BufWriter, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::files;
use crate::listener::Listener;
use crate::upload::source::Source;
use crate::upload::{Destination, Options, Stage, TransferError};

/// Bytes between two words to the listener; copy_file_range(2) takes them in one go.
const PIECE: u64 = 16 << 20;

/// Copies all files; see [`crate::upload::transfer`].
pub(crate) fn send(
    destination: &Destination,
    sources: &[Source<'_>],
    _options: &Options,
    before_changes: &dyn Fn() -> Result<(), TransferError>,
    listener: &dyn Listener,
) -> Result<(), TransferError> {
    let folder = Path::new(&destination.folder);
    match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(no_folder(folder, "it is not a folder")),
        Err(e) => return Err(no_folder(folder, &e.to_string())),
    }
    for (index, source) in sources.iter().enumerate() {
        if index + 1 == sources.len() {
            before_changes()?;
        }
        listener.started(&source.item.name, Some(source.item.size));
        let copied = copy(source, folder, listener);
        listener.finished(&source.item.name);
        copied?;
    }
    Ok(())
}

fn no_folder(folder: &Path, why: &str) -> TransferError {
    TransferError::hopeless(Stage::Connect, format!("incoming folder {}: {why}", folder.display()))
}

fn copy(source: &Source<'_>, folder: &Path, listener: &dyn Listener) -> Result<(), TransferError> {
    let final_name = folder.join(&source.item.name);
    let fail = |e: std::io::Error| {
        let reason = format!("cannot write {}: {e}", final_name.display());
        TransferError::hopeless(Stage::Send(source.item.name.clone()), reason)
    };
    let temporary = files::temporary_in(folder, false).map_err(fail)?;
    let mut sent = 0;
    while sent < source.item.size {
        let piece = PIECE.min(source.item.size - sent);
        let mut writer = BufWriter::new(temporary.as_file());
        let copied = std::io::copy(&mut (&source.file).take(piece), &mut writer).map_err(fail)?;
        std::io::Write::flush(&mut writer).map_err(fail)?;
        if copied < piece {
            return Err(source.changed());
        }
        sent += copied;
        listener.progress(&source.item.name, sent);
    }
    source.assert_unchanged()?;
    temporary.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(fail)?;
    temporary.as_file().sync_data().map_err(fail)?;
    temporary.persist(&final_name).map_err(|e| fail(e.error))?;
    Ok(())
}
