//! Paths that a recipe writes: relative ones that stay in its folder, absolute
//! ones of the installed system, and what may be fetched.

use super::check::Wrong;

/// Glob characters (crate glob).
const GLOB: [char; 3] = ['*', '?', '['];

/// Whether a path is a pattern rather than a name.
pub fn is_glob(path: &str) -> bool {
    path.contains(GLOB)
}

/// A path of the recipe's folder, or of a tree: relative, without `..`, in one
/// spelling only. `globs` allows patterns.
pub fn relative(path: &str, globs: bool) -> Result<(), Wrong> {
    if path.starts_with('/') {
        return Err(Wrong::new(
            "path-absolute",
            format!("`{path}` is absolute; files are named relative to the recipe's folder"),
        ));
    }
    for part in path.split('/') {
        match part {
            ".." => return Err(Wrong::new("path-leaves", format!("`{path}` leaves the recipe's folder"))),
            "" | "." => {
                let plain = path.split('/').filter(|p| !matches!(*p, "" | ".")).collect::<Vec<_>>().join("/");
                let wrong = Wrong::new("path-spelling", format!("`{path}` is not the plain spelling of a file's path"));
                return Err(if plain.is_empty() { wrong } else { wrong.hint(format!("write `{plain}`")) });
            }
            _ => {}
        }
    }
    if is_glob(path) {
        if !globs {
            return Err(Wrong::new("path-glob", format!("`{path}` is a pattern; one file is wanted here")));
        }
        if let Err(error) = glob::Pattern::new(path) {
            let at = error.pos.min(path.len());
            return Err(Wrong::new("bad-glob", format!("`{path}` is no pattern: {}", error.msg)).at(at..at));
        }
    }
    Ok(())
}

/// A pattern below debian/tmp, in debhelper's own language of patterns.
pub fn staged(path: &str) -> Result<(), Wrong> {
    if path.starts_with('/') {
        let wrong = Wrong::new("path-absolute", format!("`{path}` is absolute; `files` are relative to debian/tmp"));
        return Err(wrong.hint(format!("write `{}`", path.trim_start_matches('/'))));
    }
    match path.split('/').any(|part| part == "..") {
        true => Err(Wrong::new("path-leaves", format!("`{path}` leaves debian/tmp"))),
        false => Ok(()),
    }
}

/// A path of the installed system. A folder (trailing `/`) only where allowed.
pub fn absolute(path: &str, folder: bool) -> Result<(), Wrong> {
    let Some(rest) = path.strip_prefix('/') else {
        let wrong = Wrong::new("path-relative", format!("`{path}` is not absolute"));
        return Err(wrong.hint(format!("write `/{path}`")));
    };
    let rest = match rest.strip_suffix('/') {
        Some(_) if !folder => {
            let wrong = Wrong::new("path-spelling", format!("`{path}` ends in a slash"));
            return Err(wrong.hint(format!("write `{}`", path.trim_end_matches('/'))));
        }
        Some(rest) => rest,
        None => rest,
    };
    if rest.is_empty() {
        return Err(Wrong::new("path-spelling", format!("`{path}` is the root folder")));
    }
    if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let message = format!("`{path}` is not the plain spelling of a path: it has an empty, `.` or `..` part");
        return Err(Wrong::new("path-spelling", message));
    }
    if let Some((at, c)) = path.char_indices().find(|(_, c)| GLOB.contains(c)) {
        return Err(Wrong::new("path-glob", format!("`{path}` is a pattern; one path is wanted here"))
            .at(at..at + c.len_utf8()));
    }
    Ok(())
}

/// What `url` and `signature` take.
pub fn location(text: &str) -> Result<(), Wrong> {
    if let Some(at) = text.find(char::is_whitespace) {
        return Err(Wrong::new("bad-url", "a blank cannot stand in a URL").at(at..at + 1).hint("write `%20`"));
    }
    match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.trim_start_matches('/').is_empty() && !rest.starts_with('/') => Ok(()),
        Some(("file", path)) if path.starts_with('/') && path.len() > 1 => Ok(()),
        Some(("http" | "https" | "file", _)) => {
            Err(Wrong::new("bad-url", format!("`{text}` names no file")).hint("`https://HOST/PATH` or `file:///PATH`"))
        }
        Some((scheme, _)) => Err(Wrong::new("bad-url", format!("pkgr cannot fetch `{scheme}:` URLs"))
            .hint("http, https and file URLs, or a path beside the recipe")),
        None => relative(text, false).map_err(|wrong| absolute_hint(wrong, text)),
    }
}

/// What `git` takes: a URL, git's own `host:path`, or a repository beside the recipe.
pub fn git(text: &str) -> Result<(), Wrong> {
    if text.contains("://") || text.split('/').next().is_some_and(|host| host.contains(':')) {
        return Ok(());
    }
    relative(text, false).map_err(|wrong| absolute_hint(wrong, text))
}

fn absolute_hint(wrong: Wrong, text: &str) -> Wrong {
    match wrong.code {
        "path-absolute" => wrong.hint(format!("write `file://{text}`")),
        _ => wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for good in ["a", "a/b.c", "..a/b..", "icons/*.txt", "a[0-9]"] {
            assert!(relative(good, true).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("/a", "path-absolute"),
            ("../a", "path-leaves"),
            ("a/../b", "path-leaves"),
            ("./a", "path-spelling"),
            ("a/", "path-spelling"),
            ("a[", "bad-glob"),
            ("***", "bad-glob"),
        ] {
            assert_eq!(relative(bad, true).unwrap_err().code, code, "{bad}");
        }
        assert_eq!(relative("*.txt", false).unwrap_err().code, "path-glob");
    }

    #[test]
    fn destinations_are_absolute() {
        assert!(absolute("/usr/share/x/", true).is_ok());
        for bad in ["usr/x", "/", "/usr//x", "/usr/../x", "/usr/*"] {
            assert!(absolute(bad, true).is_err(), "{bad}");
        }
        assert!(absolute("/usr/share/", false).is_err());
    }

    #[test]
    fn locations() {
        for good in ["https://example.org/a.tar.gz", "file:///a", "a.tar.gz", "upstream/a.tar.xz"] {
            assert!(location(good).is_ok(), "{good}");
        }
        for bad in ["ftp://example.org/a", "https:///a", "file://a", "/a.tar.gz", "../a", "https://example.org/a b"] {
            assert!(location(bad).is_err(), "{bad}");
        }
    }
}
