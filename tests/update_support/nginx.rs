//! The nginx of each series of Ubuntu made small: what differs between them as
//! modules see it, as source package and .debs.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::common::{TestEnvironment, run};
use super::elf::executable;

/// 34 features, as bits of a signature; nginx before 1.11.5 has no last one.
pub const BITS: &str = "0000111111010111001111111111111111";
const OLD_BITS: &str = "000011111101011101111111111111111";

/// How a series has its flavors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Each compiled by itself.
    Separate,
    /// As before, but `full` is a metapackage over `core`.
    FullOverCore,
    /// One binary, metapackages over it, and nginx-dev; with the name that
    /// stands for its ABI.
    OneBinary(&'static str),
}

/// One nginx, as it is published.
#[derive(Clone, Copy)]
pub struct Nginx {
    pub series: &'static str,
    pub version: &'static str,
    /// A line that debian/patches adds to src/core/ngx_connection.h.
    pub field: &'static str,
    /// The signature's bits.
    pub bits: &'static str,
    pub shape: Shape,
    /// For which there are .debs.
    pub architectures: &'static [&'static str],
    /// Compression of the .debs' members, as dpkg-deb's -Z has it.
    pub compression: &'static str,
}

/// Before `--modules-path` and `--with-compat`; libraries are linked into nginx
/// itself, and nginx is a position-independent executable.
pub const XENIAL: Nginx = Nginx {
    series: "xenial",
    version: "1.10.3-0ubuntu0.16.04.5",
    field: "unsigned tcp_nodelay:2;",
    bits: OLD_BITS,
    shape: Shape::Separate,
    architectures: &["amd64", "i386"],
    compression: "gzip",
};
/// With `--modules-path`, and not yet configured `--with-compat`.
pub const BIONIC: Nginx = Nginx {
    series: "bionic",
    version: "1.14.0-0ubuntu1.11",
    bits: "0000111111010111001111111111111110",
    compression: "xz",
    ..XENIAL
};
/// Without packages of i386 from here on.
pub const FOCAL: Nginx =
    Nginx { series: "focal", version: "1.18.0-0ubuntu1.7", bits: BITS, architectures: &["amd64"], ..BIONIC };
pub const JAMMY: Nginx =
    Nginx { series: "jammy", version: "1.18.0-6ubuntu14.3", shape: Shape::FullOverCore, compression: "zstd", ..FOCAL };
pub const NOBLE: Nginx =
    Nginx { series: "noble", version: "1.24.0-2ubuntu7.1", shape: Shape::OneBinary("nginx-abi-1.24.0-1"), ..JAMMY };
pub const RESOLUTE: Nginx =
    Nginx { series: "resolute", version: "1.28.2-2ubuntu1", shape: Shape::OneBinary("nginx-abi-1.28.2-1"), ..NOBLE };

const FLAVORS: [&str; 4] = ["core", "light", "full", "extras"];

impl Nginx {
    /// What upstream calls it.
    pub fn upstream(&self) -> &str {
        self.version.split('-').next().unwrap()
    }

    fn is_since(&self, minor: u32) -> bool {
        self.upstream().split('.').nth(1).unwrap().parse::<u32>().unwrap() >= minor
    }

    fn dev(&self) -> bool {
        matches!(self.shape, Shape::OneBinary(_))
    }

    /// What configure was called with for a package, as nginx says it of itself.
    pub fn arguments(&self, package: &str) -> String {
        let build = format!("/build/nginx-{}/nginx-{}", self.series, self.upstream());
        let (cc, ld) = match self.is_since(11) {
            true => ("-g -O2 -fPIC -Wdate-time -D_FORTIFY_SOURCE=2 -DNGX_TEST=1", "-Wl,-z,relro -Wl,-z,now -fPIC"),
            false => ("-g -O2 -fPIE -Wdate-time -D_FORTIFY_SOURCE=2", "-fPIE -pie -Wl,-z,relro -Wl,-z,now"),
        };
        let cc = format!("--with-cc-opt='{}'", cc.replace("-g -O2", &format!("-g -O2 -ffile-prefix-map={build}=.")));
        let mut words = vec![cc, format!("--with-ld-opt='{ld}'"), "--prefix=/usr/share/nginx".to_string()];
        let mut add = |more: &str| words.extend(more.split(' ').map(str::to_string));
        add("--conf-path=/etc/nginx/nginx.conf --error-log-path=/var/log/nginx/error.log --pid-path=/run/nginx.pid");
        add("--http-client-body-temp-path=/var/lib/nginx/body");
        if self.is_since(11) {
            add("--modules-path=/usr/lib/nginx/modules");
        } else {
            add("--with-ipv6");
        }
        if self.is_since(18) {
            add("--with-compat");
        }
        add("--with-debug --with-pcre-jit --with-http_ssl_module --with-http_realip_module --with-threads");
        let kind = if self.is_since(11) { "=dynamic" } else { "" };
        if package != "nginx-light" {
            add(&format!("--with-http_geoip_module{kind} --with-http_image_filter_module{kind}"));
            add(&format!("--with-http_xslt_module{kind} --with-stream{kind} --with-mail{kind}"));
        }
        if package == "nginx-extras" {
            add(&format!("--with-http_perl_module{kind}"));
        }
        let added = if self.is_since(11) { "--add-dynamic-module" } else { "--add-module" };
        add(&format!("{added}={build}/debian/modules/http-echo"));
        words.join(" ")
    }

    /// Makes the source package in `pool`, its tarball the same for all of a version.
    pub fn make_source(&self, environment: &TestEnvironment, pool: &Path) {
        let upstream = self.upstream();
        let work = environment.path(format!("source-{}-{}", self.series, self.version));
        let _ = fs::remove_dir_all(&work);
        let tree = work.join(format!("nginx-{upstream}"));
        let write = |path: &str, text: &str| {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/core/nginx.h", &format!("#define NGINX_VERSION \"{upstream}\"\n"));
        write("src/core/ngx_connection.h", "struct ngx_connection_s {\n    void *data;\n    unsigned idle:1;\n};\n");
        write("configure", "#!/bin/sh\n");
        let orig = work.join(format!("nginx_{upstream}.orig.tar.gz"));
        let top = format!("nginx-{upstream}");
        let mut tar = environment.command("tar");
        tar.current_dir(&work).args(["--sort=name", "--owner=0", "--group=0", "--mode=u+rwX,go=rX"]);
        run(tar.args(["--mtime=@1600000000", "--use-compress-program=gzip -n", "-cf"]).arg(&orig).arg(&top)).ok();
        write("debian/source/format", "3.0 (quilt)\n");
        write("debian/patches/series", "# Ubuntu's\nbit-field.patch\n");
        write(
            "debian/patches/bit-field.patch",
            &format!(
                "Description: another field\n--- a/src/core/ngx_connection.h\n+++ b/src/core/ngx_connection.h\n@@ -1,4 +1,5 @@\n struct ngx_connection_s {{\n     void *data;\n     unsigned idle:1;\n+    {}\n }};\n",
                self.field
            ),
        );
        write("debian/rules", "#!/usr/bin/make -f\n%:\n\tdh $@\n");
        write(
            "debian/changelog",
            &format!(
                "nginx ({}) {}; urgency=medium\n\n  * Security.\n\n -- A B <a@example.org>  Tue, 24 Nov 2026 08:00:00 +0000\n",
                self.version, self.series
            ),
        );
        write(
            "debian/control",
            "Source: nginx\nSection: httpd\nPriority: optional\nMaintainer: A B <a@example.org>\nStandards-Version: 4.6.0\n\nPackage: nginx\nArchitecture: any\nDescription: small web server\n",
        );
        run(environment.command("dpkg-source").current_dir(&work).arg("-b").arg(&tree)).ok();
        for entry in fs::read_dir(&work).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, pool.join(path.file_name().unwrap())).unwrap();
            }
        }
    }

    /// Makes the .debs in `pool`, related to each other as the real ones are.
    pub fn make_debs(&self, environment: &TestEnvironment, pool: &Path) {
        let deb = |package: &str, architecture: &str, fields: &str| {
            self.make_deb(environment, pool, package, architecture, fields);
        };
        let others = |flavor: &str| {
            let others = FLAVORS.iter().filter(|other| **other != flavor && self.is_compiled(other));
            others.map(|other| format!("nginx-{other}")).collect::<Vec<_>>().join(", ")
        };
        for architecture in self.architectures {
            if let Shape::OneBinary(abi) = self.shape {
                deb("nginx", architecture, &format!("Provides: httpd, {abi}\n"));
                continue;
            }
            for flavor in FLAVORS.into_iter().filter(|flavor| self.is_compiled(flavor)) {
                let modules = if flavor == "extras" { "Depends: libnginx-mod-http-echo\n" } else { "" };
                let fields = format!("Provides: httpd, nginx\nConflicts: {}\n{modules}", others(flavor));
                deb(&format!("nginx-{flavor}"), architecture, &fields);
            }
            deb("libnginx-mod-http-echo", architecture, "");
        }
        match self.shape {
            Shape::Separate => {}
            Shape::FullOverCore => deb("nginx-full", "all", &format!("Depends: nginx-core (>= {})\n", self.version)),
            Shape::OneBinary(_) => {
                deb("nginx-dev", "all", "Provides: dh-sequence-nginx\n");
                for flavor in FLAVORS {
                    deb(&format!("nginx-{flavor}"), "all", &format!("Depends: nginx (>= {})\n", self.version));
                }
            }
        }
    }

    fn is_compiled(&self, flavor: &str) -> bool {
        !self.dev() && (flavor != "full" || self.shape == Shape::Separate)
    }

    fn make_deb(&self, environment: &TestEnvironment, pool: &Path, package: &str, architecture: &str, fields: &str) {
        let name = format!("{package}_{}_{architecture}.deb", self.version);
        let tree: PathBuf = environment.path(format!("tree-{}-{name}", self.series));
        let _ = fs::remove_dir_all(&tree);
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::create_dir_all(tree.join("usr/sbin")).unwrap();
        let documentation = tree.join("usr/share/doc").join(package);
        fs::create_dir_all(&documentation).unwrap();
        fs::write(documentation.join("copyright"), package).unwrap();
        let source = if package == "nginx" { "" } else { "Source: nginx\n" };
        let control = format!(
            "Package: {package}\n{source}Version: {}\nArchitecture: {architecture}\nMaintainer: A B <a@example.org>\n{fields}Description: small web server\n",
            self.version
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        if architecture != "all" && !package.starts_with("libnginx-mod-") {
            fs::write(tree.join("usr/sbin/nginx"), executable(self, package, architecture)).unwrap();
        }
        let compression = format!("-Z{}", self.compression);
        let mut pack = environment.command("dpkg-deb");
        pack.args(["--root-owner-group", &compression, "-z1", "--build"]);
        run(pack.arg(&tree).arg(pool.join(name))).ok();
    }
}
