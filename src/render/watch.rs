//! debian/watch (uscan(1), version 4) from `[watch]`, so that Debian's tools find
//! what `pkgr bump` finds. It names the public services, whatever this machine's
//! configuration has in their place.
//!
//! uscan's patterns are Perl's: the group `version` becomes the only group, and
//! where pre-releases are not wanted a look-ahead leaves them out, for uscan has
//! no other way.

use crate::plan::Target;
use crate::plan::watch::{Site, Watch};

/// Words of a pre-release before the end of a tag or file name, in Perl.
const PRERELEASE: &str = r#"(?i:alpha|beta|preview|pre|rc|dev|snapshot|nightly|canary)"#;
/// Puts what announces a version behind a tilde.
const MANGLE: &str = r"uversionmangle=s/(\d)[-._+~]?((?:alpha|beta|preview|pre|rc|dev|snapshot|[ab](?=\d))[-._]?\d*)$/$1~$2/i;s/[-_](?=\d)/./g";
/// Takes away what the package's own version has besides upstream's.
const UNMANGLE: &str = r"dversionmangle=s/\+nginx.*$//;s/[+~.](?:dfsg|ds|repack|debian)[.\d]*$//";

/// The file's text. With `signed` the tree has upstream's keys, and uscan is to
/// use them.
pub fn render(target: &Target, watch: &Watch, signed: bool) -> String {
    let pattern = perl(&watch.pattern);
    let pattern = if watch.prereleases { pattern } else { format!("{}{pattern}", without_prereleases(watch)) };
    let mut options = vec![MANGLE.to_string(), UNMANGLE.to_string()];
    let (page, pattern) = match &watch.site {
        Site::GitHub(repository) => {
            options.push("searchmode=plain".to_string());
            options.push(format!("filenamemangle=s%.*/%{}-%;s%$%.tar.gz%", target.name));
            let api = format!("https://api.github.com/repos/{repository}");
            // a renamed repository answers under its new name, so none is asked for
            let tarball = r"https://api\.github\.com/repos/[^/]+/[^/]+/tarball/refs/tags/";
            (format!("{api}/tags?per_page=100"), format!("{tarball}{pattern}(?=\\x22|$)"))
        }
        Site::GitLab(project) => {
            options.push("mode=git".to_string());
            let base = if project.contains("://") { project.clone() } else { format!("https://gitlab.com/{project}") };
            (format!("{}.git", base.trim_end_matches(".git")), format!("refs/tags/{pattern}"))
        }
        Site::Git(url) => {
            options.push("mode=git".to_string());
            (url.clone(), format!("refs/tags/{pattern}"))
        }
        Site::Page(url) => (url.clone(), format!(r"(?:\S*/)?{pattern}")),
        Site::PyPi(project) => {
            let name = project.replace(['-', '_', '.'], "[-_.]+");
            let file = format!(r"(?:\S*/)?(?i:{name})-{pattern}\.tar\.gz(?:#\S*)?");
            options.push(r"filenamemangle=s%.*/([^/#]+)(?:#.*)?$%$1%".to_string());
            (format!("https://pypi.org/simple/{project}/"), file)
        }
    };
    if signed {
        options.push("pgpmode=auto".to_string());
    }
    let options: Vec<String> = options.iter().map(|option| format!("    {option}")).collect();
    format!("version=4\nopts=\"\\\n{}\" \\\n{page} \\\n{pattern}\n", options.join(", \\\n"))
}

/// A look-ahead that fails where a pre-release's word follows a number.
fn without_prereleases(watch: &Watch) -> String {
    let end = match watch.site {
        Site::GitHub(_) => r"[^\s\x22/]*",
        _ => r"[^\s/]*",
    };
    format!(r"(?!{end}\d[-._+~]?{PRERELEASE}(?![a-z]))(?!{end}\d[ab]\d)")
}

/// The same pattern for Perl: the group `version` without its name, every other
/// group as one that is not counted, and no blank, which would end the field.
fn perl(pattern: &str) -> String {
    let mut result = String::new();
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\\' => {
                taken += rest.chars().nth(1).map_or(0, char::len_utf8);
                result.push_str(rest.get(..taken).unwrap_or(rest));
            }
            '[' => {
                in_class = true;
                // a bracket that closes nothing yet
                taken = ["[^]", "[]"].iter().find(|open| rest.starts_with(**open)).map_or(1, |open| open.len());
                result.push_str(rest.get(..taken).unwrap_or_default());
            }
            ']' => {
                in_class = false;
                result.push(c);
            }
            ' ' => result.push_str(r"\s"),
            '(' if !in_class => {
                let (text, length) = group(rest);
                result.push_str(text);
                taken = length;
            }
            _ => result.push(c),
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    result
}

/// What a group opens with in Perl, and how long its opening is here.
fn group(rest: &str) -> (&str, usize) {
    for opening in ["(?<version>", "(?P<version>"] {
        if rest.starts_with(opening) {
            return ("(", opening.len());
        }
    }
    let named = rest.starts_with("(?<") || rest.starts_with("(?P<");
    match rest.find('>').filter(|_| named) {
        Some(end) => ("(?:", end + 1),
        None if rest.starts_with("(?") => ("(", 1),
        None => ("(?:", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_group_is_left() {
        assert_eq!(perl(r"v(?<version>[\d.]+)-stable"), r"v([\d.]+)-stable");
        assert_eq!(perl(r"(a|b)(?P<version>(\d)+)(?i:x)(?<y>z)"), r"(?:a|b)((?:\d)+)(?i:x)(?:z)");
        assert_eq!(perl(r"[^](](?<version>x)"), r"[^](](x)");
        assert_eq!(perl(r"\((?<version>[(]) "), r"\(([(])\s");
    }
}
