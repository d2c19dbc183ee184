//! File names in patch headers: where they end, what `-p1` leaves of them, and
//! which of several is meant.

/// Where dpkg and GNU patch end a name that follows `--- ` or `+++ `: at the
/// first tab, or at the first blank when no tab follows. `at` starts after the
/// marker. GNU patch also drops blanks before the tab.
pub(super) fn of_header(at: &[u8]) -> &[u8] {
    let name = at.trim_ascii_start();
    match memchr::memchr(b'\t', name) {
        Some(tab) => name.get(..tab).unwrap_or_default().trim_ascii_end(),
        None => word(name),
    }
}

/// What follows the name in a header: the timestamp, if any.
pub(super) fn after_name(at: &[u8]) -> &[u8] {
    let rest = at.trim_ascii_start();
    rest.get(of_header(at).len()..).unwrap_or_default().trim_ascii()
}

/// Up to the first white space.
pub(super) fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| is_space(*b)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// White space as C's `isspace` has it; `is_ascii_whitespace` lacks the vertical tab.
pub(super) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// `-p1`: what follows the first run of slashes. `None` if there is no slash, or
/// nothing after it.
pub(super) fn strip(name: &[u8]) -> Option<&[u8]> {
    let slash = memchr::memchr(b'/', name)?;
    let rest = name.get(slash..)?;
    let slashes = rest.iter().take_while(|b| **b == b'/').count();
    rest.get(slashes..).filter(|rest| !rest.is_empty())
}

/// The path as trees know it: no `.`, no doubled or trailing slash.
pub(super) fn normal(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".").collect();
    parts.join(&b'/')
}

/// Whether GNU patch would touch it: relative, without `..`.
pub(super) fn is_safe(path: &[u8]) -> bool {
    !path.starts_with(b"/") && path.split(|b| *b == b'/').all(|part| part != b"..")
}

/// The folders above a normal path, nearest first, without the root.
pub(super) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = path;
    std::iter::from_fn(move || {
        let slash = memchr::memrchr(b'/', rest)?;
        rest = rest.get(..slash)?;
        Some(rest)
    })
}

/// By what the better of two names is told: the fewest folders, then the
/// shortest base name, then the shortest name. The smaller is the better.
pub(super) fn rank(path: &[u8]) -> (usize, usize, usize) {
    let base = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    (folders(path), base.len(), path.len())
}

/// How many folders a name goes through.
fn folders(path: &[u8]) -> usize {
    let parts = path.split(|b| *b == b'/').filter(|p| !p.is_empty()).count();
    parts.saturating_sub(usize::from(!path.ends_with(b"/")))
}

/// A name in C quotes (`"a/\303\274"`), as git writes names with special bytes:
/// the name, and what follows the closing quote.
pub(super) fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (byte, after) = escaped(rest)?;
                name.push(byte);
                rest = after;
            }
            _ => name.push(byte),
        }
    }
}

fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = text.split_first()?;
    let byte = match first {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' | b'"' => first,
        b'0'..=b'3' => {
            let digits = std::str::from_utf8(text.get(..3)?).ok()?;
            return Some((u8::from_str_radix(digits, 8).ok()?, text.get(3..)?));
        }
        _ => return None,
    };
    Some((byte, rest))
}

/// A path for messages.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_a_tab_or_the_first_blank() {
        assert_eq!(of_header(b"a/Core and Builtins"), b"a/Core");
        assert_eq!(of_header(b"a/Core and Builtins \t2020-01-01"), b"a/Core and Builtins");
        assert_eq!(of_header(b"  a/x\t1\t2"), b"a/x");
        assert_eq!(after_name(b"a/x y\t2020-01-01 00:00"), b"2020-01-01 00:00");
    }

    #[test]
    fn one_folder_is_stripped() {
        assert_eq!(strip(b"a//b/c"), Some(&b"b/c"[..]));
        assert_eq!(strip(b"/etc/passwd"), Some(&b"etc/passwd"[..]));
        assert_eq!(strip(b"b"), None);
        assert_eq!(strip(b"a/"), None);
    }

    #[test]
    fn quoted_names_are_decoded() {
        assert_eq!(unquoted(b"\"a/\\303\\274 \\\"x\" b"), Some((b"a/\xc3\xbc \"x".to_vec(), &b" b"[..])));
        assert_eq!(unquoted(b"\"a"), None);
        assert_eq!(unquoted(b"\"\\9\""), None);
    }

    #[test]
    fn the_better_name_has_fewer_folders() {
        assert!(rank(b"a/bbbb") < rank(b"a/b/c"));
        assert!(rank(b"a/b") < rank(b"a/bb"));
        assert_eq!(ancestors(b"a/b/c").collect::<Vec<_>>(), [&b"a/b"[..], b"a"]);
    }
}
