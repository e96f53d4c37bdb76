//! Scrapes over one connection that stays open, and figures of many.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::process::Process;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Identity,
}

/// A connection to a server whose answers tell their length.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Another header of each request, with its end of line.
    header: String,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Self { stream, buffer: vec![0; 256 * 1024], header: String::new() })
    }

    /// The same with one more header.
    pub(crate) fn with_header(self, header: &str) -> Self {
        Self { header: format!("{header}\r\n"), ..self }
    }

    /// Asks for `path` and reads the whole answer: its status, and its body if that is `wanted`.
    pub(crate) fn get(
        &mut self,
        path: &str,
        encoding: Encoding,
        mut wanted: Option<&mut Vec<u8>>,
    ) -> std::io::Result<u16> {
        let accept = if encoding == Encoding::Gzip { "gzip" } else { "identity" };
        let more = &self.header;
        write!(
            self.stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {accept}\r\n{more}\r\n"
        )?;
        let mut head = Vec::new();
        let (end, mut body) = loop {
            let read = self.read()?;
            head.extend_from_slice(&self.buffer[..read]);
            if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break (end, head.split_off(end + 4));
            }
        };
        let head = String::from_utf8_lossy(&head[..end]).to_lowercase();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let length: usize = header("content-length:").expect("a length").parse().unwrap();
        // Small answers that are no metrics come as they are.
        assert!(length < 4096 || header("content-encoding:").unwrap_or("identity") == accept, "{head}");
        let mut left = length - body.len();
        if let Some(wanted) = &mut wanted {
            wanted.append(&mut body);
        }
        while left > 0 {
            let read = self.read()?;
            left -= read;
            if let Some(wanted) = &mut wanted {
                wanted.extend_from_slice(&self.buffer[..read]);
            }
        }
        Ok(head.split_whitespace().nth(1).unwrap().parse().unwrap())
    }

    fn read(&mut self) -> std::io::Result<usize> {
        match self.stream.read(&mut self.buffer)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }

    /// How long one scrape takes.
    pub(crate) fn scrape(&mut self, encoding: Encoding) -> Duration {
        let began = Instant::now();
        assert_eq!(self.get("/metrics", encoding, None).unwrap(), 200);
        began.elapsed()
    }
}

/// Many scrapes one after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scrapes {
    /// ms.
    pub(crate) p50: f64,
    /// Processor time of the server for each, ms.
    pub(crate) cpu: f64,
}

/// Scrapes for `time`, and five times at least.
pub(crate) fn scrapes(process: &Process, address: SocketAddr, encoding: Encoding, time: Duration) -> Scrapes {
    let mut connection = Connection::open(address).unwrap();
    // What is made at the first scrape is kept.
    connection.scrape(encoding);
    let (cpu, began) = (process.cpu(), Instant::now());
    let mut times = Vec::new();
    while began.elapsed() < time || times.len() < 5 {
        times.push(millis(connection.scrape(encoding)));
    }
    let cpu = millis(process.cpu().saturating_sub(cpu)) / count(times.len());
    Scrapes { p50: quantile(&mut times, 0.5), cpu }
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "there are few enough")]
pub(crate) const fn count(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in the list")]
pub(crate) fn quantile(values: &mut [f64], quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(count(values.len() - 1) * quantile).round() as usize]
}

/// The median of several rounds, and their range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        let mut at = |part| quantile(&mut values, part);
        Self { median: at(0.5), least: at(0.0), most: at(1.0) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}–{})", short(self.median), short(self.least), short(self.most))
    }
}

/// Three digits that matter.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
