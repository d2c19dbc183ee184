//! Reading .debs: what dpkg-deb builds is read as dpkg-deb reads it, in every
//! compression; what is broken or hostile is refused by name and takes neither
//! much memory nor the program down.

mod common;

use std::fs;
use std::io::Read;

use common::{TestEnvironment, run};
use pkgr::deb::archive::{self, DebError, Limits, Package};

const LONG: &str =
    "a-name-that-ustar-cannot-hold-because-it-has-more-than-one-hundred-characters-in-its-last-part-alone-truly";

/// A package with the usual and the odd, built by dpkg-deb.
fn build(environment: &TestEnvironment, compression: &str) -> Vec<u8> {
    let root = environment.work().join("tree");
    let _ = fs::remove_dir_all(&root);
    for folder in ["DEBIAN", "usr/sbin", "usr/lib/nginx/modules", "etc"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let control = "Package: t\nVersion: 1:2-3\nArchitecture: amd64\nMaintainer: Du9L <du9l@example.org>\n\
        Depends: a,\n b\nDescription: t\n t\n";
    fs::write(root.join("DEBIAN/control"), control).unwrap();
    fs::write(root.join("usr/sbin/nginx"), vec![7; 20_000]).unwrap();
    fs::write(root.join("etc/empty"), "").unwrap();
    fs::write(root.join(format!("usr/lib/nginx/modules/{LONG}.so")), "long").unwrap();
    fs::hard_link(root.join("usr/sbin/nginx"), root.join("usr/sbin/twin")).unwrap();
    std::os::unix::fs::symlink(format!("/{LONG}"), root.join("usr/sbin/link")).unwrap();
    let deb = environment.work().join("t.deb");
    let build = |c: &mut std::process::Command| run(c.arg(&root).arg(&deb)).ok();
    build(environment.command("dpkg-deb").args(["--root-owner-group", &format!("-Z{compression}"), "--build"]));
    fs::read(deb).unwrap()
}

fn read(bytes: &[u8]) -> Result<Package, DebError> {
    archive::read(bytes, &|_| true, &Limits::default())
}

#[test]
fn every_compression_is_read_as_dpkg_reads_it() {
    let environment = TestEnvironment::new();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let bytes = build(&environment, compression);
        let package = read(&bytes).unwrap();
        assert_eq!(package.control.get("Version"), Some("1:2-3"));
        assert_eq!(package.control.get("Depends"), Some("a,\n b"));
        let root = environment.work().join("unpacked");
        let _ = fs::remove_dir_all(&root);
        run(environment.command("dpkg-deb").args(["-x", "t.deb", "unpacked"])).ok();
        let mut names: Vec<String> = Vec::new();
        for file in &package.files {
            let name = String::from_utf8(file.path.clone()).unwrap();
            assert!(fs::read(root.join(&name)).unwrap() == file.content, "{compression}: {name}");
            names.push(name);
        }
        names.sort();
        // a hard link has no content of its own: the name that comes first has it
        let long = format!("usr/lib/nginx/modules/{LONG}.so");
        assert_eq!(names, ["etc/empty", long.as_str(), "usr/sbin/nginx"], "{compression}");
    }
}

#[test]
fn only_what_is_wanted_is_kept() {
    let environment = TestEnvironment::new();
    let bytes = build(&environment, "xz");
    let package = archive::read(&bytes[..], &|path| path.ends_with(b".so"), &Limits::default()).unwrap();
    assert_eq!(package.files.len(), 1);
    assert_eq!(package.files[0].content, b"long");
}

#[test]
fn a_cut_package_is_refused_wherever_it_is_cut() {
    let environment = TestEnvironment::new();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let bytes = build(&environment, compression);
        for length in (0..bytes.len() - 1).step_by(bytes.len() / 150 + 1) {
            assert!(read(&bytes[..length]).is_err(), "{compression} cut at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn a_changed_byte_never_panics() {
    let environment = TestEnvironment::new();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let bytes = build(&environment, compression);
        for index in (0..bytes.len()).step_by(bytes.len() / 300 + 1) {
            for flip in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[index] ^= flip;
                if let Ok(package) = read(&changed) {
                    assert!(package.files.len() <= 4);
                }
            }
        }
    }
}

/// An ar archive of these members.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, content.len()).bytes());
        bytes.extend_from_slice(content);
        bytes.extend(vec![b'\n'; content.len() % 2]);
    }
    bytes
}

fn tar(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).unwrap();
        header.set_entry_type(tar::EntryType::new(*kind));
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

const CONTROL: &[u8] = b"Package: t\nVersion: 1\n";

fn deb(members: &[(&str, &[u8])]) -> Result<Package, DebError> {
    read(&ar(members))
}

#[test]
fn the_order_of_members_is_debs() {
    let (control, data) = (tar(&[("./control", b'0', CONTROL)]), tar(&[("./a//b", b'0', b"x")]));
    let (format, control, data) =
        (("debian-binary", b"2.0\n".as_slice()), ("control.tar/", control.as_slice()), ("data.tar", data.as_slice()));
    let package = deb(&[format, ("_gpgorigin", b"odd"), control, ("_x", b""), data, ("more", b"")]).unwrap();
    assert_eq!(package.files[0].path, b"a/b");
    let message = |members: &[_]| deb(members).unwrap_err().to_string();
    assert_eq!(message(&[control, data]), "not a .deb: its first member is `control.tar` instead of `debian-binary`");
    assert_eq!(
        message(&[("debian-binary", b"3.0\n"), control, data]),
        "the .deb has format `3.0`, and only 2.x is known"
    );
    assert_eq!(message(&[format, data]), "the .deb has the member `data.tar` where `control.tar` has to be");
    assert_eq!(message(&[format, control]), "the .deb has no member `data.tar`");
    assert_eq!(
        message(&[format, ("control.tar.lz", b"")]),
        "`control.tar.lz` is compressed in a way that pkgr does not read"
    );
    assert_eq!(message(&[format, ("control.tar", &[]), data]), "the .deb has no member `control`");
    assert_eq!(message(&[("debian-binary", &[b'2'; 100])]), "`debian-binary` has more than 64 bytes");
    assert!(matches!(read(b"\x7fELF..."), Err(DebError::NotAnArchive)));
    assert!(matches!(read(b""), Err(DebError::NotAnArchive)));
    let broken = tar(&[("control", b'0', b"no colon")]);
    assert!(message(&[format, ("control.tar", &broken)]).starts_with("its control file is wrong at line 1"));
}

#[test]
fn what_dpkg_refuses_in_a_tar_is_refused() {
    let control = tar(&[("control", b'0', CONTROL)]);
    let with = |data: &[u8]| deb(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", data)]);
    let pax = tar(&[("x", b'x', b"12 path=abc\n")]);
    assert!(with(&pax).unwrap_err().to_string().contains("pax"), "pax headers");
    let mut wrong = tar(&[("a", b'0', b"x")]);
    wrong[0] = b'b';
    assert!(with(&wrong).unwrap_err().to_string().contains("checksum"));
    // a long name of 8 GiB: a promise that must not be believed
    let mut long = tar(&[("././@LongLink", b'L', b"")]);
    long[124..136].copy_from_slice(b"77777777777\0");
    let mut header = tar::Header::from_byte_slice(&long[..512]).clone();
    header.set_cksum();
    long[..512].copy_from_slice(header.as_bytes());
    assert!(with(&long).unwrap_err().to_string().contains("too long"));
    // and a file of that size
    let mut large = tar(&[("a", b'0', b"")]);
    large[124..136].copy_from_slice(b"77777777777\0");
    let mut header = tar::Header::from_byte_slice(&large[..512]).clone();
    header.set_cksum();
    large[..512].copy_from_slice(header.as_bytes());
    assert!(matches!(with(&large), Err(DebError::TooLarge { .. })));
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let environment = TestEnvironment::new();
    let control = tar(&[("control", b'0', CONTROL)]);
    let mut header = tar::Header::new_ustar();
    header.set_path("big").unwrap();
    header.set_size(4 << 30);
    header.set_cksum();
    let bomb = environment.work().join("bomb.tar");
    fs::write(&bomb, header.as_bytes()).unwrap();
    // 300 MB of zeros
    let file = fs::OpenOptions::new().write(true).open(&bomb).unwrap();
    file.set_len(300 << 20).unwrap();
    for (program, end) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        let script = format!("{program} -1 -c bomb.tar > bomb.{end}");
        run(environment.command("sh").args(["-ec", &script])).ok();
        let data = fs::read(environment.work().join(format!("bomb.{end}"))).unwrap();
        assert!(data.len() < 4 << 20, "{program} made {} bytes", data.len());
        let bytes = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), (&format!("data.tar.{end}"), &data)]);
        let limits = Limits { unpacked: 50 << 20, ..Limits::default() };
        let error = archive::read(&bytes[..], &|_| false, &limits).unwrap_err().to_string();
        assert_eq!(error, format!("`data.tar.{end}` unpacks to more than 52428800 bytes"));
    }
}

#[test]
fn frames_one_after_the_other_are_one() {
    let environment = TestEnvironment::new();
    let (control, data) = (tar(&[("control", b'0', CONTROL)]), tar(&[("a", b'0', &[1; 3000]), ("b", b'0', b"y")]));
    for (program, end) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        fs::write(environment.work().join("data.tar"), &data).unwrap();
        let script = format!("head -c 2000 data.tar | {program} -c > d; tail -c +2001 data.tar | {program} -c >> d");
        run(environment.command("sh").args(["-ec", &script])).ok();
        let data = fs::read(environment.work().join("d")).unwrap();
        let package =
            deb(&[("debian-binary", b"2.0\n"), ("control.tar", &control), (&format!("data.tar.{end}"), &data)])
                .unwrap();
        assert_eq!(package.files.len(), 2, "{program}");
        assert_eq!(package.files[1].content, b"y");
    }
}

/// Ends with an error instead of the end of the file.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::Error::other("the disk is gone")),
            n => Ok(n),
        }
    }
}

#[test]
fn an_error_of_the_disk_is_told_as_such() {
    let environment = TestEnvironment::new();
    let bytes = build(&environment, "gzip");
    let error = archive::read(Failing(&bytes[..bytes.len() / 2]), &|_| true, &Limits::default()).unwrap_err();
    assert!(error.to_string().ends_with("the disk is gone"), "{error}");
}
