//! What `pack` makes of a tree against what dpkg-dev makes of the same tree: the
//! raw tarball, .dsc and .changes byte for byte but for the digests that follow
//! from the compression, .buildinfo field by field.
//!
//! A missing tool fails the test: without dpkg-dev it proves nothing.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use pkgr::deb::checksums::{self, Checksums};
use pkgr::deb::control::{self, Paragraph};
use pkgr::diagnostic::Failure;
use pkgr::pack::{Input, Orig, Packed, SourcePackage, assemble};
use pkgr::plan::Format;
use pkgr::render::{File, Origin, Tree};

const CONTROL: &str = "\
Source: hello
Section: devel
Priority: optional
Maintainer: A Maintainer <a@example.org>
Uploaders: B One <b@example.org>,
 C Two <c@example.org>,
Build-Depends: debhelper (>= 9), foo(>=1)[amd64  i386],bar<!nocheck><cross>, ,
# a comment
 debhelper (>= 10), a | b, b, x [!i386], x [!i386 !amd64], n:native (<< 2) <!stage1> <cross>
Build-Depends-Indep: python3
Build-Conflicts: zoo (<< 2), apple, zoo (<< 3)
Standards-Version: 4.6.2
Homepage: https://example.org/
Vcs-Git: https://example.org/hello.git -b main
Vcs-Browser: https://example.org/hello
Rules-Requires-Root: no
XSBC-Original-Maintainer: Somebody <s@example.org>
XS-Go-Import-Path: example.org/hello
XC-Notice: changes only

Package: hello
Architecture: amd64 arm64
Depends: ${misc:Depends}, ${shlibs:Depends}
Description: greeting
 A long
 .
   text

Package: hello-udeb
Package-Type: udeb
Section: debian-installer
Architecture: linux-any
Description: x

Package: hello-data
Architecture: all
Priority: extra
Essential: yes
Build-Profiles: <!nodoc !stage1> <pkg.demo.x>
Description: y
";

const CHANGELOG: &str = "\
hello (1:2.12-2~ubuntu22.04.1) jammy; urgency=HIGH

  * New upstream version (Closes: #1234, bug#77).

    Indented, with a blank line before (LP: #5,
    #6).
  [ Another ]
  * ü. closes: 9

 -- A Maintainer <a@example.org>  Tue, 05 Mar 2024 10:00:00 +0100

hello (2.12-1) jammy; urgency=low

  * Old. Closes: #1

 -- A Maintainer <a@example.org>  Mon, 04 Mar 2024 10:00:00 +0000
";

const TESTS: &str = "Tests: one two\nDepends: @, curl (>= 7) | wget, @builddeps@, hello-data, python3:any\nRestrictions: needs-root\n\nTest-Command: true\nDepends: zsh [amd64]\n";

/// What an ordinary tree holds, and what is hard about a tarball.
fn tree(format: Format) -> Tree {
    let mut tree = Tree::default();
    let mut add = |path: &str, bytes: &[u8], executable| {
        let file = File { bytes: bytes.to_vec(), executable, origin: Origin::Generated };
        tree.files.insert(path.to_string(), file);
    };
    add("debian/control", CONTROL.as_bytes(), false);
    add("debian/changelog", CHANGELOG.as_bytes(), false);
    add("debian/rules", b"#!/usr/bin/make -f\n%:\n\tdh $@\n", true);
    add("debian/copyright", b"x\n", false);
    add("debian/source/format", format!("{}\n", format.name()).as_bytes(), false);
    add("debian/source/include-binaries", b"debian/payload/icon.png\n", false);
    add("debian/payload/icon.png", b"\x89PNG\0\0", false);
    add("debian/payload/empty", b"", false);
    add("debian/payload-more/x", b"sorted after payload/", true);
    add("debian/payload.d", &[b'x'; 512], false);
    add("debian/payload/ümläut and blank", b"u", false);
    add("debian/tests/control", TESTS.as_bytes(), false);
    add("debian/tests/one", b"true\n", true);
    add(&format!("debian/payload/{}/deep", "folder-of-some-length/".repeat(6).trim_end_matches('/')), b"deep", false);
    add(&format!("debian/{}", "n".repeat(100 - 7)), b"100 bytes", false);
    add(&format!("debian/{}", "m".repeat(101 - 7)), b"101 bytes", false);
    if format == Format::Native {
        let changelog = CHANGELOG.replace("1:2.12-2~ubuntu22.04.1", "1:2.12~ubuntu22.04.1");
        add("debian/changelog", changelog.as_bytes(), false);
        add("a-script", b"#!/bin/sh\n", true);
        add("docs/x/readme", b"read me\n", false);
    }
    tree
}

/// A work folder with the tree unpacked for dpkg-dev.
struct Bench {
    folder: tempfile::TempDir,
    top: PathBuf,
    vendor: &'static str,
}

impl Bench {
    fn new(tree: &Tree, vendor: &'static str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join(if tree.files.contains_key("a-script") {
            "hello-2.12~ubuntu22.04.1"
        } else {
            "hello-2.12"
        });
        for (path, file) in &tree.files {
            put(&top.join(path), &file.bytes, file.executable);
        }
        let origins = folder.path().join("origins");
        let text = format!("Vendor: {vendor}\nVendor-URL: https://example.org/\n");
        put(&origins.join("default"), text.as_bytes(), false);
        put(&origins.join(vendor.to_lowercase()), text.as_bytes(), false);
        Bench { folder, top, vendor }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a tool in a folder; returns whether it succeeded, and what it said.
    fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "Pacific/Auckland")
            .env("HOME", self.folder.path())
            .env("DPKG_ORIGINS_DIR", self.path("origins"))
            .output()
            .unwrap_or_else(|e| panic!("{program} is needed: {e}"));
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn must(&self, folder: &Path, program: &str, arguments: &[&str]) {
        let (success, said) = self.run(folder, program, arguments);
        assert!(success, "{program} {arguments:?}: {said}");
    }

    fn orig(&self, name: &str, signed: bool) -> Orig {
        let stem = name.split(".tar.").next().unwrap();
        let content = if stem.ends_with(".orig") { "README" } else { "data" };
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("top/{content}"), &b"text"[..]).unwrap();
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        put(&self.path(name), &bytes, false);
        let place = match stem.split_once(".orig-") {
            Some((_, component)) => self.top.join(component).join(content),
            None => self.top.join(content),
        };
        put(&place, b"text", false);
        let signature = signed.then(|| {
            (format!("{name}.asc"), b"-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n".to_vec())
        });
        if let Some((name, bytes)) = &signature {
            put(&self.path(name), bytes, false);
        }
        Orig { file_name: name.to_string(), checksums: Checksums::of(&bytes), signature }
    }

    /// Compares a package of ours with what dpkg-dev makes in this folder.
    fn compare(&self, package: &SourcePackage, style: &str) {
        let top = self.top.file_name().unwrap().to_str().unwrap();
        self.must(self.folder.path(), "dpkg-source", &["-b", top]);
        let theirs = std::fs::read(self.path(&package.tarball.name)).unwrap();
        assert!(unxz(&package.tarball.bytes) == unxz(&theirs), "{}: raw tarballs differ", self.vendor);

        let dsc = self.text(&package.dsc.name);
        assert_eq!(text(&package.dsc), checksums::replace(&dsc, &package.tarball.name, &package.tarball.checksums));

        self.must(&self.top, "dpkg-genbuildinfo", &["--build=source"]);
        let buildinfo = self.text(&package.buildinfo.name);
        compare_buildinfo(&text(&package.buildinfo), &buildinfo);
        let output = format!("-O../{}", package.changes.name);
        self.must(&self.top, "dpkg-genchanges", &["--build=source", style, &output]);
        let mut changes = self.text(&package.changes.name);
        for packed in [&package.tarball, &package.dsc, &package.buildinfo] {
            changes = checksums::replace(&changes, &packed.name, &packed.checksums);
        }
        assert_eq!(text(&package.changes), changes);
        self.verify(package);
    }

    /// Our files, unpacked by dpkg-source, are the tree again; dscverify's parser
    /// and dcmd take the lists.
    fn verify(&self, package: &SourcePackage) {
        let folder = self.path("ours");
        for packed in [&package.dsc, &package.tarball, &package.buildinfo, &package.changes] {
            put(&folder.join(&packed.name), &packed.bytes, false);
        }
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            if name.contains(".orig") {
                std::fs::copy(&path, folder.join(name)).unwrap();
            }
        }
        self.must(&folder, "dpkg-source", &["--no-check", "-x", &package.dsc.name, "unpacked"]);
        self.must(&folder, "dcmd", &["ls", &package.changes.name]);
        self.must(
            self.folder.path(),
            "diff",
            &["-r", "--exclude=files", "--exclude=.pc", self.top.to_str().unwrap(), "ours/unpacked"],
        );
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

fn put(path: &Path, bytes: &[u8], executable: bool) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut folder = path.parent();
    while let Some(parent) =
        folder.filter(|parent| parent.starts_with(std::env::temp_dir()) && *parent != std::env::temp_dir())
    {
        std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder = parent.parent();
    }
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 })).unwrap();
}

fn text(packed: &Packed) -> String {
    String::from_utf8(packed.bytes.clone()).unwrap()
}

fn unxz(bytes: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    liblzma::read::XzDecoder::new(bytes).read_to_end(&mut raw).unwrap();
    raw
}

fn compare_buildinfo(ours: &str, theirs: &str) {
    let one = |text: &str| -> Paragraph { control::parse(text).unwrap().remove(0) };
    let (ours, theirs) = (one(ours), one(theirs));
    let of_the_machine = ["Build-Path", "Build-Kernel-Version", "Build-Tainted-By"];
    let names = |paragraph: &Paragraph| -> Vec<String> {
        paragraph
            .iter()
            .map(|(name, _)| name.to_string())
            .filter(|name| !of_the_machine.contains(&name.as_str()))
            .collect()
    };
    assert_eq!(names(&ours), names(&theirs));
    for field in ["Format", "Source", "Architecture", "Version"] {
        assert_eq!(ours.get(field), theirs.get(field));
    }
}

fn pack(
    tree: &Tree,
    format: Format,
    vendor: &str,
    origs: &[Orig],
    include_origs: bool,
) -> Result<SourcePackage, Failure> {
    assemble(Input { tree, format, vendor, origs, include_origs })
}

#[test]
fn a_quilt_package_with_components_and_signatures() {
    let tree = tree(Format::Quilt);
    let bench = Bench::new(&tree, "Ubuntu");
    let origs = [
        bench.orig("hello_2.12.orig.tar.gz", true),
        bench.orig("hello_2.12.orig-data.tar.gz", false),
        bench.orig("hello_2.12.orig-a-extra.tar.gz", true),
    ];
    let package = pack(&tree, Format::Quilt, "Ubuntu", &origs, true).unwrap();
    assert!(text(&package.changes).contains("\nLaunchpad-Bugs-Fixed: 5 6\n"));
    assert_eq!(package.origs_included.len(), 5);
    assert_eq!(package.tarball.name, "hello_2.12-2~ubuntu22.04.1.debian.tar.xz");
    bench.compare(&package, "-sa");
}

#[test]
fn origs_that_the_archive_has_are_left_out_of_the_changes_alone() {
    let tree = tree(Format::Quilt);
    let bench = Bench::new(&tree, "Debian");
    let origs = [bench.orig("hello_2.12.orig.tar.gz", true)];
    let package = pack(&tree, Format::Quilt, "Debian", &origs, false).unwrap();
    assert!(package.origs_included.is_empty());
    assert!(!text(&package.changes).contains(".orig."));
    assert!(text(&package.dsc).contains(".orig.tar.gz.asc"));
    bench.compare(&package, "-sd");
}

#[test]
fn a_native_package() {
    let tree = tree(Format::Native);
    let bench = Bench::new(&tree, "Debian");
    let package = pack(&tree, Format::Native, "Debian", &[], true).unwrap();
    assert_eq!(package.tarball.name, "hello_2.12~ubuntu22.04.1.tar.xz");
    bench.compare(&package, "-sa");
}

#[test]
fn many_packages_fold_the_binary_field() {
    let mut tree = tree(Format::Quilt);
    let mut control = CONTROL.to_string();
    for i in 0..90 {
        control.push_str(&format!("\nPackage: hello-with-a-long-name-{i}\nArchitecture: any\nDescription: x\n"));
    }
    tree.files.get_mut("debian/control").unwrap().bytes = control.into_bytes();
    let bench = Bench::new(&tree, "Debian");
    let origs = [bench.orig("hello_2.12.orig.tar.gz", false)];
    bench.compare(&pack(&tree, Format::Quilt, "Debian", &origs, true).unwrap(), "-sa");
}

#[test]
fn independent_readers_read_what_is_written() {
    let tree = tree(Format::Quilt);
    let bench = Bench::new(&tree, "Ubuntu");
    let origs = [bench.orig("hello_2.12.orig.tar.gz", false)];
    let package = pack(&tree, Format::Quilt, "Ubuntu", &origs, true).unwrap();
    for packed in [&package.dsc, &package.buildinfo, &package.changes] {
        let text = text(packed);
        let ours = control::parse(&text).unwrap();
        assert_eq!(ours.len(), 1);
        let names: Vec<&str> = ours[0].iter().map(|(name, _)| name).collect();

        let lossless: deb822_lossless::Deb822 = text.parse().unwrap();
        assert_eq!(lossless.to_string(), text);
        let paragraph = lossless.paragraphs().next().unwrap();
        assert_eq!(paragraph.keys().collect::<Vec<_>>(), names);

        let theirs = debcontrol::parse_str(&text).unwrap();
        assert_eq!(theirs[0].fields.iter().map(|field| field.name).collect::<Vec<_>>(), names);
        for (name, value) in ours[0].iter().filter(|(_, value)| !value.contains('\n')) {
            assert_eq!(paragraph.get(name).unwrap_or_default().trim(), value);
            let found = theirs[0].fields.iter().find(|field| field.name == name).unwrap();
            assert_eq!(found.value.trim(), value);
        }
    }
}

#[test]
fn what_dpkg_source_refuses_is_refused() {
    let change = |path: &str, from: &str, to: &str| {
        let mut tree = tree(Format::Quilt);
        let file = tree.files.get_mut(path).unwrap();
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        assert!(text.contains(from), "{path}: {from}");
        file.bytes = text.replacen(from, to, 1).into_bytes();
        tree
    };
    let cases = [
        ("debian/control", "Source: hello", "Source: other", "bad-changelog"),
        ("debian/control", "Build-Depends: debhelper", "Build-Depends: deb_helper", "bad-control"),
        ("debian/control", "Section: devel", "Section: devel\nsection: web", "bad-control"),
        ("debian/control", "Architecture: linux-any", "Architecture: linux-any all", "bad-control"),
        ("debian/changelog", "2.12-2~ubuntu22.04.1", "v2.12-2", "bad-changelog"),
        ("debian/changelog", "2.12-2~ubuntu22.04.1", "2.12", "bad-version"),
        ("debian/tests/control", "Tests: one two\n", "", "bad-tests-control"),
        ("debian/source/format", "3.0 (quilt)", "3.0 (nonsense)", "bad-source-format"),
        ("debian/source/include-binaries", "debian/payload/icon.png", "# nothing", "binary-file"),
    ];
    for (path, from, to, code) in cases {
        let tree = change(path, from, to);
        let bench = Bench::new(&tree, "Debian");
        let orig = bench.orig("hello_2.12.orig.tar.gz", false);
        let failure = pack(&tree, Format::Quilt, "Debian", &[orig], true).unwrap_err();
        assert_eq!(failure.diagnostics[0].code, code, "{to}: {failure}");
        let (accepted, said) = bench.run(bench.folder.path(), "dpkg-source", &["-b", "hello-2.12"]);
        assert!(!accepted, "dpkg-source accepts {to}: {said}");
    }
}

#[test]
fn errors_name_file_and_line() {
    let mut tree = tree(Format::Quilt);
    let file = tree.files.get_mut("debian/control").unwrap();
    file.bytes =
        CONTROL.replace("Build-Conflicts: zoo (<< 2), apple", "Build-Conflicts: zoo (<< 2), ap ple").into_bytes();
    file.origin = Origin::Override;
    let orig = Orig { file_name: "hello_2.12.orig.tar.gz".to_string(), checksums: Checksums::of(b""), signature: None };
    let failure = pack(&tree, Format::Quilt, "Debian", std::slice::from_ref(&orig), true).unwrap_err();
    let place = failure.diagnostics[0].place.as_ref().unwrap();
    assert_eq!((place.file.to_str(), place.line), (Some("debian/control"), 11));
    assert!(place.text.starts_with("Build-Conflicts"));
    assert_eq!(failure.diagnostics[0].notes.len(), 1);
}

#[test]
fn files_that_a_rebuild_would_lose_are_refused() {
    let bench = Bench::new(&tree(Format::Quilt), "Debian");
    let orig = bench.orig("hello_2.12.orig.tar.gz", false);
    let with = |path: &str, options: &str| {
        let mut tree = tree(Format::Quilt);
        let file = |text: &str| File { bytes: text.as_bytes().to_vec(), executable: false, origin: Origin::Generated };
        tree.files.insert(path.to_string(), file("x"));
        tree.files.insert("debian/source/options".to_string(), file(options));
        tree
    };
    for path in ["debian/payload/plugin.so", "debian/.gitignore", "debian/files", "debian/x.a/y", "debian/x~"] {
        let failure = pack(&with(path, ""), Format::Quilt, "Debian", std::slice::from_ref(&orig), true).unwrap_err();
        assert_eq!(failure.diagnostics[0].code, "ignored-file", "{path}");
    }
    let tree = with("debian/payload/plugin.so", "tar-ignore = \"*.never\"\n");
    let bench = Bench::new(&tree, "Debian");
    let origs = [bench.orig("hello_2.12.orig.tar.gz", false)];
    bench.compare(&pack(&tree, Format::Quilt, "Debian", &origs, true).unwrap(), "-sa");
}

#[test]
fn origs_must_go_with_the_package() {
    let tree = tree(Format::Quilt);
    let orig = |name: &str| Orig { file_name: name.to_string(), checksums: Checksums::of(b""), signature: None };
    for names in [
        &["hello_2.11.orig.tar.gz"][..],
        &["hello_2.12.orig-data.tar.gz"],
        &["hello_2.12.orig.tar.gz", "hello_2.12.orig.tar.xz"],
        &["hello_2.12.orig.tar.gz", "hello_2.12.orig-a_b.tar.gz"],
        &["hello_2.12.orig.tar.zst"],
        &[],
    ] {
        let origs: Vec<Orig> = names.iter().map(|name| orig(name)).collect();
        let failure = pack(&tree, Format::Quilt, "Debian", &origs, true).unwrap_err();
        assert_eq!(failure.diagnostics[0].code, "bad-orig", "{names:?}");
    }
    let native = self::tree(Format::Native);
    let failure = pack(&native, Format::Native, "Debian", &[orig("hello_2.12.orig.tar.gz")], true).unwrap_err();
    assert_eq!(failure.diagnostics[0].code, "bad-orig");
}
