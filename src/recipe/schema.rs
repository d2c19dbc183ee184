//! The JSON schema of recipe.toml (draft 2020-12), from the table of keys, for
//! editors: completion, documentation on hover, the coarse errors.

use serde_json::{Map, Value, json};

use super::check::Check;
use super::keys::{self, Key, Kind, Table};
use crate::series::catalog;

/// The schema.
pub fn json() -> Value {
    let mut schema = table(Table::Root, false);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".into(), json!("recipe.toml of pkgr"));
    }
    schema
}

/// A table; under `[when]` nothing is required and lists may be changed.
fn table(table: Table, layer: bool) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys::of(table) {
        if layer && table == Table::Root && !key.layered {
            continue;
        }
        properties.insert(key.name.into(), property(key, layer));
        let inherited = table == Table::Package && key.scope == keys::Scope::Both;
        if key.required && !layer && !inherited {
            required.push(key.name);
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let (false, Some(object)) = (required.is_empty(), schema.as_object_mut()) {
        object.insert("required".into(), json!(required));
    }
    schema
}

fn property(key: &Key, layer: bool) -> Value {
    let mut schema = match key.kind {
        Kind::Text(check) => text(check),
        Kind::TextOrNumber(_) => json!({ "type": ["string", "integer"] }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::List(check) => changeable(text(check), layer),
        Kind::Records(check, record) => changeable(json!({ "anyOf": [text(check), table(record, false)] }), layer),
        Kind::Map(_, values) => json!({ "type": "object", "additionalProperties": text(values) }),
        Kind::Files(check, record) => {
            json!({ "type": "object", "additionalProperties": { "anyOf": [text(check), table(record, false)] } })
        }
        Kind::Multimap(_, values) => json!({
            "type": "object",
            "additionalProperties": { "anyOf": [text(values), { "type": "array", "items": text(values) }] },
        }),
        Kind::Table(inner) => table(inner, layer),
        Kind::Tables(inner) => json!({ "type": "array", "items": table(inner, false) }),
        Kind::Named(_, inner) => json!({ "type": "object", "additionalProperties": table(inner, false) }),
        Kind::When => json!({ "type": "object", "additionalProperties": table(Table::Root, true) }),
        Kind::Selector(_) => json!({ "type": "string", "minLength": 1 }),
    };
    if let Some(object) = schema.as_object_mut() {
        let default = if key.default.is_empty() { String::new() } else { format!(" Default: {}.", key.default) };
        object.insert("description".into(), json!(format!("{}{default}", key.doc)));
        if let Some(example) = example(key) {
            object.insert("examples".into(), json!([example]));
        }
    }
    schema
}

/// The key's example as JSON; the integer of `revision` and the like stay what they are.
fn example(key: &Key) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("example = {}", key.example)).ok()?;
    serde_json::to_value(table.get("example")?).ok()
}

fn changeable(items: Value, layer: bool) -> Value {
    let list = json!({ "type": "array", "items": items });
    if !layer {
        return list;
    }
    let change = json!({
        "type": "object",
        "properties": { "add": list, "remove": { "type": "array", "items": { "type": "string" } } },
        "additionalProperties": false,
        "minProperties": 1,
    });
    json!({ "anyOf": [list, change] })
}

fn text(check: Check) -> Value {
    match check {
        Check::Argument => json!({ "type": "string" }),
        Check::Series => {
            let names: Vec<&str> = catalog().all().iter().map(|s| s.name.as_str()).collect();
            json!({ "type": "string", "enum": names })
        }
        Check::Sha256 => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
        Check::Commit => json!({ "type": "string", "pattern": "^[0-9a-f]{40}$" }),
        Check::Mode => json!({ "type": "string", "pattern": "^[0-7]{3,5}$" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_there_and_nothing_else_is_allowed() {
        let schema = json();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["name", "version", "series", "license", "summary"]));
        for key in keys::of(Table::Root) {
            assert!(schema["properties"][key.name]["description"].is_string(), "{}", key.name);
        }
        let layer = &schema["properties"]["when"]["additionalProperties"]["properties"];
        assert!(layer["name"].is_null() && layer["build-depends"]["anyOf"].is_array());
        assert!(schema["properties"]["source"]["items"]["properties"]["sha256"]["pattern"].is_string());
        assert_eq!(schema["properties"]["nginx"]["required"], json!(["modules"]));
        assert!(layer["nginx"]["required"].is_null() && layer["follow"].is_null());
        assert!(schema["properties"]["follow"]["additionalProperties"]["properties"]["pockets"].is_object());
    }
}
