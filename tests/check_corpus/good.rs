//! Uploads that look strange, and are good.

use crate::support::Base::{Components, Epoch, Native, OneNative, Quilt};
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, cases};

pub fn all() -> Vec<Case> {
    cases(&[
        ("13", "no .buildinfo", Quilt, |u| u.changes.unlist("hello_1.0-1_source.buildinfo"), Accepted(&[])),
        ("13", "buildinfo of nonsense fields", Quilt, |u| u.buildinfo.text = "X: y\n".into(), Accepted(&[])),
        (
            "9",
            "lines of Files with many blanks",
            Quilt,
            |u| u.changes.replace(" misc optional ", "   misc  optional\t"),
            Accepted(&[]),
        ),
        (
            "6",
            "blanks before the colon",
            Quilt,
            |u| u.changes.replace("Urgency: medium", "Urgency : medium"),
            Accepted(&[]),
        ),
        (
            "6",
            "fields that nobody knows",
            Quilt,
            |u| {
                u.changes.set("X-Made-By", "hand");
                u.dsc.set("X-Made-By", "hand")
            },
            Accepted(&[]),
        ),
        ("6", "carriage returns", Native, |u| u.changes.text = u.changes.text.replace('\n', "\r\n"), Accepted(&[])),
        ("22", "version with all characters", Native, |u| u.reversion("1.0", "1.0+a~b.c"), Accepted(&[])),
        ("22", "version of one digit", Native, |u| u.reversion("1.0", "1"), Accepted(&[])),
        ("22", "version with capitals", Native, |u| u.reversion("1.0", "1.0RC1"), Accepted(&[])),
        (
            "22",
            "version that ends in a hyphen",
            Quilt,
            |u| u.reversion("1.0-1", "1.0-"),
            Rejected("unpacking-fails", "dpkg-source failed for hello_1.0-.dsc"),
        ),
        ("22", "version with two hyphens", Native, |u| u.reversion("1.0", "1.0-rc-1"), Accepted(&[])),
        ("22", "native format and a revision", Native, |u| u.reversion("1.0", "1.0-1"), Accepted(&[])),
        ("18", "every supported series", OneNative, |u| u.changes.set("Distribution", "resolute"), Accepted(&[])),
        (
            "2",
            "epoch and components, signed by two",
            Components,
            |u| u.changes.key = Some(crate::support::Who::Second),
            Accepted(&[]),
        ),
        ("12", "epoch is in no file name", Epoch, |u| u.path = Some("~jane/ubuntu/tools/jammy"), Accepted(&[])),
    ])
}
