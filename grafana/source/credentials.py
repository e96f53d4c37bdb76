"""Credentials of all accounts, by the time that is left; access keys by their age."""

import common as c
import grafana as g
from promql import ALL, at_time, by, on


def alarms():
    known = f"0 * count({ALL.of('lyvecloud_credential_status')})"
    return g.line(
        4,
        g.stat("Expired", "The end has passed.", [g.target(ALL.count_with_status("expired"))], 4, thresholds=c.alarm(),
               mappings=g.words(c.NONE), noValue="Not known"),
        g.stat("Rejected", "The vendor rejects them, whatever the date says.",
               [g.target(ALL.count_with_status("rejected"))], 4, thresholds=c.alarm(), mappings=g.words(c.NONE),
               noValue="Not known"),
        g.stat("End soon: critical", "They still work, and end within the critical step of their account's `credential_warning`.",
               [g.target(f"count({ALL.step()} == 2) or {known}")], 4, thresholds=c.alarm(), mappings=g.words(c.NONE),
               noValue="Not known"),
        g.stat("End soon: warning", "They still work, and end within a longer step of their account's `credential_warning`.",
               [g.target(f"count({ALL.step()} == 1) or {known}")], 4, thresholds=c.alarm(color=g.WARN),
               mappings=g.words(c.NONE), noValue="Not known"),
        c.next_end(ALL, 4, "{{account}}: {{credential}}"),
        g.stat("No end is known of", "Unknown: no date is configured, or it cannot be read. The others never expire.",
               [g.target(ALL.count_with_status("unknown"), "unknown"),
                g.target(ALL.count_with_status("never_expires"), "never expire")],
               4, name=True, noValue="Not known"),
    )


def endless():
    labels = "account, kind, credential_id, credential, status"
    rank = " or ".join(
        f'{rank} * ({ALL.by(labels, "lyvecloud_credential_status", f_status(name))} == 1)'
        for rank, name in ((3, "rejected"), (2, "unknown"), (1, "never_expires"))
    )
    dated = ALL.by("account, kind, credential_id", "lyvecloud_credential_expiry_timestamp_seconds")
    rows = f"topk($top, ({rank}) unless {on('account, kind, credential_id')} {dated})"
    accepted = ALL.by("account, kind, credential_id, credential", "lyvecloud_credential_last_accepted_timestamp_seconds")
    return c.table(
        "Credentials without an end date", "Rejected ones first, then those of which no end is known.",
        [
            c.open_account(),
            g.column("Credential", label="credential"),
            g.column("Kind", label="kind", mappings=c.KINDS),
            g.column("Status", label="status", custom__cellOptions=g.TEXT_COLOR, mappings=g.quiet(c.STATUS)),
            g.column(None, rows),
            g.column("Last accepted", f"{at_time(accepted)} and {on('account, kind, credential_id')} {rows}",
                     unit="dateTimeFromNow"),
        ],
        12, sort="-rank", without=["credential_id"], noValue="Every credential has an end date",
    )


def f_status(name):
    return f'status="{name}"'


def logins():
    up = ALL.by("account", "lyvecloud_up")

    def count(result):
        logins = ALL.of("lyvecloud_logins_total", f'result="{result}"')
        return f"sum {by()} (increase({logins}[$__range]))"

    rejected, failed = count("rejected"), count("failed")
    accepted = f"max {by()} ({ALL.of('lyvecloud_credential_last_accepted_timestamp_seconds')})"
    session = f"{ALL.by('account', 'lyvecloud_session_expiry_timestamp_seconds')} - time()"
    # Every account has a row, those with rejected logins first.
    rank = f"topk($top, 1e6 * (1 - {up}) + {on()} ({rejected} or 0 * {up}))"

    def of(expr):
        return f"({expr}) and {on()} {rank}"

    return c.table(
        "Logins and sessions",
        "Of every account, those with errors first: logins that the vendor rejected, and that failed for another reason, "
        "in the time range; when it last accepted one; and how long the session lasts, which the exporter renews by itself.",
        [
            c.open_account(),
            g.column(None, rank),
            g.column("Rejected", of(rejected), unit="short", decimals=0, custom__cellOptions=g.TEXT_COLOR,
                     thresholds=g.steps((1, g.BAD))),
            g.column("Failed", of(failed), unit="short", decimals=0, custom__cellOptions=g.TEXT_COLOR,
                     thresholds=g.steps((1, g.WARN))),
            g.column("Last accepted", of(at_time(accepted)), unit="dateTimeFromNow"),
            g.column("Session left", of(session), unit="dtdurations", decimals=0),
        ],
        12, sort="-rank",
    )


def timeline():
    mapping = {rank: c.STATUS[name] for rank, name in enumerate(c.STATUS)}
    series = " or ".join(
        f'{rank} * ({ALL.by("account, credential_id, credential", "lyvecloud_credential_status", f_own(name))} == 1)'
        for rank, name in enumerate(c.STATUS)
    )
    chosen = ALL.of("lyvecloud_credential_status", 'kind="account_api"', 'status=~"expired|rejected"')
    return g.timeline(
        "Status of the accounts' own credentials",
        "The pairs with which the exporter logs in. Of more than 20, those that are expired or rejected at the end of the "
        "time range. A gap: the exporter was not scraped.",
        [g.over_time(f"({series}) and {on('account, credential_id')} topk(20, max {by('account, credential_id')} "
                     f"({chosen} @ end()))", c.ACCOUNT_LEGEND)],
        24, mapping,
    )


def f_own(name):
    return f'kind="account_api", status="{name}"'


def key_counts():
    due = f"{ALL.by('account, user, access_key_id', c.ROTATION)} - time()"
    known = f"0 * count({ALL.of('lyvecloud_access_key_active')})"
    active = ALL.by("account, user, access_key_id", "lyvecloud_access_key_active")
    password = ALL.by("account, user", "lyvecloud_user_password_change_required")
    none = "No account of object storage"
    return g.line(
        4,
        g.stat("Due for rotation", "Active access keys that are older than the configured age. They go on working.",
               [g.target(f"sum(({due}) <= bool 0) or {known}")], 6, thresholds=c.alarm(color=g.WARN),
               mappings=g.words(c.NONE), noValue=none),
        g.stat("Due within 14 days", "Active access keys that reach the configured age soon.",
               [g.target(f"sum((({due}) > bool 0) * (({due}) < bool {14 * c.DAY})) or {known}")], 6,
               thresholds=c.alarm(color=g.WARN), mappings=g.words(c.NONE), noValue=none),
        g.stat("Active keys", "Access keys that are switched on.", [g.target(f"sum({active})")], 6, noValue=none),
        g.stat("Passwords to change", "Users who have to choose a new password.", [g.target(f"sum({password})")], 6,
               thresholds=c.alarm(color=g.WARN), mappings=g.words(c.NONE), noValue=none),
    )


def build():
    return c.dashboard(
        c.CREDENTIALS,
        "Credentials of Seagate Lyve Cloud: what has ended, what ends next, what the vendor rejects, and access keys by age.",
        ALL,
        c.variables(c.accounts(), c.rows_shown()),
        [
            g.row(None, alarms(), g.line(12, c.ends_next(ALL, 24, "Credentials with an end date"))),
            g.row("Without an end date, and logins", g.line(9, endless(), logins())),
            g.row("Over time", g.line(9, timeline())),
            g.row("Access keys of object storage", key_counts(), g.line(10, c.access_keys(ALL, 24)), collapsed=True),
        ],
        since="now-30d",
    )
