//! What runs, or is read, on the machine of who installs a module: the parts of
//! the maintainer scripts that load and unload it, README.Debian, and the
//! lines that enable it for an autopkgtest.

use minijinja::context;

use crate::plan::nginx::{Mode, Nginx};
use crate::plan::{Package, Target};

use super::super::{Tree, template};
use super::{append, configuration, has_enabled_folder, priority, with_modules};

/// The part of a package's maintainer script that loads its modules, or sees to
/// it that nginx starts without them; empty for other packages and scripts. With
/// `dh-sequence-nginx` the scripts are debhelper's; only that what a removal put
/// aside comes back, its `--noenable` leaves out.
pub fn snippet(target: &Target, package: &Package, kind: &str) -> String {
    let Some(nginx) = &target.nginx else { return String::new() };
    if nginx.mode == Mode::Dev && (nginx.enable || kind != "postinst") {
        return String::new();
    }
    let text = match kind {
        "postinst" => include_str!("../../../templates/nginx/postinst"),
        "prerm" => include_str!("../../../templates/nginx/prerm"),
        "postrm" => include_str!("../../../templates/nginx/postrm"),
        _ => return String::new(),
    };
    let has_modules = with_modules(target, nginx).iter().any(|(with, _)| with.name == package.name);
    if !has_modules || !has_enabled_folder(nginx) {
        return String::new();
    }
    template::fill(
        text,
        context! { modules => configurations(nginx), priority => priority(nginx), enable => nginx.enable },
    )
}

fn configurations(nginx: &Nginx) -> Vec<String> {
    nginx.modules.iter().map(|module| configuration(module)).collect()
}

/// Adds what the administrator has to do where installing does not load.
pub fn add_readme(target: &Target, nginx: &Nginx, tree: &mut Tree) {
    let links = has_enabled_folder(nginx);
    if nginx.enable && links {
        return;
    }
    let module = |file: &String| context! { file, configuration => configuration(file) };
    let modules: Vec<_> = nginx.modules.iter().map(module).collect();
    for (package, _) in with_modules(target, nginx) {
        let text = template::fill(
            include_str!("../../../templates/nginx/README.Debian"),
            context! {
                package => package.name,
                underline => "=".repeat(package.name.len()),
                links, modules, priority => priority(nginx),
            },
        );
        append(tree, format!("debian/{}.README.Debian", package.name), text.lines().map(String::from));
    }
}

/// The lines that enable the modules before a test.
pub fn enabled_for_test(nginx: &Nginx) -> String {
    let text = include_str!("../../../templates/nginx/enable");
    let values = context! {
        modules => configurations(nginx),
        files => nginx.modules,
        links => has_enabled_folder(nginx),
        priority => priority(nginx),
    };
    template::fill(text, values)
}
