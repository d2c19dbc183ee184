//! The texts of `templates/`, compiled in and filled with minijinja.
//!
//! Undefined names are an error and nothing is escaped: whoever fills a
//! template quotes for the language (make, sh) that it is in.

use minijinja::{Environment, UndefinedBehavior, Value};

/// Fills a template of this crate. The templates are part of the program, so a
/// fault in one is a fault of the program that every golden test would show; its
/// text then stands in the file, where no package builds with it.
pub fn fill(template: &'static str, values: Value) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment.render_str(template, values).unwrap_or_else(|error| format!("template error: {error}\n"))
}
