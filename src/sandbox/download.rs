//! Downloading packages inside a root, from mirrors as they are: one that is
//! behind lists security updates whose files it does not have. The versions of
//! the release itself, which never move, then take their place, and that is said.

use std::collections::BTreeSet;

use super::workspace::Workspace;
use crate::diagnostic::Diagnostic;
use crate::listener::Listener;
use crate::series::Series;

/// The exit code of `download` where no versions satisfy what is asked for.
pub const NOT_SATISFIABLE: i32 = 42;

/// Shell functions; `download` takes the arguments of apt-get.
pub const FUNCTION: &str = include_str!("download.sh");

/// Says which packages are not the newest because their files were not to be had.
pub(super) fn tell(workspace: &Workspace, series: &Series, listener: &dyn Listener) {
    let Ok(text) = std::fs::read_to_string(workspace.shared().join("of-the-release")) else { return };
    let sources: BTreeSet<&str> = text.split_whitespace().collect();
    let sources = sources.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!("the mirror of {series} lacks files of updates that it lists, of {sources}");
    let warning = Diagnostic::warning("mirror-incomplete", message);
    listener.tell(warning.because("their packages of the release itself were used instead"));
}
