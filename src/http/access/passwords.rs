//! Who may ask: names and passwords against bcrypt hashes.
//!
//! A hash is slow on purpose. So that scrapes are not, a password that was right is known again by a keyed digest, which
//! is made with a key that only this process has. So that hashing cannot be used to tie the process up, few passwords
//! are hashed at once, and each peer can have only some of its own waiting. So that no peer waits for all that another
//! one sends, they take turns. So that whoever cannot wait that long gets in at the next try, a password keeps its turn
//! when its client has left. So that names cannot be found out, the password of a name that nobody has is hashed like
//! that of one of the users.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use ring::{hmac, rand};
use tokio::sync::Semaphore;
use tracing::warn;
use zeroize::Zeroizing;

use crate::config::{PASSWORD_BYTES, PasswordHash};
use crate::http::peer::Peer;

/// How many passwords of one peer may wait to be hashed.
const WAITING: usize = 8;

/// How many peers may have passwords waiting.
const PEERS: usize = 1024;

/// What came of a look at a request's name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are a user's.
    Good,
    /// They are not, or there are none.
    Bad,
    /// Too many of this peer are being looked at.
    Busy,
}

#[derive(Debug)]
pub(super) struct Authenticator {
    key: hmac::Key,
    /// The digest of what was last right for each user.
    good: Mutex<HashMap<String, hmac::Tag>>,
    hashing: Arc<Semaphore>,
    waiting: Mutex<HashMap<Peer, Queue>>,
}

/// The passwords of one peer that wait.
#[derive(Debug)]
struct Queue {
    count: usize,
    /// One of them at a time stands among those of all peers.
    next: Arc<Semaphore>,
}

type Users = BTreeMap<String, PasswordHash>;

impl Authenticator {
    /// # Errors
    /// Where the system gives no random numbers.
    pub(super) fn new() -> Result<Arc<Self>, ring::error::Unspecified> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::hashing((processors / 2).clamp(1, 4))
    }

    fn hashing(at_once: usize) -> Result<Arc<Self>, ring::error::Unspecified> {
        Ok(Arc::new(Self {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new())?,
            good: Mutex::default(),
            hashing: Arc::new(Semaphore::new(at_once)),
            waiting: Mutex::default(),
        }))
    }

    /// Looks whether the name and password in `headers` are those of one of `users`, of whom there is at least one.
    pub(super) async fn check(self: &Arc<Self>, users: &Users, headers: &HeaderMap, peer: Peer) -> Verdict {
        let Some(claim) = Claim::of(headers) else { return Verdict::Bad };
        let user = users.get(&claim.name);
        let Some(hash) = user.or_else(|| self.stand_in(users, &claim.name)).cloned() else {
            return Verdict::Bad;
        };
        let digest_of = claim.bytes(&hash);
        let is_user = user.is_some();
        if is_user && self.knows(&claim.name, &digest_of) {
            return Verdict::Good;
        }
        let Some(turn) = Turn::take(self, peer) else { return Verdict::Busy };
        // A task of its own: a client that leaves meanwhile loses nothing, as what is found out is kept for the next time.
        let hashed = tokio::spawn(async move {
            let this = Arc::clone(&turn.authenticator);
            // The semaphores are never closed.
            let _next = turn.next.acquire().await.ok()?;
            if is_user && this.knows(&claim.name, &digest_of) {
                return Some(true);
            }
            let permit = Arc::clone(&this.hashing).acquire_owned().await.ok()?;
            let matches = tokio::task::spawn_blocking(move || {
                let matches = hash.matches(&claim.password) && is_user;
                if matches {
                    warn_of_length(&claim);
                    lock(&this.good).insert(claim.name, hmac::sign(&this.key, &digest_of));
                }
                drop(permit);
                matches
            });
            matches.await.ok()
        });
        if hashed.await.ok().flatten() == Some(true) { Verdict::Good } else { Verdict::Bad }
    }

    /// Whether this is what was last right for the user.
    fn knows(&self, name: &str, digest_of: &[u8]) -> bool {
        let known = lock(&self.good).get(name).copied();
        known.is_some_and(|tag| hmac::verify(&self.key, digest_of, tag.as_ref()).is_ok())
    }

    /// Forgets whoever is no user any more.
    pub(super) fn keep_only(&self, users: &Users) {
        lock(&self.good).retain(|name, _| users.contains_key(name));
    }

    /// The hash that a name which nobody has is checked against: always the same for the same name, as a user's is.
    fn stand_in<'a>(&self, users: &'a Users, name: &str) -> Option<&'a PasswordHash> {
        let digest = hmac::sign(&self.key, name.as_bytes());
        let number = digest.as_ref().iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte));
        users.values().nth(number.checked_rem(users.len())?)
    }
}

/// What a client says it is.
struct Claim {
    name: String,
    password: Zeroizing<Vec<u8>>,
}

impl Claim {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get(AUTHORIZATION)?.as_bytes();
        let (scheme, encoded) = header.split_at_checked("Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?);
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8(decoded.get(..colon)?.to_vec()).ok()?;
        Some(Self { name, password: Zeroizing::new(decoded.get(colon + 1..)?.to_vec()) })
    }

    /// All that a good answer depends on, each part with its length, so that no two claims have the same bytes.
    fn bytes(&self, hash: &PasswordHash) -> Zeroizing<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.name.len() + self.password.len() + 100);
        for part in [self.name.as_bytes(), &self.password, hash.as_str().as_bytes()] {
            bytes.extend_from_slice(&part.len().to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Zeroizing::new(bytes)
    }
}

/// One of the places that a peer has in the queue.
struct Turn {
    authenticator: Arc<Authenticator>,
    peer: Peer,
    next: Arc<Semaphore>,
}

impl Turn {
    fn take(authenticator: &Arc<Authenticator>, peer: Peer) -> Option<Self> {
        let mut waiting = lock(&authenticator.waiting);
        if waiting.len() >= PEERS && !waiting.contains_key(&peer) {
            return None;
        }
        let queue =
            waiting.entry(peer).or_insert_with(|| Queue { count: 0, next: Arc::new(Semaphore::new(1)) });
        if queue.count >= WAITING {
            return None;
        }
        queue.count += 1;
        Some(Self { authenticator: Arc::clone(authenticator), peer, next: Arc::clone(&queue.next) })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut waiting = lock(&self.authenticator.waiting);
        if let Some(queue) = waiting.get_mut(&self.peer) {
            queue.count -= 1;
            if queue.count == 0 {
                waiting.remove(&self.peer);
            }
        }
    }
}

/// Tells whoever reads the log that a password is weaker than it looks. It is looked at once, until the next one.
fn warn_of_length(claim: &Claim) {
    if claim.password.len() > PASSWORD_BYTES {
        warn!(
            user = claim.name,
            "a password is longer than {PASSWORD_BYTES} bytes: bcrypt uses the first {PASSWORD_BYTES} only, the rest does not protect"
        );
    }
}

/// Nothing that is done under these locks can panic half way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;

    fn hash(password: &str) -> PasswordHash {
        PasswordHash::parse(&bcrypt::hash(password, 4).unwrap()).unwrap()
    }

    fn users(pairs: &[(&str, &str)]) -> Users {
        pairs.iter().map(|(name, password)| ((*name).to_owned(), hash(password))).collect()
    }

    fn headers(claim: &str) -> HeaderMap {
        let value = format!("Basic {}", BASE64_STANDARD.encode(claim));
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    fn peer() -> Peer {
        Peer::from(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[tokio::test]
    async fn a_users_password_is_good_and_nothing_else_is() {
        let users = users(&[("alice", "secret"), ("bob", "pass:word"), ("carol", "")]);
        let authenticator = Authenticator::new().unwrap();
        // Twice: the second time without hashing.
        for _ in 0..2 {
            for (claim, verdict) in [
                ("alice:secret", Verdict::Good),
                ("bob:pass:word", Verdict::Good),
                ("carol:", Verdict::Good),
                ("alice:pass:word", Verdict::Bad),
                ("alice:", Verdict::Bad),
                ("alice", Verdict::Bad),
                ("Alice:secret", Verdict::Bad),
                ("mallory:secret", Verdict::Bad),
                (":secret", Verdict::Bad),
            ] {
                assert_eq!(authenticator.check(&users, &headers(claim), peer()).await, verdict, "{claim}");
            }
        }
        until_nothing_waits(&authenticator).await;
    }

    #[tokio::test]
    async fn a_header_of_another_kind_is_bad() {
        let users = users(&[("alice", "secret")]);
        let authenticator = Authenticator::new().unwrap();
        assert_eq!(authenticator.check(&users, &HeaderMap::new(), peer()).await, Verdict::Bad);
        for value in [
            "",
            "Basic",
            "Basic ",
            "Bearer YWxpY2U6c2VjcmV0",
            "Basic !!!!",
            "Basic YWxpY2U6c2VjcmV",
            "BasicYWxp",
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(authenticator.check(&users, &headers, peer()).await, Verdict::Bad, "{value}");
        }
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "bAsIc  YWxpY2U6c2VjcmV0".parse().unwrap())]);
        assert_eq!(authenticator.check(&users, &headers, peer()).await, Verdict::Good);
    }

    #[tokio::test]
    async fn a_good_password_is_known_again_without_hashing_until_its_hash_changes() {
        let mut some = users(&[("alice", "secret")]);
        let authenticator = Authenticator::new().unwrap();
        assert_eq!(authenticator.check(&some, &headers("alice:secret"), peer()).await, Verdict::Good);
        // From now on nothing can be hashed.
        let all = authenticator.hashing.available_permits();
        let permits = Arc::clone(&authenticator.hashing).acquire_many_owned(u32::try_from(all).unwrap());
        let permits = permits.await.unwrap();
        assert_eq!(authenticator.check(&some, &headers("alice:secret"), peer()).await, Verdict::Good);
        drop(permits);

        some.insert("alice".to_owned(), hash("another"));
        assert_eq!(authenticator.check(&some, &headers("alice:secret"), peer()).await, Verdict::Bad);
        assert_eq!(authenticator.check(&some, &headers("alice:another"), peer()).await, Verdict::Good);
        assert_eq!(lock(&authenticator.good).len(), 1);
        authenticator.keep_only(&users(&[("bob", "x")]));
        assert!(lock(&authenticator.good).is_empty());
    }

    #[tokio::test]
    async fn what_waits_for_one_peer_is_bounded_and_freed_when_it_is_done() {
        let users = users(&[("alice", "secret")]);
        let authenticator = Authenticator::new().unwrap();
        let all = u32::try_from(authenticator.hashing.available_permits()).unwrap();
        let permits = Arc::clone(&authenticator.hashing).acquire_many_owned(all).await.unwrap();
        let bad = headers("alice:wrong");
        let mut waiting = Vec::new();
        for _ in 0..WAITING {
            let mut check = Box::pin(authenticator.check(&users, &bad, peer()));
            assert!(futures_util::poll!(&mut check).is_pending());
            waiting.push(check);
        }
        assert_eq!(authenticator.check(&users, &bad, peer()).await, Verdict::Busy);
        // Another peer still gets a place.
        let other = Peer::from(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let good = headers("alice:secret");
        let mut check = Box::pin(authenticator.check(&users, &good, other));
        assert!(futures_util::poll!(&mut check).is_pending());
        drop(permits);
        assert_eq!(check.await, Verdict::Good);
        for check in waiting {
            assert_eq!(check.await, Verdict::Bad);
        }
        until_nothing_waits(&authenticator).await;
    }

    /// The tasks end a moment after they have told what they found.
    async fn until_nothing_waits(authenticator: &Authenticator) {
        while !lock(&authenticator.waiting).is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn peers_take_turns() {
        let users = users(&[("alice", "secret")]);
        let authenticator = Authenticator::hashing(1).unwrap();
        let permit = Arc::clone(&authenticator.hashing).acquire_owned().await.unwrap();
        let (bad, good) = (headers("alice:wrong"), headers("alice:secret"));
        let mut flood: Vec<_> =
            (0..WAITING).map(|_| Box::pin(authenticator.check(&users, &bad, peer()))).collect();
        for check in &mut flood {
            assert!(futures_util::poll!(check).is_pending());
        }
        // All of them stand in their queues.
        tokio::task::yield_now().await;
        let other = Peer::from(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let mut check = Box::pin(authenticator.check(&users, &good, other));
        assert!(futures_util::poll!(&mut check).is_pending());
        tokio::task::yield_now().await;
        drop(permit);
        assert_eq!(check.await, Verdict::Good);
        let mut done = 0;
        for check in &mut flood {
            done += usize::from(futures_util::poll!(check).is_ready());
        }
        // In the order of their coming it would be all of them.
        assert!(done < WAITING, "{done} of the flood came first");
    }

    #[tokio::test]
    async fn a_good_password_keeps_its_turn_when_its_client_leaves() {
        let users = users(&[("alice", "secret")]);
        let authenticator = Authenticator::hashing(1).unwrap();
        let permit = Arc::clone(&authenticator.hashing).acquire_owned().await.unwrap();
        let good = headers("alice:secret");
        let mut check = Box::pin(authenticator.check(&users, &good, peer()));
        assert!(futures_util::poll!(&mut check).is_pending());
        drop(check);
        drop(permit);
        until_nothing_waits(&authenticator).await;
        assert!(lock(&authenticator.good).contains_key("alice"));
    }

    #[tokio::test]
    async fn not_everybody_in_the_world_may_wait() {
        let authenticator = Authenticator::hashing(1).unwrap();
        let peer = |number| Peer::from(IpAddr::V4(Ipv4Addr::from_bits(number)));
        let turns: Vec<_> =
            (0..1024).map(|number| Turn::take(&authenticator, peer(number)).unwrap()).collect();
        assert!(Turn::take(&authenticator, peer(1024)).is_none());
        assert!(Turn::take(&authenticator, peer(7)).is_some(), "one that waits already may");
        drop(turns);
        assert!(lock(&authenticator.waiting).is_empty());
        assert!(Turn::take(&authenticator, peer(1024)).is_some());
    }

    #[test]
    fn a_name_that_nobody_has_stands_for_the_same_user_each_time() {
        let users = users(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let authenticator = Authenticator::new().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..100 {
            let name = format!("nobody-{number}");
            let one = authenticator.stand_in(&users, &name).unwrap();
            assert!(one == authenticator.stand_in(&users, &name).unwrap());
            seen.insert(one.as_str());
        }
        assert_eq!(seen.len(), 3, "names are spread over all users");
        assert!(authenticator.stand_in(&Users::new(), "x").is_none());
    }

    proptest! {
        #[test]
        fn no_two_claims_have_the_same_bytes(
            (one_name, one_password) in ("[ab]{0,3}", "[ab]{0,3}"),
            (other_name, other_password) in ("[ab]{0,3}", "[ab]{0,3}"),
        ) {
            let hash = PasswordHash::parse("$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW").unwrap();
            let claim = |name: &str, password: &str| Claim {
                name: name.to_owned(),
                password: Zeroizing::new(password.as_bytes().to_vec()),
            };
            let same = one_name == other_name && one_password == other_password;
            let (one, other) = (claim(&one_name, &one_password), claim(&other_name, &other_password));
            prop_assert_eq!(*one.bytes(&hash) == *other.bytes(&hash), same);
        }
    }
}
