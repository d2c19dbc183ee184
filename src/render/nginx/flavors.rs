//! Flavors compiled separately: the distribution's nginx, a component of the
//! source package, is copied once, patched with the distribution's own patches,
//! and configured for each flavor with that flavor's own arguments; only the
//! modules are compiled.
//!
//! `--with-compat` would not do instead: a patch of the distribution can move
//! fields of nginx's structures without a trace in version or signature.

use minijinja::context;

use crate::plan::Target;
use crate::plan::nginx::{Flavor, Nginx};

use super::super::staging::Scope;
use super::super::{Tree, Upstream, sh, template};
use super::{AVAILABLE, MODULES, Step, append, argument, configuration, with_modules};

const CHECK: &str = "debian/nginx/check-signature";

/// Libraries that nginx's configure looks for, by the start of the argument
/// that asks for each. Parts that are modules of their own are not among the
/// arguments, so that modern series need few.
const LIBRARIES: &[(&str, &str)] = &[
    ("--with-http_geoip_module", "libgeoip-dev"),
    ("--with-stream_geoip_module", "libgeoip-dev"),
    ("--with-http_image_filter_module", "libgd-dev"),
    ("--with-http_perl_module", "libperl-dev"),
    ("--with-http_xslt_module", "libxslt1-dev"),
    ("--with-google_perftools_module", "libgoogle-perftools-dev"),
    ("--with-libatomic", "libatomic-ops-dev"),
];

/// What nginx's configure needs with the flavors' arguments.
pub fn build_depends(nginx: &Nginx) -> Vec<String> {
    let mut packages = vec!["libpcre3-dev", "libssl-dev", "zlib1g-dev"];
    let asked = |start: &str| nginx.compiled().any(|f| f.configure.iter().any(|a| a.starts_with(start)));
    packages.extend(LIBRARIES.iter().filter(|(start, _)| asked(start)).map(|(_, package)| *package));
    packages.dedup();
    packages.into_iter().map(String::from).collect()
}

/// For which packages the modules are built: a metapackage for all
/// architectures needs none.
pub fn scope(target: &Target, nginx: &Nginx) -> Scope {
    with_modules(target, nginx).first().map_or(Scope::All, |(package, _)| Scope::of(target, package))
}

/// The steps of debian/rules.
pub fn steps(target: &Target, nginx: &Nginx) -> Vec<Step> {
    let scope = scope(target, nginx);
    let make = |goals: &str| vec![format!("$(MAKE) -f debian/rules $(nginx_jobs) {goals}")];
    let mut steps = vec![
        Step::instead("dh_auto_configure", scope, make("$(nginx_flavors:%=debian/build/%/Makefile)")),
        Step::instead("dh_auto_build", scope, make("$(nginx_flavors:%=nginx-modules-%)")),
        Step::instead("dh_auto_test", scope, nginx.compiled().map(|flavor| check(nginx, flavor)).collect()),
        // dh_install takes the modules from where they were built
        Step::instead("dh_auto_install", scope, Vec::new()),
        Step::instead("dh_auto_clean", Scope::All, vec!["rm -rf debian/build".to_string()]),
    ];
    if scope == Scope::Arch {
        for command in ["dh_auto_configure", "dh_auto_build", "dh_auto_test", "dh_auto_install"] {
            steps.push(Step::instead(command, Scope::Indep, Vec::new()));
        }
    }
    steps
}

/// The comparison of what was built with what the flavor's nginx has in it.
fn check(nginx: &Nginx, flavor: &Flavor) -> String {
    let built = nginx.modules.iter().map(|module| format!(" \\\n\t\t{}", built(flavor, module)));
    format!("sh {CHECK} {} $(DEB_HOST_ARCH){}", flavor.name, built.collect::<String>())
}

fn built(flavor: &Flavor, module: &str) -> String {
    format!("debian/build/{}/{module}", flavor.name)
}

/// The rules that make one tree, a Makefile per flavor, and the modules.
pub fn rules(target: &Target, nginx: &Nginx, listing: Option<&dyn Upstream>) -> String {
    let flavors: Vec<&str> = nginx.compiled().map(|flavor| flavor.name.as_str()).collect();
    let defines = nginx.compiled().filter_map(|flavor| {
        let words = defines(flavor);
        (!words.is_empty()).then(|| context! { name => flavor.name, words => words.join(" ") })
    });
    let text = template::fill(
        include_str!("../../../templates/nginx/rules"),
        context! { flavors, modules => module_trees(target, listing), defines => defines.collect::<Vec<_>>() },
    );
    text.trim_end().to_string()
}

/// Arguments for the trees that nginx's configure is to make modules of:
/// components that are such trees, which the main one may be built upon, and it.
fn module_trees(target: &Target, listing: Option<&dyn Upstream>) -> Vec<String> {
    let is_module = |component: &&String| {
        component.as_str() != "nginx" && listing.is_some_and(|listing| listing.contains(&format!("{component}/config")))
    };
    let components = target.sources.iter().filter_map(|source| source.component.as_ref()).filter(is_module);
    let mut arguments: Vec<String> =
        components.map(|component| format!("--add-dynamic-module=$(CURDIR)/{component}")).collect();
    arguments.push("--add-dynamic-module=$(CURDIR)".to_string());
    arguments
}

/// The definitions that nginx itself was compiled with, quoted for make: `-D`
/// words, alone among the arguments or in those of the compiler. dpkg's own are
/// there anyway, of the level that this build has.
fn defines(flavor: &Flavor) -> Vec<String> {
    let flags = argument(flavor, "--with-cc-opt").unwrap_or_default();
    let flags = flags.trim_matches(['\'', '"']).split_whitespace();
    let words = flavor.configure.iter().map(String::as_str).chain(flags);
    words.filter(|word| word.starts_with("-D") && !word.starts_with("-D_FORTIFY_SOURCE")).map(sh::word).collect()
}

/// The arguments that configure is run with, less those that the rules give.
fn arguments(nginx: &Nginx, flavor: &Flavor) -> Vec<String> {
    let ours = ["--with-cc-opt=", "--with-ld-opt=", "--builddir=", "-D"];
    let kept = flavor.configure.iter().filter(|argument| !ours.iter().any(|start| argument.starts_with(start)));
    let mut arguments: Vec<String> = kept.cloned().collect();
    for part in ["stream", "mail"] {
        let has = |a: &String| *a == format!("--with-{part}") || *a == format!("--with-{part}=dynamic");
        if nginx.needs.iter().any(|need| need == part) && !arguments.iter().any(has) {
            arguments.push(format!("--with-{part}=dynamic"));
        }
    }
    arguments
}

/// Adds the facts about each flavor, the distribution's patches, and the files
/// of debhelper that put modules in place.
pub fn add(target: &Target, nginx: &Nginx, tree: &mut Tree) {
    let series: String = nginx.patches.iter().map(|(name, _)| format!("{name}\n")).collect();
    tree.add("debian/nginx/patches/series", series);
    for (name, bytes) in &nginx.patches {
        tree.add(format!("debian/nginx/patches/{name}"), bytes.as_slice());
    }
    tree.add_executable(CHECK, include_str!("../../../templates/nginx/check-signature"));
    for flavor in nginx.compiled() {
        let name = &flavor.name;
        let arguments = arguments(nginx, flavor).into_iter();
        tree.add(format!("debian/nginx/{name}.configure"), arguments.map(|a| a + "\n").collect::<String>());
        let signatures = flavor.signatures.iter().map(|(architecture, text)| format!("{architecture} {text}\n"));
        tree.add(format!("debian/nginx/{name}.signature"), signatures.collect::<String>());
    }
    for (package, flavor) in with_modules(target, nginx) {
        let Some(flavor) = flavor else { continue };
        let modules = nginx.modules.iter();
        let lines = modules.clone().map(|module| format!("{} {MODULES}", built(flavor, module)));
        let load = modules.clone().map(|module| format!("debian/{}.conf {AVAILABLE}", configuration(module)));
        append(tree, format!("debian/{}.install", package.name), lines.chain(load));
        if argument(flavor, "--modules-path").is_none() {
            // load_module is then relative to the prefix
            let prefix = argument(flavor, "--prefix").unwrap_or("/usr/share/nginx");
            let links =
                modules.map(|module| format!("{MODULES}/{module} {}/modules/{module}", prefix.trim_start_matches('/')));
            append(tree, format!("debian/{}.links", package.name), links);
        }
    }
}
