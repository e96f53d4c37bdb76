use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::Empty;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// For the whole question.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the daemon that listens on `address` whether it is ready.
///
/// # Errors
/// Why it is not, in words.
pub async fn health(address: SocketAddr) -> Result<(), String> {
    let address = reachable(address);
    match tokio::time::timeout(TIMEOUT, ask(address)).await {
        Ok(Ok(StatusCode::OK)) => Ok(()),
        Ok(Ok(StatusCode::SERVICE_UNAVAILABLE)) => {
            Err(format!("not ready: the exporter at {address} has not polled everything once yet"))
        }
        Ok(Ok(status)) => Err(format!("unexpected answer {status} from {address}: is this the exporter?")),
        Ok(Err(error)) => Err(format!("no answer from {address}: {error}")),
        Err(_elapsed) => Err(format!("no answer from {address} within {} seconds", TIMEOUT.as_secs())),
    }
}

/// A server that listens on every address is asked on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn ask(address: SocketAddr) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request =
        Request::get("/-/ready").header(HOST, address.to_string()).body(Empty::<bytes::Bytes>::new())?;
    let answer = async { Ok(sender.send_request(request).await?.status()) };
    tokio::select! {
        status = answer => status,
        ended = connection => { ended?; Err("the connection was closed without an answer".into()) }
    }
}
