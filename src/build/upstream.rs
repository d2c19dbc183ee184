//! The upstream tree as rendering sees it: the paths of its tarballs, no contents.

use crate::fetch::archive::Listing;
use crate::render::Upstream;

/// The tree that dpkg-source makes of a main tarball and its components.
#[derive(Debug, Default)]
pub struct Tarballs<'a> {
    /// Component (`None`: the main tarball) and what is in it.
    parts: Vec<(Option<&'a str>, &'a Listing)>,
}

impl<'a> Tarballs<'a> {
    /// Joins the listings of a source package's tarballs.
    pub fn new(parts: impl IntoIterator<Item = (Option<&'a str>, &'a Listing)>) -> Tarballs<'a> {
        Tarballs { parts: parts.into_iter().collect() }
    }

    /// A component takes the place of what the main tarball has under its name.
    fn is_hidden(&self, path: &str) -> bool {
        let top = path.split('/').next();
        self.parts.iter().any(|(component, _)| component.is_some() && *component == top)
    }
}

impl Upstream for Tarballs<'_> {
    fn glob(&self, pattern: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (component, listing) in &self.parts {
            match component {
                None => {
                    let paths = listing.glob(pattern).unwrap_or_default();
                    let paths = paths.into_iter().filter_map(|path| std::str::from_utf8(path).ok());
                    found.extend(paths.filter(|path| !self.is_hidden(path)).map(String::from));
                }
                Some(component) => {
                    let Some((first, rest)) = pattern.split_once('/') else {
                        if matches(pattern, component) {
                            found.push(component.to_string());
                        }
                        continue;
                    };
                    // `**` may stop before the component or go on into it
                    let rest = if first == "**" { pattern } else { rest };
                    if first == "**" || matches(first, component) {
                        let paths = listing.glob(rest).unwrap_or_default();
                        let paths = paths.into_iter().filter_map(|path| std::str::from_utf8(path).ok());
                        found.extend(paths.map(|path| format!("{component}/{path}")));
                    }
                }
            }
        }
        found.sort();
        found
    }

    fn contains(&self, path: &str) -> bool {
        self.parts.iter().any(|(component, listing)| match component {
            None => !self.is_hidden(path) && listing.contains(path),
            Some(component) => {
                let rest = path.strip_prefix(component);
                rest.is_some_and(|rest| {
                    rest.is_empty() || rest.strip_prefix('/').is_some_and(|rest| listing.contains(rest))
                })
            }
        })
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Compression;
    use crate::fetch::archive::inspect;

    fn listing(paths: &[&str]) -> Listing {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(file.as_file(), flate2::Compression::fast()));
        for path in paths {
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_mode(0o644);
            builder.append_data(&mut header, format!("top/{path}"), std::io::empty()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
        inspect(file.path(), Compression::Gzip, &|_| false).unwrap().listing
    }

    #[test]
    fn components_are_folders_of_the_root() {
        let (main, psol) = (listing(&["README", "src/a.c", "psol/old"]), listing(&["LICENSE", "lib/b.c"]));
        let tree = Tarballs::new([(None, &main), (Some("psol"), &psol)]);
        assert!(tree.contains("src/a.c") && tree.contains("psol") && tree.contains("psol/lib/b.c"));
        assert!(!tree.contains("psol/old") && !tree.contains("psolx") && !tree.contains("lib/b.c"));
        assert_eq!(tree.glob("*/*.c"), ["src/a.c"]);
        assert_eq!(tree.glob("p*/LIC*"), ["psol/LICENSE"]);
        assert_eq!(tree.glob("**/*.c"), ["psol/lib/b.c", "src/a.c"]);
        assert_eq!(tree.glob("ps*"), ["psol"]);
    }
}
