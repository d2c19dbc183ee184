//! A stand-in for GitHub, GitLab, PyPI and a page of downloads, on loopback: it
//! answers in the shapes that the real services are known to answer in, serves
//! files for everything else (git repositories by the dumb protocol), and keeps
//! what it was asked.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::common::{TestEnvironment, run};

/// One question.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path and query.
    pub target: String,
    pub authorization: Option<String>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: &'static str,
    pub headers: Vec<String>,
    pub body: String,
}

impl Answer {
    pub fn json(body: impl Into<String>) -> Answer {
        Answer { status: "200 OK", headers: vec!["Content-Type: application/json".into()], body: body.into() }
    }
    pub fn status(status: &'static str) -> Answer {
        Answer { status, headers: vec![], body: "{\"message\": \"no\"}".into() }
    }
    pub fn header(mut self, header: impl Into<String>) -> Answer {
        self.headers.push(header.into());
        self
    }
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    asked: Vec<Asked>,
}

/// A service; gone with the test.
pub struct Service {
    pub url: String,
    /// Served below `/`.
    pub files: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Service {
    pub fn start(files: PathBuf) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (kept, root) = (state.clone(), files.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, root) = (kept.clone(), root.clone());
                std::thread::spawn(move || answer(stream, &root, &state));
            }
        });
        Service { url, files, state }
    }

    /// Answers so to this path and query from now on.
    pub fn on(&self, target: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(target.to_string(), answer);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// GitHub's two lists: tags as it orders them, releases (tag, draft, pre-release).
    pub fn github(&self, repository: &str, tags: &[&str], releases: &[(&str, bool, bool)]) {
        let tag = |tag: &&str| {
            let api = format!("https://api.github.com/repos/{repository}");
            format!(
                r#"{{"name": "{tag}", "zipball_url": "{api}/zipball/refs/tags/{tag}", "tarball_url": "{api}/tarball/refs/tags/{tag}", "commit": {{"sha": "c5b97d5ae6c19d5c5df71a34c7fbeeda2479ccbc", "url": "{api}/commits/c5b97d5ae6c19d5c5df71a34c7fbeeda2479ccbc"}}, "node_id": "MDM6UmVm"}}"#
            )
        };
        let release = |(tag, draft, pre): &(&str, bool, bool)| {
            format!(
                r#"{{"id": 1, "tag_name": "{tag}", "target_commitish": "master", "name": "{tag}", "draft": {draft}, "prerelease": {pre}, "created_at": "2013-02-27T19:35:32Z", "published_at": "2013-02-27T19:35:32Z", "assets": [], "body": "words"}}"#
            )
        };
        let list = |items: Vec<String>| Answer::json(format!("[{}]", items.join(",")));
        self.on(&format!("/repos/{repository}/tags?per_page=100"), list(tags.iter().map(tag).collect()));
        self.on(&format!("/repos/{repository}/releases?per_page=100"), list(releases.iter().map(release).collect()));
    }

    /// A bare repository with these tags, served below `/PATH` and readable there.
    pub fn repository(&self, environment: &TestEnvironment, path: &str, tags: &[&str]) -> PathBuf {
        let folder = self.files.join(path);
        fs::create_dir_all(&folder).unwrap();
        let git = |arguments: &[&str]| {
            let mut git: Command = environment.command("git");
            git.arg("-C").arg(&folder).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(arguments);
            run(&mut git).ok().stdout.trim().to_string()
        };
        git(&["init", "--quiet", "--bare", "."]);
        let tree = git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
        let commit = git(&["commit-tree", &tree, "-m", "first"]);
        for tag in tags {
            git(&["tag", "--annotate", "-m", "words", tag, &commit]);
        }
        git(&["update-server-info"]);
        folder
    }
}

fn answer(mut stream: TcpStream, files: &Path, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut target, mut authorization) = (String::new(), None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        match line.split_once(": ") {
            _ if line.is_empty() => break,
            _ if target.is_empty() => target = line.split(' ').nth(1).unwrap_or_default().to_string(),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                authorization = Some(value.to_string())
            }
            _ => {}
        }
    }
    let known = {
        let mut state = state.lock().unwrap();
        state.asked.push(Asked { target: target.clone(), authorization });
        state.answers.get(&target).cloned()
    };
    let path = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    let (status, headers, body) = match known {
        Some(answer) => (answer.status, answer.headers, answer.body.into_bytes()),
        None => match fs::read(files.join(path)) {
            Ok(bytes) => ("200 OK", vec![], bytes),
            Err(_) => ("404 Not Found", vec![], b"{\"message\": \"Not Found\"}".to_vec()),
        },
    };
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(&body));
}

/// A tarball NAME-VERSION.tar.gz with these files, in `folder`.
pub fn tarball(
    environment: &TestEnvironment,
    folder: &Path,
    name: &str,
    version: &str,
    files: &[(&str, &str)],
) -> PathBuf {
    let trees = environment.path("trees");
    let tree = trees.join(format!("{name}-{version}"));
    for (path, text) in files {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    let tarball = folder.join(format!("{name}-{version}.tar.gz"));
    run(environment
        .command("tar")
        .args(["--mtime=@1700000000", "--sort=name", "--owner=0", "--group=0", "-czf"])
        .arg(&tarball)
        .arg("-C")
        .arg(&trees)
        .arg(format!("{name}-{version}")))
    .ok();
    tarball
}
