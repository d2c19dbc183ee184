//! This machine: the configuration, the cache folder and its space, Debian's mirror, the
//! clock.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::Subject;
use super::check::{Check, Group, Status};
use crate::diagnostic::Failure;
use crate::fetch::cache::Cache;
use crate::fetch::{self, apt};
use crate::series::{Distro, shipped};

/// Less room is none: a tarball of upstream's may have as much.
const LEAST: u64 = 64 << 20;
/// Less room is soon none: two roots of `pkgr test` have as much.
const LITTLE: u64 = 1 << 30;
/// Seconds by which clocks may differ.
const DRIFT: u64 = 120;
/// From here on it is another day elsewhere.
const DAY: u64 = 86_400;

/// The configuration file; one that cannot be read is a failure of its own.
pub fn configuration(file: Option<&Path>) -> Check {
    let found = match file {
        Some(file) => format!("configuration: {}", file.display()),
        None => "no configuration file is read: none is needed".to_string(),
    };
    Check::ok(Group::Machine, "configuration", found)
}

/// Whether there is a cache folder, or can be.
pub fn cache(fetching: &fetch::Options) -> Vec<Check> {
    let cache = match Cache::new(fetching.cache.clone()) {
        Ok(cache) => cache,
        Err(error) => return Check::failed(Group::Machine, Status::Problem, error.into()),
    };
    let root = std::path::absolute(cache.root()).unwrap_or_else(|_| cache.root().to_path_buf());
    // it is made on first use, with the folders above it
    let Some(there) = root.ancestors().find(|folder| folder.exists()) else { return Vec::new() };
    let cure = "name another with `--cache DIR`, PKGR_CACHE, or `cache` in config.toml";
    let unusable = |why: String| {
        let found = format!("the cache folder {} cannot be used: {why}", root.display());
        vec![Check::new(Group::Machine, "cache-folder", Status::Problem, found).cure(cure)]
    };
    if !there.is_dir() {
        return unusable(format!("{} is no folder", there.display()));
    }
    if let Err(error) = access(there, Access::WRITE_OK | Access::EXEC_OK) {
        return unusable(format!("{}: {error}", there.display()));
    }
    let found = format!("cache folder {}", root.display());
    let free = statvfs(there).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    vec![match free {
        Ok(free) => {
            let status = match free {
                _ if free < LEAST => Status::Problem,
                _ if free < LITTLE => Status::Warning,
                _ => Status::Ok,
            };
            let check = Check::new(Group::Machine, "cache-folder", status, format!("{found}, {} free", size(free)));
            if status == Status::Ok { check } else { check.cure(cure) }
        }
        Err(_) => Check::ok(Group::Machine, "cache-folder", found),
    }]
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes < LITTLE => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

/// Where Debian's packages come from: its newest series stands for all where no recipe
/// names one.
pub fn mirror(subject: &Subject) -> Vec<Check> {
    let named = subject.series();
    let of_debian = named.iter().find(|series| series.distro == Distro::Debian);
    let (series, weight) = match of_debian {
        Some(series) => (series, if subject.follows() { Status::Problem } else { Status::Warning }),
        None if !named.is_empty() => return Vec::new(),
        None => match shipped().find("sid") {
            Some(sid) => (sid, Status::Note),
            None => return Vec::new(),
        },
    };
    let settings = &subject.fetching.archives;
    let addresses = [apt::Pocket::Release, apt::Pocket::Security]
        .map(|pocket| apt::release_addresses(settings, series, pocket).map_err(Failure::from));
    match crate::diagnostic::all(addresses) {
        Err(failure) => Check::failed(Group::Machine, weight, failure),
        Ok(all) => {
            let site = all.iter().flatten().next().map_or("", |address| site_of(address));
            let whose = if settings.debian.is_some() { "as configured" } else { "as this machine's apt has it" };
            vec![Check::ok(Group::Machine, "debian-mirror", format!("Debian's archive is {site}, {whose}"))]
        }
    }
}

/// The address of an archive, from that of one of its Release files.
pub fn site_of(address: &str) -> &str {
    address.rsplit_once("/dists/").map_or(address, |(site, _)| site)
}

/// By how many seconds the clock goes before others'; nothing where nobody told.
pub fn clock(ahead: Option<i64>) -> Option<Check> {
    let ahead = ahead?;
    let seconds = ahead.unsigned_abs();
    let status = match seconds {
        0..=DRIFT => return Some(Check::ok(Group::Machine, "clock", "the clock agrees with those of servers")),
        _ if seconds < DAY => Status::Warning,
        _ => Status::Problem,
    };
    let by = match seconds {
        _ if seconds < 2 * 3600 => format!("{} minutes", seconds / 60),
        _ if seconds < 2 * DAY => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / DAY),
    };
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let cure = if cfg!(target_os = "macos") { "`sntp -sS time.apple.com`" } else { "`timedatectl set-ntp true`" };
    let check = Check::new(Group::Machine, "clock", status, format!("the clock is {by} {way} those of servers"));
    let fact = "a signature of the future, or of before its key, is none; certificates and indexes have their time too";
    Some(check.because(fact).cure(cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_by_how_much() {
        assert_eq!(clock(None), None);
        assert_eq!(clock(Some(-120)).unwrap().status, Status::Ok);
        let hours = clock(Some(3 * 3600)).unwrap();
        assert_eq!(
            (hours.status, hours.found.as_str()),
            (Status::Warning, "the clock is 3 hours ahead of those of servers")
        );
        let years = clock(Some(-20_000 * 86_400)).unwrap();
        assert_eq!(years.status, Status::Problem);
        assert!(years.found.contains("20000 days behind"));
    }

    #[test]
    fn a_cache_is_where_it_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| fetch::Options { cache: Some(folder.path().join(path)), ..fetch::Options::default() };
        assert!(cache(&at("a/b/c"))[0].found.contains("free"), "{:?}", cache(&at("a/b/c")));
        assert!(!folder.path().join("a").exists(), "nothing is made");
        std::fs::write(folder.path().join("file"), "").unwrap();
        let found = &cache(&at("file/cache"))[0];
        assert_eq!(found.status, Status::Problem);
        assert!(found.found.contains("is no folder"), "{found:?}");
        assert_eq!([size(700 << 20), size(5 << 30)], ["700 MiB", "5 GiB"]);
    }

    #[test]
    fn a_site_has_its_suites_below() {
        assert_eq!(site_of("http://a.example/debian/dists/buster/updates/InRelease"), "http://a.example/debian");
        assert_eq!(site_of("http://a.example"), "http://a.example");
    }
}
