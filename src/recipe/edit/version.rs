//! The version of a recipe and what goes with it: `version`, `upstream-version`,
//! `revision`, and the digests of `[[source]]`.

use toml_edit::{Item, Table, TableLike, Value};

use super::Edit;

impl Edit {
    /// A string of the top level, or a whole number as it reads.
    pub fn text_of(&self, key: &str) -> Option<String> {
        match self.document.get(key)?.as_value()? {
            Value::String(text) => Some(text.value().clone()),
            Value::Integer(number) => Some(number.value().to_string()),
            _ => None,
        }
    }

    /// Sets a key of the top level; what stands around the old value stays. A key
    /// that is not there yet comes after `after`, aligned as that one is.
    pub fn set_text(&mut self, key: &str, after: &str, value: &str) {
        let root = self.document.as_table_mut();
        if let Some(old) = root.get_mut(key).and_then(Item::as_value_mut) {
            let number = value.parse::<i64>().ok().filter(|_| old.is_integer());
            return replace(old, number.map_or_else(|| value.into(), Value::from));
        }
        let width = root.key(after).map_or(0, |known| width(known.get(), known.leaf_decor().suffix()));
        root.insert(key, Item::Value(value.into()));
        if let (Some(mut new), true) = (root.key_mut(key), width > key.len()) {
            new.leaf_decor_mut().set_suffix(" ".repeat(width - key.len()));
        }
        place_after(root, key, after);
    }

    /// Takes a key of the top level away; returns whether it could be: not where a
    /// comment stands with it.
    pub fn remove_text(&mut self, key: &str) -> bool {
        let root = self.document.as_table_mut();
        let says =
            |decor: Option<&toml_edit::RawString>| decor.and_then(|raw| raw.as_str()).is_some_and(|t| t.contains('#'));
        let above = root.key(key).is_some_and(|known| says(known.leaf_decor().prefix()));
        let behind = root.get(key).and_then(Item::as_value).is_some_and(|value| says(value.decor().suffix()));
        !above && !behind && root.remove(key).is_some()
    }

    /// Sets the `sha256` of the entry of `[[source]]` at that position, if it has one.
    pub fn set_source_digest(&mut self, index: usize, sha256: &str) -> bool {
        let sources = self.document.get_mut("source");
        let entry: Option<&mut dyn TableLike> = match sources {
            Some(Item::ArrayOfTables(tables)) => tables.get_mut(index).map(|table| table as &mut dyn TableLike),
            Some(Item::Value(Value::Array(array))) => {
                array.get_mut(index).and_then(Value::as_inline_table_mut).map(|table| table as &mut dyn TableLike)
            }
            _ => None,
        };
        match entry.and_then(|entry| entry.get_mut("sha256")).and_then(Item::as_value_mut) {
            Some(old) => {
                replace(old, sha256.into());
                true
            }
            None => false,
        }
    }
}

fn replace(old: &mut Value, mut new: Value) {
    *new.decor_mut() = old.decor().clone();
    *old = new;
}

/// How wide a key is with the blanks before its `=`.
fn width(key: &str, suffix: Option<&toml_edit::RawString>) -> usize {
    key.len() + suffix.and_then(|raw| raw.as_str()).unwrap_or(" ").len()
}

/// Moves a key behind another one; the others keep their order.
fn place_after(root: &mut Table, key: &str, after: &str) {
    let mut order: Vec<String> = root.iter().map(|(name, _)| name.to_string()).filter(|name| name != key).collect();
    let at = order.iter().position(|name| name == after).map_or(order.len(), |at| at + 1);
    order.insert(at, key.to_string());
    let position = |name: &str| order.iter().position(|other| other == name);
    root.sort_values_by(|a, _, b, _| position(a.get()).cmp(&position(b.get())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const TEXT: &str = "# top\nname     = \"x\"\nversion  = '1.0' # of 2020\n\n# where\nseries   = [\"jammy\"]\n\n[[source]]\n\
                        url = \"a-{{ version }}\" # here\nsha256 = \"00\" # checked\n\n[watch]\ngithub = \"a/b\"\n";

    fn edit() -> Edit {
        Edit::parse(Path::new("recipe.toml"), TEXT.to_string()).unwrap()
    }

    #[test]
    fn values_change_and_comments_stay() {
        let mut edit = edit();
        edit.set_text("version", "name", "1.1");
        assert!(edit.set_source_digest(0, "ff") && !edit.set_source_digest(1, "ff"));
        let expected = TEXT.replace("'1.0'", "\"1.1\"").replace("\"00\"", "\"ff\"");
        assert_eq!(edit.text(), expected);
    }

    #[test]
    fn new_keys_stand_beside_the_version() {
        let mut edit = edit();
        edit.set_text("revision", "version", "2");
        edit.set_text("upstream-version", "version", "1-0");
        let expected = TEXT.replace("# of 2020\n", "# of 2020\nupstream-version = \"1-0\"\nrevision = \"2\"\n");
        assert_eq!(edit.text(), expected);
        edit.set_text("revision", "version", "3");
        assert!(edit.remove_text("upstream-version"));
        assert_eq!(edit.text(), TEXT.replace("# of 2020\n", "# of 2020\nrevision = \"3\"\n"));
        assert!(!edit.remove_text("version") && !edit.remove_text("series"), "comments stay");
    }

    #[test]
    fn numbers_stay_numbers() {
        let mut edit =
            Edit::parse(Path::new("recipe.toml"), "revision = 2 # x\nsource = [{ sha256 = \"0\" }]\n".into()).unwrap();
        edit.set_text("revision", "version", "3");
        assert!(edit.set_source_digest(0, "1"));
        assert_eq!(edit.text(), "revision = 3 # x\nsource = [{ sha256 = \"1\" }]\n");
        assert_eq!(edit.text_of("revision").as_deref(), Some("3"));
    }
}
