//! The hosts that uploads go to, and the archives of the series: whether they answer.

use super::check::{Check, Group, Status};
use super::machine::site_of;
use super::tasks::Task;
use super::{Clocks, patience};
use crate::diagnostic::Failure;
use crate::fetch::Web;
use crate::fetch::apt::{self, Pocket};
use crate::parallel;
use crate::series::{Distro, Series};
use crate::upload::target::Target;
use crate::upload::{self, Destination, Method};

/// Each way to the target. Where one is open, the others are only missed.
pub fn uploads(target: &Target, weight: Status, options: upload::Options) -> Task {
    let ways = target.ways.clone();
    let work = move || {
        let heard = parallel::map(&ways, ways.len(), |way| upload::probe(way, &options));
        let weight = if heard.iter().any(Result::is_ok) { weight.min(Status::Warning) } else { weight };
        let both = ways.iter().zip(heard);
        both.map(|(way, heard)| match heard {
            Ok(said) => Check::ok(Group::Reachability, "upload-host", format!("{}: {said}", place(way))),
            Err(error) => missed(way, &error.reason, weight),
        })
        .collect()
    };
    Task {
        group: Group::Reachability,
        code: "upload-host",
        what: target.ways.first().map(place).unwrap_or_default(),
        weight,
        work: Box::new(work),
    }
}

/// Without account and folder, which were not asked about.
fn place(way: &Destination) -> String {
    match way.method {
        Method::Local => way.folder.clone(),
        _ => {
            let whole = Destination { login: None, folder: String::new(), ..way.clone() }.to_string();
            whole.trim_end_matches("/~/").trim_end_matches('/').to_string()
        }
    }
}

fn missed(way: &Destination, why: &str, weight: Status) -> Check {
    let check = Check::new(Group::Reachability, "upload-host", weight, format!("{}: {why}", place(way)));
    if why.contains("has no address") {
        return check.cure("look at the name, and at whether this machine resolves any");
    }
    match way.method {
        Method::Ftp => check.cure("where a firewall keeps FTP in, SFTP may go out: `--login NAME`, and a key"),
        Method::Sftp => check.cure("where a firewall keeps SSH in, FTP may go out: `--method ftp`"),
        Method::Local => check.cure("make the folder, or name another"),
        Method::Http | Method::Https => check,
    }
}

/// Each series' Release file.
pub fn archives(settings: &apt::Settings, series: Vec<Series>, weight: Status, clocks: &Clocks) -> Task {
    let (settings, clocks) = (settings.clone(), clocks.clone());
    Task {
        group: Group::Reachability,
        code: "archive",
        what: "the archives of the series".to_string(),
        weight,
        work: Box::new(move || ask_all(&settings, &series, weight, &clocks)),
    }
}

fn ask_all(settings: &apt::Settings, series: &[Series], weight: Status, clocks: &Clocks) -> Vec<Check> {
    let web = match Web::new(&patience()) {
        Ok(web) => web,
        Err(error) => return Check::failed(Group::Reachability, weight, Failure::from(error)),
    };
    let asked = parallel::map(series, series.len(), |one| {
        // a mirror that nobody names is told of elsewhere
        let addresses = apt::release_addresses(settings, one, Pocket::Release).unwrap_or_default();
        ask(&web, &addresses, clocks)
    });
    let mut sites: Vec<(Seen, Vec<&Series>)> = Vec::new();
    for (one, seen) in series.iter().zip(asked).filter_map(|(one, seen)| Some((one, seen?))) {
        match sites.iter_mut().find(|(known, _)| *known == seen) {
            Some((_, all)) => all.push(one),
            None => sites.push((seen, vec![one])),
        }
    }
    sites.into_iter().map(|(seen, all)| told(&seen, &all, weight)).collect()
}

/// What one archive says of one series, or why it says nothing.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    site: String,
    trouble: Option<String>,
}

/// The first address that has it; else the trouble with the first one of all. `None`
/// where there is no address.
fn ask(web: &Web, addresses: &[String], clocks: &Clocks) -> Option<Seen> {
    let mut first = None;
    for address in addresses {
        let trouble = match web.get(address, &[]) {
            Ok(reply) => {
                clocks.add(reply.clock_ahead());
                match reply.status() {
                    200..=399 => return Some(Seen { site: site_of(address).to_string(), trouble: None }),
                    _ => format!("it says {}", reply.status_line()),
                }
            }
            Err(why) => why,
        };
        first.get_or_insert(Seen { site: site_of(address).to_string(), trouble: Some(trouble) });
    }
    first
}

fn told(seen: &Seen, all: &[&Series], weight: Status) -> Check {
    let names: Vec<&str> = all.iter().map(|series| series.name.as_str()).collect();
    let names = names.join(", ");
    let Seen { site, trouble } = seen;
    match trouble {
        None => Check::ok(Group::Reachability, "archive", format!("{site} has {names}")),
        Some(why) => {
            let (key, variable) = match all.first().map(|series| series.distro) {
                Some(Distro::Debian) => ("debian-mirror", "PKGR_DEBIAN_MIRROR"),
                _ => ("ubuntu-mirror", "PKGR_UBUNTU_MIRROR"),
            };
            let check = Check::new(Group::Reachability, "archive", weight, format!("{site}, for {names}: {why}"));
            check.cure(format!("name a mirror that is reached from here: {variable}, or `{key}` in config.toml"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_no_accounts() {
        let of = |method, host: &str, port| Destination {
            method,
            host: host.into(),
            port,
            login: Some("jane".into()),
            folder: "~du9l/ubuntu/x".into(),
            host_keys: vec![],
        };
        assert_eq!(place(&of(Method::Ftp, "ppa.launchpad.net", None)), "ftp://ppa.launchpad.net");
        assert_eq!(place(&of(Method::Sftp, "::1", Some(2222))), "sftp://[::1]:2222");
        assert_eq!(place(&of(Method::Local, "", None)), "~du9l/ubuntu/x");
    }
}
