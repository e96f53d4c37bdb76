//! The Grafana dashboards: that each one loads anywhere, and draws only what is exported, in ways that mean something.

mod exported;
mod model;
mod promql;
mod queries;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::exported::metric;
use self::model::{Dashboard, Panel, load};

/// Every query of every dashboard and of its variables answers, with something to draw.
///
/// # Panics
///
/// Where one does not, naming all of them.
pub(crate) use self::queries::every_query_answers;

/// Runs `check` on every panel that draws something, and fails with all that it finds.
fn for_each_panel(check: impl Fn(&Dashboard, &Panel, &mut Vec<String>)) {
    let mut faults = Vec::new();
    for dashboard in load() {
        for panel in dashboard.panels().filter(|panel| panel.kind() != "row") {
            let mut found = Vec::new();
            check(&dashboard, &panel, &mut found);
            faults.extend(
                found.into_iter().map(|fault| format!("{}: {}: {fault}", dashboard.uid(), panel.title())),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn there_are_four_with_identities_of_their_own() {
    let uids: BTreeSet<String> = load().iter().map(|dashboard| dashboard.uid().to_owned()).collect();
    let expected = ["lyvecloud-account", "lyvecloud-credentials", "lyvecloud-exporter", "lyvecloud-overview"];
    assert_eq!(uids, expected.map(str::to_owned).into());
    for dashboard in load() {
        let json = dashboard.json();
        assert!(json["title"].as_str().is_some_and(|title| title.starts_with("Lyve Cloud / ")));
        assert!(json["description"].as_str().is_some_and(|text| text.len() > 20), "{}", dashboard.uid());
        assert!(json["tags"].as_array().is_some_and(|tags| tags.contains(&"lyve-cloud".into())));
        assert!(json["schemaVersion"].as_u64().is_some_and(|version| version >= 39));
        assert_eq!(json["editable"], false, "a change in the browser would be lost at the next start");
    }
}

#[test]
fn nothing_keeps_them_from_being_provisioned() {
    for dashboard in load() {
        let json = dashboard.json();
        for key in ["id", "__inputs", "__requires", "__elements"] {
            assert!(json.get(key).is_none(), "{} has {key}", dashboard.uid());
        }
        assert!(!dashboard.text().contains("${DS_"), "{} asks for an import", dashboard.uid());
        every_datasource_is_the_variable(dashboard.uid(), json);
    }
}

fn every_datasource_is_the_variable(path: &str, json: &Value) {
    match json {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}.{key}");
                if key == "datasource" {
                    assert_eq!(value["type"], "prometheus", "{path}");
                    assert_eq!(value["uid"], "${datasource}", "{path}");
                }
                every_datasource_is_the_variable(&path, value);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| every_datasource_is_the_variable(path, item)),
        _ => {}
    }
}

#[test]
fn each_has_its_variables_and_uses_no_other() {
    let built_in = ["__rate_interval", "__range", "__interval"];
    for dashboard in load() {
        let uid = dashboard.uid();
        let variables = dashboard.variables();
        let names: Vec<&str> = variables.iter().map(|variable| variable.name()).collect();
        assert_eq!(names[..4], ["datasource", "job", "instance", "account"], "{uid}");
        assert_eq!(variables[0].json()["query"], "prometheus");
        for variable in variables.iter().filter(|variable| variable.kind() == "query") {
            let (name, json) = (variable.name(), variable.json());
            let (series, label) = variable.label_values().expect("label_values(series, label)");
            assert_eq!(json["refresh"], 2, "{uid}: {name} is asked for again when the time range changes");
            assert_eq!(json["query"]["query"], json["definition"], "{uid}: {name}");
            let (_, labels) = metric(series.split('{').next().unwrap()).expect("an exported metric");
            let known = ["job", "instance"].contains(&label) || labels.contains(&label);
            assert!(known, "{uid}: {series} has no {label}");
            if json["multi"] == true {
                assert_eq!(json["includeAll"], true, "{uid}: {name}");
                assert_eq!(json["allValue"], ".+", "{uid}: {name} is not spelt out where all are meant");
            }
        }
        for (place, expression) in dashboard.expressions() {
            for name in model::variables_in(&expression) {
                let known = names.contains(&name.as_str()) || built_in.contains(&name.as_str());
                assert!(known, "{uid}: {place} uses ${name}");
            }
        }
    }
}

#[test]
fn panels_say_what_they_show_and_in_what_unit() {
    for_each_panel(|_, panel, faults| {
        let json = panel.json();
        if panel.title().is_empty() {
            faults.push("no title".to_owned());
        }
        if !json["description"].as_str().is_some_and(|text| text.ends_with('.')) {
            faults.push("no description".to_owned());
        }
        let defaults = json["fieldConfig"]["defaults"]["unit"].as_str();
        if defaults.is_none() {
            faults.push("no unit".to_owned());
        }
        let overrides = json["fieldConfig"]["overrides"].as_array().into_iter().flatten();
        let units = overrides
            .flat_map(|rule| rule["properties"].as_array().into_iter().flatten())
            .filter(|property| property["id"] == "unit")
            .filter_map(|property| property["value"].as_str());
        for unit in defaults.into_iter().chain(units) {
            // A subset of Grafana's; `bytes` is missing, as the vendor bills decimal ones.
            let known = [
                "none",
                "string",
                "short",
                "percentunit",
                "decbytes",
                "s",
                "dtdurations",
                "dateTimeFromNow",
                "dateTimeAsIso",
            ];
            if !known.contains(&unit) {
                faults.push(format!("unit {unit}"));
            }
        }
        if json["targets"].as_array().is_none_or(Vec::is_empty) {
            faults.push("no query".to_owned());
        }
        for target in json["targets"].as_array().into_iter().flatten() {
            if target["legendFormat"].as_str().is_none_or(str::is_empty) {
                faults.push("no legend".to_owned());
            }
            if target["instant"] == target["range"] {
                faults.push("a query is either instant or over the range".to_owned());
            }
        }
    });
}

#[test]
fn panels_fit_the_grid() {
    for dashboard in load() {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeMap::new();
        for panel in dashboard.panels() {
            assert!(ids.insert(panel.json()["id"].as_u64()), "{}: an id twice", dashboard.uid());
            let place = |key: &str| panel.json()["gridPos"][key].as_u64().unwrap();
            let (x, y, width, height) = (place("x"), place("y"), place("w"), place("h"));
            assert!(x + width <= 24, "{}: {} is too wide", dashboard.uid(), panel.title());
            for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
                let other = taken.insert(cell, panel.title().to_owned());
                assert_eq!(other, None, "{}: {} lies over it", dashboard.uid(), panel.title());
            }
        }
    }
}

#[test]
fn links_lead_to_each_other() {
    let dashboards = load();
    let uids: BTreeSet<&str> = dashboards.iter().map(Dashboard::uid).collect();
    let target = |url: &str| {
        let uid = url.strip_prefix("/d/").and_then(|rest| rest.split('?').next()).unwrap_or_default();
        assert!(uids.contains(uid), "{url} leads nowhere");
        assert!(url.contains("${datasource:queryparam}"), "{url} forgets the data source");
        uid.to_owned()
    };
    for dashboard in &dashboards {
        let links = dashboard.json()["links"].as_array().unwrap();
        let to: BTreeSet<String> = links.iter().map(|link| target(link["url"].as_str().unwrap())).collect();
        let others: BTreeSet<String> =
            uids.iter().filter(|uid| **uid != dashboard.uid()).map(|uid| (*uid).to_owned()).collect();
        assert_eq!(to, others, "{}", dashboard.uid());
    }
    for_each_panel(|_, panel, _| {
        for rule in panel.json()["fieldConfig"]["overrides"].as_array().into_iter().flatten() {
            for property in rule["properties"].as_array().into_iter().flatten() {
                if property["id"] == "links" {
                    target(property["value"][0]["url"].as_str().unwrap());
                }
            }
        }
    });
}
