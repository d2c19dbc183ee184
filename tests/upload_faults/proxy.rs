//! A proxy on loopback that breaks at a given byte or command: it stands for the
//! network between pkgr and a daemon. For FTP it also carries the data
//! connections, whose ports it rewrites in the answers to EPSV and PASV.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// When a client comes.
    Greeting,
    /// After so many bytes from the client on the (control) connection.
    Up(u64),
    /// After so many bytes to the client.
    Down(u64),
    /// After so many bytes on the n-th data connection, counted from 0.
    Data(usize, u64),
    /// Instead of the n-th answer of this code, counted from 0.
    Answer(&'static str, usize),
    /// Instead of the n-th command of this verb, counted from 0.
    Command(&'static str, usize),
}

/// How it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RST to both sides.
    Reset,
    /// FIN to both sides.
    Close,
    /// Nothing moves any more, and nobody is told.
    Stall,
    /// The daemon's side is gone, the client's side swallows.
    HalfOpen,
    /// This answer instead of the daemon's.
    Reply(&'static str),
}

/// What breaks, and whether for every connection or the first one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub point: Point,
    pub kind: Kind,
    pub always: bool,
}

/// How many bytes went by; of the last connection.
#[derive(Debug, Default)]
pub struct Traffic {
    pub connections: AtomicUsize,
    pub up: AtomicU64,
    pub down: AtomicU64,
    pub data: Mutex<Vec<u64>>,
}

/// A running proxy; it ends with the test's process.
pub struct Proxy {
    /// On 127.0.0.1.
    pub port: u16,
    pub traffic: Arc<Traffic>,
}

impl Proxy {
    /// In front of a daemon on 127.0.0.1.
    pub fn start(daemon: u16, is_ftp: bool, fault: Option<Fault>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let traffic = Arc::new(Traffic::default());
        let proxy = Proxy { port, traffic: Arc::clone(&traffic) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = traffic.connections.fetch_add(1, Ordering::SeqCst);
                let fault = fault.filter(|fault| fault.always || number == 0);
                traffic.up.store(0, Ordering::SeqCst);
                traffic.down.store(0, Ordering::SeqCst);
                traffic.data.lock().unwrap().clear();
                let traffic = Arc::clone(&traffic);
                thread::spawn(move || serve(client, daemon, is_ftp, fault, traffic));
            }
        });
        proxy
    }
}

struct Link {
    client: TcpStream,
    server: TcpStream,
    fault: Option<Fault>,
    traffic: Arc<Traffic>,
    /// Nothing is passed on any more.
    stalled: AtomicBool,
    data: Mutex<Vec<TcpStream>>,
    data_count: AtomicUsize,
}

fn serve(client: TcpStream, daemon: u16, is_ftp: bool, fault: Option<Fault>, traffic: Arc<Traffic>) {
    if let Some(Fault { point: Point::Greeting, kind, .. }) = fault {
        return greet(client, kind);
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", daemon)) else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let link = Arc::new(Link {
        client,
        server,
        fault,
        traffic,
        stalled: AtomicBool::new(false),
        data: Mutex::default(),
        data_count: AtomicUsize::new(0),
    });
    let other = Arc::clone(&link);
    let down = thread::spawn(move || if is_ftp { other.answers() } else { other.pump(false) });
    if is_ftp {
        link.commands()
    } else {
        link.pump(true)
    }
    // the client is gone, or the link broke
    link.end();
    let _ = down.join();
}

fn greet(mut client: TcpStream, kind: Kind) {
    match kind {
        Kind::Reply(text) => {
            let _ = client.write_all(format!("{text}\r\n").as_bytes());
        }
        Kind::Reset => reset(&client),
        Kind::Close => {}
        Kind::Stall | Kind::HalfOpen => swallow(&client),
    }
}

/// Sends RST: that is what connecting a connected socket to nothing does.
fn reset(stream: &TcpStream) {
    let _ = rustix::net::connect_unspec(stream);
}

/// Reads until the client has had enough.
fn swallow(client: &TcpStream) {
    let mut client = client;
    let mut block = [0; 4096];
    while client.read(&mut block).is_ok_and(|read| read > 0) {}
}

impl Link {
    fn end(&self) {
        for stream in self.data.lock().unwrap().iter().chain([&self.client, &self.server]) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Breaks the control connection; returns when the client is gone.
    fn break_down(&self, kind: Kind) {
        match kind {
            Kind::Reset => {
                reset(&self.client);
                reset(&self.server);
            }
            Kind::Close => self.end(),
            Kind::HalfOpen => {
                self.stalled.store(true, Ordering::SeqCst);
                let _ = self.server.shutdown(Shutdown::Both);
                swallow(&self.client);
            }
            Kind::Stall | Kind::Reply(_) => {
                self.stalled.store(true, Ordering::SeqCst);
                swallow(&self.client);
            }
        }
    }

    /// Passes bytes on, as many as may pass; false: it broke.
    fn pass(&self, mut to: &TcpStream, bytes: &[u8], counter: &AtomicU64, limit: Option<(u64, Kind)>) -> bool {
        if self.stalled.load(Ordering::SeqCst) {
            return true;
        }
        let before = counter.load(Ordering::SeqCst);
        let allowed = limit
            .map_or(bytes.len(), |(limit, _)| usize::try_from(limit.saturating_sub(before)).unwrap().min(bytes.len()));
        let passed = to.write_all(&bytes[..allowed]).is_ok();
        counter.fetch_add(allowed as u64, Ordering::SeqCst);
        match limit {
            Some((limit, kind)) if before + bytes.len() as u64 > limit => {
                self.break_down(kind);
                false
            }
            _ => passed,
        }
    }

    fn limit(&self, up: bool) -> Option<(u64, Kind)> {
        match self.fault? {
            Fault { point: Point::Up(bytes), kind, .. } if up => Some((bytes, kind)),
            Fault { point: Point::Down(bytes), kind, .. } if !up => Some((bytes, kind)),
            _ => None,
        }
    }

    /// One direction of a connection that is not looked into.
    fn pump(&self, up: bool) {
        let (mut from, to) = if up { (&self.client, &self.server) } else { (&self.server, &self.client) };
        let counter = if up { &self.traffic.up } else { &self.traffic.down };
        let mut block = [0; 16 << 10];
        loop {
            let read = match from.read(&mut block) {
                Ok(read) if read > 0 => read,
                _ => break,
            };
            if !self.pass(to, &block[..read], counter, self.limit(up)) {
                return;
            }
        }
        if !self.stalled.load(Ordering::SeqCst) {
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// What the client says, line by line.
    fn commands(&self) {
        let mut seen = Vec::<String>::new();
        lines(&self.client, |line| {
            let verb = String::from_utf8_lossy(line).split_whitespace().next().unwrap_or_default().to_uppercase();
            let number = seen.iter().filter(|other| **other == verb).count();
            seen.push(verb.clone());
            if let Some(Fault { point: Point::Command(command, nth), kind, .. }) = self.fault {
                if command == verb && nth == number {
                    if let Kind::Reply(text) = kind {
                        return (&self.client).write_all(format!("{text}\r\n").as_bytes()).is_ok();
                    }
                    self.break_down(kind);
                    return false;
                }
            }
            self.pass(&self.server, line, &self.traffic.up, self.limit(true))
        });
    }

    /// What the daemon answers, with the ports of data connections replaced.
    fn answers(self: &Arc<Link>) {
        let mut seen = 0;
        lines(&self.server, |line| {
            let text = String::from_utf8_lossy(line).into_owned();
            if let Some(Fault { point: Point::Answer(code, nth), kind, .. }) = self.fault {
                seen += usize::from(text.starts_with(code));
                if seen > nth {
                    self.break_down(kind);
                    return false;
                }
            }
            let line = match (text.starts_with("229 "), text.starts_with("227 ")) {
                (true, _) => {
                    self.with_port(&text, |port| format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"))
                }
                (_, true) => self.with_port(&text, |port| {
                    format!("227 Entering Passive Mode (127,0,0,1,{},{})\r\n", port >> 8, port & 255)
                }),
                _ => line.to_vec(),
            };
            self.pass(&self.client, &line, &self.traffic.down, self.limit(false))
        });
        if !self.stalled.load(Ordering::SeqCst) {
            let _ = self.client.shutdown(Shutdown::Write);
        }
    }

    fn with_port(self: &Arc<Link>, text: &str, written: impl Fn(u16) -> String) -> Vec<u8> {
        let inside = text.split('(').nth(1).unwrap().split(')').next().unwrap();
        let port: u16 = match text.starts_with("229") {
            true => inside.trim_matches('|').parse().unwrap(),
            false => {
                let numbers: Vec<u16> = inside.split(',').map(|n| n.parse().unwrap()).collect();
                (numbers[4] << 8) | numbers[5]
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let link = Arc::clone(self);
        thread::spawn(move || link.data(&listener, port));
        written(own).into_bytes()
    }

    /// One data connection.
    fn data(&self, listener: &TcpListener, port: u16) {
        let number = self.data_count.fetch_add(1, Ordering::SeqCst);
        let Ok((client, _)) = listener.accept() else { return };
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
        self.data.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        let (mut from, mut to) = (&client, &server);
        let mut block = [0; 16 << 10];
        let mut done = 0_u64;
        loop {
            let limit = match self.fault {
                Some(Fault { point: Point::Data(nth, bytes), kind, .. }) if nth == number => Some((bytes, kind)),
                _ => None,
            };
            if let Some((_, kind)) = limit.filter(|(limit, _)| done >= *limit) {
                return self.break_data(&client, &server, kind);
            }
            let read = match from.read(&mut block) {
                Ok(read) if read > 0 => read,
                _ => break,
            };
            let allowed = limit.map_or(read, |(limit, _)| usize::try_from(limit - done).unwrap().min(read));
            if to.write_all(&block[..allowed]).is_err() {
                break;
            }
            done += allowed as u64;
        }
        self.traffic.data.lock().unwrap().push(done);
        if !self.stalled.load(Ordering::SeqCst) {
            // the daemon closes what has ended, and the client looks for that
            let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
        }
    }

    /// Breaks a data connection; the control connection lives on.
    fn break_data(&self, client: &TcpStream, server: &TcpStream, kind: Kind) {
        match kind {
            Kind::Reset => {
                reset(client);
                reset(server);
            }
            Kind::Close => {
                let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
            }
            Kind::HalfOpen => {
                self.stalled.store(true, Ordering::SeqCst);
                let _ = server.shutdown(Shutdown::Both);
                swallow(client);
            }
            Kind::Stall | Kind::Reply(_) => {
                self.stalled.store(true, Ordering::SeqCst);
                // the sockets stay open until the client leaves
            }
        }
    }
}

/// Hands on each line with its end, until `take` says that it is enough.
fn lines(mut from: &TcpStream, mut take: impl FnMut(&[u8]) -> bool) {
    let mut held = Vec::new();
    let mut block = [0; 4096];
    loop {
        let read = match from.read(&mut block) {
            Ok(read) if read > 0 => read,
            _ => return,
        };
        held.extend_from_slice(&block[..read]);
        while let Some(end) = held.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = held.drain(..=end).collect();
            if !take(&line) {
                return;
            }
        }
    }
}
