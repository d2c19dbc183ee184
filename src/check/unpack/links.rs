//! Symbolic links of a source tree: where they lead, and which of those in debian/
//! dpkg-source refuses (Dpkg::Path's check for directory traversal).

use std::collections::VecDeque;

use super::Trouble;
use super::tree::Parts;
use crate::fetch::archive::EntryKind;
use crate::patch::{self, Base};

/// Where a path that leads to nothing in the tree ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// At an absolute path.
    Absolute(Vec<u8>),
    /// Above the root of the tree; the words that follow.
    Above(Vec<u8>),
    /// In a circle.
    Loop,
}

/// The path without links, all that `link` knows followed; relative to the root.
pub fn resolve<'a>(link: &dyn Fn(&[u8]) -> Option<&'a [u8]>, path: &[u8]) -> Result<Vec<u8>, Lost> {
    let mut todo: VecDeque<Vec<u8>> = path.split(|b| *b == b'/').map(<[u8]>::to_vec).collect();
    let mut place: Vec<Vec<u8>> = Vec::new();
    let mut followed = 0;
    while let Some(part) = todo.pop_front() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => match place.pop() {
                Some(_) => continue,
                None => return Err(Lost::Above(Vec::from(todo).join(&b'/'))),
            },
            _ => place.push(part),
        }
        let Some(target) = link(&place.join(&b'/')) else { continue };
        followed += 1;
        // as many as Linux follows
        if followed > 40 {
            return Err(Lost::Loop);
        }
        if target.starts_with(b"/") {
            let rest = [&[target.to_vec()], Vec::from(todo).as_slice()].concat();
            return Err(Lost::Absolute(rest.join(&b'/')));
        }
        place.pop();
        for part in target.split(|b| *b == b'/').rev() {
            todo.push_front(part.to_vec());
        }
    }
    Ok(place.join(&b'/'))
}

/// Folders that every Debian and Ubuntu system with dpkg-dev has.
const FOLDERS: &[&str] = &[
    "",
    "/bin",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/common-licenses",
    "/usr/share/dict",
    "/usr/share/doc",
    "/usr/share/dpkg",
    "/usr/share/info",
    "/usr/share/man",
    "/usr/share/misc",
    "/usr/share/perl5",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

/// dpkg-source refuses links in debian/ that lead out of the tree, to something
/// or into a folder that exists. Which folders exist is known of some only: of
/// the others, the doubts are told.
pub fn check(parts: &Parts) -> Result<Vec<String>, Trouble> {
    let mut doubts = Vec::new();
    let debian = parts.debian.as_ref().unwrap_or(&parts.main);
    let of_tree = |path: &[u8]| match parts.kind(path)? {
        patch::EntryKind::Symlink => parts.content(path),
        _ => None,
    };
    let links = debian.listing.iter().filter(|entry| entry.kind == EntryKind::Symlink);
    for link in links.filter(|entry| entry.path.starts_with(b"debian/") || entry.path == b"debian") {
        let [path, target] = [link.path, link.target].map(String::from_utf8_lossy);
        let out = format!("{path} leads out of the source, to {target}");
        let fails = match resolve(&of_tree, link.path) {
            Ok(_) => continue,
            Err(Lost::Loop) => return Err(Trouble::Fails(format!("{path} leads in a circle"))),
            Err(Lost::Absolute(path)) if path == b"/dev/null" => continue,
            Err(Lost::Absolute(path)) => is_known(&String::from_utf8_lossy(&path)),
            Err(Lost::Above(rest)) => rest.split(|b| *b == b'/').all(|part| matches!(part, b"" | b"." | b"..")),
        };
        if fails {
            return Err(Trouble::Fails(out));
        }
        doubts.push(format!("{out}, which dpkg-source refuses if there is such a folder"));
    }
    Ok(doubts)
}

/// Whether the folder of an absolute path is there for certain.
fn is_known(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').is_none_or(|(folder, name)| name != ".." && FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_in_the_tree() {
        let links: &[(&[u8], &[u8])] =
            &[(b"a/up", b".."), (b"l", b"l"), (b"out", b"../x"), (b"abs", b"/etc"), (b"d", b"a")];
        let link = |path: &[u8]| links.iter().find(|(name, _)| *name == path).map(|(_, target)| *target);
        let resolved = |path: &str| resolve(&link, path.as_bytes());
        assert_eq!(resolved("d/up/./d//f"), Ok(b"a/f".to_vec()));
        assert_eq!(resolved("l/x"), Err(Lost::Loop));
        assert_eq!(resolved("out/y"), Err(Lost::Above(b"x/y".to_vec())));
        assert_eq!(resolved("abs/passwd"), Err(Lost::Absolute(b"/etc/passwd".to_vec())));
        assert!(is_known("/tmp") && is_known("/usr/share/misc/config.sub") && is_known("/"));
        assert!(!is_known("/usr/share/automake-1.16/config.sub"));
    }
}
