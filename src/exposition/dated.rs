use std::fmt::Write as _;
use std::io::{self, Write};

use super::Format;
use super::lines::{self, END};

/// Writes families in OpenMetrics whose samples carry timestamps, as they come: nothing is kept.
#[derive(Debug)]
pub struct Dated<W> {
    out: W,
    /// The lines before the samples of a family that has none yet.
    head: String,
    line: String,
    stamp: String,
}

impl<W: Write> Dated<W> {
    /// Writes to `out`, best a buffered one.
    pub const fn new(out: W) -> Self {
        Self { out, head: String::new(), line: String::new(), stamp: String::new() }
    }

    /// Begins a family, which is left out where no series follows. `name` is the name of its samples, `kind` the type's
    /// word.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.head.clear();
        lines::header(Format::OpenMetrics, name, kind, help, &mut self.head);
    }

    /// Writes one series of the family: the same value at each of `seconds` since 1970, which ascend.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn series<'a>(
        &mut self,
        name: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
        value: f64,
        seconds: impl Iterator<Item = i64>,
    ) -> io::Result<()> {
        self.out.write_all(self.head.as_bytes())?;
        self.head.clear();
        self.line.clear();
        self.line.push_str(name);
        lines::labels(labels, &mut self.line);
        // Writing to a string does not fail.
        let _ = write!(self.line, " {value} ");
        for second in seconds {
            self.stamp.clear();
            let _ = writeln!(self.stamp, "{second}");
            self.out.write_all(self.line.as_bytes())?;
            self.out.write_all(self.stamp.as_bytes())?;
        }
        Ok(())
    }

    /// Ends the page.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(END.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_has_its_second_and_names_are_escaped() {
        let mut out = Vec::new();
        let mut page = Dated::new(&mut out);
        page.family("none", "gauge", "None.");
        page.family("a_bytes", "gauge", "A \"b\".");
        let labels = [("one", "q\"\\\n"), ("two", "x")];
        page.series("a_bytes", labels.into_iter(), 534_500_000_000.0, [60, 120].into_iter()).unwrap();
        page.series("a_bytes", std::iter::empty(), 0.5, std::iter::once(-1)).unwrap();
        page.finish().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"# HELP a_bytes A \"b\".
# TYPE a_bytes gauge
# UNIT a_bytes bytes
a_bytes{one="q\"\\\n",two="x"} 534500000000 60
a_bytes{one="q\"\\\n",two="x"} 534500000000 120
a_bytes 0.5 -1
# EOF
"#
        );
    }
}
