//! A recipe.toml as a person would write it: aligned, short, in the order of the
//! documentation.

/// What goes into a recipe.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub name: String,
    pub version: String,
    pub upstream_version: Option<String>,
    pub summary: String,
    pub homepage: Option<String>,
    pub license: String,
    pub maintainer: Option<String>,
    pub series: Vec<String>,
    /// Further keys of the top level: name and TOML.
    pub keys: Vec<(&'static str, String)>,
    /// Further tables, as TOML.
    pub tables: Vec<String>,
}

impl Draft {
    pub fn new(name: &str, maintainer: Option<String>, series: Vec<String>) -> Draft {
        Draft {
            name: name.to_string(),
            version: "0.1".to_string(),
            summary: "describe me in a line like this one".to_string(),
            license: "MIT".to_string(),
            maintainer,
            series,
            ..Draft::default()
        }
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let series: Vec<String> = self.series.iter().map(|name| quoted(name)).collect();
        let mut keys: Vec<(&str, String)> = vec![("name", quoted(&self.name)), ("version", quoted(&self.version))];
        keys.extend(self.upstream_version.iter().map(|version| ("upstream-version", quoted(version))));
        keys.push(("summary", quoted(&self.summary)));
        keys.extend(self.homepage.iter().map(|url| ("homepage", quoted(url))));
        keys.push(("license", quoted(&self.license)));
        match &self.maintainer {
            Some(person) => keys.push(("maintainer", quoted(person))),
            None => keys.push((
                "# maintainer",
                format!("{} # or DEBFULLNAME and DEBEMAIL", quoted("Your Name <you@example.org>")),
            )),
        }
        keys.push(("series", format!("[{}]", series.join(", "))));
        keys.extend(self.keys.iter().map(|(name, value)| (*name, value.clone())));
        let width = keys.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut text: String = keys.iter().map(|(name, value)| format!("{name:width$} = {value}\n")).collect();
        for table in &self.tables {
            text.push('\n');
            text.push_str(table.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}
