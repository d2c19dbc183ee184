//! A section of dput.cf(5), or a profile of dput-ng's, as a place to upload to.
//!
//! What dput would do besides uploading (run lintian, commands, dinstall) is
//! not done; where a section asks for it, a note says so.

use std::path::Path;

use regex::Regex;

use super::address::{self, Host};
use super::ini::Keys;
use super::{Allowed, Rules, Surroundings};
use crate::upload::{Destination, Method};

/// A section that was understood.
pub struct Place {
    /// Where it sends.
    pub destination: Destination,
    /// What it allows.
    pub rules: Rules,
    /// `fqdn` as dput writes it into its logs.
    pub fqdn: String,
    /// What is not done although the section asks for it.
    pub notes: Vec<String>,
}

/// Why a section cannot be used, and what may help.
pub struct Refused {
    /// In words.
    pub reason: String,
    /// What to do.
    pub hint: Option<String>,
}

impl From<String> for Refused {
    fn from(reason: String) -> Refused {
        Refused { reason, hint: None }
    }
}

/// What a section's interpolated keys say.
pub fn read(keys: &Keys, around: &Surroundings) -> Result<Place, Refused> {
    let get = |name: &str| keys.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let method = method(get("method").unwrap_or("scp"), keys)?;
    let incoming = get("incoming").ok_or_else(|| "it has no `incoming`".to_string())?;
    let folder = match get("delayed") {
        Some(days) => format!("{}/DELAYED/{days}-day", incoming.trim_end_matches('/')),
        None => incoming.to_string(),
    };
    if get("ssh_config_options").is_some() && method == Method::Sftp {
        return Err(Refused {
            reason: "pkgr does not act on `ssh_config_options`".to_string(),
            hint: Some("put them into ~/.ssh/config, which ssh reads anyway".to_string()),
        });
    }
    let (destination, fqdn) = if method == Method::Local {
        let folder = address::expanded(&folder, around.home.as_deref()).ok_or_else(|| "no folder".to_string())?;
        (Destination::local(folder), "localhost".to_string())
    } else {
        let fqdn = get("fqdn").ok_or_else(|| "it has no `fqdn`".to_string())?;
        let host = Host::parse(fqdn).map_err(|e| e.to_string())?;
        let port = get("port").map(|port| port.parse().map_err(|_| format!("`port = {port}` is no port")));
        let destination = Destination {
            method,
            host: host.name,
            port: host.port.or(port.transpose()?),
            login: login(get("login"), method, around),
            folder: folder_of(&folder, method),
            host_keys: Vec::new(),
        };
        (destination, fqdn.to_string())
    };
    let mut notes = ignored(keys);
    let allowed = match get("allowed_distributions").map(Allowed::parse) {
        Some(Err(why)) => {
            notes.push(format!("`allowed_distributions` is not applied: {why}"));
            None
        }
        Some(Ok(allowed)) => Some(allowed),
        None => None,
    };
    let rules = Rules { allow_unsigned: is_on(keys, "allow_unsigned_uploads"), allowed, ..Rules::default() };
    Ok(Place { destination, rules, fqdn, notes })
}

fn method(name: &str, keys: &Keys) -> Result<Method, Refused> {
    Ok(match name {
        "ftp" => Method::Ftp,
        "sftp" => Method::Sftp,
        "http" => Method::Http,
        "https" => Method::Https,
        "local" => Method::Local,
        "scp" | "rsync" => {
            let at = |key: &str| keys.get(key).map_or("", |value| value.trim());
            let url = format!("sftp://{}/{}", at("fqdn"), at("incoming").trim_start_matches('/'));
            return Err(Refused {
                reason: format!("pkgr does not speak `method = {name}`"),
                hint: Some(format!("the same host takes SFTP most likely: `method = sftp`, or {url}")),
            });
        }
        _ => return Err(format!("pkgr does not know `method = {name}`").into()),
    })
}

/// `*` and dput's `username` mean the user of this machine; to ssh that is what
/// its configuration says.
fn login(name: Option<&str>, method: Method, around: &Surroundings) -> Option<String> {
    match (name.unwrap_or("*"), method) {
        ("anonymous", Method::Ftp) => None,
        ("*" | "username", Method::Ftp) => around.variable("USER").or_else(|| around.variable("LOGNAME")),
        ("*" | "username", _) => None,
        (name, _) => Some(name.to_string()),
    }
}

fn folder_of(incoming: &str, method: Method) -> String {
    match method {
        Method::Http | Method::Https => format!("/{}", incoming.trim_start_matches('/')),
        // ~/ is the account's home, where a session starts
        Method::Sftp => incoming.strip_prefix("~/").unwrap_or(incoming).to_string(),
        _ => incoming.to_string(),
    }
}

fn is_on(keys: &Keys, name: &str) -> bool {
    let value = keys.get(name).map(|value| value.trim().to_lowercase()).unwrap_or_default();
    ["1", "yes", "true", "on"].contains(&value.as_str())
}

fn ignored(keys: &Keys) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, instead) in [
        ("run_lintian", "`pkgr check --lintian` runs lintian"),
        ("check_version", "pkgr uploads no binaries"),
        ("run_dinstall", "run dinstall yourself"),
    ] {
        if is_on(keys, name) {
            notes.push(format!("`{name}` is not acted on: {instead}"));
        }
    }
    for name in ["pre_upload_command", "post_upload_command"] {
        if let Some(command) = keys.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()) {
            notes.push(format!("`{name}` is not acted on: `{command}` is not run"));
        }
    }
    if keys.contains_key("passive_ftp") && !is_on(keys, "passive_ftp") {
        notes.push("`passive_ftp = 0` is not acted on: data connections are always passive".to_string());
    }
    notes
}

impl Allowed {
    /// A pattern of dput's: Python's `re.match`, so anchored at the start only.
    /// Of the look-aheads, which a linear engine has not, a leading `(?!…)` is
    /// understood: every pattern in use is of that form.
    pub fn parse(pattern: &str) -> Result<Allowed, String> {
        let mut but_not = Vec::new();
        let mut rest = pattern;
        while let Some(after) = rest.strip_prefix("(?!") {
            let end = closing(after).ok_or_else(|| "a `(?!` without its `)`".to_string())?;
            but_not.push(anchored(after.get(..end).unwrap_or_default())?);
            rest = after.get(end + 1..).unwrap_or_default();
        }
        Ok(Allowed { pattern: pattern.to_string(), is: anchored(rest)?, but_not })
    }

    /// Whether a distribution is allowed.
    pub fn allows(&self, distribution: &str) -> bool {
        self.is.is_match(distribution) && !self.but_not.iter().any(|regex| regex.is_match(distribution))
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{pattern})")).map_err(|_| format!("`{pattern}` is no pattern that pkgr reads"))
}

/// Where the parenthesis closes that was open before `text`.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut escaped, mut class) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class && depth == 0 => return Some(at),
            ')' if !class => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The files of dput's configuration, the later going before the earlier.
pub fn dput_files(around: &Surroundings) -> Vec<std::path::PathBuf> {
    let mut files = vec![around.etc.join("dput.cf")];
    let own = around.config.as_ref().map(|folder| folder.join("dput/dput.cf"));
    // dput takes the one or the other
    let own = own.filter(|file| file.is_file()).or_else(|| around.home.as_ref().map(|home| home.join(".dput.cf")));
    files.extend(own);
    files
}

/// dput-ng's profile of a name, the user's before the machine's.
pub fn dput_ng_profile(name: &str, around: &Surroundings) -> Option<std::path::PathBuf> {
    if name.contains('/') || name.starts_with('.') {
        return None;
    }
    let file = format!("profiles/{name}.json");
    let own = around.home.as_ref().map(|home| home.join(".dput.d").join(&file));
    own.into_iter().chain([around.etc.join("dput.d").join(&file)]).find(|path| path.is_file())
}

/// A dput-ng profile's values as dput.cf writes them, `%(name)s` replaced by `argument`.
pub fn json_keys(text: &str, path: &Path, name: &str, argument: Option<&str>) -> Result<Keys, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("{}: {e}", path.display()))?;
    let Some(object) = value.as_object() else { return Err(format!("{} holds no JSON object", path.display())) };
    let mut keys = Keys::new();
    for (key, value) in object {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Bool(flag) => u8::from(*flag).to_string(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let text = argument.map_or(text.clone(), |argument| text.replace(&format!("%({name})s"), argument));
        if text.contains("%(") {
            return Err(format!("`{key} = {text}` wants something behind the name: `{name}:…`"));
        }
        keys.insert(key.to_lowercase(), text);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_distributions() {
        let allows = |pattern: &str, name: &str| Allowed::parse(pattern).unwrap().allows(name);
        assert!(allows("(?!UNRELEASED)", "noble") && !allows("(?!UNRELEASED)", "UNRELEASED"));
        let ftp_master = "(?!UNRELEASED|.*-security)";
        assert!(allows(ftp_master, "unstable") && !allows(ftp_master, "bookworm-security"));
        assert!(allows("jammy|noble", "noble-x") && !allows("jammy|noble", "focal"));
        assert!(!allows("(?!a(b|c))(?!x)[a-z]+$", "ac") && allows("(?!a(b|c))(?!x)[a-z]+$", "ad"));
        assert!(Allowed::parse("(?!x").is_err() && Allowed::parse("x(?=y)").is_err());
    }
}
