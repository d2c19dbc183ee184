//! A client of the library in a place of its own, without a person's patience.

use std::time::Duration;

use pkgr::fetch::{Options, Patience};
use pkgr::launchpad::{Archive, Client, Ppa, Settings};
use pkgr::listener::Recorder;

use super::{Service, Upload};

/// A client with a cache of its own, and nobody's patience.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub recorder: Recorder,
    pub service: Service,
}

impl Place {
    pub fn new() -> Place {
        let service = Service::start();
        service.add_ppa("du9l", "nginx");
        Place { folder: tempfile::tempdir().unwrap(), recorder: Recorder::default(), service }
    }

    pub fn client(&self) -> Client<'_> {
        self.client_within(Duration::from_secs(20))
    }

    pub fn client_within(&self, limit: Duration) -> Client<'_> {
        let options = Options { cache: Some(self.folder.path().join("cache")), ..Options::default() };
        let patience = Patience {
            connect: Duration::from_secs(2),
            stall: Duration::from_millis(700),
            tries: 3,
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_millis(100),
        };
        let settings = Settings { limit, ..self.service.settings() };
        Client::new(settings, options, &self.recorder).unwrap().with_patience(patience)
    }

    pub fn archive(&self) -> Archive {
        self.client().archive(&ppa()).unwrap()
    }

    pub fn told(&self, code: &str) -> Vec<String> {
        self.recorder.told().into_iter().filter(|d| d.code == code).map(|d| d.message).collect()
    }
}

pub fn ppa() -> Ppa {
    "ppa:du9l/nginx".parse().unwrap()
}

pub fn upload(source: &str, version: &str, series: &str) -> Upload {
    Upload::new("du9l", "nginx", source, version, series)
}
