//! The proxies that the environment names, and which requests go through them.
//!
//! A proxy that cannot be used is an error: going without it would reach places directly that are only to be reached by
//! proxy. `NO_PROXY` is read as curl and Go read it. Nothing of a name or password in a proxy's URL is ever shown.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use url::{Host, Position, Url};

/// The proxies of the environment. A clone is cheap.
#[derive(Clone, Default)]
pub struct Proxies(Arc<Choice>);

#[derive(Default)]
struct Choice {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// A proxy that is used. It is shown without a name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    variable: &'static str,
    url: Url,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.url.scheme(), &self.url[Position::BeforeHost..Position::AfterPort]);
        write!(f, "{scheme}://{host} ({})", self.variable)
    }
}

// Written by hand, as the URL may hold a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.0.http)
            .field("https", &self.0.https)
            .finish_non_exhaustive()
    }
}

/// A variable that names no usable proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}; unset it to go without a proxy")]
pub struct ProxyError {
    /// Which variable.
    pub variable: &'static str,
    /// What is wrong with it, without its value.
    pub problem: String,
}

/// Which requests a proxy is for, and by which variables, the first of which that is set counts.
const FOR_HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const FOR_HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What can be spoken to a proxy, with the port that is meant where none is given.
const SCHEMES: [(&str, u16); 6] =
    [("http", 80), ("https", 443), ("socks4", 1080), ("socks4a", 1080), ("socks5", 1080), ("socks5h", 1080)];

impl Proxies {
    /// The proxies of this process.
    ///
    /// # Errors
    /// Where a variable names no usable proxy.
    pub fn from_environment() -> Result<Self, ProxyError> {
        let names = FOR_HTTP.into_iter().chain(FOR_HTTPS).chain(EXCEPTIONS);
        let values = names.filter_map(|name| {
            // What is no text is no proxy either, and is rejected as such.
            std::env::var_os(name).map(|value| (name, value.to_string_lossy().into_owned()))
        });
        Self::of(&values.collect())
    }

    /// The proxies of such an environment. A variable that is set to nothing counts as not set.
    ///
    /// # Errors
    /// Where a variable names no usable proxy.
    pub fn of(environment: &BTreeMap<&str, String>) -> Result<Self, ProxyError> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = environment.get(name)?.trim();
                (!value.is_empty()).then_some((*name, value))
            })
        };
        let proxy = |names: &[&'static str]| {
            first(names)
                .map(|(variable, value)| match parse(value) {
                    Ok(url) => Ok(Proxy { variable, url }),
                    Err(problem) => Err(ProxyError { variable, problem }),
                })
                .transpose()
        };
        let exceptions = first(&EXCEPTIONS).map_or("", |(_, value)| value);
        Ok(Self(Arc::new(Choice {
            http: proxy(&FOR_HTTP)?,
            https: proxy(&FOR_HTTPS)?,
            exceptions: exceptions
                .split(|c: char| c == ',' || c.is_whitespace())
                .filter_map(Exception::parse)
                .collect(),
        })))
    }

    /// The proxy for a request; `None` where it goes there directly, as it always does to the loopback interface.
    #[must_use]
    pub fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "http" => self.0.http.as_ref()?,
            "https" => self.0.https.as_ref()?,
            _ => return None,
        };
        let host = url.host()?;
        let direct = is_loopback(&host)
            || self.0.exceptions.iter().any(|exception| exception.covers(&host, url.port_or_known_default()));
        (!direct).then_some(proxy)
    }

    /// Whether a request to `url` goes there directly though its scheme has a proxy.
    #[must_use]
    pub fn excepts(&self, url: &Url) -> bool {
        let has_proxy = if url.scheme() == "http" { self.0.http.is_some() } else { self.0.https.is_some() };
        has_proxy && self.for_url(url).is_none()
    }

    /// What is used for which scheme, a line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        [("http", &self.0.http), ("https", &self.0.https)].into_iter().filter_map(|(scheme, proxy)| {
            proxy.as_ref().map(|proxy| format!("{scheme} goes through the proxy {proxy}"))
        })
    }

    /// For the HTTP client.
    pub(super) fn interceptor(&self) -> reqwest::Proxy {
        let proxies = self.clone();
        reqwest::Proxy::custom(move |url| proxies.for_url(url).map(|proxy| proxy.url.clone()))
    }
}

/// A proxy's URL; without a scheme it is HTTP. The problem holds nothing of the value but a scheme.
fn parse(value: &str) -> Result<Url, String> {
    const EXAMPLE: &str = "such as http://proxy.example:3128";
    if value.starts_with(['"', '\'']) || value.ends_with(['"', '\'']) {
        return Err("has quotes around it that are part of the value: remove them".to_owned());
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return Err(format!(
            "has white space or control characters in it: it must be the URL of a proxy, {EXAMPLE}; in a password write \
             %20 for a space"
        ));
    }
    let written = value.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let port = match &written {
        None => 80,
        Some(scheme) => match SCHEMES.iter().find(|(known, _)| known == scheme) {
            Some((_, port)) => *port,
            None => {
                let is_plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let shown = if is_plain { format!(" {scheme}") } else { String::new() };
                return Err(format!(
                    "has the scheme{shown}, which no proxy speaks: give http, https, socks5 or socks5h, {EXAMPLE}"
                ));
            }
        },
    };
    let url = if written.is_some() { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
    let mut url = url.map_err(|_| {
        format!("is not the URL of a proxy, {EXAMPLE}; in a password write %23 for #, %2F for /, %3F for ? and %40 for @")
    })?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("names no host: it must be the URL of a proxy, {EXAMPLE}"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "has something behind the host and port: it must be the URL of a proxy, {EXAMPLE}; in a password write %23 for \
             #, %2F for / and %3F for ?"
        ));
    }
    if url.port() == Some(0) {
        return Err("has the port 0".to_owned());
    }
    // SOCKS has no port of its own in URLs.
    if url.port_or_known_default().is_none() {
        let _ = url.set_port(Some(port));
    }
    Ok(url)
}

/// An entry of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
struct Exception {
    what: What,
    /// `None`: any.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Everything,
    Network(IpNet),
    /// A domain and what is below it.
    Domain(String),
}

impl Exception {
    /// `None` for what can cover nothing.
    fn parse(entry: &str) -> Option<Self> {
        if let Some(what) = What::parse(entry) {
            return Some(Self { what, port: None });
        }
        let (host, port) = entry.rsplit_once(':')?;
        Some(Self { what: What::parse(host)?, port: Some(port.parse().ok()?) })
    }

    fn covers(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        if self.port.is_some() && self.port != port {
            return false;
        }
        match (&self.what, host) {
            (What::Everything, _) => true,
            (What::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::V4(*address)),
            (What::Network(network), Host::Ipv6(address)) => {
                network.contains(&address.to_canonical()) || network.contains(&IpAddr::V6(*address))
            }
            (What::Domain(domain), Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            _ => false,
        }
    }
}

impl What {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everything);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Self::Network(IpNet::from(address.to_canonical())));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Some(Self::Network(network));
        }
        let domain = text.strip_prefix('*').unwrap_or(text).trim_start_matches('.').trim_end_matches('.');
        // In the form in which URLs have them, small letters and punycode; anything but a name is none.
        match Host::parse(domain).ok()? {
            Host::Domain(domain) if !domain.contains('*') => Some(Self::Domain(domain)),
            _ => None,
        }
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&'static str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::of(&variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    fn shown(variables: &[(&'static str, &str)], url: &str) -> Option<String> {
        let proxies = of(variables).unwrap();
        proxies.for_url(&Url::parse(url).unwrap()).map(Proxy::to_string)
    }

    #[test]
    fn what_is_no_usable_proxy_is_rejected_by_name_without_its_value() {
        for value in [
            "htpp://user:canary@127.0.0.1:3128",
            "ftp://user:canary@proxy.test:3128",
            "file:///canary",
            "\"http://user:canary@proxy.test:3128\"",
            "'http://proxy.test:3128'",
            "http://proxy .test:3128",
            "http://user:canary word@proxy.test:3128",
            "http://user:canary#word@proxy.test:3128",
            "http://user:12/canary@proxy.test:3128",
            "http://user:12?canary@proxy.test:3128",
            "http://proxy.test:3128/canary",
            "http://proxy.test:port",
            "http://proxy.test:99999",
            "http://proxy.test:0",
            "http://:3128",
            "http://",
            "://canary",
            "user:canary://@proxy.test",
            "proxy.test\u{fffd}:3128",
        ] {
            for variable in
                ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
            {
                let error = of(&[(variable, value)]).unwrap_err();
                assert_eq!(error.variable, variable, "{value}");
                assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
            }
        }
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxy = "http://user:canary@proxy.test:3128";
        let through = |variable| Some(format!("http://proxy.test:3128 ({variable})"));
        let (plain, tls) = ("http://vendor.test/", "https://vendor.test/");
        assert_eq!(shown(&[("HTTPS_PROXY", proxy)], tls), through("HTTPS_PROXY"));
        assert_eq!(shown(&[("HTTPS_PROXY", proxy)], plain), None);
        assert_eq!(shown(&[("http_proxy", proxy)], plain), through("http_proxy"));
        assert_eq!(shown(&[("http_proxy", proxy)], tls), None);
        assert_eq!(shown(&[("ALL_PROXY", proxy)], tls), through("ALL_PROXY"));
        assert_eq!(shown(&[("all_proxy", proxy)], plain), through("all_proxy"));
        // Set to nothing is not set; one that is not needed need not be usable.
        assert_eq!(shown(&[("HTTPS_PROXY", " "), ("https_proxy", proxy)], tls), through("https_proxy"));
        let unused = [("HTTPS_PROXY", proxy), ("HTTP_PROXY", proxy), ("ALL_PROXY", "socks://127.0.0.1:1")];
        assert_eq!(shown(&unused, tls), through("HTTPS_PROXY"));
        // White space around it comes from files of variables.
        assert_eq!(shown(&[("HTTPS_PROXY", &format!("{proxy} "))], tls), through("HTTPS_PROXY"));
        for (value, text) in [
            ("proxy.test:3128", "http://proxy.test:3128 (HTTPS_PROXY)"),
            ("proxy.test", "http://proxy.test (HTTPS_PROXY)"),
            ("user:p@ss@proxy.test:1", "http://proxy.test:1 (HTTPS_PROXY)"),
            ("https://proxy.test/", "https://proxy.test (HTTPS_PROXY)"),
            ("SOCKS5H://[2001:db8::1]", "socks5h://[2001:db8::1]:1080 (HTTPS_PROXY)"),
        ] {
            assert_eq!(shown(&[("HTTPS_PROXY", value)], tls).as_deref(), Some(text));
        }
        for local in
            ["https://localhost/", "https://127.1.2.3/", "https://[::1]/", "https://[::ffff:127.0.0.1]/"]
        {
            assert_eq!(shown(&[("ALL_PROXY", proxy)], local), None, "{local}");
        }
        let lines: Vec<_> = of(&[("ALL_PROXY", proxy)]).unwrap().lines().collect();
        assert_eq!(lines[1], "https goes through the proxy http://proxy.test:3128 (ALL_PROXY)");
        let vendor = [("HTTPS_PROXY", proxy), ("NO_PROXY", ".vendor.test")];
        assert!(of(&vendor).unwrap().excepts(&Url::parse("https://api.vendor.test/v2").unwrap()));
        assert!(!of(&vendor).unwrap().excepts(&Url::parse("https://api.other.test/v2").unwrap()));
        assert!(!of(&vendor).unwrap().excepts(&Url::parse("http://api.vendor.test/v2").unwrap()));
        assert!(!format!("{:?}", of(&[("ALL_PROXY", proxy)])).contains("canary"));
    }

    #[test]
    fn exceptions_are_those_of_curl_and_go() {
        for (exceptions, direct, proxied) in [
            ("*", "https://vendor.test/", None),
            ("vendor.test", "https://vendor.test/", Some("https://notvendor.test/")),
            ("vendor.test", "https://api.vendor.test/", Some("https://vendor.test.evil/")),
            (".vendor.test", "https://api.vendor.test/", Some("https://other.test/")),
            (".vendor.test", "https://vendor.test/", None),
            ("*.vendor.test", "https://api.vendor.test/", Some("https://notvendor.test/")),
            ("Vendor.TEST.", "https://VENDOR.test./", None),
            ("vendor.test:443", "https://vendor.test/", Some("https://vendor.test:8443/")),
            ("*.vendor.test:8443", "https://a.b.vendor.test:8443/", Some("https://a.b.vendor.test/")),
            ("other.test, vendor.test", "https://vendor.test/", None),
            ("other.test vendor.test", "https://vendor.test/", None),
            (",,vendor.test,", "https://vendor.test/", None),
            ("192.0.2.7", "https://192.0.2.7/", Some("https://192.0.2.77/")),
            ("192.0.2.7:443", "https://192.0.2.7/", Some("https://192.0.2.7:1/")),
            ("192.0.2.0/24", "https://192.0.2.7/", Some("https://192.0.3.7/")),
            ("2001:db8::1", "https://[2001:db8::1]/", Some("https://[2001:db8::2]/")),
            ("[2001:db8::1]", "https://[2001:db8::1]/", None),
            ("[2001:db8::1]:443", "https://[2001:db8::1]/", Some("https://[2001:db8::1]:1/")),
            ("2001:db8::/32", "https://[2001:db8:5::1]/", Some("https://[2001:db9::1]/")),
            ("192.0.2.7", "https://[::ffff:192.0.2.7]/", None),
            ("b\u{fc}cher.test", "https://api.xn--bcher-kva.test/", None),
        ] {
            let variables = [("HTTPS_PROXY", "http://proxy.test:3128"), ("NO_PROXY", exceptions)];
            assert_eq!(shown(&variables, direct), None, "{exceptions}: {direct}");
            if let Some(proxied) = proxied {
                assert!(shown(&variables, proxied).is_some(), "{exceptions}: {proxied}");
            }
        }
        // What covers nothing.
        for exceptions in ["", "10.0.0.0/99", "https://vendor.test", "vendor.*", "vendor.test:http", "*:*"] {
            let variables = [("HTTPS_PROXY", "http://proxy.test:3128"), ("no_proxy", exceptions)];
            assert!(shown(&variables, "https://vendor.test/").is_some(), "{exceptions}");
        }
    }
}
