//! Fields of the .changes, and its series: rules 5 to 8, 16 to 20.

use crate::support::Base::Quilt;
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, Edit, cases};

const UNREADABLE: &str = "Unable to parse hello_1.0-1_source.changes: hello_1.0-1_source.changes: multiple stanzas where only one is expected";

pub fn all() -> Vec<Case> {
    [fields(), series()].into_iter().flatten().collect()
}

fn fields() -> Vec<Case> {
    let missing = |field: &'static str| -> &'static str {
        Box::leak(format!("Unable to find mandatory field '{field}' in the changes file.").into_boxed_str())
    };
    let mut all = cases(&[
        (
            "5",
            "name without architecture",
            Quilt,
            |u| u.changes.name = "hello_1.0-1.changes".into(),
            Rejected(
                "changes-name",
                "hello_1.0-1.changes -> inappropriate changesfile name, should follow \"<pkg>_<version>_<arch>.changes\" format",
            ),
        ),
        (
            "5",
            "name with hyphens for underscores",
            Quilt,
            |u| u.changes.name = "hello-1.0-1-source.changes".into(),
            Rejected(
                "changes-name",
                "hello-1.0-1-source.changes -> inappropriate changesfile name, should follow \"<pkg>_<version>_<arch>.changes\" format",
            ),
        ),
        ("5", "name of another package", Quilt, |u| u.changes.name = "other_9_all.changes".into(), Accepted(&[])),
        (
            "6",
            "two stanzas",
            Quilt,
            |u| u.changes.replace("Urgency:", "\nUrgency:"),
            Rejected("control-file-unreadable", UNREADABLE),
        ),
        (
            "6",
            "a line of blanks separates too",
            Quilt,
            |u| u.changes.replace("Urgency:", " \t\nUrgency:"),
            Rejected("control-file-unreadable", UNREADABLE),
        ),
        (
            "6",
            "no fields at all",
            Quilt,
            |u| u.changes.text = "nothing\n".into(),
            Rejected("control-file-unreadable", UNREADABLE),
        ),
        (
            "6",
            "a line that is no field",
            Quilt,
            |u| u.changes.replace("Urgency:", "what is this\nUrgency:"),
            Accepted(&[]),
        ),
        (
            "6",
            "a field twice: the last counts",
            Quilt,
            |u| u.changes.text.insert_str(0, "Distribution: unstable\n"),
            Accepted(&[]),
        ),
        ("6", "comments", Quilt, |u| u.changes.text.insert_str(0, "# made by hand\n"), Accepted(&[])),
        (
            "6",
            "unneeded fields are missing",
            Quilt,
            |u| {
                for field in ["Format", "Binary", "Urgency", "Description"] {
                    if u.changes.text.contains(&format!("{field}:")) {
                        u.changes.drop(field)
                    }
                }
            },
            Accepted(&[]),
        ),
        (
            "6",
            "field in lower case",
            Quilt,
            |u| u.changes.replace("Source: hello", "source: hello"),
            Rejected("changes-field-missing", missing("Source")),
        ),
        (
            "7",
            "format 3",
            Quilt,
            |u| u.changes.set("Format", "3"),
            Rejected("changes-format", "Format out of acceptable range for changes file. Range 1.5 - 2.0, format 3"),
        ),
        (
            "7",
            "format 1.4",
            Quilt,
            |u| u.changes.set("Format", "1.4"),
            Rejected("changes-format", "Format out of acceptable range for changes file. Range 1.5 - 2.0, format 1.4"),
        ),
        ("7", "format 2.0", Quilt, |u| u.changes.set("Format", "2.0"), Accepted(&[])),
        ("7", "format 1.5", Quilt, |u| u.changes.set("Format", "1.5"), Accepted(&[])),
        ("7", "no format", Quilt, |u| u.changes.drop("Format"), Accepted(&[])),
        (
            "7",
            "format that is no number",
            Quilt,
            |u| u.changes.set("Format", "new"),
            Rejected(
                "unhandled-exception",
                "Unhandled exception processing upload: could not convert string to float: b'new'",
            ),
        ),
        (
            "8",
            "name of one character",
            Quilt,
            |u| u.changes.set("Maintainer", "X <x@example.org>"),
            Rejected("address-form", "X <x@example.org>: doesn't parse as a valid Maintainer field."),
        ),
        (
            "8",
            "Changed-By of one character",
            Quilt,
            |u| u.changes.set("Changed-By", "X <x@example.org>"),
            Rejected("address-form", "X <x@example.org>: doesn't parse as a valid Maintainer field."),
        ),
        (
            "8",
            "address without @",
            Quilt,
            |u| u.changes.set("Changed-By", "Jane Doe <jane>"),
            Rejected("address-without-at", "Jane Doe <jane>: no @ found in email address part."),
        ),
        (
            "8",
            "address with a blank",
            Quilt,
            |u| u.changes.set("Maintainer", "Jane Doe <jane doe@example.org>"),
            Rejected("address-invalid", "Unable to identify 'Jane Doe':<jane doe@example.org> in launchpad"),
        ),
        (
            "8",
            "no address at all",
            Quilt,
            |u| u.changes.set("Maintainer", ""),
            Rejected("address-invalid", "Unable to identify '':<> in launchpad"),
        ),
        ("8", "bare address", Quilt, |u| u.changes.set("Maintainer", "jane@example.org"), Accepted(&[])),
        ("8", "address in angle brackets", Quilt, |u| u.changes.set("Changed-By", "<jane@example.org>"), Accepted(&[])),
        (
            "8",
            "comma in the name",
            Quilt,
            |u| u.changes.set("Changed-By", "Doe, Jane <jane@example.org>"),
            Accepted(&[]),
        ),
        (
            "8",
            "letters of elsewhere in the name",
            Quilt,
            |u| u.changes.set("Changed-By", "Łukasz Żółć <l@example.org>"),
            Accepted(&[]),
        ),
        ("8", "name of two characters", Quilt, |u| u.changes.set("Maintainer", "Xy <x@example.org>"), Accepted(&[])),
        ("16", "unknown urgency", Quilt, |u| u.changes.set("Urgency", "urgent"), Accepted(&["unknown-urgency"])),
        (
            "16",
            "comment behind the urgency",
            Quilt,
            |u| u.changes.set("Urgency", "low (really)"),
            Accepted(&["unknown-urgency"]),
        ),
        ("16", "urgency in capitals", Quilt, |u| u.changes.set("Urgency", "HIGH"), Accepted(&[])),
        ("16", "urgency critical", Quilt, |u| u.changes.set("Urgency", "critical"), Accepted(&[])),
        (
            "17",
            "closes what is no bug",
            Quilt,
            |u| {
                u.changes.set("Closes", "nonsense");
                u.changes.set("Launchpad-Bugs-Fixed", "x y")
            },
            Accepted(&[]),
        ),
    ]);
    let fields: [(&str, Edit); 9] = [
        ("Source", |u| u.changes.drop("Source")),
        ("Architecture", |u| u.changes.drop("Architecture")),
        ("Version", |u| u.changes.drop("Version")),
        ("Distribution", |u| u.changes.drop("Distribution")),
        ("Maintainer", |u| u.changes.drop("Maintainer")),
        ("Files", |u| u.changes.drop("Files")),
        ("Changes", |u| u.changes.drop("Changes")),
        ("Date", |u| u.changes.drop("Date")),
        ("Changed-By", |u| u.changes.drop("Changed-By")),
    ];
    for (field, make) in fields {
        all.push(Case {
            rule: "6",
            name: field,
            base: Quilt,
            make,
            expect: Rejected("changes-field-missing", missing(field)),
        });
    }
    all
}

fn series() -> Vec<Case> {
    cases(&[
        (
            "18",
            "Debian's unstable",
            Quilt,
            |u| u.changes.set("Distribution", "unstable"),
            Rejected("unknown-series", "Unable to find distroseries: unstable"),
        ),
        (
            "18",
            "UNRELEASED",
            Quilt,
            |u| u.changes.set("Distribution", "UNRELEASED"),
            Rejected("unknown-series", "Unable to find distroseries: UNRELEASED"),
        ),
        (
            "18",
            "version number of a series",
            Quilt,
            |u| u.changes.set("Distribution", "24.04"),
            Rejected("unknown-series", "Unable to find distroseries: 24.04"),
        ),
        (
            "18",
            "series in capitals",
            Quilt,
            |u| u.changes.set("Distribution", "Noble"),
            Rejected("unknown-series", "Unable to find distroseries: Noble"),
        ),
        (
            "18",
            "Debian's series",
            Quilt,
            |u| u.changes.set("Distribution", "trixie"),
            Rejected("unknown-series", "Unable to find distroseries: trixie"),
        ),
        (
            "18",
            "two series",
            Quilt,
            |u| u.changes.set("Distribution", "noble jammy"),
            Rejected("unknown-series", "Unable to find distroseries: noble jammy"),
        ),
        (
            "18",
            "pocket that is none",
            Quilt,
            |u| u.changes.set("Distribution", "noble-testing"),
            Rejected("unknown-series", "Unable to find distroseries: noble-testing"),
        ),
        ("18", "the development alias", Quilt, |u| u.changes.set("Distribution", "devel"), Accepted(&[])),
        ("18", "another target than the changelog's", Quilt, |u| u.changes.set("Distribution", "jammy"), Accepted(&[])),
        (
            "18",
            "unknown series and wrong name: the series is told first",
            Quilt,
            |u| {
                u.changes.set("Distribution", "sid");
                u.changes.name = "x.changes".into()
            },
            Rejected("unknown-series", "Unable to find distroseries: sid"),
        ),
        (
            "19",
            "pocket -updates",
            Quilt,
            |u| u.changes.set("Distribution", "noble-updates"),
            Rejected("ppa-pocket", "PPA uploads must be for the RELEASE pocket."),
        ),
        (
            "19",
            "pocket -proposed",
            Quilt,
            |u| u.changes.set("Distribution", "noble-proposed"),
            Rejected("ppa-pocket", "PPA uploads must be for the RELEASE pocket."),
        ),
        (
            "19",
            "pocket -security",
            Quilt,
            |u| u.changes.set("Distribution", "noble-security"),
            Rejected("ppa-pocket", "PPA uploads must be for the RELEASE pocket."),
        ),
        (
            "19",
            "pocket in the path",
            Quilt,
            |u| u.path = Some("~jane/ubuntu/tools/noble-backports"),
            Rejected("ppa-pocket", "PPA uploads must be for the RELEASE pocket."),
        ),
        (
            "20",
            "obsolete series",
            Quilt,
            |u| u.changes.set("Distribution", "groovy"),
            Rejected("obsolete-series", "groovy is obsolete and will not accept new uploads."),
        ),
        (
            "20",
            "obsolete series in a PPA that takes it",
            Quilt,
            |u| {
                u.changes.set("Distribution", "groovy");
                u.settings = Some(pkgr::check::holdings::Settings { obsolete_series: true, ..Default::default() });
            },
            Accepted(&[]),
        ),
        ("20", "series of extended support", Quilt, |u| u.changes.set("Distribution", "bionic"), Accepted(&[])),
    ])
}
