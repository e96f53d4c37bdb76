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
    written: Written,
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Series.
    pub series: u64,
    /// Samples of all series.
    pub samples: u64,
    /// Bytes of the whole text.
    pub bytes: u64,
}

impl<W: Write> Dated<W> {
    /// Writes to `out`, best a buffered one.
    pub fn new(out: W) -> Self {
        Self {
            out,
            head: String::new(),
            line: String::new(),
            stamp: String::new(),
            written: Written::default(),
        }
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
        self.put_head()?;
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
            self.written.samples += 1;
            self.written.bytes += (self.line.len() + self.stamp.len()) as u64;
        }
        self.written.series += 1;
        Ok(())
    }

    fn put_head(&mut self) -> io::Result<()> {
        self.out.write_all(self.head.as_bytes())?;
        self.written.bytes += self.head.len() as u64;
        self.head.clear();
        Ok(())
    }

    /// Ends the page: how much it is.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn finish(mut self) -> io::Result<Written> {
        self.out.write_all(END.as_bytes())?;
        self.out.flush()?;
        self.written.bytes += END.len() as u64;
        Ok(self.written)
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
        let written = page.finish().unwrap();
        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            r#"# HELP a_bytes A \"b\".
# TYPE a_bytes gauge
# UNIT a_bytes bytes
a_bytes{one="q\"\\\n",two="x"} 534500000000 60
a_bytes{one="q\"\\\n",two="x"} 534500000000 120
a_bytes 0.5 -1
# EOF
"#
        );
        assert_eq!(written, Written { series: 2, samples: 3, bytes: out.len() as u64 });
    }
}
