//! The checks of `[nginx]`, `[follow.NAME]`, `[watch]` and `[upload]`, one
//! function each. Whether a flavor, package or repository exists is not known here.

use crate::deb::names;
use crate::series::catalog;

use super::Wrong;
use super::words::word;

/// Words that name something else in templates.
const TAKEN: &[&str] = &["name", "version", "upstream_version", "debian_version", "series", "flavor"];

pub(super) fn flavor(text: &str) -> Result<(), Wrong> {
    let good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if let Some(rest) = text.strip_prefix("nginx-") {
        let wrong = Wrong::new("bad-flavor", format!("`{text}` is a package; a flavor is named without `nginx-`"));
        return Err(wrong.hint(format!("write `{rest}`")));
    }
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-flavor", format!("`{text}` is no flavor of nginx"))
            .hint("flavors are named `core`, `light`, `full`, `extras`")),
    }
}

pub(super) fn module(text: &str) -> Result<(), Wrong> {
    let stem = text.strip_suffix(".so").unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !stem.is_empty() && stem.chars().all(good) {
        true => Ok(()),
        false => {
            let wrong = Wrong::new("bad-module", format!("`{text}` is no file name of a module"));
            let plain = text.rsplit('/').next().unwrap_or(text).trim_end_matches(".so");
            Err(match !plain.is_empty() && plain.chars().all(good) {
                true => wrong.hint(format!("write `{plain}.so`")),
                false => wrong.hint("`ngx_http_echo_module.so`"),
            })
        }
    }
}

pub(super) fn name(text: &str) -> Result<(), Wrong> {
    if TAKEN.contains(&text) {
        return Err(Wrong::new("bad-follow", format!("`{text}` is a variable of templates already")));
    }
    let good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-follow", format!("`{text}` is no name for what is followed"))
            .hint("lower-case letters, digits and `_`, as for a variable; `package` names the package")),
    }
}

pub(super) fn repository(text: &str) -> Result<(), Wrong> {
    let good = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && part != ".."
    };
    match text.split_once('/') {
        Some((owner, name)) if good(owner) && good(name) => Ok(()),
        _ => {
            let wrong = Wrong::new("bad-repository", format!("`{text}` is not `OWNER/NAME`"));
            let path = text.split_once("github.com/").map(|(_, path)| path.trim_end_matches(".git"));
            Err(match path {
                Some(path) if path.matches('/').count() == 1 => wrong.hint(format!("write `{path}`")),
                _ => wrong.hint("`openresty/headers-more-nginx-module`"),
            })
        }
    }
}

pub(super) fn forge(text: &str) -> Result<(), Wrong> {
    word(text)?;
    let path = text.strip_prefix("https://").and_then(|rest| rest.split_once('/')).map_or(text, |(_, path)| path);
    let good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
    match path.split('/').count() >= 2 && path.split('/').all(good) {
        true => Ok(()),
        false => Err(Wrong::new("bad-repository", format!("`{text}` is no project of a GitLab"))
            .hint("`GROUP/NAME`, or `https://HOST/GROUP/NAME`")),
    }
}

/// Names as PyPI takes them (packaging specification, "Names and normalization").
pub(super) fn project(text: &str) -> Result<(), Wrong> {
    let edge = |c: char| c.is_ascii_alphanumeric();
    let good = text.starts_with(edge)
        && text.ends_with(edge)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    match good {
        true => Ok(()),
        false => Err(Wrong::new("bad-project", format!("`{text}` is no name of a project on PyPI"))),
    }
}

/// A regular expression as the regex crate reads it, with a group `version`.
pub(super) fn version_pattern(text: &str) -> Result<(), Wrong> {
    match regex::Regex::new(&format!("^(?:{text})$")) {
        Ok(compiled) if compiled.capture_names().flatten().any(|name| name == "version") => Ok(()),
        Ok(_) => {
            let wrong = Wrong::new("bad-pattern", format!("`{text}` has no group `version`"));
            Err(wrong.hint(r"`'v(?<version>[\d.]+)'`"))
        }
        // told of the pattern alone: with what is put around it places would be off
        Err(_) => match regex::Regex::new(text) {
            Err(error) => Err(bad_pattern(&error.to_string(), text)),
            Ok(_) => Err(Wrong::new("bad-pattern", "a `(` or `)` without its counterpart")),
        },
    }
}

/// The regex crate shows the pattern, indented by four, and a caret below it.
fn bad_pattern(error: &str, text: &str) -> Wrong {
    let why = error.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(error);
    let wrong = Wrong::new("bad-pattern", format!("the regular expression is wrong: {why}"));
    let caret = error.lines().find(|line| line.trim_start().starts_with('^'));
    let column = caret.and_then(|line| line.find('^')?.checked_sub(4));
    let start = column.and_then(|column| text.char_indices().nth(column));
    let wrong = match start {
        Some((at, c)) => wrong.at(at..at + c.len_utf8()),
        None => wrong,
    };
    match why.contains("look-around") {
        true => wrong.hint("say what a version is instead of what it is not; pre-releases are left out anyway"),
        false => wrong,
    }
}

/// `ppa:owner/name`, `ppa:owner/distro/name`, `ppa:owner/name/series`, a name
/// of dput.cf or of a profile, a URL, or a path.
pub(super) fn upload_target(text: &str) -> Result<(), Wrong> {
    word(text)?;
    if let Some(ppa) = text.strip_prefix("ppa:") {
        return self::ppa(text, ppa);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let known = ["ftp", "sftp", "http", "https", "file"].contains(&scheme);
        let host = rest.split('/').next().unwrap_or_default();
        return match known && (scheme == "file" || !host.is_empty()) && !rest.is_empty() {
            true => Ok(()),
            false => Err(Wrong::new("bad-target", format!("pkgr cannot upload to `{text}`"))
                .hint("ftp, sftp, http, https and file URLs")),
        };
    }
    let path = text.starts_with(['/', '.']) || text.starts_with("file:");
    let name = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
    match path || name {
        true => Ok(()),
        false => Err(Wrong::new("bad-target", format!("`{text}` is no target of an upload"))
            .hint("`ppa:OWNER/NAME`, a name of dput.cf or of a profile, a URL, or a path")),
    }
}

fn ppa(text: &str, ppa: &str) -> Result<(), Wrong> {
    let wrong = || {
        Wrong::new("bad-target", format!("`{text}` is no PPA"))
            .hint("`ppa:OWNER/NAME`, `ppa:OWNER/DISTRIBUTION/NAME` or `ppa:OWNER/NAME/SERIES`")
    };
    let parts: Vec<&str> = ppa.split('/').collect();
    let owner_first = parts.first().map(|owner| owner.trim_start_matches('~'));
    let names_are_good = owner_first.into_iter().chain(parts.iter().skip(1).copied()).all(|part| {
        part.len() > 1
            && part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-+.".contains(c))
    });
    let shape_is_good = match parts.as_slice() {
        [_, _] => true,
        [_, distribution, name] => {
            names::check_source(distribution).is_ok() && (*distribution == "ubuntu" || catalog().find(name).is_some())
        }
        _ => false,
    };
    match names_are_good && shape_is_good {
        true => Ok(()),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_uploads() {
        for good in [
            "ppa:du9l/ngx-pagespeed",
            "ppa:~du9l/ppa",
            "ppa:du9l/ubuntu/ppa",
            "ppa:du9l/ppa/jammy",
            "mentors",
            "ftp://host/incoming",
            "sftp://host/~/x",
            "file:///srv/in",
            "file:in",
            "./in",
            "/srv/in",
        ] {
            assert!(upload_target(good).is_ok(), "{good}");
        }
        for bad in
            ["ppa:du9l", "ppa:/x", "ppa:du9l/x/y", "ppa:Du9l/x", "gopher://x/", "ftp://", "a b", "du9l/x", "ftp:///x"]
        {
            assert!(upload_target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn modules_and_flavors() {
        assert!(module("ngx_pagespeed.so").is_ok() && flavor("core").is_ok());
        for bad in ["", ".so", "ngx_x", "modules/ngx_x.so", "a b.so"] {
            assert!(module(bad).is_err(), "{bad}");
        }
        assert_eq!(module("modules/ngx_x.so").unwrap_err().hints, ["write `ngx_x.so`"]);
        assert_eq!(flavor("nginx-core").unwrap_err().hints, ["write `core`"]);
    }

    #[test]
    fn patterns_of_versions() {
        for good in [r"v(?<version>[\d.]+)-stable", r"(?P<version>\d+)", r"\((?<version>[(])", r"\)(?<version>[^]])"] {
            assert!(version_pattern(good).is_ok(), "{good}");
        }
        for bad in [r"v([\d.]+)", r"(?<version>[\d.+", r"(?<version>x", r"(?<version>x))", "(?<version>x)\\"] {
            assert!(version_pattern(bad).is_err(), "{bad}");
        }
        assert_eq!(version_pattern("é(?<version>[)").unwrap_err().part, Some(13..14));
        assert_eq!(version_pattern("(?!x)(?<version>x)").unwrap_err().hints.len(), 1);
        assert_eq!(repository("https://github.com/a/b.git").unwrap_err().hints, ["write `a/b`"]);
        assert!(forge("https://salsa.debian.org/nginx-team/nginx").is_ok() && forge("nginx").is_err());
    }
}
