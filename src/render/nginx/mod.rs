//! `[nginx]`: what builds dynamic modules for the distribution's own nginx and
//! puts them in place, in both of the ways that series have for it.
//!
//! `flavors` is the way of series whose flavors are compiled separately: one
//! patched copy of nginx's source, configured once for each. `dev` is that of
//! series with `dh-sequence-nginx`. `scripts` writes what runs on the user's
//! machine. Names and relations of the packages are the plan's; steps are handed
//! to `rules`, which orders them among those of the packages' other files.
//!
//! Nothing here looks a series up in a table: what a flavor can do is read off
//! the arguments that it was configured with.

mod dev;
mod flavors;
mod scripts;

use std::collections::BTreeSet;

use crate::plan::nginx::{Flavor, Mode, Nginx};
use crate::plan::{BuildSystem, Package, Target};

use super::staging::Scope;
use super::systems::System;
use super::{Tree, Upstream, sh};

pub use scripts::{enabled_for_test, snippet};

/// Where the modules are.
const MODULES: &str = "usr/lib/nginx/modules";

/// Where the files that load them are.
const AVAILABLE: &str = "usr/share/nginx/modules-available";

/// The recipe's `nginx.prepare`.
const PREPARE: &str = "debian/scripts/nginx-prepare";

/// What happens around or instead of one debhelper command.
pub struct Step {
    /// The command.
    pub command: &'static str,
    /// For which packages.
    pub scope: Scope,
    /// Lines before it.
    pub before: Vec<String>,
    /// Lines instead of it; an empty list leaves it out.
    pub instead: Option<Vec<String>>,
}

impl Step {
    fn before(command: &'static str, scope: Scope, line: String) -> Step {
        Step { command, scope, before: vec![line], instead: None }
    }

    fn instead(command: &'static str, scope: Scope, lines: Vec<String>) -> Step {
        Step { command, scope, before: Vec::new(), instead: Some(lines) }
    }
}

/// A module of nginx is built by nginx's own means, whatever else its tree has.
pub fn system() -> System {
    System { kind: BuildSystem::None, explicit: false, autoreconf: false, pyproject: false }
}

/// Whether the source package has nginx's own source in it.
pub fn brings_source(target: &Target) -> bool {
    target.nginx.as_ref().is_some_and(|nginx| nginx.mode == Mode::Flavors)
}

/// Build dependencies, debhelper's own aside.
pub fn build_depends(nginx: &Nginx) -> Vec<String> {
    match nginx.mode {
        Mode::Flavors => flavors::build_depends(nginx),
        Mode::Dev => dev::build_depends(nginx),
    }
}

/// The steps of debian/rules.
pub fn steps(target: &Target, nginx: &Nginx) -> Vec<Step> {
    let mut steps = match nginx.mode {
        Mode::Flavors => flavors::steps(target, nginx),
        Mode::Dev => dev::steps(nginx),
    };
    if nginx.prepare.is_some() {
        let first = if target.toolchain.compat < 10 { "dh_auto_configure" } else { "dh_update_autotools_config" };
        let scope = if nginx.mode == Mode::Flavors { flavors::scope(target, nginx) } else { Scope::All };
        steps.push(Step::before(first, scope, format!("sh -e {PREPARE}")));
    }
    for (package, _) in with_modules(target, nginx) {
        for module in &nginx.modules {
            // an empty package would install, and nginx would not start
            let line = format!("test -s debian/{}/{MODULES}/{}", package.name, sh::word(module));
            steps.push(Step::before("dh_builddeb", Scope::of(target, package), line));
        }
    }
    steps
}

/// Text of debian/rules beside the targets of dh, without a last line feed.
pub fn rules(target: &Target, nginx: &Nginx, listing: Option<&dyn Upstream>) -> Option<String> {
    match nginx.mode {
        Mode::Flavors => Some(flavors::rules(target, nginx, listing)),
        Mode::Dev => None,
    }
}

/// Variables of the environment that scripts see, beside `PKGR_NAME` and its like.
pub fn environment(nginx: &Nginx) -> Vec<(&'static str, String)> {
    let mut variables = Vec::new();
    if nginx.prepare.is_some() {
        variables.push(("NGINX_VERSION", nginx.version.without_epoch()));
        variables.push(("NGINX_UPSTREAM", nginx.version.upstream.clone()));
    }
    variables
}

/// The value of DEB_BUILD_MAINT_OPTIONS. Where the compiler does not make
/// position-independent programs of itself, dpkg's flags for them would end up
/// in the modules, which are none.
pub fn hardening(target: &Target) -> &'static str {
    match target.toolchain.compat {
        ..=9 => "hardening=+all,-pie",
        _ => "hardening=+all",
    }
}

/// Adds the files of debian/ that build, install and load the modules.
pub fn add(target: &Target, nginx: &Nginx, tree: &mut Tree) {
    if let Some(script) = &nginx.prepare {
        tree.add(PREPARE, format!("{}\n", script.trim_end_matches('\n')));
    }
    for module in &nginx.modules {
        let name = configuration(module);
        tree.add(format!("debian/{name}.conf"), format!("load_module modules/{module};\n"));
    }
    match nginx.mode {
        Mode::Flavors => flavors::add(target, nginx, tree),
        Mode::Dev => dev::add(target, nginx, tree),
    }
    scripts::add_readme(target, nginx, tree);
}

/// The packages that hold the modules, with the flavor that each is for: none
/// where one package serves all.
fn with_modules<'a>(target: &'a Target, nginx: &'a Nginx) -> Vec<(&'a Package, Option<&'a Flavor>)> {
    let package = |name: &str| target.packages.iter().find(|package| package.name == name);
    match nginx.mode {
        Mode::Flavors => nginx.compiled().filter_map(|f| Some((package(&f.package)?, Some(f)))).collect(),
        Mode::Dev => package(&nginx.real_package).map(|package| (package, None)).into_iter().collect(),
    }
}

/// `mod-http-echo` for `ngx_http_echo_module.so`, as the distribution's own
/// modules are called.
fn configuration(module: &str) -> String {
    let name = module.strip_suffix(".so").unwrap_or(module);
    let name = name.strip_suffix("_module").unwrap_or(name);
    let name = name.strip_prefix("ngx_").unwrap_or(name);
    format!("mod-{}", name.to_lowercase().replace('_', "-"))
}

/// Where in the order of loading: those that others are built upon first, those
/// that need another last.
fn priority(nginx: &Nginx) -> u8 {
    match nginx.needs.is_empty() {
        _ if nginx.modules.iter().any(|module| module == "ndk_http_module.so") => 10,
        true => 50,
        false => 70,
    }
}

/// Whether this nginx has /etc/nginx/modules-enabled: it came to the
/// distributions together with `--modules-path`. In [`Mode::Dev`] always.
fn has_enabled_folder(nginx: &Nginx) -> bool {
    nginx.mode == Mode::Dev || nginx.compiled().all(|flavor| argument(flavor, "--modules-path").is_some())
}

/// The value of a flavor's argument of configure.
fn argument<'a>(flavor: &'a Flavor, name: &str) -> Option<&'a str> {
    flavor.configure.iter().rev().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='))
}

/// Adds lines to a file that the packages' other files may have begun.
fn append(tree: &mut Tree, path: String, lines: impl IntoIterator<Item = String>) {
    let lines: String = lines.into_iter().map(|line| line + "\n").collect();
    match tree.files.get_mut(&path) {
        Some(file) => file.bytes.extend_from_slice(lines.as_bytes()),
        None => tree.add(path, lines),
    }
}

/// What `needs` names beside nginx's own parts: packages.
fn needed_packages(nginx: &Nginx) -> BTreeSet<&str> {
    nginx.needs.iter().map(String::as_str).filter(|need| !["stream", "mail"].contains(need)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_load_files() {
        assert_eq!(configuration("ngx_http_headers_more_filter_module.so"), "mod-http-headers-more-filter");
        assert_eq!(configuration("ngx_pagespeed.so"), "mod-pagespeed");
        assert_eq!(configuration("ndk_http_module.so"), "mod-ndk-http");
        assert_eq!(configuration("ngx_stream_geoip2_module.so"), "mod-stream-geoip2");
    }
}
