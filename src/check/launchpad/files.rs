//! The files that a .changes lists, one by one (`nascentuploadfile.py`), and
//! whether they fit together.

use std::collections::BTreeSet;

use super::changes::Changes;
use super::dsc::Dsc;
use super::{Processor, Stop, base_name};
use crate::check::finding::Finding;
use crate::check::names::{self, BinaryFile, FileClass, SourceFile, SourceKind};
use crate::check::rules;
use crate::check::tagfile::ListedFile;

/// A file of the upload.
pub(super) struct UploadFile {
    pub listed: ListedFile,
    pub component: String,
    pub section: String,
    pub kind: UploadKind,
}

pub(super) enum UploadKind {
    Dsc(Box<Dsc>),
    Source(SourceFile),
    Binary(BinaryFile),
    Buildinfo {
        version: String,
        architecture: String,
    },
    /// Of a section that begins with `raw-`.
    Custom,
}

/// Sections that Launchpad's database has: those of Debian and Ubuntu.
const SECTIONS: &[&str] = &[
    "admin",
    "base",
    "cli-mono",
    "comm",
    "database",
    "debian-installer",
    "debug",
    "devel",
    "doc",
    "editors",
    "education",
    "electronics",
    "embedded",
    "fonts",
    "games",
    "gnome",
    "gnu-r",
    "gnustep",
    "golang",
    "graphics",
    "hamradio",
    "haskell",
    "httpd",
    "interpreters",
    "introspection",
    "java",
    "javascript",
    "kde",
    "kernel",
    "libdevel",
    "libs",
    "lisp",
    "localization",
    "mail",
    "math",
    "metapackages",
    "misc",
    "net",
    "news",
    "ocaml",
    "oldlibs",
    "otherosfs",
    "perl",
    "php",
    "python",
    "raku",
    "ruby",
    "rust",
    "science",
    "shells",
    "sound",
    "tasks",
    "tex",
    "text",
    "translations",
    "utils",
    "vcs",
    "video",
    "virtual",
    "web",
    "x11",
    "xfce",
    "zope",
];
const COMPONENTS: &[&str] =
    &["main", "restricted", "universe", "multiverse", "partner", "contrib", "non-free", "non-free-firmware"];

impl Processor<'_> {
    /// A listed file as what it is; `None` if it is refused.
    pub fn upload_file(&mut self, listed: ListedFile) -> Result<Option<UploadFile>, Stop> {
        let (component, section) = listed.section.split_once('/').unwrap_or(("main", &listed.section));
        let (component, section) = (component.to_string(), section.to_string());
        let is_custom = section.starts_with("raw-");
        let class = names::file_class(&listed.name);
        let Some(class) = class.map(Some).or(is_custom.then_some(None)) else {
            let message = format!("Unable to identify file {} ({}) in changes.", listed.name, listed.section);
            self.reject(&rules::FILE_TYPE, message);
            return Ok(None);
        };
        if names::integer(&listed.size).is_none() {
            let size = names::quoted(&listed.size);
            return Err(Stop::Unhandled(format!("invalid literal for int() with base 10: {size}")));
        }
        let Some(class) = class.filter(|_| !is_custom) else {
            return Ok(Some(UploadFile { listed, component, section, kind: UploadKind::Custom }));
        };
        if !self.has_place(&listed, &component, &section) {
            return Ok(None);
        }
        let kind = match class {
            FileClass::Source(file) if file.kind == Some(SourceKind::Dsc) => match self.read_dsc(&listed.name, file)? {
                Some(dsc) => UploadKind::Dsc(Box::new(dsc)),
                None => return Ok(None),
            },
            FileClass::Source(file) => UploadKind::Source(file),
            FileClass::Binary(file) => UploadKind::Binary(file),
            FileClass::Buildinfo(version, architecture) => match self.open(&listed.name, false)? {
                Some(_) => UploadKind::Buildinfo { version, architecture },
                None => return Ok(None),
            },
        };
        Ok(Some(UploadFile { listed, component, section, kind }))
    }

    fn has_place(&mut self, listed: &ListedFile, component: &str, section: &str) -> bool {
        let name = base_name(&listed.name);
        if !SECTIONS.contains(&section) {
            self.reject(&rules::UNKNOWN_SECTION, format!("{name}: Unknown section {}", names::quoted(section)));
            return false;
        }
        if !COMPONENTS.contains(&component) {
            let component = names::quoted(component);
            self.reject(&rules::UNKNOWN_COMPONENT, format!("{name}: Unknown component {component}"));
            return false;
        }
        true
    }

    /// Size and digests of a listed file (`checkSizeAndCheckSum`): the first thing
    /// that differs is told. Whether all is well.
    pub fn check_file(&mut self, listed: &ListedFile) -> bool {
        let name = base_name(&listed.name).to_string();
        let Some(sums) = self.folder.checksums(&listed.name).cloned() else {
            let message = format!("File {name} mentioned in the changes file was not found.");
            let finding = Finding::new(&rules::FILE_MISSING, message);
            let why = match self.folder.find(&listed.name) {
                crate::check::documents::Found::Nothing(why) => why,
                crate::check::documents::Found::File(_) => None,
            };
            self.find(why.into_iter().fold(finding, Finding::because));
            return false;
        };
        for (algorithm, wanted) in listed.digests() {
            let got = match algorithm {
                "MD5" => &sums.md5,
                "SHA1" => &sums.sha1,
                _ => &sums.sha256,
            };
            if got != wanted {
                let message =
                    format!("File {name} mentioned in the changes has a {algorithm} mismatch. {got} != {wanted}");
                self.reject(&rules::DIGEST_MISMATCH, message);
                return false;
            }
        }
        let wanted = names::integer(&listed.size);
        if wanted != Some(i128::from(sums.size)) {
            let wanted = wanted.map_or_else(|| listed.size.clone(), |size| size.to_string());
            let message =
                format!("File {name} mentioned in the changes has a size mismatch. {} != {wanted}", sums.size);
            self.reject(&rules::SIZE_MISMATCH, message);
            return false;
        }
        true
    }

    /// Whether Architecture fits the files (`_check_overall_consistency` and what
    /// follows it).
    pub fn check_consistency(&mut self, changes: &Changes) {
        let components: BTreeSet<&str> = changes.files.iter().map(|file| file.component.as_str()).collect();
        if components.contains("partner") && components.len() > 1 {
            self.reject(&rules::PARTNER_MIXED, rules::PARTNER_MIXED.message);
        }
        let has = Contents::of(&changes.files);
        let python = |value: bool| if value { "True" } else { "False" };
        if has.source != changes.has_source() {
            let (named, found) = (python(changes.has_source()), python(has.source));
            let message = format!("Mismatch in sourcefulness. (arch) {named} != (files) {found}");
            self.reject(&rules::ARCHITECTURE_SOURCE, message);
        }
        if has.binary != changes.is_binaryful() {
            let (named, found) = (python(changes.is_binaryful()), python(has.binary));
            let message = format!("Mismatch in binaryfulness. (arch) {named} != (files) {found}");
            self.reject(&rules::ARCHITECTURE_BINARY, message);
        }
        let architectures = changes.architectures();
        if has.independent && !architectures.contains(&"all") {
            let message = "One or more files uploaded with architecture 'all' but changes file does not list 'all'.";
            self.reject(&rules::ARCHITECTURE_NOT_LISTED, message);
        }
        if has.dependent && !architectures.iter().any(|name| !["source", "all"].contains(name)) {
            self.reject(&rules::ARCHITECTURE_NOT_LISTED, rules::ARCHITECTURE_NOT_LISTED.message);
        }
        if changes.has_source() {
            match changes.files.iter().filter(|file| matches!(file.kind, UploadKind::Dsc(_))).count() {
                0 => self.reject(&rules::NO_DSC, rules::NO_DSC.message),
                1 => {}
                _ => self.reject(&rules::SEVERAL_DSC, rules::SEVERAL_DSC.message),
            }
        }
        if changes.is_binaryful() {
            self.check_binaries(changes, &architectures);
        }
    }

    fn check_binaries(&mut self, changes: &Changes, architectures: &[&str]) {
        let considered = architectures.iter().filter(|name| !name.ends_with("_translations")).count();
        let most = if architectures.contains(&"all") { 2 } else { 1 };
        if considered > most && !changes.has_source() {
            self.reject(&rules::TOO_MANY_ARCHITECTURES, rules::TOO_MANY_ARCHITECTURES.message);
        }
        let binaries = || {
            changes.files.iter().filter_map(|file| match &file.kind {
                UploadKind::Binary(binary) => Some(binary),
                _ => None,
            })
        };
        // what a debug package belongs to
        let of = |name: String, file: &BinaryFile| (name, file.version.clone(), file.architecture.clone());
        let packages = binaries().filter(|file| !file.is_debug);
        let there: BTreeSet<_> = packages.map(|file| of(format!("{}-dbgsym", file.package), file)).collect();
        let orphans = binaries().filter(|file| file.is_debug && !there.contains(&of(file.package.clone(), file)));
        let orphans: Vec<String> =
            orphans.map(|file| format!("{} {} ({})", file.package, file.version, file.architecture)).collect();
        if !orphans.is_empty() {
            self.reject(&rules::ORPHANED_DEBUG, format!("Orphaned debug packages: {}", orphans.join(", ")));
        }
    }
}

/// What kinds of files there are.
#[derive(Default)]
struct Contents {
    source: bool,
    binary: bool,
    independent: bool,
    dependent: bool,
}

impl Contents {
    fn of(files: &[UploadFile]) -> Contents {
        let mut has = Contents::default();
        for file in files {
            match &file.kind {
                UploadKind::Dsc(_) | UploadKind::Source(_) => has.source = true,
                UploadKind::Buildinfo { architecture, .. } if architecture == "source" => has.source = true,
                UploadKind::Buildinfo { .. } | UploadKind::Custom => has.binary = true,
                UploadKind::Binary(file) => {
                    has.binary = true;
                    match file.architecture.as_str() {
                        "all" => has.independent = true,
                        _ => has.dependent = true,
                    }
                }
            }
        }
        has
    }
}
