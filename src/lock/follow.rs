//! `[[follow]]` of the lock: what a package of the distribution was when it was
//! last looked at, for one series, and for nginx what its flavors were built
//! with. `pkgr update` writes it; everything else believes it.
//!
//! The files are named and pinned, not kept: the distribution's patches travel
//! in the debian.tar that [`Followed::debian`] pins, its upstream tarball is
//! among [`Followed::origs`]. With both in the cache nothing needs a network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::deb::names;
use crate::deb::version::Version;

/// One followed package in one series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    /// The NAME of `[follow.NAME]`, `nginx` for `[nginx]`, `apt:PACKAGE` for
    /// `apt = "PACKAGE"`.
    pub name: String,
    /// Code name.
    pub series: String,
    /// The source package.
    pub package: String,
    /// Its full version, with epoch.
    pub version: String,
    /// The suite that it came from: `jammy-security`.
    pub suite: String,
    /// Its folder below the archive's root: `pool/main/n/nginx`.
    pub directory: String,
    /// The .dsc.
    pub dsc: PinnedFile,
    /// What holds debian/: a debian.tar, or a diff.gz; none where it is native.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debian: Option<PinnedFile>,
    /// The upstream tarballs in byte order of their names, without signatures;
    /// the one tarball where it is native.
    #[serde(rename = "orig")]
    pub origs: Vec<PinnedFile>,
    /// What `[nginx]` needs to know, where it follows this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nginx: Option<NginxFacts>,
}

/// A file of the package's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Its name.
    pub file: String,
    /// Of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// How a series has modules of its nginx built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockedMode {
    /// Flavors compiled separately.
    Flavors,
    /// `nginx-dev` and `dh-sequence-nginx`.
    Dev,
}

/// What was found in the packages of nginx itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NginxFacts {
    /// How modules are built.
    pub mode: LockedMode,
    /// `nginx-abi-1.24.0-1`, where nginx provides such a package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abi: Option<String>,
    /// Fingerprint (a sha256) of the headers of the patched tree. Two versions
    /// with equal signatures and other headers are of two ABIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<String>,
    /// The flavors that the series has, in byte order of their names.
    #[serde(rename = "flavor")]
    pub flavors: Vec<LockedFlavor>,
}

/// One flavor of nginx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFlavor {
    /// `core`.
    pub name: String,
    /// `nginx-core`.
    pub package: String,
    /// For a metapackage: the flavor whose binary it brings. None where it is
    /// compiled itself, and for all flavors of a series of mode `dev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// Arguments of configure, without those that name modules or flags of
    /// compiler and linker; one a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configure: Vec<String>,
    /// The signature that a module is checked by, per architecture.
    #[serde(default, rename = "signature", skip_serializing_if = "BTreeMap::is_empty")]
    pub signatures: BTreeMap<String, String>,
}

impl Followed {
    /// The version, parsed.
    pub fn parsed_version(&self) -> Option<Version> {
        Version::parse(&self.version).ok()
    }

    /// The upstream tarball that is no component: `PACKAGE_VERSION.orig.tar.*`,
    /// or the one of a native package.
    pub fn main_orig(&self) -> Option<&PinnedFile> {
        let main = self.origs.iter().find(|orig| orig.file.contains(".orig.tar."));
        main.or(match self.origs.as_slice() {
            [only] if self.debian.is_none() => Some(only),
            _ => None,
        })
    }

    /// Puts what has no order of its own into one.
    pub(super) fn sort(&mut self) {
        self.origs.sort_by(|a, b| a.file.cmp(&b.file));
        if let Some(nginx) = &mut self.nginx {
            nginx.flavors.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }

    /// What is wrong with it, in words; a lock is data from a file that anybody
    /// may have edited, and its names become paths.
    pub(super) fn fault(&self) -> Option<String> {
        let of = |what: String| Some(format!("{} of {}: {what}", self.name, self.series));
        if Version::parse(&self.version).is_err() {
            return of(format!("`{}` is no version", self.version));
        }
        if names::check_source(&self.package).is_err() {
            return of(format!("`{}` is no source package", self.package));
        }
        let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
        if !self.directory.split('/').all(plain) {
            return of(format!("`{}` is no folder of an archive", self.directory));
        }
        if self.main_orig().is_none() {
            return of("no `orig` is the main tarball".to_string());
        }
        let files = [&self.dsc].into_iter().chain(&self.debian).chain(&self.origs);
        for file in files {
            if !plain(&file.file) || file.file.contains('/') {
                return of(format!("`{}` is no name of a file", file.file));
            }
            if !is_sha256(&file.sha256) {
                return of(format!("`{}` is no sha256", file.sha256));
            }
        }
        // the module's version takes its revision from nginx's
        if self.nginx.is_some() && self.parsed_version().is_some_and(|version| version.is_native()) {
            return of(format!("`{}` has no revision", self.version));
        }
        self.nginx.as_ref().and_then(NginxFacts::fault).and_then(of)
    }
}

impl NginxFacts {
    /// A flavor by name.
    pub fn flavor(&self, name: &str) -> Option<&LockedFlavor> {
        self.flavors.iter().find(|flavor| flavor.name == name)
    }

    /// The flavor whose binary a flavor brings: itself, or what it is over.
    pub fn base_of<'a>(&'a self, flavor: &'a LockedFlavor) -> &'a LockedFlavor {
        flavor.over.as_deref().and_then(|over| self.flavor(over)).unwrap_or(flavor)
    }

    fn fault(&self) -> Option<String> {
        for (index, flavor) in self.flavors.iter().enumerate() {
            if self.flavors.iter().take(index).any(|other| other.name == flavor.name) {
                return Some(format!("two flavors are named `{}`", flavor.name));
            }
            if names::check_package(&flavor.package).is_err() {
                return Some(format!("`{}` is no package", flavor.package));
            }
            if let Some(over) = &flavor.over {
                if !self.flavors.iter().any(|base| base.name == *over && base.over.is_none()) {
                    return Some(format!("`{}` is over `{over}`, which is no flavor of its own", flavor.name));
                }
            }
            if self.mode == LockedMode::Flavors && flavor.over.is_none() && flavor.signatures.is_empty() {
                return Some(format!("flavor `{}` has no signature", flavor.name));
            }
            // they become words of a makefile and of a shell's command line
            let words = flavor.configure.iter().chain(flavor.signatures.keys()).chain(flavor.signatures.values());
            if words.into_iter().any(|word| word.is_empty() || word.contains(|c: char| c.is_control())) {
                return Some(format!("flavor `{}` has a control character or an empty word", flavor.name));
            }
        }
        self.headers.as_ref().filter(|headers| !is_sha256(headers)).map(|headers| format!("`{headers}` is no sha256"))
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
