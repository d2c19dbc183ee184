//! The .changes itself (`changesfile.py`, and the frame of `nascentupload.py`).

use super::files::{UploadFile, UploadKind};
use super::{Document, Processor, Stop, Subject, base_name};
use crate::check::finding::Finding;
use crate::check::names;
use crate::check::rules;
use crate::check::suite;
use crate::check::tagfile::{self, Stanza};

/// A parsed .changes.
pub(super) struct Changes {
    pub stanza: Stanza,
    pub files: Vec<UploadFile>,
}

impl Changes {
    pub fn field(&self, name: &str) -> &str {
        self.stanza.get(name).unwrap_or_default()
    }

    pub fn architectures(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.field("Architecture").split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    pub fn has_source(&self) -> bool {
        self.architectures().contains(&"source")
    }

    pub fn is_binaryful(&self) -> bool {
        self.architectures().iter().any(|name| *name != "source")
    }
}

/// In the order in which a missing one is told; Launchpad's own order is chance.
const MANDATORY: [&str; 9] =
    ["Source", "Architecture", "Version", "Distribution", "Maintainer", "Files", "Changes", "Date", "Changed-By"];

/// Sections of files that are no packages; they count as binary ones.
const CUSTOM_SECTIONS: [&str; 8] = [
    "raw-installer",
    "raw-translations",
    "raw-dist-upgrader",
    "raw-ddtp-tarball",
    "raw-translations-static",
    "raw-meta-data",
    "raw-uefi",
    "raw-signing",
];

impl Processor<'_> {
    /// All steps for a .changes.
    pub fn process(&mut self, name: &str, subject: &mut Subject) -> Result<(), Stop> {
        let stanza = self.parse_changes(name)?;
        subject.source = stanza.get("Source").map(str::to_string);
        subject.version = stanza.get("Version").map(str::to_string);
        subject.suite = stanza.get("Distribution").map(str::to_string);
        self.find_suite(&stanza, subject);
        if !names::is_changes_name(name) {
            let message = format!(
                "{name} -> inappropriate changesfile name, \
                 should follow \"<pkg>_<version>_<arch>.changes\" format"
            );
            self.reject(&rules::CHANGES_NAME, message);
        }
        self.stop_if_rejected()?;
        for field in ["Maintainer", "Changed-By"] {
            self.check_person(stanza.get(field).unwrap_or_default());
        }
        self.stop_if_rejected()?;
        let changes = self.list_files(stanza)?;
        self.stop_if_rejected()?;
        self.hash(&changes)?;
        for file in &changes.files {
            self.check_taint(&file.listed.name);
            self.check_file(&file.listed);
        }
        self.check_consistency(&changes);
        self.check_urgency(&changes);
        for file in &changes.files {
            self.verify(file, &changes)?;
        }
        self.check_type(&changes);
        self.check_against_archive(&changes)?;
        self.check_rights(&changes)?;
        if !self.is_rejected() {
            self.accept(&changes)?;
        }
        Ok(())
    }

    fn parse_changes(&mut self, name: &str) -> Result<Stanza, Stop> {
        let Some(Document { stanza, .. }) = self.open(name, true)? else { return Err(Stop::Early) };
        if let Some(field) = MANDATORY.into_iter().find(|field| stanza.get(field).is_none()) {
            let message = format!("Unable to find mandatory field '{field}' in the changes file.");
            self.reject(&rules::MISSING_FIELD, message);
            return Err(Stop::Early);
        }
        if let Some(written) = stanza.get("Format") {
            let format: f64 = written.parse().map_err(|_| {
                Stop::Unhandled(format!("could not convert string to float: b{}", names::quoted(written)))
            })?;
            // what is not a number is neither below nor above
            let (below, above) = (format < 1.5, format > 2.0);
            if below || above {
                let format = names::general(format);
                let message =
                    format!("Format out of acceptable range for changes file. Range 1.5 - 2.0, format {format}");
                self.reject(&rules::FORMAT_RANGE, message);
            }
        }
        self.stop_if_rejected()?;
        Ok(stanza)
    }

    /// A suite in the upload path goes before the one that the .changes names.
    fn find_suite(&mut self, stanza: &Stanza, subject: &mut Subject) {
        if self.suite.is_none() {
            let name = stanza.get("Distribution").unwrap_or_default();
            self.suite = suite::find(name, self.distro(), &self.today);
            if self.suite.is_none() {
                let finding = Finding::new(&rules::UNKNOWN_SERIES, format!("Unable to find distroseries: {name}"));
                self.find(suite::advice(name, self.distro()).into_iter().fold(finding, Finding::because));
            }
        } else {
            subject.suite = self.path.path.rsplit('/').next().map(str::to_string);
        }
    }

    pub fn check_person(&mut self, text: &str) {
        let Err(error) = names::check_person(text) else { return };
        let rule = match error {
            names::AddressError::Form(_) => &rules::ADDRESS_FORM,
            names::AddressError::NoAt(_) => &rules::ADDRESS_NO_AT,
            names::AddressError::Invalid(..) => &rules::ADDRESS_UNKNOWN,
        };
        self.reject(rule, error.to_string());
    }

    /// Reads the list of files, and those that are control files themselves.
    fn list_files(&mut self, stanza: Stanza) -> Result<Changes, Stop> {
        let mut files = Vec::new();
        match tagfile::files(&stanza, 5) {
            Err(error) => self.reject_list(&error),
            Ok(listed) => {
                for listed in listed {
                    files.extend(self.upload_file(listed)?);
                }
            }
        }
        Ok(Changes { stanza, files })
    }

    pub fn reject_list(&mut self, error: &tagfile::ListError) {
        let rule = match error {
            tagfile::ListError::Fields(_) => &rules::FILES_COLUMNS,
            tagfile::ListError::Duplicate => &rules::FILES_DUPLICATE,
            tagfile::ListError::Mismatch(_) => &rules::CHECKSUMS_MISMATCH,
        };
        self.reject(rule, error.to_string());
    }

    /// Hashes everything that any list names, each file once.
    fn hash(&mut self, changes: &Changes) -> Result<(), Stop> {
        let mut names: Vec<&str> = changes.files.iter().map(|file| file.listed.name.as_str()).collect();
        let dsc = changes.files.iter().filter_map(|file| match &file.kind {
            UploadKind::Dsc(dsc) => tagfile::files(&dsc.stanza, 3).ok(),
            _ => None,
        });
        let listed: Vec<tagfile::ListedFile> = dsc.flatten().collect();
        names.extend(listed.iter().map(|file| file.name.as_str()));
        Ok(self.folder.hash(&names, self.options.jobs)?)
    }

    fn check_taint(&mut self, name: &str) {
        let name = base_name(name);
        if !names::is_taint_free(name) {
            self.reject(&rules::FILE_NAME_CHARACTERS, format!("Invalid character(s) in filename: '{name}'."));
        }
    }

    fn check_urgency(&mut self, changes: &Changes) {
        let urgency = changes.stanza.get("Urgency").unwrap_or("low").to_lowercase();
        if !["low", "medium", "high", "critical", "emergency"].contains(&urgency.as_str()) {
            self.reject(&rules::URGENCY, format!("Unable to grok urgency {urgency}, overriding with 'low'"));
        }
    }

    fn verify(&mut self, file: &UploadFile, changes: &Changes) -> Result<(), Stop> {
        let version = names::without_epoch(changes.field("Version")).to_string();
        match &file.kind {
            UploadKind::Source(source) => self.verify_source(file, source, &version, changes),
            UploadKind::Dsc(dsc) => {
                self.verify_source(file, &dsc.file, &version, changes);
                self.check_file(&file.listed);
                self.verify_dsc(dsc, Some(changes.field("Version")))?;
            }
            UploadKind::Buildinfo { version: found, .. } => self.check_version(found, &version),
            UploadKind::Custom if CUSTOM_SECTIONS.contains(&file.section.as_str()) => {}
            UploadKind::Custom => {
                let section = names::quoted(&file.section);
                self.reject(&rules::CUSTOM_SECTION, format!("Unsupported custom section name {section}"));
            }
            UploadKind::Binary(_) => {}
        }
        Ok(())
    }

    fn verify_source(&mut self, file: &UploadFile, source: &names::SourceFile, version: &str, changes: &Changes) {
        if !changes.has_source() {
            let name = base_name(&file.listed.name);
            let message = format!("{name}: changes file doesn't list 'source' in Architecture field.");
            self.reject(&rules::ARCHITECTURE_SOURCE, message);
        }
        let is_orig = source.kind.as_ref().is_some_and(names::SourceKind::is_orig);
        let wanted = if is_orig { names::without_revision(version) } else { version };
        self.check_version(&source.version, wanted);
    }

    fn check_version(&mut self, found: &str, wanted: &str) {
        if found != wanted {
            self.reject(&rules::FILE_VERSION, format!("{found}: should be {wanted} according to changes file."));
        }
    }
}
