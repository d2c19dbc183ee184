//! Launchpad's upload processor (`lp.archiveuploader`), step by step: which check
//! comes before which, where it stops, and what each says. What needs its database
//! (accounts, rights, quota) is asked of [`Holdings`] or left out.
//!
//! The order matters: the mail of a rejected upload begins with the first message,
//! and a check behind a stop is never made.

mod accept;
mod changes;
mod dsc;
mod files;
mod policy;

use std::path::Path;

use crate::check::documents::{self, Folder};
use crate::check::finding::{Finding, Level, Report, Verdict};
use crate::check::path::{self, TargetArchive, UploadPath};
use crate::check::rules::{self, Rule};
use crate::check::signature::{self, Standing};
use crate::check::suite::Suite;
use crate::check::tagfile::{self, Stanza};
use crate::check::{Archive, Options, holdings::Holdings};
use crate::diagnostic::Failure;
use crate::series::Distro;

/// Why processing ends before its end.
enum Stop {
    /// Errors that leave nothing to go on with.
    Early,
    /// A source format that Launchpad does not know: the same, but its reason is
    /// told to nobody.
    Format(String),
    /// Launchpad's program fails.
    Unhandled(String),
    /// The same, and it was told.
    Told,
    /// This machine fails.
    Failure(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failure(failure)
    }
}

/// One upload on its way through the checks.
struct Processor<'a> {
    options: &'a Options<'a>,
    today: String,
    folder: Folder,
    path: UploadPath,
    suite: Option<Suite>,
    findings: Vec<Finding>,
    rejected: bool,
}

/// A list of a million files that are not there is told up to here.
const MOST_FINDINGS: usize = 2000;

/// Judges an upload.
pub(super) fn judge(control: &Path, is_changes: bool, options: &Options<'_>) -> Result<Report, Failure> {
    let today = options.today();
    let some_ppa = UploadPath {
        path: String::new(),
        archive: TargetArchive::Ppa { owner: String::new(), name: String::new() },
        suite: None,
        is_deprecated: false,
    };
    let mut processor = Processor {
        options,
        folder: Folder::of(control)?,
        path: some_ppa,
        suite: None,
        findings: Vec::new(),
        rejected: false,
        today,
    };
    let name = control.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    documents::check_readable(control)?;
    processor.find_archive();
    let mut subject = Subject::default();
    let ended = match is_changes {
        true => processor.process(&name, &mut subject),
        false => processor.process_dsc(&name, &mut subject),
    };
    match ended {
        Ok(()) | Err(Stop::Told) => {}
        Err(Stop::Early) => processor.reject(&rules::PROCESSING_STOPPED, rules::PROCESSING_STOPPED.message),
        Err(Stop::Format(format)) => {
            let fact = format!("Launchpad does not say it, but the reason is the source format `{format}`");
            processor.find(Finding::new(&rules::SOURCE_FORMAT, rules::SOURCE_FORMAT.message).because(fact));
        }
        Err(Stop::Unhandled(reason)) => {
            processor.reject(&rules::UNHANDLED, format!("Unhandled exception processing upload: {reason}"));
        }
        Err(Stop::Failure(failure)) => return Err(failure),
    }
    processor.tell_what_was_not_asked();
    Ok(processor.report(subject))
}

/// A control file that could be read.
struct Document {
    stanza: Stanza,
    /// The whole file, with its signature.
    bytes: Vec<u8>,
}

/// What an upload is of, as far as it became known.
#[derive(Default)]
struct Subject {
    source: Option<String>,
    version: Option<String>,
    suite: Option<String>,
}

impl Processor<'_> {
    fn report(self, subject: Subject) -> Report {
        let rejected = self.is_rejected();
        Report {
            archive: Archive::Launchpad,
            source: subject.source,
            version: subject.version,
            suite: subject.suite,
            verdict: if rejected { Verdict::Rejected } else { Verdict::Accepted },
            findings: self.findings,
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.rejected && self.findings.len() >= MOST_FINDINGS {
            return;
        }
        self.rejected |= finding.rule.level == Level::Rejected;
        self.findings.push(finding);
    }

    fn reject(&mut self, rule: &'static Rule, message: impl Into<String>) {
        self.find(Finding::new(rule, message));
    }

    fn is_rejected(&self) -> bool {
        self.rejected
    }

    /// Launchpad's `run_and_reject_on_error`: goes on only if nothing is wrong so far.
    fn stop_if_rejected(&self) -> Result<(), Stop> {
        if self.is_rejected() { Err(Stop::Early) } else { Ok(()) }
    }

    fn is_ppa(&self) -> bool {
        matches!(self.path.archive, TargetArchive::Ppa { .. })
    }

    fn distro(&self) -> Distro {
        match self.path.archive {
            TargetArchive::Primary(distro) => distro,
            TargetArchive::Ppa { .. } => Distro::Ubuntu,
        }
    }

    /// The archive that the upload goes to.
    fn archive(&self) -> &dyn Holdings {
        if self.is_ppa() { self.options.ppa } else { self.options.primary }
    }

    /// Which archive the upload path means.
    fn find_archive(&mut self) {
        let Some(written) = &self.options.path else { return };
        match path::parse(written, &self.today) {
            Ok(found) => {
                if found.is_deprecated {
                    let message = format!("Launchpad calls the form of the upload path '{written}' deprecated");
                    self.find(Finding::new(&rules::DEPRECATED_PATH, message));
                }
                self.suite = found.suite.clone();
                self.path = found;
            }
            Err(error) => {
                let rule = match error {
                    path::PathError::Builders(_) => &rules::BUILD_PATH,
                    _ => &rules::UPLOAD_PATH,
                };
                self.reject(rule, error.message(written.trim_matches('/')));
            }
        }
    }

    /// Opens a control file and judges its signature where Launchpad wants one.
    /// `None`: there is none to read, and that was told.
    fn open(&mut self, name: &str, must_be_signed: bool) -> Result<Option<Document>, Stop> {
        let bytes = match self.folder.document(name)? {
            Ok(bytes) => bytes,
            Err(why) => {
                let name = base_name(name);
                let message = format!("Unable to read {name}: [Errno 2] No such file or directory: '{name}'");
                let finding = Finding::new(&rules::CONTROL_FILE_MISSING, message);
                self.find(why.into_iter().fold(finding, Finding::because));
                return Ok(None);
            }
        };
        if !must_be_signed {
            let stanza = self.read_stanza(name, &signature::payload(&bytes));
            return Ok(stanza.map(|stanza| Document { stanza, bytes }));
        }
        let opened = signature::open(&bytes, self.options.keys.certs(), self.options.now);
        let is_good = self.judge_signature(name, &opened);
        // a signed text within a signed text: Launchpad takes both envelopes off
        let text = signature::payload(&opened.text);
        let stanza = if is_good { self.read_stanza(name, &text) } else { None };
        Ok(stanza.map(|stanza| Document { stanza, bytes: bytes.clone() }))
    }

    fn judge_signature(&mut self, name: &str, opened: &signature::Opened<'_>) -> bool {
        if opened.has_text_outside {
            let message = format!("{name} has text outside of what is signed, which Launchpad ignores");
            self.find(Finding::new(&rules::TEXT_OUTSIDE_SIGNATURE, message));
        }
        let failed = |why: &str| format!("GPG verification of {name} failed: {why}");
        let required = self.options.require_signature;
        let (rule, message) = match &opened.standing {
            Standing::Good(_) => return true,
            Standing::Unsigned if required => (&rules::SIGNATURE_MISSING, failed("(7, 58, 'No data')")),
            Standing::Unsigned => (&rules::UNSIGNED, format!("{name} is not signed")),
            Standing::Unknown(key) if required => {
                let why = format!("Verification failed 3 times: ['{key} does not exist on the keyserver'] ");
                (&rules::SIGNER_UNKNOWN, failed(why.trim_end()))
            }
            Standing::Unknown(key) => {
                let message = format!("the signature of {name} was not verified: key {key} is not at hand");
                (&rules::SIGNATURE_NOT_VERIFIED, message)
            }
            Standing::Malformed => (&rules::SIGNATURE_MALFORMED, failed("(7, 89, 'Bad data')")),
            Standing::Several => {
                (&rules::SEVERAL_SIGNATURES, failed("Single signature expected, found multiple signatures"))
            }
            Standing::Bad => (&rules::SIGNATURE_BAD, failed("(7, 8, 'Bad signature')")),
            Standing::Revoked(_) => (&rules::KEY_REVOKED, failed("(7, 94, 'Certificate revoked')")),
            Standing::Expired(key) => (&rules::KEY_EXPIRED, format!("File {name} is signed with an expired key {key}")),
        };
        self.reject(rule, message);
        rule.level != Level::Rejected
    }

    fn read_stanza(&mut self, name: &str, text: &[u8]) -> Option<Stanza> {
        let mut stanzas = tagfile::parse(text).into_iter();
        match (stanzas.next(), stanzas.next()) {
            (Some(stanza), None) => Some(stanza),
            _ => {
                let message = format!("Unable to parse {name}: {name}: multiple stanzas where only one is expected");
                self.reject(&rules::UNREADABLE, message);
                None
            }
        }
    }

    /// An archive that nobody asked counted as empty.
    fn tell_what_was_not_asked(&mut self) {
        let archives = [("the PPA", self.options.ppa), ("Ubuntu", self.options.primary)];
        let names: Vec<&str> = archives.iter().filter(|(_, held)| !held.is_known()).map(|(name, _)| *name).collect();
        if names.is_empty() || (self.is_ppa() && !self.findings.is_empty() && self.stopped()) {
            return;
        }
        let message = format!("nobody was asked what {} has published: it counts as empty", names.join(" or "));
        self.find(Finding::new(&rules::ARCHIVE_UNKNOWN, message));
    }

    /// Whether the checks that ask an archive were never reached.
    fn stopped(&self) -> bool {
        let last = self.findings.last().map(|finding| finding.rule.code);
        [rules::PROCESSING_STOPPED.code, rules::SOURCE_FORMAT.code].into_iter().any(|code| last == Some(code))
    }
}

/// What Python's `os.path.basename` makes of a name.
fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
