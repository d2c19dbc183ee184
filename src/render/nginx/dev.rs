//! One nginx binary for all flavors, and `dh-sequence-nginx`: it configures,
//! compiles, has nginx load the result, writes the maintainer scripts and the
//! dependency on nginx's ABI.
//!
//! Where a step of it is overridden, its build system is named: the sequence
//! tells only dh of it, and a bare `dh_auto_configure` would do nothing.

use crate::plan::Target;
use crate::plan::nginx::Nginx;

use super::super::Tree;
use super::super::staging::Scope;
use super::{MODULES, Step, append, configuration, needed_packages, priority};

const BY_NGINX: &str = "--buildsystem=nginx_mod";

/// The sequence, nginx's headers, and what the modules are loaded upon when they
/// are tested. The headers are those of the nginx that is followed, or newer: its
/// ABI can have changed in a security update without a trace in `nginx-abi-*`.
pub fn build_depends(nginx: &Nginx) -> Vec<String> {
    let mut packages = vec!["dh-sequence-nginx".to_string(), format!("nginx-dev (>= {})", nginx.version)];
    packages.extend(parts(nginx).map(|part| format!("libnginx-mod-{part}")));
    for package in needed_packages(nginx) {
        packages.push(match package {
            // the build system knows this one, and brings in its headers
            NDK => format!("{NDK}-dev"),
            other => other.to_string(),
        });
    }
    packages
}

const NDK: &str = "libnginx-mod-http-ndk";

/// nginx's own parts among the needs.
fn parts(nginx: &Nginx) -> impl Iterator<Item = &str> {
    nginx.needs.iter().map(String::as_str).filter(|need| ["stream", "mail"].contains(need))
}

/// The steps of debian/rules.
pub fn steps(nginx: &Nginx) -> Vec<Step> {
    let all = |command, line| Step::instead(command, Scope::All, vec![line]);
    let mut steps = vec![all("dh_auto_install", format!("dh_auto_install {BY_NGINX} --destdir=debian/tmp"))];
    let with: Vec<String> = parts(nginx).map(|part| format!("--with-{part}")).collect();
    if !with.is_empty() {
        steps.push(all("dh_auto_configure", format!("dh_auto_configure {BY_NGINX} -- {}", with.join(" "))));
    }
    let mut loaded: Vec<String> = parts(nginx).map(|part| format!("ngx_{part}_module.so")).collect();
    // how other packages call their modules, only they know
    loaded.extend(
        needed_packages(nginx)
            .into_iter()
            .filter(|package| *package != NDK)
            .map(|package| format!("$(notdir $(filter /{MODULES}/%.so,$(shell dpkg-query -L {package})))")),
    );
    if !loaded.is_empty() {
        steps.push(all("dh_auto_test", format!("dh_auto_test {BY_NGINX} -- {}", loaded.join(" "))));
    }
    if !nginx.enable {
        steps.push(all("dh_nginx", "dh_nginx --noenable".to_string()));
    }
    steps
}

/// Adds the files of debhelper for the package with the modules.
pub fn add(target: &Target, nginx: &Nginx, tree: &mut Tree) {
    let priority = priority(nginx);
    for (package, _) in super::with_modules(target, nginx) {
        let modules = nginx.modules.iter();
        let load = modules.clone().map(|module| match priority {
            50 => format!("mod debian/{}.conf", configuration(module)),
            other => format!("mod debian/{}.conf {other}", configuration(module)),
        });
        append(tree, format!("debian/{}.nginx", package.name), load);
        append(tree, format!("debian/{}.install", package.name), modules.map(|module| format!("{MODULES}/{module}")));
    }
    // a tree may have modules that the recipe does not declare
    append(tree, "debian/not-installed".to_string(), [format!("{MODULES}/*.so")]);
}
