//! One rebuild of a recipe at a time: a second one on the same machine waits,
//! and then finds what the first one left. Held by flock(2), so that a killed
//! run holds nothing.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::diagnostic::{Diagnostic, Failure};
use crate::listener::Listener;

/// Held until dropped. It is the recipe itself that is held: its folder may be
/// that of the packages too, which an upload holds.
pub struct Guard {
    _recipe: File,
}

impl Guard {
    /// Waits for the recipe.
    pub fn hold(recipe: &Path, listener: &dyn Listener) -> Result<Guard, Failure> {
        let file = File::open(recipe).map_err(|e| Failure::io("open", recipe, &e))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let message = format!("another pkgr rebuilds {}: waiting for it", recipe.display());
            listener.tell(Diagnostic::note("rebuild-waits", message));
            flock(&file, FlockOperation::LockExclusive).map_err(|e| Failure::io("lock", recipe, &e.into()))?;
        }
        Ok(Guard { _recipe: file })
    }
}
