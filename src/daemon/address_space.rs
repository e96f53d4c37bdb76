use rustix::process::{Resource, getrlimit};
use tracing::warn;

/// What is always enough, bytes: threads and allocators reserve far more than they use.
const ENOUGH: u64 = 1 << 30;

/// Says so where the process may run out of address space: it then cannot start a thread or keep an answer.
pub(super) fn warn_if_small() {
    if let Some(most) = getrlimit(Resource::As).current.filter(|most| *most < ENOUGH) {
        warn!(
            mebibytes = most >> 20,
            "the address space is limited (ulimit -v): scrapes may fail, or the exporter may end; limit its memory instead \
             (MemoryMax= of systemd, the memory limit of a container)"
        );
    }
}
