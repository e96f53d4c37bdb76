//! The vendor in process: version 2 of the Account API and Lyve Cloud Object Storage over real HTTP, on a loopback
//! port.
//!
//! The demo polls it, and so do tests. Accounts are built like sentences and changed while the exporter polls them. It
//! is written from what the vendor's guide says and what was seen on the wire, and shares no type of the wire with
//! [`api`](crate::api), so that the two can disagree.
//!
//! The released program has only what the demo needs: a server that answers as the vendor would. Faults, the request
//! log and TLS are in `testing`, behind the feature of that name.
//!
//! It follows a [`Clock`]: tokens and credentials die when the clock passes their end. Only latency and delays take
//! real time.

mod account;
mod answer;
mod canned;
mod change;
pub mod demo;
mod endpoint;
mod inventory;
mod object_storage;
mod query;
mod route;
mod server;
mod settings;
#[cfg(feature = "testing")]
mod testing;
#[cfg(test)]
mod tests;
mod usage;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;

use self::server::{Plain, Server};
use self::world::World;

pub use self::account::SimulatedAccount;
pub use self::canned::{Canned, CannedAnswer, CannedRequest};
pub use self::endpoint::Endpoint;
pub use self::inventory::{Actions, ExpirationDate, Permission, ServiceAccount, SubAccount};
pub use self::object_storage::{DailyTransfer, Figure, ObjectStorageAccount, Transfer, User, UserKind};
pub use self::settings::{
    ChangeAnswer, DeadTokenCode, ErrorForm, MonthBase, ObjectStorageSettings, Settings,
};
#[cfg(feature = "testing")]
pub use self::testing::{Fault, RequestRecord};
pub use self::usage::Usage;

/// A port of the system's choice.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A simulated vendor. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
    #[cfg_attr(
        not(feature = "testing"),
        expect(dead_code, reason = "the server lives as long as this does")
    )]
    server: Mutex<Option<Server>>,
    #[cfg(feature = "testing")]
    scripted: testing::Scripted,
}

/// What the connections and the handles of accounts have in common.
struct Shared {
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
    #[cfg(feature = "testing")]
    script: testing::Script,
}

impl Shared {
    fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            world: Mutex::default(),
            #[cfg(feature = "testing")]
            script: testing::Script::default(),
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It shows nothing of what is inside: there are secrets and tokens.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts on a loopback port of the system's choice, without any account. It only answers: faults, the request log
    /// and TLS are for tests, which start it by other functions.
    ///
    /// # Errors
    /// Where the system gives no port.
    pub async fn start_plain(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let shared = Shared::new(clock);
        let (server, address) = Server::bind(ANY_PORT, Plain, Arc::clone(&shared)).await?;
        Ok(Self {
            shared,
            address,
            scheme: "http",
            server: Mutex::new(Some(server)),
            #[cfg(feature = "testing")]
            scripted: testing::Scripted::default(),
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its API is: `http://127.0.0.1:…/v2`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.address, endpoint::ROOT)
    }

    /// The account of this id, made where there is none yet.
    #[must_use]
    pub fn account(&self, id: &str) -> SimulatedAccount {
        SimulatedAccount::new(Arc::clone(&self.shared), id)
    }

    /// Where Lyve Cloud Object Storage is, its IAM host and its S3 host alike: `http://127.0.0.1:…`, without a trailing
    /// slash.
    #[must_use]
    pub fn object_storage_url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
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

    /// How long the next answer waits.
    #[cfg(test)]
    pub(crate) fn next_latency(&self) -> std::time::Duration {
        self.shared.world().next_latency()
    }

    /// The time on the simulator's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }
}
