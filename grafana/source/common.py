"""What the dashboards have in common: names, states, variables, links, and tables that stand on several of them."""

import grafana as g
from promql import IDENTITY, TARGET, at_time, by, in_days, on

OVERVIEW, ACCOUNT, OBJECT_STORAGE = "lyvecloud-overview", "lyvecloud-account", "lyvecloud-object-storage"
CREDENTIALS, EXPORTER = "lyvecloud-credentials", "lyvecloud-exporter"
TITLES = {
    OVERVIEW: "Overview",
    ACCOUNT: "Account",
    OBJECT_STORAGE: "Object storage",
    CREDENTIALS: "Credentials",
    EXPORTER: "Exporter",
}

HOUR, DAY = 3600, 86400

ACCOUNT_LEGEND = " ".join(f"{{{{{label}}}}}" for label in ["account", *IDENTITY])

ACCOUNT_STATE = {
    2: ("✔ All read", g.OK),
    1: ("▲ Partly read", g.WARN),
    0: ("✖ Not read", g.BAD),
}
WORKS = {1: ("✔ Works", g.OK), 0: ("✖ Fails", g.BAD)}
YES_NO = {1: ("✔ Yes", g.OK), 0: ("▲ No", g.WARN)}
SEVERITY = {3: ("✖ Critical", g.BAD), 2: ("▲ Warning", g.WARN), 1: ("● Info", g.OFF)}
STATUS = {
    "expired": ("✖ Expired", g.BAD),
    "rejected": ("✖ Rejected", g.BAD),
    "unknown": ("? Unknown", g.OFF),
    "expires": ("✔ Expires", g.OK),
    "never_expires": ("∞ Never expires", g.OK),
}
NONE = {0: ("✔ None", g.OK)}

# In days, by the exporter's default steps; each account may have others, by which its alerts go.
TIME_LEFT = g.steps((7, g.WARN), (30, "text"), base=g.BAD)
DAYS = "suffix: days"
AGE = g.steps((3 * HOUR, g.WARN), (DAY, g.BAD))
USED_OF_BUDGET = g.steps((0.8, g.WARN), (1, g.BAD))


def alarm(at=1, color=g.BAD):
    """Thresholds of a count of what should not be there."""
    return g.steps((at, color), base=g.OK)


def variables(account, *more):
    """The variables of every dashboard, with the one that chooses accounts."""
    job = g.variable("job", "Job", "label_values(lyvecloud_exporter_build_info, job)")
    instance = g.variable("instance", "Instance", 'label_values(lyvecloud_exporter_build_info{job=~"$job"}, instance)')
    return [job, instance, account, *more]


def accounts(name="lyvecloud_up", matchers="", *, multi=True):
    """The variable that chooses accounts: by default of all that are configured, read or not."""
    selector = f"{name}{{{TARGET}{matchers}}}"
    return g.variable("account", "Account", f"label_values({selector}, account)", multi=multi)


def rows_shown():
    return g.choice("top", "Rows", "How many rows the rankings show.", ["10", "20", "50", "100"], "20")


def currency(query):
    """Amounts in different currencies are never added up, and never drawn on one axis."""
    series = query.of("lyvecloud_account_estimated_cost")
    return g.variable("currency", "Currency", f"label_values({series}, currency)", multi=False)


def links(uid):
    """Links to the other dashboards, which keep what is chosen here."""
    found = []
    for other, title in TITLES.items():
        if other == uid:
            continue
        kept = ["datasource", "job", "instance"]
        # One account chosen here is one there; many are none for a dashboard of one.
        one = (ACCOUNT, OBJECT_STORAGE)
        if other not in one or uid in one:
            kept.append("account")
        query = "&".join(f"${{{name}:queryparam}}" for name in kept)
        found.append({
            "type": "link",
            "title": title,
            "url": f"/d/{other}?{query}",
            "icon": "dashboard",
            "tooltip": f"Open Lyve Cloud / {title}",
            "keepTime": True,
            "includeVars": False,
            "targetBlank": False,
            "asDropdown": False,
            "tags": [],
        })
    return found


def annotations(query):
    """Marks on every graph: when a configuration was read, and when a credential ends."""
    reloaded = f"lyvecloud_exporter_config_last_reload_success_timestamp_seconds{{{TARGET}}}"
    ends = query.by("account, credential", "lyvecloud_credential_expiry_timestamp_seconds")
    return [
        g.annotation("Configuration read", at_time(reloaded), g.OFF, "Configuration read", "{{instance}}"),
        g.annotation("Credential ends", at_time(ends), g.BAD, "Credential ends", "{{account}}: {{credential}}"),
    ]


def dashboard(uid, description, query, variables, rows, **more):
    return g.dashboard(
        uid, f"Lyve Cloud / {TITLES[uid]}", description, ["lyve-cloud", "prometheus", "storage"], variables, rows,
        links=links(uid), annotations=annotations(query), **more,
    )


def table(title, description, columns, width, *, without=(), **more):
    """A table of accounts. The labels of an account's exporter are its last columns, and hidden in a table of one account."""
    if any(entry["label"] == "account" for entry in columns):
        # A label that no series has makes no column.
        columns = [*columns, *(g.column(label.capitalize(), label=label) for label in reversed(IDENTITY))]
    else:
        without = [*without, *IDENTITY]
    return g.table(title, description, columns, width, without=without, **more)


def open_account(label="Account"):
    """The column with the account's name, which leads to its dashboard."""
    target = g.link(ACCOUNT, "Open this account", "var-job=${__data.fields.Job:percentencode}&var-account=${__value.raw:percentencode}")
    return g.column(label, label="account", links=target)


def firing(query, width):
    """The shipped rules' alerts that fire."""
    labels = "alert, severity, account, about"

    def alerts(series):
        """One series an alert, with the label `about`: the credential, bucket or collector that it names."""
        named = f'label_replace({series}, "alert", "$1", "alertname", "LyveCloud(.+)")'
        for label in ("instance", "collector", "bucket", "sub_account", "user", "service_account", "credential"):
            named = f'label_replace({named}, "about", "$1", "{label}", "(.+)")'
        return f"max {by(labels)} ({named})"

    ranks = " or ".join(
        f"{rank} * {alerts(query.firing(f_severity(name)))}"
        for rank, name in ((3, "critical"), (2, "warning"), (1, "info"))
    )
    since = query.firing().replace("ALERTS{", "ALERTS_FOR_STATE{").replace(', alertstate="firing"', "")
    return table(
        "Which alerts fire",
        "What the shipped alert rules report, the most severe first. About: the credential, bucket, collector or exporter. "
        "Its text and what to do come with its notification, and stand in the runbook under LyveCloud and this name.",
        [
            g.column("Severity", f"topk($top, {ranks})", unit="none", mappings=g.quiet(SEVERITY),
                     custom__cellOptions=g.TEXT_COLOR, custom__width=100),
            g.column("Alert", label="alert"),
            g.column("Account", label="account"),
            g.column("About", label="about"),
            g.column("For", f"time() - {alerts(since)} and {on(labels)} topk($top, {ranks})",
                     unit="dtdurations", decimals=0, custom__width=110),
        ],
        width, sort="-Severity", without=["severity"], noValue="No alert fires, or the shipped rules are not loaded",
    )


def f_severity(name):
    return f'severity="{name}"'


def ends_next(query, width, title="What ends next"):
    """Credentials by the time that is left, what has ended among them."""
    left = query.left()
    soon = f"(bottomk($top, ({left}) > 0) or topk($top, ({left}) <= 0))"
    rows = f"and {on('account, kind, credential_id')} {soon}"
    labels = "account, kind, credential_id, credential"
    status = query.by(f"{labels}, status", "lyvecloud_credential_status")
    return table(
        title,
        "Credentials with an end date, the earliest end first; what has ended stays until it is replaced or deleted. "
        "Step: the configured `credential_warning` of the account, at which its alerts fire.",
        [
            g.column("Left", in_days(soon), unit=DAYS, decimals=0, custom__width=90),
            g.column("Step", f"{query.step()} {rows}", custom__cellOptions=g.CELL_COLOR, mappings=STEP,
                     custom__width=100),
            g.column("Ends", f"{at_time(query.by(labels, 'lyvecloud_credential_expiry_timestamp_seconds'))} {rows}",
                     unit="dateTimeAsIso", custom__width=170, custom__align="left"),
            open_account(),
            g.column("Credential", label="credential"),
            *([g.column("Kind", label="kind", mappings=KINDS)] if width == 24 else []),
            g.column("Status", label="status", custom__cellOptions=g.TEXT_COLOR, mappings=g.quiet(STATUS)),
            g.column(None, f"({status} == 1) {rows}"),
        ],
        width, sort="Left", without=["credential_id"] if width == 24 else ["credential_id", "kind"],
        noValue="No credential has an end date",
    )


STEP = g.quiet({3: ("✖ Over", g.BAD), 2: ("✖ Critical", g.BAD), 1: ("▲ Warning", g.WARN), 0: ("✔ Later", g.OK)})
KINDS = g.words({"account_api": ("Account API", "text"), "service_account": ("Service account", "text")})


def failing_collectors(query, width):
    labels = "account, collector"
    failing = f"{query.by(labels, 'lyvecloud_collector_up')} == 0"
    age = f"time() - {query.by(labels, 'lyvecloud_collector_last_success_timestamp_seconds')}"
    reasons = f"sum {by('account, collector, reason')} ({query_increase(query)}) > 0"
    return table(
        "Collectors that fail",
        "What cannot be read, and since when: the age of the figures that are still shown. Empty: no read has "
        "succeeded. The reasons are those of the last six hours; the exporter's status page has the last error.",
        [
            open_account(),
            g.column("Collector", label="collector"),
            g.column(None, f"bottomk($top, {failing})"),
            g.column("Last success", f"({age}) and {on(labels)} bottomk($top, {failing})", unit="dtdurations",
                     decimals=0, custom__cellOptions=g.TEXT_COLOR, thresholds=AGE),
            g.column("Reason", label="reason"),
            g.column("Failed polls", f"({reasons}) and {on(labels)} bottomk($top, {failing})", unit="none", decimals=0),
        ],
        width, sort="-Last success", noValue="✔ Every collector works",
    )


def query_increase(query):
    return f"increase({query.of('lyvecloud_collector_failures_total')}[6h])"


def budget(query):
    return query.by("account, currency", "lyvecloud_account_budget")


def budget_used(query):
    return f"{query.cost()} / {on('account, currency')} {budget(query)}"


def past(query, labels, width, whose, *, limit):
    """What a backfill wrote, a month a step, and from the first scrape on the usage to date."""
    name = (
        'label_replace(count_values("month", 100 * year(vector(time() - 1)) + month(vector(time() - 1))), '
        '"month", "$1-$2", "month", "(....)(..)")'
    )
    average = query.of("lyvecloud_account_monthly_average_usage_bytes")
    written = f"max {by(labels)} (last_over_time({average}[1d1s]) and on (month) {name})"
    usage = query.by(labels, "lyvecloud_account_usage_bytes")
    top = f" and {on(labels)} topk(10, max {by(labels)} (last_over_time({query.of('lyvecloud_account_usage_bytes')}[1d] @ end())))"
    return g.timeseries(
        "Usage over two years",
        f"Of the {whose}. What `lyve-cloud-exporter backfill` wrote: the average of each month, or true daily figures with "
        "object storage; from the first scrape on the usage to date. Without a backfill it begins with the first scrape.",
        [g.over_time(f"({written} or {usage}){top if limit else ''}", ACCOUNT_LEGEND)],
        width, unit="decbytes", panel_timeFrom="2y", panel_interval="6h",
    )


ROTATION = "lyvecloud_access_key_rotation_due_timestamp_seconds"


def collectors(query, width):
    """How each collector of one account goes."""
    age = f"time() - {query.by('collector', 'lyvecloud_collector_last_success_timestamp_seconds')}"
    return table(
        "Collectors", "What is read of this account, how old it is, and how long the last read took.",
        [
            g.column("Collector", label="collector"),
            g.column("State", query.by("collector", "lyvecloud_collector_up"), mappings=g.quiet(WORKS),
                     custom__cellOptions=g.TEXT_COLOR),
            g.column("Age", age, unit="dtdurations", decimals=0),
            g.column("Took", query.by("collector", "lyvecloud_collector_last_duration_seconds"), unit="s"),
        ],
        width, sort="State",
    )


def access_keys(query, width):
    """Access keys, the one that is due for rotation first on top."""
    labels = "account, user, access_key_id"
    due, created = query.by(labels, ROTATION), query.by(labels, "lyvecloud_access_key_created_timestamp_seconds")
    # Keys without a date of rotation follow, the oldest first.
    rows = f"(bottomk($top, {due}) or bottomk($top, {created} unless {on(labels)} {due}))"

    def of(expr):
        return f"{expr} and {on(labels)} {rows}"

    return table(
        "Access keys",
        "By the date on which they reach the configured age. A key that is past it goes on working. Left is empty for a key "
        "that is switched off, and where no age is configured.",
        [
            g.column("Left", of(in_days(f"{due} - time()")), unit=DAYS, decimals=0, custom__cellOptions=g.CELL_COLOR,
                     thresholds=g.steps((0, g.WARN), (14, "text"), base=g.BAD), custom__width=90),
            g.column("Due", of(at_time(due)), unit="dateTimeAsIso", custom__width=170, custom__align="left"),
            g.column("Account", label="account"),
            g.column("User", label="user"),
            g.column("Access key", label="access_key_id"),
            g.column("Active", of(query.by(labels, "lyvecloud_access_key_active")),
                     mappings=g.quiet({1: ("✔ Yes", g.OK), 0: ("● Off", g.OFF)}), custom__cellOptions=g.TEXT_COLOR),
            g.column("Created", of(at_time(created)), unit="dateTimeAsIso", custom__width=170, custom__align="left"),
        ],
        width, sort="Left", noValue="No access key is known",
    )


def next_end(query, width, legend):
    """The credential that ends next. The number has the unit of days by an override, as the linter knows no other."""
    return g.stat(
        "Next end of a credential",
        "The credential that ends next, of all that have not ended yet; what has ended is counted beside it.",
        [g.target(in_days(f"bottomk(1, ({query.left()}) > 0)"), legend)],
        width, unit="none", decimals=0, name=True, thresholds=TIME_LEFT, filled=False, noValue="No end is known",
        overrides=[g.override_matching("/.*/", unit=DAYS)],
    )
