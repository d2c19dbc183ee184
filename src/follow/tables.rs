//! The newest data on series: compiled in, on this machine, kept from an earlier
//! refresh, or fetched as Debian's package distro-info-data, which the archive's
//! key vouches for.

use std::path::Path;

use crate::deb::archive::{self, Limits};
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::apt::{Archives, Pocket, Scope};
use crate::fetch::digest::sha256;
use crate::fetch::{self, Fetcher};
use crate::listener::Listener;
use crate::series::{Catalog, Distro, catalog};

const PACKAGE: &str = "distro-info-data";
const FOLDER: &str = "usr/share/distro-info";
const NAMES: [&str; 2] = ["ubuntu.csv", "debian.csv"];

/// What is at hand without asking anybody: of the tables compiled in, those in
/// `folder` (`/usr/share/distro-info`), and those that [`refresh`] kept, the
/// longest of each.
pub fn at_hand(folder: &Path, fetching: &fetch::Options, listener: &dyn Listener) -> Result<Catalog, Failure> {
    let fetcher = Fetcher::new(fetching.clone(), listener)?;
    let longest = |name: &str| {
        let own = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let kept = fetcher.memo_get(&key(name)).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        if kept.lines().count() > own.lines().count() { kept } else { own }
    };
    let [ubuntu, debian] = NAMES.map(longest);
    Ok(Catalog::newer(&ubuntu, &debian))
}

/// Fetches the tables of Debian's newest release on `today` and keeps them in the
/// cache; returns the version of the package.
pub fn refresh(fetching: &fetch::Options, today: &str, listener: &dyn Listener) -> Result<String, Failure> {
    let fetcher = Fetcher::new(fetching.clone(), listener)?;
    let archives = Archives::new(&fetcher, fetching.archives.clone());
    let released = |series: &&crate::series::Series| {
        series.distro == Distro::Debian && !series.release.is_empty() && series.release.as_str() <= today
    };
    let newest = catalog().all().iter().rev().find(released).ok_or_else(|| unreadable("no release is known"))?;
    let scope = Scope::of(newest).with_pockets(&[Pocket::Release, Pocket::Updates]);
    let (entry, path) = archives.binary(PACKAGE, "amd64", None, &scope)?;
    let file = std::fs::File::open(&path).map_err(|e| Failure::io("read", &path, &e))?;
    let wanted = |path: &[u8]| NAMES.iter().any(|name| path == format!("{FOLDER}/{name}").as_bytes());
    let limits = Limits { unpacked: 16 << 20, kept: 4 << 20 };
    let package = archive::read(file, &wanted, &limits).map_err(|e| unreadable(&e.to_string()))?;
    for name in NAMES {
        let path = format!("{FOLDER}/{name}");
        let found = package.files.iter().find(|file| file.path == path.as_bytes());
        let file = found.ok_or_else(|| unreadable(&format!("it has no {path}")))?;
        let text = String::from_utf8_lossy(&file.content);
        if !text.starts_with("version,codename,series,created,") {
            return Err(unreadable(&format!("{path} has other columns than expected")));
        }
        fetcher.memo_put(&key(name), text.as_bytes());
    }
    Ok(format!("{PACKAGE} {}", entry.version))
}

/// Under what the cache keeps a table.
fn key(name: &str) -> String {
    sha256(format!("series data 1 {name}").as_bytes())
}

fn unreadable(why: &str) -> Failure {
    Failure::environment(Diagnostic::error("series-data", format!("{PACKAGE} cannot be used: {why}")))
}
