//! What the exporter costs, side by side with nginx, which sends the same bytes from files, and with a plain server of
//! the client library. Everything runs on this machine's loopback interface, in turn, several rounds.
//!
//! ```text
//! cargo bench --bench compare                   # seven minutes
//! cargo bench --bench compare -- --long         # with 1,000,000 buckets
//! cargo bench --bench compare -- scrape fleet   # parts of it: scrape memory months publish decode fleet start attack
//! EXPORTER=PROGRAM cargo bench --bench compare  # of another build, for example with musl
//! ```
//!
//! It prints tables in Markdown. Needs nginx (Debian's `nginx-light`) and gzip.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what cannot be measured has to end the program"
)]

mod attack;
mod attackers;
mod decode;
mod measures;
mod naive;
mod process;
mod scrape;
mod servers;
mod table;
mod vendor;

use tokio::runtime::Runtime;

use crate::measures::Size;
use crate::table::Table;

/// Of which the bars speak.
const BUCKETS: usize = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments[..] {
        ["naive", accounts, buckets] => runtime.block_on(naive::serve(number(accounts), number(buckets))),
        ["decode", how, buckets] => decode::child(how, number(buckets)),
        ["attacker", attack, target, seconds] => {
            runtime.block_on(attackers::child(attack, target, seconds.parse().unwrap()));
        }
        _ => compare(&runtime, &arguments),
    }
}

fn compare(runtime: &Runtime, arguments: &[&str]) {
    let long = arguments.contains(&"--long");
    let parts: Vec<&&str> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|named| **named == part);
    let loaded = process::load();
    let mut bars = Table::default();
    let mut sizes: Vec<Size> = Vec::new();
    if wanted("scrape") {
        let all = [1000, 10_000, BUCKETS, 1_000_000];
        let measured = if long { &all[..] } else { &all[..3] };
        sizes.extend(measured.iter().map(|buckets| measures::scrapes_of(runtime, *buckets)));
        bars.scrapes(&sizes[2]);
    }
    if wanted("memory") {
        bars.memory(measures::hour(runtime, 10, BUCKETS / 10), measures::hour(runtime, 1, 100));
    }
    let months = if wanted("months") {
        [(1, 100, 0), (20, 10_000, 0), (20, 10_000, 6), (2, 100_000, 6), (20, 10_000, 24)]
            .map(|(accounts, buckets, months)| measures::months(runtime, accounts, buckets, months))
            .to_vec()
    } else {
        Vec::new()
    };
    if wanted("publish") {
        bars.publish(&measures::publish(runtime, 10, BUCKETS / 10));
    }
    if wanted("decode") {
        let rounds = (0..5).map(|_| (decode::decoded("ours", BUCKETS), decode::decoded("plain", BUCKETS)));
        bars.decode(&rounds.collect::<Vec<_>>());
    }
    if wanted("fleet") {
        bars.fleet(&measures::fleet(runtime, 1000, 100));
    }
    if wanted("start") {
        bars.start(measures::start(runtime));
    }
    let attacks = if wanted("attack") { attack::attacks(runtime) } else { Vec::new() };
    println!("\n{}", bars.text());
    if let Some(noisy) = sizes.get(2) {
        println!("{}", table::growth(&sizes));
        println!("{}", table::noise(noisy, &loaded, &process::load()));
    }
    if !months.is_empty() {
        println!("\n{}", table::months(&months));
    }
    if !attacks.is_empty() {
        println!("\n{}", table::attacks(&attacks));
    }
}
