//! `[when."selector"]`: the top level of a recipe as one series sees it. A value
//! replaces; a list may be changed by `{ add, remove }`; the entries of a table
//! (`[build]`, `install`, `env`, `scripts`) are replaced one by one. Later blocks
//! win.

use crate::diagnostic::Diagnostic;
use crate::recipe::Recipe;
use crate::recipe::problems::Problems;
use crate::recipe::value::{Field, Item, Section, Text, Value, When};
use crate::series::Series;

/// The top level with every block applied that holds for `series`.
pub fn layered(recipe: &Recipe, series: &Series, problems: &mut Problems) -> Section {
    let mut section = recipe.root().clone();
    for block in blocks(recipe).iter().filter(|block| block.selector.matches(series)) {
        apply(recipe, &mut section, &block.section, problems);
    }
    section
}

fn blocks(recipe: &Recipe) -> &[When] {
    match recipe.root().field("when").map(|f| &f.value) {
        Some(Value::When(blocks)) => blocks,
        _ => &[],
    }
}

fn apply(recipe: &Recipe, base: &mut Section, layer: &Section, problems: &mut Problems) {
    for field in &layer.fields {
        let old = base.fields.iter_mut().find(|f| f.key.name == field.key.name);
        match (old, &field.value) {
            (old, Value::Change { add, remove }) => {
                let mut items = match old.as_ref().map(|f| &f.value) {
                    Some(Value::List(items)) => items.clone(),
                    _ => Vec::new(),
                };
                change(recipe, &mut items, add, remove, problems);
                set(base, Field { value: Value::List(items), ..field.clone() });
            }
            (Some(Field { value: Value::Table(old), .. }), Value::Table(new)) => apply(recipe, old, new, problems),
            (Some(Field { value: Value::Map(old), .. }), Value::Map(new)) => merge(old, new),
            _ => set(base, field.clone()),
        }
    }
}

fn set(section: &mut Section, field: Field) {
    match section.fields.iter_mut().find(|f| f.key.name == field.key.name) {
        Some(old) => *old = field,
        None => section.fields.push(field),
    }
}

fn merge(old: &mut Vec<(Text, Vec<Item>)>, new: &[(Text, Vec<Item>)]) {
    for (name, value) in new {
        match old.iter_mut().find(|(known, _)| known.value == name.value) {
            Some(entry) => *entry = (name.clone(), value.clone()),
            None => old.push((name.clone(), value.clone())),
        }
    }
}

fn change(recipe: &Recipe, items: &mut Vec<Item>, add: &[Item], remove: &[Text], problems: &mut Problems) {
    for gone in remove {
        match items.iter().position(|item| item.identity() == gone.value) {
            Some(index) => {
                items.remove(index);
            }
            None => {
                let message = format!("`{}` is not in the list that it is removed from", gone.value);
                let place = recipe.document().place(&gone.span);
                problems.push(Diagnostic::error("remove-absent", message).at(place));
            }
        }
    }
    for item in add {
        if !items.iter().any(|old| old.identity() == item.identity()) {
            items.push(item.clone());
        }
    }
}
