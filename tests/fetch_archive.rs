//! Tarballs that are refused, each for its own reason, and the trees of those
//! that are not, compared with what dpkg-source unpacks.

mod fetch_support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use fetch_support::*;
use pkgr::fetch::Compression;
use pkgr::fetch::archive::{ArchiveError, EntryKind, Inspection, Limits, Rules, inspect_with};

fn look_with(bytes: &[u8], wanted: &dyn Fn(&[u8]) -> bool, rules: &Rules) -> Result<Inspection, ArchiveError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let compression = match bytes {
        [b'B', ..] => Compression::Bzip2,
        [0xfd, ..] => Compression::Xz,
        _ => Compression::Gzip,
    };
    inspect_with(file.path(), compression, wanted, rules)
}

fn look(tar: Vec<u8>) -> Result<Inspection, ArchiveError> {
    look_with(&gzip(&tar), &|_| false, &Rules::default())
}

fn start() -> Tar {
    Tar::default().dir("p/").file("p/a", b"x")
}

fn broken(mut block: [u8; 512], at: usize, byte: u8) -> [u8; 512] {
    block[at] = byte;
    block
}

#[test]
fn every_hostile_tarball_has_its_own_code() {
    let sparse_of_16_gib = {
        let mut block = header(b"p/s", b'S', 0, b"", 0o644);
        block[483..494].copy_from_slice(b"00000000000");
        block[483..495].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        seal(&mut block);
        block
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("archive-dot-dot", start().file("p/../../b", b"x").end()),
        ("archive-dot-dot", start().file("p/x/../b", b"x").end()),
        ("archive-absolute-path", start().file("/etc/cron.d/x", b"x").end()),
        ("archive-absolute-path", start().pax(b'x', &[("path", b"/etc/x")]).file("p/b", b"x").end()),
        ("archive-long-name", start().long(b'L', &[b'a'; 5000]).file("p/b", b"x").end()),
        ("archive-long-name", start().pax(b'x', &[("path", &[b'a'; 5000])]).file("p/b", b"x").end()),
        ("archive-link-outside", start().symlink("p/l", "/etc/passwd").end()),
        ("archive-link-outside", start().symlink("p/l", "../../etc/passwd").end()),
        ("archive-link-outside", start().symlink("p/l", "../a").end()),
        ("archive-link-outside", start().dir("p/d/").symlink("p/d/up", "..").symlink("p/l", "d/up/../x").end()),
        ("archive-hard-link-outside", start().hardlink("p/h", "/etc/passwd").end()),
        ("archive-hard-link-outside", start().hardlink("p/h", "../x").end()),
        ("archive-hard-link-missing", start().hardlink("p/h", "p/z").file("p/z", b"x").end()),
        ("archive-hard-link-missing", start().hardlink("p/h", "p").end()),
        ("archive-hard-link-missing", start().hardlink("p/h", "p/h").end()),
        ("archive-through-link", start().dir("p/d/").symlink("p/l", "d").file("p/l/f", b"x").end()),
        ("archive-through-link", start().file("p/l/f/g", b"x").symlink("p/l", "a").end()),
        ("archive-two-types", start().dir("p/a/").end()),
        ("archive-two-types", start().symlink("p/a", "b").end()),
        ("archive-below-a-file", start().file("p/a/b", b"x").end()),
        ("archive-below-a-file", start().hardlink("p/h", "p/a").file("p/h/b", b"x").end()),
        ("archive-device", start().member(b"p/null", b'3', b"", b"").end()),
        ("archive-device", start().member(b"p/sda", b'4', b"", b"").end()),
        ("archive-fifo", start().member(b"p/f", b'6', b"", b"").end()),
        ("archive-unknown-type", start().member(b"p/m", b'M', b"", b"x").end()),
        ("archive-ambiguous", start().member(b"p/l", b'2', b"a", &header(b"p/evil", b'0', 0, b"", 0o644)).end()),
        ("archive-ambiguous", start().member(b"p/h", b'1', b"p/a", b"x").end()),
        ("archive-ambiguous", start().member(b"p/b/", b'0', b"", b"x").end()),
        ("archive-too-large", start().raw(&sparse_of_16_gib).end()),
        ("archive-too-large", start().pax(b'x', &[("GNU.sparse.realsize", b"99999999999999")]).file("p/b", b"").end()),
        ("archive-empty", Vec::new()),
        ("archive-empty", Tar::default().end()),
        ("archive-empty", Tar::default().dir("./").end()),
        ("not-a-tarball", b"hello".to_vec()),
        ("not-a-tarball", vec![b'x'; 4096]),
        ("archive-truncated", start().raw(&header(b"p/b", b'0', 9999, b"", 0o644)).data(b"x").0),
        ("archive-truncated", start().raw(&[b'x'; 100]).0),
        ("archive-corrupt", start().raw(&broken(header(b"p/b", b'0', 0, b"", 0o644), 0, b'q')).end()),
        ("archive-corrupt", start().pax(b'g', &[("path", b"p/x")]).file("p/b", b"x").end()),
        ("archive-corrupt", start().member(b"PaxHeaders/x", b'x', b"", b"99 path=x\n").file("p/b", b"x").end()),
        ("archive-corrupt", start().pax(b'x', &[("path", b"p/x\0y")]).file("p/b", b"x").end()),
        ("archive-corrupt", start().member(b"PaxHeaders/x", b'x', b"", &vec![b'1'; 2 << 20]).end()),
    ];
    for (i, (code, tar)) in cases.into_iter().enumerate() {
        match look(tar) {
            Ok(_) => panic!("case {i} ({code}) was accepted"),
            Err(e) => assert_eq!(e.code(), code, "case {i}: {e}"),
        }
    }
}

#[test]
fn messages_name_the_member_and_stay_on_one_line() {
    let error = look(start().symlink("p/l", "/etc/passwd").end()).unwrap_err();
    assert_eq!(error.to_string(), "symbolic link l leads out of the tree, to /etc/passwd");
    let error = look(start().member(b"p/x\n\x1b[2J", b'6', b"", b"").end()).unwrap_err();
    assert_eq!(error.to_string(), "member p/x\\n\\x1b[2J is a named pipe");
}

#[test]
fn bombs_are_stopped_while_they_unpack() {
    let zeros = vec![0; 70 << 20];
    let bomb = xz(&start().file("p/zeros", &zeros).end());
    assert_eq!(look_with(&bomb, &|_| false, &Rules::default()).unwrap_err().code(), "archive-bomb");
    let zeros = vec![0; 4 << 20];
    let limits = Limits { unpacked: 1 << 20, ratio: u64::MAX, ..Limits::default() };
    let rules = Rules { limits, ..Rules::default() };
    let tar = start().file("p/zeros", &zeros).end();
    assert_eq!(look_with(&gzip(&tar), &|_| false, &rules).unwrap_err().code(), "archive-too-large");
    // a long name is not read into memory before it is judged
    let name = start().raw(&header(b"././@LongLink", b'L', 1 << 32, b"", 0o644)).data(&zeros).end();
    assert_eq!(look(name).unwrap_err().code(), "archive-long-name");
}

#[test]
fn members_are_counted() {
    let limits = Limits { members: 3, ..Limits::default() };
    let rules = Rules { limits, ..Rules::default() };
    let tar = gzip(&start().file("p/b", b"").file("p/c", b"").end());
    assert_eq!(look_with(&tar, &|_| false, &rules).unwrap_err().code(), "archive-too-many-members");
}

#[test]
fn damage_to_the_compressed_bytes_is_found() {
    let tar = start().file("p/noise", &noise(200_000)).end();
    for packed in [gzip(&tar), bzip2(&tar), xz(&tar)] {
        assert!(look_with(&packed, &|_| false, &Rules::default()).is_ok());
        for cut in [packed.len() / 2, packed.len() - 3] {
            let error = look_with(&packed[..cut], &|_| false, &Rules::default()).unwrap_err();
            assert_eq!(error.code(), "archive-truncated", "{error}");
        }
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        let error = look_with(&damaged, &|_| false, &Rules::default()).unwrap_err();
        assert_eq!(error.code(), "archive-corrupt", "{error}");
        let garbage = [packed.as_slice(), &[b'x'; 64]].concat();
        let error = look_with(&garbage, &|_| false, &Rules::default()).unwrap_err();
        assert_eq!(error.code(), "archive-corrupt", "{error}");
    }
}

#[test]
fn several_compressed_streams_are_one() {
    let tar = start().file("p/b", b"y").end();
    let (first, second) = tar.split_at(700);
    for pack in [gzip, bzip2, xz] {
        let packed = [pack(first), pack(second)].concat();
        let inspection = look_with(&packed, &|_| false, &Rules::default()).unwrap();
        assert!(inspection.listing.contains("b"));
    }
}

#[test]
fn wanted_files_come_with_their_content_whatever_their_name_is() {
    let long = format!("p/{}/c", "d".repeat(200));
    let tar = start()
        .long(b'L', long.as_bytes())
        .file("p/short", b"long")
        .pax(b'x', &[("path", "p/ü\nx".as_bytes()), ("comment", b"two\nlines")])
        .file("p/short", b"pax")
        .member(b"p/raw\xff", b'0', b"", b"raw")
        .hardlink("p/h1", "p/a")
        .hardlink("p/h2", "p/h1")
        .file("p/twice", b"first")
        .file("p/twice", b"second, longer")
        .end();
    let inspection = look_with(&gzip(&tar), &|path| path != b"a" && path != b"h1", &Rules::default()).unwrap();
    let files: BTreeMap<Vec<u8>, Vec<u8>> = [
        (long.as_bytes()[2..].to_vec(), b"long".to_vec()),
        ("ü\nx".into(), b"pax".to_vec()),
        (b"raw\xff".to_vec(), b"raw".to_vec()),
        (b"h2".to_vec(), b"x".to_vec()),
        (b"twice".to_vec(), b"second, longer".to_vec()),
    ]
    .into();
    assert_eq!(inspection.files, files);
}

#[test]
fn a_sparse_file_is_listed_and_its_content_is_not_made_up() {
    let mut block = header(b"p/s", b'S', 0, b"", 0o644);
    block[483..494].copy_from_slice(b"00000010000");
    seal(&mut block);
    let tar = gzip(&start().raw(&block).file("p/z", b"x").end());
    let inspection = look_with(&tar, &|path| path == b"z", &Rules::default()).unwrap();
    assert!(inspection.listing.contains("s") && inspection.listing.contains("z"));
    assert_eq!(look_with(&tar, &|path| path == b"s", &Rules::default()).unwrap_err().code(), "archive-sparse");
}

#[test]
fn outward_links_can_be_allowed() {
    let rules = Rules { allow_outward_links: true, ..Rules::default() };
    let tar = gzip(&start().symlink("p/l", "/etc/passwd").symlink("p/null", "/dev/null").end());
    let inspection = look_with(&tar, &|_| false, &rules).unwrap();
    assert_eq!(inspection.listing.kind("l"), Some(EntryKind::Symlink));
    assert!(look(start().symlink("p/null", "/dev/null").end()).is_ok());
}

/// The tree as one line per path: type, and the target of a link.
fn listed(inspection: &Inspection) -> Vec<String> {
    let line = |path: &[u8], kind: &str| format!("{} {kind}", path.escape_ascii());
    inspection
        .listing
        .iter()
        .map(|entry| match entry.kind {
            EntryKind::Directory => line(entry.path, "d"),
            EntryKind::File { executable: false } => line(entry.path, "f"),
            EntryKind::File { executable: true } => line(entry.path, "x"),
            EntryKind::Symlink => line(entry.path, &format!("l {}", entry.target.escape_ascii())),
        })
        .collect()
}

fn walk(root: &Path, below: &Path, lines: &mut Vec<String>) {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        let name = path.as_os_str().as_bytes().escape_ascii().to_string();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            lines.push(format!("{name} d"));
            walk(root, &path, lines);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap();
            lines.push(format!("{name} l {}", target.as_os_str().as_bytes().escape_ascii()));
        } else {
            let executable = entry.metadata().unwrap().permissions().mode() & 0o100 != 0;
            lines.push(format!("{name} {}", if executable { "x" } else { "f" }));
        }
    }
}

fn unpacked_by_dpkg_source(orig: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let debian = gzip(&Tar::default().dir("debian/").file("debian/source/format", b"3.0 (quilt)\n").end());
    let mut files = String::new();
    for (name, bytes) in [("h_1.orig.tar.gz", orig), ("h_1-1.debian.tar.gz", &debian)] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let sums = pkgr::deb::checksums::Checksums::of(bytes);
        files += &format!(" {} {} {name}\n", sums.md5, sums.size);
    }
    let dsc = format!(
        "Format: 3.0 (quilt)\nSource: h\nBinary: h\nArchitecture: all\nVersion: 1-1\n\
         Maintainer: A <a@example.org>\nStandards-Version: 4.6.2\nFiles:\n{files}"
    );
    std::fs::write(folder.path().join("h_1-1.dsc"), dsc).unwrap();
    let output = Command::new("dpkg-source")
        .args(["--no-check", "-x", "h_1-1.dsc", "tree"])
        .current_dir(folder.path())
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("dpkg-source is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = folder.path().join("tree");
    std::fs::remove_dir_all(tree.join("debian")).unwrap();
    let _ = std::fs::remove_dir_all(tree.join(".pc"));
    let mut lines = Vec::new();
    walk(&tree, Path::new(""), &mut lines);
    lines.sort();
    lines
}

#[test]
fn trees_are_those_of_dpkg_source() {
    let long = format!("p/{}/{}", "d".repeat(150), "f".repeat(150));
    let cases: Vec<(&str, Tar)> = vec![
        ("one top folder", start().executable("p/d/x", b"x").symlink("p/l", "d/x").hardlink("p/h", "p/d/x")),
        ("no folder members", Tar::default().file("p/d/e/f", b"x").file("p/z", b"x")),
        ("two top folders", start().file("q/b", b"x").hardlink("q/h", "p/a")),
        ("a file beside the folder", start().file("README", b"x")),
        ("a file before the folder", Tar::default().file("README", b"x").file("p/a", b"x")),
        ("a hidden file beside the folder", start().file(".hidden", b"x")),
        ("one file", Tar::default().file("a", b"x")),
        ("one link", Tar::default().symlink("l", "x")),
        ("dot slash", Tar::default().dir("./").dir("./p/").file("./p/a", b"x").hardlink("./p/h", "./p/a")),
        ("slashes and dots", Tar::default().file("p//a", b"x").file("p/./b", b"x")),
        ("quilt's folder within", start().file("p/.pc/applied-patches", b"x").file("p/d/.pc/kept", b"x")),
        ("quilt's folder beside", start().file(".pc/x", b"x")),
        ("quilt's folder below dot slash", Tar::default().file("./.pc/x", b"x").file("./p/a", b"x")),
        ("contiguous file", start().member(b"p/c", b'7', b"", b"x")),
        ("old-style folder", start().member(b"p/old/", 0, b"", b"").file("p/old/a", b"x")),
        ("bytes", start().member(b"p/\xff\xfe", b'0', b"", b"x")),
        ("hard link to a symbolic one", start().symlink("p/s", "a").hardlink("p/t", "p/s")),
        ("the same twice", start().file("p/a", b"longer").dir("p/")),
        ("link changed later", start().symlink("p/l", "a").symlink("p/l", "./a")),
        ("GNU long names", start().long(b'L', long.as_bytes()).file("p/x", b"x")),
        ("GNU long link", start().long(b'K', &[b'a'; 150]).symlink("p/l", "short")),
        (
            "pax names",
            start().pax(b'g', &[("comment", b"c")]).pax(b'x', &[("path", b"p/\xc3\xbc\nx")]).file("p/x", b"x"),
        ),
        ("pax before GNU", start().pax(b'x', &[("linkpath", b"a"), ("path", b"p/n")]).symlink("p/x", "y")),
        ("no end", Tar(start().0)),
        ("something after the end", Tar(start().end()).file("p/z", b"x")),
    ];
    for (name, tar) in cases {
        let packed = gzip(&if name == "no end" { tar.0 } else { tar.end() });
        let inspection = look_with(&packed, &|_| false, &Rules::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut ours = listed(&inspection);
        ours.sort();
        assert_eq!(ours, unpacked_by_dpkg_source(&packed), "{name}");
    }
}
