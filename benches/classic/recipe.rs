//! A recipe with the content of a Debian source package: its orig, its patches,
//! and its debian/ as the recipe's overrides, so that both sides pack the same.

use std::fs;
use std::path::{Path, PathBuf};

use super::measure::{Shell, World};

/// Sixteen series and what the classic side appends to the version for each.
pub const SERIES: [(&str, &str); 16] = [
    ("noble", "~ubuntu24.04.1"),
    ("jammy", "~ubuntu22.04.1"),
    ("focal", "~ubuntu20.04.1"),
    ("bionic", "~ubuntu18.04.1"),
    ("xenial", "~ubuntu16.04.1"),
    ("trixie", "~deb13u1"),
    ("bookworm", "~deb12u1"),
    ("bullseye", "~deb11u1"),
    ("buster", "~deb10u1"),
    ("oracular", "~ubuntu24.10.1"),
    ("mantic", "~ubuntu23.10.1"),
    ("lunar", "~ubuntu23.04.1"),
    ("kinetic", "~ubuntu22.10.1"),
    ("impish", "~ubuntu21.10.1"),
    ("hirsute", "~ubuntu21.04.1"),
    ("groovy", "~ubuntu20.10.1"),
];

/// An unpacked source package.
pub struct Package {
    pub name: String,
    /// Full Debian version.
    pub version: String,
    /// Where debuild writes: the parent of the tree, with the orig in it.
    pub folder: PathBuf,
    pub tree: PathBuf,
    orig: PathBuf,
}

impl Package {
    /// Unpacks a .dsc below `folder`, the orig beside the tree.
    pub fn unpack(world: &World, dsc: &Path, folder: &Path) -> Package {
        let folder = folder.join("classic");
        fs::create_dir_all(&folder).expect("a folder");
        let tree = folder.join("tree");
        let script =
            format!("dpkg-source --no-check -x '{}' tree && cp '{}'/*.orig.tar.* .", dsc.display(), parent(dsc));
        world.run(&Shell { script, folder: folder.clone() });
        let head = |field: &str| {
            let script = format!("dpkg-parsechangelog -S {field}");
            world.run(&Shell { script, folder: tree.clone() }).trim().to_string()
        };
        let (name, version) = (head("Source"), head("Version"));
        // work for the one side only: years of history, patches that are not
        // applied; and pkgr packs what a link points to
        let level = "sed -i '/^ -- /q' debian/changelog
            find debian -type l | while read -r link; do
                target=$(realpath \"$link\"); rm \"$link\"; cp -r \"$target\" \"$link\"
            done
            ! test -d debian/patches || find debian/patches -type f -printf '%P\\n' | while read -r file; do
                test \"$file\" = series || grep -q \"^$file\" debian/patches/series || rm \"debian/patches/$file\"
            done";
        world.run(&Shell { script: level.to_string(), folder: tree.clone() });
        let start = format!("{name}_");
        // other packages' origs may lie in the same download folder
        let orig = fs::read_dir(&folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path())
            .find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                name.starts_with(&start) && !name.ends_with(".asc")
            })
            .expect("an orig");
        Package { name, version, folder, tree, orig }
    }

    fn upstream(&self) -> &str {
        self.version.rsplit_once('-').map_or(self.version.as_str(), |(upstream, _)| upstream)
    }
}

fn parent(path: &Path) -> std::path::Display<'_> {
    path.parent().expect("a folder").display()
}

/// Writes the recipe's folder.
pub fn write(package: &Package, folder: &Path, series: &[(&str, &str)]) -> PathBuf {
    fs::create_dir_all(folder).expect("the recipe's folder");
    let orig = package.orig.file_name().expect("a name").to_string_lossy().into_owned();
    fs::copy(&package.orig, folder.join(&orig)).expect("the orig");
    let names: Vec<String> = series.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let mut text = format!(
        "name = \"{}\"\nversion = \"{}\"\nsummary = \"what Debian packages under this name\"\n\
         license = \"BSD-2-Clause\"\nmaintainer = \"Bench <bench@example.org>\"\nseries = [{}]\n\n\
         [[source]]\nurl = \"{orig}\"\n",
        package.name,
        package.upstream(),
        names.join(", "),
    );
    let debian = package.tree.join("debian");
    copy_overrides(&debian, &folder.join("debian"), "");
    for patch in patches(&debian.join("patches")) {
        text += &format!("\n[[patch]]\nfile = \"patches/{patch}\"\n");
        let target = folder.join("patches").join(&patch);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(debian.join("patches").join(&patch), target).expect("a patch");
    }
    fs::write(folder.join("recipe.toml"), text).expect("the recipe");
    folder.to_path_buf()
}

/// Everything of debian/ but what comes from the recipe and its lock.
fn copy_overrides(from: &Path, to: &Path, below: &str) {
    for entry in fs::read_dir(from).expect("debian/") {
        let entry = entry.expect("an entry");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if ["patches", "changelog", "files", "source/format"].contains(&name.as_str()) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_overrides(&entry.path(), &target, &format!("{name}/"));
        } else {
            fs::create_dir_all(to).expect("a folder");
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The patches of debian/patches/series, in order.
fn patches(folder: &Path) -> Vec<String> {
    let series = fs::read_to_string(folder.join("series")).unwrap_or_default();
    let lines = series.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
    lines.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_string).collect()
}
