//! The recipe's own files in the tree: payload and overrides.
//!
//! Payload travels as `debian/payload/…` beside upstream's files, and at the
//! root of a native package, which has no others.

use crate::diagnostic::Failure;
use crate::files;
use crate::plan::{Format, Package, PayloadFile, Target};

use super::{File, Origin, RenderError, Tree};

/// Where a file of the recipe's folder stands in the tree. What is under the
/// recipe's `debian/` travels as an override does and stays there.
pub fn path_in_tree(format: Format, file: &str) -> String {
    match format {
        Format::Quilt if !file.starts_with("debian/") => format!("debian/payload/{file}"),
        _ => file.to_string(),
    }
}

/// Adds every file that a package takes from the recipe's folder. Maintainer
/// scripts are not among them: they become files of debian/ themselves.
pub fn add(target: &Target, tree: &mut Tree) -> Result<(), Failure> {
    for file in target.packages.iter().flat_map(taken_by) {
        if let PayloadFile::Recipe(path) = file {
            let content = read(target, path, Origin::Recipe(path.clone()))?;
            tree.files.insert(path_in_tree(target.format, path), content);
        }
    }
    Ok(())
}

/// The files that a package puts in place, in no particular order.
pub fn taken_by(package: &Package) -> impl Iterator<Item = &PayloadFile> {
    let lists = [
        &package.manpages,
        &package.completions,
        &package.docs,
        &package.examples,
        &package.sysusers,
        &package.tmpfiles,
    ];
    let install = package.install.iter().map(|install| &install.file);
    let units = package.units.iter().map(|unit| &unit.file);
    install.chain(units).chain(lists.into_iter().flatten())
}

/// Lets the files of the recipe's `debian/` replace generated ones or join them.
pub fn add_overrides(target: &Target, tree: &mut Tree, errors: &mut Vec<RenderError>) -> Result<(), Failure> {
    for path in &target.overrides {
        let mut file = read(target, &format!("debian/{path}"), Origin::Override)?;
        file.executable |= path == "rules";
        match path.as_str() {
            "changelog" => errors.push(RenderError::FixedFile { file: "changelog" }),
            "source/format" if file.bytes.trim_ascii() != target.format.name().as_bytes() => {
                errors.push(RenderError::FixedFile { file: "source/format" });
            }
            _ => drop(tree.files.insert(format!("debian/{path}"), file)),
        }
    }
    Ok(())
}

/// A file of the recipe's folder with its executable bit.
pub fn read(target: &Target, path: &str, origin: Origin) -> Result<File, Failure> {
    let full = target.folder.join(path);
    let bytes = files::read(&full)?;
    let executable = is_executable(&full).map_err(|error| Failure::io("read", &full, &error))?;
    Ok(File { bytes, executable, origin })
}

#[cfg(unix)]
fn is_executable(path: &std::path::Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &std::path::Path) -> std::io::Result<bool> {
    Ok(false)
}
