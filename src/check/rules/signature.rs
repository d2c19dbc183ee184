//! Upload path, signature and rights.

use super::{Known, Rule, rules};
use crate::check::Level;

rules! {
UPLOAD_PATH = "upload-path" Rejected "paths" Files
    "Launchpad failed to process the upload path 'PATH':"
    "The folder that the files are sent to names no archive. Launchpad reads `~OWNER/ubuntu/PPA[/SUITE]`; `~OWNER/PPA/SUITE` looks alike and means a distribution called PPA. The transport never tells, only a mail does."
    "send it to ~OWNER/ubuntu/PPA, or ~OWNER/ubuntu/PPA/SERIES to choose the series";
BUILD_PATH = "build-upload-path" Rejected "paths" Files
    "Invalid upload path (PATH) for this policy (insecure)"
    "A path that begins with a number is for Launchpad's own builders."
    "send it to ~OWNER/ubuntu/PPA";
DEPRECATED_PATH = "deprecated-upload-path" Note "paths" Files
    ""
    "Launchpad still takes this older form of the upload path for PPAs of Ubuntu."
    "write ~OWNER/ubuntu/PPA[/SERIES]";
PRIMARY_ARCHIVE = "primary-archive-upload" Rejected "3" Files
    "The signer of this package has no upload rights to this distribution's primary archive.  Did you mean to upload to a PPA?"
    "The upload path names Ubuntu itself and no PPA. Only Ubuntu's developers may upload there."
    "name the PPA: --to ppa:OWNER/NAME";
NO_SUCH_PPA = "no-such-ppa" Rejected "paths" Nobody
    "Could not find a PPA owned by 'X' for 'ubuntu' named 'Y'."
    "The person, team or PPA does not exist; names are compared with their case. It is told by mail, below the message on the upload path."
    "create the PPA on Launchpad, or correct the target";
PPA_DISABLED = "ppa-disabled" Rejected "paths" Archive
    "PPA for X is disabled."
    "The owner or an administrator has switched the PPA off."
    "enable the PPA on its Launchpad page";
UNSIGNED = "unsigned" Warning "1" Files
    ""
    "The file bears no signature. Launchpad drops an unsigned upload without any mail; `pkgr upload` signs it or refuses to send it."
    "sign it: pkgr sign --key KEY FILE.changes";
SIGNATURE_MISSING = "signature-missing" Rejected "1" Files
    "GPG verification of FILE failed: (7, 58, 'No data')"
    "The file bears no signature, and Launchpad drops such an upload without any mail. .changes and .dsc must each be one text in a cleartext signature."
    "sign it: pkgr sign --key KEY FILE.changes";
SIGNATURE_BAD = "signature-bad" Rejected "1" Key
    "GPG verification of FILE failed: (7, 8, 'Bad signature')"
    "The text was changed after it was signed, or a detached signature stands behind a text. Launchpad sends no mail about it."
    "sign it again: pkgr sign --key KEY FILE.changes";
SIGNATURE_MALFORMED = "signature-malformed" Rejected "1" Files
    "GPG verification of FILE failed: (7, 89, 'Bad data')"
    "The file is not one cleartext signed text: two signed blocks, or a damaged envelope. Launchpad sends no mail about it."
    "take the signatures off and sign once: pkgr sign --key KEY FILE.changes";
SEVERAL_SIGNATURES = "signature-not-single" Rejected "1" Files
    "GPG verification of FILE failed: Single signature expected, found multiple signatures"
    "The file bears several signatures, and Launchpad takes exactly one. It sends no mail about it."
    "take the signatures off and sign once: pkgr sign --key KEY FILE.changes";
TEXT_OUTSIDE_SIGNATURE = "text-outside-signature" Warning "1" Files
    ""
    "Text before or behind the signed block is not signed, and Launchpad ignores it. Other programs may read it."
    "remove it and sign again";
SIGNATURE_NOT_VERIFIED = "signature-not-verified" Note "1" Key
    ""
    "The signer's key is not at hand, so only the form of the signature was judged."
    "name the key: --keyring FILE";
SIGNER_UNKNOWN = "signer-unknown" Rejected "2" Key
    "GPG verification of FILE failed: Verification failed 3 times: ['KEY does not exist on the keyserver']"
    "The key that signed is not at hand. Launchpad says the same of a key that neither it nor the keyserver has, and sends no mail about it."
    "name the key: --keyring FILE; it must be on keyserver.ubuntu.com and registered with your Launchpad account";
KEY_EXPIRED = "signing-key-expired" Rejected "2" Key
    "File FILE is signed with an expired key FINGERPRINT"
    "The signing key has expired by now. The date of the signature does not matter to Launchpad."
    "extend the key (gpg --quick-set-expire), send it to keyserver.ubuntu.com, and sign again";
KEY_REVOKED = "signing-key-revoked" Rejected "2" Key
    "GPG verification of FILE failed: (7, 94, 'Certificate revoked')"
    "The signing key is revoked."
    "sign with another key that is registered with your Launchpad account";
KEY_NOT_REGISTERED = "signing-key-not-registered" Rejected "2" Nobody
    "Signing key FINGERPRINT not registered in launchpad."
    "The key is known to the keyserver, but to no Launchpad account."
    "register it at https://launchpad.net/~/+editpgpkeys";
KEY_DEACTIVATED = "signing-key-deactivated" Rejected "2" Nobody
    "File FILE is signed with a deactivated key FINGERPRINT"
    "The key was deactivated in the Launchpad account."
    "activate it at https://launchpad.net/~/+editpgpkeys";
NO_UPLOAD_RIGHTS = "no-upload-rights" Rejected "3" Nobody
    "Signer has no upload rights to this PPA."
    "The signer of the .changes is neither owner of the PPA, nor member of the owning team, nor has explicit permission. The signer need not be Changed-By or Maintainer, and .dsc and .changes may be signed by different keys."
    "sign with the key of somebody who may upload, or join the team";
PROCESSING_STOPPED = "processing-stopped" Rejected "order" Files
    "Further error processing not possible because of a critical previous error."
    "Launchpad stopped here, so there may be more to find. Where nothing stands above it, the reason is a source format that Launchpad does not know."
    "cure what stands above, then check again";
UNHANDLED = "unhandled-exception" Rejected "order" Files
    "Unhandled exception processing upload: REASON"
    "Launchpad's own program fails on this upload, and rejects it."
    "correct what the message names; dpkg-genchanges and pkgr do not write it so";
}
