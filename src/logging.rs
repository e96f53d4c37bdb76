//! The log: logfmt or JSON, to standard error, times in UTC.

use std::panic::Location;

use tracing::Dispatch;
use tracing::dispatcher::SetGlobalDefaultError;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

/// The least severe messages to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// What helps to find a fault.
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
    /// `ts=… level=… message=…`
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// Makes the whole process log to standard error, panics too.
///
/// # Errors
/// Where that was done before.
pub fn init(level: LogLevel, format: LogFormat) -> Result<(), SetGlobalDefaultError> {
    tracing::dispatcher::set_global_default(dispatch(level, format, std::io::stderr))?;
    std::panic::set_hook(Box::new(|panic| log_panic(panic.location())));
    Ok(())
}

/// Logs where a panic began. Not its message, which may have been made from anything that was at hand.
fn log_panic(place: Option<&Location<'_>>) {
    let place = place.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    tracing::error!(place, "the exporter panicked: please report this fault");
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
    let layer = match format {
        LogFormat::Logfmt => {
            tracing_logfmt::builder().with_span_path(false).layer().with_writer(writer).boxed()
        }
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_writer(writer)
            .boxed(),
    };
    Dispatch::new(tracing_subscriber::registry().with(layer.with_filter(filter)))
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
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
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
            "level=warn target=lyve_cloud_exporter::logging::tests message=\"poll failed\" \
             account=\"a \\\"b\\\"\\nc\" seconds=1.5\n"
        );
    }

    #[test]
    fn json_is_an_object_a_message_with_its_time_in_utc() {
        let text = captured(LogLevel::Debug, LogFormat::Json, speak);
        let messages: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(messages.len(), 2);
        let time = messages[0]["timestamp"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.parse::<Timestamp>().is_ok(), "{time}");
        assert_eq!(messages[0]["level"], "WARN");
        assert_eq!(messages[0]["message"], "poll failed");
        assert_eq!(messages[0]["account"], "a \"b\"\nc");
        assert_eq!(messages[1]["message"], "a detail");
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
