//! A recipe as written, after the walk: known keys with values of the right
//! shape, each with its place. Templates are not expanded yet, selectors not
//! decided.

use super::document::Span;
use super::keys::Key;
use super::selector::Selector;

/// A string and where it stands (quotes included).
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The string's value.
    pub value: String,
    /// Its place.
    pub span: Span,
}

/// An element of a list, or what a name is mapped to.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A plain string.
    Text(Text),
    /// `{ file = "x", … }`.
    Record(Section),
}

impl Item {
    /// What tells it apart from the other elements: the string, or the record's `file`.
    pub fn identity(&self) -> &str {
        match self {
            Item::Text(text) => &text.value,
            Item::Record(section) => section.text("file").map_or("", |t| &t.value),
        }
    }

    /// Where it stands.
    pub fn span(&self) -> &Span {
        match self {
            Item::Text(text) => &text.span,
            Item::Record(section) => &section.span,
        }
    }
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string; an integer where one is allowed, as it reads.
    Text(Text),
    /// A truth value.
    Flag(bool),
    /// A list.
    List(Vec<Item>),
    /// `{ add = […], remove = […] }` under `[when]`.
    Change {
        /// Appended, each unless it is there.
        add: Vec<Item>,
        /// Taken out; has to be there.
        remove: Vec<Text>,
    },
    /// Names to values, in the order of the recipe.
    Map(Vec<(Text, Vec<Item>)>),
    /// A table of keys: `[build]`, `[lint]`.
    Table(Section),
    /// An array of tables: `[[source]]`.
    Tables(Vec<Section>),
    /// Names and tables, in the order of the recipe: `[follow.NAME]`.
    Named(Vec<(Text, Section)>),
    /// `[when."selector"]` blocks.
    When(Vec<When>),
    /// A selector: `when = "jammy.."`.
    Selector(Selector),
}

/// One `[when."selector"]`.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// For which targets.
    pub selector: Selector,
    /// What it changes.
    pub section: Section,
    /// Where the selector stands.
    pub span: Span,
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its row in the table of keys.
    pub key: &'static Key,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Value,
    /// Where the value stands.
    pub span: Span,
}

/// A table of the recipe, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// Its header, or the inline table.
    pub span: Span,
    /// The keys that are there and right.
    pub fields: Vec<Field>,
    /// Names of keys that were there and wrong: told already, so not missing.
    pub broken: Vec<&'static str>,
}

impl Section {
    /// A key's field.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.key.name == name)
    }

    /// Whether the key is there, right or wrong.
    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some() || self.broken.contains(&name)
    }

    /// A string's value.
    pub fn text(&self, name: &str) -> Option<&Text> {
        match &self.field(name)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A truth value.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.field(name)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// A list; empty where there is none.
    pub fn list(&self, name: &str) -> &[Item] {
        match self.field(name).map(|f| &f.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A map; empty where there is none.
    pub fn map(&self, name: &str) -> &[(Text, Vec<Item>)] {
        match self.field(name).map(|f| &f.value) {
            Some(Value::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// A table; none where there is none.
    pub fn table(&self, name: &str) -> Option<&Section> {
        match &self.field(name)?.value {
            Value::Table(section) => Some(section),
            _ => None,
        }
    }

    /// An array of tables; empty where there is none.
    pub fn tables(&self, name: &str) -> &[Section] {
        match self.field(name).map(|f| &f.value) {
            Some(Value::Tables(sections)) => sections,
            _ => &[],
        }
    }

    /// Names and tables; empty where there are none.
    pub fn named(&self, name: &str) -> &[(Text, Section)] {
        match self.field(name).map(|f| &f.value) {
            Some(Value::Named(sections)) => sections,
            _ => &[],
        }
    }

    /// The table's own `when`.
    pub fn when(&self) -> Option<&Selector> {
        match &self.field("when")?.value {
            Value::Selector(selector) => Some(selector),
            _ => None,
        }
    }
}
