//! The verbs of access keys.

use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::desk::{Desk, Question, Settled};
use super::secret_file::{Left, SecretFile, left};
use super::service_accounts::with_pair;
use super::show::{self, AccessKeyView, Change, Reference};
use crate::api::object_storage::Client;
use crate::api::object_storage::writer::Writer;
use crate::api::{ManageError, NewPair, NoTelemetry, Transport, TransportError};
use crate::cli::{AccessKeyVerb, SecretPlace};
use crate::config::ObjectStorage;
use crate::model::ManagedAccessKey;

const KIND: &str = "access_key";

/// After a change of keys this is normal, and no reason to worry.
const CONFUSION: &str = "for some minutes the vendor may reject it with a lone 403";

/// Lists and changes the access keys of one account.
pub(super) struct Keys<'a> {
    desk: &'a Desk<'a>,
    writer: Writer,
    reader: Client,
}

impl<'a> Keys<'a> {
    pub(super) fn new(
        desk: &'a Desk<'a>,
        writer: Writer,
        api: &ObjectStorage,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        let transport = Transport::new(timeout)?;
        let transport = match &desk.account.ca_file {
            Some(ca_file) => transport.trusting(ca_file)?,
            None => transport,
        };
        let (clock, telemetry) = (Arc::clone(&desk.clock), Arc::new(NoTelemetry));
        let reader = Client::new(desk.account, api, transport, clock, telemetry);
        Ok(Self { desk, writer, reader })
    }

    pub(super) async fn carry_out(&self, verb: AccessKeyVerb) -> Result<(), Failure> {
        match verb {
            AccessKeyVerb::List => {
                let keys = self.list().await?;
                let views: Vec<AccessKeyView<'_>> = keys.iter().map(AccessKeyView::of).collect();
                self.desk.print(&views, &show::access_keys(&keys))
            }
            AccessKeyVerb::Create { user, secret } => self.create(&user, &secret).await,
            AccessKeyVerb::Enable { id } => self.switch(&id, true).await,
            AccessKeyVerb::Disable { id } => self.switch(&id, false).await,
            AccessKeyVerb::Delete { id } => self.delete(&id).await,
            AccessKeyVerb::Renew { id, secret } => self.renew(&id, &secret).await,
        }
    }

    /// Every key of every user.
    async fn list(&self) -> Result<Vec<ManagedAccessKey>, ManageError> {
        let users = self.reader.keys().await?.data;
        let keys = users.into_iter().flat_map(|user| {
            let name = String::from(user.name);
            user.keys.into_iter().map(move |key| ManagedAccessKey {
                id: key.id.into(),
                user: name.clone(),
                active: key.active,
                created: key.created,
            })
        });
        Ok(keys.collect())
    }

    /// One key, among all that there are.
    async fn find(&self, id: &str) -> Result<(ManagedAccessKey, Vec<ManagedAccessKey>), Failure> {
        let all = self.list().await?;
        let found = all.iter().find(|key| key.id == id).cloned();
        let missing = || {
            format!(
                "there is no access key {id}. It may have been deleted: see {}",
                self.desk.next("access-keys list")
            )
        };
        Ok((found.ok_or_else(|| Failure::Failed(missing()))?, all))
    }

    /// Rejects what would shut this command and the exporter out.
    async fn is_not_own(&self, key: &ManagedAccessKey) -> Result<(), Failure> {
        if self.writer.own_access_key().await? != key.id {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "{} is the access key that the configuration of account {} uses: put another one there first",
            key.id, self.desk.account.name
        )))
    }

    async fn create(&self, user: &str, secret: &SecretPlace) -> Result<(), Failure> {
        let desk = self.desk;
        desk.may_change()?;
        desk.may_get_secret(secret)?;
        let all = self.list().await?;
        let has = all.iter().filter(|key| key.user == user).count();
        desk.announce(&format!(
            "Creates an access key for the user {user:?} in account {}, who has {has}.",
            desk.account.name
        ));
        let change = desk.change(KIND, "create", user);
        if desk.options.dry_run {
            return desk.print_change(&change, &format!("would create an access key for the user {user:?}"));
        }
        desk.confirm(&Question::Yes)?;
        let pair = self.make(user, secret, &all).await?;
        let text = format!("created the access key {} for the user {user:?}; {CONFUSION}", pair.id);
        desk.print_change(&with_pair(change, &pair, secret), &text)
    }

    /// Creates a key and brings its pair to safety. `before` is what there was.
    async fn make(
        &self,
        user: &str,
        secret: &SecretPlace,
        before: &[ManagedAccessKey],
    ) -> Result<NewPair, Failure> {
        let desk = self.desk;
        let file = desk.secret_file(secret)?;
        let made = self.writer.create_access_key(user).await;
        let found = async || {
            let is_new = |found: &ManagedAccessKey| {
                found.user == user && !before.iter().any(|other| other.id == found.id)
            };
            Ok(self.list().await?.into_iter().find(is_new))
        };
        match desk.settle(made, found).await {
            Ok(Settled::Answered(pair)) => {
                let delete = desk.next(&format!("access-keys delete {}", pair.id));
                desk.keep(file, secret, (user, &pair), &delete)?;
                Ok(pair)
            }
            Ok(Settled::Found(lost)) => {
                file.into_iter().for_each(SecretFile::discard);
                Err(Failure::Failed(format!(
                    "the vendor made the access key {} for the user {user:?}, but its answer with the secret was lost, and the vendor \
                     does not show it again. Delete it, and run the command again:\n  {}",
                    lost.id,
                    desk.next(&format!("access-keys delete {}", lost.id))
                )))
            }
            Err(failure) => {
                file.into_iter().for_each(SecretFile::discard);
                Err(failure)
            }
        }
    }

    async fn switch(&self, id: &str, on: bool) -> Result<(), Failure> {
        let desk = self.desk;
        desk.may_change()?;
        let (key, _) = self.find(id).await?;
        let (action, done_word) = if on { ("enable", "enabled") } else { ("disable", "disabled") };
        let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, action, &key.user) };
        if key.active == Some(on) {
            let change = Change { changed: false, ..change };
            return desk.print_change(&change, &format!("the access key {id} is {done_word} already"));
        }
        if !on {
            self.is_not_own(&key).await?;
        }
        let what = format!("the access key {id} of the user {:?} in account {}", key.user, desk.account.name);
        desk.announce(&if on {
            format!("Enables {what}: it works again.")
        } else {
            format!("Disables {what}: every program that uses it fails at once. `enable` undoes this.")
        });
        if desk.options.dry_run {
            return desk.print_change(&change, &format!("would {action} the access key {id}"));
        }
        desk.confirm(&Question::Yes)?;
        let done = self.writer.switch_access_key(&key.user, id, on).await;
        let is_so = |now: &ManagedAccessKey| now.id == id && now.active == Some(on);
        desk.settle(done, async || Ok(self.list().await?.iter().any(is_so).then_some(()))).await?;
        desk.print_change(&change, &format!("{done_word} the access key {id}"))
    }

    async fn delete(&self, id: &str) -> Result<(), Failure> {
        let desk = self.desk;
        desk.may_change()?;
        let (key, _) = self.find(id).await?;
        self.is_not_own(&key).await?;
        let state = match key.active {
            Some(false) => "it is disabled, so nobody uses it",
            _ => "IT IS ENABLED: every program that uses it fails at once",
        };
        desk.announce(&format!(
            "Deletes the access key {id} of the user {:?} in account {}: {state}. This cannot be undone.",
            key.user, desk.account.name
        ));
        let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, "delete", &key.user) };
        if desk.options.dry_run {
            return desk.print_change(&change, &format!("would delete the access key {id}"));
        }
        desk.confirm(&Question::Type(id))?;
        let done = self.writer.delete_access_key(&key.user, id).await;
        let is_there = |now: &ManagedAccessKey| now.id == id;
        desk.settle(done, async || Ok((!self.list().await?.iter().any(is_there)).then_some(()))).await?;
        desk.print_change(&change, &format!("deleted the access key {id}"))
    }

    async fn renew(&self, id: &str, secret: &SecretPlace) -> Result<(), Failure> {
        let desk = self.desk;
        desk.may_change()?;
        desk.may_get_secret(secret)?;
        let (old, all) = self.find(id).await?;
        // Keys have no names: what tells a renewal is that it is newer, and of the same user.
        let newer = |key: &&ManagedAccessKey| {
            key.user == old.user
                && key.id != id
                && (key.created.is_none() || old.created.is_none() || key.created > old.created)
        };
        let renews = Some(Reference { id: id.to_owned(), name: old.user.clone() });
        let change = Change { renews, ..desk.change(KIND, "renew", &old.user) };
        if let Some(new) = all.iter().filter(newer).max_by_key(|key| key.created) {
            return self.resume(&old, new, change, secret);
        }
        desk.announce(&format!(
            "Renews the access key {id} in account {}: creates another one for the user {:?}. The old one stays on.",
            desk.account.name, old.user
        ));
        if desk.options.dry_run {
            return desk
                .print_change(&change, &format!("would create an access key for the user {:?}", old.user));
        }
        desk.confirm(&Question::Yes)?;
        let pair = self.make(&old.user, secret, &all).await?;
        let change = Change { next: self.steps(id), ..with_pair(change, &pair, secret) };
        let text = format!(
            "created the access key {}; {CONFUSION}. Give it to every program that uses {id}, then:",
            pair.id
        );
        desk.print_change(&change, &text)
    }

    fn steps(&self, old: &str) -> Vec<String> {
        ["disable", "delete"].map(|verb| self.desk.next(&format!("access-keys {verb} {old}"))).to_vec()
    }

    /// The user has a newer key already.
    fn resume(
        &self,
        old: &ManagedAccessKey,
        new: &ManagedAccessKey,
        change: Change,
        secret: &SecretPlace,
    ) -> Result<(), Failure> {
        let desk = self.desk;
        let (id, steps) = (&new.id, self.steps(&old.id));
        let left = secret.file.as_deref().and_then(left);
        if left == Some(Left::Pair(id.clone())) {
            let secret_file = secret.file.as_ref().map(|path| path.display().to_string());
            let change = Change { changed: false, id: Some(id.clone()), secret_file, next: steps, ..change };
            let text = format!(
                "the access key {id} was already created, and its pair is in the file. Give it to every program that uses {}, then:",
                old.id
            );
            return desk.print_change(&change, &text);
        }
        let made = new.created.map_or_else(|| "unknown".to_owned(), |created| created.to_string());
        Err(Failure::Failed(format!(
            "the user {:?} has a newer access key already, {} (created: {made}), so no further one is created.\n\
             If it is the renewal and you have its secret, go on with the next steps:\n{}\
             If its secret is lost, delete it and renew again:\n  {}\n\
             If it belongs to another program, use `access-keys create`.",
            old.user,
            id,
            steps.iter().map(|step| format!("  {step}\n")).collect::<String>(),
            desk.next(&format!("access-keys delete {id}"))
        )))
    }
}
