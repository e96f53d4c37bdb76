//! Asks a real Prometheus what the dashboards ask.

use std::time::{Duration, SystemTime};

use reqwest::Client;
use serde_json::Value;
use url::Url;

use super::model::{Dashboard, Variable, load};

/// Panels that may have nothing to draw, and why.
const MAY_BE_EMPTY: [(&str, &str, &str); 6] = [
    ("lyvecloud-overview", "Collectors that fail", "every collector may work"),
    ("lyvecloud-account", "Permissions that are not ready", "every permission may be ready"),
    ("lyvecloud-exporter", "Failures in the time range", "no poll may have failed"),
    ("lyvecloud-exporter", "Series left out", "nothing may have been left out"),
    ("lyvecloud-exporter", "Latency of the API", "between two scrapes no request may have been made"),
    ("lyvecloud-exporter", "Latency, by endpoint", "between two scrapes no request may have been made"),
];

/// Runs every query of every dashboard against the Prometheus at `prometheus_url`, which has scraped the exporter.
pub(crate) async fn every_query_answers(prometheus_url: &str) {
    let prometheus = Prometheus::new(prometheus_url);
    let mut faults = Vec::new();
    for dashboard in load() {
        for (place, fault) in faults_of(&prometheus, &dashboard).await {
            faults.push(format!("{}: {place}: {fault}", dashboard.uid()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

async fn faults_of(prometheus: &Prometheus, dashboard: &Dashboard) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    // What each variable stands for; where one value is chosen, every one is tried, as no account has everything.
    let mut choices = vec![vec![
        ("__rate_interval".to_owned(), "5m".to_owned()),
        ("__interval".to_owned(), "15s".to_owned()),
        ("__range".to_owned(), "1h".to_owned()),
    ]];
    for variable in dashboard.variables() {
        let name = variable.name();
        let values = match variable.kind() {
            "query" => match prometheus.values(&variable, &choices).await {
                Ok(values) if values.is_empty() => Err("no value".to_owned()),
                Ok(_) if variable.json()["multi"] == true => Ok(vec![".+".to_owned()]),
                other => other,
            },
            "custom" => Ok(vec!["10".to_owned()]),
            _ => continue,
        };
        match values {
            Ok(values) => {
                choices = choices
                    .iter()
                    .flat_map(|choice| {
                        values.iter().map(move |value| {
                            let mut choice = choice.clone();
                            choice.push((name.to_owned(), value.clone()));
                            choice
                        })
                    })
                    .collect();
            }
            Err(fault) => faults.push((format!("${name}"), fault)),
        }
    }
    for panel in dashboard.panels() {
        let may_be_empty =
            MAY_BE_EMPTY.iter().any(|(uid, title, _)| *uid == dashboard.uid() && *title == panel.title());
        for target in panel.targets() {
            let expression = target["expr"].as_str().expect("expr");
            let mut drawn = false;
            for choice in &choices {
                match prometheus.draws(&substitute(expression, choice), target["instant"] == true).await {
                    Ok(draws) => drawn |= draws,
                    Err(fault) => faults.push((panel.title().to_owned(), format!("{fault} in {expression}"))),
                }
            }
            if !drawn && !may_be_empty {
                faults.push((panel.title().to_owned(), format!("nothing to draw: {expression}")));
            }
        }
    }
    faults
}

fn substitute(expression: &str, choice: &[(String, String)]) -> String {
    choice.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}

struct Prometheus {
    client: Client,
    base: Url,
}

impl Prometheus {
    fn new(base: &str) -> Self {
        // The address is http, but the client wants to know what it would trust: nobody.
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let base = Url::parse(base).unwrap();
        Self { client, base }
    }

    /// The values that a variable offers, under any of the choices made so far.
    async fn values(
        &self,
        variable: &Variable<'_>,
        choices: &[Vec<(String, String)>],
    ) -> Result<Vec<String>, String> {
        let (series, label) = variable.label_values().ok_or("not label_values(series, label)")?;
        let mut values = Vec::new();
        for choice in choices {
            let matching = [("match[]", substitute(series, choice))];
            let data = self.get(&format!("api/v1/label/{label}/values"), &matching).await?;
            let found = data.as_array().ok_or("no list of values")?;
            values.extend(found.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        Ok(values)
    }

    /// Whether a query gives at least one number.
    async fn draws(&self, query: &str, instant: bool) -> Result<bool, String> {
        let now = now();
        let data = if instant {
            self.get("api/v1/query", &[("query", query.to_owned()), ("time", now.to_string())]).await?
        } else {
            let range = [
                ("query", query.to_owned()),
                ("start", (now - 900).to_string()),
                ("end", now.to_string()),
                ("step", "5".to_owned()),
            ];
            self.get("api/v1/query_range", &range).await?
        };
        let series = data["result"].as_array().ok_or("no result")?;
        let number = |sample: &Value| sample[1].as_str().is_some_and(|value| value != "NaN");
        Ok(series.iter().any(|series| {
            number(&series["value"]) || series["values"].as_array().is_some_and(|all| all.iter().any(number))
        }))
    }

    async fn get(&self, path: &str, parameters: &[(&str, String)]) -> Result<Value, String> {
        let mut url = self.base.join(path).map_err(|fault| fault.to_string())?;
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = self.client.get(url).send().await.map_err(|fault| fault.to_string())?;
        let body = answer.bytes().await.map_err(|fault| fault.to_string())?;
        let mut json: Value = serde_json::from_slice(&body).map_err(|fault| fault.to_string())?;
        match json["status"].as_str() {
            Some("success") => Ok(json["data"].take()),
            _ => Err(json["error"].as_str().unwrap_or("no error was named").to_owned()),
        }
    }
}

/// Seconds of the Unix epoch: Prometheus keeps real time, so a set clock would ask for samples that are not there.
#[expect(clippy::disallowed_methods, reason = "it is Prometheus's clock that is asked here")]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn what_may_be_empty_is_there() {
    let dashboards = load();
    for (uid, title, _) in MAY_BE_EMPTY {
        let found = dashboards
            .iter()
            .filter(|dashboard| dashboard.uid() == uid)
            .any(|dashboard| dashboard.panels().any(|panel| panel.title() == title));
        assert!(found, "{uid} has no panel {title}");
    }
}
