//! SPDX licence expressions (SPDX 2.3, annex D) in the words of Debian's
//! machine-readable copyright (copyright-format 1.0, "License specification").
//!
//! Debian has names of its own for common licences (`GPL-2+`, `Expat`), binds
//! `and` tighter than `or` as SPDX does, and has a comma where SPDX has
//! parentheses.

use super::RenderError;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A licence, perhaps with an exception.
    Licence(Licence),
    /// All of them.
    And(Vec<Expression>),
    /// Any of them.
    Or(Vec<Expression>),
}

/// One licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// SPDX identifier, without a final `+`.
    pub id: String,
    /// Whether a final `+` allows later versions.
    pub or_later: bool,
    /// SPDX identifier of an exception.
    pub exception: Option<String>,
}

impl Expression {
    /// Parses an SPDX expression.
    pub fn parse(text: &str) -> Result<Expression, RenderError> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let mut parser = Parser { words: spaced.split_whitespace().collect(), at: 0 };
        let result = parser.or().and_then(|expression| match parser.peek() {
            None => Ok(expression),
            Some(word) => Err(format!("unexpected `{word}`")),
        });
        result.map_err(|reason| RenderError::BadLicence { expression: text.to_string(), reason })
    }

    /// As the License field of debian/copyright names it.
    pub fn debian_name(&self) -> String {
        match self {
            Expression::Licence(licence) => licence.debian_name(),
            Expression::Or(parts) => parts.iter().map(Expression::debian_name).collect::<Vec<_>>().join(" or "),
            Expression::And(parts) => {
                let grouped = parts.iter().any(|part| matches!(part, Expression::Or(_)));
                let joint = if grouped { ", and " } else { " and " };
                parts.iter().map(Expression::debian_name).collect::<Vec<_>>().join(joint)
            }
        }
    }

    /// Every licence once, in order of appearance.
    pub fn licences(&self) -> Vec<&Licence> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Licence>) {
        match self {
            Expression::Licence(licence) if found.contains(&licence) => {}
            Expression::Licence(licence) => found.push(licence),
            Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| part.collect(found)),
        }
    }
}

impl Licence {
    /// Debian's short name.
    pub fn debian_name(&self) -> String {
        let mut name = self.base_name();
        if let Some(exception) = &self.exception {
            let words = exception.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
            let words = words.trim_end_matches("-exception").trim_end_matches("-Exception");
            name.push_str(&format!(" with {words} exception"));
        }
        name
    }

    fn base_name(&self) -> String {
        if let Some((family, version, later)) = self.gnu() {
            return format!("{family}-{version}{}", if later { "+" } else { "" });
        }
        let name = match self.id.as_str() {
            "MIT" => "Expat",
            "BSD-2-Clause" => "BSD-2-clause",
            "BSD-3-Clause" => "BSD-3-clause",
            "Artistic-1.0" | "Artistic-1.0-Perl" | "Artistic-1.0-cl8" => "Artistic",
            other => other,
        };
        format!("{name}{}", if self.or_later { "+" } else { "" })
    }

    /// Family, version and "or later" of one of GNU's licences: (`GPL`, `2`, true).
    pub fn gnu(&self) -> Option<(&'static str, &str, bool)> {
        const FAMILIES: &[(&str, &str)] = &[("GPL-", "GPL"), ("LGPL-", "LGPL"), ("AGPL-", "AGPL"), ("GFDL-", "GFDL")];
        let (prefix, family) = FAMILIES.iter().find(|(prefix, _)| self.id.starts_with(prefix))?;
        let rest = self.id.strip_prefix(prefix)?;
        let (rest, later) = match rest.strip_suffix("-or-later") {
            Some(rest) => (rest, true),
            None => (rest.strip_suffix("-only").unwrap_or(rest), self.or_later),
        };
        let (rest, family) = match (rest.strip_suffix("-no-invariants"), *family) {
            (Some(rest), "GFDL") => (rest, "GFDL-NIV"),
            _ => (rest, *family),
        };
        let version = rest.strip_suffix(".0").unwrap_or(rest);
        version.bytes().all(|b| b.is_ascii_digit() || b == b'.').then_some((family, version, later))
    }
}

struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        // SPDX 2.3 wants capitals, 3.0 takes either case
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.and()?];
        while self.take("OR") {
            parts.push(self.and()?);
        }
        Ok(single(parts, Expression::Or))
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.simple()?];
        while self.take("AND") {
            parts.push(self.simple()?);
        }
        Ok(single(parts, Expression::And))
    }

    fn simple(&mut self) -> Result<Expression, String> {
        if self.take("(") {
            let inside = self.or()?;
            return if self.take(")") { Ok(inside) } else { Err("a parenthesis is not closed".to_string()) };
        }
        let word = self.identifier("a licence")?;
        let (id, or_later) = match word.strip_suffix('+') {
            Some(id) => (id, true),
            None => (word, false),
        };
        let exception = if self.take("WITH") { Some(self.identifier("an exception")?.to_string()) } else { None };
        Ok(Expression::Licence(Licence { id: id.to_string(), or_later, exception }))
    }

    fn identifier(&mut self, what: &str) -> Result<&'a str, String> {
        let word = self.peek().ok_or_else(|| format!("{what} is missing at the end"))?;
        let operator = ["AND", "OR", "WITH"].iter().any(|operator| word.eq_ignore_ascii_case(operator));
        let body = word.strip_suffix('+').unwrap_or(word);
        let legal = !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
        if operator || !legal {
            return Err(format!("`{word}` stands where {what} should"));
        }
        self.at += 1;
        Ok(word)
    }
}

fn single(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        Expression::parse(text).unwrap().debian_name()
    }

    #[test]
    fn debian_names() {
        for (spdx, debian) in [
            ("MIT", "Expat"),
            ("GPL-3.0-or-later", "GPL-3+"),
            ("GPL-2.0-only", "GPL-2"),
            ("GPL-2.0+", "GPL-2+"),
            ("LGPL-2.1-or-later", "LGPL-2.1+"),
            ("GFDL-1.3-no-invariants-or-later", "GFDL-NIV-1.3+"),
            ("Apache-2.0+", "Apache-2.0+"),
            ("BSD-3-Clause", "BSD-3-clause"),
            ("MIT OR Apache-2.0", "Expat or Apache-2.0"),
            ("MIT AND (Apache-2.0 OR ISC)", "Expat, and Apache-2.0 or ISC"),
            ("MIT AND ISC OR Zlib", "Expat and ISC or Zlib"),
            ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2+ with Classpath exception"),
            ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 with LLVM exception"),
        ] {
            assert_eq!(name(spdx), debian);
        }
    }

    #[test]
    fn broken_expressions() {
        for text in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT Apache-2.0", "GPL 2", "a/b", "MIT WITH", "+"] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_licence_once() {
        let expression = Expression::parse("MIT OR ISC AND MIT").unwrap();
        let ids: Vec<&str> = expression.licences().iter().map(|licence| licence.id.as_str()).collect();
        assert_eq!(ids, ["MIT", "ISC"]);
    }
}
