//! Variables of the environment that have our prefix and that nobody reads: slips of the finger, which would else be
//! ignored in silence.

use std::collections::BTreeMap;

use super::account::VARIABLES;
use super::errors::Errors;
use super::reader::nearest;
use super::tree::PREFIX;
use crate::cli;

/// What variables of flags begin with, and those of values by mistake.
const FLAGS: &str = "lyve_exporter_";

/// Keys of an account of the other API, as somebody may write them as variables.
const OBJECT_STORAGE: [&str; 4] = ["lyve_api", "lyve_region", "lyve_iam_url", "lyve_s3_url"];

/// Notes each variable that nobody reads. One that is set to nothing changes nothing, and is left alone.
pub(super) fn check(environment: &BTreeMap<String, String>, errors: &mut Errors) {
    let flags = cli::variables();
    let known: Vec<&str> =
        flags.iter().map(String::as_str).chain(VARIABLES.iter().map(|(name, _)| *name)).collect();
    for name in environment.iter().filter(|(_, value)| !value.trim().is_empty()).map(|(name, _)| name) {
        let lower = name.to_ascii_lowercase();
        if !known.contains(&name.as_str()) && !lower.starts_with(PREFIX) && !is_service_link(&lower) {
            errors.add(
                name.escape_debug().to_string(),
                format!("is not a known variable; {}", advice(&lower, &known)),
            );
        }
    }
}

fn advice(lower: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(lower, known) {
        return format!("did you mean {near}?");
    }
    if let Some(rest) = lower.strip_prefix(FLAGS).and_then(|rest| rest.strip_prefix("accounts_"))
        && !rest.contains("__")
    {
        let path = rest.replacen('_', "__", 1).to_ascii_uppercase();
        return format!("did you mean {}ACCOUNTS__{}?", PREFIX.to_ascii_uppercase(), path.escape_debug());
    }
    if OBJECT_STORAGE.contains(&lower) {
        return "one account from variables is of the Account API only: list an account of object_storage in a file \
                that --config.file names"
            .to_owned();
    }
    let prefix = PREFIX.to_ascii_uppercase();
    match lower.strip_prefix(FLAGS) {
        // The variables of flags have no two `_` in a row.
        Some(rest) if rest.contains("__") => {
            format!("did you mean {prefix}{}?", rest.to_ascii_uppercase().escape_debug())
        }
        Some(_) => format!(
            "no flag has this name, and a value of the configuration has `__` before each key, as in \
             {prefix}POLL__TIMEOUT"
        ),
        None => format!(
            "known: {}; those of flags begin with LYVE_EXPORTER_, those of values with {prefix}",
            VARIABLES.map(|(name, _)| name).join(", ")
        ),
    }
}

/// Whether Kubernetes or Docker may have set it, for a service whose name begins with `lyve-`: `…_SERVICE_HOST`,
/// `…_SERVICE_PORT_METRICS`, `…_PORT`, `…_PORT_10059_TCP_ADDR`.
fn is_service_link(lower: &str) -> bool {
    let of_port = |(_, rest): (&str, &str)| {
        let mut parts = rest.split('_');
        parts.next().is_some_and(|port| port.parse::<u16>().is_ok())
            && parts.next().is_some_and(|protocol| ["tcp", "udp", "sctp"].contains(&protocol))
    };
    lower.ends_with("_service_host")
        || lower.ends_with("_port")
        || lower.contains("_service_port_")
        || lower.split_once("_port_").is_some_and(of_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_underscore_where_two_belong_is_told() {
        let advice = advice("lyve_exporter_accounts_0_secret_file", &["LYVE_SECRET_FILE"]);
        assert_eq!(advice, "did you mean LYVE_EXPORTER__ACCOUNTS__0__SECRET_FILE?");
    }
}
