//! What holds for the files of an upload whoever takes them, and the outlines of
//! Debian's archive (dak's `checks.py`) as far as an upload tells by itself:
//! fields, suite, version. dak's reject messages are not imitated.

use std::path::Path;

use crate::check::documents::{self, Folder, Found};
use crate::check::finding::{Finding, Level, Report, Verdict};
use crate::check::rules::{self, Rule};
use crate::check::signature::{self, Standing};
use crate::check::tagfile::ListedFile;
use crate::check::unpack::{self, Format, Outcome, Place};
use crate::check::{Archive, Options, suite, tagfile};
use crate::deb::control::{self, Paragraph};
use crate::deb::version::Version;
use crate::diagnostic::Failure;
use crate::series::Distro;

/// Judges an upload; `for_debian`: by the rules of Debian's archive too.
pub(super) fn judge(path: &Path, is_changes: bool, options: &Options<'_>, for_debian: bool) -> Result<Report, Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    documents::check_readable(path)?;
    let mut judge = Judge { options, folder: Folder::of(path)?, findings: Vec::new() };
    let paragraph = judge.open(&name)?;
    let field = |name: &str| paragraph.as_ref().and_then(|paragraph| paragraph.get_filled(name)).map(str::to_string);
    match (&paragraph, is_changes) {
        (None, _) => {}
        (Some(changes), true) => judge.changes(changes, for_debian)?,
        (Some(dsc), false) => judge.dsc(&name, dsc)?,
    }
    let rejected = judge.findings.iter().any(|finding| finding.rule.level == Level::Rejected);
    Ok(Report {
        archive: if for_debian { Archive::Debian } else { Archive::None },
        source: field("Source"),
        version: field("Version"),
        suite: field("Distribution"),
        verdict: if rejected { Verdict::Rejected } else { Verdict::Accepted },
        findings: judge.findings,
    })
}

const MANDATORY: [&str; 10] = [
    "Format",
    "Source",
    "Architecture",
    "Version",
    "Distribution",
    "Maintainer",
    "Changes",
    "Files",
    "Checksums-Sha1",
    "Checksums-Sha256",
];

struct Judge<'a> {
    options: &'a Options<'a>,
    folder: Folder,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn find(&mut self, rule: &'static Rule, message: impl Into<String>) {
        self.findings.push(Finding::new(rule, message));
    }

    /// Opens a control file, judges its signature, and reads it strictly.
    fn open(&mut self, name: &str) -> Result<Option<Paragraph>, Failure> {
        let bytes = match self.folder.document(name)? {
            Ok(bytes) => bytes,
            Err(why) => {
                let finding = Finding::new(&rules::PACKAGE_FILES, format!("{name} is not there"));
                self.findings.push(why.into_iter().fold(finding, Finding::because));
                return Ok(None);
            }
        };
        let opened = signature::open(&bytes, self.options.keys.certs(), self.options.now);
        self.judge_signature(name, &opened.standing);
        if documents::is_crowded(&bytes) {
            self.find(&rules::PACKAGE_FILES, format!("{name} has more fields than a control file can have"));
            return Ok(None);
        }
        let strict = control::strip_signature(&bytes).and_then(|text| control::parse_bytes(&text));
        match strict.map(|mut paragraphs| (paragraphs.pop(), paragraphs.is_empty())) {
            Ok((Some(paragraph), true)) => return Ok(Some(paragraph)),
            Ok(_) => self.find(&rules::PACKAGE_FILES, format!("{name} is not one stanza of fields")),
            Err(error) => self.find(&rules::PACKAGE_FILES, format!("{name}: {error}")),
        }
        Ok(None)
    }

    fn judge_signature(&mut self, name: &str, standing: &Standing) {
        let required = self.options.require_signature;
        let (rule, what): (&'static Rule, String) = match standing {
            Standing::Good(_) => return,
            Standing::Unsigned if required => (&rules::SIGNATURE_MISSING, "is not signed".into()),
            Standing::Unsigned => (&rules::UNSIGNED, "is not signed".into()),
            Standing::Unknown(key) if required => {
                (&rules::SIGNER_UNKNOWN, format!("is signed by {key}, which is not at hand"))
            }
            Standing::Unknown(key) => {
                (&rules::SIGNATURE_NOT_VERIFIED, format!("is signed by {key}, which is not at hand"))
            }
            Standing::Malformed => (&rules::SIGNATURE_MALFORMED, "is not one signed text".into()),
            Standing::Several => (&rules::SEVERAL_SIGNATURES, "bears several signatures".into()),
            Standing::Bad => (&rules::SIGNATURE_BAD, "was changed after it was signed".into()),
            Standing::Revoked(key) => (&rules::KEY_REVOKED, format!("is signed with {key}, which is revoked")),
            Standing::Expired(key) => (&rules::KEY_EXPIRED, format!("is signed with {key}, which has expired")),
        };
        self.find(rule, format!("{name} {what}"));
    }

    fn changes(&mut self, changes: &Paragraph, for_debian: bool) -> Result<(), Failure> {
        if for_debian {
            self.debian_fields(changes);
        }
        let Some(files) = self.list(changes, "the .changes", 5) else { return Ok(()) };
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        self.folder.hash(&names, self.options.jobs)?;
        for file in &files {
            self.check_file(file, "the .changes");
        }
        let mut dscs = names.iter().filter(|name| name.ends_with(".dsc"));
        match (dscs.next(), dscs.next()) {
            (Some(name), None) => {
                let name = name.to_string();
                let Some(dsc) = self.open(&name)? else { return Ok(()) };
                for field in ["Source", "Version"] {
                    let (own, other) = (dsc.get(field).unwrap_or_default(), changes.get(field).unwrap_or_default());
                    // Source may carry a version of its own in a .changes
                    if own != other.split_whitespace().next().unwrap_or_default() {
                        self.find(
                            &rules::PACKAGE_DSC,
                            format!("{field} is `{own}` in {name} and `{other}` in the .changes"),
                        );
                    }
                }
                self.dsc(&name, &dsc)
            }
            (None, _) => {
                self.find(&rules::PACKAGE_DSC, "the .changes lists no .dsc");
                Ok(())
            }
            _ => {
                self.find(&rules::PACKAGE_DSC, "the .changes lists several .dsc");
                Ok(())
            }
        }
    }

    fn debian_fields(&mut self, changes: &Paragraph) {
        for field in MANDATORY.into_iter().filter(|field| changes.get_filled(field).is_none()) {
            self.find(&rules::DEBIAN_FIELD, format!("the .changes has no field {field}"));
        }
        let target = changes.get("Distribution").unwrap_or_default();
        let known =
            ["unstable", "experimental", "stable", "testing"].contains(&target.split('-').next().unwrap_or_default());
        let by_name = target.split('-').next().unwrap_or_default();
        if !known && suite::find(by_name, Distro::Debian, &self.options.today()).is_none() {
            self.find(&rules::DEBIAN_SUITE, format!("`{target}` is no suite of Debian's"));
        }
        if let Err(error) = Version::parse(changes.get("Version").unwrap_or_default()) {
            self.find(&rules::PACKAGE_VERSION, error.to_string());
        }
    }

    fn list(&mut self, paragraph: &Paragraph, what: &str, columns: usize) -> Option<Vec<ListedFile>> {
        let stanza = tagfile::parse(paragraph.to_string().as_bytes()).into_iter().next().unwrap_or_default();
        match tagfile::files(&stanza, columns) {
            Ok(files) => Some(files),
            Err(error) => {
                self.find(&rules::PACKAGE_FILES, format!("the lists of files in {what} are not right: {error}"));
                None
            }
        }
    }

    /// Whether a listed file is there, and is the one that is listed.
    fn check_file(&mut self, file: &ListedFile, lister: &str) -> bool {
        let name = &file.name;
        let Some(sums) = self.folder.checksums(name) else {
            let finding = Finding::new(&rules::PACKAGE_FILES, format!("{name}, listed in {lister}, is not there"));
            let why = match self.folder.find(name) {
                Found::Nothing(why) => why,
                Found::File(_) => None,
            };
            self.findings.push(why.into_iter().fold(finding, Finding::because));
            return false;
        };
        let differs = file.digests().any(|(algorithm, wanted)| {
            let got = match algorithm {
                "MD5" => &sums.md5,
                "SHA1" => &sums.sha1,
                _ => &sums.sha256,
            };
            got != wanted
        });
        if differs || file.size != sums.size.to_string() {
            self.find(&rules::PACKAGE_FILES, format!("{name} is not the file that {lister} lists"));
            return false;
        }
        true
    }

    fn dsc(&mut self, name: &str, dsc: &Paragraph) -> Result<(), Failure> {
        let Some(files) = self.list(dsc, name, 3) else { return Ok(()) };
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        self.folder.hash(&names, self.options.jobs)?;
        let format = match dsc.get("Format").unwrap_or("1.0") {
            "1.0" => Format::One,
            "3.0 (quilt)" => Format::Quilt,
            "3.0 (native)" => Format::Native,
            other => {
                self.find(&rules::PACKAGE_DSC, format!("{name} has the source format `{other}`"));
                return Ok(());
            }
        };
        let mut places = Vec::new();
        for file in &files {
            // an orig that is not sent is the archive's
            let is_orig = file.name.contains(".orig.tar.") || file.name.contains(".orig-");
            match self.folder.find(&file.name) {
                Found::Nothing(None) if is_orig => places.push((file.name.clone(), Place::Elsewhere)),
                Found::File(path) if self.check_file(file, name) => places.push((file.name.clone(), Place::File(path))),
                Found::File(_) => return Ok(()),
                Found::Nothing(_) => {
                    self.check_file(file, name);
                    return Ok(());
                }
            }
        }
        let (source, version) = (dsc.get("Source").unwrap_or_default(), dsc.get("Version").unwrap_or_default());
        let package = unpack::Package { format, source, version, files: &places };
        let Ok(bytes) = self.folder.document(name)? else { return Ok(()) };
        match unpack::judge(&package, &bytes)? {
            Outcome::Unpacks(tree) => {
                if tree.changelog == unpack::Entry::Missing {
                    self.find(&rules::PACKAGE_UNPACKING, format!("{name} has no debian/changelog"));
                }
                for doubt in tree.doubts {
                    self.find(&rules::UNPACKING_DOUBTED, doubt);
                }
            }
            Outcome::Fails(why) => {
                let finding = Finding::new(&rules::PACKAGE_UNPACKING, format!("dpkg-source cannot unpack {name}"));
                self.findings.push(finding.because(why));
            }
            Outcome::Doubtful(why) => self.find(&rules::UNPACKING_DOUBTED, why),
            Outcome::Unjudged(why) => {
                self.find(&rules::UNPACKING_UNJUDGED, format!("whether {name} unpacks was not judged: {why}"));
            }
        }
        Ok(())
    }
}
