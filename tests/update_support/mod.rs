//! A simulated archive of Ubuntu on loopback: real source packages and .debs of
//! an nginx made small, indexed by apt-ftparchive, signed, in the real layout
//! with `-security` and `-updates`.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::{Run, TestEnvironment, run};

/// 34 features, as bits of a signature; `core` and `extras` differ in the last.
pub const BITS: &str = "0000111111010111001111111111111111";

/// One nginx, as it is published.
#[derive(Clone)]
pub struct Nginx {
    pub series: &'static str,
    pub version: &'static str,
    /// A line that debian/patches adds to src/core/ngx_connection.h.
    pub field: &'static str,
    /// Signature's bits.
    pub bits: &'static str,
    /// Whether it has nginx-dev and one binary.
    pub dev: bool,
}

pub const JAMMY: Nginx =
    Nginx { series: "jammy", version: "1.18.0-6ubuntu14.3", field: "unsigned tcp_nodelay:2;", bits: BITS, dev: false };
pub const NOBLE: Nginx =
    Nginx { series: "noble", version: "1.24.0-2ubuntu7.1", field: "unsigned tcp_nodelay:2;", bits: BITS, dev: true };

/// The archive, and the world of the user.
pub struct World {
    pub environment: TestEnvironment,
    pub address: String,
}

impl World {
    pub fn new() -> World {
        let environment = TestEnvironment::new();
        environment.key();
        fs::create_dir_all(environment.path("archive/ubuntu")).unwrap();
        let address = serve(environment.path("archive"));
        World { environment, address }
    }

    /// jammy and noble, each with an nginx in its release pocket.
    pub fn with_both() -> World {
        let world = World::new();
        for nginx in [JAMMY, NOBLE] {
            world.publish(nginx.series, &[&nginx]);
            for pocket in ["security", "updates"] {
                world.publish(&format!("{}-{pocket}", nginx.series), &[]);
            }
        }
        world
    }

    pub fn root(&self) -> PathBuf {
        self.environment.path("archive/ubuntu")
    }

    /// pkgr with this archive as Ubuntu's.
    pub fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(arguments);
        let ubuntu = format!("{}/ubuntu", self.address);
        for name in ["PKGR_UBUNTU_MIRROR", "PKGR_UBUNTU_OLD_MIRROR", "PKGR_UBUNTU_PORTS_MIRROR"] {
            command.env(name, &ubuntu);
        }
        command.env("PKGR_ARCHIVE_KEYRING", &self.environment.key().keyring);
        command
    }

    /// Runs it.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.pkgr(arguments))
    }

    /// Publishes a suite with these packages; what the pool has stays there.
    pub fn publish(&self, suite: &str, packages: &[&Nginx]) {
        self.publish_without(suite, packages, "/");
    }

    /// As [`World::publish`], without the files whose names end so.
    pub fn publish_without(&self, suite: &str, packages: &[&Nginx], end: &str) {
        let staging = self.environment.path(format!("staging-{suite}"));
        let _ = fs::remove_dir_all(&staging);
        let pool = staging.join("pool/main/n/nginx");
        fs::create_dir_all(&pool).unwrap();
        for nginx in packages {
            self.make_source(nginx, &pool);
            self.make_debs(nginx, &pool);
        }
        for entry in fs::read_dir(&pool).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(end) {
                fs::remove_file(path).unwrap();
            }
        }
        self.index(suite, &staging);
        super::common::copy_tree(&staging.join("pool"), &self.root().join("pool"));
    }

    /// dists/SUITE of what the staging folder has.
    fn index(&self, suite: &str, staging: &Path) {
        let dist = self.root().join("dists").join(suite);
        let _ = fs::remove_dir_all(&dist);
        let ftparchive = |arguments: &[&str]| {
            run(self.environment.command("apt-ftparchive").args(arguments).current_dir(staging)).ok().stdout
        };
        let architectures = ["amd64", "i386"];
        for component in ["main", "universe"] {
            let folder = |name: &str| {
                let folder = dist.join(component).join(name);
                fs::create_dir_all(&folder).unwrap();
                folder
            };
            let of_main = |text: String| if component == "main" { text } else { String::new() };
            self.index_file(&folder("source").join("Sources"), &of_main(ftparchive(&["sources", "pool"])));
            for name in architectures {
                let text = ftparchive(&["--arch", name, "packages", "pool"]);
                self.index_file(&folder(&format!("binary-{name}")).join("Packages"), &of_main(text));
            }
        }
        let codename = suite.split('-').next().unwrap();
        let option = |key: &str, value: &str| format!("APT::FTPArchive::Release::{key}={value}");
        let options = [
            option("Origin", "Ubuntu"),
            option("Label", "Ubuntu"),
            option("Suite", suite),
            option("Codename", codename),
            option("Architectures", &architectures.join(" ")),
            option("Components", "main universe"),
        ];
        let mut arguments: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
        let dist_text = dist.display().to_string();
        arguments.extend(["release", &dist_text]);
        let release = ftparchive(&arguments);
        self.sign(suite, &release, &self.environment.key().fingerprint);
    }

    fn index_file(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        run(self.environment.command("xz").args(["--keep", "--force"]).arg(path)).ok();
    }

    /// The text of Release that a suite has.
    pub fn release(&self, suite: &str) -> String {
        fs::read_to_string(self.environment.path(format!("Release-{suite}"))).unwrap()
    }

    /// Signs a text as the suite's InRelease.
    pub fn sign(&self, suite: &str, release: &str, key: &str) {
        let plain = self.environment.path(format!("Release-{suite}"));
        fs::write(&plain, release).unwrap();
        let signed = self.root().join("dists").join(suite).join("InRelease");
        let _ = fs::remove_file(&signed);
        run(self
            .environment
            .command("gpg")
            .args(["--batch", "--quiet", "--clearsign", "-u", key, "--output"])
            .arg(&signed)
            .arg(&plain))
        .ok();
    }

    fn make_source(&self, nginx: &Nginx, pool: &Path) {
        let upstream = nginx.version.split('-').next().unwrap();
        let work = self.environment.path(format!("source-{}", nginx.version));
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
        // one tarball for all revisions, byte for byte
        let orig = self.environment.path(format!("nginx_{upstream}.orig.tar.gz"));
        if !orig.exists() {
            run(self.environment.command("tar").current_dir(&work).args([
                "--sort=name",
                "--owner=0",
                "--group=0",
                "--mtime=@1600000000",
                "-czf",
                &orig.display().to_string(),
                &format!("nginx-{upstream}"),
            ]))
            .ok();
        }
        fs::copy(&orig, work.join(orig.file_name().unwrap())).unwrap();
        write("debian/source/format", "3.0 (quilt)\n");
        write("debian/patches/series", "# Ubuntu's\nbit-field.patch\n");
        write(
            "debian/patches/bit-field.patch",
            &format!(
                "Description: another field\n--- a/src/core/ngx_connection.h\n+++ b/src/core/ngx_connection.h\n@@ -1,4 +1,5 @@\n struct ngx_connection_s {{\n     void *data;\n     unsigned idle:1;\n+    {}\n }};\n",
                nginx.field
            ),
        );
        write("debian/rules", "#!/usr/bin/make -f\n%:\n\tdh $@\n");
        write(
            "debian/changelog",
            &format!(
                "nginx ({}) {}; urgency=medium\n\n  * Security.\n\n -- A B <a@example.org>  Tue, 24 Nov 2026 08:00:00 +0000\n",
                nginx.version, nginx.series
            ),
        );
        write(
            "debian/control",
            "Source: nginx\nSection: httpd\nPriority: optional\nMaintainer: A B <a@example.org>\nStandards-Version: 4.6.0\n\nPackage: nginx\nArchitecture: any\nDescription: small web server\n",
        );
        run(self.environment.command("dpkg-source").current_dir(&work).arg("-b").arg(&tree)).ok();
        for entry in fs::read_dir(&work).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, pool.join(path.file_name().unwrap())).unwrap();
            }
        }
    }

    fn make_debs(&self, nginx: &Nginx, pool: &Path) {
        for architecture in ["amd64", "i386"] {
            let deb = |package: &str, bits: Option<&str>, fields: &str| {
                self.make_deb(nginx, pool, package, architecture, bits, fields);
            };
            if nginx.dev {
                deb("nginx", Some(nginx.bits), "Provides: httpd, nginx-abi-1.24.0-1\n");
            } else {
                deb("nginx-core", Some(nginx.bits), "");
                deb("nginx-light", Some(nginx.bits), "");
                deb("nginx-extras", Some(nginx.bits), "Depends: libnginx-mod-http-echo\n");
                deb("libnginx-mod-http-echo", None, "");
            }
        }
        let all = |package: &str, fields: &str| self.make_deb(nginx, pool, package, "all", None, fields);
        if nginx.dev {
            all("nginx-dev", "Provides: dh-sequence-nginx\n");
            for flavor in ["core", "light", "full", "extras"] {
                all(&format!("nginx-{flavor}"), "Depends: nginx\n");
            }
        } else {
            all("nginx-full", "Depends: nginx-core (>= 1.18), iproute2\n");
        }
    }

    fn make_deb(
        &self,
        nginx: &Nginx,
        pool: &Path,
        package: &str,
        architecture: &str,
        bits: Option<&str>,
        fields: &str,
    ) {
        let tree = self.environment.path("deb");
        let _ = fs::remove_dir_all(&tree);
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::create_dir_all(tree.join("usr/sbin")).unwrap();
        let source = if package == "nginx" { "" } else { "Source: nginx\n" };
        let control = format!(
            "Package: {package}\n{source}Version: {}\nArchitecture: {architecture}\nMaintainer: A B <a@example.org>\n{fields}Description: small web server\n",
            nginx.version
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        if let Some(bits) = bits {
            fs::write(tree.join("usr/sbin/nginx"), executable(nginx, package, architecture, bits)).unwrap();
        }
        run(self
            .environment
            .command("dpkg-deb")
            .args(["--root-owner-group", "-Zxz", "-z1", "--build"])
            .arg(&tree)
            .arg(pool.join(format!("{package}_{}_{architecture}.deb", nginx.version))))
        .ok();
    }
}

/// An executable that says what nginx's says; its machine is not started.
fn executable(nginx: &Nginx, package: &str, architecture: &str, bits: &str) -> Vec<u8> {
    let upstream = nginx.version.split('-').next().unwrap();
    let (wide, class, machine, pointer) = match architecture {
        "amd64" => (true, 2, 62, 8),
        _ => (false, 1, 3, 4),
    };
    let mut bytes = elf(wide, class, machine);
    let perl = if package == "nginx-extras" { " --with-http_perl_module=dynamic" } else { "" };
    let text = format!(
        "\0nginx version: nginx/{upstream} (Ubuntu)\n\0configure arguments: --with-cc-opt='-g -O2 -DNGX_TEST=1' --prefix=/usr/share/nginx --modules-path=/usr/lib/nginx/modules --with-compat --with-debug{perl} --add-dynamic-module=/build/{package}\n\0{pointer},4,{pointer},{bits}\0"
    );
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The smallest dynamic executable without symbols (System V ABI, chapters 4 and 5).
fn elf(wide: bool, class: u8, machine: u8) -> Vec<u8> {
    let word = if wide { 8 } else { 4 };
    let of = |wide_size: usize, narrow: usize| if wide { wide_size } else { narrow };
    let (header, program, symbol) = (of(64, 52), of(56, 32), of(24, 16));
    let dynamic = header + 2 * program;
    let hash = dynamic + 4 * 2 * word;
    let symbols = hash + 8;
    let strings = symbols + symbol;
    let mut bytes = vec![0; strings + 1];
    let mut put = |at: usize, size: usize, value: usize| {
        bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    };
    put(16, 2, 3); // ET_DYN
    put(18, 2, machine.into());
    put(20, 4, 1);
    put(of(32, 28), word, header);
    put(of(54, 42), 2, program);
    put(of(56, 44), 2, 2);
    for (number, (kind, start, length)) in [(1, 0, strings + 1), (2, dynamic, 8 * word)].into_iter().enumerate() {
        let at = header + number * program;
        put(at, 4, kind);
        put(at + of(8, 4), word, start);
        put(at + of(16, 8), word, start);
        put(at + of(32, 16), word, length);
    }
    for (number, (tag, value)) in [(4, hash), (5, strings), (6, symbols)].into_iter().enumerate() {
        put(dynamic + number * 2 * word, word, tag);
        put(dynamic + number * 2 * word + word, word, value);
    }
    put(hash + 4, 4, 1); // one symbol, the empty one
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1, 1]);
    bytes
}

/// Answers with the files below a folder; one request for each connection.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            std::thread::spawn(move || answer(stream, &folder));
        }
    });
    address
}

fn answer(mut stream: TcpStream, folder: &Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    let Some(path) = head.split(' ').nth(1) else { return };
    let path = path.trim_start_matches('/').replace("%2B", "+").replace("%7E", "~");
    let (status, body) = match fs::read(folder.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", b"no such file".to_vec()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
