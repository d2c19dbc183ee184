//! The cleartext signature framework (RFC 4880 §7) around a text: recognise
//! it, take it off. Verifies nothing.

use super::SignError;
use crate::deb::control::{ParseError, strip_signature};

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// Whether the text begins as a cleartext signed document.
pub fn is_signed(text: &[u8]) -> bool {
    text.split(|b| *b == b'\n').next().is_some_and(|line| line.trim_ascii_end() == BEGIN)
}

/// The text inside a cleartext signed document, without the blank line that
/// debsign and pkgr leave before the signature; an unsigned text as it is.
/// `name` is the file's, for the error.
pub fn unsigned(name: &str, text: &[u8]) -> Result<Vec<u8>, SignError> {
    let malformed =
        |error: ParseError| SignError::Malformed { name: name.to_string(), line: error.line, reason: error.message };
    let mut body = strip_signature(text).map_err(malformed)?.into_owned();
    while is_signed(text) && body.ends_with(b"\n\n") {
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
    fn damage_is_named_with_its_line() {
        let text = String::from_utf8(SIGNED.to_vec()).unwrap();
        let error = unsigned("f", format!("{text}more\n").as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the signature of f is malformed at line 11: text after the signature");
        assert!(unsigned("f", text.replace("- -x", "-x").as_bytes()).is_err());
        assert!(unsigned("f", text.replace("-----END PGP SIGNATURE-----", "").as_bytes()).is_err());
    }

    #[test]
    fn blanks_at_the_end_of_lines_vanish() {
        assert_eq!(canonical(b"a \t\r\n\n \nb"), b"a\n\n\nb\n");
        assert_eq!(canonical(b""), b"");
    }
}
