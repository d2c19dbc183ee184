//! The two sides: debuild, in a loop where several targets are wanted, and one
//! call of pkgr.

use std::path::Path;

use super::measure::{Measured, Shell, World};
use super::recipe::Package;

/// `debuild -S` for each series: the changelog's first line names version and
/// series, as a script of today would write it. lintian is left out, for pkgr
/// does not do its work here either.
pub fn build(world: &World, package: &Package, series: &[(&str, &str)]) -> Measured {
    let mut script = String::new();
    for (name, suffix) in series {
        let head = format!("{} ({}{suffix}) {name}; urgency=medium", package.name, package.version);
        script += &format!("sed -i \"1s/.*/{head}/\" debian/changelog\n");
        script += &format!("debuild --no-conf --no-lintian -S -sa -d -nc -k{}\n", world.fingerprint);
    }
    world.measure(&Shell { script, folder: package.tree.clone() })
}

/// `pkgr build` in the recipe's folder, signed with the same key.
pub fn pkgr_command(world: &World, recipe: &Path) -> Shell {
    let script = format!("{} build --quiet --offline --key \"{}\"", env!("CARGO_BIN_EXE_pkgr"), world.secret.display());
    Shell { script, folder: recipe.to_path_buf() }
}
