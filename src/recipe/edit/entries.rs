//! Entries of arrays of tables (`[[patch]]`, `[[source]]`): added after those that
//! are there, removed with the comment above them. Where a recipe writes the array
//! inline (`patch = [{ file = "x" }]`), the form stays.

use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table, TableLike, Value};

use super::Edit;
use crate::diagnostic::{Diagnostic, Failure};

impl Edit {
    /// Appends an entry with these keys, in this order, to an array of tables.
    /// The first entry of an array comes after the last entry of `after`, which
    /// names another array of tables, else at the end.
    pub fn add_entry(&mut self, array: &str, after: &str, keys: &[(&str, &str)]) -> Result<(), Failure> {
        let root = self.document.as_table_mut();
        match root.get_mut(array) {
            Some(Item::ArrayOfTables(tables)) => {
                let position = tables.iter().last().and_then(Table::position);
                tables.push(table(keys, position));
            }
            Some(Item::Value(Value::Array(inline))) => push_inline(inline, keys),
            Some(_) => {
                let message = format!("`{array}` is not an array of tables");
                return Err(Failure::recipe(Diagnostic::error("wrong-type", message)));
            }
            None => {
                let last = |tables: &ArrayOfTables| tables.iter().last().and_then(Table::position);
                let beside = root.get(after).and_then(Item::as_array_of_tables).and_then(last);
                let position = beside.or_else(|| last_position(root));
                let mut tables = ArrayOfTables::new();
                tables.push(table(keys, position));
                root.insert(array, Item::ArrayOfTables(tables));
            }
        }
        self.end_line();
        Ok(())
    }

    /// Removes the entries of an array of tables that `is_meant` picks; returns how
    /// many. An array without entries goes as a whole.
    pub fn remove_entries(&mut self, array: &str, is_meant: impl Fn(&dyn TableLike) -> bool) -> usize {
        let root = self.document.as_table_mut();
        let (before, after) = match root.get_mut(array) {
            Some(Item::ArrayOfTables(tables)) => {
                let before = tables.len();
                tables.retain(|table| !is_meant(table));
                (before, tables.len())
            }
            Some(Item::Value(Value::Array(inline))) => {
                let before = inline.len();
                inline.retain(|value| !value.as_inline_table().is_some_and(|table| is_meant(table)));
                (before, inline.len())
            }
            _ => (0, 0),
        };
        if before > 0 && after == 0 {
            root.remove(array);
        }
        before - after
    }

    /// A key appended to a text whose last line has no end would join it.
    fn end_line(&mut self) {
        let trailing = self.document.trailing().as_str().unwrap_or_default().to_string();
        if !trailing.is_empty() && !trailing.ends_with('\n') {
            self.document.set_trailing(format!("{trailing}\n"));
        }
    }
}

/// The position of the last table with a header.
fn last_position(table: &Table) -> Option<isize> {
    let mut last = table.position();
    for (_, item) in table.iter() {
        let below = match item {
            Item::Table(table) => last_position(table),
            Item::ArrayOfTables(tables) => tables.iter().filter_map(last_position).max(),
            _ => None,
        };
        last = last.max(below);
    }
    last
}

fn table(keys: &[(&str, &str)], position: Option<isize>) -> Table {
    let mut table = Table::new();
    for (key, value) in keys {
        table.insert(key, toml_edit::value(*value));
    }
    table.decor_mut().set_prefix("\n");
    table.set_position(position);
    table
}

/// On a line of its own if the last entry has one.
fn push_inline(array: &mut Array, keys: &[(&str, &str)]) {
    let mut table = InlineTable::new();
    for (key, value) in keys {
        table.insert(*key, Value::from(*value));
    }
    let mut value = Value::InlineTable(table);
    let prefix = array.iter().last().and_then(|last| last.decor().prefix()).and_then(|prefix| prefix.as_str());
    // of several lines the last is the indentation; the others are comments
    let line = prefix.and_then(|prefix| prefix.rsplit_once('\n')).map(|(_, indent)| format!("\n{indent}"));
    match (line, array.is_empty()) {
        (Some(prefix), _) => value.decor_mut().set_prefix(prefix),
        (None, true) => {}
        (None, false) => value.decor_mut().set_prefix(" "),
    }
    array.push_formatted(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn edit(text: &str) -> Edit {
        Edit::parse(Path::new("recipe.toml"), text.to_string()).unwrap()
    }

    fn added(text: &str) -> String {
        let mut edit = edit(text);
        edit.add_entry("patch", "source", &[("file", "patches/new.patch"), ("when", "jammy..")]).unwrap();
        let text = edit.text();
        let table: toml::Table = text.parse().unwrap();
        let last = table["patch"].as_array().unwrap().last().unwrap();
        assert_eq!(last["file"].as_str(), Some("patches/new.patch"));
        text
    }

    const NEW: &str = "\n[[patch]]\nfile = \"patches/new.patch\"\nwhen = \"jammy..\"\n";

    #[test]
    fn a_first_entry_comes_after_the_sources() {
        let (head, tail) = ("name = 'x' # a\n\n[[source]]\nurl = 'u' # b\n", "\n# about tests\n[[test]]\nrun = 'x'\n");
        assert_eq!(added(&format!("{head}{tail}")), format!("{head}{NEW}{tail}"));
        assert_eq!(added(head), format!("{head}{NEW}"));
        assert_eq!(added("[a]\nb = 1\n[c.d]\ne = 1\n"), format!("[a]\nb = 1\n[c.d]\ne = 1\n{NEW}"));
        assert_eq!(added("name = 'x'\n"), format!("name = 'x'\n{NEW}"));
        assert_eq!(added("name = 'x'"), format!("name = 'x'\n{NEW}"));
    }

    #[test]
    fn a_later_entry_comes_after_the_last() {
        let head = "[[patch]]\nfile = 'a'\n\n# why b\n[[patch]]\nfile = 'b' # b\n# of b\n";
        let tail = "\n[[source]]\nurl = 'u'\n# end\n";
        // a comment with no line between belongs to what follows it, for TOML knows no better
        let text = added(&format!("{head}{tail}"));
        let start = "[[patch]]\nfile = 'a'\n\n# why b\n[[patch]]\nfile = 'b' # b\n";
        assert_eq!(text, format!("{start}{NEW}# of b\n{tail}"));
    }

    #[test]
    fn an_inline_array_keeps_its_form() {
        assert_eq!(
            added("patch = [{ file = 'a' }]\n"),
            "patch = [{ file = 'a' }, { file = \"patches/new.patch\", when = \"jammy..\" }]\n"
        );
        assert_eq!(
            added("patch = [\n  # first\n  { file = 'a' },\n]\n"),
            "patch = [\n  # first\n  { file = 'a' },\n  { file = \"patches/new.patch\", when = \"jammy..\" },\n]\n"
        );
        assert_eq!(added("patch = []\n"), "patch = [{ file = \"patches/new.patch\", when = \"jammy..\" }]\n");
    }

    #[test]
    fn windows_line_ends_stay() {
        let text = added("name = 'x'\r\n\r\n[[source]]\r\nurl = 'u'\r\n");
        assert!(!text.replace("\r\n", "").contains('\n'), "{text:?}");
    }

    #[test]
    fn removing_takes_the_comment_above_and_nothing_else() {
        let is =
            |name: &'static str| move |table: &dyn TableLike| table.get("file").and_then(Item::as_str) == Some(name);
        let text = "# top\nname = 'x'\n\n[[patch]]\nfile = 'a' # x\n\n# why b\n[[patch]]\nfile = 'b'\n\n# t\n[[test]]\nrun = 'x'\n";
        let mut edit = edit(text);
        assert_eq!(edit.remove_entries("patch", is("b")), 1);
        assert_eq!(edit.text(), text.replace("# why b\n[[patch]]\nfile = 'b'\n\n", ""));
        assert_eq!(edit.remove_entries("patch", is("c")), 0);
        assert_eq!(edit.remove_entries("patch", is("a")), 1);
        assert_eq!(edit.text(), "# top\nname = 'x'\n\n# t\n[[test]]\nrun = 'x'\n");
        let mut inline = super::tests::edit("patch = [{ file = 'a' }, { file = 'b' }]\n");
        assert_eq!(inline.remove_entries("patch", is("a")), 1);
        assert_eq!(inline.text().replace(' ', ""), "patch=[{file='b'}]\n");
        assert_eq!(inline.remove_entries("patch", is("b")), 1);
        assert_eq!(inline.text(), "");
    }

    #[test]
    fn what_is_no_array_of_tables_is_refused() {
        let failure = edit("patch = 'x'\n").add_entry("patch", "source", &[]).unwrap_err();
        assert_eq!(failure.diagnostics[0].code, "wrong-type");
    }
}
