//! One diagnostic as text, in the form that rustc and cargo made familiar:
//!
//! ```text
//! error[unknown-key]: unknown key `build-depend`
//!   --> recipe.toml:7:1
//!    |
//!  7 | build-depend = ["libfoo-dev"]
//!    | ^^^^^^^^^^^^
//!    = help: did you mean `build-depends`?
//! ```

use anstyle::{AnsiColor, Style};

use crate::diagnostic::{Diagnostic, Level, Place};

const BOLD: Style = Style::new().bold();
const BLUE: Style = AnsiColor::Blue.on_default().bold();

/// The text of a diagnostic, without a final newline; escapes only with `color`.
pub fn diagnostic(diagnostic: &Diagnostic, color: bool) -> String {
    let (word, style) = match diagnostic.level {
        Level::Error => ("error", AnsiColor::Red.on_default().bold()),
        Level::Warning => ("warning", AnsiColor::Yellow.on_default().bold()),
        Level::Note => ("note", AnsiColor::Green.on_default().bold()),
    };
    let head = paint(&format!("{word}[{}]", printable(diagnostic.code)), style, color);
    let mut text = format!("{head}{}", paint(&format!(": {}", printable(&diagnostic.message)), BOLD, color));
    let gutter = match &diagnostic.place {
        Some(place) => {
            text.push_str(&snippet(place, style, color));
            place.line.to_string().len()
        }
        None => 1,
    };
    for (label, lines) in [("note", &diagnostic.notes), ("help", &diagnostic.hints)] {
        for line in lines {
            let lead = format!("{:gutter$} = {label}: ", "");
            let indent = format!("\n{:width$}", "", width = lead.len());
            let body: Vec<String> = line.lines().map(printable).collect();
            text.push_str(&format!("\n{}{}", paint(&lead, BLUE, color), body.join(&indent)));
        }
    }
    text
}

/// A status line: a right-aligned verb as cargo's, then the rest.
pub fn status(verb: &str, rest: &str, color: bool) -> String {
    let verb = format!("{verb:>12}");
    format!("{} {}", paint(&verb, AnsiColor::Green.on_default().bold(), color), printable(rest))
}

fn snippet(place: &Place, style: Style, color: bool) -> String {
    let gutter = place.line.to_string().len();
    let bar = paint(&format!("{:gutter$} |", ""), BLUE, color);
    let number = paint(&format!("{} |", place.line), BLUE, color);
    let arrow = paint(&format!("{:gutter$}-->", ""), BLUE, color);
    // Tabs become one blank, as the caret's line counts characters.
    let line: String = printable(&place.text.replace('\t', " "));
    let caret = paint(&"^".repeat(place.width), style, color);
    let position = format!("{}:{}:{}", printable(&place.file.display().to_string()), place.line, place.column);
    format!(
        "\n{arrow} {position}\n{bar}\n{number} {line}\n{bar} {:lead$}{caret}",
        "",
        lead = place.column.saturating_sub(1)
    )
}

/// Text in a style; as it is without `color`.
pub fn paint(text: &str, style: Style, color: bool) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_string() }
}

/// Text from recipes, patches and servers, with control characters made
/// visible: nothing that was fetched may steer the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_diagnostic_points_at_its_place() {
        let text = "name = \"x\"\nbuild-depend = [\"y\"]\n";
        let found = Diagnostic::error("unknown-key", "unknown key `build-depend`")
            .at(Place::of_span(Path::new("recipe.toml"), text, 11..23))
            .because("one\ntwo")
            .hint("did you mean `build-depends`?");
        let expected = "error[unknown-key]: unknown key `build-depend`\n \
             --> recipe.toml:2:1\n  |\n2 | build-depend = [\"y\"]\n  | ^^^^^^^^^^^^\n  \
             = note: one\n          two\n  = help: did you mean `build-depends`?";
        assert_eq!(diagnostic(&found, false), expected);
    }

    #[test]
    fn escapes_from_outside_are_not_passed_on() {
        let found = Diagnostic::error("x", "bad \u{1b}[31m name");
        assert!(!diagnostic(&found, false).contains('\u{1b}'));
    }
}
