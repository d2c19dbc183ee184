//! The nginx modules under recipes/: each evaluates for all of its series
//! against a lock written by hand, and says what it promises. They have no lock
//! of their own in the repository, for only `pkgr update` can make one (see
//! recipes/README.md), so that `examples.rs` does not build them.
//!
//! What the flagship's patches and its `prepare` do is tried here on a tree of
//! upstream's shape: the tree itself cannot be had without network.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pkgr::lock::{Followed, Lock};
use pkgr::plan::nginx::Mode;
use pkgr::plan::{self, EvaluateOptions, Location, Package, Plan, Target};
use pkgr::recipe;
use pkgr::render::{Inputs, render};

const FLAGSHIP: &str = "ngx-pagespeed";
const FLAVORS: [&str; 4] = ["core", "light", "full", "extras"];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(name: &str) -> PathBuf {
    repository().join("recipes").join(name)
}

fn table(name: &str) -> toml::Table {
    fs::read_to_string(folder(name).join("recipe.toml")).unwrap().parse().unwrap()
}

/// Names of the recipes with `[nginx]`, in byte order: those that the tests of
/// all recipes leave to this file while they have no lock.
fn modules() -> BTreeSet<String> {
    let entries = fs::read_dir(repository().join("recipes")).unwrap();
    let names = entries.map(|entry| entry.unwrap()).filter(|entry| entry.path().join("recipe.toml").exists());
    let names = names.map(|entry| entry.file_name().to_str().unwrap().to_string());
    names.filter(|name| table(name).contains_key("nginx")).collect()
}

/// The lock of the evaluation's own tests, and the series that it lacks: each
/// like one that it has, with another version of nginx.
fn lock() -> Lock {
    let mut lock = Lock::load(&repository().join("tests/follow/recipe.lock")).unwrap();
    let like = |series: &str, model: &str, version: &str| {
        let model = lock.follows.iter().find(|followed| followed.name == "nginx" && followed.series == model);
        Followed { series: series.into(), suite: series.into(), version: version.into(), ..model.unwrap().clone() }
    };
    let more = [
        like("bullseye", "jammy", "1.18.0-6.1+deb11u3"),
        like("bookworm", "trixie", "1.22.1-9+deb12u2"),
        like("resolute", "noble", "1.28.2-2ubuntu1"),
    ];
    lock.follows.extend(more);
    lock
}

fn evaluate(name: &str) -> Plan {
    let recipe = recipe::load(&folder(name)).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    let options = EvaluateOptions { only: None, author: None, now: "Tue, 24 Nov 2026 08:00:00 +0000".into() };
    plan::evaluate(&recipe, &lock(), &options).unwrap_or_else(|failure| panic!("{name}: {failure}"))
}

fn target<'p>(plan: &'p Plan, series: &str) -> &'p Target {
    plan.targets.iter().find(|target| target.series.name == series).unwrap()
}

fn names(target: &Target) -> Vec<&str> {
    target.packages.iter().map(|package| package.name.as_str()).collect()
}

fn package<'t>(target: &'t Target, name: &str) -> &'t Package {
    target.packages.iter().find(|package| package.name == name).unwrap()
}

fn components(target: &Target) -> Vec<&str> {
    target.sources.iter().filter_map(|source| source.component.as_deref()).collect()
}

#[test]
fn the_modules_that_people_install_most_are_there() {
    let wanted = [
        "ngx-brotli",
        "ngx-cache-purge",
        "ngx-echo",
        "ngx-headers-more",
        "ngx-ndk",
        FLAGSHIP,
        "ngx-set-misc",
        "ngx-stream-geoip2",
        "ngx-vts",
    ];
    assert_eq!(modules(), wanted.map(String::from).into());
}

#[test]
fn each_is_short_and_has_no_lock_that_nothing_made() {
    for name in modules() {
        let lines = fs::read_to_string(folder(&name).join("recipe.toml")).unwrap().lines().count();
        assert!(name == FLAGSHIP || lines <= 20, "{name} has {lines} lines");
        let lock = folder(&name).join("recipe.lock");
        assert!(!lock.exists(), "{} has to be proved by examples.rs now", lock.display());
        let files = fs::read_dir(folder(&name)).unwrap().count();
        assert!(name == FLAGSHIP || files == 1, "{name} has {files} files");
    }
}

#[test]
fn each_evaluates_for_all_of_its_series() {
    for name in modules() {
        let plan = evaluate(&name);
        let written: Vec<String> =
            table(&name)["series"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_string()).collect();
        let series: Vec<&str> = plan.targets.iter().map(|target| target.series.name.as_str()).collect();
        assert_eq!(series, written, "{name}");
        assert!(["jammy", "noble", "resolute"].iter().all(|wanted| series.contains(wanted)), "{name}");
        for target in &plan.targets {
            assert_eq!(target.name, name);
            let nginx = target.nginx.as_ref().unwrap();
            let version = format!("{}+nginx{}", target.recipe_version, nginx.version.without_epoch());
            assert!(target.version.to_string().starts_with(&version), "{name}: {}", target.version);
            let real = format!("{name}-nginx");
            let flavors = nginx.flavors.iter().map(|flavor| format!("{real}-{}", flavor.name));
            let mut wanted: Vec<String> = (nginx.mode == Mode::Dev).then_some(real.clone()).into_iter().collect();
            wanted.extend(flavors);
            assert_eq!(names(target), wanted, "{name} on {}", target.series.name);
        }
    }
}

#[test]
fn each_comes_from_its_upstream_in_the_version_that_it_names() {
    for name in modules() {
        for target in evaluate(&name).targets {
            let own = target.sources.iter().find(|source| source.component.is_none()).unwrap();
            let (from, pinned) = match &own.location {
                Location::Url(url) => (url, url.contains(&target.recipe_version)),
                Location::GitCommit(url, commit) => (url, commit.len() == 40),
                other => panic!("{name}: {other:?}"),
            };
            assert!(pinned, "{name}: {from}");
            let homepage = target.homepage.as_deref().unwrap();
            let host = if name == FLAGSHIP { "https://github.com/apache/incubator-pagespeed-ngx/" } else { homepage };
            assert!(from.starts_with(host), "{name}: {from} is not of {homepage}");
        }
    }
}

/// Two packages with one file cannot both be unpacked: a module that the
/// distribution has as well takes its package's place.
#[test]
fn each_takes_the_place_of_the_distributions_own() {
    let own = [
        ("ngx-headers-more", vec!["libnginx-mod-http-headers-more-filter"]),
        ("ngx-brotli", vec!["libnginx-mod-http-brotli-filter", "libnginx-mod-http-brotli-static"]),
        ("ngx-echo", vec!["libnginx-mod-http-echo"]),
        ("ngx-cache-purge", vec!["libnginx-mod-http-cache-purge"]),
        ("ngx-ndk", vec!["libnginx-mod-http-ndk"]),
        ("ngx-set-misc", vec!["libnginx-mod-http-set-misc"]),
        ("ngx-stream-geoip2", vec!["libnginx-mod-stream-geoip2"]),
    ];
    for (name, theirs) in own {
        for target in evaluate(name).targets {
            let nginx = target.nginx.as_ref().unwrap();
            let with_modules: Vec<String> = match nginx.mode {
                Mode::Dev => vec![nginx.real_package.clone()],
                Mode::Flavors => nginx.compiled().map(|flavor| flavor.package.clone()).collect(),
            };
            assert!(!with_modules.is_empty());
            for ours in with_modules {
                let relations = &package(&target, &ours).relations;
                for their in &theirs {
                    let has = |list: &Vec<String>| list.iter().any(|clause| clause == their);
                    assert!(has(&relations.conflicts) && has(&relations.replaces), "{ours}: {their}");
                }
            }
        }
    }
    // nginx-light of bookworm wants `(>= 1:0.63-4~)`
    let bookworm = evaluate("ngx-echo");
    let echo = package(target(&bookworm, "bookworm"), "ngx-echo-nginx");
    let provided = "libnginx-mod-http-echo (= 1:0.65+nginx1.22.1-9+deb12u2~deb12u1)";
    assert!(echo.relations.provides.iter().any(|clause| clause == provided), "{:?}", echo.relations.provides);
}

#[test]
fn a_module_that_needs_another_says_so() {
    let plan = evaluate("ngx-set-misc");
    for (series, name) in [("jammy", "ngx-set-misc-nginx-core"), ("noble", "ngx-set-misc-nginx")] {
        let depends = &package(target(&plan, series), name).relations.depends;
        assert!(depends.iter().any(|clause| clause == "libnginx-mod-http-ndk"), "{series}: {depends:?}");
    }
    assert_eq!(components(target(&plan, "jammy")), ["ndk", "nginx"]);
    assert!(components(target(&plan, "noble")).is_empty(), "nginx's sequence brings the headers");
    let ndk = evaluate("ngx-ndk");
    for target in &ndk.targets {
        let provides = &target.packages[0].relations.provides;
        assert!(provides.iter().any(|clause| clause.starts_with("libnginx-mod-http-ndk (= 1:")), "{provides:?}");
    }
}

#[test]
fn a_stream_module_says_so() {
    for target in evaluate("ngx-stream-geoip2").targets {
        let nginx = target.nginx.as_ref().unwrap();
        assert_eq!(nginx.needs, ["stream"]);
        assert_eq!(nginx.modules, ["ngx_stream_geoip2_module.so"]);
        let depends = &target.packages[0].relations.depends;
        assert!(depends.iter().any(|clause| clause == "libnginx-mod-stream"), "{depends:?}");
    }
}

#[test]
fn the_flagship_has_the_names_of_the_original_archive() {
    let plan = evaluate(FLAGSHIP);
    let packages = FLAVORS.map(|flavor| format!("ngx-pagespeed-nginx-{flavor}"));
    for target in &plan.targets {
        let nginx = target.nginx.as_ref().unwrap();
        let series = target.series.name.as_str();
        let dev = ["noble", "resolute"].contains(&series);
        assert_eq!(nginx.mode, if dev { Mode::Dev } else { Mode::Flavors }, "{series}");
        assert_eq!(names(target)[usize::from(dev)..], packages, "{series}");
        // load_module modules/ngx_pagespeed.so; and the administrator adds it
        assert_eq!(nginx.modules, ["ngx_pagespeed.so"]);
        assert!(!nginx.enable);
        assert!(nginx.env.contains(&("PSOL_BUILDTYPE".into(), "Release".into())));
    }
    assert!(plan.targets.windows(2).all(|pair| pair[0].version < pair[1].version), "versions rise with the series");
    assert_eq!(target(&plan, "xenial").version.to_string(), "1.13.35.2+nginx1.10.3-0ubuntu0.16.04.5~ubuntu16.04.1");
    let table = table(FLAGSHIP);
    assert_eq!(table["upload"]["to"].as_str(), Some("ppa:du9l/ngx-pagespeed"));
    assert_eq!(table["watch"]["github"].as_str(), Some("apache/incubator-pagespeed-ngx"));
}

#[test]
fn the_flagship_takes_what_each_series_needs() {
    let plan = evaluate(FLAGSHIP);
    let patches = |series| target(&plan, series).patches.iter().map(|patch| patch.series_name()).collect::<Vec<_>>();
    let glibc = "psol-glibc-2.34.patch";
    for series in ["xenial", "bionic", "focal"] {
        assert!(patches(series).is_empty(), "{series}");
    }
    assert_eq!(patches("jammy"), [glibc]);
    for series in ["noble", "resolute"] {
        assert_eq!(patches(series), [glibc, "nginx-1.23-cache-control.patch"], "{series}");
    }
    assert_eq!(components(target(&plan, "xenial")), ["psol-x64", "psol-ia32", "nginx"]);
    assert_eq!(components(target(&plan, "jammy")), ["psol-x64", "nginx"]);
    assert_eq!(components(target(&plan, "noble")), ["psol-x64"]);
    assert_eq!(package(target(&plan, "bionic"), "ngx-pagespeed-nginx-light").architectures, ["amd64", "i386"]);
    assert_eq!(package(target(&plan, "focal"), "ngx-pagespeed-nginx-light").architectures, ["amd64"]);
    let tests: Vec<&str> = target(&plan, "noble").tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(tests, FLAVORS.map(|flavor| format!("rewrites-{flavor}")));
}

/// A module's tree of upstream's shape, with the flagship's patches applied.
fn tree(patches: &[&str]) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir(tree.path().join("src")).unwrap();
    fs::write(tree.path().join("config"), "ngx_addon_name=ngx_pagespeed\n").unwrap();
    let module = "\
namespace {
// Based on ngx_http_add_cache_control.
ngx_int_t ps_set_cache_control(ngx_http_request_t* r, char* cache_control) {
  if (r->headers_out.cache_control.elts == NULL) {
    return NGX_ERROR;
  }
  return NGX_OK;
}

bool ps_get_cache_control(ngx_http_request_t* r, GoogleString* cache_control) {
  auto ccp = static_cast<ngx_table_elt_t**>(r->headers_out.cache_control.elts);
  return ccp != nullptr;
}

void after() {
}
}
";
    fs::write(tree.path().join("src/ngx_pagespeed.cc"), module).unwrap();
    for patch in patches {
        let file = folder(FLAGSHIP).join("patches").join(patch);
        let arguments = ["-p1", "-F0", "-N", "-s", "-i"];
        good(Command::new("patch").args(arguments).arg(file).current_dir(tree.path()).output().unwrap());
    }
    tree
}

#[track_caller]
fn good(output: Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn prepare(tree: &Path, architecture: &str) -> Output {
    let script = table(FLAGSHIP)["nginx"]["prepare"].as_str().unwrap().to_string();
    let mut command = Command::new("sh");
    command.args(["-e", "-c", &script]).env("DEB_HOST_ARCH", architecture).current_dir(tree).output().unwrap()
}

fn read(tree: &Path, name: &str) -> String {
    fs::read_to_string(tree.join(name)).unwrap()
}

const BOTH: [&str; 2] = ["psol-glibc-2.34.patch", "nginx-1.23-cache-control.patch"];

#[test]
fn prepare_puts_to_use_what_the_patches_add() {
    let tree = tree(&BOTH);
    // a build is often begun a second time
    for _ in 0..2 {
        good(prepare(tree.path(), "amd64"));
    }
    assert_eq!(fs::read_link(tree.path().join("psol")).unwrap(), Path::new("psol-x64"));
    let config = read(tree.path(), "config");
    assert_eq!(
        config,
        "ngx_addon_name=ngx_pagespeed\nngx_pagespeed_SRCS=\"$ngx_pagespeed_SRCS $ngx_addon_dir/src/psol_glibc.c\"\n"
    );
    let module = read(tree.path(), "src/ngx_pagespeed.cc");
    let kept = "\
namespace {
// Based on ngx_http_add_cache_control.
#include \"ngx_cache_control.inc\"


void after() {
}
}
";
    assert_eq!(module, kept);
    let added = read(tree.path(), "src/ngx_cache_control.inc");
    for function in ["ngx_int_t ps_set_cache_control(", "bool ps_get_cache_control("] {
        assert_eq!(added.matches(function).count(), 1, "{function}");
    }
}

#[test]
fn prepare_leaves_a_series_without_patches_alone() {
    let tree = tree(&[]);
    let before = (read(tree.path(), "config"), read(tree.path(), "src/ngx_pagespeed.cc"));
    good(prepare(tree.path(), "i386"));
    assert_eq!(fs::read_link(tree.path().join("psol")).unwrap(), Path::new("psol-ia32"));
    assert_eq!((read(tree.path(), "config"), read(tree.path(), "src/ngx_pagespeed.cc")), before);
}

#[test]
fn prepare_fails_where_it_would_do_half() {
    let other = tree(&BOTH);
    let output = prepare(other.path(), "arm64");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no PSOL for arm64"));
    // upstream's function under another name: its use of the array would stay
    let other = tree(&BOTH);
    let module = read(other.path(), "src/ngx_pagespeed.cc").replace("bool ps_get_cache", "bool ps_find_cache");
    fs::write(other.path().join("src/ngx_pagespeed.cc"), module).unwrap();
    let output = prepare(other.path(), "amd64");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("still takes cache_control for an array"));
}

/// Calls all that the prebuilt library calls. A glibc of 2.34 or later, which
/// this test needs, does not have them to link with.
const CALLS: &str = "
int pthread_mutex_consistent_np(void *);
int pthread_mutexattr_setrobust_np(void *, int);
int pthread_yield(void);
extern const char *const sys_siglist[65];
const char *calls(void *mutex);
const char *calls(void *mutex)
{
    if (pthread_mutex_consistent_np(mutex) + pthread_mutexattr_setrobust_np(mutex, 1) + pthread_yield()) return 0;
    return sys_siglist[15];
}
";

#[test]
fn the_glibc_patch_defines_what_the_prebuilt_library_calls() {
    let tree = tree(&BOTH[..1]);
    fs::write(tree.path().join("calls.c"), CALLS).unwrap();
    let link = |files: &[&str]| {
        let arguments = ["-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-Wl,-z,defs", "-o", "module.so"];
        let mut command = Command::new("cc");
        command.args(arguments).args(files).arg("-pthread").current_dir(tree.path()).output().unwrap()
    };
    let without = link(&["calls.c"]);
    let missing = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(!without.status.success());
    for symbol in ["pthread_mutex_consistent_np", "pthread_mutexattr_setrobust_np", "pthread_yield", "sys_siglist"] {
        assert!(missing.contains(symbol), "{symbol} is still there: {missing}");
    }
    good(link(&["calls.c", "src/psol_glibc.c"]));
}

#[test]
fn the_flagship_is_loaded_by_the_line_that_its_users_have() {
    for target in evaluate(FLAGSHIP).targets {
        let inputs = Inputs::default();
        let rendered = render(&target, &inputs).unwrap_or_else(|failure| panic!("{failure}"));
        let text = |name: &str| String::from_utf8(rendered.files[name].bytes.clone()).unwrap();
        assert_eq!(text("debian/mod-pagespeed.conf"), "load_module modules/ngx_pagespeed.so;\n");
    }
}
