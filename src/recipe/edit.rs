//! Editing recipe.toml in place: what is not changed keeps every byte, comments,
//! order and line ends included.
//!
//! This is the document and its saving; `entries` adds and removes whole
//! entries of arrays of tables. What an edited recipe means is judged by
//! [`super::load`], not here.

mod entries;
mod version;

use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use super::document::Document;
use crate::diagnostic::{Diagnostic, Failure};
use crate::files;

/// A recipe.toml open for editing.
#[derive(Debug, Clone)]
pub struct Edit {
    path: PathBuf,
    original: String,
    document: DocumentMut,
}

impl Edit {
    /// Opens a recipe: its file, or the folder that holds it as `recipe.toml`.
    ///
    /// Fails where it cannot be read or is no TOML.
    pub fn open(path: &Path) -> Result<Edit, Failure> {
        let file = if path.is_dir() { path.join("recipe.toml") } else { path.to_path_buf() };
        let text = String::from_utf8(files::read(&file)?)
            .map_err(|_| Failure::recipe(Diagnostic::error("not-utf8", format!("{} is not UTF-8", file.display()))))?;
        Edit::parse(&file, text)
    }

    /// The same for a text that is at hand; `file` says where it is saved.
    pub fn parse(file: &Path, text: String) -> Result<Edit, Failure> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let diagnostic = Diagnostic::error("toml-syntax", error.message().to_string());
            Failure::recipe(match error.span() {
                Some(span) => diagnostic.at(Document::new(file, text.clone()).place(&span)),
                None => diagnostic,
            })
        })?;
        Ok(Edit { path: file.to_path_buf(), original: text, document })
    }

    /// The file that [`Edit::save`] writes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The document, for edits that this module has no word for.
    pub fn document(&self) -> &DocumentMut {
        &self.document
    }

    /// The document, to be changed.
    pub fn document_mut(&mut self) -> &mut DocumentMut {
        &mut self.document
    }

    /// The text before any edit.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The text as edited, with the line ends that the file has.
    pub fn text(&self) -> String {
        let text = self.document.to_string();
        let windows = self.original.contains("\r\n") && !self.original.replace("\r\n", "").contains('\n');
        if windows { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text }
    }

    /// Whether anything is different.
    pub fn is_changed(&self) -> bool {
        self.text() != self.original
    }

    /// Writes the recipe atomically, if it changed; returns whether it did. What
    /// somebody else wrote since it was opened is not overwritten.
    pub fn save(&mut self) -> Result<bool, Failure> {
        let text = self.text();
        if text == self.original {
            return Ok(false);
        }
        if files::read(&self.path)? != self.original.as_bytes() {
            let message = format!("{} was changed meanwhile", self.path.display());
            let found = Diagnostic::error("recipe-changed", message).hint("run the command again");
            return Err(Failure::environment(found));
        }
        // a link stays one: what it leads to is rewritten
        let file = std::fs::canonicalize(&self.path).map_err(|e| Failure::io("find", &self.path, &e))?;
        files::write_atomically(&file, text.as_bytes(), false)?;
        self.original = text;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str) -> Edit {
        Edit::parse(Path::new("recipe.toml"), text.to_string()).unwrap()
    }

    #[test]
    fn nothing_edited_is_nothing_changed() {
        let text =
            "# top\r\nname = 'x' # why\r\nseries=[\r\n  'jammy', # old\r\n]\r\n\r\n[[source]]\r\nurl='a'\r\n# end";
        for text in [text.to_string(), text.replace("\r\n", "\n"), String::new()] {
            assert_eq!(edit(&text).text(), text);
            assert!(!edit(&text).is_changed());
        }
    }

    #[test]
    fn no_toml_is_told_with_its_place() {
        let failure = Edit::parse(Path::new("recipe.toml"), "name = \n".into()).unwrap_err();
        let place = failure.diagnostics[0].place.clone().unwrap();
        assert_eq!((failure.diagnostics[0].code, place.line), ("toml-syntax", 1));
    }

    #[test]
    fn only_what_changed_is_saved_and_nobody_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, "name = 'x'\n").unwrap();
        let mut one = Edit::open(folder.path()).unwrap();
        let mut other = Edit::open(&path).unwrap();
        assert!(!one.save().unwrap());
        one.document_mut()["name"] = toml_edit::value("y");
        assert!(one.save().unwrap() && !one.save().unwrap());
        other.document_mut()["name"] = toml_edit::value("z");
        assert_eq!(other.save().unwrap_err().diagnostics[0].code, "recipe-changed");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "name = \"y\"\n");
    }
}
