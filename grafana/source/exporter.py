"""The exporter itself: whether it runs, is configured well, and reaches whom it has to reach."""

import common as c
import grafana as g
from promql import ALL, TARGET, at_time, by, exporters, own

HEALTH = {1: ("✔ Good", g.OK), 0: ("✖ Broken", g.BAD)}


def since_build(selector):
    """What the exporter's processes have; a foreign target may have the same names."""
    return f"{selector} and on (job, instance) {exporters()}"


def alarms():
    up = own("up")

    def worst(name):
        return f"min({name}{{{TARGET}}})"

    sent = f"lyvecloud_exporter_notifications_total{{{TARGET}, result"
    return g.line(
        4,
        g.stat("Exporters", "Down: a target that was an exporter within the last day and does not answer.",
               [g.target(f"count(({up}) == 0) or 0 * count({exporters()})", "down"), g.target(f"sum({up})", "up")], 4,
               name=True, thresholds=g.steps(), noValue="No exporter is scraped",
               overrides=[g.override("down", thresholds=c.alarm(), mappings=g.words(c.NONE))]),
        g.stat("Configuration", "Broken: the last reload failed, and the configuration from before is in force; a restart "
               "would fail.", [g.target(worst("lyvecloud_exporter_config_last_reload_successful"))], 4, unit="none",
               mappings=g.words(HEALTH), noValue="Not known"),
        g.stat("Web configuration", "Broken: a change of passwords or certificates is held back, as something in it is "
               "wrong.", [g.target(worst("lyvecloud_exporter_web_config_last_reload_successful"))], 4, unit="none",
               mappings=g.words(HEALTH), noValue="Not used"),
        g.stat("State file", "Broken: it could not be written. After a restart there are no figures until the vendor has "
               "answered.", [g.target(worst("lyvecloud_exporter_state_file_last_write_successful"))], 4, unit="none",
               mappings=g.words(HEALTH), noValue="Not used"),
        g.stat("Notifications not delivered", "Posts to an Alertmanager that failed within the last hour. Only where the "
               "exporter sends alerts by itself.", [g.target(f'sum(increase({sent}="failed"}}[1h]))')], 4, decimals=0,
               thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="Not used"),
        g.stat("Errors of its own", "Tasks that ended by an error of the exporter within the last day, and were started "
               "again.", [g.target(f"sum(increase(lyvecloud_exporter_task_panics_total{{{TARGET}}}[1d]))")], 4, decimals=0,
               thresholds=c.alarm(), mappings=g.words(c.NONE), noValue="Not known"),
    )


def totals():
    up = ALL.by("account, collector", "lyvecloud_collector_up")
    success = ALL.by("account, collector", "lyvecloud_collector_last_success_timestamp_seconds")
    return g.line(
        4,
        g.stat("Collectors that fail", "Of all accounts; the table has which.",
               [g.target(f"count({up} == 0) or 0 * count({up})")], 4, thresholds=c.alarm(color=g.WARN),
               mappings=g.words(c.NONE), noValue="Not known"),
        g.stat("Oldest figures", "How long ago the collector was read that is the longest not read. Of one that was never "
               "read nothing is known.", [g.target(f"topk(1, time() - {success})", "{{account}}: {{collector}}")], 6,
               unit="dtdurations", decimals=0, name=True, thresholds=c.AGE, filled=False, noValue="Nothing was read yet"),
        g.stat("Version", "Of each exporter that answers.",
               [g.target(f"max by (version) (lyvecloud_exporter_build_info{{{TARGET}}})", "{{version}}")], 4, unit="none",
               text="name", noValue="Not known"),
        g.stat("Last start", "When the exporter that was started last was.",
               [g.target(f"max({at_time(own('process_start_time_seconds'))})")], 4, unit="dateTimeFromNow",
               noValue="Not known"),
        g.stat("Series", "How many samples the scrapes have.", [g.target(f"sum({own('scrape_samples_scraped')})")], 6,
               noValue="Not known"),
    )


def freshness():
    success = ALL.by("account, collector", "lyvecloud_collector_last_success_timestamp_seconds")
    failures = ALL.of("lyvecloud_collector_failures_total")
    return [
        g.line(
            9,
            c.failing_collectors(ALL, 12),
            g.timeseries("Failed polls an hour, by reason", "How many polls failed within the hour before each point.",
                         [g.over_time(f"sum by (reason) (increase({failures}[1h])) and on (reason) "
                                      f"sum by (reason) (increase({failures}[$__range] @ end())) > 0", "{{reason}}")],
                         12, unit="short", stacked=True, noValue="✔ No poll failed"),
        ),
        g.line(
            9,
            g.timeseries("Age of the figures, by collector", "Of the account where the collector's figures are the oldest.",
                         [g.over_time(f"max by (collector) (time() - {success})", "{{collector}}")], 8, unit="dtdurations"),
            g.timeseries("Polls an hour", "How many polls ended within the hour before each point.",
                         [g.over_time(f"sum by (collector) (increase({ALL.of('lyvecloud_collector_polls_total')}[1h]))",
                                      "{{collector}}")], 8, unit="short"),
            g.timeseries("Duration of the last poll", "Requests and waits together; of the account where it took longest.",
                         [g.over_time(ALL.by("collector", "lyvecloud_collector_last_duration_seconds"), "{{collector}}")], 8,
                         unit="s"),
        ),
    ]


def notifications():
    sent = f"increase(lyvecloud_exporter_notifications_total{{{TARGET}}}[1h])"
    dropped = f"increase({ALL.of('lyvecloud_series_dropped_total')}[$__range])"
    return g.line(
        9,
        g.timeseries("Posts to Alertmanagers an hour", "Only where the exporter sends alerts by itself. Failed ones are made "
                     "again a minute later.",
                     [g.over_time(f"sum by (alertmanager, result) ({sent})", "{{result}}: {{alertmanager}}")], 12,
                     unit="short", noValue="The exporter sends no alerts by itself"),
        c.table("Series left out", "What the vendor listed and is not shown, in the time range. `limit`: more than "
                "series.max_per_account allows.",
                [c.open_account(), g.column("Reason", label="reason"),
                 g.column("Left out", f"topk($top, sum {by('account, reason')} ({dropped}) > 0)", unit="short", decimals=0)],
                12, sort="-Left out", noValue="✔ Nothing was left out"),
    )


def api():
    bucket = f"lyvecloud_api_request_duration_seconds_bucket{{{TARGET}}}"
    count = f"lyvecloud_api_request_duration_seconds_count{{{TARGET}}}"

    def quantile(share, by, window):
        return f"histogram_quantile({share}, sum by ({by}) (increase({bucket}[{window}])))"

    asked = f"sum by (endpoint) (increase({count}[$__range])) > 0"

    def hourly(label, name):
        return g.over_time(f"sum by ({label}) (increase({ALL.of(name)}[1h]))", f"{{{{{label}}}}}")

    return [
        g.line(
            9,
            g.timeseries("Latency of the vendor's API", "Of the requests within the hour before each point, all accounts "
                         "together.",
                         [g.over_time(quantile(share, "le", "1h"), legend) for share, legend in
                          ((0.5, "median"), (0.9, "90 %"), (0.99, "99 %"))], 12, unit="s"),
            g.table("Latency, by endpoint", "Of the requests in the time range.",
                    [g.column("Endpoint", label="endpoint"),
                     g.column("Requests", asked, unit="short", decimals=0)]
                    + [g.column(name, f"{quantile(share, 'endpoint, le', '$__range')} and on (endpoint) ({asked})", unit="s") for share, name in
                       ((0.5, "Median"), (0.9, "90 %"), (0.99, "99 %"))],
                    12, sort="-99 %", noValue="No request in the time range"),
        ),
        g.line(
            9,
            g.timeseries("Requests an hour, by answer", "The answer's status, or the reason why there was none.",
                         [hourly("code", "lyvecloud_api_requests_total")], 8, unit="short", stacked=True),
            g.timeseries("Requests an hour, by endpoint", "All accounts together.",
                         [hourly("endpoint", "lyvecloud_api_requests_total")], 8, unit="short", stacked=True),
            g.timeseries("Logins an hour", "Rejected: by the vendor. Failed: it decided nothing.",
                         [hourly("result", "lyvecloud_logins_total")], 8, unit="short", stacked=True),
        ),
    ]


def process():
    cpu = since_build(f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval])")
    return [
        g.line(
            9,
            g.timeseries("Duration of a scrape", "As Prometheus sees it.",
                         [g.over_time(f"max by (instance) ({own('scrape_duration_seconds')})", "{{instance}}")], 12,
                         unit="s"),
            g.timeseries("Samples of a scrape", "How many series the exporter has.",
                         [g.over_time(f"max by (instance) ({own('scrape_samples_scraped')})", "{{instance}}")], 12,
                         unit="short"),
        ),
        g.line(
            9,
            g.timeseries("Processor", "Cores in use.", [g.over_time(f"sum by (instance) ({cpu})", "{{instance}}")], 8,
                         unit="none"),
            g.timeseries("Memory", "Resident memory.",
                         [g.over_time(f"max by (instance) ({own('process_resident_memory_bytes')})", "{{instance}}")], 8,
                         unit="decbytes"),
            g.timeseries("Open files", "And how many the process may open.",
                         [g.over_time(f"max by (instance) ({own('process_open_fds')})", "{{instance}}"),
                          g.over_time(f"max by (instance) ({own('process_max_fds')})", "{{instance}}: limit")], 8,
                         unit="short"),
        ),
        g.line(
            5,
            g.table("Builds", "What the exporters were built from.",
                    [g.column("Instance", label="instance"), g.column("Version", label="version"),
                     g.column("Revision", label="revision"), g.column("Compiler", label="rustc"),
                     g.column(None, "max by (instance, version, revision, rustc) "
                              f"(lyvecloud_exporter_build_info{{{TARGET}}})")],
                    24, sort="Instance"),
        ),
    ]


def build():
    return c.dashboard(
        c.EXPORTER,
        "The exporter for Seagate Lyve Cloud itself: whether it runs, whether its configuration and its files are good, what it "
        "cannot read, and how the vendor's API answers.",
        ALL,
        c.variables(c.accounts(), c.rows_shown()),
        [
            g.row(None, alarms(), totals()),
            g.row("Freshness and failures", *freshness()),
            g.row("Notifications, and what is left out", notifications()),
            g.row("The vendor's API", *api(), collapsed=True),
            g.row("Scrapes and the process", *process(), collapsed=True),
        ],
        refresh="1m", since="now-24h",
    )
