//! What a PPA and Ubuntu's primary archive hold, asked of Launchpad as far as it
//! answers. A check must not fail because a service is away: from the first
//! question in vain, both count as empty, and one warning says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::holdings::{HeldFile, Holdings, Publication, Settings};
use super::service::Service;
use crate::diagnostic::{Diagnostic, Failure};
use crate::launchpad::{Client, Ppa};
use crate::listener::Listener;

/// The archives that an upload to a PPA is judged by.
pub struct Reached<'c> {
    /// The PPA.
    pub ppa: Reachable<'c>,
    /// Ubuntu's own archive.
    pub primary: Reachable<'c>,
}

/// An archive that may be out of reach.
pub struct Reachable<'c> {
    name: String,
    service: Option<Service<'c>>,
    line: Arc<Line<'c>>,
}

/// The way to Launchpad, which both archives have in common.
struct Line<'c> {
    is_down: AtomicBool,
    listener: &'c dyn Listener,
}

/// Asks for both archives. Fails where the PPA does not exist, or the service's
/// address is none.
pub fn reach<'c>(client: &'c Client<'c>, ppa: &Ppa, listener: &'c dyn Listener) -> Result<Reached<'c>, Failure> {
    let line = Arc::new(Line { is_down: AtomicBool::new(false), listener });
    let archive = |name: String, asked: Result<Service<'c>, Failure>| match asked {
        Ok(service) => Ok(Reachable { name, service: Some(service), line: line.clone() }),
        Err(failure) if is_wrong(&failure) => Err(failure),
        Err(failure) => {
            line.miss(&name, &failure);
            Ok(Reachable { name, service: None, line: line.clone() })
        }
    };
    let found = archive(ppa.to_string(), Service::ppa(client, ppa))?;
    let name = "Primary Archive for Ubuntu".to_string();
    let primary = match line.is_down.load(Ordering::Relaxed) {
        true => Reachable { name, service: None, line: line.clone() },
        false => archive(name, Service::primary(client, "ubuntu"))?,
    };
    Ok(Reached { ppa: found, primary })
}

/// What another time would not mend.
fn is_wrong(failure: &Failure) -> bool {
    failure.diagnostics.iter().any(|d| ["launchpad-not-found", "launchpad-bad-address"].contains(&d.code))
}

impl Line<'_> {
    /// Tells it once. A private PPA is the only one that is out of reach then.
    fn miss(&self, name: &str, failure: &Failure) {
        let is_private = failure.diagnostics.iter().any(|d| d.code == "launchpad-private");
        if !is_private && self.is_down.swap(true, Ordering::Relaxed) {
            return;
        }
        let message = match is_private {
            true => format!("Launchpad does not tell what {name} has published: it counts as empty"),
            false => "Launchpad does not tell what the PPA and Ubuntu have published: both count as empty".to_string(),
        };
        let warning = Diagnostic::warning("archive-not-reached", message)
            .hint("versions and origs that are published already are refused after the upload, by mail");
        self.listener.tell(failure.diagnostics.iter().fold(warning, |warning, d| warning.because(d.message.clone())));
    }
}

impl<'c> Reachable<'c> {
    /// The archive, unless it is out of reach.
    pub fn service(&self) -> Option<&Service<'c>> {
        self.service.as_ref().filter(|_| !self.line.is_down.load(Ordering::Relaxed))
    }

    /// An answer, or what an empty archive would say.
    fn ask<T: Default>(&self, question: impl FnOnce(&Service<'c>) -> Result<T, Failure>) -> Result<T, Failure> {
        match self.service().map(question) {
            None => Ok(T::default()),
            Some(Err(failure)) if !is_wrong(&failure) => {
                self.line.miss(&self.name, &failure);
                Ok(T::default())
            }
            Some(answer) => answer,
        }
    }
}

impl Holdings for Reachable<'_> {
    fn display_name(&self) -> String {
        self.service().map_or_else(|| self.name.clone(), Holdings::display_name)
    }

    fn is_known(&self) -> bool {
        self.service().is_some()
    }

    fn sources(&self, name: &str) -> Result<Vec<Publication>, Failure> {
        self.ask(|service| service.sources(name))
    }

    fn file(&self, name: &str) -> Result<Option<HeldFile>, Failure> {
        self.ask(|service| service.file(name))
    }

    fn settings(&self) -> Result<Settings, Failure> {
        self.ask(Service::settings)
    }
}
