use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body_util::Empty;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::{ClientCertificates, WebConfig};

/// For the whole question.
const TIMEOUT: Duration = Duration::from_secs(5);

type AnyError = Box<dyn Error + Send + Sync>;

/// Asks the daemon that listens on `address` whether it is ready; over TLS, where the daemon's web configuration at
/// `web_config` says so. The daemon must then show the very certificate that is in its `cert_file`, whatever names that
/// is for. `route_prefix` is the daemon's.
///
/// # Errors
/// Why it is not, in words.
pub async fn health(
    address: SocketAddr,
    web_config: Option<&Path>,
    route_prefix: &str,
) -> Result<(), String> {
    let ways = ways(web_config)?;
    let addresses = reachable(address);
    let mut asking: FuturesUnordered<_> =
        addresses.iter().map(|address| ask_all(*address, &ways, route_prefix)).collect();
    let mut outcome = Err(format!("no answer from {address} within {} seconds", TIMEOUT.as_secs()));
    let asked = async {
        while let Some(answer) = asking.next().await {
            // Any answer says more than none.
            if outcome.is_err() || answer.is_ok() {
                outcome = answer;
            }
            if matches!(outcome, Ok((_, StatusCode::OK))) {
                return;
            }
        }
    };
    let _elapsed = tokio::time::timeout(TIMEOUT, asked).await;
    match outcome? {
        (_, StatusCode::OK) => Ok(()),
        (address, StatusCode::SERVICE_UNAVAILABLE) => {
            Err(format!("not ready: the exporter at {address} has not polled everything once yet"))
        }
        (address, status) => Err(format!(
            "unexpected answer {status} from {address}: is this the exporter, and does it speak TLS (then give \
             --web.config.file)?"
        )),
    }
}

/// Asks at one address in every way, until there is an answer.
async fn ask_all(
    address: SocketAddr,
    ways: &[Way],
    prefix: &str,
) -> Result<(SocketAddr, StatusCode), String> {
    let mut outcome = Err(format!("there is no way to ask {address}"));
    for way in ways {
        outcome = match ask(address, way, prefix).await {
            Ok(status) => return Ok((address, status)),
            Err(error) => Err(format!("no answer from {address}: {error}")),
        };
    }
    outcome
}

/// How to ask.
enum Way {
    Plain,
    /// Over TLS, of whoever has this certificate; of anybody, where it is not known.
    Tls(Option<CertificateDer<'static>>),
}

/// The ways to try, one after another. A daemon goes on with its former web configuration while the file is broken, and
/// nothing that is asked here is secret: so both ways are tried then.
fn ways(web_config: Option<&Path>) -> Result<Vec<Way>, String> {
    let Some(path) = web_config else { return Ok(vec![Way::Plain]) };
    match WebConfig::load(path).map(|config| config.tls) {
        Ok(None) => Ok(vec![Way::Plain]),
        Ok(Some(tls)) if tls.clients == ClientCertificates::Required => Err(
            "cannot ask: the web configuration requires certificates of clients (client_auth_type), and this command \
             has none; use VerifyClientCertIfGiven, or a probe that has one"
                .to_owned(),
        ),
        Ok(Some(tls)) => Ok(vec![Way::Tls(Some(tls.certificate))]),
        Err(_) => Ok(vec![Way::Tls(None), Way::Plain]),
    }
}

/// Where to ask a server that listens on `address`: one that listens on every address is asked on the loopback ones. Of both
/// families where it listens on both, as the machine may have only one of them.
fn reachable(address: SocketAddr) -> Vec<SocketAddr> {
    let at = |ip: IpAddr| SocketAddr::new(ip, address.port());
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => vec![at(Ipv4Addr::LOCALHOST.into())],
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            vec![at(Ipv4Addr::LOCALHOST.into()), at(Ipv6Addr::LOCALHOST.into())]
        }
        _ => vec![address],
    }
}

async fn ask(address: SocketAddr, way: &Way, prefix: &str) -> Result<StatusCode, AnyError> {
    let stream = TcpStream::connect(address).await?;
    match way {
        Way::Plain => ready(stream, address, prefix).await,
        Way::Tls(pinned) => {
            let verifier =
                Pinned { certificate: pinned.clone(), provider: rustls::crypto::ring::default_provider() };
            let config = ClientConfig::builder_with_provider(Arc::new(verifier.provider.clone()))
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth();
            let name = ServerName::IpAddress(address.ip().into());
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
            ready(stream, address, prefix).await
        }
    }
}

async fn ready(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    prefix: &str,
) -> Result<StatusCode, AnyError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(format!("{prefix}/-/ready"))
        .header(HOST, address.to_string())
        .body(Empty::<bytes::Bytes>::new())?;
    let answer = async { Ok(sender.send_request(request).await?.status()) };
    tokio::select! {
        status = answer => status,
        ended = connection => { ended?; Err("the connection was closed without an answer".into()) }
    }
}

/// Takes one certificate and no other, or any where none is known. That the server has its key is verified in either
/// case.
#[derive(Debug)]
struct Pinned {
    certificate: Option<CertificateDer<'static>>,
    provider: CryptoProvider,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.certificate {
            Some(certificate) if certificate != end_entity => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
