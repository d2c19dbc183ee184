//! An archive of the real layout for the tests of `fetch::apt`: in memory, signed
//! by a throwaway key of gpg, served on loopback, and bad in any way asked for.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pkgr::deb::checksums::Checksums;
use pkgr::diagnostic::Failure;
use pkgr::fetch::apt::{Archives, Scope, Settings, SourceEntry};
use pkgr::fetch::{Fetcher, Options, Patience};
use pkgr::listener::Recorder;
use pkgr::series::catalog;

/// When the tests happen.
pub const NOW: &str = "2026-11-24T12:00:00Z";
/// When Release files are made and signed, unless a test says otherwise.
pub const TODAY: &str = "Tue, 24 Nov 2026 10:00:00 UTC";
const SIGNED: &str = "20261124T100000";

/// Path below the server's root → bytes.
type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The simulated world: an archive, a cache, and keys.
pub struct World {
    pub folder: tempfile::TempDir,
    pub address: String,
    pub files: Files,
    pub requests: Arc<Mutex<Vec<String>>>,
    pub recorder: Recorder,
    pub options: Options,
    pub settings: Settings,
    /// Whether the server tells ETags and answers 304.
    pub tags: Arc<Mutex<bool>>,
    /// How many of the next requests the server is too busy for.
    pub busy: Arc<Mutex<usize>>,
    keys: BTreeMap<&'static str, String>,
}

impl World {
    pub fn new() -> World {
        let folder = tempfile::Builder::new().prefix("pkgr-").tempdir().unwrap();
        let (files, requests, tags) = (Files::default(), Arc::default(), Arc::new(Mutex::new(true)));
        let busy = Arc::default();
        let address = serve(&files, &requests, &tags, &busy);
        let options = Options { cache: Some(folder.path().join("cache")), ..Options::default() };
        let settings = Settings {
            root: folder.path().join("root"),
            ubuntu: Some(format!("{address}/ubuntu")),
            ubuntu_old: Some(format!("{address}/old")),
            ubuntu_ports: Some(format!("{address}/ports")),
            debian: Some(format!("{address}/debian")),
            debian_security: Some(format!("{address}/debian-security")),
            keyring: Some(folder.path().join("archive.gpg")),
            now: Some(NOW.parse().unwrap()),
            ..Settings::default()
        };
        let recorder = Recorder::default();
        let keys = BTreeMap::new();
        let mut world = World { folder, address, files, requests, recorder, options, settings, tags, busy, keys };
        world.add_key("archive", "20250101T000000", "0");
        let public = world.gpg("20261124T100000", &["--export", "archive@example.org"], b"");
        std::fs::write(world.path("archive.gpg"), public).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key `NAME@example.org`; `expires` as gpg writes it.
    pub fn add_key(&mut self, name: &'static str, made: &str, expires: &str) {
        let user = format!("Key <{name}@example.org>");
        self.gpg(made, &["--quick-generate-key", &user, "ed25519", "sign", expires], b"");
        self.keys.insert(name, user);
    }

    pub fn gpg(&self, time: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let home = self.path("gnupg");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let mut child = Command::new("gpg")
            .args(["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""])
            .args(["--faked-system-time", &format!("{time}!")])
            .args(arguments)
            .env("GNUPGHOME", &home)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("gpg must be there");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub fn clearsign(&self, key: &str, time: &str, text: &[u8]) -> Vec<u8> {
        self.gpg(time, &["--clearsign", "--digest-algo", "SHA512", "-u", &format!("{key}@example.org")], text)
    }

    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_string(), bytes.into());
    }

    pub fn take(&self, path: &str) -> Vec<u8> {
        self.files.lock().unwrap().remove(path).unwrap_or_else(|| panic!("{path} is not served"))
    }

    pub fn get(&self, path: &str) -> Vec<u8> {
        self.files.lock().unwrap().get(path).unwrap_or_else(|| panic!("{path} is not served")).clone()
    }

    pub fn paths(&self, part: &str) -> Vec<String> {
        self.files.lock().unwrap().keys().filter(|path| path.contains(part)).cloned().collect()
    }

    /// Requests since the last call, `GET /path` each.
    pub fn requested(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Publishes a suite.
    pub fn publish(&self, suite: &Suite) {
        let text = self.place_indexes(suite);
        let signed = self.clearsign(suite.key, &suite.signed, text.as_bytes());
        self.put(&format!("{}/InRelease", suite.folder()), signed);
    }

    /// As [`World::publish`], without InRelease: Release and Release.gpg.
    pub fn publish_detached(&self, suite: &Suite) {
        let text = self.place_indexes(suite);
        let key = format!("{}@example.org", suite.key);
        let signature = self.gpg(
            &suite.signed,
            &["--detach-sign", "--armor", "--digest-algo", "SHA512", "-u", &key],
            text.as_bytes(),
        );
        self.put(&format!("{}/Release", suite.folder()), text);
        self.put(&format!("{}/Release.gpg", suite.folder()), signature);
    }

    /// Puts the indexes up and returns the text of Release.
    pub fn place_indexes(&self, suite: &Suite) -> String {
        let mut list = String::new();
        for (path, text) in &suite.indexes {
            for form in suite.forms {
                let bytes = match *form {
                    ".xz" => super::fetch_support::xz(text),
                    ".gz" => super::fetch_support::gzip(text),
                    _ => text.clone(),
                };
                let sums = Checksums::of(&bytes);
                list.push_str(&format!(" {} {:>8} {path}{form}\n", sums.sha256, sums.size));
                let folder = path.rsplit_once('/').unwrap().0;
                self.put(&format!("{}/{path}{form}", suite.folder()), bytes.clone());
                self.put(&format!("{}/{folder}/by-hash/SHA256/{}", suite.folder(), sums.sha256), bytes);
            }
        }
        format!("{}SHA256:\n{list}", suite.fields)
    }

    /// Puts a source package into the pool and returns its stanza of Sources.
    pub fn source(&self, root: &str, package: &str, version: &str, content: &str) -> String {
        let upstream = version.split('-').next().unwrap();
        let directory = format!("pool/main/{}/{package}", &package[..1]);
        let orig = super::fetch_support::gzip(format!("orig of {upstream}").as_bytes());
        let debian = super::fetch_support::xz(content.as_bytes());
        let files = [
            (format!("{package}_{upstream}.orig.tar.gz"), orig),
            (format!("{package}_{version}.debian.tar.xz"), debian),
        ];
        let lines = |files: &[(String, Vec<u8>)]| -> String {
            let line = |(name, bytes): &(String, Vec<u8>)| {
                let sums = Checksums::of(bytes);
                format!("\n {} {} {name}", sums.sha256, sums.size)
            };
            files.iter().map(line).collect()
        };
        let dsc =
            format!("Format: 3.0 (quilt)\nSource: {package}\nVersion: {version}\nChecksums-Sha256:{}\n", lines(&files));
        let dsc = (format!("{package}_{version}.dsc"), self.clearsign("archive", SIGNED, dsc.as_bytes()));
        let all = [vec![dsc], files.to_vec()].concat();
        for (name, bytes) in &all {
            self.put(&format!("/{root}/{directory}/{name}"), bytes.clone());
        }
        format!(
            "Package: {package}\nBinary: {package}, {package}-doc\nVersion: {version}\nDirectory: {directory}\nChecksums-Sha256:{}\n",
            lines(&all)
        )
    }

    /// Puts a .deb (any bytes) into the pool and returns its stanza of Packages.
    pub fn deb(&self, root: &str, package: &str, version: &str, architecture: &str, fields: &str) -> String {
        let bytes = format!("deb {package} {version} {architecture}").into_bytes();
        let path = format!("pool/main/n/nginx/{package}_{version}_{architecture}.deb");
        let sums = Checksums::of(&bytes);
        self.put(&format!("/{root}/{path}"), bytes);
        format!(
            "Package: {package}\nSource: nginx\nVersion: {version}\nArchitecture: {architecture}\n{fields}Filename: {path}\nSize: {}\nSHA256: {}\n",
            sums.size, sums.sha256
        )
    }

    /// Asks as a new process would: with what the cache holds and nothing else.
    pub fn with<T>(&self, work: impl FnOnce(&Archives) -> Result<T, Failure>) -> Result<T, Failure> {
        let fetcher = Fetcher::new(self.options.clone(), &self.recorder)?.with_patience(patience());
        work(&Archives::new(&fetcher, self.settings.clone()))
    }

    pub fn newest(&self, package: &str, series: &str) -> Result<SourceEntry, Failure> {
        self.with(|archives| archives.newest_source(package, &scope(series)))
    }

    /// The code and message of the failure to find nginx in noble; it is the
    /// environment's, exit 3.
    pub fn refused(&self, series: &str) -> (&'static str, String) {
        let failure = self.newest("nginx", series).expect_err("this should have been refused");
        assert_eq!(failure.kind.exit_code(), 3, "{failure}");
        (failure.diagnostics[0].code, failure.diagnostics[0].message.clone())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let kill = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.path("gnupg")).status();
        assert!(kill.is_ok());
    }
}

/// A suite to be published.
#[derive(Clone)]
pub struct Suite {
    pub root: &'static str,
    pub name: &'static str,
    /// Everything of Release before its digests.
    pub fields: String,
    pub key: &'static str,
    pub signed: String,
    pub forms: &'static [&'static str],
    pub indexes: Vec<(String, Vec<u8>)>,
}

impl Suite {
    /// Of Ubuntu's archive.
    pub fn ubuntu(name: &'static str, sources: &[String]) -> Suite {
        let codename = name.split('-').next().unwrap();
        Suite::new(
            "ubuntu",
            name,
            &format!("Origin: Ubuntu\nLabel: Ubuntu\nSuite: {name}\nCodename: {codename}\n"),
            sources,
        )
    }

    /// Of Debian's.
    pub fn debian(root: &'static str, name: &'static str, sources: &[String]) -> Suite {
        Suite::new(root, name, &format!("Origin: Debian\nLabel: Debian\nSuite: some\nCodename: {name}\n"), sources)
    }

    fn new(root: &'static str, name: &'static str, fields: &str, sources: &[String]) -> Suite {
        let fields = format!(
            "{fields}Date: {TODAY}\nAcquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: main universe\n"
        );
        let index = ("main/source/Sources".to_string(), sources.join("\n").into_bytes());
        let forms = &[".xz", ".gz", ""];
        Suite { root, name, fields, key: "archive", signed: SIGNED.to_string(), forms, indexes: vec![index] }
    }

    pub fn folder(&self) -> String {
        format!("/{}/dists/{}", self.root, self.name)
    }

    pub fn with(mut self, from: &str, to: &str) -> Suite {
        assert!(self.fields.contains(from), "{}", self.fields);
        self.fields = self.fields.replace(from, to);
        self
    }

    pub fn index(mut self, path: &str, stanzas: &[String]) -> Suite {
        self.indexes.push((path.to_string(), stanzas.join("\n").into_bytes()));
        self
    }

    pub fn forms(mut self, forms: &'static [&'static str]) -> Suite {
        self.forms = forms;
        self
    }

    pub fn signed_by(mut self, key: &'static str, time: &str) -> Suite {
        (self.key, self.signed) = (key, time.to_string());
        self
    }
}

pub fn scope(series: &str) -> Scope {
    Scope::of(catalog().find(series).unwrap())
}

fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        stall: Duration::from_secs(5),
        tries: 2,
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(50),
    }
}

fn serve(
    files: &Files,
    requests: &Arc<Mutex<Vec<String>>>,
    tags: &Arc<Mutex<bool>>,
    busy: &Arc<Mutex<usize>>,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (files, requests) = (Arc::clone(files), Arc::clone(requests));
    let (tags, busy) = (Arc::clone(tags), Arc::clone(busy));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (files, requests) = (Arc::clone(&files), Arc::clone(&requests));
            let (tags, busy) = (Arc::clone(&tags), Arc::clone(&busy));
            std::thread::spawn(move || answer(stream.unwrap(), &files, &requests, &tags, &busy));
        }
    });
    address
}

fn answer(
    mut stream: TcpStream,
    files: &Files,
    requests: &Mutex<Vec<String>>,
    tags: &Mutex<bool>,
    busy: &Mutex<usize>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
        let Some(path) = head.split(' ').nth(1).map(unquote) else { return };
        requests.lock().unwrap().push(path.clone());
        let body = files.lock().unwrap().get(&path).cloned();
        let tagged = *tags.lock().unwrap();
        let is_busy = {
            let mut busy = busy.lock().unwrap();
            let is_busy = *busy > 0;
            *busy -= usize::from(is_busy);
            is_busy
        };
        let (status, tag, body) = match body {
            _ if is_busy => ("503 Service Unavailable", String::new(), vec![]),
            None => ("404 Not Found", String::new(), b"no such file".to_vec()),
            Some(body) => {
                let tag = format!("\"{}\"", Checksums::of(&body).md5);
                let known = head.to_lowercase().lines().any(|l| l.strip_prefix("if-none-match: ") == Some(&tag));
                match known && tagged {
                    true => ("304 Not Modified", tag, vec![]),
                    false => ("200 OK", tag, body),
                }
            }
        };
        let tag = if tagged && !tag.is_empty() { format!("ETag: {tag}\r\n") } else { String::new() };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{tag}\r\n", body.len());
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}

fn unquote(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        text.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        text.push_str(&part[2..]);
    }
    text
}

/// All files below a folder, as paths with a slash before.
pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap();
                    found.push((format!("/{}", name.display()), std::fs::read(&path).unwrap()));
                }
            }
        }
    }
    found
}
