//! A TCP connection to a host: all its addresses in the resolver's order, in a
//! limited time altogether.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::upload::{Family, Options, Stage, TransferError};

/// Connects, and gives the socket its time-outs.
pub(crate) fn connect(host: &str, port: u16, options: &Options) -> Result<TcpStream, TransferError> {
    let fail = |reason: String| TransferError::retry(Stage::Connect, reason);
    let found = (host, port).to_socket_addrs().map_err(|e| fail(format!("{host} has no address: {e}")))?;
    let addresses: Vec<SocketAddr> = found.filter(|a| is_wanted(a, options.family)).collect();
    let deadline = Instant::now() + options.timeouts.connect;
    let mut why = format!("{host} has no address of the wanted kind");
    for (index, address) in addresses.iter().enumerate() {
        let waiting = u32::try_from(addresses.len() - index).unwrap_or(1);
        let share = deadline.saturating_duration_since(Instant::now()) / waiting;
        match connect_to(address, share.max(Duration::from_millis(1)), options) {
            Ok(stream) => return Ok(stream),
            Err(e) => why = format!("cannot connect to {host} ({address}): {e}"),
        }
    }
    Err(fail(why))
}

/// The same for one address.
pub(crate) fn connect_to(address: &SocketAddr, wait: Duration, options: &Options) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, wait)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(options.timeouts.idle))?;
    stream.set_write_timeout(Some(options.timeouts.idle))?;
    Ok(stream)
}

fn is_wanted(address: &SocketAddr, family: Option<Family>) -> bool {
    match family {
        None => true,
        Some(Family::V4) => address.is_ipv4(),
        Some(Family::V6) => address.is_ipv6(),
    }
}
