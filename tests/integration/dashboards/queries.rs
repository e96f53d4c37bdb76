//! Asks a real Prometheus what the dashboards ask.

use std::time::{Duration, SystemTime};

use reqwest::Client;
use serde_json::Value;
use url::Url;

use super::exported::made_by_the_rules;
use super::model::{self, Dashboard, Variable, load};

/// Panels that may have nothing to draw, and why.
const MAY_BE_EMPTY: [(&str, &str, &str); 13] = [
    ("lyvecloud-overview", "Stored now", "every account may have a figure"),
    ("lyvecloud-overview", "Collectors that fail", "between two scrapes no poll may have failed"),
    ("lyvecloud-exporter", "Collectors that fail", "between two scrapes no poll may have failed"),
    ("lyvecloud-account", "Which are not ready", "every permission may be ready"),
    ("lyvecloud-credentials", "Access keys", "no account may have keys without a date of rotation"),
    ("lyvecloud-exporter", "Failed polls an hour, by reason", "between two scrapes no poll may have failed"),
    ("lyvecloud-exporter", "Web configuration", "the demo has none"),
    ("lyvecloud-exporter", "State file", "the demo has none"),
    ("lyvecloud-exporter", "Notifications not delivered", "the demo sends none"),
    ("lyvecloud-exporter", "Posts to Alertmanagers an hour", "the demo sends none"),
    ("lyvecloud-exporter", "Series left out", "nothing may have been left out"),
    (
        "lyvecloud-exporter",
        "Latency of the vendor's API",
        "between two scrapes no request may have been made",
    ),
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

/// With all jobs chosen, every query gives what it gives with the exporter's job alone, although the Prometheus scrapes
/// others, too.
///
/// # Panics
///
/// Where one takes in something of another target, naming all of them.
pub(crate) async fn no_query_takes_in_another_target(prometheus_url: &str, job: &str) {
    let prometheus = Prometheus::new(prometheus_url);
    let time = now();
    let mut faults = Vec::new();
    for dashboard in load() {
        for panel in dashboard.panels() {
            for expression in panel.expressions() {
                let mut answers = Vec::new();
                for job in [".+", job] {
                    answers.push(prometheus.of_job(&expression, job, time).await.map(sorted));
                }
                if answers[0] != answers[1] {
                    faults.push(format!("{}: {}: {expression}", dashboard.uid(), panel.title()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is drawn of an account, a bucket and so on says of which exporter it is, and with all jobs chosen there is what
/// there is with each of them.
///
/// # Panics
///
/// Where a query merges what two exporters show, naming all of them.
pub(crate) async fn exporters_stay_apart(prometheus_url: &str, jobs: [&str; 2]) {
    const OF_ONE: [&str; 8] = [
        "account",
        "bucket",
        "credential_id",
        "permission",
        "permission_type",
        "service_account_id",
        "sub_account_id",
        "user",
    ];
    let prometheus = Prometheus::new(prometheus_url);
    let time = now();
    // What depends on all that is chosen: the first few, and shares of a sum.
    let of_all = regex::Regex::new(r"topk\(\d{1,2},|bottomk\(\d{1,2},|scalar\(").unwrap();
    let mut faults = Vec::new();
    let mut checked = 0;
    for dashboard in load() {
        for panel in dashboard.panels() {
            for expression in panel.expressions() {
                let fault =
                    |what: &str| format!("{}: {}: {what}: {expression}", dashboard.uid(), panel.title());
                let all = match prometheus.of_job(&expression, ".+", time).await {
                    Ok(data) => data,
                    Err(error) => {
                        faults.push(fault(&error));
                        continue;
                    }
                };
                let series = all["result"].as_array().unwrap().clone();
                // A ranking's rest is one sum over all.
                let named: Vec<&Value> = series
                    .iter()
                    .filter(|one| OF_ONE.iter().any(|label| one["metric"].get(label).is_some()))
                    .filter(|one| !one.to_string().contains("all others"))
                    .collect();
                if named.is_empty() {
                    continue;
                }
                checked += 1;
                if named.iter().any(|one| one["metric"].get("job").is_none()) {
                    faults.push(fault("merges two exporters"));
                } else if !of_all.is_match(&expression) {
                    let mut each = Vec::new();
                    for job in jobs {
                        each.extend(sorted(prometheus.of_job(&expression, job, time).await.unwrap()));
                    }
                    each.sort();
                    if sorted(all) != each {
                        faults.push(fault("differs with all jobs chosen"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 50, "only {checked} queries drew something of an account");
}

/// The series of an answer, in an order of their own.
fn sorted(mut data: Value) -> Vec<String> {
    let series = data["result"].take();
    let mut series: Vec<_> = series.as_array().into_iter().flatten().map(Value::to_string).collect();
    series.sort();
    series
}

async fn faults_of(prometheus: &Prometheus, dashboard: &Dashboard) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    // What each variable stands for; where one value is chosen, every one is tried, as no account has everything.
    let mut choices =
        vec![vec![("__rate_interval".to_owned(), "5m".to_owned()), ("__range".to_owned(), "1h".to_owned())]];
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
            // The rules need days of figures.
            let by_rules = model::selectors(expression).iter().any(|one| made_by_the_rules(&one.name));
            let mut drawn = false;
            for choice in &choices {
                match prometheus.draws(&substitute(expression, choice), target["instant"] == true).await {
                    Ok(draws) => drawn |= draws,
                    Err(fault) => faults.push((panel.title().to_owned(), format!("{fault} in {expression}"))),
                }
            }
            if !drawn && !may_be_empty && !by_rules {
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

    /// What a panel's query gives with one job chosen, or with all, and everything else.
    async fn of_job(&self, expression: &str, job: &str, time: u64) -> Result<Value, String> {
        let choice = [
            ("__rate_interval", "15s"),
            ("__range", "15s"),
            ("top", "1000"),
            ("job", job),
            ("instance", ".+"),
            ("account", ".+"),
            ("bucket", ".+"),
            ("currency", "USD"),
        ];
        let choice = choice.map(|(name, value)| (name.to_owned(), value.to_owned()));
        // One account or all: it is the same for this.
        let query = substitute(expression, &choice).replace("account=\".+\"", "account=~\".+\"");
        self.get("api/v1/query", &[("query", query), ("time", time.to_string())]).await
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
