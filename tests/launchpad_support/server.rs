//! The HTTP of the stand-in: one request for each connection, and every way of
//! not answering it well.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Fault, State, service};

/// An answer before it is sent.
pub struct Answer {
    pub status: &'static str,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: &'static str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer { status, headers: format!("Content-Type: {kind}\r\n"), body: body.into() }
    }

    pub fn json(value: &serde_json::Value) -> Answer {
        Answer::new("200 OK", "application/json", value.to_string())
    }

    /// Errors of the service are text, not JSON.
    pub fn text(status: &'static str, text: impl Into<String>) -> Answer {
        Answer::new(status, "text/plain;charset=utf-8", text.into())
    }

    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

/// Serves until the process ends; tells its address.
pub fn serve(state: Arc<Mutex<State>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = Arc::clone(&state);
            std::thread::spawn(move || converse(stream, &state));
        }
    });
    address
}

fn converse(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    let Some(target) = head.split(' ').nth(1).map(str::to_string) else { return };
    let tag = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("if-none-match").then(|| value.to_string())
    });
    let (fault, answer) = {
        let mut state = state.lock().unwrap_or_else(|e| e.into_inner());
        state.requests.push(format!("GET {target}"));
        if !head.starts_with("GET ") || head.to_lowercase().contains("\r\nauthorization:") {
            state.violations.push(format!("not an anonymous GET: {head}"));
        }
        if state.down {
            return;
        }
        let place = state.faults.iter().position(|(part, _)| target.contains(part.as_str()));
        let fault = place.map(|place| state.faults.remove(place).1);
        (fault, service::answer(&mut state, &target, tag.as_deref()))
    };
    respond(&mut stream, fault, answer);
    // the other side reads to the end before it sees the connection close
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = reader.read(&mut [0; 16]);
}

fn respond(stream: &mut TcpStream, fault: Option<Fault>, answer: Answer) {
    match fault {
        None => send(stream, &answer, answer.body.len()),
        Some(Fault::Busy(seconds)) => {
            let busy = Answer::text("503 Service Unavailable", "RequestExpired")
                .header("X-Lazr-OopsId", "OOPS-5f6a2b3c4d")
                .header("Retry-After", &seconds.to_string());
            send(stream, &busy, busy.body.len());
        }
        Some(Fault::Slow(time)) => {
            std::thread::sleep(time);
            send(stream, &answer, answer.body.len());
        }
        Some(Fault::Half) => send(stream, &answer, answer.body.len() / 2),
        Some(Fault::HalfUnannounced) => {
            let half = &answer.body[..answer.body.len() / 2];
            let head = format!("HTTP/1.1 {}\r\nConnection: close\r\n{}\r\n", answer.status, answer.headers);
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(half));
        }
        Some(Fault::Dribble(time)) => dribble(stream, &answer, time),
        Some(Fault::Hangup) => {}
        Some(Fault::Redirect(to)) => {
            let moved = Answer::text("302 Found", "").header("Location", &to);
            send(stream, &moved, 0);
        }
        Some(Fault::Portal) => {
            let page = Answer::new("200 OK", "text/html", "<html><body>Please log in</body></html>");
            send(stream, &page, page.body.len());
        }
        Some(Fault::Text(status, text)) => {
            let answer = Answer::text(status, text);
            send(stream, &answer, answer.body.len());
        }
    }
}

fn head(answer: &Answer) -> String {
    let length = answer.body.len();
    format!("HTTP/1.1 {}\r\nContent-Length: {length}\r\nConnection: close\r\n{}\r\n", answer.status, answer.headers)
}

fn send(stream: &mut TcpStream, answer: &Answer, bytes: usize) {
    let body = if answer.status.starts_with("304") { &[] } else { &answer.body[..bytes] };
    let head = if answer.status.starts_with("304") {
        format!("HTTP/1.1 {}\r\nConnection: close\r\n{}\r\n", answer.status, answer.headers)
    } else {
        head(answer)
    };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn dribble(stream: &mut TcpStream, answer: &Answer, time: Duration) {
    if stream.write_all(head(answer).as_bytes()).is_err() {
        return;
    }
    for byte in &answer.body {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(time);
    }
}
