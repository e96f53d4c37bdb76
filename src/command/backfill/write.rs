use std::collections::BTreeMap;
use std::io::{self, Write};

use super::partial::Partial;
use super::plan::Plan;
use super::row::{Figure, Row, Subject};
use crate::config::Account;
use crate::exposition::{Dated, Written};
use crate::metrics::{Family, families, number};
use crate::text::Text;

/// From which rows a family is made, if it has a past at all.
fn kind(family: &Family) -> Option<Subject> {
    match family.name {
        "lyvecloud_account_estimated_cost" | "lyvecloud_account_monthly_average_usage_bytes" => {
            Some(Subject::Account)
        }
        "lyvecloud_account_usage_bytes" => Some(Subject::Used),
        "lyvecloud_account_ghost_bytes" => Some(Subject::Ghost),
        "lyvecloud_account_objects" => Some(Subject::Objects),
        "lyvecloud_bucket_monthly_average_usage_bytes" => Some(Subject::Bucket),
        "lyvecloud_sub_account_monthly_average_usage_bytes" => Some(Subject::SubAccount),
        _ => None,
    }
}

/// Writes every family that has a past, as the metrics page orders them, account by account and month by month: how much that
/// was.
pub(super) fn write(partial: &Partial, plan: &Plan<'_>, out: impl Write) -> io::Result<Written> {
    let mut out = Dated::new(out);
    for family in families() {
        let Some(kind) = kind(family) else { continue };
        out.family(family.name, family.kind.name(), family.help);
        for account in &plan.accounts {
            let names = if kind == Subject::SubAccount {
                newest_names(partial, plan, account)?
            } else {
                Names::new()
            };
            if kind == Subject::SubAccount && names.is_empty() {
                continue;
            }
            each_row(partial, plan, account, kind, |mut labels, figures| {
                if kind == Subject::Bucket && !labels.iter().all(|bucket| plan.buckets.allows(bucket)) {
                    return Ok(());
                }
                if let [id, name] = &mut *labels
                    && let Some(newest) = names.get(id)
                {
                    name.clone_from(newest);
                }
                figures.iter().try_for_each(|figure| series(&mut out, family, account, &labels, *figure))
            })?;
        }
    }
    out.finish()
}

/// Names of sub-accounts by their ids.
type Names = BTreeMap<Box<str>, Box<str>>;

/// What the sub-accounts were called last: each has one name throughout, as on the metrics page.
fn newest_names(partial: &Partial, plan: &Plan<'_>, account: &Account) -> io::Result<Names> {
    let mut names = Names::new();
    each_row(partial, plan, account, Subject::SubAccount, |labels, _| {
        if let Ok([id, name]) = <[_; 2]>::try_from(labels) {
            names.insert(id, name);
        }
        Ok(())
    })?;
    Ok(names)
}

/// Goes through the rows of one kind of one account, oldest months first.
fn each_row(
    partial: &Partial,
    plan: &Plan<'_>,
    account: &Account,
    kind: Subject,
    mut each: impl FnMut(Vec<Box<str>>, Vec<Figure>) -> io::Result<()>,
) -> io::Result<()> {
    for key in plan.keys_of(account) {
        for row in partial.rows(&key)? {
            let Row(its_kind, labels, figures) = row?;
            if its_kind > kind {
                break;
            }
            if its_kind == kind {
                each(labels, figures)?;
            }
        }
    }
    Ok(())
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
