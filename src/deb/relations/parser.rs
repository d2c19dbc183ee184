//! From text to relations.
//!
//! Two degrees of strictness: [`parse`] takes what dpkg-source takes (but for
//! versions that are none, and variables that nobody would replace), for it
//! reads files that people wrote; [`check_clause`] takes what Policy takes, for
//! it judges a recipe.

use super::{Clause, Kind, Operator, Relation, RelationError, Relations};
use crate::deb::names;
use crate::deb::version::Version;

/// Parses a field's value, which may span lines. Empty clauses (`a, , b`) vanish.
pub fn parse(text: &str, kind: Kind) -> Result<Relations, RelationError> {
    let mut parser = Parser { text, at: 0, kind, strict: false };
    let mut clauses = Vec::new();
    loop {
        parser.skip_blanks();
        match parser.peek() {
            None => return Ok(Relations { clauses }),
            Some(b',') => parser.at += 1,
            Some(_) => {
                clauses.push(parser.clause()?);
                match parser.peek() {
                    None | Some(b',') => {}
                    Some(_) => return Err(parser.error_here("expected `,` or `|`")),
                }
            }
        }
    }
}

/// Checks one clause (`a (>= 1) | b`) as strictly as Policy and the archives do:
/// known architectures, current operators, real package names.
pub fn check_clause(text: &str, kind: Kind) -> Result<(), RelationError> {
    let mut parser = Parser { text, at: 0, kind, strict: true };
    parser.skip_blanks();
    parser.clause()?;
    match parser.peek() {
        None => Ok(()),
        Some(b',') => Err(parser.error_here("a clause ends at `,`: write each as a string of its own")),
        Some(_) => Err(parser.error_here("expected `|` or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    kind: Kind,
    strict: bool,
}

impl<'a> Parser<'a> {
    fn clause(&mut self) -> Result<Clause, RelationError> {
        let mut alternatives = vec![self.relation()?];
        while self.peek() == Some(b'|') {
            if !self.kind.has_alternatives() {
                return Err(self.error_here("alternatives are not allowed in this field"));
            }
            self.at += 1;
            self.skip_blanks();
            alternatives.push(self.relation()?);
        }
        Ok(alternatives)
    }

    fn relation(&mut self) -> Result<Relation, RelationError> {
        let package = self.package()?;
        let qualifier = self.qualifier()?;
        let version = self.version()?;
        let architectures = self.architectures()?;
        let profiles = self.profiles()?;
        Ok(Relation { package, qualifier, version, architectures, profiles })
    }

    fn package(&mut self) -> Result<String, RelationError> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'$' => self.substvar()?,
                b'@' if self.kind == Kind::Test => self.at += 1,
                b'+' | b'.' | b'-' if self.at > start => self.at += 1,
                _ if byte.is_ascii_alphanumeric() => self.at += 1,
                _ => break,
            }
        }
        let name = self.since(start);
        if name.is_empty() {
            return Err(self.error_here("expected a package name"));
        }
        match self.rest().chars().next() {
            Some(c) if !c.is_whitespace() && !":([<,|".contains(c) => {
                return Err(self.error_here(&format!("character `{c}` is not allowed in a package name")));
            }
            _ => {}
        }
        if self.strict && !name.contains(['$', '@']) {
            names::check_package(name).map_err(|e| error(start, e.to_string()))?;
        }
        Ok(name.to_string())
    }

    fn substvar(&mut self) -> Result<(), RelationError> {
        let rest = self.rest();
        let length = rest.strip_prefix("${").and_then(|rest| {
            let name = rest.split_once('}').map(|(name, _)| name)?;
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b":-".contains(&b));
            (plain && name.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(name.len() + 3)
        });
        match length {
            Some(_) if !self.kind.has_substvars() => {
                Err(self.error_here("substitution variables have no value in this field"))
            }
            Some(length) => {
                self.at += length;
                Ok(())
            }
            None => Err(self.error_here("expected a substitution variable, `${name:Word}`")),
        }
    }

    fn qualifier(&mut self) -> Result<Option<String>, RelationError> {
        if self.peek() != Some(b':') {
            self.skip_blanks();
            return Ok(None);
        }
        self.at += 1;
        let start = self.at;
        self.skip_while(|b| b.is_ascii_alphanumeric() || b == b'-');
        let qualifier = self.since(start);
        if qualifier.is_empty() || qualifier.starts_with('-') {
            return Err(error(start, "expected an architecture, `any` or `native` after the colon"));
        }
        if qualifier == "native" && !self.kind.is_build() {
            return Err(error(start, "`:native` is for build relations only"));
        }
        if self.strict && !["any", "native"].contains(&qualifier) {
            names::check_architecture(qualifier).map_err(|e| error(start, e.to_string()))?;
        }
        self.skip_blanks();
        Ok(Some(qualifier.to_string()))
    }

    fn version(&mut self) -> Result<Option<(Operator, String)>, RelationError> {
        if self.peek() != Some(b'(') {
            return Ok(None);
        }
        self.at += 1;
        self.skip_blanks();
        let operator = self.operator()?;
        self.skip_blanks();
        let start = self.at;
        self.skip_while(|b| b != b')' && b != b',' && !is_blank(b));
        let version = self.since(start);
        self.check_version(version, start)?;
        self.skip_blanks();
        if self.peek() != Some(b')') {
            return Err(self.error_here("expected `)` after the version"));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(Some((operator, version.to_string())))
    }

    fn operator(&mut self) -> Result<Operator, RelationError> {
        const OPERATORS: &[(&str, Operator, bool)] = &[
            ("<<", Operator::Earlier, true),
            ("<=", Operator::EarlierOrEqual, true),
            ("=", Operator::Equal, true),
            (">=", Operator::LaterOrEqual, true),
            (">>", Operator::Later, true),
            ("<", Operator::EarlierOrEqual, false),
            (">", Operator::LaterOrEqual, false),
        ];
        let rest = self.rest();
        let Some((text, operator, current)) = OPERATORS.iter().find(|(text, ..)| rest.starts_with(text)) else {
            return Err(self.error_here("expected one of `<<`, `<=`, `=`, `>=`, `>>`"));
        };
        if self.strict && !current {
            return Err(self.error_here(&format!("`{text}` is obsolete: write `{operator}` or `{text}{text}`")));
        }
        if self.kind == Kind::Provides && *operator != Operator::Equal {
            return Err(self.error_here("a provided package takes no operator but `=`"));
        }
        self.at += text.len();
        Ok(*operator)
    }

    fn check_version(&self, version: &str, start: usize) -> Result<(), RelationError> {
        if version.is_empty() {
            return Err(error(start, "expected a version"));
        }
        if let Some(position) = version.find('$') {
            let mut inner = Parser { text: version, at: position, ..*self };
            while let Some(position) = inner.rest().find('$') {
                inner.at += position;
                inner.substvar().map_err(|e| error(start + e.offset, e.message))?;
            }
            return Ok(());
        }
        Version::parse(version).map(|_| ()).map_err(|e| error(start, e.to_string()))
    }

    fn architectures(&mut self) -> Result<Vec<String>, RelationError> {
        let mut architectures: Vec<String> = Vec::new();
        if self.peek() != Some(b'[') {
            return Ok(architectures);
        }
        self.at += 1;
        loop {
            self.skip_blanks();
            let start = self.at;
            self.skip_while(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'!');
            let word = self.since(start);
            let name = word.strip_prefix('!').unwrap_or(word);
            match self.peek() {
                _ if !word.is_empty() => {
                    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || name.contains('!') {
                        return Err(error(start, format!("`{word}` is not an architecture")));
                    }
                    if self.strict {
                        names::check_architecture(name).map_err(|e| error(start, e.to_string()))?;
                        let negated = word.starts_with('!');
                        if architectures.first().is_some_and(|first| first.starts_with('!') != negated) {
                            return Err(error(start, "architectures with and without `!` cannot be mixed"));
                        }
                    }
                    architectures.push(word.to_string());
                }
                Some(b']') if architectures.is_empty() => return Err(self.error_here("expected an architecture")),
                Some(b']') => {
                    self.at += 1;
                    self.skip_blanks();
                    return Ok(architectures);
                }
                Some(_) => return Err(self.error_here("expected an architecture or `]`")),
                None => return Err(self.error_here("expected `]`")),
            }
        }
    }

    fn profiles(&mut self) -> Result<Vec<Vec<String>>, RelationError> {
        let start = self.at;
        let mut end = start;
        while self.peek() == Some(b'<') {
            if self.strict && end > start && end == self.at {
                return Err(self.error_here("a blank must stand between `>` and `<`: dpkg takes them for one list"));
            }
            self.at += 1;
            let words = self.at;
            self.skip_while(|b| b != b'>' && b != b',' && b != b'|');
            if self.peek() != Some(b'>') {
                return Err(self.error_here("expected `>`"));
            }
            self.check_profiles(self.since(words), words)?;
            self.at += 1;
            end = self.at;
            self.skip_blanks();
        }
        Ok(split_profiles(self.text.get(start..end).unwrap_or_default()))
    }

    fn check_profiles(&self, list: &str, start: usize) -> Result<(), RelationError> {
        if list.bytes().all(is_blank) {
            return Err(error(start, "expected a build profile"));
        }
        for word in list.split_ascii_whitespace().filter(|_| self.strict) {
            let offset = start + (word.as_ptr() as usize - list.as_ptr() as usize);
            names::check_profile(word.strip_prefix('!').unwrap_or(word)).map_err(|e| error(offset, e.to_string()))?;
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        self.skip_while(is_blank);
    }

    fn error_here(&self, message: &str) -> RelationError {
        error(self.at, message)
    }
}

/// Splits `<a b> <c>` as dpkg does: two lists only where blanks are between them,
/// so that `<a><c>` stays as it was written.
fn split_profiles(text: &str) -> Vec<Vec<String>> {
    let Some(inner) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) else {
        return Vec::new();
    };
    let mut lists = vec![String::new()];
    let mut rest = inner;
    while let Some((list, after)) = rest.split_once('>') {
        let next = after.trim_start();
        match lists.last_mut() {
            Some(last) if next.len() == after.len() => last.extend([list, ">"]),
            Some(last) => {
                last.push_str(list);
                lists.push(String::new());
            }
            None => {}
        }
        rest = if next.len() == after.len() { after } else { next.strip_prefix('<').unwrap_or(next) };
    }
    if let Some(last) = lists.last_mut() {
        last.push_str(rest);
    }
    lists.iter().map(|list| list.split_ascii_whitespace().map(str::to_string).collect()).collect()
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\x0b'
}

fn error(offset: usize, message: impl Into<String>) -> RelationError {
    RelationError { offset, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered(text: &str) -> String {
        parse(text, Kind::Build).unwrap().to_string()
    }

    #[test]
    fn rendering_is_canonical() {
        for (text, expected) in [
            ("foo(>=1)[amd64  i386],bar<!nocheck><cross>, ,", "foo (>= 1) [amd64 i386], bar <!nocheck><cross>"),
            ("a<x  y>\n <z> |b:native\t(<2)", "a <x y> <z> | b:native (<= 2)"),
            ("a (> 1:2-3~x)", "a (>= 1:2-3~x)"),
            ("", ""),
            (" , ,", ""),
        ] {
            assert_eq!(rendered(text), expected);
        }
    }

    #[test]
    fn variables_are_for_binary_packages() {
        let text = "${misc:Depends}, lib${x} (= ${binary:Version}), b";
        assert_eq!(parse(text, Kind::Depends).unwrap().to_string(), text);
        assert_eq!(parse(text, Kind::Build).unwrap_err().offset, 0);
        assert_eq!(parse("a (= ${source:Version})", Kind::Build).unwrap_err().offset, 5);
        assert_eq!(check_clause("ab (>= 1${x", Kind::Depends).unwrap_err().offset, 8);
    }

    #[test]
    fn a_clause_is_refused_at_its_byte() {
        for (text, kind, offset) in [
            ("", Kind::Depends, 0),
            ("a", Kind::Depends, 0),
            ("Foo", Kind::Depends, 0),
            ("foo, bar", Kind::Depends, 3),
            ("foo bar", Kind::Depends, 4),
            ("foo | ", Kind::Depends, 6),
            ("foo (1)", Kind::Depends, 5),
            ("foo (> 1)", Kind::Depends, 5),
            ("foo (>= a1)", Kind::Depends, 8),
            ("foo (>= )", Kind::Depends, 8),
            ("foo (>= 1", Kind::Depends, 9),
            ("foo:native", Kind::Depends, 4),
            ("foo:", Kind::Build, 4),
            ("foo:amd46", Kind::Build, 4),
            ("foo [amd46]", Kind::Build, 5),
            ("foo [amd64 !i386]", Kind::Build, 11),
            ("foo []", Kind::Build, 5),
            ("foo [amd64", Kind::Build, 10),
            ("foo <>", Kind::Build, 5),
            ("foo <!noCheck>", Kind::Build, 5),
            ("foo <a><b>", Kind::Build, 7),
            ("foo <a", Kind::Build, 6),
            ("foo | bar", Kind::BuildConflicts, 4),
            ("foo (>= 1)", Kind::Provides, 5),
            ("föö", Kind::Depends, 1),
            ("@", Kind::Depends, 0),
        ] {
            let found = check_clause(text, kind).map_err(|e| e.offset);
            assert_eq!(found, Err(offset), "{text}");
        }
    }

    #[test]
    fn good_clauses() {
        for (text, kind) in [
            ("foo (>= 1:1.0-1~) [!i386 !armhf] <!nocheck> <cross> | bar:any", Kind::Build),
            ("${shlibs:Depends}", Kind::Depends),
            ("foo (= 1)", Kind::Provides),
            ("@builddeps@", Kind::Test),
            ("@", Kind::Test),
            (" g++ [linux-any]\n", Kind::Build),
        ] {
            assert_eq!(check_clause(text, kind), Ok(()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9:$@{}()<>=!|,\\[\\] .é-]{0,40}") {
            for kind in [Kind::Build, Kind::Depends, Kind::Test, Kind::Provides] {
                if let Ok(relations) = parse(&text, kind) {
                    let written = relations.to_string();
                    prop_assert_eq!(parse(&written, kind).unwrap().to_string(), written);
                }
                if let Err(e) = check_clause(&text, kind) {
                    prop_assert!(e.offset <= text.len());
                }
            }
        }
    }
}
