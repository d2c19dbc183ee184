//! systemd units: where they go and how each is enabled and started.
//!
//! The unit files are put in place like any file; dh_installsystemd (dh_systemd_enable
//! and dh_systemd_start up to compat 10) then finds all units of the package,
//! however many, of whatever kind, templates too. `PACKAGE.NAME.service` with
//! `--name` would need a call for each name instead, and knows no slices.

use crate::plan::{Package, PayloadFile, Target};
use crate::series::Series;

use super::staging::{Scope, base_name, only_if_built};
use super::{Upstream, sh};

/// The folder of units. debhelper looks into /usr/lib from 13.11.6 on, and the
/// releases that have it want nothing in /lib any more (the merge of /usr).
pub fn folder(series: &Series) -> &'static str {
    match series.is_since("noble") || series.is_since("trixie") {
        true => "usr/lib/systemd/system",
        false => "lib/systemd/system",
    }
}

/// The targets of debian/rules that treat units otherwise than debhelper does by
/// itself: (command, scope, lines). Empty where all are enabled and started.
pub fn overrides(target: &Target, listing: Option<&dyn Upstream>) -> Vec<(&'static str, Scope, Vec<String>)> {
    let plain = |package: &Package| package.units.iter().all(|unit| unit.enable && unit.start);
    if target.packages.iter().all(plain) {
        return Vec::new();
    }
    let commands: &[&str] = match target.toolchain.compat {
        ..=10 => &["dh_systemd_enable", "dh_systemd_start"],
        _ => &["dh_installsystemd"],
    };
    let mut targets = Vec::new();
    for scope in [Scope::All, Scope::Arch, Scope::Indep] {
        let packages = || target.packages.iter().filter(|package| Scope::of(target, package) == scope);
        if packages().all(plain) {
            continue;
        }
        for command in commands {
            let mut lines = Vec::new();
            for package in packages().filter(|package| !plain(package)) {
                let calls = calls(command, package, listing);
                lines.extend(calls.into_iter().map(|call| only_if_built(target, package, call)));
            }
            if target.packages.len() > 1 {
                lines.push(format!("{command} --remaining-packages"));
            }
            targets.push((*command, scope, lines));
        }
    }
    targets
}

/// One call for each way of treating units, in the order of the recipe.
fn calls(command: &str, package: &Package, listing: Option<&dyn Upstream>) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for unit in &package.units {
        let mut options = String::new();
        if !unit.enable && command != "dh_systemd_start" {
            options.push_str(" --no-enable");
        }
        if !unit.start && command != "dh_systemd_enable" {
            options.push_str(" --no-start");
        }
        let names = names(&unit.file, listing);
        match groups.iter_mut().find(|(of, _)| *of == options) {
            Some((_, group)) => group.extend(names),
            None => groups.push((options, names)),
        }
    }
    let call =
        |(options, names): (String, Vec<String>)| format!("{command} -p{}{options} {}", package.name, names.join(" "));
    groups.into_iter().map(call).collect()
}

/// The names of the units that one entry of the recipe stands for, quoted.
fn names(file: &PayloadFile, listing: Option<&dyn Upstream>) -> Vec<String> {
    let paths = match (file, listing) {
        (PayloadFile::Upstream(pattern, _), Some(listing)) if !listing.contains(pattern) => listing.glob(pattern),
        (PayloadFile::Recipe(path) | PayloadFile::Upstream(path, _), _) => vec![path.clone()],
    };
    paths.iter().map(|path| sh::word(base_name(path))).collect()
}
