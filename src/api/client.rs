//! What an API is, and which ones there are.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::collect::{Asked, Collect, Context, Descriptor};
use super::{ApiError, Telemetry, Transport, TransportError, account_v2, object_storage};
use crate::clock::Clock;
use crate::config;
use crate::model::{AnyData, Collected, Collector, Endpoint, Month, PastUsage};

/// One of the vendor's APIs, as one account is asked through it.
pub trait Api: Send + Sync + Sized + 'static {
    /// Its collectors, in the order in which they are shown.
    const COLLECTORS: &'static [Declared<Self>];

    /// Which keys of an account's configuration it needs, in words for a person.
    const SETTINGS: Settings;

    /// What is asked for a session, before any collector asks; empty where there is none.
    const LOGIN: &'static [Asked] = &[];

    /// Whether the credentials were rejected and, read now, are others than the rejected ones; or could not be read and can
    /// be now.
    fn credentials_renewed(&self) -> impl Future<Output = bool> + Send;

    /// What is known of past months, both included.
    ///
    /// # Errors
    /// Where there is no complete answer.
    fn past_usage(
        &self,
        first: Month,
        last: Month,
        zeros: Zeros,
    ) -> impl Future<Output = Result<PastUsage, ApiError>> + Send;
}

/// Keys of an account's configuration, as a sentence names them.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where the API is.
    pub address: &'static str,
    /// Which credentials it takes.
    pub credentials: &'static str,
}

/// What a month means in which every figure is 0: the Account API answers 0 where it has no data (vendor guide).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// There is no data: the month is left out.
    NoData,
    /// What it says: nothing was stored.
    Kept,
}

/// The collectors of one of the APIs.
#[must_use]
pub fn collectors_of(api: &config::Api) -> Vec<&'static Descriptor> {
    match api {
        config::Api::AccountV2 { .. } => descriptors::<account_v2::Client>().collect(),
        config::Api::ObjectStorage(_) => descriptors::<object_storage::Client>().collect(),
    }
}

/// The collectors of all APIs.
pub fn collectors() -> impl Iterator<Item = &'static Descriptor> {
    descriptors::<account_v2::Client>().chain(descriptors::<object_storage::Client>())
}

/// What is declared of an endpoint.
#[must_use]
pub fn asked(endpoint: Endpoint) -> Option<&'static Asked> {
    collectors().flat_map(Descriptor::asked).find(|asked| asked.endpoint == endpoint)
}

/// The names of a list of collectors.
pub(super) const fn names<A, const N: usize>(declared: &[Declared<A>; N]) -> [Collector; N] {
    let mut names = [declared[0].descriptor.collector; N];
    let mut index = 1;
    while index < N {
        names[index] = declared[index].descriptor.collector;
        index += 1;
    }
    names
}

fn descriptors<A: Api>() -> impl Iterator<Item = &'static Descriptor> {
    A::COLLECTORS.iter().map(|declared| &declared.descriptor)
}

/// A collector of the API `A`.
pub struct Declared<A> {
    pub(super) descriptor: Descriptor,
    collect: for<'a> fn(&'a A, Context<'a>) -> Collecting<'a>,
}

type Collecting<'a> = BoxFuture<'a, Result<Collected<AnyData>, ApiError>>;

impl<A: Api> Declared<A> {
    /// The collector that brings `T`.
    #[must_use]
    pub const fn of<T: Collect<Api = A>>() -> Self {
        Self { descriptor: Descriptor::of::<T>(), collect: collect::<T> }
    }
}

fn collect<'a, T: Collect>(client: &'a T::Api, context: Context<'a>) -> Collecting<'a> {
    Box::pin(async move { Ok(T::collect(client, context).await?.map(AnyData::from)) })
}

/// A collector of one account. It comes from the account's client, so that its API has it.
pub trait Source: Send + Sync {
    /// What is declared of it.
    fn descriptor(&self) -> &'static Descriptor;

    /// Asks the vendor.
    fn collect<'a>(&'a self, context: Context<'a>) -> BoxFuture<'a, Result<Collected<AnyData>, ApiError>>;
}

struct Bound<A: 'static> {
    client: Arc<A>,
    declared: &'static Declared<A>,
}

impl<A: Api> Source for Bound<A> {
    fn descriptor(&self) -> &'static Descriptor {
        &self.declared.descriptor
    }

    fn collect<'a>(&'a self, context: Context<'a>) -> Collecting<'a> {
        (self.declared.collect)(&self.client, context)
    }
}

/// The client of one account. A clone asks through the same one.
#[derive(Clone)]
pub struct Client(Arc<dyn AnyApi>);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `account`; nothing is asked yet. With a `ca_file` it gets connections of its own.
    ///
    /// # Errors
    /// Where the account's `ca_file` cannot be used.
    pub fn new(
        account: &config::Account,
        transport: Transport,
        clock: Arc<dyn Clock>,
        telemetry: Arc<dyn Telemetry>,
    ) -> Result<Self, TransportError> {
        let transport = match &account.ca_file {
            Some(ca_file) => transport.trusting(ca_file)?,
            None => transport,
        };
        Ok(match &account.api {
            config::Api::AccountV2 { base_url } => {
                Self(Arc::new(account_v2::Client::new(account, base_url, transport, clock, telemetry)))
            }
            config::Api::ObjectStorage(api) => {
                Self(Arc::new(object_storage::Client::new(account, api, transport, clock, telemetry)))
            }
        })
    }

    /// Its collectors, in the order in which they are shown.
    #[must_use]
    pub fn sources(&self) -> Vec<Box<dyn Source>> {
        Arc::clone(&self.0).sources()
    }

    /// As [`Api::credentials_renewed`].
    pub async fn credentials_renewed(&self) -> bool {
        self.0.credentials_renewed().await
    }

    /// As [`Api::past_usage`].
    ///
    /// # Errors
    /// Where there is no complete answer.
    pub async fn past_usage(&self, first: Month, last: Month, zeros: Zeros) -> Result<PastUsage, ApiError> {
        self.0.past_usage(first, last, zeros).await
    }

    /// Whether both are the same one.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

/// An [`Api`] of any type.
trait AnyApi: Send + Sync {
    fn sources(self: Arc<Self>) -> Vec<Box<dyn Source>>;

    fn credentials_renewed(&self) -> BoxFuture<'_, bool>;

    fn past_usage(
        &self,
        first: Month,
        last: Month,
        zeros: Zeros,
    ) -> BoxFuture<'_, Result<PastUsage, ApiError>>;
}

impl<A: Api> AnyApi for A {
    fn sources(self: Arc<Self>) -> Vec<Box<dyn Source>> {
        let bound = |declared| Box::new(Bound { client: Arc::clone(&self), declared }) as Box<dyn Source>;
        A::COLLECTORS.iter().map(bound).collect()
    }

    fn credentials_renewed(&self) -> BoxFuture<'_, bool> {
        Box::pin(Api::credentials_renewed(self))
    }

    fn past_usage(
        &self,
        first: Month,
        last: Month,
        zeros: Zeros,
    ) -> BoxFuture<'_, Result<PastUsage, ApiError>> {
        Box::pin(Api::past_usage(self, first, last, zeros))
    }
}
