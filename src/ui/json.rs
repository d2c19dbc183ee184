//! The one JSON document that `--json` puts on stdout. Diagnostics have the
//! codes of the human ones.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Diagnostic, Failure, Level};

/// `{"schema": "pkgr.<command>/1", "ok": …, …body, "errors": […], "messages": […]}`.
pub fn document(command: &str, body: Map<String, Value>, failures: &[Failure], told: &[Diagnostic]) -> Value {
    let mut document = Map::new();
    document.insert("schema".into(), json!(format!("pkgr.{command}/1")));
    document.insert("ok".into(), json!(failures.is_empty()));
    document.extend(body);
    let errors: Vec<Value> = failures.iter().flat_map(|f| &f.diagnostics).map(diagnostic).collect();
    document.insert("errors".into(), Value::Array(errors));
    document.insert("messages".into(), told.iter().map(diagnostic).collect());
    Value::Object(document)
}

/// One diagnostic as an object; `file`, `line` and `column` only where it has a place.
pub fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let level = match diagnostic.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut object = Map::new();
    object.insert("code".into(), json!(diagnostic.code));
    object.insert("level".into(), json!(level));
    object.insert("message".into(), json!(diagnostic.message));
    if let Some(place) = &diagnostic.place {
        object.insert("file".into(), json!(place.file.display().to_string()));
        object.insert("line".into(), json!(place.line));
        object.insert("column".into(), json!(place.column));
    }
    object.insert("notes".into(), json!(diagnostic.notes));
    object.insert("hints".into(), json!(diagnostic.hints));
    Value::Object(object)
}
