//! recipe.toml as written: every word with its place, checked against the table
//! of [`keys`], nothing evaluated. What it means for one series is decided in
//! [`crate::plan`].
//!
//! A recipe that is wrong can still be loaded as far as it is right: what was
//! found is kept with it, and [`crate::plan::evaluate`] tells it together with
//! what only evaluation finds, so that one run tells everything. A recipe that is
//! no TOML cannot be loaded.

pub mod check;
mod consistency;
pub mod document;
pub mod edit;
pub mod keys;
pub mod paths;
pub mod problems;
pub mod schema;
pub mod selector;
mod suggest;
pub mod template;
pub mod value;
mod walk;

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Failure};
use crate::files;
use crate::series::{Series, catalog};

use document::Document;
use problems::Problems;
pub use selector::Selector;
use value::{Item, Section};
pub use walk::tell;

/// A recipe as written.
#[derive(Debug, Clone)]
pub struct Recipe {
    document: Document,
    folder: PathBuf,
    root: Section,
    series: Vec<Series>,
    problems: Problems,
}

/// Loads a recipe: its file, or the folder that holds it as `recipe.toml`.
///
/// Fails where it cannot be read or is no TOML (all syntax errors together);
/// other errors are kept in it ([`Recipe::problems`]).
pub fn load(path: &Path) -> Result<Recipe, Failure> {
    let file = if path.is_dir() { path.join("recipe.toml") } else { path.to_path_buf() };
    if !file.exists() {
        let diagnostic = Diagnostic::error("no-recipe", format!("there is no {}", file.display()));
        return Err(Failure::recipe(diagnostic.hint("`pkgr new NAME` makes a recipe")));
    }
    let text = String::from_utf8(files::read(&file)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let place = Document::new(&file, text).place(&(valid..valid));
        Failure::recipe(Diagnostic::error("not-utf8", "the recipe is not UTF-8").at(place))
    })?;
    parse(&file, text)
}

/// The same for a text that is at hand; `file` says where it would be.
pub fn parse(file: &Path, text: String) -> Result<Recipe, Failure> {
    let document = Document::new(file, text);
    let (root, mut problems) = walk::read(&document);
    if root.fields.is_empty() {
        problems.clone().into_result()?;
    }
    let named = root.list("series").iter().map(Item::identity);
    let mut series: Vec<Series> = Vec::new();
    for one in named.filter_map(|name| catalog().find(name)) {
        if !series.contains(one) {
            series.push(one.clone());
        }
    }
    consistency::check(&document, &root, &series, &mut problems);
    Ok(Recipe { folder: files::parent(document.path()), document, root, series, problems })
}

impl Recipe {
    /// The file, as the user knows it.
    pub fn path(&self) -> &Path {
        self.document.path()
    }

    /// The folder that its files are relative to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its text with the places in it.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Everything it says, the top level first.
    pub fn root(&self) -> &Section {
        &self.root
    }

    /// The series it names, in its order.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// What is wrong with it, as far as it can be seen without evaluating.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// `[lint] allow`: (code, reason).
    pub fn allowed_findings(&self) -> Vec<(String, String)> {
        let allow = self.root.table("lint").map_or(&[][..], |lint| lint.map("allow"));
        allow.iter().filter_map(|(code, why)| Some((code.value.clone(), why.first()?.identity().to_string()))).collect()
    }
}
