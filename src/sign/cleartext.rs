//! The cleartext signature framework (RFC 4880 §7) around a text: recognise
//! it, take it off. Verifies nothing.

use super::SignError;

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"-----END PGP SIGNATURE-----";

/// Whether the text begins as a cleartext signed document.
pub fn is_signed(text: &[u8]) -> bool {
    text.split(|b| *b == b'\n').next().is_some_and(|line| line.trim_ascii_end() == BEGIN)
}

/// The text inside a cleartext signed document, dash-escapes undone and
/// without the blank line that debsign and pkgr leave before the signature; an
/// unsigned text as it is. `name` is the file's, for the error.
///
/// A document with anything before or after its one signature is malformed:
/// that part would be covered by no signature, or lost.
pub fn unsigned(name: &str, text: &[u8]) -> Result<Vec<u8>, SignError> {
    if !is_signed(text) {
        return Ok(text.to_vec());
    }
    let malformed = |reason| SignError::Malformed { name: name.to_string(), reason };
    let mut lines = text.split_inclusive(|b| *b == b'\n').skip(1);
    loop {
        match lines.next().map(<[u8]>::trim_ascii_end) {
            None => return Err(malformed("it ends in the armour headers")),
            Some(b"") => break,
            Some(header) if header.starts_with(b"Hash:") => {}
            Some(_) => return Err(malformed("it has an armour header other than Hash")),
        }
    }
    let mut body = Vec::with_capacity(text.len());
    loop {
        let line = lines.next().ok_or_else(|| malformed("it has no signature"))?;
        if line.trim_ascii_end() == SIGNATURE {
            break;
        }
        match line.strip_prefix(b"- ") {
            Some(escaped) => body.extend_from_slice(escaped),
            None if line.starts_with(b"-") => return Err(malformed("a line with a dash is not escaped")),
            None => body.extend_from_slice(line),
        }
    }
    if !lines.any(|line| line.trim_ascii_end() == END) {
        return Err(malformed("its signature does not end"));
    }
    if lines.any(|line| !line.trim_ascii().is_empty()) {
        return Err(malformed("text follows it"));
    }
    while body.ends_with(b"\n\n") {
        body.pop();
    }
    Ok(body)
}

/// The text as it is signed: no blanks at the end of lines (they would not be
/// covered by the signature, and implementations differ on carriage returns),
/// every line ended.
pub(super) fn canonical(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let end = line.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).map_or(0, |i| i + 1);
        out.extend_from_slice(line.get(..end).unwrap_or_default());
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nA: b\n- -x\n\n\
        -----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn armour_comes_off() {
        assert!(is_signed(SIGNED));
        assert_eq!(unsigned("f", SIGNED).unwrap(), b"A: b\n-x\n");
        assert_eq!(unsigned("f", b"A: b\n").unwrap(), b"A: b\n");
    }

    #[test]
    fn damage_is_named() {
        let text = String::from_utf8(SIGNED.to_vec()).unwrap();
        for (damaged, reason) in [
            (format!("{text}more\n"), "text follows"),
            (text.replace("- -x", "-x"), "not escaped"),
            (text.replace("-----END PGP SIGNATURE-----", ""), "does not end"),
            (text.replace("Hash: SHA512", "Comment: x"), "other than Hash"),
            ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n".into(), "armour headers"),
            ("-----BEGIN PGP SIGNED MESSAGE-----\n\nA: b\n".into(), "no signature"),
        ] {
            let error = unsigned("f", damaged.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn blanks_at_the_end_of_lines_vanish() {
        assert_eq!(canonical(b"a \t\r\n\n \nb"), b"a\n\n\nb\n");
        assert_eq!(canonical(b""), b"");
    }
}
