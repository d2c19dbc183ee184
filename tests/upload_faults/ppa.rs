//! What stands behind Launchpad's daemon, as far as it matters here: of the sessions
//! that have ended, a whole upload is accepted and shown by the web service, unless its
//! version is taken. What is torn, or the second, is refused by mail only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pkgr::fetch::{self, Patience};
use pkgr::launchpad::Client;
use pkgr::listener::Listener;
use pkgr::upload::target::{Ppa, Rules};

use crate::launchpad_support::{Service, Upload};
use crate::upload_support::Daemon;

/// An upload that has arrived is shown within this time: many times what it takes here.
pub const ACCEPTANCE: Duration = Duration::from_secs(5);

/// The web service, and what is in between.
pub struct Launchpad {
    service: Service,
    ends: AtomicBool,
}

impl Launchpad {
    pub fn start() -> Launchpad {
        Launchpad { service: Service::start(), ends: AtomicBool::new(false) }
    }

    /// A new PPA; its name is the folder's last part.
    pub fn add(&self, name: &str) -> Rules {
        self.service.add_ppa("owner", name);
        Rules { ppa: Some(Ppa::parse(&format!("owner/{name}")).unwrap()), ..Rules::default() }
    }

    pub fn client<'l>(&self, cache: &Path, listener: &'l dyn Listener) -> Client<'l> {
        let options = fetch::Options { cache: Some(cache.to_path_buf()), ..fetch::Options::default() };
        let patience = Patience { first_wait: Duration::from_millis(10), ..Patience::default() };
        Client::new(self.service.settings(), options, listener).unwrap().with_patience(patience)
    }

    /// Takes what the daemon leaves, until [`Launchpad::end`]; `whole` are the files of an upload.
    pub fn process(&self, daemon: &Daemon, whole: &BTreeMap<String, Vec<u8>>) {
        let mut seen = BTreeSet::new();
        while !self.ends.load(Ordering::SeqCst) {
            for session in daemon.ended_since(&mut seen) {
                let Some(name) = session.path.strip_prefix("~owner/ubuntu/") else { continue };
                let taken = self.service.state().publications.iter().any(|other| other.upload.ppa == name);
                let is_ppa = self.service.state().ppa("owner", name).is_some();
                if is_ppa && !taken && session.files == *whole {
                    self.service.accept(&Upload::new("owner", name, "hello", "1.0-1", "noble"));
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn end(&self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}
