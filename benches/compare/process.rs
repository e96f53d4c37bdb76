//! Processes that are measured: what the kernel says of their time and memory.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel's unit of processor time: `USER_HZ` is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// A running process and its children; ended when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}")))
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    fn pids(&self) -> Vec<u32> {
        let own = self.0.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().map(|pid| pid.parse().unwrap())).collect()
    }

    /// The processor time that it has used, user and system.
    pub(crate) fn cpu(&self) -> Duration {
        self.pids().into_iter().map(cpu).sum()
    }

    /// Its resident memory, MiB.
    pub(crate) fn resident(&self) -> f64 {
        self.pids().into_iter().map(|pid| status(&format!("/proc/{pid}/status"), "VmRSS:")).sum()
    }

    /// The most resident memory that it had at once, MiB.
    pub(crate) fn peak(&self) -> f64 {
        status(&format!("/proc/{}/status", self.0.id()), "VmHWM:")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx ends its workers only if it is asked to.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status().is_ok();
        let began = Instant::now();
        while asked && began.elapsed() < Duration::from_secs(10) && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may hold anything, the user's time is the 12th field and the system's the 13th.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u32>().unwrap();
    TICK * (ticks(11) + ticks(12))
}

fn status(path: &str, key: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// This process's resident memory, and the most of it since [`forget_peak`], MiB.
pub(crate) fn own_memory() -> (f64, f64) {
    (status("/proc/self/status", "VmRSS:"), status("/proc/self/status", "VmHWM:"))
}

/// Begins a new peak.
pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// This very program.
pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// How busy the machine is: the mean number of runnable tasks in the last minute.
pub(crate) fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap().split_whitespace().next().unwrap().to_owned()
}
