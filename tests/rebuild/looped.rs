//! The whole loop on loopback: Ubuntu's simulated archive, the flagship and one
//! more module in three series, Launchpad's own upload daemon, and the stand-in of
//! its web service, which takes from the daemon what arrives there.
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::common::{Run, files_ending, run};
use crate::launchpad_support::Service;
use crate::pump::{Pump, Received};
use crate::update_support::nginx::{BIONIC, JAMMY, NOBLE, Nginx};
use crate::update_support::{World, flagship};
use crate::upload_support::Daemon;
use pkgr::lock::Lock;
use pkgr::upload::journal::Journal;

pub const OWNER: &str = "du9l";
pub const PPA: &str = "ngx-pagespeed";
pub const RECIPES: [&str; 2] = ["ngx-pagespeed", "ngx-hello"];
/// All changelog entries are of this time.
const TODAY: &str = "1795500000";

const HELLO: &str = r#"# says hello
name          = "ngx-hello"
version       = "1.0"
summary       = "says hello from nginx"
license       = "BSD-2-Clause"
maintainer    = "Du9L <du9l@example.org>"
architectures = ["amd64"]
series        = ["bionic", "jammy", "noble"]

[nginx]
modules = ["ngx_http_hello_module.so"]

[[source]]
url = "hello-{{ version }}.tar.gz"

[upload]
to = "ppa:du9l/ngx-pagespeed"
"#;

/// What a source package for a series came to, and in which version.
pub type Outcomes = BTreeMap<(String, String), (String, String)>;

/// See the module.
pub struct Loop {
    // before what it takes from, so that it ends before that
    pub pump: Pump,
    pub launchpad: Service,
    pub daemon: Daemon,
    pub world: World,
}

impl Loop {
    /// Without recipes.
    pub fn of(series: &[Nginx]) -> Loop {
        let world = World::with(series);
        let launchpad = Service::start();
        launchpad.add_ppa(OWNER, PPA);
        let daemon = Daemon::start();
        let keyring = world.environment.key().keyring.clone();
        let pump = Pump::start(daemon.folder().join("incoming"), keyring, launchpad.clone());
        Loop { pump, launchpad, daemon, world }
    }

    /// With the flagship and the other module.
    pub fn new() -> Loop {
        let looped = Loop::of(&[BIONIC, JAMMY, NOBLE]);
        let recipe = flagship::flagship(&looped.world).join("recipe.toml");
        let text = fs::read_to_string(&recipe).unwrap();
        let all = r#"["xenial", "bionic", "focal", "jammy", "noble", "resolute"]"#;
        assert!(text.contains(all), "{text}");
        fs::write(&recipe, text.replace(all, r#"["bionic", "jammy", "noble"]"#)).unwrap();
        looped.hello();
        looped
    }

    /// The recipe of the other module, and its tarball.
    fn hello(&self) {
        let environment = &self.world.environment;
        let folder = self.folder("ngx-hello");
        let tree = environment.path("hello-1.0");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("config"), "ngx_addon_name=ngx_http_hello_module\n").unwrap();
        fs::write(folder.join("recipe.toml"), HELLO).unwrap();
        let mut tar = environment.command("tar");
        tar.args(["--sort=name", "--owner=0", "--group=0", "--mode=u+rwX,go=rX", "--mtime=@1500000000"]);
        tar.args(["--use-compress-program=gzip -n", "-cf"]).arg(folder.join("hello-1.0.tar.gz"));
        run(tar.arg("-C").arg(environment.path("")).arg("hello-1.0")).ok();
    }

    /// A recipe's folder.
    pub fn folder(&self, recipe: &str) -> PathBuf {
        self.world.environment.work().join(recipe)
    }

    /// Edits a recipe; what is replaced is in it.
    #[track_caller]
    pub fn edit(&self, recipe: &str, from: &str, to: &str) {
        let path = self.folder(recipe).join("recipe.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// pkgr with the loop's services.
    pub fn pkgr(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.pkgr(arguments);
        command.envs(self.launchpad.environment());
        command.env("PKGR_UPLOAD_HOST", format!("ftp://127.0.0.1:{}", self.daemon.ftp));
        command.env("PKGR_SIGNING_KEY", fs::read_to_string(&self.world.environment.key().secret).unwrap());
        // long enough for a machine with a load, and waited for only where something is lost
        command.env("PKGR_ACCEPTANCE", "15s").env("PKGR_POLL_INTERVAL", "0.1s");
        command.env("SOURCE_DATE_EPOCH", TODAY);
        command
    }

    /// `pkgr --json rebuild` of both recipes.
    pub fn rebuild(&self, more: &[&str]) -> Command {
        let mut command = self.pkgr(&["--json", "rebuild", "--summary", "../summary.md"]);
        command.args(RECIPES).args(more);
        command
    }

    /// Rebuilds; it exits with this code.
    #[track_caller]
    pub fn exits(&self, code: i32, more: &[&str]) -> (Run, Outcomes) {
        let ran = run(&mut self.rebuild(more)).exits(code);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["schema"], "pkgr.rebuild/1");
        let outcomes = outcomes(&document);
        (ran, outcomes)
    }

    /// The page that the last run wrote.
    pub fn summary(&self) -> String {
        fs::read_to_string(self.world.environment.path("summary.md")).unwrap()
    }

    /// An nginx as a security update of its series.
    pub fn security(&self, nginx: &Nginx) {
        self.world.publish(&format!("{}-security", nginx.series), &[nginx]);
    }

    /// A series that the archive did not have.
    pub fn release(&self, nginx: &Nginx) {
        self.world.publish(nginx.series, &[nginx]);
        for pocket in ["security", "updates"] {
            self.world.publish(&format!("{}-{pocket}", nginx.series), &[]);
        }
    }

    /// Uploads after the first `before`; every one was accepted.
    #[track_caller]
    pub fn accepted_since(&self, before: usize) -> Vec<Received> {
        let all = self.pump.received();
        for received in &all {
            assert!(received.verdict.is_ok(), "{received:?}");
        }
        all[before..].to_vec()
    }

    /// The folder of packages.
    pub fn dist(&self) -> PathBuf {
        self.world.environment.work().join("dist")
    }

    /// How many .changes were begun of which the journals do not know that they arrived.
    pub fn submitting(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.dist()) else { return 0 };
        let journals = entries.flatten().map(|entry| entry.path());
        let journals = journals.filter(|path| path.to_string_lossy().ends_with(".upload.json"));
        journals.map(|path| fs::read_to_string(path).unwrap_or_default().matches("\"submitting\"").count()).sum()
    }

    /// Fails where a lock or a journal cannot be read.
    #[track_caller]
    pub fn assert_sound(&self) {
        for recipe in RECIPES {
            Lock::load(&self.folder(recipe).join("recipe.lock")).unwrap();
        }
        if self.dist().exists() {
            for journal in files_ending(&self.dist(), ".upload.json") {
                let name = journal.to_string_lossy().replace(".upload.json", ".changes");
                Journal::of(name.as_ref()).unwrap();
            }
        }
    }

    /// What is left in the end: the PPA's publications, and the locks.
    pub fn end(&self) -> String {
        let state = self.launchpad.state();
        let mut lines: Vec<String> = state
            .publications
            .iter()
            .map(|p| format!("{} {} {}: {}\n", p.upload.source, p.upload.version, p.upload.series, p.status))
            .collect();
        lines.sort();
        for recipe in RECIPES {
            let lock = fs::read_to_string(self.folder(recipe).join("recipe.lock")).unwrap();
            lines.push(lock.replace(&self.world.address, "http://ubuntu"));
        }
        lines.concat()
    }
}

/// By source package and series: state and version.
pub fn outcomes(document: &Value) -> Outcomes {
    let recipes = document["recipes"].as_array().unwrap().iter();
    let packages = recipes.flat_map(|recipe| recipe["packages"].as_array().unwrap());
    let word = |package: &Value, name: &str| package[name].as_str().unwrap().to_string();
    packages.map(|p| ((word(p, "source"), word(p, "series")), (word(p, "state"), word(p, "version")))).collect()
}
