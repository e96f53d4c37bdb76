//! What an error answer means to a person who changes something, where that is more than the pollers have to know.

/// The vendor's error answer in words, by its code; `None` for a code that says nothing here.
pub(super) fn words(status: u16, code: &str) -> Option<Box<str>> {
    let meaning = meaning(status, code)?;
    Some(format!("{status} ({code}): {meaning}").into())
}

fn meaning(status: u16, code: &str) -> Option<&'static str> {
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Some(match letters.to_ascii_lowercase().as_str() {
        "expiredtoken" | "tokenexpired" | "invalidtoken" => {
            "the vendor does not accept the session's token, although it is new"
        }
        "serviceaccountnotfound" => "there is no such service account",
        "permissionnotfound" => "there is no such permission",
        "bucketnotfound" => "there is no such bucket",
        "permissionnotready" => "the permission has not spread to all regions yet",
        "serviceaccountnotready" => "the service account has not spread to all regions yet",
        "servicenotready" => "the vendor's service is not ready",
        "internalerror" => "an error on the vendor's side",
        "invalidargument" => "the vendor does not accept a parameter",
        _ if status == 409 => "the vendor says that it conflicts with something: it may still be in use",
        _ => return None,
    })
}
