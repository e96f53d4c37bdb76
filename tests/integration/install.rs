//! What is in deploy/ installs, and what it installs works.

mod systemd;
