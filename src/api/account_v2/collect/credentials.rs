//! The account's own API credentials: the life of the session, and the last accepted login.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::account_v2::{Client, contract};
use crate::api::{ApiError, Asked, Collect, Context, Endpoint};
use crate::clock;
use crate::config::Poll;
use crate::model::{Collected, Collector, Data, Dropped, Expiry, Session, StatePart, Timestamped, time_left};
use crate::saved::{Entries, Loaded, Object};

impl Collector {
    /// The account's own API credentials.
    pub const CREDENTIALS: Self = Self::new("credentials", "Login and session");
}

impl Data for Session {
    const COLLECTOR: Collector = Collector::CREDENTIALS;
    const PARTS: &'static [StatePart] = &[StatePart::Credentials];
}

impl Collect for Session {
    type Api = Client;
    const ASKS: &'static [Asked] = &[Asked::new(
        Endpoint::Session,
        contract::SESSION,
        "when the session ends is not known; nothing else is missed",
    )];
    /// A fresh login does not ask for the session.
    const ROUNDS: u32 = 2;

    fn interval(poll: &Poll) -> Duration {
        poll.credentials
    }

    fn due_early(context: &Context<'_>) -> Option<(Timestamp, Duration)> {
        let verify = |accepted| clock::after(accepted, context.config.poll.verify_login);
        let end = if let Expiry::At(end) = context.credential { Some(end) } else { None };
        let early = [context.logins.last_accepted.map(verify), end].into_iter().flatten();
        early.filter(|at| *at > context.now).min().map(|at| (at, Duration::ZERO))
    }

    async fn collect(client: &Client, context: Context<'_>) -> Result<Collected<Self>, ApiError> {
        let session = if login_due(&context) { client.login_now().await? } else { client.session().await? };
        Ok(Collected { data: session, dropped: Dropped::default() })
    }

    fn summary(&self, _: Endpoint, now: Timestamp) -> String {
        format!("the session ends in {}", time_left(self.expires_at, now))
    }

    fn note(context: &Context<'_>) -> Option<String> {
        let Expiry::At(end) = context.credential else { return None };
        let works = end <= context.now && context.logins.last_accepted.is_some_and(|accepted| accepted > end);
        works.then(|| {
            format!(
                "the credentials work although their configured date, {end}, has passed: set `credential` to what the \
                 console shows"
            )
        })
    }

    /// The session ends with the process.
    fn save(_: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        out.entry("credentials_at", &at)
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        Ok(entries.get("credentials_at")?.map(|at| Timestamped { at, data: None }))
    }
}

/// Whether a look at the session is not enough and the credentials must be tried with a fresh login: none worked yet, the
/// last one is older than `verify_login` or, by a clock that was set back, from the future; or their date has passed since.
fn login_due(context: &Context<'_>) -> bool {
    let Some(accepted) = context.logins.last_accepted else { return true };
    let date_passed = matches!(context.credential, Expiry::At(end) if accepted < end && end <= context.now);
    let verify = clock::after(accepted, context.config.poll.verify_login);
    date_passed || accepted > context.now || verify <= context.now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::Logins;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn due(now: &str, credential: Expiry, accepted: Option<&str>) -> (bool, Option<Timestamp>) {
        let config = Config::of(Vec::new());
        let logins = Logins { last_accepted: accepted.map(at), rejected_at: None };
        let context = Context {
            now: at(now),
            config: &config,
            account: "acme",
            credential,
            logins,
            warning: config.warning,
            max_key_age: None,
            last: None,
        };
        (login_due(&context), Session::due_early(&context).map(|(at, _)| at))
    }

    #[test]
    fn credentials_are_looked_at_when_their_date_comes() {
        let end = Expiry::At(at("2026-11-25T00:00:00Z"));
        let before = Some("2026-11-24T23:50:00Z");
        assert_eq!(due("2026-11-24T23:57:00Z", end, before), (false, Some(at("2026-11-25T00:00:00Z"))));
        assert!(!due("2026-11-24T23:59:59Z", end, before).0);
        assert!(due("2026-11-25T00:00:00Z", end, before).0);
        assert!(!due("2026-11-25T00:05:00Z", end, Some("2026-11-25T00:00:00Z")).0);
    }

    #[test]
    fn a_login_is_verified_in_its_interval() {
        let accepted = Some("2026-11-24T10:00:00Z");
        let early = Some(at("2026-11-24T11:00:00Z"));
        assert_eq!(due("2026-11-24T10:59:59Z", Expiry::Never, accepted), (false, early));
        assert_eq!(due("2026-11-24T11:00:00Z", Expiry::Never, accepted), (true, None));
        assert_eq!(due("2026-11-24T10:00:00Z", Expiry::Never, None), (true, None));
        assert!(due("2026-11-24T09:59:59Z", Expiry::Never, accepted).0, "a clock was set back");
    }
}
