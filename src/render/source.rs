//! The files of debian/ that the source package itself needs: format and
//! options, changelog, patches, upstream's keys.

use crate::deb::changelog;
use crate::deb::ignored::Ignored;
use crate::diagnostic::Failure;
use crate::files;
use crate::patch::dep3;
use crate::plan::toolchain::CompatForm;
use crate::plan::{Format, Target};

use super::{File, Inputs, Origin, Tree};

/// Adds all of them but include-binaries, which wants the finished tree.
pub fn add(target: &Target, inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), Failure> {
    tree.add("debian/changelog", changelog::write(&target.changelog));
    tree.add("debian/source/format", format!("{}\n", target.format.name()));
    if target.toolchain.form == CompatForm::File {
        tree.add("debian/compat", format!("{}\n", target.toolchain.compat));
    }
    if let Some(key) = &inputs.signing_key {
        tree.add("debian/upstream/signing-key.asc", key.as_slice());
    }
    add_patches(target, tree)
}

fn add_patches(target: &Target, tree: &mut Tree) -> Result<(), Failure> {
    if target.patches.is_empty() {
        return Ok(());
    }
    let mut series = String::new();
    for patch in &target.patches {
        let bytes = files::read(&target.folder.join(&patch.file))?;
        let name = patch.series_name();
        series.push_str(name);
        series.push('\n');
        let file = File {
            bytes: dep3::with_header(&bytes, name),
            executable: false,
            origin: Origin::Recipe(patch.file.clone()),
        };
        tree.files.insert(format!("debian/patches/{name}"), file);
    }
    tree.add("debian/patches/series", series);
    Ok(())
}

/// Payload that dpkg-source would drop when somebody packs the unpacked tree
/// again needs a debian/source/options: any pattern of its own ends dpkg's list.
pub fn add_options(tree: &mut Tree) {
    const OPTIONS: &str = "debian/source/options";
    let ignored = Ignored::new(None);
    // what is left out whatever the options say cannot be kept by options
    let dropped = |path: &String| ignored.pattern_for(path).is_some_and(|pattern| !Ignored::is_always(pattern));
    if tree.files.contains_key(OPTIONS) || !tree.files.keys().any(dropped) {
        return;
    }
    let text = "# keep the files that dpkg-source ignores by default\ntar-ignore = debian/files\n";
    tree.add(OPTIONS, text);
}

/// dpkg-source takes binary files of debian/ only if they are listed.
pub fn add_include_binaries(target: &Target, tree: &mut Tree) {
    const LIST: &str = "debian/source/include-binaries";
    if target.format == Format::Native || tree.files.contains_key(LIST) {
        return;
    }
    let binary = |(path, file): (&String, &File)| is_binary(&file.bytes).then(|| format!("{path}\n"));
    let list: String = tree.files.iter().filter_map(binary).collect();
    if !list.is_empty() {
        tree.add(LIST, list);
    }
}

/// As diff(1) has it, which dpkg-source asks: a NUL in the first block read.
fn is_binary(bytes: &[u8]) -> bool {
    const BLOCK: usize = 32 * 1024;
    memchr::memchr(0, bytes.get(..BLOCK).unwrap_or(bytes)).is_some()
}
