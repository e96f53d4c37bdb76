use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use crate::config::without_mark;
use crate::text::acts;

/// Why a [`Transport`](super::Transport) could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The file of certificates cannot be read.
    #[error("cannot read the certificates in {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of certificates holds none, or a broken one.
    #[error("{path} is no file of PEM certificates: {problem}")]
    Certificates {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<str>,
    },
    /// The HTTP client rejected its settings.
    #[error("cannot set up the HTTP client: {0}")]
    Setup(Box<str>),
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] super::ProxyError),
}

/// What the system trusts. Finding nothing is no failure here: it matters only to a TLS connection, which then fails
/// and says so.
pub(super) fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let problem = found.errors.first().map(ToString::to_string);
        tracing::warn!(
            problem = problem.as_deref().unwrap_or("none found"),
            "no certificate of the system can be used; TLS needs ca_file"
        );
    } else if unusable > 0 {
        tracing::debug!(unusable, "some certificates of the system cannot be used");
    }
    roots
}

/// TLS 1.2 and 1.3, trusting `system` and what is in `ca_file`. Without that, the system's certificates are shared.
pub(super) fn client_config(
    system: &Arc<RootCertStore>,
    ca_file: Option<&Path>,
) -> Result<ClientConfig, TransportError> {
    let mut roots = Arc::clone(system);
    let brought = match ca_file {
        Some(path) => add_file(Arc::make_mut(&mut roots), path)?,
        None => Vec::new(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| TransportError::Setup(error.to_string().into()))?;
    if roots.is_empty() {
        return Ok(versions.with_root_certificates(roots).with_no_client_auth());
    }
    let verifier = Verifier::new(roots, brought, provider)?;
    Ok(versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// A certificate whose issuer is not trusted, with the name of the issuer.
#[derive(Debug, thiserror::Error)]
#[error("it was issued by {issuer:?}, which is not trusted here")]
pub(super) struct NotTrusted {
    issuer: String,
}

impl NotTrusted {
    /// The longest name that is shown.
    const LONGEST: usize = 64;

    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
        let issuer = Self::name(parsed.issuer())?;
        Some(Self { issuer })
    }

    /// The common name in a distinguished name (DER), or its organization.
    fn name(name: &[u8]) -> Option<String> {
        // The object identifiers 2.5.4.3 and 2.5.4.10.
        let parts = [[6, 3, 0x55, 4, 3], [6, 3, 0x55, 4, 10]];
        parts.iter().find_map(|identifier| {
            let at = name.windows(identifier.len()).position(|window| window == identifier)?;
            // Behind it are the kind of text, its length, and the text.
            let [_, length, text @ ..] = name.get(at + identifier.len()..)? else { return None };
            let text = std::str::from_utf8(text.get(..usize::from(*length))?).ok()?;
            Some(text.chars().filter(|c| !acts(*c)).take(Self::LONGEST).collect())
        })
    }
}

/// Trusts what the library trusts, and names the issuer of what it does not.
///
/// It also trusts a server whose own certificate was brought along although it is one of an authority: that is what
/// `openssl req -x509` makes, and other programs take it. Its dates and name are checked like any other's.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(
        roots: Arc<RootCertStore>,
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TransportError> {
        let usual = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| TransportError::Setup(error.to_string().into()))?;
        Ok(Self { usual, certificates })
    }
}

/// Whether a certificate was rejected for being an authority's, and for nothing else. Its dates are looked at before that.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    other.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.usual.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            Err(error) if is_authority(&error) && self.certificates.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let named = NotTrusted::of(certificate).map(|named| OtherError(Arc::new(named)));
                Err(Error::InvalidCertificate(
                    named.map_or(CertificateError::UnknownIssuer, CertificateError::Other),
                ))
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Adds the certificates in a file, and gives them.
fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let broken =
        |problem: String| TransportError::Certificates { path: path.to_owned(), problem: problem.into() };
    let text =
        std::fs::read(path).map_err(|source| TransportError::Unreadable { path: path.to_owned(), source })?;
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(without_mark(&text)) {
        // The parser's own words can hold a part of the file, which may be a key by mistake.
        let certificate = certificate.map_err(|_| broken("broken PEM".to_owned()))?;
        roots.add(certificate.clone()).map_err(|error| broken(error.to_string()))?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(broken("no certificate in it".to_owned()));
    }
    Ok(certificates)
}
