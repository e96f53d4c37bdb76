use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How many connections may wait to be accepted, where the system allows as many. What comes beyond that is dropped and tried
/// again by its client after a second or more, so a crowd that connects all at once would hold up a scrape for as long.
const WAITING: i32 = 4096;

/// Listens on `address`. Every address of the machine (`[::]`) means both families, whatever `net.ipv6.bindv6only` says, or
/// IPv4 alone where the machine has no IPv6.
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
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A process that is started again need not wait until the connections of the one before it are forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(WAITING)?;
    TcpListener::from_std(socket.into())
}
