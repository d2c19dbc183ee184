//! What is written for `[nginx]`: golden files of whole debian/ folders, and
//! the parts that differ with the recipe. Nothing is built here.
//!
//! `UPDATE_GOLDEN=1 cargo test --test render_nginx` writes the golden files anew.

mod render_nginx_support;

use pkgr::deb::control::parse;
use pkgr::deb::version::Version;
use pkgr::plan::nginx::*;
use pkgr::plan::*;

use render_nginx_support::case::*;
use render_nginx_support::*;

const PATHS: &[&str] = &[
    PREFIX,
    "--conf-path=/etc/nginx/nginx.conf",
    "--http-log-path=/var/log/nginx/access.log",
    "--error-log-path=/var/log/nginx/error.log",
    "--lock-path=/var/lock/nginx.lock",
    "--pid-path=/run/nginx.pid",
    "--http-client-body-temp-path=/var/lib/nginx/body",
    "--http-fastcgi-temp-path=/var/lib/nginx/fastcgi",
    "--http-proxy-temp-path=/var/lib/nginx/proxy",
    "--http-scgi-temp-path=/var/lib/nginx/scgi",
    "--http-uwsgi-temp-path=/var/lib/nginx/uwsgi",
    "--with-debug",
    "--with-pcre-jit",
    "--with-http_ssl_module",
    "--with-http_stub_status_module",
    "--with-http_realip_module",
    "--with-http_auth_request_module",
    "--with-http_v2_module",
    "--with-http_dav_module",
    "--with-http_slice_module",
    "--with-threads",
];
const FULL: &[&str] = &[
    "--with-http_addition_module",
    "--with-http_flv_module",
    "--with-http_geoip_module",
    "--with-http_gunzip_module",
    "--with-http_gzip_static_module",
    "--with-http_image_filter_module",
    "--with-http_sub_module",
    "--with-http_xslt_module",
    "--with-stream",
    "--with-stream_ssl_module",
    "--with-mail",
    "--with-mail_ssl_module",
];
const LIGHT: &[&str] = &[
    "--with-http_gzip_static_module",
    "--without-http_browser_module",
    "--without-http_geo_module",
    "--without-http_limit_req_module",
];
const MODERN: &[&str] = &[MODULES_PATH, "--with-compat", "--with-http_addition_module", "--with-http_sub_module"];
const SIGNATURE_OF_XENIAL: [(&str, &str); 2] =
    [("amd64", "8,4,8,0000111111010111001110101111000110"), ("i386", "4,4,4,0000111111010111001110101111000110")];
const SIGNATURE_OF_JAMMY: [(&str, &str); 1] = [("amd64", "8,4,8,0011111111010111001111111111111111")];
const PATCH: &str = "--- a/src/core/nginx.h\n+++ b/src/core/nginx.h\n@@ -1,1 +1,1 @@\n-old\n+new\n";

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    PATHS.iter().chain(more).copied().collect()
}

/// ngx_pagespeed as the flagship recipe has it.
fn pagespeed(series: &str) -> Case {
    let mut case = Case::new("ngx-pagespeed", series, Format::Quilt);
    case.target.license = "Apache-2.0".into();
    case.target.copyright = vec!["2010-2018 Google Inc.".into()];
    case.target.section = "httpd".into();
    case.target.build_depends = vec!["uuid-dev".into()];
    case.upstream("config", "ngx_addon_name=ngx_pagespeed\n");
    component(&mut case, "psol-x64", "https://example.org/psol-x64.tar.gz");
    let (mode, version, next) = match series {
        "xenial" => (Mode::Flavors, "1.10.3-0ubuntu0.16.04.5", "1.10.4"),
        "jammy" => (Mode::Flavors, "1.18.0-6ubuntu14.4", "1.18.1"),
        _ => (Mode::Dev, "1.24.0-2ubuntu7.1", ""),
    };
    let mut nginx = nginx(&case, mode, version, &["ngx_pagespeed.so"]);
    nginx.enable = false;
    nginx.env = vec![("PSOL_BUILDTYPE".into(), "Release".into())];
    nginx.prepare = Some("case $DEB_HOST_ARCH in amd64) a=x64;; i386) a=ia32;; esac; ln -sfn psol-$a psol".into());
    let names = ["core", "light", "full", "extras"];
    let light = |name| if name == "light" { LIGHT } else { FULL };
    nginx.flavors = match series {
        "xenial" => names.map(|n| compiled(&case, n, &with(light(n)), &SIGNATURE_OF_XENIAL)).into(),
        "jammy" => {
            let arguments = [PATHS, MODERN, &["-DTCP_FASTOPEN=23"]].concat();
            let one = |name| match name {
                "full" => metapackage(&case, name),
                _ => compiled(&case, name, &arguments, &SIGNATURE_OF_JAMMY),
            };
            names.map(one).into()
        }
        _ => names.map(|name| metapackage(&case, name)).into(),
    };
    if mode == Mode::Flavors {
        component(&mut case, "nginx", "https://example.org/nginx.tar.gz");
        nginx.patches = vec![("one.patch".into(), PATCH.into()), ("cve/two.patch".into(), PATCH.into())];
    }
    let architectures: &[&str] = if series == "xenial" { &["amd64", "i386"] } else { &["amd64"] };
    for flavor in names {
        case.target.tests.push(Test {
            name: format!("rewrites-{flavor}"),
            run: "nginx -t\nservice nginx restart\ncurl -sI http://localhost/ | grep -i x-page-speed\n".into(),
            depends: vec![format!("ngx-pagespeed-nginx-{flavor}"), "curl".into()],
            restrictions: vec!["needs-root".into(), "isolation-container".into(), "allow-stderr".into()],
            architectures: vec![],
            flavor: Some(flavor.into()),
        });
    }
    finish(&mut case, nginx, architectures, next);
    case
}

/// A module with no quirks, enabled.
fn echo(mode: Mode, series: &str) -> Case {
    let mut case = Case::new("ngx-echo", series, Format::Quilt);
    case.upstream("config", "ngx_addon_name=ngx_http_echo_module\n");
    let mut nginx = nginx(&case, mode, "1.18.0-6ubuntu14.4", &["ngx_http_echo_module.so"]);
    nginx.flavors = ["core", "light"]
        .map(|name| match mode {
            Mode::Flavors => compiled(&case, name, &[PATHS, MODERN].concat(), &SIGNATURE_OF_JAMMY),
            Mode::Dev => metapackage(&case, name),
        })
        .into();
    finish(&mut case, nginx, &["any"], "1.18.1");
    case
}

fn change(case: &mut Case, change: impl FnOnce(&mut Nginx)) {
    change(case.target.nginx.as_mut().unwrap());
}

#[test]
fn the_flagship() {
    for series in ["xenial", "jammy", "noble"] {
        golden("../render-nginx/pagespeed", &pagespeed(series));
    }
}

#[test]
fn a_module_with_no_quirks() {
    golden("../render-nginx/echo", &echo(Mode::Flavors, "jammy"));
    golden("../render-nginx/echo", &echo(Mode::Dev, "noble"));
}

fn build_depends(case: &Case) -> Vec<String> {
    let control = parse(&case.text("debian/control")).unwrap();
    let list = control[0].get("Build-Depends").unwrap();
    list.split(',').map(|clause| clause.trim().to_string()).filter(|clause| !clause.is_empty()).collect()
}

#[test]
fn build_dependencies_follow_the_arguments() {
    let modern = build_depends(&echo(Mode::Flavors, "jammy"));
    assert_eq!(modern, ["debhelper-compat (= 13)", "libpcre3-dev", "libssl-dev", "zlib1g-dev"]);
    let xenial = build_depends(&pagespeed("xenial"));
    for package in ["libgd-dev", "libgeoip-dev", "libxslt1-dev", "uuid-dev"] {
        assert!(xenial.iter().any(|clause| clause == package), "{xenial:?}");
    }
    let mut dev = echo(Mode::Dev, "noble");
    // its headers are not older than the nginx that was looked up
    change(&mut dev, |nginx| nginx.version = Version::parse("1:1.24.0-2ubuntu7.10").unwrap());
    let expected = ["debhelper-compat (= 13)", "dh-sequence-nginx", "nginx-dev (>= 1:1.24.0-2ubuntu7.10)"];
    assert_eq!(build_depends(&dev), expected);
}

#[test]
fn a_stream_module_gets_the_part_back_and_loads_last() {
    let mut case = echo(Mode::Flavors, "jammy");
    change(&mut case, |nginx| nginx.needs = vec!["stream".into()]);
    assert!(case.text("debian/nginx/core.configure").ends_with("\n--with-stream=dynamic\n"));
    assert!(case.text("debian/ngx-echo-nginx-core.postinst").contains("/70-$module.conf"));
    change(&mut case, |nginx| nginx.flavors[0].configure.push("--with-stream".into()));
    let arguments = case.text("debian/nginx/core.configure");
    assert!(arguments.contains("--with-stream\n") && !arguments.contains("--with-stream=dynamic"), "linked in");

    let mut case = echo(Mode::Dev, "noble");
    change(&mut case, |nginx| nginx.needs = vec!["stream".into()]);
    assert!(build_depends(&case).contains(&"libnginx-mod-stream".to_string()));
    let rules = case.text("debian/rules");
    assert!(rules.contains("\tdh_auto_configure --buildsystem=nginx_mod -- --with-stream\n"), "{rules}");
    assert!(rules.contains("\tdh_auto_test --buildsystem=nginx_mod -- ngx_stream_module.so\n"), "{rules}");
    assert_eq!(case.text("debian/ngx-echo-nginx.nginx"), "mod debian/mod-http-echo.conf 70\n");
}

#[test]
fn a_module_upon_another() {
    let mut case = echo(Mode::Dev, "noble");
    change(&mut case, |nginx| nginx.needs = vec!["libnginx-mod-http-ndk".into()]);
    assert!(build_depends(&case).contains(&"libnginx-mod-http-ndk-dev".to_string()));
    assert!(!case.text("debian/rules").contains("override_dh_auto_test"), "the build system loads it itself");
    change(&mut case, |nginx| nginx.needs = vec!["ngx-other-nginx".into()]);
    assert!(build_depends(&case).contains(&"ngx-other-nginx".to_string()));
    let lines = case.text("debian/rules");
    let words = "-- $(notdir $(filter /usr/lib/nginx/modules/%.so,$(shell dpkg-query -L ngx-other-nginx)))\n";
    assert!(lines.contains(words), "{lines}");

    // its source comes along where there is no package of its headers
    let mut case = echo(Mode::Flavors, "jammy");
    component(&mut case, "ndk", "https://example.org/ndk.tar.gz");
    case.upstream("ndk/config", "ngx_addon_name=ndk_http_module\n");
    change(&mut case, |nginx| nginx.needs = vec!["libnginx-mod-http-ndk".into()]);
    let rules = case.text("debian/rules");
    let words = "--add-dynamic-module=$(CURDIR)/ndk --add-dynamic-module=$(CURDIR)\n";
    assert!(rules.contains(words), "{rules}");
    change(&mut case, |nginx| nginx.modules = vec!["ndk_http_module.so".into()]);
    assert!(case.text("debian/ngx-echo-nginx-core.postinst").contains("/10-$module.conf"));
}

#[test]
fn definitions_of_nginx_are_kept_and_dpkgs_are_not() {
    let mut case = echo(Mode::Flavors, "jammy");
    let flags = "--with-cc-opt=-g -O2 -fPIC -D_FORTIFY_SOURCE=2 -DA=b$c";
    change(&mut case, |nginx| nginx.flavors[0].configure.extend([flags.into(), "-DX=1".into()]));
    let rules = case.text("debian/rules");
    assert!(rules.contains("\nnginx_defines_core = -DX=1 '-DA=b$$c'\n"), "{rules}");
    assert!(!rules.contains("_FORTIFY_SOURCE") && !rules.contains("nginx_defines_light"), "{rules}");
    let arguments = case.text("debian/nginx/core.configure");
    assert!(!arguments.contains("cc-opt") && !arguments.contains("-DX"), "{arguments}");
}

#[test]
fn every_package_with_modules_is_looked_into() {
    for (case, packages) in [
        (pagespeed("xenial"), &["core", "light", "full", "extras"][..]),
        (pagespeed("jammy"), &["core", "light", "extras"]),
    ] {
        let rules = case.text("debian/rules");
        let expected: Vec<String> = packages
            .iter()
            .map(|f| format!("\ttest -s debian/ngx-pagespeed-nginx-{f}/usr/lib/nginx/modules/ngx_pagespeed.so"))
            .collect();
        let found: Vec<&str> = rules.lines().filter(|line| line.starts_with("\ttest -s")).collect();
        assert_eq!(found, expected, "{rules}");
    }
    let rules = pagespeed("noble").text("debian/rules");
    assert_eq!(rules.matches("test -s debian/ngx-pagespeed-nginx/usr/lib").count(), 1, "{rules}");
}

#[test]
fn a_test_in_another_language_runs_after_the_modules_are_enabled() {
    let mut case = pagespeed("jammy");
    case.target.tests[0].run = "#!/usr/bin/python3\nprint(1)\n".into();
    let name = case.target.tests[0].name.clone();
    let first = case.text(&format!("debian/tests/{name}"));
    assert!(
        first.starts_with("#!/bin/sh\n") && first.ends_with(&format!("\nexec ./debian/tests/run/{name}\n")),
        "{first}"
    );
    assert_eq!(case.text(&format!("debian/tests/run/{name}")), "#!/usr/bin/python3\nprint(1)\n");
    assert!(case.render().files[&format!("debian/tests/run/{name}")].executable);
}

#[test]
fn scripts_of_the_recipe_and_of_the_module_are_one() {
    let mut case = echo(Mode::Flavors, "jammy");
    let script = case.recipe_file("after", "#!/bin/sh\nset -e\nmy own\nexit 0\n");
    case.target.packages[0].scripts = vec![("postinst".into(), script)];
    let text = case.text("debian/ngx-echo-nginx-core.postinst");
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    assert!(at("my own") < at("modules-enabled") && at("modules-enabled") < at("#DEBHELPER#"), "{text}");
    assert!(text.ends_with("#DEBHELPER#\n\nexit 0\n"), "{text}");
}

#[test]
fn the_environment_of_the_recipe_wins() {
    let mut case = echo(Mode::Flavors, "xenial");
    assert!(case.text("debian/rules").contains("export DEB_BUILD_MAINT_OPTIONS = hardening=+all,-pie\n"));
    change(&mut case, |nginx| nginx.env = vec![("DEB_BUILD_MAINT_OPTIONS".into(), "hardening=-all".into())]);
    let rules = case.text("debian/rules");
    assert_eq!(rules.matches("DEB_BUILD_MAINT_OPTIONS").count(), 1, "{rules}");
}
