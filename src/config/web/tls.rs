use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::files::Files;
use crate::config::errors::Errors;
use crate::config::reader::{Section, Text};
use crate::config::value;

/// What TLS needs, whole and consistent.
#[derive(Clone)]
pub struct Tls {
    /// For the listeners.
    pub server: Arc<ServerConfig>,
    /// The certificate that clients are shown, without the chain behind it.
    pub certificate: CertificateDer<'static>,
    /// What clients have to show.
    pub clients: ClientCertificates,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("clients", &self.clients).finish_non_exhaustive()
    }
}

/// Whether clients have to show certificates, the weakest demand first. Those that are shown are always verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked for any.
    NotAsked,
    /// They may show one.
    Optional,
    /// They must show one.
    Required,
}

/// Reads the table of TLS; `None` where it is not there, or has an error.
pub(super) fn read(
    mut section: Section,
    directory: &Path,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<Tls> {
    if section.is_empty() {
        return None;
    }
    let places = (section.place("cert_file"), section.place("key_file"), section.place("max_version"));
    let chain = section.required_text("cert_file", errors);
    let chain = chain.and_then(|text| certificates(text, directory, files, errors));
    let key = section.required_text("key_file", errors);
    let key = key.and_then(|text| private_key(text, directory, files, errors));
    let (clients, verifier) = clients(&mut section, directory, files, errors);
    let least = section.parsed("min_version", version, errors).unwrap_or(TlsVersion::Tls12);
    let most = section.parsed("max_version", version, errors).unwrap_or(TlsVersion::Tls13);
    let versions: &[&SupportedProtocolVersion] = match (least, most) {
        (TlsVersion::Tls12, TlsVersion::Tls13) => &[&TLS13, &TLS12],
        (TlsVersion::Tls12, TlsVersion::Tls12) => &[&TLS12],
        (TlsVersion::Tls13, TlsVersion::Tls13) => &[&TLS13],
        (TlsVersion::Tls13, TlsVersion::Tls12) => {
            errors.add(places.2, "is lower than min_version");
            &[]
        }
    };
    for (key, advice) in UNSUPPORTED {
        section.unsupported(key, advice, errors);
    }
    section.finish(errors);

    let (chain, key, verifier) = (chain?, key?, verifier?);
    let certificate = chain.first()?.clone();
    let is_p521 = is_p521(key.secret_der());
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).ok()?;
    let built = builder.with_client_cert_verifier(verifier).with_single_cert(chain, key);
    let mut server = match built {
        Ok(server) => server,
        Err(rustls::Error::InconsistentKeys(_)) => {
            errors.add(places.1, "names a key that does not belong to the certificate in cert_file");
            return None;
        }
        Err(rustls::Error::InvalidCertificate(_)) => {
            errors.add(places.0, "names a file whose first certificate cannot be understood");
            return None;
        }
        Err(_) => {
            errors.add(places.1, unusable(is_p521));
            return None;
        }
    };
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Tls { server: Arc::new(server), certificate, clients, min_version: least })
}

/// What to do about a key that cannot be used.
fn unusable(is_p521: bool) -> &'static str {
    if is_p521 {
        "names an ECDSA key on the curve P-521 (secp521r1), which is not supported: make one on P-256 or P-384"
    } else {
        "names a key of a kind that cannot be used: make an RSA key of 2048 bits or more, an ECDSA key on P-256 or P-384, or an Ed25519 key"
    }
}

/// Whether a private key in DER names the curve P-521.
fn is_p521(key: &[u8]) -> bool {
    /// The object identifier 1.3.132.0.35, with its tag and length.
    const P521: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
    key.windows(P521.len()).any(|window| window == P521)
}

/// Keys of the format that are not taken, each with what to do.
const UNSUPPORTED: [(&str, &str); 7] = [
    ("cert", "put the certificate in a file that cert_file names"),
    ("key", "put the key in a file that key_file names"),
    ("client_ca", "put the certificates in a file that client_ca_file names"),
    ("client_allowed_sans", "remove it, and use a CA of its own for the clients that may connect"),
    ("cipher_suites", "remove it; only suites with forward secrecy and authenticated encryption are used"),
    ("curve_preferences", "remove it; X25519, P-256 and P-384 are used"),
    ("prefer_server_cipher_suites", "remove it; every suite that is used is a good one"),
];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A version of TLS, older ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

fn version(text: &str) -> Result<TlsVersion, String> {
    match text {
        "TLS12" => Ok(TlsVersion::Tls12),
        "TLS13" => Ok(TlsVersion::Tls13),
        "TLS10" | "TLS11" => Err("is too old to be supported: write TLS12 or TLS13".to_owned()),
        _ => Err("must be TLS12 or TLS13".to_owned()),
    }
}

type Verifier = Arc<dyn ClientCertVerifier>;

/// What clients have to show, and who verifies it: `None` where that has an error.
fn clients(
    section: &mut Section,
    directory: &Path,
    files: &mut Files,
    errors: &mut Errors,
) -> (ClientCertificates, Option<Verifier>) {
    let places = (section.place("client_auth_type"), section.place("client_ca_file"));
    let has_policy = section.has("client_auth_type");
    let policy = section.parsed("client_auth_type", policy, errors);
    let has_roots = section.has("client_ca_file");
    let text = section.text("client_ca_file", errors);
    let roots = text.and_then(|text| roots(text, directory, files, errors));
    let clients = match policy {
        Some(clients) => clients,
        None if has_policy => return (ClientCertificates::Required, None),
        None => ClientCertificates::NotAsked,
    };
    if clients == ClientCertificates::NotAsked {
        if has_roots {
            errors.add(
                places.0,
                "must be RequireAndVerifyClientCert or VerifyClientCertIfGiven if client_ca_file is set",
            );
        }
        return (clients, Some(WebPkiClientVerifier::no_client_auth()));
    }
    if !has_roots {
        errors.add(places.1, "is not set: client_auth_type needs the certificates of the clients' CA");
    }
    let verifier = roots.and_then(|roots| {
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        if clients == ClientCertificates::Optional {
            builder = builder.allow_unauthenticated();
        }
        builder.build().ok()
    });
    (clients, verifier)
}

/// The names are Go's.
fn policy(text: &str) -> Result<ClientCertificates, String> {
    match text {
        "NoClientCert" => Ok(ClientCertificates::NotAsked),
        "VerifyClientCertIfGiven" => Ok(ClientCertificates::Optional),
        "RequireAndVerifyClientCert" => Ok(ClientCertificates::Required),
        "RequestClientCert" | "RequireAnyClientCert" | "RequireClientCert" => Err(
            "is not supported, as it takes any certificate without verifying it: write RequireAndVerifyClientCert"
                .to_owned(),
        ),
        _ => Err("must be NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert".to_owned()),
    }
}

/// A file's bytes.
fn read_file(
    text: &Text,
    directory: &Path,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let read = files.read(&directory.join(&text.text));
    read.map_err(|problem| {
        errors.add(text.place.as_str(), value::cannot_read(&text.text, problem));
    })
    .ok()
}

fn certificates(
    text: Text,
    directory: &Path,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<Vec<CertificateDer<'static>>> {
    let pem = read_file(&text, directory, files, errors)?;
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Some(chain),
        Ok(_) => {
            errors.add(text.place, "names a file without a certificate in it: it must be PEM");
            None
        }
        Err(_) => {
            errors
                .add(text.place, "names a file with a certificate in it that cannot be read: it must be PEM");
            None
        }
    }
}

fn private_key(
    text: Text,
    directory: &Path,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<PrivateKeyDer<'static>> {
    let pem = read_file(&text, directory, files, errors)?;
    let key = PrivateKeyDer::from_pem_slice(&pem);
    if key.is_err() {
        errors.add(text.place, "names a file without a private key in it: it must be PEM, not encrypted");
    }
    key.ok()
}

fn roots(text: Text, directory: &Path, files: &mut Files, errors: &mut Errors) -> Option<RootCertStore> {
    let place = text.place.clone();
    let mut roots = RootCertStore::empty();
    for certificate in certificates(text, directory, files, errors)? {
        if roots.add(certificate).is_err() {
            errors.add(place, "names a file with a certificate in it that cannot be understood");
            return None;
        }
    }
    Some(roots)
}
