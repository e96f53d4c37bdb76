use std::io::{self, Write};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Format, Saved, State, Unusable, VERSION};
use crate::model::{Identity, Logins};
use crate::saved::{Entries, Object};
use crate::store::{Memory, RecentUsage};

/// Tells our files from others.
const FORMAT: &str = "lyve-cloud-exporter state";

/// Writes a state as JSON, item by item: what is large is not copied.
///
/// # Errors
/// Where `out` fails.
pub fn encode(state: &State, formats: &[Format], mut out: impl Write) -> io::Result<()> {
    let mut document = Object::begin(&mut out)?;
    document.entry("format", &FORMAT)?;
    document.entry("version", &VERSION)?;
    document.entry("series", &state.series)?;
    let accounts = document.key("accounts")?;
    for (index, saved) in state.accounts.iter().enumerate() {
        accounts.write_all(if index == 0 { b"[" } else { b"," })?;
        account(saved, formats, accounts)?;
    }
    accounts.write_all(if state.accounts.is_empty() { b"[]" } else { b"]" })?;
    document.end()?;
    out.write_all(b"\n")
}

fn account(saved: &Saved, formats: &[Format], out: &mut dyn Write) -> io::Result<()> {
    let Saved { name, identity, memory, alerts } = saved;
    let mut account = Object::begin(out)?;
    account.entry("name", name)?;
    account.entry("account_id", &identity.id)?;
    account.entry("base_url", &identity.address)?;
    account.entry("last_accepted", &memory.logins.last_accepted)?;
    account.entry("rejected_at", &memory.logins.rejected_at)?;
    for format in formats {
        if let Some(answer) = memory.answers.get(&format.collector) {
            (format.save)(answer.data.as_ref(), answer.at, &mut account)?;
        }
    }
    if !memory.recent.is_empty() {
        account.entry("recent_usage", &*memory.recent)?;
    }
    if !alerts.is_empty() {
        account.entry("alerts", alerts)?;
    }
    account.end()
}

/// Reads a state.
///
/// # Errors
/// Where it is none that this program wrote.
pub fn decode(bytes: &[u8], formats: &[Format]) -> Result<State, Unusable> {
    let head: Head<'_> = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    match (head.format.as_deref(), head.version) {
        (Some(FORMAT), Some(VERSION)) => {}
        (Some(FORMAT), Some(other)) => return Err(Unusable::Version(other)),
        _ => return Err(Unusable::Foreign),
    }
    let (Some(series), Some(accounts)) = (head.series, head.accounts) else {
        return Err(Unusable::Damaged("it has no list of accounts".to_owned()));
    };
    let accounts: Vec<Entries<'_>> = serde_json::from_str(accounts.get()).map_err(|error| damaged(&error))?;
    let accounts: Result<_, _> = accounts.iter().map(|entries| read(entries, formats)).collect();
    Ok(State { series, accounts: accounts.map_err(Unusable::Damaged)? })
}

fn read(entries: &Entries<'_>, formats: &[Format]) -> Result<Saved, String> {
    let text = |key| entries.get(key)?.ok_or_else(|| format!("{key} is missing"));
    let logins =
        Logins { last_accepted: entries.get("last_accepted")?, rejected_at: entries.get("rejected_at")? };
    let recent: Option<RecentUsage> = entries.get("recent_usage")?;
    let recent = Arc::new(recent.unwrap_or_default().bounded());
    let mut memory = Memory { logins, recent, ..Memory::default() };
    for format in formats {
        if let Some(answer) = (format.load)(entries)? {
            memory.answers.insert(format.collector, answer);
        }
    }
    let identity = Identity { id: text("account_id")?, address: text("base_url")? };
    let alerts = entries.get("alerts")?.unwrap_or_default();
    Ok(Saved { name: text("name")?, identity, memory, alerts })
}

/// Where it went wrong, without any of the content.
fn damaged(error: &serde_json::Error) -> Unusable {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a value is not what it should be",
        _ => "it is not JSON",
    };
    Unusable::Damaged(format!("{kind}, line {} column {}", error.line(), error.column()))
}

#[derive(Deserialize)]
struct Head<'a> {
    format: Option<String>,
    version: Option<u64>,
    series: Option<String>,
    #[serde(borrow)]
    accounts: Option<&'a RawValue>,
}
