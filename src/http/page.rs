//! `/`: the page for people.

use std::sync::Arc;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Web;
use crate::store::AccountState;

const STYLE: &str = "
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:64rem;margin:0 auto;padding:1rem}
table{border-collapse:collapse;width:100%}
caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top;overflow-wrap:anywhere}
";

/// The page. Names are data: the template escapes them.
pub(super) fn render(states: &[Arc<AccountState>], now: Timestamp, web: &Web) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Lyve Cloud exporter" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Lyve Cloud exporter" }
                p {
                    "Version " (web.version) ". "
                    a href=(web.telemetry_path) { "Metrics" } ", "
                    a href="/api/v1/status" { "status as JSON" } ", "
                    a href="/-/healthy" { "healthy" } ", "
                    a href="/-/ready" { "ready" } "."
                }
                @for state in states { (account(state, now)) }
            }
        }
    }
}

fn account(state: &AccountState, now: Timestamp) -> Markup {
    html! {
        section {
            h2 { (state.spec.name) }
            table {
                caption { "Credentials" }
                thead { tr { th scope="col" { "Credential" } th scope="col" { "Status" } } }
                tbody {
                    @for view in state.credentials(now) {
                        tr { td { (view.name) } td { (view.status.words(view.expiry, now)) } }
                    }
                }
            }
            table {
                caption { "Collectors" }
                thead { tr { th scope="col" { "Collector" } th scope="col" { "Last success" } th scope="col" { "Last fault" } } }
                tbody {
                    @for collector in state.spec.collectors.iter().copied() {
                        @let health = state.health(collector);
                        tr {
                            td { (collector) }
                            td { @if let Some(at) = health.last_success { (at) } @else { "none yet" } }
                            td { @if let Some(failure) = &health.failing { (failure.message) } @else { "none" } }
                        }
                    }
                }
            }
        }
    }
}
