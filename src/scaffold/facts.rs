//! What the files at the root of a source say of it: licence, summary, version,
//! modules of nginx. Guesses are for a person to look at; where nothing is known,
//! nothing is said.

use std::collections::BTreeMap;

use crate::recipe::check::Check;

/// Files that are worth reading; all are at the root.
pub fn is_telling(path: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(path) else { return false };
    let upper = name.to_ascii_uppercase();
    let starts = ["LICENSE", "LICENCE", "COPYING", "README"].iter().any(|start| upper.starts_with(start));
    !name.contains('/') && (starts || ["config", "Cargo.toml", "pyproject.toml"].contains(&name))
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// SPDX.
    pub license: Option<String>,
    pub summary: Option<String>,
    pub version: Option<String>,
    pub homepage: Option<String>,
    /// File names of nginx's dynamic modules; empty: it is none.
    pub modules: Vec<String>,
}

impl Facts {
    /// Reads the files, by their names.
    pub fn of(files: &BTreeMap<Vec<u8>, Vec<u8>>) -> Facts {
        let text = |name: &str| files.get(name.as_bytes()).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let starting = |starts: &[&str]| {
            let named = |name: &[u8]| {
                let upper = String::from_utf8_lossy(name).to_ascii_uppercase();
                starts.iter().any(|start| upper.starts_with(start))
            };
            files
                .iter()
                .filter(move |(name, _)| named(name))
                .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
                .collect::<Vec<_>>()
        };
        let metadata = [("Cargo.toml", "package"), ("pyproject.toml", "project")];
        let tables: Vec<toml::Table> = metadata
            .iter()
            .filter_map(|(file, table)| text(file)?.parse::<toml::Table>().ok()?.get(*table)?.as_table().cloned())
            .collect();
        let field = |name: &str| tables.iter().find_map(|table| Some(table.get(name)?.as_str()?.to_string()));
        let licences = starting(&["LICENSE", "LICENCE", "COPYING"]);
        let readmes = starting(&["README"]);
        let summaries = field("description").into_iter().chain(readmes.iter().filter_map(|text| first_words(text)));
        Facts {
            license: field("license")
                .filter(|id| Check::License.check(id).is_ok())
                .or_else(|| licences.iter().find_map(|text| licence(text))),
            summary: summaries.map(|text| tidy(&text)).find(|text| Check::Summary.check(text).is_ok()),
            version: field("version"),
            homepage: field("homepage").or_else(|| field("repository")).filter(|url| Check::Url.check(url).is_ok()),
            modules: text("config").map(|text| modules(&text)).unwrap_or_default(),
        }
    }
}

/// The SPDX identifier of a licence's text, by words that only it has.
fn licence(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |words: &str| text.contains(words);
    let gnu = |name: &str, versions: &[(&str, &str)]| {
        versions.iter().find(|(version, _)| has(&format!("{name} Version {version}"))).map(|(_, id)| id.to_string())
    };
    let id = match () {
        () if has("Apache License Version 2.0") || has("Apache License, Version 2.0") => "Apache-2.0",
        () if has("Mozilla Public License Version 2.0") || has("Mozilla Public License, version 2.0") => "MPL-2.0",
        () if has("GNU AFFERO GENERAL PUBLIC LICENSE") => return None,
        () if has("GNU LESSER GENERAL PUBLIC LICENSE") => {
            return gnu("GNU LESSER GENERAL PUBLIC LICENSE", &[("2.1", "LGPL-2.1-only"), ("3", "LGPL-3.0-only")]);
        }
        () if has("GNU GENERAL PUBLIC LICENSE") => {
            return gnu("GNU GENERAL PUBLIC LICENSE", &[("2", "GPL-2.0-only"), ("3", "GPL-3.0-only")]);
        }
        () if has("Permission is hereby granted, free of charge, to any person obtaining a copy") => "MIT",
        () if has("Permission to use, copy, modify, and/or distribute this software") => "ISC",
        () if has("Redistribution and use in source and binary forms") && has("endorse or promote products") => {
            "BSD-3-Clause"
        }
        () if has("Redistribution and use in source and binary forms") => "BSD-2-Clause",
        () if has("This is free and unencumbered software released into the public domain") => "Unlicense",
        () if has("CC0 1.0 Universal") => "CC0-1.0",
        () => return None,
    };
    Some(id.to_string())
}

/// The first line of a README that is prose.
fn first_words(text: &str) -> Option<String> {
    let prose = |line: &&str| {
        let plain = line.starts_with(|c: char| c.is_alphabetic());
        plain && line.contains(' ') && !line.contains("](") && !line.ends_with(':')
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    // a line that is underlined is a heading
    let heading =
        |at: usize| lines.get(at + 1).is_some_and(|next| !next.is_empty() && next.chars().all(|c| "=-~".contains(c)));
    let found = lines.iter().enumerate().find(|(at, line)| prose(line) && !heading(*at))?;
    Some(found.1.to_string())
}

/// The first sentence, as a Description begins.
fn tidy(text: &str) -> String {
    const LONGEST: usize = 75;
    let plain = text.replace(['`', '*'], "");
    let sentence = plain.split(". ").next().unwrap_or_default().trim().trim_end_matches('.');
    let mut short = String::new();
    for word in sentence.split_whitespace() {
        if short.chars().count() + 1 + word.chars().count() > LONGEST {
            break;
        }
        short.push_str(if short.is_empty() { "" } else { " " });
        short.push_str(word);
    }
    let article = ["A ", "An ", "The ", "a ", "an ", "the "].iter().find_map(|article| short.strip_prefix(article));
    article.map(str::to_string).unwrap_or(short).trim_end_matches([',', ';', ' ']).to_string()
}

/// The modules that an addon's `config` declares, by the names that nginx's build
/// gives them: the first of `ngx_module_name`, or `ngx_addon_name`.
fn modules(config: &str) -> Vec<String> {
    let value = |key: &str, line: &str| {
        let value = line.trim().strip_prefix(key)?.strip_prefix('=')?;
        Some(value.trim_matches(['"', '\'']).split_whitespace().next()?.to_string())
    };
    let addon = config.lines().find_map(|line| value("ngx_addon_name", line)).filter(|name| !name.starts_with('$'));
    let named = config.lines().filter_map(|line| value("ngx_module_name", line));
    let resolved = named.filter_map(|name| if name == "$ngx_addon_name" { addon.clone() } else { Some(name) });
    let mut found: Vec<String> = resolved.map(|name| format!("{name}.so")).collect();
    if found.is_empty() {
        found.extend(addon.iter().map(|name| format!("{name}.so")));
    }
    found.retain(|file| Check::Module.check(file).is_ok());
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(files: &[(&str, &str)]) -> Facts {
        Facts::of(&files.iter().map(|(name, text)| (name.as_bytes().to_vec(), text.as_bytes().to_vec())).collect())
    }

    #[test]
    fn what_files_say() {
        let found = facts(&[
            (
                "LICENSE",
                "Copyright 2020\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy",
            ),
            ("README.md", "hello\n=====\n\n[![build](x)](y)\n\nA greeter for `nginx`. It does more.\n"),
            (
                "config",
                "ngx_addon_name=ngx_http_hello_module\nngx_module_type=HTTP\nngx_module_name=$ngx_addon_name\n. auto/module\n",
            ),
        ]);
        assert_eq!((found.license.as_deref(), found.summary.as_deref()), (Some("MIT"), Some("greeter for nginx")));
        assert_eq!(found.modules, ["ngx_http_hello_module.so"]);
        let found = facts(&[(
            "Cargo.toml",
            "[package]\nname = \"x\"\nversion = \"1.2.3\"\nlicense = \"MIT OR Apache-2.0\"\ndescription = \"Finds things.\"\n",
        )]);
        assert_eq!(found.version.as_deref(), Some("1.2.3"));
        assert_eq!(found.license.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(found.summary.as_deref(), Some("Finds things"));
        assert_eq!(facts(&[("README", "x\n")]), Facts::default());
    }

    #[test]
    fn modules_of_several_configs() {
        assert_eq!(
            modules("ngx_addon_name=ngx_http_a_module\nngx_module_name=ngx_http_b_module"),
            ["ngx_http_b_module.so"]
        );
        assert_eq!(
            modules("ngx_addon_name=\"ngx_http_a_module\"\nHTTP_MODULES=\"$HTTP_MODULES ngx_http_a_module\""),
            ["ngx_http_a_module.so"]
        );
        assert!(modules("echo hello").is_empty());
    }
}
