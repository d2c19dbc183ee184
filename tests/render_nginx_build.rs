//! What modules of nginx do on the way from one state to another, on real releases:
//! flavors in each other's place, a module disabled, put aside and brought back,
//! and what the checks of the build refuse. That each flavor loads the module is
//! proved by `nginx_end_to_end`.
//!
//! The module is headers-more from Debian's archive under names of its own, for
//! one of the flavors brings the original. Needs mmdebstrap and root, a mirror
//! that has bullseye and trixie, and on first use some minutes for the roots.

mod common;
mod render_nginx_support;
#[path = "render_nginx_support/root.rs"]
mod root;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pkgr::plan::Format;
use pkgr::plan::nginx::{Flavor, Mode};

use common::{TestEnvironment, files_ending, run};
use render_nginx_support::case::Case;
use render_nginx_support::{compiled, component, finish, metapackage, nginx};
use root::{Release, command, fetched, root};

const BULLSEYE: Release = Release {
    codename: "bullseye",
    installed: "build-essential,debhelper,curl,iproute2,libpcre3-dev,libssl-dev,zlib1g-dev",
    fetched: &["nginx-core", "nginx-light", "nginx-full", "nginx-extras"],
    sources: &["nginx"],
};

const TRIXIE: Release = Release {
    codename: "trixie",
    installed: "build-essential,debhelper,curl,iproute2,libexpat1-dev,libgd-dev,libgeoip-dev,libpcre2-dev,\
                libperl-dev,libssl-dev,libxslt1-dev,po-debconf,zlib1g-dev",
    fetched: &["nginx-dev", "nginx-core", "nginx-light", "nginx-full", "nginx-extras"],
    sources: &[],
};

const FLAVORS: [&str; 4] = ["core", "light", "full", "extras"];

const MODULE: &str = "ngx_http_headers_pkgr_filter_module.so";

/// Other names for everything that two modules of one nginx cannot share.
const PREPARE: &str = "\
sed -i -e s/headers_more/headers_pkgr/g -e s/more_set_/pkgr_set_/g -e s/more_clear_/pkgr_clear_/g config src/*
for file in src/*headers_more*; do mv \"$file\" \"$(echo \"$file\" | sed s/headers_more/headers_pkgr/)\"; done
test \"$NGINX_UPSTREAM\" && test \"$WORDS\" = 'two words'
";

/// The case, without packages.
fn headers(series: &str) -> (Case, PathBuf) {
    let mut case = Case::new("ngx-headers", series, Format::Quilt);
    case.target.license = "BSD-2-Clause".into();
    case.target.section = "httpd".into();
    case.upstream("config", "");
    let source = common::apt::source("libnginx-mod-http-headers-more-filter");
    (case, files_ending(&source, ".orig.tar.gz").remove(0))
}

/// Lays the source tree: the module, nginx as its component, and debian/.
fn lay(case: &Case, orig: &Path, nginx: Option<&Path>, to: &Path) {
    for (tarball, folder) in [(Some(orig), to.to_path_buf()), (nginx, to.join("nginx"))] {
        let Some(tarball) = tarball else { continue };
        fs::create_dir_all(&folder).unwrap();
        run(Command::new("tar").arg("-xf").arg(tarball).arg("-C").arg(&folder).arg("--strip-components=1")).ok();
    }
    case.render().write_to(to).unwrap();
}

/// The lines of a flavor's binary that say how it was configured, and its signature.
fn harvest(root: &Path, package: &str) -> (Vec<String>, String) {
    let deb = fetched(root, &format!("{package}_"), "_amd64.deb");
    let mut archive = Command::new("dpkg-deb").arg("--fsys-tarfile").arg(deb).stdout(Stdio::piped()).spawn().unwrap();
    let binary =
        Command::new("tar").args(["-xO", "./usr/sbin/nginx"]).stdin(archive.stdout.take().unwrap()).output().unwrap();
    archive.wait().unwrap();
    let texts: Vec<&str> =
        binary.stdout.split(|b| *b == 0).filter_map(|bytes| std::str::from_utf8(bytes).ok()).collect();
    let line = texts.iter().find_map(|text| text.split_once("configure arguments: ")).unwrap().1;
    let words = run(Command::new("sh").args(["-c", &format!("printf '%s\\n' {}", line.trim())])).ok().stdout;
    let dropped = ["--add-", "--with-cc-opt", "--with-ld-opt"];
    let kept = words.lines().filter(|word| !word.ends_with("=dynamic") && !dropped.iter().any(|d| word.starts_with(d)));
    let is_signature = |text: &&&str| {
        text.starts_with("8,4,8,") && text.len() > 30 && text.chars().all(|c| c.is_ascii_digit() || c == ',')
    };
    (kept.map(String::from).collect(), texts.iter().find(is_signature).unwrap().to_string())
}

/// The distribution's patches in the order of their series.
fn patches(debian: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: &str| {
        let file = format!("debian/patches/{name}");
        let output = Command::new("tar").arg("-xOf").arg(debian).arg(&file).output().unwrap();
        assert!(output.status.success(), "no {file}");
        output.stdout
    };
    let series = String::from_utf8(read("series")).unwrap();
    series.lines().filter(|line| !line.starts_with('#')).map(|name| (name.to_string(), read(name))).collect()
}

/// What every flavor's part of a script begins with.
const FUNCTIONS: &str = r#"
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt() { apt-get -qq -y --no-install-recommends -o Dir::Cache::Archives=/srv/packages -o Dpkg::Use-Pty=0 "$@" > /tmp/apt.log 2>&1 || { cat /tmp/apt.log; return 1; }; }
# `!` alone would not end the script
not() { if "$@"; then echo "not expected: $*"; exit 1; fi; }
module() { echo /mnt/"$1"_*.deb; }
answers() {
    nginx
    for i in 1 2 3 4 5 6 7 8 9; do curl -sI http://127.0.0.1/ > /tmp/answer && break; sleep 0.2; done
    grep -q '^HTTP/1.1 200' /tmp/answer
    nginx -s quit
    while [ -e /run/nginx.pid ]; do sleep 0.1; done
}
loaded() {
    echo 'pkgr_set_headers "X-Pkgr: loaded";' > /etc/nginx/conf.d/pkgr.conf
    nginx -t
    answers
    grep -i '^x-pkgr: loaded' /tmp/answer
    rm /etc/nginx/conf.d/pkgr.conf
    echo "LOADED $1"
}
unloaded() {
    nginx -t
    answers
    not grep -i '^x-pkgr' /tmp/answer
    not [ -e /etc/nginx/modules-enabled/50-mod-http-headers-pkgr-filter.conf ]
    echo "UNLOADED $1"
}
"#;

fn assert_lines(text: &str, expected: &[&str]) {
    let found: Vec<&str> =
        text.lines().filter(|line| line.starts_with("LOADED ") || line.starts_with("UNLOADED ")).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn flavors_of_bullseye() {
    let root = root(&BULLSEYE);
    let environment = TestEnvironment::new();
    let (mut case, orig) = headers("bullseye");
    let dsc = fs::read_to_string(fetched(&root, "nginx_", ".dsc")).unwrap();
    let version = dsc.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap();
    component(&mut case, "nginx", "https://example.org/nginx.tar.gz");
    let mut nginx = nginx(&case, Mode::Flavors, version, &[MODULE]);
    nginx.prepare = Some(PREPARE.into());
    nginx.env = vec![("WORDS".into(), "two words".into())];
    nginx.patches = patches(&fetched(&root, "nginx_", ".debian.tar.xz"));
    assert!(nginx.patches.len() > 1);
    nginx.flavors = FLAVORS
        .map(|name| match name {
            "full" => metapackage(&case, name),
            _ => {
                let (arguments, signature) = harvest(&root, &format!("nginx-{name}"));
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                compiled(&case, name, &arguments, &[("amd64", &signature)])
            }
        })
        .into();
    finish(&mut case, nginx, &["amd64"], "1.18.1");
    let shared = environment.path("shared");
    lay(&case, &orig, Some(&fetched(&root, "nginx_", ".orig.tar.gz")), &shared.join("tree"));
    let build = r#"
cp -a /mnt/tree /tmp/tree
cd /tmp/tree
dpkg-buildpackage -b -us -uc -j2 > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }
cp /tmp/*.deb /mnt
for flavor in core light extras; do
    dpkg-deb -c /mnt/ngx-headers-nginx-"$flavor"_*.deb | grep -q ./usr/lib/nginx/modules/ngx_http_headers_pkgr_filter_module.so
done
# the checks of the build see what is wrong
sed -i s/1/0/g debian/nginx/light.signature
not debian/rules override_dh_auto_test-arch > /tmp/refused 2>&1
grep -q 'nginx of this flavor would not load it' /tmp/refused
rm debian/ngx-headers-nginx-extras/usr/lib/nginx/modules/*.so
not debian/rules execute_before_dh_builddeb-arch > /tmp/refused 2>&1
debian/rules clean > /dev/null 2>&1
not [ -e debian/build ]
cd /mnt
"#;
    let install = r#"
link=/etc/nginx/modules-enabled/50-mod-http-headers-pkgr-filter.conf
apt install nginx-core "$(module ngx-headers-nginx-core)"
loaded core
apt remove ngx-headers-nginx-core
[ -L $link.removed ]
unloaded core
# another flavor in its place, and then straight from one to the next
apt install nginx-light "$(module ngx-headers-nginx-light)"
loaded light
apt install nginx-extras "$(module ngx-headers-nginx-extras)"
apt purge ngx-headers-nginx-light ngx-headers-nginx-core
loaded extras
apt install nginx-full "$(module ngx-headers-nginx-core)" "$(module ngx-headers-nginx-full)"
loaded full
# what the administrator disabled stays so
rm $link
apt install --reinstall "$(module ngx-headers-nginx-core)"
unloaded disabled
ln -s /usr/share/nginx/modules-available/mod-http-headers-pkgr-filter.conf $link
apt purge ngx-headers-nginx-core ngx-headers-nginx-full ngx-headers-nginx-extras
unloaded all
not [ -L $link.removed ]
"#;
    let done = run(&mut command(&environment, &root, &shared, &format!("{FUNCTIONS}{build}{install}"))).ok();
    assert_lines(
        &done.stdout,
        &[
            "LOADED core",
            "UNLOADED core",
            "LOADED light",
            "LOADED extras",
            "LOADED full",
            "UNLOADED disabled",
            "UNLOADED all",
        ],
    );
}

/// What `dh_nginx --noenable` leaves out is done by the package's own scripts: the
/// administrator's link is put aside by a removal, and comes back.
#[test]
fn one_binary_of_trixie_not_enabled() {
    let root = root(&TRIXIE);
    let environment = TestEnvironment::new();
    let (mut case, orig) = headers("trixie");
    let flavors: Vec<Flavor> = FLAVORS.iter().map(|name| metapackage(&case, name)).collect();
    let mut nginx = nginx(&case, Mode::Dev, "1.22.1-9", &[MODULE]);
    nginx.prepare = Some(PREPARE.into());
    nginx.env = vec![("WORDS".into(), "two words".into())];
    nginx.enable = false;
    nginx.flavors = flavors;
    finish(&mut case, nginx, &["any"], "");
    let shared = environment.path("shared");
    lay(&case, &orig, None, &shared.join("tree"));
    let build = r#"
apt install nginx-dev
cp -a /mnt/tree /tmp/tree
cd /tmp/tree
dpkg-buildpackage -b -us -uc -j2 > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }
cp /tmp/*.deb /mnt
dpkg-deb -f "$(module ngx-headers-nginx)" Depends | grep -q nginx-abi-
grep -q 'nginx.*-t -q' /tmp/log
cd /mnt
apt purge nginx-dev
"#;
    let install = r#"
link=/etc/nginx/modules-enabled/50-mod-http-headers-pkgr-filter.conf
meta=$(module ngx-headers-nginx-light)
apt install "$(module ngx-headers-nginx)" "$meta"
unloaded before
ln -s /usr/share/nginx/modules-available/mod-http-headers-pkgr-filter.conf $link
apt remove ngx-headers-nginx
[ -L $link.removed ]
apt install "$(module ngx-headers-nginx)" "$meta"
loaded light
apt purge ngx-headers-nginx ngx-headers-nginx-light
unloaded light
"#;
    let done = run(&mut command(&environment, &root, &shared, &format!("{FUNCTIONS}{build}{install}"))).ok();
    assert_lines(&done.stdout, &["UNLOADED before", "LOADED light", "UNLOADED light"]);
}

/// Debian has no xenial to build in, but its debhelper still knows xenial's
/// compat level.
#[test]
fn rules_of_compat_9() {
    let root = root(&BULLSEYE);
    let environment = TestEnvironment::new();
    let (mut case, orig) = headers("xenial");
    component(&mut case, "nginx", "https://example.org/nginx.tar.gz");
    let mut nginx = nginx(&case, Mode::Flavors, "1.18.0-6.1", &[MODULE]);
    nginx.prepare = Some(PREPARE.into());
    nginx.env = vec![("WORDS".into(), "two words".into())];
    nginx.patches = patches(&fetched(&root, "nginx_", ".debian.tar.xz"));
    let (arguments, signature) = harvest(&root, "nginx-light");
    let arguments: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--modules-path")).collect();
    nginx.flavors = vec![compiled(&case, "light", &arguments, &[("amd64", &signature)])];
    finish(&mut case, nginx, &["amd64"], "1.18.1");
    let shared = environment.path("shared");
    lay(&case, &orig, Some(&fetched(&root, "nginx_", ".orig.tar.gz")), &shared.join("tree"));
    let build = r#"
cp -a /mnt/tree /tmp/tree
cd /tmp/tree
dpkg-buildpackage -b -us -uc -j2 > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }
cp /tmp/*.deb /mnt
grep -q "build/light/$module: 8,4,8," /tmp/log
dpkg-deb -c "$(module ngx-headers-nginx-light)"
"#;
    let script = format!("module={MODULE}\n{FUNCTIONS}{build}");
    let contents = run(&mut command(&environment, &root, &shared, &script)).ok().stdout;
    let link = format!("./usr/share/nginx/modules/{MODULE} -> ");
    assert!(contents.contains(&link) && contents.contains(&format!("./usr/lib/nginx/modules/{MODULE}")), "{contents}");
}
