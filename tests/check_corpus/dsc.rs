//! The .dsc and its set of files: rules 21 to 26.

use crate::support::Base::{Components, Epoch, Native, One, OneNative, Quilt};
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, Edit, cases, tarball};

const STOPPED: &str = "Further error processing not possible because of a critical previous error.";
const QUILT: &str = "hello_1.0-1.dsc: must have only an orig.tar.*, a debian.tar.*, and optionally orig-*.tar.*";
const ONE: &str = "hello_1.0-1.dsc: must have exactly one tar.gz, or an orig.tar.gz and diff.gz";

pub fn all() -> Vec<Case> {
    [fields(), sets()].into_iter().flatten().collect()
}

fn fields() -> Vec<Case> {
    let missing = |field: &str| -> &'static str {
        Box::leak(format!("Unable to find mandatory field {field} in hello_1.0-1.dsc").into_boxed_str())
    };
    let fields: [(&str, &str, Edit); 6] = [
        ("Source", "no Source in the .dsc", |u| u.dsc.drop("Source")),
        ("Version", "no Version in the .dsc", |u| u.dsc.drop("Version")),
        ("Binary", "no Binary in the .dsc", |u| u.dsc.drop("Binary")),
        ("Maintainer", "no Maintainer in the .dsc", |u| u.dsc.drop("Maintainer")),
        ("Architecture", "no Architecture in the .dsc", |u| u.dsc.drop("Architecture")),
        ("Files", "no Files in the .dsc", |u| u.dsc.drop("Files")),
    ];
    let mut all: Vec<Case> = fields
        .into_iter()
        .map(|(field, name, make)| {
            let expect = Rejected("dsc-field-missing", missing(field));
            Case { rule: "21", name, base: Quilt, make, expect }
        })
        .collect();
    all.extend(cases(&[
        ("21", "two stanzas in the .dsc", Quilt, |u| u.dsc.replace("Version:", "\nVersion:"),
            Rejected("control-file-unreadable", "Unable to parse hello_1.0-1.dsc: hello_1.0-1.dsc: multiple stanzas where only one is expected")),
        ("21", "two stanzas in the .buildinfo", Quilt, |u| u.buildinfo.replace("Version:", "\nVersion:"),
            Rejected("control-file-unreadable", "Unable to parse hello_1.0-1_source.buildinfo: hello_1.0-1_source.buildinfo: multiple stanzas where only one is expected")),
        ("21", "source format 2.0", Quilt, |u| u.dsc.set("Format", "2.0"), Rejected("source-format", STOPPED)),
        ("21", "format 3.0 (git)", Native, |u| u.dsc.set("Format", "3.0 (git)"), Rejected("source-format", STOPPED)),
        ("21", "format 3.0 (custom)", Quilt, |u| u.dsc.set("Format", "3.0 (custom)"), Rejected("source-format", STOPPED)),
        ("21", "format without its blank", Quilt, |u| u.dsc.set("Format", "3.0(quilt)"), Rejected("source-format", STOPPED)),
        ("21", "format is told behind what came before", Quilt, |u| { u.add("README", b"x", false); u.dsc.set("Format", "2.0") },
            Rejected("file-type-unknown", "Unable to identify file README (misc) in changes.")),
        ("21", "no format is 1.0", OneNative, |u| u.dsc.drop("Format"), Accepted(&[])),
        ("8", "maintainer of one character in the .dsc", Quilt, |u| u.dsc.set("Maintainer", "X <x@example.org>"),
            Rejected("address-form", "X <x@example.org>: doesn't parse as a valid Maintainer field.")),
        ("22", "source name of one character", Quilt, |u| u.dsc.set("Source", "h"), Rejected("source-name", "hello_1.0-1.dsc: invalid source name h")),
        ("22", "source name with an underscore", Quilt, |u| u.dsc.set("Source", "hel_lo"), Rejected("source-name", "hello_1.0-1.dsc: invalid source name hel_lo")),
        ("22", "source name that begins with a dot", Quilt, |u| u.dsc.set("Source", ".hello"), Rejected("source-name", "hello_1.0-1.dsc: invalid source name .hello")),
        ("22", "source name in capitals", Native, |u| { u.replace_everywhere("hello", "Hello"); u.rename("hello_1.0.tar.xz", "Hello_1.0.tar.xz");
                let bytes = u.files.remove("hello_1.0.tar.xz"); if let Some(bytes) = bytes { u.files.insert("Hello_1.0.tar.xz".into(), bytes); }
                for document in [&mut u.dsc, &mut u.changes, &mut u.buildinfo] { document.name = document.name.replace("hello", "Hello") } },
            Rejected("source-name-lower-case", "Unhandled exception processing upload: Hello is not a valid name for a source package.")),
        ("22", "underscore in the version", Native, |u| { u.reversion("1.0", "1_0"); u.changes.unlist("hello_1_0_source.buildinfo") }, Rejected("version-characters", "hello_1_0.dsc: invalid version 1_0")),
        ("22", "version that begins with a letter", Native, |u| u.reversion("1.0", "v1.0"),
            Rejected("unpacking-fails", "dpkg-source failed for hello_v1.0.dsc")),
        ("23", "other versions in .dsc and .changes", Quilt, |u| { u.dsc.set("Version", "1.0-2") },
            Rejected("version-differs", "hello_1.0-1.dsc: version ('1.0-2') in .dsc does not match version ('1.0-1') in .changes.")),
        ("23", "epoch in the .dsc only", Epoch, |u| u.changes.set("Version", "1.0-1"),
            Rejected("version-differs", "hello_1.0-1.dsc: version ('1:1.0-1') in .dsc does not match version ('1.0-1') in .changes.")),
        ("23", "epoch in both", Epoch, |_| {}, Accepted(&[])),
        ("24", "file that is none of a source package", Quilt, |u| { u.dsc.list("README", "") ; u.files.insert("README".into(), b"x".to_vec()); },
            Rejected("dsc-file-type", "hello_1.0-1.dsc: File README does not look sourceful.")),
        ("24", "extension that only looks right", Quilt, |u| u.rename("hello_1.0.orig.tar.gz", "hello_1.0.diffxgz"),
            Rejected("dsc-file-unknown", "Unknown file: hello_1.0.diffxgz")),
        ("24", "file twice in the .dsc", Quilt, |u| u.dsc.list("hello_1.0.orig.tar.gz", ""), Rejected("files-duplicate", "Duplicate filenames in Files field.")),
        ("24", "four columns in the .dsc", Quilt, |u| u.dsc.edit_lines("Files", "hello_1.0.orig.tar.gz", |w| w.insert(1, "x".into())),
            Rejected("files-columns", "Wrong number of fields in Files field line.")),
        ("24", "digest in the .dsc is another", Quilt, |u| { u.dsc.edit_lines("Checksums-Sha256", "hello_1.0.orig.tar.gz", |w| w[0] = "0".repeat(64)); u.stale.insert("hello_1.0.orig.tar.gz".into()); },
            Rejected("file-digest-mismatch", "File hello_1.0.orig.tar.gz mentioned in the changes has a SHA256 mismatch. …")),
        ("24", "no Checksums in the .dsc", Quilt, |u| { u.dsc.drop("Checksums-Sha1"); u.dsc.drop("Checksums-Sha256") }, Accepted(&[])),
        ("26", "Build-Depends of a broken dpkg-dev", Quilt, |u| u.dsc.set("Build-Depends", "ARRAY(0x80)"),
            Rejected("build-depends-array", "hello_1.0-1.dsc: invalid Build-Depends field produced by a broken version of dpkg-dev (1.10.11)")),
        ("26", "Build-Depends that nobody can parse", Quilt, |u| u.dsc.set("Build-Depends", "debhelper ((>= 13, |"), Accepted(&[])),
        ("26", "no Build-Depends, no Standards-Version", Quilt, |u| { u.dsc.drop("Build-Depends"); u.dsc.drop("Standards-Version") }, Accepted(&[])),
    ]));
    all
}

fn sets() -> Vec<Case> {
    cases(&[
        (
            "25",
            "1.0 with a bzip2 tarball",
            One,
            |u| u.rename("hello_1.0.orig.tar.gz", "hello_1.0.orig.tar.bz2"),
            Rejected("format-one-bzip", "hello_1.0-1.dsc: is format 1.0 but uses bzip2 compression."),
        ),
        (
            "25",
            "1.0 with an xz tarball",
            One,
            |u| u.rename("hello_1.0.orig.tar.gz", "hello_1.0.orig.tar.xz"),
            Rejected("format-one-xz", "hello_1.0-1.dsc: is format 1.0 but uses xz compression."),
        ),
        (
            "25",
            "1.0 with files of quilt",
            Quilt,
            |u| {
                u.dsc.set("Format", "1.0");
                u.rename("hello_1.0-1.debian.tar.xz", "hello_1.0-1.debian.tar.gz")
            },
            Rejected("format-one-files", ONE),
        ),
        (
            "25",
            "1.0 with an orig and no diff",
            One,
            |u| {
                u.leave_out("hello_1.0-1.diff.gz");
                u.dsc.unlist("hello_1.0-1.diff.gz")
            },
            Rejected("format-one-files", ONE),
        ),
        (
            "25",
            "1.0 with a component",
            One,
            |u| u.add("hello_1.0.orig-x.tar.gz", &tarball(&[("x/a", "a")]), true),
            Rejected("format-one-files", ONE),
        ),
        (
            "25",
            "native with two tarballs",
            Native,
            |u| u.add("hello_1.0.tar.gz", &tarball(&[("x/a", "a")]), true),
            Rejected("format-native-files", "hello_1.0.dsc: must have only a tar.*."),
        ),
        (
            "25",
            "native with files of quilt",
            Quilt,
            |u| u.dsc.set("Format", "3.0 (native)"),
            Rejected("format-native-files", "hello_1.0-1.dsc: must have only a tar.*."),
        ),
        (
            "25",
            "quilt with a native tarball",
            Native,
            |u| u.dsc.set("Format", "3.0 (quilt)"),
            Rejected(
                "format-quilt-files",
                "hello_1.0.dsc: must have only an orig.tar.*, a debian.tar.*, and optionally orig-*.tar.*",
            ),
        ),
        (
            "25",
            "quilt without its debian tarball",
            Quilt,
            |u| {
                u.leave_out("hello_1.0-1.debian.tar.xz");
                u.dsc.unlist("hello_1.0-1.debian.tar.xz")
            },
            Rejected("format-quilt-files", QUILT),
        ),
        (
            "25",
            "quilt with two origs",
            Quilt,
            |u| {
                let bytes = u.files["hello_1.0.orig.tar.gz"].clone();
                u.add("hello_1.0.orig.tar.bz2", &bytes, true)
            },
            Rejected("format-quilt-files", QUILT),
        ),
        (
            "25",
            "quilt with a diff",
            Quilt,
            |u| u.add("hello_1.0-1.diff.gz", &crate::support::gzip(b""), true),
            Rejected("format-quilt-files", QUILT),
        ),
        (
            "25",
            "two tarballs of one component",
            Components,
            |u| u.add("hello_1.0.orig-data.tar.xz", b"x", true),
            Rejected("format-quilt-components", "hello_1.0-1.dsc: has more than one orig-data.tar.*."),
        ),
        (
            "25",
            "two signatures of one component",
            Components,
            |u| {
                u.add("hello_1.0.orig-data.tar.gz.asc", b"x", true);
                u.add("hello_1.0.orig-data.tar.xz.asc", b"x", true)
            },
            Rejected("format-quilt-components", "hello_1.0-1.dsc: has more than one orig-data.tar.*.asc."),
        ),
        ("25", "components and a signature", Components, |_| {}, Accepted(&[])),
        (
            "25",
            "signature of a component",
            Components,
            |u| u.add("hello_1.0.orig-data.tar.gz.asc", b"x", true),
            Accepted(&[]),
        ),
        ("25", "1.0 with a signature", One, |u| u.add("hello_1.0.orig.tar.gz.asc", b"x", true), Accepted(&[])),
        ("25", "plain 1.0", One, |_| {}, Accepted(&[])),
        ("25", "native 1.0", OneNative, |_| {}, Accepted(&[])),
        ("25", "native 3.0", Native, |_| {}, Accepted(&[])),
    ])
}
