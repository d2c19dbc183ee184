//! A server on loopback for the files of one folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The paths that were asked for, in their order.
pub type Requests = Arc<Mutex<Vec<String>>>;

/// Answers with the files below a folder; one request for each connection.
pub fn serve(folder: PathBuf) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let log = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folder, log) = (folder.clone(), Arc::clone(&log));
            std::thread::spawn(move || answer(stream, &folder, &log));
        }
    });
    (address, requests)
}

fn answer(mut stream: TcpStream, folder: &Path, log: &Requests) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    let Some(path) = head.split(' ').nth(1) else { return };
    let path = path.trim_start_matches('/').replace("%2B", "+").replace("%7E", "~");
    log.lock().unwrap().push(path.clone());
    let (status, body) = match fs::read(folder.join(&path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", b"no such file".to_vec()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
