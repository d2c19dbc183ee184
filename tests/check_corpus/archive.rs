//! Against what the archives hold: rules 27, 28, 31 to 36.

use pkgr::check::holdings::{Quota, Settings};

use crate::support::Base::{Components, Epoch, Native, Quilt};
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, Upload, cases, published, tarball};

const ORIG: &str = "hello_1.0.orig.tar.gz";

/// Publishes a package in the PPA.
fn publish(u: &mut Upload, series: Option<&'static str>, edit: fn(&mut Upload)) {
    u.published.push((series, published(Quilt, edit)));
}

fn settings(u: &mut Upload, edit: fn(&mut Settings)) {
    let mut settings = Settings::default();
    edit(&mut settings);
    u.settings = Some(settings);
}

pub fn all() -> Vec<Case> {
    [files(), versions(), others()].into_iter().flatten().collect()
}

fn files() -> Vec<Case> {
    const CONTENTS: &str = "but uploaded version has different contents. See more information about this error in https://help.launchpad.net/Packaging/UploadErrors.";
    let differs = |file: &str, archive: &str| -> &'static str {
        Box::leak(format!("File {file} already exists in {archive}, {CONTENTS}").into_boxed_str())
    };
    cases(&[
        (
            "27",
            "orig not sent, nowhere published",
            Quilt,
            |u| {
                u.leave_out(ORIG);
            },
            Rejected("file-nowhere", "Unable to find hello_1.0.orig.tar.gz in upload or distribution."),
        ),
        (
            "27",
            "debian tarball not listed in the .changes",
            Quilt,
            |u| {
                u.leave_out("hello_1.0-1.debian.tar.xz");
            },
            Rejected("file-nowhere", "Unable to find hello_1.0-1.debian.tar.xz in upload or distribution."),
        ),
        (
            "27",
            "debian tarball is in Ubuntu only",
            Quilt,
            |u| {
                u.primary.push(published(Quilt, |_| {}));
                u.leave_out("hello_1.0-1.debian.tar.xz");
            },
            Rejected("file-nowhere", "Unable to find hello_1.0-1.debian.tar.xz in upload or distribution."),
        ),
        (
            "27",
            "orig not sent, in the PPA",
            Quilt,
            |u| {
                publish(u, Some("jammy"), |p| p.reversion("1.0-1", "1.0-0"));
                u.leave_out(ORIG);
            },
            Accepted(&[]),
        ),
        (
            "27",
            "orig not sent, in Ubuntu",
            Quilt,
            |u| {
                u.primary.push(published(Quilt, |p| p.reversion("1.0-1", "1.0-9")));
                u.leave_out(ORIG);
            },
            Accepted(&[]),
        ),
        (
            "27",
            "component and signature not sent, in Ubuntu",
            Components,
            |u| {
                u.primary.push(published(Components, |_| {}));
                for file in [ORIG, "hello_1.0.orig.tar.gz.asc", "hello_1.0.orig-data.tar.gz"] {
                    u.leave_out(file);
                }
            },
            Accepted(&[]),
        ),
        (
            "27",
            "orig not sent, whose bytes are not at hand",
            Quilt,
            |u| {
                u.primary
                    .push(published(Quilt, |_| {}).into_iter().filter(|(name, _)| name.ends_with(".dsc")).collect());
                u.leave_out(ORIG);
            },
            Accepted(&["unpacking-not-judged"]),
        ),
        ("27", "orig is beside the .changes, but not sent", Quilt, |u| u.changes.unlist(ORIG), Accepted(&[])),
        (
            "28",
            "orig re-made, published in the PPA",
            Quilt,
            |u| {
                publish(u, None, |p| p.reversion("1.0-1", "1.0-0"));
                u.files.insert(ORIG.into(), tarball(&[("hello-1.0/hello.c", "int main(void)\n{\n    return 0;\n}\n")]));
            },
            Rejected("orig-differs", differs(ORIG, "the PPA")),
        ),
        (
            "28",
            "orig re-made, published in Ubuntu",
            Quilt,
            |u| {
                u.primary.push(published(Quilt, |_| {}));
                u.files.insert(ORIG.into(), tarball(&[("hello-1.0/hello.c", "int main(void)\n{\n    return 0;\n}\n")]));
            },
            Rejected("orig-differs", differs(ORIG, "Primary Archive for Ubuntu")),
        ),
        (
            "28",
            "debian tarball differs from the published one",
            Quilt,
            |u| {
                publish(u, None, |p| {
                    p.files.insert("hello_1.0-1.debian.tar.xz".into(), b"other".to_vec());
                });
            },
            Rejected("orig-differs", differs("hello_1.0-1.debian.tar.xz", "the PPA")),
        ),
        (
            "28",
            "debian tarball differs from Ubuntu's",
            Quilt,
            |u| {
                u.primary.push(published(Quilt, |p| {
                    p.files.insert("hello_1.0-1.debian.tar.xz".into(), b"other".to_vec());
                }));
            },
            Accepted(&[]),
        ),
        ("28", "the same orig again", Quilt, |u| publish(u, None, |p| p.reversion("1.0-1", "1.0-0")), Accepted(&[])),
        (
            "28",
            "component re-made, published in Ubuntu",
            Components,
            |u| {
                u.primary.push(published(Components, |_| {}));
                u.files.insert("hello_1.0.orig-data.tar.gz".into(), tarball(&[("data/table", "other\n")]));
            },
            Rejected("orig-differs", differs("hello_1.0.orig-data.tar.gz", "Primary Archive for Ubuntu")),
        ),
    ])
}

fn versions() -> Vec<Case> {
    const TAKEN: &str = "and you cannot upload the same version within the same distribution. You have to modify the source version and re-upload.";
    let taken = |series: &str| -> &'static str {
        Box::leak(format!("The source hello - 1.0-1 is already accepted in ubuntu/{series} {TAKEN}").into_boxed_str())
    };
    cases(&[
        (
            "31",
            "older than the published version",
            Quilt,
            |u| publish(u, Some("noble"), |p| p.reversion("1.0-1", "1.0-2")),
            Rejected("version-older", "hello_1.0-1.dsc: Version older than that in the archive. 1.0-1 <= 1.0-2"),
        ),
        (
            "31",
            "tilde sorts before the end",
            Quilt,
            |u| {
                publish(u, Some("noble"), |_| {});
                u.reversion("1.0-1", "1.0-1~noble1")
            },
            Rejected(
                "version-older",
                "hello_1.0-1~noble1.dsc: Version older than that in the archive. 1.0-1~noble1 <= 1.0-1",
            ),
        ),
        (
            "31",
            "an epoch wins",
            Native,
            |u| u.published.push((None, published(Epoch, |_| {}))),
            Rejected("version-older", "hello_1.0.dsc: Version older than that in the archive. 1.0 <= 1:1.0-1"),
        ),
        (
            "31",
            "newer than the published version",
            Quilt,
            |u| publish(u, Some("noble"), |p| p.reversion("1.0-1", "1.0-0.9")),
            Accepted(&[]),
        ),
        (
            "31",
            "older than that of another series",
            Quilt,
            |u| publish(u, Some("questing"), |p| p.reversion("1.0-1", "1.0-2")),
            Accepted(&[]),
        ),
        (
            "31",
            "older than Ubuntu's",
            Quilt,
            |u| u.primary.push(published(Quilt, |p| p.reversion("1.0-1", "1.0-2"))),
            Accepted(&[]),
        ),
        (
            "31",
            "numbers are compared as numbers",
            Quilt,
            |u| {
                publish(u, Some("noble"), |p| p.reversion("1.0-1", "1.0-9"));
                u.reversion("1.0-1", "1.0-10")
            },
            Accepted(&[]),
        ),
        (
            "31",
            "older, and in a wrong pocket: the version is told first",
            Quilt,
            |u| {
                publish(u, None, |p| p.reversion("1.0-1", "1.0-2"));
                u.changes.set("Distribution", "noble-updates")
            },
            Rejected("version-older", "hello_1.0-1.dsc: Version older than that in the archive. 1.0-1 <= 1.0-2"),
        ),
        (
            "32",
            "version once more, same series",
            Quilt,
            |u| publish(u, Some("noble"), |_| {}),
            Rejected("version-taken", taken("noble")),
        ),
        (
            "32",
            "version once more, another series",
            Quilt,
            |u| publish(u, Some("jammy"), |_| {}),
            Rejected("version-taken", taken("jammy")),
        ),
        ("32", "Ubuntu has this version", Quilt, |u| u.primary.push(published(Quilt, |_| {})), Accepted(&[])),
        (
            "32",
            "a version for each series",
            Quilt,
            |u| {
                publish(u, Some("jammy"), |p| p.reversion("1.0-1", "1.0-1~ubuntu22.04.1"));
                u.reversion("1.0-1", "1.0-1~ubuntu24.04.1");
            },
            Accepted(&[]),
        ),
        (
            "33",
            "same files under an epoch",
            Native,
            |u| {
                u.published.push((Some("jammy"), published(Native, |_| {})));
                u.replace_everywhere("Version: 1.0\n", "Version: 1:1.0\n");
            },
            Rejected("file-published", "hello_1.0.tar.xz is already published in archive for noble"),
        ),
    ])
}

fn others() -> Vec<Case> {
    cases(&[
        (
            "34",
            "for arm64 alone",
            Quilt,
            |u| u.dsc.set("Architecture", "arm64"),
            Rejected("no-architecture", "Cannot build any of the architectures requested: arm64"),
        ),
        (
            "34",
            "for two that the PPA has not",
            Quilt,
            |u| u.dsc.set("Architecture", "armhf i386"),
            Rejected("no-architecture", "Cannot build any of the architectures requested: armhf i386"),
        ),
        (
            "34",
            "for arm64, in a PPA that has it",
            Quilt,
            |u| {
                u.dsc.set("Architecture", "arm64");
                settings(u, |s| s.architectures.push("arm64".into()))
            },
            Accepted(&[]),
        ),
        ("34", "for all alone", Quilt, |u| u.dsc.set("Architecture", "all"), Accepted(&[])),
        ("34", "for a wildcard", Quilt, |u| u.dsc.set("Architecture", "linux-any"), Accepted(&[])),
        (
            "34",
            "for kFreeBSD",
            Quilt,
            |u| u.dsc.set("Architecture", "kfreebsd-any"),
            Rejected("no-architecture", "Cannot build any of the architectures requested: kfreebsd-any"),
        ),
        (
            "35",
            "full PPA",
            Quilt,
            |u| settings(u, |s| s.quota = Some(Quota { used: 8 << 30, limit: 8 << 30 })),
            Rejected(
                "quota-exceeded",
                "PPA exceeded its size limit (8192.01 of 8192.00 MiB). Ask a question in https://answers.launchpad.net/soyuz/ if you need more space.",
            ),
        ),
        (
            "35",
            "nearly full PPA",
            Quilt,
            |u| settings(u, |s| s.quota = Some(Quota { used: 8000 << 20, limit: 8 << 30 })),
            Accepted(&["quota-near"]),
        ),
        (
            "35",
            "PPA with space",
            Quilt,
            |u| settings(u, |s| s.quota = Some(Quota { used: 1, limit: 8 << 30 })),
            Accepted(&[]),
        ),
        (
            "paths",
            "disabled PPA",
            Quilt,
            |u| settings(u, |s| s.enabled = false),
            Rejected("ppa-disabled", "the PPA is disabled."),
        ),
        ("36", "a new package is not held for review", Quilt, |_| {}, Accepted(&[])),
    ])
}
