//! `[nginx]` and `[follow.NAME]` from recipe and lock to targets: the flagship
//! recipe of the language's own description, as written, on both kinds of
//! series, and what the keys change.

use std::path::Path;

use pkgr::deb::version::Version;
use pkgr::lock::Lock;
use pkgr::plan::follow::{Rebuild, following};
use pkgr::plan::nginx::{Mode, Nginx};
use pkgr::plan::{self, EvaluateOptions, Format, Location, Package, Plan, Target};
use pkgr::recipe::{self, Recipe, Selector};

const FLAGSHIP: &str = r#"
name          = "ngx-pagespeed"
version       = "1.13.35.2"
summary       = "PageSpeed dynamic module for the distribution's nginx"
description   = """
Rewrites pages and their assets on the fly to make them load faster."""
homepage      = "https://www.modpagespeed.com/"
license       = "Apache-2.0"
copyright     = ["2010-2018 Google Inc."]
maintainer    = "Du9L <du9l@example.org>"
section       = "httpd"
architectures = ["amd64", "i386"]                 # PSOL is prebuilt for these two only
build-depends = ["uuid-dev"]
series        = ["xenial", "bionic", "focal", "jammy", "noble"]

[nginx]                                           # the nginx-module preset: follows nginx, per flavor
flavors = ["core", "light", "full", "extras"]     # → ngx-pagespeed-nginx-core, …-light, …-full, …-extras
modules = ["ngx_pagespeed.so"]                    # load_module modules/ngx_pagespeed.so;
enable  = false                                   # experimental: the administrator adds the load_module line
env     = { PSOL_BUILDTYPE = "Release" }          # every stock flavor is built --with-debug
prepare = 'case $DEB_HOST_ARCH in amd64) a=x64;; i386) a=ia32;; esac; ln -sfn psol-$a psol'

[[source]]
url = "https://github.com/apache/incubator-pagespeed-ngx/archive/v{{ version }}-stable.tar.gz"

[[source]]
component = "psol-x64"
url       = "https://dl.google.com/dl/page-speed/psol/{{ version }}-x64.tar.gz"

[[source]]
component = "psol-ia32"
url       = "https://dl.google.com/dl/page-speed/psol/{{ version }}-ia32.tar.gz"
when      = "..bionic"

[[patch]]
file = "patches/psol-glibc-2.34.patch"
when = "jammy.."

[[test]]
name    = "rewrites"
depends = ["@", "curl"]
run     = """
printf 'pagespeed on;\\npagespeed FileCachePath /var/cache/ngx_pagespeed;\\n' > /etc/nginx/conf.d/pagespeed.conf
nginx -t
service nginx restart
curl -sI http://localhost/ | grep -i x-page-speed
"""

[watch]
github = "apache/incubator-pagespeed-ngx"
tag    = 'v(?<version>[\d.]+)-stable'

[upload]
to = "ppa:du9l/ngx-pagespeed"

[when."focal.."]
architectures = ["amd64"]                         # Ubuntu builds no i386 nginx from focal on
"#;

const SMALL: &str = r#"
name       = "ngx-echo"
version    = "0.63"
summary    = "echo for nginx"
license    = "BSD-2-Clause"
maintainer = "Du9L <du9l@example.org>"
"#;

const SOURCE: &str = "[[source]]\nurl = \"https://example.org/echo-{{ version }}.tar.gz\"\n";

fn lock() -> Lock {
    Lock::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/follow/recipe.lock")).unwrap()
}

fn options() -> EvaluateOptions {
    EvaluateOptions { only: None, author: None, now: "Tue, 24 Nov 2026 08:00:00 +0000".into() }
}

fn load(text: &str) -> (tempfile::TempDir, Recipe) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recipe.toml"), text).unwrap();
    std::fs::create_dir(folder.path().join("patches")).unwrap();
    std::fs::write(folder.path().join("patches/psol-glibc-2.34.patch"), "content\n").unwrap();
    std::fs::write(folder.path().join("echo.conf"), "content\n").unwrap();
    let recipe = recipe::load(folder.path()).unwrap();
    (folder, recipe)
}

fn evaluate_with(text: &str, lock: &Lock) -> Plan {
    let (_folder, recipe) = load(text);
    plan::evaluate(&recipe, lock, &options()).unwrap_or_else(|failure| panic!("{failure}"))
}

fn small(series: &str, nginx: &str, rest: &str) -> String {
    format!("{SMALL}series = [{series}]\n{rest}\n[nginx]\nmodules = [\"ngx_http_echo_module.so\"]\n{nginx}\n{SOURCE}")
}

fn evaluate(series: &str, nginx: &str, rest: &str) -> Plan {
    evaluate_with(&small(series, nginx, rest), &lock())
}

fn fails(text: &str, lock: &Lock) -> Vec<(&'static str, String)> {
    let (_folder, recipe) = load(text);
    let failure = plan::evaluate(&recipe, lock, &options()).unwrap_err();
    failure.diagnostics.into_iter().map(|d| (d.code, d.message)).collect()
}

fn target<'p>(plan: &'p Plan, series: &str) -> &'p Target {
    plan.targets.iter().find(|t| t.series.name == series).unwrap()
}

fn nginx(target: &Target) -> &Nginx {
    target.nginx.as_ref().unwrap()
}

fn package<'t>(target: &'t Target, name: &str) -> &'t Package {
    target.packages.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("{name} in {:?}", names(target)))
}

fn names(target: &Target) -> Vec<&str> {
    target.packages.iter().map(|p| p.name.as_str()).collect()
}

fn components(target: &Target) -> Vec<&str> {
    target.sources.iter().map(|s| s.component.as_deref().unwrap_or("-")).collect()
}

#[test]
fn the_lock_is_in_its_own_form() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/follow/recipe.lock");
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(Lock::parse(&path, &written).unwrap().to_text().unwrap(), written);
}

#[test]
fn the_flagship_as_written() {
    let plan = evaluate_with(FLAGSHIP, &lock());
    let versions: Vec<String> = plan.targets.iter().map(|t| t.version.to_string()).collect();
    assert_eq!(
        versions,
        [
            "1.13.35.2+nginx1.10.3-0ubuntu0.16.04.5~ubuntu16.04.1",
            "1.13.35.2+nginx1.14.0-0ubuntu1.11~ubuntu18.04.1",
            "1.13.35.2+nginx1.18.0-0ubuntu1.7~ubuntu20.04.1",
            "1.13.35.2+nginx1.18.0-6ubuntu14.4~ubuntu22.04.1",
            "1.13.35.2+nginx1.24.0-2ubuntu7.10~ubuntu24.04.1",
        ]
    );
    assert!(plan.targets.windows(2).all(|pair| pair[0].version < pair[1].version), "versions rise with the series");
    assert_eq!(plan.lock.entries.len(), 1);
    assert_eq!(plan.lock.entries[0].changes, ["Initial release"]);
    for target in &plan.targets {
        assert_eq!((target.name.as_str(), target.format), ("ngx-pagespeed", Format::Quilt));
        assert_eq!(target.changelog[0].version, target.version.to_string());
        let nginx = nginx(target);
        assert_eq!(nginx.modules, ["ngx_pagespeed.so"]);
        assert!(!nginx.enable && !nginx.exact && nginx.split.is_none());
        assert_eq!(nginx.env, [("PSOL_BUILDTYPE".to_string(), "Release".to_string())]);
        assert!(nginx.prepare.as_deref().unwrap().starts_with("case $DEB_HOST_ARCH"));
        assert_eq!(nginx.real_package, "ngx-pagespeed-nginx");
    }
}

#[test]
fn the_flagship_on_xenial_has_four_compiled_flavors() {
    let plan = evaluate_with(FLAGSHIP, &lock());
    let xenial = target(&plan, "xenial");
    let nginx = nginx(xenial);
    assert_eq!((nginx.mode, nginx.version.to_string().as_str()), (Mode::Flavors, "1.10.3-0ubuntu0.16.04.5"));
    assert_eq!(nginx.architectures, ["amd64", "i386"]);
    assert!(nginx.flavors.iter().all(|f| f.compiled && f.signatures.len() == 2 && !f.configure.is_empty()));
    assert!(nginx.flavors[2].configure.contains(&"--with-http_sub_module".to_string()));
    assert_eq!(components(xenial), ["-", "psol-x64", "psol-ia32", "nginx"]);
    assert_eq!(xenial.orig_version(), "1.13.35.2+nginx1.10.3");
    assert!(xenial.patches.is_empty());
    let packages = ["core", "light", "full", "extras"].map(|flavor| format!("ngx-pagespeed-nginx-{flavor}"));
    assert_eq!(names(xenial), packages);
    let light = package(xenial, "ngx-pagespeed-nginx-light");
    assert_eq!(light.relations.depends, ["nginx-light (>= 1.10.3-0ubuntu0.16.04.5)", "nginx-light (<< 1.10.4~)"]);
    for list in [&light.relations.provides, &light.relations.conflicts, &light.relations.replaces] {
        assert_eq!(*list, ["ngx-pagespeed-nginx"]);
    }
    assert_eq!(light.architectures, ["amd64", "i386"]);
    assert_eq!(light.summary, "PageSpeed dynamic module for the distribution's nginx (nginx-light)");
    let Location::Pool(file) = &xenial.sources[3].location else { panic!("a file of the pool") };
    assert_eq!(file.path, "pool/main/n/nginx/nginx_1.10.3.orig.tar.gz");
    assert_eq!(Some(&file.sha256), xenial.sources[3].sha256.as_ref());
    let packaging = nginx.packaging.as_ref().unwrap();
    assert_eq!(packaging.file_name(), "nginx_1.10.3-0ubuntu0.16.04.5.debian.tar.xz");
}

#[test]
fn the_flagship_on_jammy_has_a_metapackage_over_core() {
    let plan = evaluate_with(FLAGSHIP, &lock());
    let jammy = target(&plan, "jammy");
    let compiled: Vec<bool> = nginx(jammy).flavors.iter().map(|f| f.compiled).collect();
    assert_eq!(compiled, [true, true, false, true]);
    assert_eq!(components(jammy), ["-", "psol-x64", "nginx"]);
    assert_eq!(jammy.patches[0].file, "patches/psol-glibc-2.34.patch");
    let full = package(jammy, "ngx-pagespeed-nginx-full");
    assert_eq!(
        full.relations.depends,
        [
            "ngx-pagespeed-nginx-core (>= ${source:Version})",
            "ngx-pagespeed-nginx-core (<< ${source:Version}.1~)",
            "nginx-full"
        ]
    );
    assert!(full.relations.conflicts.is_empty() && full.architectures == ["all"]);
    let core = package(jammy, "ngx-pagespeed-nginx-core");
    assert_eq!(core.relations.depends, ["nginx-core (>= 1.18.0-6ubuntu14.4)", "nginx-core (<< 1.18.1~)"]);
    assert_eq!(core.architectures, ["amd64"]);
}

#[test]
fn the_flagship_on_noble_has_one_package_and_metapackages() {
    let plan = evaluate_with(FLAGSHIP, &lock());
    let noble = target(&plan, "noble");
    let nginx = nginx(noble);
    assert_eq!((nginx.mode, nginx.abi.as_deref()), (Mode::Dev, Some("nginx-abi-1.24.0-1")));
    assert!(nginx.packaging.is_none() && nginx.compiled().next().is_none());
    assert_eq!(components(noble), ["-", "psol-x64"]);
    assert_eq!(noble.packages.len(), 5);
    let real = package(noble, "ngx-pagespeed-nginx");
    assert_eq!(real.relations.depends, ["nginx (>= 1.24.0-2ubuntu7.10)"]);
    assert_eq!(real.relations.breaks.len(), 4, "they had its files in older series");
    assert_eq!(real.relations.breaks, real.relations.replaces);
    assert_eq!(real.architectures, ["amd64"]);
    let extras = package(noble, "ngx-pagespeed-nginx-extras");
    assert_eq!(
        extras.relations.depends,
        ["ngx-pagespeed-nginx (>= ${source:Version})", "ngx-pagespeed-nginx (<< ${source:Version}.1~)", "nginx-extras"]
    );
}

#[test]
fn tests_run_once_per_flavor() {
    let plan = evaluate_with(FLAGSHIP, &lock());
    let jammy = target(&plan, "jammy");
    let names: Vec<&str> = jammy.tests.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["rewrites-core", "rewrites-light", "rewrites-full", "rewrites-extras"]);
    assert_eq!(jammy.tests[1].depends, ["ngx-pagespeed-nginx-light", "curl"]);
    assert_eq!(jammy.tests[1].restrictions, ["needs-root", "isolation-container", "allow-stderr"]);
    assert_eq!(jammy.tests[1].flavor.as_deref(), Some("light"));
    let noble = target(&plan, "noble");
    assert_eq!(noble.tests[3].depends, ["ngx-pagespeed-nginx", "ngx-pagespeed-nginx-extras", "curl"]);

    let plan = evaluate("\"jammy\"", "", "[[test]]\nrun = \"true\"\nwhen = \"flavor=core\"");
    assert_eq!(plan.targets[0].tests.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["test-core"]);
}

#[test]
fn the_language_s_smallest_module() {
    let plan = evaluate("\"jammy\", \"noble\"", "", "");
    let jammy = target(&plan, "jammy");
    assert_eq!(jammy.packages.len(), 4, "core, light, full and extras by default");
    assert_eq!(package(jammy, "ngx-echo-nginx-core").architectures, ["amd64", "arm64"], "those that are harvested");
    assert_eq!(package(target(&plan, "noble"), "ngx-echo-nginx").architectures, ["any"]);
    assert!(nginx(jammy).enable);
}

#[test]
fn only_nginx_moved() {
    let first = evaluate("\"jammy\", \"noble\"", "", "");
    let mut lock = first.lock.clone();
    let mut moved = lock.follow("nginx", "jammy").unwrap().clone();
    moved.version = "1.18.0-6ubuntu14.5".into();
    lock.set_follow(moved);
    let second = evaluate_with(&small("\"jammy\", \"noble\"", "", ""), &lock);
    let jammy = target(&second, "jammy");
    assert_eq!(jammy.version.to_string(), "0.63+nginx1.18.0-6ubuntu14.5~ubuntu22.04.1");
    assert!(jammy.version > target(&first, "jammy").version);
    assert_eq!(jammy.orig_version(), target(&first, "jammy").orig_version(), "the orig files stay");
    assert_eq!(jammy.changelog[0].changes, ["* Rebuild for nginx 1.18.0-6ubuntu14.5"]);
    assert_eq!(target(&second, "noble").version, target(&first, "noble").version);
    let third = evaluate_with(&small("\"jammy\", \"noble\"", "", ""), &second.lock);
    assert_eq!(third.lock, second.lock, "a complete lock is left alone");
}

#[test]
fn what_the_lock_does_not_know_is_not_resolved() {
    let text = small("\"jammy\", \"bookworm\"", "", "");
    let expected = "the lock does not know nginx of bookworm".to_string();
    assert_eq!(fails(&text, &lock()), [("not-resolved", expected)]);
    let (_folder, recipe) = load(&text);
    let failure = plan::evaluate(&recipe, &lock(), &options()).unwrap_err();
    assert!(failure.diagnostics[0].hints[0].contains("pkgr update"));
    assert_eq!(failure.diagnostics[0].place.as_ref().unwrap().line, 9);
    let only = EvaluateOptions { only: Some(Selector::parse("jammy").unwrap()), ..options() };
    assert_eq!(plan::evaluate(&recipe, &lock(), &only).unwrap().targets.len(), 1, "nobody asked for bookworm");
    let message = "the lock does not know nginx of xenial, bionic, focal, jammy, noble".to_string();
    assert_eq!(fails(FLAGSHIP, &Lock::default()), [("not-resolved", message)]);
    let archs = fails(&small("\"jammy\"", "", "architectures = [\"amd64\", \"s390x\"]"), &lock());
    assert_eq!(archs[0].0, "not-resolved");
    assert!(archs[0].1.contains("s390x"), "{archs:?}");
}

#[test]
fn a_flavor_without_its_base_is_built_like_it() {
    let plan = evaluate("\"jammy\"", "flavors = [\"full\", \"light\"]", "");
    let jammy = &plan.targets[0];
    let full = &nginx(jammy).flavors[0];
    assert!(full.compiled && full.configure.contains(&"--with-compat".to_string()) && full.signatures.len() == 2);
    assert_eq!(
        package(jammy, "ngx-echo-nginx-full").relations.depends,
        ["nginx-core (>= 1.18.0-6ubuntu14.4)", "nginx-core (<< 1.18.1~)", "nginx-full"]
    );
}

#[test]
fn exact_dependencies_and_needs() {
    let keys = "depends = \"exact\"\nneeds = [\"stream\", \"libnginx-mod-http-ndk\"]";
    let plan = evaluate("\"jammy\", \"noble\"", keys, "depends = [\"liblua5.1-0\"]");
    assert_eq!(
        package(target(&plan, "jammy"), "ngx-echo-nginx-light").relations.depends,
        ["nginx-light (= 1.18.0-6ubuntu14.4)", "libnginx-mod-stream", "libnginx-mod-http-ndk", "liblua5.1-0"]
    );
    assert_eq!(
        package(target(&plan, "noble"), "ngx-echo-nginx").relations.depends,
        ["nginx (= 1.24.0-2ubuntu7.10)", "libnginx-mod-stream", "libnginx-mod-http-ndk", "liblua5.1-0"]
    );
    let mut lock = lock();
    let mut jammy = lock.follow("nginx", "jammy").unwrap().clone();
    for flavor in jammy.nginx.iter_mut().flat_map(|facts| &mut facts.flavors).filter(|flavor| flavor.over.is_none()) {
        flavor.configure.push("--with-stream".into());
    }
    lock.set_follow(jammy);
    let plan = evaluate_with(&small("\"jammy\"", keys, ""), &lock);
    let depends = &package(&plan.targets[0], "ngx-echo-nginx-light").relations.depends;
    assert!(!depends.contains(&"libnginx-mod-stream".to_string()), "it is compiled in: {depends:?}");
}

#[test]
fn split_makes_a_source_per_compiled_flavor() {
    let plan = evaluate("\"jammy\", \"noble\"", "split = true", "");
    let sources: Vec<(&str, &str)> = plan.targets.iter().map(|t| (t.series.name.as_str(), t.name.as_str())).collect();
    assert_eq!(
        sources,
        [
            ("jammy", "ngx-echo-nginx-core"),
            ("jammy", "ngx-echo-nginx-light"),
            ("jammy", "ngx-echo-nginx-full"),
            ("jammy", "ngx-echo-nginx-extras"),
            ("noble", "ngx-echo"),
        ]
    );
    for target in plan.targets.iter().take(4) {
        assert_eq!(names(target), [target.name.as_str()]);
        assert_eq!(target.changelog[0].source, target.name);
        assert_eq!(nginx(target).flavors.len(), 1);
        assert!(nginx(target).flavors[0].compiled, "no source has nothing but a metapackage");
        assert_eq!(nginx(target).split.as_ref(), Some(&nginx(target).flavors[0].name));
    }
}

#[test]
fn names_by_pattern_and_keys_by_flavor() {
    let rest = concat!(
        "suggests = [\"echo-doc-{{ flavor }}\"]\ninstall = { \"echo.conf\" = \"/etc/echo/\" }\n",
        "[[package]]\nname = \"ngx-echo-extra-{{ flavor }}\"\narchitectures = [\"all\"]\nwhen = \"!flavor=light\"\n",
        "[[package]]\nname = \"ngx-echo-doc\"\narchitectures = [\"all\"]\n",
    );
    let plan = evaluate("\"jammy\", \"noble\"", "package = \"libnginx-mod-echo-{{ flavor }}\"", rest);
    let jammy = target(&plan, "jammy");
    assert_eq!(nginx(jammy).real_package, "libnginx-mod-echo");
    let core = package(jammy, "libnginx-mod-echo-core");
    assert_eq!((core.relations.suggests[0].as_str(), core.install.len()), ("echo-doc-core", 1));
    assert_eq!(package(jammy, "libnginx-mod-echo-full").install.len(), 0, "a metapackage has no files");
    assert_eq!(
        names(jammy)[4..],
        ["ngx-echo-extra-core", "ngx-echo-extra-full", "ngx-echo-extra-extras", "ngx-echo-doc"]
    );
    let real = package(target(&plan, "noble"), "libnginx-mod-echo");
    assert_eq!((real.relations.suggests[0].as_str(), real.install.len()), ("echo-doc-", 1));
}

#[test]
fn one_flavor_with_a_name_of_its_own() {
    let plan = evaluate("\"jammy\", \"noble\"", "flavors = [\"core\"]\npackage = \"ngx-echo\"", "");
    let jammy = target(&plan, "jammy");
    assert_eq!(names(jammy), ["ngx-echo"]);
    assert!(jammy.packages[0].relations.conflicts.is_empty(), "nothing conflicts with itself");
    assert_eq!(names(target(&plan, "noble")), ["ngx-echo"]);
}

#[test]
fn a_series_can_have_keys_of_its_own() {
    let text = small("\"jammy\", \"noble\"", "", "") + "[when.\"noble..\".nginx]\nflavors = { remove = [\"light\"] }\n";
    let text = text.replace("[nginx]\n", "[nginx]\nflavors = [\"core\", \"light\"]\n");
    let plan = evaluate_with(&text, &lock());
    assert_eq!(nginx(target(&plan, "jammy")).flavors.len(), 2);
    assert_eq!(names(target(&plan, "noble")), ["ngx-echo-nginx", "ngx-echo-nginx-core"]);
}

#[test]
fn followed_packages_are_variables_and_sources() {
    let text = format!(
        "{SMALL}series = [\"jammy\"]\ndepends = [\"php (>= {{{{ php.version }}}})\", \"x-{{{{ php.upstream }}}}\"]\n\
         [follow.php]\npackage = \"php8.1\"\n[[source]]\nfollow = \"php\"\n[[source]]\napt = \"jansson\"\ncomponent = \"j\"\n"
    );
    let plan = evaluate_with(&text, &lock());
    let jammy = &plan.targets[0];
    assert_eq!(jammy.packages[0].relations.depends, ["php (>= 8.1.2-1ubuntu2.14)", "x-8.1.2"]);
    let keys: Vec<String> = jammy.sources.iter().map(|s| s.location.key()).collect();
    assert_eq!(
        keys,
        ["jammy:pool/main/p/php8.1/php8.1_8.1.2.orig.tar.xz", "jammy:pool/main/j/jansson/jansson_2.14.orig.tar.gz"]
    );
    assert_eq!(plan.lock.entries[0].followed["jammy"]["php"], "8.1.2-1ubuntu2.14");
    let mut lock = plan.lock.clone();
    let mut php = lock.follow("php", "jammy").unwrap().clone();
    php.version = "8.1.2-1ubuntu2.15".into();
    lock.set_follow(php);
    let again = evaluate_with(&text, &lock);
    assert_eq!(again.targets[0].version, Version::parse("0.63-1~ubuntu22.04.2").unwrap());
    assert_eq!(again.targets[0].changelog[0].changes, ["* Rebuild for php 8.1.2-1ubuntu2.15"]);
}

#[test]
fn what_an_update_has_to_look_up() {
    let text = small("\"jammy\", \"noble\"", "rebuild = \"abi\"", "architectures = [\"amd64\"]");
    let text = text
        + "[follow.nginx]\npockets = [\"release\"]\n[[source]]\napt = \"jansson\"\ncomponent = \"j\"\nwhen = \"noble\"\n";
    let (_folder, recipe) = load(&text);
    let all = following(&recipe).unwrap();
    let keys: Vec<String> = all.iter().map(|f| format!("{} {} {}", f.series, f.name, f.package)).collect();
    assert_eq!(keys, ["jammy nginx nginx", "noble nginx nginx", "noble apt:jansson jansson"]);
    let harvest = all[0].nginx.as_ref().unwrap();
    assert_eq!(harvest.flavors, ["core", "light", "full", "extras"]);
    assert_eq!((harvest.architectures.as_slice(), harvest.rebuild), (&["amd64".to_string()][..], Rebuild::Abi));
    assert_eq!(all[0].pockets, ["release"]);
    assert_eq!(all[2].pockets, ["release", "security", "updates"]);
}
