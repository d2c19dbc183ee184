//! A long line: a proxy for FTP that passes on everything half a round trip later,
//! on the control connection and on the data connections that it announces.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A line to one server on 127.0.0.1.
pub struct Line {
    pub port: u16,
    data: Arc<AtomicUsize>,
}

impl Line {
    /// Opens it for any number of connections; it ends with the process.
    pub fn start(server: u16, delay: Duration) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let data = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&data);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let counted = Arc::clone(&counted);
                join(client, server, delay, move |reply| announced(reply, delay, &counted));
            }
        });
        Line { port, data }
    }

    /// How many data connections there were.
    pub fn data_connections(&self) -> usize {
        self.data.load(Ordering::Relaxed)
    }
}

/// Passes both directions on; what the server says goes through `rewrite`.
fn join(client: TcpStream, server: TcpStream, delay: Duration, rewrite: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    pass(clone(&client), clone(&server), delay, |bytes| bytes);
    pass(server, client, delay, rewrite);
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut block = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut block).unwrap_or(0);
            let bytes = if read > 0 { change(block[..read].to_vec()) } else { Vec::new() };
            if sender.send((Instant::now() + delay, bytes)).is_err() || read == 0 {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if bytes.is_empty() || to.write_all(&bytes).is_err() {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    });
}

/// A reply that announces a port, with a port of ours for it.
fn announced(reply: Vec<u8>, delay: Duration, counted: &Arc<AtomicUsize>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&reply).into_owned();
    let is_extended = text.starts_with("229");
    if !is_extended && !text.starts_with("227") {
        return reply;
    }
    let inside = text.split(['(', ')']).nth(1).expect("a port in parentheses");
    let port = if is_extended {
        inside.trim_matches('|').parse().expect("a port")
    } else {
        let fields: Vec<u8> = inside.split(',').map(|field| field.parse().expect("a number")).collect();
        u16::from_be_bytes([fields[4], fields[5]])
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let [high, low] = listener.local_addr().expect("an address").port().to_be_bytes();
    let counted = Arc::clone(counted);
    std::thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        counted.fetch_add(1, Ordering::Relaxed);
        let server = TcpStream::connect(("127.0.0.1", port)).expect("the server");
        join(client, server, delay, |bytes| bytes);
    });
    let ours = u16::from_be_bytes([high, low]);
    let text = if is_extended {
        format!("229 Entering Extended Passive Mode (|||{ours}|).\r\n")
    } else {
        format!("227 Entering Passive Mode (127,0,0,1,{high},{low}).\r\n")
    };
    text.into_bytes()
}
