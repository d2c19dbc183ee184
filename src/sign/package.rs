//! Signing a source package in memory, in the order in which its files vouch
//! for each other: the .buildinfo lists the .dsc, the .changes lists both.

use super::{SignError, Signer, cleartext, digests};
use crate::deb::checksums::{self, Checksums};
use crate::pack::{Packed, SourcePackage};

/// A control file: its name and its text, signed or not.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Without a folder.
    pub name: &'a str,
    /// The whole file.
    pub text: &'a [u8],
}

impl<'a> Document<'a> {
    fn of(packed: &'a Packed) -> Document<'a> {
        Document { name: &packed.name, text: &packed.bytes }
    }
}

/// The signed texts of those files that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// Of the .dsc.
    pub dsc: Option<Vec<u8>>,
    /// Of the .buildinfo.
    pub buildinfo: Option<Vec<u8>>,
    /// Of the .changes.
    pub changes: Option<Vec<u8>>,
}

/// Signs .dsc, .buildinfo and .changes in this order, the digests and sizes of
/// the earlier renewed in the later. Older signatures are taken off first. A
/// .buildinfo or .changes that does not list an earlier file is an error.
pub fn sign_package(
    signer: &Signer,
    dsc: Option<Document<'_>>,
    buildinfo: Option<Document<'_>>,
    changes: Option<Document<'_>>,
) -> Result<Signed, SignError> {
    let mut before: Vec<(&str, Checksums)> = Vec::new();
    let mut signed = Signed::default();
    for (document, place) in
        [(dsc, &mut signed.dsc), (buildinfo, &mut signed.buildinfo), (changes, &mut signed.changes)]
    {
        let Some(document) = document else { continue };
        let mut text = cleartext::unsigned(document.name, document.text)?;
        for (name, sums) in &before {
            text = renewed(document.name, text, name, sums)?;
        }
        let text = signer.clearsign(&text)?;
        before.push((document.name, Checksums::of(&text)));
        *place = Some(text);
    }
    Ok(signed)
}

/// The text of the file `name`, with what it says of the file `listed` made true.
fn renewed(name: &str, text: Vec<u8>, listed: &str, sums: &Checksums) -> Result<Vec<u8>, SignError> {
    if !digests::names(&text).iter().any(|other| other == listed) {
        return Err(SignError::NotListed { name: name.to_string(), missing: listed.to_string() });
    }
    let text = String::from_utf8(text).map_err(|_| SignError::NotUtf8 { name: name.to_string() })?;
    Ok(checksums::replace(&text, listed, sums).into_bytes())
}

/// Signs a package that has just been packed.
pub fn sign_source_package(signer: &Signer, mut package: SourcePackage) -> Result<SourcePackage, SignError> {
    let signed = sign_package(
        signer,
        Some(Document::of(&package.dsc)),
        Some(Document::of(&package.buildinfo)),
        Some(Document::of(&package.changes)),
    )?;
    let pairs = [
        (&mut package.dsc, signed.dsc),
        (&mut package.buildinfo, signed.buildinfo),
        (&mut package.changes, signed.changes),
    ];
    for (packed, text) in pairs {
        if let Some(text) = text {
            packed.checksums = Checksums::of(&text);
            packed.bytes = text;
        }
    }
    Ok(package)
}
