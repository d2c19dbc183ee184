//! `pkgr sign` on existing files, as debsign(1) does: a .changes signs the
//! .buildinfo and .dsc that it lists, a .buildinfo the .dsc.
//!
//! Each file is replaced whole, the .dsc first. A run that ends in between
//! leaves a .dsc that its .changes does not know yet; the next run takes such
//! a file if what the .changes lists is its text before signing, or if it
//! bears a good signature by the very key that signs now. Any other difference
//! is refused: signing would vouch for bytes that nobody built.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::package::{Document, sign_package};
use super::{SignError, Signer, cleartext, digests};
use crate::deb::checksums::{Checksums, Hasher};
use crate::diagnostic::Failure;
use crate::files;

/// A file that now bears a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Whether an older signature was replaced.
    pub again: bool,
}

/// Signs each of `paths` (.dsc, .buildinfo, .changes) and what it lists;
/// returns the files in the order of their writing, each once. Everything is
/// checked and signed before the first file is touched.
pub fn sign_files(signer: &Signer, paths: &[PathBuf]) -> Result<Vec<Written>, SignError> {
    let mut packages = paths.iter().map(|path| Package::read(signer, path)).collect::<Result<Vec<_>, _>>()?;
    // `pkgr sign dist/*` names a .dsc and the .changes that lists it: sign it once, with its .changes
    packages.sort_by_key(|package| std::cmp::Reverse(package.files().count()));
    let mut covered: Vec<PathBuf> = Vec::new();
    let mut prepared = Vec::new();
    for package in packages {
        let files: Vec<PathBuf> = package.files().map(|file| file.path.clone()).collect();
        if files.iter().all(|path| covered.contains(path)) {
            continue;
        }
        covered.extend(files);
        prepared.push(package.sign(signer)?);
    }
    let mut written = Vec::new();
    for (file, text) in prepared.into_iter().flatten() {
        files::write_atomically(&file.path, &text, false)?;
        written.push(Written { again: cleartext::is_signed(&file.text), path: file.path });
    }
    Ok(written)
}

/// A file that gets a signature.
struct File {
    name: String,
    path: PathBuf,
    /// As found on disk.
    text: Vec<u8>,
}

impl File {
    fn read(path: &Path) -> Result<File, SignError> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // one file has one path, however it was named
        let folder = files::parent(path).canonicalize().map_err(|e| Failure::io("read", path, &e))?;
        let path = folder.join(path.file_name().unwrap_or_default());
        Ok(File { name, text: files::read(&path)?, path })
    }

    fn document(&self) -> Document<'_> {
        Document { name: &self.name, text: &self.text }
    }
}

/// The files that belong together.
struct Package {
    dsc: Option<File>,
    buildinfo: Option<File>,
    changes: Option<File>,
}

impl Package {
    /// Reads `path` and what it lists, and checks that they fit.
    fn read(signer: &Signer, path: &Path) -> Result<Package, SignError> {
        let top = File::read(path)?;
        let extension =
            |name: &str| Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default().to_string();
        let mut package = Package { dsc: None, buildinfo: None, changes: None };
        match extension(&top.name).as_str() {
            "dsc" => package.dsc = Some(top),
            "buildinfo" => {
                for listed in listed_files(&top)? {
                    if extension(&listed.name) == "dsc" {
                        package.dsc = Some(listed.signable(signer, &top)?);
                    }
                }
                package.buildinfo = Some(top);
            }
            "changes" => {
                refuse_unreleased(&top)?;
                for listed in listed_files(&top)? {
                    match extension(&listed.name).as_str() {
                        "dsc" => package.dsc = Some(listed.signable(signer, &top)?),
                        "buildinfo" => package.buildinfo = Some(listed.signable(signer, &top)?),
                        _ => listed.check(&top)?,
                    }
                }
                if let (Some(dsc), Some(buildinfo)) = (&package.dsc, &package.buildinfo) {
                    Listed::of(buildinfo, &dsc.name)?.fits(signer, buildinfo, dsc)?;
                }
                package.changes = Some(top);
            }
            _ => return Err(SignError::NotSignable { name: top.name }),
        }
        Ok(package)
    }

    fn files(&self) -> impl Iterator<Item = &File> {
        [&self.dsc, &self.buildinfo, &self.changes].into_iter().flatten()
    }

    /// The files with their signed texts, in the order of writing.
    fn sign(self, signer: &Signer) -> Result<Vec<(File, Vec<u8>)>, SignError> {
        let signed = sign_package(
            signer,
            self.dsc.as_ref().map(File::document),
            self.buildinfo.as_ref().map(File::document),
            self.changes.as_ref().map(File::document),
        )?;
        let pairs = [(self.dsc, signed.dsc), (self.buildinfo, signed.buildinfo), (self.changes, signed.changes)];
        Ok(pairs.into_iter().filter_map(|(file, text)| file.zip(text)).collect())
    }
}

/// dpkg-buildpackage does not sign what is not released; neither does debsign's user.
fn refuse_unreleased(changes: &File) -> Result<(), SignError> {
    let text = cleartext::unsigned(&changes.name, &changes.text)?;
    match digests::field(&text, "Distribution") {
        Some(distribution) if distribution.split_whitespace().any(|d| d == "UNRELEASED") => {
            Err(SignError::Unreleased { name: changes.name.clone() })
        }
        _ => Ok(()),
    }
}

/// A file as another one lists it.
struct Listed {
    name: String,
    path: PathBuf,
    /// The text that lists it, without its signature.
    list: Vec<u8>,
}

/// All files that `file` lists.
fn listed_files(file: &File) -> Result<Vec<Listed>, SignError> {
    let list = cleartext::unsigned(&file.name, &file.text)?;
    digests::names(&list).iter().map(|name| Listed::of(file, name)).collect()
}

impl Listed {
    fn of(file: &File, name: &str) -> Result<Listed, SignError> {
        if name.contains('/') || name.starts_with('.') {
            return Err(SignError::BadName { name: file.name.clone(), file: name.to_string() });
        }
        let list = cleartext::unsigned(&file.name, &file.text)?;
        if !digests::names(&list).iter().any(|listed| listed == name) {
            return Err(SignError::NotListed { name: file.name.clone(), missing: name.to_string() });
        }
        Ok(Listed { name: name.to_string(), path: files::parent(&file.path).join(name), list })
    }

    /// The file to be signed, if it is what `lister` says.
    fn signable(&self, signer: &Signer, lister: &File) -> Result<File, SignError> {
        if !self.path.is_file() {
            return Err(SignError::MissingFile { name: lister.name.clone(), path: self.path.clone() });
        }
        let file = File::read(&self.path)?;
        self.fits(signer, lister, &file)?;
        Ok(file)
    }

    /// Whether `file` is what is listed, or that with a signature since.
    fn fits(&self, signer: &Signer, lister: &File, file: &File) -> Result<(), SignError> {
        let details = digests::differences(&self.list, &self.name, &Checksums::of(&file.text));
        if details.is_empty() {
            return Ok(());
        }
        let bare = cleartext::unsigned(&file.name, &file.text)?;
        let signed_since = digests::differences(&self.list, &self.name, &Checksums::of(&bare)).is_empty();
        if signed_since || signer.has_signed(&file.text) {
            return Ok(());
        }
        Err(SignError::Mismatch { name: lister.name.clone(), path: self.path.clone(), details })
    }

    /// A file that is only listed: if it is there, it must be the one meant.
    fn check(&self, lister: &File) -> Result<(), SignError> {
        let mut source = match std::fs::File::open(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|e| Failure::io("read", &self.path, &e))?,
        };
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = source.read(&mut buffer).map_err(|e| Failure::io("read", &self.path, &e))?;
            if read == 0 {
                break;
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
        let details = digests::differences(&self.list, &self.name, &hasher.finish());
        if details.is_empty() {
            return Ok(());
        }
        Err(SignError::Mismatch { name: lister.name.clone(), path: self.path.clone(), details })
    }
}
