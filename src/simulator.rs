//! The vendor in process: version 2 of the Account API and Lyve Cloud Object Storage over real HTTP, on a loopback
//! port.
//!
//! The demo shows itself against it, and tests speak to it: accounts are built like sentences, changed while the
//! exporter polls them, and made to fail in every way that is worth a test. It is written from what the vendor's guide
//! says and what was seen on the wire, and shares no type of the wire with [`api`](crate::api), so that the two can
//! disagree.
//!
//! It follows a [`Clock`]: tokens and credentials die when the clock passes their end. Only latency and delays take
//! real time.

mod account;
mod answer;
mod body;
mod change;
pub mod demo;
mod endpoint;
mod fault;
mod inventory;
mod log;
mod object_storage;
mod query;
mod route;
mod server;
mod settings;
#[cfg(test)]
mod tests;
mod usage;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rustls::ServerConfig;

use crate::clock::Clock;

use self::fault::Faults;
use self::log::Log;
use self::server::Server;
use self::world::World;

pub use self::account::Account;
pub use self::endpoint::Endpoint;
pub use self::fault::Fault;
pub use self::inventory::{Actions, ExpirationDate, Permission, ServiceAccount, SubAccount};
pub use self::log::RequestRecord;
pub use self::object_storage::{DailyTransfer, Figure, ObjectStorageAccount, Transfer, User, UserKind};
pub use self::settings::{
    ChangeAnswer, DeadTokenCode, ErrorForm, MonthBase, ObjectStorageSettings, Settings,
};
pub use self::usage::Usage;

/// A port of the system's choice.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A simulated vendor. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    server: Mutex<Option<Server>>,
}

/// What the connections and the handles of accounts have in common.
struct Shared {
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    log: Arc<Log>,
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It shows nothing of what is inside: there are secrets and tokens.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts on a loopback port of the system's choice, without any account.
    ///
    /// # Errors
    /// Where the system gives no port.
    pub async fn start(clock: Arc<dyn Clock>) -> io::Result<Self> {
        Self::listen(clock, ANY_PORT, None).await
    }

    /// Starts on this very address.
    ///
    /// # Errors
    /// Where the address cannot be had.
    pub async fn start_on(clock: Arc<dyn Clock>, address: SocketAddr) -> io::Result<Self> {
        Self::listen(clock, address, None).await
    }

    /// Starts with TLS on a loopback port of the system's choice.
    ///
    /// # Errors
    /// Where the system gives no port.
    pub async fn start_tls(clock: Arc<dyn Clock>, tls: Arc<ServerConfig>) -> io::Result<Self> {
        Self::listen(clock, ANY_PORT, Some(tls)).await
    }

    async fn listen(
        clock: Arc<dyn Clock>,
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            clock,
            world: Mutex::default(),
            faults: Mutex::default(),
            log: Arc::default(),
        });
        let (server, address) = Server::bind(address, tls.clone(), Arc::clone(&shared)).await?;
        Ok(Self { shared, address, tls, server: Mutex::new(Some(server)) })
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the listener and every connection: the vendor is down. What it knows stays.
    pub async fn stop(&self) {
        let server = self.server().take();
        if let Some(server) = server {
            server.stop().await;
        }
    }

    /// Comes up again after [`Simulator::stop`], on the same address and with all that it knew.
    ///
    /// # Errors
    /// Where the address was taken in the meantime.
    pub async fn start_again(&self) -> io::Result<()> {
        self.stop().await;
        let (server, _) = Server::bind(self.address, self.tls.clone(), Arc::clone(&self.shared)).await?;
        *self.server() = Some(server);
        Ok(())
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its API is: `http://127.0.0.1:…/v2`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.address, endpoint::ROOT)
    }

    /// The account of this id, made where there is none yet.
    #[must_use]
    pub fn account(&self, id: &str) -> Account {
        Account::new(Arc::clone(&self.shared), id)
    }

    /// Where Lyve Cloud Object Storage is, its IAM host and its S3 host alike: `http://127.0.0.1:…`, without a trailing
    /// slash.
    #[must_use]
    pub fn object_storage_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The account of Lyve Cloud Object Storage of this name, made where there is none yet. The name serves tests: the
    /// vendor knows an account by the access key of a request.
    #[must_use]
    pub fn object_storage_account(&self, name: &str) -> ObjectStorageAccount {
        ObjectStorageAccount::new(Arc::clone(&self.shared), name)
    }

    /// Changes how the vendor behaves.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.world().change_settings(change);
    }

    /// Ends every session of every account.
    pub fn revoke_all_sessions(&self) {
        self.shared.world().revoke_all_sessions();
    }

    /// The last 10,000 tokens at least, alive or dead: what must show up nowhere.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.shared.world().tokens()
    }

    /// The time on the simulator's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The next request of any account to `endpoint` (`None`: to any) meets a fault. Faults that fit the same request
    /// are met one after the other, in the order in which they were set up.
    pub fn fail_once(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.faults().add(None, endpoint.into(), fault, true);
    }

    /// Every request of any account to `endpoint` (`None`: to any) meets a fault, until faults are cleared.
    pub fn fail_always(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.faults().add(None, endpoint.into(), fault, false);
    }

    /// Forgets every fault, those of single accounts as well. Requests that hang already go on hanging.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// The last 10,000 requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.log.requests()
    }

    /// The requests that would have changed something at the vendor. A reader has none.
    #[must_use]
    pub fn violations(&self) -> Vec<RequestRecord> {
        self.shared.log.violations()
    }

    /// How many requests to `endpoint` (`None`: to any) there were.
    #[must_use]
    pub fn request_count(&self, endpoint: impl Into<Option<Endpoint>>) -> usize {
        self.shared.log.count(endpoint.into())
    }

    /// How many requests are under way: from their arrival until their answer is handed to the system.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.log.in_flight()
    }

    /// The most requests that were under way at once.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.shared.log.max_in_flight()
    }

    /// Starts the counts, the list of requests and the violations anew.
    pub fn forget_requests(&self) {
        self.shared.log.forget();
    }

    /// Ends once there were `count` requests to `endpoint` (`None`: to any), counted as in
    /// [`Simulator::request_count`]. A request counts when it has arrived, before it is answered.
    pub async fn wait_for_requests(&self, endpoint: impl Into<Option<Endpoint>>, count: usize) {
        self.shared.log.wait_for(endpoint.into(), count).await;
    }
}
