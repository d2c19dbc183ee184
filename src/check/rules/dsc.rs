//! The .dsc and what it unpacks to.

use super::{Known, Rule, rules};
use crate::check::Level;

rules! {
DSC_MISSING_FIELD = "dsc-field-missing" Rejected "21" Files
    "Unable to find mandatory field F in X.dsc"
    "Mandatory are Source, Version, Binary, Maintainer, Architecture and Files. Without Format, 1.0 is taken."
    "make the source package anew with pkgr build or dpkg-source -b";
SOURCE_FORMAT = "source-format" Rejected "21" Files
    "Further error processing not possible because of a critical previous error."
    "Launchpad knows the formats 1.0, 3.0 (quilt) and 3.0 (native), spelled so. Of any other it says nothing but that it stopped."
    "write 3.0 (quilt) or 3.0 (native) into debian/source/format";
FORMAT_NOT_PERMITTED = "source-format-not-permitted" Rejected "21" Nobody
    "X.dsc: format 'F' is not permitted in S."
    "A series may forbid a source format. Every supported series of Ubuntu takes all three."
    "use a format that the series takes";
SOURCE_NAME = "source-name" Rejected "22" Files
    "X.dsc: invalid source name N"
    "A source name has two characters or more: letters, digits, and +-. but for the first."
    "correct Source in debian/control";
STORED_NAME = "source-name-lower-case" Rejected "22" Files
    "Unhandled exception processing upload: N is not a valid name for a source package."
    "Launchpad's check lets capital letters pass, but its database does not."
    "write Source in lower case";
VERSION = "version-characters" Rejected "22" Files
    "X.dsc: invalid version V"
    "A version consists of letters, digits and .-+~: only. The database wants more, as dpkg does: a digit first, a colon only behind an epoch, no hyphen at the end; but dpkg-source refuses such a version before (29)."
    "correct the version in debian/changelog";
VERSION_DIFFERS = "version-differs" Rejected "23" Files
    "X.dsc: version ('A') in .dsc does not match version ('B') in .changes."
    "Both files must name the same version, epoch included."
    "make the .changes anew from this .dsc";
NOT_SOURCEFUL = "dsc-file-type" Rejected "24" Files
    "X.dsc: File F does not look sourceful."
    "The .dsc lists a file whose name no source package has."
    "make the source package anew";
UNKNOWN_FILE = "dsc-file-unknown" Rejected "24" Files
    "Unknown file: F"
    "The .dsc lists a file whose extension only looks like that of a tarball."
    "make the source package anew";
FORMAT_1_BZIP2 = "format-one-bzip" Rejected "25" Files
    "X.dsc: is format 1.0 but uses bzip2 compression."
    "Format 1.0 takes gzip only."
    "write 3.0 (quilt) or 3.0 (native) into debian/source/format";
FORMAT_1_XZ = "format-one-xz" Rejected "25" Files
    "X.dsc: is format 1.0 but uses xz compression."
    "Format 1.0 takes gzip only."
    "write 3.0 (quilt) or 3.0 (native) into debian/source/format";
FORMAT_1_FILES = "format-one-files" Rejected "25" Files
    "X.dsc: must have exactly one tar.gz, or an orig.tar.gz and diff.gz"
    "Format 1.0 is one .tar.gz, or .orig.tar.gz and .diff.gz, with an optional .orig.tar.gz.asc."
    "make the source package anew with dpkg-source -b";
NATIVE_FILES = "format-native-files" Rejected "25" Files
    "X.dsc: must have only a tar.*."
    "Format 3.0 (native) is one .tar.gz, .tar.bz2 or .tar.xz."
    "make the source package anew with dpkg-source -b";
QUILT_FILES = "format-quilt-files" Rejected "25" Files
    "X.dsc: must have only an orig.tar.*, a debian.tar.*, and optionally orig-*.tar.*"
    "Format 3.0 (quilt) is one .orig.tar.*, one .debian.tar.*, and one .orig-NAME.tar.* for each component, each orig with an optional .asc."
    "make the source package anew with dpkg-source -b";
QUILT_COMPONENTS = "format-quilt-components" Rejected "25" Files
    "X.dsc: has more than one orig-C.tar.*."
    "A component has two tarballs, or two signatures."
    "keep one of them";
BUILD_DEPENDS_ARRAY = "build-depends-array" Rejected "26" Files
    "X.dsc: invalid Build-Depends field produced by a broken version of dpkg-dev (1.10.11)"
    "A Build-Depends that begins with ARRAY was printed by a defect of dpkg-dev in 2003. Otherwise Launchpad does not judge the field at the upload: the build fails later."
    "make the source package anew";
FILE_NOT_HELD = "file-nowhere" Rejected "27" Archive
    "Unable to find F in upload or distribution."
    "An orig (or component, or .asc) may be left out of the upload if the PPA, or Ubuntu in any series, has a file of that name; any other file only if the PPA has it."
    "include the orig: pkgr build --orig always, or debuild -S -sa";
UNPACKING_SKIPPED = "unpacking-skipped" Rejected "27" Archive
    "Files specified in DSC are broken or missing, skipping package unpack verification."
    "It follows from what stands above."
    "cure what stands above, then check again";
ORIG_DIFFERS = "orig-differs" Rejected "28" Archive
    "File F already exists in ARCHIVE, but uploaded version has different contents. See more information about this error in https://help.launchpad.net/Packaging/UploadErrors."
    "The PPA, or for origs Ubuntu too, has once had a file of this name with other bytes. Deleted packages count: a name belongs to its first bytes for ever."
    "use the published tarball byte for byte, or take another upstream version, such as 1.0+ds1";
CANNOT_UNPACK = "unpacking-fails" Rejected "29" Files
    "dpkg-source failed for X.dsc [return: N]"
    "dpkg-source -x cannot unpack the package: a tarball is damaged, a file has another name than dpkg-source expects, or a patch does not apply without fuzz. Launchpad's message shows nothing of the reason, for it is on standard error."
    "run dpkg-source -x FILE.dsc, and correct what it says";
UNPACKING_DOUBTED = "unpacking-doubtful" Warning "29" Files
    ""
    "dpkg-source may well unpack the tarball, but it has something in it that programs treat differently or that does harm."
    "repack the tarball without it";
UNPACKING_UNJUDGED = "unpacking-not-judged" Note "29" Archive
    ""
    "Not all of the package's files were at hand, or one is too large to be read here, so it is not known whether the package unpacks."
    "";
NO_CHANGELOG = "no-changelog" Rejected "30" Files
    "No changelog file found."
    "The unpacked package has no debian/changelog."
    "add debian/changelog";
NO_COPYRIGHT = "no-copyright" Warning "30" Files
    "No copyright file found."
    "The unpacked package has no debian/copyright. Launchpad takes it nevertheless."
    "add debian/copyright";
LINKED_FILE = "linked-changelog-or-copyright" Rejected "30" Files
    "Symbolic link for debian/copyright not allowed"
    "debian/changelog and debian/copyright must be files."
    "put the file in the place of the link";
LARGE_FILE = "large-changelog-or-copyright" Rejected "30" Files
    "debian/copyright file too large, 10MiB max"
    "debian/changelog and debian/copyright may have 10 MiB."
    "shorten it";
}
