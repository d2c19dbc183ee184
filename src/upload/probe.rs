//! Whether a destination can be reached and is what it should be, by what it says
//! before anybody has said anything: FTP's greeting (RFC 959 §5.4), SSH's
//! identification (RFC 4253 §4.2). Nothing is sent, nobody logs in.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;

use rustix::fs::Access;

use super::connect::connect;
use super::target::{Way, way_of_ssh};
use super::trouble::{of_socket, quoted};
use super::{Destination, Method, Options, Stage, TransferError, ftp};

const SSH: u16 = 22;
/// Lines that may precede the identification, and bytes of all of them.
const MOST_LINES: usize = 50;
const MOST_BYTES: u64 = 16 << 10;

/// What was heard of it, for people: `220 Launchpad upload server`. Waits as long as
/// `options` says, once for the connection and once for the words.
pub fn probe(destination: &Destination, options: &Options) -> Result<String, TransferError> {
    match destination.method {
        Method::Ftp => ftp::greeting(destination, options),
        Method::Sftp => identification(destination, options),
        Method::Http => connects(destination, 80, options),
        Method::Https => connects(destination, 443, options),
        Method::Local => folder(destination),
    }
}

/// As OpenSSH's configuration leads there; a way through another program or host is
/// ssh's own, and not gone here.
fn identification(destination: &Destination, options: &Options) -> Result<String, TransferError> {
    let way = way_of_ssh(&destination.host, destination.port);
    let (host, port) = match way {
        Some(Way { through: Some(through), .. }) => return Ok(format!("not tried: ssh goes by {through}")),
        Some(Way { host, port, .. }) => (host, port),
        None => (destination.host.clone(), destination.port.unwrap_or(SSH)),
    };
    let stream = connect(&host, port, options)?;
    let fail = |e: &std::io::Error| TransferError::retry(Stage::Connect, of_socket(e, &host, options.timeouts.idle));
    let mut reader = BufReader::new(stream).take(MOST_BYTES);
    let mut first = None;
    for _ in 0..MOST_LINES {
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).map_err(|e| fail(&e))?;
        let text = String::from_utf8_lossy(&line).trim_end().to_string();
        if text.starts_with("SSH-") {
            return Ok(quoted(&text));
        }
        if read == 0 {
            break;
        }
        first.get_or_insert(text);
    }
    match first {
        None => Err(fail(&ErrorKind::UnexpectedEof.into())),
        Some(said) => {
            Err(TransferError::other_way(Stage::Connect, format!("{host} does not speak SSH: {}", quoted(&said))))
        }
    }
}

/// A server of HTTP says nothing unasked.
fn connects(destination: &Destination, port: u16, options: &Options) -> Result<String, TransferError> {
    let stream: TcpStream = connect(&destination.host, destination.port.unwrap_or(port), options)?;
    let peer = stream.peer_addr().map(|address| address.to_string()).unwrap_or_default();
    Ok(format!("connects to {peer}"))
}

fn folder(destination: &Destination) -> Result<String, TransferError> {
    let fail = |why: String| TransferError::hopeless(Stage::Connect, why);
    let path = std::path::Path::new(&destination.folder);
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => Err(fail("it is no folder".to_string())),
        Ok(_) => match rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Ok("can be written to".to_string()),
            Err(error) => Err(fail(format!("it cannot be written to: {error}"))),
        },
        Err(error) => Err(fail(error.to_string())),
    }
}
