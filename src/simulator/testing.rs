//! What tests make of the simulator: faults, a log of requests, TLS, an address of their own, a vendor that is down.

mod body;
mod fault;
mod log;
mod scripted;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;

use crate::clock::Clock;

use super::server::Server;
use super::world::World;
use super::{ANY_PORT, Endpoint, ObjectStorageAccount, Shared, SimulatedAccount, Simulator};

use self::fault::Faults;
use self::log::Log;

pub use self::fault::Fault;
pub use self::log::RequestRecord;
pub(super) use self::scripted::Scripted;

/// What goes wrong, and what arrived.
#[derive(Debug, Default)]
pub(super) struct Script {
    faults: Mutex<Faults>,
    log: Arc<Log>,
}

impl Script {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Closes the listener and every connection.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        // It can end only as it should, or with a panic that was shown where it happened.
        let _ = (&mut self.task).await;
    }
}

impl World {
    fn revoke_all_sessions(&mut self) {
        for account in self.accounts.values_mut() {
            account.generation += 1;
        }
    }

    /// The tokens that were given and not cleared away, alive or dead.
    fn tokens(&self) -> Vec<String> {
        self.sessions.keys().cloned().collect()
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
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Shared::new(clock);
        let scripted = Scripted::new(tls);
        let (server, address) = Server::bind(address, scripted.clone(), Arc::clone(&shared)).await?;
        Ok(Self { shared, address, scheme, server: Mutex::new(Some(server)), scripted })
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
        let shared = Arc::clone(&self.shared);
        let (server, _) = Server::bind(self.address, self.scripted.clone(), shared).await?;
        *self.server() = Some(server);
        Ok(())
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

    /// The next request of any account to `endpoint` (`None`: to any) meets a fault. Faults that fit the same request
    /// are met one after the other, in the order in which they were set up.
    pub fn fail_once(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.script.faults().add(None, endpoint.into(), fault, true);
    }

    /// Every request of any account to `endpoint` (`None`: to any) meets a fault, until faults are cleared.
    pub fn fail_always(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.script.faults().add(None, endpoint.into(), fault, false);
    }

    /// Forgets every fault, those of single accounts as well. Requests that hang already go on hanging.
    pub fn clear_faults(&self) {
        self.shared.script.faults().clear();
    }

    /// The last 10,000 requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.script.log.requests()
    }

    /// The requests that would have changed something at the vendor. A reader has none.
    #[must_use]
    pub fn violations(&self) -> Vec<RequestRecord> {
        self.shared.script.log.violations()
    }

    /// How many requests to `endpoint` (`None`: to any) there were.
    #[must_use]
    pub fn request_count(&self, endpoint: impl Into<Option<Endpoint>>) -> usize {
        self.shared.script.log.count(endpoint.into())
    }

    /// How many requests are under way: from their arrival until their answer is handed to the system.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.script.log.in_flight()
    }

    /// The most requests that were under way at once.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.shared.script.log.max_in_flight()
    }

    /// Starts the counts, the list of requests and the violations anew.
    pub fn forget_requests(&self) {
        self.shared.script.log.forget();
    }

    /// Ends once there were `count` requests to `endpoint` (`None`: to any), counted as in
    /// [`Simulator::request_count`]. A request counts when it has arrived, before it is answered.
    pub async fn wait_for_requests(&self, endpoint: impl Into<Option<Endpoint>>, count: usize) {
        self.shared.script.log.wait_for(endpoint.into(), count).await;
    }
}

impl SimulatedAccount {
    /// The next request of this account to `endpoint` (`None`: to any) meets a fault.
    pub fn fail_once(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.script.faults().add(Some(self.id.clone()), endpoint.into(), fault, true);
    }

    /// Every request of this account to `endpoint` (`None`: to any) meets a fault, until faults are cleared.
    pub fn fail_always(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.script.faults().add(Some(self.id.clone()), endpoint.into(), fault, false);
    }
}

impl ObjectStorageAccount {
    /// The next request of this account to `endpoint` (`None`: to any) meets a fault.
    pub fn fail_once(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.script.faults().add(Some(self.name.clone()), endpoint.into(), fault, true);
    }

    /// Every request of this account to `endpoint` (`None`: to any) meets a fault, until faults are cleared.
    pub fn fail_always(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault) {
        self.shared.script.faults().add(Some(self.name.clone()), endpoint.into(), fault, false);
    }
}
