//! How dpkg-source reads a .dsc (Dpkg::Control::HashCore): stricter than Launchpad
//! about what stands where, laxer than `deb::control` about field names, of which
//! a word without a colon is one. Only whether it reads it is of interest here.

use std::collections::BTreeSet;

const MESSAGE: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

const LISTS: [&str; 3] = ["Files", "Checksums-Sha1", "Checksums-Sha256"];

/// Why it cannot be read, with the number of the line.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').enumerate().map(|(i, line)| (i + 1, line.trim_end()));
    let mut names: BTreeSet<String> = BTreeSet::new();
    let (mut at_start, mut signed) = (true, false);
    let mut in_list = false;
    while let Some((number, line)) = lines.next() {
        let error = |why: &str| Err(format!("line {number} of the .dsc: {why}"));
        if (line.is_empty() && at_start) || line.starts_with('#') {
            continue;
        }
        at_start = false;
        if let Some(name) = field(line) {
            if line.starts_with('-') {
                return error("a field cannot begin with a hyphen");
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return error(&format!("duplicate field {name}"));
            }
            in_list = LISTS.iter().any(|list| list.eq_ignore_ascii_case(name));
        } else if !line.is_empty() && line.starts_with(char::is_whitespace) {
            if names.is_empty() {
                return error("a continuation line stands before any field");
            }
            let size = line.split_whitespace().nth(1).unwrap_or_default();
            if in_list && !size.bytes().all(|b| b.is_ascii_digit()) {
                return error("a size has other characters than digits");
            }
        } else if line.is_empty() || (signed && line == SIGNATURE) {
            if signed {
                read_signature(line, &mut lines)?;
            }
            return complete(&names);
        } else if line == MESSAGE {
            if !names.is_empty() {
                return error("a signed message begins in the middle");
            }
            signed = true;
            lines.by_ref().find(|(_, line)| line.is_empty());
        } else {
            return error("neither a field nor a continuation of one");
        }
    }
    if signed { Err("the signature of the .dsc is not finished".to_string()) } else { complete(&names) }
}

/// The name of a field: a word, up to a colon or the end of the line.
fn field(line: &str) -> Option<&str> {
    let name = line.split_once(':').map_or(line, |(name, _)| name.trim_end());
    (!name.is_empty() && !name.contains(char::is_whitespace) && ![MESSAGE, SIGNATURE].contains(&name)).then_some(name)
}

/// Behind the text, blank lines apart, there is a signature and nothing else.
fn read_signature<'t>(line: &'t str, lines: &mut impl Iterator<Item = (usize, &'t str)>) -> Result<(), String> {
    let begin = match line.is_empty() {
        true => lines.by_ref().map(|(_, line)| line).find(|line| !line.is_empty()).unwrap_or_default(),
        false => line,
    };
    if begin != SIGNATURE {
        return Err("an empty line in the signed text of the .dsc".to_string());
    }
    match lines.by_ref().any(|(_, line)| line == END) {
        true => Ok(()),
        false => Err("the signature of the .dsc is not finished".to_string()),
    }
}

fn complete(names: &BTreeSet<String>) -> Result<(), String> {
    match ["Source", "Version", "Files"].iter().find(|name| !names.contains(&name.to_ascii_lowercase())) {
        Some(missing) => Err(format!("the .dsc has no field {missing} where dpkg-source looks for it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Source: a\nVersion: 1\nFiles:\n x\n";

    #[test]
    fn as_dpkg_reads() {
        let signed = format!("{MESSAGE}\nHash: SHA512\n\n{GOOD}\n{SIGNATURE}\n\n=\n{END}\n");
        let good = [
            GOOD.to_string(),
            format!("\n\n{GOOD}"),
            format!("word\n{GOOD}"),
            format!("# comment\n{GOOD}"),
            format!("{GOOD}\nnonsense, but behind the end"),
            signed.clone(),
            format!("{signed}X: y\n"),
        ];
        for text in &good {
            assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
        }
        let bad = [
            String::new(),
            format!(" x\n{GOOD}"),
            format!("two words\n{GOOD}"),
            GOOD.replace(" x", " 0 +1 x"),
            format!("source: b\n{GOOD}"),
            format!("X: y\n\n{GOOD}"),
            format!("X: y\n{signed}"),
            format!("X: y\n\n{signed}"),
            signed.replace(END, ""),
            signed.replace("Files:", "\nFiles:"),
            format!("{MESSAGE}\n\n- {signed}"),
        ];
        for text in &bad {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
    }
}
