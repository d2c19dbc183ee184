//! Upload paths, signatures, rights: rules 1 to 4.

use sequoia_openpgp::types::HashAlgorithm;

use crate::support::Base::{Components, Native, Quilt};
use crate::support::Expect::{Accepted, Rejected};
use crate::support::{Case, Files, Who, cases, sign_with};

const CHANGES: &str = "hello_1.0-1_source.changes";

/// Edits the .changes that was signed.
fn edit(files: &mut Files, edit: impl Fn(&str) -> String) {
    let text = String::from_utf8(files[CHANGES].clone()).unwrap();
    files.insert(CHANGES.to_string(), edit(&text).into_bytes());
}

fn block(text: &str) -> &str {
    &text[text.find("-----BEGIN PGP SIGNATURE").unwrap()..]
}

fn body(text: &str) -> &str {
    let start = text.find("\n\n").unwrap() + 2;
    &text[start..text.find("-----BEGIN PGP SIGNATURE").unwrap()]
}

pub fn all() -> Vec<Case> {
    let mut all = paths();
    all.extend(cases(&[
        ("1", "unsigned .changes where a signature is wanted", Quilt, |u| { u.changes.key = None; u.require_signature = true },
            Rejected("signature-missing", "GPG verification of hello_1.0-1_source.changes failed: (7, 58, 'No data')")),
        ("1", "unsigned .dsc where a signature is wanted", Quilt, |u| { u.dsc.key = None; u.require_signature = true },
            Rejected("signature-missing", "GPG verification of hello_1.0-1.dsc failed: (7, 58, 'No data')")),
        ("1", "nothing signed", Quilt, |u| { u.dsc.key = None; u.changes.key = None }, Accepted(&["unsigned", "unsigned"])),
        ("1", "tampered .changes", Quilt, |u| u.after.push(|f| edit(f, |t| t.replace("Urgency: medium", "Urgency: low"))),
            Rejected("signature-bad", "GPG verification of hello_1.0-1_source.changes failed: (7, 8, 'Bad signature')")),
        ("1", "tampered .dsc", Quilt, |u| u.after.push(|f| {
                let text = String::from_utf8(f["hello_1.0-1.dsc"].clone()).unwrap();
                f.insert("hello_1.0-1.dsc".into(), text.replace("Architecture: any", "Architecture: all").into_bytes());
            }), Rejected("signature-bad", "GPG verification of hello_1.0-1.dsc failed: (7, 8, 'Bad signature')")),
        ("1", "two signed blocks", Quilt, |u| u.after.push(|f| edit(f, |t| format!("{t}{t}"))),
            Rejected("signature-malformed", "GPG verification of hello_1.0-1_source.changes failed: (7, 89, 'Bad data')")),
        ("1", "detached signature behind the text", Quilt, |u| u.after.push(|f| edit(f, |t| format!("{}{}", body(t), block(t)))),
            Rejected("signature-bad", "GPG verification of hello_1.0-1_source.changes failed: (7, 8, 'Bad signature')")),
        ("1", "second signature behind the first", Quilt, |u| u.after.push(|f| edit(f, |t| format!("{t}{}", block(t)))),
            Rejected("signature-not-single", "GPG verification of hello_1.0-1_source.changes failed: Single signature expected, found multiple signatures")),
        ("1", "signed block cut off before its signature", Quilt, |u| u.after.push(|f| edit(f, |t| t[..t.find("-----BEGIN PGP SIGNATURE").unwrap()].to_string())),
            Rejected("signature-malformed", "GPG verification of hello_1.0-1_source.changes failed: …")),
        ("1", "text before the block", Quilt, |u| u.after.push(|f| edit(f, |t| format!("Distribution: unstable\n\n{t}"))), Accepted(&["text-outside-signature"])),
        ("1", "text behind the block", Quilt, |u| u.after.push(|f| edit(f, |t| format!("{t}\nDistribution: unstable\n"))), Accepted(&["text-outside-signature"])),
        ("1", "blank lines before the block", Quilt, |u| u.after.push(|f| edit(f, |t| format!("\n\n{t}"))), Accepted(&[])),
        ("1", "signed twice, one envelope in the other", Quilt, |u| u.after.push(|f| {
                let signed = sign_with(&f[CHANGES].clone(), Who::Second, HashAlgorithm::SHA512);
                f.insert(CHANGES.into(), signed);
            }), Accepted(&[])),
        ("1", "no end of the signature", Quilt, |u| u.after.push(|f| edit(f, |t| t.replace("-----END PGP SIGNATURE-----\n", ""))), Accepted(&[])),
        ("1", "text behind the block of the .dsc", Quilt, |u| u.wrap = Some(|t| format!("{t}\nX: y\n")), Accepted(&["text-outside-signature"])),
        ("1", "blank lines before the block of the .dsc", Quilt, |u| u.wrap = Some(|t| format!("\n\n{t}")), Accepted(&[])),
        ("1", "text before the block of the .dsc: only dpkg-source minds", Quilt, |u| u.wrap = Some(|t| format!("X: y\n\n{t}")),
            Rejected("unpacking-fails", "dpkg-source failed for hello_1.0-1.dsc")),
        ("1", ".dsc signed twice: only dpkg-source minds", Quilt, |u| u.wrap = Some(|t| {
                String::from_utf8(sign_with(t.as_bytes(), Who::Second, HashAlgorithm::SHA512)).unwrap()
            }), Rejected("unpacking-fails", "dpkg-source failed for hello_1.0-1.dsc")),
        ("1", "signed .buildinfo", Quilt, |u| u.buildinfo.key = Some(Who::Known), Accepted(&[])),
        ("1", "empty .changes", Quilt, |u| { u.require_signature = true; u.after.push(|f| edit(f, |_| String::new())) },
            Rejected("signature-missing", "GPG verification of hello_1.0-1_source.changes failed: (7, 58, 'No data')")),
        ("2", "key that is not at hand, where it has to be", Quilt, |u| { u.changes.key = Some(Who::Stranger); u.require_signature = true },
            Rejected("signer-unknown", "GPG verification of hello_1.0-1_source.changes failed: Verification failed 3 times: ['…")),
        ("2", "key that is not at hand", Quilt, |u| { u.dsc.key = Some(Who::Stranger); u.changes.key = Some(Who::Stranger) },
            Accepted(&["signature-not-verified", "signature-not-verified"])),
        ("2", "expired key", Quilt, |u| { u.changes.key = Some(Who::Expiring); u.days = 31 * 365 },
            Rejected("signing-key-expired", "File hello_1.0-1_source.changes is signed with an expired key …")),
        ("2", "key that will expire", Quilt, |u| { u.changes.key = Some(Who::Expiring); u.dsc.key = Some(Who::Expiring) }, Accepted(&[])),
        ("2", "revoked key", Quilt, |u| u.changes.key = Some(Who::Revoked),
            Rejected("signing-key-revoked", "GPG verification of hello_1.0-1_source.changes failed: (7, 94, 'Certificate revoked')")),
        ("2", "signed by a subkey", Quilt, |u| { u.dsc.key = Some(Who::Subkey); u.changes.key = Some(Who::Subkey) }, Accepted(&[])),
        ("2", "two keys, one for each file", Components, |u| u.dsc.key = Some(Who::Second), Accepted(&[])),
        ("2", "SHA-1 signature", Quilt, |u| { u.changes.key = None; u.after.push(|f| {
                let signed = sign_with(&f[CHANGES].clone(), Who::Known, HashAlgorithm::SHA1);
                f.insert(CHANGES.into(), signed);
            }) }, Accepted(&[])),
        ("3", "signer is neither Maintainer nor Changed-By", Native, |u| u.changes.set("Changed-By", "Somebody Else <b@example.org>"), Accepted(&[])),
        ("4", "no code of conduct is asked for", Quilt, |_| {}, Accepted(&[])),
    ]));
    all
}

fn paths() -> Vec<Case> {
    const PRIMARY: &str = "The signer of this package has no upload rights to this distribution's primary archive.  Did you mean to upload to a PPA?";
    cases(&[
        ("3", "path of Ubuntu itself", Quilt, |u| u.path = Some("ubuntu"), Rejected("primary-archive-upload", PRIMARY)),
        ("3", "no path", Quilt, |u| u.path = Some(""), Rejected("primary-archive-upload", PRIMARY)),
        (
            "3",
            "path of a suite of Ubuntu",
            Quilt,
            |u| u.path = Some("ubuntu/noble"),
            Rejected("primary-archive-upload", PRIMARY),
        ),
        ("paths", "modern path", Quilt, |u| u.path = Some("~jane/ubuntu/tools"), Accepted(&[])),
        (
            "paths",
            "modern path with a slash at its end",
            Quilt,
            |u| u.path = Some("~jane/ubuntu/tools/"),
            Accepted(&[]),
        ),
        (
            "paths",
            "path with the distribution behind",
            Quilt,
            |u| u.path = Some("~jane/tools/ubuntu"),
            Accepted(&["deprecated-upload-path"]),
        ),
        (
            "paths",
            "path without distribution",
            Quilt,
            |u| u.path = Some("~jane/tools"),
            Accepted(&["deprecated-upload-path"]),
        ),
        ("paths", "nameless path", Quilt, |u| u.path = Some("~jane/ubuntu"), Accepted(&["deprecated-upload-path"])),
        (
            "paths",
            "series in the wrong place",
            Quilt,
            |u| u.path = Some("~jane/tools/noble"),
            Rejected(
                "upload-path",
                "Launchpad failed to process the upload path '~jane/tools/noble':\n\nCould not find distribution 'tools'.…",
            ),
        ),
        (
            "paths",
            "series and distribution in the wrong place",
            Quilt,
            |u| u.path = Some("~jane/tools/noble/ubuntu"),
            Rejected(
                "upload-path",
                "Launchpad failed to process the upload path '~jane/tools/noble/ubuntu':\n\nCould not find distribution 'tools'.…",
            ),
        ),
        (
            "paths",
            "unknown suite in the path",
            Quilt,
            |u| u.path = Some("~jane/ubuntu/tools/unstable"),
            Rejected(
                "upload-path",
                "Launchpad failed to process the upload path '~jane/ubuntu/tools/unstable':\n\nCould not find suite 'unstable'.…",
            ),
        ),
        (
            "paths",
            "unknown distribution",
            Quilt,
            |u| u.path = Some("fedora"),
            Rejected(
                "upload-path",
                "Launchpad failed to process the upload path 'fedora':\n\nCould not find distribution 'fedora'.…",
            ),
        ),
        (
            "paths",
            "owner alone",
            Quilt,
            |u| u.path = Some("~jane"),
            Rejected("upload-path", "Launchpad failed to process the upload path '~jane':\n\nPath format mismatch.…"),
        ),
        (
            "paths",
            "path for builders",
            Quilt,
            |u| u.path = Some("12345/ubuntu"),
            Rejected("build-upload-path", "Invalid upload path (12345/ubuntu) for this policy (insecure)"),
        ),
        (
            "18",
            "suite in the path goes before Distribution",
            Quilt,
            |u| {
                u.path = Some("~jane/ubuntu/tools/noble");
                u.changes.set("Distribution", "unstable")
            },
            Accepted(&[]),
        ),
    ])
}
