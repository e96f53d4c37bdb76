use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

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
    /// The HTTP client refused its settings.
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
    if let Some(path) = ca_file {
        add_file(Arc::make_mut(&mut roots), path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| TransportError::Setup(error.to_string().into()))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TransportError> {
    let broken =
        |problem: String| TransportError::Certificates { path: path.to_owned(), problem: problem.into() };
    let text =
        std::fs::read(path).map_err(|source| TransportError::Unreadable { path: path.to_owned(), source })?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        // The parser's own words can hold a part of the file, which may be a key by mistake.
        let certificate = certificate.map_err(|_| broken("broken PEM".to_owned()))?;
        roots.add(certificate).map_err(|error| broken(error.to_string()))?;
        count += 1;
    }
    if count == 0 {
        return Err(broken("no certificate in it".to_owned()));
    }
    Ok(())
}
