use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use super::*;

/// `secret`, at the lowest cost.
const HASH: &str = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// A directory with certificates in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        place.write("ca.crt", &ca.pem());
        place.write("server.crt", &server.pem());
        place.write("server.key", &key.serialize_pem());
        place.write("other.key", &KeyPair::generate().unwrap().serialize_pem());
        place.write("text", "-----BEGIN NOTHING-----\n");
        place.write("broken.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        place
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn load(&self, text: &str) -> Result<WebConfig, ConfigErrors> {
        self.write("web.yaml", text);
        WebConfig::load(&self.0.path().join("web.yaml"))
    }

    fn errors(&self, text: &str) -> Vec<String> {
        self.load(text).unwrap_err().all().iter().map(ToString::to_string).collect()
    }
}

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

#[test]
fn the_example_is_good() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/web-config.yaml");
    let config = WebConfig::load(&path).unwrap();
    assert!(config.tls.is_none() && config.headers.is_empty());
    assert!(config.users["prometheus"].matches(b"example"));

    // What is commented out there is good as well, with certificates beside it.
    let text = std::fs::read_to_string(&path).unwrap();
    let commented_in: String = text
        .lines()
        .skip_while(|line| !line.is_empty())
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line)))
        .collect();
    let place = Place::new();
    std::fs::copy(place.0.path().join("ca.crt"), place.0.path().join("clients-ca.crt")).unwrap();
    let config = place.load(&commented_in).unwrap();
    assert_eq!(config.tls.unwrap().clients, ClientCertificates::Required);
    assert_eq!(config.headers.len(), HEADERS.len());
}

#[test]
fn a_file_without_anything_protects_nothing() {
    let place = Place::new();
    for text in
        ["", "\n# only a comment\n", "tls_server_config:\n", "tls_server_config: {}\nbasic_auth_users: {}\n"]
    {
        let config = place.load(text).unwrap();
        assert!(config.tls.is_none() && config.headers.is_empty() && config.users.is_empty(), "{text}");
    }
}

#[test]
fn everything_that_is_supported_is_taken() {
    let place = Place::new();
    let config = place
        .load(&format!(
            "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  min_version: TLS13\n\
             http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: SameOrigin\n    \
             Strict-Transport-Security: max-age=1\n    X-XSS-Protection: ''\n\
             basic_auth_users:\n  Alice: {HASH}\n  bob@example.com: {HASH}\n  \"007\": {HASH}\n"
        ))
        .unwrap();
    let tls = config.tls.unwrap();
    assert_eq!(tls.clients, ClientCertificates::Required);
    assert_eq!(tls.server.alpn_protocols, [b"http/1.1"]);
    let headers: Vec<_> = config.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    assert_eq!(headers, [("x-frame-options", "SameOrigin"), ("strict-transport-security", "max-age=1")]);
    assert_eq!(config.users.keys().collect::<Vec<_>>(), ["007", "Alice", "bob@example.com"]);

    for (policy, clients) in [
        ("NoClientCert", ClientCertificates::NotAsked),
        ("VerifyClientCertIfGiven\n  client_ca_file: ca.crt", ClientCertificates::Optional),
    ] {
        let config = place.load(&format!("{TLS}  client_auth_type: {policy}\n")).unwrap();
        assert_eq!(config.tls.unwrap().clients, clients);
    }
    for versions in ["min_version: TLS12", "max_version: TLS12", "max_version: TLS13"] {
        assert!(place.load(&format!("{TLS}  {versions}\n")).unwrap().tls.is_some(), "{versions}");
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let place = Place::new();
    let errors = place.errors(
        "tls_server_config:\n  cert_file: none.crt\n  client_auth_type: RequestClientCert\n  min_version: TLS10\n  \
         cipher_suites: [TLS_AES_128_GCM_SHA256]\n  cert_fiel: x\n\
         http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: allow\n    x-canary: y\n\
         basic_auth_users:\n  alice: canary\n  bob:\nrate_limit:\n  burst: 20\nusers: {}\n",
    );
    assert_eq!(
        errors,
        [
            "tls_server_config.cert_file: names a file that cannot be read (No such file or directory): check its path and permissions",
            "tls_server_config.key_file: is not set",
            "tls_server_config.client_auth_type: is not supported, as it takes any certificate without verifying it: \
             write RequireAndVerifyClientCert",
            "tls_server_config.min_version: is too old to be supported: write TLS12 or TLS13",
            "tls_server_config.cipher_suites: is not supported: remove it; only suites with forward secrecy and \
             authenticated encryption are used",
            "tls_server_config.cert_fiel: is not a known key; did you mean `cert_file`?",
            "http_server_config.http2: is not supported: only HTTP/1.1 is; write false, or remove the key",
            "http_server_config.headers.X-Frame-Options: must be deny or sameorigin",
            "http_server_config.headers.x-canary: is not a known key; known: Content-Security-Policy, \
             X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security",
            "basic_auth_users.alice: is not a bcrypt hash: make one with `htpasswd -nBC 10 NAME`, and take what follows \
             the name; a plain password is not allowed here",
            "basic_auth_users.bob: is empty: give it a value, or remove the key",
            "rate_limit: is not supported: remove it; a scrape costs little, and the number of connections is limited",
            "users: is not a known key; known: tls_server_config, http_server_config, basic_auth_users, rate_limit",
        ]
    );
}

#[test]
fn each_error_of_tls_has_its_words() {
    let place = Place::new();
    for (text, error) in [
        ("cert_file: server.crt", "tls_server_config.key_file: is not set"),
        (
            "cert_file: server.crt\n  key_file: other.key",
            "tls_server_config.key_file: names a key that does not belong to the certificate in cert_file",
        ),
        (
            "cert_file: server.key\n  key_file: server.key",
            "tls_server_config.cert_file: names a file without a certificate in it: it must be PEM",
        ),
        (
            "cert_file: broken.crt\n  key_file: server.key",
            "tls_server_config.cert_file: names a file whose first certificate cannot be understood",
        ),
        (
            "cert_file: server.crt\n  key_file: server.crt",
            "tls_server_config.key_file: names a file without a private key in it: it must be PEM, not encrypted",
        ),
        (
            "cert_file: .\n  key_file: server.key",
            "tls_server_config.cert_file: names a file that cannot be read (it is not a regular file): check its path and permissions",
        ),
        (
            "cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt",
            "tls_server_config.client_auth_type: must be RequireAndVerifyClientCert or VerifyClientCertIfGiven if client_ca_file is set",
        ),
        (
            "cert_file: server.crt\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert",
            "tls_server_config.client_ca_file: is not set: client_auth_type needs the certificates of the clients' CA",
        ),
        (
            "cert_file: server.crt\n  key_file: server.key\n  client_auth_type: Always",
            "tls_server_config.client_auth_type: must be NoClientCert, VerifyClientCertIfGiven or \
             RequireAndVerifyClientCert",
        ),
        (
            "cert_file: server.crt\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n  \
             client_ca_file: broken.crt",
            "tls_server_config.client_ca_file: names a file with a certificate in it that cannot be understood",
        ),
        (
            "cert_file: server.crt\n  key_file: server.key\n  min_version: TLS13\n  max_version: TLS12",
            "tls_server_config.max_version: is lower than min_version",
        ),
        (
            "cert_file: server.crt\n  key_file: server.key\n  cert: canary",
            "tls_server_config.cert: is not supported: put the certificate in a file that cert_file names",
        ),
    ] {
        assert_eq!(place.errors(&format!("tls_server_config:\n  {text}\n")), [error]);
    }
}

#[test]
fn a_file_that_cannot_be_read_or_parsed_is_named_but_never_quoted() {
    let place = Place::new();
    let path = place.0.path().join("web.yaml");
    for (text, problem) in [
        ("basic_auth_users: [canary", "is not valid YAML"),
        ("canary", "must be a table of keys at its top"),
        ("rate_limit: 1\nrate_limit: 2\n", "is not valid YAML"),
    ] {
        let errors = place.errors(text);
        let [error] = &errors[..] else { panic!("{errors:?}") };
        assert!(
            error.starts_with(&format!("the web configuration file {} {problem}", path.display())),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
    assert_eq!(
        WebConfig::load(Path::new("/nonexistent/web.yaml")).unwrap_err().to_string(),
        "configuration has 1 error:\n  1. the web configuration file /nonexistent/web.yaml cannot be read: No such \
         file or directory"
    );
}

#[test]
fn names_that_no_client_can_send_and_hashes_in_the_place_of_names_are_rejected() {
    let place = Place::new();
    let errors = place.errors(&format!("basic_auth_users:\n  \"a:b\": {HASH}\n  \"{HASH}\": alice\n"));
    assert_eq!(errors.len(), 2);
    assert!(
        errors.iter().all(|error| error.starts_with("basic_auth_users.(a name not shown here): ")),
        "{errors:?}"
    );
}

#[test]
fn stamps_notice_a_change_of_any_file() {
    let place = Place::new();
    place.write("web.yaml", TLS);
    let path = place.0.path().join("web.yaml");
    for name in ["web.yaml", "server.crt", "server.key"] {
        let (config, stamps) = WebConfig::load_stamped(&path);
        assert!(config.is_ok() && stamps.hold());
        let text = std::fs::read_to_string(place.0.path().join(name)).unwrap();
        place.write(name, &format!("{text}\n"));
        assert!(!stamps.hold(), "{name}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_demands_no_less() {
    let place = Place::new();
    let tls = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  min_version: TLS13\n"
    );
    let other_order = tls.replace("  cert_file: server.crt\n  key_file: server.key\n", "")
        + "  cert_file: server.crt\n  key_file: server.key\n";
    let users = format!("basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n");
    let headers = "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=31536000\n    X-Frame-Options: deny\n";
    for parts in [[&tls, &users, headers], [headers, &other_order, &users], [&users, headers, &tls]] {
        let text = parts.concat();
        let whole = place.load(&text).unwrap();
        assert_eq!(whole.weaker_than(&whole), None);
        let mut rejected = 0;
        for length in 0..text.len() {
            let Ok(cut) = place.load(&text[..length]) else { continue };
            if cut.weaker_than(&whole).is_some() {
                rejected += 1;
                continue;
            }
            let tls = cut.tls.expect("TLS");
            assert_eq!(tls.clients, ClientCertificates::Required, "{length}");
            assert_eq!(tls.min_version, TlsVersion::Tls13, "{length}");
            assert!(!cut.users.is_empty(), "{length}");
            assert_eq!(cut.headers, whole.headers, "{length}");
        }
        assert!(rejected > 10, "{rejected} beginnings are good files that demand less");
    }
}

#[test]
fn a_demand_may_grow_and_its_content_may_change() {
    let place = Place::new();
    let open = place.load("").unwrap();
    let tls = place.load(TLS).unwrap();
    let strict = format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n");
    let strict = place.load(&strict).unwrap();
    let users = |name: &str| place.load(&format!("basic_auth_users:\n  {name}: {HASH}\n")).unwrap();
    for (former, new) in
        [(&open, &tls), (&tls, &strict), (&open, &users("alice")), (&users("alice"), &users("bob"))]
    {
        assert_eq!(new.weaker_than(former), None);
    }
    let why = tls.weaker_than(&strict).unwrap();
    assert_eq!(
        why,
        "client_auth_type is less strict than before: restart the exporter to require less of clients"
    );
    assert!(open.weaker_than(&users("alice")).unwrap().contains("basic_auth_users"));
}

/// A key on P-521, as OpenSSL makes it; nothing uses it.
const P521_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBqXSQsgZDUE7qnqTy\n\
    TZIzq55RhSTJk9iUKLwH5BzUB1QHCCZgBCBKJxdH/H7nSNiRjR17VM0ITNf+Ue3g\n\
    Sh7i1zqhgYkDgYYABAG8lHkePNbNnnHZgu5AshdbkUPAJl6PMgQlUi7VkqDn93c+\n\
    QUs3hUe5VqYWg0FhfRYvQBEHRxCzUVNPrP8amVsmPgD8/MbxKkHirIRdrH2Lvou4\n\
    SxgNZoMN47lMslrCXPg+TykBKqPQiasrLPXIbDZw/aY+rMYbLiXrowtT1BlB08YH\n\
    ig==\n\
    -----END PRIVATE KEY-----\n";

#[test]
fn a_key_on_a_curve_that_is_not_supported_is_called_by_its_name() {
    let place = Place::new();
    place.write("server.key", P521_KEY);
    let errors = place.errors(TLS);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("key_file: names an ECDSA key on the curve P-521"), "{errors:?}");
    assert!(errors[0].ends_with("make one on P-256 or P-384"), "{errors:?}");
}
