//! Vendoring: what a language's own package manager would download while building
//! becomes a component of the source package, for builders have no network.
//!
//! The client of the language fetches what its lock file pins, into an unpacked
//! copy of the patched source; what it fetched is packed as a tarball whose bytes
//! depend on these files alone. Nothing of the packages is run, but by pip, which asks
//! a package's own build back end for its metadata even to download it.

mod error;
mod tool;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use error::VendorError;
pub use tool::Tool;

use crate::build::prepare::Options;
use crate::diagnostic::Failure;
use crate::files;
use crate::listener::Listener;
use crate::lock::Lock;
use crate::pack::{compress, tar};
use crate::queue::Queue;
use crate::recipe::edit::Edit;
use crate::render::{File, Origin, Tree};

/// The component, and the folder in the root of the tree that it becomes.
pub const COMPONENT: &str = "vendor";

/// All files have one time stamp, 2000-01-01: when they were fetched is no fact of
/// the package.
const TIME: u64 = 946_684_800;

/// What was vendored.
#[derive(Debug, Clone)]
pub struct Vendored {
    /// Who fetched it.
    pub tool: Tool,
    /// The tarball.
    pub path: PathBuf,
    /// How many files it holds.
    pub files: usize,
    /// Its size in bytes.
    pub size: usize,
    /// Whether its bytes are new.
    pub written: bool,
    /// Whether the recipe got a `[[source]]` entry.
    pub entered: bool,
}

/// Vendors the dependencies of a recipe's source beside the recipe, and enters the
/// tarball as a component. `tool` is found by the lock file where it is not given.
pub fn vendor(
    recipe: &Path,
    tool: Option<Tool>,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Vendored, Failure> {
    let mut edit = Edit::open(recipe)?;
    let has_entry = entries(&edit).any(|component| component == COMPONENT);
    let temporary = tempfile::tempdir().map_err(|e| Failure::io("create a folder in", &std::env::temp_dir(), &e))?;
    let root = temporary.path().join("tree");
    // with a component that is there, its tarball may be the one to be replaced
    let bare = without_component(&edit, recipe, has_entry)?;
    let bare_path = bare.as_ref().map_or(recipe, |bare| bare.recipe.path());
    let (name, version) = unpack(bare_path, options, listener, &root)?;
    drop(bare);
    let tool = match tool {
        Some(tool) => tool,
        None => Tool::detect(&root, &format!("{name} {version}"))?,
    };
    let folder = root.join(COMPONENT);
    if folder.exists() {
        return Err(VendorError::Vendored(format!("{name} {version}")).into());
    }
    tool.fetch(&root, COMPONENT, listener)?;
    let tree = read_tree(&folder)?;
    if tree.files.is_empty() {
        return Err(VendorError::Nothing(tool).into());
    }
    let archive = tar::write(&tree, COMPONENT, TIME);
    let bytes = compress::xz(&archive).ok_or(VendorError::Memory)?;
    let file = format!("{name}-{version}-{COMPONENT}.tar.xz");
    let path = recipe.with_file_name(&file);
    let written = files::write_atomically(&path, &bytes, false)?;
    if !has_entry {
        let url = format!("{{{{ name }}}}-{{{{ version }}}}-{COMPONENT}.tar.xz");
        edit.add_entry("source", "source", &[("component", COMPONENT), ("url", &url)])?;
        edit.save()?;
    }
    let entered = !has_entry;
    Ok(Vendored { tool, path, files: tree.files.len(), size: bytes.len(), written, entered })
}

fn entries(edit: &Edit) -> impl Iterator<Item = String> + '_ {
    let sources = edit.document().get("source").and_then(toml_edit::Item::as_array_of_tables);
    let component = |table: &toml_edit::Table| table.get("component")?.as_str().map(String::from);
    sources.into_iter().flat_map(|sources| sources.iter()).filter_map(component)
}

/// A recipe without its vendored component, and its lock, beside the recipe; both go
/// with this value.
struct Bare {
    recipe: tempfile::NamedTempFile,
    lock: PathBuf,
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.lock);
    }
}

/// The recipe as it was before vendoring; the component is about to be made anew, so
/// it need not be there. `None` if the recipe has none.
fn without_component(edit: &Edit, recipe: &Path, has_entry: bool) -> Result<Option<Bare>, Failure> {
    if !has_entry {
        return Ok(None);
    }
    let mut bare = edit.clone();
    bare.remove_entries("source", |table| table.get("component").and_then(toml_edit::Item::as_str) == Some(COMPONENT));
    let folder = files::parent(recipe);
    let file = tempfile::Builder::new().prefix(files::TEMPORARY_PREFIX).suffix(".toml").tempfile_in(&folder);
    let file = file.map_err(|e| Failure::io("create a file in", &folder, &e))?;
    std::fs::write(file.path(), bare.text()).map_err(|e| Failure::io("write", file.path(), &e))?;
    let lock = Lock::path_for(file.path());
    let theirs = Lock::path_for(recipe);
    if theirs.exists() {
        std::fs::copy(&theirs, &lock).map_err(|e| Failure::io("copy", &theirs, &e))?;
    }
    Ok(Some(Bare { recipe: file, lock }))
}

/// Unpacks the patched source; returns name and version.
fn unpack(recipe: &Path, options: &Options, listener: &dyn Listener, root: &Path) -> Result<(String, String), Failure> {
    let queue = Queue::open(recipe, options, listener)?;
    let lineup = queue.lineups().first().ok_or(VendorError::NoTarget)?;
    queue.write_tree(lineup, root)?;
    let target = queue.target(lineup)?;
    Ok((target.name.clone(), target.recipe_version.clone()))
}

/// The regular files below a folder. Links are refused: a tarball that is to be
/// unpacked anywhere has none.
fn read_tree(root: &Path) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        let here = root.join(&folder);
        let entries = std::fs::read_dir(&here).map_err(|e| Failure::io("read", &here, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| Failure::io("read", &here, &e))?;
            let path = entry.path();
            let name = match entry.file_name().to_str() {
                Some(base) if folder.is_empty() => base.to_string(),
                Some(base) => format!("{folder}/{base}"),
                None => return Err(VendorError::Unpackable(path.display().to_string()).into()),
            };
            let data = std::fs::symlink_metadata(&path).map_err(|e| Failure::io("read", &path, &e))?;
            if data.is_dir() {
                waiting.push(name);
            } else if data.is_file() {
                let executable = data.permissions().mode() & 0o100 != 0;
                tree.files.insert(name, File { bytes: files::read(&path)?, executable, origin: Origin::Generated });
            } else {
                return Err(VendorError::Unpackable(name).into());
            }
        }
    }
    Ok(tree)
}
