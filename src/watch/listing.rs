//! Versions from lists that are no forge's: the links of a page (WHATWG HTML,
//! 4.6, as far as `href` goes), and PyPI's JSON interface.

use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

use super::{Candidate, WatchError};
use crate::fetch::{Fetcher, Question};

/// A page of more bytes is no listing.
const LARGEST: u64 = 16 << 20;

/// The links of a page: each by the name of the file that it leads to, or as it
/// is written.
pub fn links(fetcher: &Fetcher, url: &str) -> Result<Vec<Candidate>, WatchError> {
    let question = Question { url: url.to_string(), accept: "text/html, */*;q=0.5".into(), token: None };
    let answer = fetcher.call(&question, LARGEST)?;
    if answer.status != 200 {
        return Err(WatchError::Status { url: url.to_string(), status: answer.status_text });
    }
    Ok(links_of(&String::from_utf8_lossy(&answer.body)))
}

fn links_of(page: &str) -> Vec<Candidate> {
    static LINK: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = r#"(?i)<a\s(?:[^>]*?\s)?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"#;
    let Some(link) = LINK.get_or_init(|| Regex::new(pattern).ok()) else { return Vec::new() };
    let mut found: Vec<Candidate> = Vec::new();
    for captures in link.captures_iter(page) {
        let Some(href) = (1..=3).find_map(|group| captures.get(group)) else { continue };
        let href = href.as_str().trim().replace("&amp;", "&").replace("&#43;", "+");
        let path = href.split(['?', '#']).next().unwrap_or_default();
        let name = decoded(path.trim_end_matches('/').rsplit('/').next().unwrap_or(path));
        if !name.is_empty() && !found.iter().any(|other| other.name == name) {
            found.push(Candidate { spellings: vec![name.clone(), decoded(path), href], name });
        }
    }
    found
}

/// Percent-encoding undone (RFC 3986, 2.1); what is none stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What PyPI says of a project, as far as it is read.
#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    releases: std::collections::BTreeMap<String, Vec<File>>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    yanked: bool,
}

/// The versions of a project on PyPI that have a file which was not withdrawn.
pub fn pypi(fetcher: &Fetcher, base: &str, project: &str) -> Result<Vec<Candidate>, WatchError> {
    let url = format!("{}/pypi/{project}/json", base.trim_end_matches('/'));
    let answer =
        fetcher.call(&Question { url: url.clone(), accept: "application/json".into(), token: None }, LARGEST)?;
    match answer.status {
        200 => {}
        404 => {
            let (service, what) = ("PyPI".to_string(), project.to_string());
            return Err(WatchError::NotThere { service, what, variable: None });
        }
        _ => return Err(WatchError::Status { url, status: answer.status_text }),
    }
    let project: Project =
        serde_json::from_slice(&answer.body).map_err(|e| WatchError::Answer { url, why: e.to_string() })?;
    let there = |files: &Vec<File>| files.iter().any(|file| !file.yanked);
    Ok(project.releases.into_iter().filter(|(_, files)| there(files)).map(|(name, _)| Candidate::tag(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_by_the_name_of_their_file() {
        let page = r#"<html><a href="hello-1.0.tar.gz">x</a> <A class=y HREF='../dl/hello-1.1%2Bb.tar.gz?x=1&amp;y#z'>
            <a href=https://example.org/a/hello-1.2.tar.gz> <a href="hello-1.0.tar.gz"> <abbr href="no"> <a href="">"#;
        let found = links_of(page);
        let names: Vec<&str> = found.iter().map(|candidate| candidate.name.as_str()).collect();
        assert_eq!(names, ["hello-1.0.tar.gz", "hello-1.1+b.tar.gz", "hello-1.2.tar.gz"]);
        assert_eq!(found[1].spellings[2], "../dl/hello-1.1%2Bb.tar.gz?x=1&y#z");
        assert_eq!(decoded("a%2"), "a%2");
    }
}
