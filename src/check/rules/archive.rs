//! What an upload must be to what its archive holds.

use super::{Known, Rule, rules};
use crate::check::Level;

rules! {
VERSION_OLDER = "version-older" Rejected "31" Archive
    "X.dsc: Version older than that in the archive. A <= B"
    "The PPA has a newer version of this source in the same series, published or about to be. Other series and Ubuntu itself are not compared. 1.0-1~noble1 sorts before 1.0-1."
    "take a version that sorts behind the published one: pkgr bump";
VERSION_TAKEN = "version-taken" Rejected "32" Archive
    "The source S - V is already accepted in ubuntu/SERIES and you cannot upload the same version within the same distribution. You have to modify the source version and re-upload."
    "The PPA has once accepted this version, for whatever series, and never takes it again, not even after its deletion. Every series needs a version of its own."
    "take a new version, with the number of the series in it: 1.0-1~ubuntu24.04.2";
ALREADY_PUBLISHED = "file-published" Rejected "33" Archive
    "F is already published in archive for S"
    "The PPA has a file of this name, and it is no orig."
    "take a new version";
ORIG_PUBLISHED_DIFFERS = "orig-published-differs" Rejected "33" Archive
    "F is already published in archive for S with a different SHA1 hash (GOT != WANTED)"
    "The PPA has an orig of this name with other bytes."
    "use the published tarball byte for byte";
CANNOT_BUILD = "no-architecture" Rejected "34" Archive
    "Cannot build any of the architectures requested: A"
    "The PPA builds for none of the package's architectures. A new PPA builds for amd64 only; `all` is built there too."
    "change the PPA's processors on its Launchpad page, or Architecture in debian/control";
QUOTA = "quota-exceeded" Rejected "35" Archive
    "PPA exceeded its size limit (X of Y MiB). Ask a question in https://answers.launchpad.net/soyuz/ if you need more space."
    "The PPA would hold more than it may: 8 GiB by default, private ones 20 GiB. There is no limit on a single file. How much is used is known to Launchpad only."
    "delete old packages, or ask for more space";
QUOTA_NEAR = "quota-near" Warning "35" Archive
    "PPA exceeded 95 % of its size limit (X of Y MiB). Ask a question in https://answers.launchpad.net/soyuz/ if you need more space."
    "The PPA would be nearly full. How much is used is known to Launchpad only."
    "delete old packages, or ask for more space";
ARCHIVE_UNKNOWN = "archive-not-asked" Note "27" Archive
    ""
    "Nobody was asked what the archive holds, so it counted as empty: versions and origs that it has already were not compared."
    "name folders of what is published: --published DIR for the PPA, --primary DIR for Ubuntu";
}
