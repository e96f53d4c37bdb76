//! What a web configuration demands of clients and of connections, so that two can be compared.

use hyper::header::HeaderName;

use super::{Tls, WebConfig};

/// One demand: the key that makes it, how much it demands, and what a restart would then allow.
///
/// A larger number demands more. Zero demands nothing.
type Demand = (String, u8, &'static str);

impl WebConfig {
    /// Why this configuration may not replace `former` while the exporter runs: it demands less. A file that is cut short
    /// while it is written looks the same.
    #[must_use]
    pub fn weaker_than(&self, former: &Self) -> Option<String> {
        let now = self.demands();
        let strength = |key: &str| now.iter().find(|demand| demand.0 == key).map_or(0, |demand| demand.1);
        let lost = former.demands().into_iter().filter(|(key, before, _)| strength(key) < *before);
        let mut problems: Vec<String> = lost
            .map(|(key, _, allowed)| {
                format!("{key} is less strict than before: restart the exporter to {allowed}")
            })
            .collect();
        let value =
            |name: &HeaderName| self.headers.iter().find(|header| header.0 == *name).map(|header| &header.1);
        let cut = former.headers.iter().filter(|(name, before)| {
            value(name).is_some_and(|now| now != before && before.as_bytes().starts_with(now.as_bytes()))
        });
        problems.extend(cut.map(|(name, _)| {
            format!("{name} is only the start of its previous value: restart the exporter to use it")
        }));
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// Every demand. All fields are named, so a new one does not compile until it is decided what it protects.
    fn demands(&self) -> Vec<Demand> {
        let Self { tls, headers, users } = self;
        let mut demands = vec![demand(
            "basic_auth_users",
            u8::from(!users.is_empty()),
            "accept requests without a password",
        )];
        demands
            .extend(headers.iter().map(|(name, _)| demand(name.as_str(), 1, "answer without this header")));
        if let Some(tls) = tls {
            let Tls { server: _, certificate: _, clients, min_version } = tls;
            demands.push(demand("tls_server_config", 1, "serve without TLS"));
            demands.push(demand("client_auth_type", *clients as u8, "require less of clients"));
            demands.push(demand("min_version", *min_version as u8, "accept older versions of TLS"));
        }
        demands
    }
}

fn demand(key: &str, strength: u8, allowed: &'static str) -> Demand {
    (key.to_owned(), strength, allowed)
}
