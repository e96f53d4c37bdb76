//! A closer look at connections that failed: whether the name has an address, and whether anything listens there.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Position, Url};

use super::ask::Asked;
use crate::api::Proxies;
use crate::config::Config;
use crate::model::Reason;

/// How long each look may take.
const WAIT: Duration = Duration::from_secs(5);

/// What a closer look at one host found.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The host, with a port that is not the scheme's own.
    pub host: String,
    /// How far a connection came.
    pub reached: Reached,
    /// The same in words.
    pub found: String,
}

/// How far a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Its name has no address.
    NoAddress,
    /// It has addresses, and none takes a connection.
    Address,
    /// Something takes a connection.
    Listener,
    /// The way goes through a proxy, which is as far as can be looked.
    Proxy,
}

/// Looks at the hosts to which connections failed.
pub(super) async fn probe(asked: &Asked, config: &Config, proxies: &Proxies) -> Vec<Probe> {
    let failed = |name: &str| {
        asked.polls.iter().any(|(account, _, outcome)| {
            let error = outcome.as_ref().err();
            **account == *name && error.is_some_and(|e| e.reason == Reason::Connect && e.status.is_none())
        })
    };
    let mut urls: BTreeMap<String, Url> = BTreeMap::new();
    for account in config.accounts.iter().filter(|account| failed(&account.name)) {
        for url in account.api.urls() {
            let host = url[Position::BeforeHost..Position::AfterPort].to_owned();
            urls.entry(host).or_insert_with(|| url.clone());
        }
    }
    let mut probes = Vec::new();
    for (host, url) in urls {
        let (reached, found) = match proxies.for_url(&url) {
            Some(proxy) => (Reached::Proxy, format!("connections go through the proxy {proxy}")),
            None => look(&url).await,
        };
        probes.push(Probe { host, reached, found });
    }
    probes
}

async fn look(url: &Url) -> (Reached, String) {
    let name = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses: Vec<_> = match timeout(WAIT, lookup_host((name.trim_matches(['[', ']']), port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => Vec::new(),
    };
    if addresses.is_empty() {
        return (Reached::NoAddress, format!("the name {name} has no address"));
    }
    let mut why = String::new();
    for address in &addresses {
        match timeout(WAIT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                return (Reached::Listener, format!("{name} is {}, which takes connections", address.ip()));
            }
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = format!("no answer within {WAIT:?}"),
        }
    }
    let ips: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    // An address says nothing more of itself.
    let known_as = if matches!(url.host(), Some(Host::Domain(_))) {
        format!("{name} is {}; ", ips.join(", "))
    } else {
        String::new()
    };
    (Reached::Address, format!("{known_as}TCP to port {port}: {why}"))
}
