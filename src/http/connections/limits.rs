use std::time::Duration;

use rustix::process::{Resource, getrlimit};

/// What one client, and all of them together, may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at once. At the limit, the one that asked last the longest time ago gives way to a new one.
    pub connections: usize,
    /// For the whole handshake of TLS.
    pub handshake: Duration,
    /// For the whole head of a request, from the connection's start or from the head's first byte.
    pub head: Duration,
    /// How long a connection may be silent between two requests.
    pub idle: Duration,
    /// For one answer, from the request's head until the client has taken all of it.
    pub answer: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub stall: Duration,
    /// The largest head of a request, bytes; also how much of a connection's requests and answers is buffered.
    pub head_bytes: usize,
}

impl Default for Limits {
    /// Prometheus keeps one connection and asks once a minute or more often; the others are probes, people and replicas.
    fn default() -> Self {
        Self {
            connections: 512,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(10),
            head_bytes: 32 * 1024,
        }
    }
}

/// Descriptors that are left to polls, files and the log.
const OTHER_DESCRIPTORS: usize = 64;

impl Limits {
    /// How many connections there may be at once, as each takes a descriptor and the process may have few. A connection that
    /// cannot be accepted would have to wait, and one that can makes an idle one give way at once.
    pub(super) fn affordable_connections(&self) -> usize {
        let descriptors = getrlimit(Resource::Nofile).current;
        let descriptors = descriptors.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        self.connections.min(of_descriptors(descriptors))
    }
}

fn of_descriptors(descriptors: usize) -> usize {
    descriptors.saturating_sub(OTHER_DESCRIPTORS).max(descriptors / 4).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_others() {
        for (descriptors, connections) in [(1024, 960), (256, 192), (64, 16), (8, 2), (0, 1)] {
            assert_eq!(of_descriptors(descriptors), connections, "{descriptors}");
        }
    }
}
