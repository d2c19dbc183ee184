use super::*;

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(files: &[(&str, &str)]) -> World {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        World { folder }
    }

    fn resolve(&self, name: &str, wanted: &Wanted) -> Result<(Target, Vec<Diagnostic>), Failure> {
        let profiles: BTreeMap<String, Profile> = toml::from_str(
            "[mine]\nto = 'ppa:du9l/x1'\nlogin = 'jane'\nhosts = ['sftp://a:1', 'ftp://b:2']\nhost-keys = ['SHA256:x']\n\
             [incoming]\nto = 'file:///srv/in'\nallow-unsigned = true\ndistributions = ['noble', 'sid']\n\
             [lost]\nto = 'mentors'\n",
        )
        .unwrap();
        let variable = |name: &str| (name == "USER").then(|| "jane".to_string());
        let ssh = |_: &str| Ssh { login: None, has_key: true };
        let root = self.folder.path();
        let around = Surroundings {
            variable: &variable,
            ssh: &ssh,
            home: Some(root.join("home")),
            etc: root.join("etc"),
            config: Some(root.join("config")),
        };
        resolve(name, wanted, &profiles, &around)
    }

    fn ways(&self, name: &str) -> Vec<String> {
        let (target, _) = self.resolve(name, &Wanted::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        target.ways.iter().map(Destination::to_string).collect()
    }

    fn refusal(&self, name: &str) -> (String, String) {
        let failure = self.resolve(name, &Wanted::default()).unwrap_err();
        (failure.diagnostics[0].code.to_string(), failure.to_string())
    }
}

const ETC: &str = "[DEFAULT]\nlogin = *\nmethod = ftp\nallowed_distributions = (?!UNRELEASED)\n\
    [mentors]\nfqdn = mentors.debian.net\nincoming = /pub/UploadQueue\nlogin = anonymous\n\
    [local]\nmethod = local\nincoming = ~/in\nrun_dinstall = 1\npost_upload_command = mini-dinstall --batch\n\
    [old]\nfqdn = h\nmethod = scp\nincoming = /srv/in\n\
    [options]\nfqdn = h\nmethod = sftp\nincoming = in\nssh_config_options = ProxyJump x\n";

#[test]
fn sections_of_both_files() {
    let world = World::new(&[
        ("etc/dput.cf", ETC),
        (
            "home/.dput.cf",
            "[mentors]\nfqdn = localhost:2121\n[team]\nfqdn = %(host)s:22\nhost = up.example.org\nmethod = sftp\n\
             incoming = /srv/%(team)s\nlogin = bot\n[my-ppa]\nfqdn = ppa.launchpad.net\nmethod = sftp\nlogin = jane\n\
             incoming = ~du9l/ubuntu/x1/\n",
        ),
    ]);
    assert_eq!(world.ways("mentors"), ["ftp://localhost:2121//pub/UploadQueue"]);
    assert_eq!(world.ways("team:q"), ["sftp://bot@up.example.org:22/srv/q"]);
    assert_eq!(world.ways("local"), [format!("{}/home/in", world.folder.path().display())]);
    let (target, notes) = world.resolve("local", &Wanted::default()).unwrap();
    assert_eq!(target.dput.unwrap().fqdn, "localhost");
    assert_eq!(notes.len(), 2, "{notes:?}");
    // Launchpad's folder is the PPA, under whatever name
    let (target, _) = world.resolve("my-ppa", &Wanted::default()).unwrap();
    assert_eq!(target.identity, "ppa:du9l/ubuntu/x1");
    assert_eq!(target.ways[0].to_string(), "sftp://jane@ppa.launchpad.net/~du9l/ubuntu/x1");
    assert_eq!(target.ways[0].host_keys.len(), 1);
    assert_eq!(target.dput.unwrap().written, "my-ppa");
}

#[test]
fn the_file_under_xdg_goes_instead_of_that_in_home() {
    let at = |host: &str| format!("[a]\nmethod=ftp\nlogin=anonymous\nincoming=x\nfqdn={host}\n");
    let world = World::new(&[("config/dput/dput.cf", &at("xdg")), ("home/.dput.cf", &at("home"))]);
    assert_eq!(world.ways("a"), ["ftp://xdg/x"]);
}

#[test]
fn profiles_of_dput_ng() {
    let world = World::new(&[
        (
            "home/.dput.d/profiles/ng.json",
            r#"{"fqdn":"h","port":2222,"method":"sftp","login":"*","incoming":"~%(ng)s","allow_unsigned_uploads":true}"#,
        ),
        ("etc/dput.d/profiles/ng.json", "{}"),
        ("etc/dput.d/profiles/bad.json", "["),
    ]);
    assert_eq!(world.ways("ng:o/ubuntu/x"), ["sftp://h:2222/~o/ubuntu/x"]);
    assert!(world.resolve("ng:x", &Wanted::default()).unwrap().0.rules.allow_unsigned);
    assert!(world.refusal("ng").1.contains("wants something behind the name"));
    assert_eq!(world.refusal("bad").0, "bad-dput-section");
}

#[test]
fn profiles_of_the_configuration() {
    let world = World::new(&[]);
    assert_eq!(world.ways("mine"), ["sftp://jane@a:1/~du9l/ubuntu/x1", "ftp://b:2/~du9l/ubuntu/x1"]);
    let (target, _) = world.resolve("incoming", &Wanted::default()).unwrap();
    let allowed = target.rules.allowed.unwrap();
    assert!(allowed.allows("noble") && allowed.allows("sid") && !allowed.allows("noble-proposed"));
    assert!(target.rules.allow_unsigned && target.dput.is_none());
    assert_eq!(world.refusal("lost").0, "bad-profile");
}

#[test]
fn what_cannot_be_used_is_refused_in_words() {
    let world = World::new(&[("etc/dput.cf", ETC)]);
    let (code, message) = world.refusal("nowhere");
    assert_eq!((code.as_str(), message.as_str()), ("unknown-target", "there is no target `nowhere`"));
    assert!(world.refusal("old").1.ends_with("pkgr does not speak `method = scp`"));
    assert!(world.refusal("options").1.ends_with("pkgr does not act on `ssh_config_options`"));
    assert_eq!(world.refusal("ppa:Du9l/x1").0, "bad-ppa");
    let broken = World::new(&[("etc/dput.cf", "[x]\nnonsense\n")]);
    assert!(broken.refusal("x").1.contains("dput.cf: line 2"));
}

#[test]
fn options_go_before_what_a_target_says() {
    let world = World::new(&[("etc/dput.cf", ETC)]);
    let wanted =
        Wanted { hosts: vec![Host::parse("[::1]:21").unwrap()], login: Some("bot".into()), ..Wanted::default() };
    let (target, _) = world.resolve("mentors", &wanted).unwrap();
    assert_eq!(target.ways[0].to_string(), "ftp://bot@[::1]:21//pub/UploadQueue");
    let failure = world.resolve("/srv/in", &wanted).unwrap_err();
    assert_eq!(failure.diagnostics[0].code, "option-without-use");
    // the journal knows a place by itself, not by who goes there
    assert_eq!(target.identity, "ftp://[::1]:21//pub/UploadQueue");
}
