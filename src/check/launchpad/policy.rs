//! What kind of upload is taken, from whom and into which series
//! (`uploadpolicy.py`, `Archive.checkUpload`).

use super::changes::Changes;
use super::files::UploadKind;
use super::{Processor, Stop};
use crate::check::rules;
use crate::check::suite::Pocket;

const MEGA: f64 = 1_048_576.0;

impl Processor<'_> {
    /// Sources only.
    pub fn check_type(&mut self, changes: &Changes) {
        match (changes.has_source(), changes.is_binaryful()) {
            (true, true) => self.reject(&rules::MIXED_UPLOAD, rules::MIXED_UPLOAD.message),
            (false, true) => self.reject(&rules::BINARY_UPLOAD, rules::BINARY_UPLOAD.message),
            _ => {}
        }
        let has_dsc = changes.files.iter().any(|file| matches!(file.kind, UploadKind::Dsc(_)));
        if changes.has_source() && !has_dsc {
            self.reject(&rules::DSC_NOT_FOUND, rules::DSC_NOT_FOUND.message);
        }
    }

    /// Versions of every .dsc against the archive.
    pub fn check_against_archive(&mut self, changes: &Changes) -> Result<(), Stop> {
        for file in &changes.files {
            if let UploadKind::Dsc(dsc) = &file.kind {
                self.compare_versions(dsc)?;
            }
        }
        Ok(())
    }

    /// Pocket, series and space. Of pocket, state of the archive and series only
    /// the first objection is told.
    pub fn check_rights(&mut self, changes: &Changes) -> Result<(), Stop> {
        if changes.is_binaryful() {
            return Ok(());
        }
        let settings = self.archive().settings()?;
        let obsolete = self.suite.as_ref().filter(|suite| suite.series.is_dead(&self.today));
        let obsolete = obsolete.map(|suite| suite.series.name.clone());
        if self.is_ppa() && self.pocket() != Pocket::Release {
            self.reject(&rules::POCKET, rules::POCKET.message);
        } else if !settings.enabled {
            let message = format!("{} is disabled.", self.archive().display_name());
            self.reject(&rules::PPA_DISABLED, message);
        } else if let Some(series) = obsolete.filter(|_| !settings.obsolete_series) {
            let message = format!("{series} is obsolete and will not accept new uploads.");
            self.reject(&rules::OBSOLETE_SERIES, message);
        } else if !self.is_ppa() {
            self.reject(&rules::PRIMARY_ARCHIVE, rules::PRIMARY_ARCHIVE.message);
        }
        if let Some(quota) = settings.quota {
            self.check_quota(changes, quota);
        }
        if self.pocket() == Pocket::Security {
            self.reject(&rules::SECURITY_POCKET, rules::SECURITY_POCKET.message);
        }
        Ok(())
    }

    fn check_quota(&mut self, changes: &Changes, quota: crate::check::holdings::Quota) {
        let sizes = changes.files.iter().filter_map(|file| self.folder.checksums(&file.listed.name));
        let new = quota.used.saturating_add(sizes.map(|sums| sums.size).sum());
        let (new, limit) = (new as f64, quota.limit as f64);
        let tell = |what: &str| {
            format!(
                "PPA exceeded {what} ({:.2} of {:.2} MiB). \
                 Ask a question in https://answers.launchpad.net/soyuz/ if you need more space.",
                new / MEGA,
                limit / MEGA
            )
        };
        if new > limit {
            self.reject(&rules::QUOTA, tell("its size limit"));
        } else if new > 0.95 * limit {
            self.reject(&rules::QUOTA_NEAR, tell("95 % of its size limit"));
        }
    }
}
