//! What systemd wants to hear of a service, and the sockets that it hands over. Where systemd did not start the program,
//! nothing happens here.

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tracing::warn;

/// The sockets that systemd listens on for this process, of a `.socket` unit.
///
/// They are taken once: the variables that name them are gone afterwards.
///
/// # Errors
/// Where there is none, or one of them is no stream socket.
pub fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut handed = ListenFd::from_env();
    let mut listeners = Vec::with_capacity(handed.len());
    for index in 0..handed.len() {
        if let Some(listener) = handed.take_tcp_listener(index)? {
            listener.set_nonblocking(true)?;
            listeners.push(TcpListener::from_std(listener)?);
        }
    }
    if listeners.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "systemd passed no socket; start lyve-cloud-exporter.socket, or leave out --web.systemd-socket",
        ));
    }
    Ok(listeners)
}

/// Tells systemd that every socket is bound, that what was kept is taken up, and that requests are answered.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// Tells systemd that the program is about to end.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

/// Tells systemd again and again that the runtime still gets work done, where the unit has `WatchdogSec`; never ends.
pub async fn watchdog() {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| *limit > Duration::ZERO) else {
        return std::future::pending().await;
    };
    // Twice within the limit, as systemd's manual asks for.
    let mut ticks = tokio::time::interval(limit / 2);
    loop {
        ticks.tick().await;
        tell(NotifyState::Watchdog);
    }
}

fn tell(state: NotifyState<'_>) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&name, &format!("{state}\n")) {
        warn!(%error, "cannot notify systemd");
    }
}

fn send(name: &OsStr, message: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A service manager that is too slow must not stop the exporter.
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    socket.send_to_addr(message.as_bytes(), &address(name)?).map(drop)
}

/// The address of a socket as `NOTIFY_SOCKET` has it: a path, or, behind `@`, a name without a file.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
        return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}
