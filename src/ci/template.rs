//! Filling `@NAME@` in the templates. The usual `{{ }}` is GitHub's own in these
//! files, so templates/ci has another sign, and nothing but it.

/// Replaces every `@NAME@`. A value of several lines in place of a whole line is
/// indented as that line is; an empty one takes the line away.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    for line in template.split_inclusive('\n') {
        let text = line.trim();
        let alone =
            values.iter().find(|(name, _)| text.strip_prefix('@').and_then(|t| t.strip_suffix('@')) == Some(*name));
        let Some((_, value)) = alone else {
            out.push_str(&within(line, values));
            continue;
        };
        let indent = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
        for line in value.split_inclusive('\n') {
            if !line.trim().is_empty() {
                out.push_str(indent);
            }
            out.push_str(line);
        }
        if !value.is_empty() && !value.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

fn within(line: &str, values: &[(&str, &str)]) -> String {
    let mut line = line.to_string();
    for (name, value) in values {
        line = line.replace(&format!("@{name}@"), value);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_the_indentation() {
        let template = "a: @X@\nrun: |\n  @BODY@\n  @NONE@\nend @system-service\n";
        let values = [("X", "1"), ("BODY", "one\n\n  two\n"), ("NONE", "")];
        assert_eq!(fill(template, &values), "a: 1\nrun: |\n  one\n\n    two\nend @system-service\n");
    }
}
