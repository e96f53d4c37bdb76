//! The verbs of service accounts.

use super::Failure;
use super::desk::{Desk, Question, Settled};
use super::explain::is_gone;
use super::patience::patiently;
use super::renew;
use super::show::{self, Change, ServiceAccountView, end, expires, named, sheet};
use crate::api::NewPair;
use crate::api::account_v2::writer::Writer;
use crate::cli::{SecretPlace, ServiceAccountVerb};
use crate::model::{ManagedServiceAccount, ServiceAccountSpec};

pub(super) const KIND: &str = "service_account";

pub(super) async fn carry_out(
    desk: &Desk<'_>,
    writer: &Writer,
    verb: ServiceAccountVerb,
) -> Result<(), Failure> {
    match verb {
        ServiceAccountVerb::List => {
            let listed = writer.service_accounts().await?;
            let views: Vec<ServiceAccountView<'_>> = listed.iter().map(ServiceAccountView::of).collect();
            desk.print(&views, &show::service_accounts(&listed, desk.clock.now()))
        }
        ServiceAccountVerb::Get { id } => get(desk, writer, &id).await,
        ServiceAccountVerb::Create { name, description, permissions, secret } => {
            create(desk, writer, ServiceAccountSpec { name, description, permissions }, &secret).await
        }
        ServiceAccountVerb::Update { id, name, description, permissions } => {
            update(desk, writer, &id, (name, description, permissions)).await
        }
        ServiceAccountVerb::Enable { id } => switch(desk, writer, &id, true).await,
        ServiceAccountVerb::Disable { id } => switch(desk, writer, &id, false).await,
        ServiceAccountVerb::Delete { id } => delete(desk, writer, &id).await,
        ServiceAccountVerb::Renew { id, secret } => renew::service_account(desk, writer, &id, &secret).await,
    }
}

async fn get(desk: &Desk<'_>, writer: &Writer, id: &str) -> Result<(), Failure> {
    let account = writer.service_account(id).await?;
    let flag = |flag: Option<bool>| flag.map_or("unknown", |on| if on { "yes" } else { "no" }).to_owned();
    let text = sheet([
        ("id", account.id.clone()),
        ("name", account.spec.name.clone()),
        ("description", account.spec.description.clone()),
        ("enabled", flag(account.enabled)),
        ("ready", flag(account.ready)),
        ("end", end(account.expiry, desk.clock.now())),
        ("permissions", account.spec.permissions.join(", ")),
    ]);
    desk.print(&ServiceAccountView::whole(&account), &text)
}

async fn create(
    desk: &Desk<'_>,
    writer: &Writer,
    spec: ServiceAccountSpec,
    secret: &SecretPlace,
) -> Result<(), Failure> {
    desk.may_change()?;
    desk.may_get_secret(secret)?;
    let before = writer.service_accounts().await?;
    if let Some(twin) = before.iter().find(|other| other.spec.name == spec.name) {
        let twin = named(&twin.spec.name, &twin.id);
        return Err(Failure::Failed(format!(
            "there is a service account {twin} already: choose another name"
        )));
    }
    let what = format!("{:?} with the permissions {}", spec.name, spec.permissions.join(", "));
    desk.announce(&format!("Creates the service account {what} in account {}.", desk.account.name));
    let change = desk.change(KIND, "create", &spec.name);
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would create the service account {what}"));
    }
    desk.confirm(&Question::Yes)?;
    let pair = make(desk, writer, &spec, secret, &before).await?;
    let text =
        format!("created the service account {}; its key works in some minutes", named(&spec.name, &pair.id));
    desk.print_change(&with_pair(change, &pair, secret), &text)
}

/// What a change came to that made a pair.
pub(super) fn with_pair(change: Change, pair: &NewPair, secret: &SecretPlace) -> Change {
    Change {
        id: Some(pair.id.clone()),
        access_key: Some(pair.access_key.clone()),
        expires: expires(pair.expiry),
        secret_file: secret.file.as_ref().map(|path| path.display().to_string()),
        ..change
    }
}

/// Creates a service account and brings its pair to safety. `before` is what there was.
pub(super) async fn make(
    desk: &Desk<'_>,
    writer: &Writer,
    spec: &ServiceAccountSpec,
    secret: &SecretPlace,
    before: &[ManagedServiceAccount],
) -> Result<NewPair, Failure> {
    let file = desk.secret_file(secret)?;
    let made = patiently(&*desk.clock, async || writer.create_service_account(spec).await).await;
    let found = async || {
        let is_new = |found: &ManagedServiceAccount| {
            found.spec.name == spec.name && !before.iter().any(|other| other.id == found.id)
        };
        Ok(writer.service_accounts().await?.into_iter().find(is_new))
    };
    match desk.settle(made, found).await {
        Ok(Settled::Answered(pair)) => {
            let delete = desk.next(&format!("service-accounts delete {}", pair.id));
            desk.keep(file, secret, (&spec.name, &pair), &delete)?;
            Ok(pair)
        }
        Ok(Settled::Found(lost)) => {
            file.into_iter().for_each(super::secret_file::SecretFile::discard);
            Err(Failure::Failed(format!(
                "the vendor made the service account {}, but its answer with the secret was lost, and the vendor does not show it \
                 again. Delete it, and run the command again:\n  {}",
                named(&lost.spec.name, &lost.id),
                desk.next(&format!("service-accounts delete {}", lost.id))
            )))
        }
        Err(failure) => {
            file.into_iter().for_each(super::secret_file::SecretFile::discard);
            Err(failure)
        }
    }
}

async fn update(
    desk: &Desk<'_>,
    writer: &Writer,
    id: &str,
    (name, description, permissions): (Option<String>, Option<String>, Vec<String>),
) -> Result<(), Failure> {
    desk.may_change()?;
    if name.is_none() && description.is_none() && permissions.is_empty() {
        return Err(Failure::Misused("nothing to update is given: see --help".to_owned()));
    }
    let old = writer.service_account(id).await?;
    let mut spec = old.spec.clone();
    spec.name = name.unwrap_or(spec.name);
    spec.description = description.unwrap_or(spec.description);
    if !permissions.is_empty() {
        spec.permissions = permissions;
    }
    let what = named(&old.spec.name, id);
    let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, "update", &spec.name) };
    if spec == old.spec {
        let text = format!("the service account {what} is so already");
        return desk.print_change(&Change { changed: false, ..change }, &text);
    }
    desk.announce(&format!(
        "Updates the service account {what} in account {}: name {:?}, description {:?}, permissions {}. Its end stays: {}.",
        desk.account.name,
        spec.name,
        spec.description,
        spec.permissions.join(", "),
        end(old.expiry, desk.clock.now())
    ));
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would update the service account {what}"));
    }
    desk.confirm(&Question::Yes)?;
    let done = patiently(&*desk.clock, async || writer.update_service_account(id, &spec).await).await;
    desk.settle(done, async || Ok((writer.service_account(id).await?.spec == spec).then_some(()))).await?;
    desk.print_change(&change, &format!("updated the service account {}", named(&spec.name, id)))
}

async fn switch(desk: &Desk<'_>, writer: &Writer, id: &str, on: bool) -> Result<(), Failure> {
    desk.may_change()?;
    let old = writer.service_account(id).await?;
    let what = named(&old.spec.name, id);
    let (action, done_word) = if on { ("enable", "enabled") } else { ("disable", "disabled") };
    let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, action, &old.spec.name) };
    if old.enabled == Some(on) {
        let text = format!("the service account {what} is {done_word} already");
        return desk.print_change(&Change { changed: false, ..change }, &text);
    }
    desk.announce(&if on {
        format!("Enables the service account {what} in account {}: its key works again.", desk.account.name)
    } else {
        format!(
            "Disables the service account {what} in account {}: every program that uses its key fails at once. `enable` undoes this.",
            desk.account.name
        )
    });
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would {action} the service account {what}"));
    }
    desk.confirm(&Question::Yes)?;
    let done = patiently(&*desk.clock, async || writer.switch_service_account(id, on).await).await;
    desk.settle(done, async || Ok((writer.service_account(id).await?.enabled == Some(on)).then_some(())))
        .await?;
    desk.print_change(&change, &format!("{done_word} the service account {what}"))
}

async fn delete(desk: &Desk<'_>, writer: &Writer, id: &str) -> Result<(), Failure> {
    desk.may_change()?;
    let old = writer.service_account(id).await?;
    let what = named(&old.spec.name, id);
    let key = match old.enabled {
        Some(false) => "it is disabled, so nobody uses its key",
        _ => "IT IS ENABLED: every program that uses its key fails at once",
    };
    desk.announce(&format!(
        "Deletes the service account {what} in account {}: {}; permissions {}; {key}. This cannot be undone.",
        desk.account.name,
        end(old.expiry, desk.clock.now()),
        old.spec.permissions.join(", ")
    ));
    let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, "delete", &old.spec.name) };
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would delete the service account {what}"));
    }
    desk.confirm(&Question::Type(if old.spec.name.is_empty() { id } else { &old.spec.name }))?;
    let done = patiently(&*desk.clock, async || writer.delete_service_account(id).await).await;
    desk.settle(done, async || match writer.service_account(id).await {
        Err(error) if is_gone(&error) => Ok(Some(())),
        other => other.map(|_| None),
    })
    .await?;
    desk.print_change(&change, &format!("deleted the service account {what}"))
}
