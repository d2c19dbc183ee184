//! [`upload::Arrival`] over Launchpad's web service: a PPA is asked which
//! publications it has of a version. The upload itself knows nothing of that service,
//! and the service's client nothing of uploads.

use std::cell::RefCell;

use crate::diagnostic::Failure;
use crate::launchpad::{Archive, Client, LaunchpadError, Ppa, PpaError, SourceQuery};
use crate::upload::prepare::Prepared;
use crate::upload::target::Target;
use crate::upload::{self, NoAnswer};

/// What PPAs show, asked anew each time.
pub struct Published<'c> {
    client: &'c Client<'c>,
    /// The archives that were asked before.
    archives: RefCell<Vec<(Ppa, Archive)>>,
}

impl<'c> Published<'c> {
    /// Asks nothing yet.
    pub fn new(client: &'c Client<'c>) -> Published<'c> {
        Published { client, archives: RefCell::default() }
    }

    fn archive(&self, ppa: Ppa) -> Result<Archive, LaunchpadError> {
        if let Some((_, known)) = self.archives.borrow().iter().find(|(other, _)| *other == ppa) {
            return Ok(known.clone());
        }
        let archive = self.client.archive(&ppa)?;
        self.archives.borrow_mut().push((ppa, archive.clone()));
        Ok(archive)
    }
}

impl upload::Arrival for Published<'_> {
    fn has_arrived(&self, package: &Prepared, target: &Target) -> Result<bool, NoAnswer> {
        let Some(ppa) = &target.rules.ppa else { return Ok(false) };
        let archive = self.archive(ppa.to_string().parse()?)?;
        let query = SourceQuery::of(&package.source).version(&package.version);
        let found = self.client.published_sources(&archive, &query)?;
        // what the service does not understand it may ignore
        Ok(found.iter().any(|publication| {
            publication.source_package_name == package.source && publication.source_package_version == package.version
        }))
    }
}

impl From<LaunchpadError> for NoAnswer {
    fn from(error: LaunchpadError) -> NoAnswer {
        let is_passing = error.is_passing();
        NoAnswer { failure: Failure::from(error), is_passing }
    }
}

impl From<PpaError> for NoAnswer {
    fn from(error: PpaError) -> NoAnswer {
        NoAnswer { failure: Failure::from(error), is_passing: false }
    }
}
