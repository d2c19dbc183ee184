//! A small HTTP server that takes PUT requests, and answers them as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request.
#[derive(Debug, Clone)]
pub struct Put {
    /// `/incoming/name`.
    pub path: String,
    /// The Authorization field.
    pub authorization: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A running server; connections are counted.
pub struct PutServer {
    /// On 127.0.0.1.
    pub port: u16,
    puts: Arc<Mutex<Vec<Put>>>,
    connections: Arc<Mutex<usize>>,
}

impl PutServer {
    /// Starts one that answers each request with a status line and header fields:
    /// `201 Created`, or `302 Found\r\nLocation: …`.
    pub fn start(answer: impl Fn(&Put) -> String + Send + Sync + 'static) -> PutServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (puts, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let server = PutServer { port, puts: Arc::clone(&puts), connections: Arc::clone(&connections) };
        let answer = Arc::new(answer);
        // ends with the test's process
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *connections.lock().unwrap() += 1;
                let (puts, answer) = (Arc::clone(&puts), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &puts, &*answer));
            }
        });
        server
    }

    /// All requests so far.
    pub fn puts(&self) -> Vec<Put> {
        self.puts.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn serve(stream: TcpStream, puts: &Mutex<Vec<Put>>, answer: &dyn Fn(&Put) -> String) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(put) = read(&mut reader) {
        let head = format!("HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", answer(&put));
        puts.lock().unwrap().push(put);
        if writer.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Put> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.strip_prefix("PUT ")?.split(' ').next()?.to_string();
    let (mut length, mut authorization) = (None, None);
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        let Some((name, value)) = field.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<usize>().ok(),
            "authorization" => authorization = Some(value.to_string()),
            _ => {}
        }
    }
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    Some(Put { path, authorization, body })
}
