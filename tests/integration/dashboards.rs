//! The Grafana dashboards: that each one loads anywhere, and draws only what is exported, in ways that mean something.

mod drawing;
mod exported;
mod history;
mod model;
mod promql;
mod queries;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use self::exported::metric;
use self::model::{Dashboard, Panel, load};
use crate::programs::repository;

/// Every query of every dashboard and of its variables answers, with something to draw.
///
/// # Panics
///
/// Where one does not, naming all of them.
pub(crate) use self::queries::{every_query_answers, exporters_stay_apart, no_query_takes_in_another_target};

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
fn there_are_five_with_identities_of_their_own() {
    let uids: BTreeSet<String> = load().iter().map(|dashboard| dashboard.uid().to_owned()).collect();
    let expected = ["account", "credentials", "exporter", "object-storage", "overview"];
    assert_eq!(uids, expected.map(|name| format!("lyvecloud-{name}")).into());
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
fn the_files_are_what_their_source_makes() {
    let made = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("python3")
        .arg("-B")
        .arg(repository("grafana/source/build.py"))
        .arg(made.path())
        .status()
        .expect("python3: ./tests/run installs it");
    assert!(status.success());
    let names = |directory: &Path| -> BTreeSet<_> {
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let committed = repository("grafana/dashboards");
    assert_eq!(names(&committed), names(made.path()));
    for name in names(made.path()) {
        let same =
            std::fs::read(committed.join(&name)).unwrap() == std::fs::read(made.path().join(&name)).unwrap();
        assert!(same, "run grafana/source/build.py: {} is older than its source", name.display());
    }
}

#[test]
fn they_can_be_provisioned_and_imported() {
    for dashboard in load() {
        let (uid, json) = (dashboard.uid(), dashboard.json());
        assert!(json.get("id").is_none(), "{uid} has an id");
        // Nobody asks for an input when it is provisioned; grafana.com takes none without the key.
        assert_eq!(json["__inputs"], serde_json::json!([]), "{uid} asks for an input");
        assert!(!dashboard.text().contains("${DS_"), "{uid} asks for an import");
        let required: BTreeSet<&str> = json["__requires"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| item["id"].as_str().unwrap())
            .collect();
        let kinds = dashboard.panels().map(|panel| panel.kind()).filter(|kind| *kind != "row");
        let expected: BTreeSet<&str> = kinds.chain(["grafana", "prometheus"]).collect();
        assert_eq!(required, expected, "{uid}");
        every_datasource_is_the_variable(uid, json);
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
    let built_in = ["__rate_interval", "__range"];
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
                "locale",
                "percentunit",
                "decbytes",
                "s",
                "dtdurations",
                "dateTimeFromNow",
                "dateTimeAsIso",
                "suffix: days",
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
        let ids: BTreeSet<_> = dashboard.panels().map(|panel| panel.json()["id"].as_u64()).collect();
        assert_eq!(ids.len(), dashboard.panels().count(), "{}: an id twice", dashboard.uid());
        fits(dashboard.uid(), dashboard.open_panels());
        for heading in dashboard.open_panels() {
            let inner: Vec<_> = heading.inner().collect();
            assert_eq!(heading.json()["collapsed"] == true, !inner.is_empty(), "{}", heading.title());
            let below = heading.place("y");
            assert!(inner.iter().all(|panel| panel.place("y") > below), "{}", heading.title());
            fits(heading.title(), inner.into_iter());
        }
    }
}

fn fits<'a>(whose: &str, panels: impl Iterator<Item = Panel<'a>>) {
    let mut taken = BTreeMap::new();
    for panel in panels {
        let (x, y) = (panel.place("x"), panel.place("y"));
        let (width, height) = (panel.place("w"), panel.place("h"));
        assert!(x + width <= 24, "{whose}: {} is too wide", panel.title());
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            let other = taken.insert(cell, panel.title().to_owned());
            assert_eq!(other, None, "{whose}: {} lies over it", panel.title());
        }
    }
}

/// A grid row has 38 pixels, and below Grafana's own lines a screen of 1440 by 900 shows some 20 of them.
#[test]
fn the_first_screen_of_the_overview_gives_the_answers() {
    let dashboards = load();
    let overview = dashboards.iter().find(|dashboard| dashboard.uid() == "lyvecloud-overview").unwrap();
    let place = |title: &str| {
        let panel = overview.open_panels().find(|panel| panel.title() == title);
        let panel = panel.unwrap_or_else(|| panic!("no panel {title}"));
        (panel.place("y"), panel.place("y") + panel.place("h"))
    };
    let alarms = ["Firing alerts", "Accounts that cannot be read", "Credentials that do not work"];
    let totals =
        ["Stored now", "Growth a day", "Estimated cost of the open month", "Highest use of a budget"];
    let others = ["Next end of a credential", "Oldest usage figure", "What ends next"];
    for title in alarms.iter().chain(&totals).chain(&others) {
        assert!(place(title).1 <= 20, "{title} is below the first screen");
    }
    for (alarm, total) in alarms.iter().zip(&totals) {
        assert!(place(alarm).0 < place(total).0, "{alarm} comes before {total}");
    }
}

#[test]
fn what_is_below_the_buckets_is_closed() {
    for dashboard in load() {
        let panels: Vec<_> = dashboard.open_panels().collect();
        let below =
            panels.iter().skip_while(|panel| panel.title() != "Buckets" || panel.kind() != "row").skip(1);
        let open: Vec<_> = below
            .skip_while(|panel| panel.kind() != "row")
            .filter(|panel| panel.json()["collapsed"] != true)
            .map(|panel| panel.title())
            .collect();
        assert_eq!(open, [""; 0], "{}", dashboard.uid());
        let height = panels.iter().map(|panel| panel.place("y") + panel.place("h")).max();
        assert!(height <= Some(64), "{}: {height:?} rows of the grid", dashboard.uid());
    }
}

/// Who cannot tell red from green reads the icon.
#[test]
fn no_state_is_told_by_colour_alone() {
    const SEEN_BY_ALL: [&str; 7] = ["#0072B2", "#E69F00", "#D55E00", "#999999", "text", "transparent", ""];
    for dashboard in load() {
        colours(dashboard.json(), &mut |place, colour| {
            assert!(SEEN_BY_ALL.contains(&colour), "{}: {place} is {colour}", dashboard.uid());
        });
    }
    for_each_panel(|_, panel, faults| {
        let config = panel.json()["fieldConfig"].to_string();
        for (colour, icons) in [("#D55E00", "✖"), ("#E69F00", "▲"), ("#0072B2", "✔∞")] {
            let mapped = config.split("\"color\":\"").filter_map(|rest| rest.strip_prefix(colour));
            for rest in mapped {
                let Some(text) = rest.split("\"text\":\"").nth(1).filter(|_| rest.starts_with("\",\"index"))
                else {
                    continue;
                };
                if !text.starts_with(|first| icons.contains(first)) {
                    faults.push(format!("{colour} without an icon: {text}"));
                }
            }
        }
    });
}

fn colours(json: &Value, check: &mut impl FnMut(&str, &str)) {
    match json {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let (true, Some(colour)) =
                    (["color", "fixedColor", "iconColor"].contains(&key.as_str()), value.as_str())
                {
                    check(key, colour);
                }
                colours(value, check);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| colours(item, check)),
        _ => {}
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
