//! The lines of both formats: Prometheus text 0.0.4 and OpenMetrics 1.0.0.

use std::fmt::{Display, Write as _};

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::Format;

/// The last line of a page in OpenMetrics.
pub(super) const END: &str = "# EOF\n";

/// Units that OpenMetrics names on a line of their own, where a family's name ends in one.
const UNITS: [&str; 2] = ["bytes", "seconds"];

/// Writes the lines that stand before the samples of a family. `name` is the name of the samples, `kind` the type's
/// word, which is the same in both formats.
pub(super) fn header(format: Format, name: &str, kind: &str, help: &str, out: &mut String) {
    // OpenMetrics names a counter's family without the ending that its samples carry.
    let family = match format {
        Format::OpenMetrics if kind == "counter" => name.strip_suffix("_total").unwrap_or(name),
        _ => name,
    };
    for part in ["# HELP ", family, " "] {
        out.push_str(part);
    }
    escape(help, format == Format::OpenMetrics, out);
    for part in ["\n# TYPE ", family, " ", kind, "\n"] {
        out.push_str(part);
    }
    if format == Format::OpenMetrics
        && let Some(unit) = unit(family)
    {
        for part in ["# UNIT ", family, " ", unit, "\n"] {
            out.push_str(part);
        }
    }
}

fn unit(family: &str) -> Option<&'static str> {
    let (_, last) = family.rsplit_once('_')?;
    UNITS.into_iter().find(|unit| *unit == last)
}

/// Writes a family of the client library's registry. The registry makes gauges, counters and histograms; a family of another
/// type is left out.
pub(super) fn family(format: Format, family: &MetricFamily, out: &mut String) {
    let (name, kind) = (family.name(), family.get_field_type());
    let word = match kind {
        MetricType::GAUGE => "gauge",
        MetricType::COUNTER => "counter",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY | MetricType::UNTYPED => return,
    };
    header(format, name, word, family.help(), out);
    for metric in family.get_metric() {
        match kind {
            MetricType::GAUGE => sample([name, ""], pairs(metric), metric.get_gauge().get_value(), out),
            MetricType::COUNTER => sample([name, ""], pairs(metric), metric.get_counter().get_value(), out),
            _ => {
                let histogram = metric.get_histogram();
                for bucket in histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite())
                {
                    let bound = bucket.upper_bound();
                    let bound = match format {
                        Format::Text => bound.to_string(),
                        // Debug writes a whole number as a float, "1.0", which is the one way to write a bound.
                        Format::OpenMetrics => format!("{bound:?}"),
                    };
                    let labels = pairs(metric).chain([("le", bound.as_str())]);
                    sample([name, "_bucket"], labels, bucket.cumulative_count(), out);
                }
                let count = histogram.get_sample_count();
                sample([name, "_bucket"], pairs(metric).chain([("le", "+Inf")]), count, out);
                sample([name, "_sum"], pairs(metric), histogram.get_sample_sum(), out);
                sample([name, "_count"], pairs(metric), count, out);
            }
        }
    }
}

fn pairs(metric: &Metric) -> impl Iterator<Item = (&str, &str)> {
    metric.get_label().iter().map(|label| (label.name(), label.value()))
}

/// Writes the line of a sample.
pub(super) fn sample<'a>(
    name: [&str; 2],
    labels: impl Iterator<Item = (&'a str, &'a str)>,
    value: impl Display,
    out: &mut String,
) {
    name.iter().for_each(|part| out.push_str(part));
    self::labels(labels, out);
    // Writing to a string does not fail.
    let _ = writeln!(out, " {value}");
}

/// Writes the labels of a sample with their braces; nothing where there is none.
pub(super) fn labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>, out: &mut String) {
    let mut open = false;
    for (name, value) in labels {
        for part in [if open { "," } else { "{" }, name, "=\""] {
            out.push_str(part);
        }
        escape(value, true, out);
        out.push('"');
        open = true;
    }
    if open {
        out.push('}');
    }
}

fn escape(text: &str, quotes: bool, out: &mut String) {
    for part in text.split_inclusive(['\\', '\n', '"']) {
        let mut characters = part.chars();
        let escaped = match characters.next_back() {
            Some('\\') => "\\\\",
            Some('\n') => "\\n",
            Some('"') if quotes => "\\\"",
            _ => {
                out.push_str(part);
                continue;
            }
        };
        out.push_str(characters.as_str());
        out.push_str(escaped);
    }
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector as _;
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

    use super::*;

    const HELP: &str = "A \"b\" \\ c\nd.";

    #[test]
    fn the_two_formats_differ_in_escapes_the_counters_name_and_the_unit() {
        let both = |name, kind| {
            [Format::Text, Format::OpenMetrics].map(|format| {
                let mut out = String::new();
                header(format, name, kind, HELP, &mut out);
                out
            })
        };
        assert_eq!(
            both("a_seconds_total", "counter"),
            [
                "# HELP a_seconds_total A \"b\" \\\\ c\\nd.\n# TYPE a_seconds_total counter\n",
                "# HELP a_seconds A \\\"b\\\" \\\\ c\\nd.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n"
            ]
        );
        assert_eq!(
            both("kilobytes", "gauge"),
            [
                "# HELP kilobytes A \"b\" \\\\ c\\nd.\n# TYPE kilobytes gauge\n",
                "# HELP kilobytes A \\\"b\\\" \\\\ c\\nd.\n# TYPE kilobytes gauge\n"
            ]
        );
    }

    #[test]
    fn a_registry_in_openmetrics() {
        let gauge = IntGauge::new("b_bytes", "Bytes.").unwrap();
        gauge.set(-3);
        let counter = IntCounterVec::new(Opts::new("c_total", "Count."), &["name"]).unwrap();
        counter.with_label_values(&["q\"\\\n"]).inc_by(7);
        let histogram = HistogramVec::new(
            HistogramOpts::new("d_seconds", "Time.").buckets(vec![0.25, 1.0, f64::INFINITY]),
            &["to"],
        )
        .unwrap();
        histogram.with_label_values(&["x"]).observe(0.5);
        let mut out = String::new();
        for collected in [gauge.collect(), counter.collect(), histogram.collect()] {
            collected.iter().for_each(|each| family(Format::OpenMetrics, each, &mut out));
        }
        assert_eq!(
            out,
            r#"# HELP b_bytes Bytes.
# TYPE b_bytes gauge
# UNIT b_bytes bytes
b_bytes -3
# HELP c Count.
# TYPE c counter
c_total{name="q\"\\\n"} 7
# HELP d_seconds Time.
# TYPE d_seconds histogram
# UNIT d_seconds seconds
d_seconds_bucket{to="x",le="0.25"} 0
d_seconds_bucket{to="x",le="1.0"} 1
d_seconds_bucket{to="x",le="+Inf"} 1
d_seconds_sum{to="x"} 0.5
d_seconds_count{to="x"} 1
"#
        );
    }
}
