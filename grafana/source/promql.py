"""The queries that several dashboards share."""

JOB = 'job=~"$job"'
TARGET = f'{JOB}, instance=~"$instance"'

# The vendor's reads of usage, of either platform.
USAGE_COLLECTORS = 'collector=~"current_usage|billing"'

# Two exporters may have accounts of the same name: these labels of their targets distinguish them, where they are set.
IDENTITY = ["cluster", "namespace", "job"]

# What the shipped rules record. It has the labels of the exporter's target, but no `instance`.
GROWTH = "account:lyvecloud_account_usage_bytes:growth_per_day"
MONTH_END = "account:lyvecloud_account_usage_bytes:month_end"
COST_MONTH_END = "account:lyvecloud_account_estimated_cost:month_end"
RULES_LOADED = "account:lyvecloud_account_usage_bytes:max"


class Queries:
    """Queries about some accounts: of those that `account` selects."""

    def __init__(self, account):
        self.account = account

    def of(self, name, *matchers):
        """The series of a metric about accounts."""
        return f"{name}{{{', '.join([TARGET, self.account, *matchers])}}}"

    def recorded(self, name, *matchers):
        """A series that a rule records."""
        matchers = ", ".join([JOB, self.account, *matchers])
        return f"{name}{{{matchers}}}"

    def by(self, labels, name, *matchers, op="max"):
        """The series of a metric, one for each combination of labels: two replicas of one exporter count once."""
        return f"{op} {by(labels)} ({self.of(name, *matchers)})"

    def still_known(self, name):
        """A metric over time, of the accounts of which it is known at the end: a graph's last value is no old one."""
        return f"{self.by('account', name)} and {on()} max {by()} ({self.of(name)} @ end())"

    # How the reading goes.

    def state(self):
        """2: every collector of the account works; 1: some do; 0: none does."""
        return (
            f"{self.by('account', 'lyvecloud_up')}"
            f" + {on()} max {by()} ({self.of('lyvecloud_collector_up')})"
        )

    def usage_age(self):
        return f"time() - {self.by('account', 'lyvecloud_collector_last_success_timestamp_seconds', USAGE_COLLECTORS)}"

    def unless_unread(self, count, collector):
        """A count that is 0 where there is nothing to count, and absent where the collector does not work."""
        up = self.of("lyvecloud_collector_up", f'collector="{collector}"')
        return f"{count} or 0 * max({up} == 1)"

    # How long credentials last.

    def left(self):
        """Seconds until each credential ends; negative once it has."""
        labels = "account, kind, credential_id, credential"
        return f"{self.by(labels, 'lyvecloud_credential_expiry_timestamp_seconds')} - time()"

    def step(self):
        """How near each credential's end is, by the steps that its account is configured with: 3 over, 2 critical,
        1 warning, 0 later."""
        left = self.left()

        def below(severity):
            limit = self.by("account", "lyvecloud_credential_warning_seconds", f'severity="{severity}"')
            return f"(({left}) < {on()} group_left () {limit}) ^ 0"

        return f"(3 * (({left}) <= 0) ^ 0 or 2 * {below('critical')} or {below('warning')} or 0 * ({left}))"

    def count_with_status(self, statuses):
        """How many credentials have one of these states; absent where no state of any is known."""
        status = self.by("account, kind, credential_id", "lyvecloud_credential_status", f'status=~"{statuses}"')
        return f"sum({status})"

    # Months, UTC. The label `month` is a name, so the name of a month is made of the time.

    def closed_month(self, labels, name, back=1):
        """The figures of a closed month: 1 is the newest, 2 the one before."""
        return f"max {by(labels)} ({self.of(name)} and on (month) {month_name(back)})"

    def cost(self):
        """The estimate of the open month."""
        series = self.of("lyvecloud_account_estimated_cost")
        return f"max {by('account, currency')} ({series} and on (month) {month_name(0)})"

    # The rules' alerts.

    def firing(self, *matchers):
        """The alerts that fire: of these accounts, and those without an account or a job, which are about an exporter or several."""
        account = self.account.replace('"$account"', '"|$account"').replace("account=\"", "account=~\"")
        labels = ", ".join(['alertname=~"LyveCloud.+"', 'alertstate="firing"', 'job=~"|$job"', account, *matchers])
        return f"ALERTS{{{labels}}}"

    def count_firing(self, severity):
        """How many alerts fire; absent where the rules are not loaded."""
        alerts = self.firing(f'severity="{severity}"')
        return f"count({alerts}) or {rules_loaded()}"


ALL = Queries('account=~"$account"')
ONE = Queries('account="$account"')


def by(labels="account"):
    """A grouping that keeps apart the accounts of several exporters."""
    return f"by ({', '.join(IDENTITY)}, {labels})"


def on(labels="account"):
    """A matching that keeps apart the accounts of several exporters."""
    return f"on ({', '.join(IDENTITY)}, {labels})"


def with_exporter(expr, label="account"):
    """The series with their exporter in a label, for panels that show this label alone."""
    source = ", ".join(f'"{name}"' for name in [label, *IDENTITY])
    return f'label_join({expr}, "{label}", " ", {source})'


def month_name(back):
    """One series whose label `month` names the month that was so many months ago."""
    if back == 0:
        return 'label_replace(count_values("month", 100 * year() + month()), "month", "$1-$2", "month", "(....)(..)")'
    months = f"(year() * 12 + month() - {back + 1})"
    name = f"floor({months} / 12) * 100 + {months} % 12 + 1"
    return f'label_replace(count_values("month", {name}), "month", "$1-$2", "month", "(....)(..)")'


def at_time(expr):
    """An instant as Grafana wants it: in milliseconds."""
    return f"1000 * {expr}"


def in_days(expr):
    """Whole days, of seconds."""
    return f"floor(({expr}) / 86400)"


def largest(labels, name, count, query):
    """The largest of a metric, which bounds how much is drawn."""
    return f"topk({count}, {query.by(labels, name)})"


def own(name, *matchers):
    """A metric of the exporter's process, or of a scrape of it: `job` may select others' targets, too."""
    selector = f"{name}{{{', '.join([TARGET, *matchers])}}}"
    return f"{selector} and on (job, instance) {exporters()}"


def own_over(function, name, window, *matchers):
    """A function over time of a metric of the exporter's process."""
    selector = f"{name}{{{', '.join([TARGET, *matchers])}}}"
    return f"{function}({selector}[{window}]) and on (job, instance) {exporters()}"


def exporters():
    """The exporters there were within a day: one that is down is still one."""
    return f"last_over_time(lyvecloud_exporter_build_info{{{TARGET}}}[1d])"


def per_hour(query, name, *matchers):
    """How much a counter of polls went up in an hour; they are minutes to hours apart."""
    return f"increase({query.of(name, *matchers)}[1h])"


def rules_loaded():
    """0 where the shipped rules are loaded."""
    return f'0 * max({RULES_LOADED}{{job=~"$job", account=~".+"}})'
