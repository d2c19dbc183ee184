//! Targets with `[nginx]`, made by hand as the plan makes them.

#![allow(dead_code)]

#[path = "../render/case.rs"]
pub mod case;

use std::collections::BTreeMap;

use pkgr::deb::version::Version;
use pkgr::plan::nginx::*;
use pkgr::plan::*;

use case::*;

pub const PREFIX: &str = "--prefix=/usr/share/nginx";
pub const MODULES_PATH: &str = "--modules-path=/usr/lib/nginx/modules";

pub fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// `[nginx]` of `case` with nothing but a mode, a version of nginx and modules.
pub fn nginx(case: &Case, mode: Mode, version: &str, modules: &[&str]) -> Nginx {
    Nginx {
        mode,
        version: Version::parse(version).unwrap(),
        flavors: vec![],
        real_package: format!("{}-nginx", case.target.name),
        modules: strings(modules),
        enable: true,
        env: vec![],
        prepare: None,
        needs: vec![],
        exact: false,
        split: None,
        architectures: strings(&["amd64"]),
        patches: vec![],
        packaging: None,
        abi: None,
    }
}

/// A flavor that is compiled by itself.
pub fn compiled(case: &Case, name: &str, configure: &[&str], signatures: &[(&str, &str)]) -> Flavor {
    Flavor {
        name: name.into(),
        package: format!("{}-nginx-{name}", case.target.name),
        nginx_package: format!("nginx-{name}"),
        compiled: true,
        configure: strings(configure),
        signatures: signatures.iter().map(|(a, s)| (a.to_string(), s.to_string())).collect(),
    }
}

/// A flavor that is a metapackage.
pub fn metapackage(case: &Case, name: &str) -> Flavor {
    Flavor { compiled: false, signatures: BTreeMap::new(), ..compiled(case, name, &[], &[]) }
}

/// Gives the case its `[nginx]` and the packages that follow from it; `next` is
/// the next patch level of nginx.
pub fn finish(case: &mut Case, nginx: Nginx, architectures: &[&str], next: &str) {
    let full = nginx.version.without_epoch();
    let real = nginx.real_package.clone();
    let mut packages = Vec::new();
    if nginx.mode == Mode::Dev {
        let mut one = package(&real, architectures[0]);
        one.architectures = strings(architectures);
        one.relations.depends = vec![format!("nginx (>= {full})")];
        packages.push(one);
    }
    for flavor in &nginx.flavors {
        let mut one = package(&flavor.package, "all");
        if flavor.compiled {
            one.architectures = strings(architectures);
            let of = &flavor.nginx_package;
            one.relations.depends = vec![format!("{of} (>= {full})"), format!("{of} (<< {next}~)")];
            one.relations.provides = vec![real.clone()];
            one.relations.conflicts = vec![real.clone()];
            one.relations.replaces = vec![real.clone()];
        } else {
            let core = format!("{real}-core");
            let base = if nginx.mode == Mode::Dev { &real } else { &core };
            one.relations.depends = vec![
                format!("{base} (>= ${{source:Version}})"),
                format!("{base} (<< ${{source:Version}}.1~)"),
                flavor.nginx_package.clone(),
            ];
        }
        packages.push(one);
    }
    case.target.packages = packages;
    case.target.nginx = Some(nginx);
}

/// A source of the case that is unpacked as a folder.
pub fn component(case: &mut Case, name: &str, url: &str) {
    case.target.sources.push(Source {
        location: Location::Url(url.into()),
        component: Some(name.into()),
        sha256: None,
        signature: None,
        keyring: None,
        place: place(),
    });
}
