//! Arguments, logs, signals and the exit status; nothing else.

use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use lyve_cloud_exporter::api::Proxies;
use lyve_cloud_exporter::atomic_file::{self, Readers};
use lyve_cloud_exporter::cli::{self, Backfill, CheckOutput, Cli, Command, Options};
use lyve_cloud_exporter::clock::{Clock, System};
use lyve_cloud_exporter::command::{
    BackfillError, Demo, Failure, Replay, Request, backfill, check, health, manage, once, polled, print_mails,
};
use lyve_cloud_exporter::config::{self, Config};
use lyve_cloud_exporter::daemon::{Daemon, Deps};
use lyve_cloud_exporter::http::{Guard, GuardError, Web, bind};
use lyve_cloud_exporter::logging::Log;
use lyve_cloud_exporter::poll::Jitter;
use lyve_cloud_exporter::reload::Loader;
use lyve_cloud_exporter::shard::Shard;
use lyve_cloud_exporter::store::{Store, state_file};
use lyve_cloud_exporter::{build_info, systemd};

/// Why the program ends other than well.
enum Ended {
    /// It failed at run time.
    Failed(String),
    /// The configuration is wrong.
    Misconfigured(String),
    /// What it had to say could not be written.
    Unwritten(String),
}

impl Ended {
    fn failed(what: &str, why: impl Display) -> Self {
        Self::Failed(format!("{what}: {why}"))
    }
}

/// How far polls are spread around their intervals.
const JITTER: Jitter = Jitter(1.0);

/// What a check says that found no fault.
const GOOD: &str = "The configuration is good. No request was sent: `check --live` logs in.\n";

/// How long the process waits in the end for what cannot be interrupted.
const STOP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    if let Some(advice) = cli::with_two_hyphens(arguments) {
        let _ = writeln!(std::io::stderr(), "lyve-cloud-exporter: {advice}");
        return ExitCode::from(2);
    }
    // A wrong command line ends here, with status 2.
    let cli = Cli::read();
    let log = match Log::init(cli.options.log_level, cli.options.log_format) {
        Ok(log) => log,
        Err(error) => {
            // Where even standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "lyve-cloud-exporter: cannot set up the log: {error}");
            return ExitCode::from(1);
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Command::Backfill(_) = cli.command() {
        // It decodes one answer after the other, and each further thread would hold on to as much memory.
        runtime.max_blocking_threads(1);
    }
    let runtime =
        runtime.enable_all().build().map_err(|error| Ended::failed("cannot start the runtime", error));
    let outcome = runtime.and_then(|runtime| {
        let outcome = runtime.block_on(execute(&cli));
        // Work on a disk that hangs is not waited for.
        runtime.shutdown_timeout(STOP);
        outcome
    });
    let (message, code) = match outcome {
        Ok(()) => (None, 0),
        Err(Ended::Failed(message)) => (Some(message), 1),
        Err(Ended::Misconfigured(message)) => (Some(message), 2),
        Err(Ended::Unwritten(message)) => (Some(message), 3),
    };
    if let Some(message) = message {
        log.say(&format!("lyve-cloud-exporter: {message}\n"));
    }
    log.finish(STOP);
    ExitCode::from(code)
}

async fn execute(cli: &Cli) -> Result<(), Ended> {
    let clock: Arc<dyn Clock> = Arc::new(System);
    let shard = cli.options.shard().map_err(Ended::Misconfigured)?;
    match cli.command() {
        Command::Run => {
            let (config, guard) = both(load(&cli.options), guard(&cli.options))?;
            for line in proxies()?.lines() {
                tracing::info!("{line}");
            }
            let config = warned(config.of_shard(shard), clock.as_ref());
            let listeners = listen(&cli.options)?;
            let deps = deps(&cli.options, config, Arc::clone(&clock));
            let deps = Deps { loader: Some(loader(&cli.options, shard, clock)), ..deps };
            serve(deps, shard, guard, listeners, |_| async {}).await
        }
        Command::Demo { from_report: Some(path), .. } => {
            let guard = guard(&cli.options)?;
            let listeners = listen(&cli.options)?;
            let report = std::fs::read_to_string(&path)
                .map_err(|error| Ended::Misconfigured(format!("cannot read {}: {error}", path.display())))?;
            let replay =
                Replay::start(&report, Arc::clone(&clock)).await.map_err(|error| match error.kind() {
                    std::io::ErrorKind::InvalidData => {
                        Ended::Misconfigured(format!("{} is no report: {error}", path.display()))
                    }
                    _ => Ended::failed("cannot start the simulator", error),
                })?;
            print(replay.left_out.iter().map(|line| format!("Not as reported: {line}\n")))?;
            let banner = banner(&cli.options, &listeners, guard.as_ref());
            let config =
                replay.config().map_err(|error| Ended::failed("cannot start the simulator", error))?;
            let deps = deps(&cli.options, config.of_shard(shard), clock);
            let show = |store: Arc<Store>| async move {
                polled(&store).await;
                let _ = print([banner.1]);
            };
            serve(deps, shard, guard, listeners, show).await
        }
        Command::Demo { write_config, from_report: None, fast } => {
            let guard = guard(&cli.options)?;
            let listeners = listen(&cli.options)?;
            let demo = Demo::start(&clock)
                .await
                .map_err(|error| Ended::failed("cannot start the simulator", error))?;
            let demo = if fast { demo.slow().fast() } else { demo.slow() };
            let (here, mut banner) = banner(&cli.options, &listeners, guard.as_ref());
            if let Some(path) = write_config {
                demo.write_config(&path)
                    .map_err(|error| Ended::failed(&format!("cannot write {}", path.display()), error))?;
                banner += &format!(
                    "Demo: try lyve-cloud-exporter manage --config.file={} --account=northwind-master service-accounts list\n",
                    path.display()
                );
            }
            print(["Demo: polling a simulated Lyve Cloud, which takes its time as the real one does\n"])?;
            let config = demo.config().map_err(|error| Ended::failed("cannot start the simulator", error))?;
            let deps = deps(&cli.options, config.of_shard(shard), Arc::clone(&clock));
            // The simulated vendor stays here until the daemon has ended.
            let demo = &demo;
            let show = move |store: Arc<Store>| {
                demo.remember(&store);
                async move {
                    polled(&store).await;
                    // Nobody may be reading any more.
                    let _ = print([banner]);
                    if fast {
                        print_mails(&store, clock.as_ref(), &here, |mail| drop(print([mail]))).await;
                    }
                }
            };
            serve(deps, shard, guard, listeners, show).await
        }
        Command::Check { live, report, output } => {
            let config = load(&cli.options).and_then(writable);
            let ((config, _), proxies) = both(both(config, guard(&cli.options)), proxies())?;
            // A program that reads JSON wants nothing else.
            if output == CheckOutput::Text {
                print(proxies.lines().map(|line| format!("{line}\n")))?;
                let direct = config.accounts.iter().filter(|account| proxies.excepts(account.address()));
                print(direct.map(|account| {
                    format!("account {}: no proxy, by NO_PROXY or as its address is local\n", account.name)
                }))?;
                print(config.warnings(clock.now()).iter().map(|warning| format!("warning: {warning}\n")))?;
            }
            let all = config.accounts.len();
            let config = config.of_shard(shard);
            if shard != Shard::WHOLE && output == CheckOutput::Text {
                let own = config.accounts.len();
                print([format!("Shard {shard} watches {own} of the {all} accounts.\n")])?;
            }
            if !live {
                return print([GOOD]);
            }
            check_live(config, &proxies, clock, report.as_deref(), output).await
        }
        Command::Once { output } => {
            let (config, _) = both(load(&cli.options), proxies())?;
            let config = config.of_shard(shard);
            let polled = once(deps(&cli.options, config, Arc::clone(&clock))).await;
            let once = polled.map_err(|error| Ended::failed("cannot poll", error))?;
            let metrics =
                once.metrics(clock.now()).map_err(|error| Ended::failed("cannot make the metrics", error))?;
            let failures = once.failures().collect::<Vec<String>>().join("\n");
            let written = match &output {
                Some(path) => save(path, &metrics.parts),
                None => print(&metrics.parts),
            };
            match written {
                Ok(()) if failures.is_empty() => Ok(()),
                Ok(()) => Err(Ended::Failed(failures)),
                Err(Ended::Unwritten(error)) if !failures.is_empty() => {
                    Err(Ended::Unwritten(format!("{failures}\n{error}")))
                }
                Err(error) => Err(error),
            }
        }
        Command::Backfill(wanted) => {
            let (config, _) = both(load(&cli.options), proxies())?;
            let config = config.of_shard(shard);
            let Backfill { from, to, accounts, output, keep_zeros } = wanted;
            let request = Request { from, to, accounts, output, keep_zeros };
            match backfill(&config, request, clock).await {
                Err(error @ BackfillError::Misused(_)) => Err(Ended::Misconfigured(error.to_string())),
                // A reader that has closed its end, such as `head`, has what it wanted.
                Err(BackfillError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                Err(error @ (BackfillError::File { .. } | BackfillError::Output(_))) => {
                    Err(Ended::Unwritten(error.to_string()))
                }
                outcome => outcome.map_err(|error| Ended::Failed(error.to_string())),
            }
        }
        Command::Manage(wanted) => {
            let (config, _) = both(load(&cli.options), proxies())?;
            manage(&config, cli.options.config_file.as_deref(), wanted, clock).await.map_err(|failure| {
                match failure {
                    Failure::Misused(message) => Ended::Misconfigured(message),
                    Failure::Unwritten(message) => Ended::Unwritten(message),
                    Failure::Failed(message) => Ended::Failed(message),
                }
            })
        }
        Command::Health => {
            let Some(address) = cli.options.listen_addresses.first() else { return Ok(()) };
            health(*address, cli.options.web_config_file.as_deref(), &cli.options.route_prefix())
                .await
                .map_err(Ended::Failed)
        }
    }
}

fn deps(options: &Options, config: Config, clock: Arc<dyn Clock>) -> Deps {
    let web = Web {
        telemetry_path: options.telemetry_path.clone(),
        route_prefix: options.route_prefix(),
        external_url: options.external_url.clone(),
        version: build_info::VERSION,
        enable_lifecycle: options.enable_lifecycle,
    };
    Deps { config, loader: None, clock, jitter: JITTER, web }
}

/// Where the demo is to be seen: the page's address, and what to print.
fn banner(options: &Options, listeners: &[TcpListener], guard: Option<&Guard>) -> (String, String) {
    let address = listeners.first().and_then(|listener| listener.local_addr().ok());
    let port = address.map_or(0, |address| address.port());
    let path = &options.telemetry_path;
    let scheme = if guard.is_some_and(Guard::speaks_tls) { "https" } else { "http" };
    let here = format!("{scheme}://localhost:{port}{}", options.route_prefix());
    (format!("{here}/"), format!("Demo: open {here}/ and {here}{path}\n"))
}

/// Asks everything once and shows what was found; writes the report where one is wanted.
async fn check_live(
    config: Config,
    proxies: &Proxies,
    clock: Arc<dyn Clock>,
    report: Option<&Path>,
    output: CheckOutput,
) -> Result<(), Ended> {
    let (findings, text) =
        check(config, proxies, clock).await.map_err(|error| Ended::failed("cannot poll", error))?;
    let written = match report {
        Some(path) => atomic_file::write(path, Readers::Owner, |out| out.write_all(text.as_bytes()))
            .map_err(|error| Ended::Unwritten(format!("cannot write {}: {error}", path.display()))),
        None => Ok(()),
    };
    match output {
        CheckOutput::Text => {
            let name = report.filter(|_| written.is_ok()).map(|path| path.display().to_string());
            let shown = findings.shown(name.as_deref());
            printed(anstream::stdout().lock().write_all(shown.as_bytes()))?;
        }
        CheckOutput::Json => {
            let json = serde_json::to_string_pretty(&findings)
                .map_err(|error| Ended::failed("cannot write JSON", error))?;
            print([json.as_str(), "\n"])?;
        }
    }
    written?;
    match findings.failed_polls {
        0 => Ok(()),
        count => Err(Ended::Failed(format!("{count} of {} polls failed", findings.polls))),
    }
}

/// Reads the configuration from where it was read at the start.
fn loader(options: &Options, shard: Shard, clock: Arc<dyn Clock>) -> Loader {
    let (path, environment) = (options.config_file.clone(), config::process_environment());
    Loader::new(move || {
        let config = config::load(path.as_deref(), &environment)?;
        Ok(warned(config.of_shard(shard), clock.as_ref()))
    })
}

/// A configuration whose warnings are in the log.
fn warned(config: Config, clock: &dyn Clock) -> Config {
    for warning in config.warnings(clock.now()) {
        tracing::warn!("{warning}");
    }
    config
}

fn load(options: &Options) -> Result<Config, Ended> {
    config::load(options.config_file.as_deref(), &config::process_environment())
        .map_err(|faults| Ended::Misconfigured(faults.to_string()))
}

/// A configuration whose state file could be written. A running exporter does without; whoever checks wants to know.
fn writable(config: Config) -> Result<Config, Ended> {
    let Some(path) = &config.state_file else { return Ok(config) };
    match state_file::check(path) {
        Ok(()) => Ok(config),
        Err(error) => {
            use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
            let advice = match error.kind() {
                NotFound | PermissionDenied | ReadOnlyFilesystem => {
                    "; the exporter's user must be able to create files in its directory"
                }
                _ => "",
            };
            Err(Ended::Misconfigured(format!(
                "state_file: {} cannot be written: {error}{advice}",
                path.display()
            )))
        }
    }
}

/// What the web configuration says, where there is one.
fn guard(options: &Options) -> Result<Option<Guard>, Ended> {
    let Some(path) = &options.web_config_file else { return Ok(None) };
    match Guard::from_file(path.clone()) {
        Ok(guard) => Ok(Some(guard)),
        Err(GuardError::Misconfigured(errors)) => {
            Err(Ended::Misconfigured(format!("{}: {errors}", path.display())))
        }
        Err(error @ GuardError::Failed(_)) => Err(Ended::Failed(error.to_string())),
    }
}

/// The proxies of the environment. One that cannot be used ends the program, as going without would reach the vendor by another
/// way than was meant.
fn proxies() -> Result<Proxies, Ended> {
    Proxies::from_environment().map_err(|error| Ended::Misconfigured(error.to_string()))
}

/// Both values, or what is wrong with either of them or both.
fn both<A, B>(one: Result<A, Ended>, other: Result<B, Ended>) -> Result<(A, B), Ended> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(Ended::Misconfigured(one)), Err(Ended::Misconfigured(other))) => {
            Err(Ended::Misconfigured(format!("{one}\n{other}")))
        }
        (Err(ended), _) | (_, Err(ended)) => Err(ended),
    }
}

fn listen(options: &Options) -> Result<Vec<TcpListener>, Ended> {
    if options.systemd_socket {
        return systemd::listeners().map_err(|error| Ended::failed("cannot listen", error));
    }
    let bound = options.listen_addresses.iter().map(|address| {
        bind(*address).map_err(|error| {
            Ended::failed(
                &format!("cannot listen on {address}"),
                format!("{error}; choose another with --web.listen-address"),
            )
        })
    });
    bound.collect()
}

/// Runs the daemon, and beside it what `show` makes of its store.
async fn serve<S: Future<Output = ()> + Send + 'static>(
    deps: Deps,
    shard: Shard,
    guard: Option<Guard>,
    listeners: Vec<TcpListener>,
    show: impl FnOnce(Arc<Store>) -> S,
) -> Result<(), Ended> {
    let shutdown = CancellationToken::new();
    let wait_for = |kind| signal(kind).map_err(|error| Ended::failed("cannot wait for signals", error));
    let mut terminate = wait_for(SignalKind::terminate())?;
    let mut interrupt = wait_for(SignalKind::interrupt())?;
    let mut hangup = wait_for(SignalKind::hangup())?;
    let cannot_run = |error| Ended::failed("cannot run", error);
    let mut daemon = Daemon::new(deps).map_err(cannot_run)?.as_shard(shard);
    if let Some(guard) = guard {
        daemon = daemon.guarded_by(guard);
    }
    let reloader = daemon.reloader();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            // What came of it is in the log and in the metrics.
            let _ = reloader.reload().await;
        }
    });
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            systemd::stopping();
            shutdown.cancel();
        }
    });
    tokio::spawn(systemd::watchdog());
    tokio::spawn(show(daemon.store()));
    daemon.when_ready(systemd::ready).run(listeners, shutdown).await.map_err(cannot_run)
}

/// Writes a file that everybody may read, as a shell's `>` does.
fn save<T: AsRef<[u8]>>(path: &Path, parts: &[T]) -> Result<(), Ended> {
    atomic_file::write(path, Readers::Umask, |out| {
        parts.iter().try_for_each(|part| out.write_all(part.as_ref()))
    })
    .map_err(|error| Ended::Unwritten(format!("cannot write {}: {error}", path.display())))
}

/// Prints to standard output.
fn print<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    printed(parts.into_iter().try_for_each(|part| out.write_all(part.as_ref())).and_then(|()| out.flush()))
}

/// What came of printing. A reader that has closed its end, such as `head`, has what it wanted.
fn printed(outcome: std::io::Result<()>) -> Result<(), Ended> {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Ended::Unwritten(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
