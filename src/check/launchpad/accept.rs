//! What still can go wrong when nothing was rejected: the database's own
//! constraints, and the queue (`soyuz/model/queue.py`). The first objection ends it.

use super::changes::Changes;
use super::dsc::Dsc;
use super::files::UploadKind;
use super::{Processor, Stop};
use crate::check::names;
use crate::check::rules;
use crate::check::tagfile;
use crate::deb::architecture;

impl Processor<'_> {
    /// Accepts the source of the upload.
    pub fn accept(&mut self, changes: &Changes) -> Result<(), Stop> {
        let mut sources = changes.files.iter().filter_map(|file| match &file.kind {
            UploadKind::Dsc(dsc) => Some(dsc),
            _ => None,
        });
        sources.next().map_or(Ok(()), |dsc| self.accept_source(dsc))
    }

    /// Stores and publishes a source.
    pub fn accept_source(&mut self, dsc: &Dsc) -> Result<(), Stop> {
        let (source, version) = (dsc.field("Source").to_string(), dsc.field("Version").to_string());
        if !names::is_stored_name(&source) {
            let message = format!("{source} is not a valid name for a source package.");
            self.reject(&rules::STORED_NAME, message);
            return Ok(());
        }
        let series = self.suite.as_ref().map(|suite| suite.series.name.clone()).unwrap_or_default();
        let published = self.archive().sources(&source)?;
        if let Some(taken) = published.iter().find(|publication| publication.version == version) {
            let there = taken.series.as_deref().unwrap_or(&series);
            let message = format!(
                "The source {source} - {version} is already accepted in ubuntu/{there} and you cannot upload \
                 the same version within the same distribution. You have to modify the source version and re-upload."
            );
            self.reject(&rules::VERSION_TAKEN, message);
            return Ok(());
        }
        if self.is_published(dsc, &series)? {
            return Ok(());
        }
        let settings = self.archive().settings()?;
        let wanted = dsc.field("Architecture");
        let builds = |word: &str| {
            word == "all" || settings.architectures.iter().any(|own| word == own || architecture::covers(word, own))
        };
        if !wanted.split_whitespace().any(builds) {
            self.reject(&rules::CANNOT_BUILD, format!("Cannot build any of the architectures requested: {wanted}"));
        }
        Ok(())
    }

    /// Whether a file of the source is in the archive already.
    fn is_published(&mut self, dsc: &Dsc, series: &str) -> Result<bool, Stop> {
        let listed = tagfile::files(&dsc.stanza, 3).unwrap_or_default();
        let mut files: Vec<(String, Option<String>)> =
            listed.into_iter().map(|file| (file.name.clone(), file.digest("SHA1"))).collect();
        files.push((dsc.name.clone(), None));
        for (name, sha1) in files {
            let Some(held) = self.archive().file(&name)? else { continue };
            let kind = names::source_file(&name).and_then(|file| file.kind);
            let already = format!("{name} is already published in archive for {series}");
            if !kind.is_some_and(|kind| kind.is_orig()) {
                self.reject(&rules::ALREADY_PUBLISHED, already);
                return Ok(true);
            }
            let own = sha1.or_else(|| self.folder.checksums(&name).map(|sums| sums.sha1.clone()));
            if let (Some(own), Some(held)) = (own, held.sha1) {
                if own != held {
                    let message = format!("{already} with a different SHA1 hash ({own} != {held})");
                    self.reject(&rules::ORIG_PUBLISHED_DIFFERS, message);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
