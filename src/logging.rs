//! The log: logfmt or JSON, to standard error, times in UTC.

mod format;
mod queue;

use std::io::{self, Write};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use self::queue::Queue;
use crate::clock::{Clock as _, System};
use crate::text::acts;

/// The least severe messages to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// What helps to find an error.
    Debug,
    /// What an operator wants to know.
    Info,
    /// What needs attention soon.
    Warn,
    /// What failed.
    Error,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => Self::TRACE,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Info => Self::INFO,
            LogLevel::Warn => Self::WARN,
            LogLevel::Error => Self::ERROR,
        }
    }
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// `ts=… level=… component=… msg=…`
    Logfmt,
    /// One JSON object a line, with the same keys.
    Json,
}

/// How many bytes of the log wait for a reader that is slow; what comes then is dropped.
const WAITING: usize = 1024 * 1024;

/// How many lines were dropped by this process.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines of the log were dropped since the process started, as their reader was too slow or gone.
#[must_use]
pub fn lines_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The log of the process.
#[derive(Debug)]
pub struct Log(Queue);

impl Log {
    /// Makes the whole process log to standard error, panics too. Nobody ever waits for who reads it.
    ///
    /// # Errors
    /// Where that was done before, or there is no thread to be had.
    pub fn init(level: LogLevel, format: LogFormat) -> io::Result<Self> {
        let tell = move |lost| {
            let message = "log lines were dropped: the reader of the log is too slow";
            format::own_line(format, System.now(), message, ("count", lost))
        };
        let queue = Queue::new(io::stderr(), WAITING, &DROPPED, Box::new(tell))?;
        let writer = Self(queue.clone());
        let dispatch = dispatch(level, format, move || Self(writer.0.clone()));
        tracing::dispatcher::set_global_default(dispatch).map_err(io::Error::other)?;
        std::panic::set_hook(Box::new(|panic| log_panic(panic.location())));
        Ok(Self(queue))
    }

    /// Says something to whoever started the program, as it is but for characters that would act on the terminal.
    pub fn say(&self, text: &str) {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            if acts(character) && character != '\n' {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        self.0.push(shown.as_bytes());
    }

    /// Waits until everything is written, but not for long: whoever reads may have stopped.
    pub fn finish(self, within: Duration) {
        self.0.flush(within);
    }
}

/// Each write is one line.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs where a panic began. Not its message, which may have been made from anything that was at hand.
fn log_panic(place: Option<&Location<'_>>) {
    let place = place.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    tracing::error!(place, "the exporter panicked: please report this bug");
}

/// A log that goes to `writer`.
///
/// Our own messages are logged from `level` on. Those of the libraries are never logged below `warn`, whatever the
/// level: at `trace` they show what crosses the wire, and that has secrets in it.
#[must_use]
pub fn dispatch<W>(level: LogLevel, format: LogFormat, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = LevelFilter::from(level);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    Dispatch::new(tracing_subscriber::registry().with(Lines { format, writer }.with_filter(filter)))
}

/// Writes each event as one line.
struct Lines<W> {
    format: LogFormat,
    writer: W,
}

impl<S: Subscriber, W: for<'a> MakeWriter<'a> + 'static> Layer<S> for Lines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = format::line(self.format, System.now(), event);
        // Where the log cannot be written, there is nowhere to say so.
        let _ = self.writer.make_writer().write_all(line.as_bytes());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `work` logs on this thread.
    pub(crate) fn captured(level: LogLevel, format: LogFormat, work: impl FnOnce()) -> String {
        let lines = Captured::default();
        let writer = lines.clone();
        tracing::dispatcher::with_default(&dispatch(level, format, move || writer.clone()), work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    fn speak() {
        tracing::warn!(account = "a \"b\"\nc", seconds = 1.5, "poll failed");
        tracing::debug!("a detail");
    }

    #[test]
    fn logfmt_is_a_line_a_message_with_its_time_in_utc() {
        let text = captured(LogLevel::Info, LogFormat::Logfmt, speak);
        assert_eq!(text.lines().count(), 1, "{text}");
        let (time, rest) = text.strip_prefix("ts=").unwrap().split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.parse::<Timestamp>().is_ok(), "{time}");
        assert_eq!(
            rest,
            "level=warn component=logging msg=\"poll failed\" \
             account=\"a \\\"b\\\"\\nc\" seconds=1.5\n"
        );
    }

    #[test]
    fn json_is_an_object_a_message_with_its_time_in_utc() {
        let text = captured(LogLevel::Debug, LogFormat::Json, speak);
        let messages: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(messages.len(), 2);
        let time = messages[0]["ts"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.parse::<Timestamp>().is_ok(), "{time}");
        assert_eq!(messages[0]["level"], "warn");
        assert_eq!(messages[0]["msg"], "poll failed");
        assert_eq!(messages[0]["account"], "a \"b\"\nc");
        assert_eq!(messages[1]["msg"], "a detail");
    }

    #[test]
    fn quotes_stand_only_where_they_are_needed_and_only_what_needs_it_is_escaped() {
        let speak = || {
            tracing::info!(
                word = "exporter's",
                path = "C:\\x",
                empty = "",
                equal = "a=b",
                yes = true,
                "the exporter's own"
            );
        };
        let text = captured(LogLevel::Info, LogFormat::Logfmt, speak);
        let rest = r#" msg="the exporter's own" word=exporter's path=C:\x empty="" equal="a=b" yes=true"#;
        assert!(text.ends_with(&format!("{rest}\n")), "{text}");
    }

    #[test]
    fn no_character_of_a_name_acts_on_the_terminal_or_on_the_order_of_the_line() {
        let name = "a\u{9b}31m\u{85}b\u{202e}c\u{2066}d\u{1b}[0m\u{7f}\u{feff}\u{61c}é";
        for (format, start) in [(LogFormat::Logfmt, "name="), (LogFormat::Json, "\"name\":")] {
            let text = captured(LogLevel::Info, format, || tracing::info!(name, "x"));
            let (_, value) = text.trim_end().trim_end_matches('}').split_once(start).unwrap();
            assert!(value.is_ascii() || value.replace('é', "").is_ascii(), "{value:?}");
            assert!(!value.contains(|character: char| character.is_control()), "{value:?}");
            // Both formats have it in the quotes of JSON.
            assert_eq!(serde_json::from_str::<String>(value).unwrap(), name);
        }
    }

    #[test]
    fn libraries_are_heard_from_warn_on_whatever_the_level() {
        let speak = || {
            tracing::debug!(target: "hyper::proto", "authorization: Bearer canary");
            tracing::info!(target: "reqwest", "canary");
            tracing::warn!(target: "rustls", "a warning");
            tracing::error!(target: "rustls", "an error");
        };
        let text = captured(LogLevel::Trace, LogFormat::Logfmt, speak);
        assert!(!text.contains("canary") && text.contains("a warning"), "{text}");
        let text = captured(LogLevel::Error, LogFormat::Logfmt, speak);
        assert!(!text.contains("a warning") && text.contains("an error"), "{text}");
    }

    #[test]
    fn a_panic_is_a_line_that_tells_where() {
        let text = captured(LogLevel::Error, LogFormat::Logfmt, || log_panic(Some(Location::caller())));
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("level=error") && text.contains("logging.rs"), "{text}");
    }
}
