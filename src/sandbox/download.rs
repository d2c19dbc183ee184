//! Downloading packages inside a root, from mirrors as they are: one that is
//! behind lists security updates whose files it does not have. Then the
//! versions of the release itself are taken, which never move, and that is said.

use super::workspace::Workspace;
use crate::diagnostic::Diagnostic;
use crate::listener::Listener;
use crate::series::Series;

/// The exit code of `download` where no versions satisfy what is asked for.
pub const NOT_SATISFIABLE: i32 = 42;

/// The function `download`: apt-get with these arguments, to the end of the
/// downloads. Ends the script with [`NOT_SATISFIABLE`], or 43 where the network
/// is to blame. What apt decides after it in this root follows the same pin; 995
/// takes no installed version back. Ubuntu's pockets share a code name, and
/// differ in their suite; with Debian's it is the other way round.
pub const FUNCTION: &str = r#"
download() {
    apt-get --yes --download-only "$@" && return 0
    apt-get --simulate "$@" || exit 42
    . /etc/os-release
    case $ID in ubuntu) pocket=a ;; *) pocket=n ;; esac
    printf 'Package: *\nPin: release %s=%s\nPin-Priority: 995\n' "$pocket" "${VERSION_CODENAME:-none}" \
        > /etc/apt/preferences.d/pkgr-release
    apt-get --yes --download-only "$@" || exit 43
    : > /pkgr/of-the-release
}
"#;

/// Says it where the files of the newest versions were not to be had.
pub(super) fn tell(workspace: &Workspace, series: &Series, listener: &dyn Listener) {
    if workspace.shared().join("of-the-release").exists() {
        let message = format!("the mirror of {series} lacks files of updates that it lists");
        let warning = Diagnostic::warning("mirror-incomplete", message);
        listener.tell(warning.because("packages of the release itself were used instead"));
    }
}
