//! `pkgr abi` against the truth: every module of Debian bullseye, bookworm and
//! trixie into every nginx of the three, loaded by that nginx itself in a root of
//! its own release; and what is read for eight architectures from their .debs.
//!
//! The packages come from the machine's mirror of Debian, once, into target/.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock};

use common::{TestEnvironment, kept, run};
use pkgr::nginx::binary::Binary;
use pkgr::nginx::fingerprint::{Change, Fingerprint};
use pkgr::series::Distro;
use serde_json::Value;

const SUITES: [&str; 3] = ["bullseye", "bookworm", "trixie"];
/// Of bookworm, beside amd64: both byte orders, both word sizes, both kinds of
/// relocations, and MIPS, which has its own ideas of all of them.
const FOREIGN: [&str; 7] = ["arm64", "armhf", "i386", "mips64el", "mipsel", "ppc64el", "s390x"];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Everything fetched and unpacked.
struct World {
    folder: PathBuf,
}

/// One nginx: its release, what to call it, and its path in the root.
struct Nginx {
    suite: &'static str,
    path: &'static str,
}

const NGINXES: [Nginx; 5] = [
    Nginx { suite: "bullseye", path: "abi/nginx-core" },
    Nginx { suite: "bullseye", path: "abi/nginx-light" },
    Nginx { suite: "bullseye", path: "abi/nginx-extras" },
    Nginx { suite: "bookworm", path: "usr/sbin/nginx" },
    Nginx { suite: "trixie", path: "usr/sbin/nginx" },
];

/// The world, made on first use; other tests and programs wait for it.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let world = World { folder: kept("nginx-abi") };
        let lock = fs::File::create(world.folder.join("lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        if !world.folder.join("complete").exists() {
            world.make();
            fs::write(world.folder.join("complete"), "").unwrap();
        }
        world
    })
}

impl World {
    fn make(&self) {
        let mirror = mirror();
        let stanza = |kind: &str, suites: &str, architectures: &str| {
            format!(
                "Types: {kind}\nURIs: {mirror}\nSuites: {suites}\nComponents: main\nArchitectures: {architectures}\nSigned-By: {KEYRING}\n\n"
            )
        };
        let apt = self.folder.join("apt");
        for folder in ["lists/partial", "archives/partial", "parts"] {
            fs::create_dir_all(apt.join(folder)).unwrap();
        }
        let sources = stanza("deb", &SUITES.join(" "), "amd64")
            + &stanza("deb", "bookworm", &FOREIGN.join(" "))
            + &stanza("deb-src", "bullseye bookworm", "amd64");
        fs::write(apt.join("sources.sources"), sources).unwrap();
        fs::write(apt.join("status"), "").unwrap();
        let a = apt.display();
        let architectures: String = FOREIGN.iter().map(|name| format!(" \"{name}\";")).collect();
        let configuration = format!(
            "Dir::Etc::SourceList \"{a}/sources.sources\";\nDir::Etc::SourceParts \"{a}/parts\";\n\
             Dir::State::Lists \"{a}/lists\";\nDir::State::status \"{a}/status\";\nDir::Cache \"{a}\";\n\
             APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\";{architectures} }};\n\
             APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n\
             #clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
        );
        fs::write(apt.join("apt.conf"), configuration).unwrap();
        self.apt("apt-get", &["-q", "update"], &self.folder);
        let packages = self.packages();
        for suite in SUITES {
            let debs = self.debs(suite);
            fs::create_dir_all(&debs).unwrap();
            let named: Vec<String> = packages[suite].iter().map(|name| format!("{name}:amd64/{suite}")).collect();
            let named: Vec<&str> = ["-q", "download"].into_iter().chain(named.iter().map(String::as_str)).collect();
            self.apt("apt-get", &named, &debs);
            fs::write(self.folder.join(format!("{suite}.sources")), stanza("deb", suite, "amd64")).unwrap();
        }
        for architecture in FOREIGN {
            let debs = self.debs(architecture);
            fs::create_dir_all(&debs).unwrap();
            let named = ["nginx", "libnginx-mod-stream"].map(|name| format!("{name}:{architecture}/bookworm"));
            self.apt("apt-get", &["-q", "download", &named[0], &named[1]], &debs);
        }
        for suite in ["bullseye", "bookworm"] {
            let folder = self.source(suite);
            fs::create_dir_all(&folder).unwrap();
            let arguments = ["-q", "source", "--download-only", "--only-source", &format!("nginx/{suite}")];
            self.apt("apt-get", &arguments, &folder);
        }
        std::thread::scope(|scope| {
            for suite in SUITES {
                let packages = &packages[suite];
                scope.spawn(move || self.make_root(suite, packages));
            }
        });
        SUITES.iter().for_each(|suite| self.bring_modules(suite));
    }

    /// By release: nginx in its flavors, and its modules.
    fn packages(&self) -> BTreeMap<String, Vec<String>> {
        let names = self.apt("apt-cache", &["pkgnames", "libnginx-mod-"], &self.folder);
        let names: BTreeSet<&str> = names.lines().filter(|name| !name.ends_with("-dev")).collect();
        let flavors = ["nginx", "nginx-core", "nginx-light", "nginx-extras"];
        let arguments: Vec<&str> = ["madison"].into_iter().chain(flavors).chain(names).collect();
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        // name | version | mirror suite/main amd64 Packages
        for line in self.apt("apt-cache", &arguments, &self.folder).lines() {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let Some((suite, _)) = columns[2].split(' ').nth(1).and_then(|word| word.split_once('/')) else { continue };
            if columns[2].ends_with(" Packages") {
                let known = packages.entry(suite.to_string()).or_default();
                if !known.contains(&columns[0].to_string()) {
                    known.push(columns[0].to_string());
                }
            }
        }
        packages
    }

    fn apt(&self, program: &str, arguments: &[&str], folder: &Path) -> String {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env("APT_CONFIG", self.folder.join("apt/apt.conf"));
        run(command.env("LC_ALL", "C")).ok().stdout
    }

    /// A tree with the release's nginx, modules and libraries, unpacked only.
    fn make_root(&self, suite: &str, packages: &[String]) {
        // of the flavors, which conflict, the one that `nginx` prefers
        let flavors = ["nginx-light", "nginx-extras"];
        let included = packages.iter().filter(|name| !flavors.contains(&name.as_str()));
        let included: Vec<&str> = included.map(String::as_str).chain(["base-files"]).collect();
        let mut make = Command::new("mmdebstrap");
        make.args(["--variant=extract", "--quiet", "--architectures=amd64", "--include", &included.join(","), suite]);
        make.arg(self.root(suite)).arg(self.folder.join(format!("{suite}.sources")));
        run(make.env("TMPDIR", "/tmp")).ok();
    }

    /// Unpacks the release's modules and flavors, and puts the modules into
    /// all roots.
    fn bring_modules(&self, suite: &str) {
        let unpacked = self.folder.join("unpacked").join(suite);
        for deb in files(&self.debs(suite)) {
            let into = unpacked.join(deb.file_name().unwrap().to_str().unwrap().split('_').next().unwrap());
            fs::create_dir_all(&into).unwrap();
            run(Command::new("dpkg").arg("-x").arg(deb).arg(into)).ok();
        }
        let modules = self.folder.join("modules").join(suite);
        fs::create_dir_all(&modules).unwrap();
        for package in files(&unpacked) {
            for module in files(&package.join("usr/lib/nginx/modules")) {
                fs::copy(&module, modules.join(module.file_name().unwrap())).unwrap();
            }
        }
        for into in SUITES {
            let script = "mkdir -p $2/abi $2/tmp $2/dev && cp -r $1/modules/$3 $2/abi && echo 'events {}' > $2/abi/conf
                echo root:x:0:0::/:/ > $2/etc/passwd && echo root:x:0: > $2/etc/group
                for flavor in core light extras; do
                    flavor=nginx-$flavor binary=$1/unpacked/$4/$flavor/usr/sbin/nginx
                    if [ -e $binary ]; then cp $binary $2/abi/$flavor; fi
                done";
            let mut command = as_root("sh");
            command.args(["-euc", script, "sh"]).arg(&self.folder).arg(self.root(into)).args([suite, into]);
            run(&mut command).ok();
        }
    }

    fn root(&self, suite: &str) -> PathBuf {
        kept("roots").join(format!("nginx-{suite}"))
    }
    fn debs(&self, of: &str) -> PathBuf {
        self.folder.join("debs").join(of)
    }
    fn source(&self, suite: &str) -> PathBuf {
        self.folder.join("source").join(suite)
    }

    /// The modules of a release: their paths in every root, without a slash first.
    fn modules(&self, suite: &str) -> Vec<String> {
        let name = |path: PathBuf| format!("abi/{suite}/{}", path.file_name().unwrap().to_str().unwrap());
        files(&self.folder.join("modules").join(suite)).into_iter().map(name).collect()
    }

    /// `nginx -t` with these modules: nothing if it is content, or the code of
    /// the obstacle that it met, and its words.
    fn truth(&self, nginx: &Nginx, modules: &[&str]) -> Result<(), (&'static str, String)> {
        let loads: String = modules.iter().map(|module| format!("load_module /{module};")).collect();
        let directives = format!("user root; pid /tmp/nginx.pid; error_log stderr; {loads}");
        let mut command = as_root("chroot");
        command.arg(self.root(nginx.suite)).arg(format!("/{}", nginx.path));
        let output = command.args(["-t", "-c", "/abi/conf", "-g", &directives]).env("LC_ALL", "C").output().unwrap();
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let says = |text: &str| words.contains(text);
        let foreign = ["ngx_stream_", "ngx_mail_", "ndk_"].iter().any(|p| says(&format!("undefined symbol: {p}")));
        let code = match () {
            () if says("is not binary compatible") => "signature-differs",
            () if says(" instead of ") => "version-differs",
            () if says("is already loaded") => "already-loaded",
            () if foreign => "needs-module",
            () if says("undefined symbol: ngx_") => "undefined-symbols",
            // of a library that nginx of the module's release brings, and this one does not
            () if says("undefined symbol") => LIBRARY,
            () if says("cannot open shared object") || says("version `") => LIBRARY,
            () => panic!("{} {modules:?}: {words}", nginx.path),
        };
        Err((code, words))
    }

    /// `pkgr abi` on the same: the codes of all obstacles, those of one module
    /// after those of the one before.
    fn verdict(&self, environment: &TestEnvironment, nginx: &Nginx, modules: &[&str]) -> Vec<String> {
        let inside = |path: &str| self.root(nginx.suite).join(path).to_str().unwrap().to_string();
        let modules: Vec<String> = modules.iter().map(|module| inside(module)).collect();
        let mut arguments = vec!["abi", "--json", "--against"];
        let nginx = inside(nginx.path);
        arguments.push(&nginx);
        arguments.extend(modules.iter().map(String::as_str));
        let (code, document) = json(environment, &arguments);
        let mut codes = Vec::new();
        let files = document["files"].as_array().unwrap();
        for object in files.iter().flat_map(|file| file["objects"].as_array().unwrap()) {
            let obstacles = object["obstacles"].as_array().unwrap();
            assert_eq!(object["loads"], obstacles.is_empty());
            codes.extend(obstacles.iter().map(|obstacle| obstacle["code"].as_str().unwrap().to_string()));
        }
        assert_eq!((document["ok"].as_bool(), code), (Some(codes.is_empty()), i32::from(!codes.is_empty())));
        codes
    }
}

/// The linker's own complaints, which are not for pkgr to foresee.
const LIBRARY: &str = "library";

fn json(environment: &TestEnvironment, arguments: &[&str]) -> (i32, Value) {
    let run = run(&mut environment.pkgr(arguments));
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stdout));
    assert_eq!(document["schema"], "pkgr.abi/1");
    (run.code.unwrap(), document)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A program as root, or as what is root in a namespace of the user's.
fn as_root(program: &str) -> Command {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--map-auto", program]);
    command
}

/// The mirror of Debian's archive that apt is configured for.
fn mirror() -> String {
    let etc = Path::new("/etc/apt");
    let mut sources = files(&etc.join("sources.list.d"));
    sources.push(etc.join("sources.list"));
    let texts: String = sources.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let lines = texts.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(str::split_whitespace).map(|word| word.trim_end_matches('/'));
    let is_mirror = |word: &&str| word.starts_with("http") && word.ends_with("/debian");
    words.into_iter().find(is_mirror).expect("apt is configured for no mirror of Debian").to_string()
}

/// What was wrong, told together.
#[derive(Default)]
struct Wrong(Mutex<Vec<String>>);

impl Wrong {
    fn add(&self, message: String) {
        self.lines().push(message);
    }
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap()
    }
}

#[test]
fn every_pairing_is_judged_as_nginx_judges_it() {
    let (world, environment) = (world(), TestEnvironment::new());
    let wrong = Wrong::default();
    let seen = Mutex::new(BTreeMap::<String, usize>::new());
    let pairs: Vec<(&Nginx, &str, String)> = NGINXES
        .iter()
        .flat_map(|nginx| {
            SUITES.iter().flat_map(move |suite| world.modules(suite).into_iter().map(move |m| (nginx, *suite, m)))
        })
        .collect();
    assert!(pairs.len() > 5 * 60, "{} pairs", pairs.len());
    let next = Mutex::new(pairs.iter());
    let judge = |nginx: &Nginx, suite: &str, modules: &[&str]| {
        let (truth, verdict) = (world.truth(nginx, modules), world.verdict(&environment, nginx, modules));
        let same = match &truth {
            Ok(()) => verdict.is_empty(),
            // a library of another release: what is judged must have refused it too
            Err((LIBRARY, _)) => !verdict.is_empty() && suite != nginx.suite,
            Err((code, _)) => verdict.iter().any(|found| found == code),
        };
        if !same {
            wrong.add(format!("{} {} {modules:?}: pkgr {verdict:?}, nginx {truth:?}", nginx.suite, nginx.path));
        }
        let outcome = truth.err().map_or("loads", |(code, _)| code);
        *seen.lock().unwrap().entry(outcome.to_string()).or_default() += 1;
        verdict
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((nginx, suite, module)) = next.lock().unwrap().next() else { return };
                    let verdict = judge(nginx, suite, &[module]);
                    // with what it needs before it, it loads, if it is of this release
                    if verdict.iter().any(|code| code == "needs-module") {
                        let maker = match module {
                            module if module.contains("stream") => "ngx_stream_module.so",
                            module if module.contains("mail") => "ngx_mail_module.so",
                            _ => "ndk_http_module.so",
                        };
                        let verdict = judge(nginx, suite, &[&format!("abi/{suite}/{maker}"), module]);
                        if *suite == nginx.suite && !verdict.is_empty() {
                            wrong.add(format!("{} {module} with {maker}: {verdict:?}", nginx.path));
                        }
                    }
                }
            });
        }
    });
    assert!(wrong.lines().is_empty(), "{:#?}", wrong.lines());
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    assert!(seen["loads"] > 100 && seen["version-differs"] > 50 && seen["needs-module"] > 5, "{seen:?}");
}

/// What the archive has no example of: made of a real module by changing bytes
/// of it, and shown to the same nginx.
#[test]
fn made_up_modules_are_judged_as_nginx_judges_them() {
    let (world, environment) = (world(), TestEnvironment::new());
    let original = fs::read(world.folder.join("modules/bullseye/ngx_http_echo_module.so")).unwrap();
    let replaced = |from: &[u8], to: &[u8]| {
        let at = original.windows(from.len()).position(|bytes| bytes == from).unwrap();
        let mut bytes = original.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let made = [
        ("signature", replaced(b"8,4,8,001111", b"8,4,8,001011"), "signature-differs"),
        ("size", replaced(b"8,4,8,", b"8,4,4,"), "signature-differs"),
        ("undefined", replaced(b"\0ngx_http_output_filter\0", b"\0ngx_http_output_filteX\0"), "undefined-symbols"),
        ("version", replaced(&1_018_000u64.to_le_bytes(), &1_018_001u64.to_le_bytes()), "version-differs"),
    ];
    let nginx = &NGINXES[0];
    for (name, bytes, code) in made {
        let path = format!("abi/made-{name}.so");
        let here = environment.work().join("made.so");
        fs::write(&here, bytes).unwrap();
        run(as_root("cp").arg(&here).arg(world.root(nginx.suite).join(&path))).ok();
        assert_eq!(world.truth(nginx, &[&path]).unwrap_err().0, code, "{name}");
        assert_eq!(world.verdict(&environment, nginx, &[&path]), [code], "{name}");
    }
    let twice = ["abi/bullseye/ngx_http_echo_module.so"; 2];
    assert_eq!(world.truth(nginx, &twice).unwrap_err().0, "already-loaded");
    assert_eq!(world.verdict(&environment, nginx, &twice), ["already-loaded"]);
}

#[test]
fn the_words_say_why() {
    let (world, environment) = (world(), TestEnvironment::new());
    let deb = |suite: &str, package: &str| {
        let found = files(&world.debs(suite))
            .into_iter()
            .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{package}_")));
        found.unwrap().to_str().unwrap().to_string()
    };
    let (module, nginx) = (deb("bookworm", "libnginx-mod-http-echo"), deb("trixie", "nginx"));
    let refused = run(&mut environment.pkgr(&["abi", &module, "--against", &nginx]));
    assert_eq!(refused.code, Some(1));
    assert!(refused.stdout.contains("  module for nginx 1.22.1, amd64\n"), "{}", refused.stdout);
    assert!(refused.stderr.contains("it is compiled for nginx 1.22.1, and this is 1.26.3"), "{}", refused.stderr);
    assert!(refused.stderr.contains("bit 18: the module is without HTTP/3"), "{}", refused.stderr);
    let fits = run(&mut environment.pkgr(&["abi", &module, "--against", &deb("bookworm", "nginx")]));
    assert_eq!(fits.code, Some(0), "{}", fits.stderr);
    let itself = run(&mut environment.pkgr(&["abi", &nginx, "--against", &nginx]));
    assert!(itself.code == Some(1) && itself.stderr.contains("it is nginx itself, not a module"), "{}", itself.stderr);
    let code = |arguments: &[&str]| run(&mut environment.pkgr(arguments)).code;
    assert_eq!(code(&["abi", &deb("bookworm", "nginx-light")]), Some(3), "a metapackage");
    assert_eq!(code(&["abi", &module, "--against", &module]), Some(3), "not nginx");
    assert_eq!(code(&["abi", "/etc/os-release"]), Some(3));
    assert_eq!(code(&["abi", "/nonexistent"]), Some(3));
    assert_eq!(code(&["abi", "/bin/sh"]), Some(1), "neither");
}

#[test]
fn packages_say_what_their_files_say() {
    let (world, environment) = (world(), TestEnvironment::new());
    for suite in SUITES {
        for deb in files(&world.debs(suite)) {
            let package = deb.file_name().unwrap().to_str().unwrap().split('_').next().unwrap();
            let unpacked = world.folder.join("unpacked").join(suite).join(package);
            let inside =
                files(&unpacked.join("usr/lib/nginx/modules")).into_iter().chain([unpacked.join("usr/sbin/nginx")]);
            let inside: Vec<String> =
                inside.filter(|path| path.exists()).map(|path| path.to_str().unwrap().to_string()).collect();
            let (code, of_deb) = json(&environment, &["abi", "--json", deb.to_str().unwrap()]);
            if inside.is_empty() {
                assert_eq!((code, &of_deb["errors"][0]["code"]), (3, &Value::from("no-nginx-in-deb")), "{package}");
                continue;
            }
            let mut arguments = vec!["abi", "--json"];
            arguments.extend(inside.iter().map(String::as_str));
            let (_, of_files) = json(&environment, &arguments);
            let objects = |document: &Value| -> BTreeSet<String> {
                let files = document["files"].as_array().unwrap();
                let objects = files.iter().flat_map(|file| file["objects"].as_array().unwrap().clone());
                let bare = objects.map(|mut object| {
                    object["place"] = Value::Null;
                    object["member"] = Value::Null;
                    object.to_string()
                });
                bare.collect()
            };
            assert_eq!(objects(&of_deb), objects(&of_files), "{package}");
            assert_eq!(of_deb["files"][0]["package"]["name"], package);
        }
    }
}

#[test]
fn the_arguments_are_what_nginx_prints() {
    let (world, environment) = (world(), TestEnvironment::new());
    for nginx in &NGINXES {
        let root = world.root(nginx.suite);
        let printed = run(as_root("chroot").arg(&root).arg(format!("/{}", nginx.path)).arg("-V")).ok().stderr;
        let line = printed.lines().find_map(|line| line.strip_prefix("configure arguments: ")).unwrap();
        let words = run(Command::new("sh").args(["-c", "eval \"set -- $1\"; printf '%s\\n' \"$@\"", "sh", line])).ok();
        let (_, document) = json(&environment, &["abi", "--json", root.join(nginx.path).to_str().unwrap()]);
        let object = &document["files"][0]["objects"][0];
        let read: Vec<&str> =
            object["configure_arguments"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words.stdout.lines().collect::<Vec<_>>(), read);
        let version = object["nginx_version"].as_str().unwrap();
        assert!(printed.contains(&format!("nginx version: nginx/{version}\n")), "{printed}");
    }
}

#[test]
fn every_architecture_is_read() {
    let (world, environment) = (world(), TestEnvironment::new());
    for architecture in FOREIGN {
        let debs = files(&world.debs(architecture));
        let deb = |name: &str| {
            let found = debs.iter().find(|deb| deb.file_name().unwrap().to_str().unwrap().starts_with(name));
            found.unwrap().to_str().unwrap()
        };
        let (module, nginx) = (deb("libnginx"), deb("nginx_"));
        let (code, document) = json(&environment, &["abi", "--json", "--against", nginx, module]);
        assert_eq!(code, 0, "{document:#}");
        let object = &document["files"][0]["objects"][0];
        assert_eq!(object["architecture"], architecture);
        assert_eq!(object["modules"][0]["name"], "ngx_stream_module");
        assert_eq!(object["modules"][0]["nginx_version"], "1.22.1");
        // the signature of the module's own structure is what strings(1) finds
        let unpack = format!("dpkg-deb --fsys-tarfile {module} | tar xO --wildcards '*.so' | strings -a");
        let strings = run(environment.command("sh").args(["-ec", &unpack])).ok().stdout;
        let signature = object["modules"][0]["signature"].as_str().unwrap();
        assert!(strings.lines().any(|line| line == signature), "{architecture}: {signature}");
        assert!(document["against"]["modules"].as_array().unwrap().len() > 40);
        let here = world.root("bookworm").join("usr/sbin/nginx");
        let (code, document) = json(&environment, &["abi", "--json", "--against", here.to_str().unwrap(), module]);
        assert_eq!(code, 1);
        assert_eq!(document["files"][0]["objects"][0]["obstacles"][0]["code"], "architecture-differs");
    }
}

/// Cut anywhere, or with bytes changed in the tables that all is found by, a
/// module says less, or is refused; it takes nothing down.
#[test]
fn a_damaged_module_never_panics() {
    let whole = fs::read(world().folder.join("modules/bookworm/ngx_http_echo_module.so")).unwrap();
    let whole_binary = Binary::read(&whole).unwrap();
    assert_eq!(whole_binary.modules.len(), 1);
    for length in (0..whole.len()).step_by(97) {
        let _ = Binary::read(&whole[..length]);
    }
    assert!(Binary::read(&whole[..200]).is_err());
    // header, program headers, hashes, symbols and relocations come first; the dynamic section is behind
    let dynamic = 0xaa00.min(whole.len())..whole.len();
    for index in (0..0x2e00).chain(dynamic).step_by(3) {
        for value in [0, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[index] = value;
            let _ = Binary::read(&changed);
            changed[index..].iter_mut().take(8).for_each(|byte| *byte = value);
            let _ = Binary::read(&changed);
        }
    }
}

/// The headers below src/ of an unpacked tree.
fn headers(tree: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let script = format!("cd {} && find src -type f -name '*.h'", tree.display());
    let names = run(Command::new("sh").args(["-ec", &script])).ok().stdout;
    names.lines().map(|name| (name.as_bytes().to_vec(), fs::read(tree.join(name)).unwrap())).collect()
}

fn fingerprint(headers: &[(Vec<u8>, Vec<u8>)]) -> Fingerprint {
    Fingerprint::of_headers(headers.iter().map(|(path, content)| (path.as_slice(), content.as_slice())))
}

#[test]
fn the_fingerprint_is_of_the_tree_that_dpkg_source_makes() {
    let (world, environment) = (world(), TestEnvironment::new());
    for suite in ["bullseye", "bookworm"] {
        let sources = files(&world.source(suite));
        let file = |end: &str| sources.iter().find(|path| path.to_str().unwrap().ends_with(end)).unwrap();
        let read = Fingerprint::of_package(file(".orig.tar.gz"), file(".debian.tar.xz"), Distro::Debian).unwrap();
        let (tree, bare) = (environment.work().join(suite), environment.work().join(format!("{suite}-bare")));
        run(environment.command("dpkg-source").args(["--no-check", "-x"]).arg(file(".dsc")).arg(&tree)).ok();
        let patched = fingerprint(&headers(&tree));
        assert_eq!(read.digest(), patched.digest(), "{suite}: {:?}", read.changes_to(&patched));
        assert!(read.headers().len() > 80);
        let skip = ["--no-check", "--skip-patches", "-x"];
        run(environment.command("dpkg-source").args(skip).arg(file(".dsc")).arg(&bare)).ok();
        let pristine = fingerprint(&headers(&bare));
        let changed: Vec<&str> = pristine.changes_to(&read).into_iter().map(|(path, _)| path).collect();
        if suite == "bookworm" {
            // the bit-field of bookworm's own patch, which no signature tells
            assert!(changed.contains(&"src/core/ngx_connection.h"), "{changed:?}");
        }
    }
}

#[test]
fn a_changed_structure_is_told_and_a_changed_comment_is_not() {
    let (world, environment) = (world(), TestEnvironment::new());
    let sources = files(&world.source("bookworm"));
    let file = |end: &str| sources.iter().find(|path| path.to_str().unwrap().ends_with(end)).unwrap();
    let (orig, debian) = (file(".orig.tar.gz"), file(".debian.tar.xz"));
    let before = Fingerprint::of_package(orig, debian, Distro::Debian).unwrap();
    // a security update that adds one more patch
    let with = |edit: &str| {
        let script = format!(
            "rm -rf t debian new.tar.xz; mkdir t; dpkg-source --no-check -x {} t/new >&2; cp -r t/new t/old
             tar xf {}; (cd t/new && {edit}); (cd t && diff -u old/src/core/ngx_connection.h new/src/core/ngx_connection.h) \\
                 > debian/patches/one-more.patch || [ $? = 1 ]
             echo one-more.patch >> debian/patches/series; tar cJf new.tar.xz debian",
            file(".dsc").display(),
            debian.display()
        );
        run(environment.command("sh").args(["-ec", &script])).ok();
        Fingerprint::of_package(orig, &environment.work().join("new.tar.xz"), Distro::Debian).unwrap()
    };
    let connection = "src/core/ngx_connection.h";
    let structure = with(&format!(
        "sed -i 's/^    unsigned            reusable:1;/    unsigned            new:1;\\n&/' {connection}"
    ));
    assert_eq!(before.changes_to(&structure), [(connection, Change::Changed)]);
    assert_ne!(before.digest(), structure.digest());
    let comment = with(&format!(
        "sed -i 's,^    unsigned            reusable:1;,    unsigned reusable : 1; /* again */,' {connection}"
    ));
    assert_eq!(before.changes_to(&comment), []);
    assert_eq!(before.digest(), comment.digest());
}
