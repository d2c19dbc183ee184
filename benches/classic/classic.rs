//! The two sides: debuild, in a loop where several targets are wanted, and one
//! call of pkgr.

use std::path::Path;

use super::measure::{Shell, World};
use super::recipe::Package;

/// `debuild -S` for each series: the changelog's first line names version and
/// series, as a script of today would write it. lintian is left out, for pkgr
/// does not do its work here either, and so is debian/rules clean (-nc): the
/// tree is clean, and the build dependencies that it would call are not there.
pub fn debuild_command(world: &World, package: &Package, series: &[(&str, &str)]) -> Shell {
    let builds = series.iter().map(|(name, suffix)| {
        let head = format!("{} ({}{suffix}) {name}; urgency=medium", package.name, package.version);
        let sign = &world.fingerprint;
        format!("sed -i \"1s/.*/{head}/\" debian/changelog && debuild --no-conf --no-lintian -S -sa -d -nc -k{sign}")
    });
    let script = builds.collect::<Vec<_>>().join(" && ");
    Shell { script, folder: package.tree.clone() }
}

/// `pkgr build` in the recipe's folder, signed with the same key.
pub fn pkgr_command(world: &World, recipe: &Path) -> Shell {
    let script = format!("{} build --quiet --offline --key \"{}\"", env!("CARGO_BIN_EXE_pkgr"), world.secret.display());
    Shell { script, folder: recipe.to_path_buf() }
}
