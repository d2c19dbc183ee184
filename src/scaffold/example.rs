//! The four examples of templates/new.

use std::collections::BTreeMap;

use super::recipe::{Draft, quoted};
use super::{File, Kind, RECIPE};
use crate::diagnostic::{Diagnostic, Failure};
use crate::pack::{compress, tar};
use crate::render::{self, Origin, Tree};

const PROGRAM: &str = include_str!("../../templates/new/program.sh");
const MANUAL: &str = include_str!("../../templates/new/program.1");
const CONFIGURATION: &str = include_str!("../../templates/new/files.conf");
const UNIT: &str = include_str!("../../templates/new/unit.service");
const MODULE: &str = include_str!("../../templates/new/module.c");
const MODULE_CONFIG: &str = include_str!("../../templates/new/module.config");

/// The files of an example.
pub fn files(mut draft: Draft, kind: Kind) -> Result<BTreeMap<String, File>, Failure> {
    let name = draft.name.clone();
    // a name of C has no hyphens
    let word: String =
        name.trim_start_matches("ngx-").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let module = format!("ngx_http_{word}_module");
    let fill = |text: &str| {
        let text = text.replace("@NAME@", &name).replace("@MANUAL@", &name.to_uppercase());
        text.replace("@MODULE@", &module).replace("@DIRECTIVE@", &word)
    };
    let mut files = BTreeMap::new();
    match kind {
        Kind::Program => {
            files.insert(format!("{name}.sh"), File { executable: true, ..File::text(fill(PROGRAM)) });
            files.insert(format!("{name}.1"), File::text(fill(MANUAL)));
            draft.keys.push(("manpages", format!("[{}]", quoted(&format!("{name}.1")))));
            draft.tables.push(install(&format!("{name}.sh"), &format!("/usr/bin/{name}")));
            draft.tables.push(format!("[[test]]\nrun = {}\n", quoted(&format!("{name} | grep -q '^hello'"))));
        }
        Kind::Files => {
            files.insert(format!("{name}.conf"), File::text(fill(CONFIGURATION)));
            draft.tables.push(install(&format!("{name}.conf"), &format!("/usr/share/{name}/")));
        }
        Kind::Unit => {
            files.insert(format!("{name}.service"), File::text(fill(UNIT)));
            draft.keys.push(("units", format!("[{}]", quoted(&format!("{name}.service")))));
        }
        Kind::NginxModule => {
            let mut tree = Tree::default();
            for (path, text) in [("config".to_string(), MODULE_CONFIG), (format!("{module}.c"), MODULE)] {
                add(&mut tree, path, fill(text).into_bytes(), false);
            }
            let tarball = format!("{name}-{}", draft.version);
            files.insert(format!("{tarball}.tar.xz"), File::text(packed(&tree, &tarball)?));
            draft.license = "BSD-2-Clause".to_string();
            draft.tables.push(format!("[nginx]\nmodules = [{}]\n", quoted(&format!("{module}.so"))));
            draft.tables.push(format!("[[source]]\nurl = {}\n", quoted(&format!("{name}-{{{{ version }}}}.tar.xz"))));
        }
    }
    files.insert(RECIPE.to_string(), File::text(draft.to_text()));
    Ok(files)
}

fn install(file: &str, to: &str) -> String {
    format!("[install]\n{} = {}\n", quoted(file), quoted(to))
}

/// Adds a file to a tree that is to be packed.
pub fn add(tree: &mut Tree, path: String, bytes: Vec<u8>, executable: bool) {
    tree.files.insert(path, render::File { bytes, executable, origin: Origin::Generated });
}

/// A tree as a .tar.xz below a folder of that name; the same bytes each time.
pub fn packed(tree: &Tree, folder: &str) -> Result<Vec<u8>, Failure> {
    compress::xz(&tar::write(tree, folder, 0)).ok_or_else(|| {
        Failure::environment(Diagnostic::error("compression", format!("{folder}.tar.xz cannot be made: out of memory")))
    })
}
