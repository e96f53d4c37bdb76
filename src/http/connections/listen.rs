use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be accepted, where the system allows as many. What comes beyond that is dropped and tried
/// again by its client after a second or more, so a crowd that connects all at once would hold up a scrape for as long.
const WAITING: u32 = 4096;

/// Listens on `address`. Every address of the machine (`[::]`) means both families, or IPv4 alone where the machine has no
/// IPv6.
///
/// # Errors
/// Where the address is taken, or cannot be had.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    listen(address).or_else(|error| match address.ip() {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) if error.kind() != io::ErrorKind::AddrInUse => {
            listen((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        _ => Err(error),
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A process that is started again need not wait until the connections of the one before it are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}
