//! Maintainer scripts (Policy 6): the recipe's own, with debhelper's token where
//! they lack it, and the snippet for sysusers.d where debhelper has none.

use std::collections::BTreeMap;

use crate::diagnostic::Failure;
use crate::plan::{Package, PayloadFile, Target};

use super::staging::base_name;
use super::{Origin, Tree, nginx, payload, sh};

const TOKEN: &str = "#DEBHELPER#";

/// Whether debhelper of the series has the sequence `installsysusers` (13.9).
pub fn has_sysusers_helper(target: &Target) -> bool {
    target.series.is_since("kinetic") || target.series.is_since("bookworm")
}

/// Adds `debian/PACKAGE.postinst` and its like.
pub fn add(target: &Target, tree: &mut Tree) -> Result<(), Failure> {
    for package in &target.packages {
        let mut snippets = snippets(target, package);
        for (kind, script) in &package.scripts {
            let (PayloadFile::Recipe(path) | PayloadFile::Upstream(path, _)) = script;
            let mut file = payload::read(target, path, Origin::Recipe(path.clone()))?;
            file.executable = false;
            // debconf's `templates` and dpkg's `triggers` are no scripts
            if ["preinst", "postinst", "prerm", "postrm", "config"].contains(&kind.as_str()) {
                let before = snippets.remove(kind.as_str()).unwrap_or_default();
                file.bytes = with_token(&file.bytes, &before);
            }
            tree.files.insert(format!("debian/{}.{kind}", package.name), file);
        }
        for (kind, snippet) in snippets {
            let text = with_token(b"#!/bin/sh\nset -e\n", &snippet);
            tree.add(format!("debian/{}.{kind}", package.name), text);
        }
    }
    Ok(())
}

/// What pkgr itself has to say in a package's scripts, by script.
fn snippets(target: &Target, package: &Package) -> BTreeMap<&'static str, String> {
    let mut snippets = BTreeMap::new();
    for kind in ["postinst", "prerm", "postrm"] {
        let users = if kind == "postinst" { sysusers_snippet(target, package) } else { String::new() };
        let text = users + &nginx::snippet(target, package, kind);
        if !text.is_empty() {
            snippets.insert(kind, text);
        }
    }
    snippets
}

/// Makes the users before the units of debhelper's snippets start.
fn sysusers_snippet(target: &Target, package: &Package) -> String {
    if package.sysusers.is_empty() || has_sysusers_helper(target) {
        return String::new();
    }
    let names: Vec<String> = package
        .sysusers
        .iter()
        .map(|file| match file {
            PayloadFile::Recipe(path) | PayloadFile::Upstream(path, _) => sh::shell_word(base_name(path)),
        })
        .collect();
    super::template::fill(include_str!("../../templates/scripts/sysusers"), minijinja::context! { names })
}

/// The script with a first line for the kernel and debhelper's token, `before`
/// put right before the token. A last `exit 0` stays the last line.
fn with_token(script: &[u8], before: &str) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = script.split(|b| *b == b'\n').collect();
    while lines.last().is_some_and(|line| line.trim_ascii().is_empty()) {
        lines.pop();
    }
    let mut text = Vec::with_capacity(script.len() + before.len() + 64);
    if !script.starts_with(b"#!") {
        text.extend_from_slice(b"#!/bin/sh\nset -e\n\n");
    }
    let has_token = lines.iter().any(|line| line.trim_ascii() == TOKEN.as_bytes());
    let exit = lines.last().is_some_and(|line| *line == b"exit 0").then(|| lines.len() - 1);
    let place = if has_token { None } else { Some(exit.unwrap_or(lines.len())) };
    let put = |text: &mut Vec<u8>| {
        text.extend_from_slice(before.as_bytes());
        text.extend_from_slice(TOKEN.as_bytes());
        text.push(b'\n');
    };
    for (index, line) in lines.iter().enumerate() {
        if place == Some(index) {
            put(&mut text);
            text.push(b'\n');
        }
        if line.trim_ascii() == TOKEN.as_bytes() {
            put(&mut text);
        } else {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
    if place == Some(lines.len()) {
        text.push(b'\n');
        put(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(script: &str, before: &str) -> String {
        String::from_utf8(with_token(script.as_bytes(), before)).unwrap()
    }

    #[test]
    fn the_token_is_reached() {
        assert_eq!(token("#!/bin/sh\nfoo\n", ""), "#!/bin/sh\nfoo\n\n#DEBHELPER#\n");
        assert_eq!(token("#!/bin/sh\nfoo\nexit 0\n\n", ""), "#!/bin/sh\nfoo\n#DEBHELPER#\n\nexit 0\n");
        assert_eq!(token("foo", ""), "#!/bin/sh\nset -e\n\nfoo\n\n#DEBHELPER#\n");
        assert_eq!(token("#!/bin/sh\n#DEBHELPER#\nx\n", "y\n"), "#!/bin/sh\ny\n#DEBHELPER#\nx\n");
    }
}
