//! Orig files: how the sources of each target are called, and that one name
//! never stands for different bytes.
//!
//! An archive ties a file name to one content for ever, and all targets share
//! one output folder: targets that need one name with different bytes cannot
//! both be built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::build::prepare::{Prepared, Upstream};
use crate::build::staging::Staging;
use crate::deb::checksums::{Checksums, hex};
use crate::diagnostic::{Diagnostic, Failure};
use crate::files;
use crate::lock::{Lock, PRIMARY, Published};
use crate::pack::source::Orig;
use crate::plan::Target;

/// One orig file of a target.
#[derive(Debug, Clone)]
pub struct OrigFile {
    /// `NAME_VERSION.orig[-COMPONENT].tar.EXT`.
    pub file_name: String,
    /// The component it is.
    pub component: Option<String>,
    /// Of the bytes.
    pub checksums: Checksums,
    /// The bytes.
    pub path: PathBuf,
    /// The upstream's armored signature over exactly these bytes.
    pub signature: Option<Vec<u8>>,
}

impl OrigFile {
    fn new(target: &Target, component: Option<&str>, upstream: &Upstream) -> OrigFile {
        let infix = component.map(|name| format!("-{name}")).unwrap_or_default();
        let extension = upstream.fetched.compression.extension();
        OrigFile {
            file_name: format!("{}_{}.orig{infix}.{extension}", target.name, target.orig_version()),
            component: component.map(str::to_string),
            checksums: upstream.fetched.checksums.clone(),
            path: upstream.fetched.path.clone(),
            signature: upstream.fetched.signature.clone(),
        }
    }

    /// As `pack` wants it.
    pub fn as_orig(&self) -> Orig {
        let signature = self.signature.as_ref().map(|bytes| (self.signature_name(), bytes.clone()));
        Orig { file_name: self.file_name.clone(), checksums: self.checksums.clone(), signature }
    }

    fn signature_name(&self) -> String {
        format!("{}.asc", self.file_name)
    }
}

/// Refuses recipes whose targets need one name for different bytes.
pub fn check_names(prepared: &Prepared) -> Result<(), Failure> {
    let mut first_of: BTreeMap<String, (OrigFile, &Target)> = BTreeMap::new();
    for target in &prepared.targets {
        for source in &target.sources {
            let file = OrigFile::new(target, source.component.as_deref(), prepared.upstream_of(source)?);
            match first_of.get(&file.file_name) {
                Some((other, first)) if other.checksums != file.checksums => {
                    return Err(Failure::recipe(collision(&file, other, target, first).at(source.place.clone())));
                }
                Some(_) => {}
                None => drop(first_of.insert(file.file_name.clone(), (file, target))),
            }
        }
    }
    Ok(())
}

/// The orig files of one target, in the order of its sources.
pub fn of_target(prepared: &Prepared, target: &Target) -> Result<Vec<OrigFile>, Failure> {
    let file = |source: &crate::plan::Source| {
        Ok(OrigFile::new(target, source.component.as_deref(), prepared.upstream_of(source)?))
    };
    crate::diagnostic::all(target.sources.iter().map(file))
}

/// What the lock records of other bytes under the name of this orig.
pub fn published_otherwise<'a>(
    orig: &'a OrigFile,
    lock: &'a Lock,
) -> impl Iterator<Item = (&'a OrigFile, &'a Published)> {
    let other = |published: &&Published| published.file == orig.file_name && published.sha256 != orig.checksums.sha256;
    lock.published.iter().filter(other).map(move |published| (orig, published))
}

/// That an archive holds another file of this name: an error where it is the one
/// that this build is for, or Ubuntu's own, which a PPA asks too.
pub fn refused_there(orig: &OrigFile, published: &Published, archive: Option<&str>) -> Diagnostic {
    let is_refused = archive.is_some_and(|archive| [archive, PRIMARY].contains(&published.archive.as_str()));
    let made = if is_refused { Diagnostic::error } else { Diagnostic::warning };
    let message =
        format!("{} has published {} with other bytes and will refuse these", published.archive, orig.file_name);
    let diagnostic = made("published-differs", message)
        .because(format!("published: sha256 {}", published.sha256))
        .because(format!("this source: sha256 {}", orig.checksums.sha256))
        .hint("to upload there, use the published bytes (`pkgr update --to` that archive says where they are), or give these another version, e.g. `version = \"1.0+repack1\"`");
    match is_refused {
        true => diagnostic.hint("to build it nevertheless, for another archive: `--orig always`"),
        false => diagnostic,
    }
}

/// Brings the orig files of the given targets into the staging folder, each
/// once, unless the output folder has them already. Returns the names staged.
///
/// The bytes are hashed while they are copied: what reaches the output folder
/// is what the lock says.
pub fn stage(
    prepared: &Prepared,
    targets: &[&Target],
    staging: &Staging,
    output: &Path,
) -> Result<Vec<String>, Failure> {
    let mut seen = BTreeSet::new();
    let mut staged = Vec::new();
    for target in targets {
        for file in of_target(prepared, target)? {
            if !seen.insert(file.file_name.clone()) {
                continue;
            }
            if stage_one(&file, staging, output)? {
                staged.push(file.file_name.clone());
            }
            if let Some(signature) = &file.signature {
                staging.write(&file.signature_name(), signature)?;
                staged.push(file.signature_name());
            }
        }
    }
    Ok(staged)
}

/// Stages a file unless the output folder has the same bytes under its name;
/// returns whether it did.
fn stage_one(file: &OrigFile, staging: &Staging, output: &Path) -> Result<bool, Failure> {
    let there = output.join(&file.file_name);
    if let Ok(metadata) = std::fs::metadata(&there) {
        let same = metadata.len() == file.checksums.size && sha256_of(&there)? == file.checksums.sha256;
        return if same { Ok(false) } else { Err(differs(file, &there)) };
    }
    let mut hasher = Sha256::new();
    staging.copy(&file.path, &file.file_name, |block| hasher.update(block))?;
    if hex(&hasher.finalize()) != file.checksums.sha256 {
        let message = format!("{} changed while it was read", file.path.display());
        return Err(Failure::environment(Diagnostic::error("source-changed", message)).hint("run the command again"));
    }
    Ok(true)
}

fn sha256_of(path: &Path) -> Result<String, Failure> {
    let mut hasher = Sha256::new();
    files::read_in_blocks(path, |block| {
        hasher.update(block);
        Ok(())
    })?;
    Ok(hex(&hasher.finalize()))
}

fn differs(file: &OrigFile, there: &Path) -> Failure {
    let message = format!("{} exists with other bytes than the source has", there.display());
    Failure::recipe(
        Diagnostic::error("orig-differs", message)
            .because("an archive ties a file name to one content for ever, so pkgr does not replace an orig file")
            .because(format!("the lock says sha256 {}", file.checksums.sha256))
            .hint("if the file there was never uploaded, remove it and build again")
            .hint("if it was, give the new bytes another version, e.g. `version = \"1.0+repack1\"`"),
    )
}

fn collision(file: &OrigFile, other: &OrigFile, target: &Target, first: &Target) -> Diagnostic {
    let message = format!("{} and {} need {} with different bytes", first.series, target.series, file.file_name);
    Diagnostic::error("orig-collision", message)
        .because(format!("for {}: sha256 {}", first.series, other.checksums.sha256))
        .because(format!("for {}: sha256 {}", target.series, file.checksums.sha256))
        .hint("give one of them another upstream version in a `[when.\"…\"]` block, e.g. `version = \"1.0+a\"`")
}
