//! Quoting for the two languages of debian/rules: sh(1) inside of make(1).

/// `text` as one word of a shell command in a recipe line of make.
pub fn word(text: &str) -> String {
    dollars(&shell_word(text))
}

/// `path` as one word, its wildcards left to the shell.
pub fn pattern(path: &str) -> String {
    let mut quoted = String::new();
    for part in path.split_inclusive(['*', '?', '[', ']']) {
        let (plain, wild) = match part.char_indices().next_back() {
            Some((at, '*' | '?' | '[' | ']')) => part.split_at(at),
            _ => (part, ""),
        };
        if !plain.is_empty() {
            quoted.push_str(&shell_word(plain));
        }
        quoted.push_str(wild);
    }
    dollars(&quoted)
}

/// The right side of `export NAME = …`, so that make gives `text` back.
pub fn make_value(text: &str) -> String {
    let mut value = String::new();
    let mut backslashes = 0;
    for c in text.chars() {
        // before a number sign make halves the backslashes
        if c == '#' {
            value.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        value.push(c);
    }
    let mut value = dollars(&value);
    // $() is nothing, but it keeps the blanks before and a backslash from the line feed
    if value.starts_with([' ', '\t']) {
        value.insert_str(0, "$()");
    }
    if value.ends_with('\\') {
        value.push_str("$()");
    }
    value
}

/// `text` as one word of a shell script.
pub fn shell_word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-+=:,./@%~^".contains(&b);
    if !text.is_empty() && !text.starts_with('~') && text.bytes().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn dollars(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(word("--with-x=a/b"), "--with-x=a/b");
        assert_eq!(word("a b"), "'a b'");
        assert_eq!(word("it's $HOME"), "'it'\\''s $$HOME'");
        assert_eq!(word(""), "''");
        assert_eq!(pattern("doc/a b*.txt"), "'doc/a b'*.txt");
        assert_eq!(pattern("x/[ab]$?"), "x/[ab]'$$'?");
    }

    #[test]
    fn values() {
        assert_eq!(make_value("-O2 -g"), "-O2 -g");
        assert_eq!(make_value("a#b$c"), "a\\#b$$c");
        assert_eq!(make_value("a\\#"), "a\\\\\\#");
        assert_eq!(make_value(" x\\"), "$() x\\$()");
    }
}
