//! systemd units: where they go and how each is enabled and started.
//!
//! The unit files are put in place like any file; dh_installsystemd (dh_systemd_enable
//! and dh_systemd_start up to compat 10) then finds all units of the package,
//! however many, of whatever kind, templates too. `PACKAGE.NAME.service` with
//! `--name` would need a call for each name instead, and knows no slices.

use crate::plan::{Package, PayloadFile, Target};
use crate::series::Series;

use super::sh;
use super::staging::{Scope, base_name, only_if_built};

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
pub fn overrides(target: &Target) -> Vec<(&'static str, Scope, Vec<String>)> {
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
                let calls = calls(command, package);
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
fn calls(command: &str, package: &Package) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for unit in &package.units {
        let mut options = String::new();
        if !unit.enable && command != "dh_systemd_start" {
            options.push_str(" --no-enable");
        }
        if !unit.start && command != "dh_systemd_enable" {
            options.push_str(" --no-start");
        }
        let name = match &unit.file {
            PayloadFile::Recipe(path) | PayloadFile::Upstream(path, _) => sh::word(base_name(path)),
        };
        match groups.iter_mut().find(|(of, _)| *of == options) {
            Some((_, names)) => names.push(name),
            None => groups.push((options, vec![name])),
        }
    }
    let call =
        |(options, names): (String, Vec<String>)| format!("{command} -p{}{options} {}", package.name, names.join(" "));
    groups.into_iter().map(call).collect()
}
