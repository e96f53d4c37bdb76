//! The tables that are printed.

use std::fmt::Write as _;

use crate::attack::{Attacked, Fared};
use crate::decode::Decoded;
use crate::measures::{Fleet, Months, Publish, Size};
use crate::scrape::{Spread, count, short};

/// What is measured, beside its bar.
#[derive(Default)]
pub(crate) struct Table(String);

/// A bar on what the exporter's figure may be, as a multiple of what it is measured against, or by itself.
#[derive(Clone, Copy)]
enum Bar {
    Times(f64, f64),
    Alone(f64, f64, &'static str),
}

impl Table {
    fn row(&mut self, what: &str, exporter: impl ToString, against: impl ToString, bar: Bar) {
        let (bar, ratio, met) = match bar {
            Bar::Times(ratio, bar) => (format!("{bar} ×"), format!("{ratio:.2} ×"), ratio <= bar),
            Bar::Alone(value, bar, unit) => (format!("{bar} {unit}"), String::new(), value <= bar),
        };
        let met = if met { "met" } else { "**missed**" };
        let (exporter, against) = (exporter.to_string(), against.to_string());
        writeln!(self.0, "| {what} | {exporter} | {against} | {ratio} | {bar} | {met} |").unwrap();
    }

    pub(crate) fn scrapes(&mut self, size: &Size) {
        let (own, nginx) = (&size.exporter, &size.nginx);
        let ratio = own.gzip.against(&nginx.gzip);
        self.row("gzip scrape, p50, ms", own.gzip.p50(), nginx.gzip.p50(), Bar::Times(ratio, 2.0));
        let ratio = own.identity.against(&nginx.identity);
        self.row(
            "identity scrape, p50, ms",
            own.identity.p50(),
            nginx.identity.p50(),
            Bar::Times(ratio, 1.3),
        );
        let ratio = own.gzip.cpu().median / nginx.gzip.cpu().median;
        self.row("CPU of a gzip scrape, ms", own.gzip.cpu(), nginx.gzip.cpu(), Bar::Times(ratio, 3.0));
        let ratio = count(size.gzip_bytes) / count(size.gzip_6_bytes);
        let against = format!("`gzip -6`: {}", size.gzip_6_bytes);
        self.row("gzip body, bytes", size.gzip_bytes, against, Bar::Times(ratio, 1.05));
    }

    pub(crate) fn memory(&mut self, large: f64, small: f64) {
        let what = "memory after an hour's polls and scrapes, MiB";
        self.row(what, short(large), "", Bar::Alone(large, 72.0, "MiB"));
        let what = "the same with one account of 100 buckets, MiB";
        self.row(what, short(small), "", Bar::Alone(small, 12.0, "MiB"));
    }

    pub(crate) fn publish(&mut self, publish: &Publish) {
        let figures =
            format!("{} (most {}, of {})", short(publish.p99), short(publish.most), publish.scrapes);
        let against = format!("its p50: {}; in quiet {}", short(publish.p50), short(publish.quiet));
        let ratio = publish.p99 / publish.p50;
        self.row("p99 of scrapes while all accounts publish, ms", figures, against, Bar::Times(ratio, 10.0));
    }

    pub(crate) fn decode(&mut self, rounds: &[(Decoded, Decoded)]) {
        let of = |figure: fn(&(Decoded, Decoded)) -> f64| Spread::of(rounds.iter().map(figure));
        let ratio = of(|(own, plain)| own.millis / plain.millis).median;
        let (own, plain) = (of(|(own, _)| own.millis), of(|(_, plain)| plain.millis));
        self.row("decoding 100,000 buckets, ms", own, format!("serde_json: {plain}"), Bar::Times(ratio, 2.0));
        let ratio = of(|(own, _)| own.peak / own.kept).median;
        let (own, kept) = (of(|(own, _)| own.peak), of(|(own, _)| own.kept));
        self.row("peak memory of that, MiB", own, format!("kept: {kept}"), Bar::Times(ratio, 1.5));
    }

    pub(crate) fn fleet(&mut self, fleet: &Fleet) {
        let what = format!("first picture of 1,000 accounts ({} requests), s", fleet.requests);
        let allowed = format!("the cap allows {}", short(fleet.allowed));
        let ratio = fleet.first_picture / fleet.allowed;
        self.row(&what, short(fleet.first_picture), allowed, Bar::Times(ratio, 1.3));
        let what = "their steady CPU, % of a core";
        let resident = format!("{} MiB resident", short(fleet.resident));
        self.row(what, short(fleet.steady_cpu), resident, Bar::Alone(fleet.steady_cpu, 2.0, "%"));
    }

    pub(crate) fn start(&mut self, start: Spread) {
        let what = "start to first scrape, beyond `--version`, ms";
        self.row(what, start, "", Bar::Alone(start.median, 20.0, "ms"));
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "| at 100,000 buckets | exporter | nginx, or else | ratio | bar | |\n|---|---|---|---|---|---|\n{}",
            self.0
        )
    }
}

/// Cost by size.
pub(crate) fn growth(sizes: &[Size]) -> String {
    let mut text = String::from(
        "| buckets | server | gzip p50, ms | its CPU, ms | identity p50, ms | resident, MiB | first scrape, ms | page, MB | gzip, MB |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for size in sizes {
        let servers = [("exporter", &size.exporter), ("nginx", &size.nginx), ("GaugeVec", &size.naive)];
        for (name, both) in servers {
            let own = |figure: String| if name == "exporter" { figure } else { String::new() };
            let megabytes = |bytes: usize| format!("{:.3}", count(bytes) / 1e6);
            let figures = [
                size.buckets.to_string(),
                name.to_owned(),
                both.gzip.p50().to_string(),
                both.gzip.cpu().to_string(),
                both.identity.p50().to_string(),
                short(both.resident),
                own(short(size.first)),
                own(megabytes(size.identity_bytes)),
                own(megabytes(size.gzip_bytes)),
            ];
            writeln!(text, "| {} |", figures.join(" | ")).unwrap();
        }
    }
    text
}

/// Memory by how much there is.
pub(crate) fn months(measured: &[Months]) -> String {
    let mut text = String::from(
        "| accounts | buckets of each | closed months | series of buckets | after the first scrapes, MiB | peak until then | peak at last |\n|---|---|---|---|---|---|---|\n",
    );
    for Months { accounts, buckets, months, resident, peak, peak_at_last } in measured {
        let series = accounts * buckets * (1 + usize::try_from(*months).unwrap());
        let (resident, peak, last) = (short(*resident), short(*peak), short(*peak_at_last));
        writeln!(text, "| {accounts} | {buckets} | {months} | {series} | {resident} | {peak} | {last} |")
            .unwrap();
    }
    text
}

/// Scrapes under attack, against a bar of milliseconds.
pub(crate) fn attacks(attacks: &[Attacked]) -> String {
    const BAR: f64 = 50.0;
    let mut text = format!(
        "| attack | clients | tries a second | kept connection: p50, ms | p99 | most | new connections: p50, ms | p99 | most | peak memory, MiB | p99 < {BAR} ms |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for Attacked { attack, rate, kept, fresh, peak } in attacks {
        let fared = |fared: &Fared| {
            let failed = match fared.failed {
                0 => String::new(),
                failed => format!(" ({failed} of {} failed)", fared.scrapes),
            };
            format!("{} | {} | {}{failed}", short(fared.p50), short(fared.p99), short(fared.most))
        };
        let met = if [kept, fresh].iter().all(|fared| fared.p99 < BAR) { "met" } else { "**missed**" };
        let (name, clients) = (attack.name(), attack.clients());
        writeln!(
            text,
            "| {name} | {clients} | {rate:.0} | {} | {} | {} | {met} |",
            fared(kept),
            fared(fresh),
            short(*peak)
        )
        .unwrap();
    }
    text
}

/// How far equal measurements were apart.
pub(crate) fn noise(size: &Size, before: &str, after: &str) -> String {
    let apart = |spread: Spread| short(spread.most / spread.least);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores; load {before} before and {after} after. Figures are medians of five rounds (least–most). Noise: \
         the slowest of nginx's rounds took {} times its fastest for gzip, {} for identity.",
        apart(size.nginx.gzip.p50()),
        apart(size.nginx.identity.p50()),
    )
}
