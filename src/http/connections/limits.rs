use std::time::Duration;

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
