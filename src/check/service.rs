//! What a PPA, or Ubuntu's primary archive, holds, asked of Launchpad's web
//! service. Each source package and publication is asked about once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::holdings::{HeldFile, Holdings, Publication, Quota, Settings, Status};
use crate::diagnostic::Failure;
use crate::launchpad::{
    Archive, BuildSummaries, Client, Ppa, PublishedFile, PublishingStatus, SourcePublication, SourceQuery,
};

/// An archive on Launchpad.
pub struct Service<'c> {
    client: &'c Client<'c>,
    archive: Archive,
    sources: Mutex<BTreeMap<String, Vec<SourcePublication>>>,
    files: Mutex<BTreeMap<String, Vec<PublishedFile>>>,
    settings: Mutex<Option<Settings>>,
}

impl<'c> Service<'c> {
    /// A PPA. Fails where there is none of that name, or Launchpad does not answer.
    pub fn ppa(client: &'c Client<'c>, ppa: &Ppa) -> Result<Service<'c>, Failure> {
        Ok(Service::of(client, client.archive(ppa)?))
    }

    /// The primary archive of a distribution, `ubuntu`.
    pub fn primary(client: &'c Client<'c>, distribution: &str) -> Result<Service<'c>, Failure> {
        Ok(Service::of(client, client.primary(distribution)?))
    }

    fn of(client: &'c Client<'c>, archive: Archive) -> Service<'c> {
        Service { client, archive, sources: Mutex::default(), files: Mutex::default(), settings: Mutex::default() }
    }

    /// All publications of a source package, whatever became of them.
    pub fn publications(&self, source: &str) -> Result<Vec<SourcePublication>, Failure> {
        if let Some(known) = self.sources.lock().ok().and_then(|known| known.get(source).cloned()) {
            return Ok(known);
        }
        let mut query = SourceQuery::of(source);
        query.status = None;
        let found = self.client.published_sources(&self.archive, &query)?;
        if let Ok(mut known) = self.sources.lock() {
            known.insert(source.to_string(), found.clone());
        }
        Ok(found)
    }

    /// Forgets the publications, which change while one waits for them.
    pub fn forget(&self) {
        if let Ok(mut known) = self.sources.lock() {
            known.clear();
        }
    }

    /// What the builds of these publications come to.
    pub fn build_summaries(&self, publications: &[&SourcePublication]) -> Result<BuildSummaries, Failure> {
        let ids: Vec<u64> = publications.iter().filter_map(|publication| publication.id()).collect();
        match ids.as_slice() {
            [] => Ok(BuildSummaries::default()),
            ids => Ok(self.client.build_summaries(&self.archive, ids)?),
        }
    }

    /// Whether it takes uploads for series that have ended.
    pub fn takes_obsolete_series(&self) -> bool {
        self.archive.permit_obsolete_series_uploads
    }

    /// The files of one publication.
    pub fn files(&self, publication: &SourcePublication) -> Result<Vec<PublishedFile>, Failure> {
        let key = &publication.self_link;
        if let Some(known) = self.files.lock().ok().and_then(|known| known.get(key).cloned()) {
            return Ok(known);
        }
        let found = self.client.source_files(publication)?;
        if let Ok(mut known) = self.files.lock() {
            known.insert(key.clone(), found.clone());
        }
        Ok(found)
    }

    /// The publications whose files may be called so: of the source and the
    /// version that stand in the name, each version asked about once.
    fn owners(&self, name: &str) -> Result<Vec<SourcePublication>, Failure> {
        let Some((source, rest)) = name.split_once('_') else { return Ok(Vec::new()) };
        let mut owners: Vec<SourcePublication> = Vec::new();
        for publication in self.publications(source)? {
            let version = without_epoch(&publication.source_package_version);
            let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
            let is_named = |text: &str| rest.strip_prefix(text).is_some_and(|end| end.starts_with('.'));
            let is_known =
                |other: &SourcePublication| other.source_package_version == publication.source_package_version;
            if (is_named(version) || is_named(upstream)) && !owners.iter().any(is_known) {
                owners.push(publication);
            }
        }
        Ok(owners)
    }
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

impl Holdings for Service<'_> {
    fn display_name(&self) -> String {
        self.archive.displayname.clone()
    }

    fn is_known(&self) -> bool {
        true
    }

    fn sources(&self, name: &str) -> Result<Vec<Publication>, Failure> {
        let publication = |found: SourcePublication| Publication {
            series: Some(found.series().to_string()),
            status: match found.status {
                PublishingStatus::Pending => Status::Pending,
                PublishingStatus::Published => Status::Published,
                PublishingStatus::Superseded => Status::Superseded,
                PublishingStatus::Deleted => Status::Deleted,
                // a state that is not known yet counts as gone: the version is taken all the same
                PublishingStatus::Obsolete | PublishingStatus::Other(_) => Status::Obsolete,
            },
            version: found.source_package_version,
        };
        Ok(self.publications(name)?.into_iter().map(publication).collect())
    }

    fn file(&self, name: &str) -> Result<Option<HeldFile>, Failure> {
        for publication in self.owners(name)? {
            if let Some(file) = self.files(&publication)?.into_iter().find(|file| file.name() == name) {
                return Ok(Some(HeldFile {
                    size: file.size,
                    sha1: file.sha1,
                    sha256: file.sha256,
                    ..HeldFile::default()
                }));
            }
        }
        Ok(None)
    }

    fn settings(&self) -> Result<Settings, Failure> {
        if let Some(known) = self.settings.lock().ok().and_then(|known| known.clone()) {
            return Ok(known);
        }
        // nobody is told how much of it is used: what an upload takes is the least
        let quota = self.archive.authorized_size.map(|limit| Quota { used: 0, limit: limit.saturating_mul(1 << 20) });
        let usual = Settings { obsolete_series: self.takes_obsolete_series(), quota, ..Settings::default() };
        let settings = match self.client.architectures(&self.archive)? {
            Some(architectures) => Settings { architectures, ..usual },
            None => usual,
        };
        if let Ok(mut known) = self.settings.lock() {
            *known = Some(settings.clone());
        }
        Ok(settings)
    }
}
