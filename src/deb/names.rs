//! Which names Debian's archives take: packages (Policy 5.6.1, 5.6.7), sections,
//! suites, architectures and maintainers, with the traps that Launchpad adds.

use std::fmt;

use super::architecture;

/// Why a name is refused. The messages begin with what it was to name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Archives want two characters at least.
    #[error("{0} `{1}` is shorter than two characters")]
    Short(&'static str, String),
    /// The first character is none of a-z and 0-9.
    #[error("{0} `{1}` does not begin with a lower-case letter or a digit")]
    Start(&'static str, String),
    /// A character that it may not hold.
    #[error("character `{2}` is not allowed in {0} `{1}`")]
    Character(&'static str, String, char),
    /// Not an architecture that dpkg knows.
    #[error("`{0}` is not an architecture")]
    Architecture(String),
    /// No ` <address>` at the end.
    #[error("`{0}` is not of the form `Name <address>`")]
    Form(String),
    /// Launchpad cannot parse a name of one character.
    #[error("the name in `{0}` is shorter than two characters")]
    PersonShort(String),
    /// No `@`, or nothing on one side of it.
    #[error("`{0}` is not an e-mail address")]
    Address(String),
}

/// A source package's name: lower-case letters, digits, `+`, `-`, `.`.
pub fn check_source(name: &str) -> Result<(), NameError> {
    check_plain("source package name", name, "+-.", 2)
}

/// A binary package's name, by the same rules.
pub fn check_package(name: &str) -> Result<(), NameError> {
    check_plain("package name", name, "+-.", 2)
}

/// A component of the upstream source, the `NAME` of `orig-NAME.tar`: it becomes a
/// folder in the root of the tree. Letters, digits and `-` for dpkg; lower case only
/// here, so that no two of them meet on a file system without case.
pub fn check_component(name: &str) -> Result<(), NameError> {
    check_plain("component name", name, "-", 1)
}

/// A section, with an optional archive area before a slash: `web`, `universe/web`.
pub fn check_section(name: &str) -> Result<(), NameError> {
    name.splitn(2, '/').try_for_each(|part| check_plain("section", part, "-", 2))
}

/// A suite or series as a changelog's header may name it.
pub fn check_suite(name: &str) -> Result<(), NameError> {
    check_plain("suite", name, "+-.", 2)
}

/// A build profile (`nocheck`, `pkg.hello.small`).
pub fn check_profile(name: &str) -> Result<(), NameError> {
    check_plain("build profile", name, "+-.", 1)
}

/// An architecture or wildcard that dpkg knows, without `all`.
pub fn check_architecture(name: &str) -> Result<(), NameError> {
    match name {
        "" => Err(NameError::Empty("architecture")),
        _ if architecture::is_known(name) => Ok(()),
        _ => Err(NameError::Architecture(name.to_string())),
    }
}

fn check_plain(what: &'static str, name: &str, others: &str, least: usize) -> Result<(), NameError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c);
    if name.is_empty() {
        Err(NameError::Empty(what))
    } else if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        Err(NameError::Character(what, name.to_string(), bad))
    } else if name.starts_with(|c| others.contains(c)) {
        Err(NameError::Start(what, name.to_string()))
    } else if name.len() < least {
        Err(NameError::Short(what, name.to_string()))
    } else {
        Ok(())
    }
}

/// A person or team, `Name <address>` (Policy 5.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintainer {
    /// At least two characters, no angle brackets.
    pub name: String,
    /// With one `@`, no blanks.
    pub address: String,
}

impl Maintainer {
    /// Parses and checks; blanks around the whole are ignored.
    pub fn parse(text: &str) -> Result<Maintainer, NameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameError::Empty("maintainer"));
        }
        let form = || NameError::Form(text.to_string());
        let (name, rest) = text.split_once(" <").ok_or_else(form)?;
        let address = rest.strip_suffix('>').ok_or_else(form)?;
        let name = name.trim();
        if name.contains(['<', '>']) || name.chars().any(char::is_control) || address.contains(['<', '>']) {
            return Err(form());
        }
        if name.chars().count() < 2 {
            return Err(NameError::PersonShort(text.to_string()));
        }
        let plain = !address.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',');
        match address.split_once('@') {
            Some((local, domain)) if plain && !local.is_empty() && !domain.is_empty() && !domain.contains('@') => {}
            _ => return Err(NameError::Address(address.to_string())),
        }
        Ok(Maintainer { name: name.to_string(), address: address.to_string() })
    }
}

impl fmt::Display for Maintainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names() {
        for good in ["hello", "g++", "libc6", "0ad", "a1", "python3.11-doc"] {
            assert_eq!(check_package(good), Ok(()), "{good}");
        }
        for bad in ["", "a", "Hello", "-a", ".a", "a_b", "a b", "ä1", "a/b", "a\n"] {
            assert!(check_source(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            check_source("a_b").unwrap_err().to_string(),
            "character `_` is not allowed in source package name `a_b`"
        );
    }

    #[test]
    fn sections_suites_components_and_architectures() {
        assert_eq!(check_section("web"), Ok(()));
        assert_eq!(check_section("non-free/web"), Ok(()));
        assert!(check_section("a/b/c").is_err());
        assert!(check_section("/web").is_err());
        assert_eq!(check_suite("noble-proposed"), Ok(()));
        assert!(check_suite("noble proposed").is_err());
        assert_eq!(check_component("psol-x64"), Ok(()));
        assert!(check_component("psol_x64").is_err());
        assert!(check_component("..").is_err());
        assert_eq!(check_architecture("any-amd64"), Ok(()));
        assert_eq!(check_architecture("amd46"), Err(NameError::Architecture("amd46".to_string())));
    }

    #[test]
    fn maintainers() {
        let text = "Jörg, the Maintainer <j@example.org>";
        let maintainer = Maintainer::parse(text).unwrap();
        assert_eq!((maintainer.name.as_str(), maintainer.address.as_str()), ("Jörg, the Maintainer", "j@example.org"));
        assert_eq!(maintainer.to_string(), text);
        for bad in [
            "",
            "Name",
            "<a@b>",
            " <a@b>",
            "X <x@e>",
            "Name <ab>",
            "Name <@b>",
            "Name <a@>",
            "Name <a@b",
            "Name <a b@c>",
            "Name<a@b>",
            "Name <a@b> x",
            "N <x> <a@b>",
            "A\nB <a@b>",
            "Name <a@b@c>",
            "Name <a@b,c@d>",
        ] {
            assert!(Maintainer::parse(bad).is_err(), "{bad:?}");
        }
    }
}
