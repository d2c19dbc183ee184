//! Tree and origs → .dsc, tarball, .buildinfo, .changes.

use super::error::{code_of, place_in};
use super::{PackError, compress, tar};
use crate::deb::checksums::Checksums;
use crate::deb::control::Paragraph;
use crate::deb::ignored::{Ignored, option, option_lines};
use crate::deb::source::{CHANGELOG, CONTROL, ListedFile, Source, TESTS};
use crate::deb::version::Version;
use crate::deb::{buildinfo, changes, dsc, names};
use crate::diagnostic::{Diagnostic, Failure};
use crate::plan::Format;
use crate::render::Tree;

const OPTIONS: &str = "debian/source/options";
/// diff(1) and dpkg-source call a file binary that has a NUL byte so early.
const BINARY_PREFIX: usize = 4096;

/// An upstream tarball of a quilt package: its bytes stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orig {
    /// `hello_2.12.orig.tar.gz`, `hello_2.12.orig-data.tar.xz`.
    pub file_name: String,
    /// Of its bytes.
    pub checksums: Checksums,
    /// Upstream's detached signature, as a file beside the tarball: `….tar.gz.asc`.
    pub signature: Option<(String, Vec<u8>)>,
}

/// What a source package is made of.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// All files that pkgr adds to the upstream tree.
    pub tree: &'a Tree,
    /// The source format.
    pub format: Format,
    /// The distribution it is for, `Ubuntu` or `Debian`.
    pub vendor: &'a str,
    /// Upstream tarballs in any order; none in a native package.
    pub origs: &'a [Orig],
    /// Whether the .changes lists the origs, so that they are uploaded.
    pub include_origs: bool,
}

/// A file of the package, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Without folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Of the content.
    pub checksums: Checksums,
}

impl Packed {
    /// Names and digests some bytes.
    pub fn new(name: String, bytes: Vec<u8>) -> Packed {
        let checksums = Checksums::of(&bytes);
        Packed { name, bytes, checksums }
    }

    fn of_paragraph(name: String, paragraph: &Paragraph) -> Packed {
        Packed::new(name, paragraph.to_string().into_bytes())
    }

    fn listed(&self) -> ListedFile {
        ListedFile { name: self.name.clone(), checksums: self.checksums.clone() }
    }
}

/// An unsigned source package.
#[derive(Debug, Clone)]
pub struct SourcePackage {
    /// Source name.
    pub name: String,
    /// Full version.
    pub version: String,
    /// `NAME_VERSION.dsc`.
    pub dsc: Packed,
    /// `NAME_VERSION.debian.tar.xz`, or `NAME_VERSION.tar.xz` of a native package.
    pub tarball: Packed,
    /// Upstream's signatures, each named in the .dsc behind its tarball.
    pub signatures: Vec<Packed>,
    /// `NAME_VERSION_source.buildinfo`.
    pub buildinfo: Packed,
    /// `NAME_VERSION_source.changes`.
    pub changes: Packed,
    /// Names of the origs and their signatures that the .changes lists.
    pub origs_included: Vec<String>,
    /// What is odd about the package, but no error.
    pub warnings: Vec<Diagnostic>,
}

/// Makes the package. Refuses what dpkg-source refuses, and what it would make
/// another package of when it rebuilds this one.
pub fn assemble(input: Input) -> Result<SourcePackage, Failure> {
    let source = read(input.tree)?;
    let version = Version::parse(source.version())
        .map_err(|e| Failure::recipe(Diagnostic::error("bad-version", e.to_string())))?;
    check_version(&version, input.format)?;
    check_tree(input.tree, input.format)?;
    let origs = ordered_origs(&input, source.name(), &version)?;

    let stem = format!("{}_{}", source.name(), version.without_epoch());
    let tarball = pack_tree(&input, &source, &stem)?;
    let mut listed = origs.clone();
    listed.push(tarball.listed());
    let control = |e| PackError::of_source(input.tree, &e);
    let dsc = dsc::build(&source, input.format.name(), &listed).map_err(control)?;
    let dsc = Packed::of_paragraph(format!("{stem}.dsc"), &dsc);
    let buildinfo = buildinfo::build(&source, &dsc.listed());
    let buildinfo = Packed::of_paragraph(format!("{stem}_source.buildinfo"), &buildinfo);

    let mut uploaded = vec![dsc.listed()];
    uploaded.extend(listed.into_iter().filter(|file| input.include_origs || !origs.contains(file)));
    uploaded.push(buildinfo.listed());
    let changes = changes::build(&source, input.vendor, &uploaded);
    let signatures = input.origs.iter().filter_map(|orig| orig.signature.clone());
    Ok(SourcePackage {
        name: source.name().to_string(),
        version: source.version().to_string(),
        changes: Packed::of_paragraph(format!("{stem}_source.changes"), &changes),
        signatures: signatures.map(|(name, bytes)| Packed::new(name, bytes)).collect(),
        origs_included: origs.into_iter().filter(|_| input.include_origs).map(|file| file.name).collect(),
        warnings: warnings(&source, input.tree),
        dsc,
        tarball,
        buildinfo,
    })
}

fn read(tree: &Tree) -> Result<Source, PackError> {
    let bytes =
        |path: &'static str| tree.files.get(path).map(|file| file.bytes.as_slice()).ok_or(PackError::Missing(path));
    bytes("debian/rules")?;
    let tests = tree.files.get(TESTS).map(|file| file.bytes.as_slice());
    Source::read(bytes(CONTROL)?, bytes(CHANGELOG)?, tests).map_err(|e| PackError::of_source(tree, &e))
}

fn pack_tree(input: &Input, source: &Source, stem: &str) -> Result<Packed, PackError> {
    let time = source.top.entry.timestamp().and_then(|time| u64::try_from(time).ok()).unwrap_or_default();
    let (prefix, suffix) = match input.format {
        Format::Quilt => (String::new(), ".debian.tar.xz"),
        Format::Native => (format!("{}-{}", source.name(), source.version_without_epoch()), ".tar.xz"),
    };
    let bytes = compress::xz(&tar::write(input.tree, &prefix, time)).ok_or(PackError::Memory)?;
    Ok(Packed::new(format!("{stem}{suffix}"), bytes))
}

fn check_version(version: &Version, format: Format) -> Result<(), PackError> {
    match (format, version.is_native()) {
        (Format::Native, false) => {
            Err(PackError::Version(version.to_string(), "has a revision, the package is native"))
        }
        (Format::Quilt, true) => Err(PackError::Version(version.to_string(), "has no revision, the package has origs")),
        _ => Ok(()),
    }
}

fn check_tree(tree: &Tree, format: Format) -> Result<(), PackError> {
    let text = |path: &str| tree.files.get(path).map(|file| String::from_utf8_lossy(&file.bytes));
    let found = text("debian/source/format").ok_or(PackError::Missing("debian/source/format"))?;
    if found.lines().next().map(str::trim) != Some(format.name()) {
        return Err(PackError::Format { found: found.trim().to_string(), expected: format.name() });
    }
    let options = text(OPTIONS);
    for line in options.as_deref().into_iter().flat_map(option_lines) {
        match option(line) {
            ("compression", Some(value)) if value != "xz" => return Err(PackError::Compression(value.to_string())),
            _ => {}
        }
    }
    let ignored = Ignored::new(options.as_deref());
    let binaries = text("debian/source/include-binaries").unwrap_or_default();
    for (path, file) in &tree.files {
        check_path(path, format)?;
        if let Some(pattern) = ignored.pattern_for(path) {
            let optional = !Ignored::is_always(pattern);
            return Err(PackError::Ignored { path: path.clone(), pattern: pattern.to_string(), optional });
        }
        let binary = file.bytes.iter().take(BINARY_PREFIX).any(|byte| *byte == 0);
        if format == Format::Quilt && binary && !binaries.lines().any(|line| line.trim() == path) {
            return Err(PackError::Binary(path.clone()));
        }
    }
    Ok(())
}

fn check_path(path: &str, format: Format) -> Result<(), PackError> {
    let error = |what| Err(PackError::Path(path.to_string(), what));
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        error("is not a plain relative path")
    } else if path.chars().any(char::is_control) {
        error("has a control character in its name")
    } else if format == Format::Quilt && !path.starts_with("debian/") {
        error("is not in debian/: a quilt package changes other files by patches only")
    } else {
        Ok(())
    }
}

/// Origs in the order of the .dsc: by name, each with its signature behind it.
fn ordered_origs(input: &Input, name: &str, version: &Version) -> Result<Vec<ListedFile>, PackError> {
    let error = |orig: &Orig, what| Err(PackError::Orig(orig.file_name.clone(), what));
    let mut origs: Vec<&Orig> = input.origs.iter().collect();
    origs.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    let mut components: Vec<Option<&str>> = Vec::new();
    for orig in &origs {
        if input.format == Format::Native {
            return error(orig, "does not go with a native package");
        }
        let Some(component) = component(&orig.file_name, name, &version.upstream) else {
            return error(orig, "is not named NAME_VERSION.orig[-COMPONENT].tar.{gz,bz2,xz}");
        };
        if components.contains(&component) {
            return error(orig, "is a second tarball of the same component");
        }
        if orig.signature.as_ref().is_some_and(|(file_name, _)| *file_name != format!("{}.asc", orig.file_name)) {
            return error(orig, "has a signature that is not named like it");
        }
        components.push(component);
    }
    if input.format == Format::Quilt && !components.contains(&None) {
        return Err(PackError::Orig(format!("{name}_{}.orig.tar", version.upstream), "is missing"));
    }
    let files = origs.into_iter().flat_map(|orig| {
        let tarball = ListedFile { name: orig.file_name.clone(), checksums: orig.checksums.clone() };
        let signature = orig.signature.as_ref();
        let signature =
            signature.map(|(name, bytes)| ListedFile { name: name.clone(), checksums: Checksums::of(bytes) });
        std::iter::once(tarball).chain(signature)
    });
    Ok(files.collect())
}

/// The component that a file name says, `Some(None)` for the main orig.
fn component<'a>(file_name: &'a str, name: &str, upstream: &str) -> Option<Option<&'a str>> {
    let rest = file_name.strip_prefix(name)?.strip_prefix('_')?.strip_prefix(upstream)?.strip_prefix(".orig")?;
    let (component, extension) = rest.split_once(".tar.")?;
    if !["gz", "bz2", "xz"].contains(&extension) {
        return None;
    }
    match component.strip_prefix('-') {
        None if component.is_empty() => Some(None),
        Some(component) if names::check_component(component).is_ok() => Some(Some(component)),
        _ => None,
    }
}

fn warnings(source: &Source, tree: &Tree) -> Vec<Diagnostic> {
    let mut warnings: Vec<Diagnostic> = Vec::new();
    for warning in source.warnings() {
        let mut diagnostic = Diagnostic::warning(code_of(&warning), warning.message.clone());
        diagnostic.place = place_in(tree, &warning);
        warnings.push(diagnostic);
    }
    let before = source.previous.as_ref().and_then(|previous| Version::parse(&previous.entry.version).ok());
    let version = Version::parse(source.version()).ok();
    match (before, version) {
        (Some(before), Some(version)) if version <= before => {
            let message = format!("version {version} is not later than {before}, the entry before it");
            warnings.push(Diagnostic::warning("version-order", message));
        }
        _ => {}
    }
    warnings
}
