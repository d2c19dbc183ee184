//! The files that the .changes lists, and what kind of upload they make: rules 9
//! to 15.

use crate::support::Base::{Native, Quilt};
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, cases};

const DEBIAN: &str = "hello_1.0-1.debian.tar.xz";

pub fn all() -> Vec<Case> {
    [files(), kinds()].into_iter().flatten().collect()
}

fn files() -> Vec<Case> {
    cases(&[
        (
            "9",
            "four columns",
            Quilt,
            |u| {
                u.changes.edit_lines("Files", DEBIAN, |w| {
                    w.remove(3);
                })
            },
            Rejected("files-columns", "Wrong number of fields in Files field line."),
        ),
        (
            "9",
            "empty list",
            Quilt,
            |u| {
                for field in ["Files", "Checksums-Sha1", "Checksums-Sha256"] {
                    u.changes.drop(field)
                }
                u.changes.set("Files", "")
            },
            Rejected("files-columns", "Wrong number of fields in Files field line."),
        ),
        (
            "9",
            "four columns in Checksums-Sha1",
            Quilt,
            |u| u.changes.edit_lines("Checksums-Sha1", DEBIAN, |w| w.push("x".into())),
            Rejected("files-columns", "Wrong number of fields in Checksums-Sha1 field line."),
        ),
        (
            "9",
            "file listed twice",
            Quilt,
            |u| u.changes.list(DEBIAN, "misc optional "),
            Rejected("files-duplicate", "Duplicate filenames in Files field."),
        ),
        (
            "9",
            "file missing in Checksums-Sha256",
            Quilt,
            |u| u.changes.edit_lines("Checksums-Sha256", DEBIAN, |w| w[2] = "other".into()),
            Rejected("checksums-files-mismatch", "Mismatch between Checksums-Sha256 and Files fields."),
        ),
        (
            "9",
            "other size in Checksums-Sha1",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("Checksums-Sha1", DEBIAN, |w| w[1] = "1".into())
            },
            Rejected("checksums-files-mismatch", "Mismatch between Checksums-Sha1 and Files fields."),
        ),
        (
            "9",
            "no Checksums",
            Quilt,
            |u| {
                u.changes.drop("Checksums-Sha1");
                u.changes.drop("Checksums-Sha256")
            },
            Accepted(&[]),
        ),
        ("9", "no Checksums-Sha1", Quilt, |u| u.changes.drop("Checksums-Sha1"), Accepted(&[])),
        (
            "9",
            "nonsense in Checksums-Sha512",
            Quilt,
            |u| u.changes.set("Checksums-Sha512", "\n 0 0 nothing"),
            Accepted(&[]),
        ),
        (
            "9",
            "digest in capitals",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("Checksums-Sha256", DEBIAN, |w| w[0] = w[0].to_uppercase())
            },
            Rejected(
                "file-digest-mismatch",
                "File hello_1.0-1.debian.tar.xz mentioned in the changes has a SHA256 mismatch. …",
            ),
        ),
        (
            "9",
            "size that is no number",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("", DEBIAN, |w| w[1] = "many".into())
            },
            Rejected(
                "unhandled-exception",
                "Unhandled exception processing upload: invalid literal for int() with base 10: 'many'",
            ),
        ),
        (
            "10",
            "debian tarball not sent",
            Quilt,
            |u| {
                u.files.remove(DEBIAN);
            },
            Rejected("file-missing", "File hello_1.0-1.debian.tar.xz mentioned in the changes file was not found."),
        ),
        (
            "10",
            ".dsc not sent",
            Quilt,
            |u| {
                u.after.push(|f| {
                    f.remove("hello_1.0-1.dsc");
                })
            },
            Rejected(
                "control-file-missing",
                "Unable to read hello_1.0-1.dsc: [Errno 2] No such file or directory: 'hello_1.0-1.dsc'",
            ),
        ),
        (
            "10",
            ".buildinfo not sent",
            Quilt,
            |u| {
                u.after.push(|f| {
                    f.remove("hello_1.0-1_source.buildinfo");
                })
            },
            Rejected("control-file-missing", "Unable to read hello_1.0-1_source.buildinfo: [Errno 2] …"),
        ),
        (
            "10",
            "link that leads out of the folder",
            Quilt,
            |u| u.links.push((DEBIAN, "../elsewhere")),
            Rejected("file-missing", "File hello_1.0-1.debian.tar.xz mentioned in the changes file was not found."),
        ),
        (
            "10",
            "name that leads out of the folder",
            Native,
            |u| u.rename("hello_1.0.tar.xz", "../hello_1.0.tar.xz"),
            Rejected("file-missing", "File hello_1.0.tar.xz mentioned in the changes file was not found."),
        ),
        (
            "10",
            "other MD5",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("Files", DEBIAN, |w| w[0] = "0".repeat(32))
            },
            Rejected(
                "file-digest-mismatch",
                "File hello_1.0-1.debian.tar.xz mentioned in the changes has a MD5 mismatch. …",
            ),
        ),
        (
            "10",
            "other SHA-1",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("Checksums-Sha1", DEBIAN, |w| w[0] = "0".repeat(40))
            },
            Rejected(
                "file-digest-mismatch",
                "File hello_1.0-1.debian.tar.xz mentioned in the changes has a SHA1 mismatch. …",
            ),
        ),
        (
            "10",
            "other SHA-256",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("Checksums-Sha256", DEBIAN, |w| w[0] = "0".repeat(64))
            },
            Rejected(
                "file-digest-mismatch",
                "File hello_1.0-1.debian.tar.xz mentioned in the changes has a SHA256 mismatch. …",
            ),
        ),
        (
            "10",
            "other size",
            Quilt,
            |u| {
                u.stale.insert(DEBIAN.into());
                u.changes.edit_lines("", DEBIAN, |w| w[1] = "7".into())
            },
            Rejected(
                "file-size-mismatch",
                "File hello_1.0-1.debian.tar.xz mentioned in the changes has a size mismatch. …",
            ),
        ),
        (
            "10",
            "file changed since",
            Quilt,
            |u| u.after.push(|f| f.get_mut("hello_1.0.orig.tar.gz").unwrap().push(0)),
            Rejected(
                "file-digest-mismatch",
                "File hello_1.0.orig.tar.gz mentioned in the changes has a MD5 mismatch. …",
            ),
        ),
        (
            "10",
            ".dsc signed after the .changes",
            Quilt,
            |u| {
                u.after.push(|f| {
                    let text = String::from_utf8(f["hello_1.0-1.dsc"].clone()).unwrap();
                    f.insert("hello_1.0-1.dsc".into(), format!("\n{text}").into_bytes());
                })
            },
            Rejected("file-digest-mismatch", "File hello_1.0-1.dsc mentioned in the changes has a MD5 mismatch. …"),
        ),
        (
            "10",
            "link inside the folder",
            Quilt,
            |u| {
                let bytes = u.files["hello_1.0.orig.tar.gz"].clone();
                u.files.insert("hello-1.0.tar.gz".into(), bytes);
                u.links.push(("hello_1.0.orig.tar.gz", "hello-1.0.tar.gz"));
            },
            Accepted(&[]),
        ),
        (
            "11",
            "colon in a name",
            Quilt,
            |u| u.rename(DEBIAN, "hello_1:1.0-1.debian.tar.xz"),
            Rejected("file-name-characters", "Invalid character(s) in filename: 'hello_1:1.0-1.debian.tar.xz'."),
        ),
        (
            "11",
            "README in the upload",
            Quilt,
            |u| u.add("README", b"hello\n", false),
            Rejected("file-type-unknown", "Unable to identify file README (misc) in changes."),
        ),
        (
            "11",
            "zstd tarball",
            Quilt,
            |u| u.add("hello_1.0.orig-x.tar.zst", b"x", false),
            Rejected("file-type-unknown", "Unable to identify file hello_1.0.orig-x.tar.zst (misc) in changes."),
        ),
        (
            "11",
            "lzma tarball",
            Quilt,
            |u| u.add("hello_1.0.orig-x.tar.lzma", b"x", false),
            Rejected("file-type-unknown", "Unable to identify file hello_1.0.orig-x.tar.lzma (misc) in changes."),
        ),
        (
            "12",
            "other version in a name",
            Quilt,
            |u| u.add("hello_9.tar.gz", b"x", false),
            Rejected("file-version", "9: should be 1.0-1 according to changes file."),
        ),
        (
            "12",
            "revision in the name of an orig",
            Quilt,
            |u| u.rename("hello_1.0.orig.tar.gz", "hello_1.0-1.orig.tar.gz"),
            Rejected("unpacking-fails", "dpkg-source failed for hello_1.0-1.dsc"),
        ),
        (
            "12",
            "other version in the name of the .buildinfo",
            Quilt,
            |u| u.rename("hello_1.0-1_source.buildinfo", "hello_2_source.buildinfo"),
            Rejected("file-version", "2: should be 1.0-1 according to changes file."),
        ),
        (
            "12",
            "tarball that the .dsc does not list",
            Quilt,
            |u| u.add("hello_1.0.orig-more.tar.gz", b"not even a tarball", false),
            Accepted(&[]),
        ),
    ])
}

fn kinds() -> Vec<Case> {
    cases(&[
        (
            "13",
            "Architecture without source",
            Quilt,
            |u| u.changes.set("Architecture", "amd64"),
            Rejected("architecture-source", "Mismatch in sourcefulness. (arch) False != (files) True"),
        ),
        (
            "13",
            "Architecture with amd64 and no binary",
            Quilt,
            |u| u.changes.set("Architecture", "source amd64"),
            Rejected("architecture-binary", "Mismatch in binaryfulness. (arch) True != (files) False"),
        ),
        (
            "13",
            ".buildinfo of a binary build",
            Quilt,
            |u| u.rename("hello_1.0-1_source.buildinfo", "hello_1.0-1_amd64.buildinfo"),
            Rejected("architecture-binary", "Mismatch in binaryfulness. (arch) False != (files) True"),
        ),
        (
            "13",
            "mixed upload",
            Quilt,
            |u| {
                u.changes.set("Architecture", "source amd64");
                u.add("hello_1.0-1_amd64.deb", b"!<arch>\n", false)
            },
            Rejected("mixed-upload", "Source/binary (i.e. mixed) uploads are not allowed."),
        ),
        (
            "13",
            "binary upload",
            Quilt,
            |u| {
                binary_only(u);
                u.add("hello_1.0-1_amd64.deb", b"!<arch>\n", false)
            },
            Rejected(
                "binary-upload",
                "Upload rejected because it contains binary packages. Ensure you are using `debuild -S`, …",
            ),
        ),
        (
            "13",
            "binary of an architecture that is not named",
            Quilt,
            |u| {
                u.changes.set("Architecture", "source all");
                u.add("hello_1.0-1_amd64.deb", b"!<arch>\n", false);
            },
            Rejected(
                "architecture-not-listed",
                "One or more files uploaded with specific architecture but changes file does not list it.",
            ),
        ),
        (
            "13",
            "binary of all that is not named",
            Quilt,
            |u| {
                u.changes.set("Architecture", "source amd64");
                u.add("hello_1.0-1_all.deb", b"!<arch>\n", false);
            },
            Rejected(
                "architecture-not-listed",
                "One or more files uploaded with architecture 'all' but changes file does not list 'all'.",
            ),
        ),
        (
            "13",
            "two architectures in one binary upload",
            Quilt,
            |u| {
                binary_only(u);
                u.changes.set("Architecture", "amd64 arm64");
                u.add("hello_1.0-1_amd64.deb", b"!<arch>\n", false);
            },
            Rejected("too-many-architectures", "Upload has more architectures than is supported."),
        ),
        (
            "13",
            "debug package alone",
            Quilt,
            |u| {
                binary_only(u);
                u.add("hello-dbgsym_1.0-1_amd64.ddeb", b"!<arch>\n", false)
            },
            Rejected("debug-packages-orphaned", "Orphaned debug packages: hello-dbgsym 1.0-1 (amd64)"),
        ),
        (
            "13",
            "section of Ubuntu's installer",
            Quilt,
            |u| {
                binary_only(u);
                u.add("x_1.0-1_amd64.tar.gz", b"x", false);
                u.changes.replace("misc optional x_", "raw-nothing optional x_")
            },
            Rejected("custom-section", "Unsupported custom section name 'raw-nothing'"),
        ),
        (
            "14",
            "two .dsc",
            Quilt,
            |u| {
                let text = u.dsc.text.clone();
                u.add("hello2_1.0-1.dsc", text.as_bytes(), false);
            },
            Rejected("several-dsc", "Changes file lists more than one .dsc"),
        ),
        (
            "14",
            "no .dsc",
            Quilt,
            |u| u.changes.unlist("hello_1.0-1.dsc"),
            Rejected("no-dsc", "Sourceful upload without a .dsc"),
        ),
        (
            "15",
            "section of dh_make",
            Quilt,
            |u| u.changes.replace("misc optional", "unknown optional"),
            Rejected("unknown-section", "hello_1.0-1.dsc: Unknown section 'unknown'"),
        ),
        (
            "15",
            "no section",
            Quilt,
            |u| u.changes.replace("misc optional", "- -"),
            Rejected("unknown-section", "hello_1.0-1.dsc: Unknown section '-'"),
        ),
        (
            "15",
            "unknown component",
            Quilt,
            |u| u.changes.replace("misc optional", "extra/misc optional"),
            Rejected("unknown-component", "hello_1.0-1.dsc: Unknown component 'extra'"),
        ),
        (
            "15",
            "partner and others",
            Quilt,
            |u| u.changes.edit_lines("Files", DEBIAN, |w| w[2] = "partner/misc".into()),
            Rejected("partner-mixed", "Cannot mix partner files with non-partner."),
        ),
        (
            "15",
            "component universe",
            Quilt,
            |u| u.changes.replace("misc optional", "universe/misc optional"),
            Accepted(&[]),
        ),
        ("15", "all partner", Quilt, |u| u.changes.replace("misc optional", "partner/misc optional"), Accepted(&[])),
        (
            "15",
            "Debian's component",
            Quilt,
            |u| u.changes.replace("misc optional", "contrib/web optional"),
            Accepted(&[]),
        ),
        (
            "15",
            "priority that nobody knows",
            Quilt,
            |u| u.changes.replace("misc optional", "misc whatever"),
            Accepted(&[]),
        ),
    ])
}

/// Leaves nothing of the source in the lists.
fn binary_only(u: &mut crate::support::Upload) {
    for file in ["hello_1.0-1.dsc", "hello_1.0.orig.tar.gz", DEBIAN, "hello_1.0-1_source.buildinfo"] {
        u.changes.unlist(file);
    }
    u.changes.set("Architecture", "amd64");
}
