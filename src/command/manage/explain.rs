//! What to do about an error, in words.

use crate::api::ManageError;
use crate::model::Reason;

/// An error as a person needs it: what failed, why, and what to do.
pub(super) fn explain(error: &ManageError) -> String {
    format!("{error}. {}", advice(error))
}

/// Whether the vendor has not finished with something: the same request works in a while.
pub(super) fn is_not_ready(error: &ManageError) -> bool {
    let code = error.code.as_deref().map(letters).unwrap_or_default();
    error.status == Some(409) && matches!(code.as_str(), "permissionnotready" | "serviceaccountnotready")
}

/// Whether there is no such thing as was asked for.
pub(super) fn is_gone(error: &ManageError) -> bool {
    let code = error.code.as_deref().map(letters).unwrap_or_default();
    match code.as_str() {
        "serviceaccountnotfound" | "permissionnotfound" | "nosuchentity" => true,
        // A proxy answers so as well.
        _ => error.status == Some(404) && error.reason == Reason::Request,
    }
}

fn letters(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn advice(error: &ManageError) -> &'static str {
    let code = error.code.as_deref().map(letters).unwrap_or_default();
    match code.as_str() {
        "authenticationfailed" => {
            "Generate new API credentials in the console and put them where the configuration says."
        }
        "expiredtoken" | "tokenexpired" | "invalidtoken" => "Run the command again.",
        "noserviceavailable" => {
            "Ask the person who ordered the account: this is no problem of the credentials."
        }
        "serviceaccountnotfound" => {
            "It may have been deleted: `manage service-accounts list` shows what there is."
        }
        "permissionnotfound" => "It may have been deleted: `manage permissions list` shows what there is.",
        "bucketnotfound" => "Create the bucket first, or correct its name.",
        "permissionnotready" | "serviceaccountnotready" => {
            "This takes some minutes after it was created: run the command again then."
        }
        "servicenotready" => "Run the command again in some minutes.",
        "invalidargument" => "Correct the parameters: a name, a type, or an id may be of a wrong form.",
        "nosuchentity" => "It may have been deleted: `manage access-keys list` shows what there is.",
        "limitexceeded" => {
            "A user has two access keys at most: delete one that nobody uses, and run the command again."
        }
        "requesttimetooskewed" | "requestexpired" | "signatureexpired" | "signaturenotyetcurrent" => {
            "Set the clock of this machine."
        }
        _ => by_reason(error.reason),
    }
}

const fn by_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Auth => "Check the credentials in the configuration: `check --live` says whether they work.",
        Reason::Forbidden => {
            "Use credentials that may manage: those of an account administrator, or the root user's key."
        }
        Reason::RateLimited => "Wait some minutes, and run the command again.",
        Reason::Timeout => "Run the command again; if it goes on, raise poll.timeout.",
        Reason::Connect => "Look at name resolution, firewall and proxy.",
        Reason::Tls => "Look at this machine's certificates, or set ca_file.",
        Reason::Server => {
            "Run the command again in some minutes; if it continues, report it to the vendor's support."
        }
        Reason::Request => "Look at the parameters, and at the URLs in the configuration.",
        Reason::Decode => "Look at the URLs in the configuration; a proxy may have answered.",
    }
}
