//! Downloads from a server that misbehaves as servers do.

mod fetch_support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fetch_support::*;
use pkgr::deb::checksums::Checksums;
use pkgr::diagnostic::{Diagnostic, Failure, Kind};
use pkgr::fetch::{Fetched, Fetcher, Options, Patience};
use pkgr::listener::{Listener, Recorder};
use pkgr::lock::Lock;
use pkgr::plan::Location;

/// The requests that a server has had, heads only.
type Requests = Arc<Mutex<Vec<String>>>;

/// Serves on loopback; `answer` gets the number of the request (from 0), its
/// head, and the connection, which is closed afterwards.
fn serve(answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, seen, answer) = (stream.unwrap(), Arc::clone(&seen), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                if head.is_empty() {
                    return;
                }
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(head.to_lowercase());
                    seen.len() - 1
                };
                answer(number, &head.to_lowercase(), &mut stream);
            });
        }
    });
    (address, requests)
}

fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// Promises the whole body and sends the part before `cut`.
fn respond_short(stream: &mut TcpStream, headers: &str, body: &[u8], cut: usize) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..cut]));
}

fn respond_range(stream: &mut TcpStream, head: &str, headers: &str, body: &[u8]) {
    let from = head.split("range: bytes=").nth(1).and_then(|r| r.split('-').next()).and_then(|n| n.parse().ok());
    match from {
        Some(from) => {
            let from: usize = from;
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
            respond(stream, "206 Partial Content", &(range + headers), &body[from..]);
        }
        None => respond(stream, "200 OK", headers, body),
    }
}

fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(2),
        stall: Duration::from_millis(700),
        tries: 3,
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_secs(3),
    }
}

struct Place {
    folder: tempfile::TempDir,
    recorder: Recorder,
    options: Options,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { cache: Some(folder.path().join("cache")), ..Options::default() };
        Place { folder, recorder: Recorder::default(), options }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn fetch(&self, url: &str) -> Result<Fetched, Failure> {
        self.fetch_locked(url, &Lock::default())
    }

    fn fetch_locked(&self, url: &str, lock: &Lock) -> Result<Fetched, Failure> {
        let fetcher = Fetcher::new(self.options.clone(), &self.recorder)?.with_patience(patience());
        fetcher.fetch(&source(Location::Url(url.to_string())), self.folder.path(), lock)
    }
}

fn code(result: Result<Fetched, Failure>) -> (&'static str, Kind, String) {
    let failure = result.map(|fetched| fetched.path).expect_err("this should have failed");
    assert_eq!(failure.diagnostics[0].place, Some(place()));
    (failure.diagnostics[0].code, failure.kind, failure.diagnostics[0].message.clone())
}

fn big() -> Vec<u8> {
    gzip(&Tar::default().file("p/noise", &noise(400_000)).end())
}

fn lock_of(fetched: &Fetched) -> Lock {
    let mut lock = Lock::default();
    fetched.pins.iter().for_each(|pin| lock.set_pin(pin.clone()));
    lock
}

#[test]
fn what_is_fetched_is_pinned_and_then_comes_from_the_cache() {
    let (address, requests) = serve(|_, _, stream| respond(stream, "200 OK", "", &hello()));
    let mut place = Place::new();
    let url = format!("{address}/hello.tar.gz");
    let fetched = place.fetch(&url).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), hello());
    assert_eq!(fetched.checksums, Checksums::of(&hello()));
    assert_eq!(fetched.compression.extension(), "tar.gz");
    assert_eq!(fetched.pins[0].from, url);

    place.options = Options { offline: true, locked: true, ..place.options };
    let again = place.fetch_locked(&url, &lock_of(&fetched)).unwrap();
    assert_eq!((&again.path, &again.pins), (&fetched.path, &fetched.pins));
    assert_eq!(requests.lock().unwrap().len(), 1);

    let head = requests.lock().unwrap()[0].clone();
    assert!(head.contains("user-agent: pkgr/") && head.contains("accept-encoding: identity"), "{head}");
    assert_eq!(std::fs::read_dir(place.cache().join("partial")).unwrap().count(), 1, "only the note of what was done");
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let body = big();
    let bytes = body.clone();
    let (address, requests) = serve(move |number, head, stream| match number {
        0 => respond_short(stream, "ETag: \"one\"\r\n", &bytes, 100_000),
        _ => respond_range(stream, head, "ETag: \"one\"\r\n", &bytes),
    });
    let fetched = Place::new().fetch(&format!("{address}/big.tar.gz")).unwrap();
    assert_eq!(fetched.checksums, Checksums::of(&body));
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].contains("range: bytes=100000-"), "{}", requests[1]);
    assert!(requests[1].contains("if-range: \"one\""), "{}", requests[1]);
}

#[test]
fn a_killed_download_is_resumed_by_the_next_process_and_has_no_final_name() {
    let body = big();
    let bytes = body.clone();
    let (address, requests) = serve(move |number, head, stream| match number {
        0..3 => respond_short(stream, "Last-Modified: Tue, 24 Nov 2026 08:00:00 GMT\r\n", &bytes, 50_000),
        _ => respond_range(stream, head, "", &bytes),
    });
    let place = Place::new();
    let url = format!("{address}/big.tar.gz");
    // every try ends early and brings the same beginning, as a kill would leave it
    let (code, kind, _) = code(place.fetch(&url));
    assert_eq!((code, kind), ("source-unreachable", Kind::Environment));
    assert!(!place.cache().join("sha256").exists());
    let fetched = place.fetch(&url).unwrap();
    assert_eq!(fetched.checksums, Checksums::of(&body));
    assert!(requests.lock().unwrap().last().unwrap().contains("range: bytes=50000-"));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_glued_together() {
    let (old, new) = (gzip(&Tar::default().file("p/a", &noise(90_000)).end()), big());
    let expected = Checksums::of(&new);
    let (address, _) = serve(move |number, head, stream| match number {
        0 => respond_short(stream, "ETag: \"old\"\r\n", &old, 40_000),
        _ if head.contains("if-range: \"new\"") => respond_range(stream, head, "ETag: \"new\"\r\n", &new),
        _ => respond(stream, "200 OK", "ETag: \"new\"\r\n", &new),
    });
    assert_eq!(Place::new().fetch(&format!("{address}/x.tar.gz")).unwrap().checksums, expected);
}

#[test]
fn a_server_that_glues_wrongly_is_found_out_by_the_digest() {
    let body = big();
    let mut lock = Lock::default();
    let (other, bytes) = (noise(body.len()), body.clone());
    let (address, requests) = serve(move |number, head, stream| match number {
        0 => respond_short(stream, "", &other, 40_000),
        _ => respond_range(stream, head, "", &bytes),
    });
    let url = format!("{address}/x.tar.gz");
    let sums = Checksums::of(&body);
    lock.set_pin(pkgr::lock::Pin {
        from: url.clone(),
        commit: None,
        sha256: sums.sha256.clone(),
        size: sums.size,
        published: None,
    });
    assert_eq!(Place::new().fetch_locked(&url, &lock).unwrap().checksums, sums);
    let requests = requests.lock().unwrap();
    assert_eq!(requests.iter().map(|r| r.contains("range:")).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn what_may_pass_is_tried_again() {
    let (address, requests) = serve(|number, _, stream| match number {
        0 => respond(stream, "503 Service Unavailable", "", b""),
        1 => drop(stream.shutdown(std::net::Shutdown::Both)),
        _ => respond(stream, "200 OK", "", &hello()),
    });
    assert!(Place::new().fetch(&format!("{address}/hello.tar.gz")).is_ok());
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[test]
fn tries_come_to_an_end() {
    let (address, requests) = serve(|_, _, stream| respond(stream, "500 Internal Server Error", "", b""));
    let (code, kind, message) = code(Place::new().fetch(&format!("{address}/x.tar.gz")));
    assert_eq!((code, kind), ("source-unreachable", Kind::Environment));
    assert!(message.ends_with("the server says 500 Internal Server Error"), "{message}");
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[test]
fn the_server_says_when_to_come_back() {
    let (address, _) = serve(|number, _, stream| match number {
        0 => respond(stream, "429 Too Many Requests", "Retry-After: 1\r\n", b""),
        _ => respond(stream, "200 OK", "", &hello()),
    });
    let start = Instant::now();
    assert!(Place::new().fetch(&format!("{address}/hello.tar.gz")).is_ok());
    assert!(start.elapsed() >= Duration::from_secs(1));

    let (address, requests) =
        serve(|_, _, stream| respond(stream, "503 Service Unavailable", "Retry-After: 86400\r\n", b""));
    let (_, _, message) = code(Place::new().fetch(&format!("{address}/x.tar.gz")));
    assert!(message.contains("to come back in 86400 seconds"), "{message}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for status in ["404 Not Found", "403 Forbidden", "410 Gone"] {
        let (address, requests) = serve(move |_, _, stream| respond(stream, status, "", b"gone"));
        let url = format!("{address}/x.tar.gz");
        let (code, kind, message) = code(Place::new().fetch(&url));
        assert_eq!((code, kind), ("source-http-status", Kind::Environment));
        assert_eq!(message, format!("cannot fetch {url}: the server says {status}"));
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_silent_server_is_given_up_but_a_slow_one_is_waited_for() {
    let (address, _) = serve(|_, _, stream| {
        respond_short(stream, "", &hello(), 20);
        std::thread::sleep(Duration::from_secs(60));
    });
    let start = Instant::now();
    let (_, _, message) = code(Place::new().fetch(&format!("{address}/x.tar.gz")));
    assert!(message.contains("nothing came any more after 20 bytes"), "{message}");
    assert!(start.elapsed() < Duration::from_secs(20));

    let (address, requests) = serve(|_, _, stream| {
        let body = hello();
        respond_short(stream, "", &body, 0);
        for chunk in body.chunks(body.len() / 4) {
            std::thread::sleep(Duration::from_millis(400));
            stream.write_all(chunk).unwrap();
        }
    });
    let start = Instant::now();
    Place::new().fetch(&format!("{address}/hello.tar.gz")).unwrap();
    assert!(start.elapsed() > patience().stall, "longer in all than the stall time-out");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[test]
fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, _, message) = code(Place::new().fetch(&format!("http://127.0.0.1:{port}/x.tar.gz")));
    assert_eq!(code, "source-unreachable");
    assert!(message.contains("Connection refused"), "{message}");
}

#[test]
fn redirects_are_followed_to_an_end() {
    let (address, _) = serve(|_, head, stream| match head {
        h if h.contains("get /a") => respond(stream, "302 Found", "Location: /b\r\n", b""),
        h if h.contains("get /b") => respond(stream, "301 Moved", "Location: /hello.tar.gz\r\n", b""),
        h if h.contains("get /loop") => respond(stream, "302 Found", "Location: /loop\r\n", b""),
        _ => respond(stream, "200 OK", "", &hello()),
    });
    let place = Place::new();
    let fetched = place.fetch(&format!("{address}/a")).unwrap();
    assert_eq!(fetched.pins[0].from, format!("{address}/a"), "pinned by the name that the recipe gives");
    let (code, _, message) = code(place.fetch(&format!("{address}/loop")));
    assert_eq!(code, "source-unreachable");
    assert!(message.contains("more than 10 redirects"), "{message}");
}

#[test]
fn other_bytes_than_the_lock_or_the_recipe_say_are_refused() {
    let (address, _) = serve(|_, _, stream| respond(stream, "200 OK", "", &hello()));
    let url = format!("{address}/hello.tar.gz");
    let zeros = "0".repeat(64);
    let place = Place::new();
    let mut lock = Lock::default();
    lock.set_pin(pkgr::lock::Pin { from: url.clone(), commit: None, sha256: zeros.clone(), size: 3, published: None });
    let failure = place.fetch_locked(&url, &lock).unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind), ("source-digest", Kind::Recipe));
    let notes = failure.diagnostics[0].notes.join("\n");
    assert!(notes.contains(&zeros) && notes.contains(&Checksums::of(&hello()).sha256), "{notes}");

    let mut with_digest = source(Location::Url(url.clone()));
    with_digest.sha256 = Some("1".repeat(64));
    let fetcher = Fetcher::new(place.options.clone(), &place.recorder).unwrap();
    let failure = fetcher.fetch(&with_digest, Path::new("."), &Lock::default()).unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind), ("source-digest", Kind::Recipe));
    let failure = fetcher.fetch(&with_digest, Path::new("."), &lock).unwrap_err();
    assert!(failure.diagnostics[0].message.starts_with("recipe and lock contradict each other"));
}

#[test]
fn a_page_instead_of_a_tarball_is_not_pinned() {
    let (address, _) = serve(|_, _, stream| respond(stream, "200 OK", "", b"<!DOCTYPE html><p>Please log in"));
    let place = Place::new();
    let failure = place.fetch(&format!("{address}/x.tar.gz")).unwrap_err();
    assert_eq!(failure.diagnostics[0].code, "not-a-tarball");
    assert!(failure.diagnostics[0].notes[0].contains("<!DOCTYPE html>"));
    assert!(place.recorder.told().is_empty());
}

#[test]
fn offline_and_locked_say_what_to_do() {
    let mut place = Place::new();
    place.options.offline = true;
    let failure = place.fetch("http://127.0.0.1:9/x.tar.gz").unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind), ("source-offline", Kind::Environment));
    assert!(failure.diagnostics[0].hints[0].contains("pkgr fetch"));
    place.options.locked = true;
    let failure = place.fetch("http://127.0.0.1:9/x.tar.gz").unwrap_err();
    assert_eq!((failure.diagnostics[0].code, failure.kind), ("source-not-locked", Kind::Recipe));
}

#[test]
fn a_damaged_cache_entry_is_fetched_again() {
    let (address, requests) = serve(|_, _, stream| respond(stream, "200 OK", "", &hello()));
    let place = Place::new();
    let url = format!("{address}/hello.tar.gz");
    let fetched = place.fetch(&url).unwrap();
    std::fs::remove_file(&fetched.path).unwrap();
    std::fs::write(&fetched.path, b"rotten").unwrap();
    let again = place.fetch_locked(&url, &lock_of(&fetched)).unwrap();
    assert_eq!(std::fs::read(&again.path).unwrap(), hello());
    assert!(place.recorder.told().iter().any(|d| d.code == "cache-damaged"));
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[test]
fn several_at_once_fetch_once() {
    let (address, requests) = serve(|_, _, stream| {
        std::thread::sleep(Duration::from_millis(300));
        respond(stream, "200 OK", "", &hello());
    });
    let place = Place::new();
    let url = format!("{address}/hello.tar.gz");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| place.fetch(&url).unwrap().checksums)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Checksums::of(&hello()));
        }
    });
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[test]
fn the_size_is_shown_while_it_runs() {
    #[derive(Default)]
    struct Meter(Mutex<Vec<String>>);
    impl Listener for Meter {
        fn tell(&self, _: Diagnostic) {}
        fn started(&self, what: &str, total: Option<u64>) {
            self.0.lock().unwrap().push(format!("started {what} {total:?}"));
        }
        fn progress(&self, _: &str, done: u64) {
            self.0.lock().unwrap().push(format!("progress {done}"));
        }
        fn finished(&self, what: &str) {
            self.0.lock().unwrap().push(format!("finished {what}"));
        }
    }
    let size = hello().len();
    let (address, _) = serve(|_, _, stream| respond(stream, "200 OK", "", &hello()));
    let (place, meter) = (Place::new(), Meter::default());
    let fetcher = Fetcher::new(place.options.clone(), &meter).unwrap();
    let wanted = source(Location::Url(format!("{address}/hello.tar.gz")));
    fetcher.fetch(&wanted, Path::new("."), &Lock::default()).unwrap();
    let told = meter.0.into_inner().unwrap();
    assert_eq!(told.first().unwrap(), &format!("started hello.tar.gz Some({size})"));
    assert!(told.contains(&format!("progress {size}")));
    assert_eq!(told.last().unwrap(), "finished hello.tar.gz");
}

/// Not a test of its own: what the tests below run in a process of their own.
#[test]
#[ignore]
fn child() {
    let variable = |name| std::env::var(name).unwrap();
    let options = Options { cache: Some(variable("TEST_CACHE").into()), ..Options::default() };
    let recorder = Recorder::default();
    let fetcher = Fetcher::new(options, &recorder).unwrap().with_patience(patience());
    let wanted = source(Location::Url(variable("TEST_URL")));
    let fetched = fetcher.fetch(&wanted, Path::new("."), &Lock::default()).unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), std::fs::read(variable("TEST_EXPECTED")).unwrap());
}

fn child_command(cache: &Path, url: &str, expected: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]);
    command.env("TEST_CACHE", cache).env("TEST_URL", url).env("TEST_EXPECTED", expected);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let (proxy, requests) = serve(|_, _, stream| respond(stream, "200 OK", "", &hello()));
    let place = Place::new();
    let expected = place.folder.path().join("expected");
    std::fs::write(&expected, hello()).unwrap();
    // a name that no resolver knows (RFC 2606): only a proxy can bring it
    let url = "http://upstream.invalid/hello.tar.gz";
    let status = child_command(&place.cache(), url, &expected).env("http_proxy", &proxy).status().unwrap();
    assert!(status.success());
    assert!(requests.lock().unwrap()[0].starts_with("get http://upstream.invalid/hello.tar.gz http/1.1"));
}

#[test]
fn several_processes_share_a_cache_and_a_killed_one_leaves_nothing_under_a_final_name() {
    let body = big();
    let bytes = body.clone();
    let (address, requests) = serve(move |number, head, stream| match number {
        0 => {
            respond_short(stream, "ETag: \"x\"\r\n", &bytes, 120_000);
            std::thread::sleep(Duration::from_secs(60));
        }
        _ => respond_range(stream, head, "ETag: \"x\"\r\n", &bytes),
    });
    let place = Place::new();
    let expected = place.folder.path().join("expected");
    std::fs::write(&expected, &body).unwrap();
    let url = format!("{address}/big.tar.gz");
    let mut victim = child_command(&place.cache(), &url, &expected).spawn().unwrap();
    let partial = place.cache().join("partial");
    let arrived =
        || std::fs::read_dir(&partial).into_iter().flatten().flatten().any(|e| e.metadata().unwrap().len() == 120_000);
    let start = Instant::now();
    while !arrived() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(!place.cache().join("sha256").exists());
    let mut others: Vec<_> = (0..3).map(|_| child_command(&place.cache(), &url, &expected).spawn().unwrap()).collect();
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    let requests = requests.lock().unwrap();
    assert!(requests[1].contains("range: bytes=120000-"), "{}", requests[1]);
    // the others found it done, unless they came after the end
    assert!(requests.len() <= 4);
}
