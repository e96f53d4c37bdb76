use std::io::{self, Write};

use super::plan::Plan;
use super::row::{Figure, Kind, Row};
use super::spill::{Key, Run, Spill};
use crate::config::Account;
use crate::exposition::Dated;
use crate::metrics::{Family, families, number};
use crate::text::Text;

/// From which rows a family is made, if it has a past at all.
fn kind(family: &Family) -> Option<Kind> {
    match family.name {
        "lyvecloud_account_estimated_cost" | "lyvecloud_account_monthly_average_usage_bytes" => {
            Some(Kind::Account)
        }
        "lyvecloud_account_usage_bytes" => Some(Kind::Used),
        "lyvecloud_account_ghost_bytes" => Some(Kind::Ghost),
        "lyvecloud_account_objects" => Some(Kind::Objects),
        "lyvecloud_bucket_monthly_average_usage_bytes" => Some(Kind::Bucket),
        "lyvecloud_sub_account_monthly_average_usage_bytes" => Some(Kind::SubAccount),
        _ => None,
    }
}

/// Writes every family that has a past, as the metrics page orders them, each account's things by their identities.
pub(super) fn write(spill: &Spill, plan: &Plan<'_>, out: impl Write) -> io::Result<()> {
    let mut out = Dated::new(out);
    for family in families() {
        let Some(kind) = kind(family) else { continue };
        out.family(family.name, family.kind.name(), family.meaning());
        for account in &plan.accounts {
            let keys: Vec<Key> = plan.keys_of(account).collect();
            merge(spill, &keys, kind, |labels, figures| {
                if kind != Kind::Bucket || labels.iter().all(|bucket| plan.buckets.allows(bucket)) {
                    figures.iter().try_for_each(|figure| series(&mut out, family, account, labels, *figure))
                } else {
                    Ok(())
                }
            })?;
        }
    }
    out.finish()
}

/// Goes through one kind of row over all answers at once: each thing with its newest labels and all its months.
fn merge(
    spill: &Spill,
    keys: &[Key],
    kind: Kind,
    mut each: impl FnMut(&[Box<str>], &[Figure]) -> io::Result<()>,
) -> io::Result<()> {
    let mut runs: Vec<(Run<'_>, Option<Row>)> = Vec::with_capacity(keys.len());
    for key in keys {
        let mut run = spill.run(key, kind);
        let first = run.next()?;
        runs.push((run, first));
    }
    let mut figures = Vec::new();
    loop {
        let rows = runs.iter().filter_map(|(_, row)| row.as_ref());
        let Some(next) = rows.map(Row::identity).min().map(Box::<str>::from) else { return Ok(()) };
        figures.clear();
        let mut labels = Vec::new();
        for (run, row) in &mut runs {
            if let Some(Row(_, its_labels, its_figures)) = row.take_if(|row| row.identity() == &*next) {
                labels = its_labels;
                figures.extend(its_figures);
                *row = run.next()?;
            }
        }
        each(&labels, &figures)?;
    }
}

/// Writes one figure of one thing: at the start of its day, or of each day of its month, UTC.
fn series(
    out: &mut Dated<impl Write>,
    family: &Family,
    account: &Account,
    labels: &[Box<str>],
    Figure(Text(time), figure): Figure,
) -> io::Result<()> {
    const DAY: usize = 24 * 60 * 60;
    let cost = family.labels.contains(&"currency");
    let price = match &account.price {
        None if cost => return Ok(()),
        price => price.as_ref().filter(|_| cost),
    };
    let text = time.to_string();
    let mut labels = labels.iter();
    let pairs = family.labels.iter().filter_map(|name| {
        let value = match *name {
            "account" => &*account.name,
            "month" => &*text,
            "currency" => &*price?.currency,
            _ => labels.next()?,
        };
        Some((*name, value))
    });
    let value = price.map_or_else(|| number(figure), |price| price.estimate(figure));
    out.series(family.name, pairs, value, time.seconds().step_by(DAY))
}
