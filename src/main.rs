//! Arguments, logs, signals and the exit status; nothing else.

fn main() {}
