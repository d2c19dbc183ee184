//! What holds for any archive, and the outlines of Debian's own (dak), as far as
//! an upload tells by itself. The words are pkgr's.

use super::{Known, Rule, rules};
use crate::check::Level;

rules! {
DEBIAN_SUITE = "debian-suite" Rejected "D1" Files
    ""
    "Debian's upload queue takes unstable, experimental, and the suites of a release's updates; Ubuntu's series and UNRELEASED are unknown to it."
    "write unstable or experimental in debian/changelog";
DEBIAN_FIELD = "debian-field-missing" Rejected "D2" Files
    ""
    "dak wants Format, Source, Architecture, Version, Distribution, Maintainer, Changes, Files, Checksums-Sha1 and Checksums-Sha256 in a .changes."
    "make the .changes anew with dpkg-genchanges";
PACKAGE_FILES = "package-files" Rejected "D3" Files
    ""
    "A listed file is missing, is not what is listed, is listed twice, or has a name that the archive refuses."
    "make the .changes anew with dpkg-genchanges";
PACKAGE_DSC = "package-dsc" Rejected "D4" Files
    ""
    "The .dsc is missing, is not one stanza, names another source or version than the .changes, or has a format that the archive refuses."
    "make the source package anew with dpkg-source -b";
PACKAGE_VERSION = "package-version" Rejected "D5" Files
    ""
    "The version is none by Debian Policy 5.6.12."
    "correct the version in debian/changelog";
PACKAGE_UNPACKING = "package-unpacking" Rejected "D6" Files
    ""
    "dpkg-source -x cannot unpack the package."
    "run dpkg-source -x FILE.dsc, and correct what it says";
}
