//! How far a request came, and what to do: one sentence each.

use serde::Serialize;

use super::probe::{Probe, Reached};
use crate::api::{ApiError, Asked, Settings};
use crate::model::Reason;

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The credentials could not be read.
    Secret,
    /// The name of the host has no address.
    Dns,
    /// No connection.
    Tcp,
    /// No connection through the proxy.
    Proxy,
    /// The certificate is not trusted, or the other side does not speak TLS.
    Tls,
    /// No whole answer in time.
    Time,
    /// What answered is not the vendor.
    Between,
    /// The vendor answered with an error.
    Status,
    /// The answer cannot be understood.
    Answer,
}

impl Step {
    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Secret => "credentials",
            Self::Dns => "DNS",
            Self::Tcp => "connection",
            Self::Proxy => "proxy",
            Self::Tls => "TLS",
            Self::Time => "time",
            Self::Between => "something in between",
            Self::Status => "vendor's answer",
            Self::Answer => "format",
        }
    }
}

/// How far the request came that failed like this.
pub(super) fn step(error: &ApiError, probe: Option<&Probe>) -> Step {
    match (error.reason, error.status) {
        (Reason::Tls, _) => Step::Tls,
        (Reason::Timeout, None) => Step::Time,
        (Reason::Connect, None) => match probe.map(|probe| probe.reached) {
            Some(Reached::NoAddress) => Step::Dns,
            Some(Reached::Proxy) => Step::Proxy,
            _ => Step::Tcp,
        },
        (Reason::Connect, Some(407)) => Step::Proxy,
        (Reason::Connect, Some(_)) => Step::Between,
        (Reason::Decode, _) => Step::Answer,
        (Reason::Auth, None) => Step::Secret,
        _ => Step::Status,
    }
}

/// What to do, in one sentence.
pub(super) fn advice(error: &ApiError, step: Step, settings: Settings, asked: &Asked) -> String {
    let Settings { address, credentials } = settings;
    match (step, error.reason) {
        (Step::Secret, _) => "Make the file or variable of the credentials readable for the exporter's user.".to_owned(),
        (Step::Dns, _) => format!("Check the host in {address}, and that this machine can resolve names of the internet."),
        (Step::Tcp, _) => "Ask for outbound TCP to this host and port, or set HTTPS_PROXY if connections go through a proxy.".to_owned(),
        (Step::Proxy, _) => "Check the proxy's URL, name and password, and that it lets this host through.".to_owned(),
        (Step::Tls, _) => "If a proxy of your network opens TLS, name its CA in ca_file; otherwise check the clock and the host.".to_owned(),
        (Step::Time, _) => "Raise poll.timeout; if that does not help, a firewall may be dropping packets.".to_owned(),
        (Step::Between, _) => format!("Check {address}, and ask who runs the proxy or firewall that gave this answer."),
        (Step::Answer, _) => "Run check --live --report=FILE and send the file to this project.".to_owned(),
        (Step::Status, Reason::Auth) => format!("Compare {credentials} with the console; if they have expired, generate new ones there."),
        (Step::Status, Reason::Forbidden) => asked.denied.to_owned(),
        (Step::Status, Reason::RateLimited) => "Wait some minutes, and poll less often.".to_owned(),
        (Step::Status, Reason::Server | Reason::Timeout) => {
            "Try again later; if it lasts, contact the vendor's support.".to_owned()
        }
        (Step::Status, _) => format!("Check {address}; if they are right, run check --live --report=FILE and send the file to this project."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api;
    use crate::model::Collector;

    #[test]
    fn advice_names_the_settings_of_the_collectors_api() {
        let advice_for = |collector: Collector, reason| {
            let declared = api::collectors().find(|declared| declared.collector == collector).unwrap();
            let asked = &declared.asks[0];
            let error = ApiError::new(reason, asked.endpoint, "why");
            advice(&error, Step::Status, declared.settings, asked)
        };
        for (collector, address, credentials) in [
            (Collector::PERMISSIONS, "Check base_url;", "Compare account_id, access_key and secret with"),
            (Collector::KEYS, "Check iam_url, s3_url and region;", "Compare access_key and secret with"),
        ] {
            let (wrong, rejected) =
                (advice_for(collector, Reason::Request), advice_for(collector, Reason::Auth));
            assert!(wrong.starts_with(address), "{wrong}");
            assert!(rejected.starts_with(credentials), "{rejected}");
        }
    }
}
