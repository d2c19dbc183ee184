//! Whether the package unpacks, and what is in debian/: rules 29 and 30. What is
//! expected of the cases is also asked of dpkg-source on this machine.

use std::process::Command;

use crate::common::{TestEnvironment, run};
use crate::support::Base::{Components, Native, One, OneNative, Quilt};
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, Expect, Upload, cases, gzip, tar_of, tarball};

const DEBIAN: &str = "hello_1.0-1.debian.tar.xz";
const ORIG: &str = "hello_1.0.orig.tar.gz";
const FAILS: Expect = Rejected("unpacking-fails", "dpkg-source failed for hello_1.0-1.dsc");
const CHANGELOG: &str = "hello (1.0-1) noble; urgency=medium\n\n  * New.\n\n -- Jane Doe <jane@example.org>  Tue, 24 Nov 2026 12:00:00 +0000\n";
const FIX: &str =
    "--- a/hello.c\n+++ b/hello.c\n@@ -1,4 +1,4 @@\n int main(void)\n {\n-    return 0;\n+    return 1;\n }\n";

/// Replaces debian.tar.xz by a gzipped one with these members and the usual rest.
fn debian(u: &mut Upload, members: &[(&str, &str)]) {
    let mut all = vec![
        ("debian/control", "Source: hello\n"),
        ("debian/rules", "#!/usr/bin/make -f\n"),
        ("debian/source/format", "3.0 (quilt)\n"),
    ];
    for usual in [("debian/changelog", CHANGELOG), ("debian/copyright", "None.\n")] {
        if !members.iter().any(|(name, _)| name.trim_end_matches('/') == usual.0) {
            all.push(usual);
        }
    }
    all.extend(members.iter().filter(|(_, content)| *content != "-"));
    debian_bytes(u, tarball(&all));
}

fn debian_bytes(u: &mut Upload, bytes: Vec<u8>) {
    u.rename(DEBIAN, "hello_1.0-1.debian.tar.gz");
    u.files.insert("hello_1.0-1.debian.tar.gz".into(), bytes);
}

fn patch(u: &mut Upload, patch: &str) {
    debian(u, &[("debian/patches/series", "fix.patch\n"), ("debian/patches/fix.patch", patch)]);
}

fn orig(u: &mut Upload, bytes: Vec<u8>) {
    u.files.insert(ORIG.into(), bytes);
}

/// debian.tar with these members and a symbolic link.
fn with_link(u: &mut Upload, members: &[(&str, &str)], name: &str, target: &str) {
    let bytes = tar_of(|builder| {
        for (member, content) in members {
            append(builder, member, content);
        }
        append_link(builder, tar::EntryType::Symlink, name, target);
    });
    debian_bytes(u, gzip(&bytes));
}

fn append(builder: &mut tar::Builder<Vec<u8>>, member: &str, content: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, member, content.as_bytes()).unwrap();
}

fn append_link(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o777);
    builder.append_link(&mut header, name, target).unwrap();
}

/// debian.tar of the usual files and a symbolic link, which may be one of them.
fn linked(u: &mut Upload, name: &str, target: &str) {
    let members =
        [("debian/changelog", CHANGELOG), ("debian/copyright", "None.\n"), ("debian/rules", "#!/usr/bin/make -f\n")];
    let members: Vec<_> = members.into_iter().filter(|(member, _)| *member != name).collect();
    with_link(u, &members, name, target);
}

/// debian.tar whose one patch is a link to a file beside debian/patches.
fn linked_patch(u: &mut Upload, patch: &str) {
    let members = [
        ("debian/changelog", CHANGELOG),
        ("debian/copyright", "None.\n"),
        ("debian/patches/series", "fix.patch\n"),
        ("debian/fix.patch", patch),
    ];
    with_link(u, &members, "debian/patches/fix.patch", "../fix.patch");
}

/// debian.tar with patches in another folder, to which debian/patches is a link.
fn linked_patches(u: &mut Upload, patch: &str) {
    let members = [
        ("debian/changelog", CHANGELOG),
        ("debian/copyright", "None.\n"),
        ("debian/queue/series", "fix.patch\n"),
        ("debian/queue/fix.patch", patch),
    ];
    with_link(u, &members, "debian/patches", "queue");
}

/// An orig with hello.c and one more member, written by the function.
fn orig_with(u: &mut Upload, write: impl Fn(&mut tar::Builder<Vec<u8>>)) {
    let bytes = tar_of(|builder| {
        append(builder, "h/hello.c", "\n");
        write(builder);
    });
    debian(u, &[]);
    orig(u, gzip(&bytes));
}

/// What begins a tar that was given a name (`tar --label`).
fn append_label(builder: &mut tar::Builder<Vec<u8>>) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::new(b'V'));
    header.set_size(0);
    builder.append_data(&mut header, "label", std::io::empty()).unwrap();
}

fn large() -> String {
    "x".repeat((10 << 20) + 1)
}

pub fn all() -> Vec<Case> {
    cases(&[
        ("29", "patch that does not apply", Quilt, |u| patch(u, &FIX.replace("return 0", "return 2")), FAILS),
        ("29", "patch that needs fuzz", Quilt, |u| patch(u, &FIX.replace(" int main(void)", " int main()")), FAILS),
        (
            "29",
            "patch at another line",
            Quilt,
            |u| patch(u, &FIX.replace("@@ -1,4 +1,4 @@", "@@ -7,4 +7,4 @@")),
            Accepted(&[]),
        ),
        ("29", "patch that is malformed", Quilt, |u| patch(u, "--- a/hello.c\n+++ b/hello.c\n@@ nonsense\n"), FAILS),
        ("29", "patch of a file that is not there", Quilt, |u| patch(u, &FIX.replace("hello.c", "goodbye.c")), FAILS),
        (
            "29",
            "patch of debian/",
            Quilt,
            |u| patch(u, "--- a/debian/copyright\n+++ b/debian/copyright\n@@ -1 +1 @@\n-None.\n+Some.\n"),
            Accepted(&[]),
        ),
        (
            "29",
            "patch that is listed and missing",
            Quilt,
            |u| debian(u, &[("debian/patches/series", "gone.patch\n")]),
            FAILS,
        ),
        (
            "29",
            "patch that lies there unlisted",
            Quilt,
            |u| debian(u, &[("debian/patches/series", "# none\n"), ("debian/patches/x.patch", "nonsense\n")]),
            Accepted(&[]),
        ),
        (
            "29",
            "series that leads out of its folder",
            Quilt,
            |u| debian(u, &[("debian/patches/series", "../../x\n")]),
            FAILS,
        ),
        (
            "29",
            "series with options and comments",
            Quilt,
            |u| {
                debian(
                    u,
                    &[("debian/patches/series", "# first\nfix.patch -p1 # why\n\n"), ("debian/patches/fix.patch", FIX)],
                )
            },
            Accepted(&[]),
        ),
        ("29", "no patches at all", Quilt, |u| debian(u, &[]), Accepted(&[])),
        ("29", "debian tarball that is none", Quilt, |u| debian_bytes(u, b"not a tarball".to_vec()), FAILS),
        (
            "29",
            "debian tarball cut off",
            Quilt,
            |u| {
                let bytes = u.files[DEBIAN].clone();
                u.files.insert(DEBIAN.into(), bytes[..bytes.len() / 2].to_vec());
            },
            FAILS,
        ),
        ("29", "debian tarball with xz inside a .gz", Quilt, |u| u.rename(DEBIAN, "hello_1.0-1.debian.tar.gz"), FAILS),
        ("29", "empty orig", Quilt, |u| orig(u, Vec::new()), FAILS),
        ("29", "orig that is a gzipped text", Quilt, |u| orig(u, gzip(b"hello\n")), FAILS),
        (
            "29",
            "orig cut off",
            Quilt,
            |u| {
                let bytes = u.files[ORIG].clone();
                orig(u, bytes[..bytes.len() - 20].to_vec())
            },
            FAILS,
        ),
        (
            "29",
            "orig without a top folder",
            Quilt,
            |u| orig(u, tarball(&[("hello.c", "int main(void)\n{\n    return 0;\n}\n"), ("README", "x")])),
            Accepted(&[]),
        ),
        (
            "29",
            "orig with a top folder of another name",
            Quilt,
            |u| orig(u, tarball(&[("Hello-v1/", ""), ("Hello-v1/hello.c", "int main(void)\n{\n    return 0;\n}\n")])),
            Accepted(&[]),
        ),
        (
            "29",
            "orig with two top folders",
            Quilt,
            |u| orig(u, tarball(&[("a/x", "x"), ("b/y", "y"), ("hello.c", "int main(void)\n{\n    return 0;\n}\n")])),
            Accepted(&[]),
        ),
        (
            "29",
            "orig with a debian/ of its own",
            Quilt,
            |u| {
                orig(
                    u,
                    tarball(&[("h/hello.c", "int main(void)\n{\n    return 0;\n}\n"), ("h/debian/changelog", "old\n")]),
                )
            },
            Accepted(&[]),
        ),
        (
            "29",
            "component tarball that is none",
            Components,
            |u| {
                u.files.insert("hello_1.0.orig-data.tar.gz".into(), b"x".to_vec());
            },
            FAILS,
        ),
        (
            "29",
            "component with a dot in its name",
            Components,
            |u| u.rename("hello_1.0.orig-data.tar.gz", "hello_1.0.orig-da.ta.tar.gz"),
            FAILS,
        ),
        (
            "29",
            "signature of a component that is not there",
            Quilt,
            |u| u.add("hello_1.0.orig-gone.tar.gz.asc", b"x", true),
            FAILS,
        ),
        ("29", "files of another source name", Quilt, |u| u.dsc.set("Source", "goodbye"), FAILS),
        (
            "29",
            "diff that does not apply",
            One,
            |u| {
                u.files.insert("hello_1.0-1.diff.gz".into(), gzip(FIX.replace("return 0", "return 9").as_bytes()));
            },
            FAILS,
        ),
        (
            "29",
            "diff that is no gzip",
            One,
            |u| {
                u.files.insert("hello_1.0-1.diff.gz".into(), b"x".to_vec());
            },
            FAILS,
        ),
        (
            "29",
            "native tarball that is none",
            OneNative,
            |u| {
                u.files.insert("hello_1.0.tar.gz".into(), gzip(b"hello"));
            },
            Rejected("unpacking-fails", "dpkg-source failed for hello_1.0.dsc"),
        ),
        (
            "29",
            "duplicate field, which dpkg refuses",
            Quilt,
            |u| u.dsc.text.insert_str(0, "Homepage: a\nHomepage: b\n"),
            FAILS,
        ),
        (
            "29",
            "line in the .dsc that is no field",
            Quilt,
            |u| u.dsc.replace("\nVersion:", "\ntwo words\nVersion:"),
            FAILS,
        ),
        (
            "29",
            "word in the .dsc that is a field to dpkg",
            Quilt,
            |u| u.dsc.replace("\nVersion:", "\nword\nVersion:"),
            Accepted(&[]),
        ),
        (
            "30",
            "no changelog",
            Quilt,
            |u| debian(u, &[("debian/changelog", "-")]),
            Rejected("no-changelog", "No changelog file found."),
        ),
        (
            "30",
            "changelog in the wrong folder",
            Quilt,
            |u| debian_bytes(u, tarball(&[("x/debian/changelog", CHANGELOG), ("x/debian/rules", "#!\n")])),
            FAILS,
        ),
        (
            "30",
            "no changelog in a native package",
            Native,
            |u| {
                u.rename("hello_1.0.tar.xz", "hello_1.0.tar.gz");
                u.files.insert("hello_1.0.tar.gz".into(), tarball(&[("h/debian/copyright", "x")]));
            },
            Rejected("no-changelog", "No changelog file found."),
        ),
        (
            "29",
            "link in debian/ to a file of the system",
            Quilt,
            |u| linked(u, "debian/config.sub", "/usr/share/misc/config.sub"),
            FAILS,
        ),
        ("29", "link in debian/ above the source", Quilt, |u| linked(u, "debian/up", "../.."), FAILS),
        ("29", "link in debian/ to itself", Quilt, |u| linked(u, "debian/l", "l"), FAILS),
        ("29", "link in debian/ to nothing in the tree", Quilt, |u| linked(u, "debian/l", "gone"), Accepted(&[])),
        ("29", "orig of no bytes, compressed", Quilt, |u| orig(u, gzip(b"")), FAILS),
        (
            "29",
            "orig with half a header at its end",
            Quilt,
            |u| {
                let mut bytes = Vec::new();
                let mut header = tar::Header::new_gnu();
                header.set_path("h/hello.c").unwrap();
                header.set_mode(0o644);
                header.set_size(0);
                header.set_cksum();
                bytes.extend_from_slice(header.as_bytes());
                bytes.extend_from_slice(&[b'x'; 100]);
                debian(u, &[]);
                orig(u, gzip(&bytes));
            },
            Accepted(&["unpacking-doubtful"]),
        ),
        (
            "29",
            "patch that is a link out of debian/patches, and does not apply",
            Quilt,
            |u| linked_patch(u, &FIX.replace("return 0", "return 2")),
            FAILS,
        ),
        ("29", "patch that is a link out of debian/patches", Quilt, |u| linked_patch(u, FIX), Accepted(&[])),
        (
            "29",
            "hard link to an absolute path",
            Quilt,
            |u| orig_with(u, |tar| append_link(tar, tar::EntryType::Link, "h/again", "/h/hello.c")),
            Accepted(&["unpacking-doubtful"]),
        ),
        ("29", "label of a volume", Quilt, |u| orig_with(u, append_label), Accepted(&["unpacking-doubtful"])),
        (
            "29",
            "name that no file system takes",
            Quilt,
            |u| orig_with(u, |tar| append(tar, &format!("h/{}", "n".repeat(256)), "")),
            FAILS,
        ),
        ("29", "debian/patches is a link", Quilt, |u| linked_patches(u, FIX), Accepted(&[])),
        (
            "29",
            "debian/patches is a link, and a patch does not apply",
            Quilt,
            |u| linked_patches(u, &FIX.replace("return 0", "return 2")),
            FAILS,
        ),
        (
            "29",
            "debian/source is a file",
            Quilt,
            |u| {
                let members = [
                    ("debian/control", "Source: hello\n"),
                    ("debian/rules", "#!/usr/bin/make -f\n"),
                    ("debian/changelog", CHANGELOG),
                    ("debian/copyright", "None.\n"),
                    ("debian/source", "3.0 (quilt)\n"),
                ];
                debian_bytes(u, tarball(&members))
            },
            FAILS,
        ),
        (
            "29",
            "size with a sign in the .dsc: only dpkg-source minds",
            Quilt,
            |u| {
                u.stale.insert(ORIG.into());
                u.dsc.edit_lines("", ORIG, |w| w[1] = format!("+{}", w[1]))
            },
            FAILS,
        ),
        (
            "30",
            "changelog is a folder",
            Quilt,
            |u| debian(u, &[("debian/changelog/", "")]),
            Rejected("unhandled-exception", "Unhandled exception processing upload: [Errno 21] Is a directory: '…"),
        ),
        ("30", "no copyright", Quilt, |u| debian(u, &[("debian/copyright", "-")]), Accepted(&["no-copyright"])),
        (
            "30",
            "copyright is a link",
            Quilt,
            |u| linked(u, "debian/copyright", "../README"),
            Rejected("linked-changelog-or-copyright", "Symbolic link for debian/copyright not allowed"),
        ),
        (
            "30",
            "copyright is a link to nothing",
            Quilt,
            |u| linked(u, "debian/copyright", "../COPYING"),
            Accepted(&["no-copyright"]),
        ),
        (
            "30",
            "changelog is a link",
            Quilt,
            |u| linked(u, "debian/changelog", "copyright"),
            Rejected("linked-changelog-or-copyright", "Symbolic link for debian/changelog not allowed"),
        ),
        (
            "30",
            "copyright is a license of the system",
            Quilt,
            |u| linked(u, "debian/copyright", "/usr/share/common-licenses/GPL-3"),
            FAILS,
        ),
        (
            "30",
            "copyright is too large",
            Quilt,
            |u| debian(u, &[("debian/copyright", &large())]),
            Rejected("large-changelog-or-copyright", "debian/copyright file too large, 10MiB max"),
        ),
        (
            "30",
            "changelog is too large",
            Quilt,
            |u| debian(u, &[("debian/changelog", &large())]),
            Rejected("large-changelog-or-copyright", "debian/changelog file too large, 10MiB max"),
        ),
        ("30", "changelog of 10 MiB", Quilt, |u| debian(u, &[("debian/changelog", &large()[1..])]), Accepted(&[])),
        (
            "30",
            "changelog of another package",
            Quilt,
            |u| debian(u, &[("debian/changelog", "nothing like a changelog\n")]),
            Accepted(&[]),
        ),
    ])
}

/// Rule 29 foretells dpkg-source, and dpkg-source is here.
#[test]
fn dpkg_source_says_the_same() {
    let environment = TestEnvironment::new();
    let cases = all();
    let wrong = pkgr::parallel::map(&cases, pkgr::parallel::available(), |case| {
        let root = tempfile::tempdir().unwrap();
        let mut upload = Upload::new(case.base);
        (case.make)(&mut upload);
        for (name, bytes) in upload.seal() {
            std::fs::write(root.path().join(name), bytes).unwrap();
        }
        let mut command: Command = environment.command("dpkg-source");
        let said =
            run(command.args(["-sn", "-x"]).arg(root.path().join(&upload.dsc.name)).arg(root.path().join("tree")));
        let is_broken = matches!(case.expect, Rejected("unpacking-fails", _));
        ((said.code == Some(0)) == is_broken)
            .then(|| format!("{}: dpkg-source ended with {:?}: {}", case.name, said.code, said.stderr))
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
