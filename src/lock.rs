//! recipe.lock: every resolved input, the resolved maintainer, and the history
//! of entries with the version that each gave each series. Written by pkgr only,
//! committed with the recipe; stable order, readable in a diff.
//!
//! Version counters are not kept beside the history but read from it: the
//! highest n ever recorded for a text is in the versions of the entries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::files;
use crate::series::catalog;
pub use follow::{Followed, LockedFlavor, LockedMode, NginxFacts, PinnedFile};
pub use series::LockedSeries;

mod follow;
mod series;

const HEADER: &str = "# Written by pkgr; commit it with the recipe. Every input by digest, every version ever given.\n";
const FORMAT: u32 = 1;

/// How [`Published::archive`] names Ubuntu's primary archive.
pub const PRIMARY: &str = "ubuntu";

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Format of the file, 1.
    pub lock: u32,
    /// `Name <address>`, where the recipe names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainer: Option<String>,
    /// Series of the recipe that are newer than the data compiled into some pkgr.
    #[serde(default, rename = "series", skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<LockedSeries>,
    /// Inputs, in byte order of `from`.
    #[serde(default, rename = "source", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Pin>,
    /// Packages of the distribution that are followed, by name, then series
    /// (Debian's before Ubuntu's, each oldest first).
    #[serde(default, rename = "follow", skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<Followed>,
    /// Orig files that an archive has published, by file name, then archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Published>,
    /// Versions that an archive had taken when the recipe met it, and that no
    /// entry here gave; by archive, then version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
    /// Changelog history, oldest first: a new entry is a few lines at the end.
    #[serde(default, rename = "entry", skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<LockedEntry>,
}

/// One input and the bytes it was when first seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// [`crate::plan::Location::key`].
    pub from: String,
    /// The commit that a git tag named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Of the bytes fetched (of the archive made, for git).
    pub sha256: String,
    /// In bytes.
    pub size: u64,
    /// Where an archive has published these bytes, which unpack to the tree that
    /// `from` has and are used in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// An orig file as an archive published it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// File name, e.g. `hello_2.12.orig.tar.gz`.
    pub file: String,
    /// Of the published bytes.
    pub sha256: String,
    /// `ppa:owner/ubuntu/name`, say.
    pub archive: String,
}

/// A version that can never be given again: an archive has or had it, and this
/// lock did not give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// `ppa:owner/ubuntu/name`, say.
    pub archive: String,
    /// Series it was published for.
    pub series: String,
    /// Full Debian version.
    pub version: String,
}

/// One changelog entry and the full versions it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedEntry {
    /// RFC 2822 date.
    pub date: String,
    /// `Name <address>`.
    pub author: String,
    /// Lines of the changelog, without `* `; a line that begins with two blanks
    /// continues the one before.
    pub changes: Vec<String>,
    /// Full Debian version by series, for the series that the entry is for.
    pub versions: BTreeMap<String, String>,
    /// Versions of what `[follow.NAME]` and `apt` followed then, by series, then
    /// name; not of nginx, which is in the versions. Another one makes a new entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub followed: BTreeMap<String, BTreeMap<String, String>>,
}

impl Default for Lock {
    fn default() -> Self {
        Lock {
            lock: FORMAT,
            maintainer: None,
            series: vec![],
            sources: vec![],
            follows: vec![],
            published: vec![],
            taken: vec![],
            entries: vec![],
        }
    }
}

impl Lock {
    /// The lock's path beside a recipe: `recipe.lock` for `recipe.toml`.
    pub fn path_for(recipe: &Path) -> PathBuf {
        recipe.with_extension("lock")
    }

    /// Reads the lock; one that does not exist yet is empty.
    pub fn load(path: &Path) -> Result<Lock, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => Lock::parse(path, &text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
            Err(e) => Err(Failure::io("read", path, &e)),
        }
    }

    /// Parses a lock's text; `path` is for messages. The series that it keeps are
    /// known from then on, so a lock is read before its recipe.
    pub fn parse(path: &Path, text: &str) -> Result<Lock, Failure> {
        let lock: Lock = toml::from_str(text).map_err(|e| {
            let mut diagnostic = Diagnostic::error("bad-lock", format!("the lock cannot be read: {}", e.message()))
                .hint("restore it from version control; it holds which versions were ever used");
            if let Some(span) = e.span() {
                diagnostic = diagnostic.at(Place::of_span(path, text, span));
            }
            Failure::recipe(diagnostic)
        })?;
        if lock.lock != FORMAT {
            let message = format!("{} has format {}, this pkgr reads format {FORMAT}", path.display(), lock.lock);
            return Err(Failure::recipe(Diagnostic::error("lock-format", message).hint("use a newer pkgr")));
        }
        if let Some(fault) = lock.fault() {
            let diagnostic = Diagnostic::error("bad-lock", format!("the lock cannot be used: {fault}"));
            let place = Place::of_span(path, text, follow_offset(text));
            return Err(Failure::recipe(
                diagnostic.at(place).hint("restore it from version control, or run `pkgr update`"),
            ));
        }
        let known: Vec<crate::series::Series> = lock.series.iter().filter_map(LockedSeries::series).collect();
        crate::series::learn(&known);
        Ok(lock)
    }

    /// What is wrong with it beyond its shape.
    fn fault(&self) -> Option<String> {
        for (index, follow) in self.follows.iter().enumerate() {
            let same = |other: &Followed| other.name == follow.name && other.series == follow.series;
            if self.follows.iter().take(index).any(same) {
                return Some(format!("{} of {} is there twice", follow.name, follow.series));
            }
        }
        self.series.iter().find_map(LockedSeries::fault).or_else(|| self.follows.iter().find_map(Followed::fault))
    }

    /// The file's text: sorted where order means nothing, so that equal locks
    /// are equal bytes.
    pub fn to_text(&self) -> Result<String, Failure> {
        let mut sorted = self.clone();
        sorted.series.sort_by(|a, b| (&a.distro, &a.created, &a.name).cmp(&(&b.distro, &b.created, &b.name)));
        sorted.sources.sort_by(|a, b| a.from.cmp(&b.from));
        sorted.published.sort_by(|a, b| (&a.file, &a.archive).cmp(&(&b.file, &b.archive)));
        sorted.taken.sort_by(|a, b| (&a.archive, &a.version, &a.series).cmp(&(&b.archive, &b.version, &b.series)));
        sorted.follows.sort_by(|a, b| {
            (&a.name, catalog().find(&a.series), &a.series).cmp(&(&b.name, catalog().find(&b.series), &b.series))
        });
        sorted.follows.iter_mut().for_each(Followed::sort);
        let body = toml::to_string_pretty(&sorted)
            .map_err(|e| Failure::environment(Diagnostic::error("io", format!("cannot write the lock: {e}"))))?;
        Ok(format!("{HEADER}{body}"))
    }

    /// Writes the lock atomically, if it changed; returns whether it did.
    pub fn save(&self, path: &Path) -> Result<bool, Failure> {
        files::write_atomically(path, self.to_text()?.as_bytes(), false)
    }

    /// The pin of an input.
    pub fn pin(&self, key: &str) -> Option<&Pin> {
        self.sources.iter().find(|pin| pin.from == key)
    }

    /// Adds a pin, or replaces the one of the same input.
    pub fn set_pin(&mut self, pin: Pin) {
        match self.sources.iter_mut().find(|old| old.from == pin.from) {
            Some(old) => *old = pin,
            None => self.sources.push(pin),
        }
    }

    /// What was found for a followed name in a series.
    pub fn follow(&self, name: &str, series: &str) -> Option<&Followed> {
        self.follows.iter().find(|follow| follow.name == name && follow.series == series)
    }

    /// Adds what was found, or replaces what there was of the same name and series.
    pub fn set_follow(&mut self, follow: Followed) {
        match self.follows.iter_mut().find(|old| old.name == follow.name && old.series == follow.series) {
            Some(old) => *old = follow,
            None => self.follows.push(follow),
        }
    }

    /// The highest counter recorded for versions that begin with `prefix` (the
    /// text before n), in any series, given by an entry or taken elsewhere; 0
    /// where there is none.
    pub fn highest_counter(&self, prefix: &str) -> u32 {
        let given = self.entries.iter().flat_map(|entry| entry.versions.values());
        given
            .chain(self.taken.iter().map(|taken| &taken.version))
            .filter_map(|version| version.strip_prefix(prefix)?.parse().ok())
            .max()
            .unwrap_or(0)
    }

    /// Whether an entry gave this version to some series.
    pub fn has_given(&self, version: &str) -> bool {
        self.entries.iter().flat_map(|entry| entry.versions.values()).any(|given| given == version)
    }

    /// Records a version that an archive holds; returns whether that was news.
    pub fn set_taken(&mut self, taken: Taken) -> bool {
        let news = !self.has_given(&taken.version) && !self.taken.contains(&taken);
        if news {
            self.taken.push(taken);
        }
        news
    }

    /// Records an orig file that an archive has published; returns whether that
    /// was news.
    pub fn set_published(&mut self, published: Published) -> bool {
        let news = !self.published.contains(&published);
        if news {
            self.published.push(published);
        }
        news
    }

    /// Whether the archive is recorded to have published these bytes under this
    /// name; without one, whether any is. What Ubuntu's own archive has counts
    /// for every PPA, for Launchpad looks there too.
    pub fn is_published(&self, file: &str, sha256: &str, archive: Option<&str>) -> bool {
        let there = |p: &Published| archive.is_none_or(|archive| p.archive == archive || p.archive == PRIMARY);
        self.published.iter().any(|p| p.file == file && p.sha256 == sha256 && there(p))
    }
}

/// Where the first `[[follow]]` is.
fn follow_offset(text: &str) -> std::ops::Range<usize> {
    text.find("[[follow]]").map_or(0..0, |at| at..at + "[[follow]]".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let entry = |n: u32| LockedEntry {
            date: "Tue, 24 Nov 2026 08:00:00 +0000".into(),
            author: "A B <a@example.org>".into(),
            changes: vec!["Initial release".into()],
            versions: BTreeMap::from([("jammy".into(), format!("1.0-1~ubuntu22.04.{n}"))]),
            followed: BTreeMap::new(),
        };
        let pin = |from: &str| Pin { from: from.into(), commit: None, sha256: "00".into(), size: 1, published: None };
        Lock { sources: vec![pin("b"), pin("a")], entries: vec![entry(9), entry(10)], ..Lock::default() }
    }

    #[test]
    fn round_trip_is_stable() {
        let text = lock().to_text().unwrap();
        let again = Lock::parse(Path::new("recipe.lock"), &text).unwrap();
        assert_eq!(again.to_text().unwrap(), text);
        assert!(text.find("from = \"a\"") < text.find("from = \"b\""));
    }

    #[test]
    fn counters_are_read_from_the_history() {
        assert_eq!(lock().highest_counter("1.0-1~ubuntu22.04."), 10);
        assert_eq!(lock().highest_counter("1.0-2~ubuntu22.04."), 0);
    }

    fn pinned(file: &str) -> PinnedFile {
        PinnedFile { file: file.into(), sha256: "ab".repeat(32), size: 1 }
    }

    fn followed(series: &str) -> Followed {
        let flavor = |name: &str, over: Option<&str>| LockedFlavor {
            name: name.into(),
            package: format!("nginx-{name}"),
            over: over.map(str::to_string),
            configure: if over.is_none() { vec!["--with-compat".into(), "--with-debug".into()] } else { vec![] },
            signatures: over.is_none().then(|| ("amd64".to_string(), "8,4,8,0011".to_string())).into_iter().collect(),
        };
        Followed {
            name: "nginx".into(),
            series: series.into(),
            package: "nginx".into(),
            version: "1.18.0-6ubuntu14.4".into(),
            suite: format!("{series}-security"),
            directory: "pool/main/n/nginx".into(),
            dsc: pinned("nginx_1.18.0-6ubuntu14.4.dsc"),
            debian: Some(pinned("nginx_1.18.0-6ubuntu14.4.debian.tar.xz")),
            origs: vec![pinned("nginx_1.18.0.orig.tar.gz"), pinned("nginx_1.18.0.orig-x.tar.gz")],
            nginx: Some(NginxFacts {
                mode: LockedMode::Flavors,
                abi: None,
                headers: Some("cd".repeat(32)),
                configure: vec![],
                signatures: BTreeMap::new(),
                flavors: vec![flavor("full", Some("core")), flavor("core", None)],
            }),
        }
    }

    #[test]
    fn follows_are_lines_in_an_order_of_their_own() {
        let mut lock = Lock { follows: vec![followed("noble"), followed("xenial")], ..Lock::default() };
        let text = lock.to_text().unwrap();
        assert!(text.find("series = \"xenial\"") < text.find("series = \"noble\""));
        assert!(text.find("name = \"core\"") < text.find("name = \"full\""));
        assert!(text.contains("configure = [\n    \"--with-compat\",\n    \"--with-debug\",\n]\n"), "{text}");
        let again = Lock::parse(Path::new("recipe.lock"), &text).unwrap();
        assert_eq!(again.to_text().unwrap(), text);
        assert_eq!(again.follow("nginx", "xenial").unwrap().main_orig().unwrap().file, "nginx_1.18.0.orig.tar.gz");
        lock.set_follow(Followed { suite: "noble-updates".into(), ..followed("noble") });
        assert_eq!((lock.follows.len(), lock.follow("nginx", "noble").unwrap().suite.as_str()), (2, "noble-updates"));
    }

    #[test]
    fn follows_that_were_tampered_with_are_refused() {
        let fault = |change: &dyn Fn(&mut Followed)| {
            let mut follow = followed("jammy");
            change(&mut follow);
            let lock = Lock { follows: vec![follow], ..Lock::default() };
            Lock::parse(Path::new("recipe.lock"), &lock.to_text().unwrap()).unwrap_err().diagnostics[0].message.clone()
        };
        assert!(fault(&|f| f.version = "x".into()).contains("no version"));
        assert!(fault(&|f| f.directory = "pool/../../etc".into()).contains("no folder"));
        assert!(fault(&|f| f.directory = "/etc".into()).contains("no folder"));
        assert!(fault(&|f| f.dsc.file = "../x.dsc".into()).contains("no name of a file"));
        assert!(fault(&|f| f.dsc.sha256 = "AB".repeat(32)).contains("no sha256"));
        assert!(fault(&|f| f.origs.clear()).contains("main tarball"));
        let flavor = |f: &mut Followed, change: &dyn Fn(&mut LockedFlavor)| {
            f.nginx.iter_mut().flat_map(|nginx| &mut nginx.flavors).for_each(change);
        };
        assert!(fault(&|f| flavor(f, &|l| l.name = "core".into())).contains("two flavors"));
        assert!(fault(&|f| flavor(f, &|l| l.signatures.clear())).contains("no signature"));
        assert!(fault(&|f| flavor(f, &|l| l.configure.push("a\nb".into()))).contains("control character"));
        assert!(fault(&|f| flavor(f, &|l| l.over = l.over.as_ref().map(|_| "light".into()))).contains("is over"));
        let twice = Lock { follows: vec![followed("jammy"), followed("jammy")], ..Lock::default() };
        assert!(Lock::parse(Path::new("recipe.lock"), &twice.to_text().unwrap()).is_err());
    }

    #[test]
    fn a_damaged_lock_is_shown_with_its_place() {
        let failure = Lock::parse(Path::new("recipe.lock"), "lock = 1\nnonsense = 2\n").unwrap_err();
        assert_eq!(failure.diagnostics[0].place.as_ref().unwrap().line, 2);
    }
}
