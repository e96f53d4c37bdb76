//! Clients that mean harm, in a process of their own, from addresses other than the scraper's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use strum::VariantArray;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// What is done, as often as it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(crate) enum Attack {
    Nothing,
    /// Connects and falls silent; connects again when it is thrown out.
    Silent,
    /// The same behind half a head.
    HalfHead,
    /// A byte of a head now and then.
    Slowloris,
    /// Closes its own end behind half a head, or behind a whole one.
    HalfClosed,
    /// No HTTP.
    Garbage,
    /// Scrapes, each on a connection of its own.
    Connections,
    /// Scrapes without a pause.
    Scrapes,
    /// Looks at the pages for people without a pause.
    Pages,
    /// Scrapes of the whole text of which nothing is read.
    Unread,
    /// Heads nearly as large as is allowed.
    LargeHeads,
    /// Heads much larger than that.
    HugeHeads,
    /// Wrong passwords of one address.
    Passwords,
    /// Wrong passwords of many addresses.
    PasswordsOfMany,
}

impl Attack {
    /// For the reader.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Silent => "silent connections",
            Self::HalfHead => "half a head, then silence",
            Self::Slowloris => "heads byte by byte",
            Self::HalfClosed => "half-closed connections",
            Self::Garbage => "bytes that are no HTTP",
            Self::Connections => "scrapes, a connection each",
            Self::Scrapes => "scrapes without a pause",
            Self::Pages => "status pages without a pause",
            Self::Unread => "scrapes that are not read",
            Self::LargeHeads => "heads of 30 KiB",
            Self::HugeHeads => "heads of 1 MiB",
            Self::Passwords => "wrong passwords",
            Self::PasswordsOfMany => "wrong passwords of 200 addresses",
        }
    }

    /// How many clients do it at once.
    pub(crate) const fn clients(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Silent | Self::HalfHead | Self::Slowloris => 1000,
            Self::Unread | Self::PasswordsOfMany => 400,
            _ => 64,
        }
    }

    /// Whether the exporter asks for a password meanwhile.
    pub(crate) const fn is_on_passwords(self) -> bool {
        matches!(self, Self::Passwords | Self::PasswordsOfMany)
    }

    fn named(name: &str) -> Self {
        Self::VARIANTS.iter().copied().find(|attack| attack.name() == name).expect("an attack")
    }
}

/// The attacking process: prints how often something was done.
pub(crate) async fn child(name: &str, target: &str, seconds: u64) {
    let (attack, target) = (Attack::named(name), target.parse().unwrap());
    let count = Arc::new(AtomicU64::new(0));
    let attackers: Vec<_> = (0..attack.clients())
        .map(|number| {
            let client = Client { attack, target, from: source(attack, number), count: Arc::clone(&count) };
            tokio::spawn(client.run())
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    println!("{}", count.load(Ordering::Relaxed));
    drop(attackers);
}

/// Where a client comes from. The scraper's address is 127.0.0.1. Each attack has addresses of its own, as the kernel
/// keeps the ports of connections for a minute after their end.
fn source(attack: Attack, number: usize) -> IpAddr {
    let many = if attack == Attack::PasswordsOfMany { 200 } else { 1 };
    let place = Attack::VARIANTS.iter().position(|known| *known == attack).unwrap();
    let octet = |number: usize| u8::try_from(1 + number).unwrap();
    Ipv4Addr::new(127, 0, octet(place), octet(number % many)).into()
}

struct Client {
    attack: Attack,
    target: SocketAddr,
    from: IpAddr,
    count: Arc<AtomicU64>,
}

const HALF_HEAD: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Some";

impl Client {
    /// Until the process ends.
    async fn run(self) {
        loop {
            if self.once().await.is_err() {
                // Thrown out, or out of ports for the moment.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if self.attack == Attack::Unread {
            // What is not read then waits at the exporter's end.
            socket.set_recv_buffer_size(4096)?;
        }
        socket.bind((self.from, 0).into())?;
        socket.connect(self.target).await
    }

    fn counted(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    async fn once(&self) -> std::io::Result<()> {
        let mut stream = self.connect().await?;
        let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        match self.attack {
            Attack::Nothing => {}
            Attack::Silent => {
                self.counted();
                to_the_end(&mut stream).await;
            }
            Attack::HalfHead => {
                self.counted();
                stream.write_all(HALF_HEAD).await?;
                to_the_end(&mut stream).await;
            }
            Attack::Slowloris => {
                self.counted();
                for byte in HALF_HEAD.iter().cycle() {
                    stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Attack::HalfClosed => {
                self.counted();
                let head = get("/metrics", "Accept-Encoding: gzip\r\n");
                let half = fastrand::bool();
                stream.write_all(if half { HALF_HEAD } else { head.as_bytes() }).await?;
                stream.shutdown().await?;
                to_the_end(&mut stream).await;
            }
            Attack::Garbage => {
                self.counted();
                stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\r\n\r\n").await?;
                to_the_end(&mut stream).await;
            }
            Attack::Connections => {
                self.counted();
                stream
                    .write_all(get("/metrics", "Accept-Encoding: gzip\r\nConnection: close\r\n").as_bytes())
                    .await?;
                to_the_end(&mut stream).await;
            }
            Attack::Scrapes => self.ask(stream, &get("/metrics", "Accept-Encoding: gzip\r\n")).await?,
            Attack::Pages => self.ask(stream, &get("/", "")).await?,
            Attack::Unread => {
                self.counted();
                let requests = get("/metrics", "").repeat(1000);
                stream.write_all(requests.as_bytes()).await?;
                // Until the answers that nobody takes end the connection.
                while stream.write_all(b"\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Attack::LargeHeads => {
                let filling = format!("X: {}\r\n", "y".repeat(30 * 1024));
                self.ask(stream, &get("/-/healthy", &filling)).await?;
            }
            Attack::HugeHeads => {
                self.counted();
                let filling = format!("X: {}\r\n", "y".repeat(1024 * 1024));
                stream.write_all(get("/metrics", &filling).as_bytes()).await?;
                to_the_end(&mut stream).await;
            }
            Attack::Passwords | Attack::PasswordsOfMany => {
                let claim = BASE64_STANDARD.encode(format!("prometheus:{}", fastrand::u64(..)));
                self.ask(stream, &get("/metrics", &format!("Authorization: Basic {claim}\r\n"))).await?;
            }
        }
        Ok(())
    }

    /// Asks the same again and again over one connection, as soon as something is answered.
    async fn ask(&self, mut stream: TcpStream, request: &str) -> std::io::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            self.counted();
            stream.write_all(request.as_bytes()).await?;
            // An answer ends where nothing comes for the moment; what comes late is read with the next one.
            if stream.read(&mut buffer).await? == 0 {
                return Ok(());
            }
            while stream.try_read(&mut buffer).is_ok_and(|read| read > 0) {}
        }
    }
}

async fn to_the_end(stream: &mut TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
