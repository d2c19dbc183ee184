//! The walk over the parsed TOML, driven by the table of keys: unknown keys, keys
//! of another table, wrong types and values, all of them and each with its place.
//! What is wrong is told and left out, so that nothing is told twice.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diagnostic::Diagnostic;

use super::check::{Check, Wrong};
use super::document::{Document, Span};
use super::keys::{self, Key, Kind, Scope, Table};
use super::problems::Problems;
use super::selector::{Context, Selector, SelectorError};
use super::value::{Field, Item, Section, Text, Value, When};
use super::{suggest, template};

/// Reads the whole document; a syntax error ends it there, with all of its kind.
pub fn read(document: &Document) -> (Section, Problems) {
    let mut problems = Problems::default();
    let (root, errors) = DeTable::parse_recoverable(document.text());
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        problems.push(Diagnostic::error("toml-syntax", error.message()).at(document.place(&span)));
    }
    if !errors.is_empty() {
        return (Section::default(), problems);
    }
    let root_table = root.get_ref();
    let mut walker = Walker {
        document,
        problems,
        first_package: first_package(document, root_table),
        nginx: root_table.contains_key("nginx"),
        follows: follows(root_table),
        layer: false,
    };
    let section = walker.table(root.get_ref(), Table::Root, 0..0);
    (section, walker.problems)
}

/// The line of the first `[[package]]`.
fn first_package(document: &Document, root: &DeTable<'_>) -> Option<usize> {
    let packages = root.get("package")?.get_ref().as_array()?;
    packages.iter().next().map(|entry| document.line(entry.span().start))
}

/// The names that `[follow.NAME]` and `[nginx]` make variables of.
fn follows(root: &DeTable<'_>) -> Vec<String> {
    let named = root.get("follow").and_then(|follow| follow.get_ref().as_table());
    let mut names: Vec<String> = named.into_iter().flatten().map(|(name, _)| name.get_ref().to_string()).collect();
    if root.contains_key("nginx") {
        names.push("nginx".to_string());
    }
    names
}

struct Walker<'d> {
    document: &'d Document,
    problems: Problems,
    first_package: Option<usize>,
    /// Whether there is an `[nginx]`.
    nginx: bool,
    follows: Vec<String>,
    /// Inside a `[when]` block.
    layer: bool,
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

impl Walker<'_> {
    fn wrong(&mut self, code: &'static str, message: impl Into<String>, span: &Span) -> Diagnostic {
        Diagnostic::error(code, message).at(self.document.place(span))
    }

    fn table(&mut self, entries: &DeTable<'_>, table: Table, span: Span) -> Section {
        let mut section = Section { span: span.clone(), ..Section::default() };
        for (name, value) in entries {
            let Some(key) = keys::find(table, name.get_ref()) else {
                self.unknown_key(name.get_ref(), &name.span(), table);
                continue;
            };
            if !self.belongs(key, &name.span(), table) {
                section.broken.push(key.name);
                continue;
            }
            match self.value(key, (name, value)) {
                Some(read) => {
                    section.fields.push(Field { key, key_span: name.span(), value: read, span: value.span() })
                }
                None => section.broken.push(key.name),
            }
        }
        if !self.layer {
            self.missing(&section, table, &span);
        }
        section
    }

    fn missing(&mut self, section: &Section, table: Table, span: &Span) {
        let inherited = |key: &Key| table == Table::Package && key.scope == Scope::Both;
        for key in keys::of(table).filter(|k| k.required && !inherited(k) && !section.has(k.name)) {
            let message = match table {
                Table::Root => format!("the recipe has no `{}`", key.name),
                _ => format!("{} has no `{}`", table.title(), key.name),
            };
            let diagnostic = self.wrong("missing-key", message, span).hint(lower_first(key.doc));
            self.problems.push(diagnostic);
        }
    }

    /// Whether the key may stand where it does.
    fn belongs(&mut self, key: &'static Key, span: &Span, table: Table) -> bool {
        if table == Table::Root && self.layer && !key.layered {
            let message = format!("`{}` cannot be changed by `[when]`", key.name);
            let diagnostic = self.wrong("not-in-when", message, span);
            let hint = match key.kind {
                Kind::Tables(entry) => format!("give the {} a `when` of its own", entry.title()),
                _ => "it is the same for all targets".to_string(),
            };
            self.problems.push(diagnostic.hint(hint));
            return false;
        }
        // under [nginx] the top level describes the flavors' packages, the entries others
        let first_package = self.first_package.filter(|_| !self.nginx);
        if let (Table::Root, Scope::Binary, Some(line)) = (table, key.scope, first_package) {
            let message = format!("`{}` beside `[[package]]` belongs in an entry", key.name);
            let hint = format!("move it into the `[[package]]` that it is for; the first is at line {line}");
            let diagnostic = self.wrong("beside-packages", message, span).hint(hint);
            self.problems.push(diagnostic);
            return false;
        }
        true
    }

    fn unknown_key(&mut self, name: &str, span: &Span, table: Table) {
        let at = if table == Table::Root { "at" } else { "in" };
        let message = format!("unknown key `{name}` {at} {}", table.title());
        let mut diagnostic = self.wrong("unknown-key", message, span);
        let elsewhere: Vec<&str> =
            Table::ALL.iter().filter(|t| keys::find(**t, name).is_some()).map(|t| t.title()).collect();
        let near = suggest::hint(name, keys::of(table).map(|k| k.name));
        if !elsewhere.is_empty() {
            diagnostic = diagnostic.hint(format!("`{name}` belongs in {}", elsewhere.join(" or ")));
        }
        if let (Table::Root, Some(alias)) = (table, suggest::alias(name)) {
            diagnostic = diagnostic.hint(format!("what other tools call `{name}` is `{alias}` here"));
        } else if let Some(near) = near {
            diagnostic = diagnostic.hint(near);
        } else if elsewhere.is_empty() && table != Table::Root && table != Table::Package {
            let names: Vec<&str> = keys::of(table).map(|k| k.name).collect();
            diagnostic = diagnostic.hint(format!("its keys are {}", names.join(", ")));
        }
        self.problems.push(diagnostic);
    }

    fn value(&mut self, key: &'static Key, entry: Entry<'_, '_>) -> Option<Value> {
        let (_, value) = entry;
        match key.kind {
            Kind::Text(check) => self.text(key, check, value).map(Value::Text),
            Kind::TextOrNumber(check) => match value.get_ref().as_integer() {
                Some(number) => {
                    let text = Text { value: number.as_str().to_string(), span: value.span() };
                    self.checked(key, check, text).map(Value::Text)
                }
                None => self.text(key, check, value).map(Value::Text),
            },
            Kind::Choice(words) => self.choice(key, words, value),
            Kind::Flag => match value.get_ref().as_bool() {
                Some(flag) => Some(Value::Flag(flag)),
                None => self.wrong_type(key, "`true` or `false`", value),
            },
            Kind::List(check) => self.list(key, check, None, value),
            Kind::Records(check, table) => self.list(key, check, Some(table), value),
            Kind::Map(names, values) => {
                self.map(key, names, value, |walker, item| walker.text(key, values, item).map(|t| vec![Item::Text(t)]))
            }
            Kind::Files(check, table) => self.map(key, Check::Pattern, value, |walker, item| {
                walker.item(key, check, Some(table), item).map(|i| vec![i])
            }),
            Kind::Multimap(names, values) => {
                self.map(key, names, value, |walker, item| walker.one_or_more(key, values, item))
            }
            Kind::Table(table) => match value.get_ref().as_table() {
                Some(entries) => Some(Value::Table(self.table(entries, table, value.span()))),
                None => self.wrong_type(key, "a table", value),
            },
            Kind::Tables(table) => self.tables(key, table, value),
            Kind::Named(names, table) => self.named(key, names, table, value),
            Kind::When => self.when_blocks(key, value),
            Kind::Selector(context) => {
                let text = self.text(key, Check::Line, value)?;
                self.selector(&text, context).map(Value::Selector)
            }
        }
    }

    fn wrong_type<T>(&mut self, key: &Key, wanted: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let found = type_name(value.get_ref());
        let diagnostic = self.wrong("wrong-type", format!("`{}` takes {wanted}, not {found}", key.name), &value.span());
        let hint = match (key.kind, value.get_ref()) {
            (Kind::List(_) | Kind::Records(..), DeValue::String(text)) => Some(format!("write `[{text:?}]`")),
            (Kind::Text(_), DeValue::Integer(number)) => Some(format!("write `\"{}\"`", number.as_str())),
            (Kind::Text(_), DeValue::Float(number)) => Some(format!("write `\"{}\"`", number.as_str())),
            (Kind::Tables(table), DeValue::Table(_)) => Some(format!("write `{}`", table.title())),
            _ => None,
        };
        self.problems.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
        None
    }

    fn text(&mut self, key: &Key, check: Check, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(text) => {
                // a recipe with the line ends of another system means the same
                let text = Text { value: text.replace("\r\n", "\n"), span: value.span() };
                self.checked(key, check, text)
            }
            _ => self.wrong_type(key, "a string", value),
        }
    }

    /// Checks a string, or only its template where it has one: then the value is
    /// checked when it is expanded.
    fn checked(&mut self, key: &Key, check: Check, text: Text) -> Option<Text> {
        let result = if check.is_templated() && template::is_template(&text.value) {
            template::check(&text.value, &self.variables_of(key))
        } else {
            check.check(&text.value)
        };
        match result {
            Ok(()) => Some(text),
            Err(wrong) => {
                self.problems.push(tell(self.document, &text, wrong));
                None
            }
        }
    }

    fn choice(&mut self, key: &'static Key, words: &[&'static str], value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let Some(text) = value.get_ref().as_str() else { return self.wrong_type(key, "a string", value) };
        if words.contains(&text) {
            return Some(Value::Text(Text { value: text.to_string(), span: value.span() }));
        }
        let message = format!("`{}` cannot be `{text}`", key.name);
        let diagnostic = self.wrong("wrong-value", message, &value.span());
        let mut diagnostic = diagnostic.hint(format!("one of {}", words.join(", ")));
        diagnostic.hints.extend(suggest::hint(text, words.iter().copied()));
        self.problems.push(diagnostic);
        None
    }

    fn list(
        &mut self,
        key: &'static Key,
        check: Check,
        record: Option<Table>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Value> {
        match value.get_ref() {
            DeValue::Array(array) => Some(Value::List(self.items(key, check, record, array))),
            DeValue::Table(change) if self.layer => Some(self.change(key, check, record, change, value.span())),
            _ if self.layer => self.wrong_type(key, "a list, or `{ add = […], remove = […] }`", value),
            DeValue::Table(change) if change.contains_key("add") || change.contains_key("remove") => {
                let message = format!("`{}` is given here, not changed", key.name);
                let diagnostic = self.wrong("change-outside-when", message, &value.span());
                self.problems.push(diagnostic.hint("`{ add = […], remove = […] }` stands under `[when.\"SELECTOR\"]`"));
                None
            }
            _ => self.wrong_type(key, "a list of strings", value),
        }
    }

    fn items(&mut self, key: &'static Key, check: Check, record: Option<Table>, array: &DeArray<'_>) -> Vec<Item> {
        let items: Vec<Item> = array.iter().filter_map(|value| self.item(key, check, record, value)).collect();
        let mut first: HashMap<&str, usize> = HashMap::new();
        for item in items.iter().filter(|_| check != Check::Argument) {
            let line = self.document.line(item.span().start);
            if let Some(line) = first.insert(item.identity(), line) {
                let message = format!("`{}` stands twice in `{}`", item.identity(), key.name);
                let place = self.document.place(item.span());
                self.problems.push(
                    Diagnostic::error("duplicate", message).at(place).because(format!("the first is at line {line}")),
                );
            }
        }
        items
    }

    fn item(
        &mut self,
        key: &'static Key,
        check: Check,
        record: Option<Table>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Item> {
        match (value.get_ref(), record) {
            (DeValue::Table(entries), Some(table)) => {
                let layer = std::mem::replace(&mut self.layer, false);
                let section = self.table(entries, table, value.span());
                self.layer = layer;
                section.broken.is_empty().then_some(Item::Record(section))
            }
            (DeValue::String(_), _) => self.text(key, check, value).map(Item::Text),
            (other, _) => {
                let wanted = if record.is_some() { "strings and tables" } else { "strings" };
                let message = format!("`{}` takes {wanted}, not {}", key.name, type_name(other));
                let diagnostic = self.wrong("wrong-type", message, &value.span());
                self.problems.push(diagnostic);
                None
            }
        }
    }

    fn one_or_more(&mut self, key: &'static Key, check: Check, value: &Spanned<DeValue<'_>>) -> Option<Vec<Item>> {
        match value.get_ref() {
            DeValue::Array(array) => Some(self.items(key, check, None, array)),
            _ => self.item(key, check, None, value).map(|item| vec![item]),
        }
    }

    fn change(
        &mut self,
        key: &'static Key,
        check: Check,
        record: Option<Table>,
        change: &DeTable<'_>,
        span: Span,
    ) -> Value {
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        if change.is_empty() {
            let diagnostic = self.wrong("empty-change", format!("the change of `{}` is empty", key.name), &span);
            self.problems.push(diagnostic.hint("`{ add = […], remove = […] }`"));
        }
        for (name, value) in change {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("add", DeValue::Array(array)) => add = self.items(key, check, record, array),
                ("remove", DeValue::Array(array)) => {
                    let items = self.items(key, check, None, array);
                    remove = items
                        .iter()
                        .map(|i| Text { value: i.identity().to_string(), span: i.span().clone() })
                        .collect();
                }
                ("add" | "remove", _) => {
                    let _: Option<()> = self.wrong_type(key, "lists in `add` and `remove`", value);
                }
                (other, _) => {
                    let message = format!("a change of `{}` has no `{other}`", key.name);
                    let diagnostic = self.wrong("unknown-key", message, &name.span());
                    self.problems.push(diagnostic.hint("it has `add` and `remove`"));
                }
            }
        }
        Value::Change { add, remove }
    }

    fn map(
        &mut self,
        key: &'static Key,
        names: Check,
        value: &Spanned<DeValue<'_>>,
        mut item: impl FnMut(&mut Self, &Spanned<DeValue<'_>>) -> Option<Vec<Item>>,
    ) -> Option<Value> {
        let Some(entries) = value.get_ref().as_table() else {
            return self.wrong_type(key, "a table", value);
        };
        let mut map = Vec::new();
        for (name, value) in entries {
            let text = Text { value: name.get_ref().to_string(), span: name.span() };
            if template::is_template(&text.value) {
                let diagnostic = self.wrong("template-in-key", "templates stand in values, never in keys", &text.span);
                self.problems.push(diagnostic);
                continue;
            }
            if let Err(wrong) = names.check(&text.value) {
                self.problems.push(tell(self.document, &text, wrong));
                continue;
            }
            if let Some(items) = item(self, value) {
                map.push((text, items));
            }
        }
        Some(Value::Map(map))
    }

    fn tables(&mut self, key: &'static Key, table: Table, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let Some(array) = value.get_ref().as_array() else { return self.wrong_type(key, "an array of tables", value) };
        let mut sections = Vec::new();
        for entry in array.iter() {
            match entry.get_ref().as_table() {
                Some(entries) => sections.push(self.table(entries, table, entry.span())),
                None => {
                    let _: Option<()> = self.wrong_type(key, "tables", entry);
                }
            }
        }
        Some(Value::Tables(sections))
    }

    fn named(&mut self, key: &'static Key, names: Check, table: Table, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let Some(entries) = value.get_ref().as_table() else {
            return self.wrong_type(key, "tables with names", value);
        };
        let mut sections = Vec::new();
        for (name, entry) in entries {
            let text = Text { value: name.get_ref().to_string(), span: name.span() };
            if let Err(wrong) = names.check(&text.value) {
                self.problems.push(tell(self.document, &text, wrong));
                continue;
            }
            match entry.get_ref().as_table() {
                Some(entries) => sections.push((text, self.table(entries, table, entry.span()))),
                None => {
                    let message = format!("`[{}]` holds tables, not {}", key.name, type_name(entry.get_ref()));
                    let diagnostic = self.wrong("wrong-type", message, &entry.span());
                    self.problems.push(diagnostic.hint(format!("`{}`, and the keys below it", table.title())));
                }
            }
        }
        Some(Value::Named(sections))
    }

    /// The variables that a key's templates may use.
    fn variables_of(&self, key: &Key) -> Vec<String> {
        let known = match key.name {
            "upstream-version" => template::EARLY_VARIABLES,
            _ => template::VARIABLES,
        };
        let mut variables: Vec<String> = known.iter().map(|name| name.to_string()).collect();
        variables.extend(self.follows.iter().flat_map(|name| template::parts_of(name)));
        if self.nginx && key.knows_flavor() {
            variables.push("flavor".to_string());
        }
        variables
    }

    fn when_blocks(&mut self, key: &'static Key, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let Some(blocks) = value.get_ref().as_table() else {
            return self.wrong_type(key, "tables such as `[when.\"jammy..\"]`", value);
        };
        let mut when = Vec::new();
        for (name, block) in blocks {
            let Some(entries) = block.get_ref().as_table() else {
                let message = format!("`[when]` holds tables, not {}", type_name(block.get_ref()));
                let diagnostic = self.wrong("wrong-type", message, &block.span());
                self.problems.push(diagnostic.hint("`[when.\"jammy..\"]`, and the keys below it"));
                continue;
            };
            self.layer = true;
            let section = self.table(entries, Table::Root, block.span());
            self.layer = false;
            let text = Text { value: name.get_ref().to_string(), span: name.span() };
            if let Some(selector) = self.selector(&text, Context::Source) {
                when.push(When { selector, section, span: text.span });
            }
        }
        Some(Value::When(when))
    }

    fn selector(&mut self, text: &Text, context: Context) -> Option<Selector> {
        if template::is_template(&text.value) {
            let diagnostic = self.wrong("template-in-selector", "a selector cannot be a template", &text.span);
            self.problems.push(diagnostic);
            return None;
        }
        match Selector::parse_in(&text.value, context) {
            Ok(selector) => Some(selector),
            Err(SelectorError { span, message, hint }) => {
                let wrong = Wrong { hints: hint.into_iter().collect(), ..Wrong::new("bad-selector", message) };
                self.problems.push(tell(self.document, text, wrong.at(span)));
                None
            }
        }
    }
}

/// A fault of a string as a diagnostic at the part of it that is wrong.
pub fn tell(document: &Document, text: &Text, wrong: Wrong) -> Diagnostic {
    let span = match &wrong.part {
        Some(part) => document.within(&text.span, part),
        None => text.span.clone(),
    };
    Diagnostic { hints: wrong.hints, ..Diagnostic::error(wrong.code, wrong.message).at(document.place(&span)) }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn lower_first(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let acronym = text.chars().take(2).all(|c| c.is_uppercase());
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !acronym => first.to_lowercase().chain(chars).collect(),
        _ => text.to_string(),
    }
}
