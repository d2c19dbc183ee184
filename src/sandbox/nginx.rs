//! What every package of nginx modules is tested for, whatever its recipe says:
//! with each flavor of nginx that it is for, nginx loads the modules, starts,
//! answers and stops, and starts again when the package is purged.
//!
//! What a package is, is read off the packages themselves: they have modules, or
//! depend on one that has, and say by their Depends which nginx they are for.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::engine::BinaryPackage;
use super::error::SandboxError;
use super::scenario::{Scenario, Step};
use crate::deb::archive::{self, Limits};

/// Where nginx loads modules from, without the slash before it.
const MODULES: &str = "usr/lib/nginx/modules/";

/// The package whose Depends names no flavor is for nginx as such.
const PLAIN: &str = "nginx";

/// Packages whose names begin like those of flavors.
const NO_FLAVORS: &[&str] = &["nginx-common", "nginx-dev", "nginx-doc"];

/// One step: its name, and what `sh -eu` runs after [`FUNCTIONS`].
const STEPS: &[(&str, &str)] = &[
    ("nginx -t", "quit\nenable\nnginx -t\n"),
    ("start", "nginx\nuntil_running\nare_loaded\n"),
    ("one request", "answers\n"),
    ("stop", "quit\n"),
    ("purge", "disable\napt-get --yes purge $(installed)\nare_gone\n"),
    ("start without the module", "quit\nnginx -t\nnginx\nuntil_running\nanswers\nquit\n"),
];

const FUNCTIONS: &str = include_str!("nginx.sh");

/// The scenarios, one for each nginx that the packages are for; none where no
/// package has a module.
pub(super) fn scenarios(folder: &Path, built: &[BinaryPackage]) -> Result<Vec<Scenario>, SandboxError> {
    let mut modules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in built.iter().filter(|package| !package.is_debug) {
        let found = modules_in(&folder.join(&package.file_name))?;
        if !found.is_empty() {
            modules.insert(&package.name, found);
        }
    }
    let own: Vec<&str> = built.iter().filter(|package| !package.is_debug).map(|p| p.name.as_str()).collect();
    let mut scenarios = Vec::new();
    for package in built.iter().filter(|package| !package.is_debug) {
        let holder = |name: &&str| *name == package.name || package.depends.iter().any(|other| other == name);
        let Some((_, modules)) = modules.iter().find(|(name, _)| holder(name)) else { continue };
        let Some(nginx) = nginx_of(package) else { continue };
        scenarios.push(Scenario {
            name: format!("{nginx} with {}", package.name),
            depends: vec![format!("{} (= {})", package.name, package.version)],
            steps: steps(nginx, modules, &own),
            skip: None,
            is_chain: true,
        });
    }
    Ok(scenarios)
}

/// The nginx that a package is for: a flavor of it, else nginx as such.
fn nginx_of(package: &BinaryPackage) -> Option<&str> {
    let is_flavor = |name: &&String| {
        name.strip_prefix("nginx-").is_some_and(|rest| !rest.starts_with("abi-"))
            && !NO_FLAVORS.contains(&name.as_str())
    };
    let named = package.depends.iter().find(is_flavor);
    named.or_else(|| package.depends.iter().find(|name| *name == PLAIN)).map(String::as_str)
}

fn steps(nginx: &str, modules: &[String], own: &[&str]) -> Vec<Step> {
    let head = format!("set -eu\nmodules='{}'\nown='{}'\n{FUNCTIONS}\n", modules.join(" "), own.join(" "));
    let step = |(name, script): &(&str, &str)| Step {
        name: format!("{nginx}: {name}"),
        command: format!("{head}{script}"),
        as_root: true,
        allow_stderr: true, // where nginx says everything
        skippable: false,
        flaky: false,
    };
    STEPS.iter().map(step).collect()
}

/// File names of the modules in a .deb, in its order.
fn modules_in(deb: &Path) -> Result<Vec<String>, SandboxError> {
    let wrong = |message: String| SandboxError::NotAPackage { path: deb.to_path_buf(), message };
    let name_of = |path: &[u8]| -> Option<String> {
        let name = std::str::from_utf8(path).ok()?.strip_prefix(MODULES)?;
        // it becomes a word of a script
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+'));
        (name.ends_with(".so") && is_plain).then(|| name.to_string())
    };
    let file = File::open(deb).map_err(|e| wrong(e.to_string()))?;
    let package = archive::read(file, &|path| name_of(path).is_some(), &Limits::default());
    let package = package.map_err(|e| wrong(e.to_string()))?;
    Ok(package.files.iter().filter_map(|file| name_of(&file.path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, depends: &[&str]) -> BinaryPackage {
        BinaryPackage {
            name: name.to_string(),
            version: "1-1".to_string(),
            file_name: format!("{name}_1-1_amd64.deb"),
            is_debug: false,
            depends: depends.iter().map(|name| name.to_string()).collect(),
        }
    }

    /// Builds an empty .deb with these files below [`MODULES`].
    fn make(folder: &Path, package: &BinaryPackage, modules: &[&str]) {
        let tree = folder.join(&package.name);
        std::fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        std::fs::create_dir_all(tree.join(MODULES)).unwrap();
        let control = format!(
            "Package: {}\nVersion: 1-1\nArchitecture: amd64\nMaintainer: A <a@b.c>\nDescription: x\n",
            package.name
        );
        std::fs::write(tree.join("DEBIAN/control"), control).unwrap();
        modules.iter().for_each(|name| std::fs::write(tree.join(MODULES).join(name), "module").unwrap());
        let mut build = std::process::Command::new("dpkg-deb");
        build.args(["--build", "--root-owner-group"]).arg(&tree).arg(folder.join(&package.file_name));
        assert!(build.output().unwrap().status.success());
    }

    fn names(found: &[Scenario]) -> Vec<&str> {
        found.iter().map(|scenario| scenario.name.as_str()).collect()
    }

    #[test]
    fn every_flavor_has_a_scenario() {
        let folder = tempfile::tempdir().unwrap();
        // flavors compiled separately, one a metapackage over another
        let core = package("m-nginx-core", &["nginx-core", "libc6"]);
        let full = package("m-nginx-full", &["m-nginx-core", "nginx-full"]);
        make(folder.path(), &core, &["ngx_m_module.so", "notes.txt"]);
        make(folder.path(), &full, &[]);
        let found = scenarios(folder.path(), &[core, full]).unwrap();
        assert_eq!(names(&found), ["nginx-core with m-nginx-core", "nginx-full with m-nginx-full"]);
        assert_eq!(found[1].depends, ["m-nginx-full (= 1-1)"]);
        let first = &found[1].steps[0];
        assert_eq!(first.name, "nginx-full: nginx -t");
        assert!(first.command.contains("modules='ngx_m_module.so'\nown='m-nginx-core m-nginx-full'\n"));
        // one binary, and metapackages
        let real = package("m-nginx", &["nginx", "nginx-abi-1.26.3-1", "libc6"]);
        let light = package("m-nginx-light", &["m-nginx", "nginx-light"]);
        make(folder.path(), &real, &["ngx_m_module.so"]);
        make(folder.path(), &light, &[]);
        let found = scenarios(folder.path(), &[real, light]).unwrap();
        assert_eq!(names(&found), ["nginx with m-nginx", "nginx-light with m-nginx-light"]);
    }

    #[test]
    fn what_only_uses_nginx_is_no_module() {
        let folder = tempfile::tempdir().unwrap();
        let site = package("site", &["nginx", "nginx-core"]);
        make(folder.path(), &site, &[]);
        assert!(scenarios(folder.path(), &[site]).unwrap().is_empty());
    }
}
