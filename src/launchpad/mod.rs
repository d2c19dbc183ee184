//! Launchpad seen from outside: what a PPA holds, how its builds went, and
//! whether the result can be installed. Anonymous and read-only; the service is
//! <https://api.launchpad.net/devel/>, as lazr.restful describes it.
//!
//! ```text
//! ppa        the name of a PPA
//! types      the service's objects; query   questions as URLs
//! transport  one question over HTTP: tries, time limit, who may answer
//! client     the questions, typed; pages and ETags
//! log        the end of a build's log
//! key        the key of a PPA's indexes
//! index      what the PPA's own apt index lists
//! survey     all of it as one state per source package and series
//! wait       from the upload to the index, and every way in which that ends
//! verdict    how such an end is told
//! ```
//!
//! A rejected upload leaves no trace here: it is known by its absence only. And
//! "published" is the service's intention until the index, which apt reads, lists
//! the package. Nothing here uploads, and nothing prints.

mod client;
mod error;
mod index;
mod key;
mod log;
mod ppa;
mod query;
mod survey;
mod transport;
mod types;
mod verdict;
mod wait;

use std::time::Duration;

pub use client::Client;
pub use error::LaunchpadError;
pub use log::LogTail;
pub use ppa::{Ppa, PpaError};
pub use query::SourceQuery;
pub use survey::{ArchitectureState, Filter, PackageState, Stage};
pub use types::{
    Archive, BinaryPublication, Build, BuildSetStatus, BuildState, BuildSummaries, BuildSummary, Distribution,
    DistroSeries, Processor, PublishedFile, PublishingStatus, SeriesStatus, SourcePublication, SummarizedBuild,
};
pub use wait::{Clock, End, Ended, Expected, Outcome, SystemClock, WaitOptions, wait};

/// Where the service and what belongs to it are, and for how long it is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Root of the web service, with its version.
    pub service: String,
    /// Where PPAs have their apt indexes: `{archive}/owner/name/ubuntu`.
    pub archive: String,
    /// A keyserver (HKP over https), for when the service does not hand out a
    /// PPA's key. It need not be trusted: the key must have the right fingerprint.
    pub keyserver: String,
    /// For one question with all its tries.
    pub limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            service: "https://api.launchpad.net/devel".to_string(),
            archive: "https://ppa.launchpadcontent.net".to_string(),
            keyserver: "https://keyserver.ubuntu.com".to_string(),
            limit: Duration::from_secs(300),
        }
    }
}

impl Settings {
    /// With what `PKGR_LAUNCHPAD`, `PKGR_PPA_ARCHIVE` and `PKGR_KEYSERVER` say, as
    /// `variable` looks them up.
    pub fn with_variables(mut self, variable: impl Fn(&str) -> Option<String>) -> Settings {
        for (name, place) in [
            ("PKGR_LAUNCHPAD", &mut self.service),
            ("PKGR_PPA_ARCHIVE", &mut self.archive),
            ("PKGR_KEYSERVER", &mut self.keyserver),
        ] {
            if let Some(value) = variable(name).filter(|value| !value.trim().is_empty()) {
                *place = value;
            }
        }
        self
    }
}
