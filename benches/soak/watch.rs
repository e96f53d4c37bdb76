//! Memory, open files and tasks of this process, again and again.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

const EVERY: Duration = Duration::from_millis(200);

/// How much more memory may be in use in the last quarter than in the first one behind the warm-up (medians), MiB. It
/// includes the simulator's, which keeps its last 10,000 requests and tokens (some 5 MiB).
const MEMORY_MARGIN: u64 = 16;

/// The same where the warm-up was cut short: the allocator has not yet seen every peak.
const SHORT_MEMORY_MARGIN: u64 = 64;

/// A whole warm-up.
pub(crate) const WARM_UP: Duration = Duration::from_secs(60);

/// The same for open files and for tasks: an account that comes and goes, and whatever is under way.
const MARGIN: u64 = 16;

/// The most that may ever be open or alive: three scrapers, five accounts, and the connections between them.
const MOST: u64 = 250;

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    memory_kib: u64,
    files: u64,
    tasks: u64,
}

pub(crate) struct Watch {
    looks: Arc<Mutex<Looks>>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Looks {
    warm: Instant,
    memory_margin: u64,
    storm: Vec<Look>,
    calm: Vec<Look>,
    is_calm: bool,
}

impl Looks {
    fn take(&mut self, look: Look) {
        let list = if self.is_calm { &mut self.calm } else { &mut self.storm };
        list.push(look);
    }
}

impl Watch {
    pub(crate) fn start(began: Instant, warm_up: Duration) -> Self {
        let memory_margin = if warm_up < WARM_UP { SHORT_MEMORY_MARGIN } else { MEMORY_MARGIN };
        let looks = Looks {
            warm: began + warm_up,
            memory_margin,
            storm: Vec::new(),
            calm: Vec::new(),
            is_calm: false,
        };
        let (looks, stop) = (Arc::new(Mutex::new(looks)), CancellationToken::new());
        let (theirs, stopped) = (Arc::clone(&looks), stop.clone());
        tokio::spawn(stopped.run_until_cancelled_owned(async move {
            loop {
                theirs.lock().unwrap().take(Look::now());
                tokio::time::sleep(EVERY).await;
            }
        }));
        Self { looks, _stop: stop.drop_guard() }
    }

    pub(crate) fn storm_is_over(&self) {
        self.looks.lock().unwrap().is_calm = true;
    }

    /// That nothing has grown since the warm-up.
    pub(crate) fn check(&self) {
        let report = self.report();
        let memory_margin = self.looks.lock().unwrap().memory_margin;
        for (name, [_, first, last, most], margin) in [
            ("memory, MiB", report.memory_mib, memory_margin),
            ("open files", report.files, MARGIN),
            ("tasks", report.tasks, MARGIN),
        ] {
            assert!(last <= first + margin, "{name} grew from {first} to {last}: {report}");
            assert!(name.starts_with("memory") || most <= MOST, "{name} reached {most}: {report}");
        }
        assert!(report.calm_tasks <= report.tasks[1] + MARGIN, "tasks were left over: {report}");
        assert!(report.calm_files <= report.files[1] + MARGIN, "files were left open: {report}");
    }

    pub(crate) fn report(&self) -> Report {
        let looks = self.looks.lock().unwrap();
        let steady: Vec<Look> = looks.storm.iter().copied().filter(|look| look.at >= looks.warm).collect();
        assert!(steady.len() >= 40, "too few looks at the process: {}", steady.len());
        let quarter = steady.len() / 4;
        let (first, last) = (&steady[..quarter], &steady[steady.len() - quarter..]);
        let figures = |value: fn(&Look) -> u64| {
            let begin = looks.storm.first().map_or(0, value);
            let most = looks.storm.iter().chain(&looks.calm).map(value).max().unwrap_or(0);
            [begin, median(first, value), median(last, value), most]
        };
        let calm = &looks.calm[looks.calm.len() / 2..];
        Report {
            memory_mib: figures(|look| look.memory_kib / 1024),
            files: figures(|look| look.files),
            tasks: figures(|look| look.tasks),
            calm_files: median(calm, |look| look.files),
            calm_tasks: median(calm, |look| look.tasks),
        }
    }
}

impl Look {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").expect("a process with a status");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("resident memory");
        let memory_kib = memory.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        let files = std::fs::read_dir("/proc/self/fd").expect("open files").count() as u64;
        let tasks = Handle::current().metrics().num_alive_tasks() as u64;
        Self { at: Instant::now(), memory_kib, files, tasks }
    }
}

fn median(looks: &[Look], value: fn(&Look) -> u64) -> u64 {
    let mut values: Vec<u64> = looks.iter().map(value).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// At the begin, in the first and in the last quarter behind the warm-up (medians), and the most.
#[derive(Debug)]
pub(crate) struct Report {
    memory_mib: [u64; 4],
    files: [u64; 4],
    tasks: [u64; 4],
    calm_files: u64,
    calm_tasks: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, [begin, first, last, most]: [u64; 4]| {
            write!(
                f,
                "{name}: {begin} at the begin, {first} behind the warm-up, {last} at the end, {most} at most; "
            )
        };
        line("memory (MiB)", self.memory_mib)?;
        line("open files", self.files)?;
        line("tasks", self.tasks)?;
        write!(f, "in the calm {} files, {} tasks", self.calm_files, self.calm_tasks)
    }
}
