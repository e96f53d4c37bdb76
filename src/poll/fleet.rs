use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::error;

use super::connection::Connection;
use super::supervise::{supervise, supervise_poller};
use super::{Jitter, Meter, PollNow, PolledAccount, Poller, Recorder, Settings, spec, watch_rotation};
use crate::api::{Client, Gate, Source, Transport, TransportError};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::metrics::ROTATION;
use crate::store::{AccountCell, AccountSpec, Store};

/// Every account that is polled, with its pollers.
pub struct Fleet {
    known: Known,
    settings: watch::Sender<Arc<Settings>>,
    tasks: BTreeMap<String, JoinSet<()>>,
    poll_now: PollNow,
}

/// What is kept from one configuration to the next. A clone is cheap and shares the clients.
#[derive(Clone)]
pub struct Known {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    config: Arc<Config>,
    gate: Arc<Gate>,
    transport: Option<Transport>,
    members: BTreeMap<String, Member>,
}

#[derive(Clone)]
struct Member {
    connection: Connection,
    account: PolledAccount,
}

/// A configuration with everything that it needs made; nothing of it is in use yet.
pub struct Plan {
    config: Arc<Config>,
    transport: Transport,
    members: BTreeMap<String, Member>,
    specs: Vec<(AccountSpec, Arc<AccountCell>)>,
}

/// How many accounts a new configuration concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// That were not there before.
    pub added: usize,
    /// Of which anything is configured in another way than before, or whose certificates are others.
    pub changed: usize,
    /// That are not there any more.
    pub removed: usize,
}

impl Changes {
    /// `ended` names accounts that are not reached as before, for whatever reason.
    fn between(before: &[config::Account], after: &[config::Account], ended: &[String]) -> Self {
        let (before, after) = (by_name(before), by_name(after));
        let is_other = |(name, account): &(&&str, &&config::Account)| {
            let former = before.get(*name);
            former.is_some_and(|former| former != *account || ended.iter().any(|ended| ended == *name))
        };
        Self {
            added: after.keys().filter(|name| !before.contains_key(*name)).count(),
            changed: after.iter().filter(is_other).count(),
            removed: before.keys().filter(|name| !after.contains_key(*name)).count(),
        }
    }
}

fn by_name(accounts: &[config::Account]) -> BTreeMap<&str, &config::Account> {
    accounts.iter().map(|account| (account.name.as_str(), account)).collect()
}

impl Known {
    /// Makes what `config` needs and is not there yet. Blocks on the file system.
    ///
    /// # Errors
    /// Where a client cannot be made; nothing has changed then.
    pub fn plan(&self, config: Arc<Config>) -> Result<Plan, TransportError> {
        let transport = match &self.transport {
            Some(transport) if config.poll.timeout == self.config.poll.timeout => transport.clone(),
            _ => Transport::new(config.poll.timeout)?,
        };
        let mut members = BTreeMap::new();
        let mut specs = Vec::with_capacity(config.accounts.len());
        for account in &config.accounts {
            let connection = Connection::of(account, config.poll.timeout);
            let spec = spec(account, &config);
            let before = self.members.get(&account.name);
            let member = match before.filter(|member| member.connection == connection) {
                Some(member) => member.clone(),
                None => {
                    let same_account = before.filter(|before| before.connection.is_same_account(&connection));
                    let cell = match same_account {
                        Some(before) => Arc::clone(&before.account.cell),
                        None => self.store.new_cell(spec.clone()),
                    };
                    let recorder =
                        Recorder::new(Arc::clone(&cell), Arc::clone(&self.clock), Arc::clone(&self.meter));
                    let recorder = Arc::new(recorder);
                    let telemetry = Arc::clone(&recorder) as _;
                    let transport = transport.clone().in_lane(self.gate.lane());
                    let client = Client::new(account, transport, Arc::clone(&self.clock), telemetry)?;
                    Member { connection, account: PolledAccount { cell, client, recorder } }
                }
            };
            specs.push((spec, Arc::clone(&member.account.cell)));
            members.insert(account.name.clone(), member);
        }
        Ok(Plan { config, transport, members, specs })
    }
}

impl Fleet {
    /// The accounts of `config`, put in the store; nothing is polled yet.
    ///
    /// # Errors
    /// Where a client cannot be made: a certificate file went missing since the configuration was checked.
    pub fn new(
        config: Arc<Config>,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
        jitter: Jitter,
    ) -> Result<Self, TransportError> {
        let settings = Arc::new(Settings::new(Arc::clone(&config), jitter));
        let mut known = Known {
            store,
            clock,
            meter,
            config: Arc::clone(&config),
            gate: Gate::new(config.poll.max_concurrent_requests),
            transport: None,
            members: BTreeMap::new(),
        };
        let plan = known.plan(config)?;
        known.take(plan);
        Ok(Self {
            known,
            settings: watch::Sender::new(settings),
            tasks: BTreeMap::new(),
            poll_now: PollNow::default(),
        })
    }

    /// What a plan for the next configuration starts from.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known.clone()
    }

    /// A way to have everything polled out of turn.
    #[must_use]
    pub fn poll_now(&self) -> PollNow {
        self.poll_now.clone()
    }

    /// The settings, as they are and as they change.
    #[must_use]
    pub fn settings(&self) -> watch::Receiver<Arc<Settings>> {
        self.settings.subscribe()
    }

    /// The pollers of every account, in the order of the configuration; not running.
    #[must_use]
    pub fn pollers(&self) -> Vec<Poller> {
        let accounts = &self.known.config.accounts;
        let members = accounts.iter().filter_map(|account| self.known.members.get(&account.name));
        members
            .flat_map(|Member { account, .. }| {
                let rotated = watch::Sender::new(());
                let spec = Arc::clone(&account.cell.state().spec);
                let sources = account.client.sources().into_iter();
                sources
                    .filter(move |source| spec.polls(source.descriptor().collector))
                    .map(move |source| self.poller(account, source, &rotated))
            })
            .collect()
    }

    /// Starts polling. The pollers end with [`Fleet::stop`], or when the fleet is dropped.
    pub fn start(&mut self) {
        let Self { known, tasks, .. } = &*self;
        let idle = known.members.keys().filter(|name| !tasks.contains_key(*name));
        let started: Vec<_> =
            idle.map(|name| (name.clone(), self.start_member(&known.members[name]))).collect();
        self.tasks.extend(started);
    }

    /// Goes over to another configuration. Accounts that are reached as before keep their client, and with it their
    /// session, and go on as they were; those that are reached in another way are polled at once; those that are gone
    /// are polled no more and forgotten.
    pub async fn change(&mut self, plan: Plan) -> Changes {
        let stays = |name: &String, member: &Member| {
            plan.members.get(name).is_some_and(|next| next.account.client.is_same(&member.account.client))
        };
        let ended: Vec<String> = self
            .known
            .members
            .iter()
            .filter(|(name, member)| !stays(name, member))
            .map(|(name, _)| name.clone())
            .collect();
        let changes = Changes::between(&self.known.config.accounts, &plan.config.accounts, &ended);
        // Nothing of the old way may write into a place that the new one goes on with.
        self.end(ended).await;
        let settings = self.settings.borrow().changed_to(Arc::clone(&plan.config));
        self.known.take(plan);
        self.settings.send_replace(Arc::new(settings));
        self.start();
        changes
    }

    /// Stops polling: requests under way are given up.
    pub async fn stop(&mut self) {
        let all = self.tasks.keys().cloned().collect();
        self.end(all).await;
    }

    async fn end(&mut self, names: Vec<String>) {
        let mut ended: Vec<JoinSet<()>> = names.iter().filter_map(|name| self.tasks.remove(name)).collect();
        // Dropping a poll closes its connection and frees its place.
        ended.iter_mut().for_each(JoinSet::abort_all);
        for mut tasks in ended {
            while let Some(end) = tasks.join_next().await {
                if let Err(error) = end
                    && error.is_panic()
                {
                    error!(%error, "a poller ended by a panic");
                }
            }
        }
    }

    fn start_member(&self, Member { account, .. }: &Member) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let rotated = watch::Sender::new(());
        // A collector that is switched off waits for the configuration that switches it on.
        for source in account.client.sources() {
            let poller = self.poller(account, source, &rotated);
            tasks.spawn(supervise_poller(poller, Arc::clone(&self.known.meter)));
        }
        let (account, clock) = (account.clone(), Arc::clone(&self.known.clock));
        tasks.spawn(supervise(ROTATION, Arc::clone(&self.known.meter), move || {
            watch_rotation(account.clone(), Arc::clone(&clock), rotated.clone())
        }));
        tasks
    }

    fn poller(
        &self,
        account: &PolledAccount,
        source: Box<dyn Source>,
        rotated: &watch::Sender<()>,
    ) -> Poller {
        let Known { clock, meter, .. } = &self.known;
        let settings = self.settings.subscribe();
        Poller::new(
            account.clone(),
            source,
            settings,
            Arc::clone(clock),
            Arc::clone(meter),
            rotated.subscribe(),
            &self.poll_now,
        )
    }
}

impl Known {
    /// Makes the plan what is, as far as it can be seen: in the store, and here.
    fn take(&mut self, plan: Plan) {
        let Plan { config, transport, members, specs } = plan;
        self.store.install(specs);
        self.gate.set_limit(config.poll.max_concurrent_requests);
        self.config = config;
        self.transport = Some(transport);
        self.members = members;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, SecretSource};
    use crate::model::Expiry;

    fn account(name: &str, credential: Expiry) -> config::Account {
        let secret = || SecretSource::Inline(Secret::new("canary".to_owned()));
        config::Account {
            name: name.to_owned(),
            api: config::Api::AccountV2 { base_url: "https://vendor.example/v2".parse().unwrap() },
            account_id: name.to_owned(),
            access_key: secret(),
            secret: secret(),
            credential,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        }
    }

    #[test]
    fn every_account_that_is_otherwise_is_counted_once() {
        let before = ["a", "b", "c", "gone"].map(|name| account(name, Expiry::Unknown));
        let after = [
            account("a", Expiry::Unknown),
            account("b", Expiry::Never),
            account("c", Expiry::Unknown),
            account("new", Expiry::Unknown),
        ];
        let changes = Changes::between(&before, &after, &["c".to_owned(), "gone".to_owned()]);
        assert_eq!(changes, Changes { added: 1, changed: 2, removed: 1 });
        assert_eq!(Changes::between(&before, &before, &[]), Changes::default());
    }
}
