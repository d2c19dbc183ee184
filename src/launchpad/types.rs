//! The service's objects, with those of their fields that pkgr reads (version
//! `devel` of the service). What they lack is an error of the answer, a field
//! more is none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A word of a closed list of the service; an unknown one is kept as it is.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A word that this pkgr does not know.
            Other(String),
        }

        impl $name {
            /// The service's word.
            pub fn name(&self) -> &str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> $name {
                match text.as_str() {
                    $($text => $name::$variant,)*
                    _ => $name::Other(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.name().to_string()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// Where a publication stands.
    PublishingStatus {
        /// Accepted; the publisher has not run yet.
        Pending = "Pending",
        /// In the archive's indexes.
        Published = "Published",
        /// A higher version took its place.
        Superseded = "Superseded",
        /// Somebody removed it.
        Deleted = "Deleted",
        /// Its series has ended.
        Obsolete = "Obsolete",
    }
}

impl PublishingStatus {
    /// Whether it is in the archive, or will be.
    pub fn is_active(&self) -> bool {
        matches!(self, PublishingStatus::Pending | PublishingStatus::Published)
    }
}

words! {
    /// Where a build stands.
    BuildState {
        /// In the queue.
        NeedsBuilding = "Needs building",
        /// Done; its packages are in the archive or on their way.
        Built = "Successfully built",
        /// The package's own build failed.
        FailedToBuild = "Failed to build",
        /// A build dependency is not there; tried again when it appears.
        DependencyWait = "Dependency wait",
        /// The build root could not be made.
        ChrootProblem = "Chroot problem",
        /// A newer source came before it was built.
        Superseded = "Build for superseded Source",
        /// Under way.
        Building = "Currently building",
        /// Built, and its packages were refused.
        FailedToUpload = "Failed to upload",
        /// Built; its packages travel.
        Uploading = "Uploading build",
        /// Somebody stops it.
        Cancelling = "Cancelling build",
        /// Somebody stopped it.
        Cancelled = "Cancelled build",
        /// Ended; its log travels.
        Gathering = "Gathering build output",
    }
}

words! {
    /// What the builds of a source publication come to.
    BuildSetStatus {
        /// At least one is in the queue.
        NeedsBuild = "NEEDSBUILD",
        /// At least one is under way.
        Building = "BUILDING",
        /// All built, not all published.
        BuiltPending = "FULLYBUILT_PENDING",
        /// All built and published, or there is no build yet.
        Built = "FULLYBUILT",
        /// At least one failed.
        Failed = "FAILEDTOBUILD",
    }
}

words! {
    /// Where a series stands.
    SeriesStatus {
        /// Before anything.
        Experimental = "Experimental",
        /// The next one.
        Development = "Active Development",
        /// The next one, soon.
        Freeze = "Pre-release Freeze",
        /// The last one.
        Current = "Current Stable Release",
        /// An older one.
        Supported = "Supported",
        /// Takes no uploads.
        Obsolete = "Obsolete",
        /// The one after the next.
        Future = "Future",
    }
}

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Distribution {
    /// `ubuntu`
    pub name: String,
    /// Its URL.
    pub self_link: String,
    /// Its own archive's URL.
    pub main_archive_link: String,
    /// Whether it has PPAs.
    #[serde(default)]
    pub supports_ppas: bool,
    /// `devel`, which uploads may name in place of the series in development.
    #[serde(default)]
    pub development_series_alias: Option<String>,
}

/// A series of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DistroSeries {
    /// `noble`
    pub name: String,
    /// `24.04`
    pub version: String,
    /// Where it stands.
    pub status: SeriesStatus,
    /// Whether it is in development, current or supported.
    pub active: bool,
    /// Its URL.
    pub self_link: String,
}

/// A PPA, or a distribution's own archive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Archive {
    /// `ppa`
    pub name: String,
    /// As its owner calls it; in Launchpad's messages.
    pub displayname: String,
    /// `~owner/ubuntu/name`
    pub reference: String,
    /// Its URL.
    pub self_link: String,
    /// Its page for people.
    #[serde(default)]
    pub web_link: Option<String>,
    /// Its distribution's URL.
    pub distribution_link: String,
    /// Whether only some may see it.
    #[serde(default)]
    pub private: bool,
    /// Whether its indexes are written.
    #[serde(default = "yes")]
    pub publish: bool,
    /// Quota in MiB.
    #[serde(default)]
    pub authorized_size: Option<u64>,
    /// Whether it takes uploads for series that have ended.
    #[serde(default)]
    pub permit_obsolete_series_uploads: bool,
    /// The key of its indexes, 40 hexadecimal digits; none before its first publication.
    #[serde(default)]
    pub signing_key_fingerprint: Option<String>,
    /// The processors that it builds for.
    #[serde(default)]
    pub processors_collection_link: Option<String>,
}

/// What an archive builds for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Processor {
    /// An architecture's name, but for i386, which was once called `386`.
    pub name: String,
}

impl Processor {
    /// Debian's name of it.
    pub fn architecture(self) -> String {
        match self.name.as_str() {
            "386" => "i386".to_string(),
            _ => self.name,
        }
    }
}

fn yes() -> bool {
    true
}

/// A source package in an archive, in one series and one version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SourcePublication {
    /// The source package.
    pub source_package_name: String,
    /// Its version.
    pub source_package_version: String,
    /// Where it stands.
    pub status: PublishingStatus,
    /// `Release`
    pub pocket: String,
    /// Its series' URL.
    pub distro_series_link: String,
    /// Its URL, which ends in its number.
    pub self_link: String,
    /// When it was accepted, ISO 8601.
    #[serde(default)]
    pub date_created: Option<String>,
    /// When it was published.
    #[serde(default)]
    pub date_published: Option<String>,
    /// Why it was removed.
    #[serde(default)]
    pub removal_comment: Option<String>,
}

impl SourcePublication {
    /// The series' name.
    pub fn series(&self) -> &str {
        last_part(&self.distro_series_link)
    }

    /// Its number, as [`super::Client::build_summaries`] takes it.
    pub fn id(&self) -> Option<u64> {
        last_part(&self.self_link).parse().ok()
    }
}

/// A binary package in an archive, in one series, architecture and version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BinaryPublication {
    /// The binary package.
    pub binary_package_name: String,
    /// Its version.
    pub binary_package_version: String,
    /// Where it stands.
    pub status: PublishingStatus,
    /// The URL of its series and architecture.
    pub distro_arch_series_link: String,
    /// Its URL.
    pub self_link: String,
    /// Whether it holds debug symbols, which have indexes of their own.
    #[serde(default)]
    pub is_debug: bool,
}

impl BinaryPublication {
    /// The name of the architecture for which it is published.
    pub fn architecture(&self) -> &str {
        last_part(&self.distro_arch_series_link)
    }
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Build {
    /// `amd64`
    pub arch_tag: String,
    /// Where it stands.
    pub buildstate: BuildState,
    /// The source package; null in some listings.
    #[serde(default)]
    pub source_package_name: Option<String>,
    /// Its version.
    #[serde(default)]
    pub source_package_version: Option<String>,
    /// Its page for people.
    #[serde(default)]
    pub web_link: Option<String>,
    /// Its log, gzip.
    #[serde(default)]
    pub build_log_url: Option<String>,
    /// The log of the upload of its packages.
    #[serde(default)]
    pub upload_log_url: Option<String>,
    /// Build dependencies that are missing, in state [`BuildState::DependencyWait`].
    #[serde(default)]
    pub dependencies: Option<String>,
    /// When it ended.
    #[serde(default)]
    pub datebuilt: Option<String>,
}

/// The builds of one source publication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BuildSummary {
    /// What they come to.
    pub status: BuildSetStatus,
    /// Those that make it so: the failed ones, those under way, or all.
    #[serde(default)]
    pub builds: Vec<SummarizedBuild>,
}

/// A build in a summary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SummarizedBuild {
    /// `amd64`
    pub arch_tag: String,
}

/// By the numbers of source publications.
pub type BuildSummaries = BTreeMap<u64, BuildSummary>;

/// A file of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PublishedFile {
    /// Where it is.
    pub url: String,
    /// In bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// Hexadecimal.
    #[serde(default)]
    pub sha1: Option<String>,
    /// Hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl PublishedFile {
    /// The file's own name.
    pub fn name(&self) -> String {
        last_part(&self.url).replace("%2B", "+").replace("%7E", "~").replace("%3A", ":")
    }
}

/// One page of a collection.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub entries: Vec<T>,
    #[serde(default)]
    pub next_collection_link: Option<String>,
    #[serde(default)]
    pub total_size: Option<u64>,
    #[serde(default)]
    pub total_size_link: Option<String>,
}

fn last_part(link: &str) -> &str {
    link.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_kept() {
        let status: PublishingStatus = serde_json::from_str("\"Quarantined\"").unwrap();
        assert_eq!(status, PublishingStatus::Other("Quarantined".to_string()));
        assert!(!status.is_active() && status.to_string() == "Quarantined");
        let state: BuildState = serde_json::from_str("\"Failed to build\"").unwrap();
        assert_eq!(
            (serde_json::to_string(&state).unwrap().as_str(), state),
            ("\"Failed to build\"", BuildState::FailedToBuild)
        );
    }

    #[test]
    fn a_source_publication() {
        let publication: SourcePublication = serde_json::from_str(
            r#"{"source_package_name": "hello", "source_package_version": "1.10", "status": "Pending", "pocket": "Release",
                "distro_series_link": "https://api.launchpad.net/devel/ubuntu/noble", "package_signer_link": null,
                "self_link": "https://api.launchpad.net/devel/~o/+archive/ubuntu/p/+sourcepub/4711", "date_published": null}"#,
        )
        .unwrap();
        assert_eq!((publication.series(), publication.id(), &publication.date_published), ("noble", Some(4711), &None));
    }

    #[test]
    fn names_of_files() {
        let file =
            PublishedFile { url: "https://h/x/a_1%2B2%7Erc1.dsc".to_string(), size: None, sha1: None, sha256: None };
        assert_eq!(file.name(), "a_1+2~rc1.dsc");
    }
}
