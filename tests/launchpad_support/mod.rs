//! A stand-in for Launchpad on loopback: its web service in the recorded shapes
//! ([`service`]), its keyserver, its librarian, and the apt index of its PPAs
//! ([`archive`]), over real HTTP ([`server`]). The test drives what happens:
//!
//! ```text
//! let launchpad = Service::start();
//! launchpad.add_ppa("du9l", "nginx");
//! let id = launchpad.accept(&Upload::new("du9l", "nginx", "hello", "1.0~ubuntu24.04.1", "noble"));
//! launchpad.set_build_state(id, "amd64", "Currently building");
//! launchpad.build(id);
//! launchpad.publish(id);
//! ```
//!
//! A test that sends real uploads gives their .changes to [`Service::receive`]
//! ([`intake`]), which refuses what the archive's state forbids.
#![allow(dead_code)]

pub mod archive;
pub mod intake;
pub mod place;
pub mod server;
pub mod service;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use archive::SigningKey;

/// Owner and name under which Ubuntu's own archive is kept here.
pub const PRIMARY: (&str, &str) = ("ubuntu", "primary");

/// What an upload brings, once it is accepted.
#[derive(Clone, Debug)]
pub struct Upload {
    pub owner: String,
    pub ppa: String,
    pub source: String,
    pub version: String,
    pub series: String,
    /// Those that the PPA builds for.
    pub architectures: Vec<String>,
    /// Binary packages, the same in each architecture.
    pub binaries: Vec<String>,
    /// The files of the source package by their names.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Upload {
    /// For amd64 and arm64, with one binary package of the source's name.
    pub fn new(owner: &str, ppa: &str, source: &str, version: &str, series: &str) -> Upload {
        Upload {
            owner: owner.to_string(),
            ppa: ppa.to_string(),
            source: source.to_string(),
            version: version.to_string(),
            series: series.to_string(),
            architectures: vec!["amd64".to_string(), "arm64".to_string()],
            binaries: vec![source.to_string()],
            files: BTreeMap::new(),
        }
    }

    /// With a file of the source package.
    pub fn file(mut self, name: &str, bytes: &[u8]) -> Upload {
        self.files.insert(name.to_string(), bytes.to_vec());
        self
    }

    /// Whether it went to the same archive.
    pub fn is_beside(&self, other: &Upload) -> bool {
        self.owner == other.owner && self.ppa == other.ppa
    }
}

/// How the service misbehaves on one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 503, an exception's name as text/plain, an OOPS number, and Retry-After in seconds.
    Busy(u64),
    /// Answers after a while.
    Slow(Duration),
    /// Promises the whole answer and breaks off in its middle.
    Half,
    /// As [`Fault::Half`], without having promised a length.
    HalfUnannounced,
    /// One byte at a time, with this time between two.
    Dribble(Duration),
    /// Closes the connection without a word.
    Hangup,
    /// Sends to another address.
    Redirect(String),
    /// A portal's page with status 200.
    Portal,
    /// Any status with a text.
    Text(&'static str, &'static str),
}

/// A publication and its builds.
pub struct Publication {
    pub id: u64,
    pub upload: Upload,
    pub status: &'static str,
    pub builds: Vec<BuildRecord>,
    /// Whether the binaries are taken in.
    pub binaries: bool,
    /// Whether the index lists them.
    pub indexed: bool,
    pub created: String,
}

pub struct BuildRecord {
    pub id: u64,
    pub architecture: String,
    pub state: String,
    pub log: Option<String>,
    pub dependencies: Option<String>,
}

pub struct PpaRecord {
    pub owner: String,
    pub name: String,
    pub private: bool,
    pub publish: bool,
    /// What it builds for; a new PPA for amd64 alone.
    pub processors: Vec<String>,
    /// Its space in MiB.
    pub authorized_size: u64,
    pub key: SigningKey,
    /// A new PPA has no key before its first publication.
    pub has_key: bool,
}

/// Everything that the service knows.
pub struct State {
    pub address: String,
    pub ppas: Vec<PpaRecord>,
    pub publications: Vec<Publication>,
    /// Path below the root → bytes: the PPAs' indexes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Requests whose path contains a part, and what happens to them.
    pub faults: Vec<(String, Fault)>,
    /// `GET /path?query`, in the order of their arrival.
    pub requests: Vec<String>,
    /// What a client must not do.
    pub violations: Vec<String>,
    pub page_size: usize,
    /// Whether the service hands out keys; and the keyserver.
    pub hands_out_keys: (bool, bool),
    /// Whether it hangs up on everybody.
    pub down: bool,
    next: u64,
}

impl State {
    pub fn ppa(&self, owner: &str, name: &str) -> Option<&PpaRecord> {
        self.ppas.iter().find(|ppa| ppa.owner == owner && ppa.name == name)
    }

    pub fn publication(&mut self, id: u64) -> &mut Publication {
        self.publications.iter_mut().find(|publication| publication.id == id).expect("no such publication")
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// The service while it runs; it ends with the test's process.
#[derive(Clone)]
pub struct Service {
    state: Arc<Mutex<State>>,
}

impl Service {
    pub fn start() -> Service {
        let state = State {
            address: String::new(),
            ppas: vec![],
            publications: vec![],
            files: BTreeMap::new(),
            faults: vec![],
            requests: vec![],
            violations: vec![],
            page_size: 75,
            hands_out_keys: (true, true),
            down: false,
            next: 4710,
        };
        let state = Arc::new(Mutex::new(state));
        let address = server::serve(Arc::clone(&state));
        state.lock().unwrap().address = address;
        Service { state }
    }

    /// Everything, for tests that need what no method tells.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// `http://127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.state().address.clone()
    }

    /// What a pkgr process needs in its environment to ask this service.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let address = self.address();
        vec![
            ("PKGR_LAUNCHPAD", format!("{address}/devel")),
            ("PKGR_PPA_ARCHIVE", format!("{address}/ppa")),
            ("PKGR_KEYSERVER", address),
        ]
    }

    /// The same for the library.
    pub fn settings(&self) -> pkgr::launchpad::Settings {
        let variables = self.environment();
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        pkgr::launchpad::Settings::default().with_variables(find)
    }

    /// A PPA that has published before, so that it has a key.
    pub fn add_ppa(&self, owner: &str, name: &str) {
        let ppa = PpaRecord {
            owner: owner.to_string(),
            name: name.to_string(),
            private: false,
            publish: true,
            processors: vec!["amd64".to_string()],
            authorized_size: 8192,
            key: SigningKey::new(&format!("Launchpad PPA for {owner}")),
            has_key: true,
        };
        self.state().ppas.push(ppa);
    }

    /// The upload is accepted: a pending publication, whose builds are in the queue.
    pub fn accept(&self, upload: &Upload) -> u64 {
        let mut state = self.state();
        let is_primary = (upload.owner.as_str(), upload.ppa.as_str()) == PRIMARY;
        assert!(is_primary || state.ppa(&upload.owner, &upload.ppa).is_some(), "no such PPA");
        let id = state.number();
        let mut builds = Vec::new();
        for architecture in &upload.architectures {
            let id = state.number();
            let (architecture, needs) = (architecture.clone(), "Needs building".to_string());
            builds.push(BuildRecord { id, architecture, state: needs, log: None, dependencies: None });
        }
        let created = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
        let upload = upload.clone();
        let status = "Pending";
        state.publications.push(Publication { id, upload, status, builds, binaries: false, indexed: false, created });
        id
    }

    /// A source package of Ubuntu's own archive, published long ago.
    pub fn publish_in_ubuntu(&self, source: &str, version: &str, series: &str, files: &[(&str, &[u8])]) -> u64 {
        let upload = Upload::new(PRIMARY.0, PRIMARY.1, source, version, series);
        let id = self.accept(&files.iter().fold(upload, |upload, (name, bytes)| upload.file(name, bytes)));
        self.build(id);
        self.state().publication(id).status = "Published";
        id
    }

    /// Any state of the service's list.
    pub fn set_build_state(&self, id: u64, architecture: &str, build_state: &str) {
        self.change_build(id, architecture, |build| build.state = build_state.to_string());
    }

    /// A build that failed in one of the ways in which builds fail, and its log.
    pub fn fail_build(&self, id: u64, architecture: &str, build_state: &str, log: &str) {
        self.change_build(id, architecture, |build| {
            build.state = build_state.to_string();
            build.log = Some(log.to_string());
        });
    }

    /// What a build in "Dependency wait" waits for.
    pub fn set_dependencies(&self, id: u64, architecture: &str, dependencies: &str) {
        self.change_build(id, architecture, |build| build.dependencies = Some(dependencies.to_string()));
    }

    fn change_build(&self, id: u64, architecture: &str, change: impl FnOnce(&mut BuildRecord)) {
        let mut state = self.state();
        let builds = &mut state.publication(id).builds;
        change(builds.iter_mut().find(|build| build.architecture == architecture).expect("no such build"));
    }

    /// All builds succeed; their packages are taken in and pending.
    pub fn build(&self, id: u64) {
        let mut state = self.state();
        let publication = state.publication(id);
        for build in &mut publication.builds {
            build.state = "Successfully built".to_string();
        }
        publication.binaries = true;
    }

    /// The service says that everything is published; the index does not have it yet.
    pub fn mark_published(&self, id: u64) {
        let mut state = self.state();
        let published = state.publication(id);
        published.status = "Published";
        let upload = published.upload.clone();
        for other in &mut state.publications {
            let same = [&other.upload.source, &other.upload.series] == [&upload.source, &upload.series];
            if same && other.upload.is_beside(&upload) && other.id < id && other.status == "Published" {
                other.status = "Superseded";
            }
        }
    }

    /// Builds, marks, and writes the index: users can install it.
    pub fn publish(&self, id: u64) {
        self.build(id);
        self.mark_published(id);
        self.write_index(id);
    }

    /// Writes the index of a publication's series with all that is published there.
    pub fn write_index(&self, id: u64) {
        let mut state = self.state();
        state.publication(id).indexed = true;
        let upload = state.publication(id).upload.clone();
        if let Some(ppa) = state.ppas.iter_mut().find(|ppa| ppa.owner == upload.owner && ppa.name == upload.ppa) {
            ppa.has_key = true;
        }
        let files = archive::index(&state, &upload.owner, &upload.ppa, &upload.series);
        state.files.extend(files);
    }

    /// `Superseded`, `Deleted`, `Obsolete`.
    pub fn withdraw(&self, id: u64, status: &'static str) {
        self.state().publication(id).status = status;
    }

    /// The next request whose path and query contain `part` goes wrong.
    pub fn fault(&self, part: &str, fault: Fault) {
        self.state().faults.push((part.to_string(), fault));
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }
}
