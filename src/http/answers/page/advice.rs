//! What things are called and what to do about them, in plain words.

use crate::model::Reason;
use crate::model::{CredentialKind, CredentialStatus, Expiry};

use super::urgency::Level;

/// What a failure is.
pub(super) const fn fault(reason: Reason) -> &'static str {
    match reason {
        Reason::Auth => "The credentials are rejected",
        Reason::Forbidden => "The credentials may not do this",
        Reason::RateLimited => "The vendor asks for fewer requests",
        Reason::Timeout => "No whole answer in time",
        Reason::Connect => "No connection",
        Reason::Tls => "The connection is not trusted",
        Reason::Server => "An error on the vendor's side",
        Reason::Request => "The vendor says that the request is wrong",
        Reason::Decode => "The answer cannot be understood",
    }
}

/// What to do about a failure.
pub(super) const fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Auth => {
            "Look at the account's API credentials in the console. If they have expired or were regenerated, generate a \
             new pair and put it into the exporter's configuration. A secret file is read again by itself, but of a systemd \
             service only after a restart."
        }
        Reason::Forbidden => {
            "Ask the account's administrator for credentials whose role may read this, or whether the account has a \
             service enabled at all. Of an object_storage account the usage by day answers to its root key only."
        }
        Reason::RateLimited => {
            "Nothing for now: the exporter waits as long as the vendor asks. If it stays, lengthen the intervals under \
             poll in the configuration."
        }
        Reason::Timeout => {
            "It often passes by itself. If it stays, look at the network and the proxy between here and the vendor, or \
             raise poll.timeout."
        }
        Reason::Connect => {
            "From the machine of the exporter, check name resolution, route, firewall and proxy to the account's address: \
             base_url, or with object_storage iam_url and s3_url."
        }
        Reason::Tls => {
            "Check the clock and the CA certificates of the exporter's machine. A proxy that opens TLS needs its \
             certificate in ca_file."
        }
        Reason::Server => {
            "Wait: the exporter tries again by itself. If it continues, report it to the vendor's support."
        }
        Reason::Request => {
            "Check the account's addresses in the configuration. If it is right, look for a newer version of this exporter, or report it."
        }
        Reason::Decode => {
            "Check the account's addresses, and whether a proxy answers in the vendor's place. If neither is at fault, look for a newer \
             version of this exporter, or report it."
        }
    }
}

/// What it is where credentials failed without an answer of the vendor, and what to do about it. Nobody has rejected them, and a
/// new pair would end one that works.
pub(super) const UNREADABLE: (&str, &str) = (
    "The exporter cannot read its credentials",
    "Check the secret file on the exporter's machine that is named below: its path, its content, and whether the exporter's user \
     may read it. The credentials themselves may be good: do not generate new ones for this.",
);

/// What a rejected login is and what to do about it, where the account's own credentials are known to have ended.
///
/// Credentials that no login ever worked with may be mistyped.
pub(super) const fn rejection(
    status: CredentialStatus,
    ever_worked: bool,
) -> Option<(&'static str, &'static str)> {
    match status {
        CredentialStatus::Expired => Some((
            "The API credentials have expired",
            "Generate new API credentials in the console and put them into the exporter's configuration, with the new \
             date. A secret file is read again by itself, but of a systemd service only after a restart.",
        )),
        CredentialStatus::Rejected if !ever_worked => Some((
            "The API credentials are rejected",
            "They are mistyped, or expired, regenerated or deleted. Compare account_id, access_key and secret with the console. A \
             secret file is read again by itself, but of a systemd service only after a restart.",
        )),
        CredentialStatus::Rejected => Some((
            "The API credentials are rejected",
            "They were regenerated, deleted, switched off, or ended before their date: look in the console, and put the pair that \
             is valid into the exporter's configuration. A secret file is read again by itself, but of a systemd service only after a \
             restart.",
        )),
        CredentialStatus::Expires | CredentialStatus::NeverExpires | CredentialStatus::Unknown => None,
    }
}

/// What a credential is for.
pub(super) const fn kind(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::AccountApi => "exporter's login",
        CredentialKind::ServiceAccount => "service account",
    }
}

/// What to do about a credential; `None` where nothing is to be done.
pub(super) const fn renewal(
    kind: CredentialKind,
    status: CredentialStatus,
    expiry: Expiry,
    level: Level,
    ever_worked: bool,
) -> Option<&'static str> {
    let own = matches!(kind, CredentialKind::AccountApi);
    Some(match status {
        CredentialStatus::Rejected if !ever_worked => {
            "Rejected: mistyped, or expired, regenerated or deleted. Compare account_id, access_key and secret."
        }
        CredentialStatus::Rejected => {
            "Rejected before its date: regenerated, deleted or switched off. Put the valid pair into the configuration."
        }
        CredentialStatus::Expired if own => {
            "Generate a new pair in the console; put it and its date into the configuration."
        }
        CredentialStatus::Expired => {
            "Whatever uses these keys fails. Give it new ones, or delete the service account."
        }
        CredentialStatus::Expires if matches!(level, Level::Good) => return None,
        CredentialStatus::Expires if own => {
            "Before that, generate a new pair in the console; put it and its date into the configuration."
        }
        CredentialStatus::Expires => "Before that, make new keys in the console for whatever uses these.",
        CredentialStatus::Unknown if own && matches!(expiry, Expiry::At(_)) => {
            "It works after its configured date. Set credential to what the console shows."
        }
        CredentialStatus::Unknown if own => "The end date is not known. Set credential in the configuration.",
        CredentialStatus::Unknown => "The vendor reports no date. Look it up in the console.",
        CredentialStatus::NeverExpires => return None,
    })
}

/// What to do about the age of an access key; `None` where nothing is to be done.
pub(super) const fn rotation(level: Level) -> Option<&'static str> {
    match level {
        Level::Good => None,
        _ => Some(
            "Make a second key for the same user, move its programs over, then switch this one off. Nothing fails meanwhile.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_good_has_something_to_do() {
        for kind in [CredentialKind::AccountApi, CredentialKind::ServiceAccount] {
            for &status in CredentialStatus::ALL {
                let told = renewal(kind, status, Expiry::Unknown, Level::Soon, true).is_some();
                assert_eq!(told, status != CredentialStatus::NeverExpires, "{kind:?} {status:?}");
            }
            assert_eq!(renewal(kind, CredentialStatus::Expires, Expiry::Never, Level::Good, true), None);
        }
    }

    #[test]
    fn each_reason_is_told_in_words_of_its_own() {
        for (index, reason) in Reason::ALL.iter().copied().enumerate() {
            for other in Reason::ALL.iter().copied().skip(index + 1) {
                assert_ne!(fault(reason), fault(other));
                assert_ne!(remedy(reason), remedy(other));
            }
        }
    }
}
