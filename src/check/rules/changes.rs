//! The .changes, its files, and the series that it is for.

use super::{Known, Rule, rules};
use crate::check::Level;

rules! {
CHANGES_NAME = "changes-name" Rejected "5" Files
    "X -> inappropriate changesfile name, should follow \"<pkg>_<version>_<arch>.changes\" format"
    "The name of the .changes has not three parts separated by underscores."
    "rename it to SOURCE_VERSION_source.changes, the version without its epoch";
UNREADABLE = "control-file-unreadable" Rejected "6" Files
    "Unable to parse FILE: FILE: multiple stanzas where only one is expected"
    "A .changes, .dsc or .buildinfo must be exactly one stanza of fields; an empty line in the middle makes two of it."
    "make the file anew with pkgr build or dpkg-buildpackage -S";
CONTROL_FILE_MISSING = "control-file-missing" Rejected "10" Files
    "Unable to read FILE: [Errno 2] No such file or directory: 'FILE'"
    "The .changes lists a .dsc or .buildinfo that is not beside it."
    "put the file beside the .changes";
MISSING_FIELD = "changes-field-missing" Rejected "6" Files
    "Unable to find mandatory field 'F' in the changes file."
    "Mandatory are Source, Architecture, Version, Distribution, Maintainer, Files, Changes, Date and Changed-By, spelled so. Format, Binary, Urgency, Description and the Checksums are not."
    "make the .changes anew with pkgr build or dpkg-genchanges";
FORMAT_RANGE = "changes-format" Rejected "7" Files
    "Format out of acceptable range for changes file. Range 1.5 - 2.0, format F"
    "The Format of a .changes lies between 1.5 and 2.0; without one, Launchpad takes 1.5."
    "make the .changes anew: today's format is 1.8";
ADDRESS_FORM = "address-form" Rejected "8" Files
    "X <x@e>: doesn't parse as a valid Maintainer field."
    "Maintainer and Changed-By are `Name <address>`, `<address>` or a bare address. A name of one character does not parse. The message says Maintainer for either field."
    "write a name of two characters or more: DEBFULLNAME, or maintainer in the recipe";
ADDRESS_NO_AT = "address-without-at" Rejected "8" Files
    "X: no @ found in email address part."
    "Maintainer and Changed-By need an e-mail address."
    "write `Name <user@host>`";
ADDRESS_UNKNOWN = "address-invalid" Rejected "8" Files
    "Unable to identify 'N':<a> in launchpad"
    "Launchpad creates an account for every new address, but this is none that it takes: letters, digits and _.-+= before the @, host names behind it."
    "write a plain e-mail address";
PRIVATE_TEAM = "maintainer-is-private" Rejected "8" Nobody
    "Invalid Maintainer."
    "The address belongs to a private team of Launchpad."
    "name a person or a public team";
FILES_COLUMNS = "files-columns" Rejected "9" Files
    "Wrong number of fields in Files field line."
    "Every line of Files in a .changes has five words: MD5, size, section, priority, name. In a .dsc, and in the Checksums, it has three. An empty list has none."
    "make the file anew with pkgr build or dpkg-genchanges";
FILES_DUPLICATE = "files-duplicate" Rejected "9" Files
    "Duplicate filenames in Files field."
    "A file is listed twice."
    "make the file anew with pkgr build or dpkg-genchanges";
CHECKSUMS_MISMATCH = "checksums-files-mismatch" Rejected "9" Files
    "Mismatch between Checksums-Sha256 and Files fields."
    "Checksums-Sha1 and Checksums-Sha256 may be missing, but must list the names and sizes of Files if they are there."
    "make the file anew, or sign with pkgr sign, which renews all lists";
FILE_MISSING = "file-missing" Rejected "10" Files
    "File F mentioned in the changes file was not found."
    "A listed file is not part of the upload. Names with folders, and links that lead out of the folder of the .changes, count as missing."
    "put the file beside the .changes";
DIGEST_MISMATCH = "file-digest-mismatch" Rejected "10" Files
    "File F mentioned in the changes has a SHA256 mismatch. GOT != WANTED"
    "The file is not the one that was listed, often because it was signed or built again since. Digests are compared letter by letter, in lower case."
    "make the .changes anew, or sign with pkgr sign, which renews the digests";
SIZE_MISMATCH = "file-size-mismatch" Rejected "10" Files
    "File F mentioned in the changes has a size mismatch. GOT != WANTED"
    "The file has another size than was listed."
    "make the .changes anew";
FILE_NAME_CHARACTERS = "file-name-characters" Rejected "11" Files
    "Invalid character(s) in filename: 'F'."
    "File names consist of letters, digits and -+~/._ only; a colon is none of them."
    "leave the epoch out of file names";
FILE_TYPE = "file-type-unknown" Rejected "11" Files
    "Unable to identify file F (section) in changes."
    "Launchpad takes orig, debian and native tarballs (.gz, .bz2, .xz), their .asc, .diff.gz, .dsc and .buildinfo, named NAME_VERSION; nothing else. zstd and lzma are unknown to it."
    "take the file out of the .changes, or compress it with xz";
FILE_VERSION = "file-version" Rejected "12" Files
    "V: should be W according to changes file."
    "The version in a file's name is Version without its epoch; of orig files and their .asc also without the revision."
    "rename the file, or correct Version, and make the .changes anew";
ARCHITECTURE_SOURCE = "architecture-source" Rejected "13" Files
    "Mismatch in sourcefulness. (arch) A != (files) B"
    "Architecture of the .changes says `source` if and only if there are source files."
    "make the .changes anew: dpkg-genchanges --build=source";
ARCHITECTURE_BINARY = "architecture-binary" Rejected "13" Files
    "Mismatch in binaryfulness. (arch) A != (files) B"
    "Architecture names binary architectures if and only if there are binary files. A .buildinfo that is not called _source.buildinfo counts as one."
    "build with -S: the .buildinfo is SOURCE_VERSION_source.buildinfo then";
ARCHITECTURE_NOT_LISTED = "architecture-not-listed" Rejected "13" Files
    "One or more files uploaded with specific architecture but changes file does not list it."
    "A binary package is of an architecture that the .changes does not name."
    "upload sources only: build with -S";
TOO_MANY_ARCHITECTURES = "too-many-architectures" Rejected "13" Files
    "Upload has more architectures than is supported."
    "A binary upload is for one architecture, and `all`."
    "upload sources only: build with -S";
ORPHANED_DEBUG = "debug-packages-orphaned" Rejected "13" Files
    "Orphaned debug packages: X V (A)"
    "A .ddeb is there without its .deb."
    "upload sources only: build with -S";
MIXED_UPLOAD = "mixed-upload" Rejected "13" Files
    "Source/binary (i.e. mixed) uploads are not allowed."
    "PPAs take sources and build the binary packages themselves."
    "build with -S: pkgr build, or debuild -S";
BINARY_UPLOAD = "binary-upload" Rejected "13" Files
    "Upload rejected because it contains binary packages. Ensure you are using `debuild -S`, or an equivalent command, to generate only the source package before re-uploading. See https://help.launchpad.net/Packaging/PPA for more information."
    "PPAs take sources and build the binary packages themselves."
    "build with -S: pkgr build, or debuild -S";
CUSTOM_SECTION = "custom-section" Rejected "13" Files
    "Unsupported custom section name 'raw-X'"
    "Sections that begin with raw- are for Ubuntu's installer, translations and boot loaders, and count as binary uploads."
    "correct Section in debian/control";
SEVERAL_DSC = "several-dsc" Rejected "14" Files
    "Changes file lists more than one .dsc"
    "One upload is one source package."
    "make one .changes for each source package";
NO_DSC = "no-dsc" Rejected "14" Files
    "Sourceful upload without a .dsc"
    "A source upload needs its .dsc."
    "make the .changes anew with dpkg-genchanges --build=source";
DSC_NOT_FOUND = "dsc-not-found" Rejected "14" Files
    "Unable to find the DSC file in the source upload."
    "A source upload needs its .dsc."
    "make the .changes anew with dpkg-genchanges --build=source";
UNKNOWN_SECTION = "unknown-section" Rejected "15" Files
    "F: Unknown section 'unknown'"
    "The section of a file is none that Launchpad knows; `unknown` is what dh_make leaves behind. It is taken from Section in debian/control."
    "set Section in debian/control, such as utils or web";
UNKNOWN_COMPONENT = "unknown-component" Rejected "15" Files
    "F: Unknown component 'X'"
    "The part of a section before the slash is main, restricted, universe, multiverse or partner, or Debian's contrib, non-free, non-free-firmware. PPAs publish everything in main."
    "write the section alone";
PARTNER_MIXED = "partner-mixed" Rejected "15" Files
    "Cannot mix partner files with non-partner."
    "Some files are in component partner, and some are not."
    "write the section alone";
URGENCY = "unknown-urgency" Warning "16" Files
    "Unable to grok urgency X, overriding with 'low'"
    "Urgencies are low, medium, high, critical and emergency; a comment behind the word makes it unknown."
    "write urgency=medium in debian/changelog";
UNKNOWN_SERIES = "unknown-series" Rejected "18" Files
    "Unable to find distroseries: X"
    "Distribution names a series of Ubuntu by code name, or `devel`, with an optional pocket. Version numbers, Debian's suites and UNRELEASED are none. A suite in the upload path goes before it; the changelog's own target is not compared."
    "write a code name such as noble, or upload to ~OWNER/ubuntu/PPA/SERIES";
POCKET = "ppa-pocket" Rejected "19" Files
    "PPA uploads must be for the RELEASE pocket."
    "A PPA has no -updates, -proposed, -security or -backports."
    "write the code name alone";
SECURITY_POCKET = "security-pocket" Rejected "19" Files
    "This upload queue does not permit SECURITY uploads."
    "Nobody uploads to -security directly."
    "write the code name alone";
OBSOLETE_SERIES = "obsolete-series" Rejected "20" Files
    "S is obsolete and will not accept new uploads."
    "All support of the series has ended. pkgr goes by the dates in distro-info-data, Launchpad by its own switch, which may be thrown some days apart. Administrators can allow it for a PPA."
    "upload to a series that is supported";
}
