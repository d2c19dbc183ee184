//! The format of dput.cf: what Python's ConfigParser reads, with its basic
//! interpolation (`%(key)s`, `%%`), since that is what dput(1) hands the file to.
//!
//! Knows nothing of what the keys mean.

use std::collections::BTreeMap;

/// Keys, lower-cased, and their values; a value of several lines holds line feeds.
pub type Keys = BTreeMap<String, String>;

/// Sections of one or several files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    /// `[DEFAULT]`, which every section inherits.
    pub defaults: Keys,
    /// The others, by name.
    pub sections: BTreeMap<String, Keys>,
}

/// A text that ConfigParser refuses, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct IniError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// The key that continuation lines belong to.
struct Open {
    section: String,
    key: String,
    indent: usize,
}

impl Ini {
    /// Reads one more file: its keys replace those of the files before it.
    pub fn add(&mut self, text: &str) -> Result<(), IniError> {
        let mut section: Option<String> = None;
        let mut open: Option<Open> = None;
        let mut seen: Vec<(String, String)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |message: String| IniError { line: index + 1, message };
            let content = line.trim();
            if content.starts_with(['#', ';']) {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            if let Some(open) = open.as_ref().filter(|open| content.is_empty() || indent > open.indent) {
                if let Some(value) = self.keys(&open.section).get_mut(&open.key) {
                    value.push('\n');
                    value.push_str(content);
                }
                continue;
            }
            if content.is_empty() {
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).map(|(name, _)| name) {
                if name != "DEFAULT" && seen.iter().any(|(s, k)| s == name && k.is_empty()) {
                    return Err(wrong(format!("section `{name}` is there twice")));
                }
                seen.push((name.to_string(), String::new()));
                self.keys(name);
                section = Some(name.to_string());
                open = None;
                continue;
            }
            let Some(section) = section.clone() else {
                return Err(wrong("a key before any [section]".to_string()));
            };
            let Some((key, value)) = content.split_once(['=', ':']).filter(|(key, _)| !key.trim().is_empty()) else {
                return Err(wrong(format!("`{content}` is neither `key = value` nor a [section]")));
            };
            let key = key.trim().to_lowercase();
            if seen.contains(&(section.clone(), key.clone())) {
                return Err(wrong(format!("key `{key}` is there twice")));
            }
            seen.push((section.clone(), key.clone()));
            self.keys(&section).insert(key.clone(), value.trim().to_string());
            open = Some(Open { section, key, indent });
        }
        for keys in self.sections.values_mut().chain([&mut self.defaults]) {
            keys.values_mut().for_each(|value| value.truncate(value.trim_end().len()));
        }
        Ok(())
    }

    fn keys(&mut self, section: &str) -> &mut Keys {
        match section {
            "DEFAULT" => &mut self.defaults,
            _ => self.sections.entry(section.to_string()).or_default(),
        }
    }

    /// A section with what it inherits, every value interpolated; `None` where
    /// there is no such section. `extra` are keys for interpolation that go
    /// before all others; they are no part of what comes back.
    pub fn section(&self, name: &str, extra: &Keys) -> Option<Result<Keys, String>> {
        let own = self.sections.get(name)?;
        let mut all = self.defaults.clone();
        all.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        let mut variables = all.clone();
        variables.extend(extra.iter().map(|(key, value)| (key.clone(), value.clone())));
        let values = all.iter().map(|(key, value)| {
            let value = interpolate(value, &variables, 0).map_err(|why| format!("key `{key}`: {why}"))?;
            Ok((key.clone(), value))
        });
        Some(values.collect())
    }
}

/// ConfigParser's own limit (MAX_INTERPOLATION_DEPTH).
const DEPTH: usize = 10;

/// No path or name is longer; a value that doubles ten times over is no configuration.
const LONGEST: usize = 1 << 16;

fn interpolate(value: &str, variables: &Keys, depth: usize) -> Result<String, String> {
    if depth > DEPTH {
        return Err("values refer to each other in a circle".to_string());
    }
    let mut result = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            result.push('%');
            rest = after;
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(")s")) {
            let named = variables.get(&name.to_lowercase()).ok_or_else(|| format!("`%({name})s` is not defined"))?;
            result.push_str(&interpolate(named, variables, depth + 1)?);
            rest = after;
        } else {
            return Err("`%` stands for itself only as `%%`, else before `(name)s`".to_string());
        }
        if result.len() > LONGEST {
            return Err("the value is too long".to_string());
        }
    }
    result.push_str(rest);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Ini {
        let mut ini = Ini::default();
        ini.add(text).unwrap();
        ini
    }

    fn value(ini: &Ini, section: &str, key: &str) -> String {
        ini.section(section, &Keys::new()).unwrap().unwrap()[key].clone()
    }

    #[test]
    fn sections_inherit_and_continue() {
        let ini = read(
            "# top\n[DEFAULT]\nLogin\t= *\nhash: md5\n\n[a b]\n; no\nfqdn = h # kept\nssh_config_options =\n  one\n\n  # not this\n  two = 2\nincoming=/x\n",
        );
        assert_eq!(value(&ini, "a b", "login"), "*");
        assert_eq!(value(&ini, "a b", "fqdn"), "h # kept");
        assert_eq!(value(&ini, "a b", "ssh_config_options"), "\none\n\ntwo = 2");
        assert_eq!(value(&ini, "a b", "incoming"), "/x");
        assert!(ini.section("c", &Keys::new()).is_none());
    }

    #[test]
    fn a_later_file_replaces_single_keys() {
        let mut ini = read("[DEFAULT]\nlogin=a\n[x]\nfqdn=1\nincoming=i\n");
        ini.add("[DEFAULT]\nlogin=b\n[x]\nfqdn=2\n").unwrap();
        assert_eq!(["login", "fqdn", "incoming"].map(|key| value(&ini, "x", key)), ["b", "2", "i"]);
    }

    #[test]
    fn interpolation_is_pythons() {
        let ini = read(
            "[DEFAULT]\nroot=/srv\n[x]\nincoming = %(root)s/%(Queue)s/100%%\nqueue=%(sub)s\nsub=q\n[loop]\na=%(b)s\nb=%(a)s\n[bad]\na=%(none)s\n[odd]\na=50% of\n[ppa]\nincoming=~%(ppa)s\n",
        );
        assert_eq!(value(&ini, "x", "incoming"), "/srv/q/100%");
        let why = |section: &str| ini.section(section, &Keys::new()).unwrap().unwrap_err();
        assert_eq!(why("loop"), "key `a`: values refer to each other in a circle");
        assert_eq!(why("bad"), "key `a`: `%(none)s` is not defined");
        assert!(why("odd").contains("%%"));
        let extra = Keys::from([("ppa".to_string(), "o/ubuntu/n".to_string())]);
        let ppa = ini.section("ppa", &extra).unwrap().unwrap();
        assert_eq!((ppa["incoming"].as_str(), ppa.contains_key("ppa")), ("~o/ubuntu/n", false));
    }

    #[test]
    fn refusals_name_their_line() {
        let why = |text: &str| Ini::default().add(text).unwrap_err().to_string();
        assert_eq!(why("a=1\n"), "line 1: a key before any [section]");
        assert_eq!(why("[x]\n\nno delimiter\n"), "line 3: `no delimiter` is neither `key = value` nor a [section]");
        assert_eq!(why("[x]\na=1\nA=2\n"), "line 3: key `a` is there twice");
        assert_eq!(why("[x]\n[x]\n"), "line 2: section `x` is there twice");
    }
}
