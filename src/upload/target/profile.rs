//! `[profile.NAME]` of pkgr's configuration: a target with a name of one's own.

use serde::Deserialize;

use super::{Allowed, Host, Surroundings, Target, TargetError, Wanted, address, to_destination, to_ppa};
use super::{Ppa, Rules};
use crate::upload::Method;

/// What may stand in `[profile.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// `ppa:…`, a URL or a path.
    pub to: String,
    /// The account (`--login`).
    pub login: Option<String>,
    /// `ftp` or `sftp` (`--method`).
    pub method: Option<String>,
    /// `[METHOD://]HOST[:PORT]` each (`--host`); tried in this order.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// `SHA256:…` fingerprints of host keys that are accepted without known_hosts.
    #[serde(default)]
    pub host_keys: Vec<String>,
    /// Take unsigned packages.
    #[serde(default)]
    pub allow_unsigned: bool,
    /// The only distributions that go there; none named: all.
    #[serde(default)]
    pub distributions: Vec<String>,
}

impl Profile {
    /// The target that it describes; `wanted` goes before it.
    pub(super) fn resolve(&self, name: &str, wanted: &Wanted, around: &Surroundings) -> Result<Target, TargetError> {
        let wrong = |reason: String| TargetError::Profile { name: name.to_string(), reason };
        let method = match self.method.as_deref() {
            None | Some("auto") => None,
            Some("ftp") => Some(Method::Ftp),
            Some("sftp") => Some(Method::Sftp),
            Some(other) => return Err(wrong(format!("`method = \"{other}\"` is none of auto, ftp, sftp"))),
        };
        let hosts: Result<Vec<Host>, _> = self.hosts.iter().map(|host| Host::parse(host)).collect();
        let hosts = if wanted.hosts.is_empty() { hosts? } else { wanted.hosts.clone() };
        let wanted = Wanted {
            method: wanted.method.or(method),
            login: wanted.login.clone().or_else(|| self.login.clone()),
            hosts,
            host_keys: wanted.host_keys.iter().chain(&self.host_keys).cloned().collect(),
        };
        let mut target = if self.to.starts_with("ppa:") {
            to_ppa(name, Ppa::parse(&self.to)?, &wanted, around)?
        } else if address::is_address(&self.to) {
            let destination = address::parse(&self.to, around.home.as_deref())?;
            to_destination(name, destination, Rules::default(), None, &wanted, around)?
        } else {
            return Err(wrong(format!("`to = \"{}\"` is no PPA, URL or path", self.to)));
        };
        target.rules.allow_unsigned = self.allow_unsigned;
        if !self.distributions.is_empty() {
            let names: Vec<String> = self.distributions.iter().map(|name| regex::escape(name)).collect();
            target.rules.allowed = Some(Allowed::parse(&format!("(?:{})$", names.join("|"))).map_err(wrong)?);
        }
        Ok(target)
    }
}
