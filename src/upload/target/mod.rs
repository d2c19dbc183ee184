//! From the name of a target to the ways by which an upload reaches it:
//! `ppa:owner/name` and its kin, profiles of pkgr's configuration, sections of
//! dput.cf(5), profiles of dput-ng, URLs, paths.
//!
//! Looks names up and decides; opens no connection. Passwords and tokens are no
//! part of a target: they come from the environment when they are needed.

mod address;
mod error;
mod ini;
mod ppa;
mod profile;
mod section;
mod ways;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use regex::Regex;

pub use address::Host;
pub use error::TargetError;
pub use ppa::Ppa;
pub use profile::Profile;
pub use ways::{Ssh, Wanted, Way, ask_ssh, way_of_ssh};

use super::{Destination, Method};
use crate::diagnostic::{Diagnostic, Failure};

/// Where an upload goes, by one way or another.
#[derive(Debug, Clone)]
pub struct Target {
    /// As the user named it.
    pub name: String,
    /// Which archive it is, whatever its name or the way there: what the journal knows it by.
    pub identity: String,
    /// At least one, the best first.
    pub ways: Vec<Destination>,
    /// What it takes.
    pub rules: Rules,
    /// Under which names dput knows it; `None`: it does not.
    pub dput: Option<DputName>,
}

/// What a target takes.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The PPA that it is: source packages of Ubuntu's series only.
    pub ppa: Option<Ppa>,
    /// Whether unsigned files are taken.
    pub allow_unsigned: bool,
    /// Which distributions are taken; `None`: all but UNRELEASED.
    pub allowed: Option<Allowed>,
}

/// Distributions that a target takes.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// As it was written.
    pub pattern: String,
    is: Regex,
    but_not: Vec<Regex>,
}

/// A target in dput's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DputName {
    /// The host's name in its configuration, and in the names of its logs.
    pub host: String,
    /// What the log calls the host; differs from `host` where that means several targets.
    pub written: String,
    /// Its `fqdn`.
    pub fqdn: String,
}

/// What resolving looks at besides the name; tests give their own.
pub struct Surroundings<'a> {
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// What OpenSSH knows of a host.
    pub ssh: &'a dyn Fn(&str) -> Ssh,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The machine's configuration, `/etc`.
    pub etc: PathBuf,
    /// The user's configuration, `$XDG_CONFIG_HOME`.
    pub config: Option<PathBuf>,
}

impl Surroundings<'_> {
    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}

/// Finds what `name` means: `ppa:…`, a URL or path, a profile, a section of
/// dput.cf, a profile of dput-ng, in this order. Notes tell what a section asks
/// for that pkgr does not do.
pub fn resolve(
    name: &str,
    wanted: &Wanted,
    profiles: &BTreeMap<String, Profile>,
    around: &Surroundings,
) -> Result<(Target, Vec<Diagnostic>), Failure> {
    if name.starts_with("ppa:") {
        return Ok((to_ppa(name, Ppa::parse(name)?, wanted, around)?, Vec::new()));
    }
    if address::is_address(name) {
        let destination = address::parse(name, around.home.as_deref())?;
        return Ok((to_destination(name, destination, Rules::default(), None, wanted, around)?, Vec::new()));
    }
    if let Some(profile) = profiles.get(name) {
        return Ok((profile.resolve(name, wanted, around)?, Vec::new()));
    }
    dput_section(name, wanted, profiles, around)
}

fn to_ppa(name: &str, ppa: Ppa, wanted: &Wanted, around: &Surroundings) -> Result<Target, TargetError> {
    let ways = ways::to_ppa(&ppa, wanted, around)?;
    let written = match &ppa.series {
        // the log is the archive's: a version is taken once, whatever the series
        Some(_) => Ppa { series: None, ..ppa.clone() }.to_string(),
        None => ppa.to_string(),
    };
    Ok(Target {
        name: name.to_string(),
        identity: ppa.identity(),
        ways,
        rules: Rules { ppa: Some(ppa), ..Rules::default() },
        dput: Some(DputName { host: "ppa".to_string(), written, fqdn: ppa::HOST.to_string() }),
    })
}

/// A target with a destination of its own; one of Launchpad's folders is the
/// PPA that it is.
fn to_destination(
    name: &str,
    destination: Destination,
    mut rules: Rules,
    dput: Option<DputName>,
    wanted: &Wanted,
    around: &Surroundings,
) -> Result<Target, TargetError> {
    let is_launchpad = [ppa::HOST, ppa::SECOND_HOST].contains(&destination.host.as_str());
    if let Some(ppa) = Ppa::of_folder(&destination.folder).filter(|_| is_launchpad) {
        let host = Host { method: None, name: destination.host.clone(), port: destination.port };
        let wanted = Wanted {
            method: wanted.method.or(Some(destination.method)),
            login: wanted.login.clone().or(destination.login),
            hosts: if wanted.hosts.is_empty() { vec![host] } else { wanted.hosts.clone() },
            host_keys: wanted.host_keys.clone(),
        };
        rules.ppa = Some(ppa.clone());
        let ways = ways::to_ppa(&ppa, &wanted, around)?;
        return Ok(Target { name: name.to_string(), identity: ppa.identity(), ways, rules, dput });
    }
    let ways = changed(name, destination, wanted)?;
    let identity = ways.first().map(|way| Destination { login: None, ..way.clone() }.to_string()).unwrap_or_default();
    Ok(Target { name: name.to_string(), identity, ways, rules, dput })
}

/// A destination with what the user wants otherwise.
fn changed(name: &str, destination: Destination, wanted: &Wanted) -> Result<Vec<Destination>, TargetError> {
    let has_account = matches!(destination.method, Method::Ftp | Method::Sftp);
    let refused = |option, reason| TargetError::Option { option, target: name.to_string(), reason };
    if !has_account && (wanted.method.is_some() || !wanted.hosts.is_empty()) {
        let option = if wanted.method.is_some() { "--method" } else { "--host" };
        return Err(refused(option, "its method cannot be changed"));
    }
    let mut base = destination;
    base.method = wanted.method.unwrap_or(base.method);
    base.login = wanted.login.clone().or(base.login);
    if base.method == Method::Sftp {
        base.host_keys.extend(wanted.host_keys.iter().cloned());
    }
    let hosts =
        wanted.hosts.iter().filter(|host| wanted.method.is_none() || host.method.is_none_or(|m| m == base.method));
    let ways: Vec<Destination> = hosts
        .map(|host| {
            let method = host.method.unwrap_or(base.method);
            Destination { method, host: host.name.clone(), port: host.port, ..base.clone() }
        })
        .collect();
    match (ways.is_empty(), wanted.hosts.is_empty()) {
        (true, true) => Ok(vec![base]),
        (true, false) => Err(refused("--host", "no host is left for this method")),
        _ => Ok(ways),
    }
}

/// A section of dput.cf, or a profile of dput-ng's; `NAME:ARGUMENT` fills in `%(NAME)s`.
fn dput_section(
    name: &str,
    wanted: &Wanted,
    profiles: &BTreeMap<String, Profile>,
    around: &Surroundings,
) -> Result<(Target, Vec<Diagnostic>), Failure> {
    let (host, argument) = name.split_once(':').map_or((name, None), |(host, argument)| (host, Some(argument)));
    let extra: ini::Keys = argument.map(|text| (host.to_lowercase(), text.to_string())).into_iter().collect();
    let files = section::dput_files(around);
    let mut ini = ini::Ini::default();
    let mut found_in = None;
    for file in files.iter().filter(|file| file.is_file()) {
        let text = String::from_utf8_lossy(&crate::files::read(file)?).into_owned();
        ini.add(&text).map_err(|e| TargetError::File { file: file.clone(), message: e.to_string() })?;
        if ini.sections.contains_key(host) && found_in.as_ref().is_none_or(|_| text.contains(&format!("[{host}]"))) {
            found_in = Some(file.clone());
        }
    }
    let profile = section::dput_ng_profile(host, around);
    let (keys, file) = match (ini.section(host, &extra), profile) {
        (Some(keys), _) => (keys, found_in.unwrap_or_default()),
        (None, Some(path)) => {
            let text = String::from_utf8_lossy(&crate::files::read(&path)?).into_owned();
            (section::json_keys(&text, &path, host, argument), path)
        }
        (None, None) => {
            let known = profiles.keys().chain(ini.sections.keys()).cloned().collect();
            return Err(TargetError::Unknown { name: host.to_string(), known, searched: files }.into());
        }
    };
    let refused = |reason: String, hint| {
        Failure::from(TargetError::Section { name: host.to_string(), file: file.clone(), reason, hint })
    };
    let keys = keys.map_err(|reason| refused(reason, None))?;
    let place = section::read(&keys, around).map_err(|e| refused(e.reason, e.hint))?;
    let notes = place.notes.iter().map(|note| Diagnostic::note("dput-key-ignored", format!("[{host}] {note}")));
    let notes = notes.collect();
    let dput = Some(DputName { host: host.to_string(), written: host.to_string(), fqdn: place.fqdn });
    Ok((to_destination(name, place.destination, place.rules, dput, wanted, around)?, notes))
}

/// As a URL without secrets; a path for a folder of this machine.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.method == Method::Local {
            return f.write_str(&self.folder);
        }
        write!(f, "{}://", self.method)?;
        self.login.as_ref().map_or(Ok(()), |login| write!(f, "{login}@"))?;
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { f.write_str(&self.host) }?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
        // a relative folder of SFTP is written as it is read: /~/x, /~owner/x
        match (self.method, self.folder.as_str()) {
            (Method::Sftp, folder) if !folder.starts_with(['/', '~']) => write!(f, "/~/{folder}"),
            (Method::Sftp | Method::Http | Method::Https, folder) if folder.starts_with('/') => f.write_str(folder),
            (_, folder) => write!(f, "/{folder}"),
        }
    }
}

/// As in URLs and dput.cf.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Ftp => "ftp",
            Method::Sftp => "sftp",
            Method::Http => "http",
            Method::Https => "https",
            Method::Local => "local",
        })
    }
}

#[cfg(test)]
mod tests;
