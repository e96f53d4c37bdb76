"""One account of Lyve Cloud Object Storage: figures by day, deleted data that is billed, transfer, access keys."""

import common as c
import grafana as g
from promql import ONE, at_time, on

USAGE, GHOST = "lyvecloud_account_usage_bytes", "lyvecloud_account_ghost_bytes"
DAY_OF_DATA = "lyvecloud_usage_data_timestamp_seconds"


def alarms():
    due = f"{ONE.by('user, access_key_id', c.ROTATION)} - time()"
    keys = f"sum(({due}) <= bool 0) or 0 * count({ONE.of('lyvecloud_access_key_active')})"
    password = ONE.by("user", "lyvecloud_user_password_change_required")
    return g.line(
        4,
        g.stat("Reads", "Whether the collectors of this account work.", [g.target(ONE.state())], 4, unit="none",
               mappings=g.words(c.ACCOUNT_STATE), noValue="Not known"),
        g.stat("Keys due for rotation", "Active keys that are older than the configured age. They go on working.",
               [g.target(ONE.unless_unread(keys, "keys"))], 5, thresholds=c.alarm(color=g.WARN),
               mappings=g.words(c.NONE), noValue="Not known"),
        g.stat("Passwords to change", "Users who have to choose a new password.",
               [g.target(ONE.unless_unread(f"sum({password})", "keys"))], 5, thresholds=c.alarm(color=g.WARN),
               mappings=g.words(c.NONE), noValue="Not known"),
        g.stat("Newest day with figures", "How long ago the day began that usage, objects and transfer are of. The vendor "
               "has figures of days that are over.", [g.target(f"time() - {ONE.by('account', DAY_OF_DATA)}")], 5,
               unit="dtdurations", decimals=0, thresholds=g.steps((3 * c.DAY, g.WARN)), filled=False, noValue="Not known"),
        g.stat("Age of the usage", "How long ago the billing figures were last read from the vendor.",
               [g.target(ONE.usage_age())], 5, unit="dtdurations", decimals=0, thresholds=c.AGE, filled=False,
               noValue="Not read yet"),
    )


def totals():
    ghost, used = ONE.by("account", GHOST), ONE.by("account", USAGE)
    return g.line(
        4,
        g.stat("Stored", "What is billed for the newest day with figures.", [g.over_time(ONE.still_known(USAGE), "stored")], 6,
               unit="decbytes", sparkline=True, noValue="Not known"),
        g.stat("Deleted and still billed", "Ghost space: what was deleted and is billed until its minimum time is over.",
               [g.over_time(ONE.still_known(GHOST), "deleted, still billed")], 6, unit="decbytes", sparkline=True, noValue="Not known"),
        g.stat("Share of deleted data", "Ghost space as a share of what is stored and of it.",
               [g.target(f"{ghost} / ({ghost} + {used})")], 4, unit="percentunit", decimals=1, noValue="Not known"),
        g.stat("Objects", "How many objects it stores.", [g.target(ONE.by("account", "lyvecloud_account_objects"))], 4,
               noValue="Not known"),
        g.stat("Buckets", "How many buckets it has.", [g.target(ONE.by("account", "lyvecloud_account_buckets"))], 4,
               noValue="Not known"),
    )


def figures():
    def region(name):
        return ONE.by("region", f"lyvecloud_region_day_{name}_bytes")

    return [
        g.line(
            9,
            g.timeseries("Stored, and deleted but billed", "Figures of the newest day that is over.",
                         [g.over_time(ONE.by("account", USAGE), "stored"),
                          g.over_time(ONE.by("account", GHOST), "deleted, still billed")],
                         12, unit="decbytes", stacked=True),
            g.timeseries("Transfer by day", "Of the newest day with figures, all regions together: each step is a day.",
                         [g.over_time(f"sum({region(name)})", name) for name in ("upload", "download", "delete")], 12,
                         unit="decbytes"),
        ),
        g.line(
            9,
            c.table("Buckets with most objects", "Sizes of the buckets do not add up to what is billed.",
                    [g.column("Bucket", label="bucket"),
                     g.column("Objects", f"topk($top, {ONE.by('bucket', 'lyvecloud_bucket_objects')})", unit="short"),
                     g.column("Stored", f"{ONE.by('bucket', 'lyvecloud_bucket_usage_bytes')} and {on('bucket')} "
                              f"topk($top, {ONE.by('bucket', 'lyvecloud_bucket_objects')})", unit="decbytes")],
                    12, sort="-Objects", noValue="No bucket is known"),
            c.table("Transfer of the newest day, by region", "What was uploaded, downloaded and deleted.",
                    [g.column("Region", label="region")]
                    + [g.column(name.capitalize(), region(name), unit="decbytes") for name in
                       ("upload", "download", "delete")],
                    12, sort="-Upload", noValue="Not known"),
        ),
    ]


def build():
    accounts = c.accounts("lyvecloud_collector_up", ', collector="billing"', multi=False)
    return c.dashboard(
        c.OBJECT_STORAGE,
        "One account of Lyve Cloud Object Storage: what is stored by day, what is deleted and still billed, transfer "
        "by region, and access keys by age.",
        ONE,
        c.variables(accounts, c.rows_shown()),
        [
            g.row(None, alarms(), totals()),
            g.row("Figures by day", *figures()),
            g.row("Access keys", g.line(10, c.access_keys(ONE, 16), c.collectors(ONE, 8))),
        ],
        since="now-30d",
    )
