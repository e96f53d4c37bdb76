"""All accounts. The first screen answers: what is broken, what ends next, how much and what trend, what it costs,
and how fresh the figures are."""

import common as c
import grafana as g
from promql import ALL, COST_MONTH_END, GROWTH, MONTH_END, by, largest, on, with_exporter

USAGE = "lyvecloud_account_usage_bytes"
AVERAGE = "lyvecloud_account_monthly_average_usage_bytes"


def alarms():
    state = ALL.state()
    accounts = f"count({ALL.by('account', 'lyvecloud_up')})"
    return g.line(
        4,
        g.stat(
            "Firing alerts", "Alerts of the shipped rules that fire now.",
            [g.target(ALL.count_firing("critical"), "critical"), g.target(ALL.count_firing("warning"), "warning")],
            5, name=True, thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="Rules not loaded",
            overrides=[g.override("warning", thresholds=c.alarm(color=g.WARN))],
        ),
        g.stat(
            "Accounts that cannot be read",
            "Not read: no collector of the account works. Partly: some do. All accounts that are configured are counted.",
            [
                g.target(f"count(({state}) == 0) or 0 * {accounts}", "not read"),
                g.target(f"count(({state}) == 1) or 0 * {accounts}", "partly read"),
            ],
            5, name=True, thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="No exporter is scraped",
            overrides=[g.override("partly read", thresholds=c.alarm(color=g.WARN))],
        ),
        g.stat(
            "Credentials that do not work",
            "Expired: the end has passed. Rejected: the vendor rejects it. Of accounts and of service accounts.",
            [
                g.target(ALL.count_with_status("expired"), "expired"),
                g.target(ALL.count_with_status("rejected"), "rejected"),
            ],
            5, name=True, thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="Not known",
        ),
        c.next_end(ALL, 5, "{{account}}: {{credential}}"),
        g.stat(
            "Oldest usage figure",
            "How long ago the usage of an account was last read from the vendor, of the account where that is longest.",
            [g.target(f"topk(1, {ALL.usage_age()})", "{{account}}")],
            4, unit="dtdurations", decimals=0, name=True, thresholds=c.AGE, filled=False, noValue="Nothing was read yet",
        ),
    )


def totals():
    newest, before = ALL.closed_month("account", AVERAGE), ALL.closed_month("account", AVERAGE, 2)
    missing = f"count({ALL.by('account', 'lyvecloud_up')} unless {on()} {ALL.by('account', USAGE)}) > 0"
    return g.line(
        4,
        g.stat(
            "Stored now", "Usage of the accounts' own buckets: of the open month, as the vendor states it. "
            "Accounts without a figure are not in the sum.",
            [g.over_time(f"sum({ALL.still_known(USAGE)})", "in all"), g.target(missing, "without a figure")],
            5, unit="decbytes", sparkline=True, name=True, noValue="Not known",
            overrides=[g.override("without a figure", unit="short")],
        ),
        g.stat(
            "Growth a day", "By a straight line through the last three days, of all accounts. Recorded by the shipped "
            "rules, from the fifth of a month on: usage falls when a month begins.",
            [g.target(f"sum(max {by()} ({ALL.recorded(GROWTH)}))", "a day")],
            3, unit="decbytes", noValue="Not yet known",
        ),
        g.stat(
            "At the month's end", "The usage with which the open month ends, if it goes on as in the last three days. "
            "Recorded by the shipped rules, from the fifth of a month on.",
            [g.target(f"sum(max {by()} ({ALL.recorded(MONTH_END)}))", "forecast")],
            3, unit="decbytes", noValue="Not yet known",
        ),
        g.stat(
            "Month on month", "Growth of the average usage from one closed month to the next, of "
            "the accounts that have both.",
            [g.target(f"sum({newest} - {before}) / sum({before} and {newest})", "growth")],
            4, unit="percentunit", decimals=1, noValue="Two closed months are needed",
        ),
        g.stat(
            "Estimated cost of the open month", "By the configured prices, a figure for each currency; and the forecast "
            "for the month's end. Not the invoice.",
            [
                g.target(f"sum by (currency) ({ALL.cost()})", "{{currency}} so far"),
                g.target(f"sum by (currency) (max {by('account, currency')} ({ALL.recorded(COST_MONTH_END)}))",
                         "{{currency}} at month end"),
            ],
            5, unit="locale", decimals=0, name=True, noValue="No price is configured",
        ),
        g.stat(
            "Highest use of a budget", "The estimated cost of the open month as a share of the account's budget, of the "
            "account where it is highest.",
            [g.target(f"topk(1, {c.budget_used(ALL)})", "{{account}}")],
            4, unit="percentunit", decimals=0, name=True, thresholds=c.USED_OF_BUDGET, filled=False,
            noValue="No budget is configured",
        ),
    )


def accounts():
    usage, state = ALL.by("account", USAGE), ALL.state()
    up = ALL.by("account", "lyvecloud_up")
    # What is broken first, then by size; an account without a figure is there, too.
    rank = f"topk($top, 1e18 * (2 - ({state})) + {on()} ({usage} or 0 * {up}))"
    newest, before = ALL.closed_month("account", AVERAGE), ALL.closed_month("account", AVERAGE, 2)

    def of(expr):
        return f"({expr}) and {on()} {rank}"

    return c.table(
        "Accounts",
        "Every account that is configured: those with errors first, then by size. An empty cell: not known. "
        "Growth a day: a line through the last three days. Month on month: the newest closed month against the one before. Age: of the "
        "usage. Choose an account to open its dashboard.",
        [
            c.open_account(),
            g.column(None, rank),
            g.column("State", of(state), mappings=g.quiet(c.ACCOUNT_STATE), custom__cellOptions=g.TEXT_COLOR,
                     custom__width=120),
            g.column("Stored", of(usage), unit="decbytes"),
            g.column("Share", of(f"{usage} / scalar(sum({usage}))"), unit="percentunit", min=0, max=1, decimals=1,
                     color={"mode": "fixed", "fixedColor": g.OK}, custom__cellOptions=g.GAUGE),
            g.column("Growth a day", of(f"max {by()} ({ALL.recorded(GROWTH)})"), unit="decbytes"),
            g.column("Newest closed month", of(newest), unit="decbytes"),
            g.column("Month on month", of(f"{newest} / {before} - 1"), unit="percentunit", decimals=1),
            g.column("Buckets", of(ALL.by("account", "lyvecloud_account_buckets")), unit="short"),
            g.column("Age", of(ALL.usage_age()), unit="dtdurations", decimals=0,
                     custom__cellOptions=g.TEXT_COLOR, thresholds=c.AGE),
        ],
        24, sort="-rank",
    )


def usage():
    top = f"topk(10, max {by()} (last_over_time({ALL.of(USAGE)}[$__range] @ end())))"
    # By what they were billed: an account that cannot be read now has a past, too.
    ranked = f"topk(10, {ALL.closed_month('account', AVERAGE)})"
    average = ALL.by("account, month", AVERAGE)
    return g.line(
        9,
        g.timeseries(
            "Usage, largest accounts", "The ten largest accounts, stacked. The vendor states a month's usage to date, "
            "so it falls when a month begins (UTC): nothing was deleted then.",
            [g.over_time(f"{ALL.by('account', USAGE)} and {on()} {top}", c.ACCOUNT_LEGEND)],
            12, unit="decbytes", stacked=True,
        ),
        g.bars(
            "Closed months, by account", "Average usage over each closed month: the ten accounts that were the largest "
            "in the newest, and all others together. The vendor's bill is computed from these averages.",
            f"{with_exporter(f'({average} and {on()} {ranked})')} or label_replace(sum by (month) ({average} unless {on()} "
            f'{ranked}), "account", "all others", "", "")',
            12, row="month", column="account", unit="decbytes",
        ),
    )


def costs():
    cost, end = ALL.cost(), f"max {by('account, currency')} ({ALL.recorded(COST_MONTH_END)})"
    ranked = f"topk($top, {cost})"
    by_month = ALL.by("account, month", "lyvecloud_account_estimated_cost", 'currency="$currency"')
    first = f"topk(10, sum {by()} ({by_month}))"

    def of(expr):
        return f"({expr}) and {on('account, currency')} {ranked}"

    return g.line(
        9,
        c.table(
            "Costs and budgets of the open month", "Estimates by the configured prices, in each account's currency; not "
            "the invoice. The forecast is recorded by the shipped rules, from the fifth of a month on.",
            [
                c.open_account(),
                g.column("So far", ranked, unit="locale", decimals=2),
                g.column("At the month's end", of(end), unit="locale", decimals=2),
                g.column("Budget", of(c.budget(ALL)), unit="locale", decimals=2),
                g.column("Used", of(c.budget_used(ALL)), unit="percentunit", decimals=0, min=0, max=1,
                         custom__cellOptions=g.CELL_COLOR, thresholds=c.USED_OF_BUDGET),
                g.column("Currency", label="currency"),
            ],
            12, sort="-So far", noValue="No price is configured",
        ),
        g.bars(
            "Estimated cost by month, in $currency", "Of the accounts with a price in the chosen currency: the ten that "
            "cost most over these months, and all others together. The newest month is not over.",
            f"{with_exporter(f'({by_month} and {on()} {first})')} or label_replace(sum by (month) ({by_month} unless {on()} "
            f'{first}), "account", "all others", "", "")',
            12, row="month", column="account", unit="locale", axis="$currency", noValue="No price is configured",
        ),
    )


def growth():
    newest, before = ALL.closed_month("account", AVERAGE), ALL.closed_month("account", AVERAGE, 2)
    return g.line(
        10,
        g.ranking(
            "Growing most, closed months", "Accounts whose average grew most from one closed month (UTC) to the next, in "
            "bytes. The newest month's figures may come some hours after its end.",
            f"topk(10, {newest} - {before})", c.ACCOUNT_LEGEND, 8, unit="decbytes",
        ),
        c.table(
            "Largest buckets", "Of all accounts: usage of the open month, with object storage the size now.",
            [
                c.open_account(),
                g.column("Bucket", label="bucket"),
                g.column("Stored", largest("account, bucket", "lyvecloud_bucket_usage_bytes", "$top", ALL),
                         unit="decbytes"),
            ],
            16, sort="-Stored",
        ),
    )


def build():
    past = c.past(ALL, "account", 24, "ten largest accounts", limit=True)
    return c.dashboard(
        c.OVERVIEW,
        "All accounts of Seagate Lyve Cloud: what is broken, what ends next, how much is stored and how it grows, what it "
        "costs, and how fresh the figures are.",
        ALL,
        c.variables(c.accounts(), c.rows_shown(), c.currency(ALL)),
        [
            g.row(None, alarms(), totals(), g.line(9, c.firing(ALL, 12), c.ends_next(ALL, 12))),
            g.row("Accounts", g.line(9, accounts()), usage()),
            g.row("Costs and budgets", costs()),
            g.row("What cannot be read", g.line(8, c.failing_collectors(ALL, 24)), collapsed=True),
            g.row("Growth and buckets", growth(), collapsed=True),
            g.row("The past", g.line(10, past), collapsed=True),
        ],
    )
