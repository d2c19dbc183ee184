//! The .dsc (`dscfile.py`): its fields, the files that it lists wherever they
//! are, and whether it unpacks.

use std::collections::BTreeMap;

use super::{Document, Processor, Stop, Subject, base_name};
use crate::check::documents::Found;
use crate::check::finding::Finding;
use crate::check::holdings::HeldFile;
use crate::check::names::{self, SourceFile, SourceKind};
use crate::check::rules;
use crate::check::suite::{self, Pocket};
use crate::check::tagfile::{self, ListedFile, Stanza};
use crate::check::unpack::{self, Format, Outcome, Place};

/// A parsed .dsc.
pub(super) struct Dsc {
    /// Without a folder.
    pub name: String,
    pub stanza: Stanza,
    /// The whole file.
    pub bytes: Vec<u8>,
    pub format: Format,
    /// Its name in parts.
    pub file: SourceFile,
}

impl Dsc {
    pub fn field(&self, name: &str) -> &str {
        self.stanza.get(name).unwrap_or_default()
    }
}

const MANDATORY: [&str; 6] = ["Source", "Version", "Binary", "Maintainer", "Architecture", "Files"];

/// What the files of a .dsc are, counted.
#[derive(Default)]
struct Counts {
    diff: usize,
    orig: usize,
    orig_signature: usize,
    debian: usize,
    native: usize,
    components: BTreeMap<String, usize>,
    signatures: BTreeMap<String, usize>,
    bzip2: usize,
    xz: usize,
}

impl Processor<'_> {
    /// All steps that a .dsc alone allows: no .changes, so no list of what is sent.
    pub fn process_dsc(&mut self, name: &str, subject: &mut Subject) -> Result<(), Stop> {
        self.stop_if_rejected()?;
        let file = names::source_file(name).filter(|file| file.kind == Some(SourceKind::Dsc));
        let Some(file) = file else {
            let message = format!("Unable to identify file {name} (misc) in changes.");
            self.reject(&rules::FILE_TYPE, message);
            return Err(Stop::Early);
        };
        let found_version = file.version.clone();
        let Some(dsc) = self.read_dsc(name, file)? else { return Err(Stop::Early) };
        subject.source = Some(dsc.field("Source").to_string());
        subject.version = Some(dsc.field("Version").to_string());
        subject.suite = self.suite.as_ref().map(|_| self.path.path.rsplit('/').next().unwrap_or_default().to_string());
        let listed = tagfile::files(&dsc.stanza, 3).unwrap_or_default();
        let names: Vec<&str> = listed.iter().map(|file| file.name.as_str()).collect();
        self.folder.hash(&names, self.options.jobs)?;
        let wanted = names::without_epoch(dsc.field("Version")).to_string();
        if found_version != wanted {
            self.reject(
                &rules::FILE_VERSION,
                format!("{found_version}: should be {wanted} according to changes file."),
            );
        }
        self.verify_dsc(&dsc, None)?;
        self.compare_versions(&dsc)?;
        if !self.is_rejected() {
            self.accept_source(&dsc)?;
        }
        Ok(())
    }

    /// Reads the .dsc; `None` if it is refused, and that was told.
    pub fn read_dsc(&mut self, name: &str, file: SourceFile) -> Result<Option<Dsc>, Stop> {
        let Some(Document { stanza, bytes }) = self.open(name, true)? else { return Ok(None) };
        let name = base_name(name).to_string();
        if let Some(field) = MANDATORY.into_iter().find(|field| stanza.get(field).is_none()) {
            self.reject(&rules::DSC_MISSING_FIELD, format!("Unable to find mandatory field {field} in {name}"));
            return Ok(None);
        }
        let before = self.findings.len();
        self.check_person(stanza.get("Maintainer").unwrap_or_default());
        if self.findings.len() > before {
            return Ok(None);
        }
        let written = stanza.get("Format").unwrap_or("1.0");
        let format = match written {
            "1.0" => Format::One,
            "3.0 (quilt)" => Format::Quilt,
            "3.0 (native)" => Format::Native,
            other => return Err(Stop::Format(other.to_string())),
        };
        Ok(Some(Dsc { name, format, file, stanza, bytes }))
    }

    /// `DSCFile.verify`, behind the checks that every source file passes. `version`
    /// is what the .changes says.
    pub fn verify_dsc(&mut self, dsc: &Dsc, version: Option<&str>) -> Result<(), Stop> {
        let listed = match tagfile::files(&dsc.stanza, 3) {
            Ok(listed) => listed,
            Err(error) => {
                self.reject_list(&error);
                return Ok(());
            }
        };
        let name = &dsc.name;
        let mut files = Vec::new();
        for file in listed {
            if names::source_file(&file.name).is_none() {
                let message = format!("{name}: File {} does not look sourceful.", file.name);
                self.reject(&rules::NOT_SOURCEFUL, message);
            } else if names::integer(&file.size).is_none() {
                let size = names::quoted(&file.size);
                return Err(Stop::Unhandled(format!("invalid literal for int() with base 10: {size}")));
            } else {
                files.push(file);
            }
        }
        let (source, own) = (dsc.field("Source"), dsc.field("Version"));
        if !names::is_source_name(source) {
            self.reject(&rules::SOURCE_NAME, format!("{name}: invalid source name {source}"));
        }
        if !names::is_version(own) {
            self.reject(&rules::VERSION, format!("{name}: invalid version {own}"));
        }
        for field in ["Build-Depends", "Build-Depends-Indep"] {
            if dsc.field(field).starts_with("ARRAY") {
                let message =
                    format!("{name}: invalid {field} field produced by a broken version of dpkg-dev (1.10.11)");
                self.reject(&rules::BUILD_DEPENDS_ARRAY, message);
            }
        }
        if let Some(version) = version.filter(|version| *version != own) {
            let message =
                format!("{name}: version ('{own}') in .dsc does not match version ('{version}') in .changes.");
            self.reject(&rules::VERSION_DIFFERS, message);
        }
        self.check_files(dsc, &files)
    }

    fn check_files(&mut self, dsc: &Dsc, files: &[ListedFile]) -> Result<(), Stop> {
        let mut counts = Counts::default();
        let mut places = Vec::new();
        let mut broken = false;
        for file in files {
            let Some(kind) = names::source_file(&file.name).and_then(|parts| parts.kind) else {
                self.reject(&rules::UNKNOWN_FILE, format!("Unknown file: {}", file.name));
                continue;
            };
            if kind == SourceKind::Dsc {
                return Err(Stop::Unhandled("<DBItem SourcePackageFileType.DSC, (3) Source Control File>".to_string()));
            }
            counts.add(&kind, &file.name);
            match self.check_dsc_file(file, &kind)? {
                Some(place) => places.push((file.name.clone(), place)),
                None => broken = true,
            }
        }
        self.check_format(dsc, &counts);
        if broken {
            self.reject(&rules::UNPACKING_SKIPPED, rules::UNPACKING_SKIPPED.message);
            return Ok(());
        }
        self.check_unpacking(dsc, &places)
    }

    /// One file of the .dsc: against the archives, then in the upload. `None`: broken.
    fn check_dsc_file(&mut self, file: &ListedFile, kind: &SourceKind) -> Result<Option<Place>, Stop> {
        let held = self.held_file(&file.name, kind)?;
        if let Some((held, archive)) = &held {
            if differs(file, held) == Some(true) {
                let message = format!(
                    "File {} already exists in {archive}, but uploaded version has different contents. \
                     See more information about this error in https://help.launchpad.net/Packaging/UploadErrors.",
                    file.name
                );
                self.reject(&rules::ORIG_DIFFERS, message);
                return Ok(None);
            }
        }
        if self.folder.checksums(&file.name).is_some() {
            let place = match self.folder.find(&file.name) {
                Found::File(path) => Place::File(path),
                Found::Nothing(_) => Place::Elsewhere,
            };
            return Ok(self.check_file(file).then_some(place));
        }
        match held {
            None => {
                let message = format!("Unable to find {} in upload or distribution.", file.name);
                self.reject(&rules::FILE_NOT_HELD, message);
                Ok(None)
            }
            Some((held, _)) => Ok(self.check_held(file, &held).then_some(match held.path {
                Some(path) => Place::File(path),
                None => Place::Elsewhere,
            })),
        }
    }

    /// Where an archive has a file of this name: origs are looked for in Ubuntu too.
    fn held_file(&self, name: &str, kind: &SourceKind) -> Result<Option<(HeldFile, String)>, Stop> {
        let mut archives = vec![self.archive()];
        if self.is_ppa() && kind.is_orig() {
            archives.push(self.options.primary);
        }
        for archive in archives {
            if let Some(held) = archive.file(name)? {
                return Ok(Some((held, archive.display_name())));
            }
        }
        Ok(None)
    }

    /// A file that comes from an archive is verified as one that was sent.
    fn check_held(&mut self, file: &ListedFile, held: &HeldFile) -> bool {
        let name = &file.name;
        let digests = [("SHA1", &held.sha1), ("SHA256", &held.sha256)];
        for (algorithm, got) in digests {
            if let (Some(got), Some(wanted)) = (got, file.digest(algorithm)) {
                if *got != wanted {
                    let message =
                        format!("File {name} mentioned in the changes has a {algorithm} mismatch. {got} != {wanted}");
                    self.reject(&rules::DIGEST_MISMATCH, message);
                    return false;
                }
            }
        }
        match (held.size, names::integer(&file.size)) {
            (Some(got), Some(wanted)) if i128::from(got) != wanted => {
                let message = format!("File {name} mentioned in the changes has a size mismatch. {got} != {wanted}");
                self.reject(&rules::SIZE_MISMATCH, message);
                false
            }
            _ => true,
        }
    }

    /// Whether the set of files suits the format.
    fn check_format(&mut self, dsc: &Dsc, counts: &Counts) {
        let name = &dsc.name;
        let Counts { diff, orig, orig_signature, debian, native, .. } = *counts;
        let plain = counts.components.is_empty() && counts.signatures.is_empty();
        let is_native = (native, orig, orig_signature, debian, diff) == (1, 0, 0, 0, 0) && plain;
        match dsc.format {
            Format::One => {
                if counts.bzip2 > 0 {
                    let message = format!("{name}: is format 1.0 but uses bzip2 compression.");
                    self.reject(&rules::FORMAT_1_BZIP2, message);
                }
                if counts.xz > 0 {
                    self.reject(&rules::FORMAT_1_XZ, format!("{name}: is format 1.0 but uses xz compression."));
                }
                let with_diff = (native, orig, debian, diff) == (0, 1, 0, 1) && orig_signature <= 1 && plain;
                if !is_native && !with_diff {
                    let message = format!("{name}: must have exactly one tar.gz, or an orig.tar.gz and diff.gz");
                    self.reject(&rules::FORMAT_1_FILES, message);
                }
            }
            Format::Native if is_native => {}
            Format::Native => self.reject(&rules::NATIVE_FILES, format!("{name}: must have only a tar.*.")),
            Format::Quilt => {
                if (native, orig, debian, diff) != (0, 1, 1, 0) || orig_signature > 1 {
                    let message =
                        format!("{name}: must have only an orig.tar.*, a debian.tar.*, and optionally orig-*.tar.*");
                    self.reject(&rules::QUILT_FILES, message);
                }
                for (end, counted) in [(".", &counts.components), (".asc.", &counts.signatures)] {
                    for component in counted.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name) {
                        let message = format!("{name}: has more than one orig-{component}.tar.*{end}");
                        self.reject(&rules::QUILT_COMPONENTS, message);
                    }
                }
            }
        }
    }

    fn check_unpacking(&mut self, dsc: &Dsc, places: &[(String, Place)]) -> Result<(), Stop> {
        let package = unpack::Package {
            format: dsc.format,
            source: dsc.field("Source"),
            version: dsc.field("Version"),
            files: places,
        };
        let tree = match unpack::judge(&package, &dsc.bytes)? {
            Outcome::Unpacks(tree) => tree,
            Outcome::Fails(why) => {
                let message = format!("dpkg-source failed for {}", dsc.name);
                self.find(Finding::new(&rules::CANNOT_UNPACK, message).because(why));
                return Ok(());
            }
            Outcome::Doubtful(why) => {
                self.find(Finding::new(&rules::UNPACKING_DOUBTED, why));
                return Ok(());
            }
            Outcome::Unjudged(why) => {
                let message = format!("whether {} unpacks was not judged: {why}", dsc.name);
                self.find(Finding::new(&rules::UNPACKING_UNJUDGED, message));
                return Ok(());
            }
        };
        for doubt in tree.doubts {
            self.find(Finding::new(&rules::UNPACKING_DOUBTED, doubt));
        }
        for (name, entry) in [("copyright", tree.copyright), ("changelog", tree.changelog)] {
            let rejection = match entry {
                unpack::Entry::File => continue,
                unpack::Entry::Folder => {
                    let path = format!("debian/{name}");
                    return Err(Stop::Unhandled(format!("[Errno 21] Is a directory: '{path}'")));
                }
                unpack::Entry::Missing if name == "changelog" => {
                    (&rules::NO_CHANGELOG, "No changelog file found.".into())
                }
                unpack::Entry::Missing => {
                    self.reject(&rules::NO_COPYRIGHT, "No copyright file found.");
                    continue;
                }
                unpack::Entry::Link => (&rules::LINKED_FILE, format!("Symbolic link for debian/{name} not allowed")),
                unpack::Entry::Large => (&rules::LARGE_FILE, format!("debian/{name} file too large, 10MiB max")),
            };
            self.reject(rejection.0, rejection.1);
            // of two, Launchpad looks at the first only
            break;
        }
        Ok(())
    }

    /// Against the newest publication in the same archive and series.
    pub fn compare_versions(&mut self, dsc: &Dsc) -> Result<(), Stop> {
        let Some(suite) = &self.suite else { return Ok(()) };
        let series = suite.series.name.clone();
        if !names::is_stored_name(&dsc.file.package) {
            let reason = format!("{} is not a valid name for a source package.", dsc.file.package);
            self.reject(&rules::STORED_NAME, format!("Unhandled exception processing upload: {reason}"));
            return Err(Stop::Told);
        }
        let parse = |text: &str| crate::deb::version::Version::parse(text).ok();
        let own = dsc.field("Version");
        let published = self.archive().sources(&dsc.file.package)?;
        let newest = published
            .iter()
            .filter(|publication| publication.is_active_in(&series))
            .filter_map(|publication| Some((parse(&publication.version)?, &publication.version)))
            .max_by(|a, b| a.0.cmp(&b.0));
        if let (Some(version), Some((newest, written))) = (parse(own), newest) {
            if version < newest {
                let message = format!("{}: Version older than that in the archive. {own} <= {written}", dsc.name);
                self.reject(&rules::VERSION_OLDER, message);
            }
        }
        Ok(())
    }

    /// Whether the upload is for the release pocket itself.
    pub fn pocket(&self) -> Pocket {
        self.suite.as_ref().map_or(suite::Pocket::Release, |suite| suite.pocket)
    }
}

impl Counts {
    fn add(&mut self, kind: &SourceKind, name: &str) {
        match kind {
            SourceKind::Dsc => {}
            SourceKind::Diff => self.diff += 1,
            SourceKind::Orig => self.orig += 1,
            SourceKind::OrigSignature => self.orig_signature += 1,
            SourceKind::Debian => self.debian += 1,
            SourceKind::Native => self.native += 1,
            SourceKind::ComponentOrig(component) => *self.components.entry(component.clone()).or_default() += 1,
            SourceKind::ComponentOrigSignature(component) => {
                *self.signatures.entry(component.clone()).or_default() += 1;
            }
        }
        if name.ends_with(".bz2") {
            self.bzip2 += 1;
        } else if name.ends_with(".xz") {
            self.xz += 1;
        }
    }
}

/// Whether the .dsc means other bytes than the archive has: Launchpad compares the
/// MD5; where the archive does not tell that, the strongest digest that both have.
fn differs(file: &ListedFile, held: &HeldFile) -> Option<bool> {
    let pairs = [("MD5", &held.md5), ("SHA256", &held.sha256), ("SHA1", &held.sha1)];
    let by_digest = pairs.into_iter().find_map(|(name, held)| Some(file.digest(name)? != *held.as_ref()?));
    by_digest.or_else(|| Some(names::integer(&file.size)? != i128::from(held.size?)))
}
