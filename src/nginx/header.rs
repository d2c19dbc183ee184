//! A C header without what the compiler does not see: comments, and blanks
//! between tokens (C11 5.1.1.2, phases 2 and 3; 6.4). Two headers with one
//! normal form compile to the same; a changed declaration, macro or condition
//! changes the form.

/// The tokens with one blank between two, each directive on a line of its own.
pub fn normal(text: &[u8]) -> Vec<u8> {
    let text = spliced(text);
    let mut normal = Normal { out: Vec::with_capacity(text.len()), directive: None };
    let mut rest: &[u8] = &text;
    let mut blank = false;
    let mut line_start = true;
    while let Some(first) = rest.first() {
        let length = match first {
            b'\n' => {
                normal.end_directive();
                (blank, line_start) = (true, true);
                1
            }
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {
                blank = true;
                1
            }
            b'/' if rest.starts_with(b"/*") => {
                blank = true;
                let body = rest.get(2..).unwrap_or_default();
                memchr::memmem::find(body, b"*/").map_or(rest.len(), |end| end + 4)
            }
            b'/' if rest.starts_with(b"//") => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
            _ => {
                let length = token(rest).min(rest.len());
                let token = rest.get(..length).unwrap_or(rest);
                if line_start && token == b"#" {
                    normal.begin_directive();
                }
                normal.push(token, blank);
                (blank, line_start) = (false, false);
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    normal.end_directive();
    normal.out
}

struct Normal {
    out: Vec<u8>,
    /// Within a directive: how many tokens it has, and whether it defines.
    directive: Option<(usize, bool)>,
}

impl Normal {
    fn begin_directive(&mut self) {
        if self.out.last().is_some_and(|last| *last != b'\n') {
            self.out.push(b'\n');
        }
        self.directive = Some((0, false));
    }

    fn end_directive(&mut self) {
        if self.directive.take().is_some() {
            self.out.push(b'\n');
        }
    }

    fn push(&mut self, token: &[u8], blank: bool) {
        // `#define F(x)` and `#define F (x)` are different macros
        let parameters = !blank && token == b"(" && self.directive == Some((3, true));
        if !parameters && self.out.last().is_some_and(|last| *last != b'\n') {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(token);
        if let Some((count, defines)) = &mut self.directive {
            *defines |= *count == 1 && token == b"define";
            *count += 1;
        }
    }
}

/// Lines that end with a backslash are one with the next.
fn spliced(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before);
        let spliced = [b"\\\n".as_slice(), b"\\\r\n"].iter().find_map(|end| tail.strip_prefix(*end));
        rest = spliced.unwrap_or_else(|| {
            out.push(b'\\');
            tail.get(1..).unwrap_or_default()
        });
    }
    out.extend_from_slice(rest);
    out
}

/// The length of the first token, at least 1.
fn token(text: &[u8]) -> usize {
    const PUNCTUATORS: [&[u8]; 23] = [
        b"...", b"<<=", b">>=", b"->", b"++", b"--", b"<<", b">>", b"<=", b">=", b"==", b"!=", b"&&", b"||", b"*=",
        b"/=", b"%=", b"+=", b"-=", b"&=", b"^=", b"|=", b"##",
    ];
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
    match text {
        [quote @ (b'"' | b'\''), rest @ ..] => 1 + literal(*quote, rest),
        [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => number(text),
        [first, ..] if word(first) => text.iter().take_while(|b| word(b)).count(),
        _ => PUNCTUATORS.iter().find(|p| text.starts_with(p)).map_or(1, |p| p.len()),
    }
}

/// Up to the closing quote, or to the end of the line where there is none (an
/// apostrophe in `#error`).
fn literal(quote: u8, text: &[u8]) -> usize {
    let mut escaped = false;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'\n' => return index,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            byte if *byte == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// A preprocessing number, which may hold a sign behind its exponent.
fn number(text: &[u8]) -> usize {
    let mut last = 0;
    let belongs = |byte: &&u8| {
        let sign = matches!(byte, b'+' | b'-') && matches!(last, b'e' | b'E' | b'p' | b'P');
        last = **byte;
        sign || byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')
    };
    text.iter().take_while(belongs).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(a: &str, b: &str) {
        let text = |s: &str| String::from_utf8(normal(s.as_bytes())).unwrap();
        assert_eq!(text(a), text(b));
    }

    fn different(a: &str, b: &str) {
        assert_ne!(normal(a.as_bytes()), normal(b.as_bytes()), "{a:?} {b:?}");
    }

    #[test]
    fn comments_and_blanks_do_not_count() {
        same("int a;/* x\n y */\n", "int  a ; // z\n\n");
        same("struct s {\n    int a:1;\n};\n", "struct s { int a : 1; };");
        same("#define A  1 \\\n  + 2\nint b;", "# define A 1+2\nint b;");
        same("int a;\r\n#if (X)\r\n", "int a;\n#if ( X )");
        same("#define A /* over\n two lines */ 1\n", "#define A 1\n");
        same("f(a,b);", "f( a, b );");
        same("/* never closed", "");
    }

    #[test]
    fn what_the_compiler_sees_counts() {
        different("struct s { int a:1; };", "struct s { int a:2; };");
        different("struct s { int a; int b; };", "struct s { int b; int a; };");
        different("int ab;", "int a b;");
        different("#define F(x) x", "#define F (x) x");
        different("#define A\n1", "#define A 1");
        different("int a;\n#if X", "int a; #if X");
        different("char *s = \"a  b\";", "char *s = \"a b\";");
        different("char *s = \"/* a */\";", "char *s = \"/* b */\";");
        different("char c = '\"'; /* a */", "char c = '\"'; int a;");
        different("a = b - -c;", "a = b --c;");
        different("a = 1e+5;", "a = 1e + 5;");
        different("a\\\nb", "a\nb");
    }

    proptest! {
        #[test]
        fn normal_forms_are_their_own(text in "[a1#(\"'/*\\\\ \n.+<-]{0,40}") {
            let once = normal(text.as_bytes());
            // a lone quote makes the rest of its line one token, comments and all
            if !text.contains(['"', '\'', '\\']) {
                prop_assert_eq!(normal(&once), once);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            normal(&bytes);
        }
    }
}
