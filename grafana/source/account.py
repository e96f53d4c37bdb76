"""One account of the Account API: what is wrong with it, what it stores, what it costs, who has access."""

import common as c
import grafana as g
from promql import (
    COST_MONTH_END, IDENTITY, GROWTH, MONTH_END, ONE, at_time, by, in_days, largest, on, rules_loaded, with_exporter,
)

USAGE = "lyvecloud_account_usage_bytes"
WITH_SUB_ACCOUNTS = "lyvecloud_account_usage_with_sub_accounts_bytes"
AVERAGE = "lyvecloud_account_monthly_average_usage_bytes"
BUCKET = "lyvecloud_bucket_usage_bytes"
BUCKET_AVERAGE = "lyvecloud_bucket_monthly_average_usage_bytes"
SUB_ACCOUNT = "lyvecloud_sub_account_usage_bytes"


def alarms():
    own_status = {rank: c.STATUS[name] for rank, name in enumerate(c.STATUS)}
    ranks = " or ".join(
        f'{rank} * ({ONE.by("account", "lyvecloud_credential_status", f_status(name))} == 1)'
        for rank, name in enumerate(c.STATUS)
    )
    return g.line(
        4,
        g.stat(
            "Reads", "Whether the collectors of this account work.", [g.target(ONE.state())],
            4, unit="none", mappings=g.words(c.ACCOUNT_STATE), noValue="Not known",
        ),
        g.stat(
            "Its API credentials", "The pair with which the exporter logs in to this account.", [g.target(ranks)],
            4, unit="none", mappings=g.words(own_status), noValue="Not known",
        ),
        c.next_end(ONE, 4, "{{credential}}"),
        g.stat(
            "Credentials that do not work", "Expired or rejected, service accounts among them.",
            [g.target(ONE.count_with_status("expired|rejected"))],
            4, thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="Not known",
        ),
        g.stat(
            "Firing alerts", "Alerts of the shipped rules about this account.",
            [g.target(f"count({ONE.firing()}) or {rules_loaded()}")],
            4, thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="Rules not loaded",
        ),
        g.stat(
            "Age of the usage", "How long ago its usage was last read from the vendor.", [g.target(ONE.usage_age())],
            4, unit="dtdurations", decimals=0, thresholds=c.AGE, filled=False, noValue="Not read yet",
        ),
    )


def f_status(name):
    return f'kind="account_api", status="{name}"'


def totals():
    newest, before = ONE.closed_month("account", AVERAGE), ONE.closed_month("account", AVERAGE, 2)
    return g.line(
        4,
        g.stat("Stored now", "Usage of its own buckets in the open month, to date.",
               [g.over_time(ONE.still_known(USAGE), "stored")], 4, unit="decbytes", sparkline=True, noValue="Not known"),
        g.stat("With sub-accounts", "Usage of a master account with that of its sub-accounts.",
               [g.target(ONE.by("account", WITH_SUB_ACCOUNTS))], 3, unit="decbytes", noValue="No master account"),
        g.stat("Buckets", "How many buckets it has.", [g.target(ONE.by("account", "lyvecloud_account_buckets"))], 2,
               noValue="Not known"),
        g.stat("Growth a day", "By a straight line through the last three days; from the fifth of a month on.",
               [g.target(f"max {by()} ({ONE.recorded(GROWTH)})")], 3, unit="decbytes", noValue="Not yet known"),
        g.stat("Month on month", "The newest closed month against the one before.", [g.target(f"{newest} / {before} - 1")],
               3, unit="percentunit", decimals=1, noValue="Two months needed"),
        g.stat(
            "Estimated cost of the open month", "By the configured price, and the forecast for the month's end. Not the "
            "invoice.",
            [g.target(ONE.cost(), "{{currency}} so far"),
             g.target(f"max {by('currency')} ({ONE.recorded(COST_MONTH_END)})", "{{currency}} at month end")],
            5, unit="locale", decimals=0, name=True, noValue="No price is configured",
        ),
        g.stat("Budget used", "The estimate of the open month as a share of the budget.", [g.target(c.budget_used(ONE))],
               4, unit="percentunit", decimals=0, thresholds=c.USED_OF_BUDGET, filled=False,
               noValue="No budget is configured"),
    )


def usage():
    cost = ONE.by("month, currency", "lyvecloud_account_estimated_cost")
    return g.line(
        9,
        g.timeseries(
            "Usage and its forecast", "The usage of the open month to date; it falls when a month begins (UTC). Forecast: "
            "the usage with which the month ends if it goes on as in the last three days, from the fifth on.",
            [
                g.over_time(ONE.by("account", USAGE), "own buckets"),
                g.over_time(ONE.by("account", WITH_SUB_ACCOUNTS), "with sub-accounts"),
                g.over_time(f"max {by()} ({ONE.recorded(MONTH_END)})", "forecast for the month's end"),
            ],
            12, unit="decbytes",
            overrides=[g.override("forecast for the month's end",
                                  custom__lineStyle={"fill": "dash", "dash": [8, 8]}, custom__fillOpacity=0)],
        ),
        g.bars("Closed months", "Average usage over each closed month, from which the vendor's bill is computed.",
               with_exporter(f'label_replace({ONE.by("month", AVERAGE)}, "what", "average", "", "")', "what"), 6, row="month", column="what",
               unit="decbytes"),
        g.bars("Estimated cost by month", "By the configured price, in its currency; the newest month is not over. Not "
               "the invoice.", with_exporter(cost, "currency"), 6, row="month", column="currency", unit="locale", axis="in the price's currency",
               noValue="No price is configured"),
    )


def buckets():
    top = f"topk($top, {ONE.by('bucket', BUCKET)})"
    newest, before = ONE.closed_month("bucket", BUCKET_AVERAGE), ONE.closed_month("bucket", BUCKET_AVERAGE, 2)

    keys = ", ".join(IDENTITY)

    def of(expr):
        return f"({expr}) and {on('bucket')} {top}"

    return g.line(
        10,
        c.table(
            "Largest buckets", "By usage of the open month to date. Month on month: the newest closed month against the "
            "one before.",
            [
                g.column("Bucket", label="bucket"),
                g.column("Stored", top, unit="decbytes"),
                g.column("Share", f"{top} / on ({keys}) group_left () sum by ({keys}) ({ONE.of(USAGE)})", unit="percentunit", min=0, max=1,
                         decimals=1, color={"mode": "fixed", "fixedColor": g.OK}, custom__cellOptions=g.GAUGE),
                g.column("Newest closed month", of(newest), unit="decbytes"),
                g.column("Growth", of(f"{newest} - {before}"), unit="decbytes"),
                g.column("Month on month", of(f"{newest} / {before} - 1"), unit="percentunit", decimals=1),
            ],
            24, sort="-Stored", noValue="No bucket is known",
        ),
    )


def more_about_buckets():
    newest, before = ONE.closed_month("bucket", BUCKET_AVERAGE), ONE.closed_month("bucket", BUCKET_AVERAGE, 2)
    month, ranked = ONE.by("bucket, month", BUCKET_AVERAGE), largest("bucket", BUCKET, 10, ONE)
    chosen = ONE.of(BUCKET, 'bucket=~"$bucket"')
    return [
        g.line(
            9,
            g.bars("Closed months, by bucket", "Average usage over each closed month: the ten buckets that are the largest "
                   "now, and all others together.",
                   with_exporter(f"({month} and {on('bucket')} {ranked})", "bucket")
                   + f" or label_replace(sum by (month) ({month} unless {on('bucket')} "
                   f'{ranked}), "bucket", "all others", "", "")', 12, row="month", column="bucket", unit="decbytes"),
            g.ranking("Buckets growing most, closed months", "Buckets whose average grew most from one closed month to "
                      "the next, in bytes.", f"topk(10, {newest} - {before})", "{{bucket}}", 12, unit="decbytes"),
        ),
        g.line(
            9,
            g.timeseries("Chosen buckets", "Usage to date of the buckets that are chosen above, of more than 20 the largest. "
                         "It falls when a month begins.",
                         [g.over_time(f"max {by('bucket')} ({chosen}) and {on('bucket')} topk(20, max {by('bucket')} "
                                      f"(last_over_time({chosen}[1h] @ end())))", "{{bucket}}")], 24, unit="decbytes"),
        ),
    ]


def sub_accounts():
    labels = "sub_account_id, sub_account"
    top = f"topk($top, {ONE.by(labels, SUB_ACCOUNT)})"
    ranked = largest(labels, SUB_ACCOUNT, 10, ONE)
    month = ONE.by(f"{labels}, month", "lyvecloud_sub_account_monthly_average_usage_bytes")

    def of(name):
        return f"{ONE.by(labels, f'lyvecloud_sub_account_{name}')} and {on('sub_account_id')} {top}"

    return g.line(
        9,
        c.table(
            "Sub-accounts", "The largest sub-accounts. Trial: how long it still lasts; empty where there is none.",
            [
                g.column("Sub-account", label="sub_account"),
                g.column("Stored", top, unit="decbytes"),
                g.column("Buckets", of("buckets"), unit="short"),
                g.column("Users", of("users"), unit="short"),
                g.column("Service accounts", of("service_accounts"), unit="short"),
                g.column("Trial", in_days(of("trial_remaining_seconds")), unit=c.DAYS, decimals=0,
                         custom__cellOptions=g.CELL_COLOR, thresholds=c.TIME_LEFT),
                g.column("Created", at_time(of("created_timestamp_seconds")), unit="dateTimeAsIso"),
                g.column("Id", label="sub_account_id"),
            ],
            14, sort="-Stored", noValue="No sub-accounts",
        ),
        g.bars("Closed months, by sub-account", "Average usage over each closed month: the ten sub-accounts that are the "
               "largest now, and all others together.",
               f"({with_exporter(month, 'sub_account')} and {on('sub_account_id')} {ranked}) or label_replace(sum by (month) ({month} unless "
               f'{on("sub_account_id")} {ranked}), "sub_account", "all others", "", "")', 10, row="month", column="sub_account",
               unit="decbytes"),
    )


def access():
    labels = "service_account_id, service_account"
    enabled = ONE.by(labels, "lyvecloud_service_account_enabled")
    top = f"topk($top, {enabled})"

    def credential(name, *matchers):
        series = ONE.of(name, 'kind="service_account"', *matchers)
        return (f'label_replace(label_replace({series}, "service_account_id", "$1", "credential_id", "(.*)"), '
                f'"service_account", "$1", "credential", "(.*)")')

    ends = credential("lyvecloud_credential_expiry_timestamp_seconds")
    status = credential("lyvecloud_credential_status")
    not_ready = f"{ONE.by('permission_id, permission', 'lyvecloud_permission_ready')} == 0"
    count = f"count({not_ready}) or 0 * count({ONE.of('lyvecloud_permission_ready')})"
    return [
        g.line(
            9,
            c.table(
                "Service accounts", "Whether they are enabled and ready in all regions, and when their credentials end.",
                [
                    g.column("Service account", label="service_account"),
                    g.column("Enabled", top, mappings=g.quiet(c.YES_NO), custom__cellOptions=g.TEXT_COLOR),
                    g.column("Ready", f"{ONE.by(labels, 'lyvecloud_service_account_ready')} and {on('service_account_id')} {top}",
                             mappings=g.quiet(c.YES_NO), custom__cellOptions=g.TEXT_COLOR),
                    g.column("Status", label="status", mappings=g.quiet(c.STATUS), custom__cellOptions=g.TEXT_COLOR),
                    g.column(None, f"(max {by(f'{labels}, status')} ({status}) == 1) and {on('service_account_id')} {top}"),
                    g.column("Left", f"{in_days(f'max {by(labels)} ({ends}) - time()')} and {on('service_account_id')} {top}",
                             unit=c.DAYS, decimals=0, custom__cellOptions=g.CELL_COLOR, thresholds=c.TIME_LEFT),
                    g.column("Id", label="service_account_id"),
                ],
                24, sort="Left", noValue="None, or not known: see the collectors",
            ),
        ),
        g.line(
            9,
            g.stat("Permissions not ready", "Permissions that have not reached all regions yet. Not known while the "
                   "collector `permissions` fails and has no figures.",
                   [g.target(ONE.unless_unread(count, "permissions"))], 4, thresholds=c.alarm(color=g.WARN),
                   mappings=g.words({0: ("✔ All ready", g.OK)}), noValue="? Not known"),
            c.table("Which are not ready", "Permissions that have not reached all regions yet.",
                    [g.column("Permission", label="permission"), g.column(None, f"bottomk($top, {not_ready})"),
                     g.column("Id", label="permission_id")],
                    6, sort="Permission", noValue="None, or not known"),
            c.table("Permissions", "How many there are of each type and with which actions.",
                    [g.column("Type", label="permission_type"), g.column("Actions", label="actions"),
                     g.column("Permissions", ONE.by("permission_type, actions", "lyvecloud_permissions"), unit="short")],
                    6, sort="-Permissions", noValue="None, or not known"),
            c.collectors(ONE, 8),
        ),
    ]


def build():
    bucket = g.variable("bucket", "Bucket", f"label_values({ONE.of(BUCKET)}, bucket)")
    return c.dashboard(
        c.ACCOUNT,
        "One account of Seagate Lyve Cloud: what is wrong, how much it stores and how it grows, what it costs, its largest "
        "buckets, its sub-accounts, and who has access.",
        ONE,
        c.variables(c.accounts(multi=False), bucket, c.rows_shown()),
        [
            g.row(None, alarms(), totals(), usage()),
            g.row("What ends next, and what fires", g.line(8, c.firing(ONE, 12), c.ends_next(ONE, 12))),
            g.row("Buckets", buckets()),
            g.row("More about buckets", *more_about_buckets(), collapsed=True),
            g.row("Sub-accounts", sub_accounts(), collapsed=True),
            g.row("Access", *access(), collapsed=True),
            g.row("The past", g.line(10, c.past(ONE, "account", 24, "account", limit=False)), collapsed=True),
        ],
    )
