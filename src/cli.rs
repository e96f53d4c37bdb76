//! The command line.

mod manage;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use clap::builder::styling::{AnsiColor, Styles};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches as _, Parser, Subcommand};

use crate::build_info;
use crate::logging::{LogFormat, LogLevel};
use crate::model::Month;
use crate::shard::Shard;

pub use manage::{
    AccessKeyVerb, Actions, Manage, ManageOptions, Managed, Output, PermissionKind, PermissionParts,
    PermissionVerb, SecretPlace, ServiceAccountVerb,
};

/// The colours of the help and of errors, where the output is a terminal and NO_COLOR is not set.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Prometheus exporter for Seagate Lyve Cloud: storage usage, its history, and when credentials expire
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "lyve-cloud-exporter", version = build_info::LONG, styles = STYLES)]
pub struct Cli {
    /// The flags, which every command takes.
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

impl Cli {
    /// Reads the command line. A wrong one ends the process with status 2.
    #[must_use]
    pub fn read() -> Self {
        let matches = <Self as CommandFactory>::command().get_matches();
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let is_default = matches.value_source("log_level") == Some(ValueSource::DefaultValue);
        // A live check says in its own words what the log would say before it, and what fails in the demo is to fail.
        if is_default && matches!(cli.command, Some(Command::Check { live: true, .. } | Command::Demo { .. }))
        {
            cli.options.log_level = LogLevel::Error;
        }
        cli
    }

    /// What to do: to run, where no command is given.
    #[must_use]
    pub fn command(&self) -> Command {
        self.command.clone().unwrap_or(Command::Run)
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Runs the exporter; also without any command
    Run,
    /// Runs the exporter against a simulated Lyve Cloud inside the same process: no account, no file, no network
    Demo {
        /// Also writes a configuration with which other commands ask the simulated Lyve Cloud, as long as it runs
        #[arg(long, value_name = "FILE")]
        write_config: Option<PathBuf>,
        /// Answers as a report of `check --live --report` says, with made-up values
        #[arg(long, value_name = "FILE", conflicts_with = "write_config")]
        from_report: Option<PathBuf>,
        /// Lets a credential expire within two minutes and prints the alerts about it as they would be mailed
        #[arg(long, conflicts_with = "from_report")]
        fast: bool,
    },
    /// Validates the configuration and reports every error
    Check {
        /// Also logs in to each account and makes one read of every endpoint
        #[arg(long)]
        live: bool,
        /// Also writes what the answers look like, without any value of yours, for a person to read and to send
        #[arg(long, value_name = "FILE", requires = "live")]
        report: Option<PathBuf>,
        /// How to print what was found
        #[arg(long, value_name = "FORMAT", default_value = "text", requires = "live")]
        output: CheckOutput,
    },
    /// Polls everything once and prints the metrics; fails if a poll failed
    Once {
        /// Write this file and not standard output; it replaces the old one as a whole or not at all
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Writes past months as OpenMetrics with timestamps, for promtool or VictoriaMetrics
    Backfill(Backfill),
    /// Lists and changes permissions, service accounts and access keys, by hand; the exporter itself only reads
    #[command(
        after_help = "Not for the account's own API credentials, with which the exporter logs in (kind=\"account_api\"): \
                      only the console makes those."
    )]
    Manage(Manage),
    /// Asks the running exporter whether it is ready
    Health,
}

/// How a live check prints what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckOutput {
    /// For a person.
    #[default]
    Text,
    /// For a program.
    Json,
}

/// What of the past is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Backfill {
    /// The oldest month, as in 2024-11
    #[arg(long, value_name = "YYYY-MM")]
    pub from: Month,
    /// The newest month; by default the last one that is over
    #[arg(long, value_name = "YYYY-MM")]
    pub to: Option<Month>,
    /// Only this account, by its name; can be given more than once
    #[arg(long = "account", value_name = "NAME")]
    pub accounts: Vec<String>,
    /// Write this file and not standard output; the same command goes on where it was interrupted
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Take a month of zeros as nothing stored, and not as no data
    #[arg(long)]
    pub keep_zeros: bool,
}

/// Under what the flags stand in the help, behind a command's own.
const CONFIGURATION: &str = "Configuration";
const WEB: &str = "Web";
const LOG: &str = "Log";

/// The flags. Each can be given as a variable of the environment too; the flag wins.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Options {
    /// The configuration file: YAML, or TOML or JSON by its ending
    #[arg(
        long = "config.file",
        help_heading = CONFIGURATION,
        global = true,
        value_name = "FILE",
        env = "LYVE_EXPORTER_CONFIG_FILE"
    )]
    pub config_file: Option<PathBuf>,

    /// Where to listen, and where `health` asks: :PORT for every address of the machine, or ADDRESS:PORT; can be given
    /// more than once
    #[arg(
        long = "web.listen-address",
        help_heading = WEB,
        global = true,
        value_name = "ADDRESS",
        env = "LYVE_EXPORTER_WEB_LISTEN_ADDRESS",
        default_value = ":10059",
        value_delimiter = ',',
        value_parser = listen_address
    )]
    pub listen_addresses: Vec<SocketAddr>,

    /// Listens on the sockets that systemd hands over, and not where --web.listen-address says
    #[arg(
        long = "web.systemd-socket",
        help_heading = WEB,
        global = true,
        env = "LYVE_EXPORTER_WEB_SYSTEMD_SOCKET",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub systemd_socket: bool,

    /// The path of the metrics
    #[arg(
        long = "web.telemetry-path",
        help_heading = WEB,
        global = true,
        value_name = "PATH",
        env = "LYVE_EXPORTER_WEB_TELEMETRY_PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    pub telemetry_path: String,

    /// Where people reach the exporter, behind a reverse proxy for example; alerts link to it
    #[arg(
        long = "web.external-url",
        help_heading = WEB,
        global = true,
        value_name = "URL",
        env = "LYVE_EXPORTER_WEB_EXTERNAL_URL",
        value_parser = crate::config::web_url
    )]
    pub external_url: Option<Url>,

    /// What every path begins with; by default the path of --web.external-url
    #[arg(
        long = "web.route-prefix",
        help_heading = WEB,
        global = true,
        value_name = "PATH",
        env = "LYVE_EXPORTER_WEB_ROUTE_PREFIX",
        value_parser = route_prefix
    )]
    route_prefix: Option<String>,

    /// TLS, passwords and headers of the web side: a file in the format that Prometheus exporters share
    #[arg(
        long = "web.config.file",
        help_heading = WEB,
        global = true,
        value_name = "FILE",
        env = "LYVE_EXPORTER_WEB_CONFIG_FILE"
    )]
    pub web_config_file: Option<PathBuf>,

    /// Answer POST /-/reload, as SIGHUP, and POST /-/poll, which polls all accounts now
    #[arg(
        long = "web.enable-lifecycle",
        help_heading = WEB,
        global = true,
        env = "LYVE_EXPORTER_WEB_ENABLE_LIFECYCLE",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub enable_lifecycle: bool,

    /// Which of several replicas with the same configuration this is, from 0 on; it watches its share of the accounts
    #[arg(
        long = "shard.index",
        help_heading = CONFIGURATION,
        global = true,
        value_name = "INDEX",
        env = "LYVE_EXPORTER_SHARD_INDEX"
    )]
    pub shard_index: Option<u32>,

    /// How many such replicas there are
    #[arg(
        long = "shard.count",
        help_heading = CONFIGURATION,
        global = true,
        value_name = "COUNT",
        env = "LYVE_EXPORTER_SHARD_COUNT"
    )]
    pub shard_count: Option<u32>,

    /// The least severe messages to log
    #[arg(
        long = "log.level",
        help_heading = LOG,
        global = true,
        value_name = "LEVEL",
        env = "LYVE_EXPORTER_LOG_LEVEL",
        default_value = "info"
    )]
    pub log_level: LogLevel,

    /// The format of the log
    #[arg(
        long = "log.format",
        help_heading = LOG,
        global = true,
        value_name = "FORMAT",
        env = "LYVE_EXPORTER_LOG_FORMAT",
        default_value = "logfmt"
    )]
    pub log_format: LogFormat,
}

impl Options {
    /// What every path begins with: empty, or as in `/lyve`.
    #[must_use]
    pub fn route_prefix(&self) -> String {
        let of_url = || self.external_url.as_ref().map(|url| url.path().trim_end_matches('/').to_owned());
        self.route_prefix.clone().or_else(of_url).unwrap_or_default()
    }

    /// Which replica this is.
    ///
    /// # Errors
    /// Why there is none such.
    pub fn shard(&self) -> Result<Shard, String> {
        Shard::new(self.shard_index, self.shard_count)
    }
}

/// The variables of the environment that stand for flags.
#[must_use]
pub fn variables() -> Vec<String> {
    let command = <Cli as CommandFactory>::command();
    let names = command.get_arguments().filter_map(|argument| argument.get_env());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// What to write for an argument that has a flag's name with a single hyphen, as Prometheus itself takes it.
#[must_use]
pub fn with_two_hyphens(arguments: impl IntoIterator<Item = String>) -> Option<String> {
    let command = <Cli as CommandFactory>::command();
    arguments.into_iter().find_map(|argument| {
        let rest = argument.strip_prefix('-').filter(|rest| rest.len() > 1 && !rest.starts_with('-'))?;
        let name = rest.split('=').next().unwrap_or(rest);
        let is_flag = command.get_arguments().any(|known| known.get_long() == Some(name));
        is_flag.then(|| format!("-{name} has one hyphen too few: use --{name}"))
    })
}

/// An address as Go's listeners take it. `:PORT` becomes the unspecified IPv6 address, which is meant for both
/// families.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "write :PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    // Digits only: the parser of numbers would take a sign.
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 =
        port.parse().ok().filter(|_| digits).ok_or("the port must be a number from 0 to 65535")?;
    let address = match host {
        "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => return text.parse().map_err(|_| wrong()),
    };
    Ok(SocketAddr::new(address, port))
}

/// A prefix as Prometheus takes it: with or without a slash at either end. What is kept begins with one, or is empty.
fn route_prefix(text: &str) -> Result<String, String> {
    match text.trim_matches('/') {
        "" => Ok(String::new()),
        prefix => plain_path(&format!("/{prefix}")),
    }
}

/// A path that no other page of ours has.
fn telemetry_path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("must begin with /".to_owned());
    }
    let text = plain_path(text)?;
    let taken = text == "/"
        || ["/-", "/api"].iter().any(|page| text == *page || text.starts_with(&format!("{page}/")));
    if taken {
        return Err("is used by another page: /, /-/… and /api/… are taken".to_owned());
    }
    Ok(text)
}

/// A path that needs no encoding, and that nobody in between takes for another.
fn plain_path(text: &str) -> Result<String, String> {
    // What a request's path can hold without being encoded (RFC 3986, pchar and /).
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte);
    if !text.bytes().all(plain) {
        return Err(
            "must contain only letters, digits and characters that need no encoding in a path".to_owned()
        );
    }
    // A proxy or a client in between may take such a path for another.
    if text.split('/').skip(1).any(|part| matches!(part, "." | "..")) || text.contains("//") {
        return Err("must not contain an empty segment, . or ..".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn check(live: bool) -> Command {
        Command::Check { live, report: None, output: CheckOutput::Text }
    }

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("lyve-cloud-exporter").chain(arguments.iter().copied()))
    }

    #[test]
    fn without_arguments_it_runs_with_the_defaults() {
        let cli = parse(&[]).unwrap();
        assert_eq!(cli.command(), Command::Run);
        assert_eq!(
            cli.options,
            Options {
                config_file: None,
                listen_addresses: vec!["[::]:10059".parse().unwrap()],
                systemd_socket: false,
                telemetry_path: "/metrics".to_owned(),
                external_url: None,
                route_prefix: None,
                web_config_file: None,
                enable_lifecycle: false,
                shard_index: None,
                shard_count: None,
                log_level: LogLevel::Info,
                log_format: LogFormat::Logfmt,
            }
        );
    }

    #[test]
    fn the_route_prefix_is_the_path_of_the_external_url_unless_it_is_given() {
        for (arguments, prefix) in [
            (&[][..], ""),
            (&["--web.external-url=https://host.example"], ""),
            (&["--web.external-url=https://host.example/"], ""),
            (&["--web.external-url=https://host.example/ops/lyve/"], "/ops/lyve"),
            (&["--web.external-url=https://host.example/lyve", "--web.route-prefix=/"], ""),
            (&["--web.external-url=https://host.example/lyve", "--web.route-prefix=x/y/"], "/x/y"),
            (&["--web.route-prefix=/x"], "/x"),
        ] {
            assert_eq!(parse(arguments).unwrap().options.route_prefix(), prefix, "{arguments:?}");
        }
        for wrong in [
            "--web.external-url=host.example",
            "--web.external-url=https://u:p@host.example",
            "--web.route-prefix=/a b",
            "--web.route-prefix=/a/../b",
            "--web.route-prefix=a//b",
        ] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_stand_before_or_behind_the_command() {
        for arguments in [
            &["--config.file", "c.yaml", "--log.level=debug", "check", "--live"][..],
            &["check", "--live", "--log.level=debug", "--config.file=c.yaml"],
            &["--log.level=debug", "check", "--config.file=c.yaml", "--live"],
        ] {
            let cli = parse(arguments).unwrap();
            assert_eq!(cli.command(), check(true));
            assert_eq!(cli.options.config_file, Some(PathBuf::from("c.yaml")));
            assert_eq!(cli.options.log_level, LogLevel::Debug);
        }
        assert_eq!(parse(&["check"]).unwrap().command(), check(false));
        assert_eq!(parse(&["run"]).unwrap().command(), Command::Run);
        assert_eq!(
            parse(&["demo"]).unwrap().command(),
            Command::Demo { write_config: None, from_report: None, fast: false }
        );
        assert_eq!(parse(&["once"]).unwrap().command(), Command::Once { output: None });
        assert_eq!(parse(&["health"]).unwrap().command(), Command::Health);
    }

    #[test]
    fn a_backfill_needs_its_first_month_alone() {
        let month = |text: &str| text.parse().unwrap();
        let nothing = Backfill {
            from: month("2024-11"),
            to: None,
            accounts: Vec::new(),
            output: None,
            keep_zeros: false,
        };
        let cli = parse(&["backfill", "--from", "2024-11", "--log.level=warn"]).unwrap();
        assert_eq!(cli.command(), Command::Backfill(nothing));
        let all = Backfill {
            from: month("2024-11"),
            to: Some(month("2025-12")),
            accounts: vec!["a".to_owned(), "b".to_owned()],
            output: Some(PathBuf::from("past.om")),
            keep_zeros: true,
        };
        let arguments =
            "backfill --from=2024-11 --to=2025-12 --account=a --account b --output past.om --keep-zeros";
        let cli = parse(&arguments.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(cli.command(), Command::Backfill(all));
    }

    #[test]
    fn listens_where_it_is_told_to() {
        let cli = parse(&[
            "--web.listen-address=:9000",
            "--web.listen-address=127.0.0.1:0",
            "--web.listen-address=[::1]:9001",
            "--web.listen-address=localhost:9002,10.0.0.1:9003",
        ])
        .unwrap();
        let shown: Vec<String> = cli.options.listen_addresses.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["[::]:9000", "127.0.0.1:0", "[::1]:9001", "127.0.0.1:9002", "10.0.0.1:9003"]);
    }

    #[test]
    fn a_bad_command_line_is_rejected_with_status_2() {
        for arguments in [
            &["--web.listen-address=9000"][..],
            &["--web.listen-address=:"],
            &["--web.listen-address=:70000"],
            &["--web.listen-address=:+1"],
            &["--web.listen-address=example.com:80"],
            &["--web.listen-address=::1:80:x"],
            &["--web.listen-address="],
            &["--web.telemetry-path=metrics"],
            &["--web.telemetry-path=/"],
            &["--web.telemetry-path="],
            &["--web.telemetry-path=//"],
            &["--web.telemetry-path=//metrics"],
            &["--web.telemetry-path=/metrics//"],
            &["--web.telemetry-path=/./"],
            &["--web.telemetry-path=/a/../-/ready"],
            &["--web.telemetry-path=/-/"],
            &["--web.telemetry-path=/api/"],
            &["--web.telemetry-path=/-/ready"],
            &["--web.telemetry-path=/-"],
            &["--web.telemetry-path=/api"],
            &["--web.telemetry-path=/api/v1/status"],
            &["--web.telemetry-path=/a?b"],
            &["--web.telemetry-path=/a b"],
            &["--log.level=loud"],
            &["--log.format=text"],
            &["--config.file"],
            &["--live"],
            &["--shard.index=-1", "--shard.count=3"],
            &["--shard.count=three"],
            &["backfill"],
            &["backfill", "--from=2026-13"],
            &["backfill", "--from=2026-01", "--to=soon"],
            &["--web.config.file"],
            &["--web.enable-lifecycle=yes"],
            &["check", "extra"],
            &["check", "--report=file"],
            &["check", "--output=json"],
            &["check", "--live", "--output=xml"],
        ] {
            assert_eq!(parse(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
        for path in ["/apis/metrics", "/a.b/..c/metrics/", "/-metrics"] {
            assert!(parse(&[&format!("--web.telemetry-path={path}")]).is_ok(), "{path}");
        }
    }

    #[test]
    fn the_help_of_a_command_begins_with_its_own_flags() {
        for (command, own) in
            [("check", &["--live"][..]), ("backfill", &["--from", "--keep-zeros"]), ("run", &[])]
        {
            let help = parse(&[command, "--help"]).unwrap_err().to_string();
            let order = own.iter().chain(&[
                "--help",
                "\nConfiguration:\n",
                "--config.file",
                "--shard.count",
                "\nWeb:\n",
                "--web.listen-address",
                "--web.enable-lifecycle",
                "\nLog:\n",
                "--log.level",
                "--log.format",
            ]);
            let places: Vec<_> = order.map(|part| help.find(part)).collect();
            assert!(places.is_sorted() && places[0].is_some(), "{places:?} {help}");
        }
    }

    #[test]
    fn the_version_tells_the_build() {
        let version = parse(&["--version"]).unwrap_err();
        assert_eq!(version.kind(), ErrorKind::DisplayVersion);
        assert_eq!(version.exit_code(), 0);
        assert_eq!(
            version.to_string(),
            format!(
                "lyve-cloud-exporter {} (revision {}, rustc {})\n",
                build_info::VERSION,
                build_info::REVISION,
                build_info::RUSTC
            )
        );
    }

    #[test]
    fn every_flag_has_the_variable_of_its_name() {
        let command = <Cli as CommandFactory>::command();
        command.clone().debug_assert();
        let mut flags = 0;
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long().filter(|long| !["help", "version"].contains(long)) else {
                continue;
            };
            let variable = format!("LYVE_EXPORTER_{}", long.to_uppercase().replace(['.', '-'], "_"));
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(&*variable));
            flags += 1;
        }
        assert_eq!(flags, 12);
    }
}
