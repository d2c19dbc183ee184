//! A source that is there already: a tarball's URL or path, a repository on
//! GitHub, a folder. Its name says the version, its files the rest ([`super::facts`]);
//! the build system needs no saying, for debhelper detects it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use regex::Regex;

use super::example::{add, packed};
use super::facts::{Facts, is_telling};
use super::recipe::{Draft, quoted};
use super::{File, Kind, RECIPE, Reading};
use crate::diagnostic::{Diagnostic, Failure, Kind as Weight, Place};
use crate::fetch::archive::Rules;
use crate::lock::Lock;
use crate::plan::watch::{Site, Watch};
use crate::plan::{Location, Source};
use crate::render::Tree;
use crate::watch::{Looking, version};

/// A folder of more bytes is not packed into memory.
const LARGEST: u64 = 512 << 20;
/// NAME-VERSION of a tarball.
const NAMED: &str =
    r"^(?<name>.+?)[-_]v?(?<version>\d[0-9A-Za-z.+~_-]*?)(?:\.orig)?\.(?:tar\.[a-z0-9]+|tgz|tbz2?|txz)$";
/// A tag's tarball on GitHub.
const GITHUB: &str = r"^https://github\.com/(?<owner>[^/]+)/(?<name>[^/]+)/archive/(?:refs/tags/)?(?<tag>.+)\.tar\.gz$";
/// A repository's page on GitHub.
const PAGE: &str = r"^https://github\.com/(?<owner>[^/]+)/(?<name>[^/]+?)(?:\.git)?/?$";

fn compiled(cell: &'static OnceLock<Option<Regex>>, pattern: &str) -> Option<&'static Regex> {
    cell.get_or_init(|| Regex::new(pattern).ok()).as_ref()
}

/// What an address or file name says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    /// As upstream writes it.
    version: Option<String>,
    /// `OWNER/NAME` on GitHub.
    github: Option<String>,
}

impl Named {
    fn of(address: &str) -> Named {
        static GITHUB_: OnceLock<Option<Regex>> = OnceLock::new();
        static NAMED_: OnceLock<Option<Regex>> = OnceLock::new();
        if let Some(found) = compiled(&GITHUB_, GITHUB).and_then(|pattern| pattern.captures(address)) {
            let tag = &found["tag"];
            let version = tag.find(|c: char| c.is_ascii_digit()).and_then(|at| tag.get(at..)).map(str::to_string);
            return Named { version, github: Some(format!("{}/{}", &found["owner"], &found["name"])) };
        }
        let file = address.split(['?', '#']).next().unwrap_or(address).rsplit('/').next().unwrap_or(address);
        let found = compiled(&NAMED_, NAMED).and_then(|pattern| pattern.captures(file));
        Named { version: found.map(|found| found["version"].to_string()), github: None }
    }
}

/// The files of a recipe for a source.
pub fn files(
    mut draft: Draft,
    kind: Option<Kind>,
    from: &str,
    reading: &Reading,
) -> Result<BTreeMap<String, File>, Failure> {
    let path = Path::new(from);
    let mut files = BTreeMap::new();
    let (named, facts, url) = if from.contains("://") {
        let (named, url) = match newest_of(from, reading)? {
            Some(found) => found,
            None => (Named::of(from), from.to_string()),
        };
        let facts = facts_of(Location::Url(url.clone()), Path::new("."), reading)?;
        (named, facts, url)
    } else if path.is_dir() {
        let (tree, facts) = folder(path, reading)?;
        let version = facts.version.clone().unwrap_or_else(|| draft.version.clone());
        let stem = format!("{}-{version}", draft.name);
        files.insert(format!("{stem}.tar.xz"), File::text(packed(&tree, &stem)?));
        (Named { version: Some(version), github: None }, facts, format!("{stem}.tar.xz"))
    } else {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let facts = facts_of(Location::Path(file.clone()), &crate::files::parent(path), reading)?;
        files.insert(file.clone(), File::text(crate::files::read(path)?));
        (Named::of(&file), facts, file)
    };
    let upstream = named.version.clone().or_else(|| facts.version.clone()).ok_or_else(|| no_version(from))?;
    let (spelled, _) = version::of_upstream(&upstream).ok_or_else(|| no_version(from))?;
    draft.version = spelled.to_string();
    draft.upstream_version = (draft.version != upstream).then(|| upstream.clone());
    let variable = if draft.upstream_version.is_some() { "{{ upstream_version }}" } else { "{{ version }}" };
    describe(&mut draft, &facts, &named);
    if kind == Some(Kind::NginxModule) || (kind.is_none() && !facts.modules.is_empty()) {
        let modules: Vec<String> = facts.modules.iter().map(|name| quoted(name)).collect();
        draft.tables.push(format!("[nginx]\nmodules = [{}]\n", modules.join(", ")));
    }
    draft.tables.push(format!("[[source]]\nurl = {}\n", quoted(&url.replace(&upstream, variable))));
    if let Some(repository) = &named.github {
        draft.tables.push(format!("[watch]\ngithub = {}\n", quoted(repository)));
    }
    files.insert(RECIPE.to_string(), File::text(draft.to_text()));
    Ok(files)
}

fn describe(draft: &mut Draft, facts: &Facts, named: &Named) {
    draft.homepage =
        facts.homepage.clone().or_else(|| named.github.as_ref().map(|path| format!("https://github.com/{path}")));
    if let Some(summary) = &facts.summary {
        draft.summary = summary.clone();
    }
    if let Some(license) = &facts.license {
        draft.license = license.clone();
    }
}

/// For the page of a repository on GitHub, the tarball of its newest tag.
fn newest_of(from: &str, reading: &Reading) -> Result<Option<(Named, String)>, Failure> {
    static PAGE_: OnceLock<Option<Regex>> = OnceLock::new();
    let Some(found) = compiled(&PAGE_, PAGE).and_then(|pattern| pattern.captures(from)) else { return Ok(None) };
    let (owner, name) = (&found["owner"], &found["name"]);
    let place = Place::of_span(Path::new("--from"), from, 0..from.len());
    let site = Site::GitHub(format!("{owner}/{name}"));
    let watch = Watch { pattern: site.pattern(name), site, prereleases: false, place };
    let looking = Looking {
        services: reading.services,
        fetcher: reading.fetcher,
        folder: Path::new("."),
        listener: reading.listener,
    };
    let newest = looking.newest(&watch, "0~~")?.ok_or_else(|| no_version(from))?;
    let web = reading.services.github.trim_end_matches('/');
    let url = format!("{web}/{owner}/{name}/archive/refs/tags/{}.tar.gz", newest.name);
    Ok(Some((Named { version: Some(newest.upstream), github: Some(format!("{owner}/{name}")) }, url)))
}

/// What the files of a tarball say.
fn facts_of(location: Location, folder: &Path, reading: &Reading) -> Result<Facts, Failure> {
    let key = location.key();
    let place = Place::of_span(Path::new("--from"), &key, 0..key.len());
    let source = Source { location, component: None, sha256: None, signature: None, keyring: None, place };
    let fetched = reading.fetcher.fetch(&source, folder, &Lock::default())?;
    let inspection = reading.fetcher.inspect(&source, &fetched, &is_telling, &Rules::default())?;
    Ok(Facts::of(&inspection.files))
}

/// A folder's files, and what they say. Version control's own, links and what is
/// no file are left out.
fn folder(root: &Path, reading: &Reading) -> Result<(Tree, Facts), Failure> {
    let (mut tree, mut telling, mut size) = (Tree::default(), BTreeMap::new(), 0);
    let mut waiting: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|e| Failure::io("read", &folder, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| Failure::io("read", &folder, &e))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(|e| Failure::io("read", &entry.path(), &e))?);
            let name = path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_string);
            match name {
                _ if [".git", ".hg", ".svn", ".bzr"].iter().any(|own| entry.file_name() == *own) => {}
                _ if kind.is_dir() => waiting.push(path),
                Some(name) if kind.is_file() => {
                    let metadata = entry.metadata().map_err(|e| Failure::io("read", &path, &e))?;
                    size += metadata.len();
                    if size > LARGEST {
                        let message = format!("{} has more than {} MiB", root.display(), LARGEST >> 20);
                        let hint = "make a tarball of it, and name that";
                        return Err(Failure::recipe(Diagnostic::error("too-large", message).hint(hint)));
                    }
                    let bytes = crate::files::read(&path)?;
                    if is_telling(name.as_bytes()) {
                        telling.insert(name.clone().into_bytes(), bytes.clone());
                    }
                    add(&mut tree, name, bytes, is_executable(&metadata));
                }
                _ => {
                    let message = format!("{} is left out: it is no plain file", path.display());
                    reading.listener.tell(Diagnostic::note("left-out", message));
                }
            }
        }
    }
    Ok((tree, Facts::of(&telling)))
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

fn no_version(from: &str) -> Failure {
    let message = format!("{from} does not say which version it is");
    let hint = "a tarball is named NAME-VERSION.tar.gz";
    Failure::new(Weight::Usage, Diagnostic::error("no-version", message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_versions() {
        let named = |address: &str| {
            let named = Named::of(address);
            (named.version.unwrap_or_default(), named.github.unwrap_or_default())
        };
        let plain = |text: &str, github: &str| (text.to_string(), github.to_string());
        assert_eq!(named("https://ftp.gnu.org/gnu/hello/hello-2.12.1.tar.gz"), plain("2.12.1", ""));
        assert_eq!(named("libfoo-2-dev_1.0~rc1.orig.tar.xz?x=1"), plain("2-dev_1.0~rc1", ""));
        assert_eq!(named("hello-1.0-rc1.tgz"), plain("1.0-rc1", ""));
        assert_eq!(
            named("https://github.com/openresty/echo-nginx-module/archive/refs/tags/v0.63.tar.gz"),
            plain("0.63", "openresty/echo-nginx-module")
        );
        assert_eq!(named("https://example.org/latest.tar.gz"), plain("", ""));
    }
}
