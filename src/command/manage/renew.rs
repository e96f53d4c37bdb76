//! `renew`: another service account, or another access key, in place of one that ends. The old one stays on.
//!
//! A renewed service account is known by its name: that of the old one, and the day. So a run that was interrupted is found
//! by the next one, wherever that happened.

use jiff::civil::Date;
use jiff::tz::Offset;

use super::Failure;
use super::desk::{Desk, Question};
use super::explain::is_not_ready;
use super::patience::Wait;
use super::secret_file::{Left, left};
use super::service_accounts::{KIND, make, with_pair};
use super::show::{Change, Reference, end, expires, named};
use crate::api::ManageError;
use crate::api::account_v2::writer::Writer;
use crate::cli::SecretPlace;
use crate::model::{ManagedServiceAccount, Reason, ServiceAccountSpec};

/// What stands between the old name and the day.
const MARK: &str = "-renewed-";

/// A name in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name<'a> {
    base: &'a str,
    /// When it was renewed, and which of several it is that day; nothing for a first one.
    renewal: Option<(Date, u32)>,
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        Self::renewed(name).unwrap_or(Self { base: name, renewal: None })
    }

    fn renewed(name: &'a str) -> Option<Self> {
        const DATE: usize = "2026-11-24".len();
        let (base, rest) = name.rsplit_once(MARK)?;
        let (date, rest) = rest.split_at_checked(DATE)?;
        let number = match rest {
            "" => 1,
            rest => rest.strip_prefix('-')?.parse().ok().filter(|number| *number > 1)?,
        };
        Some(Self { base, renewal: Some((date.parse().ok()?, number)) })
    }

    /// Whether `self` is a renewal of `old`, or of a renewal of it.
    fn renews(&self, old: &Self) -> bool {
        self.base == old.base && self.renewal > old.renewal
    }

    /// The name of the renewal of `self` on a day.
    fn next(&self, today: Date) -> String {
        let base = self.base;
        match self.renewal {
            Some((date, number)) if date >= today => format!("{base}{MARK}{date}-{}", number + 1),
            _ => format!("{base}{MARK}{today}"),
        }
    }
}

/// Renews a service account.
pub(super) async fn service_account(
    desk: &Desk<'_>,
    writer: &Writer,
    id: &str,
    secret: &SecretPlace,
) -> Result<(), Failure> {
    desk.may_change()?;
    desk.may_get_secret(secret)?;
    let old = writer.service_account(id).await?;
    let all = writer.service_accounts().await?;
    let old_name = Name::of(&old.spec.name);
    let successor = all
        .iter()
        .filter(|other| other.id != id && Name::of(&other.spec.name).renews(&old_name))
        .max_by_key(|other| Name::of(&other.spec.name).renewal);
    if let Some(new) = successor {
        return resume(desk, writer, &old, new, secret).await;
    }
    if old.spec.permissions.is_empty() {
        return Err(Failure::Failed(format!(
            "the vendor lists no permissions of the service account {}, so another one cannot have the same: use `create`",
            named(&old.spec.name, id)
        )));
    }
    let today = Offset::UTC.to_datetime(desk.clock.now()).date();
    let spec = ServiceAccountSpec { name: old_name.next(today), ..old.spec.clone() };
    desk.announce(&format!(
        "Renews the service account {} in account {} ({}): creates {:?} with the permissions {}. The old one stays on.",
        named(&old.spec.name, id),
        desk.account.name,
        end(old.expiry, desk.clock.now()),
        spec.name,
        spec.permissions.join(", ")
    ));
    let change = Change { renews: Some(Reference::of(&old)), ..desk.change(KIND, "renew", &spec.name) };
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would create the service account {:?}", spec.name));
    }
    desk.confirm(&Question::Yes)?;
    let pair = make(desk, writer, &spec, secret, &all).await?;
    let change = with_pair(change, &pair, secret);
    finish(desk, writer, &old, change, &pair.id).await
}

/// Goes on with a renewal that was begun: where its pair is in the file, only the wait is left.
async fn resume(
    desk: &Desk<'_>,
    writer: &Writer,
    old: &ManagedServiceAccount,
    new: &ManagedServiceAccount,
    secret: &SecretPlace,
) -> Result<(), Failure> {
    let what = named(&new.spec.name, &new.id);
    let left = secret.file.as_deref().and_then(left);
    if left == Some(Left::Pair(new.id.clone())) {
        desk.announce(&format!(
            "The service account {what} was already created, and its pair is in the file."
        ));
        let change = Change {
            renews: Some(Reference::of(old)),
            changed: false,
            id: Some(new.id.clone()),
            expires: expires(new.expiry),
            secret_file: secret.file.as_ref().map(|path| path.display().to_string()),
            ..desk.change(KIND, "renew", &new.spec.name)
        };
        if desk.options.dry_run {
            return desk
                .print_change(&change, &format!("would wait until the service account {what} is ready"));
        }
        return finish(desk, writer, old, change, &new.id).await;
    }
    let file = match (&secret.file, left) {
        (Some(path), Some(Left::Nothing)) => {
            format!("{} holds no secret: an interrupted run left it. Remove it too", path.display())
        }
        (Some(path), _) => format!("Its pair is not in {}", path.display()),
        (None, _) => "Its secret was shown when it was created".to_owned(),
    };
    let end = end(new.expiry, desk.clock.now());
    Err(Failure::Failed(format!(
        "the service account {} was already renewed by {what} ({end}), so no third one is created. {file}.\n\
         If you have its pair, go on with the next steps:\n{}\
         If its secret is lost, delete it and renew again:\n  {}",
        named(&old.spec.name, &old.id),
        steps(desk, &old.id).iter().map(|step| format!("  {step}\n")).collect::<String>(),
        desk.next(&format!("service-accounts delete {}", new.id))
    )))
}

/// What is left to do once the new one is there.
fn steps(desk: &Desk<'_>, old: &str) -> Vec<String> {
    ["disable", "delete"].map(|verb| desk.next(&format!("service-accounts {verb} {old}"))).to_vec()
}

/// Waits until the new one is ready, and says what to do next.
async fn finish(
    desk: &Desk<'_>,
    writer: &Writer,
    old: &ManagedServiceAccount,
    change: Change,
    id: &str,
) -> Result<(), Failure> {
    let what = named(&change.name, id);
    let ready = wait_until_ready(desk, writer, id).await;
    let change = Change { ready: Some(matches!(ready, Ok(true))), next: steps(desk, &old.id), ..change };
    let text = format!(
        "the service account {what} is {}. Give its pair to every program that uses {}, then:",
        if matches!(ready, Ok(true)) { "ready" } else { "not ready yet" },
        named(&old.spec.name, &old.id)
    );
    desk.print_change(&change, &text)?;
    let look = desk.next(&format!("service-accounts get {id}"));
    match ready {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Failed(format!(
            "the service account {what} was created and its pair is safe, but the vendor has not made it ready in ten minutes. Look \
             again before you use it:\n  {look}"
        ))),
        Err(error) => Err(Failure::Failed(format!(
            "the service account {what} was created and its pair is safe, but whether it is ready is not known: {}\n  {look}",
            super::explain::explain(&error)
        ))),
    }
}

async fn wait_until_ready(desk: &Desk<'_>, writer: &Writer, id: &str) -> Result<bool, ManageError> {
    let mut wait = Wait::new(&*desk.clock);
    loop {
        match writer.service_account(id).await {
            Ok(account) if account.ready != Some(false) => return Ok(true),
            Ok(_) => {}
            Err(error) if is_not_ready(&error) || may_pass(error.reason) => {}
            Err(error) => return Err(error),
        }
        if !wait.moment("the service account to be ready").await {
            return Ok(false);
        }
    }
}

const fn may_pass(reason: Reason) -> bool {
    matches!(reason, Reason::RateLimited | Reason::Timeout | Reason::Connect | Reason::Server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_renewal_has_the_old_name_and_the_day() {
        let today = day("2026-11-24");
        for (old, new) in [
            ("veeam", "veeam-renewed-2026-11-24"),
            ("veeam-renewed-2025-11-20", "veeam-renewed-2026-11-24"),
            ("veeam-renewed-2026-11-24", "veeam-renewed-2026-11-24-2"),
            ("veeam-renewed-2026-11-24-2", "veeam-renewed-2026-11-24-3"),
            ("veeam-renewed-2027-01-01", "veeam-renewed-2027-01-01-2"),
            ("veeam-renewed-soon", "veeam-renewed-soon-renewed-2026-11-24"),
            ("veeam-renewed-2026-11-24-1", "veeam-renewed-2026-11-24-1-renewed-2026-11-24"),
            ("", "-renewed-2026-11-24"),
            ("é-renewed-é2026-11-2", "é-renewed-é2026-11-2-renewed-2026-11-24"),
        ] {
            let old = Name::of(old);
            assert_eq!(old.next(today), new);
            assert!(Name::of(new).renews(&old), "{new}");
            assert!(!old.renews(&Name::of(new)), "{new}");
            assert!(!old.renews(&old));
        }
    }

    #[test]
    fn other_names_are_no_renewals() {
        let old = Name::of("veeam");
        for other in [
            "veeam-2",
            "veeam-copy",
            "restic-renewed-2026-11-24",
            "veeam-renewed-",
            "veeam-renewed-2026-13-01",
        ] {
            assert!(!Name::of(other).renews(&old), "{other}");
        }
    }
}
