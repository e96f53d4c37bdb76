//! Rules for the queries: they draw only what is exported, in ways that mean something, and never too much.

use super::exported::{MetricType, made_by_the_rules, metric};
use super::for_each_panel;
use super::model::{self, selectors};

#[test]
fn queries_draw_only_what_is_exported() {
    for_each_panel(|_, panel, faults| {
        for expression in panel.expressions() {
            let selectors = selectors(&expression);
            if selectors.is_empty() {
                faults.push(format!("no selector in {expression}"));
            }
            if model::bare_names(&expression) > 0 {
                faults.push(format!("a name without its labels in {expression}"));
            }
            for selector in selectors {
                // Alerts about an exporter have no account, and what a rule records is of no instance.
                if made_by_the_rules(&selector.name) {
                    if !["job=~\"$job\"", "job=~\"|$job\""].iter().any(|job| selector.matchers.contains(job))
                    {
                        faults.push(format!("{} is not held to $job", selector.name));
                    }
                    continue;
                }
                let Some((_, labels)) = metric(&selector.name) else {
                    faults.push(format!("{} is not exported", selector.name));
                    continue;
                };
                for wanted in ["job=~\"$job\"", "instance=~\"$instance\""] {
                    if !selector.matchers.contains(wanted) {
                        faults.push(format!("{} is not held to {wanted}", selector.name));
                    }
                }
                if labels.contains(&"account") && !selector.matchers.contains("\"$account\"") {
                    faults.push(format!("{} is not held to $account", selector.name));
                }
                for label in selector.labels() {
                    if !["job", "instance"].contains(&label) && !labels.contains(&label) {
                        faults.push(format!("{} has no label {label}", selector.name));
                    }
                }
            }
        }
    });
}

#[test]
fn rates_are_taken_of_counters_and_of_nothing_else() {
    const OVER_TIME: [&str; 8] =
        ["rate", "irate", "increase", "delta", "idelta", "deriv", "resets", "predict_linear"];
    for_each_panel(|_, panel, faults| {
        for expression in panel.expressions() {
            for selector in selectors(&expression) {
                let Some((kind, _)) = metric(&selector.name) else {
                    continue;
                };
                let name = &selector.name;
                let function = selector.function.as_str();
                let counts = kind != MetricType::Gauge;
                if counts && !["rate", "increase"].contains(&function) {
                    faults.push(format!("{name} counts up for ever: its value alone tells nothing"));
                }
                if !counts && OVER_TIME.contains(&function) {
                    faults.push(format!("{function}({name}), which may fall"));
                }
                // Polls are minutes to hours apart: over a shorter window their counters are spikes.
                let of_polls = name.starts_with("lyvecloud_");
                let windows: &[&str] = match function {
                    "rate" if of_polls => &[],
                    "rate" => &["[$__rate_interval]"],
                    "increase" => &["[1h]", "[6h]", "[1d]", "[$__range]"],
                    _ => continue,
                };
                if !windows.contains(&selector.window.as_str()) {
                    faults.push(format!("{function}({name}{}), not {windows:?}", selector.window));
                }
                if name.ends_with("_seconds_bucket") && !expression.contains("histogram_quantile(") {
                    faults.push(format!("{name} outside histogram_quantile"));
                }
            }
        }
    });
}

/// A number over the time range is its last one, however long ago that was: what is not known any more would look known.
#[test]
fn a_single_number_is_one_of_now() {
    for_each_panel(|_, panel, faults| {
        for target in panel.targets().filter(|target| panel.kind() == "stat" && target["range"] == true) {
            let expression = target["expr"].as_str().expect("expr");
            if !expression.contains("@ end()") {
                faults.push(format!("an old number may stand for now: {expression}"));
            }
        }
    });
}

#[test]
fn a_panel_has_a_bounded_number_of_series() {
    // What may be there a thousand times or more: with one of these in its result, a query is cut to a ranking.
    const MANY: [&str; 8] = [
        "account",
        "bucket",
        "sub_account_id",
        "credential_id",
        "service_account_id",
        "permission_id",
        "access_key_id",
        "credential",
    ];
    for_each_panel(|dashboard, panel, faults| {
        let one_account = ["lyvecloud-account", "lyvecloud-object-storage"].contains(&dashboard.uid());
        for expression in panel.expressions() {
            let grouped = model::outer_grouping(&expression);
            let many: Vec<&str> = MANY
                .into_iter()
                .filter(|label| grouped.contains(label))
                .filter(|label| !(one_account && *label == "account"))
                .collect();
            let cut = expression.contains("topk(") || expression.contains("bottomk(");
            if !many.is_empty() && !cut {
                faults.push(format!("a series for each {many:?}: {expression}"));
            }
        }
    });
}
